//! Threshold greedy, adaptive sequencing, random greedy, double greedy and exact search against every subset of small
//! ground sets, and against worked numbers.

use crate::support::{coarse, facility_location, go, quotas, value};
use std::sync::Arc;
use submodular::certificate::Basis;
use submodular::constraint::{Constraint, Groups, Unconstrained};
use submodular::guarantee::{Guarantee, Kind};
use submodular::objective::Triangle;
use submodular::objective::disparity_sum::disparity_sum;
use submodular::objective::graph_cut::graph_cut;
use submodular::objective::log_det::log_det;
use submodular::objective::modular::Modular;
use submodular::optimizer::{
    AdaptiveSequencing, DoubleGreedy, Exact, Greedy, Optimizer, RandomGreedy, Termination, ThresholdGreedy,
};
use submodular::similarity::{Any, MatrixBuilder};
use submodular::tile::Kernel;
use submodular::{Chain, Ctl, Ended, Item, Objective, Problem, Selection, run};

fn matrix(n: usize, cells: &[f32]) -> Any {
    let mut similarity = MatrixBuilder::new(Kernel::detect(), n, n).unwrap();
    cells.chunks(n).for_each(|row| similarity.push(row).unwrap());
    similarity.finish().unwrap().into()
}

/// Links to the rest: not monotone, and worth nothing as a whole.
fn cut(n: usize, seed: u64) -> Arc<dyn Objective> {
    graph_cut(matrix(n, &coarse(n, seed)), 1.0, &Ctl::default()).unwrap()
}

/// Supermodular.
fn spread(n: usize, seed: u64) -> Arc<dyn Objective> {
    let distances: Vec<f32> = coarse(n, seed).iter().map(|s| 1.0 - s).collect();
    disparity_sum(matrix(n, &distances), Triangle::Unknown).unwrap()
}

fn subsets(n: usize) -> impl Iterator<Item = Vec<Item>> {
    (0u32..1 << n).map(move |mask| (0..n as Item).filter(|e| mask >> e & 1 == 1).collect())
}

fn optimum(f: &Arc<dyn Objective>, feasible: impl Fn(&[Item]) -> bool) -> f64 {
    subsets(f.len()).filter(|set| feasible(set)).map(|set| value(f, &set)).fold(f64::NEG_INFINITY, f64::max)
}

fn problem(f: &Arc<dyn Objective>, rule: impl Constraint + 'static, seed: u64) -> Problem {
    Problem::new(f.clone(), Arc::new(rule), &[], &[], seed).unwrap()
}

fn factor(optimizer: &dyn Optimizer, f: &Arc<dyn Objective>, rule: &dyn Constraint) -> (f64, Kind) {
    match optimizer.claim(&f.properties(), &rule.shape()).unwrap().guarantee {
        Guarantee::Factor { factor, kind, .. } => (factor, kind),
        Guarantee::None { reason } => panic!("{reason}"),
    }
}

/// The loop of the definition, one gain at a time, filled up by greedy's picks.
fn thresholds(f: &Arc<dyn Objective>, k: usize, epsilon: f64) -> Vec<Item> {
    let (n, ctl) = (f.len(), Ctl::default());
    let mut picks = vec![];
    let gain = |picks: &[Item], e: Item| Chain::new(f, picks).gains(&[e], &ctl).unwrap()[0];
    let left = |picks: &[Item]| (0..n as Item).filter(|e| !picks.contains(e)).collect::<Vec<_>>();
    let d = left(&[]).into_iter().map(|e| gain(&[], e)).fold(0.0, f64::max);
    let mut w = d;
    while d > 0.0 && w >= epsilon * d / n as f64 {
        for e in left(&picks) {
            if picks.len() < k && gain(&picks, e) >= w {
                picks.push(e);
            }
        }
        w *= 1.0 - epsilon;
    }
    while picks.len() < k {
        let best =
            left(&picks).into_iter().rev().max_by(|&a, &b| gain(&picks, a).total_cmp(&gain(&picks, b)));
        picks.push(best.unwrap());
    }
    picks
}

#[test]
fn threshold_greedy_is_its_loop_one_gain_at_a_time() {
    for seed in 0..8 {
        for f in [facility_location(70, seed), cut(30, seed)] {
            for epsilon in [0.05, 0.5, 0.9] {
                let k = 12;
                let mut search = ThresholdGreedy::new(epsilon).unwrap();
                let found = go(problem(&f, Groups::cardinality(k), 0), &mut search).selection;
                assert_eq!(found.items, thresholds(&f, k, epsilon), "seed {seed}, epsilon {epsilon}");
                if f.properties().monotone {
                    let shorter =
                        go(problem(&f, Groups::cardinality(5), 0), &mut search_anew(epsilon)).selection;
                    assert_eq!(shorter.items, found.items[..5], "a prefix is the answer for a smaller k");
                }
            }
        }
    }
}

fn search_anew(epsilon: f64) -> ThresholdGreedy {
    ThresholdGreedy::new(epsilon).unwrap()
}

#[test]
fn descending_thresholds_keep_their_factor_and_their_size() {
    for seed in 0..170 {
        let f = facility_location(9, seed);
        for (k, epsilon) in [(2, 0.1), (4, 0.3), (6, 0.02)] {
            let rule = Groups::cardinality(k);
            let best = optimum(&f, |set| set.len() == k);
            let searches: [Box<dyn Optimizer>; 2] = [
                Box::new(ThresholdGreedy::new(epsilon).unwrap()),
                Box::new(AdaptiveSequencing::new(epsilon).unwrap()),
            ];
            for mut search in searches {
                let (promised, kind) = factor(&*search, &f, &rule);
                assert!(kind == Kind::Always && (promised + epsilon - 0.632_120_558).abs() < 1e-8);
                let found = go(problem(&f, rule.clone(), seed), &mut *search).selection;
                assert!(found.value() >= promised * best - 1e-9, "{} of {best}", found.value());
                assert_eq!(found.items.len(), k);
                assert!(found.certificate.unwrap().upper_bound >= best - 1e-9);
            }
        }
    }
}

/// As many rounds as a sequential search has picks would be none saved.
#[test]
fn adaptive_sequencing_takes_many_items_a_round_and_only_gains_near_the_best() {
    let (f, k, epsilon) = (facility_location(400, 2), 120, 0.3);
    let mut steps = 0;
    let mut search = AdaptiveSequencing::new(epsilon).unwrap();
    let found =
        run(problem(&f, Groups::cardinality(k), 5), &mut search, None, &Ctl::default(), &mut |_, _| {
            steps += 1;
        });
    let found = found.unwrap().selection;
    assert!(steps < k / 2, "{steps} steps");
    // What the factor is derived from: no pick is worth less than (1 - epsilon) of the best gain at its turn.
    let mut chain = Chain::new(&f, &[]);
    let all: Vec<Item> = (0..400).collect();
    for (&e, &gain) in found.items.iter().zip(&found.gains) {
        let gains = chain.gains(&all, &Ctl::default()).unwrap();
        let best = (all.iter().zip(gains))
            .filter(|(e, _)| !chain.items().contains(e))
            .map(|g| g.1)
            .fold(0.0, f64::max);
        assert!(gain >= (1.0 - epsilon) * best - 1e-9, "{gain} of {best}");
        chain.push(e);
    }
}

/// Mean of 400 runs and its standard error.
fn mean(
    f: &Arc<dyn Objective>,
    make: impl Fn(u64) -> Problem,
    search: impl Fn() -> Box<dyn Optimizer>,
) -> (f64, f64) {
    let seeds = 400;
    let values: Vec<f64> =
        (0..seeds).map(|seed| value(f, &go(make(seed), &mut *search()).selection.items)).collect();
    let mean = values.iter().sum::<f64>() / f64::from(seeds as u32);
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(seeds as u32 - 1);
    (mean, (variance / f64::from(seeds as u32)).sqrt())
}

#[test]
fn factors_on_average_are_kept_within_four_standard_errors() {
    for seed in 0..5 {
        let (k, rule) = (3, Groups::cardinality(3));
        let (location, cut) = (facility_location(8, seed), cut(8, seed));
        let random =
            |threshold: Option<f64>| move || Box::new(RandomGreedy::new(threshold)) as Box<dyn Optimizer>;
        let double = || Box::new(DoubleGreedy::new(true)) as Box<dyn Optimizer>;

        let (promised, kind) = factor(&*random(None)(), &location, &rule);
        assert!(kind == Kind::Expected && (promised - 0.632_120_558).abs() < 1e-8);
        let (average, error) = mean(&location, |s| problem(&location, rule.clone(), s), random(None));
        assert!(average >= promised * optimum(&location, |set| set.len() == k) - 4.0 * error);

        let (promised, kind) = factor(&*random(Some(0.0))(), &cut, &rule);
        assert!(kind == Kind::Expected && (promised - 0.367_879_441).abs() < 1e-8);
        let until_loss = |s| problem(&cut, rule.clone(), s).stop_when_gain_at_most(Some(0.0));
        let (average, error) = mean(&cut, until_loss, random(Some(0.0)));
        assert!(average >= promised * optimum(&cut, |set| set.len() <= k) - 4.0 * error);

        let (promised, kind) = factor(&*double(), &cut, &Unconstrained);
        assert!(kind == Kind::Expected && promised == 0.5);
        let (average, error) = mean(&cut, |s| problem(&cut, Unconstrained, s), double);
        assert!(average >= promised * optimum(&cut, |_| true) - 4.0 * error);
    }
}

#[test]
fn random_greedy_takes_k_items_unless_a_threshold_spares_it_the_losses() {
    let f = cut(9, 0);
    for seed in 0..30 {
        let forced = go(problem(&f, Groups::cardinality(8), seed), &mut RandomGreedy::new(None)).selection;
        assert_eq!(forced.items.len(), 8);
        assert!(forced.gains.iter().any(|&gain| gain < 0.0));
        let free = problem(&f, Groups::cardinality(8), seed).stop_when_gain_at_most(Some(0.0));
        let free =
            run(free, &mut RandomGreedy::new(Some(0.0)), None, &Ctl::default(), &mut |_, _| {}).unwrap();
        assert_eq!(free.ended, Ended::Finished(Termination::GainAtMost));
        assert!(free.selection.gains.iter().all(|&gain| gain > 0.0));
    }
    let claim = RandomGreedy::new(None).claim(&f.properties(), &Groups::cardinality(8).shape()).unwrap();
    assert!(matches!(claim.guarantee, Guarantee::None { .. }));
}

/// Y written out: f(Y - e) - f(Y) from f alone.
fn both_ends(f: &Arc<dyn Objective>, include: &[Item], exclude: &[Item]) -> Vec<Item> {
    let mut x = include.to_vec();
    let mut y: Vec<Item> = (0..f.len() as Item).filter(|e| !exclude.contains(e)).collect();
    for e in y.clone().into_iter().filter(|e| !include.contains(e)) {
        let without: Vec<Item> = y.iter().copied().filter(|&other| other != e).collect();
        if value(f, &[&x[..], &[e]].concat()) - value(f, &x) >= value(f, &without) - value(f, &y) {
            x.push(e);
        } else {
            y = without;
        }
    }
    x
}

#[test]
fn double_greedy_keeps_its_factor_and_is_its_definition_with_items_included_and_excluded() {
    for seed in 0..500 {
        let n = 5 + seed as usize % 5;
        let f = cut(n, seed);
        let (include, exclude): (&[Item], &[Item]) = if seed % 3 == 0 { (&[3, 1], &[2]) } else { (&[], &[]) };
        let problem = Problem::new(f.clone(), Arc::new(Unconstrained), include, exclude, 0).unwrap();
        let mut search = DoubleGreedy::new(false);
        assert_eq!(factor(&search, &f, &Unconstrained), (1.0 / 3.0, Kind::Always));
        let found = go(problem, &mut search).selection;
        assert_eq!(found.items, both_ends(&f, include, exclude), "seed {seed}");
        assert_eq!(found.evaluations, 2 * (n - include.len() - exclude.len()) as u64 + include.len() as u64);
        let best = optimum(&f, |set| {
            include.iter().all(|e| set.contains(e)) && !exclude.iter().any(|e| set.contains(e))
        });
        assert!(found.value() >= best / 3.0 - 1e-9);
    }
}

/// The rule, and its sets from the definition.
type Rule = (Groups, Option<f64>, Box<dyn Fn(&[Item]) -> bool>);

#[test]
fn an_exact_search_finds_the_best_of_every_feasible_set_and_proves_it() {
    let n = 9;
    for seed in 0..42 {
        let scores = (0..n).map(|e| ((e * 7 + seed as usize) % 5) as f64 - 1.5).collect();
        let modular: Arc<dyn Objective> = Arc::new(Modular::new(scores).unwrap());
        for f in [facility_location(n, seed), cut(n, seed), spread(n, seed), modular] {
            let rules: [Rule; 3] = [
                (Groups::cardinality(4), None, Box::new(|set| set.len() == 4)),
                (
                    quotas(n, 5), // groups 0, 1, 2 hold at least 2, 0, 1 and at most 3, 1, 2
                    None,
                    Box::new(|set| {
                        let held = |g| set.iter().filter(|&&e| e * 7 % 4 == g).count();
                        set.len() == 5
                            && (2..=3).contains(&held(0))
                            && held(1) <= 1
                            && (1..=2).contains(&held(2))
                    }),
                ),
                (Groups::cardinality(4), Some(0.0), Box::new(|set| set.len() <= 4)),
            ];
            for (rule, threshold, feasible) in rules {
                let problem = Problem::new(f.clone(), Arc::new(rule), &[6], &[3], 0).unwrap();
                let problem = problem.stop_when_gain_at_most(threshold);
                let found = go(problem, &mut Exact::new(u64::MAX, threshold)).selection;
                let feasible = |set: &[Item]| set.contains(&6) && !set.contains(&3) && feasible(set);
                let best = optimum(&f, feasible);
                let mut set = found.items.clone();
                set.sort_unstable();
                assert!(feasible(&set) && found.items[0] == 6, "{:?}", found.items);
                assert!((found.value() - best).abs() <= 1e-9 && (value(&f, &set) - best).abs() <= 1e-9);
                let certificate = found.certificate.unwrap();
                assert_eq!((certificate.upper_bound, certificate.basis), (found.value(), Basis::Proved));
            }
        }
    }
}

/// f(S) - x |S|, over at most k items.
#[test]
fn a_threshold_is_a_price_to_an_exact_search() {
    for seed in 0..6 {
        for f in [facility_location(8, seed), spread(8, seed)] {
            let found = problem(&f, Groups::cardinality(5), 0).stop_when_gain_at_most(Some(0.8));
            let found = go(found, &mut Exact::new(u64::MAX, Some(0.8))).selection;
            let net = |set: &[Item]| value(&f, set) - 0.8 * set.len() as f64;
            let best = subsets(8).filter(|set| set.len() <= 5).map(|set| net(&set)).fold(f64::MIN, f64::max);
            assert!((net(&found.items) - best).abs() < 1e-9, "{:?}", found.items);
        }
    }
}

#[test]
fn bounds_spare_an_exact_search_most_sets_and_a_plain_enumeration_is_counted_beforehand() {
    let n = 24;
    let f = facility_location(n, 2);
    let found = go(problem(&f, Groups::cardinality(6), 0), &mut Exact::new(u64::MAX, None)).selection;
    assert!(found.evaluations * 20 < Exact::evaluations(n, 6), "{}", found.evaluations);
    for (n, k) in [(9, 1), (9, 4), (9, 8), (9, 9)] {
        let f = spread(n, 1);
        let found = go(problem(&f, Groups::cardinality(k), 0), &mut Exact::new(u64::MAX, None)).selection;
        assert_eq!(found.evaluations, Exact::evaluations(n, k), "{k} of {n}");
    }
    assert_eq!(Exact::evaluations(100_000, 5_000), u64::MAX);
}

#[test]
fn an_exact_search_that_may_evaluate_no_more_has_greedys_answer_or_a_better_one() {
    let outcomes = |f: &Arc<dyn Objective>| {
        let rule = || problem(f, Groups::cardinality(5), 0);
        (go(rule(), &mut Greedy).selection, go(rule(), &mut Exact::new(u64::MAX, None)).selection)
    };
    let greedy_fails = |f: &Arc<dyn Objective>| {
        let (greedy, full) = outcomes(f);
        full.value() > greedy.value() + 1e-9
    };
    let f = (0..20).map(|seed| cut(12, seed)).find(greedy_fails).unwrap();
    let rule = || problem(&f, Groups::cardinality(5), 0);
    let (greedy, full) = outcomes(&f);
    let mut last = greedy.value();
    for limit in (0..full.evaluations).step_by(7) {
        let out = run(rule(), &mut Exact::new(limit, None), None, &Ctl::default(), &mut |_, _| {}).unwrap();
        assert_eq!(out.ended, Ended::Finished(Termination::EvaluationLimit));
        assert!(out.selection.evaluations <= limit.max(greedy.evaluations));
        assert!(out.selection.value() >= last && out.selection.items.len() == 5);
        last = out.selection.value();
    }
}

/// Every set, in a fixed order: the path of such a search is saved as well as that of one with bounds.
#[test]
fn an_enumeration_stopped_at_any_tick_resumes_to_the_same_outcome() {
    let f = spread(7, 2);
    let rule = || Problem::new(f.clone(), Arc::new(Groups::cardinality(4)), &[2], &[], 0).unwrap();
    let search = || Exact::new(u64::MAX, None);
    let full = go(rule(), &mut search()).selection;
    for fuse in 0.. {
        let stopped = run(rule(), &mut search(), None, &Ctl::fused(fuse), &mut |_, _| {}).unwrap();
        if let Ended::Finished(_) = stopped.ended {
            assert!(fuse > 10);
            break;
        }
        let again =
            run(rule(), &mut search(), Some(&stopped.saved), &Ctl::default(), &mut |_, _| {}).unwrap();
        assert_eq!(again.selection, full, "stopped at tick {fuse}");
    }
}

/// Where gains are minus infinity nothing is left that arithmetic can see.
#[test]
fn searches_end_where_the_numerical_rank_does() {
    // Ranks of one: every pick after the first adds a determinant of 0.
    let n = 6;
    let f = log_det(matrix(n, &vec![1.0; n * n]), 0.0, true).unwrap();
    let searches: [Box<dyn Optimizer>; 4] = [
        Box::new(ThresholdGreedy::new(0.1).unwrap()),
        Box::new(AdaptiveSequencing::new(0.1).unwrap()),
        Box::new(RandomGreedy::new(None)),
        Box::new(Exact::new(10_000, None)),
    ];
    for mut search in searches {
        let out =
            run(problem(&f, Groups::cardinality(3), 0), &mut *search, None, &Ctl::default(), &mut |_, _| {});
        let out = out.unwrap();
        assert_eq!(out.ended, Ended::Finished(Termination::NumericalRank));
        assert_eq!(out.selection.items.len(), 1);
    }
    let found: Selection = go(problem(&f, Unconstrained, 0), &mut DoubleGreedy::new(false)).selection;
    assert!(found.items.len() <= 1 && found.value().is_finite(), "{:?}", found.items);
}

#[test]
fn a_search_without_meaning_is_refused_and_one_that_earns_nothing_says_why() {
    let (spread, cut) = (spread(6, 0).properties(), cut(6, 0).properties());
    let (three, free) = (Groups::cardinality(3).shape(), Unconstrained.shape());
    assert!(ThresholdGreedy::new(0.1).unwrap().claim(&spread, &three).is_err());
    assert!(AdaptiveSequencing::new(0.1).unwrap().claim(&spread, &three).is_err());
    assert!(RandomGreedy::new(None).claim(&cut, &free).is_err());
    assert!(DoubleGreedy::new(true).claim(&cut, &three).is_err());
    assert!(DoubleGreedy::new(true).claim(&cut, &quotas(6, 3).shape()).is_err());
    assert!(ThresholdGreedy::new(1.0).is_err() && AdaptiveSequencing::new(f64::NAN).is_err());
    let earns_nothing = [
        ThresholdGreedy::new(0.1).unwrap().claim(&cut, &three),
        AdaptiveSequencing::new(0.1)
            .unwrap()
            .claim(&facility_location(6, 0).properties(), &quotas(6, 3).shape()),
        DoubleGreedy::new(false).claim(&spread, &free),
        RandomGreedy::new(Some(0.5)).claim(&cut, &three),
        Exact::new(1, Some(0.5)).claim(&cut, &three),
    ];
    for claim in earns_nothing {
        assert!(matches!(claim.unwrap().guarantee, Guarantee::None { .. }));
    }
}
