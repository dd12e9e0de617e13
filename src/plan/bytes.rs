//! Texts of the system in JSON: a string where they are UTF-8, else the list of their bytes.
//!
//! For serde's `with`, on [`std::ffi::OsString`] and [`std::path::PathBuf`].

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path in JSON that is one of several, or may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemPath(#[serde(with = "self")] pub PathBuf);

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Bytes(Vec<u8>),
}

/// Writes `text`.
///
/// # Errors
/// What the serializer says.
pub fn serialize<S: Serializer>(
    text: &(impl AsRef<OsStr> + ?Sized),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = text.as_ref();
    match text.to_str() {
        Some(text) => serializer.serialize_str(text),
        None => serializer.collect_seq(text.as_bytes()),
    }
}

/// Reads what [`serialize`] wrote.
///
/// # Errors
/// It is neither a string nor a list of bytes.
pub fn deserialize<'de, T: From<OsString>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(match Text::deserialize(deserializer)? {
        Text::Utf8(text) => OsString::from(text),
        Text::Bytes(bytes) => OsString::from_vec(bytes),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives() {
        for (bytes, json) in
            [(&b"/a b"[..], "\"/a b\""), ("/\u{fc}".as_bytes(), "\"/\u{fc}\""), (b"/\xff", "[47,255]")]
        {
            let holder = SystemPath(PathBuf::from(OsStr::from_bytes(bytes)));
            assert_eq!(serde_json::to_string(&holder).unwrap(), json);
            assert_eq!(serde_json::from_str::<SystemPath>(json).unwrap(), holder);
        }
        assert!(serde_json::from_str::<SystemPath>("[256]").is_err());
    }
}
