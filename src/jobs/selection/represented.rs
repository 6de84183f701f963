//! The rows that have to be represented, and their weights.

use super::error::SelectionError;
use super::resolve::Resolver;
use crate::dataset::{Kind, Source};
use crate::jobs::archive::Archive;
use crate::jobs::spec::{ItemRef, RepresentedSpec, RowsSpec, ValuesSpec};
use submodular::similarity::{Measure, Metric};
use submodular::{Item, sampling};

/// A stream of draws that no step of a run uses.
const SAMPLE_STREAM: u64 = u64::MAX;

/// Which rows.
pub(super) enum Represented {
    All,
    Rows(Vec<Item>),
    /// Rows that stand for all of them, ascending.
    Sample(Vec<Item>),
    Vectors(Vec<Vec<f32>>),
    Dataset(Source),
}

impl Represented {
    pub(super) fn len(&self, all: usize) -> usize {
        match self {
            Represented::All => all,
            Represented::Rows(rows) | Represented::Sample(rows) => rows.len(),
            Represented::Vectors(vectors) => vectors.len(),
            Represented::Dataset(source) => source.rows(),
        }
    }

    /// Whether they are some of the dataset's rows.
    pub(super) fn is_of_dataset(&self) -> bool {
        matches!(self, Represented::Rows(_) | Represented::Sample(_))
    }

    /// Those rows; none where all are meant, or none are.
    pub(super) fn rows_of_dataset(&self) -> &[Item] {
        match self {
            Represented::Rows(rows) | Represented::Sample(rows) => rows,
            Represented::All | Represented::Vectors(_) | Represented::Dataset(_) => &[],
        }
    }
}

/// Looks the rows up.
pub(super) fn rows(
    resolver: &mut Resolver<'_>,
    spec: Option<&RepresentedSpec>,
    archive: &dyn Archive,
    measure: Option<Measure>,
    seed: u64,
    pointer: &str,
) -> Result<Represented, SelectionError> {
    let n = resolver.source.rows();
    Ok(match spec {
        None => Represented::All,
        Some(RepresentedSpec::Rows(rows)) => these(resolver, rows, pointer)?,
        Some(RepresentedSpec::Sample(size)) => match usize::try_from(*size) {
            Ok(size) if size >= 1 && size <= n => {
                let all = (0..).take(n).collect();
                let mut draws = sampling::stream(seed, SAMPLE_STREAM);
                Represented::Sample(sampling::without_replacement(all, size, &mut draws))
            }
            _ => {
                let detail = format!("{size}; between 1 and {n}, the number of rows");
                resolver.refuse(format!("{pointer}/sample"), "invalid_parameter", detail);
                Represented::All
            }
        },
        Some(RepresentedSpec::Vectors(vectors)) => given(resolver, vectors, measure, pointer),
        Some(RepresentedSpec::Dataset(id)) => stored(resolver, id, archive, measure, pointer)?,
    })
}

/// Looks up a query's or private rows. Their order means nothing, so rows of the dataset come in ascending order.
pub(super) fn side(
    resolver: &mut Resolver<'_>,
    spec: &RowsSpec,
    archive: &dyn Archive,
    measure: Option<Measure>,
    pointer: &str,
) -> Result<Represented, SelectionError> {
    Ok(match spec {
        RowsSpec::Rows(rows) => ascending(these(resolver, rows, pointer)?, None).0,
        RowsSpec::Vectors(vectors) => given(resolver, vectors, measure, pointer),
        RowsSpec::Dataset(id) => stored(resolver, id, archive, measure, pointer)?,
    })
}

/// Rows of the dataset.
fn these(
    resolver: &mut Resolver<'_>,
    rows: &[ItemRef],
    pointer: &str,
) -> Result<Represented, SelectionError> {
    if rows.is_empty() {
        resolver.refuse(format!("{pointer}/rows"), "invalid_parameter", "at least one row");
    }
    Ok(Represented::Rows(resolver.items(rows, &format!("{pointer}/rows"))?))
}

/// Vectors of the request.
fn given(
    resolver: &mut Resolver<'_>,
    vectors: &[Vec<f32>],
    measure: Option<Measure>,
    pointer: &str,
) -> Represented {
    let dim = resolver.source.dim();
    refuse_strangers(resolver, measure, pointer);
    if vectors.is_empty() {
        resolver.refuse(format!("{pointer}/vectors"), "invalid_parameter", "at least one vector");
    }
    if let Some((row, v)) = vectors.iter().enumerate().find(|(_, v)| v.len() != dim) {
        let detail = format!("{} numbers, but the dataset's vectors have {dim}", v.len());
        resolver.refuse(format!("{pointer}/vectors/{row}"), "shape_mismatch", detail);
    }
    for (row, vector) in vectors.iter().enumerate() {
        if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
            let detail = "not a finite number in 32 bits";
            resolver.refuse(format!("{pointer}/vectors/{row}/{column}"), "invalid_matrix", detail);
        } else if measure.is_some_and(Measure::is_of_directions) && vector.iter().all(|&x| x == 0.0) {
            let detail = "the zero vector has no direction for a cosine";
            resolver.refuse(format!("{pointer}/vectors/{row}"), "invalid_matrix", detail);
        }
    }
    Represented::Vectors(vectors.to_vec())
}

/// Every row of another dataset.
fn stored(
    resolver: &mut Resolver<'_>,
    id: &str,
    archive: &dyn Archive,
    measure: Option<Measure>,
    pointer: &str,
) -> Result<Represented, SelectionError> {
    let dim = resolver.source.dim();
    refuse_strangers(resolver, measure, pointer);
    let source = archive.dataset(id).map_err(|error| error.at(format!("{pointer}/dataset")))?;
    if source.kind() != Kind::Vectors || source.dim() != dim {
        let detail = format!(
            "it holds {} of {} numbers, but the dataset's vectors have {dim}",
            source.kind(),
            source.dim()
        );
        resolver.refuse(format!("{pointer}/dataset"), "shape_mismatch", detail);
    }
    refuse_zero_row(resolver, &source, measure, &format!("{pointer}/dataset"));
    Ok(Represented::Dataset(source))
}

/// Rows from elsewhere, where only rows of the dataset have a place.
fn refuse_strangers(resolver: &mut Resolver<'_>, measure: Option<Measure>, pointer: &str) {
    let detail = match measure {
        None => "a precomputed similarity has rows of its own dataset only: use rows or sample",
        Some(Measure::Similarity(Metric::EuclideanGap)) => {
            "euclidean_gap is of the largest distance in the dataset: use rows of it"
        }
        Some(_) => return,
    };
    resolver.refuse(pointer, "invalid_parameter", detail);
}

/// A stored vector without a direction, which the run would meet.
pub(super) fn refuse_zero_row(
    resolver: &mut Resolver<'_>,
    source: &Source,
    measure: Option<Measure>,
    pointer: &str,
) {
    if let (Some(row), Some(measure)) = (source.zero_row(), measure)
        && measure.is_of_directions()
    {
        let detail = format!("row {row} is the zero vector, which has no direction for {}", measure.name());
        resolver.refuse(pointer, "invalid_matrix", detail);
    }
}

/// Sum of weights with which no similarity in 32 bits makes the objective overflow.
const LARGEST_WEIGHT: f64 = 1e200;

/// A column is looked up in the dataset and narrowed to the represented rows.
pub(super) fn weights(
    resolver: &mut Resolver<'_>,
    spec: Option<&ValuesSpec>,
    represented: &Represented,
    pointer: &str,
) -> Result<Option<Vec<f64>>, SelectionError> {
    let Some(spec) = spec else { return Ok(None) };
    let before = resolver.errors.len();
    let mut values = resolver.values(spec, pointer)?;
    if resolver.errors.len() > before {
        return Ok(None);
    }
    match (spec, represented) {
        (ValuesSpec::Column(_), Represented::Rows(rows)) => {
            values = rows.iter().map(|&e| values[e as usize]).collect();
        }
        (ValuesSpec::Column(_), Represented::Vectors(_) | Represented::Dataset(_)) => {
            let detail = "the represented rows are not of this dataset: give the weights as values";
            resolver.refuse(pointer, "invalid_parameter", detail);
        }
        (ValuesSpec::Column(_), Represented::All | Represented::Sample(_)) | (ValuesSpec::Values(_), _) => {}
    }
    // Nobody knows beforehand which rows a sample holds: weights are given for all of them.
    let expected = match represented {
        Represented::Sample(_) => resolver.source.rows(),
        Represented::All | Represented::Rows(_) | Represented::Vectors(_) | Represented::Dataset(_) => {
            represented.len(resolver.source.rows())
        }
    };
    let sum: f64 = values.iter().sum();
    if values.len() != expected {
        let detail = format!("{} weights for {expected} represented rows", values.len());
        resolver.refuse(pointer, "shape_mismatch", detail);
    } else if let Some((row, value)) = values.iter().enumerate().find(|(_, v)| **v < 0.0) {
        let detail = format!("represented row {row} has the weight {value}; weights are at least 0");
        resolver.refuse(pointer, "invalid_parameter", detail);
    } else if sum > LARGEST_WEIGHT {
        let detail = format!("the weights add up to {sum:e}, at most {LARGEST_WEIGHT:e}: scale them down");
        resolver.refuse(pointer, "invalid_parameter", detail);
    }
    Ok(Some(values))
}

/// Represented rows in the order in which they stream by, each with its weight: f is a sum over them, so their order
/// means nothing.
pub(super) fn ascending(
    represented: Represented,
    weights: Option<Vec<f64>>,
) -> (Represented, Option<Vec<f64>>) {
    let Represented::Rows(rows) = represented else { return (represented, weights) };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_unstable_by_key(|&i| rows[i]);
    let weights = weights.map(|weights| order.iter().filter_map(|&i| weights.get(i).copied()).collect());
    (Represented::Rows(order.iter().map(|&i| rows[i]).collect()), weights)
}
