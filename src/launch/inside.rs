//! Work on the files of a container as it sees them: in its own mount namespace while it runs, else in one where its root
//! filesystem and its mounts are put together for as long as the work takes.
//!
//! Whoever works holds descriptors of the host. No process of the container sees it: it stays outside of the PID namespace.

use std::os::fd::{AsFd, OwnedFd};

use nix::sched::CloneFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::enter::EnterError;
use super::init::{self, InitError};
use super::message::ToInit;
use super::rootfs::{self, Root};
use super::{Copying, mount};
use crate::plan::Plan;
use crate::plan::userns::MapWriter;
use crate::sys::channel::Channel;
use crate::sys::report::Report;
use crate::sys::running::Processes;
use crate::sys::{SysError, clone, join, process as own, userns};

/// Where a container's files are found.
#[derive(Clone, Copy)]
pub enum Files<'a> {
    /// In the namespaces of its processes.
    Running(&'a Processes),
    /// On disk; the plan has the mounts that belong to them, and no others.
    Ended(&'a Plan, Copying<'a>),
}

/// Does `work` in a process of its own, with a descriptor of the container's root directory, and brings back its result.
///
/// # Errors
/// The files cannot be reached, or the work went wrong.
pub fn inside<T: Serialize + DeserializeOwned>(
    files: Files<'_>,
    work: impl FnOnce(OwnedFd) -> Result<T, Report>,
) -> Result<T, EnterError> {
    let (ours, theirs) = Channel::pair().map_err(EnterError::Start)?;
    let user = match files {
        Files::Running(_) => None,
        Files::Ended(plan, _) => plan.namespaces.user.as_ref(),
    };
    let mut flags = CloneFlags::empty();
    if let Files::Ended(..) = files {
        flags |= CloneFlags::CLONE_NEWNS;
    }
    if user.is_some() {
        flags |= CloneFlags::CLONE_NEWUSER;
    }
    let worker = clone::spawn(flags, || {
        own::close_in_copy(ours.as_fd());
        let result = reach(files, &theirs).and_then(work);
        // Results and errors are texts under text keys.
        let bytes = serde_json::to_vec(&result).unwrap_or_default();
        u8::from(theirs.send(&bytes, None).is_err())
    })
    .map_err(EnterError::Start)?;
    drop(theirs);
    let mapped = user.map_or(Ok(()), |user| userns::map_child(&worker, user));
    if let Err(error) = mapped {
        worker.signal(rustix::process::Signal::KILL).map_err(EnterError::Talk)?;
        worker.wait().map_err(EnterError::Talk)?;
        return Err(EnterError::Inside(Report::of(&error, None)));
    }
    if let Files::Ended(..) = files {
        ours.send(&ToInit::Mapped.encode(), None).map_err(EnterError::Talk)?;
    }
    let answer = ours.receive().map_err(EnterError::Talk)?;
    let status = worker.wait().map_err(EnterError::Talk)?;
    let answer = answer.and_then(|(bytes, _)| serde_json::from_slice::<Result<T, Report>>(&bytes).ok());
    answer.ok_or(EnterError::Lost(status))?.map_err(EnterError::Inside)
}

fn reach(files: Files<'_>, channel: &Channel) -> Result<OwnedFd, Report> {
    let root = match files {
        Files::Running(processes) => join_running(processes).map_err(InitError::Enter),
        Files::Ended(plan, copying) => put_together(plan, copying, channel),
    };
    let root = root.and_then(|root| {
        rustix::process::umask(rustix::fs::Mode::empty()); // modes are as they are asked for
        root.as_fd()
            .try_clone_to_owned()
            .map_err(|error| InitError::Channel(SysError::from_io("fcntl(F_DUPFD_CLOEXEC)", &error)))
    });
    root.map_err(|error| init::describe(&error))
}

fn join_running(processes: &Processes) -> Result<Root, SysError> {
    join::prepare()?;
    join::user_namespace(processes.monitor())?;
    // The kernel has forgotten it with the change of rights.
    own::die_with_parent()?;
    join::mount_namespace(processes.monitor())?;
    Root::of_this_process()
}

fn put_together(plan: &Plan, copying: Copying<'_>, channel: &Channel) -> Result<Root, InitError> {
    own::die_with_parent().map_err(InitError::Channel)?;
    if let Some(user) = &plan.namespaces.user
        && user.writer == MapWriter::Itself
    {
        userns::map_itself(&user.map).map_err(|error| InitError::Map(Report::of(&error, None)))?;
    }
    init::await_id_maps(channel)?;
    mount::isolate(&plan.namespaces)?;
    let mut root = rootfs::assemble(&plan.rootfs, |_, _| None)?;
    mount::attach_all(&mut root, plan, mount::Peers::none(), copying)?;
    Ok(root)
}
