//! Attribution by answers: the same end as by table however often the service stops or dies, and answers that are none.

use super::{GOLDEN, job, result, table};
use crate::client::{Answer, Client, MANY, endless};
use axum::http::StatusCode;
use fewer::config::Settings;
use fewer::jobs::record::JobKey;
use fewer::jobs::store::JobStore;
use redb::Database;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What the golden model says of a set, as an answer.
fn answer_of(set: &[u64]) -> Value {
    let row: usize = set.iter().map(|region| 1 << region).sum();
    let table = table();
    let of = |row: usize| json!({"probs": table["probs"][row], "evidence": table["evidence"][row]});
    let mut answer = of(row);
    answer["complement"] = of(255 - row);
    answer
}

fn asking(preset: &str, more: &Value) -> Value {
    let mut job = job(preset, more, &json!({"answers": true}));
    job["classes"] = json!(3);
    job
}

async fn questions(client: &Client, job: &str) -> Answer {
    client.get(&format!("/v1/jobs/{job}/questions?wait=20")).await
}

async fn send(client: &Client, job: &str, round: &Value, answers: &[Value]) -> Answer {
    let body = json!({"round": round["round"], "answers": answers});
    client.post_json(&format!("/v1/jobs/{job}/answers"), &body).await
}

fn sets(round: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(round["sets"].clone()).unwrap()
}

/// Answers until the job has ended; gives the sets of each round.
async fn served(
    mut client: Client,
    job: &str,
    model: &(dyn Fn(&[u64]) -> Value + Sync),
    restarts: bool,
) -> (Client, Vec<Vec<Vec<u64>>>) {
    let mut rounds = vec![];
    loop {
        let round = questions(&client, job).await;
        match round.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => continue,
            _ => {
                assert_eq!(round.text("/code"), "not_awaiting_answers", "{}", round.json);
                return (client, rounds);
            }
        }
        let round = round.json;
        assert_eq!((&round["of"], &round["complements"]), (&json!("attribution"), &json!(true)));
        if restarts {
            client = client.restart(|_| {});
            assert_eq!(questions(&client, job).await.json, round, "a round outlives the service");
        }
        let answers: Vec<Value> = sets(&round).iter().map(|set| model(set)).collect();
        let taken = send(&client, job, &round, &answers).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.json);
        rounds.push(sets(&round));
        if restarts {
            client = client.restart(|_| {});
        }
    }
}

#[tokio::test]
async fn answers_give_what_the_table_gives_and_nothing_is_asked_twice_however_often_the_service_stops() {
    let both_ends = |merge: bool| json!({"name": "bidirectional_greedy", "pool": 3, "merge_rounds": merge});
    let measures = json!({"mu_fidelity": {"samples": 40, "size": 2}, "submodularity_ratio": true, "seed": 7});
    let merged = |more: &Value, optimizer: Value| {
        let mut all = more.clone();
        all["optimizer"] = optimizer;
        all
    };
    for (preset, more, rounds_expected) in [
        ("lima", merged(&json!({}), both_ends(false)), Some(7)),
        ("lima", merged(&measures, both_ends(true)), None),
        ("smdl", json!({"k": 5, "target": 2, "submodularity_ratio": true}), Some(5)),
        ("smdl", merged(&measures, both_ends(false)), None),
    ] {
        let mut client = Client::new();
        let by_table = client.submit(&job(preset, &more, &json!({"table": table()}))).await;
        let mut expected = result(&client, &by_table).await;
        let plan = client.post_json("/v1/jobs?validate_only=true", &asking(preset, &more)).await.json;
        let mut asked_before = None;
        for restarts in [false, true] {
            let id = client.submit(&asking(preset, &more)).await;
            let rounds;
            (client, rounds) = served(client, &id, &answer_of, restarts).await;
            let asked: Vec<&Vec<u64>> = rounds.iter().flatten().collect();
            let distinct: BTreeSet<&Vec<u64>> = asked.iter().copied().collect();
            assert_eq!(distinct.len(), asked.len(), "{preset} {more}: {asked:?}");
            let ended = client.wait_for_end(&id, "succeeded").await;
            assert_eq!((&ended["attempt"], &ended["dataset"]), (&json!(1), &Value::Null));
            let mut found = result(&client, &id).await;
            assert_eq!(found["attribution"]["rounds"], json!(rounds.len()));
            assert!(rounds.len() as u64 <= plan["rounds"].as_u64().unwrap(), "{} {plan}", rounds.len());
            assert!(rounds_expected.is_none_or(|expected| expected == rounds.len()), "{}", rounds.len());
            // Over the sets that were asked for, so it may miss the least of all that a table knows.
            let ratio = |of: &Value| of["attribution"]["submodularity_ratio"].as_f64();
            assert!(
                ratio(&found) >= ratio(&expected)
                    && ratio(&found).is_some() == more["submodularity_ratio"].is_boolean()
            );
            for whole in [&mut found, &mut expected] {
                whole["seconds"] = json!(0);
                whole["attribution"]["rounds"] = json!(0);
            }
            let mut expected = expected.clone();
            expected["attribution"]["submodularity_ratio"] =
                found["attribution"]["submodularity_ratio"].clone();
            assert_eq!(found, expected, "{preset} {more}");
            assert_eq!(*asked_before.get_or_insert_with(|| rounds.clone()), rounds, "{preset} {more}");
        }
    }
}

/// A model of many regions: the more of the first ones are shown, the surer it is.
fn sigmoid(count: u64) -> impl Fn(&[u64]) -> Value + Sync {
    move |set| {
        let logit = |shown: &dyn Fn(u64) -> bool| -> f64 {
            let worth = |region: u64| ((region * 37) % 19) as f64 / 19.0 - 0.4;
            (0..count).filter(|&region| shown(region)).map(worth).sum()
        };
        let p = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        let (shown, hidden) =
            (p(logit(&|region| set.contains(&region))), p(logit(&|region| !set.contains(&region))));
        json!({"probs": [1.0 - shown, shown], "complement": {"probs": [1.0 - hidden, hidden]}})
    }
}

#[tokio::test]
async fn fifty_regions_from_both_ends_take_1_53_times_fewer_calls() {
    let client = Client::new();
    let job = |optimizer: Value| {
        json!({
            "kind": "attribution", "classes": 2, "target": 1, "regions": {"count": 50},
            "weights": {"effectiveness": 0}, "optimizer": optimizer, "evaluator": {"answers": true},
        })
    };
    let (greedy, both) = (job(json!({"name": "greedy"})), job(json!({"name": "bidirectional_greedy"})));
    let plan = client.post_json("/v1/jobs?validate_only=true", &greedy).await.json;
    assert_eq!((&plan["evaluations"], &plan["rounds"]), (&json!(50 * 51 / 2), &json!(50)), "{plan}");
    let id = client.submit(&both).await;
    let (client, rounds) = served(client, &id, &sigmoid(50), false).await;
    let calls = result(&client, &id).await["attribution"]["model_calls"].as_f64().unwrap();
    let ratio = (2550.0 / calls * 100.0).round() / 100.0;
    assert_eq!(ratio, 1.53, "{calls} calls");
    assert!(rounds.iter().map(Vec::len).sum::<usize>() as f64 <= calls / 2.0 + 1.0);
}

#[tokio::test]
async fn what_no_model_says_is_refused_where_it_stands_and_changes_nothing() {
    let client = Client::new();
    let given = json!({"confidence_form": "given", "weights": {"confidence": 1}, "target": 1});
    let evidential = json!({"target": 1});
    let whole = answer_of(&[]);
    let with = |field: &str, value: Value| {
        let mut answer = whole.clone();
        let (object, field) = match field.strip_prefix("complement/") {
            Some(field) => (answer["complement"].as_object_mut().unwrap(), field),
            None => (answer.as_object_mut().unwrap(), field),
        };
        if value.is_null() {
            object.remove(field);
        } else {
            object.insert(field.into(), value);
        }
        answer
    };
    let cases = [
        ("lima", json!({}), with("probs", json!([0.5, 0.5])), "shape_mismatch", "/answers/0/probs"),
        (
            "lima",
            json!({}),
            with("probs", json!([1.2, -0.1, -0.1])),
            "invalid_parameter",
            "/answers/0/probs/0",
        ),
        ("lima", json!({}), with("probs", json!([0.4, 0.3, 0.298])), "invalid_parameter", "/answers/0/probs"),
        (
            "lima",
            json!({}),
            with("probs", json!([0.4, 0.3, "NaN"])),
            "invalid_parameter",
            "/answers/0/probs/2",
        ),
        ("lima", json!({}), with("probs", Value::Null), "invalid_parameter", "/answers/0/probs"),
        ("lima", json!({}), with("p_target", json!(0.5)), "invalid_parameter", "/answers/0/p_target"),
        (
            "lima",
            json!({}),
            with("complement/probs", json!([1.0])),
            "shape_mismatch",
            "/answers/0/complement/probs",
        ),
        (
            "lima",
            json!({}),
            with("complement/probs", Value::Null),
            "invalid_parameter",
            "/answers/0/complement/probs",
        ),
        ("lima", json!({}), with("complement", Value::Null), "invalid_parameter", "/answers/0/complement"),
        ("lima", json!({}), with("gain", json!(1)), "invalid_parameter", "/answers/0/gain"),
        (
            "smdl",
            evidential.clone(),
            with("evidence", Value::Null),
            "invalid_parameter",
            "/answers/0/evidence",
        ),
        ("smdl", evidential, with("evidence", json!([1, 2])), "shape_mismatch", "/answers/0/evidence"),
        ("lima", given.clone(), whole.clone(), "invalid_parameter", "/answers/0/confidence"),
        ("lima", given, with("confidence", json!(1.5)), "invalid_parameter", "/answers/0/confidence"),
        // Without a target the probabilities have to tell it.
        (
            "lima",
            json!({"target": null}),
            json!({"p_target": 0.3, "complement": {"p_target": 0.4}}),
            "invalid_parameter",
            "/answers/0/probs",
        ),
        ("lima", json!({}), json!(0.5), "invalid_parameter", "/answers/0"),
    ];
    for (preset, more, bad, code, pointer) in cases {
        let id = client.submit(&asking(preset, &more)).await;
        let round = questions(&client, &id).await.json;
        let mut answers: Vec<Value> = sets(&round).iter().map(|set| answer_of(set)).collect();
        answers[0] = bad.clone();
        let refused = send(&client, &id, &round, &answers).await;
        let place = refused.json.pointer("/errors/0/pointer").and_then(Value::as_str).unwrap_or_default();
        assert_eq!((refused.text("/code"), place), (code.to_owned(), pointer), "{bad}: {}", refused.json);
        assert_eq!(refused.status.as_u16(), 422);
        assert_eq!(questions(&client, &id).await.json, round, "{bad}: the round is as it was");
    }

    // Too few, too many, another round, twice, twice otherwise, at once, and out of order.
    let id = client
        .submit(&asking(
            "lima",
            &json!({"evaluator": {"answers": true, "max_sets_per_round": 3}, "target": 1}),
        ))
        .await;
    let round = questions(&client, &id).await.json;
    assert_eq!((sets(&round).len(), &round["classes"]), (3, &json!(3)));
    let answers: Vec<Value> = sets(&round).iter().map(|set| answer_of(set)).collect();
    for wrong in [&answers[..2], &[&answers[..], &answers[..1]].concat()] {
        let refused = send(&client, &id, &round, wrong).await;
        assert_eq!((refused.status.as_u16(), refused.text("/errors/0/pointer")), (422, "/answers".into()));
    }
    let next = json!({"round": 2});
    let refused = send(&client, &id, &next, &answers).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (409, "wrong_round".into()));
    let reversed: Vec<Value> = answers.iter().rev().cloned().collect();
    let (a, b, c) = tokio::join!(
        send(&client, &id, &round, &answers),
        send(&client, &id, &round, &reversed),
        send(&client, &id, &round, &answers)
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [200, 202, 409] || statuses == [202, 409, 409], "{statuses:?}");
    assert_eq!(questions(&client, &id).await.json["round"], 2);
    let late = send(&client, &id, &round, &[answer_of(&[1]), answer_of(&[2]), answer_of(&[3])]).await;
    assert_eq!((late.status.as_u16(), late.text("/code")), (409, "answers_differ".into()));
}

#[tokio::test]
async fn a_stopped_attribution_keeps_the_order_that_it_has() {
    let client = Client::new();
    let id = client.submit(&asking("lima", &json!({"target": 1, "optimizer": {"name": "greedy"}}))).await;
    for _ in 0..3 {
        let round = questions(&client, &id).await.json;
        let answers: Vec<Value> = sets(&round).iter().map(|set| answer_of(set)).collect();
        assert_eq!(send(&client, &id, &round, &answers).await.status, StatusCode::ACCEPTED);
    }
    client.wait(&id, |job| job["state"] == "awaiting_answers").await;
    client.post(&format!("/v1/jobs/{id}/cancel"), "application/json", "").await;
    client.wait_for_end(&id, "cancelled").await;
    let kept = client.get(&format!("/v1/jobs/{id}/result")).await.json;
    let order = kept["attribution"]["ranking"].as_array().unwrap();
    assert_eq!((&order[..], order.len()), (&GOLDEN["lima_naive"]["order"].as_array().unwrap()[..3], 3));
    assert_eq!(kept["attribution"]["insertion_curve"].as_array().unwrap().len(), 4);
    assert_eq!((&kept["complete"], &kept["termination"]), (&json!(false), &json!("cancelled")));

    // Nobody answers: it ends with nothing, and says so.
    let hasty = json!({"evaluator": {"answers": true, "idle_expires_seconds": 0.05}});
    let id = client.submit(&asking("lima", &hasty)).await;
    let ended = client.wait_for_end(&id, "cancelled").await;
    assert_eq!(ended["error"]["code"], "exchange_expired", "{ended}");
    let kept = client.get(&format!("/v1/jobs/{id}/result")).await.json;
    assert_eq!((&kept["attribution"]["ranking"], &kept["target"]), (&json!([]), &Value::Null));
    assert_eq!(kept["attribution"]["insertion_auc"], Value::Null);
}

/// Does to the store what a service does that takes the job up, and dies.
fn dies_of(dir: &Path, job: &str) {
    let database = Database::open(dir.join("fewer.redb")).unwrap();
    JobStore::open(Arc::new(database)).unwrap().start(&JobKey::new("default", job)).unwrap();
}

#[tokio::test]
async fn a_service_that_dies_in_every_round_loses_no_answer_and_asks_nothing_twice() {
    let one_worker = |settings: &mut Settings| settings.workers = 1;
    let mut client = Client::with(one_worker);
    let dataset = client.upload(MANY, 4).await;
    let more = json!({"optimizer": {"name": "bidirectional_greedy", "pool": 3}});
    let straight = client.submit(&asking("lima", &more)).await;
    let undisturbed;
    (client, undisturbed) = served(client, &straight, &answer_of, false).await;
    let expected = result(&client, &straight).await;

    let id = client.submit(&asking("lima", &more)).await;
    let mut rounds = vec![];
    for round in 1.. {
        client.wait(&id, |job| job["state"] == "awaiting_answers" || job["state"] == "succeeded").await;
        let asked = questions(&client, &id).await;
        if asked.status != StatusCode::OK {
            break;
        }
        // A worker that has something else to do leaves the job in line, where the next service finds it running.
        let other = client.submit(&endless(&dataset)).await;
        client.wait(&other, |job| job["state"] == "running").await;
        let answers: Vec<Value> = sets(&asked.json).iter().map(|set| answer_of(set)).collect();
        assert_eq!(send(&client, &id, &asked.json, &answers).await.status, StatusCode::ACCEPTED);
        rounds.push(sets(&asked.json));
        client = client.restart_with(one_worker, |dir| dies_of(dir, &id));
        client.post(&format!("/v1/jobs/{other}/cancel"), "", "").await;
        client.wait_for_end(&other, "cancelled").await;
        let job = client.get(&format!("/v1/jobs/{id}")).await.json;
        assert_eq!(job["attempt"], 1 + round);
    }
    let mut found = result(&client, &id).await;
    found["seconds"] = expected["seconds"].clone();
    assert_eq!((found, rounds), (expected, undisturbed));
}

#[tokio::test]
async fn who_is_being_stopped_takes_no_answers_and_an_old_answer_is_known_to_the_end() {
    let client = Client::with(|settings| settings.workers = 1);
    let id =
        client.submit(&asking("lima", &json!({"k": 1, "target": 1, "optimizer": {"name": "greedy"}}))).await;
    let round = questions(&client, &id).await.json;
    let answers: Vec<Value> = sets(&round).iter().map(|set| answer_of(set)).collect();
    assert_eq!(send(&client, &id, &round, &answers).await.status, StatusCode::ACCEPTED);
    client.wait_for_end(&id, "succeeded").await;
    let again = send(&client, &id, &round, &answers).await;
    assert_eq!((again.status, &again.json["state"]), (StatusCode::OK, &json!("succeeded")));
    let mut others = answers.clone();
    others.reverse();
    let other = send(&client, &id, &round, &others).await;
    assert_eq!((other.status.as_u16(), other.text("/code")), (409, "answers_differ".into()));

    // The only worker is busy: the job waits for it to store what it has chosen.
    let dataset = client.upload(MANY, 4).await;
    let cut = json!({"evaluator": {"answers": true, "max_sets_per_round": 2}, "target": 1});
    let id = client.submit(&asking("lima", &cut)).await;
    let round = questions(&client, &id).await.json;
    let busy = client.submit(&endless(&dataset)).await;
    client.wait(&busy, |job| job["state"] == "running").await;
    client.post(&format!("/v1/jobs/{id}/cancel"), "", "").await;
    assert_eq!(client.get(&format!("/v1/jobs/{id}")).await.json["state"], "cancelling");
    assert_eq!(client.get(&format!("/v1/jobs/{id}/questions")).await.status, StatusCode::NO_CONTENT);
    let late = send(&client, &id, &round, &answers[..2]).await;
    assert_eq!((late.status.as_u16(), late.text("/code")), (409, "not_awaiting_answers".into()));
    client.post(&format!("/v1/jobs/{busy}/cancel"), "", "").await;
    client.wait_for_end(&id, "cancelled").await;
}
