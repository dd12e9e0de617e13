//! `save`: what leaves the store comes back as it was, and other tools take it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{
    Call, Compression, IMAGE, Image, Layer, Scratch, compress, docker_archive, program_exists, require,
};

/// Two layers with everything that a layer can have.
fn image() -> Image {
    let lower = Layer::new()
        .directory("d", 0o700)
        .file("d/file", 0o4755, vec![7; 100_000])
        .file("./odd//name", 0o640, "odd")
        .pax(&[("comment", "nobody reads this")])
        .symlink("d/link", "file")
        .hard_link("d/second", "d/file")
        .directory("gone", 0o755)
        .file("gone/file", 0o600, "x")
        .fifo("pipe");
    let upper =
        Layer::new().whiteout("d/link").opaque("gone").file("gone/new", 0, "secret").directory("d", 0o755);
    Image::base().layer(lower).layer(upper)
}

fn id(scratch: &Scratch, name: &str) -> String {
    let document: Value =
        serde_json::from_str(&scratch.minirun(["image", "inspect", name]).run().success()).unwrap();
    document[0]["Id"].as_str().unwrap().to_owned()
}

fn store(scratch: &Scratch, name: &str) -> String {
    scratch.path(name).to_str().unwrap().to_owned()
}

#[test]
fn what_is_saved_is_loaded_as_the_same_image() {
    let scratch = Scratch::new();
    scratch.load(&image(), "example.test/app:1");
    let own = id(&scratch, "example.test/app:1");
    for (number, flags) in [
        vec!["-o", "FILE"],
        vec!["--format", "docker-archive", "--output", "FILE"],
        vec!["--format=oci-archive", "-o", "FILE"],
        vec!["--format", "oci-dir", "-o", "FILE"],
        vec!["--format", "oci", "-o", "FILE"],
        vec!["-o", "oci:FILE"],
    ]
    .into_iter()
    .enumerate()
    {
        let file = store(&scratch, &format!("saved-{number}"));
        let flags: Vec<String> = flags.iter().map(|flag| flag.replace("FILE", &file)).collect();
        let saved = scratch.minirun(["save"]).args(flags).args(["example.test/app:1"]).run();
        assert_eq!((saved.success().as_str(), saved.stderr()), ("", ""), "{number}");
        let other = store(&scratch, &format!("store-{number}"));
        let loaded = scratch.minirun(["load", "-q", "-i", &file]).args(["--store", &other]).run().success();
        assert_eq!(loaded, "Loaded image: example.test/app:1", "{number}");
        let found = scratch.minirun(["images", "-q", "--no-trunc", "--store", &other]).run().success();
        assert_eq!(found, own, "{number}");
        let check = ["system", "check", "--digests", "--store", &other];
        scratch.minirun(check).run().success();
        scratch.minirun(["unshare", "--store", &other, "rm", "-rf", &other]).run();
    }
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let (one, other) = (Scratch::new(), Scratch::new());
    one.load(&image(), "app:1");
    other.file("app.tar", compress(&docker_archive(&image(), &["app:1"]), Compression::Zstd));
    other.minirun(["load", "-q", "-i", &store(&other, "app.tar")]).run().success();
    for format in ["docker-archive", "oci-archive"] {
        let save = |scratch: &Scratch| {
            scratch.minirun(["save", "--format", format, "app:1"]).run().stdout_bytes().to_vec()
        };
        let bytes = save(&one);
        assert!(bytes.len() > 100_000 && bytes == save(&one), "{format}");
        // A layout that came as one has a manifest of its own.
        assert!(format == "oci-archive" || bytes == save(&other), "{format}");
    }
}

#[test]
fn several_images_share_their_layers() {
    let scratch = Scratch::new();
    scratch.load(&image(), "one:1");
    scratch.load(&Image::base(), "two:2");
    scratch.minirun(["tag", "one:1", "three:3"]).run().success();
    let own = id(&scratch, "one:1");
    for format in ["docker-archive", "oci-archive"] {
        let file = store(&scratch, format);
        let images = ["save", "--format", format, "-o", &file, "one:1", "two:2", "three:3", "one:1"];
        scratch.minirun(images).run().success();
        let names: Vec<String> = tar::Archive::new(fs::File::open(&file).unwrap())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len(), "{names:?}");
        let other = store(&scratch, &format!("{format}-store"));
        let loaded = scratch.minirun(["load", "-q", "-i", &file, "--store", &other]).run().success();
        for name in ["one:1", "two:2", "three:3"] {
            assert!(loaded.contains(name), "{loaded}");
        }
        let found = scratch.minirun(["images", "-q", "--no-trunc", "--store", &other]).run().success();
        assert!(found.contains(&own), "{found}");
        scratch.minirun(["unshare", "--store", &other, "rm", "-rf", &other]).run();
    }
}

#[test]
fn a_layer_without_its_outline_is_packed_anew() {
    let scratch = Scratch::new();
    scratch.load(&image(), "app:1");
    for outline in scratch.listing().iter().filter(|path| path.ends_with("outline.zst")) {
        fs::remove_file(scratch.store().join(outline)).unwrap();
    }
    let (first, second) = (store(&scratch, "first.tar"), store(&scratch, "second.tar"));
    for file in [&first, &second] {
        let saved = scratch.minirun(["save", "-o", file, "app:1"]).run();
        saved.success();
        assert!(saved.stderr().contains("note: a layer of app:1 is packed anew"), "{}", saved.stderr());
        let told = saved.stderr().split("its ID is ").nth(1).unwrap().trim().to_owned();
        let other = store(&scratch, "other");
        scratch.minirun(["load", "-q", "-i", file, "--store", &other]).run().success();
        let found = scratch.minirun(["images", "-q", "--no-trunc", "--store", &other]).run().success();
        assert_eq!(found, told);
        let run = scratch.minirun(["run", "--rm", "--store", &other, "app:1", "cat", "/d/second"]).run();
        assert_eq!(run.success().len(), 100_000);
        scratch.minirun(["unshare", "--store", &other, "rm", "-rf", &other]).run();
    }
    assert!(fs::read(first).unwrap() == fs::read(second).unwrap());
}

#[test]
fn a_word_before_the_file_says_the_form() {
    let scratch = Scratch::with_image();
    let save = |words: &[&str]| scratch.minirun(["save"]).args(words).current_dir(&scratch.path("")).run();
    save(&["-o", "oci-archive:one.tar", IMAGE]).success();
    save(&["-o", "docker-archive:two.tar", IMAGE]).success();
    save(&["--format", "oci-archive", "-o", "three.tar", IMAGE]).success();
    save(&["-o", "four.tar", IMAGE]).success();
    let read = |name: &str| fs::read(scratch.path(name)).unwrap();
    assert_eq!(read("one.tar"), read("three.tar"));
    assert_eq!(read("two.tar"), read("four.tar"));
    for words in [
        &["-o", "oci-archive:five.tar:tag", IMAGE][..],
        &["-o", "oci:five:tag", IMAGE],
        &["--format", "docker-archive", "-o", "oci-archive:five.tar", IMAGE],
    ] {
        save(words).fails(1);
    }
    assert!(!fs::read_dir(scratch.path("")).unwrap().any(|entry| entry.unwrap().file_name() == "five"));
}

#[test]
fn what_cannot_be_saved_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.load(&Image::base(), "app:1");
    let (file, directory) = (store(&scratch, "file"), scratch.directory("used"));
    fs::write(directory.join("letter"), "dear").unwrap();
    let used = format!("oci:{}", directory.display());
    scratch.minirun(["save", "-o", &file, "app:1", "none:1"]).run().fails(1);
    assert!(!Path::new(&file).exists());
    scratch.minirun(["save", "-o", &used, "app:1"]).run().fails(1);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    let oci = scratch.minirun(["save", "--format", "oci-dir", "app:1"]).run();
    assert!(oci.fails(1).contains("wants a directory"));
    scratch.minirun(["save", "--format", "docker-archive", "-o", &used, "app:1"]).run().fails(1);
    scratch.minirun(["save"]).run().refused();
}

#[test]
fn other_tools_take_it() {
    require!(program_exists("skopeo") && program_exists("umoci"), "no skopeo or no umoci");
    let scratch = Scratch::new();
    scratch.load(&image(), "example.test/app:1");
    let hex = id(&scratch, "example.test/app:1").replace("sha256:", "");
    for (format, transport) in
        [("docker-archive", "docker-archive"), ("oci-archive", "oci-archive"), ("oci-dir", "oci")]
    {
        let file = store(&scratch, format);
        scratch.minirun(["save", "--format", format, "-o", &file, "example.test/app:1"]).run().success();
        let (from, to) =
            (format!("{transport}:{file}:example.test/app:1"), store(&scratch, &format!("{format}-copy")));
        let copied =
            Call::new("skopeo").args(["copy", "-q", "--insecure-policy", &from, &format!("dir:{to}")]).run();
        copied.success();
        assert!(scratch.path(&to).join(&hex).is_file(), "{format}");
    }
    let image = format!("{}:example.test/app:1", store(&scratch, "oci-dir"));
    let stat = Call::new("umoci").args(["stat", "--json", "--image", &image]).run().success();
    assert!(stat.contains("history"), "{stat}");
}
