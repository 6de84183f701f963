//! How much of the whole a set is worth alone, and what is left without it.

use crate::{Chain, Ctl, Error, Halt, Item, Objective, both};
use std::sync::Arc;

/// Values of a set, of the others and of all items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Necessity {
    /// f(S).
    pub value: f64,
    /// f(V \ S).
    pub complement: f64,
    /// f(V).
    pub whole: f64,
}

impl Necessity {
    /// Of `set`, distinct items. Three evaluations of up to all items.
    ///
    /// # Errors
    /// [`Error::UnknownItem`]; [`Error::Parameter`] for an item named twice; [`Halt`] when stopped or asked, the
    /// questions of all three in one round.
    pub fn new(f: &Arc<dyn Objective>, set: &[Item], ctl: &Ctl) -> Result<Self, Halt> {
        let mut held = vec![false; f.len()];
        for &item in set {
            let len = held.len();
            let seen = held.get_mut(item as usize).ok_or(Error::UnknownItem { item, len })?;
            if std::mem::replace(seen, true) {
                let reason = format!("item {item} is named twice");
                return Err(Error::Parameter { name: "items", reason }.into());
            }
        }
        let all: Vec<Item> = (0..).take(held.len()).collect();
        let others: Vec<Item> = all.iter().copied().filter(|&e| !held[e as usize]).collect();
        let value = |items: &[Item]| Chain::new(f, items).value(ctl);
        let ((value, complement), whole) = both(both(value(set), value(&others)), value(&all))?;
        Ok(Self { value, complement, whole })
    }

    /// f(S) / f(V): near 1, the set suffices. None where f(V) is 0.
    pub fn sufficiency(&self) -> Option<f64> {
        self.share(self.value)
    }

    /// f(V \ S) / f(V): near 1, the set is not needed. None where f(V) is 0.
    pub fn without(&self) -> Option<f64> {
        self.share(self.complement)
    }

    fn share(&self, value: f64) -> Option<f64> {
        (self.whole != 0.0).then(|| value / self.whole)
    }
}
