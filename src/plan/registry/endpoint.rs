//! Where a registry is reached.

use std::fmt;
use std::net::IpAddr;

/// The registry of names without one.
pub const DOCKER_HUB: &str = "docker.io";
/// Where it is in fact.
const DOCKER_HUB_HOST: &str = "registry-1.docker.io";

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Encrypted.
    Https,
    /// Not.
    Http,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Http => "http",
        })
    }
}

/// How far a registry is trusted to be who it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// By its certificate.
    #[default]
    Certificate,
    /// By nothing: any certificate will do, and none.
    Insecure,
}

/// The host of a registry, with its port where it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    authority: String,
}

impl Endpoint {
    /// The endpoint of the registry of a [`Reference`](crate::plan::reference::Reference).
    #[must_use]
    pub fn of(registry: &str) -> Self {
        let authority = if registry == DOCKER_HUB { DOCKER_HUB_HOST } else { registry };
        Self { authority: authority.to_lowercase() }
    }

    /// `HOST` or `HOST:PORT`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether it is this machine itself, so that nobody else can listen.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = host(&self.authority);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address of something behind `/v2/`.
    #[must_use]
    pub fn url(&self, scheme: Scheme, path: &str) -> String {
        format!("{scheme}://{}/v2/{path}", self.authority)
    }
}

/// The host of `HOST[:PORT]`, without brackets.
fn host(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

/// The scheme and the authority of an absolute URL, in lower case; nothing for what is none of HTTP.
///
/// Whoever compares two of them knows whether a redirect stays where it is.
#[must_use]
pub fn origin(url: &str) -> Option<(Scheme, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.to_ascii_lowercase();
    // A name in front of the host is a way to look like another one.
    if authority.is_empty() || authority.contains(['@', '\\']) || authority.contains(char::is_whitespace) {
        return None;
    }
    let usual = match scheme {
        Scheme::Https => ":443",
        Scheme::Http => ":80",
    };
    let authority = authority.strip_suffix(usual).map_or(authority.clone(), str::to_owned);
    Some((scheme, authority))
}

/// What `location` means on a page at `url`; nothing for what leads to no HTTP.
///
/// Source: RFC 9110, section 10.2.2; RFC 3986, section 5.2.
#[must_use]
pub fn redirected(url: &str, location: &str) -> Option<String> {
    let is_printable = location.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_printable || location.is_empty() {
        return None;
    }
    let (scheme, authority) = origin(url)?;
    let first = location.split(['/', '?', '#']).next().unwrap_or_default();
    let absolute = if first.contains(':') {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        format!("{scheme}://{authority}{}", beside(path(url), location))
    };
    origin(&absolute).map(|_| absolute)
}

/// The same page, asked for as `scheme` has it.
#[must_use]
pub fn with_scheme(url: &str, scheme: Scheme) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    format!("{scheme}://{rest}")
}

/// The path of an absolute URL.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// What `relative` is on a page at `path`.
fn beside(path: &str, relative: &str) -> String {
    let (steps, query) = relative.split_at(relative.find(['?', '#']).unwrap_or(relative.len()));
    if steps.is_empty() {
        return format!("{path}{query}");
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut names: Vec<&str> = directory.split('/').skip(1).collect();
    let mut last = "";
    for step in steps.split('/') {
        names.extend((!last.is_empty()).then_some(last));
        last = step;
        if matches!(step, "." | "..") {
            last = "";
        }
        if step == ".." {
            names.pop();
        }
    }
    names.push(last);
    format!("/{}{query}", names.join("/"))
}

/// An address without what it carries, for a message: a query may hold a signature that opens something, and a password
/// may stand in front of the host.
#[must_use]
pub fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let shown = match url.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}//{host}{path}")
        }
        Some(_) | None => url.to_owned(),
    };
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_has_another_host() {
        let hub = Endpoint::of("docker.io");
        assert_eq!(hub.url(Scheme::Https, "a/b/blobs/x"), "https://registry-1.docker.io/v2/a/b/blobs/x");
        assert_eq!(Endpoint::of("Quay.io").authority(), "quay.io");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (registry, expected) in [
            ("localhost:5000", true),
            ("LOCALHOST", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("[::1]:5000", true),
            ("[::1]", true),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com", false),
            ("128.0.0.1", false),
            ("[2001:db8::1]:5", false),
        ] {
            assert_eq!(Endpoint::of(registry).is_loopback(), expected, "{registry}");
        }
    }

    #[test]
    fn origins_are_compared() {
        for (one, other, same) in [
            ("https://a/x", "https://A:443/y", true),
            ("https://a/x", "http://a/x", false),
            ("https://a/x", "https://a:444/x", false),
            ("https://a/x", "https://b/x", false),
            ("http://a:80", "http://a/x?y", true),
        ] {
            assert_eq!(origin(one) == origin(other), same, "{one} {other}");
        }
        for bad in ["ftp://a/", "a", "https://", "https://a@b/", "https://a\\b/", "//a", "https:///x"] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for (url, expected) in [
            ("https://a/b/c?signature=secret", "https://a/b/c"),
            ("https://user:secret@a:5/b@c", "https://a:5/b@c"),
            ("//user:sec@ret@a?secret", "//a"),
            ("https://user:secret@a", "https://a"),
            ("/b//c@d?secret", "/b//c@d"),
            ("b#secret", "b"),
            ("https://a/\u{1b}", "https://a/\\u{1b}"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn redirects_lead_on() {
        let from = "https://a/v2/x/blobs/y";
        for (location, expected) in [
            ("/z", Some("https://a/z")),
            ("//b/z", Some("https://b/z")),
            ("https://c/z?s=1", Some("https://c/z?s=1")),
            ("file:///etc/passwd", None),
            ("z", Some("https://a/v2/x/blobs/z")),
            ("z/b?s=1:2", Some("https://a/v2/x/blobs/z/b?s=1:2")),
            ("?n=1", Some("https://a/v2/x/blobs/y?n=1")),
            ("./z", Some("https://a/v2/x/blobs/z")),
            ("../../z/", Some("https://a/v2/z/")),
            ("../../../../../z", Some("https://a/z")),
            ("..", Some("https://a/v2/x/")),
            ("z@b/c", Some("https://a/v2/x/blobs/z@b/c")),
            ("z:1/b", None),
            ("https://a b/", None),
            ("https://a/\r\nx", None),
            ("", None),
        ] {
            assert_eq!(redirected(from, location).as_deref(), expected, "{location}");
        }
    }
}
