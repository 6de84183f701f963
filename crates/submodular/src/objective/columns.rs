//! The two ways in which set functions look at similarities: a number for each asked item, summed over rows, and a
//! number for each row, folded over the items that join. Work is cut into blocks, spread over threads and polled here,
//! so that no objective has to.

use crate::similarity::Similarity;
use crate::tile::{Epilogue, Store, Summing, Terms};
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

/// Rows whose terms are summed together, and columns of one task. Fixed, so that sums come in one order at any thread
/// count; small enough that a task polls every few milliseconds.
const ROWS: usize = 1024;
const COLS: usize = 256;
/// Columns whose block sums are kept at once, which bounds the scratch to `8 rows / ROWS * BATCH` bytes.
const BATCH: usize = 4096;
/// Entries of one task over few stored rows: a task of one candidate would cost more than its sum.
const SHORT: usize = 1 << 14;
/// Entries that are swept between two polls.
const SPARSE: usize = 1 << 18;
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
    if let Some(entries) = similarity.entries() {
        return sparse_sums(similarity, entries, ask, out, ctl, make);
    }
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
    let (height, width) = match (similarity.is_stored(), blocks) {
        (true, 0 | 1) => (1, (SHORT / n.max(1)).clamp(1, COLS)),
        (true, _) => (blocks, 1),
        (false, _) => (1, COLS),
    };
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

/// [`sums`] over few entries: all rows are one block, so that the rows without one cost nothing.
fn sparse_sums<S: Similarity, E: Summing>(
    similarity: &S,
    entries: usize,
    ask: &[Item],
    out: &mut [f64],
    ctl: &Ctl,
    make: impl Fn(usize) -> E + Sync,
) -> Result<(), Halt> {
    let (each, width) = share(entries, similarity.items());
    let task = |(ask, out): (&[Item], &mut [f64])| -> Result<(), Halt> {
        ctl.tick((each * ask.len()) as u64)?;
        let mut epilogue = make(ask.len());
        similarity.sweep(0..similarity.rows(), ask, &mut epilogue);
        out.iter_mut().zip(epilogue.sums()).for_each(|(out, sum)| *out = sum);
        Ok(())
    };
    if each * ask.len() <= INLINE {
        ask.chunks(width).zip(out.chunks_mut(width)).try_for_each(task)
    } else {
        ask.par_chunks(width).zip(out.par_chunks_mut(width)).try_for_each(task)
    }
}

/// Entries that an item has on average, rounded up, and how many items are swept between two polls.
fn share(entries: usize, items: usize) -> (usize, usize) {
    let each = entries.div_ceil(items.max(1)).max(1);
    (each, (SPARSE / each).clamp(1, COLS))
}

/// Changes `rows[i]` by the similarities of row i to the items of `add`: `make(part, first row)` folds a part, whatever
/// the position of an item in a request.
pub(super) fn fold<'a, S: Similarity, T: Send, E: Epilogue>(
    similarity: &S,
    rows: &'a mut [T],
    add: &[Item],
    ctl: &Ctl,
    make: impl Fn(&'a mut [T], usize) -> E + Sync,
) -> Result<(), Halt> {
    if let Some(entries) = similarity.entries() {
        // Entries are few, and no block of rows should be asked whether it has any.
        let (each, width) = share(entries, similarity.items());
        let all = 0..rows.len();
        let mut epilogue = make(rows, 0);
        return add.chunks(width).try_for_each(|add| {
            ctl.tick((each * add.len()) as u64)?;
            similarity.sweep(all.clone(), add, &mut epilogue);
            Ok(())
        });
    }
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

/// `max(0, max over rows r of s_rj)` of every item j: how near the nearest of a query's rows is.
pub(super) fn nearest<S: Similarity>(similarity: &S, ctl: &Ctl) -> Result<Vec<f32>, Halt> {
    let mut nearest = vec![0.0; similarity.items()];
    nearest.par_chunks_mut(COLS).enumerate().try_for_each(|(chunk, nearest)| {
        let cols: Vec<Item> = (chunk * COLS..).take(nearest.len()).map(|e| e as Item).collect();
        for from in (0..similarity.rows()).step_by(ROWS) {
            let rows = from..similarity.rows().min(from + ROWS);
            ctl.tick((rows.len() * cols.len()) as u64)?;
            similarity.sweep(rows, &cols, &mut Nearest { nearest });
        }
        Ok::<_, Halt>(())
    })?;
    Ok(nearest)
}

/// [`nearest`] times a factor of at least 0, whose name on the wire is `name`.
pub(super) fn scaled_nearest<S: Similarity>(
    similarity: &S,
    factor: f64,
    name: &'static str,
    ctl: &Ctl,
) -> Result<Vec<f32>, Halt> {
    if !(factor.is_finite() && factor >= 0.0) {
        let reason = format!("is {factor}; expected a finite number of at least 0");
        return Err(Error::Parameter { name, reason }.into());
    }
    Ok(nearest(similarity, ctl)?.into_iter().map(|s| (factor * f64::from(s)) as f32).collect())
}

struct Nearest<'a> {
    nearest: &'a mut [f32],
}

impl Epilogue for Nearest<'_> {
    #[inline(always)]
    fn tile(&mut self, _row: usize, col: usize, s: &[f32]) {
        self.nearest[col] = s.iter().fold(self.nearest[col], |best, &s| if s > best { s } else { best });
    }
}

/// `sum over rows r of s_rj` of every item j.
pub(super) fn totals<S: Similarity>(similarity: &S, ctl: &Ctl) -> Result<Vec<f64>, Halt> {
    let all: Vec<Item> = (0..similarity.items() as Item).collect();
    let mut totals = vec![0.0; all.len()];
    let rows = vec![(); similarity.rows()];
    sums(similarity, &all, &mut totals, ctl, |cols| {
        Terms::new(&rows, &rows, cols, |s, (), ()| f64::from(s))
    })?;
    Ok(totals)
}

/// Looks at every similarity once: for functions that have no meaning for negative ones.
///
/// # Errors
/// [`Halt`] when stopped; [`Error::NegativeSimilarity`], the first in the order of rows, then items.
pub fn refuse_negative<S: Similarity>(similarity: &S, ctl: &Ctl) -> Result<(), Halt> {
    let all: Vec<Item> = (0..similarity.items() as Item).collect();
    let blocks = similarity.rows().div_ceil(ROWS);
    let found = (0..blocks).into_par_iter().map(|block| -> Result<_, Halt> {
        let rows = block * ROWS..similarity.rows().min((block + 1) * ROWS);
        let mut first = FirstNegative(None);
        for cols in all.chunks(COLS) {
            ctl.tick((rows.len() * cols.len()) as u64)?;
            let mut here = FirstNegative(None);
            similarity.sweep(rows.clone(), cols, &mut here);
            first.offer(here.0.map(|(row, col, s)| (row, cols[col as usize], s)));
        }
        Ok(first.0)
    });
    let found: Vec<_> = found.collect::<Result<_, Halt>>()?;
    match found.into_iter().flatten().next() {
        Some((row, item, value)) => Err(Error::NegativeSimilarity { row, item, value }.into()),
        None => Ok(()),
    }
}

/// For functions whose properties need `s_ij = s_ji`.
///
/// # Errors
/// [`Error::Shape`] where the similarity is not square, [`Error::NotSymmetric`].
pub(super) fn refuse_lopsided<S: Similarity>(similarity: &S) -> Result<(), Error> {
    let (n, found) = (similarity.items(), similarity.rows());
    if !similarity.square() {
        return Err(Error::Shape { what: "represented rows", expected: n, found });
    }
    if similarity.symmetric() {
        return Ok(());
    }
    let all: Vec<Item> = (0..n as Item).collect();
    for row in 0..n {
        let (mut out, mut back) = (vec![0.0; n], vec![0.0; n]);
        similarity.sweep(row..row + 1, &all, &mut Store::new(&mut out, row, 1));
        similarity.sweep(0..n, &[row as Item], &mut Store::new(&mut back, 0, n));
        if let Some(item) = out.iter().zip(&back).position(|(a, b)| a != b) {
            return Err(Error::NotSymmetric { row, item: item as Item });
        }
    }
    Ok(())
}

/// The first negative similarity by row, then by column.
struct FirstNegative(Option<(usize, Item, f32)>);

impl FirstNegative {
    fn offer(&mut self, found: Option<(usize, Item, f32)>) {
        let earlier = |a: (usize, Item, f32), b: (usize, Item, f32)| (a.0, a.1) < (b.0, b.1);
        match (self.0, found) {
            (_, None) => {}
            (Some(known), Some(found)) if !earlier(found, known) => {}
            (_, found) => self.0 = found,
        }
    }
}

impl Epilogue for FirstNegative {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        if let Some(t) = s.iter().position(|&s| s < 0.0) {
            self.offer(Some((row + t, col as Item, s[t])));
        }
    }
}
