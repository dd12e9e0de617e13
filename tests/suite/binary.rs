//! The program as a file.

use std::process::Command;

use crate::support::skip;

/// The kind of a program header that names the program's loader (`PT_INTERP` of the System V ABI).
const INTERPRETER: u32 = 3;
/// The kind of a file that may be loaded at any address (`ET_DYN`).
const ANYWHERE: u16 = 3;

/// What is told here of an ELF file of 64 bits and of this machine's byte order.
struct Elf(Vec<u8>);

impl Elf {
    fn of_minirun() -> Self {
        Self(std::fs::read(env!("CARGO_BIN_EXE_minirun")).unwrap())
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_ne_bytes(self.0[at..at + 2].try_into().unwrap())
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn kind(&self) -> u16 {
        self.half(16)
    }

    /// The kinds of its program headers.
    fn segments(&self) -> Vec<u32> {
        let start = usize::try_from(u64::from_ne_bytes(self.0[32..40].try_into().unwrap())).unwrap();
        let (size, count) = (usize::from(self.half(54)), usize::from(self.half(56)));
        (0..count).map(|index| self.word(start + index * size)).collect()
    }
}

#[test]
fn it_is_loaded_at_a_random_address() {
    assert_eq!(Elf::of_minirun().kind(), ANYWHERE);
}

#[test]
fn it_needs_no_loader_and_no_library() {
    let asked = Command::new("cc").arg("-print-file-name=libc.a").output();
    // A compiler that finds no such file prints the name alone.
    if !asked.is_ok_and(|output| output.stdout.starts_with(b"/")) {
        return skip(module_path!(), "there is no static C library to build with");
    }
    let segments = Elf::of_minirun().segments();
    assert!(segments.len() > 3 && !segments.contains(&INTERPRETER), "{segments:?}");
}
