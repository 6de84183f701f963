//! How many items each part gives.

use super::Kept;
use crate::Error;

/// How a size is shared out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Allocation {
    /// In proportion to what parts keep, by largest remainder (ties to the first part): exactly the size, and no part
    /// gives more than it keeps.
    #[default]
    Exact,
    /// INGENIOUS: of n items in all, of which a part keeps p, min(ceil(p/n size), p - 1). The sum may exceed the size, or
    /// fall short where parts are small.
    Ceil,
}

/// Items to draw of each part. O(parts log parts).
///
/// # Errors
/// [`Error::Parameter`] for a size of 0, or more than the parts keep.
pub fn allocate(kept: &[Kept<'_>], size: usize, allocation: Allocation) -> Result<Vec<usize>, Error> {
    let all: usize = kept.iter().map(|part| part.gains.len()).sum();
    if !(1..=all).contains(&size) {
        let reason = format!("{size}; expected 1 to {all}, the number of items that were kept");
        return Err(Error::Parameter { name: "size", reason });
    }
    let times = |part: &Kept<'_>| part.gains.len() as u128 * size as u128;
    if allocation == Allocation::Ceil {
        let n: usize = kept.iter().map(|part| part.size.max(part.gains.len())).sum();
        let most = |part: &Kept<'_>| part.gains.len().saturating_sub(1);
        // At most p, since the size is at most n.
        return Ok(kept
            .iter()
            .map(|part| (times(part).div_ceil(n as u128) as usize).min(most(part)))
            .collect());
    }
    // The quotients are at most what parts keep, and where there is a remainder, less.
    let mut budgets: Vec<usize> = kept.iter().map(|part| (times(part) / all as u128) as usize).collect();
    let left = size - budgets.iter().sum::<usize>();
    let mut order: Vec<usize> = (0..kept.len()).collect();
    order.sort_by_key(|&part| std::cmp::Reverse(times(&kept[part]) % all as u128));
    order.into_iter().take(left).for_each(|part| budgets[part] += 1);
    Ok(budgets)
}
