//! The smoothness estimator: the worked example, the printed figures, the laws.

use serde_json::Value;
use std::sync::Arc;
use submodular::committee::smoothness::{Curve, Design, Pairs, order_epsilon, rankings_needed, worst_pairs};
use submodular::committee::{
    Bias, Disadvantaged, Drawn, Estimate, Generator, Latent, Profile, Rule, Simulation, Smoothness,
};
use submodular::sampling::{stream, unit};
use submodular::{Ctl, Item};

fn design(pairs: Pairs, rules: Vec<Rule>, repetitions: u64) -> Design {
    Design { pairs, rules, k: Some(3), repetitions, betas: 11, delta: 0.05, epsilon: 0.2 }
}

fn estimate(design: Design) -> Vec<Curve> {
    let repetitions = design.repetitions;
    let smoothness = Smoothness::new(design).unwrap();
    let scores = smoothness.chunk(0..repetitions, &Ctl::default()).unwrap();
    smoothness.report(&scores, &Ctl::default()).unwrap()
}

fn simulated(generator: Generator, bias: Bias, strength: f64, rankings: usize) -> Pairs {
    let latent = Latent::Generated { candidates: 10, generator };
    let disadvantaged = Disadvantaged::Share(0.5);
    Pairs::Simulated { simulation: Simulation { latent, bias, disadvantaged, seed: 1 }, strength, rankings }
}

fn supplied(latent: Vec<Item>, biased: Vec<Item>, disadvantaged: Vec<Item>) -> Pairs {
    let m = 2 * disadvantaged.len();
    Pairs::Supplied {
        latent: Arc::new(Profile::from_strict(m, &latent).unwrap()),
        biased: Arc::new(Profile::from_strict(m, &biased).unwrap()),
        disadvantaged: Disadvantaged::Candidates(disadvantaged),
        seed: 1,
    }
}

#[test]
fn the_worked_example_has_its_alpha_and_its_gamma_under_every_rule() {
    let golden: Value = serde_json::from_str(include_str!("../data/multiwinner_golden.json")).unwrap();
    let rankings =
        |key: &str| serde_json::from_value::<Vec<Vec<Item>>>(golden[key].clone()).unwrap().concat();
    let rules = [
        ("sntv", Rule::Sntv),
        ("bloc_3", Rule::Bloc { t: None }),
        ("k_borda", Rule::KBorda),
        ("geometric_1_2", Rule::Geometric { q: 0.5 }),
        ("harmonic_pos", Rule::Harmonic),
        ("cc_borda", Rule::ChamberlinCourantBorda),
        ("cc_approval_2", Rule::ChamberlinCourantApproval { t: Some(2) }),
        ("pav_3", Rule::Pav { t: Some(3) }),
        ("hb_borda", Rule::HarmonicBorda),
        ("geomowa_borda", Rule::GeometricOwa { q: 0.5 }),
    ];
    let pairs = supplied(rankings("latent"), rankings("biased"), vec![3, 4, 5]);
    let curves = estimate(design(pairs, rules.iter().map(|rule| rule.1.clone()).collect(), 4));
    let disadvantaged = [false, false, false, true, true, true];
    for ((name, _), curve) in rules.iter().zip(curves) {
        let recorded = &golden["rules"][name]["smoothness_estimate"];
        assert_eq!(Some(curve.tau1), recorded["tau1"].as_f64());
        assert_eq!(curve.alpha.map(|alpha| alpha.mean), recorded["alpha"].as_f64(), "{name}");
        let scores = |key: &str| serde_json::from_value::<Vec<f64>>(recorded[key].clone()).unwrap();
        let (latent, biased) = (scores("latent_item_scores"), scores("biased_item_scores"));
        let betas = [0.5, 0.75, 0.9, 1.0];
        let worst = worst_pairs(&latent, &biased, &disadvantaged, &betas, &Ctl::default()).unwrap();
        for (key, pair) in ["0.5", "0.75", "0.9", "1.0"].into_iter().zip(worst) {
            let gamma = pair.map(|(i, j)| biased[j] / biased[i]);
            assert_eq!(gamma, recorded["gamma_at_beta"][key].as_f64(), "{name} {key}");
        }
        // The last point of the curve is beta = 1.
        let last = curve.curve[10].gamma.map(|gamma| (gamma.mean * 1e12).round());
        assert_eq!(last, recorded["gamma_at_beta"]["1.0"].as_f64().map(|x| (x * 1e12).round()), "{name}");
    }
}

/// 500 times 10 rankings of 10, swapped as the released notebook does it: by the weights of the latent ranking, so that
/// neighbours change places to and fro. Its figures are on the scale tau_1 = m.
#[test]
fn rankings_swapped_by_stale_weights_have_the_printed_alphas() {
    let (m, voters) = (10, 5_000);
    for (generator, printed) in [(Generator::ImpartialCulture, 0.42), (Generator::Mallows { phi: 0.6 }, 0.13)]
    {
        let (mut shared, mut rng) = (stream(6, 0), stream(6, 1));
        let drawn = generator.draw(m, voters, &mut shared, &mut rng, &Ctl::default()).unwrap();
        let Drawn::Strict { rankings: latent, .. } = drawn else { panic!("{drawn:?}") };
        let mut biased = latent.clone();
        for ranking in biased.chunks_mut(m) {
            let pairs = (0..m).flat_map(|p| (p + 1..m).map(move |q| (p, q)));
            let open: Vec<(Item, Item, f64)> = pairs
                .filter(|&(p, q)| ranking[p] >= 5 && ranking[q] < 5)
                .map(|(p, q)| (ranking[p], ranking[q], 1e-4_f64.powi((q - p) as i32)))
                .collect();
            let total: f64 = open.iter().map(|pair| pair.2).sum();
            for _ in 0..(0.9 * open.len() as f64) as usize {
                let mut left = unit(&mut rng) * total;
                let beyond = |pair: &&(Item, Item, f64)| {
                    left -= pair.2;
                    left < 0.0
                };
                let &(a, b, _) = open.iter().find(beyond).unwrap_or(&open[0]);
                let place = |c: Item| ranking.iter().position(|&other| other == c).unwrap();
                let (p, q) = (place(a), place(b));
                ranking.swap(p, q);
            }
        }
        let curves = estimate(design(
            supplied(latent, biased, (5..10).collect()),
            vec![Rule::KBorda, Rule::Sntv],
            500,
        ));
        let alpha = curves[0].alpha.unwrap();
        let (mean, se) = (alpha.mean * 0.9, alpha.se.unwrap());
        assert!((mean - printed).abs() < 0.005 + 3.0 * se, "{generator:?} {mean} {se}");
        assert!(curves[1].alpha.unwrap().mean / 10.0 < 0.01);
    }
}

#[test]
fn scores_of_single_votes_are_rare_events_and_borda_scores_are_not() {
    let rules = || vec![Rule::KBorda, Rule::Sntv];
    let unbiased =
        estimate(design(simulated(Generator::ImpartialCulture, Bias::None, 0.0, 10), rules(), 500));
    // Means of 1/2 and 1/10; the least of 20 is a few standard errors below.
    for (curve, expected) in unbiased.iter().zip([0.5, 0.1]) {
        let alpha = curve.alpha.unwrap();
        assert!(alpha.mean < expected && alpha.mean > expected - 4.0 * alpha.se.unwrap(), "{alpha:?}");
        // What is seen is latent: whoever is worse by beta looks worse by it.
        let known = curve.curve.iter().filter_map(|point| Some((point.beta, point.gamma?.mean)));
        assert!(known.clone().count() > 5 && known.clone().all(|(beta, gamma)| gamma <= beta + 1e-9));
        assert!(curve.curve.is_sorted_by(|a, b| a.gamma.map(|g| g.mean) <= b.gamma.map(|g| g.mean)));
    }
    let swapping = Bias::Swapping { phi: 0.5 };
    let biased = estimate(design(simulated(Generator::ImpartialCulture, swapping, 0.9, 10), rules(), 500));
    let alphas = biased.iter().map(|curve| curve.alpha.unwrap().mean).collect::<Vec<f64>>();
    assert!(alphas[0] > 0.2 && alphas[0] < 0.3 && alphas[1] < 0.001, "{alphas:?}");
    assert!(biased[0].rankings_needed.unwrap() < 3_000);
}

#[test]
fn the_rankings_needed_are_those_of_the_bound() {
    let needed = |alpha| rankings_needed(50, 0.05, 0.2, alpha);
    assert_eq!([0.42, 0.13, 0.01].map(needed), [Some(539), Some(5_622), Some(950_113)]);
    assert_eq!([0.0, 1e-12].map(needed), [None, None]);
    assert_eq!([0.0, 0.5, 1.0, 1.2].map(order_epsilon), [Some(1.0), Some(1.0 / 3.0), None, None]);
}

#[test]
fn the_estimate_is_the_same_in_any_pieces_and_on_any_number_of_threads() {
    let pairs = simulated(Generator::Urn { replacement: 0.1 }, Bias::Utility, 0.7, 6);
    let smoothness = Smoothness::new(design(pairs, vec![Rule::KBorda, Rule::Harmonic], 7)).unwrap();
    let whole = smoothness.chunk(0..7, &Ctl::default()).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let pieces = [0..3, 3..4, 4..7];
        let pieces = pieces.map(|piece| pool.install(|| smoothness.chunk(piece, &Ctl::default())).unwrap());
        assert_eq!(pieces.concat(), whole);
    }
    assert_eq!(smoothness.report(&whole[..1], &Ctl::default()).unwrap()[0].alpha.unwrap().se, None);
}

#[test]
fn batches_of_voters_of_any_size_have_the_same_means_and_about_the_same_errors() {
    let rankings = |seed| {
        let (mut shared, mut own) = (stream(3, 0), stream(3, seed));
        let model = Generator::Mallows { phi: 0.8 };
        let drawn = model.draw(6, 400, &mut shared, &mut own, &Ctl::default()).unwrap();
        let Drawn::Strict { rankings, .. } = drawn else { panic!("{drawn:?}") };
        rankings
    };
    let of = |batches| {
        let pairs = supplied(rankings(1), rankings(2), vec![0, 2, 4]);
        estimate(design(pairs, vec![Rule::KBorda], batches)).remove(0)
    };
    let (single, batches) = (of(400), of(70));
    let near = |a: Estimate, b: Estimate| {
        let ratio = a.se.unwrap() / b.se.unwrap();
        (a.mean - b.mean).abs() < 1e-12 && ratio > 0.7 && ratio < 1.4
    };
    assert!(near(single.alpha.unwrap(), batches.alpha.unwrap()));
    assert!(near(single.curve[10].gamma.unwrap(), batches.curve[10].gamma.unwrap()));
}

#[test]
fn a_score_of_0_makes_a_null_and_not_an_infinity() {
    let nothing = vec![Rule::Positional { scores: vec![0.0] }];
    let curve =
        estimate(design(simulated(Generator::ImpartialCulture, Bias::None, 0.0, 5), nothing, 4)).remove(0);
    assert_eq!((curve.tau1, curve.alpha, curve.rankings_needed), (0.0, None, None));
    assert!(curve.curve.iter().all(|point| point.beta.is_finite() && point.gamma.is_none()));
}

#[test]
fn what_has_no_meaning_is_refused() {
    let pairs = || supplied(vec![0, 1, 2, 3, 3, 2, 1, 0], vec![0, 1, 2, 3, 3, 2, 0, 1], vec![0, 2]);
    let good = || design(pairs(), vec![Rule::KBorda], 2);
    let Pairs::Supplied { latent, disadvantaged, .. } = pairs() else { panic!() };
    let fewer = Arc::new(Profile::from_strict(4, &[0, 1, 2, 3]).unwrap());
    let unequal = Pairs::Supplied { latent, biased: fewer, disadvantaged, seed: 1 };
    for (bad, expected) in [
        (Design { rules: vec![], ..good() }, "rules: the list is empty"),
        (Design { betas: 1, ..good() }, "betas: 1 points"),
        (Design { delta: 0.0, ..good() }, "delta: 0 is not between 0 and 1"),
        (Design { epsilon: 1.0, ..good() }, "epsilon: 1 is not between 0 and 1"),
        (Design { repetitions: 3, ..good() }, "repetitions: 3 is not between 1 and 2, one a voter"),
        (
            Design { k: None, rules: vec![Rule::Bloc { t: None }], ..good() },
            "k: bloc approves of the first k",
        ),
        (Design { k: Some(5), ..good() }, "k: 5 is not between 1 and the 4"),
        (Design { pairs: unequal, ..good() }, "biased: it needs the candidates"),
        (
            Design { pairs: simulated(Generator::ImpartialCulture, Bias::Utility, 0.0, 5), ..good() },
            "strengths: 0 is not above 0",
        ),
        (
            Design { pairs: simulated(Generator::ImpartialCulture, Bias::Utility, 1.0, 0), ..good() },
            "rankings: 0 rankings",
        ),
    ] {
        let found = Smoothness::new(bad).unwrap_err().to_string();
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}
