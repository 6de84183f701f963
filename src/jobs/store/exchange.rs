//! What a job has asked its owner, and what was answered. An answer is known by job and set, so that no question is put
//! twice, whatever dies in between.

use super::{JobStore, StoreError, fetch, parts, put, put_save};
use crate::fault;
use crate::jobs::record::{Failure, JobKey, JobRecord, ProgressRecord};
use crate::jobs::state::{Event, Forbidden, State};
use crate::jobs::store::Save;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use submodular::Set;
use submodular::attribution::{Pair, Reading};
use time::OffsetDateTime;

/// (tenant, id) -> the last round that was asked, as JSON.
const ROUNDS: TableDefinition<(&str, &str), &[u8]> = TableDefinition::new("exchange_rounds");
/// (tenant, id) -> when the round that is asked expires, in milliseconds since 1970. Apart from the round, which may be
/// large: all of these are looked at twice a second.
const EXPIRIES: TableDefinition<(&str, &str), i64> = TableDefinition::new("exchange_expiries");
/// (tenant, id, round) -> the sets of a round that comes after the one that is asked, as JSON.
const LATER: TableDefinition<(&str, &str, u64), &[u8]> = TableDefinition::new("exchange_later_rounds");
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
    /// When the job is stopped unless they are answered, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// How long a round waits.
    idle: Duration,
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
    /// It has not asked that round.
    #[error("round {sent} is not asked; the job is at round {current}")]
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
    transaction.open_table(EXPIRIES)?;
    transaction.open_table(LATER)?;
    transaction.open_table(ANSWERED)?;
    transaction.open_table(ANSWERS)?;
    transaction.open_table(PAIRS)?;
    Ok(())
}

/// The job has ended: nothing is asked any more. That a round was answered, and how, is known until the job is removed.
pub(super) fn close(transaction: &WriteTransaction, key: &JobKey) -> Result<(), StoreError> {
    let (tenant, id) = parts(key);
    transaction.open_table(ROUNDS)?.remove((tenant, id))?;
    transaction.open_table(EXPIRIES)?.remove((tenant, id))?;
    transaction.open_table(LATER)?.retain_in((tenant, id, 0)..=(tenant, id, u64::MAX), |_, _| false)?;
    let all = || (tenant, id, &[][..])..(tenant, id, &AFTER_EVERY_SET[..]);
    transaction.open_table(ANSWERS)?.retain_in(all(), |_, _| false)?;
    transaction.open_table(PAIRS)?.retain_in(all(), |_, _| false)?;
    Ok(())
}

/// Forgets all that was asked and answered.
pub(super) fn remove(transaction: &WriteTransaction, key: &JobKey) -> Result<(), StoreError> {
    let (tenant, id) = parts(key);
    transaction.open_table(ANSWERED)?.retain_in((tenant, id, 0)..=(tenant, id, u64::MAX), |_, _| false)?;
    close(transaction, key)
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
    let bytes = serde_json::to_vec(round)?;
    transaction.open_table(ROUNDS)?.insert(parts(key), bytes.as_slice())?;
    let mut expiries = transaction.open_table(EXPIRIES)?;
    if round.sets.is_empty() {
        expiries.remove(parts(key))?;
    } else {
        let milliseconds = round.expires_at.unix_timestamp_nanos() / 1_000_000;
        expiries.insert(parts(key), i64::try_from(milliseconds).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

fn round_of(transaction: &WriteTransaction, key: &JobKey) -> Result<Option<Round>, StoreError> {
    let rounds = transaction.open_table(ROUNDS)?;
    let round = rounds.get(parts(key))?;
    Ok(round.map(|entry| serde_json::from_slice(entry.value())).transpose()?)
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
    /// Asks these sets from `now` on.
    fn asking(self, round: u64, sets: Vec<Set>, now: OffsetDateTime) -> Self {
        // An expiry beyond the calendar is none.
        let expires_at = now.checked_add(self.idle.try_into().unwrap_or(time::Duration::MAX));
        let expires_at = expires_at.unwrap_or(now + time::Duration::days(365_000));
        Self { round, sets, expires_at, ..self }
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
        sets: &[Set],
        (size, idle): (usize, Duration),
        progress: Option<ProgressRecord>,
    ) -> Result<JobRecord, StoreError> {
        self.change(key, Event::Ask, |transaction, record| {
            let now = OffsetDateTime::now_utc();
            let before = round_of(transaction, key)?;
            let number = 1 + before.as_ref().map_or(0, |round| round.round);
            let target = before.and_then(|round| round.target);
            let mut chunks = sets.chunks(size.max(1));
            let first = chunks.next().unwrap_or_default().to_vec();
            let (tenant, id) = parts(key);
            let mut later = transaction.open_table(LATER)?;
            for (number, chunk) in (number + 1..).zip(chunks) {
                later.insert((tenant, id, number), serde_json::to_vec(chunk)?.as_slice())?;
            }
            let round = Round { round: number, sets: vec![], expires_at: now, idle, target };
            put_round(transaction, key, &round.asking(number, first, now))?;
            record.deaths = 0;
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
        let entry = rounds.get(parts(key))?.filter(|_| record.state == State::AwaitingAnswers);
        let round: Option<Round> = entry.map(|entry| serde_json::from_slice(entry.value())).transpose()?;
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
        let known = {
            let answered = transaction.open_table(ANSWERED).map_err(StoreError::from)?;
            let known = answered.get((tenant, id, sent)).map_err(StoreError::from)?;
            known.map(|known| known.value() == digest)
        };
        match known {
            Some(true) => return Ok(Answered::Known(Box::new(record))),
            Some(false) => return Err(AnswerError::Differ(sent)),
            // One that is being stopped has no use for answers.
            None if record.state.is_terminal() || record.state == State::Cancelling => {
                return Err(AnswerError::Ended(key.id.to_string()));
            }
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
        let later: Option<Vec<Set>> = {
            let mut later = transaction.open_table(LATER).map_err(StoreError::from)?;
            let sets = later.remove((tenant, id, sent + 1)).map_err(StoreError::from)?;
            sets.map(|sets| serde_json::from_slice(sets.value())).transpose().map_err(StoreError::from)?
        };
        let next = match later {
            Some(sets) => round.asking(sent + 1, sets, OffsetDateTime::now_utc()),
            None => {
                record.state = record.state.after(Event::Answer).map_err(StoreError::from)?;
                Round { sets: vec![], ..round }
            }
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

    /// The last round that was asked, and the class that it explains; 0 before the first.
    ///
    /// # Errors
    /// The store's own.
    pub fn last_round(&self, key: &JobKey) -> Result<(u64, Option<u64>), StoreError> {
        let rounds = self.database.begin_read()?.open_table(ROUNDS)?;
        let entry = rounds.get(parts(key))?;
        let round: Option<Round> = entry.map(|entry| serde_json::from_slice(entry.value())).transpose()?;
        Ok(round.map_or((0, None), |round| (round.round, round.target)))
    }

    /// Gives what was told of regions so far, set by set. O(answers).
    ///
    /// # Errors
    /// The store's own.
    pub fn told(&self, key: &JobKey, give: &mut dyn FnMut(&Set, Pair)) -> Result<(), StoreError> {
        let (tenant, id) = parts(key);
        let answers = self.database.begin_read()?.open_table(PAIRS)?;
        for entry in answers.range((tenant, id, &[][..])..(tenant, id, &AFTER_EVERY_SET[..]))? {
            let (key, value) = entry?;
            give(&set_of(key.value().2), pair_of(value.value()));
        }
        Ok(())
    }

    /// Nobody has answered in time, as `now` is: the job is stopped, and says so. What it has chosen is still to be stored.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] where it asks nothing any more, and the store's own.
    pub fn give_up(&self, key: &JobKey, now: OffsetDateTime) -> Result<JobRecord, StoreError> {
        self.change(key, Event::GiveUp, |transaction, record| {
            // It may have been answered since, and ask its next round.
            let expiry = transaction.open_table(EXPIRIES)?.get(parts(key))?.map(|expiry| expiry.value());
            if expiry.is_none_or(|expiry| !is_past(expiry, now)) {
                return Err(Forbidden { from: State::AwaitingAnswers, event: Event::GiveUp }.into());
            }
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
        let expiries = self.database.begin_read()?.open_table(EXPIRIES)?;
        let mut late = Vec::new();
        for entry in expiries.iter()? {
            let (key, expiry) = entry?;
            if is_past(expiry.value(), now) {
                let (tenant, id) = key.value();
                late.push(JobKey::new(tenant, id));
            }
        }
        Ok(late)
    }
}

/// `expiry`: in milliseconds since 1970.
fn is_past(expiry: i64, now: OffsetDateTime) -> bool {
    i128::from(expiry) * 1_000_000 <= now.unix_timestamp_nanos()
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
