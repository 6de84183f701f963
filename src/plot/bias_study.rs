//! The picture of a bias study: how good committees are that were chosen from biased rankings.

use super::axis::Axis;
use super::chart::{Chart, Key, Line, Panel, Point, Sample, Spread};
use super::{count, made, names};
use crate::jobs::experiment::result::{BiasStudyResult, CellRecord};
use std::collections::BTreeMap;

const TITLE: &str = "Quality of committees chosen from biased rankings";
const WITH: &str = "with the best quota";
const WITHOUT: &str = "without quotas";

/// A mean and its standard error.
type Value = (Option<f64>, Option<f64>);

/// What the x axis shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Against {
    /// The number of rankings, one panel a strength.
    Rankings,
    /// The strength of the bias, of the one number of rankings that there is.
    Strength,
}

impl Against {
    fn x(self, cell: &CellRecord) -> f64 {
        match self {
            Self::Rankings => cell.rankings as f64,
            Self::Strength => cell.strength,
        }
    }
}

/// Mean share of the latent optimum against the number of rankings, one panel a strength of the bias and one colour a
/// rule: dashed without quotas, solid with that of the best mean, bars of one standard error. Of a single number of
/// rankings, against the strength instead. A cell without a value is a gap. O(cells).
pub fn quality(result: &BiasStudyResult) -> String {
    chart(result).svg()
}

fn chart(result: &BiasStudyResult) -> Chart {
    let cells = &result.cells;
    let names = names(cells.iter().map(|cell| (cell.rule_index, &*cell.rule)));
    let sizes = rising(cells.iter().map(|cell| cell.rankings as f64));
    let strengths = rising(cells.iter().map(|cell| cell.strength));
    let quotas = cells.iter().any(|cell| !cell.by_quota.is_empty());
    let against = if sizes.len() == 1 && strengths.len() > 1 { Against::Strength } else { Against::Rankings };
    let (x, panels) = match against {
        Against::Rankings => {
            let panel = |strength: &f64| Panel {
                title: Some(format!("bias strength {strength}")),
                lines: lines(cells, &names, against, quotas, |cell| cell.strength == *strength),
            };
            (Axis::at("rankings", &sizes), strengths.iter().map(panel).collect())
        }
        Against::Strength => {
            let rankings = cells.first().map(|cell| count(cell.rankings, "ranking"));
            let panel = Panel { title: rankings, lines: lines(cells, &names, against, quotas, |_| true) };
            (Axis::at("strength of the bias", &strengths), vec![panel])
        }
    };
    Chart {
        title: TITLE.into(),
        notes: vec![format!("{} Bars: one standard error.", made(&result.ran))],
        description: description(&names, &sizes, &strengths, quotas, against),
        x,
        y: share(&panels),
        panels,
        spread: Spread::Bars,
        guides: vec![],
        keys: keys(names.values(), quotas),
    }
}

/// Lines of one panel: by rule, without quotas and then, where there are any, with the best.
fn lines(
    cells: &[CellRecord],
    names: &BTreeMap<u64, String>,
    against: Against,
    quotas: bool,
    here: impl Fn(&CellRecord) -> bool,
) -> Vec<Line> {
    let mut lines = vec![];
    for (hue, (rule, name)) in names.iter().enumerate() {
        let mut of: Vec<&CellRecord> =
            cells.iter().filter(|cell| cell.rule_index == *rule && here(cell)).collect();
        of.sort_by(|a, b| against.x(a).total_cmp(&against.x(b)));
        let mut line = |kind: &str, dashed, value: &dyn Fn(&CellRecord) -> Value| {
            let point = |cell: &&CellRecord| {
                let (y, se) = value(cell);
                Point { x: against.x(cell), y, se }
            };
            let points = of.iter().map(point).collect();
            lines.push(Line { name: format!("{name}, {kind}"), hue, dashed, points });
        };
        line(WITHOUT, true, &|cell| {
            (cell.unconstrained.map(|of| of.mean), cell.unconstrained.and_then(|of| of.se))
        });
        if quotas {
            line(WITH, false, &|cell| {
                let best = cell.by_quota.iter().find(|level| Some(level.at_least) == cell.best_quota);
                (cell.best_quota_mean, best.and_then(|level| level.estimate?.se))
            });
        }
    }
    lines
}

/// From a round number below the least to 1, or to the greatest where greedy's value stands for an optimum and there are
/// greater.
fn share(panels: &[Panel]) -> Axis {
    let points = panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
    let reach: Vec<(f64, f64)> =
        points.filter_map(|point| Some((point.y?, point.se.unwrap_or(0.0)))).collect();
    let low = reach.iter().map(|(y, se)| y - se).reduce(f64::min).unwrap_or(0.0).max(0.0);
    let high = reach.iter().map(|(y, se)| y + se).fold(1.0, f64::max);
    Axis::round("share of the latent optimum", low, high)
}

fn keys<'a>(names: impl Iterator<Item = &'a String>, quotas: bool) -> Vec<Key> {
    let rule = |(hue, name): (usize, &String)| Key {
        sample: Sample::Hue { hue, dashed: false },
        text: name.clone(),
    };
    let kinds = if quotas { &[(WITH, false), (WITHOUT, true)][..] } else { &[(WITHOUT, true)] };
    let kind =
        |&(text, dashed): &(&str, bool)| Key { sample: Sample::Plain { dashed }, text: text.to_owned() };
    names.enumerate().map(rule).chain(kinds.iter().map(kind)).collect()
}

fn description(
    names: &BTreeMap<u64, String>,
    sizes: &[f64],
    strengths: &[f64],
    quotas: bool,
    against: Against,
) -> String {
    let list = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let axis = match against {
        Against::Rankings => "the number of rankings, one panel for each strength of the bias",
        Against::Strength => "the strength of the bias",
    };
    let kinds = if quotas {
        "dashed without quotas, solid with the quota of the best mean"
    } else {
        "dashed, without quotas"
    };
    let rules: Vec<&str> = names.values().map(String::as_str).collect();
    format!(
        "Mean share of the latent optimum against {axis}. Rankings: {}. Strengths: {}. One colour for each rule ({}), \
         {kinds}. Bars are one standard error.",
        list(sizes),
        list(strengths),
        rules.join(", ")
    )
}

/// Each value once, from the least.
fn rising(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}
