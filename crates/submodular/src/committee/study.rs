//! The bias study: how good are committees that were chosen from biased rankings, with and without quotas?
//!
//! A repetition draws latent rankings, biases them, chooses by each rule from what is seen, and measures the choice by
//! the same rule on the latent rankings, as a share of the latent optimum (Boehmer, Celis, Huang, Mehrotra, Vishnoi,
//! ICML 2023). Its result depends on the design and its index alone. Within a repetition smaller numbers of rankings
//! are beginnings of larger ones, and weaker swapping is on the way to stronger: so cells differ by less chance.

use super::estimate::Estimate;
use super::simulation::Simulation;
use super::yardstick::{Choice, Yardstick};
use super::{Profile, Rule};
use crate::constraint::{Infeasible, Sum};
use crate::objective::committee;
use crate::{Ctl, Error, Halt, problem};
use rayon::prelude::*;
use std::ops::Range;

/// What is studied. Each rule, number of rankings and strength makes one cell.
#[derive(Debug, Clone)]
pub struct Design {
    /// Latent rankings and bias.
    pub simulation: Simulation,
    /// Strengths of the bias, see [`Bias`](super::Bias).
    pub strengths: Vec<f64>,
    /// Rules.
    pub rules: Vec<Rule>,
    /// Numbers of rankings.
    pub rankings: Vec<usize>,
    /// Size of the committees.
    pub k: usize,
    /// Levels of "at least so many of the disadvantaged".
    pub quotas: Vec<usize>,
    /// How often all of it is drawn.
    pub repetitions: u64,
    /// Gains that the exact search for the latent optimum may compute for each rule that is not separable, number of
    /// rankings and repetition; where that proves no optimum, greedy's value stands for it.
    pub max_evaluations: u64,
}

/// A design that has a meaning.
#[derive(Debug, Clone)]
pub struct Study {
    design: Design,
    /// Indices of strengths, the weakest first.
    ascending: Vec<usize>,
}

/// One repetition: plain numbers, to be kept until all are there.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// F_latent(S) / OPT_latent, cell by cell: first of S without quotas, then of S at each level. `None` where the
    /// optimum is 0. Cells by rule, then number of rankings, then strength, each in the order of the design.
    pub ratios: Vec<Option<f64>>,
    /// Whether the optimum was proved, by rule, then number of rankings.
    pub proved: Vec<bool>,
}

/// What the latent optimum of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimum {
    /// The optimum, in every repetition.
    Exact,
    /// Greedy's value where the search did not end: ratios may then be too large, also above 1.
    Greedy,
}

impl Optimum {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Optimum::Exact => "exact",
            Optimum::Greedy => "greedy",
        }
    }
}

/// One cell: means over the repetitions whose optimum is not 0; `None` where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Index of the rule in the design.
    pub rule: usize,
    /// How many rankings.
    pub rankings: usize,
    /// Strength of the bias.
    pub strength: f64,
    /// What ratios are shares of.
    pub optimum: Optimum,
    /// Repetitions that have a ratio.
    pub repetitions: u64,
    /// Without quotas.
    pub unconstrained: Option<Estimate>,
    /// With each level, in the order of the design.
    pub by_quota: Vec<(usize, Option<Estimate>)>,
    /// The level with the best mean, the lowest of equals.
    pub best_quota: Option<usize>,
    /// Its mean.
    pub best_quota_mean: Option<f64>,
    /// Mean over repetitions of the best level of each: what one would reach who knew the best level beforehand.
    pub oracle_mean: Option<Estimate>,
    /// `best_quota_mean` less the mean without quotas.
    pub gain: Option<f64>,
}

impl Study {
    /// # Errors
    /// [`Error::Parameter`] and [`Error::UnknownItem`] as [`Simulation::check`], for a list without entries, a number
    /// of rankings of 0, a rule's parameter; [`Error::Infeasible`] where k or a quota cannot be met.
    pub fn new(design: Design) -> Result<Self, Error> {
        let refuse = |name, reason: &str| Err(Error::Parameter { name, reason: reason.into() });
        let lists = [
            ("strengths", design.strengths.is_empty()),
            ("rules", design.rules.is_empty()),
            ("rankings", design.rankings.is_empty()),
        ];
        if let Some((name, _)) = lists.into_iter().find(|&(_, empty)| empty) {
            return refuse(name, "the list is empty; at least one is needed");
        }
        if design.rankings.contains(&0) {
            return refuse("rankings", "0 rankings have no committee; at least 1 is needed");
        }
        let simulation = &design.simulation;
        let most = design.rankings.iter().copied().fold(0, usize::max);
        simulation.check(&design.strengths, most, design.repetitions)?;
        let m = simulation.latent.candidates();
        design.rules.iter().try_for_each(|rule| rule.check(m))?;
        if design.k == 0 {
            return refuse("k", "0 is no committee; at least 1 is needed");
        }
        let disadvantaged = simulation.disadvantaged.count(m)?;
        quota_fits(0, design.k, disadvantaged, m)?;
        design.quotas.iter().try_for_each(|&quota| quota_fits(quota, design.k, disadvantaged, m))?;
        let mut ascending: Vec<usize> = (0..design.strengths.len()).collect();
        ascending.sort_by(|&a, &b| design.strengths[a].total_cmp(&design.strengths[b]));
        Ok(Self { design, ascending })
    }

    /// What is studied.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.design.rules.len() * self.design.rankings.len() * self.design.strengths.len()
    }

    fn most(&self) -> usize {
        self.design.rankings.iter().copied().fold(0, usize::max)
    }

    /// Bytes of the samples of all repetitions, and of so many repetitions at work at once.
    pub fn memory(&self, at_once: usize) -> u64 {
        let d = &self.design;
        let (m, most) = (d.simulation.latent.candidates(), self.most());
        let samples = (self.cells() as u64).saturating_mul(1 + d.quotas.len() as u64).saturating_mul(16);
        let held = d.rankings.iter().map(|&voters| {
            let committees = d.rules.iter().map(|rule| committee::memory(rule, m, voters, 0));
            committees.fold(Profile::memory(m, voters), u64::saturating_add)
        });
        // The exact search keeps a state for each member.
        let states = d.rules.iter().map(|rule| committee::memory(rule, m, most, d.k)).fold(0, u64::max);
        let search = states.saturating_mul(d.k as u64 + 1).saturating_add(problem::memory(m));
        let one = [d.simulation.memory(most), Profile::memory(m, most), search]
            .into_iter()
            .chain(held)
            .fold(0, u64::saturating_add);
        (d.repetitions.saturating_mul(samples)).saturating_add(one.saturating_mul(at_once as u64))
    }

    /// Operations of all repetitions, about: what they take at most without early stops of swaps and lazy searches.
    pub fn operations(&self) -> f64 {
        let d = &self.design;
        let (m, n) = (d.simulation.latent.candidates() as f64, self.most() as f64);
        let against = d.simulation.disadvantaged.count(m as usize).unwrap_or(0) as f64;
        let strongest = d.strengths.iter().copied().fold(0.0, f64::max);
        // On average half of all pairs are open; a swap reads the ranking three times.
        let swaps = n * strongest * against * (m - against) / 2.0 * 6.0 * m;
        let sizes = d.rankings.iter().map(|&n| n as f64).sum::<f64>();
        let (strengths, levels) = (d.strengths.len() as f64, 1.0 + d.quotas.len() as f64);
        let rules = d.rules.iter().map(|rule| {
            let all = sizes * m * (1.0 + strengths);
            if rule.separable() {
                return 4.0 * all;
            }
            let exact = sizes * d.max_evaluations as f64;
            4.0 * (all * levels * d.k as f64 + exact) * (2.0 + d.k as f64).log2()
        });
        d.repetitions as f64 * (swaps + rules.sum::<f64>())
    }

    /// One repetition. Pure: the same at any time, on any thread.
    ///
    /// # Errors
    /// [`Halt`] when stopped.
    pub fn repetition(&self, index: u64, ctl: &Ctl) -> Result<Samples, Halt> {
        let d = &self.design;
        let mut world = d.simulation.draw(self.most(), index, index, ctl)?;
        let mut latent = vec![];
        for &voters in &d.rankings {
            latent.push(world.latent(voters, ctl)?);
        }
        let mut yardsticks = vec![];
        for rule in &d.rules {
            for profile in &latent {
                yardsticks.push(Yardstick::new(profile, rule, d.k, d.max_evaluations, ctl)?);
            }
        }
        let mut ratios = vec![None; self.cells() * (1 + d.quotas.len())];
        for &strength in &self.ascending {
            world.raise(d.strengths[strength], ctl)?;
            for (size, &voters) in d.rankings.iter().enumerate() {
                let biased = world.biased(voters, ctl)?;
                for (rule, score) in d.rules.iter().enumerate() {
                    let row = rule * d.rankings.len() + size;
                    let choice = Choice::new(&biased, score, d.k, ctl)?;
                    let cell = row * d.strengths.len() + strength;
                    let cell = &mut ratios[cell * (1 + d.quotas.len())..][..1 + d.quotas.len()];
                    let free = choice.committee(0, world.disadvantaged(), ctl)?;
                    cell[0] = yardsticks[row].ratio(&free, ctl)?;
                    let has = free.iter().filter(|&&e| world.disadvantaged()[e as usize]).count();
                    for (level, &at_least) in d.quotas.iter().enumerate() {
                        // A quota that is met anyway never bars a pick.
                        cell[1 + level] = if at_least <= has {
                            cell[0]
                        } else {
                            let committee = choice.committee(at_least, world.disadvantaged(), ctl)?;
                            yardsticks[row].ratio(&committee, ctl)?
                        };
                    }
                }
            }
        }
        let proved = yardsticks.iter().map(Yardstick::proved).collect();
        Ok(Samples { ratios, proved })
    }

    /// These repetitions, side by side in rayon's pool, in the order of their indices.
    ///
    /// # Errors
    /// [`Halt`] when stopped; none of them is kept then.
    pub fn chunk(&self, repetitions: Range<u64>, ctl: &Ctl) -> Result<Vec<Samples>, Halt> {
        repetitions.into_par_iter().map(|index| self.repetition(index, ctl)).collect()
    }

    /// The cells, by rule, then number of rankings, then strength. `samples`: of the repetitions so far, by index.
    ///
    /// # Errors
    /// [`Error::Shape`] where samples are of another design.
    pub fn report(&self, samples: &[Samples]) -> Result<Vec<Cell>, Error> {
        let d = &self.design;
        let expected = self.cells() * (1 + d.quotas.len());
        let rows = d.rules.len() * d.rankings.len();
        for Samples { ratios, proved } in samples {
            for (expected, found) in [(expected, ratios.len()), (rows, proved.len())] {
                if expected != found {
                    return Err(Error::Shape { what: "samples of a repetition", expected, found });
                }
            }
        }
        Ok((0..self.cells()).map(|cell| self.cell(cell, samples)).collect())
    }

    fn cell(&self, cell: usize, samples: &[Samples]) -> Cell {
        let d = &self.design;
        let levels = 1 + d.quotas.len();
        let (row, strength) = (cell / d.strengths.len(), cell % d.strengths.len());
        let column = |level: usize| -> Vec<f64> {
            samples.iter().filter_map(|sample| sample.ratios[cell * levels + level]).collect()
        };
        let unconstrained = Estimate::of(&column(0));
        let by_quota: Vec<(usize, Option<Estimate>)> =
            (d.quotas.iter().enumerate()).map(|(i, &quota)| (quota, Estimate::of(&column(1 + i)))).collect();
        let means = by_quota.iter().filter_map(|&(quota, estimate)| Some((quota, estimate?.mean)));
        let best = means.reduce(|best, other| {
            let better = other.1 > best.1 || (other.1 == best.1 && other.0 < best.0);
            if better { other } else { best }
        });
        let oracle: Vec<f64> = samples
            .iter()
            .filter_map(|sample| {
                sample.ratios[cell * levels + 1..][..levels - 1].iter().copied().flatten().reduce(f64::max)
            })
            .collect();
        let proved = samples.iter().all(|sample| sample.proved[row]);
        Cell {
            rule: row / d.rankings.len(),
            rankings: d.rankings[row % d.rankings.len()],
            strength: d.strengths[strength],
            optimum: if proved { Optimum::Exact } else { Optimum::Greedy },
            repetitions: column(0).len() as u64,
            unconstrained,
            best_quota: best.map(|best| best.0),
            best_quota_mean: best.map(|best| best.1),
            oracle_mean: Estimate::of(&oracle),
            gain: best.zip(unconstrained).map(|(best, without)| best.1 - without.mean),
            by_quota,
        }
    }
}

/// Whether k of `candidates` can hold `at_least` of the `disadvantaged`.
///
/// # Errors
/// [`Infeasible::Sum`], which says what cannot be met.
pub fn quota_fits(
    at_least: usize,
    k: usize,
    disadvantaged: usize,
    candidates: usize,
) -> Result<(), Infeasible> {
    let sum = |sum, needed, available, group| Err(Infeasible::Sum { sum, needed, available, group });
    if k > candidates {
        return sum(Sum::AtMost, k, candidates, None);
    }
    if at_least > k {
        return sum(Sum::AtLeast, at_least, k, None);
    }
    if at_least > disadvantaged {
        return sum(Sum::Group, at_least, disadvantaged, Some(0));
    }
    Ok(())
}
