//! What the real binary logs, and what it never does.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const FEWER: &str = env!("CARGO_BIN_EXE_fewer");
const KEY: &str = "a-key-of-the-tests-0123";
const WRONG: &str = "not-the-key-of-the-tests";

/// A service with a key, and the lines it has logged.
struct Logged {
    child: Child,
    incoming: Receiver<String>,
    lines: Vec<Value>,
}

impl Drop for Logged {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Logged {
    fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(FEWER)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
                "--log-filter",
                "trace",
                "--data-dir",
            ])
            .arg(data_dir)
            .env("FEWER_AUTH__API_KEY", KEY)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, incoming) = channel();
        std::thread::spawn(move || stderr.lines().try_for_each(|line| lines.send(line.unwrap())));
        Self { child, incoming, lines: Vec::new() }
    }

    /// Waits for the next line with this message.
    fn line(&mut self, message: &str) -> Value {
        loop {
            let line = self.incoming.recv_timeout(Duration::from_secs(60)).unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            self.lines.push(line.clone());
            if line["message"] == message {
                return line;
            }
        }
    }
}

/// A field of the spans that a line stands in.
fn field<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    line["spans"].as_array()?.iter().find_map(|span| span[name].as_str())
}

#[test]
fn lines_have_the_ids_of_what_they_are_about_and_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = Logged::start(dir.path());
    let base = format!("http://{}", service.line("listening")["address"].as_str().unwrap());
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let agent = ureq::Agent::new_with_config(config);
    let post = |path: &str, key: &str, id: &str, body: Value| -> Value {
        let request = agent.post(format!("{base}{path}")).header("Authorization", format!("Bearer {key}"));
        let request = request.header("X-Request-Id", id).header("Content-Type", "application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    };
    let vectors = json!({"vectors": [[0.123456789, 1.0], [1.0, 0.0]], "ids": ["name-of-a-row", "b"]});
    let dataset = post("/v1/datasets?name=name-of-a-dataset", KEY, "upload", vectors.clone());
    let dataset = dataset["id"].as_str().unwrap();
    let stored = service.line("dataset stored");
    assert_eq!((field(&stored, "request.id"), field(&stored, "dataset.id")), (Some("upload"), Some(dataset)));
    let answered = service.line("answered");
    assert_eq!(
        (field(&answered, "request.id"), field(&answered, "dataset.id")),
        (Some("upload"), Some(dataset))
    );
    assert_eq!(
        (&answered["response.status"], field(&answered, "request.path")),
        (&json!(201), Some("/v1/datasets"))
    );

    let wanted = json!({"kind": "selection", "dataset": dataset, "objective": {"name": "facility_location"},
        "constraints": {"k": 1}, "labels": {"note": "text-of-a-label"}});
    let job = post("/v1/jobs", KEY, "submit", wanted);
    let job = job["id"].as_str().unwrap();
    let mut waiting = vec!["job accepted", "answered", "job started", "job stopped"];
    while !waiting.is_empty() {
        // The worker and the request tell their stories at the same time.
        let line = service.incoming.recv_timeout(Duration::from_secs(60)).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        waiting.retain(|message| line["message"] != *message);
        if line["target"].as_str().unwrap().starts_with("fewer") {
            let ids = ["request.id", "job.id", "dataset.id"].map(|name| field(&line, name));
            assert_eq!(ids, [Some("submit"), Some(job), Some(dataset)], "{line}");
        }
        service.lines.push(line);
    }

    post("/v1/datasets", WRONG, "refused", vectors);
    post("/v1/jobs?token=text-of-a-query", KEY, "refused", json!({"kind": "text-of-a-body"}));
    agent
        .delete(format!("{base}/v1/jobs/{job}"))
        .header("Authorization", format!("Bearer {KEY}"))
        .call()
        .unwrap();
    while field(&service.line("answered"), "job.id") != Some(job) {}
    let all = service.lines.iter().map(Value::to_string).collect::<String>();
    for secret in [
        KEY,
        WRONG,
        "0.123456789",
        "name-of-a-row",
        "name-of-a-dataset",
        "text-of-a-label",
        "text-of-a-query",
        "text-of-a-body",
    ] {
        assert!(!all.contains(secret), "{secret} was logged");
    }
}

#[test]
fn a_printed_configuration_has_no_key_and_tells_what_contradicts() {
    let print = |flags: &[&str], key: &str| {
        let mut command = Command::new(FEWER);
        command.args(["serve", "--print-config", "--log-filter", "trace"]).args(flags);
        let out = command.env("FEWER_AUTH__API_KEY", key).output().unwrap();
        assert!(!format!("{out:?}").contains(KEY));
        (out.status.success(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (well, printed, said) = print(&["--listen", "0.0.0.0:80"], KEY);
    assert!(well && said.is_empty(), "{said}");
    assert!(printed.contains("listen = \"0.0.0.0:80\" # flag\n"), "{printed}");
    assert!(printed.contains("api_key = \"***\" # environment\n"), "{printed}");
    let (well, printed, said) = print(&["--listen", "0.0.0.0:80"], "none");
    assert!(!well && printed.contains("0.0.0.0:80") && said.contains("--allow-anonymous"), "{printed}{said}");
}
