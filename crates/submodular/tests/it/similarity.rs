//! The laws of similarities: bits, values, refusals.

use std::sync::Arc;
use submodular::objective::Triangle;
use submodular::similarity::plan::{self, Plan};
use submodular::similarity::{Blocked, Distance, Measure, Metric, Points, PointsBuilder, Similarity, Stored};
use submodular::tile::{Cover, Epilogue, Kernel, RowSums, Store, Summing, Terms, TopM};
use submodular::{Ctl, Error, Halt, Item};

/// `n` x `d` numbers in -0.5..0.5, the same on every machine.
fn numbers(n: usize, d: usize) -> Vec<f32> {
    let mut x = 0x9E37_79B9_7F4A_7C15u64 ^ ((n as u64) << 32 | d as u64);
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    (0..n * d).map(|_| next()).collect()
}

fn blocked(kernel: Kernel, measure: impl Into<Measure>, n: usize, d: usize) -> Blocked {
    of_rows(kernel, measure, n, d, &numbers(n, d))
}

#[expect(clippy::unwrap_used, reason = "a test's own data")]
fn of_rows(kernel: Kernel, measure: impl Into<Measure>, n: usize, d: usize, rows: &[f32]) -> Blocked {
    let points = Points::from_rows(kernel, measure, n, d, rows).unwrap();
    Blocked::new(Arc::new(points.with_gap(&Ctl::default()).unwrap()))
}

/// Every metric and every distance.
fn measures() -> impl Iterator<Item = Measure> {
    Metric::ALL.map(Measure::from).into_iter().chain(Distance::ALL.map(Measure::from))
}

/// All similarities, `[item][row]`, by sweeps over the given pieces.
fn matrix<S: Similarity>(s: &S, row_pieces: &[usize], col_pieces: usize) -> Vec<u32> {
    let (rows, items) = (s.rows(), s.items());
    let mut block = vec![f32::NAN; rows * items];
    let all: Vec<Item> = (0..items as Item).collect();
    for (index, cols) in all.chunks(col_pieces).enumerate() {
        let block = &mut block[index * col_pieces * rows..];
        let cuts: Vec<usize> = row_pieces.iter().copied().filter(|&cut| cut < rows).chain([rows]).collect();
        let mut from = 0;
        for to in cuts {
            s.sweep(from..to, cols, &mut Store::new(&mut block[from..], from, rows));
            from = to;
        }
    }
    block.into_iter().map(f32::to_bits).collect()
}

/// The similarity or distance in f64, from the coordinates as given; of euclidean_gap the squared distance, negated.
fn reference(measure: impl Into<Measure>, a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let square = a.iter().zip(b).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum::<f64>();
    let cos = dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt());
    let metric = match measure.into() {
        Measure::Distance(Distance::Euclidean) => return square.sqrt(),
        Measure::Distance(Distance::Angular) => return cos.clamp(-1.0, 1.0).acos() / std::f64::consts::PI,
        Measure::Distance(Distance::Cosine) => return 1.0 - cos,
        Measure::Similarity(metric) => metric,
    };
    match metric {
        Metric::Cosine => cos.max(0.0),
        Metric::CosineSigned => cos,
        Metric::CosineShifted => (1.0 + cos) / 2.0,
        Metric::CosineSquared => cos * cos,
        Metric::Dot => dot(a, b),
        Metric::Rbf { gamma } => (-gamma.unwrap_or(1.0 / a.len() as f64) * square).exp(),
        Metric::ExpDistance => (-square.sqrt() / a.len() as f64).exp(),
        Metric::EuclideanGap => -square,
    }
}

const SIZES: [usize; 8] = [1, 5, 15, 16, 17, 33, 100, 300];
const DIMS: [usize; 5] = [1, 3, 16, 100, 1030];

#[test]
fn bits_depend_on_neither_cuts_nor_batches_nor_storage_and_are_symmetric() {
    for kernel in Kernel::available() {
        for measure in measures() {
            for n in SIZES {
                for d in DIMS {
                    let s = blocked(kernel, measure, n, d);
                    let whole = matrix(&s, &[], n);
                    let at = format!("{} {} {n} x {d}", kernel.name(), measure.name());
                    assert_eq!(matrix(&s, &[7, 16, 31, 40, 97, 260], 1), whole, "{at}, single candidates");
                    assert_eq!(matrix(&s, &[3, 128, 129], 13), whole, "{at}, pieces of 13");
                    assert_eq!(
                        matrix(&Stored::compute(&s, &Ctl::default()).unwrap(), &[5], 4),
                        whole,
                        "{at}, stored"
                    );
                    for i in 0..n {
                        for j in 0..i {
                            assert_eq!(whole[i * n + j], whole[j * n + i], "{at}, pair {i} {j}");
                        }
                        let itself = match measure {
                            Measure::Similarity(Metric::Dot | Metric::EuclideanGap) => continue,
                            Measure::Similarity(_) => 1.0f32,
                            Measure::Distance(_) => 0.0,
                        };
                        assert_eq!(whole[i * n + i], itself.to_bits(), "{at}, item {i} and itself");
                    }
                }
            }
        }
    }
}

#[test]
fn a_large_matrix_is_stored_with_the_bits_of_its_blocks() {
    let s = blocked(Kernel::detect(), Metric::Cosine, 1300, 24);
    let ctl = Ctl::default();
    assert_eq!(matrix(&Stored::compute(&s, &ctl).unwrap(), &[], 1300), matrix(&s, &[], 1300));
    assert!(ctl.cells() < 1300 * 1300 * 3 / 4, "symmetry was not used: {} cells", ctl.cells());
}

#[test]
fn vector_kernels_agree_bit_for_bit_and_with_the_portable_one_to_a_millionth() {
    for measure in measures() {
        let all = Kernel::available()
            .into_iter()
            .map(|kernel| matrix(&blocked(kernel, measure, 100, 100), &[], 100));
        let all: Vec<_> = all.collect();
        for (a, b) in all[0].iter().zip(&all[all.len() - 1]) {
            let (a, b) = (f32::from_bits(*a), f32::from_bits(*b));
            assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{}: {a} and {b}", measure.name());
        }
        assert!(all[1..].windows(2).all(|pair| pair[0] == pair[1]), "{}", measure.name());
    }
}

#[test]
fn values_are_those_of_f64() {
    for kernel in Kernel::available() {
        for measure in measures().chain([Metric::Rbf { gamma: Some(2.5) }.into()]) {
            for d in [1, 3, 16, 100] {
                let (n, x) = (40, numbers(40, d));
                let s = blocked(kernel, measure, n, d);
                let pairs = || x.chunks(d).flat_map(|a| x.chunks(d).map(move |b| (a, b)));
                let gap = match measure {
                    Measure::Similarity(Metric::EuclideanGap) => {
                        pairs().map(|(a, b)| -reference(measure, a, b)).fold(0.0, f64::max)
                    }
                    Measure::Similarity(_) | Measure::Distance(_) => 0.0,
                };
                for (i, a) in x.chunks(d).enumerate() {
                    for (j, b) in x.chunks(d).enumerate() {
                        let (got, want) = (f64::from(s.pair(i, j as Item)), gap + reference(measure, a, b));
                        let of_directions = measure.is_of_directions();
                        let near = if of_directions { 1e-6 } else { 1e-6 * want.abs().max(d as f64) };
                        assert!((got - want).abs() <= near, "{} d {d}: {got} {want}", measure.name());
                    }
                }
            }
        }
    }
}

#[test]
fn an_rbf_far_away_is_right_to_a_hundred_thousandth_of_itself() {
    for kernel in Kernel::available() {
        for d in [1, 7, 384] {
            // Far from the origin, where |a|^2 + |b|^2 - 2ab would cancel.
            let x: Vec<f32> = numbers(30, d).iter().map(|x| x + 1000.0).collect();
            let gamma = 80.0 / (d as f64 / 4.0);
            let metric = Metric::Rbf { gamma: Some(gamma) };
            let s = of_rows(kernel, metric, 30, d, &x);
            let mut far = 0.0f64;
            for (i, a) in x.chunks(d).enumerate() {
                for (j, b) in x.chunks(d).enumerate() {
                    let (got, want) = (f64::from(s.pair(i, j as Item)), reference(metric, a, b));
                    if want > 1e-37 {
                        far = far.max(-want.ln());
                        assert!((got - want).abs() <= 1e-5 * want, "d {d}: {got:e} {want:e}");
                    }
                }
            }
            assert!(far > 20.0, "nothing was far away: {far}");
        }
    }
}

#[test]
fn distances_are_zero_for_identical_rows_and_right_for_close_and_opposite_ones() {
    // A turn by 1e-4, whose cosine in f32 is 1 to the last bit; the same row again; and the opposite one.
    let (d, turn) = (384, 1e-4f32);
    let a = numbers(1, d);
    let b: Vec<f32> = a.chunks(2).flat_map(|x| [x[0] - turn * x[1], x[1] + turn * x[0]]).collect();
    let rows: Vec<f32> = [&a[..], &b, &a, &a.iter().map(|x| -x).collect::<Vec<_>>()].concat();
    for kernel in Kernel::available() {
        for distance in Distance::ALL {
            let s = of_rows(kernel, distance, 4, d, &rows);
            assert_eq!((s.pair(0, 2), s.pair(2, 0)), (0.0, 0.0), "{}", distance.name());
            let norm = a.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
            let turn = f64::from(turn);
            let (near, opposite) = match distance {
                Distance::Euclidean => (turn * norm, 2.0 * norm),
                Distance::Angular => (turn / std::f64::consts::PI, 1.0),
                Distance::Cosine => (turn * turn / 2.0, 2.0),
            };
            let got = f64::from(s.pair(0, 1));
            assert!((got / near - 1.0).abs() < 1e-3, "{}: {got:e} instead of {near:e}", distance.name());
            let got = f64::from(s.pair(0, 3));
            assert!((got / opposite - 1.0).abs() < 3e-7, "{}: {got} instead of {opposite}", distance.name());
        }
    }
    assert_eq!(
        Distance::ALL.map(Distance::triangle),
        [Triangle::Metric, Triangle::Metric, Triangle::Squared]
    );
}

#[test]
fn a_euclidean_gap_is_zero_for_the_farthest_pair_alone_and_the_same_at_any_thread_count() {
    let (n, d) = (700, 7);
    for kernel in Kernel::available() {
        let points = || Points::from_rows(kernel, Metric::EuclideanGap, n, d, &numbers(n, d)).unwrap();
        let gap = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            Blocked::new(Arc::new(pool.install(|| points().with_gap(&Ctl::default())).unwrap()))
        };
        let (s, other) = (gap(1), gap(3));
        let all = matrix(&s, &[], n);
        assert_eq!(all, matrix(&other, &[100], 33));
        let least = all.iter().copied().map(f32::from_bits).fold(f32::INFINITY, f32::min);
        assert_eq!((least, all.iter().filter(|&&bits| bits == 0).count()), (0.0, 2));
        assert_eq!(points().with_gap(&Ctl::fused(2)).err(), Some(Halt::Cancelled));
        // A part keeps the maximum of the whole.
        assert_eq!(s.restrict(&[5, 9]).pair(0, 1), s.pair(5, 9));
    }
}

#[test]
fn represented_rows_keep_the_bits_of_the_square_case() {
    for kernel in Kernel::available() {
        for measure in measures() {
            let (n, d) = (50, 37);
            let square = blocked(kernel, measure, n, d);
            let identity: Vec<Item> = (0..n as Item).rev().step_by(3).collect();
            let rows = Arc::new(square.points().restrict(&identity));
            let s = Blocked::represented(rows, Arc::clone(square.points()), Some(identity.clone())).unwrap();
            let part: Vec<Item> = vec![49, 3, 46, 0];
            let stored = Stored::compute(&s, &Ctl::default()).unwrap();
            let (small, small_stored) = (s.restrict(&part), stored.restrict(&part));
            for (r, &item) in identity.iter().enumerate() {
                for j in 0..n as Item {
                    let want = square.pair(item as usize, j);
                    assert_eq!(s.pair(r, j), want);
                    assert_eq!(stored.column(j)[r], want);
                }
                for (t, &j) in part.iter().enumerate() {
                    assert_eq!(small.pair(r, t as Item), s.pair(r, j));
                    assert_eq!(small_stored.column(t as Item)[r], s.pair(r, j));
                }
            }
            let part_square = square.restrict(&part);
            let part_stored = Stored::compute(&square, &Ctl::default()).unwrap().restrict(&part);
            assert_eq!(matrix(&part_square, &[], 4), matrix(&part_stored, &[], 4));
            assert_eq!(part_square.pair(0, 3), square.pair(49, 0));
        }
    }
}

#[test]
fn sums_covers_and_neighbours_are_those_of_the_plain_loops() {
    let (n, d) = (301, 9);
    // Coarse numbers, so that there are ties.
    let coarse: Vec<f32> = numbers(n, d).iter().map(|x| (x * 3.0).round() + 0.25).collect();
    for kernel in Kernel::available() {
        let points = Points::from_rows(kernel, Metric::Cosine, n, d, &coarse).unwrap();
        let blocked = Blocked::new(Arc::new(points));
        let stored = Stored::compute(&blocked, &Ctl::default()).unwrap();
        check_epilogues(&blocked, &stored);
        check_epilogues(&stored, &stored);
    }
}

fn check_epilogues<S: Similarity>(s: &S, plain: &Stored) {
    let n = s.rows();
    let cols: Vec<Item> = (0..n as Item).filter(|item| item % 3 != 1).rev().collect();
    let rows = 5..n - 2;
    let cover: Vec<f32> = numbers(n, 1).iter().map(|x| x + 0.3).collect();
    let weights: Vec<f64> = numbers(n, 2)[..n].iter().map(|&x| f64::from(x) + 0.5).collect();

    let lanes = |term: &dyn Fn(usize) -> f64| {
        let mut sums = [0.0; 16];
        rows.clone().for_each(|i| sums[i % 16] += term(i));
        for half in [8, 4, 2, 1] {
            (0..half).for_each(|t| sums[t] += sums[t + half]);
        }
        sums[0]
    };
    use submodular::tile::above as gap;
    let mut gain = Terms::new(&cover, &cover, cols.len(), |s, cover, _| gap(s, cover));
    let mut weighted = Terms::new(&cover, &weights, cols.len(), |s, cover, weight| gap(s, cover) * weight);
    let mut columns = Terms::new(&cover, &cover, cols.len(), |s, _, _| f64::from(s));
    let mut sums = vec![0.0; rows.len()];
    let mut raised = cover[rows.clone()].to_vec();
    let mut top = TopM::new(rows.clone(), &cols, 7);
    s.sweep(5..33, &cols, &mut gain);
    s.sweep(33..n - 2, &cols, &mut gain);
    s.sweep(rows.clone(), &cols, &mut weighted);
    s.sweep(rows.clone(), &cols, &mut columns);
    s.sweep(rows.clone(), &cols, &mut RowSums::new(&mut sums, 5));
    s.sweep(rows.clone(), &cols, &mut Cover::new(&mut raised, 5));
    s.sweep(rows.clone(), &cols, &mut top);
    for (t, &j) in cols.iter().enumerate() {
        let column = plain.column(j);
        let above = |i: usize| (f64::from(column[i]) - f64::from(cover[i])).max(0.0);
        assert_eq!(gain.sums().nth(t), Some(lanes(&above)));
        assert_eq!(weighted.sums().nth(t), Some(lanes(&|i| above(i) * weights[i])));
        assert_eq!(columns.sums().nth(t), Some(lanes(&|i| f64::from(column[i]))));
    }
    for i in rows.clone() {
        let row: Vec<f32> = cols.iter().map(|&j| plain.column(j)[i]).collect();
        assert_eq!(sums[i - 5], row.iter().map(|&s| f64::from(s)).sum::<f64>());
        assert_eq!(raised[i - 5], row.iter().copied().fold(cover[i], f32::max));
        let mut ranked: Vec<(Item, f32)> = cols.iter().copied().zip(row).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_eq!(top.best(i).collect::<Vec<_>>(), ranked[..7]);
    }
}

#[test]
fn neighbours_found_in_two_requests_are_those_of_one_and_fewer_than_m_is_no_error() {
    let s = blocked(Kernel::detect(), Metric::CosineSigned, 40, 5);
    let all: Vec<Item> = (0..40).collect();
    let (early, late) = all.split_at(23);
    let mut once = TopM::new(0..40, &all, 6);
    s.sweep(0..40, &all, &mut once);
    let mut twice = TopM::new(0..40, late, 6);
    s.sweep(0..40, late, &mut twice);
    let mut twice = twice.then(early);
    s.sweep(0..40, early, &mut twice);
    let mut few = TopM::new(0..40, &all[..3], 6);
    s.sweep(0..40, &all[..3], &mut few);
    let mut none = TopM::new(0..40, &all, 0);
    s.sweep(0..40, &all, &mut none);
    for i in 0..40 {
        assert_eq!(once.best(i).collect::<Vec<_>>(), twice.best(i).collect::<Vec<_>>());
        assert_eq!((few.best(i).count(), none.best(i).count()), (3, 0));
    }
}

#[test]
fn a_sweep_hands_over_each_pair_once_in_ascending_runs() {
    struct Seen(Vec<usize>);
    impl Epilogue for Seen {
        fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
            assert_eq!(self.0[col], row, "candidate {col}");
            self.0[col] += s.len();
        }
    }
    for kernel in Kernel::available() {
        let s = blocked(kernel, Metric::Dot, 700, 3);
        let cols: Vec<Item> = (0..700).map(|t| t * 7 % 700).collect();
        let mut seen = Seen(vec![9; 700]);
        s.sweep(9..690, &cols, &mut seen);
        assert_eq!(seen.0, [690; 700]);
        s.sweep(9..9, &cols, &mut seen);
        s.sweep(0..700, &[], &mut seen);
        Stored::compute(&s, &Ctl::default()).unwrap().sweep(690..700, &cols, &mut seen);
        assert_eq!(seen.0, [700; 700]);
    }
}

#[test]
fn vectors_of_any_finite_length_have_a_cosine() {
    let rows = [3e38, 3e38, -3e38, 3e38, 1e-45, 0.0, 1e-45, 1e-45];
    let s = Blocked::new(Arc::new(
        Points::from_rows(Kernel::detect(), Metric::CosineSigned, 4, 2, &rows).unwrap(),
    ));
    for (row, item, cos) in [(0, 1, 0.0), (0, 3, 1.0), (2, 3, 0.5f64.sqrt())] {
        assert!((f64::from(s.pair(row, item)) - cos).abs() < 1e-6, "{row} {item}");
    }
}

#[test]
fn bad_vectors_are_refused_with_their_place_and_leave_the_builder_as_it_was() {
    let kernel = Kernel::detect();
    let mut builder = PointsBuilder::new(kernel, Metric::Cosine, 2, 3).unwrap();
    builder.push(&[1.0, 2.0, 2.0]).unwrap();
    let refused = builder.push(&[1.0, f32::INFINITY, f32::NAN]);
    assert_eq!(refused, Err(Error::NotFinite { row: 1, column: 1, value: f64::INFINITY }));
    assert_eq!(builder.push(&[0.0, -0.0, 0.0]), Err(Error::ZeroRow { row: 1 }));
    assert_eq!(builder.push(&[1.0]), Err(Error::Shape { what: "columns", expected: 3, found: 1 }));
    builder.push(&[0.0, 3.0, 4.0]).unwrap();
    assert_eq!(builder.push(&[1.0; 3]), Err(Error::Shape { what: "rows", expected: 2, found: 3 }));
    let points = builder.finish().unwrap();
    assert_eq!(points.row(1).collect::<Vec<_>>(), [0.0, 0.6, 0.8]);

    let missing = PointsBuilder::new(kernel, Metric::Dot, 2, 3).unwrap().finish();
    assert_eq!(missing.unwrap_err(), Error::Shape { what: "rows", expected: 2, found: 0 });
    assert_eq!(Points::from_rows(kernel, Metric::Dot, 1, 2, &[0.0; 2]).unwrap().len(), 1);
    let overflow = Points::from_rows(kernel, Metric::Dot, 1, 2, &[1.5e19; 2]).unwrap_err();
    assert!(matches!(overflow, Error::Parameter { name: "metric", .. }), "{overflow}");
    let far = |measure: Measure| Points::from_rows(kernel, measure, 1, 2, &[2.5e38; 2]).unwrap_err();
    assert!(matches!(far(Distance::Euclidean.into()), Error::Parameter { name: "distance", .. }));
    assert!(matches!(far(Metric::EuclideanGap.into()), Error::Parameter { name: "metric", .. }));
    for distance in [Distance::Angular, Distance::Cosine] {
        assert_eq!(Points::from_rows(kernel, distance, 1, 1, &[0.0]).unwrap_err(), Error::ZeroRow { row: 0 });
    }
    for gamma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let bad = PointsBuilder::new(kernel, Metric::Rbf { gamma: Some(gamma) }, 1, 1).unwrap_err();
        assert!(matches!(bad, Error::Parameter { name: "gamma", .. }), "{bad}");
    }
    let absurd = PointsBuilder::new(kernel, Metric::Dot, Item::MAX as usize, 1 << 60).unwrap_err();
    assert!(matches!(absurd, Error::Parameter { name: "memory", .. }), "{absurd}");
    assert!(matches!(PointsBuilder::new(kernel, Metric::Dot, 1, 0), Err(Error::Shape { .. })));
}

#[test]
fn mismatched_rows_and_items_are_refused() {
    let points =
        |metric, n, d| Arc::new(Points::from_rows(Kernel::detect(), metric, n, d, &numbers(n, d)).unwrap());
    let items = points(Metric::Cosine, 4, 3);
    let refuse = |rows, identity| Blocked::represented(rows, Arc::clone(&items), identity).unwrap_err();
    assert!(matches!(refuse(points(Metric::Cosine, 2, 2), None), Error::Shape { what: "columns", .. }));
    assert!(matches!(refuse(points(Metric::Dot, 2, 3), None), Error::Parameter { .. }));
    assert!(matches!(refuse(points(Metric::Cosine, 2, 3), Some(vec![0])), Error::Shape { .. }));
    assert_eq!(refuse(points(Metric::Cosine, 1, 3), Some(vec![4])), Error::UnknownItem { item: 4, len: 4 });
}

#[test]
fn storing_stops_at_a_tick() {
    let s = blocked(Kernel::detect(), Metric::Cosine, 1200, 4);
    assert_eq!(Stored::compute(&s, &Ctl::fused(2)).unwrap_err(), Halt::Cancelled);
}

#[test]
fn the_plan_stores_what_fits_and_counts_without_overflow() {
    let small = plan::choose(10_000, 10_000, 384, true, 2, 1 << 30);
    assert_eq!(small.plan, Plan::StoredF32);
    assert!((415_000_000..440_000_000).contains(&small.bytes), "{}", small.bytes);
    let tight = plan::choose(10_000, 10_000, 384, true, 2, small.bytes - 1);
    assert_eq!((tight.plan, tight.flops), (Plan::Blocked, 2 * 10_000 * 10_000 * 384));
    assert!(tight.bytes < 30_000_000, "{}", tight.bytes);
    let large = plan::choose(7_000_000, 7_000_000, 4096, true, 2, 1 << 34);
    assert_eq!((large.plan, large.flops), (Plan::Blocked, 2 * 7_000_000 * 7_000_000 * 4096));
    assert_eq!(plan::choose(usize::MAX, usize::MAX, usize::MAX, false, 2, 0).bytes, u64::MAX);
}

#[test]
fn names_are_read_back() {
    for metric in Metric::ALL {
        assert_eq!(metric.name().parse(), Ok(metric));
    }
    for distance in Distance::ALL {
        assert_eq!(distance.name().parse(), Ok(distance));
    }
    assert!("manhattan".parse::<Distance>().is_err());
    for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        assert_eq!(kernel.name().parse(), Ok(kernel));
    }
    assert!("Cosine".parse::<Metric>().is_err() && "sse9".parse::<Kernel>().is_err());
}
