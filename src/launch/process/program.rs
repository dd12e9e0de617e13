//! Programs that are never run: those that a link of procfs leads to.
//!
//! What becomes the command is minirun until then, and so `/proc/self/exe` is minirun's own program on the host. Who
//! could have that run in a container could change it from there (CVE-2019-5736).

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{Command, ExecError};
use crate::plan::process::Process;
use crate::sys::{Call, SysError};

/// How many interpreters can be named one by another, as in the kernel.
const DEPTH: usize = 5;

/// What the kernel looks at of a script, in bytes.
const LINE: usize = 256;

/// Makes sure that neither the command nor an interpreter on the way to it is reached through a link of procfs.
///
/// Here the root is the container's, and the rights are still those of its root: who runs a script need not be allowed
/// to read it.
pub(in crate::launch) fn check(process: &Process) -> Result<(), ExecError> {
    let command = Command::new(process)?;
    for candidate in &command.candidates {
        let path = from(process, OsStr::from_bytes(candidate.as_bytes()));
        let refused = |source| ExecError::NotExecutable { command: command.name.clone(), source };
        check_chain(process, path).map_err(refused)?;
    }
    Ok(())
}

/// `path` as it is meant in the working directory. Nothing is cleaned: `..` behind a symlink is the kernel's business.
fn from(process: &Process, path: &OsStr) -> OsString {
    let mut whole = process.working_directory.as_os_str().to_owned();
    whole.push("/");
    whole.push(path);
    if path.as_bytes().starts_with(b"/") { path.to_owned() } else { whole }
}

fn check_chain(process: &Process, mut path: OsString) -> Result<(), SysError> {
    for _ in 0..DEPTH {
        let Some(program) = open(&path)? else { return Ok(()) };
        match interpreter(&program) {
            Some(next) => path = from(process, &next),
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Opens a regular file for reading; none where there is none, which is found out when it is run.
fn open(path: &OsStr) -> Result<Option<OwnedFd>, SysError> {
    let resolved = |flags: OFlags, resolve: ResolveFlags| {
        rustix::fs::openat2(CWD, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
    };
    let found = match resolved(OFlags::PATH, ResolveFlags::NO_MAGICLINKS) {
        Ok(found) => found,
        // Links that lead to one another are not found either way.
        Err(Errno::LOOP) if resolved(OFlags::PATH, ResolveFlags::empty()).is_ok() => {
            return Err(SysError::new(format!("openat2({path:?}, NO_MAGICLINKS)"), Errno::LOOP));
        }
        Err(_) => return Ok(None),
    };
    let stat = rustix::fs::fstat(&found).call(|| format!("fstat({path:?})"))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    Ok(resolved(flags, ResolveFlags::NO_MAGICLINKS).ok())
}

/// What the first line of a script names.
fn interpreter(program: &OwnedFd) -> Option<OsString> {
    let mut line = [0; LINE];
    let length = rustix::io::read(program, &mut line[..]).ok()?;
    parse(&line[..length]).map(OsString::from_vec)
}

fn parse(start: &[u8]) -> Option<Vec<u8>> {
    let line = start.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let mut words = line.split(|byte| b" \t\0".contains(byte)).filter(|word| !word.is_empty());
    words.next().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_the_first_word() {
        for (text, wanted) in [
            ("#!/bin/sh\n", Some("/bin/sh")),
            ("#! \t/bin/sh -e x\nmore", Some("/bin/sh")),
            ("#!sh", Some("sh")),
            ("#!\n/bin/sh", None),
            ("#", None),
            ("\x7fELF", None),
        ] {
            assert_eq!(parse(text.as_bytes()).as_deref(), wanted.map(str::as_bytes), "{text:?}");
        }
    }
}
