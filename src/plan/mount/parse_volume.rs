//! `-v [SOURCE:]DESTINATION[:WORD,…]`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::mem::discriminant;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::word::{self, Word};
use super::{
    Attributes, Bind, Content, Flag, Links, Missing, MountError, MountKind, MountRequest, Origin, Ownership,
    Problem, Propagation, Recursion, View, Volume,
};
use crate::plan::path::ContainerPath;

const BIND_WORDS: &str = "ro rw exec noexec suid nosuid dev nodev bind rbind private rprivate shared rshared slave \
     rslave unbindable runbindable z Z cached delegated consistent";
const VOLUME_WORDS: &str =
    "ro rw exec noexec suid nosuid dev nodev copy nocopy nocreate z Z cached delegated consistent";

/// Reads the value of `-v`.
///
/// A source that begins with `/` or `.` is a path of the host, any other a volume's name; no source is an
/// anonymous volume. Colons cannot be quoted.
///
/// # Errors
/// The value has no meaning, or one that minirun does not have yet.
pub fn parse_volume(text: &OsStr) -> Result<MountRequest, MountError> {
    match parse(text.as_bytes()) {
        Ok((destination, kind)) => Ok(MountRequest {
            origin: Origin { flag: Flag::Volume, text: text.to_owned() },
            destination,
            kind,
        }),
        Err(problem) => {
            let text = text.to_string_lossy().into_owned();
            Err(MountError::Spec { flag: Flag::Volume, text, problem })
        }
    }
}

fn parse(text: &[u8]) -> Result<(ContainerPath, MountKind), Problem> {
    let sections: Vec<&[u8]> = text.split(|&byte| byte == b':').collect();
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if sections.iter().any(|section| section.is_empty()) {
        return Err(Problem::EmptySection);
    }
    let (source, destination, words) = match sections[..] {
        [destination] => (None, destination, None),
        [source, destination] => (Some(source), destination, None),
        [source, destination, words] => (Some(source), destination, Some(words)),
        _ => return Err(Problem::Sections(sections.len())),
    };
    let destination = super::parse_destination(destination)?;
    let words = words.map(String::from_utf8_lossy).unwrap_or_default();
    let kind = match source {
        Some(source @ [b'/' | b'.', ..]) => bind(source, &words)?,
        source => volume(source, &words)?,
    };
    Ok((destination, kind))
}

fn bind(source: &[u8], words: &str) -> Result<MountKind, Problem> {
    if source.contains(&0) {
        return Err(Problem::NulInSource);
    }
    let mut bind = Bind {
        source: PathBuf::from(OsStr::from_bytes(source)),
        missing: Missing::Create,
        recursion: Recursion::Enabled,
        attributes: Attributes::default(),
        propagation: Propagation::default(),
        view: View::Direct,
        ownership: Ownership::Kept,
        links: Links::Follow,
    };
    for (text, word) in parse_words(words, "bind", BIND_WORDS)? {
        match word {
            Word::Propagation(propagation) => bind.propagation = propagation,
            Word::Recursion(recursion) => bind.recursion = recursion,
            Word::Content(_) | Word::Missing(_) => {
                return Err(Problem::WrongKind { word: text, kind: "bind", legal: BIND_WORDS });
            }
            word => word::apply(word, &mut bind.attributes),
        }
    }
    Ok(MountKind::Bind(bind))
}

fn volume(name: Option<&[u8]>, words: &str) -> Result<MountKind, Problem> {
    let name = name.map(|name| String::from_utf8_lossy(name).parse()).transpose().map_err(Problem::Name)?;
    let mut volume = Volume {
        name,
        missing: Missing::Create,
        content: Content::Image,
        labels: Vec::new(),
        options: BTreeMap::new(),
        subpath: None,
        attributes: Attributes::default(),
        view: View::Direct,
        ownership: Ownership::Kept,
    };
    for (text, word) in parse_words(words, "volume", VOLUME_WORDS)? {
        match word {
            Word::Content(content) => volume.content = content,
            Word::Missing(missing) => volume.missing = missing,
            Word::Propagation(_) | Word::Recursion(_) => {
                return Err(Problem::WrongKind { word: text, kind: "volume", legal: VOLUME_WORDS });
            }
            word => word::apply(word, &mut volume.attributes),
        }
    }
    Ok(MountKind::Volume(volume))
}

/// Splits at commas; no two words may be about the same thing, not even the same word twice.
fn parse_words(words: &str, kind: &'static str, legal: &'static str) -> Result<Vec<(String, Word)>, Problem> {
    let mut parsed: Vec<(String, Word)> = Vec::new();
    if words.is_empty() {
        return Ok(parsed);
    }
    for text in words.split(',') {
        if text.is_empty() {
            return Err(Problem::EmptyWord);
        }
        let Some(word) = word::word(text) else {
            let unknown = Problem::Unknown { word: text.to_owned(), kind, legal };
            return Err(word::unsupported(text).unwrap_or(unknown));
        };
        if let Some((first, _)) = parsed.iter().find(|(_, other)| discriminant(other) == discriminant(&word))
        {
            return Err(Problem::Repeated { first: first.clone(), second: text.to_owned() });
        }
        parsed.push((text.to_owned(), word));
    }
    Ok(parsed)
}
