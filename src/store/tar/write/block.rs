//! One header block of 512 bytes, as ustar has it.

use crate::store::tar::header::BLOCK;
use crate::store::tar::{Entry, EntryKind};

/// The largest number in a field of seven octal digits.
pub(super) const SHORT_MAX: u64 = 0o777_7777;
/// The largest number in a field of eleven octal digits.
pub(super) const LONG_MAX: u64 = 0o777_7777_7777;
/// Bytes of a name, and of the target of a link.
const NAME: usize = 100;
/// Bytes of what goes before a name.
const PREFIX: usize = 155;

/// What a header says. All numbers fit their fields.
pub(super) struct Fields {
    pub(super) path: Vec<u8>,
    pub(super) link: Vec<u8>,
    mode: u64,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) size: u64,
    pub(super) mtime: u64,
    flag: u8,
    device: (u64, u64),
}

impl Fields {
    /// What can be taken over from an entry as it is.
    pub(super) fn of(entry: &Entry) -> Result<Self, &'static str> {
        let device = (u64::from(entry.device.0), u64::from(entry.device.1));
        if device.0.max(device.1) > SHORT_MAX {
            return Err("its device number is too large");
        }
        let flag = match entry.kind {
            EntryKind::Regular => b'0',
            EntryKind::Hardlink => b'1',
            EntryKind::Symlink => b'2',
            EntryKind::CharDevice => b'3',
            EntryKind::BlockDevice => b'4',
            EntryKind::Directory => b'5',
            EntryKind::Fifo => b'6',
        };
        let mode = u64::from(entry.mode & 0o7777);
        let (path, link) = (Vec::new(), Vec::new());
        Ok(Self { path, link, mode, uid: 0, gid: 0, size: 0, mtime: 0, flag, device })
    }

    /// The header of the PAX records about what is called `path`.
    pub(super) fn of_extension(path: &[u8], size: u64) -> Self {
        let name = path.strip_suffix(b"/").unwrap_or(path);
        let slash = name.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let path = [b"./PaxHeaders/", &name[slash..]].concat();
        let (link, device) = (Vec::new(), (0, 0));
        Self { path, link, mode: 0o644, uid: 0, gid: 0, size, mtime: 0, flag: b'x', device }
    }

    /// The block.
    pub(super) fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let (prefix, name) = split(&self.path).unwrap_or((&[], &self.path[..self.path.len().min(NAME)]));
        put(&mut block, 0, name);
        put(&mut block, 345, prefix);
        octal(&mut block[100..108], self.mode);
        octal(&mut block[108..116], self.uid);
        octal(&mut block[116..124], self.gid);
        octal(&mut block[124..136], self.size);
        octal(&mut block[136..148], self.mtime);
        block[156] = self.flag;
        put(&mut block, 157, &self.link[..self.link.len().min(NAME)]);
        put(&mut block, 257, b"ustar\x0000");
        octal(&mut block[329..337], self.device.0);
        octal(&mut block[337..345], self.device.1);
        put(&mut block, 148, b"        ");
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        octal(&mut block[148..155], sum);
        block
    }
}

/// Whether the header has room for a name.
pub(super) fn splits_path(path: &[u8]) -> bool {
    split(path).is_some()
}

/// Whether the header has room for the target of a link.
pub(super) fn fits_link(link: &[u8]) -> bool {
    link.len() <= NAME
}

/// A name as prefix and name; `None` for one that is too long.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME {
        return Some((&[], path));
    }
    let first = path.len() - NAME - 1;
    let slash = (first.max(1)..path.len() - 1).take_while(|&at| at <= PREFIX).find(|&at| path[at] == b'/')?;
    Some((&path[..slash], &path[slash + 1..]))
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Writes as many digits as there is room for, and the NUL behind them.
fn octal(field: &mut [u8], value: u64) {
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{value:0digits$o}").as_bytes());
    field[digits] = 0;
}
