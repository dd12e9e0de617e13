//! The flags of the verbs about the files of volumes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compress {
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// Whether a copy shares its blocks with its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reflink {
    /// Where the file system can
    Auto,
    /// Or else fail
    Always,
    /// Copy every block
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct ExportVolume {
    /// The volume, or one of its snapshots
    #[arg(value_name = "VOLUME[@SNAPSHOT]")]
    pub(crate) name: String,
    /// Where to write; the file is replaced when the archive is complete [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The compression [default: by the ending of FILE, else none]
    #[arg(long, value_name = "WITH")]
    pub(crate) compress: Option<Compress>,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportVolume {
    /// The volume: its directories stay, files of the same name are replaced
    #[arg(value_name = "VOLUME")]
    pub(crate) name: String,
    /// A tar archive, compressed or not; `-` for standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// Make the volume if there is none of that name
    #[arg(long)]
    pub(crate) create: bool,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CloneVolume {
    /// The volume, or one of its snapshots
    #[arg(value_name = "VOLUME[@SNAPSHOT]")]
    pub(crate) source: String,
    /// The name of the new volume
    #[arg(value_name = "NEW")]
    pub(crate) name: String,
    /// A label of the new volume [default: the labels of the old one]
    #[arg(short, long = "label", value_name = "KEY[=VALUE]")]
    pub(crate) labels: Vec<String>,
    #[command(flatten)]
    pub(crate) copying: CopyFlags,
}

// How files are copied, and what is said about it. See `AccessArgs` for why this is no documentation.
#[derive(Debug, Args)]
pub(crate) struct CopyFlags {
    /// Share blocks between copies (reflink)
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) reflink: Reflink,
    /// Say how much was shared and how much was copied
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(override_usage = "minirun volume snapshot [OPTIONS] VOLUME [NAME]
       minirun volume snapshot ls [OPTIONS] VOLUME
       minirun volume snapshot rm VOLUME@SNAPSHOT...")]
pub(crate) struct SnapshotVolume {
    #[command(subcommand)]
    pub(crate) verb: Option<SnapshotVerb>,
    #[command(flatten)]
    pub(crate) make: MakeSnapshot,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum SnapshotVerb {
    /// Make a snapshot, also of a volume that is called like a verb
    Create(MakeSnapshot),
    /// List the snapshots of a volume
    #[command(visible_alias = "list")]
    Ls(ListSnapshots),
    /// Remove snapshots
    #[command(visible_alias = "remove")]
    Rm(RemoveSnapshots),
}

#[derive(Debug, Args)]
pub(crate) struct MakeSnapshot {
    /// The volume
    #[arg(value_name = "VOLUME", required = true)]
    pub(crate) volume: Option<String>,
    /// The snapshot's name [default: the time, as in 20260102-030405]
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) copying: CopyFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ListSnapshots {
    /// The volume
    #[arg(value_name = "VOLUME")]
    pub(crate) volume: String,
    /// Only names
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// `table`, `json`, or a template such as '{{.Name}}: {{.Size}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveSnapshots {
    /// The snapshots
    #[arg(required = true, value_name = "VOLUME@SNAPSHOT")]
    pub(crate) snapshots: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffVolumes {
    /// What came first; alone it is compared with its newest snapshot
    #[arg(value_name = "VOLUME[@SNAPSHOT]")]
    pub(crate) old: String,
    /// What came then
    #[arg(value_name = "VOLUME[@SNAPSHOT]")]
    pub(crate) new: Option<String>,
    /// Compare modification times, too
    #[arg(long)]
    pub(crate) times: bool,
    /// Show the lines that differ in texts, as `patch` takes them
    #[arg(short, long)]
    pub(crate) patch: bool,
    /// `json` for a list of objects, `table`, or a template such as '{{.Kind}} {{.Path}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// End with 1 if something differs
    #[arg(long)]
    pub(crate) exit_code: bool,
}
