//! What a model says of an input, what an answer must hold, and what the set function reads from it.

use super::{ConfidenceForm, Settings};
use crate::Error;

/// How far the sum of class probabilities may be from 1: rounding to three digits, not another softmax.
pub const SUM_TOLERANCE: f64 = 1e-3;

/// What a model says of the classes.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// The probability of every class.
    Probabilities(Vec<f64>),
    /// The probability of the target alone.
    Target(f64),
}

/// What a model says of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Of the classes.
    pub scores: Scores,
    /// Outputs of the evidential model, one a class.
    pub evidence: Option<Vec<f64>>,
    /// How sure the model is, from 0 to 1, where the caller measures that.
    pub confidence: Option<f64>,
}

/// The answer to one question: what is said of the input with a set of regions shown, and with all others.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// With the set.
    pub shown: Output,
    /// With the complement. Evidence and confidence may be absent here.
    pub complement: Output,
}

/// What the set function needs of an [`Output`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The target's probability.
    pub p_target: f64,
    /// The confidence term, where the output tells.
    pub confidence: Option<f64>,
}

/// What the set function needs of an [`Evaluation`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Of the set.
    pub shown: Reading,
    /// Of its complement.
    pub complement: Reading,
}

impl Pair {
    /// The same two inputs, asked about from the other side.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { shown: self.complement, complement: self.shown }
    }
}

/// What is wrong with a field of an output.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not there.
    #[error("is missing; {0}")]
    Missing(&'static str),
    /// Not one number a class.
    #[error("has {found} entries; expected {expected}, one a class")]
    Length {
        /// The number of classes.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// NaN or infinite.
    #[error("{value} is not a finite number")]
    NotFinite {
        /// What stands there.
        value: f64,
    },
    /// Not from 0 to 1.
    #[error("{value} is not from 0 to 1")]
    Range {
        /// What stands there.
        value: f64,
    },
    /// Probabilities that are not those of all classes.
    #[error("sum to {sum}; expected 1 within {SUM_TOLERANCE}")]
    Sum {
        /// Their sum.
        sum: f64,
    },
}

/// A field of an output that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}{}: {fault}", .position.map(|at| format!(" {at}")).unwrap_or_default())]
pub struct InvalidOutput {
    /// `probs`, `p_target`, `evidence` or `confidence`.
    pub field: &'static str,
    /// The class, where one entry is at fault.
    pub position: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

impl InvalidOutput {
    /// Where, as JSON pointer below the output.
    pub fn pointer(&self) -> String {
        match self.position {
            Some(position) => format!("/{}/{position}", self.field),
            None => format!("/{}", self.field),
        }
    }
}

/// A classifier as its owner describes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    classes: usize,
    target: Option<usize>,
    form: ConfidenceForm,
    needs_confidence: bool,
}

impl Model {
    /// `target`: the class to explain; where absent it is the likeliest one on the whole input.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 2 classes, and for a target that is none of them.
    pub fn new(classes: usize, target: Option<usize>, settings: &Settings) -> Result<Self, Error> {
        if classes < 2 {
            let reason = format!("{classes} is too few: at least 2");
            return Err(Error::Parameter { name: "classes", reason });
        }
        if let Some(target) = target.filter(|&target| target >= classes) {
            let reason = format!("{target} is not one of the classes 0 to {}", classes - 1);
            return Err(Error::Parameter { name: "target", reason });
        }
        let needs_confidence = settings.weights.confidence != 0.0;
        Ok(Self { classes, target, form: settings.confidence, needs_confidence })
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The class to explain, where it was given.
    pub fn target(&self) -> Option<usize> {
        self.target
    }

    /// Whether the confidence of a set must be told, because it counts.
    pub(super) fn needs_confidence(&self) -> bool {
        self.needs_confidence
    }

    /// Whether an answer about a set always tells all about its complement too: nothing else than probabilities
    /// counts.
    pub(super) fn symmetric(&self) -> bool {
        !self.needs_confidence || self.form == ConfidenceForm::Entropy
    }

    /// Refuses an output that the set function cannot use. `complement`: no confidence has to be told.
    ///
    /// # Errors
    /// [`InvalidOutput`], the first in the order probabilities, evidence, confidence.
    pub fn check(&self, output: &Output, complement: bool) -> Result<(), InvalidOutput> {
        let whole = |field, fault| InvalidOutput { field, position: None, fault };
        let needed = self.needs_confidence && !complement;
        match &output.scores {
            Scores::Probabilities(p) => {
                self.numbers("probs", p)?;
                if let Some((at, &value)) = p.iter().enumerate().find(|(_, p)| !(0.0..=1.0).contains(*p)) {
                    let fault = Fault::Range { value };
                    return Err(InvalidOutput { field: "probs", position: Some(at), fault });
                }
                let sum: f64 = p.iter().sum();
                if (sum - 1.0).abs() > SUM_TOLERANCE {
                    return Err(whole("probs", Fault::Sum { sum }));
                }
            }
            Scores::Target(_) if self.target.is_none() => {
                let why = "without a given target the probabilities of all classes tell which it is";
                return Err(whole("probs", Fault::Missing(why)));
            }
            Scores::Target(_) if self.needs_confidence && self.form == ConfidenceForm::Entropy => {
                let why = "confidence by entropy is computed from the probabilities of all classes";
                return Err(whole("probs", Fault::Missing(why)));
            }
            &Scores::Target(p) => share("p_target", p)?,
        }
        match (&output.evidence, self.form) {
            (Some(evidence), _) => self.numbers("evidence", evidence)?,
            (None, ConfidenceForm::Evidential { .. }) if needed => {
                let why = "evidential confidence is computed from one number a class";
                return Err(whole("evidence", Fault::Missing(why)));
            }
            (None, _) => {}
        }
        match (output.confidence, self.form) {
            (Some(confidence), _) => share("confidence", confidence),
            (None, ConfidenceForm::Given) if needed => {
                Err(whole("confidence", Fault::Missing("the confidence term is given with each answer")))
            }
            (None, _) => Ok(()),
        }
    }

    fn numbers(&self, field: &'static str, values: &[f64]) -> Result<(), InvalidOutput> {
        let (expected, found) = (self.classes, values.len());
        if expected != found {
            return Err(InvalidOutput { field, position: None, fault: Fault::Length { expected, found } });
        }
        match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((at, &value)) => {
                Err(InvalidOutput { field, position: Some(at), fault: Fault::NotFinite { value } })
            }
        }
    }

    /// What counts of an output that was checked. A single number is the target's probability.
    pub(super) fn read(&self, output: &Output, target: usize) -> Reading {
        let p_target = match &output.scores {
            Scores::Probabilities(p) => p[target],
            &Scores::Target(p) => p,
        };
        Reading { p_target, confidence: self.form.of(output) }
    }

    /// The likeliest class of an output that was checked, ties to the lowest.
    pub(super) fn likeliest(output: &Output) -> Option<usize> {
        match &output.scores {
            Scores::Probabilities(p) => (0..p.len()).reduce(|best, k| if p[k] > p[best] { k } else { best }),
            Scores::Target(_) => None,
        }
    }
}

fn share(field: &'static str, value: f64) -> Result<(), InvalidOutput> {
    let fault = match value {
        _ if !value.is_finite() => Fault::NotFinite { value },
        0.0..=1.0 => return Ok(()),
        _ => Fault::Range { value },
    };
    Err(InvalidOutput { field, position: None, fault })
}
