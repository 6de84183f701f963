//! Contraction: `g(S) = f(S ∪ A) - f(A)`, what S adds beside items A that are owned already.
//!
//! The owned items keep their coverage, cost nothing and are in no answer: a budget, quotas and k count S alone, and a
//! certificate bounds what can be gained beside A. A contraction of a monotone or submodular function is one (Fujishige
//! 2005), and g(empty) = 0 whatever f is, so searches keep their factors on g.

use super::{Objective, Properties, State};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// The set function beside owned items, over the same ground set. An owned item adds nothing; leave it out of the
/// candidates, or it may be chosen where nothing else gains.
pub struct Contraction {
    f: Arc<dyn Objective>,
    owned: Vec<Item>,
    /// Whether an item of the ground set is owned.
    is_owned: Vec<bool>,
}

/// What is known of the contraction of a function of which so much is known.
pub fn properties(f: Properties) -> Properties {
    // Distances to owned items count too: the function is no sum or minimum of distances within S.
    Properties { normalised: true, nonnegative: f.monotone, dispersion: None, ..f }
}

/// Bytes beside those of the function.
pub fn memory(n: usize, owned: usize) -> u64 {
    (owned * size_of::<Item>() + n) as u64
}

impl Contraction {
    /// # Errors
    /// [`Error::UnknownItem`]; [`Error::Parameter`] for an item that is named twice.
    pub fn new(f: Arc<dyn Objective>, owned: &[Item]) -> Result<Self, Error> {
        let mut is_owned = vec![false; f.len()];
        for &item in owned {
            let len = is_owned.len();
            let seen = is_owned.get_mut(item as usize).ok_or(Error::UnknownItem { item, len })?;
            if std::mem::replace(seen, true) {
                let reason = format!("item {item} is named twice");
                return Err(Error::Parameter { name: "owned", reason });
            }
        }
        Ok(Self { f, owned: owned.to_vec(), is_owned })
    }

    fn is_owned(&self, e: Item) -> bool {
        self.is_owned[e as usize]
    }
}

impl Objective for Contraction {
    fn len(&self) -> usize {
        self.is_owned.len()
    }

    fn properties(&self) -> Properties {
        properties(self.f.properties())
    }

    fn memory(&self, k: usize) -> u64 {
        let items = memory(self.is_owned.len(), self.owned.len());
        self.f.memory(k.saturating_add(self.owned.len())).saturating_add(items)
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        let state = self.f.clone().state();
        Box::new(Beside { state, base: None, f: self })
    }

    /// Owned items join a part that does not hold them, after its own, so that their coverage reaches it.
    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let mut local = vec![None; self.is_owned.len()];
        (0..).zip(items).for_each(|(new, &old): (Item, _)| local[old as usize] = Some(new));
        let away = self.owned.iter().copied().filter(|&e| local[e as usize].is_none());
        let rows: Vec<Item> = items.iter().copied().chain(away).collect();
        let mut next = (items.len() as Item)..;
        let owned = self.owned.iter().filter_map(|&e| local[e as usize].or_else(|| next.next())).collect();
        let is_owned = items.iter().map(|&e| self.is_owned(e)).collect();
        let f = self.f.clone().restrict(&rows)?;
        Ok(Arc::new(Self { f, owned, is_owned }))
    }
}

struct Beside {
    f: Arc<Contraction>,
    /// Of f, at A and S once `base` is known, at the empty set before.
    state: Box<dyn State>,
    /// f(A).
    base: Option<f64>,
}

impl Beside {
    /// Takes up the owned items. S is what it was, whether or not a later call succeeds.
    fn own(&mut self, ctl: &Ctl) -> Result<(), Halt> {
        if self.base.is_none() {
            self.state.advance(&self.f.owned, &[], &mut [], ctl)?;
            let base = self.state.value();
            if !base.is_finite() {
                let reason = format!(
                    "the items that are owned have no finite value together: it is {base}, as where they depend on each \
                     other and the objective needs them not to. Own fewer of them, or give log_det a ridge"
                );
                return Err(Error::Parameter { name: "discount_jobs", reason }.into());
            }
            self.base = Some(base);
        }
        Ok(())
    }

    fn others(&self, items: &[Item]) -> Vec<Item> {
        items.iter().copied().filter(|&e| !self.f.is_owned(e)).collect()
    }

    /// `numbers` of those of `ask` that are not owned; `own` of the others.
    fn spread(&self, numbers: &[f64], ask: &[Item], own: f64, out: &mut [f64]) {
        let mut numbers = numbers.iter();
        for (out, &e) in out.iter_mut().zip(ask) {
            *out = if self.f.is_owned(e) { own } else { numbers.next().copied().unwrap_or(own) };
        }
    }
}

impl State for Beside {
    fn value(&self) -> f64 {
        self.base.map_or(0.0, |base| self.state.value() - base)
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.own(ctl)?;
        let (add, others) = (self.others(add), self.others(ask));
        let mut gains = vec![0.0; others.len()];
        self.state.advance(&add, &others, &mut gains, ctl)?;
        self.spread(&gains, ask, 0.0, out);
        Ok(())
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        self.own(ctl)?;
        let (drop, others) = (self.others(drop), self.others(ask));
        let mut losses = vec![0.0; others.len()];
        self.state.retreat(&drop, &others, &mut losses, ctl)?;
        self.spread(&losses, ask, 0.0, out);
        Ok(())
    }

    fn has_ceilings(&self) -> bool {
        self.state.has_ceilings()
    }

    fn ceilings(&self, ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        // Before the owned items are taken up, what the state knows is of another set.
        if self.base.is_none() {
            return Ok(());
        }
        let kept = ask.iter().zip(out.iter()).filter(|(e, _)| !self.f.is_owned(**e));
        let mut bounds: Vec<f64> = kept.map(|(_, &bound)| bound).collect();
        self.state.ceilings(&self.others(ask), &mut bounds, ctl)?;
        self.spread(&bounds, ask, 0.0, out);
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Beside { f: self.f.clone(), state: self.state.fork(), base: self.base })
    }
}
