//! Hard links, also to what only a layer below has.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Stat};

use super::Form;
use super::apply::{Dir, Layer, shown};
use super::error::Problem;
use super::name;
use super::tree::{Missing, Seen};
use crate::store::copy::inode;
use crate::store::merged::{os, stat_name};
use crate::store::tar::Entry;
use crate::sys::SysError;

impl<'l> Layer<'l> {
    /// Gives a file that is there one more name. Overlay links nothing across layers: a file of a layer below is copied
    /// first, which is the tree that a link in one flat tree gives but for the names that the file has below.
    pub(super) fn make_hardlink(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        let missing = || Problem::MissingTarget(shown(&entry.link));
        let Some((holder, first)) = self.find_holder(entry)? else { return Err(missing()) };
        let path = holder.child(first);
        match self.tree.look(&holder, first)? {
            Seen::Directory(_) => return Err(Problem::DirectoryTarget(shown(&entry.link))),
            Seen::Nothing | Seen::Whiteout if self.devices.contains(&path) => {
                return self.leave_device_out(parent, name, entry);
            }
            Seen::Nothing | Seen::Whiteout => return Err(missing()),
            Seen::Upper(_) => {}
            Seen::Lower(place, stat) => {
                self.count_copy(&stat)?;
                self.tree.raise(&holder)?;
                let below = holder.lower().parts[place].as_fd();
                let above = holder.upper().ok_or_else(missing)?;
                inode::copy_inode(below, above, os(first), &stat, self.tree.manner.of(&stat))?;
                self.forget_note(above, first)?;
                self.tree.shade(path.clone())?;
            }
        }
        if path == parent.child(name) {
            return Err(Problem::OwnTarget);
        }
        let from = holder.upper().ok_or_else(missing)?;
        self.tree.place(parent, name, "linkat", |above| {
            rustix::fs::linkat(from, os(first), above, os(name), AtFlags::empty())
        })
    }

    /// Nothing is known of the bytes of a copy, also if something was known of an inode with that number.
    fn forget_note(&mut self, above: BorrowedFd<'_>, name: &[u8]) -> Result<(), SysError> {
        if let Some(noting) = &mut self.noting
            && let Some(copy) = stat_name(above, os(name))?
        {
            noting.forget(copy.st_ino);
        }
        Ok(())
    }

    /// A link is a few bytes in an archive, and here as large as the file.
    fn count_copy(&mut self, stat: &Stat) -> Result<(), Problem> {
        let on_disk = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        self.copied = self.copied.saturating_add(on_disk.min(u64::try_from(stat.st_size).unwrap_or(0)));
        let limit = self.limits.bytes;
        if self.bytes.saturating_add(self.copied) > limit { Err(Problem::Copies(limit)) } else { Ok(()) }
    }

    /// The directory that a link's first name lies in, and that name there; none where there is no such directory.
    fn find_holder<'e>(&mut self, entry: &'e Entry) -> Result<Option<(Dir<'l>, &'e [u8])>, Problem> {
        let mut parents = name::link_components(&entry.link, self.limits)?;
        let first = parents.pop().ok_or_else(|| Problem::DirectoryTarget(shown(&entry.link)))?;
        if first == b".." {
            return Err(Problem::DirectoryTarget(shown(&entry.link)));
        }
        let is_layer = self.tree.manner.form == Form::Layer;
        if is_layer && parents.iter().chain([&first]).any(|name| name::is_reserved(name)) {
            return Ok(None);
        }
        Ok(self.tree.walk(&parents, Missing::Stop)?.map(|holder| (holder, first)))
    }
}
