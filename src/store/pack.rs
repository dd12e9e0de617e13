//! Puts a tree into a tar archive: the counterpart of unpacking.
//!
//! Names are relative, the root is `./`, owners are those that this process sees. The same tree gives the same
//! bytes, but for what changes in it meanwhile: a file that disappears is left out, one that shrinks is filled up.

mod layer;
mod note;

use std::collections::HashMap;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, SeekFrom, Stat};
use rustix::io::Errno;
use thiserror::Error;

pub use layer::{pack_layer, pack_merged, pack_named, pack_stored};
pub use note::PackNote;

use super::copy::inode::{self, Marks};
use super::merged::os;
use super::tar::write::{SEGMENTS_MAX, TarWriter, WriteError};
use super::tar::{Entry, EntryKind, Segment};
use super::unpack::OWNER;
use super::walk::{Place, Walk, WalkError};
use crate::sys::{Call, SysError};

/// How much is read at once, in bytes.
const BUFFER: usize = 256 << 10;
/// How many notes are kept.
const NOTES: usize = 16;

/// Why a tree could not be packed. What was written is no archive then.
#[derive(Debug, Error)]
pub enum PackError {
    /// Something cannot be looked at.
    #[error(transparent)]
    Read(#[from] WalkError),
    /// The archive cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

struct Packer<'p, W: Write> {
    archive: TarWriter<W>,
    /// The first entry of a file with several names, by device and inode number.
    links: HashMap<(u64, u64), Entry>,
    notes: Vec<PackNote>,
    marks: Marks,
    bytes: u64,
    buffer: Vec<u8>,
    progress: &'p mut dyn FnMut(u64),
}

/// Packs what is in `root`, and gives the writer back. `progress` is told the bytes read from files.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack<W: Write>(
    root: BorrowedFd<'_>,
    writer: W,
    progress: &mut dyn FnMut(u64),
) -> Result<(W, Vec<PackNote>), PackError> {
    let mut packer = Packer::new(writer, Marks::Kept, progress);
    let mut walk = Walk::new(root)?;
    while let Some(place) = walk.next()? {
        let directory = walk.directory().map_err(|source| place.failed(source))?;
        if let Some(directory) = directory {
            packer.add(directory, &place)?;
        }
    }
    Ok((packer.archive.finish()?, packer.notes))
}

impl<'p, W: Write> Packer<'p, W> {
    fn new(writer: W, marks: Marks, progress: &'p mut dyn FnMut(u64)) -> Self {
        let (archive, links, buffer) = (TarWriter::new(writer), HashMap::new(), vec![0; BUFFER]);
        Self { archive, links, notes: Vec::new(), marks, bytes: 0, buffer, progress }
    }

    fn add(&mut self, directory: BorrowedFd<'_>, place: &Place) -> Result<(), PackError> {
        let key = (place.stat.st_dev, place.stat.st_ino);
        if let Some(first) = self.links.get(&key) {
            // Owner and mode are those of the first entry, which may have them from an xattr.
            let (path, link) = (place.path.clone(), first.path.clone());
            let entry = Entry { path, link, kind: EntryKind::Hardlink, ..first.clone() };
            return Ok(self.archive.begin(&entry)?);
        }
        let added = match place.kind() {
            FileType::RegularFile => self.add_file(directory, place)?,
            FileType::Directory => self.add_directory(directory, place)?,
            FileType::Symlink => self.add_symlink(directory, place)?,
            FileType::Fifo => self.add_special(place, EntryKind::Fifo)?,
            FileType::CharacterDevice => self.add_special(place, EntryKind::CharDevice)?,
            FileType::BlockDevice => self.add_special(place, EntryKind::BlockDevice)?,
            FileType::Socket | FileType::Unknown => {
                self.note(PackNote::Socket(shown(place)));
                None
            }
        };
        if let Some(entry) = added
            && place.stat.st_nlink > 1
            && place.kind() != FileType::Directory
        {
            self.links.insert(key, Entry { size: 0, xattrs: Vec::new(), sparse: None, ..entry });
        }
        Ok(())
    }

    fn add_directory(
        &mut self,
        directory: BorrowedFd<'_>,
        place: &Place,
    ) -> Result<Option<Entry>, PackError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Some(opened) = open(directory, place, flags)? else { return Ok(None) };
        let mut entry = entry(place, EntryKind::Directory);
        if entry.path.is_empty() {
            entry.path.extend_from_slice(b"./");
        } else {
            entry.path.push(b'/');
        }
        take_xattrs(opened.as_fd(), &mut entry, self.marks).map_err(|source| place.failed(source))?;
        self.archive.begin(&entry)?;
        Ok(Some(entry))
    }

    fn add_symlink(&mut self, directory: BorrowedFd<'_>, place: &Place) -> Result<Option<Entry>, PackError> {
        let name = place.name();
        let link = match rustix::fs::readlinkat(directory, name, Vec::new()) {
            Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
            link => link.call(|| format!("readlinkat({name:?})")).map_err(|source| place.failed(source))?,
        };
        let mut entry = entry(place, EntryKind::Symlink);
        entry.link = link.into_bytes();
        self.archive.begin(&entry)?;
        Ok(Some(entry))
    }

    fn add_special(&mut self, place: &Place, kind: EntryKind) -> Result<Option<Entry>, PackError> {
        let entry = entry(place, kind);
        self.archive.begin(&entry)?;
        Ok(Some(entry))
    }

    fn add_file(&mut self, directory: BorrowedFd<'_>, place: &Place) -> Result<Option<Entry>, PackError> {
        // What is a pipe by now must not be waited for.
        let Some(file) = open(directory, place, OFlags::RDONLY | OFlags::NONBLOCK)? else { return Ok(None) };
        let failed = |source| place.failed(source);
        let stat = rustix::fs::fstat(&file).call(|| "fstat").map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        let mut entry = entry(&Place { stat, ..place.clone() }, EntryKind::Regular);
        entry.size = u64::try_from(stat.st_size).unwrap_or(0);
        entry.sparse = segments(file.as_fd(), &stat).map_err(failed)?;
        take_xattrs(file.as_fd(), &mut entry, self.marks).map_err(failed)?;
        self.archive.begin(&entry)?;
        let whole = [Segment { offset: 0, length: entry.size }];
        for segment in entry.sparse.as_deref().unwrap_or(&whole) {
            self.add_data(file.as_fd(), place, *segment)?;
        }
        Ok(Some(entry))
    }

    fn add_data(
        &mut self,
        file: BorrowedFd<'_>,
        place: &Place,
        Segment { offset, length }: Segment,
    ) -> Result<(), PackError> {
        let mut done = 0;
        while done < length {
            let room = usize::try_from(length - done).unwrap_or(usize::MAX).min(BUFFER);
            let mut count = match rustix::io::pread(file, &mut self.buffer[..room], offset + done) {
                Err(Errno::INTR) => continue,
                count => count.call(|| "pread").map_err(|source| place.failed(source))?,
            };
            if count == 0 {
                self.note(PackNote::Shrunk(shown(place)));
                self.buffer[..room].fill(0);
                count = room;
            }
            self.archive.write_data(&self.buffer[..count])?;
            done += count as u64;
            self.bytes += count as u64;
            (self.progress)(self.bytes);
        }
        Ok(())
    }

    fn note(&mut self, note: PackNote) {
        if self.notes.len() < NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// What the metadata say.
fn entry(place: &Place, kind: EntryKind) -> Entry {
    let stat = &place.stat;
    let is_device = matches!(kind, EntryKind::CharDevice | EntryKind::BlockDevice);
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    Entry {
        path: place.path.clone(),
        link: Vec::new(),
        kind,
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
        size: 0,
        device: if is_device { device } else { (0, 0) },
        xattrs: Vec::new(),
        sparse: None,
    }
}

/// Opens something that may be gone, or be something else, by now.
fn open(directory: BorrowedFd<'_>, place: &Place, flags: OFlags) -> Result<Option<OwnedFd>, WalkError> {
    let name = place.name();
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => Ok(None),
        opened => {
            opened.call(|| format!("openat({name:?})")).map(Some).map_err(|source| place.failed(source))
        }
    }
}

/// Takes the xattrs in; one of them may say whose the file would be if there were more IDs than one.
fn take_xattrs(inode: BorrowedFd<'_>, entry: &mut Entry, marks: Marks) -> Result<(), SysError> {
    for name in inode::xattr_names(inode)? {
        let name = name.strip_suffix(b"\0").unwrap_or(&name);
        // A label says what this machine allows, and means nothing elsewhere.
        if name == b"security.selinux" || (marks == Marks::Dropped && name.starts_with(b"user.overlay.")) {
            continue;
        }
        let mut value = Vec::with_capacity(64 << 10);
        match rustix::fs::fgetxattr(inode, os(name), rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => {}
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS) => continue,
            Err(errno) => return Err(SysError::new(format!("fgetxattr({:?})", os(name)), errno)),
        }
        if name == OWNER.as_bytes() {
            take_owner(&value, entry);
        } else {
            entry.xattrs.push((name.to_vec(), value));
        }
    }
    entry.xattrs.sort();
    Ok(())
}

/// `UID:GID:MODE`; of the mode only those bits count that the file itself cannot have.
fn take_owner(value: &[u8], entry: &mut Entry) {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let mut numbers = text.split(':');
    let mut number = |radix| numbers.next().and_then(|digits| u32::from_str_radix(digits, radix).ok());
    if let (Some(uid), Some(gid), Some(mode)) = (number(10), number(10), number(8)) {
        (entry.uid, entry.gid) = (uid, gid);
        entry.mode |= mode & 0o6000;
    }
}

/// Where a file has data; none where all of it has.
fn segments(file: BorrowedFd<'_>, facts: &Stat) -> Result<Option<Vec<Segment>>, SysError> {
    let size = u64::try_from(facts.st_size).unwrap_or(0);
    if u64::try_from(facts.st_blocks).unwrap_or(0).saturating_mul(512) >= size {
        return Ok(None);
    }
    let mut segments = Vec::new();
    let (mut at, mut stored) = (0, 0);
    while at < size {
        let begin = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Err(Errno::NXIO) => break,
            // A file system that knows no holes.
            Err(Errno::INVAL) => return Ok(None),
            begin => begin.call(|| format!("lseek({at}, DATA)"))?.min(size),
        };
        let end = match rustix::fs::seek(file, SeekFrom::Hole(begin)) {
            // It has been cut off in between; what is missing is told when it is read.
            Err(Errno::NXIO) => size,
            end => end.call(|| format!("lseek({begin}, HOLE)"))?,
        };
        at = end.min(size);
        if at > begin {
            segments.push(Segment { offset: begin, length: at - begin });
            stored += at - begin;
        }
    }
    let is_sparse = stored < size && segments.len() < SEGMENTS_MAX;
    Ok(is_sparse.then_some(segments))
}

fn shown(place: &Place) -> String {
    format!("/{}", place.path.escape_ascii())
}

#[cfg(test)]
mod tests;
