//! How near the kernels come to the machine.
//!
//! - `peak`: f32 fused multiply-adds on registers alone, the most that one core can do.
//! - `first pass`: all facility-location gains of 4,096 unit vectors of 384 coordinates, recomputed ([`Gain`] over
//!   [`Blocked`]) on one thread; without an epilogue too, which shows what the gains cost; and for other dimensions
//!   and requests.
//! - `stored`: all similarities of 10,000 such vectors computed and kept on two threads, and all gains over them on
//!   one thread beside a plain read of the same memory.
//!
//! A summary is printed first, each figure the best of several runs; then criterion repeats the main three, unless
//! `--quick` is given.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use submodular::similarity::{Blocked, Metric, Points, Similarity, Stored};
use submodular::tile::{Epilogue, Kernel, Summing, Terms, above, peak};
use submodular::{Ctl, Error, Item};

const DIM: usize = 384;
/// Rounds of one call of [`peak`].
const ROUNDS: u64 = 1 << 17;

fn points(kernel: Kernel, metric: Metric, n: usize, dim: usize) -> Result<Blocked, Error> {
    let mut x = 1u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (x >> 8) as f32 / (1u32 << 24) as f32 - 0.4
    };
    let rows: Vec<f32> = (0..n * dim).map(|_| next()).collect();
    Ok(Blocked::new(Arc::new(Points::from_rows(kernel, metric, n, dim, &rows)?)))
}

/// Looks at nothing.
struct Nothing;

impl Epilogue for Nothing {
    #[inline(always)]
    fn tile(&mut self, _row: usize, _col: usize, s: &[f32]) {
        black_box(s.as_ptr());
    }
}

/// Seconds of the fastest of several runs.
fn fastest<T>(runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let time = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

/// Gains of the first `asked` items.
fn gains<S: Similarity>(s: &S, asked: usize) -> f64 {
    let cover = vec![0.3; s.rows()];
    let ask: Vec<Item> = (0..asked as Item).collect();
    let mut gain = Terms::new(&cover, &cover, asked, |s, cover, _| above(s, cover));
    s.sweep(0..s.rows(), &ask, &mut gain);
    gain.sums().sum()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kernel = Kernel::detect();
    let n = 4096;
    let all: Vec<Item> = (0..n as Item).collect();
    let square = points(kernel, Metric::Cosine, n, DIM)?;
    let flops = |n: usize, dim: usize| (2 * n * n * dim) as f64;

    let operations = peak(kernel, ROUNDS);
    let most = operations as f64 / fastest(200, || peak(kernel, ROUNDS));
    let report = |what: &str, rate: f64| {
        println!("{what:30} {:7.1} Gflop/s, {:5.1} % of peak", rate / 1e9, 100.0 * rate / most);
    };
    report(&format!("peak of one core, {}", kernel.name()), most);
    report("sweep without epilogue", flops(n, DIM) / fastest(5, || square.sweep(0..n, &all, &mut Nothing)));
    report("first pass", flops(n, DIM) / fastest(5, || gains(&square, n)));
    for dim in [64, 768, 4096] {
        let s = points(kernel, Metric::Cosine, 1024, dim)?;
        report(&format!("first pass, dim {dim}"), flops(1024, dim) / fastest(5, || gains(&s, 1024)));
    }
    for (metric, kernel) in [(Metric::Rbf { gamma: None }, kernel), (Metric::Cosine, Kernel::Portable)] {
        let s = points(kernel, metric, 1024, DIM)?;
        let what = format!("first pass, {}, {}", metric.name(), kernel.name());
        report(&what, flops(1024, DIM) / fastest(5, || gains(&s, 1024)));
    }
    let large = points(kernel, Metric::Cosine, 10_000, DIM)?;
    for asked in [1, 8, 32] {
        let rate = (2 * 10_000 * asked * DIM) as f64 / fastest(20, || gains(&large, asked));
        report(&format!("gains of {asked} among 10,000"), rate);
    }

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let store = || pool.install(|| Stored::compute(&large, &Ctl::default()));
    println!("store 10,000 on two threads    {:7.3} s", fastest(3, store));
    let stored = store().map_err(|halt| format!("{halt:?}"))?;
    let read = || (0..10_000).map(|item| stored.column(item).iter().map(|s| s.to_bits()).max()).max();
    println!("gains over stored              {:7.1} GB/s", 0.4 / fastest(5, || gains(&stored, 10_000)));
    println!("reading stored                 {:7.1} GB/s", 0.4 / fastest(5, read));
    if std::env::args().any(|arg| arg == "--quick") {
        return Ok(());
    }

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("first_pass");
    group.throughput(Throughput::Elements(operations));
    group.bench_function("peak", |b| b.iter(|| peak(kernel, ROUNDS)));
    group.throughput(Throughput::Elements(flops(n, DIM) as u64));
    group.bench_function("gains_4096x384", |b| b.iter(|| gains(&square, n)));
    group.throughput(Throughput::Bytes(400_000_000));
    group.bench_function("gains_stored_10000", |b| b.iter(|| gains(&stored, 10_000)));
    group.finish();
    criterion.final_summary();
    Ok(())
}
