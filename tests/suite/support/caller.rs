//! Who runs the tests, and what this machine lets them do.

use std::path::Path;
use std::process::{Command, Stdio};

/// The three kinds of user that minirun serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// uid 0 of the first user namespace.
    Root,
    /// A user (or the uid 0 of somebody's user namespace) whom newuidmap gives more IDs.
    SubordinateIds,
    /// Anybody else: one ID.
    SingleId,
}

impl Caller {
    /// `MINIRUN_TEST_CALLER` says for whom somebody else makes images.
    pub(crate) fn detect() -> Self {
        match std::env::var("MINIRUN_TEST_CALLER").as_deref() {
            Ok("root") => return Self::Root,
            Ok("subordinate-ids") => return Self::SubordinateIds,
            Ok("single-id") => return Self::SingleId,
            Ok(_) | Err(_) => {}
        }
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
        let first_namespace = map.split_whitespace().eq(["0", "0", "4294967295"]);
        if rustix::process::geteuid().is_root() && first_namespace {
            return Self::Root;
        }
        let named = has_range("/etc/subuid") && has_range("/etc/subgid");
        if named && program_exists("newuidmap") && program_exists("newgidmap") {
            Self::SubordinateIds
        } else {
            Self::SingleId
        }
    }

    /// Whether a container of this caller has more than one ID.
    pub(crate) fn has_many_ids(self) -> bool {
        self != Self::SingleId
    }
}

fn has_range(file: &str) -> bool {
    let uid = rustix::process::getuid().as_raw();
    let name = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    let name = name.map_or_else(String::new, |user| user.name);
    std::fs::read_to_string(file).unwrap_or_default().lines().any(|line| {
        let mut fields = line.split(':');
        let owner = fields.next().unwrap_or_default();
        let count = fields.nth(1).and_then(|count| count.trim().parse::<u32>().ok()).unwrap_or(0);
        (owner == name || owner == uid.to_string()) && count >= 65536
    })
}

/// Whether the shell would find `program`.
pub(crate) fn program_exists(program: &str) -> bool {
    find_program(program).is_some()
}

/// Where the shell would find `program`; also looks where only root's `PATH` leads.
pub(crate) fn find_program(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(Into::into))
        .map(|directory| directory.join(program))
        .find(|candidate| Path::new(candidate).is_file())
}

/// Whether `unshare` can give the caller a mount namespace where mounting is allowed.
pub(crate) fn can_unshare_mounts() -> bool {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("-r");
    }
    command.args(["-m", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
