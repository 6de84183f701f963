//! Values and gains of given sets: the functions of a selection without a search.
//!
//! What is evaluated is always the function that is meant, over all rows and all pairs, also where a search would look at a
//! sample or at a graph of neighbours.

use super::Limits;
use super::error::{FieldError, SelectionError};
use super::function::{Function, Loader, Lookup, Sizes, Stage, Walks};
use super::resolve::Resolver;
use super::run::{Ending, Progress, Stop, Watch};
use crate::dataset::Source;
use crate::jobs::archive::Archive;
use crate::jobs::spec::{ItemRef, ObjectiveSpec};
use std::sync::Arc;
use submodular::{Chain, Ctl, Item, Objective};

/// Floating-point operations of an evaluation, about two seconds of one thread. Somebody waits for the answer.
const MOST_FLOPS: f64 = 2e10;
/// What a number of the dataset takes to be read and decoded.
const FLOPS_OF_READING: f64 = 50.0;
/// Numbers of an answer: a few tens of megabytes of JSON.
const MOST_NUMBERS: usize = 2_000_000;

/// Sets, and what is to be known of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The function.
    pub objective: ObjectiveSpec,
    /// The sets. The order of a set's items means nothing.
    pub sets: Vec<Vec<ItemRef>>,
    /// Items whose gains are wanted, of each set.
    pub gains_for: Option<Vec<ItemRef>>,
    /// Whether the values of the sets' complements are wanted.
    pub complement: bool,
    /// Whether the shares of the value of all items are wanted.
    pub share: bool,
}

/// What was asked for. Values may be minus infinity or NaN where a kernel is singular over a set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluated {
    /// f of each set.
    pub values: Vec<f64>,
    /// Of each set, the gain of each item that was asked for; 0 for those in the set.
    pub gains: Option<Vec<Vec<f64>>>,
    /// The values over the value of all items; none also where that is 0.
    pub shares: Option<Vec<f64>>,
    /// f of all other items, of each set.
    pub complement_values: Option<Vec<f64>>,
    /// f of the empty set.
    pub empty_value: f64,
}

/// An evaluation whose names are looked up.
pub struct PreparedEvaluation {
    function: Function,
    sets: Vec<Vec<Item>>,
    asked: Option<Vec<Item>>,
    complement: bool,
    share: bool,
    limits: Limits,
    memory_bytes: u64,
}

/// The first so many sets, and what is asked beside them.
#[derive(Clone, Copy)]
struct Part {
    sets: usize,
    share: bool,
    complement: bool,
}

impl PreparedEvaluation {
    /// Looks everything up in `source` and estimates the work. `archive`: what else the function names.
    ///
    /// # Errors
    /// [`SelectionError::Invalid`] with every offence, or with what would fit where it is too much work;
    /// [`SelectionError::TooLarge`] for memory; [`SelectionError::Dataset`].
    pub fn new(
        wanted: &Evaluation,
        source: &Source,
        archive: &dyn Archive,
        limits: &Limits,
    ) -> Result<Self, SelectionError> {
        let mut objective = wanted.objective.clone();
        objective.fill(source.dim());
        let mut resolver = Resolver::new(source);
        let lookup = &mut Lookup { resolver: &mut resolver, archive, seed: 0, k: None, asks: false };
        let function = lookup.function(&objective, "/objective")?;
        let mut sets = vec![];
        for (position, set) in wanted.sets.iter().enumerate() {
            let mut set = resolver.items(set, &format!("/sets/{position}"))?;
            // One order for a set, so that it has one value to the last bit.
            set.sort_unstable();
            sets.push(set);
        }
        let asked = wanted.gains_for.as_ref();
        let asked = asked.map(|items| resolver.items(items, "/gains_for")).transpose()?;
        if !resolver.errors.is_empty() {
            return Err(SelectionError::Invalid(resolver.errors));
        }
        let (complement, share) = (wanted.complement, wanted.share);
        let mut prepared = Self {
            function: function.meant(),
            sets,
            asked,
            complement,
            share,
            limits: *limits,
            memory_bytes: source.reading_bytes().saturating_add(resolver.bytes()),
        };
        prepared.admit(source)?;
        Ok(prepared)
    }

    /// Peak bytes, about.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Chooses how similarities are held, and refuses what takes too much.
    fn admit(&mut self, source: &Source) -> Result<(), SelectionError> {
        let numbers = self.sets.len().saturating_mul(self.asked.as_ref().map_or(0, Vec::len) + 3);
        if numbers > MOST_NUMBERS {
            let detail = format!(
                "the answer would have {numbers} numbers, and may have {MOST_NUMBERS}, which is not a setting: ask for \
                 gains of fewer items or sets"
            );
            return Err(refused("/gains_for", detail));
        }
        let n = source.items();
        let largest = if self.share || self.complement { n } else { 0 };
        let sizes = Sizes {
            n,
            dim: source.dim(),
            k: self.sets.iter().map(Vec::len).max().unwrap_or(0).max(largest),
            evaluations: 0.0,
            entries: source.sparse_entries(),
            states: 1,
        };
        let held = self.sets.iter().map(|set| set.len() as u64 * 4).sum::<u64>();
        let books = (numbers as u64 * 24).saturating_add(held).saturating_add(self.memory_bytes);
        let all = Part { sets: self.sets.len(), share: self.share, complement: self.complement };
        let (bytes, flops) = self.needed(sizes, books, all);
        self.memory_bytes = books.saturating_add(bytes);
        let (needed, allowed) = (self.memory_bytes, self.limits.memory_bytes);
        if needed > allowed {
            return Err(SelectionError::TooLarge {
                detail: format!(
                    "this evaluation needs {needed} bytes of memory, and {allowed} are allowed. Raise jobs.memory_bytes, or \
                     evaluate over fewer rows"
                ),
                needed: needed as f64,
                allowed: allowed as f64,
                setting: "jobs.memory_bytes",
            });
        }
        if flops > self.most_flops() { Err(self.too_long(sizes, books, all, flops)) } else { Ok(()) }
    }

    /// Bytes, and floating-point operations, of a part of the request. Few sets look at few pairs: it may take less to
    /// compute those when they are asked for than to store all, and the function is left with the plan that takes less.
    fn needed(&mut self, sizes: Sizes, books: u64, part: Part) -> (u64, f64) {
        let walks = self.walks(sizes.n, part);
        let function = &mut self.function;
        let mut under = |limits: &Limits| {
            let bytes = function.estimate(sizes, books, limits).bytes;
            let (making, walking) = function.work(sizes, &walks);
            (bytes, FLOPS_OF_READING * sizes.n as f64 * sizes.dim as f64 + making + walking)
        };
        let stored = under(&self.limits);
        let computed = under(&Limits { memory_bytes: 0, ..self.limits });
        if stored.1 < computed.1 { under(&self.limits) } else { computed }
    }

    fn most_flops(&self) -> f64 {
        MOST_FLOPS.min(self.limits.max_flops)
    }

    /// It takes longer than a caller can be kept waiting; what would not.
    fn too_long(&mut self, sizes: Sizes, books: u64, all: Part, needed: f64) -> SelectionError {
        let allowed = self.most_flops();
        let mut fits = |part| self.needed(sizes, books, part).1 <= allowed;
        let nothing = Part { sets: 0, share: false, complement: false };
        let (pointer, way_out) = if all.share && fits(Part { share: false, ..all }) {
            ("/share", "leave share out: it takes the value of all items".to_owned())
        } else if all.complement && fits(Part { complement: false, ..all }) {
            ("/complement", "leave complement out: it takes the values of almost all items".to_owned())
        } else if all.sets > 0 && fits(Part { sets: 1, ..all }) {
            let (mut few, mut many) = (1, all.sets);
            while many - few > 1 {
                let sets = few.midpoint(many);
                if fits(Part { sets, ..all }) { few = sets } else { many = sets }
            }
            ("/sets", format!("the first {few} of the {} sets would fit", all.sets))
        } else if fits(nothing) {
            let way_out = "even the first set is too much: ask for smaller sets, or for gains of fewer items";
            ("/sets", way_out.to_owned())
        } else {
            let rows = sizes.n as f64 * (allowed / self.needed(sizes, books, nothing).1).sqrt();
            (
                "/objective",
                format!("the function alone takes that: over about {} rows it would fit", rows as u64),
            )
        };
        let limit = if allowed < MOST_FLOPS { "jobs.max_flops" } else { "which is not a setting" };
        let detail = format!(
            "this evaluation needs about {needed:.1e} floating-point operations, and {allowed:.1e} are allowed while a \
             caller waits ({limit}); {way_out}"
        );
        refused(pointer, detail)
    }

    fn walks(&self, n: usize, Part { sets, share, complement }: Part) -> Walks {
        let mut walks = Walks::default();
        let asked = self.asked.as_ref().map_or(0, Vec::len);
        for set in &self.sets[..sets] {
            walks.add(set.len(), asked);
            if complement {
                walks.add(n - set.len(), 0);
            }
        }
        if share {
            walks.add(n, 0);
        }
        walks
    }

    /// Evaluates. Blocks; call it inside the rayon pool that it shall use. The inner error: `ctl` stopped it.
    ///
    /// # Errors
    /// [`SelectionError`] when the data cannot be read, or the objective fails.
    pub fn run(self, source: &Source, ctl: &Ctl) -> Result<Result<Evaluated, Ending>, SelectionError> {
        match self.evaluate(source, ctl) {
            Ok(evaluated) => Ok(Ok(evaluated)),
            Err(Stop::Halted(ending)) => Ok(Err(ending)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn evaluate(&self, source: &Source, ctl: &Ctl) -> Result<Evaluated, Stop> {
        let mut loader = Loader::new(source, self.limits.kernel);
        let f = loader.build(&self.function, Stage::Search, &[], ctl, &mut Nobody)?.objective;
        let n = source.items();
        let value = |items: &[Item]| Chain::new(&f, items).value(ctl);
        let mut answer = Evaluated { empty_value: value(&[])?, ..Evaluated::default() };
        let mut gains = vec![];
        for set in &self.sets {
            ctl.tick(0)?;
            let (value, of_asked) = walked(&f, set, self.asked.as_deref().unwrap_or(&[]), ctl)?;
            answer.values.push(value);
            gains.push(of_asked);
        }
        answer.gains = self.asked.is_some().then_some(gains);
        if self.complement {
            let others = |set: &Vec<Item>| value(&others(set, n));
            answer.complement_values = Some(self.sets.iter().map(others).collect::<Result<_, _>>()?);
        }
        if self.share {
            let whole = value(&others(&[], n))?;
            answer.shares = (whole != 0.0).then(|| answer.values.iter().map(|value| value / whole).collect());
        }
        Ok(answer)
    }
}

/// f of an ascending set, and the gain of each item asked for.
fn walked(f: &Arc<dyn Objective>, set: &[Item], asked: &[Item], ctl: &Ctl) -> Result<(f64, Vec<f64>), Stop> {
    let mut chain = Chain::new(f, set);
    let is_in = |e: &Item| set.binary_search(e).is_ok();
    let new: Vec<Item> = asked.iter().copied().filter(|e| !is_in(e)).collect();
    let mut gains = chain.gains(&new, ctl)?.into_iter();
    let of_each = asked.iter().map(|e| if is_in(e) { 0.0 } else { gains.next().unwrap_or(0.0) });
    let of_each = of_each.collect();
    Ok((chain.state().value(), of_each))
}

/// The items of `0..n` outside an ascending set.
fn others(set: &[Item], n: usize) -> Vec<Item> {
    let mut inside = set.iter().peekable();
    (0..).take(n).filter(|e| inside.next_if_eq(&e).is_none()).collect()
}

fn refused(pointer: &str, detail: String) -> SelectionError {
    SelectionError::Invalid(vec![FieldError::new(pointer, "estimate_exceeds_limit", detail)])
}

/// A caller that waits learns nothing on the way.
struct Nobody;

impl Watch for Nobody {
    fn progress(&mut self, _progress: Progress) {}
    fn save(&mut self, _encode: &dyn Fn() -> Result<Vec<u8>, SelectionError>) {}
}

#[cfg(test)]
mod tests {
    use super::{Evaluation, PreparedEvaluation};
    use crate::dataset::{Options, Source};
    use crate::jobs::archive::Nothing;
    use crate::jobs::selection::{Ending, Limits};
    use crate::jobs::spec::{ItemRef, ObjectiveSpec};
    use std::time::Instant;
    use submodular::Ctl;
    use submodular::tile::Kernel;

    fn prepared(source: &Source) -> PreparedEvaluation {
        let objective =
            serde_json::from_value(serde_json::json!({"name": "graph_cut", "similarity": {"metric": "dot"}}));
        let objective: ObjectiveSpec = objective.unwrap();
        let set = vec![ItemRef::Index(1), ItemRef::Index(0)];
        let gains_for = Some(vec![ItemRef::Index(0), ItemRef::Index(2)]);
        let wanted = Evaluation { objective, sets: vec![set], gains_for, complement: true, share: true };
        let limits = Limits { memory_bytes: 1 << 30, max_flops: 1e9, threads: 1, kernel: Kernel::detect() };
        PreparedEvaluation::new(&wanted, source, &Nothing, &limits).unwrap()
    }

    #[test]
    fn it_stops_wherever_it_is_told_to_and_else_answers() {
        let body = br#"{"vectors": [[1, 0], [1, 1], [0, 2]]}"#;
        let source = Source::inline(body, &Options::default()).unwrap();
        let late = prepared(&source).run(&source, &Ctl::new(Some(Instant::now()))).unwrap();
        assert_eq!(late, Err(Ending::Deadline));
        let stopped = |ticks: &i64| {
            let ran = prepared(&source).run(&source, &Ctl::fused(*ticks)).unwrap();
            assert!(matches!(ran, Ok(_) | Err(Ending::Cancelled)), "{ran:?}");
            ran.is_err()
        };
        let stops = (0..1000).take_while(stopped).count();
        assert!((3..1000).contains(&stops), "{stops}");
        // Products: 1 1 0 / 1 2 2 / 0 2 4, of which 13 in all and 5 of the first two among themselves.
        let answer = prepared(&source).run(&source, &Ctl::default()).unwrap().unwrap();
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        close(answer.values[0], 7.0 - 0.4 * 5.0);
        close(answer.gains.unwrap()[0][1], 6.0 - 0.4 * 8.0);
        close(answer.complement_values.unwrap()[0], 6.0 - 0.4 * 4.0);
        close(answer.shares.unwrap()[0], 5.0 / 7.8);
        close(answer.empty_value, 0.0);
    }
}
