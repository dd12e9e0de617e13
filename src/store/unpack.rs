//! Applies one layer to an empty directory, as a lower directory of overlay.
//!
//! The layer is read once: decompressed, hashed and unpacked as it comes. Every name is resolved in the tree
//! that the layers below show, so that what a layer writes through a symlink of a lower one lands where it would
//! in one flat tree. Nothing outside of the directory is ever opened for writing, and no inode that existed.
//! Source: OCI image specification, layer.md; kernel documentation, overlayfs.rst.

mod apply;
mod device;
mod dress;
mod error;
mod link;
mod name;
mod plain;
mod stream;
mod tree;
mod warning;

use std::fs::File;
use std::io::{BufRead, Read};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::Stat;

use super::content::{Notes, Noting};
use super::copy::inode::{Dress, Marks};
use super::merged::Merged;
use super::outline::OutlineWriter;
use super::tar::{self, TarReader};
use super::verify::{Verified, VerifyError};
use crate::plan::digest::Digest;
pub use crate::plan::image_limit::ImageLimits as Limits;
use crate::sys::SysError;
use apply::{Layer, shown};
pub(in crate::store) use error::limit_of_archive;
pub use error::{Problem, SizeError, UnpackError};
pub(super) use plain::{PlainRules, unpack_plain};
use stream::{Counted, Passed};
use tree::Tree;
pub use warning::Warning;
use warning::Warnings;

/// The xattr that keeps owner and mode of a squashed file; see [`Ownership::Squashed`].
pub(in crate::store) const OWNER: &str = "user.minirun.owner";

/// Who owns the unpacked files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The owners that the layer says; this process is root of a user namespace with their IDs, or real root.
    Mapped,
    /// This process, which has one ID only. Another owner goes into the xattr `user.minirun.owner`, as
    /// `UID:GID:MODE` with an octal mode, and loses its setuid and setgid bits.
    Squashed,
}

impl Ownership {
    /// What to change the owner to.
    fn owner(self, uid: u32, gid: u32) -> Option<(u32, u32)> {
        match self {
            Self::Mapped => Some((uid, gid)),
            Self::Squashed => None,
        }
    }
}

impl Manner {
    /// How a copy of something in a layer below differs.
    fn of(self, stat: &Stat) -> Dress {
        let marks = match self.form {
            Form::Layer => Marks::Dropped,
            Form::Plain => Marks::Kept,
        };
        Dress { owner: self.ownership.owner(stat.st_uid, stat.st_gid), marks }
    }
}

/// What the entries of an archive are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The changes of a layer to those below: whiteouts remove, and overlay's marks are its own.
    Layer,
    /// Files as they are, whatever they are called.
    Plain,
}

/// In which way entries become files.
#[derive(Debug, Clone, Copy)]
struct Manner {
    ownership: Ownership,
    form: Form,
}

/// A layer as it is stored.
pub struct LayerBlob<'a> {
    /// The blob, compressed or not.
    pub reader: Box<dyn Read + Send + 'a>,
    /// The digest that the blob must have.
    pub digest: Option<Digest>,
    /// The size that the blob must have, in bytes.
    pub size: Option<u64>,
    /// The digest that the uncompressed layer must have.
    pub diff_id: Option<Digest>,
}

/// What a layer turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
    /// The digest of the blob.
    pub digest: Digest,
    /// The size of the blob in bytes.
    pub size: u64,
    /// The size of the uncompressed archive in bytes.
    pub content_size: u64,
    /// How many entries the archive has.
    pub entries: u64,
    /// How many bytes were written into files.
    pub bytes: u64,
    /// How many more were copied from the layers below, for hard links.
    pub copied: u64,
    /// How many directories were opened.
    pub lookups: u64,
    /// Whether the layer hides all layers below it. Overlay knows no opaque root: leave those layers out.
    pub opaque_root: bool,
    /// What was left out: the first few of it.
    pub warnings: Vec<Warning>,
}

/// Where a layer goes.
pub(in crate::store) struct Outlining<'a> {
    /// The directory of the tree.
    pub(in crate::store) into: BorrowedFd<'a>,
    /// The empty file of its outline.
    pub(in crate::store) outline: File,
}

/// What came of a layer, and what its record needs.
pub(in crate::store) struct Outlined {
    pub(in crate::store) unpacked: Unpacked,
    /// Whether there is an outline of its archive.
    pub(in crate::store) has_outline: bool,
    /// What its files contribute to the digest of its tree.
    pub(in crate::store) notes: Notes,
}

/// Applies a layer to the empty directory `into`, which nobody else may reach until this is done.
///
/// `lowers` are the complete layers below. `progress` is told the compressed bytes so far. The digests are
/// compared only at the very end: what `into` holds counts for nothing before this returns.
///
/// # Errors
/// The layer is malformed, hostile, beyond a limit, or not the expected one; or the kernel refuses something.
pub fn unpack(
    blob: LayerBlob<'_>,
    into: BorrowedFd<'_>,
    lowers: &Merged,
    ownership: Ownership,
    limits: &Limits,
    progress: &mut dyn FnMut(u64),
) -> Result<Unpacked, UnpackError> {
    let manner = Manner { ownership, form: Form::Layer };
    let rules = Rules { lowers, manner, limits };
    unpack_by(&rules, blob, (into, None), progress).map(|outlined| outlined.unpacked)
}

/// The same, and takes down the outline of its archive and what its files contribute to the digest of the tree.
///
/// # Errors
/// As of [`unpack`], or the outline cannot be written.
pub(in crate::store) fn unpack_outlined(
    blob: LayerBlob<'_>,
    Outlining { into, outline }: Outlining<'_>,
    lowers: &Merged,
    ownership: Ownership,
    limits: &Limits,
    progress: &mut dyn FnMut(u64),
) -> Result<Outlined, UnpackError> {
    let manner = Manner { ownership, form: Form::Layer };
    let outline = OutlineWriter::new(outline).map_err(|error| outline_error(&error))?;
    unpack_by(&Rules { lowers, manner, limits }, blob, (into, Some(outline)), progress)
}

fn outline_error(error: &std::io::Error) -> UnpackError {
    UnpackError::Outline(SysError::from_io("write(outline)", error))
}

/// What decides how a layer is unpacked, besides itself.
struct Rules<'r> {
    lowers: &'r Merged,
    manner: Manner,
    limits: &'r Limits,
}

fn unpack_by(
    Rules { lowers, manner, limits }: &Rules<'_>,
    blob: LayerBlob<'_>,
    (into, outline): (BorrowedFd<'_>, Option<OutlineWriter>),
    progress: &mut dyn FnMut(u64),
) -> Result<Outlined, UnpackError> {
    let count = AtomicU64::new(0);
    let noting = outline.is_some().then(Noting::default);
    let Passed { applied: (layer, entries, has_outline), content, blob } =
        stream::read(blob, limits, &count, |content| {
            let mut archive = TarReader::outlined(content, limits.archive.clone(), outline);
            let tree = Tree::new(into, lowers, *manner, limits).map_err(UnpackError::Directory)?;
            let mut layer = Layer::new(tree, limits, noting);
            let mut progress = || progress(count.load(Ordering::Relaxed));
            let entries = apply_all(&mut archive, &mut layer, limits, &mut progress)?;
            layer.tree.complete().map_err(UnpackError::Directory)?;
            for skipped in archive.skipped() {
                layer.warnings.add(Warning::Vendor { path: shown(&skipped.path), flag: skipped.flag });
            }
            let outline = archive.take_outline().filter(|_| !layer.tree.lost_files);
            let has_outline =
                outline.map(OutlineWriter::finish).transpose().map_err(|error| outline_error(&error))?;
            Ok((layer, entries, has_outline.unwrap_or(false)))
        })?;
    progress(blob.size);
    let unpacked = Unpacked {
        diff_id: content.digest,
        digest: blob.digest,
        size: blob.size,
        content_size: content.size,
        entries,
        bytes: layer.bytes,
        copied: layer.copied,
        lookups: layer.tree.lookups,
        opaque_root: layer.opaque_root,
        warnings: layer.warnings.0,
    };
    let notes = layer.noting.map(Noting::finish).unwrap_or_default();
    Ok(Outlined { unpacked, has_outline, notes })
}

/// Reads a layer that need not be unpacked to its end: it must be what it is said to be. It is not decompressed where
/// nothing is said about its content. The digest of the blob.
///
/// # Errors
/// The blob has another digest or size, or its content has another digest.
pub fn check(blob: LayerBlob<'_>, limits: &Limits) -> Result<Digest, UnpackError> {
    let verified = Verified::expecting(blob.reader, blob.digest, blob.size);
    let Some(diff_id) = blob.diff_id else {
        return verified.finish().map(|measured| measured.digest).map_err(UnpackError::Blob);
    };
    let count = AtomicU64::new(0);
    let mut compressed = Counted { reader: verified, count: &count };
    let stream = stream::bounded(&mut compressed, limits)?;
    Verified::new(stream, diff_id, None).finish().map_err(UnpackError::Content)?;
    compressed.reader.finish().map(|measured| measured.digest).map_err(UnpackError::Blob)
}

/// Applies every entry; how many there were.
fn apply_all<R: BufRead>(
    archive: &mut TarReader<R>,
    layer: &mut Layer<'_>,
    limits: &Limits,
    progress: &mut dyn FnMut(),
) -> Result<u64, UnpackError> {
    let mut entries = 0;
    while let Some(entry) = archive.next_entry().map_err(name_blob_error)? {
        entries += 1;
        if entries > limits.entries {
            return Err(UnpackError::TooManyEntries(limits.entries));
        }
        layer.apply(&entry, archive, progress).map_err(|problem| match problem {
            Problem::Body(error) => name_blob_error(error),
            problem => UnpackError::Entry { entry: shown(&entry.path), problem },
        })?;
        progress();
    }
    archive.finish().map_err(name_blob_error)?;
    Ok(entries)
}

/// A blob that is too long is noticed while reading; says so instead of that the archive cannot be read.
fn name_blob_error(error: tar::TarError) -> UnpackError {
    match error {
        tar::TarError::Read { offset, source } => match source.downcast::<VerifyError>() {
            Ok(error) => UnpackError::Blob(error),
            Err(source) => UnpackError::Archive(tar::TarError::Read { offset, source }),
        },
        error => UnpackError::Archive(error),
    }
}

#[cfg(test)]
mod tests;
