//! F(S) = `w_conf` confidence + `w_eff` effectiveness + `w_cons` consistency + `w_coll` collaboration.

use super::{Output, Scores};
use crate::Error;

/// Kept from the logarithm of a probability of 0, as both papers' systems do.
const LOG_FLOOR: f64 = 1e-7;
/// Largest weight, and largest effectiveness of one region: F stays a number.
const MOST_WEIGHT: f64 = 1e100;
/// Largest `clamp`: e to it is still a number.
const MOST_CLAMP: f64 = 700.0;

/// How much each term counts. The papers number their weights, and not alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Of how sure the model is of what it says of S.
    pub confidence: f64,
    /// Of how far the regions of S are from each other.
    pub effectiveness: f64,
    /// Of the target's probability when S is shown.
    pub consistency: f64,
    /// Of what the target's probability lacks when all but S is shown.
    pub collaboration: f64,
}

/// Where the confidence term comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ConfidenceForm {
    /// `1 - K / sum_k (e_k + 1)` with the evidence `e_k = exp(clamp(scale out_k, -clamp, clamp))` of a model of its
    /// own: one minus the uncertainty of a Dirichlet distribution.
    Evidential {
        /// What outputs are multiplied by.
        scale: f64,
        /// Bound on what stands in the exponent.
        clamp: f64,
    },
    /// `1 - H(p) / log K`, `H(p) = - sum_k p_k log(p_k + 1e-7)`, of the class probabilities.
    Entropy,
    /// A number that comes with each answer.
    Given,
}

/// Everything that makes four terms one function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much each term counts: finite, at least 0, not all 0.
    pub weights: Weights,
    /// Where confidence comes from.
    pub confidence: ConfidenceForm,
    /// Effectiveness of a set of one region, which has no other to be far from: finite, at least 0.
    pub single_effectiveness: f64,
}

impl Settings {
    /// SMDL-Attribution as released for birds: weights 1, evidential confidence, a single region effective by 1.
    pub fn smdl() -> Self {
        Self {
            weights: Weights { confidence: 1.0, effectiveness: 1.0, consistency: 1.0, collaboration: 1.0 },
            confidence: ConfidenceForm::Evidential { scale: 1.0, clamp: 10.0 },
            single_effectiveness: 1.0,
        }
    }

    /// LiMA: consistency 20, collaboration 5, confidence 0.05, effectiveness 0.01, confidence from the entropy, a
    /// single region effective by 0.
    pub fn lima() -> Self {
        Self {
            weights: Weights { confidence: 0.05, effectiveness: 0.01, consistency: 20.0, collaboration: 5.0 },
            confidence: ConfidenceForm::Entropy,
            single_effectiveness: 0.0,
        }
    }

    /// Refuses an effectiveness that counts where distances are not known.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check_distances(&self, known: bool) -> Result<(), Error> {
        if self.weights.effectiveness == 0.0 || known {
            return Ok(());
        }
        let reason = "effectiveness needs features or distances of the regions; give them, or the weight 0";
        Err(Error::Parameter { name: "weights.effectiveness", reason: reason.into() })
    }

    /// Refuses what has no meaning.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the parameter's name.
    pub fn check(&self) -> Result<(), Error> {
        let Weights { confidence, effectiveness, consistency, collaboration } = self.weights;
        let least = [
            ("weights.confidence", confidence),
            ("weights.effectiveness", effectiveness),
            ("weights.consistency", consistency),
            ("weights.collaboration", collaboration),
            ("single_effectiveness", self.single_effectiveness),
        ];
        for (name, value) in least {
            if !(0.0..=MOST_WEIGHT).contains(&value) {
                let reason = format!("{value} is not a number from 0 to {MOST_WEIGHT:e}");
                return Err(Error::Parameter { name, reason });
            }
        }
        if confidence + effectiveness + consistency + collaboration == 0.0 {
            let reason = "all are 0; give at least one term a weight above 0".into();
            return Err(Error::Parameter { name: "weights", reason });
        }
        if let ConfidenceForm::Evidential { scale, clamp } = self.confidence {
            if !(scale > 0.0 && scale.is_finite()) {
                let reason = format!("{scale} is not a finite number above 0");
                return Err(Error::Parameter { name: "evidence.scale", reason });
            }
            if !(clamp > 0.0 && clamp <= MOST_CLAMP) {
                let reason = format!("{clamp} is not a number above 0 and at most {MOST_CLAMP}");
                return Err(Error::Parameter { name: "evidence.clamp", reason });
            }
        }
        Ok(())
    }
}

impl ConfidenceForm {
    /// The confidence term of what a model said; `None` where the answer does not tell.
    pub fn of(self, output: &Output) -> Option<f64> {
        match self {
            Self::Evidential { scale, clamp } => output.evidence.as_ref().map(|evidence| {
                let sum: f64 =
                    evidence.iter().map(|out| (scale * out).clamp(-clamp, clamp).exp() + 1.0).sum();
                1.0 - evidence.len() as f64 / sum
            }),
            Self::Entropy => match &output.scores {
                Scores::Probabilities(p) => {
                    let entropy = -p.iter().map(|p| p * (p + LOG_FLOOR).ln()).sum::<f64>();
                    Some(1.0 - entropy / (p.len() as f64).ln())
                }
                Scores::Target(_) => None,
            },
            Self::Given => output.confidence,
        }
    }
}

/// The four terms of one set, unweighted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// `None` where no answer tells.
    pub confidence: Option<f64>,
    /// `None` where distances are not known.
    pub effectiveness: Option<f64>,
    /// The target's probability with S shown.
    pub consistency: f64,
    /// One minus the target's probability with all but S shown.
    pub collaboration: f64,
}

impl Terms {
    /// F(S); `None` where a term that counts is not known.
    pub fn value(&self, weights: &Weights) -> Option<f64> {
        // A term that does not count may be anything.
        let weighted = |weight: f64, term: Option<f64>| {
            if weight == 0.0 { Some(0.0) } else { term.map(|term| weight * term) }
        };
        Some(
            weighted(weights.confidence, self.confidence)?
                + weighted(weights.effectiveness, self.effectiveness)?
                + weights.consistency * self.consistency
                + weights.collaboration * self.collaboration,
        )
    }
}
