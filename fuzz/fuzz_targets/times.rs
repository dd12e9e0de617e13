//! Moments as documents of images and people write them.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/times.rs"]
mod times;

#[allow(dead_code, reason = "of the program's modules a part is called here")]
#[path = "../../src/bin/minirun"]
mod program {
    pub(crate) mod template;
    pub(crate) mod time;
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| times::check(input));
