//! Every script of `examples/` runs and finds its own result right.

use std::path::Path;

use crate::support::{Scratch, skip};

/// How a script says that something it needs is not on this machine.
const SKIPPED: i32 = 77;

#[test]
fn every_example_runs() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut scripts: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 11, "{scripts:?}");
    for script in scripts {
        run(&script);
    }
}

fn run(script: &Path) {
    let scratch = Scratch::new();
    let outcome = scratch.host_script("exec sh \"$0\"").args([script]).env("TMPDIR", scratch.path("")).run();
    if outcome.code == Some(SKIPPED) {
        return skip(&script.display().to_string(), outcome.stdout().trim());
    }
    assert!(!outcome.success().is_empty(), "{outcome}");
}
