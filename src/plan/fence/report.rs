//! From facts to the report.

use std::collections::BTreeMap;

use super::super::capability::CapabilitySet;
use super::super::evidence::{Evidence, id_map};
use super::super::idmap::{IdRange, to_container, to_host};
use super::super::limit::Resource;
use super::super::mount_table;
use super::difference::{self, AskedFence};
use super::facts::{BLOCK, Facts, NamespaceFact, Place};
use super::mounts::{self, Home, MountPart};
use super::schema::{
    CapabilityReport, DeviceReport, FilterReport, LimitReport, MountReport, NamespaceReport, ProcessReport,
    RangeReport, Report, ResourceReport, Subject, UserReport,
};
use super::ways;

impl Report {
    /// Says what the facts mean.
    #[must_use]
    pub fn new(subject: Subject, facts: &Facts, asked: &AskedFence) -> Self {
        let holder = Holder::new(facts);
        let home = Home { store: &asked.store, container: &asked.directory };
        let table = facts.evidence.mounts.as_deref().unwrap_or_default();
        let parts = mounts::parts(&mount_table::parse(table), &mount_table::parse(&facts.host_mounts), home);
        let devices = devices(facts, &parts, &holder);
        let stronger = stronger(facts);
        let mut report = Self {
            subject,
            user: user(facts, &holder),
            uid_map: ranges(&holder.users),
            gid_map: ranges(&holder.groups),
            setgroups: facts.setgroups.as_deref().map(|text| text.trim().to_owned()),
            capabilities: capabilities(&facts.evidence),
            no_new_privileges: facts.evidence.no_new_privileges(),
            seccomp: filter(facts, asked),
            label: facts.label.clone(),
            namespaces: facts.namespaces.iter().map(namespace).collect(),
            mounts: parts.iter().map(|part| mount(part, facts, &holder)).collect(),
            devices,
            limits: limits(facts),
            stronger_processes: stronger,
            ways: Vec::new(),
            differences: Vec::new(),
            unread: facts.unread.clone(),
        };
        report.ways = ways::find(&report, (facts, &parts), asked);
        report.differences = difference::find(&report, facts, asked);
        report
    }

    /// Whether the container is in the reader's namespace of this kind; false where that is not known.
    #[must_use]
    pub fn shares(&self, kind: &str) -> bool {
        self.namespaces.iter().any(|one| one.kind == kind && one.shared == Some(true))
    }

    /// Whether somebody in the container can have this capability.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        let sets = self.capabilities.as_ref();
        sets.is_some_and(|sets| sets.bounding.iter().any(|name| name == capability))
    }
}

/// With whose rights the container touches files.
pub(super) struct Holder {
    pub(super) users: Vec<IdRange>,
    pub(super) groups: Vec<IdRange>,
    uid: u32,
    gids: Vec<u32>,
    bounding: CapabilitySet,
}

impl Holder {
    fn new(facts: &Facts) -> Self {
        let read = |text: &Option<String>| id_map(text.as_deref().unwrap_or_default());
        let (uid, gid) = facts.evidence.user().unwrap_or((u32::MAX, u32::MAX));
        let gids = [vec![gid], facts.evidence.groups()].concat();
        Self {
            users: read(&facts.evidence.uid_map),
            groups: read(&facts.evidence.gid_map),
            uid,
            gids,
            bounding: facts.evidence.capabilities("CapBnd").unwrap_or_default(),
        }
    }

    /// Whether permissions let the container open a file with all of `bits` (4 reading, 2 writing), if need be after
    /// taking the rights that it can have. Access control lists do not count.
    fn may(&self, place: &Place, bits: u32) -> bool {
        let grants = |shift: u32| place.mode >> shift & bits == bits;
        let is_mapped =
            to_container(&self.users, place.uid).is_some() && to_container(&self.groups, place.gid).is_some();
        let overrides = is_mapped && self.bounding.has("DAC_OVERRIDE");
        let owns = self.uid == place.uid;
        let class = if owns {
            grants(6)
        } else if self.gids.contains(&place.gid) {
            grants(3)
        } else {
            grants(0)
        };
        class || overrides
    }
}

fn user(facts: &Facts, holder: &Holder) -> Option<UserReport> {
    let (uid, gid) = facts.evidence.user()?;
    Some(UserReport {
        uid: to_container(&holder.users, uid),
        gid: to_container(&holder.groups, gid),
        outside_uid: uid,
        outside_gid: gid,
        outside_groups: facts.evidence.groups(),
        outside_root: to_host(&holder.users, 0),
    })
}

fn ranges(map: &[IdRange]) -> Vec<RangeReport> {
    let range =
        |range: &IdRange| RangeReport { container: range.container, outside: range.host, size: range.size };
    map.iter().map(range).collect()
}

/// The names of a set.
pub(super) fn names(set: CapabilitySet) -> Vec<String> {
    set.to_string().split_whitespace().map(str::to_owned).collect()
}

fn capabilities(evidence: &Evidence) -> Option<CapabilityReport> {
    let set = |line| evidence.capabilities(line).map(names);
    Some(CapabilityReport {
        inheritable: set("CapInh")?,
        permitted: set("CapPrm")?,
        effective: set("CapEff")?,
        bounding: set("CapBnd")?,
        ambient: set("CapAmb")?,
    })
}

fn filter(facts: &Facts, asked: &AskedFence) -> Option<FilterReport> {
    let mode = facts.evidence.filter_mode()?;
    // Whoever started minirun may have installed one before.
    let wanted =
        asked.filter.as_ref().filter(|wanted| facts.filters.is_empty() || facts.filters.contains(wanted));
    let hash = wanted.or(facts.filters.first()).filter(|_| mode == "filter");
    let from = if facts.filters.is_empty() { "record" } else { "kernel" };
    Some(FilterReport {
        mode: mode.to_owned(),
        filters: facts.evidence.filters(),
        hash: hash.cloned(),
        hash_from: hash.map(|_| from.to_owned()),
    })
}

fn namespace(fact: &NamespaceFact) -> NamespaceReport {
    NamespaceReport { kind: fact.kind.to_owned(), inode: fact.inode, shared: fact.is_shared() }
}

fn mount(part: &MountPart, facts: &Facts, holder: &Holder) -> MountReport {
    let place = facts.places.get(&part.entry.id);
    MountReport {
        destination: part.entry.point.to_string_lossy().into_owned(),
        kind: part.part.word().to_owned(),
        host_paths: part.host.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        confirmed: place.and_then(|place| place.is_confirmed).filter(|_| !part.host.is_empty()),
        writable: part.is_writable(),
        writable_top: place.map(|place| part.is_writable() && holder.may(place, 2)),
        file_system: part.entry.file_system.clone(),
        options: part.entry.effective_options(),
        propagation: part.entry.propagation_name(),
    }
}

/// What every container has: null, zero, full, random, urandom, tty, ptmx and console.
const USUAL: [(u32, u32); 8] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (5, 1)];
/// The major numbers of pseudoterminals.
const TERMINALS: std::ops::RangeInclusive<u32> = 136..=143;

fn devices(facts: &Facts, parts: &[MountPart], holder: &Holder) -> Vec<DeviceReport> {
    let mounted = parts.iter().filter_map(|part| {
        let place = facts.places.get(&part.entry.id).filter(|place| place.is_device())?;
        // What hides a file is a device, too, but one of the usual.
        (part.part != mounts::Part::Mask).then(|| (part.entry.point.to_string_lossy().into_owned(), *place))
    });
    let listed = facts.devices.iter().map(|node| (node.path.to_string_lossy().into_owned(), node.place));
    let all: BTreeMap<String, Place> = mounted.chain(listed).collect();
    all.iter().map(|(path, place)| device(path, place, holder)).collect()
}

fn device(path: &str, place: &Place, holder: &Holder) -> DeviceReport {
    let (major, minor) = place.device;
    let is_block = place.kind() == BLOCK;
    DeviceReport {
        path: path.to_owned(),
        kind: if is_block { "b" } else { "c" }.to_owned(),
        major,
        minor,
        mode: format!("{:04o}", place.mode & 0o7777),
        usable: holder.may(place, 4) || holder.may(place, 2),
        usual: !is_block && (USUAL.contains(&place.device) || TERMINALS.contains(&major)),
    }
}

fn limits(facts: &Facts) -> LimitReport {
    let resource = |resource: Resource| {
        let (soft, hard) = facts.evidence.limit(resource)?;
        Some(ResourceReport { name: resource.name().to_owned(), soft, hard })
    };
    let own = facts.cgroup.as_deref().unwrap_or_default().lines().find_map(|line| line.strip_prefix("0::"));
    LimitReport {
        resources: Resource::ALL.into_iter().filter_map(resource).collect(),
        cgroup: facts.limits.iter().cloned().collect(),
        cgroup_path: own.map(str::to_owned),
        oom_score_adjustment: facts.oom_score,
    }
}

/// Who may do more than the first process.
fn stronger(facts: &Facts) -> Vec<ProcessReport> {
    let more = |(pid, other): &(i32, Evidence)| {
        let more = more_than(&facts.evidence, other);
        (!more.is_empty()).then_some(ProcessReport { pid: *pid, more })
    };
    facts.others.iter().filter_map(more).collect()
}

fn more_than(first: &Evidence, other: &Evidence) -> Vec<String> {
    let mut more = Vec::new();
    if let (Some(base), Some(set)) = (first.capabilities("CapBnd"), other.capabilities("CapBnd"))
        && set.without(base) != CapabilitySet::default()
    {
        more.push(format!("the capabilities {}", set.without(base)));
    }
    if first.no_new_privileges() == Some(true) && other.no_new_privileges() == Some(false) {
        more.push("gaining rights by a program".to_owned());
    }
    if first.is_filtered() == Some(true) && other.is_filtered() == Some(false) {
        more.push("system calls without a filter".to_owned());
    }
    more
}
