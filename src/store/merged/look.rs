//! Looking at a stack of layers directory by directory.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::Stat;

use super::{Found, Merged, MergedDir, is_whiteout, open_directory, stat_name};
use crate::store::copy::inode::names as list;
use crate::sys::{Call, SysError};

impl MergedDir {
    /// The names that show here, in any order.
    pub(in crate::store) fn names(&self) -> Result<Vec<OsString>, SysError> {
        let mut seen = HashSet::new();
        let mut names = Vec::new();
        for part in &self.parts {
            for name in list(part.as_fd())? {
                if seen.insert(name.clone())
                    && stat_name(part, &name)?.is_some_and(|stat| !is_whiteout(&stat))
                {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }

    /// The metadata that shows; none of a tree without layers.
    pub(in crate::store) fn stat(&self) -> Result<Option<Stat>, SysError> {
        self.parts.first().map(rustix::fs::fstat).transpose().call(|| "fstat(directory)")
    }
}

impl Merged {
    /// The same with one more layer on top.
    #[must_use]
    pub fn below(mut self, top: OwnedFd) -> Self {
        self.root.parts.insert(0, top);
        self
    }

    /// The directory that these names lead to, none of them followed; `None` where there is none.
    pub(in crate::store) fn directory(&self, names: &[OsString]) -> Result<Option<MergedDir>, SysError> {
        let root = self
            .root
            .parts
            .iter()
            .map(|part| open_directory(part, OsStr::new(".")))
            .collect::<Result<_, _>>();
        let mut directory = MergedDir { parts: root.call(|| "openat(\".\")")? };
        for name in names {
            match directory.find(name)? {
                Some(Found::Directory(found)) => directory = found,
                Some(Found::Other(..)) | None => return Ok(None),
            }
        }
        Ok(Some(directory))
    }
}
