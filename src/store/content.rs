//! One digest for everything in an unpacked layer, so that it can be told later whether it is still what it was.
//!
//! Names, types, permission bits, sizes, bytes and what symlinks say count; owners, times and attributes do not. Blocks
//! of zeros count as holes, so that a copy has the digest of its model, and a huge empty file costs nothing.
//!
//! The digest is the SHA-256 of a list of all that. What stands in it for the bytes of a file is their BLAKE3: several
//! times faster where the processor has no instructions for SHA. Of a layer that is being unpacked the files are noted as
//! they are written, so that only the list is left for the end.

mod notes;

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, SeekFrom};
use rustix::io::Errno;

use super::walk::{Place, Walk, WalkError};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::hasher::Hasher;
use crate::sys::{Call, SysError};
pub(super) use notes::{Notes, Noting};

/// How much is read, and compared with zeros, at once.
const BLOCK: usize = 64 << 10;

/// The digest of what is at `path`, where a symlink at its end is followed: of a file its mode and bytes, of a directory
/// all that lies below; none of what is neither.
pub(super) fn digest_at(path: &Path) -> Result<Option<Digest>, WalkError> {
    let failed = |source| WalkError { path: path.as_os_str().as_encoded_bytes().to_vec(), source };
    let stat = rustix::fs::stat(path).call(|| format!("stat({path:?})")).map_err(failed)?;
    let (open, kind) = (OFlags::RDONLY | OFlags::CLOEXEC, FileType::from_raw_mode(stat.st_mode));
    match kind {
        FileType::Directory => {
            let root = rustix::fs::open(path, open | OFlags::DIRECTORY, Mode::empty());
            digest(root.call(|| format!("open({path:?}, DIRECTORY)")).map_err(failed)?.as_fd()).map(Some)
        }
        FileType::RegularFile => {
            let notes = Notes::default();
            let mut content = Content::new(&notes);
            content.number(u64::from(stat.st_mode));
            content.number(u64::try_from(stat.st_size).unwrap_or_default());
            let file = rustix::fs::open(path, open | OFlags::NONBLOCK, Mode::empty());
            let file = file.call(|| format!("open({path:?})")).map_err(failed)?;
            content.bytes(&file, path.as_os_str()).map_err(failed)?;
            Ok(Some(content.hash.finish()))
        }
        FileType::Symlink
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Fifo
        | FileType::Socket
        | FileType::Unknown => Ok(None),
    }
}

/// The digest of what lies below `root`.
///
/// # Errors
/// Something cannot be read.
pub(super) fn digest(root: BorrowedFd<'_>) -> Result<Digest, WalkError> {
    digest_noted(root, &Notes::default()).map(|taken| taken.digest)
}

/// A digest, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) digest: Digest,
    /// How many bytes of files were read.
    pub(super) read: u64,
}

/// The same of a tree of whose files some are noted, which are not read.
///
/// # Errors
/// As of [`digest`].
pub(super) fn digest_noted(root: BorrowedFd<'_>, notes: &Notes) -> Result<Taken, WalkError> {
    let mut walk = Walk::new(root)?;
    let mut content = Content::new(notes);
    while let Some(place) = walk.next()? {
        let directory = walk.directory().map_err(|error| place.failed(error))?;
        if let Some(directory) = directory {
            content.add(directory, &place).map_err(|error| place.failed(error))?;
        }
    }
    Ok(Taken { digest: content.hash.finish(), read: content.read })
}

struct Content<'n> {
    hash: Hasher,
    buffer: Vec<u8>,
    notes: &'n Notes,
    /// Bytes of files.
    read: u64,
}

impl<'n> Content<'n> {
    fn new(notes: &'n Notes) -> Self {
        Self { hash: Hasher::new(Algorithm::Sha256), buffer: vec![0; BLOCK], notes, read: 0 }
    }

    fn add(&mut self, directory: BorrowedFd<'_>, place: &Place) -> Result<(), SysError> {
        let stat = &place.stat;
        self.number(place.path.len() as u64);
        self.hash.update(&place.path);
        self.number(u64::from(stat.st_mode));
        match place.kind() {
            FileType::RegularFile => {
                let size = u64::try_from(stat.st_size).unwrap_or_default();
                self.number(size);
                match self.notes.find(stat.st_ino, size) {
                    Some(note) => {
                        note.tell(&mut self.hash);
                        Ok(())
                    }
                    None => self.file(directory, place.name()),
                }
            }
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(directory, place.name(), Vec::new())
                    .call(|| format!("readlinkat({:?})", place.name()))?;
                self.hash.update(link.as_bytes());
                Ok(())
            }
            FileType::CharacterDevice | FileType::BlockDevice => {
                self.number(stat.st_rdev);
                Ok(())
            }
            FileType::Directory | FileType::Fifo | FileType::Socket | FileType::Unknown => Ok(()),
        }
    }

    fn number(&mut self, number: u64) {
        self.hash.update(number.to_le_bytes());
    }

    fn file(&mut self, directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), SysError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(directory, name, flags, Mode::empty())
            .call(|| format!("openat({name:?}, NOFOLLOW)"))?;
        self.bytes(&file, name)
    }

    /// Adds the bytes of a file.
    fn bytes(&mut self, file: &OwnedFd, name: &OsStr) -> Result<(), SysError> {
        let mut bytes = blake3::Hasher::new();
        let mut at = 0;
        while let Some(data) = next_data(file, at).call(|| format!("lseek({name:?}, DATA)"))? {
            let start = data - data % BLOCK as u64;
            let count = fill(file, &mut self.buffer, start).call(|| format!("pread({name:?})"))?;
            self.read += count as u64;
            let block = self.buffer.get(..count).unwrap_or_default();
            if block.iter().any(|byte| *byte != 0) {
                self.hash.update(start.to_le_bytes());
                bytes.update(block);
            }
            if count < BLOCK {
                break;
            }
            at = start + BLOCK as u64;
        }
        self.hash.update(bytes.finalize().as_bytes());
        Ok(())
    }
}

/// Where the next bytes are that are no hole.
fn next_data(file: &OwnedFd, at: u64) -> Result<Option<u64>, Errno> {
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(data) => Ok(Some(data)),
        Err(Errno::NXIO) => Ok(None),
        // A file system that does not know its holes.
        Err(Errno::INVAL) => Ok(Some(at)),
        Err(errno) => Err(errno),
    }
}

/// Reads a block, which is shorter only at the end of the file.
fn fill(file: impl AsFd, buffer: &mut [u8], start: u64) -> Result<usize, Errno> {
    let mut count = 0;
    while count < buffer.len() {
        match rustix::io::pread(&file, &mut buffer[count..], start + count as u64) {
            Ok(0) => break,
            Ok(read) => count += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileExt as _, symlink};

    use crate::store::testing::TempDir;

    #[test]
    fn every_byte_counts_and_holes_do_not() {
        let temp = TempDir::new();
        let digest = || super::digest(temp.fd()).unwrap();
        let empty = digest();
        fs::create_dir(temp.path().join("d")).unwrap();
        fs::write(temp.path().join("d/file"), vec![7; 200_000]).unwrap();
        symlink("file", temp.path().join("d/link")).unwrap();
        let whole = digest();
        assert!(whole != empty && whole == digest());
        let file = fs::OpenOptions::new().write(true).open(temp.path().join("d/file")).unwrap();
        file.write_at(&[8], 150_000).unwrap();
        assert_ne!(digest(), whole);
        file.write_at(&[7], 150_000).unwrap();
        assert_eq!(digest(), whole);
        file.set_len(150_000).unwrap();
        assert_ne!(digest(), whole);
        file.set_len(0).unwrap();
        file.set_len(1 << 40).unwrap();
        let hole = digest();
        file.write_at(&[0; 5000], 1 << 30).unwrap();
        assert_eq!(digest(), hole);
        file.write_at(&[1], 1 << 30).unwrap();
        assert_ne!(digest(), hole);
    }
}
