use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Array, Int32Array, Int32Builder, ListArray, ListBuilder, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use super::super::fixture::{open, rankings};
use super::super::{Format, Kind, Options};
use super::*;

/// Classes of tied candidates, best first, and how many voters have them.
type Voter = (Vec<Vec<u32>>, u32);

const KIND: Options = Options { kind: Some(Kind::Rankings), vectors: None, id: None };

/// Voters of so many candidates: the first of a permutation, cut into classes.
fn profile(ties: bool) -> impl Strategy<Value = (u32, Vec<Voter>)> {
    (2u32..9).prop_flat_map(move |candidates| {
        let all: Vec<u32> = (0..candidates).collect();
        let voter = (Just(all).prop_shuffle(), 1..=candidates as usize, vec(any::<bool>(), 8), 1u32..4);
        let voter = voter.prop_map(move |(order, ranked, level, count)| {
            let mut classes: Vec<Vec<u32>> = Vec::new();
            for (item, level) in order.into_iter().take(ranked).zip(level) {
                match classes.last_mut() {
                    Some(class) if ties && level => class.push(item),
                    _ => classes.push(vec![item]),
                }
            }
            (classes, count)
        });
        (Just(candidates), vec(voter, 1..6))
    })
}

fn batch(voters: &[Voter], ties: bool) -> RecordBatch {
    let lists: ArrayRef = if ties {
        let mut inner = ListBuilder::new(Int32Builder::new());
        let mut ends = vec![0];
        for (classes, _) in voters {
            for class in classes {
                class.iter().for_each(|item| inner.values().append_value(*item as i32));
                inner.append(true);
            }
            ends.push(ends[ends.len() - 1] + classes.len() as i32);
        }
        let inner = inner.finish();
        let item = Arc::new(Field::new("item", inner.data_type().clone(), true));
        Arc::new(ListArray::new(item, OffsetBuffer::new(ends.into()), Arc::new(inner), None))
    } else {
        let rows = voters.iter().map(|(classes, _)| Some(classes.iter().map(|class| Some(class[0] as i32))));
        Arc::new(ListArray::from_iter_primitive::<arrow::datatypes::Int32Type, _, _>(rows))
    };
    let weights = Float64Array::from_iter_values(voters.iter().map(|(_, count)| f64::from(*count)));
    let other = Int32Array::from_iter_values(0..voters.len() as i32);
    let columns: [(&str, ArrayRef); 3] =
        [("order", lists), ("weight", Arc::new(weights)), ("age", Arc::new(other))];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn with_candidates(batch: &RecordBatch, candidates: u32) -> RecordBatch {
    let names: Vec<String> = (0..candidates).map(|c| format!("c{c}")).collect();
    let metadata = [("candidates".to_owned(), json!(names).to_string())];
    let schema = batch.schema().as_ref().clone().with_metadata(metadata.into());
    batch.clone().with_schema(Arc::new(schema)).unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn arrow(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    bytes
}

fn body(candidates: u32, voters: &[Voter], named: bool) -> Vec<u8> {
    let one = |item: &u32| if named { json!(format!("c{item}")) } else { json!(item) };
    let entry = |class: &Vec<u32>| match class.as_slice() {
        [only] => one(only),
        tied => tied.iter().map(one).collect(),
    };
    let orders: Vec<Vec<_>> = voters.iter().map(|(classes, _)| classes.iter().map(entry).collect()).collect();
    let names: Vec<String> = (0..candidates).map(|c| format!("c{c}")).collect();
    let weights: Vec<u32> = voters.iter().map(|(_, count)| *count).collect();
    // Names are looked up although they come after.
    json!({"rankings": orders, "weights": weights, "kind": "rankings", "candidates": names})
        .to_string()
        .into_bytes()
}

fn preflib(candidates: u32, voters: &[Voter], old: bool) -> Vec<u8> {
    let class = |class: &Vec<u32>| {
        let numbers: Vec<String> = class.iter().map(|item| (item + 1).to_string()).collect();
        if numbers.len() > 1 { format!("{{{}}}", numbers.join(",")) } else { numbers.concat() }
    };
    let sum: u32 = voters.iter().map(|(_, count)| count).sum();
    let name =
        |c: u32| if old { format!("{},c{c}", c + 1) } else { format!("# ALTERNATIVE NAME {}: c{c}", c + 1) };
    let names: Vec<String> = (0..candidates).map(name).collect();
    let names = names.join("\n");
    let distinct = voters.len();
    let header = if old {
        format!("{candidates}\n{names}\n{sum},{sum},{distinct}\n")
    } else {
        format!(
            "# NUMBER ALTERNATIVES: {candidates}\r\n# NUMBER VOTERS: {sum}\n# NUMBER UNIQUE ORDERS: {distinct}\n{names}\n"
        )
    };
    let between = if old { "," } else { ": " };
    let line = |(classes, count): &Voter| {
        let order: Vec<String> = classes.iter().map(class).collect();
        format!("{count}{between}{}\n", order.join(","))
    };
    (header + &voters.iter().map(line).collect::<String>()).into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_rankings_are_read_from_every_format((candidates, voters) in profile(true), ties in any::<bool>()) {
        let level = |(classes, count): Voter| (classes.concat().into_iter().map(|item| vec![item]).collect(), count);
        let voters: Vec<Voter> = if ties { voters } else { voters.into_iter().map(level).collect() };
        let batch = with_candidates(&batch(&voters, ties), candidates);
        let expected: Vec<(Vec<Vec<u32>>, f64)> =
            voters.iter().map(|(classes, count)| (classes.clone(), f64::from(*count))).collect();
        for (format, bytes) in [
            (Format::Json, body(candidates, &voters, false)),
            (Format::Json, body(candidates, &voters, true)),
            (Format::Preflib, preflib(candidates, &voters, false)),
            (Format::Preflib, preflib(candidates, &voters, true)),
            (Format::Parquet, parquet(&batch)),
            (Format::Arrow, arrow(&batch)),
        ] {
            let source = open(&bytes, format, &KIND).unwrap();
            prop_assert_eq!(source.validate().unwrap(), None);
            let shape = (source.kind(), source.rows(), source.dim(), source.items());
            prop_assert_eq!(shape, (Kind::Rankings, voters.len(), candidates as usize, candidates as usize));
            prop_assert_eq!(&rankings(&source), &expected, "{}", format);
            let ids = source.ids().unwrap().unwrap();
            prop_assert_eq!((ids.len(), ids.row_of("c1")), (candidates as usize, Some(1)));
        }
    }
}

#[test]
fn a_candidate_that_is_repeated_or_unknown_is_refused_with_voter_and_position() {
    let mut ballot = Ballot::new(4, 1);
    ballot.begin(6);
    ballot.place(2).unwrap();
    ballot.place(4).unwrap();
    ballot.tie(1).unwrap();
    assert_eq!(ballot.finish(2.0).unwrap().ends, Some([1, 3].as_slice()));
    for (number, message) in [
        (1, "voter 6, position 2: candidate 1 stands at position 1 already"),
        (2, "voter 6, position 2: candidate 2 stands at position 0 already"),
        (0, "voter 6, position 2: there is no candidate 0; expected 1 to 4"),
        (5, "voter 6, position 2: there is no candidate 5; expected 1 to 4"),
        (i64::MIN, "voter 6, position 2: there is no candidate -9223372036854775808; expected 1 to 4"),
        (i64::MAX, "voter 6, position 2: there is no candidate 9223372036854775807; expected 1 to 4"),
    ] {
        assert_eq!(ballot.place(number).unwrap_err().to_string(), message);
    }
    let tied = ballot.tie(2).unwrap_err().to_string();
    assert_eq!(tied, "voter 6, position 1: candidate 2 stands at position 0 already");
    // The next voter may rank whom the last one did.
    ballot.begin(7);
    assert_eq!(ballot.finish(1.0).unwrap_err().to_string(), "voter 7 ranks no candidate");
    ballot.place(2).unwrap();
    let ranking = Ranking { voter: 7, items: &[1], ends: None, weight: 1.0 };
    assert_eq!(ballot.finish(1.0).unwrap(), ranking);
}

#[test]
fn weights_are_finite_at_least_0_and_not_all_0() {
    for weight in [-1.0, f64::NAN, f64::INFINITY, -f64::MIN_POSITIVE] {
        let error = check_weight(3, weight).unwrap_err();
        assert_eq!(error.code(), "invalid_parameter");
        assert!(error.to_string().starts_with("voter 3 has the weight "), "{error}");
    }
    assert_eq!(check_weight(3, 0.0).unwrap(), 0.0);
    for (total, fits) in [(0.0, false), (1e-300, true), (1e200, true), (1e201, false), (f64::INFINITY, false)]
    {
        assert_eq!(check_total(total).is_ok(), fits, "{total}");
    }
}
