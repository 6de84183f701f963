//! From a dataset of rankings to the profile that is computed with.

use super::selection::{Phase, Progress, Stop, Watch};
use crate::dataset::{DatasetError, Source};
use std::sync::Arc;
use submodular::Ctl;
use submodular::committee::{InvalidRanking, Profile, ProfileBuilder};

/// Voters between two polls.
const VOTERS: usize = 1024;

/// The rankings of a dataset.
pub(super) fn profile(source: &Source, ctl: &Ctl, watch: &mut dyn Watch) -> Result<Arc<Profile>, Stop> {
    let total = source.rows() as u64;
    let mut builder = ProfileBuilder::new(source.items()).reserve(source.rows());
    source.for_each_ranking::<Stop>(&mut |ranking| {
        if ranking.voter.is_multiple_of(VOTERS) {
            ctl.tick(0)?;
            let done = ranking.voter as u64;
            watch.progress(Progress { phase: Phase::Loading, done, total, ..Progress::default() });
        }
        let pushed = builder.push(ranking.items, ranking.ends, ranking.weight);
        pushed.map_err(|invalid| changed(&invalid))
    })?;
    Ok(Arc::new(builder.finish().map_err(|invalid| changed(&invalid))?))
}

/// What was stored has been checked: it is no longer what it was.
fn changed(invalid: &InvalidRanking) -> Stop {
    Stop::Failed(DatasetError::Io(std::io::Error::other(invalid.to_string())).into())
}
