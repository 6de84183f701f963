//! The request of a selection on the wire.
//!
//! Objectives and optimizers are told apart by their `name`. It is read first and the rest then as that type's
//! own fields, so that a refusal points at the field: serde's tagged enums cannot. A new one is a line of `name!`, a
//! struct, a line of `told_by_name!`, and a line of the table in `stored`; what its schema says is enforced.

/// A name that is part of a type: a one-word enum in the schema.
macro_rules! name {
    ($type:ident $word:ident $text:tt) => {
        #[doc = concat!("`", $text, "`")]
        #[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, ToSchema)]
        pub enum $type {
            #[doc = concat!("`", $text, "`")]
            #[serde(rename = $text)]
            $word,
        }
    };
}

/// A union of types that each have a `name` of their own.
macro_rules! told_by_name {
    ($(#[$about:meta])* $union:ident { $($(#[$told:meta])* $name:literal => $variant:ident,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
        #[serde(untagged)]
        pub enum $union { $($(#[$told])* $variant($variant),)+ }

        impl<'de> Deserialize<'de> for $union {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                let read = Self::parse(value, "");
                read.map_err(|problem| de::Error::custom(problem.detail))
            }
        }

        impl $union {
            /// Reads the object that stood at `pointer`, after the document has found nothing wrong with it.
            pub(in crate::api) fn parse(value: Value, pointer: &str) -> Result<Self, Problem> {
                match value["name"].as_str() {
                    $(Some($name) => Ok(Self::$variant(from_value(value, pointer)?)),)+
                    _ => Err(Problem::at(Code::InvalidParameter, format!("{pointer}/name"), "an unknown name")),
                }
            }
        }
    };
}

mod attribution;
mod committee;
mod constraints;
mod experiment;
mod objective;
mod optimizer;
mod resample;
mod shapes;
mod stored;
mod warm_start;

pub use attribution::*;
pub use committee::*;
pub use constraints::*;
pub use experiment::*;
pub use objective::*;
pub use optimizer::*;
pub use resample::*;
pub use shapes::*;
pub(in crate::api) use stored::To;
pub use warm_start::*;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a job stopped by its deadline or by cancel leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnStop {
    /// The prefix chosen so far: at the deadline the job succeeds with `complete: false`.
    #[default]
    Partial,
    /// Nothing: at the deadline the job fails.
    Fail,
}
