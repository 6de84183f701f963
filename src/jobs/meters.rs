//! What the jobs count, through the facade: who records it is not their matter. The names stand in one table with
//! all others, which a test holds against what is recorded.

use super::record::{JobRecord, JobSpec};
use super::state::State;
use metrics::{Counter, counter, histogram};
use std::time::Duration;

/// What an alert watches is there before its first event: a rate needs a 0 to begin with.
pub(super) fn register() {
    for (state, code) in [
        ("succeeded", "none"),
        ("cancelled", "none"),
        ("failed", "internal"),
        ("failed", "insufficient_storage"),
        ("failed", "worker_lost"),
    ] {
        drop(counter!("fewer_jobs_ended_total", "state" => state, "code" => code));
    }
}

/// A job was accepted.
pub(super) fn submitted() {
    counter!("fewer_jobs_submitted_total").increment(1);
}

/// A job runs for the first time.
pub(super) fn waited(record: &JobRecord) {
    if let Some(started) = record.started_at {
        let waited = (started - record.created_at).as_seconds_f64();
        // The clock may have been set back.
        histogram!("fewer_job_queue_seconds").record(waited.max(0.0));
    }
}

/// A run came back, with an end or to go on later.
pub(super) fn ran(record: &JobRecord, time: Duration) {
    let (objective, optimizer) = search(record);
    histogram!("fewer_job_run_seconds", "objective" => objective, "optimizer" => optimizer).record(time);
}

/// A job's last state was stored.
pub(super) fn ended(record: &JobRecord) {
    let state = match record.state {
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
        State::Queued | State::Running | State::AwaitingAnswers | State::Cancelling => return,
    };
    let code = record.failure.as_ref().map_or("none", |failure| &failure.code).to_owned();
    counter!("fewer_jobs_ended_total", "state" => state, "code" => code).increment(1);
}

/// A running job was saved, or was to be.
pub(super) fn saved<E>(outcome: &Result<(), E>, time: Duration) {
    let outcome = if outcome.is_ok() { "stored" } else { "failed" };
    counter!("fewer_saves_total", "outcome" => outcome).increment(1);
    histogram!("fewer_save_seconds").record(time);
}

/// The gains that one run computes, counted while it computes them.
pub(super) struct Evaluations {
    counter: Counter,
    /// Of the job so far; none before the run has told where it begins.
    reached: Option<u64>,
}

impl Evaluations {
    pub(super) fn of(record: &JobRecord) -> Self {
        let (objective, optimizer) = search(record);
        let counter = counter!("fewer_evaluations_total", "objective" => objective, "optimizer" => optimizer);
        Self { counter, reached: None }
    }

    /// The job has come to `total`. The first time this is what earlier runs of it have computed.
    pub(super) fn reach(&mut self, total: u64) {
        let before = self.reached.replace(total).unwrap_or(total);
        self.counter.increment(total.saturating_sub(before));
    }
}

/// The objective, and the optimizer that `auto` was resolved to.
fn search(record: &JobRecord) -> (&'static str, String) {
    let objective = match &record.spec {
        JobSpec::Selection(spec) => spec.objective.name(),
        JobSpec::BiasStudy(_) | JobSpec::Smoothness(_) | JobSpec::Attribution(_) | JobSpec::Resample(_) => {
            record.spec.kind()
        }
    };
    (objective, record.plan.optimizer.clone())
}

#[cfg(test)]
mod tests {
    use super::Evaluations;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn a_resumed_run_counts_only_what_it_adds() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let counter = metrics::with_local_recorder(&recorder, || metrics::counter!("gains"));
        let mut evaluations = Evaluations { counter, reached: None };
        for total in [100, 130, 130, 150] {
            evaluations.reach(total);
        }
        assert!(recorder.handle().render().contains("gains 50"), "{}", recorder.handle().render());
    }
}
