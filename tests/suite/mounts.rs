//! Binds, tmpfs, the default mounts, read-only, and the writable layer.

use std::fs;

use serde_json::json;

use crate::support::{IMAGE, Image, Layer, Scratch, can_mount, require};

#[test]
fn a_bind_shows_the_host_s_files_both_ways() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    fs::write(shared.join("in"), "from host").unwrap();
    for flag in [
        format!("--volume={}:/new/deep", shared.display()),
        format!("--mount=type=bind,source={},target=/new/deep", shared.display()),
        format!("--mount=type=bind,src={},dst=/new/deep", shared.display()),
    ] {
        let output = scratch.shell(&[&flag], "cat /new/deep/in; echo from container >/new/deep/out").run();
        assert_eq!(output.success(), "from host");
        assert_eq!(fs::read_to_string(shared.join("out")).unwrap(), "from container\n");
    }
}

#[test]
fn a_relative_bind_starts_where_the_caller_stands() {
    let scratch = Scratch::with_image();
    let here = scratch.directory("here");
    fs::write(here.join("file"), "here").unwrap();
    for (source, path) in [("./", "/x/file"), (".", "/x/file"), ("../here", "/x/file"), ("./file", "/x")] {
        let flag = format!("{source}:/x");
        let call = scratch.shell(&["-v", &flag], &format!("cat {path}")).current_dir(&here);
        assert_eq!(call.run().success(), "here", "{source}");
    }
}

#[test]
fn odd_names_are_literal() {
    let scratch = Scratch::with_image();
    let odd = scratch.directory("a b,c=d\"e'\n\u{e4}");
    fs::write(odd.join("file"), "odd").unwrap();
    let flag = format!("{}:/to here,x", odd.display());
    assert_eq!(scratch.shell(&["-v", &flag], "cat '/to here,x/file'").run().success(), "odd");
}

#[test]
fn a_single_file_can_be_bound() {
    let scratch = Scratch::with_image();
    let file = scratch.file("one", "file");
    let flag = format!("{}:/etc/os-release:ro", file.display());
    assert_eq!(scratch.shell(&["-v", &flag], "cat /etc/os-release").run().success(), "file");
    let flag = format!("{}:/new/one", file.display());
    assert_eq!(scratch.shell(&["-v", &flag], "cat /new/one").run().success(), "file");
}

#[test]
fn a_missing_source_is_made_for_v_and_refused_for_mount() {
    let scratch = Scratch::with_image();
    let missing = scratch.text("made/deep");
    scratch.shell(&["--mount", &format!("type=bind,src={missing},dst=/x")], "true").run().refused();
    assert!(!scratch.path("made").exists());
    scratch.shell(&["-v", &format!("{missing}:/x")], "touch /x/file").run().success();
    assert!(scratch.path("made/deep/file").exists());
}

#[test]
fn a_read_only_bind_refuses_writes() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    for flag in [
        format!("--volume={}:/x:ro", shared.display()),
        format!("--mount=type=bind,src={},dst=/x,readonly", shared.display()),
        format!("--mount=type=bind,src={},dst=/x,ro=true", shared.display()),
    ] {
        let output = scratch.shell(&[&flag], "touch /x/file 2>&1; true").run().stdout();
        assert!(output.contains("Read-only file system"), "{output}");
        assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
    }
}

#[test]
fn a_read_only_bind_refuses_writes_in_its_submounts_too() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    scratch.directory("shared/sub");
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let script = "set -e; mount -t tmpfs tmpfs \"$SCRATCH/shared/sub\"; echo x >\"$SCRATCH/shared/sub/file\"
        \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null
        \"$MINIRUN\" run --rm -v \"$SCRATCH/shared:/x:ro\" example.test/base:1 \\
            sh -c 'cat /x/sub/file; touch /x/new 2>&1; touch /x/sub/new 2>&1; (echo y >/x/sub/file) 2>&1; true'";
    let output = scratch.mounting_script(script).run().success();
    assert!(output.starts_with("x\n"), "{output}");
    assert_eq!(output.matches("Read-only file system").count(), 3, "{output}");
}

#[test]
fn tmpfs_options() {
    let scratch = Scratch::with_image();
    let script = "grep ' /x ' /proc/self/mountinfo; stat -c %a /x";
    let output = scratch.shell(&["--tmpfs", "/x"], script).run().success();
    for word in ["nosuid", "nodev", "noexec", " tmpfs "] {
        assert!(output.contains(word), "{word}: {output}");
    }
    assert!(output.ends_with("\n1777"), "{output}");
    let output = scratch.shell(&["--tmpfs", "/x:size=64k,mode=700,exec,ro"], script).run().success();
    assert!(
        output.contains("size=64k") && output.ends_with("\n700") && !output.contains("noexec"),
        "{output}"
    );
    assert!(output.contains(" ro,"), "{output}");
    let mount = "type=tmpfs,dst=/x,tmpfs-size=1m,tmpfs-mode=0750";
    let output = scratch.shell(&["--mount", mount], script).run().success();
    assert!(output.contains("size=1024k") && output.ends_with("\n750"), "{output}");
    for bad in ["x", "/", "/x:size", "/x:nonsense", "/x:uid=abc"] {
        scratch.shell(&["--tmpfs", bad], "true").run().refused();
    }
}

#[test]
fn a_tmpfs_takes_the_mode_of_the_image_s_directory() {
    let scratch = Scratch::with_image();
    assert_eq!(scratch.shell(&["--tmpfs", "/locked"], "stat -c %a /locked").run().success(), "750");
}

#[test]
fn a_tmpfs_is_empty_and_gone_afterwards() {
    let scratch = Scratch::with_image();
    let script = "ls -A /seed; touch /seed/file";
    for _ in 0..2 {
        assert_eq!(scratch.shell(&["--tmpfs", "/seed"], script).run().success(), "");
    }
    assert_eq!(
        scratch.shell(&["--tmpfs", "/x:size=64k"], "dd if=/dev/zero of=/x/f bs=1k count=128").run().code,
        Some(1)
    );
}

#[test]
fn mounts_inside_mounts() {
    let scratch = Scratch::with_image();
    let outer = scratch.directory("outer");
    let flags = ["--tmpfs", "/x/inner", "-v", &format!("{}:/x", outer.display())];
    scratch.shell(&flags, "touch /x/kept /x/inner/gone").run().success();
    assert!(outer.join("kept").exists() && !outer.join("inner/gone").exists());
}

#[test]
fn destinations_never_leave_the_container() {
    let scratch = Scratch::new();
    let victim = scratch.directory("victim");
    let layer = Layer::new().symlink("out", victim.to_str().unwrap()).symlink("up", "../../../..");
    scratch.load(&Image::base().layer(layer), IMAGE);
    let shared = scratch.directory("shared");
    fs::write(shared.join("file"), "shared").unwrap();
    for destination in ["/out/a", "/up/b", "/../../c"] {
        let flag = format!("{}:{destination}", shared.display());
        let output = scratch.shell(&["-v", &flag], &format!("cat {destination}/file")).run();
        assert_eq!(output.success(), "shared", "{destination}");
    }
    assert_eq!(fs::read_dir(victim).unwrap().count(), 0);
    let flag = ["-w", "/out/workdir"];
    let _ = scratch.shell(&flag, "true").run();
    assert!(!scratch.path("victim/workdir").exists());
}

#[test]
fn the_writable_layer_is_private() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "echo x >/new; echo changed >/etc/os-release; rm -r /seed").run().success();
    let script = "cat /etc/os-release; ls -d /new 2>/dev/null; ls -A /seed";
    assert_eq!(scratch.shell(&[], script).run().success(), "ID=minirun-test\ndeep\nfile\nlink");
}

#[test]
fn everything_of_the_image_can_be_changed() {
    let scratch = Scratch::with_image();
    let script = "set -e; rm -r /seed; mkdir /seed; ls -A /seed; mv /etc/os-release /moved; cat /moved
        echo more >>/etc/group; tail -n 1 /etc/group; chmod 700 /locked; stat -c %a /locked";
    assert_eq!(scratch.shell(&[], script).run().success(), "ID=minirun-test\nmore\n700");
}

#[test]
fn a_read_only_root() {
    let scratch = Scratch::with_image();
    let script = "touch /new 2>&1; (echo x >/etc/os-release) 2>&1; echo ok >/dev/shm/x; cat /dev/shm/x";
    let output = scratch.shell(&["--read-only"], script).run().stdout();
    assert_eq!(output.matches("Read-only file system").count(), 2, "{output}");
    assert!(output.ends_with("ok\n"), "{output}");
    let flags = ["--read-only", "--tmpfs", "/tmp", "-v", "data:/data", "-w", "/made"];
    assert_eq!(
        scratch.shell(&flags, "echo x >/tmp/a; echo y >/data/b; cat /tmp/a /data/b; pwd").run().success(),
        "x\ny\n/made"
    );
}

#[test]
fn the_default_mounts() {
    let scratch = Scratch::with_image();
    let mounts = scratch.shell(&[], "cat /proc/self/mountinfo").run().success();
    for (destination, kind, options) in [
        ("/proc", "proc", &["nosuid", "nodev", "noexec"][..]),
        ("/dev", "tmpfs", &["nosuid"]),
        ("/dev/pts", "devpts", &["nosuid", "noexec"]),
        ("/dev/shm", "tmpfs", &["nosuid", "nodev", "noexec"]),
        ("/dev/mqueue", "mqueue", &["nosuid", "nodev", "noexec"]),
        ("/sys", "sysfs", &["ro", "nosuid", "nodev", "noexec"]),
    ] {
        let mount = format!(" {destination} ");
        let line = mounts.lines().find(|line| line.contains(&mount));
        let line = line.unwrap_or_else(|| panic!("no {destination}:\n{mounts}"));
        assert!(line.contains(&format!(" - {kind} ")), "{line}");
        let attributes: Vec<_> = line.split(' ').nth(5).unwrap().split(',').collect();
        for option in options {
            assert!(attributes.contains(option), "{option}: {line}");
        }
        assert_eq!(attributes.contains(&"noexec"), options.contains(&"noexec"), "{line}");
    }
    assert!(mounts.contains(" - tmpfs shm rw,size=65536k"), "{mounts}");
    let script =
        "cat /etc/hostname /etc/hosts /etc/resolv.conf >/dev/null; echo x >>/etc/hosts; tail -n 1 /etc/hosts";
    assert_eq!(scratch.shell(&[], script).run().success(), "x");
    assert_eq!(scratch.shell(&[], "stat -c %a /dev/shm /dev/pts/ptmx").run().success(), "1777\n666");
}

#[test]
fn device_nodes_are_used_like_any() {
    let scratch = Scratch::with_image();
    let script = "touch /dev/null && echo x >/dev/null && : >>/dev/zero && head -c 3 /dev/zero | wc -c
        echo x >/dev/full; stat -c '%F %a %t:%T' /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty";
    let nodes = scratch.shell(&[], script).run();
    let expected =
        ["1:3", "1:5", "1:7", "1:8", "1:9", "5:0"].map(|node| format!("\ncharacter special file 666 {node}"));
    assert_eq!(nodes.success(), format!("3{}", expected.concat()));
    // The host's own stay as they are, whoever the container's root is.
    let before = fs::metadata("/dev/null").unwrap().permissions();
    scratch.shell(&[], "chmod 600 /dev/null; chown 1 /dev/null; true").run().success();
    scratch.shell(&["--tmpfs", "/dev"], "echo x >/dev/null && chmod 600 /dev/null; true").run().success();
    assert_eq!(fs::metadata("/dev/null").unwrap().permissions(), before);
}

#[test]
fn no_mount_is_shared_with_the_host() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    let flag = format!("{}:/x", shared.display());
    let mounts = scratch.shell(&["-v", &flag], "cat /proc/self/mountinfo").run().success();
    assert!(!mounts.contains(" shared:"), "{mounts}");
    scratch.assert_nothing_left_running();
}

#[test]
fn no_mount_is_visible_outside_while_it_runs() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let flag = format!("{}:/ready", ready.display());
    let script = "touch /ready/go; while [ -e /ready/go ]; do sleep 0.05; done";
    let running = scratch.shell(&["-v", &flag, "-v", "data:/data"], script).start();
    crate::support::eventually("the container runs", || ready.join("go").exists());
    scratch.assert_nothing_left_running();
    fs::remove_file(ready.join("go")).unwrap();
    running.wait().success();
}

#[test]
fn two_mounts_at_one_place_are_refused() {
    let scratch = Scratch::with_image();
    for flags in [
        &["-v", "one:/x", "-v", "two:/x"][..],
        &["-v", "one:/x", "-v", "two:/x/"],
        &["-v", "one:/x", "--tmpfs", "/x"],
        &["-v", "one:/x", "--mount", "type=tmpfs,dst=/x"],
    ] {
        let outcome = scratch.shell(flags, "true").run();
        assert!(outcome.refused().contains("/x"), "{outcome}");
    }
    scratch.shell(&["-v", "one:/x", "-v", "one:/x"], "true").run().success();
}

#[test]
fn bad_mounts_are_refused_before_anything_is_made() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    for bad in [
        "",
        ":",
        ":/c",
        "vol:",
        "vol:/c:",
        "/h::ro",
        "a:/b:/c:d",
        "vol:c",
        "/h:c",
        "/path:ro",
        "vol:/",
        "vol:/a/..",
        "x/y:/c",
        "~/x:/c",
        "-bad:/c",
        "vol:/c:nonsense",
        "vol:/c:RO",
        "vol:/c:ro,",
        "vol:/c:ro,ro",
        "vol:/c:ro,rw",
        "data",
        "v:/c",
    ] {
        let flag = format!("--volume={bad}");
        scratch.shell(&["-v", "good:/good", &flag], "true").run().refused();
    }
    for bad in [
        "",
        "type=bind,dst=/x",
        "type=nonsense,dst=/x",
        "type=volume",
        "dst=relative",
        "dst=/",
        "src=a b,dst=/x",
        "type=tmpfs,src=/tmp,dst=/x",
        "dst=/x,nonsense=1",
        "dst=/x,readonly=maybe",
        "dst=/x,",
        "dst=/x,src=",
        "type=tmpfs,dst=/x,tmpfs-mode=9",
        "type=tmpfs,dst=/x,tmpfs-size=lots",
        "type=bind,src=/etc,dst=/x,tmpfs-size=1",
        "dst=/x,src=\"a",
        "type=volume,dst=/x,bind-propagation=rprivate",
    ] {
        let flag = format!("--mount={bad}");
        scratch.shell(&["-v", "good:/good", &flag], "true").run().refused();
    }
    assert_eq!(scratch.listing(), before);
}

#[test]
fn volumes_of_the_image_stay_writable_and_give_way() {
    let scratch = Scratch::with(&Image::base().config("Volumes", json!({ "/seed": {} })));
    let output = scratch.shell(&["--read-only"], "ls -A /seed; touch /seed/new").run();
    assert_eq!(output.success(), "deep\nfile\nlink");
    assert_eq!(scratch.shell(&["--tmpfs", "/seed"], "ls -A /seed").run().success(), "");
    assert_eq!(scratch.shell(&["-v", "mine:/seed"], "ls -A /seed").run().success(), "deep\nfile\nlink");
}
