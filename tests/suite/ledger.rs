//! `system df -v`: each byte of the store is for something, and together they are what `du` says.

use crate::support::{IMAGE, Image, Layer, Scratch};

/// The parts that are shown, with their bytes.
fn parts(scratch: &Scratch) -> Vec<(String, u64)> {
    let shown = scratch.minirun(["system", "df", "-v"]).run().success();
    let table = shown.split("Store space usage:").nth(1).unwrap_or_else(|| panic!("{shown}"));
    let rows = table.lines().filter_map(|line| {
        let bytes = line.split_whitespace().last()?.parse().ok()?;
        Some((line.split("  ").next()?.trim().to_owned(), bytes))
    });
    rows.collect()
}

/// What `du` says, with the same rights.
fn du(scratch: &Scratch) -> u64 {
    let store = scratch.store();
    let call = scratch.minirun(["unshare", "--", "du", "-sx", "--block-size=1"]).args([store]);
    call.run().success().split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn the_parts_are_what_du_says() {
    let scratch = Scratch::with_image();
    // Two names of one file, a hole, and a directory that only root may enter.
    let layer = Layer::new()
        .directory("closed", 0o000)
        .file("closed/file", 0o600, vec![7; 100_000])
        .hard_link("second", "closed/file");
    scratch.load(&Image::base().layer(layer), "other:1");
    let script = "dd if=/dev/zero of=/big bs=1000 count=200; echo x >/data/file; mkdir /d; chmod 0 /d";
    scratch
        .minirun(["run", "--name", "one", "-v", "data:/data", "other:1", "sh", "-c", script])
        .run()
        .success();
    scratch.minirun(["layer", IMAGE, "--", "sh", "-c", "echo made >/made"]).run().success();
    scratch.minirun(["volume", "create", "gone"]).run().success();
    scratch.minirun(["volume", "rm", "gone"]).env("MINIRUN_TRASH", "24h").run().success();
    // Blocks are given to new files when they are written out: before that they may have fewer.
    flush();
    let parts = parts(&scratch);
    let of = |name: &str| parts.iter().find(|(part, _)| part == name).map_or(0, |(_, bytes)| *bytes);
    let sum: u64 = parts.iter().filter(|(part, _)| part != "total").map(|(_, bytes)| bytes).sum();
    assert_eq!((of("total"), sum), (du(&scratch), du(&scratch)), "{parts:?}");
    for (name, least) in [
        ("layers", 100_000),
        ("outlines of layers", 1),
        ("containers", 200_000),
        ("volumes", 1),
        ("removed volumes", 1),
        ("documents of images", 1),
        ("memory of steps and archives", 1),
        ("directories of the store", 1),
    ] {
        assert!(of(name) >= least, "{name}: {parts:?}");
    }
    assert_eq!((of("not of minirun"), of("layers of no image")), (0, 0), "{parts:?}");
    std::fs::write(scratch.store().join("letter"), "dear").unwrap();
    flush();
    assert!(self::parts(&scratch).iter().any(|(part, bytes)| part == "not of minirun" && *bytes > 0));
}

fn flush() {
    nix::unistd::sync();
}

#[test]
fn an_empty_store_takes_nothing() {
    let scratch = Scratch::new();
    let shown = scratch.minirun(["system", "df", "-v"]).run().success();
    assert!(shown.lines().any(|line| line.starts_with("total") && line.ends_with(" 0")), "{shown}");
    assert!(!scratch.store().exists());
}
