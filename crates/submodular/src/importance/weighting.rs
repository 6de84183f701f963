//! From gains to weights, in logarithms: no gain is too large, too small or negative.

use crate::Error;

/// From a gain over the temperature, x, to a weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weighting {
    /// 1 + x + x^2/2, the first terms of exp(x): positive for every x, and a milder preference.
    #[default]
    TaylorSoftmax,
    /// exp(x).
    Softmax,
    /// 1.
    Uniform,
}

impl Weighting {
    /// Every weighting.
    pub const ALL: [Self; 3] = [Weighting::TaylorSoftmax, Weighting::Softmax, Weighting::Uniform];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Weighting::TaylorSoftmax => "taylor_softmax",
            Weighting::Softmax => "softmax",
            Weighting::Uniform => "uniform",
        }
    }
}

/// The weights of some gains, up to a common factor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    weighting: Weighting,
    temperature: f64,
    /// The largest gain, where only differences from it count.
    largest: f64,
}

/// Beyond this x, 1 + x + x^2/2 is x^2/2 to the last digit.
const SQUARE_ALONE: f64 = 1e20;

impl Weights {
    pub(super) fn new(weighting: Weighting, temperature: f64, gains: impl Iterator<Item = f64>) -> Self {
        let largest = match weighting {
            Weighting::Softmax => gains.fold(f64::NEG_INFINITY, f64::max),
            Weighting::TaylorSoftmax | Weighting::Uniform => 0.0,
        };
        Self { weighting, temperature, largest }
    }

    /// The logarithm of a weight; minus infinity where its share is 0.
    #[inline]
    pub(super) fn log(&self, gain: f64) -> f64 {
        match self.weighting {
            Weighting::TaylorSoftmax => {
                let x = gain / self.temperature;
                if x.abs() > SQUARE_ALONE {
                    2.0 * (gain.abs().ln() - self.temperature.ln()) - std::f64::consts::LN_2
                } else {
                    // 1 + x + x^2/2 without a difference of large numbers.
                    (0.5 + 0.5 * (1.0 + x) * (1.0 + x)).ln()
                }
            }
            Weighting::Softmax => (gain - self.largest) / self.temperature,
            Weighting::Uniform => 0.0,
        }
    }
}

pub(super) fn check_temperature(temperature: f64) -> Result<(), Error> {
    if temperature.is_finite() && temperature > 0.0 {
        return Ok(());
    }
    let reason = format!("{temperature}; expected a positive finite number");
    Err(Error::Parameter { name: "temperature", reason })
}

pub(super) fn check_gains(gains: &[f64]) -> Result<(), Error> {
    match gains.iter().position(|gain| !gain.is_finite()) {
        Some(row) => Err(Error::NotFinite { row, column: 0, value: gains[row] }),
        None => Ok(()),
    }
}

/// The probability of each gain's item to be drawn first. O(n).
///
/// # Errors
/// [`Error::Parameter`] for a temperature that is not positive and finite, [`Error::NotFinite`].
pub fn probabilities(gains: &[f64], weighting: Weighting, temperature: f64) -> Result<Vec<f64>, Error> {
    check_temperature(temperature)?;
    check_gains(gains)?;
    let weights = Weights::new(weighting, temperature, gains.iter().copied());
    let mut shares: Vec<f64> = gains.iter().map(|&gain| weights.log(gain)).collect();
    let top = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    shares.iter_mut().for_each(|share| *share = (*share - top).exp());
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    Ok(shares)
}
