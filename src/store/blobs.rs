//! Blobs of layers that are kept beside them, compressed as they came.
//!
//! Each is a file of the layer's own directory and is called by its digest: so it is there as long as the layer is, for
//! all images that have that. Nothing relies on it: whoever takes one out reads it to its end first (`save/kept.rs`).

use std::collections::{BTreeMap, BTreeSet};

use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;

use super::directory::Directory;
use super::{Store, StoreError, layout};
use crate::plan::digest::Digest;
use crate::sys::SysError;

/// A layer that is its own directory.
pub(super) const ITSELF: &str = ".";

/// Where a blob lies from where its layer is called `layer`.
pub(super) fn path(layer: &str, digest: &Digest) -> String {
    format!("{layer}/{}/{digest}", layout::BLOBS)
}

/// The blobs that are kept of the layer that is called `layer` from `directory`, sorted; none of one that is not there.
pub(super) fn kept(directory: &Directory, layer: &str) -> Result<Vec<Digest>, SysError> {
    let names = directory.names_in(&format!("{layer}/{}", layout::BLOBS))?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// How many bytes a blob of that layer has; none if it is not kept.
pub(super) fn size(directory: &Directory, layer: &str, digest: &Digest) -> Result<Option<u64>, SysError> {
    let path = path(layer, digest);
    match statat(directory, &path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(u64::try_from(stat.st_size).ok()),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(SysError::new(format!("statat({path:?})"), errno)),
    }
}

/// Moves a file to where a blob of the layer in `to` belongs, also over one that is there.
pub(super) fn give(from: (&Directory, &str), to: &Directory, digest: &Digest) -> Result<(), SysError> {
    let (directory, name) = from;
    to.make(layout::BLOBS)?;
    directory.rename(name, to, &path(ITSELF, digest))
}

/// Moves all blobs of the layer in `from` to the one in `to`.
pub(super) fn hand_over(from: &Directory, to: &Directory) -> Result<(), SysError> {
    kept(from, ITSELF)?.iter().try_for_each(|digest| give((from, &path(ITSELF, digest)), to, digest))
}

/// Gives all blobs of the layer in `from` to the one in `to` as well, which has none.
pub(super) fn share(from: &Directory, to: &Directory) -> Result<(), SysError> {
    for digest in kept(from, ITSELF)? {
        to.make(layout::BLOBS)?;
        from.link(&path(ITSELF, &digest), to, &path(ITSELF, &digest))?;
    }
    Ok(())
}

impl Store {
    /// How many bytes of blobs are kept of each layer, by its chain ID. One that lies beside the files of several owners
    /// counts once.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn kept_bytes(&self) -> Result<BTreeMap<Digest, u64>, StoreError> {
        let mut blobs = BTreeSet::new();
        let Some(root) = self.directory()? else { return Ok(BTreeMap::new()) };
        let layers: BTreeSet<Digest> = self
            .records()?
            .into_iter()
            .flat_map(|record| record.layers)
            .map(|layer| layer.chain_id)
            .collect();
        let mut bytes: BTreeMap<Digest, u64> = BTreeMap::new();
        for owners in self.layer_owners()? {
            for chain_id in &layers {
                let layer = layout::layer(&owners.directory_name(), chain_id);
                let kept = kept(root, &layer).map_err(|cause| self.read_error(cause))?;
                for digest in kept {
                    let found = size(root, &layer, &digest).map_err(|cause| self.read_error(cause))?;
                    if blobs.insert((chain_id.clone(), digest)) {
                        *bytes.entry(chain_id.clone()).or_default() += found.unwrap_or_default();
                    }
                }
            }
        }
        Ok(bytes)
    }
}
