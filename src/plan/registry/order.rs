//! What the process that talks to a registry wants of the one that packs layers.
//!
//! The one that packs reads the store with the rights that its files ask for, and can reach no network; the other one knows
//! the registry and who asks. Between them there is nothing but this: the number of a layer with a pipe for its bytes, and
//! what the bytes were once they have gone through.

use serde::{Deserialize, Serialize};

use crate::plan::digest::Digest;

/// What is to be written into the pipe that comes along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Which layer of the image; the lowest is 0.
    pub layer: usize,
    /// Which archive of it.
    pub archive: Archive,
}

/// Which archive of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Archive {
    /// The blob that was kept under this digest, with the compression that it came with.
    Kept(Digest),
    /// The one that it was unpacked from.
    Original,
    /// One that is made of its files.
    Anew,
}

impl Archive {
    /// What else will do where this one cannot be had.
    #[must_use]
    pub fn instead(&self) -> Option<Self> {
        match self {
            Self::Kept(_) => Some(Self::Original),
            Self::Original => Some(Self::Anew),
            Self::Anew => None,
        }
    }
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Delivery {
    /// All of it went into the pipe.
    Whole(Packed),
    /// That archive cannot be had back: what went into the pipe is of no use.
    Lost,
    /// Nobody read to the end.
    Unread,
}

/// The archive of a layer, compressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Packed {
    /// The digest of the archive.
    pub diff_id: Digest,
    /// The digest of the compressed archive.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What is not in it as it is in the tree.
    pub notes: Vec<String>,
}
