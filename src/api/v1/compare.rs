//! `POST /v1/compare`.

use super::TENANT;
use super::evaluate::Caller;
use super::spec::{Item, Labels, To};
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::extract::json_body;
use crate::api::json;
use crate::api::problem::Problem;
use crate::jobs::comparison::{self, Chosen, Compare, Comparison, JobNecessity, Pair};
use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use submodular::compare::{Overlap, Stability};
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
    /// The group of each item of the universe, or a column of the dataset that all jobs are of: permutations exchange items
    /// of one group only. Items without a label are a group of their own. All are of one group when absent.
    #[serde(default)]
    pub groups: Option<Labels>,
    /// Permutations of each pair. Each takes about as many draws as the smaller selection has items; all together may
    /// take 100,000,000.
    #[serde(default)]
    #[schema(maximum = 1000000)]
    pub permutations: u64,
    /// Seed of their draws.
    #[serde(default)]
    pub seed: u64,
    /// Of `selections` that are jobs: also how much of the whole each is worth alone, and what is left without it, by the
    /// objective of its job over the job's dataset. As much work as one evaluation may be: see `/v1/evaluate`.
    #[serde(default)]
    pub necessity: bool,
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
    /// All selections together.
    pub stability: SelectionStability,
    /// What each selection is worth, in order; absent without `necessity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub necessity: Option<Vec<SelectionNecessity>>,
}

/// What stays from selection to selection: of other seeds, say.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionStability {
    /// How many there are.
    #[schema(example = 3)]
    pub selections: u64,
    /// Mean of the pairs' `jaccard`; null where a pair has none.
    #[schema(example = 0.5)]
    pub mean_jaccard: Option<f64>,
    /// Mean of the pairs' `intersection`.
    #[schema(example = 5.0)]
    pub mean_intersection: f64,
    /// Mean of the pairs' `expected_intersection`.
    #[schema(example = 2.8)]
    pub mean_expected: f64,
    /// Items in every selection.
    #[schema(example = 3)]
    pub in_all: u64,
    /// Items in any.
    #[schema(example = 12)]
    pub in_any: u64,
    /// How many items one selection holds, how many two, and so on.
    #[schema(example = json!([6, 3, 3]))]
    pub held_by: Vec<u64>,
}

/// What a job's selection S is worth among all items V, by the job's objective f. A value that is no number, of a singular
/// kernel say, is null.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SelectionNecessity {
    /// The job.
    pub job: String,
    /// f(S).
    #[schema(example = 1.95)]
    pub value: Option<f64>,
    /// f(V \ S): without what was selected.
    #[schema(example = 1.0)]
    pub complement_value: Option<f64>,
    /// f(V).
    #[schema(example = 2.0)]
    pub whole_value: Option<f64>,
    /// f(S) / f(V): near 1, the selection suffices. Null where f(V) is 0.
    #[schema(example = 0.975)]
    pub sufficiency: Option<f64>,
    /// f(V \ S) / f(V): near 1, the selection is not needed. Null where f(V) is 0.
    #[schema(example = 0.5)]
    pub without: Option<f64>,
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
/// What selections share, and how much of that is chance: two, or every pair of several with what stays in all of them. A
/// selection is a job's result or
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
            "invalid_parameter", "shape_mismatch", "unknown_item", "duplicate_item", "estimate_exceeds_limit", "dataset_not_found",
            "dataset_expired", "invalid_matrix", "negative_similarity", "too_many_requests", "shutting_down"])),
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
    let turn = if wanted.necessity { app.evaluate_permit().await? } else { app.prepare_permit().await? };
    let caller = Caller::new();
    let (ctl, service) = (caller.ctl(), Arc::clone(&app));
    let work = blocking(move || {
        let _held = turn;
        Ok(service.jobs.compare(TENANT, &wanted, &ctl)?)
    });
    tokio::select! {
        found = work => Ok(Json(form.answer(found?)?)),
        () = app.stopping() => {
            Err(Problem::new(Code::ShuttingDown, "the service is stopping and finishes no comparison"))
        }
    }
}

/// How the selections were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Two,
    Several,
}

impl Form {
    fn answer(self, found: Compare) -> Result<CompareAnswer, Problem> {
        let Compare { pairs, stability, necessity } = found;
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
                let necessity = necessity.map(|jobs| jobs.into_iter().map(Into::into).collect());
                let (pairs, stability) = (pairs.iter().map(pair).collect(), (&stability).into());
                Ok(CompareAnswer::Pairs(ComparedPairs { pairs, stability, necessity }))
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
        if self.necessity && form == Form::Two {
            return refuse("/necessity", "it is told of jobs that are given as selections");
        }
        let Self { universe, groups, permutations, seed, necessity, .. } = self;
        Ok((Comparison { selections, universe, groups: groups.to(), permutations, seed, necessity }, form))
    }
}

fn compared(pointer: String, selection: ComparedSelection) -> comparison::Compared {
    let chosen = match selection {
        ComparedSelection::Job(id) => Chosen::Job(id),
        ComparedSelection::Items(items) => Chosen::Items(items.to()),
    };
    comparison::Compared { pointer, chosen }
}

impl From<&Stability> for SelectionStability {
    fn from(stability: &Stability) -> Self {
        Self {
            selections: stability.selections() as u64,
            mean_jaccard: stability.mean_jaccard(),
            mean_intersection: stability.mean_intersection(),
            mean_expected: stability.mean_expected(),
            in_all: stability.in_all() as u64,
            in_any: stability.in_any() as u64,
            held_by: stability.held_by().iter().map(|&items| items as u64).collect(),
        }
    }
}

impl From<JobNecessity> for SelectionNecessity {
    fn from(JobNecessity { job, values }: JobNecessity) -> Self {
        let finite = |number: f64| number.is_finite().then_some(number);
        Self {
            job,
            value: finite(values.value),
            complement_value: finite(values.complement),
            whole_value: finite(values.whole),
            sufficiency: values.sufficiency().and_then(finite),
            without: values.without().and_then(finite),
        }
    }
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
