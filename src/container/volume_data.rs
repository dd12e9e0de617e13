//! Volumes as data: exported, imported, cloned, kept as snapshots, compared.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::image::stdin;
use super::{Engine, Error, Event, Events, LoadFrom, Pausing, absolute, input_error};
use crate::plan::name::{ContainerName, Label, VolumeName};
use crate::plan::snapshot::VolumeRef;
use crate::store::compress::Compression;
use crate::store::container::Container;
use crate::store::copy::{Amount, Sharing};
use crate::store::unpack::Warning;
use crate::store::volume::{Change, Comparison, Copying, DataError, VolumeArchive, VolumeRecord};
use crate::sys::process::DescriptorLimit;
use crate::sys::whole_file::WholeFile;
use crate::sys::{Call, clock};

/// Where an archive goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTo {
    /// A file, which is replaced when the archive is complete.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// What to do where the volume of an import does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingVolume {
    /// Say so.
    Refuse,
    /// Make it of the archive.
    Create,
}

/// A volume that is to be made of another's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloneArguments {
    /// What is cloned.
    pub source: VolumeRef,
    /// The name of the new volume.
    pub name: VolumeName,
    /// Its labels; none for those of the source.
    pub labels: Option<Vec<Label>>,
    /// How blocks are copied.
    pub sharing: Sharing,
}

impl Engine {
    /// Writes the files of a volume or snapshot as a tar archive.
    ///
    /// # Errors
    /// There is no such volume, or something cannot be read or written; then there is no new file.
    pub fn export_volume(
        &self,
        of: &VolumeRef,
        to: &ExportTo,
        compression: Compression,
        events: Events<'_>,
    ) -> Result<(), Error> {
        self.sweep()?;
        self.store.find_volume(of.volume.as_str())?.location()?;
        let output = |path: &Path| {
            let path = absolute(path, &self.host);
            WholeFile::create(&path).map_err(|cause| DataError::Output { path, cause })
        };
        let whole = match to {
            ExportTo::File(path) => Some(output(path)?),
            ExportTo::Stdout => None,
        };
        let stdout = match whole {
            Some(_) => None,
            None => Some(stdout()?),
        };
        let Some(file) = whole.as_ref().map(WholeFile::file).or(stdout.as_ref()) else { return Ok(()) };
        let _still = self.hold_writers(of, Pausing::beside(file), events)?;
        let notes: Vec<String> = self.with_files(|| {
            let mut progress = |bytes| events(Event::Bytes { done: bytes, total: None });
            let notes = self.store.export_volume(of, file, compression, &mut progress)?;
            Ok(notes.iter().map(ToString::to_string).collect())
        })?;
        if let (Some(whole), ExportTo::File(path)) = (whole, to) {
            whole.finish().map_err(|cause| DataError::Output { path: path.clone(), cause })?;
        }
        for note in notes {
            events(Event::Notice(note));
        }
        Ok(())
    }

    /// Puts the files of an archive into a volume.
    ///
    /// # Errors
    /// There is no such volume, or the archive is not what it should be; then the volume is as it was.
    pub fn import_volume(
        &self,
        name: &VolumeName,
        from: &LoadFrom,
        missing: MissingVolume,
        events: Events<'_>,
    ) -> Result<(), Error> {
        let exists = self.store.volume_exists(name)?;
        if !exists && missing == MissingVolume::Refuse {
            return Err(DataError::NoVolume(name.clone()).into());
        }
        let (file, source_name) = self.open_archive(from)?;
        let total = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|found| found.len());
        let ownership = self.namespace(crate::plan::userns::UsernsMode::Auto)?.1.ownership();
        let warnings: Vec<String> = self.all_or_nothing(|| {
            let namespace = self.own_namespace()?;
            self.confined(namespace.as_ref(), &[], || -> Result<_, Error> {
                let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
                let reader = Box::new(&file);
                let archive = VolumeArchive { reader, source_name: &source_name, ownership };
                let mut progress = |bytes| events(Event::Bytes { done: bytes, total });
                let warnings = if exists {
                    self.store.import_volume(name, archive, &mut progress)?
                } else {
                    let record = new_record(name.clone(), Vec::new());
                    self.store.import_new_volume(&record, archive, &mut progress)?
                };
                Ok(warnings.iter().map(in_words).collect())
            })
        })?;
        for warning in warnings {
            events(Event::Notice(warning));
        }
        Ok(())
    }

    fn open_archive(&self, from: &LoadFrom) -> Result<(File, String), Error> {
        match from {
            LoadFrom::Stdin => Ok((stdin()?, "standard input".to_owned())),
            LoadFrom::Path(path) => {
                let opened = File::open(absolute(path, &self.host)).call(|| format!("open({path:?})"));
                let file = opened.map_err(|cause| input_error(path, cause))?;
                Ok((file, format!("`{}`", path.display())))
            }
        }
    }

    /// Makes a volume of another's files, or of a snapshot's; how much was shared and copied.
    ///
    /// # Errors
    /// The name is taken, there is nothing to clone, or it cannot be copied; then nothing is left.
    pub fn clone_volume(&self, arguments: &CloneArguments, events: Events<'_>) -> Result<Amount, Error> {
        self.sweep()?;
        let source = self.store.find_volume(arguments.source.volume.as_str())?;
        if self.store.volume_exists(&arguments.name)? {
            return Err(DataError::Taken(arguments.name.clone()).into());
        }
        let _still = self.hold_writers(&arguments.source, Pausing::WherePossible, events)?;
        if !source.options.is_empty() {
            let text = "the clone is a plain volume: options of the driver are not cloned".to_owned();
            events(Event::Notice(text));
        }
        let labels = arguments.labels.clone().unwrap_or(source.labels);
        let record = new_record(arguments.name.clone(), labels);
        self.with_files(|| {
            let mut progress = copied(events);
            let mut copying = Copying { sharing: arguments.sharing, progress: &mut progress };
            self.store.clone_volume(&arguments.source, &record, &mut copying)
        })
    }

    /// What differs from `old` in `new`. Without `old` it is the newest snapshot of the volume.
    ///
    /// # Errors
    /// There is no such volume or snapshot, or something cannot be read.
    pub fn compare_volumes(
        &self,
        old: Option<&VolumeRef>,
        new: &VolumeRef,
        how: Comparison,
    ) -> Result<Vec<Change>, Error> {
        self.sweep()?;
        let old = old.map_or_else(|| self.newest_snapshot(&new.volume), |old| Ok(old.clone()))?;
        self.with_files(|| self.store.compare_volumes(&old, new, how))
    }

    fn newest_snapshot(&self, volume: &VolumeName) -> Result<VolumeRef, DataError> {
        let newest = self.store.snapshots(volume)?.pop();
        let newest = newest.ok_or_else(|| DataError::NoSnapshots(volume.clone()))?;
        Ok(VolumeRef { volume: volume.clone(), snapshot: Some(newest.name) })
    }

    /// Does `work` where the files of volumes have their container owners.
    pub(super) fn with_files<T>(&self, work: impl FnOnce() -> Result<T, DataError>) -> Result<T, Error>
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        let namespace = self.own_namespace()?;
        super::within(namespace.as_ref(), || -> Result<T, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            Ok(work()?)
        })
    }

    /// The containers that run and use a volume, by name.
    pub(super) fn running_users(&self, volume: &VolumeName) -> Result<Vec<ContainerName>, Error> {
        let users = self.running_containers(volume)?.into_iter();
        Ok(users.map(|container| container.record.name).collect())
    }

    /// The containers that run and use a volume.
    pub(super) fn running_containers(&self, volume: &VolumeName) -> Result<Vec<Container>, Error> {
        let containers = self.store.containers()?.into_iter();
        let running = containers.filter(|container| container.state.is_alive());
        let uses =
            |container: &Container| container.mounts().any(|mount| mount.volume.as_ref() == Some(volume));
        Ok(running.filter(uses).collect())
    }
}

fn new_record(name: VolumeName, labels: Vec<Label>) -> VolumeRecord {
    let (created, nanoseconds) = clock::now();
    VolumeRecord {
        name,
        anonymous: false,
        labels,
        created,
        nanoseconds,
        options: std::collections::BTreeMap::new(),
    }
}

pub(super) fn copied(events: Events<'_>) -> impl FnMut(Amount) + '_ {
    |amount| events(Event::Bytes { done: amount.total(), total: None })
}

/// A warning about an archive of a volume's files.
fn in_words(warning: &Warning) -> String {
    match warning {
        Warning::Owners => {
            "there is one user ID here: the files are yours, and the owners of the archive are in \
                            xattrs, from which an export takes them again"
                .to_owned()
        }
        Warning::Device { .. }
        | Warning::Capabilities { .. }
        | Warning::Labels
        | Warning::Xattr { .. }
        | Warning::XattrsUnsupported
        | Warning::Vendor { .. }
        | Warning::Within { .. } => warning.to_string(),
    }
}

fn stdout() -> Result<File, Error> {
    let copy = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3).call(|| "fcntl(DUPFD_CLOEXEC)");
    let output = |cause| DataError::Output { path: PathBuf::from("-"), cause };
    Ok(copy.map(File::from).map_err(output)?)
}
