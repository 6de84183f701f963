//! Which earlier selection to start from, against the worked example and by hand.

use serde_json::Value;
use submodular::compare::transfer::{Labelled, NEIGHBORS, by_chosen, by_representation};
use submodular::{Ctl, Error, Halt};

#[test]
fn the_worked_choice_is_reproduced() {
    let golden: Value = serde_json::from_str(include_str!("../data/selections_golden.json")).unwrap();
    let page = &golden["knn_transfer"];
    let labels: Vec<u32> = serde_json::from_value(page["labels"].clone()).unwrap();
    let views: Vec<Vec<f32>> = ["task0", "task1"]
        .map(|task| {
            let rows: Vec<Vec<f32>> = serde_json::from_value(page["representations"][task].clone()).unwrap();
            rows.concat()
        })
        .to_vec();
    let views: Vec<Labelled<'_>> =
        views.iter().map(|rows| Labelled::new(rows, 4, &labels).unwrap()).collect();
    let k = page["k"].as_u64().unwrap() as usize;
    let found = by_representation(&views, k, &Ctl::default()).unwrap();
    let expected: Vec<f64> = ["task0", "task1"].map(|task| page["accuracy"][task].as_f64().unwrap()).to_vec();
    assert_eq!((found.accuracies, found.chance), (expected, page["chance"].as_f64().unwrap()));
    assert_eq!(page["start_from"].as_str(), found.best.map(|best| ["task0", "task1"][best]));
    // Two that are as good: the earlier. And with all of the base voting, neither beats chance.
    assert_eq!(by_representation(&[views[1]; 2], k, &Ctl::default()).unwrap().best, Some(0));
    let flat = [0.0; 30 * 4];
    let flat = Labelled::new(&flat, 4, &labels).unwrap();
    let found = by_representation(&[flat], NEIGHBORS, &Ctl::default()).unwrap();
    assert!(found.best.is_none() && found.accuracies[0] <= found.chance, "{found:?}");
}

/// Two clusters on a line; the label is the cluster, but for one item.
#[test]
fn chosen_items_vote_on_those_they_are_not() {
    let features = [0.0, 0.1, 0.2, 5.0, 5.1, 5.2];
    let labels = [7, 7, 7, 3, 3, 7];
    let items = Labelled::new(&features, 1, &labels).unwrap();
    let all = [0, 1, 2, 3, 4, 5];
    let found = by_chosen(&items, &[&[0], &[0, 3], &[5]], &all, 1, &Ctl::default()).unwrap();
    // Item 0 says 7 to all: right for 1, 2 and 5. Items 0 and 3 know their sides. Item 5 says 7 to all too.
    assert_eq!(found.accuracies, [3.0 / 5.0, 3.0 / 4.0, 3.0 / 5.0]);
    assert_eq!((found.chance, found.best), (0.5, Some(1)));
    // Of equally many votes the lowest label wins, of equal distances the earlier item.
    let tied = by_chosen(&items, &[&[0, 3]], &[1, 4], 2, &Ctl::default()).unwrap();
    assert_eq!(tied.accuracies, [0.5]);
    let between = Labelled::new(&[0.0, 2.0, 1.0], 1, &[1, 0, 1]).unwrap();
    let first = by_chosen(&between, &[&[0, 1], &[1, 0]], &[2], 1, &Ctl::default()).unwrap();
    assert_eq!((first.accuracies, first.best), (vec![1.0, 0.0], Some(0)));
}

#[test]
fn what_cannot_vote_or_be_scored_is_refused() {
    let labels = [0, 1, 1];
    assert!(matches!(Labelled::new(&[0.0; 5], 2, &labels), Err(Error::Shape { expected: 6, found: 5, .. })));
    assert!(matches!(
        Labelled::new(&[0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0], 2, &labels),
        Err(Error::NotFinite { row: 1, column: 1, .. })
    ));
    let items = Labelled::new(&[0.0, 1.0, 2.0], 1, &labels).unwrap();
    let ctl = Ctl::default();
    let refused = |result| matches!(result, Err(Halt::Failed(Error::Parameter { name: "neighbors", .. })));
    assert!(refused(by_chosen(&items, &[&[]], &[1], 1, &ctl)));
    assert!(refused(by_chosen(&items, &[&[1]], &[1], 1, &ctl)));
    assert!(refused(by_chosen(&items, &[&[1]], &[2], 0, &ctl)));
    assert!(matches!(
        by_chosen(&items, &[&[3]], &[1], 1, &ctl),
        Err(Halt::Failed(Error::UnknownItem { .. }))
    ));
    assert!(by_representation(&[], 1, &ctl).is_err());
    assert_eq!(by_chosen(&items, &[&[0]], &[1], 1, &Ctl::fused(0)), Err(Halt::Cancelled));
}
