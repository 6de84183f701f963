//! Why a selection cannot be made.

use crate::dataset::DatasetError;
use crate::jobs::JobError;
use crate::jobs::store::StoreError;
use serde_json::Value;
use submodular::Item;
use submodular::constraint::{Infeasible, Sum};

/// One offence in the request.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// JSON pointer into the job's body.
    pub pointer: String,
    /// Machine-readable code of the wire contract.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
    /// Numbers that a program can act on; an object where present.
    pub context: Option<Value>,
}

impl FieldError {
    /// An offence without numbers.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into(), context: None }
    }
}

/// Why a selection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// The request has these offences, all of them.
    #[error("{}", first(.0))]
    Invalid(Vec<FieldError>),
    /// It would take more than the limits allow.
    #[error("{detail}")]
    TooLarge {
        /// Numbers, limit, and a way out.
        detail: String,
        /// What it needs, bytes or floating-point operations.
        needed: f64,
        /// What is allowed, in the same unit.
        allowed: f64,
        /// The setting that changes it.
        setting: &'static str,
    },
    /// A job that the request names gives nothing to go on from.
    #[error("{error}")]
    Earlier {
        /// JSON pointer to its id.
        pointer: String,
        /// Why.
        error: Box<JobError>,
    },
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The data or the objective failed during the run.
    #[error(transparent)]
    Core(#[from] submodular::Error),
    /// What was stored for the run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A saved state that cannot be read back.
    #[error("the saved state cannot be read: {0}")]
    Saved(#[from] postcard::Error),
}

fn first(errors: &[FieldError]) -> String {
    match errors {
        [] => "the job is invalid".to_owned(),
        [only] => only.detail.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.detail, rest.len()),
    }
}

impl SelectionError {
    /// The code of the wire contract.
    pub fn code(&self) -> &'static str {
        match self {
            SelectionError::Invalid(errors) => errors.first().map_or("invalid_parameter", |e| e.code),
            SelectionError::TooLarge { .. } => "estimate_exceeds_limit",
            SelectionError::Earlier { error, .. } => error.code(),
            SelectionError::Dataset(e) => e.code(),
            SelectionError::Core(e) => match e {
                submodular::Error::NotFinite { .. } | submodular::Error::ZeroRow { .. } => "invalid_matrix",
                submodular::Error::Shape { .. } => "shape_mismatch",
                submodular::Error::NegativeSimilarity { .. } => "negative_similarity",
                submodular::Error::Infeasible(_) => "infeasible_constraint",
                submodular::Error::UnknownItem { .. } => "unknown_item",
                submodular::Error::Parameter { .. }
                | submodular::Error::Unsupported(_)
                | submodular::Error::Oracle(_)
                | _ => "invalid_parameter",
            },
            SelectionError::Store(_) | SelectionError::Saved(_) => "internal",
        }
    }
}

/// A sum of the constraints that cannot be met, with the group's name, at the included item that breaks it if one does.
pub(in crate::jobs) fn infeasible(error: &Infeasible, names: &[String], include: &[Item]) -> FieldError {
    let mut field = FieldError::new("/constraints", "infeasible_constraint", error.to_string());
    let sum = match error {
        Infeasible::Include { item, because } => {
            if let Some(position) = include.iter().position(|e| e == item) {
                field.pointer = format!("/constraints/include/{position}");
            }
            because
        }
        Infeasible::Sum { .. }
        | Infeasible::Item { .. }
        | Infeasible::Budget { .. }
        | Infeasible::Distance { .. } => error,
    };
    if let Infeasible::Sum { sum, needed, available, group } = *sum {
        let group = group.and_then(|g| names.get(g));
        let sum = match sum {
            Sum::AtLeast => "at_least",
            Sum::AtMost => "at_most",
            Sum::Group => "group",
        };
        if let Some(group) = group {
            field.detail = format!("group {group:?} needs {needed}, only {available} can be had");
        }
        field.detail += &format!(": {} too few", needed - available);
        field.context = Some(serde_json::json!({
            "sum": sum, "needed": needed, "available": available, "group": group
        }));
    }
    if let Infeasible::Budget { needed, available } = *sum {
        field.detail += &format!(": {} too much", needed - available);
        field.context = Some(serde_json::json!({
            "sum": "budget", "needed": needed, "available": available, "group": null
        }));
    }
    field
}
