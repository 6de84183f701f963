//! The worked examples on eight rows, from the request to the result: every objective by its name on the wire, and the
//! searches that a page of numbers exists for.

use crate::client::Client;
use serde_json::{Value, json};
use std::sync::LazyLock;

static PAGE: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../crates/submodular/tests/data/field_golden.json")).unwrap()
});

fn vectors(rows: &Value) -> Value {
    let part: Vec<&str> = (0..8).map(|row| ["even", "odd"][row % 2]).collect();
    json!({
        "kind": "vectors",
        "vectors": rows,
        "columns": {"cost": PAGE["costs"], "part": part, "group": ["a", "a", "a", "b", "b", "b", "c", "c"]},
    })
}

fn close(found: &Value, expected: &Value, what: &str) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!(
        (found - expected).abs() <= 2e-6 * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

fn sorted(items: &Value) -> Vec<u64> {
    let mut items: Vec<u64> = serde_json::from_value(items.clone()).unwrap();
    items.sort_unstable();
    items
}

async fn selected(
    client: &Client,
    rows: &Value,
    objective: &Value,
    constraints: Value,
    optimizer: Value,
) -> Value {
    let body = json!({"kind": "selection", "inline": vectors(rows), "objective": objective,
        "constraints": constraints, "optimizer": optimizer});
    client.selected(&body).await
}

/// Each function by the page's name for it, and the rows it is of.
fn objectives() -> Vec<(&'static str, Value, Value)> {
    let page = &PAGE;
    let concepts: Vec<Vec<u64>> = serde_json::from_value(page["cover"].clone()).unwrap();
    let concepts: Vec<Vec<u8>> =
        concepts.iter().map(|has| (0..7).map(|concept| u8::from(has.contains(&concept))).collect()).collect();
    let (query, private) = (json!({"vectors": page["Q"]}), json!({"vectors": page["P"]}));
    let kernel = json!({"metric": "cosine_signed"});
    let of_rows = vec![
        ("facility_location_sum", json!({"name": "facility_location"})),
        ("facility_location_mean", json!({"name": "facility_location", "reduction": "mean"})),
        ("saturated_coverage", json!({"name": "saturated_coverage", "alpha": page["saturation_alpha"]})),
        ("graph_cut_0.4", json!({"name": "graph_cut"})),
        ("graph_cut_1.0", json!({"name": "graph_cut", "lambda": 1})),
        ("feature_sqrt", json!({"name": "feature_based", "weights": page["feature_weights"]})),
        (
            "feature_log",
            json!({"name": "feature_based", "concave": "log", "weights": page["feature_weights"]}),
        ),
        ("log_det", json!({"name": "log_det", "similarity": kernel, "ridge": page["logdet_jitter"]})),
        ("disparity_sum", json!({"name": "disparity_sum"})),
        ("disparity_min", json!({"name": "disparity_min"})),
        ("flqmi_eta1", json!({"name": "facility_location_mi", "query": query})),
        ("flvmi_eta1", json!({"name": "facility_location_vmi", "query": query})),
        ("flcg_nu1", json!({"name": "facility_location_cg", "private": private})),
        ("flcmi", json!({"name": "facility_location_cmi", "query": query, "private": private})),
        // The page takes lambda = 1/2 here.
        ("gcmi", json!({"name": "graph_cut_mi", "query": query, "lambda": 0.5})),
        ("gccg", json!({"name": "graph_cut_cg", "private": private})),
        ("com_sqrt_eta1", json!({"name": "concave_over_modular", "query": query})),
        ("logdet_mi", json!({"name": "log_det_mi", "query": query, "ridge": page["logdet_jitter"]})),
        ("logdet_cg", json!({"name": "log_det_cg", "private": private, "ridge": page["logdet_jitter"]})),
    ];
    let mut all: Vec<_> =
        of_rows.into_iter().map(|(name, objective)| (name, objective, page["X"].clone())).collect();
    all.push(("set_cover", json!({"name": "set_cover"}), json!(concepts)));
    let probable = json!({"name": "probabilistic_set_cover", "weights": page["concept_weights"]});
    all.push(("prob_set_cover", probable, page["concept_probability"].clone()));
    all
}

#[tokio::test]
async fn every_objective_makes_the_worked_picks_and_has_the_worked_optimum() {
    let client = Client::new();
    for (name, objective, rows) in objectives() {
        let expected = &PAGE["objectives"][name];
        let three = || json!({"k": 3});
        let found = selected(&client, &rows, &objective, three(), json!({"name": "greedy"})).await;
        assert_eq!(found["indices"], expected["greedy3"], "{name}");
        for (gain, expected) in
            found["gains"].as_array().unwrap().iter().zip(expected["gains"].as_array().unwrap())
        {
            close(gain, expected, name);
        }
        close(&found["objective_value"], &expected["greedy_value"], name);
        let best = selected(&client, &rows, &objective, three(), json!({"name": "exact"})).await;
        close(&best["objective_value"], &expected["opt3"], name);
        let whole = json!({"k": 8});
        let all = selected(&client, &rows, &objective, whole, json!({"name": "greedy"})).await;
        close(&all["objective_value"], &expected["value_of_all"], name);
    }
}

#[tokio::test]
async fn the_worked_searches_are_reproduced() {
    let client = Client::new();
    let of = |name: &str| objectives().into_iter().find(|(found, ..)| *found == name).unwrap();
    let search = async |name: &str, constraints: Value, optimizer: Value| {
        let (_, objective, rows) = of(name);
        selected(&client, &rows, &objective, constraints, optimizer).await
    };

    let page = &PAGE["gist"];
    let gist = json!({"name": "gist", "lambda": page["lambda"], "epsilon": page["eps"]});
    let found = search("facility_location_sum", json!({"k": page["k"]}), gist).await;
    assert_eq!(sorted(&found["indices"]), sorted(&page["set"]));
    close(&found["optimized_value"], &page["value"], "gist");
    assert_eq!(found["complete"], true);

    let page = &PAGE["knapsack"];
    let budget = json!({"knapsack": {"column": "cost", "budget": page["budget"]}});
    let found = search("feature_sqrt", budget, json!({"name": "auto"})).await;
    assert_eq!(found["indices"], page["ratio"][0]);
    close(&found["objective_value"], &page["opt"][1], "knapsack");
    assert_eq!(found["cost"], 5.0);

    // Each part's search sees every row, and so does the one over both answers.
    let page = &PAGE["greedi"];
    let every = json!({"name": "facility_location", "represented": {"rows": [0, 1, 2, 3, 4, 5, 6, 7]}});
    let parts = json!({"name": "partitioned_greedy", "parts": {"by": "column", "column": "part"}});
    let found = selected(&client, &PAGE["X"], &every, json!({"k": 3}), parts).await;
    assert_eq!(found["indices"], page["best"]);
    close(&found["objective_value"], &page["value"], "greedi");

    let page = &PAGE["sieve_streaming_pp"];
    let sieve = json!({"name": "sieve_streaming", "epsilon": page["eps"], "top_up": false});
    let found = selected(&client, &PAGE["X"], &every, json!({"k": page["k"]}), sieve).await;
    assert_eq!(found["indices"], page["set"]);
    close(&found["objective_value"], &page["value"], "sieve_streaming");

    let page = &PAGE["threshold_greedy"];
    let threshold = json!({"name": "threshold_greedy", "epsilon": page["eps"]});
    let found = search("feature_sqrt", json!({"k": page["k"]}), threshold).await;
    assert_eq!(found["indices"], page["set"]);
    close(&found["objective_value"], &page["value"], "threshold_greedy");

    // A cut is worth the same from both sides and the first item ties: the page's answer, or all that it leaves.
    let page = &PAGE["double_greedy"];
    let found = search("graph_cut_1.0", json!({}), json!({"name": "double_greedy"})).await;
    let left: Vec<u64> = (0..8).filter(|item| !sorted(&page["deterministic"]).contains(item)).collect();
    let chosen = sorted(&found["indices"]);
    assert!(chosen == left || chosen == sorted(&page["deterministic"]), "{chosen:?}");
    close(&found["objective_value"], &page["value"], "double_greedy");

    let page = &PAGE["dpp_greedy4"];
    let found = search("log_det", json!({"k": 4}), json!({"name": "auto"})).await;
    assert_eq!(found["indices"], page["order"]);
    close(&found["objective_value"], &page["logdet"], "log_det");

    let page = &PAGE["fair"];
    let groups = json!({"column": "group", "default_at_least": 1, "at_most": {"a": 1, "b": 2, "c": 2}});
    let found =
        search("facility_location_sum", json!({"k": 4, "groups": groups}), json!({"name": "auto"})).await;
    // Items 3 and 7 add as much as each other to the first two; the lower comes first.
    assert_eq!((&found["indices"], &page["greedy"]), (&json!([2, 4, 3, 6]), &json!([2, 4, 7, 6])));
    close(&found["objective_value"], &page["greedy_value"], "fair");
}
