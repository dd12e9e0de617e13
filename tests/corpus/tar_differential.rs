//! Headers of archives, read by us and by the `tar` crate: what both take must be the same, or an archive that was
//! checked by one reader would be unpacked as something else by the other.

use std::io::Read as _;

use minirun::store::tar::{Entry, EntryKind, Limits, TarError, TarReader};

/// An entry as both readers see it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// Whether it has holes.
    is_sparse: bool,
    kind: EntryKind,
    path: Vec<u8>,
    link: Vec<u8>,
    /// What is stored; nothing for a sparse file.
    content: Vec<u8>,
}

/// Reads an archive twice.
pub(crate) fn check(archive: &[u8]) {
    let (ours, ended) = ours(archive);
    let mut theirs = tar::Archive::new(archive);
    let mut theirs = theirs.entries().unwrap();
    for (number, entry) in ours.iter().enumerate() {
        let Some(Ok(mut other)) = theirs.by_ref().find(|other| !other.as_ref().is_ok_and(is_vendor)) else {
            // They refuse it, or stop before: a reader that does less is safe.
            return;
        };
        if is_known_difference(entry, &other) {
            return;
        }
        let Ok(other) = seen(&mut other) else { return };
        assert_eq!(*entry, other, "entry {number}");
    }
    if ended {
        let more = theirs.find(|other| !other.as_ref().is_ok_and(is_vendor));
        if let Some(Ok(more)) = more {
            panic!("they see one more: {:?}", more.path_bytes());
        }
    }
}

/// The entries up to the end or to what we refuse; and whether it was the end.
fn ours(archive: &[u8]) -> (Vec<Seen>, bool) {
    let limits = Limits { entries: 4096, extension: 64 << 10, xattr: 4096, xattrs: 8, segments: 64 };
    let mut reader = TarReader::new(archive, limits);
    let mut all = Vec::new();
    loop {
        match next(&mut reader) {
            Ok(Some(entry)) => all.push(entry),
            Ok(None) => return (all, true),
            Err(_) => return (all, false),
        }
    }
}

fn next(reader: &mut TarReader<&[u8]>) -> Result<Option<Seen>, TarError> {
    let Some(entry) = reader.next_entry()? else { return Ok(None) };
    let stored = reader.body_left();
    let mut content = vec![0; 4096];
    let mut whole = Vec::new();
    loop {
        match reader.read_data(&mut content)? {
            0 => break,
            count => whole.extend(&content[..count]),
        }
    }
    assert_eq!(stored, whole.len() as u64);
    let Entry { kind, path, link, sparse, size, .. } = entry;
    let is_sparse = sparse.is_some();
    let content = match sparse {
        Some(segments) => {
            let end = segments.last().map_or(0, |last| last.offset + last.length);
            assert!(end <= size);
            assert_eq!(segments.iter().map(|segment| segment.length).sum::<u64>(), stored);
            Vec::new()
        }
        None => whole,
    };
    Ok(Some(Seen { is_sparse, kind, path, link, content }))
}

/// They give out what only its vendor knows; we pass it over.
fn is_vendor<R: std::io::Read>(entry: &tar::Entry<'_, R>) -> bool {
    let flag = entry.header().entry_type().as_byte();
    flag == b'g' || (flag.is_ascii_uppercase() && !b"SLK".contains(&flag))
}

/// Where the readers differ on purpose.
fn is_known_difference<R: std::io::Read>(ours: &Seen, theirs: &tar::Entry<'_, R>) -> bool {
    let kind = theirs.header().entry_type();
    // They do not know the sparse files of PAX, and give out the holes of the others.
    let is_sparse = ours.is_sparse || kind.is_gnu_sparse();
    let is_body = ours.kind == EntryKind::Regular;
    // GNU tar, Go's reader, Python's and ours take these about the next entry whatever the magic; to them it is a file.
    let is_extension = matches!(kind.as_byte(), b'L' | b'K' | b'x');
    is_sparse || is_extension || (!is_body && theirs.size() != 0)
}

fn seen<R: std::io::Read>(entry: &mut tar::Entry<'_, R>) -> std::io::Result<Seen> {
    let path = unpadded(&entry.path_bytes());
    let kind = match entry.header().entry_type() {
        tar::EntryType::Link => EntryKind::Hardlink,
        tar::EntryType::Symlink => EntryKind::Symlink,
        tar::EntryType::Char => EntryKind::CharDevice,
        tar::EntryType::Block => EntryKind::BlockDevice,
        tar::EntryType::Directory => EntryKind::Directory,
        tar::EntryType::Fifo => EntryKind::Fifo,
        _ if path.ends_with(b"/") => EntryKind::Directory,
        _ => EntryKind::Regular,
    };
    let link = entry.link_name_bytes().map(|link| unpadded(&link)).unwrap_or_default();
    let mut content = Vec::new();
    entry.read_to_end(&mut content)?;
    Ok(Seen { is_sparse: false, kind, path, link, content })
}

/// They take one NUL off a long name of GNU, and leave the others of its padding.
fn unpadded(name: &[u8]) -> Vec<u8> {
    name.split(|&byte| byte == 0).next().unwrap_or_default().to_vec()
}
