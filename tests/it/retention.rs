//! What is removed without being asked for, and what a full disk stops.

use crate::client::{Client, MANY, endless, npy, selection};
use axum::http::StatusCode;
use fewer::config::Retention;
use fewer::dataset::{DatasetStore, Disk, Format, Options, open_database};
use fewer::jobs::record::{JobKey, JobSpec};
use fewer::jobs::state::State;
use fewer::jobs::{Begun, JobService, JobSettings, NewJob};
use redb::TableDefinition;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

fn keeping(retention: Retention) -> Client {
    Client::with(|settings| settings.retention = retention)
}

/// Removes what would be removed so many seconds from now.
fn sweep_after(client: &Client, seconds: i64) -> (u64, u64) {
    let swept = client.app.sweep(OffsetDateTime::now_utc() + time::Duration::seconds(seconds)).unwrap();
    (swept.results, swept.datasets)
}

async fn ended(client: &Client, dataset: &str, k: usize) -> String {
    let job = client.submit(&selection(dataset, k)).await;
    client.wait_for_end(&job, "succeeded").await;
    job
}

async fn is(client: &Client, path: &str, status: u16, code: &str) {
    let answer = client.get(path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json["code"].as_str().unwrap_or("")),
        (status, code),
        "{path}"
    );
}

fn files(client: &Client) -> usize {
    std::fs::read_dir(client.dir().join("datasets")).unwrap().count()
}

#[tokio::test]
async fn an_old_result_goes_and_its_job_stays() {
    let client = keeping(Retention { result_seconds: Some(3600.0), ..Retention::default() });
    let dataset = client.upload(30, 4).await;
    let old = ended(&client, &dataset, 3).await;
    let before = client.get(&format!("/v1/jobs/{old}")).await.json;
    assert_eq!(sweep_after(&client, 3500), (0, 0));
    assert_eq!(sweep_after(&client, 3700), (1, 0));

    let result = format!("/v1/jobs/{old}/result");
    is(&client, &result, 410, "result_expired").await;
    assert_eq!(client.get(&format!("/v1/jobs/{old}")).await.json, before);
    let client = client.restart(|_| {});
    is(&client, &result, 410, "result_expired").await;
    assert_eq!(client.delete(&format!("/v1/jobs/{old}")).await.status, StatusCode::NO_CONTENT);
    is(&client, &result, 404, "job_not_found").await;
}

#[tokio::test]
async fn results_of_before_there_was_retention_count_from_when_their_job_ended() {
    let client = Client::new();
    let job = ended(&client, &client.upload(30, 4).await, 3).await;
    let retention = Retention { result_seconds: Some(3600.0), ..Retention::default() };
    let client = client.restart_with(
        |settings| settings.retention = retention,
        |dir| {
            const AGES: TableDefinition<(&str, &str), (i128, u64)> = TableDefinition::new("job_result_ages");
            let change = open_database(&dir.join("fewer.redb")).unwrap().begin_write().unwrap();
            assert!(change.delete_table(AGES).unwrap());
            change.commit().unwrap();
        },
    );
    assert_eq!((sweep_after(&client, 3500), sweep_after(&client, 3700)), ((0, 0), (1, 0)));
    is(&client, &format!("/v1/jobs/{job}/result"), 410, "result_expired").await;
}

#[tokio::test]
async fn the_oldest_results_make_room_for_new_ones() {
    let client = keeping(Retention { result_bytes: Some(3500), ..Retention::default() });
    let dataset = client.upload(30, 4).await;
    let mut jobs = Vec::new();
    for k in 1..=4 {
        jobs.push(ended(&client, &dataset, k).await);
    }
    let mut sizes = Vec::new();
    for job in &jobs {
        sizes.push(client.get(&format!("/v1/jobs/{job}/result")).await.body.len());
    }
    assert!(sizes.iter().sum::<usize>() > 3800, "{sizes:?}");
    sweep_after(&client, 60);
    let (first, last) = (format!("/v1/jobs/{}/result", jobs[0]), format!("/v1/jobs/{}/result", jobs[3]));
    is(&client, &first, 410, "result_expired").await;
    is(&client, &last, 200, "").await;
    assert_eq!(sweep_after(&client, 60), (0, 0), "the rest fits");
}

#[tokio::test]
async fn a_job_that_ends_has_the_service_make_room_by_itself() {
    let client = keeping(Retention { result_bytes: Some(1), ..Retention::default() });
    let dataset = client.upload(30, 4).await;
    let (first, second) = (ended(&client, &dataset, 2).await, ended(&client, &dataset, 3).await);
    let started = Instant::now();
    while client.get(&format!("/v1/jobs/{first}/result")).await.status != StatusCode::GONE {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing was swept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is(&client, &format!("/v1/jobs/{second}/result"), 200, "").await;
}

#[tokio::test]
async fn a_dataset_goes_when_no_job_has_needed_it_for_long() {
    let client = keeping(Retention { dataset_seconds: Some(3600.0), ..Retention::default() });
    let (used, unused) = (client.upload(MANY, 4).await, client.upload(30, 4).await);
    let mut running = endless(&used);
    let running_job = client.submit(&running).await;
    assert_eq!(sweep_after(&client, 3700), (0, 1));
    assert_eq!(files(&client), 1);
    let path = format!("/v1/datasets/{unused}");
    is(&client, &path, 410, "dataset_expired").await;
    assert_eq!(client.delete(&path).await.json["code"], "dataset_expired");
    running["objective"]["represented"] = json!({"dataset": unused});
    for (body, pointer) in [(selection(&unused, 2), "/dataset"), (running, "/objective/represented/dataset")]
    {
        let refused = client.post_json("/v1/jobs", &body).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (410, "dataset_expired"));
        assert_eq!(refused.json["errors"][0]["pointer"], pointer);
    }
    let again = client.upload(30, 4).await;
    assert_ne!(again, unused);
    is(&client, &path, 410, "dataset_expired").await;

    client.post(&format!("/v1/jobs/{running_job}/cancel"), "", "").await;
    client.wait_for_end(&running_job, "cancelled").await;
    // A month later even that it was there is forgotten.
    sweep_after(&client, 32 * 24 * 3600);
    is(&client, &path, 404, "dataset_not_found").await;
    is(&client, &format!("/v1/datasets/{used}"), 410, "dataset_expired").await;
    assert_eq!((files(&client), client.get("/v1/datasets").await.json["items"].clone()), (0, json!([])));
}

#[tokio::test]
async fn the_longest_unused_datasets_make_room_and_the_newest_stays() {
    let size = npy(100, 10).len() as u64;
    let client = keeping(Retention { dataset_bytes: Some(2 * size), ..Retention::default() });
    let (first, second) = (client.upload(100, 10).await, client.upload(99, 10).await);
    ended(&client, &first, 2).await;
    let third = client.upload(98, 10).await;
    assert_eq!(sweep_after(&client, 60), (0, 1));
    is(&client, &format!("/v1/datasets/{second}"), 410, "dataset_expired").await;
    let large = client.upload(1000, 10).await;
    assert_eq!(sweep_after(&client, 60), (0, 2));
    for gone in [first, third] {
        is(&client, &format!("/v1/datasets/{gone}"), 410, "dataset_expired").await;
    }
    is(&client, &format!("/v1/datasets/{large}"), 200, "").await;
    assert_eq!(files(&client), 1);
}

#[tokio::test]
async fn without_retention_everything_stays() {
    let client = Client::new();
    let job = ended(&client, &client.upload(30, 4).await, 2).await;
    assert_eq!(sweep_after(&client, 1_000_000_000), (0, 0));
    is(&client, &format!("/v1/jobs/{job}/result"), 200, "").await;
}

#[tokio::test]
async fn a_disk_below_its_floor_takes_no_new_work_and_lets_the_rest_go_on() {
    let client = Client::new();
    let (dataset, unused) = (client.upload(MANY, 4).await, client.upload(30, 4).await);
    let done = ended(&client, &unused, 3).await;
    let mut body = endless(&dataset);
    let cancelled = client.submit(&body).await;
    body["constraints"]["k"] = json!(40);
    let running = client.submit(&body).await;
    let client = client.restart_with(|settings| settings.min_free_bytes = u64::MAX, |_| {});

    let inline = json!({
        "kind": "selection", "inline": {"vectors": [[1.0], [2.0]]},
        "objective": {"name": "facility_location"}, "constraints": {"k": 1},
    });
    let refusals = [
        client.post("/v1/datasets", "application/x-npy", npy(10, 4)).await,
        client.post_json("/v1/jobs", &selection(&dataset, 2)).await,
        client.post_json("/v1/jobs", &inline).await,
    ];
    for refused in refusals {
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (507, "insufficient_storage"));
        let detail = refused.text("/detail");
        assert!(detail.contains(&u64::MAX.to_string()) && detail.contains("min_free_bytes"), "{detail}");
    }
    assert_eq!(client.get("/v1/datasets").await.json["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(std::fs::read_dir(client.dir().join("uploads")).unwrap().count(), 0);

    is(&client, "/readyz", 200, "").await;
    is(&client, &format!("/v1/jobs/{done}/result"), 200, "").await;
    let plan = client.post_json("/v1/jobs?validate_only=true", &selection(&dataset, 2)).await;
    assert_eq!((plan.status, &plan.json["admissible"]), (StatusCode::OK, &Value::Bool(true)));
    client.post(&format!("/v1/jobs/{cancelled}/cancel"), "", "").await;
    client.wait_for_end(&cancelled, "cancelled").await;
    client.wait_for_end(&running, "succeeded").await;
    is(&client, &format!("/v1/jobs/{running}/result"), 200, "").await;
    assert_eq!(client.delete(&format!("/v1/jobs/{done}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.delete(&format!("/v1/datasets/{unused}")).await.status, StatusCode::NO_CONTENT);
}

#[test]
fn a_result_that_the_disk_has_no_room_for_is_what_the_job_ends_with() {
    let dir = tempfile::tempdir().unwrap();
    let database = Arc::new(open_database(&dir.path().join("fewer.redb")).unwrap());
    let free_bytes = Arc::new(AtomicU64::new(1 << 40));
    let told = Arc::clone(&free_bytes);
    let disk = Disk::probed(0, move || Ok(told.load(Relaxed)));
    let datasets = DatasetStore::open(dir.path(), Arc::clone(&database), disk, 1 << 30).unwrap();
    let settings = JobSettings {
        memory_bytes: 1 << 30,
        max_flops: 1e15,
        threads: 2,
        workers: 1,
        max_queued: 9,
        checkpoint: Duration::ZERO,
        retention: fewer::jobs::Retention::default(),
    };
    let jobs = JobService::open(database, datasets.clone(), settings).unwrap();
    let mut upload = datasets.begin(1 << 20);
    upload.write(&npy(MANY, 4)).unwrap();
    let (dataset, _) = upload.finish("t", None, Format::Npy, &Options::default()).unwrap();
    let submit = |k: usize| {
        let spec = json!({
            "kind": "selection", "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
            "constraints": {"k": k}, "optimizer": {"name": "greedy"},
        });
        let spec: JobSpec = serde_json::from_value(spec).unwrap();
        let job = NewJob { tenant: "t".into(), spec, labels: BTreeMap::new(), request_id: None };
        let Begun::New(place) = jobs.begin("t", None).unwrap() else { panic!("there is no key to be known") };
        jobs.submit(&place, job, Some(&dataset)).unwrap().record.key()
    };
    let wait = |key: &JobKey, wanted: &dyn Fn(State) -> bool| {
        let started = Instant::now();
        loop {
            let record = jobs.get(key).unwrap().record;
            if wanted(record.state) {
                return record;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "still {:?}", record.state);
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    let (cancelled, whole) = (submit(MANY), submit(2));
    wait(&cancelled, &|state| state == State::Running);
    free_bytes.store(1 << 20, Relaxed);
    jobs.cancel(&cancelled).unwrap();
    for (job, state) in [(cancelled, State::Cancelled), (whole, State::Failed)] {
        let record = wait(&job, &|state| state.is_terminal());
        assert_eq!((record.state, record.failure.unwrap().code.as_str()), (state, "insufficient_storage"));
        assert_eq!(jobs.result(&job).unwrap_err().code(), "no_result");
    }

    // With hardly a byte left nobody waits for a change, and a run stops all the same.
    free_bytes.store(1 << 40, Relaxed);
    let (running, queued) = (submit(MANY), submit(MANY));
    wait(&running, &|state| state == State::Running);
    free_bytes.store(1 << 10, Relaxed);
    let refusals = [
        jobs.cancel(&running).unwrap_err().code(),
        jobs.cancel(&queued).unwrap_err().code(),
        jobs.delete(&JobKey::new("t", "job_1")).unwrap_err().code(),
        jobs.delete_dataset("t", &dataset.id).unwrap_err().code(),
    ];
    assert_eq!(refusals, ["insufficient_storage"; 4]);
    assert_eq!(jobs.cancel(&JobKey::new("t", "job_1")).unwrap_err().code(), "job_not_found");
    assert_eq!(wait(&running, &|state| state.is_terminal()).state, State::Cancelled);
    assert_eq!(jobs.cancel(&running).unwrap().record.state, State::Cancelled);
    wait(&queued, &|state| state == State::Running);
    assert!(jobs.drain(Duration::from_secs(60)));
}
