//! What the search asks of the distances: the farthest pair, the smallest distance of a few items, and the rule that
//! keeps items apart.

use crate::constraint::{Constraint, Feasible, Infeasible, Shape};
use crate::similarity::{Epilogue, Similarity};
use crate::{Ctl, Halt, Item};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows and candidates of one task: a few milliseconds of work.
const ROWS: usize = 1024;
const COLS: usize = 256;

/// Two items, the lower index first, and their distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) distance: f32,
    pub(super) items: (Item, Item),
}

/// Which of two distances to keep.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Extreme {
    Largest,
    Smallest,
}

impl Extreme {
    /// Ties to the lowest indices, so that blocks may come in any order.
    pub(super) fn of(self, a: Option<Pair>, b: Option<Pair>) -> Option<Pair> {
        let (Some(x), Some(y)) = (a, b) else { return a.or(b) };
        let order = match self {
            Extreme::Largest => y.distance.total_cmp(&x.distance),
            Extreme::Smallest => x.distance.total_cmp(&y.distance),
        };
        if order.then(x.items.cmp(&y.items)).is_le() { a } else { b }
    }
}

/// Keeps the extreme pair of a block; rows that are not allowed do not count.
struct Scan<'a> {
    cols: &'a [Item],
    allowed: &'a [bool],
    extreme: Extreme,
    found: Option<Pair>,
}

impl Epilogue for Scan<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, col: usize, s: &[f32]) {
        let item = self.cols[col];
        for (&distance, row) in s.iter().zip(row..) {
            let behind = self.found.is_some_and(|found| match self.extreme {
                Extreme::Largest => distance < found.distance,
                Extreme::Smallest => distance > found.distance,
            });
            // Each pair once.
            if behind || row <= item as usize || !self.allowed[row] {
                continue;
            }
            let pair = Pair { distance, items: (item, row as Item) };
            self.found = self.extreme.of(self.found, Some(pair));
        }
    }
}

/// The extreme pair of an item of `cols`, ascending, and an allowed item of higher index. O(rows |cols|) distances.
pub(super) fn extreme_pair<S: Similarity>(
    distance: &S,
    cols: &[Item],
    allowed: &[bool],
    extreme: Extreme,
    ctl: &Ctl,
) -> Result<Option<Pair>, Halt> {
    let n = distance.rows();
    let first = cols.first().map_or(n, |&e| e as usize + 1);
    let blocks: Vec<(usize, &[Item])> =
        (first..n).step_by(ROWS).flat_map(|row| cols.chunks(COLS).map(move |cols| (row, cols))).collect();
    let found = blocks.into_par_iter().map(|(row, cols)| {
        let rows = row..n.min(row + ROWS);
        ctl.tick((rows.len() * cols.len()) as u64)?;
        let mut scan = Scan { cols, allowed, extreme, found: None };
        distance.sweep(rows, cols, &mut scan);
        Ok(scan.found)
    });
    found.try_reduce(|| None, |a, b| Ok(extreme.of(a, b)))
}

/// The smallest distance of two of `items`; none where there are fewer. O(|items|^2) distances.
pub(super) fn smallest<S: Similarity>(distance: &S, items: &[Item], ctl: &Ctl) -> Result<Option<f64>, Halt> {
    let part = distance.restrict(items);
    let all: Vec<Item> = (0..).take(items.len()).collect();
    let pair = extreme_pair(&part, &all, &vec![true; items.len()], Extreme::Smallest, ctl)?;
    Ok(pair.map(|pair| f64::from(pair.distance)))
}

/// Lowers each row's distance to that of an item.
struct Nearer<'a>(&'a mut [f32]);

impl Epilogue for Nearer<'_> {
    #[inline(always)]
    fn tile(&mut self, row: usize, _col: usize, s: &[f32]) {
        for (nearest, &distance) in self.0[row..][..s.len()].iter_mut().zip(s) {
            *nearest = if distance < *nearest { distance } else { *nearest };
        }
    }
}

/// Distance of every row to the nearest of `items`, infinite where there are none. O(rows |items|) distances.
pub(super) fn nearest<S: Similarity>(distance: &S, items: &[Item], ctl: &Ctl) -> Result<Vec<f32>, Halt> {
    let mut nearest = vec![f32::INFINITY; distance.rows()];
    for &e in items {
        ctl.tick(nearest.len() as u64)?;
        distance.sweep(0..distance.rows(), &[e], &mut Nearer(&mut nearest));
    }
    Ok(nearest)
}

/// At most k items, each at least `threshold` from those before it.
pub(super) struct Apart<S> {
    pub(super) k: usize,
    pub(super) threshold: f64,
    pub(super) distance: Arc<S>,
}

impl<S: Similarity> Constraint for Apart<S> {
    fn shape(&self) -> Shape {
        Shape { k: Some(self.k), ..Shape::default() }
    }
    fn start(&self, _allowed: &[Item]) -> Result<Box<dyn Feasible>, Infeasible> {
        let Self { k, threshold, distance } = self;
        Ok(Box::new(Room {
            left: *k,
            threshold: *threshold,
            distance: distance.clone(),
            nearest: vec![f32::INFINITY; distance.rows()],
        }))
    }
    fn restrict(&self, items: &[Item]) -> Arc<dyn Constraint> {
        let distance = self.distance.restrict(items);
        Arc::new(Self { k: self.k, threshold: self.threshold, distance })
    }
    /// Not asked for: a bound on f alone would be taken for one on what is maximised.
    fn bound(&self, _base: &[Item], _gains: &mut Vec<(f64, Item)>) -> f64 {
        f64::INFINITY
    }
}

struct Room<S> {
    left: usize,
    threshold: f64,
    distance: Arc<S>,
    nearest: Vec<f32>,
}

impl<S: Similarity> Feasible for Room<S> {
    fn may_add(&self, e: Item) -> bool {
        self.left > 0 && f64::from(self.nearest[e as usize]) >= self.threshold
    }
    fn may_discard(&self, _e: Item) -> bool {
        true
    }
    fn add(&mut self, e: Item) {
        self.left = self.left.saturating_sub(1);
        // One column: a block of work.
        self.distance.sweep(0..self.nearest.len(), &[e], &mut Nearer(&mut self.nearest));
    }
    fn discard(&mut self, _e: Item) {}
    fn done(&self) -> bool {
        self.left == 0
    }
}
