//! What jobs before this one chose, as items of its dataset: by row where both are of the same data, else by id.

use super::error::SelectionError;
use super::resolve::Resolver;
use crate::jobs::archive::Archive;
use crate::jobs::outcome::Items;
use crate::jobs::spec::ConstraintsSpec;
use std::collections::BTreeSet;
use submodular::Item;

/// Bytes of an item in a result while it is read: row, gain, id, and the text that they are read from.
const BYTES_OF_A_RESULT: u64 = 128;

/// Items of all results that are read before a job is admitted, where twice its rows are fewer.
const MOST_ITEMS: u64 = 2_000_000;

/// Items that jobs before this one chose, by what the constraints make of them; each list without repeats.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    include: Vec<Item>,
    exclude: Vec<Item>,
    pub(super) owned: Vec<Item>,
}

/// What one of them chose.
pub(super) struct EarlierItems {
    /// In the order of choice, without those that the dataset does not have.
    pub(super) items: Vec<Item>,
    /// Ids that it does not have.
    absent: Vec<String>,
}

impl Resolver<'_> {
    /// What a job chose, as items of this dataset; none where that is an offence, at `pointer`.
    pub(super) fn chosen_by(
        &mut self,
        archive: &dyn Archive,
        job: &str,
        pointer: &str,
    ) -> Result<Option<EarlierItems>, SelectionError> {
        let items = archive.items_of(job, pointer)?;
        if !self.may_read(items, pointer) {
            return Ok(None);
        }
        let (_, result) = archive.job(job, pointer)?;
        let Some(Items { indices: rows, ids, dataset_digest: digest, .. }) = result.into_items() else {
            self.refuse(pointer, "invalid_parameter", format!("{job} has chosen no items"));
            return Ok(None);
        };
        self.reads_result(rows.len() as u64 * BYTES_OF_A_RESULT);
        if digest.is_empty() {
            let detail = format!("{job} chose items of no dataset: nothing says which of this one they are");
            self.refuse(pointer, "invalid_parameter", detail);
            return Ok(None);
        }
        let n = self.source.items();
        // The same bytes may have been read as another kind of dataset.
        let fit = || rows.iter().all(|&row| (row as usize) < n);
        if self.source.digest().is_some_and(|own| own == digest) && fit() {
            return Ok(Some(EarlierItems { items: rows, absent: vec![] }));
        }
        let whose = match ids {
            None => "that job's dataset",
            Some(ids) => match self.rows_of(&ids)? {
                None => "this dataset",
                Some(found) => {
                    let items = found.iter().copied().flatten().collect();
                    let absent = found.iter().zip(ids).filter(|(row, _)| row.is_none()).map(|(_, id)| id);
                    return Ok(Some(EarlierItems { items, absent: absent.collect() }));
                }
            },
        };
        let detail = format!(
            "{job} chose items of another dataset: those are matched by id, and {whose} has no ids. Upload both with an \
             id column"
        );
        self.refuse(pointer, "invalid_parameter", detail);
        Ok(None)
    }

    /// Whether so many more items of an earlier job may be read; if not, that is an offence, at `pointer`.
    fn may_read(&mut self, items: u64, pointer: &str) -> bool {
        let most = MOST_ITEMS.max(2 * self.source.items() as u64);
        let all = self.reads_items(items);
        if all > most {
            let detail = format!(
                "the jobs up to this one chose {all} items, and at most {most} are read, which is not a setting: name \
                 fewer jobs, or send what they chose as include and exclude"
            );
            self.refuse(pointer, "estimate_exceeds_limit", detail);
        }
        all <= most
    }

    /// Jobs that are named twice in one list: each of them is an offence.
    pub(super) fn refuse_repeated(&mut self, jobs: &[String], pointer: &str) {
        let mut seen = BTreeSet::new();
        for (position, job) in jobs.iter().enumerate().filter(|(_, job)| !seen.insert(job.as_str())) {
            self.refuse(format!("{pointer}/{position}"), "duplicate_item", format!("{job} is named twice"));
        }
    }

    /// The items of the jobs that constraints name. An item that has to be included must be there; others may be gone.
    pub(super) fn earlier(
        &mut self,
        spec: &ConstraintsSpec,
        archive: &dyn Archive,
    ) -> Result<Earlier, SelectionError> {
        let include = self.union(&spec.include_jobs, "include_jobs", true, archive)?;
        let exclude = self.union(&spec.exclude_jobs, "exclude_jobs", false, archive)?;
        let owned = self.union(&spec.discount_jobs, "discount_jobs", false, archive)?;
        Ok(Earlier { include, exclude, owned })
    }

    fn union(
        &mut self,
        jobs: &[String],
        name: &str,
        all: bool,
        archive: &dyn Archive,
    ) -> Result<Vec<Item>, SelectionError> {
        self.refuse_repeated(jobs, &format!("/constraints/{name}"));
        let mut seen = vec![false; if jobs.is_empty() { 0 } else { self.source.items() }];
        let mut union = vec![];
        for (position, job) in jobs.iter().enumerate() {
            let pointer = format!("/constraints/{name}/{position}");
            let Some(EarlierItems { items, absent }) = self.chosen_by(archive, job, &pointer)? else {
                continue;
            };
            if let (true, [first, more @ ..]) = (all, &absent[..]) {
                let detail = format!(
                    "{job} chose items that this dataset does not have: id {first:?}, and {} more",
                    more.len()
                );
                self.refuse(pointer, "unknown_item", detail);
            }
            union.extend(items.into_iter().filter(|&e| !std::mem::replace(&mut seen[e as usize], true)));
        }
        Ok(union)
    }
}

impl Earlier {
    /// What is included and what is excluded in all: the items that are listed, then those of jobs. An item that is both
    /// by a job is an offence.
    pub(super) fn join(
        &self,
        resolver: &mut Resolver<'_>,
        mut include: Vec<Item>,
        mut exclude: Vec<Item>,
    ) -> (Vec<Item>, Vec<Item>) {
        if self.include.is_empty() && self.exclude.is_empty() && self.owned.is_empty() {
            return (include, exclude);
        }
        let n = resolver.source.items();
        let mark = |items: &[Item]| {
            let mut marks = vec![false; n];
            items.iter().for_each(|&e| marks[e as usize] = true);
            marks
        };
        let (mut included, mut banned) = (mark(&include), mark(&exclude));
        let mut both = |items: &[Item], marks: &[bool], name: &str| {
            if let Some(e) = items.iter().find(|&&e| marks[e as usize]) {
                let detail = format!("row {e} is both included and excluded");
                resolver.refuse(format!("/constraints/{name}"), "duplicate_item", detail);
            }
        };
        both(&self.exclude, &included, "exclude_jobs");
        both(&self.owned, &included, "discount_jobs");
        both(&self.include, &mark(&[&exclude[..], &self.exclude, &self.owned].concat()), "include_jobs");
        let add = |list: &mut Vec<Item>, marks: &mut [bool], items: &[Item]| {
            list.extend(items.iter().filter(|&&e| !std::mem::replace(&mut marks[e as usize], true)));
        };
        add(&mut include, &mut included, &self.include);
        add(&mut exclude, &mut banned, &self.exclude);
        add(&mut exclude, &mut banned, &self.owned);
        (include, exclude)
    }
}
