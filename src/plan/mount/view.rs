//! What a mount does to its source: where writes go, whose it becomes, how symlinks are taken.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Problem;
use crate::plan::bytes;

/// Where what the container writes goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum View {
    /// To the source itself.
    #[default]
    Direct,
    /// To a layer over the source that is thrown away with the container (`O`).
    Discarded,
    /// To a layer of the caller's over the source (`O,upperdir=…,workdir=…`).
    Layer {
        /// Where the changes go: absolute, or beginning with a dot until [`resolve()`](super::resolve()).
        #[serde(with = "bytes")]
        upper: PathBuf,
        /// Where overlayfs prepares them.
        #[serde(with = "bytes")]
        work: PathBuf,
    },
    /// To a layer over the source that stays with the container until its changes are applied or discarded (`cow`).
    Review,
}

/// Whose the source of a mount is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ownership {
    /// As it is.
    #[default]
    Kept,
    /// The container's user's, with everything below (`U`, `chown`).
    User,
}

/// What is bound when the source of a bind is a symlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Links {
    /// What it leads to.
    #[default]
    Follow,
    /// The container gets a symlink like it (`no-dereference`).
    Copy,
}

/// The value of `upperdir=` or `workdir=`.
pub(super) fn parse_layer_path(key: &'static str, path: &[u8]) -> Result<PathBuf, Problem> {
    let legal = "a directory of the host, beginning with `/` or `.`";
    match path.first() {
        None => Err(Problem::NoValue { key: key.to_owned(), legal }),
        Some(b'/' | b'.') if !path.contains(&0) => Ok(PathBuf::from(OsStr::from_bytes(path))),
        Some(_) => {
            let value = String::from_utf8_lossy(path).into_owned();
            Err(Problem::BadValue { key: key.to_owned(), value, legal })
        }
    }
}
