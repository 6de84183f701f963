//! Facility location: `f(S) = sum over represented rows i of w_i max(0, max over j in S of s_ij)`.
//!
//! Monotone, submodular, normalised: every represented row is served by the chosen item most similar to it. Negative
//! similarities never count, since the running maximum starts at 0. One gain costs O(rows) similarities; the state is
//! 4 bytes a row.

use super::{Objective, Properties, State};
use crate::similarity::{Blocked, Similarity, Stored};
use crate::tile::{Cover, Gain};
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Rows whose gains are summed together, and columns of one task. Fixed, so that sums come in one order at any thread
/// count; small enough that a task polls every few milliseconds.
const ROWS: usize = 1024;
const COLS: usize = 256;
/// Columns whose block sums are kept at once, which bounds the scratch to `8 rows / ROWS * BATCH` bytes.
const BATCH: usize = 4096;
/// Similarities below which waking other threads costs more than it brings.
const INLINE: usize = 1 << 16;

/// How the rows' contributions are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// Their sum.
    #[default]
    Sum,
    /// Their sum over the number of represented rows.
    Mean,
}

/// The set function; items are the columns of `similarity`.
pub struct FacilityLocation<S> {
    similarity: S,
    weights: Option<Vec<f64>>,
    reduction: Reduction,
}

impl<S: Similarity> FacilityLocation<S> {
    /// `weights`: one finite number >= 0 a represented row; 1 when absent.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::Parameter`] for a negative weight.
    pub fn new(similarity: S, weights: Option<Vec<f64>>, reduction: Reduction) -> Result<Self, Error> {
        if let Some(weights) = &weights {
            if weights.len() != similarity.rows() {
                let (expected, found) = (similarity.rows(), weights.len());
                return Err(Error::Shape { what: "weights", expected, found });
            }
            for (row, &value) in weights.iter().enumerate() {
                if !value.is_finite() {
                    return Err(Error::NotFinite { row, column: 0, value });
                }
                if value < 0.0 {
                    let reason = format!("row {row} has weight {value}; weights are at least 0");
                    return Err(Error::Parameter { name: "weights", reason });
                }
            }
        }
        Ok(Self { similarity, weights, reduction })
    }

    fn scale(&self) -> f64 {
        match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / self.similarity.rows() as f64,
        }
    }
}

/// Over similarities that are kept. Not generic, so that the kernels are compiled with this crate, optimised even where
/// its user is not.
///
/// # Errors
/// As [`FacilityLocation::new`].
pub fn stored(
    similarity: Stored,
    weights: Option<Vec<f64>>,
    reduction: Reduction,
) -> Result<Arc<dyn Objective>, Error> {
    Ok(Arc::new(FacilityLocation::new(similarity, weights, reduction)?))
}

/// Over similarities that are recomputed; see [`stored`].
///
/// # Errors
/// As [`FacilityLocation::new`].
pub fn blocked(
    similarity: Blocked,
    weights: Option<Vec<f64>>,
    reduction: Reduction,
) -> Result<Arc<dyn Objective>, Error> {
    Ok(Arc::new(FacilityLocation::new(similarity, weights, reduction)?))
}

impl<S: Similarity> Objective for FacilityLocation<S> {
    fn len(&self) -> usize {
        self.similarity.items()
    }

    fn properties(&self) -> Properties {
        properties()
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.similarity.rows(), self.weights.is_some())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Covered { cover: vec![0.0; self.similarity.rows()], f: self })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let similarity = self.similarity.restrict(items);
        let weights = match &self.weights {
            Some(weights) if self.similarity.square() => {
                Some(items.iter().map(|&e| weights[e as usize]).collect())
            }
            weights => weights.clone(),
        };
        Ok(Arc::new(FacilityLocation { similarity, weights, reduction: self.reduction }))
    }
}

/// What holds for every similarity and all weights. No slack: terms are non-negative, never rise, and are summed in one
/// order, so computed gains never rise.
pub fn properties() -> Properties {
    Properties {
        monotone: true,
        submodular: true,
        normalised: true,
        nonnegative: true,
        ..Properties::default()
    }
}

/// Bytes of the coverage (held twice while it grows), the weights and the scratch of gains.
pub fn memory(rows: usize, weighted: bool) -> u64 {
    let scratch = rows.div_ceil(ROWS) * BATCH * 8;
    (rows * 8 + if weighted { rows * 8 } else { 0 } + scratch) as u64
}

struct Covered<S> {
    f: Arc<FacilityLocation<S>>,
    /// `max(0, max over S of s_ij)` per represented row.
    cover: Vec<f32>,
}

impl<S: Similarity> Covered<S> {
    /// The coverage once `add` has joined.
    fn covered(&self, add: &[Item], ctl: &Ctl) -> Result<Vec<f32>, Halt> {
        let mut next = self.cover.clone();
        let grow = |(block, cover): (usize, &mut [f32])| -> Result<(), Halt> {
            let rows = block * ROWS..block * ROWS + cover.len();
            ctl.tick((cover.len() * add.len()) as u64)?;
            self.f.similarity.sweep(rows.clone(), add, &mut Cover::new(cover, rows.start));
            Ok(())
        };
        if next.len() * add.len() <= INLINE {
            next.chunks_mut(ROWS).enumerate().try_for_each(grow)?;
        } else {
            next.par_chunks_mut(ROWS).enumerate().try_for_each(grow)?;
        }
        Ok(next)
    }

    /// Gains of a few thousand columns. Rows are summed in blocks of ROWS, and block sums added in the order of rows,
    /// whatever the tasks: how work is cut never shows in the bits.
    fn gains(&self, cover: &[f32], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let n = cover.len();
        let blocks = n.div_ceil(ROWS);
        // Stored candidates are read one after the other, each from its first row to its last; computed ones share the
        // packed rows of a block.
        let (height, width) = if self.f.similarity.is_stored() { (blocks.max(1), 1) } else { (1, COLS) };
        let chunks = ask.len().div_ceil(width);
        let task = |t: usize| {
            let (first, chunk) = (t / chunks * height, t % chunks);
            let cols = &ask[chunk * width..ask.len().min((chunk + 1) * width)];
            let last = blocks.min(first + height);
            ctl.tick(((n.min(last * ROWS) - first * ROWS) * cols.len()) as u64)?;
            let mut sums = Vec::with_capacity((last - first) * cols.len());
            for block in first..last {
                let rows: Range<usize> = block * ROWS..n.min((block + 1) * ROWS);
                let mut gain = Gain::new(cover, self.f.weights.as_deref(), cols.len());
                self.f.similarity.sweep(rows, cols, &mut gain);
                sums.extend(gain.sums());
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
        let scale = self.f.scale();
        out.iter_mut().for_each(|gain| *gain *= scale);
        Ok(())
    }
}

impl<S: Similarity> State for Covered<S> {
    fn value(&self) -> f64 {
        let sum: f64 = match &self.f.weights {
            None => self.cover.iter().map(|&c| f64::from(c)).sum(),
            Some(weights) => self.cover.iter().zip(weights).map(|(&c, w)| f64::from(c) * w).sum(),
        };
        sum * self.f.scale()
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let next = if add.is_empty() { None } else { Some(self.covered(add, ctl)?) };
        let cover = next.as_deref().unwrap_or(&self.cover);
        for (ask, out) in ask.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
            self.gains(cover, ask, out, ctl)?;
        }
        if let Some(next) = next {
            self.cover = next; // last: Err has changed nothing
        }
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Covered { f: self.f.clone(), cover: self.cover.clone() })
    }
}
