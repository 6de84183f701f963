//! A growing set and the state that follows it.

use crate::{Ctl, Error, Halt, Item, Objective, State, both};
use std::sync::Arc;

/// `push` is free and cannot fail; [`gains`](Self::gains) catches up and asks, in one [`State::advance`].
pub struct Chain {
    objective: Arc<dyn Objective>,
    state: Box<dyn State>,
    items: Vec<Item>,
    /// How many of `items` the state holds.
    known: usize,
}

impl Chain {
    /// The chain that holds `items`, in this order.
    pub fn new(objective: &Arc<dyn Objective>, items: &[Item]) -> Self {
        Self {
            objective: objective.clone(),
            state: objective.clone().state(),
            items: items.to_vec(),
            known: 0,
        }
    }

    /// An independent copy.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            objective: self.objective.clone(),
            state: self.state.fork(),
            items: self.items.clone(),
            known: self.known,
        }
    }

    /// What was pushed, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Grows the set.
    pub fn push(&mut self, e: Item) {
        self.items.push(e);
    }

    /// The state as of the last call that succeeded.
    pub fn state(&self) -> &dyn State {
        &*self.state
    }

    /// `f(S + e) - f(S)` for every `e` of `ask`; counted as evaluations.
    ///
    /// # Errors
    /// [`Halt`]; the chain has not changed then.
    pub fn gains(&mut self, ask: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let mut out = vec![0.0; ask.len()];
        self.state.advance(&self.items[self.known..], ask, &mut out, ctl)?;
        self.known = self.items.len();
        ctl.count(ask.len());
        Ok(out)
    }

    /// Lowers `out` to cheap upper bounds on gains, where the state has any and knows all of the set.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn ceilings(&self, ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        if self.known < self.items.len() { Ok(()) } else { self.state.ceilings(ask, out, ctl) }
    }

    /// Pushes `items` one after the other and gives each one's gain. Questions of all of them come in one round.
    ///
    /// # Errors
    /// [`Halt`]; the chain has grown then, and is to be dropped.
    pub fn walk(&mut self, items: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let mut gains = Ok(vec![]);
        for &e in items {
            let gain = self.gains(&[e], ctl);
            self.push(e);
            gains = both(gains, gain).map(|(mut gains, gain)| {
                gains.extend(gain);
                gains
            });
        }
        gains
    }

    /// Shrinks the set. Where the objective cannot drop items, its state is made anew from those that stay.
    ///
    /// # Errors
    /// [`Halt`]; the chain has not changed then.
    pub fn drop_item(&mut self, e: Item, ctl: &Ctl) -> Result<(), Halt> {
        let Some(at) = self.items.iter().position(|&item| item == e) else { return Ok(()) };
        self.gains(&[], ctl)?;
        let mut rest = self.items.clone();
        rest.remove(at);
        match self.state.retreat(&[e], &[], &mut [], ctl) {
            Err(Halt::Failed(Error::Unsupported(_))) => *self = self.anew(&rest, ctl)?,
            other => {
                other?;
                (self.known, self.items) = (rest.len(), rest);
            }
        }
        Ok(())
    }

    /// `f(S) - f(S - e)` for every `e` of `ask`, all in S; counted as evaluations. Where the objective cannot drop
    /// items, O(|S|) of its work for each.
    ///
    /// # Errors
    /// [`Halt`]; the chain has not changed then.
    pub fn losses(&mut self, ask: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let whole = self.value(ctl)?;
        let mut out = vec![0.0; ask.len()];
        match self.state.retreat(&[], ask, &mut out, ctl) {
            Err(Halt::Failed(Error::Unsupported(_))) => {
                // Questions of all of them come in one round.
                let mut values = Ok(vec![]);
                for &e in ask {
                    let rest: Vec<Item> = self.items.iter().copied().filter(|&item| item != e).collect();
                    let value = self.anew(&rest, ctl).map(|chain| whole - chain.state.value());
                    values = both(values, value).map(|(mut values, value)| {
                        values.push(value);
                        values
                    });
                }
                out = values?;
            }
            other => other?,
        }
        ctl.count(ask.len());
        Ok(out)
    }

    fn anew(&self, items: &[Item], ctl: &Ctl) -> Result<Self, Halt> {
        let mut chain = Self::new(&self.objective, items);
        chain.gains(&[], ctl)?;
        Ok(chain)
    }

    /// f of everything pushed.
    ///
    /// # Errors
    /// [`Halt`]; the chain has not changed then.
    pub fn value(&mut self, ctl: &Ctl) -> Result<f64, Halt> {
        self.gains(&[], ctl).map(|_| self.state.value())
    }
}
