//! Vectors into memory, packed as they stream by, and the objective over them.

use super::SelectionError;
use super::prepare::{Prepared, SimilarityPlan};
use super::represented::Represented;
use super::run::{Phase, Progress, Stop, Watch};
use crate::dataset::Source;
use std::sync::Arc;
use std::time::Instant;
use submodular::Objective;
use submodular::objective::{Reduction, facility_location};
use submodular::similarity::plan::Plan;
use submodular::similarity::{Blocked, MatrixBuilder, Metric, Points, PointsBuilder, Similarity, Stored};
use submodular::{Chain, Ctl, Item};

/// Rows between two polls.
const ROWS: usize = 4096;

/// f of the chosen items over every row.
type Dense<'a> = Box<Value<'a>>;

/// See [`Dense`].
pub(super) type Value<'a> = dyn Fn(&[Item], &Ctl) -> Result<f64, Stop> + 'a;

/// What a run needs of the data.
pub(super) struct Loaded<'a> {
    /// The function to maximise.
    pub(super) objective: Arc<dyn Objective>,
    /// The value over every row, where the function looks at a sample.
    pub(super) dense: Option<Dense<'a>>,
    /// Seconds.
    pub(super) loading: f64,
    /// Seconds.
    pub(super) similarity: f64,
}

/// The objective of a prepared job.
pub(super) fn objective<'a>(
    prepared: &mut Prepared,
    source: &'a Source,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Loaded<'a>, Stop> {
    let start = Instant::now();
    let reduction = prepared.reduction;
    let sampled = matches!(prepared.represented, Represented::Sample(_));
    let (weights, all_weights) = match (&prepared.represented, prepared.weights.take()) {
        (Represented::Sample(rows), Some(all)) => {
            (Some(rows.iter().map(|&e| all[e as usize]).collect()), Some(all))
        }
        (_, weights) => (weights, None),
    };
    match prepared.similarity {
        SimilarityPlan::Precomputed => {
            let objective =
                facility_location::stored(matrix(prepared, source, ctl, watch)?, weights, reduction)?;
            let value = move |items: &[Item], ctl: &Ctl| {
                value_over_matrix(source, items, all_weights.as_deref(), reduction, ctl)
            };
            let dense = sampled.then(|| Box::new(value) as Dense<'a>);
            Ok(Loaded { objective, dense, loading: start.elapsed().as_secs_f64(), similarity: 0.0 })
        }
        SimilarityPlan::Computed { metric, plan } => {
            let blocked = blocked(prepared, metric, source, ctl, watch)?;
            let loading = start.elapsed().as_secs_f64();
            let dense = if sampled {
                let every_row = Blocked::new(Arc::clone(blocked.points()));
                let f = facility_location::facility_location(every_row, all_weights, reduction.into())?;
                Some(Box::new(move |items: &[Item], ctl: &Ctl| Ok(Chain::new(&f, items).value(ctl)?))
                    as Dense<'a>)
            } else {
                None
            };
            let start = Instant::now();
            let objective = match plan {
                Plan::Blocked => facility_location::blocked(blocked, weights, reduction)?,
                Plan::StoredF32 => {
                    let total = blocked.rows() as u64;
                    watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                    facility_location::stored(Stored::compute(&blocked, ctl)?, weights, reduction)?
                }
            };
            Ok(Loaded { objective, dense, loading, similarity: start.elapsed().as_secs_f64() })
        }
    }
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

/// Streams `source` through `take`, polling and reporting on the way.
fn stream(source: &Source, ctl: &Ctl, watch: &mut dyn Watch, take: &mut TakeRow<'_>) -> Result<(), Stop> {
    let total = source.rows() as u64;
    source.for_each_row::<Stop>(&mut |row, values| {
        if row.is_multiple_of(ROWS) {
            ctl.tick(0)?;
            watch.progress(Progress {
                phase: Phase::Loading,
                done: row as u64,
                total,
                ..Progress::default()
            });
        }
        Ok(take(row, values)?)
    })
}

fn points(
    prepared: &Prepared,
    metric: Metric,
    source: &Source,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Points, Stop> {
    let mut builder = PointsBuilder::new(prepared.limits.kernel, metric, source.rows(), source.dim())?;
    stream(source, ctl, watch, &mut |_, row| builder.push(row))?;
    Ok(builder.finish()?)
}

fn blocked(
    prepared: &Prepared,
    metric: Metric,
    source: &Source,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<Blocked, Stop> {
    let items = Arc::new(points(prepared, metric, source, ctl, watch)?);
    let (rows, identity) = match &prepared.represented {
        Represented::All => return Ok(Blocked::new(items)),
        Represented::Rows(rows) | Represented::Sample(rows) => (items.restrict(rows), Some(rows.clone())),
        Represented::Vectors(vectors) => {
            let mut builder =
                PointsBuilder::new(prepared.limits.kernel, metric, vectors.len(), source.dim())?;
            vectors.iter().try_for_each(|v| builder.push(v))?;
            (builder.finish()?, None)
        }
        Represented::Dataset(other) => (points(prepared, metric, other, ctl, watch)?, None),
    };
    Ok(Blocked::represented(Arc::new(rows), items, identity)?)
}

fn matrix(prepared: &Prepared, source: &Source, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Stored, Stop> {
    let n = source.rows();
    let rows = prepared.represented.len(n);
    let mut builder = MatrixBuilder::new(prepared.limits.kernel, rows, n)?;
    match &prepared.represented {
        Represented::Rows(kept) | Represented::Sample(kept) => {
            stream(source, ctl, watch, &mut |row, values| match kept.binary_search(&(row as Item)) {
                Ok(_) => builder.push(values),
                Err(_) => Ok(()),
            })?;
        }
        Represented::All | Represented::Vectors(_) | Represented::Dataset(_) => {
            stream(source, ctl, watch, &mut |_, values| builder.push(values))?;
        }
    }
    Ok(builder.finish()?)
}

impl From<submodular::Error> for Stop {
    fn from(error: submodular::Error) -> Self {
        Stop::Failed(SelectionError::Core(error))
    }
}
