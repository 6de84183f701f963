//! What an answer must keep to, from the request to the result.

use crate::client::Client;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Eight points of the plane in a row, one apart, at the angles of a fan.
fn data() -> Value {
    let rows: Vec<[f32; 2]> = (0..8).map(|row| [1.0, row as f32]).collect();
    json!({
        "kind": "vectors",
        "vectors": rows,
        "columns": {
            "side": ["x", "x", "x", "x", "y", "y", "y", "y"],
            "shade": ["light", "dark", "light", "dark", "light", "dark", "light", null],
            "cost": [1, 2, 3, 4, 5, 6, 7, 8],
        },
    })
}

fn job(constraints: Value) -> Value {
    json!({"kind": "selection", "inline": data(), "objective": {"name": "facility_location"},
        "constraints": constraints})
}

fn items(result: &Value) -> Vec<usize> {
    serde_json::from_value(result["indices"].clone()).unwrap()
}

/// The first thing that is wrong with it.
async fn refused(client: &Client, body: &Value) -> Value {
    let answer = client.post_json("/v1/jobs", body).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.json);
    answer.json["errors"][0].clone()
}

#[tokio::test]
async fn chosen_items_keep_their_distance_and_may_be_fewer_than_k() {
    let client = Client::new();
    let found = client.selected(&job(json!({"k": 2, "min_distance": 2.5}))).await;
    let chosen = items(&found);
    assert!(chosen.len() == 2 && chosen[0].abs_diff(chosen[1]) >= 3, "{chosen:?}");
    assert_eq!((&found["complete"], &found["termination"]), (&json!(true), &json!("budget_reached")));

    // From 3 on, only 0 and 6, or 7 and 0, are far enough; included items count.
    let found = client.selected(&job(json!({"k": 5, "include": [3], "min_distance": 3}))).await;
    assert_eq!(found["indices"].as_array().unwrap().len(), 3);
    assert_eq!((&found["complete"], &found["termination"]), (&json!(false), &json!("no_candidate_left")));

    // By angle the first two points are 45 degrees apart, and the second and the last 37.
    let angular = json!({"value": 0.2, "distance": "angular"});
    let found = client.selected(&job(json!({"k": 3, "include": [0, 1], "min_distance": angular}))).await;
    assert_eq!(found["indices"], json!([0, 1, 7]));
    let wide = json!({"value": 0.26, "distance": "angular"});
    let found = client.selected(&job(json!({"k": 3, "include": [0], "min_distance": wide}))).await;
    assert_eq!((found["indices"].as_array().unwrap().len(), &found["complete"]), (2, &json!(false)));
}

#[tokio::test]
async fn several_groupings_bound_from_above_together() {
    let client = Client::new();
    let both = json!([{"column": "side", "at_most": {"x": 1}}, {"column": "shade", "default_at_most": 2}]);
    let found = client.selected(&job(json!({"k": 4, "groups": both}))).await;
    let chosen = items(&found);
    let count = |of: &dyn Fn(usize) -> bool| chosen.iter().filter(|&&item| of(item)).count();
    assert!(count(&|item| item < 4) <= 1 && count(&|item| item % 2 == 0) <= 2, "{chosen:?}");
    assert!(count(&|item| item % 2 == 1 && item < 7) <= 2, "{chosen:?}");
    assert_eq!((chosen.len(), &found["complete"]), (4, &json!(true)));
    assert_eq!(found["groups"]["x"].as_u64().unwrap_or(0) as usize, count(&|item| item < 4));

    let lower =
        json!([{"column": "side", "at_least": {"x": 1}}, {"column": "shade", "at_most": {"dark": 1}}]);
    let error = refused(&client, &job(json!({"k": 2, "groups": lower}))).await;
    assert_eq!(
        (&error["code"], &error["pointer"]),
        (&json!("invalid_parameter"), &json!("/constraints/groups/0"))
    );
}

#[tokio::test]
async fn a_budget_bounds_what_is_chosen_with_and_without_k() {
    let client = Client::new();
    let column = json!({"column": "cost", "budget": 10});
    let values = json!({"values": [1, 2, 3, 4, 5, 6, 7, 8], "budget": 10});
    let found = client.selected(&job(json!({"knapsack": column}))).await;
    let cost = |items: &[usize]| items.iter().map(|item| item + 1).sum::<usize>() as f64;
    let chosen = items(&found);
    assert!(cost(&chosen) <= 10.0 && found["cost"] == cost(&chosen) && found["complete"] == true, "{found}");
    let given = client.selected(&job(json!({"knapsack": values}))).await;
    assert_eq!((&given["indices"], &given["gains"]), (&found["indices"], &found["gains"]));

    let few = client.selected(&job(json!({"k": 2, "knapsack": column}))).await;
    assert!(items(&few).len() <= 2 && few["complete"] == true, "{few}");
    let tried =
        client.selected(&job(json!({"knapsack": {"column": "cost", "budget": 10, "enumerate": 1}}))).await;
    assert!(tried["objective_value"].as_f64() >= found["objective_value"].as_f64(), "{tried}");
    let included = client.selected(&job(json!({"include": [7], "knapsack": column}))).await;
    assert!(items(&included)[0] == 7 && included["cost"].as_f64().unwrap() <= 10.0, "{included}");

    for (knapsack, code, pointer) in [
        (json!({"budget": 3}), "invalid_parameter", "/constraints/knapsack"),
        (json!({"column": "cost", "values": [1], "budget": 3}), "invalid_parameter", "/constraints/knapsack"),
        (json!({"column": "side", "budget": 3}), "invalid_parameter", "/constraints/knapsack/column"),
        (json!({"column": "nope", "budget": 3}), "invalid_parameter", "/constraints/knapsack/column"),
        (json!({"values": [1, 2], "budget": 3}), "shape_mismatch", "/constraints/knapsack/values"),
        (json!({"column": "cost", "budget": -1}), "invalid_parameter", "/constraints/knapsack/budget"),
        (
            json!({"values": [1, 2, 3, -4, 5, 6, 7, 8], "budget": 3}),
            "invalid_parameter",
            "/constraints/knapsack",
        ),
    ] {
        let error = refused(&client, &job(json!({"knapsack": knapsack}))).await;
        assert_eq!((&error["code"], &error["pointer"]), (&json!(code), &json!(pointer)), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_met_is_named_with_its_numbers() {
    let client = Client::new();
    let side = |bounds: Value| {
        let mut groups = json!({"column": "side"});
        groups.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
        groups
    };
    let costs = json!([8, 8, 8, 1, 1, 1, 1, 1]);
    let shortage =
        |sum: &str, needed: f64, available: f64, group: Value| (json!(sum), needed, available, group);
    for (constraints, pointer, expected) in [
        (
            json!({"k": 2, "groups": side(json!({"at_least": {"x": 2, "y": 1}}))}),
            "/constraints",
            shortage("at_least", 3.0, 2.0, Value::Null),
        ),
        (
            json!({"k": 4, "groups": side(json!({"default_at_most": 1}))}),
            "/constraints",
            shortage("at_most", 4.0, 2.0, Value::Null),
        ),
        (
            json!({"k": 8, "groups": side(json!({"at_least": {"x": 5}}))}),
            "/constraints",
            shortage("group", 5.0, 4.0, json!("x")),
        ),
        (
            json!({"include": [0, 1], "knapsack": {"values": costs, "budget": 10}}),
            "/constraints/include/1",
            shortage("budget", 16.0, 10.0, Value::Null),
        ),
    ] {
        let error = refused(&client, &job(constraints.clone())).await;
        assert_eq!(
            (&error["code"], &error["pointer"]),
            (&json!("infeasible_constraint"), &json!(pointer)),
            "{error}"
        );
        let (sum, needed, available, group) = expected;
        assert_eq!((&error["sum"], &error["group"]), (&sum, &group), "{error}");
        assert_eq!((error["needed"].as_f64(), error["available"].as_f64()), (Some(needed), Some(available)));
        let told = format!("{}", needed - available);
        assert!(error["detail"].as_str().unwrap().contains(&told), "{error}");
    }
    // Distances are known once the vectors are read.
    let id = client.submit(&job(json!({"k": 3, "include": [2, 3], "min_distance": 1.5}))).await;
    let failed = client.wait_for_end(&id, "failed").await;
    assert_eq!(failed["error"]["code"], "infeasible_constraint");
    assert!(failed["error"]["detail"].as_str().unwrap().contains("less than 1.5"), "{failed}");
}

#[tokio::test]
async fn a_start_with_the_farthest_pair_takes_no_rule_that_the_pair_may_break() {
    let client = Client::new();
    for name in ["disparity_min", "disparity_sum"] {
        let body = |constraints: Value| {
            json!({"kind": "selection", "inline": data(), "constraints": constraints,
                "objective": {"name": name, "start": "farthest_pair"}})
        };
        let groups = json!({"column": "side", "at_most": {"x": 1}});
        for constraints in [
            json!({"k": 3, "groups": groups}),
            json!({"k": 3, "min_distance": 2}),
            json!({"k": 3, "knapsack": {"column": "cost", "budget": 9}}),
        ] {
            let error = refused(&client, &body(constraints)).await;
            assert_eq!(
                (&error["code"], &error["pointer"]),
                (&json!("invalid_parameter"), &json!("/objective/start"))
            );
        }
        let found = client.selected(&body(json!({"k": 3, "exclude": [7]}))).await;
        assert_eq!(items(&found)[..2], [0, 6]);
    }
}
