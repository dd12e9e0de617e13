//! Images made by code: layers, image layouts and `docker save` archives.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

use super::rootfs;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A tar archive in the making. Entries belong to 0:0 and have the time 1 unless said otherwise.
pub(crate) struct Layer {
    builder: tar::Builder<Vec<u8>>,
    owner: (u64, u64),
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self { builder: tar::Builder::new(Vec::new()), owner: (0, 0) }
    }

    /// The owner of all entries that follow.
    pub(crate) fn owned_by(mut self, uid: u64, gid: u64) -> Self {
        self.owner = (uid, gid);
        self
    }

    /// PAX records for the entry that follows.
    pub(crate) fn pax(mut self, records: &[(&str, &str)]) -> Self {
        let records = records.iter().map(|(key, value)| (*key, value.as_bytes()));
        self.builder.append_pax_extensions(records).unwrap();
        self
    }

    pub(crate) fn directory(self, path: impl AsRef<OsStr>, mode: u32) -> Self {
        self.entry(EntryType::Directory, path.as_ref(), mode, &[])
    }

    pub(crate) fn file(self, path: impl AsRef<OsStr>, mode: u32, content: impl AsRef<[u8]>) -> Self {
        self.entry(EntryType::Regular, path.as_ref(), mode, content.as_ref())
    }

    /// A marker that removes `name` of the layers below; `name` may have parents.
    pub(crate) fn whiteout(self, path: &str) -> Self {
        let (parent, name) = path.rsplit_once('/').unwrap_or((".", path));
        self.file(format!("{parent}/.wh.{name}"), 0o644, "")
    }

    /// A marker that hides everything the layers below have in `directory`.
    pub(crate) fn opaque(self, directory: &str) -> Self {
        self.file(format!("{directory}/.wh..wh..opq"), 0o644, "")
    }

    pub(crate) fn fifo(self, path: &str) -> Self {
        self.entry(EntryType::Fifo, path.as_ref(), 0o644, &[])
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, path, target)
    }

    pub(crate) fn hard_link(self, path: &str, target: &str) -> Self {
        self.link(EntryType::Link, path, target)
    }

    fn link(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = self.header(kind, 0o777, 0);
        self.builder.append_link(&mut header, path, target).unwrap();
        self
    }

    fn entry(mut self, kind: EntryType, path: &OsStr, mode: u32, content: &[u8]) -> Self {
        let mut header = self.header(kind, mode, content.len() as u64);
        let name = path.as_bytes();
        // What `Builder` refuses to write (absolute names) or would tidy up (`./`), byte for byte.
        if name.len() <= 100 {
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_cksum();
            self.builder.append(&header, content).unwrap();
        } else {
            self.builder.append_data(&mut header, Path::new(path), content).unwrap();
        }
        self
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mtime(1);
        header.set_size(size);
        header
    }

    /// The bytes of the archive.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.builder.into_inner().unwrap()
    }
}

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Plain,
    Gzip,
    /// Several gzip members behind each other, as `pigz -i` and eStargz write them.
    GzipMembers,
    Zstd,
}

/// `bytes` packed.
pub(crate) fn compress(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    match compression {
        Compression::Plain => bytes.to_vec(),
        Compression::Gzip => gzip(bytes),
        Compression::GzipMembers => bytes.chunks(bytes.len().div_ceil(3).max(1)).flat_map(gzip).collect(),
        Compression::Zstd => zstd::encode_all(bytes, 1).unwrap(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// An image in memory.
#[derive(Clone)]
pub(crate) struct Image {
    layers: Vec<(Vec<u8>, Compression)>,
    config: Value,
    more: Value,
    architecture: String,
}

impl Image {
    /// No layer, no configuration, this machine's platform.
    pub(crate) fn empty() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { layers: Vec::new(), config: json!({}), more: json!({}), architecture: architecture.to_owned() }
    }

    /// A small system of this machine's programs; see [`rootfs::base`].
    pub(crate) fn base() -> Self {
        let mut image = Self::empty();
        image.layers.push((rootfs::base().to_vec(), Compression::Plain));
        image
    }

    /// The one layer of [`Image::base`] as a tar archive.
    pub(crate) fn base_layer() -> &'static [u8] {
        rootfs::base()
    }

    pub(crate) fn layer(mut self, layer: Layer) -> Self {
        self.layers.push((layer.finish(), Compression::Plain));
        self
    }

    /// Adds a layer that is an archive already.
    pub(crate) fn archive(mut self, tar: &[u8]) -> Self {
        self.layers.push((tar.to_vec(), Compression::Plain));
        self
    }

    /// Packs the layers there are.
    pub(crate) fn packed(mut self, compression: Compression) -> Self {
        for (_, packing) in &mut self.layers {
            *packing = compression;
        }
        self
    }

    /// One field of the configuration: `Env`, `Entrypoint`, `Cmd`, `User`, `WorkingDir`, `Volumes`…
    pub(crate) fn config(mut self, field: &str, value: Value) -> Self {
        self.config[field] = value;
        self
    }

    /// One field of the document around it: `author`, `created`, or one that nobody knows.
    pub(crate) fn field(mut self, field: &str, value: Value) -> Self {
        self.more[field] = value;
        self
    }

    pub(crate) fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    fn config_blob(&self) -> Vec<u8> {
        let diff_ids: Vec<_> = self.layers.iter().map(|(tar, _)| sha256(tar)).collect();
        let mut document = json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        document.as_object_mut().unwrap().extend(self.more.as_object().unwrap().clone());
        serde_json::to_vec(&document).unwrap()
    }

    /// An image layout with this image alone, named `reference`.
    pub(crate) fn write_layout(&self, directory: &Path, reference: &str) {
        let mut layout = Layout::new(directory);
        let image = layout.add(self);
        layout.finish(&[image.named(reference)]);
    }
}

/// A descriptor of an image layout.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor(pub(crate) Value);

impl Descriptor {
    /// With the annotations that carry an image's name.
    pub(crate) fn named(mut self, reference: &str) -> Self {
        self.0["annotations"] = json!({
            "org.opencontainers.image.ref.name": reference,
            "io.containerd.image.name": reference,
        });
        self
    }

    /// The digest's hexadecimal digits: the blob's file name.
    pub(crate) fn hex(&self) -> &str {
        self.0["digest"].as_str().unwrap().trim_start_matches("sha256:")
    }
}

/// An OCI image layout directory in the making.
pub(crate) struct Layout<'a> {
    directory: &'a Path,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(directory: &'a Path) -> Self {
        fs::create_dir_all(directory.join("blobs/sha256")).unwrap();
        fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { directory }
    }

    /// Writes a blob of any kind.
    pub(crate) fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Descriptor {
        let digest = sha256(bytes);
        let descriptor =
            Descriptor(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }));
        fs::write(self.directory.join("blobs/sha256").join(descriptor.hex()), bytes).unwrap();
        descriptor
    }

    /// Writes the blobs of `image`; its descriptor names the platform.
    pub(crate) fn add(&mut self, image: &Image) -> Descriptor {
        self.add_with(image, |manifest| manifest)
    }

    /// The same with the manifest changed first.
    pub(crate) fn add_with(&mut self, image: &Image, change: impl FnOnce(Value) -> Value) -> Descriptor {
        let config = self.blob(CONFIG, &image.config_blob());
        let mut layers = Vec::new();
        for (tar, compression) in &image.layers {
            // By content and not by name: the media type always says gzip.
            let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
            layers.push(self.blob(media_type, &compress(tar, *compression)).0);
        }
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config.0, "layers": layers });
        let bytes = serde_json::to_vec(&change(manifest)).unwrap();
        let mut descriptor = self.blob(MANIFEST, &bytes);
        descriptor.0["platform"] = json!({ "os": "linux", "architecture": image.architecture });
        descriptor
    }

    /// Writes an index as a blob, for an index inside an index.
    pub(crate) fn index(&mut self, entries: &[Descriptor]) -> Descriptor {
        let bytes = serde_json::to_vec(&index(entries)).unwrap();
        self.blob(INDEX, &bytes)
    }

    /// Writes `index.json`.
    pub(crate) fn finish(self, entries: &[Descriptor]) {
        fs::write(self.directory.join("index.json"), serde_json::to_vec(&index(entries)).unwrap()).unwrap();
    }
}

fn index(entries: &[Descriptor]) -> Value {
    let manifests: Vec<_> = entries.iter().map(|entry| &entry.0).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests })
}

/// A tar archive of files in memory or of a directory.
pub(crate) struct Archive;

impl Archive {
    /// The tree below `directory`, as `tar -C directory -c .` packs it.
    pub(crate) fn of(directory: &Path) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        builder.follow_symlinks(false);
        builder.append_dir_all(".", directory).unwrap();
        builder.into_inner().unwrap()
    }
}

/// What `docker save` writes for `image` with the names `references`: the layers are symlinks to one
/// another's file where they are equal, and stand behind a symlink in any case.
pub(crate) fn docker_archive(image: &Image, references: &[&str]) -> Vec<u8> {
    let config = image.config_blob();
    let config_name = format!("{}.json", sha256(&config).trim_start_matches("sha256:"));
    let mut archive = Layer::new();
    let mut names = Vec::new();
    for (number, (tar, compression)) in image.layers.iter().enumerate() {
        let real = format!("{number}-data/layer.tar");
        let name = format!("{number}-link/layer.tar");
        archive = archive.file(&real, 0o644, compress(tar, *compression));
        archive = archive.symlink(&name, &format!("../{real}"));
        names.push(name);
    }
    archive = archive.file(&config_name, 0o644, &config);
    let manifest = json!([{ "Config": config_name, "RepoTags": references, "Layers": names }]);
    archive.file("manifest.json", 0o644, serde_json::to_vec(&manifest).unwrap()).finish()
}
