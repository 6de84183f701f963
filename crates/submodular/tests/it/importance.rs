//! Samples by gain, against the worked example, exact enumeration and what any gains may be.

use serde_json::Value;
use submodular::importance::{
    Allocation, Basis, ENUMERATED, Kept, Rule, Sample, Scope, Weighting, allocate, probabilities, sample,
    successive_inclusion,
};
use submodular::sampling::{below, stream, unit};
use submodular::{Error, Item};

const TAYLOR: Rule = Rule {
    weighting: Weighting::TaylorSoftmax,
    temperature: 1.0,
    scope: Scope::Part(Allocation::Exact),
    seed: 5,
};

fn golden() -> Value {
    serde_json::from_str(include_str!("../data/ingenious_golden.json")).unwrap()
}

fn numbers(page: &Value, name: &str) -> Vec<f64> {
    serde_json::from_value(page[name].clone()).unwrap()
}

#[test]
fn the_worked_probabilities_inclusions_and_totals_are_reproduced() {
    let golden = golden();
    let pages = golden["parts"].as_array().unwrap();
    let parts: Vec<(Vec<Item>, Vec<f64>)> = pages
        .iter()
        .map(|page| (serde_json::from_value(page["greedy_items"].clone()).unwrap(), numbers(page, "gains")))
        .collect();
    let close =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    for (page, (_, gains)) in pages.iter().zip(&parts) {
        let p = probabilities(gains, Weighting::TaylorSoftmax, 1.0).unwrap();
        assert!(close(&p, &numbers(page, "taylor_probabilities")), "{p:?}");
        let softmax = probabilities(gains, Weighting::Softmax, 1.0).unwrap();
        assert!(close(&softmax, &numbers(page, "softmax_probabilities_for_contrast")), "{softmax:?}");
        let draws = page["sample_size"].as_u64().unwrap() as usize;
        let inclusion = successive_inclusion(&p, draws).unwrap();
        assert!(close(&inclusion, &numbers(page, "inclusion_probabilities")), "{inclusion:?}");
    }
    let kept: Vec<Kept<'_>> =
        (0..).zip(&parts).map(|(part, (items, gains))| Kept { part, size: 8, items, gains }).collect();
    for allocation in [Allocation::Ceil, Allocation::Exact] {
        let rule = Rule { scope: Scope::Part(allocation), ..TAYLOR };
        let drawn = sample(&kept, golden["k"].as_u64().unwrap() as usize, &rule).unwrap();
        assert_eq!(drawn.items.len() as u64, golden["selected_total"].as_u64().unwrap());
        assert!(drawn.parts.iter().all(|part| part.drawn == 2) && drawn.basis() == Basis::Exact);
        for (at, item) in drawn.items.iter().enumerate() {
            let (page, items) = (&pages[at / 2], &parts[at / 2].0);
            let place = items.iter().position(|e| e == item).unwrap();
            assert!((drawn.inclusion[at] - numbers(page, "inclusion_probabilities")[place]).abs() < 1e-12);
            assert!((drawn.probabilities[at] - numbers(page, "taylor_probabilities")[place]).abs() < 1e-12);
            assert_eq!(drawn.gains[at], parts[at / 2].1[place]);
        }
        for (weight, inclusion) in drawn.importance_weights().zip(&drawn.inclusion) {
            assert_eq!(weight, 1.0 / inclusion);
        }
    }
}

/// As many parts as draws, each with a stream of its own.
#[test]
fn two_hundred_thousand_draws_include_every_item_as_often_as_enumeration_says() {
    let (golden, count) = (golden(), 200_000);
    let page = &golden["parts"][0];
    let (items, gains) = ([0, 1, 2, 3, 4, 5, 6], numbers(page, "gains"));
    let kept: Vec<Kept<'_>> =
        (0..count).map(|part| Kept { part, size: 8, items: &items, gains: &gains }).collect();
    let drawn = sample(&kept, 2 * count as usize, &TAYLOR).unwrap();
    let mut hits = [0.0; 7];
    drawn.items.iter().for_each(|&item| hits[item as usize] += 1.0);
    let firsts = drawn.items.iter().step_by(2).filter(|&&item| item == 0).count() as f64;
    let near =
        |hits: f64, p: f64| (hits / count as f64 - p).abs() < 4.0 * (p * (1.0 - p) / count as f64).sqrt();
    for (&hits, p) in hits.iter().zip(numbers(page, "inclusion_probabilities")) {
        assert!(near(hits, p), "{hits} of {count}, expected {p}");
    }
    // In the order of the draws.
    assert!(near(firsts, numbers(page, "taylor_probabilities")[0]), "{firsts}");
}

/// Horvitz-Thompson sums over seeds, by threshold and by enumeration, and together.
#[test]
fn weighted_by_their_inverse_inclusions_samples_sum_to_the_whole_on_average() {
    let mut rng = stream(3, 3);
    for (n, size, scope) in [
        (40, 7, Scope::Part(Allocation::Exact)),
        (40, 7, Scope::Global),
        (21, 8, Scope::Part(Allocation::Exact)),
    ] {
        let items: Vec<Item> = (0..n).collect();
        let gains: Vec<f64> = items.iter().map(|_| 6.0 * unit(&mut rng) - 2.0).collect();
        let kept = [
            Kept { part: 0, size: 13, items: &items[..10], gains: &gains[..10] },
            Kept { part: 1, size: 60, items: &items[10..], gains: &gains[10..] },
        ];
        let sums: Vec<[f64; 2]> = (0..20_000)
            .map(|seed| {
                let drawn = sample(&kept, size, &Rule { scope, seed, ..TAYLOR }).unwrap();
                assert_eq!(drawn.items.len(), size);
                let terms = drawn.importance_weights().zip(&drawn.gains);
                terms.fold([0.0; 2], |[count, sum], (weight, gain)| [count + weight, sum + weight * gain])
            })
            .collect();
        for (quantity, whole) in [(0, f64::from(n)), (1, gains.iter().sum())] {
            let mean = sums.iter().map(|sum| sum[quantity]).sum::<f64>() / sums.len() as f64;
            let variance = sums.iter().map(|sum| (sum[quantity] - mean).powi(2)).sum::<f64>();
            let error = variance.sqrt() / sums.len() as f64;
            assert!((mean - whole).abs() < 4.0 * error, "{scope:?} {mean} {whole} {error}");
        }
    }
}

#[test]
fn gains_of_any_sign_and_size_have_probabilities_and_draws() {
    let lists = [
        vec![0.0],
        vec![1e308, -1e308, 0.0, 1e-308],
        vec![-3.0; 20],
        (0..40).map(|i| -f64::from(i)).collect(),
        (0..30).map(|i| 10_f64.powi(i * 20 - 300)).collect(),
        [0.0; 15].into_iter().chain([f64::MAX; 15]).collect(),
    ];
    for gains in &lists {
        let items: Vec<Item> = (0..gains.len() as Item).collect();
        let kept = [Kept { part: 9, size: gains.len() + 1, items: &items, gains }];
        for weighting in Weighting::ALL {
            for temperature in [f64::MIN_POSITIVE, 1e-9, 1.0, 1e9, f64::MAX] {
                let p = probabilities(gains, weighting, temperature).unwrap();
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.iter().all(|&p| p >= 0.0), "{p:?}");
                for scope in [Scope::Part(Allocation::Exact), Scope::Global] {
                    for size in 1..=gains.len() {
                        let rule = Rule { weighting, temperature, scope, seed: 1 };
                        let drawn = sample(&kept, size, &rule).unwrap();
                        let mut distinct = drawn.items.clone();
                        distinct.sort_unstable();
                        distinct.dedup();
                        assert_eq!(distinct.len(), size);
                        let good = |p: f64| p > 0.0 && p <= 1.0 + 1e-12;
                        assert!(drawn.inclusion.iter().all(|&p| good(p)), "{gains:?} {rule:?} {drawn:?}");
                        for (&item, &share) in drawn.items.iter().zip(&drawn.probabilities) {
                            assert!((share - p[item as usize]).abs() < 1e-12);
                        }
                        if size == gains.len() {
                            assert!(drawn.inclusion.iter().all(|&p| p == 1.0));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_has_no_share_is_drawn_last_and_the_lowest_first() {
    let items: Vec<Item> = (0..20).collect();
    let gains: Vec<f64> = (0..20).map(|i| if i % 2 == 1 { 1.0 } else { -1e300 }).collect();
    let kept = [Kept { part: 0, size: 20, items: &items, gains: &gains }];
    let rule = Rule { weighting: Weighting::Softmax, temperature: 1e-300, ..TAYLOR };
    let drawn = sample(&kept, 13, &rule).unwrap();
    assert!(drawn.items[..10].iter().all(|item| item % 2 == 1));
    assert_eq!(drawn.items[10..], [0, 2, 4]);
    assert_eq!(drawn.inclusion, [1.0; 13]);
    assert_eq!(successive_inclusion(&[0.0, 0.7, 0.0, 0.3], 3).unwrap(), [1.0, 1.0, 0.0, 1.0]);
}

#[test]
fn enumeration_and_threshold_agree_where_both_are_known() {
    // Of equal weights every set is as likely.
    for n in 1..=ENUMERATED {
        for draws in 0..=n {
            let found = successive_inclusion(&vec![0.25; n], draws).unwrap();
            assert!(found.iter().all(|p| (p - draws as f64 / n as f64).abs() < 1e-12), "{found:?}");
        }
    }
    // One draw includes an item with its probability, n - 1 leave one out.
    let p = [0.5, 0.3, 0.2];
    let found = successive_inclusion(&p, 1).unwrap();
    assert!(found.iter().zip(p).all(|(a, b)| (a - b).abs() < 1e-15));
    let out = 0.5 * (0.3 / 0.5) + 0.3 * (0.5 / 0.7);
    assert!((successive_inclusion(&p, 2).unwrap()[2] - (1.0 - out)).abs() < 1e-12);
    assert!(successive_inclusion(&[0.1; ENUMERATED + 1], 2).is_err());
    assert!(successive_inclusion(&[0.1, -0.1], 1).is_err() && successive_inclusion(&[f64::NAN], 1).is_err());
}

#[test]
fn a_sample_depends_on_seed_and_parts_and_not_on_threads_or_company() {
    let n = 30_000;
    let mut rng = stream(8, 8);
    let (items, gains): (Vec<Item>, Vec<f64>) = (0..n).map(|e| (e, 4.0 * unit(&mut rng))).unzip();
    let kept = |part, from: usize, to: usize| Kept {
        part,
        size: to - from,
        items: &items[from..to],
        gains: &gains[from..to],
    };
    let parts = [kept(4, 0, 9_000), kept(7, 9_000, 9_000), kept(2, 9_000, 30_000)];
    let with = |threads, rule: Rule| -> Sample {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sample(&parts, 3_000, &rule)).unwrap()
    };
    for scope in [Scope::Part(Allocation::Exact), Scope::Global] {
        let rule = Rule { scope, ..TAYLOR };
        let one = with(1, rule);
        assert!(one == with(2, rule) && one == with(7, rule));
        assert_ne!(one.items, with(2, Rule { seed: 6, ..rule }).items);
        let count =
            |range: std::ops::Range<Item>| one.items.iter().filter(|item| range.contains(item)).count();
        let drawn: Vec<usize> = one.parts.iter().map(|part| part.drawn).collect();
        assert_eq!(drawn, [count(0..9_000), 0, count(9_000..30_000)]);
        let p = probabilities(&gains, Weighting::TaylorSoftmax, 1.0).unwrap();
        let whole = scope == Scope::Global;
        assert_eq!((one.probabilities[0] - p[one.items[0] as usize]).abs() < 1e-12, whole);
    }
    // A part alone draws what it draws among others.
    let alone = sample(&parts[..1], 900, &TAYLOR).unwrap();
    assert_eq!(alone.items, with(2, TAYLOR).items[..900]);
    // More of it begins with less of it.
    assert_eq!(sample(&parts[..1], 50, &TAYLOR).unwrap().items, alone.items[..50]);
}

#[test]
fn a_size_is_shared_out_exactly_or_as_the_page_says() {
    for seed in 0..300 {
        let mut rng = stream(seed, 1);
        let lengths: Vec<usize> = (0..1 + below(9, &mut rng)).map(|_| below(30, &mut rng) as usize).collect();
        let (all, items, gains) = (lengths.iter().sum::<usize>(), [0; 30], [1.0; 30]);
        let kept: Vec<Kept<'_>> = (0..)
            .zip(&lengths)
            .map(|(part, &len)| Kept { part, size: len + 1, items: &items[..len], gains: &gains[..len] })
            .collect();
        for size in 0..all + 2 {
            let exact = allocate(&kept, size, Allocation::Exact);
            if size == 0 || size > all {
                assert!(matches!(exact, Err(Error::Parameter { name: "size", .. })));
                continue;
            }
            let exact = exact.unwrap();
            assert_eq!(exact.iter().sum::<usize>(), size);
            for (&budget, &len) in exact.iter().zip(&lengths) {
                let share = (len * size) as f64 / all as f64;
                assert!(budget <= len && (budget as f64 - share).abs() < 1.0, "{budget} {share}");
            }
            let n = all + lengths.len();
            let ceil: Vec<usize> =
                lengths.iter().map(|&len| (len * size).div_ceil(n).min(len.saturating_sub(1))).collect();
            assert_eq!(allocate(&kept, size, Allocation::Ceil).unwrap(), ceil);
        }
    }
}

#[test]
fn temperatures_and_gains_that_mean_nothing_are_refused() {
    let kept = |gains| [Kept { part: 0, size: 3, items: &[7, 8], gains }];
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = sample(&kept(&[1.0, 2.0]), 1, &Rule { temperature, ..TAYLOR });
        assert!(matches!(refused, Err(Error::Parameter { name: "temperature", .. })));
    }
    let refused = sample(&kept(&[1.0, f64::NAN]), 1, &TAYLOR);
    assert!(matches!(refused, Err(Error::NotFinite { row: 1, .. })));
    assert!(matches!(sample(&kept(&[1.0]), 1, &TAYLOR), Err(Error::Shape { .. })));
}
