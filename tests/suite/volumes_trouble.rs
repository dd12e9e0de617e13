//! Volumes whose records are damaged, and archives that are none.

use std::fs;

use crate::support::{Outcome, Scratch};

fn volume(scratch: &Scratch, args: &[&str]) -> Outcome {
    scratch.minirun([&["volume"], args].concat()).run()
}

#[test]
fn a_damaged_volume_is_in_nobody_s_way() {
    let scratch = Scratch::with_image();
    for name in ["fine", "cut", "garbage", "gone"] {
        volume(&scratch, &["create", name]).success();
    }
    let file = |name: &str| scratch.store().join("volumes").join(name).join("volume.json");
    fs::write(file("cut"), "").unwrap();
    fs::write(file("garbage"), "{]").unwrap();
    fs::remove_file(file("gone")).unwrap();
    for verb in [
        &["volume", "ls"][..],
        &["volume", "prune", "-f"],
        &["system", "df", "-v"],
        &["system", "prune", "-f", "--volumes"],
    ] {
        let outcome = scratch.minirun(verb).run();
        outcome.success();
        for name in ["cut", "garbage", "gone"] {
            let path = file(name).display().to_string();
            let lines: Vec<_> =
                outcome.stderr().lines().filter(|line| line.contains(&path)).map(str::to_owned).collect();
            assert_eq!(lines.len(), 1, "{outcome}");
            assert!(lines[0].contains(&format!("minirun volume rm {name}")), "{outcome}");
        }
    }
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "fine");
    scratch.shell(&["-v", "fine:/v"], "echo >/v/file").run().success();
    let refused = scratch.shell(&["-v", "cut:/v"], "true").run().fails(125).to_owned();
    assert!(refused.contains("minirun volume rm cut"), "{refused}");
    let inspected = |name: &str| {
        let outcome = volume(&scratch, &["inspect", name]);
        assert_eq!(outcome.exits(1), "[]");
        outcome.stderr().to_owned()
    };
    assert!(inspected("gone").contains("volume.json` of the store is missing"));
    assert!(inspected("garbage").contains("not well-formed"));
    volume(&scratch, &["create", "gone"]).fails(1);
    volume(&scratch, &["exists", "gone"]).success();
    assert_eq!(volume(&scratch, &["rm", "cut", "garbage", "gone"]).success(), "cut\ngarbage\ngone");
    let list = volume(&scratch, &["ls", "-q"]);
    assert_eq!((list.success().as_str(), list.stderr()), ("fine", ""));
    volume(&scratch, &["create", "cut"]).success();
}

#[test]
fn nothing_is_no_archive() {
    let scratch = Scratch::new();
    let import = |args: &[&str], input: &str| {
        scratch.minirun([&["volume", "import"], args].concat()).input(input).run()
    };
    let outcome = import(&["--create", "new", "-"], "");
    let said = outcome.fails(1);
    assert!(
        said.contains("cannot make volume `new` of standard input") && said.contains("it is empty"),
        "{said}"
    );
    volume(&scratch, &["exists", "new"]).exits(1);
    volume(&scratch, &["create", "old"]).success();
    assert!(import(&["old", "-"], "").fails(1).contains("the volume is as it was"));
    assert!(import(&["--create", "new", "-"], "no archive at all").fails(1).contains("cannot make volume"));
    // Two blocks of zeros are one, without files.
    import(&["--create", "new", "-"], &"\0".repeat(1024)).success();
}

#[test]
fn the_ending_of_an_export_is_what_is_in_it() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/v"], "echo text >/v/file").run().success();
    for (name, magic) in [
        ("x.tar.xz", &b"\xfd7zXZ"[..]),
        ("x.TAR.GZ", &[0x1f, 0x8b]),
        ("x.tbz2", b"BZh"),
        ("x.Tzst", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("x.tar", b"./"),
    ] {
        let path = scratch.text(name);
        volume(&scratch, &["export", "data", "-o", &path]).success();
        assert!(fs::read(&path).unwrap().starts_with(magic), "{name}");
        volume(&scratch, &["import", "--create", "copy", &path]).success();
        assert_eq!(volume(&scratch, &["diff", "data", "copy"]).success(), "", "{name}");
        volume(&scratch, &["rm", "copy"]).success();
    }
    for name in ["x.tar.lz4", "x.zip", "x.tar.Z"] {
        let path = scratch.text(name);
        let said = volume(&scratch, &["export", "data", "-o", &path]).fails(1).to_owned();
        assert!(said.contains(".tar.gz") && !fs::exists(&path).unwrap(), "{said}");
        volume(&scratch, &["export", "data", "--compress", "none", "-o", &path]).success();
    }
}

#[test]
fn many_snapshots_at_once_get_a_name_each() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/v"], "echo text >/v/file").run().success();
    let names: Vec<String> = std::thread::scope(|scope| {
        let take = || volume(&scratch, &["snapshot", "data"]).success();
        let threads: Vec<_> = (0..20).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut listed: Vec<String> =
        volume(&scratch, &["snapshots", "-q", "data"]).success().lines().map(str::to_owned).collect();
    assert_eq!(listed.len(), 20, "{names:?}");
    listed.sort();
    let mut names = names;
    names.sort();
    assert_eq!(names, listed);
}
