//! The committed documents are the service's own.

use fewer::api::{codes, openapi};
use serde_json::Value;

#[test]
fn the_committed_document_is_the_services_own() {
    assert!(
        include_str!("../../openapi/openapi.json") == openapi::json(),
        "openapi/openapi.json is out of date: cargo run -- openapi > openapi/openapi.json"
    );
}

#[test]
fn the_committed_table_of_errors_is_the_services_own() {
    assert!(
        include_str!("../../openapi/errors.md") == codes::markdown(),
        "openapi/errors.md is out of date: cargo run -- openapi --errors > openapi/errors.md"
    );
}

#[test]
fn every_operation_explains_itself() {
    let document: Value = serde_json::from_str(openapi::json()).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let told = format!("{method} {path}");
            for field in ["summary", "description", "operationId"] {
                assert!(operation[field].as_str().is_some_and(|text| !text.is_empty()), "{told}: {field}");
            }
            let sample = operation["x-codeSamples"][0]["source"].as_str().unwrap();
            assert!(sample.starts_with("curl "), "{told}");
            for code in operation["x-problem-codes"].as_array().into_iter().flatten() {
                assert!(codes::Code::of(code.as_str().unwrap()).is_some(), "{told}: {code}");
            }
            let responses = operation["responses"].as_object().unwrap();
            let problem = &responses["500"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{told}");
            let refuses = responses.keys().any(|status| status.starts_with('4') || status == "503");
            assert!(refuses || ["/healthz", "/metrics", "/v1/info"].contains(&path.as_str()), "{told}");
            operations += 1;
        }
    }
    assert!(operations > 10, "{operations}");
}
