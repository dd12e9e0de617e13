//! Every mount that a container has, and no other.

use crate::support::{IMAGE, Scratch};

/// What has to be there, with its file system and what is said of the mount, among other things.
const NEEDED: [(&str, &str, &str); 10] = [
    ("/", "overlay", "rw,nodev"),
    ("/proc", "proc", "rw,nosuid,nodev,noexec"),
    ("/dev", "tmpfs", "rw,nosuid"),
    ("/dev/pts", "devpts", "rw,nosuid,noexec"),
    ("/dev/mqueue", "mqueue", "rw,nosuid,nodev,noexec"),
    ("/dev/shm", "tmpfs", "rw,nosuid,nodev,noexec"),
    ("/sys", "sysfs", "ro,nosuid,nodev,noexec"),
    ("/etc/hosts", "", "rw"),
    ("/etc/hostname", "", "rw"),
    ("/etc/resolv.conf", "", "rw"),
];

/// What may be there, as machines and users differ; `*` is one name.
const ALLOWED: [(&str, &str, &str); 29] = [
    ("/sys/fs/cgroup", "cgroup2", "ro,nosuid,nodev,noexec"),
    // Nodes of the host's, where none can be made.
    ("/dev/null", "", "nosuid,noexec"),
    ("/dev/zero", "", "nosuid,noexec"),
    ("/dev/full", "", "nosuid,noexec"),
    ("/dev/random", "", "nosuid,noexec"),
    ("/dev/urandom", "", "nosuid,noexec"),
    ("/dev/tty", "", "nosuid,noexec"),
    // Read-only.
    ("/proc/bus", "proc", "ro"),
    ("/proc/fs", "proc", "ro"),
    ("/proc/irq", "proc", "ro"),
    ("/proc/sys", "proc", "ro"),
    ("/proc/sysrq-trigger", "proc", "ro"),
    // Masks: files by a node, directories by an empty one.
    ("/proc/interrupts", "", "ro,nosuid,noexec"),
    ("/proc/kcore", "", "ro,nosuid,noexec"),
    ("/proc/keys", "", "ro,nosuid,noexec"),
    ("/proc/latency_stats", "", "ro,nosuid,noexec"),
    ("/proc/sched_debug", "", "ro,nosuid,noexec"),
    ("/proc/timer_list", "", "ro,nosuid,noexec"),
    ("/proc/timer_stats", "", "ro,nosuid,noexec"),
    ("/proc/acpi", "tmpfs", "ro"),
    ("/proc/asound", "tmpfs", "ro"),
    ("/proc/scsi", "tmpfs", "ro"),
    ("/sys/devices/virtual/powercap", "tmpfs", "ro"),
    ("/sys/firmware", "tmpfs", "ro"),
    ("/sys/fs/selinux", "tmpfs", "ro"),
    ("/sys/devices/system/cpu/*/thermal_throttle", "tmpfs", "ro"),
    // What the kernel mounts itself when somebody looks.
    ("/proc/sys/fs/binfmt_misc", "autofs", "ro"),
    ("/sys/kernel/debug/tracing", "tracefs", "ro"),
    ("/sys/kernel/tracing", "tracefs", "ro"),
];

/// Mount point, options and file system of every line.
fn mounts(text: &str) -> Vec<(String, Vec<String>, String)> {
    let words = |text: &str| text.split(',').map(str::to_owned).collect();
    text.lines()
        .map(|line| {
            let (front, back) = line.split_once(" - ").unwrap();
            let fields: Vec<&str> = front.split(' ').collect();
            (fields[4].to_owned(), words(fields[5]), back.split(' ').next().unwrap().to_owned())
        })
        .collect()
}

fn fits(pattern: &str, point: &str) -> bool {
    let (pattern, point): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), point.split('/').collect());
    pattern.len() == point.len() && pattern.iter().zip(point).all(|(one, other)| *one == "*" || *one == other)
}

#[track_caller]
fn assert_golden(text: &str) {
    let mounts = mounts(text);
    for (point, ..) in NEEDED {
        let count = mounts.iter().filter(|mount| mount.0 == point).count();
        assert_eq!(count, 1, "{point}\n{text}");
    }
    for (point, options, kind) in &mounts {
        let known = NEEDED.iter().chain(&ALLOWED).find(|(pattern, ..)| fits(pattern, point));
        let Some((_, wanted, words)) = known else { panic!("{point} is too much\n{text}") };
        assert!(wanted.is_empty() || kind == wanted, "{point} is {kind}\n{text}");
        let has = |word: &str| options.iter().any(|option| option == word);
        assert!(words.split(',').all(has), "{point} is {options:?} and should be {words}\n{text}");
    }
}

#[test]
fn the_mounts_of_a_container() {
    let scratch = Scratch::with_image();
    let show = ["cat", "/proc/self/mountinfo"];
    assert_golden(&scratch.minirun(["run", "--rm", IMAGE]).args(show).run().success());
    assert_golden(&scratch.minirun(["run", "--rm", "--init", IMAGE]).args(show).run().success());
    let id = scratch.detach(&[], "sleep 1000");
    let of_exec = scratch.minirun(["exec", &id]).args(show).run().success();
    assert_golden(&of_exec);
    assert_eq!(scratch.minirun(["exec", &id, "cat", "/proc/1/mountinfo"]).run().success(), of_exec);
}
