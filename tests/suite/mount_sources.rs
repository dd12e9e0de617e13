//! Sources besides directories of the host: images, parts of volumes, volumes with options, other containers.

use std::fs;

use serde_json::json;

use crate::support::{Caller, IMAGE, Image, Layer, Scratch};

const OTHER: &str = "example.test/other:1";

/// A store with a second image of two layers.
fn two_images() -> Scratch {
    let scratch = Scratch::with_image();
    let lower =
        Layer::new().directory("etc", 0o755).file("etc/one", 0o644, "lower").file("etc/two", 0o644, "two");
    let upper = Layer::new().file("etc/one", 0o644, "upper").whiteout("etc/two").symlink("link", "etc");
    scratch.load(&Image::empty().layer(lower).layer(upper), OTHER);
    scratch
}

#[test]
fn an_image_is_mounted_read_only() {
    let scratch = two_images();
    let mount = format!("type=image,src={OTHER},dst=/x");
    let script = "ls /x /x/etc; cat /x/etc/one; touch /x/new 2>&1; true";
    let output = scratch.shell(&["--mount", &mount], script).run().success();
    assert!(output.starts_with("/x:\netc\nlink\n\n/x/etc:\none\nupper"), "{output}");
    assert!(output.contains("Read-only file system"), "{output}");
    let mount = format!("type=image,src={IMAGE},dst=/x");
    assert_eq!(scratch.shell(&["--mount", &mount], "cat /x/seed/file").run().success(), "seeded");
}

#[test]
fn a_writable_image_is_thrown_away() {
    let scratch = two_images();
    let mount = format!("type=image,src={OTHER},dst=/x,rw=true");
    for _ in 0..2 {
        let output = scratch.shell(&["--mount", &mount], "cat /x/etc/one; echo new >/x/etc/one").run();
        assert_eq!(output.success(), "upper");
    }
}

#[test]
fn a_part_of_an_image() {
    let scratch = two_images();
    for (image, subpath, script, expected) in [
        (OTHER, "etc", "ls /x", "one"),
        (OTHER, "link", "ls /x", "one"),
        (OTHER, "link/one", "cat /x", "upper"),
        (IMAGE, "seed", "cat /x/file", "seeded\n"),
    ] {
        let mount = format!("type=image,src={image},dst=/x,image-subpath={subpath}");
        let expected = expected.trim_end();
        assert_eq!(scratch.shell(&["--mount", &mount], script).run().success(), expected, "{subpath}");
    }
    let mount = format!("type=image,src={OTHER},dst=/x,image-subpath=nowhere");
    assert!(scratch.shell(&["--mount", &mount], "true").run().refused().contains("nowhere"));
}

#[test]
fn a_mounted_image_is_in_use() {
    let scratch = two_images();
    let mount = format!("type=image,src={OTHER},dst=/x");
    scratch.minirun(["run", "--name", "user", "--mount", &mount, IMAGE, "true"]).run().success();
    assert!(scratch.minirun(["rmi", OTHER]).run().fails(1).contains("used by a container"));
    scratch.minirun(["rm", "user"]).run().success();
    scratch.minirun(["rmi", OTHER]).run().success();
}

#[test]
fn images_work_with_every_kind_of_root() {
    let scratch = two_images();
    let mount = format!("type=image,src={OTHER},dst=/x");
    for flags in [&["--driver", "vfs"][..], &["--userns", "single"], &["--userns", "keep-id"], &["-u", "0"]] {
        let all: Vec<&str> = flags.iter().copied().chain(["--mount", &mount]).collect();
        assert_eq!(scratch.shell(&all, "cat /x/etc/one").run().success(), "upper", "{flags:?}");
    }
    let run = ["run", "--rm", "--mount", &mount, "host", "cat", "/x/etc/one"];
    assert_eq!(scratch.minirun(run).run().success(), "upper");
}

#[test]
fn a_part_of_a_volume_stays_inside() {
    let scratch = Scratch::with_image();
    let script =
        "mkdir -p /d/a/b; echo hi >/d/a/b/file; ln -s a/b /d/in; ln -s /d/a /d/absolute; ln -s ../.. /d/out
        ln -s / /d/root";
    scratch.shell(&["-v", "data:/d"], script).run().success();
    let mount = |subpath: &str| format!("type=volume,src=data,dst=/x,volume-subpath={subpath}");
    for (subpath, script) in [("a/b", "cat /x/file"), ("in", "cat /x/file"), ("in/file", "cat /x")] {
        assert_eq!(scratch.shell(&["--mount", &mount(subpath)], script).run().success(), "hi", "{subpath}");
    }
    for (subpath, word) in
        [("absolute", "leads out"), ("out", "leads out"), ("root", "leads out"), ("nowhere", "there is no")]
    {
        let outcome = scratch.shell(&["--mount", &mount(subpath)], "true").run();
        assert!(outcome.refused().contains(word), "{subpath}: {outcome}");
    }
    assert_eq!(scratch.shell(&["-v", "data:/d"], "ls /d").run().success(), "a\nabsolute\nin\nout\nroot");
}

#[test]
fn an_empty_part_of_a_volume_is_filled() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/d"], "mkdir /d/part /d/full; touch /d/full/own").run().success();
    let mount = |subpath: &str| format!("type=volume,src=data,dst=/seed,volume-subpath={subpath}");
    assert_eq!(
        scratch.shell(&["--mount", &mount("part")], "ls -A /seed").run().success(),
        "deep\nfile\nlink"
    );
    assert_eq!(scratch.shell(&["--mount", &mount("full")], "ls -A /seed").run().success(), "own");
    let nocopy = mount("full") + ",volume-nocopy";
    assert_eq!(scratch.shell(&["--mount", &nocopy], "ls -A /seed").run().success(), "own");
}

#[test]
fn a_volume_can_be_a_directory_of_the_host() {
    let scratch = Scratch::with_image();
    let device = scratch.directory("device");
    let options = |name: &str, device: &str, words: &str| {
        format!(
            "type=volume,src={name},dst=/seed,volume-opt=type=none,volume-opt=device={device},\"volume-opt=o={words}\""
        )
    };
    let mount = options("backed", device.to_str().unwrap(), "bind");
    assert_eq!(scratch.shell(&["--mount", &mount], "ls -A /seed").run().success(), "deep\nfile\nlink");
    assert!(device.join("file").exists() && device.join("deep").exists());
    // The options are the volume's, whoever mounts it.
    scratch.shell(&["-v", "backed:/x"], "touch /x/new").run().success();
    assert!(device.join("new").exists());
    let read_only = options("protected", device.to_str().unwrap(), "rbind,ro");
    let output = scratch.shell(&["--mount", &read_only], "ls /seed/new; touch /seed/x 2>&1; true").run();
    assert!(output.success().contains("Read-only file system"));
    let part = "type=volume,src=backed,dst=/x,volume-subpath=deep";
    assert_eq!(scratch.shell(&["--mount", part], "ls -A /x").run().success(), ".hidden");
    let missing = options("missing", &scratch.text("nowhere"), "bind");
    assert!(scratch.shell(&["--mount", &missing], "true").run().refused().contains("nowhere"));
    scratch
        .minirun(["volume", "create", "-o", "type=none", "-o", "o=bind", "-o"])
        .args([format!("device={}", scratch.text("later")), "late".to_owned()])
        .run()
        .success();
    assert!(scratch.shell(&["-v", "late:/x"], "true").run().refused().contains("later"));
    scratch.directory("later");
    scratch.shell(&["-v", "late:/x"], "touch /x/now").run().success();
    assert!(scratch.path("later/now").exists());
}

#[test]
fn a_volume_can_be_memory_and_nothing_that_needs_root() {
    let scratch = Scratch::with_image();
    let mount = "type=volume,src=memory,dst=/seed,volume-opt=type=tmpfs,volume-opt=device=tmpfs,\
        \"volume-opt=o=size=1m,noexec\"";
    let script = "grep ' /seed ' /proc/self/mountinfo; ls -A /seed; rm /seed/file";
    for _ in 0..2 {
        let output = scratch.shell(&["--mount", mount], script).run().success();
        assert!(output.contains(" - tmpfs ") && output.contains("size=1024k"), "{output}");
        assert!(output.contains("noexec") && output.ends_with("deep\nfile\nlink"), "{output}");
    }
    let mount =
        "type=volume,src=remote,dst=/x,volume-opt=type=nfs,volume-opt=device=:/x,volume-opt=o=addr=192.0.2.1";
    let outcome = scratch.shell(&["--mount", mount], "true").run();
    if Caller::detect() != Caller::Root {
        assert!(outcome.refused().contains("only root"), "{outcome}");
    }
}

#[test]
fn a_new_volume_can_be_mounted_twice() {
    let scratch = Scratch::with_image();
    let flags = ["-v", "data:/a", "-v", "data:/b:ro"];
    assert_eq!(scratch.shell(&flags, "echo both >/a/file; cat /b/file").run().success(), "both");
}

#[test]
fn the_mounts_of_other_containers() {
    let scratch = Scratch::with_image();
    let own = scratch.directory("own");
    fs::write(own.join("file"), "own").unwrap();
    let bind = format!("{}:/bind:ro", own.display());
    let donor =
        ["run", "--name", "donor", "-v", &bind, "-v", "data:/data", "-v", "/anonymous", "--tmpfs", "/memory"];
    let script = "echo data >/data/file; echo anonymous >/anonymous/file";
    scratch.minirun(donor).args([IMAGE, "sh", "-c", script]).run().success();
    let script = "cat /bind/file /data/file /anonymous/file; touch /bind/x 2>/dev/null || echo refused
        grep -c ' /memory ' /proc/self/mountinfo; true";
    let output = scratch.shell(&["--volumes-from", "donor"], script).run().success();
    assert_eq!(output, "owndata\nanonymous\nrefused\n0");
    let script = "touch /data/x 2>/dev/null || echo refused";
    assert_eq!(scratch.shell(&["--volumes-from", "donor:ro"], script).run().success(), "refused");
    let script = "touch /bind/x 2>/dev/null || echo refused";
    assert_eq!(scratch.shell(&["--volumes-from", "donor:rw"], script).run().success(), "refused");
    let flags = ["--volumes-from", "donor", "-v", "mine:/data", "-v", "/anonymous"];
    assert_eq!(scratch.shell(&flags, "ls /data; cat /anonymous/file").run().success(), "anonymous");
    // Nothing of this has removed what the donor still has.
    let output = scratch.shell(&["--volumes-from", "donor"], "cat /anonymous/file").run();
    assert_eq!(output.success(), "anonymous");
    assert!(scratch.shell(&["--volumes-from", "nobody"], "true").run().refused().contains("nobody"));
}

#[test]
fn the_later_donor_wins_and_volumes_of_the_image_give_way() {
    let scratch = Scratch::with_image();
    scratch.load(&Image::base().config("Volumes", json!({ "/data": {} })), OTHER);
    for name in ["one", "two"] {
        let flag = format!("{name}-data:/data");
        let script = format!("echo {name} >/data/file");
        let run = ["run", "--name", name, "-v", &flag, IMAGE, "sh", "-c", &script];
        scratch.minirun(run).run().success();
    }
    let run = ["run", "--rm", "--volumes-from", "one", "--volumes-from", "two", OTHER, "cat", "/data/file"];
    assert_eq!(scratch.minirun(run).run().success(), "two");
}

#[test]
fn an_anonymous_volume_goes_with_the_last_container_that_has_it() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "donor", "-v", "/data", IMAGE, "true"]).run().success();
    let taker = ["run", "--name", "taker", "--volumes-from", "donor", IMAGE, "true"];
    scratch.minirun(taker).run().success();
    let volumes = || fs::read_dir(scratch.store().join("volumes")).unwrap().count();
    scratch.minirun(["rm", "-v", "donor"]).run().success();
    assert_eq!(volumes(), 1);
    scratch.minirun(["rm", "-v", "taker"]).run().success();
    assert_eq!(volumes(), 0);
}
