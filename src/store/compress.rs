//! Compresses what is written, for archives that leave the store.

use std::io::{self, Write};

use bzip2::write::BzEncoder;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;

/// What `xz` does when nothing is said.
const XZ_LEVEL: u32 = 6;

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The `.xz` format of XZ Utils.
    Xz,
    /// The format of bzip2.
    Bzip2,
}

/// Endings of names, in lower case, and what they ask for.
const ENDINGS: [(&[&str], Compression); 4] = [
    (&[".gz", ".tgz", ".taz"], Compression::Gzip),
    (&[".zst", ".tzst", ".zstd"], Compression::Zstd),
    (&[".xz", ".txz"], Compression::Xz),
    (&[".bz2", ".tbz2", ".tbz", ".tb2"], Compression::Bzip2),
];
/// Endings that ask for what this program does not write.
const FOREIGN: [&str; 12] =
    [".7z", ".br", ".lz", ".lz4", ".lzma", ".lzo", ".rar", ".tlz", ".tz", ".tzo", ".z", ".zip"];

impl Compression {
    /// What the ending of a file's name asks for, in any case; none for what this program does not write.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending.as_bytes()));
        if ends(&FOREIGN) {
            return None;
        }
        let found = ENDINGS.iter().find(|(endings, _)| ends(endings));
        Some(found.map_or(Self::None, |(_, compression)| *compression))
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
    /// With the check that the tool has.
    Xz(XzEncoder<W>),
    /// In the largest blocks.
    Bzip2(BzEncoder<W>),
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
            Compression::Xz => Self::Xz(XzEncoder::new(writer, XZ_LEVEL)),
            Compression::Bzip2 => Self::Bzip2(BzEncoder::new(writer, bzip2::Compression::best())),
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
            Self::Xz(encoder) => encoder.finish(),
            Self::Bzip2(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
            Self::Xz(encoder) => encoder.write(bytes),
            Self::Bzip2(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
            Self::Xz(encoder) => encoder.flush(),
            Self::Bzip2(encoder) => encoder.flush(),
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
        for (name, size, magic) in [
            ("x.tar", 28_000, &b"a t"[..]),
            ("x", 28_000, b"a t"),
            ("x.tar.gz", 1000, &[0x1f, 0x8b]),
            ("X.TAR.GZ", 1000, &[0x1f, 0x8b]),
            ("x.Tgz", 1000, &[0x1f, 0x8b]),
            ("x.tzst", 1000, &[0x28, 0xb5]),
            ("x.tar.zst", 1000, &[0x28, 0xb5]),
            ("x.tar.xz", 1000, b"\xfd7zXZ"),
            ("x.txz", 1000, b"\xfd7zXZ"),
            ("x.tar.bz2", 1000, b"BZh"),
            ("x.TBZ2", 1000, b"BZh"),
        ] {
            let compression = Compression::of_name(name.as_bytes()).unwrap();
            let mut compressor = Compressor::new(Vec::new(), compression).unwrap();
            compressor.write_all(&text).unwrap();
            let bytes = compressor.finish().unwrap();
            assert!(bytes.len() <= size && bytes.starts_with(magic), "{name}");
            let mut plain = Vec::new();
            decompress(&bytes[..]).unwrap().read_to_end(&mut plain).unwrap();
            assert_eq!(plain, text, "{name}");
        }
    }

    #[test]
    fn no_name_promises_what_is_not_written() {
        for name in ["x.tar.lz4", "x.zip", "X.TAR.Z", "x.7z"] {
            assert_eq!(Compression::of_name(name.as_bytes()), None, "{name}");
        }
    }
}
