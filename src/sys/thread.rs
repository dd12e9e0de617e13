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

/// The processor that this thread is on, and the others that it may use; none where there are no others, or the kernel does
/// not say.
pub(super) fn processors() -> Option<(CpuSet, CpuSet)> {
    let mut others = sched_getaffinity(None).ok()?;
    let number = Some(sched_getcpu()).filter(|number| *number < CpuSet::MAX_CPU)?;
    let mut here = CpuSet::new();
    here.set(number);
    others.unset(number);
    (others.count() > 0).then_some((here, others))
}

/// As long as this lives, the thread runs on some processors only; what it starts does so for good.
#[derive(Debug)]
pub(super) struct Keeping {
    before: CpuSet,
}

impl Keeping {
    /// None where the kernel does not let it.
    pub(super) fn to(processors: &CpuSet) -> Option<Self> {
        let before = sched_getaffinity(None).ok()?;
        sched_setaffinity(None, processors).ok()?;
        Some(Self { before })
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        // Its processors may have been taken away meanwhile: then the kernel gives it others.
        let _ = sched_setaffinity(None, &self.before);
    }
}
