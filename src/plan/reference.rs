//! Image references: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`, read as Docker reads them.
//!
//! `busybox` is `docker.io/library/busybox:latest`. What is in front of the first slash is a registry only if it
//! could not be part of a repository: it has a dot, a colon or an upper-case letter, or is `localhost`.
//! Source: the grammar of the `distribution/reference` package.

mod grammar;
mod image_name;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::digest::{Digest, DigestError};

use self::grammar::{
    DEFAULT_NAMESPACE, DEFAULT_REGISTRY, check_tag, complete_repository, is_hex, split_digest, split_registry,
};

pub(in crate::plan) use self::grammar::is_registry;

pub use image_name::ImageName;

const DEFAULT_TAG: &str = "latest";

/// Why a text is no image reference.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ReferenceError {
    /// There is nothing.
    #[error("the image reference is empty")]
    Empty,
    /// The registry is no host name with optional port.
    #[error("`{registry}` in `{text}` is not a registry (HOST or HOST:PORT)")]
    Registry {
        /// The whole reference.
        text: String,
        /// The part that is wrong.
        registry: String,
    },
    /// An upper-case letter in the repository.
    #[error("repository `{repository}` in `{text}` must be lower case")]
    UpperCase {
        /// The whole reference.
        text: String,
        /// The part that is wrong.
        repository: String,
    },
    /// The repository holds something else that may not be there.
    #[error(
        "`{repository}` in `{text}` is not a repository ([a-z0-9]+ joined by `.`, `_`, `__`, `-` and `/`)"
    )]
    Repository {
        /// The whole reference.
        text: String,
        /// The part that is wrong.
        repository: String,
    },
    /// The name is too long.
    #[error("the name in `{0}` is longer than 255 bytes")]
    TooLong(String),
    /// The tag is none.
    #[error("`{tag}` in `{text}` is not a tag ([a-zA-Z0-9_] and then [a-zA-Z0-9_.-], at most 128)")]
    Tag {
        /// The whole reference.
        text: String,
        /// The part that is wrong.
        tag: String,
    },
    /// What follows the `@` is no digest.
    #[error("bad digest in `{text}`")]
    Digest {
        /// The whole reference.
        text: String,
        /// Why.
        #[source]
        source: DigestError,
    },
    /// 64 hexadecimal digits are an image ID, never a name, with `sha256:` in front of them or without.
    #[error("`{0}` is an image ID, not a reference")]
    LooksLikeId(String),
}

/// The name of an image, complete. Two spellings of one name are equal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    tag_origin: TagOrigin,
    digest: Option<Digest>,
}

/// Who chose the tag of a [`Reference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagOrigin {
    /// The text had a tag, or a digest and no tag.
    Typed,
    /// The text had neither, so that the tag is `latest`.
    Default,
}

impl Reference {
    /// Where the image comes from: `docker.io`, `localhost:5000`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path on the registry: `library/busybox`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `None` if there is a digest and no tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Whether the tag was typed.
    #[must_use]
    pub fn tag_origin(&self) -> TagOrigin {
        self.tag_origin
    }

    /// The digest of the manifest or index, if the text had one.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository: `docker.io/library/busybox`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The shortest text that means the same, with its tag: `busybox:latest`.
    #[must_use]
    pub fn familiar(&self) -> String {
        let name = self.familiar_name();
        self.with_suffix(&name)
    }

    /// The shortest name without tag and digest: `busybox`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return self.name();
        }
        // Without its namespace, `library/a/b` would be another image.
        let short = self.repository.strip_prefix(DEFAULT_NAMESPACE).filter(|rest| !rest.contains('/'));
        let short = short.unwrap_or(&self.repository);
        // And what begins like a registry would be taken for one.
        if split_registry(short) == (DEFAULT_REGISTRY, short) { short.to_owned() } else { self.name() }
    }

    fn with_suffix(&self, name: &str) -> String {
        let mut text = name.to_owned();
        if let Some(tag) = &self.tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(&digest.to_string());
        }
        text
    }

    fn key(&self) -> (&str, &str, Option<&str>, Option<&Digest>) {
        (&self.registry, &self.repository, self.tag(), self.digest())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if digits.len() == 64 && is_hex(digits) {
            return Err(ReferenceError::LooksLikeId(text.to_owned()));
        }
        let (rest, digest) = split_digest(text)?;
        let (registry, rest) = split_registry(rest);
        if !is_registry(registry) {
            return Err(ReferenceError::Registry { text: text.to_owned(), registry: registry.to_owned() });
        }
        let (path, tag) = match rest.split_once(':') {
            Some((path, tag)) => (path, Some(check_tag(text, tag)?)),
            None => (rest, None),
        };
        let tag_origin =
            if tag.is_none() && digest.is_none() { TagOrigin::Default } else { TagOrigin::Typed };
        let tag = tag.or_else(|| (tag_origin == TagOrigin::Default).then(|| DEFAULT_TAG.to_owned()));
        let repository = complete_repository(text, registry, path)?;
        Ok(Self { registry: registry.to_owned(), repository, tag, tag_origin, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.with_suffix(&self.name()))
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(text: String) -> Result<Self, ReferenceError> {
        text.parse()
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.to_string()
    }
}

// By hand, because `busybox` and `busybox:latest` are the same image.
impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Reference {}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_docker_does() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let with_digest = format!("localhost:5000/a/b:tag@{digest}");
        let only_digest = format!("busybox@{digest}");
        let full_only_digest = format!("docker.io/library/busybox@{digest}");
        for (text, full, familiar) in [
            ("busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
            ("docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            ("index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            ("library/busybox", "docker.io/library/busybox:latest", "busybox:latest"),
            ("a/b", "docker.io/a/b:latest", "a/b:latest"),
            ("a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest"),
            ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
            ("quay.io/x/y:z", "quay.io/x/y:z", "quay.io/x/y:z"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"),
            ("host:5000/x:1", "host:5000/x:1", "host:5000/x:1"),
            ("Host/x", "Host/x:latest", "Host/x:latest"),
            ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
            ("[::1]/x", "[::1]/x:latest", "[::1]/x:latest"),
            ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
            ("docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"),
            ("docker.io/localhost/c", "docker.io/localhost/c:latest", "docker.io/localhost/c:latest"),
            ("a.b_c__d---e", "docker.io/library/a.b_c__d---e:latest", "a.b_c__d---e:latest"),
            ("x:_T.-9", "docker.io/library/x:_T.-9", "x:_T.-9"),
            (&with_digest, &with_digest, &with_digest),
            (&only_digest, &full_only_digest, &only_digest),
        ] {
            let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(reference.to_string(), full, "{text}");
            assert_eq!(reference.familiar(), familiar, "{text}");
            for again in [full, familiar] {
                assert_eq!(again.parse::<Reference>().as_ref(), Ok(&reference), "{again}");
            }
        }
    }

    #[test]
    fn knows_whether_the_tag_was_typed() {
        let origin = |text: &str| text.parse::<Reference>().unwrap().tag_origin();
        assert_eq!(origin("busybox"), TagOrigin::Default);
        assert_eq!(origin("busybox:latest"), TagOrigin::Typed);
        let pinned: Reference = format!("busybox@sha256:{}", "0a".repeat(32)).parse().unwrap();
        assert_eq!((pinned.tag(), pinned.tag_origin()), (None, TagOrigin::Typed));
    }

    #[test]
    fn refuses_what_is_no_reference() {
        let long = format!("a/{}", "b".repeat(300));
        let id = "0a".repeat(32);
        let long_tag = format!("a:{}", "b".repeat(129));
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a:",
            ":a",
            "a:b:c",
            "a:.b",
            "a:-b",
            "a@",
            "a@b",
            "a@sha256:0a",
            "A",
            "a/B",
            "docker.io/Busy",
            "-a",
            "a-",
            "a___b",
            "a._b",
            "a..b",
            "a b",
            " a",
            "a\n",
            "ä",
            "a:ä",
            "-h.x/a",
            "h.x-/a",
            "h:x/a",
            "h:/a",
            ".x/a",
            "[::1/a",
            "[x]/a",
            "[::1]x/a",
            "[::1]:/a",
            "https://a.b/c",
            "../a",
            &long,
            &id,
            &long_tag,
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?}");
        }
        assert!(matches!("a/B".parse::<Reference>(), Err(ReferenceError::UpperCase { .. })));
    }
}
