//! Probabilistic coverage: `f(S) = sum over concepts u of w_u (1 - product over j in S of (1 - p_ju))`.
//!
//! Monotone, submodular, normalised. One gain costs O(concepts); the state is 8 bytes a concept.

use super::columns;
use super::{Objective, Properties, State};
use crate::similarity::{Any, Similarity};
use crate::tile::{Epilogue, Terms};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// The set function; rows of `probabilities` are concepts, its columns the items, its entries in [0, 1].
pub struct ProbabilisticSetCover<S> {
    probabilities: S,
    weights: Vec<f64>,
}

impl<S: Similarity> ProbabilisticSetCover<S> {
    /// One finite weight of at least 0 a concept.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::Parameter`].
    pub fn new(probabilities: S, weights: Vec<f64>) -> Result<Self, Error> {
        let (expected, found) = (probabilities.rows(), weights.len());
        if expected != found {
            return Err(Error::Shape { what: "weights", expected, found });
        }
        match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(row) => {
                let reason = format!("concept {row} has {}; expected at least 0", weights[row]);
                Err(Error::Parameter { name: "weights", reason })
            }
            None => Ok(Self { probabilities, weights }),
        }
    }
}

/// Bytes of weights and state (held twice while it changes), and the scratch of gains.
pub fn memory(concepts: usize) -> u64 {
    concepts as u64 * 32 + columns::scratch(concepts)
}

/// What holds where the concepts are not the items themselves, so that a part of the items has all of them.
pub fn properties() -> Properties {
    Properties {
        monotone: true,
        submodular: true,
        normalised: true,
        nonnegative: true,
        streamable: true,
        restricts_exactly: true,
        ..Properties::default()
    }
}

/// Not generic; see [`facility_location`](super::facility_location::facility_location).
///
/// # Errors
/// As [`ProbabilisticSetCover::new`].
pub fn probabilistic_set_cover(probabilities: Any, weights: Vec<f64>) -> Result<Arc<dyn Objective>, Error> {
    Ok(Arc::new(ProbabilisticSetCover::new(probabilities, weights)?))
}

impl<S: Similarity> Objective for ProbabilisticSetCover<S> {
    fn len(&self) -> usize {
        self.probabilities.items()
    }

    fn properties(&self) -> Properties {
        let apart = !self.probabilities.square();
        Properties { streamable: apart, restricts_exactly: apart, ..properties() }
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.weights.len())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Missed { missed: vec![1.0; self.weights.len()], f: self })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        // The rows of a square matrix are its items, and are restricted with them.
        let weights = match self.probabilities.square() {
            true => items.iter().map(|&e| self.weights[e as usize]).collect(),
            false => self.weights.clone(),
        };
        Ok(Arc::new(Self { probabilities: self.probabilities.restrict(items), weights }))
    }
}

struct Missed<S> {
    f: Arc<ProbabilisticSetCover<S>>,
    /// `product over j in S of (1 - p_ju)` per concept.
    missed: Vec<f64>,
}

/// Lowers what is missed of each concept by the items that join.
struct Miss<'a> {
    missed: &'a mut [f64],
    first: usize,
}

impl Epilogue for Miss<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, s: &[f32]) {
        let missed = &mut self.missed[row - self.first..][..s.len()];
        for (missed, &p) in missed.iter_mut().zip(s) {
            *missed *= 1.0 - f64::from(p);
        }
    }
}

impl<S: Similarity> State for Missed<S> {
    fn value(&self) -> f64 {
        self.missed.iter().zip(&self.f.weights).map(|(missed, w)| w * (1.0 - missed)).sum()
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = &*self.f;
        let mut next = None;
        if !add.is_empty() {
            let mut missed = self.missed.clone();
            columns::fold(&f.probabilities, &mut missed, add, ctl, |missed, first| Miss { missed, first })?;
            next = Some(missed);
        }
        let missed = next.as_ref().unwrap_or(&self.missed);
        columns::sums(&f.probabilities, ask, out, ctl, |cols| {
            Terms::new(missed, &f.weights, cols, |p, missed, w| w * missed * f64::from(p))
        })?;
        if let Some(next) = next {
            self.missed = next; // last: Err has changed nothing
        }
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Self { f: self.f.clone(), missed: self.missed.clone() })
    }
}
