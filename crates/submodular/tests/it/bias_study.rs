//! The bias study: its finding, its figures, its invariances, its refusals.

use serde_json::Value;
use std::sync::Arc;
use submodular::committee::study::{Cell, Design, Optimum, Samples};
use submodular::committee::{
    Bias, Disadvantaged, Estimate, Generator, Latent, MOST_REPETITIONS, Profile, ProfileBuilder, Rule,
    Simulation, Study,
};
use submodular::sampling::{shuffle, stream};
use submodular::{Ctl, Error, Halt, Item};

fn simulation(generator: Generator, candidates: usize) -> Simulation {
    Simulation {
        latent: Latent::Generated { candidates, generator },
        bias: Bias::Swapping { phi: 0.5 },
        disadvantaged: Disadvantaged::Share(0.5),
        seed: 1,
    }
}

fn design(simulation: Simulation) -> Design {
    Design {
        simulation,
        strengths: vec![0.0, 0.5],
        rules: vec![Rule::KBorda, Rule::Sntv],
        rankings: vec![10],
        k: 3,
        quotas: vec![0, 1, 2, 3],
        repetitions: 6,
        max_evaluations: 2_000,
    }
}

fn samples(design: &Design) -> Vec<Samples> {
    let study = Study::new(design.clone()).unwrap();
    study.chunk(0..design.repetitions, &Ctl::default()).unwrap()
}

fn report(design: &Design) -> Vec<Cell> {
    Study::new(design.clone()).unwrap().report(&samples(design)).unwrap()
}

fn refusal(design: Design) -> String {
    Study::new(design).unwrap_err().to_string()
}

fn strict(candidates: usize, rankings: &[Item]) -> Arc<Profile> {
    Arc::new(Profile::from_strict(candidates, rankings).unwrap())
}

fn mean(estimate: Option<Estimate>) -> f64 {
    estimate.unwrap().mean
}

/// The experiment of the paper, with the constants of the recorded run of 20 repetitions.
fn experiment(generator: Generator) -> Vec<Cell> {
    report(&Design {
        strengths: vec![0.0, 0.25, 0.5, 1.0],
        rules: vec![Rule::KBorda, Rule::Bloc { t: None }, Rule::Sntv],
        rankings: vec![25, 100],
        k: 10,
        quotas: vec![0, 2, 4, 6, 8, 10],
        repetitions: 60,
        ..design(simulation(generator, 50))
    })
}

/// The recorded "best" is the best of the means: it is the unconstrained mean wherever its level is 0, which a mean of
/// the best levels is only if 0 is best in every repetition.
#[test]
fn quotas_lift_borda_to_the_latent_optimum_but_not_single_votes() {
    let golden: Value = serde_json::from_str(include_str!("../data/rankings_sim.json")).unwrap();
    for (name, generator) in
        [("ic", Generator::ImpartialCulture), ("mallows", Generator::Mallows { phi: 0.9 })]
    {
        for cell in experiment(generator) {
            let rule = ["borda", "bloc10", "sntv"][cell.rule];
            let recorded =
                &golden[format!("{name}_n{}", cell.rankings)][format!("{:?}", cell.strength)][rule];
            let none = cell.unconstrained.unwrap();
            let level =
                cell.by_quota.iter().find(|level| Some(level.0) == cell.best_quota).unwrap().1.unwrap();
            let best = cell.best_quota_mean.unwrap();
            for (found, key) in [(none, "no_constraint"), (Estimate { mean: best, se: level.se }, "best")] {
                let recorded = recorded[key].as_f64().unwrap();
                // The recorded run has a third of the repetitions: its variance is three times as large.
                let se = found.se.unwrap() * f64::sqrt(1.0 + 3.0);
                assert!((found.mean - recorded).abs() <= 3.0 * se, "{name} {rule} {key} {recorded} {cell:?}");
            }
            assert_eq!(cell.gain, Some(best - none.mean));
            assert!(mean(cell.oracle_mean) >= best && best >= none.mean, "{cell:?}");
            assert_eq!(cell.optimum, Optimum::Exact);
            if cell.strength == 0.5 && cell.rankings == 100 {
                match rule {
                    "borda" => assert!(none.mean < 0.98 && best >= 0.98, "{cell:?}"),
                    "sntv" => assert!(best < 0.75, "{cell:?}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_first_place_goes_to_the_scaled_half_as_often_as_their_scaled_maxima_are_larger() {
    // The share of first places of 25 scaled among 50 is theta^25 / 2, and the best by single votes of one ranking is
    // its first: with one ranking and k = 1 the ratio is 1 where the latent first stays first.
    let cells = report(&Design {
        strengths: vec![1.0, 0.9],
        rules: vec![Rule::Sntv],
        rankings: vec![1],
        k: 1,
        quotas: vec![],
        repetitions: 4_000,
        ..design(Simulation { bias: Bias::Utility, ..simulation(Generator::Utility { agreement: 0.0 }, 50) })
    });
    assert_eq!(mean(cells[0].unconstrained), 1.0);
    assert_eq!((cells[1].best_quota, cells[1].oracle_mean, cells[1].gain), (None, None, None));
    // The latent first stays: always if advantaged; else if the scaled maximum is still the larger, theta^25 / 2.
    let stays: f64 = 0.5 + 0.9_f64.powi(25) / 2.0;
    let found = cells[1].unconstrained.unwrap();
    assert!((found.mean - stays).abs() < 4.0 * found.se.unwrap(), "{found:?} {stays}");
}

#[test]
fn a_study_is_the_same_in_any_pieces_and_on_any_number_of_threads() {
    let design = Design {
        rules: vec![Rule::KBorda, Rule::Harmonic, Rule::HarmonicBorda, Rule::Pav { t: None }],
        rankings: vec![4, 9],
        ..design(simulation(Generator::Mallows { phi: 0.8 }, 8))
    };
    let study = Study::new(design.clone()).unwrap();
    let whole = samples(&design);
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let pieces = [0..1, 1..5, 5..6];
        let pieces = pieces.map(|piece| pool.install(|| study.chunk(piece, &Ctl::default())).unwrap());
        assert_eq!(pieces.concat(), whole);
    }
    // Each cell is what it is alone.
    let alone = Design {
        strengths: vec![0.5],
        rankings: vec![4],
        rules: vec![Rule::HarmonicBorda],
        quotas: vec![2],
        ..design.clone()
    };
    let (alone, all) = (&report(&alone)[0], report(&design));
    let same = all.iter().find(|c| (c.rule, c.rankings, c.strength) == (2, 4, 0.5)).unwrap();
    assert_eq!((alone.unconstrained, alone.by_quota[0]), (same.unconstrained, same.by_quota[2]));
}

#[test]
fn a_study_stops_wherever_it_ticks_and_a_repetition_begins_again_unharmed() {
    let design = Design {
        rules: vec![Rule::KBorda, Rule::HarmonicBorda],
        ..design(simulation(Generator::ImpartialCulture, 6))
    };
    let study = Study::new(design).unwrap();
    let whole = study.repetition(3, &Ctl::default()).unwrap();
    let stopped = (0..).take_while(|&ticks| match study.repetition(3, &Ctl::fused(ticks)) {
        Ok(same) => {
            assert_eq!(same, whole);
            false
        }
        Err(halt) => {
            assert_eq!(halt, Halt::Cancelled);
            true
        }
    });
    assert!(stopped.count() > 20);
}

#[test]
fn new_names_for_the_candidates_change_no_ratio() {
    let mut rng = stream(9, 0);
    let mut rankings = vec![];
    for _ in 0..15 {
        let mut ranking: Vec<Item> = (0..9).collect();
        shuffle(&mut ranking, &mut rng);
        rankings.extend(ranking);
    }
    let mut names: Vec<Item> = (0..9).collect();
    shuffle(&mut names, &mut rng);
    let renamed: Vec<Item> = rankings.iter().map(|&c| names[c as usize]).collect();
    // Without draws: theta on utilities by place, all rankings, and scores without ties.
    let study = |rankings: &[Item], against: Vec<Item>| {
        report(&Design {
            strengths: vec![1.0, 0.83, 0.61],
            rules: vec![Rule::Geometric { q: 0.83 }, Rule::GeometricOwa { q: 0.71 }],
            rankings: vec![15],
            repetitions: 1,
            max_evaluations: 100_000,
            ..design(Simulation {
                latent: Latent::Supplied(strict(9, rankings)),
                bias: Bias::Utility,
                disadvantaged: Disadvantaged::Candidates(against),
                seed: 1,
            })
        })
    };
    let (before, after) =
        (study(&rankings, vec![1, 4, 6, 7]), study(&renamed, [1, 4, 6, 7].map(|c: usize| names[c]).to_vec()));
    let mut below_1 = 0;
    for (a, b) in before.iter().zip(&after) {
        assert_eq!((a.best_quota, a.optimum), (b.best_quota, b.optimum));
        let ratios = |cell: &Cell| {
            let with = cell.by_quota.iter().map(|level| mean(level.1));
            std::iter::once(mean(cell.unconstrained)).chain(with).collect::<Vec<f64>>()
        };
        for (x, y) in ratios(a).into_iter().zip(ratios(b)) {
            assert!((x - y).abs() < 1e-12 && x <= 1.0 + 1e-12, "{a:?} {b:?}");
            below_1 += i32::from(x < 0.999);
        }
    }
    assert!(below_1 > 6, "nothing was at stake");
}

#[test]
fn the_latent_optimum_is_exact_where_the_search_proves_it_and_else_greedys() {
    let golden: Value = serde_json::from_str(include_str!("../data/multiwinner_golden.json")).unwrap();
    let gap = &golden["greedy_gap"]["cc_borda"];
    let rankings: Vec<Vec<Item>> = serde_json::from_value(gap["profile"].clone()).unwrap();
    let study = |max_evaluations| {
        let cells = report(&Design {
            strengths: vec![0.0],
            rules: vec![Rule::ChamberlinCourantBorda],
            rankings: vec![4],
            quotas: vec![3],
            repetitions: 1,
            max_evaluations,
            ..design(Simulation {
                latent: Latent::Supplied(strict(6, &rankings.concat())),
                bias: Bias::None,
                disadvantaged: Disadvantaged::Candidates(vec![0, 1, 4]),
                seed: 1,
            })
        });
        (cells[0].optimum, mean(cells[0].unconstrained), mean(cells[0].by_quota[0].1))
    };
    // Greedy reaches 18 of 20; the quota leaves the optimum alone.
    assert_eq!(study(10_000), (Optimum::Exact, 0.9, 1.0));
    assert_eq!(study(0), (Optimum::Greedy, 1.0, 20.0 / 18.0));
}

#[test]
fn an_optimum_of_0_leaves_no_ratio() {
    let cells = report(&Design {
        rules: vec![Rule::Positional { scores: vec![0.0] }, Rule::KBorda],
        ..design(simulation(Generator::ImpartialCulture, 6))
    });
    let (nothing, something): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.rule == 0);
    for cell in nothing {
        assert_eq!((cell.repetitions, cell.unconstrained, cell.by_quota[1].1), (0, None, None));
        assert_eq!(
            (cell.best_quota, cell.best_quota_mean, cell.oracle_mean, cell.gain),
            (None, None, None, None)
        );
    }
    assert!(something.iter().all(|cell| cell.repetitions == 6 && cell.unconstrained.is_some()));
}

#[test]
fn a_supplied_profile_is_taken_whole_or_drawn_from_and_keeps_ties_and_weights_without_a_bias() {
    let mut builder = ProfileBuilder::new(4);
    builder.push(&[2, 0], None, 3.0).unwrap();
    builder.push(&[0, 1, 3], Some(&[2, 3]), 1.0).unwrap();
    builder.push(&[3, 1], None, 2.0).unwrap();
    let profile = Arc::new(builder.finish().unwrap());
    let study = |rankings, bias| Design {
        strengths: vec![1.0],
        rules: vec![Rule::KBorda],
        rankings: vec![rankings],
        k: 2,
        quotas: vec![1, 2],
        repetitions: 30,
        ..design(Simulation {
            latent: Latent::Supplied(profile.clone()),
            bias,
            disadvantaged: Disadvantaged::Candidates(vec![1, 3]),
            seed: 1,
        })
    };
    // Borda: 2 has 9, 0 has 6 + 2.5, 3 has 1 + 6, 1 has 2.5 + 4.
    let all = &report(&study(3, Bias::None))[0];
    assert_eq!(mean(all.by_quota[0].1), (9.0 + 7.0) / 17.5);
    assert_eq!(all.by_quota[1].1, Some(Estimate { mean: (7.0 + 6.5) / 17.5, se: Some(0.0) }));
    // Fewer of them are drawn, whatever else is.
    let fewer = &report(&study(2, Bias::None))[0];
    assert!(fewer.by_quota[1].1.unwrap().se > Some(0.0));
    let both = report(&Design { rankings: vec![2, 3], ..study(3, Bias::None) });
    assert_eq!(both, [fewer.clone(), all.clone()]);
    assert_eq!(
        refusal(study(2, Bias::Utility)),
        "latent: voter 0 ranks 2 of 4 candidates; a bias needs complete rankings"
    );
    assert_eq!(refusal(study(4, Bias::None)), "rankings: 4, but the profile has only 3 rankings");
}

#[test]
fn what_has_no_meaning_is_refused() {
    let good = design(simulation(Generator::Mallows { phi: 0.5 }, 6));
    let simulated = |change: fn(&mut Simulation)| {
        let mut design = good.clone();
        change(&mut design.simulation);
        refusal(design)
    };
    let changed = |change: fn(&mut Design)| {
        let mut design = good.clone();
        change(&mut design);
        refusal(design)
    };
    for (found, expected) in [
        (changed(|d| d.strengths.clear()), "strengths: the list is empty"),
        (changed(|d| d.rules.clear()), "rules: the list is empty"),
        (changed(|d| d.rankings.clear()), "rankings: the list is empty"),
        (changed(|d| d.rankings.push(0)), "rankings: 0 rankings"),
        (changed(|d| d.repetitions = 0), "repetitions: 0 is not between 1 and"),
        (changed(|d| d.strengths.push(1.5)), "strengths: 1.5 is not between 0 and 1"),
        (changed(|d| d.strengths.push(f64::NAN)), "strengths: NaN is not"),
        (changed(|d| d.rules.push(Rule::Geometric { q: 1.0 })), "q: "),
        (changed(|d| d.k = 0), "k: 0 is no committee"),
        (changed(|d| d.k = 7), "k under the upper bounds needs 7, only 6 can be had"),
        (changed(|d| d.quotas.push(4)), "the sum of lower bounds needs 4, only 3 can be had"),
        (changed(|d| (d.k, d.quotas) = (5, vec![4])), "a group needs 4, only 3 can be had"),
        (simulated(|s| s.bias = Bias::Swapping { phi: 1.0 }), "phi: 1 is not between 0 and 1"),
        (simulated(|s| s.bias = Bias::Utility), "strengths: 0 is not above 0 and at most 1"),
        (simulated(|s| s.disadvantaged = Disadvantaged::Share(0.05)), "disadvantaged: 0 of 6 candidates"),
        (simulated(|s| s.disadvantaged = Disadvantaged::Share(1.5)), "disadvantaged: the share 1.5"),
        (
            simulated(|s| s.disadvantaged = Disadvantaged::Candidates(vec![1, 1])),
            "disadvantaged: candidate 1",
        ),
        (simulated(|s| s.disadvantaged = Disadvantaged::Candidates(vec![6])), "item 6 is not one of the 6"),
        (
            simulated(|s| {
                s.latent = Latent::Generated { candidates: 1, generator: Generator::ImpartialCulture };
            }),
            "candidates: 1 candidates; at least 2",
        ),
        (
            simulated(|s| {
                s.latent = Latent::Generated { candidates: 6, generator: Generator::Mallows { phi: -0.1 } };
            }),
            "phi: -0.1 is not between 0 and 1",
        ),
        (
            simulated(|s| {
                let generator = Generator::Urn { replacement: f64::INFINITY };
                s.latent = Latent::Generated { candidates: 6, generator };
            }),
            "replacement: inf is not a finite number of at least 0",
        ),
    ] {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    let mut builder = ProfileBuilder::new(2);
    (0..10).for_each(|_| builder.push(&[1, 0], None, 1.0).unwrap());
    builder.push(&[1, 0], Some(&[2]), 1.0).unwrap();
    let mut tied = Design { k: 1, quotas: vec![1], ..design(simulation(Generator::ImpartialCulture, 2)) };
    tied.simulation.latent = Latent::Supplied(Arc::new(builder.finish().unwrap()));
    assert_eq!(refusal(tied), "latent: voter 10 has ties; a bias needs strict rankings");
    let mut builder = ProfileBuilder::new(6);
    [1.0, 0.0].iter().for_each(|&weight| builder.push(&[3, 1], None, weight).unwrap());
    let latent = Latent::Supplied(Arc::new(builder.finish().unwrap()));
    let weightless = Simulation { latent, bias: Bias::None, ..good.simulation.clone() };
    let weightless = Design { simulation: weightless, rankings: vec![1], ..good.clone() };
    assert_eq!(refusal(weightless), "latent: voter 1 has the weight 0; leave its ranking out");
    let study = Study::new(good).unwrap();
    let alien = Samples { ratios: vec![None], proved: vec![true; 2] };
    assert!(matches!(study.report(&[alien]), Err(Error::Shape { .. })));
}

#[test]
fn a_design_of_any_size_is_estimated_without_overflow() {
    let most = u32::MAX as usize;
    let study = Study::new(Design {
        strengths: vec![0.5; 100],
        rules: vec![Rule::KBorda, Rule::HarmonicBorda],
        rankings: vec![most; 100],
        k: most,
        quotas: vec![1; 100],
        repetitions: MOST_REPETITIONS,
        max_evaluations: u64::MAX,
        ..design(simulation(Generator::ImpartialCulture, most))
    })
    .unwrap();
    assert_eq!(study.memory(2), u64::MAX);
    assert!(study.operations() > 1e40 && study.operations().is_finite());
    // One cell more, a repetition: its numbers, and nothing else.
    let small =
        |quotas| Study::new(Design { quotas, ..design(simulation(Generator::ImpartialCulture, 6)) }).unwrap();
    assert_eq!(small(vec![1, 2]).memory(1) - small(vec![1]).memory(1), 6 * 4 * 16);
}
