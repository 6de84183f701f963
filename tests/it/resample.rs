//! Draws from what a selection kept: the worked page, seeds, allocations, and what cannot be drawn from.

use crate::client::{Client, MANY, endless, selection};
use crate::parts::{close, items, numbers, of_page};
use axum::body::Body;
use axum::http::{Request, header};
use fewer::config::Retention;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

fn draw(job: &str, size: u64, seed: u64) -> Value {
    json!({"kind": "resample", "job": job, "size": size, "seed": seed})
}

/// What must not depend on when it was drawn.
fn timeless(mut result: Value) -> Value {
    result.as_object_mut().unwrap().remove("seconds");
    result
}

async fn ranked(client: &Client) -> (String, Value) {
    let job = client.submit(&of_page(json!({}), true)).await;
    client.wait_for_end(&job, "succeeded").await;
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    (job, result)
}

#[tokio::test]
async fn draws_have_the_probabilities_of_the_worked_page() {
    let page: Value =
        serde_json::from_str(include_str!("../../crates/submodular/tests/data/ingenious_golden.json"))
            .unwrap();
    let client = Client::new();
    let (job, kept) = ranked(&client).await;
    for seed in 0..8 {
        let drawn = client.selected(&draw(&job, 6, seed)).await;
        assert_eq!((&drawn["kind"], &drawn["inclusion_basis"]), (&json!("resample"), &json!("exact")));
        assert_eq!(drawn["dataset_digest"], kept["dataset_digest"]);
        let rows = items(&drawn["indices"]);
        let of = |name: &str| numbers(&drawn[name]);
        let (gains, p, inclusion) = (of("gains"), of("probabilities"), of("inclusion_probabilities"));
        let inverse: Vec<f64> = inclusion.iter().map(|chance| 1.0 / chance).collect();
        close(&of("importance_weights"), &inverse);
        assert_eq!(rows.len(), 6);
        for (at, &row) in rows.iter().enumerate() {
            let part = at / 2;
            let summary = &drawn["parts"][part];
            assert_eq!(
                (&summary["part"], &summary["size"], &summary["kept"], &summary["drawn"]),
                (&json!(part), &json!(8), &json!(7), &json!(2))
            );
            let place = items(&kept["parts"][part]["indices"]).iter().position(|&e| e == row).unwrap();
            let expected = |name: &str| numbers(&page["parts"][part][name])[place];
            close(
                &[gains[at], p[at], inclusion[at]],
                &[expected("gains"), expected("taylor_probabilities"), expected("inclusion_probabilities")],
            );
        }
    }
}

#[tokio::test]
async fn a_draw_is_its_seeds_and_outlives_the_dataset_and_the_service() {
    let client = Client::new();
    let (job, kept) = ranked(&client).await;
    let first = timeless(client.selected(&draw(&job, 6, 1)).await);
    assert_eq!(timeless(client.selected(&draw(&job, 6, 1)).await), first);
    let others = [2, 3, 4].map(|seed| draw(&job, 6, seed));
    let mut differ = false;
    for other in &others {
        differ |= client.selected(other).await["indices"] != first["indices"];
    }
    assert!(differ, "every seed draws the same");
    let dataset = client.get(&format!("/v1/jobs/{job}")).await.text("/dataset");
    assert_eq!(client.delete(&format!("/v1/datasets/{dataset}")).await.status, 204);
    let client = client.restart(|_| {});
    assert_eq!(client.get(&format!("/v1/jobs/{job}/result")).await.json, kept);
    assert_eq!(timeless(client.selected(&draw(&job, 6, 1)).await), first);
}

#[tokio::test]
async fn sizes_are_shared_out_exactly_or_as_ingenious_does_it() {
    let client = Client::new();
    let (job, _) = ranked(&client).await;
    let drawn = async |more: Value| {
        let mut body = draw(&job, 7, 0);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let result = client.selected(&body).await;
        let counts: Vec<u64> =
            result["parts"].as_array().unwrap().iter().map(|part| part["drawn"].as_u64().unwrap()).collect();
        assert_eq!(items(&result["indices"]).len() as u64, counts.iter().sum::<u64>());
        (counts, result)
    };
    assert_eq!(drawn(json!({})).await.0, [3, 2, 2]);
    assert_eq!(drawn(json!({"allocation": "ceil"})).await.0, [3, 3, 3]);
    let (counts, global) = drawn(json!({"scope": "global", "weights": "softmax", "temperature": 0.5})).await;
    assert!(counts.iter().sum::<u64>() == 7 && global["inclusion_basis"] == "threshold");
    let (_, uniform) = drawn(json!({"weights": "uniform"})).await;
    close(&numbers(&uniform["probabilities"]), &[1.0 / 7.0; 7]);
    close(&numbers(&uniform["inclusion_probabilities"])[..3], &[3.0 / 7.0; 3]);
}

#[tokio::test]
async fn a_selection_without_parts_is_one_part_and_names_its_items() {
    let client = Client::new();
    let ids: Vec<String> = (0..20).map(|row| format!("row {row}")).collect();
    let vectors: Vec<[f64; 2]> =
        (0..20).map(|row| [f64::from(row) + 1.0, f64::from(row * row % 7)]).collect();
    let body = json!({
        "kind": "selection", "inline": {"vectors": vectors, "ids": ids},
        "objective": {"name": "facility_location"}, "constraints": {"k": 15},
    });
    let job = client.submit(&body).await;
    client.wait_for_end(&job, "succeeded").await;
    let drawn = client.submit(&draw(&job, 4, 9)).await;
    let ended = client.wait_for_end(&drawn, "succeeded").await;
    assert_eq!(ended["result"], json!({"drawn": 4, "kept": 15}));
    assert_eq!((&ended["dataset"], &ended["spec"]["weights"]), (&json!(null), &json!("taylor_softmax")));
    let path = format!("/v1/jobs/{drawn}/result");
    let result = client.get(&path).await.json;
    assert_eq!(
        result["parts"],
        json!([
            {"part": 0, "size": 15, "kept": 15, "drawn": 4, "inclusion_basis": "threshold"}
        ])
    );
    let named: Vec<String> = items(&result["indices"]).iter().map(|row| format!("row {row}")).collect();
    assert_eq!(result["ids"], json!(named));
    let csv =
        client.send(Request::get(&path).header(header::ACCEPT, "text/csv").body(Body::empty()).unwrap());
    let csv = String::from_utf8(csv.await.body.to_vec()).unwrap();
    let mut lines = csv.lines();
    let columns = "rank,index,id,gain,probability,inclusion_probability,importance_weight";
    assert_eq!(lines.next(), Some(columns));
    assert!(lines.next().unwrap().starts_with(&format!("1,{},\"{}\",", result["indices"][0], named[0])));
    for format in ["application/x-ndjson", "application/vnd.apache.parquet", "application/x-npy"] {
        let request = Request::get(&path).header(header::ACCEPT, format).body(Body::empty()).unwrap();
        assert_eq!(client.send(request).await.status, 200, "{format}");
    }
    // What was drawn is compared as what was chosen is.
    let both = json!({"a": {"job": drawn}, "b": {"job": job}});
    let overlap = client.post_json("/v1/compare", &both).await.json;
    assert_eq!((&overlap["intersection"], &overlap["universe"]), (&json!(4), &json!(20)), "{overlap}");
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_where_it_stands() {
    let client = Client::with(|settings| {
        settings.workers = 1;
        settings.retention = Retention { result_seconds: Some(3600.0), ..Retention::default() };
    });
    let (job, _) = ranked(&client).await;
    let sample = client.submit(&draw(&job, 3, 0)).await;
    client.wait_for_end(&sample, "succeeded").await;
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    let mut dropped = selection(&dataset, 5);
    dropped["on_stop"] = json!("fail");
    let dropped = client.submit(&dropped).await;
    client.post(&format!("/v1/jobs/{dropped}/cancel"), "", "").await;
    let with = |field: &str, value: Value| {
        let mut body = draw(&job, 3, 0);
        body[field] = value;
        body
    };
    let mut shared = with("scope", json!("global"));
    shared["allocation"] = json!("ceil");
    for (body, status, code, pointer) in [
        (draw("job_none", 3, 0), 404, "job_not_found", "/job"),
        (draw(&running, 3, 0), 409, "job_not_finished", "/job"),
        (draw(&dropped, 3, 0), 409, "no_result", "/job"),
        (draw(&sample, 3, 0), 422, "invalid_parameter", "/job"),
        (draw(&job, 22, 0), 422, "invalid_parameter", "/size"),
        (draw(&job, 0, 0), 422, "invalid_parameter", "/size"),
        (with("temperature", json!(0)), 422, "invalid_parameter", "/temperature"),
        (with("weights", json!("linear")), 422, "invalid_parameter", "/weights"),
        (with("dataset", json!(dataset)), 422, "invalid_parameter", "/dataset"),
        (shared, 422, "invalid_parameter", "/allocation"),
    ] {
        for path in ["/v1/jobs", "/v1/jobs?validate_only=true"] {
            let answer = client.post_json(path, &body).await;
            assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (status, code), "{body}");
            assert_eq!(answer.text("/errors/0/pointer"), pointer, "{}", answer.json);
        }
    }
    let plan = client.post_json("/v1/jobs?validate_only=true", &draw(&job, 3, 0)).await.json;
    assert_eq!((&plan["plan"], &plan["admissible"]), (&json!("sampled"), &json!(true)), "{plan}");
    let prefix = client.get(&format!("/v1/jobs/{sample}/result?k=2")).await;
    assert_eq!(prefix.text("/code"), "prefix_not_valid");
    assert_eq!(client.get(&format!("/v1/jobs/{sample}/plot.svg")).await.text("/code"), "no_plot");
    client.post(&format!("/v1/jobs/{running}/cancel"), "", "").await;
    client.wait_for_end(&running, "cancelled").await;
    client.app.sweep(OffsetDateTime::now_utc() + Duration::hours(2)).unwrap();
    let expired = client.post_json("/v1/jobs", &draw(&job, 3, 0)).await;
    assert_eq!(
        (expired.text("/code"), expired.text("/errors/0/pointer")),
        ("result_expired".into(), "/job".into())
    );
}

/// The blocks of JSON of the page before its rounds: two selections of which one ranks all, and a draw.
#[tokio::test]
async fn the_page_of_training_data_runs_as_it_stands() {
    let page = include_str!("../../docs/training.md").split("\n## Rounds\n").next().unwrap();
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("json\n"));
    let blocks: Vec<Value> = blocks.map(|block| serde_json::from_str(block).unwrap()).collect();
    let client = Client::new();
    let dataset = client.upload(30, 4).await;
    let mut first = String::new();
    for (at, mut body) in blocks.into_iter().enumerate() {
        if body["kind"] == "resample" {
            assert_eq!(at, 2);
            body["job"] = json!(first);
            assert_eq!(items(&client.selected(&body).await["indices"]).len(), 4);
            continue;
        }
        body["kind"] = json!("selection");
        body["dataset"] = json!(dataset);
        let ranks_all = body["optimizer"]["rank_all"] == true;
        first = client.submit(&body).await;
        client.wait_for_end(&first, "succeeded").await;
        let result = client.get(&format!("/v1/jobs/{first}/result")).await.json;
        let (parts, chosen) = (result["parts"].as_array().unwrap().len(), items(&result["indices"]).len());
        assert_eq!(chosen, if ranks_all { 30 - parts } else { chosen.clamp(6, 8) });
    }
}
