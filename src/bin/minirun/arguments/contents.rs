//! The verbs about what is in containers, which stand alone and behind `container`.

use clap::Subcommand;

use super::container::{CommitArgs, DiffArgs, ExportArgs, PortArgs, StatsArgs, TopArgs};
use super::copy::CopyArgs;
use super::exec::ExecArgs;
use super::mounts::{MountArgs, MountsArgs, UmountArgs};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ContentsVerb {
    /// Run a command in a container that runs
    Exec(Box<ExecArgs>),
    /// Show what a container changed in its files: added, changed, deleted
    Diff(DiffArgs),
    /// Show the processes of a container that runs
    Top(TopArgs),
    /// Show what containers take: processors, memory, disks, network
    Stats(StatsArgs),
    /// Copy files between a container and the host
    Cp(CopyArgs),
    /// Make an image of a container
    Commit(CommitArgs),
    /// Write all files of a container as a tar archive
    Export(ExportArgs),
    /// Show which ports of the machine lead to a container
    Port(PortArgs),
    /// Mount something into a container that runs
    Mount(MountArgs),
    /// Take a mount out of a container that runs
    #[command(visible_alias = "unmount")]
    Umount(UmountArgs),
    /// Show the mounts of a container: what was asked for, and what there is
    Mounts(MountsArgs),
}
