//! Why a mount that was asked for cannot be had, found out before anything is made.

use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use crate::plan::mount::MountError;
use crate::store::container::ContainerError;
use crate::sys::SysError;

/// What makes a bind's source that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A word that was not said.
    CreateSource,
    /// Nothing: a symlink is to be shown as it is.
    Nothing,
}

/// Why a mount has no place.
#[derive(Debug, Error)]
pub enum PlaceError {
    /// A container whose mounts are to be taken over.
    #[error("cannot use `--volumes-from {container}`")]
    Donor {
        /// As typed.
        container: String,
        /// Why not.
        #[source]
        cause: ContainerError,
    },
    /// A bind's source that is not there.
    #[error("there is no `{}`", .path.display())]
    NoSource {
        /// The source.
        path: PathBuf,
        /// What else would have made it.
        missing: Wish,
        /// What the kernel says.
        #[source]
        cause: SysError,
    },
    /// A bind's source that leads nowhere.
    #[error("`{}` is a symlink to `{}`, and that is not there", .path.display(), .link.display())]
    Dangling {
        /// The source.
        path: PathBuf,
        /// Where it leads.
        link: PathBuf,
        /// What the kernel says.
        #[source]
        cause: SysError,
    },
    /// A bind's source that cannot be looked at.
    #[error("cannot reach `{}`", .path.display())]
    Source {
        /// The source.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A directory that `-v` makes where there is none.
    #[error("there is no `{}`, and it cannot be made", .path.display())]
    Make {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A volume that must exist does not.
    #[error("there is no volume `{0}`, and `nocreate` says not to make one")]
    NoVolume(String),
    /// A layer over a file.
    #[error("cannot lay a layer over `{}`: it is a file, and overlays are made of directories", .path.display())]
    LayerOverFile {
        /// The source.
        path: PathBuf,
    },
    /// A layer over a directory with mounts in it.
    #[error("cannot lay a layer over `{}`: something is mounted at `{}`", .path.display(), .mount.display())]
    LayerOverMounts {
        /// The source.
        path: PathBuf,
        /// One of the mounts in it.
        mount: PathBuf,
    },
    /// A layer over a file system that is mounted only with the container.
    #[error("cannot lay a layer over the volume `{volume}`, which is a file system of type {kind}")]
    LayerOverFileSystem {
        /// The volume.
        volume: String,
        /// The kind.
        kind: String,
    },
    /// The caller's own layer.
    #[error("cannot use `{}` as a layer", .path.display())]
    Layer {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The two directories of the caller's own layer.
    #[error("`{}` and `{}` must be on one file system", .upper.display(), .work.display())]
    LayerApart {
        /// Where changes go.
        upper: PathBuf,
        /// Where they are prepared.
        work: PathBuf,
    },
    /// Propagation that the source cannot have.
    #[error("`{word}` needs a source on {wanted} mount, and `{}` is on `{}`, which is {found}", .path.display(), .mount.display())]
    Propagation {
        /// The word that asks for it.
        word: &'static str,
        /// The source.
        path: PathBuf,
        /// The mount that the source is on.
        mount: PathBuf,
        /// What it has to be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// Giving a directory away that the system, the caller or minirun needs.
    #[error("cannot give `{}` to the container's user: it is the system's, your home directory or the store", .0.display())]
    Precious(PathBuf),
    /// What a volume's options name is not there.
    #[error("cannot use the volume `{volume}`: its device is `{device}`")]
    Device {
        /// The volume.
        volume: String,
        /// As its options say.
        device: String,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A relative device.
    #[error("cannot use the volume `{volume}`: its device `{device}` is not an absolute path")]
    RelativeDevice {
        /// The volume.
        volume: String,
        /// As its options say.
        device: String,
    },
    /// A file system that needs root.
    #[error("cannot use the volume `{volume}`: the kernel lets only root mount a file system of type {kind}")]
    RootOnly {
        /// The volume.
        volume: String,
        /// The kind.
        kind: String,
    },
    /// A part of a volume that is not there.
    #[error("there is no `{subpath}` in the volume `{volume}`")]
    NoSubpath {
        /// The volume.
        volume: String,
        /// The part.
        subpath: String,
    },
    /// A part of a volume that is not in it.
    #[error("`{subpath}` leads out of the volume `{volume}`")]
    SubpathOutside {
        /// The volume.
        volume: String,
        /// The part.
        subpath: String,
        /// What the kernel says.
        #[source]
        cause: SysError,
    },
    /// A pattern that is none.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Pattern {
        /// As typed.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// A pattern that matches nothing.
    #[error("nothing matches `{0}`")]
    NoMatch(String),
    /// A match that cannot be mounted.
    #[error(transparent)]
    Match(#[from] MountError),
    /// The machine's own root as an image.
    #[error("the image `host` is this machine's own root and cannot be mounted as an image")]
    HostImage,
}

impl PlaceError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Donor { cause, .. } => return cause.hint(),
            Self::Match(error) => return error.hint(),
            Self::NoSource { missing: Wish::CreateSource, .. } => {
                "make it first; `bind-create-src` makes a directory, and so does `-v`"
            }
            Self::NoSource { missing: Wish::Nothing, .. } => {
                "make it first: with `no-dereference` nothing is made"
            }
            Self::Dangling { .. } => {
                "make what it leads to, or add `no-dereference`, which gives the container the symlink itself"
            }
            Self::Source { cause, .. } => return unreachable(cause.errno()).map(str::to_owned),
            Self::Make { .. } => {
                "name a directory that is there, or one in a directory that you may write to"
            }
            Self::NoVolume(_) => {
                "leave out `nocreate`, and it is made; `minirun volume ls` lists those that are there"
            }
            Self::LayerOverFile { .. } => "lay it over the directory that the file is in",
            Self::LayerOverMounts { .. } => {
                "the container would not see what is mounted there: unmount it, or mount the parts one by one"
            }
            Self::LayerOverFileSystem { .. } => "mount it on the host, and lay the layer over the directory",
            Self::Layer { .. } => "upperdir and workdir must be directories that are there, and yours",
            Self::Propagation { .. } => {
                "on the host, `mount --make-shared` on that mount makes it shared; or leave the word out"
            }
            Self::Precious(_) => "give it a directory of its own",
            Self::Device { .. } => "make it first: minirun does not make what a volume's options name",
            Self::RootOnly { .. } => {
                "mount it on the host as root and bind the directory, or use a FUSE program such as sshfs, or run \
                 minirun as root"
            }
            Self::NoSubpath { .. } => "make it first, in a container that mounts the whole volume",
            Self::SubpathOutside { .. } => "only relative symlinks that stay inside the volume are followed",
            Self::HostImage => "bind what you need of it: type=bind,source=/usr,target=/usr",
            Self::RelativeDevice { .. } => "write it out from `/` on",
            Self::NoMatch(_) => {
                "a glob without a match is an error: make a file first, or correct the pattern"
            }
            Self::LayerApart { .. } | Self::Pattern { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// What keeps somebody from reaching a path.
fn unreachable(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ACCESS => Some("minirun has only your rights: you must be able to reach the source yourself"),
        Errno::NOTDIR => Some("something on the way to it is a file, and a file has nothing below it"),
        Errno::LOOP => Some("its symlinks lead in a circle"),
        _ => None,
    }
}
