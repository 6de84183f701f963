//! Every other objective against the float64 references on real data, index for index wherever 32 bits can tell two
//! items apart.

use crate::reference::{
    Reference, SUBMODULAR, debian, digits, golden, numbers, reproduces, reproduces_by, vectors,
};
use serde_json::{Value, json};
use submodular::tile::Kernel;

fn job(objective: &Value, k: usize) -> Value {
    json!({"objective": objective, "constraints": {"k": k}})
}

#[test]
fn saturated_coverage_is_reproduced_below_and_at_its_cap() {
    let golden_of_packages = golden("debian_2k_saturated_coverage");
    for alpha in ["0.1", "0.035"] {
        let run = &golden_of_packages[format!("alpha_{alpha}")];
        let objective = json!({"name": "saturated_coverage", "alpha": run["alpha"]});
        reproduces(&job(&objective, 50), &debian(), &SUBMODULAR, &Reference::of(run));
    }
    let run = &golden("digits_saturated_coverage_alpha0.1")["reference"];
    let objective = json!({"name": "saturated_coverage"});
    reproduces(&job(&objective, 100), &vectors(&digits()), &SUBMODULAR, &Reference::of(run));
}

#[test]
fn graph_cut_and_sum_redundancy_are_reproduced() {
    let run = &golden("debian_2k_graph_cut")["reference"];
    reproduces(&job(&json!({"name": "graph_cut"}), 50), &debian(), &SUBMODULAR, &Reference::of(run));
    let source = vectors(&digits());
    for (name, objective) in
        [("digits_graph_cut_lambda0.4", "graph_cut"), ("digits_sum_redundancy", "sum_redundancy")]
    {
        let reference = Reference::of(&golden(name)["reference"]);
        reproduces(&job(&json!({"name": objective}), 100), &source, &SUBMODULAR, &reference);
    }
}

#[test]
fn feature_based_is_reproduced_with_each_concave_function_and_scaling() {
    let objective = json!({"name": "feature_based", "negative": "clip"});
    let run = &golden("debian_2k_feature_based_sqrt")["reference"];
    reproduces(&job(&objective, 50), &debian(), &SUBMODULAR, &Reference::of(run));

    let levels = digits();
    for (name, concave) in [("digits_feature_based_sqrt", "sqrt"), ("digits_feature_based_log", "log")] {
        let objective = json!({"name": "feature_based", "concave": concave});
        let reference = Reference::of(&golden(name)["reference"]);
        reproduces(&job(&objective, 100), &vectors(&levels), &SUBMODULAR, &reference);
    }

    // What another library does to the features first; a column of one value stays 0.
    let extreme =
        |column: usize, pick: fn(f32, f32) -> f32| levels.iter().map(|row| row[column]).reduce(pick).unwrap();
    let ranges: Vec<(f32, f32)> = (0..64).map(|c| (extreme(c, f32::min), extreme(c, f32::max))).collect();
    let scale = |(x, (low, high)): (&f32, &(f32, f32))| (x - low) / (high - low).max(1.0);
    let scaled: Vec<Vec<f32>> =
        levels.iter().map(|row| row.iter().zip(&ranges).map(scale).collect()).collect();
    let reference = Reference::of(&golden("digits_feature_based_sqrt_minmax")["reference"]);
    reproduces(&job(&json!({"name": "feature_based"}), 100), &vectors(&scaled), &SUBMODULAR, &reference);
}

#[test]
fn the_covers_are_reproduced() {
    let levels = digits();
    // An item has the concept of a pixel of at least half the light.
    let objective = json!({"name": "set_cover", "threshold": 7.5});
    let reference = Reference::of(&golden("digits_set_cover")["reference"]);
    reproduces(&job(&objective, 20), &vectors(&levels), &SUBMODULAR, &reference);

    let light: Vec<Vec<f32>> = levels.iter().map(|row| row.iter().map(|x| x / 16.0).collect()).collect();
    let objective = json!({"name": "probabilistic_set_cover"});
    let reference = Reference::of(&golden("digits_prob_set_cover")["reference"]);
    reproduces(&job(&objective, 50), &vectors(&light), &SUBMODULAR, &reference);
}

/// Every first gain is ln 2, and the first few of the packages' are a rounding error apart. Of a clipped kernel nothing
/// is known, so every gain has to be computed.
#[test]
fn log_det_is_reproduced() {
    let run = &golden("digits_log_det_lambda1")["reference"];
    let objective = json!({"name": "log_det"});
    reproduces(&job(&objective, 100), &vectors(&digits()), &SUBMODULAR, &Reference::of(run));

    let runs = golden("debian_2k_log_det");
    let (clipped, signed) = (&runs["metric_cosine"], &runs["metric_dot"]);
    for (metric, run, searches) in [
        ("cosine_signed", signed, &SUBMODULAR[..]),
        ("dot", signed, &SUBMODULAR),
        ("cosine", clipped, &["greedy"]),
    ] {
        let objective = json!({"name": "log_det", "similarity": {"metric": metric}});
        reproduces(&job(&objective, 50), &debian(), searches, &Reference::of(run));
    }
}

/// Rows are of length 1, so the Euclidean distance is sqrt(2 d) of the cosine distance d.
#[test]
fn disparity_min_is_reproduced_from_both_starts() {
    let runs = golden("debian_2k_disparity_min");
    for (start, run) in [("lowest", "start_item_0"), ("farthest_pair", "start_farthest_pair")] {
        let run = &runs[run];
        let pair = run["pair_distance"].as_f64();
        for (distance, of_cosine, value) in [
            ("cosine", (|d| d) as fn(f64) -> f64, "objective_value"),
            ("euclidean", |d| (2.0 * d).sqrt(), "objective_value_euclidean"),
        ] {
            // f after each pick is the smallest distance so far, which is the last.
            let nearest = pair.into_iter().chain(numbers(&run["distance_to_chosen"])).map(of_cosine);
            let values: Vec<f64> = [0.0, 0.0].into_iter().chain(nearest).collect();
            let mut reference = Reference::of(run);
            reference.gains = values.windows(2).map(|pair| Some(pair[1] - pair[0])).collect();
            let given = reference.items.len() - reference.gaps.len();
            reference.gaps.splice(0..0, std::iter::repeat_n(None, given));
            reference.value = run[value].as_f64();
            reference.scale = 0.5;
            let objective = json!({"name": "disparity_min", "distance": distance, "start": start});
            reproduces_by(Kernel::detect(), &job(&objective, 20), &debian(), &["greedy"], &reference);
        }
    }
}

#[test]
fn facility_location_for_a_query_and_beside_private_rows_is_reproduced() {
    let runs = golden("debian_2k_facility_location_mi");
    let objective = json!({"name": "facility_location_mi", "query": {"rows": runs["params"]["query_rows"]}});
    for run in ["ground_set_all_rows", "ground_set_without_the_queries"] {
        let constraints = json!({"k": 20, "exclude": runs[run]["exclude"]});
        let body = json!({"objective": objective, "constraints": constraints});
        reproduces(&body, &debian(), &SUBMODULAR, &Reference::of(&runs[run]));
    }
    let run = golden("debian_2k_facility_location_cg");
    let objective =
        json!({"name": "facility_location_cg", "private": {"rows": run["params"]["private_rows"]}});
    reproduces(&job(&objective, 20), &debian(), &SUBMODULAR, &Reference::of(&run["reference"]));
}
