//! The tags of a repository, as a registry lists them, page by page.
//!
//! Source: OCI distribution specification, "Listing Tags"; RFC 8288 for the header `Link`.

use serde::Deserialize;
use thiserror::Error;

use super::endpoint::{origin, redirected};

/// The most bytes of a page.
pub const DOCUMENT_MAX: u64 = 4 << 20;
/// The most pages that are read.
pub const PAGES_MAX: usize = 64;
/// The most tags that are fetched at once.
pub const TAGS_MAX: usize = 4096;

/// A page that is none.
#[derive(Debug, Error)]
#[error("it is no list of tags")]
pub struct TagsError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Wire {
    /// None in a repository that has lost all of them.
    tags: Option<Vec<String>>,
}

/// The tags of a page.
///
/// # Errors
/// It is another document.
pub fn parse(bytes: &[u8]) -> Result<Vec<String>, TagsError> {
    let wire: Wire = serde_json::from_slice(bytes)?;
    Ok(wire.tags.unwrap_or_default())
}

/// The address of the page behind the one at `url`, by its header `Link`: none at the end, and none on another host.
#[must_use]
pub fn next(url: &str, link: &str) -> Option<String> {
    let (location, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let is_next = parameters.split(';').any(|part| {
        let part = part.trim();
        part == "rel=next" || part == "rel=\"next\""
    });
    let next = redirected(url, location).filter(|_| is_next)?;
    (origin(&next) == origin(url)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_on() {
        let url = "https://q.io/v2/a/tags/list";
        for (link, expected) in [
            ("</v2/a/tags/list?last=x&n=2>; rel=\"next\"", Some("https://q.io/v2/a/tags/list?last=x&n=2")),
            ("<https://q.io/b>;rel=next", Some("https://q.io/b")),
            ("<https://else.io/b>;rel=next", None),
            ("</b>; rel=\"prev\"", None),
            ("/b; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(url, link).as_deref(), expected, "{link}");
        }
    }

    #[test]
    fn tags_are_a_list() {
        assert_eq!(parse(br#"{"name": "a", "tags": ["1", "2"]}"#).unwrap(), ["1", "2"]);
        assert!(parse(br#"{"name": "a", "tags": null}"#).unwrap().is_empty());
        for bad in ["", "[]x", r#"{"tags": [1]}"#, r#"{"tags": "x"}"#] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
