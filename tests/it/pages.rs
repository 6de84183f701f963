//! What the pages of the documentation show is accepted, runs as it stands, and gives the figures beside it.

use crate::client::Client;
use serde_json::{Value, json};

const OBJECTIVES: &str = include_str!("../../docs/objectives.md");
const ATTRIBUTION: &str = include_str!("../../docs/attribution.md");
const COMMITTEES: &str = include_str!("../../docs/committees.md");

/// The blocks of JSON of a page.
fn snippets(page: &'static str) -> impl Iterator<Item = Value> {
    let fenced = page.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix("json\n")).map(|text| serde_json::from_str(text).unwrap())
}

/// Thirty points of the unit square, none at the origin, with the columns that the page names.
fn data() -> Value {
    let rows = 0..30;
    let coordinate = |row: usize, step: f64| 0.05 + 0.9 * (row as f64 * step).fract();
    json!({
        "kind": "vectors",
        "vectors": rows.clone().map(|row| [coordinate(row, 0.618_034), coordinate(row, 0.414_214)]).collect::<Vec<_>>(),
        "columns": {
            "section": rows.clone().map(|row| ["games", "libs", "docs", "web", "math"][row % 5]).collect::<Vec<_>>(),
            "size": rows.clone().map(|row| 1 + row % 4).collect::<Vec<_>>(),
            "quality": rows.map(|row| coordinate(row, 0.271_828)).collect::<Vec<_>>(),
        },
    })
}

#[tokio::test]
async fn every_job_on_the_page_of_objectives_runs_as_it_stands() {
    let client = Client::new();
    let answer = client.post_json("/v1/datasets", &data()).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    let dataset = answer.text("/id");
    let turned = |voter: usize| (0..20).map(|place| (7 * place + 3 * voter) % 20).collect::<Vec<_>>();
    let rankings = json!({"kind": "rankings", "rankings": (0..9).map(turned).collect::<Vec<_>>()});
    let rankings = client.post_json("/v1/datasets", &rankings).await.text("/id");
    let mut shown = (vec![], vec![]);
    for members in snippets(OBJECTIVES) {
        for (kind, names) in [("objective", &mut shown.0), ("optimizer", &mut shown.1)] {
            names.extend(members[kind]["name"].as_str().map(str::to_owned));
        }
        let of_rankings = members["objective"]["name"] == "committee";
        let mut job = json!({"kind": "selection", "dataset": if of_rankings { &rankings } else { &dataset }});
        job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        if members["objective"]["name"] == "external" {
            // Its answers are the reader's.
            job.as_object_mut().unwrap().remove("dataset");
            let plan = client.post_json("/v1/jobs?validate_only=true", &job).await;
            assert_eq!(plan.status, 200, "{}", plan.json);
            continue;
        }
        let found = client.selected(&job).await;
        let (k, chosen) = (&members["constraints"]["k"], found["indices"].as_array().unwrap());
        let may_end_early = !members["constraints"]["stop_when_gain_at_most"].is_null();
        assert!(!chosen.is_empty(), "{members}");
        if let Some(k) = k.as_u64().filter(|_| !may_end_early) {
            assert_eq!(chosen.len() as u64, k, "{members} {found}");
        }
    }
    // The page leaves none out.
    for (path, names, elsewhere) in
        [("/v1/objectives", shown.0, &[][..]), ("/v1/optimizers", shown.1, &["auto"][..])]
    {
        let listed = client.get(path).await.json;
        for item in listed["items"].as_array().unwrap() {
            let name = item["name"].as_str().unwrap();
            assert!(
                names.iter().any(|shown| shown == name) || elsewhere.contains(&name),
                "{name} is not shown"
            );
        }
    }
}

/// The rows of the page's tables that begin with these cells.
fn rows(begin: &str) -> Vec<Vec<&'static str>> {
    let cells = |row: &'static str| row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect();
    COMMITTEES.lines().filter(|line| line.starts_with(begin)).map(cells).collect()
}

fn rounded(value: &Value) -> String {
    format!("{:.3}", value.as_f64().unwrap())
}

/// The means of a cell, without quotas and with one and two.
fn means(cell: &Value) -> [String; 3] {
    let with = |level: usize| rounded(&cell["by_quota"][level]["mean"]);
    [rounded(&cell["unconstrained"]["mean"]), with(1), with(2)]
}

#[tokio::test]
async fn the_page_of_committees_shows_what_its_commands_give() {
    let client = Client::new();
    let mut bodies = snippets(COMMITTEES);
    let dataset = client.post_json("/v1/datasets", &bodies.next().unwrap()).await.text("/id");
    let mut results = vec![];
    for mut body in bodies {
        if body.get("dataset").is_some() {
            body["dataset"] = json!(dataset);
        }
        results.push(client.selected(&body).await);
    }
    let [free, fair, rankings, strengths, smooth] = results.as_slice() else { panic!("{}", results.len()) };
    assert_eq!((&free["ids"], &free["objective_value"]), (&json!(["Ana", "Ben", "Chi"]), &json!(104.0)));
    assert_eq!(free["committee"]["voter_satisfaction"]["least"], 15.0);
    assert_eq!((&fair["ids"], &fair["objective_value"]), (&json!(["Ana", "Ben", "Eva"]), &json!(96.0)));

    let cells = rankings["bias_study"]["cells"].as_array().unwrap().iter();
    let cells =
        cells.map(|cell| (format!("| {} | {} |", cell["rule"].as_str().unwrap(), cell["rankings"]), cell));
    for (begin, cell) in cells {
        let row = &rows(&begin)[0];
        assert_eq!(row[2..], means(cell), "{begin}");
    }
    let table: Vec<_> = rows("| k_borda | ").into_iter().filter(|row| row.len() == 5).skip(3).collect();
    let cells = strengths["bias_study"]["cells"].as_array().unwrap();
    assert_eq!((table.len(), cells.len()), (4, 4));
    for (row, cell) in table.iter().zip(cells) {
        assert_eq!(row[1].parse::<f64>().unwrap(), cell["strength"].as_f64().unwrap());
        assert_eq!(row[2..], means(cell), "{row:?}");
    }
    for of in smooth["smoothness"].as_array().unwrap() {
        let alpha = rounded(&of["alpha"]["mean"]);
        let [row] = &rows(&format!("| {} | {alpha} |", of["rule"].as_str().unwrap()))[..] else {
            panic!("{of}")
        };
        assert_eq!(row[2..], [rounded(&of["curve"][2][1]), of["rankings_needed"].to_string()]);
    }
}

#[tokio::test]
async fn the_attribution_on_its_page_has_the_order_and_the_curves_beside_it() {
    let client = Client::new();
    let row = ATTRIBUTION.lines().find(|line| line.starts_with("| 0, 1, 2 |")).unwrap();
    let cells: Vec<Vec<f64>> = (row.trim_matches(['|', ' ']).split('|'))
        .map(|cell| cell.split(',').map(|number| number.trim().parse().unwrap()).collect())
        .collect();
    let mut jobs = 0;
    for job in snippets(ATTRIBUTION) {
        let found = &client.selected(&job).await["attribution"];
        let curves =
            ["ranking", "areas", "insertion_curve", "deletion_curve", "insertion_auc", "deletion_auc"];
        for (name, shown) in curves.into_iter().zip(&cells) {
            let one = std::slice::from_ref(&found[name]);
            let numbers = found[name].as_array().map_or(one, Vec::as_slice);
            let found: Vec<f64> = numbers.iter().map(|number| number.as_f64().unwrap()).collect();
            let same = found.iter().zip(shown).all(|(found, shown)| (found - shown).abs() < 1e-9);
            assert!(same && found.len() == shown.len(), "{name}: {found:?}, on the page {shown:?}");
        }
        jobs += 1;
    }
    assert_eq!((jobs, cells.len()), (1, 6));
}
