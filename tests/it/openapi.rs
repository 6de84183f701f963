//! The committed documents are the service's own.

use crate::client::Client;
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
fn a_list_can_be_asked_for_every_state() {
    let document: Value = serde_json::from_str(openapi::json()).unwrap();
    let states = document["components"]["schemas"]["JobState"]["enum"].as_array().unwrap();
    let states = states.iter().map(|state| state.as_str().unwrap()).collect::<Vec<_>>().join("|");
    let parameters = document["paths"]["/v1/jobs"]["get"]["parameters"].as_array().unwrap();
    let state = parameters.iter().find(|parameter| parameter["name"] == "state").unwrap();
    assert_eq!(state["schema"]["pattern"], format!("^({states})(,({states}))*$"));
}

#[tokio::test]
async fn the_page_about_the_document_has_all_it_refers_to_and_asks_nobody_else() {
    let client = Client::new();
    let page = String::from_utf8(client.get("/docs/").await.body.to_vec()).unwrap();
    let refers = |attribute: &str| {
        let values = page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    let files = [refers("src=\""), refers("href=\"")].concat();
    assert!(files.len() >= 4, "{files:?}");
    for file in &files {
        let path = format!("/docs/{}", file.strip_prefix("./").unwrap_or(file));
        assert_eq!(client.get(&path).await.status, 200, "{path}");
    }
    assert!(files.iter().any(|file| file.ends_with("swagger-initializer.js")), "{files:?}");
    let script = client.get("/docs/swagger-initializer.js").await.body;
    let script = std::str::from_utf8(&script).unwrap();
    assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
    assert!(!script.contains("://"), "{script}");
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
            let refused = responses["400"]["description"].as_str().unwrap();
            assert!(refused.contains("`invalid_query`"), "{told}: {refused}");
            operations += 1;
        }
    }
    assert!(operations > 10, "{operations}");
}
