//! Why a device of the machine cannot be given to a container.

use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use crate::sys::SysError;

/// Why a device cannot be given away.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// There is nothing, or it cannot be reached.
    #[error("cannot use `--device {asked}`: cannot look at `{}`", .path.display())]
    Look {
        /// As typed.
        asked: String,
        /// What could not be looked at.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// It is something else.
    #[error("cannot use `--device {asked}`: `{}` is not a device node", .path.display())]
    NotADevice {
        /// As typed.
        asked: String,
        /// What is there.
        path: PathBuf,
    },
    /// A directory without devices.
    #[error("cannot use `--device {asked}`: there is no device node in `{}`", .path.display())]
    NoDevices {
        /// As typed.
        asked: String,
        /// The directory.
        path: PathBuf,
    },
    /// Its mount forbids what it is for.
    #[error("cannot use `--device {asked}`: `{}` lies on a mount on which devices do not work (nodev)", .path.display())]
    NoDev {
        /// As typed.
        asked: String,
        /// The node.
        path: PathBuf,
    },
    /// It may neither be read nor written.
    #[error("cannot use `--device {asked}`: you may neither read nor write `{}` (mode {mode:04o})", .path.display())]
    Denied {
        /// As typed.
        asked: String,
        /// The node.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What the kernel says.
        #[source]
        cause: SysError,
    },
    /// Less than reading and writing.
    #[error(
        "cannot enforce `{permissions}` of `--device {asked}`: whoever may open the node may do what its mode says"
    )]
    Partial {
        /// As typed.
        asked: String,
        /// The permissions.
        permissions: String,
    },
}

impl DeviceError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Look { cause, .. } if cause.errno() == Errno::NOENT => {
                "the device is not there, or the kernel's module for it is not loaded"
            }
            Self::Denied { .. } => {
                "rootless minirun has only your rights: root of the machine can let you use it, by a group, an access list \
                 or a udev rule"
            }
            Self::NoDev { .. } => "name the node in the machine's own /dev",
            Self::NotADevice { .. } | Self::NoDevices { .. } => "files and directories are bound with -v",
            Self::Partial { .. } => {
                "leave the permissions out; with --limits best-effort it is given all the same, and a note says so"
            }
            Self::Look { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
