use proptest::prelude::*;

use super::super::fixture::{open, rankings, refusal};
use super::*;

const FESTIVAL: &str = include_str!("../../../../tests/data/preflib/festival.soi");
const MENU: &str = include_str!("../../../../tests/data/preflib/menu.toc");

fn told(text: &str) -> (&'static str, String) {
    let error = refusal(text.as_bytes(), Format::Preflib, &Options::default());
    (error.code(), error.to_string())
}

#[test]
fn truncated_orders_are_read_with_their_counts_and_names() {
    let source = open(FESTIVAL.as_bytes(), Format::Preflib, &Options::default()).unwrap();
    assert_eq!((source.kind(), source.rows(), source.dim()), (Kind::Rankings, 4, 5));
    let alone = |items: &[u32]| items.iter().map(|item| vec![*item]).collect::<Vec<_>>();
    let expected =
        [(alone(&[1, 0]), 4.0), (alone(&[4]), 3.0), (alone(&[2, 3, 0, 1, 4]), 1.0), (alone(&[0, 4, 1]), 1.0)];
    assert_eq!(rankings(&source), expected);
    assert_eq!(source.validate().unwrap(), None);
    assert_eq!(source.ids().unwrap().unwrap().get(2), Some("Cobalt: the duo"));
}

#[test]
fn tied_alternatives_are_one_class() {
    let source = open(MENU.as_bytes(), Format::Preflib, &Options::default()).unwrap();
    let expected = [
        (vec![vec![3], vec![0, 1], vec![2]], 3.0),
        (vec![vec![2, 0], vec![1, 3]], 2.0),
        (vec![vec![1], vec![3], vec![2], vec![0]], 1.0),
    ];
    assert_eq!(rankings(&source), expected);
}

#[test]
fn what_disagrees_with_the_header_is_refused_with_its_line() {
    for (from, to, code, told_of) in [
        ("VOTERS: 9", "VOTERS: 8", "shape_mismatch", "line 17: 9 voters or more, but the header says 8"),
        ("VOTERS: 9", "VOTERS: 10", "shape_mismatch", "line 17: 9 voters, but the header says 10"),
        (
            "ORDERS: 4",
            "ORDERS: 3",
            "shape_mismatch",
            "line 17: 4 distinct orders or more, but the header says 3",
        ),
        ("ORDERS: 4", "ORDERS: 5", "shape_mismatch", "line 17: 4 distinct orders, but the header says 5"),
        ("ORDERS: 4", "ORDERS: 0", "shape_mismatch", "0 rankings of 5 candidates"),
        ("TIVES: 5", "TIVES: 0", "shape_mismatch", "4 rankings of 0 candidates"),
        ("TIVES: 5", "TIVES: 99999999", "invalid_ranking", "99999999 candidates; at most"),
        ("TIVES: 5", "TIVES: 99999999999999999999", "invalid_ranking", "line 6: NUMBER ALTERNATIVES"),
        ("TIVES: 5", "TIVES: five", "invalid_ranking", "line 6: NUMBER ALTERNATIVES: \"five\""),
        ("# NUMBER VOTERS: 9\n", "", "invalid_ranking", "line 13: the header ends without # NUMBER VOTERS"),
        (
            "# NUMBER VOTERS: 9\n",
            "# NUMBER VOTERS: 9\n# NUMBER VOTERS: 9\n",
            "invalid_ranking",
            "line 8: NUMBER VOTERS",
        ),
        (
            "TYPE: soi",
            "TYPE: cat",
            "invalid_ranking",
            "line 4: data type \"cat\"; soc, soi, toc and toi are read",
        ),
        ("TYPE: soi", "TYPE: soc", "invalid_ranking", "line 14: voter 0 ranks 2 of 5 candidates"),
        (
            "3: 5\n",
            "3: {5,1}\n",
            "invalid_ranking",
            "line 15: voter 1 has a tie, but the data type soi is of strict",
        ),
        (
            "3: 5\n",
            "3: 5,5\n",
            "duplicate_item",
            "line 15: voter 1, position 1: candidate 5 stands at position 0",
        ),
        (
            "3: 5\n",
            "3: 1,6\n",
            "unknown_item",
            "line 15: voter 1, position 1: there is no candidate 6; expected 1 to 5",
        ),
        ("3: 5\n", "3: 1,0\n", "unknown_item", "line 15: voter 1, position 1: there is no candidate 0"),
        ("3: 5\n", "3: -5\n", "unknown_item", "line 15: voter 1, position 0: there is no candidate -5"),
        ("3: 5\n", "3: 99999999999999999999\n", "unknown_item", "line 15: voter 1, position 0"),
        ("3: 5\n", "3: 5,\n", "invalid_ranking", "line 15: voter 1, position 1: \"\" is no candidate"),
        (
            "3: 5\n",
            "3: 5,Amber\n",
            "invalid_ranking",
            "line 15: voter 1, position 1: \"Amber\" is no candidate",
        ),
        ("3: 5\n", "3:\n", "invalid_ranking", "line 15: voter 1 ranks no candidate"),
        ("3: 5\n", "3: {}\n", "invalid_ranking", "line 15: voter 1, position 0: a tie of no candidates"),
        (
            "3: 5\n",
            "3: 5,{1,2\n",
            "invalid_ranking",
            "line 15: voter 1, position 1: a tie without its closing brace",
        ),
        ("3: 5\n", "3: 5,1}\n", "invalid_ranking", "line 15: voter 1, position 1: \"1}\" is no candidate"),
        (
            "3: 5\n",
            "3: {5,{1}}\n",
            "invalid_ranking",
            "line 15: voter 1, position 0: \"{1}}\" is no candidate",
        ),
        ("3: 5\n", "0: 5\n", "invalid_ranking", "line 15: \"0: 5\" begins with no number of voters"),
        ("3: 5\n", "-3: 5\n", "invalid_ranking", "line 15: \"-3: 5\" begins with no number of voters"),
        ("3: 5\n", "18446744073709551616: 5\n", "invalid_ranking", "line 15: "),
        (
            "3: 5\n",
            "18446744073709551615: 5\n",
            "shape_mismatch",
            "line 15: 18446744073709551615 voters or more",
        ),
        ("3: 5\n", "3 voters\n", "invalid_ranking", "line 15: \"3 voters\" is no count and order"),
        ("NAME 4: Dusk", "NAME 4: Amber", "duplicate_item", "row 3 has the id \"Amber\" of row 0"),
        ("NAME 4: Dusk", "NAME 6: Dusk", "invalid_ranking", "line 12: alternative 6; expected 1 to 5"),
        ("NAME 4: Dusk", "NAME 3: Dusk", "invalid_ranking", "line 12: alternative 3 has a name already"),
        (
            "NAME 4: Dusk",
            "NAME four: Dusk",
            "invalid_ranking",
            "line 12: \"four\" is no number of an alternative",
        ),
        (
            "# ALTERNATIVE NAME 4: Dusk\n",
            "",
            "invalid_ranking",
            "alternative 4 has no name, where others have one",
        ),
    ] {
        assert!(FESTIVAL.contains(from), "{from}");
        let (found, message) = told(&FESTIVAL.replacen(from, to, 1));
        assert_eq!(found, code, "{to}: {message}");
        assert!(message.contains(told_of), "{message}, not {told_of}");
    }
    let incomplete = MENU.replace("1: 2,4,3,1", "1: 2,4,3");
    assert_eq!(
        told(&incomplete),
        (
            "invalid_ranking",
            "line 15: voter 2 ranks 3 of 4 candidates, but the data type toc is of complete orders".into()
        )
    );
}

#[test]
fn what_is_no_preflib_is_refused() {
    for (text, code, told_of) in [
        ("", "malformed_body", "the body is empty"),
        ("{\"kind\": 1}", "malformed_body", "declared as PrefLib, but the body looks like a JSON object"),
        ("name,rank\n", "malformed_body", "the body looks like text"),
        ("# FILE NAME: a.soc\n", "invalid_ranking", "line 2: the header ends without # NUMBER ALTERNATIVES"),
        ("2\n1,a\n", "invalid_ranking", "line 3: the file ends inside its header"),
        ("2\n1,a\n2\n", "invalid_ranking", "line 3: \"2\" is no number and name of an alternative"),
        ("2\n1,a\n2,b\n3,3\n", "invalid_ranking", "line 4: \"3,3\" is no voters,sum"),
        ("0\n0,0,0\n", "shape_mismatch", "1 rankings of 0 candidates"),
        ("2.5\n", "invalid_ranking", "line 1: \"2.5\" is no number of alternatives"),
        ("2\n1,a\n2,b\n3,3,1\n3,1,2,1\n", "duplicate_item", "line 5: voter 0, position 2"),
    ] {
        let (found, message) = told(text);
        assert_eq!(found, code, "{text}: {message}");
        assert!(message.contains(told_of), "{message}, not {told_of}");
    }
    let binary = [FESTIVAL.as_bytes(), b"1: \xff\n"].concat();
    let error = refusal(&binary, Format::Preflib, &Options::default());
    assert_eq!(error.to_string(), "line 18: not UTF-8");
    let long = FESTIVAL.replace("3: 5\n", &format!("3: {}5\n", " ".repeat(70_000)));
    assert_eq!(told(&long).1, "line 15: longer than 65616 bytes");
    let vectors = Options { kind: Some(Kind::Vectors), ..Options::default() };
    let error = refusal(FESTIVAL.as_bytes(), Format::Preflib, &vectors);
    assert_eq!(error.to_string(), "kind: PrefLib holds rankings, not vectors");
    let named = Options { id: Some("name".into()), ..Options::default() };
    let error = refusal(FESTIVAL.as_bytes(), Format::Preflib, &named);
    assert_eq!(error.to_string(), "id: PrefLib has no columns to name");
}

#[test]
fn names_are_not_needed_and_blank_lines_say_nothing() {
    let text = "\n# NUMBER ALTERNATIVES: 3\n\n# NUMBER VOTERS: 2\n#\n# NUMBER UNIQUE ORDERS: 1\n\n2: 1 , { 3 , 2 }\r\n\n";
    let source = open(text.as_bytes(), Format::Preflib, &Options::default()).unwrap();
    assert_eq!((source.validate().unwrap(), source.ids().unwrap()), (None, None));
    assert_eq!(rankings(&source), [(vec![vec![0], vec![2, 1]], 2.0)]);
}

#[test]
fn names_that_do_not_fit_are_refused_before_they_are_held() {
    let source = open(FESTIVAL.as_bytes(), Format::Preflib, &Options::default()).unwrap();
    let many = FESTIVAL.replace("TIVES: 5", "TIVES: 9000000");
    let error = refusal(many.as_bytes(), Format::Preflib, &Options::default());
    assert!(
        matches!(error, DatasetError::ReadingTooLarge { .. } | DatasetError::ColumnTooLarge { .. }),
        "{error}"
    );
    assert!(source.reading_bytes() < 2000);
}

/// Lines that are nearly right.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "#? ?(NUMBER (ALTERNATIVES|VOTERS|UNIQUE ORDERS)|DATA TYPE|ALTERNATIVE NAME [0-9]{0,2}): ?[0-9a-z]{0,3}",
        "[0-9]{0,3}[:,] ?[0-9{},]{0,12}",
        "\\PC{0,20}",
    ]
}

proptest! {
    #[test]
    fn no_text_panics(lines in proptest::collection::vec(line(), 0..14), whole in any::<bool>()) {
        let header = "# NUMBER ALTERNATIVES: 4\n# NUMBER VOTERS: 3\n# NUMBER UNIQUE ORDERS: 2\n";
        let text = format!("{}{}", if whole { header } else { "" }, lines.join("\n"));
        let read = open(text.as_bytes(), Format::Preflib, &Options::default());
        if let Err(error) = read.and_then(|source| source.validate()) {
            prop_assert_ne!(error.code(), "internal");
        }
    }

    #[test]
    fn no_bytes_panic(place in 0..FESTIVAL.len(), byte in any::<u8>()) {
        let mut bytes = FESTIVAL.as_bytes().to_vec();
        bytes[place] = byte;
        let read = open(&bytes, Format::Preflib, &Options::default());
        if let Err(error) = read.and_then(|source| source.validate()) {
            prop_assert_ne!(error.code(), "internal");
        }
    }
}
