//! `--sysctl`: kernel settings, of those that a container has for itself.
//!
//! Source: the namespaces that `ipc_namespaces(7)`, `network_namespaces(7)` and `uts_namespaces(7)` list. Anything else
//! would be the machine's.

use thiserror::Error;

/// Why a setting cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SysctlError {
    /// Not `NAME=VALUE`.
    #[error("`--sysctl {0}` is not NAME=VALUE, such as net.core.somaxconn=1024")]
    Shape(String),
    /// It is the machine's.
    #[error(
        "cannot set `{0}`: it is the whole machine's, and a container has only net.*, fs.mqueue.*, kernel.shm*, \
             kernel.msg* and kernel.sem for itself"
    )]
    Machine(String),
    /// It has a flag of its own.
    #[error("cannot set `{0}`: that is what --hostname is for")]
    Hostname(String),
    /// It is of a network that the container only shares.
    #[error("cannot set `{0}`: the container has no network of its own")]
    SharedNetwork(String),
}

impl SysctlError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Shape(text) if text.contains('/') => {
                Some("the parts of a name have dots between: net.core.somaxconn".to_owned())
            }
            Self::Shape(_) => None,
            Self::Machine(name) => Some(format!(
                "root of the machine sets it for all containers: sysctl -w {name}=VALUE"
            )),
            Self::Hostname(_) => Some("--hostname NAME".to_owned()),
            Self::SharedNetwork(_) => Some(
                "give it a network of its own (--network none or pasta), or set it where that network was made"
                    .to_owned(),
            ),
        }
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    /// Its name, with dots.
    pub name: String,
    /// The value, as it is written.
    pub value: String,
}

/// The settings of the IPC namespace, and the beginnings of several.
const IPC: [&str; 10] = [
    "fs.mqueue.",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg_next_id",
];

impl std::str::FromStr for Sysctl {
    type Err = SysctlError;

    fn from_str(text: &str) -> Result<Self, SysctlError> {
        let shape = || SysctlError::Shape(text.to_owned());
        let (name, value) = text.split_once('=').ok_or_else(shape)?;
        Self::new(name, value)
    }
}

impl Sysctl {
    /// A setting of those that a container has for itself.
    ///
    /// # Errors
    /// It is the machine's, or no setting.
    pub fn new(name: &str, value: &str) -> Result<Self, SysctlError> {
        let shape = || SysctlError::Shape(format!("{name}={value}"));
        let is_part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        // One name, one line: nothing else comes along (CVE-2022-0811).
        if !name.split('.').all(is_part) || value.bytes().any(|byte| byte < b' ' && byte != b'\t') {
            return Err(shape());
        }
        let is_ipc = IPC.iter().any(|known| match known.strip_suffix('.') {
            Some(_) => name.starts_with(known),
            None => name == *known,
        });
        match name {
            "kernel.hostname" => Err(SysctlError::Hostname(name.to_owned())),
            "kernel.domainname" => Ok(()),
            _ if is_ipc || name.starts_with("net.") => Ok(()),
            _ => Err(SysctlError::Machine(name.to_owned())),
        }?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

/// Whether the container has a network for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnNetwork {
    /// It has.
    Yes,
    /// It shares another's.
    No,
}

/// Refuses settings of a network that is not the container's own.
///
/// # Errors
/// The first of them.
pub fn check(sysctls: &[Sysctl], network: OwnNetwork) -> Result<(), SysctlError> {
    let is_shared = |one: &&Sysctl| one.name.starts_with("net.") && network == OwnNetwork::No;
    match sysctls.iter().find(is_shared) {
        Some(one) => Err(SysctlError::SharedNetwork(one.name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_containers_own() {
        for good in [
            "net.core.somaxconn=9",
            "kernel.shmmax=1",
            "fs.mqueue.msg_max=5",
            "kernel.sem=1 2 3 4",
            "net.ipv4.x=",
        ] {
            assert!(good.parse::<Sysctl>().is_ok(), "{good}");
        }
        for bad in [
            "vm.swappiness=1",
            "kernel.core_pattern=|/x",
            "kernel.shm=1",
            "kernel.hostname=x",
            "net.core",
            "net..x=1",
            "net/core/x=1",
            "net.core/../../kernel.core_pattern=1",
            "net.core.x\0=1",
            "net.ipv4.conf.eth0:1.x=1",
            "net.core.x=1\nkernel.core_pattern=x",
            "=1",
            "fs.mqueue=1",
        ] {
            assert!(bad.parse::<Sysctl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shared_network_is_left_alone() {
        let net: Sysctl = "net.core.somaxconn=9".parse().unwrap();
        let ipc: Sysctl = "kernel.sem=1 2 3 4".parse().unwrap();
        assert!(check(&[ipc, net.clone()], OwnNetwork::No).is_err());
        assert_eq!(check(&[net], OwnNetwork::Yes), Ok(()));
    }
}
