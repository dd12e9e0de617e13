//! The environment of the command.

use crate::plan::account::Account;
use crate::plan::environment::{DEFAULT_PATH, Layers, merge};
use crate::plan::process::Streams;
use crate::plan::request::RunRequest;
use crate::sys::probe;

/// Defaults, then the image's, then the user's.
pub(super) fn compose(
    request: &RunRequest,
    image: &[String],
    account: &Account,
    hostname: &str,
) -> Vec<String> {
    let mut defaults = vec![("PATH", DEFAULT_PATH), ("HOSTNAME", hostname), ("HOME", account.home.as_str())];
    if request.streams == Streams::Terminal {
        defaults.push(("TERM", "xterm"));
    }
    let layers =
        Layers { defaults: &defaults, image, files: &request.environment_files, flags: &request.environment };
    merge(&layers, probe::text_variable)
}
