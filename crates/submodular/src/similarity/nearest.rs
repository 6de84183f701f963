//! Of each vector the nearest of a few others, by the squared Euclidean distance of the rows as they are packed.

use super::Points;
use super::gap::{ROWS, columns};
use crate::tile::{Epilogue, Identity, Packed, Sweep, Transform};
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

/// For each row the smallest number that was handed over and its candidate, ties to the lowest candidate.
struct Smallest<'a> {
    cols: &'a [Item],
    first: usize,
    found: Vec<(Item, f32)>,
}

impl Epilogue for Smallest<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let item = self.cols[col];
        for (found, &s) in self.found[row - self.first..].iter_mut().zip(s) {
            if s < found.1 || (s == found.1 && item < found.0) {
                *found = (item, s);
            }
        }
    }
}

impl Points {
    /// Vectors of the same space, row by row and as they are: what is normalised here stays, what is not is not.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the system refuses the memory.
    pub(crate) fn beside(&self, rows: &[f32]) -> Result<Self, Error> {
        let dim = self.dim();
        let mut packed = Packed::zeroed(self.kernel(), rows.len() / dim, dim)?;
        for (row, vector) in rows.chunks_exact(dim).enumerate() {
            packed.write(row, vector.iter().copied());
        }
        Ok(Self { packed, ..*self })
    }

    /// Of every vector the nearest of `others`, ties to the lowest, and their squared distance. O(rows others dim) in the
    /// current rayon pool.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub(crate) fn nearest(&self, others: &Self, ctl: &Ctl) -> Result<Vec<(Item, f32)>, Halt> {
        let cols: Vec<Item> = (0..).take(others.len()).collect();
        let blocks = (0..self.len()).into_par_iter().step_by(ROWS);
        let found: Vec<Vec<(Item, f32)>> = blocks
            .map(|first| self.nearest_of(first..self.len().min(first + ROWS), others, &cols, ctl))
            .collect::<Result<_, Halt>>()?;
        Ok(found.concat())
    }

    /// The same of the vectors of `range` and some of the others, ascending.
    pub(crate) fn nearest_of(
        &self,
        range: Range<usize>,
        others: &Self,
        cols: &[Item],
        ctl: &Ctl,
    ) -> Result<Vec<(Item, f32)>, Halt> {
        let mut found = vec![(Item::MAX, f32::INFINITY); range.len()];
        for cols in cols.chunks(columns(self.dim())) {
            ctl.tick((range.len() * cols.len()) as u64)?;
            let mut smallest = Smallest { cols, first: range.start, found };
            self.kernel().run(Sweep {
                rows: &self.packed,
                items: &others.packed,
                ones: &Identity::Apart,
                transform: Transform::Squared,
                range: range.clone(),
                cols,
                epilogue: &mut smallest,
            });
            found = smallest.found;
        }
        Ok(found)
    }
}
