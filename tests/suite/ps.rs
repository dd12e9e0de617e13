//! `minirun ps`.

use serde_json::Value;

use crate::support::{IMAGE, Scratch, eventually};

#[test]
fn states_and_filters() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "runs", "-l", "a=1", "-v", "data:/data"], "sleep 1000");
    scratch.detach(&["--name", "failed", "-l", "a=2"], "exit 3");
    scratch.minirun(["wait", "failed"]).run().success();
    scratch.minirun(["create", "--name", "waits", IMAGE, "true"]).run().success();
    let names = |flags: &[&str]| {
        let output = scratch.minirun(["ps", "--format", "{{.Names}}"]).args(flags).run().success();
        output.lines().collect::<Vec<_>>().join(" ")
    };
    for (flags, wanted) in [
        (&[][..], "runs"),
        (&["-a"], "waits failed runs"),
        (&["-n", "2"], "waits failed"),
        (&["-l"], "waits"),
        (&["-f", "status=exited"], "failed"),
        (&["-f", "status=created"], "waits"),
        (&["-f", "status=created", "-f", "status=running"], "waits runs"),
        (&["-f", "exited=3"], "failed"),
        (&["-f", "exited=0"], ""),
        (&["-a", "-f", "label=a"], "failed runs"),
        (&["-a", "-f", "label=a=2"], "failed"),
        (&["-a", "-f", "name=ai"], "waits failed"),
        (&["-a", "-f", "name=^/?(waits|runs)$"], "waits runs"),
        (&["-f", "name=^/runs$"], "runs"),
        (&["-f", "name=^uns"], ""),
        (&["-n", "0"], "runs"),
        (&["-a", "-f", "network=none"], "waits failed runs"),
        (&["-a", "-f", "network=host"], ""),
        (&["-a", "-f", "health=none"], "waits failed runs"),
        (&["-a", "-f", "health=healthy"], ""),
        (&["-f", "status=paused"], ""),
        (&["-a", "-f", "publish=80", "-f", "expose=80"], ""),
        (&["-a", "-f", &format!("ancestor={IMAGE}")], "waits failed runs"),
        (&["-a", "-f", "ancestor=other"], ""),
        (&["-a", "-f", "volume=data"], "runs"),
        (&["-a", "-f", "volume=/data"], "runs"),
        (&["-a", "-f", "before=failed"], "runs"),
        (&["-a", "-f", "since=failed"], "waits"),
    ] {
        assert_eq!(names(flags), wanted, "{flags:?}");
    }
    for bad in ["colour=red", "before=nobody", "since=nobody", "status=happy", "name=(", "publish=x"] {
        scratch.minirun(["ps", "-f", bad]).run().fails(1);
    }
}

#[test]
fn columns_and_formats() {
    let scratch = Scratch::with_image();
    let id = scratch.detach(&["--name", "runs"], "sleep 1000");
    let table = scratch.minirun(["ps"]).run().success();
    assert!(table.starts_with("CONTAINER ID   IMAGE"), "{table}");
    assert!(table.contains(&id[..12]) && table.contains("Up ") && table.ends_with("runs"), "{table}");
    assert_eq!(scratch.minirun(["ps", "-q"]).run().success(), id[..12]);
    assert_eq!(scratch.minirun(["ps", "-q", "--no-trunc"]).run().success(), id);
    let json = scratch.minirun(["ps", "--format", "json"]).run().success();
    let row: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((row["State"].as_str(), row["Names"].as_str()), (Some("running"), Some("runs")));
    for field in
        ["Command", "CreatedAt", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Networks", "Ports"]
    {
        assert!(row.get(field).is_some(), "{field}: {json}");
    }
}

#[test]
fn sizes_labels_and_what_an_image_became() {
    let scratch = Scratch::with_image();
    scratch.detach(
        &["--name", "writes", "-l", "com.example.a=1", "-v", "long-name-of-a-volume:/v"],
        "echo x >/x; exec sleep 1000",
    );
    let say = |template: &str| scratch.minirun(["ps", "--format", template]).run().success();
    eventually("it has written", || say("{{.Size}}").starts_with("4.1kB (virtual "));
    let table = scratch.minirun(["ps", "-s"]).run().success();
    assert!(table.lines().next().unwrap().ends_with("SIZE") && table.contains("(virtual "), "{table}");
    assert_eq!(say("{{.Label \"com.example.a\"}}{{.Label \"none\"}}"), "1");
    assert_eq!(say("{{.Mounts}}"), "long-name-of-a…");
    assert_eq!(say("{{.Command}}"), "\"sh -c 'echo x >/x; …\"");
    let sizes =
        scratch.minirun(["inspect", "-s", "-f", "{{.SizeRw}} {{gt .SizeRootFs .SizeRw}}", "writes"]).run();
    assert_eq!(sizes.success(), "4096 true");
    scratch.minirun(["inspect", "-f", "{{.SizeRw}}", "writes"]).run().exits(1);
    // A container of an image that was made from another has that one as its ancestor, too.
    scratch.minirun(["commit", "writes", "child:1"]).run().success();
    scratch.minirun(["run", "-d", "--name", "child", "child:1", "sleep", "1000"]).run().success();
    let of = |image: &str| {
        let filter = format!("ancestor={image}");
        scratch.minirun(["ps", "--format", "{{.Names}}", "-f", &filter]).run().success()
    };
    assert_eq!(
        (of(IMAGE).as_str(), of("child:1").as_str(), of("other").as_str()),
        ("child\nwrites", "child", "")
    );
}
