//! `fewer demo`: the service on real data, seen from outside. Everything below goes over HTTP, as a client would.

use crate::api;
use crate::config::Settings;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// 2,000 Debian packages: name, section, installed size, and an embedding of name and description.
const PACKAGES: &[u8] = include_bytes!("../../tests/data/debian_2k.parquet");

#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Leave when everything was shown, instead of staying up until Ctrl-C
    #[arg(long)]
    once: bool,
    /// How many packages to choose
    #[arg(short, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=2000))]
    k: u16,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), Box<dyn Error>> {
    let directory = TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let settings = Settings { listen: address, ..Settings::new(directory.path()) };
    let server = runtime.spawn(api::serve(settings, listener, async {
        // The sender gone means the same: stop.
        let _ = stopped.await;
    }));

    let mut out = io::stdout().lock();
    let shown = show(&mut out, address, args.k);
    if shown.is_ok() && !args.once {
        writeln!(out, "\nThe service stays up until Ctrl-C.")?;
        out.flush()?;
        runtime.block_on(tokio::signal::ctrl_c())?;
    }
    drop(stop);
    runtime.block_on(server)??;
    shown
}

fn show(out: &mut impl Write, address: SocketAddr, k: u16) -> Result<(), Box<dyn Error>> {
    let client = Client::new(address);
    client.ready()?;
    writeln!(out, "fewer is listening on http://{address}, its data in a temporary directory.\n")?;

    let dataset =
        client.post("/v1/datasets?name=debian_2k&id=name", "application/vnd.apache.parquet", PACKAGES)?;
    let id = text(&dataset, "id");
    writeln!(
        out,
        "POST /v1/datasets   {} rows of {} numbers, {} bytes of Parquet -> {id}\n",
        dataset["rows"], dataset["dim"], dataset["bytes"]
    )?;

    let cardinality = json!({"k": k});
    let quotas = json!({"k": k, "groups": {"column": "section", "default_at_most": 1}});
    let runs = [
        ("greedy", "greedy", &cardinality),
        ("lazy_greedy", "lazy_greedy", &cardinality),
        ("bidirectional_greedy", "bidirectional_greedy", &cardinality),
        ("lazy_greedy, at most one of a section", "lazy_greedy", &quotas),
    ];
    let mut rows = vec![];
    for (title, optimizer, constraints) in runs {
        let job = client.select(&id, optimizer, constraints)?;
        let result = client.get(&format!("/v1/jobs/{}/result", text(&job, "id")))?;
        chosen(out, title, &result)?;
        rows.push((title, text(&job, "id"), result));
    }

    writeln!(out, "{:<40} {:>10} {:>12} {:>9}  job", "", "value", "evaluations", "seconds")?;
    for (title, job, result) in &rows {
        let times = &result["timings_seconds"];
        let seconds: f64 =
            ["loading", "similarity", "selecting"].iter().filter_map(|p| times[p].as_f64()).sum();
        let value = result["objective_value"].as_f64().unwrap_or(f64::NAN);
        writeln!(out, "{title:<40} {value:>10.4} {:>12} {seconds:>9.3}  {job}", result["evaluations"])?;
    }
    let certificate = &rows[1].2["certificate"];
    writeln!(
        out,
        "\nThe guarantee of lazy_greedy: {}.\nMeasured on this run: no {k} packages are worth more than {}.",
        text(&rows[1].2["guarantee"], "statement"),
        certificate["upper_bound"]
    )?;

    writeln!(out, "\nOpen in a browser:")?;
    writeln!(out, "  http://{address}/docs/           the API, to read and to try")?;
    writeln!(out, "  http://{address}/openapi.json    the same for programs")?;
    writeln!(out, "  http://{address}/v1/datasets     what was uploaded")?;
    writeln!(out, "  http://{address}/v1/jobs         what was asked")?;
    for (title, job, _) in &rows {
        writeln!(out, "  http://{address}/v1/jobs/{job}/result    {title}")?;
    }
    Ok(())
}

/// The chosen packages, with the gain each had at its turn.
fn chosen(out: &mut impl Write, title: &str, result: &Value) -> io::Result<()> {
    writeln!(out, "{title}")?;
    let empty = vec![];
    let list = |key: &str| result[key].as_array().unwrap_or(&empty).clone();
    let items: Vec<String> = (list("ids").iter().zip(list("gains")))
        .map(|(id, gain)| format!("{} {:.2}", id.as_str().unwrap_or("?"), gain.as_f64().unwrap_or(f64::NAN)))
        .collect();
    for line in items.chunks(4) {
        writeln!(out, "  {}", line.join(", "))?;
    }
    if let Some(groups) = result["groups"].as_object() {
        writeln!(out, "  from {} sections", groups.len())?;
    }
    writeln!(out)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// A few lines of HTTP against one service.
struct Client {
    agent: ureq::Agent,
    base: String,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        Self { agent: ureq::Agent::new_with_config(config), base: format!("http://{address}") }
    }

    /// Waits until the service says it is ready.
    fn ready(&self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        loop {
            match self.get("/readyz") {
                Ok(_) => return Ok(()),
                Err(error) if start.elapsed() > Duration::from_secs(10) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn get(&self, path: &str) -> Result<Value, Box<dyn Error>> {
        read(self.agent.get(format!("{}{path}", self.base)).call()?)
    }

    fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Value, Box<dyn Error>> {
        read(self.agent.post(format!("{}{path}", self.base)).header("Content-Type", media_type).send(body)?)
    }

    /// Submits a job and polls until it has ended.
    fn select(&self, dataset: &str, optimizer: &str, constraints: &Value) -> Result<Value, Box<dyn Error>> {
        let body = json!({
            "kind": "selection",
            "dataset": dataset,
            "objective": {"name": "facility_location", "similarity": {"metric": "cosine"}},
            "constraints": constraints,
            "optimizer": {"name": optimizer},
        });
        let job = self.post("/v1/jobs", "application/json", body.to_string().as_bytes())?;
        let path = format!("/v1/jobs/{}", text(&job, "id"));
        loop {
            let job = self.get(&path)?;
            match job["state"].as_str() {
                Some("succeeded") => return Ok(job),
                Some("failed" | "cancelled") => return Err(format!("{path}: {}", job["error"]).into()),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Value, Box<dyn Error>> {
    let status = response.status();
    let body = response.body_mut().read_to_string()?;
    if status.is_success() {
        return Ok(serde_json::from_str(&body).unwrap_or(Value::String(body)));
    }
    Err(format!("{status}: {body}").into())
}
