//! Concave functions of sums: `f(S) = sum over rows r of w_r g_r(sum over j in S of a_rj)`, every `a_rj >= 0`.
//!
//! Monotone, submodular and normalised for every concave, non-decreasing g with g(0) = 0. With rows that are features
//! it is the feature-based function; with rows that are the ground set and a cap for g, saturated coverage (Lin and
//! Bilmes 2011); with rows that are queries, the first half of concave over modular (Iyer et al. 2021). One gain costs
//! O(rows); the state is 8 bytes a row.

use super::columns;
use super::{Objective, Properties, State};
use crate::similarity::Similarity;
use crate::tile::{RowSums, Terms};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// A concave function g with g(0) = 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Concave {
    /// sqrt(x)
    #[default]
    Sqrt,
    /// ln(1 + x)
    Log,
    /// 1 - 1 / (1 + x)
    Ratio,
    /// x^p, p in (0, 1].
    Power(f64),
}

impl Concave {
    /// g(x), for x at least 0.
    pub fn at(self, x: f64) -> f64 {
        match self {
            Concave::Sqrt => x.sqrt(),
            Concave::Log => x.ln_1p(),
            Concave::Ratio => x / (1.0 + x),
            Concave::Power(p) => x.powf(p),
        }
    }

    /// What [`step`](Self::step) needs of x, computed once a row and not once a term.
    fn base(self, x: f64) -> f64 {
        match self {
            Concave::Sqrt | Concave::Power(_) => self.at(x),
            Concave::Log | Concave::Ratio => 1.0 + x,
        }
    }

    /// g(x + s) - g(x), given [`base`](Self::base) of x.
    #[inline(always)]
    fn step(self, x: f64, base: f64, s: f64) -> f64 {
        match self {
            Concave::Sqrt => (x + s).sqrt() - base,
            Concave::Log => (s / base).ln_1p(),
            Concave::Ratio => s / (base * (base + s)),
            Concave::Power(p) => (x + s).powf(p) - base,
        }
    }

    /// g'(x), for x above 0.
    fn slope(self, x: f64) -> f64 {
        match self {
            Concave::Sqrt => 0.5 / x.sqrt(),
            Concave::Log => 1.0 / (1.0 + x),
            Concave::Ratio => 1.0 / ((1.0 + x) * (1.0 + x)),
            Concave::Power(p) => p * x.powf(p - 1.0),
        }
    }
}

/// What is done with the sum of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The same concave function for every row, times a weight of the row; 1 where there is none.
    Concave(Concave, Option<Vec<f64>>),
    /// The sum, up to a cap of the row.
    Cap(Vec<f64>),
    /// The sum, up to this share of the row's sum over every item.
    CapShare(f64),
}

/// The set function; items are the columns of `similarity`, whose every entry must be at least 0.
pub struct ConcaveOverSums<S> {
    similarity: S,
    shape: Shape,
    /// Of each row, where the shape has any.
    caps: Vec<f64>,
    /// Mean entry of each row, where the shape is a concave function.
    means: Vec<f64>,
    slack: f64,
}

impl Shape {
    /// Whether what is done with a row depends on all items.
    fn looks_at_all(&self) -> bool {
        matches!(self, Shape::CapShare(_))
    }
}

impl<S: Similarity> ConcaveOverSums<S> {
    /// Weights and caps: one finite number of at least 0 a row. Looks at every entry once: O(rows x items).
    ///
    /// # Errors
    /// [`Halt`] when stopped; [`Error::Shape`], [`Error::Parameter`].
    pub fn new(similarity: S, shape: Shape, ctl: &Ctl) -> Result<Self, Halt> {
        check(&shape, similarity.rows())?;
        let mut sums = vec![0.0; similarity.rows()];
        let all: Vec<Item> = (0..similarity.items() as Item).collect();
        for items in all.chunks(1024) {
            columns::fold(&similarity, &mut sums, items, ctl, RowSums::new)?;
        }
        let caps = match &shape {
            Shape::Concave(..) => Vec::new(),
            Shape::Cap(caps) => caps.clone(),
            Shape::CapShare(share) => sums.iter().map(|sum| sum * share).collect(),
        };
        let means = match &shape {
            Shape::Concave(..) => sums.iter().map(|sum| sum / all.len().max(1) as f64).collect(),
            Shape::Cap(_) | Shape::CapShare(_) => Vec::new(),
        };
        let mut f = Self { similarity, shape, caps, means, slack: 0.0 };
        // Each of the two terms of a step is off by one part in 2^53 at most, and no term exceeds its row's share of
        // f of everything.
        f.slack = if f.caps.is_empty() { 4.0 * f64::EPSILON * f.value(&sums) } else { 0.0 };
        Ok(f)
    }

    fn value(&self, sums: &[f64]) -> f64 {
        match &self.shape {
            Shape::Concave(g, None) => sums.iter().map(|&x| g.at(x)).sum(),
            Shape::Concave(g, Some(weights)) => sums.iter().zip(weights).map(|(&x, w)| w * g.at(x)).sum(),
            Shape::Cap(_) | Shape::CapShare(_) => {
                sums.iter().zip(&self.caps).map(|(x, &cap)| x.min(cap)).sum()
            }
        }
    }
}

fn check(shape: &Shape, rows: usize) -> Result<(), Error> {
    let refuse = |name, reason| Err(Error::Parameter { name, reason });
    let (name, numbers) = match shape {
        Shape::Concave(Concave::Power(p), _) if !(*p > 0.0 && *p <= 1.0) => {
            return refuse("concave", format!("the power is {p}; expected above 0 and at most 1"));
        }
        Shape::CapShare(share) if !(share.is_finite() && *share >= 0.0) => {
            return refuse("alpha", format!("is {share}; expected a finite number of at least 0"));
        }
        Shape::Concave(_, weights) => ("weights", weights.as_deref()),
        Shape::Cap(caps) => ("alpha", Some(&**caps)),
        Shape::CapShare(_) => ("alpha", None),
    };
    let Some(numbers) = numbers else { return Ok(()) };
    if numbers.len() != rows {
        return Err(Error::Shape { what: name, expected: rows, found: numbers.len() });
    }
    match numbers.iter().position(|x| !(x.is_finite() && *x >= 0.0)) {
        Some(row) => refuse(name, format!("row {row} has {}; expected at least 0", numbers[row])),
        None => Ok(()),
    }
}

/// What holds for every shape. `apart`: rows are not items, nor is a cap a share of what all items have; `slack` is a run's own.
pub fn properties(apart: bool, slack: f64) -> Properties {
    Properties {
        streamable: apart,
        restricts_exactly: apart,
        monotone: true,
        submodular: true,
        normalised: true,
        nonnegative: true,
        slack,
        ..Properties::default()
    }
}

/// Bytes of the sums (held twice while they grow), weights or caps, means, what is known of each row, and the scratch of
/// gains.
pub fn memory(rows: usize) -> u64 {
    rows as u64 * 64 + columns::scratch(rows)
}

impl<S: Similarity> Objective for ConcaveOverSums<S> {
    fn len(&self) -> usize {
        self.similarity.items()
    }

    fn properties(&self) -> Properties {
        properties(!self.similarity.square() && !self.shape.looks_at_all(), self.slack)
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.similarity.rows())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Sums { sums: vec![0.0; self.similarity.rows()], f: self })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        // The rows of a square similarity are its items, and are restricted with them.
        let part = |rows: &Vec<f64>| match self.similarity.square() {
            true => items.iter().map(|&e| rows[e as usize]).collect(),
            false => rows.clone(),
        };
        let shape = match &self.shape {
            Shape::Concave(g, weights) => Shape::Concave(*g, weights.as_ref().map(part)),
            Shape::Cap(caps) => Shape::Cap(part(caps)),
            Shape::CapShare(share) => Shape::CapShare(*share),
        };
        Ok(Arc::new(Self::new(self.similarity.restrict(items), shape, &Ctl::default())?))
    }
}

struct Sums<S> {
    f: Arc<ConcaveOverSums<S>>,
    /// `sum over S of a_rj` per row.
    sums: Vec<f64>,
}

impl<S: Similarity> State for Sums<S> {
    fn value(&self) -> f64 {
        self.f.value(&self.sums)
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = &*self.f;
        let mut next = None;
        if !add.is_empty() {
            let mut grown = self.sums.clone();
            columns::fold(&f.similarity, &mut grown, add, ctl, RowSums::new)?;
            next = Some(grown);
        }
        let sums = next.as_deref().unwrap_or(&self.sums);
        match &f.shape {
            Shape::Concave(g, weights) => {
                let bases: Vec<f64> = sums.iter().map(|&x| g.base(x)).collect();
                // One loop for each function, so that the kernel is not asked which at every term.
                macro_rules! gains {
                    ($g:expr) => {
                        match weights {
                            None => columns::sums(&f.similarity, ask, out, ctl, |cols| {
                                Terms::new(sums, &bases, cols, |s, x, base| $g.step(x, base, f64::from(s)))
                            }),
                            Some(weights) => {
                                let known: Vec<_> = bases.into_iter().zip(weights.iter().copied()).collect();
                                columns::sums(&f.similarity, ask, out, ctl, |cols| {
                                    let term = |s, x, (base, w)| w * $g.step(x, base, f64::from(s));
                                    Terms::new(sums, &known, cols, term)
                                })
                            }
                        }
                    };
                }
                match *g {
                    Concave::Sqrt => gains!(Concave::Sqrt),
                    Concave::Log => gains!(Concave::Log),
                    Concave::Ratio => gains!(Concave::Ratio),
                    Concave::Power(p) => gains!(Concave::Power(p)),
                }?;
            }
            Shape::Cap(_) | Shape::CapShare(_) => {
                let room: Vec<f64> = f.caps.iter().zip(sums).map(|(cap, x)| (cap - x).max(0.0)).collect();
                columns::sums(&f.similarity, ask, out, ctl, |cols| {
                    Terms::new(&room, &room, cols, |s, room, _| {
                        let s = f64::from(s);
                        if s < room { s } else { room }
                    })
                })?;
            }
        }
        if let Some(next) = next {
            self.sums = next; // last: Err has changed nothing
        }
        Ok(())
    }

    fn has_ceilings(&self) -> bool {
        !self.f.means.is_empty()
    }

    /// A concave function lies below its tangents. With the tangent at what an item adds to a row on average, a bound is
    /// one product a row, and tight once what an item adds is little beside the sum.
    fn ceilings(&self, ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = &*self.f;
        let Shape::Concave(g, weights) = &f.shape else { return Ok(()) };
        let mut constant = 0.0;
        let slopes: Vec<f64> = (self.sums.iter().zip(&f.means).enumerate())
            .map(|(row, (&x, &mean))| {
                if mean == 0.0 {
                    return 0.0; // as every entry of the row
                }
                let w = weights.as_ref().map_or(1.0, |w| w[row]);
                let slope = w * g.slope(x + mean);
                constant += w * g.step(x, g.base(x), mean) - slope * mean;
                slope
            })
            .collect();
        let mut bounds = vec![0.0; ask.len()];
        columns::sums(&f.similarity, ask, &mut bounds, ctl, |cols| {
            Terms::new(&slopes, &slopes, cols, |s, slope, _| slope * f64::from(s))
        })?;
        out.iter_mut().zip(bounds).for_each(|(out, bound)| *out = out.min(constant + bound));
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Sums { f: self.f.clone(), sums: self.sums.clone() })
    }
}
