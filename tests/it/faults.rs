//! Killed at every point: what was acknowledged is there after the next start, and nothing half done is.
#![cfg(debug_assertions)]

use crate::client::{npy, selection};
use crate::service::Service;
use fewer::fault::POINTS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tempfile::TempDir;

const SIGKILL: i32 = 9;

/// Saves after every step, or nearly.
const FLAGS: [&str; 6] = ["--checkpoint-seconds", "0.0001", "--workers", "1", "--threads", "1"];

/// Picks of a job that is soon done, and of one that runs for a second.
const FEW: usize = 8;
const MANY: usize = 150;

/// No answer came: the service has died.
struct Died;

/// What a client of the service knows of it.
#[derive(Clone, Default)]
struct Acknowledged {
    /// The last answer of every path.
    answers: BTreeMap<String, Value>,
    /// Paths whose deletion was acknowledged.
    deleted: BTreeSet<String>,
    /// Method and path of the request that got no answer.
    unanswered: Option<(String, String)>,
}

/// A client that remembers what it was promised.
struct Client<'a> {
    service: &'a Service,
    known: &'a mut Acknowledged,
}

impl Client<'_> {
    fn ask(&mut self, method: &str, path: &str, media_type: &str, body: &[u8]) -> Result<Value, Died> {
        self.known.unanswered = Some((method.to_owned(), path.to_owned()));
        let (status, json) = self.service.send(method, path, media_type, body).map_err(|_| Died)?;
        self.known.unanswered = None;
        assert!(status < 400, "{method} {path}: {json}");
        let answers = &mut self.known.answers;
        match (method, path) {
            ("POST", "/v1/datasets" | "/v1/jobs") => {
                answers.insert(format!("{path}/{}", json["id"].as_str().unwrap()), json.clone());
            }
            ("POST", _) => {
                answers.insert(path.trim_end_matches("/cancel").to_owned(), json.clone());
            }
            ("DELETE", _) => {
                answers.retain(|known, _| !known.starts_with(path));
                self.known.deleted.insert(path.to_owned());
            }
            _ => {
                answers.insert(path.to_owned(), json.clone());
            }
        }
        Ok(json)
    }

    fn upload(&mut self, rows: usize, dim: usize) -> Result<String, Died> {
        let stored = self.ask("POST", "/v1/datasets", "application/x-npy", &npy(rows, dim))?;
        Ok(stored["id"].as_str().unwrap().to_owned())
    }

    fn submit(&mut self, body: &Value) -> Result<String, Died> {
        let job = self.ask("POST", "/v1/jobs", "application/json", body.to_string().as_bytes())?;
        Ok(format!("/v1/jobs/{}", job["id"].as_str().unwrap()))
    }

    fn wait(&mut self, job: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value, Died> {
        loop {
            let now = self.ask("GET", job, "", &[])?;
            if wanted(&now) {
                return Ok(now);
            }
            assert!(!has_ended(&now), "{now}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// Waits for the job's end, and reads its result where it has one.
    fn end(&mut self, job: &str) -> Result<Value, Died> {
        let ended = self.wait(job, has_ended)?;
        if !ended["result"].is_null() {
            self.ask("GET", &format!("{job}/result"), "", &[])?;
        }
        Ok(ended)
    }
}

fn has_ended(job: &Value) -> bool {
    matches!(job["state"].as_str().unwrap(), "succeeded" | "failed" | "cancelled")
}

fn runs(job: &Value) -> bool {
    job["state"] == "running"
}

/// A directory that a service has worked in, undisturbed, and what is known of it.
struct Before {
    dir: TempDir,
    known: Acknowledged,
    small: String,
    large: String,
    /// Path of a job that has ended.
    done: String,
    /// Number of picks -> the result of a job that was left alone.
    results: BTreeMap<usize, Value>,
}

impl Before {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut service = Service::start_with(dir.path(), &FLAGS, &[]).unwrap();
        let mut known = Acknowledged::default();
        let mut client = Client { service: &service, known: &mut known };
        let made = client.make();
        let Ok((small, large, done, results)) = made else { panic!("the undisturbed service has died") };
        service.terminate();
        assert!(service.ended().success());
        Self { dir, known, small, large, done, results }
    }

    /// The directory once more, with what is known of it.
    fn copy(&self) -> (TempDir, Acknowledged) {
        let to = tempfile::tempdir().unwrap();
        copy(self.dir.path(), to.path());
        (to, self.known.clone())
    }

    fn few(&self) -> Value {
        job(&self.small, FEW)
    }

    fn many(&self) -> Value {
        job(&self.large, MANY)
    }

    /// Works until the service dies.
    fn work(&self, point: &str, client: &mut Client<'_>) -> Result<(), Died> {
        let event = point.trim_end_matches("_before_commit").trim_end_matches("_committed");
        match event {
            "upload_written" | "upload_synced" | "upload" => {
                client.upload(100, 3)?;
            }
            "submit" | "start" | "save" | "succeed" => {
                let job = client.submit(&self.few())?;
                client.end(&job)?;
            }
            "fail" => {
                let mut late = self.many();
                (late["deadline_seconds"], late["on_stop"]) = (json!(0.01), json!("fail"));
                let job = client.submit(&late)?;
                client.end(&job)?;
            }
            "cancel" | "stop" => {
                let job = client.submit(&self.many())?;
                client.wait(&job, runs)?;
                client.ask("POST", &format!("{job}/cancel"), "", &[])?;
                client.end(&job)?;
            }
            "requeue" => {
                let job = client.submit(&self.many())?;
                client.wait(&job, runs)?;
                client.service.terminate();
                loop {
                    client.ask("GET", &job, "", &[])?;
                }
            }
            "job_delete" => {
                client.ask("DELETE", &self.done, "", &[])?;
            }
            "dataset_delete" => {
                client.ask("DELETE", &format!("/v1/datasets/{}", self.small), "", &[])?;
            }
            other => panic!("nothing here passes {other}"),
        }
        Ok(())
    }
}

type Made = (String, String, String, BTreeMap<usize, Value>);

impl Client<'_> {
    fn make(&mut self) -> Result<Made, Died> {
        let (small, large) = (self.upload(200, 8)?, self.upload(3000, 4)?);
        let done = self.submit(&job(&small, FEW))?;
        let long = self.submit(&job(&large, MANY))?;
        let mut results = BTreeMap::new();
        for (path, k) in [(&done, FEW), (&long, MANY)] {
            assert_eq!(self.end(path)?["state"], "succeeded");
            results.insert(k, self.known.answers[&format!("{path}/result")].clone());
        }
        Ok((small, large, done, results))
    }
}

fn job(dataset: &str, k: usize) -> Value {
    let mut job = selection(dataset, k);
    job["optimizer"] = json!({"name": "greedy"});
    job
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn names(dir: &Path) -> BTreeSet<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Starts the service with the fault, works until it dies of it.
fn die(point: &str, before: &Before, dir: &Path, known: &mut Acknowledged) {
    // A start passes this one before it answers anybody, once there is a job that ran.
    if point.starts_with("resume") {
        die("save_committed", before, dir, known);
        let ended = Service::start_with(dir, &FLAGS, &[("FEWER_FAULT_POINT", point)]).err();
        assert_eq!(ended.and_then(|status| status.signal()), Some(SIGKILL), "{point}");
        return;
    }
    let mut service = Service::start_with(dir, &FLAGS, &[("FEWER_FAULT_POINT", point)]).unwrap();
    let worked = before.work(point, &mut Client { service: &service, known });
    assert!(worked.is_err(), "{point} was never passed");
    assert_eq!(service.ended().signal(), Some(SIGKILL), "{point}");
}

/// What a client finds after the next start.
fn audit(point: &str, before: &Before, dir: &Path, known: &Acknowledged) {
    let service = Service::start(dir);
    let look = |path: &str| service.send("GET", path, "", &[]).unwrap();
    let unanswered = |method: &str, path: &str| {
        known.unanswered.as_ref().is_some_and(|(m, p)| m == method && path.starts_with(p))
    };

    for (path, answer) in &known.answers {
        let (status, now) = look(path);
        let may_be_gone = unanswered("DELETE", path);
        assert!(status == 200 || status == 404 && may_be_gone, "{point}: {path} is lost: {now}");
        let is_final = !path.starts_with("/v1/jobs") || path.ends_with("/result") || has_ended(answer);
        assert!(status == 404 || !is_final || now == *answer, "{point}: {path} was {answer}, is {now}");
    }
    for path in &known.deleted {
        assert_eq!(look(path).0, 404, "{point}: {path} is back");
    }

    let listed = |list: &str| -> Vec<String> {
        let page = look(&format!("{list}?limit=100")).1;
        let paths: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| format!("{list}/{}", item["id"].as_str().unwrap()))
            .collect();
        let news = paths.iter().filter(|path| !known.answers.contains_key(*path)).count();
        assert!(news <= usize::from(unanswered("POST", list)), "{point}: {paths:?} that nobody asked for");
        paths
    };
    let (datasets, jobs) = (listed("/v1/datasets"), listed("/v1/jobs"));
    let digests = datasets.iter().map(|path| look(path).1["digest"].as_str().unwrap().replace("sha256:", ""));
    assert_eq!(
        digests.collect::<BTreeSet<_>>(),
        names(&dir.join("datasets")),
        "{point}: files without a record"
    );
    assert_eq!(names(&dir.join("uploads")), BTreeSet::new(), "{point}");
    assert_eq!(names(dir), ["datasets", "fewer.redb", "uploads"].map(str::to_owned).into(), "{point}");

    for path in &jobs {
        let result = format!("{path}/result");
        let job = service.until(|service| {
            // Read first: a result that is there before the job has ended is half a result.
            let (status, _) = look(&result);
            let job = service.get(path);
            assert!(has_ended(&job) || status != 200, "{point}: {job} has a result");
            has_ended(&job).then_some(job)
        });
        let (status, found) = look(&result);
        let k = job["spec"]["constraints"]["k"].as_u64().unwrap() as usize;
        let whole = &before.results[&k];
        match job["state"].as_str().unwrap() {
            "succeeded" => {
                for field in ["indices", "gains", "objective_value", "evaluations", "certificate", "complete"]
                {
                    assert_eq!(found[field], whole[field], "{point}: {field} of {path}");
                }
            }
            "cancelled" if status == 200 => {
                let picks = |result: &Value, field: &str| result[field].as_array().unwrap().clone();
                for field in ["indices", "gains"] {
                    let prefix = picks(&found, field);
                    assert_eq!(prefix, picks(whole, field)[..prefix.len()], "{point}: {field} of {path}");
                }
            }
            "cancelled" => assert_eq!(found["code"], "no_result", "{point}: {job}"),
            "failed" => {
                assert_eq!(job["error"]["code"], "deadline_exceeded", "{point}");
                assert_eq!(found["code"], "no_result", "{point}");
            }
            other => panic!("{point}: {other}"),
        }
    }

    // Whatever is there is whole: it can be computed with, and it goes without a trace.
    for path in &datasets {
        let mut tiny = job(path.trim_start_matches("/v1/datasets/"), 1);
        tiny["objective"]["similarity"] = json!({"metric": "dot"});
        let job = service.post("/v1/jobs", "application/json", tiny.to_string().as_bytes());
        let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        let ended = service.until(|service| Some(service.get(&job)).filter(has_ended));
        assert_eq!(ended["state"], "succeeded", "{point}: {ended}");
    }
    for path in listed_all(&service).iter().chain(&datasets) {
        assert_eq!(service.send("DELETE", path, "", &[]).unwrap().0, 204, "{point}: {path}");
    }
    assert_eq!(names(&dir.join("datasets")), BTreeSet::new(), "{point}");
}

fn listed_all(service: &Service) -> Vec<String> {
    let page = service.get("/v1/jobs?limit=100");
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| format!("/v1/jobs/{}", job["id"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_kill_at_any_point_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let before = Before::new();
    let next = AtomicUsize::new(0);
    // Each waits for the disk most of the time.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some(point) = POINTS.get(next.fetch_add(1, Relaxed)) {
                    let (dir, mut known) = before.copy();
                    die(point, &before, dir.path(), &mut known);
                    audit(point, &before, dir.path(), &known);
                }
            });
        }
    });
}
