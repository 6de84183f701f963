//! The rankings of a JSON body: a list a voter of candidates, by index or by name, and of ties, which are lists of them.
//!
//! All entries go into one flat array, which the input cannot make larger than itself.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Unexpected, Visitor};

use super::body::Trace;
use super::entries::ListItem;
use crate::dataset::codec::ballot::{Ballot, RankingSink, check_total, check_weight};
use crate::dataset::codec::{Kind, MAX_DIM, check_shape};
use crate::dataset::column::Ids;
use crate::dataset::error::{DatasetError, RankingError};

/// Bits of an entry above any index: it is level with the entry before, and it is a name.
const TIED: u32 = 1 << 31;
const NAMED: u32 = 1 << 30;

const FIELD: &str = "/rankings";

/// Rankings as they were given: candidates may be unknown or repeated.
#[derive(Default)]
pub(super) struct Given {
    /// Every voter's entries one after another: an index below 2^24, or the number of a name.
    entries: Vec<u32>,
    /// Exclusive end of each voter's entries.
    ends: Vec<usize>,
    /// Names in the order in which they were met.
    names: HashMap<String, u32>,
}

/// A voter's weight, not checked yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight(f64);

impl ListItem for Weight {
    const EXPECTED: &'static str = "a number";
    fn of(number: f64) -> Option<Self> {
        Some(Self(number))
    }
    fn null(_field: &'static str, voter: usize) -> DatasetError {
        RankingError::Weight { voter, found: "null".into() }.into()
    }
}

/// Rankings that were found to be right.
pub(super) struct Rankings {
    entries: Vec<u32>,
    ends: Vec<usize>,
    weights: Option<Vec<f64>>,
    candidates: usize,
}

impl Given {
    /// Candidates that there must be: one more than the largest index.
    pub(super) fn fewest_candidates(&self) -> usize {
        let indices = self.entries.iter().map(|entry| entry & !TIED).filter(|entry| entry & NAMED == 0);
        indices.max().map_or(0, |largest| largest as usize + 1)
    }

    /// Looks names up and checks every ranking.
    pub(super) fn check(
        mut self,
        candidates: usize,
        ids: Option<&Ids>,
        weights: Option<Vec<Weight>>,
    ) -> Result<Rankings, DatasetError> {
        let weights = weights.map(|weights| checked(&weights, self.ends.len())).transpose()?;
        let mut rows = vec![None; self.names.len()];
        for (name, number) in &self.names {
            rows[*number as usize] = ids.and_then(|ids| ids.row_of(name));
        }
        for place in 0..self.entries.len() {
            let entry = self.entries[place];
            if entry & NAMED == 0 {
                continue;
            }
            match rows[(entry & !TIED & !NAMED) as usize] {
                Some(row) => self.entries[place] = (entry & TIED) | row,
                None => return Err(self.unknown_name(place, ids.is_some())),
            }
        }
        check_shape(Kind::Rankings, self.ends.len() as u64, candidates as u64).map_err(|e| e.at(FIELD))?;
        let rankings = Rankings { entries: self.entries, ends: self.ends, weights, candidates };
        rankings.each(&mut |_| ControlFlow::Continue(()))?;
        Ok(rankings)
    }

    fn unknown_name(&self, place: usize, named: bool) -> DatasetError {
        let number = self.entries[place] & !TIED & !NAMED;
        let name = self.names.iter().find(|(_, known)| **known == number).map(|(name, _)| name);
        let voter = self.ends.partition_point(|end| *end <= place);
        let start = if voter == 0 { 0 } else { self.ends[voter - 1] };
        let position = position(&self.entries[start..=place]);
        let expected = if named { "a name of candidates" } else { "an index, where there are no candidates" };
        let found = format!("{:?}", name.map_or("", String::as_str));
        let unknown = RankingError::UnknownCandidate { voter, position, found, expected: expected.into() };
        let end = self.ends.get(voter).copied().unwrap_or(place + 1);
        DatasetError::from(unknown).at(pointer(voter, &self.entries[start..end], place - start))
    }
}

impl Rankings {
    pub(super) fn voters(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn candidates(&self) -> usize {
        self.candidates
    }

    /// Streams every ranking; ends when the sink breaks.
    pub(super) fn each(&self, sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        let mut ballot = Ballot::new(self.candidates, 0);
        let mut start = 0;
        for (voter, &end) in self.ends.iter().enumerate() {
            let entries = &self.entries[start..end];
            start = end;
            ballot.begin(voter);
            for (place, entry) in entries.iter().enumerate() {
                let item = i64::from(entry & !TIED);
                let ranked = if entry & TIED == 0 { ballot.place(item) } else { ballot.tie(item) };
                ranked.map_err(|error| DatasetError::from(error).at(pointer(voter, entries, place)))?;
            }
            let weight = self.weights.as_ref().map_or(1.0, |weights| weights[voter]);
            let ranking = ballot.finish(weight);
            let ranking =
                ranking.map_err(|error| DatasetError::from(error).at(format!("{FIELD}/{voter}")))?;
            if sink(ranking).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Bytes of memory, and of the one ranking that is put together at a time.
    pub(super) fn bytes(&self) -> u64 {
        let weights = self.weights.as_ref().map_or(0, |weights| weights.capacity() * size_of::<f64>());
        let held = self.entries.capacity() * size_of::<u32>() + self.ends.capacity() * size_of::<usize>();
        (held + weights) as u64 + Ballot::bytes(self.candidates)
    }
}

fn checked(weights: &[Weight], voters: usize) -> Result<Vec<f64>, DatasetError> {
    if weights.len() != voters {
        let error = RankingError::WeightCount { expected: voters, found: weights.len() };
        return Err(DatasetError::from(error).at("/weights"));
    }
    let one = |(voter, weight): (usize, &Weight)| {
        check_weight(voter, weight.0).map_err(|e| DatasetError::from(e).at(format!("/weights/{voter}")))
    };
    let weights = weights.iter().enumerate().map(one).collect::<Result<Vec<f64>, _>>()?;
    check_total(weights.iter().sum()).map_err(|error| DatasetError::from(error).at("/weights"))?;
    Ok(weights)
}

/// Position of the last entry.
fn position(entries: &[u32]) -> usize {
    entries.iter().filter(|entry| **entry & TIED == 0).count().saturating_sub(1)
}

/// Where an entry stood: in a tie, behind the place of the tie.
fn pointer(voter: usize, entries: &[u32], place: usize) -> String {
    let position = position(&entries[..=place]);
    let is_tied = |place: usize| entries.get(place).is_some_and(|entry| entry & TIED != 0);
    if !is_tied(place) && !is_tied(place + 1) {
        return format!("{FIELD}/{voter}/{position}");
    }
    let first = entries[..=place].iter().rposition(|entry| entry & TIED == 0).unwrap_or(0);
    format!("{FIELD}/{voter}/{position}/{}", place - first)
}

/// Reads the rankings; `null` is as good as absent.
pub(super) struct RankingsSeed<'a> {
    pub(super) trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for RankingsSeed<'_> {
    type Value = Option<Given>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let trace = self.trace;
        let read = from.deserialize_any(RankingsSeed { trace: &mut *trace });
        read.map_err(|error| trace.place(error, || FIELD.into()))
    }
}

impl<'de> Visitor<'de> for RankingsSeed<'_> {
    type Value = Option<Given>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rankings")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut voters: A) -> Result<Self::Value, A::Error> {
        let mut given = Given::default();
        loop {
            let voter = given.ends.len();
            match voters.next_element_seed(VoterSeed { given: &mut given, trace: &mut *self.trace }) {
                Ok(Some(())) => given.ends.push(given.entries.len()),
                Ok(None) => return Ok(Some(given)),
                Err(error) => return Err(self.trace.place(error, || format!("{FIELD}/{voter}"))),
            }
        }
    }
}

struct VoterSeed<'a> {
    given: &'a mut Given,
    trace: &'a mut Trace,
}

impl<'de> DeserializeSeed<'de> for VoterSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for VoterSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of candidates")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        let voter = self.given.ends.len();
        Err(self.trace.refuse(|| format!("{FIELD}/{voter}"), RankingError::NullRanking { voter }.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { given, trace } = self;
        let voter = given.ends.len();
        let mut position = 0;
        loop {
            let seed = EntrySeed { given: &mut *given, trace: &mut *trace, voter, position, tie: None };
            match entries.next_element_seed(seed) {
                Ok(Some(())) => position += 1,
                Ok(None) => return Ok(()),
                Err(error) => return Err(trace.place(error, || format!("{FIELD}/{voter}/{position}"))),
            }
        }
    }
}

/// One candidate, or a tie of several.
struct EntrySeed<'a> {
    given: &'a mut Given,
    trace: &'a mut Trace,
    voter: usize,
    position: usize,
    /// How many of the tie are read already; `None` outside of one.
    tie: Option<usize>,
}

impl EntrySeed<'_> {
    fn place(&self) -> String {
        let Self { voter, position, .. } = self;
        let tie = self.tie.map(|tie| format!("/{tie}")).unwrap_or_default();
        format!("{FIELD}/{voter}/{position}{tie}")
    }

    fn push(self, entry: u32) {
        let level = if self.tie.is_some_and(|before| before > 0) { TIED } else { 0 };
        self.given.entries.push(entry | level);
    }

    fn refuse<E: de::Error>(self, error: RankingError) -> E {
        let place = self.place();
        self.trace.refuse(|| place, error.into())
    }

    fn not_a_candidate<E: de::Error>(self, found: impl ToString) -> E {
        let Self { voter, position, .. } = self;
        let expected = if self.tie.is_some() {
            "an index or a name"
        } else {
            "an index, a name, or a tie: a list of them"
        };
        self.refuse(RankingError::NotACandidate { voter, position, found: found.to_string(), expected })
    }

    fn index<E: de::Error>(self, number: impl ToString, index: Option<u32>) -> Result<(), E> {
        let Self { voter, position, .. } = self;
        match index.filter(|index| u64::from(*index) < MAX_DIM) {
            Some(index) => {
                self.push(index);
                Ok(())
            }
            None => {
                let (found, expected) = (number.to_string(), "an index of candidates, from 0".into());
                Err(self.refuse(RankingError::UnknownCandidate { voter, position, found, expected }))
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a candidate")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.index(number, u32::try_from(number).ok())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.index(number, u32::try_from(number).ok())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        if number.fract() == 0.0 {
            let index = (0.0..MAX_DIM as f64).contains(&number).then_some(number as u32);
            return self.index(number, index);
        }
        Err(self.not_a_candidate(number))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<(), E> {
        let known = self.given.names.get(name).copied();
        let number = known.unwrap_or(self.given.names.len() as u32);
        if number >= NAMED {
            return Err(E::invalid_value(Unexpected::Str(name), &"fewer names than 2^30"));
        }
        if known.is_none() {
            self.given.names.insert(name.to_owned(), number);
        }
        self.push(NAMED | number);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        Err(self.not_a_candidate(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Err(self.not_a_candidate("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if self.tie.is_some() {
            return Err(self.not_a_candidate("a tie in a tie"));
        }
        let Self { given, trace, voter, position, .. } = self;
        let mut tie = 0;
        loop {
            let seed = EntrySeed { given: &mut *given, trace: &mut *trace, voter, position, tie: Some(tie) };
            match members.next_element_seed(seed) {
                Ok(Some(())) => tie += 1,
                Ok(None) if tie == 0 => {
                    let seed = EntrySeed { given, trace, voter, position, tie: None };
                    return Err(seed.refuse(RankingError::EmptyTie { voter, position }));
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    return Err(trace.place(error, || format!("{FIELD}/{voter}/{position}/{tie}")));
                }
            }
        }
    }
}
