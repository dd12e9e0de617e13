//! The other words of the command line, and small files of others.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/words.rs"]
mod words;

libfuzzer_sys::fuzz_target!(|input: &[u8]| words::check(input));
