//! The caller's own terminal.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::termios::{OptionalActions, Termios, Winsize, isatty};

use super::streams::duplicate;
use crate::sys::{Call, SysError};

/// A terminal and the settings it had.
#[derive(Debug)]
pub(super) struct SavedTerminal {
    file: OwnedFd,
    settings: Termios,
}

impl AsFd for SavedTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl SavedTerminal {
    /// The caller's terminal with its settings, if standard input is one.
    pub(super) fn of_caller() -> Result<Option<Self>, SysError> {
        let stdin = rustix::stdio::stdin();
        if !isatty(stdin) {
            return Ok(None);
        }
        let settings = rustix::termios::tcgetattr(stdin).call(|| "tcgetattr(stdin)")?;
        Ok(Some(Self { file: duplicate(stdin)?, settings }))
    }

    /// Lets every key through.
    pub(super) fn make_raw(&self) -> Result<(), SysError> {
        let mut raw = self.settings.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(&self.file, OptionalActions::Now, &raw).call(|| "tcsetattr(raw)")
    }

    /// Gives the terminal its settings back.
    pub(super) fn restore(&self) {
        // A terminal that has hung up has nothing to restore.
        let _ = rustix::termios::tcsetattr(&self.file, OptionalActions::Drain, &self.settings);
    }
}

/// The size of the caller's terminal, if there is one.
pub(super) fn window_size() -> Option<Winsize> {
    [rustix::stdio::stdin(), rustix::stdio::stdout()]
        .into_iter()
        .find_map(|file| rustix::termios::tcgetwinsize(file).ok())
}
