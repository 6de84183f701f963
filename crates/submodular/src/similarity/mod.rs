//! Similarities, or distances, s_ij of represented rows i and candidate items j, never stored as n x n unless the plan says so.

mod any;
mod blocked;
mod distance;
mod features;
mod gap;
mod matrix;
mod measure;
mod metric;
mod nearest;
mod neighbors;
pub mod plan;
mod points;
mod sparse;
mod stored;

pub use crate::tile::Epilogue;
pub use any::Any;
pub use blocked::Blocked;
pub use distance::Distance;
pub use features::FeaturesBuilder;
pub use matrix::MatrixBuilder;
pub use measure::Measure;
pub use metric::Metric;
pub use points::{Points, PointsBuilder};
pub use sparse::Sparse;
pub use stored::Stored;

use crate::Item;
use std::ops::Range;
use std::sync::Arc;

impl<S: Similarity> Similarity for Arc<S> {
    fn rows(&self) -> usize {
        (**self).rows()
    }
    fn items(&self) -> usize {
        (**self).items()
    }
    fn square(&self) -> bool {
        (**self).square()
    }
    fn symmetric(&self) -> bool {
        (**self).symmetric()
    }
    fn is_stored(&self) -> bool {
        (**self).is_stored()
    }
    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E) {
        (**self).sweep(rows, cols, epilogue);
    }
    fn restrict(&self, items: &[Item]) -> Self {
        Arc::new((**self).restrict(items))
    }
}

/// Static, hot, single-threaded: the objective cuts the work into blocks, spreads them and polls.
///
/// Laws: `s_ij` has the same bits for any range, column list, batch and thread; where rows and items are the same
/// points `s_ij = s_ji`.
pub trait Similarity: Send + Sync + Sized + 'static {
    /// How many rows are represented.
    fn rows(&self) -> usize;
    /// How many items can be chosen.
    fn items(&self) -> usize;
    /// Whether the rows are the items: restricting one then restricts the other.
    fn square(&self) -> bool;
    /// Whether `s_ij = s_ji` for all rows and items; false where they are not the same points.
    fn symmetric(&self) -> bool;
    /// Whether a candidate's similarities lie side by side in memory: then reading one candidate after the other is
    /// fastest, else asking for many together.
    fn is_stored(&self) -> bool;
    /// Where only some pairs are kept, how many: every other one has the similarity 0.
    fn entries(&self) -> Option<usize> {
        None
    }
    /// Hands every similarity of `rows` x `cols` to `epilogue` once, for each column in ascending runs; where only
    /// some pairs are kept, those. A pair that is not handed over has the similarity 0.
    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E);
    /// The similarity of a part: item i of the result is `items[i]`. Where rows and items are the same points, the
    /// rows are restricted too.
    #[must_use]
    fn restrict(&self, items: &[Item]) -> Self;
}
