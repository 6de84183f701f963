//! Graphs of neighbours, and similarities of which most pairs are not there.

use crate::client::Client;
use arrow::array::{ArrayRef, ListArray, RecordBatch};
use arrow::datatypes::{Float32Type, Int32Type};
use arrow::ipc::writer::StreamWriter;
use axum::http::StatusCode;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::sync::Arc;

const ROWS: usize = 40;

/// Different directions, some of them against each other.
fn vectors() -> Value {
    let coordinate = |cell: usize| (cell as f32 * 0.754_877_7).fract() - 0.3;
    let rows: Vec<[f32; 3]> =
        (0..ROWS).map(|row| [0, 1, 2].map(|axis| coordinate(3 * row + axis + 1))).collect();
    json!({"kind": "vectors", "vectors": rows})
}

fn job(data: &Value, objective: &Value, constraints: Value) -> Value {
    json!({"kind": "selection", "inline": data, "objective": objective, "constraints": constraints})
}

fn with_neighbors(objective: &Value, m: Value) -> Value {
    let mut objective = objective.clone();
    objective["similarity"]["neighbors"] = json!({"method": "exact", "m": m});
    objective
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn alike(one: &Value, other: &Value, what: &str) {
    assert_eq!(one["indices"], other["indices"], "{what}");
    for (gain, expected) in one["gains"].as_array().unwrap().iter().zip(other["gains"].as_array().unwrap()) {
        let (gain, expected) = (number(gain), number(expected));
        assert!((gain - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{what}: {gain} {expected}");
    }
}

fn graph_objectives() -> [Value; 4] {
    [
        json!({"name": "facility_location"}),
        json!({"name": "facility_location_cg", "private": {"rows": [1, 30]}, "nu": 0.7}),
        json!({"name": "saturated_coverage", "alpha": 0.2}),
        json!({"name": "graph_cut"}),
    ]
}

#[tokio::test]
async fn a_graph_of_every_other_row_makes_the_picks_of_all_pairs() {
    let client = Client::new();
    for objective in graph_objectives() {
        let dense = client.selected(&job(&vectors(), &objective, json!({"k": 6}))).await;
        let graph = with_neighbors(&objective, json!(ROWS - 1));
        let graph = client.selected(&job(&vectors(), &graph, json!({"k": 6}))).await;
        alike(&graph, &dense, &objective.to_string());
        assert_eq!((&graph["plan"], &graph["certificate"]["of"]), (&json!("neighbors"), &json!("graph")));
        let (optimized, value) = (number(&graph["optimized_value"]), number(&graph["objective_value"]));
        assert!((optimized - value).abs() <= 1e-6 * value, "{objective}: {optimized} {value}");
    }
}

#[tokio::test]
async fn a_graph_is_optimised_and_all_pairs_are_valued() {
    let client = Client::new();
    for objective in graph_objectives() {
        let graph = with_neighbors(&objective, json!(3));
        let found = client.selected(&job(&vectors(), &graph, json!({"k": 6}))).await;
        let constraints = json!({"k": 6, "include": found["indices"]});
        let meant = client.selected(&job(&vectors(), &objective, constraints)).await;
        let value = number(&found["objective_value"]);
        assert!((value - number(&meant["objective_value"])).abs() <= 1e-6 * value, "{objective}");
        let gains: f64 = found["gains"].as_array().unwrap().iter().map(number).sum();
        assert!((number(&found["optimized_value"]) - gains).abs() < 1e-9, "{objective}");
        assert!(gains < value && meant["optimized_value"].is_null(), "{objective}: {gains} {value}");
        assert_eq!(found["guarantee"]["factor"], Value::Null, "{objective}");
        assert!(found["guarantee"]["reason"].as_str().unwrap().contains("graph"), "{found}");
    }
}

#[tokio::test]
async fn neighbors_are_refused_where_a_graph_means_nothing() {
    let client = Client::new();
    let (query, private) = (json!({"rows": [0]}), json!({"rows": [1]}));
    let few = |objective: Value| with_neighbors(&objective, json!(3));
    for objective in [
        json!({"name": "sum_redundancy"}),
        json!({"name": "log_det"}),
        json!({"name": "facility_location", "represented": {"rows": [1, 2]}}),
        json!({"name": "facility_location_mi", "query": query}),
        json!({"name": "facility_location_vmi", "query": query}),
        json!({"name": "facility_location_cmi", "query": query, "private": private}),
        json!({"name": "graph_cut_mi", "query": query}),
        json!({"name": "graph_cut_cg", "private": private}),
        json!({"name": "concave_over_modular", "query": query}),
        json!({"name": "log_det_cg", "private": private}),
    ] {
        let answer = client.post_json("/v1/jobs", &job(&vectors(), &few(objective), json!({"k": 2}))).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.json);
        assert_eq!(answer.json["code"], "invalid_parameter");
        assert_eq!(answer.json["errors"][0]["pointer"], "/objective/similarity/neighbors", "{}", answer.json);
    }
    for m in [0, ROWS] {
        let objective = with_neighbors(&json!({"name": "graph_cut"}), json!(m));
        let answer = client.post_json("/v1/jobs", &job(&vectors(), &objective, json!({"k": 2}))).await;
        assert_eq!(
            answer.json["errors"][0]["pointer"], "/objective/similarity/neighbors/m",
            "{}",
            answer.json
        );
    }
    let matrix = json!({"kind": "similarity", "similarity": [[1, 0], [0, 1]]});
    let objective =
        json!({"name": "graph_cut", "similarity": {"metric": "precomputed", "neighbors": {"m": 1}}});
    let answer = client.post_json("/v1/jobs", &job(&matrix, &objective, json!({"k": 1}))).await;
    assert_eq!(answer.json["errors"][0]["pointer"], "/objective/similarity/neighbors", "{}", answer.json);
}

/// A band of similarities, each different, the same both ways; row 5 has none but its own.
fn band() -> Vec<Vec<(usize, f32)>> {
    let similarity = |i: usize, j: usize| match (i.abs_diff(j), i == 5 || j == 5) {
        (0, _) => Some(1.0),
        (1..=3, false) => Some(0.9 / (1 + i.abs_diff(j)) as f32 + ((i + j) as f32 * 0.618_034).fract() * 0.2),
        _ => None,
    };
    (0..ROWS).map(|i| (0..ROWS).filter_map(|j| similarity(i, j).map(|s| (j, s))).collect()).collect()
}

fn table(rows: &[Vec<(usize, f32)>]) -> RecordBatch {
    let columns = rows.iter().map(|row| Some(row.iter().map(|(j, _)| Some(*j as i32)).collect::<Vec<_>>()));
    let values = rows.iter().map(|row| Some(row.iter().map(|(_, s)| Some(*s)).collect::<Vec<_>>()));
    let columns: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(columns));
    let values: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(values));
    RecordBatch::try_from_iter([("cols", columns), ("values", values)]).unwrap()
}

#[tokio::test]
async fn a_sparse_similarity_is_the_same_matrix_however_it_comes() {
    let client = Client::new();
    let rows = band();
    let mut dense = vec![vec![0.0; ROWS]; ROWS];
    rows.iter().enumerate().for_each(|(i, row)| row.iter().for_each(|&(j, s)| dense[i][j] = s));
    let entries: Vec<(usize, usize, f32)> =
        rows.iter().enumerate().flat_map(|(i, row)| row.iter().map(move |&(j, s)| (i, j, s))).collect();
    let dense = json!({"kind": "similarity", "similarity": dense});
    let listed = json!({
        "kind": "similarity",
        "n": ROWS,
        "rows": entries.iter().map(|entry| entry.0).collect::<Vec<_>>(),
        "cols": entries.iter().map(|entry| entry.1).collect::<Vec<_>>(),
        "values": entries.iter().map(|entry| entry.2).collect::<Vec<_>>(),
    });
    let batch = table(&rows);
    let (mut parquet, mut arrow) = (Vec::new(), Vec::new());
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut writer = StreamWriter::try_new(&mut arrow, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let mut uploaded = vec![];
    for (media_type, bytes) in [
        ("application/json", listed.to_string().into_bytes()),
        ("application/vnd.apache.parquet", parquet),
        ("application/vnd.apache.arrow.stream", arrow),
    ] {
        let answer = client.post("/v1/datasets?kind=similarity", media_type, bytes).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
        assert_eq!((&answer.json["rows"], &answer.json["dim"]), (&json!(ROWS), &json!(ROWS)));
        uploaded.push(answer.text("/id"));
    }

    let precomputed = json!({"metric": "precomputed"});
    for objective in [
        json!({"name": "facility_location", "similarity": precomputed}),
        json!({"name": "facility_location", "similarity": precomputed, "represented": {"rows": [4, 5, 6, 20]}}),
        json!({"name": "saturated_coverage", "alpha": 0.4, "similarity": precomputed}),
        json!({"name": "graph_cut", "similarity": precomputed}),
        json!({"name": "sum_redundancy", "similarity": precomputed}),
        json!({"name": "log_det", "similarity": precomputed}),
    ] {
        let expected = client.selected(&job(&dense, &objective, json!({"k": 7}))).await;
        assert_eq!(expected["plan"], "precomputed");
        let mut bodies = vec![job(&listed, &objective, json!({"k": 7}))];
        for id in &uploaded {
            let mut body = job(&Value::Null, &objective, json!({"k": 7}));
            body.as_object_mut().unwrap().remove("inline");
            body["dataset"] = json!(id);
            bodies.push(body);
        }
        for body in bodies {
            let found = client.selected(&body).await;
            assert_eq!(found["plan"], "sparse", "{objective}");
            alike(&found, &expected, &objective.to_string());
        }
    }
}
