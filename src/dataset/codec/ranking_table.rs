//! Tables of rankings: one row a voter, with a list of candidates, best first, and perhaps a weight.
//!
//! Candidates are their indices or their names; a list of lists has ties. What is known of the candidates stands in the
//! schema's metadata, as JSON: `candidates`, their names, and `columns`, their attributes. Without either there are as
//! many as the largest index says.

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use arrow::array::{Array, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Schema};

use super::arrow_values::{self, Attribute, Lists, Place};
use super::attributes::Attributes;
use super::ballot::{Ballot, RankingSink, check_weight};
use super::json::Beside;
use super::table::{MAX_BATCH_ROWS, Table, check_count, first_length};
use super::{
    BLOCK_BYTES, Codec, Column, DatasetError, Format, Header, Ids, Kind, MAX_DIM, Options, check_shape,
};
use crate::dataset::column::ColumnType;
use crate::dataset::error::RankingError;

/// The column of the weights.
const WEIGHT: &str = "weight";

const EXPECTED: &str = "lists of integers, of names, or of lists of these, which are ties";

/// A table of which each row is a ranking.
pub(super) struct RankingTable<T> {
    attributes: Attributes<T>,
    field: usize,
    weighted: bool,
    beside: Beside,
    candidates: usize,
    /// Most entries of a row: of all rows where they have been counted, else as many as there are candidates.
    longest: usize,
    /// Entries there are at least.
    entries: u64,
}

/// What the lists were found to have.
struct Extent {
    candidates: u64,
    longest: usize,
    entries: u64,
}

impl<T: Table + 'static> RankingTable<T> {
    pub(super) fn open(table: T, options: &Options) -> Result<(Header, Box<dyn Codec>), DatasetError> {
        let field = rankings_field(table.schema(), options.vectors.as_deref())?;
        let weighted = weight_field(table.schema(), field)?;
        let metadata = table.schema().metadata();
        let [names, columns] = ["candidates", "columns"].map(|key| metadata.get(key).map(String::as_str));
        let beside = Beside::of_metadata(names, columns, options)?;
        let rows = table.rows();
        let extent = match beside.items() {
            0 if names.is_none() && beside.columns().is_empty() && rows > 0 => extent(&table, field)?,
            known => Extent { candidates: known as u64, longest: known, entries: rows },
        };
        let (rows, candidates) = check_shape(Kind::Rankings, rows, extent.candidates)?;
        let header = Header {
            kind: Kind::Rankings,
            rows,
            dim: candidates,
            columns: beside.columns(),
            vectors: Some(table.schema().field(field).name().clone()),
        };
        let Extent { longest, entries, .. } = extent;
        let attributes = Attributes { table, id: None, rows };
        Ok((header, Box::new(Self { attributes, field, weighted, beside, candidates, longest, entries })))
    }
}

impl<T: Table> RankingTable<T> {
    /// The weight of every voter, where the table has weights.
    fn weights(&self) -> Result<Option<Vec<f64>>, DatasetError> {
        if !self.weighted {
            return Ok(None);
        }
        let weights: Vec<Option<f64>> = match self.attributes.column(WEIGHT, u64::MAX)? {
            Column::Floats(values) => values,
            Column::Integers(values) => values.into_iter().map(|value| value.map(|v| v as f64)).collect(),
            Column::Strings(_) | Column::Booleans(_) => Vec::new(),
        };
        let checked = weights.into_iter().enumerate().map(|(voter, weight)| match weight {
            Some(weight) => check_weight(voter, weight),
            None => Err(RankingError::Weight { voter, found: "null".into() }),
        });
        Ok(Some(checked.collect::<Result<_, _>>()?))
    }

    fn batch_rows(&self) -> usize {
        batch_rows(self.longest)
    }
}

impl<T: Table> Codec for RankingTable<T> {
    fn read_rankings(&self, sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        let table = &self.attributes.table;
        let weights = self.weights()?;
        let mut ballot = Ballot::new(self.candidates, 0);
        let (mut first, mut stopped) = (0, false);
        table.read(self.field, self.batch_rows(), &mut |array| {
            // No more rows than have weights.
            if (first + array.len()) as u64 > table.rows() {
                check_count(table, first + array.len())?;
            }
            let lists = RankedLists::new(array, table.format(), self.beside.ids())?;
            let flow = lists.read(first, &mut ballot, &mut |voter, ballot| {
                let weight = weights.as_ref().map_or(1.0, |weights| weights[voter]);
                Ok(sink(ballot.finish(weight)?))
            })?;
            first += array.len();
            stopped = flow.is_break();
            Ok(flow)
        })?;
        if stopped { Ok(()) } else { check_count(table, first) }
    }

    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        self.beside.column(name).cloned()
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        self.beside.column(name).map(drop)
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(self.beside.ids().cloned())
    }

    fn ids_bytes(&self) -> u64 {
        self.beside.ids_bytes()
    }

    fn reading_bytes(&self) -> u64 {
        let Attributes { table, rows, .. } = &self.attributes;
        let batch = self.batch_rows().min(*rows);
        // As they are read, and as numbers with and without nulls.
        let weights = if self.weighted { rows * (size_of::<Option<f64>>() + size_of::<f64>()) } else { 0 };
        let converted = batch * self.longest * size_of::<i64>();
        table.reading_bytes(batch, self.longest)
            + Ballot::bytes(self.candidates)
            + self.beside.bytes()
            + (weights + converted) as u64
    }

    fn decoded_bytes(&self) -> u64 {
        self.entries * size_of::<u32>() as u64
    }
}

/// Lists of candidates.
struct RankedLists<'a> {
    voters: Lists<'a>,
    /// The ties, where the entries are lists.
    ties: Option<Lists<'a>>,
    leaves: Leaves,
    ids: Option<&'a Ids>,
}

/// The entries of all lists.
enum Leaves {
    Indices(Int64Array),
    Names(StringViewArray),
}

/// Takes a voter, whose candidates are on the ballot.
type BallotSink<'a> = dyn FnMut(usize, &Ballot) -> Result<ControlFlow<()>, DatasetError> + 'a;

impl<'a> RankedLists<'a> {
    fn new(array: &'a dyn Array, format: Format, ids: Option<&'a Ids>) -> Result<Self, DatasetError> {
        let wrong = || RankingError::ElementType { found: array.data_type().to_string(), expected: EXPECTED };
        let voters = Lists::new(array).ok_or_else(wrong)?;
        let entries: &'a dyn Array = &**voters.values;
        let ties = Lists::new(entries);
        let leaves: &dyn Array = ties.as_ref().map_or(entries, |ties| &**ties.values);
        let kind = arrow_values::attribute_type(leaves.data_type());
        let kind = kind.filter(|kind| matches!(kind, ColumnType::Integer | ColumnType::String));
        let leaves = match kind.ok_or_else(wrong)? {
            // Beyond 64 signed bits is beyond the candidates too.
            ColumnType::Integer => {
                let indices = arrow_values::integers(leaves);
                Leaves::Indices(indices.map_err(|error| super::guard::malformed(format, error))?)
            }
            ColumnType::String | ColumnType::Float | ColumnType::Boolean => {
                let place = Place { column: "candidates", row: 0 };
                match Attribute::of(leaves, ColumnType::String, format, place)? {
                    Attribute::Strings(names, None) => Leaves::Names(names),
                    Attribute::Strings(_, Some(_))
                    | Attribute::Integers(_)
                    | Attribute::Floats(_)
                    | Attribute::Booleans(_) => return Err(wrong().into()),
                }
            }
        };
        Ok(Self { voters, ties, leaves, ids })
    }

    /// Puts every list on the ballot, the first one as that of voter `first`.
    fn read(
        &self,
        first: usize,
        ballot: &mut Ballot,
        take: &mut BallotSink<'_>,
    ) -> Result<ControlFlow<()>, DatasetError> {
        for place in self.voters.ranges(first) {
            let (voter, range) = place.map_err(ranked)?;
            ballot.begin(voter);
            for entry in range {
                let Some(ties) = &self.ties else {
                    ballot.place(self.candidate(entry, voter, ballot.position())?)?;
                    continue;
                };
                let position = ballot.position();
                let members = ties.get(entry).ok_or_else(|| null(voter, position))?;
                if members.is_empty() {
                    return Err(RankingError::EmptyTie { voter, position }.into());
                }
                let (best, rest) = (members.start, members.start + 1..members.end);
                ballot.place(self.candidate(best, voter, position)?)?;
                for member in rest {
                    ballot.tie(self.candidate(member, voter, position)?)?;
                }
            }
            if take(voter, ballot)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The index of the candidate at a place of the leaves.
    fn candidate(&self, place: usize, voter: usize, position: usize) -> Result<i64, RankingError> {
        match &self.leaves {
            Leaves::Indices(indices) if indices.is_valid(place) => Ok(indices.value(place)),
            Leaves::Names(names) if names.is_valid(place) => {
                let name = names.value(place);
                let known = self.ids.and_then(|ids| ids.row_of(name));
                known.map(i64::from).ok_or_else(|| RankingError::UnknownCandidate {
                    voter,
                    position,
                    found: format!("{name:?}"),
                    expected: "a name of the metadata's candidates".into(),
                })
            }
            Leaves::Indices(_) | Leaves::Names(_) => Err(null(voter, position)),
        }
    }
}

/// A row as a voter.
fn ranked(error: DatasetError) -> DatasetError {
    let DatasetError::NullRow { row } = error else { return error };
    RankingError::NullRanking { voter: row }.into()
}

fn null(voter: usize, position: usize) -> RankingError {
    RankingError::NotACandidate { voter, position, found: "null".into(), expected: "an index or a name" }
}

/// Rows of so many entries at most that are decoded at a time.
fn batch_rows(longest: usize) -> usize {
    (BLOCK_BYTES / size_of::<u32>() / longest.max(1)).clamp(1, MAX_BATCH_ROWS)
}

/// Goes through all lists, as many at a time as if all were as long as the first.
fn extent(table: &impl Table, field: usize) -> Result<Extent, DatasetError> {
    let rows = batch_rows(first_length(table, field).map_err(ranked)? as usize);
    let mut extent = Extent { candidates: 0, longest: 0, entries: 0 };
    let mut first = 0;
    table.read(field, rows, &mut |array| {
        let lists = RankedLists::new(array, table.format(), None)?;
        let Leaves::Indices(indices) = &lists.leaves else {
            let reason = "missing, and the rankings are of names".into();
            return Err(RankingError::Metadata { key: "candidates", reason }.into());
        };
        for place in lists.voters.ranges(first) {
            // A null is refused when it is read.
            let Ok((voter, range)) = place else { continue };
            extent.longest = extent.longest.max(range.len());
            extent.entries += range.len() as u64;
            for (position, entry) in range.enumerate() {
                let members = lists.ties.as_ref().map_or(Some(entry..entry + 1), |ties| ties.get(entry));
                for member in members.unwrap_or_default().filter(|member| indices.is_valid(*member)) {
                    let index = u64::try_from(indices.value(member)).unwrap_or(0);
                    if index >= MAX_DIM {
                        return Err(RankingError::UnknownCandidate {
                            voter,
                            position,
                            found: index.to_string(),
                            expected: format!("0 to {}", MAX_DIM - 1),
                        }
                        .into());
                    }
                    extent.candidates = extent.candidates.max(index + 1);
                }
            }
        }
        if extent.longest as u64 > MAX_DIM {
            return Err(RankingError::TooManyCandidates { found: extent.longest as u64 }.into());
        }
        first += array.len();
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(extent)
}

/// The field that holds the rankings: the one named, else the only one that can.
fn rankings_field(schema: &Schema, named: Option<&str>) -> Result<usize, DatasetError> {
    if let Some(name) = named {
        let index = arrow_values::field(schema, name)?;
        let found = schema.field(index).data_type();
        if !is_ranked(found) {
            return Err(RankingError::ElementType { found: found.to_string(), expected: EXPECTED }.into());
        }
        return Ok(index);
    }
    let fields = schema.fields().iter().enumerate();
    let candidates: Vec<usize> = fields.filter(|(_, f)| is_ranked(f.data_type())).map(|(i, _)| i).collect();
    match candidates[..] {
        [only] => Ok(only),
        _ => {
            let candidates = candidates.into_iter().map(|i| schema.field(i).name().clone()).collect();
            Err(RankingError::Column { candidates }.into())
        }
    }
}

/// Whether a type is of lists of candidates, or of lists of ties.
fn is_ranked(found: &DataType) -> bool {
    let is_candidate = |found: &DataType| found.is_integer() || found.is_string();
    arrow_values::list_of(found)
        .is_some_and(|entry| is_candidate(entry) || arrow_values::list_of(entry).is_some_and(is_candidate))
}

/// Whether the table has weights, which must be numbers.
fn weight_field(schema: &Schema, rankings: usize) -> Result<bool, DatasetError> {
    let Ok(index) = schema.index_of(WEIGHT) else { return Ok(false) };
    if index == rankings {
        return Ok(false);
    }
    let found = schema.field(index).data_type();
    match arrow_values::attribute_type(found) {
        Some(ColumnType::Integer | ColumnType::Float) => Ok(true),
        Some(ColumnType::String | ColumnType::Boolean) | None => Err(DatasetError::ColumnType {
            name: WEIGHT.into(),
            found: found.to_string(),
            expected: "numbers, the voters' weights",
        }),
    }
}
