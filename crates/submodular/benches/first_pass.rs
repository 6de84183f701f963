//! How near the kernels come to the machine, on one thread and then two.
//!
//! - `peak`: f32 fused multiply-adds on registers alone, the most one core can do.
//! - `first_pass`: all facility-location gains of 4,096 unit vectors of 384 coordinates, recomputed ([`Gain`] over
//!   [`Blocked`]), on one thread. Also with an epilogue that does nothing, which shows what the gains cost.
//! - `stored`: computing and keeping all similarities of 10,000 such vectors on two threads, and a sweep of all gains
//!   over them on one.
//!
//! Criterion's throughput is elements = floating-point operations, or bytes of similarities read. A summary with the
//! share of the peak is printed at the end.

use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use submodular::similarity::{Blocked, Metric, Points, Similarity, Stored};
use submodular::tile::{Epilogue, Gain, Kernel, peak};
use submodular::{Ctl, Item};

const DIM: usize = 384;

/// Rounds of one call of [`peak`].
const ROUNDS: u64 = 1 << 17;

fn points(n: usize, dim: usize) -> Blocked {
    points_of(Kernel::detect(), Metric::Cosine, n, dim)
}

fn points_of(kernel: Kernel, metric: Metric, n: usize, dim: usize) -> Blocked {
    let mut x = 1u32;
    let rows: Vec<f32> = (0..n * dim)
        .map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 8) as f32 / (1u32 << 24) as f32 - 0.4
        })
        .collect();
    Blocked::new(Arc::new(Points::from_rows(kernel, metric, n, dim, &rows).unwrap()))
}

struct Nothing;

impl Epilogue for Nothing {
    #[inline(always)]
    fn tile(&mut self, _row: usize, _col: usize, s: &[f32]) {
        black_box(s.as_ptr());
    }
}

/// Seconds of the fastest of several runs.
fn fastest(runs: usize, mut f: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn keep<T>(value: T) {
    black_box(value);
}

fn gains<S: Similarity>(s: &S, cover: &[f32], all: &[Item]) -> f64 {
    let mut gain = Gain::new(cover, None, all.len());
    s.sweep(0..s.rows(), all, &mut gain);
    gain.sums().sum()
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let kernel = Kernel::detect();
    let n = 4096;
    let all: Vec<Item> = (0..n as Item).collect();
    let cover = vec![0.3f32; 10_000];
    let flops = (2 * n * n * DIM) as f64;
    let blocked = points(n, DIM);
    let large = points(10_000, DIM);
    let everything: Vec<Item> = (0..10_000).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let store = || pool.install(|| Stored::compute(&large, &Ctl::default()).unwrap());

    let operations = peak(kernel, ROUNDS);
    let most = operations as f64 / fastest(200, || keep(peak(kernel, ROUNDS)));
    let nothing = flops / fastest(5, || blocked.sweep(0..n, &all, &mut Nothing));
    let pass = flops / fastest(5, || keep(gains(&blocked, &cover, &all)));
    println!("kernel {}", kernel.name());
    println!("peak of one core        {:8.1} Gflop/s", most / 1e9);
    println!(
        "sweep without epilogue  {:8.1} Gflop/s, {:.1} % of peak",
        nothing / 1e9,
        100.0 * nothing / most
    );
    println!("first pass              {:8.1} Gflop/s, {:.1} % of peak", pass / 1e9, 100.0 * pass / most);
    for dim in [64, 128, 768, 1024, 4096] {
        let m = 1024;
        let s = points(m, dim);
        let rate = (2 * m * m * dim) as f64 / fastest(5, || keep(gains(&s, &cover, &all[..m])));
        println!(
            "first pass, dim {dim:5}   {:8.1} Gflop/s, {:.1} % of peak",
            rate / 1e9,
            100.0 * rate / most
        );
    }
    for metric in [Metric::Rbf { gamma: None }] {
        let s = points_of(kernel, metric, 1024, DIM);
        let rate = (3 * 1024 * 1024 * DIM) as f64 / fastest(5, || keep(gains(&s, &cover, &all[..1024])));
        println!("first pass, rbf         {:8.1} Gflop/s", rate / 1e9);
    }
    let s = points_of(Kernel::Portable, Metric::Cosine, 1024, DIM);
    let rate = (2 * 1024 * 1024 * DIM) as f64 / fastest(5, || keep(gains(&s, &cover, &all[..1024])));
    println!("first pass, portable    {:8.1} Gflop/s", rate / 1e9);
    for asked in [1, 4, 8, 32] {
        let s = 10_000.0 * asked as f64;
        let time = fastest(20, || {
            let mut gain = Gain::new(&cover, None, asked);
            large.sweep(0..10_000, &everything[..asked], &mut gain);
            black_box(&gain);
        });
        println!(
            "blocked, {asked:2} candidates {:8.3} ms, {:.1} Gflop/s",
            time * 1e3,
            s * 2.0 * DIM as f64 / time / 1e9
        );
    }
    println!("store 10,000, 2 threads {:8.3} s", fastest(3, || keep(store())));
    let stored = store();
    let bytes = 4.0 * 1e8;
    let time = fastest(5, || keep(gains(&stored, &cover, &everything)));
    println!("gains over stored       {:8.1} GB/s", bytes / time / 1e9);
    let sum = fastest(5, || {
        let mut sums = [0.0f32; 64];
        for item in 0..10_000 {
            for chunk in stored.column(item).as_chunks::<64>().0 {
                sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x);
            }
        }
        black_box(sums);
    });
    println!("reading stored          {:8.1} GB/s", bytes / sum / 1e9);
    if quick {
        return;
    }

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("first_pass");
    group.throughput(Throughput::Elements(operations));
    group.bench_function("peak", |b| b.iter(|| black_box(peak(kernel, ROUNDS))));
    group.throughput(Throughput::Elements(flops as u64));
    group.bench_function("gains_4096x384", |b| b.iter(|| gains(&blocked, &cover, &all)));
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("gains_stored_10000", |b| b.iter(|| gains(&stored, &cover, &everything)));
    group.finish();
    criterion.final_summary();
}
