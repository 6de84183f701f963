//! Similarities computed from the points whenever they are asked for: O((rows + items) dim) memory, never n x n.

use super::{Epilogue, Points, Similarity};
use crate::tile::{Identity, Sweep};
use crate::{Error, Item};
use std::ops::Range;
use std::sync::Arc;

/// Recomputed similarities or distances. A sweep of R rows and C columns takes 2 R C dim floating-point operations, or
/// 3 R C dim where distances are in between.
#[derive(Debug, Clone)]
pub struct Blocked {
    rows: Arc<Points>,
    items: Arc<Points>,
    /// Which rows are which items, whatever the measure makes of a point and itself.
    identity: Identity,
    same: bool,
}

impl Blocked {
    /// The items represent themselves. Panics for points of [`Metric::EuclideanGap`](super::Metric::EuclideanGap)
    /// without their gap: they come from [`Points::with_gap`].
    pub fn new(points: Arc<Points>) -> Self {
        points.assert_gap();
        Self { rows: Arc::clone(&points), items: points, identity: Identity::Same, same: true }
    }

    /// Other rows are represented. Where row r is an item, `identity[r]` says which, so that its similarity has the
    /// bits it has among the items alone: exactly 1 for a cosine. Panics as [`new`](Self::new) does; only the items
    /// need a gap.
    ///
    /// # Errors
    /// [`Error::Shape`] when dimensions or the length of `identity` differ, [`Error::UnknownItem`],
    /// [`Error::Parameter`] when metric or kernel differ.
    pub fn represented(
        rows: Arc<Points>,
        items: Arc<Points>,
        identity: Option<Vec<Item>>,
    ) -> Result<Self, Error> {
        if rows.dim() != items.dim() {
            return Err(Error::Shape { what: "columns", expected: items.dim(), found: rows.dim() });
        }
        items.assert_gap();
        if rows.measure() != items.measure() || rows.kernel() != items.kernel() {
            let reason = "rows and items must be packed for the same metric and kernel".to_owned();
            return Err(Error::Parameter { name: "metric", reason });
        }
        let identity = match identity {
            None => Identity::Apart,
            Some(of) => {
                if of.len() != rows.len() {
                    return Err(Error::Shape { what: "identities", expected: rows.len(), found: of.len() });
                }
                if let Some(&item) = of.iter().find(|&&item| item as usize >= items.len()) {
                    return Err(Error::UnknownItem { item, len: items.len() });
                }
                Identity::pairs(of.into_iter().zip(0..))
            }
        };
        Ok(Self { rows, items, identity, same: false })
    }

    /// The items.
    pub fn points(&self) -> &Arc<Points> {
        &self.items
    }

    /// The represented rows.
    pub fn represented_points(&self) -> &Arc<Points> {
        &self.rows
    }

    /// Whether the items represent themselves.
    pub fn is_square(&self) -> bool {
        self.same
    }

    /// Which item each row is, where that is known.
    pub(super) fn own_items(&self) -> Vec<Option<Item>> {
        let mut own = vec![None; self.rows.len()];
        for item in 0..self.items.len() as Item {
            self.identity.rows(item).for_each(|row| own[row] = Some(item));
        }
        own
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.items.bytes() + if self.same { 0 } else { self.rows.bytes() }
    }

    /// The similarity of one row and one item.
    pub fn pair(&self, row: usize, item: Item) -> f32 {
        let mut s = [0.0];
        self.sweep(row..row + 1, &[item], &mut crate::tile::Store::new(&mut s, row, 1));
        s[0]
    }
}

impl Similarity for Blocked {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn items(&self) -> usize {
        self.items.len()
    }

    fn square(&self) -> bool {
        self.is_square()
    }

    fn symmetric(&self) -> bool {
        self.same
    }

    fn is_stored(&self) -> bool {
        false
    }

    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E) {
        self.items.kernel().run(Sweep {
            rows: &self.rows.packed,
            items: &self.items.packed,
            ones: if self.items.measure().is_one_at_itself() { &self.identity } else { &Identity::Apart },
            transform: self.items.transform,
            range: rows,
            cols,
            epilogue,
        });
    }

    fn restrict(&self, items: &[Item]) -> Self {
        let part = Arc::new(self.items.restrict(items));
        if self.same {
            return Self::new(part);
        }
        let pairs = (0..)
            .zip(items)
            .flat_map(|(new, &old)| self.identity.rows(old).map(move |row| (new, row as u32)));
        let identity = match self.identity {
            Identity::Pairs(_) => Identity::pairs(pairs),
            Identity::Apart | Identity::Same => Identity::Apart,
        };
        Self { rows: Arc::clone(&self.rows), items: part, identity, same: false }
    }
}
