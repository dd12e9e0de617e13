//! Looking at a container from outside: everything is read through directories of procfs that were opened once, and
//! that belong to the container's processes as long as anybody looks through them. A process ID that was given to
//! another process meanwhile leads nowhere.
//!
//! Nothing inside is opened but as a place (`O_PATH`), so that no FIFO, device or file system in user space can stop the
//! reader.

mod files;
pub mod filter;

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Pid;

use super::running::Processes;
use super::{Call, SysError, landlock};
use crate::plan::evidence::Evidence;
use crate::plan::fence::{Facts, NamespaceFact};
use crate::plan::mount_table;

pub use files::Tree;

/// The namespaces, as `/proc/PID/ns` calls them, and how the monitor has those of what it starts.
const NAMESPACES: [(&str, &str); 8] = [
    ("cgroup", "cgroup"),
    ("ipc", "ipc"),
    ("mnt", "mnt"),
    ("net", "net"),
    ("pid", "pid_for_children"),
    ("time", "time_for_children"),
    ("user", "user"),
    ("uts", "uts"),
];

/// The directories of a container's two processes in procfs.
#[derive(Debug)]
pub struct Observer {
    init: OwnedFd,
    monitor: OwnedFd,
}

impl Observer {
    /// Opens the directories; none if the container has ended.
    ///
    /// # Errors
    /// What `openat(2)` says.
    pub fn open(processes: &Processes) -> Result<Option<Self>, SysError> {
        let opened = (directory(processes.init())?, directory(processes.monitor_id())?);
        let (Some(init), Some(monitor)) = opened else { return Ok(None) };
        // What was opened is theirs if they had not ended by now.
        Ok(processes.is_alive()?.then_some(Self { init, monitor }))
    }

    /// Reads everything about the first process that needs no look at its files.
    ///
    /// # Errors
    /// The mount table of this process cannot be read.
    pub fn facts(&self) -> Result<Facts, SysError> {
        let mut unread = Vec::new();
        let mut read = |name: &'static str| {
            let text = text(&self.init, name);
            if text.is_none() {
                unread.push(format!("/proc/PID/{name}"));
            }
            text
        };
        let evidence = Evidence {
            status: read("status"),
            uid_map: read("uid_map"),
            gid_map: read("gid_map"),
            limits: read("limits"),
            mounts: bytes(&self.init, "mountinfo"),
            namespaces: Vec::new(),
            landlock: landlock::abi(),
        };
        let (setgroups, cgroup) = (read("setgroups"), read("cgroup"));
        let oom_score = read("oom_score_adj").and_then(|text| text.trim().parse().ok());
        let namespaces: Vec<_> = NAMESPACES.iter().map(|names| self.namespace(*names)).collect();
        if evidence.mounts.is_none() {
            unread.push("/proc/PID/mountinfo".to_owned());
        }
        let unseen = namespaces.iter().filter(|one| one.inode.is_none());
        unread.extend(unseen.map(|one| format!("/proc/PID/ns/{}", one.kind)));
        let host_mounts = std::fs::read("/proc/self/mountinfo").call(|| "read(\"/proc/self/mountinfo\")")?;
        // Most machines have no security module that says anything here.
        let label = text(&self.init, "attr/current");
        let label = label.map(|label| label.trim_end_matches(['\0', '\n']).to_owned());
        let label = label.filter(|label| !label.is_empty());
        Ok(Facts {
            evidence,
            setgroups,
            cgroup,
            oom_score,
            label,
            namespaces,
            host_mounts,
            unread,
            ..Facts::default()
        })
    }

    /// A namespace of the first process; the monitor, who is in the same or made it, is asked where that one hides.
    fn namespace(&self, (kind, of_children): (&'static str, &str)) -> NamespaceFact {
        let inode = inode(&self.init, kind).or_else(|| inode(&self.monitor, of_children));
        let own = std::fs::metadata(format!("/proc/self/ns/{kind}")).ok();
        NamespaceFact { kind, inode, own: own.map(|own| std::os::unix::fs::MetadataExt::ino(&own)) }
    }

    /// The container's files; none if nobody may look at them, with what stands in the way.
    ///
    /// # Errors
    /// What `openat(2)` says.
    pub fn tree(&self, facts: &Facts) -> Result<Tree<'_>, SysError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |process: &OwnedFd| rustix::fs::openat(process, "root", flags, Mode::empty());
        // The monitor has the same root, and nothing of the image has made it hide.
        let root = match open(&self.init) {
            Err(Errno::ACCESS | Errno::PERM) => open(&self.monitor),
            root => root,
        };
        let root = root.call(|| "openat(\"/proc/PID/root\")")?;
        let entries = mount_table::parse(facts.evidence.mounts.as_deref().unwrap_or_default());
        Ok(Tree::new(root, self.init.as_fd(), &entries))
    }
}

/// Adds what the container's files show to the facts.
pub fn look(tree: &Tree<'_>, facts: &mut Facts) {
    let entries = mount_table::parse(facts.evidence.mounts.as_deref().unwrap_or_default());
    let host = mount_table::parse(&facts.host_mounts);
    facts.places = tree.places(&entries, &host);
    facts.devices = tree.devices(&entries);
    facts.sensitive = tree.sensitive();
    match tree.descriptors() {
        Some(descriptors) => facts.descriptors = descriptors,
        None => facts.unread.push("/proc/PID/fd".to_owned()),
    }
}

/// What the kernel says of another process of the container, if that is in its PID namespace now.
#[must_use]
pub fn member(pid: Pid, namespace: Option<u64>) -> Option<Evidence> {
    let process = directory(pid).ok()??;
    let is_inside = namespace.is_some() && inode(&process, "pid") == namespace;
    is_inside.then(|| Evidence { status: text(&process, "status"), ..Evidence::default() })
}

fn directory(pid: Pid) -> Result<Option<OwnedFd>, SysError> {
    let path = format!("/proc/{pid}");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match rustix::fs::open(&path, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::SRCH) => Ok(None),
        result => result.map(Some).call(|| format!("open({path:?})")),
    }
}

fn bytes(process: &OwnedFd, name: &str) -> Option<Vec<u8>> {
    let file = rustix::fs::openat(process, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut bytes).ok()?;
    Some(bytes)
}

fn text(process: &OwnedFd, name: &str) -> Option<String> {
    bytes(process, name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn inode(process: &OwnedFd, kind: &str) -> Option<u64> {
    let stat = rustix::fs::statat(process, format!("ns/{kind}"), AtFlags::empty()).ok()?;
    Some(stat.st_ino)
}
