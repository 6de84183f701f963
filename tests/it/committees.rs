//! Committees over HTTP: the golden profile by every rule, quotas, what the result says of the voters, and refusals.

use crate::client::Client;
use serde_json::{Value, json};

const GOLDEN: &str = include_str!("../data/golden/multiwinner_golden.json");
const FESTIVAL: &str = include_str!("../data/preflib/festival.soi");

/// The rules by the names that the golden file gives them.
fn rules() -> Vec<(&'static str, Value)> {
    vec![
        ("sntv", json!({"rule": "sntv"})),
        ("bloc_3", json!({"rule": "bloc"})),
        ("k_borda", json!({"rule": "k_borda"})),
        ("geometric_1_2", json!({"rule": "geometric"})),
        ("harmonic_pos", json!({"rule": "harmonic"})),
        ("k_borda", json!({"rule": "positional", "positions": [5, 4, 3, 2, 1]})),
        ("cc_borda", json!({"rule": "chamberlin_courant_borda"})),
        ("cc_approval_2", json!({"rule": "chamberlin_courant_approval", "t": 2})),
        ("pav_3", json!({"rule": "pav"})),
        ("hb_borda", json!({"rule": "harmonic_borda"})),
        ("geomowa_borda", json!({"rule": "geometric_owa", "q": 0.5})),
        ("cc_borda", json!({"rule": "owa", "positions": [5, 4, 3, 2, 1, 0], "owa": [1]})),
    ]
}

fn committee(rule: &Value) -> Value {
    let mut objective = json!({"name": "committee"});
    objective.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    objective
}

fn job(data: &Value, rule: &Value, constraints: &Value, optimizer: &str) -> Value {
    let (objective, optimizer) = (committee(rule), json!({"name": optimizer}));
    json!({"kind": "selection", "inline": data, "objective": objective, "constraints": constraints, "optimizer": optimizer})
}

fn sorted(items: &Value) -> Vec<u64> {
    let mut items: Vec<u64> = items.as_array().unwrap().iter().map(|item| item.as_u64().unwrap()).collect();
    items.sort_unstable();
    items
}

fn close(found: &Value, expected: &Value, told: &str) {
    let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
    assert!(
        (found - expected).abs() < 1e-9 * expected.abs().max(1.0),
        "{told}: {found}, expected {expected}"
    );
}

#[tokio::test]
async fn every_rule_finds_the_recorded_optimum_with_and_without_quotas() {
    let client = Client::new();
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let groups: Vec<String> =
        golden["groups"].as_array().unwrap().iter().map(|group| format!("g{group}")).collect();
    let data = json!({"kind": "rankings", "rankings": golden["biased"], "columns": {"side": groups}});
    for (name, rule) in rules() {
        let recorded = &golden["rules"][name];
        let exact = client.selected(&job(&data, &rule, &json!({"k": 3}), "exact")).await;
        close(&exact["objective_value"], &recorded["biased_opt"][0], name);
        let optima: Vec<Vec<u64>> =
            recorded["biased_optima"].as_array().unwrap().iter().map(sorted).collect();
        assert!(optima.contains(&sorted(&exact["indices"])), "{name}: {exact}");
        close(&exact["certificate"]["upper_bound"], &recorded["biased_opt"][0], name);

        let greedy = client.selected(&job(&data, &rule, &json!({"k": 3}), "greedy")).await;
        assert_eq!(greedy["indices"], recorded["greedy_biased"][0], "{name}");
        for (found, expected) in
            greedy["gains"].as_array().unwrap().iter().zip(recorded["greedy_biased"][1].as_array().unwrap())
        {
            close(found, expected, name);
        }
        let separable = recorded["def"]["owa"] == "ones";
        assert_eq!(greedy["committee"]["separable"], separable, "{name}");
        assert_eq!(greedy["committee"]["rule"], rule["rule"]);
        let factor = greedy["guarantee"]["factor"].as_f64().unwrap();
        assert!((factor == 1.0) == separable, "{name}: {factor}");

        let quotas = json!({"k": 3, "groups": {"column": "side", "at_least": {"g0": 1, "g1": 1}, "default_at_most": 2}});
        let fair = &recorded["quota_1_2_each"];
        let exact = client.selected(&job(&data, &rule, &quotas, "exact")).await;
        close(&exact["objective_value"], &fair["opt"], name);
        let greedy = client.selected(&job(&data, &rule, &quotas, "greedy")).await;
        close(&greedy["objective_value"], &fair["greedy_value"], name);
        for lower in recorded["by_lower_bound_on_group1"].as_array().unwrap() {
            let quotas = json!({"k": 3, "groups": {"column": "side", "at_least": {"g1": lower["l"]}}});
            for optimizer in ["exact", "greedy", "lazy_greedy", "bidirectional_greedy"] {
                let found = client.selected(&job(&data, &rule, &quotas, optimizer)).await;
                let of_group = found["groups"]["g1"].as_u64().unwrap_or(0);
                assert!(of_group >= lower["l"].as_u64().unwrap(), "{name} {optimizer}: {found}");
                if optimizer == "exact" {
                    close(&found["objective_value"], &lower["opt"], name);
                }
                if optimizer == "greedy" {
                    close(&found["objective_value"], &lower["greedy_value"], name);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_result_says_what_a_committee_is_to_the_voters() {
    let client = Client::new();
    let stored = client.post("/v1/datasets", "text/x-preflib", FESTIVAL).await.text("/id");
    let mut job = job(&Value::Null, &json!({"rule": "k_borda"}), &json!({"k": 2}), "auto");
    job.as_object_mut().unwrap().remove("inline");
    job["dataset"] = json!(stored);
    let found = client.selected(&job).await;
    // Scores 4 3 2 1 0 by position, unranked 0: four voters basalt amber; three ember; one cobalt dusk amber basalt ember;
    // one amber ember basalt. Sums: amber 18, basalt 19, cobalt 4, dusk 3, ember 15.
    assert_eq!(found["ids"], json!(["Basalt", "Amber"]));
    assert_eq!(found["gains"], json!([19.0, 18.0]));
    let committee = &found["committee"];
    // Voters 0 to 3 have 7, 0, 3 and 6, and weigh 4, 3, 1 and 1.
    close(&committee["voter_satisfaction"]["mean"], &json!(37.0 / 9.0), "mean");
    assert_eq!(committee["voter_satisfaction"]["least"], 0.0);
    assert_eq!(committee["voter_satisfaction"]["quartiles"], json!([0.0, 6.0, 7.0]));
    assert_eq!((&committee["happiest"], &committee["least_happy"]), (&json!(0), &json!(1)));
    assert_eq!(found["similarity"], "none");

    // A candidate by name, and the prefix of a rule that does not look at k.
    job["constraints"] = json!({"k": 3, "include": ["Dusk"], "exclude": ["Ember"]});
    let found = client.selected(&job).await;
    assert_eq!(found["ids"], json!(["Dusk", "Basalt", "Amber"]));
    assert_eq!(found["prefixes_valid"], true);
    job["objective"] = committee_of("bloc");
    assert_eq!(client.selected(&job).await["prefixes_valid"], false);
    let evaluation =
        json!({"dataset": stored, "objective": committee_of("harmonic_borda"), "sets": [[0, 1], []]});
    let answer = client.post_json("/v1/evaluate", &evaluation).await;
    // 4 (4 + 3/2) + 0 + (2 + 1/2) + (4 + 2/2)
    close(&answer.json["values"][0], &json!(22.0 + 2.5 + 5.0), "evaluated");
}

fn committee_of(rule: &str) -> Value {
    committee(&json!({"rule": rule}))
}

#[tokio::test]
async fn what_is_no_committee_is_refused_at_its_place() {
    let client = Client::new();
    let rankings = json!({"kind": "rankings", "rankings": [[0, 1, 2], [2, 1]]});
    let vectors = json!({"kind": "vectors", "vectors": [[1, 2], [3, 4]]});
    for (data, rule, pointer, told) in [
        (
            &vectors,
            json!({"rule": "sntv"}),
            "/objective/name",
            "a committee is chosen from a dataset of rankings",
        ),
        (&rankings, json!({"rule": "sntv", "t": 2}), "/objective/t", "sntv has no parameters"),
        (&rankings, json!({"rule": "bloc", "q": 0.5}), "/objective/q", "bloc takes t only"),
        (&rankings, json!({"rule": "positional"}), "/objective/positions", "needs them"),
        (&rankings, json!({"rule": "owa", "positions": [1]}), "/objective/owa", "needs them"),
        (
            &rankings,
            json!({"rule": "positional", "positions": [1, 2, 3, 4]}),
            "/objective/positions",
            "1 to 3",
        ),
        (&rankings, json!({"rule": "positional", "positions": [-1]}), "/objective/positions", "at least 0"),
        (&rankings, json!({"rule": "geometric", "q": 1}), "/objective/q", "less than 1"),
        (&rankings, json!({"rule": "borda"}), "/objective/rule", "expected one of"),
    ] {
        let answer = client.post_json("/v1/jobs", &job(data, &rule, &json!({"k": 1}), "auto")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("/code")),
            (422, "invalid_parameter".into()),
            "{rule}"
        );
        assert_eq!(answer.text("/errors/0/pointer"), pointer, "{}", answer.json);
        assert!(answer.text("/errors/0/detail").contains(told), "{}", answer.json);
    }
    let evaluation = json!({"inline": rankings, "objective": committee_of("pav"), "sets": [[0]]});
    let answer = client.post_json("/v1/evaluate", &evaluation).await;
    assert_eq!(answer.text("/errors/0/pointer"), "/objective/t", "{}", answer.json);

    // Weights that rise are not submodular: no lazy search, no factor.
    let rising = json!({"rule": "owa", "positions": [2, 1], "owa": [1, 2]});
    let answer =
        client.post_json("/v1/jobs", &job(&rankings, &rising, &json!({"k": 2}), "lazy_greedy")).await;
    assert_eq!(answer.text("/code"), "optimizer_mismatch", "{}", answer.json);
    let found = client.selected(&job(&rankings, &rising, &json!({"k": 2}), "auto")).await;
    assert_eq!((&found["optimizer"], &found["guarantee"]["factor"]), (&json!("greedy"), &Value::Null));
}
