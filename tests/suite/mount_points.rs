//! Mount points: found through any symlink of the image, made where they are missing, never outside.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode};

use crate::support::{IMAGE, Image, Layer, Scratch};

/// An image whose mount points are symlinks of every kind.
fn linked() -> Scratch {
    let layer = Layer::new()
        .directory("real", 0o755)
        .symlink("absolute", "/real")
        .symlink("relative", "real")
        .symlink("dangling", "/made/by/mount")
        .symlink("up", "../../../../../real")
        .symlink("one", "/two")
        .symlink("two", "/one")
        .symlink("self", "/");
    Scratch::with(&Image::base().layer(layer))
}

#[test]
fn symlinks_are_followed_inside() {
    let scratch = linked();
    let shared = scratch.directory("shared");
    fs::write(shared.join("file"), "shared").unwrap();
    for (destination, point) in [
        ("/absolute", "/real"),
        ("/relative", "/real"),
        ("/up", "/real"),
        ("/dangling", "/made/by/mount"),
        ("/absolute/deep", "/real/deep"),
        ("/self/self/real", "/real"),
        ("/dangling/deeper", "/made/by/mount/deeper"),
    ] {
        let flag = format!("{}:{destination}", shared.display());
        let script = format!("cat {point}/file; grep -c ' {point} ' /proc/self/mountinfo");
        for extra in [&[][..], &["--read-only"]] {
            let flags: Vec<&str> = extra.iter().copied().chain(["-v", &flag]).collect();
            assert_eq!(scratch.shell(&flags, &script).run().success(), "shared1", "{destination}");
        }
    }
}

#[test]
fn loops_and_the_root_are_refused() {
    let scratch = linked();
    let shared = scratch.directory("shared");
    for (destination, word) in [("/one", "ELOOP"), ("/one/x", "ELOOP"), ("/self", "root of the container")] {
        let flag = format!("{}:{destination}", shared.display());
        let outcome = scratch.shell(&["-v", &flag], "true").run();
        assert!(outcome.refused().contains(word), "{outcome}");
    }
}

#[test]
fn the_later_flag_covers_the_earlier() {
    let scratch = linked();
    for name in ["a", "b"] {
        fs::write(scratch.directory(name).join("who"), name).unwrap();
    }
    let source = |name: &str| scratch.path(name).display().to_string();
    let volume = format!("-v={}:/relative", source("b"));
    let mount = format!("--mount=type=bind,src={},dst=/absolute", source("a"));
    for (flags, expected) in [([&mount[..], &volume], "b"), ([&volume, &mount], "a")] {
        assert_eq!(scratch.shell(&flags, "cat /real/who").run().success(), expected);
    }
    assert_eq!(scratch.shell(&[&volume, "--tmpfs=/absolute"], "ls /real").run().success(), "");
}

#[test]
fn what_is_made_has_plain_modes() {
    let scratch = Scratch::with_image();
    let file = scratch.file("file", "x");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let directory = scratch.directory("directory");
    let flags =
        [format!("-v={}:/a/b/file", file.display()), format!("-v={}:/a/c/directory", directory.display())];
    let run =
        ["run", "--name", "kept", &flags[0], &flags[1], IMAGE, "sh", "-c", "stat -c '%a %u' /a /a/b /a/c"];
    assert_eq!(scratch.minirun(run).run().success(), "755 0\n755 0\n755 0");
    let upper = scratch.find_in_store("upper");
    let mode = |path: &str| fs::metadata(upper.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("a/b/file"), mode("a/c/directory")), (0o644, 0o755));
    scratch.minirun(["rm", "kept"]).run().success();
    let script = format!(
        "umask 077; cd \"$SCRATCH\"; \"$MINIRUN\" run --rm -v ./made/deep:/x {IMAGE} true; stat -c %a made made/deep"
    );
    assert_eq!(scratch.host_script(&script).run().success(), "755\n755");
}

#[test]
fn points_inside_other_mounts_are_made_there() {
    let scratch = Scratch::with_image();
    let outer = scratch.directory("outer");
    let flag = format!("{}:/a", outer.display());
    scratch.shell(&["-v", &flag, "-v", "data:/a/made/deep"], "touch /a/made/deep/file").run().success();
    assert!(outer.join("made/deep").is_dir() && !outer.join("made/deep/file").exists());
    let read_only = format!("{flag}:ro");
    scratch.shell(&["-v", &read_only, "-v", "data:/a/made/deep"], "cat /a/made/deep/file").run().success();
    let outcome = scratch.shell(&["-v", &read_only, "-v", "data:/a/missing"], "true").run();
    assert!(outcome.refused().contains("read-only"), "{outcome}");
    assert!(!outer.join("missing").exists());
}

#[test]
fn files_on_files_and_directories_on_directories() {
    let scratch = Scratch::with_image();
    let (file, directory) = (scratch.file("file", "x"), scratch.directory("directory"));
    for flag in [format!("{}:/etc", file.display()), format!("{}:/etc/passwd", directory.display())] {
        let outcome = scratch.shell(&["-v", &flag], "true").run();
        assert!(outcome.refused().contains("mount a file on a file"), "{outcome}");
    }
}

#[test]
fn fifos_sockets_and_devices_are_bound() {
    let scratch = Scratch::with_image();
    rustix::fs::mknodat(CWD, scratch.path("fifo"), FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let _listener = UnixListener::bind(scratch.path("socket")).unwrap();
    let flags =
        [format!("-v={}:/fifo", scratch.text("fifo")), format!("-v={}:/socket", scratch.text("socket"))];
    let script = "test -p /fifo && test -S /socket && test -c /null && echo x >/null && echo all; (echo through >/fifo &)
        cat /fifo";
    let output = scratch.shell(&[&flags[0], &flags[1], "-v", "/dev/null:/null"], script).run();
    assert_eq!(output.success(), "all\nthrough");
}

#[test]
fn the_procfs_is_not_to_be_covered() {
    let scratch = linked();
    let file = scratch.file("file", "covered");
    for destination in ["/proc/meminfo", "/proc/uptime"] {
        let flag = format!("{}:{destination}", file.display());
        let script = format!("cat {destination}");
        assert_eq!(scratch.shell(&["-v", &flag], &script).run().success(), "covered");
    }
    for destination in
        ["/proc", "/proc/version", "/proc/x", "/proc/sys/kernel/hostname", "/self/proc/version"]
    {
        let flag = format!("{}:{destination}", file.display());
        scratch.shell(&["-v", &flag], "true").run().refused();
    }
    // Only by another procfs.
    let own = scratch.shell(&["-v", "/proc:/proc"], "test -e /proc/self/status && echo there").run();
    assert_eq!(own.success(), "there");
}

#[test]
fn the_user_s_mounts_replace_the_default_ones() {
    let scratch = Scratch::with_image();
    let own = scratch.directory("own");
    fs::write(own.join("mark"), "own").unwrap();
    // The fifth field: the fourth is a path, too.
    let field = "'^[^ ]* [^ ]* [^ ]* [^ ]*";
    for destination in ["/dev", "/dev/shm", "/dev/mqueue", "/sys"] {
        let flag = format!("{}:{destination}", own.display());
        let script = format!("cat {destination}/mark; grep -c {field} {destination} ' /proc/self/mountinfo");
        assert_eq!(scratch.shell(&["-v", &flag], &script).run().success(), "own1", "{destination}");
    }
    let etc = format!("{}:/etc", own.display());
    let script = "cat /etc/mark; grep -c -E ' /etc/(hosts|hostname|resolv.conf) ' /proc/self/mountinfo";
    assert_eq!(scratch.shell(&["-v", &etc], script).run().success(), "own3");
    let hosts = scratch.file("hosts", "mine\n");
    let flag = format!("{}:/etc/hosts", hosts.display());
    let script = "cat /etc/hosts; echo more >>/etc/hosts; (echo x >>/etc/hostname) 2>&1; true";
    let output = scratch.shell(&["--read-only", "-v", &flag], script).run().success();
    assert!(output.starts_with("mine\n") && output.contains("Read-only file system"), "{output}");
    assert_eq!(fs::read_to_string(hosts).unwrap(), "mine\nmore\n");
}

#[test]
fn a_read_only_copy_of_etc_has_the_generated_files() {
    let scratch = Scratch::with_image();
    let script = "cat /etc/os-release; grep -c localhost /etc/hosts >/dev/null && touch /etc/x 2>&1; true";
    for flags in [&["-v", "etc:/etc:ro"][..], &["--tmpfs", "/etc:ro,tmpcopyup"]] {
        let output = scratch.shell(flags, script).run().success();
        assert!(output.starts_with("ID=minirun-test") && output.contains("Read-only"), "{output}");
    }
}

#[test]
fn names_need_not_be_text() {
    let scratch = Scratch::with_image();
    let odd = |text: &[u8]| OsString::from_vec([text, b"\xff\xfe"].concat());
    let directory = scratch.path(odd(b"odd"));
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("file"), "odd").unwrap();
    let host = |prefix: &str, rest: &[u8]| {
        let parts = [prefix.as_bytes(), &directory.clone().into_os_string().into_vec(), rest];
        OsString::from_vec(parts.concat())
    };
    let mount = [host("type=bind,src=", b",dst=/x").into_vec(), b"\xff".to_vec()].concat();
    for (flag, value) in [
        ("-v", host("", b":/x\xff")),
        ("-v", host("", b":/x\xff:O")),
        ("-v", host("", b":/x\xff:cow")),
        ("--mount", OsString::from_vec(mount)),
    ] {
        let run = ["run", "--rm"].map(OsString::from);
        let command = [IMAGE, "sh", "-c", "cat /x*/file"].map(OsString::from);
        let words = run.into_iter().chain([flag.into(), value.clone()]).chain(command);
        assert_eq!(scratch.minirun(words).run().success(), "odd", "{flag} {value:?}");
    }
    let words = [OsString::from("run"), "--rm".into(), "--tmpfs".into(), odd(b"/x")];
    let command = [IMAGE, "sh", "-c", "grep -c '/x' /proc/self/mountinfo"].map(OsString::from);
    assert_eq!(scratch.minirun(words.into_iter().chain(command)).run().success(), "1");
}
