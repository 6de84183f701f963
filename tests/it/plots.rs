//! Pictures of experiments: what stands in them, and who is given one.

mod picture;

use crate::client::{Answer, Client, MANY, endless, selection};
use axum::body::Body;
use axum::http::{Request, header};
use fewer::config::Retention;
use fewer::jobs::experiment::result::{
    BiasStudyResult, CellRecord, CurveRecord, EstimateRecord, QuotaRecord, RanRecord, SmoothnessResult,
};
use fewer::plot;
use picture::{Element, read};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn ran() -> RanRecord {
    RanRecord {
        repetitions: 20,
        complete: true,
        termination: "all_repetitions".into(),
        seed: 1,
        dataset_digest: None,
        version: "0".into(),
        seconds: 1.0,
    }
}

fn estimate(mean: f64) -> EstimateRecord {
    EstimateRecord { mean, se: Some(0.01) }
}

/// A cell that quotas lift by 0.1.
fn cell(rule: (u64, &str), rankings: u64, strength: f64, mean: Option<f64>) -> CellRecord {
    let lifted = mean.map(|mean| mean + 0.1);
    CellRecord {
        rule: rule.1.into(),
        rule_index: rule.0,
        rankings,
        strength,
        optimum: "exact".into(),
        repetitions: 20,
        unconstrained: mean.map(estimate),
        by_quota: vec![QuotaRecord { at_least: 2, estimate: lifted.map(estimate) }],
        best_quota: mean.map(|_| 2),
        best_quota_mean: lifted,
        oracle_mean: None,
        gain: None,
    }
}

/// Every rule, number of rankings and strength, from 0.5 up.
fn study(rules: &[&str], rankings: &[u64], strengths: &[f64]) -> BiasStudyResult {
    let mut cells = vec![];
    for rule in (0..).zip(rules.iter().copied()) {
        for (step, &rankings) in rankings.iter().enumerate() {
            let of = |&strength| cell(rule, rankings, strength, Some(0.5 + 0.1 * step as f64));
            cells.extend(strengths.iter().map(of));
        }
    }
    BiasStudyResult { cells, ran: ran() }
}

fn curve(place: u64, rule: &str, curve: &[(f64, Option<f64>, Option<f64>)]) -> CurveRecord {
    CurveRecord {
        rule: rule.into(),
        rule_index: place,
        tau1: 1.0,
        alpha: Some(EstimateRecord { mean: 0.125, se: Some(0.0625) }),
        curve: curve.to_vec(),
        rankings_needed: Some(539),
    }
}

#[test]
fn a_picture_is_one_document_for_light_and_dark_that_says_what_it_shows() {
    let bias = plot::quality(&study(&["sntv", "bloc"], &[25, 100], &[0.25, 0.5]));
    let curves = vec![curve(0, "sntv", &[(0.5, Some(0.7), Some(0.1)), (1.0, Some(1.1), None)])];
    let smooth = plot::smoothness(&SmoothnessResult { curves, ran: ran() });
    for svg in [&bias, &smooth] {
        let root = read(svg);
        assert_eq!((&*root.name, &*root.attributes["role"]), ("svg", "img"));
        assert!(root.attributes.contains_key("viewBox"));
        assert!(root.inside[0].name == "title" && root.inside[1].name == "desc");
        assert!(root.inside[1].text.contains("sntv") && root.inside[1].text.contains("one standard error"));
        // Each colour is said again for the other ground, and no element has one of its own.
        let style = root.texts("style")[0];
        let (light, dark) = style.split_once("@media (prefers-color-scheme:dark)").unwrap();
        let mut used = BTreeSet::new();
        for element in root.all() {
            used.extend(element.class().split(' ').filter(|class| !class.is_empty()));
            for (name, value) in &element.attributes {
                assert!(!["fill", "stroke", "href", "id"].contains(&&**name), "{name}={value}");
            }
            let known = ["svg", "title", "desc", "style", "g", "path", "rect", "text"];
            assert!(known.contains(&&*element.name), "{}", element.name);
        }
        for class in ["ground", "text", "name", "grid", "frame", "h0", "plain"] {
            assert!(used.contains(class), "{class} is not used");
            assert!(light.contains(&format!(".{class}")) && dark.contains(&format!(".{class}")), "{class}");
        }
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

#[test]
fn there_is_one_line_for_each_strength_rule_and_kind() {
    let result = study(&["sntv", "bloc", "k_borda"], &[25, 50, 100], &[0.5, 0.25]);
    let root = read(&plot::quality(&result));
    let panels = root.of_class("panel");
    for (panel, title) in panels.iter().zip(["bias strength 0.25", "bias strength 0.5"]) {
        assert_eq!(panel.of_class("part")[0].text, title);
        for (rule, hue) in [("sntv", "h0"), ("bloc", "h1"), ("k_borda", "h2")] {
            for (kind, dashed) in [("without quotas", true), ("with the best quota", false)] {
                let line = panel.line(&format!("{rule}, {kind}"));
                assert_eq!((line.class(), line.of_class("dashed").len()), (hue, usize::from(dashed)));
                assert_eq!(line.marks(if dashed { "hollow" } else { "full" }), 3);
                assert_eq!(line.marks("bar"), 9, "two caps and a bar for each point");
            }
        }
    }
    assert_eq!((panels.len(), root.lines().len()), (2, 12));
    let names: Vec<_> = root.of_class("name").into_iter().map(|key| &*key.text).collect();
    assert_eq!(names, ["sntv", "bloc", "k_borda", "with the best quota", "without quotas"]);
    // Neither the order of the cells nor another run of the same shows.
    let backwards = BiasStudyResult { cells: result.cells.iter().rev().cloned().collect(), ran: ran() };
    assert_eq!(plot::quality(&result), plot::quality(&result.clone()));
    assert_eq!(plot::quality(&result), plot::quality(&backwards));
}

#[test]
fn points_stand_where_their_numbers_are() {
    let mut result = study(&["bloc"], &[10, 55, 100], &[0.5]);
    let root = read(&plot::quality(&result));
    let even = root.line("bloc, without quotas").corners("line");
    let [a, b, c] = even[0][..] else { panic!("{even:?}") };
    for axis in [0, 1] {
        assert!(((b[axis] - a[axis]) - (c[axis] - b[axis])).abs() < 0.25, "{even:?}");
    }
    assert!(a[0] < b[0] && a[1] > b[1], "{even:?}");
    // 0.5 is a tick, and what a quota gives lies 0.1 above: as far as one step of the rankings.
    let lifted = root.line("bloc, with the best quota").corners("line")[0][0];
    assert_eq!((lifted[0], lifted[1]), (a[0], b[1]));

    result.cells[1].unconstrained = None;
    let root = read(&plot::quality(&result));
    let line = root.line("bloc, without quotas");
    let gap = line.corners("line");
    assert_eq!(gap, [[a], [c]], "each side of the gap is a point of its own");
    assert_eq!((line.marks("hollow"), line.marks("bar")), (2, 6));
}

#[test]
fn one_number_of_rankings_is_drawn_against_the_strength_and_one_cell_as_points() {
    let root = read(&plot::quality(&study(&["bloc", "sntv"], &[100], &[0.0, 0.5, 1.0])));
    assert_eq!((root.of_class("panel").len(), root.lines().len()), (1, 4));
    assert_eq!(root.of_class("part")[0].text, "100 rankings");
    assert!(root.texts("text").contains(&"strength of the bias"));
    assert_eq!(root.line("bloc, without quotas").corners("line")[0].len(), 3);

    let root = read(&plot::quality(&study(&["bloc", "sntv"], &[100], &[0.5])));
    let places: Vec<f64> = root.lines().iter().map(|line| line.corners("line")[0][0][0]).collect();
    assert!(places.windows(2).all(|pair| pair[1] - pair[0] > 10.0), "they lie on each other: {places:?}");
}

#[test]
fn a_study_without_quotas_has_dashed_lines_only() {
    let mut result = study(&["bloc"], &[25, 100], &[0.5]);
    for cell in &mut result.cells {
        (cell.by_quota, cell.best_quota, cell.best_quota_mean) = (vec![], None, None);
    }
    let root = read(&plot::quality(&result));
    assert_eq!((root.lines().len(), root.lines()[0].of_class("dashed").len()), (1, 1));
    assert!(!root.texts("text").contains(&"with the best quota"));
}

#[test]
fn the_same_rule_twice_and_hostile_names_are_told_apart_as_text() {
    let hostile = "</text><script>alert(\"x\")</script>&amp;\u{1}";
    let shown = "</text><script>alert(\"x\")</script>&amp;\u{fffd}";
    let bias = plot::quality(&study(&["geometric", hostile, "geometric"], &[25, 100], &[0.5]));
    let curves = [(0, "geometric"), (1, hostile), (2, "geometric")];
    let curves = curves.map(|(place, rule)| curve(place, rule, &[(1.0, Some(1.0), None)])).to_vec();
    let smooth = plot::smoothness(&SmoothnessResult { curves, ran: ran() });
    for svg in [bias, smooth] {
        let root = read(&svg);
        let names: Vec<_> = root.of_class("name").into_iter().map(|key| &*key.text).collect();
        assert!(names.len() >= 3, "{names:?}");
        for (name, key) in ["geometric", shown, "geometric (2)"].into_iter().zip(names) {
            assert!(key == name || key.starts_with(&format!("{name}: alpha")), "{key}");
        }
        assert!(root.all().iter().all(|element| element.name != "script"));
    }
}

#[test]
fn a_curve_has_gaps_where_gamma_is_unknown_and_ends_where_it_is_beyond_the_picture() {
    let points = [
        (0.0, None, None),
        (0.2, Some(0.3), Some(0.1)),
        (0.4, Some(0.5), Some(0.1)),
        (0.6, None, None),
        (0.8, Some(1.5), Some(0.1)),
        (0.9, Some(1.8), Some(0.1)),
        (1.0, Some(2.5), Some(0.1)),
    ];
    let mut curves = vec![curve(0, "sntv", &points), curve(1, "bloc", &[(0.0, Some(0.1), None)])];
    curves[1].rankings_needed = None;
    let root = read(&plot::smoothness(&SmoothnessResult { curves, ran: ran() }));
    let sntv = root.line("sntv");
    let parts: Vec<usize> = sntv.corners("line").iter().map(Vec::len).collect();
    assert_eq!(parts, [2, 2]);
    assert_eq!(sntv.of_class("band").len(), 2);
    assert!(root.line("bloc").of_class("band").is_empty(), "there is no standard error");
    assert_eq!(root.of_class("panel")[0].of_class("guide").len(), 2);
    let texts = root.texts("text");
    assert!(texts.contains(&"sntv: alpha 0.1250 ± 0.0625, 539 rankings needed"), "{texts:?}");
    assert!(texts.contains(&"bloc: alpha 0.1250 ± 0.0625, no number of rankings is known to suffice"));
    assert!(texts.iter().any(|text| text.contains("gamma above 2 is not drawn")), "{texts:?}");
}

#[test]
fn curves_that_are_one_and_points_that_stand_alone_are_still_seen() {
    let points: Vec<_> = (0..=20).map(|i| f64::from(i) / 20.0).map(|beta| (beta, Some(beta), None)).collect();
    let mut alone = vec![(0.0, None, None); 21];
    alone[7] = (0.35, Some(0.9), None);
    let nowhere = vec![(0.5, None, None)];
    let curves =
        [("k_borda", &points), ("chamberlin_courant_borda", &points), ("bloc", &alone), ("sntv", &nowhere)];
    let curves = (0..).zip(curves).map(|(place, (rule, points))| curve(place, rule, points)).collect();
    let root = read(&plot::smoothness(&SmoothnessResult { curves, ran: ran() }));
    let panel = root.of_class("panel")[0];
    let marks = |hue: &str| {
        let groups = panel.of_class(hue);
        groups
            .iter()
            .flat_map(|group| group.of_class("full"))
            .map(|path| path.attributes["d"].clone())
            .collect::<String>()
    };
    // Both have marks, which stand after every line, and none in the same place.
    let places = |hue: &str| {
        let marks = marks(hue);
        marks
            .split('M')
            .skip(1)
            .map(|mark| mark.split(',').next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert!(places("h0").len() >= 4 && places("h1").len() >= 4);
    let groups: Vec<_> = panel.inside.iter().filter(|element| element.name == "g").collect();
    assert!(groups[..4].iter().all(|line| line.of_class("full").is_empty()), "a line could cover a mark");
    assert_eq!((marks("h2").matches('M').count(), &*marks("h3")), (1, ""));
    let sntv = root.texts("text").into_iter().find(|text| text.starts_with("sntv")).unwrap();
    assert!(sntv.ends_with("gamma is not defined"), "{sntv}");
}

#[test]
fn an_experiment_that_was_stopped_says_so() {
    for (repetitions, told) in
        [(0, "Nothing was measured: the run was stopped (deadline)."), (7, "Means of 7 repetitions, where")]
    {
        let ran = RanRecord { repetitions, complete: false, termination: "deadline".into(), ..ran() };
        let bias = plot::quality(&BiasStudyResult { cells: vec![], ran: ran.clone() });
        let smooth = plot::smoothness(&SmoothnessResult { curves: vec![], ran });
        for svg in [bias, smooth] {
            assert!(read(&svg).texts("text").iter().any(|text| text.starts_with(told)), "{svg}");
        }
    }
}

/// docs/committees.md shows them. Where they are to change, what is drawn now lies beside the tests.
#[test]
fn the_pictures_of_the_documentation_are_drawn_from_the_results_beside_them() {
    let bias = serde_json::from_str(include_str!("../data/plots/bias_study.json")).unwrap();
    let smooth = serde_json::from_str(include_str!("../data/plots/smoothness.json")).unwrap();
    let drawn = [("bias_study", plot::quality(&bias)), ("smoothness", plot::smoothness(&smooth))];
    let beside = env!("CARGO_TARGET_TMPDIR");
    let stale = drawn.iter().filter(|(name, svg)| {
        std::fs::write(format!("{beside}/{name}.svg"), svg).unwrap();
        std::fs::read_to_string(format!("docs/pictures/{name}.svg")).unwrap_or_default() != *svg
    });
    let stale: Vec<_> = stale.map(|(name, _)| name).collect();
    assert!(stale.is_empty(), "{stale:?} of docs/pictures are out of date: what is drawn now is in {beside}");
}

fn bias_study() -> Value {
    json!({
        "kind": "bias_study",
        "latent": {"generator": "mallows", "phi": 0.9, "candidates": 8},
        "bias": {"model": "swapping"},
        "strengths": [0.5],
        "rules": [{"rule": "k_borda"}, {"rule": "sntv"}],
        "rankings": [5, 20],
        "k": 3,
        "quotas": [0, 1],
        "repetitions": 3,
    })
}

fn smoothness() -> Value {
    json!({
        "kind": "smoothness",
        "latent": {"generator": "mallows", "phi": 0.9, "candidates": 8},
        "bias": {"model": "swapping"},
        "strength": 0.5,
        "rules": [{"rule": "k_borda"}],
        "rankings": 20,
        "repetitions": 3,
    })
}

async fn ended(client: &Client, body: &Value) -> String {
    let job = client.submit(body).await;
    client.wait_for_end(&job, "succeeded").await;
    job
}

fn svg(answer: &Answer) -> Element {
    assert_eq!(answer.status, 200, "{}", answer.json);
    read(std::str::from_utf8(&answer.body).unwrap())
}

#[tokio::test]
async fn experiments_are_drawn_and_a_browser_may_show_them() {
    let client = Client::new();
    let job = ended(&client, &bias_study()).await;
    let answer = client.get(&format!("/v1/jobs/{job}/plot.svg")).await;
    let header = |name: &str| answer.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "image/svg+xml");
    assert_eq!(header("content-disposition"), format!("inline; filename=\"{job}.svg\""));
    assert_eq!(header("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
    assert_eq!(header("vary"), "Accept");
    let root = svg(&answer);
    let cells = client.get(&format!("/v1/jobs/{job}/result")).await.json["bias_study"]["cells"].clone();
    assert_eq!((root.lines().len(), cells.as_array().unwrap().len()), (4, 4));
    for line in root.lines() {
        assert_eq!(line.marks("full") + line.marks("hollow"), 2, "a point for each number of rankings");
    }
    let again = client.get(&format!("/v1/jobs/{job}/plot.svg?what=quality")).await;
    assert_eq!(again.body, answer.body);

    let job = ended(&client, &smoothness()).await;
    let root = svg(&client.get(&format!("/v1/jobs/{job}/plot.svg?what=smoothness")).await);
    assert_eq!(root.lines().len(), 1);
    // What browsers ask for in an <img>.
    let accept = "image/avif,image/webp,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    for (accept, status) in
        [(accept, 200), ("image/*", 200), ("image/png", 406), ("*/*, image/svg+xml;q=0", 406)]
    {
        let request = Request::get(format!("/v1/jobs/{job}/plot.svg")).header(header::ACCEPT, accept);
        let answer = client.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers[header::VARY]),
            (status, &"Accept".parse().unwrap())
        );
    }
}

async fn refused(client: &Client, path: &str) -> (u16, String, Value) {
    let answer = client.get(path).await;
    (answer.status.as_u16(), answer.text("/code"), answer.json["errors"].clone())
}

#[tokio::test]
async fn what_has_no_picture_says_why() {
    let client = Client::with(|settings| {
        settings.workers = 1;
        settings.retention = Retention { result_seconds: Some(60.0), ..Retention::default() };
    });
    let path = |job: &str| format!("/v1/jobs/{job}/plot.svg");
    let unknown = refused(&client, &path("job_1")).await;
    assert_eq!((unknown.0, &*unknown.1), (404, "job_not_found"));

    let (drawn, curve) = (ended(&client, &bias_study()).await, ended(&client, &smoothness()).await);
    for (job, query, status, code) in [
        (&drawn, "?what=smoothness", 422, "no_plot"),
        (&curve, "?what=quality", 422, "no_plot"),
        (&drawn, "?what=colour", 400, "invalid_query"),
    ] {
        let (found, of, errors) = refused(&client, &format!("{}{query}", path(job))).await;
        assert_eq!((found, &*of), (status, code), "{query}");
        assert_eq!((&errors[0]["parameter"], &errors[0]["code"]), (&json!("what"), &json!(code)), "{query}");
    }

    // A selection will never have one; an experiment that waits behind it has none yet.
    let dataset = client.upload(MANY, 4).await;
    let small = ended(&client, &selection(&dataset, 1)).await;
    let large = client.submit(&endless(&dataset)).await;
    let waiting = client.submit(&bias_study()).await;
    for job in [&small, &large] {
        let (status, code, errors) = refused(&client, &path(job)).await;
        assert_eq!((status, &*code, errors), (422, "no_plot", json!([])));
    }
    let unfinished = refused(&client, &path(&waiting)).await;
    assert_eq!((unfinished.0, &*unfinished.1), (409, "job_not_finished"));
    for job in [&waiting, &large] {
        client.post(&format!("/v1/jobs/{job}/cancel"), "", "").await;
    }
    let nothing = refused(&client, &path(&waiting)).await;
    assert_eq!((nothing.0, &*nothing.1), (409, "no_result"));

    client.app.sweep(time::OffsetDateTime::now_utc() + time::Duration::hours(1)).unwrap();
    let expired = refused(&client, &path(&drawn)).await;
    assert_eq!((expired.0, &*expired.1), (410, "result_expired"));
}
