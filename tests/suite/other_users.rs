//! What other users of the machine could have put into the way.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::support::{Call, Caller, IMAGE, Scratch, require};

/// A user whom nobody is.
const STRANGER: u32 = 4321;

/// Gives something to somebody else, be it a symlink.
fn give_away(scratch: &Scratch, path: &Path) {
    if Caller::detect() == Caller::Root {
        lchown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    } else {
        scratch.minirun(["unshare", "--", "chown", "-h", "5:5"]).args([path]).run().success();
    }
    assert_ne!(fs::symlink_metadata(path).unwrap().uid(), rustix::process::geteuid().as_raw());
}

/// Lets the scratch directory be removed again.
fn take_back(scratch: &Scratch, path: &Path) {
    if Caller::detect() != Caller::Root {
        scratch.minirun(["unshare", "--", "chown", "-h", "0:0"]).args([path]).run().success();
    }
}

#[test]
fn a_program_with_rights_of_its_own_refuses_to_start() {
    require!(Caller::detect() == Caller::Root, "only root can make a program that gives its rights away");
    let scratch = Scratch::new();
    scratch.own_program();
    fs::set_permissions(scratch.program(), fs::Permissions::from_mode(0o4755)).unwrap();
    let result = scratch.path("result");
    for words in [&["run", "--rm", "--result", "RESULT", IMAGE, "true"][..], &["version"], &["images"]] {
        let words = words.iter().map(|word| if *word == "RESULT" { result.to_str().unwrap() } else { word });
        let mut command = scratch.minirun(words).into_command();
        let output = command.uid(STRANGER).gid(STRANGER).current_dir("/").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0), "{said}");
        assert!(said.contains("more rights than its caller"), "{said}");
    }
    assert!(!result.exists() && !scratch.store().exists());
}

#[test]
fn a_store_on_somebody_elses_way_is_refused() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let theirs = scratch.directory("theirs");
    fs::create_dir(theirs.join("mine")).unwrap();
    let link = scratch.path("link");
    symlink(scratch.store(), &link).unwrap();
    give_away(&scratch, &theirs);
    give_away(&scratch, &link);
    for store in [
        theirs.join("mine"),
        theirs.join("none/mine"),
        link.clone(),
        link.join("sub/../"),
        theirs.join("../store"),
    ] {
        let call = scratch.minirun(["run", "--rm", IMAGE, "true"]).env("MINIRUN_STORE", &store);
        let said = call.run();
        assert!(said.refused().contains("which belongs to user"), "{}: {said}", store.display());
        assert!(said.stderr().contains("hint: choose another directory"), "{said}");
    }
    for path in [theirs, link] {
        take_back(&scratch, &path);
    }
}

#[test]
fn nobody_else_gets_into_a_store() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.store()).unwrap();
    fs::set_permissions(scratch.store(), fs::Permissions::from_mode(0o755)).unwrap();
    scratch.load(&crate::support::Image::base(), IMAGE);
    assert_eq!(fs::metadata(scratch.store()).unwrap().mode() & 0o7777, 0o700);
    // One that was opened since is closed by whoever writes next.
    fs::set_permissions(scratch.store(), fs::Permissions::from_mode(0o755)).unwrap();
    scratch.detach(&["--name", "one"], "sleep 1000");
    assert_eq!(fs::metadata(scratch.store()).unwrap().mode() & 0o7777, 0o700);
    if Caller::detect() == Caller::Root {
        let listing = Call::new("ls")
            .args([scratch.store()])
            .into_command()
            .uid(STRANGER)
            .gid(STRANGER)
            .output()
            .unwrap();
        assert!(!listing.status.success() && listing.stdout.is_empty());
    }
    fs::set_permissions(scratch.store(), fs::Permissions::from_mode(0o777)).unwrap();
    let said = scratch.minirun(["ps"]).run();
    assert!(said.fails(1).contains("others may write into it"), "{said}");
    fs::set_permissions(scratch.store(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn files_that_are_asked_for_go_through_nobodys_link() {
    let scratch = Scratch::with_image();
    let canary = scratch.file("canary", "untouched");
    let link = scratch.path("link");
    symlink(&canary, &link).unwrap();
    let said = scratch.minirun(["run", "--rm", "--cidfile"]).args([&link]).args([IMAGE, "true"]).run();
    assert!(said.refused().contains("EEXIST"), "{said}");
    if Caller::detect().has_many_ids() {
        give_away(&scratch, &link);
        scratch.minirun(["create", "--name", "one", IMAGE, "true"]).run().success();
        for words in [&["export", "one", "-o"][..], &["run", "--rm", IMAGE, "true", "--result"]] {
            let (verb, flag) = (&words[..words.len() - 1], words[words.len() - 1]);
            let flag = format!("{flag}={}", link.display()).replacen("-o=", "-o", 1);
            let call = scratch.minirun([verb[0], &flag]).args(&verb[1..]).run();
            assert!(call.stderr().contains("owned by user"), "{call}");
        }
        take_back(&scratch, &link);
    }
    assert_eq!(fs::read(&canary).unwrap(), b"untouched");
}

#[test]
fn a_runtime_directory_is_not_needed() {
    let scratch = Scratch::with_image();
    let runtime = scratch.directory("runtime");
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o777)).unwrap();
    for directory in [runtime.to_str().unwrap(), "/proc/1/root", "/no/such/directory", ""] {
        let call = |words: &[&str]| scratch.minirun(words).env("XDG_RUNTIME_DIR", directory).run();
        call(&["run", "-d", "--name", "one", IMAGE, "sleep", "1000"]).success();
        call(&["exec", "one", "true"]).success();
        call(&["rm", "-f", "one"]).success();
    }
    assert_eq!(fs::read_dir(runtime).unwrap().count(), 0);
}
