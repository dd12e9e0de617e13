//! What a start spares itself, and that nobody can tell.

use std::time::Duration;
use std::{fs, thread};

use rustix::fs::{FlockOperation, flock};

use crate::support::{IMAGE, Image, Layer, Scratch};

#[test]
fn a_container_that_has_ended_goes_by_itself() {
    let scratch = Scratch::with_image();
    let (store, names) = (scratch.store(), scratch.store().join("names"));
    for script in ["true", "mkdir -p /a/b/c; chmod 0 /a/b", "exit 3", "chmod 0 /; rm -rf /etc"] {
        scratch.shell(&["--name", "gone"], script).run();
        // Nobody sees it any more, and its name is free, whoever still removes its files.
        assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "", "{script}");
        assert_eq!(fs::read_dir(&names).unwrap().count(), 0, "{script}");
        assert_eq!(fs::read_dir(store.join("ephemeral")).unwrap().count(), 0, "{script}");
        scratch.await_ended();
    }
    scratch.assert_nothing_left_running();
}

#[test]
fn what_nobody_removes_any_more_is_swept() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    scratch.await_ended();
    let left = scratch.store().join("ended/left");
    fs::create_dir_all(left.join("upper/etc")).unwrap();
    fs::write(left.join("upper/etc/file"), "x").unwrap();
    let said = scratch.minirun(["system", "check"]).run();
    assert!(said.stdout().contains("ended/left: a process that was killed has left it"), "{said}");
    scratch.shell(&[], "true").run().success();
    assert!(!left.exists());
    fs::create_dir(&left).unwrap();
    scratch.minirun(["system", "check", "--repair"]).run().success();
    assert!(!left.exists());
    assert_eq!(scratch.minirun(["system", "check"]).run().success(), "the store is in order");
}

#[test]
fn a_check_waits_for_whoever_removes_a_container() {
    let scratch = Scratch::with_image();
    scratch.shell(&[], "true").run().success();
    scratch.await_ended();
    let going = scratch.store().join("ended/going");
    fs::create_dir(&going).unwrap();
    let held = fs::File::open(&going).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let remover = thread::spawn({
        let going = going.clone();
        move || {
            thread::sleep(Duration::from_millis(500));
            fs::remove_dir(&going).unwrap();
            drop(held);
        }
    });
    assert_eq!(scratch.minirun(["system", "check"]).run().success(), "the store is in order");
    assert!(!going.exists());
    remover.join().unwrap();
}

#[test]
fn an_empty_directory_of_the_image_lends_its_looks_to_a_volume() {
    let layer = Layer::new().directory("sticky", 0o1777).directory("closed", 0o2750);
    let scratch = Scratch::with(&Image::base().layer(layer));
    for (at, mode) in [("sticky", "1777"), ("closed", "2750")] {
        let flag = format!("{at}:/{at}");
        for _ in 0..2 {
            let script = format!("stat -c '%a %u:%g %Y' /{at}");
            let expected = scratch.shell(&[], &script).run().success();
            assert!(expected.starts_with(mode), "{expected}");
            assert_eq!(scratch.shell(&["-v", &flag], &script).run().success(), expected);
        }
        assert_eq!(fs::read_dir(scratch.store().join("volumes").join(at)).unwrap().count(), 2);
    }
}

#[test]
fn settings_are_written_through_the_procfs_that_the_container_gets() {
    let scratch = Scratch::with_image();
    let script = "cat /proc/sys/kernel/msgmax; grep ' /proc proc ' /proc/mounts";
    let setting = ["--sysctl", "kernel.msgmax=4321"];
    let said = scratch.shell(&setting, script).run().success();
    let usual = scratch.shell(&[], "grep ' /proc proc ' /proc/mounts").run().success();
    assert_eq!(said, format!("4321\n{usual}"));
    assert!(usual.contains("nosuid,nodev,noexec"), "{usual}");
    // One with an option of its own is another.
    let hidden = ["--sysctl", "kernel.msgmax=4321", "--security-opt", "proc-opts=hidepid=2"];
    let said = scratch.shell(&hidden, script).run().success();
    assert!(said.starts_with("4321\n") && said.contains("hidepid="), "{said}");
}

#[test]
fn what_goes_wrong_on_the_way_is_told() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--rm", IMAGE, "no-such-command"]).run().fails(127);
    scratch.minirun(["run", "--rm", IMAGE, "/etc/passwd"]).run().fails(126);
    scratch.minirun(["run", "--rm", "--init", IMAGE, "no-such-command"]).run().fails(127);
    scratch.shell(&[], "sh -c 'kill -9 $$'; exit $?").run().exits(137);
    assert_eq!(scratch.minirun(["ps", "-a", "-q"]).run().success(), "");
    assert_eq!(fs::read_dir(scratch.store().join("names")).unwrap().count(), 0);
}
