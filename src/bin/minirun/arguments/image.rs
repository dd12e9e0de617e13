//! The flags of the verbs about images.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use minirun::plan::image_limit::ImageLimits;

use super::registry::KeepBlobsArgs;

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Where to read: an archive, an OCI layout's directory, or `-` for standard input
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub(crate) input: Option<PathBuf>,
    /// The same without a flag [default: standard input]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Load what is for this platform instead of the machine's own
    #[arg(long, value_name = "OS[/ARCH[/VARIANT]]")]
    pub(crate) platform: Option<String>,
    /// Take images only as this file says that their names were meant: see `minirun image lock`
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep_blobs: KeepBlobsArgs,
    /// Allow the image more or less than usual
    #[arg(long = "image-limit", value_name = "NAME=VALUE", long_help = ImageLimits::help())]
    pub(crate) image_limits: Vec<String>,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What images are saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SaveFormat {
    /// What `docker save` writes
    DockerArchive,
    /// An OCI image layout, as tar
    OciArchive,
    /// An OCI image layout, as directory
    #[value(alias = "oci")]
    OciDir,
}

#[derive(Debug, Args)]
pub(crate) struct SaveArgs {
    /// Write to this file, or directory, instead of standard output; `oci:DIR`, `oci-archive:FILE` and
    /// `docker-archive:FILE` say the form, too
    #[arg(short, long, value_name = "FILE|oci:DIR")]
    pub(crate) output: Option<PathBuf>,
    /// In which form [default: docker-archive]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<SaveFormat>,
    /// No notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The tar of a root filesystem, compressed or not; `-` for standard input
    #[arg(value_name = "FILE|-")]
    pub(crate) file: PathBuf,
    /// The name of the new image
    #[arg(value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Say how it is run by an instruction as in a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
    /// SHELL, STOPSIGNAL, USER, VOLUME, WORKDIR
    #[arg(short, long = "change", value_name = "INSTRUCTION")]
    pub(crate) changes: Vec<String>,
    /// What it is
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// What the files are for [default: this machine]
    #[arg(long, value_name = "OS[/ARCH[/VARIANT]]")]
    pub(crate) platform: Option<String>,
    /// Allow the image more or less than usual
    #[arg(long = "image-limit", value_name = "NAME=VALUE", long_help = ImageLimits::help())]
    pub(crate) image_limits: Vec<String>,
    /// No progress and no notes
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, Args)]
pub(crate) struct ListImages {
    /// Only images of this repository, or of this name and tag
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub(crate) name: Option<String>,
    /// Accepted for Docker's sake; there are no hidden images
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Only those that fit: `dangling=BOOL`, `label=KEY[=VALUE]`, `reference=PATTERN`, `before=IMAGE`, `since=IMAGE`,
    /// `until=TIME`
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
    /// Only IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// IDs in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Also what the registry calls it: the digest that `NAME@DIGEST` has
    #[arg(long)]
    pub(crate) digests: bool,
    /// `table`, `json`, or a template such as '{{.Repository}}:{{.Tag}}' or 'table {{.ID}}\t{{.Size}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveImages {
    /// Remove images with several names by their ID, and images that containers use
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Names, IDs or beginnings of IDs
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    pub(crate) source: String,
    /// The name that it gets
    #[arg(value_name = "NAME[:TAG]")]
    pub(crate) target: String,
}

#[derive(Debug, Args)]
pub(crate) struct PruneImages {
    /// Those with a name, too, unless a container uses them
    #[arg(short, long)]
    pub(crate) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only show what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only those with a label, `label=KEY[=VALUE]`, without it, `label!=KEY[=VALUE]`, or made before, `until=TIME`
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
}
