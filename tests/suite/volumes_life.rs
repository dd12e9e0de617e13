//! What volumes live through: removal and return, containers that start and die meanwhile, copies that are cut short.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::sys::signal::Signal;

use crate::support::{Caller, IMAGE, Image, Layer, Outcome, Running, Scratch, eventually, require};

fn volume(scratch: &Scratch, args: &[&str]) -> Outcome {
    scratch.minirun([&["volume"], args].concat()).run()
}

fn write(scratch: &Scratch, name: &str, text: &str) {
    let flag = format!("{name}:/data");
    scratch.shell(&["-v", &flag], &format!("echo {text} >/data/file")).run().success();
}

fn read(scratch: &Scratch, name: &str) -> String {
    let flag = format!("{name}:/data");
    scratch.shell(&["-v", &flag], "cat /data/file").run().success()
}

#[test]
fn a_removed_volume_comes_back() {
    let scratch = Scratch::with_image();
    write(&scratch, "data", "first");
    volume(&scratch, &["rm", "data"]).success();
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "");
    // A script that begins afresh does so.
    volume(&scratch, &["create", "data"]).success();
    assert_eq!(scratch.shell(&["-v", "data:/data"], "ls -A /data").run().success(), "");
    write(&scratch, "data", "second");
    volume(&scratch, &["rm", "data"]).success();
    assert_eq!(volume(&scratch, &["ls", "--trash", "-q"]).success(), "data\ndata");
    assert_eq!(volume(&scratch, &["restore", "data"]).success(), "data");
    assert_eq!(read(&scratch, "data"), "second");
    let outcome = volume(&scratch, &["restore", "data"]);
    assert!(outcome.fails(1).contains("minirun volume restore data --as OTHER"), "{outcome}");
    assert_eq!(volume(&scratch, &["restore", "data", "--as", "old"]).success(), "old");
    assert_eq!(read(&scratch, "old"), "first");
    assert!(volume(&scratch, &["restore", "data"]).fails(1).contains("already"));
    assert!(volume(&scratch, &["restore", "none"]).fails(1).contains("there is no removed volume `none`"));
    assert!(!scratch.store().join("trash").exists());
}

#[test]
fn the_trash_is_emptied_by_time_and_by_hand() {
    let scratch = Scratch::with_image();
    let remove = |name: &str, keep: &str| {
        write(&scratch, name, "x");
        scratch.minirun(["volume", "rm", name]).env("MINIRUN_TRASH", keep).run().success();
    };
    remove("none", "0");
    assert!(!scratch.store().join("trash").exists());
    remove("short", "1ms");
    assert_eq!(volume(&scratch, &["ls", "--trash", "-q"]).success(), "");
    scratch.shell(&[], "true").run().success();
    assert!(!scratch.store().join("trash").exists());
    remove("long", "7days");
    let table = volume(&scratch, &["ls", "--trash"]).success();
    assert!(table.starts_with("VOLUME NAME") && table.contains("KEPT UNTIL"), "{table}");
    let df = scratch.minirun(["system", "df"]).run().success();
    assert!(df.contains("Volume Trash"), "{df}");
    scratch.minirun(["volume", "prune", "--trash"]).input("n\n").run().success();
    assert_eq!(volume(&scratch, &["ls", "--trash", "-q"]).success(), "long");
    let emptied = volume(&scratch, &["prune", "--trash", "-f"]).success();
    assert!(emptied.starts_with("Deleted Volumes:\nlong\n\nTotal reclaimed space: "), "{emptied}");
    assert!(!scratch.store().join("trash").exists());
    write(&scratch, "gone", "x");
    volume(&scratch, &["rm", "--purge", "gone"]).success();
    volume(&scratch, &["restore", "gone"]).fails(1);
    let outcome = scratch.minirun(["volume", "rm", "gone"]).env("MINIRUN_TRASH", "soon").run();
    assert!(outcome.fails(1).contains("MINIRUN_TRASH=soon"), "{outcome}");
}

#[test]
fn files_of_other_ids_go_with_their_volume() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let script = "mkdir -p /data/a/b; echo x >/data/a/b/c; chown -R 1234:1234 /data/a; chmod 700 /data/a";
    for flags in [&["rm", "--purge", "data"][..], &["prune", "-a", "-f", "--purge"]] {
        scratch.shell(&["-v", "data:/data"], script).run().success();
        volume(&scratch, flags).success();
        assert_eq!(fs::read_dir(scratch.store().join("tmp")).unwrap().count(), 0);
        assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "");
    }
    scratch.shell(&["-v", "data:/data"], script).run().success();
    let listed = volume(&scratch, &["ls", "-s", "--format", "{{.Size}}"]).success();
    assert_ne!(listed, "0B");
}

#[test]
fn a_volume_is_in_use_as_long_as_its_container_exists() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let bind = format!("{}:/ready", ready.display());
    let script = "touch /ready/go; while [ -e /ready/go ]; do sleep 0.05; done";
    let running = scratch.shell(&["--name", "busy", "-v", "data:/data", "-v", &bind], script).start();
    eventually("the container runs", || ready.join("go").exists());
    assert!(volume(&scratch, &["rm", "data"]).fails(1).contains("in use by container `busy`"));
    volume(&scratch, &["prune", "-a", "-f"]).success();
    assert_eq!(volume(&scratch, &["ls", "-q", "-f", "dangling=false"]).success(), "data");
    fs::remove_file(ready.join("go")).unwrap();
    running.wait().success();
    assert_eq!(volume(&scratch, &["ls", "-q", "-f", "dangling=true"]).success(), "data");
    volume(&scratch, &["rm", "data"]).success();
}

#[test]
fn a_killed_container_keeps_no_volume_in_use() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let bind = format!("{}:/ready", ready.display());
    let running = scratch
        .shell(&["-v", "data:/data", "-v", "/anonymous", "-v", &bind], "touch /ready/go; sleep 1000")
        .start();
    eventually("the container runs", || ready.join("go").exists());
    running.signal(Signal::SIGKILL);
    running.wait();
    eventually("the volume is free", || volume(&scratch, &["rm", "--purge", "data"]).code == Some(0));
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "");
}

#[test]
fn anonymous_volumes_go_with_rm_v_only() {
    let scratch = Scratch::with_image();
    let run = |name: &str| {
        scratch
            .minirun(["run", "--name", name, "-v", "/data", "-v", "named:/x", IMAGE, "true"])
            .run()
            .success();
    };
    let count = || volume(&scratch, &["ls", "-q"]).success().lines().count();
    run("one");
    assert_eq!(count(), 2);
    scratch.minirun(["rm", "one"]).run().success();
    assert_eq!(count(), 2);
    run("two");
    assert_eq!(count(), 3);
    scratch.minirun(["rm", "-v", "two"]).run().success();
    assert_eq!(count(), 2);
    assert!(!scratch.store().join("trash").exists());
    let anonymous = volume(&scratch, &["ls", "-q", "-f", "label=com.docker.volume.anonymous"]).success();
    assert_eq!(anonymous.len(), 64);
}

#[test]
fn a_start_and_a_removal_meet() {
    let scratch = Scratch::with_image();
    for _ in 0..10 {
        let starts: Vec<Running> = (0..3)
            .map(|_| {
                scratch
                    .shell(&["-v", "data:/data"], "own=/data/$(cat /etc/hostname); echo x >$own && cat $own")
                    .start()
            })
            .collect();
        let removals: Vec<Running> =
            (0..3).map(|_| scratch.minirun(["volume", "rm", "-f", "data"]).start()).collect();
        for start in starts {
            assert_eq!(start.wait().success(), "x");
        }
        for removal in removals {
            let outcome = removal.wait();
            let in_use = outcome.code == Some(1) && outcome.stderr().contains("is in use");
            assert!(outcome.code == Some(0) || in_use, "{outcome}");
        }
    }
}

/// An image with a directory that takes a moment to copy.
fn with_many_files() -> Scratch {
    let mut layer = Layer::new();
    for directory in 0..20 {
        for file in 0..20 {
            layer = layer.file(format!("seed/many/{directory}/{file}"), 0o644, "content\n");
        }
    }
    Scratch::with(&Image::base().layer(layer))
}

#[test]
fn fifty_starts_fill_a_new_volume_once() {
    let scratch = with_many_files();
    // The first thing that each sees is all of it.
    let script = "find /seed/many -type f | wc -l; mkdir /seed/$(cat /etc/hostname)";
    let running: Vec<_> = (0..50).map(|_| scratch.shell(&["-v", "new:/seed"], script).start()).collect();
    for running in running {
        assert_eq!(running.wait().success().trim(), "400");
    }
    let left =
        scratch.shell(&["-v", "new:/seed"], "ls /seed | grep -vc -e many -e deep -e file -e link").run();
    assert_eq!(left.success().trim(), "50");
    let names: Vec<_> = fs::read_dir(scratch.store().join("volumes/new")).unwrap().flatten().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_copy_that_is_killed_is_made_again() {
    let scratch = with_many_files();
    let count = "find /seed/many -type f | wc -l";
    for delay in [0, 2, 5, 10, 20, 30, 50, 80] {
        let running = scratch.shell(&["-v", "new:/seed"], count).start();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        running.signal(Signal::SIGKILL);
        running.wait();
        let seen = scratch.shell(&["-v", "new:/seed:ro"], count).run();
        assert_eq!(seen.success().trim(), "400", "after {delay} ms");
        volume(&scratch, &["rm", "--purge", "-f", "new"]);
    }
}

#[test]
fn a_copy_that_finds_no_room_leaves_an_empty_volume() {
    require!(crate::support::can_mount(), "this machine does not let the caller mount");
    let scratch = Scratch::new();
    let image = Image::base().layer(Layer::new().file("big/file", 0o644, vec![7; 6 << 20]));
    image.write_layout(&scratch.path("layout"), IMAGE);
    scratch.directory("small");
    // Room for the image and a little more, but not for a copy of the file.
    let script = format!(
        "set -e; cd \"$SCRATCH\"; mount -t tmpfs -o size=200m tmpfs small; export MINIRUN_STORE=\"$SCRATCH/small/store\"
         $MINIRUN load -q -i layout >/dev/null
         room=$(df -k small | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
         head -c $(((room - 3072) * 1024)) /dev/zero >small/filler
         $MINIRUN volume create new >/dev/null
         $MINIRUN run --rm -v new:/big {IMAGE} true || echo code $?
         find small/store/volumes/new -type f | wc -l
         $MINIRUN run --rm -v new:/other {IMAGE} sh -c 'ls -A /other; echo works'"
    );
    let outcome = scratch.mounting_script(&script).run();
    assert_eq!(outcome.success(), "code 125\n1\nworks", "{outcome}");
    assert!(outcome.stderr().contains("ENOSPC"), "{outcome}");
}

#[test]
fn an_empty_directory_gives_its_looks() {
    let owner = if Caller::detect().has_many_ids() { (1234, 2345) } else { (0, 0) };
    let layer = Layer::new().owned_by(owner.0, owner.1).directory("empty", 0o1770);
    let scratch = Scratch::with(&Image::base().layer(layer));
    let looks = "stat -c '%u:%g %a %Y' /empty";
    let expected = scratch.shell(&[], looks).run().success();
    assert_eq!(scratch.shell(&["-v", "new:/empty"], looks).run().success(), expected);
    assert_eq!(
        scratch.shell(&["-v", "new:/empty"], "touch /empty/x; stat -c %a /empty").run().success(),
        "1770"
    );
    // What the image does not have is root's.
    assert_eq!(
        scratch.shell(&["-v", "missing:/none"], "stat -c '%u:%g %a' /none").run().success(),
        "0:0 755"
    );
}

#[test]
fn copies_keep_times_links_and_kinds() {
    let layer = Layer::new()
        .pax(&[("mtime", "1000000000")])
        .directory("kinds", 0o751)
        .file("kinds/file", 0o640, "x")
        .hard_link("kinds/same", "kinds/file")
        .symlink("kinds/dangling", "/no/where")
        .symlink("kinds/absolute", "/etc/passwd")
        .fifo("kinds/pipe")
        .directory("kinds/sticky", 0o1777)
        .file("kinds/.hidden", 0o600, "y");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let script = "cd /kinds; ls -A; stat -c '%n %F %a %h %Y %s' file same dangling absolute pipe sticky .hidden; \
                  readlink dangling absolute; stat -c %Y .";
    let expected = scratch.shell(&[], script).run().success();
    assert!(expected.ends_with("1000000000"), "{expected}");
    assert_eq!(scratch.shell(&["-v", "copy:/kinds"], script).run().success(), expected);
    let file = fs::metadata(scratch.store().join("volumes/copy/_data/file")).unwrap();
    let same = fs::metadata(scratch.store().join("volumes/copy/_data/same")).unwrap();
    assert_eq!(file.ino(), same.ino());
}

#[test]
fn a_device_node_that_cannot_be_made_is_left_out_with_a_word() {
    require!(Caller::detect() == Caller::Root, "only root can make the device node to copy");
    let scratch = Scratch::with_image();
    let script = "set -e; cd \"$SCRATCH\"; cp -a \"$(find store/layers -name tree | head -n 1)\" root
         mkdir root/nodes; echo x >root/nodes/file; mknod root/nodes/null c 1 3; mkdir root/nodes/deep
         mknod root/nodes/deep/loop b 7 0; $MINIRUN run --rm -v whole:/nodes rootfs:root ls -A /nodes
         $MINIRUN run --rm --userns single -v part:/nodes rootfs:root ls -A /nodes /nodes/deep";
    let outcome = scratch.host_script(script).run();
    assert_eq!(outcome.success(), "deep\nfile\nnull\n/nodes:\ndeep\nfile\n\n/nodes/deep:");
    assert!(outcome.stderr().contains("left `/null` and 1 more out of a volume"), "{outcome}");
}

#[test]
fn attributes_come_along_where_the_file_system_takes_them() {
    let layer = Layer::new().pax(&[("SCHILY.xattr.user.test", "a value")]).file("marked/file", 0o644, "x");
    let scratch = Scratch::with(&Image::base().layer(layer));
    scratch.shell(&["-v", "kept:/marked"], "true").run().success();
    let mut value = [0; 16];
    let copy = scratch.store().join("volumes/kept/_data/file");
    assert_eq!(rustix::fs::getxattr(copy, "user.test", &mut value[..]), Ok(7));
    // A ramfs has none.
    volume(&scratch, &["create", "memory", "-o", "type=ramfs", "-o", "device=ramfs"]).success();
    assert_eq!(scratch.shell(&["-v", "memory:/marked"], "cat /marked/file").run().success(), "x");
}
