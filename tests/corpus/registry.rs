//! What registries say, and files about them: nothing leads to another host, and nothing ends a header.

use minirun::plan::registry::challenge::{self, Challenge};
use minirun::plan::registry::endpoint::{origin, redirected};
use minirun::plan::registry::header::{ContentRange, LONGEST_WAIT, retry_after};
use minirun::plan::registry::settings::Settings;
use minirun::plan::registry::{auth_file, tags, token};

const URL: &str = "https://registry.test/v2/a/blobs/x";

/// Reads the input as everything that comes from a registry or lies in the user's files.
pub(crate) fn check(input: &[u8]) {
    documents(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(found) = challenge::parse(text) {
        for challenge in found {
            if let Challenge::Bearer { realm, service, scope } = challenge {
                let scopes: Vec<&str> = scope.iter().flat_map(|scope| scope.split(' ')).collect();
                let asked = token::url(&realm, service.as_deref(), &scopes);
                assert!(asked.starts_with(&realm), "{text}");
                let added = &asked[realm.len()..];
                assert!(added.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "{text}");
            }
        }
    }
    if let Some(to) = redirected(URL, text) {
        assert!(to.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        let (_, authority) = origin(&to).unwrap();
        assert!(!authority.is_empty() && !authority.contains(['/', '@', '?', '#', '\\']), "{text}");
    }
    if let Ok(Some(to)) = tags::next(URL, text) {
        assert_eq!(origin(&to), origin(URL), "{text}");
    }
    if let Some(range) = ContentRange::parse(text) {
        assert!(range.total.is_none_or(|total| range.first < total), "{text}");
    }
    for date in [None, Some("Wed, 21 Oct 2015 07:28:00 GMT"), Some(text)] {
        assert!(retry_after(text, date).is_none_or(|wait| wait <= LONGEST_WAIT), "{text}");
    }
}

fn documents(input: &[u8]) {
    drop(tags::parse(input));
    if let Ok(token) = token::parse(input) {
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Ok(settings) = Settings::parse(input) {
        assert!(settings.places("docker.io").last() == Some(&"docker.io"));
        drop(settings.candidates("tool:1"));
    }
    let credentials = auth_file::Credentials::parse("user:pass:word").unwrap();
    drop(auth_file::find(input, "registry.test", "a/b"));
    let Ok(with) = auth_file::with(input, "registry.test", &credentials) else { return };
    let gone = auth_file::without(&with, "registry.test").unwrap();
    if let Some(gone) = gone {
        assert!(auth_file::without(&gone, "registry.test").unwrap().is_none());
    }
}
