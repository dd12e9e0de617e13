//! Entering the namespaces of a process that runs already (`setns(2)` on a pidfd, 5.8).

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::{CloneFlags, setns, unshare};

use super::{Call, SysError, process};

/// Whether there was anything to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// This process is in another namespace now.
    Entered,
    /// It was there already.
    Already,
}

/// Joins the user namespace that `process` is in, with all capabilities there.
///
/// # Errors
/// What `setns(2)` says; `EPERM` where it belongs to another user.
pub fn user_namespace(process: BorrowedFd<'_>) -> Result<Joined, SysError> {
    match setns(process, CloneFlags::CLONE_NEWUSER) {
        // A process of one thread is told so only about the namespace that it is in.
        Err(nix::errno::Errno::EINVAL) => Ok(Joined::Already),
        result => result.map(|()| Joined::Entered).call(|| "setns(pidfd, CLONE_NEWUSER)"),
    }
}

/// Joins the user namespace that `process` is in, if `user`, and lets what this process starts be in its PID namespace:
/// it ends with the first process there.
///
/// # Errors
/// What `setns(2)` says.
pub fn place_of(process: BorrowedFd<'_>, user: UserNamespaces) -> Result<(), SysError> {
    enter(process, user, CloneFlags::CLONE_NEWPID)
}

/// Joins the network namespace that `process` is in, and with it the user namespace that it belongs to.
///
/// # Errors
/// What `setns(2)` says.
pub fn network_of(process: BorrowedFd<'_>, user: UserNamespaces) -> Result<(), SysError> {
    enter(process, user, CloneFlags::CLONE_NEWNET)
}

/// Whether a process is in the user namespace of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserNamespaces {
    /// It is in the same.
    Same,
    /// It is in one of its own.
    Own,
}

fn enter(process: BorrowedFd<'_>, user: UserNamespaces, other: CloneFlags) -> Result<(), SysError> {
    let (flags, shown) = match user {
        UserNamespaces::Same => (other, ""),
        UserNamespaces::Own => (other | CloneFlags::CLONE_NEWUSER, "CLONE_NEWUSER|"),
    };
    let name = if other == CloneFlags::CLONE_NEWPID { "CLONE_NEWPID" } else { "CLONE_NEWNET" };
    setns(process, flags).call(|| format!("setns(pidfd, {shown}{name})"))
}

/// Joins the mount namespace that `process` is in; root and working directory are its root then.
///
/// # Errors
/// What `setns(2)` says.
pub fn mount_namespace(process: BorrowedFd<'_>) -> Result<(), SysError> {
    setns(process, CloneFlags::CLONE_NEWNS).call(|| "setns(pidfd, CLONE_NEWNS)")
}

/// Gives this process a copy of its mount namespace, in which the user namespace that it is in may mount.
///
/// # Errors
/// What `unshare(2)` says.
pub fn own_mount_namespace() -> Result<(), SysError> {
    unshare(CloneFlags::CLONE_NEWNS).call(|| "unshare(CLONE_NEWNS)")
}

/// Makes the cgroup that this process is in the root of those that it and what it starts see.
///
/// # Errors
/// What `unshare(2)` says.
pub fn own_cgroup_namespace() -> Result<(), SysError> {
    unshare(CloneFlags::CLONE_NEWCGROUP).call(|| "unshare(CLONE_NEWCGROUP)")
}

/// Before a process enters a place that others rule: hides it from them, and lets it end with its parent.
///
/// # Errors
/// What `prctl(2)` says.
pub fn prepare() -> Result<(), SysError> {
    process::hide()?;
    process::die_with_parent()
}

/// Joins all `namespaces` of a process in one step; the PID namespace is not among them, see [`pid_namespace`].
///
/// # Errors
/// What `setns(2)` says.
pub fn namespaces(process: BorrowedFd<'_>, namespaces: CloneFlags) -> Result<(), SysError> {
    setns(process, namespaces).call(|| format!("setns(pidfd, {namespaces:?})"))
}

/// Lets the processes that this one starts from now on be in a PID namespace, given by the file that stands for it.
///
/// # Errors
/// What `setns(2)` says.
pub fn pid_namespace(namespace: impl AsFd) -> Result<(), SysError> {
    setns(namespace.as_fd(), CloneFlags::CLONE_NEWPID).call(|| "setns(pid, CLONE_NEWPID)")
}

/// Lets the processes that this one starts from now on be in a new PID namespace; the first is its process 1. Others find
/// that namespace by this process.
///
/// # Errors
/// What `unshare(2)` says.
pub fn new_pid_namespace() -> Result<(), SysError> {
    unshare(CloneFlags::CLONE_NEWPID).call(|| "unshare(CLONE_NEWPID)")
}
