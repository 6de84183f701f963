//! Many clients at once, each waiting for its answer, then thinking for a moment.

use crate::http::{Answer, Connection};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Healthz,
    Job,
    Jobs,
    Result,
    Submit,
    Cancel,
    Metrics,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Healthz => "GET /healthz",
            Kind::Job => "GET /v1/jobs/{id}",
            Kind::Jobs => "GET /v1/jobs",
            Kind::Result => "GET …/result",
            Kind::Submit => "POST /v1/jobs",
            Kind::Cancel => "POST …/cancel",
            Kind::Metrics => "GET /metrics",
        }
    }
}

/// What every client knows.
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) think: Duration,
    pub(crate) until: Instant,
    /// Jobs that run, and one that has ended.
    pub(crate) jobs: Vec<String>,
    /// The one that has ended.
    pub(crate) ended: String,
    /// A request for a small job.
    pub(crate) submit: String,
}

/// All answers to one kind of question.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) milliseconds: Vec<f64>,
    /// How often each outcome came that is no success.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Those among them that are no promised 429.
    pub(crate) errors: u64,
}

pub(crate) type Tallies = BTreeMap<Kind, Tally>;

impl Tally {
    fn add(&mut self, taken: Duration, answer: &io::Result<Answer>) {
        self.milliseconds.push(taken.as_secs_f64() * 1e3);
        let outcome = match answer {
            Ok(answer) if answer.status < 400 => return,
            Ok(answer) => {
                let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
                let code = body["code"].as_str().unwrap_or("no code");
                let promised = answer.status == 429 && answer.retry_after;
                self.errors += u64::from(!promised);
                format!("{} {code}", answer.status)
            }
            Err(error) => {
                self.errors += 1;
                error.to_string()
            }
        };
        *self.refused.entry(outcome).or_default() += 1;
    }

    fn join(&mut self, other: Tally) {
        self.milliseconds.extend(other.milliseconds);
        self.errors += other.errors;
        for (outcome, count) in other.refused {
            *self.refused.entry(outcome).or_default() += count;
        }
    }
}

/// Adds one client's tallies to those of all.
pub(crate) fn join(all: &mut Tallies, one: Tallies) {
    for (kind, tally) in one {
        all.entry(kind).or_default().join(tally);
    }
}

/// One client of the mix: of a hundred questions 40 about health, 30 about a job, 10 about all jobs, 10 about a
/// result. The rest submit a job and, the next time, take it back, so that the line is now and then full.
pub(crate) async fn mixed(plan: Arc<Plan>, number: u64) -> Tallies {
    let mut connection = Connection::new(plan.address);
    let mut draws = Draws(number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut tallies = Tallies::new();
    let mut own: Option<String> = None;
    // Not all at once.
    tokio::time::sleep(plan.think.mul_f64(draws.unit())).await;
    while Instant::now() < plan.until {
        let kind = match (draws.unit() * 100.0) as u32 {
            0..40 => Kind::Healthz,
            40..70 => Kind::Job,
            70..80 => Kind::Jobs,
            80..90 => Kind::Result,
            _ if own.is_some() => Kind::Cancel,
            _ => Kind::Submit,
        };
        let began = Instant::now();
        let answer = match kind {
            Kind::Healthz => connection.get("/healthz").await,
            Kind::Metrics => connection.get("/metrics").await,
            Kind::Jobs => connection.get("/v1/jobs?limit=20").await,
            Kind::Result => connection.get(&format!("/v1/jobs/{}/result", plan.ended)).await,
            Kind::Submit => connection.post_json("/v1/jobs", &plan.submit).await,
            Kind::Job => {
                let drawn = (draws.unit() * (plan.jobs.len() + 1) as f64) as usize;
                let id = own.as_ref().unwrap_or(&plan.ended);
                connection.get(&format!("/v1/jobs/{}", plan.jobs.get(drawn).unwrap_or(id))).await
            }
            Kind::Cancel => {
                let id = own.take().unwrap_or_default();
                connection.post_json(&format!("/v1/jobs/{id}/cancel"), "").await
            }
        };
        tallies.entry(kind).or_default().add(began.elapsed(), &answer);
        if let (Kind::Submit, Ok(Answer { status: 202, body, .. })) = (kind, &answer) {
            let job = serde_json::from_slice::<Value>(body).unwrap_or_default();
            own = job["id"].as_str().map(str::to_owned);
        }
        // Clients that keep step with each other would come in waves.
        tokio::time::sleep(plan.think.mul_f64(0.5 + draws.unit())).await;
    }
    tallies
}

/// A scraper.
pub(crate) async fn scraper(plan: Arc<Plan>) -> Tallies {
    let mut connection = Connection::new(plan.address);
    let mut tallies = Tallies::new();
    while Instant::now() < plan.until {
        let began = Instant::now();
        let answer = connection.get("/metrics").await;
        tallies.entry(Kind::Metrics).or_default().add(began.elapsed(), &answer);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tallies
}

/// Xorshift: the mix is the same each time.
struct Draws(u64);

impl Draws {
    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}
