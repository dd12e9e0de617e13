//! Starting the program and looking at what came of it.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take before the test gives up; far above what a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(240);

/// A call of the program that has not started yet.
pub(crate) struct Call {
    command: Command,
    input: Vec<u8>,
    patience: Duration,
}

impl Call {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MINIRUN_") {
                command.env_remove(name);
            }
        }
        Self { command, input: Vec::new(), patience: PATIENCE }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// What the program reads from its standard input; nothing unless given.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// How long it may take before the test gives up.
    pub(crate) fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same call with an address space of so many KiB.
    pub(crate) fn address_space(self, kibibytes: u64) -> Self {
        let script = format!("ulimit -v {kibibytes} && exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self { command, ..self }
    }

    /// The bare command, for a caller that arranges its files itself.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Starts it and waits until it is over.
    pub(crate) fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let shown = format!("{:?}", self.command);
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = self.input;
        // A program that does not read its input breaks the pipe, which is no error of the test.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Running { child, stdout, stderr, shown, patience: self.patience }
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// A call that has started.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    shown: String,
    patience: Duration,
}

impl Running {
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for the end; a call that never ends fails the test.
    pub(crate) fn wait(mut self) -> Outcome {
        let deadline = Instant::now() + self.patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("{} did not end", self.shown);
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.join().unwrap(),
            stderr: String::from_utf8_lossy(&self.stderr.join().unwrap()).into_owned(),
            shown: self.shown,
        }
    }
}

/// How a call ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
    shown: String,
}

impl Outcome {
    /// Everything it wrote to standard output.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The same where it is no text.
    pub(crate) fn stdout_bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// Everything it wrote to standard error.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Standard output of a call that must have succeeded, without its last newline.
    #[track_caller]
    pub(crate) fn success(&self) -> String {
        assert_eq!(self.code, Some(0), "{self}");
        self.stdout().trim_end_matches('\n').to_owned()
    }

    /// Standard output of a call that must have ended with `code`.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self}");
        self.stdout().trim_end_matches('\n').to_owned()
    }

    /// Standard error of a call that minirun itself must have refused, in the shape all its errors have.
    #[track_caller]
    pub(crate) fn refused(&self) -> &str {
        self.fails(125)
    }

    /// Standard error of a call that must have failed with `code` and an error of minirun.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self}");
        let said = self.stderr.lines().any(|line| line.starts_with("error: "));
        assert!(said, "no `error: …` line: {self}");
        assert!(self.stdout.is_empty(), "an error belongs on standard error alone: {self}");
        &self.stderr
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, signal, stderr, shown, .. } = self;
        let stdout = self.stdout();
        write!(f, "{shown}\ncode {code:?}, signal {signal:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Waits until `condition` holds; fails the test if it never does.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
