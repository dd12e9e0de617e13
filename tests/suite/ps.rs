//! `minirun ps`.

use serde_json::Value;

use crate::support::{IMAGE, Scratch};

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
        (&["-a", "-f", &format!("ancestor={IMAGE}")], "waits failed runs"),
        (&["-a", "-f", "ancestor=other"], ""),
        (&["-a", "-f", "volume=data"], "runs"),
        (&["-a", "-f", "volume=/data"], "runs"),
        (&["-a", "-f", "before=failed"], "runs"),
        (&["-a", "-f", "since=failed"], "waits"),
    ] {
        assert_eq!(names(flags), wanted, "{flags:?}");
    }
    scratch.minirun(["ps", "-f", "colour=red"]).run().refused();
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
