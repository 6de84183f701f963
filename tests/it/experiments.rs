//! Bias studies and estimates of smoothness over HTTP: results, stops, and what is refused.

use crate::client::Client;
use serde_json::{Value, json};

fn study() -> Value {
    json!({
        "kind": "bias_study",
        "latent": {"generator": "mallows", "phi": 0.9, "candidates": 12},
        "bias": {"model": "swapping"},
        "strengths": [0.0, 0.5],
        "rules": [{"rule": "k_borda"}, {"rule": "chamberlin_courant_borda"}, {"rule": "sntv"}],
        "rankings": [5, 20], "k": 4, "quotas": [0, 2, 3], "repetitions": 6, "seed": 3,
    })
}

fn smoothness() -> Value {
    json!({
        "kind": "smoothness",
        "latent": {"generator": "impartial_culture", "candidates": 10},
        "bias": {"model": "swapping", "phi": 0.0001}, "strength": 0.9,
        "rules": [{"rule": "k_borda"}, {"rule": "sntv"}],
        "rankings": 10, "repetitions": 60, "betas": 5,
    })
}

async fn done(client: &Client, body: &Value) -> Value {
    let job = client.submit(body).await;
    client.wait_for_end(&job, "succeeded").await;
    client.get(&format!("/v1/jobs/{job}/result")).await.json
}

#[tokio::test]
async fn a_study_measures_every_cell_with_and_without_quotas() {
    let client = Client::new();
    let job = client.submit(&study()).await;
    let ended = client.wait_for_end(&job, "succeeded").await;
    assert_eq!((&ended["kind"], &ended["dataset"]), (&json!("bias_study"), &Value::Null));
    assert_eq!(ended["spec"]["bias"], json!({"model": "swapping", "phi": 0.5}));
    assert_eq!(ended["spec"]["disadvantaged"], json!({"share": 0.5}));
    assert_eq!(
        ended["result"],
        json!({"repetitions": 6, "complete": true, "termination": "all_repetitions"})
    );
    assert_eq!((&ended["progress"]["phase"], &ended["progress"]["done"]), (&json!("simulating"), &json!(6)));

    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let cells = result["bias_study"]["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 3 * 2 * 2);
    let number = |value: &Value| value.as_f64().unwrap();
    for cell in cells {
        let by_quota = cell["by_quota"].as_array().unwrap();
        assert_eq!(by_quota.iter().map(|level| &level["at_least"]).collect::<Vec<_>>(), [0, 2, 3]);
        // A quota of 0 is none.
        assert_eq!(cell["unconstrained"]["mean"], by_quota[0]["mean"], "{cell}");
        let best = by_quota.iter().map(|level| number(&level["mean"])).fold(0.0, f64::max);
        assert_eq!(number(&cell["best_quota_mean"]), best, "{cell}");
        assert!((number(&cell["gain"]) - (best - number(&cell["unconstrained"]["mean"]))).abs() < 1e-12);
        // Each repetition's best is no worse than the one best for all; the optimum is a bound where it was proved.
        assert!(number(&cell["oracle_mean"]["mean"]) >= best - 1e-12, "{cell}");
        assert_eq!(cell["optimum"], "exact", "{cell}");
        assert!(number(&cell["oracle_mean"]["mean"]) <= 1.0 + 1e-12, "{cell}");
        if cell["strength"] == 0.0 && cell["rule"] != "chamberlin_courant_borda" {
            assert_eq!(cell["unconstrained"], json!({"mean": 1.0, "se": 0.0}), "{cell}");
        }
    }
    assert_eq!(result["dataset_digest"], Value::Null);
    let again = done(&client, &study()).await;
    assert_eq!(again["bias_study"], result["bias_study"], "the seed decides");
}

#[tokio::test]
async fn smoothness_comes_from_a_model_or_from_pairs_of_rankings() {
    let client = Client::new();
    let result = done(&client, &smoothness()).await;
    let [borda, sntv] = [0, 1].map(|rule| &result["smoothness"][rule]);
    assert_eq!((&borda["tau1"], &sntv["tau1"]), (&json!(9.0), &json!(1.0)));
    let alpha = |of: &Value| of["alpha"]["mean"].as_f64().unwrap();
    assert!(alpha(borda) > 0.2 && alpha(sntv) < 0.1, "{result}");
    let curve = borda["curve"].as_array().unwrap();
    assert_eq!((curve.len(), &curve[4][0]), (5, &json!(1.0)));
    // n >= ln(2m / delta) / (2 alpha^2 epsilon^2); nothing is enough where a candidate has no score at all.
    let needed = ((2.0 * 10.0 / 0.05_f64).ln() / (2.0 * (alpha(borda) * 0.2).powi(2))).ceil();
    assert_eq!(borda["rankings_needed"].as_f64(), Some(needed), "{result}");
    assert_eq!(sntv["rankings_needed"].is_null(), alpha(sntv) == 0.0, "{result}");
    assert_eq!(borda["bound"], "hoeffding_union");

    // Two voters; the bias lowers candidate 1 for both. Borda latent 4 3 1 0 over tau1 n = 3 * 2; biased 4 1 2 1.
    let stored = async |rankings: Value| {
        let body = json!({
            "kind": "rankings", "rankings": rankings, "columns": {"side": ["a", "b", "a", "b"]},
        });
        client.post_json("/v1/datasets", &body).await.text("/id")
    };
    let latent = stored(json!([[0, 1, 2, 3], [1, 0, 3, 2]])).await;
    let biased = stored(json!([[0, 2, 1, 3], [0, 3, 1, 2]])).await;
    let body = json!({
        "kind": "smoothness", "latent": {"dataset": latent}, "bias": {"dataset": biased},
        "disadvantaged": {"column": "side", "value": "b"}, "rules": [{"rule": "k_borda"}], "repetitions": 2, "betas": 2,
    });
    let job = client.submit(&body).await;
    let ended = client.wait_for_end(&job, "succeeded").await;
    assert_eq!(ended["dataset"], latent);
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    assert!(result["dataset_digest"].is_string());
    let found = &result["smoothness"][0];
    // Latent sums 5 5 1 1, biased 6 2 2 2: the least is a latent 1 of 6.
    assert!((alpha(found) - 1.0 / 6.0).abs() < 1e-12, "{found}");
    // beta 0.2: pairs (0, 2) and (1, 3), gamma 2/6 and 2/2.
    assert_eq!(found["curve"][0][0], 0.2);
    assert_eq!(found["curve"][0][1], 1.0);
    let in_use = client.delete(&format!("/v1/datasets/{biased}")).await;
    assert_eq!(in_use.status, 204, "an ended job needs no dataset: {}", in_use.json);
}

#[tokio::test]
async fn a_study_goes_on_after_a_stop_and_ends_as_if_there_had_been_none() {
    let mut long = study();
    (long["repetitions"], long["rankings"]) = (json!(1000), json!([200]));
    let client = Client::new();
    let job = client.submit(&long).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(2)).await;
    let client = client.restart(|_| {});
    client.wait_for_end(&job, "succeeded").await;
    let resumed = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let whole = done(&client, &long).await;
    assert_eq!(resumed["bias_study"], whole["bias_study"]);

    // Cancelled, it keeps the repetitions that were made.
    long["repetitions"] = json!(200_000);
    let job = client.submit(&long).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(2)).await;
    client.post(&format!("/v1/jobs/{job}/cancel"), "application/json", "").await;
    let ended = client.wait_for_end(&job, "cancelled").await;
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    assert_eq!((&result["complete"], &result["termination"]), (&json!(false), &json!("cancelled")));
    assert!(result["repetitions"].as_u64() > Some(0) && result["bias_study"]["cells"][0]["gain"].is_number());
    assert_eq!(ended["result"]["repetitions"], result["repetitions"]);
}

#[tokio::test]
async fn what_has_no_meaning_is_refused_at_its_place() {
    let client = Client::new();
    let with = |body: Value, pointer: &str, value: Value| {
        let mut body = body;
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(field.into(), value);
        body
    };
    for (body, code, pointer, told) in [
        (with(study(), "/quotas", json!([0, 5])), "infeasible_constraint", "/quotas/1", "5"),
        (with(study(), "/quotas", json!([7])), "infeasible_constraint", "/quotas/0", "7"),
        (with(study(), "/k", json!(13)), "infeasible_constraint", "/k", "12"),
        (with(study(), "/strengths", json!([1.5])), "invalid_parameter", "/strengths", "1.5"),
        (with(study(), "/strengths", json!([])), "invalid_parameter", "/strengths", "0 items"),
        (with(study(), "/latent/phi", json!(2)), "invalid_parameter", "/latent/phi", "at most 1"),
        (
            with(study(), "/latent/agreement", json!(1)),
            "invalid_parameter",
            "/latent/agreement",
            "utility only",
        ),
        (
            with(study(), "/bias", json!({"model": "none", "phi": 0.5})),
            "invalid_parameter",
            "/bias/phi",
            "swapping only",
        ),
        (
            with(study(), "/rules", json!([{"rule": "bloc", "t": 0}])),
            "invalid_parameter",
            "/rules/0/t",
            "at least 1",
        ),
        (
            with(study(), "/rules", json!([{"rule": "sntv", "q": 0.1}])),
            "invalid_parameter",
            "/rules/0/q",
            "no parameters",
        ),
        (
            with(study(), "/disadvantaged", json!({"share": 1})),
            "invalid_parameter",
            "/disadvantaged",
            "12 of 12",
        ),
        (
            with(study(), "/disadvantaged", json!({"candidates": [3, 99]})),
            "unknown_item",
            "/disadvantaged/candidates/1",
            "0 to 11",
        ),
        (
            with(study(), "/disadvantaged", json!({"column": "side", "value": "b"})),
            "invalid_parameter",
            "/disadvantaged/column",
            "no columns",
        ),
        (
            with(study(), "/objective", json!({"name": "log_det"})),
            "invalid_parameter",
            "/objective",
            "unknown field",
        ),
        (with(study(), "/kind", json!("survey")), "invalid_parameter", "/kind", "expected one of"),
        (
            with(study(), "/deadline_seconds", json!(-1)),
            "invalid_parameter",
            "/deadline_seconds",
            "more than 0",
        ),
        (
            with(study(), "/latent", json!({"dataset": "ds_none"})),
            "dataset_not_found",
            "/latent/dataset",
            "ds_none",
        ),
        (
            with(smoothness(), "/strength", Value::Null),
            "invalid_parameter",
            "/strength",
            "needs its strength",
        ),
        (with(smoothness(), "/rankings", Value::Null), "invalid_parameter", "/rankings", "how many"),
        (with(smoothness(), "/rules", json!([{"rule": "pav"}])), "invalid_parameter", "/k", "give k"),
        (
            with(study(), "/repetitions", json!(1_000_000_000)),
            "estimate_exceeds_limit",
            "",
            "Fewer repetitions",
        ),
    ] {
        let answer = client.post_json("/v1/jobs", &body).await;
        assert_eq!(answer.json["code"], code, "{pointer}: {}", answer.json);
        let place = answer.json.pointer("/errors/0/pointer").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(place, pointer, "{}", answer.json);
        assert!(answer.json.to_string().contains(told), "{told}: {}", answer.json);
    }
    let plan = client.post_json("/v1/jobs?validate_only=true", &study()).await;
    assert_eq!((plan.status.as_u16(), &plan.json["plan"]), (200, &json!("simulated")), "{}", plan.json);
    assert_eq!(client.get("/v1/jobs").await.json["items"], json!([]), "nothing is left of what was refused");

    // A truncated ranking cannot be biased: the run says whose it is.
    let truncated = json!({"kind": "rankings", "rankings": [[0, 1, 2], [2, 0]]});
    let stored = client.post_json("/v1/datasets", &truncated).await.text("/id");
    let mut body = with(study(), "/latent", json!({"dataset": stored}));
    (body["rankings"], body["k"], body["quotas"]) = (json!([2]), json!(1), json!([]));
    let job = client.submit(&body).await;
    let ended = client.wait_for_end(&job, "failed").await;
    assert!(ended["error"]["detail"].as_str().unwrap().contains("voter 1"), "{ended}");
    body["rankings"] = json!([3]);
    let answer = client.post_json("/v1/jobs", &body).await;
    assert_eq!(answer.text("/errors/0/pointer"), "/rankings/0", "{}", answer.json);

    let job = client.submit(&study()).await;
    client.wait_for_end(&job, "succeeded").await;
    let compared = json!({"a": {"job": job}, "b": {"items": [1]}, "universe": 12});
    let answer = client.post_json("/v1/compare", &compared).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text("/errors/0/pointer")),
        (422, "/a/job".into()),
        "{}",
        answer.json
    );
    let answer = client.get(&format!("/v1/jobs/{job}/result?k=2")).await;
    assert_eq!(answer.text("/code"), "prefix_not_valid");
}
