//! What a container may not do and not see.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{Caller, IMAGE, Image, Layer, Scratch, require};

/// `CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP`.
const DEFAULT: u64 =
    1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 18 | 1 << 31;

/// Inheritable, permitted, effective, bounding and ambient, in this order.
#[track_caller]
fn capabilities(scratch: &Scratch, flags: &[&str]) -> [u64; 5] {
    let output = scratch.shell(flags, "grep ^Cap /proc/self/status | cut -f2").run().success();
    let sets: Vec<_> = output.lines().map(|line| u64::from_str_radix(line, 16).unwrap()).collect();
    sets.try_into().unwrap()
}

#[test]
fn the_default_capabilities() {
    let scratch = Scratch::with_image();
    assert_eq!(capabilities(&scratch, &[]), [0, DEFAULT, DEFAULT, DEFAULT, 0]);
}

#[test]
fn capabilities_of_another_user() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let [inheritable, _, effective, bounding, ambient] = capabilities(&scratch, &["-u", "app"]);
    assert_eq!((inheritable, effective, bounding, ambient), (0, 0, DEFAULT, 0));
}

#[test]
fn capabilities_added_and_dropped() {
    let scratch = Scratch::with_image();
    let net_admin = 1 << 12;
    for (flags, expected) in [
        (&["--cap-drop", "ALL"][..], 0),
        (&["--cap-drop", "chown"], DEFAULT & !1),
        (&["--cap-drop", "CAP_CHOWN", "--cap-add", "net_admin"], DEFAULT & !1 | net_admin),
        (&["--cap-drop", "all", "--cap-add", "CAP_NET_ADMIN"], net_admin),
        (&["--cap-drop", "NET_ADMIN", "--cap-add", "NET_ADMIN"], DEFAULT | net_admin),
    ] {
        assert_eq!(capabilities(&scratch, flags), [0, expected, expected, expected, 0], "{flags:?}");
    }
    scratch.shell(&["--cap-add", "NONSENSE"], "true").run().refused();
    scratch.shell(&["--cap-drop", "NONSENSE"], "true").run().refused();
}

#[test]
fn no_new_privileges() {
    let scratch = Scratch::with_image();
    assert_eq!(scratch.shell(&[], "grep NoNewPrivs /proc/self/status | cut -f2").run().success(), "1");
}

#[test]
fn system_paths_are_shown_to_those_who_ask() {
    let scratch = Scratch::with_image();
    let script = "cut -d' ' -f5 /proc/self/mountinfo | grep -E '^/proc/(keys|sys)$|^/etc/hidden$'; true";
    for (options, covered) in [
        (&[][..], "/proc/sys /proc/keys"),
        (&["systempaths=unconfined"], ""),
        (&["unmask=ALL", "mask=/proc/keys"], "/proc/keys"),
        (&["unmask=/proc/k*"], "/proc/sys"),
        (&["unmask=/proc/sys:/proc/keys"], ""),
        (&["seccomp=unconfined", "apparmor=unconfined", "label=disable"], "/proc/sys /proc/keys"),
    ] {
        let flags: Vec<&str> = options.iter().flat_map(|option| ["--security-opt", option]).collect();
        let output = scratch.shell(&flags, script).run().success();
        let (mut seen, mut wanted): (Vec<_>, Vec<_>) =
            (output.lines().collect(), covered.split(' ').collect());
        seen.sort_unstable();
        wanted.sort_unstable();
        wanted.retain(|path| !path.is_empty());
        assert_eq!(seen, wanted, "{options:?}");
    }
    assert!(scratch.shell(&["--security-opt", "mask=here"], "true").run().refused().contains("mask=here"));
}

#[test]
fn privileged_is_all_that_the_user_namespace_has() {
    let scratch = Scratch::with_image();
    let script = "grep ^CapEff /proc/self/status | cut -f2; grep NoNewPrivs /proc/self/status | cut -f2
        cut -d' ' -f5 /proc/self/mountinfo | grep -c '^/proc/'
        grep ' /sys ' /proc/self/mountinfo | cut -d' ' -f6";
    let output = scratch.shell(&["--privileged"], script).run().success();
    let mut lines = output.lines();
    let effective = u64::from_str_radix(lines.next().unwrap(), 16).unwrap();
    // SYS_ADMIN, SYS_PTRACE, MKNOD
    assert_eq!(effective & (1 << 21 | 1 << 19 | 1 << 27), 1 << 21 | 1 << 19 | 1 << 27, "{output}");
    assert_eq!((lines.next(), lines.next()), (Some("0"), Some("0")), "{output}");
    assert!(lines.next().unwrap().starts_with("rw,"), "{output}");
    scratch.shell(&["--privileged", "--tmpfs", "/m"], "mount -t tmpfs none /m").run().success();
}

#[test]
fn the_old_root_is_gone() {
    let scratch = Scratch::with_image();
    let mounts = scratch.shell(&[], "cut -d' ' -f5 /proc/self/mountinfo").run().success();
    assert_eq!(mounts.lines().filter(|&line| line == "/").count(), 1, "{mounts}");
    let script = "ls /proc/1/root/ | sort | tr '\\n' ' '; ls -d /../../proc/1/root/../..";
    let output = scratch.shell(&[], script).run().success();
    assert!(output.contains("seed"), "{output}");
    let host_has = scratch.shell(&[], "ls -d /proc/1/cwd/../../../..$0 2>/dev/null; true");
    let listing = host_has.args([scratch.text("store")]).run().success();
    assert_eq!(listing, "");
}

#[test]
fn masked_paths_show_nothing() {
    let scratch = Scratch::with_image();
    let script = "for f in kcore keys latency_stats timer_list sched_debug interrupts timer_stats; do
            test -e /proc/$f && cat /proc/$f
        done
        for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
            test -d $d && ls -A $d
        done; true";
    assert_eq!(scratch.shell(&[], script).run().success(), "");
}

#[test]
fn read_only_paths_refuse_writes() {
    let scratch = Scratch::with_image();
    let script = "for d in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger /sys; do
            test -e $d || continue
            grep -q \" $d ro\" /proc/self/mountinfo || echo $d
        done";
    assert_eq!(scratch.shell(&[], script).run().success(), "");
    let write = "(echo x >/proc/sys/kernel/hostname) 2>&1";
    assert!(scratch.shell(&[], write).run().stdout().contains("Read-only file system"));
}

#[test]
fn devices_are_the_few_there_must_be() {
    let scratch = Scratch::with_image();
    let listing = scratch.shell(&[], "ls /dev").run().success();
    let mut names: Vec<_> = listing.lines().filter(|&name| name != "core").collect();
    names.sort_unstable();
    let mut expected = vec![
        "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty",
        "urandom", "zero",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    let script = "for d in null zero full random urandom tty; do test -c /dev/$d || echo $d; done
        echo x >/dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c
        for l in fd stdin ptmx; do readlink /dev/$l; done";
    let output = scratch.shell(&[], script).run().success();
    let words: Vec<_> = output.split_whitespace().collect();
    assert_eq!(words, ["4", "4", "/proc/self/fd", "/proc/self/fd/0", "pts/ptmx"]);
}

#[test]
fn mounting_and_device_nodes_are_refused() {
    let scratch = Scratch::with_image();
    // The host's programs: the small image has neither.
    let run = |command: &[&str]| scratch.minirun(["run", "--rm", "host"]).args(command).run();
    assert_ne!(run(&["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).code, Some(0));
    assert_ne!(run(&["mknod", "/mnt/disk", "b", "8", "0"]).code, Some(0));
}

#[test]
fn setuid_programs_give_nothing() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    // A shell that is setuid root, started by another user.
    let script = "cp /bin/id /tmp/id; chmod 4755 /tmp/id";
    scratch.minirun(["run", "--rm", "-v", "tools:/tmp", IMAGE, "sh", "-c", script]).run().success();
    let run = ["run", "--rm", "-u", "app", "-v", "tools:/tmp", IMAGE, "/tmp/id", "-u"];
    assert_eq!(scratch.minirun(run).run().success(), "1234");
}

#[test]
fn the_init_of_minirun_gives_nothing_away() {
    let scratch = Scratch::with_image();
    let script = "tr '\\0' ' ' </proc/1/cmdline; cat /proc/1/environ 2>&1; ls -l /proc/1/exe 2>&1; chmod 777 /proc/1/exe 2>&1; true";
    let output =
        scratch.shell(&["--init", "-e", "TOKEN=a-secret"], script).env("HIDDEN", "host-secret").run();
    let text = output.success();
    assert!(!text.contains("-secret") && !text.contains("minirun"), "{text}");
    assert_eq!(text.matches("ermission denied").count(), 3, "{text}");
}

#[test]
fn the_host_s_device_nodes_cannot_be_changed() {
    let scratch = Scratch::with_image();
    let script = "chmod 600 /dev/full 2>&1; chown 1:1 /dev/null 2>&1; touch -d 2001-01-01 /dev/zero 2>&1
        chmod 600 /proc/keys 2>&1; echo x >/dev/null && head -c 3 /dev/zero | wc -c";
    let nodes = || {
        ["/dev/full", "/dev/null", "/dev/zero"].map(|node| {
            let metadata = fs::metadata(node).unwrap();
            (metadata.mode(), metadata.uid(), metadata.gid(), metadata.mtime() < 1_000_000_000)
        })
    };
    let before = nodes();
    let output = scratch.shell(&[], script).run().success();
    assert!(output.contains("/proc/keys: Read-only file system"), "{output}");
    assert!(output.ends_with('3'), "{output}");
    assert_eq!(nodes(), before);
}

#[test]
fn a_symlink_of_the_image_leads_no_mount_into_proc() {
    let layer = Layer::new().symlink("data", "/proc").symlink("deep", "proc/sys");
    let scratch = Scratch::with(&Image::base().layer(layer));
    for destination in ["/data", "/deep", "/data/sys"] {
        for flags in [
            ["--tmpfs", destination],
            ["-v", &format!("some:{destination}")],
            ["-v", &format!("/etc:{destination}")],
        ] {
            let run = scratch.shell(&[flags[0], flags[1], "--network", "host"], "true").run();
            assert!(run.refused().contains("/proc"), "{run}");
        }
    }
    assert!(!scratch.store().join("volumes/some").exists());
}
