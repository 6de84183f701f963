//! Exact graphs of nearest neighbours: of every row its most similar items, as a sparse similarity.

use super::gap::{ROWS, columns};
use super::sparse::Entry;
use super::{Blocked, Similarity, Sparse};
use crate::tile::TopM;
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

impl Sparse {
    /// Of every row of `dense` the `m` items of highest similarity besides itself, ties to the lowest item, and itself
    /// where it is an item. `symmetrise`: a pair is kept if either of the two is a neighbour of the other; of items that
    /// represent themselves only. O(rows items dim) in the current rayon pool; see [`plan::neighbors`](super::plan::neighbors)
    /// for the memory.
    ///
    /// # Errors
    /// [`Halt`] when stopped; [`Error::Parameter`] for `m` of 0; [`Error::Shape`] where what is to be symmetrised is not
    /// square.
    pub fn neighbors(dense: &Blocked, m: usize, symmetrise: bool, ctl: &Ctl) -> Result<Self, Halt> {
        if m == 0 {
            let reason = "m is 0; expected at least 1 neighbour".to_owned();
            return Err(Error::Parameter { name: "neighbors", reason }.into());
        }
        let (rows, items, same) = (dense.rows(), dense.items(), dense.is_square());
        if symmetrise && !same {
            return Err(Error::Shape { what: "represented rows", expected: items, found: rows }.into());
        }
        let search = Search { dense, all: (0..items as Item).collect(), m, own: dense.own_items() };
        let blocks = (0..rows).into_par_iter().step_by(ROWS);
        let lists: Vec<Vec<Entry>> = blocks
            .map(|first| search.block(first..rows.min(first + ROWS), ctl))
            .collect::<Result<_, Halt>>()?;
        let directed = || lists.iter().flatten().copied();
        let mirrored = || directed().flat_map(|(row, item, s)| [(row, item, s), (item, row, s)]);
        Ok(match symmetrise {
            false => Self::merged(rows, items, same, directed),
            true => Self::merged(rows, items, same, mirrored),
        })
    }
}

struct Search<'a> {
    dense: &'a Blocked,
    all: Vec<Item>,
    m: usize,
    /// Which item each row is.
    own: Vec<Option<Item>>,
}

impl Search<'_> {
    /// The entries of a block of rows, row by row.
    fn block(&self, rows: Range<usize>, ctl: &Ctl) -> Result<Vec<Entry>, Halt> {
        // One more than wanted, since the row itself may be among the best.
        let most = self.m.saturating_add(1).min(self.all.len());
        let mut top = TopM::new(rows.clone(), &[], most);
        for cols in self.all.chunks(columns(self.dense.points().dim())) {
            ctl.tick((rows.len() * cols.len()) as u64)?;
            top = top.then(cols);
            self.dense.sweep(rows.clone(), cols, &mut top);
        }
        let mut entries = Vec::with_capacity(rows.len() * most);
        for row in rows {
            let own = self.own[row];
            let others = top.best(row).filter(|(item, _)| Some(*item) != own).take(self.m);
            entries.extend(others.map(|(item, s)| (row as u32, item, s)));
            entries.extend(own.map(|item| (row as u32, item, self.dense.pair(row, item))));
        }
        Ok(entries)
    }
}
