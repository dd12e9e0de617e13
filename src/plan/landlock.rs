//! Landlock: what a process may still reach, said by the process itself and never taken back.
//!
//! Source: `landlock(7)`; kernel documentation, userspace-api/landlock.rst.

mod kernel;
mod parse;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::path::ContainerPath;

pub use kernel::{Abi, Beneath, FileRights, Handled};
use kernel::{BIND_TCP, CONNECT_TCP};
pub use parse::LandlockError;

/// What may be done with a file or with what a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileAccess {
    /// It can be read and run.
    ReadOnly,
    /// Everything.
    ReadWrite,
}

impl FileAccess {
    /// The rights of it.
    #[must_use]
    pub fn rights(self) -> FileRights {
        match self {
            Self::ReadOnly => FileRights::USE,
            Self::ReadWrite => FileRights::ALL,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "ro",
            Self::ReadWrite => "rw",
        }
    }
}

/// What may be done with a path and what is below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRule {
    /// Where, in the container.
    pub path: ContainerPath,
    /// What.
    pub access: FileAccess,
}

/// What may be done with a TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortUse {
    /// Connecting to it.
    Connect,
    /// Listening at it.
    Bind,
}

impl PortUse {
    /// The kernel's bit.
    #[must_use]
    pub fn bit(self) -> u64 {
        match self {
            Self::Connect => CONNECT_TCP,
            Self::Bind => BIND_TCP,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Bind => "bind",
        }
    }
}

/// What cannot be reached outside of the container's own domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Unix sockets with abstract names.
    Abstract,
    /// Processes, by signals.
    Signals,
}

impl Scope {
    const ALL: [Self; 2] = [Self::Abstract, Self::Signals];

    fn bit(self) -> u64 {
        match self {
            Self::Abstract => 1 << 0,
            Self::Signals => 1 << 1,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Abstract => "abstract-sockets",
            Self::Signals => "signals",
        }
    }
}

/// What is done where the kernel cannot do all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Effort {
    /// The container does not start.
    #[default]
    Whole,
    /// It starts with what there is, and a note says what is missing.
    Best,
}

/// `--landlock`: what the processes of a container can reach of what they see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Landlock {
    /// The files; without one, files are not restricted.
    pub files: Vec<FileRule>,
    /// The TCP ports that can be connected to; all of them if nothing is said.
    pub connect: Option<Vec<u16>>,
    /// The TCP ports that can be listened at; all of them if nothing is said.
    pub bind: Option<Vec<u16>>,
    /// What is out of reach.
    pub scopes: Vec<Scope>,
    /// What is done where the kernel cannot do all of it.
    pub effort: Effort,
}

/// The directories of the container's own that programs need, whatever else they may reach.
pub const ALWAYS: [&str; 2] = ["/dev", "/proc"];

/// Something that was asked for and that this kernel cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Lack {
    /// Landlock as a whole.
    #[error("`--landlock` is not enforced at all: this kernel has no Landlock")]
    All,
    /// A right to shorten files.
    #[error("files that can only be read can be emptied: Landlock {0} of this kernel knows no right to that")]
    Truncate(u32),
    /// TCP ports.
    #[error("`{words}` is not enforced: Landlock {abi} of this kernel knows no TCP ports")]
    Ports {
        /// What was asked for.
        words: String,
        /// What there is.
        abi: u32,
    },
    /// Scopes.
    #[error("`{words}` is not enforced: Landlock {abi} of this kernel knows no scopes")]
    Scopes {
        /// What was asked for.
        words: String,
        /// What there is.
        abi: u32,
    },
}

impl Lack {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let version = match self {
            Self::All => {
                "Landlock needs Linux 5.13, and `landlock` among the names in /sys/kernel/security/lsm"
            }
            Self::Truncate(_) => "that needs Linux 6.2",
            Self::Ports { .. } => "TCP ports need Linux 6.7",
            Self::Scopes { .. } => "scopes need Linux 6.12",
        };
        format!("{version}; with the word best-effort the container starts all the same")
    }
}

impl Landlock {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.connect.is_none() && self.bind.is_none() && self.scopes.is_empty()
    }

    /// What a kernel cannot do of it.
    #[must_use]
    pub fn lacks(&self, abi: Option<Abi>) -> Vec<Lack> {
        if self.is_empty() {
            return Vec::new();
        }
        let Some(abi) = abi else { return vec![Lack::All] };
        let mut lacks = Vec::new();
        if !self.files.is_empty() && abi < Abi::TRUNCATE {
            lacks.push(Lack::Truncate(abi.0));
        }
        let (ports, scopes) = (self.port_words(), self.scope_words());
        if !ports.is_empty() && abi < Abi::PORTS {
            lacks.push(Lack::Ports { words: ports.join(","), abi: abi.0 });
        }
        if !scopes.is_empty() && abi < Abi::SCOPES {
            lacks.push(Lack::Scopes { words: scopes.join(","), abi: abi.0 });
        }
        lacks
    }

    /// What is forbidden wherever no rule allows it.
    #[must_use]
    pub fn handled(&self, abi: Abi) -> Handled {
        let everything = Handled::everything(abi);
        let asked = |ports: &Option<Vec<u16>>, wanted: PortUse| ports.as_ref().map_or(0, |_| wanted.bit());
        let network = asked(&self.connect, PortUse::Connect) | asked(&self.bind, PortUse::Bind);
        Handled {
            files: if self.files.is_empty() { 0 } else { everything.files },
            network: everything.network & network,
            scopes: everything.scopes & self.scopes.iter().fold(0, |bits, scope| bits | scope.bit()),
        }
    }

    /// Every port, and what may be done with it.
    pub fn ports(&self) -> impl Iterator<Item = (u16, PortUse)> {
        let connect = self.connect.iter().flatten().map(|&port| (port, PortUse::Connect));
        connect.chain(self.bind.iter().flatten().map(|&port| (port, PortUse::Bind)))
    }

    /// The words that say the same.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = self.file_words();
        words.extend(self.port_words());
        words.extend(self.scope_words());
        if self.effort == Effort::Best && !words.is_empty() {
            words.push(parse::BEST_EFFORT.to_owned());
        }
        words
    }

    /// The words of what a kernel does of it.
    #[must_use]
    pub fn enforced(&self, abi: Option<Abi>) -> Vec<String> {
        let Some(abi) = abi else { return Vec::new() };
        let mut words = self.file_words();
        words.extend(self.port_words().into_iter().filter(|_| abi >= Abi::PORTS));
        words.extend(self.scope_words().into_iter().filter(|_| abi >= Abi::SCOPES));
        words
    }

    fn file_words(&self) -> Vec<String> {
        self.files.iter().map(|rule| format!("{}={}", rule.access.word(), rule.path)).collect()
    }

    fn port_words(&self) -> Vec<String> {
        let of = |ports: &Option<Vec<u16>>, how: PortUse| match ports.as_deref() {
            None => Vec::new(),
            Some([]) => vec![format!("{}={}", how.word(), parse::NONE)],
            Some(ports) => ports.iter().map(|port| format!("{}={port}", how.word())).collect(),
        };
        [of(&self.connect, PortUse::Connect), of(&self.bind, PortUse::Bind)].concat()
    }

    fn scope_words(&self) -> Vec<String> {
        self.scopes.iter().map(|scope| format!("scope={}", scope.word())).collect()
    }
}

#[cfg(test)]
mod tests;
