//! GIST (Fahrbach et al., NeurIPS 2025): at most k items that maximise `f(S) + lambda div(S)`, div being the smallest
//! distance of two of them, and for fewer than two the diameter D of the items.
//!
//! Candidates: greedy on f alone; the farthest pair; and for each threshold `t = (1 + epsilon)^i epsilon D / 2` up to D
//! greedy on f among the items at least t from those chosen. The best of them is the answer. O(n^2) distances for the
//! diameter, then O(n k) and a lazy greedy for each of at most `1 + ln(2 / epsilon) / ln(1 + epsilon)` thresholds.
//!
//! Included items begin every candidate. With one or more of them, the farthest pair becomes the included items and the
//! item farthest from them, and D in the thresholds its distance, since no answer that adds an item is more spread out;
//! the included items alone are a candidate too.

mod distances;

use super::nested::Nested;
use super::{Greedy, LastLook, LazyGreedy, Optimizer, Step, Termination, check_epsilon};
use crate::constraint::Shape;
use crate::guarantee::{Claim, Guarantee, Kind, Mismatch, disqualified};
use crate::objective::Triangle;
use crate::similarity::Similarity;
use crate::{Chain, Ctl, Error, Halt, Item, Problem, Properties, Saved};
use distances::{Apart, Extreme, Pair, extreme_pair, nearest, smallest};
use std::sync::Arc;

/// Items whose distances to all others one step computes.
const STRIP: usize = 4096;

/// The search. Its books, gains and value are those of f; [`Optimizer::optimized`] is `f + lambda div`.
pub struct Gist<S> {
    lambda: f64,
    epsilon: f64,
    distance: Arc<S>,
    triangle: Triangle,
    found: Found,
    greedy: Nested,
}

/// What is saved.
#[derive(Clone, Default)]
struct Found {
    /// How far the search is.
    phase: Phase,
    /// Allowed items whose distances are known.
    seen: usize,
    /// The farthest pair of those.
    farthest: Option<Pair>,
    /// The largest distance that an answer can keep: D, or less with included items.
    reach: f64,
    /// The best candidate, included items left out, with its gains and its value.
    best: Option<Candidate>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    /// Looking for the diameter.
    #[default]
    Diameter,
    /// Candidates that need no search.
    Seeds,
    /// Greedy at a threshold: 0 is none, `i + 1` the i-th.
    Rung(u32),
    /// The answer is taken.
    Over,
}

#[derive(Clone)]
struct Candidate {
    value: f64,
    items: Vec<Item>,
    gains: Vec<f64>,
}

impl<S: Similarity> Gist<S> {
    /// `lambda` >= 0: what a unit of distance is worth. `epsilon`: the step from one threshold to the next, in
    /// [0.001, 1). `distance`: numbers >= 0, of which `triangle` tells what is known.
    ///
    /// # Errors
    /// [`Error::Parameter`], among others where the distance is not symmetric; [`Error::Shape`] where it is not square.
    pub fn new(lambda: f64, epsilon: f64, distance: Arc<S>, triangle: Triangle) -> Result<Self, Error> {
        let epsilon = check_epsilon(epsilon)?;
        if !(lambda.is_finite() && lambda >= 0.0) {
            let reason = format!("{lambda} is not a finite number of at least 0");
            return Err(Error::Parameter { name: "lambda", reason });
        }
        if !distance.square() {
            let (expected, found) = (distance.items(), distance.rows());
            return Err(Error::Shape { what: "rows of distances", expected, found });
        }
        if !distance.symmetric() {
            let reason = "the distance of a to b is not that of b to a".to_owned();
            return Err(Error::Parameter { name: "distance", reason });
        }
        Ok(Self { lambda, epsilon, distance, triangle, found: Found::default(), greedy: Nested::default() })
    }

    /// The threshold of a rung, while there is one.
    fn threshold(&self, rung: u32) -> Option<f64> {
        let Some(i) = rung.checked_sub(1) else { return Some(0.0) };
        let power = (1.0 + self.epsilon).powi(i as i32);
        (power <= 2.0 / self.epsilon).then_some(power * self.epsilon * self.found.reach / 2.0)
    }

    /// The diameter, a strip a step. Where several items are included it plays no part.
    fn diameter(&mut self, problem: &Problem, ctl: &Ctl) -> Result<(), Halt> {
        let all = problem.allowed();
        let (seen, end) = (self.found.seen, all.len().min(self.found.seen + STRIP));
        if problem.include().len() > 1 || seen == end {
            self.found.phase = Phase::Seeds;
            return Ok(());
        }
        let mut allowed = vec![false; self.distance.rows()];
        all.iter().for_each(|&e| allowed[e as usize] = true);
        let found = extreme_pair(&*self.distance, &all[seen..end], &allowed, Extreme::Largest, ctl)?;
        self.found.farthest = Extreme::Largest.of(self.found.farthest, found);
        self.found.seen = end;
        Ok(())
    }

    fn wide(&self) -> f64 {
        self.found.farthest.map_or(0.0, |pair| f64::from(pair.distance))
    }

    /// Candidates that need no search: what is included alone, and with what is farthest from it.
    fn seeds(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<(), Halt> {
        let include = problem.include().to_vec();
        let (mut seeds, reach) = if include.is_empty() {
            let pair = self.found.farthest.map(|pair| vec![pair.items.0, pair.items.1]);
            (Vec::from_iter(pair), self.wide())
        } else {
            let near = nearest(&*self.distance, &include, ctl)?;
            let apart = smallest(&*self.distance, &include, ctl)?.unwrap_or(f64::INFINITY);
            let distance = |e: Item| near[e as usize];
            let far =
                problem.candidates().into_iter().rev().max_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            let reach = far.map_or(0.0, |e| f64::from(distance(e)).min(apart));
            (vec![vec![], far.into_iter().collect()], reach)
        };
        let places = problem.constraint().shape().k.unwrap_or_default().saturating_sub(include.len());
        seeds.retain(|seed| seed.len() <= places);
        let mut best = None;
        for items in seeds {
            let mut chain = Chain::new(problem.objective(), &include);
            let value = chain.value(ctl)?;
            let gains = chain.walk(&items, ctl)?;
            if !gains.iter().any(|&gain| gain == f64::NEG_INFINITY || problem.stops_at(gain)) {
                let f = value + gains.iter().sum::<f64>();
                let div = self.div(&[&include[..], &items].concat(), ctl)?;
                best = better(best, Candidate { value: f + self.lambda * div, items, gains });
            }
        }
        if problem.objective().properties().submodular {
            // Gains of single items: every lazy greedy begins with them for bounds.
            let ask = problem.candidates();
            problem.gains(&ask, ctl)?;
        }
        (self.found.best, self.found.reach, self.found.phase) = (best, reach, Phase::Rung(0));
        Ok(())
    }

    fn div(&self, items: &[Item], ctl: &Ctl) -> Result<f64, Halt> {
        Ok(smallest(&*self.distance, items, ctl)?.unwrap_or(self.wide()))
    }

    /// One step of greedy at a threshold.
    fn climb(&mut self, problem: &Problem, rung: u32, threshold: f64, ctl: &Ctl) -> Result<(), Halt> {
        let f = problem.objective().properties();
        let begin = || {
            let k = problem.constraint().shape().k.unwrap_or_default();
            let inner = problem.under(Arc::new(Apart { k, threshold, distance: self.distance.clone() }))?;
            let search: Box<dyn Optimizer> =
                if f.submodular { Box::new(LazyGreedy::default()) } else { Box::new(Greedy) };
            // Where this run stands: at the included items, with the gains of all others known.
            Ok((inner, search, Some(problem.save(&Greedy, &Ctl::default()))))
        };
        if self.greedy.advance(ctl, begin)? == Step::More {
            return Ok(());
        }
        let Some(inner) = self.greedy.problem() else { return Ok(()) };
        let kept = smallest(&*self.distance, inner.picks(), ctl)?;
        let included = problem.include().len();
        let candidate = Candidate {
            value: inner.value() + self.lambda * kept.unwrap_or(self.wide()),
            items: inner.picks()[included..].to_vec(),
            gains: inner.pick_gains()[included..].to_vec(),
        };
        self.found.best = better(self.found.best.take(), candidate);
        // A threshold that these items keep has greedy choose them again.
        let kept = kept.unwrap_or(f64::INFINITY);
        let mut next = rung + 1;
        while self.threshold(next).is_some_and(|threshold| threshold <= kept) {
            next += 1;
        }
        self.found.phase = Phase::Rung(next);
        self.greedy.clear();
        Ok(())
    }
}

/// The better one, the earlier one of equals.
fn better(best: Option<Candidate>, candidate: Candidate) -> Option<Candidate> {
    match best {
        Some(best) if best.value >= candidate.value => Some(best),
        _ => Some(candidate),
    }
}

impl<S: Similarity> Optimizer for Gist<S> {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        if !constraint.is_cardinality() {
            return Err(Mismatch("gist takes k and no other constraint"));
        }
        // The answer for a smaller k keeps other distances.
        Ok(Claim { guarantee: earned(objective, self.triangle, self.epsilon), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        match self.found.phase {
            Phase::Diameter => self.diameter(problem, ctl)?,
            Phase::Seeds => self.seeds(problem, ctl)?,
            Phase::Rung(rung) => match self.threshold(rung) {
                Some(threshold) => self.climb(problem, rung, threshold, ctl)?,
                None => {
                    self.found.phase = Phase::Over;
                    let best = self.found.best.iter().flat_map(|best| best.items.iter().zip(&best.gains));
                    best.for_each(|(&e, &gain)| problem.take(e, gain));
                }
            },
            Phase::Over if problem.feasible().done() => return Ok(Step::Done(Termination::BudgetReached)),
            // More items would lose more distance than they gain.
            Phase::Over => return Ok(Step::Done(Termination::NoCandidateLeft)),
        }
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        let Found { phase, seen, farthest, reach, best } = &self.found;
        let phase = match phase {
            Phase::Diameter => -3.0,
            Phase::Seeds => -2.0,
            Phase::Over => -1.0,
            Phase::Rung(rung) => f64::from(*rung),
        };
        into.numbers = vec![phase, *seen as f64, *reach];
        into.sets = vec![farthest.iter().flat_map(|pair| [pair.items.0, pair.items.1]).collect()];
        into.numbers.push(self.wide());
        if let Some(best) = best {
            into.numbers.push(best.value);
            into.numbers.extend(&best.gains);
            into.sets.push(best.items.clone());
        }
        into.inner = self.greedy.save();
    }

    fn load(&mut self, from: &Saved) {
        let [phase, seen, reach, wide, ref rest @ ..] = from.numbers[..] else { return };
        let phase = match phase {
            -3.0 => Phase::Diameter,
            -2.0 => Phase::Seeds,
            -1.0 => Phase::Over,
            rung => Phase::Rung(rung as u32),
        };
        let farthest = match from.sets.first().map(Vec::as_slice) {
            Some(&[a, b]) => Some(Pair { distance: wide as f32, items: (a, b) }),
            _ => None,
        };
        let best = match (rest, from.sets.get(1)) {
            ([value, gains @ ..], Some(items)) => {
                Some(Candidate { value: *value, items: items.clone(), gains: gains.to_vec() })
            }
            _ => None,
        };
        self.found = Found { phase, seen: seen as usize, farthest, reach, best };
        self.greedy.load(from.inner.as_deref());
    }

    fn last_look(&self) -> LastLook {
        LastLook::Nothing
    }

    fn optimized(&self) -> Option<f64> {
        let over = self.found.phase == Phase::Over;
        self.found.best.as_ref().filter(|_| over).map(|best| best.value)
    }

    fn progress(&self, _problem: &Problem) -> (u64, u64) {
        let rungs = 2 + ((2.0 / self.epsilon).ln() / self.epsilon.ln_1p()) as u64;
        let done = match self.found.phase {
            Phase::Diameter | Phase::Seeds => 0,
            Phase::Rung(rung) => u64::from(rung).min(rungs),
            Phase::Over => rungs,
        };
        (done, rungs)
    }
}

/// With O the optimum, d its smallest distance and t the largest threshold up to d / 2, balls of radius t around chosen
/// items hold at most one item of O each, so greedy at t has f >= f(O) / 2 (f(O), where f is modular) and its items are
/// at least `t >= d / (2 + 2 epsilon)` apart. The pair keeps D >= d. For a modular f the better of the two is worth 2/3; where d is below
/// all thresholds, `lambda d <= epsilon lambda D`, and greedy alone or the pair is. All of it holds beside included
/// items, with f and O less what they are worth.
fn earned(objective: &Properties, triangle: Triangle, epsilon: f64) -> Guarantee {
    if let Some(reason) = disqualified(objective) {
        return Guarantee::None { reason };
    }
    if triangle != Triangle::Metric {
        return Guarantee::None { reason: "the distance is not known to be a metric" };
    }
    let (share, statement) = if objective.modular {
        (
            2.0 / 3.0,
            "f(S) + lambda div(S) >= (2/3 - epsilon) OPT over at most k items (Fahrbach et al. 2025, for a modular f)",
        )
    } else {
        (0.5, "f(S) + lambda div(S) >= (1/2 - epsilon) OPT over at most k items (Fahrbach et al. 2025)")
    };
    Guarantee::Factor { factor: (share - epsilon).max(0.0), kind: Kind::Always, statement }
}
