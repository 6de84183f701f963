//! What a validator found, in words: what stands there, and what was expected.

use crate::api::codes::Code;
use crate::api::pointer::child;
use crate::api::problem::{FieldProblem, MOST_PLACES, cut};
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

/// Adds what `error` says. `root`: the schema it came from.
pub(super) fn tell(error: &ValidationError<'_>, root: &Value, told: &mut Vec<FieldProblem>) {
    let place = error.instance_path().as_str();
    let instance = error.instance();
    let mut at = |pointer: String, detail: String| {
        told.push(FieldProblem::at(Code::InvalidParameter, pointer, detail));
    };
    let mut here =
        |expected: String| at(place.into(), format!("found {}, expected {expected}", found(instance)));
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = fields(siblings(error, root));
            let detail = if known.is_empty() {
                "unknown field; none is expected here".to_owned()
            } else {
                format!("unknown field; expected {}", one_of(&known))
            };
            let most = unexpected.iter().take(MOST_PLACES + 1);
            most.for_each(|name| at(child(place, name), detail.clone()));
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let schema = siblings(error, root).and_then(|schema| schema["properties"].get(name));
            let words = schema.map(|schema| words(schema, root)).unwrap_or_default();
            let detail = if words.is_empty() {
                "missing".into()
            } else {
                format!("missing; expected {}", one_of(&words))
            };
            at(child(place, name), detail);
        }
        Kind::Type { kind } => here(types(kind)),
        Kind::Enum { options } => {
            let words: Vec<_> = options.as_array().into_iter().flatten().map(Value::to_string).collect();
            here(one_of(&words));
        }
        Kind::Constant { expected_value } => here(expected_value.to_string()),
        Kind::Minimum { limit } => here(format!("at least {limit}")),
        Kind::Maximum { limit } => here(format!("at most {limit}")),
        Kind::ExclusiveMinimum { limit } => here(format!("more than {limit}")),
        Kind::ExclusiveMaximum { limit } => here(format!("less than {limit}")),
        Kind::MultipleOf { multiple_of } => here(format!("a multiple of {multiple_of}")),
        Kind::MinLength { limit } => at(place.into(), sizes(instance, "at least", *limit)),
        Kind::MaxLength { limit } => at(place.into(), sizes(instance, "at most", *limit)),
        Kind::MinItems { limit } => at(place.into(), sizes(instance, "at least", *limit)),
        Kind::MaxItems { limit } => at(place.into(), sizes(instance, "at most", *limit)),
        Kind::MinProperties { limit } | Kind::MaxProperties { limit } => {
            let known = fields(siblings(error, root));
            let bound =
                if matches!(error.kind(), Kind::MinProperties { .. }) { "at least" } else { "at most" };
            let which = if known.is_empty() { String::new() } else { format!(": {}", one_of(&known)) };
            at(place.into(), sizes(instance, bound, *limit) + &which);
        }
        Kind::Pattern { pattern } => here(format!("text of the form {pattern}")),
        Kind::Format { format } => here(format!("a {format}")),
        Kind::UniqueItems => at(place.into(), "an item is given twice".into()),
        Kind::FalseSchema => at(place.into(), "nothing is expected here".into()),
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default().to_owned();
            let mut inner = Vec::new();
            tell(error, root, &mut inner);
            for problem in inner {
                at(child(place, &name), format!("the name: {}", problem.detail));
            }
        }
        // Alternatives that nothing tells apart: the one that fits best is the one that was meant.
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let nearest = context.iter().min_by_key(|errors| errors.len());
            for error in nearest.into_iter().flatten() {
                tell(error, root, told);
            }
        }
        Kind::OneOfMultipleValid { .. } => at(place.into(), "more than one alternative is meant".into()),
        Kind::AdditionalItems { .. }
        | Kind::UnevaluatedItems { .. }
        | Kind::BacktrackLimitExceeded { .. }
        | Kind::RegexEngineFailure { .. }
        | Kind::Contains
        | Kind::ContentEncoding { .. }
        | Kind::ContentMediaType { .. }
        | Kind::Custom { .. }
        | Kind::FromUtf8 { .. }
        | Kind::Not { .. }
        | Kind::Referencing(_) => at(place.into(), error.masked_with(found(instance)).to_string()),
    }
}

/// The schema in which the keyword stands that was not met.
fn siblings<'a>(error: &ValidationError<'_>, root: &'a Value) -> Option<&'a Value> {
    let (schema, _) = error.schema_path().as_str().rsplit_once('/')?;
    root.pointer(schema)
}

fn fields(schema: Option<&Value>) -> Vec<String> {
    let fields = schema.and_then(|schema| schema["properties"].as_object());
    fields.into_iter().flat_map(|fields| fields.keys()).cloned().collect()
}

/// The values that a schema lists.
fn words(schema: &Value, root: &Value) -> Vec<String> {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    let schema = target.and_then(|target| root.pointer(target)).unwrap_or(schema);
    schema["enum"].as_array().into_iter().flatten().map(Value::to_string).collect()
}

fn one_of(words: &[String]) -> String {
    match words {
        [only] => only.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}

/// A value in a few words.
fn found(value: &Value) -> String {
    const LONGEST: usize = 60;
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            cut(scalar.to_string(), LONGEST)
        }
    }
}

fn sizes(value: &Value, bound: &str, limit: u64) -> String {
    let (size, unit) = match value {
        Value::Array(items) => (items.len(), "item"),
        Value::Object(fields) => (fields.len(), "field"),
        Value::String(text) => (text.chars().count(), "character"),
        Value::Null | Value::Bool(_) | Value::Number(_) => (0, "value"),
    };
    let plural = if size == 1 { "" } else { "s" };
    format!("{size} {unit}{plural}, expected {bound} {limit}")
}

fn types(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(kind) => word(*kind).into(),
        TypeKind::Multiple(kinds) => kinds.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}
