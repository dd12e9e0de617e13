//! What the container's processes can reach of what they see, given up before the command begins.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use thiserror::Error;

use crate::plan::landlock::{ALWAYS, Abi, Effort, FileRights, Lack, Landlock};
use crate::sys::landlock::{self as kernel, Ruleset};
use crate::sys::{Call, SysError};

/// Why the container cannot be restricted as asked.
#[derive(Debug, Error)]
pub(super) enum RestrictError {
    #[error("cannot restrict the container as `--landlock` says")]
    Lack(#[source] Lack),
    #[error("cannot find `{path}` of `--landlock` in the container")]
    Path {
        path: String,
        #[source]
        source: SysError,
    },
    #[error("cannot restrict the container as `--landlock` says")]
    Kernel(#[source] SysError),
}

impl RestrictError {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Lack(lack) => Some(lack.hint()),
            Self::Path { .. } => {
                Some("it is looked up where the container's programs would find it; with best-effort it may be missing".to_owned())
            }
            Self::Kernel(error) if error.errno() == Errno::TOOBIG => {
                Some("the kernel takes 16 restrictions on top of each other; these processes have as many".to_owned())
            }
            Self::Kernel(_) => None,
        }
    }
}

/// Gives up what was asked to be given up, with the right to that, which is about to be given up, too; says what could
/// not be.
pub(super) fn restrict(landlock: &Landlock) -> Result<Vec<String>, RestrictError> {
    if landlock.is_empty() {
        return Ok(Vec::new());
    }
    let abi = kernel::abi();
    let lacks = landlock.lacks(abi);
    let mut notices: Vec<String> = lacks.iter().map(ToString::to_string).collect();
    match (landlock.effort, lacks.into_iter().next()) {
        (Effort::Whole, Some(lack)) => return Err(RestrictError::Lack(lack)),
        (Effort::Whole, None) | (Effort::Best, _) => {}
    }
    let Some(abi) = abi else { return Ok(notices) };
    let handled = landlock.handled(abi);
    // A kernel takes no rules that forbid nothing.
    if handled == crate::plan::landlock::Handled::default() {
        return Ok(notices);
    }
    let rules = Ruleset::new(handled, abi).map_err(RestrictError::Kernel)?;
    notices.extend(allow_files(&rules, landlock)?);
    if abi >= Abi::PORTS {
        for (port, how) in landlock.ports() {
            rules.allow_port(port, how).map_err(RestrictError::Kernel)?;
        }
    }
    rules.enforce().map_err(RestrictError::Kernel)?;
    Ok(notices)
}

fn allow_files(rules: &Ruleset, landlock: &Landlock) -> Result<Vec<String>, RestrictError> {
    let mut notices = Vec::new();
    if landlock.files.is_empty() {
        return Ok(notices);
    }
    for rule in &landlock.files {
        let path = rule.path.to_string();
        match (open(&path), landlock.effort) {
            (Ok(place), _) => {
                rules.allow_files(&place, rule.access.rights()).map_err(RestrictError::Kernel)?;
            }
            (Err(error), Effort::Best) => {
                notices.push(format!("nothing at `{path}` to be reached ({error})"));
            }
            (Err(source), Effort::Whole) => return Err(RestrictError::Path { path, source }),
        }
    }
    // Both are the container's own, and where they are not there is nothing to allow.
    for place in ALWAYS.into_iter().filter_map(|path| open(path).ok()) {
        rules.allow_files(&place, FileRights::HANDLE).map_err(RestrictError::Kernel)?;
    }
    Ok(notices)
}

/// Opens a path below this process's root, which is the container's.
fn open(path: &str) -> Result<OwnedFd, SysError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
        .call(|| format!("openat2({path:?}, PATH)"))
}
