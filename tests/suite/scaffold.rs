//! Mount points of throw-away containers: made in memory, and what is seen of them.

use crate::support::{Caller, IMAGE, Image, Layer, Scratch};

/// Rights, owners and types of what a scaffold could change.
const LOOK: &str = "stat -c '%n %a %u:%g %F' / /etc /etc/hosts /etc/mtab /run /var /new /new/deep /new/deep/one /new/deep/file \
    /.dockerenv | sort";

fn flags(scratch: &Scratch) -> Vec<String> {
    let directory = scratch.directory("source");
    let file = scratch.file("source/file", "content");
    let (directory, file) = (directory.display(), file.display());
    [
        "-v",
        &format!("{directory}:/new/deep/one"),
        "-v",
        &format!("{file}:/new/deep/file"),
        "--tmpfs",
        "/link/two",
    ]
    .map(str::to_owned)
    .into()
}

fn image() -> Image {
    Image::base().layer(Layer::new().directory("var", 0o700).symlink("link", "/var"))
}

#[test]
fn what_is_seen_is_as_in_a_container_that_stays() {
    let scratch = Scratch::with(&image());
    let flags = flags(&scratch);
    let run = |more: &[&str]| {
        let call = scratch.minirun(["run"]).args(more).args(&flags).args([IMAGE, "sh", "-c", LOOK]);
        call.run().success()
    };
    assert_eq!(run(&["--rm"]), run(&["--name", "stays"]));
    assert_eq!(run(&["--rm", "--read-only"]), run(&["--name", "fixed", "--read-only"]));
    scratch.assert_nothing_left_running();
}

#[test]
fn nothing_is_on_the_disk() {
    let scratch = Scratch::with(&image());
    let script =
        "grep -c . /proc/self/mountinfo >/dev/null; test -d /new/deep/one && test -d /var/two && echo there";
    let call = scratch.minirun(["run", "--rm", "--name", "one"]).args(flags(&scratch));
    let running = call.args([IMAGE, "sh", "-c", &format!("{script}; sleep 1000")]).start();
    crate::support::eventually("the container runs", || {
        scratch.minirun(["exec", "one", "true"]).run().stderr().is_empty()
    });
    assert_eq!(scratch.minirun(["diff", "one"]).run().success(), "");
    scratch.minirun(["rm", "-f", "one"]).run().success();
    running.wait();
}

#[test]
fn all_files_are_on_one_file_system() {
    let scratch = Scratch::with(&image());
    let script = "echo new >/made; stat -c %d / /etc /etc/passwd /made /bin/busybox | sort -u | wc -l";
    let call = scratch.minirun(["run", "--rm"]).args(flags(&scratch)).args([IMAGE, "sh", "-c", script]);
    assert_eq!(call.run().success(), "1");
}

#[test]
fn directories_on_the_way_can_be_changed() {
    let scratch = Scratch::with(&image());
    let script = "echo a >/new/file && mkdir /new/deep/dir && echo b >/etc/own && chmod 755 /var && mv /etc/own /etc/other \
        && rm /etc/passwd && mkdir /var/mine && cat /new/file /etc/other && ls /etc | grep -c passwd; stat -c %a /var";
    let call = scratch.minirun(["run", "--rm"]).args(flags(&scratch)).args([IMAGE, "sh", "-c", script]);
    assert_eq!(call.run().success(), "a\nb\n0\n755");
}

#[test]
fn owners_on_the_way_stay() {
    let scratch =
        Scratch::with(&Image::base().layer(Layer::new().owned_by(1000, 1000).directory("home/app", 0o2750)));
    let directory = scratch.directory("source");
    let volume = format!("{}:/home/app/one", directory.display());
    let look = "stat -c '%a %u:%g' /home/app; stat -c '%a %u:%g' /home/app/one/.. /home/app";
    let seen = scratch.minirun(["run", "--rm", "-v", &volume, IMAGE, "sh", "-c", look]).run().success();
    let owner = if Caller::detect().has_many_ids() { "2750 1000:1000" } else { "" };
    assert!(seen.lines().all(|line| owner.is_empty() || line == owner), "{seen}");
}

#[test]
fn a_volume_is_not_filled_from_what_the_image_lacks() {
    let scratch = Scratch::with(&image());
    let run = |script: &str| {
        let call = scratch.minirun(["run", "--rm", "-v", "data:/lacking", IMAGE, "sh", "-c", script]);
        call.run().success()
    };
    run("chmod 700 /lacking");
    assert_eq!(run("stat -c %a /lacking"), "700");
}

#[test]
fn what_32_bit_programs_could_not_read_is_not_there() {
    let scratch = Scratch::with(&image());
    let inode = "test $(stat -c %i /new/deep) -lt 4294967296 && echo small";
    for flag in ["--abi32", "--security-opt=seccomp=unconfined"] {
        let call = scratch.minirun(["run", "--rm", flag]).args(flags(&scratch));
        assert_eq!(call.args([IMAGE, "sh", "-c", inode]).run().success(), "small", "{flag}");
    }
}
