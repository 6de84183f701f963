//! What one voter says: candidates, best first, some of them tied.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use crate::dataset::error::RankingError;

/// Largest sum of weights: no score of a rule that is finite makes an objective overflow.
const LARGEST_TOTAL: f64 = 1e200;

/// The ranking of one voter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranking<'a> {
    /// Which voter, from 0. Where a file counts equal rankings together, they are one voter with that weight.
    pub voter: usize,
    /// Candidates, best first: at least one, none twice. Those that are left out are unranked.
    pub items: &'a [u32],
    /// Exclusive ends in `items` of the classes of tied candidates, ascending; `None` where no two are tied.
    pub ends: Option<&'a [usize]>,
    /// Finite and at least 0.
    pub weight: f64,
}

/// Receives a ranking; breaks when it has had enough.
pub(super) type RankingSink<'a> = dyn FnMut(Ranking<'_>) -> ControlFlow<()> + 'a;

/// One ranking after another, each checked while it is put together.
pub(super) struct Ballot {
    voter: usize,
    items: Vec<u32>,
    ends: Vec<usize>,
    /// Whether the present voter has ranked each candidate.
    ranked: Vec<bool>,
    /// The format's own number of the first candidate.
    first: usize,
}

impl Ballot {
    /// For so many candidates, of which the format numbers the first one `first`.
    pub(super) fn new(candidates: usize, first: usize) -> Self {
        Self { voter: 0, items: Vec::new(), ends: Vec::new(), ranked: vec![false; candidates], first }
    }

    /// Bytes of memory for so many candidates.
    pub(super) fn bytes(candidates: usize) -> u64 {
        (candidates * (size_of::<u32>() + size_of::<usize>() + size_of::<bool>())) as u64
    }

    /// Begins the ranking of a voter. O(candidates of the last one).
    pub(super) fn begin(&mut self, voter: usize) {
        self.items.iter().for_each(|item| self.ranked[*item as usize] = false);
        self.items.clear();
        self.ends.clear();
        self.voter = voter;
    }

    /// The position that is next.
    pub(super) fn position(&self) -> usize {
        self.ends.len()
    }

    /// Ranks a candidate, by the format's number, behind all others.
    pub(super) fn place(&mut self, number: i64) -> Result<(), RankingError> {
        self.add(number, self.ends.len())?;
        self.ends.push(self.items.len());
        Ok(())
    }

    /// Ranks a candidate, by the format's number, level with the last one.
    pub(super) fn tie(&mut self, number: i64) -> Result<(), RankingError> {
        self.add(number, self.ends.len().saturating_sub(1))?;
        self.ends.pop();
        self.ends.push(self.items.len());
        Ok(())
    }

    fn add(&mut self, number: i64, position: usize) -> Result<(), RankingError> {
        let (voter, first) = (self.voter, self.first);
        let item = usize::try_from(number).ok().and_then(|number| number.checked_sub(first));
        let Some(item) = item.filter(|item| *item < self.ranked.len()) else {
            let expected = format!("{first} to {}", (first + self.ranked.len()).saturating_sub(1));
            return Err(RankingError::UnknownCandidate {
                voter,
                position,
                found: number.to_string(),
                expected,
            });
        };
        if self.ranked[item] {
            let place = self.items.iter().position(|known| *known as usize == item).unwrap_or(0);
            let before = self.ends.partition_point(|end| *end <= place);
            let candidate = item + first;
            return Err(RankingError::RepeatedCandidate { voter, position, candidate, first: before });
        }
        self.ranked[item] = true;
        self.items.push(item as u32);
        Ok(())
    }

    /// The ranking, with the voter's weight.
    pub(super) fn finish(&self, weight: f64) -> Result<Ranking<'_>, RankingError> {
        let voter = self.voter;
        if self.items.is_empty() {
            return Err(RankingError::EmptyRanking { voter });
        }
        let ends = (self.ends.len() < self.items.len()).then_some(self.ends.as_slice());
        Ok(Ranking { voter, items: &self.items, ends, weight })
    }
}

/// Refuses what is no weight.
pub(super) fn check_weight(voter: usize, weight: f64) -> Result<f64, RankingError> {
    if weight.is_finite() && weight >= 0.0 {
        Ok(weight)
    } else {
        Err(RankingError::Weight { voter, found: weight.to_string() })
    }
}

/// Refuses weights of which none counts, or which are too large together.
pub(super) fn check_total(total: f64) -> Result<(), RankingError> {
    if total > 0.0 && total <= LARGEST_TOTAL {
        Ok(())
    } else {
        Err(RankingError::TotalWeight { total, most: LARGEST_TOTAL })
    }
}
