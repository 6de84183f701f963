//! The float64 references on real data, index for index: `tests/data/golden` (each file says how it was made).

use crate::engine::{go, inline, plans};
use fewer::dataset::{Format, Options, Source};
use fewer::jobs::selection::Limits;
use fewer::jobs::spec::SelectionSpec;
use serde_json::{Value, json};
use std::path::Path;
use submodular::tile::Kernel;

fn golden(name: &str) -> Value {
    let path = Path::new("tests/data/golden").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn debian() -> Source {
    let options = Options { id: Some("name".into()), ..Options::default() };
    Source::open(Path::new("tests/data/debian_2k.parquet"), Format::Parquet, &options, u64::MAX).unwrap()
}

/// The 1,797 digits as rows of 64 grey levels.
fn digits() -> Vec<Vec<f32>> {
    let file = std::fs::File::open("tests/data/digits_u8.npy").unwrap();
    let levels: Vec<u8> = npyz::NpyFile::new(std::io::BufReader::new(file)).unwrap().into_vec().unwrap();
    levels.chunks(64).map(|row| row.iter().map(|&x| f32::from(x)).collect()).collect()
}

/// The reference's picks and gains, by both searches, both plans and every kernel of this machine.
fn reproduces(body: &Value, source: &Source, indices: &Value, gains: &Value, value: Option<f64>) {
    let indices: Vec<u32> = serde_json::from_value(indices.clone()).unwrap();
    let gains: Vec<f64> = serde_json::from_value(gains.clone()).unwrap();
    let spec = |optimizer: &str| -> SelectionSpec {
        let mut body = body.clone();
        body["optimizer"] = json!({"name": optimizer});
        serde_json::from_value(body).unwrap()
    };
    let mut cases = vec![];
    for kernel in Kernel::available() {
        if body["objective"]["similarity"]["metric"] == "precomputed" {
            let limits = Limits { memory_bytes: u64::MAX, max_flops: f64::INFINITY, threads: 2, kernel };
            cases.push(("lazy_greedy", "precomputed", limits));
            cases.push(("greedy", "precomputed", limits));
            continue;
        }
        for (plan, limits) in plans(&spec("greedy"), source, kernel) {
            cases.push(("lazy_greedy", plan, limits));
            if plan == "stored_f32" {
                cases.push(("greedy", plan, limits));
            }
        }
    }
    for (threads, (optimizer, plan, limits)) in [1, 2, 7].into_iter().cycle().zip(cases) {
        let result = go(&spec(optimizer), source, &limits, threads).result;
        let case = format!("{optimizer}, {plan}, {}, {threads} threads", result.kernel);
        assert_eq!(result.plan, plan);
        assert_eq!(result.indices, indices, "{case}");
        for (gain, expected) in result.gains.iter().zip(&gains) {
            assert!((gain - expected).abs() <= 1e-5 * expected, "{case}: {gain} {expected}");
        }
        let sum = result.empty_value + result.gains.iter().sum::<f64>();
        assert!((result.objective_value - sum).abs() <= 1e-12 * sum, "{case}");
        if let Some(value) = value {
            assert!((result.objective_value - value).abs() <= 1e-6 * value, "{case}");
        }
        assert!(result.certificate.unwrap().upper_bound >= result.objective_value, "{case}");
    }
}

#[test]
fn debian_is_reproduced() {
    let golden = golden("debian_2k_facility_location");
    let body = json!({"objective": {"name": "facility_location"}, "constraints": {"k": 50}});
    let reference = &golden["reference"];
    let value = reference["objective_value"].as_f64();
    reproduces(&body, &debian(), &reference["indices"], &reference["gains"], value);
}

#[test]
fn debian_with_quotas_is_reproduced() {
    let golden = golden("debian_2k_facility_location_groups");
    let body = json!({"objective": {"name": "facility_location"}, "constraints": golden["constraints"]});
    let reference = &golden["reference"];
    let value = reference["objective_value"].as_f64();
    reproduces(&body, &debian(), &reference["indices"], &reference["gains"], value);
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
        let body = json!({"objective": {"name": "facility_location"}, "constraints": constraints});
        reproduces(&body, &debian(), &case["indices"], &case["gains"], case["objective_value"].as_f64());
    }
}

#[test]
fn the_digits_are_reproduced() {
    let source = inline(&json!({"kind": "vectors", "vectors": digits()}));
    for (name, metric) in
        [("digits_facility_location", "cosine"), ("digits_facility_location_cos2", "cosine_squared")]
    {
        let reference = &golden(name)["reference"];
        let objective = json!({"name": "facility_location", "similarity": {"metric": metric}});
        let body = json!({"objective": objective, "constraints": {"k": 100}});
        reproduces(&body, &source, &reference["selection"], &reference["gains"], reference["f"].as_f64());
    }
}

#[test]
fn the_digits_from_an_initial_subset_are_reproduced() {
    let golden = golden("digits_initial_subset_facility_location");
    let initial = golden["initial_subset"].as_array().unwrap();
    let source = inline(&json!({"kind": "vectors", "vectors": digits()}));
    let k = golden["k"].as_u64().unwrap() + initial.len() as u64;
    let constraints = json!({"k": k, "include": initial});
    let spec = json!({"objective": {"name": "facility_location"}, "constraints": constraints});
    let spec: SelectionSpec = serde_json::from_value(spec).unwrap();
    for (_, limits) in plans(&spec, &source, Kernel::detect()) {
        let result = go(&spec, &source, &limits, 2).result;
        let chosen = &result.indices[initial.len()..];
        assert_eq!(json!(chosen), golden["reference"]["selection"]);
        let gains: Vec<f64> = serde_json::from_value(golden["reference"]["gains"].clone()).unwrap();
        for (gain, expected) in result.gains[initial.len()..].iter().zip(gains) {
            assert!((gain - expected).abs() <= 1e-5 * expected);
        }
    }
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
    let reference = &golden["reference"];
    reproduces(&body, &source, &reference["selection"], &reference["gains"], reference["f"].as_f64());
}
