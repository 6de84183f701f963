//! The picture of an attribution: what the first regions of the order show, and what hiding them costs.

use super::axis::Axis;
use super::chart::{Chart, Key, Line, Panel, Point, Sample, Spread};
use super::count;
use crate::jobs::attribution::result::{AttributionResult, Explained};

const TITLE: &str = "What the model's answer rests on";

/// The target's probability against the share of the input, with the first regions shown and with them hidden; the areas
/// under both curves stand in the legend. O(regions).
pub fn curves(result: &AttributionResult) -> String {
    chart(result).svg()
}

/// One of the two.
#[derive(Clone, Copy)]
struct Curve<'a> {
    regions: &'static str,
    name: &'static str,
    points: &'a [f64],
    auc: Option<f64>,
}

impl Curve<'_> {
    fn told(self) -> String {
        let Self { regions, name, auc, .. } = self;
        match auc {
            Some(auc) => format!("the first regions {regions}: area under the {name} curve {auc:.4}"),
            None => format!("the first regions {regions}"),
        }
    }
}

fn chart(result: &AttributionResult) -> Chart {
    let Explained { areas, insertion_curve, deletion_curve, insertion_auc, deletion_auc, ranking, .. } =
        &result.explained;
    let both = [
        Curve { regions: "shown", name: "insertion", points: insertion_curve, auc: *insertion_auc },
        Curve { regions: "hidden", name: "deletion", points: deletion_curve, auc: *deletion_auc },
    ];
    let line = |(hue, curve): (usize, Curve<'_>)| Line {
        name: curve.regions.into(),
        hue,
        dashed: hue == 1,
        points: areas.iter().zip(curve.points).map(|(&x, &y)| Point { x, y: Some(y), se: None }).collect(),
    };
    let key = |(hue, curve): (usize, Curve<'_>)| Key {
        sample: Sample::Hue { hue, dashed: hue == 1 },
        text: curve.told(),
    };
    let target = result.target.map_or_else(|| "the target".into(), |target| format!("class {target}"));
    let stopped = if result.complete {
        String::new()
    } else {
        format!(" The run was stopped ({}).", result.termination)
    };
    let notes = vec![
        format!("Probability of {target} with the first regions of the order shown, and with them hidden."),
        format!("{} in order.{stopped}", count(ranking.len() as u64, "region")),
    ];
    let of_both = both.map(Curve::told).join("; ");
    Chart {
        title: TITLE.into(),
        description: format!("{} {of_both}.", notes.join(" ")),
        notes,
        x: Axis::round("share of the input", 0.0, 1.0),
        y: Axis::round(&format!("probability of {target}"), 0.0, 1.0),
        guides: vec![],
        panels: vec![Panel { title: None, lines: both.into_iter().enumerate().map(line).collect() }],
        spread: Spread::Band,
        keys: both.into_iter().enumerate().map(key).collect(),
    }
}
