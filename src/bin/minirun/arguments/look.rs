//! The flags of the verbs that look into images.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum LookVerb {
    /// Show the steps in which an image was made
    History(HistoryArgs),
    /// Show the layers of images, and which images share them
    Tree(TreeArgs),
    /// Show what an image has otherwise than another one: added, changed, deleted
    Diff(DiffImages),
    /// Write down which images names mean, for `--lock FILE` of other verbs
    Lock(LockArgs),
    /// List the files of an image
    LsFiles(LsFilesArgs),
    /// Write a file of an image to standard output
    Cat(CatArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only IDs
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Commands and IDs in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// `table`, `json`, or a template such as '{{.CreatedBy}}: {{.Size}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    /// A name, an ID or the beginning of one
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
}

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Names, IDs or beginnings of IDs [default: all]
    #[arg(value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DiffImages {
    /// The image that is compared with
    #[arg(value_name = "IMAGE")]
    pub(crate) one: String,
    /// The other one
    #[arg(value_name = "OTHER")]
    pub(crate) other: String,
}

#[derive(Debug, Args)]
pub(crate) struct LsFilesArgs {
    /// Type, mode, owners, size and time, too
    #[arg(short, long)]
    pub(crate) long: bool,
    /// End names with NUL, and write them as they are
    #[arg(short = 'z', long, conflicts_with = "long")]
    pub(crate) null: bool,
    /// A name, an ID or the beginning of one
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// List only what is here, and below
    #[arg(value_name = "PATH", default_value = "/")]
    pub(crate) path: OsString,
}

#[derive(Debug, Args)]
pub(crate) struct LockArgs {
    /// The file that is written; names that it has already stay in it
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Names [default: those in the file; if there is none, all of the store]
    #[arg(value_name = "NAME[:TAG]")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
    /// The file
    #[arg(value_name = "PATH")]
    pub(crate) path: OsString,
}
