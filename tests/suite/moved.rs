//! Stores that lie elsewhere than where they were made, with the containers in them.

use std::fs;
use std::path::Path;

use crate::support::{Call, IMAGE, Scratch};

/// `minirun words…` on the store at `store`.
fn there(scratch: &Scratch, store: &Path, words: &[&str]) -> Call {
    scratch.minirun(["--store", store.to_str().unwrap()]).args(words)
}

/// Everything in the store that says where things lie; nothing of it may say where the store does.
#[track_caller]
fn assert_forgotten(store: &Path, old: &Path) {
    let old = old.to_str().unwrap();
    for container in fs::read_dir(store.join("containers")).unwrap() {
        let container = container.unwrap().path();
        for name in ["record.json", "config.json", "supplement.json"] {
            let text = fs::read_to_string(container.join(name)).unwrap();
            assert!(!text.contains(old), "{old} in {name}: {text}");
        }
    }
}

const SCRIPT: &str = "echo own >>/own; echo data >>/data/file; echo part >>/part/file; echo layer >>/layer/file; \
    cat /own /data/file /part/file /layer/file /image/seed/file; cat /etc/hostname >/dev/null";

#[test]
fn containers_move_with_their_store() {
    for driver in ["overlay", "vfs"] {
        let scratch = Scratch::with_image();
        let fill = "mkdir -p /data/deep; echo first >/data/deep/file";
        scratch.shell(&["-v", "parts:/data"], fill).run().success();
        scratch.directory("host");
        scratch.file("host/file", "base\n");
        let host = format!("{}:/layer:cow", scratch.text("host"));
        let mut words = vec!["run", "--name", "one", "--driver", driver, "-h", "box", "-v", "data:/data"];
        let (part, image) = (
            "type=volume,src=parts,dst=/part,volume-subpath=deep",
            format!("type=image,src={IMAGE},dst=/image"),
        );
        words.extend(["--mount", part, "--mount", &image, "-v", &host, "-v", "/anonymous"]);
        let made = scratch.minirun(words).args([IMAGE, "sh", "-c", SCRIPT]).run().success();
        assert_eq!(made, "own\ndata\nfirst\npart\nbase\nlayer\nseeded");
        let (old, new) = (scratch.store(), scratch.path("elsewhere"));
        fs::rename(&old, &new).unwrap();
        assert_forgotten(&new, &old);
        let there = |words: &[&str]| there(&scratch, &new, words).run();
        assert_eq!(there(&["system", "check"]).success(), "the store is in order");
        let started = there(&["start", "-a", "one"]).success();
        let wanted = "own\nown\ndata\ndata\nfirst\npart\npart\nbase\nlayer\nlayer\nseeded";
        assert_eq!(started, wanted, "{driver}");
        assert!(!old.exists());
        let inspected = there(&["inspect", "one"]).success();
        let old = old.to_str().unwrap();
        assert!(!inspected.contains(old), "{old} in {inspected}");
        // What else looks at its files finds them.
        assert!(there(&["diff", "one"]).success().contains("A /own"));
        assert_eq!(there(&["changes", "one"]).success().lines().count(), 1);
        let copied = scratch.text("copied");
        there(&["cp", "one:/data/file", &copied]).success();
        assert_eq!(fs::read_to_string(&copied).unwrap(), "data\ndata\n");
        there(&["rename", "one", "two"]).success();
        there(&["commit", "two", "made:1"]).success();
        assert_eq!(there(&["run", "--rm", "made:1", "cat", "/own"]).success(), "own\nown");
        // And back again: its new name has brought no path along.
        fs::rename(&new, scratch.store()).unwrap();
        assert!(scratch.minirun(["start", "-a", "two"]).run().success().starts_with("own\nown\nown\n"));
        scratch.minirun(["system", "check"]).run().success();
    }
}

#[test]
fn a_copied_store_leaves_the_first_one_alone() {
    let scratch = Scratch::with_image();
    let script = "echo own >>/own; echo data >>/data/file; cat /own /data/file";
    let words = ["run", "--name", "one", "-v", "data:/data", IMAGE, "sh", "-c", script];
    assert_eq!(scratch.minirun(words).run().success(), "own\ndata");
    let copy = scratch.path("copy");
    scratch.minirun(["unshare", "--", "cp", "-a"]).args([&scratch.store(), &copy]).run().success();
    let twice = "own\nown\ndata\ndata";
    assert_eq!(there(&scratch, &copy, &["start", "-a", "one"]).run().success(), twice);
    there(&scratch, &copy, &["system", "check"]).run().success();
    // Neither the container's own files nor those of its volume are the copy's.
    assert_eq!(scratch.minirun(["start", "-a", "one"]).run().success(), twice);
    there(&scratch, &copy, &["rm", "one"]).run().success();
    assert_eq!(scratch.minirun(["start", "-a", "one"]).run().success().lines().count(), 6);
}

#[test]
fn a_network_that_is_shared_is_found_again() {
    let scratch = Scratch::with_image();
    let donor = ["run", "-d", "--name", "donor", "-h", "box", IMAGE, "sleep", "1000"];
    scratch.minirun(donor).run().success();
    let guest = ["create", "--name", "guest", "--network", "container:donor", IMAGE, "cat", "/etc/hostname"];
    scratch.minirun(guest).run().success();
    scratch.minirun(["stop", "-t", "0", "donor"]).run().success();
    let (old, new) = (scratch.store(), scratch.path("elsewhere"));
    fs::rename(&old, &new).unwrap();
    assert_forgotten(&new, &old);
    there(&scratch, &new, &["start", "donor"]).run().success();
    assert_eq!(there(&scratch, &new, &["start", "-a", "guest"]).run().success(), "box");
    there(&scratch, &new, &["rm", "-f", "donor", "guest"]).run().success();
}

#[test]
fn a_container_that_cannot_move_is_told_of() {
    let scratch = Scratch::with_image();
    scratch.minirun(["create", "--name", "one", IMAGE, "true"]).run().success();
    // As it was written down before paths followed the store.
    let record = scratch.find_in_store("supplement.json").with_file_name("record.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"layers/", "\"/gone/store/layers/")).unwrap();
    let said = scratch.minirun(["system", "check"]).run();
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.stdout().contains("/gone/store/layers/"), "{said}");
    assert!(said.stdout().contains("move the store back to start it, or `minirun rm one`"), "{said}");
}
