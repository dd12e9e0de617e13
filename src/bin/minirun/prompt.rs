//! Asks for a name and a password on a terminal.

use std::io::{self, BufRead as _, Read as _, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::output::note;

/// The most bytes of a password that is typed.
const LONGEST: usize = 4096;
/// What control characters the keys give that end, undo and break off a line.
const INTERRUPT: u8 = 0x03;
const END: u8 = 0x04;
const BACKSPACES: [u8; 2] = [0x08, 0x7f];
const KILL: u8 = 0x15;

/// A line that is typed and seen.
pub(crate) fn line(question: &str) -> io::Result<String> {
    note(question);
    let mut text = String::new();
    stdin().lock().read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A line that is typed and not seen.
///
/// The terminal sends no signal meanwhile: a program that ends by one would leave it blind.
pub(crate) fn secret(question: &str) -> io::Result<String> {
    // What is typed ahead of the question is not seen either.
    let blind = Blind::new()?;
    note(question);
    let typed = typed();
    drop(blind);
    note("\n");
    String::from_utf8(typed?).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn typed() -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    for byte in stdin().lock().bytes() {
        match byte? {
            b'\n' | b'\r' | END => return Ok(line),
            INTERRUPT => return Err(io::ErrorKind::Interrupted.into()),
            KILL => line.clear(),
            byte if BACKSPACES.contains(&byte) => {
                // A letter may have several bytes.
                while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
            }
            byte => line.push(byte),
        }
        if line.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(line)
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Blind(Termios);

impl Blind {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut blind = before.clone();
        blind.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(stdin(), OptionalActions::Now, &blind)?;
        Ok(Self(before))
    }
}

impl Drop for Blind {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &self.0);
    }
}
