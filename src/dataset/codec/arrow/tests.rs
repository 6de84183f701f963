use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array, Int32Array, ListArray,
    RecordBatch, StringArray,
};
use arrow::datatypes::{Field, Float32Type, Int8Type, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};

use super::super::fixture::{HELD_BYTES, open, refusal, rows};
use super::*;
use crate::dataset::codec::{Kind, Source};
use crate::dataset::column::{Column, ColumnType};

const DEBIAN: &[u8] = include_bytes!("../../../../tests/data/debian_2k.parquet");
const LZ4: Option<CompressionType> = Some(CompressionType::LZ4_FRAME);
const ZSTD: Option<CompressionType> = Some(CompressionType::ZSTD);

fn options(compression: Option<CompressionType>) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(compression).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn stream(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    bytes
}

fn file(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn vectors(dim: usize, values: Vec<f32>) -> ArrayRef {
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    Arc::new(FixedSizeListArray::new(item, dim as i32, Arc::new(Float32Array::from(values)), None))
}

fn read(bytes: &[u8]) -> Result<Source, DatasetError> {
    open(bytes, Format::Arrow, &Options::default())
}

/// The sample as batches of 700 rows.
fn debian() -> Vec<RecordBatch> {
    let bytes = bytes::Bytes::from_static(DEBIAN);
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    builder.with_batch_size(700).build().unwrap().map(Result::unwrap).collect()
}

#[test]
fn real_embeddings_read_as_from_parquet_whatever_their_compression() {
    let named = Options { id: Some("name".into()), ..Options::default() };
    let expected = open(DEBIAN, Format::Parquet, &named).unwrap();
    let batches = debian();
    for compression in [None, LZ4, ZSTD] {
        for bytes in [stream(&batches, options(compression)), file(&batches, options(compression))] {
            let source = open(&bytes, Format::Arrow, &named).unwrap();
            assert_eq!((source.kind(), source.rows(), source.dim()), (Kind::Vectors, 2000, 384));
            assert_eq!(source.columns(), expected.columns());
            assert_eq!(rows(&source), rows(&expected));
            for column in source.columns() {
                assert_eq!(source.column(&column.name).unwrap(), expected.column(&column.name).unwrap());
            }
            assert_eq!(source.ids().unwrap(), expected.ids().unwrap());
            // One batch as it is stored, and decompressed.
            let held = source.reading_bytes();
            assert!((700 * 384 * 4..3 * 700 * 384 * 4).contains(&held), "{compression:?} {held}");
        }
    }
}

#[test]
fn a_dictionary_may_change_from_batch_to_batch_but_not_grow() {
    let of = |names: Vec<Option<&str>>| {
        let names: DictionaryArray<Int8Type> = names.into_iter().collect();
        batch(vec![("v", vectors(1, vec![1.0, 2.0])), ("name", Arc::new(names))])
    };
    let batches = [of(vec![Some("a"), None]), of(vec![Some("c"), Some("a")])];
    let source = read(&stream(&batches, options(None))).unwrap();
    assert_eq!(source.columns()[0].kind, ColumnType::String);
    let text = |text: &str| Some(text.to_owned());
    let expected = Column::Strings(vec![text("a"), None, text("c"), text("a")]);
    assert_eq!(source.column("name").unwrap(), expected);

    let growing = [of(vec![Some("a"), Some("a")]), of(vec![Some("a"), Some("b")])];
    let delta = options(None).with_dictionary_handling(DictionaryHandling::Delta);
    let error = refusal(&stream(&growing, delta), Format::Arrow, &Options::default());
    assert!(error.to_string().contains("write each dictionary whole"), "{error}");
}

#[test]
fn a_long_text_repeated_by_a_dictionary_is_refused_before_it_fills_the_memory() {
    let text = "x".repeat(1 << 20);
    let names: DictionaryArray<Int8Type> = std::iter::repeat_n(Some(text.as_str()), 200).collect();
    let bytes =
        stream(&[batch(vec![("v", vectors(1, vec![1.0; 200])), ("n", Arc::new(names))])], options(None));
    assert!(bytes.len() < 2 << 20);
    let source = read(&bytes).unwrap();
    assert_eq!(source.validate().unwrap(), None, "nobody has to hold it yet");
    let error = source.column("n").unwrap_err();
    assert!(matches!(error, DatasetError::ColumnTooLarge { bytes: 67_113_664, .. }), "{error}");
    let named = Options { id: Some("n".into()), ..Options::default() };
    let error = refusal(&bytes, Format::Arrow, &named);
    assert!(matches!(error, DatasetError::ColumnTooLarge { .. }), "{error}");
}

#[test]
fn a_message_that_cannot_be_read_in_parts_has_a_limit() {
    let batch = |rows: usize| batch(vec![("v", vectors(1, vec![1.0; rows]))]);
    let large = stream(&[batch(HELD_BYTES as usize / 4)], options(ZSTD));
    assert!(large.len() < 1 << 20);
    let error = refusal(&large, Format::Arrow, &Options::default());
    assert_eq!(error.code(), "invalid_matrix", "{error}");
    assert!(error.to_string().contains(&format!("at most {HELD_BYTES} are")), "{error}");
}

#[test]
fn batches_without_rows_are_passed_over() {
    let schema: SchemaRef = batch(vec![("v", vectors(2, vec![1.0, 2.0]))]).schema();
    let empty = RecordBatch::new_empty(schema);
    let full = batch(vec![("v", vectors(2, vec![1.0, 2.0, 3.0, 4.0]))]);
    let source = read(&stream(&[empty.clone(), full.clone(), empty.clone(), full], options(LZ4))).unwrap();
    assert_eq!(rows(&source), [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]);
    let error = refusal(&stream(&[empty], options(None)), Format::Arrow, &Options::default());
    assert_eq!(error.to_string(), "an empty matrix: 0 rows of 0 values");
    let lists = ListArray::from_iter_primitive::<Float32Type, _, _>([
        Some(vec![Some(1.0)]),
        Some(vec![Some(1.0), Some(2.0)]),
    ]);
    let ragged = stream(&[batch(vec![("v", Arc::new(lists))])], options(ZSTD));
    let error = refusal(&ragged, Format::Arrow, &Options::default());
    assert_eq!(error.to_string(), "row 1 has 2 values, expected 1");
}

#[test]
fn entries_of_a_similarity_take_their_size_from_the_metadata_or_the_largest_index() {
    let entries = batch(vec![
        ("rows", Arc::new(Int32Array::from(vec![2, 0, 1]))),
        ("cols", Arc::new(Int32Array::from(vec![0, 1, 1]))),
        ("values", Arc::new(Float64Array::from(vec![0.5, 0.25, 1.0]))),
    ]);
    let sized = |n: &str| {
        let schema = entries.schema().as_ref().clone().with_metadata([("n".into(), n.into())].into());
        entries.clone().with_schema(Arc::new(schema)).unwrap()
    };
    let similarity = Options { kind: Some(Kind::Similarity), ..Options::default() };
    let three = vec![vec![0.0, 0.25, 0.0], vec![0.0, 1.0, 0.0], vec![0.5, 0.0, 0.0]];
    let source =
        open(&stream(std::slice::from_ref(&entries), options(None)), Format::Arrow, &similarity).unwrap();
    assert_eq!((source.kind(), rows(&source)), (Kind::Similarity, three));
    let four = open(&stream(&[sized("4")], options(ZSTD)), Format::Arrow, &similarity).unwrap();
    assert_eq!((four.rows(), rows(&four)[3].clone()), (4, vec![0.0; 4]));
    assert_eq!(four.validate().unwrap(), None);
    for (bytes, message) in [
        (stream(&[sized("2")], options(None)), "entry 0: rows is 2, expected 0 to 1"),
        (
            stream(&[sized("few")], options(None)),
            "the schema's metadata has n = \"few\", expected the number of rows",
        ),
        (stream(&[entries.clone(), entries.clone()], options(None)), "row 0, column 1 is given twice"),
    ] {
        assert_eq!(refusal(&bytes, Format::Arrow, &similarity).to_string(), message);
    }
}

/// Where a compressed buffer says how long it will be.
fn claim(bytes: &[u8], magic: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == magic).unwrap() - 8
}

#[test]
fn a_compressed_buffer_is_as_long_as_it_says() {
    for (compression, magic) in [(LZ4, &[0x04, 0x22, 0x4d, 0x18]), (ZSTD, &[0x28, 0xb5, 0x2f, 0xfd])] {
        let bytes = stream(&[batch(vec![("v", vectors(64, vec![1.0; 64 * 64]))])], options(compression));
        let claim = claim(&bytes, magic);
        let truth = i64::from_le_bytes(bytes[claim..claim + 8].try_into().unwrap());
        assert_eq!(truth, 4 * 64 * 64);
        for lie in [truth - 1, truth + 1, 1, truth * 1000, i64::MAX, i64::MIN, -2] {
            let mut lying = bytes.clone();
            lying[claim..claim + 8].copy_from_slice(&lie.to_le_bytes());
            let error = refusal(&lying, Format::Arrow, &Options::default());
            let code = if lie == i64::MAX { "invalid_matrix" } else { "malformed_body" };
            assert_eq!(error.code(), code, "{lie}: {error}");
        }
    }
}

#[test]
fn lengths_and_ends_that_lie_are_refused() {
    let bytes = stream(&[batch(vec![("v", vectors(2, vec![1.0, 2.0]))])], options(None));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        refusal(&bytes, Format::Arrow, &Options::default()).to_string()
    };
    let end = bytes.len();
    for (change, told) in [
        (&(|bytes: &mut Vec<u8>| bytes.truncate(end - 8)) as &dyn Fn(&mut Vec<u8>), "a part may be missing"),
        (&|bytes: &mut Vec<u8>| bytes.push(0), "1 bytes follow the end of the stream"),
        (
            &|bytes: &mut Vec<u8>| bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes()),
            "has a header of 4294967295 bytes",
        ),
        (
            &|bytes: &mut Vec<u8>| bytes[4..8].copy_from_slice(&(1u32 << 20).to_le_bytes()),
            "the header promises",
        ),
        (&|bytes: &mut Vec<u8>| bytes[4..8].copy_from_slice(&[0; 4]), "a stream without a schema"),
        (&|bytes: &mut Vec<u8>| bytes[end - 8] = 0, "no message begins at byte"),
    ] {
        let message = with(change);
        assert!(message.contains(told), "{message}, not {told}");
    }
    let mut footless = file(&[batch(vec![("v", vectors(2, vec![1.0, 2.0]))])], options(None));
    footless.truncate(footless.len() - 1);
    let error = refusal(&footless, Format::Arrow, &Options::default());
    assert!(error.to_string().contains("does not end with its footer"), "{error}");
}

#[test]
fn no_truncation_is_accepted_and_no_flipped_byte_panics() {
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let keys: DictionaryArray<Int8Type> = [Some("x"), None].into_iter().collect();
    let columns =
        batch(vec![("v", vectors(2, vec![1.0, 2.0, 3.0, 4.0])), ("n", names), ("d", Arc::new(keys))]);
    for whole in [
        stream(&[columns.clone(), columns.clone()], options(None)),
        stream(std::slice::from_ref(&columns), options(LZ4)),
        file(&[columns], options(ZSTD)),
    ] {
        for bytes in 1..whole.len() {
            let code = refusal(&whole[..bytes], Format::Arrow, &Options::default()).code();
            assert_eq!(code, "malformed_body", "{bytes} bytes");
        }
        for place in 0..whole.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= mask;
                // Either outcome is right: a flipped value is still a value.
                if let Err(error) = read(&bytes).and_then(|source| source.validate()) {
                    assert_ne!(error.code(), "internal", "byte {place}: {error}");
                }
            }
        }
    }
}
