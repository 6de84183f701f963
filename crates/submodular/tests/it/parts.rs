//! Two rounds on parts, against the page and against every subset of small ground sets.

use crate::support::{facility_location, go, matrix, optimum, quotas, tall, value};
use serde_json::Value;
use std::sync::Arc;
use submodular::constraint::{Constraint, Groups, Unconstrained};
use submodular::guarantee::{Guarantee, Kind};
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::{LazyGreedy, Optimizer, PartitionedGreedy, Parts, Termination};
use submodular::sampling::{below, stream};
use submodular::{Ctl, Ended, Item, Problem, run};

fn greedy(parts: Parts) -> PartitionedGreedy {
    PartitionedGreedy::new(parts, Box::new(|| Box::new(LazyGreedy::default()))).unwrap()
}

fn factor(search: &PartitionedGreedy, f: &Arc<dyn Objective>, rule: &dyn Constraint) -> Option<(f64, Kind)> {
    match search.claim(&f.properties(), &rule.shape()).unwrap().guarantee {
        Guarantee::Factor { factor, kind, .. } => Some((factor, kind)),
        Guarantee::None { .. } => None,
    }
}

const GREEDY: f64 = 1.0 - 1.0 / std::f64::consts::E;

#[test]
fn the_worked_example_is_reproduced() {
    let golden: Value = serde_json::from_str(include_str!("../data/field_golden.json")).unwrap();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["similarity"].clone()).unwrap();
    // A ninth row, of zeros, tells the rows from the items: the page's parts see all of them.
    let similarity = matrix(9, &[rows.concat(), vec![0.0; 8]].concat());
    let f = Arc::new(FacilityLocation::new(similarity, None, Reduction::Sum).unwrap());
    let problem = Problem::new(f, Arc::new(Groups::cardinality(3)), &[], &[], 0).unwrap();
    let chosen = go(problem, &mut greedy(Parts::Given((0..8).map(|e| e % 2).collect()))).selection;
    assert_eq!(chosen.items, [2, 0, 4]);
    assert!((chosen.value() - 7.893563239).abs() < 1e-5);
}

#[test]
fn given_parts_keep_their_factor_and_whatever_a_part_lacks_is_filled_up() {
    for seed in 0..500 {
        let mut rng = stream(seed, 5);
        let (n, k) = (4 + below(5, &mut rng) as usize, 1 + below(4, &mut rng) as usize);
        let f = tall(1 + below(3, &mut rng) as usize, n, seed);
        let of: Vec<u32> = (0..n).map(|_| below(4, &mut rng) as u32).collect();
        let mut names = of.clone();
        names.sort_unstable();
        names.dedup();
        let include: Vec<Item> = if seed % 3 == 0 { vec![2] } else { vec![] };
        let all: Vec<Item> = (0..n as Item).collect();
        let best = optimum(&all, &include, |set| set.len() == k, |set| value(&f, set));
        let rule = Arc::new(Groups::cardinality(k));
        let mut search = greedy(Parts::Given(of));
        let (factor, kind) = factor(&search, &f, &*rule).unwrap();
        assert!((factor - GREEDY / names.len().min(k) as f64).abs() < 1e-12 && kind == Kind::Always);
        let chosen = go(Problem::new(f.clone(), rule, &include, &[], 0).unwrap(), &mut search).selection;
        assert!(chosen.items.len() == k && chosen.items.starts_with(&include), "{chosen:?}");
        assert!((chosen.value() - value(&f, &chosen.items)).abs() < 1e-9);
        assert!(chosen.value() >= factor * best - 1e-9, "seed {seed}: {} of {best}", chosen.value());
        assert!(chosen.certificate.unwrap().upper_bound >= best - 1e-9);
    }
}

#[test]
fn random_splits_keep_their_factor_on_average() {
    let mut varied = 0;
    for seed in 0..6 {
        let (n, k, count) = (12, 4, 3 + seed as usize % 2);
        let f = tall(9, n, 100 + seed);
        let rule: Arc<dyn Constraint> = Arc::new(Groups::cardinality(k));
        let all: Vec<Item> = (0..n as Item).collect();
        let best = optimum(&all, &[], |set| set.len() == k, |set| value(&f, set));
        assert_eq!(factor(&greedy(Parts::Random(count)), &f, &*rule), Some((GREEDY / 2.0, Kind::Expected)));
        let ratios: Vec<f64> = (0..400)
            .map(|seed| {
                let problem = Problem::new(f.clone(), rule.clone(), &[], &[], seed).unwrap();
                go(problem, &mut greedy(Parts::Random(count))).selection.value() / best
            })
            .collect();
        let mean = ratios.iter().sum::<f64>() / 400.0;
        let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 399.0;
        assert!(mean >= GREEDY / 2.0 - 4.0 * (variance / 400.0).sqrt(), "{mean}");
        varied += usize::from(variance > 0.0);
    }
    assert!(varied > 1, "splits nearly never mattered: {varied}");
}

#[test]
fn under_quotas_the_answer_is_whole_and_earns_nothing() {
    for seed in 0..60 {
        let n = 24;
        let f = tall(5, n, seed);
        let rule = Arc::new(quotas(n, 7));
        let mut search = greedy(Parts::Random(5));
        assert_eq!(factor(&search, &f, &*rule), None);
        let problem = Problem::new(f.clone(), rule.clone(), &[6], &[3], seed).unwrap();
        let allowed = problem.allowed().to_vec();
        let out = go(problem, &mut search);
        assert_eq!(out.ended, Ended::Finished(Termination::BudgetReached));
        let mut feasible = rule.start(&allowed).unwrap();
        for &e in &out.selection.items {
            assert!(feasible.may_add(e), "{:?}", out.selection.items);
            feasible.add(e);
        }
        assert!(feasible.done());
    }
}

#[test]
fn a_threshold_on_gains_ends_the_union_and_not_the_parts() {
    let f = facility_location(60, 2);
    let problem = |stop| {
        Problem::new(f.clone(), Arc::new(Groups::cardinality(9)), &[], &[], 1)
            .unwrap()
            .stop_when_gain_at_most(stop)
    };
    let full = go(problem(None), &mut LazyGreedy::default()).selection;
    let out = go(problem(Some(full.gains[5])), &mut greedy(Parts::Random(3)));
    let gains = &out.selection.gains;
    assert!(
        gains.len() >= 3 && gains.len() < 9 && gains.iter().all(|&gain| gain > full.gains[5]),
        "{gains:?}"
    );
    assert_eq!(out.ended, Ended::Finished(Termination::GainAtMost));
}

#[test]
fn parts_that_cannot_be_are_refused() {
    let f = facility_location(6, 0);
    assert!(PartitionedGreedy::new(Parts::Random(0), Box::new(|| Box::new(LazyGreedy::default()))).is_err());
    let search = greedy(Parts::Random(2));
    assert!(search.claim(&f.properties(), &Unconstrained.shape()).is_err());
    let claim = search.claim(&f.properties(), &Groups::cardinality(3).shape()).unwrap();
    assert!(matches!(claim.guarantee, Guarantee::None { reason } if reason.contains("another function")));
    let problem = Problem::new(f, Arc::new(Groups::cardinality(3)), &[], &[], 1).unwrap();
    let mut search = greedy(Parts::Given(vec![0; 5]));
    assert!(run(problem, &mut search, None, &Ctl::default(), &mut |_, _| {}).is_err());
}
