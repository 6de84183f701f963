//! The picture of smoothness: how much of the difference between candidates is still seen under the bias.

use super::axis::Axis;
use super::chart::{Chart, Key, Line, Panel, Point, Sample, Spread};
use super::{count, made, names, palette};
use crate::jobs::experiment::result::{CurveRecord, SmoothnessResult};

const TITLE: &str = "What biased rankings still tell of the candidates";

/// Above 1 the worse candidate looks better. How much better matters less, and a rule that misleads without bounds would
/// press all others to the ground.
const MOST_GAMMA: f64 = 2.0;

/// gamma against beta, a line a rule with a band of one standard error, and as guides gamma = 1 and gamma = beta; alpha
/// and the number of rankings needed stand in the legend. Where gamma is not defined the line has a gap; where it is
/// above 2 the line leaves the picture. O(points).
pub fn smoothness(result: &SmoothnessResult) -> String {
    chart(result).svg()
}

fn chart(result: &SmoothnessResult) -> Chart {
    let names = names(result.curves.iter().map(|curve| (curve.rule_index, &*curve.rule)));
    let name = |curve: &CurveRecord| names.get(&curve.rule_index).unwrap_or(&curve.rule).clone();
    let line = |(hue, curve): (usize, &CurveRecord)| Line {
        name: name(curve),
        hue,
        dashed: dashed(hue),
        points: curve.curve.iter().map(point).collect(),
    };
    let lines: Vec<Line> = result.curves.iter().enumerate().map(line).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let least_beta = points().map(|point| point.x).reduce(f64::min).unwrap_or(0.0).clamp(0.0, 1.0);
    // With its band, as far as there is room.
    let reach = points().filter_map(|point| Some(point.y? + point.se.unwrap_or(0.0)));
    let most_gamma = reach.fold(1.0, f64::max).min(MOST_GAMMA);
    let x = Axis::round("beta", least_beta, 1.0);
    let left = x.ticks.first().map_or(0.0, |tick| tick.at);
    let key = |(hue, curve): (usize, &CurveRecord)| Key {
        sample: Sample::Hue { hue, dashed: dashed(hue) },
        text: told(&name(curve), curve),
    };
    let beyond = result.curves.iter().flat_map(|curve| &curve.curve);
    let beyond = beyond.filter_map(|point| point.1).any(|gamma| gamma > MOST_GAMMA);
    let cut = if beyond { format!(" gamma above {MOST_GAMMA} is not drawn.") } else { String::new() };
    let notes = vec![
        "Who is at most beta times as good as another of the group looks at most gamma times as good.".into(),
        format!("{} Bands: one standard error.{cut}", made(&result.ran)),
    ];
    let of_rules: String =
        result.curves.iter().map(|curve| format!(" {}.", told(&name(curve), curve))).collect();
    let keys = result.curves.iter().enumerate().map(key);
    let guide = Key { sample: Sample::Guide, text: "gamma = 1 and gamma = beta".into() };
    Chart {
        title: TITLE.into(),
        description: format!("gamma against beta, a line for each rule.{of_rules} {}", notes.join(" ")),
        notes,
        x,
        y: Axis::round("gamma", 0.0, most_gamma),
        guides: vec![[(left, 1.0), (1.0, 1.0)], [(left, left), (1.0, 1.0)]],
        panels: vec![Panel { title: None, lines }],
        spread: Spread::Band,
        keys: keys.chain([guide]).collect(),
    }
}

fn point(&(beta, gamma, se): &(f64, Option<f64>, Option<f64>)) -> Point {
    Point { x: beta, y: gamma.filter(|gamma| *gamma <= MOST_GAMMA), se }
}

/// Colours that come again come dashed.
fn dashed(hue: usize) -> bool {
    hue / palette::COUNT % 2 == 1
}

/// What the legend says of a rule.
fn told(name: &str, curve: &CurveRecord) -> String {
    let alpha = match curve.alpha {
        None => "no alpha".into(),
        Some(alpha) => match alpha.se {
            // Somebody has no score at all: it is 0 and not merely near it.
            _ if alpha.mean == 0.0 => "alpha 0".into(),
            None => format!("alpha {:.4}", alpha.mean),
            Some(se) => format!("alpha {:.4} ± {se:.4}", alpha.mean),
        },
    };
    let needed = match curve.rankings_needed {
        None => "no number of rankings is known to suffice".into(),
        Some(needed) => format!("{} needed", count(needed, "ranking")),
    };
    let unknown =
        if curve.curve.iter().all(|point| point.1.is_none()) { ", gamma is not defined" } else { "" };
    format!("{name}: {alpha}, {needed}{unknown}")
}
