//! Who a bias works against.

use super::simulation::{Purpose, draws};
use crate::sampling::without_replacement;
use crate::{Error, Item};

/// Who is disadvantaged.
#[derive(Debug, Clone, PartialEq)]
pub enum Disadvantaged {
    /// This share of the candidates, to the nearest whole number: a set drawn uniformly.
    Share(f64),
    /// These candidates.
    Candidates(Vec<Item>),
}

impl Disadvantaged {
    /// How many of `candidates` are disadvantaged.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless each group gets at least one candidate, [`Error::UnknownItem`].
    pub fn count(&self, candidates: usize) -> Result<usize, Error> {
        let refuse = |reason| Err(Error::Parameter { name: "disadvantaged", reason });
        let count = match self {
            Disadvantaged::Share(share) if !(0.0..=1.0).contains(share) => {
                return refuse(format!("the share {share} is not between 0 and 1"));
            }
            Disadvantaged::Share(share) => (share * candidates as f64).round() as usize,
            Disadvantaged::Candidates(listed) => {
                if let Some(&item) = listed.iter().find(|&&c| c as usize >= candidates) {
                    return Err(Error::UnknownItem { item, len: candidates });
                }
                let mut sorted = listed.clone();
                sorted.sort_unstable();
                if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                    return refuse(format!("candidate {} is named twice", twice[0]));
                }
                listed.len()
            }
        };
        if count == 0 || count >= candidates {
            return refuse(format!(
                "{count} of {candidates} candidates; there must be at least one disadvantaged and one that is not"
            ));
        }
        Ok(count)
    }

    /// By candidate, in this repetition.
    ///
    /// # Errors
    /// As [`count`](Self::count).
    pub fn draw(&self, candidates: usize, seed: u64, repetition: u64) -> Result<Vec<bool>, Error> {
        let count = self.count(candidates)?;
        let drawn = match self {
            Disadvantaged::Share(_) => {
                let all = (0..).take(candidates).collect();
                without_replacement(all, count, &mut draws(seed, Purpose::Groups, repetition, 0))
            }
            Disadvantaged::Candidates(listed) => listed.clone(),
        };
        let mut of = vec![false; candidates];
        drawn.iter().for_each(|&c| of[c as usize] = true);
        Ok(of)
    }
}
