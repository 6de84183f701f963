//! The regions of one input: how much of it each one is, and how far apart they are.

use crate::Item;
use std::f64::consts::PI;

/// How far a given distance may be from 0 on the diagonal, and from its mirror image: `arccos` of a rounded cosine
/// misses by 1e-8 there.
const DISTANCE_TOLERANCE: f64 = 1e-6;
/// Largest distance: sums of them stay numbers.
const MOST_DISTANCE: f64 = 1e100;

/// What is wrong with regions. Regions and columns count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRegions {
    /// Nothing to order.
    #[error("count is 0; expected at least 1 region")]
    Empty,
    /// Fewer or more numbers or rows than there are regions.
    #[error("{what}: {found} entries; expected {expected}")]
    Length {
        /// `areas`, `features` or `distance`.
        what: &'static str,
        /// The row, where it is the row's length that is wrong.
        row: Option<usize>,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An area that is no finite number above 0.
    #[error("areas: region {region} has the area {area}; expected a finite number above 0, and a finite sum")]
    Area {
        /// The first such region.
        region: usize,
        /// Its area.
        area: f64,
    },
    /// A feature or a distance that is NaN or infinite.
    #[error("{what}: row {row}, column {column}: {value} is not a finite number")]
    NotFinite {
        /// `features` or `distance`.
        what: &'static str,
        /// The region.
        row: usize,
        /// Where in its row.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A distance below 0, or so large that sums of them are no numbers.
    #[error("distance: regions {row} and {column} are {value} apart; expected from 0 to {MOST_DISTANCE:e}")]
    Range {
        /// The region.
        row: usize,
        /// The other one.
        column: usize,
        /// Their distance.
        value: f64,
    },
    /// A region that is away from itself.
    #[error("distance: region {row} is {value} away from itself; expected 0")]
    Diagonal {
        /// The first such region.
        row: usize,
        /// What stands on the diagonal.
        value: f64,
    },
    /// A distance that depends on the direction.
    #[error("distance: from region {row} to {column} it is {value}, back it is {mirror}; expected the same")]
    Asymmetric {
        /// The region.
        row: usize,
        /// The other one, of a higher number.
        column: usize,
        /// The distance there.
        value: f64,
        /// The distance back.
        mirror: f64,
    },
    /// Features without a direction.
    #[error("features: region {row} is the zero vector, which has no angle to others")]
    ZeroRow {
        /// The first such region.
        row: usize,
    },
}

impl InvalidRegions {
    /// Where, as JSON pointer below the regions.
    pub fn pointer(&self) -> String {
        match self {
            Self::Empty => "/count".into(),
            Self::Length { what, row: None, .. } => format!("/{what}"),
            Self::Length { what, row: Some(row), .. } => format!("/{what}/{row}"),
            Self::Area { region, .. } => format!("/areas/{region}"),
            Self::NotFinite { what, row, column, .. } => format!("/{what}/{row}/{column}"),
            Self::Range { row, column, .. } | Self::Asymmetric { row, column, .. } => {
                format!("/distance/{row}/{column}")
            }
            Self::Diagonal { row, .. } => format!("/distance/{row}/{row}"),
            Self::ZeroRow { row } => format!("/features/{row}"),
        }
    }
}

/// Where distances between regions come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Geometry<'a> {
    /// The distances, row by row: symmetric, not negative, 0 on the diagonal.
    Distance(&'a [Vec<f64>]),
    /// One vector a region; the distance is `arccos(cos) / pi`, from 0 to 1.
    Features(&'a [Vec<f64>]),
    /// Nowhere: for functions without an effectiveness term.
    Unknown,
}

/// Regions `0..count` of one input. Holds 8 count (count + 1) bytes with distances.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    shares: Vec<f64>,
    distance: Option<Vec<f64>>,
}

impl Regions {
    /// Refuses what [`new`](Self::new) refuses, without the distances of features. O(count d), or O(count^2) for distances.
    ///
    /// # Errors
    /// As `new`.
    pub fn check(count: usize, areas: Option<&[f64]>, geometry: Geometry) -> Result<(), InvalidRegions> {
        match geometry {
            Geometry::Features(rows) => {
                Self::new(count, areas, Geometry::Unknown)?;
                directions(count, rows).map(|_| ())
            }
            Geometry::Distance(_) | Geometry::Unknown => Self::new(count, areas, geometry).map(|_| ()),
        }
    }

    /// `areas` in any unit, equal where absent. O(count^2 d) for features of d coordinates.
    ///
    /// # Errors
    /// [`InvalidRegions`], the first offence by row and column.
    pub fn new(count: usize, areas: Option<&[f64]>, geometry: Geometry) -> Result<Self, InvalidRegions> {
        if count == 0 {
            return Err(InvalidRegions::Empty);
        }
        let shares = match areas {
            None => vec![1.0 / count as f64; count],
            Some(areas) => shares(count, areas)?,
        };
        let distance = match geometry {
            Geometry::Distance(rows) => Some(given(count, rows)?),
            Geometry::Features(rows) => Some(angular(count, rows)?),
            Geometry::Unknown => None,
        };
        Ok(Self { shares, distance })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shares.len()
    }

    /// The share of the input that each region is; the sum is 1.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Whether distances are known.
    pub fn has_distances(&self) -> bool {
        self.distance.is_some()
    }

    /// The distance of two regions; 0 where distances are not known.
    pub fn distance(&self, a: Item, b: Item) -> f64 {
        let cell = a as usize * self.count() + b as usize;
        self.distance.as_ref().map_or(0.0, |distance| distance[cell])
    }
}

fn length(
    what: &'static str,
    row: Option<usize>,
    expected: usize,
    found: usize,
) -> Result<(), InvalidRegions> {
    if expected == found { Ok(()) } else { Err(InvalidRegions::Length { what, row, expected, found }) }
}

fn shares(count: usize, areas: &[f64]) -> Result<Vec<f64>, InvalidRegions> {
    length("areas", None, count, areas.len())?;
    let mut sum = 0.0;
    for (region, &area) in areas.iter().enumerate() {
        sum += area;
        if !(area > 0.0 && f64::is_finite(sum)) {
            return Err(InvalidRegions::Area { region, area });
        }
    }
    Ok(areas.iter().map(|area| area / sum).collect())
}

fn finite(what: &'static str, row: usize, values: &[f64]) -> Result<(), InvalidRegions> {
    match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((column, &value)) => Err(InvalidRegions::NotFinite { what, row, column, value }),
    }
}

fn given(count: usize, rows: &[Vec<f64>]) -> Result<Vec<f64>, InvalidRegions> {
    length("distance", None, count, rows.len())?;
    for (row, values) in rows.iter().enumerate() {
        length("distance", Some(row), count, values.len())?;
        finite("distance", row, values)?;
    }
    let mut distance = vec![0.0; count * count];
    for (row, values) in rows.iter().enumerate() {
        if values[row].abs() > DISTANCE_TOLERANCE {
            return Err(InvalidRegions::Diagonal { row, value: values[row] });
        }
        for (column, &value) in values.iter().enumerate().filter(|&(column, _)| column != row) {
            if !(0.0..=MOST_DISTANCE).contains(&value) {
                return Err(InvalidRegions::Range { row, column, value });
            }
            let mirror = rows[column][row];
            if (value - mirror).abs() > DISTANCE_TOLERANCE * value.abs().max(1.0) {
                return Err(InvalidRegions::Asymmetric { row, column, value, mirror });
            }
            // The one above the diagonal stands for both, so that the function sees one distance.
            distance[row * count + column] = rows[row.min(column)][row.max(column)];
        }
    }
    Ok(distance)
}

/// Features as vectors of length 1.
fn directions(count: usize, rows: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, InvalidRegions> {
    length("features", None, count, rows.len())?;
    let dimension = rows[0].len();
    let mut directions = Vec::with_capacity(count);
    for (row, values) in rows.iter().enumerate() {
        length("features", Some(row), dimension, values.len())?;
        finite("features", row, values)?;
        // By the largest coordinate first: squares of very large or small ones are not numbers.
        let largest = values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        if largest == 0.0 {
            return Err(InvalidRegions::ZeroRow { row });
        }
        let scaled: Vec<f64> = values.iter().map(|x| x / largest).collect();
        let norm = scaled.iter().map(|x| x * x).sum::<f64>().sqrt();
        directions.push(scaled.iter().map(|x| x / norm).collect::<Vec<f64>>());
    }
    Ok(directions)
}

fn angular(count: usize, rows: &[Vec<f64>]) -> Result<Vec<f64>, InvalidRegions> {
    let directions = directions(count, rows)?;
    let mut distance = vec![0.0; count * count];
    for (i, a) in directions.iter().enumerate() {
        for (j, b) in directions.iter().enumerate().skip(i + 1) {
            let cosine: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
            let angle = cosine.clamp(-1.0, 1.0).acos() / PI;
            (distance[i * count + j], distance[j * count + i]) = (angle, angle);
        }
    }
    Ok(distance)
}
