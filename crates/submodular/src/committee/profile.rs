//! The rankings of many voters, held so that the places of one candidate are read one after the other.

use crate::Item;
use std::collections::HashMap;

/// Voters whose places of one candidate stand side by side: as many as a list of gains of every place for each of them
/// fits a first-level cache. Part of no answer.
pub(crate) const LANES: usize = 2;

/// What is wrong with a ranking. Voters, positions and tie classes count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRanking {
    /// A candidate twice.
    #[error(
        "voter {voter}, position {position}: candidate {candidate} was ranked before; rank each candidate once"
    )]
    RepeatedCandidate {
        /// The voter.
        voter: usize,
        /// Where the candidate stands again.
        position: usize,
        /// The candidate.
        candidate: Item,
    },
    /// A candidate that there is not.
    #[error(
        "voter {voter}, position {position}: candidate {candidate} is not one of the {candidates} candidates"
    )]
    UnknownCandidate {
        /// The voter.
        voter: usize,
        /// Where it stands.
        position: usize,
        /// What stands there.
        candidate: Item,
        /// How many candidates there are.
        candidates: usize,
    },
    /// No candidate at all.
    #[error("voter {voter} ranks no candidate; leave a voter without an opinion out")]
    Empty {
        /// The voter.
        voter: usize,
    },
    /// Fewer or more candidates than a complete ranking has.
    #[error("voter {voter} ranks {found} candidates; expected all {expected}")]
    Incomplete {
        /// The voter.
        voter: usize,
        /// How many candidates there are.
        expected: usize,
        /// How many are ranked.
        found: usize,
    },
    /// A weight that is no finite number of at least 0, or that makes the sum of weights infinite.
    #[error("voter {voter} has the weight {weight}; expected a number of at least 0, and a finite sum")]
    Weight {
        /// The voter.
        voter: usize,
        /// The weight.
        weight: f64,
    },
    /// Ends of tie classes that do not cut the ranking into pieces.
    #[error(
        "voter {voter}, tie class {class}: ends at {end}; expected ends that rise from above 0 to the {ranked} candidates ranked"
    )]
    Ends {
        /// The voter.
        voter: usize,
        /// The class.
        class: usize,
        /// Where it ends, or the last one did where classes are missing.
        end: usize,
        /// How many candidates are ranked.
        ranked: usize,
    },
    /// Nobody to please.
    #[error("no voter has a weight above 0; expected at least one")]
    NoVoters,
}

/// Candidates that one voter holds to be equal: the `len` positions from `start` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Class {
    start: u32,
    len: u32,
}

/// The rankings of weighted voters over candidates `0..candidates`: complete or truncated, strict or with ties.
///
/// Tied candidates share the mean score of their positions; candidates that a voter did not rank score 0 under every
/// rule. Each voter takes 4 bytes a candidate, ranked or not, and 8 more.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    candidates: usize,
    weights: Vec<f64>,
    /// By tiles of [`LANES`] voters (the last one may have fewer), in each by candidate, then by voter.
    places: Vec<u32>,
    /// Places above `candidates`. Place p from 1 to `candidates` is position p - 1 alone, place 0 none.
    ties: Vec<Class>,
}

/// One voter's order, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// Who is ranked, tied candidates in ascending order.
    pub items: Vec<Item>,
    /// Exclusive ends of the tie classes; `1, 2, ..` where the order is strict.
    pub ends: Vec<usize>,
}

/// Takes rankings in, one voter at a time.
#[derive(Debug)]
pub struct ProfileBuilder {
    profile: Profile,
    of: HashMap<Class, u32>,
    /// Places of the voters of an unfinished tile, voter by voter.
    pending: Vec<u32>,
    total: f64,
}

impl ProfileBuilder {
    /// No voters yet.
    pub fn new(candidates: usize) -> Self {
        let profile = Profile { candidates, weights: vec![], places: vec![], ties: vec![] };
        Self { profile, of: HashMap::new(), pending: vec![], total: 0.0 }
    }

    /// Makes room for so many voters at once.
    #[must_use]
    pub fn reserve(mut self, voters: usize) -> Self {
        self.profile.weights.reserve(voters);
        self.profile.places.reserve(voters.saturating_mul(self.profile.candidates));
        self
    }

    /// One more voter. `items`: who is ranked, best first, not necessarily all; `ends`: the exclusive ends of the tie
    /// classes, rising, the last one being `items.len()`, or none where the order is strict. O(candidates).
    ///
    /// # Errors
    /// [`InvalidRanking`]; nothing was added then.
    pub fn push(
        &mut self,
        items: &[Item],
        ends: Option<&[usize]>,
        weight: f64,
    ) -> Result<(), InvalidRanking> {
        let (voter, ranked) = (self.profile.voters(), items.len());
        if items.is_empty() {
            return Err(InvalidRanking::Empty { voter });
        }
        if !(weight >= 0.0 && (self.total + weight).is_finite()) {
            return Err(InvalidRanking::Weight { voter, weight });
        }
        if let Some(ends) = ends {
            check_ends(voter, ranked, ends)?;
        }
        let row = self.pending.len();
        self.pending.resize(row + self.profile.candidates, 0);
        if let Err(invalid) = self.place(row, items, ends) {
            self.pending.truncate(row);
            return Err(invalid);
        }
        self.profile.weights.push(weight);
        self.total += weight;
        if self.profile.voters().is_multiple_of(LANES) {
            self.close_tile();
        }
        Ok(())
    }

    /// Writes the places of a voter into the pending row that begins at `row`.
    fn place(&mut self, row: usize, items: &[Item], ends: Option<&[usize]>) -> Result<(), InvalidRanking> {
        let (voter, candidates) = (self.profile.voters(), self.profile.candidates);
        let (mut class, mut start, mut place) = (0, 0, 0);
        for (position, &candidate) in items.iter().enumerate() {
            if position == start {
                let end = ends.map_or(position + 1, |ends| ends[class]);
                place = self.profile.class_place(&mut self.of, position, end - position);
                (class, start) = (class + 1, end);
            }
            match self.pending[row..].get_mut(candidate as usize) {
                Some(free @ 0) => *free = place,
                Some(_) => return Err(InvalidRanking::RepeatedCandidate { voter, position, candidate }),
                None => {
                    return Err(InvalidRanking::UnknownCandidate { voter, position, candidate, candidates });
                }
            }
        }
        Ok(())
    }

    fn close_tile(&mut self) {
        let candidates = self.profile.candidates;
        for candidate in 0..candidates {
            self.profile.places.extend(self.pending.iter().skip(candidate).step_by(candidates));
        }
        self.pending.clear();
    }

    /// The profile of all voters so far.
    ///
    /// # Errors
    /// [`InvalidRanking::NoVoters`].
    pub fn finish(mut self) -> Result<Profile, InvalidRanking> {
        if self.total <= 0.0 {
            return Err(InvalidRanking::NoVoters);
        }
        self.close_tile();
        Ok(self.profile)
    }
}

fn check_ends(voter: usize, ranked: usize, ends: &[usize]) -> Result<(), InvalidRanking> {
    let mut before = 0;
    for (class, &end) in ends.iter().enumerate() {
        if end <= before || end > ranked {
            return Err(InvalidRanking::Ends { voter, class, end, ranked });
        }
        before = end;
    }
    match before == ranked {
        true => Ok(()),
        false => Err(InvalidRanking::Ends { voter, class: ends.len(), end: before, ranked }),
    }
}

impl Profile {
    /// Voters of weight 1 with complete, strict rankings: row-major, voter by voter, best first.
    ///
    /// # Errors
    /// [`InvalidRanking`].
    pub fn from_strict(candidates: usize, rankings: &[Item]) -> Result<Self, InvalidRanking> {
        let mut builder = ProfileBuilder::new(candidates).reserve(rankings.len() / candidates.max(1));
        for (voter, ranking) in rankings.chunks(candidates.max(1)).enumerate() {
            if ranking.len() < candidates {
                let found = ranking.len();
                return Err(InvalidRanking::Incomplete { voter, expected: candidates, found });
            }
            builder.push(ranking, None, 1.0)?;
        }
        builder.finish()
    }

    /// How many candidates there are.
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// How many voters there are.
    pub fn voters(&self) -> usize {
        self.weights.len()
    }

    /// The weight of each voter: finite, at least 0, not all 0.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Bytes that a profile of this shape takes, without those of its kinds of ties.
    pub fn memory(candidates: usize, voters: usize) -> u64 {
        (voters as u64).saturating_mul(4 * candidates as u64 + 8)
    }

    /// The order of one voter. O(candidates log candidates).
    ///
    /// # Panics
    /// Where there is no such voter.
    pub fn ranking(&self, voter: usize) -> Ranking {
        let class = |candidate: Item| self.class(self.place(voter, candidate));
        let ranked =
            (0..self.candidates as Item).filter_map(|e| class(e).map(|class| (class.start, e, class.len)));
        let mut ranked: Vec<(u32, Item, u32)> = ranked.collect();
        ranked.sort_unstable();
        let mut ends: Vec<usize> = ranked.iter().map(|&(start, _, len)| (start + len) as usize).collect();
        ends.dedup();
        Ranking { items: ranked.into_iter().map(|(_, e, _)| e).collect(), ends }
    }

    /// The score of each place from the score of each position; positions beyond `by_position` score 0. A tie class
    /// scores the mean of its positions, a candidate without a rank 0.
    pub(crate) fn place_scores(&self, by_position: &[f64]) -> Vec<f64> {
        let score = |position: usize| by_position.get(position).copied().unwrap_or(0.0);
        let strict = (0..self.candidates).map(score);
        let tied = self.ties.iter().map(|&Class { start, len }| {
            let positions = (start..start + len).map(|position| score(position as usize));
            positions.sum::<f64>() / f64::from(len)
        });
        std::iter::once(0.0).chain(strict).chain(tied).collect()
    }

    /// The places in a tile's rankings, and how many voters it has: `places[voters * candidate + lane]`.
    pub(crate) fn tile(&self, tile: usize) -> (&[u32], usize) {
        let first = tile * LANES;
        let lanes = LANES.min(self.voters() - first);
        (&self.places[first * self.candidates..][..lanes * self.candidates], lanes)
    }

    fn place(&self, voter: usize, candidate: Item) -> usize {
        let (places, lanes) = self.tile(voter / LANES);
        places[lanes * candidate as usize + voter % LANES] as usize
    }

    fn class(&self, place: usize) -> Option<Class> {
        match place.checked_sub(self.candidates + 1) {
            Some(tie) => Some(self.ties[tie]),
            None => place.checked_sub(1).map(|position| Class { start: position as u32, len: 1 }),
        }
    }

    /// The place of a class, which is new perhaps.
    fn class_place(&mut self, of: &mut HashMap<Class, u32>, start: usize, len: usize) -> u32 {
        if len == 1 {
            return start as u32 + 1;
        }
        let class = Class { start: start as u32, len: len as u32 };
        *of.entry(class).or_insert_with(|| {
            self.ties.push(class);
            (self.candidates + self.ties.len()) as u32
        })
    }
}
