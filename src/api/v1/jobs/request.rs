//! The body of `POST /v1/jobs`.

use super::attribution::AttributionRequest;
use super::experiment::{BiasStudyRequest, SmoothnessRequest};
use super::resample::ResampleRequest;
use super::{inline, stored};
use crate::api::app::App;
use crate::api::codes::Code;
use crate::api::json;
use crate::api::problem::Problem;
use crate::api::v1::datasets::DatasetBody;
use crate::api::v1::result::SelectionKind;
use crate::api::v1::spec::{Constraints, External, Objective, OnStop, Optimizer, To, WarmStart};
use crate::dataset::Source;
use crate::jobs::record::JobSpec;
use crate::jobs::spec::SelectionSpec;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

const MOST_LABELS: usize = 32;
const LONGEST_LABEL: usize = 256;

/// A job to be done.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum JobRequest {
    /// Choose items.
    Selection(Box<SelectionRequest>),
    /// Compare committees chosen from biased rankings, with and without quotas.
    BiasStudy(BiasStudyRequest),
    /// Estimate what biased rankings still tell of the candidates.
    Smoothness(SmoothnessRequest),
    /// Explain a model's answer by the regions that it rests on.
    Attribution(Box<AttributionRequest>),
    /// Draw again from the gains that a selection kept.
    Resample(ResampleRequest),
}

/// Items to choose of a stored dataset, or of one that comes with the request.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionRequest {
    /// What kind of work it is.
    pub kind: SelectionKind,
    /// Id of a stored dataset; or give `inline`. An `external` objective with `n` needs neither.
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
    /// An earlier answer to begin with.
    #[serde(default)]
    pub warm_start: Option<WarmStart>,
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
    /// Notes for the owner: at most 32, names and values of at most 256 characters.
    #[serde(default)]
    #[schema(schema_with = labels)]
    pub labels: BTreeMap<String, String>,
}

/// A request whose every field has been read.
pub(super) struct Wanted {
    /// What a selection selects from; experiments name theirs in their spec.
    pub(super) dataset: Option<DatasetChoice>,
    pub(super) spec: JobSpec,
    pub(super) labels: BTreeMap<String, String>,
}

/// Where the data is.
pub(in crate::api) enum DatasetChoice {
    /// By id.
    Stored(String),
    /// A JSON body.
    Inline(Vec<u8>),
}

impl JobRequest {
    /// Reads a body as the kind that it says it is.
    pub(super) fn read(body: &[u8]) -> Result<Wanted, Problem> {
        let tree = json::Tree::of(body)?;
        match tree.word("kind") {
            Some("selection") => tree.read::<SelectionRequest>()?.check(),
            Some("bias_study") => tree.read::<BiasStudyRequest>()?.check(),
            Some("smoothness") => tree.read::<SmoothnessRequest>()?.check(),
            Some("attribution") => tree.read::<AttributionRequest>()?.check(),
            Some("resample") => Ok(tree.read::<ResampleRequest>()?.wanted()),
            // The document says which kinds there are.
            _ => match tree.read()? {
                Self::Selection(request) => request.check(),
                Self::BiasStudy(request) => request.check(),
                Self::Smoothness(request) => request.check(),
                Self::Attribution(request) => request.check(),
                Self::Resample(request) => Ok(request.wanted()),
            },
        }
    }
}

impl SelectionRequest {
    /// Reads what is told apart by name, and checks what a schema cannot say.
    fn check(self) -> Result<Wanted, Problem> {
        let objective = Objective::parse(self.objective, "/objective");
        // A function of the caller's own needs no data.
        let bare = matches!(&objective, Ok(Objective::External(External { n: Some(_), .. })));
        let dataset = match (self.dataset, &self.inline) {
            (None, None) if bare => Ok(None),
            (dataset, inline) => DatasetChoice::of(dataset, inline.as_ref()).map(Some),
        };
        let optimizer = self.optimizer.map(|value| Optimizer::parse(value, "/optimizer")).transpose();
        match (dataset, objective, optimizer) {
            (Ok(dataset), Ok(objective), Ok(optimizer)) => {
                price(&self.constraints)?;
                let spec = SelectionSpec {
                    objective: objective.to(),
                    constraints: self.constraints.to(),
                    optimizer: optimizer.map(To::to).unwrap_or_default(),
                    warm_start: self.warm_start.to(),
                    seed: self.seed,
                    deadline_seconds: self.deadline_seconds,
                    on_stop: self.on_stop.to(),
                };
                Ok(Wanted { dataset, spec: JobSpec::Selection(Box::new(spec)), labels: self.labels })
            }
            (Err(first), objective, optimizer) => {
                let more = objective.err().into_iter().chain(optimizer.err());
                Err(more.fold(first, Problem::and))
            }
            (_, Err(first), optimizer) => Err(optimizer.err().into_iter().fold(first, Problem::and)),
            (_, _, Err(only)) => Err(only),
        }
    }
}

impl DatasetChoice {
    pub(in crate::api) fn of(dataset: Option<String>, inline: Option<&Value>) -> Result<Self, Problem> {
        let refuse = |pointer, detail| Err(Problem::at(Code::InvalidParameter, pointer, detail));
        match (dataset, inline) {
            (Some(id), None) => Ok(Self::Stored(id)),
            (None, Some(body)) => {
                let bytes = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
                Ok(Self::Inline(bytes))
            }
            (None, None) => refuse("/dataset", "give dataset or inline"),
            (Some(_), Some(_)) => refuse("/inline", "give dataset or inline, not both"),
        }
    }

    /// The data; nothing is stored.
    pub(in crate::api) fn source(&self, app: &App) -> Result<Source, Problem> {
        match self {
            Self::Stored(id) => Ok(app.datasets.source(&stored(app, id)?)?),
            Self::Inline(body) => inline(body),
        }
    }
}

/// A budget is of costs from one place.
fn price(constraints: &Constraints) -> Result<(), Problem> {
    let detail = match &constraints.knapsack {
        Some(knapsack) if knapsack.column.is_none() && knapsack.values.is_none() => "give column or values",
        Some(knapsack) if knapsack.column.is_some() && knapsack.values.is_some() => {
            "give column or values, not both"
        }
        _ => return Ok(()),
    };
    Err(Problem::at(Code::InvalidParameter, "/constraints/knapsack", detail))
}

/// The schema of labels.
pub(super) fn labels() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String).max_length(Some(LONGEST_LABEL));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(text()))
        .additional_properties(Some(text()))
        .max_properties(Some(MOST_LABELS))
        .description(Some("Notes for the owner: at most 32, names and values of at most 256 characters."))
        .into()
}
