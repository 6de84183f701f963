//! The ids and attribute columns of the JSON body: lists of scalars, each column of one type.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::body::{Trace, pointer};
use crate::dataset::column::{Column, ColumnType};
use crate::dataset::error::DatasetError;

/// Reads the ids at `field`; `null` is as good as absent.
pub(super) struct IdsSeed<'a> {
    pub(super) field: &'static str,
    pub(super) trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for IdsSeed<'_> {
    type Value = Option<Vec<String>>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let Self { field, trace } = self;
        let read = from.deserialize_any(IdsSeed { field, trace: &mut *trace });
        read.map_err(|error| trace.place(error, || field.into()))
    }
}

impl<'de> Visitor<'de> for IdsSeed<'_> {
    type Value = Option<Vec<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings or integers")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut ids = Vec::new();
        loop {
            let row = ids.len();
            let place = || format!("{}/{row}", self.field);
            match items.next_element::<Scalar>() {
                Ok(Some(Scalar::String(id))) => ids.push(id),
                Ok(Some(Scalar::Integer(id))) => ids.push(id.to_string()),
                Ok(Some(Scalar::Null)) => {
                    return Err(self.trace.refuse(place, DatasetError::NullId { row }));
                }
                Ok(Some(Scalar::Float(_) | Scalar::Boolean(_))) => {
                    let wrong = DatasetError::InvalidField("an id must be a string or an integer".into());
                    return Err(self.trace.refuse(place, wrong));
                }
                Ok(None) => return Ok(Some(ids)),
                Err(error) => return Err(self.trace.place(error, place)),
            }
        }
    }
}

/// Reads `columns`; `null` is as good as absent.
pub(super) struct ColumnsSeed<'a> {
    pub(super) trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for ColumnsSeed<'_> {
    type Value = Vec<(String, Column)>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let trace = self.trace;
        let read = from.deserialize_any(ColumnsSeed { trace: &mut *trace });
        read.map_err(|error| trace.place(error, || "/columns".into()))
    }
}

impl<'de> Visitor<'de> for ColumnsSeed<'_> {
    type Value = Vec<(String, Column)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let place = pointer("/columns", &name);
            if !seen.insert(name.clone()) {
                return Err(self.trace.refuse(|| place, DatasetError::DuplicateColumn { name }));
            }
            let column = map.next_value_seed(ColumnSeed { place: &place, trace: &mut *self.trace });
            columns.push((name, column.map_err(|error| self.trace.place(error, || place))?));
        }
        Ok(columns)
    }
}

struct ColumnSeed<'a> {
    place: &'a str,
    trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for ColumnSeed<'_> {
    type Value = Column;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Column, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ColumnSeed<'_> {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Column, A::Error> {
        let Self { place, trace } = self;
        let (mut values, mut kind) = (Vec::new(), None);
        loop {
            let here = || format!("{place}/{}", values.len());
            let value = match items.next_element::<Scalar>() {
                Ok(Some(value)) => value,
                Ok(None) => return Ok(column(kind, values)),
                Err(error) => return Err(trace.place(error, here)),
            };
            kind = match (kind, value.kind()) {
                (kind, None) | (None, kind) => kind,
                (Some(ColumnType::Integer), Some(ColumnType::Float))
                | (Some(ColumnType::Float), Some(ColumnType::Integer)) => Some(ColumnType::Float),
                (Some(expected), Some(found)) if expected == found => kind,
                (Some(expected), Some(found)) => {
                    return Err(trace.refuse(here, DatasetError::MixedColumn { expected, found }));
                }
            };
            values.push(value);
        }
    }
}

/// One value of an attribute column.
enum Scalar {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    String(String),
}

impl Scalar {
    fn kind(&self) -> Option<ColumnType> {
        match self {
            Self::Null => None,
            Self::Boolean(_) => Some(ColumnType::Boolean),
            Self::Integer(_) => Some(ColumnType::Integer),
            Self::Float(_) => Some(ColumnType::Float),
            Self::String(_) => Some(ColumnType::String),
        }
    }
}

/// A column of values that were seen to agree; one of nulls alone counts as text.
fn column(kind: Option<ColumnType>, values: Vec<Scalar>) -> Column {
    let values = values.into_iter();
    match kind {
        Some(ColumnType::Boolean) => Column::Booleans(
            values.map(|v| if let Scalar::Boolean(v) = v { Some(v) } else { None }).collect(),
        ),
        Some(ColumnType::Integer) => Column::Integers(
            values.map(|v| if let Scalar::Integer(v) = v { Some(v) } else { None }).collect(),
        ),
        Some(ColumnType::Float) => {
            let float = |value| match value {
                Scalar::Float(value) => Some(value),
                Scalar::Integer(value) => Some(value as f64),
                Scalar::Null | Scalar::Boolean(_) | Scalar::String(_) => None,
            };
            Column::Floats(values.map(float).collect())
        }
        Some(ColumnType::String) | None => {
            Column::Strings(values.map(|v| if let Scalar::String(v) = v { Some(v) } else { None }).collect())
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number, a boolean or null")
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Boolean(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Integer(value))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                let beyond =
                    |_| E::invalid_value(Unexpected::Unsigned(value), &"an integer of 64 signed bits");
                i64::try_from(value).map(Scalar::Integer).map_err(beyond)
            }
            fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::String(value.into()))
            }
        }
        from.deserialize_any(ScalarVisitor)
    }
}
