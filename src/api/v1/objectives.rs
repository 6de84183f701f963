//! `/v1/objectives`: the set functions, their parameters, and what is known of them.
//!
//! Names, sentences, formulas and parameters are the document's own, properties the core's; what else there is to say is
//! the table below.

use crate::api::standalone;
use axum::Json;
use serde::Serialize;
use serde_json::Value;
use std::sync::LazyLock;
use submodular::Properties;
use submodular::committee::Rule;
use submodular::objective::{
    Triangle, committee, concave_over_sums, disparity_min, disparity_sum, facility_location, graph_cut,
    graph_cut_cg, graph_cut_mi, log_det, log_det_cg, log_det_mi, modular, probabilistic_set_cover,
    sum_redundancy,
};
use utoipa::ToSchema;

/// The set functions there are.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ObjectiveList {
    /// One a name.
    pub items: Vec<ObjectiveInfo>,
}

/// A set function.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ObjectiveInfo {
    /// Its name in requests.
    #[schema(example = "graph_cut")]
    pub name: &'static str,
    /// What it measures.
    pub title: &'static str,
    /// Its value.
    #[schema(example = "f(S) = sum of the scores of S.")]
    pub formula: &'static str,
    /// JSON Schema (2020-12) of the object that names it in requests, with defaults and ranges. It stands alone.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// What is known of it.
    pub properties: ObjectiveProperties,
    /// Whether `similarity` takes `neighbors`: a search may look at a graph of nearest neighbours instead of all pairs.
    pub neighbors: bool,
    /// What a gain takes. n: items; d: coordinates of a vector; k: items chosen. A similarity that is not stored takes
    /// 2 d floating-point operations.
    #[schema(example = "n similarities")]
    pub cost: &'static str,
    /// What the function and its state hold beside the data and stored similarities, in words of 8 bytes.
    #[schema(example = "n words")]
    pub memory: &'static str,
    /// When it is the one to use.
    pub when_to_use: &'static str,
}

/// What is known of a set function: whether it holds, or when.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ObjectiveProperties {
    /// Adding an item never lowers the value.
    pub monotone: Holds,
    /// Gains never rise as the set grows.
    pub submodular: Holds,
    /// The value of the empty set is 0.
    pub normalised: Holds,
    /// No value is negative.
    pub nonnegative: Holds,
    /// Gains do not depend on the set.
    pub modular: Holds,
    /// A gain can be computed without all items in memory: searches in one pass take it.
    pub streamable: Holds,
}

/// Whether a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Holds {
    /// For all parameters, or for none.
    Always(bool),
    /// Under this condition.
    When(&'static str),
}

/// List the objectives
///
/// Every set function by name: a JSON Schema of its parameters, its formula, when it is monotone and submodular, what a gain
/// takes, and when to use it.
#[utoipa::path(
    get, path = "/v1/objectives", tag = "jobs",
    responses((status = 200, description = "The set functions", body = ObjectiveList)),
    extensions(
        ("x-codeSamples" = json!([{"lang": "Shell", "source": "curl -fsS http://127.0.0.1:8080/v1/objectives"}])),
    ),
)]
pub(in crate::api) async fn list_objectives() -> Json<&'static ObjectiveList> {
    static LIST: LazyLock<ObjectiveList> = LazyLock::new(list);
    Json(&LIST)
}

fn list() -> ObjectiveList {
    let known = standalone::alternatives("Objective").into_iter();
    let items = known.filter_map(|(name, component, title)| {
        let About { properties, when, neighbors, cost, memory, when_to_use } = about(name)?;
        let holds = |property: &str, always: bool| {
            let condition = when.iter().find(|(of, _)| *of == property);
            condition.map_or(Holds::Always(always), |(_, condition)| Holds::When(condition))
        };
        Some(ObjectiveInfo {
            name,
            title,
            formula: standalone::component(component)["description"].as_str()?,
            parameters: standalone::schema(component),
            properties: ObjectiveProperties {
                monotone: holds("monotone", properties.monotone),
                submodular: holds("submodular", properties.submodular),
                normalised: holds("normalised", properties.normalised),
                nonnegative: holds("nonnegative", properties.nonnegative),
                modular: holds("modular", properties.modular),
                streamable: holds("streamable", properties.streamable),
            },
            neighbors,
            cost,
            memory,
            when_to_use,
        })
    });
    ObjectiveList { items: items.collect() }
}

struct About {
    /// For the default parameters.
    properties: Properties,
    /// The properties that depend on parameters, and when they hold.
    when: &'static [(&'static str, &'static str)],
    neighbors: bool,
    cost: &'static str,
    memory: &'static str,
    when_to_use: &'static str,
}

const OF_NO_PART: &[(&str, &str)] = &[
    ("monotone", "every part is"),
    ("submodular", "every part is"),
    ("normalised", "every part is"),
    ("nonnegative", "every part is"),
    ("modular", "every part is"),
    ("streamable", "every part is"),
];
const DEFINITE: &str =
    "the kernel is positive semidefinite: with every metric but cosine, euclidean_gap and precomputed";

/// The table.
fn about(name: &str) -> Option<About> {
    let about = |properties, cost, memory, when_to_use| About {
        properties,
        when: &[],
        neighbors: false,
        cost,
        memory,
        when_to_use,
    };
    Some(match name {
        "facility_location" => About {
            when: &[("streamable", "represented is given")],
            neighbors: true,
            ..about(
                facility_location::properties(false),
                "a similarity for each represented row",
                "a word for each represented row",
                "The default: exemplars of a data set, coresets for training, summaries. It covers clusters and ignores \
                 outliers.",
            )
        },
        "graph_cut" => About {
            when: &[("monotone", "lambda <= 0.5"), ("nonnegative", "lambda <= 1"), ("modular", "lambda = 0")],
            neighbors: true,
            ..about(
                graph_cut::properties(0.4),
                "a word read; n similarities for each item chosen, and n^2 before the first",
                "6 n words",
                "Typical items that are not alike, with one number to trade the one for the other. The fastest gains of \
                 those that look at all pairs.",
            )
        },
        "saturated_coverage" => About {
            neighbors: true,
            ..about(
                concave_over_sums::properties(false, 0.0),
                "n similarities; n^2 before the first",
                "4 n words",
                "As facility_location, but a row is content when several chosen items together are like it enough.",
            )
        },
        "sum_redundancy" => about(
            sum_redundancy::properties(),
            "a word read; n similarities for each item chosen",
            "6 n words",
            "Diversity alone: a part of a mixture with something that asks for quality.",
        ),
        "feature_based" => about(
            concave_over_sums::properties(true, 0.0),
            "d coordinates",
            "4 d words",
            "Vectors whose coordinates count something: words, n-grams, topics, activations. Linear in the data: the \
             choice for very many items.",
        ),
        "set_cover" => about(
            facility_location::properties(true),
            "d coordinates",
            "2 d words",
            "Items that have concepts or not, each of which shall be had once.",
        ),
        "probabilistic_set_cover" => about(
            probabilistic_set_cover::properties(),
            "d coordinates",
            "4 d words",
            "Items that have concepts with a probability, as classifiers tell them.",
        ),
        "log_det" => About {
            when: &[
                ("monotone", "ridge >= 1, and the kernel is positive semidefinite"),
                ("submodular", DEFINITE),
                ("nonnegative", "ridge >= 1, and the kernel is positive semidefinite"),
            ],
            ..about(
                log_det::properties(true, 1.0),
                "a similarity, and k multiplications, for each item chosen since the gain was last asked",
                "k + 6 words for each item that is asked for",
                "Diversity in earnest: the most probable set of a determinantal point process. Outliers are chosen early.",
            )
        },
        "disparity_sum" => about(
            disparity_sum::properties(Triangle::Metric),
            "a word read; n distances for each item chosen",
            "6 n words",
            "Items that are far apart on average; it likes the rim of the data.",
        ),
        "disparity_min" => about(
            disparity_min::properties(Triangle::Metric),
            "a word read; n distances for each item chosen",
            "n words",
            "No two items close to each other: k-center, farthest-first. Outliers are chosen first.",
        ),
        "modular" => About {
            when: &[("monotone", "no score is negative"), ("nonnegative", "no score is negative")],
            ..about(
                modular::properties(&[]),
                "a word read",
                "n words",
                "The items of the best scores, under constraints; or a part of a mixture that stands for quality.",
            )
        },
        "committee" => About {
            when: &[
                ("submodular", "owa does not rise, as that of every named rule"),
                ("modular", "the rule is sntv, bloc, k_borda, geometric, harmonic or positional"),
            ],
            ..about(
                committee::properties(&Rule::KBorda, 0.0),
                "a score for each voter, found among those of the members; a word read where the rule is modular",
                "a word for each voter and member",
                "Candidates that many voters have ranked: panels, shortlists, results of several rankers. Modular rules \
                 are exact under any quotas; chamberlin_courant and pav give minorities their share.",
            )
        },
        "external" => About {
            when: &[
                ("monotone", "vouched for"),
                ("submodular", "vouched for"),
                ("nonnegative", "vouched for"),
            ],
            ..about(
                Properties::default(),
                "an answer of the caller's",
                "a word for each answer and item of its set",
                "What no formula says: the accuracy of a model trained on the chosen, a simulation, a person's judgement.",
            )
        },
        "mixture" => About {
            when: OF_NO_PART,
            ..about(
                Properties::default(),
                "that of all parts",
                "that of all parts",
                "Several things at once: coverage and quality, diversity and relevance. normalize makes the weights \
                 comparable.",
            )
        },
        "facility_location_mi" => about(
            facility_location::properties(true),
            "a similarity for each row of the query",
            "2 n words, and a word for each row of the query",
            "Items like a query that together cover all of it: targeted learning with few examples.",
        ),
        "facility_location_vmi" => about(
            facility_location::properties(false),
            "n similarities",
            "2 n words",
            "Exemplars of that part of the data which is like a query.",
        ),
        "facility_location_cg" => About {
            neighbors: true,
            ..about(
                facility_location::properties(false),
                "n similarities",
                "2 n words",
                "Exemplars of what is not had already, or of what is to be kept away from private rows.",
            )
        },
        "facility_location_cmi" => about(
            facility_location::properties(false),
            "n similarities",
            "2 n words",
            "Exemplars of what is like a query and not had already.",
        ),
        "graph_cut_mi" => about(
            graph_cut_mi::properties(),
            "a word read; a similarity for each item and row of the query before the first",
            "2 n words",
            "Retrieval alone: the items most like the query, which may be like each other.",
        ),
        "graph_cut_cg" => about(
            graph_cut_cg::properties(),
            "a word read; n similarities for each item chosen, and n^2 before the first",
            "6 n words",
            "As graph_cut, away from what is had already.",
        ),
        "concave_over_modular" => about(
            concave_over_sums::properties(true, 0.0),
            "a similarity for each row of the query",
            "2 n words, and 4 for each row of the query",
            "Items like a query, with a concave function to say how soon enough is enough.",
        ),
        "log_det_mi" => about(
            log_det_mi::properties(),
            "two gains of log_det, the one with the rows of the query chosen before",
            "2 (k + 6) words, and one for each row of the query, for each item that is asked for",
            "Items like a query that differ from each other. No factor is known: facility_location_mi has one.",
        ),
        "log_det_cg" => About {
            when: &[
                ("monotone", "ridge >= 1, nu <= 1, and the kernel is positive semidefinite"),
                ("submodular", "nu <= 1, and the kernel is positive semidefinite"),
                ("nonnegative", "ridge >= 1, nu <= 1, and the kernel is positive semidefinite"),
            ],
            ..about(
                log_det_cg::properties(true, 1.0, 1.0),
                "a gain of log_det with the private rows chosen before",
                "k + 6 words, and one for each private row, for each item that is asked for",
                "Diversity among the chosen and towards what is had already.",
            )
        },
        "log_det_cmi" => about(
            log_det_mi::properties(),
            "two gains of log_det with rows chosen before",
            "2 (k + 6) words, and one for each row of both, for each item that is asked for",
            "Items like a query, and neither like each other nor like what is had already. No factor is known.",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{about, list};
    use crate::api::standalone;
    use submodular::Properties;
    use submodular::objective::{graph_cut, log_det, log_det_cg, modular};

    #[test]
    fn every_name_of_the_wire_is_explained() {
        let listed: Vec<_> = list().items.iter().map(|objective| objective.name).collect();
        let known: Vec<_> = standalone::alternatives("Objective").iter().map(|(name, ..)| *name).collect();
        assert_eq!(listed, known);
        let union = standalone::component("Objective")["oneOf"].as_array().unwrap();
        assert_eq!(known.len(), union.len());
    }

    /// What changes between the two is what the table says depends on a parameter.
    #[test]
    fn what_depends_on_parameters_is_what_the_core_lets_depend() {
        let fields = |p: Properties| {
            [
                ("monotone", p.monotone),
                ("submodular", p.submodular),
                ("normalised", p.normalised),
                ("nonnegative", p.nonnegative),
                ("modular", p.modular),
                ("streamable", p.streamable),
            ]
        };
        let depends = |of: &[Properties]| {
            let names = fields(of[0]).into_iter().enumerate();
            let differs = |at: usize| of.iter().any(|p| fields(*p)[at].1 != fields(of[0])[at].1);
            names.filter(|(at, _)| differs(*at)).map(|(_, (name, _))| name).collect::<Vec<_>>()
        };
        let wide = |cases: &[(&str, Vec<Properties>)]| {
            for (name, of) in cases {
                let told: Vec<_> = about(name).unwrap().when.iter().map(|(property, _)| *property).collect();
                assert_eq!(told, depends(of), "{name}");
            }
        };
        wide(&[
            ("graph_cut", [0.0, 0.5, 0.6, 1.0, 1.1].map(graph_cut::properties).into()),
            (
                "log_det",
                vec![
                    log_det::properties(true, 1.0),
                    log_det::properties(true, 0.9),
                    log_det::properties(false, 1.0),
                ],
            ),
            (
                "log_det_cg",
                vec![
                    log_det_cg::properties(true, 1.0, 1.0),
                    log_det_cg::properties(true, 1.1, 1.0),
                    log_det_cg::properties(true, 1.0, 0.9),
                ],
            ),
            ("modular", vec![modular::properties(&[1.0]), modular::properties(&[-1.0])]),
        ]);
        assert!(graph_cut::properties(0.5).monotone && !graph_cut::properties(0.51).monotone);
        assert!(graph_cut::properties(1.0).nonnegative && !graph_cut::properties(1.01).nonnegative);
    }
}
