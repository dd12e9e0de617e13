//! A program of the host in a user and a mount namespace, and nothing else of a container.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::init::{FailedStep, InitError};
use super::message::{ToInit, ToLauncher};
use super::process::ExecError;
use super::relay::Relay;
use super::rootfs::{self, RootfsError};
use super::{LaunchError, init};
use crate::plan::userns::{MapWriter, UserNamespace};
use crate::sys::channel::Channel;
use crate::sys::clone::{self, Child, ExitStatus};
use crate::sys::mount::{self, MountAttributes, Recursion, Setting};
use crate::sys::{Call, SysError, process as own, userns};

/// The variable that says where the image's tree is.
const VARIABLE: &str = "MINIRUN_IMAGE_ROOT";

/// What to run.
#[derive(Debug)]
pub struct HostCommand<'a> {
    /// The user namespace, if there is to be a new one.
    pub user: Option<&'a UserNamespace>,
    /// What to mount beside it.
    pub tree: Option<&'a ImageTree>,
    /// Program and arguments.
    pub command: &'a [OsString],
}

/// The tree of an image, to be seen and not to be written.
#[derive(Debug)]
pub enum ImageTree {
    /// One directory with all that is mounted in it.
    Directory {
        /// The directory.
        path: PathBuf,
        /// Where to mount it.
        mount_point: PathBuf,
    },
    /// Layers, merged by overlayfs.
    Layers {
        /// The layers, the topmost first; two at least.
        lowers: Vec<PathBuf>,
        /// Where to mount it.
        mount_point: PathBuf,
    },
}

/// Runs the program to its end.
///
/// # Errors
/// The processes, their ID maps or the mount could not be made, or the program could not be run.
pub fn run_on_host(host_command: &HostCommand<'_>) -> Result<ExitStatus, LaunchError> {
    let (ours, theirs) = Channel::pair().map_err(LaunchError::Spawn)?;
    let mut flags = CloneFlags::CLONE_NEWNS;
    if host_command.user.is_some() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    let mut relay = Relay::new();
    relay.block_signals().map_err(LaunchError::Supervise)?;
    let child = clone::spawn(flags, || {
        own::close_in_copy(ours.as_fd());
        match become_program(host_command, &theirs) {
            Ok(never) => match never {},
            Err(error) => init::report(&theirs, &error),
        }
    })
    .map_err(LaunchError::Spawn)?;
    drop(theirs);
    let mapped = host_command.user.map_or(Ok(()), |user| userns::map_child(&child, user));
    if mapped.is_ok() {
        ours.send(&ToInit::Mapped.encode(), None).map_err(LaunchError::Spawn)?;
    } else {
        child.signal(rustix::process::Signal::KILL).map_err(LaunchError::Supervise)?;
    }
    let status = wait(&child, &relay).map_err(LaunchError::Supervise)?;
    mapped?;
    match ours.receive().map_err(LaunchError::Supervise)?.and_then(|(bytes, _)| ToLauncher::decode(&bytes)) {
        Some(ToLauncher::Failed { report, code, overlay_refused }) => {
            Err(FailedStep::new(report, code, overlay_refused).into())
        }
        _ => Ok(status),
    }
}

/// Waits for the program, and passes on what other processes sent; what a key sent has reached it already.
fn wait(child: &Child, relay: &Relay) -> Result<ExitStatus, SysError> {
    loop {
        let mut watched = vec![PollFd::new(&child.pidfd, PollFlags::IN)];
        watched.extend(relay.signals().map(|signals| PollFd::from_borrowed_fd(signals, PollFlags::IN)));
        match rustix::event::poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            result => result.call(|| "poll()")?,
        };
        let has_ended = !watched[0].revents().is_empty();
        while let Some(received) = relay.next_signal() {
            if let (false, Some(signal)) =
                (received.by_kernel, rustix::process::Signal::from_named_raw(received.number))
            {
                child.signal(signal)?;
            }
        }
        if has_ended {
            return child.wait();
        }
    }
}

fn become_program(
    host_command: &HostCommand<'_>,
    channel: &Channel,
) -> Result<std::convert::Infallible, InitError> {
    own::die_with_parent().map_err(InitError::Channel)?;
    if let Some(user) = host_command.user
        && user.writer == MapWriter::Itself
    {
        userns::map_itself(&user.map)
            .map_err(|error| InitError::Map(crate::sys::report::Report::of(&error, None)))?;
    }
    init::await_id_maps(channel)?;
    mount::make_slave().map_err(RootfsError::Pivot)?;
    let mount_point = host_command.tree.map(attach).transpose()?;
    own::reset_signals().map_err(InitError::Channel)?;
    let Some((program, arguments)) = host_command.command.split_first() else {
        return Err(ExecError::not_found("").into());
    };
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(mount_point) = mount_point {
        command.env(VARIABLE, mount_point);
    }
    let error = command.exec();
    let name = program.to_string_lossy();
    Err(match SysError::from_io(format!("execvp({name:?})"), &error) {
        error if error.errno() == Errno::NOENT => ExecError::not_found(&name).into(),
        source => ExecError::NotExecutable { command: name.into_owned(), source }.into(),
    })
}

/// Mounts the tree where only this mount namespace sees it.
fn attach(tree: &ImageTree) -> Result<&Path, RootfsError> {
    let (mounted, mount_point) = match tree {
        ImageTree::Directory { path, mount_point } => {
            let tree = mount::clone_path(path, Recursion::Recursive)
                .map_err(|source| RootfsError::Open { path: path.display().to_string(), source })?;
            (tree, mount_point)
        }
        ImageTree::Layers { lowers, mount_point } => (overlay(lowers)?, mount_point),
    };
    let set = u64::from((MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NODEV).bits());
    mount::set_attributes(
        &mounted,
        MountAttributes { set, ..MountAttributes::default() },
        Recursion::Recursive,
    )
    .map_err(RootfsError::Pivot)?;
    rootfs::attach(mounted, mount_point)?;
    Ok(mount_point)
}

fn overlay(lowers: &[PathBuf]) -> Result<OwnedFd, RootfsError> {
    let _limit = own::DescriptorLimit::raise().map_err(RootfsError::Pivot)?;
    let lowers: Vec<OwnedFd> = lowers.iter().map(|path| rootfs::open(path)).collect::<Result<_, _>>()?;
    let mut settings = vec![Setting::Flag("userxattr")];
    settings.extend(lowers.iter().map(|lower| Setting::Directory("lowerdir+", lower.as_fd())));
    mount::create("overlay", &settings, MountAttrFlags::empty()).map_err(RootfsError::Overlay)
}
