//! What can be wrong with a dataset, in the numbers its owner needs to mend it.

mod ranking;

use std::io;

pub use ranking::RankingError;

use super::codec::{Format, Kind};
use super::column::ColumnType;

/// Why bytes are no dataset, or why a dataset cannot be stored, found or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A media type that no codec reads.
    #[error("{0:?} is not a dataset format; send {known}", known = Format::media_types())]
    UnknownMediaType(String),
    /// A file name whose extension no codec claims.
    #[error(
        "{0:?} has none of the extensions .parquet, .arrow, .arrows, .npy, .json, .soc, .soi, .toc, .toi"
    )]
    UnknownExtension(String),
    /// A body that begins like something else than its declared type.
    #[error("declared as {declared}, but the body looks like {looks_like}")]
    WrongMagic {
        /// What the media type said.
        declared: Format,
        /// What the first bytes say.
        looks_like: &'static str,
    },
    /// No bytes at all.
    #[error("the body is empty")]
    EmptyBody,
    /// Bytes that are not the format they claim to be.
    #[error("not a readable {format} body: {reason}")]
    Malformed {
        /// The format that was tried.
        format: Format,
        /// What the decoder found.
        reason: String,
    },
    /// A header that promises more or fewer bytes than there are.
    #[error("the header promises {expected} bytes in all, the body has {found}")]
    Length {
        /// Header and data as the header has them.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// More bytes than the caller allows.
    #[error("the body is larger than the limit of {limit} bytes")]
    PayloadTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// An offence at a known place of a JSON body.
    #[error("{}{error}", describe_place(.pointer))]
    At {
        /// JSON pointer, RFC 6901; empty for the whole body.
        pointer: String,
        /// What is wrong there.
        error: Box<DatasetError>,
    },
    /// A field that the JSON body must not have.
    #[error(
        "unknown field; expected one of kind, vectors, similarity, n, rows, cols, values, rankings, candidates, weights, ids, columns"
    )]
    UnknownField,
    /// A value that a field of a JSON body cannot have.
    #[error("{0}")]
    InvalidField(String),
    /// Numbers that are not floating point of 16, 32 or 64 bits.
    #[error(
        "element type {found}: expected floats of 16, 32 or 64 bits; convert other numbers to floats first, or send rankings with kind=rankings"
    )]
    ElementType {
        /// The type in the format's own words.
        found: String,
    },
    /// A value that is NaN, infinite, or beyond 32-bit floats, which is how values are kept.
    #[error("row {row}, column {column}: {value:?} {}", describe_value(*.value))]
    NotFinite {
        /// Row of the first offence.
        row: usize,
        /// Column of the first offence.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A null where a vector should be.
    #[error("row {row} is null")]
    NullRow {
        /// The first such row.
        row: usize,
    },
    /// A null inside a vector.
    #[error("row {row}, column {column} is null")]
    NullValue {
        /// Row of the first null.
        row: usize,
        /// Column of the first null.
        column: usize,
    },
    /// A row that is not as long as the first.
    #[error("row {row} has {found} values, expected {expected}")]
    Ragged {
        /// The first such row.
        row: usize,
        /// Length of row 0.
        expected: usize,
        /// Length of this row.
        found: usize,
    },
    /// An array that does not have two axes.
    #[error("expected two axes (rows, values), found shape {shape:?}")]
    Axes {
        /// The shape as the header has it.
        shape: Vec<u64>,
    },
    /// No rows, or rows without values.
    #[error("an empty matrix: {rows} rows of {dim} values")]
    EmptyMatrix {
        /// Rows found.
        rows: u64,
        /// Values per row.
        dim: u64,
    },
    /// A similarity that is not a square matrix.
    #[error("a similarity must be square, found {rows} rows of {dim} values")]
    NotSquare {
        /// Rows found.
        rows: usize,
        /// Values per row.
        dim: usize,
    },
    /// More rows or columns than items can be numbered.
    #[error("{rows} rows of {dim} values: at most {} rows of {} values", u32::MAX, super::codec::MAX_DIM)]
    TooLarge {
        /// Rows found.
        rows: u64,
        /// Values per row.
        dim: u64,
    },
    /// Entries of a similarity whose three lists differ in length.
    #[error("{found} entries, but rows has {expected}")]
    EntryCount {
        /// Row indices found.
        expected: usize,
        /// Entries of the other list.
        found: usize,
    },
    /// An index outside of a similarity.
    #[error("entry {entry}: {field} is {index}, expected 0 to {}", .size.saturating_sub(1))]
    EntryIndex {
        /// `rows` or `cols`.
        field: &'static str,
        /// The first such entry.
        entry: usize,
        /// What stands there.
        index: i64,
        /// Rows of the similarity.
        size: u64,
    },
    /// An entry without an index or a value.
    #[error("entry {entry}: {field} is null")]
    NullEntry {
        /// Name of the list.
        field: &'static str,
        /// The first such entry.
        entry: usize,
    },
    /// A row of a similarity whose two lists differ in length.
    #[error("row {row} has {columns} cols and {values} values")]
    RowEntries {
        /// The first such row.
        row: usize,
        /// Length of its list of columns.
        columns: usize,
        /// Length of its list of values.
        values: usize,
    },
    /// A column outside of a similarity, in a row's list.
    #[error("row {row}, entry {entry}: cols is {index}, expected 0 to {}", .size.saturating_sub(1))]
    RowIndex {
        /// The first such row.
        row: usize,
        /// Its place in the list.
        entry: usize,
        /// What stands there.
        index: i64,
        /// Rows of the similarity.
        size: u64,
    },
    /// A null in a row's list of columns.
    #[error("row {row}, entry {entry}: cols is null")]
    RowNull {
        /// The first such row.
        row: usize,
        /// Its place in the list.
        entry: usize,
    },
    /// A pair given twice.
    #[error("row {row}, column {column} is given twice")]
    DuplicateEntry {
        /// Row of the first such pair.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// More entries than are held in memory.
    #[error("{found} entries of a similarity; at most {} are read", super::codec::MAX_ENTRIES)]
    TooManyEntries {
        /// Entries by the headers.
        found: u64,
    },
    /// Metadata that should be the size of a similarity.
    #[error("the schema's metadata has n = {found:?}, expected the number of rows")]
    EntrySize {
        /// What stands there.
        found: String,
    },
    /// A record batch too large to be decoded whole.
    #[error(
        "message {batch} takes {bytes} bytes, at most {limit} are decoded at a time: write smaller batches"
    )]
    BatchTooLarge {
        /// Which of the stream's messages.
        batch: usize,
        /// Stored and decompressed.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A column, or ids, larger than what may be held of them in memory.
    #[error(
        "column {name:?} takes {bytes} bytes of memory or more, at most {limit} are held: an eighth of jobs.memory_bytes, or 128 MiB"
    )]
    ColumnTooLarge {
        /// Name of the column.
        name: String,
        /// Bytes when it was refused.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A matrix that cannot be read in parts small enough.
    #[error(
        "reading it takes {bytes} bytes of memory at a time, at most {limit} are held: an eighth of jobs.memory_bytes, or 128 MiB"
    )]
    ReadingTooLarge {
        /// Bytes held.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A small file of very many values.
    #[error(
        "its values take {bytes} bytes or more once they are decoded, and the limit of a body is {limit} bytes"
    )]
    DecodedTooLarge {
        /// Bytes decoded, at least.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A column or list of ids that is not as long as the matrix.
    #[error("{found} values for {expected} rows")]
    ColumnLength {
        /// Rows of the matrix.
        expected: usize,
        /// Values found.
        found: usize,
    },
    /// A column that holds values of several types.
    #[error("{found} in a column that began with {expected} values")]
    MixedColumn {
        /// The type of the first value.
        expected: ColumnType,
        /// The type of the offender.
        found: ColumnType,
    },
    /// An integer that 64 signed bits cannot hold.
    #[error("column {column:?}, row {row}: {value} is larger than {}", i64::MAX)]
    IntegerRange {
        /// Name of the column.
        column: String,
        /// The first such row.
        row: usize,
        /// What stands there.
        value: u64,
    },
    /// No column, or several, that could be the vectors, and no parameter to say which.
    #[error("{}", describe_candidates(.candidates))]
    VectorColumn {
        /// Names of the columns that could be.
        candidates: Vec<String>,
    },
    /// A parameter that names a column which does not exist.
    #[error("no column {name:?}; there are {known:?}")]
    UnknownColumn {
        /// The name given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A column of a type that its use does not allow.
    #[error("column {name:?} is {found}, expected {expected}")]
    ColumnType {
        /// Name of the column.
        name: String,
        /// What it is.
        found: String,
        /// What its use needs.
        expected: &'static str,
    },
    /// Two columns of one name.
    #[error("two columns are named {name:?}")]
    DuplicateColumn {
        /// The name.
        name: String,
    },
    /// A parameter that means nothing for the format.
    #[error("{parameter}: {reason}")]
    Parameter {
        /// Name of the parameter on the wire.
        parameter: &'static str,
        /// Why it is refused.
        reason: String,
    },
    /// A kind that contradicts the body's own.
    #[error("the parameter says {parameter}, the body says {body}")]
    KindDiffers {
        /// Kind by the parameter.
        parameter: Kind,
        /// Kind by the body.
        body: Kind,
    },
    /// Rankings with an offence.
    #[error(transparent)]
    Ranking(#[from] RankingError),
    /// Rows of numbers that are asked of rankings, or rankings of rows.
    #[error("the dataset holds {kind}, and no {wanted}")]
    OtherKind {
        /// What it holds.
        kind: Kind,
        /// What was to be read.
        wanted: &'static str,
    },
    /// A row without an id, where ids were given.
    #[error("row {row} has no id")]
    NullId {
        /// The first such row.
        row: usize,
    },
    /// An id given twice.
    #[error("row {row} has the id {id:?} of row {first}")]
    DuplicateId {
        /// The id.
        id: String,
        /// The row that has it first.
        first: usize,
        /// The first row that repeats one.
        row: usize,
    },
    /// No such dataset of this tenant.
    #[error("no dataset {0}")]
    NotFound(String),
    /// A dataset that retention has removed.
    #[error("dataset {0} was kept as long as the service keeps datasets, and is gone")]
    Expired(String),
    /// Less of the disk would be left than is to stay free.
    #[error(
        "{left} bytes of the disk would be left, and {floor_bytes} are to stay free; the setting is storage.min_free_bytes"
    )]
    DiskFloor {
        /// Bytes that would be left.
        left: u64,
        /// Bytes that are to stay.
        floor_bytes: u64,
    },
    /// A change of the database would have to wait for room.
    #[error(
        "the disk is full: {left} bytes are free, and a change needs {needed}; make room outside of the data directory"
    )]
    DiskFull {
        /// Bytes that are free.
        left: u64,
        /// Bytes that have to be.
        needed: u64,
    },
    /// A dataset that a live job needs.
    #[error("dataset {dataset} is needed by {job}")]
    InUse {
        /// The dataset.
        dataset: String,
        /// One of the jobs that need it.
        job: String,
    },
    /// A stored file that is not as long as it was when it was validated.
    #[error(
        "the stored file of dataset {dataset} is damaged: {expected} bytes were stored, {found} are there"
    )]
    Damaged {
        /// The dataset.
        dataset: String,
        /// Bytes by the record.
        expected: u64,
        /// Bytes on disk.
        found: u64,
    },
    /// A stored record that this version cannot read.
    #[error("unreadable dataset record: {0}")]
    Record(#[from] serde_json::Error),
    /// The file system failed.
    #[error("storage failed: {0}")]
    Io(#[from] io::Error),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] Box<redb::Error>),
}

impl DatasetError {
    /// The code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownMediaType(_) | Self::UnknownExtension(_) => "unsupported_media_type",
            Self::WrongMagic { .. } | Self::EmptyBody | Self::Malformed { .. } | Self::Length { .. } => {
                "malformed_body"
            }
            Self::PayloadTooLarge { .. } | Self::DecodedTooLarge { .. } => "payload_too_large",
            Self::At { error, .. } => error.code(),
            Self::Ranking(error) => error.code(),
            Self::ElementType { .. }
            | Self::NotFinite { .. }
            | Self::NullRow { .. }
            | Self::NullValue { .. }
            | Self::NullEntry { .. }
            | Self::EntryIndex { .. }
            | Self::RowIndex { .. }
            | Self::RowNull { .. }
            | Self::TooManyEntries { .. }
            | Self::BatchTooLarge { .. }
            | Self::ReadingTooLarge { .. }
            | Self::TooLarge { .. } => "invalid_matrix",
            Self::Ragged { .. }
            | Self::Axes { .. }
            | Self::EmptyMatrix { .. }
            | Self::NotSquare { .. }
            | Self::EntryCount { .. }
            | Self::RowEntries { .. }
            | Self::ColumnLength { .. } => "shape_mismatch",
            Self::UnknownField
            | Self::InvalidField(_)
            | Self::MixedColumn { .. }
            | Self::EntrySize { .. }
            | Self::ColumnTooLarge { .. }
            | Self::IntegerRange { .. }
            | Self::VectorColumn { .. }
            | Self::UnknownColumn { .. }
            | Self::ColumnType { .. }
            | Self::DuplicateColumn { .. }
            | Self::Parameter { .. }
            | Self::KindDiffers { .. }
            | Self::OtherKind { .. }
            | Self::NullId { .. } => "invalid_parameter",
            Self::DuplicateId { .. } | Self::DuplicateEntry { .. } => "duplicate_item",
            Self::NotFound(_) => "dataset_not_found",
            Self::Expired(_) => "dataset_expired",
            Self::DiskFloor { .. } | Self::DiskFull { .. } => "insufficient_storage",
            Self::InUse { .. } => "dataset_in_use",
            Self::Io(error) if is_full(error) => "insufficient_storage",
            Self::Database(error) if has_no_room(error) => "insufficient_storage",
            Self::Damaged { .. } | Self::Record(_) | Self::Io(_) | Self::Database(_) => "internal",
        }
    }

    /// JSON pointer to the offence, where the body was JSON.
    pub fn pointer(&self) -> Option<&str> {
        if let Self::At { pointer, .. } = self { Some(pointer) } else { None }
    }

    /// This error at a place of a JSON body.
    pub(crate) fn at(self, pointer: impl Into<String>) -> Self {
        Self::At { pointer: pointer.into(), error: Box::new(self) }
    }

    pub(super) fn database(error: impl Into<redb::Error>) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the database failed for want of room.
pub(crate) fn has_no_room(error: &redb::Error) -> bool {
    matches!(error, redb::Error::Io(error) if is_full(error))
}

fn describe_place(pointer: &str) -> String {
    if pointer.is_empty() { String::new() } else { format!("{pointer}: ") }
}

fn describe_value(value: f64) -> &'static str {
    if value.is_finite() { "is beyond the range of 32-bit floats" } else { "is not a finite number" }
}

fn describe_candidates(candidates: &[String]) -> String {
    if candidates.is_empty() {
        "no column is a list of floats, so none can be the vectors".into()
    } else {
        format!("several columns could be the vectors: {candidates:?}; name one with `vectors`")
    }
}
