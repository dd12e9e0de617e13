//! From outline and tree to the archive.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

use super::{PIECE, VERSION};
use crate::store::compression::{CompressionError, decompress};
use crate::store::merged::os;
use crate::store::walk::open_below;
use crate::sys::{Call, SysError};

/// How much of a file is read at once, in bytes.
const BUFFER: usize = 256 << 10;

/// Why an archive cannot be rebuilt.
#[derive(Debug, Error)]
pub enum OutlineError {
    /// The outline is no compressed file.
    #[error("cannot read the outline of the layer")]
    Compression(#[from] CompressionError),
    /// The outline ends too early or cannot be read.
    #[error("cannot read the outline of the layer")]
    Read(#[source] io::Error),
    /// The outline says something that makes no sense.
    #[error("the outline of the layer is damaged: {0}")]
    Damaged(&'static str),
    /// The tree has not what the outline says.
    #[error("cannot read `/{}` of the layer", path.escape_ascii())]
    File {
        /// The file in the tree.
        path: Vec<u8>,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The file is shorter than it was.
    #[error("`/{}` of the layer has not the bytes that it had", .0.escape_ascii())]
    Short(Vec<u8>),
    /// Whoever takes the archive said no.
    #[error("cannot write the archive of the layer")]
    Write(#[source] io::Error),
}

/// Writes the archive whose outline this is and whose files are in `tree`.
///
/// What comes out counts only if it has the digest that it should have.
///
/// # Errors
/// The outline or the tree is not what it was, or the archive cannot be written.
pub fn rebuild(outline: File, tree: BorrowedFd<'_>, archive: &mut dyn Write) -> Result<(), OutlineError> {
    let pieces = BufReader::with_capacity(BUFFER, decompress(outline)?);
    Rebuilding { pieces, tree, above: None, file: None, buffer: vec![0; BUFFER] }.run(archive)
}

struct Rebuilding<'t, R> {
    pieces: R,
    tree: BorrowedFd<'t>,
    /// The directory of the last file, and its path.
    above: Option<(Vec<u8>, OwnedFd)>,
    /// The current file, and its path.
    file: Option<(Vec<u8>, OwnedFd)>,
    buffer: Vec<u8>,
}

impl<R: Read> Rebuilding<'_, R> {
    fn run(mut self, archive: &mut dyn Write) -> Result<(), OutlineError> {
        if self.byte()? != VERSION {
            return Err(OutlineError::Damaged("it has another form"));
        }
        loop {
            match self.byte()? {
                b'L' => {
                    let literal = self.bytes()?;
                    archive.write_all(&literal).map_err(OutlineError::Write)?;
                }
                b'F' => {
                    let path = self.bytes()?;
                    self.open(path)?;
                }
                b'B' => {
                    let (offset, length) = (self.number()?, self.number()?);
                    self.copy(offset, length, archive)?;
                }
                b'E' => break,
                _ => return Err(OutlineError::Damaged("it has a piece of no known kind")),
            }
        }
        match self.pieces.read(&mut [0]).map_err(OutlineError::Read)? {
            0 => Ok(()),
            _ => Err(OutlineError::Damaged("it goes on behind its end")),
        }
    }

    fn byte(&mut self) -> Result<u8, OutlineError> {
        let mut byte = [0];
        self.pieces.read_exact(&mut byte).map_err(OutlineError::Read)?;
        Ok(byte[0])
    }

    fn number(&mut self) -> Result<u64, OutlineError> {
        let mut bytes = [0; 8];
        self.pieces.read_exact(&mut bytes).map_err(OutlineError::Read)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, OutlineError> {
        let length = usize::try_from(self.number()?).ok().filter(|&length| length <= PIECE);
        let mut bytes = vec![0; length.ok_or(OutlineError::Damaged("a piece is too long"))?];
        self.pieces.read_exact(&mut bytes).map_err(OutlineError::Read)?;
        Ok(bytes)
    }

    /// Opens a file of the tree, name by name and never through a symlink.
    fn open(&mut self, path: Vec<u8>) -> Result<(), OutlineError> {
        let names = || path.split(|&byte| byte == b'/');
        if path.contains(&0) || names().any(|name| matches!(name, b"" | b"." | b"..")) {
            return Err(OutlineError::Damaged("a path leads out of the tree"));
        }
        let end = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        let failed = |cause| OutlineError::File { path: path.clone(), cause };
        let directory = match self.above.take().filter(|(known, _)| known == &path[..end]) {
            Some((_, directory)) => directory,
            None => open_below(self.tree, &path[..end])
                .and_then(|found| found.ok_or_else(|| SysError::new("openat(DIRECTORY)", Errno::NOENT)))
                .map_err(failed)?,
        };
        let name = os(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directory, name, flags, Mode::empty())
            .call(|| format!("openat({name:?}, NOFOLLOW)"))
            .map_err(failed)?;
        let stat = rustix::fs::fstat(&file).call(|| "fstat").map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(OutlineError::Damaged("it speaks of something that is no file"));
        }
        self.above = Some((path[..end].to_vec(), directory));
        self.file = Some((path, file));
        Ok(())
    }

    fn copy(&mut self, mut offset: u64, mut left: u64, archive: &mut dyn Write) -> Result<(), OutlineError> {
        let Some((path, file)) = &self.file else {
            return Err(OutlineError::Damaged("it has bytes of no file"));
        };
        while left > 0 {
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(BUFFER);
            let count = match rustix::io::pread(file, &mut self.buffer[..room], offset) {
                Err(Errno::INTR) => continue,
                count => count
                    .call(|| "pread")
                    .map_err(|cause| OutlineError::File { path: path.clone(), cause })?,
            };
            if count == 0 {
                return Err(OutlineError::Short(path.clone()));
            }
            archive.write_all(&self.buffer[..count]).map_err(OutlineError::Write)?;
            offset = offset.saturating_add(count as u64);
            left -= count as u64;
        }
        Ok(())
    }
}
