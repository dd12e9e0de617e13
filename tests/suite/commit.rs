//! `commit` and `export`: a container as an image, and as an archive.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Call, Caller, IMAGE, Image, Scratch, eventually};

const SCRIPT: &str = "rm -r /seed/deep; rm /seed/link; echo x >>/seed/file; mkdir -p /new/deep; echo a >/new/file; \
    ln /new/file /new/second; ln -s nowhere /new/link; chmod 4755 /new/second; rm -r /home; mkdir /home; \
    echo mine >/home/me; touch -d '2001-02-03 04:05:06' /new/deep; mkfifo /new/pipe; echo v >/data/volume; \
    dd if=/dev/null of=/new/sparse bs=1 seek=20000000 2>/dev/null";
/// What tells one tree from another.
const LOOK: &str = "cd /; find seed new home locked data etc -type f -o -type l -o -type p -o -type d | sort | \
    while read name; do stat -c '%n %f %u %g' \"$name\"; done; stat -c '%s %h' /new/second /new/sparse; cat /seed/file /new/file /home/me; \
    readlink /new/link; stat -c %Y /new/deep";

fn made(scratch: &Scratch, driver: &str) {
    let flags = ["run", "--name", "one", "--driver", driver, "-v", "data:/data", "-e", "A=run", "-l", "x=y"];
    scratch.minirun(flags).args([IMAGE, "sh", "-c", SCRIPT]).run().success();
}

fn inspected(scratch: &Scratch, name: &str) -> Value {
    serde_json::from_str(&scratch.minirun(["image", "inspect", name]).run().success()).unwrap()
}

fn looked_at(scratch: &Scratch, image: &str) -> String {
    scratch.minirun(["run", "--rm", image, "sh", "-c", LOOK]).run().success()
}

#[test]
fn what_a_container_changed_becomes_a_layer() {
    let mut looks = Vec::new();
    for driver in ["overlay", "vfs"] {
        let scratch = Scratch::with_image();
        made(&scratch, driver);
        let id = scratch.minirun(["commit", "-a", "Me", "-m", "words", "one", "new:1"]).run().success();
        assert!(id.starts_with("sha256:"), "{id}");
        let document = inspected(&scratch, "new:1");
        assert_eq!(document[0]["Id"], id.as_str());
        assert_eq!(document[0]["RootFS"]["Layers"].as_array().unwrap().len(), 2);
        let config = &document[0]["Config"];
        assert_eq!((&config["Labels"]["x"], &config["Cmd"][0]), (&"y".into(), &"sh".into()));
        assert!(config["Env"].as_array().unwrap().contains(&"A=run".into()), "{config}");
        let looked = looked_at(&scratch, "new:1");
        for gone in ["seed/deep", "seed/link", "home/app", "data/volume"] {
            assert!(!looked.contains(gone), "{driver}: {gone} in\n{looked}");
        }
        assert!(looked.contains("new/second 89ed 0 0"), "{driver}: {looked}");
        // A container of the new image differs from it in nothing.
        scratch.minirun(["run", "--name", "two", "new:1", "true"]).run().success();
        assert_eq!(scratch.minirun(["diff", "two"]).run().success(), "");
        looks.push(looked);
        // Nothing that a start makes is in the layer.
        assert!(scratch.listing().iter().all(|path| !path.ends_with("tree/.dockerenv")));
    }
    assert_eq!(looks[0], looks[1]);
}

#[test]
fn the_same_changes_are_the_same_layer() {
    let scratch = Scratch::with_image();
    made(&scratch, "overlay");
    let layers = |name: &str| inspected(&scratch, name)[0]["RootFS"]["Layers"].clone();
    scratch.minirun(["commit", "one", "a:1"]).run().success();
    scratch.minirun(["commit", "one", "b:1"]).run().success();
    assert_eq!(layers("a:1"), layers("b:1"));
    scratch.minirun(["run", "--name", "two", "a:1", "sh", "-c", "echo more >/more"]).run().success();
    scratch.minirun(["commit", "two", "c:1"]).run().success();
    assert_eq!(layers("c:1").as_array().unwrap().len(), 3);
    assert_eq!(
        scratch.minirun(["run", "--rm", "c:1", "cat", "/more", "/new/file"]).run().success(),
        "more\na"
    );
}

#[test]
fn instructions_change_how_it_is_run() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "one", IMAGE, "true"]).run().success();
    let flags =
        ["-c", "CMD [\"/bin/sh\",\"-c\",\"echo $A; pwd\"]", "--change", "ENV A=b", "-c", "WORKDIR /seed"];
    scratch.minirun(["commit", "-p=false"]).args(flags).args(["one", "new"]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", "new"]).run().success(), "b\n/seed");
    scratch.minirun(["commit", "-c", "RUN x", "one"]).run().fails(1);
    scratch.minirun(["commit", "other"]).run().fails(1);
}

/// The configuration of an image, byte for byte as the store has it.
fn document(scratch: &Scratch, name: &str) -> Value {
    let id = inspected(scratch, name)[0]["Id"].as_str().unwrap().to_owned();
    let path = scratch.store().join("images").join(id.trim_start_matches("sha256:")).join("config.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// An image that says much of what minirun does not understand.
fn rich() -> Image {
    let check = json!({ "Test": ["CMD", "/check"], "Interval": 30_000_000_000_i64 });
    [
        ("Healthcheck", check),
        ("Shell", json!(["/bin/sh", "-ec"])),
        ("OnBuild", json!(["RUN make"])),
        ("ArgsEscaped", json!(true)),
        ("Cmd", json!(["sh"])),
        ("StopSignal", json!("SIGINT")),
        ("ExposedPorts", json!({ "80/tcp": null })),
        ("example.test/own", json!({ "deep": [1, 2.5, null] })),
    ]
    .into_iter()
    .fold(Image::base(), |image, (name, value)| image.config(name, value))
    .field("author", json!("Somebody"))
    .field("history", json!([{ "created_by": "x", "example.test/own": 1 }]))
    .field("example.test/top", json!([{ "a": "b" }]))
}

#[test]
fn an_image_keeps_what_its_base_says() {
    let scratch = Scratch::with(&rich());
    let base = document(&scratch, IMAGE);
    scratch.minirun(["run", "--name", "one", "-e", "A=b", IMAGE]).run().success();
    scratch.minirun(["commit", "one", "made:1"]).run().success();
    scratch.minirun(["layer", "-t", "made:2", IMAGE, "-e", "A=b", "--", "touch", "/x"]).run().success();
    for (name, variables) in [("made:1", json!(["A=b"])), ("made:2", Value::Null)] {
        let mut made = document(&scratch, name);
        let diff_ids = made["rootfs"]["diff_ids"].as_array_mut().unwrap();
        diff_ids.pop();
        let steps = made["history"].as_array_mut().unwrap();
        assert_eq!((steps.len(), steps.pop().unwrap()["created"].is_string()), (2, true), "{name}");
        let fields = made.as_object_mut().unwrap();
        assert!(fields.remove("created").is_some(), "{name}");
        let mut wanted = base.clone();
        if !variables.is_null() {
            wanted["config"]["Env"] = variables;
        }
        assert_eq!(made, wanted, "{name}");
    }
    // What is made of it, and saved, is an image like any other.
    let saved = scratch.text("saved.tar");
    scratch.minirun(["save", "-o", &saved, "made:1"]).run().success();
    let id = inspected(&scratch, "made:1")[0]["Id"].clone();
    scratch.minirun(["rm", "one"]).run().success();
    scratch.minirun(["rmi", "-f", "made:1", "made:2", IMAGE]).run().success();
    scratch.minirun(["load", "-q", "-i", &saved]).run().success();
    assert_eq!(inspected(&scratch, "made:1")[0]["Id"], id);
}

#[test]
fn inspect_shows_what_an_image_says_beyond_the_usual() {
    let scratch = Scratch::with(&rich());
    let config = inspected(&scratch, IMAGE)[0]["Config"].clone();
    for (field, wanted) in [
        ("Healthcheck", json!({ "Test": ["CMD", "/check"], "Interval": 30_000_000_000_i64 })),
        ("Shell", json!(["/bin/sh", "-ec"])),
        ("OnBuild", json!(["RUN make"])),
        ("ArgsEscaped", json!(true)),
        ("ExposedPorts", json!({ "80/tcp": {} })),
        ("User", json!("")),
        ("Env", Value::Null),
    ] {
        assert_eq!(config[field], wanted, "{field}");
    }
    let look = ["inspect", "-f", "{{index .Config.Healthcheck.Test 1}} {{.Config.OnBuild}}", IMAGE];
    assert_eq!(scratch.minirun(look).run().success(), "/check [RUN make]");
}

#[test]
fn instructions_about_what_is_not_done_here_are_written_down() {
    let scratch = Scratch::with(&rich());
    scratch.minirun(["run", "--name", "one", IMAGE]).run().success();
    let changes = [
        "-c",
        "HEALTHCHECK --interval=5s --retries=2 CMD wget -q localhost",
        "-c",
        "ONBUILD COPY . /src",
        "-c",
        "CMD echo $0",
        "-c",
        "STOPSIGNAL SIGTERM",
    ];
    scratch.minirun(["commit"]).args(changes).args(["one", "made:1"]).run().success();
    let config = document(&scratch, "made:1")["config"].clone();
    let check =
        json!({ "Test": ["CMD-SHELL", "wget -q localhost"], "Interval": 5_000_000_000_i64, "Retries": 2 });
    assert_eq!(config["Healthcheck"], check);
    assert_eq!(config["OnBuild"], json!(["RUN make", "COPY . /src"]));
    // By the shell of the image.
    assert_eq!(config["Cmd"], json!(["/bin/sh", "-ec", "echo $0"]));
    assert_eq!((&config["StopSignal"], config.get("ArgsEscaped")), (&json!("SIGTERM"), None));
    assert_eq!(scratch.minirun(["run", "--rm", "made:1"]).run().success(), "/bin/sh");
    let wrong = scratch.minirun(["commit", "-c", "HEALTHCHECK --interval=5x CMD y", "one"]).run();
    assert!(wrong.fails(1).contains("`5x` is no duration"), "{wrong}");
}

#[test]
fn an_import_says_how_it_is_run() {
    let scratch = Scratch::new();
    let tar = scratch.file("root.tar", Image::base_layer());
    let flags = ["-c", "CMD [\"sh\", \"-c\", \"echo $A\"]", "--change", "ENV A=b", "-m", "words"];
    scratch.minirun(["import"]).args(flags).args([tar.to_str().unwrap(), "made:1"]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", "made:1"]).run().success(), "b");
    let history = scratch.minirun(["history", "made:1"]).run().success();
    assert!(history.contains("words"), "{history}");
    scratch.minirun(["import", "-c", "RUN x", tar.to_str().unwrap()]).run().fails(125);
}

#[test]
fn a_running_container_and_owners() {
    let scratch = Scratch::with_image();
    let script = "mkdir /made; echo a >/made/file; chown -R app:spare /made 2>/dev/null; chmod 700 /made; touch /tmp/ready; \
        exec sleep 1000";
    let running = scratch.minirun(["run", "--rm", "--name", "one", IMAGE, "sh", "-c", script]).start();
    eventually("it is ready", || {
        scratch.minirun(["exec", "one", "test", "-e", "/tmp/ready"]).run().code == Some(0)
    });
    scratch.minirun(["commit", "one", "new"]).run().success();
    let owner = if Caller::detect().has_many_ids() { "1234 3456" } else { "0 0" };
    let look = ["run", "--rm", "new", "stat", "-c", "%u %g", "/made/file"];
    assert_eq!(scratch.minirun(look).run().success(), owner);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    // The image stays when the container is gone.
    assert_eq!(scratch.minirun(look).run().success(), owner);
}

#[test]
fn a_root_directory_becomes_an_image_of_one_layer() {
    let scratch = Scratch::with_image();
    let tar = scratch.path("root.tar");
    scratch.minirun(["run", "--name", "base", IMAGE, "true"]).run().success();
    scratch.minirun(["export", "-o", tar.to_str().unwrap(), "base"]).run().success();
    let root = scratch.directory("root");
    let unpack = ["-C", root.to_str().unwrap(), "--no-same-owner", "-xf", tar.to_str().unwrap()];
    Call::new("tar").args(unpack).run();
    let from = format!("rootfs:{}", root.display());
    scratch.minirun(["run", "--name", "one", &from, "sh", "-c", "echo a >/made"]).run().success();
    scratch.minirun(["commit", "one", "new"]).run().success();
    assert_eq!(inspected(&scratch, "new")[0]["RootFS"]["Layers"].as_array().unwrap().len(), 1);
    assert_eq!(
        scratch.minirun(["run", "--rm", "new", "cat", "/made", "/seed/file"]).run().success(),
        "a\nseeded"
    );
}

#[test]
fn an_export_is_what_the_container_sees() {
    for driver in ["overlay", "vfs"] {
        let scratch = Scratch::with_image();
        made(&scratch, driver);
        let tar = scratch.path("one.tar");
        let piped = format!("\"$MINIRUN\" export one >{}", tar.display());
        scratch.host_script(&piped).run().success();
        let list = Call::new("tar").args(["--numeric-owner", "-tvf"]).args([&tar]).run().success();
        let lines: BTreeMap<&str, &str> =
            list.lines().filter_map(|line| Some((line.split_whitespace().nth(5)?, line))).collect();
        for there in ["./", "seed/file", "new/second", "new/link", "new/pipe", "bin/", "data/", "home/me"] {
            assert!(lines.contains_key(there), "{there} is not in\n{list}");
        }
        for gone in ["seed/deep/", "seed/link", "home/app/", "data/volume"] {
            assert!(!lines.contains_key(gone), "{gone} is in\n{list}");
        }
        assert!(lines["seed/file"].contains(" 0/0 "), "{list}");
        let import = ["import", tar.to_str().unwrap(), "flat"];
        scratch.minirun(import).run().success();
        let committed = scratch.minirun(["commit", "one", "new"]).run();
        committed.success();
        assert_eq!(looked_at(&scratch, "flat"), looked_at(&scratch, "new"), "{driver}");
    }
}

#[test]
fn names_that_mean_removal_are_left_out_and_said() {
    let scratch = Scratch::with_image();
    scratch
        .minirun(["run", "--name", "one", IMAGE, "sh", "-c", "echo a >/seed/.wh.file; echo b >/b"])
        .run()
        .success();
    let said = scratch.minirun(["commit", "one", "new"]).run();
    said.success();
    assert!(said.stderr().contains("/seed/.wh.file"), "{said}");
    assert_eq!(
        scratch.minirun(["run", "--rm", "new", "cat", "/seed/file", "/b"]).run().success(),
        "seeded\nb"
    );
}

#[test]
fn what_is_in_memory_only_is_refused() {
    let scratch = Scratch::new();
    scratch.minirun(["run", "--name", "one", "host", "true"]).run().success();
    for verb in ["commit", "export"] {
        let said = scratch.minirun([verb, "one"]).run();
        assert!(said.fails(1).contains("keeps no files of its own"), "{said}");
    }
}
