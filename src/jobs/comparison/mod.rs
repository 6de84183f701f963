//! Selections compared in pairs: which items they share, and how many of those chance would have given them.
//!
//! `matching` makes the selections sets of numbers that mean the same in all of them, `strata` counts them by group,
//! `necessity` values them by their jobs' functions; the statistics are the core's.

mod matching;
mod necessity;
mod strata;

use super::JobError;
use super::selection::{FieldError, SelectionError};
use super::service::JobService;
use super::spec::{ItemRef, LabelsSpec};
use crate::dataset::{DatasetError, DatasetRecord};
use matching::{By, Sets};
pub use necessity::JobNecessity;
use strata::Strata;
use submodular::compare::{self, Overlap, Permutation, Stability};
use submodular::{Ctl, Item};

/// Items of all selections together: what a comparison may hold is bounded by this and by what a column may take.
pub const MOST_ITEMS: u64 = 2_000_000;

/// Draws of all permutations of all pairs together: about a second.
pub const MOST_DRAWS: u64 = 100_000_000;

/// What a permutation takes beside its draws, in draws.
const DRAWS_OF_A_STREAM: u64 = 16;

/// A request for a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is compared, each with each.
    pub selections: Vec<Compared>,
    /// Items there are to choose from, at most [`LARGEST_UNIVERSE`](submodular::compare::LARGEST_UNIVERSE); none: the
    /// items of the jobs' dataset.
    pub universe: Option<u64>,
    /// The group of each item of the universe, within which permutations keep it; a column is one of the jobs' dataset.
    /// Items without a label are a group too. None: all are of one group.
    pub groups: Option<LabelsSpec>,
    /// Permutations of each pair.
    pub permutations: u64,
    /// Of their draws. A pair is permuted as it would be alone.
    pub seed: u64,
    /// Whether each is valued by the function of its job.
    pub necessity: bool,
}

/// One selection, and where it stands in the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// JSON pointer.
    pub pointer: String,
    /// What was selected.
    pub chosen: Chosen,
}

/// What was selected.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    /// The result of this job.
    Job(String),
    /// These.
    Items(Vec<ItemRef>),
}

/// Two of the selections.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Position of the one.
    pub a: usize,
    /// Position of the other, which is later.
    pub b: usize,
    /// What they share.
    pub overlap: Overlap,
    /// The permutation test, where one was asked for.
    pub permutation: Option<Permutation>,
}

/// What a comparison finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// Every pair of the selections, in order.
    pub pairs: Vec<Pair>,
    /// All of them together.
    pub stability: Stability,
    /// What each is worth to its job's function, where that was asked for.
    pub necessity: Option<Vec<JobNecessity>>,
}

/// Why selections cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A job gives no selection.
    #[error("{error}")]
    Job {
        /// JSON pointer to its id.
        pointer: String,
        /// Why.
        error: Box<JobError>,
    },
    /// The request has offences, or the service failed.
    #[error(transparent)]
    Refused(#[from] JobError),
}

impl From<DatasetError> for CompareError {
    fn from(error: DatasetError) -> Self {
        Self::Refused(error.into())
    }
}

impl CompareError {
    fn invalid(errors: Vec<FieldError>) -> Self {
        Self::Refused(SelectionError::Invalid(errors).into())
    }

    fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, detail)])
    }
}

impl JobService {
    /// Compares. Blocks on the disk, and computes for about a second at most; for what selections are worth two more, in a
    /// pool of its own, until `ctl` stops it.
    ///
    /// # Errors
    /// [`CompareError`].
    pub fn compare(&self, tenant: &str, request: &Comparison, ctl: &Ctl) -> Result<Compare, CompareError> {
        let members = self.members(tenant, &request.selections)?;
        let dataset = self.common_dataset(tenant, &members)?;
        let Sets { by, sets } = self.sets(&members, dataset.as_ref(), request.universe)?;
        let universe = match (request.universe, &dataset) {
            (Some(given), _) => given,
            (None, Some(record)) => record.items() as u64,
            (None, None) => {
                let detail = "required: the selections are of no dataset, of several, or of one that is gone";
                return Err(CompareError::at("/universe", "invalid_parameter", detail));
            }
        };
        refuse_small_universe(universe, &sets)?;
        let of = match &request.groups {
            Some(labels) => Some(self.group_of_each(labels, by, dataset.as_ref(), universe)?),
            None => None,
        };
        // Where the dataset is stored the universe is a count of its rows; elsewhere its items are numbered.
        let numbered = by == By::Row && (dataset.is_none() || of.is_some());
        if let Some(row) = sets.iter().filter_map(|set| set.last()).max().filter(|&&row| row >= universe)
            && numbered
        {
            let detail = format!("row {row} was selected, and a universe of {universe} items ends before it");
            return Err(CompareError::at("/universe", "invalid_parameter", detail));
        }
        let strata = Strata::new(universe, of.as_deref(), &sets);
        let stability = stability(universe, &sets)?;
        let pairs = pairs(request, &stability, &strata)?;
        let necessity = request.necessity.then(|| self.necessity(tenant, &members, ctl)).transpose()?;
        Ok(Compare { pairs, stability, necessity })
    }

    /// The number of the group of each item of the universe.
    fn group_of_each(
        &self,
        labels: &LabelsSpec,
        by: By,
        dataset: Option<&DatasetRecord>,
        universe: u64,
    ) -> Result<Vec<u32>, CompareError> {
        if by == By::Id {
            let detail = "groups are of rows, and these selections are matched by id";
            return Err(CompareError::at("/groups", "invalid_parameter", detail));
        }
        let (of, pointer) = match (labels, dataset) {
            (LabelsSpec::Values(labels), _) => (strata::numbered(labels), "/groups/values"),
            (LabelsSpec::Column(name), Some(record)) => {
                let column = self.shared.datasets.source(record)?.column(name);
                let column = column.map_err(|error| error.at("/groups/column"))?;
                (strata::numbered(&super::selection::labels(column)), "/groups/column")
            }
            (LabelsSpec::Column(_), None) => {
                let detail =
                    "a column is one of the jobs' dataset, and there is none; give the labels as values";
                return Err(CompareError::at("/groups/column", "invalid_parameter", detail));
            }
        };
        if of.len() as u64 != universe {
            let detail = format!("{} labels for a universe of {universe} items", of.len());
            return Err(CompareError::at(pointer, "shape_mismatch", detail));
        }
        Ok(of)
    }
}

fn refuse_small_universe(universe: u64, sets: &[Vec<u64>]) -> Result<(), CompareError> {
    let mut all = sets.concat();
    all.sort_unstable();
    all.dedup();
    if all.len() as u64 <= universe {
        return Ok(());
    }
    let detail = format!("{universe} items, and {} different ones were selected", all.len());
    Err(CompareError::at("/universe", "invalid_parameter", detail))
}

/// The overlaps. The numbers of the sets are counted through: the core's items have 32 bits.
fn stability(universe: u64, sets: &[Vec<u64>]) -> Result<Stability, CompareError> {
    let mut all = sets.concat();
    all.sort_unstable();
    all.dedup();
    let number = |x: &u64| all.partition_point(|y| y < x) as Item;
    let counted: Vec<Vec<Item>> = sets.iter().map(|set| set.iter().map(number).collect()).collect();
    let slices: Vec<&[Item]> = counted.iter().map(Vec::as_slice).collect();
    Stability::new(usize::try_from(universe).unwrap_or(usize::MAX), &slices).map_err(core)
}

fn pairs(request: &Comparison, stability: &Stability, strata: &Strata) -> Result<Vec<Pair>, CompareError> {
    if request.permutations > 0 {
        let mut draws = 0;
        for pair in stability.pairs() {
            draws += DRAWS_OF_A_STREAM + strata.shuffle(pair.a, pair.b)?.draws();
        }
        let most = MOST_DRAWS / draws.max(1);
        if request.permutations > most {
            let detail = format!(
                "{} permutations of {draws} draws; at most {MOST_DRAWS} draws are made, which is not a setting: \
                 {most} permutations would fit",
                request.permutations
            );
            return Err(CompareError::at("/permutations", "estimate_exceeds_limit", detail));
        }
    }
    let pair = |&compare::Pair { a, b, overlap }: &compare::Pair| {
        let permutation = match request.permutations {
            0 => None,
            count => strata.shuffle(a, b)?.test(overlap.intersection(), count, request.seed),
        };
        Ok(Pair { a, b, overlap, permutation })
    };
    stability.pairs().iter().map(pair).collect()
}

/// Counts that the core refuses although they have been checked.
fn core(error: submodular::Error) -> CompareError {
    CompareError::Refused(SelectionError::Core(error).into())
}
