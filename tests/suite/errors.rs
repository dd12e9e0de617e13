//! What goes wrong is said clearly, with exit code 125, and leaves the store as it was.

use serde_json::json;

use crate::support::{
    Compression, IMAGE, Image, Layer, Scratch, can_mount, compress, docker_archive, require,
};

#[test]
fn bad_flags() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    for args in [
        &["run", "--no-such-flag", IMAGE, "true"][..],
        &["run", "--network", "nonsense", IMAGE, "true"],
        &["run", "--platform", "", IMAGE, "true"],
        &["run", "-v"],
        &["run"],
        &["no-such-command"],
        &["load", "-i", "/no/such/file"],
        &["import", "/no/such/file", "x:1"],
        &["import"],
        &["rmi"],
        &["tag", IMAGE],
    ] {
        scratch.minirun(args).run().refused();
    }
    assert_eq!(scratch.listing(), before);
}

#[test]
fn an_error_is_a_sentence_a_chain_and_a_hint() {
    let scratch = Scratch::new();
    let outcome = scratch.minirun(["load", "-i", "/no/such/image.tar"]).run();
    let said = outcome.refused();
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("error: "), "{said}");
    assert!(said.contains("/no/such/image.tar"), "{said}");
    assert!(said.contains("ENOENT"), "{said}");
    let body = lines.iter().skip(1).filter(|line| !line.starts_with("hint: "));
    assert!(body.into_iter().all(|line| line.starts_with("  ")), "{said}");
    assert!(!lines[0].ends_with('.'), "{said}");
}

#[test]
fn a_profile_is_a_file_with_an_object() {
    let scratch = Scratch::with_image();
    let pipe = scratch.directory("profiles").join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = |path: &str| {
        let said =
            scratch.minirun(["run", "--security-opt", &format!("seccomp={path}"), IMAGE, "true"]).run();
        said.refused().to_owned()
    };
    for path in ["/dev/zero", "/"] {
        assert!(refused(path).contains("it is neither a file nor a pipe"), "{path}");
    }
    // Nobody writes to it, and nobody waits for that.
    assert!(refused(pipe.to_str().unwrap()).contains("which is a JSON object"));
    let from_pipe =
        ["run", "--security-opt", "seccomp=/dev/stdin", IMAGE, "grep", "Seccomp:", "/proc/self/status"];
    let run = scratch.minirun(from_pipe).input(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).run();
    assert_eq!(run.success(), "Seccomp:\t2");
    for (text, says) in [
        ("[]", "which is a JSON object"),
        ("7", "which is a JSON object"),
        (r#"{"defaultAction": "SCMP_ACT_FOO"}"#, "unknown variant `SCMP_ACT_FOO`"),
    ] {
        let said = refused(scratch.file("profile", text).to_str().unwrap());
        assert_eq!(said.matches(says).count(), 1, "{said}");
    }
}

#[test]
fn names_as_long_as_an_image_likes_are_cut() {
    let scratch = Scratch::new();
    let image = |key: &str, value: &str| {
        let image = Image::base().config(key, json!(value)).config("Cmd", json!(["true"]));
        let layout = scratch.directory(key);
        image.write_layout(&layout, "long:1");
        scratch.minirun(["run", "--rm", &format!("oci:{}", layout.display())]).run()
    };
    for (key, start) in [("User", ""), ("WorkingDir", "/"), ("Entrypoint", "/")] {
        let said = image(key, &format!("{start}{}", "long".repeat(20_000)));
        assert_ne!(said.code, Some(0), "{key}");
        let said = said.stderr();
        assert!(said.contains("longlong") && said.contains('…'), "{key}: {said}");
        assert!(said.len() < 3000 && !said.contains("EBADMSG"), "{key}: {said}");
    }
}

#[test]
fn wrong_direct_sources() {
    let scratch = Scratch::with_image();
    scratch.warm_up().success();
    let before = scratch.listing();
    let empty = scratch.directory("empty");
    let file = scratch.file("file", "text");
    for source in [
        "oci:/no/such/layout".to_owned(),
        format!("oci:{}", empty.display()),
        format!("oci:{}", file.display()),
        "oci-archive:/no/such/file".to_owned(),
        format!("oci-archive:{}", file.display()),
        format!("docker-archive:{}", file.display()),
        "rootfs:/no/such/directory".to_owned(),
        format!("rootfs:{}", file.display()),
        "oci:".to_owned(),
    ] {
        scratch.minirun(["run", "--rm", &source, "true"]).run().refused();
        assert_eq!(scratch.listing(), before, "{source}");
    }
}

#[test]
fn a_store_that_cannot_be_used() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "text");
    let store = file.join("store");
    scratch.minirun(["images"]).env("MINIRUN_STORE", &store).run().refused();
    scratch.minirun(["--store", "/proc/nowhere", "run", "host", "true"]).run().refused();
}

#[test]
fn a_full_disk() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    // Does not compress, so that it is the disk that refuses.
    let mut state = 1_u32;
    let noise: Vec<u8> = (0..4_000_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let image = Image::base().layer(Layer::new().file("noise", 0o644, noise));
    let archive = compress(&docker_archive(&image, &[IMAGE]), Compression::Plain);
    scratch.file("image.tar", archive);
    scratch.directory("store");
    let script =
        "mount -t tmpfs -o size=3m tmpfs \"$MINIRUN_STORE\" && \"$MINIRUN\" images >/dev/null || exit 99
        find \"$MINIRUN_STORE\" | sort >\"$SCRATCH/before\"
        \"$MINIRUN\" load -i \"$SCRATCH/image.tar\"; code=$?
        find \"$MINIRUN_STORE\" | sort >\"$SCRATCH/after\"
        exit $code";
    let outcome = scratch.mounting_script(script).run();
    assert!(outcome.refused().contains("ENOSPC"), "{outcome}");
    let read = |name: &str| std::fs::read_to_string(scratch.path(name)).unwrap();
    assert_eq!(read("after"), read("before"));
}

#[test]
fn help_and_version() {
    let scratch = Scratch::new();
    for args in [&["--help"][..], &["run", "--help"], &["--version"], &["image", "--help"]] {
        assert!(scratch.minirun(args).run().success().contains("minirun"));
    }
    assert!(!scratch.store().exists());
}

/// The words of a list of verbs: each verb, and what is said of it.
fn verbs(help: &str) -> Vec<(String, String)> {
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let split = |line: &str| {
        let (verb, about) = line.trim().split_once("  ").unwrap_or_else(|| panic!("{line}"));
        (verb.to_owned(), about.split(" [alias").next().unwrap_or_default().trim().to_owned())
    };
    list.map(split).filter(|(verb, _)| verb != "help").collect()
}

#[test]
fn the_help_of_each_verb_begins_with_what_the_list_says_of_it() {
    let scratch = Scratch::new();
    let mut groups = vec![Vec::new()];
    let mut seen = 0;
    while let Some(group) = groups.pop() {
        for (verb, about) in verbs(&scratch.minirun(&group).args(["--help"]).run().success()) {
            let words = [group.as_slice(), &[verb]].concat();
            let help = scratch.minirun(&words).args(["--help"]).run().success();
            assert_eq!(help.lines().next(), Some(about.as_str()), "{words:?}");
            seen += 1;
            if help.contains("\nCommands:\n") {
                groups.push(words);
            }
        }
    }
    assert!(seen > 50, "{seen} verbs");
}

#[test]
fn a_store_whose_path_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt as _;
    let scratch = Scratch::new();
    let store = scratch.path(std::ffi::OsStr::from_bytes(b"a b:c,d\xff"));
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let minirun = |args: &[&str]| scratch.minirun(args).env("MINIRUN_STORE", &store).run().success();
    minirun(&["load", "-q", "-i", layout.to_str().unwrap()]);
    assert_eq!(minirun(&["run", "--name", "kept", "-v", "data:/data", IMAGE, "echo", "hi"]), "hi");
    assert!(minirun(&["ps", "-a"]).contains("kept"));
    assert!(minirun(&["inspect", "kept"]).contains("LowerDir"));
    minirun(&["rm", "kept"]);
}

#[test]
fn a_container_that_fills_the_disk() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    scratch.directory("store");
    Image::base().write_layout(&scratch.path("layout"), IMAGE);
    // No room for another file, which removing and recording would need. A container's files go when its code was told, and
    // the kernel has their room again when it has taken the container's mounts away.
    let script = "mount -t tmpfs -o nr_inodes=900 tmpfs \"$MINIRUN_STORE\" || exit 99
        \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null || exit 98
        room=$(($(stat -f -c %d \"$MINIRUN_STORE\") - 20))
        fill='i=0; while true >/f$i; do i=$((i + 1)); done 2>/dev/null; exit 4'
        \"$MINIRUN\" run --rm example.test/base:1 sh -c \"$fill\"; echo \"$?\"
        for try in $(seq 100); do
            left=$(cd \"$MINIRUN_STORE\" && ls -A ephemeral tmp ended | grep -v :)
            test -z \"$left\" && test $(stat -f -c %d \"$MINIRUN_STORE\") -ge $room && break
            sleep 0.1
        done
        echo $left
        \"$MINIRUN\" run --name kept example.test/base:1 sh -c \"$fill\"; echo \"$?\"
        \"$MINIRUN\" rm kept && \"$MINIRUN\" run --rm example.test/base:1 echo fine";
    let run = scratch.mounting_script(script).run();
    let output = run.success();
    assert_eq!(output.split_whitespace().collect::<Vec<_>>(), ["4", "4", "kept", "fine"], "{run}");
}
