//! A run's saved state as bytes. Versioned by its first byte.

use serde::{Deserialize, Serialize};
use submodular::Saved;
use submodular::certificate::{Basis, Certificate};

const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
struct SavedRecord {
    version: u8,
    step: u64,
    took: Vec<(u32, f64)>,
    discarded: Vec<u32>,
    upper: Vec<f64>,
    empty: f64,
    /// Bound, and the place of its basis among [`BASES`].
    certificate: Option<(f64, u8)>,
    evaluations: u64,
    numbers: Vec<f64>,
    sets: Vec<Vec<u32>>,
    inner: Option<Box<SavedRecord>>,
}

/// In the order of their numbers in records.
const BASES: [Basis; 3] = [Basis::StalePrefixes, Basis::FreshSweep, Basis::Proved];

fn place(basis: Basis) -> u8 {
    match basis {
        Basis::StalePrefixes => 0,
        Basis::FreshSweep => 1,
        Basis::Proved => 2,
    }
}

impl From<&Saved> for SavedRecord {
    fn from(saved: &Saved) -> Self {
        // Field by field, so that a new one cannot be forgotten.
        let Saved { step, took, discarded, upper, empty, certificate, evaluations, numbers, sets, inner } =
            saved;
        Self {
            version: VERSION,
            step: *step,
            took: took.clone(),
            discarded: discarded.clone(),
            upper: upper.clone(),
            empty: *empty,
            certificate: certificate.map(|c| (c.upper_bound, place(c.basis))),
            evaluations: *evaluations,
            numbers: numbers.clone(),
            sets: sets.clone(),
            inner: inner.as_deref().map(|inner| Box::new(inner.into())),
        }
    }
}

impl From<SavedRecord> for Saved {
    fn from(record: SavedRecord) -> Self {
        Self {
            step: record.step,
            took: record.took,
            discarded: record.discarded,
            upper: record.upper,
            empty: record.empty,
            certificate: (record.certificate).and_then(|(upper_bound, at)| {
                Some(Certificate { upper_bound, basis: *BASES.get(usize::from(at))? })
            }),
            evaluations: record.evaluations,
            numbers: record.numbers,
            sets: record.sets,
            inner: record.inner.map(|inner| Box::new((*inner).into())),
        }
    }
}

pub(in crate::jobs) fn encode(saved: &Saved) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_stdvec(&SavedRecord::from(saved))
}

pub(in crate::jobs) fn decode(bytes: &[u8]) -> Result<Saved, postcard::Error> {
    if bytes.first() != Some(&VERSION) {
        return Err(postcard::Error::DeserializeBadEncoding);
    }
    postcard::from_bytes::<SavedRecord>(bytes).map(Saved::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_state_survives_its_bytes() {
        let inner = Saved { step: 3, upper: vec![f64::INFINITY, 0.5], ..Saved::default() };
        let saved = Saved {
            step: 7,
            took: vec![(4, 1.5), (0, 0.25)],
            discarded: vec![9],
            upper: vec![1.0; 3],
            empty: -0.5,
            certificate: Some(Certificate { upper_bound: 12.0, basis: Basis::Proved }),
            evaluations: 99,
            numbers: vec![2.0],
            sets: vec![vec![1, 2], vec![]],
            inner: Some(Box::new(inner)),
        };
        assert_eq!(decode(&encode(&saved).unwrap()), Ok(saved));
        assert!(decode(&[1, 0, 0]).is_err() && decode(&[]).is_err() && decode(&[2, 5]).is_err());
    }
}
