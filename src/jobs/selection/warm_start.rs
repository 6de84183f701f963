//! An earlier answer to begin with: looked up, chosen among several where its items have to tell labels, and reported.

use super::error::SelectionError;
use super::function::Loader;
use super::resolve::{Resolver, Rule, labels};
use super::result;
use super::run::{Stop, Watch};
use crate::dataset::{DatasetError, Kind};
use crate::jobs::archive::Archive;
use crate::jobs::spec::{LabelsSpec, NearestWarmStartSpec, OneWarmStartSpec, WarmStartSpec};
use std::collections::{BTreeMap, BTreeSet};
use submodular::compare::transfer::{Labelled, Transfer, by_chosen};
use submodular::{Ctl, Item};

/// Operations of a coordinate of a distance.
const FLOPS_OF_A_DIFFERENCE: f64 = 3.0;

/// Earlier answers, of which a run begins with one.
pub(super) struct WarmStart {
    tolerance: f64,
    /// Jobs and what they chose of this dataset.
    offers: Vec<(String, Vec<Item>)>,
    /// How one of several is chosen.
    nearest: Option<Nearest>,
}

/// What their items have to tell.
struct Nearest {
    /// Items with labels, ascending.
    items: Vec<Item>,
    /// The number of the label of each.
    labels: Vec<u32>,
    neighbors: usize,
}

/// The answer that a run begins with.
pub(super) struct Begun {
    /// Its job; none where no answer tells more than chance.
    job: Option<String>,
    /// Its items that may be chosen.
    pub(super) kept: Vec<Item>,
    transfer: Option<Transfer>,
}

impl WarmStart {
    /// Looks the jobs up, and the labels. Offences are collected.
    pub(super) fn new(
        spec: &WarmStartSpec,
        resolver: &mut Resolver<'_>,
        archive: &dyn Archive,
    ) -> Result<Self, SelectionError> {
        let tolerance = spec.tolerance();
        if !(0.0..1.0).contains(&tolerance) {
            let detail = format!("{tolerance}; from 0 to 1, without 1");
            resolver.refuse("/warm_start/tolerance", "invalid_parameter", detail);
        }
        let mut offers = vec![];
        let mut offer = |resolver: &mut Resolver<'_>, job: &str, pointer: &str| {
            let found = resolver.chosen_by(archive, job, pointer)?;
            offers.push((job.to_owned(), found.map_or(vec![], |found| found.items)));
            Ok::<_, SelectionError>(())
        };
        let nearest = match spec {
            WarmStartSpec::One(OneWarmStartSpec { job, .. }) => {
                offer(resolver, job, "/warm_start/job")?;
                None
            }
            WarmStartSpec::Nearest(NearestWarmStartSpec { jobs, labels, neighbors, .. }) => {
                resolver.refuse_repeated(jobs, "/warm_start/jobs");
                for (position, job) in jobs.iter().enumerate() {
                    offer(resolver, job, &format!("/warm_start/jobs/{position}"))?;
                }
                Some(Nearest::new(labels, *neighbors, resolver)?)
            }
        };
        if let Some(nearest) = &nearest {
            nearest.refuse_the_mute(&offers, resolver);
        }
        Ok(Self { tolerance, offers, nearest })
    }

    /// Bytes of the offers, and of the vectors while one of several is chosen by so many threads.
    pub(super) fn bytes(&self, dim: usize, threads: usize) -> (u64, u64) {
        let sizes = || self.offers.iter().map(|(_, items)| items.len());
        let (offered, largest) = (sizes().sum::<usize>(), sizes().max().unwrap_or(0));
        let labelled = self.nearest.as_ref().map_or(0, |nearest| nearest.items.len());
        // Each thread sorts the distances of one item to those that vote.
        let sorted = if labelled == 0 { 0 } else { (largest as u64).saturating_mul(16 * threads as u64) };
        let vectors = (labelled as u64).saturating_mul(4 * dim as u64).saturating_add(sorted);
        ((offered as u64 + 2 * labelled as u64) * 4, vectors)
    }

    /// Floating-point operations of the choice.
    pub(super) fn flops(&self, dim: usize) -> f64 {
        let Some(nearest) = &self.nearest else { return 0.0 };
        let pairs = self.offers.iter().map(|(_, items)| items.len() as f64 * nearest.items.len() as f64);
        FLOPS_OF_A_DIFFERENCE * dim as f64 * pairs.sum::<f64>()
    }

    /// The answer to begin with. `rule` says what may be chosen of it.
    pub(super) fn begin(
        &self,
        rule: &Rule,
        loader: &Loader<'_>,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Begun, Stop> {
        let (best, transfer) = match &self.nearest {
            None => (Some(0), None),
            Some(nearest) => {
                let transfer = nearest.compare(&self.offers, loader, ctl, watch)?;
                (transfer.best, Some(transfer))
            }
        };
        let Some((job, items)) = best.and_then(|best| self.offers.get(best)) else {
            return Ok(Begun { job: None, kept: vec![], transfer });
        };
        let settled: BTreeSet<Item> = rule.exclude.iter().chain(&rule.include).copied().collect();
        let kept = items.iter().copied().filter(|e| !settled.contains(e)).collect();
        Ok(Begun { job: Some(job.clone()), kept, transfer })
    }

    /// What became of it, for an answer of these items.
    pub(super) fn report(&self, begun: Begun, chosen: &[Item]) -> result::WarmStart {
        let chosen: BTreeSet<Item> = chosen.iter().copied().collect();
        let jobs = || self.offers.iter().map(|(job, _)| job.clone());
        result::WarmStart {
            job: begun.job,
            offered: begun.kept.len() as u64,
            kept: begun.kept.iter().filter(|e| chosen.contains(e)).count() as u64,
            tolerance: self.tolerance,
            chance: begun.transfer.as_ref().map(|transfer| transfer.chance),
            accuracies: begun.transfer.map(|transfer| {
                let pairs = jobs().zip(transfer.accuracies);
                pairs.map(|(job, accuracy)| result::TransferAccuracy { job, accuracy }).collect()
            }),
        }
    }
}

impl Nearest {
    fn new(spec: &LabelsSpec, neighbors: u64, resolver: &mut Resolver<'_>) -> Result<Self, DatasetError> {
        if resolver.source.kind() != Kind::Vectors || resolver.source.is_bare() {
            let detail =
                "neighbours are nearest by vectors: name one job, or select from a dataset of vectors";
            resolver.refuse("/warm_start/by", "invalid_parameter", detail);
        }
        let found: Vec<Option<String>> = match spec {
            LabelsSpec::Values(values) => values.clone(),
            LabelsSpec::Column(name) if resolver.has_column(name, "/warm_start/labels/column") => {
                labels(resolver.column(name, "/warm_start/labels/column")?)
            }
            LabelsSpec::Column(_) => vec![None; resolver.source.items()],
        };
        if found.len() != resolver.source.items() {
            let detail = format!("{} labels for {} rows", found.len(), resolver.source.items());
            resolver.refuse("/warm_start/labels/values", "shape_mismatch", detail);
        }
        let names: BTreeSet<&str> = found.iter().flatten().map(String::as_str).collect();
        let number: BTreeMap<&str, u32> = names.into_iter().zip(0..).collect();
        let of = (0..).zip(&found).filter_map(|(item, label)| Some((item, *number.get(label.as_deref()?)?)));
        let (items, labels) = of.unzip();
        Ok(Self { items, labels, neighbors: usize::try_from(neighbors).unwrap_or(usize::MAX) })
    }

    /// The places, among the items with labels, of those of `chosen` that have one.
    fn places(&self, chosen: &[Item]) -> Vec<Item> {
        chosen.iter().filter_map(|e| self.items.binary_search(e).ok()).map(|place| place as Item).collect()
    }

    /// A job that has nothing to vote with, or nothing to vote on.
    fn refuse_the_mute(&self, offers: &[(String, Vec<Item>)], resolver: &mut Resolver<'_>) {
        if !resolver.errors.is_empty() {
            return;
        }
        for (position, (job, items)) in offers.iter().enumerate() {
            let voting = self.places(items).len();
            let detail = match (voting, self.items.len() - voting) {
                (0, _) => format!("nothing that {job} chose has a label here: it cannot vote"),
                (_, 0) => {
                    format!("{job} chose everything that has a label here: there is nothing to vote on")
                }
                _ => continue,
            };
            resolver.refuse(format!("/warm_start/jobs/{position}"), "invalid_parameter", detail);
        }
    }

    fn compare(
        &self,
        offers: &[(String, Vec<Item>)],
        loader: &Loader<'_>,
        ctl: &Ctl,
        watch: &mut dyn Watch,
    ) -> Result<Transfer, Stop> {
        let dim = loader.source().dim();
        let features = loader.vectors(&self.items, ctl, watch)?;
        let labelled = Labelled::new(&features, dim, &self.labels)?;
        let chosen: Vec<Vec<Item>> = offers.iter().map(|(_, items)| self.places(items)).collect();
        let chosen: Vec<&[Item]> = chosen.iter().map(Vec::as_slice).collect();
        let scored: Vec<Item> = (0..).take(self.items.len()).collect();
        Ok(by_chosen(&labelled, &chosen, &scored, self.neighbors, ctl)?)
    }
}
