//! Layers over binds and volumes (`O`, `cow`), sources that change hands (`U`), and symlinks made again.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use crate::support::{Caller, IMAGE, Image, Scratch, can_mount, require};

/// A directory to lay something over.
fn source(scratch: &Scratch) -> PathBuf {
    let source = scratch.directory("source");
    scratch.directory("source/sub");
    scratch.file("source/file", "old\n");
    scratch.file("source/sub/inner", "inner\n");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o751)).unwrap();
    source
}

/// The names below `directory`, sorted.
fn names(directory: &PathBuf) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_to_a_layer_never_reaches_the_source() {
    let scratch = Scratch::with_image();
    let source = source(&scratch);
    let from = source.display();
    let script = "set -e; cat /x/file; stat -c %a /x; echo new >/x/file; rm /x/sub/inner; mv /x/sub /x/moved
        touch /x/new; ls /x; grep ' /x ' /proc/self/mountinfo | grep -c ' - overlay '";
    for flag in [
        format!("--volume={from}:/x:O"),
        format!("--volume={from}:/x:cow"),
        format!("--mount=type=bind,src={from},dst=/x,cow"),
    ] {
        let output = scratch.shell(&[&flag], script).run().success();
        assert_eq!(output, "old\n751\nfile\nmoved\nnew\n1", "{flag}");
        assert_eq!(names(&source), ["file", "sub"]);
        assert_eq!(fs::read_to_string(source.join("file")).unwrap(), "old\n");
        assert_eq!(fs::read_to_string(source.join("sub/inner")).unwrap(), "inner\n");
    }
}

#[test]
fn the_layer_of_a_kept_container_stays_with_the_time_it_was_laid() {
    let scratch = Scratch::with_image();
    let flag = format!("{}:/x:cow", source(&scratch).display());
    let run = ["run", "--name", "kept", "-v", &flag, IMAGE, "sh", "-c", "echo new >/x/file"];
    scratch.minirun(run).run().success();
    let since = fs::read_to_string(scratch.find_in_store("since")).unwrap();
    let (moment, inode) = since.split_once(' ').unwrap();
    assert_eq!(inode.parse::<u64>().unwrap(), fs::metadata(scratch.path("source")).unwrap().ino());
    let (seconds, nanoseconds) = moment.split_once('.').unwrap();
    assert_eq!(nanoseconds.len(), 9, "{since}");
    let time = (seconds.parse::<i64>().unwrap(), nanoseconds.parse::<i64>().unwrap());
    let before = fs::metadata(scratch.path("source/file")).unwrap();
    assert!((before.ctime(), before.ctime_nsec()) < time, "{since}");
    let changed = scratch.find_in_store("since").with_file_name("upper").join("file");
    assert_eq!(fs::read_to_string(&changed).unwrap(), "new\n");
    let after = fs::metadata(changed).unwrap();
    assert!((after.ctime(), after.ctime_nsec()) >= time, "{since}");
    scratch.minirun(["rm", "kept"]).run().success();
}

#[test]
fn a_layer_of_the_caller_s_own_takes_the_changes() {
    let scratch = Scratch::with_image();
    let (source, upper) = (source(&scratch), scratch.directory("upper"));
    scratch.directory("work");
    let flag =
        format!("{}:/x:O,upperdir={},workdir={}", source.display(), upper.display(), scratch.text("work"));
    scratch.shell(&["-v", &flag], "echo new >/x/file").run().success();
    assert_eq!(fs::read_to_string(upper.join("file")).unwrap(), "new\n");
    assert_eq!(scratch.shell(&["-v", &flag], "cat /x/file").run().success(), "new");
    assert_eq!(fs::read_to_string(source.join("file")).unwrap(), "old\n");
    let missing = flag.replace("/upper", "/nowhere");
    assert!(scratch.shell(&["-v", &missing], "true").run().refused().contains("nowhere"));
}

#[test]
fn a_volume_can_lie_below_a_layer() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/x"], "echo old >/x/file").run().success();
    scratch.shell(&["-v", "data:/x:O"], "cat /x/file; echo new >/x/file").run().success();
    assert_eq!(scratch.shell(&["-v", "data:/x"], "cat /x/file").run().success(), "old");
}

#[test]
fn a_layer_lies_over_a_directory_without_mounts() {
    let scratch = Scratch::with_image();
    source(&scratch);
    let flag = format!("{}:/x:O", scratch.text("source/file"));
    assert!(scratch.shell(&["-v", &flag], "true").run().refused().contains("is a file"));
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    source(&scratch);
    Image::base().write_layout(&scratch.path("layout"), IMAGE);
    let script = "\"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null
        mount -t tmpfs tmpfs \"$SCRATCH/source/sub\"
        exec \"$MINIRUN\" run --rm -v \"$SCRATCH/source:/x:O\" example.test/base:1 true";
    assert!(scratch.mounting_script(script).run().refused().contains("source/sub"));
}

#[test]
fn layers_work_with_every_kind_of_root() {
    let scratch = Scratch::with_image();
    let flag = format!("{}:/x:O", source(&scratch).display());
    for flags in
        [&["--driver", "vfs"][..], &["--userns", "single"], &["--userns", "keep-id"], &["--read-only"]]
    {
        let all: Vec<&str> = flags.iter().copied().chain(["-v", &flag]).collect();
        let output = scratch.shell(&all, "cat /x/file; echo new >/x/file; cat /x/file").run();
        assert_eq!(output.success(), "old\nnew", "{flags:?}");
    }
    let run = ["run", "--rm", "-v", &flag, "host", "sh", "-c", "cat /x/file; echo new >/x/file; cat /x/file"];
    assert_eq!(scratch.minirun(run).run().success(), "old\nnew");
}

#[test]
fn a_source_becomes_the_user_s() {
    let scratch = Scratch::with_image();
    let source = source(&scratch);
    symlink("/etc/passwd", source.join("link")).unwrap();
    let flag = format!("{}:/x:U", source.display());
    let script = "stat -c %u:%g /x /x/file /x/sub/inner /x/link; touch /x/mine";
    let user = if Caller::detect().has_many_ids() { "1234" } else { "0" };
    let output = scratch.shell(&["-u", user, "-v", &flag], script).run().success();
    let expected = format!("{user}:{user}");
    assert_eq!(output, [expected.as_str(); 4].join("\n"));
    scratch.shell(&["-v", &flag], "true").run().success();
    let output = scratch.shell(&["-u", user, "--mount", "type=tmpfs,dst=/x,U"], "stat -c %u /x").run();
    assert_eq!(output.success(), user);
    let output = scratch.shell(&["-u", user, "-v", "data:/x:U"], "stat -c %u /x; touch /x/mine").run();
    assert_eq!(output.success(), user);
    assert!(scratch.shell(&["-v", "/etc:/x:U"], "true").run().refused().contains("/etc"));
}

#[test]
fn a_layer_changes_hands_instead_of_its_source() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let source = source(&scratch);
    let before = fs::metadata(source.join("file")).unwrap().uid();
    let flag = format!("{}:/x:O,U", source.display());
    let output = scratch.shell(&["-u", "1234", "-v", &flag], "stat -c %u /x /x/file; touch /x/mine").run();
    assert_eq!(output.success(), "1234\n1234");
    assert_eq!(fs::metadata(source.join("file")).unwrap().uid(), before);
}

#[test]
fn a_symlink_is_made_again() {
    let scratch = Scratch::with_image();
    scratch.file("file", "followed\n");
    symlink("nowhere/at/all", scratch.path("dangling")).unwrap();
    symlink("file", scratch.path("link")).unwrap();
    for (name, text) in [("dangling", "nowhere/at/all"), ("link", "file")] {
        let mount = format!("type=bind,src={},dst=/new/link,no-dereference", scratch.text(name));
        assert_eq!(scratch.shell(&["--mount", &mount], "readlink /new/link").run().success(), text);
    }
    let mount = format!("type=bind,src={},dst=/x,no-dereference", scratch.text("file"));
    assert_eq!(scratch.shell(&["--mount", &mount], "cat /x").run().success(), "followed");
    let mount = format!("type=bind,src={},dst=/etc/passwd,no-dereference", scratch.text("link"));
    assert!(scratch.shell(&["--mount", &mount], "true").run().refused().contains("/etc/passwd"));
}
