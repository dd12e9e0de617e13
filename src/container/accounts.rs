//! The accounts of an image: whom its files know by name.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Error;
use super::base::open_directories;
use crate::plan::path::ContainerPath;
use crate::store::merged::{Merged, MergedError};
use crate::sys::process::DescriptorLimit;

/// The most that is read of an image's `/etc/passwd` or `/etc/group`, in bytes.
const ACCOUNT_FILE_MAX: u64 = 8 << 20;

/// `/etc/passwd` and `/etc/group`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Accounts {
    pub(super) passwd: Vec<u8>,
    pub(super) group: Vec<u8>,
    /// Which of them the image has made useless.
    pub(super) notices: Vec<String>,
}

/// Reads them from layers, the topmost first; `with_etc` are those of them that have an `/etc`, if that is known.
pub(super) fn read_accounts(lowers: &[PathBuf], with_etc: Option<&[PathBuf]>) -> Result<Accounts, Error> {
    let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
    match with_etc.map(read_plain).transpose()?.flatten() {
        Some([passwd, group]) => Ok(Accounts { passwd, group, notices: Vec::new() }),
        None => read_any(lowers),
    }
}

/// Where both are regular files, or not there, in a directory: their contents.
fn read_plain(lowers: &[PathBuf]) -> Result<Option<[Vec<u8>; 2]>, Error> {
    let merged = Merged::new(open_directories(lowers)?);
    let files = merged.read_plain(OsStr::new("etc"), ["passwd", "group"], ACCOUNT_FILE_MAX);
    // Whatever is odd about them is told by who looks at all of it.
    Ok(files.ok().flatten().map(|files| files.map(Option::unwrap_or_default)))
}

/// Wherever symlinks lead to.
fn read_any(lowers: &[PathBuf]) -> Result<Accounts, Error> {
    let merged = Merged::new(open_directories(lowers)?);
    let mut notices = Vec::new();
    let mut read = |path: &'static str| {
        let place = ContainerPath::root().join(path);
        match merged.read_file(&place, ACCOUNT_FILE_MAX) {
            Err(
                cause @ (MergedError::NotRegular(_) | MergedError::TooLarge { .. } | MergedError::Loop(_)),
            ) => {
                notices.push(format!("nobody is looked up in the image's {path}: {cause}"));
                Ok(Vec::new())
            }
            content => {
                content.map(Option::unwrap_or_default).map_err(|cause| Error::ImageFile { path, cause })
            }
        }
    };
    let (passwd, group) = (read("/etc/passwd")?, read("/etc/group")?);
    Ok(Accounts { passwd, group, notices })
}
