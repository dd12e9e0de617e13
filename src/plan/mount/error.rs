//! Why a mount was refused before anything was made.

use thiserror::Error;

use super::Flag;
use super::word::Layer;
use crate::plan::driver::DriverError;
use crate::plan::name::NameError;
use crate::plan::path::PathError;
use crate::plan::source::SourceError;

/// Why the mounts of a command line are refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MountError {
    /// One flag's value has no meaning.
    #[error("cannot use `{flag} {}`", shown(.text))]
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
    /// `--image-volume` with a word nobody knows.
    #[error("`{0}` is no value for `--image-volume`; legal are anonymous bind tmpfs ignore")]
    ImageVolume(String),
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
    /// The destination of an image's volume is one of the kernel's directories.
    #[error("the destination is the kernel's, and no image has a say there")]
    DestinationIsKernels,
    /// `--mount` without a destination.
    #[error("there is no destination (`target=`, `dst=` or `destination=`)")]
    NoDestination,
    /// The value is no label.
    #[error("bad `{key}`")]
    Label {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// The source is no volume name.
    #[error("bad source")]
    Name(#[source] NameError),
    /// A bind, an image or a glob without source.
    #[error("{0} needs a `source` (or `src`)")]
    NoSource(&'static str),
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
    #[error("`{word}` is unknown for {kind}; legal are {legal}")]
    Unknown {
        /// The word.
        word: String,
        /// The kind of mount, with its article.
        kind: &'static str,
        /// What could stand there.
        legal: String,
    },
    /// A word that means nothing for this kind of mount.
    #[error("`{word}` does not go with {kind}; legal are {legal}")]
    WrongKind {
        /// The word.
        word: String,
        /// The kind of mount, with its article.
        kind: &'static str,
        /// What could stand there.
        legal: String,
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
    #[error("`{word}` is not supported")]
    Unsupported {
        /// The word.
        word: String,
        /// The nearest thing that works.
        instead: &'static str,
    },
    /// A word whose meaning the kernel reserves for root of the machine.
    #[error("`{word}` needs privileges on the machine")]
    Unprivileged {
        /// The word.
        word: String,
        /// The nearest thing that works.
        instead: &'static str,
    },
    /// Two words that contradict each other.
    #[error("`{word}` does not go together with `{other}`; {legal}")]
    Together {
        /// The word that puts a layer over the source.
        word: &'static str,
        /// The word beside it.
        other: String,
        /// What may stand beside the first.
        legal: &'static str,
    },
    /// `upperdir=` or `workdir=` without `O`.
    #[error("`{0}=` needs `O`, whose changes it holds")]
    LayerNeedsOverlay(&'static str),
    /// One of `upperdir=` and `workdir=`.
    #[error("`{given}=` needs `{missing}=`, on the same file system")]
    HalfLayer {
        /// The one that is there.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A path below a volume or image that is none.
    #[error("bad `{key}`")]
    Subpath {
        /// The key.
        key: String,
        /// Why.
        #[source]
        source: PathError,
    },
    /// The driver of a volume, or its options.
    #[error("cannot have such a volume")]
    Driver(#[source] DriverError),
    /// The source is no image.
    #[error("bad source")]
    Image(#[source] SourceError),
    /// The source has to be text.
    #[error("the source `{0}` is not UTF-8")]
    NotUtf8(String),
    /// `--volumes-from` without a container.
    #[error("there is no container; legal are CONTAINER and CONTAINER:OPTIONS")]
    NoContainer,
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
    /// A word that wants a volume that can be there before.
    #[error("`{0}` needs the name of a volume as `source`")]
    NeedsName(&'static str),
    /// `bind-recursive=writable` where nothing is read-only.
    #[error("`bind-recursive=writable` needs `readonly`")]
    WritableNeedsReadOnly,
    /// `bind-recursive=readonly` without what makes it certain.
    #[error("`bind-recursive=readonly` needs `readonly` and `bind-propagation=rprivate`")]
    ForcedNeedsReadOnlyAndPrivate,
}

/// The value of a flag as one would type it; an empty one in quotes.
pub(super) fn shown(text: &str) -> &str {
    if text.is_empty() { "''" } else { text }
}

impl Problem {
    /// `other` stands beside a word that puts a layer over the source.
    pub(super) fn together(layer: Layer, other: &str) -> Self {
        Self::Together { word: layer.name(), other: other.to_owned(), legal: layer.company() }
    }
}
