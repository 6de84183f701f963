//! A run inside a run: its books and its search, which go on, are saved and are taken up as one.

use super::{LastLook, Optimizer, Step};
use crate::{Ctl, Halt, Item, Problem, Saved};

/// The run inside, of which there is at most one at a time. Taken up again by its next step, not when it is loaded:
/// that may need the books around it, and may halt.
#[derive(Default)]
pub(super) struct Nested {
    run: Option<(Problem, Box<dyn Optimizer>)>,
    resume: Option<Saved>,
}

impl Nested {
    /// One step, where `begin` makes empty books, their search and, if it is not the beginning, where to start.
    pub(super) fn advance(
        &mut self,
        ctl: &Ctl,
        begin: impl FnOnce() -> Result<(Problem, Box<dyn Optimizer>, Option<Saved>), Halt>,
    ) -> Result<Step, Halt> {
        let (problem, optimizer) = match &mut self.run {
            Some(run) => run,
            none => {
                let (mut problem, mut optimizer, start) = begin()?;
                if let Some(from) = self.resume.take().or(start) {
                    problem.load(&from, &mut *optimizer);
                }
                none.insert((problem, optimizer))
            }
        };
        problem.advance(&mut **optimizer, ctl)
    }

    /// The books.
    pub(super) fn problem(&self) -> Option<&Problem> {
        self.run.as_ref().map(|(problem, _)| problem)
    }

    /// The answer so far, in its own order.
    pub(super) fn answer(&self) -> Vec<Item> {
        self.run.as_ref().map_or(vec![], |(problem, optimizer)| optimizer.answer(problem))
    }

    /// Finished: writes the answer into the books in its own order, with its gains. Restartable.
    pub(super) fn settle(&mut self, ctl: &Ctl) -> Result<(), Halt> {
        let Some((problem, optimizer)) = &mut self.run else { return Ok(()) };
        problem.settle(optimizer.answer(problem), LastLook::Nothing, true, ctl)
    }

    /// Makes room for the next one.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn save(&self) -> Option<Box<Saved>> {
        let run = self.run.as_ref().map(|(problem, optimizer)| {
            // The run around counts the evaluations of both.
            problem.save(&**optimizer, &Ctl::default())
        });
        run.or_else(|| self.resume.clone()).map(Box::new)
    }

    pub(super) fn load(&mut self, saved: Option<&Saved>) {
        self.resume = saved.cloned();
    }
}
