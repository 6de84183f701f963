//! Who is let in.

use crate::client::{Answer, Client};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use fewer::api::openapi;
use fewer::auth::ApiKey;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const KEY: &str = "a-key-of-the-tests-0123";

fn keyed() -> Client {
    Client::with(|settings| settings.api_key = Some(ApiKey::new(KEY.into()).unwrap()))
}

async fn ask(client: &Client, method: Method, path: &str, authorization: &[&str]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    client.send(request.body(Body::empty()).unwrap()).await
}

fn assert_refused(answer: &Answer, code: &str, told: &str) {
    assert_eq!((answer.status, &answer.json["code"]), (StatusCode::UNAUTHORIZED, &json!(code)), "{told}");
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"fewer\"", "{told}");
    assert_eq!(answer.json["errors"], json!([]), "{told}");
}

#[tokio::test]
async fn an_operation_asks_for_the_key_where_its_document_says_so() {
    let client = keyed();
    let document: Value = serde_json::from_str(openapi::json()).unwrap();
    let scheme = &document["components"]["securitySchemes"]["api_key"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    let mut open = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let told = format!("{method} {path}");
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let answer = ask(&client, method, &path.replace(['{', '}'], ""), &[]).await;
            if operation["security"] == json!([{"api_key": []}]) {
                assert_refused(&answer, "missing_credentials", &told);
                assert!(path.starts_with("/v1/") || path == "/metrics", "{told}");
            } else {
                assert_eq!(operation["security"], json!([]), "{told}");
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{told}");
                open.push(path.as_str());
            }
        }
    }
    assert_eq!(open, ["/errors/{code}", "/healthz", "/readyz"]);
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_told_only_to_who_has_the_key() {
    let client = keyed();
    for (method, path) in [
        (Method::GET, "/nothing"),
        (Method::GET, "/metrics"),
        (Method::GET, "/v1"),
        (Method::GET, "/docsx"),
        (Method::GET, "/healthz/"),
        (Method::GET, "/v1/jobs/%ff"),
        (Method::PUT, "/v1/jobs"),
        (Method::POST, "/healthz"),
        (Method::OPTIONS, "/v1/jobs"),
    ] {
        assert_refused(&ask(&client, method, path, &[]).await, "missing_credentials", path);
    }
    for path in ["/openapi.json", "/docs/", "/docs/swagger-ui.css", "/healthz"] {
        assert_eq!(ask(&client, Method::GET, path, &[]).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(ask(&client, Method::HEAD, "/healthz", &[]).await.status, StatusCode::OK);
    let bearer = format!("Bearer {KEY}");
    let answer = ask(&client, Method::GET, "/nothing", &[&bearer]).await;
    assert_eq!(answer.json["code"], "route_not_found");
    let answer = ask(&client, Method::POST, "/healthz", &[&bearer]).await;
    assert_eq!(answer.json["code"], "method_not_allowed");
}

#[tokio::test]
async fn only_the_whole_key_shown_once_as_a_bearer_lets_in() {
    let client = keyed();
    let right = format!("Bearer {KEY}");
    for shown in [
        &[KEY][..],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer a-key-of-the-tests-012"],
        &["Bearer a-key-of-the-tests-01234"],
        &["Bearer A-KEY-OF-THE-TESTS-0123"],
        &["Basic a-key-of-the-tests-0123"],
        &["Bearera-key-of-the-tests-0123"],
        &[&right, &right],
        &["Bearer wrong-key-of-the-tests", &right],
    ] {
        let answer = ask(&client, Method::GET, "/v1/jobs", shown).await;
        assert_refused(&answer, "invalid_credentials", &format!("{shown:?}"));
        assert!(!answer.json.to_string().contains(KEY), "{}", answer.json);
    }
    for shown in [right, format!("bearer {KEY}"), format!("BEARER  {KEY}")] {
        let answer = ask(&client, Method::GET, "/v1/jobs", &[&shown]).await;
        assert_eq!(answer.status, StatusCode::OK, "{shown}");
    }
}

/// What comes back over a socket to a request whose body never comes to its end.
fn half_a_body(address: SocketAddr, authorization: &str, patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    write!(
        stream,
        "POST /v1/datasets HTTP/1.1\r\nHost: fewer\r\nContent-Type: application/x-npy\r\n{authorization}Content-Length: 200000000\r\n\r\n"
    )?;
    let sent = stream.write_all(&[0; 4 << 20]);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // The service has closed while something was still under way to it.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset && sent.is_err() => {}
        other => drop(other?),
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_no_key_is_refused_before_the_body_is_read() {
    let client = keyed();
    let address = client.listen().await;
    let ask = |header: &'static str, seconds| {
        let patience = Duration::from_secs(seconds);
        tokio::task::spawn_blocking(move || half_a_body(address, header, patience))
    };
    for header in ["", "Authorization: Bearer wrong-key-of-the-tests\r\n"] {
        // Shorter than a body may pause: an answer that waited for the rest would not come in time.
        let answer = ask(header, 15).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    }
    let uploads = client.dir().join("uploads");
    assert_eq!(std::fs::read_dir(uploads).unwrap().count(), 0);
    let waits = ask("Authorization: Bearer a-key-of-the-tests-0123\r\n", 1).await.unwrap();
    assert_eq!(waits.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "with the key it is read");
}
