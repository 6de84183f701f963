//! Searches that begin with an earlier answer: what they keep, and what they need not ask.

use crate::support::{facility_location, go, quotas};
use std::sync::Arc;
use submodular::constraint::Groups;
use submodular::objective::Objective;
use submodular::objective::modular::Modular;
use submodular::optimizer::{Greedy, LazyGreedy, WarmGreedy};
use submodular::{Error, Item, Problem, Selection};

const N: usize = 300;

fn chosen(f: &Arc<dyn Objective>, k: usize, mut search: impl submodular::Optimizer) -> Selection {
    let problem = Problem::new(f.clone(), Arc::new(Groups::cardinality(k)), &[5], &[8], 0).unwrap();
    go(problem, &mut search).selection
}

#[test]
fn an_earlier_answer_is_kept_where_it_is_nearly_as_good_and_asks_for_less() {
    for seed in 0..4 {
        // The features have changed: what was chosen then is not what greedy chooses now.
        let (then, now) = (facility_location(N, seed), facility_location(N, seed + 100));
        let earlier = chosen(&then, 40, Greedy).items;
        let cold = chosen(&now, 40, LazyGreedy::default());
        let kept = |answer: &Selection| answer.items.iter().filter(|e| earlier.contains(e)).count();
        let warm =
            |tolerance, lazy| chosen(&now, 40, WarmGreedy::new(&earlier, tolerance).unwrap().lazy(lazy));
        let at_a_tenth = warm(0.1, true);
        assert!(kept(&at_a_tenth) > kept(&cold), "seed {seed}");
        assert!(kept(&warm(0.6, true)) > kept(&at_a_tenth), "seed {seed}");
        assert!(warm(0.6, true).evaluations < cold.evaluations, "seed {seed}");
        assert!(at_a_tenth.value() > 0.95 * cold.value(), "seed {seed}");
        // The lazy form makes the picks of the other one.
        let eager = warm(0.1, false);
        assert_eq!((&eager.items, &eager.gains), (&at_a_tenth.items, &at_a_tenth.gains), "seed {seed}");
        // Without tolerance they are greedy's; without an earlier answer too, whatever the tolerance.
        assert_eq!(warm(0.0, true).items, cold.items, "seed {seed}");
        let nothing = chosen(&now, 40, WarmGreedy::new(&[], 0.5).unwrap().lazy(true));
        assert_eq!(nothing.items, cold.items, "seed {seed}");
    }
}

#[test]
fn every_pick_gains_its_share_of_the_best_and_kept_items_win_ties_and_end_no_run() {
    let f: Arc<dyn Objective> = Arc::new(Modular::new(vec![1.0, 5.0, 4.6, 4.4, 5.0, 0.3, 0.35]).unwrap());
    let run = |kept: &[Item], tolerance, k, stop| {
        let rule = Arc::new(Groups::cardinality(k));
        let problem = Problem::new(f.clone(), rule, &[], &[], 0).unwrap().stop_when_gain_at_most(stop);
        go(problem, &mut WarmGreedy::new(kept, tolerance).unwrap().lazy(true)).selection.items
    };
    assert_eq!(run(&[3, 2], 0.1, 3, None), [2, 1, 4], "4.6 is more than 0.9 of 5, and 4.4 is less");
    assert_eq!(run(&[4], 0.0, 2, None), [1, 4], "a tie weighs the same: the lowest index");
    assert_eq!(run(&[5], 0.2, 6, None)[5], 5, "0.3 is more than 0.8 of 0.35");
    assert_eq!(run(&[5], 0.2, 7, Some(0.32)), [1, 4, 2, 3, 0, 6], "0.35 is more than 0.32 still");
    for tolerance in [1.0, -0.1, f64::NAN] {
        let refused = WarmGreedy::new(&[], tolerance);
        assert!(matches!(refused, Err(Error::Parameter { name: "tolerance", .. })), "{tolerance}");
    }
    // Quotas hold as ever.
    let problem = Problem::new(facility_location(24, 1), Arc::new(quotas(24, 7)), &[], &[], 0).unwrap();
    let all: Vec<Item> = (0..24).collect();
    assert_eq!(go(problem, &mut WarmGreedy::new(&all, 0.5).unwrap()).selection.items.len(), 7);
}
