//! The caller's streams at a container that somebody else runs.

use std::os::fd::AsFd as _;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use super::{Engine, Error, Events};
use crate::launch::{Client, Parting, Screen, Session};
use crate::plan::occurrence::Action;
use crate::store::container::{ContainerError, ContainerRecord};
use crate::store::directory::Directory;
use crate::sys::clone::ExitStatus;

pub use crate::launch::{Feeding, SignalProxy};

/// What a word is that names no keys.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` names no keys: characters and ctrl-LETTER, separated by commas, as in ctrl-p,ctrl-q")]
pub struct DetachKeysError(String);

/// The keys that end a session and leave the container alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachKeys(Vec<u8>);

impl DetachKeys {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Default for DetachKeys {
    fn default() -> Self {
        // Ctrl-P, Ctrl-Q
        Self(vec![16, 17])
    }
}

impl FromStr for DetachKeys {
    type Err = DetachKeysError;

    fn from_str(text: &str) -> Result<Self, DetachKeysError> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let key = |word: &str| match (word.strip_prefix("ctrl-"), word.as_bytes()) {
            (Some(letter), _) => match letter.as_bytes() {
                &[letter @ (b'a'..=b'z' | b'@' | b'[' | b'\\' | b']' | b'^' | b'_')] => {
                    Some(letter.to_ascii_uppercase() - b'@')
                }
                _ => None,
            },
            (None, &[key]) if key.is_ascii() => Some(key),
            (None, _) => None,
        };
        let keys: Option<Vec<u8>> = text.split(',').map(key).collect();
        keys.map(Self).ok_or_else(|| DetachKeysError(text.to_owned()))
    }
}

/// How the caller is connected with a container.
#[derive(Debug, Clone)]
pub struct AttachOptions {
    /// Whether its input goes there.
    pub feeding: Feeding,
    /// Whether its signals do.
    pub proxy: SignalProxy,
    /// How to leave.
    pub detach_keys: DetachKeys,
}

/// How the session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// With the container.
    Ended(ExitStatus),
    /// The keys were typed; the container goes on.
    Detached,
}

impl Engine {
    /// Connects the caller with a container that runs.
    ///
    /// # Errors
    /// There is none, or it does not run.
    pub fn attach(&self, text: &str, options: &AttachOptions) -> Result<Attachment, Error> {
        let container = self.store.find_container(text)?;
        let not_running = || ContainerError::NotRunning(container.record.name.to_string());
        if !container.state.is_alive() {
            return Err(not_running().into());
        }
        let directory = Directory::open(&container.path).map_err(|cause| self.store.read_error(cause))?;
        let error = |cause| Error::Control { name: container.record.name.to_string(), cause };
        let client = Client::connect(directory.as_fd()).map_err(error)?.ok_or_else(not_running)?;
        client.introduce(options.feeding).map_err(error)?;
        self.converse(&container.path, &container.record, &client, options)
    }

    /// Starts a container and connects the caller with it from its first byte on.
    ///
    /// # Errors
    /// There is none, it runs, or it cannot be started.
    pub fn start_attached(
        &self,
        text: &str,
        options: &AttachOptions,
        events: Events<'_>,
    ) -> Result<Attachment, Error> {
        let container = self.store.find_container(text)?;
        if container.state.is_alive() {
            return self.attach(text, options);
        }
        let client = self.start_with_guest(&container, options.feeding, events)?;
        self.converse(&container.path, &container.record, &client, options)
    }

    /// Copies between the caller and the container in the directory `path`.
    pub(super) fn converse(
        &self,
        path: &Path,
        record: &ContainerRecord,
        client: &Client,
        options: &AttachOptions,
    ) -> Result<Attachment, Error> {
        self.note_container(record, &Action::Attach, &[]);
        let directory = Directory::open(path);
        let screen = if record.terminal { Screen::Terminal } else { Screen::Streams };
        let session = Session {
            feeding: options.feeding,
            proxy: options.proxy,
            screen,
            detach_keys: options.detach_keys.0.clone(),
        };
        let parting = client.attach(&session);
        match parting.map_err(|cause| Error::Control { name: record.name.to_string(), cause })? {
            Parting::Ended(end) => {
                // One that is gone by now has nothing to wait for.
                if let (true, Ok(directory)) = (end.is_final(), directory) {
                    self.await_release(&directory)?;
                }
                Ok(Attachment::Ended(end.status()))
            }
            Parting::Detached => Ok(Attachment::Detached),
            Parting::Interrupted(signal) => Ok(Attachment::Ended(ExitStatus::Signaled(signal))),
            Parting::Lost => Ok(Attachment::Ended(ExitStatus::Signaled(9))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DetachKeys;

    #[test]
    fn keys() {
        for (text, keys) in
            [("ctrl-p,ctrl-q", &[16, 17][..]), ("", &[]), ("a,ctrl-[", &[97, 27]), ("ctrl-@", &[0])]
        {
            assert_eq!(text.parse(), Ok(DetachKeys(keys.to_vec())), "{text}");
        }
        for bad in ["ctrl-", "ctrl-A1", "ab", "a,,b", "ä", "ctrl-1"] {
            assert!(bad.parse::<DetachKeys>().is_err(), "{bad}");
        }
    }
}
