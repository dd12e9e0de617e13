//! The archive around an image: whatever is in it, only an image that is whole comes into the store.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/archive.rs"]
mod archive;
#[path = "../../tests/corpus/layer.rs"]
mod layer;
#[path = "../../tests/corpus/scratch.rs"]
mod scratch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| archive::check(input));
