//! Control groups, version 2: where the caller may make some, and one for a container.
//!
//! Only what somebody has delegated to the caller is used: its own cgroup, or the one above, where it may write. A
//! cgroup with processes cannot have controllers for the cgroups in it, so the launcher moves into one of its own first,
//! if it is alone.

mod account;
mod still;

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sched::CloneFlags;
use rustix::fs::{Access, Mode, OFlags};
use rustix::io::Errno;
use thiserror::Error;

use super::clone::Birth;
use super::{Call, SysError};
use crate::plan::resources::{Kind, Limit};

pub use account::{CgroupUsage, Freezing, freeze, is_frozen, limiting, loose, usage};
pub use still::{Stillness, hold_still, is_paused, pause};

/// Where the kernel shows them.
const ROOT: &str = "/sys/fs/cgroup";
/// The magic number of cgroup2, `statfs(2)`.
const MAGIC: i64 = 0x6367_7270;
/// Where the launcher moves.
const LAUNCHER: &str = "minirun.launcher";
/// What the names of containers' cgroups begin with.
const PREFIX: &str = "minirun-";
/// How often, and how long apart, a cgroup is tried to be removed whose processes are just ending.
const REMOVALS: (usize, Duration) = (100, Duration::from_millis(5));

/// Why there is no cgroup for a container.
#[derive(Debug, Error)]
pub enum CgroupError {
    /// The machine has the first version, or none.
    #[error("this machine has no cgroups of version 2 at `{ROOT}`")]
    Legacy,
    /// The caller's own cgroup is unknown.
    #[error("`/proc/self/cgroup` names no cgroup of version 2")]
    Unknown,
    /// The caller may not write there.
    #[error("the cgroup `{}` is not delegated to you", .path.display())]
    Closed {
        /// The cgroup.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// A controller is missing.
    #[error("the cgroup `{}` lacks the controller `{controller}`, which {flag} needs", .path.display())]
    Controller {
        /// The cgroup.
        path: PathBuf,
        /// The controller.
        controller: &'static str,
        /// The flag.
        flag: &'static str,
    },
    /// Processes are in the way.
    #[error("the cgroup `{}` has other processes than minirun, so it can have no controllers below", .0.display())]
    Busy(PathBuf),
    /// Something could not be read or written.
    #[error("cannot make the cgroup `{}`", .path.display())]
    Make {
        /// The cgroup.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: SysError,
    },
    /// The kernel took a limit and has another.
    #[error("the limit {flag} {asked} is not in force: `{file}` reads `{found}`")]
    NotInForce {
        /// The flag.
        flag: &'static str,
        /// Its value.
        asked: String,
        /// The file.
        file: &'static str,
        /// What it reads.
        found: String,
    },
}

/// A cgroup in which the caller may make others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtree(PathBuf);

/// A container's cgroup.
#[derive(Debug)]
pub struct Cgroup {
    /// The directory, for `CLONE_INTO_CGROUP` (5.7).
    pub directory: OwnedFd,
    /// Where it is.
    pub path: PathBuf,
}

impl Subtree {
    /// Looks for one with all that the limits need; changes nothing.
    ///
    /// # Errors
    /// There is none.
    pub fn find(limits: &[Limit]) -> Result<Self, CgroupError> {
        let stat = rustix::fs::statfs(ROOT).map_err(|_| CgroupError::Legacy)?;
        if stat.f_type != MAGIC {
            return Err(CgroupError::Legacy);
        }
        let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let own = own_cgroup(&text).ok_or(CgroupError::Unknown)?;
        Self::find_below(Path::new(ROOT), own, limits)
    }

    /// The caller's own cgroup, else the one above: there are the other leaves of a session.
    fn find_below(root: &Path, own: &str, limits: &[Limit]) -> Result<Self, CgroupError> {
        let path = root.join(own.trim_start_matches('/'));
        let error = match check(&path, limits) {
            Ok(()) => return Ok(Self(path)),
            Err(error) => error,
        };
        let parent = path.parent().filter(|parent| parent.starts_with(root));
        match parent.filter(|parent| check(parent, limits).is_ok()) {
            Some(parent) => Ok(Self(parent.to_owned())),
            None => Err(error),
        }
    }

    /// Where the cgroup of the container with this ID will be.
    #[must_use]
    pub fn path_of(&self, id: &str) -> PathBuf {
        self.0.join(format!("{PREFIX}{id}"))
    }

    /// Makes the cgroup of a container, with its limits in force.
    ///
    /// # Errors
    /// It cannot be made, or a limit is not what the kernel says afterwards; then nothing is left of it.
    pub fn make(&self, id: &str, limits: &[Limit]) -> Result<Cgroup, CgroupError> {
        self.enable(limits)?;
        let path = self.path_of(id);
        let failed = |cause| CgroupError::Make { path: path.clone(), cause };
        rustix::fs::mkdir(&path, Mode::from_raw_mode(0o755))
            .call(|| format!("mkdir({path:?})"))
            .map_err(failed)?;
        let made = limits.iter().try_for_each(|limit| set(&path, limit));
        let opened = made.and_then(|()| open(&path).map_err(failed));
        if opened.is_err() {
            // The error says more than what then is left.
            let _ = remove(&path);
        }
        opened
    }

    /// Makes sure that cgroups below have what the limits need. A process that is not alone there cannot.
    ///
    /// # Errors
    /// Others are in the way, or a file cannot be written.
    pub fn enable(&self, limits: &[Limit]) -> Result<(), CgroupError> {
        let missing: Vec<String> =
            missing(&self.0, limits).iter().map(|controller| format!("+{controller}")).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let failed = |cause| CgroupError::Make { path: self.0.clone(), cause };
        let words = missing.join(" ");
        match write(&self.0, "cgroup.subtree_control", &words) {
            Err(error) if error.errno() == Errno::BUSY => {}
            result => return result.map_err(failed),
        }
        if !is_alone(&self.0) {
            return Err(CgroupError::Busy(self.0.clone()));
        }
        let leaf = self.0.join(LAUNCHER);
        match rustix::fs::mkdir(&leaf, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(SysError::new(format!("mkdir({leaf:?})"), errno))),
        }
        write(&leaf, "cgroup.procs", "0").map_err(failed)?;
        write(&self.0, "cgroup.subtree_control", &words).map_err(failed)
    }
}

/// Opens a cgroup that this process may start others in.
///
/// # Errors
/// There is none, it takes no processes, or this process and it have no cgroup above them that is the caller's.
pub fn open(path: &Path) -> Result<Cgroup, SysError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty()).call(|| format!("open({path:?})"))?;
    // Only the kernel knows: a process that does nothing tries it.
    let birth = Birth { namespaces: CloneFlags::empty(), cgroup: Some(directory.as_fd()) };
    birth.spawn(|| 0)?.wait()?;
    Ok(Cgroup { directory, path: path.to_owned() })
}

/// Removes a container's cgroup, and whatever still runs in it; one that is not there is no error.
///
/// # Errors
/// What `rmdir(2)` says.
pub fn remove(path: &Path) -> Result<(), SysError> {
    let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    if !is_ours {
        return Err(SysError::new(format!("rmdir({path:?})"), Errno::INVAL));
    }
    // Since 5.14; before, its processes end with the container's first.
    let _ = write(path, "cgroup.kill", "1");
    for _ in 0..REMOVALS.0 {
        match rustix::fs::rmdir(path) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) => std::thread::sleep(REMOVALS.1),
            Err(errno) => return Err(SysError::new(format!("rmdir({path:?})"), errno)),
        }
    }
    Err(SysError::new(format!("rmdir({path:?})"), Errno::BUSY))
}

/// The path of the cgroup of version 2 in the text of `/proc/self/cgroup`.
fn own_cgroup(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

fn check(path: &Path, limits: &[Limit]) -> Result<(), CgroupError> {
    for name in [".", "cgroup.procs", "cgroup.subtree_control"] {
        rustix::fs::access(path.join(name), Access::WRITE_OK)
            .call(|| format!("access({:?}, W_OK)", path.join(name)))
            .map_err(|cause| CgroupError::Closed { path: path.to_owned(), cause })?;
    }
    let available = read(path, "cgroup.controllers");
    let lacks = |limit: &&Limit| !has_word(&available, limit.kind.controller());
    if let Some(limit) = limits.iter().find(lacks) {
        let (controller, flag) = (limit.kind.controller(), limit.kind.flag());
        return Err(CgroupError::Controller { path: path.to_owned(), controller, flag });
    }
    // The first of all may have both; it is the one without a type.
    let is_first = !path.join("cgroup.type").exists();
    if missing(path, limits).is_empty() || is_first || is_alone(path) {
        Ok(())
    } else {
        Err(CgroupError::Busy(path.to_owned()))
    }
}

/// The controllers that cgroups below do not have yet.
fn missing(path: &Path, limits: &[Limit]) -> Vec<&'static str> {
    let enabled = read(path, "cgroup.subtree_control");
    let mut needed: Vec<&str> = limits.iter().map(|limit| Kind::controller(limit.kind)).collect();
    needed.sort_unstable();
    needed.dedup();
    needed.retain(|controller| !has_word(&enabled, controller));
    needed
}

/// Whether there is no other process than this one.
fn is_alone(path: &Path) -> bool {
    let own = std::process::id().to_string();
    read(path, "cgroup.procs").lines().all(|line| line == own)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|one| one == word)
}

/// A file that says nothing is as good as none.
fn read(path: &Path, name: &str) -> String {
    std::fs::read_to_string(path.join(name)).unwrap_or_default()
}

fn write(path: &Path, name: &str, text: &str) -> Result<(), SysError> {
    let path = path.join(name);
    let file = rustix::fs::open(&path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .call(|| format!("open({path:?})"))?;
    rustix::io::write(&file, text.as_bytes()).map(drop).call(|| format!("write({path:?}, {text:?})"))
}

/// Writes a limit and reads it back.
fn set(path: &Path, limit: &Limit) -> Result<(), CgroupError> {
    let make = |cause| CgroupError::Make { path: path.to_owned(), cause };
    write(path, limit.file.name(), &limit.value).map_err(make)?;
    let found = read(path, limit.file.name());
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    if limit.is_in_force(&found, page) {
        return Ok(());
    }
    Err(CgroupError::NotInForce {
        flag: limit.kind.flag(),
        asked: limit.asked.clone(),
        file: limit.file.name(),
        found: found.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plan::resources::{Words, parse};

    /// A directory that looks like a cgroup with these controllers, of which some are enabled below.
    fn cgroup(path: &Path, controllers: &str, enabled: &str, processes: &str) {
        fs::create_dir_all(path).unwrap();
        for (name, text) in [
            ("cgroup.controllers", controllers),
            ("cgroup.subtree_control", enabled),
            ("cgroup.procs", processes),
            ("cgroup.type", "domain\n"),
        ] {
            fs::write(path.join(name), text).unwrap();
        }
    }

    fn limits() -> Vec<Limit> {
        parse(&Words { memory: Some("64m"), pids: Some("9"), ..Words::default() }).unwrap()
    }

    #[test]
    fn the_own_cgroup_is_read() {
        assert_eq!(own_cgroup("5:cpu:/x\n0::/user.slice/a.scope\n"), Some("/user.slice/a.scope"));
        assert_eq!(own_cgroup("5:cpu:/x\n"), None);
    }

    #[test]
    fn a_subtree_is_found_or_named() {
        let root = std::env::temp_dir().join(format!("minirun-cgroup-{}", std::process::id()));
        let own = std::process::id().to_string();
        let find = || Subtree::find_below(&root, "/slice/scope", &limits());
        cgroup(&root.join("slice"), "memory", "memory", "");
        cgroup(&root.join("slice/scope"), "memory pids", "", &own);
        assert_eq!(find().unwrap(), Subtree(root.join("slice/scope")));
        // Others are there: the one above would do, if it had the controllers.
        cgroup(&root.join("slice/scope"), "memory pids", "", "1\n");
        assert!(matches!(find(), Err(CgroupError::Busy(_))));
        cgroup(&root.join("slice"), "memory pids", "memory pids", "");
        assert_eq!(find().unwrap(), Subtree(root.join("slice")));
        cgroup(&root.join("slice/scope"), "memory pids", "memory pids", "1\n");
        assert_eq!(find().unwrap(), Subtree(root.join("slice/scope")));
        for name in ["slice", "slice/scope"] {
            cgroup(&root.join(name), "cpu memory", "", "");
        }
        let missing = find();
        assert!(matches!(missing, Err(CgroupError::Controller { controller: "pids", .. })), "{missing:?}");
        fs::remove_dir_all(&root).unwrap();
        assert!(matches!(find(), Err(CgroupError::Closed { .. })));
    }

    #[test]
    fn only_cgroups_of_containers_are_removed() {
        assert_eq!(remove(Path::new("/sys/fs/cgroup/user.slice")).unwrap_err().errno(), Errno::INVAL);
        assert!(remove(Path::new("/nowhere/minirun-0")).is_ok());
    }
}
