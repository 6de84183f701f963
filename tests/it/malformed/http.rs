//! What goes wrong below the level of requests, told over a socket.

use super::{files, is_well, settled};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Sends what may be no HTTP, then says that no more follows where the service waits for it; gives the status and,
/// where the answer has a body, its code.
fn talk(address: SocketAddr, bytes: &[u8], waits: bool) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    if waits {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    read.unwrap_or_else(|error| panic!("{error}: {:.80}", String::from_utf8_lossy(bytes)));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let code = serde_json::from_str::<Value>(body).ok();
    (status, code.and_then(|problem| problem["code"].as_str().map(str::to_owned)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_refused_and_changes_nothing() {
    let (client, dataset) = settled().await;
    let before = files(client.dir());
    let address = client.listen().await;
    let post = |head: &str, body: &str| {
        format!(
            "POST /v1/jobs HTTP/1.1\r\nhost: fewer\r\ncontent-type: application/json\r\n{head}\r\n\r\n{body}"
        )
    };
    let chunked = |body: &str| post("transfer-encoding: chunked\r\nconnection: close", body);
    // The HTTP library answers what it cannot read itself: without a body, and closes.
    let by_the_library = [
        (400, "no http at all\r\n\r\n".to_owned()),
        (400, "GET / HTTP/9.9\r\n\r\n".into()),
        (400, "GET /\0 HTTP/1.1\r\nhost: fewer\r\n\r\n".into()),
        (400, "G(T / HTTP/1.1\r\nhost: fewer\r\n\r\n".into()),
        (400, "GET / HTTP/1.1\r\nno colon here\r\n\r\n".into()),
        (431, format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200))),
        (414, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_600))),
        (400, post("content-length: 99999999999999999999999", "{}")),
        (400, post("content-length: -1", "{}")),
        (400, post("content-length: 2\r\ncontent-length: 3", "{}")),
        (400, post("transfer-encoding: gzip", "{}")),
    ];
    let by_the_service = [
        (400, "malformed_body", chunked("zz\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("5\r\n{}\r\n0\r\n\r\n")),
        (400, "malformed_body", chunked("2\r\n{}")),
        (400, "malformed_body", post("content-length: 100", "{}")),
        (413, "payload_too_large", post("content-length: 9223372036854775807", "")),
        (413, "payload_too_large", post("content-length: 5000\r\nexpect: 100-continue", "")),
    ];
    let wanted = by_the_library.into_iter().map(|(status, bytes)| (status, None, bytes)).chain(
        by_the_service.into_iter().map(|(status, code, bytes)| (status, Some(code.to_owned()), bytes)),
    );
    let answers = tokio::task::spawn_blocking(move || {
        let asked = wanted.map(|(status, code, bytes)| {
            let found = talk(address, bytes.as_bytes(), code.is_some());
            ((status, code), found, bytes)
        });
        asked.collect::<Vec<_>>()
    });
    for (wanted, found, bytes) in answers.await.unwrap() {
        assert_eq!(found, wanted, "{bytes:.200}");
    }
    assert!(files(client.dir()) == before, "a refused request has left something");
    is_well(&client, &dataset).await;
}
