//! Decoders of others, held to giving errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{DatasetError, Format};

/// Runs a decoder that panics on some malformed input (the readers of Parquet pages and of Arrow schemas and batches
/// do): to the sender that is an error like any other. What it leaves half done is dropped with the source.
pub(super) fn guarded<T, E: ToString>(
    format: Format,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, DatasetError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| malformed(format, error)),
        Err(panic) => Err(malformed(format, panic_message(&*panic))),
    }
}

pub(super) fn malformed(format: Format, reason: impl ToString) -> DatasetError {
    DatasetError::Malformed { format, reason: reason.to_string() }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("undecodable")
}
