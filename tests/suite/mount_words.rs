//! Single words: permissions, propagation, patterns, file systems in memory, and what is checked beforehand.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::support::{Caller, IMAGE, Image, Scratch, can_mount, require};

/// A directory where scripts that mount find an image to load with [`LOAD`].
fn to_load() -> Scratch {
    let scratch = Scratch::new();
    Image::base().write_layout(&scratch.path("layout"), IMAGE);
    scratch
}

/// The store of a script in a user namespace of its own is its own, too.
const LOAD: &str = "set -e; \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null";

#[test]
fn permissions_can_be_taken_and_not_given() {
    let scratch = Scratch::with_image();
    let flag = format!("{}:/x:noexec,nosuid,nodev", scratch.directory("own").display());
    let line = scratch.shell(&["-v", &flag], "grep ' /x ' /proc/self/mountinfo").run().success();
    assert!(line.contains(" rw,nosuid,nodev,noexec"), "{line}");
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = to_load();
    scratch.directory("locked");
    let script = |words: &str| {
        format!(
            "{LOAD}
             mount -t tmpfs -o noexec,nosuid tmpfs \"$SCRATCH/locked\"
             exec \"$MINIRUN\" run --rm -v \"$SCRATCH/locked:/x{words}\" {IMAGE} grep ' /x ' /proc/self/mountinfo"
        )
    };
    let kept = scratch.mounting_script(&script("")).run().success();
    assert!(kept.contains(" rw,nosuid,noexec"), "{kept}");
    let layered = scratch.mounting_script(&script(":O")).run().success();
    assert!(layered.contains(" rw,nosuid,noexec") && layered.contains("- overlay"), "{layered}");
    let read_only = scratch.mounting_script(&script(":ro")).run().success();
    assert!(read_only.contains(" ro,nosuid,noexec"), "{read_only}");
    let asked = scratch.mounting_script(&script(":exec")).run().success();
    let allowed =
        if rustix::process::geteuid().is_root() { " rw,nosuid,relatime" } else { " rw,nosuid,noexec" };
    assert!(asked.contains(allowed), "{asked}");
}

#[test]
fn propagation_needs_a_source_that_has_it() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = to_load();
    scratch.directory("shared");
    scratch.directory("private");
    let script = |source: &str, word: &str| {
        format!(
            "{LOAD}
             mount -t tmpfs tmpfs \"$SCRATCH/private\"; mount --make-private \"$SCRATCH/private\"
             mount -t tmpfs tmpfs \"$SCRATCH/shared\"; mount --make-shared \"$SCRATCH/shared\"; mkdir \"$SCRATCH/shared/in\"
             exec \"$MINIRUN\" run --rm -v \"$SCRATCH/{source}:/x:{word}\" {IMAGE} grep ' /x ' /proc/self/mountinfo"
        )
    };
    for word in ["shared", "rshared"] {
        let line = scratch.mounting_script(&script("shared/in", word)).run().success();
        // Root's is a peer of the host's mount itself.
        let is_root = rustix::process::geteuid().is_root();
        assert!(line.contains(" shared:") && line.contains(" master:") != is_root, "{word}: {line}");
    }
    for word in ["slave", "rslave"] {
        let line = scratch.mounting_script(&script("shared", word)).run().success();
        assert!(!line.contains(" shared:") && line.contains(" master:"), "{word}: {line}");
    }
    for word in ["private", "rprivate", "unbindable", "runbindable"] {
        let line = scratch.mounting_script(&script("shared", word)).run().success();
        assert!(!line.contains(" shared:") && !line.contains(" master:"), "{word}: {line}");
        assert_eq!(line.contains(" unbindable "), word.ends_with("unbindable"), "{word}: {line}");
    }
    for word in ["shared", "rshared", "slave", "rslave"] {
        let outcome = scratch.mounting_script(&script("private", word)).run();
        assert!(outcome.refused().contains("/private`, which is private"), "{outcome}");
    }
}

#[test]
fn what_is_mounted_later_arrives_in_a_slave() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = to_load();
    scratch.directory("shared");
    let wait = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do";
    let script = format!(
        "{LOAD}; cd \"$SCRATCH\"; mount -t tmpfs tmpfs shared; mount --make-shared shared; mkdir shared/in
         \"$MINIRUN\" run --rm -v ./shared:/x:rslave {IMAGE} sh -c \
            'touch /x/ready; {wait} [ -e /x/in/mark ] && echo arrived && break; sleep 0.2; done' &
         {wait} [ -e shared/ready ] && break; sleep 0.2; done
         mount -t tmpfs tmpfs shared/in; touch shared/in/mark; wait"
    );
    assert_eq!(scratch.mounting_script(&script).run().success(), "arrived");
}

#[test]
fn only_what_root_mounts_in_a_shared_bind_reaches_the_host() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    for word in ["shared", "rshared", "rslave", "rprivate"] {
        let scratch = to_load();
        scratch.directory("shared");
        let script = format!(
            "{LOAD}; cd \"$SCRATCH\"; mount -t tmpfs tmpfs shared; mount --make-shared shared; mkdir shared/in
             \"$MINIRUN\" run --rm --cap-add SYS_ADMIN -v ./shared:/x:{word} {IMAGE} sh -c \
                'mount -t tmpfs tmpfs /x/in && touch /x/in/mark && echo mounted'
             ls shared/in"
        );
        let is_peer = rustix::process::geteuid().is_root() && word.ends_with("shared");
        let expected = if is_peer { "mounted\nmark" } else { "mounted" };
        assert_eq!(scratch.mounting_script(&script).run().success(), expected, "{word}");
    }
}

#[test]
fn words_without_r_are_about_the_top_mount() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = to_load();
    scratch.directory("shared");
    for (word, below) in
        [("private", true), ("unbindable", true), ("rprivate", false), ("runbindable", false)]
    {
        let script = format!(
            "{LOAD}; cd \"$SCRATCH\"; mount -t tmpfs tmpfs shared; mount --make-shared shared; mkdir shared/in
             mount -t tmpfs tmpfs shared/in; mount --make-shared shared/in
             exec \"$MINIRUN\" run --rm -v ./shared:/x:{word} {IMAGE} grep ' /x/in ' /proc/self/mountinfo"
        );
        let line = scratch.mounting_script(&script).run().success();
        assert_eq!(line.contains(" master:"), below, "{word}: {line}");
    }
}

#[test]
fn each_match_of_a_pattern_is_a_bind() {
    let scratch = Scratch::with_image();
    let directory = scratch.directory("pattern");
    for name in ["b.txt", "a.txt", "c.log"] {
        fs::write(directory.join(name), name).unwrap();
    }
    let mount = format!("type=glob,src={}/*.txt,dst=/x,ro", directory.display());
    let script = "ls /x; cat /x/a.txt; touch /x/a.txt 2>&1; true";
    let output = scratch.shell(&["--mount", &mount], script).run().success();
    assert!(output.starts_with("a.txt\nb.txt\na.txt") && output.contains("Read-only"), "{output}");
    let mount = format!("type=glob,src={}/?.txt", directory.display());
    let script = format!("ls {}", directory.display());
    assert_eq!(scratch.shell(&["--mount", &mount], &script).run().success(), "a.txt\nb.txt");
    let call = scratch.shell(&["--mount", "type=glob,src=./*.log,dst=/x"], "ls /x").current_dir(&directory);
    assert_eq!(call.run().success(), "c.log");
    // Neither the directory itself nor the one that it is in.
    fs::write(directory.join(".hidden"), "").unwrap();
    let mount = format!("type=glob,src={}/.*,dst=/x", directory.display());
    assert_eq!(scratch.shell(&["--mount", &mount], "ls -A /x").run().success(), ".hidden");
    // A name need not be UTF-8.
    fs::write(directory.join(OsStr::from_bytes(b"n\xff.bin")), "bytes").unwrap();
    let mount = format!("type=glob,src={}/[m-o]?.bin,dst=/x", directory.display());
    assert_eq!(scratch.shell(&["--mount", &mount], "cat /x/n*").run().success(), "bytes");
    let mount = format!("type=glob,src={}/[,dst=/x", directory.display());
    assert!(scratch.shell(&["--mount", &mount], "true").run().refused().contains("not closed"));
    let mount = format!("type=glob,src={}/*.none,dst=/x", directory.display());
    assert!(scratch.shell(&["--mount", &mount], "true").run().refused().contains("nothing matches"));
}

#[test]
fn file_systems_in_memory() {
    let scratch = Scratch::with_image();
    let script = "grep ' /x ' /proc/self/mountinfo; stat -c %a /x; ls /x";
    let output = scratch.shell(&["--mount", "type=ramfs,dst=/x"], script).run().success();
    assert!(output.contains(" - ramfs "), "{output}");
    let output = scratch.shell(&["--mount", "type=devpts,dst=/x,mode=0600,ptmxmode=0666"], script).run();
    let output = output.success();
    assert!(output.contains(" - devpts ") && output.contains("mode=600,ptmxmode=666"), "{output}");
    assert!(output.ends_with("ptmx"), "{output}");
    let output = scratch.shell(&["--mount", "type=tmpfs,dst=/seed,tmpcopyup"], "cat /seed/file").run();
    assert_eq!(output.success(), "seeded");
    // What is said beats what the image's directory looks like.
    let flag = "/seed:tmpcopyup,mode=1700";
    assert_eq!(scratch.shell(&["--tmpfs", flag], "stat -c %a /seed").run().success(), "1700");
    if Caller::detect().has_many_ids() {
        for flag in ["/seed:tmpcopyup,uid=12,gid=34", "/seed:U,tmpcopyup"] {
            let call = scratch.shell(&["-u", "12:34", "--tmpfs", flag], "stat -c %u:%g /seed; ls /seed");
            assert!(call.run().success().starts_with("12:34\ndeep"), "{flag}");
        }
    }
}

#[test]
fn a_root_directory_belongs_to_somebody_there_is() {
    let scratch = Scratch::with_image();
    if rustix::process::geteuid().is_root() {
        // Root has every ID.
        return drop(scratch.shell(&["--tmpfs=/x:uid=4000000000"], "true").run().success());
    }
    for flag in ["--tmpfs=/x:uid=4000000000", "--mount=type=devpts,dst=/x,uid=4000000000"] {
        let outcome = scratch.shell(&[flag], "true").run();
        assert!(outcome.refused().contains("has no user 4000000000"), "{outcome}");
    }
}

#[test]
fn nobody_gives_away_what_is_needed() {
    let scratch = Scratch::with_image();
    let above = scratch.path("");
    for source in [scratch.store(), above, "/etc".into()] {
        let flag = format!("{}:/x:U", source.display());
        assert!(scratch.shell(&["-v", &flag], "true").run().refused().contains("cannot give"), "{flag}");
    }
}

#[test]
fn a_read_only_root_can_have_temporary_files() {
    let scratch = Scratch::with_image();
    let script = "for one in /tmp /run /var/tmp; do touch $one/x && echo $one; done";
    let flags = ["--read-only", "--read-only-tmpfs"];
    assert_eq!(scratch.shell(&flags, script).run().success(), "/tmp\n/run\n/var/tmp");
    let output = scratch.shell(&["--read-only"], "touch /tmp/x 2>&1; true").run().success();
    assert!(output.contains("Read-only file system"), "{output}");
    let own = scratch.directory("own");
    let flag = format!("{}:/tmp", own.display());
    scratch.shell(&["--read-only", "--read-only-tmpfs", "-v", &flag], "touch /tmp/kept").run().success();
    assert!(own.join("kept").exists());
    let output = scratch.shell(&["--read-only-tmpfs"], "grep -c ' /tmp ' /proc/self/mountinfo; true").run();
    assert_eq!(output.success(), "0");
}

#[test]
fn everything_is_checked_before_anything_is_made() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let file = scratch.file("file", "x");
    let before = scratch.listing();
    let made = format!("{}:/made", scratch.text("made/deep"));
    let image = format!("type=image,src={IMAGE},dst=/z,image-subpath=nowhere");
    let over_file = format!("{}:/z:cow", file.display());
    for bad in [
        &["--mount", "type=bind,src=/nowhere/at/all,dst=/z"][..],
        &["--mount", "type=image,src=nowhere,dst=/z"],
        &["--mount", "type=image,src=host,dst=/z"],
        &["--mount", &image],
        &["--mount", "type=glob,src=/nowhere/*,dst=/z"],
        &["--mount", "type=volume,src=first,dst=/z,volume-subpath=x"],
        &["--volumes-from", "nobody"],
        &["-v", &over_file],
        &["-v", "other:/z:nocreate"],
        &["-v", "/nowhere:/z:U"],
        &["-v", "/etc:/z:U"],
    ] {
        // `/nowhere` could be made by root.
        if bad[1] == "/nowhere:/z:U" && rustix::process::geteuid().is_root() {
            continue;
        }
        let flags: Vec<&str> =
            ["-v", "first:/first", "-v", &made].into_iter().chain(bad.iter().copied()).collect();
        scratch.shell(&flags, "true").run().refused();
        assert_eq!(scratch.listing(), before, "{bad:?}");
        assert!(!scratch.path("made").exists(), "{bad:?}");
    }
}
