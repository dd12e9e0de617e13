//! Which user of this machine a container's users are.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{Caller, Scratch, require};

#[test]
fn root_inside_is_the_caller_outside() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    let volume = format!("{}:/shared", shared.display());
    scratch.shell(&["-v", &volume], "id -u; touch /shared/made").run().success();
    let owner = fs::metadata(shared.join("made")).unwrap().uid();
    assert_eq!(owner, rustix::process::geteuid().as_raw());
}

#[test]
fn auto_maps_all_there_is() {
    let scratch = Scratch::with_image();
    for flags in [&[][..], &["--userns", "auto"]] {
        let map = scratch.shell(flags, "cat /proc/self/uid_map").run().success();
        let count: u64 =
            map.lines().map(|line| line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap()).sum();
        if Caller::detect().has_many_ids() {
            assert!(count > 65_535, "{map}");
        } else {
            assert_eq!(count, 1, "{map}");
        }
    }
}

#[test]
fn keep_id_is_the_caller_inside() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    let volume = format!("{}:/shared", shared.display());
    let script = "echo $(id -u):$(id -g); touch /shared/made";
    let output = scratch.shell(&["--userns", "keep-id", "-v", &volume], script).run().success();
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    assert_eq!(output, format!("{uid}:{gid}"));
    assert_eq!(fs::metadata(shared.join("made")).unwrap().uid(), uid);
}

#[test]
fn keep_id_leaves_the_root_directory_to_root() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let output =
        scratch.shell(&["--userns", "keep-id"], "stat -c %u:%g:%a /; stat -c %u /tmp").run().success();
    assert_eq!(output, "0:0:755\n0");
}

#[test]
fn single_is_one_id() {
    let scratch = Scratch::with_image();
    let flags = ["--userns", "single"];
    let map = scratch.shell(&flags, "cat /proc/self/uid_map").run().success();
    let words: Vec<_> = map.split_whitespace().collect();
    let uid = rustix::process::geteuid().as_raw().to_string();
    assert_eq!(words, ["0", &uid, "1"]);
    assert_eq!(scratch.shell(&flags, "id -u; touch /x && rm /x; echo ok").run().success(), "0\nok");
}

#[test]
fn host_is_for_root() {
    let scratch = Scratch::with_image();
    let outcome = scratch.shell(&["--userns", "host"], "readlink /proc/self/ns/user").run();
    if Caller::detect() == Caller::Root {
        assert_eq!(outcome.success(), fs::read_link("/proc/self/ns/user").unwrap().to_str().unwrap());
    } else {
        assert!(outcome.refused().contains("root"), "{outcome}");
    }
}

#[test]
fn unknown_modes_are_refused() {
    let scratch = Scratch::with_image();
    scratch.shell(&["--userns", "nonsense"], "true").run().refused();
}

#[test]
fn users_outside_the_map_are_refused() {
    let scratch = Scratch::with_image();
    let outcome = scratch.shell(&["--userns", "single", "-u", "1234"], "true").run();
    assert!(outcome.refused().contains("1234"), "{outcome}");
}

#[test]
fn files_of_subordinate_ids_are_removed_with_the_container() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    let before = scratch.listing();
    let script = "mkdir /closed && touch /closed/file && chown -R 1234:1234 /closed && chmod 0 /closed";
    scratch.shell(&[], script).run().success();
    assert_eq!(scratch.listing(), before);
    let kept = scratch.minirun(["run", "--name", "kept", crate::support::IMAGE, "sh", "-c", script]);
    kept.run().success();
    scratch.minirun(["rm", "kept"]).run().success();
    assert_eq!(scratch.listing(), before);
}

#[test]
fn layers_of_subordinate_ids_are_removed_with_the_image() {
    let layer =
        crate::support::Layer::new().owned_by(1234, 1234).directory("closed", 0).file("closed/x", 0, "");
    let scratch = Scratch::new();
    scratch.load(&crate::support::Image::base(), "example.test/first:1");
    scratch.minirun(["rmi", "example.test/first:1"]).run().success();
    let empty = scratch.listing();
    scratch.load(&crate::support::Image::base().layer(layer), crate::support::IMAGE);
    scratch.minirun(["rmi", crate::support::IMAGE]).run().success();
    assert_eq!(scratch.listing(), empty);
}

#[test]
fn the_store_is_the_caller_s_alone() {
    let scratch = Scratch::with_image();
    let metadata = fs::metadata(scratch.store()).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o700);
}

#[test]
fn as_root_of_somebody_s_user_namespace() {
    require!(crate::support::can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    crate::support::Image::base().write_layout(&layout, crate::support::IMAGE);
    let script = "set -e; \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null
        \"$MINIRUN\" run --rm -v data:/data example.test/base:1 sh -c 'echo hi >/data/x; id -u'
        \"$MINIRUN\" run --rm -v data:/data example.test/base:1 cat /data/x";
    assert_eq!(scratch.mounting_script(script).run().success(), "0\nhi");
}

#[test]
fn inside_a_container_of_its_own() {
    let scratch = Scratch::new();
    crate::support::Image::base().write_layout(&scratch.path("layout"), crate::support::IMAGE);
    let minirun = env!("CARGO_BIN_EXE_minirun");
    let flags = [format!("{minirun}:/inner:ro"), format!("{}:/i:ro", scratch.path("layout").display())];
    // Neither overlay on overlay nor a procfs of its own is to be had in there.
    let script = "export MINIRUN_STORE=/tmp/store; set -e
        /inner run --rm -v data:/data oci:/i sh -c 'echo hi >/data/x; id -u'
        /inner run --rm -v data:/data --read-only oci:/i cat /data/x; /inner run --rm host echo again";
    let run = scratch.minirun([
        "run",
        "--rm",
        "--security-opt",
        "seccomp=unconfined",
        "-v",
        &flags[0],
        "-v",
        &flags[1],
        "host",
    ]);
    let run = run.args(["sh", "-c", script]).run();
    assert_eq!(run.success(), "0\nhi\nagain");
    let noted =
        |what: &str| run.stderr().lines().any(|line| line.starts_with("note: ") && line.contains(what));
    assert!(noted("copying the image") && noted("/proc is the surrounding one"), "{run}");
}
