//! What a job takes that searches no dataset, held against the limits.

use super::selection::result::{Guarantee, PlanReport};
use super::selection::{Limits, SelectionError};

/// What such a job is estimated to take, and how that is told.
pub(super) struct Estimated<'a> {
    /// What it is called.
    pub(super) what: &'a str,
    pub(super) memory_bytes: u64,
    pub(super) flops: f64,
    /// Gains at most.
    pub(super) evaluations: u64,
    /// Rounds of questions at most, where somebody is asked.
    pub(super) rounds: Option<u64>,
    pub(super) optimizer: &'a str,
    pub(super) plan: &'a str,
    /// Why nothing is promised.
    pub(super) unpromised: &'a str,
    /// What takes less, as the beginning of a sentence.
    pub(super) way_out: &'a str,
}

/// What a job would take, and the limit that it breaks.
pub(super) struct Plan {
    report: PlanReport,
    /// Needed, allowed, and the setting.
    excess: Option<(f64, f64, &'static str)>,
}

impl Plan {
    pub(super) fn of(estimated: &Estimated<'_>, limits: &Limits) -> Self {
        let Estimated { what, memory_bytes, flops, .. } = *estimated;
        let excess = if memory_bytes > limits.memory_bytes {
            Some((memory_bytes as f64, limits.memory_bytes as f64, "jobs.memory_bytes"))
        } else if flops > limits.max_flops {
            Some((flops, limits.max_flops, "jobs.max_flops"))
        } else {
            None
        };
        let reason = excess.map(|(needed, allowed, setting)| {
            let unit = if setting == "jobs.max_flops" { "operations" } else { "bytes of memory" };
            let way_out = estimated.way_out;
            format!(
                "this {what} needs about {needed:.2e} {unit}; {allowed:.2e} are allowed. {way_out}; or raise {setting}"
            )
        });
        let report = PlanReport {
            memory_bytes,
            evaluations: estimated.evaluations,
            rounds: estimated.rounds,
            flops,
            optimizer: estimated.optimizer.to_owned(),
            plan: estimated.plan.to_owned(),
            guarantee: Guarantee::none(estimated.unpromised),
            admissible: excess.is_none(),
            reason,
        };
        Self { report, excess }
    }

    /// What the run would take.
    pub(super) fn report(&self) -> &PlanReport {
        &self.report
    }

    /// # Errors
    /// [`SelectionError::TooLarge`] with numbers and a way out.
    pub(super) fn admit(&self) -> Result<(), SelectionError> {
        match self.excess {
            None => Ok(()),
            Some((needed, allowed, setting)) => Err(SelectionError::TooLarge {
                detail: self.report.reason.clone().unwrap_or_default(),
                needed,
                allowed,
                setting,
            }),
        }
    }
}
