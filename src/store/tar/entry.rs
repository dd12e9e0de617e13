//! What a reader of archives gives out.

use super::header::Header;
use super::{Segment, TarError};
pub use crate::plan::image_limit::ArchiveLimits as Limits;

/// What an entry makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file with content.
    Regular,
    /// Another name of a file; [`Entry::link`] is its first.
    Hardlink,
    /// A symbolic link to [`Entry::link`].
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as written; may be absolute, have doubled slashes, `.` and `..`, and need not be UTF-8.
    pub path: Vec<u8>,
    /// The target of a link as written.
    pub link: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky; nothing above 0o7777.
    pub mode: u32,
    /// The owner's user ID in the container; never 2³²-1.
    pub uid: u32,
    /// The owner's group ID in the container; never 2³²-1.
    pub gid: u32,
    /// Seconds since 1970 and nanoseconds.
    pub mtime: (i64, u32),
    /// The size of the file in bytes, with its holes; 0 for all but regular files.
    pub size: u64,
    /// Major and minor number, of devices.
    pub device: (u32, u32),
    /// Names and values, each name once.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the stored bytes belong, ascending and inside `size`; `None` when all of it is stored.
    pub sparse: Option<Vec<Segment>>,
}

/// An entry of a type that only its vendor knows; it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name as written.
    pub path: Vec<u8>,
    /// The type flag, an upper-case letter.
    pub flag: u8,
}

/// What the type flag means; `None` for an unknown one.
pub(super) fn kind(header: &Header<'_>, path: &[u8]) -> Option<EntryKind> {
    Some(match header.flag() {
        // Before POSIX directories were told by their names.
        b'0' | 0 | b'7' if path.ends_with(b"/") => EntryKind::Directory,
        b'0' | 0 | b'7' | b'S' => EntryKind::Regular,
        b'1' => EntryKind::Hardlink,
        b'2' => EntryKind::Symlink,
        b'3' => EntryKind::CharDevice,
        b'4' => EntryKind::BlockDevice,
        b'5' => EntryKind::Directory,
        b'6' => EntryKind::Fifo,
        _ => return None,
    })
}

/// Whether another reader would see a body where there is none: only regular files have one.
pub(super) fn is_contradictory(kind: EntryKind, flag: u8, size: u64, pax_size: Option<u64>) -> bool {
    let by_name = kind == EntryKind::Directory && flag != b'5';
    pax_size.is_some_and(|said| said != size) || (by_name && size != 0)
}

/// An ID that a file can have.
pub(super) fn owner(id: u64, offset: u64, field: &'static str) -> Result<u32, TarError> {
    u32::try_from(id).ok().filter(|&id| id != u32::MAX).ok_or(TarError::Number { offset, field })
}
