//! Smoothness: what rankings under a bias still tell of the candidates, by each rule.
//!
//! Let s_c be the mean of F_latent({c}) over repetitions of n rankings, and z_c that of F_biased({c}). Then
//!
//! - alpha is the smallest of all s_c and z_c over tau_1 n, tau_1 being the most that one ranking gives one candidate:
//!   where it is small, scores are rare events, and many rankings are needed;
//! - gamma(beta) is the largest z_j / z_i over ordered pairs i, j of one group with beta s_i >= s_j: where it is below
//!   1, a candidate that is clearly better than another of its group still looks better.
//!
//! After Boehmer, Celis, Huang, Mehrotra, Vishnoi, ICML 2023. As their released code does, ratios are those of the mean
//! scores, not means of ratios. Other than there, tau_1 is that of the rule, standard errors are in the units of alpha,
//! pairs are taken in both orders, and the groups are drawn once for all repetitions, as is what rankings have in
//! common: a mean over changing groups, or over changing centres, would mix what is to be told apart.

use super::disadvantaged::Disadvantaged;
use super::estimate::Estimate;
use super::simulation::{MOST_REPETITIONS, Simulation, part};
use super::yardstick::singles;
use super::{Profile, Rule};
use crate::objective::committee::{self, Committee};
use crate::{Ctl, Error, Halt, Objective};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Rounding may not decide whether a pair belongs to the first point of its own curve.
const ROUNDING: f64 = 1e-12;

/// Pairs of latent and biased rankings.
#[derive(Debug, Clone)]
pub enum Pairs {
    /// Drawn.
    Simulated {
        /// Latent rankings and bias.
        simulation: Simulation,
        /// Strength of the bias.
        strength: f64,
        /// Rankings of a repetition.
        rankings: usize,
    },
    /// The same voters before and after. A repetition is a batch of successive voters, so that there are standard
    /// errors; with as many repetitions as voters each is one of its own.
    Supplied {
        /// Before.
        latent: Arc<Profile>,
        /// After, with the same candidates, voters and weights.
        biased: Arc<Profile>,
        /// Whom the bias is against: the two groups.
        disadvantaged: Disadvantaged,
        /// The key of the draw of a share.
        seed: u64,
    },
}

/// What is estimated.
#[derive(Debug, Clone)]
pub struct Design {
    /// Rankings.
    pub pairs: Pairs,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Size of the committees, for rules that depend on it.
    pub k: Option<usize>,
    /// Repetitions.
    pub repetitions: u64,
    /// Points of the curve; at least 2.
    pub betas: usize,
    /// Accepted probability that the rankings needed do not suffice.
    pub delta: f64,
    /// Relative error of mean scores that they are needed for; see [`order_epsilon`].
    pub epsilon: f64,
}

/// A design that has a meaning.
#[derive(Debug, Clone)]
pub struct Smoothness {
    design: Design,
    candidates: usize,
}

/// One repetition: plain numbers, to be kept until all are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Sum of the weights of the voters: n where all weigh 1.
    pub weight: f64,
    /// F({c}), by rule: of each candidate latent, then of each biased.
    pub scores: Vec<f64>,
}

/// One point of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How much worse one candidate of a pair is: at most this share of the other.
    pub beta: f64,
    /// `None` where no pair is that far apart, or the better candidate of one has a biased score of 0. The standard
    /// error is that of the ratio of the pair it is attained by, to the first order.
    pub gamma: Option<Estimate>,
}

/// What is known of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Index of the rule in the design.
    pub rule: usize,
    /// The most that one ranking gives one candidate.
    pub tau1: f64,
    /// Smallest mean score as a share of the largest possible, and the standard error of that candidate's mean. `None`
    /// where the rule gives nobody anything.
    pub alpha: Option<Estimate>,
    /// Over betas evenly spaced from the smallest latent mean over the largest to 1.
    pub curve: Vec<Point>,
    /// [`rankings_needed`] for this alpha.
    pub rankings_needed: Option<u64>,
}

impl Smoothness {
    /// # Errors
    /// [`Error::Parameter`] and [`Error::UnknownItem`] as [`Simulation::check`]; for a list without entries, a rule's
    /// parameter, a rule that depends on a k which is not given, betas, delta, epsilon, profiles that are not of the
    /// same voters.
    pub fn new(design: Design) -> Result<Self, Error> {
        let refuse = |name, reason: String| Err(Error::Parameter { name, reason });
        let between = |x: f64| x > 0.0 && x < 1.0;
        if design.rules.is_empty() {
            return refuse("rules", "the list is empty; at least one is needed".into());
        }
        if design.betas < 2 {
            return refuse("betas", format!("{} points are no curve; at least 2 are needed", design.betas));
        }
        for (name, value) in [("delta", design.delta), ("epsilon", design.epsilon)] {
            if !between(value) {
                return refuse(name, format!("{value} is not between 0 and 1 (both excluded)"));
            }
        }
        let m = match &design.pairs {
            Pairs::Simulated { simulation, strength, rankings } => {
                if *rankings == 0 {
                    return refuse("rankings", "0 rankings have no scores; at least 1 is needed".into());
                }
                simulation.check(&[*strength], *rankings, design.repetitions)?;
                simulation.latent.candidates()
            }
            Pairs::Supplied { latent, biased, disadvantaged, .. } => {
                if latent.candidates() != biased.candidates() || latent.weights() != biased.weights() {
                    return refuse(
                        "biased",
                        "it needs the candidates, the voters and the weights of the latent rankings".into(),
                    );
                }
                if let Some(voter) = latent.weights().iter().position(|&weight| weight == 0.0) {
                    return refuse(
                        "latent",
                        format!("voter {voter} has the weight 0; leave its ranking out"),
                    );
                }
                let most = (latent.voters() as u64).min(MOST_REPETITIONS);
                if !(1..=most).contains(&design.repetitions) {
                    let reason = format!("{} is not between 1 and {most}, one a voter", design.repetitions);
                    return refuse("repetitions", reason);
                }
                disadvantaged.count(latent.candidates())?;
                latent.candidates()
            }
        };
        design.rules.iter().try_for_each(|rule| rule.check(m))?;
        if let Some(rule) = design.rules.iter().find(|rule| rule.depends_on_k() && design.k.is_none()) {
            return refuse(
                "k",
                format!("{} approves of the first k; give k, or the rule its t", rule.name()),
            );
        }
        if let Some(k) = design.k.filter(|k| !(1..=m).contains(k)) {
            return refuse("k", format!("{k} is not between 1 and the {m} candidates"));
        }
        Ok(Self { design, candidates: m })
    }

    /// What is estimated.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Whom the bias is against, in every repetition.
    fn disadvantaged(&self) -> (&Disadvantaged, u64) {
        match &self.design.pairs {
            Pairs::Simulated { simulation, .. } => (&simulation.disadvantaged, simulation.seed),
            Pairs::Supplied { disadvantaged, seed, .. } => (disadvantaged, *seed),
        }
    }

    /// No score of one candidate alone depends on it where none is given.
    fn k(&self) -> usize {
        self.design.k.unwrap_or(1)
    }

    /// Rankings of the largest repetition.
    fn voters(&self) -> usize {
        match &self.design.pairs {
            Pairs::Simulated { rankings, .. } => *rankings,
            Pairs::Supplied { latent, .. } => {
                latent.voters().div_ceil(usize::try_from(self.design.repetitions).unwrap_or(usize::MAX))
            }
        }
    }

    /// Bytes of the scores of all repetitions, and of so many repetitions at work at once.
    pub fn memory(&self, at_once: usize) -> u64 {
        let m = self.candidates as u64;
        let scores = (self.design.rules.len() as u64).saturating_mul(16 * m).saturating_add(64);
        let world = match &self.design.pairs {
            Pairs::Simulated { simulation, .. } => simulation.memory(self.voters()),
            Pairs::Supplied { .. } => 0,
        };
        let profiles = Profile::memory(self.candidates, self.voters()).saturating_mul(2);
        let committees =
            self.design.rules.iter().map(|rule| committee::memory(rule, self.candidates, self.voters(), 1));
        let one = world.saturating_add(profiles).saturating_add(committees.fold(0, u64::max));
        (self.design.repetitions.saturating_mul(scores)).saturating_add(one.saturating_mul(at_once as u64))
    }

    /// Operations of all repetitions and of the report, about.
    pub fn operations(&self) -> f64 {
        let (m, n) = (self.candidates as f64, self.voters() as f64);
        let against = self.disadvantaged().0.count(self.candidates).unwrap_or(0) as f64;
        let swaps = match &self.design.pairs {
            Pairs::Simulated { strength, .. } => n * strength * against * (m - against) / 2.0 * 6.0 * m,
            Pairs::Supplied { .. } => 0.0,
        };
        let rules = self.design.rules.len() as f64;
        let pairs = m * m * (1.0 + (self.design.betas as f64).log2());
        self.design.repetitions as f64 * (swaps + rules * n * m * 8.0) + rules * pairs
    }

    /// One repetition. Pure: the same at any time, on any thread.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn repetition(&self, index: u64, ctl: &Ctl) -> Result<Scores, Halt> {
        let (latent, biased) = match &self.design.pairs {
            Pairs::Simulated { simulation, strength, rankings } => {
                let mut world = simulation.draw(*rankings, index, 0, ctl)?;
                world.raise(*strength, ctl)?;
                (world.latent(*rankings, ctl)?, world.biased(*rankings, ctl)?)
            }
            Pairs::Supplied { latent, biased, .. } => {
                let cut = |at: u64| {
                    (u128::from(at) * latent.voters() as u128 / u128::from(self.design.repetitions)) as usize
                };
                let voters: Vec<usize> = (cut(index)..cut(index + 1)).collect();
                (part(latent, &voters, ctl)?, part(biased, &voters, ctl)?)
            }
        };
        let mut scores = Vec::with_capacity(self.design.rules.len() * 2 * self.candidates);
        for rule in &self.design.rules {
            for profile in [&latent, &biased] {
                let committee =
                    Committee::new(profile.clone(), rule.clone(), self.k()).map_err(Error::from)?;
                let committee: Arc<dyn Objective> = Arc::new(committee);
                scores.extend(singles(&committee, ctl)?);
            }
        }
        Ok(Scores { weight: latent.weights().iter().sum(), scores })
    }

    /// These repetitions, side by side in rayon's pool, in the order of their indices.
    ///
    /// # Errors
    /// [`Halt`] when stopped; none of them is kept then.
    pub fn chunk(&self, repetitions: Range<u64>, ctl: &Ctl) -> Result<Vec<Scores>, Halt> {
        repetitions.into_par_iter().map(|index| self.repetition(index, ctl)).collect()
    }

    /// One curve a rule. `samples`: of the repetitions so far, by index. O(m^2 log betas) a rule.
    ///
    /// # Errors
    /// [`Error::Shape`] where samples are of another design; [`Halt`] when stopped.
    pub fn report(&self, samples: &[Scores], ctl: &Ctl) -> Result<Vec<Curve>, Halt> {
        let expected = self.design.rules.len() * 2 * self.candidates;
        if let Some(found) = samples.iter().map(|s| s.scores.len()).find(|&found| found != expected) {
            return Err(Error::Shape { what: "scores of a repetition", expected, found }.into());
        }
        let (disadvantaged, seed) = self.disadvantaged();
        let disadvantaged = disadvantaged.draw(self.candidates, seed, 0)?;
        (0..self.design.rules.len()).map(|rule| self.curve(rule, samples, &disadvantaged, ctl)).collect()
    }

    fn curve(
        &self,
        rule: usize,
        samples: &[Scores],
        disadvantaged: &[bool],
        ctl: &Ctl,
    ) -> Result<Curve, Halt> {
        let m = self.candidates;
        let tau1 = self.design.rules[rule].largest_score(m, self.k());
        // Sums over repetitions, in their order: the number of repetitions cancels.
        let mut sums = vec![0.0; 2 * m];
        for sample in samples {
            let scores = &sample.scores[rule * 2 * m..][..2 * m];
            sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
        }
        let of = |at: usize| samples.iter().map(move |sample| sample.scores[rule * 2 * m + at]);
        let least = (0..2 * m).min_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0);
        let most_possible = samples.iter().map(|sample| tau1 * sample.weight);
        let alpha = Estimate::ratio(of(least).zip(most_possible));
        let (latent, biased) = sums.split_at(m);
        let low = latent.iter().copied().fold(f64::INFINITY, f64::min);
        let high = latent.iter().copied().fold(0.0, f64::max);
        let betas = spaced(if high > 0.0 { low / high } else { 0.0 }, self.design.betas);
        let worst = worst_pairs(latent, biased, disadvantaged, &betas, ctl)?;
        let points = betas.into_iter().zip(worst).map(|(beta, pair)| {
            let gamma = pair.and_then(|(i, j)| Estimate::ratio(of(m + j).zip(of(m + i))));
            Point { beta, gamma }
        });
        let needed =
            alpha.and_then(|alpha| rankings_needed(m, self.design.delta, self.design.epsilon, alpha.mean));
        Ok(Curve { rule, tau1, alpha, curve: points.collect(), rankings_needed: needed })
    }
}

/// For each of the rising `betas`, the ordered pair (i, j) of one group with `beta latent_i >= latent_j` whose ratio
/// `biased_j / biased_i`, gamma(beta), is the largest; ties to the lowest (i, j). `None` where there is no such pair, or
/// one with `biased_i` = 0. Scores are not negative. O(m^2 log betas).
///
/// # Errors
/// [`Halt`] when stopped.
pub fn worst_pairs(
    latent: &[f64],
    biased: &[f64],
    disadvantaged: &[bool],
    betas: &[f64],
    ctl: &Ctl,
) -> Result<Vec<Option<(usize, usize)>>, Halt> {
    let gamma = |(i, j): (usize, usize)| biased[j] / biased[i];
    let larger = |old: Option<(usize, usize)>, new: (usize, usize)| match old {
        Some(old) if gamma(old) > gamma(new) || (gamma(old) == gamma(new) && old < new) => Some(old),
        _ => Some(new),
    };
    // A pair that belongs to one beta belongs to all that are larger: each is noted where it first does.
    let mut first: Vec<Option<(usize, usize)>> = vec![None; betas.len()];
    let mut undefined = betas.len();
    for i in 0..latent.len() {
        ctl.tick(latent.len() as u64)?;
        for j in (0..latent.len()).filter(|&j| j != i && disadvantaged[j] == disadvantaged[i]) {
            let least = latent[j] * (1.0 - ROUNDING);
            let at = betas.partition_point(|beta| beta * latent[i] < least);
            if at == betas.len() {
                continue;
            }
            if biased[i] == 0.0 {
                undefined = undefined.min(at);
            } else {
                first[at] = larger(first[at], (i, j));
            }
        }
    }
    let mut worst = None;
    let points = first.into_iter().enumerate().map(|(at, pair)| {
        worst = pair.map_or(worst, |pair| larger(worst, pair));
        worst.filter(|_| at < undefined)
    });
    Ok(points.collect())
}

/// Rankings after which every candidate's mean score is within the relative error `epsilon` of its expectation, all at
/// once with the probability 1 - `delta`: n >= ln(2m / delta) / (2 alpha^2 epsilon^2), rounded up. A bound of our own
/// (Hoeffding, and the union over latent or biased scores of m candidates), not the paper's. `None` where alpha is 0 or
/// so small that the number has no exact double.
pub fn rankings_needed(candidates: usize, delta: f64, epsilon: f64, alpha: f64) -> Option<u64> {
    let scale = alpha * epsilon;
    let n = ((2.0 * candidates as f64 / delta).ln() / (2.0 * scale * scale)).ceil();
    (alpha > 0.0 && n <= (1_u64 << 53) as f64).then_some(n as u64)
}

/// The relative error that keeps the order of two candidates whose scores are `gamma` apart, (1 - gamma) / (1 + gamma);
/// `None` unless 0 <= gamma < 1.
pub fn order_epsilon(gamma: f64) -> Option<f64> {
    (0.0..1.0).contains(&gamma).then(|| (1.0 - gamma) / (1.0 + gamma))
}

/// From `low` to 1, both included.
fn spaced(low: f64, points: usize) -> Vec<f64> {
    let last = (points - 1) as f64;
    (0..points).map(|i| if i + 1 == points { 1.0 } else { low + (1.0 - low) * i as f64 / last }).collect()
}
