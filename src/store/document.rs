//! JSON that others wrote.
//!
//! A document is taken only if every reader would read the same in it: no key may come twice in one object.
//! `serde_json` bounds the depth; whoever reads the bytes bounds the size.

use std::collections::HashSet;
use std::fmt;

use oci_spec::image::ImageConfiguration;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use thiserror::Error;

/// The largest index, manifest or other document, in bytes.
pub const DOCUMENT_MAX: u64 = 4 << 20;
/// The largest image configuration, in bytes.
pub const CONFIG_MAX: u64 = 8 << 20;
/// The largest file that this program writes about an image or container, in bytes: what an image's configuration says
/// comes several times in those of its containers, and each control character takes six bytes there.
pub const RECORD_MAX: u64 = 128 << 20;

/// Why bytes are not the expected document.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// No JSON, or a key comes twice.
    #[error("it is not well-formed JSON")]
    Malformed(#[source] serde_json::Error),
    /// JSON, but of another kind.
    #[error("it is not {expected}")]
    Mismatch {
        /// What it should be.
        expected: &'static str,
        /// What does not fit.
        #[source]
        cause: serde_json::Error,
    },
}

/// Reads a document; `expected` names its kind for the error, with its article.
///
/// # Errors
/// The bytes are not JSON, hold a key twice in one object, or do not fit `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], expected: &'static str) -> Result<T, DocumentError> {
    check_keys(bytes)?;
    serde_json::from_slice(bytes).map_err(|cause| DocumentError::Mismatch { expected, cause })
}

/// Reads a document that this program wrote, which has no key twice; `expected` names its kind for the error, with its
/// article.
///
/// # Errors
/// The bytes are not JSON, or do not fit `T`.
pub fn parse_own<T: DeserializeOwned>(bytes: &[u8], expected: &'static str) -> Result<T, DocumentError> {
    serde_json::from_slice(bytes).map_err(|cause| match cause.classify() {
        Category::Data => DocumentError::Mismatch { expected, cause },
        Category::Syntax | Category::Eof | Category::Io => DocumentError::Malformed(cause),
    })
}

/// Reads the configuration of an image. A set may have `null` for its members, as programs in Go read it.
///
/// # Errors
/// The bytes are not JSON, hold a key twice in one object, or are no configuration.
pub fn configuration(bytes: &[u8]) -> Result<ImageConfiguration, DocumentError> {
    check_keys(bytes)?;
    checked_configuration(bytes)
}

/// Reads a configuration that [`configuration`] has read before.
///
/// # Errors
/// The bytes are no configuration.
pub fn checked_configuration(bytes: &[u8]) -> Result<ImageConfiguration, DocumentError> {
    serde_json::from_slice(bytes).or_else(|cause| {
        let full = serde_json::from_slice(bytes).map(fill_sets).and_then(serde_json::from_value);
        // What was wrong at first is told with its place.
        full.map_err(|_| DocumentError::Mismatch { expected: "an image configuration", cause })
    })
}

/// Gives the members of a configuration's sets the empty objects that the specification wants.
fn fill_sets(mut configuration: serde_json::Value) -> serde_json::Value {
    for set in ["/config/Volumes", "/config/ExposedPorts"] {
        let members = configuration.pointer_mut(set).and_then(serde_json::Value::as_object_mut);
        for member in members.into_iter().flat_map(serde_json::Map::values_mut) {
            if member.is_null() {
                *member = serde_json::Value::Object(serde_json::Map::new());
            }
        }
    }
    configuration
}

fn check_keys(bytes: &[u8]) -> Result<(), DocumentError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    NoDuplicates.deserialize(&mut reader).and_then(|()| reader.end()).map_err(DocumentError::Malformed)
}

/// Walks any value and fails at the first key that its object had before.
struct NoDuplicates;

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} comes twice")));
            }
            seen.insert(key);
            entries.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<serde_json::Value, DocumentError> {
        parse(text.as_bytes(), "a value")
    }

    #[test]
    fn sets_may_have_nothing_for_members() {
        let text = |volumes: &str, more: &str| {
            format!(
                r#"{{"architecture": "amd64", "os": "linux", "rootfs": {{"type": "layers", "diff_ids": []}},
                "config": {{"Volumes": {volumes}{more}}}}}"#
            )
        };
        for (volumes, more) in [
            (r#"{"/x": {}}"#, ""),
            (r#"{"/x": null}"#, ""),
            (r#"{"/x": null}"#, r#", "ExposedPorts": {"80/tcp": null, "81/tcp": {}}"#),
        ] {
            let read = configuration(text(volumes, more).as_bytes()).unwrap();
            assert_eq!(read.config().as_ref().unwrap().volumes().as_deref(), Some(&["/x".to_owned()][..]));
        }
        for (volumes, more) in
            [(r#"{"/x": 1}"#, ""), (r#"{"/x": null, "/x": {}}"#, ""), (r#"{"/x": null}"#, r#", "Env": 1"#)]
        {
            assert!(configuration(text(volumes, more).as_bytes()).is_err(), "{volumes} {more}");
        }
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#"{"a": [1, -2, 0.5, true, null, "x", {"b": {}}], "b": {"a": 1}}"#;
        assert_eq!(value(text).unwrap()["b"]["a"], 1);
    }

    #[test]
    fn refuses_what_readers_disagree_about() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"x": [{"a": 1, "\u0061": 2}]}"#,
            "",
            "{} {}",
            "{",
            "\u{feff}{}",
            r#"{"a": 1,}"#,
        ] {
            assert!(matches!(value(text), Err(DocumentError::Malformed(_))), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(value(&deep), Err(DocumentError::Malformed(_))));
        assert!(matches!(parse::<Vec<u8>>(b"{}", "a list"), Err(DocumentError::Mismatch { .. })));
    }
}
