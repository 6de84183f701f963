use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeListArray, Float32Array, Int32Array, Int64Array, ListArray, ListBuilder, RecordBatch,
    StringArray, StringBuilder, UInt8Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Float32Type, Int32Type, UInt64Type};
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;

use super::super::fixture::{open, rankings, refusal};
use super::*;

const KIND: Options = Options { kind: Some(Kind::Rankings), vectors: None, id: None };

type Lists<T> = Vec<Option<Vec<Option<T>>>>;

fn lists(voters: Lists<i32>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(voters))
}

fn full(voters: &[&[i32]]) -> ArrayRef {
    lists(voters.iter().map(|voter| Some(voter.iter().copied().map(Some).collect())).collect())
}

fn names(voters: &[&[Option<&str>]]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for voter in voters {
        voter.iter().for_each(|name| lists.values().append_option(*name));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// Lists of these lists, each of so many.
fn tied(classes: ArrayRef, lengths: &[usize]) -> ArrayRef {
    let item = Arc::new(Field::new("item", classes.data_type().clone(), true));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths(lengths.iter().copied()), classes, None))
}

/// A table in both formats, with metadata.
fn written(columns: Vec<(&str, ArrayRef)>, metadata: &[(&str, &str)]) -> [(Format, Vec<u8>); 2] {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(metadata.collect()));
    let batch = batch.with_schema(Arc::clone(&schema)).unwrap();
    let (mut stream, mut parquet) = (Vec::new(), Vec::new());
    let mut writer = StreamWriter::try_new(&mut stream, &schema).unwrap();
    for row in 0..batch.num_rows() {
        writer.write(&batch.slice(row, 1)).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    let mut writer = ArrowWriter::try_new(&mut parquet, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    [(Format::Arrow, stream), (Format::Parquet, parquet)]
}

fn alone(voters: &[&[u32]]) -> Vec<(Vec<Vec<u32>>, f64)> {
    voters.iter().map(|voter| (voter.iter().map(|item| vec![*item]).collect(), 1.0)).collect()
}

#[test]
fn lists_of_any_integer_fixed_or_not_are_rankings_of_as_many_candidates_as_the_largest_index_says() {
    let wide = vec![Some(vec![Some(2), Some(0)]), Some(vec![Some(4), Some(1)])];
    let item = Arc::new(Field::new("item", DataType::UInt8, true));
    let bytes = Arc::new(UInt8Array::from(vec![2, 0, 4, 1]));
    let wide: ArrayRef = Arc::new(ListArray::from_iter_primitive::<UInt64Type, _, _>(wide));
    for column in [full(&[&[2, 0], &[4, 1]]), wide, Arc::new(FixedSizeListArray::new(item, 2, bytes, None))] {
        for (format, bytes) in written(vec![("order", column)], &[]) {
            let source = open(&bytes, format, &KIND).unwrap();
            assert_eq!((source.rows(), source.dim(), source.vectors_column()), (2, 5, Some("order")));
            assert_eq!(rankings(&source), alone(&[&[2, 0], &[4, 1]]));
            assert_eq!((source.validate().unwrap(), source.columns()), (None, [].as_slice()));
            assert!(source.ids().unwrap().is_none() && source.decoded_bytes() >= 2 * 4);
        }
    }
}

#[test]
fn names_and_attributes_of_candidates_stand_in_the_metadata() {
    let metadata = [("candidates", r#"["a", "b", "c", "d"]"#), ("columns", r#"{"group": [1, 1, null, 2]}"#)];
    let weights: ArrayRef = Arc::new(Int64Array::from(vec![3, 0]));
    let order = names(&[&[Some("c"), Some("a")], &[Some("b")]]);
    let classes = names(&[&[Some("c"), Some("a")], &[Some("d")], &[Some("b")]]);
    for (column, first) in
        [(order, vec![vec![2], vec![0]]), (tied(classes, &[2, 1]), vec![vec![2, 0], vec![3]])]
    {
        let age: ArrayRef = Arc::new(Int32Array::from(vec![30, 40]));
        let columns = vec![("age", age), ("order", column), ("weight", Arc::clone(&weights))];
        for (format, bytes) in written(columns, &metadata) {
            let source = open(&bytes, format, &KIND).unwrap();
            assert_eq!((source.rows(), source.items(), source.columns().len()), (2, 4, 1));
            assert_eq!(rankings(&source), [(first.clone(), 3.0), (vec![vec![1]], 0.0)]);
            let group = Column::Integers(vec![Some(1), Some(1), None, Some(2)]);
            assert_eq!(source.column("group").unwrap(), group);
            assert_eq!(source.column("age").unwrap_err().code(), "invalid_parameter");
            assert_eq!(source.ids().unwrap().unwrap().row_of("d"), Some(3));
            assert_eq!(source.validate().unwrap(), None);
        }
    }
    let named = Options { id: Some("group".into()), ..KIND };
    let columns = [("columns", r#"{"group": ["x", "y", "z"]}"#)];
    for (format, bytes) in written(vec![("order", full(&[&[0], &[2, 1]]))], &columns) {
        let source = open(&bytes, format, &named).unwrap();
        assert_eq!((source.items(), source.ids().unwrap().unwrap().row_of("y")), (3, Some(1)));
    }
}

#[test]
fn what_is_no_ranking_is_refused_with_voter_and_position() {
    let three = [("candidates", r#"["a", "b", "c"]"#)];
    let good = || full(&[&[0, 1], &[2]]);
    let weighted = |weights: ArrayRef| vec![("order", good()), ("weight", weights)];
    let floats = ListArray::from_iter_primitive::<Float32Type, _, _>([Some(vec![Some(1.0)])]);
    let huge = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let huge = FixedSizeListArray::new(Arc::new(Field::new("item", DataType::UInt64, true)), 1, huge, None);
    let empty_tie = lists(vec![Some(vec![Some(0)]), Some(vec![]), Some(vec![Some(1)])]);
    let null_tie = lists(vec![Some(vec![Some(0)]), None, Some(vec![Some(1)])]);
    let repeated = full(&[&[0, 1], &[2, 0], &[1]]);
    for (columns, metadata, code, told) in [
        (
            vec![("order", full(&[&[0, 1], &[2, 0, 2]]))],
            &three[..],
            "duplicate_item",
            "voter 1, position 2: candidate 2 stands at position 0 already",
        ),
        (
            vec![("order", tied(repeated, &[2, 1]))],
            &three[..],
            "duplicate_item",
            "voter 0, position 1: candidate 0 stands at position 0 already",
        ),
        (
            vec![("order", full(&[&[0], &[1, 3]]))],
            &three[..],
            "unknown_item",
            "voter 1, position 1: there is no candidate 3; expected 0 to 2",
        ),
        (
            vec![("order", full(&[&[0], &[1, -7]]))],
            &[],
            "unknown_item",
            "voter 1, position 1: there is no candidate -7",
        ),
        (vec![("order", Arc::new(huge) as ArrayRef)], &[], "unknown_item", "voter 0, position 0"),
        (
            vec![("order", names(&[&[Some("a")], &[Some("b"), Some("z")]]))],
            &three[..],
            "unknown_item",
            r#"voter 1, position 1: there is no candidate "z""#,
        ),
        (
            vec![("order", names(&[&[Some("a"), None]]))],
            &three[..],
            "invalid_ranking",
            "voter 0, position 1: null",
        ),
        (
            vec![("order", names(&[&[Some("a")]]))],
            &[],
            "invalid_parameter",
            "the schema's metadata \"candidates\": missing",
        ),
        (vec![("order", full(&[&[0], &[]]))], &[], "invalid_ranking", "voter 1 ranks no candidate"),
        (
            vec![("order", tied(empty_tie, &[1, 2]))],
            &[],
            "invalid_ranking",
            "voter 1, position 0: a tie of no candidates",
        ),
        (vec![("order", tied(null_tie, &[1, 2]))], &[], "invalid_ranking", "voter 1, position 0: null"),
        (
            vec![("order", lists(vec![Some(vec![Some(0)]), None]))],
            &three[..],
            "invalid_ranking",
            "voter 1 has null instead of a ranking",
        ),
        (vec![("order", lists(vec![None]))], &[], "invalid_ranking", "voter 0 has null instead of a ranking"),
        (
            vec![("order", lists(vec![Some(vec![Some(0), None])]))],
            &[],
            "invalid_ranking",
            "voter 0, position 1: null is no candidate",
        ),
        (vec![("order", lists(vec![]))], &[], "shape_mismatch", "0 rankings of 0 candidates"),
        (vec![("order", good())], &[("candidates", "[]")], "shape_mismatch", "2 rankings of 0 candidates"),
        (
            vec![("order", good())],
            &[("candidates", "[\"a\", \"a\", \"b\"]")],
            "invalid_parameter",
            "/candidates/1",
        ),
        (
            vec![("order", good())],
            &[("columns", "{\"c\": []}")],
            "shape_mismatch",
            "2 rankings of 0 candidates",
        ),
        (
            vec![("order", good())],
            &[three[0], ("columns", "{\"c\": [1]}")],
            "invalid_parameter",
            "metadata \"columns\": /columns/c: 1 values for 3 rows",
        ),
        (
            vec![("order", good())],
            &[("candidates", "a, b, c")],
            "invalid_parameter",
            "metadata \"candidates\"",
        ),
        (vec![("order", good())], &[("columns", "{\"c\": 1}")], "invalid_parameter", "metadata \"columns\""),
        (
            weighted(Arc::new(Float32Array::from(vec![1.0, -0.5]))),
            &[],
            "invalid_parameter",
            "voter 1 has the weight -0.5",
        ),
        (
            weighted(Arc::new(Float32Array::from(vec![Some(1.0), None]))),
            &[],
            "invalid_parameter",
            "voter 1 has the weight null",
        ),
        (weighted(Arc::new(Float32Array::from(vec![0.0, 0.0]))), &[], "invalid_parameter", "add up to 0e0"),
        (weighted(Arc::new(StringArray::from(vec!["1", "2"]))), &[], "invalid_parameter", "expected numbers"),
        (
            vec![("order", Arc::new(floats) as ArrayRef)],
            &[],
            "invalid_parameter",
            "no column is a list of integers",
        ),
        (
            vec![("one", good()), ("two", good())],
            &[],
            "invalid_parameter",
            r#"several columns could be the rankings: ["one", "two"]"#,
        ),
    ] {
        for (format, bytes) in written(columns.clone(), metadata) {
            let error = refusal(&bytes, format, &KIND);
            assert_eq!(error.code(), code, "{format} {told}: {error}");
            assert!(error.to_string().contains(told), "{format}: {error}, not {told}");
        }
    }
    for (format, bytes) in written(vec![("one", good()), ("two", full(&[&[1], &[0]]))], &[]) {
        let named = Options { vectors: Some("two".into()), ..KIND };
        assert_eq!(rankings(&open(&bytes, format, &named).unwrap()), alone(&[&[1], &[0]]));
    }
}
