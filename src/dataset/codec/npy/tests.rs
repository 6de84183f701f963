use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;

use half::f16;
use npyz::{AutoSerialize, DType, Order, WriteOptions, WriterBuilder};
use tempfile::NamedTempFile;

use super::super::fixture::{open, refusal, rows};
use super::*;
use crate::dataset::codec::Source;

/// `values` are in row order, whatever order they are written in.
fn npy<T: AutoSerialize + Copy>(descr: &str, order: Order, shape: [usize; 2], values: &[T]) -> Vec<u8> {
    let [rows, dim] = shape;
    let mut bytes = Vec::new();
    let mut writer = WriteOptions::new()
        .dtype(DType::Plain(descr.parse().unwrap()))
        .shape(&[rows as u64, dim as u64])
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    match order {
        Order::C => writer.extend(values.iter().copied()).unwrap(),
        Order::Fortran => {
            writer.extend((0..rows * dim).map(|at| values[at % rows * dim + at / rows])).unwrap();
        }
    }
    writer.finish().unwrap();
    bytes
}

/// A file with a header of our own making.
fn with_header(header: &str, data_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data_bytes, 0);
    bytes
}

#[test]
fn every_width_byte_order_and_memory_order_reads_back_the_same() {
    let values: Vec<f32> = (0..15).map(|i| i as f32 * 0.25 - 1.5).collect();
    let expected: Vec<Vec<f32>> = values.chunks(3).map(<[f32]>::to_vec).collect();
    let halves: Vec<f16> = values.iter().map(|v| f16::from_f32(*v)).collect();
    let doubles: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
    for order in [Order::C, Order::Fortran] {
        for endian in ["<", ">"] {
            for bytes in [
                npy(&format!("{endian}f2"), order, [5, 3], &halves),
                npy(&format!("{endian}f4"), order, [5, 3], &values),
                npy(&format!("{endian}f8"), order, [5, 3], &doubles),
            ] {
                let source = open(&bytes, Format::Npy, &Options::default()).unwrap();
                assert_eq!((source.rows(), source.dim(), source.kind()), (5, 3, Kind::Vectors));
                assert_eq!(rows(&source), expected, "{endian} {order:?}");
                assert!(source.columns().is_empty() && source.ids().unwrap().is_none());
            }
        }
    }
}

#[test]
fn a_similarity_that_is_not_symmetric_keeps_rows_and_items_apart_in_either_memory_order() {
    // Row i is represented and column j chosen, as numpy shows the array, however it lies in memory.
    let values: Vec<f32> = (0..9).map(|cell| cell as f32).collect();
    let similarity = Options { kind: Some(Kind::Similarity), ..Options::default() };
    for order in [Order::C, Order::Fortran] {
        let source = open(&npy("<f4", order, [3, 3], &values), Format::Npy, &similarity).unwrap();
        assert_eq!(rows(&source), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]], "{order:?}");
        let mut entries = Vec::new();
        let read = source.for_each_entry::<DatasetError>(&mut |entry| {
            entries.push((entry.row, entry.column, entry.value));
            Ok(())
        });
        read.unwrap();
        assert_eq!((entries.len(), entries[0], entries[4]), (8, (0, 1, 1.0), (1, 2, 5.0)), "{order:?}");
    }
}

#[test]
fn blocks_of_any_size_join_seamlessly() {
    let values: Vec<f32> = (0..77).map(|i| i as f32).collect();
    let expected: Vec<Vec<f32>> = values.chunks(7).map(<[f32]>::to_vec).collect();
    for order in [Order::C, Order::Fortran] {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&npy("<f4", order, [11, 7], &values)).unwrap();
        let file = PositionedFile::new(file.reopen().unwrap()).unwrap();
        let header = header::read(&file).unwrap();
        let mut npy = Npy::new(file, Kind::Vectors, header).unwrap();
        for block_values in [1, 7, 20, 21, 70, 77, 1000] {
            npy.array.block_values = block_values;
            let mut rows = Vec::new();
            npy.read_rows(&mut |_, values| {
                rows.push(values.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
            assert_eq!(rows, expected, "{order:?}, {block_values}");
        }
    }
}

#[test]
fn a_reader_that_refuses_a_row_gets_no_further_one() {
    let bytes = npy("<f4", Order::C, [4, 1], &[0.0f32, 1.0, 2.0, 3.0]);
    let source = open(&bytes, Format::Npy, &Options::default()).unwrap();
    let mut seen = 0;
    let stopped: Result<(), DatasetError> = source.for_each_row(&mut |row, _| {
        seen += 1;
        if row == 1 { Err(DatasetError::NotFound("enough".into())) } else { Ok(()) }
    });
    assert_eq!((stopped.unwrap_err().to_string().as_str(), seen), ("no dataset enough", 2));
}

#[test]
fn the_first_offence_in_row_order_is_named_whatever_the_memory_order() {
    let mut values = [1.0f64; 12];
    // In Fortran order the file holds (3, 0) before (2, 1).
    values[3 * 3] = f64::NAN;
    values[2 * 3 + 1] = 1e39;
    for order in [Order::C, Order::Fortran] {
        let error = refusal(&npy("<f8", order, [4, 3], &values), Format::Npy, &Options::default());
        assert!(matches!(error, DatasetError::NotFinite { row: 2, column: 1, value: 1e39 }), "{error}");
        assert_eq!(error.code(), "invalid_matrix");
    }
    values[2 * 3 + 1] = f64::NEG_INFINITY;
    let error = refusal(&npy(">f8", Order::C, [4, 3], &values), Format::Npy, &Options::default());
    assert_eq!(error.to_string(), "row 2, column 1: -inf is not a finite number");
}

#[test]
fn what_is_no_float_matrix_is_refused_with_its_reason() {
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")
    };
    let nested = "(".repeat(60_000);
    let cases = [
        (
            header("'<i8'", "(2, 2)"),
            32,
            "element type <i8: expected floats of 16, 32 or 64 bits; convert other numbers to floats first, or send rankings with kind=rankings",
        ),
        (
            header("'|O'", "(2, 2)"),
            32,
            "element type |O: expected floats of 16, 32 or 64 bits; convert other numbers to floats first, or send rankings with kind=rankings",
        ),
        (
            header("[('x', '<f4'), ('y', '<f4')]", "(2,)"),
            16,
            "element type [('x', '<f4'), ('y', '<f4')]: expected floats of 16, 32 or 64 bits; convert other numbers to floats first, or send rankings with kind=rankings",
        ),
        (header("'<f4'", "(4,)"), 16, "expected two axes (rows, values), found shape [4]"),
        (header("'<f4'", "()"), 4, "expected two axes (rows, values), found shape []"),
        (header("'<f4'", "(1, 2, 2)"), 16, "expected two axes (rows, values), found shape [1, 2, 2]"),
        (header("'<f4'", "(0, 3)"), 0, "an empty matrix: 0 rows of 3 values"),
        (header("'<f4'", "(3, 0)"), 0, "an empty matrix: 3 rows of 0 values"),
        (
            header("'<f4'", "(18446744073709551615, 2)"),
            0,
            "18446744073709551615 rows of 2 values: at most 4294967295 rows of 16777216 values",
        ),
        (header("'<f4'", "(2, 2)"), 15, "the header promises 85 bytes in all, the body has 84"),
        (header("'<f4'", "(2, 2)"), 17, "the header promises 85 bytes in all, the body has 86"),
        (
            header("'<f4'", "(2, -2)"),
            16,
            "not a readable .npy body: shape is \"(2, -2)\", expected a tuple of lengths",
        ),
        (nested, 0, "not a readable .npy body: the header is not a dictionary"),
        (
            "{'descr': '<f4', 'shape': (1, 1)}".into(),
            4,
            "not a readable .npy body: the header lacks descr, fortran_order or shape",
        ),
        ("{'descr': [[[".into(), 0, "not a readable .npy body: the header is not a dictionary"),
        ("{'descr': [[[}".into(), 0, "not a readable .npy body: a bracket or a quote is never closed"),
    ];
    for (header, data_bytes, message) in cases {
        let error = refusal(&with_header(&header, data_bytes), Format::Npy, &Options::default());
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn columns_cannot_be_named_and_similarities_must_be_square() {
    let bytes = npy("<f4", Order::C, [2, 3], &[1.0f32; 6]);
    let named = Options { id: Some("name".into()), ..Options::default() };
    assert_eq!(refusal(&bytes, Format::Npy, &named).to_string(), "id: .npy has no columns to name");
    let similarity = Options { kind: Some(Kind::Similarity), ..Options::default() };
    let error = refusal(&bytes, Format::Npy, &similarity);
    assert_eq!(error.to_string(), "a similarity must be square, found 2 rows of 3 values");
    let square = npy("<f2", Order::Fortran, [2, 2], &[1.0, 0.5, 0.25, 1.0].map(f16::from_f64));
    let source = open(&square, Format::Npy, &similarity).unwrap();
    assert_eq!((source.kind(), rows(&source)), (Kind::Similarity, vec![vec![1.0, 0.5], vec![0.25, 1.0]]));
}

#[test]
fn a_file_of_ten_gigabytes_opens_by_its_header_alone() {
    let file = NamedTempFile::new().unwrap();
    let head = with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2500000, 1000)}", 0);
    File::create(file.path()).unwrap().write_all(&head).unwrap();
    file.as_file().set_len(head.len() as u64 + 10_000_000_000).unwrap();
    let source = Source::open(file.path(), Format::Npy, &Options::default(), u64::MAX).unwrap();
    assert_eq!((source.rows(), source.dim()), (2_500_000, 1000));
    file.as_file().set_len(head.len() as u64 + 9_999_999_999).unwrap();
    let error = Source::open(file.path(), Format::Npy, &Options::default(), u64::MAX).unwrap_err();
    assert!(matches!(error, DatasetError::Length { .. }), "{error}");
}

#[test]
fn no_truncation_is_accepted() {
    let whole = npy("<f4", Order::C, [3, 5], &[1.0f32; 15]);
    for bytes in 0..whole.len() {
        let code = refusal(&whole[..bytes], Format::Npy, &Options::default()).code();
        assert_eq!(code, "malformed_body", "{bytes} bytes");
    }
}

#[test]
fn a_reader_holds_one_block_and_its_bytes() {
    let held = |descr: &str, order: &str| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': (1000000, 384), }}\n");
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&with_header(&header, 0)).unwrap();
        let width: u64 = descr[2..].parse().unwrap();
        file.as_file().set_len(10 + header.len() as u64 + 384_000_000 * width).unwrap();
        Source::open(file.path(), Format::Npy, &Options::default(), u64::MAX).unwrap().reading_bytes()
    };
    let rows = (1 << 20) / 384;
    assert_eq!(held("<f4", "False"), rows * 384 * (4 + 4));
    let rows = (16 << 20) / 384;
    assert_eq!(held("<f4", "True"), rows * (384 * 4 + 4));
    assert_eq!(held("<f8", "True"), rows * (384 * 4 + 8));
}
