//! Bytes as open sources, for the tests of every codec.

use std::io::Write;

use tempfile::NamedTempFile;

use super::{DatasetError, Format, Options, Source};

/// Enough for everything but what is too large.
pub(super) const HELD_BYTES: u64 = 64 << 20;

/// Opens bytes as a dataset. The file is unlinked at once, which an open source must survive.
pub(super) fn open(bytes: &[u8], format: Format, options: &Options) -> Result<Source, DatasetError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Source::open(file.path(), format, options, HELD_BYTES)
}

/// What is wrong with bytes: the first error of opening and reading everything.
pub(super) fn refusal(bytes: &[u8], format: Format, options: &Options) -> DatasetError {
    match open(bytes, format, options).and_then(|source| source.validate()) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(bytes)),
        Err(error) => error,
    }
}

/// All rows, after checking that they come in order and have the promised shape.
pub(super) fn rows(source: &Source) -> Vec<Vec<f32>> {
    let mut rows = Vec::new();
    let read = source.for_each_row::<DatasetError>(&mut |row, values| {
        assert_eq!((row, values.len()), (rows.len(), source.dim()));
        rows.push(values.to_vec());
        Ok(())
    });
    read.unwrap();
    assert_eq!(rows.len(), source.rows());
    rows
}

/// Every voter's classes of tied candidates, best first, and weight, after checking that voters come in order.
pub(super) fn rankings(source: &Source) -> Vec<(Vec<Vec<u32>>, f64)> {
    let mut voters = Vec::new();
    let read = source.for_each_ranking::<DatasetError>(&mut |ranking| {
        assert_eq!(ranking.voter, voters.len());
        let alone: Vec<usize> = (1..=ranking.items.len()).collect();
        let ends = ranking.ends.unwrap_or(&alone);
        assert_eq!(ends.last(), Some(&ranking.items.len()));
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let classes = starts.zip(ends).map(|(start, end)| ranking.items[start..*end].to_vec());
        voters.push((classes.collect(), ranking.weight));
        Ok(())
    });
    read.unwrap();
    assert_eq!(voters.len(), source.rows());
    voters
}
