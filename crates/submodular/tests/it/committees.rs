//! Committees: the page's worked numbers, and every rule against its definition and against every committee of small
//! random profiles.

use crate::support::{go, value};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::{Arc, LazyLock};
use submodular::committee::{Profile, ProfileBuilder, Rule, voter_satisfaction};
use submodular::constraint::{Bounds, Groups};
use submodular::objective::committee::Committee;
use submodular::optimizer::{BidirectionalGreedy, Exact, Greedy, LazyGreedy, Optimizer};
use submodular::sampling::{below, shuffle, stream};
use submodular::{Ctl, Item, Objective, Problem, Selection};

static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../data/multiwinner_golden.json")).unwrap());

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn items(value: &Value) -> Vec<Item> {
    serde_json::from_value(value.clone()).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1.0)
}

/// The page's name for each rule; t is k = 3 where none is given.
fn page_rules() -> [(&'static str, Rule); 10] {
    [
        ("sntv", Rule::Sntv),
        ("bloc_3", Rule::Bloc { t: None }),
        ("k_borda", Rule::KBorda),
        ("geometric_1_2", Rule::Geometric { q: 0.5 }),
        ("harmonic_pos", Rule::Harmonic),
        ("cc_borda", Rule::ChamberlinCourantBorda),
        ("cc_approval_2", Rule::ChamberlinCourantApproval { t: Some(2) }),
        ("pav_3", Rule::Pav { t: None }),
        ("hb_borda", Rule::HarmonicBorda),
        ("geomowa_borda", Rule::GeometricOwa { q: 0.5 }),
    ]
}

fn strict(rankings: &Value) -> Arc<Profile> {
    let rankings: Vec<Vec<Item>> = rankings.as_array().unwrap().iter().map(items).collect();
    Arc::new(Profile::from_strict(rankings[0].len(), &rankings.concat()).unwrap())
}

fn committee(profile: &Arc<Profile>, rule: &Rule) -> Arc<dyn Objective> {
    Arc::new(Committee::new(profile.clone(), rule.clone(), 3).unwrap())
}

/// Three of the page's six items; lower and upper bounds of its two groups.
fn quotas(lower: [usize; 2], upper: [usize; 2]) -> Groups {
    let of = items(&GOLDEN["groups"]);
    let bounds = [0, 1].map(|g| Bounds { at_least: lower[g], at_most: upper[g] });
    Groups::new(3, of.into_iter().map(Some).collect(), bounds.to_vec())
}

fn chosen(f: &Arc<dyn Objective>, rule: Groups, search: &mut dyn Optimizer) -> Selection {
    go(Problem::new(f.clone(), Arc::new(rule), &[], &[], 0).unwrap(), search).selection
}

/// What both greedy searches choose, which is the same.
fn greedy(f: &Arc<dyn Objective>, rule: Groups) -> Selection {
    let found = chosen(f, rule.clone(), &mut Greedy);
    let lazy = chosen(f, rule, &mut LazyGreedy::default());
    assert_eq!((&found.items, &found.gains), (&lazy.items, &lazy.gains));
    found
}

/// The optimum, proved.
fn exact(f: &Arc<dyn Objective>, rule: Groups) -> Selection {
    let found = chosen(f, rule, &mut Exact::new(u64::MAX, None));
    assert!(close(found.certificate.unwrap().upper_bound, found.value()));
    found
}

fn sorted(items: &[Item]) -> Vec<Item> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items
}

#[test]
fn every_rule_finds_the_pages_optima_and_greedys_picks() {
    let free = || quotas([0, 0], [3, 3]);
    for (name, rule) in page_rules() {
        let page = &GOLDEN["rules"][name];
        let at = |which: &str| committee(&strict(&GOLDEN[which]), &rule);
        let (latent, biased) = (at("latent"), at("biased"));
        for (f, which) in [(&latent, "latent"), (&biased, "biased")] {
            let found = exact(f, free());
            let mut optima = page[format!("{which}_optima")].as_array().unwrap().iter().map(items);
            assert!(optima.any(|set| set == sorted(&found.items)), "{name}, {which}: {:?}", found.items);
            let best = number(&page[format!("{which}_opt")][0]);
            assert!(close(found.value(), best), "{name}, {which}: {} {best}", found.value());
        }
        let found = greedy(&biased, free());
        assert_eq!(found.items, items(&page["greedy_biased"][0]), "{name}");
        let gains = page["greedy_biased"][1].as_array().unwrap();
        assert!(
            found.gains.iter().zip(gains).all(|(&a, b)| close(a, number(b))),
            "{name}: {:?}",
            found.gains
        );
        let first = items(&page["biased_opt"][1]);
        let quality = value(&latent, &first) / number(&page["latent_opt"][0]);
        assert!(close(quality, number(&page["latent_quality_of_biased_opt"])), "{name}: {quality}");
    }
}

#[test]
fn every_rule_keeps_the_pages_quotas_at_its_values() {
    for (name, rule) in page_rules() {
        let page = &GOLDEN["rules"][name];
        let (latent, biased) =
            (committee(&strict(&GOLDEN["latent"]), &rule), committee(&strict(&GOLDEN["biased"]), &rule));
        let mut cells: Vec<(Groups, &Value)> = vec![(quotas([1, 1], [2, 2]), &page["quota_1_2_each"])];
        for cell in page["by_lower_bound_on_group1"].as_array().unwrap() {
            cells.push((quotas([0, number(&cell["l"]) as usize], [3, 3]), cell));
            let quality = value(&latent, &items(&cell["set"])) / number(&page["latent_opt"][0]);
            assert!(close(quality, number(&cell["latent_quality"])), "{name} {cell}: {quality}");
        }
        assert_eq!(cells.len(), 5);
        for (quotas, cell) in cells {
            let (best, found) = (exact(&biased, quotas.clone()), greedy(&biased, quotas));
            assert!(close(best.value(), number(&cell["opt"])), "{name} {cell}: {}", best.value());
            assert_eq!(found.items, items(&cell["greedy"]), "{name} {cell}");
            assert!(close(found.value(), number(&cell["greedy_value"])), "{name} {cell}: {}", found.value());
        }
    }
}

#[test]
fn where_greedy_falls_short_of_the_optimum_it_does_so_by_the_pages_gap() {
    let gaps = GOLDEN["greedy_gap"].as_object().unwrap();
    assert_eq!(gaps.len(), 8);
    for (name, gap) in gaps {
        let rules = page_rules();
        let (_, rule) = rules.iter().find(|(page, _)| *page == name.trim_end_matches("_quota")).unwrap();
        let f = committee(&strict(&gap["profile"]), rule);
        let bounds = |which: &str| [0, 1].map(|g| gap[which][g].as_u64().unwrap() as usize);
        let quotas = quotas(bounds("lower"), bounds("upper"));
        let (best, found) = (exact(&f, quotas.clone()), greedy(&f, quotas));
        assert!(close(best.value(), number(&gap["opt"])), "{name}: {}", best.value());
        assert!(close(value(&f, &items(&gap["opt_set"])), best.value()), "{name}");
        assert_eq!(found.items, items(&gap["greedy"]), "{name}");
        assert!(close(found.value(), number(&gap["greedy_value"])), "{name}: {}", found.value());
    }
}

/// A small election: weighted voters, their tie classes from the best on, a rule and quotas.
#[derive(Debug, Clone)]
struct Election {
    candidates: usize,
    ballots: Vec<(f64, Vec<Vec<Item>>)>,
    rule: Rule,
    k: usize,
    of: Vec<Option<u32>>,
    bounds: Vec<Bounds>,
}

/// So many rules does [`rule`] know.
const RULES: usize = 13;

fn rule(which: usize, candidates: usize, seed: u64) -> Rule {
    let mut rng = stream(seed, 1);
    let t = [None, Some(1 + seed as usize % 3)][seed as usize % 2];
    let q = 0.25 + 0.5 * (seed % 4) as f64 / 3.0;
    let mut numbers =
        || (0..candidates - seed as usize % 3).map(|_| below(5, &mut rng) as f64 / 2.0).collect::<Vec<_>>();
    let mut falling = numbers();
    falling.sort_by(|a, b| b.total_cmp(a));
    match which {
        0 => Rule::Sntv,
        1 => Rule::Bloc { t },
        2 => Rule::KBorda,
        3 => Rule::Geometric { q },
        4 => Rule::Harmonic,
        5 => Rule::Positional { scores: numbers() },
        6 => Rule::ChamberlinCourantBorda,
        7 => Rule::ChamberlinCourantApproval { t },
        8 => Rule::Pav { t },
        9 => Rule::HarmonicBorda,
        10 => Rule::GeometricOwa { q },
        11 => Rule::Owa { positions: numbers(), owa: falling },
        _ => Rule::Owa { positions: numbers(), owa: numbers() },
    }
}

/// Truncated and tied ballots among them.
fn election(candidates: usize, voters: usize, which: usize, seed: u64) -> Election {
    let mut rng = stream(seed, 0);
    let ballot = |_| {
        let mut all: Vec<Item> = (0..candidates as Item).collect();
        shuffle(&mut all, &mut rng);
        all.truncate(1 + below(candidates as u64, &mut rng) as usize);
        let mut classes: Vec<Vec<Item>> = vec![];
        for e in all {
            match classes.last_mut() {
                Some(class) if below(4, &mut rng) == 0 => class.push(e),
                _ => classes.push(vec![e]),
            }
        }
        (below(4, &mut rng) as f64 / 2.0, classes)
    };
    let mut ballots: Vec<(f64, Vec<Vec<Item>>)> = (0..voters).map(ballot).collect();
    ballots[0].0 = 1.0;
    let of = (0..candidates).map(|_| [Some(0), Some(1), None][below(3, &mut rng) as usize]).collect();
    let mut bounds = || {
        let at_least = below(3, &mut rng) as usize;
        Bounds { at_least, at_most: at_least + below(2, &mut rng) as usize }
    };
    let bounds = vec![bounds(), bounds()];
    let (k, rule) = (1 + seed as usize % 4, rule(which, candidates, seed));
    Election { candidates, ballots, rule, k, of, bounds }
}

/// With 20 voters the last tile is not full, with 150 there are two blocks.
fn elections() -> impl Strategy<Value = Election> {
    let voters = prop_oneof![8 => 1usize..7, 2 => Just(20usize), 1 => Just(150usize)];
    (4usize..8, voters, 0..RULES, any::<u32>())
        .prop_map(|(candidates, voters, which, seed)| election(candidates, voters, which, u64::from(seed)))
}

impl Election {
    fn profile(&self) -> Arc<Profile> {
        let mut builder = ProfileBuilder::new(self.candidates);
        for (weight, classes) in &self.ballots {
            let ends = classes.iter().scan(0, |end, class| {
                *end += class.len();
                Some(*end)
            });
            builder.push(&classes.concat(), Some(&ends.collect::<Vec<_>>()), *weight).unwrap();
        }
        Arc::new(builder.finish().unwrap())
    }

    fn objective(&self) -> Arc<dyn Objective> {
        Arc::new(Committee::new(self.profile(), self.rule.clone(), self.k).unwrap())
    }

    fn quotas(&self) -> Groups {
        Groups::new(self.k, self.of.clone(), self.bounds.clone())
    }

    fn keeps_quotas(&self, set: &[Item]) -> bool {
        set.len() == self.k
            && self.bounds.iter().zip(0..).all(|(bounds, group)| {
                let held = set.iter().filter(|&&e| self.of[e as usize] == Some(group)).count();
                (bounds.at_least..=bounds.at_most).contains(&held)
            })
    }

    fn subsets(&self) -> impl Iterator<Item = Vec<Item>> {
        let n = self.candidates as Item;
        (0u32..1 << n).map(move |set| (0..n).filter(|e| set >> e & 1 == 1).collect())
    }

    /// `f_v(S)` from the definition.
    fn worth(&self, classes: &[Vec<Item>], set: &[Item]) -> f64 {
        let gamma = self.rule.gamma(self.candidates, self.k);
        let (mut scores, mut start) = (vec![], 0);
        for class in classes {
            let mean = gamma[start..start + class.len()].iter().sum::<f64>() / class.len() as f64;
            scores.extend(class.iter().filter(|e| set.contains(e)).map(|_| mean));
            start += class.len();
        }
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.iter().zip(self.rule.owa(set.len())).map(|(g, w)| w * g).sum()
    }

    fn value(&self, set: &[Item]) -> f64 {
        self.ballots.iter().map(|(weight, classes)| weight * self.worth(classes, set)).sum()
    }

    /// The same election under other names for its candidates.
    fn renamed(&self, name: &[Item]) -> Self {
        let ballot = |(weight, classes): &(f64, Vec<Vec<Item>>)| {
            let renamed = |class: &Vec<Item>| class.iter().map(|&e| name[e as usize]).collect();
            (*weight, classes.iter().map(renamed).collect())
        };
        let mut of = vec![None; self.candidates];
        (0..self.candidates).for_each(|e| of[name[e] as usize] = self.of[e]);
        Self { ballots: self.ballots.iter().map(ballot).collect(), of, ..self.clone() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_committee_is_worth_what_its_definition_says_on_the_way_there_and_back(
        election in elections()
    ) {
        let (f, ctl, n) = (election.objective(), Ctl::default(), election.candidates as Item);
        let all: Vec<Item> = (0..n).collect();
        for set in election.subsets() {
            let expected = election.value(&set);
            let near = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
            let mut state = f.clone().state();
            let outside: Vec<Item> = all.iter().copied().filter(|e| !set.contains(e)).collect();
            let mut gains = vec![0.0; outside.len()];
            state.advance(&set, &outside, &mut gains, &ctl).unwrap();
            prop_assert!(near(state.value(), expected), "{set:?}: {} {expected}", state.value());
            for (&e, &gain) in outside.iter().zip(&gains) {
                let more = election.value(&[&set[..], &[e]].concat());
                prop_assert!(near(gain, more - expected), "{set:?} {e}: {gain}");
            }
            // Everything joins, and what is not of the set leaves.
            let mut back = f.clone().state();
            back.advance(&all, &[], &mut [], &ctl).unwrap();
            let mut losses = vec![0.0; set.len()];
            back.retreat(&outside, &set, &mut losses, &ctl).unwrap();
            prop_assert!(near(back.value(), expected));
            for (&e, &loss) in set.iter().zip(&losses) {
                let fewer: Vec<Item> = set.iter().copied().filter(|&other| other != e).collect();
                prop_assert!(near(loss, expected - election.value(&fewer)), "{set:?} without {e}: {loss}");
            }
        }
    }

    #[test]
    fn quotas_are_kept_separable_rules_are_exact_and_greedy_has_half(election in elections()) {
        let f = election.objective();
        let best = election.subsets().filter(|s| election.keeps_quotas(s)).map(|s| election.value(&s)).reduce(f64::max);
        let problem = || Problem::new(f.clone(), Arc::new(election.quotas()), &[], &[], 0);
        let Some(best) = best else {
            prop_assert!(problem().is_err());
            return Ok(());
        };
        let mut searches: Vec<(&str, Box<dyn Optimizer>)> = vec![
            ("greedy", Box::new(Greedy)),
            ("exact", Box::new(Exact::new(u64::MAX, None))),
            ("bidirectional_greedy", Box::new(BidirectionalGreedy::new(2).unwrap())),
        ];
        if election.rule.submodular() {
            searches.push(("lazy_greedy", Box::new(LazyGreedy::default())));
        }
        for (name, mut search) in searches {
            let found = go(problem().unwrap(), &mut *search).selection;
            prop_assert!(election.keeps_quotas(&found.items), "{name}: {:?}", found.items);
            let value = election.value(&found.items);
            prop_assert!((value - found.value()).abs() < 1e-9, "{name}");
            let least = match name {
                "exact" => best,
                "bidirectional_greedy" => 0.0,
                _ if election.rule.separable() => best,
                _ if election.rule.submodular() => best / 2.0,
                _ => 0.0,
            };
            prop_assert!(value >= least - 1e-9, "{name}: {value} of {best}");
        }
    }

    #[test]
    fn neither_the_order_of_voters_nor_the_names_of_candidates_matter(election in elections(), seed: u64) {
        let mut order: Vec<Item> = (0..election.ballots.len() as Item).collect();
        let mut name: Vec<Item> = (0..election.candidates as Item).collect();
        shuffle(&mut order, &mut stream(seed, 0));
        shuffle(&mut name, &mut stream(seed, 1));
        let mixed = Election {
            ballots: order.iter().map(|&voter| election.ballots[voter as usize].clone()).collect(),
            ..election.clone()
        };
        let renamed = mixed.renamed(&name);
        let (f, g) = (election.objective(), renamed.objective());
        let mut best = (0, f64::NEG_INFINITY);
        for set in election.subsets() {
            let named: Vec<Item> = set.iter().map(|&e| name[e as usize]).collect();
            let (a, b) = (value(&f, &set), value(&g, &named));
            prop_assert!((a - b).abs() < 1e-9, "{set:?}: {a} {b}");
            if election.keeps_quotas(&set) {
                best = match a - best.1 {
                    more if more > 1e-6 => (1, a),
                    more if more > -1e-6 => (best.0 + 1, best.1),
                    _ => best,
                };
            }
        }
        let optimum = |f: &Arc<dyn Objective>, quotas: Groups| chosen(f, quotas, &mut Exact::new(u64::MAX, None));
        if best.0 == 1 {
            let (a, b) = (optimum(&f, election.quotas()), optimum(&g, renamed.quotas()));
            let named: Vec<Item> = a.items.iter().map(|&e| name[e as usize]).collect();
            prop_assert_eq!(sorted(&named), sorted(&b.items));
        }
    }

    #[test]
    fn a_part_keeps_the_positions_among_all_candidates(election in elections()) {
        let part: Vec<Item> = (0..election.candidates as Item).rev().step_by(2).collect();
        let f = election.objective().restrict(&part).unwrap();
        for set in [vec![], vec![0], vec![1, 0]] {
            let named: Vec<Item> = set.iter().map(|&e: &Item| part[e as usize]).collect();
            prop_assert!((value(&f, &set) - election.value(&named)).abs() < 1e-9);
        }
    }

    #[test]
    fn satisfaction_sums_the_voters_up(election in elections()) {
        let set: Vec<Item> = (0..election.candidates as Item).take(election.k).collect();
        let found = voter_satisfaction(&election.profile(), &election.rule, election.k, &set).unwrap();
        // A voter as often as half its weight, so that the weights are gone.
        let worth = |(weight, classes): &(f64, Vec<Vec<Item>>)| {
            vec![election.worth(classes, &set); (2.0 * weight) as usize]
        };
        let voters: Vec<f64> = election.ballots.iter().map(|ballot| election.worth(&ballot.1, &set)).collect();
        let mut all: Vec<f64> = election.ballots.iter().flat_map(worth).collect();
        all.sort_by(f64::total_cmp);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        prop_assert!(near(found.mean, all.iter().sum::<f64>() / all.len() as f64));
        prop_assert!(near(found.least, all[0]));
        for (quartile, share) in found.quartiles.into_iter().zip([0.25, 0.5, 0.75]) {
            prop_assert!(near(quartile, all[(all.len() as f64 * share).ceil() as usize - 1]), "{share}: {quartile}");
        }
        let counts = |voter: usize| election.ballots[voter].0 > 0.0;
        prop_assert!(counts(found.happiest) && near(voters[found.happiest], all[all.len() - 1]));
        prop_assert!(counts(found.least_happy) && near(voters[found.least_happy], all[0]));
    }
}

/// Few gains are looked up, many come from lists of all.
#[test]
fn a_gain_has_the_same_bits_whether_one_is_asked_or_all_are_and_a_step_that_failed_leaves_no_trace() {
    let ctl = Ctl::default();
    for (which, seed) in (0..RULES).flat_map(|which| (0..4).map(move |seed| (which, seed))) {
        let f = election(60, 150, which, seed).objective();
        let mut all = f.clone().state();
        let mut set: Vec<Item> = (0..60).collect();
        shuffle(&mut set, &mut stream(seed, 2));
        let outside = set.split_off(25);
        let mut gains = vec![0.0; outside.len()];
        all.advance(&set, &outside, &mut gains, &ctl).unwrap();
        // One after the other, with steps on the way that fail.
        let (mut one, mut failed) = (f.clone().state(), 0);
        one.advance(&[], &[], &mut [], &ctl).unwrap();
        for (at, &e) in set.iter().enumerate() {
            for fuse in 0..if at % 8 == 1 { 30 } else { 0 } {
                let mut rubbish = vec![0.0; outside.len()];
                for leaves in [false, true] {
                    let (mut tried, short) = (one.fork(), Ctl::fused(fuse));
                    let done = match leaves {
                        false => tried.advance(&[e, outside[at]], &outside, &mut rubbish, &short),
                        true => tried.retreat(&set[..at], &[], &mut [], &short),
                    };
                    if done.is_err() {
                        one = tried;
                        failed += 1;
                    }
                }
            }
            one.advance(&[e], &[], &mut [], &ctl).unwrap();
        }
        assert!(failed >= 6, "{which} {seed}: {failed}");
        assert_eq!(one.value().to_bits(), all.value().to_bits(), "{which} {seed}");
        for (&e, gain) in outside.iter().zip(&gains) {
            let mut single = [0.0];
            one.fork().advance(&[], &[e], &mut single, &ctl).unwrap();
            assert_eq!(single[0].to_bits(), gain.to_bits(), "{which} {seed}");
        }
    }
}
