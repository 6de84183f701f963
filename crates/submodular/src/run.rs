//! The one loop: included items first, then steps, then the answer in its own order and one fresh sweep for the
//! certificate. Cancel, deadline, suspension for outside values and checkpoints are all one mechanism: every outcome
//! carries what it takes to go on.

use crate::certificate::Certificate;
use crate::optimizer::{Optimizer, Step, Termination, together};
use crate::problem::{Problem, Saved};
use crate::{Ctl, Error, Halt, Item, Set};

/// Why a run came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The search ran to its end.
    Finished(Termination),
    /// It was cancelled.
    Cancelled,
    /// The deadline passed.
    Deadline,
    /// It needs the values of these sets; run again from `saved` once they are known.
    Asked(Vec<Set>),
}

/// What was chosen so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Items in order.
    pub items: Vec<Item>,
    /// Gain of each at its turn.
    pub gains: Vec<f64>,
    /// f(empty); NaN when the run stopped before it was known.
    pub empty: f64,
    /// What was maximised, where that is not f alone: known at the end.
    pub optimized: Option<f64>,
    /// Bound on the optimum.
    pub certificate: Option<Certificate>,
    /// Gains computed.
    pub evaluations: u64,
}

impl Selection {
    /// f of the items: `empty` plus the gains.
    pub fn value(&self) -> f64 {
        self.empty + self.gains.iter().sum::<f64>()
    }
}

/// However a run ended: what was chosen so far, and all it takes to go on.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Why it came back.
    pub ended: Ended,
    /// What was chosen so far.
    pub selection: Selection,
    /// For going on.
    pub saved: Saved,
}

/// Runs `optimizer` on `problem`, from `from` if given. `watch` is called after every step: events, checkpoints.
///
/// # Errors
/// [`Error`] when the objective fails; what was saved by `watch` is still good.
pub fn run(
    mut problem: Problem,
    optimizer: &mut dyn Optimizer,
    from: Option<&Saved>,
    ctl: &Ctl,
    watch: &mut dyn FnMut(&Problem, &dyn Optimizer),
) -> Result<Outcome, Error> {
    if let Some(saved) = from {
        problem.load(saved, optimizer);
        ctl.recount(saved.evaluations);
    }
    let mut saved = None;
    let ended = loop {
        let before = ctl.evaluations();
        let halt = match problem.advance(optimizer, ctl) {
            Ok(Step::More) => {
                watch(&problem, optimizer);
                continue;
            }
            Ok(Step::Done(termination)) => {
                // Before settling: a halt there is re-entered at Done, which then asks, and counts, once more.
                saved = Some(Saved { evaluations: before, ..problem.save(optimizer, ctl) });
                let answer = optimizer.answer(&problem);
                let whole = answer == problem.picks();
                match problem.settle(answer, optimizer.last_look(), optimizer.wants_tail_gains(), ctl) {
                    Ok(()) => break Ended::Finished(termination),
                    // The answer stands: only the last look at its certificate is missing.
                    Err(Halt::Deadline) if whole => break Ended::Finished(termination),
                    Err(halt) => halt,
                }
            }
            Err(halt) => halt,
        };
        match halt {
            Halt::Cancelled => break Ended::Cancelled,
            Halt::Deadline => break Ended::Deadline,
            Halt::Ask(sets) => break Ended::Asked(sets),
            Halt::Failed(error) => return Err(error),
        }
    };
    let saved = saved.unwrap_or_else(|| problem.save(optimizer, ctl));
    if let Some(parts) = optimizer.parts().filter(|parts| !parts.is_empty()) {
        let took = together(parts, problem.include());
        problem.record(&took);
    }
    let selection = Selection {
        items: problem.picks().to_vec(),
        gains: problem.pick_gains().to_vec(),
        empty: problem.empty_value(),
        optimized: optimizer.optimized(),
        certificate: problem.certificate(),
        evaluations: ctl.evaluations(),
    };
    Ok(Outcome { ended, selection, saved })
}
