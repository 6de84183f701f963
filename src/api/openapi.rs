//! The OpenAPI 3.1 document: made from the routes, so that both cannot differ.

use super::codes::Code;
use super::credentials::{CHALLENGE, is_open};
use super::problem::{FieldProblem, ProblemBody, Shortage};
use super::v1::result::{Drawn, Pick};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::OpenApi;

/// What the operations stand in.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "fewer",
        description = "Picks the best small subset of a large set: upload a dataset, submit a job, read the chosen items with their gains, a guarantee and a measured certificate.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "datasets", description = "Immutable, content-addressed matrices with attributes"),
        (name = "jobs", description = "Selections: submit, follow, cancel, read"),
        (name = "operations", description = "What machines and operators ask"),
    ),
    components(schemas(ProblemBody, FieldProblem, Shortage, Pick, Drawn)),
)]
pub(super) struct Frame;

/// How an operation names the codes it can answer with, beside those every operation can.
const CODES: &str = "x-problem-codes";

/// What every operation can answer with, and what every one that needs the key can.
const OF_ALL: [Code; 1] = [Code::Internal];
const OF_KEYED: [Code; 3] = [Code::MissingCredentials, Code::InvalidCredentials, Code::Internal];

/// The name of the security scheme.
const KEY: &str = "api_key";
static DOCUMENT: LazyLock<Value> = LazyLock::new(make);

static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
});

/// The document as it is served and committed.
pub fn json() -> &'static str {
    &JSON
}

/// The document.
pub(super) fn document() -> &'static Value {
    &DOCUMENT
}

/// Whether this is an operation of the document, and none of its parameters stands in the query.
pub(super) fn takes_no_query(path: &str, method: &Method) -> bool {
    let method = if method == Method::HEAD { "get".into() } else { method.as_str().to_ascii_lowercase() };
    let operation = &document()["paths"][path][&method];
    operation.is_object() && !has_query(operation)
}

fn has_query(operation: &Value) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["in"] == "query")
}

fn make() -> Value {
    let frame = super::routes().into_openapi();
    // A document that serde could not write would be a defect of utoipa; an empty one fails every test of it.
    let mut document = sorted(serde_json::to_value(frame).unwrap_or_default());
    document["components"]["securitySchemes"] = json!({
        KEY: {"type": "http", "scheme": "bearer", "description": "The key of a service that has one: `auth.api_key`"},
    });
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, operations) in paths.into_iter().flatten() {
        let keyed = !is_open(path);
        for operation in operations.as_object_mut().into_iter().flat_map(|operations| operations.values_mut())
        {
            operation["security"] = if keyed { json!([{KEY: []}]) } else { json!([]) };
            let mut others = if keyed { OF_KEYED.to_vec() } else { OF_ALL.to_vec() };
            if !has_query(operation) {
                others.push(Code::InvalidQuery);
            }
            declare_problems(operation, &others);
        }
    }
    say_bounds(&mut document);
    document
}

/// Says in the schema what the types of Rust say in silence: the range of a number, and that an alternative which is
/// told by its only field has no other.
fn say_bounds(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            // utoipa's spelling of the registered names.
            if let Some(bits) =
                fields.get("format").and_then(Value::as_str).and_then(|f| f.strip_prefix("u-int"))
            {
                let format = format!("uint{bits}");
                fields.insert("format".into(), format.into());
            }
            if let Some((least, most)) = fields.get("format").and_then(Value::as_str).and_then(range) {
                if !fields.contains_key("exclusiveMinimum") {
                    fields.entry("minimum").or_insert(least);
                }
                if !fields.contains_key("exclusiveMaximum") {
                    fields.entry("maximum").or_insert(most);
                }
            }
            for branch in fields.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
                let only = branch["properties"].as_object().is_some_and(|fields| fields.len() == 1);
                if let Some(branch) = branch.as_object_mut().filter(|_| only) {
                    branch.entry("additionalProperties").or_insert(Value::Bool(false));
                }
            }
            fields.values_mut().for_each(say_bounds);
        }
        Value::Array(items) => items.iter_mut().for_each(say_bounds),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The least and the greatest number of a format.
fn range(format: &str) -> Option<(Value, Value)> {
    Some(match format {
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0.into(), u8::MAX.into()),
        "uint16" => (0.into(), u16::MAX.into()),
        "uint32" => (0.into(), u32::MAX.into()),
        "uint64" => (0.into(), u64::MAX.into()),
        "float" => (f32::MIN.into(), f32::MAX.into()),
        _ => return None,
    })
}

/// Makes the responses of the codes it names and of `others`: one for each status, with all its codes.
fn declare_problems(operation: &mut Value, others: &[Code]) {
    let named = operation.get(CODES).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = named.iter().filter_map(Value::as_str).filter_map(Code::of);
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in named.chain(others.iter().copied()) {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, codes) in by_status {
        let lines: Vec<_> =
            codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
        let headers = match status {
            401 => json!({"WWW-Authenticate": {"description": CHALLENGE, "schema": {"type": "string"}}}),
            429 | 503 => {
                json!({"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}})
            }
            _ => json!({}),
        };
        responses.insert(
            status.to_string(),
            json!({
                "description": lines.join("\n\n"),
                "headers": headers,
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }),
        );
    }
}

/// The order of keys does not depend on how maps were hashed.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar,
    }
}
