//! Memory and work of a function, from sizes alone.

use super::{Form, Function, Ground};
use crate::jobs::selection::Limits;
use crate::jobs::selection::represented::Represented;
use submodular::committee::Profile;
use submodular::objective::{
    committee, concave_over_sums, disparity_min, facility_location, log_det, pairwise,
    probabilistic_set_cover,
};
use submodular::similarity::plan;

/// How the ground is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::jobs::selection) enum Plan {
    /// There is nothing to hold.
    #[default]
    Nothing,
    /// The dataset's own matrix, or the vectors' coordinates.
    Given,
    /// The entries of a sparse matrix.
    Sparse,
    /// A graph of neighbours.
    Neighbors,
    /// All similarities in memory.
    Stored,
    /// Similarities are recomputed.
    Blocked,
}

impl Plan {
    /// Its name in results.
    pub(in crate::jobs::selection) fn name(self) -> &'static str {
        match self {
            Plan::Nothing => "none",
            Plan::Given => "precomputed",
            Plan::Sparse => "sparse",
            Plan::Neighbors => "neighbors",
            Plan::Stored => plan::Plan::StoredF32.name(),
            Plan::Blocked => plan::Plan::Blocked.name(),
        }
    }
}

/// What a function takes. Numbers beyond 64 bits are given as the largest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::jobs::selection) struct Estimate {
    /// Peak bytes of the data and its state.
    pub(in crate::jobs::selection) bytes: u64,
    /// Floating-point operations before the first pick.
    pub(in crate::jobs::selection) preparing: f64,
    /// Floating-point operations of the search.
    pub(in crate::jobs::selection) searching: f64,
}

/// Sizes of a run.
#[derive(Debug, Clone, Copy)]
pub(in crate::jobs::selection) struct Sizes {
    /// Rows of the dataset, which are the items.
    pub(in crate::jobs::selection) n: usize,
    /// Coordinates of a vector.
    pub(in crate::jobs::selection) dim: usize,
    /// Items to choose at most.
    pub(in crate::jobs::selection) k: usize,
    /// Gains that a search is expected to compute.
    pub(in crate::jobs::selection) evaluations: f64,
    /// Entries of the dataset where it is a sparse matrix.
    pub(in crate::jobs::selection) entries: Option<u64>,
    /// States of the function that the search holds at once.
    pub(in crate::jobs::selection) states: u64,
}

impl Function {
    /// Chooses how the ground is held, and says what that takes: similarities are stored while they fit what the limits
    /// leave beside `books` bytes.
    pub(in crate::jobs::selection) fn estimate(
        &mut self,
        sizes: Sizes,
        books: u64,
        limits: &Limits,
    ) -> Estimate {
        if let Form::Mixture { parts, .. } = &mut self.form {
            return parts.iter_mut().fold(Estimate::default(), |sum, (_, part)| {
                let more = part.estimate(sizes, books.saturating_add(sum.bytes), limits);
                Estimate {
                    bytes: sum.bytes.saturating_add(more.bytes),
                    preparing: sum.preparing + more.preparing,
                    searching: sum.searching + more.searching,
                }
            });
        }
        let state = self.state_bytes(sizes).saturating_mul(sizes.states);
        let cross = self.cross(sizes);
        let Sizes { n, dim, .. } = sizes;
        let left =
            limits.memory_bytes.saturating_sub(books).saturating_sub(state).saturating_sub(cross.bytes);
        let ground = match &self.ground {
            Ground::Nothing => Estimate::default(),
            Ground::Rankings { voters } => {
                self.plan = Plan::Given;
                let pairs = *voters as f64 * n as f64;
                let searching = self.scores_of_a_gain() * sizes.evaluations;
                Estimate { bytes: Profile::memory(n, *voters), preparing: 2.0 * pairs, searching }
            }
            Ground::Features(_) => {
                self.plan = Plan::Given;
                let searching = 2.0 * dim as f64 * sizes.evaluations;
                Estimate { bytes: plan::matrix_bytes(dim, n), preparing: 0.0, searching }
            }
            Ground::Pairs { measure: None, rows, .. } => match sizes.entries.filter(|_| self.takes_zeros()) {
                Some(entries) => {
                    self.plan = Plan::Sparse;
                    let bytes = plan::sparse_bytes(n, entries);
                    Estimate { bytes, ..Estimate::default() }
                }
                None => {
                    self.plan = Plan::Given;
                    Estimate { bytes: plan::matrix_bytes(rows.len(n), n), ..Estimate::default() }
                }
            },
            Ground::Pairs { measure: Some(_), neighbors: Some(m), .. } => {
                self.plan = Plan::Neighbors;
                let symmetrise = matches!(self.form, Form::GraphCut { .. });
                let estimate = plan::neighbors(n, n, dim, true, *m, symmetrise, limits.threads);
                Estimate { bytes: estimate.bytes, preparing: estimate.flops as f64, searching: 0.0 }
            }
            Ground::Pairs { measure: Some(_), rows, .. } => {
                let square = matches!(rows, Represented::All);
                let rows = rows.len(n);
                let estimate = plan::choose(rows, n, dim, square, limits.threads, left);
                let (plan, preparing, searching) = match estimate.plan {
                    plan::Plan::StoredF32 => (Plan::Stored, estimate.flops as f64, 0.0),
                    plan::Plan::Blocked | plan::Plan::Sparse => {
                        let pairs = 2.0 * dim as f64;
                        let (before, during) = self.pairs(rows, sizes);
                        (Plan::Blocked, pairs * before, pairs * during)
                    }
                };
                self.plan = plan;
                Estimate { bytes: estimate.bytes, preparing, searching }
            }
        };
        Estimate {
            bytes: ground.bytes.saturating_add(state).saturating_add(cross.bytes),
            preparing: ground.preparing + cross.preparing,
            searching: ground.searching,
        }
    }

    /// Bytes of distances that a rule or a search looks at beside the function: packed vectors, or a matrix.
    pub(in crate::jobs::selection) fn distances_bytes<'a>(
        grounds: impl Iterator<Item = &'a Ground>,
        Sizes { n, dim, .. }: Sizes,
    ) -> u64 {
        grounds
            .map(|ground| match ground {
                Ground::Pairs { measure: Some(_), .. } => (n as u64)
                    .next_multiple_of(32)
                    .saturating_mul(4 * dim as u64)
                    .saturating_add(n as u64 * 16),
                Ground::Pairs { measure: None, .. }
                | Ground::Features(_)
                | Ground::Rankings { .. }
                | Ground::Nothing => plan::matrix_bytes(n, n),
            })
            .fold(0, u64::saturating_add)
    }

    /// Similarities that are computed before the first pick and in the search where none is stored.
    pub(super) fn pairs(&self, rows: usize, Sizes { n, k, evaluations, .. }: Sizes) -> (f64, f64) {
        let (rows, n, k) = (rows as f64, n as f64, k as f64);
        match &self.form {
            Form::GraphCut { .. } | Form::GraphCutCg { .. } => (n * n, n * k),
            Form::SumRedundancy | Form::DisparitySum { .. } | Form::DisparityMin { .. } => (n, n * k),
            Form::LogDet { .. } | Form::LogDetCg { .. } => (0.0, n * k),
            Form::LogDetMi { .. } | Form::LogDetCmi { .. } => (0.0, 2.0 * n * k),
            Form::SaturatedCoverage { .. } => (rows * n, rows * evaluations),
            Form::FacilityLocationMi { .. } | Form::GraphCutMi { .. } | Form::ConcaveOverModular { .. } => {
                (rows * n, rows * evaluations)
            }
            Form::FacilityLocation { .. }
            | Form::FacilityLocationVmi { .. }
            | Form::FacilityLocationCg { .. }
            | Form::FacilityLocationCmi { .. } => (0.0, rows * evaluations),
            Form::FeatureBased { .. }
            | Form::SetCover { .. }
            | Form::ProbabilisticSetCover { .. }
            | Form::Modular { .. }
            | Form::Committee { .. }
            | Form::External { .. }
            | Form::Mixture { .. } => (0.0, 0.0),
        }
    }

    /// Similarities of a query's and private rows to all items; those of log_det among themselves are kept too.
    fn cross(&self, Sizes { n, dim, .. }: Sizes) -> Estimate {
        let rows: usize = [&self.query, &self.private].into_iter().flatten().map(|rows| rows.len(n)).sum();
        let packed = (rows as u64).next_multiple_of(32).saturating_mul(4 * dim as u64);
        Estimate {
            bytes: if rows == 0 {
                0
            } else {
                packed.saturating_add((rows as u64).saturating_mul(rows as u64 * 4))
            },
            preparing: 2.0 * dim as f64 * rows as f64 * n as f64,
            searching: 0.0,
        }
    }

    pub(super) fn state_bytes(&self, sizes: Sizes) -> u64 {
        let Sizes { n, dim, k, .. } = sizes;
        let given = [&self.query, &self.private].into_iter().flatten().map(|rows| rows.len(n)).sum();
        let rows = match &self.ground {
            Ground::Pairs { rows, .. } => rows.len(n),
            Ground::Features(_) => dim,
            Ground::Rankings { voters } => *voters,
            Ground::Nothing => 0,
        };
        match &self.form {
            Form::FacilityLocation { weights, .. } => facility_location::memory(rows, weights.is_some()),
            Form::FacilityLocationVmi { .. }
            | Form::FacilityLocationCg { .. }
            | Form::FacilityLocationCmi { .. }
            | Form::SetCover { .. } => facility_location::memory(rows, true),
            Form::FacilityLocationMi { .. } => facility_location::memory(rows, false) + n as u64 * 16,
            Form::GraphCut { .. }
            | Form::GraphCutCg { .. }
            | Form::SumRedundancy
            | Form::DisparitySum { .. } => pairwise::memory(n),
            Form::GraphCutMi { .. } | Form::Modular { .. } => n as u64 * 16,
            Form::SaturatedCoverage { .. } | Form::FeatureBased { .. } => concave_over_sums::memory(rows),
            Form::ConcaveOverModular { .. } => concave_over_sums::memory(rows) + n as u64 * 16,
            Form::ProbabilisticSetCover { .. } => probabilistic_set_cover::memory(rows),
            Form::LogDet { .. } | Form::LogDetCg { .. } => log_det::memory(n, k, given),
            Form::LogDetMi { .. } | Form::LogDetCmi { .. } => log_det::memory(n, k, given).saturating_mul(2),
            Form::DisparityMin { .. } => disparity_min::memory(n),
            Form::Committee { rule, .. } => committee::memory(rule, n, rows, k),
            // One round of sets, and every answer with its set, each as it is held and as it is sent.
            Form::External { .. } => {
                answers_bytes(k, sizes.evaluations).saturating_add((n * (4 + 4 * k)) as u64)
            }
            Form::Mixture { .. } => 0,
        }
    }

    /// Voters' scores that one gain looks at, each found among those of the members: none of a separable rule, whose
    /// totals are summed beforehand.
    pub(super) fn scores_of_a_gain(&self) -> f64 {
        match (&self.form, &self.ground) {
            (Form::Committee { rule, k }, Ground::Rankings { voters }) if !rule.separable() => {
                *voters as f64 * (*k as f64 + 2.0).log2()
            }
            _ => 0.0,
        }
    }

    /// Whether pairs that are not there count as 0, as those of a sparse matrix do; a distance of 0 is another thing.
    pub(super) fn takes_zeros(&self) -> bool {
        !matches!(self.form, Form::DisparitySum { .. } | Form::DisparityMin { .. })
    }
}

/// Bytes of so many answers about sets of up to k items.
fn answers_bytes(k: usize, answers: f64) -> u64 {
    (answers * (4 * k + 64) as f64) as u64
}
