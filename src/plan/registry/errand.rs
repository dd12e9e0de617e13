//! What the process that unpacks wants of the one that may talk to the network.
//!
//! The one that unpacks reads what strangers packed, and can reach no network; the other one reads only what HTTP and TLS
//! are made of. Between them there is nothing but this: a digest and a size, and a pipe on which the bytes come. The
//! process that unpacks verifies them.

use serde::{Deserialize, Serialize};

use crate::plan::digest::Digest;

/// What is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Errand {
    /// What it is.
    pub kind: ErrandKind,
    /// Its digest.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
}

/// What is fetched, which is asked for in different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrandKind {
    /// An index or manifest.
    Manifest,
    /// A configuration or a layer.
    Blob,
}

impl Errand {
    /// Where it is asked for, behind `/v2/`.
    #[must_use]
    pub fn path(&self, repository: &str) -> String {
        let place = match self.kind {
            ErrandKind::Manifest => "manifests",
            ErrandKind::Blob => "blobs",
        };
        format!("{repository}/{place}/{}", self.digest)
    }
}
