//! Two-ended search (LiMA, 2025): P grows from the best end, N from the worst, so that fewer items are left to look at.
//! Not double greedy: any objective, no guarantee.

use super::{Bid, Optimizer, Step, Termination, best};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Mismatch};
use crate::{Chain, Ctl, Error, Halt, Item, Problem, Properties, both};

/// Each loop: `up[c] = f(P + c)`, `a` its argmax; while more than `pool` candidates are left, the `pool` lowest
/// screened candidates but `a` are evaluated as `f(N + c)` and the lowest goes to N; then `a` goes to P.
pub struct BidirectionalGreedy {
    pool: usize,
    full_ranking: bool,
    merge_rounds: bool,
    tail_gains: bool,
    worst: Option<Chain>,
}

impl BidirectionalGreedy {
    /// `pool`: candidates evaluated for the low end each loop, at least 2: with 1 the pool can be empty.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(pool: usize) -> Result<Self, Error> {
        if pool < 2 {
            let reason = format!("{pool} is too small: at least 2");
            return Err(Error::Parameter { name: "pool", reason });
        }
        Ok(Self { pool, full_ranking: false, merge_rounds: false, tail_gains: true, worst: None })
    }

    /// Orders every item, P followed by N reversed, instead of choosing k. Needs
    /// [`Unconstrained`](crate::constraint::Unconstrained).
    #[must_use]
    pub fn full_ranking(mut self, yes: bool) -> Self {
        self.full_ranking = yes;
        self
    }

    /// Asks a loop's second round together with the next loop's first, for one more set a loop. Only where values come
    /// from outside.
    #[must_use]
    pub fn merge_rounds(mut self, yes: bool) -> Self {
        self.merge_rounds = yes;
        self
    }

    /// Whether a full ranking evaluates the gains of what was found from the low end, which no choice depends on. They
    /// are NaN where not.
    #[must_use]
    pub fn tail_gains(mut self, yes: bool) -> Self {
        self.tail_gains = yes;
        self
    }

    /// Positions in `ask` of the `pool` lowest screened values, ties to the lowest index, without `a`.
    fn pool(&self, low: &[f64], ask: &[Item], a: Item) -> Vec<Item> {
        let mut order: Vec<usize> = (0..ask.len()).collect();
        order.sort_by(|&i, &j| low[i].total_cmp(&low[j]));
        let mut pool: Vec<Item> = order.iter().take(self.pool).map(|&i| ask[i]).filter(|&e| e != a).collect();
        pool.sort_unstable();
        pool
    }
}

impl Optimizer for BidirectionalGreedy {
    fn claim(&self, _objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if constraint.knapsack {
            return Err(Mismatch(
                "bidirectional_greedy takes no budget: it compares gains, not costs. Use greedy",
            ));
        }
        if self.full_ranking != constraint.k.is_none() {
            return Err(Mismatch("bidirectional_greedy takes k, or full_ranking without k and groups"));
        }
        let guarantee = Guarantee::None { reason: "bidirectional_greedy is a heuristic" };
        // What may still be discarded depends on k, so a prefix need not be what the search would choose for a smaller k.
        Ok(Claim { guarantee, prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if problem.feasible().done() {
            return Ok(Step::Done(Termination::BudgetReached));
        }
        let ask = problem.candidates();
        if let (true, &[last]) = (self.full_ranking, &ask[..]) {
            // Between the two ends there is one place.
            problem.discard(last);
            return Ok(Step::More);
        }
        let gains = problem.gains(&ask, ctl)?;
        let Some(Bid(gain, a)) = best(&ask, &gains) else {
            let all = if self.full_ranking { Termination::AllRanked } else { Termination::NoCandidateLeft };
            return Ok(Step::Done(all));
        };
        if problem.stops_at(gain) && !self.full_ranking {
            return Ok(Step::Done(Termination::GainAtMost));
        }
        let mut worst = match self.worst.take() {
            Some(worst) => worst,
            None => Chain::new(problem.objective(), problem.discarded()),
        };
        let mut z = None;
        if ask.len() > self.pool {
            let up: Vec<f64> = gains.iter().map(|gain| problem.value() + gain).collect();
            let mut low = vec![0.0; ask.len()];
            worst.value(ctl)?; // catches up with N, whose value is known already
            worst.state().screen(problem.picks(), &up, &ask, &mut low);
            let pool = self.pool(&low, &ask, a);
            // Where none of them may go, it does not matter which is the lowest.
            if pool.iter().any(|&e| problem.feasible().may_discard(e)) {
                let mut real = worst.gains(&pool, ctl);
                if self.merge_rounds && problem.objective().properties().asks {
                    let next: Vec<Item> = ask.iter().copied().filter(|&e| e != a).collect();
                    real = both(real, problem.prefetch(a, &next, ctl)).map(|(real, ())| real);
                }
                let lowest = pool.into_iter().zip(real?).min_by(|x, y| x.1.total_cmp(&y.1));
                z = lowest.map(|(e, _)| e).filter(|&e| problem.feasible().may_discard(e));
            }
        }
        if let Some(z) = z {
            problem.discard(z);
            worst.push(z);
        }
        self.worst = Some(worst);
        problem.take(a, gain);
        Ok(Step::More)
    }

    fn answer(&self, problem: &Problem) -> Vec<Item> {
        let mut answer = problem.picks().to_vec();
        if self.full_ranking {
            answer.extend(problem.discarded().iter().rev());
        }
        answer
    }

    fn wants_tail_gains(&self) -> bool {
        self.tail_gains
    }

    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let (picks, total) = (problem.picks().len() as u64, problem.constraint().shape().k);
        match total {
            Some(k) => (picks, k as u64),
            None => (picks + problem.discarded().len() as u64, problem.allowed().len() as u64),
        }
    }
}
