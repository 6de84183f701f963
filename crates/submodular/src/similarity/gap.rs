//! The largest squared distance of all pairs, which the metric `euclidean_gap` subtracts from.

use super::Points;
use crate::tile::{Epilogue, Identity, Sweep, Transform};
use crate::{Ctl, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of one task.
pub(super) const ROWS: usize = 256;

/// Columns of one sweep over [`ROWS`] rows of so many coordinates: a few tens of milliseconds at most.
pub(super) fn columns(dim: usize) -> usize {
    ((1 << 27) / ROWS / dim.max(1)).clamp(64, 4096)
}

/// The largest number that was handed over.
struct Largest(f32);

impl Epilogue for Largest {
    #[inline(always)]
    fn tile(&mut self, _row: usize, _col: usize, s: &[f32]) {
        self.0 = s.iter().fold(self.0, |most, &s| if s > most { s } else { most });
    }
}

impl Points {
    /// The points, with the largest squared distance of all pairs where the metric is
    /// [`EuclideanGap`](super::Metric::EuclideanGap), O(n^2 dim) in the current rayon pool; else as they are.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn with_gap(self, ctl: &Ctl) -> Result<Self, Halt> {
        let Transform::Gap { .. } = self.transform else { return Ok(self) };
        let blocks = (0..self.len()).into_par_iter().step_by(ROWS);
        let largest = blocks.map(|first| self.largest_square(first..self.len().min(first + ROWS), ctl));
        let max = largest.try_reduce(|| 0.0, |a, b| Ok(f32::max(a, b)))?;
        let Self { measure, packed, .. } = self;
        Ok(Self { measure, transform: Transform::Gap { max }, packed })
    }

    /// The largest squared distance of a row of `range` and a point that is not before it.
    fn largest_square(&self, range: Range<usize>, ctl: &Ctl) -> Result<f32, Halt> {
        let later: Vec<Item> = (range.start as Item..self.len() as Item).collect();
        let mut largest = Largest(0.0);
        for cols in later.chunks(columns(self.dim())) {
            ctl.tick((range.len() * cols.len()) as u64)?;
            self.kernel().run(Sweep {
                rows: &self.packed,
                items: &self.packed,
                ones: &Identity::Apart,
                transform: Transform::Squared,
                range: range.clone(),
                cols,
                epilogue: &mut largest,
            });
        }
        Ok(largest.0)
    }

    /// Panics where similarities are asked for that nobody has made ready.
    pub(super) fn assert_gap(&self) {
        if let Transform::Gap { max } = self.transform {
            assert!(!max.is_nan(), "points of euclidean_gap without their gap: call with_gap");
        }
    }
}
