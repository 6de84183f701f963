//! A function over its data: vectors are read once and packed for each measure, matrices come from them.

use super::{Feature, Form, Function, Ground, Plan};
use crate::dataset::Source;
use crate::jobs::selection::SelectionError;
use crate::jobs::selection::represented::Represented;
use crate::jobs::selection::run::{Phase, Progress, Stop, Watch};
use crate::jobs::spec::{CapSpec, StartSpec};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;
use submodular::objective::concave_over_modular::concave_over_modular;
use submodular::objective::disparity_min::{disparity_min, farthest_pair};
use submodular::objective::disparity_sum::disparity_sum;
use submodular::objective::facility_location::facility_location;
use submodular::objective::facility_location_cg::facility_location_cg;
use submodular::objective::facility_location_cmi::facility_location_cmi;
use submodular::objective::facility_location_mi::facility_location_mi;
use submodular::objective::facility_location_vmi::facility_location_vmi;
use submodular::objective::feature_based::feature_based;
use submodular::objective::graph_cut::graph_cut;
use submodular::objective::graph_cut_cg::graph_cut_cg;
use submodular::objective::graph_cut_mi::graph_cut_mi;
use submodular::objective::log_det::log_det;
use submodular::objective::log_det_cg::log_det_cg;
use submodular::objective::log_det_cmi::log_det_cmi;
use submodular::objective::log_det_mi::log_det_mi;
use submodular::objective::mixture::Mixture;
use submodular::objective::modular::Modular;
use submodular::objective::probabilistic_set_cover::probabilistic_set_cover;
use submodular::objective::saturated_coverage::{Cap, saturated_coverage};
use submodular::objective::set_cover::set_cover;
use submodular::objective::sum_redundancy::sum_redundancy;
use submodular::objective::{Reduction, refuse_negative};
use submodular::similarity::{
    Any, Blocked, FeaturesBuilder, MatrixBuilder, Measure, Points, PointsBuilder, Sparse, Stored,
};
use submodular::tile::Kernel;
use submodular::{Chain, Ctl, Item, Objective};

/// Rows between two polls.
const ROWS: usize = 4096;

/// A function over its data.
pub(in crate::jobs::selection) struct Built {
    /// The function to maximise.
    pub(in crate::jobs::selection) objective: Arc<dyn Objective>,
    /// Items that its own start makes the first.
    pub(in crate::jobs::selection) start: Vec<Item>,
}

/// Which of two functions is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jobs::selection) enum Stage {
    /// The one that is optimised: over a sample or a graph, where one was asked for.
    Search,
    /// The one that is meant, for the value of an answer.
    Value,
}

/// Reads data and makes functions of it. Vectors are packed once for each measure.
pub(in crate::jobs::selection) struct Loader<'a> {
    source: &'a Source,
    kernel: Kernel,
    points: Vec<(Measure, Arc<Points>)>,
    /// Seconds spent reading.
    reading: Cell<f64>,
    /// Seconds spent in all.
    all: f64,
}

impl<'a> Loader<'a> {
    pub(in crate::jobs::selection) fn new(source: &'a Source, kernel: Kernel) -> Self {
        Self { source, kernel, points: vec![], reading: Cell::new(0.0), all: 0.0 }
    }

    /// Seconds spent reading data, and computing with it.
    pub(in crate::jobs::selection) fn seconds(&self) -> (f64, f64) {
        (self.reading.get(), self.all - self.reading.get())
    }

    /// The value of a set under the function that is meant, where another was searched.
    pub(in crate::jobs::selection) fn value(
        &mut self,
        function: &Function,
        items: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<f64, Stop> {
        match (&function.form, &function.ground) {
            (Form::Mixture { parts, normalize: false }, _) => parts
                .iter()
                .try_fold(0.0, |sum, (weight, part)| Ok(sum + weight * self.value(part, items, ctl, watch)?)),
            (
                Form::FacilityLocation { weights, reduction },
                Ground::Pairs { measure: None, rows: Represented::Sample(_), .. },
            ) => value_over_matrix(self.source, items, weights.as_deref(), *reduction, ctl),
            _ => {
                let built = self.build(function, Stage::Value, &[], ctl, watch)?;
                Ok(Chain::new(&built.objective, items).value(ctl)?)
            }
        }
    }

    /// The function; `allowed`: the items that may be chosen, ascending.
    pub(in crate::jobs::selection) fn build(
        &mut self,
        function: &Function,
        stage: Stage,
        allowed: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Built, Stop> {
        let start = Instant::now();
        let built = self.make(function, stage, allowed, ctl, watch);
        self.all += start.elapsed().as_secs_f64();
        built
    }

    fn make(
        &mut self,
        function: &Function,
        stage: Stage,
        allowed: &[Item],
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Built, Stop> {
        let ground = self.ground(function, stage, ctl, watch)?;
        let start = match (&function.form, &ground) {
            (
                Form::DisparitySum { start: StartSpec::FarthestPair }
                | Form::DisparityMin { start: StartSpec::FarthestPair },
                Some(distances),
            ) if stage == Stage::Search => farthest_pair(distances, allowed, ctl)?.map_or(vec![], Vec::from),
            _ => vec![],
        };
        let objective: Arc<dyn Objective> = match (&function.form, ground) {
            (Form::Modular { scores }, _) => Arc::new(Modular::new(scores.clone())?),
            (Form::Mixture { parts, normalize }, _) => {
                let mut built = vec![];
                for (weight, part) in parts {
                    built.push((*weight, self.make(part, stage, allowed, ctl, watch)?.objective));
                }
                let mixture = Mixture::new(built)?;
                Arc::new(if *normalize { mixture.normalised(ctl)? } else { mixture })
            }
            (form, Some(ground)) => self.over(function, form, ground, stage, ctl, watch)?,
            (_, None) => return Err(submodular::Error::Unsupported("a function without its ground").into()),
        };
        Ok(Built { objective, start })
    }

    /// A function over its ground.
    fn over(
        &mut self,
        function: &Function,
        form: &Form,
        ground: Any,
        stage: Stage,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<dyn Objective>, Stop> {
        let mut query = || self.cross(function, function.query.as_ref(), ctl, watch);
        Ok(match form {
            Form::FacilityLocation { weights, reduction } => {
                facility_location(ground, of_rows(weights.as_deref(), function, stage), *reduction)?
            }
            Form::FacilityLocationMi { eta } => facility_location_mi(ground, *eta, ctl)?,
            Form::FacilityLocationVmi { eta } => facility_location_vmi(ground, &query()?, *eta, ctl)?,
            Form::FacilityLocationCg { nu } => {
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                facility_location_cg(ground, &private, *nu, ctl)?
            }
            Form::FacilityLocationCmi { eta, nu } => {
                let query = query()?;
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                facility_location_cmi(ground, &query, &private, (*eta, *nu), ctl)?
            }
            Form::GraphCut { lambda } => graph_cut(nonnegative(function, ground, ctl)?, *lambda, ctl)?,
            Form::GraphCutMi { lambda } => graph_cut_mi(&nonnegative(function, ground, ctl)?, *lambda, ctl)?,
            Form::GraphCutCg { lambda, nu } => {
                let private = self.cross(function, function.private.as_ref(), ctl, watch)?;
                let private = nonnegative(function, private, ctl)?;
                graph_cut_cg(nonnegative(function, ground, ctl)?, &private, *lambda, *nu, ctl)?
            }
            Form::SaturatedCoverage { alpha, cap } => {
                let cap = match cap {
                    CapSpec::Fraction => Cap::Fraction,
                    CapSpec::Absolute => Cap::Absolute,
                };
                saturated_coverage(nonnegative(function, ground, ctl)?, *alpha, cap, ctl)?
            }
            Form::SumRedundancy => sum_redundancy(nonnegative(function, ground, ctl)?)?,
            Form::FeatureBased { concave, weights } => feature_based(ground, *concave, weights.clone(), ctl)?,
            Form::SetCover { weights } => set_cover(ground, weights.clone())?,
            Form::ProbabilisticSetCover { weights } => probabilistic_set_cover(ground, weights.clone())?,
            Form::ConcaveOverModular { eta, concave } => {
                concave_over_modular(nonnegative(function, ground, ctl)?, *eta, *concave, ctl)?
            }
            Form::LogDet { ridge } => log_det(ground, *ridge, function.is_definite())?,
            Form::LogDetMi { eta, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                log_det_mi(ground, (&own, &cross), *eta, *ridge, ctl)?
            }
            Form::LogDetCg { nu, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                log_det_cg(ground, (&own, &cross), *nu, *ridge, function.is_definite(), ctl)?
            }
            Form::LogDetCmi { eta, nu, ridge } => {
                let (own, cross) = self.given(function, ctl, watch)?;
                let private = function.private.as_ref().map_or(0, |rows| rows.len(self.source.rows()));
                log_det_cmi(ground, (&own, &cross), private, (*eta, *nu), *ridge, ctl)?
            }
            Form::DisparitySum { .. } => {
                disparity_sum(nonnegative(function, ground, ctl)?, function.ground.triangle())?
            }
            Form::DisparityMin { .. } => {
                disparity_min(nonnegative(function, ground, ctl)?, function.ground.triangle())?
            }
            Form::Modular { .. } | Form::Mixture { .. } => {
                return Err(submodular::Error::Unsupported("a function that has no ground").into());
            }
        })
    }

    /// What the function looks at; none where that is nothing.
    fn ground(
        &mut self,
        function: &Function,
        stage: Stage,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Option<Any>, Stop> {
        let (measure, rows, neighbors) = match &function.ground {
            Ground::Nothing => return Ok(None),
            Ground::Features(feature) => return Ok(Some(self.features(*feature, ctl, watch)?)),
            Ground::Pairs { measure, rows, neighbors } => (*measure, rows, *neighbors),
        };
        let all = Represented::All;
        let sampled = matches!(rows, Represented::Sample(_));
        let rows = if sampled && stage == Stage::Value { &all } else { rows };
        let Some(measure) = measure else {
            return Ok(Some(if function.plan == Plan::Sparse {
                self.sparse(rows, ctl, watch)?.into()
            } else {
                self.matrix(rows, ctl, watch)?.into()
            }));
        };
        let blocked = self.blocked(measure, rows, ctl, watch)?;
        let total = rows.len(self.source.rows()) as u64;
        Ok(Some(match (function.plan, stage) {
            (Plan::Neighbors, Stage::Search) => {
                watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                let symmetrise = matches!(function.form, Form::GraphCut { .. });
                Sparse::neighbors(&blocked, neighbors.unwrap_or(1), symmetrise, ctl)?.into()
            }
            (Plan::Stored, Stage::Search) => {
                watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                Stored::compute(&blocked, ctl)?.into()
            }
            _ => blocked.into(),
        }))
    }

    /// Distances of all items, recomputed when they are asked for.
    pub(in crate::jobs::selection) fn distances(
        &mut self,
        ground: &Ground,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Any, Stop> {
        Ok(match ground {
            Ground::Pairs { measure: Some(measure), .. } => {
                self.blocked(*measure, &Represented::All, ctl, watch)?.into()
            }
            Ground::Pairs { measure: None, .. } | Ground::Features(_) | Ground::Nothing => {
                self.matrix(&Represented::All, ctl, watch)?.into()
            }
        })
    }

    /// Similarities of a query's or private rows and the items; `rows` is there where the form has such rows.
    fn cross(
        &mut self,
        function: &Function,
        rows: Option<&Represented>,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Any, Stop> {
        let (Ground::Pairs { measure, .. }, Some(rows)) = (&function.ground, rows) else {
            return Err(submodular::Error::Unsupported("a function without its rows").into());
        };
        Ok(match measure {
            None => self.matrix(rows, ctl, watch)?.into(),
            Some(measure) => self.blocked(*measure, rows, ctl, watch)?.into(),
        })
    }

    /// The private rows followed by the query's, among themselves and with the items.
    fn given(&mut self, function: &Function, ctl: &Ctl, watch: &mut dyn Watch) -> Result<(Any, Any), Stop> {
        let sides: Vec<&Represented> = [&function.private, &function.query].into_iter().flatten().collect();
        let Ground::Pairs { measure, .. } = &function.ground else {
            return Err(submodular::Error::Unsupported("a kernel without its pairs").into());
        };
        let Some(measure) = *measure else {
            // Of a matrix they are rows of it, in the order given.
            let rows: Vec<Item> = sides.iter().flat_map(|side| side.rows_of_dataset()).copied().collect();
            let whole = self.matrix(&Represented::All, ctl, watch)?;
            let all: Vec<Item> = (0..self.source.rows() as Item).collect();
            return Ok((whole.part(&rows, &rows).into(), whole.part(&rows, &all).into()));
        };
        let items = self.items(measure, ctl, watch)?;
        let parts: Vec<Arc<Points>> =
            sides.iter().map(|side| self.rows(measure, side, ctl, watch)).collect::<Result<_, _>>()?;
        let identity: Option<Vec<Item>> = sides
            .iter()
            .all(|side| side.is_of_dataset())
            .then(|| sides.iter().flat_map(|side| side.rows_of_dataset()).copied().collect());
        let rows = Arc::new(Points::concat(&parts)?);
        let own = Blocked::new(Arc::clone(&rows));
        Ok((own.into(), Blocked::represented(rows, items, identity)?.into()))
    }

    fn items(&mut self, measure: Measure, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Arc<Points>, Stop> {
        if let Some((_, points)) = self.points.iter().find(|(known, _)| *known == measure) {
            return Ok(Arc::clone(points));
        }
        let points = Arc::new(self.read(measure, self.source, ctl, watch)?.with_gap(ctl)?);
        self.points.push((measure, Arc::clone(&points)));
        Ok(points)
    }

    fn rows(
        &mut self,
        measure: Measure,
        rows: &Represented,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Arc<Points>, Stop> {
        let items = self.items(measure, ctl, watch)?;
        Ok(match rows {
            Represented::All => items,
            Represented::Rows(rows) | Represented::Sample(rows) => Arc::new(items.restrict(rows)),
            Represented::Vectors(vectors) => {
                let mut builder = PointsBuilder::new(self.kernel, measure, vectors.len(), self.source.dim())?;
                vectors.iter().try_for_each(|v| builder.push(v))?;
                Arc::new(builder.finish()?)
            }
            Represented::Dataset(other) => Arc::new(self.read(measure, other, ctl, watch)?),
        })
    }

    fn blocked(
        &mut self,
        measure: Measure,
        rows: &Represented,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Blocked, Stop> {
        let items = self.items(measure, ctl, watch)?;
        if matches!(rows, Represented::All) {
            return Ok(Blocked::new(items));
        }
        let identity = rows.is_of_dataset().then(|| rows.rows_of_dataset().to_vec());
        let rows = self.rows(measure, rows, ctl, watch)?;
        Ok(Blocked::represented(rows, items, identity)?)
    }

    fn read(
        &self,
        measure: Measure,
        source: &Source,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Points, Stop> {
        let mut builder = PointsBuilder::new(self.kernel, measure, source.rows(), source.dim())?;
        self.stream(source, ctl, watch, &mut |_, row| builder.push(row))?;
        Ok(builder.finish()?)
    }

    /// Streams `source` through `take`, polling and reporting on the way.
    fn stream(
        &self,
        source: &Source,
        ctl: &Ctl,
        watch: &mut dyn Watch,
        take: &mut TakeRow<'_>,
    ) -> Result<(), Stop> {
        let (start, total) = (Instant::now(), source.rows() as u64);
        let read = source.for_each_row::<Stop>(&mut |row, values| {
            if row.is_multiple_of(ROWS) {
                ctl.tick(0)?;
                let done = row as u64;
                watch.progress(Progress { phase: Phase::Loading, done, total, ..Progress::default() });
            }
            Ok(take(row, values)?)
        });
        self.reading.set(self.reading.get() + start.elapsed().as_secs_f64());
        read
    }

    /// The dataset's own matrix, or these rows of it.
    fn matrix(&self, rows: &Represented, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Stored, Stop> {
        let n = self.source.rows();
        let mut builder = MatrixBuilder::new(self.kernel, rows.len(n), n)?;
        let kept = rows.rows_of_dataset();
        let every = !rows.is_of_dataset();
        self.stream(self.source, ctl, watch, &mut |row, values| {
            let wanted = every || kept.binary_search(&(row as Item)).is_ok();
            if wanted { builder.push(values) } else { Ok(()) }
        })?;
        Ok(builder.finish()?)
    }

    /// The entries of a sparse matrix, or those of these rows of it.
    fn sparse(&self, rows: &Represented, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Sparse, Stop> {
        let n = self.source.rows();
        let kept = rows.rows_of_dataset();
        let mut entries = vec![];
        watch.progress(Progress { phase: Phase::Loading, total: n as u64, ..Progress::default() });
        let mut read = 0_usize;
        self.source.for_each_entry::<Stop>(&mut |entry| {
            if read.is_multiple_of(ROWS) {
                ctl.tick(0)?;
            }
            read += 1;
            match rows.is_of_dataset() {
                false => entries.push((entry.row, entry.column, entry.value)),
                true => {
                    if let Ok(position) = kept.binary_search(&entry.row) {
                        entries.push((position as u32, entry.column, entry.value));
                    }
                }
            }
            Ok(())
        })?;
        Ok(Sparse::from_entries(rows.len(n), n, entries)?)
    }

    /// Coordinates as features: rows are features, columns items.
    fn features(&self, feature: Feature, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Any, Stop> {
        let mut builder = FeaturesBuilder::new(self.kernel, self.source.dim(), self.source.rows())?;
        let mut column = vec![0.0; self.source.dim()];
        self.stream(self.source, ctl, watch, &mut |row, values| {
            for (index, (to, &x)) in column.iter_mut().zip(values).enumerate() {
                *to = feature.of(x).ok_or_else(|| feature.refusal(row, index, x))?;
            }
            builder.push(&column)
        })?;
        Ok(builder.finish()?.into())
    }
}

impl Feature {
    /// What a coordinate counts for; none where it has no meaning.
    fn of(self, x: f32) -> Option<f32> {
        match self {
            Feature::Nonnegative => (x >= 0.0).then_some(x),
            Feature::Clipped => Some(x.max(0.0)),
            Feature::Probability => (0.0..=1.0).contains(&x).then_some(x),
            Feature::Above(threshold) => Some(if x > threshold { 1.0 } else { 0.0 }),
        }
    }

    fn refusal(self, row: usize, column: usize, x: f32) -> submodular::Error {
        let expected = match self {
            Feature::Probability => "probabilities are from 0 to 1",
            Feature::Nonnegative | Feature::Clipped | Feature::Above(_) => {
                "features are at least 0; \"negative\": \"clip\" counts negative ones as 0"
            }
        };
        submodular::Error::Parameter {
            name: "vectors",
            reason: format!("row {row}, column {column}: {x}; {expected}"),
        }
    }
}

/// The ground, for functions that have no meaning for negative similarities.
fn nonnegative(function: &Function, ground: Any, ctl: &Ctl) -> Result<Any, Stop> {
    let known = matches!(
        &function.ground,
        Ground::Pairs { measure: Some(measure), .. } if measure.is_nonnegative()
    );
    if !known {
        refuse_negative(&ground, ctl)?;
    }
    Ok(ground)
}

/// Weights of the rows that are looked at: those of a sample are given for all rows.
fn of_rows(weights: Option<&[f64]>, function: &Function, stage: Stage) -> Option<Vec<f64>> {
    let weights = weights?;
    Some(match &function.ground {
        Ground::Pairs { rows: Represented::Sample(rows), .. } if stage == Stage::Search => {
            rows.iter().map(|&e| weights[e as usize]).collect()
        }
        _ => weights.to_vec(),
    })
}

/// Facility location of the chosen items, row by row as the matrix streams by.
fn value_over_matrix(
    source: &Source,
    items: &[Item],
    weights: Option<&[f64]>,
    reduction: Reduction,
    ctl: &Ctl,
) -> Result<f64, Stop> {
    let mut sum = 0.0;
    source.for_each_row::<Stop>(&mut |row, values| {
        if row.is_multiple_of(ROWS) {
            ctl.tick(0)?;
        }
        let best = items.iter().map(|&e| values[e as usize]).fold(0.0, f32::max);
        sum += f64::from(best) * weights.map_or(1.0, |weights| weights[row]);
        Ok(())
    })?;
    Ok(match reduction {
        Reduction::Sum => sum,
        Reduction::Mean => sum / source.rows() as f64,
    })
}

/// Takes a row by its index.
type TakeRow<'a> = dyn FnMut(usize, &[f32]) -> Result<(), submodular::Error> + 'a;

impl From<submodular::Error> for Stop {
    fn from(error: submodular::Error) -> Self {
        Stop::Failed(SelectionError::Core(error))
    }
}
