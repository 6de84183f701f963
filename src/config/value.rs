//! What settings can be: how each type is read from text and from TOML, and how it is written.

use super::byte_size::ByteSize;
use crate::auth::ApiKey;
use crate::telemetry::{LogFilter, LogFormat};
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A value as somebody gave it.
#[derive(Clone)]
pub(super) enum Given {
    /// By a flag or by the environment.
    Text(String),
    /// In a file.
    Toml(toml::Value),
}

impl Given {
    /// Whether it is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        match self {
            Self::Text(text) => text == word,
            Self::Toml(value) => value.as_str() == Some(word),
        }
    }
}

/// How a setting is written on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value, which help texts call this.
    One(&'static str),
    /// Any number of values, each of which help texts call this; in the environment with commas between.
    Many(&'static str),
    /// On where it is only named.
    Switch,
}

/// The word for an [`Option`] without a value: TOML has none.
pub(super) const NONE: &str = "none";

/// What is printed in place of a secret.
pub(super) const REDACTED: &str = "***";

/// Errors are for a reader who knows which setting is meant.
pub(super) trait Value: Sized {
    const SHAPE: Shape;

    fn parse(text: &str) -> Result<Self, String>;

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        Self::parse(text(value)?)
    }

    fn to_toml(&self) -> toml::Value;

    fn read(given: &Given) -> Result<Self, String> {
        match given {
            Given::Text(text) => Self::parse(text),
            Given::Toml(value) => Self::from_toml(value),
        }
    }
}

fn text(value: &toml::Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| expected("text in quotes", value))
}

/// Names the type that was found: the value itself may be a secret in the wrong place.
fn expected(what: &str, found: &toml::Value) -> String {
    match found.type_str() {
        kind @ ("integer" | "array") => format!("expected {what}, not an {kind}"),
        kind => format!("expected {what}, not a {kind}"),
    }
}

/// Bytes.
impl Value for u64 {
    const SHAPE: Shape = Shape::One("BYTES");

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.parse::<ByteSize>()?.0)
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match (value.as_integer(), value.as_str()) {
            (Some(bytes), _) => {
                Self::try_from(bytes).map_err(|_| format!("{bytes} is not a number of bytes"))
            }
            (None, Some(text)) => Self::parse(text),
            (None, None) => Err(expected("a number of bytes, or \"16GiB\"", value)),
        }
    }

    fn to_toml(&self) -> toml::Value {
        let size = ByteSize(*self).to_string();
        // A number that TOML can hold needs no quotes.
        size.parse().map_or(toml::Value::String(size), toml::Value::Integer)
    }
}

/// A number that has to be above 0.
impl Value for f64 {
    const SHAPE: Shape = Shape::One("NUMBER");

    fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().map_err(|_| format!("{text:?} is no number"))?;
        positive(number)
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
        positive(number.ok_or_else(|| expected("a number", value))?)
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::Float(*self)
    }
}

fn positive(number: f64) -> Result<f64, String> {
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err(format!("{number} is no finite number above 0"))
    }
}

/// A count of at least 1.
impl Value for usize {
    const SHAPE: Shape = Shape::One("COUNT");

    fn parse(text: &str) -> Result<Self, String> {
        let count = text.parse().ok().filter(|&count| count > 0);
        count.ok_or_else(|| format!("{text:?} is no whole number above 0"))
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        match (value.as_integer(), value.as_str()) {
            (Some(count), _) => Self::parse(&count.to_string()),
            (None, Some(text)) => Self::parse(text),
            (None, None) => Err(expected("a whole number", value)),
        }
    }

    fn to_toml(&self) -> toml::Value {
        // Beyond what a number of TOML can hold it is read from text.
        i64::try_from(*self).map_or_else(|_| toml::Value::String(self.to_string()), toml::Value::Integer)
    }
}

impl Value for bool {
    const SHAPE: Shape = Shape::Switch;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| expected("true or false", value))
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::Boolean(*self)
    }
}

impl Value for PathBuf {
    const SHAPE: Shape = Shape::One("PATH");

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("the path is empty".into()) } else { Ok(text.into()) }
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::String(self.display().to_string())
    }
}

impl Value for Vec<String> {
    const SHAPE: Shape = Shape::Many("PREFIX");

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        let parts = value.as_array().ok_or_else(|| expected("an array of texts", value))?;
        parts.iter().map(|part| text(part).map(str::to_owned)).collect()
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::Array(self.iter().cloned().map(toml::Value::String).collect())
    }
}

impl<T: Value> Value for Option<T> {
    const SHAPE: Shape = T::SHAPE;

    fn parse(text: &str) -> Result<Self, String> {
        if text == NONE { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn from_toml(value: &toml::Value) -> Result<Self, String> {
        if value.as_str() == Some(NONE) { Ok(None) } else { T::from_toml(value).map(Some) }
    }

    fn to_toml(&self) -> toml::Value {
        self.as_ref().map_or_else(|| toml::Value::String(NONE.into()), T::to_toml)
    }
}

impl Value for ApiKey {
    const SHAPE: Shape = Shape::One("KEY");

    fn parse(text: &str) -> Result<Self, String> {
        if text == REDACTED {
            return Err(format!(
                "{REDACTED} stands for a key that was not printed: put the key itself, or name its file"
            ));
        }
        Self::new(text.into()).map_err(|error| error.to_string())
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::String(REDACTED.into())
    }
}

/// Types that are read from text and written as they are read.
macro_rules! textual {
    ($($type:ty, $placeholder:literal, $expected:literal;)*) => {$(
        impl Value for $type {
            const SHAPE: Shape = Shape::One($placeholder);

            fn parse(text: &str) -> Result<Self, String> {
                from_text(text, $expected)
            }

            fn to_toml(&self) -> toml::Value {
                toml::Value::String(self.to_string())
            }
        }
    )*};
}

textual! {
    SocketAddr, "ADDRESS", "an address and port, such as 127.0.0.1:8080 or [::]:8080";
    LogFormat, "FORM", "text or json";
    LogFilter, "FILTER", "a level, or directives such as info,fewer=debug";
}

fn from_text<T: FromStr<Err: Display>>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text:?} is not {expected} ({error})"))
}
