//! What can be done about limits without a cgroup: each process can be limited by itself, with `setrlimit(2)`.

use super::{Enforcement, Kind, Limit};
use crate::plan::limit::{Resource, Ulimit};

/// The limits of processes that come near those of a container, and what is said about them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BestEffort {
    /// What every process gets.
    pub limits: Vec<Ulimit>,
    /// What that does and does not do, one for each flag.
    pub enforcements: Vec<Enforcement>,
}

/// Whether the kernel counts the processes of a user, for `RLIMIT_NPROC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// In the container's user namespace by itself (5.14).
    Namespace,
    /// Root is not limited by it.
    Nobody,
}

impl BestEffort {
    /// Does what can be done; what `given` says of the same resource is left alone.
    #[must_use]
    pub fn of(limits: &[Limit], given: &[Ulimit], counting: Counting) -> Self {
        let mut result = Self::default();
        let mut last = None;
        // A flag may be several files.
        for limit in limits {
            if last.replace(limit.kind) != Some(limit.kind) {
                result.add(limit, given, counting);
            }
        }
        result
    }

    fn add(&mut self, limit: &Limit, given: &[Ulimit], counting: Counting) {
        let asked = format!("{} {}", limit.kind.flag(), limit.asked);
        let near = match limit.kind {
            Kind::Memory => Ok((Resource::Data, "for each process by itself, and its private memory only")),
            Kind::PidsLimit if counting == Counting::Namespace => {
                Ok((Resource::Nproc, "for each user of the container by itself, threads counted"))
            }
            Kind::PidsLimit => Err("RLIMIT_NPROC does not bind root"),
            Kind::MemorySwap | Kind::MemoryReservation => {
                Err("no limit of a process is about swap or reserves")
            }
            Kind::Cpus | Kind::CpuShares => Err("no limit of a process is about its share of the processors"),
            Kind::CpusetCpus | Kind::CpusetMems => {
                Err("a process may leave the processors that it was given")
            }
            Kind::BlkioWeight => Err("no limit of a process is about its share of the disks"),
        };
        let value = limit.value.parse::<u64>().ok();
        let (enforced, verified) = match (near, value) {
            (Ok((resource, _)), _) if given.iter().any(|one| one.resource == resource) => {
                (None, format!("--ulimit {} says otherwise", resource.name()))
            }
            (Ok((resource, how)), Some(value)) => {
                self.limits.push(Ulimit { resource, soft: Some(value), hard: Some(value) });
                let name = resource.name().to_uppercase();
                (Some(format!("RLIMIT_{name}={value}")), how.to_owned())
            }
            (Ok(_), None) => (None, "it is no number".to_owned()),
            (Err(why), _) => (None, why.to_owned()),
        };
        self.enforcements.push(Enforcement { asked, enforced, verified });
    }
}
