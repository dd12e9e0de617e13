//! Every input of `fuzz/corpus`, through the very functions that `cargo fuzz` feeds.
//!
//! So what was once found stays found, on any machine and with any toolchain. A module holds what must be true for any
//! input of its target; `fuzz/fuzz_targets/` has the same modules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and then shows what it was given"
)]

mod accounts;
mod archive;
mod documents;
mod layer;
mod mount_words;
mod references;
mod registry;
mod scratch;
mod seccomp_json;
mod tar_differential;
mod templates;
mod times;
mod words;

/// What has no door in the library because only the program talks.
#[allow(dead_code, reason = "of the program's modules a part is called here")]
#[path = "../../src/bin/minirun"]
mod program {
    pub(crate) mod template;
    pub(crate) mod time;
}

use std::fs;
use std::path::Path;

/// Gives each input of a target to `check`.
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    inputs.sort();
    for input in inputs {
        println!("{}", input.display());
        check(&fs::read(&input).unwrap());
    }
}

/// A test for each target, named like it.
macro_rules! targets {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), $target::check);
            }
        )*
    };
}

targets! { accounts archive documents layer mount_words references registry seccomp_json tar_differential templates times words }
