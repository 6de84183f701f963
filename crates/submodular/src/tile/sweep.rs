//! The blocked loop around the register kernel.
//!
//! Candidates are interleaved once per chunk that fits the outer cache. For each block of row panels and each group
//! of candidates, a tile of raw numbers is accumulated in the inner cache, a slice of coordinates at a time; it is then
//! transformed and handed over, candidate by candidate, as runs of neighbouring rows.

use super::{Aligned, Epilogue, Packed, Simd, Task, Transform};
use crate::Item;
use std::ops::Range;

/// Bytes of interleaved candidates in a chunk.
const CHUNK: usize = 1 << 18;
/// Row panels in a block.
const PANELS: usize = 8;
/// Register blocks of candidates in a group.
const GROUP: usize = 16;
/// Coordinates in a slice: a panel or a register block of candidates of this depth fits the innermost cache.
const DEPTH: usize = 256;
/// Lanes of the widest vector unit.
const MAX_LANES: usize = 16;
/// Candidates in the narrow register block, for the rest of a request.
const NARROW: usize = 4;

/// Register blocks of interleaved candidates in a chunk: whole groups, at least one.
#[inline(always)]
fn blocks_in_chunk(candidates: usize, dim: usize) -> usize {
    (CHUNK / (size_of::<f32>() * candidates).saturating_mul(dim).max(1)).max(1).next_multiple_of(GROUP)
}

/// Bytes of interleaved candidates that one thread holds at most, by the widest kernel: for deep vectors a group of
/// them is more than a chunk.
pub(crate) fn sweep_bytes(dim: usize) -> u64 {
    let widest = 14;
    (blocks_in_chunk(widest, dim) as u64 * widest as u64 * 4).saturating_mul(dim as u64)
}

/// Which rows are which items.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// No row is known to be an item.
    Apart,
    /// Row i is item i.
    Same,
    /// These (item, row) pairs, sorted.
    Pairs(Vec<(Item, u32)>),
}

impl Identity {
    /// From (item, row) pairs in any order.
    pub(crate) fn pairs(pairs: impl Iterator<Item = (Item, u32)>) -> Self {
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        Identity::Pairs(pairs)
    }

    /// The rows that are `item`, ascending.
    pub(crate) fn rows(&self, item: Item) -> impl Iterator<Item = usize> + '_ {
        let (one, pairs) = match self {
            Identity::Apart => (None, &[][..]),
            Identity::Same => (Some(item), &[][..]),
            Identity::Pairs(pairs) => (None, &pairs[pairs.partition_point(|pair| pair.0 < item)..]),
        };
        let same = pairs.iter().take_while(move |pair| pair.0 == item).map(|pair| pair.1);
        one.into_iter().chain(same).map(|row| row as usize)
    }
}

/// All similarities of a range of rows and a list of items.
pub(crate) struct Sweep<'a, E> {
    pub(crate) rows: &'a Packed,
    pub(crate) items: &'a Packed,
    /// The pairs that are exactly 1.
    pub(crate) ones: &'a Identity,
    pub(crate) transform: Transform,
    pub(crate) range: Range<usize>,
    pub(crate) cols: &'a [Item],
    pub(crate) epilogue: &'a mut E,
}

impl<E: Epilogue> Task for Sweep<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        if self.range.is_empty() || self.cols.is_empty() {
            return;
        }
        let (width, dim) = (2 * S::LANES, self.rows.dim());
        let height = PANELS * width;
        let chunk = blocks_in_chunk(N, dim) * N;
        let chunk = chunk.min(self.cols.len().next_multiple_of(N));
        let mut interleaved = Aligned::zeroed_or_abort(chunk * dim);
        let mut tile = Aligned::zeroed_or_abort(GROUP.min(chunk / N) * N * height);
        for (index, cols) in self.cols.chunks(chunk).enumerate() {
            for (cols, to) in cols.chunks(N).zip(interleaved.chunks_exact_mut(N * dim)) {
                self.items.interleave::<N>(cols, to);
            }
            let mut first = self.range.start / width;
            while first * width < self.range.end {
                let panels = first..(first + PANELS).min(self.range.end.div_ceil(width));
                for (group, cols) in cols.chunks(GROUP * N).enumerate() {
                    let blocks = &interleaved[group * GROUP * N * dim..];
                    if self.transform.of_distance() {
                        distances::<S, N>(
                            simd,
                            self.rows,
                            self.transform,
                            panels.clone(),
                            cols.len(),
                            blocks,
                            &mut tile,
                        );
                    } else {
                        products::<S, N>(simd, self.rows, panels.clone(), cols.len(), blocks, &mut tile);
                    }
                    let row = self.range.start.max(first * width);
                    let end = self.range.end.min(panels.end * width);
                    for (c, (&item, run)) in cols.iter().zip(tile.chunks_exact_mut(height)).enumerate() {
                        let run = &mut run[row - first * width..end - first * width];
                        self.transform.products(run);
                        for same in self.ones.rows(item).filter(|same| (row..end).contains(same)) {
                            run[same - row] = 1.0;
                        }
                        self.epilogue.tile(row, index * chunk + group * GROUP * N + c, run);
                    }
                }
                first = panels.end;
            }
        }
    }
}

/// Products of row panels and candidates into `tile`, `[candidate][row]`.
#[inline(always)]
fn products<S: Simd, const N: usize>(
    simd: S,
    rows: &Packed,
    panels: Range<usize>,
    candidates: usize,
    blocks: &[f32],
    tile: &mut [f32],
) {
    let (width, dim) = (2 * S::LANES, rows.dim());
    let height = PANELS * width;
    for from in (0..dim).step_by(DEPTH) {
        let slice = from..dim.min(from + DEPTH);
        for (p, panel) in panels.clone().enumerate() {
            let panel = &rows.panel(panel)[slice.start * width..slice.end * width];
            for c in (0..candidates).step_by(N) {
                let block = &blocks[c * dim + slice.start * N..c * dim + slice.end * N];
                let out = &mut tile[c * height + p * width..];
                if candidates - c <= NARROW {
                    multiply::<S, N, NARROW>(simd, panel, block, out, height, from == 0);
                } else {
                    multiply::<S, N, N>(simd, panel, block, out, height, from == 0);
                }
            }
        }
    }
}

/// The register kernel: two registers of rows times `W` of the `N` interleaved candidates, added to `out` (or, when
/// `fresh`, in its place). Each number is one chain in the order of the coordinates.
#[inline(always)]
fn multiply<S: Simd, const N: usize, const W: usize>(
    simd: S,
    panel: &[f32],
    block: &[f32],
    out: &mut [f32],
    stride: usize,
    fresh: bool,
) {
    let mut sums = [[simd.zero(); 2]; W];
    if !fresh {
        for (c, sum) in sums.iter_mut().enumerate() {
            let out = &out[c * stride..][..2 * S::LANES];
            *sum = [simd.load(out), simd.load(&out[S::LANES..])];
        }
    }
    for (rows, candidates) in panel.chunks_exact(2 * S::LANES).zip(block.chunks_exact(N)) {
        let low = simd.load(rows);
        let high = simd.load(&rows[S::LANES..]);
        for c in 0..W {
            let x = simd.splat(candidates[c]);
            sums[c][0] = simd.fmadd(low, x, sums[c][0]);
            sums[c][1] = simd.fmadd(high, x, sums[c][1]);
        }
    }
    for (c, sum) in sums.iter().enumerate() {
        let out = &mut out[c * stride..][..2 * S::LANES];
        simd.store(sum[0], out);
        simd.store(sum[1], &mut out[S::LANES..]);
    }
}

/// Similarities that come from squared distances, into `tile`.
#[inline(always)]
fn distances<S: Simd, const N: usize>(
    simd: S,
    rows: &Packed,
    transform: Transform,
    panels: Range<usize>,
    candidates: usize,
    blocks: &[f32],
    tile: &mut [f32],
) {
    let (width, dim) = (2 * S::LANES, rows.dim());
    let height = PANELS * width;
    let mut squares = [0.0; MAX_LANES];
    let squares = &mut squares[..S::LANES];
    for (p, panel) in panels.enumerate() {
        let panel = rows.panel(panel);
        for c in (0..candidates).step_by(N) {
            let block = &blocks[c * dim..][..N * dim];
            for half in [0, S::LANES] {
                let sums = subtract::<S, N>(simd, panel, half, block);
                for (t, [low, high]) in sums.into_iter().enumerate().take(candidates - c) {
                    simd.wide_store(low, squares);
                    simd.wide_store(high, &mut squares[S::LANES / 2..]);
                    let at = (c + t) * height + p * width + half;
                    transform.distances(squares, &mut tile[at..at + S::LANES]);
                }
            }
        }
    }
}

/// The register kernel of distances: half a panel against the `N` interleaved candidates, in f64. An exponential makes
/// the absolute error of its argument a relative error, and f32 sums would be off by 1e-5 where the argument is 80.
#[inline(always)]
fn subtract<S: Simd, const N: usize>(
    simd: S,
    panel: &[f32],
    half: usize,
    block: &[f32],
) -> [[S::Wide; 2]; N] {
    let mut sums = [[simd.wide_zero(); 2]; N];
    for (rows, candidates) in panel.chunks_exact(2 * S::LANES).zip(block.chunks_exact(N)) {
        let [low, high] = simd.widen(simd.load(&rows[half..]));
        for c in 0..N {
            let x = simd.wide_splat(f64::from(candidates[c]));
            sums[c] = [simd.add_square(low, x, sums[c][0]), simd.add_square(high, x, sums[c][1])];
        }
    }
    sums
}
