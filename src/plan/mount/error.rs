//! Why a mount was refused before anything was made.

use thiserror::Error;

use super::Flag;
use crate::plan::name::NameError;
use crate::plan::path::PathError;

/// Why the mounts of a command line are refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MountError {
    /// One flag's value has no meaning.
    #[error("cannot use `{flag} {text}`")]
    Spec {
        /// The flag.
        flag: Flag,
        /// Its value; bytes that are not UTF-8 are replaced.
        text: String,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// Two flags want the same destination.
    #[error("two mounts at `{destination}`: `{first}` and `{second}`")]
    Duplicate {
        /// The cleaned destination.
        destination: String,
        /// The earlier flag with its value.
        first: String,
        /// The later flag with its value.
        second: String,
    },
}

impl MountError {
    /// What the user could do instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Spec { flag, problem, .. } = self else { return None };
        match problem {
            Problem::Name(NameError::Volume(name)) if name.starts_with('~') => Some(
                "the shell replaces `~` only at the start of an unquoted word; write the path out".into(),
            ),
            Problem::Name(NameError::Volume(name)) if name.contains('/') => Some(match flag {
                Flag::Mount => format!("for a directory of the host use `type=bind,src={name}`"),
                _ => format!("a directory of the host begins with `/` or `.`: `./{name}`"),
            }),
            Problem::Sections(_) => {
                Some("a path with a colon needs `--mount type=bind,src=SOURCE,dst=DESTINATION`".into())
            }
            Problem::Unsupported { instead, .. } => Some((*instead).into()),
            _ => None,
        }
    }
}

/// What is wrong with the value of one flag.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing.
    #[error("the value is empty")]
    Empty,
    /// `-v` with an empty part.
    #[error(
        "a part between colons is empty; legal are DESTINATION, SOURCE:DESTINATION and SOURCE:DESTINATION:OPTIONS"
    )]
    EmptySection,
    /// `-v` with too many parts.
    #[error("{0} parts between colons; there may be three, SOURCE:DESTINATION:OPTIONS")]
    Sections(usize),
    /// The destination is no path in a container.
    #[error("bad destination")]
    Destination(#[source] PathError),
    /// The destination is the root.
    #[error("the destination is `/`, where the container's root filesystem is")]
    DestinationIsRoot,
    /// `--mount` without a destination.
    #[error("there is no destination (`target=`, `dst=` or `destination=`)")]
    NoDestination,
    /// The source is no volume name.
    #[error("bad source")]
    Name(#[source] NameError),
    /// A bind without source.
    #[error("a mount of type bind needs a `source`")]
    NoSource,
    /// A bind's source is neither absolute nor begins with a dot.
    #[error("the source `{0}` of a bind must begin with `/` or `.`")]
    RelativeSource(String),
    /// The source holds a NUL byte.
    #[error("the source holds a NUL byte")]
    NulInSource,
    /// Two commas without a word between them, or one at an end.
    #[error("there is an empty word before or after a comma")]
    EmptyWord,
    /// A word nobody knows.
    #[error("`{word}` is unknown for a {kind}; legal are {legal}")]
    Unknown {
        /// The word.
        word: String,
        /// The kind of mount.
        kind: &'static str,
        /// What could stand there.
        legal: &'static str,
    },
    /// A word that means nothing for this kind of mount.
    #[error("`{word}` does not go with a {kind}; legal are {legal}")]
    WrongKind {
        /// The word.
        word: String,
        /// The kind of mount.
        kind: &'static str,
        /// What could stand there.
        legal: &'static str,
    },
    /// Two words of `-v` about the same thing.
    #[error("`{first}` and `{second}` are about the same thing; give one of them")]
    Repeated {
        /// The earlier word.
        first: String,
        /// The later word.
        second: String,
    },
    /// A word with a meaning that minirun does not have.
    #[error("`{word}` is not supported yet")]
    Unsupported {
        /// The word.
        word: String,
        /// The nearest thing that works.
        instead: &'static str,
    },
    /// `--mount` is not one line of comma-separated values.
    #[error("{0}")]
    Csv(&'static str),
    /// A blank where none may be.
    #[error("`{0}` has a blank around its key or value")]
    Blank(String),
    /// A key without value.
    #[error("`{key}` needs a value: {legal}")]
    NoValue {
        /// The key.
        key: String,
        /// What the value could be.
        legal: &'static str,
    },
    /// A flag with a value.
    #[error("`{0}` takes no value")]
    TakesNoValue(String),
    /// A value without meaning.
    #[error("`{value}` is no value for `{key}`; legal are {legal}")]
    BadValue {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What the value could be.
        legal: &'static str,
    },
    /// `nocreate` for a volume that is new each time.
    #[error("`nocreate` needs the name of a volume as `source`")]
    NocreateNeedsName,
    /// `bind-recursive=writable` where nothing is read-only.
    #[error("`bind-recursive=writable` needs `readonly`")]
    WritableNeedsReadOnly,
    /// `bind-recursive=readonly` without what makes it certain.
    #[error("`bind-recursive=readonly` needs `readonly` and `bind-propagation=rprivate`")]
    ForcedNeedsReadOnlyAndPrivate,
}
