//! Lock files: what the names of images meant, so that they cannot come to mean something else unnoticed.
//!
//! - An [`ImageLock`] has for each name a [`Locked`]: the image's ID, and the digests of the manifest and of the indexes by
//!   which it was reached.
//! - An image is what was locked if it has that ID, or if one of those digests leads to it: an index leads to another image on
//!   another machine, and to the right one.
//! - [`ImageLock::parse`] is strict: what it does not know it refuses, and so it does with a key that comes twice.
//!
//! ```json
//! {
//!   "version": 1,
//!   "images": {
//!     "docker.io/library/alpine:3.20": {
//!       "id": "sha256:…",
//!       "digests": ["sha256:…"]
//!     }
//!   }
//! }
//! ```

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use super::digest::Digest;
use super::reference::Reference;

/// The version of the document.
const VERSION: u32 = 1;
/// The most bytes of such a document.
pub const DOCUMENT_MAX: u64 = 4 << 20;
/// The most names in one.
const NAMES_MAX: usize = 10_000;
/// The most digests of one image.
const DIGESTS_MAX: usize = 64;

/// Why bytes are no lock file.
#[derive(Debug, Error)]
pub enum ImageLockError {
    /// Another document, or none.
    #[error("it is not a document of locked images")]
    Malformed(#[source] serde_json::Error),
    /// One of a later program.
    #[error("its version is {0}, and this program knows {VERSION}")]
    Version(u32),
    /// Too much.
    #[error("it holds more than {0}")]
    TooMuch(&'static str),
    /// A name that is not in full, or has a digest.
    #[error("`{}` is not the full name of an image with its tag", .0.escape_debug())]
    Name(String),
}

/// Why an image is not taken.
#[derive(Debug, Error, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Drift {
    /// Nobody has locked this name.
    #[error("`{0}` is not among the locked images")]
    Unknown(String),
    /// It means something else.
    #[error("`{name}` is not what was locked: that was {locked}, and this is {found}")]
    Other {
        /// The name.
        name: String,
        /// What it meant.
        locked: Digest,
        /// What it means.
        found: Digest,
    },
    /// Something that has no name.
    #[error("`{0}` has no name that could be locked")]
    Nameless(String),
}

impl Drift {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(name) => Some(format!("minirun image lock FILE {name} adds it")),
            Self::Other { name, locked, .. } => Some(format!(
                "if the new one is wanted: minirun image lock FILE {name}; the old one is the image {locked}"
            )),
            Self::Nameless(_) => Some("load it, and run it by its name, its ID or NAME@DIGEST".to_owned()),
        }
    }
}

/// What a name meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The image.
    pub id: Digest,
    /// The digests by which it was reached: of its manifest first, then of the indexes around it.
    pub digests: Vec<Digest>,
}

impl Locked {
    /// The digest that tells most about where it came from.
    #[must_use]
    pub fn shown(&self) -> &Digest {
        self.digests.first().unwrap_or(&self.id)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.id == other.id || other.digests.iter().any(|digest| self.digests.contains(digest))
    }
}

/// What names meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageLock {
    images: BTreeMap<String, Locked>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    images: Names,
}

/// A map whose keys come once.
#[derive(Serialize)]
#[serde(transparent)]
struct Names(BTreeMap<String, Locked>);

impl ImageLock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// It is none, or holds too much.
    pub fn parse(bytes: &[u8]) -> Result<Self, ImageLockError> {
        if bytes.len() as u64 > DOCUMENT_MAX {
            return Err(ImageLockError::TooMuch("4 MiB"));
        }
        let document: Document = serde_json::from_slice(bytes).map_err(ImageLockError::Malformed)?;
        if document.version != VERSION {
            return Err(ImageLockError::Version(document.version));
        }
        let Names(images) = document.images;
        if images.len() > NAMES_MAX {
            return Err(ImageLockError::TooMuch("10000 names"));
        }
        for (name, locked) in &images {
            let is_full =
                |reference: &Reference| reference.digest().is_none() && reference.to_string() == *name;
            if !name.parse::<Reference>().is_ok_and(|reference| is_full(&reference)) {
                return Err(ImageLockError::Name(name.clone()));
            }
            if locked.digests.len() > DIGESTS_MAX {
                return Err(ImageLockError::TooMuch("64 digests of one image"));
            }
        }
        Ok(Self { images })
    }

    /// The text of the lock file: the same for the same content.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document { version: VERSION, images: Names(self.images.clone()) };
        // Digests, numbers and texts: nothing in here can be no JSON.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    /// Locks a name.
    pub fn insert(&mut self, name: &Reference, mut locked: Locked) {
        locked.digests.truncate(DIGESTS_MAX);
        self.images.insert(name.to_string(), locked);
    }

    /// Whether what a name means is what it meant.
    ///
    /// # Errors
    /// It is not, or the name was not locked.
    pub fn check(&self, name: &Reference, found: &Locked) -> Result<(), Drift> {
        let known = self.images.get(&name.to_string()).ok_or_else(|| Drift::Unknown(name.familiar()))?;
        if known.is_same(found) {
            return Ok(());
        }
        let (locked, found) = if known.digests.is_empty() || found.digests.is_empty() {
            (&known.id, &found.id)
        } else {
            (known.shown(), found.shown())
        };
        Err(Drift::Other { name: name.familiar(), locked: locked.clone(), found: found.clone() })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Names, A::Error> {
        let mut names = BTreeMap::new();
        while let Some((name, locked)) = entries.next_entry::<String, Locked>()? {
            if names.insert(name.clone(), locked).is_some() {
                return Err(A::Error::custom(format_args!("the key {name:?} comes twice")));
            }
        }
        Ok(Names(names))
    }
}
