//! What a container is: this list, in this order.
//!
//! Init is born into new namespaces with all their capabilities and the host's view of the files. Step by step it
//! gives up one after the other, until what is left is the command.

mod error;
mod waiting;

use std::convert::Infallible;

use rustix::io::Errno;

use super::message::ToLauncher;
use super::streams::ContainerStreams;
use super::{Copying, credentials, device, landlock, mount, namespace, process, rootfs, terminal};
use crate::plan::Plan;
use crate::sys::channel::Channel;
use crate::sys::procfs::Procfs;
use crate::sys::report::Report;
use crate::sys::{moment, process as own};

pub use error::FailedStep;
pub(super) use error::{InitError, describe};
pub use waiting::Review;
pub(super) use waiting::await_id_maps;
use waiting::{await_connection, await_review};

/// Runs as process 1 of the container; returns its exit status only if a step went wrong.
pub(super) fn run(plan: &Plan, channel: &Channel, streams: &ContainerStreams, copying: Copying<'_>) -> u8 {
    match become_command(plan, channel, streams, copying) {
        Ok(never) => match never {},
        Err(error) => report(channel, &error),
    }
}

/// Tells the launcher what went wrong; returns the exit code that says so.
pub(super) fn report(channel: &Channel, error: &InitError) -> u8 {
    let overlay_refused = matches!(error, InitError::Rootfs(error) if error.is_refusal());
    let code = error.code();
    let report = Report::of(error, error.hint());
    // If the launcher is gone, so will this process be.
    let _ = channel.send(&ToLauncher::Failed { report, code, overlay_refused }.encode(), None);
    code
}

/// The order, in which nothing is done with a right that was given up, nor in sight of what could lead it astray:
///
/// 1. settings of the new namespaces and of this process, through a procfs of its own;
/// 2. the root filesystem and the mounts, each made detached and then attached by descriptor;
/// 3. masks, then the change of the root;
/// 4. keyring and limits, then the rights: bounding set, groups, group, user, capability sets, `no_new_privs`;
/// 5. the working directory with the rights of the command, and the end of all descriptors;
/// 6. session, streams and signals, and the command.
fn become_command(
    plan: &Plan,
    channel: &Channel,
    streams: &ContainerStreams,
    copying: Copying<'_>,
) -> Result<Infallible, InitError> {
    let review = await_id_maps(channel)?;
    rustix::process::umask(rustix::fs::Mode::empty()); // modes are as they are asked for
    let (procfs, mut notices) = set_kernel(plan)?; // before anything of the image's or of another container's is in sight
    let mut peers = mount::Peers::copy(plan)?; // what comes later is cut off from the host
    peers.take_procfs(plan, procfs);
    mount::isolate(&plan.namespaces)?; // host changes enter, ours never leave
    let mut root =
        rootfs::assemble(&plan.rootfs, |lowers, merged| rootfs::raise(plan, (lowers, merged), copying))?;
    moment("root assembled");
    rootfs::complete(&root, plan); // as what copies the image's /etc is covered in parts, too
    notices.extend(fill_volumes(&root, plan, copying)?); // from the bare image, before anything covers it
    rootfs::mark(&root)?;
    notices.extend(mount::attach_all(&mut root, plan, peers, copying)?);
    let terminal = terminal::open(&root, plan.process.streams, plan.process.user.uid)?;
    device::add_console(&root, terminal.as_ref())?;
    process::make_working_directory(&root, &plan.process)?;
    rootfs::restrict(&root, plan.root_access)?; // after the last mount point was made in it
    mount::conceal(&root, plan)?; // nothing is mounted after this
    moment("concealed");
    rootfs::pivot_into(root)?;
    hide(review)?; // from whoever enters from now on
    tell(channel, &ToLauncher::Rooted)?; // who enters earlier would meet the host's files
    for notice in notices {
        tell(channel, &ToLauncher::Notice(notice))?;
    }
    if let Some(terminal) = &terminal {
        channel.send(&ToLauncher::Terminal.encode(), Some(terminal.master())).map_err(InitError::Channel)?;
    }
    if !own::new_keyring().map_err(InitError::Keyring)? {
        tell(
            channel,
            &ToLauncher::Notice("the caller's session keyring stays: there can be no new one".to_owned()),
        )?;
    }
    await_connection(channel, plan)?; // so late, as pasta takes longer than all the mounts
    credentials::set_limits(&plan.process.limits)?;
    for notice in landlock::restrict(&plan.process.landlock)? {
        tell(channel, &ToLauncher::Notice(notice))?;
    }
    credentials::assume(&plan.process)?;
    hide(review)?; // again: a change of user may undo it, and who has entered may now be as strong
    process::enter_working_directory(&plan.process)?;
    own::close_on_exec_from(3).map_err(InitError::Channel)?;
    let ready = || await_review(channel, review); // with its streams, and with its system calls filtered
    let failed = |error| report(channel, &error);
    let telling = process::Telling { ready: &ready, failed: &failed };
    process::exec(&plan.process, streams, terminal.as_ref(), &telling)
}

/// Hides what this process remembers. Before a review nobody could read what it is about, so that hides when it is over.
fn hide(review: Review) -> Result<(), InitError> {
    match review {
        Review::Unwanted => own::hide_memory().map_err(InitError::Hide),
        Review::Wanted => Ok(()),
    }
}

/// What belongs to the new namespaces and to this process alone, and needs no file of the container.
/// The procfs that was made for it, if any, comes back.
fn set_kernel(plan: &Plan) -> Result<(Option<Procfs>, Vec<String>), InitError> {
    namespace::set_hostname(&plan.hostname)?;
    namespace::bring_network_up(plan.namespaces.network)?;
    if plan.process.oom_score_adjustment.is_none() && plan.sysctls.is_empty() {
        return Ok((None, Vec::new()));
    }
    let procfs = Procfs::private()
        .map_err(|source| InitError::Setting { what: "up a procfs of its own".to_owned(), source })?;
    credentials::set_oom_score(&procfs, plan.process.oom_score_adjustment)?;
    let notices = namespace::set_sysctls(&procfs, &plan.sysctls)?;
    Ok((Some(procfs), notices))
}

fn fill_volumes(root: &rootfs::Root, plan: &Plan, copying: Copying<'_>) -> Result<Vec<String>, InitError> {
    let mut notices = Vec::new();
    for fill in &plan.fills {
        let Some(directory) = root.open_model(&fill.destination) else { continue };
        let filled = (copying.fill)(std::os::fd::AsFd::as_fd(&directory), fill)
            .map_err(|source| InitError::Fill { destination: fill.destination.to_string(), source })?;
        notices.extend(filled);
    }
    Ok(notices)
}

pub(super) fn tell(channel: &Channel, message: &ToLauncher) -> Result<(), InitError> {
    match channel.send(&message.encode(), None) {
        Err(error) if error.errno() == Errno::PIPE => Ok(()),
        result => result.map_err(InitError::Channel),
    }
}
