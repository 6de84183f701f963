//! Datasets by reference: bytes that the service fetches itself, from where its operator allows.
//!
//! A source is compared with the prefixes by its parts before anything is touched, and for files once more by the kernel
//! while it opens. What it sends is copied and hashed like an upload, so a later change of the source changes nothing.

mod file;
#[cfg(feature = "object-store")]
mod object;
mod uri;

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

pub use uri::InvalidUri;
use uri::Uri;

/// Where datasets may be read from.
#[derive(Debug)]
pub struct Sources {
    prefixes: Vec<Uri>,
    patience: Duration,
}

/// A source that is being read.
pub struct OpenSource {
    uri: Uri,
    bytes: u64,
    pieces: Pieces,
    patience: Duration,
}

/// Pieces of a source, in order; the reason of a failure.
type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, String>> + Send>>;

/// Why a source is not read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not under a prefix, or a kind of source that this service does not read.
    #[error("{uri}: {reason}")]
    NotAllowed {
        /// The source as it was given.
        uri: String,
        /// Why, and what would be.
        reason: String,
    },
    /// It cannot be read.
    #[error("{uri}: {reason}")]
    Failed {
        /// The source.
        uri: String,
        /// What failed.
        reason: String,
    },
    /// It sends nothing.
    #[error("{uri}: nothing came for {} seconds", .patience.as_secs_f64())]
    Timeout {
        /// The source.
        uri: String,
        /// How long it was waited for.
        patience: Duration,
    },
}

impl SourceError {
    /// The code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "source_not_allowed",
            Self::Failed { .. } => "source_failed",
            Self::Timeout { .. } => "source_timeout",
        }
    }
}

impl Sources {
    /// Allows what is under `prefixes`: directories (`file:///mnt/embeddings`), buckets (`s3://bucket`), and parts of
    /// these that end at a slash. A source that sends nothing for `patience` has failed.
    ///
    /// # Errors
    /// The first prefix that is none.
    pub fn new(prefixes: &[String], patience: Duration) -> Result<Self, InvalidUri> {
        let prefixes = prefixes.iter().map(|prefix| Uri::parse(prefix)).collect::<Result<_, _>>()?;
        Ok(Self { prefixes, patience })
    }

    /// Begins to read a source. A thread that reads it holds the permit: where a file system hangs, that is for longer
    /// than anybody waits.
    ///
    /// # Errors
    /// [`SourceError`].
    pub async fn open(
        &self,
        source: &str,
        permit: &Arc<OwnedSemaphorePermit>,
    ) -> Result<OpenSource, SourceError> {
        let refuse = |reason: &dyn ToString| SourceError::NotAllowed {
            uri: source.into(),
            reason: reason.to_string(),
        };
        let uri = Uri::parse(source).map_err(|error| refuse(&error.reason))?;
        // Which prefixes there are is the operator's business.
        let prefix = self.prefixes.iter().find(|prefix| uri.is_under(prefix)).ok_or_else(|| {
            refuse(&"under no prefix of FEWER_SOURCES__PREFIXES (--source-prefix), the setting that allows sources")
        })?;
        let opening = async {
            match &uri {
                Uri::File { .. } => file::open(prefix, &uri, permit).await,
                #[cfg(feature = "object-store")]
                Uri::Object { .. } => object::open(&uri).await,
                #[cfg(not(feature = "object-store"))]
                Uri::Object { .. } => Err(Refusal::NotAllowed(
                    "this build reads file:// only; s3:// and gs:// need the cargo feature object-store"
                        .into(),
                )),
            }
        };
        let opened = timeout(self.patience, opening).await;
        let opened =
            opened.map_err(|_| SourceError::Timeout { uri: source.into(), patience: self.patience })?;
        match opened {
            Ok((bytes, pieces)) => Ok(OpenSource { uri, bytes, pieces, patience: self.patience }),
            Err(Refusal::NotAllowed(reason)) => Err(refuse(&reason)),
            Err(Refusal::Failed(reason)) => Err(SourceError::Failed { uri: source.into(), reason }),
        }
    }
}

/// Why opening failed.
enum Refusal {
    NotAllowed(String),
    Failed(String),
}

impl OpenSource {
    /// Bytes it has by its own word, before any is read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece, or none at its end.
    ///
    /// # Errors
    /// [`SourceError::Failed`], [`SourceError::Timeout`].
    ///
    /// # Cancel safety
    /// A piece that is not awaited to its end is given by the next call.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        match timeout(self.patience, self.pieces.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
            Ok(Some(Err(reason))) => Err(SourceError::Failed { uri: self.uri.to_string(), reason }),
            Err(_) => Err(SourceError::Timeout { uri: self.uri.to_string(), patience: self.patience }),
        }
    }
}
