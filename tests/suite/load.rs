//! Getting images into the store: every source, every packing, and what is refused.

use std::fs;

use serde_json::json;

use crate::support::{
    Archive, Compression, IMAGE, Image, Layer, Layout, Scratch, compress, docker_archive, program_exists,
    require,
};

const PACKINGS: [Compression; 4] =
    [Compression::Plain, Compression::Gzip, Compression::GzipMembers, Compression::Zstd];

/// The image runs and is the one meant: it holds the file `/mark`.
#[track_caller]
fn assert_marked(scratch: &Scratch, reference: &str) {
    let output = scratch.minirun(["run", "--rm", reference, "cat", "/mark"]).run();
    assert_eq!(output.success(), "marked");
}

fn marked() -> Image {
    Image::base().layer(Layer::new().file("mark", 0o644, "marked\n"))
}

#[test]
fn layout_directory() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    marked().write_layout(&layout, "example.test/app:1");
    let output = scratch.minirun(["load", "-i", layout.to_str().unwrap()]).run().success();
    assert!(output.contains("Loaded image"), "{output}");
    assert!(output.contains("example.test/app:1"), "{output}");
    assert_marked(&scratch, "example.test/app:1");
}

#[test]
fn layout_archive_in_every_packing() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    marked().write_layout(&layout, "example.test/app:1");
    let tar = Archive::of(&layout);
    for packing in PACKINGS {
        // A name that says nothing about the content.
        let file = scratch.file("image.bin", compress(&tar, packing));
        scratch.minirun(["load", "-i", file.to_str().unwrap()]).run().success();
        assert_marked(&scratch, "example.test/app:1");
        scratch.minirun(["rmi", "example.test/app:1"]).run().success();
    }
}

#[test]
fn docker_archive_in_every_packing() {
    let scratch = Scratch::new();
    let tar = docker_archive(&marked(), &["example.test/app:1"]);
    for packing in PACKINGS {
        let file = scratch.file("image.bin", compress(&tar, packing));
        let output = scratch.minirun(["load", "-i", file.to_str().unwrap()]).run().success();
        assert!(output.contains("Loaded image: "), "{output}");
        assert_marked(&scratch, "example.test/app:1");
        scratch.minirun(["rmi", "example.test/app:1"]).run().success();
    }
}

#[test]
fn docker_archive_with_two_names() {
    let scratch = Scratch::new();
    let file = scratch.file("two.tar", docker_archive(&marked(), &["one:1", "example.test/two:2"]));
    let output = scratch.minirun(["load", "-i", file.to_str().unwrap()]).run().success();
    assert_eq!(output.matches("Loaded image: ").count(), 2, "{output}");
    assert_marked(&scratch, "one:1");
    assert_marked(&scratch, "example.test/two:2");
}

#[test]
fn docker_archive_without_name() {
    let scratch = Scratch::new();
    let file = scratch.file("none.tar", docker_archive(&marked(), &[]));
    let output = scratch.minirun(["load", "-i", file.to_str().unwrap()]).run().success();
    let id = output.split("sha256:").nth(1).unwrap_or_else(|| panic!("no image id in {output:?}")).trim();
    assert_marked(&scratch, &format!("sha256:{id}"));
    assert_marked(&scratch, &id[..12]);
}

#[test]
fn from_standard_input() {
    let tar = docker_archive(&marked(), &["example.test/app:1"]);
    for args in [&["load"][..], &["load", "-i", "-"], &["image", "load"]] {
        let scratch = Scratch::new();
        scratch.minirun(args).input(compress(&tar, Compression::Gzip)).run().success();
        assert_marked(&scratch, "example.test/app:1");
    }
}

#[test]
fn layers_are_told_by_content_and_not_by_name() {
    for packing in PACKINGS {
        let scratch = Scratch::new();
        scratch.load(&marked().packed(packing), IMAGE);
        assert_marked(&scratch, IMAGE);
    }
}

#[test]
fn index_inside_an_index_picks_this_machine() {
    let scratch = Scratch::new();
    let directory = scratch.path("layout");
    let mut layout = Layout::new(&directory);
    let foreign = Image::base().layer(Layer::new().file("mark", 0o644, "foreign\n")).architecture("s390x");
    let foreign = layout.add(&foreign);
    let native = layout.add(&marked());
    let inner = layout.index(&[foreign, native]);
    layout.finish(&[inner.named("example.test/multi:1")]);

    let path = directory.to_str().unwrap();
    scratch.minirun(["load", "-i", path]).run().success();
    assert_marked(&scratch, "example.test/multi:1");
}

#[test]
fn platform_flag_picks_another_machine() {
    let scratch = Scratch::new();
    let directory = scratch.path("layout");
    let mut layout = Layout::new(&directory);
    // The programs are this machine's, only the label is foreign: so the choice can be seen by running it.
    let foreign = Image::base().layer(Layer::new().file("mark", 0o644, "foreign\n")).architecture("s390x");
    let foreign = layout.add(&foreign);
    let native = layout.add(&marked());
    let inner = layout.index(&[native, foreign]);
    layout.finish(&[inner.named("example.test/multi:1")]);

    let source = format!("oci:{}", directory.display());
    let run = ["run", "--rm", "--platform", "linux/s390x", &source, "cat", "/mark"];
    assert_eq!(scratch.minirun(run).run().success(), "foreign");
    let run = ["run", "--rm", "--platform", "linux/riscv64", &source, "cat", "/mark"];
    let outcome = scratch.minirun(run).run();
    assert!(outcome.refused().contains("riscv64"), "{outcome}");
    let run = ["run", "--rm", "--platform", "a/b/c/d", &source, "true"];
    scratch.minirun(run).run().refused();
}

#[test]
fn no_platform_that_fits() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    let mut writer = Layout::new(&layout);
    let foreign = writer.add(&marked().architecture("s390x"));
    let inner = writer.index(&[foreign]);
    writer.finish(&[inner.named("example.test/foreign:1")]);
    let outcome = scratch.minirun(["load", "-i", layout.to_str().unwrap()]).run();
    assert!(outcome.refused().contains("s390x"), "{outcome}");
}

#[test]
fn nothing_is_no_root_filesystem() {
    let scratch = Scratch::with_image();
    let outcome = scratch.minirun(["import", "-", IMAGE]).run();
    assert!(outcome.refused().contains("there is nothing in standard input"), "{outcome}");
    assert_eq!(scratch.minirun(["run", "--rm", IMAGE, "echo", "still"]).run().success(), "still");
}

#[test]
fn import_of_a_root_filesystem() {
    let scratch = Scratch::new();
    let tar = rootfs_tar(&scratch);
    for packing in PACKINGS {
        let file = scratch.file("rootfs.bin", compress(&tar, packing));
        scratch.minirun(["import", file.to_str().unwrap(), "example.test/imported"]).run().success();
        assert_marked(&scratch, "example.test/imported");
        scratch.minirun(["rmi", "example.test/imported"]).run().success();
    }
    scratch.minirun(["image", "import", "-", "example.test/imported:2"]).input(tar).run().success();
    assert_marked(&scratch, "example.test/imported:2");
}

/// The base system and the mark as one root filesystem tar.
fn rootfs_tar(scratch: &Scratch) -> Vec<u8> {
    Archive::of(&rootfs_directory(scratch))
}

/// The same as a directory, unpacked by the ordinary `tar` crate.
fn rootfs_directory(scratch: &Scratch) -> std::path::PathBuf {
    let directory = scratch.directory("rootfs");
    tar::Archive::new(Image::base_layer()).unpack(&directory).unwrap();
    fs::write(directory.join("mark"), "marked\n").unwrap();
    directory
}

#[test]
fn straight_from_where_it_lies() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    marked().write_layout(&layout, "v1");
    let archive = scratch.file("layout.tar", Archive::of(&layout));
    let docker = scratch.file("docker.tar", docker_archive(&marked(), &["example.test/app:1"]));
    let rootfs = rootfs_directory(&scratch);
    for source in [
        format!("oci:{}", layout.display()),
        format!("oci:{}:v1", layout.display()),
        format!("oci-archive:{}", archive.display()),
        format!("docker-archive:{}", docker.display()),
        format!("docker-archive:{}:example.test/app:1", docker.display()),
        format!("rootfs:{}", rootfs.display()),
    ] {
        assert_marked(&scratch, &source);
        assert_marked(&scratch, &source);
    }
}

#[test]
fn a_root_filesystem_directory_is_never_written_to() {
    let scratch = Scratch::new();
    let rootfs = rootfs_directory(&scratch);
    let source = format!("rootfs:{}", rootfs.display());
    scratch.minirun(["run", "--rm", &source, "sh", "-c", "echo x >/new; echo y >/mark"]).run().success();
    assert!(!rootfs.join("new").exists());
    assert_eq!(fs::read_to_string(rootfs.join("mark")).unwrap(), "marked\n");
}

#[test]
fn direct_sources_are_unpacked_once() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    marked().write_layout(&layout, "v1");
    let source = format!("oci:{}", layout.display());
    assert_marked(&scratch, &source);
    let before = scratch.listing();
    assert_marked(&scratch, &source);
    assert_eq!(scratch.listing(), before);
}

#[test]
fn unknown_tag_of_a_layout_names_those_there_are() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    marked().write_layout(&layout, "v1");
    let source = format!("oci:{}:v2", layout.display());
    let outcome = scratch.minirun(["run", "--rm", &source, "true"]).run();
    assert!(outcome.refused().contains("v1"), "{outcome}");
}

#[test]
fn layers_are_shared_by_all_images_that_have_them() {
    let scratch = Scratch::with_image();
    let one = scratch.store_size();
    scratch.load(&marked(), "example.test/second:1");
    let both = scratch.store_size();
    assert!(both - one < one / 2, "the second image took {} bytes on top of {one}", both - one);
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_marked(&scratch, "example.test/second:1");
}

#[test]
fn quiet_says_nothing_but_the_name() {
    let scratch = Scratch::new();
    let file = scratch.file("image.tar", docker_archive(&marked(), &["example.test/app:1"]));
    let outcome = scratch.minirun(["load", "-q", "-i", file.to_str().unwrap()]).run();
    outcome.success();
    assert_eq!(outcome.stderr(), "", "{outcome}");
}

#[test]
fn progress_is_plain_lines_without_a_terminal() {
    let scratch = Scratch::new();
    let file = scratch.file("image.tar", docker_archive(&marked(), &["example.test/app:1"]));
    let outcome = scratch.minirun(["load", "-i", file.to_str().unwrap()]).run();
    outcome.success();
    assert!(!outcome.stderr().contains(['\r', '\u{1b}']), "{outcome}");
}

/// What `damage` makes of a good layout must be refused, and leave the store as it was.
#[track_caller]
fn assert_refused(write: impl FnOnce(&Scratch)) -> String {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    write(&scratch);
    let outcome = scratch.minirun(["load", "-i", &scratch.text("bad")]).run();
    let said = outcome.refused().to_owned();
    assert_eq!(scratch.listing(), before, "{outcome}");
    said
}

/// Another size of the same bytes, so that nothing in the store has it already.
fn fresh() -> Image {
    Image::base().layer(Layer::new().file("fresh", 0o644, "fresh\n"))
}

#[test]
fn a_wrong_layer_digest_is_refused() {
    let said = assert_refused(|scratch| {
        let directory = scratch.path("bad");
        let mut layout = Layout::new(&directory);
        let image = layout.add_with(&fresh(), |manifest| {
            let hex =
                manifest["layers"][1]["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
            let blob = directory.join("blobs/sha256").join(hex);
            let mut bytes = fs::read(&blob).unwrap();
            bytes[600] ^= 1;
            fs::write(blob, bytes).unwrap();
            manifest
        });
        layout.finish(&[image.named("example.test/bad:1")]);
    });
    assert!(said.contains("sha256:"), "{said}");
}

#[test]
fn a_wrong_layer_size_is_refused() {
    for difference in [-512, 512] {
        assert_refused(|scratch| {
            let directory = scratch.path("bad");
            let mut layout = Layout::new(&directory);
            let image = layout.add_with(&fresh(), |mut manifest| {
                let size = manifest["layers"][1]["size"].as_i64().unwrap();
                manifest["layers"][1]["size"] = json!(size + difference);
                manifest
            });
            layout.finish(&[image.named("example.test/bad:1")]);
        });
    }
}

#[test]
fn a_wrong_diff_id_is_refused() {
    assert_refused(|scratch| {
        let directory = scratch.path("bad");
        let mut layout = Layout::new(&directory);
        // The configuration of one image with the layers of another.
        let other = Image::base().layer(Layer::new().file("other", 0o644, "other\n"));
        let mut config = json!(null);
        layout.add_with(&other, |manifest| {
            config = manifest["config"].clone();
            manifest
        });
        let image = layout.add_with(&fresh(), |mut manifest| {
            manifest["config"] = config;
            manifest
        });
        layout.finish(&[image.named("example.test/bad:1")]);
    });
}

#[test]
fn a_wrong_manifest_digest_is_refused() {
    assert_refused(|scratch| {
        let directory = scratch.path("bad");
        let mut layout = Layout::new(&directory);
        let image = layout.add(&fresh());
        let blob = directory.join("blobs/sha256").join(image.hex());
        let text = fs::read_to_string(&blob).unwrap();
        fs::write(blob, text.replace("\"schemaVersion\":2", "\"schemaVersion\":3")).unwrap();
        layout.finish(&[image.named("example.test/bad:1")]);
    });
}

#[test]
fn truncated_archives_are_refused() {
    for packing in PACKINGS {
        assert_refused(|scratch| {
            let bytes = compress(&docker_archive(&fresh(), &["example.test/bad:1"]), packing);
            scratch.file("bad", &bytes[..bytes.len() / 2]);
        });
    }
}

#[test]
fn what_is_no_image_is_refused() {
    for content in [&b""[..], b"no image at all", &[0; 10240]] {
        assert_refused(|scratch| drop(scratch.file("bad", content)));
    }
    assert_refused(|scratch| drop(scratch.directory("bad")));
}

#[test]
fn a_blob_is_checked_although_its_layer_is_known() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    scratch.minirun(["load", "-q", "-i"]).args([&layout]).run().success();
    let before = scratch.listing();
    let blobs = std::fs::read_dir(layout.join("blobs/sha256")).unwrap().map(|entry| entry.unwrap().path());
    let largest = blobs.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let whole = std::fs::read(&largest).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() / 2], &flipped] {
        std::fs::write(&largest, damaged).unwrap();
        scratch.minirun(["load", "-q", "-i"]).args([&layout]).run().refused();
        assert_eq!(scratch.listing(), before);
    }
}

#[test]
fn archives_that_other_tools_compressed() {
    let scratch = Scratch::new();
    scratch.file("image.tar", docker_archive(&Image::base(), &[IMAGE]));
    for program in ["xz", "bzip2", "gzip"] {
        require!(program_exists(program), &format!("no {program}"));
        let pipe = format!("{program} -c <\"$SCRATCH/image.tar\" | \"$MINIRUN\" load -q");
        assert!(scratch.host_script(&pipe).run().success().contains(IMAGE), "{program}");
        let file = format!(
            "{program} -k -f \"$SCRATCH/image.tar\"; \"$MINIRUN\" load -q -i \"$SCRATCH\"/image.tar.*; rm \"$SCRATCH\"/image.tar.*"
        );
        assert!(scratch.host_script(&file).run().success().contains(IMAGE), "{program}");
    }
}

#[test]
fn a_stream_without_end_is_refused_at_its_start() {
    let scratch = Scratch::new();
    let outcome = scratch.host_script("yes | timeout 30 \"$MINIRUN\" load").run();
    assert!(outcome.fails(125).contains("checksum"), "{outcome}");
    let packed = scratch.host_script("yes | gzip -1 | timeout 30 \"$MINIRUN\" load").run();
    assert!(packed.fails(125).contains("checksum"), "{packed}");
}
