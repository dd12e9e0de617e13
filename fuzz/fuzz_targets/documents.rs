//! The documents around an image: index, manifest, configuration, Docker's manifest; and a runtime specification.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/documents.rs"]
mod documents;
#[path = "../../tests/corpus/scratch.rs"]
mod scratch;

libfuzzer_sys::fuzz_target!(|input: &[u8]| documents::check(input));
