//! Sets evaluated over HTTP: their values and gains, and what is refused.

use crate::client::{Answer, Client, npy};
use serde_json::{Value, json};

async fn evaluate(client: &Client, body: &Value) -> Answer {
    client.post_json("/v1/evaluate", body).await
}

async fn evaluated(client: &Client, body: &Value) -> Value {
    let answer = evaluate(client, body).await;
    assert_eq!(answer.status, 200, "{body} {}", answer.json);
    answer.json
}

/// The eight points of the worked numbers, with a query and private rows.
fn points() -> Value {
    json!([
        [0.791, 0.587, 0.385],
        [0.726, 0.765, 0.275],
        [0.954, 0.706, 0.991],
        [0.486, 0.278, 0.671],
        [0.367, 0.773, 0.782],
        [0.45, 0.323, 0.565],
        [0.825, 0.605, 0.772],
        [0.191, 0.057, 0.283],
    ])
}

fn close(found: &Value, expected: f64, told: &str) {
    let number = found.as_f64().unwrap_or(f64::NAN);
    assert!(
        (number - expected).abs() < 2e-6 * expected.abs().max(1.0),
        "{told}: {found}, expected {expected}"
    );
}

#[tokio::test]
async fn the_worked_values_come_over_http() {
    let client = Client::new();
    let query = json!({"vectors": [[0.9, 0.2, 0.4], [0.1, 0.8, 0.3]]});
    let private = json!({"vectors": [[0.5, 0.5, 0.9]]});
    // f of {0, 2, 5} and of all items.
    let cases = [
        (json!({"name": "facility_location"}), 7.871661057, 8.0),
        (json!({"name": "facility_location", "reduction": "mean"}), 0.9839576321250001, 1.0),
        (json!({"name": "saturated_coverage", "alpha": 0.3}), 17.750374461, 17.750374461),
        (json!({"name": "graph_cut"}), 19.166817779600002, 35.500748922),
        (json!({"name": "feature_based", "weights": [1.0, 0.5, 2.0]}), 4.903558703384632, 7.5472415867775045),
        (json!({"name": "log_det", "ridge": 0.1}), -2.8313197462683446, -11.496558605396036),
        (json!({"name": "disparity_sum", "start": "farthest_pair"}), 1.869038275, 16.805908728),
        (json!({"name": "disparity_min"}), 0.467308249, 0.120652393),
        (json!({"name": "facility_location_mi", "query": query}), 4.353673154, 8.874035518),
        (json!({"name": "facility_location_vmi", "query": query}), 7.05666985, 7.05666985),
        (json!({"name": "facility_location_cg", "private": private}), 0.42230918, 0.524561732),
        (
            json!({"name": "facility_location_cmi", "query": query, "private": private}),
            0.110299064,
            0.110299064,
        ),
        (json!({"name": "graph_cut_mi", "query": query, "lambda": 0.5}), 4.843193969, 12.558862776),
        (json!({"name": "graph_cut_cg", "private": private}), 16.9134151996, 29.5203983076),
        (json!({"name": "concave_over_modular", "query": query}), 6.918733863450538, 15.025275684441898),
        (json!({"name": "log_det_mi", "query": query, "ridge": 0.1}), 2.197988124063423, 3.191522067020328),
        (
            json!({"name": "log_det_cg", "private": private, "ridge": 0.1}),
            -4.640132515235411,
            -13.65554501328876,
        ),
    ];
    for (objective, value, whole) in cases {
        let told = objective.to_string();
        let body = json!({
            "inline": {"vectors": points()}, "objective": objective,
            "sets": [[5, 0, 2], [], [0, 1, 2, 3, 4, 5, 6, 7], [0, 2]],
            "gains_for": [5, 2], "complement": true, "share": true,
        });
        let found = evaluated(&client, &body).await;
        close(&found["values"][0], value, &told);
        close(&found["values"][1], 0.0, &told);
        close(&found["values"][2], whole, &told);
        close(&found["empty_value"], 0.0, &told);
        // A gain is what the value rises by.
        assert_eq!(found["gains"][0], json!([0.0, 0.0]), "{told}");
        let without = found["values"][3].as_f64().unwrap();
        close(&found["gains"][3][0], value - without, &told);
        assert_eq!(found["gains"][3][1], 0.0, "{told}");
        close(&found["complement_values"][1], whole, &told);
        close(&found["complement_values"][2], 0.0, &told);
        close(&found["shares"][0], value / whole, &told);
    }
}

#[tokio::test]
async fn the_value_is_that_of_the_function_meant_and_of_what_a_job_reports() {
    let client = Client::new();
    let dataset = client.upload(60, 4).await;
    let meant = json!({"name": "facility_location", "similarity": {"metric": "rbf"}});
    let job = json!({"kind": "selection", "dataset": dataset, "objective": meant, "constraints": {"k": 7}});
    let job = client.submit(&job).await;
    client.wait_for_end(&job, "succeeded").await;
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let picks = result["indices"].clone();
    for searched in [
        meant.clone(),
        json!({"name": "facility_location", "similarity": {"metric": "rbf"}, "represented": {"sample": 9}}),
        json!({"name": "facility_location", "similarity": {"metric": "rbf", "neighbors": {"m": 2}}}),
    ] {
        let body = json!({"dataset": dataset, "objective": searched, "sets": [picks]});
        let found = evaluated(&client, &body).await;
        close(&found["values"][0], result["objective_value"].as_f64().unwrap(), &searched.to_string());
        assert_eq!([&found["gains"], &found["shares"], &found["complement_values"]], [&Value::Null; 3]);
    }
    let jobs = client.get("/v1/jobs").await.json;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "an evaluation is no job");
}

#[tokio::test]
async fn what_is_no_number_is_null() {
    let client = Client::new();
    let body = json!({
        "inline": {"vectors": [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]},
        "objective": {"name": "log_det", "ridge": 0},
        "sets": [[0, 1], [0, 2]], "gains_for": [1], "share": true,
    });
    let found = evaluated(&client, &body).await;
    assert_eq!(found["values"], json!([null, 0.0]));
    assert_eq!(found["gains"], json!([[0.0], [null]]));
    let zero = json!({
        "inline": {"vectors": [[1.0], [2.0]]}, "objective": {"name": "modular", "scores": {"values": [1.0, -1.0]}},
        "sets": [[0]], "share": true,
    });
    assert_eq!(evaluated(&client, &zero).await["shares"], Value::Null);
}

#[tokio::test]
async fn every_offence_is_told_at_its_place_and_nothing_is_left() {
    let client = Client::new();
    let sound = json!({
        "inline": {"vectors": [[1.0, 0.0], [0.0, 1.0]], "ids": ["a", "b"]},
        "objective": {"name": "facility_location"},
        "sets": [["a"], [1]],
    });
    evaluated(&client, &sound).await;
    let change = |change: fn(&mut Value)| {
        let mut body = sound.clone();
        change(&mut body);
        body
    };
    let cases = [
        (
            change(|b| b["sets"] = json!([["a", 1, "b", "c"], [7]])),
            "duplicate_item",
            "/sets/0/2 /sets/0/3 /sets/1/0",
        ),
        (change(|b| b["gains_for"] = json!([0, "z"])), "unknown_item", "/gains_for/1"),
        (change(|b| b["sets"] = json!([[0.5]])), "invalid_parameter", "/sets/0/0"),
        (change(|b| b["sets"] = json!([0])), "invalid_parameter", "/sets/0"),
        (change(|b| b["objective"]["name"] = json!("none")), "invalid_parameter", "/objective/name"),
        (
            change(|b| b["objective"]["represented"] = json!({"rows": [9]})),
            "unknown_item",
            "/objective/represented/rows/0",
        ),
        (
            change(|b| b["objective"]["similarity"] = json!({"metric": "precomputed"})),
            "invalid_parameter",
            "/objective/similarity/metric",
        ),
        (
            change(|b| b["inline"]["vectors"] = json!([[1.0], ["x"]])),
            "invalid_parameter",
            "/inline/vectors/1/0",
        ),
        (change(|b| b["dataset"] = json!("ds_1")), "invalid_parameter", "/inline"),
        (change(|b| b["constraints"] = json!({"k": 1})), "invalid_parameter", "/constraints"),
    ];
    for (body, code, places) in cases {
        let answer = evaluate(&client, &body).await;
        let errors = answer.json["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(
            (answer.status.as_u16(), answer.text("/code").as_str(), found.join(" ").as_str()),
            (422, code, places),
            "{body} {}",
            answer.json
        );
    }
    let absent = evaluate(
        &client,
        &json!({"dataset": "ds_1", "objective": {"name": "facility_location"}, "sets": []}),
    )
    .await;
    assert_eq!((absent.status.as_u16(), absent.text("/errors/0/pointer").as_str()), (404, "/dataset"));
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
}

#[tokio::test]
async fn too_much_work_is_refused_with_what_would_fit() {
    let client = Client::with(|settings| settings.max_flops = 2e6);
    let answer = client.post("/v1/datasets", "application/x-npy", npy(500, 4)).await;
    let dataset = answer.text("/id");
    let body = |sets: usize, more: Value| {
        let sets: Vec<Vec<usize>> = (0..sets).map(|at| (at..at + 3).collect()).collect();
        let mut body = json!({"dataset": dataset, "objective": {"name": "facility_location"}, "sets": sets});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(evaluate(&client, &body(5, json!({}))).await.status, 200);
    let refused = async |body: &Value| {
        let answer = evaluate(&client, body).await;
        assert_eq!(answer.text("/code"), "estimate_exceeds_limit", "{}", answer.json);
        (answer.text("/errors/0/pointer"), answer.text("/detail"))
    };
    let (pointer, detail) = refused(&body(200, json!({}))).await;
    assert_eq!(pointer, "/sets", "{detail}");
    let fits = detail.split("the first ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let fits: usize = fits.parse().unwrap();
    assert_eq!(evaluate(&client, &body(fits, json!({}))).await.status, 200);
    refused(&body(fits + 1, json!({}))).await;
    assert_eq!(refused(&body(5, json!({"share": true}))).await.0, "/share");
    assert_eq!(refused(&body(1, json!({"complement": true}))).await.0, "/complement");
    let mut cut = body(1, json!({}));
    cut["objective"] = json!({"name": "graph_cut"});
    let (pointer, detail) = refused(&cut).await;
    assert!(pointer == "/objective" && detail.contains("jobs.max_flops"), "{detail}");
    let gains: Vec<usize> = (0..500).collect();
    let (pointer, detail) = refused(&body(1, json!({"gains_for": gains}))).await;
    assert_eq!(pointer, "/sets", "{detail}");
}

#[tokio::test]
async fn its_memory_is_within_that_of_the_jobs() {
    let small = Client::with(|settings| settings.memory_bytes = 1 << 20);
    let body =
        json!({"inline": {"vectors": points()}, "objective": {"name": "facility_location"}, "sets": [[0]]});
    let answer = evaluate(&small, &body).await;
    assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (422, "estimate_exceeds_limit"));
    assert!(answer.text("/detail").contains("jobs.memory_bytes"));

    let none = Client::with(|settings| settings.max_waiting = 0);
    let answer = evaluate(&none, &body).await;
    assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (429, "too_many_requests"));
}
