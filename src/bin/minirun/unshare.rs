//! `minirun unshare`.

use std::ffi::{OsStr, OsString};

use minirun::container::Engine;
use minirun::sys::probe;

use crate::arguments::UnshareArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Loudness, Progress};

/// Runs the program; its exit code.
pub(crate) fn unshare(engine: &Engine, arguments: &UnshareArgs, output: &mut Output) -> Result<u8, Failure> {
    let command = match &arguments.command[..] {
        [] => vec![shell()],
        command => command.to_vec(),
    };
    output.flush()?;
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let ended = engine.unshare(arguments.image.as_deref(), &command, &mut |event| progress.show(event));
    progress.clear();
    Ok(ended?.code())
}

fn shell() -> OsString {
    let named = probe::variable(OsStr::new("SHELL")).filter(|shell| !shell.is_empty());
    named.unwrap_or_else(|| OsString::from("/bin/sh"))
}
