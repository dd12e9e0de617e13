//! Names and identifiers that people type or that files are called by.
//!
//! Each is checked once, where it is read; afterwards it can be a file name without being a path.

mod words;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name that is also a file name, in bytes.
const NAME_MAX: usize = 255;
/// The longest host name of Linux, in bytes; `HOST_NAME_MAX` in `limits.h`.
const HOST_NAME_MAX: usize = 64;

/// Why a text is no name.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Not a container name.
    #[error(
        "`{0}` is not a container name ([a-zA-Z0-9] and then one or more of [a-zA-Z0-9_.-], at most 255)"
    )]
    Container(String),
    /// Not a volume name.
    #[error("`{0}` is not a volume name ([a-zA-Z0-9] and then one or more of [a-zA-Z0-9_.-], at most 255)")]
    Volume(String),
    /// Not a container ID.
    #[error("`{0}` is not a container ID (64 lower-case hexadecimal digits)")]
    Id(String),
    /// Not a label.
    #[error("`{0}` is not a label (KEY or KEY=VALUE, the key not empty and without blanks)")]
    Label(String),
    /// Not a host name.
    #[error("`{0}` is not a host name (labels of [a-zA-Z0-9_-] joined by dots, at most 64 bytes)")]
    Hostname(String),
}

/// `^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`, and short enough for a file name.
fn is_restricted(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    first && rest && (2..=NAME_MAX).contains(&text.len())
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_hostname(text: &str) -> bool {
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= HOST_NAME_MAX && text.split('.').all(label)
}

/// Gives a checked text its type: parsing, printing, serde.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:ident, $error:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if !$check(text) {
                    return Err(NameError::$error(text.to_owned()));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

checked_text! {
    /// The name of a container, given with `--name` or made up.
    ContainerName, is_restricted, Container
}
checked_text! {
    /// The name of a volume; for an anonymous one 64 hexadecimal digits.
    VolumeName, is_restricted, Volume
}
checked_text! {
    /// What identifies a container: 64 lower-case hexadecimal digits.
    ContainerId, is_id, Id
}
checked_text! {
    /// A host name, at most 64 bytes.
    Hostname, is_hostname, Hostname
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ContainerId {
    /// The ID made of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(hex(bytes))
    }

    /// The first twelve digits, as lists show them and as the default host name.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl VolumeName {
    /// The name of an anonymous volume, made of 32 random bytes.
    #[must_use]
    pub fn anonymous(bytes: [u8; 32]) -> Self {
        Self(hex(bytes))
    }
}

impl ContainerName {
    /// A name made of two words. `seed` is random; a caller whose name is taken tries the next seed.
    #[must_use]
    pub fn from_random(seed: u64) -> Self {
        let surnames = words::SURNAMES.len() as u64;
        let pick = |list: &[&'static str], number: u64| -> &'static str {
            usize::try_from(number % list.len() as u64)
                .ok()
                .and_then(|at| list.get(at).copied())
                .unwrap_or("plain")
        };
        let adjective = pick(&words::ADJECTIVES, seed / surnames);
        Self(format!("{adjective}_{}", pick(&words::SURNAMES, seed)))
    }
}

/// `KEY=VALUE`, a note on a container or volume.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label {
    /// What is in front of the first `=`; not empty, without blanks.
    pub key: String,
    /// What is behind it; empty if there is none.
    pub value: String,
}

impl FromStr for Label {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(NameError::Label(text.to_owned()));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_dockers_rule() {
        let longest = "a".repeat(255);
        for good in ["ab", "a1", "0-", "A_.-", "my-volume_1.0", &longest] {
            assert_eq!(good.parse::<VolumeName>().unwrap().as_str(), good);
            assert!(good.parse::<ContainerName>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(256);
        for bad in ["", "a", ".a", "-a", "_a", "a/b", "..", "a b", "ä1", "a\n", "a\0", "a:", &too_long] {
            assert!(bad.parse::<VolumeName>().is_err(), "{bad:?}");
            assert!(bad.parse::<ContainerName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_64_lower_case_digits() {
        let id = ContainerId::from_bytes([0xa5; 32]);
        assert_eq!(id.as_str(), "a5".repeat(32));
        assert_eq!(id.short(), "a5a5a5a5a5a5");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for bad in ["", "a5", &"A5".repeat(32), &"g5".repeat(32), &"a5".repeat(33)] {
            assert!(bad.parse::<ContainerId>().is_err(), "{bad}");
        }
        assert_eq!(VolumeName::anonymous([1; 32]).as_str().parse(), Ok(VolumeName::anonymous([1; 32])));
    }

    #[test]
    fn random_names_are_names_and_differ() {
        let mut seen = std::collections::BTreeSet::new();
        let all = (words::ADJECTIVES.len() * words::SURNAMES.len()) as u64;
        for seed in 0..all {
            let name = ContainerName::from_random(seed);
            assert_eq!(name.as_str().parse(), Ok(name.clone()));
            assert!(seen.insert(name), "twice for seed {seed}");
        }
        assert!(all > 10_000);
        let _ = ContainerName::from_random(u64::MAX);
    }

    #[test]
    fn labels_and_host_names() {
        for (text, key, value) in
            [("a", "a", ""), ("a=", "a", ""), ("a=b=c", "a", "b=c"), ("k=x y", "k", "x y")]
        {
            assert_eq!(text.parse(), Ok(Label { key: key.into(), value: value.into() }));
        }
        for bad in ["", "=v", "a b=c", " a=b"] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
        let longest = "h".repeat(64);
        for good in ["a", "web-1", "a.b.c", "under_score", "5", &longest] {
            assert!(good.parse::<Hostname>().is_ok(), "{good}");
        }
        let too_long = "h".repeat(65);
        for bad in ["", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a\n", "ä", "a/b", &too_long] {
            assert!(bad.parse::<Hostname>().is_err(), "{bad}");
        }
    }
}
