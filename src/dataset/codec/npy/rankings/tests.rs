use super::super::super::fixture::{open, rankings, refusal};
use super::super::super::{Format, Options};
use super::*;

const KIND: Options = Options { kind: Some(Kind::Rankings), vectors: None, id: None };

/// Values in row order, written as a type of so many bytes.
fn npy(descr: &str, fortran_order: bool, shape: [usize; 2], values: &[i64]) -> Vec<u8> {
    let [rows, dim] = shape;
    let order = if fortran_order { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({rows}, {dim})}}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let width: usize = descr[2..].parse().unwrap();
    for place in 0..values.len() {
        let place = if fortran_order { place % rows * dim + place / rows } else { place };
        let wide = values[place].to_be_bytes();
        let value = &wide[8 - width..];
        match descr.starts_with('>') {
            true => bytes.extend(value),
            false => bytes.extend(value.iter().rev()),
        }
    }
    bytes
}

#[test]
fn every_integer_in_either_order_reads_the_same_and_pads_end_a_ranking() {
    let signed = [2, 0, 1, 1, -1, -1];
    let unsigned = [2, 0, 1, 1, 2, 0];
    for kind in ["|i1", "<i2", ">i2", "<i4", ">i4", "=i8", ">i8", "|u1", "<u2", ">u4", "<u8", ">u8"] {
        let (values, last): (_, Vec<Vec<u32>>) = match kind.contains('i') {
            true => (&signed, vec![vec![1]]),
            false => (&unsigned, vec![vec![1], vec![2], vec![0]]),
        };
        for fortran_order in [false, true] {
            let source = open(&npy(kind, fortran_order, [2, 3], values), Format::Npy, &KIND).unwrap();
            assert_eq!((source.kind(), source.rows(), source.items()), (Kind::Rankings, 2, 3));
            let expected = vec![(vec![vec![2], vec![0], vec![1]], 1.0), (last.clone(), 1.0)];
            assert_eq!(rankings(&source), expected, "{kind} {fortran_order}");
            assert_eq!((source.validate().unwrap(), source.ids().unwrap()), (None, None));
        }
    }
}

#[test]
fn what_is_no_ranking_is_refused_with_voter_and_position() {
    for (descr, values, code, message) in [
        (
            "<i8",
            [0, 1, 2, 1, 0, 1],
            "duplicate_item",
            "voter 1, position 2: candidate 1 stands at position 0 already",
        ),
        (
            "<i8",
            [0, 1, 2, 1, 0, 3],
            "unknown_item",
            "voter 1, position 2: there is no candidate 3; expected 0 to 2",
        ),
        (
            "|i1",
            [0, -2, 2, 1, 0, 2],
            "unknown_item",
            "voter 0, position 1: there is no candidate -2; expected 0 to 2",
        ),
        ("<i4", [0, 1, 2, -1, -1, -1], "invalid_ranking", "voter 1 ranks no candidate"),
        (
            "<i2",
            [0, -1, 2, 1, 0, 2],
            "invalid_ranking",
            "voter 0, position 2: candidate 2 behind -1, which ends a ranking",
        ),
        (
            "|u1",
            [0, 1, 2, 1, 0, 255],
            "unknown_item",
            "voter 1, position 2: there is no candidate 255; expected 0 to 2",
        ),
        (
            "<u8",
            [0, 1, 2, 1, 0, -1],
            "unknown_item",
            "voter 1, position 2: there is no candidate 9223372036854775807; expected 0 to 2",
        ),
        (
            "<f4",
            [0; 6],
            "invalid_ranking",
            "element type <f4: rankings are integers of 8 to 64 bits, the indices of candidates: convert other numbers first",
        ),
    ] {
        let error = refusal(&npy(descr, false, [2, 3], &values), Format::Npy, &KIND);
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
    }
    for (shape, message) in [
        ([0, 3], "0 rankings of 3 candidates: at least one of each"),
        ([3, 0], "3 rankings of 0 candidates: at least one of each"),
    ] {
        let error = refusal(&npy("<i8", false, shape, &[]), Format::Npy, &KIND);
        assert_eq!((error.code(), error.to_string().as_str()), ("shape_mismatch", message));
    }
    let lying = refusal(&npy("<i8", false, [1 << 20, 1 << 20], &[]), Format::Npy, &KIND);
    assert_eq!(lying.code(), "malformed_body", "{lying}");
    let wide = refusal(&npy("<i8", false, [1, 1 << 25], &[]), Format::Npy, &KIND);
    assert_eq!(wide.to_string(), "33554432 candidates; at most 16777216 are read");
}
