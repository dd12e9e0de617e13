//! Blobs that are not what their descriptors say, or no files at all.

use std::path::Path;

use serde_json::{Value, json};

use super::case::Case;
use super::parts::{Parts, StoredLayer, blob_file, plain_layer, sha256, sha512};
use super::source::{Node, Source};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = no_files();
    cases.extend(documents_that_are_no_files());
    cases.extend(sizes());
    cases.extend(digests());
    cases.extend(contents());
    cases.extend(diff_ids());
    cases
}

/// Where the only layer's blob of [`Parts::plain`] is.
fn layer_file() -> String {
    blob_file(&sha256(&plain_layer().finish()))
}

fn case(name: &str, about: &'static str, build: impl Fn() -> Source + 'static) -> Case {
    Case::new(name, about, move |_| build())
}

fn replaced(file: &str, node: Node) -> Source {
    Parts::plain().layout_with(|files| files.put(file, node))
}

fn link_to(canary: &Path, name: &str) -> Node {
    Node::Symlink(canary.join(name).display().to_string())
}

fn no_files() -> Vec<Case> {
    const ABOUT: &str = "rule 1";
    let moved = |to: &'static str| {
        Parts::plain().layout_with(move |files| {
            let bytes = files.bytes(&layer_file());
            files.file("elsewhere", bytes);
            files.put(&layer_file(), Node::Symlink(to.to_owned()));
        })
    };
    let no_file = "is not a regular file";
    vec![
        case("plain", ABOUT, || Parts::plain().layout()),
        case("blob-fifo", ABOUT, || replaced(&layer_file(), Node::Fifo)).refused(no_file),
        case("blob-directory", ABOUT, || replaced(&layer_file(), Node::Directory)).refused(no_file),
        Case::new("blob-symlink-out", ABOUT, |canary| replaced(&layer_file(), link_to(canary, "file")))
            .refused(no_file),
        case("blob-symlink-inside", ABOUT, move || moved("../../elsewhere")).refused(no_file),
        case("blob-symlink-device", ABOUT, || replaced(&layer_file(), Node::Symlink("/dev/zero".to_owned())))
            .refused(no_file),
        case("blob-missing", ABOUT, || Parts::plain().layout_with(|files| files.remove(&layer_file())))
            .refused("is not there"),
        Case::new("blob-directory-symlink-out", ABOUT, |canary| {
            let mut files = Parts::plain().files();
            files.0.retain(|(name, _)| !name.starts_with("blobs/"));
            files.put("blobs", link_to(canary, "private"));
            Source::Directory(files)
        })
        .refused("cannot open"),
        case("blob-hardlinked", ABOUT, || {
            let mut files = Parts::plain().files();
            let bytes = files.bytes(&layer_file());
            files.0.insert(0, ("first".to_owned(), Node::File(bytes)));
            files.put(&layer_file(), Node::Hardlink("first".to_owned()));
            Source::Directory(files)
        }),
    ]
}

fn documents_that_are_no_files() -> Vec<Case> {
    let about = "rule 1";
    let mut cases = Vec::new();
    for document in ["oci-layout", "index.json"] {
        cases.push(
            Case::new(format!("{document}-fifo"), about, move |_| replaced(document, Node::Fifo))
                .refused("is not a regular file"),
        );
        cases.push(
            Case::new(format!("{document}-symlink"), about, move |canary| {
                replaced(document, link_to(canary, "file"))
            })
            .refused("is not a regular file"),
        );
        cases.push(
            Case::new(format!("{document}-huge"), about, move |_| replaced(document, Node::Hole(1 << 40)))
                .refused("is larger than")
                .memory(512),
        );
    }
    cases
}

/// One field of the layer's descriptor is another.
fn layer_field(field: &'static str, value: Value) -> Source {
    let parts = Parts::plain().manifest(move |mut manifest| {
        manifest["layers"][0][field] = value;
        manifest
    });
    parts.layout()
}

fn sizes() -> Vec<Case> {
    let about = "rule 1";
    let size = plain_layer().finish().len() as u64;
    let mut cases = Vec::new();
    for (name, value, says) in [
        ("blob-size-smaller", json!(size - 512), "the size is"),
        ("blob-size-larger", json!(size + 512), "the size is"),
        ("blob-size-zero", json!(0), "the size is"),
        ("blob-size-largest", json!(u64::MAX), "the size is"),
        ("blob-size-signed-largest", json!(i64::MAX), "the size is"),
        ("blob-size-negative", json!(-1), "it is not a manifest or an index"),
        ("blob-size-fraction", json!(1.5), "it is not a manifest or an index"),
        ("blob-size-text", json!("2048"), "it is not a manifest or an index"),
        ("blob-size-null", json!(null), "it is not a manifest or an index"),
    ] {
        let build = move |_: &Path| layer_field("size", value.clone());
        cases.push(Case::new(name, about, build).refused(says));
    }
    let of_document = |part: &'static str, by: i64| {
        let change = move |mut document: Value| {
            let at = document.pointer_mut(part).unwrap();
            *at = json!(at.as_i64().unwrap() + by);
            document
        };
        let parts = Parts::plain();
        let is_index = part.starts_with("/manifests");
        if is_index { parts.index(change).layout() } else { parts.manifest(change).layout() }
    };
    for (name, part, by) in [
        ("blob-size-manifest-smaller", "/manifests/0/size", -1),
        ("blob-size-manifest-larger", "/manifests/0/size", 1),
        ("blob-size-config-smaller", "/config/size", -1),
        ("blob-size-config-larger", "/config/size", 1),
    ] {
        cases.push(case(name, about, move || of_document(part, by)).refused("the size is"));
    }
    cases
}

fn digests() -> Vec<Case> {
    let about = "b1: blob paths, CVE-2014-9358";
    let hex = sha256(&plain_layer().finish()).replace("sha256:", "");
    let mut cases = Vec::new();
    for (name, digest) in [
        ("digest-traversal", "sha256:../../../canary/file".to_owned()),
        ("digest-traversal-padded", format!("sha256:../{}", &hex[3..])),
        ("digest-absolute", "sha256:/etc/passwd".to_owned()),
        ("digest-algorithm-traversal", format!("../sha256:{hex}")),
        ("digest-algorithm-unknown", format!("md5:{hex}")),
        ("digest-no-algorithm", hex.clone()),
        ("digest-empty", String::new()),
        ("digest-upper-case", format!("sha256:{}", hex.to_uppercase())),
        ("digest-short", format!("sha256:{}", &hex[1..])),
        ("digest-long", format!("sha256:{hex}0")),
        ("digest-nul", format!("sha256:{}\0", &hex[1..])),
        ("digest-newline", format!("sha256:{hex}\n")),
        ("digest-space", format!(" sha256:{hex}")),
    ] {
        let (of_layer, of_config, of_manifest) = (digest.clone(), digest.clone(), digest);
        let build = move |_: &Path| layer_field("digest", json!(of_layer));
        cases.push(Case::new(name, about, build).refused("is not a digest"));
        let build = move |_: &Path| {
            let digest = json!(of_config);
            let parts = Parts::plain().manifest(move |mut manifest| {
                manifest["config"]["digest"] = digest;
                manifest
            });
            parts.layout()
        };
        cases.push(Case::new(format!("{name}-of-config"), about, build).refused("is not a digest"));
        let build = move |_: &Path| {
            let digest = json!(of_manifest);
            let parts = Parts::plain().index(move |mut index| {
                index["manifests"][0]["digest"] = digest;
                index
            });
            parts.layout()
        };
        cases.push(Case::new(format!("{name}-of-manifest"), about, build).refused("is not a digest"));
    }
    cases.push(case("digest-sha512", "rule 1", sha512_layer));
    cases
}

/// The layer's blob is named by its SHA-512.
fn sha512_layer() -> Source {
    let layer = plain_layer().finish();
    let digest = sha512(&layer);
    let named = json!(digest);
    let parts = Parts::plain().manifest(|mut manifest| {
        manifest["layers"][0]["digest"] = named;
        manifest
    });
    parts.layout_with(|files| {
        files.remove(&layer_file());
        files.file(&blob_file(&digest), layer);
    })
}

/// A byte of a blob is another, the digests as they were.
fn contents() -> Vec<Case> {
    let about = "rule 2";
    let flipped = |file: String| {
        Parts::plain().layout_with(move |files| {
            let mut bytes = files.bytes(&file);
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            files.file(&file, bytes);
        })
    };
    let document = |kind: &'static str| {
        let files = Parts::plain().files();
        let index: Value = serde_json::from_slice(&files.bytes("index.json")).unwrap();
        let manifest_file = blob_file(index["manifests"][0]["digest"].as_str().unwrap());
        let manifest: Value = serde_json::from_slice(&files.bytes(&manifest_file)).unwrap();
        if kind == "manifest" {
            manifest_file
        } else {
            blob_file(manifest["config"]["digest"].as_str().unwrap())
        }
    };
    vec![
        case("digest-wrong-behind-the-end", about, move || {
            let layer = plain_layer().end().raw([0; 512]).finish();
            let file = blob_file(&sha256(&layer));
            Parts::new().layer(layer).layout_with(move |files| {
                let mut bytes = files.bytes(&file);
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                files.file(&file, bytes);
            })
        })
        .refused("the digest is"),
        case("digest-wrong-manifest", about, move || flipped(document("manifest"))).refused("the digest is"),
        case("digest-wrong-config", about, move || flipped(document("config"))).refused("the digest is"),
        case("digest-right-behind-the-end", about, || {
            Parts::new().layer(plain_layer().end().raw("more behind the end mark").finish()).layout()
        }),
        case("digest-of-plain-layer-for-packed", about, || {
            let plain = plain_layer().finish();
            let packed = crate::support::compress(&plain, crate::support::Compression::Gzip);
            let wrong = json!(sha256(&plain));
            let at = blob_file(&sha256(&plain));
            let parts = Parts::new().layer(StoredLayer::stored(plain, packed.clone()));
            let parts = parts.manifest(|mut manifest| {
                manifest["layers"][0]["digest"] = wrong;
                manifest
            });
            parts.layout_with(move |files| files.file(&at, packed))
        })
        .refused("the digest is"),
    ]
}

fn diff_ids() -> Vec<Case> {
    let about = "rule 2";
    let with = |value: Value| {
        let parts = Parts::plain().config(move |mut config| {
            config["rootfs"]["diff_ids"] = value;
            config
        });
        parts.layout()
    };
    let right = || sha256(&plain_layer().finish());
    let other = || sha256(b"another layer");
    let of_base = || sha256(crate::support::Image::base_layer());
    vec![
        case("diff-id-wrong", about, move || with(json!([other()]))).refused("the digest is"),
        // This layer is in the store: its content counts for it, and not for what is loaded.
        case("diff-id-of-a-known-layer", about, move || with(json!([of_base()]))).refused("the digest is"),
        case("diff-id-missing", about, move || with(json!([]))).refused("has 1 layers, but 0 diff IDs"),
        case("diff-id-extra", about, move || with(json!([right(), other()])))
            .refused("has 1 layers, but 2 diff IDs"),
        case("diff-id-null", about, move || with(json!(null))).refused("cannot be used"),
        case("diff-id-number", about, move || with(json!([1]))).refused("cannot be used"),
        case("diff-id-traversal", about, move || with(json!(["sha256:../../../../canary"])))
            .refused("which is no digest"),
        case("diff-id-upper-case", about, move || with(json!([right().to_uppercase()])))
            .refused("which is no digest"),
        case("diff-id-of-the-packed-layer", about, || {
            let packed = StoredLayer::packed(plain_layer().finish(), crate::support::Compression::Gzip);
            let wrong = json!([sha256(&packed.stored)]);
            let parts = Parts::new().layer(packed).config(|mut config| {
                config["rootfs"]["diff_ids"] = wrong;
                config
            });
            parts.layout()
        })
        .refused("the digest is"),
        case("diff-id-sha512", about, || {
            let digest = json!([sha512(&plain_layer().finish())]);
            let parts = Parts::plain().config(|mut config| {
                config["rootfs"]["diff_ids"] = digest;
                config
            });
            parts.layout()
        }),
        case("diff-id-swapped", about, || {
            let parts = Parts::plain().layer(super::archive::Tar::new().file("other", "x"));
            let parts = parts.config(|mut config| {
                let ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
                ids.reverse();
                config
            });
            parts.layout()
        })
        .refused("the digest is"),
    ]
}
