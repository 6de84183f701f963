//! A budget: the costs of the chosen items sum to at most that. It wraps the rule that says what else must hold, and
//! leaves room for the items that the quotas of that rule still require.

use super::{Constraint, Feasible, Infeasible, Owed, Shape};
use crate::{Error, Item};
use std::sync::Arc;

/// Sums are compared in units of the budget's power of two times 2^-50, costs rounded down to whole units. Such sums
/// are exact and the same in any order, so that quotas which can be met within the budget stay so; whole-numbered costs
/// are exact, and three items of 0.1 fit a budget of 0.3.
const UNIT: f64 = 4.0 * f64::EPSILON;

/// The costs of an answer sum to at most the budget, and `inner` holds.
pub struct Knapsack {
    inner: Arc<dyn Constraint>,
    budget: Budget,
}

#[derive(Debug, Clone)]
struct Budget {
    prices: Arc<[f64]>,
    total: f64,
    /// The same, in whole units.
    units: Arc<[f64]>,
    capacity: f64,
}

impl Budget {
    fn new(prices: Arc<[f64]>, total: f64) -> Self {
        let power_of_two = f64::from_bits(total.to_bits() & f64::INFINITY.to_bits());
        let unit = (power_of_two * UNIT).max(f64::MIN_POSITIVE);
        let units = prices.iter().map(|price| (price / unit).floor()).collect();
        Self { prices, total, units, capacity: (total / unit).floor() }
    }

    /// An item without a price cannot be had.
    fn units(&self, e: Item) -> f64 {
        self.units.get(e as usize).copied().unwrap_or(f64::INFINITY)
    }

    fn price(&self, e: Item) -> f64 {
        self.prices.get(e as usize).copied().unwrap_or(f64::INFINITY)
    }
}

impl Knapsack {
    /// Item e costs `costs[e]`. Where `inner` has a k it is an upper bound:
    /// [`Groups::up_to`](super::Groups::up_to).
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the budget and every cost are finite and at least 0.
    pub fn new(inner: Arc<dyn Constraint>, costs: Vec<f64>, budget: f64) -> Result<Self, Error> {
        let wrong = |x: f64| !(x.is_finite() && x >= 0.0);
        if wrong(budget) {
            let reason = format!("{budget} is not a finite number of at least 0");
            return Err(Error::Parameter { name: "budget", reason });
        }
        if let Some(e) = costs.iter().position(|&cost| wrong(cost)) {
            let reason = format!("the cost of item {e} is {}, not a finite number of at least 0", costs[e]);
            return Err(Error::Parameter { name: "knapsack", reason });
        }
        Ok(Self { inner, budget: Budget::new(costs.into(), budget) })
    }
}

impl Constraint for Knapsack {
    fn shape(&self) -> Shape {
        Shape { matroid: false, knapsack: true, ..self.inner.shape() }
    }

    fn start(&self, allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        let inner = self.inner.start(allowed)?;
        let budget = self.budget.clone();
        let owed = inner.owed(&budget.units);
        if owed.cost > budget.capacity {
            return Err(Infeasible::Budget {
                needed: inner.owed(&budget.prices).cost,
                available: budget.total,
            });
        }
        Ok(Box::new(Purse { inner, budget, spent: 0.0, paid: 0.0, owed }))
    }

    /// A part may hold only dear items of a group: its budget then rises to what its quotas cost at least, as bounds
    /// are clipped to what the part holds.
    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        let inner = self.inner.restrict(items);
        let prices: Arc<[f64]> = items.iter().map(|&e| self.budget.price(e)).collect();
        let all: Vec<Item> = (0..).take(items.len()).collect();
        let owed = inner.start(&all).map_or(0.0, |part| part.owed(&prices).cost);
        Arc::new(Self { inner, budget: Budget::new(prices, self.budget.total.max(owed)) })
    }

    /// The smaller of two bounds: that of the inner rule, and the fractional knapsack with all that the base leaves.
    fn bound(&self, base: &[Item], gains: &mut Vec<(f64, Item)>) -> f64 {
        let room = self.budget.capacity - base.iter().map(|&e| self.budget.units(e)).sum::<f64>();
        let inner = self.inner.bound(base, gains);
        let density = |&(gain, e): &(f64, Item)| ratio(gain, self.budget.units(e));
        gains.sort_unstable_by(|a, b| density(b).total_cmp(&density(a)));
        let (mut left, mut sum) = (room, 0.0);
        for &(gain, e) in gains.iter() {
            let units = self.budget.units(e);
            // What does not fit beside the base is in no answer.
            if gain <= 0.0 || units > room {
                continue;
            }
            if units > left {
                sum += gain * (left / units);
                break;
            }
            left -= units;
            sum += gain;
        }
        inner.min(sum)
    }
}

/// Gain for its cost: infinite for what is free and worth something.
pub(crate) fn ratio(gain: f64, cost: f64) -> f64 {
    if gain == 0.0 { 0.0 } else { gain / cost }
}

/// One run's money.
struct Purse {
    inner: Box<dyn Feasible>,
    budget: Budget,
    /// In units.
    spent: f64,
    /// As the caller counts.
    paid: f64,
    /// In units.
    owed: Owed,
}

impl Purse {
    fn renew(&mut self) {
        self.owed = self.inner.owed(&self.budget.units);
    }
}

impl Feasible for Purse {
    fn may_add(&self, e: Item) -> bool {
        self.inner.may_add(e)
            && self.spent + self.budget.units(e) + self.owed.after(e) <= self.budget.capacity
    }
    fn why_not(&self, e: Item) -> Infeasible {
        if !self.inner.may_add(e) {
            return self.inner.why_not(e);
        }
        let owed = self.inner.owed(&self.budget.prices).after(e);
        Infeasible::Budget { needed: self.paid + self.budget.price(e) + owed, available: self.budget.total }
    }
    fn may_discard(&self, e: Item) -> bool {
        if !self.inner.may_discard(e) {
            return false;
        }
        if !self.inner.owes() {
            return true;
        }
        let mut without = self.budget.units.to_vec();
        if let Some(units) = without.get_mut(e as usize) {
            *units = f64::INFINITY;
        }
        self.spent + self.inner.owed(&without).cost <= self.budget.capacity
    }
    fn add(&mut self, e: Item) {
        self.inner.add(e);
        self.spent += self.budget.units(e);
        self.paid += self.budget.price(e);
        self.renew();
    }
    fn discard(&mut self, e: Item) {
        self.inner.discard(e);
        self.renew();
    }
    fn done(&self) -> bool {
        self.inner.done()
    }
    fn price(&self, e: Item) -> f64 {
        self.budget.price(e)
    }
    fn owes(&self) -> bool {
        self.inner.owes()
    }
    fn owed(&self, costs: &[f64]) -> Owed {
        self.inner.owed(costs)
    }
}
