//! One message of a stream: where it is, what it holds, and what it would take to decode it.

use std::io::{self, Read};
use std::sync::OnceLock;

use arrow::ipc::{self, Block, CompressionType, RecordBatch, root_as_message};
use lz4_flex::frame::FrameDecoder;

use super::refuse;
use crate::dataset::codec::Format;
use crate::dataset::codec::guard::guarded;
use crate::dataset::codec::positioned::PositionedFile;
use crate::dataset::error::DatasetError;

/// Longest description of a message: columns by the ten thousand.
const MAX_METADATA_BYTES: u64 = 16 << 20;

/// Most bytes of a message, stored and decompressed together: it is decoded whole.
const MAX_MESSAGE_BYTES: u64 = 1 << 30;

/// What stands before every message.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Bytes before the bytes of a compressed buffer: how many there will be.
const LENGTH_BYTES: u64 = 8;

/// Where a message is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: u64,
    metadata_bytes: u64,
    body_bytes: u64,
}

pub(super) struct Message {
    pub(super) place: Place,
    pub(super) content: Content,
    decompressed_bytes: u64,
    /// Set when its buffers were found to be as long as they say.
    checked: OnceLock<()>,
}

#[derive(Clone, Copy)]
pub(super) enum Content {
    Batch { rows: u64 },
    Dictionary { id: i64 },
}

impl Place {
    /// Marker and length.
    pub(super) const PREFIX_BYTES: u64 = 8;

    /// The message at an offset; none at the mark that ends the stream.
    pub(super) fn read(file: &PositionedFile, start: u64) -> Result<Option<Self>, DatasetError> {
        let cut = || refuse("it ends without the mark that ends a stream, so a part may be missing");
        let mut prefix = [0; Self::PREFIX_BYTES as usize];
        if file.bytes() < start.saturating_add(Self::PREFIX_BYTES) {
            return Err(cut());
        }
        file.read_exact_at(&mut prefix, start)?;
        let [a, b, c, d, length @ ..] = prefix;
        if [a, b, c, d] != CONTINUATION {
            return Err(refuse(format!("no message begins at byte {start}")));
        }
        let metadata_bytes = u64::from(u32::from_le_bytes(length));
        if metadata_bytes == 0 {
            return Ok(None);
        }
        if metadata_bytes > MAX_METADATA_BYTES {
            return Err(refuse(format!(
                "the message at byte {start} has a header of {metadata_bytes} bytes; at most {MAX_METADATA_BYTES} are read"
            )));
        }
        let mut place = Self { start, metadata_bytes, body_bytes: 0 };
        place.check_extent(file)?;
        place.body_bytes = u64::try_from(parse(&place.metadata(file)?)?.bodyLength())
            .map_err(|_| refuse(format!("the message at byte {start} has a negative length")))?;
        place.check_extent(file)?;
        Ok(Some(place))
    }

    fn check_extent(&self, file: &PositionedFile) -> Result<(), DatasetError> {
        let expected = self.body().saturating_add(self.body_bytes);
        if expected > file.bytes() {
            return Err(DatasetError::Length { expected, found: file.bytes() });
        }
        Ok(())
    }

    /// The description, without the body.
    pub(super) fn metadata(&self, file: &PositionedFile) -> Result<Vec<u8>, DatasetError> {
        let mut metadata = vec![0; self.metadata_bytes as usize];
        file.read_exact_at(&mut metadata, self.start + Self::PREFIX_BYTES)?;
        Ok(metadata)
    }

    /// Offset of the body.
    fn body(&self) -> u64 {
        self.start + Self::PREFIX_BYTES + self.metadata_bytes
    }

    pub(super) fn end(&self) -> u64 {
        self.body() + self.body_bytes
    }

    /// Size of the whole message.
    pub(super) fn bytes(&self) -> u64 {
        self.end() - self.start
    }

    pub(super) fn block(&self) -> Block {
        // Both were compared with what is there, and are far below their types' ends.
        let head = (Self::PREFIX_BYTES + self.metadata_bytes) as i32;
        Block::new(self.start as i64, head, self.body_bytes as i64)
    }
}

impl Message {
    /// Reads the header of the message, the `number`-th behind the schema.
    pub(super) fn read(file: &PositionedFile, place: Place, number: usize) -> Result<Self, DatasetError> {
        let metadata = place.metadata(file)?;
        let message = parse(&metadata)?;
        let (content, batch) = if let Some(batch) = message.header_as_record_batch() {
            let rows = u64::try_from(batch.length()).map_err(|_| refuse("a batch of a negative length"))?;
            (Content::Batch { rows }, batch)
        } else if let Some(dictionary) = message.header_as_dictionary_batch() {
            if dictionary.isDelta() {
                return Err(refuse("additions to a dictionary are not read: write each dictionary whole"));
            }
            let data = dictionary.data().ok_or_else(|| refuse("a dictionary without values"))?;
            (Content::Dictionary { id: dictionary.id() }, data)
        } else {
            return Err(refuse(format!("message {number} is neither a batch nor a dictionary")));
        };
        let mut decompressed_bytes = 0_u64;
        for_each_compressed(batch, place.body_bytes, &mut |offset, _| {
            let mut length = [0; LENGTH_BYTES as usize];
            file.read_exact_at(&mut length, place.body() + offset)?;
            let claimed = decompressed_length(length)?.unwrap_or(0);
            decompressed_bytes = decompressed_bytes.saturating_add(claimed);
            Ok(())
        })?;
        let message = Self { place, content, decompressed_bytes, checked: OnceLock::new() };
        if message.bytes() > MAX_MESSAGE_BYTES {
            let (bytes, limit) = (message.bytes(), MAX_MESSAGE_BYTES);
            return Err(DatasetError::BatchTooLarge { batch: number, bytes, limit });
        }
        Ok(message)
    }

    /// Bytes that decoding takes: as it is stored, and what its compressed buffers claim to become.
    pub(super) fn bytes(&self) -> u64 {
        self.place.bytes().saturating_add(self.decompressed_bytes)
    }

    /// Refuses LZ4 buffers that are longer than they claim: Arrow's decoder would follow them to their end, whereas it
    /// stops zstd at the claim. Decompresses once more, but only the first time, and keeps nothing.
    pub(super) fn check_decompression(&self, message: &[u8]) -> Result<(), DatasetError> {
        if self.decompressed_bytes == 0 || self.checked.get().is_some() {
            return Ok(());
        }
        let (head, body) = message.split_at((self.place.body() - self.place.start) as usize);
        let parsed = parse(&head[Place::PREFIX_BYTES as usize..])?;
        let dictionary = parsed.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
        let batch = parsed.header_as_record_batch().or(dictionary);
        let batch = batch.filter(|batch| {
            batch.compression().is_some_and(|compression| compression.codec() == CompressionType::LZ4_FRAME)
        });
        if let Some(batch) = batch {
            for_each_compressed(batch, body.len() as u64, &mut |offset, length| {
                let (claim, frame) = body[offset as usize..(offset + length) as usize]
                    .split_at_checked(LENGTH_BYTES as usize)
                    .ok_or_else(|| refuse("a compressed buffer without its length"))?;
                let mut bytes = [0; LENGTH_BYTES as usize];
                bytes.copy_from_slice(claim);
                let Some(claimed) = decompressed_length(bytes)? else { return Ok(()) };
                let mut frame = FrameDecoder::new(frame).take(claimed.saturating_add(1));
                let found = guarded(Format::Arrow, || io::copy(&mut frame, &mut io::sink()))?;
                if found == claimed {
                    return Ok(());
                }
                Err(refuse(format!("a compressed buffer promises {claimed} bytes and holds others")))
            })?;
        }
        self.checked.get_or_init(|| ());
        Ok(())
    }
}

/// The description of a message, verified: its tables are within it, not too many and not too deep.
pub(super) fn parse(metadata: &[u8]) -> Result<ipc::Message<'_>, DatasetError> {
    guarded(Format::Arrow, || root_as_message(metadata))
}

/// What a compressed buffer says it will become; none where it is stored as it is.
fn decompressed_length(prefix: [u8; LENGTH_BYTES as usize]) -> Result<Option<u64>, DatasetError> {
    match i64::from_le_bytes(prefix) {
        -1 => Ok(None),
        length => {
            let length = u64::try_from(length);
            length.map(Some).map_err(|_| refuse("a compressed buffer of a negative length"))
        }
    }
}

/// Checks that every buffer is inside of the body, and hands offset and length of the compressed ones to `take`.
fn for_each_compressed(
    batch: RecordBatch<'_>,
    body_bytes: u64,
    take: &mut dyn FnMut(u64, u64) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let compressed = batch.compression().is_some();
    for buffer in batch.buffers().into_iter().flatten() {
        let inside = || {
            let (offset, length) =
                (u64::try_from(buffer.offset()).ok()?, u64::try_from(buffer.length()).ok()?);
            (offset.checked_add(length)? <= body_bytes).then_some((offset, length))
        };
        let (offset, length) = inside().ok_or_else(|| refuse("a buffer outside of its message"))?;
        if compressed && length > 0 {
            if length < LENGTH_BYTES {
                return Err(refuse("a compressed buffer without its length"));
            }
            take(offset, length)?;
        }
    }
    Ok(())
}
