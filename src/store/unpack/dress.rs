//! The metadata of what a layer makes: owner, mode, xattrs and time.

use std::os::fd::BorrowedFd;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::apply::{Layer, shown};
use super::error::Problem;
use super::tree::{Node, Pending};
use super::{Form, OWNER, Ownership, Warning};
use crate::store::copy::inode;
use crate::store::merged::os;
use crate::store::tar::Entry;
use crate::sys::{Call, SysError};

/// The xattr of a label of `SELinux`.
const LABEL: &[u8] = b"security.selinux";

impl<'l> Layer<'l> {
    /// Gives a directory the metadata of its entry; mode and time when the layer is complete.
    pub(super) fn dress_directory(&mut self, node: &Node<'l>, entry: &Entry) -> Result<(), Problem> {
        let Some(upper) = node.upper() else { return Ok(()) };
        drop_xattrs(upper, self.tree.manner.form)?;
        self.own(upper, entry)?;
        self.set_xattrs(upper, entry)?;
        let pending = Pending { mode: self.kept_mode(entry), mtime: Some(entry.mtime) };
        self.tree.keep(&node.path, pending)
    }

    /// Owner and time of what cannot be opened.
    pub(super) fn dress_name(
        &mut self,
        parent: &Node<'l>,
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        let Some(above) = parent.upper() else { return Ok(()) };
        let owner = self.tree.manner.ownership.owner(entry.uid, entry.gid);
        inode::own_name(above, os(name), owner).map_err(|error| unmapped(error, entry))?;
        Ok(inode::time_name(above, os(name), &times(entry))?)
    }

    /// Takes the rights away that a new file has from the default ACL of its directory, which plain files may have.
    pub(super) fn drop_inherited(&self, file: BorrowedFd<'_>) -> Result<(), SysError> {
        match self.tree.manner.form {
            Form::Layer => Ok(()),
            Form::Plain => drop_xattrs(file, Form::Plain),
        }
    }

    pub(super) fn own(&self, inode: BorrowedFd<'_>, entry: &Entry) -> Result<(), Problem> {
        let Some((user, group)) = self.tree.manner.ownership.owner(entry.uid, entry.gid) else {
            return Ok(());
        };
        let (uid, gid) = (rustix::process::Uid::from_raw(user), rustix::process::Gid::from_raw(group));
        rustix::fs::fchown(inode, Some(uid), Some(gid))
            .call(|| format!("fchown({user}, {group})"))
            .map_err(|error| unmapped(error, entry))
    }

    /// The mode that the inode gets: another owner's setuid and setgid bits would be ours.
    pub(super) fn kept_mode(&self, entry: &Entry) -> u32 {
        if self.is_squashed(entry) { entry.mode & 0o1777 } else { entry.mode & 0o7777 }
    }

    fn is_squashed(&self, entry: &Entry) -> bool {
        self.tree.manner.ownership == Ownership::Squashed && (entry.uid, entry.gid) != (0, 0)
    }

    pub(super) fn set_xattrs(&mut self, inode: BorrowedFd<'_>, entry: &Entry) -> Result<(), Problem> {
        if self.is_squashed(entry) {
            let owner = format!("{}:{}:{:o}", entry.uid, entry.gid, entry.mode);
            self.set_xattr(inode, OWNER.as_bytes(), owner.as_bytes(), entry)?;
            self.warnings.add(Warning::Owners);
        }
        for (name, value) in &entry.xattrs {
            if is_kept(name, self.tree.manner.form) {
                self.set_xattr(inode, name, value, entry)?;
            } else if self.tree.manner.form == Form::Plain && name == LABEL {
                self.warnings.add(Warning::Labels);
            } else if self.tree.manner.form == Form::Plain && !is_ours(name) {
                self.warnings.add(Warning::Xattr { name: shown(name), path: shown(&entry.path) });
            }
        }
        Ok(())
    }

    fn set_xattr(
        &mut self,
        inode: BorrowedFd<'_>,
        name: &[u8],
        value: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        let dropped = match rustix::fs::fsetxattr(inode, os(name), value, XattrFlags::empty()) {
            Ok(()) => return Ok(()),
            Err(Errno::NOTSUP) => Warning::XattrsUnsupported,
            // What this user may not give away, and what is none: without it the file can only do less.
            Err(Errno::PERM | Errno::INVAL) if name == b"security.capability" => {
                Warning::Capabilities { path: shown(&entry.path) }
            }
            Err(Errno::TOOBIG) => Warning::Xattr { name: shown(name), path: shown(&entry.path) },
            Err(Errno::NOSPC) if has_room(inode) => {
                Warning::Xattr { name: shown(name), path: shown(&entry.path) }
            }
            Err(Errno::PERM) if !name.starts_with(b"user.") => {
                Warning::Xattr { name: shown(name), path: shown(&entry.path) }
            }
            Err(errno) => return Err(SysError::new(format!("fsetxattr({:?})", os(name)), errno).into()),
        };
        self.warnings.add(dropped);
        Ok(())
    }
}

/// Whether "no space left" means the inode, where some file systems have room for a few kilobytes of xattrs only, and not
/// the disk.
fn has_room(inode: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatvfs(inode).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) > 1 << 20)
}

/// Which xattrs of an archive are its own business: what this program keeps there is not, and of a layer also what
/// overlay keeps.
fn is_kept(name: &[u8], form: Form) -> bool {
    match form {
        Form::Layer => {
            name == b"security.capability"
                || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay.") && !is_ours(name))
        }
        // A label says what the machine of the archive allowed, and a mark of overlay hides what lies below it.
        Form::Plain => !is_ours(name) && name != LABEL && !name.starts_with(b"trusted.overlay."),
    }
}

fn is_ours(name: &[u8]) -> bool {
    name.starts_with(b"user.minirun.")
}

/// Removes the xattrs that a directory has from a layer below or an earlier entry, but not the mark of overlay.
fn drop_xattrs(directory: BorrowedFd<'_>, form: Form) -> Result<(), SysError> {
    for name in inode::xattr_names(directory)? {
        let name = name.strip_suffix(b"\0").unwrap_or(&name);
        if is_kept(name, form) || name == OWNER.as_bytes() {
            rustix::fs::fremovexattr(directory, os(name)).call(|| format!("fremovexattr({:?})", os(name)))?;
        }
    }
    Ok(())
}

pub(super) fn times(entry: &Entry) -> rustix::fs::Timestamps {
    inode::timestamps(entry.mtime.0, i64::from(entry.mtime.1))
}

/// The kernel says EINVAL for an ID that the user namespace does not have.
fn unmapped(source: SysError, entry: &Entry) -> Problem {
    match source.errno() {
        Errno::INVAL | Errno::PERM => Problem::Owner { uid: entry.uid, gid: entry.gid, source },
        _ => Problem::System(source),
    }
}
