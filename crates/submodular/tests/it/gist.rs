//! GIST against the page, against every subset of small ground sets, and its refusals.

use crate::support::{distances, facility_location, go, matrix, optimum, tall, value};
use serde_json::Value;
use std::sync::Arc;
use submodular::constraint::{Constraint, Groups};
use submodular::guarantee::Guarantee;
use submodular::objective::modular::Modular;
use submodular::objective::{FacilityLocation, Objective, Reduction, Triangle};
use submodular::optimizer::{Gist, Optimizer};
use submodular::sampling::{below, stream};
use submodular::{Item, Problem};

fn page(name: &str) -> Vec<f32> {
    let golden: Value = serde_json::from_str(include_str!("../data/field_golden.json")).unwrap();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden[name].clone()).unwrap();
    rows.concat()
}

#[test]
fn the_worked_example_is_reproduced() {
    let f = Arc::new(FacilityLocation::new(matrix(8, &page("similarity")), None, Reduction::Sum).unwrap());
    let problem = Problem::new(f, Arc::new(Groups::cardinality(3)), &[], &[], 0).unwrap();
    let mut gist = Gist::new(2.0, 0.25, Arc::new(matrix(8, &page("distance"))), Triangle::Metric).unwrap();
    let chosen = go(problem, &mut gist).selection;
    let mut items = chosen.items.clone();
    items.sort_unstable();
    assert_eq!(items, [2, 7]);
    assert!((chosen.optimized.unwrap() - 10.20768079).abs() < 1e-5, "{chosen:?}");
    assert_eq!(chosen.certificate, None);
}

/// The definition: greedy on f, the farthest pair, greedy at every threshold, none skipped.
fn definition(
    f: &Arc<dyn Objective>,
    d: &dyn Fn(Item, Item) -> f64,
    k: usize,
    lambda: f64,
    epsilon: f64,
) -> f64 {
    let n = f.len() as Item;
    let pairs = || (0..n).flat_map(|i| (0..i).map(move |j| (j, i)));
    let wide = pairs().map(|(i, j)| d(i, j)).fold(0.0, f64::max);
    let whole = |set: &[Item]| {
        let least = set.iter().flat_map(|&i| set.iter().filter(move |&&j| j < i).map(move |&j| d(i, j)));
        value(f, set) + lambda * least.reduce(f64::min).unwrap_or(wide)
    };
    let greedy = |threshold: f64| {
        let mut set: Vec<Item> = vec![];
        while set.len() < k {
            let open = (0..n).filter(|&e| !set.contains(&e) && set.iter().all(|&s| d(s, e) >= threshold));
            let gain = |e: Item| value(f, &[&set[..], &[e]].concat());
            let Some(e) = open.rev().max_by(|&a, &b| gain(a).total_cmp(&gain(b))) else { break };
            set.push(e);
        }
        whole(&set)
    };
    let mut best = greedy(0.0);
    if k >= 2 {
        let (i, j) = pairs().max_by(|a, b| d(a.0, a.1).total_cmp(&d(b.0, b.1))).unwrap();
        best = best.max(whole(&[i, j]));
    }
    for i in 0.. {
        let power = (1.0 + epsilon).powi(i);
        if power > 2.0 / epsilon {
            return best;
        }
        best = best.max(greedy(power * epsilon * wide / 2.0));
    }
    best
}

#[test]
fn thresholds_that_are_skipped_would_not_have_changed_the_answer() {
    for seed in 0..30 {
        let (n, k, lambda) = (14, 1 + seed as usize % 6, [0.3, 2.0, 9.0][seed as usize % 3]);
        let (f, distance) = (facility_location(n, 2 * seed), Arc::new(distances(n, 2 * seed)));
        let problem = Problem::new(f.clone(), Arc::new(Groups::cardinality(k)), &[], &[], 0).unwrap();
        let mut gist = Gist::new(lambda, 0.1, distance.clone(), Triangle::Metric).unwrap();
        let chosen = go(problem, &mut gist).selection;
        let d = |i: Item, j: Item| f64::from(distance.column(j)[i as usize]);
        let expected = definition(&f, &d, k, lambda, 0.1);
        assert!(
            (chosen.optimized.unwrap() - expected).abs() < 1e-9,
            "seed {seed}: {chosen:?}, not {expected}"
        );
    }
}

#[test]
fn the_answer_keeps_its_factor_also_beside_included_items() {
    for seed in 0..500 {
        let mut rng = stream(seed, 4);
        let n = 4 + below(5, &mut rng) as usize;
        let k = 1 + below(5.min(n as u64 - 1), &mut rng) as usize;
        let distance = Arc::new(distances(n, seed));
        let scores: Vec<f64> = (0..n).map(|_| below(9, &mut rng) as f64 / 8.0).collect();
        let f: Arc<dyn Objective> = match seed % 2 {
            0 => Arc::new(Modular::new(scores).unwrap()),
            _ => tall(3, n, seed),
        };
        let lambda = [0.1, 1.0, 3.0, 30.0][below(4, &mut rng) as usize];
        let include: Vec<Item> = (0..(seed as Item % 4).min(k as Item)).collect();
        let allowed: Vec<Item> = (0..n as Item - 1).collect();
        let d = |i: Item, j: Item| f64::from(distance.column(j)[i as usize]);
        let least = |set: &[Item], start: f64, f: fn(f64, f64) -> f64| {
            set.iter()
                .flat_map(|&i| set.iter().filter(move |&&j| j < i).map(move |&j| d(i, j)))
                .fold(start, f)
        };
        let wide = least(&allowed, 0.0, f64::max);
        let whole = |set: &[Item]| {
            let div = if set.len() < 2 { wide } else { least(set, f64::INFINITY, f64::min) };
            value(&f, set) + lambda * div
        };
        let best = optimum(&allowed, &include, |set| set.len() <= k, whole);
        let problem =
            Problem::new(f.clone(), Arc::new(Groups::cardinality(k)), &include, &[n as Item - 1], 0).unwrap();
        let mut gist = Gist::new(lambda, 0.05, distance.clone(), Triangle::Metric).unwrap();
        let claim = gist.claim(&f.properties(), &problem.constraint().shape()).unwrap();
        let Guarantee::Factor { factor, .. } = claim.guarantee else { panic!("no factor") };
        assert!((factor - if seed % 2 == 0 { 2.0 / 3.0 - 0.05 } else { 0.45 }).abs() < 1e-12);
        let chosen = go(problem, &mut gist).selection;
        let found = chosen.optimized.unwrap();
        assert!(chosen.items.starts_with(&include) && chosen.items.len() <= k);
        assert!((found - whole(&chosen.items)).abs() < 1e-6, "seed {seed}: {chosen:?}");
        assert!((chosen.value() - value(&f, &chosen.items)).abs() < 1e-9);
        assert!(found >= factor * best - 1e-6, "seed {seed}: {found} of {best}");
    }
}

#[test]
fn what_is_no_metric_earns_nothing_and_what_is_no_distance_is_refused() {
    let f = facility_location(5, 0).properties();
    let k = Groups::cardinality(3).shape();
    let gist = |triangle| Gist::new(1.0, 0.05, Arc::new(distances(5, 0)), triangle).unwrap();
    for triangle in [Triangle::Squared, Triangle::Unknown] {
        assert!(matches!(gist(triangle).claim(&f, &k).unwrap().guarantee, Guarantee::None { .. }));
    }
    assert!(gist(Triangle::Metric).claim(&f, &crate::support::quotas(9, 4).shape()).is_err());
    let new =
        |lambda, epsilon, s: &[f32]| Gist::new(lambda, epsilon, Arc::new(matrix(2, s)), Triangle::Metric);
    assert!(new(1.0, 0.05, &[0.0, 1.0, 1.0, 0.0]).is_ok());
    assert!(new(1.0, 0.05, &[0.0, 1.0, 2.0, 0.0]).is_err());
    assert!(new(1.0, 0.05, &[0.0, 1.0, 2.0, 0.0, 1.0, 2.0]).is_err());
    assert!(new(-1.0, 0.05, &[0.0, 1.0, 1.0, 0.0]).is_err());
    assert!(new(1.0, 1.0, &[0.0, 1.0, 1.0, 0.0]).is_err());
}
