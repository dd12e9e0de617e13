//! Profiles of system calls in Docker's JSON: what is taken becomes a program that always ends and jumps nowhere else.
#![no_main]
#![allow(missing_docs, reason = "libfuzzer makes the entry")]

#[path = "../../tests/corpus/seccomp_json.rs"]
mod seccomp_json;

libfuzzer_sys::fuzz_target!(|input: &[u8]| seccomp_json::check(input));
