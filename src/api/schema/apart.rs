//! Unions whose alternatives can be told apart.
//!
//! A validator that is given `oneOf` can only say that nothing fits. So each union is rewritten before it is compiled:
//! first the type of the value, then the `name` of an object, or its only field, say which alternative is meant, and
//! what is wrong is wrong there. The published document keeps its plain `oneOf`.

use serde_json::{Map, Value, json};

/// The fields by which objects are told apart.
const NAMES: [&str; 2] = ["name", "kind"];

/// A schema with every union rewritten, however deep. `components`: where its references lead.
pub(super) fn tell_apart(schema: &Value, components: &Value) -> Value {
    match schema {
        Value::Object(fields) => match fields.get("oneOf").or_else(|| fields.get("anyOf")) {
            Some(Value::Array(branches)) => union(branches, components),
            _ => fields.iter().map(|(key, value)| (key.clone(), tell_apart(value, components))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| tell_apart(item, components)).collect(),
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar.clone(),
    }
}

fn union(branches: &[Value], components: &Value) -> Value {
    let mut kinds: Vec<(Vec<&str>, Vec<&Value>)> = Vec::new();
    for branch in branches {
        let types = types(branch, components);
        if types.is_empty() {
            // Anything may be meant.
            return json!({"anyOf": tell_apart(&branches.into(), components)});
        }
        match kinds.iter_mut().find(|(known, _)| known.iter().any(|kind| types.contains(kind))) {
            Some((known, alike)) => {
                known.extend(types);
                alike.push(branch);
            }
            None => kinds.push((types, vec![branch])),
        }
    }
    let all: Vec<&str> = kinds.iter().flat_map(|(types, _)| types).copied().collect();
    let cases: Vec<Value> = kinds
        .iter()
        .map(|(types, alike)| json!({"if": {"type": types}, "then": alternatives(alike, components)}))
        .collect();
    json!({"type": distinct(all), "allOf": cases})
}

/// What is left to tell apart among alternatives of one type.
fn alternatives(branches: &[&Value], components: &Value) -> Value {
    if let [only] = branches {
        return tell_apart(only, components);
    }
    let whole: Vec<&Value> = branches.iter().map(|branch| resolve(branch, components)).collect();
    let words: Option<Vec<&Value>> = whole.iter().map(|branch| branch["enum"].as_array()?.first()).collect();
    if let Some(words) = words.filter(|_| whole.iter().all(|branch| branch["type"] == "string")) {
        return json!({"enum": words});
    }
    NAMES
        .iter()
        .find_map(|field| named(field, branches, &whole, components))
        .or_else(|| keyed(&whole, components))
        .unwrap_or_else(
            || json!({"anyOf": branches.iter().map(|b| tell_apart(b, components)).collect::<Vec<_>>()}),
        )
}

/// Objects of which each fixes `field` to a word of its own.
fn named(field: &str, branches: &[&Value], whole: &[&Value], components: &Value) -> Option<Value> {
    let name = |branch: &&Value| {
        let schema = resolve(branch["properties"].get(field)?, components);
        match schema["enum"].as_array()?.as_slice() {
            [Value::String(only)] => Some(only.clone()),
            _ => None,
        }
    };
    let names: Vec<String> = whole.iter().map(name).collect::<Option<_>>()?;
    let cases: Vec<Value> = names
        .iter()
        .zip(branches)
        .map(|(name, branch)| {
            let meant = json!({"required": [field], "properties": {field: {"const": name}}});
            json!({"if": meant, "then": tell_apart(branch, components)})
        })
        .collect();
    Some(json!({"required": [field], "properties": {field: {"enum": names}}, "allOf": cases}))
}

/// Objects of which each has one field of its own and no other.
fn keyed(whole: &[&Value], components: &Value) -> Option<Value> {
    let mut properties = Map::new();
    for branch in whole {
        let fields = branch["properties"].as_object()?;
        let (key, schema) = fields.iter().next().filter(|_| fields.len() == 1)?;
        if properties.insert(key.clone(), tell_apart(schema, components)).is_some() {
            return None;
        }
    }
    Some(
        json!({"minProperties": 1, "maxProperties": 1, "properties": properties, "additionalProperties": false}),
    )
}

/// The types of the values that a schema can allow; empty: any.
fn types<'a>(schema: &'a Value, components: &'a Value) -> Vec<&'a str> {
    let schema = resolve(schema, components);
    let found = match (&schema["type"], schema.get("oneOf").or_else(|| schema.get("anyOf"))) {
        (Value::String(only), _) => vec![only.as_str()],
        (Value::Array(several), _) => several.iter().filter_map(Value::as_str).collect(),
        (_, Some(Value::Array(branches))) => {
            let each: Vec<_> = branches.iter().map(|branch| types(branch, components)).collect();
            if each.iter().any(Vec::is_empty) { vec![] } else { each.concat() }
        }
        _ => vec![],
    };
    distinct(found)
}

/// Every integer is a number too.
fn distinct(mut types: Vec<&str>) -> Vec<&str> {
    types.sort_unstable();
    types.dedup();
    if types.contains(&"number") {
        types.retain(|kind| *kind != "integer");
    }
    types
}

/// The schema itself, behind its references.
fn resolve<'a>(schema: &'a Value, components: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/components"));
    match target.and_then(|target| components.pointer(target)) {
        Some(target) => resolve(target, components),
        None => schema,
    }
}
