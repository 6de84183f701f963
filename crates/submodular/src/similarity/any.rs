//! Similarities however they are held, so that an objective is compiled once.

use super::{Blocked, Epilogue, Similarity, Sparse, Stored};
use crate::Item;
use std::ops::Range;

/// One of the ways to hold similarities. Looked at once a sweep, never inside.
#[derive(Debug)]
pub enum Any {
    /// All in memory.
    Stored(Stored),
    /// Recomputed when asked for.
    Blocked(Blocked),
    /// All that are not 0 in memory.
    Sparse(Sparse),
}

macro_rules! held {
    ($self:expr, $s:ident => $value:expr) => {
        match $self {
            Any::Stored($s) => $value,
            Any::Blocked($s) => $value,
            Any::Sparse($s) => $value,
        }
    };
}

impl Similarity for Any {
    fn rows(&self) -> usize {
        held!(self, s => s.rows())
    }

    fn items(&self) -> usize {
        held!(self, s => s.items())
    }

    fn square(&self) -> bool {
        held!(self, s => s.square())
    }

    fn symmetric(&self) -> bool {
        held!(self, s => s.symmetric())
    }

    fn is_stored(&self) -> bool {
        held!(self, s => s.is_stored())
    }

    fn entries(&self) -> Option<usize> {
        held!(self, s => s.entries())
    }

    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E) {
        held!(self, s => s.sweep(rows, cols, epilogue));
    }

    fn restrict(&self, items: &[Item]) -> Self {
        match self {
            Any::Stored(s) => Any::Stored(s.restrict(items)),
            Any::Blocked(s) => Any::Blocked(s.restrict(items)),
            Any::Sparse(s) => Any::Sparse(s.restrict(items)),
        }
    }
}

impl From<Stored> for Any {
    fn from(stored: Stored) -> Self {
        Any::Stored(stored)
    }
}

impl From<Blocked> for Any {
    fn from(blocked: Blocked) -> Self {
        Any::Blocked(blocked)
    }
}

impl From<Sparse> for Any {
    fn from(sparse: Sparse) -> Self {
        Any::Sparse(sparse)
    }
}
