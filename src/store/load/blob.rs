//! Where the documents and layers of an image are read from: a directory, or an archive file.
//!
//! A blob is a regular file or it is nothing: a FIFO or a device would block or invent bytes, a symlink could
//! lead anywhere. In an archive, links are followed among its own members only.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::io::Errno;
use thiserror::Error;

use super::remote::Remote;

use crate::plan::digest::Digest;
use crate::plan::image_limit::ImageLimits;
use crate::store::directory::Directory;
use crate::store::tar::{Entry, EntryKind, TarError, TarReader};
use crate::store::verify::{Verified, VerifyError};
use crate::sys::root::open_beneath;
use crate::sys::{Call, SysError};

/// The most bytes in the name of a member, or in the name that a link says.
const NAME_MAX: usize = 4096;
/// How many links in a row are followed from one member to another.
const LINKS_MAX: u32 = 8;

/// Why a blob cannot be read. Names that come from the image are escaped: they could steer a terminal.
#[derive(Debug, Error)]
pub enum BlobError {
    /// There is none.
    #[error("`{}` is not there", .0.escape_debug())]
    Absent(String),
    /// It is a directory, symlink, FIFO or device.
    #[error("`{}` is not a regular file", .0.escape_debug())]
    NotAFile(String),
    /// It cannot be opened.
    #[error("cannot open `{}`", .name.escape_debug())]
    Open {
        /// Its name in the image.
        name: String,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// A document is larger than documents may be.
    #[error("`{}` is larger than {limit} bytes", .name.escape_debug())]
    TooLarge {
        /// Its name in the image.
        name: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// It could not be read to its end.
    #[error("cannot read `{}`", .name.escape_debug())]
    Read {
        /// Its name in the image.
        name: String,
        /// What reading says.
        #[source]
        cause: io::Error,
    },
    /// It is not what its descriptor says.
    #[error("`{name}` is not the blob it should be")]
    Verify {
        /// Its name in the image.
        name: String,
        /// What differs.
        #[source]
        cause: VerifyError,
    },
    /// The archive cannot be read.
    #[error("cannot read the archive")]
    Archive(#[source] TarError),
    /// The archive has more members than any image needs.
    #[error("the archive has more than {0} members")]
    TooManyMembers(usize),
    /// A member would lie outside of the archive, were it a directory.
    #[error("the archive has a member `{0}`, which leads out of it")]
    Outside(String),
    /// The name of a member is longer than any of an image.
    #[error("the archive has a member whose name has more than {NAME_MAX} bytes")]
    LongName,
    /// The documents of the image are too much together.
    #[error("the documents of the image have more than {limit} bytes together")]
    TooManyDocuments {
        /// The most that is read, in bytes.
        limit: u64,
    },
}

/// An open blob.
pub(super) struct Blob {
    /// Its bytes.
    pub(super) reader: Box<dyn Read + Send>,
    /// How many there are.
    pub(super) size: u64,
}

/// What holds blobs by name.
#[derive(Debug)]
pub(super) struct Blobs {
    holder: Holder,
    limits: ImageLimits,
    /// Bytes of the documents that were read.
    read: Cell<u64>,
}

/// Where blobs lie.
#[derive(Debug)]
pub(super) enum Holder {
    /// A directory, as of an OCI image layout.
    Directory(Directory),
    /// An uncompressed tar.
    Archive(Archive),
    /// A registry, which another process talks to.
    Registry(Arc<Remote>),
}

/// An uncompressed tar, and where its members lie in it.
#[derive(Debug)]
pub(super) struct Archive {
    file: Arc<File>,
    members: HashMap<Vec<u8>, Member>,
}

#[derive(Debug)]
enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// A link of either kind, to another member.
    Link(Vec<u8>),
    Else,
}

/// The path of a blob in an OCI image layout.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

impl Blobs {
    /// Nothing of them has been read yet.
    pub(super) fn new(holder: Holder, limits: &ImageLimits) -> Self {
        Self { holder, limits: limits.clone(), read: Cell::new(0) }
    }

    /// How much an image may ask for.
    pub(super) fn limits(&self) -> &ImageLimits {
        &self.limits
    }

    /// The registry, if it is one that holds them.
    pub(super) fn registry(&self) -> Option<&Remote> {
        match &self.holder {
            Holder::Registry(remote) => Some(remote),
            Holder::Directory(_) | Holder::Archive(_) => None,
        }
    }

    /// Opens a blob.
    pub(super) fn open(&self, name: &str) -> Result<Blob, BlobError> {
        match &self.holder {
            Holder::Directory(directory) => open_in_directory(directory, name),
            Holder::Archive(archive) => archive.open(name),
            // What is there has a digest, and is asked for by it.
            Holder::Registry(_) => Err(BlobError::Absent(name.to_owned())),
        }
    }

    /// Counts a document: an image can name the same one again and again.
    fn count(&self, bytes: u64) -> Result<(), BlobError> {
        self.read.set(self.read.get().saturating_add(bytes));
        let limit = self.limits.documents;
        if self.read.get() > limit { Err(BlobError::TooManyDocuments { limit }) } else { Ok(()) }
    }

    /// Whether there is anything of this name.
    pub(super) fn has(&self, name: &str) -> Result<bool, BlobError> {
        match &self.holder {
            Holder::Directory(directory) => {
                directory.exists(name).map_err(|cause| BlobError::Open { name: name.to_owned(), cause })
            }
            Holder::Archive(archive) => Ok(archive.members.contains_key(name.as_bytes())),
            Holder::Registry(_) => Ok(false),
        }
    }

    /// A document by its name, of at most `limit` bytes.
    pub(super) fn document(&self, name: &str, limit: u64) -> Result<Vec<u8>, BlobError> {
        let blob = self.open(name)?;
        let too_large = || BlobError::TooLarge { name: name.to_owned(), limit };
        if blob.size > limit {
            return Err(too_large());
        }
        self.count(blob.size)?;
        let mut bytes = Vec::new();
        blob.reader
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|cause| BlobError::Read { name: name.to_owned(), cause })?;
        if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
    }

    /// A document by its digest and size, of at most `limit` bytes.
    pub(super) fn verified(&self, digest: &Digest, size: u64, limit: u64) -> Result<Vec<u8>, BlobError> {
        self.verified_from(&|name| self.open_blob(name, digest, size), (digest, size), limit)
    }

    /// The same for an index or manifest, which a registry has in another place.
    pub(super) fn manifest(&self, digest: &Digest, size: u64, limit: u64) -> Result<Vec<u8>, BlobError> {
        let open = |name: &str| match self.registry() {
            Some(remote) => remote.manifest(digest, size).map_err(cannot_open(name)),
            None => self.open(name),
        };
        self.verified_from(&open, (digest, size), limit)
    }

    /// Opens a blob whose digest and size are known.
    pub(super) fn open_blob(&self, name: &str, digest: &Digest, size: u64) -> Result<Blob, BlobError> {
        match self.registry() {
            Some(remote) => remote.blob(digest, size).map_err(cannot_open(name)),
            None => self.open(name),
        }
    }

    fn verified_from(
        &self,
        open: &dyn Fn(&str) -> Result<Blob, BlobError>,
        (digest, size): (&Digest, u64),
        limit: u64,
    ) -> Result<Vec<u8>, BlobError> {
        let name = blob_name(digest);
        if size > limit {
            return Err(BlobError::TooLarge { name, limit });
        }
        self.count(size)?;
        if let Some(bytes) = self.registry().and_then(|remote| remote.remembered(digest)) {
            return Ok(bytes);
        }
        let mut bytes = Vec::new();
        let mut reader = Verified::new(open(&name)?.reader, digest.clone(), Some(size));
        let read = reader.read_to_end(&mut bytes);
        // What the comparison says comes before what reading said: it knows more.
        reader.finish().map_err(|cause| BlobError::Verify { name: name.clone(), cause })?;
        read.map_err(|cause| BlobError::Read { name, cause })?;
        if let Some(remote) = self.registry() {
            remote.remember(digest, &bytes);
        }
        Ok(bytes)
    }
}

fn cannot_open(name: &str) -> impl FnOnce(SysError) -> BlobError {
    let name = name.to_owned();
    move |cause| BlobError::Open { name, cause }
}

fn open_in_directory(directory: &Directory, name: &str) -> Result<Blob, BlobError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let fd = match open_beneath(directory, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(BlobError::Absent(name.to_owned())),
        Err(Errno::LOOP | Errno::NXIO) => return Err(BlobError::NotAFile(name.to_owned())),
        Err(errno) => {
            let cause = SysError::new(format!("openat2({name:?}, NOFOLLOW, BENEATH)"), errno);
            return Err(BlobError::Open { name: name.to_owned(), cause });
        }
    };
    let stat = fstat(&fd)
        .call(|| format!("fstat({name:?})"))
        .map_err(|cause| BlobError::Open { name: name.to_owned(), cause })?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(BlobError::NotAFile(name.to_owned()));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(Blob { reader: Box::new(File::from(fd)), size })
}

impl Archive {
    /// Reads the headers of all members.
    pub(super) fn index(file: File, limits: &ImageLimits) -> Result<Self, BlobError> {
        let file = Arc::new(file);
        let whole = Section { file: Arc::clone(&file), offset: 0, left: u64::MAX };
        let mut reader = TarReader::new(BufReader::with_capacity(64 << 10, whole), limits.archive.clone());
        let mut members = HashMap::new();
        while let Some(entry) = reader.next_entry().map_err(BlobError::Archive)? {
            if members.len() >= limits.members {
                return Err(BlobError::TooManyMembers(limits.members));
            }
            if entry.path.len() > NAME_MAX || entry.link.len() > NAME_MAX {
                return Err(BlobError::LongName);
            }
            if entry.path.split(|&byte| byte == b'/').any(|part| part == b"..") {
                return Err(BlobError::Outside(entry.path.escape_ascii().to_string()));
            }
            let Some(path) = clean(&[], &entry.path) else { continue };
            let member = member(&entry, &path, reader.body_offset(), reader.body_left());
            members.insert(path, member);
        }
        Ok(Self { file, members })
    }

    fn open(&self, name: &str) -> Result<Blob, BlobError> {
        let mut path = name.as_bytes();
        for _ in 0..=LINKS_MAX {
            match self.members.get(path) {
                None => return Err(BlobError::Absent(name.to_owned())),
                Some(Member::Else) => break,
                Some(Member::Link(to)) => path = to,
                Some(&Member::File { offset, size }) => {
                    let reader = Section { file: Arc::clone(&self.file), offset, left: size };
                    return Ok(Blob { reader: Box::new(reader), size });
                }
            }
        }
        Err(BlobError::NotAFile(name.to_owned()))
    }
}

fn member(entry: &Entry, path: &[u8], offset: u64, size: u64) -> Member {
    let parent = path.iter().rposition(|&byte| byte == b'/').map_or(&[][..], |slash| &path[..slash]);
    let link = |base: &[u8], to: &[u8]| clean(base, to).map_or(Member::Else, Member::Link);
    match &entry.kind {
        // The stored form of a sparse file is not its content, and nobody writes blobs so.
        EntryKind::Regular if entry.sparse.is_some() => Member::Else,
        EntryKind::Regular => Member::File { offset, size },
        EntryKind::Symlink => link(parent, &entry.link),
        EntryKind::Hardlink => link(&[], &entry.link),
        _ => Member::Else,
    }
}

/// `path` below `base` without `.`, `..` and doubled slashes; nothing if it leads out of the archive.
fn clean(base: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = base.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).collect();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    (!parts.is_empty()).then(|| parts.join(&b'/'))
}

/// A piece of a file, read without moving the position that others of the same file have.
struct Section {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.offset)?;
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// The last name of a path, as text.
pub(super) fn file_name(path: &Path) -> Option<&str> {
    std::str::from_utf8(path.file_name()?.as_bytes()).ok()
}
