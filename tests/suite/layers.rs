//! What unpacking keeps, and how layers lie on each other, seen from inside a container.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{Caller, IMAGE, Image, Layer, Scratch, require};

/// The output of `script` in a container of the base system with `layers` on top.
#[track_caller]
fn seen(layers: impl IntoIterator<Item = Layer>, script: &str) -> String {
    let image = layers.into_iter().fold(Image::base(), Image::layer);
    Scratch::with(&image).shell(&[], script).run().success()
}

#[test]
fn a_later_layer_wins() {
    let layers = [Layer::new().file("a", 0o644, "one"), Layer::new().file("a", 0o600, "two")];
    assert_eq!(seen(layers, "cat /a; stat -c ' %a' /a"), "two 600");
}

#[test]
fn a_whiteout_removes_files_and_trees() {
    let layers = [
        Layer::new().file("a", 0o644, "").directory("d", 0o755).file("d/x", 0o644, "").file("d/y", 0o644, ""),
        Layer::new().whiteout("a").whiteout("d/x").whiteout("seed").whiteout("never-was"),
    ];
    assert_eq!(seen(layers, "ls -A /d; ls -d /a /seed /never-was 2>/dev/null; ls -a / | grep wh; true"), "y");
}

#[test]
fn a_whiteout_spares_its_own_layer() {
    let layers = [
        Layer::new().file("d/a", 0o644, "old"),
        Layer::new().whiteout("d").directory("d", 0o755).file("d/b", 0o644, "new"),
    ];
    assert_eq!(seen(layers, "ls -A /d; cat /d/b"), "b\nnew");
    let layers =
        [Layer::new().file("d/a", 0o644, "old"), Layer::new().file("d/a", 0o644, "new").whiteout("d/a")];
    assert_eq!(seen(layers, "cat /d/a"), "new");
}

#[test]
fn an_opaque_directory_hides_what_lies_below() {
    let below = || Layer::new().directory("d", 0o755).file("d/old", 0o644, "").file("d/deep/old", 0o644, "");
    let marker_first = Layer::new().directory("d", 0o755).opaque("d").file("d/new", 0o644, "");
    assert_eq!(seen([below(), marker_first], "ls -A /d"), "new");
    let marker_last = Layer::new().directory("d", 0o755).file("d/new", 0o644, "").opaque("d");
    assert_eq!(seen([below(), marker_last], "ls -A /d"), "new");
}

#[test]
fn a_directory_becomes_a_file_and_back() {
    let layers = [
        Layer::new().file("one/deep/file", 0o644, "").file("two", 0o644, "file"),
        Layer::new().file("one", 0o644, "file").directory("two", 0o711).file("two/inner", 0o644, "x"),
    ];
    assert_eq!(seen(layers, "cat /one; ls -A /two; stat -c %a /two"), "fileinner\n711");
    let layers = [
        Layer::new().directory("d", 0o755).file("d/old", 0o644, ""),
        Layer::new().file("d", 0o644, ""),
        Layer::new().directory("d", 0o755).file("d/new", 0o644, ""),
    ];
    assert_eq!(seen(layers, "ls -A /d"), "new");
}

#[test]
fn a_later_layer_writes_through_an_earlier_symlinked_directory() {
    let layers = [
        Layer::new().directory("usr/lib", 0o755).file("usr/lib/a", 0o644, "a").symlink("lib-link", "usr/lib"),
        Layer::new().file("lib-link/b", 0o644, "b"),
    ];
    assert_eq!(seen(layers, "readlink /lib-link; ls -A /usr/lib; cat /lib-link/b"), "usr/lib\na\nb\nb");
    let layers = [
        Layer::new().directory("usr/lib", 0o755).file("usr/lib/a", 0o644, "a").symlink("abs", "/usr/lib"),
        Layer::new().whiteout("abs/a").file("abs/b", 0o644, "b"),
    ];
    assert_eq!(seen(layers, "ls -A /usr/lib"), "b");
}

#[test]
fn a_directory_listed_again_takes_the_new_attributes_and_keeps_its_children() {
    let layers =
        [Layer::new().directory("d", 0o755).file("d/x", 0o644, ""), Layer::new().directory("d", 0o700)];
    assert_eq!(seen(layers, "ls -A /d; stat -c %a /d"), "x\n700");
}

#[test]
fn a_parent_that_only_a_lower_layer_lists_keeps_its_mode() {
    let layers = [Layer::new().directory("d", 0o1770), Layer::new().file("d/x", 0o644, "")];
    assert_eq!(seen(layers, "stat -c %a /d"), "1770");
}

#[test]
fn modes_keep_setuid_setgid_and_sticky() {
    let layer = Layer::new()
        .file("suid", 0o4755, "")
        .file("sgid", 0o2755, "")
        .directory("sticky", 0o1777)
        .file("none", 0o000, "")
        .directory("closed", 0o500)
        .file("closed/in", 0o400, "");
    let script = "for f in suid sgid sticky none closed closed/in; do stat -c %a /$f; done";
    assert_eq!(seen([layer], script), "4755\n2755\n1777\n0\n500\n400");
}

#[test]
fn owners_are_kept() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only, so owners cannot be kept");
    let layer = Layer::new().owned_by(1234, 2345).file("a", 0o4755, "").directory("d", 0o2755);
    let layer = layer.owned_by(0, 42).file("shadow", 0o640, "").owned_by(65534, 65534).symlink("l", "a");
    let script = "for f in a d shadow l; do stat -c '%u:%g %a' /$f; done";
    assert_eq!(seen([layer], script), "1234:2345 4755\n1234:2345 2755\n0:42 640\n65534:65534 777");
}

#[test]
fn with_one_id_foreign_owners_still_load_and_run() {
    let image = Image::base().layer(Layer::new().owned_by(1234, 42).file("a", 0o640, "content"));
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    image.write_layout(&layout, IMAGE);
    let outcome = scratch.minirun(["load", "-i", layout.to_str().unwrap()]).run();
    outcome.success();
    if Caller::detect() == Caller::SingleId {
        let warnings = outcome.stderr().lines().filter(|line| line.contains("owner")).count();
        assert_eq!(warnings, 1, "said once: {outcome}");
    }
    assert_eq!(scratch.shell(&[], "cat /a").run().success(), "content");
}

#[test]
fn hard_links_stay_one_file() {
    let layer = Layer::new().file("a", 0o644, "x").hard_link("b", "a").hard_link("seed/c", "/a");
    assert_eq!(seen([layer], "stat -c %h /a; [ /a -ef /b ] && [ /a -ef /seed/c ] && echo same"), "3\nsame");
}

#[test]
fn a_hard_link_to_a_lower_layer_has_its_content() {
    let layers = [Layer::new().file("a", 0o640, "x"), Layer::new().hard_link("b", "a")];
    assert_eq!(seen(layers, "cat /b; stat -c ' %a' /b"), "x 640");
}

#[test]
fn symlinks_and_fifos_are_as_they_were() {
    let layer = Layer::new().symlink("dangling", "/no/where").symlink("up", "../../x").fifo("pipe");
    assert_eq!(
        seen([layer], "readlink /dangling; readlink /up; test -p /pipe && echo fifo"),
        "/no/where\n../../x\nfifo"
    );
}

#[test]
fn times_are_kept_to_the_nanosecond() {
    let layer = Layer::new()
        .pax(&[("mtime", "1234567890.123456789")])
        .file("time-of-file", 0o644, "")
        .pax(&[("mtime", "1000000000.5")])
        .directory("time-of-directory", 0o755)
        .file("time-of-directory/child", 0o644, "");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let times = |name: &str| {
        let metadata = std::fs::symlink_metadata(scratch.find_in_store(name)).unwrap();
        (metadata.mtime(), metadata.mtime_nsec())
    };
    assert_eq!(times("time-of-file"), (1_234_567_890, 123_456_789));
    assert_eq!(times("time-of-directory"), (1_000_000_000, 500_000_000));
}

#[test]
fn extended_attributes_are_kept() {
    let layer = Layer::new().pax(&[("SCHILY.xattr.user.test", "a value")]).file("file-with-xattr", 0o644, "");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let path = scratch.find_in_store("file-with-xattr");
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&path, "user.test", &mut value);
    if length == Err(rustix::io::Errno::OPNOTSUPP) {
        return crate::support::skip(
            module_path!(),
            "the file system of the temporary directory has no xattrs",
        );
    }
    assert_eq!(&value[..length.unwrap()], b"a value");
}

#[test]
fn names_are_bytes() {
    let layer = Layer::new()
        .file(OsStr::from_bytes(b"odd-\xff\xfe-name"), 0o644, "bytes")
        .file("with\nnewline", 0o644, "")
        .file("with space, comma:colon\\", 0o644, "special");
    let script = "cat /odd-*-name; test -f '/with\nnewline' && cat '/with space, comma:colon\\'";
    assert_eq!(seen([layer], script), "bytesspecial");
}

#[test]
fn dotted_and_absolute_names_mean_the_root() {
    let layer = Layer::new()
        .directory("./", 0o755)
        .file("./dotted", 0o644, "a")
        .file("/absolute", 0o644, "b")
        .file("x/./y//z", 0o644, "c");
    assert_eq!(seen([layer], "cat /dotted /absolute /x/y/z"), "abc");
}

#[test]
fn long_names_are_kept() {
    let directory = "d".repeat(200);
    let name = format!("{directory}/{}/{}", "e".repeat(200), "f".repeat(255));
    let layer = Layer::new().file(&name, 0o644, "long");
    assert_eq!(seen([layer], &format!("cat /{name}")), "long");
    let pax = Layer::new().pax(&[("path", &name)]).file("short", 0o644, "pax");
    assert_eq!(seen([pax], &format!("cat /{name}; ls -d /short 2>/dev/null; true")), "pax");
}

#[test]
fn a_large_file_is_whole() {
    let content: Vec<u8> = (0..3_000_001_u32).map(|number| (number % 251) as u8).collect();
    let layer = Layer::new().file("large", 0o644, &content);
    assert_eq!(seen([layer], "wc -c </large").trim(), "3000001");
}

#[test]
fn sparse_files_stay_sparse() {
    // PAX format 1.0: the map (one piece of 4 bytes at 4096) fills the first block of the body.
    let mut body = b"1\n4096\n4\n".to_vec();
    body.resize(512, 0);
    body.extend(b"data");
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "file-with-holes"),
        ("GNU.sparse.realsize", "16777216"),
    ];
    let layer = Layer::new().pax(&records).file("GNUSparseFile.0/file-with-holes", 0o644, body);
    let scratch = Scratch::with(&Image::base().layer(layer));
    let script =
        "wc -c </file-with-holes; tail -c +4097 /file-with-holes | head -c 4; ls -d /GNU* 2>/dev/null; true";
    assert_eq!(scratch.shell(&[], script).run().success().trim(), "16777216\ndata");
    let blocks = std::fs::metadata(scratch.find_in_store("file-with-holes")).unwrap().blocks();
    assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
}

#[test]
fn names_that_climb_out_are_refused() {
    for name in ["../out", "seed/../../out", "/../out"] {
        let scratch = Scratch::new();
        let layout = scratch.path("layout");
        Image::base().layer(Layer::new().file(name, 0o644, "")).write_layout(&layout, IMAGE);
        scratch.minirun(["load", "-i", layout.to_str().unwrap()]).run().refused();
        assert!(!scratch.path("out").exists());
    }
}

#[test]
fn links_that_point_outside_stay_inside() {
    let scratch = Scratch::new();
    let victim = scratch.directory("victim");
    let target = victim.to_str().unwrap();
    let layers = Image::base()
        .layer(Layer::new().symlink("escape", target).symlink("climb", "../../../../../../../../tmp"))
        .layer(Layer::new().file("escape/file", 0o644, "x").file("climb/minirun-climbed", 0o644, "x"));
    let layout = scratch.path("layout");
    layers.write_layout(&layout, IMAGE);
    let _ = scratch.minirun(["load", "-i", layout.to_str().unwrap()]).run();
    assert_eq!(std::fs::read_dir(victim).unwrap().count(), 0);
    assert!(!std::env::temp_dir().join("minirun-climbed").exists());
}

#[test]
fn a_hundred_and_twenty_eight_layers() {
    let mut image = Image::base();
    for number in 1..128 {
        image = image.layer(Layer::new().file(format!("n{number}"), 0o644, "").file(
            "last",
            0o644,
            number.to_string(),
        ));
    }
    let scratch = Scratch::with(&image);
    assert_eq!(scratch.shell(&[], "cat /last; echo; ls -d /n* | wc -l").run().success(), "127\n127");
}

#[test]
fn unshare_shows_the_store_with_container_owners() {
    let owner = if Caller::detect().has_many_ids() { (1234, 2345) } else { (0, 0) };
    let layer = Layer::new().owned_by(owner.0, owner.1).file("a", 0o644, "content");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let script = "stat -c '%u:%g' \"$MINIRUN_IMAGE_ROOT/a\"; cat \"$MINIRUN_IMAGE_ROOT/a\"; id -u; \
                  touch \"$MINIRUN_IMAGE_ROOT/new\" 2>&1 | grep -c 'Read-only'";
    let outcome =
        scratch.minirun(["unshare", "--image", IMAGE, "--", "sh", "-c", script]).env("LC_ALL", "C").run();
    let (uid, gid) = owner;
    assert_eq!(outcome.success(), format!("{uid}:{gid}\ncontent0\n1"));
    scratch.assert_nothing_left_running();
    assert_eq!(scratch.minirun(["unshare", "--", "id", "-u"]).run().success(), "0");
    scratch.minirun(["unshare", "--", "sh", "-c", "exit 7"]).run().exits(7);
}

#[test]
fn a_hundred_layers_with_few_descriptors() {
    let mut image = Image::base();
    for number in 0..100 {
        image = image.layer(Layer::new().file(format!("layer-{number}"), 0o644, "x"));
    }
    let scratch = Scratch::new();
    image.write_layout(&scratch.path("layout"), IMAGE);
    // The soft limit only: it is the program's to raise, and the container's again.
    let script = "ulimit -S -n 40; \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null &&
        \"$MINIRUN\" run --rm example.test/base:1 sh -c 'ls /layer-* | wc -l; ulimit -S -n'";
    assert_eq!(scratch.host_script(script).run().success(), "100\n40");
}

#[test]
fn an_image_that_only_its_own_users_can_read() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let passwd = "app:x:1234:1234::/:/bin/sh\n";
    let layer = Layer::new()
        .owned_by(7, 7)
        .directory(".", 0o700)
        .owned_by(1234, 1234)
        .directory("etc", 0o700)
        .file("etc/passwd", 0o600, passwd);
    let scratch = Scratch::with(&Image::base().layer(layer).config("User", serde_json::json!("app")));
    let output = scratch.minirun(["run", "--rm", "-u", "app", "--cap-add", "ALL", IMAGE, "id", "-u"]).run();
    // Its root directory keeps everybody else out: what counts is that minirun knows who `app` is.
    assert!(output.code == Some(126) || output.success() == "1234", "{output}");
    let output = scratch.minirun(["run", "--rm", "-u", "0", IMAGE, "stat", "-c", "%u %a", "/", "/etc"]).run();
    assert_eq!(output.success(), "7 700\n1234 700");
}

#[test]
fn the_root_of_a_container_looks_like_its_image() {
    let root = Layer::new().pax(&[("SCHILY.xattr.user.test", "a value")]).directory("./", 0o1711);
    let scratch = Scratch::with(&Image::base().layer(root));
    assert_eq!(scratch.shell(&[], "stat -c %a /").run().success(), "1711");
    scratch.minirun(["create", "--name", "new", IMAGE, "true"]).run().success();
    scratch.minirun(["run", "--name", "old", IMAGE, "true"]).run().success();
    for container in ["new", "old"] {
        let archive = scratch.path(container);
        scratch.minirun(["export", "-q", "-o", &scratch.text(container), container]).run().success();
        let bytes = std::fs::read(archive).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut first = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(first.header().mode().unwrap() & 0o7777, 0o1711, "{container}");
        let mut extensions = first.pax_extensions().unwrap().unwrap().map(Result::unwrap);
        assert!(extensions.any(|record| record.key() == Ok("SCHILY.xattr.user.test")), "{container}");
        // A container that changed nothing of it makes an image that says nothing about it.
        let image = [container, ":1"].concat();
        scratch.minirun(["commit", container, &image]).run().success();
        assert_eq!(scratch.minirun(["run", "--rm", &image, "stat", "-c", "%a", "/"]).run().success(), "1711");
    }
}

#[test]
fn nothing_is_inherited_from_the_directory_of_the_store() {
    let scratch = Scratch::new();
    let place = scratch.directory("store");
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o2700)).unwrap();
    // Version 2; user, group and others rwx, one more user, and the mask.
    let entry =
        |tag: u16, id: u32| [&tag.to_le_bytes()[..], &7_u16.to_le_bytes(), &id.to_le_bytes()].concat();
    let none = u32::MAX;
    let entries = [entry(1, none), entry(2, 1), entry(4, none), entry(16, none), entry(32, none)];
    let acl = [&2_u32.to_le_bytes()[..], &entries.concat()].concat();
    let flags = rustix::fs::XattrFlags::empty();
    let result = rustix::fs::setxattr(&place, "system.posix_acl_default", &acl, flags);
    if result == Err(rustix::io::Errno::OPNOTSUPP) {
        return crate::support::skip(module_path!(), "the temporary directory's file system has no ACLs");
    }
    result.unwrap();
    let layer = Layer::new().file("inherits-nothing/file", 0o640, "").directory("listed", 0o750);
    scratch.load(&Image::base().layer(layer), IMAGE);
    for name in ["inherits-nothing", "listed"] {
        let path = scratch.find_in_store(name);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7000, 0);
        let mut value = [0; 100];
        for acl in ["system.posix_acl_default", "system.posix_acl_access"] {
            assert_eq!(
                rustix::fs::getxattr(&path, acl, &mut value),
                Err(rustix::io::Errno::NODATA),
                "{name}"
            );
        }
    }
    assert_eq!(
        scratch.shell(&[], "stat -c %a / /listed /inherits-nothing/file").run().success(),
        "755\n750\n640"
    );
}
