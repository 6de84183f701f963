//! `sum_{i in S} min_{j in S, j != i} d_ij`, of a growing set.

use super::Regions;
use crate::Item;

/// Members of S in ascending order with the distance of each one's nearest. The sum runs in that order, so its bits
/// are those of the set, whatever the order of adds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effectiveness {
    members: Vec<Item>,
    nearest: Vec<f64>,
}

impl Effectiveness {
    /// S, ascending.
    pub(crate) fn members(&self) -> &[Item] {
        &self.members
    }

    /// S += c. O(|S|).
    pub(crate) fn add(&mut self, c: Item, regions: &Regions) {
        let mut own = f64::INFINITY;
        for (&i, nearest) in self.members.iter().zip(&mut self.nearest) {
            let d = regions.distance(i, c);
            *nearest = nearest.min(d);
            own = own.min(d);
        }
        let at = self.members.partition_point(|&i| i < c);
        self.members.insert(at, c);
        self.nearest.insert(at, own);
    }

    /// Of S; `single` where S is one region.
    pub(crate) fn value(&self, single: f64) -> f64 {
        match self.nearest[..] {
            [] => 0.0,
            [_] => single,
            ref nearest => nearest.iter().sum(),
        }
    }

    /// Of S + c, c not in S. O(|S|).
    pub(crate) fn with(&self, c: Item, regions: &Regions, single: f64) -> f64 {
        if self.members.is_empty() {
            return single;
        }
        let distances = self.members.iter().map(|&i| regions.distance(i, c));
        let own = distances.clone().fold(f64::INFINITY, f64::min);
        let at = self.members.partition_point(|&i| i < c);
        let mut sum = 0.0;
        for (place, (d, nearest)) in distances.zip(&self.nearest).enumerate() {
            if place == at {
                sum += own;
            }
            sum += nearest.min(d);
        }
        if at == self.members.len() { sum + own } else { sum }
    }
}
