//! The OpenAPI document as the validator of JSON bodies: every field that is wrong is found at once, and the document
//! cannot promise what the service does not keep.

mod apart;
mod told;

use super::openapi;
use super::problem::{FieldProblem, MOST_PLACES, Problem};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const COMPONENTS: &str = "#/components/schemas/";

/// Matrices have a parser of their own, which reads them in one pass and knows rows and columns; a validator would
/// look at every number once more.
const OPAQUE: [&str; 1] = ["DatasetBody"];

/// Items of lists that are searched for errors; of each list at least so many.
const MOST_ITEMS: usize = 10_000;
const LEAST_ITEMS: usize = 16;

/// The bodies of all operations.
struct Bodies {
    /// The components as the validators have them.
    root: Value,
    validators: BTreeMap<String, Validator>,
}

static BODIES: LazyLock<Result<Bodies, String>> = LazyLock::new(|| Bodies::of(openapi::document()));

impl Bodies {
    fn of(document: &Value) -> Result<Self, String> {
        let mut components = document["components"].clone();
        for name in OPAQUE {
            components["schemas"][name] = json!({"type": ["object", "array", "string", "number", "boolean"]});
        }
        let components = apart::tell_apart(&components, &components);
        let root = json!({"components": components});
        let mut names = BTreeSet::new();
        request_bodies(document, &mut names);
        let validators = names.into_iter().map(|name| {
            let mut schema = root.clone();
            schema["$ref"] = format!("{COMPONENTS}{name}").into();
            let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
            let validator = options.build(&schema).map_err(|error| format!("{name}: {error}"))?;
            Ok::<_, String>((name.to_owned(), validator))
        });
        Ok(Self { validators: validators.collect::<Result<_, _>>()?, root })
    }
}

/// The components that stand for whole JSON bodies of requests.
fn request_bodies<'a>(document: &'a Value, names: &mut BTreeSet<&'a str>) {
    let of = |schema: &'a Value| schema["$ref"].as_str().and_then(|target| target.strip_prefix(COMPONENTS));
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    for operation in operations.filter_map(Value::as_object).flat_map(|methods| methods.values()) {
        let body = operation.pointer("/requestBody/content/application~1json/schema").and_then(of);
        // Where a body may be one of several, each is read as what it is.
        let alternatives = body.and_then(|name| document["components"]["schemas"][name]["oneOf"].as_array());
        names.extend(body.into_iter().chain(alternatives.into_iter().flatten().filter_map(of)));
    }
}

/// The fields of the component that hold a matrix.
///
/// # Errors
/// As [`problems`].
pub(super) fn opaque_fields(component: &str) -> Result<Vec<&'static str>, Problem> {
    let bodies = BODIES.as_ref().map_err(|error| Problem::internal(error))?;
    let fields = bodies.root["components"]["schemas"][component]["properties"].as_object();
    let is_opaque = |schema: &Value| {
        let schema = schema.to_string();
        OPAQUE.iter().any(|name| schema.contains(&format!("\"{COMPONENTS}{name}\"")))
    };
    let opaque = fields.into_iter().flatten().filter(|(_, schema)| is_opaque(schema));
    Ok(opaque.map(|(name, _)| name.as_str()).collect())
}

/// What is wrong with `body` as the component of this name, place by place; empty where nothing is.
///
/// # Errors
/// The document cannot be compiled, or no request has such a body: defects of the service.
pub(super) fn problems(component: &str, body: &Value) -> Result<Vec<FieldProblem>, Problem> {
    let bodies = BODIES.as_ref().map_err(|error| Problem::internal(error))?;
    let validator = bodies.validators.get(component).ok_or_else(|| {
        Problem::internal(&format_args!("no operation has a JSON body that is a {component}"))
    })?;
    if validator.is_valid(body) {
        return Ok(Vec::new());
    }
    let mut told = Vec::new();
    let sketch = sketch(body, &mut { MOST_ITEMS });
    for error in validator.iter_errors(&sketch) {
        if told.len() > MOST_PLACES {
            break;
        }
        told::tell(&error, &bodies.root, &mut told);
    }
    if told.is_empty()
        && let Err(first) = validator.validate(body)
    {
        // It stands behind what has been looked at.
        told::tell(&first, &bodies.root, &mut told);
    }
    let mut places = BTreeSet::new();
    told.retain(|field| places.insert(field.pointer.clone()));
    Ok(told)
}

/// The value with at most so many `items` in all its lists together, but some in each: the validator gathers all errors
/// before it gives the first, and a million bad numbers have a million.
fn sketch(value: &Value, items: &mut usize) -> Value {
    match value {
        Value::Array(list) => {
            let mut kept = Vec::new();
            for item in list {
                if *items == 0 && kept.len() >= LEAST_ITEMS {
                    break;
                }
                *items = items.saturating_sub(1);
                kept.push(sketch(item, items));
            }
            kept.into()
        }
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), sketch(field, items))).collect()
        }
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar.clone(),
    }
}

#[cfg(test)]
mod tests;
