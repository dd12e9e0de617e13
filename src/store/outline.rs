//! The outline of a layer's archive: all of it but the bytes of its files, which the unpacked tree has.
//!
//! Unpacking loses what a tar has besides files: the order and form of its headers, its padding, its end. Packing the
//! tree again gives an archive that means the same and has another digest, so another image. To keep the blobs would
//! make every store twice as large, and to pack all layers anew would give each image another ID wherever it goes. So
//! while a layer is read, what is no body of a file is written down as it is, and of each body only where in the tree
//! it went. A header block is mostly zeros and repeats the one before: with zstd an entry costs some twenty bytes.
//!
//! - [`OutlineWriter`] is filled by the reader of archives (`tar.rs`), and told by the unpacking (`unpack/apply.rs`)
//!   into which file a body goes. It ends up in the layer's directory, beside its tree.
//! - [`rebuild()`] is the way back: outline and tree give the archive, byte for byte.
//! - Nothing relies on it: whoever rebuilds compares the digest of what came out with the layer's diff ID
//!   (`save/layer.rs`). A layer without an outline (made by an older minirun, or with files that replace each other,
//!   whose first bytes are lost) is packed as `commit` does it and gets the diff ID of that.
//!
//! The form, inside one zstd frame: a byte for the version, then pieces. `L`, a length and so many bytes are taken as they
//! are; `F`, the length of a path and the path say which file is meant from here on; `B`, an offset and a length are bytes
//! of that file; `E` is the end. Numbers are 64 bits, least byte first.

mod rebuild;

use std::fs::File;
use std::io::{self, Write as _};

pub use rebuild::{OutlineError, rebuild};

/// The form that is described above.
const VERSION: u8 = 1;
/// How many bytes a literal piece has at most, and how long a path is at most.
const PIECE: usize = 64 << 10;
/// How hard zstd tries: headers are so alike that more of it brings little.
const LEVEL: i32 = 1;
/// How much may be written down before a layer has that many files, in bytes.
const ALLOWANCE: u64 = 64 << 20;
/// How much more for every file.
const ALLOWANCE_OF_FILE: u64 = 16 << 10;

/// Takes down the outline of an archive while that is read.
pub struct OutlineWriter {
    /// None once it is given up.
    encoder: Option<zstd::Encoder<'static, File>>,
    literal: Vec<u8>,
    /// Where the next byte of the current file belongs.
    offset: u64,
    /// Bytes of the current file that are not written down yet, up to that offset.
    body: u64,
    allowance: u64,
    failure: Option<io::Error>,
}

impl OutlineWriter {
    /// Begins in an empty file.
    ///
    /// # Errors
    /// The encoder cannot be made.
    pub fn new(file: File) -> io::Result<Self> {
        let mut writer = Self {
            encoder: Some(zstd::Encoder::new(file, LEVEL)?),
            literal: Vec::with_capacity(PIECE),
            offset: 0,
            body: 0,
            allowance: ALLOWANCE,
            failure: None,
        };
        writer.put(&[VERSION]);
        Ok(writer)
    }

    /// Takes bytes that no file has.
    pub fn literal(&mut self, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.flush_body();
        let length = bytes.len() as u64;
        match self.allowance.checked_sub(length) {
            Some(left) => self.allowance = left,
            None => self.give_up(),
        }
        while self.encoder.is_some() && !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.literal.len()));
            self.literal.extend_from_slice(now);
            bytes = later;
            if self.literal.len() == PIECE {
                self.flush_literal();
            }
        }
    }

    /// The bytes of bodies go into the file at `path` from here on.
    pub fn file(&mut self, path: &[u8]) {
        self.flush_body();
        self.flush_literal();
        if path.len() > PIECE {
            self.give_up();
        }
        self.allowance = self.allowance.saturating_add(ALLOWANCE_OF_FILE);
        self.put(b"F");
        self.put(&(path.len() as u64).to_le_bytes());
        self.put(path);
    }

    /// The next byte of a body goes to `offset` of that file.
    pub fn at(&mut self, offset: u64) {
        self.flush_body();
        self.offset = offset;
    }

    /// So many bytes went into that file.
    pub fn body(&mut self, count: usize) {
        self.offset += count as u64;
        self.body += count as u64;
    }

    /// Forgets all: the tree will not have what it would need.
    pub fn give_up(&mut self) {
        self.encoder = None;
        self.literal = Vec::new();
    }

    /// Writes the end; whether there is an outline.
    ///
    /// # Errors
    /// Something could not be written, now or before.
    pub fn finish(mut self) -> io::Result<bool> {
        self.flush_body();
        self.flush_literal();
        self.put(b"E");
        if let Some(error) = self.failure {
            return Err(error);
        }
        match self.encoder {
            Some(encoder) => encoder.finish().map(|_| true),
            None => Ok(false),
        }
    }

    fn flush_literal(&mut self) {
        if !self.literal.is_empty() {
            let literal = std::mem::take(&mut self.literal);
            self.put(b"L");
            self.put(&(literal.len() as u64).to_le_bytes());
            self.put(&literal);
            self.literal = literal;
            self.literal.clear();
        }
    }

    fn flush_body(&mut self) {
        if self.body > 0 {
            self.flush_literal();
            self.put(b"B");
            self.put(&(self.offset - self.body).to_le_bytes());
            self.put(&self.body.to_le_bytes());
            self.body = 0;
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(encoder) = &mut self.encoder
            && let Err(error) = encoder.write_all(bytes)
        {
            self.failure.get_or_insert(error);
            self.give_up();
        }
    }
}

#[cfg(test)]
mod tests;
