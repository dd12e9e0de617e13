//! What a container has, as a layer of an image or as one flat archive.
//!
//! Source: OCI image specification, layer.md, "Representing Changes".

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::{PackError, PackNote, Packer, entry, shown, take_xattrs};
use crate::store::changes::{ChangeKind, Compared, Cover};
use crate::store::copy::inode::Marks;
use crate::store::layer::LayerRecord;
use crate::store::merged::{Found, Merged, MergedDir, is_opaque, is_whiteout, open_directory, stat_name};
use crate::store::tar::{Entry, EntryKind};
use crate::store::walk::{Place, Walk, WalkError, open_below};
use crate::sys::{Call, SysError};

/// What a name begins with that removes the rest of it from the layers below.
const WHITEOUT: &[u8] = b".wh.";
/// The name that removes all that the layers below have in its directory.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// Packs what the container's tree `own` changes in its image as a layer. The same tree gives the same bytes.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack_layer<W: Write>(
    own: &OwnedFd,
    (compared, cover): (&Compared, Cover),
    writer: W,
) -> Result<(W, Vec<PackNote>), PackError> {
    let mut quiet = |_| {};
    let mut packer = Packer::new(writer, Marks::Dropped, &mut quiet);
    match cover {
        Cover::Layer => packer.add_layer(own.as_fd(), compared)?,
        Cover::Whole => packer.add_changes(own.as_fd(), compared)?,
    }
    Ok((packer.archive.finish()?, packer.notes))
}

/// Packs the tree of a layer of the store.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack_stored<W: Write>(
    tree: BorrowedFd<'_>,
    record: &LayerRecord,
    writer: W,
) -> Result<(W, Vec<PackNote>), PackError> {
    let mut quiet = |_| {};
    let mut packer = Packer::new(writer, Marks::Dropped, &mut quiet);
    if record.opaque_root {
        packer.add_mark(b"", None)?;
    }
    packer.add_layer(tree, &Compared { root_differs: true, ..Compared::default() })?;
    Ok((packer.archive.finish()?, packer.notes))
}

/// Packs the tree that a stack of layers shows.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack_merged<W: Write>(layers: &Merged, writer: W) -> Result<(W, Vec<PackNote>), PackError> {
    let mut quiet = |_| {};
    let mut packer = Packer::new(writer, Marks::Dropped, &mut quiet);
    let mut waiting: Vec<Vec<OsString>> = vec![Vec::new()];
    while let Some(names) = waiting.pop() {
        let path = path_of(&names);
        let failed = |source| PackError::Read(WalkError { path: path.clone(), source });
        let Some(directory) = layers.directory(&names).map_err(failed)? else { continue };
        packer.add_opened(&directory, &path)?;
        let mut children = directory.names().map_err(failed)?;
        children.sort_unstable();
        let mut directories = Vec::new();
        for name in children {
            match directory.find(&name).map_err(failed)? {
                Some(Found::Directory(_)) => directories.push([&names[..], &[name]].concat()),
                Some(Found::Other(place, stat)) => {
                    let path = path_of(&[&names[..], &[name]].concat());
                    packer.add(directory.parts[place].as_fd(), &Place { path, stat })?;
                }
                None => {}
            }
        }
        waiting.extend(directories.into_iter().rev());
    }
    Ok((packer.archive.finish()?, packer.notes))
}

impl<W: Write> Packer<'_, W> {
    /// The upper directory of an overlay, its marks in the form that layers have.
    fn add_layer(&mut self, own: BorrowedFd<'_>, compared: &Compared) -> Result<(), PackError> {
        let mut walk = Walk::new(own)?;
        while let Some(place) = walk.next()? {
            let is_left_out = compared.generated.contains(&[b"/", &place.path[..]].concat());
            if self.is_reserved(&place) || is_left_out {
                if place.kind() != FileType::Directory || !is_left_out {
                    walk.skip();
                }
                continue;
            }
            let directory = walk.directory().map_err(|source| place.failed(source))?;
            let Some(directory) = directory else { continue };
            if is_whiteout(&place.stat) {
                self.add_mark(&place.path, Some(place.name()))?;
            } else if !place.path.is_empty() || compared.root_differs {
                self.add(directory, &place)?;
                if place.kind() == FileType::Directory && hides(directory, &place)? {
                    self.add_mark(&[&place.path[..], b"/"].concat(), None)?;
                }
            }
        }
        Ok(())
    }

    /// What a whole tree changes.
    fn add_changes(&mut self, own: BorrowedFd<'_>, compared: &Compared) -> Result<(), PackError> {
        if compared.root_differs {
            let stat = rustix::fs::fstat(own).call(|| "fstat(root)");
            let stat = stat.map_err(|source| WalkError { path: Vec::new(), source })?;
            self.add(own, &Place { path: Vec::new(), stat })?;
        }
        for change in &compared.changes {
            let path = &change.path.as_bytes()[1..];
            let above = path.iter().rposition(|&byte| byte == b'/').map_or(&[][..], |slash| &path[..slash]);
            let name = OsStr::from_bytes(path.rsplit(|&byte| byte == b'/').next().unwrap_or_default());
            if change.kind == ChangeKind::Deleted {
                self.add_mark(path, Some(name))?;
                continue;
            }
            let failed = |source| WalkError { path: path.to_vec(), source };
            let Some(directory) = open_below(own, above).map_err(failed)? else { continue };
            let Some(stat) = stat_name(&directory, name).map_err(failed)? else { continue };
            let place = Place { path: path.to_vec(), stat };
            if !self.is_reserved(&place) {
                self.add(directory.as_fd(), &place)?;
            }
        }
        Ok(())
    }

    /// Whether a name means something else in a layer.
    fn is_reserved(&mut self, place: &Place) -> bool {
        let is_reserved = place.path.split(|&byte| byte == b'/').any(|name| name.starts_with(WHITEOUT));
        if is_reserved {
            self.note(PackNote::Whiteout(shown(place)));
        }
        is_reserved
    }

    /// The file that removes `name`, the last of `path`, or without a name all that is in the directory.
    fn add_mark(&mut self, path: &[u8], name: Option<&OsStr>) -> Result<(), PackError> {
        let above = &path[..path.len() - name.map_or(0, OsStr::len)];
        let mark = name.map_or_else(|| OPAQUE.to_vec(), |name| [WHITEOUT, name.as_bytes()].concat());
        // Nothing about it means anything but its name.
        let entry = Entry {
            path: [above, &mark].concat(),
            link: Vec::new(),
            kind: EntryKind::Regular,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: (0, 0),
            size: 0,
            device: (0, 0),
            xattrs: Vec::new(),
            sparse: None,
        };
        Ok(self.archive.begin(&entry)?)
    }

    /// A directory of a stack of layers.
    fn add_opened(&mut self, directory: &MergedDir, path: &[u8]) -> Result<(), PackError> {
        let failed = |source| WalkError { path: path.to_vec(), source };
        let (Some(stat), Some(top)) = (directory.stat().map_err(failed)?, directory.parts.first()) else {
            return Ok(());
        };
        let mut entry = entry(&Place { path: path.to_vec(), stat }, EntryKind::Directory);
        entry.path.extend_from_slice(if path.is_empty() { b"./" } else { b"/" });
        take_xattrs(top.as_fd(), &mut entry, self.marks).map_err(failed)?;
        Ok(self.archive.begin(&entry)?)
    }
}

fn hides(directory: BorrowedFd<'_>, place: &Place) -> Result<bool, WalkError> {
    let hides = || -> Result<bool, SysError> {
        match open_directory(directory, place.name()) {
            // It has gone, or given way to something else, meanwhile.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
            opened => is_opaque(opened.call(|| "openat(directory)")?.as_fd()),
        }
    };
    hides().map_err(|source| place.failed(source))
}

fn path_of(names: &[OsString]) -> Vec<u8> {
    names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>().join(&b'/')
}

/// Packs `name` in `directory`, with all that is in it, under that name.
///
/// # Errors
/// Something cannot be read, or the archive cannot be written.
pub fn pack_named<W: Write>(
    (directory, name): (BorrowedFd<'_>, &OsStr),
    writer: W,
) -> Result<Vec<PackNote>, PackError> {
    let mut quiet = |_| {};
    let mut packer = Packer::new(writer, Marks::Dropped, &mut quiet);
    let own = if name == "." { Vec::new() } else { name.as_bytes().to_vec() };
    let failed = |source| WalkError { path: own.clone(), source };
    let Some(stat) = stat_name(directory, name).map_err(failed)? else { return Ok(packer.notes) };
    let top = Place { path: own.clone(), stat };
    packer.add(directory, &top)?;
    if top.kind() == FileType::Directory {
        let opened = open_directory(directory, name).call(|| format!("openat({name:?})")).map_err(failed)?;
        let mut walk = Walk::new(opened.as_fd())?;
        while let Some(place) = walk.next()? {
            let directory = walk.directory().map_err(|source| place.failed(source))?;
            if let (Some(directory), false) = (directory, place.path.is_empty()) {
                let below = if own.is_empty() { Vec::new() } else { [&own[..], b"/"].concat() };
                packer.add(directory, &Place { path: [below, place.path].concat(), stat: place.stat })?;
            }
        }
    }
    packer.archive.finish()?;
    Ok(packer.notes)
}
