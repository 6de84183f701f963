//! What the searches share that pass once over the items: the block of the stream at hand, the reservoir that tops a
//! short answer up, and the conditions.

use super::{LazyGreedy, Optimizer, Step};
use crate::constraint::Shape;
use crate::guarantee::Mismatch;
use crate::{Chain, Ctl, Halt, Item, Problem, Properties, sampling};

/// Items of one step. Large enough to share the packed rows of a sweep, small enough that a stop loses little.
pub(super) const BLOCK: usize = 1024;
/// Items of the reservoir for each item of an answer.
const RESERVOIR: usize = 8;

/// # Errors
/// [`Mismatch`] where one pass has no meaning.
pub(super) fn check(objective: &Properties, constraint: &Shape) -> Result<(), Mismatch> {
    if !(objective.monotone && objective.submodular) {
        return Err(Mismatch("one pass over the items needs a monotone submodular objective"));
    }
    if !objective.streamable {
        return Err(Mismatch(
            "the objective sums over all rows, so one pass over the items cannot compute it: fix or sample \
             `represented`",
        ));
    }
    if !constraint.is_cardinality() {
        return Err(Mismatch("one pass over the items takes k and no other constraint"));
    }
    Ok(())
}

/// Items that an answer may hold beside the included ones.
pub(super) fn places(problem: &Problem) -> usize {
    let k = problem.constraint().shape().k.unwrap_or(problem.allowed().len());
    k.saturating_sub(problem.include().len())
}

/// The stream from its `seen`-th item on: the items of the next block, and how many positions it covers.
pub(super) fn next_block(problem: &Problem, seen: usize) -> (Vec<Item>, usize) {
    let allowed = problem.allowed();
    let block = &allowed[seen.min(allowed.len())..allowed.len().min(seen + BLOCK)];
    let mut include = problem.include().to_vec();
    include.sort_unstable();
    (block.iter().copied().filter(|e| include.binary_search(e).is_err()).collect(), block.len())
}

/// Numbers of `(1 + epsilon)^i` between `least` and `most`, ascending.
pub(super) fn rungs(epsilon: f64, least: f64, most: f64) -> impl Iterator<Item = i32> {
    let log = |x: f64| (x.max(f64::MIN_POSITIVE).ln() / epsilon.ln_1p()).floor() as i32;
    // Logarithms are rounded, so the powers themselves decide.
    (log(least) - 1..=log(most) + 1).filter(move |&i| {
        let power = (1.0 + epsilon).powi(i);
        least <= power && power <= most
    })
}

/// Gains of a block at one growing set, asked as late, and as many together, as pays. An old gain is an upper bound, so
/// an item whose bound is below the threshold is settled without being asked: what is decided about each item is what
/// asking one at a time decides.
pub(super) struct Block<'a> {
    items: &'a [Item],
    bounds: Vec<f64>,
    exact: Vec<bool>,
    window: usize,
    slack: f64,
}

impl<'a> Block<'a> {
    /// `bounds`: gains at a smaller set, or at this one where `exact`.
    pub(super) fn new(items: &'a [Item], bounds: &[f64], exact: bool, slack: f64) -> Self {
        Self { items, bounds: bounds.to_vec(), exact: vec![exact; items.len()], window: items.len(), slack }
    }

    /// The gain of the item at position `at` of the block if it is at least `threshold`, else a number below.
    ///
    /// # Errors
    /// [`Halt`].
    pub(super) fn gain(
        &mut self,
        at: usize,
        threshold: f64,
        chain: &mut Chain,
        ctl: &Ctl,
    ) -> Result<f64, Halt> {
        let open = |block: &Self, i: usize| !block.exact[i] && block.bounds[i] + block.slack >= threshold;
        if !open(self, at) {
            // A stale bound that slack alone keeps apart from the threshold is below it.
            return Ok(self.bounds[at]);
        }
        let ask: Vec<usize> = (at..self.items.len()).filter(|&i| open(self, i)).take(self.window).collect();
        let items: Vec<Item> = ask.iter().map(|&i| self.items[i]).collect();
        for (i, gain) in ask.into_iter().zip(chain.gains(&items, ctl)?) {
            (self.bounds[i], self.exact[i]) = (gain, true);
        }
        // Until the set grows, twice as many each time: few calls where little is taken, few gains thrown away where
        // much is.
        self.window = self.window.saturating_mul(2);
        Ok(self.bounds[at])
    }

    /// The set has grown: gains are bounds now.
    pub(super) fn grown(&mut self) {
        self.exact.fill(false);
        self.window = 1;
    }

    /// An upper bound on the gain of each item.
    pub(super) fn bounds(&self) -> impl Iterator<Item = (Item, f64)> {
        self.items.iter().copied().zip(self.bounds.iter().copied())
    }
}

/// Fills a short answer up to k, by greedy over a uniform sample of the stream. What it adds never lowers a monotone f.
pub(super) struct TopUp {
    pool: Vec<Item>,
    kept: bool,
    greedy: LazyGreedy,
}

impl TopUp {
    /// From a reservoir of these items, ascending: none, and there is no topping up.
    pub(super) fn new(pool: Vec<Item>) -> Self {
        Self { pool, kept: false, greedy: LazyGreedy::default() }
    }

    /// Draws the reservoir. A stream keeps it from the start; it depends on nothing the search did, so that it may as
    /// well be drawn at the end.
    pub(super) fn draw(problem: &Problem) -> Self {
        let size = RESERVOIR.saturating_mul(places(problem));
        Self::new(sampling::without_replacement(problem.allowed().to_vec(), size, &mut problem.draw()))
    }

    pub(super) fn pool(&self) -> &[Item] {
        &self.pool
    }

    pub(super) fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if !self.kept {
            problem.keep(&self.pool);
            self.kept = true;
        }
        self.greedy.step(problem, ctl)
    }
}
