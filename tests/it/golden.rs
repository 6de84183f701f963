//! Facility location against the float64 references on real data, index for index.

use crate::engine::{go, inline, plans};
use crate::reference::{
    Reference, SUBMODULAR, debian, digits, golden, numbers, reproduces, reproduces_by, spec, vectors,
};
use fewer::dataset::Column;
use serde_json::{Value, json};
use submodular::tile::Kernel;

fn facility_location(constraints: Value) -> Value {
    json!({"objective": {"name": "facility_location"}, "constraints": constraints})
}

#[test]
fn debian_is_reproduced() {
    let reference = Reference::of(&golden("debian_2k_facility_location")["reference"]);
    reproduces(&facility_location(json!({"k": 50})), &debian(), &SUBMODULAR, &reference);
}

#[test]
fn debian_with_quotas_is_reproduced() {
    let golden = golden("debian_2k_facility_location_groups");
    let constraints = json!({"k": 50, "groups": [golden["constraints"]["groups"]]});
    // Quotas leave fewer sets than the recorded bound is of.
    let reference = Reference { upper_bound: None, ..Reference::of(&golden["reference"]) };
    reproduces(&facility_location(constraints), &debian(), &SUBMODULAR, &reference);
}

#[test]
fn debian_with_included_and_excluded_items_is_reproduced() {
    let golden = golden("debian_2k_include_exclude");
    for case in [
        "include_3",
        "exclude_0_to_4",
        "exclude_first_five_of_greedy",
        "include_3_exclude_first_five_of_greedy",
    ] {
        let case = &golden[case];
        let constraints = json!({"k": 20, "include": case["include"], "exclude": case["exclude"]});
        reproduces(&facility_location(constraints), &debian(), &SUBMODULAR, &Reference::of(case));
    }
}

#[test]
fn the_digits_are_reproduced_by_three_similarities() {
    let source = vectors(&digits());
    for (name, metric) in [
        ("digits_facility_location", "cosine"),
        ("digits_facility_location_cos2", "cosine_squared"),
        ("digits_facility_location_euclidean", "euclidean_gap"),
    ] {
        let objective = json!({"name": "facility_location", "similarity": {"metric": metric}});
        let body = json!({"objective": objective, "constraints": {"k": 100}});
        reproduces(&body, &source, &SUBMODULAR, &Reference::of(&golden(name)["reference"]));
    }
}

#[test]
fn the_digits_from_an_initial_subset_are_reproduced() {
    let golden = golden("digits_initial_subset_facility_location");
    let initial: Vec<u32> = serde_json::from_value(golden["initial_subset"].clone()).unwrap();
    let body = facility_location(json!({"k": 50 + initial.len(), "include": initial}));
    let reference = Reference::of(&golden["reference"]).after(&initial);
    reproduces(&body, &vectors(&digits()), &SUBMODULAR, &reference);
}

/// Squared distances of grey levels are integers, so ties are exact and go to the lowest index.
#[test]
fn the_digits_by_a_precomputed_similarity_are_reproduced() {
    let rows = digits();
    let squared = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>();
    let distances: Vec<Vec<f32>> =
        rows.iter().map(|a| rows.iter().map(|b| squared(a, b)).collect()).collect();
    let largest = distances.iter().flatten().copied().fold(0.0, f32::max);
    let similarity: Vec<Vec<f32>> =
        distances.iter().map(|row| row.iter().map(|d| largest - d).collect()).collect();
    let source = inline(&json!({"kind": "similarity", "similarity": similarity}));
    let golden = golden("digits_facility_location_euclidean");
    let objective = json!({"name": "facility_location", "similarity": {"metric": "precomputed"}});
    let body = json!({"objective": objective, "constraints": {"k": golden["k"]}});
    reproduces_by(Kernel::detect(), &body, &source, &SUBMODULAR, &Reference::of(&golden["reference"]));
}

/// The best of three searches under a budget, each of which wins somewhere: by gain per cost over the whole budget, by
/// gain where k keeps the many cheap items out, and the best single item where k is 1.
#[test]
fn a_budget_is_spent_as_by_the_reference() {
    let debian_runs = &golden("debian_2k_knapsack")["runs"];
    let digits_runs = &golden("digits_knapsack_facility_location")["reference"];
    let sizes = numbers(&json!((0..1797).map(|i| 1 + i % 5).collect::<Vec<_>>()));
    let (packages, levels) = (debian(), vectors(&digits()));
    let Column::Integers(installed) = packages.column("installed_size").unwrap() else {
        panic!("sizes are whole numbers");
    };
    let installed: Vec<f64> = installed.into_iter().map(|size| size.unwrap() as f64).collect();
    let knapsack = |costs: &Value, budget: f64| json!({"costs": costs, "budget": budget, "enumerate": 0});
    let of_packages = knapsack(&json!({"column": "installed_size"}), 50_000.0);
    let of_levels = knapsack(&json!({"values": sizes}), 60.0);
    let whole = Value::Null;
    for (source, knapsack, costs, k, run) in [
        (&packages, &of_packages, Some(&installed), &whole, &debian_runs["ratio_greedy"]),
        (&packages, &of_packages, None, &json!(46), &debian_runs["plain_greedy"]),
        (&packages, &of_packages, None, &json!(1), &debian_runs["best_single"]),
        (&levels, &of_levels, Some(&sizes), &whole, &digits_runs["ratio"]),
        (&levels, &of_levels, None, &json!(22), &digits_runs["plain"]),
    ] {
        let body = facility_location(json!({"k": k, "knapsack": knapsack}));
        // The last of many cheap items gain a hundred-thousandth of what the first does.
        let reference = Reference { costs: costs.cloned(), scale: 4.0, ..Reference::of(run) };
        for (plan, limits) in plans(&spec(&body, &[], "auto"), source, Kernel::detect()) {
            reference.hold(&format!("k {k}, {plan}"), &|included| {
                let ran = go(&spec(&body, included, "auto"), source, &limits, 2);
                let result = &ran.result;
                assert!(result.complete);
                if result.indices == reference.items {
                    assert_eq!(result.cost, run["cost"].as_f64());
                }
                assert!(result.certificate.as_ref().unwrap().upper_bound >= result.objective_value);
                ran
            });
        }
    }
}
