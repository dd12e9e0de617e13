//! Paths inside a container.
//!
//! A [`ContainerPath`] is bytes, absolute and lexically clean. It is not a [`std::path::Path`] and does not
//! turn into one by accident: only [`crate::sys::root`] opens it, inside a root filesystem.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::bytes;

/// Why a text is not a path inside a container.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// The text is empty.
    #[error("the path is empty")]
    Empty,
    /// The path does not begin with a slash.
    #[error("`{0}` is not absolute")]
    NotAbsolute(String),
    /// The path holds a NUL byte, which no kernel interface can carry.
    #[error("`{0}` holds a NUL byte")]
    Nul(String),
    /// The path begins with a slash.
    #[error("`{0}` is absolute")]
    Absolute(String),
    /// The path leads out of where it starts.
    #[error("`{0}` leads out through `..`")]
    Outside(String),
}

/// An absolute path inside a container: no `.`, no `..`, no doubled or trailing slash.
///
/// Cleaning is lexical, as Docker does it; symlinks are met only when the path is opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerPath(Vec<u8>);

impl ContainerPath {
    /// The root of the container, `/`.
    #[must_use]
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// Parses and cleans an absolute path.
    ///
    /// # Errors
    /// The text is empty, relative or holds a NUL byte.
    pub fn parse(text: impl AsRef<OsStr>) -> Result<Self, PathError> {
        let bytes = text.as_ref().as_bytes();
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        match bytes.first() {
            None => return Err(PathError::Empty),
            Some(b'/') => {}
            Some(_) => return Err(PathError::NotAbsolute(shown())),
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul(shown()));
        }
        Ok(Self::clean(bytes))
    }

    fn clean(bytes: &[u8]) -> Self {
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in bytes.split(|&byte| byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                name => parts.push(name),
            }
        }
        let mut clean = vec![b'/'];
        clean.extend(parts.join(&b'/'));
        Self(clean)
    }

    /// `path` below this one; an absolute `path` replaces it, `..` is clamped at the root.
    #[must_use]
    pub fn join(&self, path: impl AsRef<OsStr>) -> Self {
        let path = path.as_ref().as_bytes();
        if path.first() == Some(&b'/') {
            return Self::clean(path);
        }
        let mut joined = self.0.clone();
        joined.push(b'/');
        joined.extend_from_slice(path);
        Self::clean(&joined)
    }

    /// The names on the way, from the root down; none for `/`.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).map(OsStr::from_bytes)
    }

    /// How many names the path has; 0 for `/`.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// Whether this is `/`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == b"/"
    }

    /// Whether this path is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.is_root()
            || self.0 == other.0
            || (self.0.starts_with(&other.0) && self.0.get(other.0.len()) == Some(&b'/'))
    }

    /// The text as the kernel takes it.
    #[must_use]
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }
}

impl fmt::Display for ContainerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

impl fmt::Debug for ContainerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_os_str(), f)
    }
}

impl Serialize for ContainerPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(self.as_os_str(), serializer)
    }
}

impl<'de> Deserialize<'de> for ContainerPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: OsString = bytes::deserialize(deserializer)?;
        Self::parse(text).map_err(serde::de::Error::custom)
    }
}

/// A path below a volume or an image: relative, lexically clean, never out through `..`; `.` is all of it.
///
/// Symlinks on the way are met when it is opened, beneath its start (`openat2(2)`, `RESOLVE_BENEATH`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subpath(#[serde(with = "bytes")] OsString);

impl Subpath {
    /// Parses and cleans a relative path.
    ///
    /// # Errors
    /// The text is empty, absolute, holds a NUL byte or leads out.
    pub fn parse(text: impl AsRef<OsStr>) -> Result<Self, PathError> {
        let bytes = text.as_ref().as_bytes();
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        match bytes.first() {
            None => return Err(PathError::Empty),
            Some(b'/') => return Err(PathError::Absolute(shown())),
            Some(_) => {}
        }
        if bytes.contains(&0) {
            return Err(PathError::Nul(shown()));
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in bytes.split(|&byte| byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop().ok_or_else(|| PathError::Outside(shown()))?),
                name => parts.push(name),
            }
        }
        let clean = if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') };
        Ok(Self(OsString::from_vec(clean)))
    }

    /// All of what it starts at.
    #[must_use]
    pub fn all() -> Self {
        Self(OsString::from("."))
    }

    /// Whether this is all of what it starts at.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0 == "."
    }

    /// The text as the kernel takes it.
    #[must_use]
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }
}

impl fmt::Display for Subpath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string_lossy().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subpath_stays_below() {
        for (text, clean) in [("a", "a"), ("a//b/./c/", "a/b/c"), ("a/../b", "b"), (".", "."), ("a/..", ".")]
        {
            assert_eq!(Subpath::parse(text).unwrap().to_string(), clean, "{text}");
        }
        for (text, error) in [
            ("", PathError::Empty),
            ("/a", PathError::Absolute("/a".into())),
            ("..", PathError::Outside("..".into())),
            ("a/../../b", PathError::Outside("a/../../b".into())),
            ("a\0", PathError::Nul("a\0".into())),
        ] {
            assert_eq!(Subpath::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn cleans_lexically() {
        for (text, clean) in [
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/a//b/", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/../a", "/a"),
            ("/a/../../b", "/b"),
            ("/...", "/..."),
        ] {
            assert_eq!(ContainerPath::parse(text).unwrap().to_string(), clean, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_container_path() {
        assert_eq!(ContainerPath::parse(""), Err(PathError::Empty));
        assert_eq!(ContainerPath::parse("a/b"), Err(PathError::NotAbsolute("a/b".into())));
        assert_eq!(ContainerPath::parse("/a\0b"), Err(PathError::Nul("/a\0b".into())));
    }

    #[test]
    fn within_is_by_component() {
        let path = |text: &str| ContainerPath::parse(text).unwrap();
        assert!(path("/a/b").is_within(&path("/a")));
        assert!(path("/a").is_within(&path("/a")));
        assert!(path("/a").is_within(&path("/")));
        assert!(!path("/ab").is_within(&path("/a")));
        assert!(!path("/a").is_within(&path("/a/b")));
    }

    #[test]
    fn joins_below() {
        let base = ContainerPath::parse("/a").unwrap();
        assert_eq!(base.join("b/../c").to_string(), "/a/c");
        assert_eq!(base.join("/x").to_string(), "/x");
        assert_eq!(base.join("../../..").to_string(), "/");
    }
}
