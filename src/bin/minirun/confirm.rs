//! Asking before something is removed.

use std::io::{self, BufRead as _};

use crate::failure::Failure;
use crate::output::Output;

/// What the user says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
}

/// Asks whether to go on; anything but `y`, also silence, means no.
pub(crate) fn confirm(output: &mut Output) -> Result<Answer, Failure> {
    output.text("Are you sure you want to continue? [y/N] ")?;
    output.flush()?;
    let mut line = String::new();
    // What cannot be read is no consent.
    let read = io::stdin().lock().read_line(&mut line);
    let agrees = read.is_ok() && line.trim().eq_ignore_ascii_case("y");
    Ok(if agrees { Answer::Yes } else { Answer::No })
}
