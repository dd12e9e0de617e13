//! The files of volumes: as archives and back, and as other volumes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use nix::sys::signal::Signal;
use rustix::fs::XattrFlags;

use crate::support::{Caller, Compression, IMAGE, Image, Layer, Outcome, Scratch, compress, require};

fn volume(scratch: &Scratch, args: &[&str]) -> Outcome {
    scratch.minirun([&["volume"], args].concat()).run()
}

/// Where the files of a volume are; what belongs to container root can be read there.
fn data(scratch: &Scratch, name: &str) -> std::path::PathBuf {
    scratch.store().join("volumes").join(name).join("_data")
}

/// Something of every kind.
const FILL: &str =
    "cd /v; mkdir -p d/e; echo text >d/e/file; ln d/e/file hard; ln -s /etc/passwd link; mkfifo pipe
    dd if=/dev/zero of=sparse bs=1 count=0 seek=8388608 2>/dev/null; echo end >>sparse
    echo kept >.wh.name; touch -d '2001-02-03 04:05:06' d; chmod 4750 d/e/file; chmod 1700 .";

fn filled(image: &Image) -> Scratch {
    let scratch = Scratch::with(image);
    scratch.shell(&["-v", "source:/v"], FILL).run().success();
    let owner = if Caller::detect().has_many_ids() { "12:34" } else { "0:0" };
    scratch
        .shell(&["-v", "source:/v"], &format!("chown {owner} /v/sparse; chown {owner} /v"))
        .run()
        .success();
    let file = data(&scratch, "source");
    if !Caller::detect().has_many_ids() {
        rustix::fs::setxattr(file.join("d"), "user.note", b"\0\n=", XattrFlags::empty()).unwrap();
    }
    scratch
}

/// What GNU tar says to an archive.
fn tar(args: &[&str]) -> String {
    let output = Command::new("tar").args(args).env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_volume_goes_out_and_comes_back_as_it_was() {
    let scratch = filled(&Image::base());
    let flags = ["-v", "source:/v", "-v", "copy:/w"];
    for name in ["a.tar", "b.tar.gz", "c.tgz", "d.tar.zst", "e.tzst"] {
        let archive = scratch.text(name);
        assert_eq!(volume(&scratch, &["export", "source", "-o", &archive]).success(), "");
        let first = fs::read(&archive).unwrap();
        assert!(first.len() < 100_000, "{name} has its holes: {}", first.len());
        volume(&scratch, &["export", "source", "-o", &archive]).success();
        assert_eq!(fs::read(&archive).unwrap(), first, "the same files give the same bytes");
        volume(&scratch, &["import", "--create", "copy", &archive]).success();
        assert_eq!(volume(&scratch, &["diff", "--times", "source", "copy"]).success(), "");
        let script =
            "cd /w; stat -c '%h' d/e/file hard; test -p pipe; readlink link; stat -c '%u:%g %a' . sparse
            test $(stat -c %b sparse) -lt 100 && echo holes";
        let owner = if Caller::detect().has_many_ids() { "12:34" } else { "0:0" };
        let expected = format!("2\n2\n/etc/passwd\n{owner} 1700\n{owner} 644\nholes");
        assert_eq!(scratch.shell(&flags, script).run().success(), expected);
        volume(&scratch, &["rm", "--purge", "copy"]).success();
    }
}

#[test]
fn archives_are_tar() {
    let scratch = filled(&Image::base());
    let archive = scratch.text("volume.tar");
    volume(&scratch, &["export", "source", "-o", &archive]).success();
    let names = tar(&["-tf", &archive]);
    let expected = ["./", ".wh.name", "d/", "d/e/", "d/e/file", "hard", "link", "pipe", "sparse"].join("\n");
    assert_eq!(names.trim_end(), expected);
    let list = tar(&["--numeric-owner", "-tvf", &archive]);
    assert!(list.contains("hard link to d/e/file") && list.contains("link -> /etc/passwd"), "{list}");
    if Caller::detect().has_many_ids() {
        assert!(list.contains("12/34"), "{list}");
    }
    // Standard output is plain, and a compression can be named.
    let script = "$MINIRUN volume export source | cmp - volume.tar && $MINIRUN volume export --compress gzip source | gzip -d | cmp - volume.tar";
    scratch.host_script(&format!("cd \"$SCRATCH\"; {script}")).run().success();
}

#[test]
fn an_export_that_fails_leaves_the_old_file() {
    let scratch = Scratch::with_image();
    let file = scratch.file("backup.tar", "the old one");
    let path = file.to_str().unwrap();
    assert!(volume(&scratch, &["export", "none", "-o", path]).fails(1).contains("there is no volume `none`"));
    volume(&scratch, &["create", "data"]).success();
    let other = volume(&scratch, &["export", "data@none", "-o", path]);
    assert!(other.fails(1).contains("there is no snapshot `none` of volume `data`"), "{other}");
    assert_eq!(fs::read(&file).unwrap(), b"the old one");
    assert!(volume(&scratch, &["export", "data", "-o", "/none/there"]).fails(1).contains("ENOENT"));
    let names = || {
        fs::read_dir(scratch.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<BTreeSet<_>>()
    };
    let before = names();
    for delay in [1, 5, 20, 50] {
        let running = scratch.minirun(["volume", "export", "data", "-o", path]).start();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        running.signal(Signal::SIGKILL);
        running.wait();
        // The whole file has another name for as long as it takes to call it by the old one's.
        let after = names();
        assert!(after.len() <= before.len() + 1, "{after:?}");
        for name in after.difference(&before) {
            let path = scratch.path(name);
            assert_eq!(path.extension(), Some("part".as_ref()), "{path:?}");
            assert!(name.to_str().unwrap().starts_with(".backup.tar."), "{path:?}");
            tar(&["-tf", path.to_str().unwrap()]);
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn an_import_merges() {
    let scratch = Scratch::with_image();
    let fill = "cd /v; mkdir -p d/sub real; echo old >d/old; echo old >d/both; ln -s real way; echo x >file; mkdir dir
        echo x >dir/x; chmod 700 d";
    scratch.shell(&["-v", "data:/v"], fill).run().success();
    let archive = Layer::new()
        .directory("./d", 0o755)
        .file("./d/both", 0o644, "new\n")
        .file("./d/new", 0o644, "new\n")
        .file("way/through", 0o644, "in real\n")
        .directory("file", 0o755)
        .file("file/in", 0o644, "")
        .file("dir", 0o644, "no directory\n")
        .file("/absolute", 0o644, "")
        .file("d/.wh.old", 0o644, "no whiteout\n");
    let packed = scratch.file("archive.tar", archive.finish());
    volume(&scratch, &["import", "data", packed.to_str().unwrap()]).success();
    let script = "cd /v; find . | sort; cat d/both d/old dir; readlink way; stat -c %a d";
    let expected = ". ./absolute ./d ./d/.wh.old ./d/both ./d/new ./d/old ./d/sub ./dir ./file ./file/in ./real \
        ./real/through ./way new old no directory real 755";
    let output = scratch.shell(&["-v", "data:/v"], script).run().success();
    assert_eq!(output.split_whitespace().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn an_import_reads_what_tar_and_compressors_write() {
    let scratch = Scratch::with_image();
    let archive = Layer::new().directory("d", 0o755).file("d/file", 0o600, "text").finish();
    for (number, compression) in
        [Compression::Plain, Compression::Gzip, Compression::GzipMembers, Compression::Zstd]
            .into_iter()
            .enumerate()
    {
        let name = format!("v{number}");
        let import = scratch.minirun(["volume", "import", "--create", &name, "-"]);
        import.input(compress(&archive, compression)).run().success();
        assert_eq!(fs::read(data(&scratch, &name).join("d/file")).unwrap(), b"text");
    }
    for program in ["xz", "bzip2"] {
        if crate::support::program_exists(program) {
            let script = format!(
                "cd \"$SCRATCH\"; mkdir -p x; echo hi >x/f; tar -C x -c . | {program} | $MINIRUN volume import --create {program} -"
            );
            scratch.host_script(&script).run().success();
        }
    }
    scratch
        .host_script("$MINIRUN volume export v0 | $MINIRUN volume import --create piped -")
        .run()
        .success();
    assert_eq!(volume(&scratch, &["diff", "--times", "v0", "piped"]).success(), "");
}

#[test]
fn a_bad_archive_changes_nothing() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/v"], "echo kept >/v/file").run().success();
    let before = scratch.listing();
    let good = Layer::new().file("file", 0o644, "new").file("more", 0o644, vec![b'x'; 5000]).finish();
    let bad: [(&str, Vec<u8>); 6] = [
        ("cut short", good[..good.len() - 3000].to_vec()),
        ("no tar", b"nonsense".repeat(1000)),
        ("broken gzip", compress(&good, Compression::Gzip)[..60].to_vec()),
        ("a way out", Layer::new().file("file", 0o644, "new").file("../out", 0o644, "x").finish()),
        ("a hard link out", Layer::new().file("a", 0o644, "").hard_link("b", "../../volume.json").finish()),
        ("a hard link to nothing", Layer::new().hard_link("b", "/etc/passwd").finish()),
    ];
    for (what, bytes) in bad {
        let outcome = scratch.minirun(["volume", "import", "data", "-"]).input(bytes.clone()).run();
        assert!(outcome.fails(1).contains("the volume is as it was"), "{what}: {outcome}");
        assert_eq!(scratch.listing(), before, "{what}");
        assert_eq!(fs::read(data(&scratch, "data").join("file")).unwrap(), b"kept\n", "{what}");
        let outcome = scratch.minirun(["volume", "import", "--create", "new", "-"]).input(bytes).run();
        outcome.fails(1);
        assert_eq!(scratch.listing(), before, "{what}");
    }
    let outcome = scratch.minirun(["volume", "import", "none", "-"]).input(good).run();
    let error = outcome.fails(1);
    assert!(error.contains("there is no volume `none`") && error.contains("--create"), "{outcome}");
}

#[test]
fn links_do_not_lead_out() {
    let scratch = Scratch::with_image();
    let outside = scratch.directory("outside");
    let target = outside.to_str().unwrap();
    scratch.shell(&["-v", "data:/v"], &format!("ln -s {target} /v/old")).run().success();
    let archive = Layer::new()
        .symlink("new", target)
        .file("new/a", 0o644, "x")
        .file("old/b", 0o644, "x")
        .symlink("up", "../../../../../../../..")
        .file("up/c", 0o644, "x");
    let outcome = scratch.minirun(["volume", "import", "data", "-"]).input(archive.finish()).run();
    outcome.success();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let found = scratch.shell(&["-v", "data:/v"], "cd /v; find . -type f | sort").run().success();
    let inside = format!(".{target}");
    assert_eq!(found, format!("./c\n{inside}/a\n{inside}/b"));
}

#[test]
fn owners_that_one_id_cannot_have_are_kept_aside() {
    let archive = Layer::new().owned_by(12, 34).directory("d", 0o755).file("d/file", 0o4755, "x").finish();
    let scratch = Scratch::with_image();
    let outcome = scratch.minirun(["volume", "import", "--create", "data", "-"]).input(archive).run();
    outcome.success();
    let many = Caller::detect().has_many_ids();
    assert_eq!(outcome.stderr().contains("one user ID"), !many, "{outcome}");
    let seen = scratch.shell(&["-v", "data:/v"], "stat -c '%u:%g' /v/d/file").run().success();
    assert_eq!(seen, if many { "12:34" } else { "0:0" });
    let file = scratch.text("again.tar");
    volume(&scratch, &["export", "data", "-o", &file]).success();
    let list = tar(&["--numeric-owner", "-tvf", &file]);
    assert!(list.lines().any(|line| line.contains("-rwsr-xr-x 12/34") && line.ends_with("d/file")), "{list}");
}

#[test]
fn a_temporary_container_makes_and_reads_backups() {
    let scratch = filled(&Image::base());
    let backup = format!("{}:/backup", scratch.directory("backup").display());
    let out = "tar -C /source -cf /backup/data.tar .";
    scratch.shell(&["-v", "source:/source:ro", "-v", &backup], out).run().success();
    let back = "tar -C /restore -xf /backup/data.tar; ls -A /restore | wc -l; cat /restore/d/e/file";
    let output = scratch.shell(&["-v", "restored:/restore", "-v", &backup], back).run().success();
    assert_eq!(output.split_whitespace().collect::<Vec<_>>(), ["6", "text"]);
    // What one wrote the other reads.
    volume(&scratch, &["import", "--create", "imported", &scratch.text("backup/data.tar")]).success();
    let flags = ["-v", "restored:/v", "-v", "imported:/w"];
    let output = scratch.shell(&flags, "cat /v/.wh.name /w/hard").run().success();
    assert_eq!(output, "kept\ntext");
}

#[test]
fn a_clone_is_the_same_and_of_its_own() {
    let scratch = filled(&Image::base());
    volume(&scratch, &["create", "--label", "a=1", "labelled"]).success();
    assert_eq!(volume(&scratch, &["clone", "source", "copy"]).success(), "copy");
    assert_eq!(volume(&scratch, &["diff", "--times", "source", "copy"]).success(), "");
    let script =
        "stat -c '%h' /v/hard; test $(stat -c %b /v/sparse) -lt 100 && echo holes; echo new >/v/d/e/file";
    assert_eq!(scratch.shell(&["-v", "copy:/v"], script).run().success(), "2\nholes");
    assert_eq!(volume(&scratch, &["diff", "source", "copy"]).success(), "C /d/e/file\nC /hard");
    assert!(
        volume(&scratch, &["clone", "source", "copy"]).fails(1).contains("there is a volume `copy` already")
    );
    let labels = |name: &str| volume(&scratch, &["inspect", "-f", "{{json .Labels}}", name]).success();
    volume(&scratch, &["clone", "labelled", "same"]).success();
    volume(&scratch, &["clone", "--label", "b=2", "--label", "c", "labelled", "other"]).success();
    assert_eq!(labels("same"), r#"{"a":"1"}"#);
    assert_eq!(labels("other"), r#"{"b":"2","c":""}"#);
    assert!(volume(&scratch, &["clone", "none", "xx"]).fails(1).contains("there is no volume `none`"));
    assert!(volume(&scratch, &["clone", "source", "b/c"]).fails(1).contains("not a volume name"));
}

#[test]
fn a_clone_says_what_it_shares() {
    let scratch = Scratch::with_image();
    scratch
        .shell(&["-v", "data:/v"], "dd if=/dev/zero of=/v/file bs=1024 count=100 2>/dev/null")
        .run()
        .success();
    let copied = volume(&scratch, &["clone", "-v", "--reflink", "never", "data", "copied"]);
    assert!(copied.stderr().contains("note: copied 102kB, shared nothing"), "{copied}");
    let before = scratch.listing();
    // Depends on the file system: shared, or refused and nothing left.
    let shared = volume(&scratch, &["clone", "-v", "--reflink", "always", "data", "shared"]);
    if shared.code == Some(0) {
        assert!(shared.stderr().contains("note: shared 102kB, copied nothing"), "{shared}");
    } else {
        assert!(shared.fails(1).contains("--reflink auto copies them"), "{shared}");
        assert_eq!(scratch.listing(), before);
    }
    volume(&scratch, &["clone", "--reflink", "auto", "data", "auto"]).success();
    assert_eq!(volume(&scratch, &["diff", "data", "auto"]).success(), "");
}

#[test]
fn a_killed_clone_or_import_leaves_nothing() {
    let scratch = Scratch::with_image();
    let fill = "cd /v; for i in 0 1 2 3 4 5 6 7 8 9; do mkdir d$i; for j in 0 1 2 3 4 5 6 7 8 9; do echo $i$j >d$i/$j; done; done
        dd if=/dev/zero of=big bs=1048576 count=20 2>/dev/null";
    scratch.shell(&["-v", "data:/v"], fill).run().success();
    let archive = scratch.text("data.tar");
    volume(&scratch, &["export", "data", "-o", &archive]).success();
    for delay in [0, 5, 10, 15, 20, 30, 45] {
        for args in [["clone", "data", "new"].as_slice(), &["import", "--create", "new", &archive]] {
            let running = scratch.minirun([&["volume"], args].concat()).start();
            std::thread::sleep(std::time::Duration::from_millis(delay));
            running.signal(Signal::SIGKILL);
            running.wait();
            if volume(&scratch, &["exists", "new"]).code == Some(0) {
                assert_eq!(
                    volume(&scratch, &["diff", "data", "new"]).success(),
                    "",
                    "whole after {delay} ms"
                );
            }
            volume(&scratch, &["rm", "-f", "--purge", "new"]).success();
            assert_eq!(fs::read_dir(scratch.store().join("tmp")).unwrap().count(), 0, "after {delay} ms");
        }
    }
}

#[test]
fn an_interrupted_merge_is_finished() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "data:/v"], "mkdir /v/d; echo old >/v/d/file; echo old >/v/both").run().success();
    // As an import leaves it that was killed while it moved its files: some are in place.
    let volume_directory = scratch.store().join("volumes/data");
    let incoming = volume_directory.join("incoming");
    fs::create_dir_all(incoming.join("d")).unwrap();
    fs::create_dir_all(incoming.join("new")).unwrap();
    fs::write(incoming.join("d/file"), "new").unwrap();
    fs::write(incoming.join("both"), "new").unwrap();
    fs::create_dir(volume_directory.join("replaced")).unwrap();
    fs::write(volume_directory.join("replaced/1"), "old").unwrap();
    volume(&scratch, &["snapshot", "data", "after"]).success();
    assert!(!incoming.exists() && !volume_directory.join("replaced").exists());
    let data = data(&scratch, "data");
    assert_eq!(
        (fs::read(data.join("d/file")).unwrap(), fs::read(data.join("both")).unwrap()),
        (b"new".to_vec(), b"new".to_vec())
    );
    assert!(data.join("new").is_dir());
}

#[test]
fn no_room_leaves_nothing() {
    require!(crate::support::can_mount(), "this machine does not let the caller mount");
    let scratch = Scratch::new();
    scratch.directory("small");
    let archive = Layer::new().file("big", 0o644, vec![7; 6 << 20]).finish();
    scratch.file("big.tar", archive);
    let script = "set -e; cd \"$SCRATCH\"; mount -t tmpfs -o size=10m tmpfs small; export MINIRUN_STORE=\"$SCRATCH/small/store\"
        $MINIRUN volume import --create data big.tar
        for verb in 'clone data new' 'import --create new big.tar' 'import data big.tar' 'snapshot data' 'export data -o small/out.tar'
        do $MINIRUN volume $verb || echo code $?; done
        $MINIRUN volume ls -q; $MINIRUN volume snapshots -q data; ls small small/store/tmp small/store/volumes/data";
    let outcome = scratch.mounting_script(script).run();
    let expected = "code 1 code 1 code 1 code 1 code 1 data small: store small/store/tmp: small/store/volumes/data: \
        _data volume.json";
    assert_eq!(outcome.success().split_whitespace().collect::<Vec<_>>().join(" "), expected, "{outcome}");
    assert_eq!(outcome.stderr().matches("ENOSPC").count(), 5, "{outcome}");
    assert_eq!(outcome.stderr().matches("hint: make room").count(), 5, "{outcome}");
}

#[test]
fn volumes_that_show_something_else() {
    let scratch = Scratch::with_image();
    let shown = scratch.directory("shown");
    fs::write(shown.join("file"), "on the host").unwrap();
    let device = format!("device={}", shown.display());
    volume(&scratch, &["create", "-o", "type=none", "-o", &device, "-o", "o=bind", "view"]).success();
    volume(&scratch, &["create", "-o", "type=tmpfs", "-o", "device=tmpfs", "memory"]).success();
    let outcome = volume(&scratch, &["clone", "view", "plain"]);
    outcome.success();
    assert!(outcome.stderr().contains("note: the clone is a plain volume"), "{outcome}");
    fs::write(shown.join("file"), "changed").unwrap();
    assert_eq!(fs::read(data(&scratch, "plain").join("file")).unwrap(), b"on the host");
    assert_eq!(volume(&scratch, &["diff", "plain", "view"]).success(), "C /file");
    volume(&scratch, &["snapshot", "view", "then"]).success();
    volume(&scratch, &["export", "view", "-o", &scratch.text("view.tar")]).success();
    let archive = scratch.text("view.tar");
    for args in [["restore", "view@then"].as_slice(), &["import", "view", &archive]] {
        assert!(volume(&scratch, args).fails(1).contains("volume clone view NEW"));
    }
    for args in
        [["export", "memory", "-o", &archive].as_slice(), &["clone", "memory", "xx"], &["snapshot", "memory"]]
    {
        assert!(
            volume(&scratch, args).fails(1).contains("has no files of its own: it is mounted as `tmpfs`")
        );
    }
    assert_eq!(fs::metadata(shown.join("file")).unwrap().size(), 7);
}

#[test]
fn usage_of_the_verbs() {
    let scratch = Scratch::new();
    for args in [
        &["export"][..],
        &["import", "x"],
        &["clone", "x"],
        &["snapshot"],
        &["snapshot", "rm"],
        &["diff"],
        &["clone", "a", "b", "--reflink", "sometimes"],
        &["export", "x", "--compress", "lz4"],
        &["diff", "a", "b", "--format", "yaml"],
        &["restore", "data@a@b"],
        &["snapshot", "data", "a/b"],
    ] {
        volume(&scratch, args).fails(1);
    }
    assert!(!scratch.store().exists());
    let image = IMAGE;
    assert!(volume(&scratch, &["export", image]).fails(1).contains("not a volume name"));
}
