//! Programs in memory that nobody can change any more (`memfd_create(2)`, sealed).

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use rustix::io::Errno;

use super::{Call, SysError, moment, probe};

/// Nothing of the file changes any more.
const SEALS: SealFlags =
    SealFlags::SEAL.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::WRITE);
/// What `ps` calls this program.
const NAME: &std::ffi::CStr = c"minirun";
/// What leads to this program's file.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// A file that is being written, and can be executed when it is sealed.
#[derive(Debug)]
pub(super) struct Unsealed {
    file: OwnedFd,
    seals: SealFlags,
}

impl Unsealed {
    /// An empty one.
    pub(super) fn create() -> Result<Self, Errno> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        match memfd_create(NAME, flags | MemfdFlags::EXEC) {
            // Before 6.3 all can be executed, and their mode cannot be sealed.
            Err(Errno::INVAL) => Ok(Self { file: memfd_create(NAME, flags)?, seals: SEALS }),
            file => Ok(Self { file: file?, seals: SEALS | SealFlags::EXEC }),
        }
    }

    /// Writes all of that.
    pub(super) fn write(&self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.file, bytes) {
                Err(Errno::INTR) => {}
                count => bytes = &bytes[count?..],
            }
        }
        Ok(())
    }

    /// From now on it stays as it is.
    pub(super) fn seal(self) -> Result<OwnedFd, Errno> {
        fcntl_add_seals(&self.file, self.seals)?;
        Ok(self.file)
    }
}

/// Starts this program anew from a copy in memory, with the same arguments, environment and streams; returns only in that
/// copy. Whoever gets hold of the program that this process executes has then nothing that anybody else uses.
///
/// # Errors
/// What opening and reading this program's file says, what making the copy does (`EACCES` where the machine forbids files
/// in memory to be executed), and what `execveat(2)` does.
pub fn become_copy() -> Result<(), SysError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let own =
        rustix::fs::open(OWN_PROGRAM, flags, Mode::empty()).call(|| format!("open({OWN_PROGRAM:?})"))?;
    // Files on disks have no seals.
    if fcntl_get_seals(&own).is_ok_and(|seals| seals.contains(SEALS)) {
        // The kernel has named it after the descriptor.
        return rustix::thread::set_name(NAME).call(|| "prctl(PR_SET_NAME)");
    }
    let copy = Unsealed::create().call(|| "memfd_create(EXEC)")?;
    let copy = fill(copy, &File::from(own))?;
    let words = |words: Vec<std::ffi::OsString>| -> Vec<CString> {
        words.into_iter().filter_map(|word| CString::new(word.into_vec()).ok()).collect()
    };
    let (arguments, environment) = (words(std::env::args_os().collect()), words(probe::environment()));
    moment("about to execute");
    let flags = nix::fcntl::AtFlags::AT_EMPTY_PATH;
    match nix::unistd::execveat(&copy, c"", &arguments, &environment, flags) {
        Err(errno) => {
            let shown = format!("execveat({}, \"\", AT_EMPTY_PATH)", copy.as_fd().as_raw_fd());
            Err(SysError::new(shown, Errno::from_raw_os_error(errno as i32)))
        }
    }
}

fn fill(copy: Unsealed, from: &File) -> Result<OwnedFd, SysError> {
    /// What the kernel moves in one go, in bytes.
    const CHUNK: usize = 1 << 30;
    loop {
        match rustix::fs::sendfile(&copy.file, from, None, CHUNK) {
            Ok(0) => return copy.seal().call(|| "fcntl(F_ADD_SEALS)"),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(SysError::new(format!("sendfile({OWN_PROGRAM:?})"), errno)),
        }
    }
}
