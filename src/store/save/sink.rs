//! Where the members of what is saved go.

use std::fs::File;
use std::io::{Read as _, Write as _};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{SaveError, SaveInto};
use crate::store::directory::Directory;
use crate::store::tar::write::{TarWriter, WriteError};
use crate::store::tar::{Entry, EntryKind};
use crate::sys::{Call, SysError};

/// How much is copied at once, in bytes.
const BUFFER: usize = 256 << 10;

/// Takes members one after the other.
pub(super) enum Sink<'w> {
    Archive(TarWriter<std::io::BufWriter<&'w mut dyn std::io::Write>>),
    Directory(&'w Directory),
}

impl<'w> Sink<'w> {
    pub(super) fn new(into: SaveInto<'w>) -> Self {
        match into {
            SaveInto::Archive(writer) => {
                Self::Archive(TarWriter::new(std::io::BufWriter::with_capacity(BUFFER, writer)))
            }
            SaveInto::Directory(directory) => Self::Directory(directory),
        }
    }

    pub(super) fn directory(&mut self, name: &str) -> Result<(), SaveError> {
        match self {
            Self::Archive(archive) => {
                Ok(archive.begin(&entry(&format!("{name}/"), EntryKind::Directory, 0))?)
            }
            Self::Directory(directory) => {
                let made = rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o777));
                made.call(|| format!("mkdirat({name:?})")).map_err(SaveError::Directory)
            }
        }
    }

    pub(super) fn document(&mut self, name: &str, bytes: &[u8]) -> Result<(), SaveError> {
        match self {
            Self::Archive(archive) => {
                archive.begin(&entry(name, EntryKind::Regular, bytes.len() as u64))?;
                Ok(archive.write_data(bytes)?)
            }
            Self::Directory(directory) => {
                let mut file = create(directory, name)?;
                file.write_all(bytes).call(|| format!("write({name:?})")).map_err(SaveError::Directory)
            }
        }
    }

    /// Copies `size` bytes of a file.
    pub(super) fn file(&mut self, name: &str, mut from: &File, size: u64) -> Result<(), SaveError> {
        let archive = match self {
            Self::Archive(archive) => archive,
            Self::Directory(directory) => {
                let mut file = create(directory, name)?;
                let copied = std::io::copy(&mut from.take(size), &mut file);
                return copied.map(drop).call(|| format!("write({name:?})")).map_err(SaveError::Directory);
            }
        };
        archive.begin(&entry(name, EntryKind::Regular, size))?;
        let mut buffer = vec![0; BUFFER];
        while archive.left() > 0 {
            let room = usize::try_from(archive.left()).unwrap_or(usize::MAX).min(BUFFER);
            match from.read(&mut buffer[..room]).call(|| "read(spool)").map_err(SaveError::Spool)? {
                0 => return Err(SaveError::Spool(SysError::new("read(spool)", Errno::IO))),
                count => archive.write_data(&buffer[..count])?,
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), SaveError> {
        match self {
            Self::Archive(archive) => {
                let mut writer = archive.finish()?;
                let flushed = writer.flush().call(|| "write(end)");
                flushed.map_err(|source| WriteError::Write { offset: 0, source }.into())
            }
            Self::Directory(_) => Ok(()),
        }
    }
}

fn create(directory: &Directory, name: &str) -> Result<File, SaveError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let made = rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o666));
    made.call(|| format!("openat({name:?}, CREATE|EXCL)")).map(File::from).map_err(SaveError::Directory)
}

/// A member of nobody's and of no time.
fn entry(name: &str, kind: EntryKind, size: u64) -> Entry {
    Entry {
        path: name.as_bytes().to_vec(),
        link: Vec::new(),
        kind,
        mode: if kind == EntryKind::Directory { 0o755 } else { 0o644 },
        uid: 0,
        gid: 0,
        mtime: (0, 0),
        size,
        device: (0, 0),
        xattrs: Vec::new(),
        sparse: None,
    }
}
