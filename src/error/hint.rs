//! What to do about errors, where somebody knows.

use rustix::io::Errno;

use super::Error;
use crate::launch::LaunchError;
use crate::plan::source::fetch_hint;
use crate::plan::spec::ComposeError;
use crate::sys::userns::WorkerError;

impl Error {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Privileged => {
                Some("chmod u-s,g-s on the program, setcap -r; run it as the user".to_owned())
            }
            Self::Input { path, .. } => fetch_hint(path),
            Self::Store(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Save(error) => error.hint(),
            Self::Step(error) => error.hint(),
            Self::Drift(drift) => drift.hint(),
            Self::Load(error) => error.hint(),
            Self::Container(error) => error.hint(),
            Self::Volume(error) => error.hint(),
            Self::VolumeData(error) => error.hint(),
            Self::Driver(error) => error.hint(),
            Self::ImageName(error) => error.hint(),
            Self::Review(error) => error.hint(),
            Self::NoChanges { cause, .. } => cause.hint(),
            Self::Spec(error) => error.hint(),
            Self::Variant(_) => Some("load the image again with this --userns".to_owned()),
            Self::Mount(error) => error.hint(),
            Self::Running(error) => error.hint(),
            Self::Asked { cause, .. } | Self::Pulled { cause, .. } => cause.hint(),
            Self::Files(error) => error.hint(),
            Self::Place(error) => error.hint(),
            Self::Device(error) => error.hint(),
            Self::Link(error) => error.hint(),
            Self::Limits(error) => error.hint(),
            Self::Reported(report) => report.hint().map(str::to_owned),
            Self::Launch { cause: LaunchError::Init(step), .. } => step.hint().map(str::to_owned),
            Self::Launch { cause: LaunchError::Spawn(cause), .. } | Self::Worker(WorkerError::Start(cause)) => {
                Some(no_namespaces(cause.errno()).to_owned())
            }
            Self::Launch { cause: LaunchError::Map(_), .. } | Self::Worker(WorkerError::Map(_)) => {
                Some("check your lines in /etc/subuid and /etc/subgid, or use --userns single".to_owned())
            }
            Self::UsersUnread(_) => {
                Some("load the image first, or give the user as a number with -u".to_owned())
            }
            Self::MountsBelow { .. } => Some(
                "a user namespace may not look under other mounts: unmount it, or for the machine's own root use the \
                 image `host`"
                    .to_owned(),
            ),
            Self::NoFreezer(_) => Some(
                "start it where cgroups of version 2 are delegated to you, as with systemd-run --user --scope; or send its \
                 first process alone STOP, and CONT later: minirun kill -s STOP CONTAINER"
                    .to_owned(),
            ),
            Self::Paused(name) => Some(format!("let it go on first: minirun unpause {name}")),
            Self::TrashTime { .. } => {
                Some("a number with a unit, such as 24h or 7days; 0 keeps nothing".to_owned())
            }
            Self::Compose(ComposeError::Sysctl(error)) => error.hint(),
            Self::Compose(ComposeError::NoCommand) => {
                Some("name a command behind the image: minirun run IMAGE sh".to_owned())
            }
            _ => None,
        }
    }
}

/// What to do where no process can be made in namespaces of its own.
fn no_namespaces(errno: Errno) -> &'static str {
    match errno {
        Errno::NOSPC => "there are too many namespaces: see `sysctl user` and its max_*_namespaces",
        Errno::NOSYS => {
            "this is a container, it seems, whose filter of system calls lets no other be made inside: start it with \
             --security nested"
        }
        _ => {
            "user namespaces may be closed to users here: see `sysctl user.max_user_namespaces`, \
             `kernel.unprivileged_userns_clone` and `kernel.apparmor_restrict_unprivileged_userns`"
        }
    }
}
