//! Reading the journal, also while it is written and renamed.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::{Errno, pread};

use crate::plan::occurrence::Occurrence;
use crate::store::directory::Directory;
use crate::store::layout;
use crate::sys::{Call, SysError};

/// The bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Gives what has happened, the oldest first.
#[derive(Debug)]
pub struct JournalReader {
    directory: Directory,
    current: Option<Part>,
    later: VecDeque<Part>,
    found: VecDeque<Occurrence>,
}

#[derive(Debug)]
struct Part {
    file: OwnedFd,
    identity: (u64, u64),
    /// Where the next line begins.
    at: u64,
}

impl JournalReader {
    pub(super) fn open(directory: Directory) -> Result<Self, SysError> {
        let later = parts(&directory)?;
        Ok(Self { directory, current: None, later, found: VecDeque::new() })
    }

    /// The next thing that has happened; none if there is nothing yet.
    ///
    /// # Errors
    /// What reading says.
    pub fn advance(&mut self) -> Result<Option<Occurrence>, SysError> {
        loop {
            if let Some(occurrence) = self.found.pop_front() {
                return Ok(Some(occurrence));
            }
            let is_over = match &mut self.current {
                Some(part) => !part.read(&mut self.found)?,
                None => true,
            };
            if is_over && !self.turn_over()? {
                return Ok(None);
            }
        }
    }

    /// Goes on to the next file; whether there is one.
    fn turn_over(&mut self) -> Result<bool, SysError> {
        if self.later.is_empty() {
            self.later = self.parts_after_current()?;
        }
        let Some(next) = self.later.pop_front() else { return Ok(false) };
        // It was written to its end before it lost its name.
        if let Some(part) = &mut self.current {
            while part.read(&mut self.found)? {}
        }
        self.current = Some(next);
        Ok(true)
    }

    fn parts_after_current(&self) -> Result<VecDeque<Part>, SysError> {
        let mut parts = parts(&self.directory)?;
        let current = self.current.as_ref().map(|part| part.identity);
        if let Some(at) = parts.iter().position(|part| Some(part.identity) == current) {
            parts.drain(..=at);
        }
        Ok(parts)
    }
}

impl Part {
    /// Reads whole lines; whether there was something.
    fn read(&mut self, found: &mut VecDeque<Occurrence>) -> Result<bool, SysError> {
        let mut bytes = vec![0; CHUNK];
        loop {
            let length = pread(&self.file, &mut bytes, self.at).call(|| "pread(events)")?;
            let Some(end) = bytes[..length].iter().rposition(|byte| *byte == b'\n') else {
                if length < bytes.len() {
                    return Ok(false);
                }
                // A line that is longer than any chunk so far.
                bytes.resize(bytes.len() * 2, 0);
                continue;
            };
            self.at += end as u64 + 1;
            let lines = bytes[..end].split(|byte| *byte == b'\n');
            found.extend(lines.filter_map(|line| serde_json::from_slice::<Occurrence>(line).ok()));
            return Ok(true);
        }
    }
}

/// The files there are, the oldest first.
fn parts(directory: &Directory) -> Result<VecDeque<Part>, SysError> {
    let mut parts: VecDeque<Part> = VecDeque::new();
    // In this order none is missed that is renamed meanwhile, but one may be found twice.
    for name in layout::JOURNALS {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(directory, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(SysError::new(format!("openat({name:?})"), errno)),
        };
        let stat = fstat(&file).call(|| format!("fstat({name:?})"))?;
        let identity = (stat.st_dev, stat.st_ino);
        if parts.iter().all(|part| part.identity != identity) {
            parts.push_front(Part { file, identity, at: 0 });
        }
    }
    Ok(parts)
}
