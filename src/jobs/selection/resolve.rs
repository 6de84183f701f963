//! From names to numbers: items, groups, weights and represented rows of a spec, looked up in its dataset. Collects
//! every offence instead of stopping at the first.

use super::error::{FieldError, infeasible};
use crate::dataset::{Column, DatasetError, Ids, Source};
use crate::jobs::spec::{ConstraintsSpec, GroupsSpec, ItemRef, ValuesSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use submodular::constraint::{Bounds, Constraint, Groups, Unconstrained};
use submodular::{Error, Item};

/// Offences that are kept: a million unknown items have as many. One more than a caller is told, who so learns of more.
const MOST_OFFENCES: usize = 101;

/// What the dataset says beside its vectors, and the offences found so far.
pub(super) struct Resolver<'a> {
    pub(super) source: &'a Source,
    /// Read when the first item is named by its id.
    ids: Option<Option<Ids>>,
    /// Of the columns that were read, and of what was made of them.
    column_bytes: u64,
    pub(super) errors: Vec<FieldError>,
}

/// The rule of a run, and what its answer is described with.
pub(super) struct Rule {
    pub(super) constraint: Arc<dyn Constraint>,
    pub(super) include: Vec<Item>,
    pub(super) exclude: Vec<Item>,
    /// Group of each item, and the groups' names.
    pub(super) groups: Option<(Vec<Option<u32>>, Vec<String>)>,
}

impl Rule {
    /// Items of `0..n` that may be chosen, ascending.
    pub(super) fn allowed(&self, n: usize) -> Vec<Item> {
        let banned: BTreeSet<Item> = self.exclude.iter().copied().collect();
        (0..).take(n).filter(|e| !banned.contains(e)).collect()
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, ids: None, column_bytes: 0, errors: vec![] }
    }

    /// Bytes of the columns that were read, and of the ids that were or will be: a run names what it chose by them.
    pub(super) fn bytes(&self) -> u64 {
        let ids = match &self.ids {
            Some(read) => read.as_ref().map_or(0, |ids| ids.bytes() as u64),
            None => self.source.ids_bytes(),
        };
        self.column_bytes.saturating_add(ids)
    }

    fn column(&mut self, name: &str, pointer: &str) -> Result<Column, DatasetError> {
        let column = self.source.column(name).map_err(|error| error.at(pointer))?;
        self.column_bytes += column.bytes() as u64;
        Ok(column)
    }

    pub(super) fn refuse(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        if self.errors.len() < MOST_OFFENCES {
            self.errors.push(FieldError::new(pointer, code, detail));
        }
    }

    /// Rows by index or id; unknown and repeated ones are offences.
    pub(super) fn items(&mut self, refs: &[ItemRef], pointer: &str) -> Result<Vec<Item>, DatasetError> {
        let n = self.source.rows();
        if self.ids.is_none() && refs.iter().any(|item| matches!(item, ItemRef::Id(_))) {
            self.ids = Some(self.source.ids()?);
        }
        let ids = self.ids.take().flatten();
        let mut seen = BTreeSet::new();
        let mut items = vec![];
        for (position, item) in refs.iter().enumerate() {
            let at = format!("{pointer}/{position}");
            let found = match item {
                ItemRef::Index(index) => u32::try_from(*index).ok().filter(|&e| (e as usize) < n),
                ItemRef::Id(id) => ids.as_ref().and_then(|ids| ids.row_of(id)),
            };
            match (found, item) {
                (Some(e), _) if seen.insert(e) => items.push(e),
                (Some(e), _) => self.refuse(at, "duplicate_item", format!("row {e} is named twice")),
                (None, ItemRef::Index(index)) => {
                    self.refuse(
                        at,
                        "unknown_item",
                        format!("row {index} does not exist: there are {n} rows"),
                    );
                }
                (None, ItemRef::Id(id)) => {
                    let why = if ids.is_some() { "no row has it" } else { "the dataset has no ids" };
                    self.refuse(at, "unknown_item", format!("id {id:?}: {why}"));
                }
            }
        }
        self.ids = ids.map(Some);
        Ok(items)
    }

    /// One finite number a row.
    pub(super) fn values(&mut self, spec: &ValuesSpec, pointer: &str) -> Result<Vec<f64>, DatasetError> {
        let values = match spec {
            ValuesSpec::Values(inline) => inline.values.clone(),
            ValuesSpec::Column(column) if !self.has_column(&column.column, &format!("{pointer}/column")) => {
                return Ok(vec![]);
            }
            ValuesSpec::Column(column) => {
                let numbers: Vec<Option<f64>> =
                    match self.column(&column.column, &format!("{pointer}/column"))? {
                        Column::Floats(values) => values,
                        Column::Integers(values) => values.into_iter().map(|v| v.map(|v| v as f64)).collect(),
                        Column::Booleans(values) => {
                            values.into_iter().map(|v| v.map(|v| f64::from(u8::from(v)))).collect()
                        }
                        Column::Strings(_) => {
                            let detail = format!("column {:?} holds text, not numbers", column.column);
                            self.refuse(format!("{pointer}/column"), "invalid_parameter", detail);
                            return Ok(vec![]);
                        }
                    };
                if let Some(row) = numbers.iter().position(Option::is_none) {
                    let detail = format!("column {:?} has no value in row {row}", column.column);
                    self.refuse(format!("{pointer}/column"), "invalid_parameter", detail);
                    return Ok(vec![]);
                }
                numbers.into_iter().flatten().collect()
            }
        };
        if let Some((row, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            self.refuse(
                format!("{pointer}/values/{row}"),
                "invalid_parameter",
                format!("{value} is not finite"),
            );
        }
        Ok(values)
    }

    /// The rule; `ranking`: every item is ordered, so there is no k.
    pub(super) fn rule(
        &mut self,
        spec: &ConstraintsSpec,
        ranking: bool,
    ) -> Result<Option<Rule>, DatasetError> {
        let n = self.source.rows();
        let include = self.items(&spec.include, "/constraints/include")?;
        let exclude = self.items(&spec.exclude, "/constraints/exclude")?;
        let banned: BTreeSet<Item> = exclude.iter().copied().collect();
        if let Some(both) = include.iter().find(|e| banned.contains(e)) {
            let detail = format!("row {both} is both included and excluded");
            self.refuse("/constraints/exclude", "duplicate_item", detail);
        }
        if spec.stop_when_gain_at_most.is_some_and(|x| !x.is_finite()) {
            self.refuse("/constraints/stop_when_gain_at_most", "invalid_parameter", "it must be finite");
        }
        if ranking {
            if spec.k.is_some() || !spec.groups.is_empty() {
                let detail = "full_ranking orders every item: leave k and groups out";
                self.refuse("/constraints", "optimizer_mismatch", detail);
            }
            return Ok(self.ok().then(|| Rule {
                constraint: Arc::new(Unconstrained),
                include,
                exclude,
                groups: None,
            }));
        }
        let allowed = n - exclude.len();
        let k = match spec.k {
            Some(k) if k >= 1 && k <= allowed as u64 => k as usize,
            Some(k) => {
                let detail = format!("k is {k}; between 1 and {allowed}, the number of allowed items");
                self.refuse("/constraints/k", "invalid_parameter", detail);
                0
            }
            None => {
                self.refuse(
                    "/constraints/k",
                    "invalid_parameter",
                    "k, how many items to choose, is required",
                );
                0
            }
        };
        let groups = match spec.groups.first() {
            Some(groups) => self.groups(groups, &exclude)?,
            None => None,
        };
        if !self.ok() {
            return Ok(None);
        }
        let (constraint, groups) = match groups {
            Some((of, names, bounds)) => (Groups::new(k, of.clone(), bounds), Some((of, names))),
            None => (Groups::cardinality(k), None),
        };
        if let Err(error) = submodular::check(&constraint, n, &include, &exclude) {
            let names = groups.as_ref().map_or(&[][..], |(_, names)| names);
            self.errors.push(if let Error::Infeasible(why) = &error {
                infeasible(why, names, &include)
            } else {
                FieldError::new("/constraints", "invalid_parameter", error.to_string())
            });
            return Ok(None);
        }
        Ok(Some(Rule { constraint: Arc::new(constraint), include, exclude, groups }))
    }

    /// Whether the dataset has it; if not, that is an offence.
    fn has_column(&mut self, name: &str, pointer: &str) -> bool {
        let columns = self.source.columns();
        let has = columns.iter().any(|c| c.name == name);
        if !has {
            let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
            let detail = format!("there is no column {name:?}; the columns are {names:?}");
            self.refuse(pointer, "invalid_parameter", detail);
        }
        has
    }

    fn ok(&self) -> bool {
        self.errors.is_empty()
    }

    #[expect(clippy::type_complexity, reason = "group of each row, names, bounds: used once, just above")]
    fn groups(
        &mut self,
        spec: &GroupsSpec,
        exclude: &[Item],
    ) -> Result<Option<(Vec<Option<u32>>, Vec<String>, Vec<Bounds>)>, DatasetError> {
        let pointer = "/constraints/groups";
        if !self.has_column(&spec.column, &format!("{pointer}/column")) {
            return Ok(None);
        }
        let labels = labels(self.column(&spec.column, &format!("{pointer}/column"))?);
        let names: Vec<String> =
            labels.iter().flatten().collect::<BTreeSet<_>>().into_iter().cloned().collect();
        let number: BTreeMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let of: Vec<Option<u32>> =
            labels.iter().map(|label| label.as_deref().and_then(|l| number.get(l).copied())).collect();
        let name_bytes: usize = names.iter().map(|name| size_of::<String>() + name.len()).sum();
        // The constraint has groups of its own.
        self.column_bytes += (name_bytes + 2 * of.len() * size_of::<Option<u32>>()) as u64;
        for (field, bounds) in [("at_least", &spec.at_least), ("at_most", &spec.at_most)] {
            for name in bounds.keys().filter(|name| !number.contains_key(name.as_str())) {
                let detail = format!("no row has {:?} = {name:?}", spec.column);
                self.refuse(format!("{pointer}/{field}/{}", escape(name)), "unknown_group", detail);
            }
        }
        let mut allowed = vec![0_u64; names.len()];
        of.iter().flatten().for_each(|&g| allowed[g as usize] += 1);
        exclude.iter().filter_map(|&e| of[e as usize]).for_each(|g| allowed[g as usize] -= 1);
        let bounds = names.iter().zip(allowed).map(|(name, allowed)| Bounds {
            at_least: spec.at_least.get(name).copied().unwrap_or(spec.default_at_least.min(allowed)) as usize,
            at_most: spec.at_most.get(name).copied().or(spec.default_at_most).unwrap_or(u64::MAX) as usize,
        });
        let bounds = bounds.collect();
        Ok(Some((of, names, bounds)))
    }
}

/// A JSON pointer's token (RFC 6901).
fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

/// Group labels: text as it is, integers and booleans as they are written.
pub(in crate::jobs) fn labels(column: Column) -> Vec<Option<String>> {
    match column {
        Column::Strings(values) => values,
        Column::Integers(values) => values.into_iter().map(|v| v.map(|v| v.to_string())).collect(),
        Column::Floats(values) => values.into_iter().map(|v| v.map(|v| v.to_string())).collect(),
        Column::Booleans(values) => values.into_iter().map(|v| v.map(|v| v.to_string())).collect(),
    }
}
