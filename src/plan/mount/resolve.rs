//! All requests of one container together: one mount for each destination, in the order of mounting.

use std::path::{Component, Path, PathBuf};

use super::{Flag, ImageVolumes, MountError, MountKind, MountRequest, View};
use crate::plan::path::ContainerPath;

/// What becomes of two requests for one destination.
enum Clash {
    KeepFirst,
    KeepSecond,
    Error,
}

/// How much a request says about its destination; who says more wins.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// `-v /x`. A `--mount` without source is no less than one with.
    Anonymous,
    /// What another container has there.
    Donated,
    /// What the user asks for.
    Asked,
}

/// Applies the rules about duplicates, gives each of the image's `VOLUME`s that nothing else is mounted at what
/// `image_volumes` says, makes host paths absolute (relative ones start at `cwd`) and clean, and sorts.
///
/// Outer destinations come before inner ones, so that the order of flags never matters; what is equally deep keeps
/// the order of flags, after the image's own volumes.
///
/// # Errors
/// Two requests want the same destination, or a `VOLUME` is `/`.
pub fn resolve(
    requests: Vec<MountRequest>,
    declared: &[ContainerPath],
    image_volumes: ImageVolumes,
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
    for destination in declared {
        let is_taken = |other: &MountRequest| other.destination == *destination;
        if !kept.iter().any(is_taken) && !resolved.iter().any(is_taken) {
            resolved.extend(image_volumes.request(destination)?);
        }
    }
    resolved.extend(kept);
    for request in &mut resolved {
        make_absolute(&mut request.kind, cwd);
    }
    resolved.sort_by_key(|request| request.destination.depth());
    Ok(resolved)
}

fn make_absolute(kind: &mut MountKind, cwd: &Path) {
    let view = match kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => {
            bind.source = absolute(&bind.source, cwd);
            &mut bind.view
        }
        MountKind::Volume(volume) => &mut volume.view,
        MountKind::Tmpfs(_) | MountKind::Image(_) | MountKind::Devpts(_) | MountKind::Ramfs(_) => return,
    };
    if let View::Layer { upper, work } = view {
        *upper = absolute(upper, cwd);
        *work = absolute(work, cwd);
    }
}

fn clash(first: &MountRequest, second: &MountRequest) -> Clash {
    let (rank, other) = (rank(first), rank(second));
    if rank < other {
        return Clash::KeepSecond;
    }
    if rank > other {
        return Clash::KeepFirst;
    }
    match (first.origin.flag, second.origin.flag) {
        (Flag::Volume, Flag::Volume) if first.origin.text == second.origin.text => Clash::KeepFirst,
        (Flag::Tmpfs, Flag::Tmpfs) | (Flag::VolumesFrom, Flag::VolumesFrom) => Clash::KeepSecond,
        _ => Clash::Error,
    }
}

fn rank(request: &MountRequest) -> Rank {
    let is_anonymous = matches!(&request.kind, MountKind::Volume(volume) if volume.name.is_none());
    match request.origin.flag {
        Flag::Image => Rank::Anonymous,
        Flag::Volume if is_anonymous => Rank::Anonymous,
        Flag::VolumesFrom => Rank::Donated,
        Flag::Volume | Flag::Mount | Flag::Tmpfs | Flag::Device => Rank::Asked,
    }
}

fn duplicate(first: &MountRequest, second: &MountRequest) -> MountError {
    MountError::Duplicate {
        destination: second.destination.to_string(),
        first: first.origin.to_string(),
        second: second.origin.to_string(),
    }
}

/// `path` from `cwd`, cleaned lexically.
pub(in crate::plan) fn absolute(path: &Path, cwd: &Path) -> PathBuf {
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
