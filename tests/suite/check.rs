//! `system check`: what is wrong with a store, and mending it.

use std::fs;
use std::path::PathBuf;

use crate::support::{IMAGE, Scratch};

const IN_ORDER: &str = "the store is in order";

/// What the check says; it must have found a problem.
#[track_caller]
fn problems(scratch: &Scratch, flags: &[&str]) -> String {
    scratch.minirun(["system", "check"]).args(flags).run().exits(1)
}

#[track_caller]
fn in_order(scratch: &Scratch) {
    assert_eq!(scratch.minirun(["system", "check"]).run().success(), IN_ORDER);
}

/// The only entry of a directory of the store.
fn only(scratch: &Scratch, directory: &str) -> PathBuf {
    let mut entries = fs::read_dir(scratch.store().join(directory)).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// A store with an image, a container and a volume with a file.
fn furnished() -> Scratch {
    let scratch = Scratch::with_image();
    let script = "echo kept >/data/keep";
    scratch.minirun(["run", "--name", "one", "-v", "data:/data", IMAGE, "sh", "-c", script]).run().success();
    in_order(&scratch);
    scratch
}

#[test]
fn an_empty_store_and_none_are_in_order() {
    let scratch = Scratch::new();
    in_order(&scratch);
    assert!(!scratch.store().exists());
    assert_eq!(scratch.minirun(["system", "check", "--format", "json"]).run().success(), "[]");
    in_order(&furnished());
}

#[test]
fn leftovers_are_told_and_removed() {
    let scratch = furnished();
    fs::create_dir(scratch.store().join("tmp/0123456789abcdef")).unwrap();
    fs::write(
        scratch.store().join("references/example.test%2Fgone:1"),
        format!("example.test/gone:1\nsha256:{:064}\n", 0),
    )
    .unwrap();
    let before = scratch.listing();
    let said = problems(&scratch, &[]);
    assert!(
        said.contains("tmp/0123456789abcdef: a process that was killed has left it; --repair removes it"),
        "{said}"
    );
    assert!(said.contains("references/example.test%2Fgone:1: it refers to image sha256:0"), "{said}");
    assert!(said.ends_with("\n2 problems"), "{said}");
    assert_eq!(scratch.listing(), before);
    let said = scratch.minirun(["system", "check", "--repair"]).run().success();
    assert!(said.contains("left it; mended: removes it"), "{said}");
    in_order(&scratch);
}

#[test]
fn the_files_of_a_volume_outlive_its_record() {
    let scratch = furnished();
    let record = scratch.store().join("volumes/data/volume.json");
    fs::write(&record, "").unwrap();
    let said = problems(&scratch, &["--format", "{{.Path}} {{.Grade}} {{.Repairable}}"]);
    assert_eq!(said, "volumes/data/volume.json problem true");
    let said = scratch.minirun(["system", "check", "--repair"]).run().success();
    assert!(said.contains("mended: writes a new record"), "{said}");
    assert_eq!(scratch.shell(&["-v", "data:/data"], "cat /data/keep").run().success(), "kept");
    let said = scratch.minirun(["system", "check"]).run().success();
    assert!(said.contains("note: damaged/volumes-data-volume.json-"), "{said}");
    fs::remove_dir_all(scratch.store().join("damaged")).unwrap();
    in_order(&scratch);
}

#[test]
fn what_is_damaged_is_moved_aside() {
    let scratch = furnished();
    let container = only(&scratch, "containers");
    fs::write(container.join("record.json"), "{").unwrap();
    // One damaged record stands in the way of every command that reads them all.
    let refused = scratch.minirun(["ps", "-a"]).run();
    assert!(refused.fails(1).contains("hint: `minirun system check --repair`"), "{refused}");
    let image = only(&scratch, "images");
    let config = fs::read_to_string(image.join("config.json")).unwrap();
    fs::write(image.join("config.json"), config + " ").unwrap();
    let said = problems(&scratch, &[]);
    assert!(said.contains("record.json: it is not well-formed JSON"), "{said}");
    assert!(said.contains("config.json has the digest"), "{said}");
    scratch.minirun(["system", "check", "--repair"]).run().success();
    scratch.minirun(["system", "check", "--repair"]).run().success();
    assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
    assert_eq!(scratch.minirun(["images", "-q"]).run().success(), "");
    assert_eq!(scratch.minirun(["volume", "ls", "-q"]).run().success(), "data");
    assert_eq!(fs::read_dir(scratch.store().join("damaged")).unwrap().count(), 2);
    scratch.load(&crate::support::Image::base(), IMAGE);
    assert_eq!(
        scratch.shell(&["--name", "one", "-v", "data:/data"], "cat /data/keep").run().success(),
        "kept"
    );
    scratch.minirun(["unshare", "--", "rm", "-rf"]).args([scratch.store().join("damaged")]).run().success();
    in_order(&scratch);
}

#[test]
fn every_byte_of_a_layer_is_known() {
    let scratch = furnished();
    assert_eq!(scratch.minirun(["system", "check", "--digests"]).run().success(), IN_ORDER);
    let tree = scratch.find_in_store("tree");
    let script = format!("printf X | dd of={}/seed/file conv=notrunc", tree.display());
    scratch.minirun(["unshare", "--", "sh", "-c", &script]).run().success();
    in_order(&scratch);
    let said = problems(&scratch, &["--digests"]);
    assert!(said.contains("its files have the digest sha256:"), "{said}");
    let said = scratch.minirun(["system", "check", "--digests", "--repair"]).run().success();
    assert!(said.contains("mended: moves it to damaged/"), "{said}");
    let said = problems(&scratch, &[]);
    assert!(said.contains("it refers to a layer, which is not there; load the image again"), "{said}");
    scratch.load(&crate::support::Image::base(), IMAGE);
    scratch.minirun(["system", "check", "--digests"]).run().success();
    assert_eq!(scratch.shell(&[], "cat /seed/file").run().success(), "seeded");
}

#[test]
fn names_lead_to_their_containers() {
    let scratch = furnished();
    fs::rename(scratch.store().join("names/one"), scratch.store().join("names/two")).unwrap();
    let said = problems(&scratch, &[]);
    assert!(
        said.contains("names/one: it refers to `one`, which is not there; --repair gives it its name again"),
        "{said}"
    );
    assert!(said.contains("note: names/two: nothing refers to it; --repair removes the name"), "{said}");
    scratch.minirun(["system", "check", "--repair"]).run().success();
    in_order(&scratch);
    scratch.minirun(["rm", "one"]).run().success();
}

#[test]
fn what_others_work_with_is_left_alone() {
    let scratch = furnished();
    scratch.detach(&["--name", "living", "-v", "data:/data", "--rm"], "sleep 1000");
    in_order(&scratch);
    let said = scratch.minirun(["system", "check", "--repair", "--digests"]).run().success();
    assert_eq!(said, IN_ORDER);
    assert_eq!(scratch.minirun(["exec", "living", "cat", "/data/keep"]).run().success(), "kept");
    let record = scratch
        .store()
        .join("ephemeral")
        .read_dir()
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("record.json");
    let whole = fs::read(&record).unwrap();
    fs::write(&record, "").unwrap();
    let said = problems(&scratch, &["--repair"]);
    assert!(said.contains("not mended: it is in use"), "{said}");
    fs::write(&record, whole).unwrap();
    scratch.minirun(["rm", "-f", "living"]).run().success();
    in_order(&scratch);
}
