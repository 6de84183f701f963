//! Draws. Every draw of a run comes from ChaCha keyed by (seed, step), so a resumed run draws the same.

use crate::Item;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The generator of one step of a run.
pub fn stream(seed: u64, step: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(step);
    rng
}

/// Uniform in `0..n` without bias (Lemire 2019). `n` must not be 0.
pub fn below(n: u64, rng: &mut ChaCha8Rng) -> u64 {
    loop {
        let wide = u128::from(rng.next_u64()) * u128::from(n);
        // The low half is uniform only above 2^64 mod n.
        if wide as u64 >= n.wrapping_neg() % n {
            return (wide >> 64) as u64;
        }
    }
}

/// Uniform in [0, 1), in steps of 2^-53.
pub fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Every order equally often. O(n).
pub fn shuffle(items: &mut [Item], rng: &mut ChaCha8Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(i as u64 + 1, rng) as usize);
    }
}

/// `count` of `items` without repeats (all of them where there are fewer), in ascending order. O(n).
pub fn without_replacement(mut items: Vec<Item>, count: usize, rng: &mut ChaCha8Rng) -> Vec<Item> {
    let n = items.len();
    for i in 0..count.min(n) {
        items.swap(i, i + below((n - i) as u64, rng) as usize);
    }
    items.truncate(count);
    items.sort_unstable();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_drawn_equally_often() {
        let draws = 60_000;
        let mut seen = std::collections::BTreeMap::new();
        for step in 0..draws {
            let pair = without_replacement((0..4).collect(), 2, &mut stream(1, step));
            assert!(pair[0] < pair[1]);
            *seen.entry(pair).or_insert(0) += 1;
        }
        // 6 pairs: 10,000 each, standard deviation 91.
        assert!(
            seen.len() == 6 && seen.values().all(|&count: &i32| (count - 10_000).abs() < 400),
            "{seen:?}"
        );
    }

    #[test]
    fn every_order_is_drawn_equally_often() {
        let mut seen = std::collections::BTreeMap::new();
        for step in 0..60_000 {
            let mut items = vec![0, 1, 2];
            shuffle(&mut items, &mut stream(2, step));
            *seen.entry(items).or_insert(0) += 1;
        }
        assert!(
            seen.len() == 6 && seen.values().all(|&count: &i32| (count - 10_000).abs() < 400),
            "{seen:?}"
        );
    }
}
