//! Sums of ordered weighted averages: `f(S) = sum over voters v of weight_v sum over j of w_j g_v(j)`, where
//! `g_v(1) >= g_v(2) >= ..` are the scores that v gives the items of S.
//!
//! An item of score g that ranks behind r of them gains `w_(r+1) g - sum over j > r of (w_j - w_(j+1)) g_(j)`: with the
//! sums of each voter kept, O(voters log |S|) a gain. Where many are asked, each voter's gains of all scores are listed
//! once, which makes it O(voters) a gain beside O(voters x scores) for all of them. The state is 12 bytes a voter and
//! item of S. With scores of at least 0 and weights of at least 0 that never rise f is monotone and submodular
//! (Skowron, Faliszewski, Lang 2016).

use super::State;
use super::voters::{add_up, block_sums, blocks, each, poll, scratch, tiles};
use crate::committee::{LANES, Profile};
use crate::{Ctl, Halt, Item};
use std::ops::Range;
use std::sync::Arc;

/// Looked up one by one, a gain costs about as much as so many entries of a list.
const LOOKUP: usize = 64;

/// What is the same for every set.
#[derive(Debug, Clone)]
pub(super) struct OrderedAverages {
    profile: Arc<Profile>,
    /// The candidate that each item is.
    candidates: Vec<Item>,
    /// The level of each place: places of one score share one.
    levels: Vec<u32>,
    /// Whether the level of each place p from 1 on is p - 1, as without ties under Borda scores.
    straight: bool,
    /// The score of each level, descending.
    scores: Vec<f64>,
    /// w of each rank from 0 on, for one rank more than there are candidates.
    weights: Vec<f64>,
    /// `w_j - w_(j+1)` of each rank j.
    falls: Vec<f64>,
    /// Ranks up to the last that weighs anything.
    depth: usize,
}

impl OrderedAverages {
    /// `scores`: of each place; `weights`: of each rank, one more than there are candidates.
    pub(super) fn new(
        profile: Arc<Profile>,
        candidates: Vec<Item>,
        scores: &[f64],
        weights: Vec<f64>,
    ) -> Self {
        let mut distinct = scores.to_vec();
        distinct.sort_unstable_by(|a, b| b.total_cmp(a));
        distinct.dedup();
        let level = |&score: &f64| distinct.partition_point(|&other| other > score) as u32;
        let levels: Vec<u32> = scores.iter().map(level).collect();
        let straight = levels.iter().skip(1).zip(0..).all(|(&level, expected)| level == expected);
        let falls: Vec<f64> = weights.windows(2).map(|pair| pair[0] - pair[1]).collect();
        let depth = weights[..falls.len()].iter().rposition(|&w| w > 0.0).map_or(0, |last| last + 1);
        Self { profile, candidates, levels, straight, scores: distinct, weights, falls, depth }
    }

    /// The same of a part: item i is `items[i]`.
    pub(super) fn restrict(&self, items: &[Item]) -> Self {
        Self { candidates: self.named(items), ..self.clone() }
    }

    pub(super) fn len(&self) -> usize {
        self.candidates.len()
    }

    /// How much a computed gain may rise by rounding. A voter's gain is a product less a sum of `depth` products, none
    /// of them above the largest score. Nothing rises where one rank weighs anything, since only one number is subtracted,
    /// which grows, nor where all scores are equal and nothing is; the sum over voters keeps the order of its terms.
    pub(super) fn slack(&self) -> f64 {
        let positive = self.scores.partition_point(|&score| score > 0.0);
        if self.depth <= 1 || positive <= 1 {
            return 0.0;
        }
        let most = self.weights[0] * self.scores[0] * self.profile.weights().iter().sum::<f64>();
        4.0 * f64::EPSILON * (self.depth + 2) as f64 * most
    }

    /// The state of the empty set.
    pub(super) fn state(self: Arc<Self>) -> Box<dyn State> {
        let block = |voters: Range<usize>| Block {
            held: voters.clone().map(|_| Held { levels: vec![], later: vec![0.0], worth: 0.0 }).collect(),
            voters,
            value: 0.0,
            moved: 0,
        };
        let blocks = blocks(self.profile.voters()).map(block).collect();
        Box::new(Voters { f: self, blocks, every: None, asked: [0; 2] })
    }

    /// The candidates that these items are.
    fn named(&self, items: &[Item]) -> Vec<Item> {
        items.iter().map(|&e| self.candidates[e as usize]).collect()
    }

    fn score(&self, level: u32) -> f64 {
        self.scores[level as usize]
    }
}

/// Bytes of the state of a set of `k` items, of the sums of gains, and of what is the same for every set, without the
/// profile.
pub(super) fn memory(candidates: usize, voters: usize, k: usize) -> u64 {
    // Headers of a voter's lists, and what its entries take when lists have just doubled.
    let state = (voters as u64).saturating_mul(64 + 24 * k.min(candidates) as u64);
    state.saturating_add(scratch(candidates, voters)).saturating_add(64 * candidates as u64)
}

/// What one voter has of S. A function of S alone, whatever the order of its items: so that a step can be undone.
#[derive(Clone)]
struct Held {
    /// Of the items of S that score anything, ascending: the best first.
    levels: Vec<u32>,
    /// `sum over j >= r of (w_j - w_(j+1)) g_j` for each rank r from 0 that weighs anything, and 0 after the last.
    later: Vec<f64>,
    /// `sum over j of w_j g_j`.
    worth: f64,
}

#[derive(Clone, Copy)]
enum Move {
    Join,
    Leave,
}

impl Move {
    fn back(self) -> Self {
        match self {
            Move::Join => Move::Leave,
            Move::Leave => Move::Join,
        }
    }
}

impl Held {
    /// `moved`: the levels of the items that join or leave; emptied.
    fn change(&mut self, f: &OrderedAverages, way: Move, moved: &mut Vec<u32>) {
        moved.retain(|&level| f.score(level) > 0.0);
        match (way, &moved[..]) {
            (_, []) => return,
            (Move::Join, &[level]) => {
                let at = self.levels.partition_point(|&other| other <= level);
                self.levels.insert(at, level);
            }
            (Move::Join, levels) => {
                self.levels.extend(levels);
                self.levels.sort_unstable();
            }
            (Move::Leave, levels) => {
                for level in levels {
                    if let Ok(at) = self.levels.binary_search(level) {
                        self.levels.remove(at);
                    }
                }
            }
        }
        moved.clear();
        let seen = &self.levels[..self.levels.len().min(f.depth)];
        self.later.clear();
        self.later.resize(seen.len() + 1, 0.0);
        let mut sum = 0.0;
        for ((later, fall), &level) in self.later.iter_mut().zip(&f.falls).zip(seen).rev() {
            sum += fall * f.score(level);
            *later = sum;
        }
        self.worth = seen.iter().zip(&f.weights).map(|(&level, w)| w * f.score(level)).sum();
    }

    /// Those of its levels that weigh anything.
    fn seen(&self) -> &[u32] {
        &self.levels[..self.later.len() - 1]
    }

    fn gain(&self, f: &OrderedAverages, level: u32) -> f64 {
        let rank = self.seen().partition_point(|&other| other <= level);
        f.weights[rank] * f.score(level) - self.later[rank]
    }

    /// [`gain`](Self::gain) of every level, to the bit, times the voter's weight, behind a 0: in the order of
    /// places, where that is [straight](OrderedAverages::straight).
    fn gains(&self, f: &OrderedAverages, weight: f64, out: &mut Vec<f64>) {
        out.resize(1 + f.scores.len(), 0.0);
        let (mut out, mut scores, mut from) = (&mut out[1..], &f.scores[..], 0);
        for (rank, &later) in self.later.iter().enumerate() {
            let to = self.seen().get(rank).map_or(f.scores.len(), |&level| level as usize);
            let (here, behind) = out.split_at_mut(to - from);
            line(here, scores, weight, f.weights[rank], later);
            (out, scores, from) = (behind, &scores[to - from..], to);
        }
    }

    /// `sum over j >= r of (w_(j-1) - w_j) g_j` for each rank r from 0 (where it is not meant).
    fn earlier(&self, f: &OrderedAverages, out: &mut Vec<f64>) {
        let seen = &self.levels[..self.levels.len().min(f.depth + 1)];
        out.clear();
        out.resize(seen.len() + 1, 0.0);
        for rank in (1..seen.len()).rev() {
            out[rank] = out[rank + 1] + f.falls[rank - 1] * f.score(seen[rank]);
        }
    }

    /// What f loses without an item of this level.
    fn loss(&self, f: &OrderedAverages, earlier: &[f64], level: u32) -> f64 {
        let rank = self.levels.partition_point(|&other| other < level);
        f.weights[rank] * f.score(level) - earlier.get(rank + 1).copied().unwrap_or(0.0)
    }
}

/// `out[i] = weight (w scores[i] - later)`: slices of its own, so that the compiler knows them apart.
#[inline(never)]
fn line(out: &mut [f64], scores: &[f64], weight: f64, w: f64, later: f64) {
    out.iter_mut().zip(scores).for_each(|(out, g)| *out = weight * (w * g - later));
}

/// Voters whose sums are added together.
#[derive(Clone)]
struct Block {
    voters: Range<usize>,
    held: Vec<Held>,
    value: f64,
    /// Voters whose lists a step has changed that is not over.
    moved: usize,
}

impl Block {
    /// The items join or leave the lists of the first `voters` voters.
    fn change(
        &mut self,
        f: &OrderedAverages,
        (way, items): (Move, &[Item]),
        voters: usize,
        ctl: Option<&Ctl>,
    ) -> Result<(), Halt> {
        if items.is_empty() {
            return Ok(());
        }
        let mut moved = vec![];
        for (at, (tile, of_tile)) in tiles(&self.voters).enumerate() {
            let (places, lanes) = f.profile.tile(tile);
            ctl.map_or(Ok(()), |ctl| poll(at, lanes * items.len(), ctl))?;
            for lane in (0..lanes).take((self.voters.start + voters).saturating_sub(of_tile.start)) {
                let place = |e: Item| places[lanes * f.candidates[e as usize] as usize + lane];
                moved.extend(items.iter().map(|&e| f.levels[place(e) as usize]));
                self.held[of_tile.start + lane - self.voters.start].change(f, way, &mut moved);
                self.moved += 1;
            }
        }
        let weights = &f.profile.weights()[self.voters.clone()];
        self.value = self.held.iter().zip(weights).map(|(held, weight)| weight * held.worth).sum();
        Ok(())
    }

    /// Takes back what a step that failed has done of [`change`](Self::change).
    fn undo(&mut self, f: &OrderedAverages, (way, items): (Move, &[Item])) -> Result<(), Halt> {
        let moved = std::mem::take(&mut self.moved);
        self.change(f, (way.back(), items), moved, None)?;
        self.moved = 0;
        Ok(())
    }

    fn held(&self, voters: &Range<usize>) -> &[Held] {
        &self.held[voters.start - self.voters.start..voters.end - self.voters.start]
    }

    /// `f(S + e) - f(S)` over these voters, looked up one by one.
    fn gains(&self, f: &OrderedAverages, asked: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        block_sums(&f.profile, &self.voters, asked, ctl, |tile, sums| {
            let (weights, held) = (&f.profile.weights()[tile.voters.clone()], self.held(&tile.voters));
            tile.add(asked, sums, |lane, place| weights[lane] * held[lane].gain(f, f.levels[place]));
        })
    }

    /// The same to the bit, from lists of the gains of all levels.
    fn listed_gains(&self, f: &OrderedAverages, asked: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let (levels, mut lists) = (&*f.levels, [const { vec![] }; LANES]);
        block_sums(&f.profile, &self.voters, asked, ctl, |tile, sums| {
            let weights = &f.profile.weights()[tile.voters.clone()];
            for ((list, held), &weight) in lists.iter_mut().zip(self.held(&tile.voters)).zip(weights) {
                held.gains(f, weight, list);
            }
            let [first, second]: [&[f64]; LANES] = lists.each_ref().map(|list| &**list);
            let at = |lane, level: usize| if lane == 0 { first[level] } else { second[level] };
            if f.straight {
                tile.add(asked, sums, at);
            } else {
                tile.add(asked, sums, |lane, place| at(lane, 1 + levels[place] as usize));
            }
        })
    }

    /// `f(S) - f(S - e)` over these voters.
    fn losses(&self, f: &OrderedAverages, asked: &[Item], ctl: &Ctl) -> Result<Vec<f64>, Halt> {
        let mut lists = [const { vec![] }; LANES];
        block_sums(&f.profile, &self.voters, asked, ctl, |tile, sums| {
            let (weights, held) = (&f.profile.weights()[tile.voters.clone()], self.held(&tile.voters));
            lists.iter_mut().zip(held).for_each(|(list, held)| held.earlier(f, list));
            tile.add(asked, sums, |lane, place| {
                weights[lane] * held[lane].loss(f, &lists[lane], f.levels[place])
            });
        })
    }
}

#[derive(Clone)]
struct Voters {
    f: Arc<OrderedAverages>,
    blocks: Vec<Block>,
    /// Gains of every item, where they are known of this S.
    every: Option<Vec<f64>>,
    /// Gains that were asked of this S, and of the one before it.
    asked: [usize; 2],
}

impl Voters {
    /// Changes S, then asks each block. `Err` has changed nothing.
    fn step(
        &mut self,
        change: (Move, &[Item]),
        asked: usize,
        ctl: &Ctl,
        ask: impl Fn(&Block) -> Result<Vec<f64>, Halt> + Sync,
    ) -> Result<Vec<Vec<f64>>, Halt> {
        let f = &*self.f;
        let terms = f.profile.voters() * (change.1.len() + asked);
        let work = |block: &mut Block| {
            block.change(f, change, block.voters.len(), Some(ctl))?;
            ask(block)
        };
        let sums = each(&mut self.blocks, terms, work);
        if sums.is_err() {
            each(&mut self.blocks, terms, |block| block.undo(f, change))?;
            return sums;
        }
        self.blocks.iter_mut().for_each(|block| block.moved = 0);
        sums
    }
}

impl State for Voters {
    fn value(&self) -> f64 {
        self.blocks.iter().map(|block| block.value).sum()
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let (f, change) = (self.f.clone(), (Move::Join, add));
        let asked = match (add, self.asked) {
            ([], [now, before]) => [now + ask.len(), before],
            (_, [before, _]) => [ask.len(), before],
        };
        if let (Some(every), []) = (&self.every, add) {
            ctl.tick(ask.len() as u64)?;
            out.iter_mut().zip(ask).for_each(|(out, &e)| *out = every[e as usize]);
            self.asked = asked;
            return Ok(());
        }
        // As many as the set before was asked for will be asked for now.
        let every = if ask.is_empty() || asked[0].max(asked[1]) * LOOKUP < f.scores.len() + f.len() {
            let named = f.named(ask);
            let sums = self.step(change, ask.len(), ctl, |block| block.gains(&f, &named, ctl))?;
            add_up(&sums, out);
            None
        } else {
            let sums = self.step(change, f.len(), ctl, |block| block.listed_gains(&f, &f.candidates, ctl))?;
            let mut every = vec![0.0; f.len()];
            add_up(&sums, &mut every);
            out.iter_mut().zip(ask).for_each(|(out, &e)| *out = every[e as usize]);
            Some(every)
        };
        (self.every, self.asked) = (every, asked);
        Ok(())
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        let f = self.f.clone();
        let asked = f.named(ask);
        let sums = self.step((Move::Leave, drop), ask.len(), ctl, |block| block.losses(&f, &asked, ctl))?;
        add_up(&sums, out);
        if !drop.is_empty() {
            (self.every, self.asked) = (None, [0; 2]);
        }
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(self.clone())
    }
}
