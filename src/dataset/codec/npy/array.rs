//! The values of an `.npy` file, row by row in either memory order.

use std::ops::ControlFlow;

use super::header::NpyHeader;
use super::{BLOCK_BYTES, DatasetError, Kind, PositionedFile, check_shape};

/// Bytes of a Fortran-order block once it is decoded. Each block reads one strip of every column, so larger blocks mean
/// longer strips: 64 MiB of 32-bit values keep them above a disk page up to 16,000 columns.
const TRANSPOSED_BYTES: usize = 64 << 20;

/// Two axes of values of one width.
pub(super) struct Array {
    file: PositionedFile,
    data_offset: u64,
    rows: usize,
    dim: usize,
    value_bytes: usize,
    fortran_order: bool,
    /// Values that are decoded at a time.
    pub(super) block_values: usize,
}

/// Receives a row's index and its decoded values; breaks when it has had enough.
type ValueSink<'a, V> = dyn FnMut(usize, &[V]) -> Result<ControlFlow<()>, DatasetError> + 'a;

impl Array {
    /// Values of `value_bytes` each in the file, and of `decoded_bytes` once they are decoded.
    pub(super) fn new(
        file: PositionedFile,
        kind: Kind,
        header: NpyHeader,
        value_bytes: usize,
        decoded_bytes: usize,
    ) -> Result<Self, DatasetError> {
        let NpyHeader { fortran_order, shape, data_offset, .. } = header;
        let &[rows, dim] = shape.as_slice() else { return Err(DatasetError::Axes { shape }) };
        let (rows, dim) = check_shape(kind, rows, dim)?;
        // Cannot overflow: check_shape bounds the product to 2^56.
        let expected = data_offset + rows as u64 * dim as u64 * value_bytes as u64;
        if expected != file.bytes() {
            return Err(DatasetError::Length { expected, found: file.bytes() });
        }
        let block_values =
            if fortran_order { TRANSPOSED_BYTES / decoded_bytes } else { BLOCK_BYTES / value_bytes };
        Ok(Self { file, data_offset, rows, dim, value_bytes, fortran_order, block_values })
    }

    /// Rows, and values per row.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.dim)
    }

    /// Bytes held while rows stream by, each value decoded into so many.
    pub(super) fn reading_bytes(&self, decoded_bytes: usize) -> u64 {
        let rows = self.block_rows();
        let block = rows * self.dim;
        // Fortran order is read one strip of a column at a time.
        let raw = if self.fortran_order { rows } else { block };
        (block * decoded_bytes + raw * self.value_bytes) as u64
    }

    /// Rows that are decoded at a time.
    fn block_rows(&self) -> usize {
        (self.block_values / self.dim).clamp(1, self.rows)
    }

    /// Decodes every row in order; ends early without error when the sink breaks.
    pub(super) fn read_blocks<V: Copy + Default>(
        &self,
        decode: impl Fn(&[u8]) -> V + Copy,
        sink: &mut ValueSink<'_, V>,
    ) -> Result<(), DatasetError> {
        let block_rows = self.block_rows();
        let mut block = vec![V::default(); block_rows * self.dim];
        let mut bytes = Vec::new();
        for first in (0..self.rows).step_by(block_rows) {
            let rows = block_rows.min(self.rows - first);
            let block = &mut block[..rows * self.dim];
            if self.fortran_order {
                for column in 0..self.dim {
                    self.read_values(column * self.rows + first, rows, &mut bytes)?;
                    self.decode_into(&bytes, decode, block[column..].iter_mut().step_by(self.dim));
                }
            } else {
                self.read_values(first * self.dim, block.len(), &mut bytes)?;
                self.decode_into(&bytes, decode, block.iter_mut());
            }
            for (row, values) in (first..).zip(block.chunks_exact(self.dim)) {
                if sink(row, values)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Replaces `bytes` by `count` values from the `start`-th on.
    fn read_values(&self, start: usize, count: usize, bytes: &mut Vec<u8>) -> Result<(), DatasetError> {
        bytes.resize(count * self.value_bytes, 0);
        let offset = self.data_offset + start as u64 * self.value_bytes as u64;
        Ok(self.file.read_exact_at(bytes, offset)?)
    }

    /// The bytes of a value as the file has it, for the message that refuses it.
    pub(super) fn value(&self, row: usize, column: usize) -> Result<Vec<u8>, DatasetError> {
        let place = if self.fortran_order { column * self.rows + row } else { row * self.dim + column };
        let mut bytes = Vec::new();
        self.read_values(place, 1, &mut bytes)?;
        Ok(bytes)
    }

    fn decode_into<'a, V: 'a>(
        &self,
        bytes: &[u8],
        decode: impl Fn(&[u8]) -> V,
        out: impl Iterator<Item = &'a mut V>,
    ) {
        for (out, bytes) in out.zip(bytes.chunks_exact(self.value_bytes)) {
            *out = decode(bytes);
        }
    }
}
