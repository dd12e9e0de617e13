//! `save`, and those who take what it writes or stand beside it: other tools, a process that is killed, a store elsewhere.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Call, Caller, IMAGE, Image, Layer, Scratch, program_exists, require};

fn image() -> Image {
    let layer = Layer::new().directory("d", 0o755).file("d/file", 0o755, vec![7; 50_000]);
    Image::base().layer(layer).layer(Layer::new().file("d/more", 0o644, "more").whiteout("home"))
}

fn id(scratch: &Scratch, name: &str) -> String {
    let shown = scratch.minirun(["image", "inspect", name]).run().success();
    serde_json::from_str::<Value>(&shown).unwrap()[0]["Id"].as_str().unwrap().to_owned()
}

#[test]
fn podman_takes_what_is_saved() {
    require!(program_exists("podman"), "no podman");
    // Its store wants mounts and IDs of its own, and this is about archives.
    require!(Caller::detect() == Caller::Root, "only root can make a store of podman's here");
    let scratch = Scratch::new();
    scratch.load(&image(), "example.test/app:1");
    let hex = id(&scratch, "example.test/app:1").replace("sha256:", "");
    for format in ["docker-archive", "oci-archive"] {
        let file = scratch.text(format);
        scratch.minirun(["save", "--format", format, "-o", &file, "example.test/app:1"]).run().success();
        // Podman wants this path to be short, and the scratch directory may lie deep.
        let run = format!("/run/minirun-test-{}", std::process::id());
        let root = scratch.text("podman");
        let podman = |words: &[&str]| {
            Call::new("podman")
                .args(["--root", &root, "--runroot", &run, "--storage-driver", "vfs"])
                .args(words)
                .run()
        };
        let loaded = podman(&["load", "-q", "-i", &file]).success();
        assert!(loaded.contains("example.test/app:1"), "{loaded}");
        let found = podman(&["image", "inspect", "--format", "{{.Id}}", "example.test/app:1"]).success();
        assert_eq!(found, hex, "{format}");
        podman(&["rmi", "-f", "example.test/app:1"]).success();
        fs::remove_dir_all(&root).unwrap();
        fs::remove_dir_all(&run).unwrap();
    }
}

#[test]
fn digests_agree_after_a_way_through_skopeo() {
    require!(program_exists("skopeo"), "no skopeo");
    let scratch = Scratch::new();
    scratch.load(&image(), "example.test/app:1");
    let (first, copy) = (scratch.text("first"), scratch.text("copy"));
    let save = |scratch: &Scratch, to: &str, name: &str| {
        scratch.minirun(["save", "-o", &format!("oci:{to}"), name]).run().success();
    };
    save(&scratch, &first, "example.test/app:1");
    let ways = [format!("oci:{first}:example.test/app:1"), format!("oci:{copy}:example.test/app:1")];
    Call::new("skopeo").args(["copy", "-q", "--insecure-policy", &ways[0], &ways[1]]).run().success();
    let blobs = |directory: &str| {
        let names = fs::read_dir(Path::new(directory).join("blobs/sha256")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(blobs(&first), blobs(&copy));
    // Loaded from there into another store, and saved again: the same blobs.
    let other = Scratch::new();
    other.minirun(["load", "-q", "-i", &copy]).run().success();
    let again = other.text("again");
    save(&other, &again, "example.test/app:1");
    assert_eq!(blobs(&again), blobs(&first));
    assert_eq!(id(&other, "example.test/app:1"), id(&scratch, "example.test/app:1"));
}

#[test]
fn umoci_unpacks_what_is_saved() {
    require!(program_exists("umoci"), "no umoci");
    let scratch = Scratch::new();
    scratch.load(&image(), "example.test/app:1");
    let (layout, bundle) = (scratch.text("layout"), scratch.text("bundle"));
    scratch.minirun(["save", "-o", &format!("oci:{layout}"), "example.test/app:1"]).run().success();
    let rootless: &[&str] = if Caller::detect() == Caller::Root { &[] } else { &["--rootless"] };
    let from = format!("{layout}:example.test/app:1");
    Call::new("umoci").args(["unpack", "--image", &from]).args(rootless).args([&bundle]).run().success();
    let root = Path::new(&bundle).join("rootfs");
    assert_eq!(fs::read(root.join("d/file")).unwrap(), vec![7; 50_000]);
    assert!(root.join("d/more").exists() && !root.join("home").exists());
}

#[test]
fn what_a_killed_save_has_begun_goes_with_the_next_one() {
    let scratch = Scratch::with_image();
    let parent = scratch.directory("out");
    let abandoned = parent.join(".layout.0123456789abcdef.part");
    fs::create_dir_all(abandoned.join("blobs/sha256")).unwrap();
    let others = [parent.join(".layout.part"), parent.join(".other.0123456789abcdef.part")];
    for other in &others {
        fs::create_dir(other).unwrap();
    }
    let to = format!("oci:{}", parent.join("layout").display());
    scratch.minirun(["save", "-o", &to, IMAGE]).run().success();
    assert!(!abandoned.exists() && others.iter().all(|other| other.exists()));
    let refused = scratch.minirun(["save", "-o", &to, IMAGE]).run();
    assert!(refused.fails(1).contains("hint: name a directory that is empty"), "{refused}");
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 3);
}

#[test]
fn a_store_can_be_moved_and_copied() {
    let scratch = Scratch::with(&image());
    let script = "echo made >/made; mkfifo /pipe; chmod 4755 /made";
    let made = scratch.minirun(["layer", "-t", "made:1", IMAGE, "--", "sh", "-c", script]).run().success();
    scratch
        .minirun(["run", "--rm", "-v", "data:/data", IMAGE, "sh", "-c", "echo x >/data/file"])
        .run()
        .success();
    scratch.minirun(["create", "--name", "one", IMAGE, "cat", "/d/more"]).run().success();
    let (from, tar) = (scratch.store(), scratch.path("cache.tar"));
    for way in [
        "cp -a \"$1\" \"$2\"",
        "mkdir \"$2\"; tar -C \"$1\" --xattrs --xattrs-include='*' --sparse -cf \"$3\" . && \
        tar -C \"$2\" --xattrs --xattrs-include='*' -xpf \"$3\"",
    ] {
        let to = scratch.path("elsewhere");
        // It waits for the files of the container with `--rm`, as docs/build.md has it.
        scratch.minirun(["system", "check"]).run().success();
        let copy = scratch.minirun(["unshare", "--", "sh", "-ec", way, "sh"]);
        copy.args([&from, &to, &tar]).run().success();
        // What is there now is all that there is.
        fs::rename(&from, scratch.path("away")).unwrap();
        let there = |words: &[&str]| scratch.minirun(["--store", to.to_str().unwrap()]).args(words).run();
        there(&["system", "check", "--digests"]).success();
        assert_eq!(there(&["layer", IMAGE, "--", "sh", "-c", script]).success(), made, "{way}");
        assert_eq!(there(&["run", "--rm", "made:1", "cat", "/made"]).success(), "made");
        assert_eq!(there(&["run", "--rm", "-v", "data:/data", IMAGE, "cat", "/data/file"]).success(), "x");
        assert_eq!(there(&["save", "-o", "/dev/null", "made:1"]).success(), "");
        there(&["unshare", "--", "rm", "-rf", to.to_str().unwrap()]);
        fs::rename(scratch.path("away"), &from).unwrap();
    }
}

#[test]
fn listed_files_have_the_owners_of_the_image() {
    let layer = Layer::new().owned_by(1234, 3456).directory("own", 0o750).file("own/file", 0o4640, "x");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let shown = scratch.minirun(["image", "ls-files", "-l", IMAGE, "/own"]).run().success();
    for (line, mode) in shown.lines().zip(["drwxr-x---", "-rwSr-----"]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[..3], [mode, "1234", "3456"], "{shown}");
    }
    assert_eq!(shown.lines().count(), 2);
}

#[test]
fn instructions_for_who_builds_upon_it_are_told() {
    let scratch = Scratch::with_image();
    let plain = scratch.minirun(["layer", IMAGE, "--", "true"]).run();
    assert_eq!((plain.success().is_empty(), plain.stderr()), (false, ""));
    let base = Image::base();
    scratch.load(&base.config("OnBuild", serde_json::json!(["RUN make"])), "trigger:1");
    let told = scratch.minirun(["layer", "trigger:1", "--", "true"]).run();
    told.success();
    assert!(told.stderr().contains("ONBUILD") && told.stderr().contains("RUN make"), "{told}");
}
