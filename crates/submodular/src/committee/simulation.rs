//! One repetition of an experiment: its latent rankings, and the same under a bias that grows.

use super::bias::{Bias, Biased};
use super::disadvantaged::Disadvantaged;
use super::latent::{Drawn, Generator, Latent};
use super::{InvalidRanking, LANES, Profile, ProfileBuilder};
use crate::sampling::stream;
use crate::{Ctl, Error, Halt, Item};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Most repetitions of one experiment: their index is a part of the key of their draws.
pub const MOST_REPETITIONS: u64 = 1 << 30;

/// What is drawn. Each purpose has streams of its own, so that another bias leaves the latent rankings as they are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Groups = 0,
    Shared = 1,
    Latent = 2,
    Bias = 3,
}

/// The stream of one purpose, repetition and voter.
pub(super) fn draws(seed: u64, purpose: Purpose, repetition: u64, voter: u32) -> ChaCha8Rng {
    stream(seed, (purpose as u64) << 62 | (repetition % MOST_REPETITIONS) << 32 | u64::from(voter))
}

/// Latent rankings and their bias against some candidates.
#[derive(Debug, Clone)]
pub struct Simulation {
    /// Where latent rankings come from.
    pub latent: Latent,
    /// What happens to them.
    pub bias: Bias,
    /// Against whom.
    pub disadvantaged: Disadvantaged,
    /// The key of every draw.
    pub seed: u64,
}

impl Simulation {
    /// Whether `repetitions` of at most `most` rankings can be drawn, and have a meaning under a bias of these
    /// strengths. O(1), for supplied rankings under a bias O(voters m).
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::UnknownItem`]. A bias needs complete and strict rankings: where a supplied one
    /// is not, its voter is named.
    pub fn check(&self, strengths: &[f64], most: usize, repetitions: u64) -> Result<(), Error> {
        let refuse = |name, reason| Err(Error::Parameter { name, reason });
        if !(1..=MOST_REPETITIONS).contains(&repetitions) {
            return refuse("repetitions", format!("{repetitions} is not between 1 and {MOST_REPETITIONS}"));
        }
        if most > u32::MAX as usize {
            return refuse("rankings", format!("{most}; at most {}", u32::MAX));
        }
        self.latent.check(most)?;
        self.bias.check(strengths)?;
        let m = self.latent.candidates();
        self.disadvantaged.count(m)?;
        let Latent::Supplied(profile) = &self.latent else { return Ok(()) };
        if self.bias == Bias::None {
            return Ok(());
        }
        let Some(voter) = first_loose(profile) else { return Ok(()) };
        let ranked = profile.ranking(voter).items.len();
        let reason = if ranked < m {
            format!("voter {voter} ranks {ranked} of {m} candidates; a bias needs complete rankings")
        } else {
            format!("voter {voter} has ties; a bias needs strict rankings")
        };
        refuse("latent", reason)
    }

    /// Bytes that one repetition of `voters` rankings holds, without the profiles made of them.
    pub(super) fn memory(&self, voters: usize) -> u64 {
        let (m, n) = (self.latent.candidates() as u64, voters as u64);
        let utilities = match self.latent {
            Latent::Generated { generator: Generator::Utility { .. }, .. } => 16,
            _ if self.bias == Bias::Utility => 8,
            Latent::Generated { .. } | Latent::Supplied(_) => 0,
        };
        // Latent and biased; and a voter's generator of draws with its buffer.
        n.saturating_mul(m * (8 + utilities) + 400)
    }

    /// The latent rankings of a repetition, and their bias at rest. Groups and what rankings have in common are those
    /// of repetition `shared`.
    pub(super) fn draw(&self, voters: usize, repetition: u64, shared: u64, ctl: &Ctl) -> Result<World, Halt> {
        let disadvantaged = self.disadvantaged.draw(self.latent.candidates(), self.seed, shared)?;
        let drawn = self.latent.draw(voters, self.seed, repetition, shared, ctl)?;
        let (rankings, utilities) = match &drawn {
            _ if self.bias == Bias::None => (vec![], vec![]),
            Drawn::Strict { rankings, utilities } => (rankings.clone(), utilities.clone()),
            Drawn::Voters { profile, voters } => {
                (voters.iter().flat_map(|&voter| profile.ranking(voter).items).collect(), vec![])
            }
        };
        let key = (self.seed, repetition);
        Ok(World { drawn, biased: Biased::start(self.bias, disadvantaged, rankings, utilities, key)? })
    }
}

/// One repetition.
pub(super) struct World {
    drawn: Drawn,
    biased: Biased,
}

impl World {
    pub(super) fn disadvantaged(&self) -> &[bool] {
        self.biased.disadvantaged()
    }

    /// [`Biased::raise`].
    pub(super) fn raise(&mut self, strength: f64, ctl: &Ctl) -> Result<(), Halt> {
        self.biased.raise(strength, ctl)
    }

    /// The first `voters` latent rankings.
    pub(super) fn latent(&self, voters: usize, ctl: &Ctl) -> Result<Arc<Profile>, Halt> {
        match &self.drawn {
            Drawn::Strict { rankings, .. } => self.strict(rankings, voters, ctl),
            Drawn::Voters { profile, voters: drawn } => {
                let mut some = drawn[..voters].to_vec();
                some.sort_unstable();
                part(profile, &some, ctl)
            }
        }
    }

    /// The first `voters` rankings as they are seen now.
    pub(super) fn biased(&self, voters: usize, ctl: &Ctl) -> Result<Arc<Profile>, Halt> {
        match self.biased.rankings() {
            [] => self.latent(voters, ctl),
            rankings => self.strict(rankings, voters, ctl),
        }
    }

    /// The profile of the first `voters` of complete strict rankings, in the order of the profile they were drawn from:
    /// sums are then rounded as those of its own.
    fn strict(&self, rankings: &[Item], voters: usize, ctl: &Ctl) -> Result<Arc<Profile>, Halt> {
        let m = self.disadvantaged().len();
        let mut first: Vec<(usize, f64)> = (0..voters).map(|row| (row, 1.0)).collect();
        if let Drawn::Voters { profile, voters: drawn } = &self.drawn {
            first.sort_unstable_by_key(|&(row, _)| drawn[row]);
            first.iter_mut().for_each(|(row, weight)| *weight = profile.weights()[drawn[*row]]);
        }
        let mut builder = ProfileBuilder::new(m).reserve(voters);
        for (row, weight) in first {
            ctl.tick(m as u64)?;
            builder.push(&rankings[row * m..][..m], None, weight).map_err(refused)?;
        }
        Ok(builder.finish().map(Arc::new).map_err(refused)?)
    }
}

/// The profile of these voters, ascending; all of them are the profile itself.
pub(super) fn part(profile: &Arc<Profile>, voters: &[usize], ctl: &Ctl) -> Result<Arc<Profile>, Halt> {
    if voters.len() == profile.voters() {
        return Ok(profile.clone());
    }
    let mut builder = ProfileBuilder::new(profile.candidates()).reserve(voters.len());
    for &voter in voters {
        ctl.tick(profile.candidates() as u64)?;
        let ranking = profile.ranking(voter);
        builder.push(&ranking.items, Some(&ranking.ends), profile.weights()[voter]).map_err(refused)?;
    }
    Ok(builder.finish().map(Arc::new).map_err(refused)?)
}

/// The first voter with ties or without a complete ranking.
fn first_loose(profile: &Profile) -> Option<usize> {
    let m = profile.candidates();
    let alone = |place: &u32| (1..=m).contains(&(*place as usize));
    (0..profile.voters().div_ceil(LANES)).find_map(|tile| {
        let (places, lanes) = profile.tile(tile);
        let loose = places.iter().enumerate().filter(|(_, place)| !alone(place)).map(|(at, _)| at % lanes);
        loose.min().map(|lane| tile * LANES + lane)
    })
}

fn refused(invalid: InvalidRanking) -> Error {
    Error::Parameter { name: "latent", reason: invalid.to_string() }
}
