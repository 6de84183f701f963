use std::io::Write;
use std::ops::ControlFlow;

use arrow::array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeListArray, Float64Array, Int32Array,
    LargeListArray, LargeStringArray, ListArray, PrimitiveArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use half::f16;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::super::fixture::{HELD_BYTES, open, refusal, rows};
use super::*;
use crate::dataset::codec::Kind;
use crate::dataset::column::{Column, ColumnType};

const DEBIAN: &[u8] = include_bytes!("../../../../tests/data/debian_2k.parquet");

/// Bytes of a file with these columns, cut into row groups of at most `group` rows.
fn parquet(columns: Vec<(&str, ArrayRef)>, group: usize) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true)));
    let batch = batch.unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn fixed<T: ArrowPrimitiveType>(dim: usize, values: Vec<Option<T::Native>>) -> ArrayRef {
    let values = PrimitiveArray::<T>::from_iter(values);
    let item = Arc::new(Field::new("item", T::DATA_TYPE, true));
    Arc::new(FixedSizeListArray::new(item, dim as i32, Arc::new(values), None))
}

fn lists<T: ArrowPrimitiveType>(rows: Vec<Option<Vec<Option<T::Native>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<T, _, _>(rows))
}

fn two_vectors() -> ArrayRef {
    fixed::<Float32Type>(2, [1.0, 2.0, 3.0, 4.0].map(Some).to_vec())
}

#[test]
fn real_embeddings_read_with_their_columns_and_ids() {
    let options = Options { id: Some("name".into()), ..Options::default() };
    let source = open(DEBIAN, Format::Parquet, &options).unwrap();
    assert_eq!((source.kind(), source.rows(), source.dim()), (Kind::Vectors, 2000, 384));
    assert_eq!(source.vectors_column(), Some("embedding"));
    let columns: Vec<_> = source.columns().iter().map(|c| (c.name.as_str(), c.kind)).collect();
    let (string, integer) = (ColumnType::String, ColumnType::Integer);
    assert_eq!(columns, [("name", string), ("section", string), ("installed_size", integer)]);
    let rows = rows(&source);
    assert_eq!((&rows[0][..2], rows[1999][383]), (&[-0.112_787_604, 0.026_774_582][..], 0.04000202));
    let sum: f64 = rows.iter().flatten().map(|v| f64::from(*v)).sum();
    assert!((sum + 54.037_395_683_470_01).abs() < 1e-6, "{sum}");
    let ids = source.ids().unwrap().unwrap();
    assert_eq!(
        (ids.len(), ids.get(1999), ids.row_of("msmtp-mta")),
        (2000, Some("libghc-text-show-prof"), Some(0))
    );
    let Column::Integers(sizes) = source.column("installed_size").unwrap() else { panic!("no integers") };
    assert_eq!(sizes.into_iter().flatten().sum::<i64>(), 15_525_078);
}

#[test]
fn every_kind_of_list_and_float_reads_back_across_row_groups() {
    let expected: Vec<Vec<f32>> =
        (0..7).map(|r| (0..3).map(|c| r as f32 * 0.5 - c as f32).collect()).collect();
    let flat = || expected.iter().flatten().copied();
    let nested = |row: &Vec<f32>| Some(row.iter().map(|v| Some(f64::from(*v))).collect::<Vec<_>>());
    let halves = |row: &Vec<f32>| Some(row.iter().map(|v| Some(f16::from_f32(*v))).collect::<Vec<_>>());
    let large = LargeListArray::from_iter_primitive::<Float32Type, _, _>(
        expected.iter().map(|row| Some(row.iter().copied().map(Some).collect::<Vec<_>>())),
    );
    let columns: Vec<ArrayRef> = vec![
        fixed::<Float16Type>(3, flat().map(|v| Some(f16::from_f32(v))).collect()),
        fixed::<Float32Type>(3, flat().map(Some).collect()),
        fixed::<Float64Type>(3, flat().map(|v| Some(f64::from(v))).collect()),
        lists::<Float16Type>(expected.iter().map(halves).collect()),
        lists::<Float64Type>(expected.iter().map(nested).collect()),
        Arc::new(large),
    ];
    for column in columns {
        for group in [1, 3, 100] {
            let bytes = parquet(vec![("v", column.clone())], group);
            let source = open(&bytes, Format::Parquet, &Options::default()).unwrap();
            assert_eq!(rows(&source), expected, "{} in groups of {group}", column.data_type());
        }
    }
}

#[test]
fn a_square_of_lists_can_be_a_similarity() {
    let options = Options { kind: Some(Kind::Similarity), ..Options::default() };
    let source = open(&parquet(vec![("s", two_vectors())], 9), Format::Parquet, &options).unwrap();
    assert_eq!((source.kind(), rows(&source)), (Kind::Similarity, vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
    let oblong = parquet(vec![("s", fixed::<Float32Type>(1, vec![Some(1.0), Some(2.0)]))], 9);
    let error = refusal(&oblong, Format::Parquet, &options);
    assert_eq!(error.to_string(), "a similarity must be square, found 2 rows of 1 values");
}

fn integers<T: ArrowPrimitiveType>(value: T::Native) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter([None, Some(value)]))
}

#[test]
fn attributes_of_every_width_and_encoding_become_four_types() {
    let text = [None, Some("b")];
    let dictionary: DictionaryArray<Int32Type> = text.into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("v", two_vectors()),
        ("utf8", Arc::new(StringArray::from_iter(text))),
        ("large", Arc::new(LargeStringArray::from_iter(text))),
        ("view", Arc::new(StringViewArray::from_iter(text))),
        ("dictionary", Arc::new(dictionary)),
        ("i8", integers::<Int8Type>(-7)),
        ("i16", integers::<Int16Type>(-7)),
        ("i32", integers::<Int32Type>(-7)),
        ("i64", integers::<Int64Type>(-7)),
        ("u8", integers::<UInt8Type>(200)),
        ("u16", integers::<UInt16Type>(200)),
        ("u32", integers::<UInt32Type>(200)),
        ("u64", integers::<UInt64Type>(200)),
        ("f16", integers::<Float16Type>(f16::from_f32(0.5))),
        ("f32", integers::<Float32Type>(0.5)),
        ("f64", integers::<Float64Type>(0.5)),
        ("flag", Arc::new(BooleanArray::from(vec![None, Some(true)]))),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![0, 1]))),
    ];
    let source = open(&parquet(columns, 1), Format::Parquet, &Options::default()).unwrap();
    let names: Vec<&str> = source.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!((names.len(), names.first(), names.last()), (16, Some(&"utf8"), Some(&"flag")));
    for column in source.columns() {
        let expected = match column.name.as_str() {
            "utf8" | "large" | "view" | "dictionary" => Column::Strings(vec![None, Some("b".into())]),
            "i8" | "i16" | "i32" | "i64" => Column::Integers(vec![None, Some(-7)]),
            "u8" | "u16" | "u32" | "u64" => Column::Integers(vec![None, Some(200)]),
            "flag" => Column::Booleans(vec![None, Some(true)]),
            _ => Column::Floats(vec![None, Some(0.5)]),
        };
        assert_eq!(source.column(&column.name).unwrap(), expected, "{}", column.name);
        assert_eq!(column.kind, expected.kind(), "{}", column.name);
    }
    let error = source.column("time").unwrap_err().to_string();
    assert!(error.starts_with("column \"time\" is Timestamp"), "{error}");
    assert!(
        source.column("none").unwrap_err().to_string().starts_with("no column \"none\"; there are [\"v\"")
    );
}

#[test]
fn what_cannot_be_the_vectors_is_refused_with_its_row() {
    let ones = |n: usize| Some(vec![Some(1.0f32); n]);
    let absent_row = FixedSizeListArray::new(
        Arc::new(Field::new("item", DataType::Float64, true)),
        1,
        Arc::new(Float64Array::from(vec![1.0, 2.0])),
        Some(NullBuffer::from(vec![true, false])),
    );
    let shared = OffsetBuffer::<i32>::from_lengths([1, 1]);
    let of_integers = ListArray::new(
        Arc::new(Field::new("item", DataType::Int32, true)),
        shared,
        Arc::new(Int32Array::from(vec![1, 2])),
        None,
    );
    let column = |array: ArrayRef| parquet(vec![("v", array)], 2);
    let cases = [
        (column(lists::<Float32Type>(vec![ones(2), ones(2), ones(3)])), "row 2 has 3 values, expected 2"),
        (column(lists::<Float32Type>(vec![ones(2), ones(0)])), "row 1 has 0 values, expected 2"),
        (column(lists::<Float32Type>(vec![ones(0), ones(0)])), "an empty matrix: 2 rows of 0 values"),
        (column(lists::<Float32Type>(vec![])), "an empty matrix: 0 rows of 0 values"),
        (column(lists::<Float32Type>(vec![ones(2), ones(2), None])), "row 2 is null"),
        (column(lists::<Float32Type>(vec![None, ones(2)])), "row 0 is null"),
        (column(Arc::new(absent_row)), "row 1 is null"),
        (
            column(fixed::<Float32Type>(2, vec![Some(1.0), Some(2.0), Some(3.0), None])),
            "row 1, column 1 is null",
        ),
        (
            column(fixed::<Float32Type>(2, [1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0].map(Some).to_vec())),
            "row 2, column 0: NaN is not a finite number",
        ),
        (
            column(lists::<Float64Type>(vec![Some(vec![Some(1.0), Some(-1e300)])])),
            "row 0, column 1: -1e300 is beyond the range of 32-bit floats",
        ),
        (
            column(Arc::new(of_integers)),
            "element type List(Int32) in column \"v\": expected floats of 16, 32 or 64 bits; convert other numbers to floats first, or send rankings with kind=rankings",
        ),
        (
            parquet(vec![("n", Arc::new(Int32Array::from(vec![1])))], 2),
            "no column is a list of floats, so none can be the vectors",
        ),
        (
            parquet(vec![("a", two_vectors()), ("b", two_vectors())], 2),
            "several columns could be the vectors: [\"a\", \"b\"]; name one with `vectors`",
        ),
        (
            parquet(vec![("v", two_vectors()), ("big", Arc::new(UInt64Array::from(vec![1, u64::MAX])))], 1),
            "column \"big\", row 1: 18446744073709551615 is larger than 9223372036854775807",
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(refusal(&bytes, Format::Parquet, &Options::default()).to_string(), message);
    }
}

#[test]
fn parameters_choose_among_columns_and_must_fit_them() {
    let bytes = parquet(
        vec![
            ("a", two_vectors()),
            ("b", two_vectors()),
            ("id", Arc::new(Int32Array::from(vec![5, 5]))),
            ("weight", Arc::new(Float64Array::from(vec![5.0, 6.0]))),
            ("gap", Arc::new(Int32Array::from(vec![Some(5), None]))),
        ],
        9,
    );
    let options = |vectors: &str, id: Option<&str>| Options {
        vectors: Some(vectors.into()),
        id: id.map(str::to_owned),
        ..Options::default()
    };
    let source = open(&bytes, Format::Parquet, &options("b", None)).unwrap();
    assert_eq!((source.vectors_column(), rows(&source).len()), (Some("b"), 2));
    for (options, message, code) in [
        (
            options("c", None),
            "no column \"c\"; there are [\"a\", \"b\", \"id\", \"weight\", \"gap\"]",
            "invalid_parameter",
        ),
        (
            options("id", None),
            "column \"id\" is Int32, expected a list of floats of 16, 32 or 64 bits",
            "invalid_parameter",
        ),
        (options("a", Some("id")), "row 1 has the id \"5\" of row 0", "duplicate_item"),
        (options("a", Some("gap")), "row 1 has no id", "invalid_parameter"),
        (
            options("a", Some("weight")),
            "column \"weight\" is float, expected strings or integers",
            "invalid_parameter",
        ),
    ] {
        let error = refusal(&bytes, Format::Parquet, &options);
        assert_eq!((error.to_string().as_str(), error.code()), (message, code));
    }
}

#[test]
fn a_column_is_checked_without_being_held_and_held_only_as_far_as_there_is_room() {
    const ROWS: usize = 3_000_000;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("v", fixed::<Float32Type>(1, vec![Some(1.0); ROWS])),
        ("n", Arc::new(StringArray::new_null(ROWS))),
        ("big", Arc::new(UInt64Array::from_iter((0..ROWS).map(|row| (row == 0).then_some(7))))),
    ];
    let bytes = parquet(columns, ROWS);
    assert!(bytes.len() < 1 << 18, "{}", bytes.len());
    let source = open(&bytes, Format::Parquet, &Options::default()).unwrap();
    assert_eq!(source.validate().unwrap(), None);
    let told = format!("column \"n\" takes {} bytes of memory or more, at most {HELD_BYTES} are", ROWS * 24);
    let error = source.column("n").unwrap_err();
    assert!(error.to_string().starts_with(&told), "{error}");
    assert_eq!(source.column("big").unwrap().len(), ROWS);
    let named = Options { id: Some("big".into()), ..Options::default() };
    let error = refusal(&bytes, Format::Parquet, &named);
    assert!(matches!(error, DatasetError::ColumnTooLarge { .. }), "{error}");
    assert_eq!(error.code(), "invalid_parameter");
    // Two bytes a value, one for each column.
    assert_eq!(source.decoded_bytes(), 5 * ROWS as u64);
}

#[test]
fn a_text_that_a_page_repeats_is_not_copied_for_each_row() {
    let text = "x".repeat(1 << 16);
    let dictionary: DictionaryArray<Int32Type> = std::iter::repeat_n(Some(text.as_str()), 500).collect();
    let plain: StringArray = std::iter::repeat_n(Some(text.as_str()), 500).collect();
    for texts in [Arc::new(dictionary) as ArrayRef, Arc::new(plain)] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&parquet(vec![("n", texts)], 500)).unwrap();
        let table = Parquet::new(PositionedFile::new(file).unwrap()).unwrap();
        let mut rows = 0;
        table
            .read(0, 8192, &mut |array| {
                rows += array.len();
                assert!(array.get_buffer_memory_size() < 4 << 16, "{}", array.get_buffer_memory_size());
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        assert_eq!(rows, 500);
    }
}

#[test]
fn no_truncation_is_accepted_and_no_flipped_byte_panics() {
    let whole = parquet(vec![("v", two_vectors()), ("n", Arc::new(StringArray::from(vec!["a", "b"])))], 1);
    for bytes in 1..whole.len() {
        assert_eq!(refusal(&whole[..bytes], Format::Parquet, &Options::default()).code(), "malformed_body");
    }
    for place in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= mask;
            // Either outcome is right: a flipped value is still a value.
            if let Err(error) = open(&bytes, Format::Parquet, &Options::default()).and_then(|s| s.validate())
            {
                assert_ne!(error.code(), "internal", "byte {place}: {error}");
            }
        }
    }
}
