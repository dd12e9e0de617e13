//! What an image says of its command, environment and labels: data, and nothing that minirun does.

use serde_json::json;

use super::super::archive::{Header, Tar};
use super::super::case::Case;
use super::super::parts::Parts;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = environments();
    cases.extend(commands());
    cases.extend(processes());
    cases
}

fn environments() -> Vec<Case> {
    let about = "CVE-2019-14271: the image's environment is the command's alone";
    let with = |name: &str, variables: Vec<&'static str>| {
        Case::new(name, about, move |_| Parts::base().field("Env", json!(variables)).layout())
    };
    let huge = |name: &str, size: usize| {
        let text = format!("BIG={}", "x".repeat(size));
        Case::new(name, about, move |_| Parts::base().field("Env", json!([text])).layout())
    };
    vec![
        with(
            "run-env-hostile",
            vec!["LD_PRELOAD=/lib/evil.so", "LD_LIBRARY_PATH=/", "MINIRUN_STORE=/tmp", "IFS=/"],
        )
        .prints(&["sh", "-c", "echo $LD_LIBRARY_PATH $MINIRUN_STORE"], "/ /tmp"),
        with("run-env-newline", vec!["A=b\nC=d"])
            .prints(&["sh", "-c", "echo \"$A\"; echo \"<$C>\""], "b\nC=d\n<>"),
        with("run-env-nameless", vec!["=x", "", "=", "A==b=", "B"])
            .prints(&["sh", "-c", "env | grep -c ^=; echo \"$A\""], "0\n=b="),
        with("run-env-twice", vec!["A=1", "A=2", "PATH=/nowhere", "PATH=/bin"])
            .prints(&["sh", "-c", "echo $A $PATH"], "2 /bin"),
        with("run-env-path", vec!["PATH=relative:.::/nowhere:/bin"])
            .prints(&["sh", "-c", "echo $PATH"], "relative:.::/nowhere:/bin"),
        with("run-env-path-empty", vec!["PATH="]).fails(&["sh"], 127, "not found"),
        with("run-env-home", vec!["HOME=/../../etc", "HOSTNAME=other"])
            .prints(&["sh", "-c", "echo $HOME $HOSTNAME"], "/../../etc other"),
        with("run-env-nul", vec!["A=b\0C=d"]).fails(&["true"], 125, "NUL"),
        huge("run-env-large", 100_000).prints(&["sh", "-c", "echo ${#BIG}"], "100000"),
        huge("run-env-huge", 3_000_000).fails(&["true"], 126, "E2BIG"),
    ]
}

fn commands() -> Vec<Case> {
    let about = "CVE-2024-32462: the image's words are the command's, and never options";
    let entry = |name: &str, entry: Vec<&'static str>, command: Vec<&'static str>| {
        Case::new(name, about, move |_| {
            Parts::base().field("Entrypoint", json!(entry)).field("Cmd", json!(command)).layout()
        })
    };
    let says = |name: &str, words: Vec<&'static str>| entry(name, vec!["/bin/echo", "-"], words);
    let labels = json!({
        "run.oci.hooks.stderr": "/tmp/x", "org.systemd.property.X": "1", "io.podman.annotations.privileged": "TRUE",
        "run.oci.keep_original_groups": "1", "minirun.network": "host", "--privileged": "", "": "empty", "a\nb": "c\u{1b}[2J",
    });
    vec![
        says("run-argv-option", vec!["--privileged", "-v", "/:/host", "--", "--rm"])
            .prints(&[], "- --privileged -v /:/host -- --rm"),
        entry("run-argv-option-first", vec!["--privileged"], vec![]).fails(
            &[],
            127,
            "`--privileged` was not found",
        ),
        entry("run-argv-empty-word", vec![""], vec![]).fails(&[], 127, "not found"),
        entry("run-argv-none", vec![], vec![]).fails(&[], 125, "no command"),
        entry("run-argv-nul", vec!["/bin/echo", "a\0b"], vec![]).fails(&[], 125, "NUL"),
        entry("run-argv-directory", vec!["/etc"], vec![]).fails(&[], 126, "cannot be run"),
        entry("run-argv-dotdot", vec!["/../../../bin/echo", "inside"], vec![]).prints(&[], "inside"),
        Case::new("run-labels-hostile", "CVE-2026-53488: labels are data", move |_| {
            Parts::base().field("Labels", labels.clone()).layout()
        })
        .prints(
            &["sh", "-c", "grep CapEff /proc/self/status | cut -f2; ls /sys/class/net"],
            "00000000800405fb\nlo",
        ),
        Case::new("run-labels-annotations", "annotations of a manifest are data", |_| {
            let annotate = |mut manifest: serde_json::Value| {
                manifest["annotations"] =
                    json!({ "run.oci.hooks.stderr": "/x", "org.opencontainers.image.ref.name": "../x" });
                manifest
            };
            Parts::base().manifest(annotate).layout()
        })
        .prints(&["echo", "runs"], "runs"),
        Case::new("run-stop-signal", "a stop signal is a signal or nothing", |_| {
            Parts::base().field("StopSignal", json!("SIGRTMIN+3")).layout()
        })
        .prints(&["echo", "runs"], "runs"),
    ]
}

fn processes() -> Vec<Case> {
    let about = "CVE-2022-24769: no set has more than it should";
    let trap = || {
        let script = "#!/bin/sh\necho shadow >/tmp/shadow\necho shadow\n";
        let names = ["newuidmap", "newgidmap", "pasta", "ldconfig", "unpigz", "minirun", "nsenter", "getent"];
        names.iter().fold(Tar::new().directory("usr/").directory("usr/bin/"), |tar, name| {
            tar.entry(Header::file(format!("usr/bin/{name}")).mode(0o755), script)
                .entry(Header::file(format!("bin/{name}")).mode(0o755), script)
        })
    };
    let libraries = || {
        let names = ["libc.so.6", "libnss_files.so.2", "ld-linux-x86-64.so.2"];
        names.iter().fold(
            Tar::new().directory("evil/").symlink("etc/ld.so.preload", "/evil/libc.so.6"),
            |tar, name| tar.file(format!("evil/{name}"), "no library"),
        )
    };
    let copies = |name: &str, link: &'static str, says: &'static str| {
        Case::new(name, "CVE-2019-5736: the launcher's program is nowhere in the container", move |_| {
            Parts::base()
                .layer(Tar::new().symlink("entry", link))
                .field("Entrypoint", json!(["/entry"]))
                .layout()
        })
        .fails(&[], 126, says)
    };
    vec![
        Case::new("run-inheritable-caps", about, |_| Parts::base().layout()).prints(
            &["sh", "-c", "grep -E 'Cap(Inh|Amb)' /proc/self/status | cut -f2"],
            "0000000000000000\n0000000000000000",
        ),
        Case::new(
            "run-helper-shadow",
            "CVE-2022-1227: no program of the container is run by minirun",
            move |_| Parts::base().layer(trap()).field("Env", json!(["PATH=/usr/bin:/bin"])).layout(),
        )
        .prints(&["sh", "-c", "ls /tmp"], ""),
        Case::new("run-library-shadow", "CVE-2019-14271: no library of the container is loaded", move |_| {
            Parts::base()
                .layer(libraries())
                .field("Env", json!(["LD_LIBRARY_PATH=/evil", "LD_PRELOAD=/evil/libc.so.6"]))
                .layout()
        })
        .prints(&["sh", "-c", "echo runs 2>/dev/null"], "runs"),
        Case::new("run-open-fds", "CVE-2016-9962, CVE-2024-21626: three descriptors and no more", |_| {
            Parts::base().layout()
        })
        // The last is the one by which the directory is read.
        .prints(
            &["sh", "-c", "ls /proc/self/fd | wc -l; ls -l /proc/1/cwd /proc/1/root | sed 's/.*-> //'"],
            "4\n/\n/",
        ),
        // An enemy may name the program by what it is in the process that starts it.
        Case::new(
            "run-proc-self-exe",
            "CVE-2019-5736: the launcher's program is nowhere in the container",
            |_| Parts::base().layer(Tar::new().symlink("entry", "/proc/self/exe")).layout(),
        )
        .prints(&["sh", "-c", "readlink /proc/self/exe | grep minirun; echo over"], "over"),
        copies("run-proc-self-exe-entry", "/proc/self/exe", ""),
        copies("run-proc-self-fd-entry", "/proc/self/fd/0", "cannot be run"),
        Case::new("run-script-self-exe", "CVE-2019-5736: an interpreter can be /proc/self/exe", |_| {
            let script = Tar::new().entry(Header::file("entry").mode(0o755), "#!/proc/self/exe\n");
            Parts::base().layer(script).field("Entrypoint", json!(["/entry"])).layout()
        })
        .fails(&[], 126, ""),
        Case::new("run-setuid", "a setuid program gains nothing", |_| {
            let layer = Tar::new().entry(Header::file("suid").mode(0o6755), "#!/bin/sh\nid -u\n");
            Parts::base().layer(layer).layout()
        })
        .prints(&["sh", "-c", "grep NoNewPrivs /proc/self/status | cut -f2"], "1"),
    ]
}
