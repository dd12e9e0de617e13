//! Images and directories made by the tests.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::layout::digest_of;
use super::temporary::random_name;
use crate::plan::digest::{Algorithm, Digest};

/// A directory, mode 0700, that goes with its value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("minirun-test-{}", random_name().unwrap()));
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A tar of files, with their contents; a name that ends in a slash is a directory.
pub(crate) fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        let is_directory = name.ends_with('/');
        header.set_entry_type(if is_directory { tar::EntryType::Directory } else { tar::EntryType::Regular });
        header.set_mode(if is_directory { 0o755 } else { 0o644 });
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes)
}

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The files of an image source, by name, before they become a directory or an archive.
#[derive(Clone, Default)]
pub(crate) struct Files(pub(crate) Vec<(String, Vec<u8>)>);

impl Files {
    /// Adds or replaces a file.
    pub(crate) fn put(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), bytes.into()));
    }

    /// Adds a blob and gives its descriptor.
    pub(crate) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = sha256(bytes);
        self.put(&format!("blobs/sha256/{}", digest.hex()), bytes);
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }

    /// Adds an image of such layers (plain tars, stored as they are given in the second place).
    pub(crate) fn image(&mut self, architecture: &str, layers: &[(Vec<u8>, Vec<u8>)]) -> Value {
        let config = self.blob(CONFIG, config(architecture, layers).to_string().as_bytes());
        let layers: Vec<Value> = layers.iter().map(|(_, stored)| self.blob(LAYER, stored)).collect();
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    /// Completes an OCI image layout whose index has these entries.
    pub(crate) fn layout(mut self, entries: &[Value]) -> Self {
        self.put("oci-layout", r#"{"imageLayoutVersion": "1.0.0"}"#);
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        self.put("index.json", index.to_string());
        self
    }

    /// An archive of `docker save`.
    pub(crate) fn docker(tags: &Value, layers: &[Vec<u8>]) -> Self {
        let mut files = Self::default();
        let pairs: Vec<_> = layers.iter().map(|layer| (layer.clone(), layer.clone())).collect();
        let config = config("amd64", &pairs).to_string();
        let config_name = format!("{}.json", sha256(config.as_bytes()).hex());
        files.put(&config_name, config);
        let mut names = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            names.push(format!("{index}/layer.tar"));
            files.put(&names[index], layer.clone());
        }
        let manifest = json!([{ "Config": config_name, "RepoTags": tags, "Layers": names }]);
        files.put("manifest.json", manifest.to_string());
        files
    }

    pub(crate) fn write(&self, directory: &Path) {
        for (name, bytes) in &self.0 {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub(crate) fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.0 {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    }
}

pub(crate) fn config(architecture: &str, layers: &[(Vec<u8>, Vec<u8>)]) -> Value {
    let diff_ids: Vec<String> = layers.iter().map(|(plain, _)| sha256(plain).to_string()).collect();
    json!({
        "architecture": architecture, "os": "linux", "created": "2024-01-02T03:04:05Z",
        "config": { "Cmd": ["sh"] }, "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
}

/// The entry with an annotation that names it.
pub(crate) fn named(mut entry: Value, name: &str) -> Value {
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    entry
}
