//! Parts that are not merged, against the worked example and against greedy on each part alone.

use crate::support::{facility_location, go, quotas};
use serde_json::Value;
use std::sync::Arc;
use submodular::constraint::{Constraint, Groups, Unconstrained};
use submodular::guarantee::Guarantee;
use submodular::objective::facility_location::facility_location as of_similarity;
use submodular::objective::{FacilityLocation, Objective, Reduction};
use submodular::optimizer::{Greedy, LazyGreedy, Optimizer, Parts, PerPart, Ranked, Termination};
use submodular::sampling::{below, stream};
use submodular::similarity::{Any, Blocked, Metric, Points, Similarity, Stored};
use submodular::tile::Kernel;
use submodular::{Chain, Ctl, Ended, Item, Problem, run};

fn per_part(parts: Parts) -> PerPart {
    PerPart::new(parts, Box::new(|| Box::new(LazyGreedy::default()))).unwrap()
}

fn problem(f: &Arc<dyn Objective>, k: usize) -> Problem {
    Problem::new(f.clone(), Arc::new(Groups::cardinality(k)), &[], &[], 4).unwrap()
}

fn ranked(search: &PerPart) -> Vec<Ranked> {
    search.parts().unwrap().to_vec()
}

#[test]
fn the_worked_parts_are_reproduced_ranked_and_by_budget() {
    let golden: Value = serde_json::from_str(include_str!("../data/ingenious_golden.json")).unwrap();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["X"].clone()).unwrap();
    let (n, k) = (rows.len(), golden["k"].as_u64().unwrap() as usize);
    let points = Points::from_rows(Kernel::detect(), Metric::Cosine, n, 4, &rows.concat()).unwrap();
    let f = FacilityLocation::new(Blocked::new(Arc::new(points)), None, Reduction::Sum).unwrap();
    let f: Arc<dyn Objective> = Arc::new(f);
    let pages = golden["parts"].as_array().unwrap();
    let items =
        |page: &Value, name: &str| -> Vec<Item> { serde_json::from_value(page[name].clone()).unwrap() };
    let mut of = vec![0; n];
    for (part, page) in (0..).zip(pages) {
        items(page, "items").iter().for_each(|&e| of[e as usize] = part);
    }
    let mut all = per_part(Parts::Given(of.clone())).rank_all(true);
    let out = go(problem(&f, k), &mut all);
    assert_eq!(out.ended, Ended::Finished(Termination::AllRanked));
    let mut few = per_part(Parts::Given(of));
    let chosen = go(problem(&f, k), &mut few);
    assert_eq!(chosen.ended, Ended::Finished(Termination::BudgetReached));
    assert_eq!(chosen.selection.items.len() as u64, golden["selected_total"].as_u64().unwrap());
    let mut ties = 0;
    for ((page, all), few) in pages.iter().zip(ranked(&all)).zip(ranked(&few)) {
        let mut own = items(page, "items");
        own.sort_unstable();
        let local = |e: Item| own.binary_search(&e).unwrap() as Item;
        let mut chain = Chain::new(&f.clone().restrict(&own).unwrap(), &[]);
        let gains: Vec<f64> = serde_json::from_value(page["gains"].clone()).unwrap();
        assert_eq!((all.items.len(), all.gains.len(), all.size), (7, 7, 8));
        for ((expected, gain), (&e, found)) in
            items(page, "greedy_items").into_iter().zip(gains).zip(all.items.iter().zip(&all.gains))
        {
            assert!((found - gain).abs() < 1e-6, "{found}, expected {gain}");
            // Of two items that cover each other and nothing else, rounding chose on the page.
            if e != expected && !chain.items().contains(&local(expected)) {
                let tied = chain.gains(&[local(expected)], &Ctl::default()).unwrap()[0];
                assert!((tied - gain).abs() < 1e-6, "{e} instead of {expected}");
                ties += 1;
            }
            chain.push(local(e));
        }
        let size = page["sample_size"].as_u64().unwrap() as usize;
        assert_eq!((&few.items[..], &few.gains[..]), (&all.items[..size], &all.gains[..size]));
        assert_eq!(few.items, items(page, "greedy_items")[..size]);
    }
    assert!(ties <= 1);
    let sorted = |gains: &[f64]| gains.is_sorted_by(|a, b| a >= b);
    assert!(out.selection.items.len() == 21 && sorted(&out.selection.gains));
    assert!(sorted(&chosen.selection.gains) && chosen.selection.certificate.is_none());
    let central = go(problem(&f, k), &mut Greedy).selection;
    assert_eq!(central.items, items(&golden["central_greedy"], "items"));
    assert!((central.value() - golden["central_greedy"]["value"].as_f64().unwrap()).abs() < 1e-5);
}

/// Included items come first in their own parts, excluded ones stay rows of theirs.
#[test]
fn every_part_is_greedy_on_its_own_function_under_its_share_of_k() {
    for seed in 0..60 {
        let mut rng = stream(seed, 9);
        let n = 8 + below(30, &mut rng) as usize;
        let f = facility_location(n, seed);
        let of: Vec<u32> = (0..n).map(|_| below(5, &mut rng) as u32 * 3).collect();
        let (include, exclude) = if seed % 2 == 0 { (vec![4, 1], vec![0, 6]) } else { (vec![], vec![]) };
        let candidates = n - exclude.len();
        let k = include.len() + below((candidates - include.len()) as u64, &mut rng) as usize;
        let rank_all = seed % 3 == 0;
        let rule = Arc::new(Groups::cardinality(k));
        let problem = Problem::new(f.clone(), rule, &include, &exclude, 0).unwrap();
        let mut search = per_part(Parts::Given(of.clone())).rank_all(rank_all);
        let out = go(problem, &mut search);
        let mut expected: Vec<(Item, f64)> = vec![];
        for part in ranked(&search) {
            let items: Vec<Item> =
                (0..n as Item).filter(|&e| u64::from(of[e as usize]) == part.part).collect();
            let local = |e: &Item| items.iter().position(|item| item == e).map(|at| at as Item);
            let own = |named: &[Item]| named.iter().filter_map(local).collect::<Vec<_>>();
            let (include, exclude) = (own(&include), own(&exclude));
            let size = items.len() - exclude.len();
            assert_eq!(part.size, size);
            let share = if rank_all { size } else { (size * k).div_ceil(candidates) };
            let budget = share.min(size.saturating_sub(1)).max(include.len());
            let function = f.clone().restrict(&items).unwrap();
            let rule = Arc::new(Groups::cardinality(budget));
            let alone =
                go(Problem::new(function, rule, &include, &exclude, 0).unwrap(), &mut Greedy).selection;
            let named: Vec<Item> = alone.items.iter().map(|&e| items[e as usize]).collect();
            assert_eq!((&part.items, &part.gains), (&named, &alone.gains), "seed {seed}");
            expected.extend(named.into_iter().zip(alone.gains));
        }
        let place = |e: &Item| include.iter().position(|item| item == e).unwrap_or(include.len());
        expected.sort_by(|a, b| place(&a.0).cmp(&place(&b.0)).then(b.1.total_cmp(&a.1)).then(a.0.cmp(&b.0)));
        let found = &out.selection;
        let found: Vec<(Item, f64)> = found.items.iter().copied().zip(found.gains.iter().copied()).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_run_that_goes_on_from_any_save_has_the_same_parts_at_any_thread_count() {
    let f = facility_location(90, 3);
    let make = || per_part(Parts::Random(6)).rank_all(true);
    let (mut saves, mut progress, ctl) = (vec![], vec![], Ctl::default());
    let mut search = make();
    let full = run(problem(&f, 9), &mut search, None, &ctl, &mut |p, o| {
        saves.push(p.save(o, &ctl));
        progress.push(o.progress(p));
    })
    .unwrap();
    let parts = ranked(&search);
    assert!(parts.len() == 6 && progress.is_sorted() && progress.last() == Some(&(6, 6)));
    for (at, saved) in saves.iter().enumerate().step_by(7) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads([1, 2, 7][at % 3]).build().unwrap();
        let mut again = make();
        let watch = &mut |_: &Problem, _: &dyn Optimizer| {};
        let out = pool.install(|| run(problem(&f, 9), &mut again, Some(saved), &Ctl::default(), watch));
        assert_eq!((out.unwrap().selection, ranked(&again)), (full.selection.clone(), parts.clone()));
    }
}

#[test]
fn a_run_that_is_stopped_reports_the_parts_that_are_done() {
    let f = facility_location(90, 4);
    let (ctl, mut search) = (Ctl::default(), per_part(Parts::Random(6)));
    let out = run(problem(&f, 12), &mut search, None, &ctl, &mut |p, o| {
        if o.progress(p).0 == 4 {
            ctl.cancel();
        }
    })
    .unwrap();
    let parts = ranked(&search);
    assert!(out.ended == Ended::Cancelled && parts.len() == 4);
    let mut items = parts.iter().flat_map(|part| part.items.clone()).collect::<Vec<_>>();
    items.sort_unstable();
    let mut found = out.selection.items.clone();
    found.sort_unstable();
    assert!(found == items && !found.is_empty());
    let sum: f64 = parts.iter().flat_map(|part| &part.gains).sum();
    assert!((out.selection.value() - sum).abs() < 1e-9);
}

#[test]
fn parts_that_store_their_similarities_choose_what_those_that_do_not_choose() {
    let n = 80;
    let mut rng = stream(2, 2);
    let rows: Vec<f32> = (0..n * 3).map(|_| below(2_000, &mut rng) as f32 - 999.5).collect();
    let points = Arc::new(Points::from_rows(Kernel::detect(), Metric::Cosine, n, 3, &rows).unwrap());
    let whole = Blocked::new(points);
    let f = |similarity| of_similarity(similarity, None, Reduction::Sum).unwrap();
    let objective = f(Any::Blocked(whole.clone()));
    let mut plain = per_part(Parts::Random(4));
    let expected = go(problem(&objective, 20), &mut plain).selection;
    let stored =
        move |items: &[Item], ctl: &Ctl| Ok(f(Any::Stored(Stored::compute(&whole.restrict(items), ctl)?)));
    let mut storing = per_part(Parts::Random(4)).function(Box::new(stored));
    assert_eq!(go(problem(&objective, 20), &mut storing).selection, expected);
    assert_eq!(ranked(&storing), ranked(&plain));
    let other = facility_location(3, 0);
    let mut wrong = per_part(Parts::Random(4)).function(Box::new(move |_, _| Ok(other.clone())));
    assert!(run(problem(&objective, 20), &mut wrong, None, &Ctl::default(), &mut |_, _| {}).is_err());
}

#[test]
fn a_threshold_on_gains_ends_each_part() {
    let f = facility_location(60, 2);
    let mut search = per_part(Parts::Random(3)).rank_all(true);
    let out = go(problem(&f, 9).stop_when_gain_at_most(Some(1.5)), &mut search);
    assert_eq!(out.ended, Ended::Finished(Termination::GainAtMost));
    for part in ranked(&search) {
        assert!(part.items.len() < part.size - 1 && part.gains.iter().all(|&gain| gain > 1.5));
    }
}

#[test]
fn parts_alone_promise_nothing_and_share_no_rule_but_k() {
    let f = facility_location(24, 0).properties();
    let search = per_part(Parts::Random(2));
    let claim = search.claim(&f, &Groups::cardinality(3).shape()).unwrap();
    assert!(
        !claim.prefixes && matches!(claim.guarantee, Guarantee::None { reason } if reason.contains("whole"))
    );
    assert!(search.claim(&f, &quotas(24, 7).shape()).is_err());
    assert!(search.claim(&f, &Unconstrained.shape()).is_err());
    assert!(per_part(Parts::Random(2)).rank_all(true).claim(&f, &Unconstrained.shape()).is_ok());
    // What the search inside refuses is refused.
    let other = submodular::Properties { submodular: false, ..f };
    assert!(search.claim(&other, &Groups::cardinality(3).shape()).is_err());
    assert!(PerPart::new(Parts::Random(0), Box::new(|| Box::new(Greedy))).is_err());
    let labels = Parts::Given(vec![0; 5]);
    let problem = problem(&facility_location(6, 0), 3);
    assert!(run(problem, &mut per_part(labels), None, &Ctl::default(), &mut |_, _| {}).is_err());
}
