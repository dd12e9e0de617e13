//! Why the store cannot be used.

use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thiserror::Error;

use super::document::DocumentError;
use super::layout;
use super::remove::RemoveError;
use crate::sys::SysError;

/// Why the store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory cannot be opened.
    #[error("cannot open the store `{}`", .path.display())]
    Open {
        /// The directory of the store.
        path: PathBuf,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// The directory belongs to somebody else, who could put anything into images.
    #[error("the store `{}` belongs to user {owner}, not to user {user}", .path.display())]
    Owner {
        /// The directory of the store.
        path: PathBuf,
        /// Whose it is; a user ID as this process sees it.
        owner: u32,
        /// Who we are; a user ID as this process sees it.
        user: u32,
    },
    /// Somebody else could put another store in its place.
    #[error("the way to the store `{}` leads through `{}`, which belongs to user {owner}", .path.display(), .place.display())]
    Way {
        /// The directory of the store.
        path: PathBuf,
        /// A directory above it, or a symlink.
        place: PathBuf,
        /// Whose that is; a user ID as this process sees it.
        owner: u32,
    },
    /// Others may write into the directory.
    #[error("the store `{}` has mode {mode:04o}: others may write into it", .path.display())]
    WritableByOthers {
        /// The directory of the store.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The directory holds something else.
    #[error("`{}` is no store: it has files, but no `version`", .0.display())]
    NotAStore(PathBuf),
    /// The store has a layout of another program version.
    #[error("the store `{}` has layout {found:?}, this program knows {:?}", .path.display(), layout::VERSION)]
    Version {
        /// The directory of the store.
        path: PathBuf,
        /// What its version file says.
        found: String,
    },
    /// Something in the store cannot be read.
    #[error("cannot read the store `{}`", .path.display())]
    Read {
        /// The directory of the store.
        path: PathBuf,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// A file of the store is not as this program writes it.
    #[error("the file `{}` of the store is damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: DocumentError,
    },
    /// A file of the store is not there, though what it belongs to is.
    #[error("the file `{}` of the store is missing", .path.display())]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// Something in the store cannot be written.
    #[error("cannot write the store `{}`", .path.display())]
    Write {
        /// The directory of the store.
        path: PathBuf,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// Something in the store cannot be removed.
    #[error("cannot remove from the store `{}`", .path.display())]
    Remove {
        /// The directory of the store.
        path: PathBuf,
        /// What is left.
        #[source]
        cause: RemoveError,
    },
    /// The file system, or the quota of the user, is full.
    #[error("no space is left for the store `{}`", .path.display())]
    Full {
        /// The directory of the store.
        path: PathBuf,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
}

impl StoreError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Owner { .. } | Self::Way { .. } | Self::NotAStore(_) | Self::Version { .. } => {
                Some("choose another directory with --store DIR or MINIRUN_STORE".to_owned())
            }
            Self::WritableByOthers { path, .. } => Some(format!("chmod 700 {}", path.display())),
            Self::Full { path, .. } => {
                Some(format!("make room in `{}`, or choose another --store DIR", path.display()))
            }
            Self::Damaged { path, .. } | Self::Lost { path } => Some(damaged_hint(path)),
            Self::Open { .. } | Self::Read { .. } | Self::Write { .. } | Self::Remove { .. } => None,
        }
    }
}

fn damaged_hint(path: &Path) -> String {
    let is_volume = path.file_name().is_some_and(|name| name == layout::VOLUME);
    match path.parent().and_then(Path::file_name) {
        Some(name) if is_volume => {
            format!(
                "`minirun volume rm {}` removes the volume; its files are beside it",
                name.to_string_lossy()
            )
        }
        _ => "`minirun system check --repair` moves aside what is damaged".to_owned(),
    }
}

/// Whether the kernel said that there is no room.
pub(crate) fn is_full(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT)
}
