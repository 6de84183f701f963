//! A weighted sum of set functions: `f(S) = sum over l of c_l f_l(S)`.
//!
//! With weights of at least 0 it has every property that all its parts have. With a weight below 0, as in the
//! difference that a mutual information is, it keeps only what its maker knows of it.

use super::{Objective, Properties, State};
use crate::{Ctl, Error, Halt, Item, both};
use std::sync::Arc;

/// The set function.
#[derive(Clone)]
pub struct Mixture {
    parts: Vec<(f64, Arc<dyn Objective>)>,
    properties: Properties,
}

impl Mixture {
    /// Weights of at least 0, and parts over the same items.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no part or a weight below 0, [`Error::Shape`] for parts of different sizes.
    pub fn new(parts: Vec<(f64, Arc<dyn Objective>)>) -> Result<Self, Error> {
        if let Some((weight, _)) = parts.iter().find(|(weight, _)| !(weight.is_finite() && *weight >= 0.0)) {
            let reason = format!("a weight is {weight}; expected a finite number of at least 0");
            return Err(Error::Parameter { name: "parts", reason });
        }
        let properties = properties(parts.iter().map(|(weight, part)| (*weight, part.properties())));
        let Some(properties) = properties else {
            return Err(Error::Parameter { name: "parts", reason: "there is none".into() });
        };
        Self::known(parts, properties)
    }

    /// Any weights, and properties that the caller can prove.
    ///
    /// # Errors
    /// [`Error::Shape`] for parts of different sizes.
    pub fn known(parts: Vec<(f64, Arc<dyn Objective>)>, properties: Properties) -> Result<Self, Error> {
        let expected = parts.first().map_or(0, |(_, part)| part.len());
        match parts.iter().find(|(_, part)| part.len() != expected) {
            Some((_, part)) => Err(Error::Shape { what: "items of a part", expected, found: part.len() }),
            None => Ok(Self { parts, properties }),
        }
    }

    /// Each weight divided by its part's value of every item, so that parts of different scales count alike.
    ///
    /// # Errors
    /// [`Halt`] when stopped; [`Error::Parameter`] for a part whose value of every item is not above 0.
    pub fn normalised(mut self, ctl: &Ctl) -> Result<Self, Halt> {
        let all: Vec<Item> = (0..self.len() as Item).collect();
        for (index, (weight, part)) in self.parts.iter_mut().enumerate() {
            let mut state = part.clone().state();
            for items in all.chunks(1024) {
                state.advance(items, &[], &mut [], ctl)?;
            }
            let whole = state.value();
            if !(whole.is_finite() && whole > 0.0) {
                let reason =
                    format!("part {index} has the value {whole} of every item: it cannot be normalised");
                return Err(Error::Parameter { name: "parts", reason }.into());
            }
            self.properties.slack /= whole.min(1.0);
            *weight /= whole;
        }
        Ok(self)
    }
}

/// What all parts have; none where there is no part.
pub fn properties(parts: impl Iterator<Item = (f64, Properties)>) -> Option<Properties> {
    parts.map(|(weight, part)| Properties { slack: weight * part.slack, ..part }).reduce(|a, b| Properties {
        monotone: a.monotone && b.monotone,
        submodular: a.submodular && b.submodular,
        normalised: a.normalised && b.normalised,
        nonnegative: a.nonnegative && b.nonnegative,
        modular: a.modular && b.modular,
        streamable: a.streamable && b.streamable,
        depends_on_k: a.depends_on_k || b.depends_on_k,
        restricts_exactly: a.restricts_exactly && b.restricts_exactly,
        dispersion: None,
        asks: a.asks || b.asks,
        slack: a.slack + b.slack,
    })
}

impl Objective for Mixture {
    fn len(&self) -> usize {
        self.parts.first().map_or(0, |(_, part)| part.len())
    }

    fn properties(&self) -> Properties {
        self.properties
    }

    fn memory(&self, k: usize) -> u64 {
        self.parts.iter().map(|(_, part)| part.memory(k)).fold(0, u64::saturating_add)
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        let states = self.parts.iter().map(|(weight, part)| (*weight, part.clone().state())).collect();
        Box::new(Blend { states })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let part = |(weight, part): &(f64, Arc<dyn Objective>)| Ok((*weight, part.clone().restrict(items)?));
        let parts = self.parts.iter().map(part).collect::<Result<_, Halt>>()?;
        Ok(Arc::new(Self { parts, properties: self.properties }))
    }
}

struct Blend {
    states: Vec<(f64, Box<dyn State>)>,
}

impl Blend {
    /// One move of every part; where one halts, none has moved.
    fn each(
        &mut self,
        out: &mut [f64],
        mut step: impl FnMut(&mut dyn State, &mut [f64]) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        let mut next = Vec::with_capacity(self.states.len());
        let mut part = vec![0.0; out.len()];
        let mut result = Ok(());
        out.fill(0.0);
        for (weight, state) in &self.states {
            let mut state = state.fork();
            // Questions of all parts come in one round.
            result = both(result, step(&mut *state, &mut part)).map(|_| ());
            out.iter_mut().zip(&part).for_each(|(out, gain)| *out += weight * gain);
            next.push((*weight, state));
        }
        result?;
        // Two parts that are both at the end of their rank: minus infinity less itself.
        out.iter_mut().filter(|gain| gain.is_nan()).for_each(|gain| *gain = f64::NEG_INFINITY);
        self.states = next; // last: Err has changed nothing
        Ok(())
    }
}

impl State for Blend {
    fn value(&self) -> f64 {
        self.states.iter().map(|(weight, state)| weight * state.value()).sum()
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.each(out, |state, out| state.advance(add, ask, out, ctl))
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.each(out, |state, out| state.retreat(drop, ask, out, ctl))
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Self { states: self.states.iter().map(|(weight, state)| (*weight, state.fork())).collect() })
    }
}
