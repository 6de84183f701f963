//! Holds an answer to the service's own OpenAPI document: status, content type, headers, body, code.

use axum::http::{HeaderMap, Method, StatusCode, header};
use fewer::api;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(api::openapi::json()).unwrap());

/// The document without room for fields that it does not name. Clients must bear new ones; these tests must not.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut parts = BTreeSet::new();
    find_parts(&DOCUMENT, &mut parts);
    let mut document = DOCUMENT.clone();
    for (name, schema) in document["components"]["schemas"].as_object_mut().unwrap() {
        close(schema, parts.contains(&format!("#/components/schemas/{name}")));
    }
    document
});

/// Headers that, where the document has them, are always there.
const PROMISED: [&str; 2] = ["Location", "Retry-After"];

/// Where the path and the method are an operation's, its document has this answer.
pub(crate) fn hold(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) {
    let told = format!("{method} {path} {status} {}", String::from_utf8_lossy(&body[..body.len().min(2000)]));
    let Some(template) = template(path) else { return };
    let verb = if method == Method::HEAD { "get".into() } else { method.as_str().to_ascii_lowercase() };
    let operation = &DOCUMENT["paths"][template][&verb];
    if operation.is_null() {
        // Who has no key is not told what there is.
        let refused = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::UNAUTHORIZED];
        assert!(refused.contains(&status), "{told}");
        return;
    }
    let response = &operation["responses"][status.as_str()];
    assert!(response.is_object(), "the status is not documented: {told}");
    for name in PROMISED.iter().filter(|name| response["headers"].get(name).is_some()) {
        assert!(headers.contains_key(*name), "there is no {name}: {told}");
    }
    let contents = response["content"].as_object();
    if method == Method::HEAD || contents.is_none() {
        assert!(body.is_empty(), "the body is not documented: {told}");
        return;
    }
    let sent = headers[header::CONTENT_TYPE].to_str().unwrap().split(';').next().unwrap().trim();
    assert!(contents.unwrap().contains_key(sent), "{sent} is not documented: {told}");
    if sent != "application/json" && !sent.ends_with("+json") {
        return;
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {told}"));
    let schema = &response["content"][sent]["schema"];
    let errors: Vec<_> = validator(schema)
        .iter_errors(&json)
        .map(|error| format!("{}: {}", error.instance_path(), error.masked_with("it")))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{told}");
    if let (Some(code), true) = (json["code"].as_str(), status.as_u16() >= 400) {
        let codes = response["description"].as_str().unwrap();
        assert!(codes.contains(&format!("`{code}`")), "the code is not documented: {told}");
    }
}

/// The template of a path; one without variables is preferred.
fn template(path: &str) -> Option<&'static str> {
    let segments: Vec<_> = path.split('/').collect();
    let fits = |template: &&String| {
        let template: Vec<_> = template.split('/').collect();
        let fits = |(t, s): (&&str, &&str)| t == s || t.starts_with('{') && !s.is_empty();
        template.len() == segments.len() && template.iter().zip(&segments).all(fits)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

fn validator(schema: &Value) -> Arc<Validator> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let compile = || {
        let mut schema = schema.clone();
        schema["components"] = CLOSED["components"].clone();
        let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
        Arc::new(options.should_validate_formats(true).build(&schema).unwrap())
    };
    Arc::clone(known.entry(schema.to_string()).or_insert_with(compile))
}

/// Schemas that are parts of others: closed alone, they would refuse the rest of the whole.
fn find_parts(schema: &Value, parts: &mut BTreeSet<String>) {
    if let Some(all) = schema["allOf"].as_array() {
        parts.extend(all.iter().filter_map(|part| part["$ref"].as_str()).map(str::to_owned));
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|field| find_parts(field, parts)),
        Value::Array(items) => items.iter().for_each(|item| find_parts(item, parts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Closes every object of a schema, but not the schema itself where it is a part.
fn close(schema: &mut Value, is_part: bool) {
    let whole = schema.get("allOf").is_some();
    let open = (whole || schema.get("properties").is_some()) && schema.get("additionalProperties").is_none();
    match schema {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                match (key.as_str(), field) {
                    ("allOf", Value::Array(parts)) => parts.iter_mut().for_each(|part| close(part, true)),
                    ("properties", Value::Object(fields)) => {
                        fields.values_mut().for_each(|field| close(field, false));
                    }
                    (_, field) => close(field, false),
                }
            }
            if open && !is_part {
                fields.insert("unevaluatedProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| close(item, false)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn an_answer_that_is_not_documented_is_found() {
    let json = HeaderMap::from_iter([(header::CONTENT_TYPE, "application/json".parse().unwrap())]);
    let refused = |path: &str, status, headers: &HeaderMap, body: &str| {
        let held = || hold(&Method::GET, path, status, headers, body.as_bytes());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(held)).is_err()
    };
    assert!(!refused("/healthz", StatusCode::OK, &json, r#"{"status":"ok"}"#));
    assert!(refused("/healthz", StatusCode::OK, &json, r#"{"status":"ok","mood":"good"}"#));
    assert!(refused("/healthz", StatusCode::OK, &json, r#"{"status":1}"#));
    assert!(refused("/healthz", StatusCode::OK, &json, "{}"));
    assert!(refused("/healthz", StatusCode::OK, &json, ""));
    assert!(refused("/healthz", StatusCode::CREATED, &json, r#"{"status":"ok"}"#));
    let text = HeaderMap::from_iter([(header::CONTENT_TYPE, "text/plain".parse().unwrap())]);
    assert!(refused("/healthz", StatusCode::OK, &text, r#"{"status":"ok"}"#));
    assert!(!refused("/nothing", StatusCode::NOT_FOUND, &text, ""));
}
