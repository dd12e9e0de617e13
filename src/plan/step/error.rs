//! What a step cannot be made of.

use thiserror::Error;

use crate::plan::mount::Origin;

/// Why a command can be no step.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StepError {
    /// Nothing to run.
    #[error("there is no command to make a layer with")]
    NoCommand,
    /// A volume, which may hold anything.
    #[error("`{0}` is a volume: what it holds may be otherwise each time")]
    Volume(Origin),
    /// A pattern, which may match anything.
    #[error("`{0}` is a pattern: what it matches may be otherwise each time")]
    Pattern(Origin),
    /// A mount that changes something besides the image.
    #[error(
        "`{origin}` changes something besides the image, which would be missing where the command need not run again"
    )]
    Lasting {
        /// The mount.
        origin: Origin,
        /// The word that says so.
        word: &'static str,
    },
    /// A cache of memory.
    #[error("`--cache {}` is neither a volume nor a path of the host", .0.text.to_string_lossy())]
    Cache(Origin),
    /// No image.
    #[error("`{0}` is no image: a layer is made over the layers of one")]
    NoImage(String),
    /// A socket or device.
    #[error("`{0}` is neither a file nor a directory: what is read from it may be otherwise each time")]
    Special(Origin),
}

impl StepError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCommand => Some("minirun layer IMAGE -- COMMAND".to_owned()),
            Self::Volume(origin) | Self::Special(origin) => Some(format!(
                "--cache {} mounts it, and its content does not count",
                origin.text.to_string_lossy()
            )),
            Self::Pattern(_) => Some("bind the directory, or each path".to_owned()),
            Self::Lasting { word: "U", .. } => {
                Some("leave the `U` out, and chown in the container".to_owned())
            }
            Self::Lasting { .. } => {
                Some("`O` lets the command write, and throws away what it has written there".to_owned())
            }
            Self::Cache(_) => Some("--tmpfs needs no more: it is empty each time".to_owned()),
            Self::NoImage(_) => Some("make one with `minirun import`, or with `minirun commit`".to_owned()),
        }
    }
}
