//! `diff`: what a container changed in its files.

use nix::sys::signal::Signal;

use crate::support::{Caller, IMAGE, Image, Layer, Scratch, eventually};

const SCRIPT: &str = "rm -r /seed/deep; echo x >>/seed/file; mkdir -p /new/deep; echo a >/new/file; \
    ln -s nowhere /new/link; chmod 700 /locked; echo v >/data/volume; echo t >/scratch/memory; rm -r /home; mkdir /home; \
    echo mine >/home/me";
const CHANGES: &str = "A /data\nC /home\nD /home/app\nA /home/me\nC /locked\nA /new\nA /new/deep\nA /new/file\n\
    A /new/link\nA /scratch\nC /seed\nD /seed/deep\nC /seed/file";

#[test]
fn every_driver_tells_the_same() {
    for driver in ["overlay", "vfs"] {
        let scratch = Scratch::with_image();
        let flags = ["run", "--name", "one", "--driver", driver, "-v", "data:/data", "--tmpfs", "/scratch"];
        scratch.minirun(flags).args([IMAGE, "sh", "-c", SCRIPT]).run().success();
        assert_eq!(scratch.minirun(["diff", "one"]).run().success(), CHANGES, "{driver}");
        assert_eq!(scratch.minirun(["container", "diff", "one"]).run().success(), CHANGES, "{driver}");
        scratch.assert_nothing_left_running();
    }
}

#[test]
fn a_container_that_changed_nothing_has_no_changes() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "one", IMAGE, "true"]).run().success();
    assert_eq!(scratch.minirun(["diff", "one"]).run().success(), "");
}

#[test]
fn a_running_container_is_told_too() {
    let scratch = Scratch::with_image();
    let script = "echo a >/made; echo ready; exec sleep 1000";
    let running = scratch.minirun(["run", "--rm", "--name", "one", IMAGE, "sh", "-c", script]).start();
    eventually("the container makes its file", || {
        scratch.minirun(["diff", "one"]).run().stdout() == "A /made\n"
    });
    running.signal(Signal::SIGKILL);
    running.wait();
}

#[test]
fn files_of_other_users_are_compared() {
    let scratch = Scratch::with_image();
    if Caller::detect().has_many_ids() {
        let script = "mkdir /private; echo a >/private/file; chown -R 1234:1234 /private; chmod 700 /private";
        scratch.minirun(["run", "--name", "one", IMAGE, "sh", "-c", script]).run().success();
        assert_eq!(scratch.minirun(["diff", "one"]).run().success(), "A /private\nA /private/file");
    }
}

#[test]
fn layers_below_hide_what_they_hide() {
    let scratch = Scratch::with(
        &Image::base()
            .layer(Layer::new().file("seed/whiteout", 0o644, "x"))
            .layer(Layer::new().whiteout("seed/file")),
    );
    let script = "echo again >/seed/file; rm /seed/whiteout";
    scratch.minirun(["run", "--name", "one", IMAGE, "sh", "-c", script]).run().success();
    assert_eq!(scratch.minirun(["diff", "one"]).run().success(), "C /seed\nA /seed/file\nD /seed/whiteout");
}

#[test]
fn what_cannot_be_told_is_refused() {
    let scratch = Scratch::new();
    scratch.minirun(["run", "--name", "one", "host", "true"]).run().success();
    let said = scratch.minirun(["diff", "one"]).run();
    assert!(said.fails(1).contains("container `one` keeps no files of its own"), "{said}");
    scratch.minirun(["diff", "other"]).run().fails(1);
}
