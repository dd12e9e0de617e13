//! The image before it is mounted: its layers, of which each lists its root once.
//!
//! Most mount points and marks are looked for in the root, and most layers have only few of the names there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::Dir;
use rustix::io::Errno;

use crate::sys::layered::{Found, MergedDir, open_directory};
use crate::sys::{Call, SysError};

/// The root of an image, made of its layers.
pub(super) struct Image {
    root: MergedDir,
    /// Which of them have a name, the top one first.
    places: HashMap<OsString, Vec<usize>>,
}

impl Image {
    /// Lists the layers, the top one first.
    pub(super) fn open(layers: &[OwnedFd]) -> Result<Self, SysError> {
        let mut places: HashMap<_, Vec<_>> = HashMap::new();
        let mut parts = Vec::with_capacity(layers.len());
        for (place, layer) in layers.iter().enumerate() {
            let mut list = || -> Result<(), Errno> {
                for entry in Dir::new(open_directory(layer, OsStr::new("."))?)? {
                    let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
                    places.entry(name).or_default().push(place);
                }
                Ok(())
            };
            list().call(|| "getdents64(layer)")?;
            parts.push(layer.try_clone().call(|| "fcntl(DUPFD_CLOEXEC)")?);
        }
        Ok(Self { root: MergedDir { parts }, places })
    }

    pub(super) fn root(&self) -> &MergedDir {
        &self.root
    }

    /// What `name` is in the root; `None` where nothing is, or a whiteout.
    pub(super) fn find(&self, name: &OsStr) -> Result<Option<Found>, SysError> {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        self.root.find_among(places.iter().copied(), name)
    }
}
