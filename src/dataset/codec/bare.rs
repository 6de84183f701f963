//! What stands for a dataset where there is none: items without data.

use super::Codec;
use crate::dataset::column::{Column, Ids};
use crate::dataset::error::DatasetError;

pub(super) struct Bare;

impl Codec for Bare {
    fn column(&self, name: &str, _held_bytes: u64) -> Result<Column, DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.to_owned(), known: Vec::new() })
    }

    fn check_column(&self, name: &str) -> Result<(), DatasetError> {
        Err(DatasetError::UnknownColumn { name: name.to_owned(), known: Vec::new() })
    }

    fn ids(&self, _held_bytes: u64) -> Result<Option<Ids>, DatasetError> {
        Ok(None)
    }

    fn ids_bytes(&self) -> u64 {
        0
    }

    fn reading_bytes(&self) -> u64 {
        0
    }

    fn decoded_bytes(&self) -> u64 {
        0
    }

    fn is_bare(&self) -> bool {
        true
    }
}
