//! Similarities of which most are 0: only the others are kept, candidate by candidate.

use super::{Epilogue, Similarity};
use crate::{Error, Item};
use std::ops::Range;

/// The pairs that are not 0, 8 bytes each, compressed by column: of each item its represented rows, ascending, and
/// their similarities.
#[derive(Debug)]
pub struct Sparse {
    rows: usize,
    /// Where the entries of each item begin, and the end.
    starts: Vec<usize>,
    at: Vec<u32>,
    values: Vec<f32>,
    same: bool,
    symmetric: bool,
}

/// A row, an item and their similarity.
pub(super) type Entry = (u32, Item, f32);

/// A row and its similarity to the item in whose list it stands.
type Cell = (u32, f32);

impl Sparse {
    /// The matrix of `rows` represented rows and `items` items with these entries (row, item, similarity) in any order,
    /// and 0 for every other pair; with as many rows as items, the items represent themselves. O(m log m) at worst, O(m)
    /// where the entries come row by row or item by item; 20 bytes an entry while it is made.
    ///
    /// # Errors
    /// [`Error::Shape`] beyond what an item index can count; [`Error::Parameter`] for `rows`, `cols` or `similarity`
    /// where an index is out of range or a pair given twice; [`Error::NotFinite`] with row and column.
    pub fn from_entries(
        rows: usize,
        items: usize,
        entries: impl IntoIterator<Item = (u32, Item, f32)>,
    ) -> Result<Self, Error> {
        let found = items.max(rows);
        if Item::try_from(found).is_err() {
            return Err(Error::Shape { what: "rows, at most", expected: Item::MAX as usize, found });
        }
        let entries: Vec<Entry> = entries.into_iter().collect();
        for (place, &(row, item, value)) in entries.iter().enumerate() {
            for (name, index, len) in [("rows", row, rows), ("cols", item, items)] {
                if index as usize >= len {
                    let reason = format!("entry {place} has {index}; expected below {len}");
                    return Err(Error::Parameter { name, reason });
                }
            }
            if !value.is_finite() {
                let (row, column) = (row as usize, item as usize);
                return Err(Error::NotFinite { row, column, value: f64::from(value) });
            }
        }
        let (starts, cells) = by_item(items, || entries.iter().copied());
        drop(entries);
        for (item, ends) in starts.windows(2).enumerate() {
            let twice = cells[ends[0]..ends[1]].windows(2).find(|pair| pair[0].0 == pair[1].0);
            if let Some(&[(row, _), _]) = twice {
                let reason = format!("row {row}, column {item} is given twice");
                return Err(Error::Parameter { name: "similarity", reason });
            }
        }
        Ok(Self::of_cells(rows, starts, cells, rows == items))
    }

    /// From entries in range. Of a pair that is given more than once the largest stays.
    pub(super) fn merged<I: Iterator<Item = Entry>>(
        rows: usize,
        items: usize,
        same: bool,
        entries: impl Fn() -> I,
    ) -> Self {
        let (mut starts, mut cells) = by_item(items, entries);
        let mut kept = 0;
        for item in 0..items {
            let first = kept;
            for place in starts[item]..starts[item + 1] {
                let (row, s) = cells[place];
                if kept > first && cells[kept - 1].0 == row {
                    cells[kept - 1].1 = cells[kept - 1].1.max(s);
                } else {
                    cells[kept] = (row, s);
                    kept += 1;
                }
            }
            // No later item reads the start of this one.
            starts[item] = first;
        }
        starts[items] = kept;
        cells.truncate(kept);
        Self::of_cells(rows, starts, cells, same)
    }

    fn of_cells(rows: usize, starts: Vec<usize>, cells: Vec<Cell>, same: bool) -> Self {
        let at = cells.iter().map(|cell| cell.0).collect();
        let values = cells.iter().map(|cell| cell.1).collect();
        drop(cells);
        let mut sparse = Self { rows, starts, at, values, same, symmetric: false };
        sparse.symmetric = same && sparse.is_its_mirror_image();
        sparse
    }

    /// Column by column, the mirror image of an entry is the next one of its own column that was not met. O(entries).
    fn is_its_mirror_image(&self) -> bool {
        let mut next = self.starts.clone();
        (0..self.items()).all(|item| {
            self.span(item as Item).all(|place| {
                let row = self.at[place] as usize;
                let mirror = next[row];
                next[row] += 1;
                mirror < self.starts[row + 1]
                    && self.at[mirror] as usize == item
                    && self.values[mirror] == self.values[place]
            })
        })
    }

    fn span(&self, item: Item) -> Range<usize> {
        self.starts[item as usize]..self.starts[item as usize + 1]
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether every pair is 0.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// The rows of an item that have an entry, ascending, and their similarities.
    pub fn column(&self, item: Item) -> (&[u32], &[f32]) {
        let span = self.span(item);
        (&self.at[span.clone()], &self.values[span])
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        (size_of_val::<[usize]>(&self.starts)
            + size_of_val::<[u32]>(&self.at)
            + size_of_val::<[f32]>(&self.values)) as u64
    }
}

/// Sorts entries by item and row, by counting: where each item begins, and all cells.
fn by_item<I: Iterator<Item = Entry>>(items: usize, entries: impl Fn() -> I) -> (Vec<usize>, Vec<Cell>) {
    let mut starts = vec![0; items + 1];
    for (_, item, _) in entries() {
        starts[item as usize + 1] += 1;
    }
    for item in 0..items {
        starts[item + 1] += starts[item];
    }
    let mut cells = vec![(0, 0.0); starts[items]];
    let mut next = starts.clone();
    for (row, item, s) in entries() {
        cells[next[item as usize]] = (row, s);
        next[item as usize] += 1;
    }
    for ends in starts.windows(2) {
        let column = &mut cells[ends[0]..ends[1]];
        if !column.is_sorted_by_key(|cell| cell.0) {
            column.sort_unstable_by_key(|cell| cell.0);
        }
    }
    (starts, cells)
}

impl Similarity for Sparse {
    fn rows(&self) -> usize {
        self.rows
    }

    fn items(&self) -> usize {
        self.starts.len() - 1
    }

    fn square(&self) -> bool {
        self.same
    }

    fn symmetric(&self) -> bool {
        self.symmetric
    }

    fn is_stored(&self) -> bool {
        true
    }

    fn entries(&self) -> Option<usize> {
        Some(self.len())
    }

    fn sweep<E: Epilogue>(&self, rows: Range<usize>, cols: &[Item], epilogue: &mut E) {
        for (col, &item) in cols.iter().enumerate() {
            let (mut at, mut values) = self.column(item);
            if rows.start > 0 {
                let before = at.partition_point(|&row| (row as usize) < rows.start);
                (at, values) = (&at[before..], &values[before..]);
            }
            if rows.end < self.rows {
                let inside = at.partition_point(|&row| (row as usize) < rows.end);
                (at, values) = (&at[..inside], &values[..inside]);
            }
            for run in at.chunk_by(|a, b| a + 1 == *b) {
                let (here, after) = values.split_at(run.len());
                epilogue.tile(run[0] as usize, col, here);
                values = after;
            }
        }
    }

    fn restrict(&self, items: &[Item]) -> Self {
        if !self.same {
            let columns = || {
                (0..).zip(items).flat_map(|(new, &old)| {
                    let (at, values) = self.column(old);
                    at.iter().zip(values).map(move |(&row, &s)| (row, new, s))
                })
            };
            return Self::merged(self.rows, items.len(), false, columns);
        }
        let mut new_of_old = vec![None; self.rows];
        (0u32..).zip(items).for_each(|(new, &old)| new_of_old[old as usize] = Some(new));
        let columns = || {
            (0..).zip(items).flat_map(|(new, &old)| {
                let (at, values) = self.column(old);
                let kept = at.iter().zip(values);
                let place = |row: u32| new_of_old[row as usize];
                kept.filter_map(move |(&row, &s)| place(row).map(|row| (row, new, s)))
            })
        };
        Self::merged(items.len(), items.len(), true, columns)
    }
}
