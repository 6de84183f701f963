//! A similarity matrix from outside (metric `precomputed`), taken row by row so that it is held once.

use super::Stored;
use super::stored::LINE;
use crate::tile::{Kernel, transpose};
use crate::{Error, Item};

/// Rows and columns of a block that is compared with its mirror image.
const BLOCK: usize = 64;

/// Collects `s_ij`, i a represented row and j an item, symmetric or not, in row-major order.
pub struct MatrixBuilder {
    stored: Stored,
    /// Rows waiting to be turned over together, a cache line of them.
    strip: Vec<f32>,
    pushed: usize,
}

impl MatrixBuilder {
    /// A matrix of `rows` represented rows and `items` items; with as many rows as items, the items represent
    /// themselves.
    ///
    /// # Errors
    /// [`Error::Shape`] beyond what an item index can count, [`Error::Parameter`] when the system refuses the memory.
    pub fn new(kernel: Kernel, rows: usize, items: usize) -> Result<Self, Error> {
        let found = items.max(rows);
        if Item::try_from(found).is_err() {
            return Err(Error::Shape { what: "rows, at most", expected: Item::MAX as usize, found });
        }
        let stored = Stored::zeroed(kernel, rows, items, rows == items)?;
        Ok(Self { stored, strip: Vec::with_capacity(LINE * items), pushed: 0 })
    }

    /// The next row.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`] with row and column.
    pub fn push(&mut self, row: &[f32]) -> Result<(), Error> {
        let (rows, items) = (self.stored.rows, self.stored.items);
        if row.len() != items {
            return Err(Error::Shape { what: "similarities of a row", expected: items, found: row.len() });
        }
        if self.pushed == rows {
            return Err(Error::Shape { what: "rows of similarities", expected: rows, found: rows + 1 });
        }
        if let Some(column) = row.iter().position(|s| !s.is_finite()) {
            return Err(Error::NotFinite { row: self.pushed, column, value: f64::from(row[column]) });
        }
        self.strip.extend_from_slice(row);
        self.pushed += 1;
        if self.pushed.is_multiple_of(LINE) || self.pushed == rows {
            let height = (self.pushed - 1) % LINE + 1;
            let stride = self.stored.stride;
            let target = &mut self.stored.values[self.pushed - height..];
            transpose((&self.strip, items), (target, stride), height, items);
            self.strip.clear();
        }
        Ok(())
    }

    /// The matrix.
    ///
    /// # Errors
    /// [`Error::Shape`] when rows are missing.
    pub fn finish(mut self) -> Result<Stored, Error> {
        if self.pushed != self.stored.rows {
            let (expected, found) = (self.stored.rows, self.pushed);
            return Err(Error::Shape { what: "rows of similarities", expected, found });
        }
        self.stored.symmetric = self.stored.is_square() && is_symmetric(&self.stored);
        Ok(self.stored)
    }
}

/// Block by block, so that a matrix larger than the cache is read twice and not n times.
fn is_symmetric(stored: &Stored) -> bool {
    let n = stored.items;
    let blocks = || (0..n).step_by(BLOCK).map(|from| from..n.min(from + BLOCK));
    blocks().all(|rows| {
        blocks().take_while(|cols| cols.start <= rows.start).all(|cols| {
            cols.clone()
                .all(|j| rows.clone().all(|i| stored.column(j as Item)[i] == stored.column(i as Item)[j]))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_that_is_not_symmetric_keeps_rows_and_items_apart() {
        for (rows, items) in [(1, 1), (3, 5), (16, 16), (17, 2), (40, 33)] {
            let s = |i: usize, j: usize| (i * 100 + j) as f32;
            let mut builder = MatrixBuilder::new(Kernel::detect(), rows, items).unwrap();
            for i in 0..rows {
                builder.push(&(0..items).map(|j| s(i, j)).collect::<Vec<_>>()).unwrap();
            }
            let stored = builder.finish().unwrap();
            for j in 0..items {
                let column: Vec<f32> = (0..rows).map(|i| s(i, j)).collect();
                assert_eq!(stored.column(j as Item), column);
            }
        }
    }

    #[test]
    fn bad_rows_are_refused_with_their_place() {
        let builder = || MatrixBuilder::new(Kernel::detect(), 2, 3).unwrap();
        assert!(matches!(builder().push(&[1.0; 2]), Err(Error::Shape { expected: 3, found: 2, .. })));
        let mut one = builder();
        one.push(&[1.0; 3]).unwrap();
        assert!(matches!(one.push(&[0.0, 0.0, f32::NAN]), Err(Error::NotFinite { row: 1, column: 2, .. })));
        assert!(matches!(one.finish(), Err(Error::Shape { expected: 2, found: 1, .. })));
    }
}
