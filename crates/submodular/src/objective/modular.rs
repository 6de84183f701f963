//! Modular: `f(S) = sum over j in S of r_j`. A gain costs O(1).

use super::{Objective, Properties, State};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// The set function.
#[derive(Debug)]
pub struct Modular {
    scores: Vec<f64>,
}

impl Modular {
    /// One finite number an item.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn new(scores: Vec<f64>) -> Result<Self, Error> {
        match scores.iter().position(|score| !score.is_finite()) {
            Some(row) => Err(Error::NotFinite { row, column: 0, value: scores[row] }),
            None => Ok(Self { scores }),
        }
    }
}

/// Monotone where no score is negative.
pub fn properties(scores: &[f64]) -> Properties {
    let monotone = scores.iter().all(|&score| score >= 0.0);
    Properties {
        monotone,
        submodular: true,
        normalised: true,
        nonnegative: monotone,
        modular: true,
        streamable: true,
        restricts_exactly: true,
        ..Properties::default()
    }
}

impl Objective for Modular {
    fn len(&self) -> usize {
        self.scores.len()
    }

    fn properties(&self) -> Properties {
        properties(&self.scores)
    }

    fn memory(&self, _k: usize) -> u64 {
        self.scores.len() as u64 * 8
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Total { f: self, value: 0.0 })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        Ok(Arc::new(Self { scores: items.iter().map(|&e| self.scores[e as usize]).collect() }))
    }
}

#[derive(Clone)]
struct Total {
    f: Arc<Modular>,
    value: f64,
}

impl Total {
    fn scores(&self, items: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        ctl.tick(items.len() as u64)?;
        out.iter_mut().zip(items).for_each(|(out, &e)| *out = self.f.scores[e as usize]);
        Ok(())
    }
}

impl State for Total {
    fn value(&self) -> f64 {
        self.value
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.scores(ask, out, ctl)?;
        add.iter().for_each(|&e| self.value += self.f.scores[e as usize]);
        Ok(())
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.scores(ask, out, ctl)?;
        drop.iter().for_each(|&e| self.value -= self.f.scores[e as usize]);
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }
}
