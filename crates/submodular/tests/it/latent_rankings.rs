//! Latent rankings and bias follow their laws.

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use submodular::committee::{Drawn, Generator, Swapping};
use submodular::sampling::{below, shuffle, stream};
use submodular::{Ctl, Item};

/// Rankings and utilities of `voters`; the same seed has the same centre, axis and qualities.
fn draw(generator: Generator, candidates: usize, voters: usize, seed: u64) -> (Vec<Vec<Item>>, Vec<f64>) {
    let (mut shared, mut own) = (stream(seed, 0), stream(seed, 1));
    let drawn = generator.draw(candidates, voters, &mut shared, &mut own, &Ctl::default()).unwrap();
    let Drawn::Strict { rankings, utilities } = drawn else { panic!("{drawn:?}") };
    (rankings.chunks(candidates).map(<[Item]>::to_vec).collect(), utilities)
}

/// Standard errors between `count` of `draws` and their expectation.
fn off(count: u64, draws: usize, probability: f64) -> f64 {
    let n = draws as f64;
    (count as f64 - n * probability).abs() / (n * probability * (1.0 - probability)).sqrt()
}

fn counts<T: Ord>(seen: impl IntoIterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    seen.into_iter().for_each(|value| *counts.entry(value).or_insert(0) += 1);
    counts
}

/// Pairs that two rankings order differently.
fn distance(a: &[Item], b: &[Item]) -> i32 {
    let place = |c: Item| b.iter().position(|&other| other == c).unwrap();
    let pairs = (0..a.len()).flat_map(|i| (i + 1..a.len()).map(move |j| (i, j)));
    pairs.filter(|&(i, j)| place(a[i]) > place(a[j])).count() as i32
}

#[test]
fn a_ranking_of_mallows_is_phi_to_the_distance_as_likely_as_the_centre() {
    let (phi, voters) = (0.6, 100_000);
    let centre = &draw(Generator::Mallows { phi: 0.0 }, 4, 1, 5).0[0];
    let seen = counts(draw(Generator::Mallows { phi }, 4, voters, 5).0);
    let total: f64 = seen.keys().map(|ranking| f64::powi(phi, distance(ranking, centre))).sum();
    assert_eq!(seen.len(), 24);
    for (ranking, count) in seen {
        let probability = f64::powi(phi, distance(&ranking, centre)) / total;
        assert!(off(count, voters, probability) < 4.0, "{ranking:?} {count}");
    }
}

#[test]
fn every_ranking_of_impartial_culture_is_equally_likely_as_are_those_of_mallows_with_phi_1() {
    for generator in [
        Generator::ImpartialCulture,
        Generator::Mallows { phi: 1.0 },
        Generator::Urn { replacement: 0.0 },
        Generator::Utility { agreement: 0.0 },
    ] {
        let seen = counts(draw(generator, 4, 60_000, 3).0);
        assert_eq!(seen.len(), 24);
        assert!(seen.values().all(|&count| off(count, 60_000, 1.0 / 24.0) < 4.0), "{generator:?} {seen:?}");
    }
}

#[test]
fn the_second_ranking_of_an_urn_is_the_first_as_often_as_its_copies_make_it() {
    let (replacement, urns) = (0.5, 40_000);
    let same = (0..urns)
        .filter(|&seed| {
            let rankings = draw(Generator::Urn { replacement }, 3, 2, seed).0;
            rankings[0] == rankings[1]
        })
        .count();
    let probability = (replacement + 1.0 / 6.0) / (1.0 + replacement);
    assert!(off(same as u64, urns as usize, probability) < 4.0, "{same}");
}

#[test]
fn conitzers_rankings_are_single_peaked_on_one_axis_with_a_uniform_peak() {
    // Three candidates on an axis a, b, c: abc, bac, bca and cba, the middle peak shared by two.
    let seen = counts(draw(Generator::SinglePeakedConitzer, 3, 30_000, 8).0);
    let mut shares: Vec<u64> = seen.values().copied().collect();
    shares.sort_unstable();
    assert_eq!(shares.len(), 4);
    for (count, probability) in shares.into_iter().zip([1.0 / 6.0, 1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0]) {
        assert!(off(count, 30_000, probability) < 4.0, "{seen:?}");
    }
    // Larger: whoever is last in some ranking is an end of the axis, and there are two ends.
    let large = draw(Generator::SinglePeakedConitzer, 9, 500, 8).0;
    assert_eq!(counts(large.iter().map(|ranking| ranking[8])).len(), 2);
    assert_eq!(counts(large.iter().map(|ranking| ranking[0])).len(), 9);
}

#[test]
fn rankings_sort_utilities_and_agree_as_far_as_they_are_told_to() {
    let (rankings, utilities) = draw(Generator::Utility { agreement: 0.5 }, 6, 50, 2);
    for (ranking, u) in rankings.iter().zip(utilities.chunks(6)) {
        assert!(ranking.is_sorted_by(|&a, &b| u[a as usize] > u[b as usize]), "{ranking:?} {u:?}");
    }
    assert!(counts(rankings).len() > 1);
    assert_eq!(counts(draw(Generator::Utility { agreement: 1.0 }, 6, 50, 2).0).len(), 1);
}

#[test]
fn fewer_rankings_are_the_first_of_more() {
    for generator in [
        Generator::ImpartialCulture,
        Generator::Mallows { phi: 0.7 },
        Generator::Urn { replacement: 0.3 },
        Generator::SinglePeakedConitzer,
        Generator::Utility { agreement: 0.2 },
    ] {
        let (more, fewer) = (draw(generator, 7, 9, 4).0, draw(generator, 7, 5, 4).0);
        assert_eq!(more[..5], fewer, "{generator:?}");
    }
}

#[test]
fn the_first_swap_follows_its_law() {
    let golden: Value = serde_json::from_str(include_str!("../data/multiwinner_golden.json")).unwrap();
    let example = &golden["swap_example"];
    let vote: Vec<Item> = serde_json::from_value(example["vote"].clone()).unwrap();
    let disadvantaged = [false, false, false, true, true, true];
    assert_eq!(Some(Swapping::open_pairs(&vote, &disadvantaged)), example["max_swaps"].as_u64());
    let (draws, mut rng) = (200_000, stream(1, 0));
    let mut swapping = Swapping::new(example["phi"].as_f64().unwrap(), 6).unwrap();
    let seen = counts((0..draws).map(|_| {
        let mut ranking = vote.clone();
        let (against, favoured) = swapping.swap(&mut ranking, &disadvantaged, &mut rng).unwrap();
        assert_eq!(distance(&ranking, &vote) % 2, 1, "one transposition");
        format!("{favoured}<->{against}")
    }));
    let law = example["first_swap_probabilities"].as_object().unwrap();
    assert!(seen.keys().eq(law.keys()), "{seen:?}");
    for (pair, count) in &seen {
        assert!(off(*count, draws, law[pair].as_f64().unwrap()) < 4.0, "{pair} {count}");
    }
}

#[test]
fn the_second_swap_is_drawn_by_the_weights_that_the_first_one_left() {
    // 3 0 1: after 3 and 0 changed places only 3 and 1 are open; after 3 and 1 did, none is.
    let (draws, mut rng, mut swapping) = (20_000, stream(1, 1), Swapping::new(0.5, 4).unwrap());
    let disadvantaged = [false, false, false, true];
    let paths = counts((0..draws).map(|_| {
        let mut ranking = vec![3, 0, 1, 2];
        let steps = std::iter::from_fn(|| swapping.swap(&mut ranking, &disadvantaged, &mut rng));
        steps.map(|(_, favoured)| favoured).collect::<Vec<Item>>()
    }));
    // First 0, 1 or 2 by 4 : 2 : 1; then what is left below, again by distance.
    let law = [
        (vec![0, 1, 2], 4.0 / 7.0 * 2.0 / 3.0),
        (vec![0, 2], 4.0 / 7.0 / 3.0),
        (vec![1, 2], 2.0 / 7.0),
        (vec![2], 1.0 / 7.0),
    ];
    assert_eq!(paths.len(), law.len(), "{paths:?}");
    for (path, probability) in law {
        assert!(off(paths[&path], draws, probability) < 4.0, "{path:?} {paths:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Also where phi to the distance is 0 in floating point.
    #[test]
    fn each_swap_closes_a_pair_until_no_advantaged_candidate_stands_below_a_disadvantaged_one(
        seed in any::<u64>(), m in 2_usize..300, phi in prop::sample::select(vec![1e-300, 1e-4, 0.5, 0.999]),
    ) {
        let mut rng = stream(seed, 0);
        let mut ranking: Vec<Item> = (0..).take(m).collect();
        shuffle(&mut ranking, &mut rng);
        let disadvantaged: Vec<bool> = (0..m).map(|_| below(2, &mut rng) == 0).collect();
        let mut swapping = Swapping::new(phi, m).unwrap();
        let mut open = Swapping::open_pairs(&ranking, &disadvantaged);
        while let Some((against, favoured)) = swapping.swap(&mut ranking, &disadvantaged, &mut rng) {
            prop_assert!(disadvantaged[against as usize] && !disadvantaged[favoured as usize]);
            let left = Swapping::open_pairs(&ranking, &disadvantaged);
            prop_assert!(left < open);
            open = left;
        }
        prop_assert_eq!(open, 0);
        ranking.sort_unstable();
        prop_assert!(ranking.into_iter().eq(0..m as Item));
    }
}
