//! Landlock: on minirun itself while it unpacks, and on containers that ask for it.

use std::fs;

use serde_json::Value;

use crate::support::{Archive, Call, IMAGE, Image, Layer, Scratch, require};

/// The version of this kernel's Landlock, as minirun tells it; 0 for none.
fn abi(scratch: &Scratch) -> u64 {
    let text = scratch.minirun(["info", "--format", "{{json .Landlock}}"]).run().success();
    let landlock: Value = serde_json::from_str(&text).unwrap();
    let abi = landlock["Abi"].as_u64().unwrap_or(0);
    assert_eq!(landlock["Unpacking"], abi >= 2, "{text}");
    abi
}

/// Whoever unpacks in this call can write beside the scratch directory's store before it begins, and not any more when
/// the first byte is read.
#[track_caller]
fn assert_confined(scratch: &Scratch, call: Call) {
    let [before, after] = ["before", "after"].map(|when| scratch.path(format!("tried.{when}")));
    call.env("MINIRUN_TRY_WRITING", scratch.path("tried")).run().success();
    assert!(before.exists(), "nobody tried");
    assert!(!after.exists(), "the process could write outside of the store");
    fs::remove_file(before).unwrap();
}

#[test]
fn unpacking_reaches_nothing_but_the_store() {
    let scratch = Scratch::new();
    require!(abi(&scratch) >= 2, "the kernel has no Landlock");
    // Whoever tries may be another user of this machine, who must be able to make files here.
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let layout = layout.to_str().unwrap();
    let archive = scratch.file("image.tar", Archive::of(layout.as_ref()));
    let archive = archive.to_str().unwrap();
    assert_confined(&scratch, scratch.minirun(["load", "-q", "-i", layout]));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["load", "-q", "-i", archive]));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["load", "-q"]).input(fs::read(archive).unwrap()));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["run", "--name", "one", &format!("oci:{layout}"), "true"]));
    assert_confined(&scratch, scratch.minirun(["commit", "one", "example.test/two"]));
    let tree = scratch.file("tree.tar", Layer::new().file("hello", 0o644, "hello").finish());
    let tree = tree.to_str().unwrap();
    assert_confined(&scratch, scratch.minirun(["import", tree, "example.test/tree"]));
    for _ in ["a new volume", "one that is there"] {
        assert_confined(&scratch, scratch.minirun(["volume", "import", "--create", "data", tree]));
    }
    let read = ["run", "--rm", "-v", "data:/data", "example.test/two", "cat", "/data/hello"];
    assert_eq!(scratch.minirun(read).run().success(), "hello");
}

#[test]
fn the_container_of_an_image_that_was_just_unpacked_is_not_restricted() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let outside = scratch.directory("outside");
    let bind = format!("{}:/outside", outside.display());
    let image = format!("oci:{}", layout.display());
    let script = "echo text >/outside/file && cat /outside/file && grep -c NoNewPrivs:.0 /proc/self/status";
    let run = ["run", "--rm", "--security-opt", "no-new-privileges=false", "-v", &bind, &image];
    let output = scratch.minirun(run).args(["sh", "-c", script]).run().success();
    assert_eq!(output, "text\n1");
}
