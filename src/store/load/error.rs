//! Why a load did not happen.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use super::blob::BlobError;
use super::wire::ManifestError;
use crate::plan::digest::Digest;
use crate::plan::image_lock::Drift;
use crate::plan::source::fetch_hint;
use crate::store::StoreError;
use crate::store::compression::CompressionError;
use crate::store::document::DocumentError;
use crate::store::unpack::{Problem, UnpackError, limit_of_archive};
use crate::sys::SysError;

/// Why images could not be loaded. The store is as it was.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A name means something else than it did.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// The file or directory cannot be opened.
    #[error("cannot open `{}`", .path.display())]
    Open {
        /// What was to be loaded.
        path: PathBuf,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// It is a FIFO, a device or a socket.
    #[error("`{}` is neither a file nor a directory", .0.display())]
    NotAFile(PathBuf),
    /// It holds something else.
    #[error("there is no image in {0}: neither `oci-layout` with `index.json` nor `manifest.json`")]
    NotAnImage(String),
    /// It is an archive of the other kind.
    #[error("{0} has no `oci-layout` with `index.json`: it is what `docker save` writes")]
    NotALayout(String),
    /// A document or layer cannot be read.
    #[error("cannot read {source_name}")]
    Blob {
        /// What was to be loaded.
        source_name: String,
        /// Which blob, and why.
        #[source]
        cause: BlobError,
    },
    /// Nobody fetches from the registry any more.
    #[error("cannot fetch {source_name}")]
    Fetch {
        /// What was to be fetched.
        source_name: String,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// The compression of the archive is not known.
    #[error("cannot decompress {source_name}")]
    Compression {
        /// What was to be loaded.
        source_name: String,
        /// What the decoder says.
        #[source]
        cause: CompressionError,
    },
    /// A compressed archive or standard input cannot be read.
    #[error("cannot read {source_name}")]
    Spool {
        /// What was to be loaded.
        source_name: String,
        /// What reading says.
        #[source]
        cause: io::Error,
    },
    /// A compressed archive becomes larger than archives may be.
    #[error("{source_name} is larger than {limit} bytes without its compression")]
    TooLarge {
        /// What was to be loaded.
        source_name: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// An index or manifest is not one that can be used.
    #[error("`{}` cannot be used", .name.escape_debug())]
    Manifest {
        /// Its name in the image.
        name: String,
        /// What is wrong with it.
        #[source]
        cause: ManifestError,
    },
    /// Another document is not as it should be.
    #[error("`{}` cannot be used", .name.escape_debug())]
    Document {
        /// Its name in the image.
        name: String,
        /// What is wrong with it.
        #[source]
        cause: DocumentError,
    },
    /// Indexes inside indexes go too deep, or there are too many.
    #[error("the indexes of the image lead to more than {0} documents or go too deep")]
    TooManyDocuments(usize),
    /// The manifest and the configuration do not agree.
    #[error("the image {id} has {layers} layers, but {diff_ids} diff IDs")]
    LayerCount {
        /// The image.
        id: Digest,
        /// Layers in the manifest.
        layers: usize,
        /// Diff IDs in the configuration.
        diff_ids: usize,
    },
    /// The image has more layers than any needs.
    #[error("the image {id} has {layers} layers, more than {limit}")]
    TooManyLayers {
        /// The image.
        id: Digest,
        /// Layers in the manifest.
        layers: usize,
        /// The most there may be.
        limit: usize,
    },
    /// The configuration is named by another digest than it has.
    #[error("`{}` has the digest {found}", .name.escape_debug())]
    ConfigDigest {
        /// Its name in the archive, which holds a digest.
        name: String,
        /// The digest of its bytes.
        found: Digest,
    },
    /// A diff ID is no digest.
    #[error("the image {id} has the diff ID {text:?}, which is no digest")]
    DiffId {
        /// The image.
        id: Digest,
        /// What stands there.
        text: String,
    },
    /// A root filesystem that is not made of layers.
    #[error("the image {id} has a root filesystem of type {typ:?}, only \"layers\" is known")]
    RootfsType {
        /// The image.
        id: Digest,
        /// What stands there.
        typ: String,
    },
    /// The header of a layout is of a version that works otherwise.
    #[error("{source_name} is an OCI image layout of version {version:?}, only 1.0.0 is supported")]
    LayoutVersion {
        /// What was to be loaded.
        source_name: String,
        /// What stands there.
        version: String,
    },
    /// Nothing is there at all.
    #[error("there is no image in {0}: its index is empty")]
    Empty(String),
    /// Not even one byte.
    #[error("there is nothing in {0}: whatever was to write it has failed")]
    Nothing(String),
    /// Everything that is there is of another kind.
    #[error("there is no image in {source_name}, only {}", escaped(.found))]
    OnlyOthers {
        /// What was to be loaded.
        source_name: String,
        /// The media types of what is there.
        found: Vec<String>,
    },
    /// Nothing is for the wanted platform.
    #[error("there is no image for {wanted}{}", only(.found))]
    Platform {
        /// The platform that was asked for, or this machine's.
        wanted: String,
        /// The platforms that there are.
        found: Vec<String>,
    },
    /// Nothing has the wanted name.
    #[error("there is no image `{wanted}` in {source_name}{}", only(.found))]
    Select {
        /// What was to be loaded.
        source_name: String,
        /// The tag or name that was asked for.
        wanted: String,
        /// The names that there are.
        found: Vec<String>,
    },
    /// There are several images, and one is to be run.
    #[error("{source_name} holds several images: {}", escaped(.found))]
    Several {
        /// What was to be run.
        source_name: String,
        /// Their names.
        found: Vec<String>,
    },
    /// A layer cannot be unpacked.
    #[error("cannot unpack layer {number} of {count}, {diff_id}")]
    Layer {
        /// Which one, the lowest is 1.
        number: usize,
        /// How many there are.
        count: usize,
        /// Its diff ID.
        diff_id: Digest,
        /// What is wrong with it.
        #[source]
        cause: Box<UnpackError>,
    },
    /// The tar of a root filesystem cannot be unpacked.
    #[error("cannot unpack {source_name}")]
    Import {
        /// What was to be imported.
        source_name: String,
        /// What is wrong with it.
        #[source]
        cause: Box<UnpackError>,
    },
    /// The file system of the store, or the quota of the user, is full.
    #[error("no space is left for the store `{}`", .store.display())]
    Full {
        /// The directory of the store.
        store: PathBuf,
        /// What was being done.
        #[source]
        cause: Box<LoadError>,
    },
    /// Somebody removes the image as often as it is loaded.
    #[error("another process removed the image, or layers of it, {attempts} times while it was loaded")]
    RemovedMeanwhile {
        /// How often it was tried.
        attempts: usize,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn only(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", only {}", escaped(names)) }
}

/// Names that come from the image could steer a terminal, and there may be any number of them.
fn escaped(names: &[String]) -> String {
    /// How many are told.
    const TOLD: usize = 8;
    let shown: Vec<_> = names.iter().take(TOLD).map(|name| name.escape_debug().to_string()).collect();
    let shown = shown.join(", ");
    if names.len() > TOLD { format!("{shown} and {} more", names.len() - TOLD) } else { shown }
}

impl LoadError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if let Some(limit) = self.limit() {
            return Some(format!(
                "for an image that you trust, minirun load --image-limit {limit}=VALUE allows more"
            ));
        }
        match self {
            Self::NotAnImage(_) => {
                Some("`minirun import FILE NAME` takes the tar of a root filesystem".to_owned())
            }
            Self::Drift(drift) => drift.hint(),
            Self::NotALayout(_) => Some("use docker-archive:FILE".to_owned()),
            Self::Platform { found, .. } => {
                found.first().map(|platform| format!("--platform {} takes that one", platform.escape_debug()))
            }
            Self::Full { store, .. } => {
                Some(format!("make room in `{}`, or choose another --store DIR", store.display()))
            }
            Self::Several { .. } => Some("name one behind a colon".to_owned()),
            Self::Layer { cause, .. } | Self::Import { cause, .. } => cause.hint(),
            Self::Store(error) => error.hint(),
            Self::Blob { cause: BlobError::Open { cause, .. }, .. } if cause.errno() == Errno::XDEV => Some(
                "nothing outside of the image is read: copy into it what a link or a name in it means"
                    .to_owned(),
            ),
            Self::Open { path, .. } => fetch_hint(path),
            Self::NotAFile(_)
            | Self::Blob { .. }
            | Self::Fetch { .. }
            | Self::Compression { .. }
            | Self::Spool { .. }
            | Self::TooLarge { .. }
            | Self::Manifest { .. }
            | Self::Document { .. }
            | Self::TooManyDocuments(_)
            | Self::LayerCount { .. }
            | Self::TooManyLayers { .. }
            | Self::ConfigDigest { .. }
            | Self::DiffId { .. }
            | Self::RootfsType { .. }
            | Self::LayoutVersion { .. }
            | Self::Empty(_)
            | Self::Nothing(_)
            | Self::OnlyOthers { .. }
            | Self::RemovedMeanwhile { .. }
            | Self::Select { .. } => None,
        }
    }

    /// What the limit is called that the image is beyond, if that is what is wrong.
    fn limit(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } => Some("bytes"),
            Self::TooManyLayers { .. } => Some("layers"),
            Self::Layer { cause, .. } | Self::Import { cause, .. } => cause.limit(),
            Self::Blob { cause, .. } => match cause {
                BlobError::TooManyMembers(_) => Some("members"),
                BlobError::TooManyDocuments { .. } => Some("documents"),
                BlobError::Archive(error) => limit_of_archive(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// The same error, saying first that the disk is full if that is what is behind it.
    pub(in crate::store) fn or_full(self, store: PathBuf) -> Self {
        if matches!(self, Self::Store(StoreError::Full { .. })) || !is_caused_by_full_disk(&self) {
            return self;
        }
        Self::Full { store, cause: Box::new(self) }
    }
}

fn is_caused_by_full_disk(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let errno = match (error.downcast_ref::<SysError>(), error.downcast_ref::<io::Error>()) {
            (Some(error), _) => Some(error.errno()),
            (_, Some(error)) => rustix::io::Errno::from_io_error(error),
            (None, None) => None,
        };
        // An error that stands for its cause hides it from this loop.
        let hidden = match error.downcast_ref::<Problem>() {
            Some(Problem::System(error)) => Some(error.errno()),
            _ => None,
        };
        if errno.or(hidden).is_some_and(crate::store::is_full) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::layout::digest_of;

    #[test]
    fn a_full_disk_is_said_first() {
        let layer = |errno| {
            let problem = Problem::System(SysError::new("pwrite(3 bytes)", errno));
            let cause = Box::new(UnpackError::Entry { entry: "etc/name".into(), problem });
            let diff_id = digest_of(crate::plan::digest::Algorithm::Sha256, b"");
            LoadError::Layer { number: 1, count: 1, diff_id, cause }
        };
        let full = layer(Errno::NOSPC).or_full("/store".into());
        assert_eq!(full.to_string(), "no space is left for the store `/store`");
        assert!(full.hint().unwrap().contains("make room in `/store`"));
        assert!(matches!(layer(Errno::IO).or_full("/store".into()), LoadError::Layer { .. }));
    }
}
