//! Mending what a look at the store has found.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::ffi::OsStr;
use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, Mode};
use thiserror::Error;

use super::{Finding, Remedy};
use crate::plan::digest::Digest;
use crate::plan::name::{ContainerId, ContainerName, VolumeName};
use crate::store::container::{Along, ContainerError, ContainerRecord};
use crate::store::directory::Directory;
use crate::store::remove::{RemoveError, remove_tree};
use crate::store::temporary::{Temporary, random_name};
use crate::store::volume::{DataError, VolumeError, VolumeRecord, unfinished};
use crate::store::{Store, StoreError, layout, lock};
use crate::sys::{Call, SysError};

/// The longest name of something that was moved aside, in bytes.
const NAME_MAX: usize = 200;

/// Why something is not mended.
#[derive(Debug, Error)]
enum RepairError {
    /// Another process works with it.
    #[error("it is in use")]
    InUse,
    /// Another container has the name by now.
    #[error("the name is another container's: `minirun rename` gives this one another")]
    NameTaken,
    #[error(transparent)]
    System(#[from] SysError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Container(#[from] ContainerError),
    #[error(transparent)]
    Volume(#[from] VolumeError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Left(#[from] RemoveError),
}

impl RepairError {
    fn in_full(&self) -> String {
        let (mut text, mut cause) = (self.to_string(), self.source());
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl Store {
    /// Mends what can be mended, and writes down in each finding how that went. Called where the files of the store
    /// can be removed: inside their user namespace.
    pub fn repair(&self, findings: &mut [Finding]) {
        for finding in findings {
            let Some(result) = self.mend(finding) else { continue };
            finding.mended = Some(result.map_err(|error| error.in_full()));
        }
    }

    fn mend(&self, finding: &Finding) -> Option<Result<(), RepairError>> {
        let path = finding.path.as_str();
        Some(match &finding.remedy {
            Remedy::Advice(_) => return None,
            Remedy::Remove => self.remove_found(path),
            Remedy::FreeName(name) => self.free_unused_name(path, name),
            Remedy::MoveAside => self.move_aside(path),
            Remedy::MakeDirectory => self.make_directory(path),
            Remedy::MakeFile => self.make_file(path),
            Remedy::Name(id) => self.name_again(path, id),
            Remedy::Describe(volume) => self.describe(volume),
            Remedy::Finish(volume) => self.finish_volume(volume),
        })
    }

    fn remove_found(&self, path: &str) -> Result<(), RepairError> {
        let root = self.writable()?;
        match path.split('/').collect::<Vec<_>>()[..] {
            [layout::TEMPORARY | layout::ENDED, _] => {
                self.sweep()?;
                if root.exists(path)? { Err(RepairError::InUse) } else { Ok(()) }
            }
            [layout::LAYERS, _, _, layout::OUTLINE] | [layout::LAYERS, _, _, layout::BLOBS, _] => {
                root.unlink(path)?;
                Ok(())
            }
            [layout::LAYERS, ..] => {
                let temporary = Temporary::new(self)?;
                self.delete_unused_layers(&temporary)?;
                Ok(temporary.discard()?)
            }
            [layout::EPHEMERAL, _] => {
                let file = format!("{path}/{}", layout::RECORD);
                let record: Option<ContainerRecord> = self.read_json(&file, "the record of a container")?;
                record.map_or(Ok(()), |record| Ok(self.remove_container(&record, Along::AnonymousVolumes)?))
            }
            [layout::TRASH, id] => Ok(self.purge_trash(&[id.to_owned()])?),
            [layout::CONTAINERS | layout::EPHEMERAL, _, _] => {
                let _lock = seize_owner(root, path)?;
                root.unlink(path)?;
                Ok(())
            }
            [layout::REFERENCES, _] if self.leads_to_image(root, path)? => Ok(()),
            _ => {
                root.unlink(path)?;
                Ok(())
            }
        }
    }

    /// Whether a name of an image has become right meanwhile.
    fn leads_to_image(&self, root: &Directory, path: &str) -> Result<bool, RepairError> {
        let bytes = root.read(path, 1 << 16)?.unwrap_or_default();
        let id =
            std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().nth(1)?.parse::<Digest>().ok());
        id.map_or(Ok(false), |id| Ok(self.contains(&layout::image(&id))?))
    }

    fn move_aside(&self, path: &str) -> Result<(), RepairError> {
        let root = self.writable()?;
        let _lock = seize_owner(root, path)?;
        set_aside(root, path)
    }

    fn make_directory(&self, path: &str) -> Result<(), RepairError> {
        let root = self.writable()?;
        if root.make(path)? && path.ends_with(layout::VOLUME_DATA) {
            rustix::fs::chmodat(root, path, Mode::from_raw_mode(0o755), AtFlags::empty())
                .call(|| format!("fchmodat({path:?}, 755)"))?;
        }
        Ok(())
    }

    fn make_file(&self, path: &str) -> Result<(), RepairError> {
        Ok(Temporary::new(self)?.replace_file(self, path, b"")?)
    }

    fn free_unused_name(&self, path: &str, name: &ContainerName) -> Result<(), RepairError> {
        // Whoever makes a container holds this from taking the name until the container is there.
        let _lock = self.lock_name(name)?;
        if self.named(name)?.is_none() {
            self.writable()?.unlink(path)?;
        }
        Ok(())
    }

    fn name_again(&self, path: &str, id: &ContainerId) -> Result<(), RepairError> {
        let container = self.find_container(id.as_str())?;
        let _lock = self.lock_name(&container.record.name)?;
        match self.named(&container.record.name)? {
            Some(holder) if holder.record.id == *id => Ok(()),
            Some(_) => Err(RepairError::NameTaken),
            None => Ok(Temporary::new(self)?.replace_file_durably(self, path, id.as_str().as_bytes())?),
        }
    }

    fn describe(&self, volume: &VolumeName) -> Result<(), RepairError> {
        let root = self.writable()?;
        let directory = layout::volume(volume.as_str());
        let Some(lock) = lock::hold(root, &directory)? else { return Ok(()) };
        let changed = rustix::fs::fstat(&lock).call(|| format!("fstat({directory:?})"))?.st_mtime;
        let file = format!("{directory}/{}", layout::VOLUME);
        if root.exists(&file)? {
            set_aside(root, &file)?;
        }
        // Whether it had a name of its own is not known any more; as one that had, it is not removed by the way.
        let record = VolumeRecord {
            name: volume.clone(),
            anonymous: false,
            labels: Vec::new(),
            created: changed,
            nanoseconds: 0,
            options: BTreeMap::new(),
        };
        let json = serde_json::to_vec(&record).unwrap_or_default();
        Ok(Temporary::new(self)?.replace_file_durably(self, &file, &json)?)
    }

    fn finish_volume(&self, volume: &VolumeName) -> Result<(), RepairError> {
        {
            let directory = self.lock_volume(volume)?;
            // What was complete is where it belongs now.
            for name in unfinished() {
                remove_tree(directory.as_fd(), OsStr::new(name))?;
            }
        }
        Ok(self.sweep_snapshots(volume)?)
    }
}

/// Keeps whatever uses what `path` is a part of away from it: a container, a layer, a volume.
fn seize_owner(root: &Directory, path: &str) -> Result<Option<Directory>, RepairError> {
    let parts: Vec<&str> = path.split('/').collect();
    let owner = match parts[..] {
        [layout::CONTAINERS | layout::EPHEMERAL | layout::VOLUMES, _, ..] => parts[..2].join("/"),
        [layout::LAYERS, _, _, ..] => parts[..3].join("/"),
        _ => return Ok(None),
    };
    match lock::seize(root, &owner)? {
        Some(lock) => Ok(Some(lock)),
        None if root.exists(&owner)? => Err(RepairError::InUse),
        None => Ok(None),
    }
}

/// Renames something that nobody uses to where nothing looks for it.
fn set_aside(root: &Directory, path: &str) -> Result<(), RepairError> {
    root.make(layout::DAMAGED)?;
    let name: String = path.replace('/', "-").chars().take(NAME_MAX).collect();
    root.rename(path, root, &format!("{}/{name}-{}", layout::DAMAGED, random_name()?))?;
    Ok(())
}
