//! Promises against every subset: for each function, rule and search, random small worlds in which the measured share of
//! the optimum never falls below a factor of kind `always`, on average not below one of kind `expected`, and the
//! certificate never below the optimum.

use crate::small::{RULES, Rule, World};
use crate::support::go;
use crate::world::OBJECTIVES;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use submodular::constraint::{Constraint, Groups};
use submodular::guarantee::{Guarantee, Kind};
use submodular::objective::modular::Modular;
use submodular::objective::{Objective, Triangle};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    Optimizer, PartitionedGreedy, Parts, RandomGreedy, SieveStreaming, StochasticGreedy, ThreeSieves,
    ThresholdGreedy, WarmGreedy,
};
use submodular::{Item, Problem};

type Search = Box<dyn Optimizer>;
type MakeSearch = fn(&World) -> Search;

/// What a unit of distance is worth to gist.
const LAMBDA: f64 = 0.7;

fn lazy() -> submodular::optimizer::Inner {
    Box::new(|| Box::new(LazyGreedy::default()))
}

fn partitioned(parts: Parts) -> Search {
    Box::new(PartitionedGreedy::new(parts, lazy()).unwrap())
}

/// Keeps every other item, as if an earlier run of other features had chosen them.
fn warm(world: &World, tolerance: f64) -> WarmGreedy {
    let kept: Vec<Item> = (0..world.n as Item).step_by(2).collect();
    WarmGreedy::new(&kept, tolerance).unwrap()
}

const SEARCHES: [(&str, MakeSearch); 24] = [
    ("greedy", |_| Box::new(Greedy)),
    ("lazy_greedy", |_| Box::new(LazyGreedy::default())),
    ("warm_greedy", |world| Box::new(warm(world, 0.1))),
    ("warm_greedy lazy", |world| Box::new(warm(world, 0.4).lazy(true))),
    ("warm_greedy hot", |world| Box::new(warm(world, 0.9).lazy(true))),
    ("stochastic_greedy", |_| Box::new(StochasticGreedy::new(0.2).unwrap())),
    ("threshold_greedy", |_| Box::new(ThresholdGreedy::new(0.1).unwrap())),
    ("adaptive_sequencing", |_| Box::new(AdaptiveSequencing::new(0.3).unwrap())),
    ("bidirectional_greedy", |_| Box::new(BidirectionalGreedy::new(2).unwrap())),
    ("double_greedy", |_| Box::new(DoubleGreedy::new(false))),
    ("double_greedy randomised", |_| Box::new(DoubleGreedy::new(true))),
    ("random_greedy", |_| Box::new(RandomGreedy::new(None))),
    (AT_MOST_K, |_| Box::new(RandomGreedy::new(Some(0.0)))),
    ("partitioned_greedy random 2", |_| partitioned(Parts::Random(2))),
    ("partitioned_greedy random 3", |_| partitioned(Parts::Random(3))),
    ("partitioned_greedy given", |world| {
        partitioned(Parts::Given((0..world.n as u32).map(|e| e * 7 % 3).collect()))
    }),
    ("partitioned_greedy, thresholds inside", |_| {
        let inner = Box::new(|| Box::new(ThresholdGreedy::new(0.1).unwrap()) as Search);
        Box::new(PartitionedGreedy::new(Parts::Random(3), inner).unwrap())
    }),
    ("sieve_streaming", |_| Box::new(SieveStreaming::new(0.1).unwrap())),
    ("sieve_streaming bare", |_| Box::new(SieveStreaming::new(0.1).unwrap().top_up(false))),
    ("three_sieves", |_| Box::new(ThreeSieves::new(0.2, 2).unwrap())),
    ("gist", |world| Box::new(Gist::new(LAMBDA, 0.1, world.distances.clone(), Triangle::Metric).unwrap())),
    ("knapsack", |_| Box::new(KnapsackGreedy::new(false))),
    ("knapsack from every item", |_| Box::new(KnapsackGreedy::new(true))),
    ("exact", |_| Box::new(Exact::new(u64::MAX, None))),
];
/// The one that ends before it loses.
const AT_MOST_K: &str = "random_greedy at most k";

/// A function, a rule and a search, by number.
type Combination = (usize, usize, usize);

fn combinations() -> impl Iterator<Item = Combination> {
    let pairs = |o| (0..RULES.len()).flat_map(move |r| (0..SEARCHES.len()).map(move |s| (o, r, s)));
    (0..OBJECTIVES.len()).flat_map(pairs)
}

fn name((o, r, s): Combination) -> String {
    format!("{} | {} | {}", OBJECTIVES[o].0, RULES[r], SEARCHES[s].0)
}

/// The largest value that an answer of this search may be compared with.
fn optimum(world: &World, rule: &Rule, search: &str) -> f64 {
    let f = world.f.properties();
    match search {
        "gist" => world.best_spread(&rule.allowed, LAMBDA),
        AT_MOST_K => world.best(&rule.allowed),
        "exact" => world.best(&rule.answers),
        _ if f.monotone && f.submodular => world.best(&rule.allowed),
        _ => world.best(&rule.answers),
    }
}

/// The value of the answer, and the bound on the optimum where there is one.
fn found(world: &World, rule: &Rule, s: usize, seed: u64) -> (f64, Option<f64>) {
    let mut problem = world.problem(rule, seed);
    if SEARCHES[s].0 == AT_MOST_K {
        problem = problem.stop_when_gain_at_most(Some(0.0));
    }
    let found = go(problem, &mut *SEARCHES[s].1(world)).selection;
    (found.optimized.unwrap_or(found.value()), found.certificate.map(|c| c.upper_bound))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Checked {
    /// The factor held, and the certificate where there was one.
    Factor,
    /// The certificate alone: no factor that holds in every run.
    Certificate,
    /// Neither is promised.
    Nothing,
    /// The search has no meaning there.
    Refused,
}

/// `Err` says what was promised and not kept.
fn check(world: &World, rule: &Rule, at: Combination) -> Result<Checked, String> {
    let (f, (.., s)) = (world.f.properties(), at);
    let Ok(claim) = SEARCHES[s].1(world).claim(&f, &rule.constraint.shape()) else {
        return Ok(Checked::Refused);
    };
    let factor = match claim.guarantee {
        Guarantee::Factor { factor, kind: Kind::Always, .. } => Some(factor),
        Guarantee::Factor { .. } | Guarantee::None { .. } => None,
    };
    if factor.is_none() && !(f.monotone && f.submodular) {
        return Ok(Checked::Nothing);
    }
    let best = optimum(world, rule, SEARCHES[s].0);
    let (value, bound) = found(world, rule, s, world.seed);
    let tolerance = 1e-9 * best.abs().max(1.0);
    let kept = factor.is_none_or(|factor| value >= factor * best - tolerance)
        && bound.is_none_or(|bound| bound >= best - tolerance);
    if !kept || value > best + tolerance {
        let seed = world.seed;
        return Err(format!("{}, seed {seed}: {value} of {best}, {factor:?}, bound {bound:?}", name(at)));
    }
    Ok(if factor.is_some() { Checked::Factor } else { Checked::Certificate })
}

/// What the function declares of itself, on every set.
fn keeps_its_word(world: &World, name: &str) {
    let (declared, values, seed) = (world.f.properties(), &world.values, world.seed);
    let tolerance = 1e-9 * values.iter().fold(1.0, |most: f64, v| most.max(v.abs()));
    assert!(!declared.normalised || values[0].abs() <= tolerance, "{name}, seed {seed}");
    assert!(!declared.nonnegative || values.iter().all(|&v| v >= -tolerance), "{name}, seed {seed}");
    for set in 0..values.len() {
        let outside = || (0..world.n).map(|e| 1 << e).filter(|e| set & e == 0);
        for e in outside() {
            let gain = values[set | e] - values[set];
            assert!(!declared.monotone || gain >= -tolerance, "{name} is not monotone, seed {seed}");
            for more in outside().filter(|&more| more != e && (declared.submodular || declared.modular)) {
                let later = values[set | more | e] - values[set | more];
                assert!(later <= gain + tolerance, "{name} is not submodular, seed {seed}");
                assert!(!declared.modular || later >= gain - tolerance, "{name} is not modular, seed {seed}");
            }
        }
    }
}

#[test]
fn in_500_worlds_no_factor_is_missed_and_no_certificate_is_below_the_optimum() {
    const WORLDS: u64 = 500;
    let runs: Vec<(usize, u64)> =
        (0..OBJECTIVES.len()).flat_map(|o| (0..WORLDS).map(move |seed| (o, seed))).collect();
    let outcomes = runs.par_iter().map(|&(o, seed)| {
        let world = World::new(OBJECTIVES[o].1, seed, 5 + seed as usize % 2);
        keeps_its_word(&world, OBJECTIVES[o].0);
        let mut checked = vec![];
        for (r, name) in RULES.iter().enumerate() {
            let rule = Rule::new(name, &world);
            checked.extend((0..SEARCHES.len()).map(|s| ((o, r, s), check(&world, &rule, (o, r, s)))));
        }
        checked
    });
    let outcomes: Vec<Vec<(Combination, Result<Checked, String>)>> = outcomes.collect();
    let mut of: BTreeMap<Combination, Vec<Checked>> = BTreeMap::new();
    // The first of each combination.
    let mut broken: BTreeMap<Combination, String> = BTreeMap::new();
    for (at, checked) in outcomes.into_iter().flatten() {
        match checked {
            Ok(checked) => of.entry(at).or_default().push(checked),
            Err(place) => _ = broken.entry(at).or_insert(place),
        }
    }
    assert!(broken.is_empty(), "broken promises: {:#?}", broken.values());
    let mut counts: BTreeMap<Checked, usize> = BTreeMap::new();
    for (&at, checked) in &of {
        // What is promised follows from the parameters, k among them: parts share it.
        let refused = checked.iter().filter(|&&checked| checked == Checked::Refused).count();
        assert!(checked.len() == WORLDS as usize && [0, checked.len()].contains(&refused), "{}", name(at));
        *counts.entry(checked.iter().copied().min().unwrap()).or_default() += 1;
    }
    let expected = [
        (Checked::Factor, 1084),
        (Checked::Certificate, 1984),
        (Checked::Nothing, 1228),
        (Checked::Refused, 4920),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

/// Mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn the_mean_of_400_seeds_keeps_every_expected_factor_within_four_standard_errors() {
    let all: Vec<Combination> = combinations().collect();
    let checked = all.par_iter().map(|&(o, r, s)| {
        let mut checked = false;
        // One with nothing included or excluded, one with an item included, one with another excluded as well.
        for seed in [1001, 1002, 1003] {
            let world = World::new(OBJECTIVES[o].1, seed, 8);
            let rule = Rule::new(RULES[r], &world);
            let claim = SEARCHES[s].1(&world).claim(&world.f.properties(), &rule.constraint.shape());
            let Ok(Guarantee::Factor { factor, kind: Kind::Expected, .. }) = claim.map(|c| c.guarantee)
            else {
                continue;
            };
            let best = optimum(&world, &rule, SEARCHES[s].0);
            let values: Vec<f64> = (0..400).map(|seed| found(&world, &rule, s, seed).0).collect();
            let (mean, error) = mean(&values);
            let place = name((o, r, s));
            assert!(mean >= factor * best - 4.0 * error - 1e-9, "{place}: {mean} +- {error} of {best}");
            checked = true;
        }
        usize::from(checked)
    });
    assert_eq!(checked.sum::<usize>(), 129);
}

/// With one place left of twelve a sample of n/k ln(1/epsilon) items would find the one item that counts in one run of
/// four only.
#[test]
fn beside_included_items_a_sample_is_as_large_as_the_places_left_need() {
    let mut scores = vec![0.0; 60];
    scores[40] = 1.0;
    let f: Arc<dyn Objective> = Arc::new(Modular::new(scores).unwrap());
    let rule = Arc::new(Groups::cardinality(12));
    let include: Vec<Item> = (0..11).collect();
    let mut search = StochasticGreedy::new(0.1).unwrap();
    let claim = search.claim(&f.properties(), &rule.shape()).unwrap().guarantee;
    let Guarantee::Factor { factor, kind: Kind::Expected, .. } = claim else { panic!("{claim:?}") };
    let run = |seed| {
        let problem = Problem::new(f.clone(), rule.clone(), &include, &[], seed).unwrap();
        go(problem, &mut search).selection.value()
    };
    let (mean, error) = mean(&(0..400).map(run).collect::<Vec<_>>());
    assert!(mean >= factor - 4.0 * error, "{mean} +- {error}, not {factor}");
}
