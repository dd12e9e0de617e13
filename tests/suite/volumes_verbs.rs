//! `minirun volume …`: what each verb prints, and how it ends.

use serde_json::Value;

use crate::support::{Call, IMAGE, Outcome, Scratch};

fn volume(scratch: &Scratch, args: &[&str]) -> Outcome {
    call(scratch, args).run()
}

fn call(scratch: &Scratch, args: &[&str]) -> Call {
    scratch.minirun([&["volume"], args].concat())
}

fn inspect(scratch: &Scratch, name: &str) -> Value {
    let text = volume(scratch, &["inspect", name]).success();
    serde_json::from_str::<Value>(&text).unwrap()[0].take()
}

#[test]
fn create_makes_a_volume_once() {
    let scratch = Scratch::new();
    assert_eq!(volume(&scratch, &["create", "--label", "a=1", "--label", "b", "data"]).success(), "data");
    for again in [
        &["create", "data", "--label", "a=2"][..],
        &["create", "-d", "local", "--ignore", "data"],
        &["create", "--name", "data", "-o", "type=tmpfs", "-o", "device=tmpfs"],
    ] {
        assert_eq!(volume(&scratch, again).success(), "data");
    }
    let document = inspect(&scratch, "data");
    assert_eq!(document["Labels"], serde_json::json!({"a": "1", "b": ""}));
    assert_eq!(document["Options"], Value::Null);
    assert_eq!(document["Driver"], "local");
    assert_eq!(document["Scope"], "local");
    assert_eq!(document["Mountpoint"], scratch.text("store/volumes/data/_data"));
    assert!(document["CreatedAt"].as_str().unwrap().ends_with('Z'));
    let name = volume(&scratch, &["create"]).success();
    assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(inspect(&scratch, &name)["Labels"]["com.docker.volume.anonymous"], "");
    assert_eq!(inspect(&scratch, "data")["Labels"]["com.docker.volume.anonymous"], Value::Null);
}

#[test]
fn create_refuses_what_makes_no_volume() {
    let scratch = Scratch::new();
    for (bad, said) in [
        (&["x"][..], "`x` is not a volume name"),
        (&["a/b"], "`a/b` is not a volume name"),
        (&["a", "b"], "unexpected argument `b`"),
        (&["--label", "=v", "data"], "`=v` is not a label"),
        (&["--label", "a b=c", "data"], "`a b=c` is not a label"),
        (&["-d", "vieux/sshfs", "data"], "no volume driver `vieux/sshfs`"),
        (&["-o", "type=tmpfs", "data"], "needs `device`"),
        (&["-o", "o=bind", "data"], "needs `type`"),
        (&["-o", "uid=1", "data"], "`uid` is not an option"),
        (&["-o", "size=1g", "data"], "asks for a limit"),
        (&["--nonsense", "data"], "unexpected argument `--nonsense`"),
    ] {
        let outcome = volume(&scratch, &[&["create"], bad].concat());
        assert!(outcome.fails(1).contains(said), "{outcome}");
    }
    assert!(!scratch.store().exists());
    for accepted in [
        &["-o", "type=nfs", "-o", "o=addr=10.0.0.1,rw", "-o", "device=:/x", "net"][..],
        &["--opt", "type=none", "--opt", "device=/does/not/exist", "--opt", "o=bind", "bound"],
    ] {
        volume(&scratch, &[&["create"], accepted].concat()).success();
    }
    assert_eq!(inspect(&scratch, "net")["Options"]["o"], "addr=10.0.0.1,rw");
}

#[test]
fn ls_shows_docker_s_table() {
    let scratch = Scratch::new();
    let words = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(volume(&scratch, &["ls"]).success(), "DRIVER    VOLUME NAME");
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "");
    for name in ["v10", "v2", "v1", "bb"] {
        volume(&scratch, &["create", name]).success();
    }
    assert_eq!(
        words(&volume(&scratch, &["ls"]).success()),
        ["DRIVER VOLUME NAME", "local bb", "local v1", "local v2", "local v10"]
    );
    assert_eq!(volume(&scratch, &["list", "-q"]).success(), "bb\nv1\nv2\nv10");
    assert_eq!(words(&volume(&scratch, &["ls", "-n", "-f", "name=b"]).success()), ["local bb"]);
    assert_eq!(words(&volume(&scratch, &["ls", "--noheading"]).success()).len(), 4);
}

#[test]
fn ls_prints_what_a_format_asks_for() {
    let scratch = Scratch::new();
    volume(&scratch, &["create", "data", "--label", "z=1", "--label", "com.example.a=2"]).success();
    volume(&scratch, &["create", "other"]).success();
    let formatted = |format: &str| volume(&scratch, &["ls", "--format", format]).success();
    assert_eq!(
        formatted("{{.Name}}|{{.Driver}}|{{.Scope}}|{{.Links}}|{{.Size}}|{{.Labels}}"),
        "data|local|local|N/A|N/A|com.example.a=2,z=1\nother|local|local|N/A|N/A|"
    );
    assert_eq!(formatted("{{.Name}}={{.Label \"com.example.a\"}}"), "data=2\nother=");
    assert_eq!(formatted("{{if .Labels}}{{upper .Name}}{{else}}{{.Name}}{{end}}"), "DATA\nother");
    let table = formatted("table {{.Name}}\\t{{.Mountpoint}}");
    assert!(table.starts_with("VOLUME NAME   MOUNTPOINT\ndata "), "{table}");
    let json: Vec<Value> =
        formatted("json").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 2);
    for object in &json {
        assert!(object.as_object().unwrap().values().all(Value::is_string), "{object}");
    }
    assert_eq!(json[0]["Labels"], "com.example.a=2,z=1");
    for (format, code) in [("{{.Name", 64), ("{{nonsense}}", 64), ("{{.Nonsense}}", 1)] {
        volume(&scratch, &["ls", "--format", format]).fails(code);
    }
    let sized = volume(&scratch, &["ls", "--size"]).success();
    assert!(sized.contains("LINKS") && sized.contains("0B"), "{sized}");
}

#[test]
fn ls_filters() {
    let scratch = Scratch::with_image();
    volume(&scratch, &["create", "data", "--label", "a=1", "--label", "b"]).success();
    volume(&scratch, &["create", "data2", "--label", "a=2"]).success();
    scratch.minirun(["run", "--name", "user", "-v", "used:/x", IMAGE, "true"]).run().success();
    for (filters, wanted) in [
        (&["name=data"][..], "data\ndata2"),
        (&["name=^data$"], "data"),
        (&["name=d$", "name=2"], "data2\nused"),
        (&["label=a"], "data\ndata2"),
        (&["label=a", "label=b"], "data"),
        (&["label=a=2"], "data2"),
        (&["label!=a=2"], "data\nused"),
        (&["dangling=true"], "data\ndata2"),
        (&["dangling=0"], "used"),
        (&["driver=local", "name=used"], "used"),
        (&["driver=other"], ""),
        (&["LABEL=b"], "data"),
    ] {
        let flags = filters.iter().flat_map(|filter| ["--filter", *filter]);
        let args: Vec<&str> = ["ls", "-q"].into_iter().chain(flags).collect();
        assert_eq!(volume(&scratch, &args).success(), wanted, "{filters:?}");
    }
    for bad in ["name", "nonsense=1", "dangling=maybe", "all=true", ""] {
        volume(&scratch, &["ls", "-f", bad]).fails(1);
    }
}

#[test]
fn inspect_shows_what_is_there() {
    let scratch = Scratch::new();
    for name in ["one", "two"] {
        volume(&scratch, &["create", name]).success();
    }
    let text = volume(&scratch, &["inspect", "one", "two"]).success();
    assert!(text.starts_with("[\n    {\n        \"CreatedAt\": "), "{text}");
    let outcome = volume(&scratch, &["inspect", "one", "none", "two"]);
    let document: Value = serde_json::from_str(&outcome.exits(1)).unwrap();
    assert_eq!(document.as_array().unwrap().len(), 2);
    assert!(outcome.stderr().contains("there is no volume `none`"), "{outcome}");
    assert_eq!(volume(&scratch, &["inspect", "none"]).exits(1), "[]");
    // Docker does not take the beginning of a name.
    assert_eq!(volume(&scratch, &["inspect", "on"]).exits(1), "[]");
    let format = |format: &str| volume(&scratch, &["inspect", "-f", format, "one"]);
    assert_eq!(format("{{.Name}} {{.Driver}}").success(), "one local");
    assert_eq!(format("{{json .Labels}} {{index .Labels \"x\"}}{{.Labels.x}}").success(), "null <no value>");
    format("{{.Name").fails(64);
    format("{{.Nonsense}}").fails(1);
    assert_eq!(volume(&scratch, &["inspect", "-a", "-f", "{{.Name}}"]).success(), "one\ntwo");
    let general = scratch.minirun(["inspect", "-f", "{{.Name}} {{.Scope}}", "one"]).run();
    assert_eq!(general.success(), "one local");
    scratch.minirun(["inspect", "--type", "volume", "none"]).run().exits(1);
    volume(&scratch, &["inspect"]).fails(1);
}

#[test]
fn rm_goes_on_after_an_error() {
    let scratch = Scratch::with_image();
    for name in ["one", "two"] {
        volume(&scratch, &["create", name]).success();
    }
    scratch.minirun(["run", "--name", "user", "-v", "used:/x", IMAGE, "true"]).run().success();
    let outcome = volume(&scratch, &["rm", "one", "none", "used", "two"]);
    assert_eq!(outcome.exits(1), "one\ntwo");
    assert!(outcome.stderr().contains("there is no volume `none`"), "{outcome}");
    assert!(outcome.stderr().contains("volume `used` is in use by container `user`"), "{outcome}");
    let outcome = volume(&scratch, &["rm", "-f", "none"]);
    assert_eq!((outcome.success().as_str(), outcome.stderr()), ("", ""));
    assert!(volume(&scratch, &["remove", "--force", "used"]).fails(1).contains("is in use"));
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "used");
    scratch.minirun(["rm", "user"]).run().success();
    assert_eq!(volume(&scratch, &["rm", "used"]).success(), "used");
    volume(&scratch, &["rm"]).fails(1);
}

#[test]
fn rm_clears_what_was_removed_by_hand() {
    let scratch = Scratch::new();
    for name in ["no-data", "no-record"] {
        volume(&scratch, &["create", name]).success();
    }
    std::fs::remove_dir_all(scratch.store().join("volumes/no-data/_data")).unwrap();
    std::fs::remove_file(scratch.store().join("volumes/no-record/volume.json")).unwrap();
    volume(&scratch, &["rm", "-f", "--purge", "no-data", "no-record"]).success();
    assert_eq!(std::fs::read_dir(scratch.store().join("volumes")).unwrap().count(), 0);
}

#[test]
fn exists_says_it_by_its_code() {
    let scratch = Scratch::new();
    volume(&scratch, &["create", "data"]).success();
    for (name, code) in [("data", 0), ("dat", 1), ("none", 1), ("/", 1), ("", 1)] {
        let outcome = volume(&scratch, &["exists", name]);
        assert_eq!((outcome.exits(code).as_str(), outcome.stderr()), ("", ""), "{name}");
    }
}

#[test]
fn update_is_refused() {
    let scratch = Scratch::new();
    let outcome = volume(&scratch, &["update", "--availability", "drain", "data"]);
    assert!(outcome.fails(1).contains("cluster"), "{outcome}");
}

/// Makes an anonymous volume, a named one, one with options and one in use, each with a file; the anonymous name.
fn make_all_kinds(scratch: &Scratch) -> String {
    let anonymous = volume(scratch, &["create"]).success();
    for args in [
        &["named", "--label", "keep"][..],
        &["bound", "-o", "type=none", "-o", "o=bind", "-o", "device=/tmp"],
        &["used"],
    ] {
        volume(scratch, &[&["create"], args].concat()).success();
    }
    let flag = format!("{anonymous}:/a");
    scratch.shell(&["-v", &flag, "-v", "named:/b"], "echo content | tee /a/file >/b/file").run().success();
    scratch.minirun(["run", "--name", "user", "-v", "used:/x", IMAGE, "true"]).run().success();
    anonymous
}

#[test]
fn prune_takes_anonymous_volumes_only() {
    let scratch = Scratch::with_image();
    let anonymous = make_all_kinds(&scratch);
    let listed = || volume(&scratch, &["ls", "-q"]).success().replace(&anonymous, "ANONYMOUS");
    for answer in ["", "n\n", "yes\n", "\n"] {
        let outcome = call(&scratch, &["prune"]).input(answer).run();
        assert!(outcome.success().contains("WARNING! This will remove anonymous local volumes"), "{outcome}");
        assert!(outcome.stdout().contains(&anonymous), "{outcome}");
    }
    volume(&scratch, &["prune", "--dry-run"]).success();
    assert!(listed().contains("ANONYMOUS"));
    let outcome = volume(&scratch, &["prune", "-f", "--filter", "label!=nonsense"]);
    let text = outcome.success().replace(&anonymous, "ANONYMOUS");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("Deleted Volumes:"));
    assert_eq!(lines.next(), Some("ANONYMOUS"));
    assert_eq!(lines.next(), Some(""));
    assert!(lines.next().unwrap().starts_with("Total reclaimed space: "), "{text}");
    assert!(outcome.stderr().contains("volume restore"), "{outcome}");
    assert_eq!(listed(), "bound\nnamed\nused");
    assert_eq!(volume(&scratch, &["prune", "-f"]).success(), "Total reclaimed space: 0B");
}

#[test]
fn prune_all_spares_what_is_used_or_bound() {
    let scratch = Scratch::with_image();
    make_all_kinds(&scratch);
    for filter in ["label!=keep", "label=other"] {
        let args = ["prune", "-f", "--filter", "all=1", "--filter", filter, "--filter", "anonymous=false"];
        volume(&scratch, &args).success();
    }
    volume(&scratch, &["prune", "-a", "-f", "--filter", "until=1h"]).success();
    assert!(volume(&scratch, &["ls", "-q"]).success().contains("named"));
    let outcome = call(&scratch, &["prune", "--all"]).input("Y\n").run();
    assert!(outcome.success().contains("WARNING! This will remove all local volumes"), "{outcome}");
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "bound\nused");
    for bad in ["dangling=true", "name=x", "label", "all=maybe"] {
        volume(&scratch, &["prune", "-f", "--filter", bad]).fails(1);
    }
    volume(&scratch, &["prune", "-f", "-a", "--filter", "all=true"]).fails(1);
}

#[test]
fn ps_filters_by_volume() {
    let scratch = Scratch::with_image();
    let host = scratch.directory("host");
    let bind = format!("{}:/bound", host.display());
    scratch.minirun(["run", "--name", "one", "-v", "data:/data", "-v", &bind, IMAGE, "true"]).run().success();
    scratch.minirun(["run", "--name", "two", "-v", "other:/data", IMAGE, "true"]).run().success();
    let listed = |filter: &str| {
        let args = ["ps", "-a", "--filter", filter, "--format", "{{.Names}}"];
        let mut names: Vec<String> =
            scratch.minirun(args).run().success().lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    for (place, names) in [
        ("data", "one"),
        ("dat", ""),
        ("/data", "one two"),
        ("/data/", "one two"),
        ("/bound", "one"),
        (host.to_str().unwrap(), "one"),
        ("/nowhere", ""),
    ] {
        assert_eq!(listed(&format!("volume={place}")), names, "{place}");
    }
    let args = ["ps", "-a", "-q", "--filter", "volume=data", "--filter", "volume=other"];
    assert_eq!(scratch.minirun(args).run().success().lines().count(), 2);
}

#[test]
fn system_df_and_info() {
    let scratch = Scratch::with_image();
    let script = "head -c 1000000 /dev/zero >/data/file; head -c 100000 /dev/zero >/own";
    scratch.minirun(["run", "--name", "one", "-v", "data:/data", IMAGE, "sh", "-c", script]).run().success();
    volume(&scratch, &["create", "idle"]).success();
    volume(&scratch, &["create", "bound", "-o", "type=none", "-o", "o=bind", "-o", "device=/tmp"]).success();
    let table = scratch.minirun(["system", "df"]).run().success();
    let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    assert_eq!(lines.next().unwrap(), "TYPE TOTAL ACTIVE SIZE RECLAIMABLE");
    assert!(lines.next().unwrap().starts_with("Images 1 1 "), "{table}");
    assert!(lines.next().unwrap().starts_with("Containers 1 0 10"), "{table}");
    assert!(lines.next().unwrap().starts_with("Local Volumes 2 1 1"), "{table}");
    let verbose = scratch.minirun(["system", "df", "-v"]).run().success();
    let line = verbose.lines().find(|line| line.starts_with("data ")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some("1"), "{verbose}");
    assert!(verbose.contains("VOLUME NAME   LINKS     SIZE") && !verbose.contains("bound"), "{verbose}");
    let args = ["system", "df", "--format", "{{.Type}} {{.TotalCount}}"];
    assert_eq!(scratch.minirun(args).run().success(), "Images 1\nContainers 1\nLocal Volumes 2");

    let info = scratch.minirun(["info"]).run().success();
    assert!(info.contains("Storage Driver: overlay2") || info.contains("Storage Driver: vfs"), "{info}");
    let json = scratch.minirun(["info", "--format", "{{json .}}"]).run().success();
    let facts: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(facts["Containers"], 1);
    assert_eq!(facts["DockerRootDir"], scratch.store().to_str().unwrap());
}

#[test]
fn system_prune_leaves_names_alone() {
    let scratch = Scratch::with_image();
    make_all_kinds(&scratch);
    let outcome = scratch.minirun(["system", "prune"]).input("n\n").run();
    assert!(outcome.success().contains("all stopped containers"), "{outcome}");
    assert!(scratch.minirun(["ps", "-a"]).run().success().contains("user"));
    scratch.minirun(["system", "prune", "--volumes", "--filter", "until=1h", "-f"]).run().fails(1);
    let outcome = scratch.minirun(["system", "prune", "-f", "--volumes"]).run();
    let text = outcome.success();
    assert!(text.contains("Deleted Containers:") && text.contains("Deleted Volumes:"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("Total reclaimed space: "), "{text}");
    assert_eq!(volume(&scratch, &["ls", "-q"]).success(), "bound\nnamed\nused");
    assert_eq!(scratch.minirun(["images", "-q"]).run().success().lines().count(), 1);
    scratch.minirun(["system", "prune", "-a", "-f"]).run().success();
    assert_eq!(scratch.minirun(["images", "-q"]).run().success(), "");
}

#[test]
fn ls_takes_the_words_of_docker_s_format() {
    let scratch = Scratch::new();
    volume(&scratch, &["create", "data"]).success();
    let listed = |args: &[&str]| volume(&scratch, &[&["ls"], args].concat()).success();
    let table = "DRIVER    VOLUME NAME\nlocal     data";
    for (args, wanted) in [
        (&["--format", ""][..], table),
        (&["--format", "table"], table),
        (&["--format", "table {{.Name}}"], "VOLUME NAME\ndata"),
        (&["--format", "raw"], "driver: local\nname: data"),
        (&["-q", "--format", ""], "data"),
        (&["-q", "--format", "table"], "data"),
        (&["-q", "--format", "raw"], "name: data"),
        (&["-q", "--format", "{{.Driver}}"], "local"),
    ] {
        assert_eq!(listed(args).trim_end(), wanted, "{args:?}");
    }
    assert!(listed(&["-q", "--format", "json"]).starts_with('{'));
}

#[test]
fn diff_has_formats() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "old:/v"], "echo one >/v/file").run().success();
    scratch.shell(&["-v", "new:/v"], "echo two >/v/file; echo >/v/more").run().success();
    let diff = |format: &str| volume(&scratch, &["diff", "old", "new", "--format", format]).success();
    assert_eq!(diff("{{.Kind}}={{.Path}}"), "C=/file\nA=/more");
    assert_eq!(diff(""), "C /file\nA /more");
    assert!(diff("table").starts_with("KIND      PATH\nC         /file"));
    assert!(diff("json").starts_with("[{"));
    volume(&scratch, &["diff", "old", "new", "--format", "{{.Nonsense}}"]).fails(1);
}

#[test]
fn the_name_of_a_group_is_a_question() {
    let scratch = Scratch::new();
    for group in ["volume", "image", "container", "system"] {
        let outcome = scratch.minirun([group]).run();
        assert_eq!(outcome.success(), "");
        assert!(outcome.stderr().contains(&format!("Usage: minirun {group} ")), "{outcome}");
    }
    volume(&scratch, &["nonsense"]).fails(1);
}

#[test]
fn rm_takes_podman_s_time() {
    let scratch = Scratch::new();
    for flags in [&["-t", "5"][..], &["--time=-1"], &["-f", "--time", "0"]] {
        volume(&scratch, &["create", "data"]).success();
        assert_eq!(volume(&scratch, &[&["rm"], flags, &["data"]].concat()).success(), "data");
    }
}

#[test]
fn a_restore_that_finds_the_name_taken_says_how_else() {
    let scratch = Scratch::new();
    for name in ["one", "two"] {
        volume(&scratch, &["create", name]).success();
    }
    volume(&scratch, &["rm", "one"]).success();
    let said = volume(&scratch, &["restore", "one", "--as", "two"]).fails(1).to_owned();
    assert!(said.contains("minirun volume restore one --as OTHER"), "{said}");
}

#[test]
fn an_option_that_a_file_system_does_not_know_is_named() {
    let scratch = Scratch::with_image();
    volume(&scratch, &["create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=nonsense=1", "data"])
        .success();
    let said = scratch.shell(&["-v", "data:/v"], "true").run().fails(125).to_owned();
    assert!(said.contains("nonsense=1") && said.contains("does not take this option"), "{said}");
    assert!(!said.contains("bind-recursive"), "{said}");
}

#[test]
fn removed_volumes_take_what_they_took_before() {
    let scratch = Scratch::with_image();
    scratch
        .shell(&["-v", "/v", "-v", "data:/d"], "dd if=/dev/zero of=/d/file bs=1024 count=64 2>/dev/null")
        .run()
        .success();
    volume(&scratch, &["snapshot", "data", "x"]).success();
    let total = |text: &str| text.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    let dry = volume(&scratch, &["prune", "-a", "-f", "--dry-run"]).success();
    assert!(dry.contains("data  "), "{dry}");
    volume(&scratch, &["exists", "data"]).success();
    let pruned = volume(&scratch, &["prune", "-a", "-f"]).success();
    let emptied = volume(&scratch, &["prune", "--trash", "-f"]).success();
    assert_eq!(total(&dry), total(&pruned));
    assert_eq!(total(&pruned), total(&emptied), "{pruned}\n{emptied}");
}

#[test]
fn prunes_look_at_labels_and_can_only_tell() {
    let scratch = Scratch::with_image();
    for (name, label) in [("one", "kind=a"), ("two", "kind=b")] {
        let run = ["run", "--name", name, "--label", label, "-v", "/v", IMAGE, "true"];
        scratch.minirun(run).run().success();
    }
    let names = || {
        let text = scratch.minirun(["ps", "-a", "--format", "{{.Names}}"]).run().success();
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names.join(" ")
    };
    let system = |args: &[&str]| scratch.minirun([&["system", "prune"], args].concat()).run();
    let dry = system(&["--dry-run", "-a", "-f", "--volumes"]).success();
    for part in [
        "Containers to delete:\n",
        "one  ",
        "two  ",
        "Volumes to delete:\n",
        "Images to delete:\n",
        "Space to reclaim: ",
    ] {
        assert!(dry.contains(part), "{dry}");
    }
    assert_eq!(names(), "one two");
    system(&["-f", "--filter", "label=kind=a"]).success();
    assert_eq!(names(), "two");
    system(&["-f", "--filter", "label!=kind"]).success();
    assert_eq!(names(), "two");
    system(&["-f", "--filter", "name=two"]).fails(1);
    let images = || scratch.minirun(["images", "-q"]).run().success().lines().count();
    let image_prune = |args: &[&str]| scratch.minirun([&["image", "prune"], args].concat()).run();
    assert!(image_prune(&["-a", "-f"]).success().contains("Total reclaimed space: 0B"));
    system(&["-f"]).success();
    assert!(image_prune(&["-f"]).success().contains("Total reclaimed space: 0B"));
    assert!(image_prune(&["-a", "--dry-run"]).success().contains("Images to delete:"));
    image_prune(&["-a", "-f", "--filter", "label=none"]).success();
    assert_eq!(images(), 1);
    assert!(image_prune(&["-a"]).success().contains("WARNING! This will remove all images without"));
    assert_eq!(images(), 1);
    assert!(image_prune(&["-a", "-f"]).success().contains("Deleted Images:\nuntagged: "));
    assert_eq!(images(), 0);
}

#[test]
fn df_counts_a_container_once() {
    let scratch = Scratch::with_image();
    let mount = format!("type=image,source={IMAGE},destination=/image");
    scratch.minirun(["run", "--mount", &mount, IMAGE, "true"]).run().success();
    let text = scratch.minirun(["system", "df", "-v"]).run().success();
    let row = text.lines().find(|line| line.contains("REPOSITORY")).unwrap();
    assert!(row.ends_with("CONTAINERS"), "{text}");
    let image = text.lines().skip_while(|line| !line.contains("REPOSITORY")).nth(1).unwrap();
    assert!(image.ends_with(" 1"), "{text}");
}
