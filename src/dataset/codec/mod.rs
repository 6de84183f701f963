//! One file per encoding, one way to read them all.
//!
//! [`Source::open`] reads headers only (JSON, which has none, is read whole); the values stream
//! through [`Source::for_each_row`], rankings through [`Source::for_each_ranking`]. An open source keeps its file open, so on Unix the file may be
//! unlinked meanwhile: the reader goes on undisturbed and the space returns when it is done.

mod arrow;
mod arrow_values;
mod attributes;
mod ballot;
mod bare;
mod csr;
mod element;
mod format;
mod guard;
mod json;
mod kind;
mod npy;
mod parquet;
mod positioned;
mod preflib;
mod ranking_table;
mod sparse;
mod table;

#[cfg(test)]
mod fixture;

use std::fmt;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use super::column::{Column, ColumnInfo, Ids};
use super::error::{DatasetError, RankingError};
use super::record::DatasetRecord;
use super::upload::digest_of;
use ballot::RankingSink;
use positioned::PositionedFile;

pub use ballot::Ranking;
pub use format::Format;
pub use kind::{Kind, Options};
pub use sparse::Entry;
pub(super) use sparse::MAX_ENTRIES;

/// An open dataset. Any number of threads may read it at once.
pub struct Source {
    header: Header,
    codec: Box<dyn Codec>,
    zero_row: Option<usize>,
    held_bytes: u64,
    digest: Option<String>,
}

/// Takes a row's index and its values.
pub type RowVisitor<'a, E> = dyn FnMut(usize, &[f32]) -> Result<(), E> + 'a;

/// Takes an entry of a matrix.
pub type EntryVisitor<'a, E> = dyn FnMut(Entry) -> Result<(), E> + 'a;

/// Takes a voter's ranking.
pub type RankingVisitor<'a, E> = dyn FnMut(Ranking<'_>) -> Result<(), E> + 'a;

/// The largest number of values per row, or of candidates: one row is always held in memory whole.
pub(super) const MAX_DIM: u64 = 1 << 24;

/// Bytes that may be held of a dataset beside its matrix: of a column that is read whole, of the ids, of what is decoded
/// at a time. An eighth of what jobs may take, and at least what every dataset of usual shape needs.
pub fn held_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes / 8).max(128 << 20)
}

/// Bytes of a file that are decoded at a time.
const BLOCK_BYTES: usize = 4 << 20;

/// What a codec learns before it reads values.
struct Header {
    kind: Kind,
    rows: usize,
    dim: usize,
    columns: Vec<ColumnInfo>,
    vectors: Option<String>,
}

/// Receives a row's index and values; breaks when it has had enough.
type RowSink<'a> = dyn FnMut(usize, &[f32]) -> ControlFlow<()> + 'a;

/// Receives an entry; breaks when it has had enough.
type EntrySink<'a> = dyn FnMut(Entry) -> ControlFlow<()> + 'a;

/// Hands over what is not 0 of a matrix that has its zeros.
fn read_dense_entries(codec: &dyn Codec, sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
    codec.read_rows(&mut |row, values| {
        let entry = |(column, &value): (usize, &f32)| Entry { row: row as u32, column: column as u32, value };
        values.iter().enumerate().map(entry).try_for_each(&mut *sink)
    })
}

/// One encoding's reader of one open file.
trait Codec: Send + Sync {
    /// Streams every row of a matrix in order, each checked; ends early without error when the sink breaks.
    fn read_rows(&self, _sink: &mut RowSink<'_>) -> Result<(), DatasetError> {
        Err(DatasetError::OtherKind { kind: Kind::Rankings, wanted: "rows of numbers" })
    }
    /// See [`Source::sparse_entries`].
    fn entries(&self) -> Option<u64> {
        None
    }
    /// Streams every entry that is not 0, and may be some that are, in row-major order, each checked; ends early without
    /// error when the sink breaks.
    fn read_entries(&self, _sink: &mut EntrySink<'_>) -> Result<(), DatasetError> {
        Err(DatasetError::OtherKind { kind: Kind::Rankings, wanted: "entries" })
    }
    /// Streams every ranking in order, each checked; ends early without error when the sink breaks.
    fn read_rankings(&self, _sink: &mut RankingSink<'_>) -> Result<(), DatasetError> {
        Err(DatasetError::OtherKind { kind: Kind::Vectors, wanted: "rankings" })
    }
    /// Checks every row as reading it would.
    fn check_rows(&self) -> Result<(), DatasetError> {
        self.read_rows(&mut |_, _| ControlFlow::Continue(()))
    }
    /// Reads a column that takes at most so many bytes.
    fn column(&self, name: &str, held_bytes: u64) -> Result<Column, DatasetError>;
    /// Checks every value of a column as reading it would, and keeps none.
    fn check_column(&self, name: &str) -> Result<(), DatasetError>;
    /// Reads ids that take at most so many bytes.
    fn ids(&self, held_bytes: u64) -> Result<Option<Ids>, DatasetError>;
    /// See [`Source::ids_bytes`].
    fn ids_bytes(&self) -> u64;
    /// See [`Source::reading_bytes`].
    fn reading_bytes(&self) -> u64;
    /// See [`Source::decoded_bytes`].
    fn decoded_bytes(&self) -> u64;
    /// See [`Source::is_bare`].
    fn is_bare(&self) -> bool {
        false
    }
}

impl Source {
    /// Opens a file and reads its header: milliseconds for `.npy`, PrefLib and Parquet whatever the size, O(batches) for
    /// Arrow, O(bytes) for JSON, O(entries) for a sparse similarity row by row or whose metadata has no `n`, and for
    /// rankings of a table whose metadata has no `candidates`. A column or ids that would take
    /// more than `held_bytes` are refused when they are read; see [`held_bytes`].
    ///
    /// # Errors
    /// Every [`DatasetError`] that can be told without reading values: wrong magic, a header that
    /// disagrees with the file's size, a shape or an element type that is no matrix, parameters
    /// that name what does not exist. JSON tells the others too.
    pub fn open(
        path: &Path,
        format: Format,
        options: &Options,
        held_bytes: u64,
    ) -> Result<Self, DatasetError> {
        let file = PositionedFile::new(File::open(path)?)?;
        format.check_magic(&file.head()?)?;
        let (header, codec) = match format {
            Format::Parquet => parquet::open(file, options)?,
            Format::Arrow => arrow::open(file, options)?,
            Format::Npy => npy::open(file, options)?,
            Format::Json => json::read(file.reader(0), options)?,
            Format::Preflib => preflib::open(file, options)?,
        };
        Ok(Self { header, codec, zero_row: None, held_bytes, digest: None })
    }

    /// Reads a dataset that stands in a request: the JSON body of the wire contract.
    ///
    /// # Errors
    /// As [`Source::open`] for JSON.
    pub fn inline(body: &[u8], options: &Options) -> Result<Self, DatasetError> {
        Format::Json.check_magic(body)?;
        let (header, codec) = json::read(body, options)?;
        // The request has a limit of its own.
        let digest = Some(digest_of(body));
        let mut source = Self { header, codec, zero_row: None, held_bytes: u64::MAX, digest };
        source.zero_row = source.validate()?;
        Ok(source)
    }

    /// Items of which nothing is known but their number, from 1 to `u32::MAX`: no dataset, though it stands for one.
    pub fn bare(items: usize) -> Self {
        let header = Header { kind: Kind::Vectors, rows: items, dim: 1, columns: Vec::new(), vectors: None };
        Self { header, codec: Box::new(bare::Bare), zero_row: None, held_bytes: 0, digest: None }
    }

    /// Whether it holds nothing: see [`Source::bare`].
    pub fn is_bare(&self) -> bool {
        self.codec.is_bare()
    }

    /// What the dataset holds.
    pub fn kind(&self) -> Kind {
        self.header.kind
    }

    /// Number of rows, or of rankings, at least 1 and at most `u32::MAX`.
    pub fn rows(&self) -> usize {
        self.header.rows
    }

    /// Values per row, or candidates, at least 1.
    pub fn dim(&self) -> usize {
        self.header.dim
    }

    /// What can be selected, and has ids and attributes: the rows, or the candidates of rankings.
    pub fn items(&self) -> usize {
        self.header.kind.items(self.header.rows, self.header.dim)
    }

    /// The attribute columns of the items. Columns of types that cannot be attributes (times, lists, structs) are left out.
    pub fn columns(&self) -> &[ColumnInfo] {
        &self.header.columns
    }

    /// The column that holds the vectors or the rankings, where the format has columns.
    pub fn vectors_column(&self) -> Option<&str> {
        self.header.vectors.as_deref()
    }

    /// The first vector without a direction, where that is known: of an inline dataset, and of a stored one.
    pub fn zero_row(&self) -> Option<usize> {
        self.zero_row
    }

    /// `sha256:` and the digest of its bytes, where that is known: of an inline dataset, and of a stored one.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// This source, with what its record says of it.
    #[must_use]
    pub(super) fn of_record(self, record: &DatasetRecord) -> Self {
        Self { zero_row: record.zero_row, digest: Some(record.digest.clone()), ..self }
    }

    /// Calls `take` with every row in order: its index and its `dim` values, all finite.
    ///
    /// Memory: a few MiB and one row for C-order `.npy`; 64 MiB for Fortran order, which is
    /// transposed strip by strip; one page and one batch for Parquet; one batch as its writer cut it for Arrow; the
    /// entries and one row for a sparse similarity.
    ///
    /// # Errors
    /// The first offence in row order, with its row and column; or the first error of `take`,
    /// which ends the reading.
    pub fn for_each_row<E: From<DatasetError>>(&self, take: &mut RowVisitor<'_, E>) -> Result<(), E> {
        let mut refused = None;
        self.codec.read_rows(&mut |row, values| match take(row, values) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// How many entries were given, where the matrix came by its entries: every other pair is 0.
    pub fn sparse_entries(&self) -> Option<u64> {
        self.codec.entries()
    }

    /// Calls `take` with every entry that is not 0, in row-major order: without making the zeros where the matrix came by
    /// its entries, which are then held in memory, 12 bytes each.
    ///
    /// # Errors
    /// As [`Source::for_each_row`].
    pub fn for_each_entry<E: From<DatasetError>>(&self, take: &mut EntryVisitor<'_, E>) -> Result<(), E> {
        let mut refused = None;
        self.codec.read_entries(
            &mut |entry| match if entry.value == 0.0 { Ok(()) } else { take(entry) } {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    refused = Some(error);
                    ControlFlow::Break(())
                }
            },
        )?;
        refused.map_or(Ok(()), Err)
    }

    /// Calls `take` with the ranking of every voter in order.
    ///
    /// Memory: what is decoded at a time, and one ranking. A few MiB for C-order `.npy`; 64 MiB and their 64-bit
    /// integers for Fortran order; one line for PrefLib; one batch for tables; everything for JSON.
    ///
    /// # Errors
    /// The first offence in the order of the voters, with voter and position; or the first error of `take`, which ends
    /// the reading. [`DatasetError::OtherKind`] where the dataset holds no rankings.
    pub fn for_each_ranking<E: From<DatasetError>>(&self, take: &mut RankingVisitor<'_, E>) -> Result<(), E> {
        if self.kind() != Kind::Rankings {
            return Err(DatasetError::OtherKind { kind: self.kind(), wanted: "rankings" }.into());
        }
        let mut refused = None;
        self.codec.read_rankings(&mut |ranking| match take(ranking) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Bytes that whoever holds all rankings needs at least: the place of every candidate with every voter, 4 bytes
    /// each, and the weights. 0 where the dataset holds no rankings.
    pub fn places_bytes(&self) -> u64 {
        let Header { kind, rows, dim, .. } = self.header;
        match kind {
            Kind::Vectors | Kind::Similarity => 0,
            Kind::Rankings => {
                (rows as u64).saturating_mul((dim * size_of::<u32>() + size_of::<f64>()) as u64)
            }
        }
    }

    /// Bytes that a reader holds while rows or rankings stream by, the open source included. What
    /// the sink keeps, and columns that are read, come on top.
    pub fn reading_bytes(&self) -> u64 {
        self.codec.reading_bytes()
    }

    /// Reads one attribute column whole.
    ///
    /// # Errors
    /// [`DatasetError::UnknownColumn`], [`DatasetError::ColumnType`] for a column that is no
    /// attribute, [`DatasetError::IntegerRange`], [`DatasetError::ColumnTooLarge`].
    pub fn column(&self, name: &str) -> Result<Column, DatasetError> {
        self.codec.column(name, self.held_bytes)
    }

    /// Reads the ids, where the dataset has any.
    ///
    /// # Errors
    /// [`DatasetError::NullId`], [`DatasetError::DuplicateId`], and those of [`Source::column`].
    pub fn ids(&self) -> Result<Option<Ids>, DatasetError> {
        self.codec.ids(self.held_bytes)
    }

    /// Bytes of memory that the ids will take: by their number where they would have to be read to know.
    pub fn ids_bytes(&self) -> u64 {
        self.codec.ids_bytes()
    }

    /// Bytes that the values take at least, where the file may have fewer: the time of reading them goes with these.
    pub fn decoded_bytes(&self) -> u64 {
        self.codec.decoded_bytes()
    }

    /// Reads every value, column and id once, so that later readers meet no offence. Gives the first zero row of
    /// vectors: no offence, but cosines will refuse it. Holds the ids, and of everything else what is decoded at a time.
    ///
    /// # Errors
    /// The first offence; [`DatasetError::ReadingTooLarge`].
    pub fn validate(&self) -> Result<Option<usize>, DatasetError> {
        let (bytes, limit) = (self.reading_bytes(), self.held_bytes);
        if bytes > limit {
            return Err(DatasetError::ReadingTooLarge { bytes, limit });
        }
        let mut zero_row = None;
        match self.kind() {
            Kind::Vectors => self.for_each_row::<DatasetError>(&mut |row, values| {
                if zero_row.is_none() && values.iter().all(|value| *value == 0.0) {
                    zero_row = Some(row);
                }
                Ok(())
            })?,
            Kind::Similarity => self.codec.check_rows()?,
            Kind::Rankings => {
                let mut total = 0.0;
                self.for_each_ranking::<DatasetError>(&mut |ranking| {
                    total += ranking.weight;
                    Ok(())
                })?;
                ballot::check_total(total)?;
            }
        }
        for column in self.columns() {
            self.codec.check_column(&column.name)?;
        }
        self.ids()?;
        Ok(zero_row)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { kind, rows, dim, .. } = self.header;
        f.debug_struct("Source")
            .field("kind", &kind)
            .field("rows", &rows)
            .field("dim", &dim)
            .finish_non_exhaustive()
    }
}

/// Refuses matrices without values, too large to number, or not square where they must be.
fn check_shape(kind: Kind, rows: u64, dim: u64) -> Result<(usize, usize), DatasetError> {
    if kind == Kind::Rankings && (rows == 0 || dim == 0) {
        return Err(RankingError::Empty { voters: rows, candidates: dim }.into());
    }
    if kind == Kind::Rankings && dim > MAX_DIM {
        return Err(RankingError::TooManyCandidates { found: dim }.into());
    }
    if rows == 0 || dim == 0 {
        return Err(DatasetError::EmptyMatrix { rows, dim });
    }
    if rows > u64::from(u32::MAX) || dim > MAX_DIM {
        return Err(DatasetError::TooLarge { rows, dim });
    }
    let (rows, dim) = (rows as usize, dim as usize);
    if kind == Kind::Similarity && rows != dim {
        return Err(DatasetError::NotSquare { rows, dim });
    }
    Ok((rows, dim))
}

/// Refuses parameters that name columns, for a format that has none to name.
fn refuse_column_parameters(what: impl fmt::Display, options: &Options) -> Result<(), DatasetError> {
    for (parameter, given) in [("vectors", &options.vectors), ("id", &options.id)] {
        if given.is_some() {
            return Err(DatasetError::Parameter {
                parameter,
                reason: format!("{what} has no columns to name"),
            });
        }
    }
    Ok(())
}
