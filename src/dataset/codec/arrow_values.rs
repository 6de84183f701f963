//! Arrow schemas and arrays as matrices and attribute columns.

use std::ops::{ControlFlow, Range};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int64Type, Schema, UInt64Type,
};
use arrow::error::ArrowError;

use super::element::{Element, narrow_row};
use super::guard::malformed;
use super::sparse::FIELDS;
use super::{Column, DatasetError, Format, RowSink};
use crate::dataset::column::{ColumnInfo, ColumnType};

/// The field that holds the vectors: the one named, else the only one that can.
pub(super) fn vectors_field(schema: &Schema, named: Option<&str>) -> Result<usize, DatasetError> {
    if let Some(name) = named {
        let index = field(schema, name)?;
        let found = schema.field(index).data_type();
        if !is_float_list(found) {
            let expected = "a list of floats of 16, 32 or 64 bits";
            return Err(DatasetError::ColumnType { name: name.into(), found: found.to_string(), expected });
        }
        return Ok(index);
    }
    let fields = schema.fields().iter().enumerate();
    let candidates: Vec<usize> =
        fields.filter(|(_, f)| is_float_list(f.data_type())).map(|(i, _)| i).collect();
    match candidates[..] {
        [only] => Ok(only),
        [] if let Some(field) = schema.fields().iter().find(|f| is_integer_list(f.data_type())) => {
            let found = format!("{} in column {:?}", field.data_type(), field.name());
            Err(DatasetError::ElementType { found })
        }
        _ => {
            let candidates = candidates.into_iter().map(|i| schema.field(i).name().clone()).collect();
            Err(DatasetError::VectorColumn { candidates })
        }
    }
}

/// Position of a field.
pub(super) fn field(schema: &Schema, name: &str) -> Result<usize, DatasetError> {
    schema.index_of(name).map_err(|_| {
        let known = schema.fields().iter().map(|field| field.name().clone()).collect();
        DatasetError::UnknownColumn { name: name.into(), known }
    })
}

/// Positions of the columns of a table of entries, which has no column of vectors and no other column.
pub(super) fn entry_fields(schema: &Schema) -> Option<[usize; 3]> {
    let place = |name: &str, fits: fn(&DataType) -> bool| {
        schema.index_of(name).ok().filter(|place| fits(schema.field(*place).data_type()))
    };
    let [rows, columns, values] = FIELDS;
    let found =
        [place(rows, DataType::is_integer)?, place(columns, DataType::is_integer)?, place(values, is_float)?];
    (schema.fields().len() == found.len()).then_some(found)
}

/// Positions of the two columns of a table that has the entries of a matrix row by row.
pub(super) fn entry_list_fields(schema: &Schema) -> Option<[usize; 2]> {
    let place = |name: &str, fits: fn(&DataType) -> bool| {
        schema.index_of(name).ok().filter(|place| fits(schema.field(*place).data_type()))
    };
    let [_, columns, values] = FIELDS;
    Some([place(columns, is_integer_list)?, place(values, is_float_list)?])
}

/// The fields that can be attributes.
pub(super) fn attributes(schema: &Schema) -> Vec<ColumnInfo> {
    let fields = schema.fields().iter();
    fields
        .filter_map(|field| {
            let kind = attribute_type(field.data_type())?;
            Some(ColumnInfo { name: field.name().clone(), kind })
        })
        .collect()
}

/// What attribute a type of arrays is, or `None` where it is none.
pub(super) fn attribute_type(found: &DataType) -> Option<ColumnType> {
    if found.is_integer() {
        return Some(ColumnType::Integer);
    }
    if is_float(found) {
        return Some(ColumnType::Float);
    }
    if found.is_string() {
        return Some(ColumnType::String);
    }
    if let DataType::Dictionary(_, values) = found {
        return attribute_type(values);
    }
    (*found == DataType::Boolean).then_some(ColumnType::Boolean)
}

fn is_float(found: &DataType) -> bool {
    matches!(found, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_float_list(found: &DataType) -> bool {
    list_of(found).is_some_and(is_float)
}

fn is_integer_list(found: &DataType) -> bool {
    list_of(found).is_some_and(DataType::is_integer)
}

/// The type of a list's entries.
pub(super) fn list_of(found: &DataType) -> Option<&DataType> {
    if let DataType::List(values) | DataType::LargeList(values) | DataType::FixedSizeList(values, _) = found {
        Some(values.data_type())
    } else {
        None
    }
}

/// An array of lists: the values of all of them, and where each begins and ends.
pub(super) struct Lists<'a> {
    array: &'a dyn Array,
    pub(super) values: &'a ArrayRef,
    range: Box<dyn Fn(usize) -> Range<usize> + 'a>,
}

impl<'a> Lists<'a> {
    pub(super) fn new(array: &'a dyn Array) -> Option<Self> {
        if let Some(lists) = array.as_list_opt::<i32>() {
            let offsets = lists.value_offsets();
            let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
            return Some(Self { array, values: lists.values(), range: Box::new(range) });
        }
        if let Some(lists) = array.as_list_opt::<i64>() {
            let offsets = lists.value_offsets();
            let range = move |row: usize| offsets[row] as usize..offsets[row + 1] as usize;
            return Some(Self { array, values: lists.values(), range: Box::new(range) });
        }
        let lists = array.as_fixed_size_list_opt()?;
        let length = lists.value_length() as usize;
        let range = move |row: usize| row * length..(row + 1) * length;
        Some(Self { array, values: lists.values(), range: Box::new(range) })
    }

    /// Where the values of a list are; `None` where it is null.
    pub(super) fn get(&self, index: usize) -> Option<Range<usize>> {
        self.array.is_valid(index).then(|| (self.range)(index))
    }

    /// Where the values of each list are, the first list as row `first`.
    pub(super) fn ranges(
        &self,
        first: usize,
    ) -> impl Iterator<Item = Result<(usize, Range<usize>), DatasetError>> + '_ {
        (0..self.array.len()).map(move |index| match self.array.is_null(index) {
            true => Err(DatasetError::NullRow { row: first + index }),
            false => Ok((first + index, (self.range)(index))),
        })
    }
}

/// Length of the first list of an array that is not empty.
pub(super) fn first_length(array: &dyn Array) -> Result<u64, DatasetError> {
    if array.is_null(0) {
        return Err(DatasetError::NullRow { row: 0 });
    }
    Ok(Lists::new(array).map_or(0, |lists| (lists.range)(0).len() as u64))
}

/// Hands every list of `array` to the sink as a row of 32-bit floats, the first one as row `first`.
pub(super) fn read_lists(
    array: &dyn Array,
    first: usize,
    dim: usize,
    buffer: &mut Vec<f32>,
    sink: &mut RowSink<'_>,
) -> Result<ControlFlow<()>, DatasetError> {
    let wrong = || DatasetError::ElementType { found: array.data_type().to_string() };
    let lists = Lists::new(array).ok_or_else(wrong)?;
    let element = lists.values.data_type();
    if *element == DataType::Float16 {
        read_typed::<Float16Type>(&lists, first, dim, buffer, sink)
    } else if *element == DataType::Float32 {
        read_typed::<Float32Type>(&lists, first, dim, buffer, sink)
    } else if *element == DataType::Float64 {
        read_typed::<Float64Type>(&lists, first, dim, buffer, sink)
    } else {
        Err(wrong())
    }
}

fn read_typed<T>(
    lists: &Lists<'_>,
    first: usize,
    dim: usize,
    buffer: &mut Vec<f32>,
    sink: &mut RowSink<'_>,
) -> Result<ControlFlow<()>, DatasetError>
where
    T: ArrowPrimitiveType,
    T::Native: Element,
{
    let values = lists.values.as_primitive::<T>().values();
    let nulls = lists.values.nulls().filter(|nulls| nulls.null_count() > 0);
    for place in lists.ranges(first) {
        let (row, range) = place?;
        if range.len() != dim {
            return Err(DatasetError::Ragged { row, expected: dim, found: range.len() });
        }
        if let Some(column) = nulls.and_then(|nulls| range.clone().position(|place| nulls.is_null(place))) {
            return Err(DatasetError::NullValue { row, column });
        }
        narrow_row(row, &values[range], buffer)?;
        if sink(row, buffer).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Where an array of an attribute begins.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) column: &'a str,
    pub(super) row: usize,
}

/// An array of any width or encoding as one of the four types.
pub(super) enum Attribute {
    /// Texts, and which of them each row has where that is not its own.
    Strings(StringViewArray, Option<Int64Array>),
    Integers(Int64Array),
    Floats(Float64Array),
    Booleans(BooleanArray),
}

impl Attribute {
    /// Converts an array, and refuses what the type cannot hold.
    pub(super) fn of(
        array: &dyn Array,
        kind: ColumnType,
        format: Format,
        place: Place<'_>,
    ) -> Result<Self, DatasetError> {
        let unreadable = |error| malformed(format, error);
        Ok(match kind {
            ColumnType::String => {
                // A dictionary's texts are converted once, not once for each row that has them.
                let dictionary = array.as_any_dictionary_opt();
                let texts = dictionary.map_or(array, |dictionary| &**dictionary.values());
                let texts = convert(texts, &DataType::Utf8View).map_err(unreadable)?;
                let keys = dictionary.map(|dictionary| integers(dictionary.keys())).transpose();
                Self::Strings(texts.as_string_view().clone(), keys.map_err(unreadable)?)
            }
            ColumnType::Integer => {
                if let Some(wide) = array.as_primitive_opt::<UInt64Type>() {
                    let beyond =
                        |value: &Option<u64>| value.is_some_and(|value| i64::try_from(value).is_err());
                    if let Some((index, Some(value))) = wide.iter().enumerate().find(|(_, v)| beyond(v)) {
                        let (column, row) = (place.column.into(), place.row + index);
                        return Err(DatasetError::IntegerRange { column, row, value });
                    }
                }
                Self::Integers(integers(array).map_err(unreadable)?)
            }
            ColumnType::Float => Self::Floats(floats(array).map_err(unreadable)?),
            ColumnType::Boolean => {
                let plain = convert(array, &DataType::Boolean).map_err(unreadable)?;
                Self::Booleans(plain.as_boolean().clone())
            }
        })
    }

    /// Appends the values to a column of their type. Every text asks `admit` for its bytes first: a dictionary can repeat a
    /// long one at little cost.
    pub(super) fn append_to(
        &self,
        column: &mut Column,
        admit: &mut dyn FnMut(usize) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        match (self, column) {
            (Self::Strings(texts, keys), Column::Strings(out)) => {
                for row in 0..keys.as_ref().map_or(texts.len(), Int64Array::len) {
                    let place = match keys {
                        None => Some(row),
                        Some(keys) if keys.is_null(row) => None,
                        Some(keys) => usize::try_from(keys.value(row)).ok(),
                    };
                    let text = place.filter(|place| *place < texts.len() && !texts.is_null(*place));
                    let text = text.map(|place| texts.value(place));
                    admit(text.map_or(0, str::len))?;
                    out.push(text.map(str::to_owned));
                }
            }
            (Self::Integers(values), Column::Integers(out)) => out.extend(values),
            (Self::Floats(values), Column::Floats(out)) => out.extend(values),
            (Self::Booleans(values), Column::Booleans(out)) => out.extend(values),
            // A column of another type has no such values.
            (Self::Strings(..) | Self::Integers(_) | Self::Floats(_) | Self::Booleans(_), _) => {}
        }
        Ok(())
    }
}

/// Integers of any width, those beyond 64 signed bits as the largest.
pub(super) fn integers(array: &dyn Array) -> Result<Int64Array, ArrowError> {
    if let Some(wide) = array.as_primitive_opt::<UInt64Type>() {
        return Ok(wide.unary(|value| i64::try_from(value).unwrap_or(i64::MAX)));
    }
    Ok(convert(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// Floats of any width.
pub(super) fn floats(array: &dyn Array) -> Result<Float64Array, ArrowError> {
    Ok(convert(array, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn convert(array: &dyn Array, target: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() })
}
