//! What the kernel says of a container's first process, read before it can do anything.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustix::process::Pid;

use crate::plan::evidence::Evidence;
use crate::sys::landlock;

/// The namespaces, as `/proc/PID/ns` calls them, and where the monitor has the one of what it starts.
const NAMESPACES: [(&str, &str); 7] = [
    ("cgroup", "cgroup"),
    ("ipc", "ipc"),
    ("mnt", "mnt"),
    ("net", "net"),
    ("pid", "pid_for_children"),
    ("user", "user"),
    ("uts", "uts"),
];

/// Reads what there is about `init`; the namespaces are those of its parent, who may always be asked.
#[must_use]
pub fn of(init: Pid) -> Evidence {
    let read = |name: &str| fs::read_to_string(format!("/proc/{init}/{name}")).ok();
    let status = read("status");
    let parent = status.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("PPid:")));
    let parent = parent.map(|number| number.trim().to_owned());
    let is_own = |(name, of_children): &(&'static str, &str)| {
        let theirs = parent.as_deref().and_then(|monitor| identity(monitor, of_children));
        let differs = theirs.zip(identity("self", name)).map(|(theirs, ours)| theirs != ours);
        (*name, differs)
    };
    Evidence {
        uid_map: read("uid_map"),
        gid_map: read("gid_map"),
        limits: read("limits"),
        mounts: fs::read(format!("/proc/{init}/mountinfo")).ok(),
        landlock: landlock::abi(),
        namespaces: NAMESPACES.iter().map(is_own).collect(),
        status,
    }
}

/// What makes a namespace the same as another.
fn identity(process: &str, name: &str) -> Option<(u64, u64)> {
    let file = fs::metadata(format!("/proc/{process}/ns/{name}")).ok()?;
    Some((file.dev(), file.ino()))
}
