//! Patterns of files of the host, which become a bind for each match.

use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::container::Error;
use crate::error::place::PlaceError;
use crate::plan::mount::{MountKind, MountRequest};
use crate::plan::path::ContainerPath;

/// Replaces every pattern by its matches, sorted.
pub(super) fn expand(requests: Vec<MountRequest>, cwd: &Path) -> Result<Vec<MountRequest>, Error> {
    let mut expanded = Vec::with_capacity(requests.len());
    for request in requests {
        let MountKind::Glob(bind) = &request.kind else {
            expanded.push(request);
            continue;
        };
        let found = matches(&bind.source, cwd);
        for path in found.map_err(|error| Error::from(error).about(&request.origin))? {
            let refused = |problem| PlaceError::Match(request.origin.refuse(problem));
            expanded.extend(request.for_match(&path).map_err(refused)?);
        }
    }
    Ok(expanded)
}

fn matches(pattern: &Path, cwd: &Path) -> Result<Vec<PathBuf>, PlaceError> {
    let shown = || pattern.to_string_lossy().into_owned();
    let wrong = |reason: String| PlaceError::Pattern { pattern: shown(), reason };
    let utf8 = |path: &Path| path.to_str().map(str::to_owned);
    let text = utf8(pattern).ok_or_else(|| wrong("it is not UTF-8".to_owned()))?;
    let text = if pattern.is_absolute() {
        text
    } else {
        let cwd = utf8(cwd).ok_or_else(|| wrong("it starts at a directory that is not UTF-8".to_owned()))?;
        format!("{}/{text}", Pattern::escape(&cwd))
    };
    let found = glob::glob(&text).map_err(|error| wrong(error.msg.to_owned()))?;
    // What cannot be read matches nothing, as in the shell; nor do a directory itself and the one that it is in.
    let named = found.filter_map(Result::ok).filter(|path| !is_no_name(path));
    let clean = named.filter_map(|path| ContainerPath::parse(path).ok());
    let mut paths: Vec<PathBuf> = clean.map(|path| PathBuf::from(path.as_os_str())).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() { Err(PlaceError::NoMatch(shown())) } else { Ok(paths) }
}

/// Whether a match ends in `.` or `..`, which begin with a dot but name nothing in the directory.
fn is_no_name(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text.ends_with(b"/.") || text.ends_with(b"/..")
}
