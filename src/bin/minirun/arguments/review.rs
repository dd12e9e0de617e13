//! The flags of the verbs about what containers changed.

use std::ffi::OsString;

use clap::Args;

const CHANGES_TAIL: &str = "\
A is added, C changed, D removed; what differs besides the content stands behind the path. What the host changed
since the container's start, too, is called a conflict. Of a directory that was removed, what was in it is not listed.
Names that are not plain text are in double quotes, as Git writes them.";

const APPLY_TAIL: &str = "\
If the host changed a path since the container's start, too, nothing at all is applied, unless --force or
--skip-conflicts says otherwise. What was applied is no change any more.";

#[derive(Debug, Args)]
#[command(override_usage = "minirun changes [OPTIONS] CONTAINER [DEST] [PATH]...", after_help = CHANGES_TAIL)]
pub(crate) struct ChangesArgs {
    /// A patch for `git apply` and `patch -p1`; directories, owners and binary files are not in it
    #[arg(short, long, conflicts_with = "format")]
    pub(crate) patch: bool,
    /// `json`, `table`, or a template such as '{{.Change}} {{.Path}}'
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
    #[command(flatten)]
    pub(crate) of: ChangesOf,
}

#[derive(Debug, Args)]
#[command(override_usage = "minirun apply [OPTIONS] CONTAINER [DEST] [PATH]...", after_help = APPLY_TAIL)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) conflicts: Conflicts,
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Do not list what is applied
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) of: ChangesOf,
}

#[derive(Debug, Args)]
pub(crate) struct Conflicts {
    /// Undo what the host changed meanwhile
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Leave what the host changed meanwhile as it is, and apply the rest
    #[arg(long, conflicts_with = "force")]
    pub(crate) skip_conflicts: bool,
}

#[derive(Debug, Args)]
#[command(override_usage = "minirun discard [OPTIONS] CONTAINER [DEST] [PATH]...")]
pub(crate) struct DiscardArgs {
    /// Only say what would be done
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Do not list what is thrown away
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) of: ChangesOf,
}

#[derive(Debug, Args)]
pub(crate) struct ChangesOf {
    /// A name, an ID or the beginning of one
    #[arg(value_name = "CONTAINER")]
    pub(crate) container: String,
    /// A mount's destination, paths below it, or paths of the container [default: all]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
}
