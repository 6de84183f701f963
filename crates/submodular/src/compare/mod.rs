//! Selections of one universe: how much two of them share, and how much of that chance would have given them.
//!
//! Under chance the sets keep their sizes and are drawn independently and uniformly, so the size of their intersection
//! is hypergeometric. Where items have groups, chance may only exchange items of one group; the sum over the groups has
//! no closed form, and [`Shuffle`] draws it.

mod necessity;
mod stability;
pub mod transfer;

pub use necessity::Necessity;
pub use stability::{Pair, Stability};

use crate::Error;
use crate::sampling::{below, stream};
use rand_chacha::ChaCha8Rng;

/// The largest universe: counts up to here are exact as f64.
pub const LARGEST_UNIVERSE: u64 = 1 << 53;

/// Weights of less than this share of what has been added up change no digit of it.
const NEGLIGIBLE: f64 = 1e-20;

/// What chance leaves as it is: the sizes of a universe and of two of its subsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Margins {
    universe: u64,
    a: u64,
    b: u64,
}

impl Margins {
    /// Subsets of `a` and of `b` items among `universe`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a subset larger than the universe, or a universe of more than [`LARGEST_UNIVERSE`].
    pub fn new(universe: u64, a: u64, b: u64) -> Result<Self, Error> {
        let refuse = |reason| Err(Error::Parameter { name: "universe", reason });
        if universe > LARGEST_UNIVERSE {
            return refuse(format!("{universe} items; at most {LARGEST_UNIVERSE}"));
        }
        if a.max(b) > universe {
            return refuse(format!("{universe} items, fewer than the {} of a selection", a.max(b)));
        }
        Ok(Self { universe, a, b })
    }

    /// The smallest intersection there can be.
    fn least(&self) -> u64 {
        (self.a + self.b).saturating_sub(self.universe)
    }

    /// The largest.
    fn most(&self) -> u64 {
        self.a.min(self.b)
    }

    /// Mean size of the intersection under chance, |A| |B| / n; 0 in an empty universe.
    pub fn expected(&self) -> f64 {
        if self.universe == 0 { 0.0 } else { self.a as f64 * (self.b as f64 / self.universe as f64) }
    }

    /// Its standard deviation; 0 where only one intersection is possible.
    pub fn deviation(&self) -> f64 {
        if self.least() == self.most() {
            return 0.0;
        }
        let [n, a, b] = [self.universe, self.a, self.b].map(|count| count as f64);
        (a * (b / n) * ((n - a) / n) * ((n - b) / (n - 1.0))).sqrt()
    }

    /// Probability under chance of an intersection of at least `x` items; 0 where it is below the range of f64.
    ///
    /// Weights relative to that of the mode follow from each other by ratios of integers, and their sums are divided:
    /// nothing large cancels, whatever the size of the universe. O(40 deviations).
    pub fn at_least(&self, x: u64) -> f64 {
        let (least, most) = (self.least(), self.most());
        if x <= least {
            return 1.0;
        }
        if x > most {
            return 0.0;
        }
        let Self { universe, a, b } = *self;
        // Of the weight at i + 1 to that at i.
        let ratio = |i: u64| {
            let (up, down) = ((a - i) as f64 * (b - i) as f64, (universe + i + 1 - a - b) as f64);
            up / ((i + 1) as f64 * down)
        };
        let mode = (u128::from(a + 1) * u128::from(b + 1) / u128::from(universe + 2)) as u64;
        let mode = mode.clamp(least, most);
        let (mut tail, mut rest) = (0.0, 0.0);
        let mut weight = 1.0;
        for i in mode..=most {
            *(if i < x { &mut rest } else { &mut tail }) += weight;
            weight *= ratio(i);
            if weight == 0.0 || i >= x && weight < tail * NEGLIGIBLE {
                break;
            }
        }
        weight = 1.0;
        for i in (least..mode).rev() {
            weight /= ratio(i);
            *(if i < x { &mut rest } else { &mut tail }) += weight;
            if weight < (tail + rest) * NEGLIGIBLE {
                break;
            }
        }
        tail / (tail + rest)
    }
}

/// What two sets share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    margins: Margins,
    intersection: u64,
}

impl Overlap {
    /// Of sets of these sizes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an intersection that sets of these sizes cannot have.
    pub fn new(margins: Margins, intersection: u64) -> Result<Self, Error> {
        let (least, most) = (margins.least(), margins.most());
        if !(least..=most).contains(&intersection) {
            let reason = format!("{intersection}; between {least} and {most} with these sizes");
            return Err(Error::Parameter { name: "intersection", reason });
        }
        Ok(Self { margins, intersection })
    }

    /// |A|.
    pub fn size_a(&self) -> u64 {
        self.margins.a
    }

    /// |B|.
    pub fn size_b(&self) -> u64 {
        self.margins.b
    }

    /// Items there are to choose from.
    pub fn universe(&self) -> u64 {
        self.margins.universe
    }

    /// |A ∩ B|.
    pub fn intersection(&self) -> u64 {
        self.intersection
    }

    /// |A ∩ B| / |A ∪ B|; none where both are empty.
    pub fn jaccard(&self) -> Option<f64> {
        self.share_of(self.margins.a + self.margins.b - self.intersection)
    }

    /// |A ∩ B| / |A|; none where A is empty.
    pub fn of_a(&self) -> Option<f64> {
        self.share_of(self.margins.a)
    }

    /// |A ∩ B| / |B|; none where B is empty.
    pub fn of_b(&self) -> Option<f64> {
        self.share_of(self.margins.b)
    }

    fn share_of(&self, whole: u64) -> Option<f64> {
        (whole > 0).then(|| self.intersection as f64 / whole as f64)
    }

    /// [`Margins::expected`].
    pub fn expected(&self) -> f64 {
        self.margins.expected()
    }

    /// The intersection over the expected one; none where that is 0.
    pub fn lift(&self) -> Option<f64> {
        let expected = self.expected();
        (expected > 0.0).then(|| self.intersection as f64 / expected)
    }

    /// Deviations above the expected intersection; none where chance has no say.
    pub fn z(&self) -> Option<f64> {
        let deviation = self.margins.deviation();
        (deviation > 0.0).then(|| (self.intersection as f64 - self.expected()) / deviation)
    }

    /// [`Margins::at_least`] of this intersection.
    pub fn p_at_least(&self) -> f64 {
        self.margins.at_least(self.intersection)
    }
}

/// What a permutation test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Permutation {
    /// (1 + permutations whose intersection is at least the observed one) / (1 + permutations): never 0 (Phipson and
    /// Smyth, 2010).
    pub p: f64,
    /// Mean size of the permuted intersections.
    pub mean: f64,
    /// Permutations drawn.
    pub count: u64,
}

/// The permutation test: the items of B are exchanged at random within each group, A stays.
///
/// Of a shuffled group only the number of common items matters. That is how many of A's items come first when as many
/// are drawn as B has there, so they are drawn one by one, and the groups need not be held.
#[derive(Debug, Clone, PartialEq)]
pub struct Shuffle {
    /// Common items of groups in which every permutation has as many.
    settled: u64,
    urns: Vec<Margins>,
}

impl Shuffle {
    /// Sizes of each group, and of A and B in it. Groups without items of both may be left out.
    pub fn new(groups: impl IntoIterator<Item = Margins>) -> Self {
        let mut shuffle = Self { settled: 0, urns: vec![] };
        for group in groups {
            if group.least() == group.most() {
                shuffle.settled += group.least();
            } else {
                shuffle.urns.push(group);
            }
        }
        shuffle
    }

    /// Items drawn for one permutation.
    pub fn draws(&self) -> u64 {
        self.urns.iter().map(Margins::most).sum()
    }

    /// So many permutations, compared with the intersection that was observed; none without a permutation. Each has a
    /// stream of its own. O(permutations x [`draws`](Self::draws)).
    pub fn test(&self, observed: u64, permutations: u64, seed: u64) -> Option<Permutation> {
        let (mut hits, mut sum) = (0_u64, 0_u128);
        for step in 0..permutations {
            let mut rng = stream(seed, step);
            let common = self.settled + self.urns.iter().map(|urn| urn.draw(&mut rng)).sum::<u64>();
            hits += u64::from(common >= observed);
            sum += u128::from(common);
        }
        (permutations > 0).then(|| Permutation {
            p: (1.0 + hits as f64) / (1.0 + permutations as f64),
            mean: sum as f64 / permutations as f64,
            count: permutations,
        })
    }
}

impl Margins {
    /// An intersection under chance. The sets may change places, so the smaller one is drawn.
    fn draw(&self, rng: &mut ChaCha8Rng) -> u64 {
        let marked = self.a.max(self.b);
        (0..self.most())
            .fold(0, |common, drawn| common + u64::from(below(self.universe - drawn, rng) < marked - common))
    }
}
