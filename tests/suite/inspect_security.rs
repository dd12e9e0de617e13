//! `inspect --security`: what is in force, read back from the kernel, and each way to the host as a sentence.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Caller, IMAGE, Scratch, require};

const FOREVER: &str = "while :; do sleep 100; done";

#[track_caller]
fn report(scratch: &Scratch, name: &str) -> Value {
    let text = scratch.minirun(["inspect", "--security", "-f", "json", name]).run().success();
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

/// The sentences that are not about what every container of this caller has: root's share the user namespace.
fn ways(report: &Value) -> Vec<String> {
    let ways = report["Ways"].as_array().unwrap().iter();
    let usual = |way: &&Value| way["Through"] != "user";
    let text =
        |way: &Value| format!("{}: {}", way["Severity"].as_str().unwrap(), way["Text"].as_str().unwrap());
    ways.filter(usual).map(text).collect()
}

fn uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Who the container's root is outside, in the words of a sentence.
fn outside() -> String {
    if Caller::detect() == Caller::Root { "root of the host".to_owned() } else { format!("uid {}", uid()) }
}

#[test]
fn the_default_container_reaches_nothing() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], FOREVER);
    let found = report(&scratch, "one");
    assert_eq!(ways(&found), [""; 0], "{found}");
    assert_eq!(found["Differences"], json!([]));
    assert_eq!(found["Unread"], json!([]));
    assert_eq!(found["NoNewPrivileges"], true);
    assert_eq!(found["Name"], "one");
    assert_eq!(found["User"]["Uid"], 0);
    assert_eq!(found["Capabilities"]["Inheritable"], json!([]));
    assert_eq!(found["Capabilities"]["Ambient"], json!([]));
    assert_eq!(found["Capabilities"]["Bounding"].as_array().unwrap().len(), 11);
    assert_eq!(found["Seccomp"]["Mode"], "filter");
    let shared = |kind: &str| {
        let all = found["Namespaces"].as_array().unwrap();
        all.iter().find(|one| one["Kind"] == kind).unwrap()["Shared"] == true
    };
    for kind in ["mnt", "pid", "ipc", "uts", "cgroup", "net"] {
        assert!(!shared(kind), "{kind}");
    }
    let devices = found["Devices"].as_array().unwrap();
    assert!(devices.iter().all(|device| device["Usual"] == true), "{devices:?}");
    assert!(devices.iter().any(|device| device["Path"] == "/dev/null" && device["Minor"] == 3));
    if Caller::detect() != Caller::Root {
        assert!(!shared("user"));
        assert_eq!(found["User"]["OutsideRoot"], uid());
    }
}

#[test]
fn what_is_read_is_what_the_container_sees() {
    let scratch = Scratch::with_image();
    let flags = ["--name", "one", "--cap-drop", "ALL", "--cap-add", "CHOWN", "--ulimit", "nofile=100:200"];
    let id = scratch.detach(&[&flags[..], &["--init", "--oom-score-adj", "77"]].concat(), FOREVER);
    let found = report(&scratch, &id);
    assert_eq!(found["Capabilities"]["Bounding"], json!(["CHOWN"]));
    assert_eq!(found["Limits"]["OomScoreAdjustment"], 77);
    let limits = found["Limits"]["Resources"].as_array().unwrap();
    assert!(limits.contains(&json!({"Name": "nofile", "Soft": "100", "Hard": "200"})), "{limits:?}");
    let inside = scratch.minirun(["exec", "one", "cat", "/proc/1/uid_map"]).run().success();
    let range = &found["UidMap"][0];
    let line = inside.lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(line[0], range["Container"].to_string());
    assert_eq!(line[2], range["Size"].to_string());
    let seen = scratch.minirun(["exec", "one", "readlink", "/proc/self/ns/net"]).run().success();
    let net = found["Namespaces"].as_array().unwrap().iter().find(|one| one["Kind"] == "net").unwrap();
    assert_eq!(seen, format!("net:[{}]", net["Inode"]));
}

#[test]
fn mounts_of_the_host_are_told() {
    let scratch = Scratch::with_image();
    let (data, readable) = (scratch.directory("data"), scratch.directory("readable"));
    fs::write(scratch.path("file"), "").unwrap();
    let bind = |path: &std::path::Path, rest: &str| format!("{}:{rest}", path.to_str().unwrap());
    let (one, two) = (bind(&data, "/data"), bind(&readable, "/deep/readable:ro"));
    let three = bind(&scratch.path("file"), "/file:ro");
    let flags = ["--name", "one", "-v", &one, "-v", &two, "-v", &three, "-v", "kept:/kept"];
    scratch.detach(&flags, FOREVER);
    let found = report(&scratch, "one");
    let said = ways(&found);
    let (data, readable) = (data.to_str().unwrap(), readable.to_str().unwrap());
    let mut expected = vec![
        format!("serious: can write to the host directory {data} through /data, as {}", outside()),
        format!("moderate: can read the host file {} through /file", scratch.text("file")),
        format!("moderate: can read the host directory {readable} through /deep/readable"),
    ];
    if Caller::detect() == Caller::Root {
        expected[0].push_str(", where it can leave setuid programs of root");
    }
    assert_eq!(said, expected, "{found}");
    let mounts = found["Mounts"].as_array().unwrap();
    let at = |point: &str| mounts.iter().find(|mount| mount["Destination"] == point).unwrap();
    assert_eq!((&at("/data")["Kind"], &at("/data")["Confirmed"]), (&json!("host"), &json!(true)));
    assert_eq!((&at("/data")["Writable"], &at("/data")["WritableTop"]), (&json!(true), &json!(true)));
    assert_eq!((&at("/kept")["Kind"], &at("/kept")["Writable"]), (&json!("volume"), &json!(true)));
    assert_eq!(at("/")["Kind"], "layers");
    assert_eq!(at("/etc/hosts")["Kind"], "generated");
    assert_eq!(at("/proc/sys")["Kind"], "kernel");

    // What came later is told as well.
    let later = format!("{data}:/later:ro");
    scratch.minirun(["mount", "one", &later]).run().success();
    let said = ways(&report(&scratch, "one"));
    assert!(
        said.contains(&format!("moderate: can read the host directory {data} through /later")),
        "{said:?}"
    );
}

#[test]
fn permissions_decide_what_can_be_written() {
    if Caller::detect() == Caller::Root {
        return; // may write anywhere
    }
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "-v", "/usr:/host-usr", "-v", "/usr:/over:O"], FOREVER);
    let said = ways(&report(&scratch, "one"));
    assert_eq!(
        said,
        [
            format!(
                "moderate: can read the host directory /usr through /host-usr, and write where the permissions in it \
                 let {}",
                outside()
            ),
            "moderate: can read the host directory /usr through /over; what it writes stays in a layer"
                .to_owned(),
        ]
    );
}

#[test]
fn who_writes_the_store_is_the_caller() {
    let scratch = Scratch::with_image();
    let above = format!("{}:/above", scratch.path("").to_str().unwrap().trim_end_matches('/'));
    scratch.detach(&["--name", "one", "-v", &above], FOREVER);
    let said = ways(&report(&scratch, "one"));
    assert!(said[0].starts_with("critical: can write to the host directory"), "{said:?}");
    assert!(said[0].ends_with(&format!("what it leaves there runs outside, as {}", outside())), "{said:?}");
}

#[test]
fn sockets_and_stray_streams_are_told() {
    let scratch = Scratch::with_image();
    let path = scratch.path("service.sock");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mount = format!("{}:/service.sock", path.to_str().unwrap());
    scratch.detach(&["--name", "one", "-v", &mount], FOREVER);
    assert_eq!(
        ways(&report(&scratch, "one")),
        [format!(
            "serious: can talk to the host's service behind the socket {} through /service.sock",
            path.display()
        )]
    );
}

#[test]
fn the_host_s_network_is_told() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "--network", "host"], FOREVER);
    let found = report(&scratch, "one");
    let said = ways(&found);
    assert!(
        said[0].starts_with("serious: shares the host's network: it reaches services on 127.0.0.1"),
        "{said:?}"
    );
    assert_eq!(found["Differences"], json!([]));
}

#[test]
fn privileges_are_told() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "--privileged"], FOREVER);
    let found = report(&scratch, "one");
    let said = ways(&found).join("\n");
    assert_eq!(found["NoNewPrivileges"], false);
    assert!(said.contains("no_new_privs is off"), "{said}");
    if Caller::detect() == Caller::Root {
        assert!(said.starts_with("critical: holds DAC_READ_SEARCH"), "{said}");
        assert!(said.contains("/proc/sys can be written"), "{said}");
    } else {
        assert!(said.contains("slight: holds DAC_READ_SEARCH"), "{said}");
        assert!(!said.contains("critical"), "{said}");
    }
    assert_eq!(found["Differences"], json!([]));
}

#[test]
fn the_filter_is_the_one_that_was_installed() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], FOREVER);
    let found = report(&scratch, "one");
    assert_eq!((&found["Seccomp"]["Mode"], &found["Differences"]), (&json!("filter"), &json!([])), "{found}");
    let hash = found["Seccomp"]["Hash"].as_str().unwrap();
    assert!(hash.starts_with("sha256:") && hash.len() == 71, "{hash}");
    // Only root may have it from the kernel; in a container of its own root may not either.
    let from = found["Seccomp"]["HashFrom"].as_str().unwrap();
    assert!(from == "record" || Caller::detect() == Caller::Root, "{found}");
    // It goes on after it was looked at.
    assert_eq!(scratch.field("one", ".State.Status"), "running");
    scratch.detach(&["--name", "two", "--security-opt", "seccomp=unconfined"], FOREVER);
    let said = ways(&report(&scratch, "two"));
    assert_eq!(said, ["moderate: seccomp is off: every system call of the kernel is within its reach"]);
}

#[test]
fn a_stronger_process_is_told() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], FOREVER);
    let exec = scratch.minirun(["exec", "-d", "--privileged", "one", "sleep", "100"]).run();
    require!(exec.code == Some(0), "exec has no --privileged");
    let said = ways(&report(&scratch, "one"));
    assert!(said.iter().any(|way| way.contains("has more than the first one: the capabilities")), "{said:?}");
}

#[test]
fn the_image_host_is_told() {
    let scratch = Scratch::new();
    scratch.minirun(["run", "-d", "--name", "one", "host", "sleep", "100"]).run().success();
    let found = report(&scratch, "one");
    let said = ways(&found);
    assert!(said.iter().any(|way| way.contains("what it writes stays in a layer")), "{said:?}");
    assert!(!said.iter().any(|way| way.starts_with("critical")), "{said:?}");
}

#[test]
fn the_maps_of_other_users_are_told() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "-u", "app"], FOREVER);
    let found = report(&scratch, "one");
    assert_eq!((&found["User"]["Uid"], &found["User"]["Gid"]), (&json!(1234), &json!(1234)));
    assert_ne!(found["User"]["OutsideUid"], Value::from(uid()));
    // The descriptors of another user's process are that user's alone.
    let unread = if Caller::detect() == Caller::Root { json!([]) } else { json!(["/proc/PID/fd"]) };
    assert_eq!(found["Unread"], unread, "{found}");
    assert_eq!(found["Differences"], json!([]), "{found}");
    scratch.detach(&["--name", "two", "--userns", "keep-id"], FOREVER);
    let found = report(&scratch, "two");
    assert_eq!(found["Differences"], json!([]), "{found}");
    if Caller::detect() == Caller::SubordinateIds {
        assert_eq!((&found["User"]["Uid"], &found["User"]["OutsideUid"]), (&uid().into(), &uid().into()));
    }
}

#[test]
fn a_process_that_hides_is_seen_all_the_same() {
    let scratch = Scratch::with_image();
    // A program that cannot be read makes its process undumpable.
    let script = "cp /bin/sleep /tmp/sleep && chmod 0111 /tmp/sleep && exec /tmp/sleep 1000";
    let busybox = scratch.shell(&[], "readlink /bin/sleep").run().stdout();
    let script = if busybox.contains("busybox") {
        "cp /bin/busybox /tmp/sleep && chmod 0111 /tmp/sleep && exec /tmp/sleep 1000"
    } else {
        script
    };
    scratch.detach(&["--name", "one", "-u", "0"], script);
    crate::support::eventually("the program runs", || {
        scratch.minirun(["top", "one"]).run().stdout().contains("/tmp/sleep 1000")
    });
    let found = report(&scratch, "one");
    let inodes = found["Namespaces"].as_array().unwrap().iter().all(|one| one["Inode"].is_u64());
    assert!(inodes, "{found}");
    assert_eq!(ways(&found), [""; 0], "{found}");
}

#[test]
fn symlinked_destinations_are_no_difference() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap();
    let mount = format!("{}:/seed/link-to-dir/x:ro", source.to_str().unwrap());
    let image = crate::support::Image::base()
        .layer(crate::support::Layer::new().symlink("seed/link-to-dir", "/home/app"));
    scratch.load(&image, "example.test/linked:1");
    let call = scratch.minirun(["run", "-d", "--name", "one", "-v", &mount, "example.test/linked:1"]);
    call.args(["sleep", "100"]).run().success();
    let found = report(&scratch, "one");
    assert_eq!(found["Differences"], json!([]), "{found}");
    let said = ways(&found);
    assert_eq!(
        said,
        [format!("moderate: can read the host directory {} through /home/app/x", source.display())]
    );
}

#[test]
fn tables_and_templates() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], FOREVER);
    let table = scratch.minirun(["inspect", "--security", "one"]).run().success();
    for line in ["CONTAINER one (", "user ", "capabilities ", "no_new_privs   on", "seccomp ", "namespaces "]
    {
        assert!(table.lines().any(|have| have.starts_with(line)), "{line}: {table}");
    }
    assert!(table.contains("WAYS TO THE HOST"), "{table}");
    let say = |template: &str| {
        let call = scratch.minirun(["container", "inspect", "--security", "-f", template, "one"]);
        call.run().success()
    };
    assert_eq!(say("{{.Name}} {{.NoNewPrivileges}} {{.Setgroups}}").split(' ').next(), Some("one"));
    assert_eq!(say("{{range .Namespaces}}{{.Kind}} {{end}}"), "cgroup ipc mnt net pid time user uts ");
    assert_eq!(say("table"), table);
}

#[test]
fn only_what_runs_can_be_read() {
    let scratch = Scratch::with_image();
    scratch.minirun(["create", "--name", "one", IMAGE, "true"]).run().success();
    let error = scratch.minirun(["inspect", "--security", "one"]).run();
    assert_eq!(error.code, Some(1), "{error}");
    let said = error.stderr();
    assert!(said.contains("nothing is in force for container `one`, which does not run"), "{said}");
    assert!(said.contains("minirun start one"), "{said}");
    // The others are shown all the same.
    scratch.detach(&["--name", "two"], FOREVER);
    let both = scratch.minirun(["inspect", "--security", "-f", "{{.Name}}", "one", "two", "nobody"]).run();
    assert_eq!((both.code, both.stdout().as_str()), (Some(1), "two\n"), "{both}");
    scratch.minirun(["inspect", "--security", "--size", "two"]).run().refused();
    scratch.minirun(["inspect", "--security", "--type", "image", "two"]).run().refused();
}
