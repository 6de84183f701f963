//! Every cell of function x rule x search: what is promised, on what kind of terms, or why nothing is.

use crate::support::distances;
use crate::world::{Data, OBJECTIVES};
use std::collections::BTreeSet;
use std::sync::Arc;
use submodular::constraint::{
    Bounds, Constraint, Groups, Intersection, Knapsack, MinDistance, Shape, Unconstrained,
};
use submodular::guarantee::{Claim, Guarantee, Mismatch};
use submodular::objective::{Properties, Triangle};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    Optimizer, PartitionedGreedy, Parts, PerPart, RandomGreedy, SieveStreaming, StochasticGreedy,
    ThreeSieves, ThresholdGreedy, WarmGreedy,
};

const N: usize = 12;
const K: usize = 4;

fn rules() -> Vec<(&'static str, Shape)> {
    let groups = |k, at_least| {
        Groups::new(k, (0..N as u32).map(|e| Some(e % 3)).collect(), vec![Bounds { at_least, at_most: 2 }; 3])
    };
    let any_size = || Groups::up_to(None, vec![], vec![]);
    let grouped = || {
        Groups::up_to(
            None,
            (0..N as u32).map(|e| Some(e % 3)).collect(),
            vec![Bounds { at_least: 0, at_most: 2 }; 3],
        )
    };
    let priced = |inner: Groups| Knapsack::new(Arc::new(inner), vec![1.0; N], 5.0).unwrap();
    let apart = |inner: Arc<dyn Constraint>| MinDistance::new(inner, Arc::new(distances(N, 0)), 0.1).unwrap();
    vec![
        ("k", Groups::cardinality(K).shape()),
        ("k, at_most", groups(K, 0).shape()),
        ("k, at_least", groups(K, 1).shape()),
        ("k, two partitions", Intersection::new(vec![groups(K, 0), groups(K, 0)]).unwrap().shape()),
        ("knapsack", priced(any_size()).shape()),
        ("knapsack, k", priced(Groups::up_to(Some(K), vec![], vec![])).shape()),
        ("knapsack, at_most", priced(grouped()).shape()),
        ("min_distance, k", apart(Arc::new(Groups::cardinality(K))).shape()),
        ("min_distance, k, at_most", apart(Arc::new(groups(K, 0))).shape()),
        ("min_distance, knapsack", apart(Arc::new(priced(any_size()))).shape()),
        ("none", Unconstrained.shape()),
    ]
}

fn searches() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let gist = |triangle| Box::new(Gist::new(1.0, 0.05, Arc::new(distances(N, 0)), triangle).unwrap());
    let parts = |parts| {
        let inner = Box::new(|| Box::new(Greedy) as Box<dyn Optimizer>);
        Box::new(PartitionedGreedy::new(parts, inner).unwrap())
    };
    let per_part = |rank_all| {
        let inner = Box::new(|| Box::new(Greedy) as Box<dyn Optimizer>);
        Box::new(PerPart::new(Parts::Random(3), inner).unwrap().rank_all(rank_all))
    };
    vec![
        ("greedy", Box::new(Greedy)),
        ("lazy_greedy", Box::new(LazyGreedy::default())),
        ("warm_greedy 0.1", Box::new(WarmGreedy::new(&[1, 2], 0.1).unwrap())),
        ("warm_greedy 0.1 lazy", Box::new(WarmGreedy::new(&[1, 2], 0.1).unwrap().lazy(true))),
        ("stochastic_greedy 0.1", Box::new(StochasticGreedy::new(0.1).unwrap())),
        ("threshold_greedy 0.1", Box::new(ThresholdGreedy::new(0.1).unwrap())),
        ("adaptive_sequencing 0.1", Box::new(AdaptiveSequencing::new(0.1).unwrap())),
        ("bidirectional_greedy", Box::new(BidirectionalGreedy::new(8).unwrap())),
        (
            "bidirectional_greedy full_ranking",
            Box::new(BidirectionalGreedy::new(8).unwrap().full_ranking(true)),
        ),
        ("double_greedy", Box::new(DoubleGreedy::new(false))),
        ("double_greedy randomised", Box::new(DoubleGreedy::new(true))),
        ("random_greedy", Box::new(RandomGreedy::new(None))),
        ("random_greedy stop 0", Box::new(RandomGreedy::new(Some(0.0)))),
        ("random_greedy stop 0.5", Box::new(RandomGreedy::new(Some(0.5)))),
        ("partitioned_greedy 2 random", parts(Parts::Random(2))),
        ("partitioned_greedy 8 random", parts(Parts::Random(8))),
        ("partitioned_greedy 3 given", parts(Parts::Given((0..N as u32).map(|e| e % 3).collect()))),
        ("partitioned_greedy 3, not merged", per_part(false)),
        ("partitioned_greedy 3, all ranked", per_part(true)),
        ("sieve_streaming 0.1", Box::new(SieveStreaming::new(0.1).unwrap())),
        ("three_sieves", Box::new(ThreeSieves::new(0.1, 500).unwrap())),
        ("gist 0.05 metric", gist(Triangle::Metric)),
        ("gist 0.05 squared", gist(Triangle::Squared)),
        ("gist 0.05 unknown", gist(Triangle::Unknown)),
        ("knapsack", Box::new(KnapsackGreedy::new(false))),
        ("knapsack enumerate", Box::new(KnapsackGreedy::new(true))),
        ("exact", Box::new(Exact::new(u64::MAX, None))),
        ("exact stop 0", Box::new(Exact::new(u64::MAX, Some(0.0)))),
        ("exact stop 0.5", Box::new(Exact::new(u64::MAX, Some(0.5)))),
    ]
}

fn cell(claim: Result<Claim, Mismatch>) -> String {
    let Claim { guarantee, prefixes } = match claim {
        Err(Mismatch(reason)) => return format!("refused: {reason}"),
        Ok(claim) => claim,
    };
    let prefixes = if prefixes { ", prefixes" } else { "" };
    match guarantee {
        Guarantee::Factor { factor, kind, .. } => format!("{factor:.4} {}{prefixes}", kind.name()),
        Guarantee::None { reason } => format!("null{prefixes}: {reason}"),
    }
}

/// What each search, under each rule, promises on a function.
fn column(f: &Properties) -> Vec<Vec<String>> {
    let cells =
        |search: &dyn Optimizer| rules().iter().map(|(_, rule)| cell(search.claim(f, rule))).collect();
    searches().iter().map(|(_, search)| cells(&**search)).collect()
}

/// Groups what belongs to equal keys, in the order of their first appearance.
fn grouped<K: PartialEq, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = vec![];
    for (key, value) in pairs {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Functions that are promised the same everywhere share a letter; rules and searches with equal cells a line.
fn table() -> String {
    let columns = OBJECTIVES.iter().map(|&(name, make)| (column(&make(&Data::new(0, N)).properties()), name));
    let columns = grouped(columns);
    let letters = || 'A'..='Z';
    let mut table: String = letters()
        .zip(&columns)
        .map(|(letter, (_, names))| format!("{letter}: {}\n", names.join(", ")))
        .collect();
    let mut lines = vec![];
    for (s, (search, _)) in searches().into_iter().enumerate() {
        let cells = rules().into_iter().enumerate().flat_map(|(r, (rule, _))| {
            let of = letters().zip(&columns).map(|(letter, (column, _))| (column[s][r].clone(), letter));
            grouped(of).into_iter().map(move |cell| (cell, rule))
        });
        for ((cell, letters), rules) in grouped(cells) {
            let letters: String = letters.into_iter().collect();
            lines.push((format!("[{}] {letters} -> {cell}", rules.join("; ")), search));
        }
    }
    for (line, searches) in grouped(lines) {
        table += &format!("{} {line}\n", searches.join(", "));
    }
    table
}

#[test]
fn every_cell_of_function_rule_and_search_promises_what_is_written_down() {
    let (found, pinned) = (table(), include_str!("../data/guarantees.txt"));
    if found == pinned {
        return;
    }
    let new = concat!(env!("CARGO_TARGET_TMPDIR"), "/guarantees.txt");
    std::fs::write(new, &found).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (found, pinned) = (lines(&found), lines(pinned));
    let gone = pinned.difference(&found).map(|line| format!("- {line}\n"));
    let come = found.difference(&pinned).map(|line| format!("+ {line}\n"));
    let differing: String = gone.chain(come).collect();
    panic!("promises changed; if they are earned, replace tests/data/guarantees.txt by {new}\n{differing}");
}
