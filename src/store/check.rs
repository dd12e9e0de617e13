//! Whether everything in a store is as it should be, and mending what is not.
//!
//! Other commands go on meanwhile. So what looks wrong is looked at a second time, and only what looks wrong again is
//! told; and nothing is mended but under the locks that all others respect. What is damaged is moved aside and never
//! deleted; the files of a volume stay where they are.

mod containers;
mod finding;
mod images;
mod layers;
mod repair;
mod volumes;

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::directory::Directory;
use super::document::{self, DocumentError};
use super::{Store, StoreError, layout, lock};
use crate::plan::digest::Digest;
use crate::plan::mount_table;
use crate::sys::{Call, SysError};

pub use finding::{Finding, Flaw, Grade, Remedy};

/// How long something that looks wrong is left alone before it is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a check waits for containers that are being removed.
const REMOVAL: Duration = Duration::from_secs(10);

/// How thoroughly a store is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Names, records and what they refer to.
    #[default]
    Records,
    /// Every byte of the layers, too.
    Digests,
}

impl Store {
    /// Looks at everything, and waits some seconds for containers that are being removed, so that a store in order may be
    /// copied. Called where the files of the store can be read: inside their user namespace.
    ///
    /// # Errors
    /// The store's own directories cannot be read.
    pub fn find_flaws(&self, depth: Depth, now: i64) -> Result<Vec<Finding>, StoreError> {
        let Some(root) = self.directory()? else { return Ok(Vec::new()) };
        let findings = self.find_lasting_flaws(root, depth, now)?;
        await_removals(root).map_err(|cause| self.read_error(cause))?;
        Ok(findings)
    }

    /// What is wrong, and not because another command is in the middle of it.
    fn find_lasting_flaws(
        &self,
        root: &Directory,
        depth: Depth,
        now: i64,
    ) -> Result<Vec<Finding>, StoreError> {
        let look = |depth| {
            let mut inspection = Inspection { store: self, root, depth, now, findings: Vec::new() };
            inspection.inspect().map_err(|cause| self.read_error(cause))?;
            Ok::<_, StoreError>(inspection.findings)
        };
        let first = look(depth)?;
        if first.is_empty() {
            return Ok(first);
        }
        // What another command is in the middle of looks wrong only for a moment; a layer does not change any more.
        std::thread::sleep(PAUSE);
        let second = look(Depth::Records)?;
        let stays = |finding: &Finding| second.contains(finding) || layers::is_about_content(finding);
        Ok(first.into_iter().filter(stays).collect())
    }
}

/// Waits for containers that are being removed, for as long as they may take all together.
fn await_removals(root: &Directory) -> Result<(), SysError> {
    let deadline = Instant::now() + REMOVAL;
    for name in root.names_in(layout::ENDED)? {
        // What is gone by now, or is no directory, nobody is removing.
        let Ok(directory) = root.directory(&format!("{}/{name}", layout::ENDED)) else { continue };
        lock::await_release(&directory, deadline.saturating_duration_since(Instant::now()))?;
    }
    Ok(())
}

/// One look at a store.
struct Inspection<'s> {
    store: &'s Store,
    root: &'s Directory,
    depth: Depth,
    now: i64,
    findings: Vec<Finding>,
}

impl Inspection<'_> {
    fn inspect(&mut self) -> Result<(), SysError> {
        self.top()?;
        self.temporary()?;
        self.references()?;
        self.images()?;
        self.archives()?;
        self.steps()?;
        self.layers()?;
        self.containers()?;
        self.cgroups()?;
        self.names()?;
        self.volumes()?;
        self.trash()?;
        self.mounts()
    }

    fn found(&mut self, path: impl Into<String>, flaw: Flaw, remedy: Remedy) {
        self.findings.push(Finding { path: path.into(), flaw, remedy, mended: None });
    }

    /// The store's own directory.
    fn top(&mut self) -> Result<(), SysError> {
        let known = |name: &str| {
            layout::DIRECTORIES.contains(&name)
                || layout::JOURNALS.contains(&name)
                || [
                    layout::VERSION_FILE,
                    layout::TRASH,
                    layout::CGROUPS,
                    layout::STEPS,
                    layout::DAMAGED,
                    "lost+found",
                ]
                .contains(&name)
        };
        for name in self.root.names()? {
            let name = name.to_string_lossy().into_owned();
            if !known(&name) {
                let advice = format!("nothing of minirun's made it: move `{name}` out of the store");
                self.found(name, Flaw::Unknown, Remedy::Advice(advice));
            }
        }
        for name in layout::DIRECTORIES {
            if !self.root.exists(name)? {
                // The next write makes it.
                self.found(name, Flaw::Unfinished, Remedy::MakeDirectory);
            }
        }
        for name in self.root.names_in(layout::DAMAGED)? {
            let path = format!("{}/{name}", layout::DAMAGED);
            let advice = format!(
                "look what is in it; to remove it: minirun unshare -- rm -r {}",
                self.store.path().join(&path).display()
            );
            self.found(path, Flaw::MovedAside, Remedy::Advice(advice));
        }
        Ok(())
    }

    /// What belongs to no living process among what is being made, or about to be gone.
    fn temporary(&mut self) -> Result<(), SysError> {
        for directory in [layout::TEMPORARY, layout::ENDED] {
            self.abandoned(directory)?;
        }
        Ok(())
    }

    fn abandoned(&mut self, directory: &str) -> Result<(), SysError> {
        for name in self.root.names_in(directory)? {
            let path = format!("{directory}/{name}");
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let is_free = match rustix::fs::openat(self.root, &path, flags, Mode::empty()) {
                Err(Errno::NOENT) => false,
                Err(_) => true,
                Ok(file) => match flock(&file, FlockOperation::NonBlockingLockShared) {
                    Ok(()) => true,
                    Err(Errno::WOULDBLOCK) => false,
                    Err(errno) => return Err(SysError::new(format!("flock({path:?}, SHARED)"), errno)),
                },
            };
            if is_free {
                self.found(path, Flaw::Abandoned, Remedy::Remove);
            }
        }
        Ok(())
    }

    /// What is mounted in the store where the caller sees it; minirun mounts nothing there.
    fn mounts(&mut self) -> Result<(), SysError> {
        let Ok(store) = self.store.path().canonicalize() else { return Ok(()) };
        let table = std::fs::read("/proc/self/mountinfo").call(|| "read(\"/proc/self/mountinfo\")")?;
        for mount in mount_table::parse(&table) {
            if let Ok(below) = Path::new(&mount.point).strip_prefix(&store)
                && below != Path::new("")
            {
                let advice = format!("if it is not wanted: umount {}", Path::new(&mount.point).display());
                self.found(below.to_string_lossy(), Flaw::Mounted, Remedy::Advice(advice));
            }
        }
        Ok(())
    }

    /// The names in a directory of the store; those that are no text are told of.
    fn entries(&mut self, directory: &str) -> Result<Vec<String>, SysError> {
        let opened = match self.root.directory(directory) {
            Err(error) if error.errno() == Errno::NOENT => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut texts = Vec::new();
        for name in opened.names()? {
            match name.into_string() {
                Ok(text) => texts.push(text),
                Err(name) => {
                    let path = format!("{directory}/{}", name.to_string_lossy());
                    let advice = "nothing of minirun's made it: move it out of the store".to_owned();
                    self.found(path, Flaw::Unknown, Remedy::Advice(advice));
                }
            }
        }
        Ok(texts)
    }

    /// Reads a record; what is wrong with it otherwise.
    fn record<T: serde::de::DeserializeOwned>(&self, path: &str, expected: &'static str) -> Result<T, Flaw> {
        match self.root.read(path, document::RECORD_MAX) {
            Err(error) => Err(Flaw::Unreadable(error.to_string())),
            Ok(None) => Err(Flaw::Damaged(format!("{} is missing", file_name(path)))),
            Ok(Some(bytes)) => document::parse(&bytes, expected)
                .map_err(|error| Flaw::Damaged(format!("{}: {}", file_name(path), in_full(&error)))),
        }
    }

    /// Whether something is there; what cannot be asked is taken to be.
    fn is_there(&self, path: &str) -> bool {
        self.root.exists(path).unwrap_or(true)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn in_full(error: &DocumentError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The digest whose digits are the name of a directory.
fn digest(hex: &str) -> Option<Digest> {
    format!("sha256:{hex}").parse().ok()
}
