//! What a registry says when it wants to know who asks: the header `WWW-Authenticate`.
//!
//! Source: RFC 9110, section 11.6.1.

use thiserror::Error;

/// The most bytes of such a header that are read.
const LONGEST: usize = 8192;

/// A header that is none.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("the header `WWW-Authenticate: {}` cannot be read", .0.escape_debug())]
pub struct ChallengeError(String);

/// A way to say who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// With user name and password, each time.
    Basic,
    /// With a token, which somebody else gives.
    Bearer {
        /// Who gives it: a URL.
        realm: String,
        /// What it is asked for.
        service: Option<String>,
        /// What it is to allow.
        scope: Option<String>,
    },
}

/// The challenges of one header that are known, in order.
///
/// # Errors
/// It does not have the form of one.
pub fn parse(header: &str) -> Result<Vec<Challenge>, ChallengeError> {
    let error = || ChallengeError(header.chars().take(200).collect());
    if header.len() > LONGEST {
        return Err(error());
    }
    let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = skip(header);
    while !rest.is_empty() {
        let (token, behind) = split_token(rest).ok_or_else(error)?;
        let value = behind.trim_start_matches([' ', '\t']).strip_prefix('=');
        match (value, challenges.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let (value, behind) = split_value(value.trim_start_matches([' ', '\t'])).ok_or_else(error)?;
                parameters.push((token.to_ascii_lowercase(), value));
                // Behind a parameter there is another one, or nothing.
                let next = behind.trim_start_matches([' ', '\t']);
                if !next.is_empty() && !next.starts_with(',') {
                    return Err(error());
                }
                rest = skip(next);
            }
            (Some(_), None) => return Err(error()),
            (None, _) => {
                let scheme = token.to_ascii_lowercase();
                // Those that are known have parameters.
                let is_known = matches!(scheme.as_str(), "basic" | "bearer");
                rest = skip(if is_known { behind } else { behind_token68(behind) });
                challenges.push((scheme, Vec::new()));
            }
        }
    }
    challenges.into_iter().filter_map(|(scheme, parameters)| known(&scheme, &parameters)).map(Ok).collect()
}

fn known(scheme: &str, parameters: &[(String, String)]) -> Option<Challenge> {
    let get = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    match scheme {
        "basic" => Some(Challenge::Basic),
        "bearer" => {
            Some(Challenge::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
        }
        _ => None,
    }
}

/// What is behind the one word that some schemes have in the place of parameters: Base64, which may end in `=`.
fn behind_token68(text: &str) -> &str {
    let word = text.trim_start_matches([' ', '\t']);
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/".contains(letter);
    let end = word.trim_start_matches(inside).trim_start_matches('=');
    let is_whole = word.len() > end.len() && !word.starts_with('=');
    let behind = end.trim_start_matches([' ', '\t']);
    if is_whole && (behind.is_empty() || behind.starts_with(',')) { behind } else { text }
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ','])
}

fn split_token(text: &str) -> Option<(&str, &str)> {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(letter);
    let end = text.find(|letter| !inside(letter)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A token or a text in quotes, and what is behind it.
fn split_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return split_token(text).map(|(token, rest)| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => value.push(letters.next()?.1),
            letter if letter.is_control() => return None,
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: own(service), scope: own(scope) }
    }

    #[test]
    fn headers_are_read() {
        for (header, expected) in [
            ("Basic realm=\"a b\"", vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (
                r#"Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push""#,
                vec![bearer("https://a/t", Some("s"), Some("repository:a/b:pull,push"))],
            ),
            (r#"Bearer realm="x\"y" , Basic realm=z"#, vec![bearer("x\"y", None, None), Challenge::Basic]),
            (r#"Negotiate, Basic realm="x""#, vec![Challenge::Basic]),
            (r#"Negotiate YII==, Basic realm="x""#, vec![Challenge::Basic]),
            (
                r#"Basic realm="x", NTLM TlR/M+==  ,Bearer realm=y"#,
                vec![Challenge::Basic, bearer("y", None, None)],
            ),
            ("Negotiate YII=", vec![]),
            (r#"Digest realm=x, nonce="y==", Basic"#, vec![Challenge::Basic]),
            ("Bearer service=x", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(header).as_ref(), Ok(&expected), "{header}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for header in [
            "realm=x",
            "Bearer realm=\"x",
            "Bearer realm=",
            "Negotiate YII== x=y, Basic",
            "Bearer realm=\"a\" b=\"c\"",
            "Bearer realm=\"a\nb\"",
            "=",
            "\"x\"",
            "Bearer realm=\"x\\",
        ] {
            assert!(parse(header).is_err(), "{header}");
        }
        assert!(parse(&format!("Basic realm={}", "a".repeat(LONGEST))).is_err());
    }
}
