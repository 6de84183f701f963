//! Jobs.

use super::{Case, JSON, case};
use crate::client::Client;
use axum::http::Method;
use serde_json::{Value, json};

/// A job that is sound, changed.
pub(super) fn job(change: impl FnOnce(&mut Value)) -> String {
    let mut job = json!({
        "kind": "selection",
        "inline": {"vectors": [[1.0, 0.0], [0.0, 1.0]], "ids": ["a", "b"], "columns": {"g": ["x", "y"]}},
        "objective": {"name": "facility_location"},
        "constraints": {"k": 1},
    });
    change(&mut job);
    job.to_string()
}

/// Bodies of jobs that are no JSON, or no JSON that means one thing.
pub(super) fn of_the_syntax() -> Vec<Case> {
    let malformed = |body: &[u8]| case(Method::POST, "/v1/jobs", JSON, body, (400, "malformed_body", ""));
    let sound = job(|_| {});
    let twice = |field: &str, again: &str, places| {
        let body = sound.replacen(field, again, 1);
        assert_ne!(body, sound);
        case(Method::POST, "/v1/jobs", JSON, body, (422, "invalid_parameter", places))
    };
    vec![
        malformed(b""),
        malformed(b"   "),
        malformed(b"{"),
        malformed(&sound.as_bytes()[..sound.len() - 1]),
        malformed(format!("{sound}{sound}").as_bytes()),
        malformed(sound.replace(":1}", ":NaN}").as_bytes()),
        malformed(sound.replace(":1}", ":Infinity}").as_bytes()),
        malformed(sound.replace(":1}", ":1e999}").as_bytes()),
        malformed(sound.replace(":1}", ":01}").as_bytes()),
        malformed(sound.replace(":1}", ":1,}").as_bytes()),
        malformed(sound.replace('"', "'").as_bytes()),
        malformed(sound.replace("selection", "selec\\ud800tion").as_bytes()),
        malformed(sound.replace("selection", "selec\ntion").as_bytes()),
        malformed(&[sound.as_bytes(), b"\0"].concat()),
        malformed(&[b"\xef\xbb\xbf", sound.as_bytes()].concat()),
        malformed(&[b"{\"kind\":\"\xff\"}".as_slice()].concat()),
        malformed("[".repeat(4000).as_bytes()),
        malformed(sound.replace(":1}", &format!(":{}1{}}}", "[".repeat(1500), "]".repeat(1500))).as_bytes()),
        twice("\"kind\":\"selection\"", "\"kind\":\"selection\",\"kind\":\"selection\"", "/kind"),
        twice("\"k\":1", "\"k\":1,\"k\":2", "/constraints/k"),
        twice("\"ids\":", "\"ids\":[\"c\",\"d\"],\"ids\":", "/inline/ids"),
    ]
}

/// Jobs whose fields are of the wrong type, out of range, unknown or missing, at every level.
pub(super) fn of_the_fields() -> Vec<Case> {
    let invalid = |change: fn(&mut Value), places| {
        case(Method::POST, "/v1/jobs", JSON, job(change), (422, "invalid_parameter", places))
    };
    let whole =
        |body: &str, places| case(Method::POST, "/v1/jobs", JSON, body, (422, "invalid_parameter", places));
    vec![
        whole("null", ""),
        whole("[]", ""),
        whole("7", ""),
        // What a job has beside its kind depends on it.
        whole("{}", "/kind"),
        whole(r#"{"kind":null,"objective":{},"constraints":[]}"#, "/kind"),
        whole(r#"{"kind":"selection","objective":{},"constraints":[]}"#, "/constraints /objective/name"),
        whole(r#"{"kind":"bias_study"}"#, "/bias /k /latent /rankings /rules /strengths"),
        invalid(|job| job["colour"] = json!("red"), "/colour"),
        invalid(|job| job["a/b~"] = json!(1), "/a~1b~0"),
        invalid(|job| job["kind"] = json!("dance"), "/kind"),
        invalid(|job| job["kind"] = json!("Selection"), "/kind"),
        invalid(|job| job["inline"] = Value::Null, "/dataset"),
        invalid(|job| job["dataset"] = json!("ds_1"), "/inline"),
        invalid(|job| job["dataset"] = json!(7), "/dataset"),
        invalid(|job| job["seed"] = json!(-1), "/seed"),
        invalid(|job| job["seed"] = json!(1.5), "/seed"),
        invalid(|job| job["seed"] = json!("7"), "/seed"),
        invalid(|job| job["seed"] = json!(1e20), "/seed"),
        invalid(|job| job["deadline_seconds"] = json!(0), "/deadline_seconds"),
        invalid(|job| job["deadline_seconds"] = json!(-1e300), "/deadline_seconds"),
        invalid(|job| job["on_stop"] = json!("explode"), "/on_stop"),
        invalid(|job| job["labels"] = json!({"a": "x".repeat(257)}), "/labels/a"),
        invalid(|job| job["labels"] = json!({"a": 1, "b": null}), "/labels/a /labels/b"),
        invalid(|job| job["labels"] = json!(["a"]), "/labels"),
        invalid(|job| (0..33).for_each(|i| job["labels"][i.to_string()] = json!("")), "/labels"),
        invalid(|job| job["objective"] = json!("facility_location"), "/objective"),
        invalid(|job| job["objective"] = json!({}), "/objective/name"),
        invalid(|job| job["objective"]["name"] = json!("happiness"), "/objective/name"),
        invalid(|job| job["objective"]["name"] = json!(["facility_location"]), "/objective/name"),
        invalid(|job| job["objective"]["lambda"] = json!(1), "/objective/lambda"),
        invalid(|job| job["objective"]["reduction"] = json!("max"), "/objective/reduction"),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "taxi", "width": 1}),
            "/objective/similarity/metric /objective/similarity/width",
        ),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "rbf", "gamma": 0}),
            "/objective/similarity/gamma",
        ),
        invalid(|job| job["objective"]["similarity"] = json!({"gamma": 1}), "/objective/similarity/gamma"),
        invalid(
            |job| job["objective"]["similarity"] = json!({"metric": "precomputed"}),
            "/objective/similarity/metric",
        ),
        invalid(|job| job["objective"]["represented"] = json!({}), "/objective/represented"),
        invalid(
            |job| job["objective"]["represented"] = json!({"rows": [0], "sample": 1}),
            "/objective/represented",
        ),
        invalid(
            |job| job["objective"]["represented"] = json!({"sample": 0}),
            "/objective/represented/sample",
        ),
        invalid(
            |job| job["objective"]["represented"] = json!({"vectors": [[1, 2], [3, "4"], [5, 1e39]]}),
            "/objective/represented/vectors/1/1 /objective/represented/vectors/2/1",
        ),
        invalid(|job| job["objective"]["weights"] = json!([1, 1]), "/objective/weights"),
        invalid(|job| job["objective"]["weights"] = json!({"values": [1, -1]}), "/objective/weights"),
        invalid(|job| job["objective"]["weights"] = json!({"column": "g"}), "/objective/weights/column"),
        invalid(|job| job["objective"]["weights"] = json!({"column": "h"}), "/objective/weights/column"),
        invalid(|job| job["constraints"] = json!(null), "/constraints"),
        invalid(|job| job["constraints"]["k"] = json!("one"), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = Value::Null, "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(0), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(3), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(1.5), "/constraints/k"),
        invalid(|job| job["constraints"]["k"] = json!(u64::MAX), "/constraints/k"),
        invalid(|job| job["constraints"]["budget"] = json!(1), "/constraints/budget"),
        invalid(|job| job["constraints"]["include"] = json!([0, -1]), "/constraints/include/1"),
        invalid(|job| job["constraints"]["include"] = json!({"0": 1}), "/constraints/include"),
        invalid(
            |job| job["constraints"]["exclude"] = json!([null, 0.5]),
            "/constraints/exclude/0 /constraints/exclude/1",
        ),
        invalid(|job| job["constraints"]["groups"] = json!({}), "/constraints/groups/column"),
        invalid(
            |job| job["constraints"]["groups"] = json!({"column": "g", "at_most": {"x": -1, "a/b": "2"}}),
            "/constraints/groups/at_most/a~1b /constraints/groups/at_most/x",
        ),
        invalid(|job| job["constraints"]["groups"] = json!({"column": "h"}), "/constraints/groups/column"),
        invalid(|job| job["optimizer"] = json!("greedy"), "/optimizer"),
        invalid(|job| job["optimizer"] = json!({"name": "luck"}), "/optimizer/name"),
        invalid(|job| job["optimizer"] = json!({"name": "greedy", "epsilon": 1}), "/optimizer/epsilon"),
        invalid(
            |job| job["optimizer"] = json!({"name": "stochastic_greedy", "epsilon": 1.0}),
            "/optimizer/epsilon",
        ),
        invalid(
            |job| job["optimizer"] = json!({"name": "bidirectional_greedy", "pool": 1}),
            "/optimizer/pool",
        ),
        invalid(
            |job| {
                job["optimizer"] =
                    json!({"name": "bidirectional_greedy", "pool": 2.0, "full_ranking": "yes"});
            },
            "/optimizer/full_ranking",
        ),
        invalid(
            |job| {
                job["objective"] =
                    json!({"name": "facility_location", "reduction": 1, "similarity": {"x": 1}});
                job["constraints"] = json!({"k": -1, "groups": {"column": 1, "row": 2}});
                (job["optimizer"], job["seed"]) = (json!({"name": "greedy", "pool": 2}), json!([]));
            },
            "/constraints/groups/column /constraints/groups/row /constraints/k /objective/reduction \
             /objective/similarity/x /optimizer/pool /seed",
        ),
    ]
}

/// Jobs that contradict their dataset.
pub(super) fn of_the_dataset() -> Vec<Case> {
    let refused = |change: fn(&mut Value), status, code, places| {
        case(Method::POST, "/v1/jobs", JSON, job(change), (status, code, places))
    };
    vec![
        refused(
            |job| {
                job["inline"] = Value::Null;
                job["dataset"] = json!("ds_1");
            },
            404,
            "dataset_not_found",
            "/dataset",
        ),
        refused(
            |job| job["objective"]["represented"] = json!({"dataset": "ds_1"}),
            404,
            "dataset_not_found",
            "/objective/represented/dataset",
        ),
        refused(|job| job["inline"] = json!([]), 422, "invalid_parameter", "/inline"),
        refused(|job| job["inline"]["songs"] = json!(1), 422, "invalid_parameter", "/inline/songs"),
        refused(|job| job["inline"]["vectors"][1] = json!([1]), 422, "shape_mismatch", "/inline/vectors/1"),
        refused(
            |job| job["inline"]["vectors"][1][0] = Value::Null,
            422,
            "invalid_matrix",
            "/inline/vectors/1/0",
        ),
        refused(
            |job| {
                job["constraints"]["include"] = json!([2, "c"]);
                job["constraints"]["k"] = json!(9);
            },
            422,
            "unknown_item",
            "/constraints/include/0 /constraints/include/1 /constraints/k",
        ),
        refused(
            |job| job["constraints"]["include"] = json!([0, "a"]),
            422,
            "duplicate_item",
            "/constraints/include/1",
        ),
        refused(
            |job| {
                job["constraints"]["include"] = json!([0]);
                job["constraints"]["exclude"] = json!(["a"]);
            },
            422,
            "duplicate_item",
            "/constraints/exclude",
        ),
        refused(
            |job| job["constraints"]["groups"] = json!({"column": "g", "at_least": {"z": 1}}),
            422,
            "unknown_group",
            "/constraints/groups/at_least/z",
        ),
        refused(
            |job| job["constraints"]["groups"] = json!({"column": "g", "default_at_least": 1}),
            422,
            "infeasible_constraint",
            "/constraints",
        ),
        refused(
            |job| job["objective"]["weights"] = json!({"values": [1]}),
            422,
            "shape_mismatch",
            "/objective/weights",
        ),
        refused(
            |job| job["optimizer"] = json!({"name": "bidirectional_greedy", "full_ranking": true}),
            422,
            "optimizer_mismatch",
            "/constraints",
        ),
    ]
}

#[tokio::test]
async fn of_a_great_many_bad_places_a_hundred_are_told() {
    let client = Client::new();
    for (item, code) in [("-1", "invalid_parameter"), ("7", "unknown_item")] {
        let items = vec![item; 50_000].join(",");
        let body = job(|_| {}).replace("\"k\":1", &format!("\"k\":1,\"include\":[{items}]"));
        let answer = client.post("/v1/jobs", JSON, body).await;
        assert_eq!((answer.status.as_u16(), answer.text("/code").as_str()), (422, code));
        assert_eq!(answer.json["errors"].as_array().map(Vec::len), Some(100));
        assert!(answer.text("/detail").ends_with("; and more"));
    }
    let last = format!("{}-1", "0,".repeat(50_000));
    let body = job(|_| {}).replace("\"k\":1", &format!("\"k\":1,\"include\":[{last}]"));
    let answer = client.post("/v1/jobs", JSON, body).await;
    assert_eq!(answer.text("/errors/0/pointer"), "/constraints/include/50000");
}
