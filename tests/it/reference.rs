//! What a float64 greedy chose on real data (`tests/data/golden`, each file says how it was made), and how a search is
//! held to it.

use crate::engine::{go, inline, plans};
use fewer::dataset::{Format, Options, Source};
use fewer::jobs::selection::Ran;
use fewer::jobs::spec::SelectionSpec;
use serde_json::{Value, json};
use std::path::Path;
use submodular::tile::Kernel;

/// What 32 bits may take of a gain. Two items are as good as each other within what both may lose.
const ROUNDING: f64 = 5e-7;

/// How far apart two greedy courses may end that part where two items are as good as each other.
const ANOTHER_COURSE: f64 = 0.01;

/// How much looser a certificate may be than the least over every prefix: it looks at a few of them.
const LOOSER: f64 = 1.03;

pub(crate) fn golden(name: &str) -> Value {
    let path = Path::new("tests/data/golden").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn debian() -> Source {
    let options = Options { id: Some("name".into()), ..Options::default() };
    Source::open(Path::new("tests/data/debian_2k.parquet"), Format::Parquet, &options, u64::MAX).unwrap()
}

/// The 1,797 digits as rows of 64 grey levels from 0 to 16.
pub(crate) fn digits() -> Vec<Vec<f32>> {
    let file = std::fs::File::open("tests/data/digits_u8.npy").unwrap();
    let levels: Vec<u8> = npyz::NpyFile::new(std::io::BufReader::new(file)).unwrap().into_vec().unwrap();
    levels.chunks(64).map(|row| row.iter().map(|&x| f32::from(x)).collect()).collect()
}

pub(crate) fn vectors(rows: &[Vec<f32>]) -> Source {
    inline(&json!({"kind": "vectors", "vectors": rows}))
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Picks in order. Gains and gaps (by how much a pick was ahead of the runner-up) are none where none were recorded.
#[derive(Clone)]
pub(crate) struct Reference {
    pub(crate) items: Vec<u32>,
    pub(crate) gains: Vec<Option<f64>>,
    pub(crate) gaps: Vec<Option<f64>>,
    pub(crate) value: Option<f64>,
    /// No set of as many items has a larger value.
    pub(crate) upper_bound: Option<f64>,
    /// Cost of each row, where the search goes by gain per cost.
    pub(crate) costs: Option<Vec<f64>>,
    /// A gain below this is a difference of larger numbers, as uncertain as one of this size.
    pub(crate) scale: f64,
}

impl Reference {
    /// Of a run as the files record it.
    pub(crate) fn of(run: &Value) -> Self {
        let list = |name: &str| run[name].as_array().map(|list| list.iter().map(Value::as_f64).collect());
        let either = |one: &str, other: &str| run[if run[one].is_null() { other } else { one }].clone();
        Self {
            items: serde_json::from_value(either("indices", "selection")).unwrap(),
            gains: list("gains").unwrap_or_default(),
            gaps: list("gaps").unwrap_or_default(),
            value: either("objective_value", "f").as_f64(),
            upper_bound: run["certificate"]["upper_bound"].as_f64(),
            costs: None,
            scale: 0.0,
        }
    }

    /// Behind items that were given, of whose gains nothing is known.
    pub(crate) fn after(mut self, given: &[u32]) -> Self {
        self.items.splice(0..0, given.iter().copied());
        self.gains.splice(0..0, given.iter().map(|_| None));
        self
    }

    fn close(&self, found: f64, expected: f64, relative: f64) -> bool {
        (found - expected).abs() <= relative * expected.abs().max(self.scale)
    }

    /// What a pick is chosen by, and how uncertain that is.
    fn rank(&self, item: u32, gain: f64) -> (f64, f64) {
        let cost = self.costs.as_ref().map_or(1.0, |costs| costs[item as usize]);
        (gain / cost, ROUNDING * gain.abs().max(self.scale) / cost)
    }

    /// Holds `search`, which is given the items to include, to every pick, its gain, and the value. Where two items are
    /// as good as each other in 32 bits either may come first; the search is then made again from the reference's own
    /// pick, so that every later one is held, too.
    pub(crate) fn hold(&self, case: &str, search: &dyn Fn(&[u32]) -> Ran) {
        let mut included = 0;
        loop {
            let found = search(&self.items[..included]).result;
            let case = format!("{case}, from {included}");
            let parting = (0..self.items.len()).find(|&t| found.indices.get(t) != Some(&self.items[t]));
            let agreed = parting.unwrap_or(self.items.len());
            assert!(agreed >= included, "{case}");
            for (t, gain) in self.gains[..agreed].iter().enumerate() {
                if let Some(expected) = *gain {
                    let gain = found.gains[t];
                    assert!(self.close(gain, expected, 1e-5), "{case}: pick {t} {gain} {expected}");
                }
            }
            let sum = found.empty_value + found.gains.iter().sum::<f64>();
            assert!((found.objective_value - sum).abs() <= 1e-12 * sum.abs(), "{case}");
            if let Some(value) = self.value {
                let found = found.objective_value;
                let apart = if parting.is_some() { ANOTHER_COURSE } else { 1e-6 };
                assert!((found - value).abs() <= apart * value.abs(), "{case}: {found} {value}");
            }
            let Some(t) = parting else {
                assert_eq!(found.indices.len(), self.items.len(), "{case}");
                return;
            };
            let (best, off) = self.rank(self.items[t], self.gains[t].unwrap());
            let (ours, ours_off) = self.rank(found.indices[t], found.gains[t]);
            let gap = self.gaps.get(t).copied().flatten().unwrap_or(0.0);
            assert!(
                (ours - best).abs().max(gap) <= off + ours_off,
                "{case}: pick {t} is {} at {ours}, not {} at {best}, which is ahead by {gap}",
                found.indices[t],
                self.items[t],
            );
            included = t + 1;
        }
    }
}

/// A job's spec with these items included instead of its own, and this optimizer.
pub(crate) fn spec(body: &Value, included: &[u32], optimizer: &str) -> SelectionSpec {
    let mut body = body.clone();
    if !included.is_empty() {
        body["constraints"]["include"] = json!(included);
    }
    body["optimizer"] = json!({"name": optimizer});
    serde_json::from_value(body).unwrap()
}

/// The reference by these searches, each plan and every kernel of this machine.
pub(crate) fn reproduces(body: &Value, source: &Source, searches: &[&str], reference: &Reference) {
    Kernel::available()
        .into_iter()
        .for_each(|kernel| reproduces_by(kernel, body, source, searches, reference));
}

/// The reference by these searches and each plan.
pub(crate) fn reproduces_by(
    kernel: Kernel,
    body: &Value,
    source: &Source,
    searches: &[&str],
    reference: &Reference,
) {
    let mut threads = [1, 2, 7].into_iter().cycle();
    for (plan, limits) in plans(&spec(body, &[], searches[0]), source, kernel) {
        // One search is enough of the plan that computes everything again.
        let searches = if plan == "blocked_f32" { &searches[..1] } else { searches };
        for &optimizer in searches {
            let threads = threads.next().unwrap();
            let case = format!("{optimizer}, {plan}, {}, {threads} threads", kernel.name());
            reference.hold(&case, &|included| {
                let ran = go(&spec(body, included, optimizer), source, &limits, threads);
                assert_eq!(ran.result.plan, plan);
                if let Some(certificate) = &ran.result.certificate {
                    let (bound, value) = (certificate.upper_bound, ran.result.objective_value);
                    assert!(bound >= value * (1.0 - 1e-12), "{case}: {bound} {value}");
                    // Beside included items it bounds a smaller optimum.
                    if let (Some(least), "greedy", true) =
                        (reference.upper_bound, optimizer, included.is_empty())
                    {
                        let range = least * (1.0 - 1e-6)..=least * LOOSER;
                        assert!(range.contains(&bound), "{case}: {bound} {least}");
                    }
                }
                ran
            });
        }
    }
}

/// What serves a submodular function, the first in every plan.
pub(crate) const SUBMODULAR: [&str; 2] = ["lazy_greedy", "greedy"];
