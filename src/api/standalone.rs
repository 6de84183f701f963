//! Components of the OpenAPI document as JSON Schemas that stand alone.

use super::openapi;
use serde_json::{Map, Value, json};

const COMPONENTS: &str = "#/components/schemas/";

/// The component of this name, with everything that it refers to under `$defs`.
pub(super) fn schema(name: &str) -> Value {
    let mut waiting = vec![name.to_owned()];
    let mut definitions = Map::new();
    while let Some(name) = waiting.pop() {
        if !definitions.contains_key(&name) {
            let mut schema = component(&name).clone();
            lead_inside(&mut schema, &mut waiting);
            definitions.insert(name, schema);
        }
    }
    definitions.sort_keys();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/$defs/{name}"),
    });
    schema["$defs"] = definitions.into();
    schema
}

/// A component of the document; null where it has none of this name.
pub(super) fn component(name: &str) -> &'static Value {
    &openapi::document()["components"]["schemas"][name]
}

/// The alternatives of a union that is told apart by names: of each the name, the component and one sentence.
pub(super) fn alternatives(union: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let branches = component(union)["oneOf"].as_array().into_iter().flatten();
    branches
        .filter_map(|branch| {
            let of = target(branch)?;
            let names = target(&component(of)["properties"]["name"])?;
            let name = component(names)["enum"].get(0)?.as_str()?;
            Some((name, of, branch["description"].as_str()?))
        })
        .collect()
}

fn target(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(COMPONENTS)
}

/// Every reference to a component becomes one into `$defs`, and is noted.
fn lead_inside(schema: &mut Value, noted: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get_mut("$ref")
                && let Some(name) = target.strip_prefix(COMPONENTS).map(str::to_owned)
            {
                *target = format!("#/$defs/{name}");
                noted.push(name);
            }
            fields.values_mut().for_each(|field| lead_inside(field, noted));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| lead_inside(item, noted)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
