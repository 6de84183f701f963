//! A selection from spec to result: the same engine for the service and for `fewer select`.

pub mod result;
