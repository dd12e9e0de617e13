//! Binds: the source is there or may be made, and can be mounted the way that was asked for.

use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::{Placed, Placing, placed, record};
use crate::container::Error;
use crate::error::place::{PlaceError, Wish};
use crate::plan::attachment::{Devices, Lower, Merged, Source};
use crate::plan::mount::{Bind, Links, Missing, MountRequest, Ownership, Propagation, View};
use crate::plan::name::VolumeName;
use crate::plan::path::Subpath;
use crate::store::container::MountRecord;
use crate::store::layout;
use crate::sys::mountinfo::{self, Peers};
use crate::sys::{Call, SysError, hosttree, probe};

/// What nobody means to give away with all that is below it.
const PRECIOUS: [&str; 22] = [
    "/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/opt",
    "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/tmp",
];

impl Placing<'_> {
    pub(super) fn bind(
        &mut self,
        index: usize,
        request: &MountRequest,
        bind: &Bind,
    ) -> Result<Placed, Error> {
        let path = &bind.source;
        let record = record(request, path.clone());
        let in_volume = self.in_volume(path);
        if bind.links == Links::Copy && is_symlink(path)? {
            return Ok(placed(request, Source::Link { path: path.clone() }, record));
        }
        let stat = source_stat(bind)?;
        if stat.is_none() && in_volume.is_some() {
            // Who has the volume could lead elsewhere what is made in it.
            let cause = SysError::new(format!("stat({path:?})"), Errno::NOENT);
            return Err(PlaceError::NoSource { path: path.clone(), missing: Wish::Nothing, cause }.into());
        }
        if stat.is_none() {
            self.placement.missing_sources.push((request.origin.clone(), path.clone()));
        }
        check_propagation(path, bind.propagation)?;
        if bind.ownership == Ownership::User && bind.view == View::Direct {
            self.check_precious(path)?;
        }
        let Some((layer, own)) = self.layer(index, &bind.view) else {
            let recursion = bind.recursion;
            let source = match in_volume {
                Some((base, subpath)) => Source::Beneath { base, subpath, recursion },
                None => Source::Bind { path: path.clone(), recursion },
            };
            return Ok(placed(request, source, record));
        };
        check_layer(path, stat.as_ref(), &bind.view)?;
        if let (View::Review, Some(own)) = (&bind.view, &own) {
            self.placement.reviewed.push((own.clone(), path.clone()));
        }
        let lower = match in_volume {
            Some((base, subpath)) => Lower { base, subpath: Some(subpath) },
            None => Lower { base: path.clone(), subpath: None },
        };
        let source = Source::Merged(Merged {
            lowers: vec![lower],
            layer: Some(layer),
            subpath: None,
            devices: Devices::Allowed,
        });
        Ok(placed(request, source, MountRecord { layer: own, ..record }))
    }
}

impl Placing<'_> {
    /// What of which volume a path names, if it is something in a volume of the store. A container that has the volume
    /// can put a symlink in the way at any moment, which must not lead out.
    fn in_volume(&self, path: &Path) -> Option<(PathBuf, Subpath)> {
        let store = &self.site.engine.store;
        let mut names = path.strip_prefix(store.path().join(layout::VOLUMES)).ok()?.components();
        let volume: VolumeName = names.next()?.as_os_str().to_str()?.parse().ok()?;
        let data = store.volume_data(&volume);
        let subpath = Subpath::parse(path.strip_prefix(&data).ok()?).ok()?;
        (!subpath.is_all()).then_some((data, subpath))
    }

    /// Refuses to give away what the machine or the caller cannot do without, the store among it.
    fn check_precious(&self, path: &Path) -> Result<(), Error> {
        let real = path.canonicalize().unwrap_or_else(|_| PathBuf::from(path));
        let is_of_system = PRECIOUS.iter().any(|precious| Path::new(precious) == real);
        let is_home = probe::home().is_some_and(|home| home.starts_with(&real));
        let store = self.site.engine.store.path();
        let has_store = store.canonicalize().is_ok_and(|store| store.starts_with(&real));
        if is_of_system || is_home || has_store {
            return Err(PlaceError::Precious(path.to_owned()).into());
        }
        Ok(())
    }
}

/// Looks at the source; none where it is to be made.
fn source_stat(bind: &Bind) -> Result<Option<Stat>, PlaceError> {
    let path = &bind.source;
    match rustix::fs::stat(path).call(|| format!("stat({path:?})")) {
        Ok(stat) => Ok(Some(stat)),
        Err(cause) if cause.errno() == Errno::NOENT => match std::fs::read_link(path) {
            // A dangling symlink is not a missing directory: making it would follow it.
            Ok(link) => Err(PlaceError::Dangling { path: path.clone(), link, cause }),
            Err(_) if bind.missing == Missing::Create => Ok(None),
            Err(_) => Err(PlaceError::NoSource { path: path.clone(), missing: Wish::CreateSource, cause }),
        },
        Err(cause) => Err(PlaceError::Source { path: path.clone(), cause }),
    }
}

fn is_symlink(path: &Path) -> Result<bool, PlaceError> {
    let stat = rustix::fs::lstat(path).call(|| format!("lstat({path:?})"));
    let path = || path.to_owned();
    let stat = stat.map_err(|cause| match cause.errno() {
        Errno::NOENT => PlaceError::NoSource { path: path(), missing: Wish::Nothing, cause },
        _ => PlaceError::Source { path: path(), cause },
    })?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// A layer lies over a directory without mounts; a source that is to be made is one.
pub(super) fn check_layer(path: &Path, stat: Option<&Stat>, view: &View) -> Result<(), Error> {
    if let Some(stat) = stat {
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Err(PlaceError::LayerOverFile { path: path.to_owned() }.into());
        }
        if let Some(mount) = hosttree::mount_below(path).map_err(Error::Probe)? {
            return Err(PlaceError::LayerOverMounts { path: path.to_owned(), mount }.into());
        }
    }
    let View::Layer { upper, work } = view else { return Ok(()) };
    if device(upper)? == device(work)? {
        return Ok(());
    }
    Err(PlaceError::LayerApart { upper: upper.clone(), work: work.clone() }.into())
}

/// The file system of a directory of the caller's layer.
fn device(path: &Path) -> Result<u64, Error> {
    let stat = rustix::fs::stat(path).and_then(|stat| match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(stat.st_dev),
        _ => Err(Errno::NOTDIR),
    });
    let stat = stat.call(|| format!("stat({path:?})"));
    Ok(stat.map_err(|cause| PlaceError::Layer { path: path.to_owned(), cause })?)
}

/// `shared` needs a source on a shared mount, and `slave` one that receives mounts at least.
fn check_propagation(path: &Path, propagation: Propagation) -> Result<(), Error> {
    let (is_enough, wanted): (fn(Peers) -> bool, _) = match propagation {
        Propagation::Shared | Propagation::Rshared => (|peers| peers == Peers::Shared, "a shared"),
        Propagation::Slave | Propagation::Rslave => (|peers| peers != Peers::Private, "a shared or slave"),
        Propagation::Private | Propagation::Rprivate | Propagation::Unbindable | Propagation::Runbindable => {
            return Ok(());
        }
    };
    let there = path.ancestors().find(|one| one.exists()).unwrap_or(path);
    let Some(mount) = mountinfo::containing(there).map_err(Error::Probe)? else { return Ok(()) };
    if is_enough(mount.peers) {
        return Ok(());
    }
    let found = match mount.peers {
        Peers::Shared => "shared",
        Peers::Slave => "a slave",
        Peers::Private => "private",
    };
    let (word, path) = (propagation.name(), path.to_owned());
    Err(PlaceError::Propagation { word, path, mount: mount.point, wanted, found }.into())
}
