//! The one scene of all pictures: points of a plane, what is asked for, what is to be avoided, and their similarities.

use std::sync::Arc;
use submodular::sampling::{below, shuffle, stream, unit};
use submodular::similarity::{Any, Blocked, Distance, FeaturesBuilder, Measure, Metric, Points, Stored};
use submodular::tile::Kernel;
use submodular::{Ctl, Halt, Item};

/// A place in the picture, in pixels: 0 to [`SIDE`] each.
pub(crate) type Place = [f64; 2];

/// Width and height of the plane.
pub(crate) const SIDE: f64 = 220.0;
/// No place is nearer to the border.
const MARGIN: f64 = 9.0;
/// Centre, standard deviation and number of points of each cluster.
const CLUSTERS: [(Place, f64, usize); 5] = [
    ([62.0, 62.0], 17.0, 62),
    ([160.0, 60.0], 19.0, 36),
    ([48.0, 168.0], 7.0, 24),
    ([164.0, 164.0], 16.0, 34),
    ([112.0, 120.0], 6.0, 10),
];
/// Points of no cluster.
const OUTLIERS: [Place; 8] = [
    [12.0, 14.0],
    [207.0, 12.0],
    [14.0, 116.0],
    [100.0, 207.0],
    [208.0, 112.0],
    [112.0, 16.0],
    [208.0, 206.0],
    [88.0, 158.0],
];
/// Distance at which a similarity is 1/e.
const REACH: f64 = 28.0;
/// Concepts lie on a grid of so many by so many cells.
const CELLS: usize = 11;
/// The same bits on every machine.
const KERNEL: Kernel = Kernel::Portable;

pub(crate) struct Scene {
    /// In random order, so that an index says nothing about a place.
    pub(crate) points: Vec<Place>,
    /// The cluster of each point; none for an outlier.
    pub(crate) clusters: Vec<Option<u32>>,
    /// What the answer is to be like.
    pub(crate) query: Vec<Place>,
    /// What the answer is to differ from.
    pub(crate) private: Vec<Place>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let mut rng = stream(5, 0);
        // A sum of uniform draws is near enough to a normal one, and needs no logarithm: those differ between systems.
        let mut normal = || (0..12).map(|_| unit(&mut rng)).sum::<f64>() - 6.0;
        let mut all: Vec<(Place, Option<u32>)> = OUTLIERS.map(|place| (place, None)).to_vec();
        for (cluster, (centre, deviation, size)) in (0..).zip(CLUSTERS) {
            for _ in 0..size {
                let place = centre.map(|x| (x + deviation * normal()).clamp(MARGIN, SIDE - MARGIN));
                all.push((place.map(|x| (10.0 * x).round() / 10.0), Some(cluster)));
            }
        }
        let mut order: Vec<Item> = (0..all.len() as Item).collect();
        shuffle(&mut order, &mut stream(5, 1));
        let (points, clusters) = order.iter().map(|&e| all[e as usize]).unzip();
        let query = vec![[150.0, 152.0], [182.0, 176.0], [42.0, 176.0]];
        let private = vec![[52.0, 52.0], [80.0, 74.0], [42.0, 176.0]];
        Self { points, clusters, query, private }
    }

    /// Similarities of the points: `exp(-(d / REACH)^2)`, positive semidefinite.
    pub(crate) fn similarity(&self) -> Result<Any, Halt> {
        own(&self.points, gaussian())
    }

    /// Euclidean distances of the points.
    pub(crate) fn distance(&self) -> Result<Any, Halt> {
        own(&self.points, Distance::Euclidean.into())
    }

    /// The similarities of other places and the points.
    pub(crate) fn similarity_of(&self, rows: &[Place]) -> Result<Any, Halt> {
        let (rows, items) = (packed(rows, gaussian())?, packed(&self.points, gaussian())?);
        Ok(Stored::compute(&Blocked::represented(rows, items, None)?, &Ctl::default())?.into())
    }

    /// A matrix of the concepts and the points: what `has` makes of their distance.
    pub(crate) fn concepts(&self, has: impl Fn(f64) -> f64) -> Result<Any, Halt> {
        let cells = cells();
        let mut features = FeaturesBuilder::new(KERNEL, cells.len(), self.points.len())?;
        for &point in &self.points {
            features.push(&cells.iter().map(|&cell| has(apart(cell, point)) as f32).collect::<Vec<_>>())?;
        }
        Ok(features.finish()?.into())
    }

    /// A draw of `0..n` for each point.
    pub(crate) fn draws(&self, n: u64, seed: u64) -> Vec<u32> {
        let mut rng = stream(seed, 2);
        self.points.iter().map(|_| below(n, &mut rng) as u32).collect()
    }
}

/// The similarities of some places among themselves.
pub(crate) fn kernel(places: &[Place]) -> Result<Any, Halt> {
    own(places, gaussian())
}

/// The centres of the concepts.
pub(crate) fn cells() -> Vec<Place> {
    let centre = |cell: usize| (cell as f64 + 0.5) * SIDE / CELLS as f64;
    (0..CELLS * CELLS).map(|cell| [centre(cell % CELLS), centre(cell / CELLS)]).collect()
}

/// Euclidean.
pub(crate) fn apart(a: Place, b: Place) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn gaussian() -> Measure {
    Metric::Rbf { gamma: Some(1.0 / (REACH * REACH)) }.into()
}

fn packed(places: &[Place], measure: Measure) -> Result<Arc<Points>, Halt> {
    let rows: Vec<f32> = places.iter().flatten().map(|&x| x as f32).collect();
    Ok(Arc::new(Points::from_rows(KERNEL, measure, places.len(), 2, &rows)?))
}

fn own(places: &[Place], measure: Measure) -> Result<Any, Halt> {
    Ok(Stored::compute(&Blocked::new(packed(places, measure)?), &Ctl::default())?.into())
}
