//! The tags of a repository, as a registry lists them, page by page.
//!
//! Source: OCI distribution specification, "Listing Tags"; RFC 8288 for the header `Link`.

use serde::Deserialize;
use thiserror::Error;

use super::endpoint::{origin, redirected, shown, with_scheme};

/// The most bytes of a page.
pub const DOCUMENT_MAX: u64 = 4 << 20;
/// The most pages that are read.
pub const PAGES_MAX: usize = 64;
/// The most tags that are fetched at once.
pub const TAGS_MAX: usize = 4096;

/// Why a page does not lead to all tags.
#[derive(Debug, Error)]
pub enum TagsError {
    /// Another document.
    #[error("it is no list of tags")]
    Malformed(#[from] serde_json::Error),
    /// More tags, where nobody asks for them.
    #[error("there are more tags at `{0}`, which is not the registry")]
    Elsewhere(String),
    /// The next page is one that was read.
    #[error("its list of tags begins anew, and so has no end")]
    Endless,
}

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

/// The address of the page behind the one at `url`, by its header `Link`: none at the end.
///
/// A registry behind a proxy that encrypts for it may take itself for one without encryption: it is asked as before.
///
/// # Errors
/// The next page is on another host, or nowhere.
pub fn next(url: &str, link: &str) -> Result<Option<String>, TagsError> {
    let Some(location) =
        links(link).find(|(_, parameters)| is_next(parameters)).map(|(location, _)| location)
    else {
        return Ok(None);
    };
    let elsewhere = || TagsError::Elsewhere(shown(location));
    let next = redirected(url, location).ok_or_else(elsewhere)?;
    match (origin(url), origin(&next)) {
        (Some((scheme, host)), Some((_, other))) if host == other => Ok(Some(with_scheme(&next, scheme))),
        _ => Err(elsewhere()),
    }
}

/// Where each link of a header leads, and what is said of it.
fn links(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

fn is_next(parameters: &str) -> bool {
    parameters.split([';', ',']).filter_map(|parameter| parameter.split_once('=')).any(|(key, value)| {
        let words = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case("rel")
            && words.split(' ').any(|word| word.eq_ignore_ascii_case("next"))
    })
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
            ("<list?last=1>; rel=\"next\"", Some("https://q.io/v2/a/tags/list?last=1")),
            ("<?last=1>; rel=next", Some("https://q.io/v2/a/tags/list?last=1")),
            // As a proxy that encrypts for it hides it from the registry.
            ("<http://q.io/b>; rel=next", Some("https://q.io/b")),
            ("</a>; rel=\"first\", </b>; title=x; REL=\"last Next\"", Some("https://q.io/b")),
            ("</b>; rel=\"prev\"", None),
            ("</b>; rel=nextone", None),
            ("/b; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(url, link).unwrap().as_deref(), expected, "{link}");
        }
        for link in
            ["<https://else.io/b>;rel=next", "<https://q.io:444/b>;rel=next", "<ftp://q.io/b>;rel=next"]
        {
            assert!(matches!(next(url, link), Err(TagsError::Elsewhere(_))), "{link}");
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
