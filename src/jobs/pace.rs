//! When a run saves: at intervals, and after what shall not be lost, as long as saving stays a small share of the time.

use std::time::{Duration, Instant};

/// A milestone's save comes after so many times what the last save took: saving takes a tenth of the time at most.
const SHARE: u32 = 10;

/// Saves of one run, so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// When the last one ended, or the run began.
    last: Instant,
    /// What it took.
    took: Duration,
    /// Whether something was done since that shall not be lost.
    milestone: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now, took: Duration::ZERO, milestone: false }
    }

    /// Something is done that shall not be lost.
    pub(super) fn milestone(&mut self) {
        self.milestone = true;
    }

    /// Whether to save now. A milestone whose save is not due yet is saved at the first look after that.
    pub(super) fn is_due(&self, now: Instant, interval: Duration) -> bool {
        let since = now.duration_since(self.last);
        since >= interval || (self.milestone && since >= self.took.saturating_mul(SHARE))
    }

    /// A save that began then has ended.
    pub(super) fn saved(&mut self, began: Instant, now: Instant) {
        *self = Self { took: now.duration_since(began), ..Self::new(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milestones_are_saved_at_once_as_long_as_saves_are_a_tenth_of_the_time() {
        let (start, interval) = (Instant::now(), Duration::from_secs(60));
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pace = Pace::new(start);
        assert!(!pace.is_due(at(500), interval), "nothing is done");
        pace.milestone();
        assert!(pace.is_due(at(500), interval), "the first save has cost nothing yet");
        pace.saved(at(500), at(510));
        pace.milestone();
        assert!(!pace.is_due(at(609), interval) && pace.is_due(at(610), interval));
        pace.saved(at(610), at(611));
        assert!(!pace.is_due(at(60_610), interval), "without a milestone the interval counts alone");
        assert!(pace.is_due(at(60_611), interval));
    }

    /// Parts that take no time: of a thousand seconds a hundred are spent on saves at most, whatever a save costs.
    #[test]
    fn however_many_milestones_there_are_saving_takes_a_tenth_of_the_time() {
        let (start, interval) = (Instant::now(), Duration::from_secs(10_000));
        let cost = Duration::from_millis(700);
        let (mut pace, mut now, mut saving) = (Pace::new(start), start, Duration::ZERO);
        while now < start + Duration::from_secs(1000) {
            now += Duration::from_millis(10);
            pace.milestone();
            if pace.is_due(now, interval) {
                pace.saved(now, now + cost);
                (now, saving) = (now + cost, saving + cost);
            }
        }
        assert!(saving < Duration::from_secs(100) && saving > Duration::from_secs(80), "{saving:?}");
    }
}
