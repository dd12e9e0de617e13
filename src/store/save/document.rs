//! The documents of archives and layouts: made of the image alone, so that they are always the same.
//!
//! Source: OCI image specification, image-layout.md, image-index.md and manifest.md.

use serde_json::{Map, Value, json};

use crate::plan::digest::Digest;
use crate::plan::platform::Platform;
use crate::plan::registry::order::Packed;
use crate::store::compress::Compression;

/// What `oci-layout` holds.
pub(super) const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// How the names of layers end in Docker's archives.
pub(super) const ARCHIVE: &str = ".tar";
/// How the names of configurations end there.
pub(super) const DOCUMENT: &str = ".json";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const BARE_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The annotations that say what an image is called: the specification's and containerd's.
const NAMES: [&str; 2] = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];

/// A configuration, layer or manifest that is somewhere by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Of a layer, the digest without its compression.
    pub diff_id: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// What it is.
    pub media_type: String,
}

impl Blob {
    /// A layer that was packed here.
    #[must_use]
    pub fn of_layer(packed: &Packed) -> Self {
        Self {
            digest: packed.digest.clone(),
            diff_id: packed.diff_id.clone(),
            size: packed.size,
            media_type: LAYER.to_owned(),
        }
    }

    /// A document.
    pub(super) fn of_bytes(digest: Digest, bytes: &[u8], media_type: &str) -> Self {
        Self { diff_id: digest.clone(), digest, size: bytes.len() as u64, media_type: media_type.to_owned() }
    }
}

/// What a layer is to an OCI manifest, by what another manifest said of it; none for what is no archive that everybody
/// can unpack.
pub(super) fn layer_type(said: &str) -> Option<&'static str> {
    match said {
        LAYER | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Some(LAYER),
        ZSTD_LAYER | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Some(ZSTD_LAYER),
        BARE_LAYER | "application/vnd.docker.image.rootfs.diff.tar" => Some(BARE_LAYER),
        _ => None,
    }
}

/// What a layer of this compression is; there are words for no others but these three.
pub(super) fn layer_of(compression: Compression) -> &'static str {
    match compression {
        Compression::None => BARE_LAYER,
        Compression::Zstd => ZSTD_LAYER,
        Compression::Gzip | Compression::Xz | Compression::Bzip2 => LAYER,
    }
}

/// An image whose parts were written.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) references: Vec<String>,
    pub(super) config: Blob,
    pub(super) layers: Vec<Blob>,
    /// In a layout.
    pub(super) manifest: Option<Blob>,
    pub(super) platform: Platform,
}

/// The configuration with the diff IDs of these layers; none if it is none.
pub(super) fn with_diff_ids(config: &[u8], layers: &[Blob]) -> Option<Vec<u8>> {
    let mut config: Value = serde_json::from_slice(config).ok()?;
    let ids = layers.iter().map(|layer| Value::from(layer.diff_id.to_string())).collect();
    *config.get_mut("rootfs")?.get_mut("diff_ids")? = Value::Array(ids);
    Some(config.to_string().into_bytes())
}

/// `manifest.json` of Docker's archives.
pub(super) fn list(images: &[Saved]) -> Vec<u8> {
    let item = |image: &Saved| {
        let layers: Vec<String> =
            image.layers.iter().map(|layer| format!("{}{ARCHIVE}", layer.digest.hex())).collect();
        let config = format!("{}{DOCUMENT}", image.config.digest.hex());
        json!({ "Config": config, "RepoTags": image.references, "Layers": layers })
    };
    Value::Array(images.iter().map(item).collect()).to_string().into_bytes()
}

/// The manifest of one image.
pub(super) fn manifest(config: &Blob, layers: &[Blob]) -> Vec<u8> {
    let layers: Vec<Value> = layers.iter().map(descriptor).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(config),
        "layers": layers,
    });
    manifest.to_string().into_bytes()
}

/// Whether a manifest is about exactly these blobs.
pub(super) fn says_same(manifest: &[u8], config: &Blob, layers: &[Blob]) -> bool {
    let Ok(manifest) = serde_json::from_slice::<Value>(manifest) else { return false };
    let is_about = |descriptor: &Value, blob: &Blob| {
        descriptor["digest"] == blob.digest.to_string() && descriptor["size"] == blob.size
    };
    let Some(said) = manifest["layers"].as_array() else { return false };
    is_about(&manifest["config"], config)
        && said.len() == layers.len()
        && said.iter().zip(layers).all(|(descriptor, blob)| is_about(descriptor, blob))
}

/// What a manifest is.
pub(super) fn media_type(manifest: &[u8]) -> String {
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    manifest["mediaType"].as_str().unwrap_or(MANIFEST).to_owned()
}

/// `index.json`: a line for each name of an image.
pub(super) fn index(images: &[Saved]) -> Vec<u8> {
    let mut manifests = Vec::new();
    for image in images {
        let Some(blob) = &image.manifest else { continue };
        let mut entry = descriptor(blob);
        entry["platform"] = platform(&image.platform);
        for name in &image.references {
            let pairs = NAMES.iter().map(|key| ((*key).to_owned(), Value::from(name.as_str())));
            entry["annotations"] = Value::Object(pairs.collect());
            manifests.push(entry.clone());
        }
        if image.references.is_empty() {
            manifests.push(entry);
        }
    }
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string().into_bytes()
}

fn platform(platform: &Platform) -> Value {
    let mut said = Map::new();
    said.insert("os".to_owned(), platform.os().into());
    said.insert("architecture".to_owned(), platform.architecture().into());
    if let Some(variant) = platform.variant() {
        said.insert("variant".to_owned(), variant.into());
    }
    Value::Object(said)
}

fn descriptor(blob: &Blob) -> Value {
    json!({ "mediaType": blob.media_type, "digest": blob.digest.to_string(), "size": blob.size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::digest::Algorithm;
    use crate::store::layout::digest_of;

    fn blob(text: &str) -> Blob {
        let digest = digest_of(Algorithm::Sha256, text.as_bytes());
        Blob::of_bytes(digest, text.as_bytes(), LAYER)
    }

    #[test]
    fn a_manifest_is_about_its_blobs_alone() {
        let (config, layers) = (blob("config"), [blob("one"), blob("two")]);
        let bytes = manifest(&config, &layers);
        assert_eq!(bytes, manifest(&config, &layers));
        assert!(says_same(&bytes, &config, &layers));
        assert!(!says_same(&bytes, &config, &layers[..1]));
        assert!(!says_same(&bytes, &blob("other"), &layers));
        assert!(!says_same(b"{}", &config, &[]) && !says_same(b"?", &config, &[]));
        assert_eq!(media_type(&bytes), MANIFEST);
    }

    #[test]
    fn a_configuration_gets_other_layers() {
        let changed =
            with_diff_ids(br#"{"x":1,"rootfs":{"type":"layers","diff_ids":["a"]}}"#, &[blob("one")]);
        let changed: Value = serde_json::from_slice(&changed.unwrap()).unwrap();
        assert_eq!(changed["rootfs"]["diff_ids"][0], blob("one").diff_id.to_string());
        assert_eq!(changed["x"], 1);
        assert_eq!(with_diff_ids(b"{}", &[]), None);
        assert_eq!(with_diff_ids(b"no", &[]), None);
    }

    #[test]
    fn an_index_has_a_line_for_each_name() {
        let saved = |references: &[&str]| Saved {
            references: references.iter().map(|&name| name.to_owned()).collect(),
            config: blob("config"),
            layers: vec![blob("one")],
            manifest: Some(blob("manifest")),
            platform: Platform::new("linux", "amd64", None),
        };
        let lines = |images: &[Saved]| {
            let index: Value = serde_json::from_slice(&index(images)).unwrap();
            index["manifests"].as_array().unwrap().clone()
        };
        assert_eq!(lines(&[saved(&["a:1", "b:2"]), saved(&[])]).len(), 3);
        assert_eq!(lines(&[saved(&["a:1"])])[0]["annotations"][NAMES[0]], "a:1");
        assert!(lines(&[saved(&[])])[0].get("annotations").is_none());
        let list: Value = serde_json::from_slice(&list(&[saved(&["a:1"])])).unwrap();
        assert_eq!(list[0]["Layers"][0], format!("{}.tar", blob("one").digest.hex()));
    }
}
