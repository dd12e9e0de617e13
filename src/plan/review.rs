//! Which changes the words behind a container's name mean: DEST, PATH below it, or paths of the container.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use thiserror::Error;

use super::path::{ContainerPath, PathError, Subpath};
use super::quote::quoted;

/// Why words mean no changes.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChoiceError {
    /// The container writes to everything itself.
    #[error("it has no mount whose changes are kept for review")]
    NoReview,
    /// An absolute path of something else.
    #[error("`{}` is in no mount whose changes are kept for review", quoted(.0))]
    Elsewhere(OsString, Vec<ContainerPath>),
    /// A relative path, and nothing says below what.
    #[error("`{}` could be below any of {}", quoted(.0), listed(.1))]
    Ambiguous(OsString, Vec<ContainerPath>),
    /// No path at all.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl ChoiceError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoReview => Some("a bind with `cow` keeps them: -v ./src:/src:cow".to_owned()),
            Self::Elsewhere(_, destinations) => Some(format!("such mounts are {}", listed(destinations))),
            Self::Ambiguous(..) => Some("name the mount first, or give the container's path".to_owned()),
            Self::Path(_) => Some("paths are those of the container, or relative to the mount".to_owned()),
        }
    }
}

/// What is meant of one mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its place in the list of destinations.
    pub mount: usize,
    /// Paths below its destination, with everything below them; an empty path is all of it.
    pub paths: Vec<PathBuf>,
}

/// Finds out what `words` mean, given the destinations of the mounts; all of them if there are no words.
///
/// A relative path is below the destination named last, or below the only one.
///
/// # Errors
/// A word is a path of nothing that could be meant.
pub fn choose(destinations: &[ContainerPath], words: &[OsString]) -> Result<Vec<Choice>, ChoiceError> {
    if destinations.is_empty() {
        return Err(ChoiceError::NoReview);
    }
    let mut chosen: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    let mut current = (destinations.len() == 1).then_some(0);
    // A destination stands for all of it, unless paths below it follow.
    let mut whole = None;
    for word in words {
        if word.as_bytes().starts_with(b"/") {
            let (mount, path) = place(destinations, word)?;
            if let Some(whole) = whole.take() {
                chosen.entry(whole).or_default().push(PathBuf::new());
            }
            current = Some(mount);
            if path.as_os_str().is_empty() {
                whole = Some(mount);
            } else {
                chosen.entry(mount).or_default().push(path);
            }
        } else {
            let mount = current.ok_or_else(|| ChoiceError::Ambiguous(word.clone(), destinations.to_vec()))?;
            whole = None;
            chosen.entry(mount).or_default().push(below(word)?);
        }
    }
    if let Some(whole) = whole {
        chosen.entry(whole).or_default().push(PathBuf::new());
    }
    if words.is_empty() {
        chosen = (0..destinations.len()).map(|mount| (mount, vec![PathBuf::new()])).collect();
    }
    Ok(chosen.into_iter().map(|(mount, paths)| Choice { mount, paths }).collect())
}

/// The innermost mount that has an absolute path, and the path below its destination.
fn place(destinations: &[ContainerPath], word: &OsStr) -> Result<(usize, PathBuf), ChoiceError> {
    let path = ContainerPath::parse(word)?;
    let within = destinations.iter().enumerate().filter(|(_, destination)| path.is_within(destination));
    let (mount, destination) = within
        .max_by_key(|(_, destination)| destination.depth())
        .ok_or_else(|| ChoiceError::Elsewhere(word.to_owned(), destinations.to_vec()))?;
    Ok((mount, path.components().skip(destination.depth()).collect()))
}

fn below(word: &OsStr) -> Result<PathBuf, ChoiceError> {
    let path = Subpath::parse(word)?;
    Ok(if path.as_os_str() == "." { PathBuf::new() } else { path.as_os_str().into() })
}

fn listed(destinations: &[ContainerPath]) -> String {
    let shown = destinations.iter().map(|destination| format!("`{}`", quoted(destination.as_os_str())));
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(destinations: &[&str], words: &[&str]) -> Result<Vec<(usize, Vec<String>)>, ChoiceError> {
        let destinations: Vec<_> =
            destinations.iter().map(|text| ContainerPath::parse(text).unwrap()).collect();
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        let choice = |choice: Choice| (choice.mount, choice.paths.into_iter().map(text).collect());
        choose(&destinations, &words).map(|choices| choices.into_iter().map(choice).collect())
    }

    #[test]
    fn words_mean_mounts_and_paths() {
        let (one, two) = (&["/src"][..], &["/src", "/src/deep"][..]);
        for (destinations, words, meant) in [
            (one, &[][..], &[(0, &[""][..])][..]),
            (two, &[], &[(0, &[""]), (1, &[""])]),
            (one, &["/src"], &[(0, &[""])]),
            (one, &["/src/"], &[(0, &[""])]),
            (one, &["a/b/", "c"], &[(0, &["a/b", "c"])]),
            (one, &["/src", "a"], &[(0, &["a"])]),
            (one, &["/src/a"], &[(0, &["a"])]),
            (one, &["."], &[(0, &[""])]),
            (two, &["/src/deep/x", "y"], &[(1, &["x", "y"])]),
            (two, &["/src", "/src/deep"], &[(0, &[""]), (1, &[""])]),
            (two, &["/src", "a", "/src/deep", "b"], &[(0, &["a"]), (1, &["b"])]),
        ] {
            let wanted: Vec<(usize, Vec<String>)> = meant
                .iter()
                .map(|(mount, paths)| (*mount, paths.iter().map(|&path| path.to_owned()).collect()))
                .collect();
            assert_eq!(choices(destinations, words).unwrap(), wanted, "{words:?}");
        }
    }

    #[test]
    fn words_that_mean_nothing() {
        assert_eq!(choices(&[], &[]), Err(ChoiceError::NoReview));
        assert!(matches!(choices(&["/src"], &["/srcs"]), Err(ChoiceError::Elsewhere(..))));
        assert!(matches!(choices(&["/a", "/b"], &["x"]), Err(ChoiceError::Ambiguous(..))));
        assert!(matches!(choices(&["/a"], &["../x"]), Err(ChoiceError::Path(PathError::Outside(_)))));
        assert!(matches!(choices(&["/a"], &[""]), Err(ChoiceError::Path(PathError::Empty))));
    }
}
