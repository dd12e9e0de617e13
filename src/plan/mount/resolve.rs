//! All requests of one container together: one mount for each destination, in the order of mounting.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::{
    Attributes, Content, Flag, Missing, MountError, MountKind, MountRequest, Origin, Ownership, Problem,
    View, Volume,
};
use crate::plan::path::ContainerPath;

/// What becomes of two requests for one destination.
enum Clash {
    KeepFirst,
    KeepSecond,
    Error,
}

/// Applies the rules about duplicates, adds an anonymous volume for each of the image's `VOLUME`s that nothing else
/// is mounted at, makes the sources of binds absolute (relative ones start at `cwd`) and clean, and sorts.
///
/// Outer destinations come before inner ones, so that the order of flags never matters; what is equally deep keeps
/// the order of flags, after the image's own volumes.
///
/// # Errors
/// Two requests want the same destination, or a `VOLUME` is `/`.
pub fn resolve(
    requests: Vec<MountRequest>,
    image_volumes: &[ContainerPath],
    cwd: &Path,
) -> Result<Vec<MountRequest>, MountError> {
    let mut kept: Vec<MountRequest> = Vec::with_capacity(requests.len());
    for request in requests {
        let Some(first) = kept.iter_mut().find(|other| other.destination == request.destination) else {
            kept.push(request);
            continue;
        };
        match clash(first, &request) {
            Clash::KeepFirst => {}
            Clash::KeepSecond => *first = request,
            Clash::Error => return Err(duplicate(first, &request)),
        }
    }
    let mut resolved: Vec<MountRequest> = Vec::new();
    for destination in image_volumes {
        let is_taken = |other: &MountRequest| other.destination == *destination;
        if !kept.iter().any(is_taken) && !resolved.iter().any(is_taken) {
            resolved.push(image_volume(destination)?);
        }
    }
    resolved.extend(kept);
    for request in &mut resolved {
        if let MountKind::Bind(bind) | MountKind::Glob(bind) = &mut request.kind {
            bind.source = absolute(&bind.source, cwd);
        }
    }
    resolved.sort_by_key(|request| request.destination.depth());
    Ok(resolved)
}

fn clash(first: &MountRequest, second: &MountRequest) -> Clash {
    match (first.origin.flag, second.origin.flag) {
        (Flag::Volume, Flag::Volume) if first.origin.text == second.origin.text => Clash::KeepFirst,
        (Flag::Tmpfs, Flag::Tmpfs) => Clash::KeepSecond,
        _ => match (is_anonymous_flag(first), is_anonymous_flag(second)) {
            (true, false) => Clash::KeepSecond,
            (false, true) => Clash::KeepFirst,
            (true, true) | (false, false) => Clash::Error,
        },
    }
}

/// `-v /x`, which gives way to everything that says more. A `--mount` without source does not.
fn is_anonymous_flag(request: &MountRequest) -> bool {
    let is_anonymous = matches!(&request.kind, MountKind::Volume(volume) if volume.name.is_none());
    request.origin.flag == Flag::Volume && is_anonymous
}

fn duplicate(first: &MountRequest, second: &MountRequest) -> MountError {
    let shown = |origin: &Origin| format!("{} {}", origin.flag, origin.text.to_string_lossy());
    MountError::Duplicate {
        destination: second.destination.to_string(),
        first: shown(&first.origin),
        second: shown(&second.origin),
    }
}

fn image_volume(destination: &ContainerPath) -> Result<MountRequest, MountError> {
    let text: OsString = destination.as_os_str().to_owned();
    if destination.is_root() {
        let problem = Problem::DestinationIsRoot;
        return Err(MountError::Spec { flag: Flag::Image, text: "/".to_owned(), problem });
    }
    let kind = MountKind::Volume(Volume {
        name: None,
        missing: Missing::Create,
        content: Content::Image,
        labels: Vec::new(),
        options: BTreeMap::new(),
        subpath: None,
        attributes: Attributes::default(),
        view: View::Direct,
        ownership: Ownership::Kept,
    });
    Ok(MountRequest { origin: Origin { flag: Flag::Image, text }, destination: destination.clone(), kind })
}

/// `path` from `cwd`, cleaned lexically.
fn absolute(path: &Path, cwd: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for component in cwd.join(path).components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    clean
}
