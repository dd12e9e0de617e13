//! Credentials as Docker and its relatives keep them: `config.json` and `auth.json`.
//!
//! An entry is for a registry, or for a part of one (`HOST/NAMESPACE`); the longest that fits counts. What is said there
//! besides credentials stays as it is when the document is written again.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::endpoint::DOCKER_HUB;

/// The most bytes of such a document.
pub const DOCUMENT_MAX: u64 = 1 << 20;
/// What Docker calls its own registry there.
const DOCKER_HUB_KEYS: [&str; 4] =
    ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"];

/// Why a document of credentials cannot be used.
#[derive(Debug, Error)]
pub enum AuthFileError {
    /// Another document.
    #[error("it is not a document of credentials")]
    Malformed(#[source] serde_json::Error),
    /// An entry that is not base64 of `USER:PASSWORD`.
    #[error("its entry for `{}` cannot be read", .0.escape_debug())]
    Entry(String),
    /// The name of a helper that is more than a name.
    #[error("its credential helper `{}` is not the name of one", .0.escape_debug())]
    Helper(String),
}

/// Who somebody is to a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, or a token that stands for it.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    /// Never the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    /// Reads `USER:PASSWORD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (user, password) = text.split_once(':')?;
        let is_sound = !user.is_empty() && !text.contains(char::is_control);
        is_sound.then(|| Self { user: user.to_owned(), password: password.to_owned() })
    }

    /// As the value of the header `Authorization`.
    #[must_use]
    pub fn basic(&self) -> String {
        format!("Basic {}", self.encoded())
    }

    fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

/// What a document says about a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The credentials themselves.
    Credentials(Credentials),
    /// Who has them: the program `docker-credential-NAME`, and what it calls the registry.
    Helper {
        /// The name.
        name: String,
        /// What is asked for.
        server: String,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
}

/// What the document says about `repository` of `registry`.
///
/// # Errors
/// It is another document, or what it says about this one cannot be used.
pub fn find(bytes: &[u8], registry: &str, repository: &str) -> Result<Option<Known>, AuthFileError> {
    let wire = read(bytes)?;
    let helper = |name: &String, server: &str| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(AuthFileError::Helper(name.clone()));
        }
        Ok(Some(Known::Helper { name: name.clone(), server: server.to_owned() }))
    };
    let keys = keys(registry, repository);
    if let Some((key, name)) = keys.iter().find_map(|key| wire.cred_helpers.get_key_value(key)) {
        return helper(name, key);
    }
    let entry = keys.iter().find_map(|wanted| wire.auths.iter().find(|(key, _)| plain(key) == plain(wanted)));
    if let Some((key, entry)) = entry.filter(|(_, entry)| !entry.auth.is_empty()) {
        let error = || AuthFileError::Entry(key.clone());
        let decoded = STANDARD.decode(entry.auth.trim_end_matches('\0')).map_err(|_| error())?;
        let text = String::from_utf8(decoded).map_err(|_| error())?;
        let credentials = Credentials::parse(text.trim_end_matches('\0')).ok_or_else(error)?;
        return Ok(Some(Known::Credentials(credentials)));
    }
    if wire.creds_store.is_empty() {
        return Ok(None);
    }
    helper(&wire.creds_store, server(registry))
}

/// What the document is once it has these credentials for a registry.
///
/// # Errors
/// It is another document.
pub fn with(bytes: &[u8], registry: &str, credentials: &Credentials) -> Result<Vec<u8>, AuthFileError> {
    let mut document = object(bytes)?;
    let auths = document.entry("auths").or_insert_with(|| json!({}));
    if let Some(auths) = auths.as_object_mut() {
        auths.retain(|key, _| plain(key) != plain(server(registry)));
        auths.insert(server(registry).to_owned(), json!({ "auth": credentials.encoded() }));
    }
    Ok(text(&document))
}

/// What the document is once it has no credentials for a registry; nothing if it has none.
///
/// # Errors
/// It is another document.
pub fn without(bytes: &[u8], registry: &str) -> Result<Option<Vec<u8>>, AuthFileError> {
    let mut document = object(bytes)?;
    let Some(auths) = document.get_mut("auths").and_then(Value::as_object_mut) else { return Ok(None) };
    let before = auths.len();
    let keys = keys(registry, "");
    auths.retain(|key, _| !keys.iter().any(|own| plain(own) == plain(key)));
    let is_changed = auths.len() < before;
    Ok(is_changed.then(|| text(&document)))
}

/// An object: a list of values would do for its fields otherwise.
fn read(bytes: &[u8]) -> Result<Wire, AuthFileError> {
    let object: Map<String, Value> = serde_json::from_slice(bytes).map_err(AuthFileError::Malformed)?;
    serde_json::from_value(Value::Object(object)).map_err(AuthFileError::Malformed)
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, AuthFileError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    // A document of another form is said so, and not overwritten.
    read(bytes)?;
    serde_json::from_slice(bytes).map_err(AuthFileError::Malformed)
}

fn text(document: &Map<String, Value>) -> Vec<u8> {
    // The texts and numbers of a document that was read can be written.
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What an entry may be called, the closest first.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = repository;
    while !path.is_empty() {
        keys.push(format!("{registry}/{path}"));
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    if registry == DOCKER_HUB {
        keys.extend(DOCKER_HUB_KEYS.map(str::to_owned));
    } else {
        keys.push(registry.to_owned());
    }
    keys
}

/// What Docker calls the registry.
fn server(registry: &str) -> &str {
    if registry == DOCKER_HUB { DOCKER_HUB_KEYS[0] } else { registry }
}

/// A key without what older programs put around the host.
fn plain(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Known {
        Known::Credentials(Credentials { user: name.to_owned(), password: "p:w".to_owned() })
    }

    #[test]
    fn the_closest_entry_counts() {
        let auth = |name: &str| STANDARD.encode(format!("{name}:p:w"));
        let document = format!(
            r#"{{"auths": {{"https://q.io/v1/": {{"auth": "{}"}}, "q.io/a": {{"auth": "{}"}},
                 "https://index.docker.io/v1/": {{"auth": "{}"}}, "e.io": {{}}}}, "x": 1}}"#,
            auth("host"),
            auth("part"),
            auth("hub")
        );
        let find = |registry, repository| find(document.as_bytes(), registry, repository).unwrap();
        assert_eq!(find("q.io", "b/c"), Some(user("host")));
        assert_eq!(find("q.io", "a/c"), Some(user("part")));
        assert_eq!(find("q.io", "ab"), Some(user("host")));
        assert_eq!(find("docker.io", "library/x"), Some(user("hub")));
        assert_eq!(find("e.io", "x"), None);
        assert_eq!(find("other.io", "x"), None);
    }

    #[test]
    fn helpers_are_named() {
        let document = br#"{"credsStore": "all", "credHelpers": {"q.io": "one"}}"#;
        let helper = |name: &str, server: &str| {
            Some(Known::Helper { name: name.to_owned(), server: server.to_owned() })
        };
        assert_eq!(find(document, "q.io", "x").unwrap(), helper("one", "q.io"));
        assert_eq!(find(document, "docker.io", "x").unwrap(), helper("all", "https://index.docker.io/v1/"));
        let bad = br#"{"credsStore": "../x"}"#;
        assert!(matches!(find(bad, "q.io", "x"), Err(AuthFileError::Helper(_))));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["", "[]", r#"{"auths": []}"#, r#"{"auths": {"a": {"auth": 3}}}"#] {
            assert!(matches!(find(bad.as_bytes(), "a", "b"), Err(AuthFileError::Malformed(_))), "{bad}");
        }
        for bad in ["%", "YQ==", "Og==", "YTpiCg=="] {
            let document = format!(r#"{{"auths": {{"a": {{"auth": "{bad}"}}}}}}"#);
            assert!(matches!(find(document.as_bytes(), "a", "b"), Err(AuthFileError::Entry(_))), "{bad}");
        }
    }

    #[test]
    fn all_else_stays_when_it_is_written() {
        let credentials = Credentials::parse("u:p").unwrap();
        let new = with(b"", "q.io", &credentials).unwrap();
        assert_eq!(find(&new, "q.io", "x").unwrap(), Some(Known::Credentials(credentials.clone())));
        let kept =
            with(br#"{"x": {"y": [1]}, "auths": {"https://q.io/v1/": {}}}"#, "q.io", &credentials).unwrap();
        let value: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(value["x"]["y"][0], 1);
        assert_eq!(value["auths"].as_object().unwrap().len(), 1);
        let gone = without(&kept, "q.io").unwrap().unwrap();
        assert_eq!(find(&gone, "q.io", "x").unwrap(), None);
        assert_eq!(without(&gone, "q.io").unwrap(), None);
        assert!(with(b"[]", "q.io", &credentials).is_err());
        assert!(!format!("{credentials:?}").contains("\"p\""));
    }
}
