//! `.npy`: a matrix of 16, 32 or 64-bit floats, either byte order, either memory order.

mod header;

#[cfg(test)]
mod tests;

use half::f16;

use super::element::Element;
use super::positioned::PositionedFile;
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, EntrySink, Format, Header, Ids, Kind, Options, RowSink,
    check_shape, refuse_column_parameters,
};

/// Values of a Fortran-order block. Each block reads one strip of every column, so larger blocks
/// mean longer strips: 64 MiB keeps them above a disk page up to 16,000 columns.
const TRANSPOSED_VALUES: usize = 16 << 20;

struct Npy {
    file: PositionedFile,
    data_offset: u64,
    rows: usize,
    dim: usize,
    width: Width,
    big_endian: bool,
    fortran_order: bool,
    /// Values that are decoded at a time.
    block_values: usize,
}

#[derive(Clone, Copy)]
enum Width {
    Half,
    Single,
    Double,
}

pub(super) fn open(
    file: PositionedFile,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    let (header, npy) = Npy::new(file, options)?;
    Ok((header, Box::new(npy)))
}

impl Codec for Npy {
    fn read_rows(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        match self.width {
            Width::Half => self.read_typed::<f16>(sink),
            Width::Single => self.read_typed::<f32>(sink),
            Width::Double => self.read_typed::<f64>(sink),
        }
    }

    fn read_entries(&self, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        super::read_dense_entries(self, sink)
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(None)
    }

    fn ids_bytes(&self) -> u64 {
        0
    }

    fn reading_bytes(&self) -> u64 {
        let rows = self.block_rows();
        let block = rows * self.dim;
        // Fortran order is read one strip of a column at a time.
        let raw = if self.fortran_order { rows } else { block };
        (block * size_of::<f32>() + raw * self.width.bytes()) as u64
    }

    fn decoded_bytes(&self) -> u64 {
        // Nothing is packed: the file has them all.
        0
    }
}

impl Npy {
    fn new(file: PositionedFile, options: &Options) -> Result<(Header, Self), DatasetError> {
        refuse_column_parameters(Format::Npy, options)?;
        let header::NpyHeader { descr, fortran_order, shape, data_offset } = header::read(&file)?;
        let (width, big_endian) = element_type(&descr)?;
        let &[rows, dim] = shape.as_slice() else { return Err(DatasetError::Axes { shape }) };
        let kind = options.kind.unwrap_or(Kind::Vectors);
        let (rows, dim) = check_shape(kind, rows, dim)?;
        // Cannot overflow: check_shape bounds the product to 2^56.
        let expected = data_offset + rows as u64 * dim as u64 * width.bytes() as u64;
        if expected != file.bytes() {
            return Err(DatasetError::Length { expected, found: file.bytes() });
        }
        let block_values = if fortran_order { TRANSPOSED_VALUES } else { BLOCK_BYTES / width.bytes() };
        let header = Header { kind, rows, dim, columns: Vec::new(), vectors: None };
        Ok((header, Self { file, data_offset, rows, dim, width, big_endian, fortran_order, block_values }))
    }

    /// Rows that are decoded at a time.
    fn block_rows(&self) -> usize {
        (self.block_values / self.dim).clamp(1, self.rows)
    }

    fn read_typed<T: Element>(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        let block_rows = self.block_rows();
        let mut block = vec![0.0; block_rows * self.dim];
        let mut bytes = Vec::new();
        for first in (0..self.rows).step_by(block_rows) {
            let rows = block_rows.min(self.rows - first);
            let block = &mut block[..rows * self.dim];
            if self.fortran_order {
                self.fill_transposed::<T>(first, rows, block, &mut bytes)?;
            } else {
                self.read_values::<T>(first * self.dim, block.len(), &mut bytes)?;
                decode_into::<T>(&bytes, self.big_endian, block.iter_mut());
            }
            for (row, values) in (first..).zip(block.chunks_exact(self.dim)) {
                if let Some(column) = values.iter().position(|value| !value.is_finite()) {
                    let value = self.original::<T>(row, column)?;
                    return Err(DatasetError::NotFinite { row, column, value });
                }
                if sink(row, values).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn fill_transposed<T: Element>(
        &self,
        first: usize,
        rows: usize,
        block: &mut [f32],
        bytes: &mut Vec<u8>,
    ) -> Result<(), DatasetError> {
        for column in 0..self.dim {
            self.read_values::<T>(column * self.rows + first, rows, bytes)?;
            decode_into::<T>(bytes, self.big_endian, block[column..].iter_mut().step_by(self.dim));
        }
        Ok(())
    }

    /// Replaces `bytes` by `count` values from the `start`-th on.
    fn read_values<T: Element>(
        &self,
        start: usize,
        count: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<(), DatasetError> {
        bytes.resize(count * T::SIZE, 0);
        Ok(self.file.read_exact_at(bytes, self.data_offset + start as u64 * T::SIZE as u64)?)
    }

    /// A value as the file has it, for the message that refuses it.
    fn original<T: Element>(&self, row: usize, column: usize) -> Result<f64, DatasetError> {
        let place = if self.fortran_order { column * self.rows + row } else { row * self.dim + column };
        let mut bytes = Vec::new();
        self.read_values::<T>(place, 1, &mut bytes)?;
        Ok(T::decode(&bytes, self.big_endian).widen())
    }
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::Half => f16::SIZE,
            Self::Single => f32::SIZE,
            Self::Double => f64::SIZE,
        }
    }
}

fn decode_into<'a, T: Element>(bytes: &[u8], big_endian: bool, out: impl Iterator<Item = &'a mut f32>) {
    for (out, bytes) in out.zip(bytes.chunks_exact(T::SIZE)) {
        *out = T::decode(bytes, big_endian).narrow();
    }
}

fn element_type(descr: &str) -> Result<(Width, bool), DatasetError> {
    let unknown = || DatasetError::ElementType { found: descr.into() };
    let (order, kind) = descr.split_at_checked(1).ok_or_else(unknown)?;
    let big_endian = match order {
        "<" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        _ => return Err(unknown()),
    };
    match kind {
        "f2" => Ok((Width::Half, big_endian)),
        "f4" => Ok((Width::Single, big_endian)),
        "f8" => Ok((Width::Double, big_endian)),
        _ => Err(unknown()),
    }
}
