//! Against every subset of small ground sets: guarantees, certificates, diminishing returns, and the two-ended search
//! against a walk of its definition.

use crate::support::{go, value};
use proptest::prelude::*;
use std::sync::Arc;
use submodular::constraint::{Bounds, Constraint, Groups, Unconstrained};
use submodular::guarantee::Guarantee;
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::{BidirectionalGreedy, Greedy, LazyGreedy, Optimizer, StochasticGreedy};
use submodular::similarity::{Blocked, Metric, Points, Stored};
use submodular::tile::Kernel;
use submodular::{Ctl, Item, Problem};

/// A small world: the same function under both plans, and a rule.
#[derive(Debug, Clone)]
struct World {
    n: usize,
    dim: usize,
    rows: Vec<f32>,
    weights: Option<Vec<f64>>,
    mean: bool,
    k: usize,
    of: Vec<Option<u32>>,
    bounds: Vec<(usize, usize)>,
    include: Vec<Item>,
}

fn worlds() -> impl Strategy<Value = World> {
    (4usize..=12, 1usize..=3, 1usize..=4).prop_flat_map(|(n, dim, k)| {
        let coordinates = prop::collection::vec((-3i8..=3).prop_map(f32::from), n * dim);
        let weights = prop::option::of(prop::collection::vec(0u8..4, n));
        let of = prop::collection::vec(prop::option::of(0u32..3), n);
        let bounds = prop::collection::vec((0usize..=1, 1usize..=3), 3);
        let include = prop::option::of(0..n as Item);
        (coordinates, weights, any::<bool>(), of, bounds, include).prop_map(
            move |(mut rows, weights, mean, of, bounds, include)| {
                // No zero rows: a cosine needs a direction.
                rows.chunks_mut(dim).filter(|row| row.iter().all(|&x| x == 0.0)).for_each(|row| row[0] = 1.0);
                let weights = weights.map(|w| w.into_iter().map(f64::from).collect());
                World { n, dim, rows, weights, mean, k, of, bounds, include: include.into_iter().collect() }
            },
        )
    })
}

impl World {
    fn objective(&self, stored: bool) -> Arc<dyn Objective> {
        let points =
            Points::from_rows(Kernel::detect(), Metric::Cosine, self.n, self.dim, &self.rows).unwrap();
        let blocked = Blocked::new(Arc::new(points));
        let reduction = if self.mean { Reduction::Mean } else { Reduction::Sum };
        if stored {
            let stored = Stored::compute(&blocked, &submodular::Ctl::default()).unwrap();
            Arc::new(FacilityLocation::new(stored, self.weights.clone(), reduction).unwrap())
        } else {
            Arc::new(FacilityLocation::new(blocked, self.weights.clone(), reduction).unwrap())
        }
    }
    fn quotas(&self) -> Groups {
        let bounds = self.bounds.iter().map(|&(at_least, at_most)| Bounds { at_least, at_most }).collect();
        Groups::new(self.k, self.of.clone(), bounds)
    }
    /// Written from the definition, not from the bookkeeping.
    fn keeps_quotas(&self, set: &[Item]) -> bool {
        set.len() == self.k
            && self.bounds.iter().enumerate().all(|(g, &(least, most))| {
                let held = set.iter().filter(|&&e| self.of[e as usize] == Some(g as u32)).count();
                least <= held && held <= most
            })
    }
    fn subsets(&self) -> impl Iterator<Item = Vec<Item>> {
        let n = self.n;
        (0u32..1 << n).map(move |mask| (0..n as Item).filter(|i| mask >> i & 1 == 1).collect())
    }
    fn optimum(&self, f: &Arc<dyn Objective>, feasible: impl Fn(&[Item]) -> bool) -> Option<f64> {
        self.subsets()
            .filter(|set| self.include.iter().all(|e| set.contains(e)) && feasible(set))
            .map(|set| value(f, &set))
            .reduce(f64::max)
    }
}

/// The definition of bidirectional greedy (api.md section 3), with f alone.
fn walk(f: &Arc<dyn Objective>, n: usize, k: Option<usize>, pool: usize) -> Vec<Item> {
    let (mut p, mut worst): (Vec<Item>, Vec<Item>) = (vec![], vec![]);
    let with = |s: &[Item], e: Item| value(f, &[s, &[e]].concat());
    loop {
        let left: Vec<Item> = (0..n as Item).filter(|e| !p.contains(e) && !worst.contains(e)).collect();
        if left.is_empty() || Some(p.len()) == k {
            break;
        }
        let up: Vec<f64> = left.iter().map(|&c| with(&p, c)).collect();
        let a = left[(0..left.len()).rev().max_by(|&i, &j| up[i].total_cmp(&up[j])).unwrap()];
        if left.len() > pool {
            let mut order: Vec<usize> = (0..left.len()).collect();
            order.sort_by(|&i, &j| up[i].total_cmp(&up[j]).then(i.cmp(&j))); // low = up: the default screen
            let mut lowest: Vec<Item> = order[..pool].iter().map(|&i| left[i]).filter(|&e| e != a).collect();
            lowest.sort_unstable();
            let real: Vec<f64> = lowest.iter().map(|&c| with(&worst, c)).collect();
            let z = lowest[(0..real.len()).min_by(|&i, &j| real[i].total_cmp(&real[j])).unwrap()];
            // With k alone, an item may be discarded while enough others are left.
            if k.is_none_or(|k| p.len() + left.len() > k) {
                worst.push(z);
            }
        }
        p.push(a);
    }
    if k.is_none() {
        p.extend(worst.iter().rev());
    }
    p
}

fn factor(optimizer: &dyn Optimizer, f: &Arc<dyn Objective>, rule: &dyn Constraint) -> Option<f64> {
    match optimizer.claim(&f.properties(), &rule.shape()).unwrap().guarantee {
        Guarantee::Factor { factor, .. } => Some(factor),
        Guarantee::None { .. } => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn guarantees_and_certificates_hold_against_every_subset(world in worlds()) {
        let f = world.objective(true);
        let tolerance = 1e-9;
        type Feasible<'a> = Box<dyn Fn(&[Item]) -> bool + 'a>;
        let rules: [(Arc<dyn Constraint>, Feasible, f64); 2] = [
            (Arc::new(Groups::cardinality(world.k)), Box::new(|s: &[Item]| s.len() == world.k), 1.0 - 1.0 / std::f64::consts::E),
            (Arc::new(world.quotas()), Box::new(|s: &[Item]| world.keeps_quotas(s)), 0.5),
        ];
        for (rule, feasible, promised) in rules {
            let optimum = world.optimum(&f, &feasible);
            let problem = || Problem::new(f.clone(), rule.clone(), &world.include, &[], 7);
            let Ok(_) = problem() else {
                // Refused exactly when no subset satisfies the rule.
                prop_assert_eq!(optimum, None);
                continue;
            };
            let optimum = optimum.expect("accepted, so some subset satisfies the rule");
            let mut optimizers: Vec<Box<dyn Optimizer>> = vec![
                Box::new(Greedy),
                Box::new(LazyGreedy::default()),
                Box::new(StochasticGreedy::new(0.5).unwrap()),
                Box::new(BidirectionalGreedy::new(2).unwrap()),
            ];
            for (i, optimizer) in optimizers.iter_mut().enumerate() {
                let chosen = go(problem().unwrap(), &mut **optimizer).selection;
                prop_assert!(feasible(&chosen.items), "{:?}", chosen.items);
                prop_assert!((chosen.value() - value(&f, &chosen.items)).abs() <= tolerance);
                prop_assert!((chosen.empty + chosen.gains.iter().sum::<f64>() - chosen.value()).abs() <= tolerance);
                prop_assert!(chosen.value() <= optimum + tolerance);
                prop_assert!(chosen.certificate.unwrap().upper_bound >= optimum - tolerance);
                if i < 2 {
                    prop_assert_eq!(factor(&**optimizer, &f, &*rule), Some(promised));
                    prop_assert!(chosen.value() >= promised * optimum - tolerance);
                }
            }
        }
    }

    #[test]
    fn facility_location_is_monotone_submodular_normalised_and_the_same_under_both_plans(world in worlds()) {
        let (f, blocked) = (world.objective(true), world.objective(false));
        let values: Vec<f64> = world.subsets().map(|set| value(&f, &set)).collect();
        prop_assert_eq!(&values, &world.subsets().map(|set| value(&blocked, &set)).collect::<Vec<_>>());
        prop_assert_eq!(values[0], 0.0);
        for set in 0..values.len() {
            for e in (0..world.n).map(|e| 1 << e).filter(|e| set & e == 0) {
                let gain = values[set | e] - values[set];
                prop_assert!(gain >= -1e-9);
                for more in (0..world.n).map(|e| 1 << e).filter(|m| set & m == 0 && *m != e) {
                    prop_assert!(values[set | more | e] - values[set | more] <= gain + 1e-9);
                }
            }
        }
    }

    #[test]
    fn facility_location_is_its_formula(world in worlds()) {
        let f = world.objective(false);
        let row = |i: usize| &world.rows[i * world.dim..(i + 1) * world.dim];
        let dot = |i: usize, j: usize| row(i).iter().zip(row(j)).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
        let s = |i: usize, j: usize| (dot(i, j) / (dot(i, i) * dot(j, j)).sqrt()).max(0.0);
        for set in world.subsets() {
            let best = |i: usize| set.iter().map(|&j| s(i, j as usize)).fold(0.0, f64::max);
            let weight = |i: usize| world.weights.as_ref().map_or(1.0, |w| w[i]);
            let sum: f64 = (0..world.n).map(|i| weight(i) * best(i)).sum();
            let expected = if world.mean { sum / world.n as f64 } else { sum };
            prop_assert!((value(&f, &set) - expected).abs() < 1e-5 * (1.0 + expected), "{set:?}");
        }
    }

    #[test]
    fn the_two_ended_search_is_its_definition(world in worlds(), pool in 2usize..5) {
        let f = world.objective(true);
        let chosen = |rule: Arc<dyn Constraint>, full| {
            let mut search = BidirectionalGreedy::new(pool).unwrap().full_ranking(full);
            go(Problem::new(f.clone(), rule, &[], &[], 0).unwrap(), &mut search).selection.items
        };
        let k = world.k.min(world.n);
        prop_assert_eq!(chosen(Arc::new(Groups::cardinality(k)), false), walk(&f, world.n, Some(k), pool));
        prop_assert_eq!(chosen(Arc::new(Unconstrained), true), walk(&f, world.n, None, pool));
    }
}

/// Sizes that halve into blocks of 512 and a rest: every pair is computed once and turned over.
#[test]
fn a_stored_matrix_has_every_pair_whatever_its_size() {
    for n in [511, 512, 513, 1024, 1100, 1537] {
        let rows: Vec<f32> =
            (0..n).flat_map(|i| [(i as f32 * 0.01).cos(), (i as f32 * 0.01).sin()]).collect();
        let points = Points::from_rows(Kernel::detect(), Metric::CosineSigned, n, 2, &rows).unwrap();
        let stored = Stored::compute(&Blocked::new(Arc::new(points)), &Ctl::default()).unwrap();
        for i in 0..n {
            for (j, &s) in stored.column(i as Item).iter().enumerate() {
                let expected = ((i as f64 - j as f64) * 0.01).cos();
                assert!((f64::from(s) - expected).abs() < 1e-5, "n {n}: s({i}, {j}) = {s}, not {expected}");
            }
        }
    }
}
