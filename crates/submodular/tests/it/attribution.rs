//! Attribution: the page's worked numbers, the function against its definition, and refusals with their places.

use crate::support::{go, value};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use submodular::attribution::{
    ConfidenceForm, Evaluator, Geometry, Model, MuFidelity, Pair, Reading, Regions, Report, Search, Settings,
    Spent, Table, Weights, submodularity_ratio,
};
use submodular::guarantee::Guarantee;
use submodular::objective::attribution::Attribution;
use submodular::optimizer::{Greedy, LazyGreedy, Optimizer};
use submodular::sampling::{shuffle, stream, unit};
use submodular::{Constraint, Ctl, Halt, Item, Objective, Set};

static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/attribution_golden.json")).unwrap());

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).unwrap()
}

fn items(value: &Value) -> Vec<Item> {
    serde_json::from_value(value.clone()).unwrap()
}

fn close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-6, "{what}: {found}, not {expected}");
}

/// Eight regions of the page's example.
pub(crate) fn regions() -> Arc<Regions> {
    let (areas, distance) = (numbers(&GOLDEN["region_area"]), rows(&GOLDEN["angular_distance"]));
    Arc::new(Regions::new(8, Some(&areas), Geometry::Distance(&distance)).unwrap())
}

/// Probabilities and evidence for every set of them.
pub(crate) fn outputs() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let table = &GOLDEN["evaluation_table"];
    (rows(&table["probs"]), rows(&table["evidential_logits"]))
}

pub(crate) fn table(settings: &Settings, target: Option<usize>) -> Arc<Table> {
    let (probs, evidence) = outputs();
    let model = Model::new(3, target, settings).unwrap();
    Arc::new(Table::new(8, &model, &probs, Some(&evidence)).unwrap())
}

fn function(settings: Settings) -> Arc<Attribution> {
    Arc::new(Attribution::new(regions(), settings, table(&settings, Some(1))).unwrap())
}

/// Searches and reports.
fn explain(f: &Arc<Attribution>, search: Search, k: usize) -> Report {
    let (problem, mut optimizer) = search.begin(f.clone(), k).unwrap();
    let found = go(problem, &mut *optimizer).selection;
    let spent = Spent { evaluations: found.evaluations, rounds: 0 };
    Report::new(f, &found.items, spent, &Ctl::default()).unwrap()
}

#[test]
fn rankings_terms_curves_and_calls_are_those_of_the_worked_example() {
    let both = Search::BidirectionalGreedy { pool: 3, merge_rounds: false };
    for (name, settings, search) in [
        ("smdl_naive", Settings::smdl(), Search::Greedy),
        ("lima_naive", Settings::lima(), Search::Greedy),
        ("lima_bidirectional", Settings::lima(), both),
    ] {
        let (expected, report) = (&GOLDEN[name], explain(&function(settings), search, 8));
        assert_eq!(report.ranking, items(&expected["order"]), "{name}");
        assert_eq!(report.model_calls, expected["model_calls"].as_u64().unwrap(), "{name}");
        assert_eq!(report.end_point_calls, 2);
        for (found, key) in [
            (&report.areas, "areas"),
            (&report.insertion_curve, "insertion_curve"),
            (&report.deletion_curve, "deletion_curve"),
        ] {
            let curve = expected[key].as_array().unwrap();
            assert_eq!(found.len(), curve.len());
            found.iter().zip(curve).for_each(|(&x, y)| close(x, y, key));
        }
        close(report.insertion_auc, &expected["insertion_auc"], name);
        close(report.deletion_auc, &expected["deletion_auc"], name);
        for (peak, key) in report.highest_confidence.iter().zip(["0.25", "0.5", "0.75", "1.0"]) {
            let expected = &expected["highest_confidence_by_area"][key];
            close(peak.p_target, &expected["highest_confidence"], key);
            close(peak.area, &expected["area"], key);
        }
        // Both orders of LiMA are one, so the terms of the low end are those that greedy saw.
        let trace = if name == "smdl_naive" { expected } else { &GOLDEN["lima_naive"] };
        for (prefix, step) in report.prefixes.iter().zip(trace["trace"].as_array().unwrap()) {
            assert_eq!(u64::from(prefix.region), step["pick"].as_u64().unwrap());
            close(prefix.value.unwrap(), &step["score"], "score");
            close(prefix.terms.confidence.unwrap(), &step["confidence"], "confidence");
            close(prefix.terms.effectiveness.unwrap(), &step["effectiveness"], "effectiveness");
            close(prefix.terms.consistency, &step["consistency"], "consistency");
            close(prefix.terms.collaboration, &step["collaboration"], "collaboration");
        }
        let best = report.best_prefix.unwrap();
        assert_eq!(best.length, if name == "smdl_naive" { 7 } else { 5 });
        let rank = |region: Item| report.ranking.iter().position(|&e| e == region).unwrap() as f64;
        assert!((0..8).all(|region| report.region_weights[region as usize] == 8.0 - rank(region)));
    }
}

#[test]
fn features_give_the_distances_of_the_worked_example() {
    let features = rows(&GOLDEN["region_features"]);
    let (regions, given) = (Regions::new(8, None, Geometry::Features(&features)).unwrap(), regions());
    for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
        assert!((regions.distance(i, j) - given.distance(i, j)).abs() < 1e-6, "{i} {j}");
    }
    assert_eq!(regions.shares(), [0.125; 8]);
}

/// None of the functions is monotone or submodular, and none says so.
#[test]
fn the_counter_examples_of_the_worked_example_hold() {
    let alone = Settings {
        weights: Weights { confidence: 0.0, effectiveness: 1.0, consistency: 0.0, collaboration: 0.0 },
        single_effectiveness: 0.0,
        ..Settings::lima()
    };
    for (settings, name) in [
        (Settings::smdl(), "smdl"),
        (Settings::lima(), "lima"),
        (Settings::lima(), "lima_from_size_2"),
        (alone, "effectiveness_alone"),
        (alone, "effectiveness_alone_from_size_2"),
    ] {
        let f: Arc<dyn Objective> = function(settings);
        let gain = |set: &[Item], e: Item| value(&f, &[set, &[e]].concat()) - value(&f, set);
        let example = &GOLDEN["property_check"][name];
        let falls = &example["monotone_counterexample"];
        let (set, e) = (items(&falls[0]), falls[1].as_u64().unwrap() as Item);
        close(gain(&set, e), &falls[2], name);
        assert!(gain(&set, e) < 0.0);
        let rises = &example["submodular_counterexample"];
        let (set, [e, other]) = (items(&rises[0]), [1, 2].map(|at| rises[at].as_u64().unwrap() as Item));
        let more = [&set[..], &[other]].concat();
        close(gain(&set, e), &rises[3], name);
        close(gain(&more, e), &rises[4], name);
        assert!(gain(&more, e) > gain(&set, e));

        let properties = f.properties();
        assert!(!properties.monotone && !properties.submodular && properties.asks);
        let rule = submodular::constraint::Groups::cardinality(3).shape();
        let claim = Greedy.claim(&properties, &rule).unwrap();
        assert!(matches!(claim.guarantee, Guarantee::None { .. }));
        assert!(LazyGreedy::default().claim(&properties, &rule).is_err());
    }
}

/// A model of any number of regions: few interactions, much noise that only the set decides.
pub(crate) struct Noisy(pub(crate) usize);

impl Noisy {
    fn reading(&self, set: &[Item]) -> Reading {
        let of = |region: Item| unit(&mut stream(5, u64::from(region))) - 0.4;
        let sum: f64 = set.iter().map(|&region| of(region)).sum();
        let noise = unit(&mut stream(6, set.iter().map(|&region| 1_u64 << region).sum()));
        let p_target = 1.0 / (1.0 + (-sum - 0.2 * noise).exp());
        Reading { p_target, confidence: Some((2.0 * p_target - 1.0).abs()) }
    }
}

impl Evaluator for Noisy {
    fn count(&self) -> usize {
        self.0
    }
    fn target(&self) -> Option<usize> {
        Some(0)
    }
    fn pairs(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<Pair>, Halt> {
        ctl.tick(sets.len() as u64)?;
        Ok(sets.iter().filter_map(|set| self.known(set)).collect())
    }
    fn known(&self, set: &[Item]) -> Option<Pair> {
        let others: Vec<Item> = (0..self.0 as Item).filter(|region| !set.contains(region)).collect();
        Some(Pair { shown: self.reading(set), complement: self.reading(&others) })
    }
}

#[test]
fn both_ends_save_the_calls_the_page_says() {
    for row in GOLDEN["call_counts"].as_array().unwrap() {
        let [m, pool] = ["m", "n_p"].map(|key| row[key].as_u64().unwrap() as usize);
        assert_eq!(Some(Search::Greedy.model_calls(m, m)), row["naive"].as_u64());
        let both = Search::BidirectionalGreedy { pool, merge_rounds: false };
        assert_eq!(Some(both.model_calls(m, m)), row["bidirectional"].as_u64(), "m {m} pool {pool}");
    }
    let settings =
        Settings { weights: Weights { effectiveness: 0.0, ..Settings::lima().weights }, ..Settings::lima() };
    let regions = Arc::new(Regions::new(50, None, Geometry::Unknown).unwrap());
    let f = Arc::new(Attribution::new(regions, settings, Arc::new(Noisy(50))).unwrap());
    let both = Search::BidirectionalGreedy { pool: 8, merge_rounds: false };
    let (greedy, found) = (explain(&f, Search::Greedy, 50), explain(&f, both, 50));
    assert_eq!(greedy.model_calls, 2550);
    // Once the best candidate is of the pool it saves its own look.
    assert!((1666 - 2 * 21..=1666).contains(&found.model_calls), "{}", found.model_calls);
    let mut sorted = found.ranking;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    for k in [1, 7, 30] {
        let report = explain(&f, both, k);
        assert_eq!((report.ranking.len(), report.areas.len()), (k, k + 1));
        let most = both.model_calls(50, k);
        assert!((most - 2 * k as u64..=most).contains(&report.model_calls), "k {k}: {}", report.model_calls);
    }
}

/// F by its formula.
fn defined(f: &Attribution, set: &[Item]) -> f64 {
    let (settings, pair) = (f.settings(), f.evaluator().known(set).unwrap());
    let nearest = |&i: &Item| {
        let others = set.iter().filter(|&&j| j != i).map(|&j| f.regions().distance(i, j));
        others.reduce(f64::min).unwrap_or(settings.single_effectiveness)
    };
    let w = settings.weights;
    w.confidence * pair.shown.confidence.unwrap()
        + w.effectiveness * set.iter().map(nearest).sum::<f64>()
        + w.consistency * pair.shown.p_target
        + w.collaboration * (1.0 - pair.complement.p_target)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_function_is_its_formula_in_any_order_of_adds_and_in_parts(
        mask in 1u32..256,
        seed in any::<u64>(),
        lima: bool,
    ) {
        let whole = function(if lima { Settings::lima() } else { Settings::smdl() });
        let f: Arc<dyn Objective> = whole.clone();
        let sorted: Vec<Item> = (0..8).filter(|region| mask >> region & 1 == 1).collect();
        let mut set = sorted.clone();
        shuffle(&mut set, &mut stream(seed, 0));
        let found = value(&f, &set);
        prop_assert!((found - defined(&whole, &set)).abs() < 1e-12);
        prop_assert_eq!(found.to_bits(), value(&f, &sorted).to_bits());
        let part = f.clone().restrict(&set).unwrap();
        let all: Vec<Item> = (0..set.len() as Item).collect();
        prop_assert_eq!(found.to_bits(), value(&part, &all).to_bits());
        // What is asked for beside the base is what the base with it is worth.
        let (mut state, mut gain) = (f.clone().state(), [0.0]);
        let (last, rest) = set.split_last().unwrap();
        state.advance(rest, &[*last], &mut gain, &Ctl::default()).unwrap();
        prop_assert_eq!(gain[0], found - state.value());
    }

    #[test]
    fn the_submodularity_ratio_is_its_definition(seed in any::<u64>(), lima: bool) {
        let f = function(if lima { Settings::lima() } else { Settings::smdl() });
        let mut order: Vec<Item> = (0..8).collect();
        shuffle(&mut order, &mut stream(seed, 0));
        let mut least = f64::INFINITY;
        for (t, u) in (0..8).flat_map(|t| (t + 1..=8).map(move |u| (t, u))) {
            let base = defined(&f, &order[..t]);
            let with = |x: Item| defined(&f, &[&order[..t], &[x]].concat()) - base;
            let (sum, gain) = (order[t..u].iter().map(|&x| with(x)).sum::<f64>(), defined(&f, &order[..u]) - base);
            if gain > 1e-9 {
                least = least.min(sum / gain);
            }
        }
        let found = submodularity_ratio(&f, &order).unwrap();
        prop_assert!((found - least).abs() < 1e-6 * least.abs().max(1.0), "{found} {least}");
        prop_assert!(found <= 1.0 + 1e-9);
    }
}

/// LiMA's: what the model says of the high end's sets, and the distances of the low end's.
#[test]
fn the_screen_is_the_model_of_one_end_and_the_effectiveness_of_the_other() {
    let f = function(Settings::smdl());
    let (high, low, ask) = ([4, 1], [3, 0], [2, 5, 6, 7]);
    let with = |set: &[Item], c: Item| defined(&f, &[set, &[c]].concat());
    let up = ask.map(|c| with(&high, c));
    let mut state = (f.clone() as Arc<dyn Objective>).state();
    state.advance(&low, &[], &mut [], &Ctl::default()).unwrap();
    let mut found = [0.0; 4];
    state.screen(&high, &up, &ask, &mut found);
    let only = |weights: Weights| function(Settings { weights, ..Settings::smdl() });
    let one = Settings::smdl().weights;
    let (model, apart) = (
        only(Weights { effectiveness: 0.0, ..one }),
        only(Weights { confidence: 0.0, effectiveness: 1.0, consistency: 0.0, collaboration: 0.0 }),
    );
    for (c, found) in ask.into_iter().zip(found) {
        let expected =
            defined(&model, &[&high[..], &[c]].concat()) + defined(&apart, &[&low[..], &[c]].concat());
        assert!((found - expected).abs() < 1e-12, "{c}: {found}, not {expected}");
    }
}

#[test]
fn a_tie_for_the_likeliest_class_goes_to_the_lowest() {
    let model = Model::new(3, None, &Settings::lima()).unwrap();
    let probs = [vec![0.0, 0.1, 0.9], vec![0.2, 0.4, 0.4]];
    assert_eq!(Table::new(1, &model, &probs, None).unwrap().target(), Some(1));
}

/// Every drop is the sum of what its regions add.
#[test]
fn fidelity_is_one_for_true_weights_minus_one_for_their_opposite_and_none_where_nothing_differs() {
    let weights: Vec<f64> = (1..=6).map(f64::from).collect();
    let p = |row: usize| (0..6).filter(|bit| row >> bit & 1 == 1).map(|bit| weights[bit]).sum::<f64>() / 42.0;
    let settings =
        Settings { weights: Weights { effectiveness: 0.0, ..Settings::lima().weights }, ..Settings::lima() };
    let model = Model::new(2, Some(0), &settings).unwrap();
    let probs: Vec<Vec<f64>> = (0..64).map(|row| vec![p(row), 1.0 - p(row)]).collect();
    let table = Arc::new(Table::new(6, &model, &probs, None).unwrap());
    let regions = Arc::new(Regions::new(6, None, Geometry::Unknown).unwrap());
    let f = Attribution::new(regions, settings, table).unwrap();
    let measure = MuFidelity::new(6, 40, 3, 9).unwrap();
    let of = |weights: &[f64]| measure.measure(&f, weights, &Ctl::default()).unwrap();
    assert!((of(&weights).unwrap() - 1.0).abs() < 1e-12);
    let opposite: Vec<f64> = weights.iter().map(|weight| -weight).collect();
    assert!((of(&opposite).unwrap() + 1.0).abs() < 1e-12);
    assert_eq!(of(&[1.0; 6]), None);
    assert!(measure.sets(6).iter().all(|set| set.len() == 3 && set.is_sorted()));
    for (samples, size) in [(1, 3), (40, 0), (40, 6)] {
        assert!(MuFidelity::new(6, samples, size, 0).is_err());
    }
}

#[test]
fn regions_that_are_none_are_refused_with_their_place() {
    let flat = |rows: [[f64; 2]; 2]| rows.map(|row| row.to_vec()).to_vec();
    let areas = |areas: &[f64]| Regions::new(2, Some(areas), Geometry::Unknown).unwrap_err().pointer();
    assert_eq!(Regions::new(0, None, Geometry::Unknown).unwrap_err().pointer(), "/count");
    assert_eq!(areas(&[1.0]), "/areas");
    assert_eq!(areas(&[1.0, 0.0]), "/areas/1");
    assert_eq!(areas(&[f64::NAN, 1.0]), "/areas/0");
    assert_eq!(areas(&[f64::MAX, f64::MAX]), "/areas/1");
    let distance = |rows: &[Vec<f64>]| Regions::new(2, None, Geometry::Distance(rows)).unwrap_err().pointer();
    assert_eq!(distance(&[vec![0.0, 1.0]]), "/distance");
    assert_eq!(distance(&[vec![0.0, 1.0], vec![1.0]]), "/distance/1");
    assert_eq!(distance(&flat([[0.0, f64::NAN], [1.0, 0.0]])), "/distance/0/1");
    assert_eq!(distance(&flat([[0.0, -1.0], [-1.0, 0.0]])), "/distance/0/1");
    assert_eq!(distance(&flat([[0.0, 1.0], [1.0, 0.5]])), "/distance/1/1");
    assert_eq!(distance(&flat([[0.0, 1.0], [1.5, 0.0]])), "/distance/0/1");
    let features = |rows: &[Vec<f64>]| Regions::new(2, None, Geometry::Features(rows)).unwrap_err().pointer();
    assert_eq!(features(&flat([[0.0, 1.0], [0.0, 0.0]])), "/features/1");
    assert_eq!(features(&flat([[0.0, 1.0], [f64::INFINITY, 0.0]])), "/features/1/0");
    assert_eq!(features(&[vec![1.0], vec![1.0, 2.0]]), "/features/1");
    // Lengths do not count, not even those whose squares are no numbers.
    let far = Regions::new(2, None, Geometry::Features(&flat([[1e300, 0.0], [0.0, 1e-300]]))).unwrap();
    assert_eq!(far.distance(0, 1), 0.5);
}

#[test]
fn settings_and_tables_that_have_no_meaning_are_refused_by_name() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::smdl();
        change(&mut settings);
        Attribution::new(regions(), settings, table(&Settings::smdl(), None)).err().unwrap().to_string()
    };
    assert!(with(|s| s.weights.confidence = -1.0).starts_with("weights.confidence"));
    assert!(with(|s| s.single_effectiveness = f64::NAN).starts_with("single_effectiveness"));
    assert!(with(|s| s.confidence = ConfidenceForm::Evidential { scale: 0.0, clamp: 1.0 }).contains("scale"));
    assert!(with(|s| s.confidence = ConfidenceForm::Evidential { scale: 1.0, clamp: 1e3 }).contains("clamp"));
    let zero = Weights { confidence: 0.0, effectiveness: 0.0, consistency: 0.0, collaboration: 0.0 };
    assert!(Settings { weights: zero, ..Settings::lima() }.check().is_err());
    let blind = Arc::new(Regions::new(8, None, Geometry::Unknown).unwrap());
    assert!(Attribution::new(blind, Settings::lima(), table(&Settings::lima(), None)).is_err());
    assert!(
        Model::new(1, None, &Settings::lima()).is_err() && Model::new(3, Some(3), &Settings::lima()).is_err()
    );
    for k in [0, 9] {
        assert!(Search::Greedy.begin(function(Settings::lima()), k).is_err());
    }
    assert!(
        Search::BidirectionalGreedy { pool: 1, merge_rounds: false }
            .begin(function(Settings::lima()), 8)
            .is_err()
    );

    let model = Model::new(3, None, &Settings::smdl()).unwrap();
    let (probs, evidence) = outputs();
    let refused = |probs: &[Vec<f64>], evidence: Option<&[Vec<f64>]>| {
        Table::new(8, &model, probs, evidence).unwrap_err().pointer()
    };
    assert_eq!(refused(&probs[1..], Some(&evidence)), "/probs");
    assert_eq!(refused(&probs, Some(&evidence[1..])), "/evidence");
    assert_eq!(refused(&probs, None), "/evidence/0");
    let mut bad = probs.clone();
    bad[200][2] += 0.002;
    assert_eq!(refused(&bad, Some(&evidence)), "/probs/200");
    bad[17][1] = -0.1;
    assert_eq!(refused(&bad, Some(&evidence)), "/probs/17/1");
    assert_eq!(Table::new(17, &model, &[], None).unwrap_err().pointer(), "");
}
