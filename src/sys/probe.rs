//! Facts about the machine and the caller. The only place that reads the environment.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::thread::CapabilitySet;

use super::{Call, SysError};
use crate::plan::account::{self, Account, Principal, UserSpec};
use crate::plan::capability;
use crate::plan::host::{Authority, CgroupLayout, Host, SetGroups, SubordinateRange};
use crate::plan::idmap::IdRange;

/// The magic number of cgroup2, `statfs(2)`.
const CGROUP2_MAGIC: i64 = 0x6367_7270;

/// Where the programs of the package `uidmap` are looked for; never in the caller's `PATH`.
const PROGRAM_DIRECTORIES: [&str; 4] = ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"];

/// Reads everything that a plan depends on.
///
/// # Errors
/// `/proc` is not there, or the working directory is gone.
pub fn probe() -> Result<Host, SysError> {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let own_users = read_id_map("/proc/self/uid_map")?;
    let own_groups = read_id_map("/proc/self/gid_map")?;
    let user_name = user(uid).and_then(|user| user.name);
    let ranges = |path: &str| subordinate_ranges(&read(path), user_name.as_deref(), uid);
    Ok(Host {
        bounding: bounding_set()?,
        uid,
        gid,
        authority: authority(uid, &own_users)?,
        subordinate_users: ranges("/etc/subuid"),
        subordinate_groups: ranges("/etc/subgid"),
        newuidmap: find_program("newuidmap"),
        newgidmap: find_program("newgidmap"),
        user_name,
        own_users,
        own_groups,
        set_groups: set_groups(),
        working_directory: working_directory(),
        kernel: kernel(),
        hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        cgroups: cgroup_layout(),
        throttles: throttles(),
        resolv_conf: read("/etc/resolv.conf"),
    })
}

/// The kernel's version; what cannot be read is older than all.
fn kernel() -> (u32, u32) {
    crate::plan::seccomp::version(&rustix::system::uname().release().to_string_lossy()).unwrap_or_default()
}

/// A variable of the caller's environment.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn variable(name: &OsStr) -> Option<OsString> {
    std::env::var_os(name)
}

/// The caller's environment, as a program is given it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn environment() -> Vec<OsString> {
    let setting = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        name
    };
    std::env::vars_os().map(setting).collect()
}

/// A variable of the caller's environment, if it is set and valid UTF-8.
#[must_use]
pub fn text_variable(name: &str) -> Option<String> {
    variable(OsStr::new(name)).and_then(|value| value.into_string().ok())
}

/// The store to use if none is named: `MINIRUN_STORE`, `$XDG_DATA_HOME/minirun`, `~/.local/share/minirun`.
#[must_use]
pub fn default_store() -> Option<PathBuf> {
    let variable =
        |name: &str| variable(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    if let Some(store) = variable("MINIRUN_STORE") {
        return Some(store);
    }
    // The XDG specification says that a relative path there is to be ignored.
    if let Some(data) = variable("XDG_DATA_HOME").and_then(absolute) {
        return Some(data.join("minirun"));
    }
    let home = variable("HOME").and_then(absolute).or_else(home);
    home.map(|home| home.join(".local/share/minirun"))
}

/// Whether a variable of a helper program's loader could be somebody else's: the program runs with more rights
/// than its caller (`AT_SECURE`).
#[must_use]
#[expect(unsafe_code, reason = "getauxval has no safe wrapper")]
pub fn runs_privileged() -> bool {
    // SAFETY: getauxval takes an integer and reads what the kernel left at the start of the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The network of containers for which none is named: `MINIRUN_NETWORK`.
#[must_use]
pub fn network() -> Option<String> {
    text_variable("MINIRUN_NETWORK").filter(|text| !text.is_empty())
}

/// When images are fetched that are to be run, if that is not said: `MINIRUN_PULL`.
#[must_use]
pub fn pull() -> Option<String> {
    text_variable("MINIRUN_PULL").filter(|text| !text.is_empty())
}

/// Whether the blobs of layers are kept, if that is not said: `MINIRUN_KEEP_BLOBS`.
#[must_use]
pub fn keep_blobs() -> Option<String> {
    text_variable("MINIRUN_KEEP_BLOBS").filter(|text| !text.is_empty())
}

/// How long removed volumes are kept, as the user says it: `MINIRUN_TRASH`.
#[must_use]
pub fn trash_time() -> Option<String> {
    text_variable("MINIRUN_TRASH").filter(|text| !text.is_empty())
}

/// The caller's groups besides its own, as far as the kernel tells.
#[must_use]
pub fn supplementary_groups() -> Vec<u32> {
    let own = rustix::process::getegid();
    let groups = rustix::process::getgroups().unwrap_or_default();
    groups.into_iter().filter(|group| *group != own).map(rustix::process::Gid::as_raw).collect()
}

/// Of every processor, if of one.
fn throttles() -> Vec<String> {
    let of_processor = |number: u32| format!("/sys/devices/system/cpu/cpu{number}/thermal_throttle");
    (0..u32::from(u16::MAX)).map(of_processor).take_while(|path| Path::new(path).exists()).collect()
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    // These files are optional; one that cannot be read is as good as none.
    std::fs::read(path).unwrap_or_default()
}

/// The caller's home directory, as the list of users has it.
#[must_use]
pub fn home() -> Option<PathBuf> {
    let home = user(rustix::process::geteuid().as_raw()).filter(|user| user.name.is_some())?.home;
    Some(PathBuf::from(home))
}

fn user(uid: u32) -> Option<Account> {
    let spec = UserSpec { user: Principal::Id(uid), group: None };
    account::resolve(&spec, &read("/etc/passwd"), b"", &[]).ok()
}

fn authority(uid: u32, own_users: &[IdRange]) -> Result<Authority, SysError> {
    if uid != 0 {
        return Ok(Authority::User);
    }
    let capabilities = rustix::thread::capabilities(None).call(|| "capget()")?;
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SETUID | CapabilitySet::SETGID;
    if !capabilities.effective.contains(needed) {
        return Ok(Authority::User);
    }
    let everything = matches!(own_users, [IdRange { container: 0, host: 0, size: u32::MAX }]);
    Ok(if everything { Authority::Root } else { Authority::NamespaceRoot })
}

/// The working directory; where it was removed, a name of it below which there is nothing.
fn working_directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/proc/self/cwd"))
}

fn bounding_set() -> Result<capability::CapabilitySet, SysError> {
    let held = caps::read(None, caps::CapSet::Bounding);
    let held = held.map_err(|_| SysError::new("prctl(PR_CAPBSET_READ)", rustix::io::Errno::INVAL))?;
    Ok(held.into_iter().collect())
}

fn set_groups() -> SetGroups {
    // The file came with Linux 3.19 together with the restriction.
    match read("/proc/self/setgroups").trim_ascii() {
        b"deny" => SetGroups::Denied,
        _ => SetGroups::Allowed,
    }
}

fn read_id_map(path: &str) -> Result<Vec<IdRange>, SysError> {
    let text = std::fs::read_to_string(path).call(|| format!("read({path:?})"))?;
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
        Some(IdRange { container: numbers.next()??, host: numbers.next()??, size: numbers.next()?? })
    };
    Ok(text.lines().filter_map(line).collect())
}

/// The lines `NAME:FIRST:COUNT` of `text` that are for this user, by name or by number, `subuid(5)`.
fn subordinate_ranges(text: &[u8], name: Option<&str>, uid: u32) -> Vec<SubordinateRange> {
    let text = String::from_utf8_lossy(text);
    let number = uid.to_string();
    let line = |line: &str| {
        let mut fields = line.split(':');
        let owner = fields.next()?;
        let range = SubordinateRange {
            first: fields.next()?.parse().ok()?,
            count: fields.next()?.trim().parse().ok()?,
        };
        let ours = Some(owner) == name || owner == number;
        (ours && range.count > 0).then_some(range)
    };
    text.lines().filter_map(line).collect()
}

pub(super) fn find_program(name: &str) -> Option<PathBuf> {
    let candidates = PROGRAM_DIRECTORIES.iter().map(|directory| Path::new(directory).join(name));
    candidates.into_iter().find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok())
}

fn cgroup_layout() -> CgroupLayout {
    match rustix::fs::statfs("/sys/fs/cgroup") {
        Ok(stat) if stat.f_type == CGROUP2_MAGIC => CgroupLayout::Unified,
        _ => CgroupLayout::Legacy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_by_number() {
        let text = b"alice:100000:65536\nbob:1:2\n1000:5:6\nalice:x:1\nalice:7\nalice:9:0\n";
        let ranges = subordinate_ranges(text, Some("alice"), 1000);
        let expected = [(100_000, 65_536), (5, 6)].map(|(first, count)| SubordinateRange { first, count });
        assert_eq!(ranges, expected);
        assert!(subordinate_ranges(text, None, 7).is_empty());
    }
}
