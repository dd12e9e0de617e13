//! Threads that work beside the one that starts them.
//!
//! Source: `mallopt(3)`.

use std::thread::Builder;

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
