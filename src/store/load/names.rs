//! What loaded images are called.

use std::path::Path;

use super::blob::file_name;
use super::candidate::Names;
use crate::plan::reference::Reference;

/// Endings of archive files that are no part of a name; the longer ones first.
const ENDINGS: [&str; 9] = [
    ".docker.tar.gz",
    ".oci.tar.gz",
    ".tar.gz",
    ".tar.zst",
    ".tgz",
    ".docker.tar",
    ".oci.tar",
    ".tar",
    ".oci",
];

/// What the place of a source adds to the names in it: the repository for images that only have a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(Option<String>);

impl Place {
    /// The name of a directory or file without its endings, if that can be a repository.
    pub(super) fn of_path(path: &Path) -> Self {
        let Some(name) = file_name(path) else { return Self(None) };
        let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        let is_repository = !stem.contains([':', '@', '/']) && stem.parse::<Reference>().is_ok();
        Self(is_repository.then(|| stem.to_owned()))
    }

    /// Standard input, which has no name.
    pub(super) fn nowhere() -> Self {
        Self(None)
    }

    /// The references that an image of an OCI layout gets.
    pub(super) fn references(&self, names: &Names) -> Vec<Reference> {
        // A name with a digest claims what only the content can say.
        let parse = |name: &String| name.parse().ok().filter(|name: &Reference| name.digest().is_none());
        let full: Vec<Reference> = names.full.iter().filter_map(parse).collect();
        if !full.is_empty() {
            return full;
        }
        let tagged = |tag: &str| self.0.as_ref().map(|repository| format!("{repository}:{tag}"));
        let text = match &names.short {
            Some(name) if name.contains([':', '/']) => Some(name.clone()),
            Some(tag) => tagged(tag),
            None => tagged("latest"),
        };
        text.as_ref().and_then(parse).into_iter().collect()
    }
}

impl Names {
    /// Whether this is the image that `wanted` asks for: a tag, or a name in any spelling.
    pub(super) fn are(&self, wanted: &str) -> bool {
        let whole = wanted.parse::<Reference>().ok();
        self.all().any(|name| {
            let reference = name.parse::<Reference>().ok();
            name == wanted
                || (reference.is_some() && reference == whole)
                || reference.is_some_and(|reference| name.contains(':') && reference.tag() == Some(wanted))
        })
    }

    /// The texts, for a message.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.full.iter().chain(&self.short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGESTED: &str = "b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn names(full: &[&str], short: Option<&str>) -> Names {
        Names { full: full.iter().map(|&name| name.to_owned()).collect(), short: short.map(str::to_owned) }
    }

    #[test]
    fn names_come_from_annotations_or_from_the_place() {
        for (path, full, short, expected) in [
            ("/i/busybox", vec!["busybox:1.38"], Some("x"), "docker.io/library/busybox:1.38"),
            ("/i/alpine", vec![], Some("3.20.3"), "docker.io/library/alpine:3.20.3"),
            ("/i/alpine.tar.gz", vec![], Some("3"), "docker.io/library/alpine:3"),
            ("/i/a.oci.tar", vec![], None, "docker.io/library/a:latest"),
            ("/i/a", vec![], Some("ghcr.io/b/c:1"), "ghcr.io/b/c:1"),
            ("/i/a", vec![], Some("b:1"), "docker.io/library/b:1"),
            ("/i/a", vec!["not a name"], None, "docker.io/library/a:latest"),
            ("/i/a", vec![DIGESTED], None, "docker.io/library/a:latest"),
            ("/i/Not-A-Name", vec![], Some("1"), ""),
            ("/", vec![], None, ""),
        ] {
            let references = Place::of_path(Path::new(path)).references(&names(&full, short));
            let texts: Vec<String> = references.iter().map(ToString::to_string).collect();
            assert_eq!(texts.join(" "), expected, "{path}");
        }
        assert!(Place::nowhere().references(&names(&[], Some("3"))).is_empty());
        assert_eq!(Place::nowhere().references(&names(&[], Some("a:3"))).len(), 1);
    }

    #[test]
    fn an_image_is_selected_by_tag_or_name() {
        let named = names(&["docker.io/library/alpine:3.20"], None);
        for wanted in ["alpine:3.20", "docker.io/library/alpine:3.20", "3.20"] {
            assert!(named.are(wanted), "{wanted}");
        }
        assert!(!named.are("alpine") && !named.are("3.2"));
        assert!(names(&[], Some("3.20.3")).are("3.20.3"));
        assert!(!names(&[], None).are("latest"));
    }
}
