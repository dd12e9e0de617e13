//! Users and groups of an image's own files, which may say anything.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/accounts.rs"]
mod accounts;

libfuzzer_sys::fuzz_target!(|input: &[u8]| accounts::check(input));
