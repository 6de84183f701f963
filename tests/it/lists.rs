//! The lists of objectives and optimizers say what the engine does.

use crate::client::Client;
use serde_json::{Value, json};

/// An objective with its required parameters and defaults for the others.
fn objective(name: &str) -> Value {
    let mut objective = json!({"name": name});
    let rows = json!({"vectors": [[0.5, 0.5, 0.5, 0.5]]});
    if name.ends_with("_mi")
        || name.ends_with("_vmi")
        || name.ends_with("_cmi")
        || name == "concave_over_modular"
    {
        objective["query"] = rows.clone();
    }
    if name.ends_with("_cg") || name.ends_with("_cmi") {
        objective["private"] = rows;
    }
    match name {
        "modular" => objective["scores"] = json!({"column": "score"}),
        "committee" => objective["rule"] = json!("k_borda"),
        "external" => {
            objective["properties"] = json!({"monotone": true, "submodular": true, "nonnegative": true});
        }
        "mixture" => {
            objective["parts"] = json!([{"weight": 1.0, "objective": {"name": "facility_location"}}]);
        }
        _ => {}
    }
    objective
}

fn job(objective: Value, optimizer: &Value) -> Value {
    let rankings = json!({"kind": "rankings", "rankings": [[3, 1, 2, 0], [0, 1, 2]]});
    let vectors = json!({
        "vectors": [[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.5, 0.1, 0.1, 0.9], [0.3, 0.3, 0.3, 0.2]],
        "columns": {"score": [0.1, 0.2, 0.3, 0.4]},
    });
    json!({
        "kind": "selection",
        "inline": if objective["name"] == "committee" { rankings } else { vectors },
        "objective": objective,
        "constraints": {"k": 2},
        "optimizer": optimizer,
    })
}

/// Validators of the parameters; each schema compiles with nothing beside it.
fn validator(item: &Value) -> jsonschema::Validator {
    jsonschema::options().offline().build(&item["parameters"]).unwrap()
}

#[tokio::test]
async fn an_objective_is_as_its_entry_says() {
    let client = Client::new();
    let list = client.get("/v1/objectives").await.json;
    let items = list["items"].as_array().unwrap();
    assert!(items.len() >= 22, "{}", items.len());
    for item in items {
        let name = item["name"].as_str().unwrap();
        let parameters = validator(item);
        let sound = objective(name);
        assert!(parameters.is_valid(&sound), "{name}");
        assert!(!parameters.is_valid(&json!({"name": "none"})), "{name}");
        let mut unknown = sound.clone();
        unknown["colour"] = json!("red");
        assert!(!parameters.is_valid(&unknown), "{name}");

        // Greedy earns its factor exactly where the function is known to be monotone and submodular.
        let path = "/v1/jobs?validate_only=true";
        let plan = client.post_json(path, &job(sound.clone(), &json!({"name": "greedy"}))).await;
        assert_eq!(plan.status, 200, "{name}: {}", plan.json);
        let properties = &item["properties"];
        // Conditions are met by the defaults, and those of a mixture by the part that is given.
        let holds = |property: &str| properties[property] != json!(false);
        let earns = holds("monotone") && holds("submodular") || name.starts_with("disparity");
        assert_eq!(plan.json["guarantee"]["factor"].is_number(), earns, "{name}: {}", plan.json);

        let mut graph = sound;
        graph["similarity"] = json!({"metric": "rbf", "neighbors": {"m": 1}});
        let plan = client.post_json(path, &job(graph, &json!({"name": "greedy"}))).await;
        assert_eq!(item["neighbors"], plan.status == 200, "{name}: {}", plan.json);
    }
}

#[tokio::test]
async fn an_optimizer_earns_what_its_entry_says() {
    let client = Client::new();
    let list = client.get("/v1/optimizers").await.json;
    let items = list["items"].as_array().unwrap();
    assert!(items.len() >= 14, "{}", items.len());
    for item in items {
        let optimizer = json!({"name": item["name"]});
        let parameters = validator(item);
        assert!(parameters.is_valid(&optimizer), "{optimizer}");
        assert!(!parameters.is_valid(&json!({"name": "none"})), "{optimizer}");
        for (told, objective) in [
            ("facility_location", json!({"name": "facility_location"})),
            (
                "graph_cut with lambda 0.8: submodular, not monotone",
                json!({"name": "graph_cut", "lambda": 0.8}),
            ),
            ("disparity_min of a metric", json!({"name": "disparity_min"})),
        ] {
            let cases = item["guarantees"].as_array().unwrap().iter();
            let case = cases.clone().find(|case| case["objective"] == told && case["constraint"] == "k = 10");
            let case = case.unwrap();
            let plan = client.post_json("/v1/jobs?validate_only=true", &job(objective, &optimizer)).await;
            assert_eq!(case["accepted"], plan.status == 200, "{optimizer} {told}: {}", plan.json);
            // A promise may depend on k and on the number of parts; whether there is one does not.
            let promised = plan.json["guarantee"]["factor"].is_number();
            assert_eq!(case["factor"].is_number(), promised, "{optimizer} {told}: {}", plan.json);
            assert_eq!(case["factor"].is_null(), case["reason"].is_string(), "{case}");
        }
    }
}
