//! Where the result of a run goes.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SupervisionError;

/// Where the result of a run is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResultTarget {
    /// This file, absolute.
    File(PathBuf),
    /// The descriptor of this number, which whoever started minirun handed over.
    Descriptor(i32),
}

impl ResultTarget {
    /// `fd:NUMBER`, or a path from the caller's `working_directory`.
    ///
    /// # Errors
    /// The number is none.
    pub fn parse(text: &OsStr, working_directory: &Path) -> Result<Self, SupervisionError> {
        match text.to_str().and_then(|text| text.strip_prefix("fd:")) {
            None => Ok(Self::File(working_directory.join(text))),
            Some(number) => match number.parse() {
                Ok(number) if number > 2 => Ok(Self::Descriptor(number)),
                _ => Err(SupervisionError::Descriptor(number.to_owned())),
            },
        }
    }
}

impl fmt::Display for ResultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_descriptors() {
        let parse = |text: &str| ResultTarget::parse(text.as_ref(), Path::new("/here"));
        assert_eq!(parse("a.json"), Ok(ResultTarget::File("/here/a.json".into())));
        assert_eq!(parse("./fd:3"), Ok(ResultTarget::File("/here/./fd:3".into())));
        assert_eq!(parse("fd:3"), Ok(ResultTarget::Descriptor(3)));
        for bad in ["fd:", "fd:1", "fd:-3", "fd:x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
