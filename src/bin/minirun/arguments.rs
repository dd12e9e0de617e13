//! The words of the command line.

pub(crate) mod common;
pub(crate) mod container;
pub(crate) mod contents;
pub(crate) mod copy;
pub(crate) mod events;
pub(crate) mod exec;
mod frequent;
pub(crate) mod image;
pub(crate) mod lifecycle;
pub(crate) mod look;
mod missing;
mod mount_flags;
pub(crate) mod mounts;
pub(crate) mod registry;
pub(crate) mod resources;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod supervision;
pub(crate) mod system;
pub(crate) mod usage;
mod usual;
pub(crate) mod volume;
pub(crate) mod volume_data;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::common::CommonArgs;
use self::container::{ListContainers, PruneContainers, RemoveContainers};
use self::contents::ContentsVerb;
use self::events::EventsArgs;
use self::image::{ImportArgs, ListImages, LoadArgs, PruneImages, RemoveImages, SaveArgs, TagArgs};
use self::lifecycle::LifecycleVerb;
use self::look::{HistoryArgs, LookVerb};
use self::registry::{KeepBlobsArgs, LoginArgs, LogoutArgs, PullArgs, PushArgs};
use self::review::{ApplyArgs, ChangesArgs, DiscardArgs};
use self::run::RunArgs;
use self::step::LayerArgs;
use self::system::{InfoArgs, SystemVerb};
use self::volume::VolumeVerb;

const HELP_TAIL: &str = "\
Examples:
  minirun run --rm host sh -c 'id; ls /'      the machine's own files, nothing of them changed
  minirun load -i alpine.tar                  what `docker save` or an OCI tool wrote
  minirun run --rm -it -v data:/data alpine   a shell with a volume that stays

Everything is kept in one directory: --store DIR, else $MINIRUN_STORE, else
$XDG_DATA_HOME/minirun, else ~/.local/share/minirun.
`minirun VERB --help` tells more about a verb.";

/// Runs containers as an ordinary user: no daemon, no root, no setuid of its own
#[derive(Debug, Parser)]
#[command(name = "minirun", bin_name = "minirun", version, after_help = HELP_TAIL, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Arguments {
    /// Reads the command line.
    pub(crate) fn parse(words: &[OsString]) -> Result<Self, clap::Error> {
        let read = usual::parse(words).or_else(|| frequent::parse(words));
        read.map_or_else(|| Self::try_parse_from(words), Ok)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Where images, volumes and containers are kept
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Verb {
    /// Run a command in a new container
    Run(Box<RunArgs>),
    /// Make a container without starting it
    #[command(override_usage = "minirun create [OPTIONS] IMAGE [COMMAND [ARG]...]")]
    Create(Box<RunArgs>),
    #[command(flatten)]
    Lifecycle(LifecycleVerb),
    /// Fetch images from registries
    Pull(PullArgs),
    /// Send an image to a registry
    Push(PushArgs),
    /// Keep a name and password for a registry
    Login(LoginArgs),
    /// Forget the name and password for a registry
    Logout(LogoutArgs),
    /// Take images from an archive or directory into the store
    Load(LoadArgs),
    /// Write images into an archive or directory
    Save(SaveArgs),
    /// Make an image of a root filesystem's tar
    Import(ImportArgs),
    /// List images
    Images(ListImages),
    /// Remove images
    Rmi(RemoveImages),
    /// Give an image another name
    Tag(TagArgs),
    /// Show the steps in which an image was made
    History(HistoryArgs),
    /// Make an image by a command in another one, unless that was done before
    Layer(Box<LayerArgs>),
    /// List containers
    Ps(ListContainers),
    /// Remove containers
    Rm(RemoveContainers),
    #[command(flatten)]
    Contents(ContentsVerb),
    /// Show everything about containers, images and volumes, as JSON
    Inspect(InspectArgs),
    /// Show what a container changed in directories bound with `cow`
    Changes(ChangesArgs),
    /// Bring what a container changed in directories bound with `cow` to the host
    Apply(ApplyArgs),
    /// Throw away what a container changed in directories bound with `cow`
    Discard(DiscardArgs),
    /// Run a program of this machine where the store's files have their container owners
    Unshare(UnshareArgs),
    /// Show the version
    Version,
    /// Work with images
    #[command(subcommand)]
    Image(ImageVerb),
    /// Work with containers
    #[command(subcommand)]
    Container(ContainerVerb),
    /// Work with volumes
    #[command(subcommand)]
    Volume(VolumeVerb),
    /// Work with the store as a whole
    #[command(subcommand)]
    System(SystemVerb),
    /// Show facts about machine and store
    Info(InfoArgs),
    /// Show what happens to containers, images and volumes, as JSON
    Events(EventsArgs),
}

impl Verb {
    /// What `run`, `create` and `layer` have in common.
    pub(crate) fn common(&self) -> Option<&CommonArgs> {
        match self {
            Self::Run(run)
            | Self::Create(run)
            | Self::Container(ContainerVerb::Run(run) | ContainerVerb::Create(run)) => Some(&run.common),
            Self::Layer(layer) => Some(&layer.common),
            _ => None,
        }
    }

    /// `--lock`.
    pub(crate) fn lock(&self) -> Option<&Path> {
        match self {
            Self::Pull(pull) | Self::Image(ImageVerb::Pull(pull)) => pull.lock.as_deref(),
            Self::Load(load) | Self::Image(ImageVerb::Load(load)) => load.lock.as_deref(),
            _ => self.common()?.lock.as_deref(),
        }
    }

    /// `--keep-blobs`; none of verbs by which no images come.
    pub(crate) fn keep_blobs(&self) -> Option<&KeepBlobsArgs> {
        match self {
            Self::Pull(pull) | Self::Image(ImageVerb::Pull(pull)) => Some(&pull.keep_blobs),
            Self::Load(load) | Self::Image(ImageVerb::Load(load)) => Some(&load.keep_blobs),
            _ => Some(&self.common()?.keep_blobs),
        }
    }
}

/// The verbs of `minirun image`
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ImageVerb {
    /// Fetch images from registries
    Pull(PullArgs),
    /// Send an image to a registry
    Push(PushArgs),
    /// Take images from an archive or directory into the store
    Load(LoadArgs),
    /// Write images into an archive or directory
    Save(SaveArgs),
    /// Make an image of a root filesystem's tar
    Import(ImportArgs),
    /// List images
    #[command(visible_alias = "list")]
    Ls(ListImages),
    /// Remove images
    #[command(visible_alias = "remove")]
    Rm(RemoveImages),
    /// Remove images that have no name and that no container uses
    Prune(PruneImages),
    /// Give an image another name
    Tag(TagArgs),
    /// Show everything about images, as JSON
    Inspect(InspectOf),
    /// Say by the exit code whether there is an image: 0, else 1
    Exists(OneName),
    #[command(flatten)]
    Look(LookVerb),
}

/// The verbs of `minirun container`
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum ContainerVerb {
    /// Run a command in a new container
    Run(Box<RunArgs>),
    /// Make a container without starting it
    #[command(override_usage = "minirun container create [OPTIONS] IMAGE [COMMAND [ARG]...]")]
    Create(Box<RunArgs>),
    #[command(flatten)]
    Lifecycle(LifecycleVerb),
    /// Remove all containers that do not run
    Prune(PruneContainers),
    /// List containers
    #[command(visible_aliases = ["ps", "list"])]
    Ls(ListContainers),
    /// Remove containers
    #[command(visible_alias = "remove")]
    Rm(RemoveContainers),
    #[command(flatten)]
    Contents(ContentsVerb),
    /// Show everything about containers, as JSON
    Inspect(InspectContainers),
    /// Say by the exit code whether there is a container: 0, else 1
    Exists(OneName),
}

#[derive(Debug, Args)]
pub(crate) struct OneName {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Container,
    Image,
    Volume,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Look only among these [default: containers, then images, then volumes]
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// What holds containers that run, read back from the kernel, and each way in which they can reach the host; a table,
    /// or what --format says
    #[arg(long, conflicts_with_all = ["size", "kind"])]
    pub(crate) security: bool,
    #[command(flatten)]
    pub(crate) of: InspectOf,
}

#[derive(Debug, Args)]
pub(crate) struct InspectContainers {
    /// What holds those that run, read back from the kernel, and each way in which they can reach the host; a table, or
    /// what --format says
    #[arg(long, conflicts_with = "size")]
    pub(crate) security: bool,
    #[command(flatten)]
    pub(crate) of: InspectOf,
}

#[derive(Debug, Args)]
pub(crate) struct InspectOf {
    /// What to show of each, such as '{{.State.ExitCode}}' or '{{json .Mounts}}'
    #[arg(short, long, value_name = "TEMPLATE", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// What containers have written, as `SizeRw`, and with the files of their images, as `SizeRootFs`; bytes
    #[arg(short, long)]
    pub(crate) size: bool,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
#[command(override_usage = "minirun unshare [--image REF] [--] [PROGRAM [ARG]...]")]
pub(crate) struct UnshareArgs {
    /// Mount the tree of this image, read-only, at `$MINIRUN_IMAGE_ROOT`
    #[arg(long, value_name = "REF")]
    pub(crate) image: Option<String>,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The program and its arguments [default: your shell]
    #[arg(trailing_var_arg = true, value_name = "PROGRAM")]
    pub(crate) command: Vec<OsString>,
}
