//! Selections as sets of numbers that mean the same in all of them: rows where all are of one dataset, else ids.

use super::{Chosen, CompareError, Compared, MOST_ITEMS};
use crate::dataset::{DatasetError, DatasetRecord, Ids};
use crate::jobs::outcome::Items;
use crate::jobs::record::{JobKey, JobSpec, ResultSummary};
use crate::jobs::selection::{FieldError, SelectionError};
use crate::jobs::service::JobService;
use crate::jobs::spec::ItemRef;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Offences that are kept: one more than a caller is told, who so learns of more.
const MOST_OFFENCES: usize = 101;

/// What the numbers of the sets stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Rows of one dataset, or of none but the universe.
    Row,
    /// Ids, numbered in order of appearance.
    Id,
}

/// The selections, each in ascending order.
pub(super) struct Sets {
    pub(super) by: By,
    pub(super) sets: Vec<Vec<u64>>,
}

/// A selection with what is known of its items.
pub(super) struct Member<'a> {
    pub(super) pointer: &'a str,
    what: What<'a>,
}

enum What<'a> {
    Job(Box<Selected>),
    Items(&'a [ItemRef]),
}

/// What a job has selected.
pub(super) struct Selected {
    pub(super) id: String,
    pub(super) dataset: String,
    pub(super) spec: JobSpec,
    pub(super) items: Items,
}

impl Member<'_> {
    pub(super) fn job(&self) -> Option<&Selected> {
        if let What::Job(job) = &self.what { Some(job) } else { None }
    }

    fn has_ids_listed(&self) -> bool {
        matches!(self.what, What::Items(items) if items.iter().any(|item| matches!(item, ItemRef::Id(_))))
    }
}

impl JobService {
    /// The selections with their jobs' results; of a draw what was drawn.
    pub(super) fn members<'a>(
        &self,
        tenant: &str,
        selections: &'a [Compared],
    ) -> Result<Vec<Member<'a>>, CompareError> {
        let mut items = 0;
        let member = |Compared { pointer, chosen }: &'a Compared| {
            let (what, place) = match chosen {
                Chosen::Job(id) => {
                    let place = format!("{pointer}/job");
                    let job = JobKey::new(tenant, id);
                    let at = |error| CompareError::Job { pointer: place.clone(), error: Box::new(error) };
                    let record = self.get(&job).map_err(at)?.record;
                    // Known before the result is read.
                    items += record.result.as_ref().map_or(0, ResultSummary::selected);
                    refuse_many(items, &place)?;
                    let items = self.result(&job).map_err(at)?.into_items();
                    // A selection has a dataset of its own, a draw that of its selection.
                    let found = items.and_then(|mut items| {
                        let dataset = record.dataset.or_else(|| items.dataset.take())?;
                        Some((items, dataset))
                    });
                    let Some((items, dataset)) = found else {
                        let detail = format!("{id} has chosen no items of a dataset");
                        let field = FieldError::new(place, "invalid_parameter", detail);
                        return Err(CompareError::Refused(SelectionError::Invalid(vec![field]).into()));
                    };
                    let id = id.clone();
                    (What::Job(Box::new(Selected { id, dataset, spec: record.spec, items })), place)
                }
                Chosen::Items(list) => {
                    items += list.len() as u64;
                    (What::Items(list), format!("{pointer}/items"))
                }
            };
            refuse_many(items, &place)?;
            Ok(Member { pointer, what })
        };
        selections.iter().map(member).collect()
    }

    /// The dataset that all jobs are of, where there is one and it is still stored.
    pub(super) fn common_dataset(
        &self,
        tenant: &str,
        members: &[Member<'_>],
    ) -> Result<Option<DatasetRecord>, CompareError> {
        if digests(members).len() > 1 {
            return Ok(None);
        }
        for job in members.iter().filter_map(Member::job) {
            match self.shared.datasets.get(tenant, &job.dataset) {
                Ok(record) => return Ok(Some(record)),
                // The same bytes may be stored under another id.
                Err(DatasetError::NotFound(_) | DatasetError::Expired(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// The selections as numbers. Ids that are listed are looked up where there is a dataset to look in; else they, and
    /// selections of different datasets, are matched by id alone.
    pub(super) fn sets(
        &self,
        members: &[Member<'_>],
        dataset: Option<&DatasetRecord>,
        universe: Option<u64>,
    ) -> Result<Sets, CompareError> {
        let ids_are_listed = members.iter().any(Member::has_ids_listed);
        let by_row = digests(members).len() <= 1 && (dataset.is_some() || !ids_are_listed);
        let mut numbers = if by_row {
            let ids = match dataset {
                Some(record) if ids_are_listed => self.shared.datasets.source(record)?.ids()?,
                _ => None,
            };
            // Without either, the universe is what is missing.
            let rows = dataset.map(|record| record.items() as u64).or(universe).unwrap_or(u64::MAX);
            Numbers::Rows { rows, ids }
        } else {
            Numbers::Ids(HashMap::new())
        };
        let mut errors = Vec::new();
        let mut sets = Vec::new();
        for member in members {
            let mut set = numbers.of(member, &mut errors);
            set.sort_unstable();
            sets.push(set);
        }
        if errors.is_empty() {
            Ok(Sets { by: if by_row { By::Row } else { By::Id }, sets })
        } else {
            Err(CompareError::invalid(errors))
        }
    }
}

fn refuse_many(items: u64, pointer: &str) -> Result<(), CompareError> {
    if items <= MOST_ITEMS {
        return Ok(());
    }
    let detail = format!(
        "the selections up to this one have {items} items; at most {MOST_ITEMS} are compared, which is not a setting"
    );
    Err(CompareError::at(pointer, "estimate_exceeds_limit", detail))
}

fn digests<'a>(members: &'a [Member<'_>]) -> BTreeSet<&'a str> {
    members.iter().filter_map(Member::job).map(|job| job.items.dataset_digest.as_str()).collect()
}

/// How items become numbers.
enum Numbers<'a> {
    /// Rows, below the first field; ids are looked up in the second.
    Rows { rows: u64, ids: Option<Ids> },
    /// Ids that have been met.
    Ids(HashMap<&'a str, u64>),
}

impl<'a> Numbers<'a> {
    /// The numbers of a selection. Offences are added to `errors`, and their items left out.
    fn of(&mut self, member: &'a Member<'_>, errors: &mut Vec<FieldError>) -> Vec<u64> {
        let mut refuse = |pointer: String, code, detail: String| {
            if errors.len() < MOST_OFFENCES {
                errors.push(FieldError::new(pointer, code, detail));
            }
        };
        match (&member.what, &mut *self) {
            (What::Job(job), Self::Rows { .. }) => job.items.indices.iter().copied().map(u64::from).collect(),
            (What::Job(job), Self::Ids(known)) => {
                if let Some(ids) = &job.items.ids {
                    return ids.iter().map(|id| number(known, id)).collect();
                }
                let detail = "its dataset has no ids: it can be matched, by row, only with selections of the same \
                              dataset and with lists of rows";
                refuse(format!("{}/job", member.pointer), "invalid_parameter", detail.into());
                vec![]
            }
            (What::Items(items), _) => {
                let mut seen = HashSet::new();
                for (position, item) in items.iter().enumerate() {
                    let place = || format!("{}/items/{position}", member.pointer);
                    match self.find(item) {
                        Ok(number) if seen.insert(number) => {}
                        Ok(_) => refuse(place(), "duplicate_item", format!("{} is named twice", told(item))),
                        Err((code, why)) => refuse(place(), code, format!("{}: {why}", told(item))),
                    }
                }
                seen.into_iter().collect()
            }
        }
    }

    fn find(&mut self, item: &'a ItemRef) -> Result<u64, (&'static str, String)> {
        let unknown = |why: String| ("unknown_item", why);
        match (item, self) {
            (ItemRef::Index(row), Self::Rows { rows, .. }) => {
                if row < rows {
                    Ok(*row)
                } else {
                    Err(unknown(format!("there are {rows} rows")))
                }
            }
            (ItemRef::Id(id), Self::Rows { ids: Some(ids), .. }) => {
                ids.row_of(id).map(u64::from).ok_or_else(|| unknown("no row has it".into()))
            }
            (ItemRef::Id(_), Self::Rows { ids: None, .. }) => Err(unknown("the dataset has no ids".into())),
            (ItemRef::Id(id), Self::Ids(known)) => Ok(number(known, id)),
            (ItemRef::Index(_), Self::Ids(_)) => {
                let why = "these selections are matched by id: no dataset says which row has which";
                Err(("invalid_parameter", why.into()))
            }
        }
    }
}

fn number<'a>(known: &mut HashMap<&'a str, u64>, id: &'a str) -> u64 {
    let next = known.len() as u64;
    *known.entry(id).or_insert(next)
}

fn told(item: &ItemRef) -> String {
    match item {
        ItemRef::Index(row) => format!("row {row}"),
        ItemRef::Id(id) => format!("id {id:?}"),
    }
}
