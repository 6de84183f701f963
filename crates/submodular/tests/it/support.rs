//! Small worlds for the tests of the core.

use std::sync::Arc;
use submodular::constraint::{Bounds, Groups, Knapsack};
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::Optimizer;
use submodular::sampling::{below, stream};
use submodular::similarity::{MatrixBuilder, Stored};
use submodular::tile::Kernel;
use submodular::{Chain, Ctl, Item, Outcome, Problem, run};

/// A similarity matrix of `n` points on a coarse grid, so that ties happen: row-major.
pub(crate) fn coarse(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = stream(seed, 0);
    let x: Vec<[f32; 3]> = (0..n).map(|_| [0; 3].map(|_| below(8, &mut rng) as f32)).collect();
    let distance = |i: usize, j: usize| (0..3).map(|d| (x[i][d] - x[j][d]).powi(2)).sum::<f32>();
    // Odd seeds: most similarities are 0, so ties are everywhere.
    let s = |i, j| {
        if seed.is_multiple_of(2) {
            1.0 / (1.0 + distance(i, j))
        } else {
            (0.9 - 0.3 * distance(i, j)).max(0.0)
        }
    };
    (0..n * n).map(|cell| s(cell / n, cell % n)).collect()
}

/// A matrix of `rows` represented rows, row by row.
pub(crate) fn matrix(rows: usize, s: &[f32]) -> Stored {
    let items = s.len() / rows;
    let mut builder = MatrixBuilder::new(Kernel::detect(), rows, items).unwrap();
    s.chunks(items).for_each(|row| builder.push(row).unwrap());
    builder.finish().unwrap()
}

/// Distances of `n` points of a plane, coarse for an odd seed: a metric.
pub(crate) fn distances(n: usize, seed: u64) -> Stored {
    let mut rng = stream(seed, 1);
    let grid = if seed.is_multiple_of(2) { 1000 } else { 4 };
    let x: Vec<[f32; 2]> =
        (0..n).map(|_| [0; 2].map(|_| below(grid, &mut rng) as f32 / grid as f32)).collect();
    let d = |i: usize, j: usize| (x[i][0] - x[j][0]).hypot(x[i][1] - x[j][1]);
    matrix(n, &(0..n * n).map(|cell| d(cell / n, cell % n)).collect::<Vec<_>>())
}

/// Facility location of a few represented rows, so that parts and streams see the whole function: similarities of very
/// different sizes, many of them 0.
pub(crate) fn tall(rows: usize, n: usize, seed: u64) -> Arc<dyn Objective> {
    let mut rng = stream(seed, 2);
    let s: Vec<f32> = (0..rows * n)
        .map(|_| {
            (below(4, &mut rng) << below(5, &mut rng)) as f32 / 16.0
                * f32::from(u8::from(below(3, &mut rng) > 0))
        })
        .collect();
    Arc::new(FacilityLocation::new(matrix(rows, &s), None, Reduction::Sum).unwrap())
}

/// The largest value of a set of `allowed` items that holds `include`, of those `counts` says count.
pub(crate) fn optimum(
    allowed: &[Item],
    include: &[Item],
    counts: impl Fn(&[Item]) -> bool,
    value: impl Fn(&[Item]) -> f64,
) -> f64 {
    let subsets = (0u32..1 << allowed.len()).map(|mask| {
        allowed.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, &e)| e).collect::<Vec<_>>()
    });
    subsets
        .filter(|set| include.iter().all(|e| set.contains(e)) && counts(set))
        .map(|set| value(&set))
        .reduce(f64::max)
        .unwrap()
}

pub(crate) fn facility_location(n: usize, seed: u64) -> Arc<dyn Objective> {
    let mut similarity = MatrixBuilder::new(Kernel::detect(), n, n).unwrap();
    coarse(n, seed).chunks(n).for_each(|row| similarity.push(row).unwrap());
    Arc::new(FacilityLocation::new(similarity.finish().unwrap(), None, Reduction::Sum).unwrap())
}

fn groups(n: usize) -> (Vec<Option<u32>>, Vec<Bounds>) {
    let of = (0..n).map(|i| [Some(0), Some(1), Some(2), None][i * 7 % 4]).collect();
    let bounds = [(2, 3), (0, 1), (1, 2)].map(|(at_least, at_most)| Bounds { at_least, at_most });
    (of, bounds.to_vec())
}

/// Three groups and some items outside them, with lower and upper bounds.
pub(crate) fn quotas(n: usize, k: usize) -> Groups {
    let (of, bounds) = groups(n);
    Groups::new(k, of, bounds)
}

/// The same groups under a budget; some items are free, most cost 1 to 6.
pub(crate) fn budgeted(n: usize, budget: f64) -> Knapsack {
    let (of, bounds) = groups(n);
    let costs = (0..n).map(|i| (i * 5 % 7) as f64).collect();
    Knapsack::new(Arc::new(Groups::up_to(None, of, bounds)), costs, budget).unwrap()
}

pub(crate) fn value(f: &Arc<dyn Objective>, set: &[Item]) -> f64 {
    Chain::new(f, set).value(&Ctl::default()).unwrap()
}

pub(crate) fn go(problem: Problem, optimizer: &mut dyn Optimizer) -> Outcome {
    run(problem, optimizer, None, &Ctl::default(), &mut |_, _| {}).unwrap()
}
