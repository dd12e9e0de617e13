//! The image `host`: the machine's own root filesystem under a throw-away layer.

use crate::support::{Scratch, can_mount, require};

#[test]
fn modes_are_the_machine_s_whatever_the_umask() {
    let scratch = Scratch::new();
    let script = "umask 077; \"$MINIRUN\" run --rm host stat -c '%a %n' /tmp /var/tmp /etc /usr
        stat -c '%a %n' /tmp /var/tmp /etc /usr";
    let output = scratch.host_script(script).run().success();
    let lines: Vec<_> = output.lines().collect();
    let (inside, outside) = lines.split_at(4);
    assert_eq!(inside, outside);
}

#[test]
fn what_is_written_is_thrown_away() {
    let scratch = Scratch::new();
    let run = |script: &str| scratch.minirun(["run", "--rm", "host", "sh", "-c", script]).run();
    assert_eq!(run("echo new >/etc/minirun-test; mkdir /made; cat /etc/minirun-test").success(), "new");
    assert_eq!(run("ls -d /etc/minirun-test /made 2>/dev/null; true").success(), "");
    assert!(!std::path::Path::new("/etc/minirun-test").exists());
}

#[test]
fn read_only_is_all_of_it() {
    let scratch = Scratch::new();
    let script =
        "for d in / /etc/ /usr/ /var/tmp/ /tmp/; do touch ${d}minirun-test && echo wrote $d; done 2>&1; true";
    let run = scratch.minirun(["run", "--rm", "--read-only", "host", "sh", "-c", script]).run();
    let output = run.success();
    assert_eq!(output.matches("Read-only file system").count(), 5, "{output}");
}

#[test]
fn files_beside_a_mount_are_still_there() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    // What every container engine does to the /etc of its containers.
    let script = "mount --bind /etc/hosts /etc/hosts || exit 99
        \"$MINIRUN\" run --rm host sh -c 'ls -A /etc; head -1 /etc/passwd; cat /etc/hostname' >\"$SCRATCH/inside\"
        { ls -A /etc; head -1 /etc/passwd; } >\"$SCRATCH/outside\"";
    scratch.mounting_script(script).run().success();
    let lines = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(scratch.path(name)).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let (inside, outside) = (lines("inside"), lines("outside"));
    let lost: Vec<_> = outside.iter().filter(|line| !inside.contains(line)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_machine_s_services_are_out_of_reach() {
    let scratch = Scratch::new();
    let run = scratch
        .minirun(["run", "--rm", "host", "sh", "-c", "find /run -type s; ls /dev | wc -l; ls -A /sys/fs/bpf"])
        .run();
    let output = run.success();
    assert!(output.lines().next().unwrap().trim().parse::<u32>().unwrap() < 20, "{output}");
}

#[test]
fn a_directory_with_mounts_below_is_no_root_filesystem_for_a_user() {
    if rustix::process::geteuid().is_root() {
        return; // who may look under mounts
    }
    let scratch = Scratch::new();
    let outcome = scratch.minirun(["run", "--rm", "rootfs:/", "true"]).run();
    let refused = outcome.refused();
    assert!(refused.contains("something is mounted at") && refused.contains("`host`"), "{refused}");
    assert!(!scratch.store().exists());
}
