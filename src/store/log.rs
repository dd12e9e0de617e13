//! What a container has written, kept beside it: both streams with their times, in files that do not grow without end.
//!
//! A file begins with `MAGIC` and its number, and is a row of records: stream (1 byte), length (3 bytes), time (8
//! bytes, nanoseconds since 1970), bytes; all numbers little-endian. Records are only ever added. One that is not whole
//! was being written when its writer or the machine died: readers end before it, the next writer cuts it off. The file
//! that is written is [`NAME`]; the ones before it are [`NAME`]`.1`, `.2`, …, each older than the one before.

mod read;

use std::fs::File;
use std::io::{IoSlice, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::directory::Directory;
use crate::plan::supervision::LogPolicy;
use crate::sys::{Call, SysError, clock};

pub use read::{Follow, LogReader, Record};

/// The file that is written.
pub const NAME: &str = "log";

const MAGIC: [u8; 8] = *b"minilog1";
/// Bytes before the first record: magic, and the file's number.
const FILE_HEADER: u64 = 16;
/// Bytes before the content of a record.
const RECORD_HEADER: usize = 12;
/// The longest content of a record, in bytes.
const CONTENT_MAX: usize = 1 << 20;

/// Which of the two streams something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output, or the terminal.
    Output,
    /// Standard error.
    Error,
}

impl LogStream {
    fn byte(self) -> u8 {
        match self {
            Self::Output => 1,
            Self::Error => 2,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Output),
            2 => Some(Self::Error),
            _ => None,
        }
    }
}

/// Adds to the log of one container; there is one writer, who holds the container's lock.
#[derive(Debug)]
pub struct LogWriter {
    directory: Directory,
    file: File,
    number: u64,
    end: u64,
    size: u64,
    count: u32,
}

impl LogWriter {
    /// Opens the log in a container's directory behind its last whole record, or begins it; none if there is to be none.
    ///
    /// # Errors
    /// What opening and reading say.
    pub fn open(directory: &Directory, policy: LogPolicy) -> Result<Option<Self>, SysError> {
        let LogPolicy::Files { size, count } = policy else { return Ok(None) };
        let directory = Directory::open(directory.path())?;
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&directory, NAME, flags, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                if let Some(number) = number_of(&file)? {
                    let end = end_of(&file)?;
                    rustix::fs::ftruncate(&file, end).call(|| "ftruncate(log)")?;
                    return Ok(Some(Self { directory, file, number, end, size, count }));
                }
            }
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(SysError::new(format!("openat({NAME:?})"), errno)),
        }
        let file = begin(&directory, 0)?;
        Ok(Some(Self { directory, file, number: 0, end: FILE_HEADER, size, count }))
    }

    /// Adds a record. What the file system has no room for is lost: the container does not wait for it.
    pub fn write(&mut self, stream: LogStream, content: &[u8]) {
        for content in content.chunks(CONTENT_MAX) {
            let length = (RECORD_HEADER + content.len()) as u64;
            if self.end + length > self.size && self.end > FILE_HEADER {
                // Without room for another file this one goes on.
                let _ = self.rotate();
            }
            self.add(stream, content);
        }
    }

    fn add(&mut self, stream: LogStream, content: &[u8]) {
        let (seconds, nanoseconds) = clock::now();
        let nanoseconds = seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds.into());
        let length = u32::try_from(content.len()).unwrap_or_default();
        let mut header = [0; RECORD_HEADER];
        header[0] = stream.byte();
        header[1..4].copy_from_slice(&length.to_le_bytes()[..3]);
        header[4..].copy_from_slice(&nanoseconds.to_le_bytes());
        let parts = [IoSlice::new(&header), IoSlice::new(content)];
        let whole = (RECORD_HEADER + content.len()) as u64;
        let written = rustix::io::pwritev(&self.file, &parts, self.end).map(|written| written as u64);
        if written == Ok(whole) {
            self.end += whole;
        } else {
            // A part of a record would be taken for the beginning of the next.
            let _ = rustix::fs::ftruncate(&self.file, self.end);
        }
    }

    /// Gives every file the next name, the oldest none, and begins a new one.
    fn rotate(&mut self) -> Result<(), SysError> {
        let name = |number: u32| if number == 0 { NAME.to_owned() } else { format!("{NAME}.{number}") };
        if self.count == 1 {
            self.directory.unlink(NAME)?;
        }
        for number in (0..self.count.saturating_sub(1)).rev() {
            match self.directory.rename(&name(number), &self.directory, &name(number + 1)) {
                Err(error) if error.errno() != Errno::NOENT => return Err(error),
                _ => {}
            }
        }
        self.file = begin(&self.directory, self.number + 1)?;
        self.number += 1;
        self.end = FILE_HEADER;
        Ok(())
    }
}

/// Makes a file under another name first, so that whoever opens it finds its number.
fn begin(directory: &Directory, number: u64) -> Result<File, SysError> {
    let new = "log.new";
    directory.unlink(new)?;
    let header: Vec<u8> = MAGIC.into_iter().chain(number.to_le_bytes()).collect();
    directory.write(new, &header)?;
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file =
        rustix::fs::openat(directory, new, flags, Mode::empty()).call(|| format!("openat({new:?})"))?;
    directory.rename(new, directory, NAME)?;
    Ok(File::from(file))
}

/// The number of a log file; none if it is not one.
fn number_of(file: &File) -> Result<Option<u64>, SysError> {
    let mut header = Vec::new();
    let mut file = file.try_clone().call(|| "fcntl(DUPFD)")?;
    std::io::Seek::rewind(&mut file).call(|| "lseek(log)")?;
    file.take(FILE_HEADER).read_to_end(&mut header).call(|| "read(log)")?;
    let (Some(magic), Some(number)) = (header.get(..8), header.get(8..16)) else { return Ok(None) };
    let number = <[u8; 8]>::try_from(number).map(u64::from_le_bytes).ok();
    Ok(number.filter(|_| *magic == MAGIC))
}

/// Where the last whole record ends.
fn end_of(file: &File) -> Result<u64, SysError> {
    let size = rustix::fs::fstat(file.as_fd() as BorrowedFd<'_>).call(|| "fstat(log)")?.st_size;
    let size = u64::try_from(size).unwrap_or_default();
    let mut at = FILE_HEADER;
    while let Some(header) = header_at(file, at)? {
        let next = at + (RECORD_HEADER + header.length) as u64;
        if next > size {
            break;
        }
        at = next;
    }
    Ok(at)
}

/// What stands before the content of a record.
#[derive(Debug, Clone, Copy)]
struct Header {
    stream: LogStream,
    length: usize,
    nanoseconds: i64,
}

fn header_at(file: &File, at: u64) -> Result<Option<Header>, SysError> {
    let mut bytes = [0; RECORD_HEADER];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(SysError::from_io("pread(log)", &error)),
    }
    let [stream, one, two, three, time @ ..] = bytes;
    let length = u32::from_le_bytes([one, two, three, 0]);
    let header = LogStream::from_byte(stream).map(|stream| Header {
        stream,
        length: usize::try_from(length).unwrap_or(usize::MAX),
        nanoseconds: i64::from_le_bytes(time),
    });
    Ok(header)
}
