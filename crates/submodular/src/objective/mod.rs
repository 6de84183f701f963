//! Set functions. Each file is one; this one holds the traits.

pub mod attribution;
mod columns;
pub mod committee;
pub mod concave_over_modular;
pub mod concave_over_sums;
pub mod contraction;
pub mod disparity_min;
pub mod disparity_sum;
pub mod external;
pub mod facility_location;
pub mod facility_location_cg;
pub mod facility_location_cmi;
pub mod facility_location_mi;
pub mod facility_location_vmi;
pub mod feature_based;
pub mod graph_cut;
pub mod graph_cut_cg;
pub mod graph_cut_mi;
pub mod log_det;
pub mod log_det_cg;
pub mod log_det_cmi;
pub mod log_det_mi;
pub mod mixture;
pub mod modular;
mod ordered_averages;
pub mod pairwise;
pub mod probabilistic_set_cover;
pub mod saturated_coverage;
pub mod set_cover;
pub mod sum_redundancy;
mod voters;

pub use columns::refuse_negative;
pub use contraction::Contraction;
pub use external::{Answers, External, Oracle};
pub use facility_location::{FacilityLocation, Reduction};

use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// What is known about a set function; guarantees follow from it. All false unless a function declares otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Properties {
    /// Adding an item never lowers the value.
    pub monotone: bool,
    /// Gains never rise as the set grows.
    pub submodular: bool,
    /// f(empty) = 0.
    pub normalised: bool,
    /// f(S) >= 0 for every S.
    pub nonnegative: bool,
    /// Gains do not depend on the set.
    pub modular: bool,
    /// A gain can be computed without all of the ground set in memory.
    pub streamable: bool,
    /// The function itself depends on k, so that a prefix of an answer answers another question.
    pub depends_on_k: bool,
    /// Each evaluation is somebody else's work: never evaluate for reports alone.
    pub asks: bool,
    /// The function of a part is this function: [`Objective::restrict`] leaves the values of the part's sets as they
    /// are. False where f looks at items that are not in the set, such as rows to represent.
    pub restricts_exactly: bool,
    /// It is a sum or a minimum of distances.
    pub dispersion: Option<Dispersion>,
    /// How much a computed gain may rise by rounding although the true one cannot.
    pub slack: f64,
}

/// A function of the distances between chosen items: what greedy earns on it depends on the distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispersion {
    /// The sum of the distances of all pairs.
    Sum(Triangle),
    /// The smallest distance.
    Min(Triangle),
}

/// What is known of d(a, c) against d(a, b) + d(b, c).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triangle {
    /// At most as large: a metric.
    Metric,
    /// At most twice as large: the square of a metric, as 1 - cos is.
    Squared,
    /// Nothing.
    Unknown,
}

/// A set function over items `0..len`.
pub trait Objective: Send + Sync {
    /// Size of the ground set.
    fn len(&self) -> usize;
    /// Whether the ground set is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// What is known about it, for these parameters.
    fn properties(&self) -> Properties;
    /// Bytes held by the function and by the state of a set of `k` items.
    fn memory(&self, k: usize) -> u64;
    /// The state of the empty set.
    fn state(self: Arc<Self>) -> Box<dyn State>;
    /// The same function of a part of the data; item i of the result is `items[i]`.
    ///
    /// # Errors
    /// [`Halt`] when the part cannot be made.
    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt>;
}

/// A set function seen from one growing set S.
///
/// Laws: `Err` has changed nothing (`out` is then rubbish). Bits depend on the order of items added and dropped, not
/// on how the calls were cut, what was asked, nor on threads.
pub trait State: Send {
    /// f(S) as of the last successful call; before the first, f(empty), or NaN where only an answer can tell.
    fn value(&self) -> f64;
    /// S += `add`, then `out[i] = f(S + ask[i]) - f(S)`. One call, so that a kernel can fuse the update and the gains.
    ///
    /// # Errors
    /// [`Halt`] when stopped, when values are needed from outside, or when the objective fails.
    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt>;
    /// S -= `drop`, then `out[i] = f(S) - f(S - ask[i])`.
    ///
    /// # Errors
    /// As [`advance`](Self::advance); [`Error::Unsupported`] unless the objective can shrink.
    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let _ = (drop, ask, out, ctl);
        Err(Error::Unsupported("this objective cannot drop items").into())
    }
    /// A free estimate of `f(S + ask[i])` from `up[i] = f(from + ask[i])`: the screen of a two-ended search.
    fn screen(&self, from: &[Item], up: &[f64], ask: &[Item], out: &mut [f64]) {
        let _ = (from, ask);
        out.copy_from_slice(up);
    }
    /// Whether [`ceilings`](Self::ceilings) costs much less than gains.
    fn has_ceilings(&self) -> bool {
        false
    }
    /// Upper bounds on the gains at S, for a search to lower stale ones before it pays for fresh ones: `out[i]` falls to
    /// the bound of `ask[i]` where that is lower. A bound lies below the computed gain by the objective's slack at most.
    ///
    /// # Errors
    /// [`Halt`] when stopped; `out` is rubbish then.
    fn ceilings(&self, ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let _ = (ask, out, ctl);
        Ok(())
    }
    /// An independent copy.
    fn fork(&self) -> Box<dyn State>;
}
