//! Volumes whose records are damaged, and archives that are none.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use crate::support::{Caller, IMAGE, Image, Layer, Outcome, Scratch};

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

#[test]
fn xattrs_that_no_archive_sets() {
    let archive = Layer::new()
        .pax(&[
            ("SCHILY.xattr.security.selinux", "label"),
            ("SCHILY.xattr.trusted.overlay.opaque", "y"),
            ("SCHILY.xattr.user.note", "kept"),
        ])
        .file("one", 0o644, "")
        .pax(&[("SCHILY.xattr.security.selinux", "other")])
        .file("two", 0o644, "")
        .finish();
    let scratch = Scratch::with_image();
    let outcome = scratch.minirun(["volume", "import", "--create", "data", "-"]).input(archive).run();
    outcome.success();
    let said = outcome.stderr();
    assert_eq!(said.matches("SELinux").count(), 1, "{said}");
    assert!(said.contains("left out the xattr `trusted.overlay.opaque` of `one`"), "{said}");
    if Caller::detect() == Caller::Root {
        let file = scratch.store().join("volumes/data/_data/one");
        let mut value = [0; 10];
        assert_eq!(rustix::fs::getxattr(&file, "user.note", &mut value[..]), Ok(4));
        assert!(rustix::fs::getxattr(&file, "trusted.overlay.opaque", &mut value[..]).is_err());
    }
}

#[test]
fn a_filled_volume_tells_of_owners_that_one_id_cannot_have() {
    let layer = Layer::new()
        .owned_by(12, 34)
        .directory("data", 0o755)
        .file("data/one", 0o644, "")
        .hard_link("data/two", "data/one");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let outcome = scratch.shell(&["-v", "data:/data"], "ls /data").run();
    assert_eq!(outcome.success(), "one\ntwo");
    let many = Caller::detect().has_many_ids();
    assert_eq!(outcome.stderr().matches("one user ID").count(), usize::from(!many), "{outcome}");
    let again = scratch.shell(&["-v", "data:/data"], "true").run();
    assert!(!again.stderr().contains("one user ID"), "{again}");
    // No name of the file loses what the image said.
    let file = scratch.text("data.tar");
    volume(&scratch, &["export", "data", "-o", &file]).success();
    let list = std::process::Command::new("tar").args(["--numeric-owner", "-tvf", &file]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert_eq!(list.lines().filter(|line| line.contains(" 12/34 ")).count(), 3, "{list}");
}

#[test]
fn names_that_are_no_text() {
    let scratch = Scratch::with_image();
    let directory = scratch.path(OsString::from_vec(b"src\xff".to_vec()));
    fs::create_dir(&directory).unwrap();
    for name in [&b"a\xfe.txt"[..], "ö.txt".as_bytes(), b"other.log"] {
        fs::write(directory.join(OsString::from_vec(name.to_vec())), "text").unwrap();
    }
    let mut mount = OsString::from("type=glob,src=");
    mount.push(&directory);
    for (pattern, count) in [("/*.txt", "2"), ("/?.txt", "1"), ("/a?.txt", "1"), ("/[!a]*", "2")] {
        let mut mount = mount.clone();
        mount.push(format!("{pattern},dst=/x"));
        let args = ["run", "--rm", "--mount"].map(OsString::from).into_iter();
        let rest = [IMAGE, "sh", "-c", "ls -A /x | wc -l"].map(OsString::from);
        assert_eq!(scratch.minirun(args.chain([mount]).chain(rest)).run().success(), count, "{pattern}");
    }
    let mut volume = directory.clone().into_os_string();
    volume.push(":/src");
    let args = ["run", "--name", "one", "-v"].map(OsString::from).into_iter();
    scratch.minirun(args.chain([volume]).chain([IMAGE, "true"].map(OsString::from))).run().success();
    let mut filter = OsString::from("volume=");
    filter.push(&directory);
    let args = ["ps", "-a", "--format", "{{.Names}}", "--filter"].map(OsString::from).into_iter();
    assert_eq!(scratch.minirun(args.clone().chain([filter])).run().success(), "one");
    let other = OsString::from_vec(b"volume=/no\xfd".to_vec());
    assert_eq!(scratch.minirun(args.chain([other])).run().success(), "");
}

#[test]
fn an_export_tells_of_those_who_write() {
    let scratch = Scratch::with_image();
    let file = scratch.text("data.tar");
    let running = scratch.shell(&["--name", "writer", "-v", "data:/v"], "sleep 100").start();
    // The container is there before its volume is, and neither without the other.
    crate::support::eventually("the volume is there", || {
        scratch.minirun(["volume", "exists", "data"]).run().code == Some(0)
    });
    let outcome = volume(&scratch, &["export", "data", "-o", &file]);
    outcome.success();
    assert!(outcome.stderr().contains("container `writer` is running and may write to `data`"), "{outcome}");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    volume(&scratch, &["create", "-o", "type=tmpfs", "-o", "device=tmpfs", "memory"]).success();
    for verb in [&["export", "memory"][..], &["clone", "memory", "other"], &["snapshot", "memory"]] {
        let outcome = volume(&scratch, verb);
        assert!(outcome.fails(1).contains("volume `memory` has no files of its own"), "{outcome}");
        assert!(outcome.stderr().contains("hint: "), "{outcome}");
    }
}
