//! Mounts by descriptor: made detached, given their attributes, then attached.
//!
//! Source: `fsopen(2)`, `fsmount(2)`, `open_tree(2)`, `move_mount(2)` (Linux 5.2), `mount_setattr(2)` (5.12).

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};

use super::{Call, SysError, moment};

/// One setting of a file system that is about to be made.
#[derive(Debug)]
pub enum Setting<'a> {
    /// A word, as `userxattr`.
    Flag(&'a str),
    /// `key=value`; the kernel takes at most 255 bytes.
    Text(&'a str, &'a str),
    /// `key=` a directory by descriptor (6.13).
    Directory(&'a str, std::os::fd::BorrowedFd<'a>),
}

/// Makes a file system of `kind` with `settings`, mounted nowhere yet.
///
/// # Errors
/// The call that failed: an unknown kind, a setting that the kernel refuses, or no right to make one.
pub fn create(kind: &str, settings: &[Setting<'_>], attributes: MountAttrFlags) -> Result<OwnedFd, SysError> {
    let context =
        rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).call(|| format!("fsopen({kind:?})"))?;
    if !settings.iter().any(|setting| matches!(setting, Setting::Text("source", _))) {
        // What `df` and /proc/mounts call it.
        rustix::mount::fsconfig_set_string(&context, "source", kind)
            .call(|| format!("fsconfig({kind}, \"source={kind}\")"))?;
    }
    for setting in settings {
        match setting {
            Setting::Flag(key) => rustix::mount::fsconfig_set_flag(&context, *key)
                .call(|| format!("fsconfig({kind}, {key:?})"))?,
            Setting::Text(key, value) => rustix::mount::fsconfig_set_string(&context, *key, *value)
                .call(|| format!("fsconfig({kind}, \"{key}={value}\")"))?,
            Setting::Directory(key, directory) => {
                rustix::mount::fsconfig_set_fd(&context, *key, directory)
                    .call(|| format!("fsconfig({kind}, SET_FD {key:?})"))?;
            }
        }
    }
    rustix::mount::fsconfig_create(&context).call(|| format!("fsconfig({kind}, CREATE)"))?;
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .call(|| format!("fsmount({kind})"))
}

/// Whether a copy of a mount takes the mounts below it along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recursion {
    /// With everything mounted below.
    Recursive,
    /// The one mount only.
    Single,
}

/// A detached copy of what is mounted at `path`.
///
/// # Errors
/// What `open_tree(2)` says; in a user namespace `EINVAL` for a single copy of a tree whose submounts came
/// from outside, as that would show what they cover.
pub fn clone_path(path: &Path, recursion: Recursion) -> Result<OwnedFd, SysError> {
    rustix::mount::open_tree(rustix::fs::CWD, path, clone_flags(recursion))
        .call(|| format!("open_tree({path:?}, {})", show(recursion)))
}

/// A detached copy of the mount that `file` is in, from `file` down.
///
/// # Errors
/// As [`clone_path`].
pub fn clone_file(file: impl AsFd, recursion: Recursion) -> Result<OwnedFd, SysError> {
    let flags = clone_flags(recursion) | OpenTreeFlags::AT_EMPTY_PATH;
    rustix::mount::open_tree(file.as_fd(), c"", flags)
        .call(|| format!("open_tree(fd {}, {})", file.as_fd().as_raw_fd(), show(recursion)))
}

fn clone_flags(recursion: Recursion) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match recursion {
        Recursion::Recursive => flags | OpenTreeFlags::AT_RECURSIVE,
        Recursion::Single => flags,
    }
}

fn show(recursion: Recursion) -> &'static str {
    match recursion {
        Recursion::Recursive => "CLONE|RECURSIVE",
        Recursion::Single => "CLONE",
    }
}

/// Attaches a detached mount on what `destination` has open.
///
/// # Errors
/// What `move_mount(2)` says; `ENOTDIR` for a file on a directory and the reverse.
pub fn attach(mount: impl AsFd, destination: impl AsFd) -> Result<(), SysError> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount.as_fd(), c"", destination.as_fd(), c"", flags)
        .call(|| "move_mount(EMPTY_PATH)".to_owned())?;
    moment("mounted");
    Ok(())
}

/// The kernel's `struct mount_attr`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct MountAttributes {
    /// Flags to set, `MOUNT_ATTR_*`.
    pub set: u64,
    /// Flags to clear.
    pub clear: u64,
    /// `MS_PRIVATE` and its kin, or 0 to leave it.
    pub propagation: u64,
    /// The user namespace of an ID-mapped mount.
    pub user_namespace: u64,
}

/// Changes the attributes of the mount that `mount` is the root of.
///
/// # Errors
/// What `mount_setattr(2)` says; `EPERM` for clearing a flag that the mount came with from outside.
#[expect(unsafe_code, reason = "mount_setattr has no safe wrapper")]
pub fn set_attributes(
    mount: impl AsFd,
    attributes: MountAttributes,
    recursion: Recursion,
) -> Result<(), SysError> {
    let flags = match recursion {
        Recursion::Recursive => libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
        Recursion::Single => libc::AT_EMPTY_PATH,
    };
    let path: &CStr = c"";
    // SAFETY: the path and the structure, whose size is given, outlive the call, which only reads them.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            std::mem::size_of::<MountAttributes>(),
        )
    };
    if result == 0 {
        return Ok(());
    }
    let call = format!(
        "mount_setattr({}set={:#x}, clear={:#x}, propagation={:#x})",
        if recursion == Recursion::Recursive { "RECURSIVE, " } else { "" },
        attributes.set,
        attributes.clear,
        attributes.propagation
    );
    Err(SysError::from_io(call, &std::io::Error::last_os_error()))
}

/// Cuts this mount namespace off: what is mounted on the host still comes in, nothing goes out.
///
/// # Errors
/// What `mount(2)` says.
pub fn make_slave() -> Result<(), SysError> {
    rustix::mount::mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
        .call(|| "mount(\"/\", MS_SLAVE|MS_REC)".to_owned())
}

/// Mounts an overlay with the classic call, whose lower directories are names relative to the current
/// directory; for kernels before 6.7 and where `lowerdir+` takes no descriptor.
///
/// # Errors
/// What `mount(2)` says.
pub fn mount_overlay_classic(target: &Path, data: &str) -> Result<(), SysError> {
    let data_text =
        std::ffi::CString::new(data).map_err(|_| SysError::new("mount(overlay)", Errno::INVAL))?;
    rustix::mount::mount(
        "overlay",
        target,
        "overlay",
        rustix::mount::MountFlags::empty(),
        Some(data_text.as_c_str()),
    )
    .call(|| format!("mount(overlay, {data:?})"))
}

/// Makes `root` the root of this mount namespace and drops the old one.
///
/// # Errors
/// What `fchdir(2)`, `pivot_root(2)` or `umount2(2)` say.
pub fn pivot(root: impl AsFd) -> Result<(), SysError> {
    rustix::process::fchdir(root).call(|| "fchdir(new root)")?;
    // With both paths "." the old root ends up stacked on the new one, and needs no directory in it.
    rustix::process::pivot_root(".", ".").call(|| "pivot_root(\".\", \".\")")?;
    moment("root changed");
    rustix::mount::unmount(".", UnmountFlags::DETACH).call(|| "umount2(old root, MNT_DETACH)")?;
    rustix::process::chdir("/").call(|| "chdir(\"/\")")
}
