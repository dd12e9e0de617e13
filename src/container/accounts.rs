//! The accounts of an image: whom its files know by name.

use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::plan::path::ContainerPath;
use crate::store::merged::{Merged, MergedError};
use crate::sys::Call as _;
use crate::sys::layered::open_beside;
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

/// Reads them from layers, the topmost first.
pub(super) fn read_accounts(lowers: &[PathBuf]) -> Result<Accounts, Error> {
    let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |base: BorrowedFd<'_>, path: &Path| {
        rustix::fs::openat(base, path, flags, Mode::empty()).call(|| format!("open({path:?}, DIRECTORY)"))
    };
    let layers = open_beside(lowers, open)
        .map_err(|(path, cause)| Error::RootDirectory { path: path.to_owned(), cause })?;
    let merged = Merged::new(layers);
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
