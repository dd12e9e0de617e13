//! Where things are made on the host before they get their place: a directory beside each.
//!
//! Its path is written down before it is made, so that the next apply removes what a killed one left.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::{Deserialize, Serialize};

use super::apply::Cause;
use super::tree::Tree;
use crate::plan::bytes;
use crate::store::directory::Directory;
use crate::store::merged::open_directory;
use crate::store::remove::remove_tree;
use crate::sys::{Call, SysError};

/// In a layer's directory: where the stage is.
const JOURNAL: &str = "stage.json";
/// The largest journal, in bytes.
const LIMIT: u64 = 1 << 24;
/// How a stage is called, with random digits behind.
const PREFIX: &str = ".minirun-apply-";

#[derive(Serialize, Deserialize)]
struct Journal {
    #[serde(with = "bytes")]
    parent: PathBuf,
    name: String,
}

/// The stage in one directory of the host at a time.
pub(super) struct Stage<'r> {
    layer: &'r Directory,
    host: &'r Tree,
    name: String,
    place: Option<Place>,
}

/// A directory of the host, and the stage in it.
pub(super) struct Place {
    path: PathBuf,
    pub(super) parent: OwnedFd,
    pub(super) stage: OwnedFd,
}

impl<'r> Stage<'r> {
    /// Removes what an apply left that was killed.
    pub(super) fn new(layer: &'r Directory, host: &'r Tree) -> Result<Self, Cause> {
        if let Some(bytes) = layer.read(JOURNAL, LIMIT)?
            && let Ok(Journal { parent, name }) = serde_json::from_slice(&bytes)
            && name.starts_with(PREFIX)
        {
            match host.open(&parent) {
                Ok(parent) => remove_tree(parent.as_fd(), OsStr::new(&name))?,
                // It went with its directory.
                Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut random = [0; 8];
        getrandom(&mut random, GetRandomFlags::empty()).call(|| "getrandom()")?;
        let name = format!("{PREFIX}{:016x}", u64::from_ne_bytes(random));
        Ok(Self { layer, host, name, place: None })
    }

    /// The stage in the directory `path` of the host.
    pub(super) fn at(&mut self, path: &Path) -> Result<&Place, Cause> {
        if self.place.as_ref().is_none_or(|place| place.path != path) {
            self.leave()?;
            let journal = Journal { parent: path.to_owned(), name: self.name.clone() };
            // Texts: all of that can become JSON.
            let bytes = serde_json::to_vec(&journal).unwrap_or_default();
            // There is no stage now, so the journal may be gone for a moment; renaming over it would cost a write to disk.
            self.layer.unlink(JOURNAL)?;
            self.layer.write(JOURNAL, &bytes)?;
        }
        match &mut self.place {
            Some(place) => Ok(place),
            place => Ok(place.insert(make(self.host, path, &self.name)?)),
        }
    }

    fn leave(&mut self) -> Result<(), Cause> {
        match self.place.take() {
            Some(place) => Ok(remove_tree(place.parent.as_fd(), OsStr::new(&self.name))?),
            None => Ok(()),
        }
    }

    /// Removes the stage.
    pub(super) fn close(&mut self) -> Result<(), Cause> {
        self.leave()?;
        self.layer.unlink(JOURNAL)?;
        Ok(())
    }
}

fn make(host: &Tree, path: &Path, name: &str) -> Result<Place, SysError> {
    let parent = host.open(path)?;
    let shown = || format!("mkdirat({:?}, 0700)", path.join(name));
    rustix::fs::mkdirat(&parent, name, Mode::RWXU).call(shown)?;
    let stage = open_directory(&parent, OsStr::new(name)).call(|| format!("openat({name:?}, DIRECTORY)"))?;
    Ok(Place { path: path.to_owned(), parent, stage })
}

impl Place {
    /// A name in the stage that is not `name`.
    pub(super) fn other_name(name: &OsStr) -> OsString {
        OsString::from(if name == "old" { "older" } else { "old" })
    }
}
