//! Containers and their names.

use rustix::io::Errno;

use super::{Flaw, Inspection, Remedy};
use crate::plan::name::{ContainerId, ContainerName};
use crate::plan::portable;
use crate::store::container::{ContainerRecord, EndRecord, LiveMount, StartRecord};
use crate::store::{layout, lock};
use crate::sys::SysError;

/// Where containers are.
const PLACES: [&str; 2] = [layout::CONTAINERS, layout::EPHEMERAL];

impl Inspection<'_> {
    /// Each container is what its record says, and has what it needs.
    pub(super) fn containers(&mut self) -> Result<(), SysError> {
        for place in PLACES {
            for id in self.entries(place)? {
                let path = format!("{place}/{id}");
                let Ok(id) = id.parse::<ContainerId>() else {
                    self.found(path, Flaw::Unknown, Remedy::MoveAside);
                    continue;
                };
                let file = format!("{path}/{}", layout::RECORD);
                match self.record::<ContainerRecord>(&file, "the record of a container") {
                    Err(_) if !self.is_there(&path) => {}
                    Err(flaw) => self.found(path, flaw, Remedy::MoveAside),
                    Ok(record)
                        if record.id != id || record.removed_at_end != (place == layout::EPHEMERAL) =>
                    {
                        let flaw = Flaw::Damaged(format!("{} is that of {}", layout::RECORD, record.id));
                        self.found(path, flaw, Remedy::MoveAside);
                    }
                    Ok(record) => self.container(&path, &record)?,
                }
            }
        }
        Ok(())
    }

    fn container(&mut self, path: &str, record: &ContainerRecord) -> Result<(), SysError> {
        if self.is_idle(path)? {
            let waits = self.is_there(&format!("{path}/{}", layout::WAITING));
            if record.removed_at_end && !waits {
                self.found(path, Flaw::Abandoned, Remedy::Remove);
                return Ok(());
            }
            self.unfinished_files(path)?;
        }
        self.container_files(path, record);
        self.container_needs(path, record);
        let name = layout::container_name(record.name.as_str());
        match self.root.read(&name, 256)? {
            Some(bytes) if bytes == record.id.as_str().as_bytes() => {}
            // A rename was killed: the record counts, and the container is still found by its ID.
            Some(_) | None => {
                self.found(
                    name,
                    Flaw::Dangling(format!("`{}`", record.name)),
                    Remedy::Name(record.id.clone()),
                );
            }
        }
        Ok(())
    }

    /// Who has a cgroup runs.
    pub(super) fn cgroups(&mut self) -> Result<(), SysError> {
        for id in self.entries(layout::CGROUPS)? {
            let mut runs = false;
            for place in PLACES {
                let path = format!("{place}/{id}");
                runs |= self.is_there(&path) && !self.is_idle(&path)?;
            }
            if !runs {
                let advice = "the next `minirun run` removes it, and the cgroup".to_owned();
                self.found(format!("{}/{id}", layout::CGROUPS), Flaw::Unfinished, Remedy::Advice(advice));
            }
        }
        Ok(())
    }

    /// Whether nobody runs the container.
    fn is_idle(&self, path: &str) -> Result<bool, SysError> {
        let directory = match self.root.directory(path) {
            Err(error) if error.errno() == Errno::NOENT => return Ok(false),
            directory => directory?,
        };
        lock::is_held(&directory).map(|is_held| !is_held)
    }

    /// What was to replace a file, and did not come to it.
    fn unfinished_files(&mut self, path: &str) -> Result<(), SysError> {
        for name in self.root.names_in(path)? {
            if name.strip_suffix(".new").is_some() {
                self.found(format!("{path}/{name}"), Flaw::Unfinished, Remedy::Remove);
            }
        }
        Ok(())
    }

    fn container_files(&mut self, path: &str, record: &ContainerRecord) {
        let file = |name: &str| format!("{path}/{name}");
        let flaws = [
            (
                layout::STARTED,
                self.optional::<StartRecord>(&file(layout::STARTED), "the start of a container"),
            ),
            (layout::STATUS, self.optional::<EndRecord>(&file(layout::STATUS), "the end of a container")),
            (layout::MOUNTED, self.optional::<Vec<LiveMount>>(&file(layout::MOUNTED), "a list of mounts")),
            (
                layout::RESULT,
                self.optional::<serde_json::Value>(&file(layout::RESULT), "the result of a container"),
            ),
        ];
        for (name, result) in flaws {
            if let Err(flaw) = result {
                self.found(file(name), flaw, Remedy::MoveAside);
            }
        }
        let advice = || {
            Remedy::Advice(format!(
                "it cannot be started: keep what you need and `minirun rm {}`",
                record.name
            ))
        };
        for name in [layout::SPEC, layout::SUPPLEMENT] {
            let result = self.optional::<serde_json::Value>(&file(name), "the description of a container");
            if let Err(flaw) = result {
                self.found(file(name), flaw, advice());
            } else if !record.removed_at_end && !self.is_there(&file(name)) {
                self.found(file(name), Flaw::Missing, advice());
            }
        }
        if !self.is_there(&file(layout::OWNER)) && self.is_there(path) {
            self.found(file(layout::OWNER), Flaw::Missing, Remedy::MakeFile);
        }
    }

    fn optional<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        expected: &'static str,
    ) -> Result<(), Flaw> {
        match self.record::<T>(path, expected) {
            Err(_) if !self.is_there(path) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Directories, image and volumes.
    fn container_needs(&mut self, path: &str, record: &ContainerRecord) {
        let own: &[&str] = match record.driver.as_str() {
            "overlay" => &["upper", "work"],
            "vfs" => &["rootfs"],
            _ => &[],
        };
        for name in own.iter().map(|name| format!("{path}/{name}")) {
            if !self.is_there(&name) && self.is_there(path) {
                self.found(name, Flaw::Missing, Remedy::MakeDirectory);
            }
        }
        let again = || Remedy::Advice(format!("load `{}` again", record.image));
        for id in record.images() {
            if !self.is_there(&layout::image(id)) {
                self.found(path, Flaw::Dangling(format!("image {id}")), again());
            }
        }
        for lower in record.lower_directories.iter().map(|lower| &lower.0) {
            let flaw = || Flaw::Dangling(format!("the layer `{}`", lower.display()));
            match portable::written(self.store.path(), lower) {
                below if below.is_relative() => {
                    if !self.is_there(&below.to_string_lossy()) {
                        self.found(path, flaw(), again());
                    }
                }
                // Directories that are no layers are the user's.
                _ if record.image_id.is_none() => {}
                _ => self.found(path, flaw(), Remedy::Advice(elsewhere(record))),
            }
        }
        for volume in record.mounts.iter().filter_map(|mount| mount.volume.as_ref()) {
            if !self.is_there(&layout::volume(volume.as_str())) {
                let advice = "its next start makes it, empty".to_owned();
                self.found(path, Flaw::Dangling(format!("volume `{volume}`")), Remedy::Advice(advice));
            }
        }
    }

    /// Each name leads to a container that is called so.
    pub(super) fn names(&mut self) -> Result<(), SysError> {
        for name in self.entries(layout::NAMES)? {
            let path = format!("{}/{name}", layout::NAMES);
            let Ok(called) = name.parse::<ContainerName>() else {
                self.found(path, Flaw::Unknown, Remedy::MoveAside);
                continue;
            };
            let Some(bytes) = self.root.read(&path, 256)? else { continue };
            let id =
                std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse::<ContainerId>().ok());
            let leads = id.is_some_and(|id| {
                PLACES.iter().any(|place| {
                    let file = format!("{place}/{id}/{}", layout::RECORD);
                    self.record::<ContainerRecord>(&file, "the record of a container")
                        .is_ok_and(|record| record.name == called)
                })
            });
            if !leads {
                // Whoever wants the name takes it all the same.
                self.found(path, Flaw::Unused, Remedy::FreeName(called));
            }
        }
        Ok(())
    }
}

/// What to do about a container that has its layers in another store.
fn elsewhere(record: &ContainerRecord) -> String {
    format!(
        "it was made while the store lay elsewhere, by an earlier minirun, which wrote that down: move the store back to \
         start it, or `minirun rm {}`",
        record.name
    )
}
