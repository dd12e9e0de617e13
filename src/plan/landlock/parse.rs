//! The words of `--landlock`.

use std::path::Path;

use thiserror::Error;

use super::{Effort, FileAccess, FileRule, Landlock, Scope};
use crate::plan::path::{ContainerPath, PathError};

/// The word for doing what the kernel can.
pub(super) const BEST_EFFORT: &str = "best-effort";
/// The port that is none.
pub(super) const NONE: &str = "none";

/// Why a word of `--landlock` means nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LandlockError {
    /// No such word.
    #[error(
        "`{0}` is no word of `--landlock`: ro=PATH, rw=PATH, connect=PORT, bind=PORT, scope=abstract-sockets, \
         scope=signals, best-effort"
    )]
    Word(String),
    /// Not a path.
    #[error("cannot use `--landlock {word}`")]
    Path {
        /// The word.
        word: String,
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// Not a port.
    #[error("`--landlock {0}` names no TCP port: 1 to 65535, or none")]
    Port(String),
    /// A port, and none.
    #[error("`--landlock {0}` contradicts the ports beside it")]
    PortAndNone(String),
    /// Nothing at all is asked for.
    #[error("`--landlock {BEST_EFFORT}` alone restricts nothing: name a path or a port, too")]
    Nothing,
}

impl Landlock {
    /// Reads the flags in their order, each of them words with commas between.
    ///
    /// # Errors
    /// One of the words means nothing.
    pub fn parse(flags: &[String]) -> Result<Self, LandlockError> {
        let mut landlock = Self::default();
        for word in flags.iter().flat_map(|flag| flag.split(',')) {
            landlock.read(word)?;
        }
        if !flags.is_empty() && landlock.is_empty() {
            return Err(LandlockError::Nothing);
        }
        landlock.drop_redundant();
        Ok(landlock)
    }

    fn read(&mut self, word: &str) -> Result<(), LandlockError> {
        match word.split_once('=') {
            None if word == BEST_EFFORT => self.effort = Effort::Best,
            Some(("ro", path)) => self.add(word, path, FileAccess::ReadOnly)?,
            Some(("rw", path)) => self.add(word, path, FileAccess::ReadWrite)?,
            Some(("connect", port)) => add_port(&mut self.connect, word, port)?,
            Some(("bind", port)) => add_port(&mut self.bind, word, port)?,
            Some(("scope", name)) => {
                let scope = Scope::ALL.into_iter().find(|scope| scope.word() == name);
                let scope = scope.ok_or_else(|| LandlockError::Word(word.to_owned()))?;
                if !self.scopes.contains(&scope) {
                    self.scopes.push(scope);
                }
            }
            Some(_) | None => return Err(LandlockError::Word(word.to_owned())),
        }
        Ok(())
    }

    fn add(&mut self, word: &str, path: &str, access: FileAccess) -> Result<(), LandlockError> {
        let wrong = |source| LandlockError::Path { word: word.to_owned(), source };
        let path = ContainerPath::parse(Path::new(path)).map_err(wrong)?;
        self.files.push(FileRule { path, access });
        Ok(())
    }

    /// What lies below a path that can be written needs no rule, and must have none: whoever writes there decides what
    /// its name leads to, and `exec` looks the names up again.
    fn drop_redundant(&mut self) {
        let rules = std::mem::take(&mut self.files);
        for rule in &rules {
            let is_covered = rules.iter().any(|other| {
                other.access == FileAccess::ReadWrite
                    && rule.path.is_within(&other.path)
                    && (rule.path != other.path || rule.access == FileAccess::ReadOnly)
            });
            if !is_covered && !self.files.contains(rule) {
                self.files.push(rule.clone());
            }
        }
    }
}

fn add_port(ports: &mut Option<Vec<u16>>, word: &str, text: &str) -> Result<(), LandlockError> {
    if text == NONE {
        return match ports {
            Some(ports) if !ports.is_empty() => Err(LandlockError::PortAndNone(word.to_owned())),
            Some(_) => Ok(()),
            None => {
                *ports = Some(Vec::new());
                Ok(())
            }
        };
    }
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|&port: &u16| is_decimal && port != 0);
    let port = port.ok_or_else(|| LandlockError::Port(word.to_owned()))?;
    match ports {
        Some(ports) if ports.is_empty() => return Err(LandlockError::PortAndNone(word.to_owned())),
        Some(ports) if ports.contains(&port) => {}
        Some(ports) => ports.push(port),
        None => *ports = Some(vec![port]),
    }
    Ok(())
}
