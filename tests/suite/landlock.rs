//! Landlock: on minirun itself while it unpacks, and on containers that ask for it.

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use serde_json::Value;

use crate::support::{Archive, Call, IMAGE, Image, Layer, Scratch, program_exists, require};

/// The version of this kernel's Landlock, as minirun tells it; 0 for none.
fn abi(scratch: &Scratch) -> u64 {
    let text = scratch.minirun(["info", "--format", "{{json .Landlock}}"]).run().success();
    let landlock: Value = serde_json::from_str(&text).unwrap();
    let abi = landlock["Abi"].as_u64().unwrap_or(0);
    assert_eq!(landlock["Unpacking"], abi >= 2, "{text}");
    abi
}

/// Whoever unpacks in this call can write beside the scratch directory's store before it begins, and not any more when
/// the first byte is read.
#[track_caller]
fn assert_confined(scratch: &Scratch, call: Call) {
    let [before, after] = ["before", "after"].map(|when| scratch.path(format!("tried.{when}")));
    call.env("MINIRUN_TRY_WRITING", scratch.path("tried")).run().success();
    assert!(before.exists(), "nobody tried");
    assert!(!after.exists(), "the process could write outside of the store");
    fs::remove_file(before).unwrap();
}

#[test]
fn unpacking_reaches_nothing_but_the_store() {
    let scratch = Scratch::new();
    require!(abi(&scratch) >= 2, "the kernel has no Landlock");
    // Whoever tries may be another user of this machine, who must be able to make files here.
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let layout = layout.to_str().unwrap();
    let archive = scratch.file("image.tar", Archive::of(layout.as_ref()));
    let archive = archive.to_str().unwrap();
    assert_confined(&scratch, scratch.minirun(["load", "-q", "-i", layout]));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["load", "-q", "-i", archive]));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["load", "-q"]).input(fs::read(archive).unwrap()));
    scratch.minirun(["rmi", IMAGE]).run().success();
    assert_confined(&scratch, scratch.minirun(["run", "--name", "one", &format!("oci:{layout}"), "true"]));
    assert_confined(&scratch, scratch.minirun(["commit", "one", "example.test/two"]));
    let tree = scratch.file("tree.tar", Layer::new().file("hello", 0o644, "hello").finish());
    let tree = tree.to_str().unwrap();
    assert_confined(&scratch, scratch.minirun(["import", tree, "example.test/tree"]));
    for _ in ["a new volume", "one that is there"] {
        assert_confined(&scratch, scratch.minirun(["volume", "import", "--create", "data", tree]));
    }
    let read = ["run", "--rm", "-v", "data:/data", "example.test/two", "cat", "/data/hello"];
    assert_eq!(scratch.minirun(read).run().success(), "hello");
}

#[test]
fn the_container_of_an_image_that_was_just_unpacked_is_not_restricted() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let outside = scratch.directory("outside");
    let bind = format!("{}:/outside", outside.display());
    let image = format!("oci:{}", layout.display());
    let script = "echo text >/outside/file && cat /outside/file && grep -c NoNewPrivs:.0 /proc/self/status";
    let run = ["run", "--rm", "--security-opt", "no-new-privileges=false", "-v", &bind, &image];
    let output = scratch.minirun(run).args(["sh", "-c", script]).run().success();
    assert_eq!(output, "text\n1");
}

#[test]
fn files_that_are_not_named_are_out_of_reach() {
    let scratch = Scratch::with_image();
    require!(abi(&scratch) >= 3, "the kernel's Landlock is too old");
    let script = "echo a >/tmp/file && cat /tmp/file; (echo a >/etc/file) 2>&1; (: >/etc/passwd) 2>&1; wc -l </etc/passwd
        echo a >/dev/null; head -c 3 /dev/zero | wc -c; cat /proc/self/comm; echo b >/dev/shm/b && cat /dev/shm/b";
    let output = scratch.shell(&["--landlock", "ro=/,rw=/tmp"], script).run().success();
    assert_eq!(output.matches("ermission denied").count(), 2, "{output}");
    let rest: Vec<&str> = output.lines().filter(|line| !line.contains("denied")).map(str::trim).collect();
    assert_eq!(rest, ["a", "2", "3", "cat", "b"], "{output}");
    let words = ["--landlock", "rw=/", "--security-opt", "no-new-privileges=false"];
    assert_eq!(scratch.shell(&words, "echo a >/tmp/a && cat /tmp/a").run().success(), "a");
    let out = scratch.shell(&["--landlock", "ro=/etc"], "true").run();
    assert!(out.fails(126).contains("--landlock") && out.stderr().contains("ro="), "{out}");
    let out = scratch.shell(&["--landlock", "ro=/,rw=/missing"], "true").run();
    assert!(out.refused().contains("`/missing` of `--landlock`"), "{out}");
    let out = scratch.shell(&["--landlock", "ro=/,rw=/missing,best-effort"], "echo runs").run();
    assert!(out.success() == "runs" && out.stderr().contains("nothing at `/missing`"), "{out}");
    for nonsense in ["", "ro=relative", "best-effort", "connect=0", "rx=/"] {
        scratch.shell(&["--landlock", nonsense], "true").run().refused();
    }
}

#[test]
fn what_comes_later_is_restricted_too() {
    let scratch = Scratch::with_image();
    require!(abi(&scratch) >= 4, "the kernel's Landlock is too old");
    scratch.detach(
        &["--name", "one", "--landlock", "ro=/", "--landlock", "rw=/tmp,connect=443,bind=none"],
        "sleep 100",
    );
    let script = "(echo a >/file) 2>&1; echo b >/tmp/b && cat /tmp/b";
    let attempt = |flags: &[&str]| {
        let output = scratch.minirun(["exec"]).args(flags).args(["one", "sh", "-c", script]).run().success();
        assert!(output.contains("ermission denied") && output.ends_with('b'), "{output}");
    };
    attempt(&[]);
    attempt(&["--privileged"]);
    assert_eq!(scratch.field("one", ".HostConfig.Landlock"), "[ro=/ rw=/tmp connect=443 bind=none]");
    scratch.minirun(["restart", "-t", "0", "one"]).run().success();
    attempt(&[]);
    scratch.minirun(["rm", "-f", "one"]).run().success();
    let plan = scratch.minirun(["run", "--dry-run", "--landlock", "rw=/tmp,ro=/tmp/x,ro=/", IMAGE, "true"]);
    assert!(plan.run().success().contains("  landlock rw=/tmp ro=/\n"));
}

#[test]
fn the_result_says_what_is_out_of_reach() {
    let scratch = Scratch::with_image();
    require!(abi(&scratch) >= 3, "the kernel's Landlock is too old");
    let landlock = |flags: &[&str]| -> Value {
        let result = scratch.text("result.json");
        scratch.shell(&[flags, &["--result", &result]].concat(), "true").run().success();
        let record: Value = serde_json::from_slice(&fs::read(&result).unwrap()).unwrap();
        fs::remove_file(result).unwrap();
        record["security"]["landlock"].clone()
    };
    let asked = landlock(&["--landlock", "ro=/,best-effort"]);
    assert_eq!(asked["asked"], serde_json::json!(["ro=/", "best-effort"]));
    assert_eq!(asked["enforced"], serde_json::json!(["ro=/"]));
    assert!(asked["verified"].as_str().unwrap().contains("Landlock"), "{asked}");
    assert_eq!(landlock(&[])["enforced"], serde_json::json!([]));
}

#[test]
fn ports_that_are_not_named_are_out_of_reach() {
    let scratch = Scratch::new();
    require!(abi(&scratch) >= 4, "the kernel's Landlock knows no TCP ports");
    require!(program_exists("bash"), "there is no bash");
    let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (open, closed) = (listen(), listen());
    let [open, closed] = [&open, &closed].map(|listener| listener.local_addr().unwrap().port());
    let connect = |port: u16, words: &str| {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
        let run = ["run", "--rm", "--network", "host", "--landlock", words, "host", "bash", "-c", &script];
        scratch.minirun(run).run()
    };
    let words = format!("connect={open}");
    assert_eq!(connect(open, &words).success(), "connected");
    let refused = connect(closed, &words);
    assert!(refused.code != Some(0) && refused.stderr().contains("ermission denied"), "{refused}");
    assert_eq!(connect(closed, "bind=none").success(), "connected");
    assert_ne!(connect(open, "connect=none").code, Some(0));
}

#[test]
fn abstract_sockets_of_the_machine_are_out_of_reach() {
    let scratch = Scratch::new();
    require!(abi(&scratch) >= 6, "the kernel's Landlock knows no scopes");
    require!(Path::new("/usr/bin/perl").exists(), "there is no perl");
    let name = format!("minirun-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let script = format!(
        "use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; \
         connect($s, pack('S a*', AF_UNIX, \"\\0{name}\")) or die $!; print qq(connected\\n);"
    );
    let connect = |flags: &[&str]| {
        let run = scratch.minirun(["run", "--rm", "--network", "host"]).args(flags);
        run.args(["host", "/usr/bin/perl", "-e", &script]).run()
    };
    assert_eq!(connect(&[]).success(), "connected");
    assert_ne!(connect(&["--landlock", "scope=abstract-sockets"]).code, Some(0));
}
