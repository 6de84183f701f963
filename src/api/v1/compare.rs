//! `POST /v1/compare`.

use super::TENANT;
use super::spec::{Item, To};
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::json_body;
use crate::api::json;
use crate::api::problem::Problem;
use crate::jobs::comparison::{self, Chosen, Comparison, Pair};
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use submodular::compare::Overlap;
use utoipa::ToSchema;

/// Two selections, `a` and `b`, or `selections` that are compared each with each.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// One selection; or give `selections`.
    #[serde(default)]
    pub a: Option<ComparedSelection>,
    /// The other.
    #[serde(default)]
    pub b: Option<ComparedSelection>,
    /// Selections to compare in pairs; or give `a` and `b`.
    #[serde(default)]
    #[schema(min_items = 2, max_items = 100)]
    pub selections: Option<Vec<ComparedSelection>>,
    /// How many items there were to choose from. When absent, the rows of the dataset that all jobs are of.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 9007199254740992_u64, example = 20)]
    pub universe: Option<u64>,
    /// The group of each item of the universe: permutations exchange items of one group only. All items are of one
    /// group when absent.
    #[serde(default)]
    pub groups: Option<GroupLabels>,
    /// Permutations of each pair. Each takes about as many draws as the smaller selection has items; all together may
    /// take 100,000,000.
    #[serde(default)]
    #[schema(maximum = 1000000)]
    pub permutations: u64,
    /// Seed of their draws.
    #[serde(default)]
    pub seed: u64,
}

/// What was selected.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedSelection {
    /// The result of this job: what a selection chose, or a draw (`resample`) drew.
    Job(String),
    /// These items. Ids are looked up in the dataset of the jobs; without one, ids are matched with ids and rows with
    /// rows.
    Items(Vec<Item>),
}

/// The group of each item of the universe. Items without a label are a group of their own.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupLabels {
    /// The name of a column, of any type, of the dataset that all jobs are of.
    Column(String),
    /// A label an item.
    Values(Vec<Option<GroupLabel>>),
}

/// A label, compared as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a label is a number or a string")]
pub enum GroupLabel {
    /// A number.
    #[schema(value_type = f64)]
    Number(serde_json::Number),
    /// Text.
    Text(String),
}

/// What two selections share, and how much of it is chance.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionOverlap {
    /// Items of `a`.
    #[schema(example = 8)]
    pub size_a: u64,
    /// Items of `b`.
    #[schema(example = 7)]
    pub size_b: u64,
    /// Items there were to choose from.
    #[schema(example = 20)]
    pub universe: u64,
    /// Items of both.
    #[schema(example = 5)]
    pub intersection: u64,
    /// `intersection` over the items of either; null where both are empty.
    #[schema(example = 0.5)]
    pub jaccard: Option<f64>,
    /// `intersection` over `size_a`; null where `a` is empty.
    #[schema(example = 0.625)]
    pub of_a: Option<f64>,
    /// `intersection` over `size_b`; null where `b` is empty.
    #[schema(example = 0.7142857142857143)]
    pub of_b: Option<f64>,
    /// Mean intersection of two sets of these sizes that are drawn uniformly and independently.
    #[schema(example = 2.8)]
    pub expected_intersection: f64,
    /// `intersection` over `expected_intersection`; null where that is 0.
    #[schema(example = 1.7857142857142858)]
    pub lift: Option<f64>,
    /// Standard deviations (hypergeometric) above `expected_intersection`; null where chance has no say.
    #[schema(example = 2.0519801925512615)]
    pub z: Option<f64>,
    /// Probability that such sets share at least `intersection` items (hypergeometric); 0 below the range of numbers.
    #[schema(example = 0.0521155830753354)]
    pub p_at_least: f64,
    /// The permutation test; null without `permutations`.
    pub permutation: Option<Permutation>,
}

/// A permutation test: the items of `b` exchanged at random within their groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Permutation {
    /// (1 + permutations that share at least `intersection` items with `a`) / (1 + `count`).
    #[schema(example = 0.053)]
    pub p: f64,
    /// Mean intersection of the permutations.
    #[schema(example = 2.79)]
    pub mean: f64,
    /// Permutations.
    #[schema(example = 999)]
    pub count: u64,
}

/// Two of the selections, by their positions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ComparedPair {
    /// Position of `a` in `selections`.
    #[schema(example = 0)]
    pub a: u64,
    /// Position of `b`, which is later.
    #[schema(example = 1)]
    pub b: u64,
    /// What they share.
    #[serde(flatten)]
    pub overlap: SelectionOverlap,
}

/// Every pair of the selections: the first with each later one, then the second, and so on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ComparedPairs {
    /// The pairs.
    pub pairs: Vec<ComparedPair>,
}

/// Of `a` and `b` what they share, of `selections` every pair.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum CompareAnswer {
    /// Of `a` and `b`.
    Two(Box<SelectionOverlap>),
    /// Of `selections`.
    Pairs(ComparedPairs),
}

/// Compare selections
///
/// What selections share, and how much of that is chance: two, or every pair of several. A selection is a job's result or
/// a list of items. Jobs of one dataset are matched by row, jobs of different datasets by id. `p_at_least` is exact for
/// sets drawn uniformly; where items have `groups`, `permutations` of the items of each group tell whether the groups
/// alone explain what is shared. At most 2,000,000 items are compared.
#[utoipa::path(
    post, path = "/v1/compare", tag = "jobs",
    request_body(content = CompareRequest, example = json!({
        "a": {"items": [0, 1, 2, 3, 4, 5, 6, 7]},
        "b": {"items": [2, 3, 5, 6, 7, 12, 17]},
        "universe": 20,
        "permutations": 999,
    })),
    responses((status = 200, description = "What they share", body = CompareAnswer)),
    extensions(
        ("x-problem-codes" = json!(["malformed_body", "job_not_found", "body_timeout", "job_not_finished", "no_result",
            "result_expired", "payload_too_large", "unsupported_media_type", "unsupported_encoding",
            "invalid_parameter", "shape_mismatch", "unknown_item", "duplicate_item", "estimate_exceeds_limit"])),
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/compare -H 'Content-Type: application/json' -d '{\"a\":{\"items\":[0,1,2,3]},\"b\":{\"items\":[2,3,5]},\"universe\":20,\"permutations\":999}'"}])),
    ),
)]
pub(in crate::api) async fn compare(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<CompareAnswer>, Problem> {
    let limit = app.settings.max_request_bytes;
    let body = json_body(request, limit, "FEWER_LIMITS__REQUEST_BYTES (--max-request-bytes)").await?;
    let (wanted, form) = blocking(move || json::read::<CompareRequest>(&body)?.check()).await?;
    // Whoever waits here holds no thread and no more than the body.
    let turn = app.prepare_permit().await?;
    let pairs = blocking(move || {
        let _held = turn;
        Ok(app.jobs.compare(TENANT, &wanted)?)
    });
    Ok(Json(form.answer(pairs.await?)?))
}

/// How the selections were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Two,
    Several,
}

impl Form {
    fn answer(self, pairs: Vec<Pair>) -> Result<CompareAnswer, Problem> {
        match self {
            Form::Two => match pairs.into_iter().next() {
                Some(only) => Ok(CompareAnswer::Two(Box::new(SelectionOverlap::from(&only)))),
                None => Err(Problem::internal(&"two selections are one pair")),
            },
            Form::Several => {
                let pair = |pair: &Pair| ComparedPair {
                    a: pair.a as u64,
                    b: pair.b as u64,
                    overlap: SelectionOverlap::from(pair),
                };
                Ok(CompareAnswer::Pairs(ComparedPairs { pairs: pairs.iter().map(pair).collect() }))
            }
        }
    }
}

impl CompareRequest {
    /// Checks what a schema cannot say.
    fn check(self) -> Result<(Comparison, Form), Problem> {
        let refuse = |pointer, detail| Err(Problem::at(Code::InvalidParameter, pointer, detail));
        let (selections, form) = match (self.a, self.b, self.selections) {
            (Some(a), Some(b), None) => (vec![compared("/a".into(), a), compared("/b".into(), b)], Form::Two),
            (None, None, Some(several)) => {
                let several = several.into_iter().enumerate();
                let several = several.map(|(at, one)| compared(format!("/selections/{at}"), one));
                (several.collect(), Form::Several)
            }
            (None, _, None) => return refuse("/a", "missing: give a and b, or selections"),
            (Some(_), None, None) => return refuse("/b", "missing: give a and b, or selections"),
            (_, _, Some(_)) => return refuse("/selections", "give a and b, or selections, not both"),
        };
        let groups = self.groups.map(|groups| match groups {
            GroupLabels::Column(name) => comparison::GroupLabels::Column(name),
            GroupLabels::Values(labels) => {
                let written = |label| match label {
                    GroupLabel::Number(number) => number.to_string(),
                    GroupLabel::Text(text) => text,
                };
                comparison::GroupLabels::Values(labels.into_iter().map(|label| label.map(written)).collect())
            }
        });
        let Self { universe, permutations, seed, .. } = self;
        Ok((Comparison { selections, universe, groups, permutations, seed }, form))
    }
}

fn compared(pointer: String, selection: ComparedSelection) -> comparison::Compared {
    let chosen = match selection {
        ComparedSelection::Job(id) => Chosen::Job(id),
        ComparedSelection::Items(items) => Chosen::Items(items.to()),
    };
    comparison::Compared { pointer, chosen }
}

impl From<&Pair> for SelectionOverlap {
    fn from(Pair { overlap, permutation, .. }: &Pair) -> Self {
        let overlap: &Overlap = overlap;
        Self {
            size_a: overlap.size_a(),
            size_b: overlap.size_b(),
            universe: overlap.universe(),
            intersection: overlap.intersection(),
            jaccard: overlap.jaccard(),
            of_a: overlap.of_a(),
            of_b: overlap.of_b(),
            expected_intersection: overlap.expected(),
            lift: overlap.lift(),
            z: overlap.z(),
            p_at_least: overlap.p_at_least(),
            permutation: permutation.map(|found| Permutation {
                p: found.p,
                mean: found.mean,
                count: found.count,
            }),
        }
    }
}
