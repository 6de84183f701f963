//! Attribution: the papers' worked numbers over HTTP, by table, and what is refused before it is begun.

mod exchange;

use crate::client::Client;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Eight regions, three classes, everything a model says of all 256 sets.
static GOLDEN: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/submodular/tests/data/attribution_golden.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
});

fn table() -> Value {
    let table = &GOLDEN["evaluation_table"];
    json!({"probs": table["probs"], "evidence": table["evidential_logits"]})
}

fn job(preset: &str, more: &Value, evaluator: &Value) -> Value {
    let mut job = json!({
        "kind": "attribution",
        "preset": preset,
        "regions": {"count": 8, "areas": GOLDEN["region_area"], "distance": GOLDEN["angular_distance"]},
        "evaluator": evaluator,
    });
    job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    job
}

async fn result(client: &Client, job: &str) -> Value {
    client.wait_for_end(job, "succeeded").await;
    client.get(&format!("/v1/jobs/{job}/result")).await.json
}

fn close(found: &Value, expected: &Value, what: &str) {
    match (found, expected) {
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{what}");
            for (found, expected) in found.iter().zip(expected) {
                close(found, expected, what);
            }
        }
        _ => {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() < 1e-6, "{what}: {found}, expected {expected}");
        }
    }
}

#[tokio::test]
async fn the_papers_orders_terms_curves_and_calls_are_found_from_a_table() {
    let client = Client::new();
    let greedy = json!({"optimizer": {"name": "greedy"}, "target": 1});
    let both_ends = json!({"optimizer": {"name": "bidirectional_greedy", "pool": 3}, "target": 1});
    for (name, preset, more, calls) in [
        ("smdl_naive", "smdl", json!({"target": 1}), 72),
        ("lima_naive", "lima", greedy, 72),
        ("lima_bidirectional", "lima", both_ends, 58),
    ] {
        let golden = &GOLDEN[name];
        let id = client.submit(&job(preset, &more, &json!({"table": table()}))).await;
        let whole = result(&client, &id).await;
        let found = &whole["attribution"];
        assert_eq!(found["ranking"], golden["order"], "{name}");
        assert_eq!((&found["model_calls"], &found["end_point_calls"]), (&json!(calls), &json!(2)), "{name}");
        assert_eq!(
            (&whole["complete"], &whole["target"], &found["rounds"]),
            (&json!(true), &json!(1), &json!(0))
        );
        for field in ["areas", "insertion_curve", "deletion_curve", "insertion_auc", "deletion_auc"] {
            close(&found[field], &golden[field], &format!("{name} {field}"));
        }
        for (within, peak) in golden["highest_confidence_by_area"].as_object().unwrap() {
            let found = &found["highest_confidence"][within];
            let expected: Vec<f64> = peak.as_object().unwrap().values().filter_map(Value::as_f64).collect();
            let found = [&found["p_target"], &found["area"]].map(|number| number.as_f64().unwrap());
            let near = |x: f64| expected.iter().any(|y| (x - y).abs() < 1e-6);
            assert!(found.into_iter().all(near), "{name} within {within}: {found:?}, expected {peak}");
        }
        // The trace of the two-ended search has other steps than the order has places.
        let steps = golden["trace"].as_array().unwrap().iter().filter(|step| step["consistency"].is_f64());
        let mut compared = 0;
        for (terms, step) in found["terms"].as_array().unwrap().iter().zip(steps) {
            assert_eq!(terms["region"], step["pick"], "{name}");
            for term in ["confidence", "effectiveness", "consistency", "collaboration"] {
                close(&terms[term], &step[term], &format!("{name} {term}"));
                compared += 1;
            }
            close(&terms["value"], &step["score"], &format!("{name} F"));
        }
        assert_eq!(compared, if calls == 72 { 32 } else { 0 }, "{name}");
        assert_eq!((&whole["guarantee"]["factor"], &found["mu_fidelity"]), (&Value::Null, &Value::Null));
        assert!(
            whole["guarantee"]["reason"].as_str().unwrap().contains("heuristic"),
            "{}",
            whole["guarantee"]
        );
    }
}

#[tokio::test]
async fn every_offence_of_a_request_is_found_at_its_place() {
    let client = Client::new();
    let regions = |more: Value| {
        let mut regions = json!({"count": 2});
        regions.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        regions
    };
    let small = json!({"probs": [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.1, 0.9]]});
    for (field, value, code, pointer) in [
        ("regions", regions(json!({"areas": [1]})), "shape_mismatch", "/regions/areas"),
        ("regions", regions(json!({"areas": [1, 0]})), "invalid_parameter", "/regions/areas/1"),
        ("regions", regions(json!({"features": [[1], [0]]})), "invalid_parameter", "/regions/features/1"),
        ("regions", regions(json!({"features": [[1], [1, 2]]})), "shape_mismatch", "/regions/features/1"),
        (
            "regions",
            regions(json!({"distance": [[0, 1], [0.5, 0]]})),
            "invalid_parameter",
            "/regions/distance/0/1",
        ),
        (
            "regions",
            regions(json!({"distance": [[0, 1], [1, 0]], "features": [[1], [1]]})),
            "invalid_parameter",
            "/regions/distance",
        ),
        ("regions", json!({"count": 0}), "invalid_parameter", "/regions/count"),
        ("weights", json!({"effectiveness": 1}), "invalid_parameter", "/weights/effectiveness"),
        (
            "weights",
            json!({"effectiveness": 0, "confidence": -1}),
            "invalid_parameter",
            "/weights/confidence",
        ),
        ("weights", json!({"lambda1": 1}), "invalid_parameter", "/weights/lambda1"),
        (
            "weights",
            json!({"confidence": 0, "effectiveness": 0, "consistency": 0, "collaboration": 0}),
            "invalid_parameter",
            "/weights",
        ),
        (
            "weights",
            json!({"effectiveness": 0, "consistency": 1e101}),
            "invalid_parameter",
            "/weights/consistency",
        ),
        (
            "regions",
            regions(json!({"distance": [[0, 1e101], [1e101, 0]]})),
            "invalid_parameter",
            "/regions/distance/0/1",
        ),
        ("evaluator", json!({"table": {"probs": []}}), "shape_mismatch", "/evaluator/table/probs"),
        ("evidence", json!({"scale": 0}), "invalid_parameter", "/evidence/scale"),
        ("target", json!(2), "invalid_parameter", "/target"),
        ("classes", json!(3), "shape_mismatch", "/classes"),
        ("k", json!(3), "invalid_parameter", "/k"),
        (
            "optimizer",
            json!({"name": "bidirectional_greedy", "pool": 1}),
            "invalid_parameter",
            "/optimizer/pool",
        ),
        ("optimizer", json!({"name": "lazy_greedy"}), "invalid_parameter", "/optimizer/name"),
        ("mu_fidelity", json!({"size": 2}), "invalid_parameter", "/mu_fidelity/size"),
        ("mu_fidelity", json!({"samples": 1}), "invalid_parameter", "/mu_fidelity/samples"),
        ("deadline_seconds", json!(0), "invalid_parameter", "/deadline_seconds"),
        ("evaluator", json!({"answers": false}), "invalid_parameter", "/evaluator/answers"),
        ("evaluator", json!({"answers": true}), "invalid_parameter", "/classes"),
        ("evaluator", json!({"table": {"probs": [[0.5, 0.5]]}}), "shape_mismatch", "/evaluator/table/probs"),
        (
            "evaluator",
            json!({"table": {"probs": [[0.5, 0.5], [0.9, 0.2], [0.2, 0.8], [0.1, 0.9]]}}),
            "invalid_parameter",
            "/evaluator/table/probs/1",
        ),
        ("confidence_form", json!("given"), "invalid_parameter", "/confidence_form"),
        ("confidence_form", json!("evidential"), "invalid_parameter", "/evaluator/table/evidence/0"),
    ] {
        let mut job = json!({
            "kind": "attribution", "regions": {"count": 2}, "weights": {"effectiveness": 0},
            "evaluator": {"table": small},
        });
        job[field] = value.clone();
        let refused = client.post_json("/v1/jobs", &job).await;
        assert_eq!(refused.status.as_u16(), 422, "{field} {value}: {}", refused.json);
        let places: Vec<(&str, &str)> = (refused.json["errors"].as_array().unwrap().iter())
            .map(|error| (error["code"].as_str().unwrap(), error["pointer"].as_str().unwrap()))
            .collect();
        assert!(places.contains(&(code, pointer)), "{field} {value}: {}", refused.json);
    }
}

#[tokio::test]
async fn the_curves_are_a_picture_and_the_result_no_table() {
    let client = Client::new();
    let id = client.submit(&job("lima", &json!({}), &json!({"table": table()}))).await;
    client.wait_for_end(&id, "succeeded").await;
    let picture = client.get(&format!("/v1/jobs/{id}/plot.svg")).await;
    let text = String::from_utf8(picture.body.to_vec()).unwrap();
    assert!(
        text.starts_with("<svg") && text.contains("area under the insertion curve 0.8935"),
        "{text:.200}"
    );
    let other = client.get(&format!("/v1/jobs/{id}/plot.svg?what=quality")).await;
    assert_eq!((other.status.as_u16(), other.text("/code")), (422, "no_plot".into()));
    let shorter = client.get(&format!("/v1/jobs/{id}/result?k=2")).await;
    assert_eq!((shorter.status.as_u16(), shorter.text("/code")), (422, "prefix_not_valid".into()));
    let listed = client.get("/v1/jobs").await.json;
    assert_eq!(
        (&listed["items"][0]["kind"], &listed["items"][0]["result"]["ranked"]),
        (&json!("attribution"), &json!(8))
    );
}

#[tokio::test]
async fn what_would_take_more_than_there_is_is_told_before_it_is_made() {
    let client = Client::with(|settings| settings.memory_bytes = 1 << 30);
    let plan = async |more: Value| {
        let mut job = json!({
            "kind": "attribution", "classes": 2, "regions": {"count": 3000}, "k": 1, "target": 0,
            "weights": {"effectiveness": 0}, "optimizer": {"name": "greedy"}, "evaluator": {"answers": true},
        });
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.post_json("/v1/jobs?validate_only=true", &job).await.json
    };
    let (without, with) =
        (plan(json!({})).await, plan(json!({"mu_fidelity": {"samples": 20_000, "size": 1500}})).await);
    let sets = 20_000 * 1500 * 4;
    assert!(
        with["memory_bytes"].as_u64() > without["memory_bytes"].as_u64().map(|bytes| bytes + 4 * sets),
        "{with}"
    );
    assert!(with["flops"].as_f64() >= Some(20_000.0 * 3000.0), "{with}");
    let features: Vec<[f64; 1]> = (0..20_000).map(|region| [1.0 + f64::from(region)]).collect();
    let many = plan(json!({"regions": {"count": 20_000, "features": features}})).await;
    assert_eq!(
        (&many["admissible"], many["memory_bytes"].as_u64() > Some(3 << 30)),
        (&json!(false), true),
        "{many}"
    );
    let one = plan(json!({"regions": {"count": 1}, "optimizer": {"name": "bidirectional_greedy"}})).await;
    assert_eq!(one["rounds"], 1, "{one}");
}
