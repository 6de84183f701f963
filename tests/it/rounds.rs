//! Jobs that take over what jobs before them chose: excluded, included, owned, begun with; and what is refused.

use crate::client::{Answer, Client, MANY, endless, npy, selection};
use fewer::dataset::{DatasetError, Format, Options, Source};
use fewer::jobs::outcome::JobResult;
use fewer::jobs::record::JobRecord;
use fewer::jobs::selection::{Limits, SelectionError, prepare};
use fewer::jobs::{Archive, Nothing};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use submodular::tile::Kernel;

fn golden() -> Value {
    serde_json::from_str(include_str!("../data/golden/selections_golden.json")).unwrap()
}

/// Vectors on a quarter of a circle and beside it, whose ids are their numbers, in this order.
fn inline(rows: impl Iterator<Item = u32> + Clone) -> Value {
    let vector = |row: u32| {
        let turn = f64::from(row * 37 % 50) * 0.03;
        json!([turn.cos(), turn.sin(), f64::from(row * 13 % 7) * 0.1])
    };
    let vectors: Vec<Value> = rows.clone().map(vector).collect();
    let ids: Vec<String> = rows.map(|row| format!("item {row}")).collect();
    json!({"vectors": vectors, "ids": ids})
}

fn job(inline: &Value, constraints: Value) -> Value {
    json!({
        "kind": "selection", "inline": inline, "objective": {"name": "facility_location"}, "constraints": constraints,
    })
}

/// Runs a job; gives its id and its result.
async fn run(client: &Client, body: &Value) -> (String, Value) {
    let id = client.submit(body).await;
    client.wait_for_end(&id, "succeeded").await;
    let result = client.get(&format!("/v1/jobs/{id}/result")).await.json;
    (id, result)
}

fn rows(result: &Value) -> Vec<u32> {
    serde_json::from_value(result["indices"].clone()).unwrap()
}

fn ids(result: &Value) -> Vec<String> {
    serde_json::from_value(result["ids"].clone()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// f of sets, by their ids.
async fn values(client: &Client, inline: &Value, sets: &[Vec<String>]) -> Vec<f64> {
    let body = json!({"inline": inline, "objective": {"name": "facility_location"}, "sets": sets});
    let answer = client.post_json("/v1/evaluate", &body).await;
    serde_json::from_value(answer.json["values"].clone()).unwrap()
}

fn refusal(answer: &Answer) -> (u16, String, String) {
    (answer.status.as_u16(), answer.text("/code"), answer.text("/errors/0/pointer"))
}

#[tokio::test]
async fn successive_tasks_that_exclude_each_other_choose_the_golden_items() {
    let client = Client::new();
    let page = golden();
    let expected: Vec<Vec<u32>> = serde_json::from_value(page["exclusive"]["hard_disjoint"].clone()).unwrap();
    let data = inline(0..8);
    let mut earlier: Vec<String> = vec![];
    for (scores, expected) in page["exclusive"]["scores"].as_array().unwrap().iter().zip(expected) {
        let constraints = json!({"k": expected.len(), "exclude_jobs": earlier});
        let mut body = job(&data, constraints);
        body["objective"] = json!({"name": "modular", "scores": {"values": scores}});
        let (id, result) = run(&client, &body).await;
        let mut chosen = rows(&result);
        chosen.sort_unstable();
        assert_eq!(chosen, expected);
        earlier.push(id);
    }
    // Nothing is left.
    let body = job(&data, json!({"k": 1, "exclude_jobs": earlier}));
    let refused = client.post_json("/v1/jobs", &body).await;
    assert_eq!(refusal(&refused), (422, "invalid_parameter".into(), "/constraints/k".into()));
}

#[tokio::test]
async fn no_round_hands_out_an_item_twice_whatever_its_dataset_and_its_order() {
    let client = Client::new();
    // The second dataset lacks some of the first and is in another order; the third has new ones.
    let datasets = [inline(0..30), inline((5..40).rev()), inline((0..25).chain(60..90))];
    let (mut earlier, mut handed): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for data in &datasets {
        let (id, result) = run(&client, &job(data, json!({"k": 9, "exclude_jobs": earlier}))).await;
        earlier.push(id);
        handed.extend(ids(&result));
    }
    assert_eq!(handed.iter().collect::<BTreeSet<_>>().len(), 27, "{handed:?}");
    // Without the rule they would be.
    let (_, again) = run(&client, &job(&datasets[1], json!({"k": 9}))).await;
    assert!(ids(&again).iter().any(|id| handed[..9].contains(id)), "{again}");
}

#[tokio::test]
async fn beside_owned_items_greedy_is_greedy_on_what_they_leave() {
    let client = Client::new();
    let data = inline(0..14);
    let (first, owned) = run(&client, &job(&data, json!({"k": 3}))).await;
    let owned = ids(&owned);
    // Another order, and two items that are not there any more.
    let next: Vec<u32> = (0..14).rev().filter(|row| !owned[1..].contains(&format!("item {row}"))).collect();
    for (data, had) in [(&data, owned.clone()), (&inline(next.into_iter()), vec![owned[0].clone()])] {
        let body = job(data, json!({"k": 4, "discount_jobs": [first]}));
        let (_, result) = run(&client, &body).await;
        let base = values(&client, data, std::slice::from_ref(&had)).await[0];
        assert_eq!(result["owned"]["items"], had.len());
        assert!((number(&result["owned"]["value"]) - base).abs() < 1e-6, "{result}");
        let all: Vec<String> = serde_json::from_value(data["ids"].clone()).unwrap();
        let (mut held, mut value) = (had.clone(), base);
        for (id, gain) in ids(&result).iter().zip(result["gains"].as_array().unwrap()) {
            let open: Vec<&String> = all.iter().filter(|id| !held.contains(id)).collect();
            let with = |e: &String| [&held[..], std::slice::from_ref(e)].concat();
            let found = values(&client, data, &open.iter().map(|e| with(e)).collect::<Vec<_>>()).await;
            let best = found.iter().copied().fold(f64::MIN, f64::max);
            let first = open.iter().zip(&found).find(|(_, value)| best - **value < 1e-9).unwrap();
            assert_eq!(id, *first.0, "{result}");
            assert!((number(gain) - (best - value)).abs() < 1e-6, "{result}");
            held.push(id.clone());
            value = best;
        }
        assert!((number(&result["objective_value"]) - (value - base)).abs() < 1e-6, "{result}");
        assert_eq!(result["empty_value"], 0.0);
        // The bound is of what can be gained beside them, and so is the factor.
        let certificate = &result["certificate"];
        assert!(number(&certificate["upper_bound"]) >= value - base - 1e-9, "{result}");
        assert!((number(&result["guarantee"]["factor"]) - 0.632).abs() < 0.001, "{result}");
    }
}

#[tokio::test]
async fn a_sample_a_graph_and_a_committee_reckon_with_what_is_owned() {
    let client = Client::new();
    let data = inline(0..40);
    let (first, owned) = run(&client, &job(&data, json!({"k": 3}))).await;
    let owned = ids(&owned);
    for objective in [
        json!({"name": "facility_location", "represented": {"sample": 20}}),
        json!({"name": "facility_location", "similarity": {"neighbors": {"m": 8}}}),
    ] {
        let mut body = job(&data, json!({"k": 4, "discount_jobs": [first]}));
        body["objective"] = objective;
        let (_, result) = run(&client, &body).await;
        let all = [&owned[..], &ids(&result)].concat();
        let [base, value] = values(&client, &data, &[owned.clone(), all]).await[..] else { panic!() };
        assert!((number(&result["owned"]["value"]) - base).abs() < 1e-5, "{result}");
        assert!((number(&result["objective_value"]) - (value - base)).abs() < 1e-5, "{result}");
        assert!(number(&result["optimized_value"]) > 0.0, "{result}");
    }

    // Chamberlin-Courant: whoever is represented by an owned candidate is not represented again.
    let rankings = json!({
        "kind": "rankings", "candidates": ["a", "b", "c", "d"],
        "rankings": [[0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 1, 0]],
    });
    let committee = |constraints| {
        let mut body = job(&rankings, constraints);
        body["objective"] = json!({"name": "committee", "rule": "chamberlin_courant_borda"});
        body
    };
    let (incumbent, _) = run(&client, &committee(json!({"k": 1, "include": ["a"]}))).await;
    let (_, result) = run(&client, &committee(json!({"k": 1, "discount_jobs": [incumbent]}))).await;
    // f of {a} is 3 + 3 + 2 + 0; c adds 3 for the last voter, b 1 + 1.
    assert_eq!((ids(&result), &result["gains"]), (vec!["c".into()], &json!([3.0])));
    assert_eq!((&result["owned"]["value"], &result["objective_value"]), (&json!(8.0), &json!(3.0)));
    let satisfaction = &result["committee"]["voter_satisfaction"];
    assert_eq!(satisfaction["mean"], json!(11.0 / 4.0), "of the owned and the chosen together");
}

#[tokio::test]
async fn items_of_jobs_are_included_after_those_that_are_listed_and_count_towards_k() {
    let client = Client::new();
    let data = inline(0..12);
    let (first, a) = run(&client, &job(&data, json!({"k": 2, "include": [7, 3]}))).await;
    let (second, _) = run(&client, &job(&data, json!({"k": 2, "include": [3, 9]}))).await;
    assert_eq!(rows(&a), [7, 3]);
    let constraints = json!({"k": 6, "include": [9, 1], "include_jobs": [first, second], "exclude": [0]});
    let (_, result) = run(&client, &job(&data, constraints)).await;
    assert_eq!(rows(&result)[..4], [9, 1, 7, 3]);
    assert_eq!(rows(&result).len(), 6);
    let shorter = |k: u32| job(&data, json!({"k": k, "include_jobs": [first, second]}));
    let (_, exactly) = run(&client, &shorter(3)).await;
    assert_eq!(rows(&exactly), [7, 3, 9]);
    let refused = client.post_json("/v1/jobs", &shorter(2)).await;
    let place = (422, "infeasible_constraint".into(), "/constraints/include_jobs".into());
    assert_eq!(refusal(&refused), place, "{}", refused.json);
}

#[tokio::test]
async fn what_earlier_jobs_cannot_give_is_refused_at_its_place() {
    let client = Client::with(|settings| settings.workers = 1);
    let data = inline(0..12);
    let nameless = json!({"vectors": [[1, 0], [0, 1], [1, 1]]});
    let (with_ids, _) = run(&client, &job(&data, json!({"k": 2, "include": [0, 1]}))).await;
    let (without, _) = run(&client, &job(&nameless, json!({"k": 2}))).await;
    let many = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&many)).await;
    let mut stopped = endless(&many);
    stopped["on_stop"] = json!("fail");
    let stopped = client.submit(&stopped).await;
    client.post(&format!("/v1/jobs/{stopped}/cancel"), "", "").await;
    client.wait_for_end(&stopped, "cancelled").await;
    let smaller = inline(1..12);
    let at =
        |place: &str, code: &str, status: u16| (status, code.to_owned(), format!("/constraints/{place}"));
    for (data, constraints, expected) in [
        (&data, json!({"exclude_jobs": ["job_0"]}), at("exclude_jobs/0", "job_not_found", 404)),
        (
            &data,
            json!({"discount_jobs": [with_ids, running]}),
            at("discount_jobs/1", "job_not_finished", 409),
        ),
        (&data, json!({"include_jobs": [stopped]}), at("include_jobs/0", "no_result", 409)),
        (&data, json!({"exclude_jobs": [with_ids, with_ids]}), at("exclude_jobs/1", "duplicate_item", 422)),
        (&data, json!({"exclude_jobs": [without]}), at("exclude_jobs/0", "invalid_parameter", 422)),
        (&nameless, json!({"exclude_jobs": [with_ids]}), at("exclude_jobs/0", "invalid_parameter", 422)),
        (&smaller, json!({"include_jobs": [with_ids]}), at("include_jobs/0", "unknown_item", 422)),
        (
            &data,
            json!({"include": [1], "exclude_jobs": [with_ids]}),
            at("exclude_jobs", "duplicate_item", 422),
        ),
        (
            &data,
            json!({"include": [1], "discount_jobs": [with_ids]}),
            at("discount_jobs", "duplicate_item", 422),
        ),
        (
            &data,
            json!({"include_jobs": [with_ids], "exclude_jobs": [with_ids]}),
            at("include_jobs", "duplicate_item", 422),
        ),
        (
            &data,
            json!({"include_jobs": [with_ids], "exclude": [0]}),
            at("include_jobs", "duplicate_item", 422),
        ),
    ] {
        let mut body = job(data, constraints);
        body["constraints"]["k"] = json!(3);
        // A plan is refused like a job, and a job that is refused leaves nothing behind.
        for path in ["/v1/jobs?validate_only=true", "/v1/jobs"] {
            let refused = client.post_json(path, &body).await;
            assert_eq!(refusal(&refused), expected, "{body} {}", refused.json);
        }
    }
    // By row where nothing has ids, as long as the data are the same: also before they are stored.
    let body = job(&nameless, json!({"k": 1, "exclude_jobs": [without]}));
    assert_eq!(client.post_json("/v1/jobs?validate_only=true", &body).await.status, 200);
    let nothing_left = job(&nameless, json!({"k": 1, "exclude": [0, 1, 2]}));
    let refused = client.post_json("/v1/jobs", &nothing_left).await;
    assert!(refused.text("/detail").contains("every item is excluded"), "{}", refused.json);
    let unlike = json!({"vectors": [[1, 0], [0, 1], [1, 2]]});
    let refused =
        client.post_json("/v1/jobs", &job(&unlike, json!({"k": 1, "exclude_jobs": [without]}))).await;
    assert!(refused.text("/detail").contains("ids"), "{}", refused.json);
    // What is owned takes memory.
    let plan = async |constraints: Value| {
        let plan = client.post_json("/v1/jobs?validate_only=true", &job(&data, constraints)).await.json;
        plan["memory_bytes"].as_u64().unwrap()
    };
    let excluded = plan(json!({"k": 3, "exclude_jobs": [with_ids]})).await;
    assert!(plan(json!({"k": 3, "discount_jobs": [with_ids]})).await > excluded);
    let mut parts = job(&data, json!({"k": 3, "discount_jobs": [with_ids]}));
    parts["optimizer"] = json!({"name": "partitioned_greedy", "merge": false, "parts": {"count": 2}});
    let refused = client.post_json("/v1/jobs", &parts).await;
    assert_eq!(refusal(&refused), at("discount_jobs", "optimizer_mismatch", 422));
    parts["optimizer"]["merge"] = json!(true);
    assert_eq!(client.post_json("/v1/jobs?validate_only=true", &parts).await.status, 200);
    let mut distances = job(&data, json!({"k": 3, "discount_jobs": [with_ids]}));
    distances["objective"] = json!({"name": "disparity_min"});
    let refused = client.post_json("/v1/jobs", &distances).await;
    assert_eq!(refusal(&refused), at("discount_jobs", "invalid_parameter", 422));

    // A cancelled job's prefix is a result like any other.
    client.wait(&running, |job| job["progress"]["done"].as_u64() > Some(2)).await;
    client.post(&format!("/v1/jobs/{running}/cancel"), "", "").await;
    client.wait_for_end(&running, "cancelled").await;
    let prefix = rows(&client.get(&format!("/v1/jobs/{running}/result")).await.json);
    let mut next = selection(&many, 3);
    next["constraints"]["exclude_jobs"] = json!([running]);
    let (_, result) = run(&client, &next).await;
    assert!(rows(&result).iter().all(|row| !prefix.contains(row)), "{result}");
    let (_, left) = run(&client, &body).await;
    let taken = rows(&client.get(&format!("/v1/jobs/{without}/result")).await.json);
    assert_eq!(rows(&left).len(), 1);
    assert!(!taken.contains(&rows(&left)[0]), "{left}");
}

#[tokio::test]
async fn a_job_whose_earlier_job_is_deleted_meanwhile_fails_and_says_which() {
    let client = Client::with(|settings| settings.workers = 1);
    let many = client.upload(MANY, 4).await;
    let (earlier, _) = run(&client, &selection(&many, 2)).await;
    let blocker = client.submit(&endless(&many)).await;
    client.wait(&blocker, |job| job["state"] == "running").await;
    let mut body = selection(&many, 2);
    body["constraints"]["exclude_jobs"] = json!([earlier]);
    let waits = client.submit(&body).await;
    assert_eq!(client.delete(&format!("/v1/jobs/{earlier}")).await.status, 204);
    client.post(&format!("/v1/jobs/{blocker}/cancel"), "", "").await;
    let failed = client.wait_for_end(&waits, "failed").await;
    assert_eq!(failed["error"]["code"], "job_not_found");
    let detail = failed["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("/constraints/exclude_jobs/0") && detail.contains(&earlier), "{detail}");
}

#[tokio::test]
async fn answers_from_outside_are_of_owned_and_chosen_items_together() {
    let client = Client::new();
    let data = inline(0..5);
    let (first, _) = run(&client, &job(&data, json!({"k": 1, "include": [2]}))).await;
    let mut body = job(&data, json!({"k": 2, "discount_jobs": [first]}));
    body["objective"] = json!({"name": "external", "properties": {"monotone": true, "submodular": true, "nonnegative": true}});
    body["optimizer"] = json!({"name": "greedy"});
    let planned = client.post_json("/v1/jobs?validate_only=true", &body).await.json["rounds"].clone();
    let job = client.submit(&body).await;
    let mut rounds = 0_u64;
    loop {
        let round = client.get(&format!("/v1/jobs/{job}/questions?wait=20")).await;
        match round.status.as_u16() {
            200 => {}
            204 => continue,
            _ => break,
        }
        let sets: Vec<Vec<u32>> = serde_json::from_value(round.json["sets"].clone()).unwrap();
        assert!(rounds == 0 || sets.iter().all(|set| set.contains(&2)), "{sets:?}");
        // Items 1 and 2 are alike; 4 is worth most, then 0.
        let worth = |set: &Vec<u32>| {
            let has = |e| f64::from(u8::from(set.contains(&e)));
            has(1).max(has(2)) * 3.0 + has(4) * 2.0 + has(0)
        };
        let answers: Vec<f64> = sets.iter().map(worth).collect();
        let body = json!({"round": round.json["round"], "answers": answers});
        client.post_json(&format!("/v1/jobs/{job}/answers"), &body).await;
        rounds += 1;
    }
    let result = client.get(&format!("/v1/jobs/{job}/result")).await.json;
    assert_eq!((rows(&result), &result["owned"]), (vec![4, 0], &json!({"items": 1, "value": 3.0})));
    assert_eq!((&result["objective_value"], &planned), (&json!(3.0), &json!(rounds)));
}

/// Items of a caller's own have no ids and no dataset that could say which they are.
#[tokio::test]
async fn items_of_no_dataset_can_be_named_in_no_round() {
    let client = Client::new();
    let body = json!({
        "kind": "selection", "objective": {"name": "external", "n": 2}, "constraints": {"k": 1},
        "optimizer": {"name": "greedy"},
    });
    let external = client.submit(&body).await;
    client.wait(&external, |job| job["state"] == "awaiting_answers").await;
    let round = client.get(&format!("/v1/jobs/{external}/questions")).await.json;
    let answers: Vec<usize> =
        round["sets"].as_array().unwrap().iter().map(|set| set.as_array().unwrap().len()).collect();
    let body = json!({"round": round["round"], "answers": answers});
    client.post_json(&format!("/v1/jobs/{external}/answers"), &body).await;
    client.wait_for_end(&external, "succeeded").await;
    let next = job(&inline(0..2), json!({"k": 1, "exclude_jobs": [external]}));
    let refused = client.post_json("/v1/jobs", &next).await;
    let at = (422, "invalid_parameter".to_owned(), "/constraints/exclude_jobs/0".to_owned());
    assert_eq!(refusal(&refused), at);
    assert!(refused.text("/detail").contains("of no dataset"), "{}", refused.json);
}

/// Jobs that chose three million items each, which nobody shall read.
struct Vast;

impl Archive for Vast {
    fn dataset(&self, id: &str) -> Result<Source, DatasetError> {
        Nothing.dataset(id)
    }

    fn job(&self, id: &str, _pointer: &str) -> Result<(JobRecord, JobResult), SelectionError> {
        panic!("{id} is read")
    }

    fn items_of(&self, _id: &str, _pointer: &str) -> Result<u64, SelectionError> {
        Ok(3_000_000)
    }
}

#[test]
fn results_of_too_many_items_are_refused_before_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.npy");
    std::fs::write(&path, npy(8, 2)).unwrap();
    let source = Source::open(&path, Format::Npy, &Options::default(), u64::MAX).unwrap();
    let limits = Limits { memory_bytes: 1 << 30, max_flops: 1e16, threads: 1, kernel: Kernel::detect() };
    let spec = json!({
        "objective": {"name": "facility_location"}, "warm_start": {"job": "c"},
        "constraints": {"k": 1, "exclude_jobs": ["a", "b"]},
    });
    let refused = prepare(&serde_json::from_value(spec).unwrap(), &source, &Vast, false, &limits);
    let Err(SelectionError::Invalid(errors)) = refused else { panic!("not refused") };
    let found: Vec<(&str, &str)> = errors.iter().map(|error| (&*error.pointer, error.code)).collect();
    let places = ["/constraints/exclude_jobs/0", "/constraints/exclude_jobs/1", "/warm_start/job"];
    assert_eq!(found, places.map(|place| (place, "estimate_exceeds_limit")));
    assert!(errors[2].detail.contains("9000000 items"), "{}", errors[2].detail);
}

#[tokio::test]
async fn every_round_that_the_page_shows_runs_as_it_stands() {
    let client = Client::new();
    let mut data = inline(0..24);
    data["columns"] = json!({"section": (0..24).map(|row| ["a", "b"][row % 2]).collect::<Vec<_>>()});
    let (first, _) = run(&client, &job(&data, json!({"k": 4}))).await;
    let (second, _) = run(&client, &job(&data, json!({"k": 4, "exclude_jobs": [first]}))).await;
    let page = include_str!("../../docs/training.md").split("\n## Rounds\n").nth(1).unwrap();
    let page =
        page.split("\n## ").next().unwrap().replace("job_first", &first).replace("job_second", &second);
    let mut shown = 0;
    for text in page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("json\n")) {
        let mut body = job(&data, json!(null));
        let members: Value = serde_json::from_str(text).unwrap();
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let (_, result) = run(&client, &body).await;
        assert_eq!(rows(&result).len() as u64, body["constraints"]["k"].as_u64().unwrap(), "{result}");
        shown += 1;
    }
    assert_eq!(shown, 5);
}
