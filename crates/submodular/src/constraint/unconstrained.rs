//! Anything goes: full rankings, and searches that choose the size themselves.

use super::{Constraint, Feasible, Infeasible, Shape};
use crate::Item;
use std::sync::Arc;

/// Every set is an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unconstrained;

impl Constraint for Unconstrained {
    fn shape(&self) -> Shape {
        Shape { matroid: true, ..Shape::default() }
    }
    fn start(&self, _allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        Ok(Box::new(Unconstrained))
    }
    fn restrict(&self, _items: &[Item]) -> Arc<dyn Constraint> {
        Arc::new(Unconstrained)
    }
}

impl Feasible for Unconstrained {
    fn may_add(&self, _e: Item) -> bool {
        true
    }
    fn may_discard(&self, _e: Item) -> bool {
        true
    }
    fn add(&mut self, _e: Item) {}
    fn discard(&mut self, _e: Item) {}
    fn done(&self) -> bool {
        false
    }
}
