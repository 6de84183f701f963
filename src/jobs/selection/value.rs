//! Values of an answer that its search does not know: of the function that is meant where another was searched, and of what
//! is owned.

use super::function::Loader;
use super::prepare::Prepared;
use super::run::{Ending, Stop, Watch};
use std::sync::Arc;
use std::time::{Duration, Instant};
use submodular::{Chain, Ctl, Ended, Item, Objective, Outcome};

/// Of which function the value of the answer is.
pub(super) enum Valued {
    /// Of the one that is meant: it was optimised.
    Whole,
    /// Of another, and this one of the one that is meant.
    Other(f64),
    /// Of another: the run was stopped before that of the one that is meant was known.
    Unknown,
}

/// A run that was stopped may take this long to learn the value of what it has.
const LAST_LOOK: Duration = Duration::from_millis(300);

/// The value of an answer that was found in parts, over a sample or over a graph, and that of what is owned, beside which it
/// is.
pub(super) fn value_of_all(
    outcome: &mut Outcome,
    Prepared { function, rule, apart, .. }: &Prepared,
    loader: &mut Loader<'_>,
    ctl: &Ctl,
    watch: &mut dyn Watch,
) -> Result<(Valued, Option<f64>), Stop> {
    let owned = &rule.owned[..];
    let all = [owned, &outcome.selection.items].concat();
    let found = last_look(outcome, ctl, &mut |ctl| {
        let of_owned = match owned {
            [] => None,
            owned => Some(loader.value(function, owned, ctl, watch)?),
        };
        Ok((loader.value(function, &all, ctl, watch)? - of_owned.unwrap_or(0.0), of_owned))
    })?;
    Ok(match found {
        // Items that are well apart in their parts may be singular together.
        Some((value, _)) if apart.is_some() && !value.is_finite() => (Valued::Unknown, None),
        Some((value, of_owned)) => (Valued::Other(value), of_owned),
        None => (Valued::Unknown, None),
    })
}

/// The value of what is owned.
pub(super) fn value_of_owned(
    outcome: &mut Outcome,
    f: &Arc<dyn Objective>,
    owned: &[Item],
    ctl: &Ctl,
) -> Result<Option<f64>, Stop> {
    // Who is asked for values is asked by the search alone.
    let unknown = f.properties().asks && !matches!(outcome.ended, Ended::Finished(_));
    if owned.is_empty() || unknown {
        return Ok(None);
    }
    last_look(outcome, ctl, &mut |ctl| Ok(Chain::new(f, owned).value(ctl)?))
}

/// What a run still wants to know of its answer; none where it is stopped, or was and this takes long. A cancel that comes
/// now is the end of the run too.
fn last_look<T>(
    outcome: &mut Outcome,
    ctl: &Ctl,
    look: &mut dyn FnMut(&Ctl) -> Result<T, Stop>,
) -> Result<Option<T>, Stop> {
    let finished = matches!(outcome.ended, Ended::Finished(_));
    let soon = Ctl::new(Some(Instant::now() + LAST_LOOK));
    match look(if finished { ctl } else { &soon }) {
        Ok(found) => Ok(Some(found)),
        Err(Stop::Halted(Ending::Cancelled)) => {
            outcome.ended = Ended::Cancelled;
            Ok(None)
        }
        Err(Stop::Halted(Ending::Deadline | Ending::Finished | Ending::Asked)) => Ok(None),
        Err(failed) => Err(failed),
    }
}
