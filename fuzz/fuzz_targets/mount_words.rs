//! Mounts as people type them: what is taken is printed, and read again as the same.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/mount_words.rs"]
mod mount_words;

libfuzzer_sys::fuzz_target!(|input: &[u8]| mount_words::check(input));
