//! Whether this machine computes rightly: BLAS and LAPACK builds exist that return wrong numbers on new processors
//! without an error (OpenBLAS 0.3.20 on Sapphire Rapids), and a kernel is chosen by what the processor claims.

use crate::objective::{FacilityLocation, Reduction};
use crate::similarity::{Blocked, Metric, Points};
use crate::tile::Kernel;
use crate::{Chain, Ctl, Error, Halt, Item, Objective};
use ndarray::Array2;
use ndarray_linalg::{Cholesky, UPLO};
use std::sync::Arc;

/// Numbers that are not what they should be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A result differs from plain loops by more than rounding.
    #[error("{what} is off by {error:.1e}, where {allowed:.0e} is rounding")]
    Wrong {
        /// Which computation.
        what: String,
        /// Largest relative error found.
        error: f64,
        /// Largest that rounding explains.
        allowed: f64,
    },
    /// A computation that failed outright.
    #[error("{what} failed: {reason}")]
    Failed {
        /// Which computation.
        what: String,
        /// Its own words.
        reason: String,
    },
}

/// Compares sgemm, Cholesky and every available kernel with plain f64 loops. A few milliseconds.
///
/// # Errors
/// The first [`Fault`].
pub fn run() -> Result<(), Fault> {
    sgemm()?;
    cholesky()?;
    Kernel::available().into_iter().try_for_each(tiles)
}

/// Values in [-1, 1) without a generator: the fractional parts of multiples of an irrational.
fn value(i: usize, j: usize) -> f32 {
    let x = (i as f64 * 0.754_877_666_2 + j as f64 * 0.569_840_290_9).fract();
    (2.0 * x - 1.0) as f32
}

fn within(what: impl Into<String>, error: f64, allowed: f64) -> Result<(), Fault> {
    // Written so that NaN is a fault.
    if error <= allowed { Ok(()) } else { Err(Fault::Wrong { what: what.into(), error, allowed }) }
}

fn sgemm() -> Result<(), Fault> {
    let (n, d) = (67, 129);
    let x = Array2::from_shape_fn((n, d), |(i, j)| value(i, j));
    let product = x.dot(&x.t());
    let mut error = 0.0_f64;
    for ((i, j), &found) in product.indexed_iter() {
        let exact: f64 = (0..d).map(|t| f64::from(value(i, t)) * f64::from(value(j, t))).sum();
        error = error.max((f64::from(found) - exact).abs() / d as f64);
    }
    within("BLAS sgemm", error, 1e-6)
}

fn cholesky() -> Result<(), Fault> {
    let n = 96;
    let a = Array2::from_shape_fn((n, n), |(i, j)| {
        let distance = i.abs_diff(j) as f64;
        (-distance / 10.0).exp() + if i == j { 0.5 } else { 0.0 }
    });
    let factor = a
        .cholesky(UPLO::Lower)
        .map_err(|e| Fault::Failed { what: "LAPACK Cholesky".to_owned(), reason: e.to_string() })?;
    let mut error = 0.0_f64;
    for ((i, j), &wanted) in a.indexed_iter() {
        let found: f64 = (0..=i.min(j)).map(|t| factor[[i, t]] * factor[[j, t]]).sum();
        error = error.max((found - wanted).abs());
    }
    within("LAPACK Cholesky", error, 1e-12)
}

fn tiles(kernel: Kernel) -> Result<(), Fault> {
    let (n, d) = (131, 67);
    let what = format!("kernel {}", kernel.name());
    let rows: Vec<f32> = (0..n * d).map(|t| value(t / d, t % d)).collect();
    let failed = |e: Error| Fault::Failed { what: what.clone(), reason: e.to_string() };
    let points = Points::from_rows(kernel, Metric::Cosine, n, d, &rows).map_err(failed)?;
    let f = FacilityLocation::new(Blocked::new(Arc::new(points)), None, Reduction::Sum).map_err(failed)?;
    let f: Arc<dyn Objective> = Arc::new(f);
    let ask: Vec<Item> = (0..).take(n).collect();
    let gains = Chain::new(&f, &[]).gains(&ask, &Ctl::default()).map_err(|halt| Fault::Failed {
        what: what.clone(),
        reason: match halt {
            Halt::Failed(e) => e.to_string(),
            Halt::Cancelled | Halt::Deadline | Halt::Ask(_) => "it stopped".to_owned(),
        },
    })?;
    let row = |i: usize| rows[i * d..(i + 1) * d].iter().map(|&x| f64::from(x));
    let norm: Vec<f64> = (0..n).map(|i| row(i).map(|x| x * x).sum::<f64>().sqrt()).collect();
    let mut error = 0.0_f64;
    for (j, &found) in gains.iter().enumerate() {
        let cosine = |i: usize| row(i).zip(row(j)).map(|(x, y)| x * y).sum::<f64>() / (norm[i] * norm[j]);
        let exact: f64 = (0..n).map(|i| cosine(i).max(0.0)).sum();
        error = error.max((found - exact).abs() / exact);
    }
    within(what, error, 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_computes_rightly() {
        assert_eq!(run(), Ok(()));
    }

    #[test]
    fn nan_and_large_errors_are_faults() {
        assert!(
            within("x", f64::NAN, 1.0).is_err()
                && within("x", 2.0, 1.0).is_err()
                && within("x", 0.5, 1.0).is_ok()
        );
    }
}
