//! What `login` and `logout` are told: a registry, and who somebody is there.

use thiserror::Error;

use super::auth_file::Credentials;
use super::endpoint::DOCKER_HUB;
use crate::plan::reference::is_registry;

/// Why that cannot be used. Nothing of it is repeated: a password may be in it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LoginError {
    /// More than a host, or something else.
    #[error("it is not a registry (HOST or HOST:PORT)")]
    Registry,
    /// A part of a registry.
    #[error("it has a path: credentials are for a whole registry (HOST or HOST:PORT)")]
    Path,
    /// Nobody.
    #[error("the user's name is empty")]
    NoUser,
    /// What ends a name.
    #[error("the user's name has a colon, which would end it")]
    Colon,
    /// What ends a header, or a line.
    #[error("the user's name or the password has a control character")]
    Control,
    /// No password.
    #[error("the password is empty")]
    NoPassword,
}

/// The registry that `text` means, as names of images have it: `https://quay.io/` is `quay.io`.
///
/// # Errors
/// It is none, or more than one.
pub fn registry(text: &str) -> Result<String, LoginError> {
    let text = text.to_ascii_lowercase();
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text);
    // What Docker calls its own registry has a path.
    let host = host.strip_suffix('/').unwrap_or(host);
    let host = if host == "index.docker.io/v1" { DOCKER_HUB } else { host };
    match host.split_once('/') {
        Some((first, _)) if is_registry(first) => Err(LoginError::Path),
        None if host == "index.docker.io" => Ok(DOCKER_HUB.to_owned()),
        None if is_registry(host) => Ok(host.to_owned()),
        Some(_) | None => Err(LoginError::Registry),
    }
}

/// `text` for a message: what is in front of an `@` may be a password.
#[must_use]
pub fn shown(text: &str) -> String {
    let public = text.rsplit_once('@').map_or(text.to_owned(), |(_, host)| format!("…@{host}"));
    public.escape_debug().to_string()
}

/// Makes sure that somebody can be known by these.
///
/// # Errors
/// One is missing, or cannot be sent.
pub fn check(credentials: &Credentials) -> Result<(), LoginError> {
    let Credentials { user, password, .. } = credentials;
    match () {
        () if user.is_empty() => Err(LoginError::NoUser),
        () if user.contains(':') => Err(LoginError::Colon),
        () if password.is_empty() => Err(LoginError::NoPassword),
        () if user.contains(char::is_control) || password.contains(char::is_control) => {
            Err(LoginError::Control)
        }
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_those_of_names() {
        for (text, expected) in [
            ("quay.io", Ok("quay.io")),
            ("Quay.IO:443", Ok("quay.io:443")),
            ("https://quay.io/", Ok("quay.io")),
            ("HTTP://localhost:5000", Ok("localhost:5000")),
            ("[::1]:5000", Ok("[::1]:5000")),
            ("docker.io", Ok("docker.io")),
            ("index.docker.io", Ok("docker.io")),
            ("https://index.docker.io/v1/", Ok("docker.io")),
            ("https://index.docker.io/v1", Ok("docker.io")),
            ("registry-1.docker.io", Ok("registry-1.docker.io")),
            ("quay.io/team", Err(LoginError::Path)),
            ("https://quay.io/v1/", Err(LoginError::Path)),
            ("quay.io//", Err(LoginError::Path)),
            ("", Err(LoginError::Registry)),
            ("https://", Err(LoginError::Registry)),
            ("ftp://quay.io", Err(LoginError::Registry)),
            ("user:pw@quay.io", Err(LoginError::Registry)),
            ("quay.io?x", Err(LoginError::Registry)),
            ("quay.io#x", Err(LoginError::Registry)),
            ("quay.io x", Err(LoginError::Registry)),
            ("quay.io:port", Err(LoginError::Registry)),
        ] {
            assert_eq!(registry(text), expected.map(str::to_owned), "{text}");
        }
        assert_eq!(shown("https://u:hunter2@quay.io\n"), "…@quay.io\\n");
    }

    #[test]
    fn somebody_has_a_name_and_a_password() {
        for (user, password, expected) in [
            ("u", "p:w", Ok(())),
            ("a:b", "p", Err(LoginError::Colon)),
            ("", "p", Err(LoginError::NoUser)),
            ("u", "", Err(LoginError::NoPassword)),
            ("u", "a\nb", Err(LoginError::Control)),
        ] {
            assert_eq!(check(&Credentials::new(user, password)), expected, "{user}");
        }
    }
}
