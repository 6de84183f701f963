//! Jobs that would take more than the limits allow, and the way out.

use super::Limits;
use super::function::{Estimate, Function, Sizes};

/// Floating-point operations of a run, about.
#[derive(Clone, Copy)]
pub(super) struct Flops {
    /// Before the first pick.
    preparing: f64,
    /// The search over the represented rows.
    searching: f64,
    /// Valuing the answer over every row, where the search looks at a sample or at a graph.
    valuing: f64,
    /// What valuing would take if it did.
    sampling: f64,
}

impl Flops {
    pub(super) fn of(function: &Function, estimate: Estimate, sizes: Sizes) -> Self {
        let pairs = 2.0 * sizes.dim as f64 * sizes.n as f64;
        let sampling = pairs * sizes.k as f64;
        // The dense value of a cut or of a saturated coverage needs the sums of all rows.
        let valuing = match (function.is_sampled(), function.is_graph()) {
            (_, true) => pairs * sizes.n as f64,
            (true, false) => sampling,
            (false, false) => 0.0,
        };
        Self { preparing: estimate.preparing, searching: estimate.searching, valuing, sampling }
    }

    /// With more before the first pick.
    pub(super) fn and(self, preparing: f64) -> Self {
        Self { preparing: self.preparing + preparing, ..self }
    }

    /// With so much for the value of the answer.
    pub(super) fn valued(self, valuing: f64) -> Self {
        Self { valuing, ..self }
    }

    /// All together.
    pub(super) fn total(self) -> f64 {
        self.preparing + self.searching + self.valuing
    }
}

/// A limit that a job breaks.
pub(super) struct Excess {
    pub(super) detail: String,
    pub(super) needed: f64,
    pub(super) allowed: f64,
    pub(super) setting: &'static str,
}

impl Excess {
    /// The first limit that the job breaks, with a way out.
    pub(super) fn of(
        function: &Function,
        n: usize,
        memory: u64,
        flops: Flops,
        limits: &Limits,
    ) -> Option<Self> {
        let allowed = limits.memory_bytes;
        if memory > allowed {
            let fits = (n as f64 * allowed as f64 / memory as f64) as u64;
            return Some(Self {
                detail: format!(
                    "this job needs {memory} bytes of memory, even without storing similarities; {allowed} are allowed. Raise \
                 jobs.memory_bytes, or select in parts of about {fits} rows each and then among what they chose"
                ),
                needed: memory as f64,
                allowed: allowed as f64,
                setting: "jobs.memory_bytes",
            });
        }
        let Flops { preparing, searching, sampling, .. } = flops;
        let needed = flops.total();
        if needed > limits.max_flops {
            // Searching is proportional to the represented rows; a uniform sample of them is unbiased.
            let fits = function.represented_rows(n).map_or(0, |rows| {
                (rows as f64 * (limits.max_flops - sampling) / (preparing + searching)) as u64
            });
            let way_out = match fits {
                0 => "Select among fewer rows, or raise jobs.max_flops".to_owned(),
                fits => format!(
                    "Represent a sample: \"represented\": {{\"sample\": {fits}}} would fit; or raise jobs.max_flops"
                ),
            };
            return Some(Self {
                detail: format!(
                    "this job needs about {needed:.1e} floating-point operations; {:.1e} are allowed. {way_out}",
                    limits.max_flops
                ),
                needed,
                allowed: limits.max_flops,
                setting: "jobs.max_flops",
            });
        }
        None
    }
}
