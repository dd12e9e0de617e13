//! What comes on the command line from others: names, files to be written, settings. A single untrusted word must not
//! become a path, a second setting, or another's file.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{IMAGE, Scratch, eventually};

/// Words that are no name, though somebody may take them for one.
fn no_names() -> Vec<OsString> {
    let words =
        ["", ".", "..", "a/b", "../a", "/", "/etc", "-a", ".a", "_a", "a b", "a\n", "a:b", "ä", "a\u{202e}b"];
    let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    words.push("a".repeat(300).into());
    words.push(OsString::from_vec(b"a\xffb".to_vec()));
    words
}

#[test]
fn what_is_no_name_names_nothing() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    for word in no_names() {
        let equals = |flag: &str| [OsStr::new(flag), &word].join(OsStr::new("="));
        scratch.minirun(["run", "--rm"]).args([equals("--name")]).args([IMAGE, "true"]).run().refused();
        scratch.minirun(["create"]).args([equals("--name")]).args([IMAGE]).run().refused();
        // No name at all asks for one.
        if !word.is_empty() {
            scratch.minirun(["volume", "create", "--"]).args([&word]).run().fails_somehow();
        }
        // `a/b` and `a:b` are names of images.
        if word != "a/b" && word != "a:b" {
            scratch.minirun(["tag", IMAGE, "--"]).args([&word]).run().fails_somehow();
        }
    }
    assert_eq!(scratch.listing(), before);
}

#[test]
fn what_is_no_name_finds_nothing() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "kept"], "sleep 1000");
    let before = scratch.listing();
    for word in no_names() {
        for verb in ["inspect", "stop", "kill", "start", "logs", "wait", "top", "port", "diff"] {
            let outcome = scratch.minirun([verb, "--"]).args([&word]).run();
            assert!(outcome.code.is_some_and(|code| code != 0), "{outcome}");
            assert!(outcome.stderr().starts_with("error: "), "{outcome}");
        }
        scratch.minirun(["rm", "-f", "--"]).args([&word]).run();
        scratch.minirun(["exec", "--"]).args([&word]).args(["true"]).run().fails_somehow();
        // A slash in front belongs to no name: so Docker shows them, and takes them.
        if word != "/etc" {
            scratch.minirun(["rename", "--", "kept"]).args([&word]).run().fails_somehow();
        }
        scratch.minirun(["volume", "rm", "--"]).args([&word]).run().fails_somehow();
        scratch.minirun(["rmi", "--"]).args([&word]).run().fails_somehow();
        scratch.minirun(["run", "--rm", "--"]).args([&word]).args(["true"]).run().fails_somehow();
    }
    assert_eq!(scratch.field("kept", ".State.Status"), "running");
    let new: Vec<_> = scratch.listing().into_iter().filter(|path| !before.contains(path)).collect();
    assert!(new.iter().all(|path| path.starts_with(scratch.store().join("tmp"))), "{new:?}");
}

#[test]
fn a_file_for_the_id_is_always_new() {
    let scratch = Scratch::with_image();
    let canary = scratch.file("canary", "alive");
    symlink(&canary, scratch.path("link")).unwrap();
    symlink(scratch.path("nowhere"), scratch.path("dangling")).unwrap();
    scratch.directory("directory");
    for name in ["canary", "link", "dangling", "directory", "none/file"] {
        let flag = format!("--cidfile={}", scratch.text(name));
        scratch.minirun(["run", "--rm", &flag, IMAGE, "true"]).run().refused();
    }
    assert_eq!(fs::read(&canary).unwrap(), b"alive");
    assert!(!scratch.path("nowhere").exists());
    assert!(scratch.path("link").is_symlink() && scratch.path("dangling").is_symlink());
}

#[test]
fn a_file_for_the_process_id_is_no_others() {
    let scratch = Scratch::with_image();
    let canary = scratch.file("canary", "alive");
    symlink(&canary, scratch.path("link")).unwrap();
    symlink(scratch.path("nowhere"), scratch.path("dangling")).unwrap();
    let run = |path: &str| scratch.shell(&[&format!("--pidfile={path}")], "sleep 1").run();
    for bad in ["link", "dangling", "none/file", "store/.."] {
        let outcome = run(&scratch.text(bad));
        assert!(outcome.refused().contains(bad), "{outcome}");
    }
    run("/").refused();
    assert!(!scratch.path("nowhere").exists());
    // Another name of a file is not written to either: there is a new file then.
    fs::hard_link(&canary, scratch.path("hard")).unwrap();
    run(&scratch.text("hard")).success();
    let written = fs::read_to_string(scratch.path("hard")).unwrap();
    assert!(written.trim().parse::<u32>().is_ok(), "{written:?}");
    assert_eq!(fs::read(&canary).unwrap(), b"alive");
    // What only takes bytes takes them.
    assert!(run("/dev/stdout").success().parse::<u32>().is_ok());
}

#[test]
fn an_old_process_id_does_not_stay() {
    let scratch = Scratch::with_image();
    scratch.file("pid", "1\n");
    let flag = format!("--pidfile={}", scratch.text("pid"));
    scratch.minirun(["run", "--rm", &flag, IMAGE, "/no/such/program"]).run().fails(127);
    assert!(!scratch.path("pid").exists(), "whoever reads it would signal another");
}

/// A link that the user has is followed, as by any program that writes where it is told; but the file is replaced as a
/// whole, so that other names of it keep what they had.
#[test]
fn what_is_written_is_whole() {
    let scratch = Scratch::with_image();
    scratch.minirun(["volume", "create", "data"]).run().success();
    let link = scratch.text("link");
    let result = format!("--result={link}");
    for call in [&["volume", "export", "-o", &link, "data"][..], &["run", "--rm", &result, IMAGE, "true"]] {
        let real = scratch.file("real", "old");
        fs::hard_link(&real, scratch.path("other")).unwrap();
        symlink(&real, &link).unwrap();
        scratch.minirun(call).run().success();
        assert!(scratch.path("link").is_symlink(), "{call:?}");
        assert!(
            fs::read(&real).unwrap() != b"old" && fs::read(scratch.path("other")).unwrap() == b"old",
            "{call:?}"
        );
        for name in ["real", "other", "link"] {
            fs::remove_file(scratch.path(name)).unwrap();
        }
    }
    let into_nothing = format!("--result={}", scratch.text("none/file"));
    scratch.minirun(["run", "--rm", &into_nothing, IMAGE, "true"]).run().refused();
    scratch.minirun(["volume", "export", "-o", &scratch.text("none/file"), "data"]).run().fails_somehow();
    for bad in ["fd:", "fd:0", "fd:1", "fd:2", "fd:-1", "fd:99999999999", "fd:77"] {
        let flag = format!("--result={bad}");
        scratch.minirun(["run", "--rm", &flag, IMAGE, "true"]).run().refused();
    }
}

#[test]
fn a_setting_is_one_setting() {
    let scratch = Scratch::with_image();
    for bad in [
        "",
        "=1",
        "kernel.sem",
        "kernel.core_pattern=|/x",
        "kernel/core_pattern=x",
        "kernel.shmmax/../core_pattern=x",
        "net/../kernel/core_pattern=x",
        "net.../kernel.core_pattern=x",
        "net.core.somaxconn=1\nkernel.core_pattern=x",
        "net..core=1",
        ".net.core=1",
        "vm.swappiness=1",
        "fs.file-max=1",
        "kernel.hostname=x",
        "user.max_user_namespaces=0",
    ] {
        scratch.minirun(["run", "--rm", "--sysctl", bad, IMAGE, "true"]).run().refused();
    }
    let own = ["--network", "none", "--sysctl", "net.core.somaxconn=77"];
    assert_eq!(scratch.shell(&own, "cat /proc/sys/net/core/somaxconn").run().success(), "77");
}

#[test]
fn files_of_variables_and_labels_are_small_and_plain() {
    let scratch = Scratch::with_image();
    let line = |flag: &str, name: &str| format!("--{flag}={}", scratch.text(name));
    scratch.file("good", "A=b\n# no\n\nC=d=e\n");
    assert_eq!(scratch.shell(&[&line("env-file", "good")], "echo $A $C").run().success(), "b d=e");
    scratch.file("bytes", b"A=\xff\n");
    scratch.file("nul", b"A=b\0C=d\n");
    scratch.file("blank", "A B=c\n");
    scratch.file("nothing", "=x\n");
    scratch.directory("directory");
    symlink("/dev/zero", scratch.path("endless")).unwrap();
    for name in ["bytes", "nul", "blank", "nothing", "directory", "endless", "none"] {
        for flag in ["env-file", "label-file"] {
            let outcome = scratch.minirun(["run", "--rm", &line(flag, name), IMAGE, "true"]).run();
            assert!(outcome.refused().contains(flag), "{name}: {outcome}");
        }
    }
}

#[test]
fn a_store_is_a_directory_of_ones_own() {
    let scratch = Scratch::with_image();
    let file = scratch.file("file", "text");
    let other = scratch.directory("other");
    fs::write(other.join("letter"), "dear").unwrap();
    symlink(scratch.path("loop"), scratch.path("loop")).unwrap();
    let long = format!("/{}", "a".repeat(300));
    let stores =
        [file.to_str().unwrap(), other.to_str().unwrap(), &scratch.text("loop"), "/dev/null", "/proc", &long];
    for store in stores {
        let run = ["--store", store, "run", "--rm", "host", "true"];
        scratch.minirun(run).run().refused();
    }
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    // A link of the user's own, an unusual name, and one from the working directory.
    symlink(scratch.store(), scratch.path("link")).unwrap();
    let odd = OsString::from_vec(b"store \xff:,\n".to_vec());
    symlink(scratch.store(), scratch.path(&odd)).unwrap();
    for store in [scratch.path("link"), scratch.path(&odd), Path::new("link").to_owned()] {
        let call = scratch.minirun(["--store"]).args([&store]).args(["images", "-q"]);
        let outcome = call.current_dir(&scratch.path("")).run();
        assert!(!outcome.success().is_empty(), "{outcome}");
    }
}

#[test]
fn an_odd_store_runs_containers() {
    let scratch = Scratch::with_image();
    let odd = scratch.path("a b,c:d\\e\"f'ä\n=%s$HOME");
    fs::rename(scratch.store(), &odd).unwrap();
    let run = |words: &[&str]| scratch.minirun(["--store"]).args([&odd]).args(words).run();
    assert_eq!(
        run(&["run", "--rm", "-v", "v1:/data", IMAGE, "sh", "-c", "echo x >/data/f; cat /data/f"]).success(),
        "x"
    );
    run(&["run", "-d", "--name", "one", IMAGE, "sleep", "1000"]).success();
    assert_eq!(run(&["exec", "one", "echo", "y"]).success(), "y");
    run(&["rm", "-f", "one"]).success();
    eventually("the container is gone", || run(&["ps", "-aq"]).success().is_empty());
    fs::rename(&odd, scratch.store()).unwrap();
}
