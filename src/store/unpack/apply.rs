//! Applies the entries of a layer one after the other.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::dress::times;
use super::error::Problem;
use super::name::Target;
use super::tree::{Missing, Node, Seen, Tree};
use super::{Form, Limits, Warning, Warnings};
use crate::store::content::Noting;
use crate::store::copy::inode;
use crate::store::merged::os;
use crate::store::tar::{Entry, EntryKind, TarReader};
use crate::sys::{Call, SysError, moment, writeback};

/// From which size on a file has the disk begin with it at once, in bytes; the many that are smaller lie together.
const LARGE: u64 = 128 << 10;

/// A layer while it is applied.
pub(super) struct Layer<'l> {
    pub(super) tree: Tree<'l>,
    pub(super) warnings: Warnings,
    pub(super) opaque_root: bool,
    /// Bytes written into files.
    pub(super) bytes: u64,
    /// Bytes of files of the layers below that a hard link needed here.
    pub(super) copied: u64,
    /// The real paths of devices that were left out.
    pub(super) devices: BTreeSet<Vec<u8>>,
    pub(super) limits: &'l Limits,
    /// What its files contribute to its digest, if it gets one.
    pub(super) noting: Option<Noting>,
}

pub(super) type Dir<'l> = Rc<Node<'l>>;

impl<'l> Layer<'l> {
    pub(super) fn new(tree: Tree<'l>, limits: &'l Limits, noting: Option<Noting>) -> Self {
        Self {
            tree,
            warnings: Warnings::default(),
            opaque_root: false,
            bytes: 0,
            copied: 0,
            devices: BTreeSet::new(),
            limits,
            noting,
        }
    }

    /// Applies one entry, whose body `archive` is about to give.
    pub(super) fn apply<R: BufRead>(
        &mut self,
        entry: &Entry,
        archive: &mut TarReader<R>,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Problem> {
        moment("entry unpacked");
        let target = match self.tree.manner.form {
            Form::Layer => Target::parse(&entry.path, self.limits)?,
            Form::Plain => Target::plain(&entry.path, self.limits)?,
        };
        match target {
            Target::Ignored => Ok(()),
            Target::Within => {
                self.warnings.add(Warning::Within { path: shown(&entry.path) });
                Ok(())
            }
            Target::Root if entry.kind == EntryKind::Directory => {
                let root = self.tree.root();
                self.dress_directory(&root, entry)
            }
            Target::Root => Err(Problem::Root),
            Target::Whiteout { parents, name } => match self.tree.walk(&parents, Missing::Stop)? {
                Some(parent) => self.tree.white_out(&parent, name),
                None => Ok(()),
            },
            Target::Opaque { directory } => match self.tree.walk(&directory, Missing::Stop)? {
                Some(node) => {
                    self.opaque_root |= node.path.is_empty();
                    self.tree.make_opaque(&node)
                }
                None => Ok(()),
            },
            Target::Item { parents, name } => {
                if let Some(parent) = self.tree.walk(&parents, Missing::Create)? {
                    self.make(&parent, name, entry, archive, progress)?;
                    self.tree.claim(&parent, name);
                }
                Ok(())
            }
        }
    }

    fn make<R: BufRead>(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
        archive: &mut TarReader<R>,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Problem> {
        match entry.kind {
            EntryKind::Regular => self.make_file(parent, name, entry, archive, progress),
            EntryKind::Directory => self.make_directory(parent, name, entry),
            EntryKind::Symlink => self.make_symlink(parent, name, entry),
            EntryKind::Hardlink => self.make_hardlink(parent, name, entry),
            EntryKind::Fifo => self.make_fifo(parent, name, entry),
            EntryKind::CharDevice | EntryKind::BlockDevice => match self.tree.manner.form {
                Form::Layer => self.leave_device_out(parent, name, entry),
                Form::Plain => self.make_device(parent, name, entry),
            },
        }
    }

    fn make_file<R: BufRead>(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
        archive: &mut TarReader<R>,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Problem> {
        if entry.size > self.limits.file {
            return Err(Problem::TooLarge { size: entry.size, limit: self.limits.file });
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file: OwnedFd = self.tree.place(parent, name, "openat", |above| {
            rustix::fs::openat(above, os(name), flags, Mode::RUSR | Mode::WUSR)
        })?;
        if let Some(outline) = archive.outline() {
            let path = parent.child(name);
            outline.file(path.strip_prefix(b"/").unwrap_or(&path));
        }
        self.write_body(file.as_fd(), entry, archive, progress)?;
        if entry.size >= LARGE && self.tree.manner.form == Form::Layer {
            // A layer is brought to the disk before anybody sees it: the disk need not wait until all is unpacked.
            writeback::begin(file.as_fd());
        }
        self.drop_inherited(file.as_fd())?;
        self.own(file.as_fd(), entry)?;
        self.set_xattrs(file.as_fd(), entry)?;
        let mode = self.kept_mode(entry);
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode)).call(|| format!("fchmod({mode:04o})"))?;
        Ok(rustix::fs::futimens(&file, &times(entry)).call(|| "futimens")?)
    }

    /// Writes the bytes of a new file, and notes what they contribute to the digest; those of files with holes are read for it.
    fn write_body<R: BufRead>(
        &mut self,
        file: BorrowedFd<'_>,
        entry: &Entry,
        archive: &mut TarReader<R>,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Problem> {
        match &entry.sparse {
            None => {
                self.noting.iter_mut().for_each(Noting::begin);
                self.write_segment(file, 0, entry.size, archive, progress)?;
            }
            Some(segments) => {
                rustix::fs::ftruncate(file, entry.size).call(|| format!("ftruncate({})", entry.size))?;
                for segment in segments {
                    self.write_segment(file, segment.offset, segment.length, archive, progress)?;
                }
            }
        }
        if let Some(noting) = &mut self.noting {
            noting.settle(rustix::fs::fstat(file).call(|| "fstat")?.st_ino, entry.size);
        }
        Ok(())
    }

    fn write_segment<R: BufRead>(
        &mut self,
        file: BorrowedFd<'_>,
        mut offset: u64,
        length: u64,
        archive: &mut TarReader<R>,
        progress: &mut dyn FnMut(),
    ) -> Result<(), Problem> {
        let mut left = length;
        if let Some(outline) = archive.outline() {
            outline.at(offset);
        }
        while left > 0 {
            let bytes = archive.data()?;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            if count == 0 {
                // The reader has held the sizes against each other already.
                return Err(Problem::System(SysError::new("read(body)", Errno::IO)));
            }
            if let Some(noting) = &mut self.noting {
                noting.add(&bytes[..count]);
            }
            inode::write_all_at(file, &bytes[..count], offset).call(|| format!("pwrite({count} bytes)"))?;
            archive.consume_data(count);
            offset += count as u64;
            left -= count as u64;
            self.bytes += count as u64;
            progress();
        }
        Ok(())
    }

    fn make_directory(&mut self, parent: &Dir<'l>, name: &[u8], entry: &Entry) -> Result<(), Problem> {
        let node = match self.tree.look(parent, name)? {
            Seen::Directory(node) => {
                self.tree.raise(&node)?;
                node
            }
            seen => self.tree.make_directory(parent, name, &seen)?,
        };
        self.dress_directory(&node, entry)
    }

    fn make_symlink(&mut self, parent: &Dir<'l>, name: &[u8], entry: &Entry) -> Result<(), Problem> {
        let place = self.tree.place(parent, name, "symlinkat", |above| {
            rustix::fs::symlinkat(os(&entry.link), above, os(name))
        });
        place?;
        self.dress_name(parent, name, entry)
    }

    fn make_fifo(&mut self, parent: &Dir<'l>, name: &[u8], entry: &Entry) -> Result<(), Problem> {
        self.tree.place(parent, name, "mknodat", |above| {
            rustix::fs::mknodat(above, os(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        })?;
        self.dress_special(parent, name, entry)
    }

    pub(super) fn dress_special(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        let Some(above) = parent.upper() else { return Ok(()) };
        self.dress_name(parent, name, entry)?;
        Ok(inode::mode_name(above, os(name), self.kept_mode(entry))?)
    }
}

/// A name of the archive for a message.
pub(super) fn shown(path: &[u8]) -> String {
    path[..path.len().min(512)].escape_ascii().to_string()
}
