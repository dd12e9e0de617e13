//! What the tests share.

mod caller;
mod image;
mod outcome;
mod pty;
mod registry;
mod rootfs;
mod scratch;
mod witness;

pub(crate) use caller::{Caller, program_exists};
pub(crate) use image::{Archive, Compression, Image, Layer, Layout, compress, docker_archive};
pub(crate) use outcome::{Call, Outcome, Running, eventually};
pub(crate) use pty::Terminal;
pub(crate) use registry::{Fault, Guard, Proxy, Registry, USER, has_registry};
pub(crate) use scratch::{IMAGE, Scratch, can_mount, processes_called, processes_with};

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Says why a test cannot run here, past the capture of the test harness.
///
/// In CI (`MINIRUN_TEST_NO_SKIP=1`) that is a failure.
pub(crate) fn skip(test: &str, reason: &str) {
    assert!(
        std::env::var_os("MINIRUN_TEST_NO_SKIP").is_none_or(|value| value != "1"),
        "{test} must not be skipped here: {reason}"
    );
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {reason}");
}

/// Leaves the test with a printed reason unless the condition holds.
macro_rules! require {
    ($condition:expr, $reason:expr) => {
        if !$condition {
            return $crate::support::skip(module_path!(), $reason);
        }
    };
}
pub(crate) use require;

/// How often a test does what races with something: `usual` times, or as `MINIRUN_TEST_TORTURE` says.
pub(crate) fn torture(usual: usize) -> usize {
    std::env::var("MINIRUN_TEST_TORTURE").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A number of seconds that no other process on this machine sleeps: finds a container's processes again.
pub(crate) fn unique_seconds() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = u64::from(std::process::id()) * 1000 + NEXT.fetch_add(1, Ordering::Relaxed);
    format!("1{id:012}")
}
