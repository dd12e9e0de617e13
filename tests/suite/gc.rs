//! `system gc`: the images that were not used for longest go, and none that a container has.

use std::fs;

use crate::support::{IMAGE, Image, Layer, Scratch};

/// An image of `size` bytes.
fn sized(size: usize, mark: u8) -> Image {
    Image::base().layer(Layer::new().file("fill", 0o644, vec![mark; size]))
}

fn names(scratch: &Scratch) -> Vec<String> {
    let shown = scratch.minirun(["images", "--format", "{{.Repository}}"]).run().success();
    shown.lines().map(str::to_owned).collect()
}

#[test]
fn the_least_recently_used_goes_first() {
    let scratch = Scratch::new();
    for (name, mark) in [("one:1", 1), ("two:1", 2), ("three:1", 3)] {
        scratch.load(&sized(8 << 20, mark), name);
    }
    // Using it makes it the newest.
    scratch.minirun(["run", "--rm", "one:1", "true"]).run().success();
    assert_eq!(scratch.minirun(["system", "gc", "--max-size", "1T"]).run().success(), "");
    let base = Image::base_layer().len();
    let limit = format!("{}", base + (12 << 20));
    let shown = scratch.minirun(["system", "gc", "--dry-run", "--max-size", &limit]).run().success();
    assert!(shown.contains("two:1") && shown.contains("three:1") && !shown.contains("one:1"), "{shown}");
    assert_eq!(names(&scratch).len(), 3);
    let removed = scratch.minirun(["system", "gc", "--max-size", &limit]).run().success();
    assert!(removed.contains("untagged: two:1") && removed.contains("deleted: sha256:"), "{removed}");
    assert_eq!(names(&scratch), ["one"]);
    scratch.minirun(["run", "--rm", "one:1", "true"]).run().success();
}

#[test]
fn what_a_container_has_stays() {
    let scratch = Scratch::with_image();
    scratch.minirun(["create", "--name", "held", IMAGE, "true"]).run().success();
    scratch.load(&sized(1 << 20, 1), "other:1");
    let collected = scratch.minirun(["system", "gc", "--max-size", "0"]).run();
    assert!(collected.success().contains("other:1"));
    assert!(collected.stderr().contains("which containers need"), "{}", collected.stderr());
    scratch.minirun(["start", "-a", "held"]).run().success();
    scratch.minirun(["system", "gc", "--max-size", "much"]).run().fails_somehow();
}

#[test]
fn a_damaged_outline_is_found() {
    let scratch = Scratch::with_image();
    scratch.minirun(["system", "check", "--digests"]).run().success();
    let outline = scratch.find_in_store("outline.zst");
    fs::write(&outline, "no outline").unwrap();
    let check = ["system", "check", "--digests"];
    let found = scratch.minirun(check).run();
    assert!(found.stdout().contains("outline.zst"), "{}", found.stdout());
    scratch.minirun(check).args(["--repair"]).run();
    assert!(!outline.exists());
    scratch.minirun(check).run().success();
    scratch.minirun(["save", "-o", scratch.path("x.tar").to_str().unwrap(), IMAGE]).run().success();
}
