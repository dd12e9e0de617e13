//! Work on what strangers wrote: in a process that can reach the store and what it was given, and nothing else.
//!
//! The kernel sees to that (Landlock). It takes such a restriction back from nobody, and lets a restricted process make
//! no mount; so it is never this process, which is going to start containers.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Engine, Error};
use crate::plan::userns::UserNamespace;
use crate::sys::landlock;
use crate::sys::report::Report;
use crate::sys::userns::apart_beside;

impl Engine {
    /// Does `work` in a process of its own, inside `namespace`, and brings its result back. It can write to the store
    /// alone, and read nothing besides but what lies at `inputs` and what is open; no program, no TCP port.
    ///
    /// A kernel that cannot do that does the work all the same: this is the second wall, not the first.
    pub(super) fn confined<T, E>(
        &self,
        namespace: Option<&UserNamespace>,
        inputs: &[&Path],
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Error>,
    {
        self.confined_beside(namespace, inputs, work, || ())
    }

    /// The same, and does `meanwhile` here, where everything can be reached that the caller can.
    pub(super) fn confined_beside<T, E>(
        &self,
        namespace: Option<&UserNamespace>,
        inputs: &[&Path],
        work: impl FnOnce() -> Result<T, E>,
        meanwhile: impl FnOnce(),
    ) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Error>,
    {
        let work = || {
            let confined = self.confine(inputs);
            confined
                .and_then(|()| work().map_err(Into::into))
                .map_err(|error| Report::of(&error, error.hint()))
        };
        Ok(apart_beside(namespace, work, meanwhile)??)
    }

    fn confine(&self, inputs: &[&Path]) -> Result<(), Error> {
        // What is not there is missed by the work itself, which knows what it is for.
        let open = |path: &&Path| rustix::fs::open(*path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok();
        let inputs: Vec<OwnedFd> = inputs.iter().filter_map(open).collect();
        let store = self.store.writable()?;
        trial::write("before");
        // Where the kernel, or a filter of somebody around this, says no, the work is done without.
        let _ = landlock::keep_to(&[store.as_fd()], &inputs);
        trial::write("after");
        Ok(())
    }
}

/// What a test sees of the wall: with `MINIRUN_TRY_WRITING=PREFIX` the process tries to make the files `PREFIX.before` and
/// `PREFIX.after`. In a program that is built for release this is nothing at all.
mod trial {
    #[cfg(debug_assertions)]
    pub(super) fn write(when: &str) {
        if let Some(prefix) = crate::sys::probe::text_variable("MINIRUN_TRY_WRITING") {
            // Whether it worked is what the test looks at.
            let _ = std::fs::write(format!("{prefix}.{when}"), when);
        }
    }

    #[cfg(not(debug_assertions))]
    pub(super) fn write(_when: &str) {}
}
