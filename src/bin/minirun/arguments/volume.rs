//! The flags of the verbs about volumes.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::volume_data::{
    CloneVolume, DiffVolumes, ExportVolume, ImportVolume, ListSnapshots, Reflink, SnapshotVolume,
};
const LIST_TAIL: &str = "\
Filters of one key mean one or the other, but every label must be there; keys mean one and the other:
  name=REGEX           the name, exactly, or what the expression finds in it
  label=KEY[=VALUE]    with this label; label!=KEY[=VALUE] without it
  dangling=true|false  whether no container refers to it
  driver=local, scope=local, opt=KEY[=VALUE], anonymous=true|false
  until=TIME           made before: a moment, or how long ago (24h); since=VOLUME made after that one";

const PRUNE_TAIL: &str = "\
Without --all only volumes without a name go: from -v /DEST, an image's VOLUME, or a `create` without NAME. What has
driver options stays. Filters: label=KEY[=VALUE], label!=KEY[=VALUE], all=true, until=TIME, since=VOLUME,
anonymous=true|false.";

/// The verbs of `minirun volume`
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum VolumeVerb {
    /// Make a volume, unless there is one of that name
    Create(CreateVolume),
    /// Bring back a volume that was removed, or what a volume had in a snapshot
    Restore(RestoreVolume),
    /// Write the files of a volume as a tar archive
    Export(ExportVolume),
    /// Put the files of a tar archive into a volume
    Import(ImportVolume),
    /// Make a volume of another's files
    Clone(CloneVolume),
    /// Keep what a volume has now
    Snapshot(SnapshotVolume),
    /// List the snapshots of a volume
    Snapshots(ListSnapshots),
    /// Show what differs between volumes or snapshots
    Diff(DiffVolumes),
    /// List volumes
    #[command(visible_alias = "list")]
    Ls(ListVolumes),
    /// Show everything about volumes, as JSON
    Inspect(InspectVolumes),
    /// Remove volumes that no container refers to
    #[command(visible_alias = "remove")]
    Rm(RemoveVolumes),
    /// Remove all volumes without a name that no container refers to
    Prune(PruneVolumes),
    /// Say by the exit code whether there is a volume: 0, else 1
    Exists(OneVolume),
    /// Refused: only volumes of a cluster can be changed
    #[command(hide = true)]
    Update(AnyWords),
}

#[derive(Debug, Args)]
pub(crate) struct CreateVolume {
    /// The volume's name [default: a random one, which makes it anonymous]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The same, as older scripts have it
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    pub(crate) named: Option<String>,
    /// The driver: `local` is the only one
    #[arg(short, long, value_name = "DRIVER", default_value = "local")]
    pub(crate) driver: String,
    /// An option of the driver: `type=`, `device=` and `o=` say what is mounted, as for mount(8)
    #[arg(short, long = "opt", value_name = "KEY=VALUE")]
    pub(crate) options: Vec<String>,
    /// A note on the volume
    #[arg(short, long = "label", value_name = "KEY[=VALUE]")]
    pub(crate) labels: Vec<String>,
    /// Accepted for Podman's sake; a volume that is there is no error anyway
    #[arg(long)]
    pub(crate) ignore: bool,
}

#[derive(Debug, Args)]
#[command(after_help = LIST_TAIL)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are just that")]
pub(crate) struct ListVolumes {
    /// Only names
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Only those that fit, see below
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
    /// `table`, `json`, or a template such as '{{.Name}}: {{.Mountpoint}}' or 'table {{.Name}}\t{{.Labels}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// No heading
    #[arg(short, long)]
    pub(crate) noheading: bool,
    /// How many containers refer to each, and how much room it takes
    #[arg(short, long)]
    pub(crate) size: bool,
    /// Removed volumes that can be brought back, instead
    #[arg(long, conflicts_with_all = ["filters", "size"])]
    pub(crate) trash: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InspectVolumes {
    /// What to show of each, such as '{{.Mountpoint}}' or '{{json .Labels}}'
    #[arg(short, long, value_name = "TEMPLATE", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// All volumes
    #[arg(short, long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Names
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveVolumes {
    /// A name that no volume has is no error
    #[arg(short, long)]
    pub(crate) force: bool,
    /// All volumes
    #[arg(short, long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// For good: `volume restore` cannot bring them back
    #[arg(long)]
    pub(crate) purge: bool,
    /// Accepted for Podman's sake; no container is ever stopped for its volumes
    #[arg(short, long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) time: Option<i64>,
    /// Names
    #[arg(required_unless_present = "all", value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = PRUNE_TAIL)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are just that")]
pub(crate) struct PruneVolumes {
    /// Those with a name, too
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only those that fit, see below
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
    /// Only show what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// For good: `volume restore` cannot bring them back
    #[arg(long)]
    pub(crate) purge: bool,
    /// Empty the trash instead: what was removed and could still be brought back
    #[arg(long, conflicts_with_all = ["all", "filters", "purge"])]
    pub(crate) trash: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneVolume {
    /// The volume's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreVolume {
    /// The removed volume's name, or a snapshot
    #[arg(value_name = "NAME|VOLUME@SNAPSHOT")]
    pub(crate) name: String,
    /// Give it this name instead
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) new_name: Option<String>,
    #[command(flatten)]
    pub(crate) snapshot: RestoreSnapshot,
}

// Flags for snapshots. See `AccessArgs` for why this is no documentation.
#[derive(Debug, Args)]
pub(crate) struct RestoreSnapshot {
    /// Of a snapshot: also while containers use the volume, which go on with the files it had
    #[arg(short, long, conflicts_with = "new_name")]
    pub(crate) force: bool,
    /// Of a snapshot: do not keep what the volume had before
    #[arg(long, conflicts_with = "new_name")]
    pub(crate) purge: bool,
    /// Of a snapshot: share blocks between copies (reflink)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) reflink: Reflink,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AnyWords {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}
