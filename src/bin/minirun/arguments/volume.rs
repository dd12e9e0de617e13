//! The flags of the verbs about volumes.

use clap::{Args, Subcommand};

/// The verbs of `minirun volume`
#[derive(Debug, Subcommand)]
pub(crate) enum VolumeVerb {
    /// Make a volume, unless there is one of that name
    Create(CreateVolume),
    /// Bring back a volume that was removed
    Restore(RestoreVolume),
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
pub(crate) struct RestoreVolume {
    /// The volume's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Give it this name instead
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) new_name: Option<String>,
}
