//! Settings: defaults, then a file, then the environment, then flags.

mod byte_size;
mod document;
mod layers;
mod memory;
mod settings;
mod value;

pub use byte_size::ByteSize;
pub use document::{example, markdown};
pub use layers::{ConfigError, Effective, Flags, Origin};
pub use settings::{Retention, Settings};
