use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListArray, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, Int64Type, UInt64Type};
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::super::fixture::{open, refusal, rows};
use super::*;
use crate::dataset::codec::{Format, Source};

type Rows<T> = Vec<Option<Vec<Option<T>>>>;

/// The same table in both formats, cut into groups of two rows.
fn written(columns: Vec<(&str, ArrayRef)>) -> [(Format, Vec<u8>); 2] {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let (mut stream, mut parquet) = (Vec::new(), Vec::new());
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    for first in (0..batch.num_rows()).step_by(2) {
        writer.write(&batch.slice(first, 2.min(batch.num_rows() - first))).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    let groups = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), Some(groups)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    [(Format::Arrow, stream), (Format::Parquet, parquet)]
}

fn similarity() -> Options {
    Options { kind: Some(Kind::Similarity), ..Options::default() }
}

fn columns(lists: Rows<i32>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))
}

fn values(lists: Rows<f32>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(lists))
}

/// Lists without nulls.
fn full<T>(lists: Vec<Vec<T>>) -> Rows<T> {
    lists.into_iter().map(|list| Some(list.into_iter().map(Some).collect())).collect()
}

fn entries(source: &Source) -> Vec<(u32, u32, f32)> {
    let mut found = Vec::new();
    let read = source.for_each_entry::<DatasetError>(&mut |Entry { row, column, value }| {
        found.push((row, column, value));
        Ok(())
    });
    read.unwrap();
    found
}

#[test]
fn rows_of_lists_are_the_matrix_with_its_zeros_and_keep_their_attributes() {
    // Unsorted, an empty row, and a zero that is written out.
    let lists: [&[u8]; 4] = [&[2, 0], &[], &[1], &[3, 0, 2]];
    let numbers: [&[f32]; 4] = [&[0.25, 1.0], &[], &[-0.5], &[1.0, 0.0, 0.125]];
    let narrow = full(lists.map(|list| list.iter().map(|&x| i32::from(x)).collect()).to_vec());
    let wide = full(lists.map(|list| list.iter().map(|&x| u64::from(x)).collect()).to_vec());
    let wide: ArrayRef = Arc::new(LargeListArray::from_iter_primitive::<UInt64Type, _, _>(wide));
    let single = full(numbers.map(<[f32]>::to_vec).to_vec());
    let double = full(numbers.map(|list| list.iter().map(|&x| f64::from(x)).collect()).to_vec());
    let double: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(double));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
    let matrix =
        vec![vec![1.0, 0.0, 0.25, 0.0], vec![0.0; 4], vec![0.0, -0.5, 0.0, 0.0], vec![0.0, 0.0, 0.125, 1.0]];
    for (columns, values) in [(columns(narrow), values(single)), (wide, double)] {
        let table = vec![("name", names.clone()), ("values", values), ("cols", columns)];
        for (format, bytes) in written(table) {
            let options = Options { id: Some("name".into()), ..similarity() };
            let source = open(&bytes, format, &options).unwrap();
            assert_eq!((source.kind(), source.rows(), source.dim()), (Kind::Similarity, 4, 4), "{format}");
            assert_eq!((source.validate().unwrap(), source.sparse_entries()), (None, Some(6)));
            assert_eq!(rows(&source), matrix, "{format}");
            let given = [(0, 0, 1.0), (0, 2, 0.25), (2, 1, -0.5), (3, 2, 0.125), (3, 3, 1.0)];
            assert_eq!(entries(&source), given, "{format}");
            assert_eq!(source.columns().iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["name"]);
            assert_eq!(source.ids().unwrap().unwrap().len(), 4);
        }
    }
}

#[test]
fn the_first_bad_row_is_named_with_its_place() {
    let good = || full(vec![vec![0], vec![1, 2], vec![2]]);
    let ones = || full(vec![vec![1.0], vec![1.0, 1.0], vec![1.0]]);
    let with = |lists: Rows<i32>, numbers: Rows<f32>| (columns(lists), values(numbers));
    let (mut null_row, mut null_value) = (good(), ones());
    null_row[2] = None;
    null_value[1].as_mut().unwrap()[1] = None;
    let mut null_column = good();
    null_column[1].as_mut().unwrap()[0] = None;
    let mut no_values = ones();
    no_values[1] = None;
    let beyond: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(full(vec![
        vec![0],
        vec![1, i64::from(u32::MAX) + 2],
        vec![2],
    ])));
    let cases = [
        (with(full(vec![vec![0], vec![1], vec![2, 0]]), ones()), "row 1 has 1 cols and 2 values"),
        (with(good(), full(vec![vec![1.0], vec![1.0, 1.0], vec![]])), "row 2 has 1 cols and 0 values"),
        (
            with(full(vec![vec![0], vec![1, 3], vec![2]]), ones()),
            "row 1, entry 1: cols is 3, expected 0 to 2",
        ),
        (
            with(full(vec![vec![0], vec![1, 2], vec![-1]]), ones()),
            "row 2, entry 0: cols is -1, expected 0 to 2",
        ),
        ((beyond, values(ones())), "row 1, entry 1: cols is 4294967297, expected 0 to 2"),
        (with(full(vec![vec![0], vec![2, 2], vec![2]]), ones()), "row 1, column 2 is given twice"),
        (with(null_row, ones()), "row 2 is null"),
        (with(good(), no_values), "row 1 is null"),
        (with(null_column, ones()), "row 1, entry 0: cols is null"),
        (with(good(), null_value), "row 1, column 2 is null"),
        (
            with(good(), full(vec![vec![1.0], vec![f32::NAN, 1.0], vec![1.0]])),
            "row 1, column 1: NaN is not a finite number",
        ),
    ];
    for ((columns, values), message) in cases {
        for (format, bytes) in written(vec![("cols", columns.clone()), ("values", values.clone())]) {
            let error = refusal(&bytes, format, &similarity());
            assert_eq!(error.to_string(), message, "{format}");
            assert!(
                ["invalid_matrix", "shape_mismatch", "duplicate_item"].contains(&error.code()),
                "{message}: {}",
                error.code()
            );
        }
    }
}

#[test]
fn lists_of_values_named_by_the_caller_are_a_dense_matrix() {
    let columns = columns(full(vec![vec![1, 0], vec![0, 1]]));
    let values = values(full(vec![vec![1.0, 0.5], vec![0.0, 1.0]]));
    for (format, bytes) in written(vec![("cols", columns.clone()), ("values", values.clone())]) {
        let dense =
            open(&bytes, format, &Options { vectors: Some("values".into()), ..similarity() }).unwrap();
        assert_eq!((dense.sparse_entries(), rows(&dense)), (None, vec![vec![1.0, 0.5], vec![0.0, 1.0]]));
        // Of a dense matrix the entries are what is not 0.
        assert_eq!(entries(&dense), [(0, 0, 1.0), (0, 1, 0.5), (1, 1, 1.0)]);
        let stopped = dense.for_each_entry::<DatasetError>(&mut |entry| match entry.column {
            0 => Ok(()),
            _ => Err(DatasetError::EmptyBody),
        });
        assert!(matches!(stopped, Err(DatasetError::EmptyBody)));
        let sparse = open(&bytes, format, &similarity()).unwrap();
        assert_eq!(rows(&sparse), [vec![0.5, 1.0], vec![0.0, 1.0]]);
    }
}
