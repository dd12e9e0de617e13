//! The kernel's table of mounts, `/proc/PID/mountinfo`, read: `proc_pid_mountinfo(5)`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Its number, which others name as their parent.
    pub id: u64,
    /// The number of the mount that it lies on.
    pub parent: u64,
    /// The number of its file system, as `MAJOR:MINOR`: the same wherever that is mounted.
    pub device: String,
    /// Which directory or file of its file system it shows.
    pub root: OsString,
    /// Where it is, from the reader's root.
    pub point: OsString,
    /// What the mount permits, as `ro`, `nosuid`, `relatime`.
    pub options: Vec<String>,
    /// How later mounts travel, as `shared:1`, `master:2`, `unbindable`; nothing for a private one.
    pub propagation: Vec<String>,
    /// The type of the file system.
    pub file_system: String,
    /// What the file system calls its source.
    pub source: OsString,
    /// What the file system itself was told, as `rw`, `size=64k`.
    pub settings: Vec<String>,
}

impl MountEntry {
    /// The words of `mount(8)` for how later mounts travel.
    #[must_use]
    pub fn propagation_name(&self) -> String {
        let has = |word: &str| self.propagation.iter().any(|field| field.starts_with(word));
        match (has("shared:"), has("master:"), has("unbindable")) {
            (_, _, true) => "unbindable",
            (true, true, false) => "shared,slave",
            (true, false, false) => "shared",
            (false, true, false) => "slave",
            (false, false, false) => "private",
        }
        .to_owned()
    }

    /// The options of the mount and, where it is read-only only through the file system, `ro`.
    #[must_use]
    pub fn effective_options(&self) -> Vec<String> {
        let mut options = self.options.clone();
        if self.settings.iter().any(|setting| setting == "ro")
            && let Some(access) = options.iter_mut().find(|option| *option == "rw")
        {
            "ro".clone_into(access);
        }
        options
    }
}

/// Reads a table; lines that are none are passed over.
#[must_use]
pub fn parse(table: &[u8]) -> Vec<MountEntry> {
    table.split(|&byte| byte == b'\n').filter_map(entry).collect()
}

/// `36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext4 /dev/sda rw,errors=continue`
fn entry(line: &[u8]) -> Option<MountEntry> {
    let mut fields = line.split(|&byte| byte == b' ');
    let mut next = || fields.next();
    let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse().ok();
    let (id, parent) = (number(next()?)?, number(next()?)?);
    let device = String::from_utf8_lossy(next()?).into_owned();
    let (root, point, options) = (plain(next()?), plain(next()?), words(next()?));
    let mut propagation = Vec::new();
    loop {
        match next()? {
            b"-" => break,
            field => propagation.push(String::from_utf8_lossy(field).into_owned()),
        }
    }
    let file_system = plain(next()?).to_string_lossy().into_owned();
    let source = plain(next()?);
    let settings = words(next().unwrap_or_default());
    Some(MountEntry { id, parent, device, root, point, options, propagation, file_system, source, settings })
}

fn words(field: &[u8]) -> Vec<String> {
    let text = plain(field);
    text.to_string_lossy().split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Undoes the octal escapes of blanks, tabs, newlines and backslashes.
fn plain(text: &[u8]) -> OsString {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..3).filter(|digits| digits.iter().all(|digit| (b'0'..=b'7').contains(digit)));
        match digits {
            Some(digits) if first == b'\\' => {
                let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                plain.push(u8::try_from(value).unwrap_or(b'?'));
                rest = &tail[3..];
            }
            _ => {
                plain.push(first);
                rest = tail;
            }
        }
    }
    OsString::from_vec(plain)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn lines_are_read() {
        let table = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n\
            37 36 0:5 / /a\\040b\\134\\011c ro,nosuid - tmpfs a\\040tmpfs rw,size=64k\n\
            38 36 0:6 / /x rw shared:2 master:1 propagate_from:3 - tmpfs  ro\n\nnonsense\n39 1 0:1 / /y rw\n";
        let entries = parse(table);
        assert_eq!(entries.len(), 3);
        assert_eq!((entries[0].id, entries[0].parent), (36, 35));
        assert_eq!(entries[0].device, "98:0");
        assert_eq!((entries[0].root.to_str(), entries[0].point.to_str()), (Some("/mnt1"), Some("/mnt2")));
        assert_eq!(entries[0].options, ["rw", "noatime"]);
        assert_eq!(entries[0].propagation_name(), "slave");
        assert_eq!(entries[0].file_system, "ext3");
        assert_eq!(entries[0].settings, ["rw", "errors=continue"]);
        assert_eq!(entries[1].point.as_bytes(), b"/a b\\\tc");
        assert_eq!(entries[1].source, "a tmpfs");
        assert_eq!(entries[1].propagation_name(), "private");
        assert_eq!(entries[2].propagation_name(), "shared,slave");
        assert_eq!(entries[2].effective_options(), ["ro"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_survive() {
        let entries = parse(b"1 2 0:1 /\xff /\xfe rw unbindable - tmpfs x rw\n");
        assert_eq!(entries[0].root.as_bytes(), b"/\xff");
        assert_eq!(entries[0].propagation_name(), "unbindable");
    }
}
