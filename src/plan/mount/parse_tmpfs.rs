//! `--tmpfs DESTINATION[:WORD,…]`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::word::{self, Type};
use super::{
    Access, Atime, Attributes, Content, Flag, MountError, MountKind, MountRequest, Ownership, Problem,
    Propagation, Rule, Tmpfs, TmpfsFlag, TmpfsKey,
};
use crate::plan::path::ContainerPath;

const LEGAL: &str = "defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync mand nomand atime noatime \
     diratime nodiratime relatime norelatime strictatime nostrictatime tmpcopyup notmpcopyup U private rprivate shared \
     rshared slave rslave unbindable runbindable size= mode= uid= gid= nr_inodes= nr_blocks= mpol= huge=";
const MPOL_LEGAL: &str = "default, local, prefer, prefer:NODE, interleave, interleave:NODES or bind:NODES, the last five also \
     with =static or =relative before the colon";
const HUGE: [&str; 4] = ["never", "always", "within_size", "advise"];
pub(super) const ID_LEGAL: &str = "a number below 4294967295";
pub(super) const MODE_LEGAL: &str = "octal permissions from 0 to 7777";

/// A tmpfs holds data, not programs or devices, unless asked.
pub(super) const DEFAULT_ATTRIBUTES: Attributes = Attributes {
    access: Access::ReadWrite,
    exec: Rule::Deny,
    suid: Rule::Deny,
    dev: Rule::Deny,
    atime: Atime::Inherit,
    diratime: Rule::Inherit,
};

/// Reads the value of `--tmpfs`: everything behind the first colon is options, and of two options about the same
/// thing the later one counts.
///
/// # Errors
/// The value has no meaning, or one that minirun cannot have.
pub fn parse_tmpfs(text: &OsStr) -> Result<MountRequest, MountError> {
    let parsed = parse(text.as_bytes());
    super::request(
        Flag::Tmpfs,
        text,
        parsed.map(|(destination, tmpfs)| (destination, MountKind::Tmpfs(tmpfs))),
    )
}

fn parse(text: &[u8]) -> Result<(ContainerPath, Tmpfs), Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let mut sections = text.splitn(2, |&byte| byte == b':');
    let destination = super::parse_destination(sections.next().unwrap_or_default())?;
    let mut tmpfs = Tmpfs {
        options: BTreeMap::new(),
        flags: BTreeSet::new(),
        content: Content::Empty,
        attributes: DEFAULT_ATTRIBUTES,
        propagation: Propagation::default(),
        ownership: Ownership::Kept,
    };
    if let Some(words) = sections.next() {
        for word in String::from_utf8_lossy(words).split(',') {
            apply(&mut tmpfs, word)?;
        }
    }
    Ok((destination, tmpfs))
}

fn apply(tmpfs: &mut Tmpfs, text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::EmptyWord);
    }
    if let Some(propagation) = word::propagation(text) {
        tmpfs.propagation = propagation;
        return Ok(());
    }
    if apply_attribute(&mut tmpfs.attributes, text) || apply_flag(tmpfs, text) {
        return Ok(());
    }
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if let Some(key) = TmpfsKey::ALL.into_iter().find(|key| key.name() == name) {
        tmpfs.options.insert(key, check(key, value)?);
        return Ok(());
    }
    Err(word::unprivileged(text).unwrap_or_else(|| Problem::Unknown {
        word: text.to_owned(),
        kind: Type::Tmpfs.article(),
        legal: LEGAL.to_owned(),
    }))
}

/// Whether `text` was one of these words. Undoing an option that is not set changes nothing.
fn apply_attribute(attributes: &mut Attributes, text: &str) -> bool {
    let undo = |atime: &mut Atime, undone: Atime| {
        if *atime == undone {
            *atime = Atime::Inherit;
        }
    };
    match text {
        "atime" => undo(&mut attributes.atime, Atime::Noatime),
        "norelatime" => undo(&mut attributes.atime, Atime::Relatime),
        "nostrictatime" => undo(&mut attributes.atime, Atime::Strictatime),
        _ => return attributes.apply(text),
    }
    true
}

/// Whether `text` was one of these words.
fn apply_flag(tmpfs: &mut Tmpfs, text: &str) -> bool {
    match text {
        "sync" => drop(tmpfs.flags.insert(TmpfsFlag::Sync)),
        "async" => drop(tmpfs.flags.remove(&TmpfsFlag::Sync)),
        "dirsync" => drop(tmpfs.flags.insert(TmpfsFlag::Dirsync)),
        "tmpcopyup" => tmpfs.content = Content::Image,
        "notmpcopyup" => tmpfs.content = Content::Empty,
        "U" => tmpfs.ownership = Ownership::User,
        // Linux 5.15 gave up mandatory locks and ignores the two.
        "defaults" | "mand" | "nomand" => {}
        _ => return false,
    }
    true
}

/// The value as the kernel will accept it.
fn check(key: TmpfsKey, value: &str) -> Result<String, Problem> {
    let (is_good, legal) = match key {
        TmpfsKey::Size => {
            let number = value.strip_suffix('%').unwrap_or(value);
            (is_amount(number), "a number of bytes, also with k, m, g, t, p, e or %")
        }
        TmpfsKey::NrInodes | TmpfsKey::NrBlocks => {
            (is_amount(value), "a number, also with k, m, g, t, p or e")
        }
        TmpfsKey::Huge => (HUGE.contains(&value), "never, always, within_size or advise"),
        TmpfsKey::Mode => (parse_mode(value).is_some(), MODE_LEGAL),
        TmpfsKey::Uid | TmpfsKey::Gid => (is_id(value), ID_LEGAL),
        TmpfsKey::Mpol => (is_policy(value), MPOL_LEGAL),
    };
    let name = key.name().to_owned();
    match (is_good, value) {
        (true, _) => Ok(value.to_owned()),
        (false, "") => Err(Problem::NoValue { key: name, legal }),
        (false, _) => Err(Problem::BadValue { key: name, value: value.to_owned(), legal }),
    }
}

/// A memory policy: `MODE[=FLAG][:NODES]`, where NODES are numbers and ranges of them.
fn is_policy(text: &str) -> bool {
    let (policy, nodes) = text.split_once(':').map_or((text, None), |(policy, nodes)| (policy, Some(nodes)));
    let (mode, flag) = policy.split_once('=').map_or((policy, None), |(mode, flag)| (mode, Some(flag)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_range = |nodes: &str| match nodes.split_once('-') {
        Some((first, last)) => is_number(first) && is_number(last),
        None => is_number(nodes),
    };
    let has_good_flag = flag.is_none_or(|flag| ["static", "relative"].contains(&flag));
    match (mode, nodes) {
        ("default" | "local", nodes) => nodes.is_none() && flag.is_none(),
        ("prefer", nodes) => has_good_flag && nodes.is_none_or(is_number),
        ("interleave", nodes) => has_good_flag && nodes.is_none_or(is_range),
        ("bind", Some(nodes)) => has_good_flag && is_range(nodes),
        _ => false,
    }
}

/// Digits and at most one binary multiple, what the kernel's `memparse` takes.
fn is_amount(text: &str) -> bool {
    let digits = text.strip_suffix(|char: char| "kmgtpeKMGTPE".contains(char)).unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u64>().is_ok()
}

/// A user or group; the highest number means "none" to the kernel.
pub(super) fn is_id(text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number && text.parse::<u32>().is_ok_and(|id| id != u32::MAX)
}

pub(super) fn parse_mode(text: &str) -> Option<u32> {
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    u32::from_str_radix(text, 8).ok().filter(|&mode| is_octal && mode <= 0o7777)
}
