//! Headers of archives, read by us and by the `tar` crate: what both take must be the same, or an archive that was
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/tar_differential.rs"]
mod tar_differential;

libfuzzer_sys::fuzz_target!(|input: &[u8]| tar_differential::check(input));
