//! Overlap against chance: the formulas against every pair of sets of a small universe.

use std::collections::BTreeMap;
use submodular::compare::{LARGEST_UNIVERSE, Margins, Overlap, Permutation, Shuffle};

fn margins(universe: u64, a: u64, b: u64) -> Margins {
    Margins::new(universe, a, b).unwrap()
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found}, expected {expected}");
}

/// How many of the sets of `b` items among `universe` share so many with the first `a` items.
fn counted(universe: u64, a: u64, b: u64) -> BTreeMap<u64, u64> {
    let mut counts = BTreeMap::new();
    for set in (0..1_u64 << universe).filter(|set| u64::from(set.count_ones()) == b) {
        *counts.entry(u64::from((set & ((1 << a) - 1)).count_ones())).or_insert(0) += 1;
    }
    counts
}

#[test]
fn chance_is_every_set_of_a_size_equally_often() {
    for universe in 0..=9 {
        for (a, b) in (0..=universe).flat_map(|a| (0..=universe).map(move |b| (a, b))) {
            let (counts, margins) = (counted(universe, a, b), margins(universe, a, b));
            let sets = counts.values().sum::<u64>() as f64;
            let moment = |f: &dyn Fn(f64) -> f64| {
                counts.iter().map(|(&x, &times)| f(x as f64) * times as f64).sum::<f64>() / sets
            };
            let mean = moment(&|x| x);
            close(margins.expected(), mean, 1e-14);
            let deviation = moment(&|x| (x - mean).powi(2)).sqrt();
            assert!((margins.deviation() - deviation).abs() < 1e-7, "{margins:?}");
            assert_eq!(margins.deviation() == 0.0, counts.len() == 1, "{margins:?}");
            for x in 0..=universe + 1 {
                let tail = counts.range(x..).map(|(_, &times)| times).sum::<u64>() as f64 / sets;
                close(margins.at_least(x), tail, 1e-13);
                assert_eq!(Overlap::new(margins, x).is_ok(), counts.contains_key(&x), "{margins:?} {x}");
            }
        }
    }
}

#[test]
fn tails_of_large_universes_are_exact() {
    // One marked item, or one drawn.
    close(margins(10_000_000, 1, 2_345_678).at_least(1), 0.234_567_8, 1e-12);
    close(margins(LARGEST_UNIVERSE, 1 << 50, 1).at_least(1), 0.125, 1e-12);
    // The same 20 of a million twice: one of C(10^6, 20) sets.
    let one = (0..20).map(|i| f64::from(i + 1) / f64::from(1_000_000 - i)).product::<f64>();
    close(margins(1_000_000, 20, 20).at_least(20), one, 1e-12);
    // At least one common item: all but the sets that avoid the 1,000.
    let none = (0..1000).map(|i| f64::from(3_999_000 - i) / f64::from(4_000_000 - i)).product::<f64>();
    close(margins(4_000_000, 1000, 1000).at_least(1), 1.0 - none, 1e-11);
    // To share much with a set is to share little with its complement, many deviations out.
    for (x, complement) in [(252_000, 748_000), (249_000, 751_000), (250_000, 750_000)] {
        let shares_much = margins(4_000_000, 1_000_000, 1_000_000).at_least(x);
        let shares_little = 1.0 - margins(4_000_000, 1_000_000, 3_000_000).at_least(complement + 1);
        assert!((shares_much - shares_little).abs() < 1e-10, "{x}: {shares_much} {shares_little}");
        assert!(shares_much > 0.0 && shares_much < 1.0);
    }
    let far = margins(4_000_000, 1_000_000, 1_000_000);
    assert!(far.at_least(260_000) < 1e-100 && far.at_least(1_000_000) == 0.0);
}

#[test]
fn shares_of_nothing_and_chances_of_nothing_are_none() {
    let of = |universe, a, b, x| Overlap::new(margins(universe, a, b), x).unwrap();
    let empty = of(0, 0, 0, 0);
    assert_eq!((empty.jaccard(), empty.of_a(), empty.of_b(), empty.lift()), (None, None, None, None));
    let half_empty = of(9, 0, 4, 0);
    assert_eq!((half_empty.jaccard(), half_empty.of_a(), half_empty.of_b()), (Some(0.0), None, Some(0.0)));
    assert_eq!((half_empty.z(), half_empty.p_at_least()), (None, 1.0));
    let whole = of(9, 9, 4, 4);
    assert_eq!((whole.expected(), whole.lift(), whole.z(), whole.p_at_least()), (4.0, Some(1.0), None, 1.0));
    assert!(Margins::new(3, 4, 1).is_err() && Margins::new(LARGEST_UNIVERSE + 1, 1, 1).is_err());
}

#[test]
fn a_permutation_test_within_groups_draws_what_chance_within_groups_gives() {
    // Sizes of three groups, of A in each, of B in each; 5 common items were observed.
    let groups = [(8, 5, 4), (7, 2, 4), (3, 3, 1)];
    let (observed, permutations) = (5, 40_000);
    let mut sums = BTreeMap::from([(0, 1.0)]);
    for (n, a, b) in groups {
        let counts = counted(n, a, b);
        let sets = counts.values().sum::<u64>() as f64;
        let mut next = BTreeMap::new();
        for (sum, chance) in sums {
            for (x, times) in &counts {
                *next.entry(sum + x).or_insert(0.0) += chance * *times as f64 / sets;
            }
        }
        sums = next;
    }
    let p: f64 = sums.range(observed..).map(|(_, chance)| chance).sum();
    let mean: f64 = sums.iter().map(|(&x, chance)| x as f64 * chance).sum();
    let variance: f64 = sums.iter().map(|(&x, chance)| (x as f64 - mean).powi(2) * chance).sum();

    let shuffle = Shuffle::new(groups.map(|(n, a, b)| margins(n, a, b)));
    // The last group is the same in every permutation.
    assert_eq!(shuffle.draws(), 4 + 2);
    let found = shuffle.test(observed, permutations, 7).unwrap();
    let error = (p * (1.0 - p) / permutations as f64).sqrt();
    assert!((found.p - p).abs() < 4.0 * error, "{found:?}, expected {p} to {error}");
    assert!((found.mean - mean).abs() < 4.0 * (variance / permutations as f64).sqrt(), "{found:?}, {mean}");
    assert_eq!(found.count, permutations);
    // Without groups, by the same sizes, five common items are the least surprise there is.
    let together = margins(18, 10, 9);
    assert!(together.at_least(observed) > p + 0.1);

    assert_eq!(shuffle.test(observed, 999, 7), shuffle.test(observed, 999, 7));
    assert_ne!(shuffle.test(observed, 999, 7), shuffle.test(observed, 999, 8));
    assert_eq!(shuffle.test(observed, 0, 7), None);
}

#[test]
fn groups_that_leave_no_choice_explain_everything() {
    let groups = (0..50).map(|_| margins(1, 1, 1)).chain([margins(9, 0, 4), margins(4, 4, 3)]);
    let shuffle = Shuffle::new(groups);
    assert_eq!(shuffle.draws(), 0);
    assert_eq!(shuffle.test(53, 99, 0), Some(Permutation { p: 1.0, mean: 53.0, count: 99 }));
    // The least p there can be: no permutation has as many.
    assert_eq!(shuffle.test(54, 99, 0).map(|found| found.p), Some(0.01));
}
