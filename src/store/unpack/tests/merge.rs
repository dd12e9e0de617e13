//! What a layer hides of those below, whatever its entries' order.

use super::*;

/// A layer below with a directory of files.
fn below() -> Archive {
    Archive::new().dir("d", 0o751).dir("d/sub", 0o750).file("d/sub/a", "a").file("d/b", "b").file("x", "x")
}

/// The merged tree of [`below`] and these changes.
fn changed(changes: &Archive) -> Stack {
    let mut stack = Stack::new();
    stack.push(&below());
    stack.push(changes);
    stack
}

/// The names that show in a directory.
fn names(stack: &Stack, path: &str) -> Vec<String> {
    let parts: Vec<_> = path.split('/').filter(|name| !name.is_empty()).map(Into::into).collect();
    let Some(directory) = stack.merged().directory(&parts).unwrap() else { return Vec::new() };
    let mut names: Vec<_> =
        directory.names().unwrap().into_iter().map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_a_link_needed_goes_with_what_is_hidden() {
    let link = || Archive::new().hardlink("l", "d/sub/a");
    for (changes, left) in [
        (link().file("d/sub/.wh.a", ""), &["b", "sub"][..]),
        (link().file("d/.wh.sub", ""), &["b"]),
        (link().file("d/.wh..wh..opq", ""), &[]),
        (link().file(".wh.d", ""), &[]),
        (link().file(".wh..wh..opq", ""), &[]),
    ] {
        let stack = changed(&changes);
        assert_eq!(stack.read("/l").as_deref(), Some("a"));
        assert_eq!(names(&stack, "d"), left);
        assert_eq!(names(&stack, "d/sub"), [""; 0]);
    }
    let gone = changed(&link().file(".wh.d", ""));
    assert_eq!(gone.mode("/d"), 0);
    let whiteout = fs::symlink_metadata(gone.top("d")).unwrap();
    assert!(whiteout.file_type().is_char_device());
}

#[test]
fn a_directory_around_whiteouts_goes_with_what_is_hidden() {
    let around = || Archive::new().file("d/sub/.wh.a", "");
    assert_eq!(names(&changed(&around()), "d/sub"), [""; 0]);
    assert_eq!(names(&changed(&around()), "d"), ["b", "sub"]);
    assert_eq!(names(&changed(&around().file("d/.wh.sub", "")), "d"), ["b"]);
    assert_eq!(names(&changed(&around().file("d/.wh..wh..opq", "")), "d"), [""; 0]);
    assert_eq!(names(&changed(&around().file(".wh.d", "")), ""), ["x"]);
    assert_eq!(names(&changed(&around().file(".wh..wh..opq", "")), ""), [""; 0]);
}

#[test]
fn what_the_layer_has_itself_stays() {
    for hiding in ["d/.wh..wh..opq", ".wh.d", ".wh..wh..opq"] {
        let own = |archive: Archive| archive.file("d/sub/new", "new");
        let stack = changed(&own(Archive::new().file("d/sub/.wh.a", "")).file(hiding, ""));
        assert_eq!((names(&stack, "d"), names(&stack, "d/sub")), (vec!["sub".into()], vec!["new".into()]));
        let stack = changed(&own(Archive::new().file(hiding, "")));
        assert_eq!((names(&stack, "d"), names(&stack, "d/sub")), (vec!["sub".into()], vec!["new".into()]));
        let stack = changed(&Archive::new().file("d/sub/.wh.a", "").dir("d/sub", 0o700).file(hiding, ""));
        assert_eq!((names(&stack, "d"), names(&stack, "d/sub")), (vec!["sub".into()], vec![]));
    }
}

#[test]
fn no_whiteout_shows_in_an_opaque_directory() {
    let stack = changed(
        &Archive::new()
            .file("d/.wh.b", "")
            .file("d/sub/.wh.a", "")
            .dir("d", 0o755)
            .file("d/.wh..wh..opq", "")
            .file("d/.wh.sub", "")
            .file("d/new", ""),
    );
    assert_eq!(names(&stack, "d"), ["new"]);
    assert_eq!(fs::read_dir(stack.top("d")).unwrap().count(), 1);
}

#[test]
fn devices_replace_what_was_there_and_are_left_out() {
    let device = |archive: Archive, name| archive.entry(EntryType::Char, name, "", 0o666, "");
    let stack = changed(&device(Archive::new().file("y", ""), "y"));
    assert_eq!(names(&stack, ""), ["d", "x"]);
    let stack = changed(&device(device(Archive::new(), "x"), "d"));
    assert_eq!(names(&stack, ""), [""; 0]);
    let stack = changed(&device(Archive::new(), "new/null"));
    assert_eq!(names(&stack, ""), ["d", "new", "x"]);
    // Another name of a device is a device.
    let stack = changed(&device(Archive::new(), "null").hardlink("zero", "null").hardlink("x", "zero"));
    assert_eq!(names(&stack, ""), ["d"]);
    let stack = changed(&device(Archive::new(), "null").file("null", "a file").hardlink("y", "null"));
    assert_eq!(stack.read("/y").as_deref(), Some("a file"));
}

#[test]
fn a_whiteout_may_be_longer_than_a_name() {
    let long = "n".repeat(255);
    let named = |name: &str| Archive::new().pax(&[("path", name.as_bytes())]).file("short", "");
    let mut stack = Stack::new();
    stack.push(&named(&long));
    assert!(stack.read(&format!("/{long}")).is_some());
    stack.push(&named(&format!(".wh.{long}")));
    assert_eq!(names(&stack, ""), [""; 0]);
    assert!(Stack::refuse(&named(&format!(".wh.{long}x"))).contains("too long"));
}

#[test]
fn symlinks_lead_no_deeper_than_names() {
    let mut stack = Stack::new();
    stack.limits.depth = 4;
    let archive = Archive::new().dir("a/b/c/d", 0o755).symlink("l", "a/b/c");
    stack.push(&archive);
    let mut deeper = Archive::new().dir("l/d/e", 0o755);
    let text = stack.try_push(&deeper.0).unwrap_err();
    assert!(matches!(text, UnpackError::Entry { problem: Problem::Name("is too deep"), .. }), "{text:?}");
    deeper = Archive::new().dir("l/e", 0o755);
    assert!(stack.try_push(&deeper.0).is_ok());
}

#[test]
fn a_nameless_directory_is_the_root() {
    let stack = changed(&Archive::new().dir("", 0o711));
    assert_eq!(stack.mode("/"), 0o40_711);
    assert!(Stack::refuse(&Archive::new().file("", "")).contains("root directory"));
    assert!(Stack::refuse(&Archive::new().hardlink("a", "")).contains("empty"));
}

#[test]
fn nothing_lies_in_a_whiteout() {
    let mut stack =
        changed(&Archive::new().dir("d/.wh.b", 0o755).file("d/.wh.b/x", "x").dir(".wh.x/y/z", 0o755));
    assert_eq!(names(&stack, "d"), ["sub"]);
    assert_eq!(names(&stack, ""), ["d", "x"]);
    let unpacked = stack.push(&Archive::new().file(".wh.x/y", ""));
    assert_eq!(unpacked.warnings, [Warning::Within { path: ".wh.x/y".into() }]);
}
