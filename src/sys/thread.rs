//! Threads that work beside the one that starts them, and where they run.
//!
//! Source: `mallopt(3)`.

use std::thread::Builder;

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// A thread of this name, to be started.
///
/// All threads allocate from one heap. The C library would reserve addresses for each that are many times what it needs,
/// and where these are limited (`ulimit -v`) they would soon be used up.
pub fn named(name: &str) -> Builder {
    share_heap();
    Builder::new().name(name.to_owned())
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
fn share_heap() {
    // SAFETY: the call takes integers only and is allowed at any time. If it is refused, each has its own.
    let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

#[cfg(not(target_env = "gnu"))]
fn share_heap() {}

/// As long as this lives, the thread stays on the processor that it was on; what it starts stays there for good.
#[derive(Debug)]
pub(super) struct Staying {
    before: CpuSet,
}

impl Staying {
    /// None where the kernel does not say where the thread is, or does not let it stay.
    pub(super) fn begin() -> Option<Self> {
        let before = sched_getaffinity(None).ok()?;
        let mut here = CpuSet::new();
        here.set(Some(sched_getcpu()).filter(|processor| *processor < CpuSet::MAX_CPU)?);
        sched_setaffinity(None, &here).ok()?;
        Some(Self { before })
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // Its processors may have been taken away meanwhile: then the kernel gives it others.
        let _ = sched_setaffinity(None, &self.before);
    }
}
