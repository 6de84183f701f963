//! Several selections of one universe, and a set against the rest.

use crate::support::{facility_location, value};
use serde_json::Value;
use std::collections::BTreeSet;
use submodular::compare::{Margins, Necessity, Overlap, Stability};
use submodular::sampling::{below, stream, without_replacement};
use submodular::{Ctl, Error, Halt, Item};

#[test]
fn the_worked_overlap_is_reproduced() {
    let golden: Value = serde_json::from_str(include_str!("../data/selections_golden.json")).unwrap();
    let page = &golden["overlap"];
    let items = |name: &str| -> Vec<Item> { serde_json::from_value(page[name].clone()).unwrap() };
    let (a, b, n) = (items("A"), items("B"), page["N"].as_u64().unwrap() as usize);
    let found = Stability::new(n, &[&a, &b]).unwrap();
    let overlap = found.pairs()[0].overlap;
    assert_eq!(overlap.intersection(), page["intersection"].as_u64().unwrap());
    for (name, figure) in [
        ("jaccard", overlap.jaccard()),
        ("of_A", overlap.of_a()),
        ("of_B", overlap.of_b()),
        ("expected_intersection", Some(overlap.expected())),
        ("lift", overlap.lift()),
        ("z", overlap.z()),
        ("p_at_least", Some(overlap.p_at_least())),
        ("jaccard", found.mean_jaccard()),
        ("expected_of_A", Some(found.mean_expected() / a.len() as f64)),
    ] {
        assert!((figure.unwrap() - page[name].as_f64().unwrap()).abs() < 1e-12, "{name}: {figure:?}");
    }
}

#[test]
fn every_pair_and_every_count_is_that_of_the_sets() {
    for seed in 0..80 {
        let mut rng = stream(seed, 0);
        let universe = 1 + below(40, &mut rng) as usize;
        let selections: Vec<Vec<Item>> = (0..2 + below(5, &mut rng))
            .map(|_| {
                let size = below(universe as u64 + 1, &mut rng) as usize;
                let mut items = without_replacement((0..universe as Item).collect(), size, &mut rng);
                items.reverse();
                items
            })
            .collect();
        let lists: Vec<&[Item]> = selections.iter().map(Vec::as_slice).collect();
        let found = Stability::new(universe, &lists).unwrap();
        let sets: Vec<BTreeSet<Item>> =
            selections.iter().map(|items| items.iter().copied().collect()).collect();
        let mut pairs = found.pairs().iter();
        let (mut shared, mut expected) = (0.0, 0.0);
        for a in 0..sets.len() {
            for b in a + 1..sets.len() {
                let pair = pairs.next().unwrap();
                let margins =
                    Margins::new(universe as u64, sets[a].len() as u64, sets[b].len() as u64).unwrap();
                let common = sets[a].intersection(&sets[b]).count();
                let overlap = Overlap::new(margins, common as u64).unwrap();
                assert_eq!((pair.a, pair.b, pair.overlap), (a, b, overlap));
                shared += common as f64;
                expected += margins.expected();
            }
        }
        let count = found.pairs().len() as f64;
        assert!(pairs.next().is_none() && found.selections() == sets.len());
        assert!((found.mean_intersection() - shared / count).abs() < 1e-12);
        assert!((found.mean_expected() - expected / count).abs() < 1e-12);
        for held in 1..=sets.len() {
            let holders = |item: &Item| sets.iter().filter(|set| set.contains(item)).count();
            let items = (0..universe as Item).filter(|item| holders(item) == held).count();
            assert_eq!(found.held_by()[held - 1], items);
        }
        assert!(found.in_all() <= found.in_any());
        let empty = sets.iter().filter(|set| set.is_empty()).count();
        assert_eq!(found.mean_jaccard().is_none(), empty > 1);
    }
}

#[test]
fn selections_that_are_none_are_refused() {
    assert!(matches!(Stability::new(9, &[&[1]]), Err(Error::Shape { found: 1, .. })));
    assert!(matches!(Stability::new(9, &[&[1], &[9]]), Err(Error::UnknownItem { item: 9, len: 9 })));
    assert!(matches!(
        Stability::new(9, &[&[1], &[4, 2, 4]]),
        Err(Error::Parameter { name: "selections", reason }) if reason.contains("selection 1 holds item 4")
    ));
}

#[test]
fn a_set_suffices_and_is_needed_as_far_as_its_values_say() {
    let f = facility_location(9, 2);
    let (set, others, all): (Vec<Item>, Vec<Item>, Vec<Item>) =
        (vec![4, 0], vec![1, 2, 3, 5, 6, 7, 8], (0..9).collect());
    let found = Necessity::new(&f, &set, &Ctl::default()).unwrap();
    assert_eq!((found.value, found.complement), (value(&f, &set), value(&f, &others)));
    assert_eq!(found.sufficiency(), Some(value(&f, &set) / value(&f, &all)));
    assert_eq!(found.without(), Some(value(&f, &others) / value(&f, &all)));
    for bad in [&[9][..], &[1, 1]] {
        assert!(matches!(Necessity::new(&f, bad, &Ctl::default()), Err(Halt::Failed(_))));
    }
    let nothing = Necessity { value: 0.0, complement: 0.0, whole: 0.0 };
    assert_eq!((nothing.sufficiency(), nothing.without()), (None, None));
}
