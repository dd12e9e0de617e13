//! The image before it is mounted: its layers, of which each lists its root once.
//!
//! Most mount points and marks are looked for in the root, and most layers have only few of the names there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::RawDir;
use rustix::io::Errno;

use crate::sys::layered::{Found, MergedDir};
use crate::sys::{Call, SysError};

/// The bytes for entries of directories that are asked for at once.
const ENTRIES: usize = 8 << 10;

/// The root of an image, made of its layers.
pub(super) struct Image<'a> {
    root: &'a MergedDir,
    /// Which of them have a name, the top one first.
    places: HashMap<OsString, Vec<usize>>,
}

impl<'a> Image<'a> {
    /// Lists the layers, which nobody has listed before.
    pub(super) fn list(root: &'a MergedDir) -> Result<Self, SysError> {
        let mut places: HashMap<OsString, Vec<usize>> = HashMap::new();
        let mut entries = [MaybeUninit::uninit(); ENTRIES];
        for (place, layer) in root.parts.iter().enumerate() {
            let mut list = || -> Result<(), Errno> {
                let mut directory = RawDir::new(layer, &mut entries);
                while let Some(entry) = directory.next() {
                    let entry = entry?;
                    let name = OsStr::from_bytes(entry.file_name().to_bytes());
                    match places.get_mut(name) {
                        Some(places) => places.push(place),
                        None => drop(places.insert(name.to_owned(), vec![place])),
                    }
                }
                Ok(())
            };
            list().call(|| "getdents64(layer)")?;
        }
        Ok(Self { root, places })
    }

    pub(super) fn root(&self) -> &'a MergedDir {
        self.root
    }

    /// What `name` is in the root; `None` where nothing is, or a whiteout.
    pub(super) fn find(&self, name: &OsStr) -> Result<Option<Found>, SysError> {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        self.root.find_among(places.iter().copied(), name)
    }
}
