//! Similarities computed once and kept: rows x items numbers of 4 bytes, candidate by candidate.

use super::{Blocked, Epilogue, Similarity};
use crate::tile::{Aligned, Kernel, Simd, Store, Task, transpose};
use crate::{Ctl, Error, Halt, Item, both};
use rayon::prelude::*;
use std::ops::Range;

/// Floats in a cache line: every candidate's rows begin on one.
pub(super) const LINE: usize = 16;
/// Candidates, and where symmetry is used rows, of one block of work.
const BLOCK: usize = 512;
/// Rows handed over at once: with their cover and weights they stay in the innermost cache.
const RUN: usize = 8192;

/// A dense matrix of similarities, with the bits that [`Blocked`] computes.
#[derive(Debug)]
pub struct Stored {
    pub(super) values: Aligned,
    kernel: Kernel,
    pub(super) rows: usize,
    pub(super) items: usize,
    pub(super) stride: usize,
    same: bool,
    pub(super) symmetric: bool,
}

impl Stored {
    pub(super) fn zeroed(kernel: Kernel, rows: usize, items: usize, same: bool) -> Result<Self, Error> {
        let stride = stride(rows);
        let values = Aligned::zeroed(stride.saturating_mul(items))?;
        Ok(Self { values, kernel, rows, items, stride, same, symmetric: same })
    }

    /// Computes all similarities in the current rayon pool. Where the items represent themselves, one triangle is
    /// computed and turned over.
    ///
    /// # Errors
    /// [`Halt`] when stopped, or when the system refuses the memory.
    pub fn compute(blocked: &Blocked, ctl: &Ctl) -> Result<Self, Halt> {
        let (rows, items) = (blocked.rows(), blocked.items());
        let kernel = blocked.points().kernel();
        let mut stored = Self::zeroed(kernel, rows, items, blocked.is_square())?;
        let fill = Fill { blocked, ctl, stride: stored.stride };
        if stored.same {
            fill.triangle(0, &mut stored.values)?;
        } else {
            fill.rectangle(&mut stored.values)?;
        }
        Ok(stored)
    }

    /// The similarities of all rows to one item.
    pub fn column(&self, item: Item) -> &[f32] {
        &self.values[item as usize * self.stride..][..self.rows]
    }

    /// The similarities of these rows and items, which are no longer the same points.
    #[must_use]
    pub fn part(&self, rows: &[Item], items: &[Item]) -> Self {
        let stride = stride(rows.len());
        let mut values = Aligned::zeroed_or_abort(stride * items.len());
        for (to, &item) in values.chunks_exact_mut(stride.max(1)).zip(items) {
            let from = self.column(item);
            to.iter_mut().zip(rows).for_each(|(to, &row)| *to = from[row as usize]);
        }
        let (rows, items) = (rows.len(), items.len());
        Self { values, kernel: self.kernel, rows, items, stride, same: false, symmetric: false }
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        size_of_val::<[f32]>(&self.values) as u64
    }

    /// Whether the items represent themselves.
    pub fn is_square(&self) -> bool {
        self.same
    }
}

/// Rows of a candidate in memory. Never a multiple of 4 KiB: the same row of neighbouring candidates would then share
/// one set of the cache, and turning blocks over would thrash it.
pub(super) fn stride(rows: usize) -> usize {
    let stride = rows.saturating_add(LINE - 1) / LINE * LINE;
    if stride.is_multiple_of(64 * LINE) { stride + LINE } else { stride }
}

/// The state of [`Stored::compute`]. A block is a slice of whole candidates, so that blocks are disjoint borrows.
struct Fill<'a> {
    blocked: &'a Blocked,
    ctl: &'a Ctl,
    stride: usize,
}

impl Fill<'_> {
    fn count(&self, block: &[f32]) -> usize {
        block.len() / self.stride
    }

    /// Similarities of `rows` and the candidates of `block`, the first of which is `first`.
    fn block(&self, rows: Range<usize>, first: usize, block: &mut [f32]) -> Result<(), Halt> {
        let cols: Vec<Item> = (first..first + self.count(block)).map(|item| item as Item).collect();
        self.ctl.tick(rows.len() as u64 * cols.len() as u64)?;
        let start = rows.start;
        self.blocked.sweep(rows, &cols, &mut Store::new(&mut block[start..], start, self.stride));
        Ok(())
    }

    fn rectangle(&self, all: &mut [f32]) -> Result<(), Halt> {
        let rows = self.blocked.rows();
        all.par_chunks_mut(64 * self.stride.max(1)).enumerate().try_for_each(|(index, block)| {
            let mut from = 0;
            while from < rows {
                let to = rows.min(from + 8 * BLOCK);
                self.block(from..to, index * 64, block)?;
                from = to;
            }
            Ok(())
        })
    }

    /// All pairs of the candidates `first..` in `block`: two halves, and the pairs between them.
    fn triangle(&self, first: usize, block: &mut [f32]) -> Result<(), Halt> {
        let n = self.count(block);
        if n <= BLOCK {
            return self.block(first..first + n, first, block);
        }
        let half = halve(n);
        let (low, high) = block.split_at_mut(half * self.stride);
        let (a, b) = rayon::join(|| self.triangle(first, low), || self.triangle(first + half, high));
        both(a, b)?;
        let (low, high) = block.split_at_mut(half * self.stride);
        self.mirror(first, low, first + half, high)
    }

    /// The pairs between two slices of candidates: computed in `high`, turned over into `low`.
    fn mirror(
        &self,
        low_first: usize,
        low: &mut [f32],
        high_first: usize,
        high: &mut [f32],
    ) -> Result<(), Halt> {
        let (rows, cols) = (self.count(low), self.count(high));
        // One side was a single block already when the other was halved.
        if rows == 0 || cols == 0 {
            return Ok(());
        }
        if rows <= BLOCK && cols <= BLOCK {
            self.block(low_first..low_first + rows, high_first, high)?;
            transpose((&high[low_first..], self.stride), (&mut low[high_first..], self.stride), cols, rows);
            return Ok(());
        }
        let (x, y) = (halve(rows), halve(cols));
        let (low_a, low_b) = low.split_at_mut(x * self.stride);
        let (high_a, high_b) = high.split_at_mut(y * self.stride);
        let (low_c, high_c) = (low_first + x, high_first + y);
        let (a, b) = rayon::join(
            || self.mirror(low_first, low_a, high_first, high_a),
            || self.mirror(low_c, low_b, high_c, high_b),
        );
        both(a, b)?;
        let (a, b) = rayon::join(
            || self.mirror(low_first, low_a, high_c, high_b),
            || self.mirror(low_c, low_b, high_first, high_a),
        );
        both(a, b)?;
        Ok(())
    }
}

/// Half of `n`, in whole blocks where there are several.
fn halve(n: usize) -> usize {
    if n <= BLOCK { n } else { (n / 2).next_multiple_of(BLOCK).min(n) }
}

impl Similarity for Stored {
    fn rows(&self) -> usize {
        self.rows
    }

    fn items(&self) -> usize {
        self.items
    }

    fn square(&self) -> bool {
        self.is_square()
    }

    fn symmetric(&self) -> bool {
        self.symmetric
    }

    fn is_stored(&self) -> bool {
        true
    }

    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E) {
        self.kernel.run(Read { stored: self, rows, cols, epilogue });
    }

    fn restrict(&self, items: &[Item]) -> Self {
        if self.same {
            let symmetric = self.symmetric;
            return Self { same: true, symmetric, ..self.part(items, items) };
        }
        let all: Vec<Item> = (0..self.rows as Item).collect();
        self.part(&all, items)
    }
}

/// A sweep over stored numbers, compiled with the kernel's vector instructions.
struct Read<'a, E> {
    stored: &'a Stored,
    rows: Range<usize>,
    cols: &'a [Item],
    epilogue: &'a mut E,
}

impl<E: Epilogue> Task for Read<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, _simd: S) {
        let mut from = self.rows.start;
        while from < self.rows.end {
            let to = self.rows.end.min((from / RUN + 1) * RUN);
            for (col, &item) in self.cols.iter().enumerate() {
                self.epilogue.tile(from, col, &self.stored.column(item)[from..to]);
            }
            from = to;
        }
    }
}
