//! Patterns of files of the host, which become a bind for each match.

use std::path::{Path, PathBuf};

use crate::container::Error;
use crate::error::place::PlaceError;
use crate::plan::mount::{MountKind, MountRequest};
use crate::plan::pattern::{self, Part, PatternError};

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

/// Every path that matches, sorted and clean.
fn matches(pattern: &Path, cwd: &Path) -> Result<Vec<PathBuf>, PlaceError> {
    let shown = || pattern.to_string_lossy().into_owned();
    let wrong = |error: PatternError| PlaceError::Pattern { pattern: shown(), reason: error.to_string() };
    let parts = pattern::parse(pattern.as_os_str(), cwd).map_err(wrong)?;
    let mut paths = vec![PathBuf::from("/")];
    for part in parts {
        paths = paths.iter().flat_map(|path| below(path, &part)).collect();
    }
    paths.sort();
    if paths.is_empty() { Err(PlaceError::NoMatch(shown())) } else { Ok(paths) }
}

/// What `part` names in a directory. What cannot be read matches nothing, as in the shell.
fn below(directory: &Path, part: &Part) -> Vec<PathBuf> {
    match part {
        Part::Name(name) => {
            let path = directory.join(name);
            if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() }
        }
        Part::Any(pattern) => {
            let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
            let names = entries.map(|entry| entry.file_name()).filter(|name| pattern.matches(name));
            names.map(|name| directory.join(name)).collect()
        }
    }
}
