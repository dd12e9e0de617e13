//! Running a container, from the first write to the last.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::base::{Base, Intent, open_directory};
use super::outside::Outside;
use super::prepare::Prepared;
use super::{Engine, Error, Event, Events, copying, now, random};
use crate::error::place::PlaceError;
use crate::launch::{self, LaunchError, Sign};
use crate::plan::Plan;
use crate::plan::mount::{MountKind, View};
use crate::plan::name::ContainerName;
use crate::plan::request::{Driver, RunRequest};
use crate::plan::rootfs::Rootfs;
use crate::store::container::{Bundle, Container, ContainerError, ContainerRecord, EndRecord, MountRecord};
use crate::store::copy::{copy_tree, flatten};
use crate::store::layout;
use crate::store::merged::Merged;
use crate::sys::clone::ExitStatus;
use crate::sys::owner::Claim;
use crate::sys::process::DescriptorLimit;
use crate::sys::{Call, clock, owner};

/// A file that holds the container's ID; removed again unless the container starts.
struct CidFile {
    path: PathBuf,
    keep: bool,
}

/// How a start went.
struct Finish<'a> {
    outside: &'a Outside,
    started: bool,
    status: ExitStatus,
}

impl Engine {
    /// Says what would be done; writes nothing.
    ///
    /// # Errors
    /// What was asked cannot be done.
    pub fn plan(&self, request: &RunRequest, events: Events<'_>) -> Result<Plan, Error> {
        Ok(self.prepare(request, (request.driver, Intent::Look), events)?.plan)
    }

    /// Runs a container to its end.
    ///
    /// # Errors
    /// The container could not be made or started; nothing of it is left unless it was to be kept.
    pub fn run(&self, request: &RunRequest, events: Events<'_>) -> Result<ExitStatus, Error> {
        self.all_or_nothing(|| self.run_once(request, events))
    }

    fn run_once(&self, request: &RunRequest, events: Events<'_>) -> Result<ExitStatus, Error> {
        let mut prepared = self.prepare(request, (request.driver, Intent::Run), events)?;
        if let Some(notice) = unreviewed(&prepared.record) {
            events(Event::Notice(notice));
        }
        match self.run_prepared(&mut prepared, request, events) {
            Err(Error::Launch { cause: LaunchError::Init(step), .. })
                if step.overlay_refused() && request.driver == Driver::Auto =>
            {
                let cause = step.root_cause();
                events(Event::Notice(format!(
                    "copying the image, as there can be no overlay here ({cause})"
                )));
                let mut prepared = self.prepare(request, (Driver::Vfs, Intent::Run), events)?;
                self.run_prepared(&mut prepared, request, events)
            }
            result => result,
        }
    }

    fn run_prepared(
        &self,
        prepared: &mut Prepared,
        request: &RunRequest,
        events: Events<'_>,
    ) -> Result<ExitStatus, Error> {
        let mut cid_file =
            request.cid_file.as_deref().map(|path| CidFile::make(path, prepared)).transpose()?;
        let mut outside = Outside::default();
        // Dropped last: whoever kills the container needs to find this process as long as the directory is locked.
        let (claim, bundle) = self.make_bundle(prepared, &mut outside)?;
        let result = start_and_wait(prepared, &claim, events);
        let started = match &result {
            Ok(_) => true,
            Err(Error::Launch { cause: LaunchError::Init(step), .. }) => step.code() != 125,
            Err(_) => false,
        };
        if let Some(file) = &mut cid_file {
            file.keep = started;
        }
        let status = match &result {
            Ok(status) => *status,
            Err(error) => ExitStatus::Exited(error.exit_code()),
        };
        // How the container ended says more than what could not be tidied up; the next command sweeps.
        if let Err(error) = self.finish(prepared, &bundle, &Finish { outside: &outside, started, status }) {
            let name = describe(&prepared.record);
            events(Event::Notice(format!("cannot put away {name}: {}", chain(&error))));
        }
        result
    }

    /// Removes what is not to stay, and writes down how the rest ended.
    fn finish(&self, prepared: &Prepared, bundle: &Bundle, finish: &Finish<'_>) -> Result<(), Error> {
        if !finish.started {
            return self.discard(prepared, bundle).and(self.undo(finish.outside));
        }
        if prepared.record.removed_at_end {
            return self.discard(prepared, bundle);
        }
        let end = EndRecord { status: finish.status, finished: now() };
        Ok(self.store.end_container(bundle, end)?)
    }

    /// The first writes: volumes, directories that binds make, the container itself.
    fn make_bundle(&self, prepared: &mut Prepared, outside: &mut Outside) -> Result<(Claim, Bundle), Error> {
        let config = prepared.config.as_deref().filter(|_| !prepared.record.removed_at_end);
        let mut files: Vec<(&str, &[u8])> =
            prepared.files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
        files.extend(config.map(|config| ("config.json", config)));
        files.push((layout::OWNER, b""));
        let directories: Vec<&str> = prepared.directories.iter().map(String::as_str).collect();
        let bundle = loop {
            match self.store.make_container(&prepared.record, &directories, &files) {
                Err(ContainerError::NameInUse { .. }) if prepared.is_name_drawn => {
                    prepared.record.name = ContainerName::from_random(u64::from_ne_bytes(random()?));
                }
                result => break result?,
            }
        };
        let mut fill = || -> Result<Claim, Error> {
            let claim = Claim::take(bundle.directory().as_fd(), layout::OWNER)
                .map_err(|cause| Error::Store(self.store.write_error(cause)))?;
            for volume in &prepared.placement.volumes {
                if self.store.make_volume(volume)? && !volume.anonymous {
                    outside.volumes.push(volume.name.clone());
                }
            }
            for (asked, source) in &prepared.placement.missing_sources {
                outside.make_source(source).map_err(|error| error.about(asked))?;
            }
            fill_root(prepared)?;
            self.note_time(&bundle, &prepared.placement.reviewed)?;
            Ok(claim)
        };
        match fill() {
            Ok(claim) => Ok((claim, bundle)),
            Err(error) => {
                // This error says more than one about what is then left, which the next command sweeps.
                let _ = self.discard(prepared, &bundle).and(self.undo(outside));
                Err(error)
            }
        }
    }

    /// Writes down, in each layer whose changes are going to be looked at, the time that parts what was there from
    /// what the host changes meanwhile, and which directory its source is. The last write before the start, as time
    /// goes on.
    fn note_time(&self, bundle: &Bundle, layers: &[(String, PathBuf)]) -> Result<(), Error> {
        if layers.is_empty() {
            return Ok(());
        }
        let since = clock::next_tick();
        for (layer, source) in layers {
            let stat = rustix::fs::stat(source).call(|| format!("stat({source:?})"));
            let stat = stat.map_err(|cause| PlaceError::Source { path: source.clone(), cause })?;
            let text = format!("{}.{:09} {}", since.tv_sec, since.tv_nsec, stat.st_ino);
            let name = format!("{layer}/{}", layout::SINCE);
            let written = bundle.directory().write(&name, text.as_bytes());
            written.map_err(|cause| Error::Store(self.store.write_error(cause)))?;
        }
        Ok(())
    }

    /// Removes what a container that did not start has made besides itself.
    pub(super) fn undo(&self, outside: &Outside) -> Result<(), Error> {
        outside.remove_directories();
        self.removing(|| self.remove_unused_volumes(&outside.volumes))
    }

    /// Removes what was made for a container that is not to stay.
    fn discard(&self, prepared: &Prepared, bundle: &Bundle) -> Result<(), Error> {
        self.removing(|| {
            self.store.discard_bundle(&prepared.record, bundle)?;
            self.remove_anonymous_volumes(&prepared.record)
        })
    }

    /// Kills a running container's launcher, and with it the container.
    pub(super) fn kill(&self, container: &Container) -> Result<(), Error> {
        owner::kill(&container.path.join(layout::OWNER))
            .map_err(|cause| Error::Store(self.store.read_error(cause)))
    }
}

/// With the driver vfs: copies the image.
fn fill_root(prepared: &Prepared) -> Result<(), Error> {
    match &prepared.plan.rootfs {
        Rootfs::Directory { path, .. } => {
            super::within(prepared.namespace.as_ref(), || copy_image(&prepared.base, path))
        }
        Rootfs::Overlay { .. } | Rootfs::Host { .. } => Ok(()),
    }
}

fn start_and_wait(prepared: &Prepared, claim: &Claim, events: Events<'_>) -> Result<ExitStatus, Error> {
    let launch_error = |cause| Error::Launch { name: describe(&prepared.record), cause };
    let running = copying::with(|copying| launch::start(&prepared.plan, copying)).map_err(launch_error)?;
    let mut notice = |sign: Sign<'_>| match sign {
        Sign::Notice(text) => events(Event::Notice(text.to_owned())),
        Sign::Rooted(init) => {
            if let Err(error) = claim.announce(init) {
                events(Event::Notice(format!("nobody will find the container's processes ({error})")));
            }
        }
    };
    running.supervise(&mut notice).map_err(launch_error)
}

/// What is lost when a container to be removed at its end changes directories that are to be reviewed.
fn unreviewed(record: &ContainerRecord) -> Option<String> {
    let is_reviewed = |mount: &&MountRecord| matches!(&mount.request.kind, MountKind::Bind(bind) if bind.view == View::Review);
    let mount = record.mounts.iter().find(is_reviewed).filter(|_| record.removed_at_end)?;
    let destination = &mount.request.destination;
    Some(format!(
        "what changes below `{destination}` is gone with the container: leave out --rm to review it"
    ))
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let texts = causes.map(ToString::to_string);
    std::iter::once(error.to_string()).chain(texts).collect::<Vec<_>>().join(": ")
}

fn describe(record: &ContainerRecord) -> String {
    format!("container `{}`", record.name)
}

fn copy_image(base: &Base, destination: &Path) -> Result<(), Error> {
    let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
    let lowers: Vec<_> = base.lowers().iter().map(|path| open_directory(path)).collect::<Result<_, _>>()?;
    let destination = open_directory(destination)?;
    let copied = match base {
        Base::Image { .. } | Base::Host => flatten(&Merged::new(lowers), destination.as_fd()),
        Base::Directory(_) => match lowers.first() {
            Some(directory) => {
                copy_tree(directory.as_fd(), destination.as_fd(), &mut |user, group| (user, group))
            }
            None => Ok(()),
        },
    };
    copied.map_err(|cause| crate::store::volume::FillError::Copy(cause).into())
}

impl CidFile {
    fn make(path: &Path, prepared: &Prepared) -> Result<Self, Error> {
        use std::io::Write as _;
        let write = || {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
            file.write_all(prepared.record.id.as_str().as_bytes())
        };
        let written = write().call(|| format!("open({path:?}, CREATE|EXCL)"));
        written.map_err(|cause| Error::CidFile { path: path.to_owned(), cause })?;
        Ok(Self { path: path.to_owned(), keep: false })
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if !self.keep {
            // It was ours alone; if somebody removed it, all the better.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
