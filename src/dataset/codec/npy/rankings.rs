//! Rankings as an array of integers: one row a voter, as many places as there are candidates, -1 behind the last one.

#[cfg(test)]
mod tests;

use super::array::Array;
use super::header::NpyHeader;
use super::{Codec, Column, DatasetError, Ids, Kind, PositionedFile, byte_order};
use crate::dataset::codec::ballot::{Ballot, RankingSink};
use crate::dataset::error::RankingError;

/// What a place without a candidate holds.
const PAD: i64 = -1;

pub(super) struct NpyRankings {
    pub(super) array: Array,
    integer: Integer,
}

/// A type of integers.
#[derive(Debug, Clone, Copy)]
struct Integer {
    bytes: usize,
    signed: bool,
    big_endian: bool,
}

impl NpyRankings {
    pub(super) fn new(file: PositionedFile, header: NpyHeader) -> Result<Self, DatasetError> {
        let integer = Integer::of(&header.descr)?;
        let array = Array::new(file, Kind::Rankings, header, integer.bytes, size_of::<i64>())?;
        Ok(Self { array, integer })
    }
}

impl Integer {
    fn of(descr: &str) -> Result<Self, RankingError> {
        let (big_endian, kind) = byte_order(descr).unzip();
        let (signed, bytes) = match kind {
            Some("i1") => (true, 1),
            Some("i2") => (true, 2),
            Some("i4") => (true, 4),
            Some("i8") => (true, 8),
            Some("u1") => (false, 1),
            Some("u2") => (false, 2),
            Some("u4") => (false, 4),
            Some("u8") => (false, 8),
            _ => {
                let expected =
                    "integers of 8 to 64 bits, the indices of candidates: convert other numbers first";
                return Err(RankingError::ElementType { found: descr.into(), expected });
            }
        };
        Ok(Self { bytes, signed, big_endian: big_endian.unwrap_or_default() })
    }

    /// A value; one beyond 64 signed bits as the largest, which is no candidate either.
    fn decode(self, bytes: &[u8]) -> i64 {
        let mut wide = [0; 8];
        let (to, from) = (&mut wide[..self.bytes], &bytes[..self.bytes]);
        to.copy_from_slice(from);
        if self.big_endian {
            to.reverse();
        }
        let value = u64::from_le_bytes(wide);
        if self.signed {
            let shift = 64 - 8 * self.bytes as u32;
            return (value << shift).cast_signed() >> shift;
        }
        i64::try_from(value).unwrap_or(i64::MAX)
    }
}

impl Codec for NpyRankings {
    fn read_rankings(&self, sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        let (_, candidates) = self.array.shape();
        let mut ballot = Ballot::new(candidates, 0);
        self.array.read_blocks(|bytes| self.integer.decode(bytes), &mut |voter, places| {
            ballot.begin(voter);
            let ranked = places.iter().position(|place| *place == PAD).unwrap_or(places.len());
            places[..ranked].iter().try_for_each(|place| ballot.place(*place))?;
            if let Some(behind) = places[ranked..].iter().position(|place| *place != PAD) {
                let position = ranked + behind;
                let found = places[position];
                return Err(RankingError::BehindPad { voter, position, found }.into());
            }
            Ok(sink(ballot.finish(1.0)?))
        })
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.into(), known: Vec::new() })
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        self.column(name, 0).map(drop)
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(None)
    }

    fn ids_bytes(&self) -> u64 {
        0
    }

    fn reading_bytes(&self) -> u64 {
        self.array.reading_bytes(size_of::<i64>()) + Ballot::bytes(self.array.shape().1)
    }

    fn decoded_bytes(&self) -> u64 {
        // Nothing is packed: the file has them all.
        0
    }
}
