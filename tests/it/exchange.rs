//! Jobs whose objective the caller answers: rounds, restarts, and answers that are none.

use crate::client::{Answer, Client};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A function that no formula of ours is: pairs that like each other, and a price for size.
fn f(set: &[u64]) -> f64 {
    let pairs = set.iter().flat_map(|a| set.iter().map(move |b| (a, b))).filter(|(a, b)| a < b);
    let liking = |(a, b): (&u64, &u64)| ((a * 7 + b * 13) % 11) as f64 / 11.0;
    set.iter().map(|e| ((e * 5) % 7) as f64).sum::<f64>() + pairs.map(liking).sum::<f64>()
        - 0.3 * (set.len() as f64).powi(2)
}

/// One that is monotone and submodular: a cover of 16 points.
fn cover(set: &[u64]) -> f64 {
    let points = |e: u64| (0..16).filter(move |point| (e * 11 + point * 5) % 7 < 2);
    set.iter().copied().flat_map(points).collect::<BTreeSet<u64>>().len() as f64
}

fn job(objective: Value, constraints: Value, optimizer: &str) -> Value {
    let mut external = json!({"name": "external", "n": 9});
    external.as_object_mut().unwrap().extend(objective.as_object().unwrap().clone());
    json!({
        "kind": "selection", "objective": external, "constraints": constraints, "optimizer": {"name": optimizer},
    })
}

fn sets(questions: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(questions["sets"].clone()).unwrap()
}

async fn questions(client: &Client, job: &str) -> Answer {
    client.get(&format!("/v1/jobs/{job}/questions?wait=20")).await
}

async fn answer(client: &Client, job: &str, body: &Value) -> Answer {
    client.post_json(&format!("/v1/jobs/{job}/answers"), body).await
}

/// Answers until the job has ended; gives every set that was asked for.
async fn served(
    mut client: Client,
    job: &str,
    f: fn(&[u64]) -> f64,
    restarts: bool,
) -> (Client, Vec<Vec<u64>>) {
    let mut asked = vec![];
    loop {
        let round = questions(&client, job).await;
        match round.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => continue,
            _ => {
                assert_eq!(round.text("/code"), "not_awaiting_answers", "{}", round.json);
                return (client, asked);
            }
        }
        let values: Vec<f64> = sets(&round.json).iter().map(|set| f(set)).collect();
        if restarts {
            client = client.restart(|_| {});
            let again = questions(&client, job).await;
            assert_eq!(again.json, round.json, "a round outlives the service");
        }
        asked.extend(sets(&round.json));
        let body = json!({"round": round.json["round"], "answers": values});
        let taken = answer(&client, job, &body).await;
        assert_eq!((taken.status, &taken.json["round"]), (StatusCode::ACCEPTED, &round.json["round"]));
        if restarts {
            client = client.restart(|_| {});
            // The same answers again are no error, as long as the job lives.
            let again = answer(&client, job, &body).await;
            assert!(matches!(again.status.as_u16(), 200 | 409), "{}", again.json);
        }
    }
}

async fn result(client: &Client, job: &str) -> Value {
    client.get(&format!("/v1/jobs/{job}/result")).await.json
}

/// Greedy by brute force.
fn greedy(f: fn(&[u64]) -> f64, k: usize) -> Vec<u64> {
    let mut chosen: Vec<u64> = vec![];
    while chosen.len() < k {
        let with = |e: u64| {
            let mut set = [&chosen[..], &[e]].concat();
            set.sort_unstable();
            f(&set)
        };
        let rest = (0..9).filter(|e| !chosen.contains(e));
        chosen.push(rest.reduce(|best, e| if with(e) > with(best) { e } else { best }).unwrap());
    }
    chosen
}

#[tokio::test]
async fn a_job_asks_for_sets_and_chooses_by_the_answers_however_often_the_service_stops() {
    for restarts in [false, true] {
        let client = Client::new();
        let body = job(json!({}), json!({"k": 4}), "greedy");
        let plan = client.post_json("/v1/jobs?validate_only=true", &body).await.json;
        assert_eq!(plan["rounds"], 4, "{plan}");
        let id = client.submit(&body).await;
        let (client, asked) = served(client, &id, f, restarts).await;
        let ended = client.wait_for_end(&id, "succeeded").await;
        assert_eq!((&ended["dataset"], &ended["attempt"]), (&Value::Null, &json!(1)));
        let found = result(&client, &id).await;
        assert_eq!(found["indices"], json!(greedy(f, 4)));
        let mut whole = greedy(f, 4);
        whole.sort_unstable();
        assert!((found["objective_value"].as_f64().unwrap() - f(&whole)).abs() < 1e-12);
        assert_eq!((&found["guarantee"]["factor"], &found["certificate"]), (&Value::Null, &Value::Null));
        // Nothing is asked twice, and no more than the search needs: the empty set, and each step's candidates.
        let distinct: BTreeSet<&Vec<u64>> = asked.iter().collect();
        assert_eq!((distinct.len(), asked.len()), (1 + 9 + 8 + 7 + 6, asked.len()), "{asked:?}");
        assert_eq!(distinct.len(), asked.len());
        assert!(asked.contains(&vec![]));
    }
}

#[tokio::test]
async fn every_search_that_needs_gains_alone_runs_on_answers() {
    let mut client = Client::new();
    let vouched = json!({"properties": {"monotone": true, "submodular": true, "nonnegative": true}});
    for optimizer in [
        "greedy",
        "lazy_greedy",
        "stochastic_greedy",
        "threshold_greedy",
        "bidirectional_greedy",
        "random_greedy",
        "adaptive_sequencing",
        "exact",
    ] {
        let body = job(vouched.clone(), json!({"k": 3}), optimizer);
        let plan = client.post_json("/v1/jobs?validate_only=true", &body).await;
        assert_eq!(plan.status, StatusCode::OK, "{optimizer}: {}", plan.json);
        let id = client.submit(&body).await;
        let asked;
        (client, asked) = served(client, &id, cover, false).await;
        assert!(
            asked.len() as u64 <= plan.json["evaluations"].as_u64().unwrap() + 20,
            "{optimizer}: {}",
            asked.len()
        );
        client.wait_for_end(&id, "succeeded").await;
        let found = result(&client, &id).await;
        assert!(found["objective_value"].as_f64() >= Some(9.0), "{optimizer}: {found}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused_and_changes_nothing() {
    let client = Client::new();
    let small = job(json!({"max_sets_per_round": 4}), json!({"k": 2}), "greedy");
    let id = client.submit(&small).await;
    let round = questions(&client, &id).await.json;
    assert_eq!(
        (&round["round"], sets(&round).len()),
        (&json!(1), 4),
        "a round has so many sets at most: {round}"
    );
    assert_eq!(
        (&round["of"], &round["complements"], &round["classes"]),
        (&json!("external"), &json!(false), &Value::Null)
    );
    for (body, status, code, pointer) in [
        (json!({"round": 1, "answers": [1, 2, 3]}), 422, "shape_mismatch", "/answers"),
        (json!({"round": 1, "answers": [1, 2, 3, 4, 5]}), 422, "shape_mismatch", "/answers"),
        (json!({"round": 1, "answers": [1, 2, null, 4]}), 422, "invalid_parameter", "/answers/2"),
        (json!({"round": 1, "answers": [1, 2, "NaN", 4]}), 422, "invalid_parameter", "/answers/2"),
        (json!({"round": 1}), 422, "invalid_parameter", "/answers"),
        (json!({"round": 0, "answers": [1, 2, 3, 4]}), 422, "invalid_parameter", "/round"),
        (json!({"round": 2, "answers": [1, 2, 3, 4]}), 409, "wrong_round", ""),
        (json!({"round": 1, "answers": [1, 2, 3, 4], "gains": []}), 422, "invalid_parameter", "/gains"),
    ] {
        let refused = answer(&client, &id, &body).await;
        assert_eq!((refused.status.as_u16(), refused.text("/code")), (status, code.to_owned()), "{body}");
        let place = refused.json.pointer("/errors/0/pointer").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(place, pointer, "{}", refused.json);
    }
    let nan = format!("/v1/jobs/{id}/answers");
    let nan = client.post(&nan, "application/json", r#"{"round":1,"answers":[1,2,NaN,4]}"#).await;
    assert_eq!((nan.status.as_u16(), nan.text("/code")), (400, "malformed_body".into()));
    assert_eq!(questions(&client, &id).await.json, round, "the round is as it was");

    // Two that answer at once: one is kept, and the other is the same or told that it differs.
    let (one, other) =
        (json!({"round": 1, "answers": [1, 2, 3, 4]}), json!({"round": 1, "answers": [4, 3, 2, 1]}));
    let (a, b, c) =
        tokio::join!(answer(&client, &id, &one), answer(&client, &id, &other), answer(&client, &id, &one));
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [200, 202, 409] || statuses == [202, 409, 409], "{statuses:?}");
    let late = answer(&client, &id, &json!({"round": 1, "answers": [9, 9, 9, 9]})).await;
    assert_eq!((late.status.as_u16(), late.text("/code")), (409, "answers_differ".into()));
    assert_eq!(questions(&client, &id).await.json["round"], 2);

    let none = client.get("/v1/jobs/job_none/questions").await;
    assert_eq!((none.status.as_u16(), none.text("/code")), (404, "job_not_found".into()));
    for (body, pointer) in [
        (job(json!({"max_sets_per_round": 0}), json!({"k": 2}), "greedy"), "/objective/max_sets_per_round"),
        (
            job(json!({"idle_expires_seconds": 0}), json!({"k": 2}), "greedy"),
            "/objective/idle_expires_seconds",
        ),
        (job(json!({"n": null}), json!({"k": 2}), "greedy"), "/dataset"),
        (job(json!({"n": 3}), json!({"k": 4}), "greedy"), "/constraints/k"),
        (job(json!({}), json!({"k": 2, "groups": {"column": "a"}}), "greedy"), "/constraints/groups/column"),
        (job(json!({}), json!({"k": 2, "min_distance": 1}), "greedy"), "/constraints/min_distance"),
    ] {
        let refused = client.post_json("/v1/jobs", &body).await;
        assert_eq!(refused.text("/errors/0/pointer"), pointer, "{}", refused.json);
    }
    let evaluation = json!({"inline": {"vectors": [[1]]}, "objective": {"name": "external"}, "sets": [[0]]});
    let refused = client.post_json("/v1/evaluate", &evaluation).await;
    assert_eq!(refused.text("/errors/0/pointer"), "/objective/name", "{}", refused.json);
}

#[tokio::test]
async fn who_never_answers_holds_no_slot_and_what_was_chosen_is_kept() {
    let client = Client::with(|settings| settings.workers = 1);
    let patient = job(json!({}), json!({"k": 4}), "greedy");
    let mut idle = vec![];
    for _ in 0..50 {
        idle.push(client.submit(&patient).await);
    }
    for id in &idle {
        client.wait(id, |job| job["state"] == "awaiting_answers").await;
    }
    let dataset = client.upload(20, 4).await;
    let other = client.submit(&crate::client::selection(&dataset, 3)).await;
    client.wait_for_end(&other, "succeeded").await;
    let listed = client.get("/v1/jobs?state=awaiting_answers").await.json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 50);

    // Cancelled after two picks, it keeps them.
    let id = &idle[0];
    for _ in 0..3 {
        let round = questions(&client, id).await.json;
        let values: Vec<f64> = sets(&round).iter().map(|set| f(set)).collect();
        answer(&client, id, &json!({"round": round["round"], "answers": values})).await;
    }
    client.wait(id, |job| job["state"] == "awaiting_answers").await;
    client.post(&format!("/v1/jobs/{id}/cancel"), "application/json", "").await;
    client.wait_for_end(id, "cancelled").await;
    let kept = result(&client, id).await["indices"].as_array().unwrap().len();
    assert_eq!(json!(greedy(f, 4)[..kept]), result(&client, id).await["indices"]);
    assert!(kept >= 2, "{kept}");

    // And so does one that nobody has answered in time.
    let hasty = job(json!({"idle_expires_seconds": 0.05}), json!({"k": 4}), "greedy");
    let id = client.submit(&hasty).await;
    let ended = client.wait_for_end(&id, "cancelled").await;
    assert_eq!(ended["error"]["code"], "exchange_expired", "{ended}");
    assert_eq!(result(&client, &id).await["indices"], json!([]));
    let over = questions(&client, &id).await;
    assert_eq!((over.status.as_u16(), over.text("/code")), (409, "not_awaiting_answers".into()));
}

#[tokio::test]
async fn a_round_of_fifty_thousand_sets_is_answered_in_one_body() {
    let client = Client::new();
    let many = job(json!({"n": 50_000, "max_sets_per_round": 1_000_000}), json!({"k": 1}), "greedy");
    let id = client.submit(&many).await;
    let round = questions(&client, &id).await.json;
    assert_eq!(sets(&round).len(), 50_001);
    // The best is the one whose value is the largest; nothing shown is worth nothing.
    let value = |set: &Vec<u64>| set.iter().map(|e| ((e * 7919) % 50_021) as f64).sum::<f64>();
    let values: Vec<f64> = sets(&round).iter().map(value).collect();
    let taken = answer(&client, &id, &json!({"round": 1, "answers": values})).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.json);
    client.wait_for_end(&id, "succeeded").await;
    let best = (0..50_000_u64).max_by_key(|e| (e * 7919) % 50_021).unwrap();
    assert_eq!(result(&client, &id).await["indices"], json!([best]));

    // What is too large names the setting, and the round stays.
    let client = Client::with(|settings| settings.max_answers_bytes = 64);
    let id = client.submit(&job(json!({}), json!({"k": 1}), "greedy")).await;
    questions(&client, &id).await;
    let refused = answer(&client, &id, &json!({"round": 1, "answers": vec![0.125; 10]})).await;
    assert_eq!((refused.status.as_u16(), refused.text("/code")), (413, "payload_too_large".into()));
    assert!(refused.text("/detail").contains("--max-answers-bytes"), "{}", refused.json);
    assert_eq!(questions(&client, &id).await.json["round"], 1);
}
