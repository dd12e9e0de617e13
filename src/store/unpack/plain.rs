//! Archives of plain files, which are no layers: every name is a name, and nothing removes anything.

use std::io::{BufReader, Read};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use super::apply::{Layer, shown};
use super::stream::Counted;
use super::tree::Tree;
use super::{Form, Limits, Manner, Ownership, UnpackError, Warning, apply_all};
use crate::store::compression::decompress;
use crate::store::merged::Merged;
use crate::store::tar::{self, TarReader};

/// How much of the uncompressed archive is read at once, in bytes.
const BUFFER: usize = 256 << 10;

impl Limits {
    /// For an archive of the user's own files: what the disk has room for, as long as it fits into memory.
    #[must_use]
    pub fn of_plain_files() -> Self {
        let archive =
            tar::Limits { entries: u64::MAX, extension: 16 << 20, xattrs: 4096, ..tar::Limits::default() };
        Self {
            entries: u64::MAX,
            bytes: u64::MAX,
            ratio: u64::MAX,
            file: u64::MAX >> 1,
            depth: 10_000,
            paths: 1 << 30,
            archive,
            ..Self::default()
        }
    }
}

/// Unpacks an archive of plain files, compressed or not, into the empty directory `into`, which nobody else may reach
/// until this is done.
///
/// Names lead through what the directory `below` has, as if `into` lay over it; nothing is written there. Of the
/// directories of `below` those on the way are in `into`, too, with their metadata. `progress` is told the bytes read.
///
/// # Errors
/// The archive is malformed, hostile or beyond a limit; or the kernel refuses something.
pub(in crate::store) fn unpack_plain(
    reader: impl Read + Send,
    into: BorrowedFd<'_>,
    below: &Merged,
    PlainRules { ownership, limits }: PlainRules<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Warning>, UnpackError> {
    let count = AtomicU64::new(0);
    let stream = decompress(Counted { reader, count: &count })?;
    let mut archive = TarReader::new(BufReader::with_capacity(BUFFER, stream), limits.archive.clone());
    let manner = Manner { ownership, form: Form::Plain };
    let tree = Tree::new(into, below, manner, limits).map_err(UnpackError::Directory)?;
    let mut files = Layer::new(tree, limits, None);
    apply_all(&mut archive, &mut files, limits, &mut || progress(count.load(Ordering::Relaxed)))?;
    archive.check_not_empty().map_err(UnpackError::Archive)?;
    files.tree.complete().map_err(UnpackError::Directory)?;
    for skipped in archive.skipped() {
        files.warnings.add(Warning::Vendor { path: shown(&skipped.path), flag: skipped.flag });
    }
    Ok(files.warnings.0)
}

/// Whose plain files are, and how much they may be.
#[derive(Clone, Copy)]
pub(in crate::store) struct PlainRules<'a> {
    pub(in crate::store) ownership: Ownership,
    pub(in crate::store) limits: &'a Limits,
}
