//! Latent rankings, before any bias: models of how rankings agree, or rankings that were supplied.
//!
//! All draws of a repetition come from one stream and in the order of the voters, so the first n rankings of a
//! repetition are the same however many are drawn.

use super::Profile;
use super::simulation::{Purpose, draws};
use crate::sampling::{below, shuffle, unit};
use crate::{Ctl, Error, Halt, Item};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// How complete strict rankings are drawn.
///
/// What voters have in common (centre, axis, q) is drawn too, for every repetition of a study. Were it the order of
/// indices, ties, which go to the lowest index, would tell a committee who is best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Generator {
    /// Every ranking equally likely, independently.
    ImpartialCulture,
    /// A ranking at swap distance d from a centre is phi^d times as likely as that one (Mallows 1957), by repeated
    /// insertion. The centre is uniform.
    Mallows {
        /// 0 is agreement, 1 impartial culture.
        phi: f64,
    },
    /// An urn holds every ranking once; each ranking drawn goes back with `replacement` times as many copies as there
    /// are rankings (Pólya, Eggenberger 1923; Berg 1985). So ranking i + 1 is a copy of one of those before it with the
    /// probability `replacement` i / (1 + `replacement` i), and impartial otherwise.
    Urn {
        /// At least 0, which is impartial culture.
        replacement: f64,
    },
    /// Single-peaked on a uniform axis: the peak is uniform, and each next candidate is the left or the right
    /// neighbour of those ranked so far, equally likely (Conitzer 2009).
    SinglePeakedConitzer,
    /// Candidate c has the utility `agreement` q_c + (1 - `agreement`) e_vc for voter v, who sorts by it; q and e are
    /// uniform in [0, 1). Equal utilities: the lower index first.
    Utility {
        /// From 0 (each voter for itself, as impartial culture) to 1 (all rankings the same).
        agreement: f64,
    },
}

/// Where the rankings of each repetition come from.
#[derive(Debug, Clone)]
pub enum Latent {
    /// From a model.
    Generated {
        /// How many candidates; at least 2.
        candidates: usize,
        /// The model.
        generator: Generator,
    },
    /// Some of these rankings, drawn without replacement, or all of them where as many are asked for. They keep their
    /// weights.
    Supplied(Arc<Profile>),
}

/// The latent rankings of one repetition.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// Complete and strict.
    Strict {
        /// Best first, voter by voter.
        rankings: Vec<Item>,
        /// Utilities that they were sorted by, voter by voter and by candidate; empty where the model has none.
        utilities: Vec<f64>,
    },
    /// Some of the rankings supplied.
    Voters {
        /// All of them.
        profile: Arc<Profile>,
        /// Which, as they were drawn.
        voters: Vec<usize>,
    },
}

impl Generator {
    /// Whether the parameters have a meaning.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(self) -> Result<(), Error> {
        let (name, value, most) = match self {
            Generator::ImpartialCulture | Generator::SinglePeakedConitzer => return Ok(()),
            Generator::Mallows { phi } => ("phi", phi, 1.0),
            Generator::Urn { replacement } => ("replacement", replacement, f64::MAX),
            Generator::Utility { agreement } => ("agreement", agreement, 1.0),
        };
        if (0.0..=most).contains(&value) {
            return Ok(());
        }
        let upper = if most == 1.0 { "between 0 and 1" } else { "a finite number of at least 0" };
        Err(Error::Parameter { name, reason: format!("{value} is not {upper}") })
    }

    /// `voters` rankings of `candidates`; `shared` draws what they have in common, `own` the rest. O(m) a voter, O(m^2)
    /// for Mallows, O(m log m) for utilities.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn draw(
        self,
        candidates: usize,
        voters: usize,
        shared: &mut ChaCha8Rng,
        own: &mut ChaCha8Rng,
        ctl: &Ctl,
    ) -> Result<Drawn, Halt> {
        let m = candidates;
        let mut rankings: Vec<Item> = Vec::with_capacity(voters * m);
        let mut utilities: Vec<f64> = vec![];
        let mut order: Vec<Item> = vec![];
        let mut qualities: Vec<f64> = vec![];
        let mut powers: Vec<f64> = vec![];
        match self {
            Generator::ImpartialCulture | Generator::Urn { .. } => {}
            Generator::Mallows { phi } => {
                impartial(m, &mut order, shared);
                powers = std::iter::successors(Some(1.0), |power| Some(power * phi)).take(m).collect();
            }
            Generator::SinglePeakedConitzer => impartial(m, &mut order, shared),
            Generator::Utility { .. } => qualities = (0..m).map(|_| unit(shared)).collect(),
        }
        for voter in 0..voters {
            ctl.tick(m as u64)?;
            match self {
                Generator::ImpartialCulture => impartial(m, &mut rankings, own),
                Generator::Mallows { .. } => rankings.extend(insert(&order, &powers, own)),
                Generator::Urn { replacement } => {
                    let copies = replacement * voter as f64;
                    if unit(own) * (1.0 + copies) < copies {
                        let from = below(voter as u64, own) as usize * m;
                        rankings.extend_from_within(from..from + m);
                    } else {
                        impartial(m, &mut rankings, own);
                    }
                }
                Generator::SinglePeakedConitzer => single_peaked(&order, &mut rankings, own),
                Generator::Utility { agreement } => {
                    let own = qualities.iter().map(|q| agreement * q + (1.0 - agreement) * unit(own));
                    utilities.extend(own);
                    rankings.extend(by_utility(&utilities[voter * m..]));
                }
            }
        }
        Ok(Drawn::Strict { rankings, utilities })
    }
}

impl Latent {
    /// m.
    pub fn candidates(&self) -> usize {
        match self {
            Latent::Generated { candidates, .. } => *candidates,
            Latent::Supplied(profile) => profile.candidates(),
        }
    }

    /// Whether repetitions of `most` rankings can be drawn.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(&self, most: usize) -> Result<(), Error> {
        let m = self.candidates();
        if m < 2 {
            let reason = format!("{m} candidates; at least 2 are needed, one of each group");
            return Err(Error::Parameter { name: "candidates", reason });
        }
        if m > Item::MAX as usize {
            let reason = format!("{m} candidates; at most {}", Item::MAX);
            return Err(Error::Parameter { name: "candidates", reason });
        }
        match self {
            Latent::Generated { generator, .. } => generator.check(),
            Latent::Supplied(profile) if profile.voters() < most => {
                let reason = format!("{most}, but the profile has only {} rankings", profile.voters());
                Err(Error::Parameter { name: "rankings", reason })
            }
            Latent::Supplied(profile) => match profile.weights().iter().position(|&weight| weight == 0.0) {
                Some(voter) => {
                    let reason = format!("voter {voter} has the weight 0; leave its ranking out");
                    Err(Error::Parameter { name: "latent", reason })
                }
                None => Ok(()),
            },
        }
    }

    /// The first `voters` rankings of a repetition. What they have in common is that of repetition `shared`.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn draw(
        &self,
        voters: usize,
        seed: u64,
        repetition: u64,
        shared: u64,
        ctl: &Ctl,
    ) -> Result<Drawn, Halt> {
        let mut rng = draws(seed, Purpose::Latent, repetition, 0);
        match self {
            Latent::Generated { candidates, generator } => {
                let mut shared = draws(seed, Purpose::Shared, shared, 0);
                generator.draw(*candidates, voters, &mut shared, &mut rng, ctl)
            }
            Latent::Supplied(profile) => {
                let mut all: Vec<usize> = (0..profile.voters()).collect();
                ctl.tick(all.len() as u64)?;
                // A prefix of a shuffle: the draw of fewer rankings is the beginning of the draw of more.
                for i in 0..voters {
                    let other = i + below((all.len() - i) as u64, &mut rng) as usize;
                    all.swap(i, other);
                }
                all.truncate(voters);
                Ok(Drawn::Voters { profile: profile.clone(), voters: all })
            }
        }
    }
}

/// Candidates by falling utility, ties to the lowest index.
pub(super) fn by_utility(utilities: &[f64]) -> Vec<Item> {
    let mut order: Vec<Item> = (0..).take(utilities.len()).collect();
    order.sort_unstable_by(|&a, &b| utilities[b as usize].total_cmp(&utilities[a as usize]).then(a.cmp(&b)));
    order
}

fn impartial(m: usize, rankings: &mut Vec<Item>, rng: &mut ChaCha8Rng) {
    let from = rankings.len();
    rankings.extend((0..).take(m).map(|c: Item| c));
    shuffle(&mut rankings[from..], rng);
}

/// Mallows' model around `centre`: the candidate of place i goes j places above the end with a probability proportional
/// to phi^j, 0 <= j <= i.
fn insert(centre: &[Item], powers: &[f64], rng: &mut ChaCha8Rng) -> Vec<Item> {
    let mut ranking: Vec<Item> = Vec::with_capacity(centre.len());
    let mut total = 0.0;
    for (i, &c) in centre.iter().enumerate() {
        total += powers[i];
        let mut left = unit(rng) * total;
        let beyond = |weight: &&f64| {
            left -= **weight;
            left >= 0.0
        };
        let up = powers[..i].iter().take_while(beyond).count();
        ranking.insert(i - up, c);
    }
    ranking
}

fn single_peaked(axis: &[Item], rankings: &mut Vec<Item>, rng: &mut ChaCha8Rng) {
    let m = axis.len();
    let peak = below(m as u64, rng) as usize;
    rankings.push(axis[peak]);
    let (mut left, mut right) = (peak, peak + 1);
    while left > 0 || right < m {
        if right == m || (left > 0 && below(2, rng) == 0) {
            left -= 1;
            rankings.push(axis[left]);
        } else {
            rankings.push(axis[right]);
            right += 1;
        }
    }
}
