//! How far from submodular the function was where the search went (Das, Kempe 2011).

use super::Effectiveness;
use crate::Item;
use crate::objective::attribution::Attribution;

/// The submodularity ratio over what was answered already: with `P_t` the first t regions of `ranking`, the smallest
///
/// `sum_{x in P_u \ P_t} (F(P_t + x) - F(P_t)) / (F(P_u) - F(P_t))`
///
/// over all `t < u` for which every F in it is known and the denominator is above 0. A submodular function has at
/// least 1 everywhere; the ratio of all sets is at most this one, so it shows how far F is from submodular and
/// guarantees nothing. `None` where no pair counts. Asks nothing. O(k^2) looks at answers and O(k^3) work.
pub fn submodularity_ratio(f: &Attribution, ranking: &[Item]) -> Option<f64> {
    let (regions, settings) = (f.regions(), f.settings());
    let single = settings.single_effectiveness;
    let value = |set: &[Item], effectiveness: f64| {
        let pair = f.evaluator().known(set)?;
        f.terms(effectiveness, &pair).value(&settings.weights)
    };
    let mut members = Effectiveness::default();
    let mut values = vec![value(&[], 0.0)];
    for &region in ranking {
        members.add(region, regions);
        values.push(value(members.members(), members.value(single)));
    }

    let mut members = Effectiveness::default();
    let mut least: Option<f64> = None;
    for (t, &region) in ranking.iter().enumerate() {
        let Some(base) = values[t] else {
            members.add(region, regions);
            continue;
        };
        let mut sum = 0.0;
        for (&x, reached) in ranking[t..].iter().zip(&values[t + 1..]) {
            let mut set = members.members().to_vec();
            set.insert(set.partition_point(|&i| i < x), x);
            let Some(with) = value(&set, members.with(x, regions, single)) else { break };
            sum += with - base;
            if let Some(gain) = reached.map(|reached| reached - base).filter(|&gain| gain > 0.0) {
                least = Some(least.map_or(sum / gain, |least| least.min(sum / gain)));
            }
        }
        members.add(region, regions);
    }
    least
}
