//! Files that flags name.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use minirun::plan::environment::{self, Setting};
use minirun::plan::seccomp::{Abis, Choice, Nesting, Profile, SeccompRequest};
use minirun::plan::security::SeccompWord;
use minirun::sys::SysError;
use rustix::io::Errno;

use super::RequestError;
use crate::arguments::run::RunArgs;

/// The most that is read of a file of variables or labels, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// The profile of system calls, read.
pub(super) fn seccomp(
    arguments: &RunArgs,
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
            // What has no end, or nobody who writes to it, is no profile.
            if !std::fs::metadata(path).map_err(unread)?.is_file() {
                return Err(RequestError::NoFile(path.clone()));
            }
            let json = read(path).map_err(unread)?;
            let wrong = |source| RequestError::Seccomp { path: path.clone(), source };
            Choice::Profile(Profile::parse(&json).map_err(wrong)?)
        }
    };
    let abis = if arguments.abi32 { Abis::With32Bit } else { Abis::Native };
    Ok(SeccompRequest { choice, abis, nesting })
}

/// The settings of all files, in order.
pub(crate) fn read_all(flag: &'static str, paths: &[PathBuf]) -> Result<Vec<Setting>, RequestError> {
    let mut settings = Vec::new();
    for path in paths {
        let contents = read(path).map_err(|error| RequestError::Read {
            flag,
            path: path.clone(),
            source: SysError::from_io(format!("read({path:?})"), &error),
        })?;
        let lines = environment::parse_file(&contents);
        settings.extend(lines.map_err(|source| RequestError::File { flag, path: path.clone(), source })?);
    }
    Ok(settings)
}

/// Reads a file that a person wrote; an endless one is none.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut contents)?;
    if contents.len() as u64 > LARGEST_FILE { Err(Errno::FBIG.into()) } else { Ok(contents) }
}
