//! Images with any part wrong: each document can be changed as a value and as text before its digest is taken.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::archive::Tar;
use super::source::{Files, Source};
use crate::support::{Compression, Image, compress};

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The name that every case gives its image.
pub(super) const NAME: &str = "hostile.test/case:1";

type Change = Box<dyn FnOnce(Value) -> Value>;
type Rewrite = Box<dyn FnOnce(String) -> Vec<u8>>;

/// How a document becomes another one than it would be.
#[derive(Default)]
struct Twist {
    changes: Vec<Change>,
    rewrite: Option<Rewrite>,
}

impl Twist {
    fn apply(self, document: Value) -> Vec<u8> {
        let document = self.changes.into_iter().fold(document, |document, change| change(document));
        let text = document.to_string();
        match self.rewrite {
            Some(rewrite) => rewrite(text),
            None => text.into_bytes(),
        }
    }
}

/// A layer as it is stored, and as it is called.
#[derive(Clone)]
pub(super) struct StoredLayer {
    pub(super) plain: Vec<u8>,
    pub(super) stored: Vec<u8>,
    pub(super) media_type: String,
}

impl StoredLayer {
    /// Stored as some bytes, which need not have to do with `plain`.
    pub(super) fn stored(plain: impl Into<Vec<u8>>, stored: impl Into<Vec<u8>>) -> Self {
        let stored = stored.into();
        let suffix = match stored.as_slice() {
            [0x1f, 0x8b, ..] => "+gzip",
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => "+zstd",
            _ => "",
        };
        Self { plain: plain.into(), stored, media_type: format!("{LAYER}{suffix}") }
    }

    /// With this compression.
    pub(super) fn packed(plain: impl Into<Vec<u8>>, compression: Compression) -> Self {
        let plain = plain.into();
        let stored = compress(&plain, compression);
        Self::stored(plain, stored)
    }

    pub(super) fn media_type(mut self, media_type: &str) -> Self {
        media_type.clone_into(&mut self.media_type);
        self
    }
}

impl From<Tar> for StoredLayer {
    fn from(tar: Tar) -> Self {
        Self::from(tar.finish())
    }
}

impl From<Vec<u8>> for StoredLayer {
    fn from(plain: Vec<u8>) -> Self {
        Self::stored(plain.clone(), plain)
    }
}

/// An image in the making.
#[derive(Default)]
pub(super) struct Parts {
    layers: Vec<StoredLayer>,
    fields: Value,
    config: Twist,
    manifest: Twist,
    index: Twist,
}

impl Parts {
    /// No layer, and a configuration for this machine.
    pub(super) fn new() -> Self {
        Self { fields: json!({}), ..Self::default() }
    }

    /// With the small system of programs that [`Image::base`] has, so that something can run.
    pub(super) fn base() -> Self {
        Self::new().layer(Image::base_layer().to_vec())
    }

    /// One layer with one file, `file` with the content `content`.
    pub(super) fn plain() -> Self {
        Self::new().layer(plain_layer())
    }

    /// Adds a layer: a [`Tar`], the bytes of one, or a [`StoredLayer`].
    pub(super) fn layer(mut self, layer: impl Into<StoredLayer>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// A field of the part of the configuration that is for running: `User`, `WorkingDir`, `Env`…
    pub(super) fn field(mut self, field: &str, value: Value) -> Self {
        self.fields[field] = value;
        self
    }

    pub(super) fn config(mut self, change: impl FnOnce(Value) -> Value + 'static) -> Self {
        self.config.changes.push(Box::new(change));
        self
    }

    pub(super) fn config_text(mut self, rewrite: impl FnOnce(String) -> Vec<u8> + 'static) -> Self {
        self.config.rewrite = Some(Box::new(rewrite));
        self
    }

    pub(super) fn manifest(mut self, change: impl FnOnce(Value) -> Value + 'static) -> Self {
        self.manifest.changes.push(Box::new(change));
        self
    }

    pub(super) fn manifest_text(mut self, rewrite: impl FnOnce(String) -> Vec<u8> + 'static) -> Self {
        self.manifest.rewrite = Some(Box::new(rewrite));
        self
    }

    pub(super) fn index(mut self, change: impl FnOnce(Value) -> Value + 'static) -> Self {
        self.index.changes.push(Box::new(change));
        self
    }

    pub(super) fn index_text(mut self, rewrite: impl FnOnce(String) -> Vec<u8> + 'static) -> Self {
        self.index.rewrite = Some(Box::new(rewrite));
        self
    }

    fn config_document(&self) -> Value {
        let diff_ids: Vec<_> = self.layers.iter().map(|layer| sha256(&layer.plain)).collect();
        json!({
            "architecture": architecture(),
            "os": "linux",
            "config": self.fields,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        })
    }

    /// The files of an image layout.
    pub(super) fn files(self) -> Files {
        let mut files = Files::default();
        files.file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
        let document = self.config_document();
        let config = blob(&mut files, CONFIG, self.config.apply(document));
        let mut layers = Vec::new();
        for layer in self.layers {
            layers.push(blob(&mut files, &layer.media_type, layer.stored));
        }
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        let mut entry = blob(&mut files, MANIFEST, self.manifest.apply(manifest));
        entry["annotations"] = names();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
        files.file("index.json", self.index.apply(index));
        files
    }

    /// An image layout.
    pub(super) fn layout(self) -> Source {
        Source::Directory(self.files())
    }

    /// An image layout with its files changed.
    pub(super) fn layout_with(self, change: impl FnOnce(&mut Files)) -> Source {
        let mut files = self.files();
        change(&mut files);
        Source::Directory(files)
    }

    /// The files of what `docker save` wrote before it wrote layouts: `manifest.json`, `config.json` (so called, not by
    /// its digest) and `0/layer.tar`, `1/layer.tar`…; the change of the manifest is of `manifest.json`.
    pub(super) fn docker_files(self) -> Files {
        let mut files = Files::default();
        let document = self.config_document();
        files.file("config.json", self.config.apply(document));
        let mut names = Vec::new();
        for (number, layer) in self.layers.into_iter().enumerate() {
            names.push(format!("{number}/layer.tar"));
            files.file(&names[number], layer.stored);
        }
        let manifest = json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": names }]);
        files.file("manifest.json", self.manifest.apply(manifest));
        files
    }
}

/// A layer with one file, `file` with the content `content`.
pub(super) fn plain_layer() -> Tar {
    Tar::new().file("file", "content\n")
}

/// Adds a blob; its descriptor.
pub(super) fn blob(files: &mut Files, media_type: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let bytes = bytes.into();
    let digest = sha256(&bytes);
    let descriptor = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
    files.file(&blob_file(&digest), bytes);
    descriptor
}

/// The annotations that give an image of an index its name.
pub(super) fn names() -> Value {
    json!({ "org.opencontainers.image.ref.name": NAME, "io.containerd.image.name": NAME })
}

/// Where a layout has the blob with this digest.
pub(super) fn blob_file(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

pub(super) fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex(&Sha512::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// This machine's architecture as images call it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}
