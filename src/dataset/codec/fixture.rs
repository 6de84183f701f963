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
