//! `--dry-run` prints the complete plan and changes nothing.

use crate::support::{Compression, IMAGE, Image, Scratch, compress, docker_archive};

#[test]
fn it_prints_the_plan() {
    let scratch = Scratch::with_image();
    let flags =
        ["--dry-run", "-v", "data:/data", "--tmpfs", "/scratch:size=64k", "--hostname", "box", "-w", "/seed"];
    let plan = scratch.shell(&flags, "echo must-not-run").run().success();
    for part in
        ["/data", "/scratch", "/proc", "box", "/seed", "echo must-not-run", "overlay", "user", "pid", "chown"]
    {
        assert!(plan.to_lowercase().contains(part), "{part}:\n{plan}");
    }
    assert!(plan.find("/proc").unwrap() < plan.find("/scratch").unwrap(), "mounts in order:\n{plan}");
}

#[test]
fn it_changes_nothing_on_disk() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    let missing = scratch.text("missing");
    let flags =
        ["--dry-run", "-v", "data:/data", "-v", &format!("{missing}:/x"), "--cidfile", &scratch.text("id")];
    scratch.shell(&flags, "true").run().success();
    assert_eq!(scratch.listing(), before);
    assert!(!scratch.path("missing").exists() && !scratch.path("id").exists());
}

#[test]
fn it_does_not_even_make_a_store() {
    let scratch = Scratch::new();
    scratch.minirun(["run", "--dry-run", "host", "true"]).run().success();
    assert!(!scratch.store().exists());
}

#[test]
fn it_refuses_what_run_would_refuse() {
    let scratch = Scratch::with_image();
    scratch.shell(&["--dry-run", "-v", "bad:relative"], "true").run().refused();
    scratch.shell(&["--dry-run", "-u", "nobody-here"], "true").run().refused();
    scratch.minirun(["run", "--dry-run", "no-such-image", "true"]).run().refused();
    scratch.minirun(["run", "--rm", "--dry-run", IMAGE]).run().refused();
}

#[test]
fn an_image_that_is_not_loaded_stays_so() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().config("Env", serde_json::json!(["FROM=image"])).write_layout(&layout, IMAGE);
    scratch.file("image.tar.gz", compress(&docker_archive(&Image::base(), &[IMAGE]), Compression::Gzip));
    for source in [
        "oci:".to_owned() + &scratch.text("layout"),
        "docker-archive:".to_owned() + &scratch.text("image.tar.gz"),
    ] {
        let plan = scratch.minirun(["run", "--dry-run", &source, "true"]).run().success();
        assert!(plan.contains("overlay") && plan.contains("/layers/"), "{plan}");
        assert!(!scratch.store().exists(), "{source}");
        let named = scratch.minirun(["run", "--dry-run", "-u", "somebody", &source, "true"]).run();
        assert!(named.refused().contains("not loaded"), "{named}");
    }
}
