//! `.npy`: a matrix of 16, 32 or 64-bit floats, or rankings as integers; either byte order, either memory order.

mod array;
mod header;
mod rankings;

#[cfg(test)]
mod tests;

use half::f16;

use super::element::Element;
use super::positioned::PositionedFile;
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, EntrySink, Format, Header, Ids, Kind, Options, RowSink,
    check_shape, refuse_column_parameters,
};
use array::Array;
use header::NpyHeader;

struct Npy {
    array: Array,
    width: Width,
    big_endian: bool,
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
    refuse_column_parameters(Format::Npy, options)?;
    let header = header::read(&file)?;
    let kind = options.kind.unwrap_or(Kind::Vectors);
    let (array, codec): (_, Box<dyn Codec>) = match kind {
        Kind::Vectors | Kind::Similarity => {
            let npy = Npy::new(file, kind, header)?;
            (npy.array.shape(), Box::new(npy))
        }
        Kind::Rankings => {
            let npy = rankings::NpyRankings::new(file, header)?;
            (npy.array.shape(), Box::new(npy))
        }
    };
    let (rows, dim) = array;
    Ok((Header { kind, rows, dim, columns: Vec::new(), vectors: None }, codec))
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
        self.array.reading_bytes(size_of::<f32>())
    }

    fn decoded_bytes(&self) -> u64 {
        // Nothing is packed: the file has them all.
        0
    }
}

impl Npy {
    fn new(file: PositionedFile, kind: Kind, header: NpyHeader) -> Result<Self, DatasetError> {
        let (width, big_endian) = element_type(&header.descr)?;
        let array = Array::new(file, kind, header, width.bytes(), size_of::<f32>())?;
        Ok(Self { array, width, big_endian })
    }

    fn read_typed<T: Element>(&self, sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        let decode = |bytes: &[u8]| T::decode(bytes, self.big_endian).narrow();
        self.array.read_blocks(decode, &mut |row, values| {
            if let Some(column) = values.iter().position(|value| !value.is_finite()) {
                let value = T::decode(&self.array.value(row, column)?, self.big_endian).widen();
                return Err(DatasetError::NotFinite { row, column, value });
            }
            Ok(sink(row, values))
        })
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

fn element_type(descr: &str) -> Result<(Width, bool), DatasetError> {
    let (big_endian, kind) = byte_order(descr).unzip();
    let width = match kind {
        Some("f2") => Width::Half,
        Some("f4") => Width::Single,
        Some("f8") => Width::Double,
        _ => return Err(DatasetError::ElementType { found: descr.into() }),
    };
    Ok((width, big_endian.unwrap_or_default()))
}

/// Whether a type is big-endian, and what it is beside.
fn byte_order(descr: &str) -> Option<(bool, &str)> {
    let (order, kind) = descr.split_at_checked(1)?;
    match order {
        "<" => Some((false, kind)),
        ">" => Some((true, kind)),
        "=" => Some((cfg!(target_endian = "big"), kind)),
        // Single bytes have no order.
        "|" if kind.ends_with('1') => Some((false, kind)),
        _ => None,
    }
}
