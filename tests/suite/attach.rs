//! Being connected with a container that somebody else runs.

use std::time::Duration;

use crate::support::{IMAGE, Scratch, Terminal, eventually};

#[test]
fn output_from_now_on_and_the_exit_code() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let mount = format!("{}:/ready", ready.display());
    let script = "echo early; while [ ! -e /ready/go ]; do sleep 0.05; done; echo late; echo err >&2; exit 4";
    scratch.detach(&["--name", "talks", "-v", &mount], script);
    eventually("it runs", || scratch.minirun(["logs", "talks"]).run().success() == "early");
    let attached = scratch.minirun(["attach", "--no-stdin", "talks"]).start();
    let other = scratch.minirun(["attach", "--no-stdin", "talks"]).start();
    std::thread::sleep(Duration::from_millis(300));
    scratch.file("ready/go", "");
    for outcome in [attached.wait(), other.wait()] {
        assert_eq!((outcome.exits(4), outcome.stderr()), ("late".to_owned(), "err\n"));
    }
    scratch.minirun(["attach", "talks"]).run().fails(1);
}

#[test]
fn input_reaches_it() {
    let scratch = Scratch::with_image();
    scratch.minirun(["create", "-i", "--name", "cat", IMAGE, "cat"]).run().success();
    let big = "x".repeat(300_000);
    assert_eq!(scratch.minirun(["start", "-ai", "cat"]).input(big.as_str()).run().success(), big);
    // Without -i there is nothing to read.
    scratch.minirun(["create", "--name", "deaf", IMAGE, "cat"]).run().success();
    assert_eq!(scratch.minirun(["start", "-ai", "deaf"]).input("x").run().success(), "");
    // What was left alone with -i waits for more than one.
    scratch.detach(&["-i", "--name", "waits"], "read a; echo $a; read b; echo $b");
    let first = scratch.minirun(["attach", "waits"]).input("one\n").start();
    eventually("the first line came", || scratch.minirun(["logs", "waits"]).run().success() == "one");
    assert_eq!(scratch.minirun(["attach", "waits"]).input("two\n").run().success(), "two");
    first.wait().success();
}

#[test]
fn signals_are_passed_on() {
    let scratch = Scratch::with_image();
    let script = "trap 'exit 8' INT; echo ready; while :; do sleep 0.05; done";
    scratch.detach(&["--name", "one"], script);
    eventually("it is ready", || scratch.minirun(["logs", "one"]).run().success() == "ready");
    let off = scratch.minirun(["attach", "--no-stdin", "--sig-proxy=false", "one"]).start();
    std::thread::sleep(Duration::from_millis(300));
    off.signal(nix::sys::signal::Signal::SIGINT);
    off.wait().exits(130);
    assert_eq!(scratch.field("one", ".State.Running"), "true");
    let on = scratch.minirun(["attach", "--no-stdin", "one"]).start();
    std::thread::sleep(Duration::from_millis(300));
    on.signal(nix::sys::signal::Signal::SIGINT);
    on.wait().exits(8);
}

#[test]
fn a_terminal_survives_being_left() {
    let scratch = Scratch::with_image();
    let id = scratch
        .minirun(["run", "-dit", "--name", "shell", "-e", "PS1=", IMAGE, "sh", "-c", "stty -echo; exec sh"])
        .run()
        .success();
    assert_eq!(id.len(), 64);
    std::thread::sleep(Duration::from_millis(200));
    let mut terminal = Terminal::start(scratch.minirun(["attach", "shell"]));
    terminal.send("a=kept; echo fir''st\n");
    terminal.expect("first");
    terminal.resize(33, 77);
    terminal.send("sleep 0.3; stty size\n");
    terminal.expect("33 77");
    terminal.send("\x10\x11");
    assert_eq!(terminal.wait(), 0);
    assert_eq!(scratch.field("shell", ".State.Running"), "true");

    let mut terminal = Terminal::start(scratch.minirun(["attach", "--detach-keys", "ctrl-a,x", "shell"]));
    terminal.send("echo se''cond $a\n");
    terminal.expect("second kept");
    terminal.send("\x01x");
    assert_eq!(terminal.wait(), 0);

    let mut terminal = Terminal::start(scratch.minirun(["attach", "shell"]));
    terminal.send("exit 6\n");
    assert_eq!(terminal.wait(), 6);
    assert_eq!(scratch.field("shell", ".State.ExitCode"), "6");
    assert!(scratch.minirun(["logs", "shell"]).run().success().contains("second kept"));
}

#[test]
fn an_attached_terminal_is_a_good_one() {
    let scratch = Scratch::with_image();
    scratch
        .minirun(["run", "-dit", "--name", "shell", "-e", "PS1=", IMAGE, "sh", "-c", "stty -echo; exec sh"])
        .run()
        .success();
    std::thread::sleep(Duration::from_millis(200));
    let mut terminal = Terminal::start(scratch.minirun(["attach", "shell"]));
    let before = terminal.settings();
    terminal.send("sh -c \"echo star''ted; exec sleep 1000\"\n");
    terminal.expect("started");
    terminal.send("\u{3}");
    terminal.send("echo still he''re\n");
    terminal.expect("still here");
    scratch.minirun(["kill", "shell"]).run().success();
    assert_eq!(terminal.wait(), 137);
    assert!(terminal.settings() == before);

    // A signal that is not the container's ends the session, and nothing else.
    scratch.minirun(["start", "shell"]).run().success();
    let mut terminal = Terminal::start(scratch.minirun(["attach", "--sig-proxy=false", "shell"]));
    let before = terminal.settings();
    terminal.send("echo ba''ck\n");
    terminal.expect("back");
    terminal.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(terminal.wait(), 143);
    assert!(terminal.settings() == before);
    assert_eq!(scratch.field("shell", ".State.Running"), "true");
}

#[test]
fn a_run_with_detach_keys_can_be_left() {
    let scratch = Scratch::with_image();
    let run = ["run", "-it", "--name", "shell", "--detach-keys", "ctrl-p,ctrl-q", "-e", "PS1=", IMAGE, "sh"];
    let mut terminal = Terminal::start(scratch.minirun(run));
    terminal.send("echo rea''dy\n");
    terminal.expect("ready");
    terminal.send("\x10\x11");
    assert_eq!(terminal.wait(), 0);
    assert_eq!(scratch.field("shell", ".State.Running"), "true");
    scratch.minirun(["run", "--rm", "--detach-keys", "nonsense", IMAGE, "true"]).run().refused();
}

#[test]
fn only_some_streams() {
    let scratch = Scratch::with_image();
    let script = "echo out; echo err >&2; cat";
    for (flags, output, error) in [
        (&["-a", "stdout"][..], "out", ""),
        (&["-a", "stderr"], "", "err\n"),
        (&["-a", "stdout", "-a", "stderr"], "out", "err\n"),
        (&["-i", "-a", "stdin", "-a", "STDOUT"], "out\nin", ""),
        (&["-i", "-a", "stdout"], "out", ""),
    ] {
        for kept in [&["--rm"][..], &[]] {
            let call = scratch.minirun(["run"]).args(kept).args(flags).args([IMAGE, "sh", "-c", script]);
            let outcome = call.input("in").run();
            assert_eq!((outcome.success().as_str(), outcome.stderr()), (output, error), "{flags:?}");
        }
    }
    scratch.minirun(["run", "--rm", "-a", "nothing", IMAGE, "true"]).run().refused();
}

#[test]
fn a_guest_that_is_killed_does_not_matter() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "goes-on"], "while :; do echo x; sleep 0.01; done");
    let attached = scratch.minirun(["attach", "--no-stdin", "goes-on"]).start();
    std::thread::sleep(Duration::from_millis(300));
    attached.signal(nix::sys::signal::Signal::SIGKILL);
    attached.wait();
    let lines = || scratch.minirun(["logs", "goes-on"]).run().success().lines().count();
    let before = lines();
    eventually("it goes on", || lines() > before);
}
