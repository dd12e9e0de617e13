//! A mount that cannot be had is refused with the flag and the words that asked for it, and a hint that fits.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{IMAGE, Scratch};

/// Flags that the words of a command line have, and what its error says: behind `error: `, and anywhere.
const MISTAKES: [(&[&str], &str, &str); 25] = [
    (
        &["--mount", "type=bind,src=./none,dst=/x"],
        "cannot mount `--mount type=bind,src=./none,dst=/x`",
        "`bind-create-src` makes a directory",
    ),
    (&["-v", "./none:/x:no-dereference"], "cannot mount `-v ./none:/x:no-dereference`", "nothing is made"),
    (&["-v", "./file/sub:/x"], "cannot mount `-v ./file/sub:/x`", "something on the way to it is a file"),
    (&["-v", "./dangling:/x"], "cannot mount `-v ./dangling:/x`", "is a symlink to `nowhere`"),
    (&["-v", "./dangling:/x"], "cannot mount `-v ./dangling:/x`", "add `no-dereference`"),
    (&["-v", "./loop:/x"], "cannot mount `-v ./loop:/x`", "lead in a circle"),
    (&["-v", "/proc/none:/x"], "cannot mount `-v /proc/none:/x`", "it cannot be made"),
    (
        &["-v", "./dir:/x:O,upperdir=./none,workdir=./dir"],
        "cannot mount `-v ./dir:/x:O,upperdir=./none,workdir=./dir`",
        "must be directories that are there",
    ),
    (&["-v", "./file:/x:cow"], "cannot mount `-v ./file:/x:cow`", "it is a file"),
    (&["-v", "/:/x:cow"], "cannot mount `-v /:/x:cow`", "something is mounted at"),
    (&["-v", "/etc:/x:U"], "cannot mount `-v /etc:/x:U`", "give it a directory of its own"),
    (&["-v", "none:/x:nocreate"], "cannot mount `-v none:/x:nocreate`", "there is no volume `none`"),
    (
        &["--mount", "src=new,dst=/x,volume-subpath=a"],
        "cannot mount `--mount src=new,dst=/x,volume-subpath=a`",
        "there is no `a` in the volume `new`",
    ),
    (
        &["--mount", "type=image,src=none,dst=/x"],
        "cannot mount `--mount type=image,src=none,dst=/x`",
        "there is no image `none`",
    ),
    (
        &["--mount", "type=image,src=host,dst=/x"],
        "cannot mount `--mount type=image,src=host,dst=/x`",
        "type=bind,source=/usr",
    ),
    (
        &["--mount", "type=image,src=example.test/base:1,dst=/x,image-subpath=none"],
        "there is no `none`",
        "cannot mount `--mount type=image,src=example.test/base:1,dst=/x,image-subpath=none`",
    ),
    (
        &["--mount", "type=glob,src=./none*,dst=/x"],
        "cannot mount `--mount type=glob,src=./none*,dst=/x`",
        "nothing matches `./none*`",
    ),
    (
        &["--mount", "src=new,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/none"],
        "cannot mount `--mount src=new,dst=/x,volume-opt=type=none,",
        "its device is `/none`",
    ),
    (
        &["--mount", "src=new,dst=/x,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=foo"],
        "the kernel does not take this option",
        "cannot mount `--mount src=new,dst=/x,volume-opt=type=tmpfs,",
    ),
    (&["--volumes-from", "nobody"], "cannot use `--volumes-from nobody`", "there is no container `nobody`"),
    (
        &["--volume-driver", "foo", "-v", "new:/x"],
        "cannot use `--volume-driver foo`",
        "no volume driver `foo`",
    ),
    (&["-v", "./file:/etc"], "`/etc` is a directory in the container", "cannot mount `-v ./file:/etc`"),
    (&["-v", "./dir:/proc"], "nothing but a procfs", "cannot mount `-v ./dir:/proc`"),
    (&["--tmpfs", "/x:mpol=bind:999"], "no such memory node", "cannot mount `--tmpfs /x:mpol=bind:999`"),
    (
        &["-v", "./dir:/x:ro", "-v", "new:/x/sub"],
        "what it lies in is read-only",
        "cannot mount `-v new:/x/sub`",
    ),
];

/// A directory with a file, a directory and two symlinks that lead nowhere.
fn scene() -> Scratch {
    let scratch = Scratch::with_image();
    let here = scratch.directory("here");
    fs::write(here.join("file"), "text").unwrap();
    fs::create_dir(here.join("dir")).unwrap();
    symlink("nowhere", here.join("dangling")).unwrap();
    symlink("loop", here.join("loop")).unwrap();
    scratch
}

#[test]
fn every_mistake_is_told_with_the_words_that_were_typed() {
    let scratch = scene();
    scratch.warm_up().success();
    let before = (scratch.listing(), fs::read_dir(scratch.path("here")).unwrap().count());
    for (flags, one, other) in MISTAKES {
        let call = scratch.shell(flags, "true").current_dir(&scratch.path("here")).run();
        let said = call.refused();
        assert!(said.contains(one) && said.contains(other), "{call}");
        let first = said.lines().next().unwrap();
        assert!(first.contains(flags[1]) || first.starts_with("error: cannot start"), "{call}");
        assert!(!said.contains("drive letters"), "{call}");
        let now = (scratch.listing(), fs::read_dir(scratch.path("here")).unwrap().count());
        assert_eq!(now, before, "{call}");
    }
}

#[test]
fn a_directory_takes_the_place_of_no_file_that_every_container_has() {
    let scratch = scene();
    for name in ["hosts", "hostname", "resolv.conf"] {
        for flags in [
            ["-v".to_owned(), format!("./dir:/etc/{name}")],
            ["-v".to_owned(), format!("data:/etc/{name}")],
            ["--tmpfs".to_owned(), format!("/etc/{name}")],
        ] {
            let flags = flags.each_ref().map(String::as_str);
            let call = scratch.shell(&flags, "true").current_dir(&scratch.path("here")).run();
            assert!(call.refused().contains(&format!("`/etc/{name}` is a file in the container")), "{call}");
        }
        let own = format!("./file:/etc/{name}");
        let call = scratch.shell(&["-v", &own], &format!("cat /etc/{name}"));
        assert_eq!(call.current_dir(&scratch.path("here")).run().success(), "text");
    }
}

#[test]
fn a_mount_that_comes_later_is_refused_in_the_same_way() {
    let scratch = scene();
    let running = scratch.minirun(["run", "--rm", "--name", "web", IMAGE, "sleep", "1000"]).start();
    crate::support::eventually("the container runs", || {
        scratch.minirun(["mounts", "web"]).run().stdout().contains("/proc")
    });
    let here = scratch.path("here");
    let call = scratch.minirun(["mount", "web", "./dangling:/x"]).current_dir(&here).run();
    let said = call.stderr();
    assert!(said.contains("cannot mount `-v ./dangling:/x`") && said.contains("nowhere"), "{call}");
    let call = scratch.minirun(["mount", "web", "./file:/etc"]).current_dir(&here).run();
    assert!(call.stderr().contains("cannot mount `-v ./file:/etc`"), "{call}");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
}
