//! The engine alone: a spec and a source, no service.

use fewer::dataset::{Options, Source};
use fewer::jobs::Nothing;
use fewer::jobs::selection::{Ending, Limits, Progress, Ran, SelectionError, Watch, prepare, run};
use fewer::jobs::spec::SelectionSpec;
use serde_json::Value;
use submodular::Ctl;
use submodular::tile::Kernel;

struct Quiet;
impl Watch for Quiet {
    fn progress(&mut self, _: Progress) {}
    fn save(&mut self, _: &dyn Fn() -> Result<Vec<u8>, SelectionError>) {}
}

pub(crate) fn inline(body: &Value) -> Source {
    Source::inline(body.to_string().as_bytes(), &Options::default()).unwrap()
}

/// Every plan there is for the job: where similarities are stored, another computes them again under a memory limit just
/// below what storing takes.
pub(crate) fn plans(spec: &SelectionSpec, source: &Source, kernel: Kernel) -> Vec<(String, Limits)> {
    let limits = Limits { memory_bytes: u64::MAX, max_flops: f64::INFINITY, threads: 2, kernel };
    let report = |limits: &Limits| {
        let prepared = prepare(spec, source, &Nothing, false, limits).unwrap();
        (prepared.report().plan.clone(), prepared.report().memory_bytes)
    };
    let (plan, bytes) = report(&limits);
    let mut plans = vec![(plan, limits)];
    if plans[0].0 == "stored_f32" {
        let limits = Limits { memory_bytes: bytes - 1, ..limits };
        plans.push((report(&limits).0, limits));
    }
    plans
}

pub(crate) fn go(spec: &SelectionSpec, source: &Source, limits: &Limits, threads: usize) -> Ran {
    let ran = go_under(spec, source, limits, threads, &Ctl::default());
    assert_eq!(ran.ending, Ending::Finished);
    ran
}

/// However it ends.
pub(crate) fn go_under(
    spec: &SelectionSpec,
    source: &Source,
    limits: &Limits,
    threads: usize,
    ctl: &Ctl,
) -> Ran {
    let prepared = prepare(spec, source, &Nothing, false, limits).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| run(prepared, source, "sha256:0", None, None, ctl, &mut Quiet)).unwrap()
}
