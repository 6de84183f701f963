//! Smallest distance: `f(S) = min over pairs of S of d_ij`, 0 for fewer than two items.
//!
//! Neither monotone nor submodular. Farthest-first (Gonzalez 1985; Ravi, Rosenkrantz, Tayi 1994), which adds the item
//! farthest from those chosen, is a 1/2 approximation for a metric. A gain costs O(1), a pick O(n) distances; the state
//! is 4 bytes an item.

use super::columns;
use super::{Objective, Properties, State};
use crate::similarity::Similarity;
use crate::tile::Epilogue;
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// The set function over a square matrix of distances.
pub struct DisparityMin<S> {
    distance: S,
}

impl<S: Similarity> DisparityMin<S> {
    /// Over `distance`, every entry of which must be at least 0.
    ///
    /// # Errors
    /// [`Error::Shape`] where it is not square.
    pub fn new(distance: S) -> Result<Self, Error> {
        if distance.square() {
            return Ok(Self { distance });
        }
        let (expected, found) = (distance.items(), distance.rows());
        Err(Error::Shape { what: "represented rows", expected, found })
    }
}

/// Bytes of the state, held twice while it changes.
pub fn memory(n: usize) -> u64 {
    n as u64 * 8
}

impl<S: Similarity> Objective for DisparityMin<S> {
    fn len(&self) -> usize {
        self.distance.items()
    }

    fn properties(&self) -> Properties {
        Properties { normalised: true, nonnegative: true, ..Properties::default() }
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.len())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Nearest {
            nearest: vec![f32::INFINITY; self.len()],
            chosen: 0,
            least: f32::INFINITY,
            f: self,
        })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        Ok(Arc::new(Self { distance: self.distance.restrict(items) }))
    }
}

struct Nearest<S> {
    f: Arc<DisparityMin<S>>,
    /// Distance of each item to the nearest chosen one.
    nearest: Vec<f32>,
    chosen: usize,
    /// The smallest distance of a pair of chosen items.
    least: f32,
}

/// Lowers each row's distance to that of the items that join.
struct Approach<'a> {
    nearest: &'a mut [f32],
    first: usize,
}

impl Epilogue for Approach<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, s: &[f32]) {
        let nearest = &mut self.nearest[row - self.first..][..s.len()];
        for (nearest, &d) in nearest.iter_mut().zip(s) {
            *nearest = if d < *nearest { d } else { *nearest };
        }
    }
}

fn finite(least: f32) -> f64 {
    if least.is_finite() { f64::from(least) } else { 0.0 }
}

impl<S: Similarity> State for Nearest<S> {
    fn value(&self) -> f64 {
        finite(self.least)
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        ctl.tick(ask.len() as u64)?;
        if !add.is_empty() {
            let (mut nearest, mut least) = (self.nearest.clone(), self.least);
            for &e in add {
                least = least.min(nearest[e as usize]);
                let approach = |nearest, first| Approach { nearest, first };
                columns::fold(&self.f.distance, &mut nearest, &[e], ctl, approach)?;
            }
            (self.nearest, self.least) = (nearest, least);
            self.chosen += add.len();
        }
        for (out, &e) in out.iter_mut().zip(ask) {
            *out = finite(self.least.min(self.nearest[e as usize])) - self.value();
        }
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        let Self { f, nearest, chosen, least } = self;
        Box::new(Self { f: f.clone(), nearest: nearest.clone(), chosen: *chosen, least: *least })
    }
}
