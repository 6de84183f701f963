//! The repetitions of a run as bytes. Versioned by their first byte.

use serde::{Deserialize, Serialize};
use submodular::committee::{Samples, Scores};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct SavedRecord<T> {
    version: u8,
    repetitions: Vec<T>,
}

/// A repetition in its stored form.
pub(super) trait Stored: Sized {
    type Record: Serialize + for<'a> Deserialize<'a>;
    fn record(&self) -> Self::Record;
    fn restore(record: Self::Record) -> Self;
}

impl Stored for Samples {
    type Record = (Vec<Option<f64>>, Vec<bool>);

    fn record(&self) -> Self::Record {
        let Self { ratios, proved } = self;
        (ratios.clone(), proved.clone())
    }

    fn restore((ratios, proved): Self::Record) -> Self {
        Self { ratios, proved }
    }
}

impl Stored for Scores {
    type Record = (f64, Vec<f64>);

    fn record(&self) -> Self::Record {
        let Self { weight, scores } = self;
        (*weight, scores.clone())
    }

    fn restore((weight, scores): Self::Record) -> Self {
        Self { weight, scores }
    }
}

pub(super) fn encode<T: Stored>(made: &[T]) -> Result<Vec<u8>, postcard::Error> {
    let repetitions = made.iter().map(Stored::record).collect();
    postcard::to_stdvec(&SavedRecord { version: VERSION, repetitions })
}

pub(super) fn decode<T: Stored>(bytes: &[u8]) -> Result<Vec<T>, postcard::Error> {
    if bytes.first() != Some(&VERSION) {
        return Err(postcard::Error::DeserializeBadEncoding);
    }
    let saved: SavedRecord<T::Record> = postcard::from_bytes(bytes)?;
    Ok(saved.repetitions.into_iter().map(T::restore).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_survive_their_bytes() {
        let samples = vec![Samples { ratios: vec![Some(0.1), None], proved: vec![true, false] }; 2];
        assert_eq!(decode(&encode(&samples).unwrap()), Ok(samples));
        let scores = vec![Scores { weight: 3.0, scores: vec![0.1, f64::MIN_POSITIVE] }];
        assert_eq!(decode(&encode(&scores).unwrap()), Ok(scores));
        assert!(decode::<Scores>(&[]).is_err() && decode::<Scores>(&[9, 0]).is_err());
    }
}
