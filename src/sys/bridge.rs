//! A tiny program between this one and a container's command.
//!
//! Until a process has become the command, `/proc/self/exe` is minirun. The kernel follows that link also for the
//! interpreter of a script or of a program, so that a container could have minirun's own file executed as one of its
//! processes; another one could then keep the way to that file, and write to it once nobody runs it any more
//! (CVE-2019-5736). So the last step is not this program's: it becomes a program of some two hundred bytes, in a file in
//! memory that nobody can change any more, and that tries one name after the other.
//!
//! Where nobody in the container could write to minirun's file anyway, as another user has installed it, there is no need.
//! Otherwise it is made anew for each command, as it holds the names, and before the process has the command's limits. Where the machine forbids files in memory to be executed
//! (`vm.memfd_noexec`), or minirun has no such program for its processor, there is no bridge; what is left is that the
//! kernel refuses to open a file for writing while it is executed, as minirun is for as long as any container runs.

mod program;

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, FdFlags};
use rustix::pipe::{PipeFlags, pipe_with};

use super::sealed::Unsealed;
use super::{Call, SysError, moment};
use crate::plan::idmap::{IdMap, to_container};

/// What did not become the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// None of the names leads to anything.
    Missing,
    /// The first name that does, by its number, and what `execve(2)` said of it.
    Refused(usize, Errno),
}

/// How many bytes a refusal has: what was said, and of which name.
const LENGTH: usize = 8;

/// With what the bridge ends when it leads nowhere, that of a command that cannot be run; what counts is the refusal.
const STATUS: u8 = 126;

/// Whether minirun's program must not be executed in the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must not.
    Bridge,
    /// It may: nobody inside can change it.
    None,
}

/// Whether somebody with the IDs of `map`, or the caller's own without one, could write to minirun's program: one that
/// another user has installed is out of reach.
#[must_use]
pub fn can_be_changed(map: Option<&IdMap>) -> bool {
    let (Some(map), Ok(stat)) = (map, rustix::fs::stat("/proc/self/exe")) else { return true };
    stat.st_mode & 0o022 != 0 || to_container(&map.users, stat.st_uid).is_some()
}

/// The way to a command.
#[derive(Debug)]
pub struct Bridge {
    /// The program; none where there can be none.
    program: Option<OwnedFd>,
    /// What a refusal is written to; it closes when the command runs.
    refusal: OwnedFd,
}

impl Bridge {
    /// Makes one that leads to the first of these names that can be executed, and the end of a pipe from which a refusal can
    /// be read; reading does not wait.
    ///
    /// # Errors
    /// What `pipe2(2)` says.
    pub fn build(candidates: &[CString], need: Need) -> Result<(Self, OwnedFd), SysError> {
        let (reader, refusal) = pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")?;
        fcntl_setfl(&reader, OFlags::NONBLOCK).call(|| "fcntl(F_SETFL, NONBLOCK)")?;
        let program = match need {
            Need::Bridge => build(refusal.as_fd(), candidates).ok(),
            Need::None => None,
        };
        Ok((Self { program, refusal }, reader))
    }

    /// All that it needs open.
    pub fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.program.iter().chain([&self.refusal]).map(AsFd::as_fd)
    }

    /// Becomes the command, or a process that writes a refusal; returns only if there is no bridge.
    pub fn cross(&self, arguments: &[CString], environment: &[CString]) {
        let Some(program) = &self.program else { return };
        moment("about to execute");
        if rustix::io::fcntl_setfd(&self.refusal, FdFlags::empty()).is_ok() {
            let flags = nix::fcntl::AtFlags::AT_EMPTY_PATH;
            // What the kernel says of too many arguments it says of the command, too.
            let _ = nix::unistd::execveat(program, c"", arguments, environment, flags);
            let _ = rustix::io::fcntl_setfd(&self.refusal, FdFlags::CLOEXEC);
        }
    }
}

/// The program, in a file that stays as it is.
fn build(refusal: BorrowedFd<'_>, candidates: &[CString]) -> Result<OwnedFd, Errno> {
    let code = program::code();
    if code.is_empty() {
        return Err(Errno::NOSYS);
    }
    let data = program::data(refusal.as_raw_fd(), candidates);
    let file = Unsealed::create()?;
    file.write(&[header(code.len() + data.len()), code.to_vec(), data].concat())?;
    file.seal()
}

/// What stands before the instructions in an ELF file, `elf(5)`: one segment, the whole file, is mapped to be read and
/// executed wherever the kernel likes; the stack is not executable.
fn header(length: usize) -> Vec<u8> {
    const HEADER: u16 = 64;
    const SEGMENT: u16 = 56;
    let start = u64::from(HEADER + 2 * SEGMENT);
    let size = start + length as u64;
    let native = if cfg!(target_endian = "little") { 1 } else { 2 };
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, native, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (shared_object, version) = (3_u16, 1_u32);
    bytes.extend(shared_object.to_ne_bytes());
    bytes.extend(program::MACHINE.to_ne_bytes());
    bytes.extend(version.to_ne_bytes());
    bytes.extend([start, u64::from(HEADER), 0].map(u64::to_ne_bytes).concat());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([HEADER, SEGMENT, 2, 0, 0, 0].map(u16::to_ne_bytes).concat());
    let (load, stack) = (1_u32, 0x6474_e551_u32);
    let (executable, writable, readable) = (1_u32, 2_u32, 4_u32);
    bytes.extend([load, readable | executable].map(u32::to_ne_bytes).concat());
    bytes.extend([0, 0, 0, size, size, 4096].map(u64::to_ne_bytes).concat());
    bytes.extend([stack, readable | writable].map(u32::to_ne_bytes).concat());
    bytes.extend([0; 5].map(u64::to_ne_bytes).concat());
    bytes.extend(16_u64.to_ne_bytes());
    bytes
}

impl Refusal {
    /// What is left to read of a refusal; none if the command runs.
    ///
    /// # Errors
    /// What `read(2)` says.
    pub fn read(pipe: impl AsFd) -> Result<Option<Self>, Errno> {
        let mut record = [0; LENGTH];
        loop {
            return match rustix::io::read(&pipe, &mut record) {
                Err(Errno::INTR) => continue,
                Ok(LENGTH) => Ok(Some(Self::decode(record))),
                // A command that had another process take the pipe can say what it likes.
                Ok(_) | Err(Errno::AGAIN) => Ok(None),
                Err(errno) => Err(errno),
            };
        }
    }

    fn decode(record: [u8; LENGTH]) -> Self {
        let (errno, place) = record.split_at(LENGTH / 2);
        let number = |bytes: &[u8]| bytes.try_into().map(i32::from_ne_bytes).unwrap_or_default();
        let (errno, place) = (number(errno), usize::try_from(number(place)).unwrap_or(usize::MAX));
        if errno == 0 { Self::Missing } else { Self::Refused(place, Errno::from_raw_os_error(errno)) }
    }
}
