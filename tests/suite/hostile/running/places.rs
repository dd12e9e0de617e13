//! What an image has where something of the container's own is to be.

use serde_json::json;

use super::super::archive::{Header, Tar};
use super::super::case::Case;
use super::super::parts::Parts;
use super::{over, with};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = kernels();
    cases.extend(devices());
    cases.extend(generated());
    cases.extend(volumes());
    cases.extend(working_directories());
    cases
}

fn kernels() -> Vec<Case> {
    let about = "CVE-2019-16884, CVE-2025-52881: masks and settings go where /proc and /sys are";
    let symlink = |name: &'static str, to: &'static str| move || Tar::new().symlink(name, to);
    vec![
        over(symlink("proc", "/tmp"), "run-proc-symlink", about).fails(&["true"], 125, "symlink"),
        over(symlink("proc", "."), "run-proc-symlink-root", about).fails(&["true"], 125, "symlink"),
        over(symlink("proc", "nowhere"), "run-proc-symlink-dangling", about).fails(&["true"], 125, "symlink"),
        over(symlink("proc", "/../../../../../../proc"), "run-proc-symlink-out", about).fails(
            &["true"],
            125,
            "symlink",
        ),
        over(symlink("proc", "proc"), "run-proc-symlink-loop", about).fails(&["true"], 125, "symlink"),
        over(|| Tar::new().file("proc", ""), "run-proc-file", about).fails(&["true"], 125, "/proc"),
        over(symlink("sys", "/tmp"), "run-sys-symlink", about).fails(&["true"], 125, "symlink"),
        over(symlink("sys", "/tmp"), "run-sys-symlink-of-host", about)
            .fails(&["true"], 125, "symlink")
            .run_flags(&["--network", "host"]),
        over(
            || {
                Tar::new()
                    .directory("proc/self/")
                    .file("proc/self/status", "fake")
                    .symlink("proc/keys", "/tmp")
            },
            "run-proc-filled",
            about,
        )
        .prints(&["sh", "-c", "grep -c fake /proc/self/status; cat /proc/keys"], "0"),
        over(|| Tar::new().symlink("tmp", "proc"), "run-proc-by-another-name", about)
            .fails(&["true"], 125, "/proc")
            .run_flags(&["--tmpfs", "/tmp"]),
        // Nothing is there to be covered.
        Case::new("run-no-directories", "/proc, /sys and /dev are made where they are missing", |_| {
            Parts::base()
                .layer(Tar::new().file(".wh.proc", "").file(".wh.sys", "").file(".wh.dev", ""))
                .layout()
        })
        .prints(
            &["sh", "-c", "test -d /proc/self && test -d /sys/kernel && test -c /dev/null && echo yes"],
            "yes",
        ),
    ]
}

fn devices() -> Vec<Case> {
    let about =
        "CVE-2025-31133, CVE-2025-52565, CVE-2026-41579: nodes and masks come from the host, by descriptor";
    let probe = &["sh", "-c", "echo x >/dev/null; test -c /dev/null && cat /dev/null /proc/keys && echo yes"];
    let null = || Tar::new().directory("dev/").symlink("dev/null", "/proc/sysrq-trigger");
    vec![
        over(null, "run-dev-null-symlink", about).prints(probe, "yes"),
        Case::new("run-dev-symlink", about, |canary| {
            Parts::base().layer(Tar::new().symlink("dev", canary.to_str().unwrap())).layout()
        })
        .fails(&["true"], 125, "symlink"),
        over(|| Tar::new().symlink("dev", "tmp"), "run-dev-symlink-inside", about).fails(
            &["true"],
            125,
            "symlink",
        ),
        over(|| Tar::new().file("dev", "file"), "run-dev-file", about).fails(&["true"], 125, "/dev"),
        over(|| Tar::new().symlink("data", "/dev"), "run-dev-by-another-name", about)
            .fails(&["true"], 125, "/dev")
            .run_flags(&["-v", "anything:/data"]),
    ]
}

fn generated() -> Vec<Case> {
    let about = "CVE-2019-18837, CVE-2015-3629: no file of minirun's is written through an image's symlink";
    let files = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];
    let at = move |to: &str| {
        let to = to.to_owned();
        move || files.iter().fold(Tar::new().directory("etc/"), |tar, file| tar.symlink(file, &to))
    };
    let show = &["sh", "-c", "cat /etc/hostname"];
    vec![
        Case::new("run-etc-files-symlink", about, |canary| {
            let to = |name: &str| canary.join(name).to_str().unwrap().to_owned();
            let layer = Tar::new().directory("etc/").symlink("etc/hostname", to("file"));
            let layer =
                layer.symlink("etc/hosts", to("private/secret")).symlink("etc/resolv.conf", to("new"));
            Parts::base().layer(layer).layout()
        })
        .prints(show, "here")
        .run_flags(&["--hostname", "here"]),
        over(
            || {
                Tar::new()
                    .directory("etc/")
                    .symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
            },
            "run-etc-resolv-systemd",
            "images of distributions have it",
        )
        .prints(
            &["sh", "-c", "test -f /etc/resolv.conf && readlink /etc/resolv.conf"],
            "../run/systemd/resolve/stub-resolv.conf",
        ),
        over(
            || Tar::new().directory("etc/").symlink("etc/hostname", "../../../../../../../../run/file"),
            "run-etc-files-dotdot",
            about,
        )
        .prints(&["sh", "-c", "cat /etc/hostname /run/file"], "here\nhere")
        .run_flags(&["--hostname", "here"]),
        over(at("/proc/self/environ"), "run-etc-files-proc", about)
            .prints(&["sh", "-c", "echo runs"], "runs"),
        over(at("/dev/null"), "run-etc-files-dev-null", about).prints(
            &["sh", "-c", "echo x >/dev/null; cat /etc/hosts; test -c /dev/null && echo runs"],
            "runs",
        ),
        over(at("hosts"), "run-etc-files-loop", about).prints(&["sh", "-c", "echo runs"], "runs"),
        over(at("/"), "run-etc-files-root", about).prints(&["sh", "-c", "echo runs"], "runs"),
        over(|| Tar::new().directory("etc/hosts/"), "run-etc-files-directory", about)
            .prints(&["sh", "-c", "test -d /etc/hosts && echo runs"], "runs"),
        over(|| Tar::new().header(Header::new(b'6', "etc/hosts")), "run-etc-files-fifo", about)
            .prints(&["sh", "-c", "test -p /etc/hosts && echo runs"], "runs"),
        Case::new("run-etc-symlink", about, |canary| {
            Parts::base().layer(Tar::new().symlink("etc", canary.to_str().unwrap())).layout()
        })
        .prints(show, "here")
        .run_flags(&["--hostname", "here"]),
        over(|| Tar::new().file("etc", ""), "run-etc-file", about).prints(&["sh", "-c", "echo runs"], "runs"),
        Case::new("run-tmp-run-symlink", about, |canary| {
            let to = canary.to_str().unwrap();
            Parts::base().layer(Tar::new().symlink("run", to).symlink("tmp", to)).layout()
        })
        .prints(&["sh", "-c", "echo runs"], "runs"),
        over(
            || {
                Tar::new()
                    .symlink(".dockerenv", "/etc/passwd")
                    .symlink("run", ".")
                    .symlink(".containerenv", "/x")
            },
            "run-markers-symlink",
            about,
        )
        .prints(&["sh", "-c", "head -c 5 /etc/passwd; test -e /x || echo clean"], "root:clean"),
    ]
}

fn volumes() -> Vec<Case> {
    let about =
        "CVE-2024-1753, CVE-2022-23648: a VOLUME is a place in the root, and what fills it comes from there";
    let volume = |name: &str, place: &'static str, layer: fn() -> Tar| {
        with(name, about, ("Volumes", json!({ place: {} })), layer)
    };
    let none: fn() -> Tar = || Tar::new().directory("data/").file("data/file", "filled\n");
    let link: fn() -> Tar =
        || Tar::new().directory("real/").file("real/file", "filled\n").symlink("data", "real");
    let out: fn() -> Tar = || Tar::new().symlink("data", "../../../../../../../etc");
    let kernel: fn() -> Tar = || Tar::new().symlink("data", "/proc");
    let ours: fn() -> Tar = || Tar::new().symlink("data", "/dev");
    let root: fn() -> Tar = || Tar::new().symlink("data", "/");
    let hint = "--image-volume ignore";
    let mut cases: Vec<_> = ["/proc", "/proc/", "/proc/self", "/sys", "/dev", "/", "/..", "/x/../proc"]
        .into_iter()
        .enumerate()
        .map(|(number, place)| {
            let name = format!("run-volume-kernel-{number}");
            volume(&name, place, none).fails(&["true"], 125, hint)
        })
        .collect();
    cases.extend([
        volume("run-volume-over-root", "/proc", none).fails(&["true"], 125, hint),
        volume("run-volume-ignored", "/proc", none)
            .prints(&["echo", "runs"], "runs")
            .run_flags(&["--image-volume", "ignore"]),
        volume("run-volume", "/data", none).prints(&["cat", "/data/file"], "filled"),
        volume("run-volume-link", "/data", link)
            .prints(&["cat", "/data/file", "/real/file"], "filled\nfilled"),
        volume("run-volume-link-out", "/data", out).prints(&["head", "-c", "5", "/data/passwd"], "root:"),
        volume("run-volume-link-proc", "/data", kernel).fails(&["true"], 125, "/proc"),
        volume("run-volume-link-dev", "/data", ours).fails(&["true"], 125, "/dev"),
        volume("run-volume-link-root", "/data", root).fails(&["true"], 125, "root of the container"),
        volume("run-volume-etc", "/etc", none)
            .prints(&["sh", "-c", "head -c 5 /etc/passwd; cat /etc/hostname"], "root:here")
            .run_flags(&["--hostname", "here"]),
        volume("run-volume-dotdot", "/../../data/../data", none).prints(&["cat", "/data/file"], "filled"),
        volume("run-volume-symlinks-inside", "/data", || {
            Tar::new().directory("data/").symlink("data/passwd", "/etc/passwd").symlink("data/up", "../..")
        })
        .prints(&["sh", "-c", "readlink /data/passwd; readlink /data/up"], "/etc/passwd\n../.."),
        volume("run-volume-cgroup", "/sys/fs/cgroup", none).prints(&["echo", "runs"], "runs"),
    ]);
    cases
}

fn working_directories() -> Vec<Case> {
    let about = "CVE-2024-21626: the working directory is made and entered inside";
    let directory = |name: &str, path: &'static str, layer: fn() -> Tar| {
        with(name, about, ("WorkingDir", json!(path)), layer)
    };
    let none: fn() -> Tar = Tar::new;
    let pwd = &["sh", "-c", "/bin/pwd"];
    let mut cases: Vec<_> = (3..30)
        .step_by(4)
        .flat_map(|number| [format!("/proc/self/fd/{number}"), format!("/proc/self/fd/{number}/../..")])
        .enumerate()
        .map(|(number, path)| {
            let name = format!("run-workdir-procfd-{number}");
            Case::new(name, about, move |_| Parts::base().field("WorkingDir", json!(path)).layout())
        })
        .map(|case| {
            // `/proc/self/fd/N/../..` is `/proc/self` before anything is looked up, as Docker has it.
            let is_clean =
                case.name.trim_start_matches("run-workdir-procfd-").parse::<u32>().unwrap() % 2 == 1;
            if is_clean {
                case.prints(&["sh", "-c", "test -e status && echo inside"], "inside")
            } else {
                case.fails(&["true"], 125, "working directory")
            }
        })
        .collect();
    cases.extend([
        Case::new("run-workdir-symlink-out", about, |canary| {
            let layer = Tar::new().symlink("work", canary.to_str().unwrap());
            Parts::base().layer(layer).field("WorkingDir", json!("/work/made/here")).layout()
        })
        .prints(&["sh", "-c", "ls -d /work/made/here"], "/work/made/here"),
        directory("run-workdir-dotdot-link", "/work/new", || Tar::new().symlink("work", "../../../../tmp"))
            .prints(&["sh", "-c", "/bin/pwd; ls -d /tmp/new"], "/tmp/new\n/tmp/new"),
        directory("run-workdir-procfd-link", "/work", || Tar::new().symlink("work", "/proc/self/fd/3"))
            .fails(&["true"], 125, "working directory"),
        directory("run-workdir-cwd-link", "/work", || Tar::new().symlink("work", "/proc/1/cwd")).fails(
            &["true"],
            125,
            "working directory",
        ),
        directory("run-workdir-loop", "/work", || Tar::new().symlink("work", "work")).fails(
            &["true"],
            125,
            "working directory",
        ),
        directory("run-workdir-file", "/etc/passwd", none).fails(&["true"], 126, "working directory"),
        directory("run-workdir-below-file", "/etc/passwd/x", none).fails(&["true"], 125, "working directory"),
        directory("run-workdir-relative", "work/here", none).prints(pwd, "/work/here"),
        directory("run-workdir-dotdot", "/../../work/../x", none).prints(pwd, "/x"),
        directory("run-workdir-missing", "/a/b/c", none).prints(pwd, "/a/b/c"),
        directory("run-workdir-empty", "", none).prints(pwd, "/"),
        directory("run-workdir-slashes", "//work//./here/", none).prints(pwd, "/work/here"),
        directory("run-workdir-proc", "/proc/self", none)
            .prints(&["sh", "-c", "test -e status && echo inside"], "inside"),
        directory("run-workdir-in-proc", "/proc/made", none).fails(&["true"], 125, "working directory"),
        Case::new("run-workdir-volume", about, |_| {
            let parts = Parts::base().field("WorkingDir", json!("/data/new"));
            parts.field("Volumes", json!({ "/data": {} })).layout()
        })
        .prints(pwd, "/data/new"),
        Case::new("run-workdir-long", about, |_| {
            Parts::base().field("WorkingDir", json!(format!("/{}", "x".repeat(300)))).layout()
        })
        .fails(&["true"], 125, "working directory"),
        directory("run-workdir-nul", "/work\0/x", none).fails(&["true"], 125, "NUL"),
    ]);
    cases
}
