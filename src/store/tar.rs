//! Reads tar archives, strictly and as a stream; [`mod@write`] is the way back.
//!
//! Whatever two readers could read differently is an error here and not a guess, so that what was checked is
//! what is unpacked. Understands v7, ustar, GNU and PAX with their sparse files. Nothing is interpreted beyond
//! the archive itself: names are bytes, and what they mean on a file system is for [`crate::store`] to say.

mod body;
mod encoding;
mod entry;
mod error;
mod header;
mod maps;
mod pax;
mod sparse;
pub mod write;

use std::io::{self, Read};

pub use entry::{Entry, EntryKind, Limits, Skipped};
use entry::{is_contradictory, kind, owner};
pub use error::{Counted, TarError};
use header::{BLOCK, Header};
use pax::Pax;
pub use sparse::Segment;

use super::outline::OutlineWriter;

/// How many skipped entries are remembered by name.
const REMEMBERED: usize = 16;

/// What extension headers say about the entry that follows them.
#[derive(Default)]
struct Extensions {
    pax: Option<Pax>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

/// Reads the entries of an archive one after the other.
pub struct TarReader<R: Read> {
    reader: R,
    limits: Limits,
    /// Header blocks so far, but for those that only say more about an entry.
    headers: u64,
    /// Bytes read so far.
    position: u64,
    /// Stored bytes of the current body that were not read yet.
    body: u64,
    /// What fills the body's last block.
    padding: u64,
    body_offset: u64,
    ended: bool,
    skipped: Vec<Skipped>,
    /// Takes down what is no body of a file.
    outline: Option<OutlineWriter>,
}

impl<R: Read> TarReader<R> {
    /// Starts at the beginning of an uncompressed archive. Reads in small pieces: give it a buffered reader.
    pub fn new(reader: R, limits: Limits) -> Self {
        Self {
            reader,
            limits,
            headers: 0,
            position: 0,
            body: 0,
            padding: 0,
            body_offset: 0,
            ended: false,
            skipped: Vec::new(),
            outline: None,
        }
    }

    /// The same, while `outline` takes down what [`TarReader::data`] does not give out.
    pub fn outlined(reader: R, limits: Limits, outline: Option<OutlineWriter>) -> Self {
        Self { outline, ..Self::new(reader, limits) }
    }

    /// What takes the archive down, if something does.
    pub fn outline(&mut self) -> Option<&mut OutlineWriter> {
        self.outline.as_mut()
    }

    /// The same, for good.
    pub fn take_outline(&mut self) -> Option<OutlineWriter> {
        self.outline.take()
    }

    /// The next entry, after the rest of the current one's body; `None` at the end.
    ///
    /// # Errors
    /// The archive is malformed, beyond a limit, or cannot be read. Nothing can be read after an error.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip_body()?;
            let offset = self.position;
            let Some(block) = self.next_header()? else {
                if extensions.is_empty() {
                    return Ok(None);
                }
                return Err(TarError::Extension { offset, problem: "no entry follows it" });
            };
            let header = Header::parse(&block, offset)?;
            if !matches!(header.flag(), b'x' | b'L' | b'K') {
                self.headers += 1;
                if self.headers > self.limits.entries {
                    return Err(TarError::TooMany { limit: self.limits.entries });
                }
            }
            match header.flag() {
                b'x' | b'g' | b'L' | b'K' => self.extend(&header, offset, &mut extensions)?,
                b'A'..=b'R' | b'T'..=b'Z' => self.skip_vendor(&header, offset, extensions.take())?,
                _ => return self.entry(&header, offset, extensions).map(Some),
            }
        }
    }

    /// Where the stored body of the current entry begins, in bytes from the start of the uncompressed archive.
    pub fn body_offset(&self) -> u64 {
        self.body_offset
    }

    /// How many stored bytes of the current body are still to be read.
    pub fn body_left(&self) -> u64 {
        self.body
    }

    /// The first few entries that were left out because only their vendor knows their type.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Makes sure that there was something to read. An archive that nothing came of is rather a failure of what wrote
    /// it; but layers of images may be so.
    ///
    /// # Errors
    /// There was not a single byte.
    pub fn check_not_empty(&self) -> Result<(), TarError> {
        if self.position == 0 { Err(TarError::Empty) } else { Ok(()) }
    }

    /// Reads to the end of the stream: the remaining entries, the end mark and whatever is behind it.
    ///
    /// # Errors
    /// As of [`TarReader::next_entry`].
    pub fn finish(&mut self) -> Result<(), TarError> {
        while self.next_entry()?.is_some() {}
        let mut buffer = vec![0; 64 << 10];
        while self.read_some(&mut buffer)? > 0 {}
        Ok(())
    }

    /// The next block that is not the end mark.
    fn next_header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        if self.ended {
            return Ok(None);
        }
        let offset = self.position;
        let mut block = [0; BLOCK];
        if self.fill(&mut block)? && block.iter().any(|&byte| byte != 0) {
            return Ok(Some(block));
        }
        self.ended = true;
        if self.position > offset && self.fill(&mut block)? && block.iter().any(|&byte| byte != 0) {
            return Err(TarError::LoneZeroBlock { offset });
        }
        Ok(None)
    }

    /// Takes an extension header and its body in.
    fn extend(&mut self, header: &Header<'_>, offset: u64, to: &mut Extensions) -> Result<(), TarError> {
        let malformed = |problem| TarError::Extension { offset, problem };
        let size = header.size()?;
        if size > self.limits.extension {
            return Err(TarError::TooLarge { offset, limit: self.limits.extension, counted: Counted::Bytes });
        }
        let body = self.read_body(size)?;
        match header.flag() {
            // Global records would apply to everything behind them; checked, and left without effect.
            b'g' if to.is_empty() => drop(Pax::parse(&body, offset, &self.limits)?),
            b'x' if to.is_empty() => to.pax = Some(Pax::parse(&body, offset, &self.limits)?),
            b'L' if to.pax.is_none() && to.path.is_none() => {
                to.path = Some(long_name(&body).map_err(malformed)?);
            }
            b'K' if to.pax.is_none() && to.link.is_none() => {
                to.link = Some(long_name(&body).map_err(malformed)?);
            }
            _ => return Err(malformed("the entry has another one already")),
        }
        Ok(())
    }

    fn skip_vendor(&mut self, header: &Header<'_>, offset: u64, said: Extensions) -> Result<(), TarError> {
        let pax = said.pax.unwrap_or_default();
        let size = pax.size.map_or_else(|| header.size(), Ok)?;
        self.begin_body(size, offset)?;
        if self.skipped.len() < REMEMBERED {
            let path = pax.path.or(said.path).unwrap_or_else(|| header.path());
            self.skipped.push(Skipped { path, flag: header.flag() });
        }
        Ok(())
    }

    fn entry(&mut self, header: &Header<'_>, offset: u64, said: Extensions) -> Result<Entry, TarError> {
        let pax = said.pax.unwrap_or_default();
        let stored = pax.size.map_or_else(|| header.size(), Ok)?;
        let form = pax.sparse_form(offset)?;
        let name = pax.sparse.name.or(pax.path).or(said.path);
        let path = name.unwrap_or_else(|| header.path());
        let kind = kind(header, &path).ok_or(TarError::Type { offset, flag: header.flag() })?;
        let is_sparse = header.flag() == b'S' || form.is_some();
        if kind == EntryKind::Regular {
            self.begin_body(stored, offset)?;
        } else {
            if is_sparse || is_contradictory(kind, header.flag(), header.size()?, pax.size) {
                return Err(TarError::Body { offset });
            }
            self.begin_body(0, offset)?;
        }
        let sparse = self.sparse_map(header, form, offset)?;
        let (sparse, size) = match sparse {
            Some((segments, size)) => (Some(segments), size),
            None => (None, self.body),
        };
        Ok(Entry {
            path,
            link: pax.link.or(said.link).unwrap_or_else(|| header.link()),
            kind,
            mode: header.mode()?,
            uid: owner(pax.uid.map_or_else(|| header.uid(), Ok)?, offset, "user id")?,
            gid: owner(pax.gid.map_or_else(|| header.gid(), Ok)?, offset, "group id")?,
            mtime: pax.mtime.map_or_else(|| header.mtime().map(|seconds| (seconds, 0)), Ok)?,
            size,
            device: match kind {
                EntryKind::CharDevice | EntryKind::BlockDevice => header.device()?,
                _ => (0, 0),
            },
            xattrs: pax.xattrs,
            sparse,
        })
    }

    /// Fills `block`; `false` at a clean end of the stream.
    fn fill(&mut self, block: &mut [u8]) -> Result<bool, TarError> {
        let mut filled = 0;
        while filled < block.len() {
            match self.read_some(&mut block[filled..])? {
                0 if filled == 0 => return Ok(false),
                0 => return Err(TarError::Truncated { offset: self.position }),
                count => filled += count,
            }
        }
        Ok(true)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, TarError> {
        loop {
            match self.reader.read(buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    if let Some(outline) = &mut self.outline {
                        outline.literal(&buffer[..count]);
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(TarError::Read { offset: self.position, source }),
            }
        }
    }
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.path.is_none() && self.link.is_none()
    }

    fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// The name in the body of a GNU long name header: NUL-terminated, and nothing behind that.
fn long_name(body: &[u8]) -> Result<Vec<u8>, &'static str> {
    let end = body.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    pax::name(&body[..end])?.ok_or("the name is empty")
}

#[cfg(test)]
mod tests;
