//! Bytes on their way from a connection, or from a source, to the disk.

use super::{DatasetReference, UploadQuery};
use crate::api::app::{App, blocking};
use crate::api::codes::Code;
use crate::api::encoding::{BodyDecoder, BodyLimit, ContentEncoding};
use crate::api::extract::{content_type, next_chunk, refuse_length};
use crate::api::json;
use crate::api::problem::Problem;
use crate::api::v1::TENANT;
use crate::dataset::{DatasetRecord, Format, Kind, OpenSource, Options, Upload};
use axum::body::{BodyDataStream, Bytes};
use axum::extract::Request;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::Instrument;

/// Pieces of a body between where they come from and the disk.
const PIECES_IN_FLIGHT: usize = 4;

/// Longest JSON body that may be a reference and not a dataset.
const LONGEST_REFERENCE: usize = 16 << 10;

/// Where pieces come from.
enum Origin {
    Body(BodyDataStream),
    Source(OpenSource),
}

/// A piece, or the end: what breaks off has none, and leaves nothing.
enum Piece {
    Bytes(Bytes),
    End,
}

/// What has come in whole.
struct Received {
    upload: Upload,
    /// Its first bytes: all of a reference.
    head: Vec<u8>,
}

/// Stores what the request holds or refers to; gives the record, and whether it is new.
pub(super) async fn store(
    app: &App,
    query: UploadQuery,
    request: Request,
) -> Result<(DatasetRecord, bool), Problem> {
    let permit = app.upload_permit()?;
    let encoding = ContentEncoding::of(request.headers())?;
    let format = Format::from_media_type(content_type(request.headers())?)?;
    query.check()?;
    let limit = limit_of(app, format);
    refuse_length(request.headers(), limit.bytes, limit.setting)?;
    let body = Origin::Body(request.into_body().into_data_stream());
    let received = copy(app, body, encoding, limit, &permit).await?;
    let reference = if format == Format::Json { reference_in(&received.head)? } else { None };
    let (upload, format) = match reference {
        None => (received.upload, format),
        Some(reference) => {
            drop(received);
            fetch(app, &reference, &permit).await?
        }
    };
    let options = Options { kind: query.kind.map(Kind::from), vectors: query.vectors, id: query.id };
    let turn = app.validate_permit().await?;
    blocking(move || {
        let _held = (permit, turn);
        Ok(upload.finish(TENANT, query.name, format, &options)?)
    })
    .await
}

fn limit_of(app: &App, format: Format) -> BodyLimit {
    match format {
        Format::Json => BodyLimit {
            bytes: app.settings.max_json_bytes,
            setting: "FEWER_LIMITS__JSON_BYTES (--max-json-bytes)",
        },
        Format::Npy | Format::Parquet | Format::Arrow | Format::Preflib => BodyLimit {
            bytes: app.settings.max_dataset_bytes,
            setting: "FEWER_LIMITS__DATASET_BYTES (--max-dataset-bytes)",
        },
    }
}

/// The reference that a JSON body is, where it has a `source`. What is no JSON is left to the reader of datasets.
fn reference_in(head: &[u8]) -> Result<Option<DatasetReference>, Problem> {
    match serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(head) {
        Ok(fields) if fields.contains_key("source") => json::read(head).map(Some),
        Ok(_) | Err(_) => Ok(None),
    }
}

async fn fetch(
    app: &App,
    reference: &DatasetReference,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<(Upload, Format), Problem> {
    let DatasetReference { source, format } = reference;
    let format = match format {
        Some(media_type) => Format::from_media_type(media_type)
            .map_err(|error| Problem::at(Code::InvalidParameter, "/format", error.to_string()))?,
        None => Format::from_path(Path::new(source)).map_err(|error| {
            let detail = format!("{error}; or give its media type as format");
            Problem::at(Code::InvalidParameter, "/source", detail)
        })?,
    };
    let limit = limit_of(app, format);
    let open = app.sources.open(source, permit).await;
    let open = open.map_err(|error| Problem::from(error).below("/source"))?;
    if open.bytes() > limit.bytes {
        return Err(limit.exceeded());
    }
    let received = copy(app, Origin::Source(open), ContentEncoding::Identity, limit, permit).await?;
    Ok((received.upload, format))
}

/// Takes the pieces of `origin` to the disk, and waits until they are there.
async fn copy(
    app: &App,
    mut origin: Origin,
    encoding: ContentEncoding,
    limit: BodyLimit,
    permit: &Arc<OwnedSemaphorePermit>,
) -> Result<Received, Problem> {
    let upload = app.datasets.begin(limit.bytes);
    let (pieces, inbox) = mpsc::channel(PIECES_IN_FLIGHT);
    let held = Arc::clone(permit);
    let write = move || {
        let _held = held;
        receive(upload, inbox, encoding, limit)
    };
    let received = tokio::spawn(blocking(write).in_current_span());
    let sent = send(&mut origin, &pieces).await;
    drop(pieces);
    let received = received.await.map_err(|error| Problem::internal(&error))??;
    sent?;
    received.ok_or_else(|| Problem::new(Code::MalformedBody, "the body broke off"))
}

async fn send(origin: &mut Origin, pieces: &mpsc::Sender<Piece>) -> Result<(), Problem> {
    loop {
        let next = match origin {
            Origin::Body(body) => next_chunk(body).await?,
            Origin::Source(source) => {
                source.next().await.map_err(|error| Problem::from(error).below("/source"))?
            }
        };
        let (piece, ended) = next.map_or((Piece::End, true), |bytes| (Piece::Bytes(bytes), false));
        // A writer that has refused the body has stopped to listen, and will say why.
        if pieces.send(piece).await.is_err() || ended {
            return Ok(());
        }
    }
}

fn receive(
    mut upload: Upload,
    mut inbox: mpsc::Receiver<Piece>,
    encoding: ContentEncoding,
    limit: BodyLimit,
) -> Result<Option<Received>, Problem> {
    let mut head = Vec::new();
    let mut decoder = BodyDecoder::new(encoding, limit, |bytes: &[u8]| {
        if head.len() <= LONGEST_REFERENCE {
            head.extend_from_slice(&bytes[..bytes.len().min(LONGEST_REFERENCE + 1 - head.len())]);
        }
        Ok(upload.write(bytes)?)
    })?;
    while let Some(piece) = inbox.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => decoder.write(&bytes)?,
            Piece::End => {
                decoder.finish()?;
                return Ok(Some(Received { upload, head }));
            }
        }
    }
    Ok(None)
}
