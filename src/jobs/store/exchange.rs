//! What a job has asked its owner, and what was answered. An answer is known by job and set, so that no question is put
//! twice, whatever dies in between.

use super::{JobStore, StoreError, fetch, parts, put, put_save};
use crate::fault;
use crate::jobs::attribution::Told;
use crate::jobs::record::{Failure, JobKey, JobRecord, ProgressRecord};
use crate::jobs::state::Event;
use crate::jobs::store::Save;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use submodular::Set;
use submodular::attribution::{Pair, Reading};
use time::OffsetDateTime;

/// (tenant, id) -> when the round expires, in milliseconds since 1970, and the round as JSON; [`NEVER`] once it has been
/// answered.
const ROUNDS: TableDefinition<(&str, &str), (i64, &[u8])> = TableDefinition::new("job_rounds");
const NEVER: i64 = i64::MAX;
/// (tenant, id, round) -> digest of its answers.
const ANSWERED: TableDefinition<(&str, &str, u64), &[u8]> = TableDefinition::new("job_answered_rounds");
/// (tenant, id, set) -> f(set). A set is its items in ascending order, each four bytes, the most significant first.
const ANSWERS: TableDefinition<(&str, &str, &[u8]), f64> = TableDefinition::new("job_answers");
/// (tenant, id, set) -> what counts of an answer about a set of regions: the target's probability and the confidence with
/// the set shown, then with its complement. A confidence that was not told is NaN.
const PAIRS: TableDefinition<(&str, &str, &[u8]), [f64; 4]> = TableDefinition::new("job_region_answers");

/// Longer than the key of any set that is asked for.
const AFTER_EVERY_SET: [u8; 5] = [u8::MAX; 5];

/// One round of questions, and what is left for the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Its number, from 1.
    pub round: u64,
    /// The sets whose values are asked for; none once they have been answered.
    pub sets: Vec<Set>,
    /// Sets that the run needs too, for the rounds after this one.
    later: Vec<Set>,
    /// When the job is stopped unless they are answered, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// How long a round waits, and how many sets it has at most.
    idle: Duration,
    size: usize,
    /// The class that an attribution explains, once an answer has told it.
    #[serde(default)]
    pub target: Option<u64>,
}

/// What was answered, in the order of the round's sets.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// f of each.
    Numbers(Vec<f64>),
    /// What counts of what a model says of each.
    Pairs {
        /// The class that they explain.
        target: u64,
        /// One a set.
        pairs: Vec<Pair>,
    },
}

/// What became of answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// They are kept. The job goes on once no set is left.
    Kept(Box<JobRecord>),
    /// They were known: the same had been sent before.
    Known(Box<JobRecord>),
}

/// Why answers were not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The job asks nothing, and will not again.
    #[error("{0} has ended, and asks nothing")]
    Ended(String),
    /// It asks another round now.
    #[error("round {sent} was answered; the job is at round {current}")]
    WrongRound {
        /// The round of the answers.
        sent: u64,
        /// The last round that it asked; 0 before the first.
        current: u64,
    },
    /// The round was answered otherwise before.
    #[error("round {0} has been answered before, with other answers")]
    Differ(u64),
    /// So many answers are no answers to so many questions.
    #[error("{found} answers to {expected} sets")]
    Count {
        /// Sets of the round.
        expected: usize,
        /// Answers that were sent.
        found: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn open(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(ROUNDS)?;
    transaction.open_table(ANSWERED)?;
    transaction.open_table(ANSWERS)?;
    transaction.open_table(PAIRS)?;
    Ok(())
}

/// Forgets all that was asked and answered.
pub(super) fn remove(transaction: &WriteTransaction, key: &JobKey) -> Result<(), StoreError> {
    let (tenant, id) = parts(key);
    transaction.open_table(ROUNDS)?.remove((tenant, id))?;
    transaction.open_table(ANSWERED)?.retain_in((tenant, id, 0)..=(tenant, id, u64::MAX), |_, _| false)?;
    let all = || (tenant, id, &[][..])..(tenant, id, &AFTER_EVERY_SET[..]);
    transaction.open_table(ANSWERS)?.retain_in(all(), |_, _| false)?;
    transaction.open_table(PAIRS)?.retain_in(all(), |_, _| false)?;
    Ok(())
}

fn bytes_of(set: &[u32]) -> Vec<u8> {
    set.iter().flat_map(|item| item.to_be_bytes()).collect()
}

fn set_of(bytes: &[u8]) -> Set {
    bytes.as_chunks::<4>().0.iter().map(|item| u32::from_be_bytes(*item)).collect()
}

fn numbers_of(Pair { shown, complement }: &Pair) -> [f64; 4] {
    let confidence = |reading: &Reading| reading.confidence.unwrap_or(f64::NAN);
    [shown.p_target, confidence(shown), complement.p_target, confidence(complement)]
}

fn pair_of([shown, confidence, complement, confidence_without]: [f64; 4]) -> Pair {
    let reading = |p_target, confidence: f64| {
        let confidence = Some(confidence).filter(|confidence| !confidence.is_nan());
        Reading { p_target, confidence }
    };
    Pair { shown: reading(shown, confidence), complement: reading(complement, confidence_without) }
}

fn put_round(transaction: &WriteTransaction, key: &JobKey, round: &Round) -> Result<(), StoreError> {
    let milliseconds = round.expires_at.unix_timestamp_nanos() / 1_000_000;
    let expires = i64::try_from(milliseconds).ok().filter(|_| !round.sets.is_empty()).unwrap_or(NEVER);
    let bytes = serde_json::to_vec(round)?;
    transaction.open_table(ROUNDS)?.insert(parts(key), (expires, bytes.as_slice()))?;
    Ok(())
}

fn round_of(transaction: &WriteTransaction, key: &JobKey) -> Result<Option<Round>, StoreError> {
    let rounds = transaction.open_table(ROUNDS)?;
    let round = rounds.get(parts(key))?;
    Ok(round.map(|entry| serde_json::from_slice(entry.value().1)).transpose()?)
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Pairs { pairs, .. } => pairs.len(),
        }
    }
}

impl Round {
    /// The next of so many at most.
    fn next(round: u64, mut sets: Vec<Set>, size: usize, idle: Duration, now: OffsetDateTime) -> Self {
        let later = sets.split_off(sets.len().min(size.max(1)));
        // An expiry beyond the calendar is none.
        let expires_at = now.checked_add(idle.try_into().unwrap_or(time::Duration::MAX));
        let expires_at = expires_at.unwrap_or(now + time::Duration::days(365_000));
        Self { round, sets, later, expires_at, idle, size, target: None }
    }
}

impl JobStore {
    /// The run needs the values of these sets: it is kept with the first round of them.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where the job does not run, and the store's own.
    pub fn ask(
        &self,
        key: &JobKey,
        save: &Save,
        sets: Vec<Set>,
        (size, idle): (usize, Duration),
        progress: Option<ProgressRecord>,
    ) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Ask, |transaction, record| {
            let before = round_of(transaction, key)?;
            let number = 1 + before.as_ref().map_or(0, |round| round.round);
            let round = Round::next(number, sets, size, idle, OffsetDateTime::now_utc());
            let round = Round { target: before.and_then(|round| round.target), ..round };
            put_round(transaction, key, &round)?;
            record.progress = progress.or(record.progress.take());
            put_save(transaction, key, save)
        })
    }

    /// A job and the round that it asks; none where it asks nothing now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the store's own.
    pub fn round(&self, key: &JobKey) -> Result<(JobRecord, Option<Round>), StoreError> {
        let record = self.get(key)?;
        let rounds = self.database.begin_read()?.open_table(ROUNDS)?;
        let entry = rounds.get(parts(key))?;
        let round: Option<Round> = entry.map(|entry| serde_json::from_slice(entry.value().1)).transpose()?;
        Ok((record, round.filter(|round| !round.sets.is_empty())))
    }

    /// Keeps answers to a round. `digest`: of what was sent. `values`: none where the round was not open a moment ago.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing is kept then.
    pub fn answer(
        &self,
        key: &JobKey,
        sent: u64,
        values: Option<&Values>,
        digest: &[u8],
    ) -> Result<Answered, AnswerError> {
        let transaction = self.database.begin_write().map_err(StoreError::from)?;
        let mut record = fetch(&transaction, key)?;
        let (tenant, id) = parts(key);
        if record.state.is_terminal() {
            return Err(AnswerError::Ended(key.id.to_string()));
        }
        let known = {
            let answered = transaction.open_table(ANSWERED).map_err(StoreError::from)?;
            let known = answered.get((tenant, id, sent)).map_err(StoreError::from)?;
            known.map(|known| known.value() == digest)
        };
        match known {
            Some(true) => return Ok(Answered::Known(Box::new(record))),
            Some(false) => return Err(AnswerError::Differ(sent)),
            None => {}
        }
        let round = round_of(&transaction, key)?;
        let current = round.as_ref().map_or(0, |round| round.round);
        let round = round.filter(|round| round.round == sent && !round.sets.is_empty());
        let (Some(round), Some(values)) = (round, values) else {
            return Err(AnswerError::WrongRound { sent, current });
        };
        let found = values.len();
        if round.sets.len() != found {
            return Err(AnswerError::Count { expected: round.sets.len(), found });
        }
        let target = if let Values::Pairs { target, .. } = values { Some(*target) } else { None };
        keep(&transaction, key, &round, values, digest)?;
        let now = OffsetDateTime::now_utc();
        let next = if round.later.is_empty() {
            record.state = record.state.after(Event::Answer).map_err(StoreError::from)?;
            Round { sets: Vec::new(), ..round }
        } else {
            Round::next(round.round + 1, round.later, round.size, round.idle, now)
        };
        let next = Round { target, ..next };
        put_round(&transaction, key, &next)?;
        put(&transaction, &record)?;
        fault::around(Event::Answer.name(), || transaction.commit()).map_err(StoreError::from)?;
        Ok(Answered::Kept(Box::new(record)))
    }

    /// Every answer of the job so far. O(answers).
    ///
    /// # Errors
    /// The store's own.
    pub fn answers(&self, key: &JobKey) -> Result<Vec<(Set, f64)>, StoreError> {
        let (tenant, id) = parts(key);
        let answers = self.database.begin_read()?.open_table(ANSWERS)?;
        let mut known = Vec::new();
        for entry in answers.range((tenant, id, &[][..])..(tenant, id, &AFTER_EVERY_SET[..]))? {
            let (key, value) = entry?;
            known.push((set_of(key.value().2), value.value()));
        }
        Ok(known)
    }

    /// What was told of regions so far. O(answers).
    ///
    /// # Errors
    /// The store's own.
    pub fn told(&self, key: &JobKey) -> Result<Told, StoreError> {
        let (tenant, id) = parts(key);
        let transaction = self.database.begin_read()?;
        let rounds = transaction.open_table(ROUNDS)?;
        let round: Option<Round> =
            rounds.get(parts(key))?.map(|entry| serde_json::from_slice(entry.value().1)).transpose()?;
        let mut pairs = Vec::new();
        let answers = transaction.open_table(PAIRS)?;
        for entry in answers.range((tenant, id, &[][..])..(tenant, id, &AFTER_EVERY_SET[..]))? {
            let (key, value) = entry?;
            pairs.push((set_of(key.value().2), pair_of(value.value())));
        }
        Ok(match round {
            Some(Round { round, target, .. }) => Told { rounds: round, target, pairs },
            None => Told::default(),
        })
    }

    /// Nobody has answered in time: the job is stopped, and says so. What it has chosen is still to be stored.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where it asks nothing any more, and the store's own.
    pub fn give_up(&self, key: &JobKey) -> Result<JobRecord, StoreError> {
        self.change(key, Event::GiveUp, |_, record| {
            let detail = "nobody answered in time (idle_expires_seconds)";
            record.failure = Some(Failure::new("exchange_expired", detail));
            Ok(())
        })
    }

    /// Jobs whose round has waited too long at `now`. O(jobs that ask).
    ///
    /// # Errors
    /// The store's own.
    pub fn unanswered(&self, now: OffsetDateTime) -> Result<Vec<JobKey>, StoreError> {
        let rounds = self.database.begin_read()?.open_table(ROUNDS)?;
        let mut late = Vec::new();
        for entry in rounds.iter()? {
            let (key, round) = entry?;
            if i128::from(round.value().0) * 1_000_000 <= now.unix_timestamp_nanos() {
                let (tenant, id) = key.value();
                late.push(JobKey::new(tenant, id));
            }
        }
        Ok(late)
    }
}

fn keep(
    transaction: &WriteTransaction,
    key: &JobKey,
    round: &Round,
    values: &Values,
    digest: &[u8],
) -> Result<(), StoreError> {
    let (tenant, id) = parts(key);
    match values {
        Values::Numbers(numbers) => {
            let mut answers = transaction.open_table(ANSWERS)?;
            for (set, number) in round.sets.iter().zip(numbers) {
                answers.insert((tenant, id, bytes_of(set).as_slice()), number)?;
            }
        }
        Values::Pairs { pairs, .. } => {
            let mut answers = transaction.open_table(PAIRS)?;
            for (set, pair) in round.sets.iter().zip(pairs) {
                answers.insert((tenant, id, bytes_of(set).as_slice()), numbers_of(pair))?;
            }
        }
    }
    transaction.open_table(ANSWERED)?.insert((tenant, id, round.round), digest)?;
    Ok(())
}
