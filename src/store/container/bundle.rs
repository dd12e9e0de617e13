//! A container's directory in the hands of whoever runs it.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{
    Along, Container, ContainerError, ContainerRecord, EndRecord, Lifetime, StartRecord, container_name,
};
use crate::store::directory::Directory;
use crate::store::{Store, StoreError, layout, lock};
use crate::sys::{Call as _, SysError, moment};

/// A container's directory while its launcher lives; the lock goes with the last process that has it.
#[derive(Debug)]
pub struct Bundle {
    directory: Directory,
    name: String,
    lock: OwnedFd,
}

impl Bundle {
    pub(super) fn new(directory: Directory, lock: OwnedFd, name: &str) -> Self {
        Self { directory, name: name.to_owned(), lock }
    }

    /// The container's directory.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Its directory, from the store.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What holds the lock.
    #[must_use]
    pub fn lock(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}

impl Store {
    /// Takes a container that nobody runs, to run it.
    ///
    /// # Errors
    /// It runs, or is gone, or the store cannot be read.
    pub fn take_container(&self, container: &Container) -> Result<Bundle, ContainerError> {
        let record = &container.record;
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let name = container_name(record.id.as_str(), lifetime);
        let unknown = || ContainerError::Unknown(record.name.to_string());
        let directory = self.open_container(&name)?.ok_or_else(unknown)?;
        match seize(&directory).map_err(|cause| self.read_error(cause))? {
            // It may have been removed before it was locked.
            Some(lock) if self.open_container(&name)?.is_some() => Ok(Bundle::new(directory, lock, &name)),
            Some(_) => Err(unknown()),
            None => Err(ContainerError::Running(record.name.to_string())),
        }
    }

    /// Writes down that a container's command runs.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn note_start(&self, bundle: &Bundle, start: StartRecord) -> Result<(), StoreError> {
        let json = serde_json::to_vec(&start).unwrap_or_default();
        let note = || -> Result<(), SysError> {
            bundle.directory.replace(layout::STARTED, &json)?;
            bundle.directory.unlink(layout::WAITING).map(drop)
        };
        note().map_err(|cause| self.write_error(cause))
    }

    /// Writes down how a container ended.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn end_container(&self, bundle: &Bundle, end: &EndRecord) -> Result<(), StoreError> {
        let json = serde_json::to_vec(end).unwrap_or_default();
        bundle.directory.replace(layout::STATUS, &json).map_err(|cause| self.write_error(cause))
    }

    /// A file that a container's directory got when it was made; none if there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read_bundle(&self, bundle: &Bundle, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_file(&format!("{}/{name}", bundle.name))
    }

    /// The result of a container's last run; none if there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn container_result(&self, container: &Container) -> Result<Option<serde_json::Value>, StoreError> {
        let record = &container.record;
        let lifetime = if record.removed_at_end { Lifetime::Ephemeral } else { Lifetime::Kept };
        let name = format!("{}/{}", container_name(record.id.as_str(), lifetime), layout::RESULT);
        self.read_json(&name, "the result of a container")
    }

    /// Removes a container whose launcher is this process, at its end.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn discard_bundle(
        &self,
        record: &ContainerRecord,
        bundle: &Bundle,
        along: Along,
    ) -> Result<(), ContainerError> {
        let current = self.current_record(bundle)?;
        self.discard_container(current.as_ref().unwrap_or(record), &bundle.name, along)
    }

    /// What a container is by now: it may have got another name since it was started.
    pub(super) fn current_record(&self, bundle: &Bundle) -> Result<Option<ContainerRecord>, StoreError> {
        self.container_record(&bundle.name)
    }
}

/// How long whoever looks at a container, or reads its files, is left alone before it is asked for again.
const PAUSE: Duration = Duration::from_millis(2);

/// Locks a container that nobody runs; one whose files are merely read is free when that is done. Whether it still has its
/// place is for the caller to see: the lock of one that was removed is free, too.
pub(super) fn seize(directory: &Directory) -> Result<Option<OwnedFd>, SysError> {
    loop {
        match flock(directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                moment("locked");
                let lock = rustix::io::fcntl_dupfd_cloexec(directory, 3).call(|| "fcntl(DUPFD_CLOEXEC)")?;
                return Ok(Some(lock));
            }
            // Nothing is held while it waits: two that both held it shared would be in each other's way for ever.
            Err(Errno::WOULDBLOCK) if lock::is_held(directory)? => return Ok(None),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            Err(errno) => return Err(SysError::new(format!("flock({:?})", directory.path()), errno)),
        }
    }
}

pub(super) fn try_lock_shared(directory: &Directory) -> Result<bool, SysError> {
    match flock(directory, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(SysError::new(format!("flock({:?}, SHARED)", directory.path()), errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::store::fixture::Scratch;

    /// What `seize` gives for one that opened the directory before `meanwhile`; none if that takes for ever.
    fn seized(scratch: &Scratch, meanwhile: impl FnOnce(&Path)) -> Option<bool> {
        let path = scratch.path().join("container");
        std::fs::create_dir(&path).unwrap();
        let directory = Directory::open(&path).unwrap();
        meanwhile(&path);
        let (sender, receiver) = channel();
        std::thread::spawn(move || sender.send(seize(&directory).unwrap().is_some()));
        receiver.recv_timeout(Duration::from_secs(20)).ok()
    }

    #[test]
    fn nobody_waits_for_what_was_removed() {
        let scratch = Scratch::new();
        assert_eq!(seized(&scratch, |path| std::fs::remove_dir(path).unwrap()), Some(true));
    }

    #[test]
    fn what_is_run_is_not_waited_for() {
        let scratch = Scratch::new();
        let mut launcher = None;
        let run = |path: &Path| launcher = seize(&Directory::open(path).unwrap()).unwrap();
        assert_eq!(seized(&scratch, run), Some(false));
        assert!(launcher.is_some());
    }

    #[test]
    fn of_those_who_wait_for_a_reader_one_wins() {
        let scratch = Scratch::new();
        let readers = [(); 2].map(|()| Directory::open(scratch.path()).unwrap());
        assert!(readers.iter().all(|reader| try_lock_shared(reader).unwrap()));
        let (sender, receiver) = channel();
        for _ in 0..4 {
            let (directory, sender) = (Directory::open(scratch.path()).unwrap(), sender.clone());
            std::thread::spawn(move || sender.send((seize(&directory).unwrap(), directory)));
        }
        std::thread::sleep(PAUSE * 10);
        drop(readers);
        // Whoever has it keeps it, so that for the others it is taken.
        let outcomes = [(); 4].map(|()| receiver.recv_timeout(Duration::from_secs(20)).unwrap());
        assert_eq!(outcomes.iter().filter(|(lock, _)| lock.is_some()).count(), 1);
    }
}
