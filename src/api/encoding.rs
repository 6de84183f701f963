//! Compressed bodies: decoded as they come in, with a limit on what is sent and one on what it becomes.

use super::codes::Code;
use super::problem::Problem;
use axum::http::{HeaderMap, header};
use flate2::write::MultiGzDecoder;
use std::io::{self, Write};
use zstd::stream::raw;
use zstd::stream::zio;
use zstd::zstd_safe::DParameter;

/// Base-2 logarithm of the most that zstd may look back: 8 MiB, which RFC 8878 asks every decoder for.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentEncoding {
    Identity,
    Gzip,
    Zstd,
}

impl ContentEncoding {
    /// What the request declares.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut declared = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = declared.next() else { return Ok(Self::Identity) };
        let name = value.to_str().unwrap_or_default().trim().to_ascii_lowercase();
        match (name.as_str(), declared.next()) {
            ("identity", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            ("zstd", None) => Ok(Self::Zstd),
            _ => Err(Problem::new(
                Code::UnsupportedEncoding,
                format!(
                    "Content-Encoding {value:?} is not read: send one of gzip and zstd, or the body as it is"
                ),
            )),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// How large a body may be, and what changes that.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyLimit {
    pub(super) bytes: u64,
    pub(super) setting: &'static str,
}

impl BodyLimit {
    /// The refusal of a body that is too large as it is sent.
    pub(super) fn exceeded(self) -> Problem {
        let Self { bytes, setting } = self;
        Problem::new(Code::PayloadTooLarge, format!("the limit is {bytes} bytes; the setting is {setting}"))
    }

    fn exceeded_decoded(self) -> Problem {
        let Self { bytes, setting } = self;
        Problem::new(
            Code::PayloadTooLarge,
            format!(
                "the body decompresses to more than the limit of {bytes} bytes; the setting is {setting}"
            ),
        )
    }
}

/// Decodes a body piece by piece and hands on what it becomes.
pub(super) struct BodyDecoder<T: FnMut(&[u8]) -> Result<(), Problem>> {
    encoding: ContentEncoding,
    limit: BodyLimit,
    received: u64,
    decoder: Decoder<T>,
}

enum Decoder<T: FnMut(&[u8]) -> Result<(), Problem>> {
    Identity(Taker<T>),
    Gzip(Box<MultiGzDecoder<Taker<T>>>),
    Zstd(Box<zio::Writer<Taker<T>, raw::Decoder<'static>>>),
}

/// Hands bytes on while they are within the limit, and after a refusal none.
struct Taker<T> {
    take: T,
    limit: BodyLimit,
    taken: u64,
    refusal: Option<Problem>,
}

impl<T: FnMut(&[u8]) -> Result<(), Problem>> BodyDecoder<T> {
    pub(super) fn new(encoding: ContentEncoding, limit: BodyLimit, take: T) -> Result<Self, Problem> {
        let taker = Taker { take, limit, taken: 0, refusal: None };
        let decoder = match encoding {
            ContentEncoding::Identity => Decoder::Identity(taker),
            ContentEncoding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(taker))),
            ContentEncoding::Zstd => {
                let mut decoder = raw::Decoder::new().map_err(|error| Problem::internal(&error))?;
                let window = DParameter::WindowLogMax(ZSTD_WINDOW_LOG);
                decoder.set_parameter(window).map_err(|error| Problem::internal(&error))?;
                Decoder::Zstd(Box::new(zio::Writer::new(taker, decoder)))
            }
        };
        Ok(Self { encoding, limit, received: 0, decoder })
    }

    /// Takes the next piece of the body.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), Problem> {
        self.received = self.received.saturating_add(piece.len() as u64);
        if self.received > self.limit.bytes {
            return Err(self.limit.exceeded());
        }
        let written = match &mut self.decoder {
            Decoder::Identity(taker) => taker.write_all(piece),
            Decoder::Gzip(decoder) => decoder.write_all(piece),
            Decoder::Zstd(decoder) => decoder.write_all(piece),
        };
        written.map_err(|error| self.refusal(&error))
    }

    /// The body has ended: refuses one that is cut short.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        let finished = match &mut self.decoder {
            Decoder::Identity(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zstd(decoder) => decoder.flush().and_then(|()| decoder.finish()),
        };
        finished.map_err(|error| self.refusal(&error))
    }

    /// Why decoding stopped: whoever takes the bytes refused them, or they are not what was declared.
    fn refusal(&mut self, error: &io::Error) -> Problem {
        let taker = match &mut self.decoder {
            Decoder::Identity(taker) => taker,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.writer_mut(),
        };
        taker.refusal.clone().unwrap_or_else(|| {
            let name = self.encoding.name();
            Problem::new(Code::MalformedBody, format!("the body cannot be decoded as {name}: {error}"))
        })
    }
}

impl<T: FnMut(&[u8]) -> Result<(), Problem>> Write for Taker<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.refusal.is_none() {
            self.taken = self.taken.saturating_add(bytes.len() as u64);
            let within = self.taken <= self.limit.bytes;
            let taken = if within { (self.take)(bytes) } else { Err(self.limit.exceeded_decoded()) };
            self.refusal = taken.err();
        }
        match self.refusal {
            None => Ok(bytes.len()),
            Some(_) => Err(io::Error::other("refused")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    const TEXT: &[u8] = b"the same bytes, over and over; the same bytes, over and over";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    /// What a body becomes, sent in pieces of `size` bytes.
    fn decode(encoding: ContentEncoding, body: &[u8], size: usize, limit: u64) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::new();
        let limit = BodyLimit { bytes: limit, setting: "THE_SETTING" };
        let mut decoder = BodyDecoder::new(encoding, limit, |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        body.chunks(size).try_for_each(|piece| decoder.write(piece))?;
        decoder.finish()?;
        Ok(out)
    }

    #[test]
    fn members_and_frames_join_however_they_are_cut() {
        for (encoding, parts) in [
            (ContentEncoding::Gzip, [gzip(TEXT), gzip(b""), gzip(TEXT)]),
            (ContentEncoding::Zstd, [zstd(TEXT), zstd(b""), zstd(TEXT)]),
        ] {
            let body = parts.concat();
            for size in [1, 2, 7, body.len()] {
                assert_eq!(decode(encoding, &body, size, 1 << 20).unwrap(), [TEXT, TEXT].concat());
            }
        }
    }

    #[test]
    fn no_truncation_and_no_trailing_byte_is_accepted() {
        for (encoding, body) in [(ContentEncoding::Gzip, gzip(TEXT)), (ContentEncoding::Zstd, zstd(TEXT))] {
            for bytes in 0..body.len() {
                let problem = decode(encoding, &body[..bytes], 5, 1 << 20).unwrap_err();
                assert_eq!(problem.code, Code::MalformedBody, "{encoding:?}, {bytes} bytes");
            }
            for garbage in [&b"x"[..], b"\0", b"\x1f", b"\x28\xb5", b"more than a header can be"] {
                let problem = decode(encoding, &[&body, garbage].concat(), 5, 1 << 20).unwrap_err();
                assert_eq!(problem.code, Code::MalformedBody, "{encoding:?}, {garbage:?}");
            }
        }
    }

    #[test]
    fn each_side_has_the_limit_and_says_so() {
        let zeros = vec![0; 4 << 20];
        for (encoding, body) in [(ContentEncoding::Gzip, gzip(&zeros)), (ContentEncoding::Zstd, zstd(&zeros))]
        {
            let limit = zeros.len() as u64;
            assert_eq!(decode(encoding, &body, 999, limit).unwrap().len() as u64, limit);
            let problem = decode(encoding, &body, body.len(), limit - 1).unwrap_err();
            assert_eq!(problem.code, Code::PayloadTooLarge);
            let told = format!("decompresses to more than the limit of {} bytes", limit - 1);
            assert!(problem.detail.contains(&told) && problem.detail.contains("THE_SETTING"), "{problem:?}");
            let problem = decode(encoding, &body, 999, body.len() as u64 - 1).unwrap_err();
            let told = format!("the limit is {} bytes", body.len() - 1);
            // Either side may be the first to be full, but a sink never holds more than the limit.
            assert!(problem.detail.contains(&told) || problem.detail.contains("decompresses"), "{problem:?}");
        }
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let noise: Vec<u8> = noise.take(4096).collect();
        let body = gzip(&noise);
        assert!(body.len() > noise.len());
        let problem = decode(ContentEncoding::Gzip, &body, 4096, noise.len() as u64).unwrap_err();
        assert!(problem.detail.starts_with("the limit is 4096 bytes"), "{problem:?}");
    }

    #[test]
    fn a_window_beyond_eight_mebibytes_is_refused() {
        let encode = |log: u32| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(TEXT).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(decode(ContentEncoding::Zstd, &encode(ZSTD_WINDOW_LOG), 9, 1 << 20).unwrap(), TEXT);
        let problem = decode(ContentEncoding::Zstd, &encode(ZSTD_WINDOW_LOG + 1), 9, 1 << 20).unwrap_err();
        assert_eq!(problem.code, Code::MalformedBody, "{problem:?}");
    }
}
