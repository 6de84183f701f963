//! The body of `POST /v1/jobs`.

use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::api::v1::datasets::DatasetBody;
use crate::api::v1::result::JobKind;
use crate::api::v1::spec::{Constraints, Objective, OnStop, Optimizer};
use crate::jobs::record::JobSpec;
use crate::jobs::spec::{OptimizerSpec, SelectionSpec};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

const MOST_LABELS: usize = 32;
const LONGEST_LABEL: usize = 256;

/// A job to be done, on a stored dataset or on one that comes with it.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    /// What kind of work it is.
    pub kind: JobKind,
    /// Id of a stored dataset; or give `inline`.
    #[serde(default)]
    #[schema(example = "ds_0192f0c1a2b37c4d8e5f6a7b8c9d0e1f")]
    pub dataset: Option<String>,
    /// A small dataset, stored like any other; or give `dataset`.
    #[serde(default)]
    #[schema(value_type = Option<DatasetBody>)]
    pub inline: Option<Value>,
    /// The set function to maximise.
    #[schema(value_type = Objective)]
    pub objective: Value,
    /// What an answer must keep to.
    pub constraints: Constraints,
    /// How to search; `auto` when absent.
    #[serde(default)]
    #[schema(value_type = Option<Optimizer>)]
    pub optimizer: Option<Value>,
    /// Seed of every draw.
    #[serde(default)]
    pub seed: u64,
    /// Running seconds after which the job stops; none when absent.
    #[serde(default)]
    #[schema(exclusive_minimum = 0.0, example = 600.0)]
    pub deadline_seconds: Option<f64>,
    /// What a stopped job leaves.
    #[serde(default)]
    pub on_stop: OnStop,
    /// Notes for the owner: at most 32, names and values of at most 256 bytes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A request whose every field has been read.
pub(super) struct Wanted {
    pub(super) dataset: DatasetChoice,
    pub(super) spec: JobSpec,
    pub(super) labels: BTreeMap<String, String>,
}

pub(super) enum DatasetChoice {
    /// By id.
    Stored(String),
    /// A JSON body.
    Inline(Vec<u8>),
}

impl JobRequest {
    /// Reads what is told apart by name, and checks what needs no dataset.
    pub(super) fn check(self) -> Result<Wanted, Problem> {
        let dataset = match (self.dataset, self.inline) {
            (Some(id), None) => DatasetChoice::Stored(id),
            (None, Some(body)) => {
                DatasetChoice::Inline(serde_json::to_vec(&body).map_err(|error| Problem::internal(&error))?)
            }
            (None, None) => {
                return Err(Problem::at(Code::InvalidParameter, "/dataset", "give dataset or inline"));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::at(
                    Code::InvalidParameter,
                    "/inline",
                    "give dataset or inline, not both",
                ));
            }
        };
        let objective = Objective::parse(self.objective, "/objective")?.into();
        let optimizer = match self.optimizer {
            None => OptimizerSpec::default(),
            Some(value) => Optimizer::parse(value, "/optimizer")?.into(),
        };
        if self.deadline_seconds.is_some_and(|seconds| seconds <= 0.0) {
            return Err(Problem::at(
                Code::InvalidParameter,
                "/deadline_seconds",
                "expected more than 0 seconds",
            ));
        }
        check_labels(&self.labels)?;
        let spec = JobSpec::Selection(SelectionSpec {
            objective,
            constraints: self.constraints.into(),
            optimizer,
            seed: self.seed,
            deadline_seconds: self.deadline_seconds,
            on_stop: self.on_stop.into(),
        });
        Ok(Wanted { dataset, spec, labels: self.labels })
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Problem> {
    if labels.len() > MOST_LABELS {
        let detail = format!("{} labels: at most {MOST_LABELS}", labels.len());
        return Err(Problem::at(Code::InvalidParameter, "/labels", detail));
    }
    if labels.iter().any(|(name, value)| name.len().max(value.len()) > LONGEST_LABEL) {
        let detail = format!("a name or value is longer than {LONGEST_LABEL} bytes");
        return Err(Problem::at(Code::InvalidParameter, "/labels", detail));
    }
    Ok(())
}
