//! Chosen items keep a least distance from each other. Such sets are no matroid: a search may end with fewer items than
//! it was asked for, when every other item is too close to one that was chosen.

use super::{Constraint, Feasible, Infeasible, Owed, Shape};
use crate::similarity::Similarity;
use crate::tile::{Epilogue, Store};
use crate::{Error, Item};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows of one task.
const ROWS: usize = 4096;
/// In place of the item that closes another.
const OPEN: Item = Item::MAX;

/// Any two chosen items are at least `least` apart, and `inner` holds.
pub struct MinDistance<S> {
    inner: Arc<dyn Constraint>,
    distance: Arc<S>,
    /// In the precision of the distances, so that a distance of 0.7 is not less than 0.7.
    least: f32,
}

impl<S: Similarity> MinDistance<S> {
    /// `distance` holds the distance of every two items, at least 0.
    ///
    /// # Errors
    /// [`Error::Shape`] where it is not square, [`Error::Parameter`] where it is not symmetric, and unless `least` is
    /// finite and at least 0.
    pub fn new(inner: Arc<dyn Constraint>, distance: Arc<S>, least: f64) -> Result<Self, Error> {
        if !distance.square() {
            let (expected, found) = (distance.items(), distance.rows());
            return Err(Error::Shape { what: "rows of distances", expected, found });
        }
        if !distance.symmetric() {
            let reason = "the distance of two items must be the same in both directions".into();
            return Err(Error::Parameter { name: "min_distance", reason });
        }
        if !(least.is_finite() && least >= 0.0) {
            let reason = format!("{least} is not a finite number of at least 0");
            return Err(Error::Parameter { name: "min_distance", reason });
        }
        Ok(Self { inner, distance, least: least as f32 })
    }
}

impl<S: Similarity> Constraint for MinDistance<S> {
    fn shape(&self) -> Shape {
        Shape { matroid: false, min_distance: true, ..self.inner.shape() }
    }

    /// Refuses only what the inner rule refuses.
    fn start(&self, allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        let Self { distance, least, .. } = self;
        let closed = vec![OPEN; distance.items()];
        Ok(Box::new(Apart {
            inner: self.inner.start(allowed)?,
            distance: distance.clone(),
            least: *least,
            closed,
        }))
    }

    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        let (inner, distance) = (self.inner.restrict(items), self.distance.restrict(items));
        Arc::new(Self { inner, distance, least: self.least })
    }

    /// That of the inner rule.
    fn bound(&self, base: &[Item], gains: &mut Vec<(f64, Item)>) -> f64 {
        self.inner.bound(base, gains)
    }
}

/// One run's closed items.
struct Apart<S> {
    inner: Box<dyn Feasible>,
    distance: Arc<S>,
    least: f32,
    /// For each item the first chosen one that is too close to it.
    closed: Vec<Item>,
}

impl<S> Apart<S> {
    fn closed_by(&self, e: Item) -> Option<Item> {
        self.closed.get(e as usize).copied().filter(|&by| by != OPEN)
    }
}

/// Closes the rows that are too close to an item.
struct Close<'a> {
    closed: &'a mut [Item],
    first: usize,
    by: Item,
    least: f32,
}

impl Epilogue for Close<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, d: &[f32]) {
        for (closed, &d) in self.closed[row - self.first..].iter_mut().zip(d) {
            *closed = if d < self.least && *closed == OPEN { self.by } else { *closed };
        }
    }
}

impl<S: Similarity> Feasible for Apart<S> {
    fn may_add(&self, e: Item) -> bool {
        self.closed_by(e).is_none() && self.inner.may_add(e)
    }
    fn why_not(&self, e: Item) -> Infeasible {
        let Some(other) = self.closed_by(e) else { return self.inner.why_not(e) };
        let (mut distance, row) = ([0.0], e as usize);
        self.distance.sweep(row..row + 1, &[other], &mut Store::new(&mut distance, row, 1));
        let [distance] = distance.map(f64::from);
        Infeasible::Distance { item: e, other, distance, least: f64::from(self.least) }
    }
    fn may_discard(&self, e: Item) -> bool {
        self.inner.may_discard(e)
    }
    fn add(&mut self, e: Item) {
        self.inner.add(e);
        let (distance, least) = (&self.distance, self.least);
        self.closed.par_chunks_mut(ROWS).enumerate().for_each(|(chunk, closed)| {
            let first = chunk * ROWS;
            let rows = first..first + closed.len();
            distance.sweep(rows, &[e], &mut Close { closed, first, by: e, least });
        });
    }
    fn discard(&mut self, e: Item) {
        self.inner.discard(e);
    }
    fn done(&self) -> bool {
        self.inner.done()
    }
    fn price(&self, e: Item) -> f64 {
        self.inner.price(e)
    }
    fn owes(&self) -> bool {
        self.inner.owes()
    }
    fn owed(&self, costs: &[f64]) -> Owed {
        self.inner.owed(costs)
    }
}
