//! Images, and finding them by name or ID.

use oci_spec::image::ImageConfiguration;
use thiserror::Error;

use super::document;
use super::record::{LayerRef, Record};
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;
use crate::plan::image_document::ImageDocument;
use crate::plan::platform::Platform;
use crate::plan::reference::{Reference, ReferenceError, TagOrigin};

/// How many names an error about an unknown image lists.
const NAMES_SHOWN: usize = 8;

/// Why there is no image.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The text is no reference and no ID.
    #[error("`{text}` does not name an image")]
    Name {
        /// What was asked for.
        text: String,
        /// What is wrong with it.
        #[source]
        cause: ReferenceError,
    },
    /// Nothing in the store is called so.
    #[error("there is no image `{text}` in the store{}", list(.known, *.more))]
    Unknown {
        /// What was asked for.
        text: String,
        /// Some of the names that there are.
        known: Vec<String>,
        /// How many names there are beyond those.
        more: usize,
    },
    /// Several images fit.
    #[error("`{text}` could be any of {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The IDs or names of the images that fit.
        candidates: Vec<String>,
    },
    /// A name leads to an image that is not there.
    #[error("the store lacks the image {id} that `{text}` names")]
    Dangling {
        /// What was asked for.
        text: String,
        /// The ID it names.
        id: Digest,
    },
    /// A digest follows from the content and cannot be given.
    #[error("`{0}` has a digest: a new name has a tag at most")]
    TagWithDigest(String),
    /// The image has several names, or a container uses it.
    #[error("the image {id} {reason}")]
    InUse {
        /// The image.
        id: Digest,
        /// What keeps it.
        reason: InUse,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What keeps an image from being removed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum InUse {
    /// It was named by its ID, and more than one name would go.
    #[error("has several names: {}", .0.join(", "))]
    Names(Vec<String>),
    /// Containers were made from it.
    #[error("is used by a container")]
    Container,
}

fn list(known: &[String], more: usize) -> String {
    match (known, more) {
        ([], _) => ", which is empty".to_owned(),
        (known, 0) => format!(", which has {}", known.join(", ")),
        (known, more) => format!(", which has {} and {more} more", known.join(", ")),
    }
}

impl ImageError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some(
                "fetch it with `minirun pull`, add it with `minirun load -i FILE`, or run it from where it lies with `minirun run oci:DIR`"
                    .to_owned(),
            ),
            Self::Ambiguous { .. } => Some("give more of the ID, or a tag".to_owned()),
            Self::Dangling { .. } => Some("load the image again".to_owned()),
            Self::InUse { reason: InUse::Names(_), .. } => {
                Some("name one of them to remove that name, or use --force".to_owned())
            }
            Self::InUse { reason: InUse::Container, .. } => Some("remove its containers first".to_owned()),
            Self::Store(error) => error.hint(),
            Self::Name { .. } | Self::TagWithDigest(_) => None,
        }
    }
}

/// An image of the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The digest of its configuration.
    pub id: Digest,
    /// The name it was found by, which may have another tag than was asked for; none when found by ID or digest.
    pub reference: Option<Reference>,
    /// The configuration.
    pub config: ImageConfiguration,
    /// The digest of its manifest; none when it came without one.
    pub manifest_digest: Option<Digest>,
    /// The layers, the lowest first.
    pub layers: Vec<LayerRef>,
}

impl Image {
    /// The bytes of the files of all layers.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add)
    }

    /// What it runs on.
    #[must_use]
    pub fn platform(&self) -> Platform {
        let config = &self.config;
        let variant = config.variant().as_deref();
        Platform::new(&config.os().to_string(), &config.architecture().to_string(), variant)
    }
}

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: Digest,
    pub(super) reference: Option<Reference>,
}

impl Store {
    /// The image that `text` names: a reference, `NAME@DIGEST`, an ID or the beginning of one.
    ///
    /// A reference without a tag means `latest`; where there is none, but all tags of that repository are one
    /// image, it means that image.
    ///
    /// # Errors
    /// Nothing or more than one image is called so, or the store cannot be read.
    pub fn find_image(&self, text: &str) -> Result<Image, ImageError> {
        let found = self.find(text)?;
        let id = found.id.clone();
        let image = self.image(&id, found.reference)?;
        image.ok_or_else(|| ImageError::Dangling { text: text.to_owned(), id })
    }

    /// The image with the ID `id`; none when there is no such image.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn image_by_id(&self, id: &Digest) -> Result<Option<Image>, StoreError> {
        self.image(id, None)
    }

    /// Whether there is an image with the ID `id`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn has_image(&self, id: &Digest) -> Result<bool, StoreError> {
        self.contains(&format!("{}/{}", layout::image(id), layout::RECORD))
    }

    /// The whole configuration of `image`, with the fields that nobody here understands; none when it was removed meanwhile.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn image_document(&self, image: &Image) -> Result<Option<ImageDocument>, StoreError> {
        let name = format!("{}/{}", layout::image(&image.id), layout::CONFIG);
        let Some(bytes) = self.read_file(&name)? else { return Ok(None) };
        let fields = document::parse::<serde_json::Map<_, _>>(&bytes, "an image configuration")
            .map_err(|cause| StoreError::Damaged { path: self.path().join(&name), cause })?;
        Ok(Some(fields.into()))
    }

    /// Whether `text` names an image.
    ///
    /// # Errors
    /// `text` is no name, or the store cannot be read.
    pub fn image_exists(&self, text: &str) -> Result<bool, ImageError> {
        match self.find(text) {
            Ok(found) => Ok(self.contains(&layout::image(&found.id))?),
            Err(ImageError::Unknown { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn image(&self, id: &Digest, reference: Option<Reference>) -> Result<Option<Image>, StoreError> {
        let Some(record) = self.record(id.hex())? else { return Ok(None) };
        let name = format!("{}/{}", layout::image(id), layout::CONFIG);
        let Some(bytes) = self.read_file(&name)? else { return Ok(None) };
        // It was checked for doubled keys when it was loaded.
        let config = document::checked_configuration(&bytes)
            .map_err(|cause| StoreError::Damaged { path: self.path().join(&name), cause })?;
        let Record { id, manifest_digests, layers } = record;
        let manifest_digest = manifest_digests.into_iter().next();
        Ok(Some(Image { id, reference, config, manifest_digest, layers }))
    }

    pub(super) fn find(&self, text: &str) -> Result<Found, ImageError> {
        let whole_id = text.parse::<Digest>().ok().or_else(|| format!("sha256:{text}").parse().ok());
        if let Some(id) = whole_id {
            return self.find_by_digest(text, &id);
        }
        let reference = text.parse::<Reference>();
        if let Ok(reference) = &reference
            && let Some(found) = self.find_by_reference(text, reference)?
        {
            return Ok(found);
        }
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let is_prefix = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_prefix && let Some(found) = self.find_by_prefix(text, digits)? {
            return Ok(found);
        }
        match reference {
            Err(cause) if !is_prefix => Err(ImageError::Name { text: text.to_owned(), cause }),
            Ok(_) | Err(_) => self.unknown(text),
        }
    }

    fn find_by_reference(&self, text: &str, reference: &Reference) -> Result<Option<Found>, ImageError> {
        if let Some(digest) = reference.digest() {
            return self.find_by_digest(text, digest).map(Some);
        }
        if let Some(id) = self.reference(reference)? {
            return Ok(Some(Found { id, reference: Some(reference.clone()) }));
        }
        match reference.tag_origin() {
            TagOrigin::Typed => Ok(None),
            TagOrigin::Default => self.find_only_tag(text, reference),
        }
    }

    /// All names in the repository of `asked`, sorted; `text` is what was typed.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub fn names_in(&self, text: &str, asked: &Reference) -> Result<Vec<Reference>, ImageError> {
        let mut names: Vec<Reference> = self.tags(asked)?.into_iter().map(|(name, _)| name).collect();
        names.sort();
        if names.is_empty() { self.unknown(text) } else { Ok(names) }
    }

    fn tags(&self, asked: &Reference) -> Result<Vec<(Reference, Digest)>, StoreError> {
        let mut tags = self.references()?;
        tags.retain(|(reference, _)| reference.name() == asked.name());
        Ok(tags)
    }

    /// The one image that all tags of the repository name.
    fn find_only_tag(&self, text: &str, asked: &Reference) -> Result<Option<Found>, ImageError> {
        let tags = self.tags(asked)?;
        let Some((reference, id)) = tags.first().cloned() else { return Ok(None) };
        if tags.iter().any(|(_, other)| *other != id) {
            let candidates = tags.iter().map(|(reference, _)| reference.familiar()).collect();
            return Err(ImageError::Ambiguous { text: text.to_owned(), candidates });
        }
        Ok(Some(Found { id, reference: Some(reference) }))
    }

    /// An image by its own digest, or that of its manifest, or of an index it came from.
    fn find_by_digest(&self, text: &str, digest: &Digest) -> Result<Found, ImageError> {
        if self.contains(&layout::image(digest))? {
            return Ok(Found { id: digest.clone(), reference: None });
        }
        let mut records = self.records()?;
        records.retain(|record| record.manifest_digests.contains(digest));
        match records.as_slice() {
            [] => self.unknown(text),
            [record] => Ok(Found { id: record.id.clone(), reference: None }),
            [..] => {
                let candidates = records.iter().map(|record| record.id.to_string()).collect();
                Err(ImageError::Ambiguous { text: text.to_owned(), candidates })
            }
        }
    }

    fn find_by_prefix(&self, text: &str, digits: &str) -> Result<Option<Found>, ImageError> {
        let mut directories = self.image_directories()?;
        directories.retain(|hex| hex.starts_with(digits));
        match directories.as_slice() {
            [] => Ok(None),
            [hex] => Ok(self.record(hex)?.map(|record| Found { id: record.id, reference: None })),
            [..] => {
                let candidates = directories.iter().map(|hex| hex.chars().take(12).collect()).collect();
                Err(ImageError::Ambiguous { text: text.to_owned(), candidates })
            }
        }
    }

    fn unknown<T>(&self, text: &str) -> Result<T, ImageError> {
        let mut known: Vec<String> =
            self.references()?.iter().map(|(reference, _)| reference.familiar()).collect();
        let more = known.len().saturating_sub(NAMES_SHOWN);
        known.truncate(NAMES_SHOWN);
        Err(ImageError::Unknown { text: text.to_owned(), known, more })
    }
}
