//! Vectors, validated and packed for the kernels.

use super::Measure;
use crate::tile::{Kernel, Packed, Transform};
use crate::{Error, Item};

/// `len` vectors of `dim` finite coordinates, normalised where only directions count. Immutable: share it in an `Arc`.
#[derive(Debug)]
pub struct Points {
    pub(super) measure: Measure,
    pub(super) transform: Transform,
    pub(super) packed: Packed,
}

impl Points {
    /// Packs `n` x `d` coordinates in row-major order. O(n d).
    ///
    /// # Errors
    /// Those of [`PointsBuilder`].
    pub fn from_rows(
        kernel: Kernel,
        measure: impl Into<Measure>,
        n: usize,
        d: usize,
        rows: &[f32],
    ) -> Result<Self, Error> {
        let mut builder = PointsBuilder::new(kernel, measure, n, d)?;
        let expected = n.saturating_mul(d);
        if rows.len() != expected {
            return Err(Error::Shape { what: "coordinates", expected, found: rows.len() });
        }
        for row in rows.chunks_exact(d) {
            builder.push(row)?;
        }
        builder.finish()
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Coordinates of a vector.
    pub fn dim(&self) -> usize {
        self.packed.dim()
    }

    /// How two of them become a number.
    pub fn measure(&self) -> Measure {
        self.measure
    }

    /// What they are packed for.
    pub fn kernel(&self) -> Kernel {
        self.packed.kernel()
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.packed.bytes()
    }

    /// The coordinates of one vector as they are multiplied: normalised where only directions count.
    pub fn row(&self, row: usize) -> impl Iterator<Item = f32> + '_ {
        self.packed.row(row)
    }

    /// All vectors of several, one after the other, bit for bit. They must be packed for the same measure and kernel.
    ///
    /// # Errors
    /// [`Error::Shape`] for none or for other dimensions, [`Error::Parameter`] for another measure or kernel.
    pub fn concat(parts: &[std::sync::Arc<Self>]) -> Result<Self, Error> {
        let Some(first) = parts.first() else {
            return Err(Error::Shape { what: "parts, at least", expected: 1, found: 0 });
        };
        let rows = parts.iter().map(|part| part.len()).sum();
        let mut packed = Packed::zeroed(first.kernel(), rows, first.dim())?;
        let mut row = 0;
        for part in parts {
            if part.dim() != first.dim() {
                return Err(Error::Shape { what: "columns", expected: first.dim(), found: part.dim() });
            }
            if part.measure != first.measure || part.kernel() != first.kernel() {
                let reason = "parts must be packed for the same measure and kernel".to_owned();
                return Err(Error::Parameter { name: "metric", reason });
            }
            for of in 0..part.len() {
                packed.write(row, part.row(of));
                row += 1;
            }
        }
        Ok(Self { measure: first.measure, transform: first.transform, packed })
    }

    /// A part: vector i of the result is `items[i]`, bit for bit. Panics when there is no such vector.
    #[must_use]
    pub fn restrict(&self, items: &[Item]) -> Self {
        Self { packed: self.packed.select(items), ..*self }
    }
}

/// Takes vectors one by one, so that the packed copy is the only one in memory.
#[derive(Debug)]
pub struct PointsBuilder {
    measure: Measure,
    transform: Transform,
    packed: Packed,
    rows: usize,
    longest: (f64, usize),
}

impl PointsBuilder {
    /// For `n` vectors of `d` coordinates. Memory is used as vectors arrive.
    ///
    /// # Errors
    /// [`Error::Shape`] when `d` is 0 or `n` is more than an [`Item`] can count, [`Error::Parameter`] when the metric's
    /// gamma is not positive, the processor lacks the kernel, or the system refuses the memory.
    pub fn new(kernel: Kernel, measure: impl Into<Measure>, n: usize, d: usize) -> Result<Self, Error> {
        if d == 0 {
            return Err(Error::Shape { what: "columns", expected: 1, found: 0 });
        }
        if Item::try_from(n).is_err() {
            return Err(Error::Shape { what: "rows, at most", expected: Item::MAX as usize, found: n });
        }
        let measure = measure.into();
        let transform = measure.transform(d)?;
        Ok(Self { measure, transform, packed: Packed::zeroed(kernel, n, d)?, rows: 0, longest: (0.0, 0) })
    }

    /// Takes the next vector. After an error the builder is as before.
    ///
    /// # Errors
    /// [`Error::Shape`] for a vector of the wrong length or one too many, [`Error::NotFinite`] with row and column,
    /// [`Error::ZeroRow`] where only directions count.
    pub fn push(&mut self, vector: &[f32]) -> Result<(), Error> {
        let row = self.rows;
        if vector.len() != self.packed.dim() {
            return Err(Error::Shape { what: "columns", expected: self.packed.dim(), found: vector.len() });
        }
        if row == self.packed.len() {
            return Err(Error::Shape { what: "rows", expected: row, found: row + 1 });
        }
        if let Some(column) = vector.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { row, column, value: f64::from(vector[column]) });
        }
        // In f64 no square of an f32 overflows or vanishes.
        let norm = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if self.measure.is_of_directions() {
            if norm == 0.0 {
                return Err(Error::ZeroRow { row });
            }
            self.packed.write(row, vector.iter().map(|&x| (f64::from(x) / norm) as f32));
        } else {
            self.packed.write(row, vector.iter().copied());
        }
        if norm > self.longest.0 {
            self.longest = (norm, row);
        }
        self.rows += 1;
        Ok(())
    }

    /// The points, once all vectors are in.
    ///
    /// # Errors
    /// [`Error::Shape`] when vectors are missing, [`Error::Parameter`] when products or distances would overflow.
    pub fn finish(self) -> Result<Points, Error> {
        if self.rows != self.packed.len() {
            return Err(Error::Shape { what: "rows", expected: self.packed.len(), found: self.rows });
        }
        let (norm, row) = self.longest;
        self.measure.check_range(norm, row)?;
        Ok(Points { measure: self.measure, transform: self.transform, packed: self.packed })
    }
}
