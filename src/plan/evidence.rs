//! What the kernel says of a process, read: `/proc/PID/status`, its ID maps and its limits.
//!
//! Source: `proc_pid_status(5)`, `user_namespaces(7)`, `proc_pid_limits(5)`.

use super::capability::CapabilitySet;
use super::idmap::IdRange;
use super::landlock::Abi;
use super::limit::Resource;

/// The number of `seccomp` for a filter, `proc_pid_status(5)`.
const FILTER: &str = "2";

/// The texts that a procfs has about a process; none where it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// `status`.
    pub status: Option<String>,
    /// `uid_map`.
    pub uid_map: Option<String>,
    /// `gid_map`.
    pub gid_map: Option<String>,
    /// `limits`.
    pub limits: Option<String>,
    /// `mountinfo`.
    pub mounts: Option<Vec<u8>>,
    /// The version of the kernel's Landlock; none where it has none.
    pub landlock: Option<Abi>,
    /// The names of namespaces, and whether they are others than the reader's.
    pub namespaces: Vec<(&'static str, Option<bool>)>,
}

impl Evidence {
    fn line(&self, name: &str) -> Option<&str> {
        let lines = self.status.as_deref()?.lines();
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| *key == name)
            .map(|(_, rest)| rest.trim())
    }

    /// The effective user and group, as the reader sees them.
    #[must_use]
    pub fn user(&self) -> Option<(u32, u32)> {
        let effective = |name| self.line(name)?.split_whitespace().nth(1)?.parse().ok();
        Some((effective("Uid")?, effective("Gid")?))
    }

    /// The supplementary groups, as the reader sees them.
    #[must_use]
    pub fn groups(&self) -> Vec<u32> {
        let words = self.line("Groups").unwrap_or_default().split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    }

    /// One of the sets of capabilities, by the name of its line.
    #[must_use]
    pub fn capabilities(&self, name: &str) -> Option<CapabilitySet> {
        let bits = u64::from_str_radix(self.line(name)?, 16).ok()?;
        Some(CapabilitySet::all().members().into_iter().filter(|one| bits & one.bitmask() != 0).collect())
    }

    /// Whether it has given up to gain rights.
    #[must_use]
    pub fn no_new_privileges(&self) -> Option<bool> {
        Some(self.line("NoNewPrivs")? == "1")
    }

    /// Whether its system calls are filtered.
    #[must_use]
    pub fn is_filtered(&self) -> Option<bool> {
        Some(self.line("Seccomp")? == FILTER)
    }

    /// What filters its system calls: `none`, `strict` or `filter`.
    #[must_use]
    pub fn filter_mode(&self) -> Option<&'static str> {
        match self.line("Seccomp")? {
            "0" => Some("none"),
            "1" => Some("strict"),
            FILTER => Some("filter"),
            _ => None,
        }
    }

    /// How many filters its system calls go through (5.9).
    #[must_use]
    pub fn filters(&self) -> Option<u32> {
        self.line("Seccomp_filters")?.parse().ok()
    }

    /// The soft and the hard limit of a resource, as the kernel prints them.
    #[must_use]
    pub fn limit(&self, resource: Resource) -> Option<(String, String)> {
        let row = self.limits.as_deref()?.lines().find_map(|line| line.strip_prefix(title(resource)))?;
        let mut words = row.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.next()?))
    }
}

/// Reads an ID map.
#[must_use]
pub fn id_map(text: &str) -> Vec<IdRange> {
    let range = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(IdRange { container: next()?, host: next()?, size: next()? })
    };
    text.lines().filter_map(range).collect()
}

fn title(resource: Resource) -> &'static str {
    match resource {
        Resource::As => "Max address space",
        Resource::Core => "Max core file size",
        Resource::Cpu => "Max cpu time",
        Resource::Data => "Max data size",
        Resource::Fsize => "Max file size",
        Resource::Locks => "Max file locks",
        Resource::Memlock => "Max locked memory",
        Resource::Msgqueue => "Max msgqueue size",
        Resource::Nice => "Max nice priority",
        Resource::Nofile => "Max open files",
        Resource::Nproc => "Max processes",
        Resource::Rss => "Max resident set",
        Resource::Rtprio => "Max realtime priority",
        Resource::Rttime => "Max realtime timeout",
        Resource::Sigpending => "Max pending signals",
        Resource::Stack => "Max stack size",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_procfs_says_is_read() {
        let evidence = Evidence {
            status: Some(
                "Name:\tx\nUid:\t1\t1000\t1\t1\nGid:\t1\t7\t1\t1\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\nGroups:\t7 9 \nCapBnd:\t0000000000000003\n"
                    .to_owned(),
            ),
            limits: Some(
                "Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\nMax nice priority  0 0\n"
                    .to_owned(),
            ),
            ..Evidence::default()
        };
        assert_eq!(evidence.user(), Some((1000, 7)));
        assert_eq!((evidence.filter_mode(), evidence.filters()), (Some("filter"), Some(1)));
        assert_eq!(evidence.groups(), [7, 9]);
        assert_eq!(evidence.capabilities("CapBnd").unwrap().to_string(), "CHOWN DAC_OVERRIDE");
        assert_eq!(evidence.capabilities("CapEff"), None);
        assert_eq!((evidence.no_new_privileges(), evidence.is_filtered()), (Some(true), Some(true)));
        assert_eq!(evidence.limit(Resource::Nofile), Some(("1024".to_owned(), "4096".to_owned())));
        assert_eq!(evidence.limit(Resource::Core), None);
    }

    #[test]
    fn maps_are_read() {
        let range = IdRange { container: 0, host: 1000, size: 1 };
        assert_eq!(id_map("         0       1000          1\n"), [range]);
        assert_eq!(id_map("nonsense\n0 4294967296 1\n"), []);
    }
}
