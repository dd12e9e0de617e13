//! Volumes: made on first use, filled from the image, kept.

use std::fs;

use crate::support::{Caller, IMAGE, Image, Layer, Scratch, require};

#[test]
fn what_one_container_writes_the_next_one_reads() {
    let scratch = Scratch::with_image();
    for (write, read) in [
        ("--volume=one:/data", "--mount=source=one,target=/elsewhere"),
        ("--mount=type=volume,src=two,dst=/data", "--volume=two:/elsewhere"),
    ] {
        scratch.shell(&[write], "echo kept >/data/file").run().success();
        assert_eq!(scratch.shell(&[read], "cat /elsewhere/file").run().success(), "kept");
    }
}

#[test]
fn two_containers_share_a_volume_at_the_same_time() {
    let scratch = Scratch::with_image();
    let flags = ["-v", "shared:/data"];
    let script = "touch /data/ready; while ! test -e /data/answer; do sleep 0.05; done; cat /data/answer";
    let waiting = scratch.shell(&flags, script).start();
    let script =
        "while ! test -e /data/ready; do sleep 0.05; done; echo hello >/data/tmp; mv /data/tmp /data/answer";
    scratch.shell(&flags, script).run().success();
    assert_eq!(waiting.wait().success(), "hello");
}

#[test]
fn a_fresh_volume_belongs_to_root() {
    let scratch = Scratch::with_image();
    assert_eq!(scratch.shell(&["-v", "fresh:/new"], "stat -c '%u:%g %a' /new").run().success(), "0:0 755");
}

#[test]
fn an_empty_volume_is_filled_from_the_image() {
    let scratch = Scratch::with_image();
    let script = "ls -A /seed /seed/deep; stat -c %a /seed/file /seed/deep/.hidden; readlink /seed/link; cat /seed/link";
    let expected = scratch.shell(&[], script).run().success();
    for _ in 0..2 {
        assert_eq!(scratch.shell(&["-v", "filled:/seed"], script).run().success(), expected);
    }
    assert_eq!(scratch.shell(&["-v", "read-only:/seed:ro"], script).run().success(), expected);
    assert_eq!(scratch.shell(&["-v", "none:/seed:nocopy"], "ls -A /seed").run().success(), "");
    let mount = "type=volume,src=none2,dst=/seed,volume-nocopy";
    assert_eq!(scratch.shell(&["--mount", mount], "ls -A /seed").run().success(), "");
}

#[test]
fn filling_keeps_owners_modes_and_links() {
    let owner = if Caller::detect().has_many_ids() { (1234, 2345) } else { (0, 0) };
    let layer = Layer::new()
        .owned_by(owner.0, owner.1)
        .directory("var/lib", 0o2750)
        .file("var/lib/suid", 0o4711, "x")
        .hard_link("var/lib/same", "var/lib/suid")
        .fifo("var/lib/pipe");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let script =
        "cd /var/lib; stat -c '%u:%g %a %h' suid same; stat -c '%u:%g %a' .; test -p pipe && echo fifo";
    let expected = scratch.shell(&[], script).run().success();
    assert_eq!(scratch.shell(&["-v", "copy:/var/lib"], script).run().success(), expected);
}

#[test]
fn a_volume_with_anything_in_it_is_not_filled() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "own:/x"], "touch /x/.hidden").run().success();
    assert_eq!(scratch.shell(&["-v", "own:/seed"], "ls -A /seed").run().success(), ".hidden");
    scratch.shell(&["-v", "own:/x"], "rm /x/.hidden").run().success();
    assert_eq!(scratch.shell(&["-v", "own:/seed"], "ls -A /seed").run().success(), "deep\nfile\nlink");
}

#[test]
fn a_volume_is_not_part_of_the_image_or_the_writable_layer() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/seed"], "rm /seed/file; touch /seed/new").run().success();
    assert_eq!(scratch.shell(&[], "ls -A /seed").run().success(), "deep\nfile\nlink");
}

#[test]
fn volumes_survive_their_containers_and_images() {
    let scratch = Scratch::with_image();
    scratch
        .minirun(["run", "--name", "writer", "-v", "data:/data", IMAGE, "touch", "/data/x"])
        .run()
        .success();
    scratch.minirun(["rm", "writer"]).run().success();
    scratch.minirun(["rmi", IMAGE]).run().success();
    scratch.load(&Image::base(), IMAGE);
    assert_eq!(scratch.shell(&["-v", "data:/data"], "ls -A /data").run().success(), "x");
}

#[test]
fn anonymous_volumes_go_with_rm() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "/seed"], "true").run().success();
    let before = scratch.listing();
    let output = scratch.shell(&["-v", "/seed"], "ls -A /seed; grep -c ' /seed ' /proc/self/mountinfo").run();
    assert_eq!(output.success(), "deep\nfile\nlink\n1");
    assert_eq!(scratch.listing(), before);
    scratch.shell(&["-v", "/seed"], "exit 3").run().exits(3);
    assert_eq!(scratch.listing(), before);
}

#[test]
fn a_read_only_volume() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/data"], "echo x >/data/file").run().success();
    let script = "cat /data/file; touch /data/new 2>&1";
    let output = scratch.shell(&["-v", "data:/data:ro"], script).run().stdout();
    assert!(output.starts_with("x\n") && output.contains("Read-only file system"), "{output}");
}

#[test]
fn the_data_lies_where_docker_users_look_for_it() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/data"], "echo x >/data/file").run().success();
    let path = scratch.store().join("volumes/data/_data/file");
    assert_eq!(fs::read_to_string(path).unwrap(), "x\n");
}

#[test]
fn a_volume_of_another_user_s_files_is_read_again() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let script = "mkdir /data/own && chown 1234:1234 /data/own";
    scratch.shell(&["-v", "data:/data"], script).run().success();
    let script = "echo mine >/data/own/file; stat -c %u:%g /data/own/file; cat /data/own/file";
    let output = scratch.shell(&["-u", "app", "-v", "data:/data"], script).run();
    assert_eq!(output.success(), "1234:1234\nmine");
}

#[test]
fn a_start_that_fails_leaves_nothing_it_made() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "old:/old"], "true").run().success();
    let before = scratch.listing();
    let bind = format!("{}:/etc/passwd", scratch.path("made/deep").display());
    for flags in [
        &["-v", "new:/proc"][..],
        &["-v", "new:/etc/passwd"],
        &["-v", "new:/x", "-v", "old:/old", "-v", &bind],
        &["-v", "new:/x", "--tmpfs", "/y:size=nothing"],
    ] {
        scratch.shell(flags, "true").run().refused();
        assert_eq!(scratch.listing(), before, "{flags:?}");
        assert!(!scratch.path("made").exists(), "{flags:?}");
    }
}
