//! Arrow schemas and arrays as matrices and attribute columns.

use std::ops::{ControlFlow, Range};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float16Type, Float32Type, Float64Type, Int64Type, Schema, UInt64Type,
};
use arrow::error::ArrowError;

use super::element::{Element, narrow_row};
use super::{Column, DatasetError, RowSink};
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
    if let DataType::List(values) | DataType::LargeList(values) | DataType::FixedSizeList(values, _) = found {
        is_float(values.data_type())
    } else {
        false
    }
}

/// An array of lists: the values of all of them, and where each begins and ends.
struct Lists<'a> {
    array: &'a dyn Array,
    values: &'a ArrayRef,
    range: Box<dyn Fn(usize) -> Range<usize> + 'a>,
}

impl<'a> Lists<'a> {
    fn new(array: &'a dyn Array) -> Option<Self> {
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
    for index in 0..lists.array.len() {
        let row = first + index;
        if lists.array.is_null(index) {
            return Err(DatasetError::NullRow { row });
        }
        let range = (lists.range)(index);
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

/// An empty column of a type, to be appended to.
pub(super) fn empty_column(kind: ColumnType) -> Column {
    match kind {
        ColumnType::String => Column::Strings(Vec::new()),
        ColumnType::Integer => Column::Integers(Vec::new()),
        ColumnType::Float => Column::Floats(Vec::new()),
        ColumnType::Boolean => Column::Booleans(Vec::new()),
    }
}

/// Why an array could not be appended to a column.
pub(super) enum AppendError {
    /// A value too large for 64 signed bits, at this index of the array.
    Range { index: usize, value: u64 },
    /// A conversion that Arrow refuses.
    Arrow(ArrowError),
}

/// Appends an array of any width or encoding to the column of its type.
pub(super) fn append(array: &dyn Array, column: &mut Column) -> Result<(), AppendError> {
    let plain = |target: DataType| {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(array, &target, &options).map_err(AppendError::Arrow)
    };
    match column {
        Column::Strings(out) => {
            out.extend(
                plain(DataType::Utf8)?.as_string::<i32>().iter().map(|value| value.map(str::to_owned)),
            );
        }
        Column::Integers(out) => {
            if let Some(wide) = array.as_primitive_opt::<UInt64Type>() {
                let beyond = |value: &Option<u64>| value.is_some_and(|value| i64::try_from(value).is_err());
                if let Some((index, Some(value))) = wide.iter().enumerate().find(|(_, value)| beyond(value)) {
                    return Err(AppendError::Range { index, value });
                }
            }
            out.extend(plain(DataType::Int64)?.as_primitive::<Int64Type>().iter());
        }
        Column::Floats(out) => out.extend(plain(DataType::Float64)?.as_primitive::<Float64Type>().iter()),
        Column::Booleans(out) => out.extend(plain(DataType::Boolean)?.as_boolean().iter()),
    }
    Ok(())
}
