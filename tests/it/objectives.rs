//! Queries, masks, mixtures and negative similarities, from the request to the result.

use crate::client::Client;
use axum::http::StatusCode;
use serde_json::{Value, json};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn job(data: &Value, objective: &Value, constraints: Value) -> Value {
    json!({"kind": "selection", "inline": data, "objective": objective, "constraints": constraints})
}

fn rows() -> Vec<[f32; 4]> {
    let coordinate = |cell: usize| (cell as f32 * 0.618_034).fract();
    (0..20).map(|row| [0, 1, 2, 3].map(|axis| coordinate(4 * row + axis * axis + 1))).collect()
}

#[tokio::test]
async fn rows_another_dataset_and_vectors_are_the_same_query() {
    let client = Client::new();
    let all = rows();
    let data = json!({"kind": "vectors", "vectors": all});
    let stored = async |rows: &[[f32; 4]]| {
        let answer = client.post_json("/v1/datasets", &json!({"kind": "vectors", "vectors": rows})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json);
        answer.text("/id")
    };
    let (query, private) = ([all[13], all[2]], [all[7], all[16], all[4]]);
    let ways = [
        (json!({"rows": [13, 2]}), json!({"rows": [7, 16, 4]})),
        (json!({"dataset": stored(&query).await}), json!({"dataset": stored(&private).await})),
        (json!({"vectors": query}), json!({"vectors": private})),
    ];
    for (name, asks, has) in [
        ("facility_location_mi", true, false),
        ("facility_location_vmi", true, false),
        ("facility_location_cg", false, true),
        ("facility_location_cmi", true, true),
        ("graph_cut_mi", true, false),
        ("graph_cut_cg", false, true),
        ("concave_over_modular", true, false),
        ("log_det_mi", true, false),
        ("log_det_cg", false, true),
        ("log_det_cmi", true, true),
    ] {
        let mut answers = vec![];
        for (query, private) in &ways {
            let mut objective = json!({"name": name});
            if asks {
                objective["query"] = query.clone();
            }
            if has {
                objective["private"] = private.clone();
                if !name.starts_with("log_det") {
                    objective["nu"] = json!(0.8);
                }
            }
            answers.push(client.selected(&job(&data, &objective, json!({"k": 3}))).await);
        }
        let value = number(&answers[0]["objective_value"]);
        assert!(value.abs() > 1e-3, "{name}: {value}");
        for answer in &answers[1..] {
            assert_eq!(answer["indices"], answers[0]["indices"], "{name}");
            let other = number(&answer["objective_value"]);
            assert!((value - other).abs() <= 1e-5 * value.abs(), "{name}: {value} {other}");
        }
    }
}

/// f(S) = sum of w_u over covered concepts of the query that are not private.
#[tokio::test]
async fn masks_say_which_concepts_count() {
    let client = Client::new();
    let data =
        json!({"kind": "vectors", "vectors": [[1, 1, 0, 0, 0], [0, 0, 0.4, 0, 1], [0, 1, 0.6, 0.5, 0]]});
    let weights = json!([1, 2, 4, 8, 16]);
    let (query, private) =
        (json!([true, true, true, true, false]), json!([false, true, false, false, false]));
    for (masks, threshold, gains) in [
        (json!({}), 0.0, [20.0, 10.0, 1.0]), // items 1, 2, 0
        (json!({"query": query}), 0.0, [14.0, 1.0, 0.0]),
        (json!({"private": private}), 0.0, [20.0, 8.0, 1.0]),
        (json!({"query": query, "private": private}), 0.0, [12.0, 1.0, 0.0]),
        (json!({"query": query}), 0.45, [14.0, 1.0, 0.0]),
        (json!({"query": query}), 0.5, [6.0, 1.0, 0.0]),
    ] {
        let mut objective = json!({"name": "set_cover", "weights": weights, "threshold": threshold});
        objective.as_object_mut().unwrap().extend(masks.as_object().unwrap().clone());
        let found = client.selected(&job(&data, &objective, json!({"k": 3}))).await;
        assert_eq!(found["gains"], json!(gains), "{masks} {threshold}");
    }
    for (masks, value) in [
        (json!({}), 1.0 + 2.0 + 4.0 * 0.76 + 8.0 * 0.5 + 16.0),
        (json!({"query": query, "private": private}), 1.0 + 4.0 * 0.76 + 8.0 * 0.5),
    ] {
        let mut objective = json!({"name": "probabilistic_set_cover", "weights": weights});
        objective.as_object_mut().unwrap().extend(masks.as_object().unwrap().clone());
        let found = client.selected(&job(&data, &objective, json!({"k": 3}))).await;
        assert!((number(&found["objective_value"]) - value).abs() < 1e-6, "{masks}: {found}");
    }
    let objective = json!({"name": "set_cover", "query": [true], "private": [false, true]});
    let answer = client.post_json("/v1/jobs", &job(&data, &objective, json!({"k": 1}))).await;
    let pointers: Vec<&Value> =
        answer.json["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(
        (answer.json["code"].as_str(), pointers),
        (Some("shape_mismatch"), vec![&json!("/objective/query"), &json!("/objective/private")],)
    );
    let doubtful = json!({"kind": "vectors", "vectors": [[0.5], [1.5]]});
    let objective = json!({"name": "probabilistic_set_cover"});
    let answer = client.post_json("/v1/jobs", &job(&doubtful, &objective, json!({"k": 1}))).await;
    let job = client.wait_for_end(&answer.text("/id"), "failed").await;
    assert!(job["error"]["detail"].as_str().unwrap().contains("row 1"), "{job}");
}

#[tokio::test]
async fn a_normalised_mixture_weighs_shares_of_each_part() {
    let client = Client::new();
    let data = json!({"kind": "vectors", "vectors": rows()});
    let parts = [
        (0.7, json!({"name": "facility_location"})),
        (0.2, json!({"name": "feature_based"})),
        (0.1, json!({"name": "modular", "scores": {"values": (1..=20).collect::<Vec<_>>()}})),
    ];
    let mixture = |normalize: bool| {
        let parts: Vec<Value> =
            parts.iter().map(|(weight, part)| json!({"weight": weight, "objective": part})).collect();
        json!({"name": "mixture", "parts": parts, "normalize": normalize})
    };
    let valued = async |objective: &Value, items: Value| {
        let constraints = json!({"k": items.as_array().unwrap().len(), "include": items});
        number(&client.selected(&job(&data, objective, constraints)).await["objective_value"])
    };
    let everything = json!((0..20).collect::<Vec<_>>());
    for normalize in [false, true] {
        let found = client.selected(&job(&data, &mixture(normalize), json!({"k": 4}))).await;
        assert_eq!(found["optimizer"], "lazy_greedy");
        let mut expected = 0.0;
        for (weight, part) in &parts {
            let whole = if normalize { valued(part, everything.clone()).await } else { 1.0 };
            expected += weight * valued(part, found["indices"].clone()).await / whole;
        }
        let value = number(&found["objective_value"]);
        assert!((value - expected).abs() < 1e-6 * expected, "{value} {expected}");
        if normalize {
            let all = client.selected(&job(&data, &mixture(true), json!({"k": 20}))).await;
            assert!((number(&all["objective_value"]) - 1.0).abs() < 1e-6, "{all}");
        }
    }
}

#[tokio::test]
async fn negative_similarities_fail_the_run_where_they_mean_nothing() {
    let client = Client::new();
    let opposed = json!({"kind": "vectors", "vectors": [[1, 0], [0.6, 0.8], [-1, 0.1]]});
    let matrix = json!({"kind": "similarity", "similarity": [[1, 0.5, 0], [0.5, 1, -0.25], [0, -0.25, 1]]});
    let sparse = json!({"kind": "similarity", "n": 3, "rows": [0, 1, 1, 2, 2], "cols": [0, 1, 2, 1, 2],
        "values": [1, 1, -0.25, -0.25, 1]});
    let query = json!({"rows": [0, 1]});
    for (data, metric, place) in [
        (&opposed, "cosine_signed", "row 0 and item 2"),
        (&opposed, "dot", "row 0 and item 2"),
        (&matrix, "precomputed", "row 1 and item 2"),
        (&sparse, "precomputed", "row 1 and item 2"),
    ] {
        let similarity = json!({"metric": metric});
        for objective in [
            json!({"name": "graph_cut", "similarity": similarity}),
            json!({"name": "saturated_coverage", "similarity": similarity}),
            json!({"name": "sum_redundancy", "similarity": similarity}),
            json!({"name": "graph_cut_mi", "similarity": similarity, "query": query}),
            json!({"name": "concave_over_modular", "similarity": similarity, "query": query}),
        ] {
            let id = client.submit(&job(data, &objective, json!({"k": 2}))).await;
            let job = client.wait_for_end(&id, "failed").await;
            assert_eq!(job["error"]["code"], "negative_similarity", "{objective}: {job}");
            assert!(job["error"]["detail"].as_str().unwrap().contains(place), "{objective}: {job}");
            assert_eq!(client.get(&format!("/v1/jobs/{id}/result")).await.json["code"], "no_result");
        }
        // Facility location takes them for 0, and log_det for what they are.
        for name in ["facility_location", "log_det"] {
            let objective = json!({"name": name, "similarity": similarity});
            client.selected(&job(data, &objective, json!({"k": 2}))).await;
        }
    }
}
