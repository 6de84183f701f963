//! Jobs: what was asked, how far it is, and what came of it.

pub mod selection;
pub mod spec;
