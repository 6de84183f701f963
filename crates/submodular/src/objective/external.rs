//! A set function whose values come from outside: a client, a model, a table of answers.
//!
//! Suspension is replay from cached answers: an [`Oracle`] that lacks a value halts with the question, nothing blocks,
//! and a run from what was saved finds the answer in the oracle.

use super::{Objective, Properties, State};
use crate::{Ctl, Halt, Item, Set};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Values of sets, all or nothing.
pub trait Oracle: Send + Sync {
    /// f of each set; sets are sorted.
    ///
    /// # Errors
    /// [`Halt::Ask`] with the sets whose values it lacks, or the failure of the model behind it.
    fn values(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<f64>, Halt>;
}

/// Answers given so far; asks for the others.
#[derive(Debug, Default)]
pub struct Answers(RwLock<HashMap<Set, f64>>);

impl Answers {
    /// Records f(set); gives back an earlier answer.
    pub fn insert(&self, mut set: Set, value: f64) -> Option<f64> {
        set.sort_unstable();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(set, value)
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<(Set, f64)> for Answers {
    /// Sets are sorted.
    fn from_iter<I: IntoIterator<Item = (Set, f64)>>(answers: I) -> Self {
        Self(RwLock::new(answers.into_iter().collect()))
    }
}

impl Oracle for Answers {
    fn values(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        ctl.tick(sets.len() as u64)?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut misses: Vec<Set> = sets.iter().filter(|set| !known.contains_key(*set)).cloned().collect();
        if misses.is_empty() {
            return Ok(sets.iter().filter_map(|set| known.get(set).copied()).collect());
        }
        misses.sort_unstable();
        misses.dedup();
        Err(Halt::Ask(misses))
    }
}

/// The set function behind an [`Oracle`].
#[derive(Clone)]
pub struct External {
    /// What the oracle calls our items: a part renumbers.
    names: Vec<Item>,
    oracle: Arc<dyn Oracle>,
    properties: Properties,
}

impl External {
    /// `n` items; `properties` as the caller vouches for them.
    pub fn new(n: usize, oracle: Arc<dyn Oracle>, properties: Properties) -> Self {
        Self { names: (0..).take(n).collect(), oracle, properties: Properties { asks: true, ..properties } }
    }
}

impl Objective for External {
    fn len(&self) -> usize {
        self.names.len()
    }
    fn properties(&self) -> Properties {
        self.properties
    }
    fn memory(&self, k: usize) -> u64 {
        (self.names.len() * (4 + 4 * k)) as u64 // one round of sets of k items
    }
    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Asked { f: self, items: vec![], value: f64::NAN })
    }
    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let names = items.iter().map(|&e| self.names[e as usize]).collect();
        Ok(Arc::new(External { names, ..(*self).clone() }))
    }
}

#[derive(Clone)]
struct Asked {
    f: Arc<External>,
    items: Vec<Item>,
    value: f64,
}

impl Asked {
    /// Asks f(base) and f of every set in one round; `out[i] = side * (f(sets[i]) - f(base))`.
    fn shift(
        &mut self,
        base: Vec<Item>,
        sets: impl Iterator<Item = Vec<Item>>,
        out: &mut [f64],
        side: f64,
        ctl: &Ctl,
    ) -> Result<(), Halt> {
        let named = |set: Vec<Item>| {
            let mut set: Set = set.iter().map(|&e| self.f.names[e as usize]).collect();
            set.sort_unstable();
            set
        };
        let all: Vec<Set> = std::iter::once(base.clone()).chain(sets).map(named).collect();
        let values = self.f.oracle.values(&all, ctl)?;
        let value = values[0];
        for (out, v) in out.iter_mut().zip(&values[1..]) {
            *out = side * (v - value);
        }
        (self.items, self.value) = (base, value);
        Ok(())
    }
}

impl State for Asked {
    fn value(&self) -> f64 {
        self.value
    }
    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let base = [&self.items, add].concat();
        let sets: Vec<Vec<Item>> = ask.iter().map(|&e| [&base[..], &[e]].concat()).collect();
        self.shift(base, sets.into_iter(), out, 1.0, ctl)
    }
    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let base: Vec<Item> = self.items.iter().copied().filter(|e| !drop.contains(e)).collect();
        let sets: Vec<Vec<Item>> =
            ask.iter().map(|&e| base.iter().copied().filter(|&b| b != e).collect()).collect();
        self.shift(base, sets.into_iter(), out, -1.0, ctl)
    }
    fn fork(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }
}
