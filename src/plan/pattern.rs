//! Patterns of file names (`type=glob`): what Podman takes, byte for byte, so that names need not be UTF-8.
//!
//! `*` is any number of characters, `?` is one, `[a-z]` one of these and `[^a-z]` or `[!a-z]` one of the others; `\\`
//! takes the next character as it is. None of them matches a slash, and so `**` says no more than `*`. A dot at the
//! beginning of a name is a character like any other.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use thiserror::Error;

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum PatternError {
    /// `[` without `]`.
    #[error("a `[` is not closed")]
    Open,
    /// `[z-a]`.
    #[error("a range goes from the higher to the lower character")]
    Range,
    /// Nothing behind the last backslash.
    #[error("there is nothing behind the last backslash")]
    Escape,
}

/// One name in a path, or a pattern for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Exactly this name.
    Name(OsString),
    /// Every name that matches.
    Any(NamePattern),
}

/// A pattern for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(Vec<Token>);

/// A character, or one byte that is none, out of their range.
type Unit = u32;

const FIRST_BYTE: Unit = 0x11_0000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Many,
    One,
    Exactly(Unit),
    Among(Vec<(Unit, Unit)>),
    NotAmong(Vec<(Unit, Unit)>),
}

/// Splits a pattern at its slashes; one that does not begin with a slash starts at `cwd`. `.` and `..` are cleaned
/// away.
///
/// # Errors
/// A part is no pattern.
pub fn parse(text: &OsStr, cwd: &Path) -> Result<Vec<Part>, PatternError> {
    let mut parts = Vec::new();
    if !text.as_bytes().starts_with(b"/") {
        let names = cwd.components().filter_map(|component| match component {
            Component::Normal(name) => Some(Part::Name(name.to_owned())),
            Component::RootDir | Component::CurDir | Component::ParentDir | Component::Prefix(_) => None,
        });
        parts.extend(names);
    }
    for name in text.as_bytes().split(|&byte| byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(part(name)?),
        }
    }
    Ok(parts)
}

fn part(name: &[u8]) -> Result<Part, PatternError> {
    if !name.iter().any(|byte| b"*?[\\".contains(byte)) {
        return Ok(Part::Name(OsString::from_vec(name.to_vec())));
    }
    let units = units(name);
    let mut rest = &units[..];
    let mut tokens = Vec::new();
    while let Some((&unit, after)) = rest.split_first() {
        rest = after;
        tokens.push(match char::from_u32(unit) {
            Some('*') => Token::Many,
            Some('?') => Token::One,
            Some('[') => class(&mut rest)?,
            Some('\\') => Token::Exactly(escaped(&mut rest)?),
            _ => Token::Exactly(unit),
        });
    }
    Ok(Part::Any(NamePattern(tokens)))
}

fn escaped(rest: &mut &[Unit]) -> Result<Unit, PatternError> {
    let (&unit, after) = rest.split_first().ok_or(PatternError::Escape)?;
    *rest = after;
    Ok(unit)
}

/// What is behind a `[`; a `]` that comes first is one of the characters.
fn class(rest: &mut &[Unit]) -> Result<Token, PatternError> {
    let is = |unit: Option<&Unit>, wanted: char| unit.is_some_and(|unit| *unit == u32::from(wanted));
    let is_negated = is(rest.first(), '^') || is(rest.first(), '!');
    if is_negated {
        *rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if is(rest.first(), ']') && !ranges.is_empty() {
            *rest = &rest[1..];
            return Ok(if is_negated { Token::NotAmong(ranges) } else { Token::Among(ranges) });
        }
        let from = member(rest)?;
        let to = if is(rest.first(), '-') && !is(rest.get(1), ']') {
            *rest = &rest[1..];
            member(rest)?
        } else {
            from
        };
        if to < from {
            return Err(PatternError::Range);
        }
        ranges.push((from, to));
    }
}

fn member(rest: &mut &[Unit]) -> Result<Unit, PatternError> {
    let (&unit, after) = rest.split_first().ok_or(PatternError::Open)?;
    *rest = after;
    if unit == u32::from('\\') { escaped(rest).map_err(|_| PatternError::Open) } else { Ok(unit) }
}

fn units(name: &[u8]) -> Vec<Unit> {
    let chunks = name.utf8_chunks();
    let units = chunks.flat_map(|chunk| {
        let bytes = chunk.invalid().iter().map(|&byte| FIRST_BYTE + Unit::from(byte));
        chunk.valid().chars().map(Unit::from).chain(bytes)
    });
    units.collect()
}

impl NamePattern {
    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &OsStr) -> bool {
        let name = units(name.as_bytes());
        let (mut token, mut unit) = (0, 0);
        // Where to go on if the last `*` has to take one more.
        let mut last_many = None;
        loop {
            match (self.0.get(token), name.get(unit)) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    last_many = Some((token + 1, unit));
                    token += 1;
                    continue;
                }
                (Some(wanted), Some(found)) if wanted.takes(*found) => {
                    token += 1;
                    unit += 1;
                    continue;
                }
                _ => {}
            }
            match last_many {
                Some((behind, end)) if end < name.len() => {
                    last_many = Some((behind, end + 1));
                    (token, unit) = (behind, end + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn takes(&self, unit: Unit) -> bool {
        let is_in = |ranges: &[(Unit, Unit)]| ranges.iter().any(|(from, to)| (*from..=*to).contains(&unit));
        match self {
            Self::Many | Self::One => true,
            Self::Exactly(wanted) => *wanted == unit,
            Self::Among(ranges) => is_in(ranges),
            Self::NotAmong(ranges) => !is_in(ranges),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &[u8], name: &[u8]) -> bool {
        match &parse(OsStr::from_bytes(pattern), Path::new("/")).unwrap()[..] {
            [Part::Any(pattern)] => pattern.matches(OsStr::from_bytes(name)),
            [Part::Name(own)] => own.as_bytes() == name,
            _ => false,
        }
    }

    #[test]
    fn names_match() {
        for (pattern, name) in [
            (&b"*"[..], &b""[..]),
            (b"*", b".hidden"),
            (b"*.c", b".c"),
            (b"**", b"x"),
            (b"a*b*c", b"a-b-b-c"),
            (b"?", "\u{e4}".as_bytes()),
            (b"?", b"\xff"),
            (b"n*.c", b"n\xff.c"),
            (b"n\xff*", b"n\xff.c"),
            (b"[a-c]x", b"bx"),
            (b"[^a-c]x", b"dx"),
            (b"[!a-c]x", b"dx"),
            (b"[]]", b"]"),
            (b"[a-]", b"-"),
            (b"[\\]]", b"]"),
            (b"\\*", b"*"),
            (b"\\[a]", b"[a]"),
        ] {
            assert!(matches(pattern, name), "{:?}", (pattern.escape_ascii(), name.escape_ascii()));
        }
        for (pattern, name) in [
            (&b"?"[..], &b""[..]),
            (b"?", b"ab"),
            (b"*.c", b"x.cc"),
            (b"a*b*c", b"a-c-b"),
            (b"[a-c]", b"d"),
            (b"[!a]", b"a"),
            (b"\\*", b"x"),
            (b"N", b"n"),
            (b"[a]", b""),
        ] {
            assert!(!matches(pattern, name), "{:?}", (pattern.escape_ascii(), name.escape_ascii()));
        }
    }

    #[test]
    fn many_stars_end_soon() {
        assert!(!matches(&b"*a".repeat(60), &b"a".repeat(59)));
    }

    #[test]
    fn paths_are_split_and_cleaned() {
        let name = |name: &str| Part::Name(name.into());
        let parse = |text: &str| parse(text.as_ref(), Path::new("/h/*"));
        assert_eq!(parse("/a/./b/../c//d/"), Ok(vec![name("a"), name("c"), name("d")]));
        assert_eq!(parse("/.."), Ok(vec![]));
        assert_eq!(parse("./a"), Ok(vec![name("h"), name("*"), name("a")]));
        assert_eq!(parse("../../../a"), Ok(vec![name("a")]));
    }

    #[test]
    fn mistakes_are_told() {
        for (pattern, error) in [
            ("/a/[b", PatternError::Open),
            ("/[", PatternError::Open),
            ("/[]", PatternError::Open),
            ("/[^", PatternError::Open),
            ("/[a-", PatternError::Open),
            ("/[\\", PatternError::Open),
            ("/[b-a]", PatternError::Range),
            ("/x\\", PatternError::Escape),
        ] {
            assert_eq!(parse(pattern.as_ref(), Path::new("/")), Err(error), "{pattern}");
        }
    }
}
