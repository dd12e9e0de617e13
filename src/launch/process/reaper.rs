//! The init of `--init`: process 1 that starts the command, passes signals on and reaps what nobody waits for.

use std::convert::Infallible;

use nix::sys::signal::{SigSet, Signal};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions};

use crate::sys::clone::{self, ExitStatus};
use crate::sys::{Call, SysError, process as own};

/// Starts `command` as a child, which returns only an exit code when it could not become a program, and stays
/// until it has ended.
pub(super) fn run(command: impl FnOnce() -> u8) -> Result<Infallible, SysError> {
    own::reset_signals()?;
    // Blocked first, so that none is lost between the start and the wait.
    own::set_signal_mask(&SigSet::all())?;
    // Other processes of the container see this one, which is still the launcher's program.
    own::hide()?;
    let child = clone::copy(command)?;
    own::close_all_but(&[])?;
    clone::leave(reap_until(child.pid)?.code())
}

fn reap_until(command: Pid) -> Result<ExitStatus, SysError> {
    let signals = SigSet::all();
    loop {
        match signals.wait().call(|| "sigwait()")? {
            Signal::SIGCHLD => {
                if let Some(status) = reap_all(command)? {
                    return Ok(status);
                }
            }
            signal => {
                // A command that has just ended needs no signal.
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(command.as_raw_pid()), signal);
            }
        }
    }
}

/// Reaps every child that has ended; the command's status if it was among them.
fn reap_all(command: Pid) -> Result<Option<ExitStatus>, SysError> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == command => return Ok(Some(clone::exit_status(status))),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) | Err(Errno::CHILD) => return Ok(None),
            Err(errno) => return Err(SysError::new("waitpid(-1)", errno)),
        }
    }
}
