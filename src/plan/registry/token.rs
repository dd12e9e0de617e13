//! The document of a token, and the question for one.

use serde::Deserialize;
use thiserror::Error;

use super::position::{self, Position};

/// The most bytes of the document.
pub const DOCUMENT_MAX: u64 = 1 << 20;
/// The most bytes of a token, which is part of a header.
const TOKEN_MAX: usize = 64 << 10;

/// Why a document gives no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// Another document.
    #[error("it is not the document of a token: see {0}")]
    Malformed(Position),
    /// Nothing in it that can be sent.
    #[error("it has no token that can be used")]
    None,
}

#[derive(Deserialize)]
struct Wire {
    token: Option<String>,
    access_token: Option<String>,
}

/// Reads the token of the document.
///
/// # Errors
/// It is another document, or its token cannot be part of a header.
pub fn parse(bytes: &[u8]) -> Result<String, TokenError> {
    let wire: Wire = position::object(bytes).map_err(TokenError::Malformed)?;
    let given = |token: &String| !token.is_empty();
    let token = wire.token.filter(given).or(wire.access_token.filter(given)).ok_or(TokenError::None)?;
    let is_sendable = token.len() <= TOKEN_MAX && token.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sendable { Ok(token) } else { Err(TokenError::None) }
}

/// The URL that gives a token.
#[must_use]
pub fn url(realm: &str, service: Option<&str>, scopes: &[&str]) -> String {
    let mut url = realm.to_owned();
    let scopes = scopes.iter().map(|scope| ("scope", *scope));
    for (key, value) in service.map(|service| ("service", service)).into_iter().chain(scopes) {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(key);
        url.push('=');
        url.push_str(&escaped(value));
    }
    url
}

/// The same question with an identity token, as OAuth has it: the address, and the form that is sent there.
///
/// `url` is what [`url()`] made. Several scopes are one there, with spaces.
/// Source: "`OAuth2` Token Authentication" of the `distribution` project.
#[must_use]
pub fn exchange(url: &str, identity: &str) -> (String, String) {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let values = |wanted: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == wanted).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let is_ours = |pair: &&str| pair.starts_with("service=") || pair.starts_with("scope=");
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_ours(pair)).collect();
    let address = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    let mut form = format!("grant_type=refresh_token&client_id=minirun&refresh_token={}", escaped(identity));
    for (key, values) in [("service", values("service")), ("scope", values("scope"))] {
        if !values.is_empty() {
            form.extend(["&", key, "=", &values.join("%20")]);
        }
    }
    (address, form)
}

/// As part of a query: all that could end it is written as its number.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_name_will_do() {
        assert_eq!(parse(br#"{"token": "a", "expires_in": 3}"#).unwrap(), "a");
        assert_eq!(parse(br#"{"token": "", "access_token": "b"}"#).unwrap(), "b");
        for bad in ["{}", "[]", "", r#"{"token": "a\nb"}"#, r#"{"token": 3}"#, r#"{"token": ""}"#] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse(format!(r#"{{"token": "{}"}}"#, "a".repeat(TOKEN_MAX + 1)).as_bytes()).is_err());
    }

    #[test]
    fn an_identity_is_exchanged_without_being_part_of_the_address() {
        for (realm, address) in [("https://t/x", "https://t/x"), ("https://t/?x=1", "https://t/?x=1")] {
            let asked = url(realm, Some("a b"), &["repository:x:pull", "z"]);
            let (found, form) = exchange(&asked, "i&d=");
            assert_eq!(found, address);
            let expected = "grant_type=refresh_token&client_id=minirun&refresh_token=i%26d%3D\
                            &service=a%20b&scope=repository:x:pull%20z";
            assert_eq!(form, expected);
        }
        assert!(exchange("https://t/", "i").1.ends_with("refresh_token=i"));
    }

    #[test]
    fn no_token_is_told() {
        for bad in
            [r#"{"token": ["secret"]}"#, r#"{"token": {"secret": 1}}"#, r#""secret""#, r#"{"token": 5ecret}"#]
        {
            let error = parse(bad.as_bytes()).unwrap_err();
            assert!(std::error::Error::source(&error).is_none(), "{bad}");
            assert!(!error.to_string().contains("ecret"), "{bad}: {error}");
        }
    }

    #[test]
    fn questions_are_escaped() {
        let url = |realm| url(realm, Some("a b&c"), &["repository:x/y:pull,push", "z"]);
        let expected = "service=a%20b%26c&scope=repository:x/y:pull,push&scope=z";
        assert_eq!(url("https://t/"), format!("https://t/?{expected}"));
        assert_eq!(url("https://t/?x=1"), format!("https://t/?x=1&{expected}"));
    }
}
