//! What `inspect` tells about a container's mounts, in Docker's shape.

use serde_json::{Value, json};

use crate::support::{IMAGE, Image, Scratch};

fn inspected(scratch: &Scratch, name: &str) -> Value {
    let text = scratch.minirun(["container", "inspect", name]).run().success();
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

fn at<'a>(container: &'a Value, destination: &str) -> &'a Value {
    let mounts = container["Mounts"].as_array().unwrap();
    let mount = mounts.iter().find(|mount| mount["Destination"] == destination);
    mount.unwrap_or_else(|| panic!("no {destination} in {mounts:?}"))
}

#[test]
fn mounts_have_docker_s_fields() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    let source = source.to_str().unwrap();
    let script = scratch.minirun([
        "run",
        "--name",
        "one",
        "-v",
        "data:/data",
        "-v",
        "./source:/bind:ro,z",
        "-v",
        "/anon",
    ]);
    let mount = format!("type=bind,src={source},dst=/mounted,readonly,bind-propagation=rprivate");
    let script =
        script.args(["--mount", &mount, "--mount", "type=tmpfs,dst=/memory,tmpfs-size=1m,tmpfs-mode=0700"]);
    let script =
        script.args(["--mount", "src=more,dst=/more,volume-nocopy", "--tmpfs", "/tmp:size=64k,exec"]);
    script.args([IMAGE, "true"]).current_dir(&scratch.path("")).run().success();

    let container = inspected(&scratch, "one");
    let data = scratch.store().join("volumes/data/_data");
    assert_eq!(
        at(&container, "/data"),
        &json!({"Type": "volume", "Name": "data", "Source": data.to_str().unwrap(), "Destination": "/data",
            "Driver": "local", "Mode": "", "RW": true, "Propagation": ""})
    );
    assert_eq!(
        at(&container, "/bind"),
        &json!({"Type": "bind", "Source": source, "Destination": "/bind", "Mode": "ro,z", "RW": false,
            "Propagation": "rprivate"})
    );
    assert_eq!(
        at(&container, "/memory"),
        &json!({"Type": "tmpfs", "Source": "", "Destination": "/memory", "Mode": "", "RW": true, "Propagation": ""})
    );
    let anonymous = at(&container, "/anon");
    assert_eq!(anonymous["Name"].as_str().unwrap().len(), 64);
    assert!(anonymous["Source"].as_str().unwrap().ends_with("/_data"));
    assert_eq!(container["Mounts"].as_array().unwrap().len(), 6, "--tmpfs is not among them: {container}");

    let host = &container["HostConfig"];
    assert_eq!(host["Binds"], json!(["data:/data", format!("{source}:/bind:ro,z")]));
    assert_eq!(host["Tmpfs"], json!({"/tmp": "size=64k,exec"}));
    assert_eq!(host["VolumesFrom"], Value::Null);
    assert_eq!(host["ReadonlyRootfs"], false);
    let asked = host["Mounts"].as_array().unwrap();
    let target = |name: &str| asked.iter().find(|mount| mount["Target"] == name).unwrap();
    assert_eq!(
        target("/mounted"),
        &json!({"Type": "bind", "Source": source, "Target": "/mounted", "ReadOnly": true,
            "BindOptions": {"Propagation": "rprivate"}})
    );
    assert_eq!(
        target("/memory"),
        &json!({"Type": "tmpfs", "Target": "/memory", "TmpfsOptions": {"SizeBytes": 1_048_576, "Mode": 448}})
    );
    assert_eq!(
        target("/more"),
        &json!({"Type": "volume", "Source": "more", "Target": "/more", "VolumeOptions": {"NoCopy": true}})
    );
    assert_eq!(container["Config"]["Volumes"], json!({"/anon": {}}));
    assert_eq!(container["State"]["Pid"], 0);
}

#[test]
fn the_image_s_volumes_and_another_container_s_are_told() {
    let scratch = Scratch::with(&Image::base().config("Volumes", json!({"/declared": {}, "/covered": {}})));
    scratch.minirun(["run", "--name", "donor", "-v", "data:/covered", IMAGE, "true"]).run().success();
    let container = inspected(&scratch, "donor");
    assert_eq!(container["Config"]["Volumes"], json!({"/declared": {}, "/covered": {}}));
    assert_eq!(container["Mounts"].as_array().unwrap().len(), 2);
    assert_eq!(container["HostConfig"]["Binds"], json!(["data:/covered"]));

    scratch
        .minirun(["run", "--name", "heir", "--read-only", "--volumes-from", "donor:ro", IMAGE, "true"])
        .run()
        .success();
    let heir = inspected(&scratch, "heir");
    assert_eq!(heir["HostConfig"]["VolumesFrom"], json!(["donor:ro"]));
    assert_eq!(heir["HostConfig"]["Binds"], Value::Null);
    assert_eq!(heir["HostConfig"]["ReadonlyRootfs"], true);
    let covered = at(&heir, "/covered");
    assert_eq!((&covered["Name"], &covered["RW"]), (&json!("data"), &json!(false)));
    assert_eq!(at(&heir, "/declared")["Name"], at(&container, "/declared")["Name"]);
}

#[test]
fn templates_walk_through_mounts() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "one", "-v", "a1:/a", "-v", "b1:/b:ro", IMAGE, "true"]).run().success();
    let say = |template: &str| scratch.minirun(["inspect", "-f", template, "one"]).run().success();
    assert_eq!(say("{{range .Mounts}}{{.Name}}:{{.Destination}}:{{.RW}} {{end}}"), "a1:/a:true b1:/b:false ");
    assert_eq!(say("{{(index .Mounts 0).Destination}}"), "/a");
    assert_eq!(say("{{json .HostConfig.Binds}}"), r#"["a1:/a","b1:/b:ro"]"#);
    let merged = say("{{.GraphDriver.Data.MergedDir}}");
    assert!(merged.starts_with(scratch.store().to_str().unwrap()), "{merged}");
}

#[test]
fn what_was_asked_for_is_told_as_docker_tells_it() {
    let image =
        Image::base().config("Entrypoint", json!(["env"])).config("ExposedPorts", json!({"80/tcp": {}}));
    let scratch = Scratch::with(&image);
    let flags = [
        "create",
        "--name",
        "one",
        "-i",
        "-u",
        "0",
        "--init",
        "--cap-add",
        "NET_ADMIN",
        "--cap-drop",
        "chown",
    ];
    let more =
        ["--add-host", "a:1.2.3.4", "--dns", "9.9.9.9", "--ulimit", "nofile=10:20", "--shm-size", "1m"];
    scratch
        .minirun(flags)
        .args(more)
        .args(["--restart", "on-failure:3", IMAGE, "sh", "-c", "true"])
        .run()
        .success();
    let container = inspected(&scratch, "one");
    assert_eq!(container["Name"], "/one");
    assert_eq!((&container["Path"], &container["Args"]), (&json!("env"), &json!(["sh", "-c", "true"])));
    let config = &container["Config"];
    assert_eq!((&config["Entrypoint"], &config["Cmd"]), (&json!(["env"]), &json!(["sh", "-c", "true"])));
    assert_eq!(config["ExposedPorts"], json!({"80/tcp": {}}));
    assert_eq!(
        (&config["OpenStdin"], &config["Tty"], &config["User"]),
        (&json!(true), &json!(false), &json!("0"))
    );
    let host = &container["HostConfig"];
    for (field, wanted) in [
        ("CapAdd", json!(["CAP_NET_ADMIN"])),
        ("CapDrop", json!(["CAP_CHOWN"])),
        ("Dns", json!(["9.9.9.9"])),
        ("ExtraHosts", json!(["a:1.2.3.4"])),
        ("GroupAdd", Value::Null),
        ("Init", json!(true)),
        ("NetworkMode", json!("none")),
        ("RestartPolicy", json!({"Name": "on-failure", "MaximumRetryCount": 3})),
        ("ShmSize", json!(1 << 20)),
        ("Ulimits", json!([{"Name": "nofile", "Soft": 10, "Hard": 20}])),
    ] {
        assert_eq!(host[field], wanted, "{field}");
    }
    assert_eq!(scratch.minirun(["ps", "-a", "-q", "-f", "expose=80"]).run().success().len(), 12);
    let say = |template: &str| scratch.minirun(["inspect", "-f", template, "one"]).run().success();
    assert_eq!(say("{{.HostConfig.GroupAdd}}{{.HostConfig.Tmpfs}}{{.State.Status}}"), "[]map[]created");
}
