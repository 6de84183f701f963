//! Arrow's stream of record batches, as a table. An Arrow file is the same stream between a magic and a footer.
//!
//! Format: <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>. Opening
//! goes through the messages' headers, so that the rows are counted, and no length is believed before it is compared with
//! the bytes that are there, when Arrow's decoder first sees a message.

mod message;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, Schema};
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::{Endianness, MessageHeader, MetadataVersion};

use super::format::ARROW_FILE;
use super::guard::{guarded, malformed};
use super::positioned::PositionedFile;
use super::table::{self, ArraySink, Table};
use super::{Codec, DatasetError, Format, Header, Options};
use message::{Content, Message, Place};

/// Most messages of a stream: an index of them is held.
const MAX_MESSAGES: usize = 1 << 20;

struct Stream {
    file: PositionedFile,
    schema: Arc<Schema>,
    version: MetadataVersion,
    messages: Vec<Message>,
    rows: u64,
    /// Bytes of the largest message, as it is stored and as it is decompressed.
    largest: u64,
}

pub(super) fn open(
    file: PositionedFile,
    options: &Options,
) -> Result<(Header, Box<dyn Codec>), DatasetError> {
    table::open(Stream::index(file)?, options)
}

impl Stream {
    /// Goes through the headers. O(messages).
    fn index(file: PositionedFile) -> Result<Self, DatasetError> {
        let is_file = file.head()?.starts_with(ARROW_FILE);
        let start = if is_file { stream_start(&file)? } else { 0 };
        let first = Place::read(&file, start)?.ok_or_else(|| refuse("a stream without a schema"))?;
        let (schema, version) = schema(&first.metadata(&file)?)?;
        let mut stream =
            Self { schema: Arc::new(schema), version, messages: Vec::new(), rows: 0, largest: 0, file };
        let mut next = first.end();
        while let Some(place) = Place::read(&stream.file, next)? {
            if stream.messages.len() == MAX_MESSAGES {
                return Err(refuse(format!("more than {MAX_MESSAGES} messages: write larger batches")));
            }
            next = place.end();
            let message = Message::read(&stream.file, place, stream.messages.len())?;
            stream.largest = stream.largest.max(message.bytes());
            if let Content::Batch { rows } = message.content {
                stream.rows = stream.rows.saturating_add(rows);
            }
            stream.messages.push(message);
        }
        check_end(&stream.file, next + Place::PREFIX_BYTES, is_file)?;
        Ok(stream)
    }

    fn decoder(&self, field: usize) -> FileDecoder {
        FileDecoder::new(Arc::clone(&self.schema), self.version).with_projection(vec![field])
    }

    /// A whole message, once what it says of its buffers has been found true.
    fn load(&self, message: &Message) -> Result<Buffer, DatasetError> {
        let mut bytes = MutableBuffer::from_len_zeroed(message.place.bytes() as usize);
        self.file.read_exact_at(bytes.as_slice_mut(), message.place.start)?;
        message.check_decompression(&bytes)?;
        Ok(bytes.into())
    }
}

impl Table for Stream {
    fn format(&self) -> Format {
        Format::Arrow
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&self, field: usize, _rows: usize, take: &mut ArraySink<'_>) -> Result<(), DatasetError> {
        let dictionary = dictionary_id(&self.schema, field);
        let mut decoder = self.decoder(field);
        for message in &self.messages {
            let block = message.place.block();
            match message.content {
                Content::Dictionary { id } if Some(id) == dictionary => {
                    let bytes = self.load(message)?;
                    guarded(Format::Arrow, || decoder.read_dictionary(&block, &bytes))?;
                }
                Content::Dictionary { .. } | Content::Batch { rows: 0 } => {}
                Content::Batch { rows } => {
                    let bytes = self.load(message)?;
                    let batch = guarded(Format::Arrow, || decoder.read_record_batch(&block, &bytes))?;
                    let array = batch.as_ref().and_then(|batch| batch.columns().first());
                    let array = array.filter(|array| array.len() as u64 == rows);
                    let array = array.ok_or_else(|| refuse(format!("a batch without its {rows} rows")))?;
                    if take(array)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn reading_bytes(&self, _rows: usize, dim: usize) -> u64 {
        let index = self.messages.capacity() * size_of::<Message>();
        self.largest + (index + dim * size_of::<f32>()) as u64
    }
}

/// Where the stream begins in a file: behind the magic and the zeros that align it, to 8 bytes by the format and to 64
/// by some writers.
fn stream_start(file: &PositionedFile) -> Result<u64, DatasetError> {
    let mut start = 8;
    while start < 64 && start + 8 <= file.bytes() {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, start)?;
        if word != [0; 8] {
            break;
        }
        start += 8;
    }
    Ok(start)
}

fn schema(metadata: &[u8]) -> Result<(Schema, MetadataVersion), DatasetError> {
    let message = message::parse(metadata)?;
    let header = message.header_as_schema();
    let header = header.ok_or_else(|| refuse("the first message is no schema"))?;
    if header.endianness() != Endianness::Little {
        return Err(refuse("big-endian batches are not read: write them little-endian"));
    }
    if header.fields().is_none() || message.header_type() != MessageHeader::Schema {
        return Err(refuse("a schema without fields"));
    }
    let schema = guarded(Format::Arrow, || Ok::<_, DatasetError>(fb_to_schema(header)))?;
    Ok((schema, message.version()))
}

/// Which dictionary a column's values are in.
fn dictionary_id(schema: &Schema, field: usize) -> Option<i64> {
    let field = schema.field(field);
    if !matches!(field.data_type(), DataType::Dictionary(..)) {
        return None;
    }
    #[expect(deprecated, reason = "the stream's own numbers, which nothing else gives")]
    field.dict_id()
}

/// What may stand behind the end of the stream: nothing, or the footer that makes it a file.
fn check_end(file: &PositionedFile, end: u64, is_file: bool) -> Result<(), DatasetError> {
    let left = file.bytes() - end;
    if !is_file && left > 0 {
        return Err(refuse(format!("{left} bytes follow the end of the stream")));
    }
    if is_file {
        // The footer's length and the magic.
        let mut tail = [0; 10];
        let footer = left.checked_sub(tail.len() as u64);
        let footer = footer.ok_or_else(|| refuse("the file ends without its footer"))?;
        file.read_exact_at(&mut tail, end + footer)?;
        let [a, b, c, d, ref magic @ ..] = tail;
        if magic != ARROW_FILE || u64::from(u32::from_le_bytes([a, b, c, d])) > footer {
            return Err(refuse("the file does not end with its footer"));
        }
    }
    Ok(())
}

fn refuse(reason: impl ToString) -> DatasetError {
    malformed(Format::Arrow, reason)
}
