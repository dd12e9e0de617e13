//! What is said between whoever runs a container and those who want something of it. Both are the same program, or
//! nearly: a message begins with a letter, and what is not understood is passed over.

use rustix::termios::Winsize;

use super::Stream;
use crate::sys::clone::ExitStatus;
use crate::sys::socket::MESSAGE_MAX;

/// The socket in a container's directory.
pub(super) const SOCKET: &str = "control";

/// The most that one message carries, in bytes.
pub(super) const CONTENT_MAX: usize = MESSAGE_MAX - 1;

/// What a signal is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The container is to get it.
    Pass,
    /// The container is to end for good.
    End,
}

/// What becomes of a container that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequel {
    /// Nothing.
    Final,
    /// It begins again.
    Again,
}

/// Asked of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    /// Send me what it writes.
    Watch,
    /// I am going to write its input.
    Feed,
    /// Here is input.
    Input(Vec<u8>),
    /// There will be no more.
    InputEnd,
    /// My terminal has this size.
    Size(Winsize),
    /// Send this signal.
    Signal(i32, Purpose),
}

/// Told by the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It has written this.
    Output(Stream, Vec<u8>),
    /// It has ended.
    Ended(ExitStatus, Sequel),
}

impl Request {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Watch => vec![b'O'],
            Self::Feed => vec![b'F'],
            Self::Input(bytes) => framed(b'I', bytes),
            Self::InputEnd => vec![b'Z'],
            Self::Size(size) => {
                let [rows, columns] = [size.ws_row.to_le_bytes(), size.ws_col.to_le_bytes()];
                vec![b'W', rows[0], rows[1], columns[0], columns[1]]
            }
            Self::Signal(number, purpose) => {
                let letter = if *purpose == Purpose::Pass { b'S' } else { b'K' };
                vec![letter, u8::try_from(*number).unwrap_or_default()]
            }
        }
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (letter, rest) = message.split_first()?;
        match (letter, rest) {
            (b'O', _) => Some(Self::Watch),
            (b'F', _) => Some(Self::Feed),
            (b'I', bytes) => Some(Self::Input(bytes.to_vec())),
            (b'Z', _) => Some(Self::InputEnd),
            (b'W', &[low_row, high_row, low_column, high_column]) => Some(Self::Size(Winsize {
                ws_row: u16::from_le_bytes([low_row, high_row]),
                ws_col: u16::from_le_bytes([low_column, high_column]),
                ws_xpixel: 0,
                ws_ypixel: 0,
            })),
            (b'S', &[number]) => Some(Self::Signal(number.into(), Purpose::Pass)),
            (b'K', &[number]) => Some(Self::Signal(number.into(), Purpose::End)),
            _ => None,
        }
    }
}

impl Reply {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Output(Stream::Output, bytes) => framed(b'o', bytes),
            Self::Output(Stream::Error, bytes) => framed(b'e', bytes),
            Self::Ended(status, sequel) => {
                let letter = if *sequel == Sequel::Final { b'x' } else { b'a' };
                // A status is a word and a number.
                framed(letter, &serde_json::to_vec(status).unwrap_or_default())
            }
        }
    }

    pub(super) fn decode(message: &[u8]) -> Option<Self> {
        let (letter, rest) = message.split_first()?;
        match letter {
            b'o' => Some(Self::Output(Stream::Output, rest.to_vec())),
            b'e' => Some(Self::Output(Stream::Error, rest.to_vec())),
            b'x' => Some(Self::Ended(serde_json::from_slice(rest).ok()?, Sequel::Final)),
            b'a' => Some(Self::Ended(serde_json::from_slice(rest).ok()?, Sequel::Again)),
            _ => None,
        }
    }
}

fn framed(letter: u8, bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(letter);
    message.extend_from_slice(bytes);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let size = Winsize { ws_row: 300, ws_col: 7, ws_xpixel: 0, ws_ypixel: 0 };
        for request in [
            Request::Watch,
            Request::Feed,
            Request::Input(vec![0, 255]),
            Request::InputEnd,
            Request::Size(size),
            Request::Signal(64, Purpose::Pass),
            Request::Signal(9, Purpose::End),
        ] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        for reply in [
            Reply::Output(Stream::Output, b"x".to_vec()),
            Reply::Output(Stream::Error, Vec::new()),
            Reply::Ended(ExitStatus::Exited(3), Sequel::Again),
            Reply::Ended(ExitStatus::Signaled(9), Sequel::Final),
        ] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
        for noise in [&b""[..], b"?", b"W1", b"S", b"x{"] {
            assert_eq!((Request::decode(noise), Reply::decode(noise)), (None, None));
        }
    }
}
