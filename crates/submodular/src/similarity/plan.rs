//! Whether similarities are kept or recomputed, decided by memory alone: the answer is the same either way.

use super::gap::ROWS;
use super::stored;
use crate::tile::sweep_bytes;

/// How similarities are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// All in memory, f32: [`Stored`](super::Stored).
    StoredF32,
    /// Recomputed from the points: [`Blocked`](super::Blocked).
    Blocked,
    /// Those that are not 0 in memory, f32: [`Sparse`](super::Sparse).
    Sparse,
}

impl Plan {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Plan::StoredF32 => "stored_f32",
            Plan::Blocked => "blocked_f32",
            Plan::Sparse => "sparse_f32",
        }
    }
}

/// What a plan takes. Numbers beyond 64 bits are given as the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The plan.
    pub plan: Plan,
    /// Bytes of points, similarities and scratch.
    pub bytes: u64,
    /// Floating-point operations until every similarity has been computed once.
    pub flops: u64,
}

/// Rows in a panel of the widest kernel.
const PANEL: u128 = 32;
/// Bytes of scratch of a thread beside the interleaved candidates: tiles, sums and its stack.
const SCRATCH: u128 = 3 << 20;

/// Bytes of a [`Sparse`](super::Sparse) of so many entries while it is made by
/// [`from_entries`](super::Sparse::from_entries), which is more than it holds afterwards.
pub fn sparse_bytes(items: usize, entries: u64) -> u64 {
    // The entries as given and sorted; later sorted and apart.
    entries.saturating_mul(20).saturating_add((items as u64 + 1).saturating_mul(16))
}

/// The points and the graph that [`Sparse::neighbors`](super::Sparse::neighbors) makes of them, at the peak. `same`: the
/// items represent themselves; `threads`: how many will compute.
pub fn neighbors(
    rows: usize,
    items: usize,
    dim: usize,
    same: bool,
    m: usize,
    symmetrise: bool,
    threads: usize,
) -> Estimate {
    let dense = choose(rows, items, dim, same, threads, 0);
    let most = (m as u128 + 1).min(items as u128);
    // Of each row: which item it is, its best, as found and as sorted; symmetrised, every pair twice.
    let entry = if symmetrise { 32 } else { 20 };
    let graph = (rows as u128).saturating_mul(most).saturating_mul(entry);
    let lists = (ROWS as u128).saturating_mul(most).saturating_mul(8).saturating_mul(threads as u128);
    let index = (rows as u128).saturating_mul(8).saturating_add((items as u128).saturating_mul(20));
    let bytes = u128::from(dense.bytes).saturating_add(graph).saturating_add(lists).saturating_add(index);
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Estimate { plan: Plan::Sparse, bytes, flops: dense.flops }
}

/// Bytes of a dense matrix of `rows` x `items` similarities.
pub fn matrix_bytes(rows: usize, items: usize) -> u64 {
    let bytes = (stored::stride(rows) as u128).saturating_mul(items as u128).saturating_mul(4);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Stored where that fits `budget` bytes, else blocked, whether or not that fits: the caller compares. `same`: the
/// items represent themselves; `threads`: how many will compute.
pub fn choose(rows: usize, items: usize, dim: usize, same: bool, threads: usize, budget: u64) -> Estimate {
    let (n, m, d) = (rows as u128, items as u128, dim as u128);
    let packed = |n: u128| n.next_multiple_of(PANEL).saturating_mul(4 * d);
    let scratch = (SCRATCH + u128::from(sweep_bytes(dim))).saturating_mul(threads as u128);
    let points = packed(m).saturating_add(if same { 0 } else { packed(n) }).saturating_add(scratch);
    let matrix = u128::from(matrix_bytes(rows, items));
    let flops = n.saturating_mul(m).saturating_mul(2 * d);
    let narrow = |x: u128| u64::try_from(x).unwrap_or(u64::MAX);
    let bytes = narrow(points.saturating_add(matrix));
    if bytes <= budget {
        Estimate { plan: Plan::StoredF32, bytes, flops: narrow(if same { flops / 2 } else { flops }) }
    } else {
        Estimate { plan: Plan::Blocked, bytes: narrow(points), flops: narrow(flops) }
    }
}
