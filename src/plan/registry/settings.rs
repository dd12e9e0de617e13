//! What the user's own file says about registries.
//!
//! ```json
//! {
//!   "search": ["docker.io", "quay.io/team"],
//!   "aliases": {"devbox": "registry.example.com/team/devbox"},
//!   "mirrors": {"docker.io": ["mirror.example.com:5000"]},
//!   "insecure": ["registry.lan:5000"]
//! }
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::endpoint::{DOCKER_HUB, Trust};
use crate::plan::reference::{Reference, ReferenceError};

/// The most bytes of the file.
pub const DOCUMENT_MAX: u64 = 1 << 20;
/// The most names that are tried for a short one.
const TRIED_MAX: usize = 16;

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// Another document, or a key that there is not.
    #[error("it is not as it should be")]
    Malformed(#[source] serde_json::Error),
    /// What it says leads to no name.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// What is said about registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where names without a registry are looked for, in order; Docker's registry alone if nothing is said.
    search: Vec<String>,
    /// What short names stand for.
    aliases: BTreeMap<String, String>,
    /// Who is asked first, by registry.
    mirrors: BTreeMap<String, Vec<String>>,
    /// Which registries need no certificate.
    insecure: Vec<String>,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// It is not JSON of this form; an empty file says nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, SettingsError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // A list of values would do for the fields otherwise.
        let mut object: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(SettingsError::Malformed)?;
        // What is `null` is not said; what is not known stays, and is refused.
        let is_known = |key: &str| matches!(key, "search" | "aliases" | "mirrors" | "insecure");
        object.retain(|key, value| !(value.is_null() && is_known(key)));
        serde_json::from_value(Value::Object(object)).map_err(SettingsError::Malformed)
    }

    /// The names that `text` may stand for, in the order in which they are tried.
    ///
    /// # Errors
    /// It is no name, or what is said about it leads to none.
    pub fn candidates(&self, text: &str) -> Result<Vec<Reference>, SettingsError> {
        let typed: Reference = text.parse()?;
        let (name, suffix) = split(text);
        if let Some(full) = self.aliases.get(name) {
            return Ok(vec![format!("{full}{suffix}").parse()?]);
        }
        if !is_short(name) || self.search.is_empty() {
            return Ok(vec![typed]);
        }
        let place = |place: &String| {
            if place == DOCKER_HUB { Ok(typed.clone()) } else { format!("{place}/{text}").parse() }
        };
        let places = self.search.iter().take(TRIED_MAX).map(place);
        Ok(places.collect::<Result<_, _>>()?)
    }

    /// The registries that are asked for what `registry` has, in order: its mirrors, then itself.
    #[must_use]
    pub fn places<'a>(&'a self, registry: &'a str) -> Vec<&'a str> {
        let mirrors = self.mirrors.get(registry).into_iter().flatten().map(String::as_str);
        mirrors.take(TRIED_MAX).chain([registry]).collect()
    }

    /// How far a registry is trusted.
    #[must_use]
    pub fn trust(&self, registry: &str) -> Trust {
        let is_insecure = self.insecure.iter().any(|named| named.eq_ignore_ascii_case(registry));
        if is_insecure { Trust::Insecure } else { Trust::Certificate }
    }
}

/// A name, and the tag and digest behind it.
fn split(text: &str) -> (&str, &str) {
    let name = text.split('@').next().unwrap_or_default();
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let end = name.get(last..).and_then(|part| part.find(':')).map_or(name.len(), |colon| last + colon);
    text.split_at(end)
}

/// Whether nothing in the name says where it is from.
fn is_short(name: &str) -> bool {
    let Some((first, _)) = name.split_once('/') else { return true };
    !first.contains(['.', ':']) && first != "localhost" && !first.contains(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = br#"{
        "search": ["docker.io", "quay.io/team"],
        "aliases": {"devbox": "r.example/t/devbox"},
        "mirrors": {"docker.io": ["m:5000"]},
        "insecure": ["R.lan:5000"]
    }"#;

    #[test]
    fn short_names_are_looked_for() {
        let settings = Settings::parse(FILE).unwrap();
        let digest = format!("@sha256:{}", "0a".repeat(32));
        for (text, expected) in [
            ("alpine".to_owned(), "docker.io/library/alpine:latest quay.io/team/alpine:latest".to_owned()),
            ("a/b:1".to_owned(), "docker.io/a/b:1 quay.io/team/a/b:1".to_owned()),
            ("devbox:2".to_owned(), "r.example/t/devbox:2".to_owned()),
            (format!("devbox{digest}"), format!("r.example/t/devbox{digest}")),
            ("localhost/x".to_owned(), "localhost/x:latest".to_owned()),
            ("q.io/x".to_owned(), "q.io/x:latest".to_owned()),
        ] {
            let names: Vec<String> =
                settings.candidates(&text).unwrap().iter().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), expected, "{text}");
        }
        assert!(settings.candidates("A b").is_err());
        let names = Settings::default().candidates("alpine").unwrap();
        assert_eq!(names.len(), 1);
    }

    #[test]
    fn mirrors_come_first() {
        let settings = Settings::parse(FILE).unwrap();
        assert_eq!(settings.places("docker.io"), ["m:5000", "docker.io"]);
        assert_eq!(settings.places("q.io"), ["q.io"]);
        assert_eq!(settings.trust("r.lan:5000"), Trust::Insecure);
        assert_eq!(settings.trust("r.lan"), Trust::Certificate);
    }

    #[test]
    fn unknown_words_are_refused() {
        for nothing in ["", "\n", r#"{"search": null, "mirrors": null}"#] {
            assert_eq!(Settings::parse(nothing.as_bytes()).unwrap(), Settings::default(), "{nothing}");
        }
        for bad in ["[]", r#"{"serach": []}"#, r#"{"serach": null}"#, r#"{"search": "x"}"#] {
            assert!(Settings::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        let settings = Settings::parse(br#"{"search": ["A b"]}"#).unwrap();
        assert!(settings.candidates("x").is_err());
    }
}
