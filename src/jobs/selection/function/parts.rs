//! Memory and work of a function whose parts are searched: one by one, each as a function of its own, or to be merged.

use super::{Estimate, Form, Function, Ground, Loader, Plan, Sizes};
use crate::jobs::selection::Limits;
use crate::jobs::selection::represented::Represented;
use crate::jobs::selection::run::{Phase, Progress, Stop, Watch};
use std::time::Instant;
use submodular::kmeans::kmeans;
use submodular::objective::facility_location::facility_location;
use submodular::optimizer::PartFunction;
use submodular::similarity::{Blocked, Distance, Measure, Similarity, Stored, plan};
use submodular::{Ctl, problem};

/// How large parts are, about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::jobs::selection) struct PartSizes {
    /// How many there are.
    pub(in crate::jobs::selection) count: usize,
    /// Items of a part.
    pub(in crate::jobs::selection) mean: usize,
    /// Items of the largest.
    pub(in crate::jobs::selection) largest: usize,
    /// The sum of squares of all sizes.
    pub(in crate::jobs::selection) squares: f64,
    /// Items that a part of mean size chooses.
    pub(in crate::jobs::selection) mean_share: usize,
    /// Items that the largest chooses.
    pub(in crate::jobs::selection) largest_share: usize,
}

/// What parts take that are searched one by one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::jobs::selection) struct PartsEstimate {
    /// What they are parts of, and the work of all.
    pub(in crate::jobs::selection) whole: Estimate,
    /// Peak bytes of one part beside that.
    pub(in crate::jobs::selection) part_bytes: u64,
    /// Bytes that the similarities of a part may take to be stored; none where no part stores them for itself.
    pub(in crate::jobs::selection) stored_bytes: Option<u64>,
}

/// Parts whose answers are merged, while the whole stays what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::jobs::selection) struct Merged {
    /// Items that a part holds at most: its own, the included and the owned ones.
    pub(in crate::jobs::selection) largest: usize,
    /// Bytes that are taken before the first part, and gone with it.
    pub(in crate::jobs::selection) before: u64,
}

impl Function {
    /// Chooses how the ground is held, and says what the whole takes with a copy of its largest part: similarities are
    /// stored while both fit what the limits leave beside `books` bytes.
    pub(in crate::jobs::selection) fn estimate_merged(
        &mut self,
        sizes: Sizes,
        Merged { largest, before }: Merged,
        books: u64,
        limits: &Limits,
    ) -> Estimate {
        let mut under = |limits: &Limits| {
            let whole = self.estimate(sizes, books, limits);
            let share = (largest as f64 / sizes.n.max(1) as f64).min(1.0);
            let copied = whole.bytes as f64 * if self.holds_squares() { share * share } else { share };
            let beside = (copied as u64).saturating_add(problem::memory(largest)).max(before);
            Estimate { bytes: whole.bytes.saturating_add(beside), ..whole }
        };
        let found = under(limits);
        if found.bytes.saturating_add(books) <= limits.memory_bytes {
            return found;
        }
        under(&Limits { memory_bytes: 0, ..*limits })
    }

    /// Whether it holds a number for every pair of items, so that a part has its share of them squared.
    fn holds_squares(&self) -> bool {
        if let Form::Mixture { parts, .. } = &self.form {
            return parts.iter().all(|(_, part)| part.holds_squares());
        }
        self.ground.is_square() && matches!(self.plan, Plan::Stored | Plan::Given)
    }

    /// Chooses how the ground is held, and says what parts take: of a part the similarities are stored while they fit what
    /// the limits leave beside `books` bytes and the vectors. `sizes` are of the whole.
    pub(in crate::jobs::selection) fn estimate_parts(
        &mut self,
        sizes: Sizes,
        parts: PartSizes,
        books: u64,
        limits: &Limits,
    ) -> PartsEstimate {
        let Sizes { n, dim, evaluations, .. } = sizes;
        let inside = Sizes { n: parts.largest, k: parts.largest_share, ..sizes };
        let own = problem::memory(parts.largest).saturating_add(self.state_bytes(inside).saturating_mul(2));
        // Of squared items, how many there are in parts.
        let share = parts.squares / (n as f64 * n as f64).max(1.0);
        let whole = Sizes { k: parts.largest_share, states: 1, ..sizes };
        if !self.stores_parts() {
            let whole = self.estimate(whole, books, limits);
            let copied = (whole.bytes as f64 * (parts.largest as f64 / n.max(1) as f64)) as u64;
            let square = if self.ground.is_square() { share } else { 1.0 };
            return PartsEstimate {
                whole: Estimate {
                    preparing: whole.preparing * (1.0 + share),
                    searching: whole.searching * square,
                    ..whole
                },
                part_bytes: own.saturating_add(copied),
                stored_bytes: None,
            };
        }
        let whole = self.estimate(whole, books, &Limits { memory_bytes: 0, ..*limits });
        let left = limits.memory_bytes.saturating_sub(books).saturating_sub(whole.bytes).saturating_sub(own);
        let size = parts.largest;
        let part = plan::choose(size, size, dim, true, limits.threads, left);
        let pairs = dim as f64 * parts.squares;
        let (preparing, searching, stored_bytes) = match part.plan {
            plan::Plan::StoredF32 => (pairs, 0.0, Some(plan::matrix_bytes(size, size))),
            plan::Plan::Blocked | plan::Plan::Sparse => {
                (0.0, 2.0 * pairs * evaluations / n.max(1) as f64, None)
            }
        };
        PartsEstimate {
            whole: Estimate { preparing, searching, ..whole },
            part_bytes: own.saturating_add(part.bytes),
            stored_bytes,
        }
    }

    /// Whether a part may store its similarities where the whole does not: it is the same sum over its own rows.
    pub(in crate::jobs::selection) fn stores_parts(&self) -> bool {
        matches!(
            (&self.form, &self.ground),
            (
                Form::FacilityLocation { .. },
                Ground::Pairs { measure: Some(_), rows: Represented::All, neighbors: None }
            )
        )
    }

    /// By what vectors are alike in it; Euclidean distance where it does not compare them.
    pub(in crate::jobs::selection) fn measure(&self) -> Measure {
        self.compares().unwrap_or(Measure::Distance(Distance::Euclidean))
    }

    fn compares(&self) -> Option<Measure> {
        match (&self.form, &self.ground) {
            (Form::Mixture { parts, .. }, _) => parts.iter().find_map(|(_, part)| part.compares()),
            (_, Ground::Pairs { measure, .. }) => *measure,
            (_, Ground::Nothing | Ground::Features(_) | Ground::Rankings { .. }) => None,
        }
    }

    /// Bytes of vectors that are packed for k-means and for nothing else.
    pub(in crate::jobs::selection) fn packed_for_clusters(&self, sizes: Sizes) -> u64 {
        if self.compares().is_some() {
            return 0;
        }
        let ground = Ground::Pairs { measure: Some(self.measure()), rows: Represented::All, neighbors: None };
        Self::distances_bytes(std::iter::once(&ground), sizes)
    }
}

impl Loader<'_> {
    /// The part of each item by k-means over the vectors as `measure` packs them.
    pub(in crate::jobs::selection) fn clusters(
        &mut self,
        measure: Measure,
        parts: usize,
        seed: u64,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Vec<u32>, Stop> {
        let start = Instant::now();
        let points = self.items(measure, ctl, watch)?;
        let total = points.len() as u64;
        watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
        let clusters = kmeans(&points, parts, seed, ctl)?;
        self.all += start.elapsed().as_secs_f64();
        Ok(clusters.of)
    }

    /// Makes the function of a part, whose similarities are stored where they take at most `bytes`; none where a part has
    /// no function of its own.
    pub(in crate::jobs::selection) fn part_function(
        &mut self,
        function: &Function,
        bytes: u64,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Option<PartFunction>, Stop> {
        let (
            Form::FacilityLocation { weights, reduction },
            Ground::Pairs { measure: Some(measure), .. },
            true,
        ) = (&function.form, &function.ground, function.stores_parts())
        else {
            return Ok(None);
        };
        let whole = Blocked::new(self.items(*measure, ctl, watch)?);
        let (weights, reduction) = (weights.clone(), *reduction);
        Ok(Some(Box::new(move |items, ctl| {
            let part = whole.restrict(items);
            let fits = plan::matrix_bytes(items.len(), items.len()) <= bytes;
            let ground = if fits { Stored::compute(&part, ctl)?.into() } else { part.into() };
            let weights =
                weights.as_ref().map(|weights| items.iter().map(|&e| weights[e as usize]).collect());
            Ok(facility_location(ground, weights, reduction)?)
        })))
    }
}
