//! Patterns of files of the host, which become a bind for each match.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use glob::{Pattern, PatternError};

use crate::container::Error;
use crate::error::place::PlaceError;
use crate::plan::mount::{MountKind, MountRequest};
use crate::plan::path::ContainerPath;

/// The first of the characters that stand for bytes: the last plane for private use.
const PRIVATE: u32 = 0x10_ff00;

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
    let base = if pattern.is_absolute() { Path::new("/") } else { cwd };
    let bytes = pattern.as_os_str().as_bytes();
    let parts: Vec<&[u8]> = bytes.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).collect();
    let mut found = Vec::new();
    let wrong = |error: PatternError| PlaceError::Pattern { pattern: shown(), reason: error.msg.to_owned() };
    // Also behind what matches nothing.
    parts.iter().try_for_each(|part| Pattern::new(&in_chars(part)).map(drop)).map_err(wrong)?;
    search(base, &parts, &mut found).map_err(wrong)?;
    if bytes.ends_with(b"/") {
        found.retain(|path| path.is_dir());
    }
    let named = found.into_iter().filter(|path| !is_no_name(path));
    let clean = named.filter_map(|path| ContainerPath::parse(path).ok());
    let mut paths: Vec<PathBuf> = clean.map(|path| PathBuf::from(path.as_os_str())).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() { Err(PlaceError::NoMatch(shown())) } else { Ok(paths) }
}

/// Finds what the parts of a pattern match below `base`. What cannot be read matches nothing, as in the shell; nor do a
/// directory itself and the one that it is in.
fn search(base: &Path, parts: &[&[u8]], found: &mut Vec<PathBuf>) -> Result<(), PatternError> {
    let Some((part, rest)) = parts.split_first() else {
        if base.symlink_metadata().is_ok() {
            found.push(base.to_owned());
        }
        return Ok(());
    };
    if !part.iter().any(|byte| b"*?[".contains(byte)) {
        return search(&base.join(OsStr::from_bytes(part)), rest, found);
    }
    if *part == b"**" {
        if !rest.is_empty() {
            search(base, rest, found)?;
        }
        for path in entries(base).filter(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir())) {
            if rest.is_empty() {
                found.push(path.clone());
            }
            search(&path, parts, found)?;
        }
        return Ok(());
    }
    let pattern = Pattern::new(&in_chars(part))?;
    let fits =
        |path: &PathBuf| path.file_name().is_some_and(|name| pattern.matches(&in_chars(name.as_bytes())));
    entries(base).filter(fits).try_for_each(|path| search(&path, rest, found))
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

/// Bytes as characters: those that are no text become characters that nobody uses.
fn in_chars(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|&byte| char::from_u32(PRIVATE + u32::from(byte))));
    }
    text
}

/// Whether a match ends in `.` or `..`, which begin with a dot but name nothing in the directory.
fn is_no_name(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text.ends_with(b"/.") || text.ends_with(b"/..")
}
