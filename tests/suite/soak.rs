//! Many containers, one after another and at once: what there is of files, processes and memory is then as it was.
//!
//! `MINIRUN_TEST_SOAK=1000,200` says how many; without it few, so that the test is no burden.

use std::path::PathBuf;

use crate::support::{IMAGE, Running, Scratch, eventually, processes_with};

/// How many one after another, and how many at once.
fn counts() -> (usize, usize) {
    let asked = std::env::var("MINIRUN_TEST_SOAK").unwrap_or_default();
    let numbers =
        asked.split_once(',').and_then(|(one, other)| Some((one.parse().ok()?, other.parse().ok()?)));
    numbers.unwrap_or((30, 16))
}

/// What is in the store, but for the journal, which grows.
fn files(scratch: &Scratch) -> Vec<PathBuf> {
    let mut files = scratch.listing();
    files.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with("events"));
    files
}

/// The processes of minirun that have this store in their command line.
fn own_processes(scratch: &Scratch) -> Vec<PathBuf> {
    let store = scratch.store().into_os_string().into_string().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_ours = |path: &PathBuf| {
        let command = std::fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&store)
    };
    entries.filter(|path| path.join("stat").exists() && is_ours(path)).collect()
}

fn descriptors(processes: &[PathBuf]) -> usize {
    let count = |path: &PathBuf| std::fs::read_dir(path.join("fd")).map_or(0, Iterator::count);
    processes.iter().map(count).sum()
}

/// The KiB that these processes alone have written to; pages of the program are shared with whoever runs it just now.
fn private_memory(processes: &[PathBuf]) -> u64 {
    let of = |path: &PathBuf| {
        let text = std::fs::read_to_string(path.join("smaps_rollup")).unwrap_or_default();
        let private = text.lines().filter(|line| line.starts_with("Private_Dirty"));
        private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum::<u64>()
    };
    processes.iter().map(of).sum()
}

#[test]
fn everything_is_as_it_was() {
    let (serial, parallel) = counts();
    let scratch = Scratch::with_image();
    let store = scratch.text("store");
    let minirun = |words: &[&str]| scratch.minirun(["--store", &store]).args(words);
    minirun(&["run", "-d", "--name", "witness", IMAGE, "sleep", "100000"]).run().success();
    let round = |number: usize| {
        minirun(&["run", "--rm", "-v", "data:/data", IMAGE, "true"]).run().success();
        minirun(&["exec", "witness", "true"]).run().success();
        if number.is_multiple_of(10) {
            minirun(&["run", "--name", "kept", IMAGE, "true"]).run().success();
            minirun(&["rm", "kept"]).run().success();
        }
    };
    (0..3).for_each(round);
    let (before, processes) = (files(&scratch), own_processes(&scratch));
    let (open, memory) = (descriptors(&processes), private_memory(&processes));
    (0..serial).for_each(round);
    let own = || own_processes(&scratch).len();
    assert_eq!((files(&scratch), own()), (before.clone(), processes.len()));
    at_once(parallel, &minirun);
    eventually("no process of theirs is left", || own() == processes.len());
    assert_eq!(files(&scratch), before);
    assert_eq!(descriptors(&processes), open);
    let grown = private_memory(&processes).saturating_sub(memory);
    assert!(grown < 256, "those who watch over the first container have {grown} KiB more than before");
    minirun(&["rm", "-f", "witness"]).run().success();
    eventually("no process is left", || processes_with(&store) == 0);
    scratch.assert_nothing_left_running();
}

/// So many containers that all run at the same time, removed by one command.
fn at_once(count: usize, minirun: &dyn Fn(&[&str]) -> crate::support::Call) {
    let starts: Vec<Running> =
        (0..count).map(|_| minirun(&["run", "-d", "-l", "soak", IMAGE, "sleep", "100000"]).start()).collect();
    for start in starts {
        start.wait().success();
    }
    let ids = minirun(&["ps", "-q", "-f", "label=soak"]).run().success();
    assert_eq!(ids.lines().count(), count);
    minirun(&["rm", "-f"]).args(ids.lines()).run().success();
}
