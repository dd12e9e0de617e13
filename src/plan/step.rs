//! Steps: commands that make an image of another one, and need not run twice.
//!
//! - A [`StepRequest`] is what was asked: a run, mounts that are no inputs, and what the image is to say of itself.
//! - [`StepRequest::prepare`] makes it harmless: nothing that the command does may stay anywhere but in the image, as it is
//!   missing when the command does not run again. So binds are read-only, and what cannot be so is refused.
//! - [`StepRequest::inputs`] says what has to be looked at; whoever has looked brings the digests.
//! - [`StepRequest::key`] is the digest of all that decides what the command makes: equal keys, equal steps.
//!
//! Who looks and runs is `container/step.rs`; who remembers is `store/step.rs`. Here nothing is read but what was typed.

mod error;
mod key;

#[cfg(test)]
mod tests;

use super::instruction::Instruction;
use super::mount::{Access, ImageVolumes, Links, Missing, MountKind, MountRequest, Ownership, View};
use super::request::RunRequest;
use super::rootfs::Lifetime;
use std::path::PathBuf;

pub use error::StepError;

/// What a step is to be.
#[derive(Debug, Clone)]
pub struct StepRequest {
    /// The command, the image, and what the command sees.
    pub run: RunRequest,
    /// Mounts whose content does not count: `--cache`.
    pub caches: Vec<MountRequest>,
    /// What the image says otherwise of itself: `--change`.
    pub changes: Vec<Instruction>,
}

/// Something that the command can read, besides the image that it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file or directory of the host.
    Bind {
        /// Where it lies.
        source: PathBuf,
        /// What counts where it is a symlink.
        links: Links,
    },
    /// Another image, as typed.
    Image(String),
    /// Nothing: the mount begins empty.
    Nothing,
}

impl StepRequest {
    /// The request, so that nothing of what the command does stays outside of the image.
    ///
    /// # Errors
    /// Something in it cannot be so.
    pub fn prepare(mut self) -> Result<Self, StepError> {
        if self.run.command.is_empty() {
            return Err(StepError::NoCommand);
        }
        for mount in &mut self.run.mounts {
            seclude(mount)?;
        }
        for cache in &self.caches {
            if !matches!(cache.kind, MountKind::Bind(_) | MountKind::Volume(_)) {
                return Err(StepError::Cache(cache.origin.clone()));
            }
        }
        self.run.lifetime = Lifetime::Ephemeral;
        // What is written there is part of the image, as it is nobody's data yet.
        self.run.image_volumes = ImageVolumes::Ignored;
        Ok(self)
    }

    /// What each of the mounts brings, in their order.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        let input = |mount: &MountRequest| match &mount.kind {
            MountKind::Bind(bind) => Input::Bind { source: bind.source.clone(), links: bind.links },
            MountKind::Image(image) => Input::Image(image.image.clone()),
            MountKind::Tmpfs(_)
            | MountKind::Devpts(_)
            | MountKind::Ramfs(_)
            | MountKind::Volume(_)
            | MountKind::Glob(_) => Input::Nothing,
        };
        self.run.mounts.iter().map(input).collect()
    }

    /// The run with all of its mounts.
    #[must_use]
    pub fn whole_run(&self) -> RunRequest {
        let mut run = self.run.clone();
        run.mounts.extend(self.caches.iter().cloned());
        run
    }
}

/// Keeps what the command writes away from the source of a mount.
fn seclude(mount: &mut MountRequest) -> Result<(), StepError> {
    let origin = mount.origin.clone();
    match &mut mount.kind {
        MountKind::Volume(_) => return Err(StepError::Volume(origin)),
        MountKind::Glob(_) => return Err(StepError::Pattern(origin)),
        MountKind::Bind(bind) => {
            if bind.ownership == Ownership::User {
                return Err(StepError::Lasting { origin, word: "U" });
            }
            match bind.view {
                View::Direct => bind.attributes.access = Access::ReadOnly,
                View::Discarded => {}
                View::Layer { .. } => return Err(StepError::Lasting { origin, word: "upperdir" }),
                View::Review => return Err(StepError::Lasting { origin, word: "cow" }),
            }
            bind.missing = Missing::Refuse;
        }
        MountKind::Tmpfs(_) | MountKind::Image(_) | MountKind::Devpts(_) | MountKind::Ramfs(_) => {}
    }
    Ok(())
}
