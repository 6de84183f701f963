//! Whether hiding regions lowers the target's probability as their weights say (Bhatt, Weller, Moura 2020).

use crate::objective::attribution::Attribution;
use crate::sampling::{stream, without_replacement};
use crate::{Ctl, Error, Halt, Item, Set};

/// The draws of a search are those of its steps, of which there are fewer.
const FIRST_STREAM: u64 = 1 << 32;

/// The rank correlation (Spearman's, ties at their mean rank) between the summed weights of random sets of regions
/// and the drop `p(V) - p(V \ T)` of the target's probability when the set T is hidden: 1 where weights foretell
/// every drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MuFidelity {
    samples: usize,
    size: usize,
    seed: u64,
}

impl MuFidelity {
    /// `samples` sets of `size` of the `count` regions, each uniform; the i-th comes from ChaCha keyed by `seed` and
    /// i.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 2 samples, and for a size that is not from 1 to `count - 1`.
    pub fn new(count: usize, samples: usize, size: usize, seed: u64) -> Result<Self, Error> {
        if samples < 2 {
            let reason = format!("{samples} is too few: at least 2");
            return Err(Error::Parameter { name: "samples", reason });
        }
        if size == 0 || size >= count {
            let reason = format!("{size} is not from 1 to one less than the {count} regions");
            return Err(Error::Parameter { name: "size", reason });
        }
        Ok(Self { samples, size, seed })
    }

    /// The customary measure: 200 sets of a fifth of the regions, rounded, at least one.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 2 regions.
    pub fn customary(count: usize, seed: u64) -> Result<Self, Error> {
        Self::new(count, 200, ((count + 2) / 5).max(1), seed)
    }

    /// The sets, ascending each, in the order drawn; small inputs have repeats.
    pub fn sets(&self, count: usize) -> Vec<Set> {
        self.draws(count).collect()
    }

    fn draws(&self, count: usize) -> impl Iterator<Item = Set> + use<> {
        let Self { samples, size, seed } = *self;
        let all: Vec<Item> = (0..).take(count).collect();
        let draw = move |i| without_replacement(all.clone(), size, &mut stream(seed, FIRST_STREAM + i));
        (0..).take(samples).map(draw)
    }

    /// Of `weights`, one a region; `None` where all sums or all drops are equal. What was not shown yet is asked in
    /// one round.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Halt::Ask`].
    pub fn measure(&self, f: &Attribution, weights: &[f64], ctl: &Ctl) -> Result<Option<f64>, Halt> {
        let (expected, found) = (f.regions().count(), weights.len());
        if expected != found {
            return Err(Error::Shape { what: "weights of regions", expected, found }.into());
        }
        let mut sets = Vec::with_capacity(self.samples);
        for draw in self.draws(expected) {
            ctl.tick(1)?;
            sets.push(draw);
        }
        let evaluator = f.evaluator();
        let unknown = sets.iter().filter(|set| evaluator.known(set).is_none()).cloned().collect::<Vec<_>>();
        let mut asked = evaluator.pairs(&unknown, ctl)?.into_iter();
        let pairs = sets.iter().filter_map(|set| evaluator.known(set).or_else(|| asked.next()));
        // p(V) is the same in every drop, so ranks do not need it.
        let drops: Vec<f64> = pairs.map(|pair| -pair.complement.p_target).collect();
        let sum = |set: &Set| set.iter().map(|&region| weights[region as usize]).sum::<f64>();
        let sums: Vec<f64> = sets.iter().map(sum).collect();
        Ok(correlation(&ranks(&sums), &ranks(&drops)))
    }
}

/// From 1, ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for ties in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let mean = before as f64 + (ties.len() + 1) as f64 / 2.0;
        ties.iter().for_each(|&i| ranks[i] = mean);
        before += ties.len();
    }
    ranks
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        (xx, yy, xy) = (xx + dx * dx, yy + dy * dy, xy + dx * dy);
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}
