//! A layer, from its compressed bytes to files: nothing outside of its directory may be touched.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/layer.rs"]
mod layer;
#[path = "../../tests/corpus/scratch.rs"]
mod scratch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| layer::check(input));
