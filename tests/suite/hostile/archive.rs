//! Tar archives with any byte wrong.

use std::ops::Range;

const BLOCK: usize = 512;

/// Where the fields of a header are.
pub(super) mod field {
    use std::ops::Range;

    pub(crate) const NAME: Range<usize> = 0..100;
    pub(crate) const MODE: Range<usize> = 100..108;
    pub(crate) const UID: Range<usize> = 108..116;
    pub(crate) const GID: Range<usize> = 116..124;
    pub(crate) const SIZE: Range<usize> = 124..136;
    pub(crate) const MTIME: Range<usize> = 136..148;
    pub(crate) const CHECKSUM: Range<usize> = 148..156;
    pub(crate) const LINK: Range<usize> = 157..257;
    /// Magic and version together.
    pub(crate) const MAGIC: Range<usize> = 257..265;
    pub(crate) const MAJOR: Range<usize> = 329..337;
    pub(crate) const MINOR: Range<usize> = 337..345;
    pub(crate) const PREFIX: Range<usize> = 345..500;
}

/// A header block: of ustar, of 0:0, mode 0644 (0755 for directories), time 1, unless said otherwise.
#[derive(Clone)]
pub(super) struct Header {
    block: [u8; BLOCK],
    has_size: bool,
    has_checksum: bool,
}

impl Header {
    pub(super) fn new(flag: u8, name: impl AsRef<[u8]>) -> Self {
        let mut block = [0; BLOCK];
        block[156] = flag;
        let header = Self { block, has_size: false, has_checksum: false };
        let mode = if flag == b'5' { 0o755 } else { 0o644 };
        let header = header.put(field::NAME, name).put(field::MAGIC, b"ustar\x0000");
        header.mode(mode).octal(field::UID, 0).octal(field::GID, 0).octal(field::MTIME, 1)
    }

    pub(super) fn file(name: impl AsRef<[u8]>) -> Self {
        Self::new(b'0', name)
    }

    pub(super) fn directory(name: impl AsRef<[u8]>) -> Self {
        Self::new(b'5', name)
    }

    pub(super) fn symlink(name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        Self::new(b'2', name).put(field::LINK, to).mode(0o777)
    }

    pub(super) fn hardlink(name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        Self::new(b'1', name).put(field::LINK, to)
    }

    /// A field, filled up with NUL; what does not fit is a mistake of the case.
    pub(super) fn put(mut self, range: Range<usize>, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        assert!(bytes.len() <= range.len(), "{} bytes for {range:?}", bytes.len());
        self.has_size |= range == field::SIZE;
        self.has_checksum |= range == field::CHECKSUM;
        self.block[range.clone()].fill(0);
        self.block[range.start..range.start + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// A number as all write it: octal digits with zeros in front and a NUL behind.
    pub(super) fn octal(self, range: Range<usize>, value: u64) -> Self {
        let width = range.len() - 1;
        self.put(range, format!("{value:0width$o}\0"))
    }

    /// A number as GNU tar writes large ones.
    pub(super) fn binary(self, range: Range<usize>, value: i128) -> Self {
        let mut bytes = vec![if value < 0 { 0xff } else { 0 }; range.len()];
        for (at, byte) in bytes.iter_mut().rev().zip(value.to_le_bytes()) {
            *at = byte;
        }
        bytes[0] |= 0x80;
        self.put(range, bytes)
    }

    pub(super) fn mode(self, mode: u32) -> Self {
        self.octal(field::MODE, mode.into())
    }

    pub(super) fn owner(self, uid: u64, gid: u64) -> Self {
        self.octal(field::UID, uid).octal(field::GID, gid)
    }

    pub(super) fn time(self, seconds: u64) -> Self {
        self.octal(field::MTIME, seconds)
    }

    /// Another size than the body has.
    pub(super) fn size(self, size: u64) -> Self {
        self.octal(field::SIZE, size)
    }

    pub(super) fn device(self, major: u64, minor: u64) -> Self {
        self.octal(field::MAJOR, major).octal(field::MINOR, minor)
    }

    /// The magic and version of GNU tar.
    pub(super) fn gnu(self) -> Self {
        self.put(field::MAGIC, b"ustar  \0")
    }

    /// Nothing behind the link name, as before POSIX.
    pub(super) fn v7(mut self) -> Self {
        self.block[257..].fill(0);
        self
    }

    /// The right checksum for a file of [`plain_layer`]'s size, in the arithmetic of POSIX.
    ///
    /// [`plain_layer`]: super::parts::plain_layer
    pub(super) fn unsigned_checksum(&self) -> i64 {
        self.checksum(i64::from)
    }

    /// The same as some old systems computed it.
    pub(super) fn signed_checksum(&self) -> i64 {
        self.checksum(|byte| i64::from(byte.cast_signed()))
    }

    fn checksum(&self, value: fn(u8) -> i64) -> i64 {
        let mut header = self.clone().size("content\n".len() as u64);
        header.block[field::CHECKSUM].fill(b' ');
        header.block.iter().copied().map(value).sum()
    }

    /// The block for such a body; the checksum is right unless it was put.
    fn finish(mut self, body: usize) -> [u8; BLOCK] {
        if !self.has_size {
            self = self.octal(field::SIZE, body as u64);
        }
        if !self.has_checksum {
            self.block[field::CHECKSUM].fill(b' ');
            let sum: u64 = self.block.iter().copied().map(u64::from).sum();
            self = self.put(field::CHECKSUM, format!("{sum:06o}\0 "));
        }
        self.block
    }
}

/// An archive in the making.
#[derive(Clone, Default)]
pub(super) struct Tar {
    bytes: Vec<u8>,
    is_ended: bool,
}

impl Tar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// An entry with its body, padded.
    pub(super) fn entry(self, header: Header, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        self.raw(header.finish(body.len())).padded(body)
    }

    /// A header with nothing behind it.
    pub(super) fn header(self, header: Header) -> Self {
        self.raw(header.finish(0))
    }

    /// Bytes as they are.
    pub(super) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend(bytes.as_ref());
        self
    }

    /// Bytes, and zeros up to the next block.
    pub(super) fn padded(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend(bytes.as_ref());
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }

    pub(super) fn file(self, name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        let (tar, name) = self.named(name.as_ref());
        tar.entry(Header::file(name), body)
    }

    pub(super) fn directory(self, name: impl AsRef<[u8]>) -> Self {
        let (tar, name) = self.named(name.as_ref());
        tar.header(Header::directory(name))
    }

    pub(super) fn symlink(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        let (tar, name) = self.named(name.as_ref());
        tar.header(Header::symlink(name, to))
    }

    pub(super) fn hardlink(self, name: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        let (tar, name) = self.named(name.as_ref());
        tar.header(Header::hardlink(name, to))
    }

    /// A long name goes into a header of GNU tar before the entry.
    fn named(self, name: &[u8]) -> (Self, Vec<u8>) {
        if name.len() <= 100 {
            return (self, name.to_vec());
        }
        (self.long(b'L', [name, b"\0"].concat()), name[..100].to_vec())
    }

    /// A header of GNU tar for a long name (`L`) or link (`K`), with its body as given.
    pub(super) fn long(self, flag: u8, body: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(flag, "././@LongLink").gnu(), body)
    }

    /// PAX records for the entry that follows.
    pub(super) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let body: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.extension(b'x', body)
    }

    /// A PAX header of either kind (`x`, `g`) with its body as given.
    pub(super) fn extension(self, flag: u8, body: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(flag, "PaxHeaders/x"), body)
    }

    /// The two blocks of zeros that end an archive.
    pub(super) fn end(mut self) -> Self {
        self.is_ended = true;
        self.raw([0; 2 * BLOCK])
    }

    /// The archive without an end that was not asked for.
    pub(super) fn unended(self) -> Vec<u8> {
        self.bytes
    }

    /// The archive with its end.
    pub(super) fn finish(self) -> Vec<u8> {
        if self.is_ended { self.bytes } else { self.end().bytes }
    }
}

/// One PAX record with the right length.
pub(super) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    // The number of digits counts itself.
    let length = (rest..rest + 20).find(|length| rest + length.to_string().len() == *length).unwrap();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}
