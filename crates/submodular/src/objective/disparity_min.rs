//! Smallest distance: `f(S) = min over pairs of S of d_ij`, 0 for fewer than two items.
//!
//! Neither monotone nor submodular. Farthest-first (Gonzalez 1985; Ravi, Rosenkrantz, Tayi 1994), which adds the item
//! farthest from those chosen, is a 1/2 approximation for a metric. A gain costs O(1), a pick O(n) distances; the state
//! is 4 bytes an item.

use super::columns;
use super::{Dispersion, Objective, Properties, State, Triangle};
use crate::similarity::{Any, Similarity};
use crate::tile::Epilogue;
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::sync::Arc;

/// The set function over a square matrix of distances.
pub struct DisparityMin<S> {
    distance: S,
    triangle: Triangle,
}

impl<S: Similarity> DisparityMin<S> {
    /// Over symmetric distances, all at least 0.
    ///
    /// # Errors
    /// [`Error::Shape`] where it is not square.
    pub fn new(distance: S, triangle: Triangle) -> Result<Self, Error> {
        columns::refuse_lopsided(&distance)?;
        Ok(Self { distance, triangle })
    }
}

/// What always holds.
pub fn properties(triangle: Triangle) -> Properties {
    Properties {
        normalised: true,
        nonnegative: true,
        restricts_exactly: true,
        dispersion: Some(Dispersion::Min(triangle)),
        ..Properties::default()
    }
}

/// Not generic; see [`facility_location`](super::facility_location::facility_location).
///
/// # Errors
/// As [`DisparityMin::new`].
pub fn disparity_min(distance: Any, triangle: Triangle) -> Result<Arc<dyn Objective>, Error> {
    Ok(Arc::new(DisparityMin::new(distance, triangle)?))
}

/// The pair of `allowed` items that lie farthest apart, the first such in order: another start than the lowest item.
/// None for fewer than two items. O(n^2) distances.
///
/// # Errors
/// [`Halt`] when stopped.
pub fn farthest_pair<S: Similarity>(
    distance: &S,
    allowed: &[Item],
    ctl: &Ctl,
) -> Result<Option<[Item; 2]>, Halt> {
    let mut open = vec![false; distance.items()];
    allowed.iter().for_each(|&e| open[e as usize] = true);
    let chunk = |cols: &[Item]| -> Result<Option<Far>, Halt> {
        let mut far = None;
        for from in (0..distance.rows()).step_by(1024) {
            let rows = from..distance.rows().min(from + 1024);
            ctl.tick((rows.len() * cols.len()) as u64)?;
            distance.sweep(rows, cols, &mut Farthest { open: &open, cols, far: &mut far });
        }
        Ok(far)
    };
    let far: Vec<_> = allowed.par_chunks(256).map(chunk).collect::<Result<_, Halt>>()?;
    let best = far.into_iter().flatten().max_by(|a, b| a.order(b));
    Ok(best.map(|far| [far.row, far.item]))
}

/// A pair and its distance, the row before the item.
#[derive(Clone, Copy)]
struct Far {
    distance: f32,
    row: Item,
    item: Item,
}

impl Far {
    /// Farther is greater; of equals, the first pair.
    fn order(&self, other: &Self) -> Ordering {
        let pair = |far: &Self| (far.row, far.item);
        self.distance.total_cmp(&other.distance).then(pair(other).cmp(&pair(self)))
    }
}

struct Farthest<'a> {
    open: &'a [bool],
    cols: &'a [Item],
    far: &'a mut Option<Far>,
}

impl Epilogue for Farthest<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let item = self.cols[col];
        let least = self.far.map_or(f32::NEG_INFINITY, |far| far.distance);
        for (row, &distance) in (row..item as usize).zip(s) {
            if distance >= least && self.open[row] {
                let found = Far { distance, row: row as Item, item };
                if self.far.is_none_or(|far| found.order(&far).is_gt()) {
                    *self.far = Some(found);
                }
            }
        }
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
        properties(self.triangle)
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
        Ok(Arc::new(Self { distance: self.distance.restrict(items), triangle: self.triangle }))
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
