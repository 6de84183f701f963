//! Attribution by questions and answers: nothing asked twice, the same end as with a table, bad answers refused by
//! place.

use crate::attribution::{outputs, regions, table};
use crate::support::go;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use submodular::attribution::{
    ConfidenceForm, Evaluation, Evaluations, Evaluator, InvalidAnswers, Model, MuFidelity, Output, Pair,
    Report, Scores, Search, Settings, Spent, Table,
};
use submodular::constraint::Groups;
use submodular::objective::attribution::Attribution;
use submodular::optimizer::{Optimizer, RandomGreedy, StochasticGreedy};
use submodular::{Ctl, Ended, Halt, Item, Outcome, Problem, Saved, Set, run};

type Round = (Vec<Set>, Vec<Evaluation>);

/// What the caller's model says of `set`; evidence of the set alone, as an answer needs it.
fn answer(set: &Set) -> Evaluation {
    let (probs, evidence) = outputs();
    let row: usize = set.iter().map(|&region| 1 << region).sum();
    let output = |row: usize, evidence| Output {
        scores: Scores::Probabilities(probs[row].clone()),
        evidence,
        confidence: None,
    };
    Evaluation { shown: output(row, Some(evidence[row].clone())), complement: output(255 - row, None) }
}

fn function(settings: Settings, evaluator: Arc<dyn Evaluator>) -> Arc<Attribution> {
    Arc::new(Attribution::new(regions(), settings, evaluator).unwrap())
}

/// A book with all that was answered so far: what a service that was killed makes of its store.
fn book(settings: &Settings, target: Option<usize>, rounds: &[Round]) -> Arc<Evaluations> {
    let book = Evaluations::new(8, Model::new(3, target, settings).unwrap());
    rounds.iter().for_each(|(sets, answers)| book.record(sets, answers).unwrap());
    Arc::new(book)
}

/// Runs to the end, killed after every round: nothing stays but the answers and, with `keep`, what was saved.
fn exchange(
    settings: Settings,
    target: Option<usize>,
    keep: bool,
    begin: &dyn Fn(Arc<Attribution>) -> (Problem, Box<dyn Optimizer>),
) -> (Outcome, Vec<Round>, Arc<Attribution>) {
    let (mut saved, mut rounds): (Option<Saved>, Vec<Round>) = (None, vec![]);
    loop {
        let f = function(settings, book(&settings, target, &rounds));
        let (problem, mut optimizer) = begin(f.clone());
        let out = run(problem, &mut *optimizer, saved.as_ref(), &Ctl::default(), &mut |_, _| {}).unwrap();
        let Ended::Asked(sets) = out.ended else { return (out, rounds, f) };
        let answers = sets.iter().map(answer).collect();
        rounds.push((sets, answers));
        saved = Some(out.saved).filter(|_| keep);
    }
}

/// A table that remembers what was looked up.
struct Watched(Arc<Table>, Mutex<BTreeSet<Set>>);

impl Evaluator for Watched {
    fn count(&self) -> usize {
        self.0.count()
    }
    fn target(&self) -> Option<usize> {
        self.0.target()
    }
    fn pairs(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<Pair>, Halt> {
        self.1.lock().unwrap().extend(sets.iter().cloned());
        self.0.pairs(sets, ctl)
    }
    fn known(&self, set: &[Item]) -> Option<Pair> {
        self.0.known(set)
    }
}

fn others(set: &Set) -> Set {
    (0..8).filter(|region| !set.contains(region)).collect()
}

#[test]
fn killed_after_every_round_no_set_is_asked_twice_and_the_end_is_that_of_the_table() {
    for (settings, lima) in [(Settings::smdl(), false), (Settings::lima(), true)] {
        for search in [Search::Greedy, Search::BidirectionalGreedy { pool: 3, merge_rounds: false }] {
            for (k, target, keep) in
                [(8, None, true), (8, Some(1), false), (5, Some(2), true), (1, None, true)]
            {
                let name = format!("{search:?}, lima {lima}, k {k}, target {target:?}");
                let begin = |f| search.begin(f, k).unwrap();
                let (out, rounds, f) = exchange(settings, target, keep, &begin);
                let asked: Vec<&Set> = rounds.iter().flat_map(|(sets, _)| sets).collect();
                assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "{name}");
                if target.is_none() {
                    assert_eq!(rounds[0].0, [Set::new()], "{name}: the end points come first");
                }
                if lima {
                    let twice = asked.iter().find(|set| asked.contains(&&others(set)));
                    assert_eq!(twice, None, "{name}: one question tells of both sides");
                }

                let watched = Arc::new(Watched(table(&settings, target), Mutex::default()));
                let known = function(settings, watched.clone());
                let (problem, mut optimizer) = begin(known.clone());
                let straight = go(problem, &mut *optimizer).selection;
                let looked = watched.1.lock().unwrap().clone();
                assert!(
                    asked.iter().all(|set| looked.contains(*set)),
                    "{name}: none more than without stopping"
                );
                assert_eq!(out.selection.items, straight.items, "{name}");
                assert_eq!(out.selection.evaluations, straight.evaluations, "{name}");

                let spent = Spent { evaluations: straight.evaluations, rounds: rounds.len() as u64 };
                let report =
                    |f: &Attribution| Report::new(f, &straight.items, spent, &Ctl::default()).unwrap();
                let (by_answers, by_table) = (report(&f), report(&known));
                if lima || search == Search::Greedy {
                    assert_eq!(by_answers, by_table, "{name}");
                } else {
                    // Evidence of the low end's complements was never told: the curves are known, F is not.
                    assert_eq!(by_answers.insertion_curve, by_table.insertion_curve, "{name}");
                    assert_eq!(by_answers.deletion_curve, by_table.deletion_curve, "{name}");
                    let values = by_answers.prefixes.iter().zip(&by_table.prefixes);
                    assert!(values.clone().all(|(x, y)| x.value.is_none() || x.value == y.value), "{name}");
                    assert_eq!(values.filter(|(x, _)| x.value.is_none()).count(), if k == 8 { 4 } else { 0 });
                }
            }
        }
    }
}

#[test]
fn merged_rounds_are_fewer_for_one_set_more_a_loop_and_the_order_is_the_same() {
    for k in [8, 5] {
        let ranked = |merge_rounds| {
            let search = Search::BidirectionalGreedy { pool: 3, merge_rounds };
            let (out, rounds, _) = exchange(Settings::lima(), None, true, &|f| search.begin(f, k).unwrap());
            let asked: BTreeSet<Set> = rounds.iter().flat_map(|(sets, _)| sets.clone()).collect();
            assert_eq!(asked.len(), rounds.iter().map(|(sets, _)| sets.len()).sum::<usize>());
            (out.selection, rounds.len(), asked)
        };
        let ((apart, rounds_apart, asked_apart), (merged, rounds, asked)) = (ranked(false), ranked(true));
        assert_eq!((&merged.items, merged.evaluations), (&apart.items, apart.evaluations));
        assert!(asked.is_superset(&asked_apart));
        // Three loops look at a pool, the first at single regions that are known.
        let more = asked.len() - asked_apart.len();
        assert!(rounds < rounds_apart && more <= 3, "{rounds} {rounds_apart} {more}");
    }
}

/// 58 looks at inputs; the three single regions of the low end's first pool, two inputs each, were answered before.
#[test]
fn both_ends_ask_about_26_sets_beside_the_end_points() {
    let begin = |f| Search::BidirectionalGreedy { pool: 3, merge_rounds: false }.begin(f, 8).unwrap();
    let (out, rounds, f) = exchange(Settings::lima(), None, true, &begin);
    let asked: usize = rounds.iter().map(|(sets, _)| sets.len()).sum();
    assert_eq!((2 * out.selection.evaluations, asked), (58, 1 + (58 - 6) / 2));
    // Two rounds a loop with a pool but for the first one's, one without, and the end points.
    assert_eq!(rounds.len(), 1 + 2 * 3 - 1 + 1);
    // The page's pools: 3, 6, 5 beside 0, then 6, 2, 7 beside 0 and 3.
    assert_eq!(rounds[3].0, [[0, 3], [0, 5], [0, 6]]);
    assert_eq!(rounds[5].0, [[0, 2, 3], [0, 3, 6], [0, 3, 7]]);
    let spent = Spent { evaluations: out.selection.evaluations, rounds: 7 };
    let report = Report::new(&f, &out.selection.items, spent, &Ctl::default()).unwrap();
    assert_eq!((report.model_calls, report.end_point_calls, report.rounds), (58, 2, 7));
}

#[test]
fn other_searches_that_need_only_gains_run_on_answers_too() {
    let searches: [fn() -> Box<dyn Optimizer>; 2] =
        [|| Box::new(StochasticGreedy::new(0.4).unwrap()), || Box::new(RandomGreedy::new(None))];
    for search in searches {
        let begin = |f: Arc<Attribution>| {
            (Problem::new(f, Arc::new(Groups::cardinality(5)), &[], &[], 4).unwrap(), search())
        };
        let (out, rounds, _) = exchange(Settings::lima(), Some(1), true, &begin);
        let (problem, mut optimizer) = begin(function(Settings::lima(), table(&Settings::lima(), Some(1))));
        assert_eq!(out.selection, go(problem, &mut *optimizer).selection);
        let asked: Vec<&Set> = rounds.iter().flat_map(|(sets, _)| sets).collect();
        assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len());
    }
}

#[test]
fn fidelity_and_other_orders_ask_only_for_what_nobody_saw() {
    let begin = |f| Search::Greedy.begin(f, 8).unwrap();
    let (out, mut rounds, f) = exchange(Settings::lima(), None, true, &begin);
    let spent = Spent { evaluations: out.selection.evaluations, rounds: rounds.len() as u64 };
    let weights = Report::new(&f, &out.selection.items, spent, &Ctl::default()).unwrap().region_weights;
    let seen: Vec<Set> = rounds.iter().flat_map(|(sets, _)| sets.clone()).collect();
    let measure = MuFidelity::new(8, 30, 3, 1).unwrap();
    let Err(Halt::Ask(sets)) = measure.measure(&f, &weights, &Ctl::default()) else { panic!("asks nothing") };
    assert!(sets.iter().all(|set| !seen.contains(set) && !seen.contains(&others(set))));
    let answers = sets.iter().map(answer).collect();
    rounds.push((sets, answers));
    let again = function(Settings::lima(), book(&Settings::lima(), None, &rounds));
    let known = function(Settings::lima(), table(&Settings::lima(), None));
    let found = measure.measure(&again, &weights, &Ctl::default()).unwrap();
    assert!(found.is_some_and(|found| found.abs() <= 1.0));
    assert_eq!(found, measure.measure(&known, &weights, &Ctl::default()).unwrap());

    // From the worst to the best, half of the first parts are complements of what was seen; two regions are none.
    let order = [7, 0, 1, 2, 3, 4, 5, 6];
    let Err(Halt::Ask(sets)) = Report::new(&f, &order, spent, &Ctl::default()) else {
        panic!("asks nothing")
    };
    assert!(!sets.is_empty() && sets.iter().all(|set| !seen.contains(set)));
    for wrong in [vec![1, 1], vec![8]] {
        assert!(matches!(Report::new(&f, &wrong, spent, &Ctl::default()), Err(Halt::Failed(_))));
    }
}

/// The caller explains a class it names, and tells its probability and a confidence of its own.
#[test]
fn one_probability_and_a_given_confidence_are_enough() {
    let settings = Settings { confidence: ConfidenceForm::Given, ..Settings::smdl() };
    let book = Evaluations::new(8, Model::new(3, Some(1), &settings).unwrap());
    let output = |p: f64| Output { scores: Scores::Target(p), evidence: None, confidence: Some(p / 2.0) };
    let pair = Evaluation { shown: output(0.5), complement: output(0.25) };
    book.record(&[vec![2, 6]], &[pair]).unwrap();
    let pair = book.pairs(&[vec![2, 6], vec![0, 1, 3, 4, 5, 7]], &Ctl::default()).unwrap();
    assert_eq!((pair[0].shown.p_target, pair[0].shown.confidence), (0.5, Some(0.25)));
    assert_eq!(pair[1], pair[0].swapped());
}

#[test]
fn a_bad_answer_is_refused_with_its_place_and_leaves_nothing_behind() {
    let settings = Settings::smdl();
    let book = book(&settings, None, &[]);
    let sets: Vec<Set> = vec![vec![], vec![3]];
    let good: Vec<Evaluation> = sets.iter().map(answer).collect();
    let probs = |p: &[f64]| Scores::Probabilities(p.to_vec());
    type Spoil<'a> = (&'a str, Box<dyn Fn(&mut Evaluation) + 'a>);
    let spoils: Vec<Spoil> = vec![
        ("/1/probs", Box::new(|a| a.shown.scores = probs(&[0.5, 0.5]))),
        ("/1/probs/2", Box::new(|a| a.shown.scores = probs(&[0.5, 0.5, f64::NAN]))),
        ("/1/complement/probs/0", Box::new(|a| a.complement.scores = probs(&[-0.1, 0.5, 0.6]))),
        ("/1/complement/probs", Box::new(|a| a.complement.scores = probs(&[0.3, 0.3, 0.398]))),
        ("/1/probs", Box::new(|a| a.shown.scores = Scores::Target(0.5))), // whose target?
        ("/1/evidence", Box::new(|a| a.shown.evidence = None)),
        ("/1/evidence", Box::new(|a| a.shown.evidence = Some(vec![0.0; 4]))),
        ("/1/evidence/1", Box::new(|a| a.shown.evidence = Some(vec![0.0, f64::INFINITY, 0.0]))),
        ("/1/complement/confidence", Box::new(|a| a.complement.confidence = Some(1.5))),
    ];
    for (pointer, spoil) in spoils {
        let mut answers = good.clone();
        spoil(&mut answers[1]);
        let error = book.record(&sets, &answers).unwrap_err();
        assert_eq!(error.pointer(), pointer, "{error}");
        assert!(error.to_string().starts_with("answer 1, "), "{error}");
        assert!(book.is_empty() && book.target().is_none());
    }
    assert_eq!(book.record(&sets, &good[1..]), Err(InvalidAnswers::Count { expected: 2, found: 1 }));
    assert_eq!(book.record(&sets[1..], &good[1..]), Err(InvalidAnswers::TargetUnknown));
    let unknown = InvalidAnswers::UnknownRegion { answer: 0, region: 8, count: 8 };
    assert_eq!(book.record(&[vec![8]], &good[1..]), Err(unknown));

    // Sums are taken as rounded; what was answered once stays.
    let mut rounded = good.clone();
    rounded[1].shown.scores = probs(&[0.3, 0.3, 0.4009]);
    book.record(&sets, &rounded).unwrap();
    book.record(&sets, &good).unwrap();
    assert_eq!((book.len(), book.target()), (2, Some(1)));
    assert_eq!(book.known(&[3]).unwrap().shown.p_target, 0.3);

    let entropy = Evaluations::new(8, Model::new(3, Some(1), &Settings::lima()).unwrap());
    let one = Output { scores: Scores::Target(0.5), evidence: None, confidence: None };
    let answers = [Evaluation { shown: one.clone(), complement: one.clone() }];
    assert_eq!(entropy.record(&sets[1..], &answers).unwrap_err().pointer(), "/0/probs");
    let given = Settings { confidence: ConfidenceForm::Given, ..settings };
    let given = Evaluations::new(8, Model::new(3, Some(1), &given).unwrap());
    assert_eq!(given.record(&sets[1..], &answers).unwrap_err().pointer(), "/0/confidence");
    let wrong = Output { scores: Scores::Target(1.1), ..one };
    let answers = [Evaluation { shown: wrong.clone(), complement: wrong }];
    assert_eq!(given.record(&sets[1..], &answers).unwrap_err().pointer(), "/0/p_target");
}
