//! Two rounds on parts (GreeDi, Mirzasoleiman et al. 2013; RandGreeDi, Barbosa et al. 2015): a search on each part, one on
//! the union of their answers, and the best of all those answers by the whole objective.
//!
//! A part is the objective and the rule restricted to its items and the included ones, which belong to every part. Parts
//! run one after another, each as a run inside this one. A part's answer that is short of a whole one, because the part
//! is, or because the rule counts what lies elsewhere, is filled up with the picks of the union. O(n) items in memory at
//! a time become O(n / parts).

use super::nested::Nested;
use super::{Optimizer, Parts, Step, Termination};
use crate::constraint::Shape;
use crate::guarantee::{self, Claim, Guarantee, Kind, Mismatch, disqualified};
use crate::{Chain, Ctl, Error, Halt, Item, Problem, Properties, Saved, both};

/// Makes the search of a part, and that of the union.
pub type Inner = Box<dyn Fn() -> Box<dyn Optimizer> + Send + Sync>;

/// Greedy, or another search, on parts and on the union of their answers.
pub struct PartitionedGreedy {
    parts: Parts,
    inner: Inner,
    /// Ascending, included items in each.
    split: Option<Vec<Vec<Item>>>,
    /// Answers of the parts that are done.
    finished: Vec<Vec<Item>>,
    part: Nested,
    union: Union,
    chosen: Option<Chosen>,
}

/// The search on the union, whose books are those of the whole run.
#[derive(Default)]
struct Union {
    search: Option<Box<dyn Optimizer>>,
    resume: Option<Saved>,
}

/// The best answer of all.
struct Chosen {
    items: Vec<Item>,
    termination: Termination,
}

/// What [`Saved`] says instead while the union is searched.
const ON_THE_UNION: f64 = -1.0;

impl PartitionedGreedy {
    /// # Errors
    /// [`Error::Parameter`] for no parts.
    pub fn new(parts: Parts, inner: Inner) -> Result<Self, Error> {
        Ok(Self {
            parts: parts.checked()?,
            inner,
            split: None,
            finished: vec![],
            part: Nested::default(),
            union: Union::default(),
            chosen: None,
        })
    }

    /// The items of each part that holds more than the included ones. The same in a resumed run.
    fn split(&self, problem: &Problem) -> Result<Vec<Vec<Item>>, Error> {
        let mut include = problem.include().to_vec();
        include.sort_unstable();
        let own = |e: &&Item| include.binary_search(e).is_err();
        let items = problem.allowed().iter().filter(own).copied().collect();
        let parts = self.parts.split(items, problem)?.into_iter().map(|(_, part)| {
            let mut part = [part, include.clone()].concat();
            part.sort_unstable();
            part
        });
        Ok(parts.collect())
    }

    /// One step inside a part.
    fn step_in_part(&mut self, problem: &Problem, items: &[Item], ctl: &Ctl) -> Result<(), Halt> {
        let (inner, part) = (&self.inner, self.finished.len());
        let begin =
            || Ok((problem.part(items, problem.seed().wrapping_add(1 + part as u64))?, inner(), None));
        if let Step::Done(_) = self.part.advance(ctl, begin)? {
            let answer = self.part.answer();
            self.finished.push(answer.into_iter().map(|e| items[e as usize]).collect());
            self.part.clear();
        }
        Ok(())
    }

    /// One step on the union.
    fn step_in_union(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        let search = match &mut self.union.search {
            Some(search) => search,
            none => {
                let mut pool = self.finished.concat();
                pool.sort_unstable();
                problem.keep(&pool);
                let mut search = (self.inner)();
                if let Some(from) = self.union.resume.take() {
                    search.load(&from);
                }
                none.insert(search)
            }
        };
        search.step(problem, ctl)
    }

    /// The best of all answers, the union's of equals.
    fn choose(&self, problem: &Problem, termination: Termination, ctl: &Ctl) -> Result<Chosen, Halt> {
        let union = self.union.search.as_ref().map_or(vec![], |search| search.answer(problem));
        let whole = problem.feasible().done();
        let mut candidates = Ok(vec![]);
        for answer in &self.finished {
            let valued = value(problem, answer, &union, ctl);
            candidates = both(candidates, valued).map(|(mut candidates, valued)| {
                candidates.push(valued);
                candidates
            });
        }
        let mut best = (problem.pick_gains().iter().sum::<f64>(), Chosen { items: union, termination });
        for Valued { items, value, done, cut } in candidates? {
            // Short answers compete only where the union's is short too, or where the threshold on gains ends them.
            if value > best.0 && (done || cut || !whole) {
                let termination = if done { Termination::BudgetReached } else { termination };
                best = (value, Chosen { items, termination });
            }
        }
        Ok(best.1)
    }
}

/// A part's answer, made whole.
struct Valued {
    items: Vec<Item>,
    /// f, less f(empty).
    value: f64,
    /// It is a whole answer.
    done: bool,
    /// It ends where gains fall to the threshold.
    cut: bool,
}

/// Values `answer`, filled up from `union` as far as the rule allows.
fn value(problem: &Problem, answer: &[Item], union: &[Item], ctl: &Ctl) -> Result<Valued, Halt> {
    let mut feasible = problem.constraint().start(problem.allowed()).map_err(Error::from)?;
    let mut own = answer.to_vec();
    own.sort_unstable();
    let more = union.iter().filter(|e| own.binary_search(e).is_err());
    let mut items: Vec<Item> = vec![];
    for &e in answer.iter().chain(more) {
        if feasible.may_add(e) {
            feasible.add(e);
            items.push(e);
        }
    }
    let mut gains = Chain::new(problem.objective(), &[]).walk(&items, ctl)?;
    let included = problem.include().len();
    let ends = |&gain: &f64| gain == f64::NEG_INFINITY || problem.stops_at(gain);
    let cut = gains.iter().skip(included).position(ends).map(|at| at + included);
    let done = feasible.done() && cut.is_none();
    let length = cut.unwrap_or(items.len());
    items.truncate(length);
    gains.truncate(length);
    Ok(Valued { items, value: gains.iter().sum(), done, cut: cut.is_some() })
}

impl Optimizer for PartitionedGreedy {
    fn claim(&self, objective: &Properties, constraint: &Shape) -> Result<Claim, Mismatch> {
        let Some(k) = constraint.k else {
            return Err(Mismatch("partitioned_greedy needs k: parts choose so many each"));
        };
        let inner = (self.inner)().claim(objective, constraint)?.guarantee;
        Ok(Claim { guarantee: earned(objective, constraint, inner, &self.parts, k), prefixes: false })
    }

    fn step(&mut self, problem: &mut Problem, ctl: &Ctl) -> Result<Step, Halt> {
        if let Some(chosen) = &self.chosen {
            return Ok(Step::Done(chosen.termination));
        }
        let split = match self.split.take() {
            Some(split) => split,
            None => self.split(problem)?,
        };
        if let Some(items) = split.get(self.finished.len()) {
            self.step_in_part(problem, items, ctl)?;
        } else if let Step::Done(termination) = self.step_in_union(problem, ctl)? {
            self.chosen = Some(self.choose(problem, termination, ctl)?);
        }
        self.split = Some(split);
        Ok(Step::More)
    }

    fn save(&self, into: &mut Saved) {
        into.sets.clone_from(&self.finished);
        if let Some(Chosen { items, termination }) = &self.chosen {
            into.sets.push(items.clone());
            into.numbers = vec![termination.number()];
            return;
        }
        let search = self.union.search.as_ref().map(|search| {
            let mut saved = Saved::default();
            search.save(&mut saved);
            saved
        });
        match search.or_else(|| self.union.resume.clone()) {
            Some(union) => (into.numbers, into.inner) = (vec![ON_THE_UNION], Some(Box::new(union))),
            None => into.inner = self.part.save(),
        }
    }

    fn load(&mut self, from: &Saved) {
        self.finished.clone_from(&from.sets);
        match from.numbers.first() {
            None => self.part.load(from.inner.as_deref()),
            Some(&ON_THE_UNION) => self.union.resume = from.inner.as_deref().cloned(),
            Some(&number) => {
                let items = self.finished.pop().unwrap_or_default();
                let termination = Termination::numbered(number);
                self.chosen = termination.map(|termination| Chosen { items, termination });
            }
        }
    }

    fn answer(&self, problem: &Problem) -> Vec<Item> {
        self.chosen.as_ref().map_or_else(|| problem.picks().to_vec(), |chosen| chosen.items.clone())
    }

    fn progress(&self, problem: &Problem) -> (u64, u64) {
        let k = problem.constraint().shape().k.unwrap_or_default();
        let parts = self.split.as_ref().map_or(self.parts.count(), Vec::len);
        let inside = self.part.problem().map_or(0, |part| part.picks().len());
        let done = self.finished.len() * k + inside.min(k);
        let done = if self.finished.len() == parts { done + problem.picks().len() } else { done };
        (done as u64, ((parts + 1) * k) as u64)
    }
}

/// Every item of a part stays what it was in the whole, so for any split some part holds `f(O) / parts` of the optimum O
/// (f is subadditive) and some part holds an item worth `f(O) / k`: the inner search's factor of the larger is the answer
/// of that part at least. That sharpens (1 - 1/e)^2 / min(parts, k) of Mirzasoleiman et al. 2013. A random split earns
/// half of greedy's factor, if greedy runs in both rounds (Barbosa et al. 2015).
fn earned(
    objective: &Properties,
    constraint: &Shape,
    inner: Guarantee,
    parts: &Parts,
    k: usize,
) -> Guarantee {
    if let Some(reason) = disqualified(objective) {
        return Guarantee::None { reason };
    }
    if !constraint.is_cardinality() {
        return Guarantee::None { reason: "parts earn their factor for plain cardinality only" };
    }
    if !objective.restricts_exactly {
        return Guarantee::None {
            reason: "a part sees another function: the objective sums over rows, and the part has its own only",
        };
    }
    let greedy = inner == guarantee::greedy(objective, constraint);
    let Guarantee::Factor { factor, kind: Kind::Always, .. } = inner else {
        return Guarantee::None {
            reason: "the search inside the parts has no factor that holds in every run",
        };
    };
    if objective.modular && factor == 1.0 {
        return Guarantee::Factor {
            factor,
            kind: Kind::Always,
            statement: "f(S) = OPT: the best k items of each part, of which the best k are those of the whole, f being \
                        modular",
        };
    }
    let shares = parts.count().min(k).max(1);
    if greedy && shares > 2 && matches!(parts, Parts::Random(_)) {
        return Guarantee::Factor {
            factor: factor / 2.0,
            kind: Kind::Expected,
            statement: "E f(S) >= (1 - 1/e)/2 OPT over random splits (Barbosa et al. 2015)",
        };
    }
    Guarantee::Factor {
        factor: factor / shares as f64,
        kind: Kind::Always,
        statement: "f(S) >= a / min(parts, k) OPT, a being the factor of the search inside (after Mirzasoleiman et al. \
                    2013)",
    }
}
