//! The service under load: the real binary, on a real disk.

use crate::Failure;
use crate::http::Connection;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `fewer serve` on a free port. Killed when dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("load: the service could not be stopped: {error}");
        }
    }
}

impl Service {
    /// Starts it with its data below `parent`, and waits until it is ready.
    pub(crate) async fn start(parent: &Path, max_queued: usize) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("load-").tempdir_in(parent)?;
        let log = directory.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_fewer"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(["--max-queued", &max_queued.to_string()])
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut service = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), directory };
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&log)?;
            let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let address =
                events.into_iter().find_map(|event| event["address"].as_str().and_then(|a| a.parse().ok()));
            if let Some(address) = address {
                service.address = address;
                let answer = Connection::new(address).get("/readyz").await;
                if answer.is_ok_and(|answer| answer.status == 200) {
                    return Ok(service);
                }
            }
            if service.child.try_wait()?.is_some() || started.elapsed() > Duration::from_secs(30) {
                return Err(format!("the service does not start: {text}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A place on the disk that the service writes to.
    pub(crate) fn beside_the_data(&self) -> PathBuf {
        self.directory.path().join("probe")
    }

    /// Resident memory of the service, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    }

    /// Uploads and gives the dataset's id.
    pub(crate) async fn upload(&self, media_type: &str, bytes: &[u8]) -> Result<String, Failure> {
        let header = format!("Content-Type: {media_type}\r\n");
        let answer = Connection::new(self.address).send("POST", "/v1/datasets", &header, bytes).await?;
        id_in(answer.status, 201, &answer.body)
    }

    /// Submits a job and gives its id.
    pub(crate) async fn submit(&self, body: &str) -> Result<String, Failure> {
        let answer = Connection::new(self.address).post_json("/v1/jobs", body).await?;
        id_in(answer.status, 202, &answer.body)
    }

    /// A job as it is now.
    pub(crate) async fn job(&self, id: &str) -> Result<Value, Failure> {
        let answer = Connection::new(self.address).get(&format!("/v1/jobs/{id}")).await?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Polls until the job is as wanted.
    pub(crate) async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<(), Failure> {
        let started = Instant::now();
        while !wanted(&self.job(id).await?) {
            if started.elapsed() > Duration::from_secs(300) {
                return Err(format!("{id} is still {}", self.job(id).await?).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Asks the job to stop.
    pub(crate) async fn cancel(&self, id: &str) -> Result<(), Failure> {
        Connection::new(self.address).post_json(&format!("/v1/jobs/{id}/cancel"), "").await?;
        Ok(())
    }

    /// Waits until no job waits and none runs.
    pub(crate) async fn idle(&self) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            let page = Connection::new(self.address).get("/metrics").await?.body;
            let page = String::from_utf8(page)?;
            let none = |name: &str| page.lines().any(|line| line == format!("{name} 0"));
            if none("fewer_jobs_queued") && none("fewer_jobs_running") {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(300) {
                return Err("the service does not come to rest".into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn id_in(status: u16, expected: u16, body: &[u8]) -> Result<String, Failure> {
    let json: Value = serde_json::from_slice(body)?;
    match json["id"].as_str() {
        Some(id) if status == expected => Ok(id.to_owned()),
        _ => Err(format!("{status}: {json}").into()),
    }
}

/// A selection of `k` items; `greedy` computes every gain in every step.
pub(crate) fn selection(dataset: &str, k: usize, optimizer: &str) -> String {
    json!({
        "kind": "selection",
        "dataset": dataset,
        "objective": {"name": "facility_location"},
        "constraints": {"k": k},
        "optimizer": {"name": optimizer},
    })
    .to_string()
}

/// Vectors without structure, as `.npy`.
pub(crate) fn npy(rows: usize, dim: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    while (10 + header.len()) % 64 != 63 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    let mut x = 1_u32;
    for _ in 0..rows * dim {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(&(x as f32 / u32::MAX as f32 - 0.4).to_le_bytes());
    }
    bytes
}
