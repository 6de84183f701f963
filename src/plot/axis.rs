//! From values to places along an axis, and the ticks that tell which.

/// Intervals between ticks that are aimed at.
const INTERVALS: f64 = 5.0;
/// The least that an axis with round ticks spans.
const LEAST_SPAN: f64 = 0.01;
/// Room before the first given value and after the last, as a share of what they span.
const ROOM: f64 = 0.06;
/// Values that span more than this ratio are placed by their logarithms.
const DECADE: f64 = 10.0;

pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

pub(super) struct Axis {
    pub(super) label: String,
    pub(super) ticks: Vec<Tick>,
    /// Both ends; logarithms where `log`.
    ends: (f64, f64),
    log: bool,
}

impl Axis {
    /// From a round number at or below `low` to `high`, with ticks at round numbers.
    pub(super) fn round(label: &str, low: f64, high: f64) -> Self {
        let low = low.min(high - LEAST_SPAN);
        let step = round_step((high - low) / INTERVALS);
        // Rounding may not add a tick nor lose one.
        let (first, last) = ((low / step + 1e-9).floor(), (high / step + 1e-9).floor());
        let decimals = (-step.log10()).ceil().max(0.0) as usize;
        let tick = |at: i64| {
            let at = at as f64 * step;
            Tick { at, label: format!("{at:.decimals$}") }
        };
        let ticks = (first as i64..=last as i64).map(tick).collect();
        Self { label: label.into(), ticks, ends: (first * step, high), log: false }
    }

    /// With a tick at each of these values, which rise, and some room around them. Logarithmic where they are above 0
    /// and span more than a decade.
    pub(super) fn at(label: &str, values: &[f64]) -> Self {
        let ticks = values.iter().map(|&at| Tick { at, label: at.to_string() }).collect();
        let (least, most) = (*values.first().unwrap_or(&0.0), *values.last().unwrap_or(&0.0));
        let log = least > 0.0 && most > DECADE * least;
        let (from, to) = if log { (least.ln(), most.ln()) } else { (least, most) };
        let room = if to > from { ROOM * (to - from) } else { 1.0 };
        Self { label: label.into(), ticks, ends: (from - room, to + room), log }
    }

    /// The share of the axis that lies before a value, 0 to 1; beyond an end it is the end.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.log { value.ln() } else { value };
        ((value - self.ends.0) / (self.ends.1 - self.ends.0)).clamp(0.0, 1.0)
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let lead = [1.0, 2.0, 5.0].into_iter().find(|lead| lead * power >= least * (1.0 - 1e-9));
    lead.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| &*tick.label).collect()
    }

    #[test]
    fn ticks_are_round_and_begin_at_or_below_the_least() {
        let round = |low, high| Axis::round("", low, high);
        assert_eq!(labels(&round(0.43, 1.0)), ["0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&round(0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&round(0.982, 1.0)), ["0.980", "0.985", "0.990", "0.995", "1.000"]);
        assert_eq!(labels(&round(1.0, 1.0)), ["0.990", "0.992", "0.994", "0.996", "0.998", "1.000"]);
        assert_eq!(labels(&round(0.9, 1.004)), ["0.90", "0.95", "1.00"]);
        assert_eq!(labels(&round(0.0, 37.0)), ["0", "10", "20", "30"]);
    }

    #[test]
    fn values_keep_their_order_and_more_than_a_decade_is_logarithmic() {
        let places = |values: &[f64]| {
            let axis = Axis::at("", values);
            values.iter().map(|&value| axis.place(value)).collect::<Vec<_>>()
        };
        let evenly = |places: &[f64]| (places[1] - places[0] - (places[2] - places[1])).abs() < 1e-9;
        assert!(evenly(&places(&[10.0, 55.0, 100.0])) && !evenly(&places(&[10.0, 31.6, 100.0])));
        assert!(evenly(&places(&[5.0, 50.0, 500.0])) && evenly(&places(&[0.0, 50.0, 100.0])));
        assert_eq!(places(&[100.0]), [0.5]);
        assert!(places(&[1.0, 3.0, 1000.0]).iter().all(|place| (0.05..0.95).contains(place)));
    }
}
