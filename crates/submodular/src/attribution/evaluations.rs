//! Who tells what the model says, and the book of what was answered so far.

use super::{Evaluation, InvalidOutput, Model, Output, Pair};
use crate::{Ctl, Halt, Item, Set};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// What a model says of sets of regions, all or nothing.
pub trait Evaluator: Send + Sync {
    /// Number of regions.
    fn count(&self) -> usize;
    /// The class to explain; `None` before an answer about the whole input tells.
    fn target(&self) -> Option<usize>;
    /// Of each set and its complement, with the confidence of the set where that counts; sets are sorted.
    ///
    /// # Errors
    /// [`Halt::Ask`] with the sets to ask about, or the failure of the model behind it.
    fn pairs(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<Pair>, Halt>;
    /// What is known of a set and its complement without asking; the confidence of a set that was only seen as a
    /// complement may be missing.
    fn known(&self, set: &[Item]) -> Option<Pair>;
}

/// Answers that cannot be used. Answers count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswers {
    /// Not one answer a question.
    #[error("{found} answers; expected {expected}, one a set")]
    Count {
        /// How many sets were asked about.
        expected: usize,
        /// How many answers there are.
        found: usize,
    },
    /// A set that holds what is no region.
    #[error("answer {answer} is about region {region}; there are {count}")]
    UnknownRegion {
        /// The answer.
        answer: usize,
        /// What its set holds.
        region: Item,
        /// How many regions there are.
        count: usize,
    },
    /// An output that the set function cannot use.
    #[error("answer {answer}, {}{output}", if *.complement { "complement, " } else { "" })]
    Output {
        /// The answer.
        answer: usize,
        /// Whether it is what was said of the complement.
        complement: bool,
        /// What is wrong with it.
        output: InvalidOutput,
    },
    /// Nothing says yet which class is explained.
    #[error("the target is not known; answer first about the empty set, whose complement is the whole input")]
    TargetUnknown,
}

impl InvalidAnswers {
    /// Where, as JSON pointer below the answers.
    pub fn pointer(&self) -> String {
        match self {
            Self::Count { .. } | Self::TargetUnknown => String::new(),
            Self::UnknownRegion { answer, .. } => format!("/{answer}"),
            Self::Output { answer, complement, output } => {
                format!("/{answer}{}{}", if *complement { "/complement" } else { "" }, output.pointer())
            }
        }
    }
}

/// A set of regions, one bit each: the complement is as short.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Mask(Box<[u64]>);

impl Mask {
    fn of(set: &[Item], count: usize) -> Self {
        let mut words = vec![0; count.div_ceil(64)];
        set.iter().for_each(|&region| words[region as usize / 64] |= 1 << (region % 64));
        Self(words.into())
    }

    fn complement(&self, count: usize) -> Self {
        let bits = |word: usize| (count - 64 * word).min(64);
        let words = self.0.iter().enumerate().map(|(i, word)| !word & (u64::MAX >> (64 - bits(i))));
        Self(words.collect())
    }
}

/// Answers given so far; asks for the others.
///
/// Where the target is not given, the first question is the empty set alone: its complement is the whole input. What
/// is kept of an answer are the two numbers that count, so a book of q answers holds about q (64 + count / 8) bytes.
#[derive(Debug)]
pub struct Evaluations {
    count: usize,
    model: Model,
    book: RwLock<Book>,
}

#[derive(Debug)]
struct Book {
    target: Option<usize>,
    pairs: HashMap<Mask, Pair>,
}

impl Evaluations {
    /// None yet, of a model on an input of `count` regions.
    pub fn new(count: usize, model: Model) -> Self {
        Self { count, model, book: RwLock::new(Book { target: model.target(), pairs: HashMap::new() }) }
    }

    /// What counts of answers about `sets`, one each, and the class that they explain. Records nothing: for who keeps
    /// numbers, not answers, and gives them to [`insert`](Self::insert) in another process.
    ///
    /// # Errors
    /// [`InvalidAnswers`], the first in the order of the answers.
    pub fn read(&self, sets: &[Set], answers: &[Evaluation]) -> Result<(usize, Vec<Pair>), InvalidAnswers> {
        let (expected, found) = (sets.len(), answers.len());
        if expected != found {
            return Err(InvalidAnswers::Count { expected, found });
        }
        for (answer, (set, evaluation)) in sets.iter().zip(answers).enumerate() {
            if let Some(&region) = set.iter().find(|&&region| region as usize >= self.count) {
                return Err(InvalidAnswers::UnknownRegion { answer, region, count: self.count });
            }
            for (output, complement) in [(&evaluation.shown, false), (&evaluation.complement, true)] {
                let refused = |output| InvalidAnswers::Output { answer, complement, output };
                self.model.check(output, complement).map_err(refused)?;
            }
        }
        let whole = || {
            let found = sets.iter().zip(answers).find_map(|(set, answer)| match set.len() {
                0 => Some(&answer.complement),
                len if len == self.count => Some(&answer.shown),
                _ => None,
            });
            found.and_then(Model::likeliest)
        };
        let target = self.target().or_else(whole).ok_or(InvalidAnswers::TargetUnknown)?;
        let read = |output: &Output| self.model.read(output, target);
        let pair =
            |answer: &Evaluation| Pair { shown: read(&answer.shown), complement: read(&answer.complement) };
        Ok((target, answers.iter().map(pair).collect()))
    }

    /// Records what counts of answers about sets of regions that explain the class `target`. What was known already
    /// stays.
    pub fn insert<'a>(&self, target: usize, pairs: impl IntoIterator<Item = (&'a Set, Pair)>) {
        let mut book = self.book.write().unwrap_or_else(PoisonError::into_inner);
        book.target = book.target.or(Some(target));
        for (set, pair) in pairs {
            book.pairs.entry(Mask::of(set, self.count)).or_insert(pair);
        }
    }

    /// Records what was answered about `sets`, one each; all of it or nothing. What was known already stays.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn record(&self, sets: &[Set], answers: &[Evaluation]) -> Result<(), InvalidAnswers> {
        let (target, pairs) = self.read(sets, answers)?;
        self.insert(target, sets.iter().zip(pairs));
        Ok(())
    }

    /// How many questions were answered, each about two inputs.
    pub fn len(&self) -> usize {
        self.book().pairs.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, book: &Book, mask: &Mask) -> Option<Pair> {
        let other = || book.pairs.get(&mask.complement(self.count)).map(|pair| pair.swapped());
        book.pairs.get(mask).copied().or_else(other)
    }
}

impl Evaluator for Evaluations {
    fn count(&self) -> usize {
        self.count
    }

    fn target(&self) -> Option<usize> {
        self.book().target
    }

    fn pairs(&self, sets: &[Set], ctl: &Ctl) -> Result<Vec<Pair>, Halt> {
        ctl.tick(sets.len() as u64)?;
        let book = self.book();
        if book.target.is_none() {
            return Err(Halt::Ask(vec![vec![]]));
        }
        let (mut pairs, mut misses) = (vec![], vec![]);
        for set in sets {
            let enough = |pair: &Pair| !self.model.needs_confidence() || pair.shown.confidence.is_some();
            match self.find(&book, &Mask::of(set, self.count)).filter(enough) {
                Some(pair) => pairs.push(pair),
                None => misses.push(set.clone()),
            }
        }
        if misses.is_empty() {
            return Ok(pairs);
        }
        misses.sort_unstable();
        misses.dedup();
        if self.model.symmetric() {
            // Of a set and its complement one question is enough: the one that holds region 0 goes.
            let other = |set: &Set| -> Set {
                (0..).take(self.count).filter(|region| set.binary_search(region).is_err()).collect()
            };
            let twice = |set: &Set| set.first() == Some(&0) && misses.binary_search(&other(set)).is_ok();
            misses = misses.iter().filter(|set| !twice(set)).cloned().collect();
        }
        Err(Halt::Ask(misses))
    }

    fn known(&self, set: &[Item]) -> Option<Pair> {
        let book = self.book();
        self.find(&book, &Mask::of(set, self.count))
    }
}
