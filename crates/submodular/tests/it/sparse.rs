//! Sparse similarities: the numbers of dense ones, at the price of their entries.

use crate::support::{coarse, go};
use std::sync::Arc;
use submodular::constraint::Groups;
use submodular::objective::concave_over_sums::{Concave, ConcaveOverSums, Shape};
use submodular::objective::facility_location::Clamp;
use submodular::objective::graph_cut::graph_cut;
use submodular::objective::log_det::log_det;
use submodular::objective::sum_redundancy::sum_redundancy;
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::{Greedy, LazyGreedy, Optimizer};
use submodular::sampling::{below, stream};
use submodular::similarity::plan::{self, Plan};
use submodular::similarity::{
    Any, Blocked, MatrixBuilder, Measure, Metric, Points, Similarity, Sparse, Stored,
};
use submodular::tile::{Kernel, Store};
use submodular::{Ctl, Error, Halt, Item, Problem};

fn dense(rows: usize, items: usize, s: &[f32]) -> Stored {
    let mut builder = MatrixBuilder::new(Kernel::detect(), rows, items).unwrap();
    s.chunks(items).for_each(|row| builder.push(row).unwrap());
    builder.finish().unwrap()
}

/// The entries of a row-major matrix, in an order that is neither of rows nor of items.
fn entries(items: usize, s: &[f32], zeros: bool) -> Vec<(u32, Item, f32)> {
    let place = |cell: usize| ((cell / items) as u32, (cell % items) as Item);
    let all = s.iter().enumerate().map(|(cell, &s)| (place(cell).0, place(cell).1, s));
    let mut kept: Vec<_> = all.filter(|entry| zeros || entry.2 != 0.0).collect();
    kept.sort_by_key(|&(row, item, _)| (row.wrapping_mul(0x9E37_79B9) ^ item.wrapping_mul(0x85EB_CA6B), row));
    kept
}

fn store<S: Similarity>(s: &S, rows: std::ops::Range<usize>) -> Vec<f32> {
    let cols: Vec<Item> = (0..s.items() as Item).rev().collect();
    let mut block = vec![0.0; rows.len() * cols.len()];
    let (first, stride) = (rows.start, rows.len());
    s.sweep(rows, &cols, &mut Store::new(&mut block, first, stride));
    block
}

/// Most are 0, and `s_ij` is not `s_ji`.
fn lopsided(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = stream(seed, 1);
    coarse(n, seed).iter().map(|s| if below(3, &mut rng) == 0 { 0.5 * s } else { *s }).collect()
}

/// A function of a similarity, and whether it can shrink.
type Make = fn(Any) -> (Arc<dyn Objective>, bool);

/// Everything that a search can see of a function, as bits.
fn trace(f: Arc<dyn Objective>, retreat: bool) -> Vec<u64> {
    let ctl = Ctl::default();
    let ask: Vec<Item> = (0..f.len() as Item).rev().collect();
    let (mut state, mut out, mut bits) = (f.state(), vec![0.0; ask.len()], Vec::new());
    for add in [&[][..], &[3], &[7, 0, 12]] {
        state.advance(add, &ask, &mut out, &ctl).unwrap();
        bits.extend(out.iter().chain([&state.value()]).map(|x| x.to_bits()));
    }
    if retreat {
        state.retreat(&[7], &[0, 3], &mut out[..2], &ctl).unwrap();
        bits.extend(out[..2].iter().chain([&state.value()]).map(|x| x.to_bits()));
    }
    bits
}

#[test]
fn values_gains_and_losses_are_those_of_the_dense_matrix_bit_for_bit_with_zeros_kept_or_not() {
    let kinds: [Make; 8] = [
        |s| (Arc::new(FacilityLocation::new(s, None, Reduction::Mean).unwrap()), false),
        |s| {
            let weights = (0..s.rows()).map(|row| 0.1 + row as f64).collect();
            (Arc::new(FacilityLocation::new(s, Some(weights), Reduction::Sum).unwrap()), false)
        },
        |s| {
            let of = |by: usize| (0..s.rows()).map(|row| (row % by) as f32 * 0.1).collect();
            let clamp = Clamp { floor: of(4), cap: of(9) };
            (Arc::new(FacilityLocation::clamped(s, clamp).unwrap()), false)
        },
        |s| {
            let shape = Shape::Concave(Concave::Log, None);
            (Arc::new(ConcaveOverSums::new(s, shape, &Ctl::default()).unwrap()), false)
        },
        |s| (Arc::new(ConcaveOverSums::new(s, Shape::CapShare(0.1), &Ctl::default()).unwrap()), false),
        |s| (sum_redundancy(s).unwrap(), true),
        |s| {
            let part = s.restrict(&[9, 2, 30, 31, 0, 5, 17, 8, 40, 41, 42, 43, 1]);
            (Arc::new(FacilityLocation::new(part, None, Reduction::Sum).unwrap()), false)
        },
        |s| (log_det(s, 1.0, true).unwrap(), false),
    ];
    for seed in [2, 3, 5] {
        for n in [45, 1024] {
            for (symmetric, s) in [(true, coarse(n, seed)), (false, lopsided(n, seed))] {
                for (kind, make) in kinds.iter().enumerate() {
                    // A log-determinant has no meaning for a matrix that is not symmetric, and says nothing more at length.
                    if kind == 7 && (n > 45 || !symmetric) {
                        continue;
                    }
                    let trace = |s: Any| {
                        let (f, retreat) = make(s);
                        trace(f, retreat)
                    };
                    let want = trace(dense(n, n, &s).into());
                    for zeros in [true, false] {
                        let sparse = Sparse::from_entries(n, n, entries(n, &s, zeros)).unwrap();
                        assert!(trace(sparse.into()) == want, "kind {kind}, n {n}, seed {seed}, {zeros}");
                    }
                }
            }
        }
    }
}

#[test]
fn parts_pieces_and_symmetry_are_those_of_the_dense_matrix() {
    for (rows, items) in [(1, 1), (40, 40), (30, 50), (50, 30)] {
        let whole = coarse(50, 1);
        let s: Vec<f32> = whole.chunks(50).take(rows).flat_map(|row| row[..items].to_vec()).collect();
        let full = dense(rows, items, &s);
        let sparse = Sparse::from_entries(rows, items, entries(items, &s, false)).unwrap();
        assert_eq!((sparse.rows(), sparse.items(), sparse.square()), (rows, items, rows == items));
        assert_eq!(sparse.symmetric(), full.symmetric());
        let part: Vec<Item> = (0..items as Item).rev().step_by(3).collect();
        for rows in [0..rows, rows / 3..rows, 0..rows / 2, rows / 4..rows / 2, rows..rows] {
            assert_eq!(store(&sparse, rows.clone()), store(&full, rows));
        }
        let (small, full) = (sparse.restrict(&part), full.restrict(&part));
        assert_eq!((small.rows(), small.symmetric()), (full.rows(), full.symmetric()));
        assert_eq!(store(&small, 0..small.rows()), store(&full, 0..full.rows()));
    }
    let symmetric = |entries: &[_]| Sparse::from_entries(3, 3, entries.to_vec()).unwrap().symmetric();
    assert!(symmetric(&[]) && symmetric(&[(0, 1, 0.5), (1, 0, 0.5), (2, 2, 1.0)]));
    assert!(!symmetric(&[(0, 1, 0.5)]) && !symmetric(&[(1, 0, 0.5)]));
    assert!(!symmetric(&[(0, 1, 0.5), (1, 0, 0.4)]) && !symmetric(&[(0, 1, 0.5), (1, 2, 0.5), (2, 0, 0.5)]));
}

#[test]
fn bad_entries_are_refused_with_their_place() {
    let refuse = |entries: &[(u32, Item, f32)]| Sparse::from_entries(2, 3, entries.to_vec()).unwrap_err();
    let [row, column, twice] =
        [&[(0, 0, 1.0), (2, 0, 1.0)][..], &[(0, 3, 1.0)], &[(1, 2, 1.0), (0, 0, 1.0), (1, 2, 0.0)]]
            .map(refuse);
    assert_eq!(row.to_string(), "rows: entry 1 has 2; expected below 2");
    assert_eq!(column.to_string(), "cols: entry 0 has 3; expected below 3");
    assert_eq!(twice.to_string(), "similarity: row 1, column 2 is given twice");
    let infinite = refuse(&[(1, 2, f32::INFINITY)]);
    assert_eq!(infinite, Error::NotFinite { row: 1, column: 2, value: f64::INFINITY });
}

#[test]
fn a_pick_and_a_gain_cost_their_entries_and_not_the_rows() {
    // A ring: every item is similar to itself and to the next.
    let n = 100_000u32;
    let ring = (0..n).flat_map(|row| [(row, row, 1.0), (row, (row + 1) % n, 0.5)]);
    let sparse = Sparse::from_entries(n as usize, n as usize, ring).unwrap();
    assert_eq!((sparse.len(), sparse.bytes()), (200_000, 2_400_008));
    let f: Arc<dyn Objective> = Arc::new(FacilityLocation::new(sparse, None, Reduction::Sum).unwrap());
    let (ctl, mut state, mut out) = (Ctl::default(), f.state(), [0.0]);
    for item in (0..100).step_by(2) {
        state.advance(&[item], &[item + 1], &mut out, &ctl).unwrap();
        // Of the two rows that the next item serves, the one before it is served already.
        assert_eq!(out, [1.0]);
    }
    assert_eq!(ctl.cells(), 50 * 2 * 2);
}

/// Rows of `d` coarse numbers, so that there are ties and identical rows.
fn points(metric: impl Into<Measure>, n: usize, d: usize) -> Blocked {
    let mut rng = stream(n as u64, d as u64);
    let rows: Vec<f32> = (0..n * d).map(|_| below(4, &mut rng) as f32 - 1.25).collect();
    Blocked::new(Arc::new(Points::from_rows(Kernel::detect(), metric, n, d, &rows).unwrap()))
}

/// The `m` best items of each row besides its own, and its own, by sorting.
fn brute_force(s: &Blocked, own: impl Fn(usize) -> Option<Item>, m: usize) -> Vec<(u32, Item, f32)> {
    let mut found = Vec::new();
    for row in 0..s.rows() {
        let mut all: Vec<(Item, f32)> =
            (0..s.items() as Item).map(|item| (item, s.pair(row, item))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let others = all.iter().filter(|(item, _)| Some(*item) != own(row)).take(m);
        let itself = all.iter().filter(|(item, _)| Some(*item) == own(row));
        found.extend(others.chain(itself).map(|&(item, s)| (row as u32, item, s)));
    }
    found
}

fn sorted(mut entries: Vec<(u32, Item, f32)>) -> Vec<(u32, Item, f32)> {
    entries.sort_by_key(|&(row, item, _)| (item, row));
    entries.dedup();
    entries
}

fn listed(s: &Sparse) -> Vec<(u32, Item, f32)> {
    let column = |item| {
        let (rows, values) = s.column(item);
        rows.iter().zip(values).map(move |(&row, &s)| (row, item, s)).collect::<Vec<_>>()
    };
    (0..s.items() as Item).flat_map(column).collect()
}

#[test]
fn neighbours_are_those_of_brute_force_with_the_row_itself_and_the_lowest_of_equals() {
    let ctl = Ctl::default();
    for metric in [Metric::Cosine, Metric::CosineSigned, Metric::Dot, Metric::Rbf { gamma: None }] {
        for (n, m) in [(1, 1), (7, 3), (300, 5), (300, 64), (70, 69), (70, 500)] {
            let s = points(metric, n, 3);
            let want = brute_force(&s, |row| Some(row as Item), m);
            let found = Sparse::neighbors(&s, m, false, &ctl).unwrap();
            let at = format!("{} {n} {m}", metric.name());
            assert_eq!(listed(&found), sorted(want.clone()), "{at}");
            let mirrored = want.iter().flat_map(|&(row, item, s)| [(row, item, s), (item, row, s)]).collect();
            let found = Sparse::neighbors(&s, m, true, &ctl).unwrap();
            assert_eq!(listed(&found), sorted(mirrored), "{at}, symmetrised");
            assert!(found.symmetric());
        }
        // Rows that are items 290, 280, ... keep themselves, and rows that are nobody's have m items.
        let s = points(metric, 300, 3);
        let own: Vec<Item> = (0..30).map(|row| 290 - row * 10).collect();
        let rows = Arc::new(s.points().restrict(&own));
        let part = |identity| Blocked::represented(rows.clone(), s.points().clone(), identity).unwrap();
        let (known, unknown) = (part(Some(own.clone())), part(None));
        let found = [&known, &unknown].map(|s| listed(&Sparse::neighbors(s, 4, false, &ctl).unwrap()));
        assert_eq!(found[0], sorted(brute_force(&known, |row| Some(own[row]), 4)));
        assert_eq!(found[1], sorted(brute_force(&unknown, |_| None, 4)));
    }
}

#[test]
fn neighbours_are_refused_without_m_or_mirrored_without_a_mirror_and_stop_at_a_tick() {
    let s = points(Metric::Cosine, 600, 3);
    let none = Sparse::neighbors(&s, 0, false, &Ctl::default());
    assert!(matches!(none, Err(Halt::Failed(Error::Parameter { name: "neighbors", .. }))));
    let rows = Arc::new(s.points().restrict(&[3, 4]));
    let apart = Blocked::represented(rows, s.points().clone(), None).unwrap();
    let lopsided = Sparse::neighbors(&apart, 2, true, &Ctl::default());
    assert!(matches!(lopsided, Err(Halt::Failed(Error::Shape { .. }))));
    assert_eq!(Sparse::neighbors(&s, 5, false, &Ctl::fused(1)).err(), Some(Halt::Cancelled));
}

#[test]
fn lazy_picks_what_greedy_picks_on_a_graph_at_any_thread_count() {
    let n = 2500;
    let s = points(Metric::Cosine, n, 4);
    let run = |threads: usize, lazy: bool, cut: bool| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let ctl = Ctl::default();
            let graph = Sparse::neighbors(&s, 12, cut, &ctl).unwrap();
            let f: Arc<dyn Objective> = if cut {
                graph_cut(graph.into(), 0.4, &ctl).unwrap()
            } else {
                Arc::new(FacilityLocation::new(graph, None, Reduction::Sum).unwrap())
            };
            let problem = Problem::new(f, Arc::new(Groups::cardinality(40)), &[], &[], 0).unwrap();
            let optimizer: &mut dyn Optimizer = if lazy { &mut LazyGreedy::default() } else { &mut Greedy };
            let chosen = go(problem, optimizer).selection;
            (chosen.items, chosen.gains.into_iter().map(f64::to_bits).collect::<Vec<_>>())
        })
    };
    for cut in [false, true] {
        let want = run(1, false, cut);
        assert_eq!(want.0.len(), 40);
        for (threads, lazy) in [(1, true), (3, false), (3, true)] {
            assert_eq!(run(threads, lazy, cut), want, "{threads} threads, lazy {lazy}, cut {cut}");
        }
    }
}

#[test]
fn the_plan_counts_what_a_graph_takes_at_its_peak_and_without_overflow() {
    let graph = plan::neighbors(1_000_000, 1_000_000, 384, true, 64, false, 2);
    assert_eq!((graph.plan, graph.flops), (Plan::Sparse, 2 * 384 * 1_000_000_000_000));
    // The points take 1.54 GB; 65 million entries, 20 bytes each, 1.3 GB.
    assert!((2_860_000_000..2_900_000_000).contains(&graph.bytes), "{}", graph.bytes);
    let mirrored = plan::neighbors(1_000_000, 1_000_000, 384, true, 64, true, 2);
    assert_eq!(mirrored.bytes - graph.bytes, 12 * 65_000_000);
    assert_eq!(plan::neighbors(usize::MAX, usize::MAX, 9, true, usize::MAX, true, 2).bytes, u64::MAX);
    assert_eq!(plan::sparse_bytes(10, u64::MAX), u64::MAX);
}
