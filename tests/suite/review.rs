//! Directories bound with `cow`: what the container changed is told, applied and discarded.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use crate::support::{Caller, IMAGE, Scratch, can_mount, eventually, program_exists, require};

/// A scratch directory with an image and a directory `src`.
fn scene() -> Scratch {
    let scratch = Scratch::with_image();
    let source = scratch.directory("src");
    for (name, content) in [
        ("kept", "kept\n"),
        ("edited", "one\ntwo\n"),
        ("removed", "x\n"),
        ("moved", "m\n"),
        ("run.sh", "r\n"),
    ] {
        fs::write(source.join(name), content).unwrap();
    }
    for directory in ["tree/deep", "again"] {
        fs::create_dir_all(source.join(directory)).unwrap();
        fs::write(source.join(directory).join("file"), "x\n").unwrap();
    }
    scratch
}

/// What is done to `src` by [`edit`].
const EDIT: &str = "cd /src; echo three >>edited; rm removed; mv moved renamed; chmod +x run.sh; rm -r tree; rm -r \
                    again; mkdir again; echo y >again/new; mkdir -p added/deep; echo a >added/deep/file; ln -s \
                    /etc/passwd link";

/// What `changes` says of that.
const EDITED: &str = "\
A /src/added
A /src/added/deep
A /src/added/deep/file
D /src/again/file
A /src/again/new
C /src/edited
A /src/link
D /src/moved
D /src/removed
A /src/renamed
C /src/run.sh (mode 644 -> 755)
D /src/tree";

fn bind(scratch: &Scratch) -> String {
    format!("{}:/src:cow", scratch.path("src").display())
}

/// Runs a script in container `work`, which has `src` at `/src`.
fn edit(scratch: &Scratch, script: &str) {
    let flags = ["run", "--name", "work", "-v", &bind(scratch), IMAGE, "sh", "-c", script];
    scratch.minirun(flags).run().success();
}

fn changes(scratch: &Scratch) -> String {
    scratch.minirun(["changes", "work"]).run().success()
}

/// Every path below a directory with its mode and content.
fn tree(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if metadata.is_dir() {
            found.push(name.clone());
            found.extend(tree(&path).into_iter().map(|inside| format!("{name}/{inside}")));
        } else if metadata.is_symlink() {
            found.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else {
            let content = fs::read_to_string(&path).unwrap();
            found.push(format!("{name} {:o} {content:?}", metadata.mode() & 0o7777));
        }
    }
    found.sort();
    found
}

#[test]
fn changes_stay_in_the_layer_until_they_are_applied() {
    let scratch = scene();
    let before = tree(&scratch.path("src"));
    edit(&scratch, EDIT);
    assert_eq!(tree(&scratch.path("src")), before);
    assert_eq!(changes(&scratch), EDITED);
    assert_eq!(scratch.minirun(["apply", "-n", "work"]).run().success(), EDITED);
    assert_eq!(tree(&scratch.path("src")), before);
    assert_eq!(scratch.minirun(["apply", "work"]).run().success(), EDITED);
    let source = scratch.path("src");
    assert_eq!(fs::read_to_string(source.join("edited")).unwrap(), "one\ntwo\nthree\n");
    assert_eq!(fs::metadata(source.join("run.sh")).unwrap().mode() & 0o7777, 0o755);
    assert!(!source.join("tree").exists() && !source.join("again/file").exists());
    assert_eq!(changes(&scratch), "");
    assert_eq!(scratch.minirun(["apply", "work"]).run().success(), "");
    scratch.minirun(["rm", "work"]).run().success();
}

#[test]
fn the_patch_does_what_apply_does() {
    require!(program_exists("git") && program_exists("patch"), "there is no git or no patch");
    let scratch = scene();
    for copy in ["git", "patch"] {
        fs::create_dir(scratch.path(copy)).unwrap();
        let copied = scratch.host_script(&format!("cp -a $SCRATCH/src/. $SCRATCH/{copy}")).run();
        copied.success();
    }
    let names = r#"echo q >'a "quoted" name'; echo s >'a b'; printf 'no end' >edited2; printf 'a\tb\n' >"$(printf 'tab\tname')""#;
    edit(&scratch, &format!("{EDIT}; rm link; {names}"));
    let patch = scratch.minirun(["changes", "-p", "work"]).run().success() + "\n";
    assert!(patch.contains("--- a/edited\n+++ b/edited\n@@ -1,2 +1,3 @@\n one\n two\n+three\n"), "{patch}");
    scratch.file("work.patch", &patch);
    scratch.host_script("cd $SCRATCH/git && git apply ../work.patch").run().success();
    scratch.host_script("cd $SCRATCH/patch && patch -p1 <../work.patch").run().success();
    scratch.minirun(["apply", "-q", "work"]).run().success();
    // Patches do not remove directories that become empty; Git does.
    scratch
        .host_script("find $SCRATCH/git $SCRATCH/patch $SCRATCH/src -type d -empty -delete")
        .run()
        .success();
    for copy in ["git", "patch"] {
        assert_eq!(tree(&scratch.path(copy)), tree(&scratch.path("src")), "{copy}");
    }
}

/// What is there before, in a directory; every kind of change follows.
const BEFORE: &str = r#"cd $SCRATCH/src; printf 'a\0b' >bin; printf 'c\0d' >bin-removed; printf 'e\0f' >bin-mode
    ln -s kept link; ln -s kept link-file; ln -s kept link-removed; echo t >file-link
    : >empty; : >empty-removed; printf 'no end' >no-end; printf 'no end' >end; printf 'x\r\ny\r\n' >cr
    for name in 'a b' ' first' 'last ' "$(printf 'tab\tbed')" "$(printf 'new\nline')" 'q"uote' "q'uote" 'back\slash' \
        "$(printf 'raw\377')" 'über' -dash 'a b.b b'; do for act in edit mode remove empty; do
            mkdir -p -- "./$name.d"; echo t >"./$name.d/$act $name"; echo t >"./$name.$act"; done; done"#;

/// The changes, in the container.
const CHANGE: &str = r#"cd /src; printf 'A\0b' >bin; rm bin-removed; chmod 755 bin-mode; printf 'G\0h' >bin-mode; printf 'n\0' >bin-new
    ln -sfn edited link; rm link-removed; ln -s /nowhere/else link-new; rm link-file; echo t >link-file
    rm file-link; ln -s kept file-link; rm empty-removed; : >empty-new; echo t >empty; chmod 755 run.sh
    printf 'no end at all' >no-end; printf 'no end\n' >end; printf 'x\r\nz\r\n' >cr
    for file in ./*edit ./*.d/edit*; do echo u >>"$file"; done; for file in ./*mode ./*.d/mode*; do chmod 755 "$file"; done
    for file in ./*remove ./*.d/remove*; do rm "$file"; done; for file in ./*empty ./*.d/empty*; do : >"$file"; done
    for directory in ./*.d; do : >"$directory/none"; : >"${directory%.d}.none"; echo n >"${directory%.d}.new"; done"#;

#[test]
fn the_patch_has_every_change_of_text_whatever_else_there_is() {
    require!(program_exists("git") && program_exists("patch"), "there is no git or no patch");
    let scratch = scene();
    scratch.host_script(BEFORE).run().success();
    for copy in ["git", "patch"] {
        scratch.host_script(&format!("cp -a $SCRATCH/src $SCRATCH/{copy}")).run().success();
    }
    edit(&scratch, CHANGE);
    let patch = "$MINIRUN changes -p work >$SCRATCH/work.patch";
    scratch.host_script(patch).run().success();
    let patch = fs::read(scratch.path("work.patch")).unwrap();
    let note = "# Binary files a/bin and b/bin differ\n";
    assert!(String::from_utf8_lossy(&patch).contains(note), "{}", String::from_utf8_lossy(&patch));
    scratch.host_script("cd $SCRATCH/git && git apply ../work.patch").run().success();
    scratch.host_script("cd $SCRATCH/patch && patch -s -p1 <../work.patch").run().success();
    // What patches cannot say, of the binary files alone.
    for copy in ["git", "patch"] {
        let rest = format!(
            "cd $SCRATCH/src && rm $SCRATCH/{copy}/bin-removed && chmod 644 $SCRATCH/{copy}/bin-mode"
        );
        scratch.host_script("$MINIRUN apply -q work").run().success();
        let rest = format!(
            "{rest} && cp bin bin-mode bin-new $SCRATCH/{copy} && chmod 755 $SCRATCH/{copy}/bin-mode"
        );
        let mode = fs::metadata(scratch.path(copy).join("bin-mode")).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o755, "{copy}");
        scratch.host_script(&rest).run().success();
    }
    let compared = "cd $SCRATCH && for copy in git patch; do diff -r --no-dereference src $copy; done; \
                    for copy in src git patch; do (cd $copy; find . -type f -perm -100 | sort >../$copy.modes); done; \
                    diff src.modes git.modes; diff src.modes patch.modes; \
                    echo compared";
    assert_eq!(scratch.host_script(compared).run().success(), "compared");
}

#[test]
fn git_takes_directories_for_files_and_files_for_directories() {
    require!(program_exists("git"), "there is no git");
    let scratch = scene();
    let before = "cd $SCRATCH/src; ln -s kept link-directory; echo t >file-directory; mkdir -p directory-file/in \
                  directory-link; echo t >directory-file/in/x; echo t >directory-link/x; cp -a . ../git";
    scratch.host_script(before).run().success();
    edit(
        &scratch,
        "cd /src; rm link-directory file-directory; mkdir -p link-directory file-directory/in; echo t >link-directory/x
         echo t >file-directory/in/x; rm -r directory-file directory-link; echo t >directory-file; ln -s kept directory-link",
    );
    scratch.host_script("$MINIRUN changes -p work >$SCRATCH/work.patch").run().success();
    scratch.host_script("cd $SCRATCH/git && git apply ../work.patch").run().success();
    scratch.minirun(["apply", "-q", "work"]).run().success();
    assert_eq!(tree(&scratch.path("git")), tree(&scratch.path("src")));
}

#[test]
fn nothing_is_applied_over_what_the_host_changed() {
    let scratch = scene();
    edit(&scratch, "cd /src; echo c >edited; rm removed; echo c >new; echo c >fine; rm -r tree");
    let source = scratch.path("src");
    for name in ["edited", "removed", "new", "tree/deep/file", "other"] {
        fs::write(source.join(name), "host's").unwrap();
    }
    let before = tree(&source);
    let listed = "C /src/edited (conflict: changed on the host)\nA /src/fine\n\
                  C /src/new (conflict: changed on the host)\nD /src/removed (conflict: changed on the host)\n\
                  D /src/tree (conflict: something in it changed on the host)";
    assert_eq!(changes(&scratch), listed);
    let refused = scratch.minirun(["apply", "work"]).run();
    let said = refused.fails(1);
    for path in ["/src/edited", "/src/new", "/src/removed", "/src/tree/deep/file"] {
        assert!(said.contains(&format!("  {path}: changed on the host\n")), "{said}");
    }
    assert_eq!(tree(&source), before);
    // What is in no conflict can be named.
    assert_eq!(scratch.minirun(["apply", "work", "fine"]).run().success(), "A /src/fine");
    assert_eq!(scratch.minirun(["apply", "--skip-conflicts", "work"]).run().success(), "");
    assert_eq!(fs::read_to_string(source.join("edited")).unwrap(), "host's");
    scratch.minirun(["apply", "--force", "work"]).run().success();
    assert_eq!(fs::read_to_string(source.join("edited")).unwrap(), "c\n");
    assert!(!source.join("tree").exists() && source.join("other").exists());
    assert_eq!(changes(&scratch), "");
}

#[test]
fn a_part_is_applied_and_another_discarded() {
    let scratch = scene();
    edit(&scratch, EDIT);
    let applied = scratch.minirun(["apply", "work", "/src", "added", "edited"]).run().success();
    assert_eq!(applied, "A /src/added\nA /src/added/deep\nA /src/added/deep/file\nC /src/edited");
    let discarded = scratch.minirun(["discard", "work", "/src/again", "link"]).run().success();
    assert_eq!(discarded, "D /src/again/file\nA /src/again/new\nA /src/link");
    let left = "D /src/moved\nD /src/removed\nA /src/renamed\nC /src/run.sh (mode 644 -> 755)\nD /src/tree";
    assert_eq!(changes(&scratch), left);
    scratch.minirun(["discard", "work", "tree/deep"]).run().fails(1);
    assert_eq!(scratch.minirun(["discard", "-n", "work"]).run().success(), left);
    assert_eq!(scratch.minirun(["discard", "work"]).run().success(), left);
    assert_eq!(changes(&scratch), "");
    assert_eq!(fs::read_to_string(scratch.path("src/again/file")).unwrap(), "x\n");
}

#[test]
fn a_container_that_runs_is_looked_at_too() {
    let scratch = scene();
    let script = "cd /src; echo c >edited; touch ready; while ! test -e go; do sleep 0.05; done; cat edited";
    let flags = ["run", "--name", "work", "-v", &bind(&scratch), IMAGE, "sh", "-c", script];
    let running = scratch.minirun(flags).start();
    let listed = "C /src/edited\nA /src/ready";
    eventually("both changes are there", || {
        scratch.minirun(["changes", "work"]).run().stdout().trim() == listed
    });
    assert!(scratch.minirun(["discard", "work"]).run().fails(1).contains("is running"));
    assert_eq!(scratch.minirun(["apply", "work", "edited"]).run().success(), "C /src/edited");
    assert_eq!(changes(&scratch), "A /src/ready");
    assert_eq!(fs::read_to_string(scratch.path("src/edited")).unwrap(), "c\n");
    scratch.minirun(["rm", "-f", "work"]).run().success();
    running.wait();
}

#[test]
fn links_lead_nowhere() {
    let scratch = scene();
    let outside = scratch.directory("outside");
    fs::write(outside.join("file"), "untouched").unwrap();
    symlink("../outside", scratch.path("src/out")).unwrap();
    let script = format!(
        "cd /src; rm out; mkdir out; echo c >out/file; ln -s {} abs; ln -s / root; rm -r tree; ln -s /etc tree; \
         mkdir -p again/sub; echo c >again/sub/file",
        outside.display()
    );
    edit(&scratch, &script);
    // The host makes a way out of where a file is to go.
    symlink("../../outside", scratch.path("src/again/sub")).unwrap();
    let said = scratch.minirun(["apply", "work"]).run();
    assert!(said.fails(1).contains("/src/again/sub: changed on the host"), "{said}");
    scratch.minirun(["apply", "--force", "work"]).run().success();
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read_link(scratch.path("src/root")).unwrap(), Path::new("/"));
    assert!(fs::symlink_metadata(scratch.path("src/out")).unwrap().is_dir());
    assert_eq!(fs::read_to_string(scratch.path("src/again/sub/file")).unwrap(), "c\n");
}

#[test]
fn another_source_is_not_touched() {
    let scratch = scene();
    edit(&scratch, "echo c >/src/edited");
    let outside = scratch.directory("outside");
    fs::rename(scratch.path("src"), scratch.path("src.old")).unwrap();
    symlink("outside", scratch.path("src")).unwrap();
    assert!(scratch.minirun(["apply", "work"]).run().fails(1).contains("put there after the start"));
    fs::remove_file(scratch.path("src")).unwrap();
    fs::create_dir(scratch.path("src")).unwrap();
    scratch.minirun(["apply", "--force", "work"]).run().fails(1);
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
    assert_eq!(fs::read_dir(scratch.path("src")).unwrap().count(), 0);
}

#[test]
fn owners_and_closed_files_come_through() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = scene();
    let script = "cd /src; mkdir closed; echo c >closed/file; chown -R 1234:1234 closed; chmod 0 closed/file closed; \
                  echo c >secret; chmod 4000 secret; mkfifo pipe; chown 1234 kept";
    edit(&scratch, script);
    let listed = "A /src/closed\nA /src/closed/file\nC /src/kept (owner 0:0 -> 1234:0)\nA /src/pipe (fifo)\nA /src/secret (mode 4000)";
    assert_eq!(changes(&scratch), listed);
    scratch.minirun(["apply", "work"]).run().success();
    assert_eq!(changes(&scratch), "");
    let script =
        "cd /see; stat -c '%n %u:%g %a' closed closed/file kept secret; cat closed/file; test -p pipe";
    let see = format!("{}:/see", scratch.path("src").display());
    let seen = scratch.shell(&["-v", &see], script).run().success();
    let wanted = "closed 1234:1234 0\nclosed/file 1234:1234 0\nkept 1234:0 644\nsecret 0:0 4000\nc";
    assert_eq!(seen, wanted);
}

#[test]
fn any_name_is_told_clearly() {
    let scratch = scene();
    edit(
        &scratch,
        r#"cd /src; printf x >"$(printf 'a\nb\033')"; printf x >"$(printf 'raw\377')"; printf x >'a (mode b)'"#,
    );
    let listed = "A \"/src/a\\nb\\033\"\nA \"/src/a (mode b)\"\nA \"/src/raw\\377\"";
    assert_eq!(changes(&scratch), listed);
    let call = scratch.minirun(["apply", "work"]).args([OsStr::from_bytes(b"raw\xff")]);
    assert_eq!(call.run().success(), "A \"/src/raw\\377\"");
    assert!(scratch.path("src").join(OsStr::from_bytes(b"raw\xff")).exists());
    let json = scratch.minirun(["changes", "--format", "json", "work"]).run().success();
    assert!(json.contains(r#""Change":"A""#) && json.contains(r#""Kind":"file""#), "{json}");
    let rows = scratch.minirun(["changes", "--format", "{{.Change}}:{{.Path}}", "work"]).run().success();
    assert_eq!(rows.lines().count(), 2);
}

#[test]
fn several_mounts_and_what_is_none() {
    let scratch = scene();
    let other = format!("{}:/other:cow", scratch.directory("other").display());
    let script = "touch /src/new /other/new";
    let flags = ["run", "--name", "work", "-v", &bind(&scratch), "-v", &other, IMAGE, "sh", "-c", script];
    scratch.minirun(flags).run().success();
    assert_eq!(changes(&scratch), "A /src/new\nA /other/new");
    assert_eq!(scratch.minirun(["changes", "work", "/src"]).run().success(), "A /src/new");
    scratch.minirun(["apply", "work", "new"]).run().fails(1);
    assert_eq!(scratch.minirun(["apply", "work", "/other", "new"]).run().success(), "A /other/new");
    assert!(scratch.minirun(["apply", "work", "/etc"]).run().fails(1).contains("`/src`"));
    assert!(scratch.minirun(["apply", "work", "/src/typo"]).run().fails(1).contains("`typo`"));
    scratch.minirun(["changes", "nobody"]).run().fails(1);
    scratch.minirun(["run", "--name", "plain", IMAGE, "true"]).run().success();
    assert!(scratch.minirun(["changes", "plain"]).run().fails(1).contains("cow"));
}

#[test]
fn an_apply_that_is_killed_is_finished_by_the_next() {
    let scratch = scene();
    edit(
        &scratch,
        "cd /src; for d in a b c d; do mkdir $d; for f in $(echo 0 1 2 3 4 5 6 7 8 9); do for g in \
                    $(echo 0 1 2 3 4 5 6 7 8 9); do echo c >$d/$f$g; done; done; done; rm -r tree; echo c >tree",
    );
    for wait in [0, 10, 30, 60] {
        let running = scratch.minirun(["apply", "work"]).start();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.wait();
    }
    eventually("the last apply let go", || scratch.minirun(["apply", "work"]).run().code == Some(0));
    assert_eq!(changes(&scratch), "");
    let names = tree(&scratch.path("src"));
    assert!(names.iter().all(|name| !name.contains(".minirun")), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.ends_with("\"c\\n\"")).count(), 401);
}

#[test]
fn a_killed_apply_leaves_every_file_old_or_new() {
    let scratch = scene();
    let source = scratch.directory("src/large");
    let (old, new) = ("o".repeat(400_000), "n".repeat(400_000));
    for number in 0..30 {
        fs::write(source.join(number.to_string()), &old).unwrap();
    }
    edit(&scratch, "cd /src/large; for f in *; do tr o n <$f >/tmp/new; cat /tmp/new >$f; done");
    for wait in [5, 10, 15, 20, 25, 30, 40, 50, 70, 90] {
        let running = scratch.minirun(["apply", "work"]).start();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.wait();
        for number in 0..30 {
            let content = fs::read_to_string(source.join(number.to_string())).unwrap();
            assert!(content == old || content == new, "file {number} is neither old nor new");
        }
    }
    eventually("the last apply let go", || scratch.minirun(["apply", "work"]).run().code == Some(0));
    let names = tree(&source);
    assert!(names.len() == 30 && names.iter().all(|name| name.contains("nnn")), "{names:?}");
}

#[test]
fn an_older_directory_in_the_place_of_the_source_is_another_one() {
    let scratch = scene();
    let older = scratch.directory("older");
    fs::write(older.join("edited"), "older\n").unwrap();
    edit(&scratch, "echo c >/src/edited");
    fs::rename(scratch.path("src"), scratch.path("away")).unwrap();
    fs::rename(&older, scratch.path("src")).unwrap();
    for verb in ["changes", "apply", "discard"] {
        let said = scratch.minirun([verb, "work"]).run();
        assert!(said.fails(1).contains("is not the directory that the container saw"), "{said}");
    }
    assert_eq!(fs::read_to_string(scratch.path("src/edited")).unwrap(), "older\n");
    fs::rename(scratch.path("src"), scratch.path("older")).unwrap();
    fs::rename(scratch.path("away"), scratch.path("src")).unwrap();
    assert_eq!(scratch.minirun(["apply", "work"]).run().success(), "C /src/edited");
    assert_eq!(fs::read_to_string(scratch.path("src/edited")).unwrap(), "c\n");
}

#[test]
fn two_applies_do_not_mix() {
    let scratch = scene();
    edit(&scratch, "cd /src; mkdir many; for f in $(echo 0 1 2 3 4 5 6 7 8 9); do echo c >many/$f; done");
    let calls: Vec<_> = (0..4).map(|_| scratch.minirun(["apply", "work"]).start()).collect();
    let said: Vec<String> = calls.into_iter().map(|call| call.wait().success()).collect();
    assert_eq!(said.iter().filter(|said| !said.is_empty()).count(), 1);
    assert_eq!(changes(&scratch), "");
}

#[test]
fn modes_of_directories_and_the_source_itself() {
    let scratch = scene();
    fs::set_permissions(scratch.path("src"), fs::Permissions::from_mode(0o755)).unwrap();
    edit(&scratch, "chmod 2750 /src/again; chmod 711 /src");
    assert_eq!(changes(&scratch), "C /src (mode 755 -> 711)\nC /src/again (mode 755 -> 2750)");
    scratch.minirun(["apply", "work"]).run().success();
    let mode = |path: &str| fs::metadata(scratch.path(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("src"), mode("src/again")), (0o711, 0o2750));
    assert_eq!(changes(&scratch), "");
}

#[test]
fn nothing_goes_into_another_mount() {
    require!(can_mount(), "the caller may not mount");
    let scratch = scene();
    edit(&scratch, "echo c >/src/tree/new; echo c >/src/tree/deep/file; echo c >/src/edited");
    let script = "mount -t tmpfs tmpfs $SCRATCH/src/tree; \
                  $MINIRUN apply work; $MINIRUN apply --force work; $MINIRUN apply --skip-conflicts work; \
                  ls $SCRATCH/src/tree";
    let said = scratch.mounting_script(script).run();
    assert_eq!(said.success(), "C /src/edited");
    assert!(said.stderr().contains("/src/tree: a mount point on the host"), "{said}");
    assert_eq!(changes(&scratch), "C /src/tree/deep/file\nA /src/tree/new");
}
