//! `--mount KEY=VALUE,…`, one record of comma-separated values.

mod draft;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use self::draft::Draft;
use super::csv;
use super::word::{self, Word};
use super::{Content, Flag, MountError, MountKind, MountRequest, Origin, Problem};
use crate::plan::path::ContainerPath;

/// The types of mount that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Bind,
    Volume,
    Tmpfs,
}

const ANY: &[Type] = &[Type::Bind, Type::Volume, Type::Tmpfs];
const BIND: &[Type] = &[Type::Bind];
const VOLUME: &[Type] = &[Type::Volume];
const TMPFS: &[Type] = &[Type::Tmpfs];

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Tmpfs => "tmpfs",
        }
    }

    fn legal_keys(self) -> &'static str {
        match self {
            Self::Bind => {
                "type source src target dst dest destination readonly ro rw consistency bind-propagation bind-recursive \
                 bind-nonrecursive bind-create-src exec noexec suid nosuid dev nodev z and the propagation words"
            }
            Self::Volume => {
                "type source src target dst dest destination readonly ro rw consistency volume-driver volume-label \
                 volume-nocopy nocreate exec noexec suid nosuid dev nodev z"
            }
            Self::Tmpfs => {
                "type target dst dest destination readonly ro rw consistency tmpfs-size tmpfs-mode tmpcopyup notmpcopyup \
                 exec noexec suid nosuid dev nodev and the propagation words"
            }
        }
    }
}

/// What a key sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Type,
    Source,
    Target,
    Consistency,
    ReadOnly,
    ReadWrite,
    BindPropagation,
    BindRecursive,
    BindNonrecursive,
    BindCreateSource,
    VolumeDriver,
    VolumeLabel,
    VolumeNocopy,
    VolumeNocreate,
    TmpfsSize,
    TmpfsMode,
    CopyUp(Content),
    Word(Word),
}

/// Every key with its types; what [`word`] has comes on top.
const KEYS: [(&str, Key, &[Type]); 24] = [
    ("type", Key::Type, ANY),
    ("source", Key::Source, ANY),
    ("src", Key::Source, ANY),
    ("target", Key::Target, ANY),
    ("dst", Key::Target, ANY),
    ("dest", Key::Target, ANY),
    ("destination", Key::Target, ANY),
    ("consistency", Key::Consistency, ANY),
    ("readonly", Key::ReadOnly, ANY),
    ("ro", Key::ReadOnly, ANY),
    ("rw", Key::ReadWrite, ANY),
    ("bind-propagation", Key::BindPropagation, BIND),
    ("bind-recursive", Key::BindRecursive, BIND),
    ("bind-nonrecursive", Key::BindNonrecursive, BIND),
    ("bind-create-src", Key::BindCreateSource, BIND),
    ("volume-driver", Key::VolumeDriver, VOLUME),
    ("volume-label", Key::VolumeLabel, VOLUME),
    ("volume-nocopy", Key::VolumeNocopy, VOLUME),
    ("nocreate", Key::VolumeNocreate, VOLUME),
    ("tmpfs-size", Key::TmpfsSize, TMPFS),
    ("tmpfs-mode", Key::TmpfsMode, TMPFS),
    ("tmpcopyup", Key::CopyUp(Content::Image), TMPFS),
    ("notmpcopyup", Key::CopyUp(Content::Empty), TMPFS),
    ("z", Key::Word(Word::Relabel), &[Type::Bind, Type::Volume]),
];

fn key(name: &str) -> Option<(Key, &'static [Type])> {
    if let Some((_, key, types)) = KEYS.iter().find(|(key, _, _)| *key == name) {
        return Some((*key, types));
    }
    let word = word::word(name)?;
    let types = match word {
        Word::Exec(_) | Word::Suid(_) | Word::Dev(_) => ANY,
        Word::Propagation(_) => &[Type::Bind, Type::Tmpfs],
        // Words of `-v` that have a key of their own here.
        Word::Access(_)
        | Word::Recursion(_)
        | Word::Content(_)
        | Word::Missing(_)
        | Word::Relabel
        | Word::Consistency => return None,
    };
    Some((Key::Word(word), types))
}

/// Types that other tools know and minirun does not have.
const OTHER_TYPES: [(&str, &str); 7] = [
    ("image", "`minirun unshare --image REF` shows an image's files"),
    ("ramfs", "`type=tmpfs`"),
    ("devpts", "every container has its own `/dev/pts`"),
    ("glob", "one mount of type bind for each source"),
    ("artifact", "unpack it and use `type=bind`"),
    ("cluster", "`type=volume`; there are no clusters here"),
    ("npipe", "named pipes are for Windows; `type=bind` binds a socket or fifo"),
];

/// One `KEY` or `KEY=VALUE`.
struct Field {
    /// Lower case.
    key: String,
    value: Option<Vec<u8>>,
}

/// Reads the value of `--mount`.
///
/// # Errors
/// The value has no meaning, or one that minirun does not have yet.
pub fn parse_mount(text: &OsStr) -> Result<MountRequest, MountError> {
    match parse(text.as_bytes()) {
        Ok((destination, kind)) => Ok(MountRequest {
            origin: Origin { flag: Flag::Mount, text: text.to_owned() },
            destination,
            kind,
        }),
        Err(problem) => {
            let text = text.to_string_lossy().into_owned();
            Err(MountError::Spec { flag: Flag::Mount, text, problem })
        }
    }
}

fn parse(text: &[u8]) -> Result<(ContainerPath, MountKind), Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let fields = csv::fields(text)?.iter().map(|field| split(field)).collect::<Result<Vec<_>, _>>()?;
    let mount_type = find_type(&fields)?;
    let mut draft = Draft::default();
    for field in &fields {
        let Some((key, types)) = key(&field.key) else {
            let (word, kind, legal) = (field.key.clone(), mount_type.name(), mount_type.legal_keys());
            let unknown = Problem::Unknown { word, kind, legal };
            // The words of `-v` are known by their own case.
            let other =
                word::unsupported(&field.key).or_else(|| word::unsupported(&field.key.to_uppercase()));
            return Err(other.unwrap_or(unknown));
        };
        if !types.contains(&mount_type) || (key == Key::Source && mount_type == Type::Tmpfs) {
            let (word, kind, legal) = (field.key.clone(), mount_type.name(), mount_type.legal_keys());
            return Err(Problem::WrongKind { word, kind, legal });
        }
        draft.set(key, field)?;
    }
    draft.finish(mount_type)
}

fn split(field: &[u8]) -> Result<Field, Problem> {
    let shown = || String::from_utf8_lossy(field).into_owned();
    let mut parts = field.splitn(2, |&byte| byte == b'=');
    let (key, value) = (parts.next().unwrap_or_default(), parts.next());
    let blank = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    if key.iter().any(u8::is_ascii_whitespace)
        || value.is_some_and(|value| blank(value.first()) || blank(value.last()))
    {
        return Err(Problem::Blank(shown()));
    }
    if key.is_empty() {
        return Err(Problem::EmptyWord);
    }
    let key = String::from_utf8_lossy(key).to_lowercase();
    if value.is_some_and(<[u8]>::is_empty) {
        return Err(Problem::NoValue { key, legal: "something behind the `=`" });
    }
    Ok(Field { key, value: value.map(<[u8]>::to_vec) })
}

/// The last `type`; a volume if there is none.
fn find_type(fields: &[Field]) -> Result<Type, Problem> {
    let Some(field) = fields.iter().rev().find(|field| field.key == "type") else { return Ok(Type::Volume) };
    let legal = "bind volume tmpfs";
    let Some(value) = &field.value else { return Err(Problem::NoValue { key: field.key.clone(), legal }) };
    let value = String::from_utf8_lossy(value).to_lowercase();
    if let Some(found) = ANY.iter().find(|known| known.name() == value) {
        return Ok(*found);
    }
    if let Some((_, instead)) = OTHER_TYPES.iter().find(|(name, _)| *name == value) {
        return Err(Problem::Unsupported { word: format!("type={value}"), instead });
    }
    Err(Problem::BadValue { key: field.key.clone(), value, legal })
}
