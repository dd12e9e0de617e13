//! What is wrong with an archive.

use std::io;

use thiserror::Error;

/// Why an archive cannot be read further. Offsets are bytes of the uncompressed archive.
#[derive(Debug, Error)]
pub enum TarError {
    /// The stream below failed: the disk, the decompressor or the check of the size.
    #[error("cannot read the archive at byte {offset}")]
    Read {
        /// Where.
        offset: u64,
        /// What the stream said.
        #[source]
        source: io::Error,
    },
    /// Nothing at all.
    #[error("it is empty: an archive without files has two blocks of zeros")]
    Empty,
    /// The stream ends in the middle of something.
    #[error("the archive is cut short at byte {offset}")]
    Truncated {
        /// Where.
        offset: u64,
    },
    /// The checksum of a header block does not fit.
    #[error("the header at byte {offset} has a wrong checksum")]
    Checksum {
        /// Where.
        offset: u64,
    },
    /// Neither v7, ustar nor GNU.
    #[error("the header at byte {offset} is of an unknown format")]
    Format {
        /// Where.
        offset: u64,
    },
    /// A number is missing, negative, too large or none at all.
    #[error("the header at byte {offset} has no valid {field}")]
    Number {
        /// Where.
        offset: u64,
        /// Which number.
        field: &'static str,
    },
    /// An extension header (PAX, GNU long name) breaks its own format.
    #[error("the extension header at byte {offset} is malformed: {problem}")]
    Extension {
        /// Where.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// An extension header, or what is in it, is beyond a limit.
    #[error("the extension header at byte {offset} is too large: more than {limit} {}", .counted.unit())]
    TooLarge {
        /// Where.
        offset: u64,
        /// The limit.
        limit: u64,
        /// What the limit counts.
        counted: Counted,
    },
    /// More entries, labels and global headers than allowed.
    #[error("the archive has more than {limit} entries")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// The map of a sparse file is malformed.
    #[error("the sparse file at byte {offset} has a malformed map: {problem}")]
    Sparse {
        /// Where.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The type of an entry is not one of POSIX, GNU or a vendor.
    #[error("the entry at byte {offset} is of the unknown type `{}`", flag.escape_ascii())]
    Type {
        /// Where.
        offset: u64,
        /// The type flag of the header.
        flag: u8,
    },
    /// Two readers could disagree about where the entry's body ends.
    #[error("the entry at byte {offset} contradicts itself about its size")]
    Body {
        /// Where.
        offset: u64,
    },
    /// One zero block, and then more entries.
    #[error("a lone zero block at byte {offset} is followed by data")]
    LoneZeroBlock {
        /// Where.
        offset: u64,
    },
}

/// What a limit of extension headers counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Bytes of the header.
    Bytes,
    /// Extended attributes.
    Xattrs,
    /// Bytes of one of them.
    XattrBytes,
}

impl Counted {
    fn unit(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Xattrs => "xattrs",
            Self::XattrBytes => "bytes in an xattr",
        }
    }

    /// What that limit is called.
    pub(in crate::store) fn limit(self) -> &'static str {
        match self {
            Self::Bytes => "extension",
            Self::Xattrs => "xattrs",
            Self::XattrBytes => "xattr",
        }
    }
}
