//! The archives around images: what is not an entry of a layer, but a member of the archive.

use std::path::Path;

use serde_json::json;

use super::archive::{Header, Tar, field};
use super::case::Case;
use super::parts::{NAME, Parts, blob_file, plain_layer, sha256};
use super::source::{Files, Node, Source};
use super::tree::Tree;
use crate::support::{Compression, compress};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = packings();
    cases.extend(members());
    cases.extend(broken());
    cases.extend(docker());
    cases
}

fn layer_file() -> String {
    blob_file(&sha256(&plain_layer().finish()))
}

/// The plain image as an archive of its layout, after a change of its files.
fn layout(change: impl FnOnce(&mut Files)) -> Tar {
    let mut files = Parts::plain().files();
    change(&mut files);
    files.tar()
}

fn case(name: &str, about: &'static str, build: impl Fn(&Path) -> Tar + 'static) -> Case {
    Case::new(name, about, move |canary| Source::File(build(canary).finish()))
}

fn packings() -> Vec<Case> {
    let about = "rule 3";
    let packed = |name: &str, compression: Compression| {
        Case::new(name, about, move |_| Source::File(compress(&layout(|_| {}).finish(), compression)))
    };
    let bytes = |name: &str, change: fn(Vec<u8>) -> Vec<u8>| {
        Case::new(name, about, move |_| Source::File(change(layout(|_| {}).finish())))
    };
    vec![
        packed("oci-archive", Compression::Plain),
        packed("oci-archive-gzip", Compression::Gzip),
        packed("oci-archive-gzip-members", Compression::GzipMembers),
        packed("oci-archive-zstd", Compression::Zstd),
        bytes("oci-archive-gzip-garbage-behind", |tar| {
            [compress(&tar, Compression::Gzip), b"garbage".to_vec()].concat()
        })
        .refused("there is garbage"),
        bytes("oci-archive-gzip-cut-short", |tar| {
            let packed = compress(&tar, Compression::Gzip);
            packed[..packed.len() - 4].to_vec()
        })
        .refused("cut short"),
        bytes("oci-archive-bomb", |tar| {
            let end = tar.len() - 1024;
            let header = Tar::new().header(Header::file("zeros").size(100 << 20)).unended();
            compress(&[&tar[..end], &header, &vec![0; 100 << 20]].concat(), Compression::Zstd)
        })
        .refused("larger than"),
        bytes("oci-archive-with-more-behind-its-end", |tar| {
            [tar, Tar::new().file("index.json", "{}").finish()].concat()
        }),
    ]
}

fn link_to(canary: &Path, name: &str) -> String {
    canary.join(name).display().to_string()
}

fn members() -> Vec<Case> {
    const ABOUT: &str = "CVE-2025-11395, CVE-2014-6407";
    let no_file = "is not a regular file";
    let renamed = |prefix: &'static str| {
        move |_: &Path| {
            let files = Parts::plain().files();
            files
                .0
                .iter()
                .fold(Tar::new(), |tar, (name, _)| tar.file(format!("{prefix}{name}"), files.bytes(name)))
        }
    };
    vec![
        case("oci-archive-absolute-names", ABOUT, renamed("/")),
        case("oci-archive-dot-names", ABOUT, renamed("./")),
        case("oci-archive-odd-names", ABOUT, renamed(".//./")),
        case("oci-archive-directories", ABOUT, |_| {
            let start = Tar::new().directory("./").directory("blobs/").directory("blobs/sha256/");
            start.raw(layout(|_| {}).unended())
        }),
        case("oci-archive-traversal", ABOUT, renamed("../")).refused("leads out of it"),
        case("oci-archive-traversal-besides", ABOUT, |_| layout(|_| {}).file("../../../canary/evil", "x"))
            .refused("leads out of it"),
        case("oci-archive-traversal-inside", ABOUT, |_| layout(|_| {}).file("blobs/../evil", "x"))
            .refused("leads out of it"),
        case("oci-archive-symlink-blob", ABOUT, |canary| {
            let to = link_to(canary, "file");
            layout(|files| files.put(&layer_file(), Node::Symlink(to)))
        })
        .refused("is not"),
        case("oci-archive-symlink-index", ABOUT, |canary| {
            let to = link_to(canary, "file");
            layout(|files| files.put("index.json", Node::Symlink(to)))
        })
        .refused("is not"),
        case("oci-archive-symlink-climbing", ABOUT, |_| {
            layout(|files| files.put(&layer_file(), Node::Symlink("../../../../etc/passwd".to_owned())))
        })
        .refused(no_file),
        case("oci-archive-symlink-inside", ABOUT, |_| {
            layout(|files| {
                files.file("elsewhere", files.bytes(&layer_file()));
                files.put(&layer_file(), Node::Symlink("../../elsewhere".to_owned()));
            })
        }),
        case("oci-archive-symlink-loop", ABOUT, |_| {
            layout(|files| {
                files.put("a", Node::Symlink("b".to_owned()));
                files.put("b", Node::Symlink("a".to_owned()));
                files.put(&layer_file(), Node::Symlink("../../a".to_owned()));
            })
        })
        .refused(no_file),
        case("oci-archive-symlink-to-itself", ABOUT, |_| {
            layout(|files| files.put("index.json", Node::Symlink("index.json".to_owned())))
        })
        .refused(no_file),
        case("oci-archive-symlink-directory", ABOUT, |canary| {
            let start = Tar::new().symlink("blobs", link_to(canary, "private"));
            start.raw(layout(|_| {}).unended())
        }),
        case("oci-archive-hardlink", ABOUT, |_| {
            let bytes = plain_layer().finish();
            let start = Tar::new().file("elsewhere", bytes);
            start.raw(
                layout(|files| files.put(&layer_file(), Node::Hardlink("elsewhere".to_owned()))).unended(),
            )
        }),
        case("oci-archive-hardlink-out", ABOUT, |canary| {
            let to = link_to(canary, "file");
            layout(|files| files.put(&layer_file(), Node::Hardlink(to)))
        })
        .refused("is not"),
        case("oci-archive-fifo", ABOUT, |_| layout(|files| files.put(&layer_file(), Node::Fifo)))
            .refused(no_file),
        case("oci-archive-directory-for-blob", ABOUT, |_| {
            layout(|files| files.put(&layer_file(), Node::Directory))
        })
        .refused(no_file),
        case("oci-archive-device", ABOUT, |_| {
            let header = Header::new(b'3', layer_file()).device(1, 5);
            layout(|files| files.remove(&layer_file())).header(header)
        })
        .refused(no_file),
        // As `tar` would unpack it: the last of a name is the one that counts, and digests say what is right.
        case("oci-archive-duplicate-blob", ABOUT, |_| layout(|_| {}).file(layer_file(), vec![0; 3072]))
            .refused("the"),
        case("oci-archive-duplicate-index", ABOUT, |_| {
            let start = Tar::new().file("index.json", r#"{"schemaVersion":2,"manifests":[]}"#);
            start.raw(layout(|_| {}).unended())
        }),
        case("oci-archive-setuid-and-owners", ABOUT, |_| {
            let header = Header::file("extra").mode(0o6777).owner(12345, 54321);
            layout(|_| {}).entry(header, "x")
        }),
        case("oci-archive-unknown-members", ABOUT, |_| {
            layout(|_| {}).file("README", "read me").file(".wh.index.json", "").symlink("up", "/")
        }),
    ]
}

fn broken() -> Vec<Case> {
    let about = "rules 6 to 10";
    vec![
        case("oci-archive-checksum-wrong", about, |_| {
            layout(|_| {}).header(Header::file("x").put(field::CHECKSUM, b"000001\0 "))
        })
        .refused("has a wrong checksum"),
        case("oci-archive-cut-short", about, |_| Tar::new().raw(&layout(|_| {}).unended()[..3000]).end())
            .refused("error: "),
        case("oci-archive-size-huge", about, |_| {
            layout(|_| {}).header(Header::file("x").binary(field::SIZE, 1 << 50))
        })
        .refused("cut short"),
        case("oci-archive-sparse-blob", about, |_| {
            let records: &[(&str, &[u8])] = &[
                ("GNU.sparse.major", b"0"),
                ("GNU.sparse.minor", b"1"),
                ("GNU.sparse.map", b"0,0"),
                ("GNU.sparse.size", b"1099511627776"),
            ];
            layout(|files| files.remove(&layer_file())).pax(records).file(layer_file(), "")
        })
        .refused("is not a regular file"),
        case("oci-archive-long-name", about, |_| layout(|_| {}).file("name/".repeat(1000) + "x", "x"))
            .refused("whose name has more than 4096 bytes"),
        case("oci-archive-too-many-members", about, |_| {
            (0..30).fold(layout(|_| {}), |tar, number| tar.file(format!("{number}"), ""))
        })
        .load_flags(&["--image-limit", "members=30"])
        .refused("more than 30 members"),
        case("archive-of-nothing", about, |_| Tar::new().file("hello", "x")).refused("there is no image"),
    ]
}

/// What `docker save` wrote, after a change.
fn saved(change: impl FnOnce(&mut Files)) -> Tar {
    let mut files = Parts::plain().docker_files();
    change(&mut files);
    files.tar()
}

/// The same with other words in its manifest.
fn listed(manifest: &serde_json::Value) -> Tar {
    saved(|files| files.file("manifest.json", manifest.to_string()))
}

fn docker() -> Vec<Case> {
    let about = "b1: paths, CVE-2014-9358";
    let item =
        |config: &str, layers: &[&str]| json!([{ "Config": config, "RepoTags": [NAME], "Layers": layers }]);
    let refused = |name: &str, manifest: serde_json::Value, says: &'static str| {
        case(name, about, move |_| listed(&manifest)).refused(says)
    };
    let mut cases = vec![
        case("docker-archive", about, |_| saved(|_| {})),
        // Before 1.10 layers that were equal were symlinks to one another's file, later all were.
        case("docker-archive-symlinked-layer", about, |_| {
            saved(|files| {
                files.file("real/layer.tar", files.bytes("0/layer.tar"));
                files.put("0/layer.tar", Node::Symlink("../real/layer.tar".to_owned()));
            })
        }),
        case("docker-archive-absolute-symlink", about, |canary| {
            let to = link_to(canary, "file");
            saved(|files| files.put("0/layer.tar", Node::Symlink(to)))
        })
        .refused("is not"),
        case("docker-archive-climbing-symlink", about, |_| {
            saved(|files| files.put("0/layer.tar", Node::Symlink("../../../etc/passwd".to_owned())))
        })
        .refused("is not a regular file"),
        case("docker-archive-symlinked-manifest", about, |canary| {
            let to = link_to(canary, "file");
            saved(|files| files.put("manifest.json", Node::Symlink(to)))
        })
        .refused("is not"),
        case("docker-archive-packed-layer", about, |_| {
            saved(|files| {
                let packed = compress(&files.bytes("0/layer.tar"), Compression::Gzip);
                files.file("0/layer.tar", packed);
            })
        }),
        case("docker-archive-null-tags", about, |_| {
            listed(&json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": ["0/layer.tar"],
                "Parent": "", "LayerSources": null }]))
        }),
        case("docker-archive-wrong-config-name", about, |_| {
            saved(|files| {
                let name = format!("{}.json", "0".repeat(64));
                files.file(&name, files.bytes("config.json"));
                let manifest = json!([{ "Config": name, "RepoTags": [NAME], "Layers": ["0/layer.tar"] }]);
                files.file("manifest.json", manifest.to_string());
            })
        })
        .refused("has the digest"),
        case("docker-archive-wrong-layer", about, |_| {
            saved(|files| files.file("0/layer.tar", Tar::new().file("other", "x").finish()))
        })
        .refused("the digest is"),
        case("docker-archive-many-images", "rule 10", |_| {
            let item = json!({ "Config": "config.json", "RepoTags": [NAME], "Layers": ["0/layer.tar"] });
            saved(|files| {
                let config = String::from_utf8(files.bytes("config.json")).unwrap();
                files.file("config.json", format!("{config}{}", " ".repeat(4 << 20)));
                files.file("manifest.json", json!(vec![item; 10_000]).to_string());
            })
        })
        .refused("bytes together"),
    ];
    for (name, manifest, says) in [
        ("docker-archive-config-traversal", item("../../canary/file", &["0/layer.tar"]), "is not there"),
        ("docker-archive-config-absolute", item("/etc/passwd", &["0/layer.tar"]), "is not there"),
        ("docker-archive-layer-traversal", item("config.json", &["../../../canary/file"]), "is not there"),
        ("docker-archive-layer-absolute", item("config.json", &["/etc/passwd"]), "is not there"),
        ("docker-archive-layer-missing", item("config.json", &[]), "has 0 layers, but 1 diff IDs"),
        ("docker-archive-no-images", json!([]), "there is no image"),
        ("docker-archive-object", json!({}), "it is not the manifest"),
        ("docker-archive-config-null", json!([{ "Config": null, "Layers": [] }]), "it is not the manifest"),
        ("docker-archive-layers-null", json!([{ "Config": "config.json", "Layers": null }]), "has 0 layers"),
    ] {
        cases.push(refused(name, manifest, says));
    }
    cases.push(directory_with_docker_manifest());
    cases.push(
        case("docker-archive-nothing-in-layers", about, |_| {
            Parts::new().layer(Tar::new()).docker_files().tar()
        })
        .tree(Tree::new()),
    );
    cases
}

/// An unpacked archive, whose manifest names files outside of it.
fn directory_with_docker_manifest() -> Case {
    Case::new("docker-directory-traversal", "b1: paths", |canary| {
        let mut files = Parts::plain().docker_files();
        let out = format!("../../canary/{}", canary.join("file").file_name().unwrap().to_str().unwrap());
        let manifest = json!([{ "Config": out, "RepoTags": [NAME], "Layers": ["0/layer.tar"] }]);
        files.file("manifest.json", manifest.to_string());
        Source::Directory(files)
    })
    .refused("cannot")
}
