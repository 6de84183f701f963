use super::*;
use crate::api;
use crate::config::Settings;
use crate::jobs::record::JobSpec;
use axum::body::Body;
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

const INLINE: &str = r#"{"vectors": [[1.0, 0.0], [0.0, 1.0]]}"#;

fn open() -> (TempDir, Arc<App>) {
    let dir = tempfile::tempdir().unwrap();
    let app = App::open(Settings::new(dir.path())).unwrap();
    (dir, app)
}

fn job(k: u64) -> Value {
    json!({
        "kind": "selection", "constraints": {"k": k},
        "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
    })
}

#[tokio::test]
async fn requests_are_prepared_in_turn_and_wait_without_a_thread() {
    let (_dir, app) = open();
    let router = api::router(Arc::clone(&app));
    let mut body = job(1);
    body["inline"] = serde_json::from_str(INLINE).unwrap();
    let post = |path: &str| {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        tokio::spawn(router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()))
    };
    let permits = app.preparing.available_permits();
    let busy = app.preparing.acquire_many(permits as u32).await.unwrap();
    let waiting = [post("/v1/jobs?validate_only=true"), post("/v1/jobs")];
    let read = Request::get("/v1/jobs").body(Body::empty()).unwrap();
    assert_eq!(router.clone().oneshot(read).await.unwrap().status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(waiting.iter().all(|request| !request.is_finished()), "they were prepared beside the others");
    drop(busy);
    for (request, status) in waiting.into_iter().zip([StatusCode::OK, StatusCode::ACCEPTED]) {
        assert_eq!(request.await.unwrap().unwrap().status(), status);
    }
    assert_eq!(app.preparing.available_permits(), permits);
}

#[test]
fn a_dataset_stored_for_a_job_alone_goes_with_its_refusal() {
    let (dir, app) = open();
    let files = || std::fs::read_dir(dir.path().join("datasets")).unwrap().count();
    for (is_new, left) in [(false, 1), (true, 0)] {
        let mut upload = app.datasets.begin(1 << 10);
        upload.write(INLINE.as_bytes()).unwrap();
        let (dataset, _) = upload.finish(TENANT, None, Format::Json, &Options::default()).unwrap();
        let Begun::New(place) = app.jobs.begin(TENANT, None).unwrap() else { panic!("there is no key") };
        let spec: JobSpec = serde_json::from_value(job(3)).unwrap();
        let job = NewJob { tenant: TENANT.into(), spec, labels: Default::default(), request_id: None };
        let refused = accept(&app, &place, job, Some(&dataset), is_new).unwrap_err();
        assert_eq!(refused.code.as_str(), "invalid_parameter", "{}", refused.detail);
        assert_eq!((app.datasets.list(TENANT, 9, None).unwrap().0.len(), files()), (left, left));
    }
}
