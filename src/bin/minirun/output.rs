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

/// `text` with its control characters as escapes, but for the ends of lines and tabs: what comes from an image could steer
/// the terminal.
fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && !matches!(letter, '\n' | '\t') {
            clean.extend(letter.escape_default());
        } else {
            clean.push(letter);
        }
    }
    clean
}

/// Prints to standard error, which may be closed: then there is nobody to tell.
pub(crate) fn note(text: &str) {
    draw(&harmless(text));
}

/// The same for what is meant to steer the terminal.
pub(crate) fn draw(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(harmless("a\u{1b}]0;x\u{7}\r\u{9b}2J\n\tb"), "a\\u{1b}]0;x\\u{7}\\r\\u{9b}2J\n\tb");
        assert_eq!(harmless("J\u{f6}rg"), "J\u{f6}rg");
    }
}
