//! Searches that pass once over the items.

use crate::support::{go, optimum, tall, value};
use std::sync::Arc;
use submodular::certificate::Basis;
use submodular::constraint::{Constraint, Groups};
use submodular::guarantee::{Guarantee, Mismatch};
use submodular::objective::{Objective, Properties};
use submodular::optimizer::{Optimizer, SieveStreaming, Termination, ThreeSieves};
use submodular::sampling::{below, stream};
use submodular::{Chain, Ctl, Ended, Item, Problem, run};

fn problem(f: &Arc<dyn Objective>, k: usize, include: &[Item], exclude: &[Item]) -> Problem {
    Problem::new(f.clone(), Arc::new(Groups::cardinality(k)), include, exclude, 7).unwrap()
}

fn gain(f: &Arc<dyn Objective>, set: &[Item], e: Item) -> f64 {
    Chain::new(f, set).gains(&[e], &Ctl::default()).unwrap()[0]
}

/// Sieve-Streaming++ as it is written down: one item after the other, every sieve asked.
fn one_at_a_time(f: &Arc<dyn Objective>, n: usize, k: usize, epsilon: f64) -> (Vec<Item>, usize) {
    let (mut largest, mut bound) = (0.0_f64, 0.0_f64);
    let mut sieves: Vec<(i32, Vec<Item>, f64)> = vec![];
    let mut best: (Vec<Item>, f64) = (vec![], 0.0);
    let mut top = i32::MIN;
    for e in 0..n as Item {
        largest = largest.max(gain(f, &[], e));
        let least = largest.max(bound) / (2 * k) as f64;
        let power = |i: i32| (1.0 + epsilon).powi(i);
        sieves.retain(|sieve| power(sieve.0) >= least);
        for i in -200..200 {
            if i > top && power(i) >= least && power(i) <= largest {
                sieves.push((i, vec![], 0.0));
                top = i;
            }
        }
        for (i, set, sum) in &mut sieves {
            if set.len() < k {
                let gain = gain(f, set, e);
                if gain >= power(*i) {
                    set.push(e);
                    *sum += gain;
                    bound = bound.max(*sum);
                    if *sum > best.1 {
                        best = (set.clone(), *sum);
                    }
                }
            }
        }
    }
    (best.0, sieves.len())
}

#[test]
fn sieves_take_what_asking_one_item_at_a_time_takes() {
    for seed in 0..40 {
        let (n, k) = if seed < 2 { (2500, 5) } else { (60, 1 + seed as usize % 7) };
        let f = tall(6, n, seed);
        let epsilon = [0.1, 0.25, 0.6][seed as usize % 3];
        let mut sieves = SieveStreaming::new(epsilon).unwrap().top_up(false);
        let out = go(problem(&f, k, &[], &[]), &mut sieves);
        let (items, alive) = one_at_a_time(&f, n, k, epsilon);
        // Of equally good sieves either may answer.
        let found = value(&f, &out.selection.items);
        assert_eq!(found, value(&f, &items), "seed {seed}: {:?}, expected {items:?}", out.selection.items);
        assert!(alive <= sieves.sieves(k), "{alive} sieves at the end");
        assert!(out.selection.evaluations <= (n * (2 + 2 * sieves.sieves(k))) as u64);
        let full = out.selection.items.len() == k;
        let ended = if full { Termination::BudgetReached } else { Termination::NoCandidateLeft };
        assert_eq!(out.ended, Ended::Finished(ended));
    }
}

#[test]
fn a_pass_of_several_blocks_resumes_anywhere_to_the_same_outcome() {
    let f = tall(6, 3000, 4);
    let searches: [fn() -> Box<dyn Optimizer>; 2] =
        [|| Box::new(SieveStreaming::new(0.3).unwrap()), || Box::new(ThreeSieves::new(0.2, 300).unwrap())];
    for search in searches {
        let full = go(problem(&f, 9, &[5], &[3]), &mut *search()).selection;
        assert_eq!(full.items.len(), 9);
        let mut fuse = 0;
        loop {
            let ctl = Ctl::fused(fuse);
            let out = run(problem(&f, 9, &[5], &[3]), &mut *search(), None, &ctl, &mut |_, _| {}).unwrap();
            if let Ended::Finished(_) = out.ended {
                break;
            }
            let again = run(
                problem(&f, 9, &[5], &[3]),
                &mut *search(),
                Some(&out.saved),
                &Ctl::default(),
                &mut |_, _| {},
            );
            assert_eq!(again.unwrap().selection, full, "stopped at {fuse}");
            fuse += 1 + fuse / 7;
        }
        assert!(fuse > 20);
    }
}

#[test]
fn one_pass_keeps_its_factor_and_topping_up_never_lowers_it() {
    let mut certified = 0;
    for seed in 0..500 {
        let mut rng = stream(seed, 3);
        let (n, k) = (3 + below(6, &mut rng) as usize, 1 + below(3, &mut rng) as usize);
        let f = tall(1 + below(4, &mut rng) as usize, n, seed);
        let include: Vec<Item> = if seed % 3 == 0 { vec![1] } else { vec![] };
        let epsilon = [0.01, 0.1, 0.3][seed as usize % 3];
        let all: Vec<Item> = (0..n as Item).collect();
        let best = optimum(&all, &include, |set| set.len() == k, |set| value(&f, set));
        let short =
            go(problem(&f, k, &include, &[]), &mut SieveStreaming::new(epsilon).unwrap().top_up(false));
        let whole = go(problem(&f, k, &include, &[]), &mut SieveStreaming::new(epsilon).unwrap());
        let three = go(problem(&f, k, &include, &[]), &mut ThreeSieves::new(epsilon, 2).unwrap()).selection;
        let (short, whole) = (short.selection, whole.selection);
        assert!(short.value() >= (0.5 - epsilon) * best - 1e-9, "seed {seed}: {} of {best}", short.value());
        assert!(whole.items.starts_with(&short.items) && whole.value() >= short.value());
        for chosen in [&short, &whole, &three] {
            assert!(chosen.items.starts_with(&include));
            assert!((chosen.value() - value(&f, &chosen.items)).abs() < 1e-9);
            if let Some(certificate) = chosen.certificate {
                assert_eq!(certificate.basis, Basis::StalePrefixes);
                assert!(certificate.upper_bound >= best - 1e-9, "seed {seed}: {chosen:?}, optimum {best}");
                certified += 1;
            }
        }
        assert_eq!((whole.items.len(), three.items.len()), (k, k));
    }
    assert!(certified > 1000, "{certified} certificates");
}

#[test]
fn three_sieves_lower_their_guess_after_so_many_rejections() {
    // The first item is worth 1, all others 0.3 each: with k = 4 the first guess, 4, asks for (2 - 1) / 3 each.
    let scores = std::iter::once(1.0).chain(std::iter::repeat_n(0.3, 20)).collect();
    let f: Arc<dyn Objective> = Arc::new(submodular::objective::modular::Modular::new(scores).unwrap());
    let take = |rejections| {
        let mut search = ThreeSieves::new(0.5, rejections).unwrap().top_up(false);
        go(problem(&f, 4, &[], &[]), &mut search).selection.items
    };
    // 1.5^3 = 3.375 is the largest power up to 4: (1.6875 - 1) / 3 = 0.229 < 0.3, so nothing is rejected.
    assert_eq!(take(1000), [0, 1, 2, 3]);
    // With 0.2 each the next lower guess is needed, (1.125 - 1) / 3 = 0.042, after as many rejections as it takes.
    let scores = std::iter::once(1.0).chain(std::iter::repeat_n(0.2, 20)).collect();
    let f: Arc<dyn Objective> = Arc::new(submodular::objective::modular::Modular::new(scores).unwrap());
    let take = |rejections| {
        let mut search = ThreeSieves::new(0.5, rejections).unwrap().top_up(false);
        go(problem(&f, 4, &[], &[]), &mut search).selection.items
    };
    assert_eq!(take(1), [0, 2, 3, 4]);
    assert_eq!(take(5), [0, 6, 7, 8]);
    assert_eq!(take(1000), [0]);
}

#[test]
fn one_pass_refuses_what_it_cannot_serve() {
    let all = Properties {
        monotone: true,
        submodular: true,
        normalised: true,
        streamable: true,
        ..Properties::default()
    };
    let sieves = SieveStreaming::new(0.1).unwrap();
    let k = Groups::cardinality(3).shape();
    let claim = sieves.claim(&all, &k).unwrap();
    assert!(matches!(claim.guarantee, Guarantee::Factor { factor, .. } if factor == 0.4) && !claim.prefixes);
    let over_all_rows = sieves.claim(&Properties { streamable: false, ..all }, &k);
    assert!(matches!(over_all_rows, Err(Mismatch(reason)) if reason.contains("`represented`")));
    assert!(sieves.claim(&Properties { monotone: false, ..all }, &k).is_err());
    assert!(sieves.claim(&all, &crate::support::quotas(9, 4).shape()).is_err());
    let three = ThreeSieves::new(0.1, 500).unwrap().claim(&all, &k).unwrap();
    assert!(matches!(three.guarantee, Guarantee::None { .. }));
    for epsilon in [0.0, 1.0, f64::NAN, 1e-9] {
        assert!(SieveStreaming::new(epsilon).is_err());
    }
    assert!(ThreeSieves::new(0.1, 0).is_err());
}
