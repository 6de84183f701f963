//! Jobs over HTTP.

use crate::client::{Client, MANY, endless, selection};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Two pairs of near neighbours and one vector alone.
fn inline() -> Value {
    json!({
        "kind": "selection",
        "inline": {
            "kind": "vectors",
            "vectors": [[1.0, 0.0, 0.0], [0.96, 0.28, 0.0], [0.0, 1.0, 0.0], [0.0, 0.96, 0.28], [0.0, 0.0, 1.0]],
            "ids": ["a", "b", "c", "d", "e"],
        },
        "objective": {"name": "facility_location"},
        "constraints": {"k": 3},
        "labels": {"run": "first"},
    })
}

fn cancel(job: &str) -> String {
    format!("/v1/jobs/{job}/cancel")
}

fn result(job: &str) -> String {
    format!("/v1/jobs/{job}/result")
}

#[tokio::test]
async fn a_job_is_accepted_followed_read_and_deleted() {
    let client = Client::new();
    let accepted = client.post_json("/v1/jobs", &inline()).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.json);
    let id = accepted.text("/id");
    assert_eq!(accepted.headers[header::LOCATION], format!("/v1/jobs/{id}"));
    assert_eq!(accepted.json["spec"]["optimizer"], json!({"name": "auto"}));
    assert_eq!(accepted.json["spec"]["objective"]["similarity"]["metric"], "cosine");
    assert_eq!(
        (&accepted.json["spec"]["seed"], &accepted.json["labels"]),
        (&json!(0), &json!({"run": "first"}))
    );

    let job = client.wait_for_end(&id, "succeeded").await;
    assert_eq!(
        (&job["attempt"], &job["error"], &job["queue_position"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    let found = client.get(&result(&id)).await.json;
    assert_eq!(found["kind"], "selection");
    assert_eq!(found["indices"].as_array().unwrap().len(), 3);
    for (index, id) in found["indices"].as_array().unwrap().iter().zip(found["ids"].as_array().unwrap()) {
        assert_eq!(id, ["a", "b", "c", "d", "e"][index.as_u64().unwrap() as usize]);
    }
    assert_eq!(found["optimized_value"], Value::Null);
    let gains: f64 = found["gains"].as_array().unwrap().iter().map(|gain| gain.as_f64().unwrap()).sum();
    let value = found["objective_value"].as_f64().unwrap();
    assert!((value - found["empty_value"].as_f64().unwrap() - gains).abs() < 1e-12);
    // One of each pair, and the vector alone: 3 chosen at 1 and two neighbours at 0.96.
    assert!((value - 4.92).abs() < 1e-6, "{value}");
    assert_eq!(job["result"]["objective_value"], found["objective_value"]);
    assert_eq!((&job["result"]["selected"], &job["result"]["complete"]), (&json!(3), &json!(true)));
    assert_eq!(job["result"]["certificate_ratio"], found["certificate"]["ratio"]);

    let dataset = client.get(&format!("/v1/datasets/{}", job["dataset"].as_str().unwrap())).await;
    assert_eq!(dataset.json["digest"], found["dataset_digest"]);
    assert_eq!(client.get("/v1/jobs").await.json["items"], json!([job]));
    assert_eq!(client.delete(&format!("/v1/jobs/{id}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.get(&result(&id)).await.json["code"], "job_not_found");
    assert_eq!(client.post(&cancel(&id), "", "").await.json["code"], "job_not_found");
}

#[tokio::test]
async fn a_list_can_be_narrowed_to_states_and_labels_and_still_be_paged() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let mut ids = Vec::new();
    for run in ["a", "b", "a", "b"] {
        let mut body = inline();
        body["labels"] = json!({"run": run, "x=y": "1"});
        ids.push(client.submit(&body).await);
        client.wait_for_end(ids.last().unwrap(), "succeeded").await;
    }
    let live = [client.submit(&endless(&dataset)).await, client.submit(&endless(&dataset)).await];
    client.wait(&live[0], |job| job["state"] == "running").await;
    let listed = async |query: &str| {
        let page = client.get(&format!("/v1/jobs?{query}")).await.json;
        let of = |job: &Value| [&ids[..], &live].concat().iter().position(|id| job["id"] == **id).unwrap();
        let items: Vec<_> = page["items"].as_array().unwrap().iter().map(of).collect();
        (items, page["next_page_token"].as_str().map(str::to_owned))
    };

    for (query, expected) in [
        ("state=running", &[4][..]),
        ("state=queued", &[5]),
        ("state=queued,succeeded", &[5, 3, 2, 1, 0]),
        ("label=run", &[3, 2, 1, 0]),
        ("label=run=a", &[2, 0]),
        ("label=run%3Da&state=running", &[]),
        ("label=run=", &[]),
        ("label=other", &[]),
    ] {
        assert_eq!(listed(query).await, (expected.to_vec(), None), "{query}");
    }
    let (first, token) = listed("label=run=b&limit=1").await;
    assert_eq!(first, [3]);
    let (second, token) = listed(&format!("label=run=b&limit=1&page_token={}", token.unwrap())).await;
    assert_eq!(second, [1]);
    // That nothing follows is seen only by looking.
    let (rest, token) = listed(&format!("label=run=b&limit=1&page_token={}", token.unwrap())).await;
    assert_eq!((rest, token), (vec![], None));
    for query in ["state=done", "state=", "state=queued,,running"] {
        assert_eq!(client.get(&format!("/v1/jobs?{query}")).await.json["code"], "invalid_query", "{query}");
    }
}

#[tokio::test]
async fn one_job_answers_every_smaller_budget() {
    let client = Client::new();
    let dataset = client.upload(60, 5).await;
    let whole = client.submit(&selection(&dataset, 9)).await;
    let part = client.submit(&selection(&dataset, 4)).await;
    for job in [&whole, &part] {
        client.wait_for_end(job, "succeeded").await;
    }
    let prefix = client.get(&format!("{}?k=4", result(&whole))).await.json;
    let own = client.get(&result(&part)).await.json;
    for field in ["indices", "gains", "objective_value", "complete", "termination", "guarantee"] {
        assert_eq!(prefix[field], own[field], "{field}");
    }
    for k in [0, 10] {
        let refused = client.get(&format!("{}?k={k}", result(&whole))).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json["code"], "prefix_not_valid");
    }
    let mut sampled = selection(&dataset, 9);
    sampled["optimizer"] = json!({"name": "stochastic_greedy"});
    let sampled = client.submit(&sampled).await;
    client.wait_for_end(&sampled, "succeeded").await;
    assert_eq!(client.get(&format!("{}?k=4", result(&sampled))).await.json["code"], "prefix_not_valid");
}

#[tokio::test]
async fn no_prefix_ends_within_the_included_items() {
    let client = Client::new();
    let mut job = inline();
    job["constraints"]["include"] = json!(["e", "a"]);
    let job = client.submit(&job).await;
    client.wait_for_end(&job, "succeeded").await;
    let prefix = client.get(&format!("{}?k=2", result(&job))).await;
    assert_eq!((prefix.status, &prefix.json["ids"]), (StatusCode::OK, &json!(["e", "a"])));
    let refused = client.get(&format!("{}?k=1", result(&job))).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (422, "prefix_not_valid"));
    assert!(refused.text("/detail").contains("expected 2 to 3"), "{}", refused.json);
}

#[tokio::test]
async fn a_sample_tells_its_own_value_beside_that_of_all_rows() {
    let client = Client::new();
    let mut job = inline();
    job["objective"]["represented"] = json!({"sample": 2});
    let job = client.submit(&job).await;
    client.wait_for_end(&job, "succeeded").await;
    let found = client.get(&result(&job)).await.json;
    let gains: f64 = found["gains"].as_array().unwrap().iter().map(|gain| gain.as_f64().unwrap()).sum();
    assert!((found["optimized_value"].as_f64().unwrap() - gains).abs() < 1e-12, "{found}");
    assert!(found["objective_value"].as_f64() > Some(gains), "{found}");
    // Of a shorter answer only the sample's value is known.
    let refused = client.get(&format!("{}?k=1", result(&job))).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (422, "prefix_not_valid"));
}

#[tokio::test]
async fn the_width_of_rbf_is_told_where_it_was_left_out() {
    let client = Client::new();
    let mut job = inline();
    job["objective"]["similarity"] = json!({"metric": "rbf"});
    let told = client.post_json("/v1/jobs", &job).await;
    assert_eq!(told.json["spec"]["objective"]["similarity"]["gamma"], json!(1.0 / 3.0), "{}", told.json);
}

#[tokio::test]
async fn cancelling_a_running_job_returns_its_prefix() {
    let client = Client::new();
    let job = client.submit(&endless(&client.upload(MANY, 4).await)).await;
    let running = client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(2)).await;
    assert_eq!((&running["state"], &running["progress"]["phase"]), (&json!("running"), &json!("selecting")));
    assert!(running["progress"]["eta_seconds"].as_f64() > Some(0.0), "{running}");
    assert_eq!(client.get(&result(&job)).await.json["code"], "job_not_finished");
    let refused = client.delete(&format!("/v1/jobs/{job}")).await;
    assert_eq!((refused.status, refused.text("/code").as_str()), (StatusCode::CONFLICT, "job_not_terminal"));

    let told = client.post(&cancel(&job), "", "").await;
    assert_eq!((told.status, told.text("/state").as_str()), (StatusCode::ACCEPTED, "cancelling"));
    let ended = client.wait_for_end(&job, "cancelled").await;
    let prefix = client.get(&result(&job)).await.json;
    assert_eq!((&prefix["complete"], &prefix["termination"]), (&json!(false), &json!("cancelled")));
    assert_eq!(
        prefix["indices"].as_array().map(Vec::len),
        ended["result"]["selected"].as_u64().map(|k| k as usize)
    );
    assert!(ended["result"]["selected"].as_u64() > Some(2));
    let again = client.post(&cancel(&job), "", "").await;
    assert_eq!((again.status, again.json), (StatusCode::OK, ended));
}

#[tokio::test]
async fn a_cancelled_job_that_was_to_fail_leaves_nothing() {
    let client = Client::new();
    let mut job = endless(&client.upload(MANY, 4).await);
    job["on_stop"] = json!("fail");
    let job = client.submit(&job).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(0)).await;
    client.post(&cancel(&job), "", "").await;
    client.wait_for_end(&job, "cancelled").await;
    let none = client.get(&result(&job)).await;
    assert_eq!((none.status, none.text("/code").as_str()), (StatusCode::CONFLICT, "no_result"));
}

#[tokio::test]
async fn a_deadline_leaves_what_on_stop_says() {
    let client = Client::new();
    let mut job = endless(&client.upload(MANY, 4).await);
    job["deadline_seconds"] = json!(0.5);
    let partial = client.submit(&job).await;
    job["on_stop"] = json!("fail");
    let failing = client.submit(&job).await;

    let ended = client.wait_for_end(&partial, "succeeded").await;
    assert_eq!(
        (&ended["result"]["complete"], &ended["result"]["termination"]),
        (&json!(false), &json!("deadline"))
    );
    let ended = client.wait_for_end(&failing, "failed").await;
    assert_eq!((&ended["error"]["code"], &ended["result"]), (&json!("deadline_exceeded"), &Value::Null));
    assert_eq!(client.get(&result(&failing)).await.json["code"], "no_result");
}

#[tokio::test]
async fn jobs_wait_in_line_and_leave_it_at_once_when_cancelled() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&dataset)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let (second, third) =
        (client.submit(&endless(&dataset)).await, client.submit(&selection(&dataset, 1)).await);
    let position =
        async |job: &str| client.get(&format!("/v1/jobs/{job}")).await.json["queue_position"].clone();
    assert_eq!((position(&second).await, position(&third).await), (json!(0), json!(1)));

    let ended = client.post(&cancel(&second), "", "").await;
    assert_eq!((ended.status, ended.text("/state").as_str()), (StatusCode::OK, "cancelled"));
    assert_eq!(position(&third).await, json!(0));
    client.post(&cancel(&running), "", "").await;
    client.wait_for_end(&third, "succeeded").await;
}

#[tokio::test]
async fn jobs_that_run_at_once_wait_for_no_step_of_one_another() {
    let client = Client::with(|settings| (settings.threads, settings.workers) = (1, 2));
    let dataset = client.upload(MANY, 4).await;
    let first = client.submit(&endless(&dataset)).await;
    client.wait(&first, |job| job["progress"]["done"].as_u64() > Some(0)).await;

    let second = client.submit(&endless(&dataset)).await;
    client.wait(&second, |job| job["progress"]["done"].as_u64() > Some(0)).await;
    client.post(&cancel(&second), "", "").await;
    client.wait_for_end(&second, "cancelled").await;
    let third = client.submit(&selection(&dataset, 2)).await;
    client.wait_for_end(&third, "succeeded").await;
    assert_eq!(client.get(&format!("/v1/jobs/{first}")).await.json["state"], "running");
}

#[tokio::test]
async fn the_whole_similarity_of_the_contract_is_accepted() {
    let client = Client::new();
    let similarity = json!({"metric": "cosine", "gamma": null, "neighbors": null});
    let mut job = inline();
    job["objective"]["similarity"] = similarity.clone();
    let job = client.submit(&job).await;
    let job = client.wait_for_end(&job, "succeeded").await;
    assert_eq!(job["spec"]["objective"]["similarity"], similarity);
}

#[tokio::test]
async fn an_integer_may_be_written_with_a_point() {
    let client = Client::new();
    let body = inline().to_string().replace("\"k\":3", "\"k\":3.0");
    let accepted = client.post("/v1/jobs", "application/json", body).await;
    assert_eq!(accepted.json["spec"]["constraints"]["k"].to_string(), "3", "{}", accepted.json);
}

#[tokio::test]
async fn health_is_answered_while_every_core_computes() {
    let client = Client::new();
    let dataset = client.upload(MANY, 4).await;
    for _ in 0..2 {
        let job = client.submit(&endless(&dataset)).await;
        client.wait(&job, |job| job["state"] == "running").await;
    }
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(client.get("/healthz").await.json, json!({"status": "ok"}));
        assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
    }
    // Not a benchmark: if health waited for a worker, one answer would take longer than this.
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(client.app.stop(Duration::from_secs(5)));
}

#[tokio::test]
async fn validating_says_what_a_job_would_take_and_stores_nothing() {
    let client = Client::with(|settings| settings.max_flops = 1e6);
    let plan = client.post_json("/v1/jobs?validate_only=true", &inline()).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.json);
    assert_eq!((&plan.json["admissible"], &plan.json["reason"]), (&json!(true), &Value::Null));
    assert!(
        plan.json["memory_bytes"].as_u64() > Some(0) && plan.json["guarantee"]["factor"].as_f64() > Some(0.6)
    );
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));

    let large = selection(&client.upload(1000, 50).await, 5);
    let plan = client.post_json("/v1/jobs?validate_only=true", &large).await;
    assert_eq!((plan.status, &plan.json["admissible"]), (StatusCode::OK, &json!(false)));
    let refused = client.post_json("/v1/jobs", &large).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json["code"], "estimate_exceeds_limit");
    assert_eq!(client.get("/v1/jobs").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_refused_job_leaves_no_inline_dataset_behind() {
    let client = Client::new();
    let mut job = inline();
    job["constraints"]["k"] = json!(6);
    let refused = client.post_json("/v1/jobs", &job).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.json);
    assert_eq!(client.get("/v1/datasets").await.json["items"], json!([]));
}
