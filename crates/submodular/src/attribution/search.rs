//! How regions are put in order.

use crate::constraint::{Constraint, Groups, Unconstrained};
use crate::objective::attribution::Attribution;
use crate::optimizer::{BidirectionalGreedy, Greedy, Optimizer};
use crate::{Error, Problem};
use std::sync::Arc;

/// The searches of the two papers. Neither has a guarantee on this function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// SMDL-Attribution: the region that lifts F most, k times.
    Greedy,
    /// LiMA: from both ends. See [`BidirectionalGreedy`].
    BidirectionalGreedy {
        /// Candidates evaluated for the low end each loop, at least 2.
        pool: usize,
        /// Whether a loop's second round of questions is asked together with the next loop's first, for one set more.
        merge_rounds: bool,
    },
}

impl Search {
    /// Refuses what [`begin`](Self::begin) refuses.
    ///
    /// # Errors
    /// As `begin`.
    pub fn check(self, count: usize, k: usize) -> Result<(), Error> {
        if k == 0 || k > count {
            let reason = format!("{k} is not from 1 to the {count} regions");
            return Err(Error::Parameter { name: "k", reason });
        }
        match self {
            Self::Greedy => Ok(()),
            Self::BidirectionalGreedy { pool, .. } => BidirectionalGreedy::new(pool).map(|_| ()),
        }
    }

    /// Books and optimizer for [`run`](crate::run()), for the `k` first regions. Where the low end is part of the
    /// order, its gains are NaN: nothing is asked for them, and [`Report`](super::Report) has all terms that the
    /// answers tell.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` that is not from 1 to the number of regions, and for a pool below 2.
    pub fn begin(self, f: Arc<Attribution>, k: usize) -> Result<(Problem, Box<dyn Optimizer>), Error> {
        let count = f.regions().count();
        self.check(count, k)?;
        let (rule, optimizer): (Arc<dyn Constraint>, Box<dyn Optimizer>) = match self {
            Self::Greedy => (Arc::new(Groups::cardinality(k)), Box::new(Greedy)),
            Self::BidirectionalGreedy { pool, merge_rounds } if k == count => {
                let search = BidirectionalGreedy::new(pool)?.merge_rounds(merge_rounds);
                let search = search.full_ranking(true).tail_gains(false);
                (Arc::new(Unconstrained), Box::new(search))
            }
            Self::BidirectionalGreedy { pool, merge_rounds } => {
                let search = BidirectionalGreedy::new(pool)?.merge_rounds(merge_rounds);
                (Arc::new(Groups::cardinality(k)), Box::new(search))
            }
        };
        Ok((Problem::new(f, rule, &[], &[], 0)?, optimizer))
    }

    /// Inputs the search looks at, without the two end points and what merged rounds look at beforehand, as
    /// [`Report::model_calls`](super::Report) counts them. At most that many from both ends: the best candidate may be
    /// one of the pool, and is not looked at again.
    pub fn model_calls(self, count: usize, k: usize) -> u64 {
        2 * self.loops(count, k).map(|Loop { first, pool }| (first + pool) as u64).sum::<u64>()
    }

    /// Rounds of questions at most, of `size` sets each, after the one that tells the target where it is not given.
    /// What is known already is not asked for: there may be fewer.
    pub fn rounds(self, count: usize, k: usize, size: usize) -> u64 {
        let ask = |sets: usize| sets.div_ceil(size.max(1)) as u64;
        let merges = matches!(self, Self::BidirectionalGreedy { merge_rounds: true, .. });
        let (mut rounds, mut known) = (0, false);
        for Loop { first, pool } in self.loops(count, k) {
            // The first candidates come with the set that they extend, a merged round with the next candidates.
            rounds += if known { 0 } else { ask(first + 1) };
            rounds += match pool {
                0 => 0,
                pool if merges => ask(pool + first),
                pool => ask(pool + 1),
            };
            known = merges && pool > 0;
        }
        // Nothing shown and everything shown are asked for even where nothing is left to choose.
        rounds.max(1)
    }

    /// What each loop evaluates.
    fn loops(self, count: usize, k: usize) -> impl Iterator<Item = Loop> {
        let pool = match self {
            Self::Greedy => None,
            Self::BidirectionalGreedy { pool, .. } => Some(pool),
        };
        let all = k >= count;
        let mut left = count;
        (0..k.min(count)).map_while(move |taken| {
            if pool.is_some() && all && left <= 1 {
                return None; // what is left has its place
            }
            let first = left;
            // One goes to the low end, where enough others are left.
            let pool = pool.filter(|&pool| left > pool && (all || left > k.saturating_sub(taken)));
            left = left.saturating_sub(1 + usize::from(pool.is_some()));
            Some(Loop { first, pool: pool.unwrap_or(0) })
        })
    }
}

/// Candidates that one loop evaluates at the high end and at the low one.
struct Loop {
    first: usize,
    pool: usize,
}
