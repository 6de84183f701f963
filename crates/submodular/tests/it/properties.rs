//! What holds for every set function, on random data: the sum of gains is the value, lazy is greedy, and neither threads
//! nor stops are seen in the answer.

use crate::support::{go, value};
use crate::world::{Data, OBJECTIVES};
use rayon::ThreadPool;
use std::sync::{Arc, LazyLock};
use submodular::constraint::{Bounds, Groups};
use submodular::optimizer::{Greedy, LazyGreedy, Optimizer};
use submodular::{Ctl, Ended, Item, Objective, Problem, Selection, run};

/// One in three items of group 0, of which an answer holds 2 to 3; one item included and one excluded.
fn problem(f: &Arc<dyn Objective>, k: usize) -> Problem {
    let of = (0..f.len()).map(|e| e.is_multiple_of(3).then_some(0)).collect();
    let rule = Groups::new(k, of, vec![Bounds { at_least: 2, at_most: 3 }]);
    Problem::new(f.clone(), Arc::new(rule), &[4], &[1], 0).unwrap()
}

fn search(f: &Arc<dyn Objective>) -> Box<dyn Optimizer> {
    if f.properties().submodular { Box::new(LazyGreedy::default()) } else { Box::new(Greedy) }
}

fn bits(found: &Selection) -> (Vec<Item>, Vec<u64>, Option<u64>, u64) {
    let gains = found.gains.iter().map(|gain| gain.to_bits()).collect();
    let bound = found.certificate.map(|certificate| certificate.upper_bound.to_bits());
    (found.items.clone(), gains, bound, found.evaluations)
}

#[test]
fn gains_sum_to_the_value_lazy_is_greedy_and_stops_leave_no_trace_whatever_the_function() {
    for &(name, make) in OBJECTIVES {
        for seed in 0..6 {
            let f = make(&Data::new(seed, 40 + seed as usize));
            let at = format!("{name}, seed {seed}");
            let greedy = go(problem(&f, 9), &mut Greedy).selection;
            let whole = value(&f, &greedy.items);
            assert!(
                (greedy.value() - whole).abs() <= 1e-9 * whole.abs().max(1.0),
                "{at}: {} {whole}",
                greedy.value()
            );
            let full = go(problem(&f, 9), &mut *search(&f)).selection;
            assert_eq!((&full.items, &full.gains), (&greedy.items, &greedy.gains), "{at}");
            assert!(full.evaluations <= greedy.evaluations, "{at}");

            let mut stops = 0;
            // Close together at first, where steps are made of several ticks.
            for fuse in (0..).map(|stop: i64| stop * stop + seed as i64 % 3) {
                let watch: &mut dyn FnMut(&Problem, &dyn Optimizer) = &mut |_, _| {};
                let stopped = run(problem(&f, 9), &mut *search(&f), None, &Ctl::fused(fuse), watch).unwrap();
                if let Ended::Finished(_) = stopped.ended {
                    break;
                }
                let saved = Some(&stopped.saved);
                let again = run(problem(&f, 9), &mut *search(&f), saved, &Ctl::default(), watch).unwrap();
                assert_eq!(again.selection, full, "{at} stopped at tick {fuse}");
                stops += 1;
            }
            assert!(stops > 3, "{at}: {stops} stops");
        }
    }
}

static POOLS: LazyLock<[ThreadPool; 3]> = LazyLock::new(|| {
    [1, 2, 7].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap())
});

/// More items than one task's rows, so that there is work to share.
#[test]
fn a_ceiling_is_no_lower_than_the_gain_by_more_than_the_slack_and_comes_near_it() {
    let (mut met, mut ratio): (usize, f64) = (0, 0.0);
    for &(name, make) in OBJECTIVES {
        for seed in 0..6 {
            let f = make(&Data::new(seed, 40 + seed as usize));
            let (slack, ctl) = (f.properties().slack, Ctl::default());
            let mut state = f.clone().state();
            if !state.has_ceilings() {
                continue;
            }
            for step in 0..8 {
                let rest: Vec<Item> = (step..f.len() as Item).collect();
                let add = if step == 0 { vec![] } else { vec![step - 1] };
                let (mut gains, mut ceilings) = (vec![0.0; rest.len()], vec![f64::INFINITY; rest.len()]);
                state.advance(&add, &rest, &mut gains, &ctl).unwrap();
                state.ceilings(&rest, &mut ceilings, &ctl).unwrap();
                for ((item, gain), ceiling) in rest.iter().zip(&gains).zip(&ceilings) {
                    let at = format!("{name}, seed {seed}, step {step}, item {item}");
                    assert!(ceiling + slack >= *gain, "{at}: {ceiling} below {gain}");
                    (met, ratio) = (met + 1, ratio + (gain + 1e-9) / (ceiling + 1e-9));
                }
                // What is known to be lower stays.
                let mut low = vec![-1.0; rest.len()];
                state.ceilings(&rest, &mut low, &ctl).unwrap();
                assert!(low.iter().all(|&bound| bound == -1.0), "{name}");
            }
        }
    }
    assert!(met > 5000, "{met}");
    assert!(ratio / met as f64 > 0.7, "bounds that are no use: {}", ratio / met as f64);
}

#[test]
fn threads_change_no_bit_of_a_function_or_of_its_search() {
    for &(name, make) in OBJECTIVES {
        for seed in [2, 4, 9] {
            let all = POOLS.each_ref().map(|pool| {
                pool.install(|| {
                    let f = make(&Data::new(seed, 1100));
                    bits(&go(problem(&f, 5), &mut *search(&f)).selection)
                })
            });
            assert!(all[0] == all[1] && all[1] == all[2], "{name}, seed {seed}: {all:?}");
        }
    }
}
