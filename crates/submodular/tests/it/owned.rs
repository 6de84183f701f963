//! What items add beside those that are owned already: softly, by contraction, and hard, by exclusion.

use crate::support::{budgeted, facility_location, go, optimum, value};
use crate::world::{Data, OBJECTIVES};
use serde_json::Value;
use std::sync::Arc;
use submodular::constraint::Groups;
use submodular::objective::log_det::log_det;
use submodular::objective::modular::Modular;
use submodular::objective::{Contraction, Objective};
use submodular::optimizer::{Greedy, KnapsackGreedy, LazyGreedy, Optimizer, Parts, PerPart};
use submodular::similarity::MatrixBuilder;
use submodular::tile::Kernel;
use submodular::{Chain, Ctl, Error, Halt, Item, Problem};

fn beside(f: &Arc<dyn Objective>, owned: &[Item]) -> Arc<dyn Objective> {
    Arc::new(Contraction::new(f.clone(), owned).unwrap())
}

#[test]
fn gains_beside_owned_items_are_gains_after_including_them_for_every_function() {
    let (n, owned, picks) = (12, [7, 2, 9], [4, 0, 11]);
    for (name, make) in OBJECTIVES {
        let f = make(&Data::new(4, n));
        let ctl = Ctl::default();
        let (mut plain, mut contracted) = (Chain::new(&f, &owned), Chain::new(&beside(&f, &owned), &[]));
        assert_eq!(contracted.state().value(), 0.0);
        let base = plain.value(&ctl).unwrap();
        let others: Vec<Item> = (0..n as Item).filter(|e| !owned.contains(e) && !picks.contains(e)).collect();
        let ask = [&others[..], &owned[..]].concat();
        for e in picks {
            plain.push(e);
            contracted.push(e);
            // Nothing of an earlier attempt is left.
            assert!(contracted.fork().gains(&ask, &Ctl::fused(0)).is_err() || name.contains("modular"));
            let found = contracted.gains(&ask, &ctl).unwrap();
            assert_eq!(found[..others.len()], plain.gains(&others, &ctl).unwrap(), "{name}");
            assert_eq!(found[others.len()..], [0.0; 3], "{name}");
            assert_eq!(contracted.state().value(), plain.state().value() - base, "{name}");
        }
        // To own an item and to choose it is to own it.
        contracted.push(2);
        let again = contracted.gains(&others, &ctl).unwrap();
        assert_eq!(again, plain.gains(&others, &ctl).unwrap(), "{name}");
    }
}

#[test]
fn k_and_the_certificate_count_the_other_items_alone() {
    for seed in 0..12 {
        let (n, k) = (11, 3);
        let (f, owned) = (facility_location(n, seed), [6, 1, 9]);
        let g = beside(&f, &owned);
        let problem = || Problem::new(g.clone(), Arc::new(Groups::cardinality(k)), &[], &owned, 0).unwrap();
        let chosen = go(problem(), &mut LazyGreedy::default()).selection;
        // The same search that includes them, and has places for them.
        let rule = Arc::new(Groups::cardinality(k + owned.len()));
        let after = go(Problem::new(f.clone(), rule, &owned, &[], 0).unwrap(), &mut Greedy).selection;
        assert_eq!((&chosen.items[..], &chosen.gains[..]), (&after.items[3..], &after.gains[3..]), "{seed}");
        let allowed: Vec<Item> = (0..n as Item).filter(|e| !owned.contains(e)).collect();
        let gained = |set: &[Item]| value(&f, &[&owned[..], set].concat()) - value(&f, &owned);
        let best = optimum(&allowed, &[], |set| set.len() == k, gained);
        assert!((gained(&chosen.items) - chosen.value()).abs() < 1e-6);
        assert!(chosen.certificate.unwrap().upper_bound >= best - 1e-9);
        assert!(chosen.value() >= (1.0 - 1.0 / std::f64::consts::E) * best - 1e-9);
    }
}

#[test]
fn a_budget_and_quotas_leave_owned_items_out_of_account() {
    let (n, owned) = (24, [3, 8, 12, 20]);
    let f = facility_location(n, 2);
    let choose = |f: Arc<dyn Objective>| {
        let problem = Problem::new(f, Arc::new(budgeted(n, 14.0)), &[], &owned, 0).unwrap();
        go(problem, &mut KnapsackGreedy::new(false)).selection
    };
    let (plain, beside) = (choose(f.clone()), choose(beside(&f, &owned)));
    let cost = |items: &[Item]| items.iter().map(|&e| e * 5 % 7).sum::<Item>();
    assert!(cost(&beside.items) <= 14 && !beside.items.iter().any(|e| owned.contains(e)));
    // Where they have their coverage, others are chosen.
    assert_ne!(plain.items, beside.items);
}

#[test]
fn a_part_is_covered_by_owned_items_of_other_parts_too() {
    let f = facility_location(12, 2);
    let (items, owned) = ([0, 3, 5, 8], [5, 9, 1]);
    let part = beside(&f, &owned).restrict(&items).unwrap();
    assert_eq!(part.len(), 4);
    // Rows of the part and of those two; item 2 of the part is owned.
    let rows = f.restrict(&[0, 3, 5, 8, 9, 1]).unwrap();
    for set in [vec![], vec![0], vec![3, 1], vec![1, 2, 0]] {
        let mut all = vec![2, 4, 5];
        all.extend(set.iter().filter(|&&e| e != 2));
        assert!((value(&part, &set) - (value(&rows, &all) - value(&rows, &[2, 4, 5]))).abs() < 1e-6);
    }
    let inner = Box::new(|| Box::new(LazyGreedy::default()) as Box<dyn Optimizer>);
    let g = beside(&facility_location(40, 2), &owned);
    let problem = Problem::new(g, Arc::new(Groups::cardinality(9)), &[], &owned, 0).unwrap();
    let chosen = go(problem, &mut PerPart::new(Parts::Random(3), inner).unwrap()).selection;
    assert!(chosen.items.len() >= 9 && !chosen.items.iter().any(|e| owned.contains(e)));
}

/// Two equal rows have the determinant 0, whose logarithm is no number to count from.
#[test]
fn owned_items_without_a_finite_value_are_refused_by_their_name() {
    let mut square = MatrixBuilder::new(Kernel::detect(), 3, 3).unwrap();
    for row in [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]] {
        square.push(&row).unwrap();
    }
    let f = log_det(square.finish().unwrap().into(), 0.0, true).unwrap();
    let gains = |owned: &[Item]| Chain::new(&beside(&f, owned), &[]).gains(&[2], &Ctl::default());
    assert_eq!(gains(&[0]).unwrap(), [0.0]);
    let refused = gains(&[0, 1]).unwrap_err();
    assert!(matches!(&refused, Halt::Failed(Error::Parameter { name: "discount_jobs", .. })), "{refused:?}");
}

#[test]
fn owned_items_that_cannot_be_are_refused() {
    let f = facility_location(6, 0);
    assert!(matches!(Contraction::new(f.clone(), &[6]), Err(Error::UnknownItem { item: 6, len: 6 })));
    assert!(matches!(Contraction::new(f, &[2, 4, 2]), Err(Error::Parameter { name: "owned", .. })));
}

#[test]
fn the_worked_successive_tasks_share_nothing_or_mark_what_is_owned() {
    let golden: Value = serde_json::from_str(include_str!("../data/selections_golden.json")).unwrap();
    let page = &golden["exclusive"];
    let scores: Vec<Vec<f64>> = serde_json::from_value(page["scores"].clone()).unwrap();
    let k = page["k"].as_u64().unwrap() as usize;
    let (mut owned, mut taken): (Vec<Item>, Vec<Item>) = (vec![], vec![]);
    for (task, scores) in scores.into_iter().enumerate() {
        let n = scores.len();
        let f: Arc<dyn Objective> = Arc::new(Modular::new(scores).unwrap());
        let choose = |k: usize, exclude: &[Item]| {
            let rule = Arc::new(Groups::cardinality(k));
            go(Problem::new(f.clone(), rule, &[], exclude, 0).unwrap(), &mut Greedy).selection.items
        };
        let sorted = |mut items: Vec<Item>| {
            items.sort_unstable();
            items
        };
        // Hard: nothing that an earlier task has; the last one finds fewer than k.
        let hard = sorted(choose(k.min(n - taken.len()), &taken));
        assert_eq!(hard, serde_json::from_value::<Vec<Item>>(page["hard_disjoint"][task].clone()).unwrap());
        taken.extend(hard);
        // Soft: free choice, of which what is not owned yet may be edited.
        let soft = &page["soft_masks_and_editable"][task];
        let mask = sorted(choose(k, &[]));
        let editable: Vec<Item> = mask.iter().copied().filter(|e| !owned.contains(e)).collect();
        assert_eq!(mask, serde_json::from_value::<Vec<Item>>(soft["mask"].clone()).unwrap());
        assert_eq!(editable, serde_json::from_value::<Vec<Item>>(soft["editable"].clone()).unwrap());
        owned.extend(editable);
    }
}
