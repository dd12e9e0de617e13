//! Indexes and manifests as they are written, of the OCI image specification and of Docker, which are alike.
//!
//! They are read with types of our own and not with those of `oci-spec`: a digest is one that can be verified
//! or the document is refused, and whether a document is an index or a manifest has one answer.
//! Source: OCI image specification, descriptor.md, manifest.md, image-index.md.

use std::collections::BTreeMap;

use serde::Deserialize;
use thiserror::Error;

use crate::plan::digest::Digest;
use crate::store::document::{self, DocumentError};

/// Why a document is no index or manifest of an image.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not the right JSON.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A version that works otherwise.
    #[error("it has schemaVersion {0}, only 2 is supported")]
    SchemaVersion(u64),
    /// The document says it is something else than its descriptor said.
    #[error("it has mediaType {found:?}, expected {expected:?}")]
    MediaType {
        /// What the document says.
        found: String,
        /// What the descriptor says.
        expected: String,
    },
    /// It has what only an index has and what only a manifest has (CVE-2021-41190).
    #[error("it is a manifest and an index at once")]
    Both,
    /// It has neither.
    #[error("it is neither a manifest nor an index")]
    Neither,
    /// Something that is no image is kept in the form of one.
    #[error("it is an artifact of type {0:?}, not an image")]
    Artifact(String),
    /// A layer of a kind that cannot be unpacked.
    #[error("it has a layer of type {0:?}, which is not supported")]
    LayerType(String),
}

/// What refers to a blob.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) platform: Option<DescriptorPlatform>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    pub(super) artifact_type: Option<String>,
}

/// The machine that an entry of an index is for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DescriptorPlatform {
    pub(super) architecture: String,
    pub(super) os: String,
    pub(super) variant: Option<String>,
}

/// An index or a manifest.
#[derive(Debug)]
pub(super) enum Document {
    Index(Vec<Descriptor>),
    Manifest { config: Descriptor, layers: Vec<Descriptor> },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
}

/// What a media type is the type of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Index,
    Manifest,
    Config,
    Layer,
    Unknown,
}

impl Kind {
    pub(super) fn of(media_type: &str) -> Self {
        match media_type {
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => Self::Index,
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => Self::Manifest,
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => {
                Self::Config
            }
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => Self::Layer,
            _ => Self::Unknown,
        }
    }
}

/// Whether two media types are of the same thing: those of Docker equal those of the specification that came of them.
fn is_same(one: &str, other: &str) -> bool {
    one == other || (Kind::of(one) == Kind::of(other) && Kind::of(one) != Kind::Unknown)
}

/// Reads an index or a manifest; `expected` is the media type that its descriptor gives.
pub(super) fn parse(bytes: &[u8], expected: Option<&str>) -> Result<Document, ManifestError> {
    let wire: Wire = document::parse(bytes, "a manifest or an index")?;
    if wire.schema_version != 2 {
        return Err(ManifestError::SchemaVersion(wire.schema_version));
    }
    let said = wire.media_type.clone();
    if let (Some(found), Some(expected)) = (&said, expected)
        && !is_same(found, expected)
    {
        return Err(ManifestError::MediaType { found: found.clone(), expected: expected.to_owned() });
    }
    let document = distinguish(wire)?;
    let kind = match document {
        Document::Index(_) => Kind::Index,
        Document::Manifest { .. } => Kind::Manifest,
    };
    match said.as_deref().or(expected) {
        Some(media_type) if Kind::of(media_type) != kind => {
            let found = if kind == Kind::Index { "an index" } else { "a manifest" };
            Err(ManifestError::MediaType { found: found.to_owned(), expected: media_type.to_owned() })
        }
        Some(_) | None => Ok(document),
    }
}

fn distinguish(wire: Wire) -> Result<Document, ManifestError> {
    match (wire.manifests, wire.config, wire.layers) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(ManifestError::Both),
        (Some(manifests), None, None) => Ok(Document::Index(manifests)),
        (None, Some(config), layers) => {
            if let Some(artifact_type) = wire.artifact_type {
                return Err(ManifestError::Artifact(artifact_type));
            }
            manifest(config, layers.unwrap_or_default())
        }
        (None, None, _) => Err(ManifestError::Neither),
    }
}

fn manifest(config: Descriptor, layers: Vec<Descriptor>) -> Result<Document, ManifestError> {
    if Kind::of(&config.media_type) != Kind::Config {
        return Err(ManifestError::Artifact(config.media_type));
    }
    match layers.iter().find(|layer| Kind::of(&layer.media_type) != Kind::Layer) {
        Some(layer) => Err(ManifestError::LayerType(layer.media_type.clone())),
        None => Ok(Document::Manifest { config, layers }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

    fn descriptor(media_type: &str) -> String {
        format!(r#"{{"mediaType": "{media_type}", "digest": "sha256:{}", "size": 3}}"#, "0".repeat(64))
    }

    fn config() -> String {
        descriptor("application/vnd.oci.image.config.v1+json")
    }

    fn layer() -> String {
        descriptor("application/vnd.oci.image.layer.v1.tar")
    }

    fn error(fields: &str, expected: Option<&str>) -> ManifestError {
        parse(format!("{{{fields}}}").as_bytes(), expected).unwrap_err()
    }

    #[test]
    fn tells_manifest_from_index() {
        let manifest = format!(r#"{{"schemaVersion": 2, "config": {}, "layers": [{}]}}"#, config(), layer());
        let docker = "application/vnd.docker.distribution.manifest.v2+json";
        for expected in [None, Some(MANIFEST), Some(docker)] {
            assert!(matches!(parse(manifest.as_bytes(), expected), Ok(Document::Manifest { .. })));
        }
        let said = manifest.replacen('{', &format!(r#"{{"mediaType": "{docker}", "#), 1);
        assert!(matches!(parse(said.as_bytes(), Some(MANIFEST)), Ok(Document::Manifest { .. })));
        let index = format!(r#"{{"schemaVersion": 2, "mediaType": "{INDEX}", "manifests": []}}"#);
        assert!(matches!(parse(index.as_bytes(), Some(INDEX)), Ok(Document::Index(_))));
        assert!(matches!(
            parse(index.as_bytes(), Some(MANIFEST)),
            Err(ManifestError::MediaType { expected, .. }) if expected == MANIFEST
        ));
        assert!(matches!(parse(manifest.as_bytes(), Some(INDEX)), Err(ManifestError::MediaType { .. })));
    }

    #[test]
    fn refuses_what_is_no_image() {
        let (config, layer) = (config(), layer());
        let both = format!(r#""schemaVersion": 2, "manifests": [], "layers": [], "config": {config}"#);
        assert!(matches!(error(&both, None), ManifestError::Both));
        assert!(matches!(
            error(r#""schemaVersion": 1, "manifests": []"#, None),
            ManifestError::SchemaVersion(1)
        ));
        assert!(matches!(error(r#""schemaVersion": 2"#, None), ManifestError::Neither));
        assert!(matches!(error(r#""manifests": []"#, None), ManifestError::Document(_)));
        let artifact =
            format!(r#""schemaVersion": 2, "artifactType": "a/b", "config": {config}, "layers": [{layer}]"#);
        assert!(matches!(error(&artifact, None), ManifestError::Artifact(_)));
        let empty = descriptor("application/vnd.oci.empty.v1+json");
        let artifact = format!(r#""schemaVersion": 2, "config": {empty}, "layers": []"#);
        assert!(matches!(error(&artifact, None), ManifestError::Artifact(_)));
        let layer = descriptor("application/vnd.oci.image.layer.v1.tar+encrypted");
        let unknown = format!(r#""schemaVersion": 2, "config": {config}, "layers": [{layer}]"#);
        assert!(matches!(error(&unknown, None), ManifestError::LayerType(_)));
        let bad = config.replace("\"size\": 3", "\"size\": -1");
        let negative = format!(r#""schemaVersion": 2, "config": {bad}, "layers": []"#);
        assert!(matches!(error(&negative, None), ManifestError::Document(_)));
    }
}
