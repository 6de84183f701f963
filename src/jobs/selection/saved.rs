//! A run's saved state as bytes. Versioned by its first byte.

use serde::{Deserialize, Serialize};
use submodular::Saved;
use submodular::certificate::{Basis, Certificate};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct SavedRecord {
    version: u8,
    step: u64,
    took: Vec<(u32, f64)>,
    discarded: Vec<u32>,
    upper: Vec<f64>,
    empty: f64,
    /// Bound, and whether a fresh sweep gave it.
    certificate: Option<(f64, bool)>,
    evaluations: u64,
    numbers: Vec<f64>,
    sets: Vec<Vec<u32>>,
    inner: Option<Box<SavedRecord>>,
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
            certificate: certificate.map(|c| (c.upper_bound, c.basis == Basis::FreshSweep)),
            evaluations: *evaluations,
            numbers: numbers.clone(),
            sets: sets.clone(),
            inner: inner.as_deref().map(|inner| Box::new(inner.into())),
        }
    }
}

impl From<SavedRecord> for Saved {
    fn from(record: SavedRecord) -> Self {
        let basis = |fresh| if fresh { Basis::FreshSweep } else { Basis::StalePrefixes };
        Self {
            step: record.step,
            took: record.took,
            discarded: record.discarded,
            upper: record.upper,
            empty: record.empty,
            certificate: (record.certificate)
                .map(|(upper_bound, fresh)| Certificate { upper_bound, basis: basis(fresh) }),
            evaluations: record.evaluations,
            numbers: record.numbers,
            sets: record.sets,
            inner: record.inner.map(|inner| Box::new((*inner).into())),
        }
    }
}

pub(super) fn encode(saved: &Saved) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_stdvec(&SavedRecord::from(saved))
}

pub(super) fn decode(bytes: &[u8]) -> Result<Saved, postcard::Error> {
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
            certificate: Some(Certificate { upper_bound: 12.0, basis: Basis::FreshSweep }),
            evaluations: 99,
            numbers: vec![2.0],
            sets: vec![vec![1, 2], vec![]],
            inner: Some(Box::new(inner)),
        };
        assert_eq!(decode(&encode(&saved).unwrap()), Ok(saved));
        assert!(decode(&[2, 0, 0]).is_err() && decode(&[]).is_err() && decode(&[1, 5]).is_err());
    }
}
