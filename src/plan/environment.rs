//! The environment of a container's process: defaults, then the image's, then the user's.

use std::collections::BTreeMap;

use thiserror::Error;

/// Where programs are looked for if nobody says.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a text sets no variable.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvironmentError {
    /// Nothing in front of the `=`, or nothing at all.
    #[error("`{0}` has no variable name")]
    NoName(String),
    /// A NUL byte, which would end the variable early.
    #[error("variable `{0}` holds a NUL byte")]
    Nul(String),
    /// A blank in the name, in a file.
    #[error("line {line}: the variable name `{name}` has a blank")]
    Blank {
        /// Counted from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// A line without name.
    #[error("line {line}: `{text}` has no variable name")]
    NoNameInLine {
        /// Counted from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A NUL byte in a file.
    #[error("line {0} holds a NUL byte")]
    NulInLine(usize),
    /// The file is not UTF-8.
    #[error("line {0} is not UTF-8")]
    NotUtf8(usize),
}

/// What one `-e` or one line of an `--env-file` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// `NAME=VALUE`; the value may be empty.
    Set(String, String),
    /// `NAME` alone: as the caller has it, and nothing if the caller has none.
    Inherit(String),
}

/// Reads the value of `-e`.
///
/// # Errors
/// There is no name, or a NUL byte.
pub fn parse_setting(text: &str) -> Result<Setting, EnvironmentError> {
    let setting = split(text);
    let name = match &setting {
        Setting::Set(name, _) | Setting::Inherit(name) => name,
    };
    if name.is_empty() {
        return Err(EnvironmentError::NoName(text.to_owned()));
    }
    if text.contains('\0') {
        return Err(EnvironmentError::Nul(name.replace('\0', "")));
    }
    Ok(setting)
}

fn split(text: &str) -> Setting {
    match text.split_once('=') {
        Some((name, value)) => Setting::Set(name.to_owned(), value.to_owned()),
        None => Setting::Inherit(text.to_owned()),
    }
}

/// Reads the contents of an `--env-file`: one setting on each line, blanks in front dropped, no quotes and no
/// expansion; `#` begins a comment only as the first character.
///
/// # Errors
/// A line is not UTF-8, holds a NUL byte, or has no name or one with a blank.
pub fn parse_file(contents: &[u8]) -> Result<Vec<Setting>, EnvironmentError> {
    let contents = contents.strip_prefix("\u{feff}".as_bytes()).unwrap_or(contents);
    let mut settings = Vec::new();
    for (number, bytes) in contents.split(|&byte| byte == b'\n').enumerate() {
        let line = number + 1;
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| EnvironmentError::NotUtf8(line))?.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.contains('\0') {
            return Err(EnvironmentError::NulInLine(line));
        }
        let setting = split(text);
        let (Setting::Set(name, _) | Setting::Inherit(name)) = &setting;
        if name.is_empty() {
            return Err(EnvironmentError::NoNameInLine { line, text: text.to_owned() });
        }
        if name.contains(char::is_whitespace) {
            return Err(EnvironmentError::Blank { line, name: name.clone() });
        }
        settings.push(setting);
    }
    Ok(settings)
}

/// What the environment is made of, the weakest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// `NAME=VALUE` that hold if nobody says otherwise: `PATH`, `HOSTNAME`, `HOME`, perhaps `TERM`.
    pub defaults: &'a [(&'a str, &'a str)],
    /// `NAME=VALUE` of the image's configuration.
    pub image: &'a [String],
    /// All `--env-file`s, in order.
    pub files: &'a [Setting],
    /// All `-e`, in order; they beat the files wherever they stand on the command line.
    pub flags: &'a [Setting],
}

/// The environment as `NAME=VALUE`; each name once, where it first appeared, with the last value. `lookup` tells what
/// the caller's environment has.
///
/// An entry of the image without a name is left out, as the kernel would carry it but no program could read it.
#[must_use]
pub fn merge(layers: &Layers<'_>, lookup: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let defaults = layers.defaults.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let image = layers.image.iter().map(|text| text.split_once('=').unwrap_or((text, "")));
    let image =
        image.filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let asked = layers.files.iter().chain(layers.flags).filter_map(|setting| match setting {
        Setting::Set(name, value) => Some((name.clone(), value.clone())),
        Setting::Inherit(name) => lookup(name).map(|value| (name.clone(), value)),
    });
    let mut merged: Vec<(String, String)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (name, value) in defaults.chain(image).chain(asked) {
        if let Some(entry) = places.get(&name).and_then(|&at| merged.get_mut(at)) {
            entry.1 = value;
        } else {
            places.insert(name.clone(), merged.len());
            merged.push((name, value));
        }
    }
    merged.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Setting {
        Setting::Set(name.into(), value.into())
    }

    #[test]
    fn settings() {
        for (text, setting) in [
            ("A=b", set("A", "b")),
            ("A=", set("A", "")),
            ("A=b=c d ", set("A", "b=c d ")),
            ("A", Setting::Inherit("A".into())),
            ("a.b-c", Setting::Inherit("a.b-c".into())),
        ] {
            assert_eq!(parse_setting(text), Ok(setting));
        }
        for bad in ["", "=", "=b", "A=\0", "\0"] {
            assert!(parse_setting(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn files() {
        let text = "\u{feff}A=1\n  B= x \n#C=1\n  #D=1\n\nE='q' # no comment\r\nBARE\nF=a=b\n";
        let wanted = [
            set("A", "1"),
            set("B", " x "),
            set("E", "'q' # no comment"),
            Setting::Inherit("BARE".into()),
            set("F", "a=b"),
        ];
        assert_eq!(parse_file(text.as_bytes()), Ok(wanted.to_vec()));
        assert_eq!(parse_file(b""), Ok(vec![]));
        assert_eq!(parse_file(b"\nA B=1"), Err(EnvironmentError::Blank { line: 2, name: "A B".into() }));
        assert_eq!(parse_file(b"A =1"), Err(EnvironmentError::Blank { line: 1, name: "A ".into() }));
        assert_eq!(parse_file(b" =1"), Err(EnvironmentError::NoNameInLine { line: 1, text: "=1".into() }));
        assert_eq!(parse_file(b"A=\xff"), Err(EnvironmentError::NotUtf8(1)));
        assert_eq!(parse_file(b"A=\0"), Err(EnvironmentError::NulInLine(1)));
    }

    #[test]
    fn later_layers_win() {
        let layers = Layers {
            defaults: &[("PATH", DEFAULT_PATH), ("HOME", "/root")],
            image: &["PATH=/bin".into(), "I=1".into(), "BARE".into(), "=x".into()],
            files: &[set("I", "2"), set("F", "1"), Setting::Inherit("HOME".into())],
            flags: &[
                set("F", "2"),
                set("F", "3"),
                Setting::Inherit("GONE".into()),
                Setting::Inherit("HERE".into()),
            ],
        };
        let caller = |name: &str| (name == "HERE").then(|| "yes".to_owned());
        assert_eq!(merge(&layers, caller), ["PATH=/bin", "HOME=/root", "I=2", "BARE=", "F=3", "HERE=yes"]);
    }
}
