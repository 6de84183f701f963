//! k-means, against distances computed one by one.

use submodular::kmeans::{Clusters, kmeans, work};
use submodular::sampling::{below, stream};
use submodular::similarity::{Metric, Points};
use submodular::tile::Kernel;
use submodular::{Ctl, Error, Halt};

fn points(dim: usize, rows: &[f32]) -> Points {
    Points::from_rows(Kernel::detect(), Metric::Dot, rows.len() / dim, dim, rows).unwrap()
}

fn go(dim: usize, rows: &[f32], parts: usize, seed: u64) -> Clusters {
    kmeans(&points(dim, rows), parts, seed, &Ctl::default()).unwrap()
}

/// Blobs far apart, each so many items; item i belongs to blob i % blobs.
fn blobs(blobs: usize, each: usize, dim: usize) -> Vec<f32> {
    let mut rng = stream(1, 0);
    (0..blobs * each * dim)
        .map(|at| {
            let (item, column) = (at / dim, at % dim);
            let middle = if item % blobs % dim == column { 40.0 * (1 + item % blobs) as f32 } else { 0.0 };
            middle + below(1000, &mut rng) as f32 / 1000.0
        })
        .collect()
}

#[test]
fn every_item_is_with_its_nearest_centre_and_none_is_alone() {
    for seed in 0..150 {
        let mut rng = stream(seed, 3);
        let (n, dim) = (1 + below(200, &mut rng) as usize, 1 + below(3, &mut rng) as usize);
        // Coarse for an odd seed, so that ties, equal points and clusters of one happen.
        let grid = if seed % 2 == 1 { 4 } else { 10_000 };
        let rows: Vec<f32> = (0..n * dim).map(|_| below(grid, &mut rng) as f32).collect();
        let parts = 1 + below(30, &mut rng) as usize;
        let found = go(dim, &rows, parts, seed);
        let mut sizes = vec![0; found.sizes.len()];
        found.of.iter().for_each(|&part| sizes[part as usize] += 1);
        assert_eq!(sizes, found.sizes);
        assert!(sizes.len() <= parts && sizes.iter().all(|&size| size >= 2.min(n)), "seed {seed} {sizes:?}");
        let mut inertia = 0.0;
        for (row, &part) in rows.chunks(dim).zip(&found.of) {
            let square = |centre: &[f32]| -> f64 {
                row.iter().zip(centre).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
            };
            let squares: Vec<f64> = found.centres.chunks(dim).map(square).collect();
            let own = squares[part as usize];
            inertia += own;
            let near = squares.iter().all(|&other| other >= own * (1.0 - 1e-6));
            // In one dimension both ways round alike, so ties are seen.
            let before = &squares[..part as usize];
            let lowest = dim > 1 || before.iter().all(|&other| other as f32 > own as f32);
            assert!(near && lowest, "seed {seed}: {part} of {squares:?}");
        }
        assert!((found.inertia - inertia).abs() <= 1e-5 * inertia);
    }
}

#[test]
fn blobs_far_apart_are_found_with_all_items_and_in_batches() {
    for (each, seed) in [(100, 0), (100, 1), (100, 2), (8_000, 3)] {
        let found = go(3, &blobs(5, each, 3), 5, seed);
        assert_eq!(found.sizes, [each; 5], "seed {seed}");
        for (item, &part) in found.of.iter().enumerate() {
            assert_eq!(part, found.of[item % 5]);
        }
    }
}

#[test]
fn parts_are_the_same_at_one_two_and_seven_threads_and_others_for_another_seed() {
    let mut rng = stream(5, 5);
    let rows: Vec<f32> = (0..36_000 * 4).map(|_| below(1 << 20, &mut rng) as f32 / 1024.0).collect();
    let points = points(4, &rows);
    let of = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| kmeans(&points, 12, seed, &Ctl::default())).unwrap()
    };
    let one = of(1, 0);
    assert!(one == of(2, 0) && one == of(7, 0));
    assert_ne!(one.of, of(2, 1).of);
}

#[test]
fn points_that_coincide_are_one_part() {
    let found = go(2, &[3.0, 4.0].repeat(10), 4, 0);
    assert_eq!((found.sizes, found.inertia), (vec![10], 0.0));
    // Two places, asked for three parts.
    assert_eq!(go(1, &[1.0, 5.0, 1.0, 5.0, 1.0], 3, 0).sizes.iter().sum::<usize>(), 5);
}

/// Three items, three parts asked for: each would be alone.
#[test]
fn items_that_would_be_alone_join_the_nearest_part() {
    let found = go(1, &[0.0, 1.0, 10.0, 10.5, 30.0], 5, 0);
    assert!(found.sizes.iter().all(|&size| size >= 2));
    assert_eq!((found.of[0], found.of[2]), (found.of[1], found.of[3]));
    assert_eq!(go(1, &[7.0], 3, 0).sizes, [1]);
}

#[test]
fn no_parts_and_a_cancelled_run_are_refused() {
    let points = points(3, &blobs(5, 100, 3));
    assert!(matches!(
        kmeans(&points, 0, 0, &Ctl::default()),
        Err(Halt::Failed(Error::Parameter { name: "parts", .. }))
    ));
    for fuse in [0, 1, 5, 10] {
        assert_eq!(kmeans(&points, 5, 0, &Ctl::fused(fuse)), Err(Halt::Cancelled));
    }
}

/// Batches and samples grow with the parts: of many parts the work does too, more than in proportion.
#[test]
fn the_work_counts_every_round_over_batches_that_grow_with_the_parts() {
    let (n, dim) = (1_000_000, 8);
    let rows = |parts: usize| work(n, dim, parts) / (2.0 * (dim * parts) as f64);
    assert_eq!(rows(10), (16_384 + 20 * 32_768 + n) as f64);
    assert_eq!(rows(10_000), (21 * 160_000 + n) as f64);
    assert_eq!(work(100, dim, 500), 2.0 * (22 * 100 * 100 * dim) as f64, "at most a part an item");
}
