//! `-t`: a terminal of the container's own.

use crate::support::{Call, Caller, IMAGE, Scratch, Terminal, eventually, program_exists, require};

fn shell(scratch: &Scratch) -> Call {
    scratch.minirun(["run", "-it", "--rm", "-e", "PS1=ready> ", IMAGE, "sh"])
}

#[test]
fn a_shell_is_usable() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    let mut terminal = Terminal::start(shell(&scratch));
    terminal.expect("ready> ");
    terminal.send("tty; echo $TERM; test -c /dev/console && echo con''sole\n");
    terminal.expect("/dev/pts/");
    terminal.expect("xterm");
    terminal.expect("console");
    terminal.expect("ready> ");
    // Job control: a shell without a controlling terminal would say so.
    terminal.send("sleep 1000 & jobs; kill %1; echo do''ne\n");
    terminal.expect("sleep 1000");
    terminal.expect("done");
    terminal.send("exit 7\n");
    assert_eq!(terminal.wait(), 7);
}

#[test]
fn it_belongs_to_the_user_of_the_process() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let script = "stat -c '%u %a' $(tty); echo wri''tten >$(tty); echo al''so >/dev/console";
    let mut terminal =
        Terminal::start(scratch.minirun(["run", "-it", "--rm", "-u", "1234", IMAGE, "sh", "-c", script]));
    for text in ["1234 620", "written", "also"] {
        terminal.expect(text);
    }
    assert_eq!(terminal.wait(), 0);
    scratch.detach(&["--name", "one"], "exec sleep 1000");
    let mut terminal =
        Terminal::start(scratch.minirun(["exec", "-it", "-u", "77", "one", "sh", "-c", script]));
    terminal.expect("77 620");
    terminal.expect("written");
    terminal.wait();
    scratch.minirun(["rm", "-f", "one"]).run().success();
}

#[test]
fn control_c_reaches_the_program_and_not_minirun() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    let mut terminal = Terminal::start(shell(&scratch));
    terminal.expect("ready> ");
    // Whoever prints is the foreground process by then.
    terminal.send("sh -c \"echo star''ted; exec sleep 1000\"\n");
    terminal.expect("started");
    terminal.send("\u{3}");
    terminal.expect("ready> ");
    terminal.send("echo still he''re; exit 0\n");
    terminal.expect("still here");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn the_window_size_is_followed() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    let mut terminal = Terminal::start(shell(&scratch));
    terminal.expect("ready> ");
    terminal.send("stty size\n");
    terminal.expect("24 80");
    terminal.resize(40, 100);
    let script = "until [ \"$(stty size)\" = '40 100' ]; do sleep 0.1; done; echo fol''lowed; exit\n";
    terminal.send(script);
    terminal.expect("followed");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn the_settings_are_restored_whatever_happens() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    for (script, code) in [("exit 3", 3), ("kill -9 $$; exit 4", 4)] {
        let mut terminal = Terminal::start(shell(&scratch));
        let before = terminal.settings();
        terminal.expect("ready> ");
        terminal.send(&format!("{script}\n"));
        assert_eq!(terminal.wait(), code);
        assert!(terminal.settings() == before);
    }
    let run = ["run", "-it", "--rm", IMAGE, "no-such-command"];
    let mut terminal = Terminal::start(scratch.minirun(run));
    let before = terminal.settings();
    assert_eq!(terminal.wait(), 127);
    assert!(terminal.settings() == before);
}

#[test]
fn the_settings_are_restored_when_minirun_is_killed() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "exec sleep 1000");
    let exec = || scratch.minirun(["exec", "-it", "-e", "PS1=ready> ", "one", "sh"]);
    let calls: [&dyn Fn() -> Call; 2] = [&|| shell(&scratch), &exec];
    for call in calls {
        let mut terminal = Terminal::start(Call::new("true"));
        let before = terminal.settings();
        terminal.wait();
        let mut terminal = Terminal::start(call());
        terminal.expect("ready> ");
        assert!(terminal.settings() != before, "it lets every key through");
        terminal.signal(nix::sys::signal::Signal::SIGKILL);
        eventually("the settings are those of before", || terminal.settings() == before);
        terminal.wait();
    }
}

#[test]
fn without_i_the_container_reads_nothing() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    let mut terminal = Terminal::start(scratch.minirun([
        "run",
        "-t",
        "--rm",
        IMAGE,
        "sh",
        "-c",
        "test -t 1 && echo is''tty",
    ]));
    terminal.expect("istty");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_terminal_wants_a_terminal() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "-it", "--rm", IMAGE, "true"]).input("x").run().refused();
}

#[test]
fn output_larger_than_the_pipe_arrives_whole() {
    require!(program_exists("setsid"), "no setsid");
    let scratch = Scratch::with_image();
    let script = "i=0; while [ $i -lt 5000 ]; do echo line-$i-of-many; i=$((i+1)); done";
    let mut terminal = Terminal::start(scratch.minirun(["run", "-it", "--rm", IMAGE, "sh", "-c", script]));
    for number in [0, 1, 2500, 4999] {
        terminal.expect(&format!("line-{number}-of-many"));
    }
    assert_eq!(terminal.wait(), 0);
}
