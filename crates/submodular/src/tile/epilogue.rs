//! What objectives do with similarities while they are in cache.
//!
//! Sums over rows are kept in [`Lanes`]: their bits depend on the rows summed, not on how the runs were cut.

use super::Epilogue;
use crate::Item;
use std::ops::Range;

/// Partial sums in a [`Lanes`].
const LANES: usize = 16;

/// A sum over represented rows: row i goes to partial sum i % 16, so that it vectorises and has one order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lanes([f64; LANES]);

impl Lanes {
    /// Adds `term(a[t], b[t], c[t])` for each row `row + t`. All slices have the same length.
    #[inline(always)]
    pub fn add<A: Copy, B: Copy, C: Copy>(
        &mut self,
        row: usize,
        (a, b, c): (&[A], &[B], &[C]),
        term: impl Fn(A, B, C) -> f64,
    ) {
        let lane = row % LANES;
        let head = if lane == 0 && a.len() >= LANES { 0 } else { a.len().min(LANES - lane) };
        self.part(lane, (&a[..head], &b[..head], &c[..head]), &term);
        // Of a sparse similarity most runs are a row or two.
        if head == a.len() {
            return;
        }
        let (a, a_tail) = a[head..].as_chunks::<LANES>();
        let (b, b_tail) = b[head..].as_chunks::<LANES>();
        let (c, c_tail) = c[head..].as_chunks::<LANES>();
        let mut sums = self.0;
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            for t in 0..LANES {
                sums[t] += term(a[t], b[t], c[t]);
            }
        }
        self.0 = sums;
        self.part(0, (a_tail, b_tail, c_tail), &term);
    }

    #[inline(always)]
    fn part<A: Copy, B: Copy, C: Copy>(
        &mut self,
        lane: usize,
        (a, b, c): (&[A], &[B], &[C]),
        term: &impl Fn(A, B, C) -> f64,
    ) {
        for (((sum, &a), &b), &c) in self.0[lane..].iter_mut().zip(a).zip(b).zip(c) {
            *sum += term(a, b, c);
        }
    }

    /// The whole sum, by a fixed tree.
    pub fn sum(&self) -> f64 {
        let mut sums = self.0;
        for half in [8, 4, 2, 1] {
            for t in 0..half {
                sums[t] += sums[t + half];
            }
        }
        sums[0]
    }
}

/// A number for each candidate of a request: a sum over the rows it was shown.
pub trait Summing: Epilogue {
    /// The sum of each candidate, in the order of the request.
    fn sums(&self) -> impl Iterator<Item = f64> + '_;
}

/// For each candidate the sum over rows of `term(s, b, c)`, where `b` and `c` are what is known of the row.
pub struct Terms<'a, B, C, F> {
    b: &'a [B],
    c: &'a [C],
    term: F,
    sums: Vec<Lanes>,
}

impl<'a, B: Copy, C: Copy, F: Fn(f32, B, C) -> f64> Terms<'a, B, C, F> {
    /// For `cols` candidates; `b` and `c` are indexed by the absolute row.
    pub fn new(b: &'a [B], c: &'a [C], cols: usize, term: F) -> Self {
        Self { b, c, term, sums: vec![Lanes::default(); cols] }
    }
}

impl<B: Copy, C: Copy, F: Fn(f32, B, C) -> f64> Epilogue for Terms<'_, B, C, F> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let (b, c) = (&self.b[row..][..s.len()], &self.c[row..][..s.len()]);
        self.sums[col].add(row, (s, b, c), &self.term);
    }
}

impl<B: Copy, C: Copy, F: Fn(f32, B, C) -> f64> Summing for Terms<'_, B, C, F> {
    fn sums(&self) -> impl Iterator<Item = f64> + '_ {
        self.sums.iter().map(Lanes::sum)
    }
}

/// What `s` adds to a row that is covered up to `cover`.
#[inline(always)]
pub fn above(s: f32, cover: f32) -> f64 {
    let gap = f64::from(s) - f64::from(cover);
    // Not f64::max, whose care for NaN costs two more instructions.
    if gap > 0.0 { gap } else { 0.0 }
}

/// Raises the cover of each row to its similarity to the candidates.
#[derive(Debug)]
pub struct Cover<'a> {
    cover: &'a mut [f32],
    first: usize,
}

impl<'a> Cover<'a> {
    /// `cover[t]` belongs to row `first_row + t`.
    pub fn new(cover: &'a mut [f32], first_row: usize) -> Self {
        Self { cover, first: first_row }
    }
}

impl Epilogue for Cover<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, s: &[f32]) {
        let cover = &mut self.cover[row - self.first..][..s.len()];
        for (cover, &s) in cover.iter_mut().zip(s) {
            *cover = if s > *cover { s } else { *cover };
        }
    }
}

/// Copies similarities into a block, candidate by candidate.
#[derive(Debug)]
pub struct Store<'a> {
    block: &'a mut [f32],
    first: usize,
    stride: usize,
}

impl<'a> Store<'a> {
    /// The similarity of row `first_row + t` and candidate `c` goes to `block[c * stride + t]`.
    pub fn new(block: &'a mut [f32], first_row: usize, stride: usize) -> Self {
        Self { block, first: first_row, stride }
    }
}

impl Epilogue for Store<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let at = col * self.stride + (row - self.first);
        self.block[at..at + s.len()].copy_from_slice(s);
    }
}

/// For each row the sum over candidates, in the order of the request.
#[derive(Debug)]
pub struct RowSums<'a> {
    sums: &'a mut [f64],
    first: usize,
}

impl<'a> RowSums<'a> {
    /// Adds to `sums[t]` for row `first_row + t`.
    pub fn new(sums: &'a mut [f64], first_row: usize) -> Self {
        Self { sums, first: first_row }
    }
}

impl Epilogue for RowSums<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, s: &[f32]) {
        let sums = &mut self.sums[row - self.first..][..s.len()];
        for (sum, &s) in sums.iter_mut().zip(s) {
            *sum += f64::from(s);
        }
    }
}

/// For each row the `m` candidates of highest similarity that were handed over, ties to the lowest item: a neighbour
/// graph.
#[derive(Debug)]
pub struct TopM<'a> {
    cols: &'a [Item],
    rows: Range<usize>,
    m: usize,
    found: Vec<u32>,
    values: Vec<f32>,
    items: Vec<Item>,
    /// What a candidate must beat, one entry a row, so that a run of losers is refused without a look at the lists.
    last: Vec<f32>,
}

impl<'a> TopM<'a> {
    /// For a block of rows and the candidates `cols` of the request. O(rows x m) memory.
    pub fn new(rows: Range<usize>, cols: &'a [Item], m: usize) -> Self {
        let n = rows.len();
        let open = if m == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self {
            cols,
            rows,
            m,
            found: vec![0; n],
            values: vec![0.0; n * m],
            items: vec![0; n * m],
            last: vec![open; n],
        }
    }

    /// The candidates of the next request; what was found so far stays.
    #[must_use]
    pub fn then(self, cols: &'a [Item]) -> Self {
        Self { cols, ..self }
    }

    /// The best candidates of an absolute row and their similarities, best first.
    pub fn best(&self, row: usize) -> impl Iterator<Item = (Item, f32)> + '_ {
        let at = row - self.rows.start;
        let list = at * self.m..at * self.m + self.found[at] as usize;
        self.items[list.clone()].iter().copied().zip(self.values[list].iter().copied())
    }

    fn offer(&mut self, at: usize, item: Item, s: f32) {
        let mut end = self.found[at] as usize;
        let values = &mut self.values[at * self.m..][..self.m];
        let items = &mut self.items[at * self.m..][..self.m];
        let better = |other: f32, id: Item| s > other || (s == other && item < id);
        if end == self.m {
            if !better(values[end - 1], items[end - 1]) {
                return;
            }
            end -= 1;
        }
        let mut to = end;
        while to > 0 && better(values[to - 1], items[to - 1]) {
            to -= 1;
        }
        values.copy_within(to..end, to + 1);
        items.copy_within(to..end, to + 1);
        (values[to], items[to]) = (s, item);
        self.found[at] = end as u32 + 1;
        if end + 1 == self.m {
            self.last[at] = values[end];
        }
    }
}

impl Epilogue for TopM<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let (first, item) = (row - self.rows.start, self.cols[col]);
        for (index, s) in s.chunks(LANES).enumerate() {
            let at = first + index * LANES;
            let last = &self.last[at..][..s.len()];
            let hopeful = s.iter().zip(last).fold(false, |any, (s, last)| any | (s >= last));
            if hopeful {
                for (t, &s) in s.iter().enumerate() {
                    if s >= self.last[at + t] {
                        self.offer(at + t, item, s);
                    }
                }
            }
        }
    }
}
