//! The mounts of a container that runs: a process enters it, looks or changes one thing, and is gone.
//!
//! What is to be mounted is made as a detached mount while the process still sees the host's files, in a mount
//! namespace of its own; then it joins the container's, and the mount comes along as a descriptor. No other process
//! sees this one: it stays outside of the container's PID namespace, and nothing of it is inherited.

mod visit;

use std::os::fd::AsFd;

use nix::sched::CloneFlags;
use rustix::io::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use self::visit::{FromVisitor, ToVisitor, Visit, VisitError};
use super::Copying;
use super::mount::{self, MountFailure, Opened};
use super::rootfs::Root;
use crate::plan::attachment::{Attachment, Source};
use crate::plan::path::ContainerPath;
use crate::plan::process::User;
use crate::sys::channel::Channel;
use crate::sys::clone::{self, ExitStatus};
use crate::sys::report::Report;
use crate::sys::running::Processes;
use crate::sys::{SysError, mount as kernel, process as own};

/// How many paths are looked up in one go.
const PATHS_AT_ONCE: usize = 8;

/// Why nothing was done in the container.
#[derive(Debug, Error)]
pub enum EnterError {
    /// The process could not be started.
    #[error("cannot start the process that enters the container")]
    Start(#[source] SysError),
    /// It could not be talked to.
    #[error("cannot talk to the process that enters the container")]
    Talk(#[source] SysError),
    /// It could not do what it was to do.
    #[error(transparent)]
    Inside(Report),
    /// It is gone without saying why.
    #[error("the process that enters the container ended early ({0:?})")]
    Lost(ExitStatus),
}

impl EnterError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Inside(report) => report.hint().map(str::to_owned),
            Self::Start(_) | Self::Talk(_) | Self::Lost(_) => None,
        }
    }
}

/// What becomes of a mount that is in use when it is to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detach {
    /// It stays, and that is an error.
    Idle,
    /// It is gone from the tree of directories at once, with all below it; who uses it goes on using it.
    Lazy,
}

/// A way into a container that runs.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    processes: &'a Processes,
}

impl<'a> Entry<'a> {
    /// The way to where these processes are.
    #[must_use]
    pub fn new(processes: &'a Processes) -> Self {
        Self { processes }
    }

    /// Mounts something, which may be to belong to the container's user. `write_down` is told where it is going to be, every symlink followed, a moment before it is
    /// there, and can still prevent it. Returns what was done differently than asked.
    ///
    /// # Errors
    /// It cannot be made or mounted; then nothing is.
    pub fn mount(
        self,
        mount: (&Attachment, &User),
        copying: Copying<'_>,
        write_down: &mut dyn FnMut(&ContainerPath) -> Result<(), Report>,
    ) -> Result<Option<String>, EnterError> {
        self.run(|visit| mount_inside(visit, mount, copying), write_down)
    }

    /// Takes away what is mounted at `place`, a path without symlinks.
    ///
    /// # Errors
    /// Nothing is mounted there, or it is in use.
    pub fn unmount(self, place: &ContainerPath, detach: Detach) -> Result<(), EnterError> {
        self.run(|visit| visit.enter()?.unmount(place, detach), &mut |_| Ok(()))
    }

    /// Where each of the paths leads to, every symlink followed, if something is mounted there.
    ///
    /// # Errors
    /// The container cannot be entered.
    pub fn places(self, paths: &[ContainerPath]) -> Result<Vec<Option<ContainerPath>>, EnterError> {
        let mut places = Vec::with_capacity(paths.len());
        // The answer has to fit into one message.
        for paths in paths.chunks(PATHS_AT_ONCE) {
            let look = |visit: Visit<'_>| {
                let inside = visit.enter()?;
                Ok(paths.iter().map(|path| inside.place_of_mount(path)).collect::<Vec<_>>())
            };
            places.extend(self.run(look, &mut |_| Ok(()))?);
        }
        Ok(places)
    }

    /// Does `work` in a process of its own and brings back its last word.
    fn run<T: Serialize + DeserializeOwned>(
        self,
        work: impl FnOnce(Visit<'_>) -> Result<T, VisitError>,
        write_down: &mut dyn FnMut(&ContainerPath) -> Result<(), Report>,
    ) -> Result<T, EnterError> {
        let (ours, theirs) = Channel::pair().map_err(EnterError::Start)?;
        let child = clone::spawn(CloneFlags::empty(), || {
            own::close_in_copy(ours.as_fd());
            let message = match Visit::begin(self.processes, &theirs).and_then(work) {
                Ok(answer) => FromVisitor::Done(answer),
                Err(error) => FromVisitor::Failed(Report::of(&error, error.hint())),
            };
            u8::from(theirs.send(&message.encode(), None).is_err())
        })
        .map_err(EnterError::Start)?;
        drop(theirs);
        let last_word = converse(&ours, write_down);
        if last_word.is_err() {
            // It waits for an answer that does not come.
            drop(ours);
        }
        let status = child.wait().map_err(EnterError::Talk)?;
        match last_word? {
            Some(answer) => answer.map_err(EnterError::Inside),
            None => Err(EnterError::Lost(status)),
        }
    }
}

/// Answers until the last word is said, and returns it.
fn converse<T: Serialize + DeserializeOwned>(
    channel: &Channel,
    write_down: &mut dyn FnMut(&ContainerPath) -> Result<(), Report>,
) -> Result<Option<Result<T, Report>>, EnterError> {
    loop {
        let Some((bytes, _)) = channel.receive().map_err(EnterError::Talk)? else { return Ok(None) };
        match FromVisitor::decode(&bytes) {
            Some(FromVisitor::Place(place)) => {
                write_down(&place).map_err(EnterError::Inside)?;
                channel.send(&ToVisitor::WrittenDown.encode(), None).map_err(EnterError::Talk)?;
            }
            Some(FromVisitor::Done(answer)) => return Ok(Some(Ok(answer))),
            Some(FromVisitor::Failed(report)) => return Ok(Some(Err(report))),
            None => return Err(EnterError::Talk(SysError::new("recvmsg(channel)", Errno::BADMSG))),
        }
    }
}

/// What a process that has not entered yet has for a root. Nothing that comes from the host is looked for there.
fn host_root() -> Result<Root, VisitError> {
    Root::of_this_process().map_err(VisitError::Prepare)
}

fn mount_inside(
    visit: Visit<'_>,
    (attachment, user): (&Attachment, &User),
    copying: Copying<'_>,
) -> Result<Option<String>, VisitError> {
    let failure = |cause| MountFailure::of(attachment, cause);
    // What the host has is opened where the host can be seen, what is new where the container can.
    let of_host = match &attachment.source {
        Source::New { .. } => None,
        Source::Bind { .. }
        | Source::Beneath { .. }
        | Source::Merged(_)
        | Source::Driver(_)
        | Source::Device { .. }
        | Source::Link { .. } => Some(mount::open(&host_root()?, attachment, copying).map_err(failure)?),
    };
    let inside = visit.enter()?;
    let root = inside.root();
    mount::check_destination(root, attachment).map_err(failure)?;
    let opened = of_host.map_or_else(|| mount::open(root, attachment, copying), Ok).map_err(failure)?;
    let tree = match opened {
        Opened::Tree(tree) => tree,
        Opened::Nothing(notice) => return Ok(Some(notice)),
    };
    let point = mount::open_point(root, attachment, &tree).map_err(failure)?;
    let place = inside.path_of(point.as_fd())?;
    if visit::is_mount(point.as_fd())? {
        return Err(VisitError::Taken(place));
    }
    mount::dress(&tree, (attachment, user), copying).map_err(failure)?;
    inside.ask_to_write_down(place)?;
    kernel::attach(&tree.mount, &point).map_err(|error| failure(error.into()))?;
    Ok(tree.notice)
}
