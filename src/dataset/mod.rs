//! Bytes to validated data.
