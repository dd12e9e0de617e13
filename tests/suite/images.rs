//! Names of images: listing, tagging, removing, inspecting.

use serde_json::{Value, json};

use crate::support::{IMAGE, Image, Scratch};

fn inspected(scratch: &Scratch, reference: &str) -> Value {
    let text = scratch.minirun(["image", "inspect", reference]).run().success();
    let document: Value = serde_json::from_str(&text).unwrap();
    document[0].clone()
}

#[test]
fn images_are_listed_with_dockers_columns() {
    let scratch = Scratch::with_image();
    for args in [&["images"][..], &["image", "ls"]] {
        let output = scratch.minirun(args).run().success();
        let mut lines = output.lines();
        let header = lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(header, "REPOSITORY TAG IMAGE ID CREATED SIZE");
        let words: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(words[..2], ["example.test/base", "1"], "{output}");
        assert_eq!(words[2].len(), 12, "{output}");
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn a_list_shows_digests_and_leaves_out_what_no_filter_wants() {
    let scratch = Scratch::with(&Image::base().config("Labels", json!({ "kind": "tool" })));
    scratch.load(&Image::base().config("Env", json!(["OTHER=1"])), "example.test/team/other:2");
    let images = |args: &[&str]| scratch.minirun(["images"]).args(args).run().success();

    let table = images(&["--digests", "example.test/base"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..3], ["REPOSITORY", "TAG", "DIGEST"], "{table}");
    let pinned = format!("example.test/base@{}", lines[1][2]);
    assert_eq!(inspected(&scratch, &pinned)["RepoTags"], json!([IMAGE]), "{table}");

    let (base, other) = (IMAGE, "example.test/team/other:2");
    for (filter, wanted) in [
        ("label=kind=tool", base),
        ("label=kind=toy", ""),
        ("reference=example.test/*", base),
        ("reference=*/team/o*:2", other),
        ("dangling=true", ""),
    ] {
        let shown = images(&["--format", "{{.Repository}}:{{.Tag}}", "--filter", filter]);
        assert_eq!(shown, wanted, "{filter}");
    }
    let outcome = scratch.minirun(["images", "-f", "size=1"]).run();
    let said = outcome.refused();
    assert!(said.contains("size=1") && said.contains("reference=PATTERN"), "{said}");
}

#[test]
fn an_empty_store_lists_no_image_of_its_own() {
    let scratch = Scratch::new();
    let output = scratch.minirun(["images"]).run().success();
    assert!(output.starts_with("REPOSITORY"), "{output}");
}

#[test]
fn a_tag_is_another_name_of_the_same_image() {
    let scratch = Scratch::with_image();
    scratch.minirun(["tag", IMAGE, "busybox"]).run().success();
    scratch.minirun(["image", "tag", IMAGE, "example.test/base:two"]).run().success();
    let id = inspected(&scratch, IMAGE)["Id"].clone();
    for name in ["busybox", "busybox:latest", "docker.io/library/busybox", "docker.io/busybox:latest"] {
        assert_eq!(inspected(&scratch, name)["Id"], id, "{name}");
    }
    assert_eq!(scratch.minirun(["run", "--rm", "busybox", "echo", "hi"]).run().success(), "hi");

    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", "busybox", "echo", "hi"]).run().success(), "hi");
    scratch.minirun(["run", "--rm", IMAGE, "true"]).run().refused();
}

#[test]
fn an_image_is_found_by_its_id() {
    let scratch = Scratch::with_image();
    let id = inspected(&scratch, IMAGE)["Id"].as_str().unwrap().to_owned();
    let hex = id.trim_start_matches("sha256:");
    for reference in [id.as_str(), hex, &hex[..12], &hex[..6]] {
        assert_eq!(scratch.minirun(["run", "--rm", reference, "echo", "hi"]).run().success(), "hi");
    }
}

#[test]
fn an_image_is_found_by_its_digest() {
    let scratch = Scratch::new();
    let directory = scratch.path("layout");
    let mut layout = crate::support::Layout::new(&directory);
    let descriptor = layout.add(&Image::base()).named(IMAGE);
    let reference = format!("example.test/base@sha256:{}", descriptor.hex());
    layout.finish(&[descriptor]);
    scratch.minirun(["load", "-i", directory.to_str().unwrap()]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", &reference, "echo", "hi"]).run().success(), "hi");
}

#[test]
fn an_unknown_image_says_what_there_is() {
    let scratch = Scratch::with_image();
    let outcome = scratch.minirun(["run", "--rm", "nowhere:1", "true"]).run();
    let said = outcome.refused();
    assert!(said.contains("nowhere:1"), "{said}");
    assert!(said.contains("example.test/base:1"), "{said}");
    assert!(said.contains("hint: "), "{said}");
}

#[test]
fn a_removed_image_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.load(&Image::base(), "example.test/first:1");
    scratch.minirun(["rmi", "example.test/first:1"]).run().success();
    let empty = scratch.listing();
    scratch.load(&Image::base(), IMAGE);
    scratch.minirun(["image", "rm", IMAGE]).run().success();
    assert_eq!(scratch.listing(), empty);
    assert_eq!(scratch.minirun(["rmi", IMAGE]).run().code, Some(1));
}

#[test]
fn exists_says_by_its_code_whether_there_is_one() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "kept", IMAGE, "true"]).run().success();
    for (kind, name, code) in [
        ("image", IMAGE, 0),
        ("image", "example.test/base:2", 1),
        ("container", "kept", 0),
        ("container", "kept2", 1),
    ] {
        let outcome = scratch.minirun([kind, "exists", name]).run();
        assert_eq!(
            (outcome.code, outcome.stdout().as_str(), outcome.stderr()),
            (Some(code), "", ""),
            "{name}"
        );
    }
}

#[test]
fn an_image_in_use_stays() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "user", IMAGE, "true"]).run().success();
    assert_eq!(scratch.minirun(["rmi", IMAGE]).run().code, Some(1));
    scratch.minirun(["rm", "user"]).run().success();
    scratch.minirun(["rmi", IMAGE]).run().success();
}

#[test]
fn inspect_shows_the_configuration() {
    let image = Image::base()
        .config("Env", json!(["A=b"]))
        .config("Cmd", json!(["sh"]))
        .config("Labels", json!({ "org.example": "yes" }));
    let scratch = Scratch::with(&image);
    let document = inspected(&scratch, IMAGE);
    assert_eq!(document["Config"]["Env"], json!(["A=b"]), "{document}");
    assert_eq!(document["Config"]["Cmd"], json!(["sh"]), "{document}");
    assert_eq!(document["Config"]["Labels"]["org.example"], "yes", "{document}");
    assert_eq!(document["RepoTags"], json!([IMAGE]), "{document}");
}

#[test]
fn bad_references_are_refused() {
    let scratch = Scratch::with_image();
    for bad in ["", "UPPER", "a b", "x:", "x@sha256:12", "-x", "x//y", "../x", "x:ta/g"] {
        scratch.minirun(["tag", IMAGE, bad]).run().refused();
    }
}

#[test]
fn another_platform_than_the_stored_one_is_refused() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().architecture("riscv64").write_layout(&layout, IMAGE);
    scratch.minirun(["load", "-q", "--platform", "linux/riscv64", "-i"]).args([&layout]).run().success();
    let run = |platform: &str| scratch.minirun(["run", "--rm", "--platform", platform, IMAGE, "true"]).run();
    assert!(run("linux/s390x").refused().contains("linux/riscv64"));
    run("linux/riscv64").success();
}
