//! Log-determinant: `f(S) = ln det(K_SS + ridge I)` for a symmetric kernel K, and the same of a kernel conditioned on
//! other rows.
//!
//! By the chain rule a gain is `ln d^2`, d^2 the variance of the item given those chosen. It is read off the row of an
//! incremental Cholesky factor (Chen, Zhang, Zhou 2018); each item's row is extended only when its gain is asked, so a
//! lazy search extends few. Submodular for a positive semidefinite kernel; monotone where every eigenvalue of
//! `K + ridge I` is at least 1. One gain costs O(|S|) similarities and O(|S|^2) operations the first time, amortised
//! O(|S|) a pick; the state is 8 bytes an item and pick at most.
//!
//! Where d^2 falls below [`RANK`] the item adds nothing that arithmetic can see: its gain is minus infinity, and a
//! search ends before it.

use super::{Objective, Properties, State, columns};
use crate::similarity::{Any, Similarity};
use crate::tile::{Kernel, Simd, Store, Task};
use crate::{Ctl, Error, Halt, Item};
use rayon::prelude::*;
use std::sync::Arc;

/// Variance below which a kernel is numerically singular.
pub const RANK: f64 = 1e-10;

/// Items of one task of a search, and of one that conditions the kernel. An item takes microseconds, and lazy searches ask
/// for few at once.
const FEW_ITEMS: usize = 8;
const ITEMS: usize = 64;
/// Picks that a row makes room for at once.
const ROOM: usize = 32;

/// The set function.
pub struct LogDet<S> {
    similarity: S,
    ridge: f64,
    given: Given,
    properties: Properties,
}

/// Rows that were, so to speak, chosen before: the first columns of every item's row of the factor.
#[derive(Debug, Clone, Default)]
pub struct Given {
    rows: usize,
    /// `[item][row]`
    factors: Vec<f64>,
}

impl Given {
    /// Conditions the kernel on other rows, by `K - B^T B` with `B = L^-1 diag(scale) C`, where `L L^T = G + ridge I`,
    /// G the kernel of those rows (`own`, square) and C theirs with the items (`cross`). O(q^2 (q + items)).
    ///
    /// # Errors
    /// [`Halt`] when stopped; [`Error::Shape`]; [`Error::Parameter`] where G is numerically singular.
    pub fn new<S: Similarity>(
        own: &S,
        cross: &S,
        scale: &[f64],
        ridge: f64,
        ctl: &Ctl,
    ) -> Result<Self, Halt> {
        let (q, n) = (cross.rows(), cross.items());
        for (what, found) in
            [("given rows", own.rows()), ("given items", own.items()), ("scales", scale.len())]
        {
            if found != q {
                return Err(Error::Shape { what, expected: q, found }.into());
            }
        }
        let mut kernel = vec![0.0; q * q];
        let all: Vec<Item> = (0..q as Item).collect();
        ctl.tick((q * q) as u64)?;
        own.sweep(0..q, &all, &mut Store::new(&mut kernel, 0, q));
        let kernel = &kernel;
        let lower = cholesky(kernel, q, ridge)?;
        let mut factors = vec![0.0; n * q];
        let solve = |(chunk, factors): (usize, &mut [f64])| -> Result<(), Halt> {
            let items: Vec<Item> = (chunk * ITEMS..).take(factors.len() / q).map(|e| e as Item).collect();
            ctl.tick((q * items.len()) as u64)?;
            let mut s = vec![0.0; q * items.len()];
            cross.sweep(0..q, &items, &mut Store::new(&mut s, 0, q));
            for (s, row) in s.chunks_exact(q).zip(factors.chunks_exact_mut(q)) {
                for a in 0..q {
                    let known = dot(&lower[a * q..][..a], &row[..a]);
                    row[a] = (scale[a] * f64::from(s[a]) - known) / lower[a * q + a];
                }
            }
            Ok(())
        };
        if q > 0 {
            factors.par_chunks_mut(ITEMS * q).enumerate().try_for_each(solve)?;
        }
        Ok(Self { rows: q, factors })
    }

    /// The first so many of the given rows alone: a Cholesky factor begins with that of its leading block.
    #[must_use]
    pub fn leading(&self, rows: usize) -> Self {
        let factors = self.factors.chunks_exact(self.rows.max(1)).flat_map(|of| &of[..rows]);
        Self { rows, factors: factors.copied().collect() }
    }

    fn of(&self, e: Item) -> &[f64] {
        &self.factors[e as usize * self.rows..][..self.rows]
    }
}

fn cholesky(kernel: &[f32], q: usize, ridge: f64) -> Result<Vec<f64>, Error> {
    let mut lower = vec![0.0; q * q];
    for a in 0..q {
        for b in 0..=a {
            let known = dot(&lower[a * q..][..b], &lower[b * q..][..b]);
            let rest = f64::from(kernel[a * q + b]) + if a == b { ridge } else { 0.0 } - known;
            if a != b {
                lower[a * q + b] = rest / lower[b * q + b];
            } else if rest < RANK {
                let reason =
                    format!("the kernel of the given rows is singular at row {a}: use a larger ridge");
                return Err(Error::Parameter { name: "ridge", reason });
            } else {
                lower[a * q + a] = rest.sqrt();
            }
        }
    }
    Ok(lower)
}

/// In one order, so that the bits do not depend on who computes it. Products are rounded before they are added, so
/// that every vector unit has the same ones.
#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let ((a, a_tail), (b, b_tail)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for t in 0..8 {
            lanes[t] += a[t] * b[t];
        }
    }
    let tail: f64 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + tail
}

impl<S: Similarity> LogDet<S> {
    /// `properties`: what the caller knows of it.
    ///
    /// # Errors
    /// [`Error::Shape`] where the similarity is not square, or `given` is of other items; [`Error::NotSymmetric`];
    /// [`Error::Parameter`] for a ridge below 0.
    pub fn new(similarity: S, ridge: f64, given: Given, properties: Properties) -> Result<Self, Error> {
        let n = similarity.items();
        if !similarity.square() {
            return Err(Error::Shape { what: "represented rows", expected: n, found: similarity.rows() });
        }
        if given.factors.len() != given.rows * n {
            let (what, expected) = ("factors of the given rows", given.rows * n);
            return Err(Error::Shape { what, expected, found: given.factors.len() });
        }
        if !(ridge.is_finite() && ridge >= 0.0) {
            let reason = format!("is {ridge}; expected a finite number of at least 0");
            return Err(Error::Parameter { name: "ridge", reason });
        }
        columns::refuse_lopsided(&similarity)?;
        Ok(Self { similarity, ridge, given, properties })
    }
}

/// `definite`: the kernel is known to be positive semidefinite. It is then submodular, and monotone where the ridge is
/// at least 1, since no variance falls below it. Nothing is known else.
pub fn properties(definite: bool, ridge: f64) -> Properties {
    let monotone = definite && ridge >= 1.0;
    Properties {
        monotone,
        submodular: definite,
        normalised: true,
        nonnegative: monotone,
        restricts_exactly: true,
        // A variance is off by a few parts in 2^53 of the item's own, a logarithm of it by as much where it is not small.
        slack: 1e-12,
        ..Properties::default()
    }
}

/// The function over a symmetric kernel. See [`properties`] for `definite`.
///
/// # Errors
/// As [`LogDet::new`].
pub fn log_det(similarity: Any, ridge: f64, definite: bool) -> Result<Arc<dyn Objective>, Error> {
    Ok(Arc::new(LogDet::new(similarity, ridge, Given::default(), properties(definite, ridge))?))
}

/// Bytes of a factor of `k` picks and `given` rows for every item, which only a search that asks of all fills.
pub fn memory(n: usize, k: usize, given: usize) -> u64 {
    (n as u64).saturating_mul((k + given + ROOM) as u64 * 8 + 48)
}

impl<S: Similarity> Objective for LogDet<S> {
    fn len(&self) -> usize {
        self.similarity.items()
    }

    fn properties(&self) -> Properties {
        self.properties
    }

    fn memory(&self, k: usize) -> u64 {
        memory(self.len(), k, self.given.rows)
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        let rows = (0..self.len() as Item).map(|_| Row::default()).collect();
        Box::new(Factor { f: self, rows, picks: Vec::new(), value: 0.0 })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let factors = items.iter().flat_map(|&e| self.given.of(e)).copied().collect();
        let given = Given { rows: self.given.rows, factors };
        Ok(Arc::new(Self { similarity: self.similarity.restrict(items), given, ..*self }))
    }
}

/// One item's row of the factor, as far as it was needed.
#[derive(Debug, Clone, Default)]
struct Row {
    /// Empty until first asked; then given rows first, then picks.
    factors: Vec<f64>,
    /// K_ee + ridge, less the squares of `factors`.
    variance: f64,
}

#[derive(Clone)]
struct Pick {
    item: Item,
    factors: Vec<f64>,
    deviation: f64,
}

struct Factor<S> {
    f: Arc<LogDet<S>>,
    rows: Vec<Row>,
    picks: Vec<Pick>,
    value: f64,
}

impl<S: Similarity> Factor<S> {
    /// Extends the rows of `ask` over all picks. What is extended stays true whatever happens next.
    fn extend(&mut self, ask: &[Item], ctl: &Ctl) -> Result<(), Halt> {
        let (f, picks, kernel) = (&*self.f, &self.picks, Kernel::detect());
        let mut order: Vec<Item> = ask.to_vec();
        order.sort_unstable();
        order.dedup();
        let mut taken: Vec<(Item, Row)> =
            order.iter().map(|&e| (e, std::mem::take(&mut self.rows[e as usize]))).collect();
        let work = |part: &mut [(Item, Row)]| -> Result<(), Halt> {
            for (e, row) in part.iter_mut() {
                let (e, given) = (*e, f.given.rows);
                let known = row.factors.len().saturating_sub(given);
                let missing: Vec<Item> = picks[known..].iter().map(|pick| pick.item).collect();
                ctl.tick(missing.len() as u64 + 1)?;
                let at = e as usize;
                if row.factors.is_empty() && row.variance == 0.0 {
                    let mut own = [0.0];
                    f.similarity.sweep(at..at + 1, &[e], &mut Store::new(&mut own, at, 1));
                    row.factors = f.given.of(e).to_vec();
                    row.variance = f64::from(own[0]) + f.ridge - dot(&row.factors, &row.factors);
                }
                let mut s = vec![0.0; missing.len()];
                f.similarity.sweep(at..at + 1, &missing, &mut Store::new(&mut s, at, 1));
                if row.factors.capacity() - row.factors.len() < missing.len() {
                    row.factors.reserve_exact(missing.len().max(ROOM));
                }
                kernel.run(Extension { row, picks: &picks[known..], similarities: &s });
            }
            Ok(())
        };
        let done = taken.par_chunks_mut(FEW_ITEMS).try_for_each(work);
        for (e, row) in taken {
            self.rows[e as usize] = row;
        }
        done
    }
}

/// More of one item's row, compiled with the vector instructions there are.
struct Extension<'a> {
    row: &'a mut Row,
    picks: &'a [Pick],
    /// Of the item to each of them.
    similarities: &'a [f32],
}

impl Task for Extension<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, _simd: S) {
        let Row { factors, variance } = self.row;
        for (pick, &s) in self.picks.iter().zip(self.similarities) {
            let c = (f64::from(s) - dot(&pick.factors, factors)) / pick.deviation;
            factors.push(c);
            *variance -= c * c;
        }
    }
}

fn gain(variance: f64) -> f64 {
    if variance < RANK { f64::NEG_INFINITY } else { variance.ln() }
}

impl<S: Similarity> State for Factor<S> {
    fn value(&self) -> f64 {
        self.value
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let before = (self.picks.len(), self.value);
        let mut grow = || -> Result<(), Halt> {
            for &e in add {
                self.extend(&[e], ctl)?;
                let row = &self.rows[e as usize];
                self.value += gain(row.variance);
                let deviation = row.variance.max(RANK).sqrt();
                self.picks.push(Pick { item: e, factors: row.factors.clone(), deviation });
            }
            self.extend(ask, ctl)
        };
        if let Err(halt) = grow() {
            // Rows that were extended over picks that are no more are made anew.
            let length = before.0 + self.f.given.rows;
            self.picks.truncate(before.0);
            self.value = before.1;
            self.rows
                .iter_mut()
                .filter(|row| row.factors.len() > length)
                .for_each(|row| *row = Row::default());
            return Err(halt);
        }
        out.iter_mut().zip(ask).for_each(|(out, &e)| *out = gain(self.rows[e as usize].variance));
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Self {
            f: self.f.clone(),
            rows: self.rows.clone(),
            picks: self.picks.clone(),
            value: self.value,
        })
    }
}
