//! A terminal for the tests of `-t`: the program gets one end, the test types and reads at the other.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use rustix::termios::{Winsize, tcsetwinsize};

use super::Call;

/// How long to wait for a text to appear.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program in a session of its own whose controlling terminal the test holds.
pub(crate) struct Terminal {
    screen: File,
    /// Kept open so that the settings can be read when the program is gone.
    line: File,
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Starts `call` in a terminal of 24 rows and 80 columns.
    pub(crate) fn start(call: Call) -> Self {
        let pty = openpty(None, None).unwrap();
        let (screen, line) = (File::from(pty.master), File::from(pty.slave));
        resize(&screen, 24, 80);
        let plain = call.into_command();
        // `setsid --ctty` makes standard input the controlling terminal: without it no window change and no
        // Ctrl-C would reach the program.
        let mut command = Command::new("setsid");
        // Who runs the tests in the background may have told all that it starts to ignore Ctrl-C.
        command
            .args(["--ctty", "--wait", "env", "--default-signal=HUP,INT,QUIT"])
            .arg(plain.get_program())
            .args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let end = || line.try_clone().unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let (sender, output) = channel();
        let mut reader = screen.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { screen, line, child, output, seen: String::new() }
    }

    /// Types `text`.
    pub(crate) fn send(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    /// Changes the window size.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        resize(&self.screen, rows, columns);
    }

    /// Sends the program itself a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// The terminal's settings now.
    pub(crate) fn settings(&self) -> Termios {
        tcgetattr(&self.line).unwrap()
    }

    /// Waits until `text` has appeared behind what was expected before.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    let _ = self.child.kill();
                    panic!("{text:?} never appeared; the rest of the screen: {:?}", self.seen);
                }
            }
        }
    }

    /// Everything that has appeared behind what was expected; for when the program has ended.
    pub(crate) fn rest(&mut self) -> &str {
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        &self.seen
    }

    /// Waits for the program to end; its status as the shell would see it.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!("the program did not end; the screen: {:?}", self.seen);
            }
            // Read on: a full terminal would hold the program up.
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}

fn resize(terminal: &File, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}
