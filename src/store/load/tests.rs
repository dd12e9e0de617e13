//! Loads images made here, good and bad.

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::store::StoreError;
use crate::store::discard::{Removal, Removed};
use crate::store::fixture::{
    CONFIG, Files, INDEX, LAYER, MANIFEST, Scratch, config, gzip, layer, named, sha256,
};
use crate::store::image::ImageError;
use crate::store::layer::LayerDirectories;
use crate::store::layout;

struct Place {
    scratch: Scratch,
    store: Store,
    platform: Platform,
}

impl Place {
    fn new() -> Self {
        let scratch = Scratch::new();
        let store = Store::open(scratch.path().join("store")).unwrap();
        Self { scratch, store, platform: Platform::new("linux", "amd64", None) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn directory(&self, name: &str, files: &Files) -> PathBuf {
        files.write(&self.path(name));
        self.path(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn request<'a>(&'a self, path: &Path, limits: &'a Limits) -> LoadRequest<'a> {
        LoadRequest {
            source: LoadSource::Path(path.to_owned()),
            format: LoadFormat::Any,
            choice: LoadChoice::All,
            platform: &self.platform,
            owners: &LayerOwners::Squashed,
            limits,
            naming: Naming::FromSource,
            lock: None,
            blobs: BlobPolicy::default(),
        }
    }

    fn load(&self, path: &Path) -> Result<Vec<Loaded>, LoadError> {
        self.store.load(&self.request(path, &Limits::default()), &mut |_| {})
    }

    /// The names that a load gives.
    fn names(&self, path: &Path) -> String {
        let references = self.load(path).unwrap().into_iter().flat_map(|loaded| loaded.references);
        references.map(|reference| reference.familiar()).collect::<Vec<_>>().join(" ")
    }

    fn trees(&self, text: &str) -> Vec<PathBuf> {
        let image = self.store.find_image(text).unwrap();
        match image.layer_directories(&self.store, &LayerOwners::Squashed).unwrap() {
            LayerDirectories::Complete(trees) => trees,
            LayerDirectories::Missing(missing) => panic!("{missing:?}"),
        }
    }

    fn error(&self, path: &Path) -> String {
        let before = contents(self.store.path());
        let error = self.load(path).unwrap_err();
        let after = contents(self.store.path());
        let new: Vec<_> = after.iter().filter(|name| !before.contains(name)).collect();
        let skeleton = |name: &str| name == layout::VERSION_FILE || layout::DIRECTORIES.contains(&name);
        assert!(new.iter().all(|name| skeleton(name)), "{new:?}");
        in_full(&error)
    }
}

fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

fn contents(path: &Path) -> Vec<String> {
    fn walk(root: &Path, path: &Path, all: &mut Vec<String>) {
        for entry in std::fs::read_dir(path).into_iter().flatten() {
            let path = entry.unwrap().path();
            all.push(path.strip_prefix(root).unwrap().display().to_string());
            if path.is_dir() && !path.is_symlink() {
                walk(root, &path, all);
            }
        }
    }
    let mut all = Vec::new();
    walk(path, path, &mut all);
    all
}

fn plain(files: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    (layer(files), layer(files))
}

fn two_layers() -> Vec<(Vec<u8>, Vec<u8>)> {
    let upper = layer(&[("etc/name", "two")]);
    vec![plain(&[("etc/", ""), ("etc/name", "one")]), (upper.clone(), gzip(&upper))]
}

fn layout() -> Files {
    let mut files = Files::default();
    let entry = files.image("amd64", &two_layers());
    files.layout(&[named(entry, "1.0")])
}

#[test]
fn a_layout_loads_as_directory_and_as_archive_plain_or_compressed() {
    let place = Place::new();
    let tar = layout().tar();
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    let sources = [
        place.directory("shell", &layout()),
        place.file("shell.tar", &tar),
        place.file("shell.tar.gz", &gzip(&tar)),
        place.file("shell.tar.zst", &zstd),
    ];
    for source in sources {
        assert_eq!(place.names(&source), "shell:1.0", "{source:?}");
        let trees = place.trees("shell:1.0");
        assert_eq!(std::fs::read_to_string(trees[0].join("etc/name")).unwrap(), "two");
        assert_eq!(std::fs::read_to_string(trees[1].join("etc/name")).unwrap(), "one");
        assert_eq!(place.store.images().unwrap().len(), 1);
        let id = place.store.find_image("shell").unwrap().id.to_string();
        let removed = place.store.remove_image(&id, Removal::Careful, &HashSet::new()).unwrap();
        assert_eq!(removed.len(), 2);
        let left: Vec<_> =
            contents(place.store.path()).into_iter().filter(|name| name.split('/').count() > 1).collect();
        assert_eq!(left, ["layers/squashed", "layers/squashed/owners.json"][..]);
    }
}

#[test]
fn a_docker_archive_loads_from_file_and_pipe() {
    let place = Place::new();
    let layers = two_layers().into_iter().map(|(plain, _)| plain).collect::<Vec<_>>();
    let tar = Files::docker(&json!(["a/b:1", "a/b:2"]), &layers).tar();
    assert_eq!(place.names(&place.file("x.tar", &tar)), "a/b:1 a/b:2");
    assert_eq!(place.names(&place.file("x.tgz", &gzip(&tar))), "a/b:1 a/b:2");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let limits = Limits::default();
    let untagged = Files::docker(&Value::Null, &layers).tar();
    let loaded = std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut writer, &untagged).unwrap());
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        let request =
            LoadRequest { source: LoadSource::Stream(file), ..place.request(Path::new("-"), &limits) };
        place.store.load(&request, &mut |_| {}).unwrap()
    });
    assert_eq!(loaded[0].references, []);
    assert_eq!(loaded[0].id, place.store.find_image("a/b:1").unwrap().id);
}

#[test]
fn links_among_the_members_of_a_docker_archive_are_followed() {
    let place = Place::new();
    let bytes = layer(&[("file", "x")]);
    for (kind, target) in [(tar::EntryType::Symlink, "../blob.tar"), (tar::EntryType::Link, "blob.tar")] {
        let mut files = Files::docker(&json!(["linked:1"]), std::slice::from_ref(&bytes));
        files.0.retain(|(name, _)| name != "0/layer.tar");
        files.put("blob.tar", bytes.clone());
        let tar = rebuild(&files, kind, target);
        assert_eq!(place.names(&place.file("l.tar", &tar)), "linked:1");
    }
}

fn rebuild(files: &Files, kind: tar::EntryType, target: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in &files.0 {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(0);
    builder.append_link(&mut header, "0/layer.tar", target).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn an_index_inside_the_index_gives_the_image_of_the_platform() {
    let mut files = Files::default();
    let mut entries = Vec::new();
    for architecture in ["arm64", "amd64"] {
        let mut entry = files.image(architecture, &[plain(&[("machine", architecture)])]);
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entries.push(entry);
    }
    let mut attestation = files.image("unknown", &[plain(&[("machine", "none")])]);
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    entries.push(attestation);
    let inner = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let inner = files.blob(INDEX, inner.to_string().as_bytes());
    let digest = inner["digest"].as_str().unwrap().to_owned();
    let files = files.layout(&[named(inner, "1")]);
    let place = Place::new();
    assert_eq!(place.names(&place.directory("multi", &files)), "multi:1");
    assert_eq!(std::fs::read_to_string(place.trees("multi:1")[0].join("machine")).unwrap(), "amd64");
    let by_digest = place.store.find_image(&format!("multi@{digest}")).unwrap();
    assert_eq!(by_digest.id, place.store.find_image("multi:1").unwrap().id);
    let riscv = Platform::new("linux", "riscv64", None);
    let limits = Limits::default();
    let request = LoadRequest { platform: &riscv, ..place.request(&place.path("multi"), &limits) };
    let error = place.store.load(&request, &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "there is no image for linux/riscv64, only linux/arm64, linux/amd64");
    assert_eq!(error.hint().unwrap(), "--platform linux/arm64 takes that one");
}

#[test]
fn layers_are_shared_and_go_with_their_last_image() {
    let place = Place::new();
    let base = plain(&[("base", "x")]);
    for (name, own) in [("one", "1"), ("two", "2")] {
        let mut files = Files::default();
        let entry = files.image("amd64", &[base.clone(), plain(&[("own", own)])]);
        place.load(&place.directory(name, &files.layout(&[entry]))).unwrap();
    }
    assert_eq!(place.trees("one")[1], place.trees("two")[1]);
    let count = || std::fs::read_dir(place.store.path().join("layers/squashed")).unwrap().count() - 1;
    assert_eq!(count(), 3);
    place.store.remove_image("one", Removal::Careful, &HashSet::new()).unwrap();
    assert_eq!(count(), 2);
    assert!(place.trees("two")[1].join("base").exists());
    place.store.remove_image("two", Removal::Careful, &HashSet::new()).unwrap();
    assert_eq!(count(), 0);
}

#[test]
fn a_name_moves_and_the_old_image_stays() {
    let place = Place::new();
    let load = |content| {
        let mut files = Files::default();
        let entry = files.image("amd64", &[plain(&[("file", content)])]);
        let loaded =
            place.load(&place.directory(&format!("{content}/app"), &files.layout(&[entry]))).unwrap();
        loaded[0].id.clone()
    };
    let (old, new) = (load("old"), load("new"));
    assert_eq!(place.store.find_image("app").unwrap().id, new);
    assert_eq!(place.store.find_image(&old.hex()[..12]).unwrap().id, old);
    let images = place.store.images().unwrap();
    assert_eq!(images.iter().map(|image| image.references.len()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(images[0].created.as_deref(), Some("2024-01-02T03:04:05Z"));
}

#[test]
fn removing_follows_names_and_containers() {
    let place = Place::new();
    place.load(&place.directory("shell", &layout())).unwrap();
    let id = place.store.tag("shell", &"other:2".parse().unwrap()).unwrap();
    let remove = |text: &str, removal, used: &[&Digest]| {
        place.store.remove_image(text, removal, &used.iter().map(|&id| id.clone()).collect())
    };
    let error = remove(&id.to_string(), Removal::Careful, &[]).unwrap_err();
    assert!(error.to_string().ends_with("has several names: other:2, shell:1.0"), "{error}");
    assert_eq!(
        remove("other:2", Removal::Careful, &[&id]).unwrap(),
        [Removed::Untagged("other:2".parse().unwrap())]
    );
    assert!(matches!(remove("shell", Removal::Careful, &[&id]), Err(ImageError::InUse { .. })));
    assert_eq!(remove("shell", Removal::Forced, &[&id]).unwrap().len(), 1);
    assert_eq!(remove(id.hex(), Removal::Careful, &[]).unwrap(), [Removed::Deleted(id.clone())]);
    assert!(matches!(remove("shell", Removal::Forced, &[]), Err(ImageError::Unknown { .. })));
}

#[test]
fn an_image_is_found_by_each_of_its_names() {
    let place = Place::new();
    let empty = place.store.find_image("busybox").unwrap_err();
    assert_eq!(empty.to_string(), "there is no image `busybox` in the store, which is empty");
    let files = layout();
    place.load(&place.directory("shell", &files)).unwrap();
    let image = place.store.find_image("shell:1.0").unwrap();
    let id = image.id.clone();
    let manifest = image.manifest_digest.clone().unwrap();
    let names = [
        "shell".to_owned(),
        "docker.io/library/shell:1.0".to_owned(),
        id.to_string(),
        id.hex().to_owned(),
        id.hex()[..1].to_owned(),
        format!("sha256:{}", &id.hex()[..12]),
        format!("shell@{manifest}"),
        manifest.to_string(),
    ];
    for name in names {
        assert_eq!(place.store.find_image(&name).unwrap().id, id, "{name}");
    }
    assert_eq!(place.store.find_image("shell").unwrap().reference.unwrap().familiar(), "shell:1.0");
    let unknown = place.store.find_image("shell:2").unwrap_err();
    assert_eq!(unknown.to_string(), "there is no image `shell:2` in the store, which has shell:1.0");
    assert!(unknown.hint().unwrap().contains("minirun load"));
    assert!(matches!(place.store.find_image("No Name"), Err(ImageError::Name { .. })));
    assert!(!place.store.image_exists("shell:2").unwrap() && place.store.image_exists("shell").unwrap());
}

#[test]
fn two_images_of_one_repository_make_it_ambiguous() {
    let place = Place::new();
    let mut files = Files::default();
    let one = files.image("amd64", &[plain(&[("file", "1")])]);
    let two = files.image("amd64", &[plain(&[("file", "2")])]);
    let path = place.directory("app", &files.layout(&[named(one, "1"), named(two, "2")]));
    assert_eq!(place.names(&path), "app:1 app:2");
    let error = place.store.find_image("app").unwrap_err();
    assert_eq!(error.to_string(), "`app` could be any of app:1, app:2");
    let limits = Limits::default();
    let only = LoadRequest { choice: LoadChoice::Only, ..place.request(&path, &limits) };
    assert!(matches!(place.store.find_source(&only), Err(LoadError::Several { .. })));
    let named = LoadRequest { choice: LoadChoice::Named("2".into()), ..place.request(&path, &limits) };
    let found = place.store.find_source(&named).unwrap().unwrap();
    assert_eq!(found.id, place.store.find_image("app:2").unwrap().id);
    let absent = LoadRequest { choice: LoadChoice::Named("3".into()), ..place.request(&path, &limits) };
    assert!(matches!(place.store.load(&absent, &mut |_| {}), Err(LoadError::Select { .. })));
}

#[test]
fn an_archive_is_known_until_it_changes() {
    let place = Place::new();
    let path = place.file("shell.tar", &layout().tar());
    let limits = Limits::default();
    let find = || place.store.find_source(&place.request(&path, &limits)).unwrap();
    assert_eq!(find(), None);
    place.load(&path).unwrap();
    assert_eq!(find().unwrap().id, place.store.find_image("shell").unwrap().id);
    std::fs::write(&path, layout().tar()).unwrap();
    assert_eq!(find(), None);
}

#[test]
fn several_loads_of_one_image_at_once_agree() {
    let place = Place::new();
    let path = place.directory("shell", &layout());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let store = Store::open(place.store.path()).unwrap();
                let limits = Limits::default();
                store.load(&place.request(&path, &limits), &mut |_| {}).unwrap();
            });
        }
    });
    assert_eq!(place.trees("shell").len(), 2);
    assert_eq!(std::fs::read_dir(place.store.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn loading_and_removing_at_once_never_leave_an_image_without_its_layers() {
    let place = Place::new();
    let path = place.directory("shell", &layout());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let store = Store::open(place.store.path()).unwrap();
                let limits = Limits::default();
                for _ in 0..40 {
                    store.load(&place.request(&path, &limits), &mut |_| {}).unwrap();
                }
            });
            scope.spawn(|| {
                let store = Store::open(place.store.path()).unwrap();
                for _ in 0..80 {
                    let _ = store.remove_image("shell:1.0", Removal::Careful, &HashSet::new());
                }
            });
        }
    });
    // Whichever was last: what there is, is whole.
    for (reference, _) in place.store.references().unwrap() {
        assert_eq!(place.trees(&reference.to_string()).len(), 2);
    }
    place.load(&path).unwrap();
    assert_eq!(place.trees("shell").len(), 2);
    let left: Vec<_> = std::fs::read_dir(place.store.path().join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn bad_layouts_are_refused_and_leave_nothing() {
    let place = Place::new();
    let good = layout();
    let blob_of = |media: &str| -> String {
        let is = |bytes: &[u8]| match media {
            CONFIG => bytes.starts_with(b"{\"architecture"),
            MANIFEST => bytes.starts_with(b"{\"config"),
            _ => bytes.starts_with(&[0x1f, 0x8b]),
        };
        good.0.iter().find(|(name, bytes)| name.starts_with("blobs") && is(bytes)).unwrap().0.clone()
    };
    let change = |name: &str, bytes: &[u8]| {
        let mut files = good.clone();
        files.put(name, bytes);
        files
    };
    let without = |name: &str| Files(good.0.iter().filter(|(other, _)| other != name).cloned().collect());
    let huge = format!("{{\"a\": \"{}\"}}", "x".repeat(5 << 20));
    for (index, (files, expected)) in [
        (without("index.json"), "there is no image in"),
        (without("oci-layout"), "there is no image in"),
        (without(&blob_of(LAYER)), "is not there"),
        (without(&blob_of(MANIFEST)), "is not there"),
        (change(&blob_of(LAYER), &gzip(&layer(&[("other", "")]))), "cannot unpack layer 2 of 2"),
        (change(&blob_of(MANIFEST), b"{}"), "the size is 2 bytes"),
        (change(&blob_of(CONFIG), b"{}"), "the size is 2 bytes"),
        (change("index.json", b"[]"), "it is not a manifest or an index"),
        (change("index.json", b"{\"a\": 1, \"a\": 2}"), "the key \"a\" comes twice"),
        (change("index.json", huge.as_bytes()), "is larger than 4194304 bytes"),
        (change("oci-layout", b"{"), "not well-formed JSON"),
    ]
    .into_iter()
    .enumerate()
    {
        let message = place.error(&place.directory(&format!("bad{index}"), &files));
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
}

#[test]
fn blobs_must_be_regular_files() {
    let place = Place::new();
    let files = layout();
    let path = place.directory("fifo", &files);
    let blob = files.0.iter().find(|(_, bytes)| bytes.starts_with(&[0x1f, 0x8b])).unwrap();
    std::fs::remove_file(path.join(&blob.0)).unwrap();
    nix::unistd::mkfifo(&path.join(&blob.0), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(place.error(&path).contains("is not a regular file"));
    assert!(place.error(&path.join(&blob.0)).contains("is neither a file nor a directory"));
    std::fs::rename(path.join("index.json"), path.join("real.json")).unwrap();
    std::os::unix::fs::symlink("real.json", path.join("index.json")).unwrap();
    assert!(place.error(&path).contains("`index.json` is not a regular file"));
    assert!(place.error(&place.path("absent")).contains("ENOENT"));
    assert!(place.error(Path::new("/dev/null")).contains("is neither a file nor a directory"));
}

#[test]
fn bad_archives_are_refused_and_leave_nothing() {
    let place = Place::new();
    let tar = layout().tar();
    let compressed = gzip(&tar);
    for (name, bytes, expected) in [
        ("short.tar", &tar[..tar.len() / 2], "cannot read"),
        ("short.tar.gz", &compressed[..compressed.len() / 2], "cut short"),
        ("tail.tar.gz", &[&compressed[..], b"tail"].concat(), "garbage"),
        ("a.tar.xz", b"\xfd7zXZ\0 and so on", "xz: the stream is"),
        ("empty.tar", b"", "there is no image in"),
        ("rootfs.tar", &layer(&[("bin/", "")]), "there is no image in"),
        ("text", &b"this is no archive ".repeat(100), "cannot read"),
    ] {
        let message = place.error(&place.file(name, bytes));
        assert!(message.contains(expected), "{name}: {message}");
    }
}

#[test]
fn the_configuration_decides_about_the_layers() {
    let place = Place::new();
    let layers = two_layers();
    for (config, expected) in [
        (config("amd64", &layers[..1]), "has 2 layers, but 1 diff IDs"),
        (config("s390x", &layers), "there is no image for linux/amd64, only linux/s390x"),
        (json!({ "os": "linux", "architecture": "amd64" }), "it is not an image configuration"),
        (
            json!({ "os": "linux", "architecture": "amd64",
                "rootfs": { "type": "layers", "diff_ids": ["sha256:../..", "x"] } }),
            "which is no digest",
        ),
    ] {
        let mut files = Files::default();
        let config = files.blob(CONFIG, config.to_string().as_bytes());
        let descriptors: Vec<Value> = layers.iter().map(|(_, stored)| files.blob(LAYER, stored)).collect();
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": descriptors });
        let entry = files.blob(MANIFEST, manifest.to_string().as_bytes());
        let message =
            place.error(&place.directory(&sha256(expected.as_bytes()).hex()[..8], &files.layout(&[entry])));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_bomb_of_indexes_is_refused() {
    let place = Place::new();
    let mut files = Files::default();
    let mut entry = files.image("amd64", &two_layers());
    for _ in 0..8 {
        let entries = vec![entry; 16];
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        entry = files.blob(INDEX, index.to_string().as_bytes());
    }
    assert!(place.error(&place.directory("bomb", &files.layout(&[entry]))).contains("too deep"));
}

#[test]
fn a_corrupt_second_image_takes_the_first_back() {
    let place = Place::new();
    let mut files = Files::default();
    let one = files.image("amd64", &[plain(&[("file", "1")])]);
    let two = files.image("amd64", &[(layer(&[("file", "2")]), layer(&[("file", "other")]))]);
    let path = place.directory("app", &files.layout(&[named(one, "1"), named(two, "2")]));
    assert!(place.error(&path).contains("cannot unpack layer 1 of 1"));
    assert!(place.store.images().unwrap().is_empty());
}

#[test]
fn a_docker_archive_with_a_wrong_config_digest_is_refused() {
    let place = Place::new();
    let mut files = Files::docker(&json!(["a:1"]), &[layer(&[("file", "1")])]);
    let name = files.0[0].0.clone();
    let mut bytes = files.0[0].1.clone();
    bytes.push(b'\n');
    files.put(&name, bytes);
    assert!(place.error(&place.file("a.tar", &files.tar())).contains("has the digest"));
    let manifest = json!([{ "Config": "../config.json", "RepoTags": ["a:1"], "Layers": [] }]);
    files.put("manifest.json", manifest.to_string());
    assert!(place.error(&place.file("b.tar", &files.tar())).contains("is not there"));
    let outside = place.directory("c", &files);
    assert!(place.error(&outside).contains("EXDEV"));
    let hint = place.load(&outside).unwrap_err().hint();
    assert!(hint.is_some_and(|hint| hint.contains("outside of the image")));
    let manifest = json!([{ "Config": "\u{1b}[2J", "RepoTags": ["a:1"], "Layers": [] }]);
    files.put("manifest.json", manifest.to_string());
    assert!(place.error(&place.file("d.tar", &files.tar())).contains("`\\u{1b}[2J` is not there"));
}

#[test]
fn an_import_is_an_image_of_one_layer() {
    let place = Place::new();
    let reference = "imported:1".parse().unwrap();
    let limits = Limits::default();
    let request = crate::store::import::ImportRequest {
        source_name: "`rootfs.tar`",
        reference: Some(&reference),
        instructions: &[],
        message: None,
        created: "2024-01-02T03:04:05Z",
        platform: &place.platform,
        owners: &LayerOwners::Squashed,
        limits: &limits,
    };
    let import =
        |bytes: Vec<u8>| place.store.import(Box::new(std::io::Cursor::new(bytes)), &request, &mut |_| {});
    let tar = layer(&[("etc/", ""), ("etc/name", "imported")]);
    let plain = import(tar.clone()).unwrap();
    assert_eq!(import(gzip(&tar)).unwrap(), plain);
    let image = place.store.find_image("imported:1").unwrap();
    assert_eq!((image.config.os().to_string(), image.layers.len()), ("linux".to_owned(), 1));
    assert_eq!(std::fs::read_to_string(place.trees("imported:1")[0].join("etc/name")).unwrap(), "imported");
    let truncated = import(gzip(&tar)[..60].to_vec());
    assert!(matches!(truncated, Err(LoadError::Import { .. })), "{truncated:?}");
}

#[test]
fn layers_for_other_owners_are_missing() {
    let place = Place::new();
    place.load(&place.directory("shell", &layout())).unwrap();
    let image = place.store.find_image("shell").unwrap();
    let directories = image.layer_directories(&place.store, &LayerOwners::Host).unwrap();
    assert_eq!(directories, LayerDirectories::Missing(image.layers));
    assert_eq!(place.store.layer_owners().unwrap(), [LayerOwners::Squashed]);
}

#[test]
fn a_damaged_record_is_named() {
    let place = Place::new();
    place.load(&place.directory("shell", &layout())).unwrap();
    let id = place.store.find_image("shell").unwrap().id;
    std::fs::write(place.store.path().join("images").join(id.hex()).join("record.json"), "{").unwrap();
    let error = place.store.find_image("shell").unwrap_err();
    assert!(matches!(error, ImageError::Store(StoreError::Damaged { .. })));
}

#[test]
fn a_source_of_the_command_line_is_split_where_its_path_exists() {
    let place = Place::new();
    let path = place.directory("with:colon", &layout());
    let locate = |text: &str| {
        let source = crate::plan::source::ImageSource::parse(std::ffi::OsStr::new(text)).unwrap();
        locate(&source)
    };
    let shown = path.display();
    for (text, choice) in [
        (format!("oci:{shown}"), LoadChoice::Only),
        (format!("oci:{shown}:1.0"), LoadChoice::Named("1.0".into())),
        (format!("oci:{shown}:shell:1.0"), LoadChoice::Named("shell:1.0".into())),
    ] {
        let located = locate(&text).unwrap();
        assert!(matches!(located.source, LoadSource::Path(found) if found == path), "{text}");
        assert_eq!((located.choice, located.format), (choice, LoadFormat::Oci));
    }
    assert!(locate("host").is_none() && locate("shell").is_none());
    let absent = locate("docker-archive:/absent:a").unwrap();
    assert!(matches!(absent.source, LoadSource::Path(path) if path == Path::new("/absent:a")));
}

#[test]
fn what_is_loaded_and_how_far_crosses_a_pipe() {
    let place = Place::new();
    let path = place.directory("shell", &layout());
    let mut all = Vec::new();
    let limits = Limits::default();
    let loaded =
        place.store.load(&place.request(&path, &limits), &mut |progress| all.push(progress)).unwrap();
    let text = serde_json::to_string(&(&loaded, &all)).unwrap();
    let back: (Vec<Loaded>, Vec<Progress>) = serde_json::from_str(&text).unwrap();
    assert_eq!((back.0, &back.1), (loaded, &all));
    assert!(matches!(all[0], Progress::Image { layers: 2, .. }));
    assert_eq!(all.last(), Some(&Progress::LayerDone { number: 2 }));
}

#[test]
fn an_opaque_root_hides_the_layers_below() {
    let place = Place::new();
    let mut files = Files::default();
    let layers = [plain(&[("old", "")]), plain(&[(".wh..wh..opq", ""), ("new", "")]), plain(&[("top", "")])];
    let entry = files.image("amd64", &layers);
    place.load(&place.directory("opaque", &files.layout(&[entry]))).unwrap();
    let trees = place.trees("opaque");
    assert_eq!(trees.len(), 2);
    assert!(trees[0].join("top").exists() && trees[1].join("new").exists());
}

#[test]
fn an_image_may_have_many_layers_but_not_any_number() {
    let place = Place::new();
    let load = |count: usize| {
        let mut files = Files::default();
        let layers: Vec<_> = (0..count).map(|index| plain(&[("number", &index.to_string())])).collect();
        let entry = files.image("amd64", &layers);
        place.load(&place.directory(&format!("many{count}"), &files.layout(&[entry])))
    };
    load(200).unwrap();
    let trees = place.trees("many200");
    assert_eq!(trees.len(), 200);
    assert_eq!(std::fs::read_to_string(trees[0].join("number")).unwrap(), "199");
    assert!(matches!(load(501), Err(LoadError::TooManyLayers { layers: 501, limit: 500, .. })));
}
