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
/// Of one that brings its dataset, and of one that asks.
const TINY: usize = 2;
const ASKED: usize = 3;

/// No answer came: the service has died.
#[derive(Debug)]
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
    /// A job came with its dataset inside.
    inline: bool,
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

    /// Answers the job's questions until it asks no more.
    fn answer(&self, job: &str) -> Result<(), Died> {
        while answer(self.service, job, 5).map_err(|_| Died)? {}
        Ok(())
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

/// Answers the round that the job asks, if it asks one in so many seconds; whether it may ask more.
fn answer(service: &Service, job: &str, wait: u8) -> Result<bool, ureq::Error> {
    let (status, round) = service.send("GET", &format!("{job}/questions?wait={wait}"), "", &[])?;
    if status == 200 {
        let sets: Vec<Vec<u64>> = serde_json::from_value(round["sets"].clone()).unwrap();
        let values: Vec<u64> = sets.iter().map(|set| set.iter().map(|e| e + 1).sum()).collect();
        let body = json!({"round": round["round"], "answers": values}).to_string();
        let (status, taken) =
            service.send("POST", &format!("{job}/answers"), "application/json", body.as_bytes())?;
        // It may have been stopped in the meantime.
        assert!(matches!(status, 200 | 202 | 409), "{taken}");
    }
    Ok(status < 400)
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
        let (small, large) = (client.upload(200, 8).unwrap(), client.upload(3000, 4).unwrap());
        let few = client.submit(&job(&small, FEW)).unwrap();
        let many = client.submit(&job(&large, MANY)).unwrap();
        let tiny = client.submit(&inline_job()).unwrap();
        let asked = client.submit(&asking_job(3600.0)).unwrap();
        client.answer(&asked).unwrap();
        let all = [(&few, FEW), (&many, MANY), (&tiny, TINY), (&asked, ASKED)];
        let results = all.map(|(path, k)| {
            assert_eq!(client.end(path).unwrap()["state"], "succeeded");
            (k, client.known.answers[&format!("{path}/result")].clone())
        });
        // Its dataset is to be new when it comes again.
        let dataset = client.known.answers[&tiny]["dataset"].as_str().unwrap().to_owned();
        for path in [tiny, format!("/v1/datasets/{dataset}")] {
            client.ask("DELETE", &path, "", &[]).unwrap();
        }
        service.terminate();
        assert!(service.ended().success());
        Self { dir, known, small, large, done: few, results: results.into() }
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
    fn work(&self, point: &str, inline: bool, client: &mut Client<'_>) -> Result<(), Died> {
        let event = point.trim_end_matches("_before_commit").trim_end_matches("_committed");
        let event = if inline { "inline" } else { event };
        match event {
            "upload_written" | "upload_synced" | "upload" => {
                client.upload(100, 3)?;
            }
            "inline" => {
                client.known.inline = true;
                client.submit(&inline_job())?;
            }
            "submit" | "start" | "save" | "succeed" => {
                let job = client.submit(&self.few())?;
                client.end(&job)?;
            }
            "ask" | "answer" => {
                let job = client.submit(&asking_job(3600.0))?;
                client.answer(&job)?;
                client.end(&job)?;
            }
            "give_up" => {
                let job = client.submit(&asking_job(0.01))?;
                client.end(&job)?;
            }
            "fail" => {
                let mut late = self.many();
                (late["deadline_seconds"], late["on_stop"]) = (json!(0.01), json!("fail"));
                let job = client.submit(&late)?;
                client.end(&job)?;
            }
            "cancel" | "stop" => loop {
                let job = client.submit(&self.many())?;
                client.wait(&job, runs)?;
                client.ask("POST", &format!("{job}/cancel"), "", &[])?;
                // One that ended before its cancel came was not stopped.
                if client.end(&job)?["state"] == "cancelled" {
                    break;
                }
            },
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

fn job(dataset: &str, k: usize) -> Value {
    let mut job = selection(dataset, k);
    job["optimizer"] = json!({"name": "greedy"});
    job
}

fn inline_job() -> Value {
    let mut job = job("", TINY);
    job["inline"] = json!({"vectors": [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]});
    job["dataset"] = Value::Null;
    job
}

/// Its rounds wait so many seconds for an answer.
fn asking_job(idle: f64) -> Value {
    let objective =
        json!({"name": "external", "n": 5, "max_sets_per_round": 4, "idle_expires_seconds": idle});
    let optimizer = json!({"name": "greedy"});
    json!({"kind": "selection", "objective": objective, "constraints": {"k": ASKED}, "optimizer": optimizer})
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
fn die(point: &str, inline: bool, before: &Before, dir: &Path, known: &mut Acknowledged) {
    // A start passes this one before it answers anybody, once there is a job that ran.
    if point.starts_with("resume") {
        die("save_committed", false, before, dir, known);
        let ended = Service::start_with(dir, &FLAGS, &[("FEWER_FAULT_POINT", point)]).err();
        assert_eq!(ended.and_then(|status| status.signal()), Some(SIGKILL), "{point}");
        return;
    }
    let mut service = Service::start_with(dir, &FLAGS, &[("FEWER_FAULT_POINT", point)]).unwrap();
    let worked = before.work(point, inline, &mut Client { service: &service, known });
    // What was committed can be read before the thread that committed it has come to its end.
    let died = worked.is_err()
        || (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            service.send("GET", "/healthz", "", &[]).is_err()
        });
    assert!(died, "{point} was never passed");
    assert_eq!(service.ended().signal(), Some(SIGKILL), "{point}");
}

/// What a client finds after the next start.
struct Audit<'a> {
    point: &'a str,
    before: &'a Before,
    dir: &'a Path,
    known: &'a Acknowledged,
    service: Service,
}

impl Audit<'_> {
    fn look(&self, path: &str) -> (u16, Value) {
        self.service.send("GET", path, "", &[]).unwrap()
    }

    fn was_unanswered(&self, method: &str, path: &str) -> bool {
        self.known.unanswered.as_ref().is_some_and(|(m, p)| m == method && path.starts_with(p))
    }

    /// What was acknowledged is there, and what ended is as it was.
    fn promises_are_kept(&self) {
        let point = self.point;
        for (path, answer) in &self.known.answers {
            let (status, now) = self.look(path);
            let may_be_gone = self.was_unanswered("DELETE", path);
            assert!(status == 200 || status == 404 && may_be_gone, "{point}: {path} is lost: {now}");
            let is_final = !path.starts_with("/v1/jobs") || path.ends_with("/result") || has_ended(answer);
            assert!(status == 404 || !is_final || now == *answer, "{point}: {path} was {answer}, is {now}");
        }
        for path in &self.known.deleted {
            assert_eq!(self.look(path).0, 404, "{point}: {path} is back");
        }
    }

    /// Everything of a list; at most one that nobody was told of, where a request for one had no answer.
    fn listed(&self, list: &str) -> Vec<String> {
        let paths = listed(&self.service, list);
        let news = paths.iter().filter(|path| !self.known.answers.contains_key(*path)).count();
        // The dataset of an inline job is committed before the job: a kill between the two leaves it, listed and whole.
        let of_job = list == "/v1/datasets" && self.known.inline && self.was_unanswered("POST", "/v1/jobs");
        let expected = usize::from(self.was_unanswered("POST", list) || of_job);
        assert!(news <= expected, "{}: {paths:?} has what nobody asked for", self.point);
        paths
    }

    fn every_file_has_its_record(&self, datasets: &[String]) {
        let digest = |path: &String| self.look(path).1["digest"].as_str().unwrap().replace("sha256:", "");
        let recorded: BTreeSet<_> = datasets.iter().map(digest).collect();
        assert_eq!(names(&self.dir.join("datasets")), recorded, "{}", self.point);
        assert_eq!(names(&self.dir.join("uploads")), BTreeSet::new(), "{}", self.point);
        let rooms = ["datasets", "fewer.redb", "uploads"].map(str::to_owned);
        assert_eq!(names(self.dir), rooms.into(), "{}", self.point);
    }

    /// The job ends as an undisturbed one, and has a result then and not before.
    fn ends_well(&self, path: &str) {
        let result = format!("{path}/result");
        let job = self.service.until(|service| {
            // Read first: a result that is there before the job has ended is half a result.
            let (status, _) = self.look(&result);
            let job = service.get(path);
            if job["state"] == "awaiting_answers" {
                answer(service, path, 0).unwrap();
            }
            assert!(has_ended(&job) || status != 200, "{}: {job} has a result", self.point);
            has_ended(&job).then_some(job)
        });
        let told = format!("{}: {job}", self.point);
        let (status, found) = self.look(&result);
        let whole = &self.before.results[&(job["spec"]["constraints"]["k"].as_u64().unwrap() as usize)];
        match job["state"].as_str().unwrap() {
            "succeeded" => {
                for field in ["indices", "gains", "objective_value", "evaluations", "certificate", "complete"]
                {
                    assert_eq!(found[field], whole[field], "{field} of {told}");
                }
            }
            "cancelled" if status == 200 => {
                for field in ["indices", "gains"] {
                    let prefix = found[field].as_array().unwrap();
                    assert!(whole[field].as_array().unwrap().starts_with(prefix), "{field} of {told}");
                }
            }
            "cancelled" => assert_eq!(found["code"], "no_result", "{told}"),
            "failed" => {
                assert_eq!(job["error"]["code"], "deadline_exceeded", "{told}");
                assert_eq!(found["code"], "no_result", "{told}");
            }
            _ => panic!("{told}"),
        }
    }

    /// The dataset can be computed with.
    fn is_whole(&self, dataset: &str) {
        let tiny = job(dataset.trim_start_matches("/v1/datasets/"), 1);
        let job = self.service.post("/v1/jobs", "application/json", tiny.to_string().as_bytes());
        let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        let ended = self.service.until(|service| Some(service.get(&job)).filter(has_ended));
        assert_eq!(ended["state"], "succeeded", "{}: {ended}", self.point);
    }

    /// Everything can be deleted, and leaves no file.
    fn goes_without_a_trace(&self) {
        for list in ["/v1/jobs", "/v1/datasets"] {
            for path in listed(&self.service, list) {
                let (status, refused) = self.service.send("DELETE", &path, "", &[]).unwrap();
                assert_eq!(status, 204, "{}: {refused}", self.point);
            }
        }
        assert_eq!(names(&self.dir.join("datasets")), BTreeSet::new(), "{}", self.point);
    }
}

fn audit(point: &str, before: &Before, dir: &Path, known: &Acknowledged) {
    let audit = Audit { point, before, dir, known, service: Service::start(dir) };
    audit.promises_are_kept();
    let (datasets, jobs) = (audit.listed("/v1/datasets"), audit.listed("/v1/jobs"));
    audit.every_file_has_its_record(&datasets);
    jobs.iter().for_each(|job| audit.ends_well(job));
    datasets.iter().for_each(|dataset| audit.is_whole(dataset));
    audit.goes_without_a_trace();
}

/// Paths of everything in a list.
fn listed(service: &Service, list: &str) -> Vec<String> {
    let page = service.get(&format!("{list}?limit=100"));
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| format!("{list}/{}", item["id"].as_str().unwrap())).collect()
}

#[test]
fn a_kill_at_any_point_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    let before = Before::new();
    let next = AtomicUsize::new(0);
    let inline =
        POINTS.into_iter().filter(|point| point.starts_with("upload") || point.starts_with("submit"));
    let points: Vec<_> =
        POINTS.into_iter().map(|point| (point, false)).chain(inline.map(|point| (point, true))).collect();
    // Each waits for the disk most of the time.
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some(&(point, inline)) = points.get(next.fetch_add(1, Relaxed)) {
                    let (dir, mut known) = before.copy();
                    die(point, inline, &before, dir.path(), &mut known);
                    audit(point, &before, dir.path(), &known);
                }
            });
        }
    });
}

/// Nobody knows whether a request without an answer was taken: it is sent again, with its key.
#[test]
fn a_request_sent_again_after_a_kill_makes_one_job() {
    for (point, taken) in [("submit_before_commit", 0), ("submit_committed", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut service = Service::start_with(dir.path(), &[], &[("FEWER_FAULT_POINT", point)]).unwrap();
        let dataset = service.post("/v1/datasets", "application/x-npy", &npy(20, 3));
        let body = |k| job(dataset["id"].as_str().unwrap(), k).to_string();
        let send = |service: &Service, k| service.post_once("/v1/jobs", "key-1", body(k).as_bytes());
        assert!(send(&service, 2).is_err(), "{point}");
        assert_eq!(service.ended().signal(), Some(SIGKILL), "{point}");

        let service = Service::start(dir.path());
        assert_eq!(listed(&service, "/v1/jobs").len(), taken, "{point}");
        let (status, first) = send(&service, 2).unwrap();
        assert_eq!(status, 202, "{point}: {first}");
        let (status, again) = send(&service, 2).unwrap();
        assert_eq!((status, &again["id"]), (202, &first["id"]), "{point}");
        assert_eq!(listed(&service, "/v1/jobs").len(), 1, "{point}");
        let (status, refused) = send(&service, 3).unwrap();
        assert_eq!((status, &refused["code"]), (422, &json!("idempotency_mismatch")), "{point}");
    }
}
