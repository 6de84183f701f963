//! Every set function on random data made from a seed, and random rules: what the generic tests walk.

use std::sync::Arc;
use submodular::committee::{Profile, ProfileBuilder, Rule};
use submodular::objective::committee::Committee;
use submodular::objective::concave_over_modular::concave_over_modular;
use submodular::objective::concave_over_sums::Concave;
use submodular::objective::disparity_min::disparity_min;
use submodular::objective::disparity_sum::disparity_sum;
use submodular::objective::facility_location::{Reduction, facility_location};
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
use submodular::objective::{Objective, Triangle};
use submodular::sampling::{below, shuffle, stream};
use submodular::similarity::{
    Any, Blocked, Distance, MatrixBuilder, Measure, Metric, Points, Similarity, Sparse, Stored,
};
use submodular::tile::Kernel;
use submodular::{Ctl, Item};

/// Rows of what is no item: fewer than any ground set here has, so that none is square by chance.
const CONCEPTS: usize = 4;
const QUERY: usize = 3;
const PRIVATE: usize = 2;

/// Vectors of items, a query and a private set.
pub(crate) struct Data {
    seed: u64,
    n: usize,
    kernel: Kernel,
    dim: usize,
    items: Vec<f32>,
    query: Vec<f32>,
    private: Vec<f32>,
}

impl Data {
    /// Coarse for an odd seed, so that ties and equal vectors happen.
    pub(crate) fn new(seed: u64, n: usize) -> Self {
        let mut rng = stream(seed, 0);
        let dim = 1 + below(4, &mut rng) as usize;
        let grid = if seed % 2 == 1 { 2 } else { 500 };
        let mut rows = |count: usize| -> Vec<f32> {
            let mut rows: Vec<f32> =
                (0..count * dim).map(|_| below(2 * grid + 1, &mut rng) as f32 / grid as f32 - 1.0).collect();
            // A cosine needs a direction.
            rows.chunks_mut(dim).filter(|row| row.iter().all(|&x| x == 0.0)).for_each(|row| row[0] = 1.0);
            rows
        };
        let (items, query, private) = (rows(n), rows(QUERY), rows(PRIVATE));
        let kernels = Kernel::available();
        let kernel = kernels[seed as usize % kernels.len()];
        Self { seed, n, kernel, dim, items, query, private }
    }

    fn points(&self, rows: &[f32], measure: Measure) -> Arc<Points> {
        let points = Points::from_rows(self.kernel, measure, rows.len() / self.dim, self.dim, rows);
        Arc::new(points.unwrap())
    }

    /// Recomputed, in memory, or sparse.
    fn held(&self, blocked: Blocked) -> Any {
        let stored = || Stored::compute(&blocked, &Ctl::default()).unwrap();
        match self.seed % 3 {
            0 => blocked.into(),
            1 => stored().into(),
            _ => sparse(&stored()),
        }
    }

    fn square(&self, metric: Metric) -> Any {
        self.held(Blocked::new(self.points(&self.items, metric.into())))
    }

    /// Of items and themselves; of nearest neighbours alone for some seeds.
    fn graph(&self, metric: Metric, symmetrise: bool) -> Any {
        if self.seed % 4 != 3 {
            return self.square(metric);
        }
        let dense = Blocked::new(self.points(&self.items, metric.into()));
        Sparse::neighbors(&dense, 1 + self.n / 4, symmetrise, &Ctl::default()).unwrap().into()
    }

    fn own(&self, rows: &[f32], metric: Metric) -> Any {
        Blocked::new(self.points(rows, metric.into())).into()
    }

    fn cross(&self, rows: &[f32], metric: Metric) -> Any {
        let (rows, items) = (self.points(rows, metric.into()), self.points(&self.items, metric.into()));
        self.held(Blocked::represented(rows, items, None).unwrap())
    }

    /// Never sparse: where a distance is 0, that is a number like others.
    pub(crate) fn distances(&self, distance: Distance) -> Stored {
        Stored::compute(&Blocked::new(self.points(&self.items, distance.into())), &Ctl::default()).unwrap()
    }

    /// One that keeps no triangle.
    fn no_metric(&self) -> Any {
        let (n, mut rng) = (self.n, stream(self.seed, 1));
        let mut d = vec![vec![0.0; n]; n];
        for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
            d[i][j] = below(9, &mut rng) as f32;
            d[j][i] = d[i][j];
        }
        self.matrix(&d)
    }

    fn matrix(&self, rows: &[Vec<f32>]) -> Any {
        let mut builder = MatrixBuilder::new(self.kernel, rows.len(), self.n).unwrap();
        rows.iter().for_each(|row| builder.push(row).unwrap());
        let stored = builder.finish().unwrap();
        if self.seed % 3 == 2 && !stored.square() { sparse(&stored) } else { stored.into() }
    }

    /// So many concepts and the items: some are 0, the others of very different sizes, at most `most`.
    fn concepts(&self, count: usize, most: f32) -> Any {
        let mut rng = stream(self.seed, 2);
        let mut cell = |_| match below(3, &mut rng) {
            0 => 0.0,
            _ => (most * (1 + below(4, &mut rng)) as f32 / (4 << below(4, &mut rng)) as f32).min(most),
        };
        let rows: Vec<Vec<f32>> = (0..count).map(|_| (0..self.n).map(&mut cell).collect()).collect();
        self.matrix(&rows)
    }

    fn covers(&self) -> Any {
        let mut rng = stream(self.seed, 2);
        let mut cell = |_| f32::from(u8::from(below(3, &mut rng) == 0));
        let rows: Vec<Vec<f32>> = (0..CONCEPTS).map(|_| (0..self.n).map(&mut cell).collect()).collect();
        self.matrix(&rows)
    }

    fn weights(&self, count: usize) -> Vec<f64> {
        let mut rng = stream(self.seed, 3);
        (0..count).map(|_| (below(4, &mut rng) << below(4, &mut rng)) as f64 / 8.0).collect()
    }

    /// Not below 0.
    fn metric(&self) -> Metric {
        let all =
            [Metric::Cosine, Metric::Rbf { gamma: Some(1.0) }, Metric::CosineShifted, Metric::ExpDistance];
        all[self.seed as usize / 2 % all.len()]
    }

    /// Positive semidefinite.
    fn kernel(&self) -> Metric {
        let all = [Metric::CosineSigned, Metric::Rbf { gamma: None }, Metric::Dot, Metric::CosineSquared];
        all[self.seed as usize / 2 % all.len()]
    }

    /// Of more voters for more items; some rankings are truncated, some have ties.
    fn rankings(&self) -> Profile {
        let (n, mut rng) = (self.n as u64, stream(self.seed, 4));
        let mut builder = ProfileBuilder::new(self.n);
        let mut weights = self.weights(3 + self.n / 8);
        weights[0] = 1.0;
        for weight in weights {
            let mut ranking: Vec<Item> = (0..self.n as Item).collect();
            shuffle(&mut ranking, &mut rng);
            ranking.truncate(1 + below(n, &mut rng).max(below(n, &mut rng)) as usize);
            let ends = (1..=ranking.len()).filter(|&end| end == ranking.len() || below(3, &mut rng) > 0);
            builder.push(&ranking, Some(&ends.collect::<Vec<_>>()), weight).unwrap();
        }
        builder.finish().unwrap()
    }

    fn private_and_query(&self) -> Vec<f32> {
        [&self.private[..], &self.query].concat()
    }
}

fn sparse(stored: &Stored) -> Any {
    let column = |item: Item| (0..).zip(stored.column(item)).map(move |(row, &s)| (row, item, s));
    let entries = (0..stored.items() as Item).flat_map(column).filter(|entry| entry.2 != 0.0);
    Sparse::from_entries(stored.rows(), stored.items(), entries).unwrap().into()
}

fn location(data: &Data) -> Arc<dyn Objective> {
    facility_location(data.graph(data.metric(), false), None, Reduction::Sum).unwrap()
}

fn determinant(data: &Data, ridge: f64) -> Arc<dyn Objective> {
    log_det(data.square(data.kernel()), ridge, true).unwrap()
}

fn given(data: &Data, nu: f64, ridge: f64) -> Arc<dyn Objective> {
    let of = (&data.own(&data.private, data.kernel()), &data.cross(&data.private, data.kernel()));
    log_det_cg(data.square(data.kernel()), of, nu, ridge, true, &Ctl::default()).unwrap()
}

fn features(data: &Data, concave: Concave) -> Arc<dyn Objective> {
    feature_based(data.concepts(CONCEPTS, 4.0), concave, Some(data.weights(CONCEPTS)), &Ctl::default())
        .unwrap()
}

fn mixture(parts: Vec<(f64, Arc<dyn Objective>)>) -> Arc<dyn Objective> {
    Arc::new(Mixture::new(parts).unwrap())
}

fn committee(data: &Data, rule: Rule) -> Arc<dyn Objective> {
    Arc::new(Committee::new(Arc::new(data.rankings()), rule, 3).unwrap())
}

pub(crate) type Make = fn(&Data) -> Arc<dyn Objective>;

/// Every function, with parameters on either side of what its properties depend on.
pub(crate) const OBJECTIVES: &[(&str, Make)] = &[
    ("facility_location", location),
    ("facility_location mean", |data| {
        let s = data.graph(Metric::CosineSigned, false);
        facility_location(s, Some(data.weights(data.n)), Reduction::Mean).unwrap()
    }),
    ("facility_location represented", |data| {
        facility_location(data.concepts(CONCEPTS, 1.0), Some(data.weights(CONCEPTS)), Reduction::Sum).unwrap()
    }),
    ("saturated_coverage", |data| {
        saturated_coverage(data.graph(data.metric(), false), 0.2, Cap::Fraction, &Ctl::default()).unwrap()
    }),
    ("saturated_coverage absolute", |data| {
        saturated_coverage(data.square(data.metric()), 1.3, Cap::Absolute, &Ctl::default()).unwrap()
    }),
    ("graph_cut 0.4", |data| graph_cut(data.graph(data.metric(), true), 0.4, &Ctl::default()).unwrap()),
    ("graph_cut 1", |data| graph_cut(data.graph(data.metric(), true), 1.0, &Ctl::default()).unwrap()),
    ("graph_cut 2", |data| graph_cut(data.square(data.metric()), 2.0, &Ctl::default()).unwrap()),
    ("sum_redundancy", |data| sum_redundancy(data.square(data.metric())).unwrap()),
    ("feature_based sqrt", |data| features(data, Concave::Sqrt)),
    ("feature_based log", |data| features(data, Concave::Log)),
    ("feature_based ratio", |data| features(data, Concave::Ratio)),
    ("feature_based power", |data| features(data, Concave::Power(0.7))),
    ("set_cover", |data| set_cover(data.covers(), data.weights(CONCEPTS)).unwrap()),
    ("probabilistic_set_cover", |data| {
        probabilistic_set_cover(data.concepts(CONCEPTS, 1.0), data.weights(CONCEPTS)).unwrap()
    }),
    ("probabilistic_set_cover of items", |data| {
        probabilistic_set_cover(data.concepts(data.n, 1.0), data.weights(data.n)).unwrap()
    }),
    ("log_det ridge 1", |data| determinant(data, 1.0)),
    ("log_det ridge 0.1", |data| determinant(data, 0.1)),
    ("log_det indefinite", |data| log_det(data.square(Metric::Cosine), 1.0, false).unwrap()),
    ("disparity_sum metric", |data| {
        disparity_sum(data.distances(Distance::Euclidean).into(), Triangle::Metric).unwrap()
    }),
    ("disparity_sum squared", |data| {
        disparity_sum(data.distances(Distance::Cosine).into(), Triangle::Squared).unwrap()
    }),
    ("disparity_sum unknown", |data| disparity_sum(data.no_metric(), Triangle::Unknown).unwrap()),
    ("disparity_min metric", |data| {
        disparity_min(data.distances(Distance::Euclidean).into(), Triangle::Metric).unwrap()
    }),
    ("disparity_min squared", |data| {
        disparity_min(data.distances(Distance::Cosine).into(), Triangle::Squared).unwrap()
    }),
    ("disparity_min unknown", |data| disparity_min(data.no_metric(), Triangle::Unknown).unwrap()),
    ("modular", |data| Arc::new(Modular::new(data.weights(data.n)).unwrap())),
    ("modular signed", |data| {
        let mut scores: Vec<f64> = data.weights(data.n).into_iter().map(|w| w - 0.75).collect();
        scores[0] = -0.5;
        Arc::new(Modular::new(scores).unwrap())
    }),
    ("mixture monotone", |data| {
        let cut = graph_cut(data.square(data.metric()), 0.5, &Ctl::default()).unwrap();
        let more = Arc::new(Modular::new(data.weights(data.n)).unwrap());
        mixture(vec![(0.5, location(data)), (0.3, cut), (0.2, more)])
    }),
    ("mixture with a cost", |data| {
        let redundancy = sum_redundancy(data.square(data.metric())).unwrap();
        mixture(vec![(2.0, features(data, Concave::Sqrt)), (0.1, redundancy)])
    }),
    ("mixture with distances", |data| {
        let apart = disparity_sum(data.distances(Distance::Euclidean).into(), Triangle::Metric).unwrap();
        mixture(vec![(1.0, location(data)), (0.5, apart)])
    }),
    ("facility_location_mi", |data| {
        facility_location_mi(data.cross(&data.query, data.metric()), 0.7, &Ctl::default()).unwrap()
    }),
    ("facility_location_vmi", |data| {
        let query = data.cross(&data.query, data.metric());
        facility_location_vmi(data.square(data.metric()), &query, 0.8, &Ctl::default()).unwrap()
    }),
    ("facility_location_cg", |data| {
        let private = data.cross(&data.private, data.metric());
        facility_location_cg(data.square(data.metric()), &private, 0.6, &Ctl::default()).unwrap()
    }),
    ("facility_location_cmi", |data| {
        let (query, private) =
            (data.cross(&data.query, data.metric()), data.cross(&data.private, data.metric()));
        let square = data.square(data.metric());
        facility_location_cmi(square, &query, &private, (1.0, 0.5), &Ctl::default()).unwrap()
    }),
    ("graph_cut_mi", |data| {
        graph_cut_mi(&data.cross(&data.query, data.metric()), 0.4, &Ctl::default()).unwrap()
    }),
    ("graph_cut_cg", |data| {
        let private = data.cross(&data.private, data.metric());
        graph_cut_cg(data.square(data.metric()), &private, 0.4, 0.5, &Ctl::default()).unwrap()
    }),
    ("concave_over_modular", |data| {
        let query = data.cross(&data.query, data.metric());
        concave_over_modular(query, 0.5, Concave::Sqrt, &Ctl::default()).unwrap()
    }),
    ("log_det_mi", |data| {
        let of = (&data.own(&data.query, data.kernel()), &data.cross(&data.query, data.kernel()));
        log_det_mi(data.square(data.kernel()), of, 1.0, 1.0, &Ctl::default()).unwrap()
    }),
    ("log_det_cg ridge 1", |data| given(data, 0.9, 1.0)),
    ("log_det_cg ridge 0.1", |data| given(data, 1.0, 0.1)),
    ("log_det_cg nu 1.2", |data| given(data, 1.2, 8.0)),
    ("log_det_cmi", |data| {
        let rows = data.private_and_query();
        let of = (&data.own(&rows, data.kernel()), &data.cross(&rows, data.kernel()));
        log_det_cmi(data.square(data.kernel()), of, PRIVATE, (1.0, 1.0), 1.0, &Ctl::default()).unwrap()
    }),
    ("committee harmonic", |data| committee(data, Rule::Harmonic)),
    ("committee bloc", |data| committee(data, Rule::Bloc { t: None })),
    ("committee chamberlin_courant_borda", |data| committee(data, Rule::ChamberlinCourantBorda)),
    ("committee pav", |data| committee(data, Rule::Pav { t: None })),
    ("committee harmonic_borda", |data| committee(data, Rule::HarmonicBorda)),
    ("committee owa rising", |data| {
        committee(data, Rule::Owa { positions: vec![4.0, 0.5, 2.0], owa: vec![0.5, 2.0, 1.0] })
    }),
];
