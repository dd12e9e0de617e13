//! Credentials as Docker and its relatives keep them: `config.json` and `auth.json`.
//!
//! An entry is for a registry, or for a part of one (`HOST/NAMESPACE`); the longest that fits counts. What is said there
//! besides credentials stays as it is when the document is written again.

mod credentials;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::endpoint::DOCKER_HUB;
use super::position::{self, Position};

use self::credentials::Entry;
pub use self::credentials::{Credentials, Token, answer, to_keep};

/// The most bytes of such a document.
pub const DOCUMENT_MAX: u64 = 1 << 20;
/// What Docker calls its own registry there.
const DOCKER_HUB_KEYS: [&str; 4] =
    ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"];

/// Why a document of credentials cannot be used. No value of it is repeated: it may be a password.
#[derive(Debug, Error)]
pub enum AuthFileError {
    /// Another document.
    #[error("it is not a document of credentials: see {0}")]
    Malformed(Position),
    /// An entry that is not base64 of `USER:PASSWORD`, or holds what cannot be sent.
    #[error("its entry for `{}` cannot be read", .0.escape_debug())]
    Entry(String),
    /// The name of a helper that is more than a name.
    #[error("its credential helper `{}` is not the name of one", .0.escape_debug())]
    Helper(String),
}

/// What a document says about a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The credentials themselves.
    Credentials(Credentials),
    /// Who has them.
    Helper(Helper),
}

/// A program that knows passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// The program is `docker-credential-NAME`.
    pub name: String,
    /// What it calls the registry.
    pub server: String,
}

/// Where credentials were put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In this file.
    File(PathBuf),
    /// With this program.
    Program(String),
}

/// A document; what is `null` is not said.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
    creds_store: Option<String>,
}

/// What the document says about `repository` of `registry`.
///
/// # Errors
/// It is another document, or what it says about this one cannot be used.
pub fn find(bytes: &[u8], registry: &str, repository: &str) -> Result<Option<Known>, AuthFileError> {
    let wire = read(bytes)?;
    let keys = keys(registry, repository);
    if let Some(helper) = wire.own_helper(&keys)? {
        return Ok(Some(Known::Helper(helper)));
    }
    let auths = wire.auths.iter().flatten();
    let entry = keys.iter().find_map(|wanted| auths.clone().find(|(key, _)| is_same(key, wanted)));
    if let Some((key, Some(entry))) = entry
        && let Some(found) = entry.credentials().map_err(|()| AuthFileError::Entry(key.clone()))?
    {
        return Ok(Some(Known::Credentials(found)));
    }
    Ok(wire.general_helper(registry)?.map(Known::Helper))
}

/// The program that has the credentials for a registry, and gets new ones.
///
/// # Errors
/// It is another document, or names no program.
pub fn helper(bytes: &[u8], registry: &str) -> Result<Option<Helper>, AuthFileError> {
    let wire = read(bytes)?;
    let own = wire.own_helper(&keys(registry, ""))?;
    own.map_or_else(|| wire.general_helper(registry), |own| Ok(Some(own)))
}

impl Wire {
    /// The program for a registry of one of these names.
    fn own_helper(&self, keys: &[String]) -> Result<Option<Helper>, AuthFileError> {
        let helpers = self.cred_helpers.iter().flatten();
        let said = |wanted: &String| helpers.clone().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
        let found = keys.iter().find_map(said);
        let Some((server, Some(name))) = found else { return Ok(None) };
        named(name, server).map(Some)
    }

    /// The program for all registries.
    fn general_helper(&self, registry: &str) -> Result<Option<Helper>, AuthFileError> {
        let name = self.creds_store.as_deref().filter(|name| !name.is_empty());
        name.map(|name| named(name, server(registry))).transpose()
    }
}

fn named(name: &str, server: &str) -> Result<Helper, AuthFileError> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err(AuthFileError::Helper(name.to_owned()));
    }
    Ok(Helper { name: name.to_owned(), server: server.to_owned() })
}

/// What the document is once it has these credentials for a registry.
///
/// # Errors
/// It is another document.
pub fn with(bytes: &[u8], registry: &str, credentials: &Credentials) -> Result<Vec<u8>, AuthFileError> {
    let mut document = object(bytes)?;
    let auths = document.entry("auths").or_insert(Value::Null);
    if auths.is_null() {
        *auths = json!({});
    }
    if let Some(auths) = auths.as_object_mut() {
        auths.retain(|key, _| !is_same(key, server(registry)));
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
    auths.retain(|key, _| !keys.iter().any(|own| is_same(own, key)));
    let is_changed = auths.len() < before;
    Ok(is_changed.then(|| text(&document)))
}

fn read(bytes: &[u8]) -> Result<Wire, AuthFileError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Wire::default());
    }
    position::object(bytes).map_err(AuthFileError::Malformed)
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, AuthFileError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    // A document of another form is said so, and not overwritten.
    read(bytes)?;
    position::object(bytes).map_err(AuthFileError::Malformed)
}

fn text(document: &Map<String, Value>) -> Vec<u8> {
    // The texts and numbers of a document that was read can be written.
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What an entry may be called, the closest first.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let registry = &registry.to_ascii_lowercase();
    let mut keys = Vec::new();
    let mut path = repository;
    while !path.is_empty() {
        keys.push(format!("{registry}/{path}"));
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    if registry == DOCKER_HUB {
        keys.extend(DOCKER_HUB_KEYS.map(str::to_owned));
    } else {
        keys.push(registry.clone());
    }
    keys
}

/// What Docker calls the registry.
fn server(registry: &str) -> &str {
    if registry == DOCKER_HUB { DOCKER_HUB_KEYS[0] } else { registry }
}

/// Whether two keys mean the same: hosts have no capitals of their own.
fn is_same(one: &str, other: &str) -> bool {
    plain(one).eq_ignore_ascii_case(plain(other))
}

/// A key without what older programs put around the host.
fn plain(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn user(name: &str) -> Known {
        Known::Credentials(Credentials::new(name, "p:w"))
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
            Some(Known::Helper(Helper { name: name.to_owned(), server: server.to_owned() }))
        };
        assert_eq!(find(document, "q.io", "x").unwrap(), helper("one", "q.io"));
        assert_eq!(find(document, "docker.io", "x").unwrap(), helper("all", "https://index.docker.io/v1/"));
        assert_eq!(find(document, "Q.io", "x").unwrap(), helper("one", "q.io"));
        assert_eq!(super::helper(document, "q.io").unwrap().map(Known::Helper), helper("one", "q.io"));
        assert_eq!(super::helper(document, "z.io").unwrap().map(Known::Helper), helper("all", "z.io"));
        assert_eq!(super::helper(b"{}", "z.io").unwrap(), None);
        let bad = br#"{"credsStore": "../x"}"#;
        assert!(matches!(find(bad, "q.io", "x"), Err(AuthFileError::Helper(_))));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["[]", "x", r#"{"auths": []}"#, r#"{"auths": {"a": {"auth": 3}}}"#] {
            assert!(matches!(find(bad.as_bytes(), "a", "b"), Err(AuthFileError::Malformed(_))), "{bad}");
        }
        for bad in ["%", "YQ==", "Og==", "YTpiCg=="] {
            let document = format!(r#"{{"auths": {{"a": {{"auth": "{bad}"}}}}}}"#);
            assert!(matches!(find(document.as_bytes(), "a", "b"), Err(AuthFileError::Entry(_))), "{bad}");
        }
    }

    #[test]
    fn no_value_is_repeated() {
        for bad in [r#"{"auths": {"a": "dTpw"}}"#, r#"{"auths": {"a": {"auth": ["dTpw"]}}}"#, r#""dTpw""#] {
            let said = find(bad.as_bytes(), "a", "b").unwrap_err().to_string();
            assert!(said.contains("line 1, column ") && !said.contains("dTpw"), "{said}");
        }
        for bad in [r#""hunter2""#, r#"{"Username": "u", "Secret": 4711}"#, r#"["u", "hunter2"]"#, "hunter2"]
        {
            let said = answer(bad.as_bytes()).unwrap_err().to_string();
            assert!(said.contains("line 1, column "), "{said}");
            assert!(!said.contains("hunter2") && !said.contains("4711"), "{said}");
        }
    }

    #[test]
    fn what_is_null_or_empty_is_not_said() {
        for nothing in [
            "",
            " \n",
            r#"{"auths": null}"#,
            r#"{"auths": {"a": null}}"#,
            r#"{"credsStore": null, "credHelpers": null}"#,
            r#"{"credHelpers": {"a": null}}"#,
            r#"{"auths": {"a": {"auth": null, "identitytoken": ""}}}"#,
        ] {
            assert_eq!(find(nothing.as_bytes(), "a", "b").unwrap(), None, "{nothing}");
            let new = with(nothing.as_bytes(), "a", &Credentials::new("u", "p")).unwrap();
            let credentials = Known::Credentials(Credentials::new("u", "p"));
            assert_eq!(find(&new, "a", "b").unwrap(), Some(credentials), "{nothing}");
        }
    }

    #[test]
    fn tokens_and_names_without_base64_are_understood() {
        let found = |entry: &str| {
            let document = format!(r#"{{"auths": {{"a": {{{entry}}}}}}}"#);
            find(document.as_bytes(), "a", "b").ok().flatten()
        };
        let known = |user: &str, password: &str, token: Option<Token>| {
            Some(Known::Credentials(Credentials { token, ..Credentials::new(user, password) }))
        };
        let identity = || Some(Token::Identity("t".to_owned()));
        assert_eq!(found(r#""username": "u", "password": "p:w""#), known("u", "p:w", None));
        assert_eq!(found(r#""identitytoken": "t""#), known("<token>", "", identity()));
        assert_eq!(found(r#""auth": "dTo=", "identitytoken": "t""#), known("u", "", identity()));
        let registry = Some(Token::Registry("r".to_owned()));
        assert_eq!(found(r#""registrytoken": "r", "identitytoken": "t""#), known("<token>", "", registry));
        assert_eq!(found(r#""identitytoken": "a\nb""#), None);
        assert_eq!(found(r#""username": "a:b", "password": "p""#), None);
        let said = answer(br#"{"ServerURL": "a", "Username": "<token>", "Secret": "t"}"#).unwrap();
        assert_eq!(said.map(Known::Credentials), known("<token>", "", identity()));
        let said = answer(br#"{"Username": "u", "Secret": "p"}"#).unwrap();
        assert_eq!(said.map(Known::Credentials), known("u", "p", None));
        assert_eq!(answer(br#"{"Username": "", "Secret": ""}"#).unwrap(), None);
        assert!(!format!("{:?}", identity()).contains("\"t\""));
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
