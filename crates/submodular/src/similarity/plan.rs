//! Whether similarities are kept or recomputed, decided by memory alone: the answer is the same either way.

use super::stored;
use crate::tile::sweep_bytes;

/// How similarities are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// All in memory, f32: [`Stored`](super::Stored).
    StoredF32,
    /// Recomputed from the points: [`Blocked`](super::Blocked).
    Blocked,
}

impl Plan {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Plan::StoredF32 => "stored_f32",
            Plan::Blocked => "blocked_f32",
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
