//! Vectors into memory, packed as they stream by, and the objective over them.

use super::SelectionError;
use super::prepare::{Prepared, Represented, SimilarityPlan};
use super::run::{Phase, Progress, Stop, Watch};
use crate::dataset::Source;
use std::sync::Arc;
use std::time::Instant;
use submodular::Objective;
use submodular::objective::facility_location;
use submodular::similarity::plan::Plan;
use submodular::similarity::{Blocked, MatrixBuilder, Metric, Points, PointsBuilder, Similarity, Stored};
use submodular::{Ctl, Item};

/// Rows between two polls.
const ROWS: usize = 4096;

/// The objective of a prepared job, with the seconds that loading and similarities took.
pub(super) fn objective(
    prepared: &mut Prepared,
    source: &Source,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<(Arc<dyn Objective>, f64, f64), Stop> {
    let start = Instant::now();
    match prepared.similarity {
        SimilarityPlan::Precomputed => {
            let matrix = matrix(prepared, source, ctl, watch)?;
            Ok((
                facility_location::stored(matrix, prepared.weights.take(), prepared.reduction)?,
                start.elapsed().as_secs_f64(),
                0.0,
            ))
        }
        SimilarityPlan::Computed { metric, plan } => {
            let blocked = blocked(prepared, metric, source, ctl, watch)?;
            let loading = start.elapsed().as_secs_f64();
            let (weights, reduction) = (prepared.weights.take(), prepared.reduction);
            match plan {
                Plan::Blocked => Ok((facility_location::blocked(blocked, weights, reduction)?, loading, 0.0)),
                Plan::StoredF32 => {
                    let total = blocked.rows() as u64;
                    watch.progress(Progress { phase: Phase::Similarity, total, ..Progress::default() });
                    let start = Instant::now();
                    let stored = Stored::compute(&blocked, ctl)?;
                    let seconds = start.elapsed().as_secs_f64();
                    Ok((facility_location::stored(stored, weights, reduction)?, loading, seconds))
                }
            }
        }
    }
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
        Represented::Rows(rows) => (items.restrict(rows), Some(rows.clone())),
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
        Represented::Rows(kept) => {
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
