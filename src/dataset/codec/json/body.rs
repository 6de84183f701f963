//! The grammar of the JSON body and of its matrices, and where in it something is wrong.
//!
//! Rows go straight into one flat array: a tree of JSON values would take ten times the memory.

use std::collections::HashSet;
use std::fmt;
use std::io::Read;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::de::IoRead;
use serde_json::error::Category;

use super::columns::{ColumnsSeed, IdsSeed};
use super::entries::{Entries, ListSeed};
use super::rankings::{Given, RankingsSeed, Weight};
use crate::dataset::codec::{Format, Kind};
use crate::dataset::column::Column;
use crate::dataset::error::DatasetError;

/// The fields of a body, each `None` or empty where it was absent.
#[derive(Default)]
pub(super) struct Body {
    pub(super) kind: Option<Kind>,
    pub(super) vectors: Option<Matrix>,
    pub(super) similarity: Option<Matrix>,
    pub(super) size: Option<u64>,
    pub(super) entries: Entries,
    pub(super) rankings: Option<Given>,
    pub(super) candidates: Option<Vec<String>>,
    pub(super) weights: Option<Vec<Weight>>,
    pub(super) ids: Option<Vec<String>>,
    pub(super) columns: Vec<(String, Column)>,
}

/// Rows of equal length, row by row.
#[derive(Default)]
pub(super) struct Matrix {
    pub(super) values: Vec<f32>,
    pub(super) rows: usize,
    pub(super) dim: usize,
}

/// Parses a whole body, which should be buffered: it is read byte by byte.
pub(super) fn parse(body: impl Read) -> Result<Body, DatasetError> {
    parse_as(body, |trace, json| BodySeed { trace }.deserialize(json))
}

/// Parses a list of ids that stands alone.
pub(super) fn parse_ids(text: &str) -> Result<Option<Vec<String>>, DatasetError> {
    parse_as(text.as_bytes(), |trace, json| IdsSeed { field: "", trace }.deserialize(json))
}

/// Parses columns that stand alone.
pub(super) fn parse_columns(text: &str) -> Result<Vec<(String, Column)>, DatasetError> {
    parse_as(text.as_bytes(), |trace, json| ColumnsSeed { trace }.deserialize(json))
}

type Json<R> = serde_json::Deserializer<IoRead<R>>;

fn parse_as<R: Read, T>(
    from: R,
    read: impl FnOnce(&mut Trace, &mut Json<R>) -> Result<T, serde_json::Error>,
) -> Result<T, DatasetError> {
    let mut trace = Trace::default();
    let mut json = serde_json::Deserializer::from_reader(from);
    let parsed = read(&mut trace, &mut json);
    parsed.and_then(|value| json.end().map(|()| value)).map_err(|error| trace.explain(error))
}

/// JSON pointer to a named child.
pub(super) fn pointer(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The innermost place that was being read when reading failed, and why if it is not the syntax.
#[derive(Default)]
pub(super) struct Trace {
    pointer: Option<String>,
    error: Option<DatasetError>,
}

impl Trace {
    pub(super) fn place<E>(&mut self, error: E, pointer: impl FnOnce() -> String) -> E {
        self.pointer.get_or_insert_with(pointer);
        error
    }

    pub(super) fn refuse<E: de::Error>(
        &mut self,
        pointer: impl FnOnce() -> String,
        error: DatasetError,
    ) -> E {
        self.error = Some(error);
        self.place(E::custom("refused"), pointer)
    }

    fn explain(self, error: serde_json::Error) -> DatasetError {
        let told = self.error.unwrap_or_else(|| match error.classify() {
            Category::Io => DatasetError::Io(error.into()),
            Category::Syntax | Category::Eof => {
                DatasetError::Malformed { format: Format::Json, reason: error.to_string() }
            }
            Category::Data => DatasetError::InvalidField(error.to_string()),
        });
        match (self.pointer, &told) {
            (_, DatasetError::Io(_)) => told,
            (Some(pointer), _) => told.at(pointer),
            // The body as a whole.
            (None, DatasetError::InvalidField(_)) => told.at(""),
            (None, _) => told,
        }
    }
}

struct BodySeed<'a> {
    trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = Body;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Body, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        let trace = self.trace;
        let mut body = Body::default();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let place = || pointer("", &key);
            if !seen.insert(key.clone()) {
                return Err(trace.refuse(place, DatasetError::InvalidField("given twice".into())));
            }
            match key.as_str() {
                "kind" => {
                    let name =
                        map.next_value::<Option<String>>().map_err(|error| trace.place(error, place))?;
                    let kind = name.map(|name| Kind::deserialize(name.into_deserializer())).transpose();
                    body.kind = kind.map_err(|error: A::Error| trace.place(error, place))?;
                }
                "vectors" => {
                    body.vectors = map.next_value_seed(MatrixSeed { field: "/vectors", trace })?;
                }
                "similarity" => {
                    body.similarity = map.next_value_seed(MatrixSeed { field: "/similarity", trace })?;
                }
                "n" => body.size = map.next_value().map_err(|error| trace.place(error, place))?,
                "rows" => body.entries.rows = map.next_value_seed(ListSeed::new("/rows", trace))?,
                "cols" => body.entries.columns = map.next_value_seed(ListSeed::new("/cols", trace))?,
                "values" => body.entries.values = map.next_value_seed(ListSeed::new("/values", trace))?,
                "rankings" => body.rankings = map.next_value_seed(RankingsSeed { trace })?,
                "candidates" => {
                    body.candidates = map.next_value_seed(IdsSeed { field: "/candidates", trace })?;
                }
                "weights" => body.weights = map.next_value_seed(ListSeed::new("/weights", trace))?,
                "ids" => body.ids = map.next_value_seed(IdsSeed { field: "/ids", trace })?,
                "columns" => body.columns = map.next_value_seed(ColumnsSeed { trace })?,
                _ => return Err(trace.refuse(place, DatasetError::UnknownField)),
            }
        }
        Ok(body)
    }
}

/// Reads a matrix; `null` is as good as absent.
struct MatrixSeed<'a> {
    field: &'static str,
    trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for MatrixSeed<'_> {
    type Value = Option<Matrix>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<Matrix>, D::Error> {
        let Self { field, trace } = self;
        let read = from.deserialize_any(MatrixSeed { field, trace: &mut *trace });
        read.map_err(|error| trace.place(error, || field.into()))
    }
}

impl<'de> Visitor<'de> for MatrixSeed<'_> {
    type Value = Option<Matrix>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_unit<E>(self) -> Result<Option<Matrix>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Option<Matrix>, A::Error> {
        let Self { field, trace } = self;
        let mut matrix = Matrix::default();
        loop {
            let row = matrix.rows;
            let seed = RowSeed { field, matrix: &mut matrix, trace: &mut *trace };
            match rows.next_element_seed(seed) {
                Ok(Some(())) => matrix.rows += 1,
                Ok(None) => return Ok(Some(matrix)),
                Err(error) => return Err(trace.place(error, || format!("{field}/{row}"))),
            }
        }
    }
}

struct RowSeed<'a> {
    field: &'static str,
    matrix: &'a mut Matrix,
    trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        let row = self.matrix.rows;
        Err(self.trace.refuse(|| format!("{}/{row}", self.field), DatasetError::NullRow { row }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        let Self { field, matrix: Matrix { values, rows, dim }, trace } = self;
        let (row, start) = (*rows, values.len());
        loop {
            let column = values.len() - start;
            let place = || format!("{field}/{row}/{column}");
            match numbers.next_element::<Number>() {
                Ok(Some(Number(Some(value)))) if (value as f32).is_finite() => values.push(value as f32),
                Ok(Some(Number(Some(value)))) => {
                    return Err(trace.refuse(place, DatasetError::NotFinite { row, column, value }));
                }
                Ok(Some(Number(None))) => {
                    return Err(trace.refuse(place, DatasetError::NullValue { row, column }));
                }
                Ok(None) => break,
                Err(error) => return Err(trace.place(error, place)),
            }
        }
        let found = values.len() - start;
        if row == 0 {
            *dim = found;
        } else if found != *dim {
            let ragged = DatasetError::Ragged { row, expected: *dim, found };
            return Err(trace.refuse(|| format!("{field}/{row}"), ragged));
        }
        Ok(())
    }
}

/// A number, or null.
pub(super) struct Number(pub(super) Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NumberVisitor;
        impl Visitor<'_> for NumberVisitor {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number(Some(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number(Some(value as f64)))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
                Ok(Number(Some(value as f64)))
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
        }
        from.deserialize_any(NumberVisitor)
    }
}
