//! What a spec means: represented rows and weights, samples, sums that cannot be met, numbers that mean nothing.

use crate::engine::{go, go_under, inline, plans};
use fewer::dataset::{Format, Kind, Options, Source};
use fewer::jobs::Nothing;
use fewer::jobs::selection::{Ending, FieldError, Limits, SelectionError, prepare};
use fewer::jobs::spec::SelectionSpec;
use serde_json::{Value, json};
use std::path::Path;
use submodular::Ctl;
use submodular::tile::Kernel;

fn unlimited() -> Limits {
    Limits { memory_bytes: u64::MAX, max_flops: f64::INFINITY, threads: 1, kernel: Kernel::detect() }
}

fn spec(body: &Value) -> SelectionSpec {
    serde_json::from_value(body.clone()).unwrap()
}

/// Six vectors in the plane, in three groups.
fn six() -> Source {
    inline(&json!({
        "kind": "vectors",
        "vectors": [[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [-1, 0.2], [-0.8, 0.1]],
        "columns": {"side": ["x", "x", "y", "y", "z", "z"]},
    }))
}

fn refused(body: &Value) -> Vec<FieldError> {
    match prepare(&spec(body), &six(), &Nothing, false, &unlimited()) {
        Err(SelectionError::Invalid(errors)) => errors,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted: {body}"),
    }
}

/// Three rows, two of them represented, in any order, each with its own weight.
#[test]
fn represented_rows_keep_their_weights_in_any_order_and_under_every_plan() {
    let matrix = [[1.0, 0.1, 0.2], [0.5, 1.0, 0.3], [0.9, 0.4, 1.0]];
    let unit = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]];
    let kernel = Kernel::detect();
    let cosine = |i: usize, j: usize| unit[i][0] * unit[j][0] + unit[i][1] * unit[j][1];
    for (rows, weights) in [([2, 0], [10.0, 1.0]), ([0, 2], [1.0, 10.0])] {
        let objective = |metric: &str| {
            json!({"name": "facility_location", "similarity": {"metric": metric},
                "represented": {"rows": rows}, "weights": {"values": weights}})
        };
        let run = |source: &Source, metric: &str, blocked: bool| {
            let spec = json!({"objective": objective(metric), "constraints": {"k": 3}});
            let spec: SelectionSpec = serde_json::from_value(spec).unwrap();
            let limits = Limits { memory_bytes: u64::MAX, max_flops: f64::INFINITY, threads: 1, kernel };
            let limits = if blocked { plans(&spec, source, kernel)[1].1 } else { limits };
            go(&spec, source, &limits, 1).result
        };
        let given = run(&inline(&json!({"kind": "similarity", "similarity": matrix})), "precomputed", false);
        assert_eq!(given.indices[0], 2); // 1 * 0.2 + 10 * 1.0, against 1 * 1.0 + 10 * 0.9
        assert!((given.gains[0] - 10.2).abs() < 1e-6, "{:?}", given.gains);
        let vectors = inline(&json!({"kind": "vectors", "vectors": unit}));
        for blocked in [false, true] {
            let result = run(&vectors, "cosine", blocked);
            assert_eq!(result.indices[0], 2); // 1 * 0.0 + 10 * 1.0, against 10 * 0.8 + 0.6 and 1.0
            assert!((result.gains[0] - (cosine(0, 2) + 10.0)).abs() < 1e-6, "{:?}", result.gains);
            assert!((result.objective_value - 11.0).abs() < 1e-6);
        }
    }
}

#[test]
fn a_sample_is_optimised_and_every_row_valued() {
    let vectors: Vec<[f32; 2]> =
        (0..40).map(|i| (i as f32 * 0.7).sin_cos()).map(|(x, y)| [x * 2.0, y]).collect();
    let dot = |a: &[f32; 2], b: &[f32; 2]| (a[0] * b[0] + a[1] * b[1]).max(0.0);
    let matrix: Vec<Vec<f32>> = vectors.iter().map(|a| vectors.iter().map(|b| dot(a, b)).collect()).collect();
    let weights: Vec<f64> = (0..40).map(|i| f64::from(i % 3)).collect();
    for (source, metric) in [
        (inline(&json!({"kind": "vectors", "vectors": vectors})), "dot"),
        (inline(&json!({"kind": "similarity", "similarity": matrix})), "precomputed"),
    ] {
        let objective = |represented: Value| {
            json!({"name": "facility_location", "similarity": {"metric": metric}, "represented": represented,
                "weights": {"values": weights}, "reduction": "mean"})
        };
        let sampled = spec(&json!({"objective": objective(json!({"sample": 12})), "constraints": {"k": 4}}));
        let sampled = go(&sampled, &source, &unlimited(), 1).result;
        let whole =
            json!({"objective": objective(Value::Null), "constraints": {"k": 4, "include": sampled.indices}});
        let whole = go(&spec(&whole), &source, &unlimited(), 1).result;
        assert_eq!(whole.indices, sampled.indices);
        assert!((sampled.objective_value - whole.objective_value).abs() < 1e-6, "{metric}");
        let optimized = sampled.optimized_value.unwrap();
        assert!((optimized - sampled.gains.iter().sum::<f64>()).abs() < 1e-12);
        assert!(optimized != sampled.objective_value && whole.optimized_value.is_none());
        let certificate = sampled.certificate.unwrap();
        assert_eq!((certificate.of.as_str(), whole.certificate.unwrap().of.as_str()), ("sample", "dense"));
        assert!((certificate.ratio - optimized / certificate.upper_bound).abs() < 1e-12);
    }
}

#[test]
fn a_sampled_run_that_is_stopped_anywhere_says_whose_value_it_has() {
    let vectors: Vec<[f32; 2]> = (0..40).map(|i| <[f32; 2]>::from((i as f32 * 0.7).sin_cos())).collect();
    let matrix = vec![vec![0.5; 40]; 40];
    for source in [
        inline(&json!({"kind": "vectors", "vectors": vectors})),
        inline(&json!({"kind": "similarity", "similarity": matrix})),
    ] {
        let metric = if source.kind() == Kind::Vectors { "cosine" } else { "precomputed" };
        let objective = json!({"name": "facility_location", "similarity": {"metric": metric},
            "represented": {"sample": 12}});
        let spec = spec(&json!({"objective": objective, "constraints": {"k": 4}}));
        let whole = go(&spec, &source, &unlimited(), 1).result;
        let mut stopped_while_valued = 0;
        for ticks in 0.. {
            let ran = go_under(&spec, &source, &unlimited(), 1, &Ctl::fused(ticks));
            if ran.ending == Ending::Finished {
                assert_eq!(
                    (ran.result.objective_value, &ran.result.warnings),
                    (whole.objective_value, &whole.warnings)
                );
                break;
            }
            let result = ran.result;
            assert_eq!((ran.ending, &*result.termination), (Ending::Cancelled, "cancelled"), "{ticks}");
            assert_eq!(result.indices, whole.indices[..result.indices.len()], "{ticks}");
            // A run that was stopped takes a last look under a handle of its own; one that is stopped in that look
            // has the value of the sample, and says so.
            let told = result.warnings.iter().any(|warning| warning.contains("that of the sample"));
            let alike = result.optimized_value == Some(result.objective_value);
            assert!(if told { alike } else { !alike || result.indices.is_empty() }, "{ticks}: {result:?}");
            stopped_while_valued += usize::from(told && result.indices.len() == 4);
        }
        assert!(stopped_while_valued > 0, "{metric}");
    }
}

#[test]
fn sums_that_cannot_be_met_are_named_with_their_numbers() {
    let groups = |bounds: Value| {
        let mut groups = json!({"column": "side"});
        groups.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
        groups
    };
    let huge = u64::MAX / 2 + 1;
    for (constraints, pointer, expected) in [
        (
            json!({"k": 4, "groups": groups(json!({"at_least": {"x": 3}}))}),
            "/constraints",
            json!({"sum": "group", "needed": 3, "available": 2, "group": "x"}),
        ),
        (
            json!({"k": 2, "groups": groups(json!({"default_at_least": 1}))}),
            "/constraints",
            json!({"sum": "at_least", "needed": 3, "available": 2, "group": null}),
        ),
        (
            json!({"k": 4, "groups": groups(json!({"default_at_most": 1}))}),
            "/constraints",
            json!({"sum": "at_most", "needed": 4, "available": 3, "group": null}),
        ),
        (
            json!({"k": 4, "include": [0, 2, 1], "groups": groups(json!({"at_most": {"x": 1}}))}),
            "/constraints/include/2",
            json!({"sum": "group", "needed": 2, "available": 1, "group": "x"}),
        ),
        (
            json!({"k": 2, "include": [0, 1, 2]}),
            "/constraints/include/2",
            json!({"sum": "at_most", "needed": 3, "available": 2, "group": null}),
        ),
        (
            json!({"k": 2, "include": [0, 1], "groups": groups(json!({"at_least": {"y": 1}}))}),
            "/constraints/include/1",
            json!({"sum": "at_least", "needed": 3, "available": 2, "group": null}),
        ),
        (
            json!({"k": 3, "groups": groups(json!({"at_least": {"x": huge, "y": huge}}))}),
            "/constraints",
            json!({"sum": "group", "needed": huge, "available": 2, "group": "x"}),
        ),
    ] {
        let errors =
            refused(&json!({"objective": {"name": "facility_location"}, "constraints": constraints}));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(
            (errors[0].pointer.as_str(), errors[0].code),
            (pointer, "infeasible_constraint"),
            "{errors:?}"
        );
        assert_eq!(errors[0].context, Some(expected));
    }
}

#[test]
fn every_offence_is_found_at_its_place() {
    let body = json!({
        "objective": {
            "name": "facility_location",
            "similarity": {"metric": "rbf", "gamma": -1},
            "represented": {"vectors": [[1, 2], [1e39, 0], [1]]},
            "weights": {"column": "nope"},
        },
        "constraints": {"k": 7, "include": [0, "a", 0, 9], "exclude": [0]},
        "optimizer": {"name": "bidirectional_greedy", "pool": 1},
        "deadline_seconds": 0,
    });
    let mut found: Vec<(String, &str)> = refused(&body).into_iter().map(|e| (e.pointer, e.code)).collect();
    found.sort_unstable();
    let expected = [
        ("/constraints/exclude", "duplicate_item"),
        ("/constraints/include/1", "unknown_item"),
        ("/constraints/include/2", "duplicate_item"),
        ("/constraints/include/3", "unknown_item"),
        ("/constraints/k", "invalid_parameter"),
        ("/deadline_seconds", "invalid_parameter"),
        ("/objective/represented/vectors/1/0", "invalid_matrix"),
        ("/objective/represented/vectors/2", "shape_mismatch"),
        ("/objective/similarity/gamma", "invalid_parameter"),
        ("/objective/weights/column", "invalid_parameter"),
        ("/optimizer/pool", "invalid_parameter"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn absurd_numbers_neither_overflow_nor_pass() {
    let weights = json!({"name": "facility_location", "weights": {"values": [1e308, 1e308, 0, 0, 0, 0]}});
    let errors = refused(&json!({"objective": weights, "constraints": {"k": 2}}));
    assert_eq!(errors[0].pointer, "/objective/weights");
    // A pool of everything is a pool.
    let body = json!({"objective": {"name": "facility_location"}, "constraints": {"k": 2},
        "optimizer": {"name": "bidirectional_greedy", "pool": u64::MAX}});
    let result = go(&spec(&body), &six(), &unlimited(), 1).result;
    assert_eq!(result.indices.len(), 2);
    assert!(!result.prefixes_valid && result.guarantee.factor.is_none());
}

#[test]
fn defaults_that_depend_on_the_data_are_filled_in() {
    let body = json!({"objective": {"name": "facility_location", "similarity": {"metric": "rbf"}}, "constraints": {"k": 1}});
    let prepared = prepare(&spec(&body), &six(), &Nothing, false, &unlimited()).unwrap();
    let resolved = serde_json::to_value(prepared.spec()).unwrap();
    assert_eq!(resolved["objective"]["similarity"]["gamma"], 0.5);
    assert_eq!(resolved["optimizer"]["name"], "auto");
}

#[test]
fn a_sample_too_small_to_mean_anything_is_warned_about() {
    let vectors: Vec<[f32; 2]> = (0..100).map(|i| [1.0, i as f32]).collect();
    let source = inline(&json!({"kind": "vectors", "vectors": vectors}));
    let warned = |epsilon: f64| {
        let body = json!({"objective": {"name": "facility_location"}, "constraints": {"k": 50},
            "optimizer": {"name": "stochastic_greedy", "epsilon": epsilon}});
        go(&spec(&body), &source, &unlimited(), 1).result.warnings.len()
    };
    assert_eq!((warned(0.5), warned(0.01)), (1, 0)); // 2 and 10 items a step
}

#[test]
fn a_plan_counts_the_columns_and_the_ids_that_its_run_reads() {
    let memory = |id: Option<&str>, constraints: Value| {
        let options = Options { id: id.map(str::to_owned), ..Options::default() };
        let source =
            Source::open(Path::new("tests/data/debian_2k.parquet"), Format::Parquet, &options, u64::MAX)
                .unwrap();
        let spec = spec(&json!({"objective": {"name": "facility_location"}, "constraints": constraints}));
        let plan = prepare(&spec, &source, &Nothing, false, &unlimited()).unwrap();
        (plan.report().memory_bytes, source)
    };
    let (plain, source) = memory(None, json!({"k": 9}));
    let column = source.column("section").unwrap().bytes() as u64;
    let (grouped, _) = memory(None, json!({"k": 9, "groups": {"column": "section", "default_at_most": 3}}));
    // And who is in which group, for the rule and for the answer.
    let groups = 2000 * 16;
    assert!(
        (column + groups..column + 2 * groups).contains(&(grouped - plain)),
        "{plain} {grouped} {column}"
    );
    let (named, source) = memory(Some("name"), json!({"k": 9, "include": ["msmtp-mta"]}));
    assert_eq!(named - plain, source.ids().unwrap().unwrap().bytes() as u64);
    let (unread, _) = memory(Some("name"), json!({"k": 9}));
    assert!((2000 * 40..2000 * 100).contains(&(unread - plain)), "{plain} {unread}");
}
