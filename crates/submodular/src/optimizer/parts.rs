//! How the items are split into parts.

use crate::{Error, Item, Problem, sampling};

/// How the items are split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// Each item into one of so many parts, independently and uniformly: what the factor of a random split rests on.
    Random(usize),
    /// The part of each item of the ground set: a column, or the clusters of [`kmeans`](crate::kmeans::kmeans).
    Given(Vec<u32>),
}

impl Parts {
    /// The same, where there is a part at all.
    pub(super) fn checked(self) -> Result<Self, Error> {
        if self.count() == 0 {
            let reason = "0 parts: at least 1".to_owned();
            return Err(Error::Parameter { name: "parts", reason });
        }
        Ok(self)
    }

    /// How many parts may hold an item.
    pub(super) fn count(&self) -> usize {
        match self {
            Parts::Random(count) => *count,
            Parts::Given(of) => {
                let mut names = of.clone();
                names.sort_unstable();
                names.dedup();
                names.len()
            }
        }
    }

    /// `items`, which ascend, part by part, each with the number of its part. The same in a resumed run.
    pub(super) fn split(
        &self,
        mut items: Vec<Item>,
        problem: &Problem,
    ) -> Result<Vec<(u64, Vec<Item>)>, Error> {
        let n = problem.objective().len();
        let of = match self {
            Parts::Random(count) => {
                // No step draws from this stream.
                let mut rng = sampling::stream(problem.seed(), u64::MAX);
                (0..n).map(|_| sampling::below(*count as u64, &mut rng)).collect()
            }
            Parts::Given(of) if of.len() == n => of.iter().map(|&part| u64::from(part)).collect::<Vec<_>>(),
            Parts::Given(of) => {
                return Err(Error::Shape { what: "parts of items", expected: n, found: of.len() });
            }
        };
        items.sort_by_key(|&e| of[e as usize]);
        let parts = items.chunk_by(|&a, &b| of[a as usize] == of[b as usize]);
        Ok(parts.map(|part| (of[part[0] as usize], part.to_vec())).collect())
    }
}
