//! `--keep-blobs`: an image leaves the store with the blobs, and so with the digests, that it came with.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::pull::{WHY, call, noise, pull};
use crate::support::{
    Call, Caller, Compression, Fault, Guard, IMAGE, Image, Layer, Layout, Proxy, Registry, Scratch, compress,
    docker_archive, has_registry, program_exists, require,
};

const NAME: &str = "example.test/app:1";
const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
const BARE: &str = "application/vnd.oci.image.layer.v1.tar";

/// The archives of an image of two layers, the second with many bytes that no compression makes small.
fn archives() -> [Vec<u8>; 2] {
    let upper = Layer::new().file("noise", 0o644, noise(200 << 10)).file("text", 0o644, "text".repeat(5000));
    [Image::base_layer().to_vec(), upper.finish()]
}

fn image() -> Image {
    archives().iter().fold(Image::empty(), |image, tar| image.archive(tar))
}

/// Packs by another program.
fn by(program: &str, flags: &[&str], tar: &[u8]) -> Vec<u8> {
    Call::new(program).args(flags).input(tar).run().stdout_bytes().to_vec()
}

/// A layout with the image under [`NAME`], its layers packed so; the digest of its manifest.
fn layout(directory: &Path, media_type: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> String {
    layout_of((&image(), NAME), directory, media_type, pack)
}

fn layout_of(
    (image, name): (&Image, &str),
    directory: &Path,
    media_type: &str,
    pack: impl Fn(&[u8]) -> Vec<u8>,
) -> String {
    let mut layout = Layout::new(directory);
    let layers: Vec<Value> = archives().iter().map(|tar| layout.blob(media_type, &pack(tar)).0).collect();
    let annotated = |mut manifest: Value| {
        manifest["layers"] = layers.into();
        manifest["annotations"] = serde_json::json!({ "made.by": "another program" });
        manifest
    };
    let descriptor = layout.add_with(image, annotated);
    layout.finish(&[descriptor.clone().named(name)]);
    format!("sha256:{}", descriptor.hex())
}

fn gzip_layout(directory: &Path) -> String {
    layout(directory, GZIP, |tar| by("gzip", &["-9", "-c"], tar))
}

fn load(scratch: &Scratch, flags: &[&str], from: &Path) -> Call {
    scratch.minirun(["load", "-q"]).args(flags).args([Path::new("-i"), from])
}

/// Saves the image as a layout, in which every blob is what it is called; the digest of the manifest, and the names of all
/// blobs.
#[track_caller]
fn save(scratch: &Scratch, name: &str) -> (String, Vec<String>, String) {
    let directory = scratch.path("saved");
    let _ = fs::remove_dir_all(&directory);
    let saved = scratch.minirun(["save", "-o", &format!("oci:{}", directory.display()), name]).run();
    saved.success();
    let mut blobs = Vec::new();
    for entry in fs::read_dir(directory.join("blobs/sha256")).unwrap() {
        let path = entry.unwrap().path();
        let hash: String =
            Sha256::digest(fs::read(&path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(path.file_name().unwrap().to_str(), Some(hash.as_str()));
        blobs.push(format!("sha256:{hash}"));
    }
    let index: Value = serde_json::from_slice(&fs::read(directory.join("index.json")).unwrap()).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    (digest, blobs, saved.stderr().to_owned())
}

/// The files of blobs that are kept.
fn kept(scratch: &Scratch) -> Vec<PathBuf> {
    let is_blob = |path: &PathBuf| path.parent().is_some_and(|parent| parent.ends_with("blobs"));
    scratch.listing().into_iter().filter(is_blob).collect()
}

#[track_caller]
fn in_order(scratch: &Scratch) {
    let said = scratch.minirun(["system", "check", "--digests"]).run().success();
    assert_eq!(said, "the store is in order");
}

#[test]
fn an_image_leaves_as_it_came() {
    require!(program_exists("gzip") && program_exists("zstd"), "no gzip or no zstd");
    for (media_type, flags) in
        [(GZIP, &["gzip", "-9", "-c"][..]), (ZSTD, &["zstd", "-q", "-12", "-c"]), (BARE, &["cat"])]
    {
        let scratch = Scratch::new();
        let came = scratch.path("came");
        let digest = layout(&came, media_type, |tar| by(flags[0], &flags[1..], tar));
        load(&scratch, &["--keep-blobs"], &came).run().success();
        let (saved, blobs, said) = save(&scratch, NAME);
        assert_eq!((saved.as_str(), said.as_str()), (digest.as_str(), ""), "{flags:?}");
        assert_eq!(blobs.len(), 4, "a configuration, a manifest and two layers");
        assert!(blobs.iter().all(|blob| came.join("blobs").join(blob.replace(':', "/")).exists()));
        // The bare archive is in the store once: outline and tree give it.
        let bytes: u64 = kept(&scratch).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert_eq!((kept(&scratch).len(), bytes > 0), (2, media_type != BARE), "{flags:?}");
        in_order(&scratch);
        // So it goes from store to store, as an archive, too.
        let archive = scratch.text("archive");
        scratch.minirun(["save", "--format", "oci-archive", "-o", &archive, NAME]).run().success();
        let other = Scratch::new();
        load(&other, &["--keep-blobs=true"], Path::new(&archive)).run().success();
        assert_eq!(save(&other, NAME).0, digest, "{flags:?}");
        // Docker's archives have no compression: they are what they were.
        let file = scratch.text("docker");
        scratch.minirun(["save", "-o", &file, NAME]).run().success();
        let third = Scratch::new();
        load(&third, &[], Path::new(&file)).run().success();
        let id = |scratch: &Scratch| scratch.minirun(["images", "-q", "--no-trunc"]).run().success();
        assert_eq!(id(&third), id(&scratch));
    }
}

#[test]
fn nothing_is_kept_unless_that_is_wanted() {
    require!(program_exists("gzip"), "no gzip");
    let scratch = Scratch::new();
    let came = scratch.path("came");
    let digest = gzip_layout(&came);
    for (flags, variable, is_kept) in [
        (&[][..], "", false),
        (&[], "0", false),
        (&["--keep-blobs=false"], "1", false),
        (&[], "1", true),
        (&["--keep-blobs"], "no", true),
    ] {
        load(&scratch, flags, &came).env("MINIRUN_KEEP_BLOBS", variable).run().success();
        assert_eq!(kept(&scratch).len(), if is_kept { 2 } else { 0 }, "{flags:?} {variable}");
        assert_eq!(save(&scratch, NAME).0 == digest, is_kept, "{flags:?} {variable}");
        scratch.minirun(["rmi", NAME]).run().success();
    }
    let refused = load(&scratch, &[], &came).env("MINIRUN_KEEP_BLOBS", "perhaps").run();
    assert!(refused.fails(125).contains("`MINIRUN_KEEP_BLOBS=perhaps` is neither true nor false"));
    // Other verbs do not look at it.
    scratch.minirun(["images"]).env("MINIRUN_KEEP_BLOBS", "perhaps").run().success();
    // What `run` loads on the way is kept, too.
    let source = format!("oci:{}", came.display());
    scratch.minirun(["run", "--rm", "--keep-blobs", &source, "true"]).run().success();
    assert_eq!(kept(&scratch).len(), 2);
    let id = scratch.minirun(["images", "-q"]).run().success();
    assert_eq!(save(&scratch, &id).0, digest);
}

#[test]
fn layers_that_are_there_get_their_blobs() {
    require!(program_exists("gzip") && program_exists("zstd"), "no gzip or no zstd");
    let scratch = Scratch::new();
    let (first, second) = (scratch.path("first"), scratch.path("second"));
    let digest = gzip_layout(&first);
    let other = layout(&second, ZSTD, |tar| by("zstd", &["-q", "-c"], tar));
    // The same image, once without a manifest.
    scratch.file("docker", docker_archive(&image(), &[NAME]));
    load(&scratch, &["--keep-blobs"], &scratch.path("docker")).run().success();
    assert!(kept(&scratch).is_empty(), "these layers have no compression, and no manifest");
    let trees = || scratch.listing().iter().filter(|path| path.ends_with("tree")).count();
    load(&scratch, &[], &first).run().success();
    assert_ne!(save(&scratch, NAME).0, digest);
    load(&scratch, &["--keep-blobs"], &first).run().success();
    assert_eq!((save(&scratch, NAME).0, kept(&scratch).len(), trees()), (digest.clone(), 2, 2));
    // It is what it was kept as last, and may be kept as more than that.
    load(&scratch, &["--keep-blobs"], &second).run().success();
    assert_eq!((save(&scratch, NAME).0, kept(&scratch).len(), trees()), (other.clone(), 4, 2));
    load(&scratch, &[], &first).run().success();
    assert_eq!(save(&scratch, NAME).0, other);
    for name in [&digest, &other] {
        assert_eq!(
            scratch.minirun(["image", "inspect", &format!("app@{name}")]).run().code,
            Some(0),
            "{name}"
        );
    }
    in_order(&scratch);
}

#[test]
fn what_is_kept_of_one_image_changes_no_other() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.path("first"), scratch.path("second"));
    layout(&first, GZIP, |tar| compress(tar, Compression::Gzip));
    let sibling = image().config("Env", serde_json::json!(["A=b"]));
    let digest = layout_of((&sibling, "sibling:1"), &second, ZSTD, |tar| compress(tar, Compression::Zstd));
    load(&scratch, &[], &first).run().success();
    let before = save(&scratch, NAME);
    load(&scratch, &["--keep-blobs"], &second).run().success();
    assert_eq!((save(&scratch, NAME), kept(&scratch).len()), (before, 2));
    assert_eq!(save(&scratch, "sibling:1").0, digest);
    // Both in one archive: each has its own blobs.
    let (both, other) = (scratch.text("both"), Scratch::new());
    scratch.minirun(["save", "--format", "oci-archive", "-o", &both, NAME, "sibling:1"]).run().success();
    load(&other, &["--keep-blobs"], Path::new(&both)).run().success();
    assert_eq!((save(&other, "sibling:1").0, kept(&other).len()), (digest, 4));
    assert_eq!(save(&other, NAME).0, save(&scratch, NAME).0);
    in_order(&other);
}

#[test]
fn layers_of_docker_archives_are_kept_with_their_compression() {
    let scratch = Scratch::new();
    let gzip = image().packed(Compression::GzipMembers);
    scratch.file("docker", docker_archive(&gzip, &[NAME]));
    for _ in 0..2 {
        load(&scratch, &["--keep-blobs"], &scratch.path("docker")).run().success();
        assert_eq!(kept(&scratch).len(), 2);
    }
    let (_, blobs, said) = save(&scratch, NAME);
    assert_eq!(said, "");
    for tar in &archives() {
        let packed = compress(tar, Compression::GzipMembers);
        let hash: String = Sha256::digest(packed).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(blobs.contains(&format!("sha256:{hash}")), "{blobs:?}");
    }
    // What is made of it has them, too.
    scratch.minirun(["layer", "-t", "made:1", NAME, "--", "touch", "/made"]).run().success();
    let (_, made, _) = save(&scratch, "made:1");
    assert_eq!(made.iter().filter(|blob| blobs.contains(blob)).count(), 2, "{made:?} {blobs:?}");
    in_order(&scratch);
}

#[test]
fn blobs_go_with_their_layers() {
    require!(program_exists("gzip"), "no gzip");
    let scratch = Scratch::with_image();
    let came = scratch.path("came");
    gzip_layout(&came);
    load(&scratch, &["--keep-blobs"], &came).run().success();
    let (blobs, columns) = parts(&scratch);
    let bytes: u64 = kept(&scratch).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes > 200 << 10 && blobs >= bytes, "{blobs} {bytes}");
    assert!(columns.contains("BLOBS"), "{columns}");
    // They count where images are to take no more than so much.
    let layers = archives().iter().map(Vec::len).sum::<usize>() as u64;
    let collect = |limit: u64| {
        scratch.minirun(["system", "gc", "--dry-run", "--max-size", &limit.to_string()]).run().success()
    };
    assert_eq!(collect(layers + bytes), "");
    assert!(collect(layers).contains("would remove"));
    // The lower layer is another image's, too.
    scratch.minirun(["rmi", NAME]).run().success();
    assert_eq!(kept(&scratch).len(), 1);
    scratch.minirun(["system", "gc", "--max-size", "0"]).run().success();
    assert!(kept(&scratch).is_empty() && scratch.minirun(["images", "-q"]).run().success().is_empty());
    in_order(&scratch);
}

/// The bytes of blobs, and the table of layers; all parts together are what `du` says.
#[track_caller]
fn parts(scratch: &Scratch) -> (u64, String) {
    // Blocks are given to new files when they are written out.
    nix::unistd::sync();
    let shown = scratch.minirun(["system", "df", "-v"]).run().success();
    let bytes = |name: &str| -> u64 {
        let row = shown.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{shown}"));
        row.split_whitespace().last().unwrap().parse().unwrap()
    };
    let du = scratch.minirun(["unshare", "--", "du", "-sx", "--block-size=1"]).args([scratch.store()]).run();
    let du: u64 = du.success().split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(bytes("total "), du, "{shown}");
    (bytes("blobs of layers"), shown.split("Layers space usage").nth(1).unwrap().to_owned())
}

#[test]
fn a_damaged_blob_is_not_used() {
    require!(program_exists("gzip"), "no gzip");
    let scratch = Scratch::new();
    let came = scratch.path("came");
    let digest = gzip_layout(&came);
    load(&scratch, &[], &came).run().success();
    let plainly = save(&scratch, NAME).0;
    load(&scratch, &["--keep-blobs"], &came).run().success();
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        for path in kept(&scratch) {
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    };
    for (what, change) in [
        ("flipped", &(|bytes: &mut Vec<u8>| bytes[1000] ^= 1) as &dyn Fn(&mut Vec<u8>)),
        ("cut", &|bytes: &mut Vec<u8>| bytes.truncate(1000)),
        ("emptied", &|bytes: &mut Vec<u8>| bytes.clear()),
        ("no compression", &|bytes: &mut Vec<u8>| bytes.fill(b'x')),
    ] {
        damage(change);
        let (saved, blobs, said) = save(&scratch, NAME);
        assert_eq!((saved.as_str(), blobs.len()), (plainly.as_str(), 4), "{what}");
        assert_eq!(said.matches("is damaged, and the layer is packed again").count(), 2, "{what}: {said}");
        let check = ["system", "check", "--digests"];
        let found = scratch.minirun(check).run().exits(1);
        assert_eq!(found.matches("and not that of its name; --repair removes it").count(), 2, "{found}");
        if what == "cut" {
            // One that is too short is known to be damaged, and comes again.
            load(&scratch, &["--keep-blobs"], &came).run().success();
        } else {
            scratch.minirun(check).args(["--repair"]).run().success();
            assert!(kept(&scratch).is_empty());
            assert_eq!(save(&scratch, NAME), (plainly.clone(), blobs, String::new()));
            load(&scratch, &["--keep-blobs"], &came).run().success();
        }
        in_order(&scratch);
        assert_eq!(save(&scratch, NAME).0, digest, "{what}");
    }
    // What else lies there is told of.
    fs::write(kept(&scratch)[0].with_file_name("letter"), "dear").unwrap();
    assert!(scratch.minirun(["system", "check"]).run().exits(1).contains("blobs/letter"));
    scratch.minirun(["system", "check", "--repair"]).run().success();
    assert_eq!(save(&scratch, NAME).0, digest);
}

#[test]
fn copies_for_other_owners_share_the_blobs() {
    require!(program_exists("gzip"), "no gzip");
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    // Root of the machine is the same with its own ID.
    let mode = if Caller::detect() == Caller::Root { "single" } else { "keep-id" };
    let scratch = Scratch::new();
    let came = scratch.path("came");
    let digest = gzip_layout(&came);
    load(&scratch, &["--keep-blobs"], &came).run().success();
    let bytes = parts(&scratch).0;
    scratch.minirun(["run", "--rm", "--userns", mode, NAME, "true"]).run().success();
    let trees = scratch.listing().iter().filter(|path| path.ends_with("tree")).count();
    assert_eq!((trees, kept(&scratch).len()), (4, 4));
    // Directories for them alone.
    assert!(parts(&scratch).0 < bytes + (64 << 10));
    assert_eq!(save(&scratch, NAME).0, digest);
    in_order(&scratch);
    // They may lie beside others than those that are saved.
    let other = Scratch::new();
    load(&other, &[], &came).run().success();
    let source = format!("oci:{}", came.display());
    let run = ["run", "--rm", "--userns", mode, "--keep-blobs", &source, "true"];
    other.minirun(["rmi", NAME]).run().success();
    other.minirun(run).run().success();
    assert_eq!(kept(&other).len(), 2);
    let id = other.minirun(["images", "-q"]).run().success();
    other.minirun(["run", "--rm", &id, "true"]).run().success();
    assert_eq!(save(&other, &id).0, digest);
}

#[test]
fn what_is_kept_has_a_limit() {
    let scratch = Scratch::new();
    let came = scratch.path("came");
    layout(&came, GZIP, |tar| compress(tar, Compression::Gzip));
    let [lower, upper] = archives();
    let packed = |tar: &[u8]| compress(tar, Compression::Gzip).len();
    // Enough for the layers, and for all but the last byte of what is kept before the last one is unpacked.
    let limit = lower.len() + packed(&lower) + packed(&upper) - 1;
    assert!(limit > lower.len() + upper.len());
    let limit = format!("bytes={limit}");
    let flags = ["--image-limit", &limit];
    let refused = load(&scratch, &[&flags[..], &["--keep-blobs"]].concat(), &came).run();
    let said = refused.fails_somehow();
    assert!(
        said.contains("with the blobs of them that are to be kept") && said.contains("bytes=VALUE"),
        "{said}"
    );
    assert!(scratch.minirun(["images", "-q"]).run().success().is_empty() && kept(&scratch).is_empty());
    load(&scratch, &flags, &came).run().success();
}

#[test]
fn an_image_goes_from_registry_to_registry() {
    require!(has_registry() && program_exists("gzip"), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let came = scratch.path("came");
    let digest = gzip_layout(&came);
    registry.copy(&format!("oci:{}:{NAME}", came.display()), "app:1");
    assert_eq!(registry.digest("app:1"), digest);
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let name = proxy.name("app:1");
    pull(&scratch, &["-q", &name]).run().success();
    let fetched = |proxy: &Proxy| {
        let heads = proxy.heads();
        heads.iter().filter(|head| head.starts_with("get ") && head.contains("/blobs/")).count()
    };
    assert_eq!((fetched(&proxy), kept(&scratch).len()), (3, 0));
    // A layer that is there is fetched only to be kept, and only once.
    let again = pull(&scratch, &["--keep-blobs", &name]).run();
    assert!(again.stderr().contains("layer 2/2 done"), "{again}");
    pull(&scratch, &["-q", "--keep-blobs", &name]).run().success();
    assert_eq!((fetched(&proxy), kept(&scratch).len()), (5, 2));
    assert_eq!(save(&scratch, &name).0, digest);
    let elsewhere = Registry::start(&scratch, Guard::Open);
    let push = |name: &str| call(&scratch, "push").args([&proxy.name("app:1"), name]).run();
    let pushed = push(&elsewhere.name("app:2")).success();
    assert!(pushed.contains(&format!("Digest: {digest}")), "{pushed}");
    assert_eq!(elsewhere.digest("app:2"), digest);
    // A damaged one is made again, and the registry has an image all the same.
    for path in kept(&scratch) {
        fs::write(path, "damaged").unwrap();
    }
    let third = Registry::start(&scratch, Guard::Open);
    let pushed = push(&third.name("app:3"));
    pushed.success();
    assert_eq!(pushed.stderr().matches("is damaged").count(), 2, "{pushed}");
    assert_ne!(third.digest("app:3"), digest);
    let other = Scratch::new();
    let run =
        call(&other, "run").args(["--rm", "-q", "--keep-blobs", &third.name("app:3"), "wc", "-c", "/noise"]);
    assert!(run.run().success().contains("204800"));
    assert_eq!((save(&other, &third.name("app:3")).0, kept(&other).len()), (third.digest("app:3"), 2));
    in_order(&other);
}

#[test]
fn a_manifest_of_docker_is_pushed_as_it_is() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    scratch.file("docker", docker_archive(&image(), &[NAME]));
    registry.copy(&format!("docker-archive:{}", scratch.text("docker")), "app:1");
    let (name, digest) = (registry.name("app:1"), registry.digest("app:1"));
    pull(&scratch, &["-q", "--keep-blobs", &name]).run().success();
    let elsewhere = Registry::start(&scratch, Guard::Open);
    call(&scratch, "push").args(["-q", &name, &elsewhere.name("app:1")]).run().success();
    assert_eq!(elsewhere.digest("app:1"), digest);
    // A layout has a manifest of its own kind, about the same blobs.
    let (saved, blobs, _) = save(&scratch, &name);
    assert_ne!(saved, digest);
    let names: Vec<String> =
        kept(&scratch).iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(names.len() == 2 && names.iter().all(|name| blobs.contains(name)), "{names:?} {blobs:?}");
    let manifest = fs::read_to_string(scratch.path("saved/blobs").join(saved.replace(':', "/"))).unwrap();
    assert!(manifest.contains("application/vnd.oci.image.manifest.v1+json") && !manifest.contains("docker"));
}

#[test]
fn a_store_keeps_what_two_loads_keep_at_once() {
    let scratch = Scratch::new();
    let came = scratch.path("came");
    let digest = layout(&came, GZIP, |tar| compress(tar, Compression::Gzip));
    let loads: Vec<_> = (0..6)
        .map(|number| {
            let flags: &[&str] = if number % 2 == 0 { &["--keep-blobs"] } else { &[] };
            load(&scratch, flags, &came).start()
        })
        .collect();
    for running in loads {
        running.wait().success();
    }
    assert_eq!((save(&scratch, NAME).0, kept(&scratch).len()), (digest, 2));
    in_order(&scratch);
    scratch.load(&Image::base(), IMAGE);
}
