//! `/v1/optimizers`: the searches, their parameters, and what they earn.
//!
//! Names, sentences and parameters are the document's own; guarantees are what the core's searches claim of functions and
//! constraints that stand for their kinds. What else there is to say is the table below.

use crate::api::problem::Problem;
use crate::api::standalone;
use crate::jobs::spec::defaults;
use axum::Json;
use serde::Serialize;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use submodular::constraint::Shape;
use submodular::guarantee::Guarantee;
use submodular::objective::{
    Triangle, disparity_min, disparity_sum, facility_location, graph_cut, log_det_mi,
};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    PartitionedGreedy, Parts, RandomGreedy, SieveStreaming, StochasticGreedy, ThreeSieves, ThresholdGreedy,
};
use submodular::similarity::{Any, MatrixBuilder};
use submodular::tile::Kernel;
use submodular::{Error, Optimizer, Properties};
use utoipa::ToSchema;

/// The searches there are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OptimizerList {
    /// One a name.
    pub items: Vec<OptimizerInfo>,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OptimizerInfo {
    /// Its name in requests.
    #[schema(example = "lazy_greedy")]
    pub name: &'static str,
    /// How it searches.
    pub title: &'static str,
    /// The same at more length.
    pub description: &'static str,
    /// JSON Schema (2020-12) of the object that names it in requests, with defaults and ranges. It stands alone.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Gains that it computes. n: items; k: items chosen.
    #[schema(example = "n k")]
    pub cost: &'static str,
    /// What it holds beside the function and its state.
    #[schema(example = "n words")]
    pub memory: &'static str,
    /// What it earns with its default parameters, for objectives and constraints that stand for their kinds. The plan of
    /// a job (`validate_only`) has the guarantee of that job.
    pub guarantees: Vec<OptimizerGuarantee>,
    /// When it is the one to use.
    pub when_to_use: &'static str,
}

/// What a search earns, or why it earns nothing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OptimizerGuarantee {
    /// The objective.
    #[schema(example = "facility_location")]
    pub objective: &'static str,
    /// The constraint.
    #[schema(example = "k = 10")]
    pub constraint: &'static str,
    /// Whether such a job is taken.
    pub accepted: bool,
    /// The share of the optimum that is promised; null where nothing is.
    #[schema(example = 0.632)]
    pub factor: Option<f64>,
    /// `always`, `expected` (on average over seeds) or `probability`; null without a factor.
    #[schema(example = "always")]
    pub kind: Option<&'static str>,
    /// The promise and its source; null without a factor.
    pub statement: Option<&'static str>,
    /// Why nothing is promised, or why such a job is refused; null with a factor.
    pub reason: Option<&'static str>,
}

/// List the optimizers
///
/// Every search by name: a JSON Schema of its parameters, how many gains it computes, what it promises for which
/// objectives and constraints, and when to use it.
#[utoipa::path(
    get, path = "/v1/optimizers", tag = "jobs",
    responses((status = 200, description = "The searches", body = OptimizerList)),
    extensions(
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/optimizers"}])),
    ),
)]
pub(in crate::api) async fn list_optimizers() -> Result<Json<&'static OptimizerList>, Problem> {
    static LIST: LazyLock<Result<OptimizerList, Error>> = LazyLock::new(list);
    LIST.as_ref().map(Json).map_err(|error| Problem::internal(error))
}

fn list() -> Result<OptimizerList, Error> {
    let (mut items, cases) = (vec![], cases());
    for (name, component, title) in standalone::alternatives("Optimizer") {
        let (Some((cost, memory, when_to_use)), Some(description)) =
            (about(name), standalone::component(component)["description"].as_str())
        else {
            continue;
        };
        let guarantees = cases.iter().filter_map(|case| case.of(name).transpose());
        let guarantees = guarantees.collect::<Result<_, _>>()?;
        let parameters = standalone::schema(component);
        items.push(OptimizerInfo {
            name,
            title,
            description,
            parameters,
            cost,
            memory,
            guarantees,
            when_to_use,
        });
    }
    Ok(OptimizerList { items })
}

/// An objective and a constraint that stand for their kinds.
struct Case {
    objective: &'static str,
    properties: Properties,
    constraint: &'static str,
    shape: Shape,
}

fn cases() -> Vec<Case> {
    let k = Shape { k: Some(10), matroid: true, ..Shape::default() };
    let groups = Shape { groups: true, partitions: 1, ..k };
    let whole = facility_location::properties(false);
    let one_pass = facility_location::properties(true);
    let case = |objective, properties, constraint, shape| Case { objective, properties, constraint, shape };
    let covers = |constraint, shape| case("facility_location", whole, constraint, shape);
    vec![
        covers("k = 10", k),
        covers("k = 10 and bounds of one list of groups", groups),
        covers(
            "k = 10 and upper bounds of two lists of groups",
            Shape { matroid: false, partitions: 2, ..groups },
        ),
        covers("a budget (knapsack)", Shape { matroid: false, knapsack: true, ..Shape::default() }),
        covers("k = 10 and a least distance", Shape { matroid: false, min_distance: true, ..k }),
        case("facility_location_mi: monotone and submodular, and read in one pass", one_pass, "k = 10", k),
        case("graph_cut with lambda 0.8: submodular, not monotone", graph_cut::properties(0.8), "k = 10", k),
        case(
            "graph_cut with lambda 0.8: submodular, not monotone",
            graph_cut::properties(0.8),
            "none",
            Shape { matroid: true, ..Shape::default() },
        ),
        case("disparity_min of a metric", disparity_min::properties(Triangle::Metric), "k = 10", k),
        case("disparity_sum of a metric", disparity_sum::properties(Triangle::Metric), "k = 10", k),
        case("log_det_mi: neither monotone nor submodular", log_det_mi::properties(), "k = 10", k),
    ]
}

impl Case {
    /// What the search of this name claims; none where there is no such search.
    fn of(&self, name: &str) -> Result<Option<OptimizerGuarantee>, Error> {
        let Some(search) = search(name, &self.properties, &self.shape) else { return Ok(None) };
        let told = |accepted, factor, kind, statement, reason| OptimizerGuarantee {
            objective: self.objective,
            constraint: self.constraint,
            accepted,
            factor,
            kind,
            statement,
            reason,
        };
        Ok(Some(match search?.claim(&self.properties, &self.shape).map(|claim| claim.guarantee) {
            Ok(Guarantee::Factor { factor, kind, statement }) => {
                told(true, Some(factor), Some(kind.name()), Some(statement), None)
            }
            Ok(Guarantee::None { reason }) => told(true, None, None, None, Some(reason)),
            Err(mismatch) => told(false, None, None, None, Some(mismatch.0)),
        }))
    }
}

/// The search with its default parameters, as a job of such a function and rule has it.
fn search(name: &str, objective: &Properties, shape: &Shape) -> Option<Result<Box<dyn Optimizer>, Error>> {
    fn boxed<O: Optimizer + 'static>(search: O) -> Box<dyn Optimizer> {
        Box::new(search)
    }
    let epsilon = defaults::epsilon();
    let lazy = objective.submodular;
    Some(match name {
        "auto" | "greedy" | "lazy_greedy" if shape.knapsack => Ok(boxed(KnapsackGreedy::new(false))),
        "lazy_greedy" => Ok(boxed(LazyGreedy::default())),
        "auto" if lazy => Ok(boxed(LazyGreedy::default())),
        "auto" | "greedy" => Ok(boxed(Greedy)),
        "stochastic_greedy" => StochasticGreedy::new(epsilon).map(boxed),
        "threshold_greedy" => ThresholdGreedy::new(epsilon).map(boxed),
        "adaptive_sequencing" => AdaptiveSequencing::new(epsilon).map(boxed),
        "bidirectional_greedy" => BidirectionalGreedy::new(defaults::pool() as usize).map(boxed),
        "double_greedy" => Ok(boxed(DoubleGreedy::new(false))),
        "random_greedy" => Ok(boxed(RandomGreedy::new(None))),
        "partitioned_greedy" => {
            let inner = move || if lazy { boxed(LazyGreedy::default()) } else { boxed(Greedy) };
            PartitionedGreedy::new(Parts::Random(10), Box::new(inner)).map(boxed)
        }
        "sieve_streaming" => SieveStreaming::new(epsilon).map(boxed),
        "three_sieves" => ThreeSieves::new(epsilon, defaults::rejections()).map(boxed),
        "gist" => gist().map(boxed),
        "exact" => Ok(boxed(Exact::new(defaults::max_evaluations(), None))),
        _ => return None,
    })
}

/// Over a single point: a claim looks at none.
fn gist() -> Result<Gist<Any>, Error> {
    let mut point = MatrixBuilder::new(Kernel::detect(), 1, 1)?;
    point.push(&[0.0])?;
    let distances: Arc<Any> = Arc::new(point.finish()?.into());
    Gist::new(defaults::gist_lambda(), defaults::gist_epsilon(), distances, Triangle::Metric)
}

/// The table: gains, memory, and when it is the one to use.
fn about(name: &str) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match name {
        "auto" => (
            "those of what it chooses",
            "that of what it chooses",
            "Nearly always. It chooses lazy_greedy for submodular objectives and greedy for the others, and the result says \
             which and why.",
        ),
        "greedy" => (
            "n k",
            "n words",
            "Objectives that are not submodular, or when every gain of every step shall be computed.",
        ),
        "lazy_greedy" => (
            "n to n k; about 5 n on embeddings",
            "2 n words",
            "Submodular objectives: the picks of greedy for less.",
        ),
        "stochastic_greedy" => (
            "n ln(1 / epsilon), whatever k is",
            "n words",
            "A large k where lazy_greedy is too slow and a little may be lost on average.",
        ),
        "threshold_greedy" => (
            "(n / epsilon) ln(n / epsilon) at most",
            "n words",
            "A bound on the number of gains that holds in every run and does not depend on k.",
        ),
        "adaptive_sequencing" => (
            "(n / epsilon) ln(n / epsilon) or so, in few rounds",
            "2 n words and a second state",
            "Gains that are cheap many at a time: few rounds instead of k.",
        ),
        "bidirectional_greedy" => (
            "n k - k^2 or so, and pool more each loop",
            "2 n words and a second state",
            "Objectives of which little is known, where also the worst items are to be found (full_ranking).",
        ),
        "double_greedy" => (
            "2 n",
            "log2(n) states",
            "Submodular objectives that are not monotone, with no k: it decides how many items are worth it.",
        ),
        "random_greedy" => {
            ("n k", "n words", "Submodular objectives that are not monotone, with k: the one with a factor.")
        }
        "partitioned_greedy" => (
            "those of its inner search in each part and, with merge, in the union of what the parts chose",
            "n words and a second state; without merge facility_location over all rows stores the similarities of one part \
             at a time",
            "Data that does not fit the memory at once, or parts that are to be searched apart. merge: false with rank_all \
             keeps a gain of every item but one a part, to draw from (kind resample).",
        ),
        "sieve_streaming" => (
            "n ln(k) / epsilon at most; about 30 n",
            "ln(k) / epsilon states",
            "One pass over very many items with a factor that always holds.",
        ),
        "three_sieves" => (
            "n",
            "a state",
            "One pass over very many items in the least memory, where a promise with some probability is enough.",
        ),
        "gist" => (
            "those of lazy_greedy for each of ln(2 / epsilon) / epsilon distances",
            "n words and a second state",
            "Quality and distance together: items that are worth much, no two of them close.",
        ),
        "exact" => (
            "up to all subsets of k, and at most max_evaluations",
            "k states",
            "Small instances, to see how far from the best another search is.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{cases, list};
    use crate::api::standalone;

    #[test]
    fn every_name_of_the_wire_is_explained_with_every_case() {
        let list = list().unwrap();
        let listed: Vec<_> = list.items.iter().map(|optimizer| optimizer.name).collect();
        let known: Vec<_> = standalone::alternatives("Optimizer").iter().map(|(name, ..)| *name).collect();
        assert_eq!(listed, known);
        assert_eq!(known.len(), standalone::component("Optimizer")["oneOf"].as_array().unwrap().len());
        for optimizer in &list.items {
            assert_eq!(optimizer.guarantees.len(), cases().len(), "{}", optimizer.name);
        }
    }
}
