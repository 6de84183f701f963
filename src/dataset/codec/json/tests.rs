use super::super::fixture::{open, refusal, rows};
use super::*;
use crate::dataset::codec::Source;
use crate::dataset::column::ColumnType;

const BODY: &str = r#" {"columns": {"section": ["a", null, "b"], "size": [1, -2, null], "cost": [1, 2.5, null], "free": [true, null, false]},
    "ids": ["x", 7, "z"], "vectors": [[1, 2.5], [-3e2, 0], [0.1, 16777217]], "kind": "vectors"}"#;

#[test]
fn a_whole_body_reads_back_whatever_the_order_of_its_fields() {
    for source in [
        open(BODY.as_bytes(), Format::Json, &Options::default()).unwrap(),
        Source::inline(BODY.as_bytes(), &Options::default()).unwrap(),
    ] {
        assert_eq!((source.kind(), source.rows(), source.dim()), (Kind::Vectors, 3, 2));
        assert_eq!(rows(&source), [[1.0, 2.5], [-300.0, 0.0], [0.1, 16_777_216.0]]);
        let types: Vec<_> = source.columns().iter().map(|c| (c.name.as_str(), c.kind)).collect();
        let expected = [
            ("section", ColumnType::String),
            ("size", ColumnType::Integer),
            ("cost", ColumnType::Float),
            ("free", ColumnType::Boolean),
        ];
        assert_eq!(types, expected);
        let section = Column::Strings(vec![Some("a".into()), None, Some("b".into())]);
        assert_eq!(source.column("section").unwrap(), section);
        assert_eq!(source.column("size").unwrap(), Column::Integers(vec![Some(1), Some(-2), None]));
        assert_eq!(source.column("cost").unwrap(), Column::Floats(vec![Some(1.0), Some(2.5), None]));
        assert_eq!(source.column("free").unwrap(), Column::Booleans(vec![Some(true), None, Some(false)]));
        let ids = source.ids().unwrap().unwrap();
        assert_eq!((ids.get(1), ids.row_of("z"), ids.row_of("8")), (Some("7"), Some(2), None));
    }
}

#[test]
fn null_is_as_good_as_absent() {
    let body = r#"{"kind":null,"vectors":[[1]],"similarity":null,"n":null,"rows":null,"cols":null,"values":null,
        "rankings":null,"candidates":null,"weights":null,"ids":null,"columns":null}"#;
    let source = Source::inline(body.as_bytes(), &Options::default()).unwrap();
    assert_eq!((source.kind(), source.rows(), source.columns().len()), (Kind::Vectors, 1, 0));
}

#[test]
fn a_similarity_is_told_by_the_body_or_the_parameter() {
    for body in
        [r#"{"kind":"similarity","similarity":[[1,0.5],[0.5,1]]}"#, r#"{"similarity":[[1,0.5],[0.5,1]]}"#]
    {
        let options = Options { kind: Some(Kind::Similarity), ..Options::default() };
        let source = Source::inline(body.as_bytes(), &options).unwrap();
        assert_eq!((source.kind(), rows(&source)), (Kind::Similarity, vec![vec![1.0, 0.5], vec![0.5, 1.0]]));
    }
}

#[test]
fn entries_are_the_matrix_with_its_zeros() {
    let body = r#"{"kind":"similarity","n":3,"rows":[2,0,2],"cols":[1,0,0],"values":[0.5,1,-2e-1],"ids":["a","b","c"]}"#;
    let source = Source::inline(body.as_bytes(), &Options::default()).unwrap();
    let expected = vec![vec![1.0, 0.0, 0.0], vec![0.0; 3], vec![-0.2, 0.5, 0.0]];
    assert_eq!((source.kind(), source.dim(), rows(&source)), (Kind::Similarity, 3, expected));
    assert_eq!(source.ids().unwrap().unwrap().row_of("c"), Some(2));
    let mut entries = Vec::new();
    let read = source.for_each_entry::<DatasetError>(&mut |entry| {
        entries.push((entry.row, entry.column, entry.value));
        Ok(())
    });
    read.unwrap();
    assert_eq!((source.sparse_entries(), entries), (Some(3), vec![(0, 0, 1.0), (2, 0, -0.2), (2, 1, 0.5)]));
    let stopped: Result<(), DatasetError> =
        source.for_each_row(&mut |row, _| if row == 1 { Err(DatasetError::EmptyBody) } else { Ok(()) });
    assert!(stopped.is_err());
    let none = r#"{"kind":"similarity","n":2,"rows":[],"cols":[],"values":[]}"#;
    assert_eq!(rows(&Source::inline(none.as_bytes(), &Options::default()).unwrap()), [[0.0; 2]; 2]);
    for (fields, pointer, code) in [
        (r#""rows":[0],"cols":[0],"values":[1]"#, "/n", "invalid_parameter"),
        (r#""n":0,"rows":[],"cols":[],"values":[]"#, "/n", "shape_mismatch"),
        (r#""n":20000000,"rows":[],"cols":[],"values":[]"#, "/n", "invalid_matrix"),
        (r#""n":-1,"rows":[],"cols":[],"values":[]"#, "/n", "invalid_parameter"),
        (r#""n":2,"cols":[0],"values":[1]"#, "/rows", "invalid_parameter"),
        (r#""n":2,"rows":[0,1],"cols":[0],"values":[1]"#, "/cols", "shape_mismatch"),
        (r#""n":2,"rows":[0],"cols":[0],"values":[]"#, "/values", "shape_mismatch"),
        (r#""n":2,"rows":[0,2],"cols":[0,0],"values":[1,1]"#, "/rows/1", "invalid_matrix"),
        (r#""n":2,"rows":[0,1],"cols":[0,-1],"values":[1,1]"#, "/cols/1", "invalid_matrix"),
        (r#""n":2,"rows":[0,0.5],"cols":[0,1],"values":[1,1]"#, "/rows/1", "invalid_parameter"),
        (r#""n":2,"rows":[0,null],"cols":[0,1],"values":[1,1]"#, "/rows/1", "invalid_matrix"),
        (r#""n":2,"rows":[0,1],"cols":[0,1],"values":[1,1e39]"#, "/values/1", "invalid_matrix"),
        (r#""n":2,"rows":[0,1],"cols":[0,1],"values":[1,"a"]"#, "/values/1", "invalid_parameter"),
        (r#""n":2,"rows":[1,0,1],"cols":[1,0,1],"values":[1,1,2]"#, "/rows", "duplicate_item"),
        (r#""n":1,"similarity":[[1]]"#, "/n", "invalid_parameter"),
    ] {
        let body = format!(r#"{{"kind":"similarity",{fields}}}"#);
        let error = refusal(body.as_bytes(), Format::Json, &Options::default());
        assert_eq!((error.pointer(), error.code()), (Some(pointer), code), "{body}: {error}");
    }
    let error = refusal(br#"{"vectors":[[1]],"n":1}"#, Format::Json, &Options::default());
    assert_eq!(error.to_string(), "/n: kind vectors has no such field");
}

#[test]
fn an_integer_column_can_be_the_ids() {
    let options = Options { id: Some("n".into()), ..Options::default() };
    let ids = |body: &str| Source::inline(body.as_bytes(), &options).and_then(|source| source.ids());
    let found = ids(r#"{"vectors":[[1],[2]],"columns":{"n":[30,4]}}"#).unwrap().unwrap();
    assert_eq!((found.row_of("30"), found.row_of("4")), (Some(0), Some(1)));
    for (body, message) in [
        (r#"{"vectors":[[1],[2]],"columns":{"n":[4,4]}}"#, "row 1 has the id \"4\" of row 0"),
        (r#"{"vectors":[[1],[2]],"columns":{"n":[4,null]}}"#, "row 1 has no id"),
        (
            r#"{"vectors":[[1],[2]],"columns":{"n":[4,0.5]}}"#,
            "column \"n\" is float, expected strings or integers",
        ),
        (r#"{"vectors":[[1],[2]],"columns":{"m":[4,5]}}"#, "no column \"n\"; there are [\"m\"]"),
        (r#"{"vectors":[[1],[2]],"columns":{"n":[4,5]},"ids":[1,2]}"#, "id: the body has ids already"),
    ] {
        assert_eq!(ids(body).unwrap_err().to_string(), message);
    }
}

#[test]
fn every_offence_is_named_by_its_pointer_and_its_code() {
    let cases = [
        (r#"{"vectors":[[1,2],[3,1e39]]}"#, "/vectors/1/1", "invalid_matrix"),
        (r#"{"vectors":[[1,2],[3,null]]}"#, "/vectors/1/1", "invalid_matrix"),
        (r#"{"vectors":[[1,2],null]}"#, "/vectors/1", "invalid_matrix"),
        (r#"{"vectors":[[1,2],[3,"4"]]}"#, "/vectors/1/1", "invalid_parameter"),
        (r#"{"vectors":[[1,2],3]}"#, "/vectors/1", "invalid_parameter"),
        (r#"{"vectors":[[1,2],[3,1e400]]}"#, "/vectors/1/1", "malformed_body"),
        (r#"{"vectors":[[1,2],[3,NaN]]}"#, "/vectors/1/1", "malformed_body"),
        (r#"{"vectors":[[1,2],[3]]}"#, "/vectors/1", "shape_mismatch"),
        (r#"{"vectors":[[1,2],[3,4,5]]}"#, "/vectors/1", "shape_mismatch"),
        (r#"{"vectors":[]}"#, "/vectors", "shape_mismatch"),
        (r#"{"vectors":[[],[]]}"#, "/vectors", "shape_mismatch"),
        (r#"{"vectors":{}}"#, "/vectors", "invalid_parameter"),
        (r#"{"kind":"vectors"}"#, "/vectors", "invalid_parameter"),
        (r#"{"vectors":[[1]],"vectors":[[1]]}"#, "/vectors", "invalid_parameter"),
        (r#"{"vectors":[[1]],"similarity":[[1]]}"#, "/similarity", "invalid_parameter"),
        (r#"{"kind":"similarity","similarity":[[1,2]]}"#, "/similarity", "shape_mismatch"),
        (r"[]", "", "invalid_parameter"),
        (r"null", "", "invalid_parameter"),
        (r#"{"kind":"matrix","vectors":[[1]]}"#, "/kind", "invalid_parameter"),
        (r#"{"kind":7,"vectors":[[1]]}"#, "/kind", "invalid_parameter"),
        (r#"{"vectors":null}"#, "/vectors", "invalid_parameter"),
        (r#"{"vectors":[[1]],"vektors":1}"#, "/vektors", "invalid_parameter"),
        (r#"{"vectors":[[1]],"a/b~":1}"#, "/a~1b~0", "invalid_parameter"),
        (r#"{"vectors":[[1],[2]],"ids":["a"]}"#, "/ids", "shape_mismatch"),
        (r#"{"vectors":[[1],[2],[3]],"ids":["b","a","a"]}"#, "/ids/2", "duplicate_item"),
        (r#"{"vectors":[[1],[2]],"ids":["1",1]}"#, "/ids/1", "duplicate_item"),
        (r#"{"vectors":[[1],[2]],"ids":["a",null]}"#, "/ids/1", "invalid_parameter"),
        (r#"{"vectors":[[1],[2]],"ids":["a",0.5]}"#, "/ids/1", "invalid_parameter"),
        (r#"{"vectors":[[1],[2]],"columns":{"s":[1]}}"#, "/columns/s", "shape_mismatch"),
        (r#"{"vectors":[[1],[2]],"columns":{"s":[1,"a"]}}"#, "/columns/s/1", "invalid_parameter"),
        (r#"{"vectors":[[1],[2]],"columns":{"s":[1,[]]}}"#, "/columns/s/1", "invalid_parameter"),
        (r#"{"vectors":[[1]],"columns":{"s":[9223372036854775808]}}"#, "/columns/s/0", "invalid_parameter"),
        (r#"{"vectors":[[1]],"columns":{"s":[1],"s":[1]}}"#, "/columns/s", "invalid_parameter"),
    ];
    for (body, pointer, code) in cases {
        let error = refusal(body.as_bytes(), Format::Json, &Options::default());
        assert_eq!((error.pointer(), error.code()), (Some(pointer), code), "{body}: {error}");
    }
    let error = refusal(br#"{"vectors":[[1,2],[3,1e39]]}"#, Format::Json, &Options::default());
    let message = "/vectors/1/1: row 1, column 1: 1e39 is beyond the range of 32-bit floats";
    assert_eq!(error.to_string(), message);
    let other = Options { kind: Some(Kind::Similarity), ..Options::default() };
    let error = refusal(br#"{"kind":"vectors","vectors":[[1]]}"#, Format::Json, &other);
    assert_eq!(error.to_string(), "/kind: the parameter says similarity, the body says vectors");
}

#[test]
fn no_truncation_and_no_trailing_bytes_are_accepted() {
    for bytes in 0..BODY.len() {
        refusal(&BODY.as_bytes()[..bytes], Format::Json, &Options::default());
    }
    let error = refusal(format!("{BODY} {{}}").as_bytes(), Format::Json, &Options::default());
    assert!(error.to_string().contains("trailing characters"), "{error}");
}

#[test]
fn a_reader_holds_its_matrix_and_what_stands_beside_it() {
    let held = |body: &str| Source::inline(body.as_bytes(), &Options::default()).unwrap().reading_bytes();
    let row = format!("[{}1]", "1,".repeat(99));
    let matrix = format!("[{}{row}]", format!("{row},").repeat(99));
    let bare = held(&format!(r#"{{"vectors":{matrix}}}"#));
    assert!((40_000..=80_000).contains(&bare), "{bare}");
    let ids: Vec<String> = (0..100).map(|row| format!("{row:0>1000}")).collect();
    let named = held(&format!(r#"{{"vectors":{matrix},"ids":{ids:?},"columns":{{"c":{ids:?}}}}}"#));
    assert!(named >= bare + 200_000, "{named}");
}
