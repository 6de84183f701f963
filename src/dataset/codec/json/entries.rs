//! The entries of a sparse similarity: three lists of one length, and the size of the matrix.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::body::{Number, Trace};
use crate::dataset::codec::sparse::{Entry, Sparse, below};
use crate::dataset::codec::{Kind, check_shape};
use crate::dataset::error::DatasetError;

/// The lists of a body, each `None` where it was absent.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) rows: Option<Vec<i64>>,
    pub(super) columns: Option<Vec<i64>>,
    pub(super) values: Option<Vec<f64>>,
}

impl Entries {
    /// Pointer to a list that was given.
    pub(super) fn first_field(&self) -> Option<&'static str> {
        let rows = self.rows.as_ref().map(|_| "/rows");
        rows.or(self.columns.as_ref().map(|_| "/cols")).or(self.values.as_ref().map(|_| "/values"))
    }

    /// The matrix of `size` rows.
    pub(super) fn into_sparse(self, size: Option<u64>) -> Result<Sparse, DatasetError> {
        let missing = |field: &str| {
            DatasetError::InvalidField("a similarity by its entries needs n, rows, cols and values".into())
                .at(field)
        };
        let size = size.ok_or_else(|| missing("/n"))?;
        check_shape(Kind::Similarity, size, size).map_err(|error| error.at("/n"))?;
        let rows = self.rows.ok_or_else(|| missing("/rows"))?;
        let columns = self.columns.ok_or_else(|| missing("/cols"))?;
        let values = self.values.ok_or_else(|| missing("/values"))?;
        for (field, found) in [("/cols", columns.len()), ("/values", values.len())] {
            if found != rows.len() {
                return Err(DatasetError::EntryCount { expected: rows.len(), found }.at(field));
            }
        }
        let mut entries = Vec::with_capacity(rows.len());
        for (place, ((row, column), value)) in rows.into_iter().zip(columns).zip(values).enumerate() {
            let row = below("rows", place, row, size).map_err(|e| e.at(format!("/rows/{place}")))?;
            let column = below("cols", place, column, size).map_err(|e| e.at(format!("/cols/{place}")))?;
            let narrow = value as f32;
            if !narrow.is_finite() {
                let error = DatasetError::NotFinite { row: row as usize, column: column as usize, value };
                return Err(error.at(format!("/values/{place}")));
            }
            entries.push(Entry { row, column, value: narrow });
        }
        Sparse::new(size as usize, entries).map_err(|error| error.at("/rows"))
    }
}

/// Reads a list of numbers; `null` is as good as absent.
pub(super) struct ListSeed<'a, T> {
    field: &'static str,
    trace: &'a mut Trace,
    item: PhantomData<T>,
}

impl<'a, T> ListSeed<'a, T> {
    pub(super) fn new(field: &'static str, trace: &'a mut Trace) -> Self {
        Self { field, trace, item: PhantomData }
    }
}

/// A number of a list.
pub(super) trait ListItem: Sized {
    /// What it must be.
    const EXPECTED: &'static str;
    fn of(number: f64) -> Option<Self>;
    /// What is wrong with a null in its place.
    fn null(field: &'static str, entry: usize) -> DatasetError {
        DatasetError::NullEntry { field, entry }
    }
}

impl ListItem for i64 {
    const EXPECTED: &'static str = "an index is a whole number";
    fn of(number: f64) -> Option<Self> {
        // Beyond 2^53 a float is no longer one number, and no index is as large.
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    }
}

impl ListItem for f64 {
    const EXPECTED: &'static str = "a number";
    fn of(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl<'de, T: ListItem> DeserializeSeed<'de> for ListSeed<'_, T> {
    type Value = Option<Vec<T>>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let Self { field, trace, .. } = self;
        let read = from.deserialize_any(ListSeed::new(field, &mut *trace));
        read.map_err(|error| trace.place(error, || field.into()))
    }
}

impl<'de, T: ListItem> Visitor<'de> for ListSeed<'_, T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Self::Value, A::Error> {
        let Self { field, trace, .. } = self;
        let mut list = Vec::new();
        loop {
            let entry = list.len();
            let place = || format!("{field}/{entry}");
            match numbers.next_element::<Number>() {
                Ok(Some(Number(Some(number)))) => match T::of(number) {
                    Some(item) => list.push(item),
                    None => {
                        let error = DatasetError::InvalidField(format!("{number}: {}", T::EXPECTED));
                        return Err(trace.refuse(place, error));
                    }
                },
                Ok(Some(Number(None))) => {
                    return Err(trace.refuse(place, T::null(&field[1..], entry)));
                }
                Ok(None) => return Ok(Some(list)),
                Err(error) => return Err(trace.place(error, place)),
            }
        }
    }
}
