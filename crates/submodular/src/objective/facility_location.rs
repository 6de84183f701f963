//! Facility location: `f(S) = sum over represented rows i of w_i max(0, max over j in S of s_ij)`, and its kin that
//! clamp what a row can gain.
//!
//! Monotone, submodular, normalised: every represented row is served by the chosen item most similar to it. Negative
//! similarities never count, since the running maximum starts at 0. One gain costs O(rows) similarities; the state is
//! 4 bytes a row.
//!
//! Clamped between a floor and a cap per row, `sum_i clamp(max_j s_ij, floor_i, cap_i) - floor_i` is at once the mutual
//! information with a query (cap `eta max_q s_iq`), the gain given a private set (floor `nu max_p s_ip`) and both
//! (Iyer et al. 2021): nothing new is gained of a row below its floor or above its cap.

use super::columns;
use super::{Objective, Properties, State};
use crate::similarity::{Any, Similarity};
use crate::tile::{Cover, Terms, above};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

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
    clamp: Option<Clamp>,
}

/// What a row can gain at most, and from where on, both at least 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Clamp {
    /// Similarity up to which nothing is gained, per represented row.
    pub floor: Vec<f32>,
    /// Similarity beyond which nothing is gained, per represented row; below the floor, the row gains nothing.
    pub cap: Vec<f32>,
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
        Ok(Self { similarity, weights, reduction, clamp: None })
    }

    /// The function whose rows are clamped, each of weight 1.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::Parameter`] for a negative bound. A cap may be infinite.
    pub fn clamped(similarity: S, clamp: Clamp) -> Result<Self, Error> {
        let expected = similarity.rows();
        for (what, bounds) in [("floors", &clamp.floor), ("caps", &clamp.cap)] {
            if bounds.len() != expected {
                return Err(Error::Shape { what, expected, found: bounds.len() });
            }
            if let Some(row) = bounds.iter().position(|bound| bound.is_nan() || *bound < 0.0) {
                let reason = format!("row {row} has {}; expected at least 0", bounds[row]);
                return Err(Error::Parameter { name: what, reason });
            }
        }
        if let Some(row) = clamp.floor.iter().position(|floor| floor.is_infinite()) {
            return Err(Error::NotFinite { row, column: 0, value: f64::INFINITY });
        }
        let cap = clamp.cap.iter().zip(&clamp.floor).map(|(&cap, &floor)| cap.max(floor)).collect();
        let clamp = Some(Clamp { cap, ..clamp });
        Ok(Self { similarity, weights: None, reduction: Reduction::Sum, clamp })
    }

    fn scale(&self) -> f64 {
        match self.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / self.similarity.rows() as f64,
        }
    }
}

/// Not generic, so that the kernels are compiled with this crate, optimised even where its user is not.
///
/// # Errors
/// As [`FacilityLocation::new`].
pub fn facility_location(
    similarity: Any,
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
        properties(!self.similarity.square())
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.similarity.rows(), self.weights.is_some())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        let cover = match &self.clamp {
            Some(clamp) => clamp.floor.clone(),
            None => vec![0.0; self.similarity.rows()],
        };
        Box::new(Covered { cover, f: self })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let similarity = self.similarity.restrict(items);
        // The rows of a square similarity are its items, and are restricted with them.
        let square = self.similarity.square();
        let weights = self.weights.as_ref().map(|weights| part(weights, items, square));
        let clamp = self.clamp.as_ref().map(|Clamp { floor, cap }| Clamp {
            floor: part(floor, items, square),
            cap: part(cap, items, square),
        });
        Ok(Arc::new(FacilityLocation { similarity, weights, reduction: self.reduction, clamp }))
    }
}

fn part<T: Copy>(rows: &[T], items: &[Item], square: bool) -> Vec<T> {
    if square { items.iter().map(|&e| rows[e as usize]).collect() } else { rows.to_vec() }
}

/// What holds for every similarity and all weights. No slack: terms are non-negative, never rise, and are summed in one
/// order, so computed gains never rise.
///
/// `apart`: the represented rows are not the items, so that a part of the items has all of them.
pub fn properties(apart: bool) -> Properties {
    Properties {
        streamable: apart,
        restricts_exactly: apart,
        monotone: true,
        submodular: true,
        normalised: true,
        nonnegative: true,
        ..Properties::default()
    }
}

/// Bytes of the coverage (held twice while it grows), the weights and the scratch of gains.
pub fn memory(rows: usize, weighted: bool) -> u64 {
    (rows * 8 + if weighted { rows * 8 } else { 0 }) as u64 + columns::scratch(rows)
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
        columns::fold(&self.f.similarity, &mut next, add, ctl, Cover::new)?;
        if let Some(Clamp { cap, .. }) = &self.f.clamp {
            next.iter_mut().zip(cap).for_each(|(cover, &cap)| *cover = cover.min(cap));
        }
        Ok(next)
    }

    fn gains(&self, cover: &[f32], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = &*self.f;
        match (&f.clamp, &f.weights) {
            (Some(Clamp { cap, .. }), _) => columns::sums(&f.similarity, ask, out, ctl, |cols| {
                Terms::new(cover, cap, cols, |s, cover, cap| above(if s < cap { s } else { cap }, cover))
            })?,
            (None, Some(weights)) => columns::sums(&f.similarity, ask, out, ctl, |cols| {
                Terms::new(cover, weights, cols, |s, cover, weight| above(s, cover) * weight)
            })?,
            (None, None) => columns::sums(&f.similarity, ask, out, ctl, |cols| {
                Terms::new(cover, cover, cols, |s, cover, _| above(s, cover))
            })?,
        }
        let scale = f.scale();
        out.iter_mut().for_each(|gain| *gain *= scale);
        Ok(())
    }
}

impl<S: Similarity> State for Covered<S> {
    fn value(&self) -> f64 {
        let sum: f64 = match (&self.f.clamp, &self.f.weights) {
            (Some(Clamp { floor, .. }), _) => {
                self.cover.iter().zip(floor).map(|(&c, &floor)| f64::from(c) - f64::from(floor)).sum()
            }
            (None, Some(weights)) => self.cover.iter().zip(weights).map(|(&c, w)| f64::from(c) * w).sum(),
            (None, None) => self.cover.iter().map(|&c| f64::from(c)).sum(),
        };
        sum * self.f.scale()
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let next = if add.is_empty() { None } else { Some(self.covered(add, ctl)?) };
        self.gains(next.as_deref().unwrap_or(&self.cover), ask, out, ctl)?;
        if let Some(next) = next {
            self.cover = next; // last: Err has changed nothing
        }
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Covered { f: self.f.clone(), cover: self.cover.clone() })
    }
}
