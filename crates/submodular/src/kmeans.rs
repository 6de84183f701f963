//! k-means: parts of items that lie close together (Lloyd 1982), seeded by k-means++ (Arthur and Vassilvitskii 2007), on
//! batches where there are many items (Sculley 2010).
//!
//! Distances are Euclidean, of the rows as they are packed: normalised where the measure is of directions. An empty
//! cluster takes the item that is farthest from its own centre, and is dropped where it ends empty. A part of one item
//! would choose nothing, so its item joins the nearest part that is left: no item is lost, and every one is with the
//! nearest of the centres that remain, ties to the lowest.

use crate::sampling::{below, stream, unit, without_replacement};
use crate::similarity::Points;
use crate::{Ctl, Error, Halt, Item};

/// Rounds of assignment at most.
const ROUNDS: u64 = 20;
/// Items up to which every round looks at all of them, at least; and of a batch beyond.
const BATCH: usize = 1 << 15;
/// Items that seeds are drawn from, at least.
const SAMPLE: usize = 1 << 14;
/// Items of a batch and of the sample for each part, at least.
const PER_PART: usize = 16;

/// Parts of items and their centres.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// The part of each item, counted from 0.
    pub of: Vec<u32>,
    /// Items of each part: at least 2, where there are 2 items.
    pub sizes: Vec<usize>,
    /// A centre a part, row by row.
    pub centres: Vec<f32>,
    /// The sum of squared distances of items to the centres of their parts.
    pub inertia: f64,
}

/// Bytes beside the points, at the peak.
pub fn memory(n: usize, dim: usize, parts: usize) -> u64 {
    let parts = parts.min(n);
    let batch = batch(n, parts).max(sample(n, parts)) as u64;
    let vectors = batch.saturating_mul(dim as u64).saturating_mul(4);
    let centres = (parts as u64).saturating_mul(dim as u64).saturating_mul(16);
    vectors.saturating_add(centres).saturating_add(n as u64 * 24)
}

/// Floating-point operations at most: of the seeds, of every round, and of the last assignment, of all items.
pub fn work(n: usize, dim: usize, parts: usize) -> f64 {
    let parts = parts.min(n);
    // Each centre is compared with the sample when it is a seed, with a batch in each round, with all items at last.
    let rows = sample(n, parts) as f64 + ROUNDS as f64 * batch(n, parts) as f64 + n as f64;
    2.0 * rows * parts as f64 * dim as f64
}

fn batch(n: usize, parts: usize) -> usize {
    BATCH.max(parts.saturating_mul(PER_PART)).min(n)
}

fn sample(n: usize, parts: usize) -> usize {
    SAMPLE.max(parts.saturating_mul(PER_PART)).min(n)
}

/// At most `parts` parts of all points, fewer where points coincide or a cluster has one item. The same at any thread
/// count. O((s + 20 b + n) parts dim), seeds being drawn from s items and a batch having b: see [`work`].
///
/// # Errors
/// [`Error::Parameter`] for no parts, [`Error::Shape`] for no points, [`Halt`] when stopped.
pub fn kmeans(points: &Points, parts: usize, seed: u64, ctl: &Ctl) -> Result<Clusters, Halt> {
    if parts == 0 {
        let reason = "0 parts: at least 1".to_owned();
        return Err(Error::Parameter { name: "parts", reason }.into());
    }
    if points.is_empty() {
        return Err(Error::Shape { what: "rows, at least", expected: 1, found: 0 }.into());
    }
    let (n, parts) = (points.len(), parts.min(points.len()));
    let mut means = Means::new(seeds(points, parts, seed, ctl)?, points.dim());
    let size = batch(n, parts);
    let mut last = vec![];
    for round in 0..ROUNDS {
        if size == n {
            let found = points.nearest(&points.beside(&means.centres)?, ctl)?;
            if found == last {
                break;
            }
            means.forget();
            means.add(points, &found);
            means.fill(points, &found);
            last = found;
        } else {
            let mut rng = stream(seed, 2 + round);
            let mut drawn: Vec<Item> = (0..size).map(|_| below(n as u64, &mut rng) as Item).collect();
            drawn.sort_unstable();
            let drawn = points.restrict(&drawn);
            let found = drawn.nearest(&points.beside(&means.centres)?, ctl)?;
            means.add(&drawn, &found);
        }
    }
    whole(points, &means.centres, ctl)
}

/// Centres that are items, each drawn from a sample in proportion to its squared distance from those before.
fn seeds(points: &Points, parts: usize, seed: u64, ctl: &Ctl) -> Result<Vec<f32>, Halt> {
    let all = (0..).take(points.len()).collect();
    let drawn = without_replacement(all, sample(points.len(), parts), &mut stream(seed, 0));
    let drawn = points.restrict(&drawn);
    let mut rng = stream(seed, 1);
    let mut next = below(drawn.len() as u64, &mut rng) as usize;
    let mut gaps = vec![f32::INFINITY; drawn.len()];
    let mut centres: Vec<f32> = vec![];
    loop {
        let centre: Vec<f32> = drawn.row(next).collect();
        centres.extend(&centre);
        if centres.len() == parts * points.dim() {
            return Ok(centres);
        }
        let found = drawn.nearest(&points.beside(&centre)?, ctl)?;
        gaps.iter_mut().zip(found).for_each(|(gap, (_, square))| *gap = gap.min(square));
        let total: f64 = gaps.iter().map(|&gap| f64::from(gap)).sum();
        // Every item of the sample is a centre.
        if total == 0.0 {
            return Ok(centres);
        }
        let mut left = unit(&mut rng) * total;
        let open = gaps.iter().enumerate().filter(|(_, gap)| **gap > 0.0);
        for (at, &gap) in open {
            next = at;
            left -= f64::from(gap);
            if left < 0.0 {
                break;
            }
        }
    }
}

/// The mean of what each centre was given.
struct Means {
    dim: usize,
    centres: Vec<f32>,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl Means {
    fn new(centres: Vec<f32>, dim: usize) -> Self {
        Self { dim, sums: vec![0.0; centres.len()], counts: vec![0; centres.len() / dim], centres }
    }

    fn forget(&mut self) {
        self.sums.fill(0.0);
        self.counts.fill(0);
    }

    /// One round's items, in their order. A centre that was never given one stays.
    fn add(&mut self, points: &Points, found: &[(Item, f32)]) {
        for (row, &(part, _)) in found.iter().enumerate() {
            let sums = &mut self.sums[part as usize * self.dim..][..self.dim];
            sums.iter_mut().zip(points.row(row)).for_each(|(sum, x)| *sum += f64::from(x));
            self.counts[part as usize] += 1;
        }
        let of = self.centres.chunks_exact_mut(self.dim).zip(self.sums.chunks_exact(self.dim));
        for ((centre, sums), &count) in of.zip(&self.counts) {
            if count > 0 {
                centre.iter_mut().zip(sums).for_each(|(x, sum)| *x = (sum / count as f64) as f32);
            }
        }
    }

    /// Moves centres without an item to those farthest from theirs, ties to the lowest item.
    fn fill(&mut self, points: &Points, found: &[(Item, f32)]) {
        let empty: Vec<usize> = (0..self.counts.len()).filter(|&part| self.counts[part] == 0).collect();
        if empty.is_empty() {
            return;
        }
        let mut far: Vec<usize> = (0..found.len()).filter(|&row| found[row].1 > 0.0).collect();
        far.sort_by(|&a, &b| found[b].1.total_cmp(&found[a].1));
        for (part, row) in empty.into_iter().zip(far) {
            let centre = &mut self.centres[part * self.dim..][..self.dim];
            centre.iter_mut().zip(points.row(row)).for_each(|(to, x)| *to = x);
        }
    }
}

/// The last assignment, of all items, without empty parts and parts of one.
fn whole(points: &Points, centres: &[f32], ctl: &Ctl) -> Result<Clusters, Halt> {
    let others = points.beside(centres)?;
    let mut found = points.nearest(&others, ctl)?;
    let mut sizes = vec![0_usize; others.len()];
    let mut alone = vec![None; others.len()];
    for (row, &(part, _)) in found.iter().enumerate() {
        sizes[part as usize] += 1;
        alone[part as usize] = Some(row);
    }
    let mut left: Vec<Item> = (0..).take(sizes.len()).filter(|&part| sizes[part as usize] > 0).collect();
    for (part, row) in alone.into_iter().enumerate() {
        let Some(row) = row.filter(|_| sizes[part] == 1 && left.len() > 1) else { continue };
        left.retain(|&other| other as usize != part);
        found[row] = points.nearest_of(row..row + 1, &others, &left, ctl)?[0];
        sizes[part] = 0;
        sizes[found[row].0 as usize] += 1;
    }
    let mut new = vec![0_u32; sizes.len()];
    (0..).zip(&left).for_each(|(to, &part)| new[part as usize] = to);
    let dim = points.dim();
    Ok(Clusters {
        of: found.iter().map(|&(part, _)| new[part as usize]).collect(),
        sizes: left.iter().map(|&part| sizes[part as usize]).collect(),
        centres: left.iter().flat_map(|&part| &centres[part as usize * dim..][..dim]).copied().collect(),
        inertia: found.iter().map(|&(_, square)| f64::from(square)).sum(),
    })
}
