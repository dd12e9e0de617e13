//! Writes tar archives: the counterpart of the reader, with the same [`Entry`].
//!
//! Headers are ustar, and a PAX header stands before an entry only where ustar has no room for what it is: a long
//! name, a large number, a fraction of a second, xattrs, holes. So every POSIX reader takes the archives. What is
//! written depends on nothing but the entries: the same tree gives the same bytes.
//! Source: POSIX.1-2017 pax; GNU tar manual, "Storing Sparse Files" (PAX 1.0).

mod block;
mod records;

use std::io::Write;

use thiserror::Error;

use super::header::BLOCK;
use super::{Entry, EntryKind, Segment};
use crate::sys::{Call, SysError};
use block::Fields;
use records::Records;

/// The largest sparse map that readers take, ours among them.
pub const SEGMENTS_MAX: usize = 1 << 18;

/// Why an archive cannot be written further.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Whoever takes the archive said no.
    #[error("cannot write the archive at byte {offset}")]
    Write {
        /// Where, in bytes of the uncompressed archive.
        offset: u64,
        /// What it said.
        #[source]
        source: SysError,
    },
    /// No archive can hold such an entry.
    #[error("cannot put `{}` into an archive: {problem}", path.escape_ascii())]
    Entry {
        /// Its name.
        path: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More or fewer bytes came than the entry said.
    #[error("an entry has {left} bytes less than it said, or more came")]
    Body {
        /// How many are missing.
        left: u64,
    },
}

/// Writes entries one after the other, each followed by its stored bytes.
pub struct TarWriter<W: Write> {
    writer: W,
    position: u64,
    /// Stored bytes of the current entry that are still to come.
    left: u64,
    padding: usize,
}

impl<W: Write> TarWriter<W> {
    /// Begins an archive. Writes in small pieces: give it a buffered writer.
    pub fn new(writer: W) -> Self {
        Self { writer, position: 0, left: 0, padding: 0 }
    }

    /// Begins an entry. The bytes of a regular file come next: all of it, or of a sparse one its segments.
    ///
    /// # Errors
    /// The entry before is not complete, no archive can hold this one, or the archive cannot be written.
    pub fn begin(&mut self, entry: &Entry) -> Result<(), WriteError> {
        if self.left > 0 {
            return Err(WriteError::Body { left: self.left });
        }
        let invalid = |problem| WriteError::Entry { path: entry.path.clone(), problem };
        let path = stored_path(entry).map_err(invalid)?;
        let map = entry.sparse.as_deref().map(|segments| map(segments, entry.size)).unwrap_or_default();
        let data = match (&entry.sparse, entry.kind) {
            (_, kind) if kind != EntryKind::Regular => 0,
            (Some(segments), _) => segments.iter().map(|segment| segment.length).sum(),
            (None, _) => entry.size,
        };
        let (fields, records) = described(entry, &path, map.len() as u64 + data).map_err(invalid)?;
        if !records.is_empty() {
            self.put_extension(&records, &fields)?;
        }
        self.put(&fields.block())?;
        self.put(&map)?;
        self.left = data;
        self.padding = padding(data);
        if data == 0 { Ok(()) } else { self.pad_if_complete() }
    }

    /// Takes stored bytes of the current entry.
    ///
    /// # Errors
    /// More came than the entry said, or the archive cannot be written.
    pub fn write_data(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let length = bytes.len() as u64;
        self.left = self.left.checked_sub(length).ok_or(WriteError::Body { left: self.left })?;
        self.put(bytes)?;
        self.pad_if_complete()
    }

    /// How many stored bytes of the current entry are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Writes the end mark and gives the writer back, which may hold bytes that are not written yet.
    ///
    /// # Errors
    /// The last entry is not complete, or the archive cannot be written.
    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.left > 0 {
            return Err(WriteError::Body { left: self.left });
        }
        self.put(&[0; 2 * BLOCK])?;
        Ok(self.writer)
    }

    fn put_extension(&mut self, records: &Records, described: &Fields) -> Result<(), WriteError> {
        let body = records.bytes();
        self.put(&Fields::of_extension(&described.path, body.len() as u64).block())?;
        self.put(body)?;
        self.put(&[0; BLOCK][..padding(body.len() as u64)])
    }

    fn pad_if_complete(&mut self) -> Result<(), WriteError> {
        if self.left > 0 {
            return Ok(());
        }
        let padding = std::mem::take(&mut self.padding);
        self.put(&[0; BLOCK][..padding])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let written = self.writer.write_all(bytes);
        let call = || format!("write({} bytes)", bytes.len());
        written.call(call).map_err(|source| WriteError::Write { offset: self.position, source })?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

/// What fills the last block of so many bytes.
fn padding(bytes: u64) -> usize {
    let over = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    (BLOCK - over) % BLOCK
}

/// The name as it is written; that of a directory ends in a slash.
fn stored_path(entry: &Entry) -> Result<Vec<u8>, &'static str> {
    if entry.path.is_empty() || entry.path.contains(&0) || entry.link.contains(&0) {
        return Err("its name is empty or holds a NUL byte");
    }
    let mut path = entry.path.clone();
    if entry.kind == EntryKind::Directory && !path.ends_with(b"/") {
        path.push(b'/');
    }
    Ok(path)
}

/// The header of an entry, and the records for what has no place in it.
fn described(entry: &Entry, path: &[u8], stored: u64) -> Result<(Fields, Records), &'static str> {
    let mut records = Records::default();
    let mut fields = Fields::of(entry)?;
    let shown = if entry.sparse.is_some() { sparse_path(path) } else { path.to_vec() };
    fields.path = records.name(b"path", shown, block::splits_path);
    fields.link = records.name(b"linkpath", entry.link.clone(), block::fits_link);
    fields.size = records.number("size", stored, block::LONG_MAX);
    fields.uid = records.number("uid", u64::from(entry.uid), block::SHORT_MAX);
    fields.gid = records.number("gid", u64::from(entry.gid), block::SHORT_MAX);
    fields.mtime = records.time(entry.mtime);
    if entry.sparse.is_some() {
        records.sparse(path, entry.size);
    }
    for (name, value) in &entry.xattrs {
        records.xattr(name, value);
    }
    Ok((fields, records))
}

/// The name under which readers that know no sparse files leave the map and the data.
fn sparse_path(path: &[u8]) -> Vec<u8> {
    let slash = path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    [&path[..slash], b"GNUSparseFile.0/", &path[slash..]].concat()
}

/// The map in front of the data: decimal numbers, a line each, up to a whole block.
fn map(segments: &[Segment], size: u64) -> Vec<u8> {
    let end = segments.last().map_or(0, |last| last.offset + last.length);
    // GNU tar makes the file as long as the last segment reaches.
    let tail = (end < size).then_some(Segment { offset: size, length: 0 });
    let segments = segments.iter().chain(&tail);
    let mut text = format!("{}\n", segments.clone().count()).into_bytes();
    for segment in segments {
        text.extend(format!("{}\n{}\n", segment.offset, segment.length).bytes());
    }
    text.resize(text.len() + padding(text.len() as u64), 0);
    text
}

#[cfg(test)]
mod tests;
