//! `exec`: further processes in a container that runs.

use nix::sys::signal::Signal;

use crate::support::{
    Call, Caller, IMAGE, Running, Scratch, Terminal, eventually, processes_with, program_exists, require,
    unique_seconds,
};

/// A container called `one` that runs until the test is over.
struct Container {
    scratch: Scratch,
    running: Option<Running>,
    seconds: String,
}

impl Container {
    fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, "")
    }

    /// `script` is done before the container counts as started.
    fn start_with(flags: &[&str], script: &str) -> Self {
        let scratch = Scratch::with_image();
        let seconds = unique_seconds();
        let script = format!("{script}\necho >/tmp/ready; exec sleep {seconds}");
        let run = scratch.minirun(["run", "--name", "one"]).args(flags).args([IMAGE, "sh", "-c", &script]);
        let container = Self { running: Some(run.start()), scratch, seconds };
        eventually("the container is ready", || {
            container.exec(&["-u", "0"], &["test", "-e", "/tmp/ready"]).run().code == Some(0)
        });
        container
    }

    fn exec(&self, flags: &[&str], command: &[&str]) -> Call {
        self.scratch.minirun(["exec"]).args(flags).args(["one"]).args(command)
    }

    fn shell(&self, flags: &[&str], script: &str) -> Call {
        self.exec(flags, &["sh", "-c", script])
    }

    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::SIGKILL);
            running.wait();
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.end();
        let seconds = &self.seconds;
        eventually("the container's processes are gone", || processes_with(seconds) == 0);
    }
}

#[test]
fn a_container_that_lives_on_is_entered_in_every_run() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    scratch.detach(&["--name", "one", "-v", "data:/data"], &format!("sleep {seconds}"));
    let ask = |script: &str| scratch.minirun(["exec", "one", "sh", "-c", script]).run().success();
    assert_eq!(ask("echo first >/data/file; echo kept >/new; cat /data/file"), "first");
    scratch.minirun(["exec", "-d", "one", "sleep", &seconds]).run().success();
    assert!(scratch.minirun(["top", "one"]).run().success().contains(&seconds));
    scratch.minirun(["stop", "-t", "0", "one"]).run().success();
    assert_eq!(processes_with(&seconds), 0);
    scratch.minirun(["exec", "one", "true"]).run().fails(1);
    assert!(scratch.minirun(["diff", "one"]).run().success().contains("A /new"));
    scratch.minirun(["cp", "one:/new", &scratch.text("copied")]).run().success();
    scratch.minirun(["start", "one"]).run().success();
    assert_eq!(ask("cat /new /data/file"), "kept\nfirst");
    scratch.minirun(["cp", &scratch.text("copied"), "one:/data/copied"]).run().success();
    assert_eq!(ask("cat /data/copied"), "kept");
    scratch.minirun(["rm", "-f", "one"]).run().success();
    assert_eq!(processes_with(&seconds), 0);
}

#[test]
fn a_command_runs_in_the_container() {
    let container = Container::start(&["-e", "FROM=run", "--hostname", "inside", "-w", "/seed"]);
    let script =
        "echo $FROM; hostname; pwd; cat file; cat /proc/1/cmdline | tr '\\0' ' '; echo; test $$ != 1";
    let output = container.shell(&[], script).run().success();
    let sleep = format!("sleep {} ", container.seconds);
    assert_eq!(output.lines().collect::<Vec<_>>(), ["run", "inside", "/seed", "seeded", &sleep]);
    for namespace in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
        let script = format!("readlink /proc/1/ns/{namespace}; readlink /proc/self/ns/{namespace}");
        let output = container.shell(&[], &script).run().success();
        let mut lines = output.lines();
        assert_eq!(lines.next(), lines.next(), "{namespace}");
    }
    container.shell(&[], "echo made >/made").run().success();
    assert_eq!(container.exec(&[], &["cat", "/made"]).run().success(), "made");
}

#[test]
fn exit_codes_are_those_of_run() {
    let container = Container::start(&[]);
    container.shell(&[], "exit 7").run().exits(7);
    container.shell(&[], "kill -9 $$").run().exits(137);
    container.exec(&[], &["no-such-command"]).run().fails(127);
    container.exec(&[], &["/seed"]).run().fails(126);
    container.exec(&["-w", "/no/such/directory"], &["true"]).run().fails(126);
    container.exec(&["-u", "nobody-here"], &["true"]).run().fails(125);
    let scratch = &container.scratch;
    scratch.minirun(["exec", "other", "true"]).run().fails(1);
    scratch.minirun(["exec", "one"]).run().refused();
    scratch.minirun(["run", "--name", "ended", IMAGE, "true"]).run().success();
    let said = scratch.minirun(["exec", "ended", "true"]).run();
    assert!(said.fails(1).contains("container `ended` is not running"), "{said}");
}

#[test]
fn environment_directory_and_streams() {
    let container = Container::start(&["-e", "A=run", "-e", "B=run"]);
    let file = container.scratch.file("env", "B=file\nC=file\n");
    let flags = ["--env-file", file.to_str().unwrap(), "-e", "C=flag", "-e", "FROM_CALLER", "-w", "/tmp"];
    let script = "echo $A $B $C $FROM_CALLER $HOME ${TERM-none}; pwd";
    let output = container.shell(&flags, script).env("FROM_CALLER", "caller").run().success();
    assert_eq!(output, "run file flag caller /root none\n/tmp");
    let leaked = container.exec(&[], &["env"]).env("SECRET_OF_CALLER", "x").run().success();
    assert!(!leaked.contains("SECRET_OF_CALLER"), "{leaked}");
    assert_eq!(container.exec(&["-i"], &["cat"]).input("typed").run().success(), "typed");
    assert_eq!(container.exec(&[], &["cat"]).input("typed").run().success(), "");
    let both = container.shell(&[], "echo out; echo err >&2").run();
    assert_eq!((both.success().as_str(), both.stderr()), ("out", "err\n"));
}

#[test]
fn users_are_those_of_the_container() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let container = Container::start(&["-u", "app", "--group-add", "spare"]);
    let script = "id -u; id -g; id -G; echo $HOME";
    let output = container.shell(&[], script).run().success();
    assert_eq!(output, "1234\n1234\n1234 2345 3456\n/home/app");
    let output = container.shell(&["-u", "0"], script).run().success();
    assert_eq!(output, "0\n0\n0 3456\n/root");
    let output = container.shell(&["-u", "77:88"], script).run().success();
    assert_eq!(output, "77\n88\n88 3456\n/");
    // What the container's own files say now counts, and not what the image's said.
    container.shell(&["-u", "0"], "echo new:x:55:66::/new:/bin/sh >>/etc/passwd").run().success();
    assert_eq!(container.shell(&["-u", "new"], "id -u; id -g; echo $HOME").run().success(), "55\n66\n/new");
    container.exec(&["-u", "4294967295"], &["true"]).run().fails(1);
}

#[test]
fn rights_are_those_of_the_container() {
    let container =
        Container::start(&["--cap-drop", "ALL", "--cap-add", "CHOWN", "--ulimit", "nofile=77:88"]);
    let status = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status";
    let of_init = container.shell(&[], &status.replace("self", "1")).run().success();
    assert_eq!(container.shell(&[], status).run().success(), of_init);
    assert_eq!(container.shell(&[], "ulimit -Sn; ulimit -Hn").run().success(), "77\n88");
    let bounding = container.shell(&["--privileged"], "grep CapBnd /proc/self/status").run().success();
    assert!(!bounding.ends_with("0000000000000001"), "{bounding}");
    let masked = container.shell(&["--privileged"], "cat /proc/keys | wc -c").run().success();
    assert_eq!(masked, "0");
}

#[test]
fn nothing_of_the_caller_comes_along() {
    let container = Container::start(&[]);
    let script =
        "ls /proc/self/fd | wc -l; umask; readlink /proc/self/cwd; cat /proc/self/oom_score_adj >/dev/null";
    let exec = format!("exec 7</etc/passwd 8</ 9>/dev/null; \"$MINIRUN\" exec one sh -c '{script}'");
    let output = container.scratch.host_script(&exec).run().success();
    // Three streams, and the directory that is being listed.
    assert_eq!(output, "4\n0022\n/");
    let parent = container.shell(&[], "grep PPid /proc/self/status").run().success();
    assert_eq!(parent, "PPid:\t0");
}

#[test]
fn a_hostile_container_gains_nothing() {
    let script = "rm /etc/passwd /etc/group; mkfifo /etc/passwd; ln -s /proc/1/root/etc/group /etc/group; \
        ln -s /proc/self/fd /fds; echo '#!/bin/sh\ntouch /ran' >/tmp/id; chmod 755 /tmp/id";
    let container = Container::start_with(&["-e", "PATH=/tmp:/bin"], script);
    assert_eq!(container.exec(&[], &["/bin/echo", "fine"]).run().success(), "fine");
    container.exec(&["-u", "app"], &["true"]).run().fails(125);
    for number in 3..16 {
        container.exec(&["-w", &format!("/fds/{number}")], &["/bin/ls", "-a"]).run().fails(126);
    }
    // Programs of the container run when they are asked for, and not before.
    assert_eq!(container.shell(&[], "test -e /ran && echo ran; true").run().success(), "");
    container.exec(&[], &["id"]).run().success();
    assert_eq!(container.shell(&[], "test -e /ran && echo ran; true").run().success(), "ran");
}

#[test]
fn an_init_does_not_stand_in_the_way() {
    let container = Container::start(&["--init"]);
    assert_eq!(container.exec(&[], &["echo", "inside"]).run().success(), "inside");
}

#[test]
fn every_kind_of_container_can_be_entered() {
    let mut kinds =
        vec![&["--userns", "single"][..], &["--network", "host"], &["--read-only", "--tmpfs", "/tmp"]];
    if Caller::detect() != Caller::Root {
        kinds.push(&["--userns", "keep-id", "-u", "0"]);
    }
    for flags in kinds {
        if Caller::detect() == Caller::SingleId && flags.contains(&"keep-id") {
            continue;
        }
        let container = Container::start(flags);
        assert_eq!(container.exec(&[], &["echo", "inside"]).run().success(), "inside", "{flags:?}");
    }
    let scratch = Scratch::new();
    let seconds = unique_seconds();
    let running = scratch.minirun(["run", "--rm", "--name", "one", "host", "sleep", &seconds]).start();
    eventually("the container of the host's files runs", || {
        scratch.minirun(["exec", "one", "echo", "inside"]).run().stdout() == "inside\n"
    });
    running.signal(Signal::SIGKILL);
    running.wait();
}

#[test]
fn it_ends_with_the_container() {
    let mut container = Container::start(&[]);
    let seconds = unique_seconds();
    let exec = container.shell(&[], &format!("sleep {seconds} & sleep {seconds}")).start();
    let detached = unique_seconds();
    container.exec(&["-d"], &["sleep", &detached]).run().success();
    eventually("the commands run", || processes_with(&seconds) >= 3 && processes_with(&detached) >= 1);
    container.end();
    exec.wait().exits(137);
    eventually("nothing is left", || processes_with(&seconds) + processes_with(&detached) == 0);
}

#[test]
fn it_ends_with_its_caller_and_the_container_goes_on() {
    let container = Container::start(&[]);
    let seconds = unique_seconds();
    let exec = container.shell(&[], &format!("sleep {seconds} & exec sleep {seconds}")).start();
    eventually("the commands run", || processes_with(&seconds) >= 3);
    exec.signal(Signal::SIGKILL);
    exec.wait();
    eventually("nothing of it is left", || processes_with(&seconds) == 0);
    assert_eq!(container.exec(&[], &["echo", "alive"]).run().success(), "alive");
}

#[test]
fn a_detached_command_outlives_its_caller() {
    let container = Container::start(&[]);
    let seconds = unique_seconds();
    let output = container.shell(&["-d"], &format!("echo lost; exec sleep {seconds}")).run();
    assert_eq!((output.success().as_str(), output.stderr()), ("", ""));
    eventually("the command runs", || processes_with(&seconds) >= 1);
    container.exec(&["-d"], &["no-such-command"]).run().fails(127);
    container.shell(&[], "kill -9 $(pidof sleep | cut -d' ' -f1); true").run();
}

#[test]
fn signals_are_passed_on() {
    let container = Container::start(&[]);
    let script = "trap 'echo caught; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    let exec = container.shell(&[], script).start();
    let is_up = "grep -l 'echo caught' /proc/[0-9]*/cmdline | grep -cv self";
    eventually("the trap is set", || container.shell(&[], is_up).run().stdout().trim() != "0");
    std::thread::sleep(std::time::Duration::from_millis(200));
    exec.signal(Signal::SIGTERM);
    assert_eq!(exec.wait().exits(5), "up\ncaught");
}

#[test]
fn a_terminal_of_its_own() {
    require!(program_exists("setsid"), "no setsid");
    let container = Container::start(&[]);
    let mut terminal = Terminal::start(container.exec(&["-it", "-e", "PS1=ready> "], &["sh"]));
    terminal.expect("ready> ");
    terminal.send("tty; stty size; echo $TERM\n");
    terminal.expect("/dev/pts/");
    terminal.expect("24 80");
    terminal.expect("xterm");
    terminal.resize(40, 100);
    terminal.send("until [ \"$(stty size)\" = '40 100' ]; do sleep 0.1; done; echo fol''lowed\n");
    terminal.expect("followed");
    terminal.expect("ready> ");
    terminal.send("sh -c \"echo star''ted; exec sleep 1000\"\n");
    terminal.expect("started");
    terminal.send("\u{3}");
    terminal.expect("ready> ");
    terminal.send("exit 9\n");
    assert_eq!(terminal.wait(), 9);
    let said = container.exec(&["-it"], &["sh"]).run();
    assert!(said.fails(1).contains("-it"), "{said}");
}

#[test]
fn a_command_can_be_left_alone() {
    require!(program_exists("setsid"), "no setsid");
    let container = Container::start(&[]);
    // More than a terminal holds: somebody has to take it.
    let script = "stty -echo; echo rea''dy; read line; i=0; while [ $i -lt 5000 ]; do echo a-line-of-output-$i; \
                  i=$((i+1)); done; echo $line >/tmp/$1; exec sleep 1000";
    for (flags, keys, name) in
        [(&["-it"][..], "\x10\x11", "usual"), (&["-it", "--detach-keys", "ctrl-a,x"], "\x01x", "own")]
    {
        let mut terminal = Terminal::start(container.exec(flags, &["sh", "-c", script, "sh", name]));
        let before = terminal.settings();
        terminal.expect("ready");
        terminal.send(&format!("kept\n{keys}"));
        assert_eq!(terminal.wait(), 0);
        assert!(terminal.settings() == before);
        assert!(terminal.rest().contains("the command goes on"));
        eventually("it goes on", || {
            container.exec(&[], &["cat", &format!("/tmp/{name}")]).run().stdout() == "kept\n"
        });
    }
    container.exec(&["--detach-keys", "nonsense"], &["true"]).run().fails(1);
    // Without a terminal there is nobody who types.
    assert_eq!(container.exec(&["-i"], &["cat"]).input("a\x10\x11b").run().success(), "a\x10\x11b");
}

#[test]
fn a_detached_command_has_a_terminal_if_it_wants_one() {
    let container = Container::start(&[]);
    let script = "i=0; while [ $i -lt 5000 ]; do echo a-line-of-output-$i; i=$((i+1)); done; \
                  (tty; echo $TERM) >/tmp/said; exec sleep 1000";
    container.shell(&["-d", "-t"], script).run().success();
    eventually("it has a terminal", || {
        let said = container.exec(&[], &["cat", "/tmp/said"]).run().stdout();
        said.starts_with("/dev/pts/") && said.ends_with("xterm\n")
    });
    container.exec(&["-d", "-t"], &["no-such-command"]).run().exits(127);
}

#[test]
fn top_shows_the_processes() {
    for flags in [&[][..], &["--init"]] {
        let container = Container::start(flags);
        let top = || container.scratch.minirun(["top", "one"]).run().success();
        // Until then it is a shell, whose script has several lines.
        eventually("it has become its command", || !top().contains("sh -c"));
        let output = top();
        let header: Vec<_> = output.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(header, ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
        let line = output.lines().find(|line| line.contains(&container.seconds)).unwrap();
        assert_eq!(line.split_whitespace().next(), Some("root"), "{output}");
        assert_eq!(output.lines().count(), if flags.is_empty() { 2 } else { 3 }, "{output}");
        if program_exists("ps") {
            let output = container.scratch.minirun(["top", "one", "-eo", "pid,args"]).run().success();
            assert!(output.contains(&container.seconds) && output.lines().count() <= 3, "{output}");
        }
        container.scratch.minirun(["top", "other"]).run().fails(1);
    }
}
