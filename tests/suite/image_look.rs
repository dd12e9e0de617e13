//! `image history`, `tree`, `diff`, `ls-files` and `cat`: images looked into without running them.

use crate::support::{Image, Layer, Scratch};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let lower = Layer::new()
        .directory("d", 0o755)
        .file("d/kept", 0o4755, "kept\n")
        .file("d/gone", 0o644, "gone\n")
        .file("secret", 0, "secret\n")
        .symlink("up", "../../../../etc/hostname")
        .symlink("d/self", "/d")
        .file("steer\u{1b}[2J", 0o644, "");
    scratch.load(&Image::empty().layer(lower), "lower:1");
    let lower = Layer::new()
        .directory("d", 0o755)
        .file("d/kept", 0o4755, "kept\n")
        .file("d/gone", 0o644, "gone\n")
        .file("secret", 0, "secret\n")
        .symlink("up", "../../../../etc/hostname")
        .symlink("d/self", "/d")
        .file("steer\u{1b}[2J", 0o644, "");
    let upper = Layer::new().whiteout("d/gone").file("new", 0o600, "new\n").file("secret", 0, "other\n");
    scratch.load(&Image::empty().layer(lower).layer(upper), "upper:1");
    scratch
}

#[test]
fn files_are_listed_and_read() {
    let scratch = scratch();
    let list = |words: &[&str]| scratch.minirun(["image", "ls-files"]).args(words).run().success();
    assert_eq!(list(&["upper:1"]), "/d\n/d/kept\n/d/self\n/new\n/secret\n/steer\u{1b}[2J\n/up");
    assert_eq!(list(&["lower:1", "/d/self"]), "/d\n/d/gone\n/d/kept\n/d/self");
    assert_eq!(list(&["-z", "lower:1", "d/gone"]), "/d/gone\0");
    let long = list(&["-l", "upper:1", "d"]);
    assert!(long.contains("-rwsr-xr-x     0     0          5 1970-"), "{long}");
    assert!(long.ends_with("/d/self -> /d"), "{long}");
    let cat = |path: &str| scratch.minirun(["image", "cat", "upper:1", path]).run();
    assert_eq!(cat("/d/self/kept").success(), "kept");
    assert_eq!(cat("secret").success(), "other");
    for path in ["/d/gone", "/up", "/etc/hostname", "/d"] {
        cat(path).fails(1);
    }
    scratch.minirun(["image", "ls-files", "upper:1", "/up"]).run().fails(1);
    scratch.minirun(["image", "ls-files", "none:1"]).run().fails(1);
}

#[test]
fn images_are_compared() {
    let scratch = scratch();
    let diff = |one: &str, other: &str| scratch.minirun(["image", "diff", one, other]).run().success();
    assert_eq!(diff("lower:1", "upper:1"), "D /d/gone\nA /new\nC /secret");
    assert_eq!(diff("upper:1", "lower:1"), "A /d/gone\nD /new\nC /secret");
    assert_eq!(diff("upper:1", "upper:1"), "");
}

#[test]
fn history_and_tree() {
    let scratch = scratch();
    for words in [vec!["history"], vec!["image", "history"]] {
        let shown = scratch.minirun(words).args(["upper:1"]).run().success();
        assert!(shown.starts_with("IMAGE") && shown.lines().count() >= 3, "{shown}");
    }
    let sizes = scratch.minirun(["history", "--format", "{{.Size}}", "lower:1"]).run().success();
    assert_eq!(sizes, "17B");
    let tree = scratch.minirun(["image", "tree"]).run().success();
    assert!(tree.contains("upper:1") && tree.contains("├── ") && tree.contains("all of lower:1"), "{tree}");
    let one = scratch.minirun(["image", "tree", "lower:1"]).run().success();
    assert_eq!(one.lines().count(), 2, "{one}");
}
