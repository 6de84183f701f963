//! Which encodings there are, and how each is recognised.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::error::DatasetError;

/// An encoding of datasets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's stream; its file too, which is a stream with a footer.
    Arrow,
    /// NumPy's array file, versions 1 to 3.
    Npy,
    /// The JSON body of the wire contract.
    Json,
    /// Orders as PrefLib writes them: `.soc`, `.soi`, `.toc` and `.toi`.
    Preflib,
}

impl Format {
    /// Every encoding that is read.
    pub const ALL: [Self; 5] = [Self::Parquet, Self::Arrow, Self::Npy, Self::Json, Self::Preflib];

    /// The media type on the wire.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Npy => "application/x-npy",
            Self::Json => "application/json",
            Self::Preflib => "text/x-preflib",
        }
    }

    /// The format of a `Content-Type`; parameters such as `charset` are ignored.
    ///
    /// # Errors
    /// [`DatasetError::UnknownMediaType`].
    pub fn from_media_type(media_type: &str) -> Result<Self, DatasetError> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let found = Self::ALL.into_iter().find(|format| essence.eq_ignore_ascii_case(format.media_type()));
        found.ok_or_else(|| DatasetError::UnknownMediaType(media_type.into()))
    }

    /// The format of a file name, by its extension.
    ///
    /// # Errors
    /// [`DatasetError::UnknownExtension`].
    pub fn from_path(path: &Path) -> Result<Self, DatasetError> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "parquet" => Ok(Self::Parquet),
            "arrow" | "arrows" => Ok(Self::Arrow),
            "npy" => Ok(Self::Npy),
            "json" => Ok(Self::Json),
            "soc" | "soi" | "toc" | "toi" => Ok(Self::Preflib),
            _ => Err(DatasetError::UnknownExtension(path.display().to_string())),
        }
    }

    /// Compares the first bytes of a body with what this format begins with.
    ///
    /// # Errors
    /// [`DatasetError::EmptyBody`] or [`DatasetError::WrongMagic`].
    pub fn check_magic(self, head: &[u8]) -> Result<(), DatasetError> {
        if head.is_empty() {
            return Err(DatasetError::EmptyBody);
        }
        let begins = match self {
            Self::Parquet => head.starts_with(PARQUET),
            Self::Arrow => head.starts_with(ARROW_STREAM) || head.starts_with(ARROW_FILE),
            Self::Npy => head.starts_with(NPY),
            // Any JSON: what is not an object is refused by its place.
            Self::Json => matches!(
                head.trim_ascii_start().first(),
                Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
            ),
            // The header, or the number of alternatives where a file is of before 2022.
            Self::Preflib => matches!(head.trim_ascii_start().first(), Some(b'#' | b'0'..=b'9')),
        };
        if begins {
            Ok(())
        } else {
            Err(DatasetError::WrongMagic { declared: self, looks_like: looks_like(head) })
        }
    }

    pub(in crate::dataset) fn media_types() -> String {
        Self::ALL.map(Self::media_type).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow",
            Self::Npy => ".npy",
            Self::Json => "JSON",
            Self::Preflib => "PrefLib",
        })
    }
}

const PARQUET: &[u8] = b"PAR1";
const NPY: &[u8] = b"\x93NUMPY";
const ARROW_STREAM: &[u8] = b"\xff\xff\xff\xff";
pub(super) const ARROW_FILE: &[u8] = b"ARROW1";

fn looks_like(head: &[u8]) -> &'static str {
    let known: [(&[u8], &str); 9] = [
        (PARQUET, "Parquet"),
        (b"PARE", "encrypted Parquet"),
        (NPY, ".npy"),
        (b"PK\x03\x04", "a zip archive (.npz?)"),
        (ARROW_FILE, "an Arrow file"),
        (ARROW_STREAM, "an Arrow stream"),
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x89HDF", "HDF5"),
    ];
    if let Some((_, name)) = known.into_iter().find(|(magic, _)| head.starts_with(magic)) {
        return name;
    }
    match head.trim_ascii_start().first() {
        Some(b'{') => "a JSON object",
        Some(b'[') => "a JSON array",
        Some(byte) if byte.is_ascii_graphic() => "text",
        Some(_) => "unknown binary data",
        None => "white space",
    }
}
