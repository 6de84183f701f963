//! The real binary, serving in a process of its own.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) const FEWER: &str = env!("CARGO_BIN_EXE_fewer");

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// `fewer serve` on a free port. Killed, as by `kill -9`, when dropped.
pub(crate) struct Service {
    child: Child,
    /// `http://address:port`
    pub(crate) base: String,
    agent: ureq::Agent,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Service {
    /// Starts it, and waits until it is ready.
    pub(crate) fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &["--checkpoint-seconds", "0.05"], &[]).unwrap()
    }

    /// Likewise, with more flags and variables. Fails with how the process ended where it did before it was ready.
    pub(crate) fn start_with(
        data_dir: &Path,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self, ExitStatus> {
        let mut child = Command::new(FEWER)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(flags)
            .envs(variables.iter().copied())
            .arg("--data-dir")
            .arg(data_dir)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            event["address"].as_str().map(str::to_owned)
        });
        let Some(address) = address else { return Err(child.wait().unwrap()) };
        // Or the service would wait for somebody to read what it logs.
        std::thread::spawn(move || lines.for_each(drop));
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let mut service =
            Self { child, base: format!("http://{address}"), agent: ureq::Agent::new_with_config(config) };
        let started = Instant::now();
        loop {
            match service.send("GET", "/readyz", "", &[]) {
                Ok((200, _)) => return Ok(service),
                _ => assert!(started.elapsed() < PATIENCE, "it is not ready"),
            }
            if let Some(ended) = service.child.try_wait().unwrap() {
                return Err(ended);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Polls until it gives something.
    pub(crate) fn until<T>(&self, mut ready: impl FnMut(&Self) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(value) = ready(self) {
                return value;
            }
            assert!(started.elapsed() < PATIENCE, "it never happened");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// One request: status and JSON of the answer, null where there is none. Fails where no answer comes.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> Result<(u16, Value), ureq::Error> {
        let url = format!("{}{path}", self.base);
        read(match method {
            "GET" => self.agent.get(url).call()?,
            "DELETE" => self.agent.delete(url).call()?,
            "POST" => self.agent.post(url).header("Content-Type", media_type).send(body)?,
            other => panic!("{other} is not sent here"),
        })
    }

    /// Posts JSON with an `Idempotency-Key`.
    pub(crate) fn post_once(&self, path: &str, key: &str, body: &[u8]) -> Result<(u16, Value), ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base)).header("Idempotency-Key", key);
        read(request.header("Content-Type", "application/json").send(body)?)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.send("GET", path, "", &[]).unwrap().1
    }

    pub(crate) fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Value {
        self.send("POST", path, media_type, body).unwrap().1
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the process to end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "it runs on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<(u16, Value), ureq::Error> {
    let text = answer.body_mut().read_to_string()?;
    Ok((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}
