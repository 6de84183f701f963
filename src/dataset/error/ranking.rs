//! What can be wrong with rankings. Voters and positions are counted from 0; a tie is one position.

use crate::dataset::codec::MAX_DIM;

/// Why rankings cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RankingError {
    /// A candidate that does not exist.
    #[error("voter {voter}, position {position}: there is no candidate {found}; expected {expected}")]
    UnknownCandidate {
        /// The first such voter.
        voter: usize,
        /// Where in the ranking.
        position: usize,
        /// The candidate as it was given.
        found: String,
        /// Which candidates there are.
        expected: String,
    },
    /// A candidate that a voter ranks twice.
    #[error("voter {voter}, position {position}: candidate {candidate} stands at position {first} already")]
    RepeatedCandidate {
        /// The first such voter.
        voter: usize,
        /// Where in the ranking.
        position: usize,
        /// The candidate as the format numbers it.
        candidate: usize,
        /// Where it stands already.
        first: usize,
    },
    /// A ranking of nobody.
    #[error("voter {voter} ranks no candidate")]
    EmptyRanking {
        /// The first such voter.
        voter: usize,
    },
    /// A tie of nobody.
    #[error("voter {voter}, position {position}: a tie of no candidates")]
    EmptyTie {
        /// The first such voter.
        voter: usize,
        /// Where in the ranking.
        position: usize,
    },
    /// A null where a ranking should be.
    #[error("voter {voter} has null instead of a ranking")]
    NullRanking {
        /// The first such voter.
        voter: usize,
    },
    /// An entry that is no candidate.
    #[error("voter {voter}, position {position}: {found} is no candidate; expected {expected}")]
    NotACandidate {
        /// The first such voter.
        voter: usize,
        /// Where in the ranking.
        position: usize,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// A candidate behind a pad.
    #[error("voter {voter}, position {position}: candidate {found} behind -1, which ends a ranking")]
    BehindPad {
        /// The first such voter.
        voter: usize,
        /// Where in the ranking.
        position: usize,
        /// The candidate.
        found: i64,
    },
    /// A ranking that leaves out candidates, in a file that says that none does.
    #[error(
        "voter {voter} ranks {found} of {candidates} candidates, but the data type {data_type} is of complete orders"
    )]
    Incomplete {
        /// The first such voter.
        voter: usize,
        /// Candidates ranked.
        found: usize,
        /// Candidates there are.
        candidates: usize,
        /// By the header.
        data_type: &'static str,
    },
    /// A tie in a file that says that there is none.
    #[error("voter {voter} has a tie, but the data type {data_type} is of strict orders")]
    Tied {
        /// The first such voter.
        voter: usize,
        /// By the header.
        data_type: &'static str,
    },
    /// A weight that is none.
    #[error("voter {voter} has the weight {found}; expected a finite number of at least 0")]
    Weight {
        /// The first such voter.
        voter: usize,
        /// What stands there.
        found: String,
    },
    /// Weights that cannot be summed, or that say that nobody counts.
    #[error("the weights add up to {total:e}; expected more than 0 and at most {most:e}")]
    TotalWeight {
        /// Their sum.
        total: f64,
        /// The largest sum.
        most: f64,
    },
    /// Nobody ranks, or there is nobody to rank.
    #[error("{voters} rankings of {candidates} candidates: at least one of each")]
    Empty {
        /// Rankings found.
        voters: u64,
        /// Candidates found.
        candidates: u64,
    },
    /// More candidates than are read.
    #[error("{found} candidates; at most {MAX_DIM} are read")]
    TooManyCandidates {
        /// Candidates, or places of one ranking.
        found: u64,
    },
    /// A list that has not one entry a voter.
    #[error("{found} weights for {expected} rankings")]
    WeightCount {
        /// Rankings.
        expected: usize,
        /// Weights.
        found: usize,
    },
    /// Elements that are no candidates.
    #[error("element type {found}: rankings are {expected}")]
    ElementType {
        /// The type in the format's own words.
        found: String,
        /// What they are in this format.
        expected: &'static str,
    },
    /// No column, or several, that could be the rankings.
    #[error("{}", describe_columns(.candidates))]
    Column {
        /// Names of the columns that could be.
        candidates: Vec<String>,
    },
    /// Metadata of a schema that cannot be read.
    #[error("the schema's metadata {key:?}: {reason}")]
    Metadata {
        /// Its key.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A line of a text that cannot be read.
    #[error("{0}")]
    Line(String),
    /// Numbers of a text that do not agree with its header.
    #[error("{found} {what}, but the header says {expected}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// By the header.
        expected: u64,
        /// When it was found to differ.
        found: u64,
    },
    /// An offence at a known line of a text, counted from 1.
    #[error("line {line}: {error}")]
    AtLine {
        /// The line.
        line: u64,
        /// What is wrong there.
        error: Box<RankingError>,
    },
}

impl RankingError {
    /// The code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCandidate { .. } => "unknown_item",
            Self::RepeatedCandidate { .. } => "duplicate_item",
            Self::EmptyRanking { .. }
            | Self::EmptyTie { .. }
            | Self::NullRanking { .. }
            | Self::NotACandidate { .. }
            | Self::BehindPad { .. }
            | Self::Incomplete { .. }
            | Self::Tied { .. }
            | Self::TooManyCandidates { .. }
            | Self::ElementType { .. }
            | Self::Line(_) => "invalid_ranking",
            Self::Weight { .. } | Self::TotalWeight { .. } | Self::Column { .. } | Self::Metadata { .. } => {
                "invalid_parameter"
            }
            Self::Empty { .. } | Self::WeightCount { .. } | Self::Count { .. } => "shape_mismatch",
            Self::AtLine { error, .. } => error.code(),
        }
    }

    /// This error at a line of a text.
    pub(in crate::dataset) fn at_line(self, line: u64) -> Self {
        Self::AtLine { line, error: Box::new(self) }
    }
}

fn describe_columns(candidates: &[String]) -> String {
    if candidates.is_empty() {
        "no column is a list of integers or of names, so none can be the rankings".into()
    } else {
        format!("several columns could be the rankings: {candidates:?}; name one with `vectors`")
    }
}
