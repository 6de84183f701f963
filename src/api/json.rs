//! JSON bodies: first a tree in which no field is given twice, then the tree as the document has it, then the type.

use super::codes::Code;
use super::pointer;
use super::problem::{FieldProblem, MOST_PLACES, Problem};
use super::schema;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use utoipa::ToSchema;

/// Reads a body that the document has under the name of `T`. Bytes that are no JSON are malformed; JSON that is not a
/// `T` is invalid, and the problem has every place where it is.
pub(super) fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<T, Problem> {
    Tree::of(bytes)?.read()
}

/// A body that is known to be JSON.
pub(super) struct Tree {
    value: Value,
    /// The fields that it has twice.
    twice: Vec<FieldProblem>,
}

impl Tree {
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Problem> {
        let (value, twice) = tree(bytes)?;
        Ok(Self { value, twice })
    }

    /// What its field of this name says, where that is text.
    pub(super) fn word(&self, field: &str) -> Option<&str> {
        self.value[field].as_str()
    }

    /// As [`read`].
    pub(super) fn read<T: DeserializeOwned + ToSchema>(self) -> Result<T, Problem> {
        let Self { mut value, twice: mut wrong } = self;
        wrong.extend(schema::problems(&T::name(), &value)?);
        let opaque = schema::opaque_fields(&T::name())?;
        let fields = value.as_object_mut().into_iter().flatten();
        let plain = fields.filter(|(name, _)| !opaque.contains(&name.as_str()));
        plain.for_each(|(_, field)| without_points(field));
        match from_value(value, "") {
            Ok(read) if wrong.is_empty() => Ok(read),
            Ok(_) => Err(Problem::of_places(wrong)),
            Err(refused) => {
                // The type says the same as the document, in other words, and sometimes more.
                let more =
                    refused.errors.into_iter().filter(|more| !wrong.iter().any(|known| related(known, more)));
                let more: Vec<_> = more.collect();
                wrong.extend(more);
                Err(Problem::of_places(wrong))
            }
        }
    }
}

/// `5.0` is an integer to a schema, and written as one it is one to serde.
fn without_points(value: &mut Value) {
    match value {
        Value::Number(number) => match number.as_f64().filter(|x| number.is_f64() && x.fract() == 0.0) {
            Some(x) if (0.0..u64::MAX as f64).contains(&x) => *value = (x as u64).into(),
            Some(x) if (i64::MIN as f64..0.0).contains(&x) => *value = (x as i64).into(),
            _ => {}
        },
        Value::Array(items) => items.iter_mut().for_each(without_points),
        Value::Object(fields) => fields.values_mut().for_each(without_points),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Reads a part of a body that stood at `pointer`.
pub(super) fn from_value<T: DeserializeOwned>(value: Value, pointer: &str) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = format!("{pointer}{}", of_path(error.path()));
        Problem::at(Code::InvalidParameter, at, error.inner().to_string())
    })
}

/// Whether one place is the other, or within it.
fn related(a: &FieldProblem, b: &FieldProblem) -> bool {
    let within = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    within(&a.pointer, &b.pointer) || within(&b.pointer, &a.pointer)
}

/// RFC 6901.
fn of_path(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;

    path.iter().fold(String::new(), |parent, segment| match segment {
        Segment::Seq { index } => format!("{parent}/{index}"),
        Segment::Map { key } | Segment::Enum { variant: key } => pointer::child(&parent, key),
        Segment::Unknown => parent,
    })
}

/// The whole body, and the fields that it has twice.
fn tree(bytes: &[u8]) -> Result<(Value, Vec<FieldProblem>), Problem> {
    let mut place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let malformed = |error: serde_json::Error| Problem::new(Code::MalformedBody, error.to_string());
    let value = Node(&mut place).deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok((value, place.twice))
}

#[derive(Default)]
struct Place {
    steps: Vec<Step>,
    twice: Vec<FieldProblem>,
}

enum Step {
    Item(usize),
    Field(String),
}

impl Place {
    /// The field of the last step stands there twice; what no problem would tell is not kept.
    fn is_twice(&mut self) {
        if self.twice.len() <= MOST_PLACES {
            let pointer = self.steps.iter().fold(String::new(), |parent, step| match step {
                Step::Item(index) => format!("{parent}/{index}"),
                Step::Field(name) => pointer::child(&parent, name),
            });
            self.twice.push(FieldProblem::at(Code::InvalidParameter, pointer, "given twice"));
        }
    }
}

/// One value of the tree.
struct Node<'a>(&'a mut Place);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        self.0.steps.push(Step::Item(0));
        while let Some(item) = items.next_element_seed(Node(self.0))? {
            list.push(item);
            if let Some(last) = self.0.steps.last_mut() {
                *last = Step::Item(list.len());
            }
        }
        self.0.steps.pop();
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            self.0.steps.push(Step::Field(name.clone()));
            let value = fields.next_value_seed(Node(self.0))?;
            if object.insert(name, value).is_some() {
                self.0.is_twice();
            }
            self.0.steps.pop();
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_given_twice_is_found_wherever_it_is() {
        let (value, twice) = tree(br#"{"a":[0,{"b/c":1,"b/c":2}],"d":null,"d":[true,"x",-1,2.5]}"#).unwrap();
        assert_eq!(value, serde_json::json!({"a": [0, {"b/c": 2}], "d": [true, "x", -1, 2.5]}));
        let pointers: Vec<_> = twice.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a/1/b~1c", "/d"]);
    }

    #[test]
    fn no_more_is_kept_of_what_is_given_twice_than_is_told() {
        let body = format!(r#"{{"{}":{{{}"a":1}}}}"#, "k".repeat(100_000), r#""a":1,"#.repeat(4000));
        let (_, twice) = tree(body.as_bytes()).unwrap();
        assert_eq!(twice.len(), MOST_PLACES + 1);
        let bytes: usize = twice.iter().map(|field| field.pointer.len()).sum();
        assert!(bytes < 300 * twice.len(), "{bytes}");
    }

    #[test]
    fn a_point_without_a_fraction_is_dropped_and_no_value_changes() {
        let mut value = serde_json::json!([5.0, -3.0, 0.5, 1e18, 1e300, -1e300, {"a": 2.0}, "1.0", 7]);
        without_points(&mut value);
        let text = r#"[5,-3,0.5,1000000000000000000,1e+300,-1e+300,{"a":2},"1.0",7]"#;
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        let deep = "[".repeat(100_000);
        for body in ["", "{", "{} x", "NaN", "1e400", r#""\ud800""#, "\u{feff}{}", &deep] {
            assert_eq!(tree(body.as_bytes()).unwrap_err().code, Code::MalformedBody, "{body:.20}");
        }
        assert_eq!(tree(b"\"\xff\"").unwrap_err().code, Code::MalformedBody);
    }
}
