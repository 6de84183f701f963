//! The laws every optimizer and objective keeps: stopped anywhere and resumed, suspended at every question, lazy as
//! greedy, quotas, certificates against brute force.

use crate::support::{budgeted, coarse, distances, facility_location, go, quotas, value};
use std::sync::{Arc, Mutex};
use submodular::constraint::{Constraint, Groups, Unconstrained};
use submodular::objective::Triangle;
use submodular::objective::facility_location;
use submodular::objective::{Answers, External, Objective, Oracle, Properties, Reduction};
use submodular::optimizer::{
    AdaptiveSequencing, BidirectionalGreedy, DoubleGreedy, Exact, Gist, Greedy, KnapsackGreedy, LazyGreedy,
    Optimizer, PartitionedGreedy, Parts, PerPart, RandomGreedy, SieveStreaming, StochasticGreedy,
    ThreeSieves, ThresholdGreedy, WarmGreedy,
};
use submodular::similarity::{Blocked, MatrixBuilder, Metric, Points, Similarity, Stored};
use submodular::tile::Kernel;
use submodular::{Ctl, Ended, Halt, Item, Outcome, Problem, Saved, Set, run};

/// A model in this process: the same function as the answers, no halts. Keeps what it was asked.
struct Model(Arc<dyn Objective>, Mutex<std::collections::BTreeSet<Set>>, f64);
impl Oracle for Model {
    fn values(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        ctl.tick(sets.len() as u64)?;
        self.1.lock().unwrap().extend(sets.iter().cloned());
        Ok(sets.iter().map(|s| self.2 + value(&self.0, s)).collect())
    }
}

fn external(n: usize, oracle: Arc<dyn Oracle>) -> Arc<dyn Objective> {
    let all = Properties {
        monotone: true,
        submodular: true,
        nonnegative: true,
        slack: 1e-9,
        ..Properties::default()
    };
    Arc::new(External::new(n, oracle, all))
}

type Make<T> = Box<dyn Fn() -> T>;
type Case = (&'static str, Make<Problem>, Make<Box<dyn Optimizer>>);

/// Every optimizer, with a problem it likes.
fn cases(f: impl Fn(usize) -> Arc<dyn Objective> + Clone + 'static) -> Vec<Case> {
    let with = |n: usize, c: Arc<dyn Constraint>| -> Make<Problem> {
        let f = f.clone();
        Box::new(move || Problem::new(f(n), c.clone(), &[5, 2], &[3], 7).unwrap())
    };
    let until = |n: usize, k: usize, gain: f64| -> Make<Problem> {
        let problem = with(n, Arc::new(Groups::cardinality(k)));
        Box::new(move || problem().stop_when_gain_at_most(Some(gain)))
    };
    let two_ended = |pool| BidirectionalGreedy::new(pool).unwrap();
    vec![
        ("greedy", with(24, Arc::new(quotas(24, 7))), Box::new(|| Box::new(Greedy))),
        ("lazy_greedy", with(300, Arc::new(quotas(300, 7))), Box::new(|| Box::new(LazyGreedy::default()))),
        (
            "warm_greedy lazy",
            with(300, Arc::new(quotas(300, 7))),
            Box::new(|| Box::new(WarmGreedy::new(&[7, 3, 90, 250], 0.2).unwrap().lazy(true))),
        ),
        (
            "stochastic_greedy",
            with(24, Arc::new(Groups::cardinality(6))),
            Box::new(|| Box::new(StochasticGreedy::new(0.3).unwrap())),
        ),
        ("bidirectional_greedy", with(16, Arc::new(quotas(16, 7))), Box::new(move || Box::new(two_ended(4)))),
        (
            "bidirectional_greedy, merged rounds",
            with(16, Arc::new(quotas(16, 7))),
            Box::new(move || Box::new(two_ended(4).merge_rounds(true))),
        ),
        (
            "bidirectional_greedy, tight",
            with(10, Arc::new(quotas(10, 7))),
            Box::new(move || Box::new(two_ended(2))),
        ),
        (
            "bidirectional_greedy, full ranking",
            with(14, Arc::new(Unconstrained)),
            Box::new(move || Box::new(two_ended(3).full_ranking(true))),
        ),
        (
            "knapsack",
            with(40, Arc::new(budgeted(40, 16.0))),
            Box::new(|| Box::new(KnapsackGreedy::new(false))),
        ),
        (
            "knapsack, from every item",
            with(10, Arc::new(budgeted(10, 12.0))),
            Box::new(|| Box::new(KnapsackGreedy::new(true))),
        ),
        ("greedy, with a threshold", until(24, 20, 0.4), Box::new(|| Box::new(Greedy))),
        (
            "threshold_greedy",
            with(60, Arc::new(quotas(60, 12))),
            Box::new(|| Box::new(ThresholdGreedy::new(0.4).unwrap())),
        ),
        (
            "threshold_greedy, filled up",
            until(24, 20, -1.0),
            Box::new(|| Box::new(ThresholdGreedy::new(0.9).unwrap())),
        ),
        (
            "adaptive_sequencing",
            with(40, Arc::new(Groups::cardinality(18))),
            Box::new(|| Box::new(AdaptiveSequencing::new(0.4).unwrap())),
        ),
        (
            "adaptive_sequencing, quotas",
            with(40, Arc::new(quotas(40, 9))),
            Box::new(|| Box::new(AdaptiveSequencing::new(0.2).unwrap())),
        ),
        (
            "random_greedy",
            with(24, Arc::new(Groups::cardinality(8))),
            Box::new(|| Box::new(RandomGreedy::new(None))),
        ),
        ("random_greedy, at most k", until(12, 10, 0.1), Box::new(|| Box::new(RandomGreedy::new(Some(0.1))))),
        ("double_greedy", with(20, Arc::new(Unconstrained)), Box::new(|| Box::new(DoubleGreedy::new(false)))),
        (
            "double_greedy, randomised",
            with(20, Arc::new(Unconstrained)),
            Box::new(|| Box::new(DoubleGreedy::new(true))),
        ),
        ("exact", with(12, Arc::new(quotas(12, 6))), Box::new(|| Box::new(Exact::new(u64::MAX, None)))),
        (
            "exact, limited",
            with(16, Arc::new(Groups::cardinality(7))),
            Box::new(|| Box::new(Exact::new(110, None))),
        ),
        (
            "sieve_streaming",
            with(40, Arc::new(Groups::cardinality(8))),
            Box::new(|| Box::new(SieveStreaming::new(0.4).unwrap())),
        ),
        (
            "three_sieves",
            with(40, Arc::new(Groups::cardinality(8))),
            Box::new(|| Box::new(ThreeSieves::new(0.3, 4).unwrap())),
        ),
        (
            "gist",
            with(24, Arc::new(Groups::cardinality(6))),
            Box::new(|| Box::new(Gist::new(0.5, 0.3, Arc::new(distances(24, 2)), Triangle::Metric).unwrap())),
        ),
        (
            "partitioned_greedy",
            with(40, Arc::new(quotas(40, 7))),
            Box::new(|| {
                let inner = Box::new(|| Box::new(LazyGreedy::default()) as Box<dyn Optimizer>);
                Box::new(PartitionedGreedy::new(Parts::Random(3), inner).unwrap())
            }),
        ),
        (
            "per_part",
            with(40, Arc::new(Groups::cardinality(9))),
            Box::new(|| {
                let inner = Box::new(|| Box::new(LazyGreedy::default()) as Box<dyn Optimizer>);
                Box::new(PerPart::new(Parts::Random(3), inner).unwrap())
            }),
        ),
        (
            "per_part, two-ended inside, all ranked",
            with(20, Arc::new(Unconstrained)),
            Box::new(move || {
                let inner = Box::new(move || Box::new(two_ended(3)) as Box<dyn Optimizer>);
                Box::new(PerPart::new(Parts::Random(2), inner).unwrap().rank_all(true))
            }),
        ),
        (
            "partitioned_greedy, two-ended inside",
            with(24, Arc::new(Groups::cardinality(5))),
            Box::new(move || {
                let inner = Box::new(move || Box::new(two_ended(3)) as Box<dyn Optimizer>);
                let of = (0..24).map(|e| e / 9).collect();
                Box::new(PartitionedGreedy::new(Parts::Given(of), inner).unwrap())
            }),
        ),
    ]
}

/// Stops at every single tick; what was chosen is a prefix, and going on from what was saved ends as if nothing had
/// happened: same picks, gains, evaluations and certificate.
#[test]
fn stopped_at_any_tick_a_run_resumes_to_the_same_outcome() {
    for (name, problem, optimizer) in cases(|n| facility_location(n, 3)) {
        let full = go(problem(), &mut *optimizer()).selection;
        for fuse in 0.. {
            let stopped = run(problem(), &mut *optimizer(), None, &Ctl::fused(fuse), &mut |_, _| {}).unwrap();
            if let Ended::Finished(_) = stopped.ended {
                assert!(fuse > 4, "{name} never stopped");
                break;
            }
            assert_eq!(stopped.ended, Ended::Cancelled);
            // A search under a budget shows its first pass until all are compared, and an exact one holds a whole answer
            // before it finds a better one. Parts that are done go together by their gains.
            let prefix = full.items.starts_with(&stopped.selection.items);
            let exempt = ["exact", "knapsack", "per_part"].iter().any(|search| name.starts_with(search));
            assert!(prefix || exempt, "{name} {fuse}");
            let again =
                run(problem(), &mut *optimizer(), Some(&stopped.saved), &Ctl::default(), &mut |_, _| {})
                    .unwrap();
            assert_eq!(again.selection, full, "{name} stopped at tick {fuse}");
        }
    }
}

#[test]
fn a_save_after_any_step_leads_to_the_same_outcome() {
    for (name, problem, optimizer) in cases(|n| facility_location(n, 4)) {
        let (mut saves, ctl) = (vec![], Ctl::default());
        let full = run(problem(), &mut *optimizer(), None, &ctl, &mut |p, o| saves.push(p.save(o, &ctl)))
            .unwrap()
            .selection;
        assert!(saves.len() > 2, "{name}");
        for saved in &saves {
            let again =
                run(problem(), &mut *optimizer(), Some(saved), &Ctl::default(), &mut |_, _| {}).unwrap();
            assert_eq!(again.selection, full, "{name} step {}", saved.step);
        }
    }
}

/// Suspends at each question, dropping everything but what was saved and the answers.
fn suspended(
    name: &str,
    problem: &dyn Fn() -> Problem,
    optimizer: &dyn Fn() -> Box<dyn Optimizer>,
    answers: &Answers,
    truth: &Arc<dyn Objective>,
) -> (Outcome, usize) {
    let (mut saved, mut rounds): (Option<Saved>, usize) = (None, 0);
    loop {
        let out = run(problem(), &mut *optimizer(), saved.as_ref(), &Ctl::default(), &mut |_, _| {}).unwrap();
        let Ended::Asked(sets) = out.ended else { return (out, rounds) };
        rounds += 1;
        for set in sets {
            let v = value(truth, &set);
            assert!(answers.insert(set, v).is_none(), "{name}: asked twice");
        }
        saved = Some(out.saved);
    }
}

#[test]
fn suspended_at_every_question_no_set_is_asked_twice_and_none_more_than_without() {
    let truth = facility_location(300, 9);
    let mut rounds_of = std::collections::BTreeMap::new();
    let model = Arc::new(Model(truth.clone(), Mutex::default(), 0.0));
    let at_once = cases({
        let model = model.clone();
        move |n| external(n, model.clone())
    });
    let answers = Arc::new(Mutex::new(Arc::new(Answers::default())));
    let asking = cases({
        let answers = answers.clone();
        move |n| external(n, answers.lock().unwrap().clone())
    });
    for ((name, problem, optimizer), (_, at_once, at_once_optimizer)) in asking.into_iter().zip(at_once) {
        let table = Arc::new(Answers::default());
        *answers.lock().unwrap() = table.clone();
        model.1.lock().unwrap().clear();
        let (done, rounds) = suspended(name, &*problem, &*optimizer, &table, &truth);
        let straight = go(at_once(), &mut *at_once_optimizer());
        assert_eq!(done.selection, straight.selection, "{name}");
        assert_eq!(
            table.len(),
            model.1.lock().unwrap().len(),
            "{name}: as many questions as without stopping"
        );
        assert!(rounds > 1);
        rounds_of.insert(name, (rounds, table.len()));
    }
    let (rounds, sets) = rounds_of["bidirectional_greedy"];
    let (merged, more_sets) = rounds_of["bidirectional_greedy, merged rounds"];
    assert!(merged < rounds && more_sets <= sets + rounds, "{rounds_of:?}");
}

#[test]
fn lazy_is_greedy_at_one_two_and_seven_threads() {
    for seed in 0..12 {
        // The last one's gains are differences of large values: they rise by rounding, which `slack` absorbs.
        let model = Arc::new(Model(facility_location(40, seed), Mutex::default(), 1e6));
        for f in [facility_location(700, seed), external(40, model)] {
            let n = f.len();
            let problem = || Problem::new(f.clone(), Arc::new(quotas(n, 9)), &[], &[], 7).unwrap();
            let greedy = go(problem(), &mut Greedy).selection;
            for threads in [1, 2, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let lazy = pool.install(|| go(problem(), &mut LazyGreedy::default())).selection;
                assert_eq!((&lazy.items, &lazy.gains), (&greedy.items, &greedy.gains), "seed {seed}");
                assert!(lazy.evaluations <= greedy.evaluations);
            }
        }
    }
}

/// Forty bounds above one collapse to a tie with an item of a lower index, whose own bound was true all along.
#[test]
fn lazy_gives_a_tie_to_the_lowest_index_even_where_only_its_old_bound_is_known() {
    let n = 60;
    // Items 10..50 cover rows 0..3 and one row of their own, item 3 covers its own, the others nothing.
    let s = |i: usize, j: usize| match j {
        3 => i == 3,
        10..50 => i < 3 || i == j,
        _ => false,
    };
    let mut matrix = MatrixBuilder::new(Kernel::detect(), n, n).unwrap();
    for i in 0..n {
        matrix.push(&(0..n).map(|j| f32::from(u8::from(s(i, j)))).collect::<Vec<_>>()).unwrap();
    }
    let f =
        facility_location::facility_location(matrix.finish().unwrap().into(), None, Reduction::Sum).unwrap();
    for optimizer in [&mut Greedy as &mut dyn Optimizer, &mut LazyGreedy::default()] {
        let problem = Problem::new(f.clone(), Arc::new(Groups::cardinality(3)), &[], &[], 0).unwrap();
        assert_eq!(go(problem, optimizer).selection.items, [10, 3, 11]);
    }
}

#[test]
fn states_keep_their_laws() {
    for f in [
        facility_location(1500, 1),
        external(40, Arc::new(Model(facility_location(40, 2), Mutex::default(), 0.0))),
    ] {
        let ctl = Ctl::default();
        let ask: Vec<Item> = (10..20).collect();
        let (mut a, mut b) = (f.clone().state(), f.clone().state());
        let (mut x, mut y) = (vec![0.0; 10], vec![0.0; 10]);
        a.advance(&[1, 2, 3], &ask, &mut x, &ctl).unwrap();
        for e in [1, 2, 3] {
            b.advance(&[e], &[], &mut [], &ctl).unwrap();
        }
        for fuse in 0..20 {
            if b.fork().advance(&[4], &ask, &mut y, &Ctl::fused(fuse)).is_ok() {
                break;
            }
            assert!(b.advance(&[4], &ask, &mut y, &Ctl::fused(fuse)).is_err()); // has changed nothing
        }
        for (i, e) in ask.iter().enumerate() {
            b.advance(&[], &[*e], &mut y[i..=i], &ctl).unwrap();
        }
        assert_eq!((&x, a.value()), (&y, b.value()));
        for (gain, e) in x.iter().zip(ask) {
            assert!((value(&f, &[1, 2, 3, e]) - a.value() - gain).abs() < 1e-9);
        }
    }
}

#[test]
fn a_threshold_ends_the_search_before_the_first_pick_below_it() {
    let f = facility_location(60, 5);
    let problem = || Problem::new(f.clone(), Arc::new(Groups::cardinality(20)), &[], &[], 0).unwrap();
    let full = go(problem(), &mut Greedy).selection;
    let threshold = full.gains[8];
    let expected = full.gains.iter().position(|&gain| gain <= threshold).unwrap();
    for optimizer in [&mut Greedy as &mut dyn Optimizer, &mut LazyGreedy::default()] {
        let out = run(
            problem().stop_when_gain_at_most(Some(threshold)),
            optimizer,
            None,
            &Ctl::default(),
            &mut |_, _| {},
        )
        .unwrap();
        assert_eq!(out.ended, Ended::Finished(submodular::optimizer::Termination::GainAtMost));
        assert_eq!(out.selection.items, full.items[..expected]);
    }
}

#[test]
fn included_items_come_first_and_excluded_ones_never() {
    for (name, problem, optimizer) in cases(|n| facility_location(n, 6)) {
        let out = go(problem(), &mut *optimizer()).selection;
        assert!(out.items.starts_with(&[5, 2]) && !out.items.contains(&3), "{name}: {:?}", out.items);
    }
}

/// A part of a function is that function of the part's own rows, item i being `rows[i]`.
#[test]
fn a_part_is_the_same_function_of_its_own_items() {
    let (n, part) = (12, [7, 3, 11, 0, 5]);
    let s = coarse(n, 2);
    let at = |i: Item, j: Item| f64::from(s[i as usize * n + j as usize]);
    let weights: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let square = || {
        let mut matrix = MatrixBuilder::new(Kernel::detect(), n, n).unwrap();
        s.chunks(n).for_each(|row| matrix.push(row).unwrap());
        facility_location::facility_location(
            matrix.finish().unwrap().into(),
            Some(weights.clone()),
            Reduction::Sum,
        )
        .unwrap()
    };
    let tall = || {
        let mut matrix = MatrixBuilder::new(Kernel::detect(), 4, n).unwrap();
        s.chunks(n).take(4).for_each(|row| matrix.push(row).unwrap());
        facility_location::facility_location(
            matrix.finish().unwrap().into(),
            Some(weights[..4].to_vec()),
            Reduction::Sum,
        )
        .unwrap()
    };
    let formula = |rows: &[Item], set: &[Item]| -> f64 {
        rows.iter().map(|&i| weights[i as usize] * set.iter().map(|&j| at(i, j)).fold(0.0, f64::max)).sum()
    };
    let (in_square, in_tall) = (square().restrict(&part).unwrap(), tall().restrict(&part).unwrap());
    let model = Arc::new(Model(square(), Mutex::default(), 0.0));
    let in_external = external(n, model).restrict(&part).unwrap();
    for set in [vec![], vec![0], vec![4, 1], vec![3, 0, 2, 4]] {
        let named: Vec<Item> = set.iter().map(|&e: &Item| part[e as usize]).collect();
        // Where rows are items the part represents itself; elsewhere the represented rows stay.
        assert!((value(&in_square, &set) - formula(&part, &named)).abs() < 1e-6);
        assert!((value(&in_tall, &set) - formula(&[0, 1, 2, 3], &named)).abs() < 1e-6);
        let all: Vec<Item> = (0..n as Item).collect();
        assert!((value(&in_external, &set) - formula(&all, &named)).abs() < 1e-6);
    }
}

#[test]
fn a_part_of_points_has_the_bits_of_the_whole() {
    let rows: Vec<f32> = (0..40 * 5).map(|t| ((t * 37 % 101) as f32 - 50.0) / 50.0).collect();
    for kernel in Kernel::available() {
        let whole = Blocked::new(Arc::new(Points::from_rows(kernel, Metric::Cosine, 40, 5, &rows).unwrap()));
        let stored = Stored::compute(&whole, &Ctl::default()).unwrap();
        let part = [39, 2, 17, 8];
        let (part_blocked, part_stored) = (whole.restrict(&part), stored.restrict(&part));
        for (j, &item) in (0..).zip(&part) {
            for (i, &row) in part.iter().enumerate() {
                let expected = stored.column(item)[row as usize];
                assert_eq!(part_stored.column(j)[i].to_bits(), expected.to_bits());
                assert_eq!(part_blocked.pair(i, j).to_bits(), expected.to_bits());
            }
        }
    }
}

/// Bounds follow the items into a part and are clipped to what it holds, so that every part has an answer.
#[test]
fn a_part_of_a_rule_has_an_answer() {
    let rule = quotas(24, 7); // groups 0, 1, 2 hold at least 2, 0, 1 and at most 3, 1, 2
    for part in [vec![0, 4, 8, 3], vec![3, 7], vec![0], vec![2, 1, 5, 9, 13, 6]] {
        let part_rule = rule.restrict(&part);
        let all: Vec<Item> = (0..part.len() as Item).collect();
        let mut feasible = part_rule.start(&all).unwrap();
        let mut held = [0; 3];
        for &e in &all {
            if feasible.may_add(e) {
                feasible.add(e);
                if let g @ 0..=2 = part[e as usize] as usize * 7 % 4 {
                    held[g] += 1;
                }
            }
        }
        assert!(feasible.done(), "{part:?}");
        assert!(held[0] <= 3 && held[1] <= 1 && held[2] <= 2, "{part:?} {held:?}");
    }
}
