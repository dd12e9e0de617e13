//! Reading a log, also while it is written and its files change their names.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{FILE_HEADER, LogStream, NAME, RECORD_HEADER, header_at, number_of};
use crate::store::directory::Directory;
use crate::sys::SysError;

/// The most files that are looked for.
const FILES_MAX: u32 = 1000;

/// Something that a container has written at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// To which stream.
    pub stream: LogStream,
    /// When, nanoseconds since 1970.
    pub nanoseconds: i64,
    /// What.
    pub content: Vec<u8>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Follow {
    /// A record.
    Record(Record),
    /// Nothing yet.
    End,
}

/// Reads the log of one container, the oldest record first.
#[derive(Debug)]
pub struct LogReader {
    directory: Directory,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: File,
    number: u64,
    at: u64,
}

impl LogReader {
    /// Opens the log in a container's directory, which may have none yet.
    ///
    /// # Errors
    /// What opening says.
    pub fn open(directory: Directory) -> Result<Self, SysError> {
        let mut oldest: Option<Current> = None;
        for current in Files::of(&directory) {
            let current = current?;
            if oldest.as_ref().is_none_or(|oldest| current.number < oldest.number) {
                oldest = Some(current);
            }
        }
        Ok(Self { directory, current: oldest })
    }

    /// The next record.
    ///
    /// # Errors
    /// What reading says.
    pub fn advance(&mut self) -> Result<Follow, SysError> {
        loop {
            let Some(current) = &mut self.current else {
                match next_file(&self.directory, None)? {
                    Some(first) => self.current = Some(first),
                    None => return Ok(Follow::End),
                }
                continue;
            };
            if let Some(record) = current.read()? {
                return Ok(Follow::Record(record));
            }
            let Some(next) = next_file(&self.directory, Some(current.number))? else {
                return Ok(Follow::End);
            };
            // It was written to its end before it was renamed.
            if let Some(record) = current.read()? {
                return Ok(Follow::Record(record));
            }
            self.current = Some(next);
        }
    }
}

impl Current {
    fn read(&mut self) -> Result<Option<Record>, SysError> {
        let Some(header) = header_at(&self.file, self.at)? else { return Ok(None) };
        let mut content = vec![0; header.length];
        match self.file.read_exact_at(&mut content, self.at + RECORD_HEADER as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(SysError::from_io("pread(log)", &error)),
        }
        self.at += (RECORD_HEADER + header.length) as u64;
        Ok(Some(Record { stream: header.stream, nanoseconds: header.nanoseconds, content }))
    }
}

/// The file with the smallest number above `after`.
fn next_file(directory: &Directory, after: Option<u64>) -> Result<Option<Current>, SysError> {
    let Some(after) = after else { return Files::of(directory).next().transpose() };
    let mut best: Option<Current> = None;
    for current in Files::of(directory) {
        let current = current?;
        if current.number <= after {
            // All that follow are older still.
            break;
        }
        best = Some(current);
    }
    Ok(best)
}

/// The files there are, the newest first.
struct Files<'a> {
    directory: &'a Directory,
    index: u32,
}

impl<'a> Files<'a> {
    fn of(directory: &'a Directory) -> Self {
        Self { directory, index: 0 }
    }
}

impl Iterator for Files<'_> {
    type Item = Result<Current, SysError>;

    fn next(&mut self) -> Option<Self::Item> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        while self.index < FILES_MAX {
            let name = if self.index == 0 { NAME.to_owned() } else { format!("{NAME}.{}", self.index) };
            self.index += 1;
            match rustix::fs::openat(self.directory, &name, flags, Mode::empty()) {
                Ok(file) => {
                    let file = File::from(file);
                    match number_of(&file) {
                        Ok(Some(number)) => return Some(Ok(Current { file, number, at: FILE_HEADER })),
                        Ok(None) => {}
                        Err(error) => return Some(Err(error)),
                    }
                }
                // While files are renamed, the first name may be nobody's.
                Err(Errno::NOENT) if self.index == 1 => {}
                Err(Errno::NOENT) => return None,
                Err(errno) => return Some(Err(SysError::new(format!("openat({name:?})"), errno))),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogWriter;
    use super::*;
    use crate::plan::supervision::LogPolicy;
    use crate::store::fixture::Scratch;

    fn directory(scratch: &Scratch) -> Directory {
        Directory::open(scratch.path()).unwrap()
    }

    fn writer(scratch: &Scratch, size: u64) -> LogWriter {
        LogWriter::open(&directory(scratch), LogPolicy::Files { size, count: 2 }).unwrap().unwrap()
    }

    fn rest(reader: &mut LogReader) -> Vec<(LogStream, Vec<u8>)> {
        let mut records = Vec::new();
        while let Follow::Record(record) = reader.advance().unwrap() {
            records.push((record.stream, record.content));
        }
        records
    }

    #[test]
    fn what_is_written_is_read_also_behind_a_torn_record() {
        let scratch = Scratch::new();
        let mut log = writer(&scratch, 1 << 20);
        log.write(LogStream::Output, b"one\n");
        log.write(LogStream::Error, &[0, 255, 10]);
        drop(log);
        let mut bytes = std::fs::read(scratch.path().join(NAME)).unwrap();
        bytes.extend([1, 200, 0, 0, 1, 2, 3]);
        std::fs::write(scratch.path().join(NAME), bytes).unwrap();
        let mut reader = LogReader::open(directory(&scratch)).unwrap();
        let both = [(LogStream::Output, b"one\n".to_vec()), (LogStream::Error, vec![0, 255, 10])];
        assert_eq!(rest(&mut reader), both);
        writer(&scratch, 1 << 20).write(LogStream::Output, b"two\n");
        assert_eq!(rest(&mut reader), [(LogStream::Output, b"two\n".to_vec())]);
    }

    #[test]
    fn readers_follow_from_file_to_file_and_old_files_go() {
        let scratch = Scratch::new();
        let mut log = writer(&scratch, 100);
        let mut reader = LogReader::open(directory(&scratch)).unwrap();
        let mut seen = Vec::new();
        for number in 0..100_u8 {
            log.write(LogStream::Output, &[number; 20]);
            if number % 3 == 0 {
                seen.extend(rest(&mut reader));
            }
        }
        seen.extend(rest(&mut reader));
        assert_eq!(seen.len(), 100);
        assert!(seen.iter().enumerate().all(|(at, (_, content))| usize::from(content[0]) == at));
        let late = rest(&mut LogReader::open(directory(&scratch)).unwrap());
        assert!((3..=6).contains(&late.len()), "{}", late.len());
        assert!(std::fs::read_dir(scratch.path()).unwrap().count() == 2);
    }
}
