//! Bias: what turns latent rankings into those that are seen.

use super::latent::by_utility;
use super::simulation::{Purpose, draws};
use super::swapping::Swapping;
use crate::{Ctl, Error, Halt, Item};
use rand_chacha::ChaCha8Rng;

/// A share of swaps that comes out this little below a whole number is meant to be that number.
const ROUNDING: f64 = 1e-9;

/// Swaps times candidates between two polls.
const CELLS_PER_TICK: u64 = 1 << 20;

/// A model of bias against the disadvantaged, of some strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bias {
    /// What is seen is latent; the strength means nothing.
    None,
    /// [`Swapping`]; the strength is the share of the pairs open in the latent ranking that are swapped, rounded down,
    /// from 0 to 1. Each ranking stops early where no pair is open: a swap of far candidates closes others.
    Swapping {
        /// By how much less likely a swap is with each place further apart; between 0 and 1.
        phi: f64,
    },
    /// Utilities of the disadvantaged are multiplied by the strength theta, 0 < theta <= 1, before they are sorted
    /// (Kleinberg, Raghavan 2018). Where rankings come without utilities, the candidate in place p of m has that of
    /// the p-th largest of m uniform ones in the mean, (m + 1 - p) / (m + 1).
    Utility,
}

impl Bias {
    /// Whether every strength has a meaning.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(self, strengths: &[f64]) -> Result<(), Error> {
        let range = match self {
            Bias::None => "between 0 and 1",
            Bias::Swapping { phi } => {
                Swapping::new(phi, 0)?;
                "between 0 and 1, a share of all possible swaps"
            }
            Bias::Utility => "above 0 and at most 1, a factor on utilities",
        };
        let means = |s: &f64| (0.0..=1.0).contains(s) && (self != Bias::Utility || *s > 0.0);
        match strengths.iter().find(|s| !means(s)) {
            Some(strength) => {
                Err(Error::Parameter { name: "strengths", reason: format!("{strength} is not {range}") })
            }
            None => Ok(()),
        }
    }
}

/// Rankings under a bias that can grow. What a ranking becomes depends on seed, repetition, voter and strength alone,
/// not on the other rankings nor on the strengths before.
pub(super) struct Biased {
    disadvantaged: Vec<bool>,
    /// As they are now: best first, voter by voter.
    rankings: Vec<Item>,
    model: Model,
}

enum Model {
    None,
    Swapping { swapping: Swapping, voters: Vec<Voter> },
    Utility { utilities: Vec<f64> },
}

/// How far one ranking has come.
struct Voter {
    rng: ChaCha8Rng,
    made: u64,
    open: u64,
}

impl Biased {
    /// Complete strict `rankings`, voter by voter, before any bias; `utilities` likewise and by candidate, or empty.
    ///
    /// # Errors
    /// As [`Swapping::new`].
    pub(super) fn start(
        bias: Bias,
        disadvantaged: Vec<bool>,
        rankings: Vec<Item>,
        utilities: Vec<f64>,
        (seed, repetition): (u64, u64),
    ) -> Result<Self, Error> {
        let m = disadvantaged.len();
        let model = match bias {
            Bias::None => Model::None,
            Bias::Swapping { phi } => {
                let voters = (0..).zip(rankings.chunks_exact(m)).map(|(voter, ranking)| Voter {
                    rng: draws(seed, Purpose::Bias, repetition, voter),
                    made: 0,
                    open: Swapping::open_pairs(ranking, &disadvantaged),
                });
                Model::Swapping { swapping: Swapping::new(phi, m)?, voters: voters.collect() }
            }
            Bias::Utility if utilities.is_empty() => {
                let mut utilities = vec![0.0; rankings.len()];
                for (ranking, utilities) in rankings.chunks_exact(m).zip(utilities.chunks_exact_mut(m)) {
                    for (above, &c) in ranking.iter().enumerate() {
                        utilities[c as usize] = (m - above) as f64 / (m + 1) as f64;
                    }
                }
                Model::Utility { utilities }
            }
            Bias::Utility => Model::Utility { utilities },
        };
        Ok(Self { disadvantaged, rankings, model })
    }

    pub(super) fn disadvantaged(&self) -> &[bool] {
        &self.disadvantaged
    }

    pub(super) fn rankings(&self) -> &[Item] {
        &self.rankings
    }

    /// Bias of this strength. That of swapping only grows. O(m) a swap, O(m log m) a ranking for utilities.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub(super) fn raise(&mut self, strength: f64, ctl: &Ctl) -> Result<(), Halt> {
        let Self { disadvantaged, rankings, model } = self;
        let m = disadvantaged.len();
        match model {
            Model::None => {}
            Model::Swapping { swapping, voters } => {
                let mut cells = 0;
                for (ranking, voter) in rankings.chunks_exact_mut(m).zip(voters) {
                    let most = (strength * voter.open as f64 + ROUNDING).floor() as u64;
                    while voter.made < most && swapping.swap(ranking, disadvantaged, &mut voter.rng).is_some()
                    {
                        voter.made += 1;
                        cells += m as u64;
                        if cells >= CELLS_PER_TICK {
                            ctl.tick(std::mem::take(&mut cells))?;
                        }
                    }
                }
                ctl.tick(cells)?;
            }
            Model::Utility { utilities } => {
                for (ranking, utilities) in rankings.chunks_exact_mut(m).zip(utilities.chunks_exact(m)) {
                    ctl.tick(m as u64)?;
                    let seen = utilities.iter().zip(&*disadvantaged);
                    let seen: Vec<f64> =
                        seen.map(|(u, &against)| if against { u * strength } else { *u }).collect();
                    ranking.copy_from_slice(&by_utility(&seen));
                }
            }
        }
        Ok(())
    }
}
