//! Features of data rows as a matrix whose represented rows are the features and whose items are the data rows.

use super::Stored;
use crate::tile::Kernel;
use crate::{Error, Item};

/// Collects the columns of a matrix `a_fj`, f a feature and j an item. Features and items are never the same things,
/// however many there are of each.
#[derive(Debug)]
pub struct FeaturesBuilder {
    stored: Stored,
    pushed: usize,
}

impl FeaturesBuilder {
    /// For `items` items of `dim` features.
    ///
    /// # Errors
    /// [`Error::Shape`] beyond what an item index can count, [`Error::Parameter`] when the system refuses the memory.
    pub fn new(kernel: Kernel, dim: usize, items: usize) -> Result<Self, Error> {
        let found = items.max(dim);
        if Item::try_from(found).is_err() {
            let what = "items and features, at most";
            return Err(Error::Shape { what, expected: Item::MAX as usize, found });
        }
        Ok(Self { stored: Stored::zeroed(kernel, dim, items, false)?, pushed: 0 })
    }

    /// The features of the next item. After an error the builder is as before.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`]: its row is the item, its column the feature.
    pub fn push(&mut self, features: &[f32]) -> Result<(), Error> {
        let (dim, items, row) = (self.stored.rows, self.stored.items, self.pushed);
        if features.len() != dim {
            return Err(Error::Shape { what: "features", expected: dim, found: features.len() });
        }
        if row == items {
            return Err(Error::Shape { what: "items", expected: items, found: items + 1 });
        }
        if let Some(column) = features.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { row, column, value: f64::from(features[column]) });
        }
        self.stored.values[row * self.stored.stride..][..dim].copy_from_slice(features);
        self.pushed += 1;
        Ok(())
    }

    /// The matrix.
    ///
    /// # Errors
    /// [`Error::Shape`] when items are missing.
    pub fn finish(self) -> Result<Stored, Error> {
        if self.pushed != self.stored.items {
            let (expected, found) = (self.stored.items, self.pushed);
            return Err(Error::Shape { what: "items", expected, found });
        }
        Ok(self.stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::similarity::Similarity;

    #[test]
    fn an_item_is_a_column_and_bad_ones_are_refused_with_their_place() {
        for (dim, items) in [(3, 2), (2, 2), (16, 5), (1, 1)] {
            let feature = |item: usize| (0..dim).map(|f| (item * 100 + f) as f32).collect::<Vec<_>>();
            let mut builder = FeaturesBuilder::new(Kernel::detect(), dim, items).unwrap();
            for item in 0..items {
                let mut bad = feature(item);
                bad[dim - 1] = f32::NAN;
                let refused = builder.push(&bad);
                let place = |row: usize, column: usize| (row, column) == (item, dim - 1);
                assert!(matches!(refused, Err(Error::NotFinite { row, column, .. }) if place(row, column)));
                assert!(matches!(builder.push(&bad[1..]), Err(Error::Shape { what: "features", .. })));
                builder.push(&feature(item)).unwrap();
            }
            assert!(matches!(builder.push(&feature(0)), Err(Error::Shape { what: "items", .. })));
            let stored = builder.finish().unwrap();
            assert_eq!((stored.rows(), stored.items(), stored.square()), (dim, items, false));
            (0..items).for_each(|item| assert_eq!(stored.column(item as Item), feature(item)));
        }
        let missing = FeaturesBuilder::new(Kernel::detect(), 2, 2).unwrap().finish();
        assert!(matches!(missing, Err(Error::Shape { what: "items", expected: 2, found: 0 })));
    }
}
