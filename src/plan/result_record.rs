//! What became of a container, in one document: what was asked, what was enforced, how that is known, and what it took.
//!
//! `docs/result.md` describes every field; a test compares the two.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::idmap::IdRange;
use super::resources::Enforcement;

/// The version of the document. Fields may come without a new one; what one means stays.
pub const VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultRecord {
    /// [`VERSION`].
    pub version: u32,
    /// How minirun did.
    pub minirun: OwnOutcome,
    /// The container; none if there never was one.
    pub container: Option<ContainerOutcome>,
    /// How the command did.
    pub command: CommandOutcome,
    /// What it took.
    pub usage: Usage,
    /// Its mounts, each behind the one that it lies on.
    pub mounts: Vec<MountFinding>,
    /// Whom it ran as; none if it did not.
    pub ids: Option<IdFindings>,
    /// The limits that were asked for.
    pub limits: Vec<Enforcement>,
    /// What it might do; none if it did not run.
    pub security: Option<SecurityFindings>,
}

/// How minirun did, apart from the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnOutcome {
    /// The program's version.
    pub version: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The exit code of `minirun run`.
    pub exit_code: u8,
    /// What went wrong, from the whole to the cause; empty if nothing did.
    pub errors: Vec<String>,
    /// What can be done about it.
    pub hint: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The command ran to its end, whatever that was.
    Ran,
    /// The command never ran.
    NotStarted,
    /// The command ran, and minirun lost it.
    Lost,
}

/// The container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerOutcome {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image as it was named.
    pub image: String,
    /// The image's ID; none for directories and the machine's own root.
    pub image_id: Option<String>,
    /// Which of its runs this was, from 1.
    pub run: u32,
}

/// How the command did, apart from minirun.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandOutcome {
    /// The command line.
    pub arguments: Vec<String>,
    /// When it began, RFC 3339.
    pub started: Option<String>,
    /// When it had ended, RFC 3339.
    pub finished: Option<String>,
    /// The code that it returned; none if a signal ended it.
    pub exit_code: Option<u8>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// Whether it ran longer than `--timeout`.
    pub timed_out: bool,
    /// Whether the kernel killed something of it for want of memory; none if that is not known.
    pub out_of_memory: Option<bool>,
}

/// What it took; what is not known is none, and [`Self::unknown`] says why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Who counted: `cgroup` or `processes`.
    pub source: Option<String>,
    /// From the start of the command to its end, seconds.
    pub wall_seconds: Option<f64>,
    /// Processor time of the programs, seconds.
    pub user_seconds: Option<f64>,
    /// Processor time of the kernel for them, seconds.
    pub system_seconds: Option<f64>,
    /// The most memory at one time, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Whose memory that is: `all-processes` or `largest-process`.
    pub peak_memory_of: Option<String>,
    /// Bytes read from disks.
    pub read_bytes: Option<u64>,
    /// Bytes written to disks.
    pub written_bytes: Option<u64>,
    /// Why something is not known, by the name of its field.
    pub unknown: BTreeMap<String, String>,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MountFinding {
    /// Where it is.
    pub destination: String,
    /// `bind`, `volume` and so on where it was asked for, else why it is there, or the file system's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The volume, the path on the host, or what the file system calls its source.
    pub source: String,
    /// The words of the flags; none where nobody asked.
    pub asked: Option<Vec<String>>,
    /// What the kernel says.
    pub enforced: Option<Vec<String>>,
    /// How that is known, or why it is not.
    pub verified: String,
}

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding<T> {
    /// What the plan said.
    pub asked: T,
    /// What was so; none if it could not be found out.
    pub enforced: Option<T>,
    /// How that is known, or why it is not.
    pub verified: String,
}

/// Whom it ran as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdFindings {
    /// `UID:GID` in the container.
    pub user: Finding<String>,
    /// Which users of the host its users are.
    pub uid_map: Finding<Vec<IdRange>>,
    /// Which groups of the host its groups are.
    pub gid_map: Finding<Vec<IdRange>>,
}

/// What it might do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityFindings {
    /// The bounding set.
    pub capabilities: Finding<Vec<String>>,
    /// What the command began with.
    pub effective_capabilities: Finding<Vec<String>>,
    /// Whether nothing in it can gain rights.
    pub no_new_privileges: Finding<bool>,
    /// `none` or `filter`.
    pub seccomp: Finding<String>,
    /// Whether `/` is read-only.
    pub read_only_root: Finding<bool>,
    /// Paths whose content is hidden.
    pub masked_paths: Finding<Vec<String>>,
    /// Paths that can only be read.
    pub read_only_paths: Finding<Vec<String>>,
    /// The words of `--landlock` that hold.
    pub landlock: Finding<Vec<String>>,
    /// Its namespaces: `own` or `shared`, the latter with whoever started it or with another container.
    pub namespaces: BTreeMap<String, Finding<String>>,
}
