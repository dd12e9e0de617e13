//! The ways from a container to the host, each as a sentence.

mod files;
mod kernel;

use serde::Serialize;

use super::difference::AskedFence;
use super::facts::Facts;
use super::mounts::MountPart;
use super::schema::{RangeReport, Report};

/// How much of the host a way gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As good as being outside, with the rights of whoever runs the container or more.
    Critical,
    /// Data or services of the host can be changed or used.
    Serious,
    /// The host's data can be seen, or less than usual stands before the kernel.
    Moderate,
    /// Worth knowing.
    Slight,
}

impl Severity {
    /// The word in the report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Serious => "serious",
            Self::Moderate => "moderate",
            Self::Slight => "slight",
        }
    }
}

/// One way to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Way {
    /// How much it gives.
    pub severity: Severity,
    /// What it goes through: `user`, `capabilities`, `seccomp`, `privileges`, `network`, `namespace`, `mount`, `kernel`,
    /// `device`, `descriptor` or `process`.
    pub through: &'static str,
    /// The sentence; its subject is the container.
    pub text: String,
}

/// What all ways are told from.
#[derive(Clone, Copy)]
struct Scene<'a> {
    report: &'a Report,
    facts: &'a Facts,
    parts: &'a [MountPart],
    asked: &'a AskedFence,
}

impl Scene<'_> {
    /// Whether its capabilities count for the whole machine, as far as the reader can tell.
    fn rules_host(&self) -> bool {
        self.report.shares("user")
    }

    /// Whether files and processes of the host's root are its own.
    fn has_host_root(&self) -> bool {
        self.has(0)
    }

    /// Whether a user of the host is one of its own.
    fn has(&self, uid: u32) -> bool {
        let has = |range: &RangeReport| uid.checked_sub(range.outside).is_some_and(|at| at < range.size);
        self.report.uid_map.iter().any(has)
    }

    /// Who it is outside.
    fn outside(&self) -> String {
        let user = self.report.user.as_ref();
        let uid = user.map(|user| user.outside_root.unwrap_or(user.outside_uid));
        match uid {
            Some(0) => "root of the host".to_owned(),
            Some(uid) => format!("uid {uid}"),
            None => "whoever runs it".to_owned(),
        }
    }
}

fn way(severity: Severity, through: &'static str, text: impl Into<String>) -> Way {
    Way { severity, through, text: text.into() }
}

/// Finds all ways, the most serious first.
pub(super) fn find(report: &Report, (facts, parts): (&Facts, &[MountPart]), asked: &AskedFence) -> Vec<Way> {
    let scene = Scene { report, facts, parts, asked };
    let mut ways = kernel::user(scene);
    ways.extend(kernel::capabilities(scene));
    ways.extend(kernel::calls(scene));
    ways.extend(kernel::namespaces(scene));
    ways.extend(kernel::processes(scene));
    ways.extend(files::mounts(scene));
    ways.extend(files::kernel_files(scene));
    ways.extend(files::devices(scene));
    ways.extend(files::descriptors(scene));
    ways.sort_by_key(|way| way.severity);
    ways
}

#[cfg(test)]
mod tests;
