//! `--device`: device nodes of the machine that a container gets.
//!
//! Source: the reference of `docker run`, `--device=HOST[:CONTAINER][:PERMISSIONS]`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::path::{ContainerPath, PathError};

/// Why a word of `--device` names no device.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Too many parts, or an empty one.
    #[error("`--device {0}` is not PATH[:PATH_INSIDE][:PERMISSIONS]")]
    Shape(String),
    /// The name of a device of the Container Device Interface.
    #[error(
        "`--device {0}` names a device of the Container Device Interface, whose files minirun does not read"
    )]
    Cdi(String),
    /// Not the path of a device.
    #[error("cannot use `--device {text}`")]
    Path {
        /// As typed.
        text: String,
        /// What is wrong with it.
        #[source]
        source: PathError,
    },
    /// Letters that mean nothing.
    #[error("`{permissions}` in `--device {text}` are no permissions: each of r, w and m at most once")]
    Permissions {
        /// As typed.
        text: String,
        /// The part that is wrong.
        permissions: String,
    },
}

impl DeviceError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cdi(_) => Some("name the nodes themselves: --device /dev/NAME".to_owned()),
            Self::Path { source: PathError::NotAbsolute(_), .. } => {
                Some("a device is named by its whole path: /dev/NAME".to_owned())
            }
            Self::Shape(_) | Self::Path { .. } | Self::Permissions { .. } => None,
        }
    }
}

/// What was asked for; nothing has been looked up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// As typed.
    pub text: String,
    /// A device node of the machine, or a directory of some.
    pub host: PathBuf,
    /// Where it is in the container.
    pub destination: ContainerPath,
    /// `r`, `w` and `m`, as typed; all three if nothing is said.
    pub permissions: String,
}

impl FromStr for DeviceRequest {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        const ALL: &str = "rwm";
        let shape = || DeviceError::Shape(text.to_owned());
        let parts: Vec<&str> = text.split(':').collect();
        let (host, destination, permissions) = match parts[..] {
            [host] => (host, host, ALL),
            [host, permissions] if are_permissions(permissions) => (host, host, permissions),
            [host, destination] => (host, destination, ALL),
            [host, destination, permissions] if are_permissions(permissions) => {
                (host, destination, permissions)
            }
            [_, _, permissions] => {
                let permissions = permissions.to_owned();
                return Err(DeviceError::Permissions { text: text.to_owned(), permissions });
            }
            _ => return Err(shape()),
        };
        if host.is_empty() || destination.is_empty() {
            return Err(shape());
        }
        if !host.starts_with('/') && host.contains('/') && host.contains('=') {
            return Err(DeviceError::Cdi(text.to_owned()));
        }
        let path = |part: &str| {
            let wrong = |source| DeviceError::Path { text: text.to_owned(), source };
            ContainerPath::parse(Path::new(part)).map_err(wrong)
        };
        path(host)?;
        Ok(Self {
            text: text.to_owned(),
            host: host.into(),
            destination: path(destination)?,
            permissions: permissions.to_owned(),
        })
    }
}

fn are_permissions(text: &str) -> bool {
    let is_once = |letter: char| "rwm".contains(letter) && text.matches(letter).count() == 1;
    !text.is_empty() && text.chars().all(is_once)
}

impl DeviceRequest {
    /// Whether reading and writing are asked for. Less than that nobody enforces without a cgroup of devices; and making
    /// nodes (`m`) is what nobody in a container can do.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.permissions.contains('r') && self.permissions.contains('w')
    }
}

/// What tells a device from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceNumber {
    /// Whether it is one of blocks or of characters.
    pub kind: DeviceKind,
    /// The number of its driver.
    pub major: u32,
    /// Its number there.
    pub minor: u32,
}

/// The kinds of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// Of characters, such as a terminal.
    Character,
    /// Of blocks, such as a disk.
    Block,
}

impl std::fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            DeviceKind::Character => "c",
            DeviceKind::Block => "b",
        };
        write!(f, "{kind} {}:{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_takes() {
        for (text, destination, permissions) in [
            ("/dev/fuse", "/dev/fuse", "rwm"),
            ("/dev/fuse:rw", "/dev/fuse", "rw"),
            ("/dev/fuse:/dev/x", "/dev/x", "rwm"),
            ("/dev/fuse:/dev/x:mr", "/dev/x", "mr"),
            ("/dev/snd/../fuse:/x/../dev/y/", "/dev/y", "rwm"),
        ] {
            let device: DeviceRequest = text.parse().unwrap();
            let got = (device.destination.to_string(), device.permissions);
            assert_eq!(got, (destination.to_owned(), permissions.to_owned()), "{text}");
        }
        assert!("/dev/x:wr".parse::<DeviceRequest>().unwrap().is_whole());
        assert!(!"/dev/x:rm".parse::<DeviceRequest>().unwrap().is_whole());
    }

    #[test]
    fn what_docker_refuses() {
        for text in [
            "",
            ":",
            "fuse",
            "./fuse",
            "/dev/fuse:",
            "/dev/fuse:ro",
            "/dev/fuse:rr",
            "/dev/fuse:/dev/x:",
            "/dev/fuse:/dev/x:ro",
            "/dev/fuse:/dev/x:rwmr",
            "/dev/fuse:dev/x",
            "/a:/b:r:w",
            "vendor.com/class=name",
        ] {
            assert!(text.parse::<DeviceRequest>().is_err(), "{text}");
        }
        assert!(matches!("nvidia.com/gpu=all".parse::<DeviceRequest>(), Err(DeviceError::Cdi(_))));
    }
}
