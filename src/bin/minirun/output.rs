//! Where everything is printed: answers on standard output, the rest on standard error.

use std::io::{self, Write};

use crate::failure::{Failure, render};

/// The two streams.
pub(crate) struct Output {
    answers: io::BufWriter<io::Stdout>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { answers: io::BufWriter::new(io::stdout()) }
    }

    /// Prints a line of the answer.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<(), Failure> {
        writeln!(self.answers, "{}", text.as_ref()).map_err(Failure::Output)
    }

    /// Prints a part of the answer that brings its own line ends.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.answers.write_all(text.as_bytes()).map_err(Failure::Output)
    }

    /// Prints a part of the answer that may be no text.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.answers.write_all(bytes).map_err(Failure::Output)
    }

    /// Brings the answer out, before something else writes to the same stream or the program ends.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.answers.flush().map_err(Failure::Output)
    }

    /// Prints why something did not work; the exit code for it. That nobody reads the answer is no failure.
    pub(crate) fn fail(&mut self, failure: &Failure) -> u8 {
        if !failure.is_closed_pipe() {
            // Answers that came first are printed first. Whether that works is not the news now.
            let _ = self.answers.flush();
            note(&render(failure, failure.hint()));
        }
        failure.exit_code()
    }
}

/// Prints to standard error, which may be closed: then there is nobody to tell.
pub(crate) fn note(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
