//! Bytes to validated data: upload, validate, keep by content, read back as rows.
//!
//! A dataset is a matrix (vectors, or a square similarity, dense or by its entries), or rankings of candidates, with
//! optional ids and attribute columns of its items. It is immutable: [`store`] keeps the bytes as they came, named by their digest, and
//! [`codec`] reads them row by row, or voter by voter, in bounded memory. Everything here blocks; nothing knows HTTP.

pub mod codec;
pub mod column;
mod database;
mod disk;
pub mod error;
pub mod record;
pub mod reference;
pub mod store;
pub mod upload;

pub use codec::{Format, Kind, Options, Ranking, RankingVisitor, RowVisitor, Source, held_bytes};
pub use column::{Column, ColumnInfo, ColumnType, Ids};
pub use database::open_database;
pub use disk::Disk;
pub use error::{DatasetError, RankingError};
pub use record::DatasetRecord;
pub use reference::{InvalidUri, OpenSource, SourceError, Sources};
pub use store::{DatasetStore, DatasetUse, Usage};
pub use upload::{Upload, digest_of_file};
