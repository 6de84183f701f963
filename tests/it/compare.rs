//! Selections compared over HTTP: what they share, by what they are matched, and what is refused.

use crate::client::{Answer, Client, MANY, endless};
use serde_json::{Value, json};

async fn compare(client: &Client, body: &Value) -> Answer {
    client.post_json("/v1/compare", body).await
}

async fn compared(client: &Client, body: &Value) -> Value {
    let answer = compare(client, body).await;
    assert_eq!(answer.status, 200, "{body} {}", answer.json);
    answer.json
}

/// A dataset of eight rows, whose vectors depend on `angle`, with a column of text and one of numbers.
fn dataset(angle: f64, ids: Option<[&str; 8]>) -> Value {
    let vectors: Vec<_> =
        (0..8).map(|i| f64::from(i) * 0.2 + angle).map(|turn| json!([turn.cos(), turn.sin()])).collect();
    let columns = json!({
        "section": ["x", "x", "x", "x", "y", "y", "y", null],
        "row": [0, 1, 2, 3, 4, 5, 6, 7],
    });
    json!({"vectors": vectors, "ids": ids, "columns": columns})
}

const IDS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A finished job that has selected exactly these rows.
async fn job(client: &Client, dataset: &Value, rows: &[u32]) -> String {
    let mut inline = dataset.clone();
    inline.as_object_mut().unwrap().retain(|_, field| !field.is_null());
    let body = json!({
        "kind": "selection",
        "inline": inline,
        "objective": {"name": "facility_location"},
        "constraints": {"k": rows.len(), "include": rows},
    });
    let job = client.submit(&body).await;
    client.wait_for_end(&job, "succeeded").await;
    job
}

fn shared(answer: &Value) -> [u64; 4] {
    ["size_a", "size_b", "universe", "intersection"].map(|field| answer[field].as_u64().unwrap())
}

#[tokio::test]
async fn the_golden_overlap_comes_over_http() {
    let page: Value = serde_json::from_str(include_str!("../data/golden/selections_golden.json")).unwrap();
    let golden = &page["overlap"];
    let body = json!({
        "a": {"items": golden["A"]}, "b": {"items": golden["B"]}, "universe": golden["N"],
        "permutations": 20_000, "seed": 3,
    });
    let client = Client::new();
    let found = compared(&client, &body).await;
    assert_eq!(shared(&found), [8, 7, 20, 5]);
    for (field, name) in [
        ("jaccard", "jaccard"),
        ("of_a", "of_A"),
        ("of_b", "of_B"),
        ("expected_intersection", "expected_intersection"),
        ("lift", "lift"),
        ("z", "z"),
        ("p_at_least", "p_at_least"),
    ] {
        let (found, expected) = (found[field].as_f64().unwrap(), golden[name].as_f64().unwrap());
        assert!((found - expected).abs() < 1e-12 * expected, "{field}: {found}, expected {expected}");
    }
    // Without groups a permutation test estimates the same chance: within four standard errors.
    let permutation = &found["permutation"];
    assert_eq!(permutation["count"], 20_000);
    assert!((permutation["p"].as_f64().unwrap() - 0.0521).abs() < 0.0063, "{permutation}");
    assert!((permutation["mean"].as_f64().unwrap() - 2.8).abs() < 0.031, "{permutation}");
    assert_eq!(compared(&client, &body).await, found);

    let nothing = json!({"a": {"items": []}, "b": {"items": []}, "universe": 3});
    let nothing = compared(&client, &nothing).await;
    for field in ["jaccard", "of_a", "of_b", "lift", "z", "permutation"] {
        assert_eq!(nothing[field], Value::Null, "{nothing}");
    }
    assert_eq!((&nothing["expected_intersection"], &nothing["p_at_least"]), (&json!(0.0), &json!(1.0)));
}

#[tokio::test]
async fn selections_of_one_dataset_are_matched_by_row() {
    let client = Client::new();
    let (named, unnamed) = (dataset(0.0, Some(IDS)), dataset(0.0, None));
    let (one, other) = (job(&client, &named, &[0, 1, 2]).await, job(&client, &named, &[2, 1, 5, 6]).await);
    let body = json!({"a": {"job": one}, "b": {"job": other}});
    let found = compared(&client, &body).await;
    assert_eq!(shared(&found), [3, 4, 8, 2]);
    // Rows and ids may stand in one list: a dataset says which row has which.
    for items in [json!([2, 1, 5, 6]), json!(["c", "b", "f", "g"]), json!(["g", 5, "b", 2])] {
        let body = json!({"a": {"job": one}, "b": {"items": items}});
        assert_eq!(compared(&client, &body).await, found, "{items}");
    }
    // A smaller universe: some rows could not be chosen.
    let body = json!({"a": {"job": one}, "b": {"job": other}, "universe": 6});
    assert_eq!(shared(&compared(&client, &body).await), [3, 4, 6, 2]);

    let (one, other) = (job(&client, &unnamed, &[0, 1]).await, job(&client, &unnamed, &[1, 7]).await);
    let body = json!({"a": {"job": one}, "b": {"job": other}});
    assert_eq!(shared(&compared(&client, &body).await), [2, 2, 8, 1]);
}

#[tokio::test]
async fn selections_of_different_datasets_are_matched_by_id() {
    let client = Client::new();
    let backwards = ["h", "g", "f", "e", "d", "c", "b", "a"];
    let one = job(&client, &dataset(0.0, Some(IDS)), &[0, 1, 2]).await;
    let other = job(&client, &dataset(1.0, Some(backwards)), &[0, 5, 6]).await;
    let nameless = job(&client, &dataset(2.0, None), &[0, 1, 2]).await;
    let body = |b: Value| json!({"a": {"job": one}, "b": b, "universe": 10});
    assert_eq!(shared(&compared(&client, &body(json!({"job": other}))).await), [3, 3, 10, 2]);
    let lists = json!({"a": {"items": ["7", "x"]}, "b": {"items": ["x", "y", "z"]}, "universe": 26});
    assert_eq!(shared(&compared(&client, &lists).await), [2, 3, 26, 1]);

    let mut three = json!({"selections": [{"job": one}, {"job": other}, {"items": ["b", 4]}], "universe": 9});
    let refused = compare(&client, &three).await;
    assert_eq!(refused.text("/errors/0/pointer"), "/selections/2/items/1", "{}", refused.json);
    three["selections"][2] = json!({"items": ["b", "nowhere"]});
    let pairs = compared(&client, &three).await;
    let common: Vec<_> = (0..3).map(|pair| pairs["pairs"][pair]["intersection"].as_u64().unwrap()).collect();
    assert_eq!(common, [2, 1, 1]);

    let refused = compare(&client, &body(json!({"job": nameless}))).await;
    let told = (refused.status.as_u16(), refused.text("/code"), refused.text("/errors/0/pointer"));
    assert_eq!(told, (422, "invalid_parameter".into(), "/b/job".into()));
    assert!(refused.text("/detail").contains("no ids"), "{}", refused.json);
}

#[tokio::test]
async fn jobs_are_compared_when_their_dataset_is_gone() {
    let client = Client::new();
    let named = dataset(0.0, Some(IDS));
    let (one, other) = (job(&client, &named, &[0, 1, 2]).await, job(&client, &named, &[1, 2, 7]).await);
    let mut body = json!({"a": {"job": one}, "b": {"job": other}});
    let before = compared(&client, &body).await;
    let stored = client.get(&format!("/v1/jobs/{one}")).await.text("/dataset");
    assert_eq!(client.delete(&format!("/v1/datasets/{stored}")).await.status, 204);
    let refused = compare(&client, &body).await;
    assert_eq!((refused.status.as_u16(), refused.text("/errors/0/pointer").as_str()), (422, "/universe"));
    body["universe"] = json!(8);
    assert_eq!(compared(&client, &body).await, before);
    body["b"] = json!({"items": ["b", "c", "h"]});
    assert_eq!(compared(&client, &body).await, before);
    // Nothing says any more that there is a row 7.
    body = json!({"a": {"job": one}, "b": {"job": other}, "universe": 7});
    assert_eq!(compare(&client, &body).await.text("/errors/0/pointer"), "/universe");
    // The same bytes under a new id are the same dataset.
    job(&client, &named, &[0]).await;
    body = json!({"selections": [{"job": one}, {"job": other}, {"job": job(&client, &named, &[4]).await}]});
    assert_eq!(compared(&client, &body).await["pairs"][0]["universe"], 8);
}

#[tokio::test]
async fn permutations_keep_to_their_groups() {
    let client = Client::new();
    let named = dataset(0.0, Some(IDS));
    let (one, other) = (job(&client, &named, &[0, 1, 2, 3]).await, job(&client, &named, &[0, 1, 2, 7]).await);
    let body = |groups: Value| json!({"a": {"job": one}, "b": {"job": other}, "groups": groups, "permutations": 999});
    let permutation = async |groups: Value| compared(&client, &body(groups)).await["permutation"].clone();
    // Within x, B's three are always among A's four: the groups explain all that is shared.
    let explained = json!({"p": 1.0, "mean": 3.0, "count": 999});
    assert_eq!(permutation(json!({"column": "section"})).await, explained);
    assert_eq!(permutation(json!({"column": "row"})).await, explained);
    let labels = json!(["x", "x", "x", "x", 1, 1.0, null, null]);
    assert_eq!(permutation(json!({"values": labels})).await, explained);
    // In one group, three or more of four among eight are shared with probability 17 / 70.
    let together = permutation(json!({"values": [7, 7, 7, 7, 7, 7, 7, 7]})).await;
    assert_eq!(together, permutation(Value::Null).await);
    assert!((together["p"].as_f64().unwrap() - 17.0 / 70.0).abs() < 0.055, "{together}");
}

#[tokio::test]
async fn a_pair_of_several_is_what_it_is_alone() {
    let client = Client::new();
    let lists = [json!([0, 1, 2, 3, 4]), json!([3, 4, 5]), json!([]), json!([9, 4, 0, 1])];
    let mut body = json!({
        "universe": 12, "permutations": 200, "seed": 5,
        "groups": {"values": [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]},
    });
    let mut several = body.clone();
    several["selections"] = lists.iter().map(|items| json!({"items": items})).collect();
    let mut alone = Vec::new();
    for (a, b) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        (body["a"], body["b"]) = (json!({"items": lists[a]}), json!({"items": lists[b]}));
        let mut pair = compared(&client, &body).await;
        (pair["a"], pair["b"]) = (json!(a), json!(b));
        alone.push(pair);
    }
    assert_eq!(compared(&client, &several).await["pairs"], json!(alone));
}

#[tokio::test]
async fn a_job_without_a_selection_is_refused_at_its_place() {
    let client = Client::with(|settings| {
        settings.workers = 1;
        settings.retention.result_seconds = Some(60.0);
    });
    let done = job(&client, &dataset(0.0, None), &[0]).await;
    let large = client.upload(MANY, 4).await;
    let running = client.submit(&endless(&large)).await;
    client.wait(&running, |job| job["state"] == "running").await;
    let waiting = client.submit(&endless(&large)).await;
    client.post(&format!("/v1/jobs/{waiting}/cancel"), "", "").await;
    let refused = async |job: &str, status: u16, code: &str| {
        let body = json!({"a": {"job": done}, "b": {"job": job}});
        let answer = compare(&client, &body).await;
        let told = (answer.status.as_u16(), answer.text("/code"), answer.text("/errors/0/pointer"));
        assert_eq!(told, (status, code.to_owned(), "/b/job".to_owned()), "{}", answer.json);
    };
    refused(&running, 409, "job_not_finished").await;
    refused(&waiting, 409, "no_result").await;
    refused("job_1", 404, "job_not_found").await;
    client.app.sweep(time::OffsetDateTime::now_utc() + time::Duration::hours(1)).unwrap();
    let expired = json!({"selections": [{"items": [0]}, {"job": done}]});
    let expired = compare(&client, &expired).await;
    let told = (expired.status.as_u16(), expired.text("/code"), expired.text("/errors/0/pointer"));
    assert_eq!(told, (410, "result_expired".into(), "/selections/1/job".into()));
    client.post(&format!("/v1/jobs/{running}/cancel"), "", "").await;
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_by_its_place() {
    let client = Client::new();
    let named = job(&client, &dataset(0.0, Some(IDS)), &[0, 1]).await;
    let unnamed = job(&client, &dataset(0.0, None), &[0, 1]).await;
    let items = |list: Value| json!({"items": list});
    let two = |a: Value, b: Value, more: Value| {
        let mut body = json!({"a": a, "b": b});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let small = |more: Value| two(items(json!([0, 1])), items(json!([1, 2])), more);
    let of_jobs = |more: Value| two(json!({"job": named}), items(json!([1])), more);
    let invalid = "invalid_parameter";
    for (code, places, body) in [
        (invalid, "/a", json!({})),
        (invalid, "/a", json!({"b": items(json!([]))})),
        (invalid, "/b", json!({"a": items(json!([]))})),
        (invalid, "/selections", small(json!({"selections": [items(json!([])), items(json!([]))]}))),
        (invalid, "/selections", json!({"selections": [items(json!([]))], "universe": 3})),
        (invalid, "/colour", small(json!({"universe": 3, "colour": 1}))),
        (invalid, "/a", two(json!({"job": named, "items": []}), items(json!([])), json!({}))),
        (invalid, "/b/rows", two(items(json!([])), json!({"rows": [1]}), json!({}))),
        (invalid, "/a/items/1", two(items(json!([0, -1])), items(json!([])), json!({"universe": 3}))),
        (invalid, "/universe", small(json!({}))),
        (invalid, "/universe", small(json!({"universe": 0}))),
        (invalid, "/universe", small(json!({"universe": 1e17}))),
        (invalid, "/universe", of_jobs(json!({"universe": 1}))),
        (invalid, "/universe", two(items(json!(["a", "b"])), items(json!(["c"])), json!({"universe": 2}))),
        ("unknown_item", "/b/items/1", small(json!({"universe": 2}))),
        ("unknown_item", "/b/items/0", two(json!({"job": named}), items(json!([8])), json!({}))),
        ("unknown_item", "/b/items/1", two(json!({"job": named}), items(json!([0, "z"])), json!({}))),
        ("unknown_item", "/b/items/0", two(json!({"job": unnamed}), items(json!(["a"])), json!({}))),
        ("duplicate_item", "/b/items/1", two(json!({"job": named}), items(json!([1, "b"])), json!({}))),
        (
            "duplicate_item",
            "/a/items/2 /b/items/1",
            two(items(json!([0, 1, 0])), items(json!([2, 2])), json!({"universe": 3})),
        ),
        (invalid, "/b/items/0", two(items(json!(["a"])), items(json!([1])), json!({"universe": 3}))),
        (invalid, "/groups/column", of_jobs(json!({"groups": {"column": "none"}}))),
        (invalid, "/groups/column", small(json!({"universe": 3, "groups": {"column": "section"}}))),
        (invalid, "/groups/values/1", small(json!({"universe": 3, "groups": {"values": [0, true, 1]}}))),
        (
            invalid,
            "/groups",
            two(
                items(json!(["a"])),
                items(json!(["b"])),
                json!({"universe": 2, "groups": {"values": [0, 0]}}),
            ),
        ),
        ("shape_mismatch", "/groups/values", small(json!({"universe": 3, "groups": {"values": [0]}}))),
        (
            "shape_mismatch",
            "/groups/column",
            of_jobs(json!({"universe": 9, "groups": {"column": "section"}})),
        ),
        (
            invalid,
            "/universe",
            two(
                json!({"job": named}),
                items(json!([7])),
                json!({"universe": 3, "groups": {"values": [0, 0, 0]}}),
            ),
        ),
        (invalid, "/permutations", small(json!({"universe": 3, "permutations": 1_000_001}))),
        (invalid, "/seed", small(json!({"universe": 3, "seed": -1}))),
        (
            "estimate_exceeds_limit",
            "/permutations",
            two(
                items((0..1000).collect()),
                items((500..1500).collect()),
                json!({"universe": 2000, "permutations": 100_000}),
            ),
        ),
    ] {
        let answer = compare(&client, &body).await;
        let errors = answer.json["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        let told = (answer.status.as_u16(), answer.text("/code"), found.join(" "));
        assert_eq!(told, (422, code.to_owned(), places.to_owned()), "{body} {}", answer.json);
    }
    let many = json!({"a": {"items": []}, "b": {"items": vec![7; 50_000]}, "universe": 3});
    assert_eq!(compare(&client, &many).await.json["errors"].as_array().map(Vec::len), Some(100));
}

#[tokio::test]
async fn several_selections_are_told_what_stays_in_all_of_them() {
    let client = Client::new();
    let named = dataset(0.0, Some(IDS));
    let mut jobs = vec![];
    for rows in [&[0, 1, 2][..], &[1, 2, 5], &[2, 1, 7, 6]] {
        jobs.push(json!({"job": job(&client, &named, rows).await}));
    }
    let found = compared(&client, &json!({"selections": jobs})).await;
    let expected = json!({
        "selections": 3, "mean_jaccard": (2.0 / 4.0 + 2.0 / 5.0 + 2.0 / 5.0) / 3.0, "mean_intersection": 2.0,
        "mean_expected": (9.0 + 12.0 + 12.0) / 8.0 / 3.0, "in_all": 2, "in_any": 6, "held_by": [4, 0, 2],
    });
    for (field, expected) in expected.as_object().unwrap() {
        let (found, expected) = (&found["stability"][field], expected);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let same = found.as_f64().zip(expected.as_f64()).map_or(found == expected, |(a, b)| close(a, b));
        assert!(same, "{field}: {found}, expected {expected}");
    }
    assert!(found.get("necessity").is_none(), "{found}");
    let pair = json!({"a": jobs[0], "b": jobs[1]});
    assert!(compared(&client, &pair).await.get("stability").is_none());
    let empty = json!({"selections": [{"items": []}, {"items": []}], "universe": 9_007_199_254_740_992_u64});
    let empty = compared(&client, &empty).await;
    assert_eq!(
        (&empty["stability"]["mean_jaccard"], &empty["stability"]["held_by"]),
        (&json!(null), &json!([0, 0]))
    );
}

#[tokio::test]
async fn what_a_selection_is_worth_alone_and_what_is_left_without_it_is_what_evaluations_say() {
    let client = Client::new();
    let named = dataset(0.0, Some(IDS));
    let (one, other) = (job(&client, &named, &[0, 1, 2]).await, job(&client, &named, &[7]).await);
    // Another function over other data.
    let moved = dataset(1.0, Some(IDS));
    let mut cut = json!({"kind": "selection", "inline": moved, "constraints": {"k": 2, "include": [3, 4]}});
    cut["objective"] = json!({"name": "graph_cut", "lambda": 0.1});
    let third = client.submit(&cut).await;
    client.wait_for_end(&third, "succeeded").await;
    let jobs = [&one, &third, &other];
    let selections: Vec<Value> = jobs.iter().map(|job| json!({"job": job})).collect();
    let found = compared(&client, &json!({"selections": selections, "necessity": true, "universe": 8})).await;
    let sets = [json!([0, 1, 2]), json!([3, 4]), json!([7])];
    for ((job, set), told) in jobs.iter().zip(sets).zip(found["necessity"].as_array().unwrap()) {
        let spec = client.get(&format!("/v1/jobs/{job}")).await.json;
        let body = json!({
            "dataset": spec["dataset"], "objective": spec["spec"]["objective"], "complement": true, "share": true,
            "sets": [set, [0, 1, 2, 3, 4, 5, 6, 7]],
        });
        let values = client.post_json("/v1/evaluate", &body).await.json;
        let (value, whole) = (values["values"][0].clone(), values["values"][1].clone());
        let complement = values["complement_values"][0].clone();
        assert_eq!(told["job"], json!(job));
        assert_eq!((&told["value"], &told["whole_value"]), (&value, &whole), "{told}");
        assert_eq!((&told["complement_value"], &told["sufficiency"]), (&complement, &values["shares"][0]));
        let without = complement.as_f64().unwrap() / whole.as_f64().unwrap();
        assert_eq!(told["without"].as_f64(), Some(without), "{told}");
    }
    assert_eq!(found["necessity"].as_array().unwrap().len(), 3);

    let refused = async |body: Value| {
        let answer = compare(&client, &body).await;
        (answer.status.as_u16(), answer.text("/code"), answer.text("/errors/0/pointer"))
    };
    let at = |code: &str, pointer: &str, status: u16| (status, code.to_owned(), pointer.to_owned());
    let pair = json!({"a": {"job": one}, "b": {"job": other}, "necessity": true});
    assert_eq!(refused(pair).await, at("invalid_parameter", "/necessity", 422));
    let list = json!({"selections": [{"job": one}, {"items": [1]}], "necessity": true});
    assert_eq!(refused(list).await, at("invalid_parameter", "/selections/1/items", 422));
    let many = client.upload(100_000, 64).await;
    let mut large = crate::client::selection(&many, 1);
    large["objective"]["represented"] = json!({"sample": 10});
    let large = client.submit(&large).await;
    client.wait_for_end(&large, "succeeded").await;
    let two = json!({"selections": [{"job": large}, {"job": large}], "necessity": true});
    assert_eq!(refused(two).await, at("estimate_exceeds_limit", "/necessity", 422));
    let gone = client.get(&format!("/v1/jobs/{one}")).await.text("/dataset");
    assert_eq!(client.delete(&format!("/v1/datasets/{gone}")).await.status, 204);
    let two = json!({"selections": [{"job": third}, {"job": one}], "necessity": true, "universe": 8});
    assert_eq!(refused(two).await, at("dataset_not_found", "/selections/1/job", 404));
}

/// A job of k says how many a voter approves of; an evaluation, which has no k, is told.
#[tokio::test]
async fn the_necessity_of_a_committee_is_of_the_rule_that_its_size_made() {
    let client = Client::new();
    let rankings = json!({
        "kind": "rankings", "candidates": ["a", "b", "c", "d"],
        "rankings": [[0, 1, 2, 3], [0, 1, 2, 3], [1, 0, 2, 3], [2, 3, 1, 0]],
    });
    let run = async |rule: Value, constraints: Value| {
        let mut objective = json!({"name": "committee"});
        objective.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let body = json!({"kind": "selection", "inline": rankings, "objective": objective, "constraints": constraints});
        let job = client.submit(&body).await;
        client.wait_for_end(&job, "succeeded").await;
        job
    };
    let necessity = async |jobs: [&String; 2]| {
        let selections = jobs.map(|job| json!({"job": job}));
        compared(&client, &json!({"selections": selections, "necessity": true})).await["necessity"].clone()
    };
    let open = run(json!({"rule": "pav"}), json!({"k": 2})).await;
    let given = run(json!({"rule": "pav", "t": 2}), json!({"k": 2})).await;
    let found = necessity([&open, &given]).await;
    assert_eq!(found[0]["value"], found[1]["value"], "{found}");
    assert_eq!(found[0]["whole_value"], json!(6.0), "four voters approve of two: 1 + 1/2 each");
    // Two are owned, one is chosen: a voter approves of three.
    let beside = run(json!({"rule": "pav"}), json!({"k": 1, "discount_jobs": [open]})).await;
    let whole = necessity([&beside, &open]).await[0]["whole_value"].as_f64().unwrap();
    assert!((whole - 4.0 * (1.0 + 1.0 / 2.0 + 1.0 / 3.0)).abs() < 1e-9, "{whole}");
}
