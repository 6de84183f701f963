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
    },
}

impl Search {
    /// Books and optimizer for [`run`](crate::run()), for the `k` first regions. Where the low end is part of the
    /// order, its gains are NaN: nothing is asked for them, and [`Report`](super::Report) has all terms that the
    /// answers tell.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` that is not from 1 to the number of regions, and for a pool below 2.
    pub fn begin(self, f: Arc<Attribution>, k: usize) -> Result<(Problem, Box<dyn Optimizer>), Error> {
        let count = f.regions().count();
        if k == 0 || k > count {
            let reason = format!("{k} is not from 1 to the {count} regions");
            return Err(Error::Parameter { name: "k", reason });
        }
        let (rule, optimizer): (Arc<dyn Constraint>, Box<dyn Optimizer>) = match self {
            Self::Greedy => (Arc::new(Groups::cardinality(k)), Box::new(Greedy)),
            Self::BidirectionalGreedy { pool } if k == count => {
                let search = BidirectionalGreedy::new(pool)?.full_ranking(true).tail_gains(false);
                (Arc::new(Unconstrained), Box::new(search))
            }
            Self::BidirectionalGreedy { pool } => {
                (Arc::new(Groups::cardinality(k)), Box::new(BidirectionalGreedy::new(pool)?))
            }
        };
        Ok((Problem::new(f, rule, &[], &[], 0)?, optimizer))
    }

    /// Inputs the search looks at, without the two end points, as [`Report::model_calls`](super::Report) counts them.
    /// At most that many from both ends: the best candidate may be one of the pool, and is not looked at again.
    pub fn model_calls(self, count: usize, k: usize) -> u64 {
        let (mut gains, mut left) = (0, count);
        for taken in 0..k.min(count) {
            let (all, wanted) = (k >= count, k.saturating_sub(taken));
            let from_both_ends = match self {
                Self::Greedy => None,
                Self::BidirectionalGreedy { pool } => Some(pool),
            };
            if from_both_ends.is_some() && all && left <= 1 {
                break; // what is left has its place
            }
            gains += left;
            // One goes to the low end, where enough others are left.
            if let Some(pool) = from_both_ends.filter(|&pool| left > pool && (all || left > wanted)) {
                gains += pool;
                left -= 1;
            }
            left = left.saturating_sub(1);
        }
        2 * gains as u64
    }
}
