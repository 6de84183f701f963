use proptest::prelude::*;

use super::super::super::fixture::{open, rankings, refusal, rows};
use super::super::super::{Format, Options, Source};
use super::*;

fn inline(body: &str) -> Result<Source, DatasetError> {
    Source::inline(body.as_bytes(), &Options::default())
}

#[test]
fn candidates_are_items_and_rankings_are_rows() {
    let body = r#"{"rankings": [[2, "a", 1], ["b", [0.0, "c"]], [1]], "kind": "rankings", "weights": [1, 2.5, 0],
        "candidates": ["a", "b", "c", 7], "columns": {"group": ["x", null, "y", "x"]}}"#;
    for source in [open(body.as_bytes(), Format::Json, &Options::default()).unwrap(), inline(body).unwrap()] {
        assert_eq!((source.kind(), source.rows(), source.dim(), source.items()), (Kind::Rankings, 3, 4, 4));
        let expected = vec![
            (vec![vec![2], vec![0], vec![1]], 1.0),
            (vec![vec![1], vec![0, 2]], 2.5),
            (vec![vec![1]], 0.0),
        ];
        assert_eq!(rankings(&source), expected);
        assert_eq!(source.ids().unwrap().unwrap().row_of("7"), Some(3));
        assert_eq!((source.columns()[0].name.as_str(), source.column("group").unwrap().len()), ("group", 4));
        assert_eq!(source.places_bytes(), 3 * (4 * 4 + 8));
        let error = source.for_each_row::<DatasetError>(&mut |_, _| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "the dataset holds rankings, and no rows of numbers");
        assert!(source.for_each_entry::<DatasetError>(&mut |_| Ok(())).is_err());
    }
    let matrix = inline(r#"{"vectors": [[1, 2]]}"#).unwrap();
    let error = matrix.for_each_ranking::<DatasetError>(&mut |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the dataset holds vectors, and no rankings");
    assert_eq!((rows(&matrix).len(), matrix.items(), matrix.places_bytes()), (1, 1, 0));
}

#[test]
fn without_candidates_there_are_as_many_as_the_largest_index_says() {
    let source = inline(r#"{"kind": "rankings", "rankings": [[1], [4, 0]]}"#).unwrap();
    assert_eq!((source.dim(), source.ids().unwrap()), (5, None));
    assert_eq!(rankings(&source)[1], (vec![vec![4], vec![0]], 1.0));
}

#[test]
fn a_reader_that_stops_is_given_no_more() {
    let source = inline(r#"{"kind": "rankings", "rankings": [[0], [1], [0]]}"#).unwrap();
    let mut seen = 0;
    let stopped: Result<(), DatasetError> = source.for_each_ranking(&mut |ranking| {
        seen += 1;
        if ranking.voter == 1 { Err(DatasetError::EmptyBody) } else { Ok(()) }
    });
    assert_eq!((stopped.unwrap_err().code(), seen), ("malformed_body", 2));
}

#[test]
fn every_offence_is_named_by_its_pointer_its_code_its_voter_and_its_position() {
    let cases = [
        (
            r#""rankings": [[0, 1], [1, 0, 1]]"#,
            "/rankings/1/2",
            "duplicate_item",
            "voter 1, position 2: candidate 1 stands at position 0 already",
        ),
        (
            r#""rankings": [[0, [1, 2, "b"]]]"#,
            "/rankings/0/1/2",
            "duplicate_item",
            "voter 0, position 1: candidate 1 stands at position 1 already",
        ),
        (
            r#""rankings": [[0], [[1, 2], [1]]]"#,
            "/rankings/1/1",
            "duplicate_item",
            "voter 1, position 1: candidate 1 stands at position 0 already",
        ),
        (
            r#""rankings": [[0], [1, 3]]"#,
            "/rankings/1/1",
            "unknown_item",
            "voter 1, position 1: there is no candidate 3; expected 0 to 2",
        ),
        (
            r#""rankings": [[0], [1, -1]]"#,
            "/rankings/1/1",
            "unknown_item",
            "no candidate -1; expected an index",
        ),
        (r#""rankings": [[18446744073709551615]]"#, "/rankings/0/0", "unknown_item", "18446744073709551615"),
        (r#""rankings": [[1e300]]"#, "/rankings/0/0", "unknown_item", "expected an index"),
        (
            r#""rankings": [["a"], [0, ["b", "z"]]]"#,
            "/rankings/1/1/1",
            "unknown_item",
            r#"voter 1, position 1: there is no candidate "z"; expected a name of candidates"#,
        ),
        (r#""rankings": [[0], []]"#, "/rankings/1", "invalid_ranking", "voter 1 ranks no candidate"),
        (
            r#""rankings": [[0], [1, []]]"#,
            "/rankings/1/1",
            "invalid_ranking",
            "position 1: a tie of no candidates",
        ),
        (r#""rankings": [[0], null]"#, "/rankings/1", "invalid_ranking", "voter 1 has null"),
        (
            r#""rankings": [[0, null]]"#,
            "/rankings/0/1",
            "invalid_ranking",
            "position 1: null is no candidate",
        ),
        (r#""rankings": [[0, 1.5]]"#, "/rankings/0/1", "invalid_ranking", "1.5 is no candidate"),
        (r#""rankings": [[0, [1, true]]]"#, "/rankings/0/1/1", "invalid_ranking", "true is no candidate"),
        (r#""rankings": [[0, [1, [2]]]]"#, "/rankings/0/1/1", "invalid_ranking", "a tie in a tie is no"),
        (r#""rankings": [[0, {}]]"#, "/rankings/0/1", "invalid_parameter", "invalid type: map"),
        (r#""rankings": [0]"#, "/rankings/0", "invalid_parameter", "expected a list of candidates"),
        (r#""rankings": {}"#, "/rankings", "invalid_parameter", "expected a list of rankings"),
        (r#""rankings": []"#, "/rankings", "shape_mismatch", "0 rankings of 3 candidates"),
        (r#""rankings": null"#, "/rankings", "invalid_parameter", "kind rankings needs this field"),
        (r#""rankings": [[0]], "weights": [1, 1]"#, "/weights", "shape_mismatch", "2 weights for 1 rankings"),
        (
            r#""rankings": [[0], [1]], "weights": [1, -1]"#,
            "/weights/1",
            "invalid_parameter",
            "voter 1 has the weight -1",
        ),
        (
            r#""rankings": [[0], [1]], "weights": [1, null]"#,
            "/weights/1",
            "invalid_parameter",
            "voter 1 has the weight null",
        ),
        (r#""rankings": [[0], [1]], "weights": [0, 0]"#, "/weights", "invalid_parameter", "add up to 0e0"),
        (r#""rankings": [[0]], "weights": ["a"]"#, "/weights/0", "invalid_parameter", "expected a number"),
        (r#""rankings": [[0]], "weights": [1e400]"#, "/weights/0", "malformed_body", "out of range"),
        (
            r#""rankings": [[0]], "columns": {"c": [1]}"#,
            "/columns/c",
            "shape_mismatch",
            "1 values for 3 rows",
        ),
        (r#""rankings": [[0]], "ids": ["x"]"#, "/ids", "invalid_parameter", "no such field"),
        (r#""rankings": [[0]], "vectors": [[1]]"#, "/vectors", "invalid_parameter", "no such field"),
        (r#""rankings": [[0]], "n": 3"#, "/n", "invalid_parameter", "no such field"),
    ];
    for (fields, pointer, code, told) in cases {
        let body = format!(r#"{{"kind": "rankings", "candidates": ["a", "b", "c"], {fields}}}"#);
        let error = refusal(body.as_bytes(), Format::Json, &Options::default());
        assert_eq!((error.pointer(), error.code()), (Some(pointer), code), "{body}: {error}");
        assert!(error.to_string().contains(told), "{error}, not {told}");
    }
    for (body, pointer, code) in [
        (r#"{"kind": "rankings", "rankings": [["a"]]}"#, "/rankings/0/0", "unknown_item"),
        (
            r#"{"kind": "rankings", "rankings": [["a"]], "candidates": ["a", "a"]}"#,
            "/candidates/1",
            "duplicate_item",
        ),
        (
            r#"{"kind": "rankings", "rankings": [[0]], "candidates": [null]}"#,
            "/candidates/0",
            "invalid_parameter",
        ),
        (r#"{"kind": "rankings", "rankings": [[0]], "candidates": []}"#, "/rankings", "shape_mismatch"),
        (r#"{"kind": "rankings", "rankings": [[16777216]]}"#, "/rankings/0/0", "unknown_item"),
        (r#"{"rankings": [[0]]}"#, "/rankings", "invalid_parameter"),
        (r#"{"vectors": [[0]], "weights": [1]}"#, "/weights", "invalid_parameter"),
        (
            r#"{"kind": "similarity", "similarity": [[0]], "candidates": ["a"]}"#,
            "/candidates",
            "invalid_parameter",
        ),
    ] {
        let error = refusal(body.as_bytes(), Format::Json, &Options::default());
        assert_eq!((error.pointer(), error.code()), (Some(pointer), code), "{body}: {error}");
    }
}

proptest! {
    #[test]
    fn no_list_of_anything_panics(rankings in "[\\[\\],0-9a-c\"\\-.e{}: ]{0,60}") {
        let body = format!(r#"{{"kind": "rankings", "candidates": ["a", "b", "c"], "rankings": {rankings}}}"#);
        if let Err(error) = inline(&body) {
            prop_assert_ne!(error.code(), "internal");
        }
    }
}
