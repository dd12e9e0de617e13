//! Every script of `examples/` runs and finds its own result right.

use crate::support::Scratch;

#[test]
fn every_example_runs() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let mut scripts: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sh"))
        .collect();
    scripts.sort();
    assert!(scripts.len() >= 6, "{scripts:?}");
    for script in scripts {
        let scratch = Scratch::new();
        let outcome =
            scratch.host_script("exec sh \"$0\"").args([&script]).env("TMPDIR", scratch.path("")).run();
        assert!(!outcome.success().is_empty(), "{outcome}");
    }
}
