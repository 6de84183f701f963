//! From names to numbers: items, groups, weights and represented rows of a spec, looked up in its dataset. Collects
//! every offence instead of stopping at the first.

use super::earlier::Earlier;
use super::error::{FieldError, infeasible};
use super::function::Ground;
use crate::dataset::{Column, DatasetError, Ids, Source};
use crate::jobs::spec::{ConstraintsSpec, GroupsSpec, ItemRef, KnapsackSpec, MinDistanceSpec, ValuesSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use submodular::constraint::{Bounds, Constraint, Groups, Intersection, Knapsack, Shape, Unconstrained};
use submodular::{Error, Item};

/// Offences that are kept: a million unknown items have as many. One more than a caller is told, who so learns of more.
const MOST_OFFENCES: usize = 101;

/// What the dataset says beside its vectors, and the offences found so far.
pub(in crate::jobs) struct Resolver<'a> {
    pub(super) source: &'a Source,
    /// Read when the first item is named by its id.
    ids: Option<Option<Ids>>,
    /// Of the columns that were read, and of what was made of them.
    column_bytes: u64,
    /// Of the largest result of an earlier job that was read.
    result_bytes: u64,
    /// Items of all earlier jobs that were asked for.
    result_items: u64,
    pub(in crate::jobs) errors: Vec<FieldError>,
}

/// The rule of a run, and what its answer is described with.
pub(super) struct Rule {
    pub(super) constraint: Arc<dyn Constraint>,
    pub(super) include: Vec<Item>,
    pub(super) exclude: Vec<Item>,
    /// Items, excluded, whose coverage is had already.
    pub(super) owned: Vec<Item>,
    /// Groupings in the order of the request.
    pub(super) groups: Vec<Grouping>,
    /// Cost of each item, where there is a budget.
    pub(super) costs: Option<Vec<f64>>,
    /// The least distance of two chosen items, which is wrapped around the rule once there are distances.
    pub(super) min_distance: Option<(Ground, f64)>,
}

/// Group of each item, and the groups' names.
pub(super) struct Grouping {
    pub(super) of: Vec<Option<u32>>,
    pub(super) names: Vec<String>,
}

/// How many items a search chooses.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// As many as the constraints say.
    Bounded,
    /// All that it ranks: k may be left out, and means nothing.
    Ranked,
    /// As many as it likes, and why.
    Free(&'static str),
}

impl Rule {
    /// What kind of rule, the least distance included.
    pub(super) fn shape(&self) -> Shape {
        let shape = self.constraint.shape();
        if self.min_distance.is_none() {
            return shape;
        }
        Shape { matroid: false, min_distance: true, ..shape }
    }

    /// The distances that the rule looks at.
    pub(super) fn distances(&self) -> Option<&Ground> {
        self.min_distance.as_ref().map(|(ground, _)| ground)
    }

    /// Items of `0..n` that may be chosen, ascending.
    pub(super) fn allowed(&self, n: usize) -> Vec<Item> {
        let banned: BTreeSet<Item> = self.exclude.iter().copied().collect();
        (0..).take(n).filter(|e| !banned.contains(e)).collect()
    }
}

impl<'a> Resolver<'a> {
    pub(in crate::jobs) fn new(source: &'a Source) -> Self {
        Self { source, ids: None, column_bytes: 0, result_bytes: 0, result_items: 0, errors: vec![] }
    }

    /// Bytes of the columns that were read, of the largest earlier result, and of the ids that were or will be: a run names what it chose by them.
    pub(super) fn bytes(&self) -> u64 {
        let ids = match &self.ids {
            Some(read) => read.as_ref().map_or(0, |ids| ids.bytes() as u64),
            None => self.source.ids_bytes(),
        };
        self.column_bytes.saturating_add(self.result_bytes).saturating_add(ids)
    }

    /// Takes note of the bytes of a result that is read, and then is gone.
    pub(super) fn reads_result(&mut self, bytes: u64) {
        self.result_bytes = self.result_bytes.max(bytes);
    }

    /// Takes note of so many items of an earlier job; gives those of all.
    pub(super) fn reads_items(&mut self, items: u64) -> u64 {
        self.result_items = self.result_items.saturating_add(items);
        self.result_items
    }

    pub(super) fn column(&mut self, name: &str, pointer: &str) -> Result<Column, DatasetError> {
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

    /// The row of each id, where there is one; none where the dataset has no ids.
    pub(super) fn rows_of(&mut self, ids: &[String]) -> Result<Option<Vec<Option<Item>>>, DatasetError> {
        let known = match self.ids.take() {
            Some(known) => known,
            None => self.source.ids()?,
        };
        let rows = known.as_ref().map(|known| ids.iter().map(|id| known.row_of(id)).collect());
        self.ids = Some(known);
        Ok(rows)
    }

    /// Rows by index or id; unknown and repeated ones are offences.
    pub(in crate::jobs) fn items(
        &mut self,
        refs: &[ItemRef],
        pointer: &str,
    ) -> Result<Vec<Item>, DatasetError> {
        let n = self.source.items();
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

    /// The rule of a search that chooses so much; `earlier`: what jobs have to say.
    pub(super) fn rule(
        &mut self,
        spec: &ConstraintsSpec,
        earlier: Earlier,
        size: Size,
    ) -> Result<Option<Rule>, DatasetError> {
        let n = self.source.items();
        let include = self.items(&spec.include, "/constraints/include")?;
        let exclude = self.items(&spec.exclude, "/constraints/exclude")?;
        let banned: BTreeSet<Item> = exclude.iter().copied().collect();
        if let Some(both) = include.iter().find(|e| banned.contains(e)) {
            let detail = format!("row {both} is both included and excluded");
            self.refuse("/constraints/exclude", "duplicate_item", detail);
        }
        let listed = include.len();
        let (include, exclude) = earlier.join(self, include, exclude);
        let owned = earlier.owned;
        if spec.stop_when_gain_at_most.is_some_and(|x| !x.is_finite()) {
            self.refuse("/constraints/stop_when_gain_at_most", "invalid_parameter", "it must be finite");
        }
        if let Size::Free(why) = size {
            let bounded = spec.k.is_some() || !spec.groups.is_empty() || spec.knapsack.is_some();
            if bounded || spec.min_distance.is_some() {
                let detail = format!("{why}: leave k, groups, knapsack and min_distance out");
                self.refuse("/constraints", "optimizer_mismatch", detail);
            }
            return Ok(self.ok().then(|| Rule {
                constraint: Arc::new(Unconstrained),
                include,
                exclude,
                owned,
                groups: vec![],
                costs: None,
                min_distance: None,
            }));
        }
        let allowed = n - exclude.len();
        let k = match spec.k {
            _ if matches!(size, Size::Ranked) => None,
            Some(k) if k >= 1 && k <= allowed as u64 => Some(k as usize),
            Some(k) => {
                let detail = match allowed {
                    0 => format!("k is {k}, and every item is excluded: there is none to choose"),
                    _ => format!("k is {k}; between 1 and {allowed}, the number of allowed items"),
                };
                self.refuse("/constraints/k", "invalid_parameter", detail);
                None
            }
            None if spec.knapsack.is_some() => None,
            None => {
                let detail = "k, how many items to choose, is required without a knapsack";
                self.refuse("/constraints/k", "invalid_parameter", detail);
                None
            }
        };
        let mut groups = vec![];
        let mut bounds = vec![];
        for (index, grouping) in spec.groups.iter().enumerate() {
            let several = spec.groups.len() > 1;
            let pointer =
                if several { format!("/constraints/groups/{index}") } else { "/constraints/groups".into() };
            if several && (!grouping.at_least.is_empty() || grouping.default_at_least > 0) {
                let detail = "several groupings have upper bounds only: leave the lower ones out";
                self.refuse(&pointer, "invalid_parameter", detail);
            }
            if let Some((of, names, of_group)) = self.groups(grouping, &exclude, &pointer)? {
                groups.push(Grouping { of, names });
                bounds.push(of_group);
            }
        }
        let costs = match &spec.knapsack {
            Some(knapsack) => self.costs(knapsack)?,
            None => None,
        };
        let min_distance = spec.min_distance.map(|bound| self.min_distance(bound));
        if !self.ok() {
            return Ok(None);
        }
        let mut partitions: Vec<Groups> = groups
            .iter()
            .zip(bounds)
            .map(|(Grouping { of, .. }, bounds)| match (k, &costs) {
                (Some(k), None) => Groups::new(k, of.clone(), bounds),
                (k, _) => Groups::up_to(k, of.clone(), bounds),
            })
            .collect();
        let made = match (partitions.pop(), k, costs.clone()) {
            (None, Some(k), None) => Ok(Arc::new(Groups::cardinality(k)) as Arc<dyn Constraint>),
            (None, k, _) => Ok(Arc::new(Groups::up_to(k, vec![], vec![])) as Arc<dyn Constraint>),
            (Some(only), _, _) if partitions.is_empty() => Ok(Arc::new(only) as Arc<dyn Constraint>),
            (Some(last), _, _) => {
                partitions.push(last);
                Intersection::new(partitions).map(|rule| Arc::new(rule) as Arc<dyn Constraint>)
            }
        };
        let made = made.and_then(|inner| match (&spec.knapsack, costs.clone()) {
            (Some(knapsack), Some(costs)) => {
                Ok(Arc::new(Knapsack::new(inner, costs, knapsack.budget)?) as Arc<dyn Constraint>)
            }
            _ => Ok(inner),
        });
        let checked = made.and_then(|rule| submodular::check(&*rule, n, &include, &exclude).map(|_| rule));
        match checked {
            Ok(constraint) => {
                Ok(Some(Rule { constraint, include, exclude, owned, groups, costs, min_distance }))
            }
            Err(Error::Infeasible(why)) => {
                let names: Vec<String> = groups.iter().flat_map(|grouping| grouping.names.clone()).collect();
                self.errors.push(infeasible(&why, &names, &include, listed));
                Ok(None)
            }
            Err(error) => {
                self.errors.push(FieldError::new("/constraints", "invalid_parameter", error.to_string()));
                Ok(None)
            }
        }
    }

    /// Costs of a budget.
    fn costs(&mut self, spec: &KnapsackSpec) -> Result<Option<Vec<f64>>, DatasetError> {
        let pointer = "/constraints/knapsack";
        if !(spec.budget.is_finite() && spec.budget >= 0.0) {
            let detail = format!("{}; a finite number of at least 0", spec.budget);
            self.refuse(format!("{pointer}/budget"), "invalid_parameter", detail);
        }
        let before = self.errors.len();
        let costs = self.values(&spec.costs, pointer)?;
        let (n, found) = (self.source.items(), costs.len());
        if self.errors.len() > before {
            return Ok(None);
        }
        if found != n {
            let detail = format!("{found} costs for {n} rows: name a column, or give values");
            self.refuse(format!("{pointer}/values"), "shape_mismatch", detail);
        } else if let Some((row, cost)) = costs.iter().enumerate().find(|(_, cost)| **cost < 0.0) {
            let detail = format!("row {row} costs {cost}; costs are at least 0");
            self.refuse(pointer, "invalid_parameter", detail);
        }
        Ok(Some(costs))
    }

    /// The least distance of two chosen items.
    fn min_distance(&mut self, spec: MinDistanceSpec) -> (Ground, f64) {
        let pointer = "/constraints/min_distance";
        if !(spec.value.is_finite() && spec.value >= 0.0) {
            let detail = format!("{}; a finite number of at least 0", spec.value);
            self.refuse(pointer, "invalid_parameter", detail);
        }
        (self.distances(spec.distance, pointer), spec.value)
    }

    /// The part of each row by the values of a column; rows without a value are a part of their own.
    pub(super) fn parts(&mut self, name: &str, pointer: &str) -> Result<Vec<u32>, DatasetError> {
        if !self.has_column(name, pointer) {
            return Ok(vec![0; self.source.items()]);
        }
        let labels = labels(self.column(name, pointer)?);
        let names: BTreeSet<Option<&str>> = labels.iter().map(Option::as_deref).collect();
        let number: BTreeMap<Option<&str>, u32> = names.into_iter().zip(0..).collect();
        Ok(labels.iter().map(|label| number[&label.as_deref()]).collect())
    }

    /// Whether the dataset has it; if not, that is an offence.
    pub(super) fn has_column(&mut self, name: &str, pointer: &str) -> bool {
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
        pointer: &str,
    ) -> Result<Option<(Vec<Option<u32>>, Vec<String>, Vec<Bounds>)>, DatasetError> {
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
