//! `-v [SOURCE:]DESTINATION[:WORD,…]`.

use std::ffi::OsStr;
use std::mem::discriminant;
use std::os::unix::ffi::OsStrExt;

use super::draft::Draft;
use super::view::parse_layer_path;
use super::word::{self, Type, Word};
use super::{Flag, Missing, MountError, MountKind, MountRequest, Problem};
use crate::plan::path::ContainerPath;

/// Reads the value of `-v`.
///
/// A source that begins with `/` or `.` is a path of the host, any other a volume's name; no source is an
/// anonymous volume. Colons cannot be quoted.
///
/// # Errors
/// The value has no meaning, or one that minirun cannot have.
pub fn parse_volume(text: &OsStr) -> Result<MountRequest, MountError> {
    super::request(Flag::Volume, text, parse(text.as_bytes()))
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
    let mut draft = Draft { source: source.map(<[u8]>::to_vec), ..Draft::default() };
    let of = match source {
        Some([b'/' | b'.', ..]) => Type::Bind,
        Some(_) | None => Type::Volume,
    };
    draft.missing = Some(Missing::Create);
    if let Some(words) = words {
        parse_words(&mut draft, words, of)?;
    }
    Ok((destination, draft.finish(of)?))
}

/// Splits at commas; no two words may be about the same thing, not even the same word twice.
fn parse_words(draft: &mut Draft, words: &[u8], of: Type) -> Result<(), Problem> {
    let mut said: Vec<(String, Word)> = Vec::new();
    for text in words.split(|&byte| byte == b',') {
        if text.is_empty() {
            return Err(Problem::EmptyWord);
        }
        if parse_path(draft, text)? {
            continue;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        let word = word::word(&text, of)?;
        if let Some((first, _)) = said.iter().find(|(_, other)| discriminant(other) == discriminant(&word)) {
            return Err(Problem::Repeated { first: first.clone(), second: text });
        }
        draft.apply(word);
        said.push((text, word));
    }
    let Some(layer) = draft.layer else { return Ok(()) };
    match said.iter().find(|(_, word)| !layer.goes_with(*word)) {
        Some((other, _)) => Err(Problem::together(layer, other)),
        None => Ok(()),
    }
}

/// Whether `text` was one of the words that hold a path.
fn parse_path(draft: &mut Draft, text: &[u8]) -> Result<bool, Problem> {
    for (key, slot) in [("upperdir", &mut draft.upper), ("workdir", &mut draft.work)] {
        let Some(path) = text.strip_prefix(key.as_bytes()) else { continue };
        let Some(path) = path.strip_prefix(b"=") else { continue };
        let path = parse_layer_path(key, path)?;
        if slot.replace(path).is_some() {
            return Err(Problem::Repeated { first: format!("{key}="), second: format!("{key}=") });
        }
        return Ok(true);
    }
    Ok(false)
}
