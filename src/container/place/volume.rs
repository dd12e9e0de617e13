//! Volumes: each gets its name, and what it lies in.

use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::bind::check_layer;
use super::{Placed, Placing, placed, record};
use crate::container::{Error, random};
use crate::error::place::PlaceError;
use crate::plan::attachment::{Devices, DriverFileSystem, Lower, Merged, Source};
use crate::plan::backing::{Backing, is_for_users};
use crate::plan::driver;
use crate::plan::mount::{Access, Attributes, Content, Missing, MountRequest, Recursion, View, Volume};
use crate::plan::name::VolumeName;
use crate::plan::path::Subpath;
use crate::plan::rootfs::{Fill, FillPart};
use crate::store::container::MountRecord;
use crate::store::volume::VolumeRecord;
use crate::sys::root::open_beneath;
use crate::sys::{Call, SysError, clock};

/// A volume on its way to a mount.
struct Candidate<'a> {
    index: usize,
    request: &'a MountRequest,
    volume: &'a Volume,
    record: VolumeRecord,
    /// Whether there is one already.
    existence: Existence,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Existence {
    Existing,
    New,
}

/// A directory that a volume's files lie in.
struct Directory {
    base: PathBuf,
    recursion: Recursion,
    attributes: Attributes,
    /// How all of it is filled.
    part: FillPart,
}

impl Placing<'_> {
    pub(super) fn volume(
        &mut self,
        index: usize,
        request: &MountRequest,
        volume: &Volume,
    ) -> Result<Placed, Error> {
        let (record, existence) = self.find(volume)?;
        self.placement.volumes.push(record.clone());
        let candidate = Candidate { index, request, volume, record, existence };
        match Backing::of(&candidate.record.options) {
            Backing::Directory => {
                let directory = Directory {
                    base: self.data(&candidate),
                    recursion: Recursion::Enabled,
                    attributes: Attributes::default(),
                    part: FillPart::Volume,
                };
                self.in_directory(&candidate, directory)
            }
            Backing::Bind { device, recursion, attributes } => {
                check_device(&candidate.record.name, &device)?;
                let part = FillPart::Directory(Subpath::all());
                let directory = Directory { base: device, recursion, attributes, part };
                self.in_directory(&candidate, directory)
            }
            Backing::FileSystem { kind, device, options, attributes } => {
                let source = self.file_system(&candidate, (kind, device, options))?;
                Ok(self.placed_volume(&candidate, source, attributes))
            }
        }
    }

    /// The volume that there is, or else that was asked for before in this container, or else a new one.
    fn find(&self, volume: &Volume) -> Result<(VolumeRecord, Existence), Error> {
        if let Some(name) = &volume.name {
            if let Some(record) = self.site.engine.store.volume(name)? {
                return Ok((record, Existence::Existing));
            }
            if volume.missing == Missing::Refuse {
                return Err(PlaceError::NoVolume(name.to_string()).into());
            }
            if let Some(record) = self.placement.volumes.iter().find(|record| record.name == *name) {
                return Ok((record.clone(), Existence::New));
            }
        }
        driver::check_options(&volume.options)?;
        let (created, nanoseconds) = clock::now();
        let record = VolumeRecord {
            name: match &volume.name {
                Some(name) => name.clone(),
                None => VolumeName::anonymous(random()?),
            },
            anonymous: volume.name.is_none(),
            labels: volume.labels.clone(),
            created,
            nanoseconds,
            options: volume.options.clone(),
        };
        Ok((record, Existence::New))
    }

    fn data(&self, candidate: &Candidate<'_>) -> PathBuf {
        self.site.engine.store.volume_data(&candidate.record.name)
    }

    fn in_directory(&mut self, candidate: &Candidate<'_>, directory: Directory) -> Result<Placed, Error> {
        let Directory { base, recursion, attributes, part } = directory;
        let volume = candidate.volume;
        let subpath = volume.subpath.clone().filter(|subpath| !subpath.is_all());
        if let Some(subpath) = &subpath {
            let is_there = candidate.existence == Existence::Existing || part != FillPart::Volume;
            check_subpath(&candidate.record.name, is_there.then_some(&base), subpath)?;
        }
        if volume.content == Content::Image && attributes.access == Access::ReadWrite {
            let part = subpath.clone().map_or(part, FillPart::Directory);
            let destination = candidate.request.destination.clone();
            self.placement.fills.push(Fill { data: base.clone(), part, destination });
        }
        let layer = self.layer(candidate.index, &volume.view);
        let Some((layer, own)) = layer else {
            let source = match subpath {
                None => Source::Bind { path: base, recursion },
                Some(subpath) => Source::Beneath { base, subpath, recursion },
            };
            return Ok(self.placed_volume(candidate, source, attributes));
        };
        check_layer(&base, rustix::fs::stat(&base).ok().as_ref(), &volume.view)?;
        let shown = subpath.as_ref().map_or_else(|| base.clone(), |subpath| base.join(subpath.as_os_str()));
        let source = Source::Merged(Merged {
            lowers: vec![Lower { base, subpath }],
            layer: Some(layer),
            subpath: None,
            devices: Devices::Allowed,
        });
        let mut placed = self.placed_volume(candidate, source, attributes);
        placed.record.layer = own;
        placed.record.source = shown;
        Ok(placed)
    }

    fn file_system(
        &self,
        candidate: &Candidate<'_>,
        (kind, device, options): (String, String, Vec<(String, Option<String>)>),
    ) -> Result<Source, Error> {
        let volume = candidate.record.name.to_string();
        if self.site.namespace.is_some() && !is_for_users(&kind) {
            return Err(PlaceError::RootOnly { volume, kind }.into());
        }
        // What is in memory is thrown away in any case.
        let is_memory = matches!(kind.as_str(), "tmpfs" | "ramfs");
        if candidate.volume.view != View::Direct && !is_memory {
            return Err(PlaceError::LayerOverFileSystem { volume, kind }.into());
        }
        Ok(Source::Driver(DriverFileSystem {
            kind,
            device,
            options,
            content: candidate.volume.content,
            subpath: candidate.volume.subpath.clone().filter(|subpath| !subpath.is_all()),
            aside: self.data(candidate),
        }))
    }

    fn placed_volume(&self, candidate: &Candidate<'_>, source: Source, attributes: Attributes) -> Placed {
        let request = candidate.request;
        let is_donated = self.anonymous.contains(&request.destination)
            && request.origin.flag == crate::plan::mount::Flag::VolumesFrom;
        let record = MountRecord {
            volume: Some(candidate.record.name.clone()),
            anonymous: candidate.volume.name.is_none() || is_donated,
            ..record(request, self.data(candidate))
        };
        let mut placed = placed(request, source, record);
        placed.mount.attributes = placed.mount.attributes.over(attributes);
        placed
    }
}

/// What a volume's options name must be there.
fn check_device(volume: &VolumeName, device: &Path) -> Result<(), PlaceError> {
    let (name, shown) = (volume.to_string(), device.display().to_string());
    if !device.is_absolute() {
        return Err(PlaceError::RelativeDevice { volume: name, device: shown });
    }
    match rustix::fs::stat(device).call(|| format!("stat({device:?})")) {
        Ok(_) => Ok(()),
        Err(cause) => Err(PlaceError::Device { volume: name, device: shown, cause }),
    }
}

/// A part must be there and lie inside. `base` is none for a volume that is new, and so has no part at all; what the
/// caller may not look at, the container finds out.
fn check_subpath(volume: &VolumeName, base: Option<&PathBuf>, subpath: &Subpath) -> Result<(), PlaceError> {
    let (name, shown) = (volume.to_string(), subpath.to_string());
    let Some(base) = base else { return Err(PlaceError::NoSubpath { volume: name, subpath: shown }) };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(base, flags, Mode::empty())
        .and_then(|base| open_beneath(base, subpath.as_os_str(), OFlags::PATH, Mode::empty()));
    match opened {
        Err(Errno::NOENT | Errno::NOTDIR) => Err(PlaceError::NoSubpath { volume: name, subpath: shown }),
        Err(errno @ (Errno::XDEV | Errno::LOOP)) => {
            let cause = SysError::new(format!("openat2({:?}, BENEATH)", subpath.as_os_str()), errno);
            Err(PlaceError::SubpathOutside { volume: name, subpath: shown, cause })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
