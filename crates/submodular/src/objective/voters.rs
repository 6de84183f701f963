//! Sums over the voters of a profile: a number for each candidate, whatever a voter's term of a place is.

use crate::committee::{LANES, Profile};
use crate::{Ctl, Halt, Item};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles whose sums are added together. Fixed, so that sums come in one order at any thread count.
const TILES: usize = 64;
/// Terms between two polls.
const POLL: usize = 1 << 16;
/// Terms below which waking other threads costs more than it brings.
const INLINE: usize = 1 << 16;

/// Voters of each block, in order.
pub(super) fn blocks(voters: usize) -> impl Iterator<Item = Range<usize>> {
    let block = TILES * LANES;
    (0..voters).step_by(block).map(move |first| first..voters.min(first + block))
}

/// Bytes of the sums of all blocks.
pub(super) fn scratch(candidates: usize, voters: usize) -> u64 {
    (voters.div_ceil(TILES * LANES) as u64).saturating_mul(8 * candidates as u64)
}

/// The tiles of a block, and the voters of each.
pub(super) fn tiles(block: &Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> + use<> {
    let Range { start, end } = *block;
    (start..end).step_by(LANES).map(move |first| (first / LANES, first..end.min(first + LANES)))
}

/// Polls before a block's first tile, and whenever many terms lie behind; each tile has `terms`.
pub(super) fn poll(tile: usize, terms: usize, ctl: &Ctl) -> Result<(), Halt> {
    let together = (POLL / terms.max(1)).clamp(1, TILES);
    if tile.is_multiple_of(together) { ctl.tick((together * terms) as u64) } else { Ok(()) }
}

/// What `work` makes of each block, on other threads too where it has `terms` enough.
pub(super) fn each<B: Send, T: Send>(
    blocks: &mut [B],
    terms: usize,
    work: impl Fn(&mut B) -> Result<T, Halt> + Send + Sync,
) -> Result<Vec<T>, Halt> {
    if terms <= INLINE {
        blocks.iter_mut().map(work).collect()
    } else {
        blocks.par_iter_mut().map(work).collect()
    }
}

/// Voters whose places of one candidate stand side by side.
pub(super) struct Tile<'a> {
    places: &'a [u32],
    pub(super) voters: Range<usize>,
}

impl Tile<'_> {
    /// Adds `term(lane, place)` of every voter of the tile to the sum of each candidate.
    #[inline(always)]
    pub(super) fn add(&self, candidates: &[Item], sums: &mut [f64], term: impl Fn(usize, usize) -> f64) {
        let sums = sums.iter_mut().zip(candidates);
        if self.voters.len() == LANES {
            let (pairs, _) = self.places.as_chunks::<LANES>();
            for (sum, &candidate) in sums {
                let [a, b] = pairs[candidate as usize];
                *sum += term(0, a as usize) + term(1, b as usize);
            }
        } else {
            sums.for_each(|(sum, &candidate)| *sum += term(0, self.places[candidate as usize] as usize));
        }
    }
}

/// For each candidate the sum over the voters of one block, tile by tile, by what `add` makes of each tile.
pub(super) fn block_sums(
    profile: &Profile,
    block: &Range<usize>,
    candidates: &[Item],
    ctl: &Ctl,
    mut add: impl FnMut(Tile<'_>, &mut [f64]),
) -> Result<Vec<f64>, Halt> {
    let mut sums = vec![0.0; candidates.len()];
    for (at, (tile, voters)) in tiles(block).enumerate() {
        poll(at, LANES * candidates.len(), ctl)?;
        let (places, _) = profile.tile(tile);
        add(Tile { places, voters }, &mut sums);
    }
    Ok(sums)
}

/// Adds the sums of blocks in their order.
pub(super) fn add_up(blocks: &[Vec<f64>], out: &mut [f64]) {
    out.fill(0.0);
    for sums in blocks {
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
    }
}
