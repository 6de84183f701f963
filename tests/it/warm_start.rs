//! Searches that begin with an earlier answer, and how one is chosen among several.

use crate::client::{Answer, Client, MANY, selection};
use serde_json::{Value, json};

fn rows(result: &Value) -> Vec<u32> {
    serde_json::from_value(result["indices"].clone()).unwrap()
}

async fn run(client: &Client, body: &Value) -> (String, Value) {
    let id = client.submit(body).await;
    client.wait_for_end(&id, "succeeded").await;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await.json;
    (id, result)
}

/// 60 items of which each has moved a little from one epoch to the next; in the later one they stand in another order.
fn epoch(moved: f64, backwards: bool) -> Value {
    let mut numbers: Vec<u32> = (0..60).collect();
    if backwards {
        numbers.reverse();
    }
    let vector = |&row: &u32| {
        let turn = f64::from(row * 37 % 61) * 0.02 + moved * f64::from(row * 17 % 5);
        json!([turn.cos(), turn.sin(), f64::from(row * 13 % 7) * 0.1])
    };
    let vectors: Vec<Value> = numbers.iter().map(vector).collect();
    let ids: Vec<String> = numbers.iter().map(|row| format!("item {row}")).collect();
    json!({"vectors": vectors, "ids": ids})
}

fn job(inline: &Value, k: usize) -> Value {
    json!({
        "kind": "selection", "inline": inline, "objective": {"name": "facility_location"}, "constraints": {"k": k},
    })
}

fn refusal(answer: &Answer) -> (u16, String, String) {
    (answer.status.as_u16(), answer.text("/code"), answer.text("/errors/0/pointer"))
}

#[tokio::test]
async fn a_refresh_keeps_what_is_still_nearly_the_best_and_says_how_much() {
    let client = Client::new();
    let (then, now) = (epoch(0.0, false), epoch(0.01, true));
    let (earlier, old) = run(&client, &job(&then, 10)).await;
    let (_, cold) = run(&client, &job(&now, 10)).await;
    let common = |result: &Value| {
        let old = old["ids"].as_array().unwrap();
        result["ids"].as_array().unwrap().iter().filter(|id| old.contains(id)).count()
    };
    let refresh = |tolerance: f64| {
        let mut body = job(&now, 10);
        body["warm_start"] = json!({"job": earlier, "tolerance": tolerance});
        body
    };
    let (id, warm) = run(&client, &refresh(0.3)).await;
    assert!(common(&warm) > common(&cold), "{warm} {cold}");
    let told = json!({
        "job": earlier, "offered": 10, "kept": common(&warm), "tolerance": 0.3, "accuracies": null, "chance": null,
    });
    assert_eq!(warm["warm_start"], told);
    let factor = warm["guarantee"]["factor"].as_f64().unwrap();
    assert!((factor - (1.0 - (-0.7_f64).exp())).abs() < 1e-12, "{warm}");
    assert!(warm["objective_value"].as_f64() >= Some(factor * cold["objective_value"].as_f64().unwrap()));
    let (_, exact) = run(&client, &refresh(0.0)).await;
    assert_eq!((&exact["indices"], &exact["gains"]), (&cold["indices"], &cold["gains"]));
    // The default is told, as every default.
    let mut body = refresh(0.1);
    body["warm_start"] = json!({"job": id});
    let (id, _) = run(&client, &body).await;
    let spec = client.get(&format!("/v1/jobs/{id}")).await.json["spec"]["warm_start"].clone();
    assert_eq!(spec["tolerance"], 0.1);
}

#[tokio::test]
async fn items_that_may_not_be_chosen_are_not_offered() {
    let client = Client::new();
    let data = epoch(0.0, false);
    let (earlier, old) = run(&client, &job(&data, 6)).await;
    let old = rows(&old);
    let mut body = job(&data, 6);
    body["warm_start"] = json!({"job": earlier});
    body["constraints"] = json!({"k": 6, "include": [old[0]], "exclude": [old[1]]});
    let (_, result) = run(&client, &body).await;
    assert_eq!((&result["warm_start"]["offered"], rows(&result)[0]), (&json!(4), old[0]));
    assert!(!rows(&result).contains(&old[1]), "{result}");
}

#[tokio::test]
async fn the_job_whose_items_predict_best_is_begun_with_and_golden_accuracies_come_over_http() {
    let page: Value = serde_json::from_str(include_str!("../data/golden/selections_golden.json")).unwrap();
    let golden = &page["knn_transfer"];
    let client = Client::new();
    let base: Vec<u32> = (0..19).collect();
    let mut accuracies = vec![];
    for task in ["task0", "task1"] {
        let data =
            json!({"vectors": golden["representations"][task], "columns": {"label": golden["labels"]}});
        let chosen = |rows: &[u32]| {
            let mut body = job(&data, rows.len());
            body["constraints"]["include"] = json!(rows);
            body["objective"]["similarity"] = json!({"metric": "rbf"});
            body
        };
        // What votes in the golden numbers, and items of one label alone.
        let (voters, _) = run(&client, &chosen(&base)).await;
        let (one_sided, _) = run(&client, &chosen(&[0, 2, 4, 6])).await;
        let labels = [json!({"column": "label"}), json!({"values": golden["labels"]})];
        for (labels, jobs) in labels.into_iter().zip([[&one_sided, &voters], [&voters, &one_sided]]) {
            let mut body = chosen(&[]);
            body["constraints"] = json!({"k": 5});
            body["warm_start"] =
                json!({"jobs": jobs, "by": "knn", "labels": labels, "neighbors": golden["k"]});
            let (_, result) = run(&client, &body).await;
            let start = &result["warm_start"];
            assert_eq!((&start["job"], &start["chance"]), (&json!(voters), &golden["chance"]), "{start}");
            let of = |job: &String| {
                let pairs = start["accuracies"].as_array().unwrap();
                pairs.iter().find(|pair| pair["job"] == json!(job)).unwrap()["accuracy"].clone()
            };
            assert_eq!(of(&voters), golden["accuracy"][task], "{start}");
            // 13 or so of 26 are predicted right by who knows one label only: half of them, and less without the voters.
            assert!(of(&one_sided).as_f64() <= Some(0.5), "{start}");
            accuracies.push(of(&voters));
        }
        // Alone it does not beat chance: the search begins with nothing.
        let mut body = chosen(&[]);
        body["constraints"] = json!({"k": 5});
        let (_, cold) = run(&client, &body).await;
        body["warm_start"] = json!({"jobs": [one_sided], "by": "knn", "labels": {"column": "label"}});
        let (_, result) = run(&client, &body).await;
        assert_eq!(result["warm_start"]["job"], Value::Null);
        assert_eq!((&result["indices"], &result["warm_start"]["offered"]), (&cold["indices"], &json!(0)));
    }
    assert_eq!((accuracies.len(), golden["start_from"].as_str()), (4, Some("task1")));
    assert!(accuracies[2].as_f64() > accuracies[0].as_f64());
}

#[tokio::test]
async fn a_warm_start_ends_after_a_restart_as_if_there_had_been_none() {
    let client = Client::new();
    let dataset = client.upload(MANY, 4).await;
    let (earlier, _) = run(&client, &selection(&dataset, 40)).await;
    let mut body = selection(&dataset, 150);
    body["optimizer"] = json!({"name": "greedy"});
    body["objective"]["similarity"] = json!({"metric": "rbf"});
    body["warm_start"] = json!({
        "jobs": [earlier], "by": "knn", "labels": {"values": (0..MANY).map(|row| row % 2).collect::<Vec<_>>()},
        "tolerance": 0.5,
    });
    let job = client.submit(&body).await;
    client.wait(&job, |job| job["progress"]["done"].as_u64() > Some(5)).await;
    let client = client.restart(|_| {});
    client.wait_for_end(&job, "succeeded").await;
    let resumed = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    let (_, whole) = run(&client, &body).await;
    for field in ["indices", "gains", "evaluations", "certificate", "warm_start"] {
        assert_eq!(resumed[field], whole[field], "{field}");
    }
}

#[tokio::test]
async fn a_start_that_has_no_meaning_is_refused_at_its_place() {
    let client = Client::new();
    let data = epoch(0.0, false);
    let (earlier, _) = run(&client, &job(&data, 3)).await;
    let (all, _) = run(&client, &job(&data, 60)).await;
    let one = json!({"job": earlier});
    let several = |jobs: Value, labels: Value| json!({"jobs": jobs, "by": "knn", "labels": labels});
    let labels = json!({"values": vec!["x"; 60]});
    let mut unlabelled = vec![json!(null); 60];
    unlabelled[59] = json!("x");
    let similarity = json!({"kind": "similarity", "similarity": [[1.0, 0.2], [0.2, 1.0]]});
    let plain = json!({"k": 3});
    let at = |place: &str, code: &str, status: u16| (status, code.to_owned(), format!("/warm_start{place}"));
    for (start, constraints, optimizer, expected) in [
        (json!({"job": "job_0"}), plain.clone(), "auto", at("/job", "job_not_found", 404)),
        (
            several(json!([earlier, "job_0"]), labels.clone()),
            plain.clone(),
            "auto",
            at("/jobs/1", "job_not_found", 404),
        ),
        (
            several(json!([earlier, all, earlier]), labels.clone()),
            plain.clone(),
            "auto",
            at("/jobs/2", "duplicate_item", 422),
        ),
        (one.clone(), plain.clone(), "stochastic_greedy", at("", "optimizer_mismatch", 422)),
        (
            one.clone(),
            json!({"knapsack": {"values": vec![1; 60], "budget": 3}}),
            "auto",
            at("", "optimizer_mismatch", 422),
        ),
        (
            several(json!([earlier]), json!({"values": ["x"]})),
            plain.clone(),
            "auto",
            at("/labels/values", "shape_mismatch", 422),
        ),
        (
            several(json!([earlier]), json!({"column": "nothing"})),
            plain.clone(),
            "auto",
            at("/labels/column", "invalid_parameter", 422),
        ),
        (
            several(json!([earlier, all]), labels.clone()),
            plain.clone(),
            "auto",
            at("/jobs/1", "invalid_parameter", 422),
        ),
    ] {
        let mut body = job(&data, 3);
        body["warm_start"] = start;
        body["constraints"] = constraints;
        body["optimizer"] = json!({"name": optimizer});
        let refused = client.post_json("/v1/jobs", &body).await;
        assert_eq!(refusal(&refused), expected, "{body} {}", refused.json);
    }
    let mut body = job(&data, 3);
    body["warm_start"] = several(json!([earlier]), json!({"values": unlabelled}));
    let refused = client.post_json("/v1/jobs", &body).await;
    assert!(refused.text("/detail").contains("cannot vote"), "{}", refused.json);

    let (matrix, _) = run(&client, &job_of(&similarity)).await;
    let mut body = job_of(&similarity);
    body["warm_start"] = several(json!([matrix]), json!({"values": ["x", "y"]}));
    let refused = client.post_json("/v1/jobs", &body).await;
    assert_eq!(refusal(&refused), at("/by", "invalid_parameter", 422));
    for wrong in [json!({}), json!({"jobs": [earlier]}), json!({"job": earlier, "tolerance": 1})] {
        let mut body = job(&data, 3);
        body["warm_start"] = wrong;
        let refused = client.post_json("/v1/jobs", &body).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (422, "invalid_parameter"));
    }
}

fn job_of(similarity: &Value) -> Value {
    let mut body = job(similarity, 1);
    body["objective"]["similarity"] = json!({"metric": "precomputed"});
    body
}
