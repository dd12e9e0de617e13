//! The process that becomes the command: this list, in this order.
//!
//! It is born into the container with all capabilities there and none of the host's files in sight. No program and no
//! library of the container runs before the command does, as the container's user.

use std::convert::Infallible;
use std::io::Read as _;
use std::os::fd::AsFd as _;

use rustix::fs::{FileType, Mode, OFlags};

use crate::launch::init::{self, InitError, tell};
use crate::launch::message::ToLauncher;
use crate::launch::rootfs::Root;
use crate::launch::streams::ContainerStreams;
use crate::launch::{credentials, landlock, process, terminal};
use crate::plan::exec::{ExecPlan, Presence};
use crate::plan::process::Process;
use crate::sys::channel::Channel;
use crate::sys::root::open_in_root;
use crate::sys::{SysError, process as own};

/// The most that is read of the container's `/etc/passwd` or `/etc/group`, in bytes.
const ACCOUNT_FILE_MAX: u64 = 8 << 20;

/// The most that is made room for before a file is read, in bytes: what says its size lies in the container.
const ROOM: usize = 64 << 10;

/// Who is told how it goes.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub(super) launcher: &'a Channel,
    pub(super) escort: &'a Channel,
}

/// Returns an exit status only if a step went wrong.
pub(super) fn run(plan: &ExecPlan, ends: Ends<'_>, streams: &ContainerStreams) -> u8 {
    match become_command(plan, ends, streams) {
        Ok(never) => match never {},
        Err(error) => init::report(ends.launcher, &error),
    }
}

fn become_command(
    plan: &ExecPlan,
    ends: Ends<'_>,
    streams: &ContainerStreams,
) -> Result<Infallible, InitError> {
    let channel = ends.launcher;
    keep_only(ends, streams).map_err(InitError::Enter)?; // the escort can see the host's processes
    let root = Root::of_this_process().map_err(InitError::Enter)?;
    let process = look_up(plan, &root)?;
    let terminal = terminal::open(&root, plan.streams, process.user.uid)?;
    drop(root);
    if let Some(terminal) = &terminal {
        let reader = match plan.presence {
            Presence::Attached => ends.launcher,
            Presence::Detached => ends.escort,
        };
        reader.send(&ToLauncher::Terminal.encode(), Some(terminal.master())).map_err(InitError::Channel)?;
    }
    if !own::new_keyring().map_err(InitError::Keyring)? {
        let text = "the caller's session keyring stays: there can be no new one".to_owned();
        tell(channel, &ToLauncher::Notice(text))?;
    }
    credentials::set_limits(&process.limits)?;
    for notice in landlock::restrict(&process.landlock)? {
        tell(channel, &ToLauncher::Notice(notice))?;
    }
    credentials::assume(&process)?;
    own::hide_memory().map_err(InitError::Enter)?;
    if plan.presence == Presence::Attached {
        own::die_with_parent().map_err(InitError::Channel)?; // forgotten with the change of rights
    }
    process::enter_working_directory(&process)?;
    own::close_on_exec_from(3).map_err(InitError::Channel)?;
    let failed = |error| init::report(channel, &error);
    let telling = process::Telling { ready: &|| Ok(()), failed: &failed };
    process::exec(&process, streams, terminal.as_ref(), &telling)
}

/// Closes what the escort has open besides.
fn keep_only(ends: Ends<'_>, streams: &ContainerStreams) -> Result<(), SysError> {
    let mut kept = vec![ends.launcher.as_fd(), ends.escort.as_fd()];
    kept.extend(streams.needed());
    own::close_all_but(&kept)
}

fn look_up(plan: &ExecPlan, root: &Root) -> Result<Process, InitError> {
    Ok(plan.process(&read(root, "/etc/passwd"), &read(root, "/etc/group"))?)
}

/// A file of the container, which its processes may have replaced by anything: what is no regular file is empty.
fn read(root: &Root, path: &str) -> Vec<u8> {
    // A pipe must not be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let Ok(file) = open_in_root(root, path, flags, Mode::empty()) else { return Vec::new() };
    let Ok(stat) = rustix::fs::fstat(&file) else { return Vec::new() };
    let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    // A file like most is read by one call, and its end by another.
    let mut content = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0).min(ROOM) + 1);
    if is_regular && std::fs::File::from(file).take(ACCOUNT_FILE_MAX).read_to_end(&mut content).is_err() {
        content.clear();
    }
    content
}
