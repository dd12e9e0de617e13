//! Compresses what is written, for archives that leave the store.

use std::io::{self, Write};

use flate2::Compression as Level;
use flate2::write::GzEncoder;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// What the ending of a file's name asks for.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Self {
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending.as_bytes()));
        match () {
            () if ends(&[".gz", ".tgz"]) => Self::Gzip,
            () if ends(&[".zst", ".tzst", ".zstd"]) => Self::Zstd,
            () => Self::None,
        }
    }
}

/// Compresses on the way to another writer.
pub enum Compressor<W: Write> {
    /// Passes everything on.
    Plain(W),
    /// Without a name or a time in its header.
    Gzip(GzEncoder<W>),
    /// With a checksum.
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    /// Begins a compressed stream.
    ///
    /// # Errors
    /// The encoder cannot be made.
    pub fn new(writer: W, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(writer),
            Compression::Gzip => Self::Gzip(GzEncoder::new(writer, Level::default())),
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(writer, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(encoder)
            }
        })
    }

    /// Ends the stream, and gives the writer back.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(writer) => Ok(writer),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::store::compression::decompress;

    #[test]
    fn what_is_compressed_is_read_again() {
        let text = b"a text and a text and a text".repeat(1000);
        for (name, size) in
            [("x.tar", 28_000), ("x.tar.gz", 1000), ("x.tgz", 1000), ("x.tzst", 1000), ("x.tar.zst", 1000)]
        {
            let mut compressor = Compressor::new(Vec::new(), Compression::of_name(name.as_bytes())).unwrap();
            compressor.write_all(&text).unwrap();
            let bytes = compressor.finish().unwrap();
            assert!(bytes.len() <= size, "{name}");
            let mut plain = Vec::new();
            decompress(&bytes[..]).unwrap().read_to_end(&mut plain).unwrap();
            assert_eq!(plain, text, "{name}");
        }
    }
}
