//! Parts that are not merged: the worked page, how they are divided, what they take, and what a kill leaves of them.

use crate::client::{Answer, Client, npy};
#[cfg(debug_assertions)]
use crate::service::Service;
use axum::body::Body;
use axum::http::{Request, header};
use fewer::dataset::{Format, Options, Source};
use fewer::jobs::Nothing;
use fewer::jobs::selection::{Limits, prepare};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::LazyLock;
use submodular::tile::Kernel;

static PAGE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../crates/submodular/tests/data/ingenious_golden.json")).unwrap()
});

/// The page's vectors, with the number of the part of each row as a column.
pub(crate) fn page() -> Value {
    let mut part = vec![0; PAGE["n"].as_u64().unwrap() as usize];
    for (number, of) in PAGE["parts"].as_array().unwrap().iter().enumerate() {
        of["items"].as_array().unwrap().iter().for_each(|e| part[e.as_u64().unwrap() as usize] = number);
    }
    json!({"kind": "vectors", "vectors": PAGE["X"], "columns": {"part": part}})
}

/// Facility location of the page in its own parts.
pub(crate) fn of_page(constraints: Value, rank_all: bool) -> Value {
    json!({
        "kind": "selection", "inline": page(), "objective": {"name": "facility_location"},
        "constraints": constraints,
        "optimizer": {
            "name": "partitioned_greedy", "parts": {"by": "column", "column": "part"}, "merge": false,
            "rank_all": rank_all,
        },
    })
}

/// Facility location of a dataset in parts.
fn in_parts(dataset: &str, k: u64, parts: Value) -> Value {
    json!({
        "kind": "selection", "dataset": dataset, "objective": {"name": "facility_location"},
        "constraints": {"k": k}, "seed": 3,
        "optimizer": {"name": "partitioned_greedy", "parts": parts, "merge": false},
    })
}

pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub(crate) fn items(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
}

pub(crate) fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
    }
}

/// All parts' picks: the largest gain first, ties to the lowest row.
fn together(result: &Value) -> Vec<(u64, f64)> {
    let parts = result["parts"].as_array().unwrap().iter();
    let mut all: Vec<(u64, f64)> =
        parts.flat_map(|part| items(&part["indices"]).into_iter().zip(numbers(&part["gains"]))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

fn flat(result: &Value) -> Vec<(u64, f64)> {
    items(&result["indices"]).into_iter().zip(numbers(&result["gains"])).collect()
}

#[tokio::test]
async fn the_worked_parts_are_ranked_and_share_the_budget() {
    let client = Client::new();
    let ranked = client.selected(&of_page(json!({}), true)).await;
    let few = client.selected(&of_page(json!({"k": PAGE["k"]}), false)).await;
    assert_eq!(
        (&ranked["termination"], &few["termination"]),
        (&json!("all_ranked"), &json!("budget_reached"))
    );
    let mut elsewhere = 0;
    for (at, page) in PAGE["parts"].as_array().unwrap().iter().enumerate() {
        let (all, few) = (&ranked["parts"][at], &few["parts"][at]);
        assert_eq!((&all["part"], &all["size"], &few["size"]), (&json!(at), &json!(8), &json!(8)));
        close(&numbers(&all["gains"]), &numbers(&page["gains"]));
        let (found, expected) = (items(&all["indices"]), items(&page["greedy_items"]));
        // Two items that cover each other and nothing else tie: on the page rounding chose.
        elsewhere += found.iter().zip(&expected).filter(|(a, b)| a != b).count();
        let size = page["sample_size"].as_u64().unwrap() as usize;
        assert_eq!(items(&few["indices"]), expected[..size]);
        close(&numbers(&few["gains"]), &numbers(&page["gains"])[..size]);
    }
    assert!(elsewhere <= 2, "{elsewhere} items stand elsewhere");
    for result in [&ranked, &few] {
        assert_eq!((&result["complete"], &result["certificate"]), (&json!(true), &json!(null)));
        assert_eq!(flat(result), together(result));
        assert!(result["guarantee"]["reason"].as_str().unwrap().contains("not for the whole"));
        // The gains are of the parts' functions, and f of all items together is more than any part sees.
        let values = json!({
            "inline": page(), "objective": {"name": "facility_location"}, "sets": [result["indices"]],
        });
        let whole = client.post_json("/v1/evaluate", &values).await.json;
        close(&numbers(&whole["values"]), &[result["objective_value"].as_f64().unwrap()]);
        let sum: f64 = numbers(&result["gains"]).iter().sum();
        close(&[result["optimized_value"].as_f64().unwrap()], &[sum]);
    }
    assert_eq!(items(&few["indices"]).len() as u64, PAGE["selected_total"].as_u64().unwrap());
}

#[tokio::test]
async fn a_result_in_parts_has_every_format_and_no_prefix() {
    let client = Client::new();
    let job = client.submit(&of_page(json!({"k": 6}), false)).await;
    client.wait_for_end(&job, "succeeded").await;
    let path = format!("/v1/jobs/{job}/result");
    let result = client.get(&path).await.json;
    let prefix = client.get(&format!("{path}?k=2")).await;
    assert_eq!((prefix.status.as_u16(), prefix.text("/code").as_str()), (422, "prefix_not_valid"));
    let written = async |format: &str| -> Answer {
        client.send(Request::get(&path).header(header::ACCEPT, format).body(Body::empty()).unwrap()).await
    };
    let csv = written("text/csv").await;
    let rows = std::str::from_utf8(&csv.body).unwrap().lines().skip(1);
    let rows: Vec<u64> = rows.map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(rows, items(&result["indices"]));
    for format in [
        "application/x-ndjson",
        "application/x-npy",
        "application/vnd.apache.arrow.stream",
        "application/vnd.apache.parquet",
    ] {
        let answer = written(format).await;
        assert!(answer.status == 200 && answer.body.len() > 20, "{format}");
    }
}

#[tokio::test]
async fn k_means_divides_all_items_alike_in_every_run_merged_or_not() {
    let client = Client::new();
    let dataset = client.upload(240, 5).await;
    let body = in_parts(&dataset, 20, json!({"by": "kmeans", "count": 6}));
    let (first, again) = (client.selected(&body).await, client.selected(&body).await);
    assert_eq!(first["parts"], again["parts"]);
    let parts = first["parts"].as_array().unwrap();
    let sizes: Vec<u64> = parts.iter().map(|part| part["size"].as_u64().unwrap()).collect();
    assert!(sizes.len() <= 6 && sizes.iter().all(|&size| size >= 2) && sizes.iter().sum::<u64>() == 240);
    for (part, size) in parts.iter().zip(sizes) {
        let share = (size * 20).div_ceil(240).min(size - 1);
        assert_eq!(items(&part["indices"]).len() as u64, share);
    }
    let mut merged = body.clone();
    merged["optimizer"]["merge"] = json!(true);
    let merged = client.selected(&merged).await;
    assert_eq!((items(&merged["indices"]).len(), &merged["parts"]), (20, &json!(null)));
    // A function that compares no vectors has its clusters by distance.
    let mut features = body;
    features["objective"] = json!({"name": "feature_based"});
    assert_eq!(client.selected(&features).await["complete"], true);
}

/// Of similarities that do not fit as a whole, those of a part do: how many parts there are follows.
#[tokio::test]
async fn the_memory_says_how_many_parts_there_are_and_is_that_of_one_part() {
    let client = Client::with(|settings| settings.memory_bytes = 24 << 20);
    let dataset = client.upload(3000, 4).await;
    let plan = async |body: &Value| client.post_json("/v1/jobs?validate_only=true", body).await.json;
    let open = in_parts(&dataset, 30, json!({}));
    let one = plan(&in_parts(&dataset, 30, json!({"count": 1}))).await;
    assert_eq!(one["plan"], "blocked_f32", "{one}");
    let many = plan(&in_parts(&dataset, 30, json!({"count": 50}))).await;
    let found = plan(&open).await;
    assert_eq!((&found["plan"], &found["admissible"]), (&json!("stored_f32"), &json!(true)), "{found}");
    assert!(many["memory_bytes"].as_u64() < found["memory_bytes"].as_u64());
    assert!(
        found["memory_bytes"].as_u64().unwrap() <= 24 << 20
            && one["flops"].as_f64() > found["flops"].as_f64()
    );
    let job = client.submit(&open).await;
    let ended = client.wait_for_end(&job, "succeeded").await;
    let count = ended["spec"]["optimizer"]["parts"]["count"].as_u64().unwrap();
    assert!((2..20).contains(&count), "{count}");
    let fewer = plan(&in_parts(&dataset, 30, json!({"count": count - 1}))).await;
    assert_eq!(fewer["plan"], "blocked_f32", "{count} parts are not the fewest");
    // The parts choose the same whether their similarities are stored or not.
    let stored = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let less = found["memory_bytes"].as_u64().unwrap() - 1;
    let client = client.restart_with(|settings| settings.memory_bytes = less, |_| {});
    let blocked = client.selected(&in_parts(&dataset, 30, json!({"count": count}))).await;
    assert_eq!((&stored["plan"], &blocked["plan"]), (&json!("stored_f32"), &json!("blocked_f32")));
    assert_eq!(stored["parts"], blocked["parts"]);
}

/// Two far points are a cluster of two, and the other cluster is nearly everything: its copy is as large as the whole.
#[tokio::test]
async fn the_copy_that_a_merged_part_makes_is_counted_and_similarities_are_stored_if_it_fits() {
    let client = Client::with(|settings| settings.memory_bytes = 256 << 20);
    let dataset = client.upload(3000, 4).await;
    let merged = |parts: Value, include: u64| {
        let mut body = in_parts(&dataset, 600, parts);
        body["optimizer"]["merge"] = json!(true);
        body["constraints"]["include"] = (0..include).collect();
        body
    };
    let plan = async |client: &Client, body: &Value| {
        let plan = client.post_json("/v1/jobs?validate_only=true", body).await.json;
        assert_eq!(plan["admissible"], true, "{plan}");
        (plan["memory_bytes"].as_u64().unwrap(), plan["plan"].as_str().unwrap().to_owned())
    };
    let matrix = 3000 * 3000 * 4;
    let clusters = merged(json!({"by": "kmeans", "count": 2}), 0);
    let drawn = plan(&client, &merged(json!({"count": 2}), 0)).await;
    let included = plan(&client, &merged(json!({"count": 2}), 500)).await;
    let clustered = plan(&client, &clusters).await;
    // Half of the items have a quarter of the pairs, and 500 more go into every part.
    assert!(drawn.0 > matrix * 5 / 4 && included.0 > drawn.0 + matrix / 5, "{drawn:?} {included:?}");
    assert!(clustered.0 > 2 * matrix && clustered.1 == "stored_f32", "{clustered:?}");
    let client = client.restart_with(|settings| settings.memory_bytes = 60 << 20, |_| {});
    let clustered = plan(&client, &clusters).await;
    assert!(clustered.0 < matrix && clustered.1 == "blocked_f32", "{clustered:?}");
    assert_eq!(plan(&client, &merged(json!({"count": 2}), 0)).await.1, "stored_f32");
}

#[tokio::test]
async fn what_parts_cannot_do_is_refused_where_it_stands() {
    let client = Client::new();
    let body = |change: &dyn Fn(&mut Value)| {
        let mut body = of_page(json!({"k": 6}), false);
        change(&mut body);
        body
    };
    let matrix = json!({"kind": "similarity", "similarity": [[1.0, 0.5], [0.5, 1.0]]});
    let precomputed = json!({"name": "facility_location", "similarity": {"metric": "precomputed"}});
    for (body, pointer, code) in [
        (
            body(&|b| {
                b["optimizer"]["merge"] = json!(true);
                b["optimizer"]["rank_all"] = json!(true);
            }),
            "/optimizer/rank_all",
            "invalid_parameter",
        ),
        (
            body(&|b| b["optimizer"]["parts"] = json!({"by": "kmeans", "column": "part"})),
            "/optimizer/parts/column",
            "invalid_parameter",
        ),
        (
            body(&|b| b["optimizer"]["parts"]["count"] = json!(3)),
            "/optimizer/parts/count",
            "invalid_parameter",
        ),
        (
            body(&|b| b["optimizer"]["parts"]["count"] = json!(0)),
            "/optimizer/parts/count",
            "invalid_parameter",
        ),
        (
            body(&|b| b["optimizer"]["parts"]["by"] = json!("size")),
            "/optimizer/parts/by",
            "invalid_parameter",
        ),
        (
            body(&|b| {
                b["inline"] = matrix.clone();
                b["objective"] = precomputed.clone();
                b["constraints"]["k"] = json!(1);
                b["optimizer"]["parts"] = json!({"by": "kmeans"});
            }),
            "/optimizer/parts/by",
            "invalid_parameter",
        ),
        (body(&|b| b["constraints"] = json!({})), "/constraints/k", "invalid_parameter"),
        (
            body(&|b| b["constraints"]["groups"] = json!({"column": "part", "default_at_most": 3})),
            "/optimizer",
            "optimizer_mismatch",
        ),
        (body(&|b| b["constraints"]["min_distance"] = json!(0.1)), "/optimizer", "optimizer_mismatch"),
        (
            body(&|b| b["constraints"]["knapsack"] = json!({"column": "part", "budget": 3})),
            "/optimizer",
            "optimizer_mismatch",
        ),
        (
            body(&|b| {
                b["objective"] = json!({"name": "log_det_mi", "query": {"rows": [0]}});
                b["optimizer"]["inner"] = json!("lazy_greedy");
            }),
            "/optimizer",
            "optimizer_mismatch",
        ),
    ] {
        let answer = client.post_json("/v1/jobs", &body).await;
        assert_eq!(answer.status.as_u16(), 422, "{body}");
        let errors = answer.json["errors"].as_array().unwrap();
        assert!(
            errors.iter().any(|e| e["pointer"] == pointer && e["code"] == code),
            "{pointer} {code}: {}",
            answer.json
        );
    }
}

/// Every search that may run in a part does, by name or with its parameters.
#[tokio::test]
async fn parts_are_searched_as_they_are_asked_to() {
    let client = Client::new();
    let mut found = vec![];
    for inner in [
        json!("greedy"),
        json!("lazy_greedy"),
        json!({"name": "auto"}),
        json!("stochastic_greedy"),
        json!({"name": "stochastic_greedy", "epsilon": 0.01}),
    ] {
        let mut body = of_page(json!({"include": [1], "exclude": [14]}), true);
        body["optimizer"]["inner"] = inner;
        let result = client.selected(&body).await;
        let chosen = items(&result["indices"]);
        assert!(chosen[0] == 1 && !chosen.contains(&14), "{result}");
        found.push((result["parts"].clone(), result["evaluations"].as_u64().unwrap()));
    }
    assert!(found[0].0 == found[1].0 && found[1] == found[2], "greedy, lazy and auto choose the same");
    assert!(found[1].1 <= found[0].1 && found[3].1 < found[4].1, "{found:?}");
}

/// Of 200,000 rows the value of all is more work than parts of 5,000; that of a few is soon known.
#[test]
fn the_plan_says_where_f_of_all_parts_would_outlast_their_search() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("holes.npy");
    let (rows, columns) = (200_000, 128);
    let mut file = std::fs::File::create(&path).unwrap();
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    text.push_str(&" ".repeat(117 - text.len()));
    text.push('\n');
    let head = [b"\x93NUMPY\x01\x00".as_slice(), &118_u16.to_le_bytes(), text.as_bytes()].concat();
    file.write_all(&head).unwrap();
    file.set_len((128 + rows * columns * 4) as u64).unwrap();
    let source = Source::open(&path, Format::Npy, &Options::default(), u64::MAX).unwrap();
    let limits = Limits { memory_bytes: 4 << 30, max_flops: 1e16, threads: 2, kernel: Kernel::detect() };
    let reason = |objective: &str, constraints: Value, rank_all: bool| {
        let spec = json!({
            "objective": {"name": objective}, "constraints": constraints,
            "optimizer": {
                "name": "partitioned_greedy", "merge": false, "rank_all": rank_all, "parts": {"count": 40},
            },
        });
        let spec = serde_json::from_value(spec).unwrap();
        prepare(&spec, &source, &Nothing, true, &limits).unwrap().report().reason.clone()
    };
    let told = reason("facility_location", json!({}), true).unwrap();
    assert!(told.contains("objective_value is the sum of the gains") && told.contains("longer"), "{told}");
    assert_eq!(reason("facility_location", json!({"k": 2000}), false), None);
    // It would take no time at all where the values are somebody else's.
    let told = reason("external", json!({"k": 40}), false).unwrap();
    assert!(told.contains("objective_value is the sum of the gains") && told.contains("nobody"), "{told}");
}

#[tokio::test]
async fn progress_counts_parts_and_a_stopped_job_keeps_those_that_are_done() {
    let client = Client::new();
    let dataset = client.upload(3000, 8).await;
    let mut body = in_parts(&dataset, 1500, json!({"count": 12}));
    body["optimizer"]["inner"] = json!("greedy");
    let job = client.submit(&body).await;
    let seen = client
        .wait(&job, |job| {
            job["progress"]["done"].as_u64() > Some(1) && job["progress"]["phase"] == "selecting"
        })
        .await;
    assert_eq!(
        (&seen["progress"]["total"], &seen["progress"]["objective_value"]),
        (&json!(12), &json!(null))
    );
    client.post(&format!("/v1/jobs/{job}/cancel"), "", "").await;
    client.wait_for_end(&job, "cancelled").await;
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    assert_eq!((&result["complete"], &result["termination"]), (&json!(false), &json!("cancelled")));
    let parts = result["parts"].as_array().unwrap().len();
    assert!((2..12).contains(&parts) && flat(&result) == together(&result), "{parts} parts");
}

/// Nothing but the end of a part makes this service save, and the first one does whatever a save costs.
#[cfg(debug_assertions)]
#[test]
fn a_kill_between_parts_loses_none_that_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--checkpoint-seconds", "100000", "--workers", "1"];
    let start = |variables: &[(&str, &str)]| Service::start_with(dir.path(), &flags, variables).unwrap();
    let service = start(&[("FEWER_FAULT_POINT", "save_committed:1")]);
    let dataset = service.post("/v1/datasets", "application/x-npy", &npy(400, 6))["id"].clone();
    let body = in_parts(dataset.as_str().unwrap(), 40, json!({"count": 5}));
    let submit = |service: &Service| {
        let job = service.post("/v1/jobs", "application/json", body.to_string().as_bytes());
        format!("/v1/jobs/{}", job["id"].as_str().unwrap())
    };
    let job = submit(&service);
    service.until(|service| service.send("GET", "/healthz", "", &[]).is_err().then_some(()));
    drop(service);

    let service = start(&[]);
    let ended = |job: &str| {
        service.until(|service| (service.get(job)["state"] == "succeeded").then_some(()));
        service.get(&format!("{job}/result"))
    };
    let resumed = ended(&job);
    assert_eq!(service.get(&job)["attempt"], 2);
    let undisturbed = ended(&submit(&service));
    for field in ["parts", "indices", "gains", "objective_value", "evaluations", "termination"] {
        assert_eq!(resumed[field], undisturbed[field], "{field}");
    }
}

/// k means nothing where every part ranks its items: as it may be left out, it may be more than there are.
#[tokio::test]
async fn a_ranking_of_all_minds_no_k_and_one_that_ends_early_is_not_complete() {
    let client = Client::new();
    let ranked = client.selected(&of_page(json!({}), true)).await;
    let same = client.selected(&of_page(json!({"k": 3000}), true)).await;
    assert_eq!((&same["parts"], &same["complete"]), (&ranked["parts"], &json!(true)));
    // Of vectors in a plane two are independent at most, and the others have no logarithm.
    let flat: Vec<Value> = (0..20).map(|i| f64::from(i) * 0.1).map(|x| json!([x.cos(), x.sin()])).collect();
    let mut body = of_page(json!({}), true);
    body["inline"] = json!({"vectors": flat});
    body["objective"] = json!({"name": "log_det", "ridge": 0});
    body["optimizer"]["parts"] = json!({"count": 2});
    let result = client.selected(&body).await;
    assert_eq!(
        (&result["termination"], &result["complete"]),
        (&json!("numerical_rank"), &json!(false)),
        "{result}"
    );
}
