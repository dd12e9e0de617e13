//! Files that flags name.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use minirun::plan::environment::{self, Setting};
use minirun::plan::seccomp::{Abis, Choice, Nesting, Profile, SeccompRequest};
use minirun::plan::security::SeccompWord;
use minirun::sys::SysError;
use rustix::fs::{FileType, Mode, OFlags, fcntl_setfl, fstat};
use rustix::io::Errno;

use super::RequestError;

/// The most that is read of a file of variables or labels, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The profile of system calls, read.
pub(crate) fn seccomp(
    abis: Abis,
    word: &SeccompWord,
    nesting: Nesting,
) -> Result<SeccompRequest, RequestError> {
    let choice = match word {
        SeccompWord::Builtin => Choice::Builtin,
        SeccompWord::Unconfined => Choice::Unconfined,
        SeccompWord::File(path) => {
            let unread = |error| RequestError::Read {
                flag: "--security-opt seccomp",
                path: path.clone(),
                source: SysError::from_io(format!("read({path:?})"), &error),
            };
            let file = open_profile(path).map_err(unread)?;
            let file = file.ok_or_else(|| RequestError::NoFile(path.clone()))?;
            let json = read(file).map_err(unread)?;
            let wrong = |source| RequestError::Seccomp { path: path.clone(), source };
            Choice::Profile(Profile::parse(&json).map_err(wrong)?)
        }
    };
    Ok(SeccompRequest { choice, abis, nesting })
}

/// The settings of all files, in order.
pub(crate) fn read_all(flag: &'static str, paths: &[PathBuf]) -> Result<Vec<Setting>, RequestError> {
    let mut settings = Vec::new();
    for path in paths {
        let contents = std::fs::File::open(path).and_then(read).map_err(|error| RequestError::Read {
            flag,
            path: path.clone(),
            source: SysError::from_io(format!("read({path:?})"), &error),
        })?;
        let lines = environment::parse_file(&contents);
        settings.extend(lines.map_err(|source| RequestError::File { flag, path: path.clone(), source })?);
    }
    Ok(settings)
}

/// Opens a file or a pipe; none if it is something else, which may never have anything to read.
fn open_profile(path: &Path) -> std::io::Result<Option<File>> {
    // So that a pipe to which nobody writes is not waited for: it is empty.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    Ok(match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Some(file.into()),
        FileType::Fifo => {
            fcntl_setfl(&file, OFlags::empty())?;
            Some(file.into())
        }
        _ => None,
    })
}

/// Reads a file that a person wrote; an endless one is none.
fn read(file: File) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > LARGEST_FILE { Err(Errno::FBIG.into()) } else { Ok(contents) }
}
