//! Options of the volume driver `local`: what `-o KEY=VALUE` may say, checked without looking at the machine.
//!
//! Docker's rules: `type` and `device` go together, and `o` needs both.

use std::collections::BTreeMap;

use thiserror::Error;

use super::limit::parse_size;

/// Every key.
const KEYS: [&str; 4] = ["type", "device", "o", "size"];
/// What a key cannot be without.
const NEEDED: [(&str, &[&str]); 3] =
    [("type", &["device"]), ("device", &["type"]), ("o", &["type", "device"])];

/// Why options make no volume.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DriverError {
    /// Another driver than `local`.
    #[error("there is no volume driver `{0}`: minirun has `local`")]
    Driver(String),
    /// Not a key of the driver.
    #[error("`{0}` is not an option of the driver `local`: there are type, device, o and size")]
    Key(String),
    /// A key without the one it belongs to.
    #[error("the option `{key}` of the driver `local` needs `{needed}`")]
    Needs {
        /// The key that is there.
        key: &'static str,
        /// The key that is not.
        needed: &'static str,
    },
    /// `size` is no size.
    #[error("`size={0}` is not a size: a number, with k, m, g, t or p for binary multiples")]
    Size(String),
    /// A limit that nothing here can keep.
    #[error("`size={0}` asks for a limit, which the store's file system cannot keep for a user")]
    Quota(String),
}

impl DriverError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Driver(_) => Some("leave out the driver; bind what another one would mount".to_owned()),
            Self::Quota(_) => Some("-o type=tmpfs -o device=tmpfs -o o=size=… limits memory".to_owned()),
            Self::Needs { needed: "device", .. } => {
                Some("for memory: -o type=tmpfs -o device=tmpfs".to_owned())
            }
            Self::Needs { .. } => Some("for a directory: -o type=none -o device=/DIR -o o=bind".to_owned()),
            Self::Key(_) | Self::Size(_) => None,
        }
    }
}

/// Checks the name of a driver.
///
/// # Errors
/// It is not `local`.
pub fn check_driver(name: &str) -> Result<(), DriverError> {
    match name {
        "local" | "" => Ok(()),
        other => Err(DriverError::Driver(other.to_owned())),
    }
}

/// Checks the options of a volume.
///
/// # Errors
/// A key is unknown, or lacks the one it belongs to; a size is none, or asks for a limit.
pub fn check_options(options: &BTreeMap<String, String>) -> Result<(), DriverError> {
    if let Some(key) = options.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(DriverError::Key(key.clone()));
    }
    if let Some(size) = options.get("size") {
        match parse_size(size) {
            Err(_) => return Err(DriverError::Size(size.clone())),
            Ok(0) => {}
            Ok(_) => return Err(DriverError::Quota(size.clone())),
        }
    }
    for (key, others) in NEEDED {
        let missing = others.iter().find(|other| !options.contains_key(**other));
        if let (true, Some(needed)) = (options.contains_key(key), missing) {
            return Err(DriverError::Needs { key, needed });
        }
    }
    Ok(())
}

/// `KEY=VALUE` in two; without `=` the value is empty.
#[must_use]
pub fn parse_option(text: &str) -> (String, String) {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    (key.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(options: &[&str]) -> Result<(), DriverError> {
        check_options(&options.iter().map(|text| parse_option(text)).collect())
    }

    #[test]
    fn options_go_together_as_in_docker() {
        for good in [
            &[][..],
            &["type=tmpfs", "device=tmpfs"],
            &["type=none", "device=/srv", "o=bind"],
            &["type=nfs", "device=:/x", "o=addr=10.0.0.1,rw"],
            &["type", "device"],
            &["size=0"],
            &["size=0k", "type=tmpfs", "device=tmpfs", "o=size=1m"],
        ] {
            assert_eq!(checked(good), Ok(()), "{good:?}");
        }
        let needs = |key, needed| DriverError::Needs { key, needed };
        for (bad, error) in [
            (&["type=tmpfs"][..], needs("type", "device")),
            (&["device=/srv"], needs("device", "type")),
            (&["o=bind"], needs("o", "type")),
            (&["o=bind", "type=none"], needs("type", "device")),
            (&["o=bind", "device=/srv"], needs("device", "type")),
            (&["nonsense=1"], DriverError::Key("nonsense".into())),
            (&["Type=none", "device=/srv"], DriverError::Key("Type".into())),
            (&["=x"], DriverError::Key(String::new())),
            (&["size=1g"], DriverError::Quota("1g".into())),
            (&["size=0.5MiB"], DriverError::Quota("0.5MiB".into())),
            (&["size="], DriverError::Size(String::new())),
            (&["size=big"], DriverError::Size("big".into())),
            (&["size=-1"], DriverError::Size("-1".into())),
        ] {
            assert_eq!(checked(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn there_is_one_driver() {
        assert_eq!(check_driver("local"), Ok(()));
        assert_eq!(check_driver("vieux/sshfs"), Err(DriverError::Driver("vieux/sshfs".into())));
    }
}
