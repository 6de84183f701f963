//! The two ways in which set functions look at similarities: a number for each asked item, summed over rows, and a
//! number for each row, folded over the items that join. Work is cut into blocks, spread over threads and polled here,
//! so that no objective has to.

use crate::similarity::Similarity;
use crate::tile::{Epilogue, Summing};
use crate::{Ctl, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

/// Rows whose terms are summed together, and columns of one task. Fixed, so that sums come in one order at any thread
/// count; small enough that a task polls every few milliseconds.
const ROWS: usize = 1024;
const COLS: usize = 256;
/// Columns whose block sums are kept at once, which bounds the scratch to `8 rows / ROWS * BATCH` bytes.
const BATCH: usize = 4096;
/// Similarities below which waking other threads costs more than it brings.
const INLINE: usize = 1 << 16;

/// Bytes of scratch that [`sums`] takes over so many rows.
pub(super) fn scratch(rows: usize) -> u64 {
    (rows.div_ceil(ROWS) * BATCH * 8) as u64
}

/// `out[i]` = the sum over all rows that `make(columns)` makes of item `ask[i]`. Rows are summed in blocks, and block
/// sums added in the order of rows, whatever the tasks: how work is cut never shows in the bits.
pub(super) fn sums<S: Similarity, E: Summing>(
    similarity: &S,
    ask: &[Item],
    out: &mut [f64],
    ctl: &Ctl,
    make: impl Fn(usize) -> E + Sync,
) -> Result<(), Halt> {
    for (ask, out) in ask.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        batch(similarity, ask, out, ctl, &make)?;
    }
    Ok(())
}

fn batch<S: Similarity, E: Summing>(
    similarity: &S,
    ask: &[Item],
    out: &mut [f64],
    ctl: &Ctl,
    make: &(impl Fn(usize) -> E + Sync),
) -> Result<(), Halt> {
    let n = similarity.rows();
    let blocks = n.div_ceil(ROWS);
    // Stored candidates are read one after the other, each from its first row to its last; computed ones share the
    // packed rows of a block.
    let (height, width) = if similarity.is_stored() { (blocks.max(1), 1) } else { (1, COLS) };
    let chunks = ask.len().div_ceil(width);
    let task = |t: usize| {
        let (first, chunk) = (t / chunks * height, t % chunks);
        let cols = &ask[chunk * width..ask.len().min((chunk + 1) * width)];
        let last = blocks.min(first + height);
        ctl.tick(((n.min(last * ROWS) - first * ROWS) * cols.len()) as u64)?;
        let mut sums = Vec::with_capacity((last - first) * cols.len());
        for block in first..last {
            let rows: Range<usize> = block * ROWS..n.min((block + 1) * ROWS);
            let mut epilogue = make(cols.len());
            similarity.sweep(rows, cols, &mut epilogue);
            sums.extend(epilogue.sums());
        }
        Ok(sums)
    };
    let tasks = blocks.div_ceil(height) * chunks;
    let sums: Vec<Vec<f64>> = if n * ask.len() <= INLINE {
        (0..tasks).map(task).collect::<Result<_, Halt>>()?
    } else {
        (0..tasks).into_par_iter().map(task).collect::<Result<_, Halt>>()?
    };
    out.fill(0.0);
    for (t, sums) in sums.iter().enumerate() {
        let out = &mut out[t % chunks * width..];
        let cols = width.min(out.len());
        for sums in sums.chunks(cols) {
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
        }
    }
    Ok(())
}

/// Changes `rows[i]` by the similarities of row i to the items of `add`: `make(part, first row)` folds a part.
pub(super) fn fold<'a, S: Similarity, T: Send, E: Epilogue>(
    similarity: &S,
    rows: &'a mut [T],
    add: &[Item],
    ctl: &Ctl,
    make: impl Fn(&'a mut [T], usize) -> E + Sync,
) -> Result<(), Halt> {
    let part = |(block, part): (usize, &'a mut [T])| -> Result<(), Halt> {
        let range = block * ROWS..block * ROWS + part.len();
        ctl.tick((part.len() * add.len()) as u64)?;
        similarity.sweep(range.clone(), add, &mut make(part, range.start));
        Ok(())
    };
    if rows.len() * add.len() <= INLINE {
        rows.chunks_mut(ROWS).enumerate().try_for_each(part)
    } else {
        rows.par_chunks_mut(ROWS).enumerate().try_for_each(part)
    }
}
