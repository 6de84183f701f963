//! What becomes of jobs when the service stops or dies.

use crate::client::{Client, MANY, endless, selection};
use fewer::config::Settings;
use fewer::jobs::record::JobKey;
use fewer::jobs::store::{JobStore, Save};
use redb::{Database, TableDefinition};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Does to the store what the service does before it dies.
fn as_the_service(dir: &Path, act: impl FnOnce(&JobStore)) {
    let database = Database::open(dir.join("fewer.redb")).unwrap();
    act(&JobStore::open(Arc::new(database)).unwrap());
}

#[tokio::test]
async fn a_job_goes_on_after_a_stop_and_ends_as_if_there_had_been_none() {
    let client = Client::new();
    let dataset = client.upload(MANY, 4).await;
    let mut body = selection(&dataset, 150);
    body["optimizer"] = json!({"name": "greedy"});
    let job = client.submit(&body).await;
    let before = client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(20)).await;

    let client = client.restart(|_| {});
    let ended = client.wait_for_end(&job, "succeeded").await;
    assert_eq!((&ended["attempt"], &ended["started_at"]), (&json!(1), &before["started_at"]));
    let whole = client.submit(&body).await;
    client.wait_for_end(&whole, "succeeded").await;
    let resumed = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let whole = client.get(&format!("/v1/jobs/{whole}/result")).await.json;
    for field in ["indices", "gains", "objective_value", "evaluations", "certificate", "guarantee"] {
        assert_eq!(resumed[field], whole[field], "{field}");
    }
}

#[tokio::test]
async fn a_job_that_killed_the_service_twice_is_not_tried_again() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let poison = client.submit(&endless(&dataset)).await;
    let waiting = client.submit(&selection(&dataset, 2)).await;
    let dies = |dir: &Path| {
        as_the_service(dir, |store| {
            store.start(&JobKey::new("default", &poison)).unwrap();
        });
    };

    let client = client.restart(dies);
    let again = client.wait(&poison, |job| job["state"] == "running").await;
    assert_eq!(again["attempt"], 2);
    let client = client.restart(dies);
    let given_up = client.wait_for_end(&poison, "failed").await;
    assert_eq!(given_up["error"]["code"], "worker_lost");
    client.wait_for_end(&waiting, "succeeded").await;
}

#[tokio::test]
async fn a_job_that_was_being_cancelled_keeps_its_saved_prefix_after_a_crash() {
    let client = Client::with(|settings| settings.workers = 1);
    let dataset = client.upload(MANY, 4).await;
    let kept = client.submit(&endless(&dataset)).await;
    let mut body = endless(&dataset);
    let unsaved = client.submit(&body).await;
    body["on_stop"] = json!("fail");
    let dropped = client.submit(&body).await;
    client.wait(&kept, |job| job["progress"]["done"].as_u64() > Some(2)).await;
    let client = client.restart(|dir| {
        as_the_service(dir, |store| {
            for job in [&kept, &unsaved, &dropped] {
                let key = JobKey::new("default", job);
                store.start(&key).unwrap();
                store.cancel(&key).unwrap();
            }
            store.save(&JobKey::new("default", &dropped), &Save::default()).unwrap();
        });
    });

    let ended = client.wait_for_end(&kept, "cancelled").await;
    assert_eq!((&ended["error"], &ended["attempt"]), (&json!(null), &json!(2)));
    let prefix = client.get(&format!("/v1/jobs/{kept}/result")).await.json;
    assert_eq!((&prefix["complete"], &prefix["termination"]), (&json!(false), &json!("cancelled")));
    assert!(prefix["indices"].as_array().unwrap().len() > 2, "{prefix}");
    for job in [&unsaved, &dropped] {
        let ended = client.wait_for_end(job, "cancelled").await;
        assert_eq!(ended["error"]["code"], "worker_lost");
        assert_eq!(client.get(&format!("/v1/jobs/{job}/result")).await.json["code"], "no_result");
    }
    assert_eq!(client.delete(&format!("/v1/datasets/{dataset}")).await.status, 204);
}

#[tokio::test]
async fn jobs_are_planned_again_for_the_limits_of_the_next_start() {
    let little = |settings: &mut Settings| (settings.memory_bytes, settings.workers) = (25 << 20, 1);
    let client = Client::with(little);
    // Its similarities are 34 MiB when they are stored.
    let dataset = client.upload(MANY, 4).await;
    let (first, second) = (client.submit(&endless(&dataset)).await, client.submit(&endless(&dataset)).await);
    client.wait(&first, |job| job["state"] == "running").await;

    let client = client.restart_with(|settings| settings.memory_bytes = 60 << 20, |_| {});
    client.wait(&first, |job| job["progress"]["phase"] == "selecting").await;
    let waits = client.get(&format!("/v1/jobs/{second}")).await.json;
    assert_eq!((&waits["state"], &waits["queue_position"]), (&json!("queued"), &json!(0)));
    client.post(&format!("/v1/jobs/{first}/cancel"), "", "").await;
    client.wait_for_end(&first, "cancelled").await;
    client.wait(&second, |job| job["progress"]["done"].as_u64() > Some(0)).await;
    client.post(&format!("/v1/jobs/{second}/cancel"), "", "").await;
    client.wait_for_end(&second, "cancelled").await;
    assert_eq!(client.get(&format!("/v1/jobs/{second}/result")).await.json["plan"], "stored_f32");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other() {
    let client = Client::new();
    let dataset = client.upload(MANY, 4).await;
    let ended = client.submit(&selection(&dataset, 2)).await;
    client.wait_for_end(&ended, "succeeded").await;
    let (poison, live) = (client.submit(&endless(&dataset)).await, client.submit(&endless(&dataset)).await);
    let client = client.restart(|dir| {
        const JOBS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("jobs");
        let change = Database::open(dir.join("fewer.redb")).unwrap().begin_write().unwrap();
        let unreadable = br#"{"version": 1, "state": "running"}"#.as_slice();
        change.open_table(JOBS).unwrap().insert(("default", poison.as_str()), unreadable).unwrap();
        change.commit().unwrap();
    });

    client.wait(&live, |job| job["state"] == "running").await;
    let jobs = client.get("/v1/jobs?limit=2").await.json;
    let listed: Vec<_> = jobs["items"].as_array().unwrap().iter().map(|job| job["id"].as_str()).collect();
    assert_eq!((listed, &jobs["next_page_token"]), (vec![Some(&*live), Some(&*ended)], &json!(null)));
    let unread = client.get(&format!("/v1/jobs/{poison}")).await;
    assert_eq!((unread.status.as_u16(), unread.text("/code").as_str()), (500, "internal"));

    client.post(&format!("/v1/jobs/{live}/cancel"), "", "").await;
    client.wait_for_end(&live, "cancelled").await;
    let held = client.delete(&format!("/v1/datasets/{dataset}")).await;
    assert_eq!(held.json["code"], "dataset_in_use");
    assert_eq!(client.delete(&format!("/v1/jobs/{poison}")).await.status, 204);
    assert_eq!(client.get(&format!("/v1/jobs/{poison}")).await.status, 404);
    assert_eq!(client.delete(&format!("/v1/datasets/{dataset}")).await.status, 204);
}

#[tokio::test]
async fn a_second_service_on_the_same_directory_is_refused() {
    let client = Client::new();
    let refused = fewer::api::App::open(fewer::config::Settings::new(client.dir()));
    assert!(matches!(refused, Err(fewer::api::OpenError::Database { .. })));
}

#[tokio::test]
async fn a_job_that_outlasts_the_stop_is_put_back_in_line_and_is_no_crash() {
    let client = Client::new();
    let dataset = client.upload(MANY, 64).await;
    let job = client.submit(&endless(&dataset)).await;
    client.wait(&job, |job| job["state"] == "running").await;
    client.app.stop(std::time::Duration::ZERO);
    let parked = client.get(&format!("/v1/jobs/{job}")).await.json;
    assert_eq!((&parked["state"], &parked["attempt"]), (&json!("queued"), &json!(1)));
}

#[tokio::test]
async fn a_job_stopped_before_its_first_pick_begins_anew() {
    let client = Client::new();
    let dataset = client.upload(MANY, 64).await;
    let job = client.submit(&selection(&dataset, 2)).await;
    client.wait(&job, |job| job["state"] == "running").await;
    let client = client.restart(|_| {});
    client.wait_for_end(&job, "succeeded").await;
}
