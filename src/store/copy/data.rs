//! Copies the data of a file: shares them where the file system can.

use std::os::fd::BorrowedFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::inode::write_all_at;

/// What the copy for a volume does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// The paths of device nodes.
    pub devices: Vec<String>,
    /// Owners: they are in xattrs, as there is one ID only.
    pub owners: bool,
}

/// How much is copied at once where the kernel cannot do it, in bytes.
const BUFFER: usize = 256 << 10;

/// Whether a copy shares its blocks with its model until one of them is written to (`FICLONE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Where the file system can.
    #[default]
    Auto,
    /// Or else it fails.
    Always,
    /// Every block is written anew.
    Never,
}

/// How much was copied, in bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Amount {
    /// Of files whose data the copy shares with its model.
    pub shared: u64,
    /// Of data that were written anew.
    pub copied: u64,
}

impl Amount {
    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        self.shared.saturating_add(self.copied)
    }
}

/// How the data of one file are copied, and the count of it.
pub(in crate::store) struct Data<'a> {
    pub(in crate::store) sharing: Sharing,
    pub(in crate::store) amount: &'a mut Amount,
}

/// Which call said no.
type Refused = (&'static str, Errno);

impl Data<'_> {
    /// Copies `size` bytes: all at once where they can be shared, else part by part without the holes.
    pub(super) fn copy(self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<(), Refused> {
        if size == 0 {
            return Ok(());
        }
        if self.sharing != Sharing::Never {
            let shared = rustix::fs::ioctl_ficlone(to, from);
            if self.has_shared(shared)? {
                self.amount.shared += size;
                return Ok(());
            }
        }
        self.copy_parts(from, to, size).map_err(|errno| ("copy_file_range", errno))
    }

    /// Whether the file is complete; if it is not, it is to be copied.
    fn has_shared(&self, shared: Result<(), Errno>) -> Result<bool, Refused> {
        match (shared, self.sharing) {
            (Ok(()), _) => Ok(true),
            (Err(errno), Sharing::Always) => Err(("ioctl(FICLONE)", errno)),
            (Err(_), Sharing::Auto | Sharing::Never) => Ok(false),
        }
    }

    fn copy_parts(self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64) -> Result<(), Errno> {
        rustix::fs::ftruncate(to, size)?;
        let mut at = 0;
        while at < size {
            let (start, end) = match rustix::fs::seek(from, SeekFrom::Data(at)) {
                Ok(start) => match rustix::fs::seek(from, SeekFrom::Hole(start)) {
                    // It has been cut off in between.
                    Err(Errno::NXIO) => return Ok(()),
                    end => (start, end?.min(size)),
                },
                Err(Errno::NXIO) => return Ok(()),
                Err(_) => (at, size),
            };
            match self.sharing {
                // In the kernel, which some file systems also do by sharing.
                Sharing::Auto | Sharing::Always => copy_range(from, to, start, end)?,
                Sharing::Never => copy_by_hand(from, to, start, end)?,
            }
            self.amount.copied += end.saturating_sub(start);
            at = end;
        }
        Ok(())
    }
}

fn copy_range(from: BorrowedFd<'_>, to: BorrowedFd<'_>, start: u64, end: u64) -> Result<(), Errno> {
    let (mut read_at, mut write_at) = (start, start);
    while read_at < end {
        let left = usize::try_from(end - read_at).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut read_at), to, Some(&mut write_at), left) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            // Full is full, whoever writes.
            Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => return Err(errno),
            Err(_) => return copy_by_hand(from, to, read_at, end),
        }
    }
    Ok(())
}

fn copy_by_hand(from: BorrowedFd<'_>, to: BorrowedFd<'_>, mut at: u64, end: u64) -> Result<(), Errno> {
    let mut buffer = vec![0; BUFFER];
    while at < end {
        let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(BUFFER);
        let count = match rustix::io::pread(from, &mut buffer[..room], at) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        };
        write_all_at(to, &buffer[..count], at)?;
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_file_is_copied_instead_of_shared() {
        let decide = |sharing, result| Data { sharing, amount: &mut Amount::default() }.has_shared(result);
        let refusals = [Errno::OPNOTSUPP, Errno::XDEV, Errno::INVAL, Errno::NOTTY, Errno::PERM];
        for sharing in [Sharing::Auto, Sharing::Always, Sharing::Never] {
            assert_eq!(decide(sharing, Ok(())), Ok(true));
        }
        for errno in refusals {
            assert_eq!(decide(Sharing::Auto, Err(errno)), Ok(false));
            assert_eq!(decide(Sharing::Always, Err(errno)), Err(("ioctl(FICLONE)", errno)));
        }
    }
}
