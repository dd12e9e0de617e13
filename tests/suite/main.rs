//! The program as its users meet it: every test here starts the real binary.
//!
//! One test executable with a module for each topic, so that the support code is compiled and linked once.
//! Nothing is needed but a Rust toolchain: images are made by code from programs of this machine.
//!
//! - `MINIRUN_TEST_NO_SKIP=1`: a test that cannot run here fails instead of saying so and passing.
//! - `MINIRUN_TEST_WITNESS=1`: after each test the kernel is asked whether anything is left: mounts and open files of the
//!   test's directory, this process's namespaces, and a canary beside it.
//! - `MINIRUN_TEST_TORTURE=N`: what races with something is done N times, and not a few times only.
//! - `MINIRUN_TEST_KEEP=1`: scratch directories stay.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at the first surprise and reads the environment it was started in"
)]

mod stats;
mod steps;
mod support;

mod attach;
mod binary;
mod check;
mod commit;
mod concurrency;
mod copy;
mod copying_races;
mod crash;
mod detached;
mod devices;
mod diff;
mod differential;
mod documented_mounts;
mod dry_run;
mod errors;
mod events;
mod examples;
mod exec;
mod fence_launch;
mod fence_mounts;
mod fence_order;
mod fence_races;
mod full_disk;
mod gc;
mod host;
mod hostile;
mod hostile_races;
mod ids;
mod image_look;
mod images;
mod inputs;
mod inspect;
mod inspect_security;
mod joining;
mod keep_blobs;
mod landlock;
mod layers;
mod ledger;
mod lifecycle;
mod limits;
mod load;
mod login;
mod logs;
mod mount_layers;
mod mount_mistakes;
mod mount_points;
mod mount_races;
mod mount_sources;
mod mount_words;
mod mounts;
mod moved;
mod network;
mod other_users;
mod pausing;
mod pins;
mod power_cut;
mod process;
mod ps;
mod pull;
mod pull_races;
mod push;
mod races;
mod restart;
mod result;
mod review;
mod run;
mod running_mounts;
mod save;
mod save_beside;
mod scaffold;
mod seccomp;
mod seccomp_peer;
mod security;
mod soak;
mod start;
mod terminal;
mod volume_data;
mod volume_snapshots;
mod volumes;
mod volumes_life;
mod volumes_trouble;
mod volumes_verbs;
