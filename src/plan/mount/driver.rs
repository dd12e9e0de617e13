//! The driver of volumes, `local`, and its options: what is mounted to be a volume's data.

use std::collections::BTreeMap;

use thiserror::Error;

/// The one driver there is.
const DRIVER: &str = "local";

/// Why a driver or its options are refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DriverError {
    /// A driver that is a program of its own.
    #[error("there is no volume driver `{0}`; legal is local")]
    Driver(String),
    /// An option that `local` does not have.
    #[error("`{0}` is no option of the driver local; legal are type device o")]
    Unknown(String),
    /// A size, which wants a quota of the file system.
    #[error("the option `size` of the driver local needs a quota, which only root can set")]
    Size,
    /// One option says nothing without the other.
    #[error("the option `{given}` of the driver local needs `{missing}`")]
    Incomplete {
        /// The option that was given.
        given: &'static str,
        /// The option that was not.
        missing: &'static str,
    },
}

impl DriverError {
    /// What the user could do instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Driver(_) => "mount it on the machine, and bind the directory: `-v /DIR:/DESTINATION`",
            Self::Size => "a volume in memory has a size: type=tmpfs, device=tmpfs, o=size=64m",
            Self::Incomplete { .. } => "for a directory of the host: type=none, device=/DIR, o=bind",
            Self::Unknown(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// Checks the name of a volume driver; an empty one is the default.
///
/// # Errors
/// It is not `local`.
pub fn check_driver(name: &str) -> Result<(), DriverError> {
    if name.is_empty() || name == DRIVER { Ok(()) } else { Err(DriverError::Driver(name.to_owned())) }
}

/// Checks the options of a new volume: `type` and `device` need each other, `o` needs both.
///
/// # Errors
/// An unknown option, or one without what it needs.
pub fn check_driver_options(options: &BTreeMap<String, String>) -> Result<(), DriverError> {
    for name in options.keys() {
        match name.as_str() {
            "type" | "device" | "o" => {}
            "size" => return Err(DriverError::Size),
            _ => return Err(DriverError::Unknown(name.clone())),
        }
    }
    for (given, missing) in [("type", "device"), ("device", "type"), ("o", "type"), ("o", "device")] {
        if options.contains_key(given) && !options.contains_key(missing) {
            return Err(DriverError::Incomplete { given, missing });
        }
    }
    Ok(())
}
