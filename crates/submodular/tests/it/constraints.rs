//! A budget, an intersection of partitions, a least distance: against every subset, worked numbers and a walk of the
//! definition.

use crate::field::{GOLDEN, numbers, objectives};
use crate::support::{budgeted, facility_location, go, value};
use proptest::prelude::*;
use serde_json::Value;
use std::sync::Arc;
use submodular::constraint::{
    Bounds, Constraint, Groups, Infeasible, Intersection, Knapsack, MinDistance, Sum, Unconstrained,
};
use submodular::guarantee::{Guarantee, ONE_MINUS_INVERSE_E};
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::{
    BidirectionalGreedy, Greedy, KnapsackGreedy, LazyGreedy, Optimizer, StochasticGreedy, Termination,
};
use submodular::similarity::{Blocked, MatrixBuilder, Metric, Points, Stored};
use submodular::tile::Kernel;
use submodular::{Ctl, Ended, Error, Item, Problem};

/// Rules of a small world. Costs and the budget are tenths, so that their sums are whole numbers here and are not
/// where they are checked.
#[derive(Debug, Clone)]
struct World {
    n: usize,
    seed: u64,
    costs: Vec<u32>,
    budget: u32,
    k: usize,
    of: [Vec<Option<u32>>; 2],
    least: Vec<usize>,
    most: [Vec<usize>; 2],
    /// Positions on a line: their differences are the distances.
    places: Vec<u8>,
    apart: u8,
    include: Vec<Item>,
}

fn worlds() -> impl Strategy<Value = World> {
    (4usize..=8, 0u64..1000, 1usize..=5, 0u32..=25, 0u8..=4).prop_flat_map(|(n, seed, k, budget, apart)| {
        let of = || prop::collection::vec(prop::option::of(0u32..3), n);
        let most = || prop::collection::vec(1usize..=3, 3);
        (
            prop::collection::vec(0u32..=12, n),
            [of(), of()],
            prop::collection::vec(0usize..=1, 3),
            [most(), most()],
            prop::collection::vec(0u8..12, n),
            prop::option::of(0..n as Item),
        )
            .prop_map(move |(costs, of, least, most, places, include)| {
                let include = include.into_iter().collect();
                World { n, seed, costs, budget, k, of, least, most, places, apart, include }
            })
    })
}

impl World {
    fn bounds(&self, partition: usize, lower: bool) -> Vec<Bounds> {
        let bounds = self.least.iter().zip(&self.most[partition]);
        bounds.map(|(&l, &at_most)| Bounds { at_least: if lower { l } else { 0 }, at_most }).collect()
    }
    fn budgeted(&self, inner: Groups) -> Arc<dyn Constraint> {
        let costs = self.costs.iter().map(|&tenths| f64::from(tenths) * 0.1).collect();
        Arc::new(Knapsack::new(Arc::new(inner), costs, f64::from(self.budget) * 0.1).unwrap())
    }
    fn grouped(&self, k: Option<usize>) -> Groups {
        Groups::up_to(k, self.of[0].clone(), self.bounds(0, true))
    }
    fn apart(&self, inner: Arc<dyn Constraint>) -> Arc<dyn Constraint> {
        let mut distances = MatrixBuilder::new(Kernel::detect(), self.n, self.n).unwrap();
        for i in 0..self.n {
            let row: Vec<f32> = (0..self.n).map(|j| f32::from(self.gap(i, j)) * 0.1).collect();
            distances.push(&row).unwrap();
        }
        let least = f64::from(self.apart) * 0.1;
        Arc::new(MinDistance::new(inner, Arc::new(distances.finish().unwrap()), least).unwrap())
    }
    fn gap(&self, i: usize, j: usize) -> u8 {
        self.places[i].abs_diff(self.places[j])
    }

    // The rules from their definitions.
    fn affordable(&self, set: &[Item]) -> bool {
        set.iter().map(|&e| self.costs[e as usize]).sum::<u32>() <= self.budget
    }
    fn keeps(&self, partition: usize, lower: bool, set: &[Item]) -> bool {
        self.bounds(partition, lower).iter().enumerate().all(|(g, bounds)| {
            let of = &self.of[partition];
            let held = set.iter().filter(|&&e| of[e as usize] == Some(g as u32)).count();
            bounds.at_least <= held && held <= bounds.at_most
        })
    }
    fn keeps_apart(&self, set: &[Item]) -> bool {
        set.iter()
            .enumerate()
            .all(|(t, &i)| set[..t].iter().all(|&j| self.gap(i as usize, j as usize) >= self.apart))
    }
    fn subsets(&self) -> impl Iterator<Item = Vec<Item>> {
        let n = self.n;
        (0u32..1 << n).map(move |mask| (0..n as Item).filter(|i| mask >> i & 1 == 1).collect())
    }
}

type Holds<'a> = Box<dyn Fn(&[Item]) -> bool + 'a>;

struct Rule<'a> {
    name: &'static str,
    rule: Arc<dyn Constraint>,
    holds: Holds<'a>,
    /// What one greedy run, the search for a budget, and that from every item promise.
    promised: [Option<f64>; 3],
}

fn rules(w: &World) -> Vec<Rule<'_>> {
    let k = w.k;
    let half = ONE_MINUS_INVERSE_E / 2.0;
    let singles = ONE_MINUS_INVERSE_E / (1.0 + ONE_MINUS_INVERSE_E);
    let two = |k| [0, 1].map(|p| Groups::new(k, w.of[p].clone(), w.bounds(p, false))).to_vec();
    let partitions = Arc::new(Intersection::new(two(k)).unwrap());
    let rule = |name, rule, holds, promised| Rule { name, rule, holds, promised };
    vec![
        rule(
            "budget",
            w.budgeted(Groups::up_to(None, vec![], vec![])),
            Box::new(|s: &[Item]| w.affordable(s)) as Holds,
            [None, Some(half), Some(singles)],
        ),
        rule(
            "budget, k",
            w.budgeted(Groups::up_to(Some(k), vec![], vec![])),
            Box::new(move |s| w.affordable(s) && s.len() <= k),
            [None; 3],
        ),
        rule(
            "budget, groups",
            w.budgeted(w.grouped(None)),
            Box::new(|s| w.affordable(s) && w.keeps(0, true, s)),
            [None; 3],
        ),
        rule(
            "budget, groups, k",
            w.budgeted(w.grouped(Some(k))),
            Box::new(move |s| w.affordable(s) && w.keeps(0, true, s) && s.len() <= k),
            [None; 3],
        ),
        rule(
            "partitions",
            partitions,
            Box::new(move |s| w.keeps(0, false, s) && w.keeps(1, false, s) && s.len() <= k),
            [Some(1.0 / 3.0), None, None],
        ),
        rule(
            "distance",
            w.apart(Arc::new(Groups::up_to(Some(k), vec![], vec![]))),
            Box::new(move |s| w.keeps_apart(s) && s.len() <= k),
            [None; 3],
        ),
        rule(
            "distance, budget, groups",
            w.apart(w.budgeted(Groups::up_to(None, w.of[0].clone(), w.bounds(0, false)))),
            Box::new(|s| w.keeps_apart(s) && w.affordable(s) && w.keeps(0, false, s)),
            [None; 3],
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_is_broken_no_factor_missed_and_no_certificate_below_the_optimum(world in worlds()) {
        let f = facility_location(world.n, world.seed);
        for Rule { name, rule, holds, promised } in rules(&world) {
            let answers = world.subsets().filter(|s| holds(s) && world.include.iter().all(|e| s.contains(e)));
            let optimum = answers.map(|s| value(&f, &s)).reduce(f64::max);
            let problem = || Problem::new(f.clone(), rule.clone(), &world.include, &[], 7);
            if problem().is_err() {
                // Partitions ask for exactly k, of which `holds` speaks as a bound.
                prop_assert!(optimum.is_none() || name == "partitions", "{} refused", name);
                continue;
            }
            prop_assert!(optimum.is_some(), "{} accepted", name);
            let optimum = optimum.unwrap();
            let budget = rule.shape().knapsack;
            let mut searches: Vec<(usize, Box<dyn Optimizer>)> =
                vec![(0, Box::new(Greedy)), (0, Box::new(LazyGreedy::default()))];
            if budget {
                searches.push((1, Box::new(KnapsackGreedy::new(false))));
                searches.push((2, Box::new(KnapsackGreedy::new(true))));
            }
            let mut values = vec![];
            for (search, mut optimizer) in searches {
                let claim = optimizer.claim(&f.properties(), &rule.shape()).unwrap();
                let factor = match claim.guarantee {
                    Guarantee::Factor { factor, .. } => Some(factor),
                    Guarantee::None { .. } => None,
                };
                prop_assert_eq!(factor, promised[search], "{}", name);
                let out = go(problem().unwrap(), &mut *optimizer);
                let chosen = out.selection;
                prop_assert!(holds(&chosen.items), "{} {:?}", name, chosen.items);
                prop_assert!((chosen.value() - value(&f, &chosen.items)).abs() < 1e-9);
                prop_assert!(chosen.value() >= factor.unwrap_or(0.0) * optimum - 1e-9, "{}", name);
                let bound = chosen.certificate.unwrap().upper_bound;
                prop_assert!(bound >= optimum - 1e-9, "{} {} {}", name, bound, optimum);
                // It goes on until nothing can be added.
                let mut more = (0..world.n as Item).filter(|e| !chosen.items.contains(e));
                let larger = |e| holds(&[&chosen.items[..], &[e]].concat());
                prop_assert!(more.all(|e| !larger(e)), "{} {:?}", name, chosen.items);
                values.push(chosen.value());
            }
            if let [greedy, lazy, best, most] = values[..] {
                prop_assert_eq!(greedy, lazy);
                prop_assert!(greedy <= best && best <= most);
            }
        }
    }
}

/// One pass of the definition (api.md, section 3), with f alone: ranks, skips, and ends before what does harm.
fn pass(f: &Arc<dyn Objective>, costs: &[f64], budget: f64, start: &[Item], by_gain: bool) -> Vec<Item> {
    let mut set = start.to_vec();
    loop {
        let spent: f64 = set.iter().map(|&e| costs[e as usize]).sum();
        let f_set = value(f, &set);
        let fits = |e: &Item| !set.contains(e) && spent + costs[*e as usize] <= budget;
        let mut best: Option<(f64, f64, Item)> = None;
        for e in (0..f.len() as Item).filter(fits) {
            let gain = value(f, &[&set[..], &[e]].concat()) - f_set;
            let rank = if by_gain { gain } else { gain / costs[e as usize] };
            if best.is_none_or(|best| rank > best.0 + 1e-9) {
                best = Some((rank, gain, e));
            }
        }
        match best {
            Some((_, gain, e)) if gain >= -1e-9 => set.push(e),
            _ => return set,
        }
    }
}

#[test]
fn every_function_is_searched_as_defined_under_a_budget() {
    let costs = numbers("costs");
    let rule: Arc<dyn Constraint> =
        Arc::new(Knapsack::new(Arc::new(Unconstrained), costs.clone(), 5.0).unwrap());
    for (name, f) in objectives() {
        let singles: Vec<Vec<Item>> = (0..8).map(|e| vec![e]).collect();
        let passes = [pass(&f, &costs, 5.0, &[], false), pass(&f, &costs, 5.0, &[], true)];
        let from_singles = singles.iter().map(|start| pass(&f, &costs, 5.0, start, false));
        let best =
            |sets: &mut dyn Iterator<Item = Vec<Item>>| sets.map(|s| value(&f, &s)).fold(0.0, f64::max);
        let three = best(&mut passes.iter().cloned().chain(singles.iter().cloned()));
        let all = three.max(best(&mut from_singles.into_iter()));
        for (enumerate, expected) in [(false, three), (true, all)] {
            let problem = Problem::new(f.clone(), rule.clone(), &[], &[], 0).unwrap();
            let out = go(problem, &mut KnapsackGreedy::new(enumerate)).selection;
            assert!((out.value() - expected).abs() < 1e-5, "{name} {enumerate}: {} {expected}", out.value());
        }
    }
}

#[test]
fn the_page_s_knapsack_is_found() {
    let golden = &GOLDEN["knapsack"];
    let find = |name| objectives().into_iter().find(|o| o.0 == name).unwrap().1;
    let f = find(golden["objective"].as_str().unwrap());
    let rule = Knapsack::new(Arc::new(Unconstrained), numbers("costs"), golden["budget"].as_f64().unwrap());
    let rule: Arc<dyn Constraint> = Arc::new(rule.unwrap());
    let searches: [(&str, Box<dyn Optimizer>); 2] =
        [("ratio", Box::new(KnapsackGreedy::new(false))), ("plain", Box::new(Greedy))];
    for (name, mut optimizer) in searches {
        let out = go(Problem::new(f.clone(), rule.clone(), &[], &[], 0).unwrap(), &mut *optimizer);
        let (items, expected): (Vec<Item>, f64) = serde_json::from_value(golden[name].clone()).unwrap();
        assert_eq!(out.selection.items, items, "{name}");
        assert!((out.selection.value() - expected).abs() < 1e-6);
        let bound = out.selection.certificate.unwrap().upper_bound;
        assert!(bound >= golden["opt"][1].as_f64().unwrap() - 1e-6);
    }
}

/// 1,797 digits, costs 1 to 5, budget 60.
#[test]
fn the_digits_under_a_budget_are_those_of_an_independent_search() {
    let golden: Value =
        serde_json::from_str(include_str!("../data/digits_knapsack_facility_location.json")).unwrap();
    let npy = include_bytes!("../data/digits_u8.npy");
    let header = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let rows: Vec<f32> = npy[header..].iter().map(|&x| f32::from(x)).collect();
    let (n, d) = (rows.len() / 64, 64);
    let points = Points::from_rows(Kernel::detect(), Metric::Cosine, n, d, &rows).unwrap();
    let stored = Stored::compute(&Blocked::new(Arc::new(points)), &Ctl::default()).unwrap();
    let f: Arc<dyn Objective> = Arc::new(FacilityLocation::new(stored, None, Reduction::Sum).unwrap());
    let costs = (0..n).map(|i| 1.0 + (i % 5) as f64).collect();
    let rule: Arc<dyn Constraint> = Arc::new(Knapsack::new(Arc::new(Unconstrained), costs, 60.0).unwrap());
    let searches: [(&str, Box<dyn Optimizer>); 2] =
        [("ratio", Box::new(KnapsackGreedy::new(false))), ("plain", Box::new(LazyGreedy::default()))];
    for (name, mut optimizer) in searches {
        let out = go(Problem::new(f.clone(), rule.clone(), &[], &[], 0).unwrap(), &mut *optimizer);
        let golden = &golden["reference"][name];
        let items: Vec<Item> = serde_json::from_value(golden["selection"].clone()).unwrap();
        assert_eq!(
            out.ended,
            Ended::Finished(if name == "ratio" {
                Termination::BudgetReached
            } else {
                Termination::NoCandidateLeft
            })
        );
        assert_eq!(out.selection.items, items, "{name}");
        assert!((out.selection.value() / golden["f"].as_f64().unwrap() - 1.0).abs() < 1e-6);
        // Few bounds are renewed: without them each pick costs about n evaluations.
        assert!(out.selection.evaluations < (n * items.len() / 4) as u64, "{}", out.selection.evaluations);
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_sum_and_by_how_much() {
    let start = |rule: &dyn Constraint, include: &[Item]| {
        submodular::problem::check(rule, 8, include, &[]).map(|_| ()).unwrap_err()
    };
    // Both items of group 0 are owed, at 0 and 6, and one of items 2 and 6, at 3 and 2.
    let dear = Infeasible::Budget { needed: 8.0, available: 7.0 };
    assert_eq!(start(&budgeted(8, 7.0), &[]), dear.into());
    let because = Box::new(Infeasible::Budget { needed: 9.0, available: 8.0 });
    assert_eq!(start(&budgeted(8, 8.0), &[2]), Infeasible::Include { item: 2, because }.into());

    let two = |at_most| Bounds { at_least: 0, at_most };
    let by = |m: u32, bounds| Groups::new(3, (0..8).map(|e| Some(e % m)).collect(), bounds);
    let rule = Intersection::new(vec![by(2, vec![two(3); 2]), by(4, vec![two(1); 4])]).unwrap();
    // Items 3 and 7 share the fourth group of the second partition.
    let full = Infeasible::Sum { sum: Sum::Group, needed: 2, available: 1, group: Some(5) };
    assert_eq!(start(&rule, &[3, 7]), Infeasible::Include { item: 7, because: Box::new(full) }.into());
    let lower = by(2, vec![Bounds { at_least: 1, at_most: 2 }; 2]);
    let refused = Intersection::new(vec![lower.clone(), lower]);
    assert!(matches!(refused, Err(Error::Parameter { name: "groups", .. })));

    let rule = line(8, 2.5);
    let close = Infeasible::Distance { item: 6, other: 4, distance: 2.0, least: 2.5 };
    assert_eq!(start(&rule, &[1, 4, 6]), Infeasible::Include { item: 6, because: Box::new(close) }.into());
    for costs in [vec![1.0, -1.0], vec![f64::NAN], vec![f64::INFINITY]] {
        assert!(Knapsack::new(Arc::new(Unconstrained), costs, 1.0).is_err());
    }
    assert!(Knapsack::new(Arc::new(Unconstrained), vec![1.0], -1.0).is_err());
}

/// Items at the places 0, 1, 2 ... of a line.
fn line(n: usize, least: f64) -> MinDistance<Stored> {
    let mut distances = MatrixBuilder::new(Kernel::detect(), n, n).unwrap();
    for i in 0..n {
        distances.push(&(0..n).map(|j| i.abs_diff(j) as f32).collect::<Vec<_>>()).unwrap();
    }
    let distances = Arc::new(distances.finish().unwrap());
    MinDistance::new(Arc::new(Groups::cardinality(4)), distances, least).unwrap()
}

#[test]
fn a_search_that_a_distance_ends_early_says_so() {
    let problem = Problem::new(facility_location(8, 3), Arc::new(line(8, 3.0)), &[1], &[4], 0).unwrap();
    let out = go(problem, &mut LazyGreedy::default());
    assert_eq!(out.ended, Ended::Finished(Termination::NoCandidateLeft));
    assert!(out.selection.items.len() < 4);
    let places = &out.selection.items;
    assert!(places.iter().all(|a| places.iter().all(|b| a == b || a.abs_diff(*b) >= 3)), "{places:?}");
}

/// Rules follow the items into a part, where an answer remains whatever the quotas there cost.
#[test]
fn a_part_of_a_rule_is_the_rule_of_its_items() {
    let part: [Item; 4] = [4, 1, 5, 6];
    let all: Vec<Item> = (0..4).collect();
    // Of group 0 only item 4 is here, at a cost of 6; of group 2 only item 6, at 2.
    let mut within = budgeted(8, 7.0).restrict(&part).start(&all).unwrap();
    assert!(within.may_add(0) && within.may_add(3) && !within.may_add(1) && !within.may_add(2));
    assert_eq!(all.iter().map(|&e| within.price(e)).collect::<Vec<_>>(), [6.0, 5.0, 4.0, 2.0]);
    within.add(0);
    within.add(3);
    assert!(!within.owes());

    let mut apart = line(8, 2.0).restrict(&part).start(&all).unwrap();
    apart.add(2);
    assert_eq!(all.iter().map(|&e| apart.may_add(e)).collect::<Vec<_>>(), [false, true, false, false]);
}

#[test]
fn searches_that_compare_gains_of_equal_cost_take_no_budget() {
    let (f, rule) = (facility_location(8, 1).properties(), budgeted(8, 20.0).shape());
    assert!(StochasticGreedy::new(0.1).unwrap().claim(&f, &rule).is_err());
    assert!(BidirectionalGreedy::new(2).unwrap().full_ranking(true).claim(&f, &rule).is_err());
    assert!(KnapsackGreedy::new(false).claim(&f, &Groups::cardinality(3).shape()).is_err());
}
