//! Names of images, containers, volumes and blobs: what is taken is printed, read again as the same, and no path.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/references.rs"]
mod references;

libfuzzer_sys::fuzz_target!(|input: &[u8]| references::check(input));
