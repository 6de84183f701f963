//! Rankings on their way into a profile and back, and rules that have no meaning.

use std::sync::Arc;
use submodular::committee::{InvalidRanking, Profile, ProfileBuilder, Rule, voter_satisfaction};
use submodular::objective::committee::Committee;
use submodular::{Error, Item};

#[test]
fn a_voters_order_is_read_back_with_its_ties_and_without_the_unranked() {
    // More voters than one line of places holds.
    let orders: Vec<(Vec<Item>, Vec<usize>)> = (0..37)
        .map(|voter| match voter % 4 {
            0 => (vec![3, 0, 4, 1, 2], vec![1, 2, 3, 4, 5]),
            1 => (vec![1, 4, 0], vec![2, 3]),
            2 => (vec![voter % 5], vec![1]),
            _ => (vec![2, 0, 3, 4], vec![1, 4]),
        })
        .collect();
    let mut builder = ProfileBuilder::new(5).reserve(37);
    for (voter, (items, ends)) in orders.iter().enumerate() {
        builder.push(items, Some(ends), voter as f64).unwrap();
    }
    let profile = builder.finish().unwrap();
    assert_eq!((profile.candidates(), profile.voters()), (5, 37));
    for (voter, (items, ends)) in orders.iter().enumerate() {
        let ranking = profile.ranking(voter);
        assert_eq!((&ranking.items, &ranking.ends, profile.weights()[voter]), (items, ends, voter as f64));
    }
}

#[test]
fn what_is_no_ranking_is_refused_with_voter_and_position_and_leaves_nothing() {
    type Refused = (&'static [Item], Option<&'static [usize]>, f64, InvalidRanking);
    let (voter, candidates) = (1, 4);
    let ends = |class, end| InvalidRanking::Ends { voter, class, end, ranked: 3 };
    let refused: [Refused; 11] = [
        (&[2, 0, 2], None, 1.0, InvalidRanking::RepeatedCandidate { voter, position: 2, candidate: 2 }),
        (
            &[1, 1, 0],
            Some(&[2, 3]),
            1.0,
            InvalidRanking::RepeatedCandidate { voter, position: 1, candidate: 1 },
        ),
        (
            &[0, 4],
            None,
            1.0,
            InvalidRanking::UnknownCandidate { voter, position: 1, candidate: 4, candidates },
        ),
        (&[], None, 1.0, InvalidRanking::Empty { voter }),
        (&[0], None, -1.0, InvalidRanking::Weight { voter, weight: -1.0 }),
        (&[0], None, f64::INFINITY, InvalidRanking::Weight { voter, weight: f64::INFINITY }),
        (&[0], None, f64::MAX, InvalidRanking::Weight { voter, weight: f64::MAX }),
        (&[0, 1, 2], Some(&[1, 1, 3]), 1.0, ends(1, 1)),
        (&[0, 1, 2], Some(&[1, 4]), 1.0, ends(1, 4)),
        (&[0, 1, 2], Some(&[1, 2]), 1.0, ends(2, 2)),
        (&[0, 1, 2], Some(&[]), 1.0, ends(0, 0)),
    ];
    let mut builder = ProfileBuilder::new(candidates);
    builder.push(&[3, 1], None, f64::MAX / 2.0).unwrap();
    for (items, ends, weight, expected) in refused {
        assert_eq!(builder.push(items, ends, weight), Err(expected));
    }
    assert!(matches!(builder.push(&[0], None, f64::NAN), Err(InvalidRanking::Weight { voter: 1, .. })));
    builder.push(&[2, 0], None, 1.0).unwrap();
    let profile = builder.finish().unwrap();
    assert_eq!((profile.voters(), profile.ranking(1).items), (2, vec![2, 0]));
}

#[test]
fn a_profile_needs_a_voter_that_counts_and_a_strict_one_complete_rankings() {
    assert_eq!(ProfileBuilder::new(3).finish(), Err(InvalidRanking::NoVoters));
    let mut weightless = ProfileBuilder::new(3);
    weightless.push(&[0], None, 0.0).unwrap();
    assert_eq!(weightless.finish(), Err(InvalidRanking::NoVoters));
    assert_eq!(
        Profile::from_strict(3, &[0, 1, 2, 2, 1]),
        Err(InvalidRanking::Incomplete { voter: 1, expected: 3, found: 2 })
    );
    let twice = Profile::from_strict(3, &[0, 1, 2, 2, 2, 1]);
    assert_eq!(twice, Err(InvalidRanking::RepeatedCandidate { voter: 1, position: 1, candidate: 2 }));
    assert_eq!(Profile::from_strict(0, &[]), Err(InvalidRanking::NoVoters));
}

#[test]
fn a_rule_without_meaning_is_refused_by_the_name_of_its_parameter() {
    let vector = |scores: &[f64]| Rule::Positional { scores: scores.to_vec() };
    let owa = |owa: &[f64]| Rule::Owa { positions: vec![1.0], owa: owa.to_vec() };
    let refused = [
        (Rule::Geometric { q: 1.0 }, "q"),
        (Rule::Geometric { q: 0.0 }, "q"),
        (Rule::GeometricOwa { q: f64::NAN }, "q"),
        (Rule::Bloc { t: Some(0) }, "t"),
        (Rule::ChamberlinCourantApproval { t: Some(0) }, "t"),
        (Rule::Pav { t: Some(0) }, "t"),
        (vector(&[]), "positions"),
        (vector(&[1.0; 4]), "positions"),
        (vector(&[1.0, -1.0]), "positions"),
        (vector(&[f64::INFINITY]), "positions"),
        (owa(&[]), "owa"),
        (owa(&[1.0, f64::NAN]), "owa"),
        (Rule::Owa { positions: vec![-0.5], owa: vec![1.0] }, "positions"),
    ];
    for (rule, parameter) in refused {
        assert_eq!(rule.check(3).unwrap_err().parameter, parameter, "{rule:?}");
    }
    for rule in [Rule::Bloc { t: Some(9) }, vector(&[0.0, 3.0]), owa(&[1.0, 2.0]), Rule::Geometric { q: 0.5 }]
    {
        assert_eq!(rule.check(3), Ok(()), "{rule:?}");
    }
    assert!(owa(&[2.0, 2.0, 0.0]).submodular() && !owa(&[1.0, 2.0]).submodular());
    assert_eq!(Rule::Owa { positions: vec![1.0, 4.0], owa: vec![3.0] }.largest_score(3, 1), 12.0);
}

#[test]
fn numbers_that_overflow_and_members_that_there_are_not_are_refused() {
    let mut builder = ProfileBuilder::new(3);
    builder.push(&[2, 1], None, f64::MAX / 2.0).unwrap();
    let profile = Arc::new(builder.finish().unwrap());
    assert!(Committee::new(profile.clone(), Rule::KBorda, 1).is_err());
    assert!(Committee::new(profile.clone(), Rule::ChamberlinCourantApproval { t: None }, 1).is_ok());
    let satisfaction = voter_satisfaction(&profile, &Rule::KBorda, 2, &[0, 3]);
    assert_eq!(satisfaction, Err(Error::UnknownItem { item: 3, len: 3 }));
}
