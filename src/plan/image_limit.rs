//! How much an image may ask for, and `--image-limit NAME=VALUE`, which says otherwise.
//!
//! The defaults are far above what images have, and far below what a machine has: an image that somebody made to fill
//! disks, memory or time ends at one of them.

use std::fmt::Write as _;

use thiserror::Error;

use super::limit::{LimitError, parse_size};

/// Why a text is no limit of images.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImageLimitError {
    /// There is no `=`.
    #[error("`{0}` is not a limit of images (NAME=VALUE)")]
    Shape(String),
    /// Nothing is called so.
    #[error("there is no limit `{name}` of images; there are {}", names())]
    Name {
        /// What was asked for.
        name: String,
    },
    /// The value is no number.
    #[error("the limit `{name}` of images has no usable value")]
    Value {
        /// Which limit.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        cause: LimitError,
    },
    /// The value is nothing, so that no image could be loaded.
    #[error("the limit `{0}` of images must be more than 0")]
    Zero(&'static str),
}

/// What an archive may make its reader keep in memory, or do for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Header blocks but for those of extensions.
    pub entries: u64,
    /// Bytes in one extension header.
    pub extension: u64,
    /// Bytes in the value of one xattr.
    pub xattr: usize,
    /// Xattrs of one entry.
    pub xattrs: usize,
    /// Segments of one sparse file.
    pub segments: usize,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { entries: 2_000_000, extension: 1 << 20, xattr: 64 << 10, xattrs: 128, segments: 1 << 18 }
    }
}

/// How much an image, and each of its layers, may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLimits {
    /// Entries of the archive of a layer.
    pub entries: u64,
    /// Bytes of the uncompressed layers of all that is loaded at once.
    pub bytes: u64,
    /// How many times larger than the blob the archive may be.
    pub ratio: u64,
    /// Bytes of the uncompressed archive up to which the ratio does not matter.
    pub ratio_from: u64,
    /// The size of one file in bytes, its holes counted.
    pub file: u64,
    /// Bytes in one part of a name.
    pub component: usize,
    /// Parts of a name.
    pub depth: usize,
    /// Bytes of the real paths of all directories and whiteouts together, which are kept in memory.
    pub paths: usize,
    /// Directories that may be opened for all that is loaded at once; some more than once.
    pub lookups: u64,
    /// What the reader of the archive may keep in memory.
    pub archive: ArchiveLimits,
    /// Layers of an image.
    pub layers: usize,
    /// Bytes of an index, a manifest or another document.
    pub document: u64,
    /// Bytes of an image configuration.
    pub config: u64,
    /// Bytes of all documents that are read for one load.
    pub documents: u64,
    /// Members of the archive around an image.
    pub members: usize,
}

impl Default for ImageLimits {
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            bytes: 100 << 30,
            ratio: 1000,
            ratio_from: 64 << 20,
            file: 1 << 40,
            component: 255,
            depth: 1000,
            paths: 256 << 20,
            lookups: 4_000_000,
            archive: ArchiveLimits::default(),
            layers: 500,
            document: 4 << 20,
            config: 8 << 20,
            documents: 64 << 20,
            members: 100_000,
        }
    }
}

/// One limit by its name.
struct Item {
    name: &'static str,
    meaning: &'static str,
    get: fn(&ImageLimits) -> u64,
    set: fn(&mut ImageLimits, u64),
}

macro_rules! item {
    ($name:literal, $meaning:literal, $($field:ident).+ as usize) => {
        Item {
            name: $name,
            meaning: $meaning,
            get: |limits| limits.$($field).+ as u64,
            set: |limits, value| limits.$($field).+ = usize::try_from(value).unwrap_or(usize::MAX),
        }
    };
    ($name:literal, $meaning:literal, $($field:ident).+) => {
        Item {
            name: $name,
            meaning: $meaning,
            get: |limits| limits.$($field).+,
            set: |limits, value| limits.$($field).+ = value,
        }
    };
}

const ITEMS: &[Item] = &[
    Item {
        name: "entries",
        meaning: "entries of a layer",
        get: |limits| limits.entries,
        set: |limits, value| (limits.entries, limits.archive.entries) = (value, value),
    },
    item!("bytes", "bytes of all layers without compression, and of the blobs that are kept", bytes),
    item!("ratio", "how many times its compressed size a layer may become", ratio),
    item!("ratio-from", "bytes of a layer up to which the ratio does not matter", ratio_from),
    item!("file", "bytes of one file, holes counted", file),
    item!("component", "bytes of one part of a name", component as usize),
    item!("depth", "parts of a name", depth as usize),
    item!("paths", "bytes of the names of all directories of a layer", paths as usize),
    item!("lookups", "directories opened to unpack all layers", lookups),
    item!("extension", "bytes of one extension header of an archive", archive.extension),
    item!("xattr", "bytes of one extended attribute", archive.xattr as usize),
    item!("xattrs", "extended attributes of one file", archive.xattrs as usize),
    item!("segments", "pieces of one sparse file", archive.segments as usize),
    item!("layers", "layers of an image", layers as usize),
    item!("document", "bytes of an index or a manifest", document),
    item!("config", "bytes of an image configuration", config),
    item!("documents", "bytes of all documents together", documents),
    item!("members", "files in the archive around an image", members as usize),
];

fn names() -> String {
    ITEMS.iter().map(|item| item.name).collect::<Vec<_>>().join(" ")
}

impl ImageLimits {
    /// Reads the values of `--image-limit`; a later one of the same name counts.
    ///
    /// # Errors
    /// A value has another shape, names no limit, or is no number above 0.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, ImageLimitError> {
        let mut limits = Self::default();
        for text in texts.iter().map(AsRef::as_ref) {
            let (name, value) =
                text.split_once('=').ok_or_else(|| ImageLimitError::Shape(text.to_owned()))?;
            let item = ITEMS.iter().find(|item| item.name == name);
            let item = item.ok_or_else(|| ImageLimitError::Name { name: name.to_owned() })?;
            let value =
                parse_size(value).map_err(|cause| ImageLimitError::Value { name: item.name, cause })?;
            if value == 0 {
                return Err(ImageLimitError::Zero(item.name));
            }
            (item.set)(&mut limits, value);
        }
        Ok(limits)
    }

    /// The names, meanings and defaults of all limits, for `--help`.
    #[must_use]
    pub fn help() -> String {
        let defaults = Self::default();
        let mut text = "Allow the image more or less than usual; NAME and its default are".to_owned();
        for item in ITEMS {
            let (name, meaning, default) = (item.name, item.meaning, shown((item.get)(&defaults)));
            let _ = write!(text, "\n  {name}={default}: {meaning}");
        }
        text
    }
}

/// A number in the largest unit that it is a multiple of, as `--image-limit` takes it.
fn shown(value: u64) -> String {
    let unit = [(40, 't'), (30, 'g'), (20, 'm'), (10, 'k')].into_iter();
    let fits = |&(shift, _): &(u32, char)| value >= 1 << shift && value.trailing_zeros() >= shift;
    match unit.into_iter().find(fits) {
        Some((shift, unit)) => format!("{}{unit}", value >> shift),
        None => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_name() {
        let mut defaults = ImageLimits::default();
        for item in ITEMS {
            let text = format!("{}=77", item.name);
            let limits = ImageLimits::parse(&[&text]).unwrap();
            assert_eq!((item.get)(&limits), 77, "{text}");
            assert_ne!(limits, defaults, "{text}");
            (item.set)(&mut defaults, (item.get)(&ImageLimits::default()));
            assert_eq!(defaults, ImageLimits::default(), "{text}");
        }
    }

    #[test]
    fn values_are_sizes() {
        let limits = ImageLimits::parse(&["bytes=2g", "depth=5", "depth=7"]).unwrap();
        assert_eq!((limits.bytes, limits.depth), (2 << 30, 7));
        for bad in ["", "bytes", "bytes=", "bytes=-1", "bytes=0", "bytes=x", "Bytes=1", "=1"] {
            assert!(ImageLimits::parse(&[bad]).is_err(), "{bad}");
        }
        let error = ImageLimits::parse(&["size=1"]).unwrap_err().to_string();
        assert!(error.contains("there are entries bytes"), "{error}");
    }

    #[test]
    fn help_states_the_defaults() {
        let help = ImageLimits::help();
        for line in ["entries=2000000: ", "bytes=100g: ", "ratio-from=64m: ", "config=8m: ", "file=1t: "] {
            assert!(help.contains(line), "{line} in {help}");
        }
    }
}
