//! Names that mean one image and no other: `NAME@DIGEST`, and lock files.

use std::fs;

use serde_json::Value;

use crate::support::{Guard, IMAGE, Image, Layer, Registry, Scratch, docker_archive, has_registry, require};

fn image(mark: &str) -> Image {
    Image::base().layer(Layer::new().file("mark", 0o644, mark))
}

fn inspected(scratch: &Scratch, name: &str) -> Value {
    let shown = scratch.minirun(["image", "inspect", name]).run().success();
    serde_json::from_str::<Value>(&shown).unwrap()[0].clone()
}

/// The name with the digest of the image's manifest.
fn pinned(scratch: &Scratch, name: &str) -> String {
    let digests = inspected(scratch, name)["RepoDigests"].clone();
    digests[0].as_str().unwrap_or_else(|| panic!("{digests}")).to_owned()
}

#[test]
fn a_digest_is_honoured_by_every_verb() {
    let scratch = Scratch::with(&image("one"));
    let pin = pinned(&scratch, IMAGE);
    assert!(pin.contains("@sha256:"), "{pin}");
    let id = inspected(&scratch, IMAGE)["Id"].as_str().unwrap().to_owned();
    // The name moves on, and the digest does not.
    scratch.minirun(["tag", IMAGE, "kept:1"]).run().success();
    scratch.load(&image("second"), IMAGE);
    let both = format!("{IMAGE}@{}", pin.split_once('@').unwrap().1);
    for name in [&pin, &both] {
        assert_eq!(scratch.minirun(["run", "--rm", name, "cat", "/mark"]).run().success(), "one");
        assert_eq!(inspected(&scratch, name)["Id"], id.as_str());
        assert_eq!(scratch.minirun(["image", "cat", name, "/mark"]).run().success(), "one");
        assert!(scratch.minirun(["image", "ls-files", name]).run().success().contains("mark"));
        assert!(!scratch.minirun(["history", name]).run().success().is_empty());
        assert!(!scratch.minirun(["image", "tree", name]).run().success().is_empty());
        assert!(scratch.minirun(["image", "diff", name, IMAGE]).run().success().contains("/mark"));
        let container = scratch.minirun(["create", name, "true"]).run().success();
        assert_eq!(scratch.field(&container, ".Image"), id);
        scratch.minirun(["rm", &container]).run().success();
        scratch.minirun(["tag", name, "again:1"]).run().success();
        assert_eq!(inspected(&scratch, "again:1")["Id"], id.as_str());
        scratch.minirun(["rmi", "again:1"]).run().success();
        let mount = format!("type=image,src={name},dst=/x");
        let seen = scratch.minirun(["run", "--rm", "--mount", &mount, IMAGE, "cat", "/x/mark"]).run();
        assert_eq!(seen.success(), "one");
        let layer = scratch.minirun(["layer", name, "--", "cat", "/mark"]).run();
        assert!(layer.success().starts_with("sha256:") || layer.stderr().contains("one"), "{layer}");
        let file = scratch.text("saved.tar");
        scratch.minirun(["save", "-o", &file, name]).run().success();
        let other = scratch.text("other");
        let loaded = scratch.minirun(["load", "-q", "-i", &file, "--store", &other]).run().success();
        assert_eq!(loaded, format!("Loaded image ID: {id}"));
        scratch.minirun(["unshare", "--store", &other, "rm", "-rf", &other]).run();
    }
    let none = format!("{IMAGE}@sha256:{}", "0".repeat(64));
    for words in [
        vec!["run", &none, "true"],
        vec!["create", &none, "true"],
        vec!["layer", &none, "--", "true"],
        vec!["rmi", &none],
        vec!["tag", &none, "x:1"],
        vec!["save", "-o", "/dev/null", &none],
        vec!["history", &none],
        vec!["image", "inspect", &none],
        vec!["image", "tree", &none],
        vec!["image", "cat", &none, "/mark"],
    ] {
        let refused = scratch.minirun(&words).run();
        assert!(refused.code.is_some_and(|code| code != 0), "{refused}");
    }
    scratch.minirun(["tag", IMAGE, &pin]).run().fails_somehow();
    // It has one name left, which goes with it.
    scratch.minirun(["rmi", &pin]).run().success();
    assert_ne!(scratch.minirun(["image", "inspect", &pin]).run().code, Some(0));
    assert_eq!(scratch.minirun(["run", "--rm", IMAGE, "cat", "/mark"]).run().success(), "second");
}

#[test]
fn a_name_that_drifts_is_refused() {
    let scratch = Scratch::with(&image("one"));
    let file = scratch.text("images.lock");
    let told = scratch.minirun(["image", "lock", &file, IMAGE]).run().success();
    let pin = pinned(&scratch, IMAGE);
    assert_eq!(told, format!("{IMAGE} {}", pin.split_once('@').unwrap().1));
    let run = |name: &str| scratch.minirun(["run", "--rm", "--lock", &file, name, "cat", "/mark"]).run();
    assert_eq!(run(IMAGE).success(), "one");
    scratch.minirun(["tag", IMAGE, "other:1"]).run().success();
    assert!(run("other:1").fails(125).contains("`other:1` is not among the locked images"));
    // What says itself what it is needs no lock.
    assert_eq!(run(&pin).success(), "one");
    let archive = scratch.file("two.tar", docker_archive(&image("two"), &[IMAGE]));
    let load = ["load", "-i", archive.to_str().unwrap()];
    let refused = scratch.minirun(load).args(["--lock", &file]).run();
    assert!(refused.fails(125).contains("is not what was locked"), "{refused}");
    assert_eq!(run(IMAGE).success(), "one");
    scratch.minirun(load).run().success();
    let new = inspected(&scratch, IMAGE)["Id"].as_str().unwrap().to_owned();
    let old = inspected(&scratch, "other:1")["Id"].as_str().unwrap().to_owned();
    for words in [&["run", "--rm"][..], &["create"], &["layer"]] {
        let end = if words[0] == "layer" { &["--", "true"][..] } else { &["true"] };
        let refused = scratch.minirun(words).args(["--lock", &file, IMAGE]).args(end).run();
        let said = refused.fails(125);
        for word in [IMAGE, &new, &old] {
            assert!(said.contains(word), "{word}: {refused}");
        }
    }
    let mount = format!("type=image,src={IMAGE},dst=/x");
    let mounted = ["run", "--rm", "--lock", &file, "--mount", &mount, &pin, "true"];
    assert!(scratch.minirun(mounted).run().fails(125).contains("is not what was locked"));
    // All that it has, anew.
    scratch.minirun(["image", "lock", &file]).run().success();
    assert_eq!(run(IMAGE).success(), "two");
    let all = scratch.text("all.lock");
    assert_eq!(scratch.minirun(["image", "lock", &all]).run().success().lines().count(), 2);
    scratch.minirun(["image", "lock", &all, "none:1"]).run().fails_somehow();
    scratch.minirun(["image", "lock", &all, &new]).run().fails_somehow();
    run("host").fails(125);
    scratch.minirun(["run", "--rm", "--lock", &scratch.text("none"), IMAGE, "true"]).run().fails(125);
    let twice =
        fs::read_to_string(&file).unwrap().replace("\"version\": 1", "\"version\": 1, \"version\": 1");
    fs::write(&file, twice).unwrap();
    assert!(run(IMAGE).fails(125).contains("cannot use the lock file"));
}

#[test]
fn a_registry_that_drifts_is_refused() {
    require!(has_registry(), "no docker-registry or no skopeo");
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    registry.fill(&scratch, &image("one"), "app:1");
    let (name, file) = (registry.name("app:1"), scratch.text("images.lock"));
    scratch.minirun(["pull", "-q", &name]).run().success();
    scratch.minirun(["image", "lock", &file, &name]).run().success();
    // A name with a digest is in nobody's way where all names are locked.
    let told = scratch.minirun(["pull", &name]).run().success();
    let digest = told.lines().find_map(|line| line.strip_prefix("Digest: ")).unwrap().to_owned();
    let pinned = format!("{}@{digest}", registry.name("app"));
    scratch.minirun(["pull", "-q", &pinned]).run().success();
    assert_eq!(scratch.minirun(["image", "lock", &scratch.text("all")]).run().success().lines().count(), 1);
    scratch.minirun(["rmi", "-f", &pinned]).run().success();
    let run = || {
        let run = scratch
            .minirun(["run", "--rm", "-q", "--pull", "missing", "--lock", &file, &name, "cat", "/mark"]);
        run.run()
    };
    assert_eq!(run().success(), "one");
    registry.fill(&scratch, &image("two"), "app:1");
    assert_eq!(run().success(), "one");
    let refused = scratch.minirun(["pull", "-q", "--lock", &file, &name]).run();
    assert!(refused.fails(1).contains("is not what was locked"), "{refused}");
    assert_eq!(run().success(), "one");
    scratch.minirun(["rmi", &name]).run().success();
    assert!(run().fails(125).contains("is not what was locked"));
    assert_eq!(scratch.minirun(["images", "-q"]).run().success(), "");
}
