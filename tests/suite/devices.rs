//! Devices of the machine, and what else a container is given or kept from by its flags: umask, groups, settings.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use crate::support::{Caller, IMAGE, Image, Layer, Scratch, require};

/// What the container says of a device: that it is one, and that it works.
const USE: &str = "test -c /dev/x && echo a >/dev/x && head -c 3 /dev/x | wc -c";

#[test]
fn a_device_is_given_as_docker_gives_it() {
    let scratch = Scratch::with_image();
    let link = scratch.path("link");
    symlink("/dev/zero", &link).unwrap();
    let link = link.to_str().unwrap();
    for device in
        ["/dev/zero:/dev/x", "/dev/zero:/dev/x:rw", "/dev/zero:/dev/x:mwr", &format!("{link}:/dev/x")]
    {
        let output = scratch.shell(&["--device", device], USE).run().success();
        assert_eq!(output.trim(), "3", "{device}");
    }
    let script = "test -c /dev/zero && test -c /srv/deep/zero && head -c 2 /srv/deep/zero | wc -c
        grep ' /srv/deep/zero ' /proc/self/mountinfo | cut -d' ' -f6
        (chmod 600 /srv/deep/zero; chown 1:1 /srv/deep/zero) 2>&1 | grep -c Read-only";
    let flags = ["--device", "/dev/zero", "--device", "/dev/zero:/srv/deep/zero"];
    let output = scratch.shell(&flags, script).run().success();
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    assert_eq!((lines[0], lines[2]), ("2", "2"), "{output}");
    assert!(lines[1].starts_with("ro,nosuid,noexec") && !lines[1].contains("nodev"), "{output}");
    // A later one of the same place counts, and one of minirun's own is covered.
    let flags = ["--device", "/dev/zero:/dev/null", "--device", "/dev/full:/dev/null"];
    assert!(scratch.shell(&flags, "(echo x >/dev/null) 2>&1; true").run().success().contains("o space"));
}

#[test]
fn what_is_no_device_is_refused() {
    let scratch = Scratch::with_image();
    let file = scratch.file("file", "text");
    let directory = scratch.directory("directory");
    let (file, directory) = (file.to_str().unwrap(), directory.to_str().unwrap());
    for (device, said, hint) in [
        (file, "is not a device node", "-v"),
        (directory, "no device node", "-v"),
        ("/dev/no-such-device", "ENOENT", "module"),
        ("dev/null", "is not absolute", "whole path"),
        ("/dev/null:dev/null", "is not absolute", "whole path"),
        ("/dev/null:/dev/x:ro", "permissions", "each of r, w and m"),
        ("/dev/null:/dev/x:r", "cannot enforce `r`", "best-effort"),
        ("vendor.example/class=one", "Container Device Interface", "/dev/NAME"),
        ("/dev/null:/proc/x", "/proc", ""),
        ("/dev/null:/tmp", "/tmp", ""),
    ] {
        let outcome = scratch.shell(&["--device", device], "true").run();
        let text = outcome.refused();
        assert!(text.contains(said) && text.contains(hint), "{device}: {text}");
    }
    let flags = ["-v", "/etc:/dev/x", "--device", "/dev/null:/dev/x"];
    assert!(scratch.shell(&flags, "true").run().refused().contains("/dev/x"));
    let outcome = scratch.shell(&["--device-cgroup-rule", "c 1:3 rwm"], "true").run();
    assert!(outcome.refused().contains("--device /dev/NAME"), "{outcome}");
    let flags = ["--limits", "best-effort", "--device", "/dev/zero:/dev/x:r"];
    let outcome = scratch.shell(&flags, USE).run();
    assert!(outcome.success() == "3" && outcome.stderr().contains("cannot enforce `r`"), "{outcome}");
}

#[test]
fn a_device_stays_with_its_container() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "--device", "/dev/zero:/dev/x"], "sleep 100");
    let check = || assert_eq!(scratch.minirun(["exec", "one", "sh", "-c", USE]).run().success().trim(), "3");
    check();
    scratch.minirun(["restart", "-t", "0", "one"]).run().success();
    check();
    let devices = scratch.minirun(["inspect", "-f", "{{json .HostConfig.Devices}}", "one"]).run().success();
    let wanted = serde_json::json!([
        { "PathOnHost": "/dev/zero", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm" }
    ]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&devices).unwrap(), wanted);
    scratch.minirun(["rm", "-f", "one"]).run().success();
}

#[test]
fn a_device_that_nobody_may_use_is_not_given() {
    let closed = ["/dev/fuse", "/dev/net/tun", "/dev/kvm"]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok_and(|found| found.mode() & 0o777 == 0o600 && found.uid() == 0));
    let Some(closed) = closed else {
        return require!(false, "no device here is root's alone");
    };
    let scratch = Scratch::with_image();
    let outcome =
        scratch.shell(&["--device", &format!("{closed}:/dev/x")], "test -c /dev/x && echo given").run();
    if Caller::detect() == Caller::Root {
        assert_eq!(outcome.success(), "given");
    } else {
        let text = outcome.refused();
        assert!(text.contains("neither read nor write") && text.contains("EACCES"), "{text}");
        assert!(text.contains("only your rights"), "{text}");
    }
}

#[test]
fn a_directory_gives_all_of_its_devices() {
    let Ok(metadata) = fs::metadata("/dev/net/tun") else {
        return require!(false, "there is no /dev/net/tun");
    };
    require!(
        Caller::detect() == Caller::Root || metadata.mode() & 0o006 != 0,
        "/dev/net/tun is root's alone"
    );
    let scratch = Scratch::with_image();
    let script = "test -c /dev/net/tun && test -c /dev/other/tun && echo both";
    let flags = ["--device", "/dev/net", "--device", "/dev/net:/dev/other"];
    assert_eq!(scratch.shell(&flags, script).run().success(), "both");
}

#[test]
fn a_device_follows_symlinks_of_the_image_inside_only() {
    let layer = Layer::new()
        .symlink("inside", "/tmp")
        .symlink("out", "../../../../../../tmp")
        .symlink("into-proc", "/proc");
    let scratch = Scratch::with(&Image::base().layer(layer));
    for destination in ["/inside/node", "/out/node"] {
        let flags = ["--device", &format!("/dev/zero:{destination}")];
        assert_eq!(scratch.shell(&flags, "test -c /tmp/node && echo inside").run().success(), "inside");
        assert!(!std::path::Path::new("/tmp/node").exists());
    }
    scratch.shell(&["--device", "/dev/zero:/into-proc/node"], "true").run().refused();
    scratch.shell(&["--device", "/dev/zero:/into-proc/self/attr/current"], "true").run().refused();
}

#[test]
fn what_takes_the_place_of_a_device_is_not_given() {
    require!(Caller::detect() == Caller::Root, "only root can make device nodes");
    let scratch = Scratch::with_image();
    let script =
        "mkdir $SCRATCH/a $SCRATCH/b && mknod -m 666 $SCRATCH/a/node c 1 5 && echo secret >$SCRATCH/b/node
        head -c 1 $SCRATCH/a/node >/dev/null";
    require!(scratch.host_script(script).run().code == Some(0), "device nodes do not work here");
    let (one, other) = (scratch.path("a"), scratch.path("b"));
    let done = std::sync::atomic::AtomicBool::new(false);
    let ordering = std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            while !done.load(ordering) {
                rustix::fs::renameat_with(rustix::fs::CWD, &one, rustix::fs::CWD, &other, flags).unwrap();
            }
        });
        let device = format!("{}:/dev/x", one.join("node").display());
        for _ in 0..40 {
            let outcome = scratch.shell(&["--device", &device], "test -c /dev/x && echo device").run();
            let is_refused = outcome.code == Some(125) && outcome.stdout().is_empty();
            if !is_refused && outcome.stdout().trim() != "device" {
                done.store(true, ordering);
                panic!("{outcome}");
            }
        }
        done.store(true, ordering);
    });
}

#[test]
fn privileged_brings_no_device_along() {
    let scratch = Scratch::with_image();
    let script = "for node in /dev/*; do test -b $node && echo $node; done; ls /dev | wc -l";
    let [usual, privileged] =
        [&[][..], &["--privileged"]].map(|flags| scratch.shell(flags, script).run().success());
    assert_eq!(usual, privileged);
}

#[test]
fn the_umask_is_the_one_asked_for() {
    let scratch = Scratch::with_image();
    for (flags, mask) in [(&[][..], "0022"), (&["--umask", "077"], "0077"), (&["--umask=0"], "0000")] {
        assert_eq!(scratch.shell(flags, "umask").run().success(), mask);
    }
    for nonsense in ["", "8", "00022", "1000", "u=rwx"] {
        let outcome = scratch.shell(&["--umask", nonsense], "true").run();
        assert!(outcome.refused().contains("octal"), "{outcome}");
    }
    scratch.detach(&["--name", "one", "--umask", "0027"], "sleep 100");
    assert_eq!(scratch.minirun(["exec", "one", "sh", "-c", "umask"]).run().success(), "0027");
    assert_eq!(scratch.field("one", ".HostConfig.Umask"), "0027");
    scratch.minirun(["rm", "-f", "one"]).run().success();
}

#[test]
fn the_caller_s_groups_stay_where_that_is_asked() {
    let scratch = Scratch::with_image();
    let count = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        line.split_whitespace().count()
    };
    let own = count(&fs::read_to_string("/proc/self/status").unwrap());
    let script = "grep ^Groups: /proc/self/status";
    let kept = scratch.shell(&["--group-add", "keep-groups"], script).run().success();
    assert_eq!(count(&kept), own, "{kept}");
    let outcome = scratch.shell(&["--group-add", "keep-groups", "--group-add", "0"], "true").run();
    assert!(outcome.refused().contains("keep-groups"), "{outcome}");
    let create = ["create", "--name", "one", "--group-add", "keep-groups", IMAGE, "true"];
    scratch.minirun(create).run().success();
    assert_eq!(scratch.field("one", ".HostConfig.GroupAdd"), "[keep-groups]");
}

#[test]
fn settings_and_scores_that_cannot_be_had_say_what_can() {
    let scratch = Scratch::with_image();
    for (flags, hint) in [
        (&["--sysctl", "vm.swappiness=1"][..], "sysctl -w vm.swappiness"),
        (&["--sysctl", "net/core/somaxconn=1"], "dots between"),
        (&["--sysctl", "net.core.no_such_thing=1"], "no such setting"),
        (&["--sysctl", "kernel.msgmax=x"], "does not take this value"),
        (&["--network", "host", "--sysctl", "net.core.somaxconn=9"], "network of its own"),
        (&["--oom-score-adj", "1001"], "1000"),
    ] {
        let outcome = scratch.shell(flags, "true").run();
        assert!(outcome.refused().contains(hint), "{outcome}");
    }
    let script = "cat /proc/sys/kernel/domainname /proc/sys/fs/mqueue/msg_max";
    let flags = ["--sysctl", "kernel.domainname=example.test", "--sysctl", "fs.mqueue.msg_max=7"];
    assert_eq!(scratch.shell(&flags, script).run().success(), "example.test\n7");
    let outcome = scratch.shell(&["--oom-score-adj=-1000"], "true").run();
    if Caller::detect() != Caller::Root {
        assert!(outcome.refused().contains("/proc/self/oom_score_adj"), "{outcome}");
    }
    let options = ["--security-opt", "proc-opts=hidepid=2"];
    let script = "grep ' /proc ' /proc/self/mountinfo | grep -c hidepid";
    assert_eq!(scratch.shell(&options, script).run().success(), "1");
    scratch.shell(&["--security-opt", "proc-opts=subset=pid"], "true").run().refused();
}

#[test]
fn no_core_files_are_written_unless_asked_for() {
    let scratch = Scratch::with_image();
    let limits = |flags: &[&str]| {
        let script = "grep '^Max core' /proc/self/limits | tr -s ' ' | cut -d' ' -f5,6";
        scratch.shell(flags, script).run().success()
    };
    assert_eq!(limits(&[]), "0 0");
    assert_eq!(limits(&["--ulimit", "core=10:20"]), "10 20");
    assert_eq!(limits(&["--ulimit", "nofile=64"]), "0 0");
}
