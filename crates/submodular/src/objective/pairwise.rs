//! Sums over pairs: `f(S) = sum over j in S of m_j + c * sum over ordered pairs (i, j) of S of s_ij`, the diagonal
//! included.
//!
//! Graph cut (m_j = sum over all i of s_ij, c = -lambda), redundancy (m = 0, c = -1), the cut given a private set, and
//! the sum of distances (c = 1/2, s a distance). With s >= 0, c <= 0 makes it submodular and c >= 0 supermodular. A gain
//! costs O(1), a pick O(n) similarities; the state is 8 bytes an item.

use super::columns;
use super::{Objective, Properties, State};
use crate::similarity::Similarity;
use crate::tile::{RowSums, Store, Terms};
use crate::{Ctl, Error, Halt, Item};
use std::sync::Arc;

/// The set function over a square similarity.
pub struct Pairwise<S> {
    similarity: S,
    terms: Vec<f64>,
    coefficient: f64,
    /// s_jj.
    diagonal: Vec<f32>,
    monotone: bool,
    nonnegative: bool,
    slack: f64,
}

/// Where the terms m_j come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Modular {
    /// Nowhere: all are 0.
    Zero,
    /// `m_j = sum over all i of s_ij + more_j`; `more` is 0 where absent.
    Degree {
        /// One number an item.
        more: Option<Vec<f64>>,
    },
}

impl<S: Similarity> Pairwise<S> {
    /// `monotone`: whether the caller knows that no gain is negative. O(n^2) similarities for [`Modular::Degree`],
    /// O(n) else.
    ///
    /// # Errors
    /// [`Halt`] when stopped; [`Error::Shape`] where the similarity is not square or a term is missing.
    pub fn new(
        similarity: S,
        modular: Modular,
        coefficient: f64,
        monotone: bool,
        ctl: &Ctl,
    ) -> Result<Self, Halt> {
        let n = similarity.items();
        if !similarity.square() {
            let (what, expected, found) = ("represented rows", n, similarity.rows());
            return Err(Error::Shape { what, expected, found }.into());
        }
        let all: Vec<Item> = (0..n as Item).collect();
        let mut terms = vec![0.0; n];
        // A cut whose lambda is at most 1 leaves at least the links from S to the rest.
        let cut = modular == Modular::Degree { more: None } && coefficient >= -1.0;
        if let Modular::Degree { more } = modular {
            let rows = vec![(); n];
            columns::sums(&similarity, &all, &mut terms, ctl, |cols| {
                Terms::new(&rows, &rows, cols, |s, (), ()| f64::from(s))
            })?;
            if let Some(more) = more {
                if more.len() != n {
                    return Err(Error::Shape { what: "terms", expected: n, found: more.len() }.into());
                }
                terms.iter_mut().zip(more).for_each(|(term, more)| *term += more);
            }
        }
        let mut diagonal = vec![0.0; n];
        for (&e, s) in all.iter().zip(diagonal.chunks_mut(1)) {
            let row = e as usize;
            similarity.sweep(row..row + 1, &[e], &mut Store::new(s, row, 1));
        }
        // Sums of S run over at most n numbers, none larger than the largest term.
        let largest = terms.iter().fold(0.0, |most: f64, term| most.max(term.abs()));
        let slack = 8.0 * f64::EPSILON * largest.max(1.0);
        Ok(Self { similarity, terms, coefficient, diagonal, monotone, nonnegative: monotone || cut, slack })
    }
}

/// For s >= 0.
pub fn properties(coefficient: f64, monotone: bool, nonnegative: bool, slack: f64) -> Properties {
    Properties {
        monotone,
        submodular: coefficient <= 0.0,
        normalised: true,
        nonnegative,
        modular: coefficient == 0.0,
        restricts_exactly: true,
        slack,
        ..Properties::default()
    }
}

/// Bytes of terms, diagonal and state (held twice while it grows), and the scratch of the first pass.
pub fn memory(n: usize) -> u64 {
    n as u64 * 40 + columns::scratch(n)
}

impl<S: Similarity> Objective for Pairwise<S> {
    fn len(&self) -> usize {
        self.similarity.items()
    }

    fn properties(&self) -> Properties {
        properties(self.coefficient, self.monotone, self.nonnegative, self.slack)
    }

    fn memory(&self, _k: usize) -> u64 {
        memory(self.len())
    }

    fn state(self: Arc<Self>) -> Box<dyn State> {
        Box::new(Linked { links: vec![0.0; self.len()], value: 0.0, f: self })
    }

    fn restrict(self: Arc<Self>, items: &[Item]) -> Result<Arc<dyn Objective>, Halt> {
        let pick = |all: &[f64]| items.iter().map(|&e| all[e as usize]).collect::<Vec<_>>();
        Ok(Arc::new(Self {
            similarity: self.similarity.restrict(items),
            terms: pick(&self.terms),
            diagonal: items.iter().map(|&e| self.diagonal[e as usize]).collect(),
            ..*self
        }))
    }
}

struct Linked<S> {
    f: Arc<Pairwise<S>>,
    /// `sum over j in S of s_ej + s_je` per item e.
    links: Vec<f64>,
    value: f64,
}

impl<S: Similarity> Linked<S> {
    /// f(S + e) - f(S) for e outside of S.
    fn gain(&self, links: &[f64], e: Item) -> f64 {
        let e = e as usize;
        self.f.terms[e] + self.f.coefficient * (links[e] + f64::from(self.f.diagonal[e]))
    }

    /// f(S) - f(S - e) for e in S, which is linked to itself twice.
    fn loss(&self, links: &[f64], e: Item) -> f64 {
        let e = e as usize;
        self.f.terms[e] + self.f.coefficient * (links[e] - f64::from(self.f.diagonal[e]))
    }

    /// Adds `sign` times the links of every item to e.
    fn link(&self, links: &mut [f64], e: Item, sign: f64, ctl: &Ctl) -> Result<(), Halt> {
        let mut to = vec![0.0; links.len()];
        columns::fold(&self.f.similarity, &mut to, &[e], ctl, RowSums::new)?;
        if self.f.similarity.symmetric() {
            to.iter_mut().for_each(|s| *s *= 2.0);
        } else {
            let all: Vec<Item> = (0..links.len() as Item).collect();
            let (row, mut from) = (e as usize, vec![0.0; links.len()]);
            ctl.tick(all.len() as u64)?;
            self.f.similarity.sweep(row..row + 1, &all, &mut Store::new(&mut from, row, 1));
            to.iter_mut().zip(from).for_each(|(to, from)| *to += f64::from(from));
        }
        links.iter_mut().zip(to).for_each(|(link, s)| *link += sign * s);
        Ok(())
    }
}

impl<S: Similarity> State for Linked<S> {
    fn value(&self) -> f64 {
        self.value
    }

    fn advance(&mut self, add: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        if !add.is_empty() {
            let (mut links, mut value) = (self.links.clone(), self.value);
            for &e in add {
                value += self.gain(&links, e);
                self.link(&mut links, e, 1.0, ctl)?;
            }
            (self.links, self.value) = (links, value); // last: Err has changed nothing
        }
        ctl.tick(ask.len() as u64)?;
        out.iter_mut().zip(ask).for_each(|(out, &e)| *out = self.gain(&self.links, e));
        Ok(())
    }

    fn retreat(&mut self, drop: &[Item], ask: &[Item], out: &mut [f64], ctl: &Ctl) -> Result<(), Halt> {
        if !drop.is_empty() {
            let (mut links, mut value) = (self.links.clone(), self.value);
            for &e in drop {
                value -= self.loss(&links, e);
                self.link(&mut links, e, -1.0, ctl)?;
            }
            (self.links, self.value) = (links, value);
        }
        ctl.tick(ask.len() as u64)?;
        out.iter_mut().zip(ask).for_each(|(out, &e)| *out = self.loss(&self.links, e));
        Ok(())
    }

    fn fork(&self) -> Box<dyn State> {
        Box::new(Linked { f: self.f.clone(), links: self.links.clone(), value: self.value })
    }
}
