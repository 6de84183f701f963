//! What a search takes: gains, rounds of questions, and states of the function.

use super::{Choice, Method};
use submodular::constraint::Shape;
use submodular::optimizer::{Exact, SieveStreaming, StochasticGreedy};

impl Method {
    /// States of the objective that are held at once.
    pub(in crate::jobs::selection) fn states(&self, n: usize, shape: &Shape) -> u64 {
        let k = shape.k.unwrap_or(n).min(n);
        match &self.choice {
            Choice::DoubleGreedy { .. } => u64::from(usize::BITS - n.leading_zeros()) + 1,
            Choice::Exact { .. } => k as u64 + 1,
            Choice::SieveStreaming { epsilon, .. } => {
                SieveStreaming::new(*epsilon).map_or(1, |sieve| sieve.sieves(k) as u64 + 1)
            }
            Choice::Greedy | Choice::LazyGreedy if !shape.knapsack => 1,
            Choice::Greedy
            | Choice::LazyGreedy
            | Choice::StochasticGreedy { .. }
            | Choice::ThresholdGreedy { .. }
            | Choice::AdaptiveSequencing { .. }
            | Choice::BidirectionalGreedy { .. }
            | Choice::RandomGreedy
            | Choice::PartitionedGreedy(_)
            | Choice::ThreeSieves { .. }
            | Choice::Gist { .. } => 2,
        }
    }

    /// Gains computed at most, and about how many to expect, for `n` allowed items; one fresh sweep for the
    /// certificate included.
    pub(in crate::jobs::selection) fn evaluations(&self, n: usize, shape: &Shape) -> (u64, f64) {
        let (n, k) = (n as u64, shape.k.unwrap_or(n).min(n) as u64);
        let all = n.saturating_mul(k).saturating_sub(k * k.saturating_sub(1) / 2);
        let sweep = n - k.min(n);
        // Measured on real and clustered embeddings: 4.3 to 5.3 sweeps of n, most of them before the third pick.
        let lazily = (6 * n).min(all) as f64;
        let levels = |epsilon: f64| ((n.max(2) as f64 / epsilon).ln() / epsilon).ceil().max(1.0);
        let up_to = |most: f64, expected: f64| {
            ((most as u64).saturating_add(sweep), expected.min(most) + sweep as f64)
        };
        match &self.choice {
            Choice::Greedy | Choice::LazyGreedy if shape.knapsack => {
                let passes = if self.enumerate { n + 2 } else { 2 };
                up_to(passes as f64 * all as f64, passes as f64 * lazily)
            }
            Choice::Greedy => (all + sweep, (all + sweep) as f64),
            Choice::LazyGreedy => (all + sweep, lazily + sweep as f64),
            Choice::StochasticGreedy { epsilon } => {
                let size = StochasticGreedy::new(*epsilon)
                    .map_or(n, |s| s.sample_size(n as usize, k as usize) as u64);
                let drawn = (size * k).min(all);
                (drawn + sweep, (drawn + sweep) as f64)
            }
            Choice::ThresholdGreedy { epsilon } => {
                up_to(n as f64 * levels(*epsilon) + all as f64, 1.5 * lazily)
            }
            Choice::AdaptiveSequencing { epsilon } => {
                up_to(2.0 * n as f64 * levels(*epsilon) + all as f64, 2.0 * lazily)
            }
            Choice::BidirectionalGreedy { pool, full_ranking, .. } => {
                // Each loop takes one item and, while more than the pool is left, discards another.
                let pool = (*pool as u64).min(n);
                let loops = if *full_ranking { n.saturating_sub(pool) / 2 + pool.min(n) } else { k };
                let left: u64 = (0..loops).map(|t| n.saturating_sub(2 * t) + pool).sum();
                let walk = if *full_ranking { n } else { sweep };
                (all.min(left) + pool * loops + walk, (left + walk) as f64)
            }
            Choice::DoubleGreedy { .. } => (2 * n, 2.0 * n as f64),
            Choice::RandomGreedy => (all + sweep, (all + sweep) as f64),
            Choice::PartitionedGreedy(partition) => {
                let sizes = partition.sizes(n as usize, n as usize, shape.k);
                if partition.merges() {
                    let union = (sizes.count as u64).saturating_mul(k).min(n).saturating_mul(k);
                    return up_to(all as f64 + 2.0 * union as f64, lazily + 2.0 * union as f64);
                }
                let inside = self.inside(partition);
                let of = |size, k| inside.evaluations(size, &Shape { k: Some(k), ..*shape });
                let ((most, _), (_, expected)) =
                    (of(sizes.largest, sizes.largest_share), of(sizes.mean, sizes.mean_share));
                (most.saturating_mul(sizes.count as u64), expected * sizes.count as f64)
            }
            Choice::SieveStreaming { epsilon, .. } => {
                let sieves = SieveStreaming::new(*epsilon).map_or(1, |s| s.sieves(k as usize) as u64);
                // Measured: about 30 gains an item.
                up_to(2.0 * n as f64 * sieves as f64 + 4.0 * all as f64, 30.0 * n as f64)
            }
            Choice::ThreeSieves { .. } => up_to(2.0 * n as f64 + 4.0 * all as f64, 2.0 * n as f64),
            Choice::Gist { epsilon, .. } => {
                let runs = ((2.0 / epsilon).ln() / epsilon.ln_1p()).ceil() + 2.0;
                up_to(runs * all as f64, 0.25 * runs * lazily)
            }
            Choice::Exact { max_evaluations } => {
                let enumerated = Exact::evaluations(n as usize, k as usize);
                let most = if self.stop_at.is_none() && !shape.knapsack && shape.k.is_some() {
                    enumerated.min(*max_evaluations)
                } else {
                    *max_evaluations
                };
                let most = most.max(all);
                (most, (most as f64).min(100.0 * all as f64))
            }
        }
    }

    /// Rounds of questions, where each gain is asked of somebody, `size` sets at a time; none where that depends on the
    /// answers.
    pub(in crate::jobs::selection) fn rounds(
        &self,
        n: usize,
        shape: &Shape,
        included: usize,
        size: usize,
    ) -> Option<u64> {
        let k = shape.k?.saturating_sub(included);
        let step = |asked: usize| asked.div_ceil(size.max(1)) as u64;
        // The included items are asked for together; each step asks for what its candidates make of the set, the first
        // one for the set itself too.
        let first = u64::from(included > 0);
        let left = |t: usize| n.saturating_sub(included + t);
        match &self.choice {
            _ if shape.knapsack || shape.groups || shape.min_distance => None,
            Choice::Greedy | Choice::RandomGreedy => {
                Some(first + (0..k).map(|t| step(left(t) + usize::from(t == 0))).sum::<u64>())
            }
            Choice::StochasticGreedy { epsilon } => {
                let sample = StochasticGreedy::new(*epsilon).ok()?.sample_size(n, shape.k?);
                Some(first + (0..k).map(|t| step(left(t).min(sample) + 1)).sum::<u64>())
            }
            Choice::BidirectionalGreedy { merge_rounds: false, full_ranking: false, pool } => {
                let both = |t: usize| {
                    let left = n.saturating_sub(included + 2 * t);
                    step(left + 1) + if left > *pool { step(*pool + 1) } else { 0 }
                };
                Some(first + (0..k).map(both).sum::<u64>())
            }
            Choice::LazyGreedy
            | Choice::ThresholdGreedy { .. }
            | Choice::AdaptiveSequencing { .. }
            | Choice::BidirectionalGreedy { .. }
            | Choice::DoubleGreedy { .. }
            | Choice::PartitionedGreedy(_)
            | Choice::SieveStreaming { .. }
            | Choice::ThreeSieves { .. }
            | Choice::Gist { .. }
            | Choice::Exact { .. } => None,
        }
    }
}
