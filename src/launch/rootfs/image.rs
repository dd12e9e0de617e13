//! The image before it is mounted: its layers, of which it is known what their roots have, or which list them once.
//!
//! Most mount points and marks are looked for in the root, and most layers have only few of the names there.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::RawDir;
use rustix::io::Errno;

use crate::plan::rootfs::RootIndex;
use crate::sys::layered::{Found, MergedDir};
use crate::sys::{Call, SysError};

/// The bytes for entries of directories that are asked for at once.
const ENTRIES: usize = 8 << 10;

/// The root of an image, made of its layers.
pub(super) struct Image<'a> {
    root: &'a MergedDir,
    /// Which of them have a name.
    index: Cow<'a, RootIndex>,
}

impl<'a> Image<'a> {
    /// Lists the layers of which `known` does not say what they have; those that are listed nobody has listed before.
    pub(super) fn list(root: &'a MergedDir, known: &'a RootIndex) -> Result<Self, SysError> {
        let mut index = if known.length() == root.parts.len() {
            Cow::Borrowed(known)
        } else {
            Cow::Owned(root.parts.iter().map(|_| None).collect())
        };
        let mut entries = [MaybeUninit::uninit(); ENTRIES];
        for place in index.unlisted().to_vec() {
            let Some(layer) = root.parts.get(place) else { continue };
            let mut list = || -> Result<(), Errno> {
                let mut directory = RawDir::new(layer, &mut entries);
                while let Some(entry) = directory.next() {
                    index.to_mut().insert(OsStr::from_bytes(entry?.file_name().to_bytes()), place);
                }
                Ok(())
            };
            list().call(|| "getdents64(layer)")?;
        }
        Ok(Self { root, index })
    }

    pub(super) fn root(&self) -> &'a MergedDir {
        self.root
    }

    /// What `name` is in the root; `None` where nothing is, or a whiteout.
    pub(super) fn find(&self, name: &OsStr) -> Result<Option<Found>, SysError> {
        self.root.find_among(self.index.places(name).iter().copied(), name)
    }
}
