//! Datasets in an object store: the real binary beside a server that speaks as much S3 as a read needs.

use crate::client::npy;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Answers every connection by `answer` of the request's path.
fn serve(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
            thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                while lines.next().is_some_and(|line| !line.is_empty()) {}
                answer(first.split(' ').nth(1).unwrap_or_default(), &mut stream);
            });
        }
    });
    address
}

fn head(status: &str, length: usize, more: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\netag: \"1\"\r\nlast-modified: Tue, 24 Nov 2026 00:00:00 GMT\r\n{more}\r\n"
    )
}

#[test]
fn an_object_is_copied_and_nothing_leads_out_of_the_bucket() {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let visited = Arc::clone(&elsewhere);
    let away = serve(move |_, stream| {
        visited.fetch_add(1, SeqCst);
        let body = npy(3, 2);
        stream.write_all(head("200 OK", body.len(), "").as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    });
    let store = serve(move |path, stream| {
        let body = npy(40, 30);
        // A client that has seen enough may be gone.
        let _ = match path {
            "/bucket/data/a%20b.npy" => stream
                .write_all(head("200 OK", body.len(), "").as_bytes())
                .and_then(|()| stream.write_all(&body)),
            "/bucket/data/away.npy" => {
                let location = format!("location: http://{away}/bucket/data/away.npy\r\n");
                stream.write_all(head("302 Found", 0, &location).as_bytes())
            }
            "/bucket/data/slow.npy" => {
                let sent = stream.write_all(head("200 OK", body.len(), "").as_bytes());
                thread::sleep(Duration::from_secs(20));
                sent
            }
            _ => stream.write_all(head("404 Not Found", 0, "").as_bytes()),
        };
    });
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fewer"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--source-timeout-seconds", "2"])
        .args(["--source-prefix", "s3://bucket/data/"])
        .arg("--data-dir")
        .arg(dir.path())
        .env("AWS_ENDPOINT", format!("http://{store}"))
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "nowhere-1")
        .env("AWS_ACCESS_KEY_ID", "id")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let _killed = Killed(child);
    let address = lines
        .find_map(|line| {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            event["address"].as_str().map(str::to_owned)
        })
        .unwrap();
    thread::spawn(move || lines.for_each(drop));
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let post = |source: &str| {
        let request = agent.post(format!("http://{address}/v1/datasets"));
        let mut answer = request
            .header("content-type", "application/json")
            .send(json!({"source": source}).to_string())
            .unwrap();
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        (answer.status().as_u16(), body)
    };
    let (status, stored) = post("s3://bucket/data/a%20b.npy");
    assert_eq!((status, &stored["rows"]), (201, &json!(40)), "{stored}");
    for (source, status, code) in [
        ("s3://bucket/data/none.npy", 502, "source_failed"),
        ("s3://bucket/data/away.npy", 502, "source_failed"),
        ("s3://bucket/data/slow.npy", 504, "source_timeout"),
        ("s3://bucket/database/a.npy", 422, "source_not_allowed"),
        ("s3://bucket/data/../a.npy", 422, "source_not_allowed"),
        ("s3://bucket2/data/a.npy", 422, "source_not_allowed"),
    ] {
        let (found, problem) = post(source);
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{source}: {problem}");
    }
    assert_eq!(elsewhere.load(SeqCst), 0);
    for inner in ["uploads", "datasets"] {
        let left = std::fs::read_dir(dir.path().join(inner)).unwrap().count();
        assert_eq!(left, usize::from(inner == "datasets"));
    }
}
