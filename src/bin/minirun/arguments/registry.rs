//! The flags of the verbs about registries.

use std::path::PathBuf;

use clap::builder::{BoolishValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, ValueEnum};
use minirun::plan::image_limit::ImageLimits;
use minirun::plan::registry::endpoint::Trust;
use minirun::plan::registry::policy::{BlobPolicy, PullPolicy};

/// `--pull` of `run` and `create`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pull {
    /// Each time
    Always,
    /// When the store does not have it
    Missing,
    /// Each time, but what the store has will do where nothing can be fetched
    Newer,
    /// Not at all
    Never,
}

impl From<Pull> for PullPolicy {
    fn from(pull: Pull) -> Self {
        match pull {
            Pull::Always => Self::Always,
            Pull::Missing => Self::Missing,
            Pull::Newer => Self::Newer,
            Pull::Never => Self::Never,
        }
    }
}

// `--keep-blobs` of the verbs by which images come. What stood here as documentation would become that of these verbs.
#[derive(Debug, Default, Args)]
pub(crate) struct KeepBlobsArgs {
    /// Keep layers compressed as they come, too: `save` and `push` give images the digests that they came with
    /// [default: `MINIRUN_KEEP_BLOBS`, else false]
    #[arg(
        long = "keep-blobs",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL",
        hide_possible_values = true,
        value_parser = BoolishValueParser::new().map(|yes| if yes { BlobPolicy::Kept } else { BlobPolicy::Dropped }),
        action = ArgAction::Set
    )]
    pub(crate) keep_blobs: Option<BlobPolicy>,
}

// How registries are asked. No comment for documentation: clap would describe the verbs by it that have these flags.
#[derive(Debug, Default, Args)]
pub(crate) struct AccessArgs {
    /// Whether a registry must have a certificate that is trusted here; with `false` anybody may answer, also without
    /// encryption
    #[arg(
        long = "tls-verify",
        num_args = 0..=1,
        require_equals = true,
        default_value = "true",
        default_missing_value = "true",
        value_name = "BOOL",
        hide_possible_values = true,
        value_parser = BoolishValueParser::new().map(|yes| if yes { Trust::Certificate } else { Trust::Insecure }),
        action = ArgAction::Set
    )]
    pub(crate) trust: Trust,
    /// Trust the certificates in this directory, too: its files `*.crt`; with `NAME.cert` and `NAME.key`, show the registry
    /// that one
    #[arg(long = "cert-dir", value_name = "DIR")]
    pub(crate) certificates: Option<PathBuf>,
    /// The file with names and passwords, instead of the usual ones
    #[arg(long = "authfile", value_name = "FILE")]
    pub(crate) auth_file: Option<PathBuf>,
}

// How registries are asked for images. No comment for documentation, likewise.
#[derive(Debug, Default, Args)]
pub(crate) struct AskArgs {
    /// Who asks registries, instead of what `minirun login` has kept
    #[arg(long, value_name = "USER:PASSWORD")]
    pub(crate) creds: Option<String>,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Images, such as `alpine`, `quay.io/team/tool:2` or `ghcr.io/a/b@sha256:…`
    #[arg(required = true, value_name = "NAME[:TAG|@DIGEST]")]
    pub(crate) names: Vec<String>,
    /// All images of the repositories, whatever their tags
    #[arg(short, long = "all-tags")]
    pub(crate) all_tags: bool,
    /// Take what is for this platform instead of the machine's own
    #[arg(long, value_name = "OS[/ARCH[/VARIANT]]")]
    pub(crate) platform: Option<String>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// Take images only as this file says that their names were meant: see `minirun image lock`
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep_blobs: KeepBlobsArgs,
    /// Allow the image more or less than usual
    #[arg(long = "image-limit", value_name = "NAME=VALUE", long_help = ImageLimits::help())]
    pub(crate) image_limits: Vec<String>,
    /// No progress and no notes, and only the name of the image
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// The image: a name, an ID or the beginning of one; with --all-tags a name without a tag
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// What it is to be called, such as `quay.io/team/tool:2` or `docker://localhost:5000/tool` [default: the name it has]
    #[arg(value_name = "DESTINATION")]
    pub(crate) destination: Option<String>,
    /// All images of the store that are called so, whatever their tags, each under its own name
    #[arg(short, long = "all-tags", conflicts_with_all = ["destination", "digest_file"])]
    pub(crate) all_tags: bool,
    /// Write the digest of the manifest to this file
    #[arg(long = "digestfile", value_name = "FILE")]
    pub(crate) digest_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// No progress and no notes, and only the name of the image
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The registry
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    pub(crate) registry: String,
    /// The user's name there; asked for on a terminal if not given
    #[arg(short, long, value_name = "USER")]
    pub(crate) username: Option<String>,
    /// The password; other users of this machine can see it while the program runs
    #[arg(short, long, value_name = "PASSWORD", conflicts_with = "password_stdin")]
    pub(crate) password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// The registry
    #[arg(default_value = "docker.io", value_name = "REGISTRY")]
    pub(crate) registry: String,
    /// The file with names and passwords, instead of the usual ones
    #[arg(long = "authfile", value_name = "FILE")]
    pub(crate) auth_file: Option<PathBuf>,
}
