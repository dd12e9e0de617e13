//! The text of a plan, for `--dry-run`: what a container will be, line by line, in the order of the work.

mod attachment;

use std::fmt::{self, Display, Formatter};

use super::Plan;
use super::idmap::IdRange;
use super::process::{FirstProcess, Groups, Input, NewPrivileges, Process, Streams};
use super::request::RootAccess;
use super::rootfs::{Fill, FillPart, HostAreaKind, Lifetime, Rootfs};
use super::userns::MapWriter;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "container {}", self.id)?;
        writeln!(f, "hostname {}", self.hostname)?;
        namespaces(self, f)?;
        rootfs(&self.rootfs, f)?;
        let access = match self.root_access {
            RootAccess::ReadWrite => "read-write",
            RootAccess::ReadOnly => "read-only",
        };
        writeln!(f, "  access {access}")?;
        for fill in &self.fills {
            show_fill(fill, f)?;
        }
        writeln!(f, "mounts")?;
        for mount in &self.mounts {
            writeln!(f, "  {mount}")?;
        }
        for path in &self.masked {
            writeln!(f, "masked {path}")?;
        }
        for path in &self.read_only {
            writeln!(f, "read-only {path}")?;
        }
        for (name, value) in &self.sysctls {
            writeln!(f, "sysctl {name} = {value}")?;
        }
        if let Some(adjustment) = self.process.oom_score_adjustment {
            writeln!(f, "oom score adjustment {adjustment}")?;
        }
        process(&self.process, f)
    }
}

fn show_fill(fill: &Fill, f: &mut Formatter<'_>) -> fmt::Result {
    let data = match &fill.part {
        FillPart::Volume => fill.data.clone(),
        FillPart::Directory(subpath) if subpath.is_all() => fill.data.clone(),
        FillPart::Directory(subpath) => fill.data.join(subpath.as_os_str()),
    };
    writeln!(f, "fill {data:?} from {} of the image if it is empty", fill.destination)
}

fn namespaces(plan: &Plan, f: &mut Formatter<'_>) -> fmt::Result {
    let namespaces = &plan.namespaces;
    let network = if namespaces.network.is_own() { " network" } else { "" };
    let user = if namespaces.user.is_some() { "user " } else { "" };
    writeln!(f, "namespaces {user}mount pid ipc uts cgroup{network}")?;
    writeln!(f, "network {}", namespaces.network)?;
    if let Some(connection) = &plan.connection {
        writeln!(f, "  {}", connection.arguments("the container's").join(" "))?;
    }
    let Some(user) = &namespaces.user else { return Ok(()) };
    let writer = match &user.writer {
        MapWriter::Itself => "the container's first process".to_owned(),
        MapWriter::Programs { newuidmap, newgidmap } => {
            format!("{} and {}", newuidmap.display(), newgidmap.display())
        }
        MapWriter::Launcher => "the launcher".to_owned(),
    };
    writeln!(f, "  maps written by {writer}")?;
    ids("users", &user.map.users, f)?;
    ids("groups", &user.map.groups, f)
}

fn ids(which: &str, ranges: &[IdRange], f: &mut Formatter<'_>) -> fmt::Result {
    for range in ranges {
        let IdRange { container, host, size } = range;
        writeln!(f, "  {which} {container} is {host} on the host, {size} of them")?;
    }
    Ok(())
}

fn rootfs(rootfs: &Rootfs, f: &mut Formatter<'_>) -> fmt::Result {
    match rootfs {
        Rootfs::Directory { path, .. } => writeln!(f, "root filesystem: directory {path:?}"),
        Rootfs::Overlay { lowers, upper, work, lifetime, .. } => {
            writeln!(f, "root filesystem: overlay")?;
            for lower in lowers {
                writeln!(f, "  lower {lower:?}")?;
            }
            let note = match lifetime {
                Lifetime::Kept => "",
                Lifetime::Ephemeral => " (volatile: removed with the container)",
            };
            writeln!(f, "  upper {upper:?}{note}")?;
            writeln!(f, "  work {work:?}")
        }
        Rootfs::Host { areas, .. } => {
            writeln!(f, "root filesystem: the host's, under a throw-away layer in memory")?;
            for area in areas {
                let what = match &area.kind {
                    HostAreaKind::Overlay { .. } => "overlay".to_owned(),
                    HostAreaKind::Empty { .. } => "empty directory".to_owned(),
                    HostAreaKind::Directory { .. } => "directory".to_owned(),
                    HostAreaKind::Symlink { destination } => format!("symlink to {destination:?}"),
                    HostAreaKind::ReadOnlyBind => "read-only bind".to_owned(),
                    HostAreaKind::ReadOnlyFile => "read-only file".to_owned(),
                };
                writeln!(f, "  {} {what}", area.path)?;
            }
            Ok(())
        }
    }
}

fn process(process: &Process, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "process {:?}", process.arguments)?;
    let user = &process.user;
    write!(f, "  user {} group {}", user.uid, user.gid)?;
    match &user.groups {
        Groups::Set(groups) => write!(f, " groups {groups:?}")?,
        Groups::Kept => write!(f, " groups unchanged")?,
    }
    writeln!(f, " umask {:04o}", user.umask)?;
    writeln!(f, "  working directory {}", process.working_directory)?;
    let sets = &process.capabilities;
    writeln!(f, "  capabilities bounding {}", sets.bounding)?;
    writeln!(f, "  capabilities effective {}", sets.effective)?;
    let privileges = match process.new_privileges {
        NewPrivileges::Denied => "cannot be gained (no_new_privs)",
        NewPrivileges::Allowed => "can be gained by setuid programs",
    };
    writeln!(f, "  privileges {privileges}")?;
    match &process.filter {
        Some(filter) => {
            let length = filter.instructions.len();
            writeln!(f, "  system calls filtered by {length} instructions, {}", filter.digest())?;
        }
        None => writeln!(f, "  system calls unconfined")?,
    }
    for limit in &process.limits {
        let number = |value: Option<u64>| value.map_or("unlimited".to_owned(), |value| value.to_string());
        let (name, soft, hard) = (limit.resource.name(), number(limit.soft), number(limit.hard));
        writeln!(f, "  limit {name} {soft} {hard}")?;
    }
    let streams = match process.streams {
        Streams::Terminal => "a terminal of its own",
        Streams::Launcher { input: Input::Attached } => "the launcher's",
        Streams::Launcher { input: Input::Empty } => "the launcher's, input empty",
    };
    writeln!(f, "  streams {streams}")?;
    if process.first == FirstProcess::Init {
        writeln!(f, "  below an init of minirun's")?;
    }
    for assignment in &process.environment {
        writeln!(f, "  environment {assignment:?}")?;
    }
    Ok(())
}
