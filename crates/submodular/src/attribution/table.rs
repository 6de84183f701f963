//! Everything a model says of an input of few regions, known beforehand.

use super::{Evaluator, InvalidOutput, Model, Output, Pair, Reading, Scores};
use crate::{Ctl, Halt, Item, Set};

/// Regions a table can be of: it has `2^16` rows then.
pub const MOST_TABLE_REGIONS: usize = 16;

/// What is wrong with a table. Rows count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTable {
    /// More rows than anybody would send.
    #[error("{count} regions have 2^{count} sets; a table takes at most {MOST_TABLE_REGIONS} regions")]
    TooManyRegions {
        /// How many there are.
        count: usize,
    },
    /// Not one row a set.
    #[error("{what} has {found} rows; expected {expected}, one a set of regions")]
    Rows {
        /// `probs` or `evidence`.
        what: &'static str,
        /// Two to the number of regions.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A row that the set function cannot use.
    #[error("row {row}, {output}")]
    Output {
        /// The set, one bit a region.
        row: usize,
        /// What is wrong with it.
        output: InvalidOutput,
    },
}

impl InvalidTable {
    /// Where, as JSON pointer below the table.
    pub fn pointer(&self) -> String {
        match self {
            Self::TooManyRegions { .. } => String::new(),
            Self::Rows { what, .. } => format!("/{what}"),
            Self::Output { row, output } => match output.position {
                Some(position) => format!("/{}/{row}/{position}", output.field),
                None => format!("/{}/{row}", output.field),
            },
        }
    }
}

/// The outputs for every set; row `r` is of the regions whose bits are set in `r`.
#[derive(Debug, Clone)]
pub struct Table {
    count: usize,
    target: usize,
    readings: Vec<Reading>,
}

impl Table {
    /// `probs` and, where confidence is evidential, `evidence`: `2^count` rows of one number a class. O(2^count K).
    ///
    /// # Errors
    /// [`InvalidTable`].
    pub fn new(
        count: usize,
        model: &Model,
        probs: &[Vec<f64>],
        evidence: Option<&[Vec<f64>]>,
    ) -> Result<Self, InvalidTable> {
        if count > MOST_TABLE_REGIONS {
            return Err(InvalidTable::TooManyRegions { count });
        }
        let expected = 1 << count;
        for (what, found) in [("probs", Some(probs.len())), ("evidence", evidence.map(<[_]>::len))] {
            if let Some(found) = found.filter(|&found| found != expected) {
                return Err(InvalidTable::Rows { what, expected, found });
            }
        }
        let output = |row: usize| Output {
            scores: Scores::Probabilities(probs[row].clone()),
            evidence: evidence.map(|rows| rows[row].clone()),
            confidence: None,
        };
        for row in 0..expected {
            let refused = |output| InvalidTable::Output { row, output };
            model.check(&output(row), false).map_err(refused)?;
        }
        // Checked: every row has class probabilities.
        let target = model.target().or_else(|| Model::likeliest(&output(expected - 1))).unwrap_or_default();
        let readings = (0..expected).map(|row| model.read(&output(row), target)).collect();
        Ok(Self { count, target, readings })
    }

    fn pair(&self, set: &[Item]) -> Pair {
        let row = set.iter().fold(0, |row, &region| row | 1_usize << region);
        let complement = self.readings.len() - 1 - row;
        Pair { shown: self.readings[row], complement: self.readings[complement] }
    }
}

impl Evaluator for Table {
    fn count(&self) -> usize {
        self.count
    }
    fn target(&self) -> Option<usize> {
        Some(self.target)
    }
    fn pairs(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<Pair>, Halt> {
        ctl.tick(sets.len() as u64)?;
        Ok(sets.iter().map(|set| self.pair(set)).collect())
    }
    fn known(&self, set: &[Item]) -> Option<Pair> {
        Some(self.pair(set))
    }
}
