//! Where a source is, in parts that can be compared.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// A file of this machine, or an object of a bucket. No segment of it is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uri {
    /// `file:///a/b`.
    File {
        /// As it was given.
        text: String,
        /// Names from the root on.
        segments: Vec<Vec<u8>>,
    },
    /// `s3://bucket/a/b`, `gs://bucket/a/b`.
    Object {
        /// As it was given.
        text: String,
        /// Which service.
        service: ObjectService,
        /// Its bucket.
        bucket: String,
        /// Parts of the key.
        segments: Vec<Vec<u8>>,
    },
}

/// A service that keeps objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectService {
    /// S3 and what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
}

/// Text that says no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct InvalidUri {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Uri {
    /// Takes a URI apart; percent-encoding is decoded once, within its segment.
    ///
    /// # Errors
    /// [`InvalidUri`].
    pub(super) fn parse(text: &str) -> Result<Self, InvalidUri> {
        let refuse = |reason| InvalidUri { text: text.into(), reason };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| refuse("not a URI; expected file:///path, s3://bucket/key or gs://bucket/key"))?;
        if rest.contains(['?', '#']) {
            return Err(refuse("a source has no query and no fragment; encode ? as %3F and # as %23"));
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let segments = segments(path).map_err(refuse)?;
        let text = text.to_owned();
        let service = match scheme.to_ascii_lowercase().as_str() {
            "file" if matches!(host, "" | "localhost") && rest.contains('/') => {
                return Ok(Self::File { text, segments });
            }
            "file" => return Err(refuse("a file has no host; write file:///path")),
            "s3" => ObjectService::S3,
            "gs" => ObjectService::Gcs,
            _ => return Err(refuse("only file://, s3:// and gs:// are read")),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || !host.chars().all(named) {
            return Err(refuse("this is no name of a bucket"));
        }
        Ok(Self::Object { text, service, bucket: host.into(), segments })
    }

    /// Whether this is `prefix`, or below it: `/data/a` is below `/data`, `/database` is not.
    pub(super) fn is_under(&self, prefix: &Self) -> bool {
        let same_root = match (self, prefix) {
            (Self::File { .. }, Self::File { .. }) => true,
            (
                Self::Object { service, bucket, .. },
                Self::Object { service: other, bucket: other_bucket, .. },
            ) => service == other && bucket == other_bucket,
            (Self::File { .. }, Self::Object { .. }) | (Self::Object { .. }, Self::File { .. }) => false,
        };
        same_root && self.segments().starts_with(prefix.segments())
    }

    pub(super) fn segments(&self) -> &[Vec<u8>] {
        match self {
            Self::File { segments, .. } | Self::Object { segments, .. } => segments,
        }
    }

    /// Path of the segments from `first` on, relative.
    pub(super) fn path_from(&self, first: usize) -> PathBuf {
        self.segments().iter().skip(first).map(|segment| Path::new(OsStr::from_bytes(segment))).collect()
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { text, .. } | Self::Object { text, .. } => f.write_str(text),
        }
    }
}

fn segments(path: &str) -> Result<Vec<Vec<u8>>, &'static str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let decode = |segment: &str| -> Result<Vec<u8>, &'static str> {
        let name: Vec<u8> = percent_decode_str(segment).collect();
        match name.as_slice() {
            b"" => Err("a part of the path is empty"),
            b"." | b".." => Err("a path must not contain . or .."),
            name if name.iter().any(|byte| matches!(byte, 0 | b'/')) => {
                Err("a name in the path contains an encoded / or a zero byte")
            }
            _ => Ok(name),
        }
    };
    path.split('/').map(decode).collect()
}
