//! The archives of `docker save`: `manifest.json` lists images by the names of their members.
//!
//! Nothing in such an archive has a digest but what the configuration says of the layers, and names that are
//! digests; both are held against the content.

use serde::Deserialize;

use super::LoadError;
use super::blob::Blobs;
use super::candidate::{Candidate, Configuration, Names};
use crate::plan::digest::{Algorithm, Digest};
use crate::store::document;
use crate::store::layout;

/// The document that makes a tar such an archive.
pub(super) const MANIFEST: &str = "manifest.json";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// All images of the archive.
pub(super) fn images(blobs: &Blobs, source_name: &str) -> Result<Vec<Candidate>, LoadError> {
    let blob = |cause| LoadError::Blob { source_name: source_name.to_owned(), cause };
    let bytes = blobs.document(MANIFEST, blobs.limits().document).map_err(blob)?;
    let items: Vec<Item> = document::parse(&bytes, "the manifest of a Docker archive")
        .map_err(|cause| LoadError::Document { name: MANIFEST.to_owned(), cause })?;
    let mut candidates = Vec::with_capacity(items.len());
    for item in items {
        let bytes = blobs.document(&item.config, blobs.limits().config).map_err(blob)?;
        candidates.push(candidate(item, bytes, blobs.limits().layers)?);
    }
    Ok(candidates)
}

fn candidate(item: Item, bytes: Vec<u8>, layers_max: usize) -> Result<Candidate, LoadError> {
    let expected = digest_in_name(&item.config);
    let algorithm = expected.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let id = layout::digest_of(algorithm, &bytes);
    if expected.is_some_and(|expected| expected != id) {
        return Err(LoadError::ConfigDigest { name: item.config, found: id });
    }
    let config = Configuration::parse(id, bytes, (&item.config, layers_max))?;
    let layers = item.layers.unwrap_or_default().into_iter();
    // A layer of the newer form is named by the digest of its blob, of the older one by anything.
    let layers = config.layers(layers.map(|name| (name.clone(), digest_of_blob(&name), None)).collect())?;
    Ok(Candidate {
        id: config.id,
        config_bytes: config.bytes,
        manifest_bytes: None,
        manifest_digests: Vec::new(),
        layers,
        platform: config.platform,
        names: Names { full: item.repo_tags.unwrap_or_default(), short: None },
    })
}

fn digest_of_blob(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// The digest in `HEX.json` or `blobs/sha256/HEX`.
fn digest_in_name(name: &str) -> Option<Digest> {
    digest_of_blob(name).or_else(|| format!("sha256:{}", name.strip_suffix(".json")?).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_digests() {
        let hex = "ab".repeat(32);
        assert_eq!(digest_in_name(&format!("{hex}.json")).unwrap().hex(), hex);
        assert_eq!(digest_in_name(&format!("blobs/sha256/{hex}")).unwrap().hex(), hex);
        assert_eq!(digest_of_blob(&format!("{hex}.tar")), None);
        assert_eq!(digest_in_name("config.json"), None);
    }
}
