//! Takes the compression off a layer, told by its first bytes and not by its name or media type.
//!
//! Several gzip members or zstd frames are one stream. Behind the last of them only zeros may follow: anything
//! else would be bytes that one reader sees and another does not.
//! Source: RFC 1952 (gzip), RFC 8878 (zstd); the published layers have these two. Archives come as xz and bzip2, too.

mod gzip;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::compress::Compression;
use bzip2::bufread::MultiBzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use thiserror::Error;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use gzip::Gzip;

/// How much of a compressed stream is read at once, in bytes.
const BUFFER: usize = 256 << 10;
/// The largest zstd window, as a power of two in bytes: what a decoder may be made to allocate.
const WINDOW_LOG: u32 = 27;
/// The most memory that an xz decoder takes, in bytes; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 128 << 20;
/// As many first bytes as the longest magic number below needs.
pub(crate) const MAGIC: usize = 10;

/// Why a stream cannot be decompressed at all.
#[derive(Debug, Error)]
pub enum CompressionError {
    /// The first bytes could not be read.
    #[error("cannot read the first bytes")]
    Read(#[source] io::Error),
    /// The stream is compressed in a way that images are not.
    #[error("{0} compression is not supported (gzip, zstd, xz and bzip2 are)")]
    Unsupported(&'static str),
    /// The decoder did not start.
    #[error("cannot start the decoder of {format}")]
    Start {
        /// `zstd` or `xz`.
        format: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

/// What went wrong inside a compressed stream; travels as the inner error of an [`io::Error`].
#[derive(Debug, Error)]
pub enum StreamError {
    /// The stream stops before its end.
    #[error("{0}: the stream is cut short")]
    Truncated(&'static str),
    /// The stream is not what its format allows, or its checksum is wrong.
    #[error("{format}: the stream is corrupt: {reason}")]
    Corrupt {
        /// `gzip`, `zstd`, `xz` or `bzip2`.
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// Bytes that are neither padding nor compressed data follow the last member or frame.
    #[error("{0}: there is garbage behind the compressed data")]
    Trailing(&'static str),
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error {
            StreamError::Truncated(_) => io::ErrorKind::UnexpectedEof,
            StreamError::Corrupt { .. } | StreamError::Trailing(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

enum Format {
    Plain,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// Reads `reader` without its compression.
///
/// What is wrong further inside the stream comes as an [`io::Error`] that holds a [`StreamError`] while reading.
///
/// # Errors
/// The first bytes cannot be read, or are those of an unsupported compression.
pub fn decompress<'a>(
    mut reader: impl Read + Send + 'a,
) -> Result<Box<dyn Read + Send + 'a>, CompressionError> {
    let mut first = Vec::with_capacity(MAGIC);
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut first).map_err(CompressionError::Read)?;
    let format = detect(&first)?;
    let whole = Cursor::new(first).chain(reader);
    Ok(match format {
        Format::Plain => Box::new(whole),
        Format::Gzip => Box::new(Gzip::new(whole)),
        Format::Zstd => Box::new(Zstd::new(BufReader::with_capacity(BUFFER, whole))?),
        Format::Xz => {
            let start =
                |cause: liblzma::stream::Error| CompressionError::Start { format: "xz", cause: cause.into() };
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED).map_err(start)?;
            let decoder = XzDecoder::new_stream(BufReader::with_capacity(BUFFER, whole), stream);
            Box::new(Named { decoder, format: "xz" })
        }
        Format::Bzip2 => {
            let decoder = MultiBzDecoder::new(BufReader::with_capacity(BUFFER, whole));
            Box::new(Named { decoder, format: "bzip2" })
        }
    })
}

/// Whether a stream that begins so is compressed.
///
/// # Errors
/// It is, in a way that is not supported.
pub(crate) fn is_compressed(first: &[u8]) -> Result<bool, CompressionError> {
    let first = first.get(..MAGIC).unwrap_or(first);
    Ok(!matches!(detect(first)?, Format::Plain))
}

/// How a stream that begins so is packed; none if that is not supported.
pub(crate) fn packing(first: &[u8]) -> Option<Compression> {
    Some(match detect(first.get(..MAGIC).unwrap_or(first)).ok()? {
        Format::Plain => Compression::None,
        Format::Gzip => Compression::Gzip,
        Format::Zstd => Compression::Zstd,
        Format::Xz => Compression::Xz,
        Format::Bzip2 => Compression::Bzip2,
    })
}

fn detect(first: &[u8]) -> Result<Format, CompressionError> {
    let unsupported = |name| Err(CompressionError::Unsupported(name));
    match first {
        [0x1f, 0x8b, ..] => Ok(Format::Gzip),
        // The second one is a skippable frame, which may come first.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Format::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Format::Xz),
        // A tar may begin with a file named `BZh9`, but not with one that goes on like this.
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y'] => Ok(Format::Bzip2),
        [0x04, 0x22, 0x4d, 0x18, ..] => unsupported("lz4"),
        [0x1f, 0x9d, ..] => unsupported("compress"),
        [b'L', b'Z', b'I', b'P', 1, ..] => unsupported("lzip"),
        [b'P', b'K', 3, 4, ..] => unsupported("zip"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => unsupported("7z"),
        _ => Ok(Format::Plain),
    }
}

/// Reads to the end of `reader`, where only zeros may stand.
fn expect_padding(reader: &mut impl BufRead, format: &'static str) -> io::Result<()> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.iter().any(|&byte| byte != 0) {
            return Err(StreamError::Trailing(format).into());
        }
        let count = bytes.len();
        reader.consume(count);
    }
}

/// The frames of a zstd stream, one after the other.
struct Zstd<R> {
    reader: R,
    decoder: Decoder<'static>,
    inside_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(reader: R) -> Result<Self, CompressionError> {
        let start = |cause| CompressionError::Start { format: "zstd", cause };
        let mut decoder = Decoder::new().map_err(start)?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG)).map_err(start)?;
        Ok(Self { reader, decoder, inside_frame: false })
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let bytes = self.reader.fill_buf()?;
            let at_end = bytes.is_empty();
            if !self.inside_frame && bytes.first().is_none_or(|&byte| byte == 0) {
                expect_padding(&mut self.reader, "zstd")?;
                return Ok(0);
            }
            let mut input = InBuffer::around(bytes);
            let mut output = OutBuffer::around(buffer);
            let wanted = self
                .decoder
                .run(&mut input, &mut output)
                .map_err(|error| StreamError::Corrupt { format: "zstd", reason: error.to_string() })?;
            let (used, written) = (input.pos(), output.pos());
            self.reader.consume(used);
            // Zero: the frame is complete and all of it was given out.
            self.inside_frame = wanted != 0;
            if written > 0 {
                return Ok(written);
            }
            if at_end && self.inside_frame {
                return Err(StreamError::Truncated("zstd").into());
            }
        }
    }
}

/// A decoder whose errors say what they are about.
struct Named<D> {
    decoder: D,
    format: &'static str,
}

impl<D: Read> Read for Named<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let format = self.format;
        self.decoder.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamError::Truncated(format).into(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other
                if error.raw_os_error().is_none() =>
            {
                StreamError::Corrupt { format, reason: error.to_string() }.into()
            }
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).unwrap()
    }

    fn xz(data: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn bzip2(data: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn skippable(length: u8) -> Vec<u8> {
        let mut frame = vec![0x5a, 0x2a, 0x4d, 0x18, length, 0, 0, 0];
        frame.resize(8 + usize::from(length), 0xee);
        frame
    }

    /// Gives out one byte at a time, which is how a network behaves on a bad day.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn plain(stream: &[u8]) -> Result<Vec<u8>, String> {
        let mut data = Vec::new();
        let mut reader = decompress(Slow(stream)).map_err(|error| error.to_string())?;
        reader.read_to_end(&mut data).map_err(|error| error.to_string())?;
        Ok(data)
    }

    #[test]
    fn one_stream_of_several_parts() {
        let data: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let (a, b) = data.split_at(70_000);
        let padding = vec![0; 1000];
        for stream in [
            data.clone(),
            gzip(&data),
            [gzip(a), gzip(b)].concat(),
            [gzip(a), gzip(b""), gzip(b), padding.clone()].concat(),
            zstd(&data),
            [zstd(a), zstd(b)].concat(),
            xz(&data),
            [xz(a), vec![0; 8], xz(b)].concat(),
            bzip2(&data),
            [bzip2(a), bzip2(b)].concat(),
            [skippable(9), zstd(a), skippable(0), zstd(b), skippable(3), padding].concat(),
        ] {
            assert!(plain(&stream) == Ok(data.clone()));
        }
        assert_eq!(plain(b""), Ok(Vec::new()));
        assert_eq!(plain(&skippable(4)), Ok(Vec::new()));
    }

    #[test]
    fn broken_streams_say_how() {
        let data = b"some text, some text, some text".repeat(100);
        let (gzip, zstd, xz, bzip2) = (gzip(&data), zstd(&data), xz(&data), bzip2(&data));
        let mut wrong_sum = gzip.clone();
        let at = wrong_sum.len() - 6;
        wrong_sum[at] ^= 1;
        for (stream, problem) in [
            (gzip[..gzip.len() - 1].to_vec(), "gzip: the stream is cut short"),
            (gzip[..gzip.len() / 2].to_vec(), "gzip: the stream is cut short"),
            (gzip[..3].to_vec(), "gzip: the stream is cut short"),
            (wrong_sum, "gzip: the stream is corrupt"),
            ([&gzip[..], b"x"].concat(), "gzip: there is garbage"),
            ([&gzip[..], &[0x1f; 30]].concat(), "gzip: there is garbage"),
            ([&gzip[..], &[0, 0, 1]].concat(), "gzip: there is garbage"),
            (zstd[..zstd.len() - 1].to_vec(), "zstd: the stream is cut short"),
            (zstd[..5].to_vec(), "zstd: the stream is cut short"),
            ([&zstd[..], b"garbage"].concat(), "zstd: the stream is corrupt"),
            ([&zstd[..], &[0, 0, 1]].concat(), "zstd: there is garbage"),
            (xz[..xz.len() - 1].to_vec(), "xz: the stream is cut short"),
            ([&xz[..], b"more than a header"].concat(), "xz: the stream is corrupt"),
            (vec![0xfd, b'7', b'z', b'X', b'Z', 0, 1, 2], "xz: the stream is"),
            (bzip2[..bzip2.len() - 1].to_vec(), "bzip2: the stream is cut short"),
            (b"BZh91AY&SYxx".to_vec(), "bzip2: the stream is"),
            (vec![0x04, 0x22, 0x4d, 0x18], "lz4 compression"),
            (b"PK\x03\x04".to_vec(), "zip compression"),
        ] {
            let error = plain(&stream).unwrap_err();
            assert!(error.starts_with(problem), "{error} for {problem}");
        }
    }

    #[test]
    fn large_zstd_windows_are_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        encoder.write_all(b"text").unwrap();
        assert!(plain(&encoder.finish().unwrap()).unwrap_err().starts_with("zstd: the stream is corrupt"));
    }
}
