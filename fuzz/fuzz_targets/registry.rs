//! What registries say, and files about them: nothing leads to another host, and nothing ends a header.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/registry.rs"]
mod registry;

libfuzzer_sys::fuzz_target!(|input: &[u8]| registry::check(input));
