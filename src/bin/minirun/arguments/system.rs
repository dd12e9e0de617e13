//! The flags of the verbs about the store as a whole.

use clap::{Args, Subcommand};

use super::events::EventsArgs;

/// The verbs of `minirun system`
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum SystemVerb {
    /// Look whether everything in the store is as it should be, and mend it
    Check(CheckArgs),
    /// Show how much room everything takes
    Df(DiskUsageArgs),
    /// Show facts about machine and store
    Info(InfoArgs),
    /// Show what happens to containers, images and volumes, as JSON
    Events(EventsArgs),
    /// Remove containers that have ended and images without a name
    Prune(PruneSystem),
    /// Remove the images that were not used for longest, until the rest is small enough
    Gc(CollectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// How much the layers of all images may take
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_size: String,
    /// Only show what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Mend what can be mended; what is damaged is moved aside, and no file of a volume is lost
    #[arg(long)]
    pub(crate) repair: bool,
    /// Read every byte of the unpacked layers, too
    #[arg(long)]
    pub(crate) digests: bool,
    /// `json`, or a template for each finding such as '{{.Path}}: {{.Problem}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiskUsageArgs {
    /// Every image, container and volume
    #[arg(short, long)]
    pub(crate) verbose: bool,
    /// `table`, `json`, or a template such as '{{.Type}}: {{.Size}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true, conflicts_with = "verbose")]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// What to show, such as '{{.Driver}}' or '{{json .}}'
    #[arg(short, long, value_name = "TEMPLATE", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are just that")]
pub(crate) struct PruneSystem {
    /// All images that no container uses
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Volumes without a name that no container refers to, too
    #[arg(long)]
    pub(crate) volumes: bool,
    /// Only show what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only what has a label, `label=KEY[=VALUE]`, or has not, `label!=KEY[=VALUE]`; or was made before, `until=24h`,
    /// `until=2024-01-31`, which does not go with --volumes
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
}
