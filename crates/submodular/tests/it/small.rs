//! Small random worlds: a function with its value of every set, a rule with all its answers, both from definitions alone.

use crate::world::{Data, Make};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use submodular::constraint::{
    Bounds, Constraint, Groups, Intersection, Knapsack, MinDistance, Unconstrained,
};
use submodular::objective::Objective;
use submodular::problem::check;
use submodular::sampling::{below, stream};
use submodular::similarity::{Distance, Stored};
use submodular::{Chain, Ctl, Item, Problem};

/// A set as bits: item e is in it where bit e is set.
pub(crate) type Mask = u32;

fn mask(items: &[Item]) -> Mask {
    items.iter().fold(0, |mask, e| mask | 1 << e)
}

fn items(mask: Mask) -> impl Iterator<Item = Item> {
    (0..Mask::BITS as Item).filter(move |e| mask >> e & 1 == 1)
}

/// A function and the value of each set.
pub(crate) struct World {
    pub(crate) n: usize,
    pub(crate) f: Arc<dyn Objective>,
    pub(crate) values: Vec<f64>,
    pub(crate) distances: Arc<Stored>,
    pub(crate) seed: u64,
    pub(crate) include: Vec<Item>,
    pub(crate) exclude: Vec<Item>,
}

impl World {
    /// Half of the seeds include an item, half of those exclude another.
    pub(crate) fn new(make: Make, seed: u64, n: usize) -> Self {
        let data = Data::new(seed, n);
        let f = make(&data);
        let mut values = vec![0.0; 1 << n];
        let mut chain = Chain::new(&f, &[]);
        values[0] = chain.value(&Ctl::default()).unwrap();
        fill(&mut values, &chain, 0, 0, n as Item);
        let (a, b) = (seed / 4 % n as u64, (seed / 4 + 2) % n as u64);
        let include = if seed % 4 >= 2 { vec![a as Item] } else { vec![] };
        let exclude = if seed % 4 == 3 { vec![b as Item] } else { vec![] };
        let distances = Arc::new(data.distances(Distance::Euclidean));
        Self { n, f, values, distances, seed, include, exclude }
    }

    pub(crate) fn problem(&self, rule: &Rule, seed: u64) -> Problem {
        Problem::new(self.f.clone(), rule.constraint.clone(), &self.include, &self.exclude, seed).unwrap()
    }

    fn may_be(&self, set: Mask) -> bool {
        let (include, exclude) = (mask(&self.include), mask(&self.exclude));
        set & include == include && set & exclude == 0
    }

    fn distance(&self, i: Item, j: Item) -> f32 {
        self.distances.column(j)[i as usize]
    }

    /// The distances of all pairs of a set.
    fn pairs(&self, set: Mask) -> impl Iterator<Item = f32> {
        items(set).flat_map(move |i| items(set).filter(move |&j| j < i).map(move |j| self.distance(i, j)))
    }

    /// The largest value of one of `sets`.
    pub(crate) fn best(&self, sets: &[Mask]) -> f64 {
        sets.iter().map(|&set| self.values[set as usize]).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The largest `f + lambda div` of one of `sets`; div of fewer than two items is the diameter of those allowed.
    pub(crate) fn best_spread(&self, sets: &[Mask], lambda: f64) -> f64 {
        let allowed = ((1 << self.n) - 1) & !mask(&self.exclude);
        let diameter = self.pairs(allowed).fold(0.0, f32::max);
        let div = |set| self.pairs(set).reduce(f32::min).unwrap_or(diameter);
        let whole = |&set: &Mask| self.values[set as usize] + lambda * f64::from(div(set));
        sets.iter().map(whole).fold(f64::NEG_INFINITY, f64::max)
    }
}

fn fill(values: &mut [f64], chain: &Chain, set: Mask, from: Item, n: Item) {
    for e in from..n {
        let mut more = chain.fork();
        more.push(e);
        let set = set | 1 << e;
        values[set as usize] = more.value(&Ctl::default()).unwrap();
        fill(values, &more, set, e + 1, n);
    }
}

/// A rule and its sets that hold the included items and none of the excluded ones.
pub(crate) struct Rule {
    pub(crate) constraint: Arc<dyn Constraint>,
    /// Its answers. Where a least distance or several partitions leave none of k items: the sets that can grow no more.
    pub(crate) answers: Vec<Mask>,
    /// The sets that it allows, of k items or fewer: for a monotone function at least as good as the answers.
    pub(crate) allowed: Vec<Mask>,
}

pub(crate) const RULES: [&str; 8] = [
    "cardinality",
    "quotas",
    "two partitions",
    "knapsack",
    "knapsack and k",
    "knapsack and quotas",
    "min_distance",
    "unconstrained",
];

impl Rule {
    /// A random one that has an answer in this world.
    pub(crate) fn new(name: &str, world: &World) -> Self {
        (0..)
            .map(|attempt| Self::any(name, world, &mut stream(world.seed, 100 + attempt)))
            .find(|rule| {
                let found = check(&*rule.constraint, world.n, &world.include, &world.exclude);
                assert!(found.is_err() || !rule.answers.is_empty(), "{name} accepted, seed {}", world.seed);
                found.is_ok()
            })
            .unwrap()
    }

    fn any(name: &str, world: &World, rng: &mut ChaCha8Rng) -> Self {
        let n = world.n;
        let k = 2 + below(3, rng) as usize;
        match name {
            "cardinality" => Self::of(world, Groups::cardinality(k), Some(k), |_| true),
            "quotas" => {
                let quotas = Quotas::any(n, true, rng);
                let rule = Groups::new(k, quotas.of.clone(), quotas.bounds.clone());
                Self::of(world, rule, Some(k), |set| quotas.keeps(set))
            }
            "two partitions" => {
                let [a, b] = [(); 2].map(|()| Quotas::any(n, false, rng));
                let partitions = [&a, &b].map(|q| Groups::new(k, q.of.clone(), q.bounds.clone()));
                let rule = Intersection::new(partitions.to_vec()).unwrap();
                Self::of(world, rule, Some(k), |set| a.keeps(set) && b.keeps(set))
            }
            "min_distance" => {
                let (i, j) = (below(n as u64, rng) as Item, below(n as u64, rng) as Item);
                let least = world.distance(i, j);
                let inner = Arc::new(Groups::cardinality(k));
                let rule = MinDistance::new(inner, world.distances.clone(), f64::from(least)).unwrap();
                Self::of(world, rule, Some(k), |set| world.pairs(set).all(|d| d >= least))
            }
            "unconstrained" => Self::of(world, Unconstrained, None, |_| true),
            budgeted => {
                // Some items are free.
                let costs: Vec<u64> = (0..n).map(|_| below(7, rng)).collect();
                let budget = 2 + below(9, rng);
                let quotas = Quotas::any(n, true, rng);
                let (has_k, has_groups) = (budgeted == "knapsack and k", budgeted == "knapsack and quotas");
                let most = if has_k { k } else { n };
                let (of, bounds) =
                    if has_groups { (quotas.of.clone(), quotas.bounds.clone()) } else { (vec![], vec![]) };
                let inner = Arc::new(Groups::up_to(has_k.then_some(k), of, bounds));
                let prices = costs.iter().map(|&cost| cost as f64).collect();
                let rule = Knapsack::new(inner, prices, budget as f64).unwrap();
                Self::of(world, rule, None, |set| {
                    items(set).map(|e| costs[e as usize]).sum::<u64>() <= budget
                        && set.count_ones() as usize <= most
                        && (!has_groups || quotas.keeps(set))
                })
            }
        }
    }

    /// `k`: the size of an answer, where there is one.
    fn of(
        world: &World,
        constraint: impl Constraint + 'static,
        k: Option<usize>,
        holds: impl Fn(Mask) -> bool,
    ) -> Self {
        let size = |set: Mask| set.count_ones() as usize;
        let within = |set: Mask| k.is_none_or(|k| size(set) <= k) && holds(set);
        let sets = (0..1 << world.n).filter(|&set| world.may_be(set) && within(set));
        let allowed: Vec<Mask> = sets.collect();
        let mut answers = allowed.clone();
        if let Some(k) = k {
            answers.retain(|&set| size(set) == k);
            let shape = constraint.shape();
            if answers.is_empty() && (shape.min_distance || shape.partitions > 1) {
                let grows = |set| allowed.iter().any(|&more| more != set && more & set == set);
                answers = allowed.iter().copied().filter(|&set| !grows(set)).collect();
            }
        }
        Self { constraint: Arc::new(constraint), answers, allowed }
    }
}

/// Two groups and some items in neither.
struct Quotas {
    of: Vec<Option<u32>>,
    bounds: Vec<Bounds>,
}

impl Quotas {
    fn any(n: usize, lower: bool, rng: &mut ChaCha8Rng) -> Self {
        let of = (0..n).map(|_| [Some(0), Some(0), Some(1), Some(1), None][below(5, rng) as usize]).collect();
        let mut bounds = || {
            let at_least = if lower { below(3, rng) as usize } else { 0 };
            Bounds { at_least, at_most: at_least.max(1) + below(2, rng) as usize }
        };
        Self { of, bounds: vec![bounds(), bounds()] }
    }

    fn keeps(&self, set: Mask) -> bool {
        self.bounds.iter().zip(0..).all(|(bounds, group)| {
            let held = items(set).filter(|&e| self.of[e as usize] == Some(group)).count();
            (bounds.at_least..=bounds.at_most).contains(&held)
        })
    }
}
