//! What a container's mounts lead to, found by comparing its mount table with the host's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::mount_table::MountEntry;

/// What a mount is, seen from the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Layers of an image below a layer of its own.
    Layers,
    /// A file system in memory that nobody else has.
    Memory,
    /// The kernel's files for its own namespaces, as `proc` and `sysfs`.
    Kernel,
    /// A kernel's file system that the host has mounted, too.
    HostKernel,
    /// A device node.
    Device,
    /// What hides something.
    Mask,
    /// A file that was made for the container, or the container's own directory.
    Generated,
    /// A volume.
    Volume(String),
    /// Something else of the store.
    Store,
    /// Files of the host.
    Host,
    /// Files of the host below a layer: they can be read, and what is written stays in the layer.
    HostBelowLayer,
    /// A file system that the host has not mounted where it could be seen.
    Foreign,
}

impl Part {
    /// The word in the report.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Memory => "memory",
            Self::Kernel => "kernel",
            Self::HostKernel => "host-kernel",
            Self::Device => "device",
            Self::Mask => "mask",
            Self::Generated => "generated",
            Self::Volume(_) => "volume",
            Self::Store => "store",
            Self::Host => "host",
            Self::HostBelowLayer => "host-layered",
            Self::Foreign => "foreign",
        }
    }
}

/// A mount of the container, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPart {
    /// The line of the table.
    pub entry: MountEntry,
    /// What it is.
    pub part: Part,
    /// The directories or files of the host that it shows, the topmost first.
    pub host: Vec<PathBuf>,
    /// The directory of the host that takes what is written, where that is not the one that is shown.
    pub upper: Option<PathBuf>,
}

/// File systems that live in memory.
const MEMORY: [&str; 4] = ["tmpfs", "ramfs", "devpts", "mqueue"];
/// File systems that show the kernel.
const KERNEL: [&str; 11] = [
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "debugfs",
    "tracefs",
    "securityfs",
    "bpf",
    "configfs",
    "efivarfs",
    "pstore",
];

/// The store as the host sees it, and the container's directory in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home<'a> {
    pub(super) store: &'a Path,
    pub(super) container: &'a Path,
}

/// Says of every mount what it is.
pub(super) fn parts(entries: &[MountEntry], host: &[MountEntry], home: Home<'_>) -> Vec<MountPart> {
    entries.iter().map(|entry| part(entry, host, home)).collect()
}

fn part(entry: &MountEntry, host: &[MountEntry], home: Home<'_>) -> MountPart {
    if entry.file_system == "overlay" && !host.iter().any(|other| other.device == entry.device) {
        return overlay(entry, home);
    }
    let path = host_path(entry, host);
    let part = plain(entry, path.as_deref(), home);
    let leads_out = !matches!(part, Part::Memory | Part::Kernel);
    let host = path.into_iter().filter(|_| leads_out).collect();
    MountPart { entry: entry.clone(), part, host, upper: None }
}

fn plain(entry: &MountEntry, path: Option<&Path>, home: Home<'_>) -> Part {
    let kind = entry.file_system.as_str();
    let is_null = entry.root == "/null";
    if kind == "devtmpfs" {
        let is_whole = entry.root == "/";
        let is_hidden = is_null && entry.point != "/dev/null";
        return if is_whole {
            Part::HostKernel
        } else if is_hidden {
            Part::Mask
        } else {
            Part::Device
        };
    }
    match path {
        Some(_) if KERNEL.contains(&kind) => Part::HostKernel,
        None if KERNEL.contains(&kind) => Part::Kernel,
        None if MEMORY.contains(&kind) => {
            let is_mask = entry.settings.iter().any(|setting| setting == "nr_inodes=1");
            if is_mask { Part::Mask } else { Part::Memory }
        }
        None => Part::Foreign,
        Some(path) => of_host(path, home),
    }
}

/// What a path of the host is to the store.
fn of_host(path: &Path, home: Home<'_>) -> Part {
    if path.starts_with(home.container) {
        return Part::Generated;
    }
    let Ok(inside) = path.strip_prefix(home.store) else { return Part::Host };
    let mut names = inside.iter();
    match (names.next().map(OsStr::as_bytes), names.next(), names.next().map(OsStr::as_bytes)) {
        (Some(b"volumes"), Some(name), Some(b"_data")) => Part::Volume(name.to_string_lossy().into_owned()),
        (Some(b"layers"), Some(_), _) => Part::Layers,
        _ => Part::Store,
    }
}

/// Where the host has what a mount shows, by the tables alone.
#[must_use]
pub fn host_path(entry: &MountEntry, host: &[MountEntry]) -> Option<PathBuf> {
    let shows =
        |other: &&MountEntry| other.device == entry.device && Path::new(&entry.root).starts_with(&other.root);
    // The nearest, and of equally near ones the first: later ones are copies of it.
    let nearest = host.iter().filter(shows).min_by_key(|other| usize::MAX - other.root.len())?;
    let rest = Path::new(&entry.root).strip_prefix(&nearest.root).ok()?;
    let point = Path::new(&nearest.point);
    Some(if rest.as_os_str().is_empty() { point.to_owned() } else { point.join(rest) })
}

fn overlay(entry: &MountEntry, home: Home<'_>) -> MountPart {
    let (mut lowers, mut upper) = (Vec::new(), None);
    for setting in &entry.settings {
        match setting.split_once('=') {
            Some(("lowerdir+" | "datadir+", path)) => lowers.push(PathBuf::from(path)),
            Some(("lowerdir", paths)) => {
                lowers.extend(paths.split(':').filter(|path| !path.is_empty()).map(PathBuf::from));
            }
            Some(("upperdir", path)) => upper = Some(PathBuf::from(path)),
            _ => {}
        }
    }
    let is_own = |path: &PathBuf| {
        path.starts_with(home.container)
            || matches!(of_host(path, home), Part::Layers)
            // A layer may be mounted by a name relative to the store.
            || path.is_relative()
    };
    let host: Vec<PathBuf> = lowers.into_iter().filter(|path| !is_own(path)).collect();
    let part = match host.iter().find_map(|path| match of_host(path, home) {
        Part::Volume(name) => Some(name),
        _ => None,
    }) {
        _ if host.is_empty() => Part::Layers,
        Some(volume) => Part::Volume(volume),
        None => Part::HostBelowLayer,
    };
    let upper = upper.filter(|path| !is_own(path));
    MountPart { entry: entry.clone(), part, host, upper }
}

impl MountPart {
    /// Whether the kernel lets anybody write through it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        !self.entry.effective_options().iter().any(|option| option == "ro")
    }

    /// Whether its options have this word.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.entry.options.iter().any(|option| option == word)
    }
}

/// What is seen at a point: the last mount there.
pub(super) fn top<'a>(parts: &'a [MountPart], point: &str) -> Option<&'a MountPart> {
    parts.iter().rfind(|part| part.entry.point == point)
}

#[cfg(test)]
mod tests {
    use super::super::super::mount_table;
    use super::*;

    const HOST: &[u8] = b"22 27 0:21 / /proc rw - proc proc rw\n\
        23 27 0:22 / /sys rw - sysfs sysfs rw\n\
        24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n\
        27 1 254:0 / / rw - ext4 /dev/vda rw\n\
        28 27 254:1 / /home rw - ext4 /dev/vdb rw\n\
        29 27 254:1 /a/sub /mnt rw - ext4 /dev/vdb rw\n\
        30 27 0:50 / /run rw - tmpfs tmpfs rw\n";

    fn shown(line: &str) -> String {
        let host = mount_table::parse(HOST);
        let entries = mount_table::parse(line.as_bytes());
        let home = Home { store: "/home/a/store".as_ref(), container: "/home/a/store/containers/1".as_ref() };
        let part = parts(&entries, &host, home).remove(0);
        let paths: Vec<_> = part.host.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let upper = part.upper.map(|path| format!(" upper {}", path.display())).unwrap_or_default();
        format!("{} {}{upper}", part.part.word(), paths.join(","))
    }

    #[test]
    fn mounts_are_told_apart() {
        for (line, wanted) in [
            ("1 0 254:0 /srv /data rw - ext4 /dev/vda rw", "host /srv"),
            ("1 0 254:0 / /data rw - ext4 /dev/vda rw", "host /"),
            ("1 0 254:1 /a /data rw - ext4 /dev/vdb rw", "host /home/a"),
            ("1 0 254:1 / /data rw - ext4 /dev/vdb rw", "host /home"),
            ("1 0 254:1 /a/sub/x /data rw - ext4 /dev/vdb rw", "host /mnt/x"),
            (
                "1 0 254:1 /a/store/volumes/v/_data /data rw - ext4 /dev/vdb rw",
                "volume /home/a/store/volumes/v/_data",
            ),
            (
                "1 0 254:1 /a/store/containers/1/hosts /etc/hosts rw - ext4 d rw",
                "generated /home/a/store/containers/1/hosts",
            ),
            ("1 0 254:1 /a/store/containers/2 /x rw - ext4 d rw", "store /home/a/store/containers/2"),
            ("1 0 0:21 / /proc rw - proc proc rw", "host-kernel /proc"),
            ("1 0 0:60 / /proc rw - proc proc rw", "kernel "),
            ("1 0 0:22 / /sys ro - sysfs sysfs rw", "host-kernel /sys"),
            ("1 0 0:6 /null /dev/null rw - devtmpfs d rw", "device /dev/null"),
            ("1 0 0:6 /null /proc/keys ro - devtmpfs d rw", "mask /dev/null"),
            ("1 0 0:6 / /dev rw - devtmpfs d rw", "host-kernel /dev"),
            ("1 0 0:61 / /tmp rw - tmpfs tmpfs rw,size=4k", "memory "),
            ("1 0 0:62 / /proc/acpi ro - tmpfs tmpfs rw,size=4k,nr_inodes=1", "mask "),
            ("1 0 0:50 /user/1 /x rw - tmpfs tmpfs rw", "host /run/user/1"),
            ("1 0 0:99 / /n rw - nfs server:/x rw", "foreign "),
        ] {
            assert_eq!(shown(line), wanted.trim_end_matches('|'), "{line}");
        }
    }

    #[test]
    fn overlays_show_what_lies_below() {
        let own = "lowerdir+=/home/a/store/layers/x/1/tree,upperdir=/home/a/store/containers/1/upper";
        assert_eq!(shown(&format!("1 0 0:70 / / rw - overlay overlay rw,{own}")), "layers ");
        assert_eq!(
            shown(
                "1 0 0:70 / /usr rw - overlay overlay rw,lowerdir=/usr,upperdir=/home/a/store/containers/1/u"
            ),
            "host-layered /usr"
        );
        assert_eq!(
            shown("1 0 0:70 / /x rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/srv/u,workdir=/srv/w"),
            "host-layered /a,/b upper /srv/u"
        );
        assert_eq!(
            shown("1 0 0:70 / /x rw - overlay overlay rw,lowerdir+=/home/a/store/volumes/v/_data"),
            "volume /home/a/store/volumes/v/_data"
        );
    }
}
