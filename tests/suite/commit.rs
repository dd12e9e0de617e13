//! `commit` and `export`: a container as an image, and as an archive.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Call, Caller, IMAGE, Scratch, eventually};

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
