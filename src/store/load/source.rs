//! Opens a source and tells what it is by what is in it.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat};

use super::blob::{Archive, BlobError, Blobs, Holder};
use super::{LoadChoice, LoadError, LoadFormat, LoadRequest, LoadSource, docker, oci};
use crate::plan::image_limit::ImageLimits;
use crate::plan::source::ImageSource;
use crate::store::compression::{MAGIC, decompress, is_compressed};
use crate::store::directory::Directory;
use crate::store::tar::{TarError, TarReader};
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError};
use crate::sys::{Call, SysError};

/// How much of a stream tells whether it is an archive, in bytes: a header.
const START: usize = 512;

/// An open source.
pub(in crate::store) struct Opened {
    pub(super) blobs: Blobs,
    /// Never [`LoadFormat::Any`].
    pub(super) format: LoadFormat,
    /// What to call it in messages.
    pub(super) name: String,
}

/// A source on the command line, found on disk.
#[derive(Debug)]
pub struct Located {
    /// Where.
    pub source: LoadSource,
    /// In what form.
    pub format: LoadFormat,
    /// Which image.
    pub choice: LoadChoice,
}

/// Where the image of `oci:`, `oci-archive:` and `docker-archive:` lies; nothing for sources that are not loaded.
///
/// Both path and name may hold colons: the first way to split them whose path exists counts.
#[must_use]
pub fn locate(source: &ImageSource) -> Option<Located> {
    let (text, format) = match source {
        ImageSource::OciLayout(text) | ImageSource::OciArchive(text) => (text, LoadFormat::Oci),
        ImageSource::DockerArchive(text) => (text, LoadFormat::Docker),
        ImageSource::Stored(_) | ImageSource::RootfsDirectory(_) | ImageSource::Host => return None,
    };
    let candidates = text.candidates();
    let existing = candidates.iter().find(|(path, _)| path.exists());
    // The error about a path that is not there names the whole of it.
    let (path, name) = existing.or(candidates.first())?.clone();
    Some(Located {
        source: LoadSource::Path(path),
        format,
        choice: name.map_or(LoadChoice::Only, LoadChoice::Named),
    })
}

/// Whether there is a directory at `path`; anything but a directory or a file is an error.
pub(super) fn is_directory(path: &Path) -> Result<bool, LoadError> {
    let open = |cause| LoadError::Open { path: path.to_owned(), cause };
    let stat = rustix::fs::stat(path).call(|| format!("stat({path:?})")).map_err(open)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Ok(true),
        FileType::RegularFile => Ok(false),
        _ => Err(LoadError::NotAFile(path.to_owned())),
    }
}

/// Opens the source of a request.
pub(super) fn open(room: Room<'_>, request: &LoadRequest<'_>) -> Result<Opened, LoadError> {
    let (blobs, name) = match &request.source {
        LoadSource::Path(path) if is_directory(path)? => {
            let directory =
                Directory::open(path).map_err(|cause| LoadError::Open { path: path.clone(), cause })?;
            (Blobs::new(Holder::Directory(directory), request.limits), format!("`{}`", path.display()))
        }
        LoadSource::Path(path) => {
            let name = format!("`{}`", path.display());
            (archive(room, open_file(path)?, (&name, request.limits))?, name)
        }
        LoadSource::Stream(file) => {
            let name = "standard input".to_owned();
            let file = file.try_clone().map_err(|cause| spool_error(&name, cause))?;
            (archive(room, file, (&name, request.limits))?, name)
        }
        LoadSource::Registry(remote) => {
            let name = format!("`{}`", remote.reference().familiar());
            let blobs = Blobs::new(Holder::Registry(Arc::clone(remote)), request.limits);
            return Ok(Opened { blobs, format: LoadFormat::Oci, name });
        }
    };
    let format = tell(&blobs, request.format, &name)?;
    Ok(Opened { blobs, format, name })
}

/// Opens a regular file; one that was swapped for a FIFO since does not block.
pub(super) fn open_file(path: &Path) -> Result<File, LoadError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(CWD, path, flags, Mode::empty())
        .call(|| format!("openat({path:?})"))
        .map_err(|cause| LoadError::Open { path: path.to_owned(), cause })?;
    Ok(File::from(fd))
}

fn tell(blobs: &Blobs, wanted: LoadFormat, name: &str) -> Result<LoadFormat, LoadError> {
    let has = |document| {
        blobs.has(document).map_err(|cause| LoadError::Blob { source_name: name.to_owned(), cause })
    };
    if wanted != LoadFormat::Docker && has(oci::LAYOUT)? && has(oci::INDEX)? {
        return Ok(LoadFormat::Oci);
    }
    if wanted != LoadFormat::Oci && has(docker::MANIFEST)? {
        return Ok(LoadFormat::Docker);
    }
    if wanted == LoadFormat::Oci && has(docker::MANIFEST)? {
        return Err(LoadError::NotALayout(name.to_owned()));
    }
    Err(LoadError::NotAnImage(name.to_owned()))
}

fn archive(room: Room<'_>, file: File, (name, limits): (&str, &ImageLimits)) -> Result<Blobs, LoadError> {
    let file = if is_plain(&file, name)? { file } else { spool(room, file, (name, limits))? };
    let index = Archive::index(file, limits);
    index
        .map(|archive| Blobs::new(Holder::Archive(archive), limits))
        .map_err(|cause| LoadError::Blob { source_name: name.to_owned(), cause })
}

/// Whether the file can be read at any place and is not compressed.
fn is_plain(mut file: &File, name: &str) -> Result<bool, LoadError> {
    let stat = fstat(file)
        .call(|| format!("fstat({name})"))
        .map_err(|cause| spool_error(name, io::Error::from(cause.errno())))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
        || file.stream_position().is_ok_and(|position| position > 0)
    {
        return Ok(false);
    }
    let mut first = [0; MAGIC];
    let count = file.read_at(&mut first, 0).map_err(|cause| spool_error(name, cause))?;
    let first = first.get(..count).unwrap_or_default();
    let compressed = is_compressed(first);
    compressed.map(|yes| !yes).map_err(|cause| LoadError::Compression { source_name: name.to_owned(), cause })
}

/// Copies the archive without its compression to where it can be read at any place.
fn spool(room: Room<'_>, file: File, (name, limits): (&str, &ImageLimits)) -> Result<File, LoadError> {
    let consumed = Arc::new(AtomicU64::new(0));
    let counted = Counted { file, consumed: Arc::clone(&consumed) };
    let mut reader = decompress(counted)
        .map_err(|cause| LoadError::Compression { source_name: name.to_owned(), cause })?;
    // Of a stream without end nothing else would ever be said.
    let mut start = Vec::with_capacity(START);
    let begun = reader.by_ref().take(START as u64).read_to_end(&mut start);
    begun.map_err(|cause| spool_error(name, cause))?;
    check_start(&start, limits).map_err(|cause| LoadError::Blob {
        source_name: name.to_owned(),
        cause: BlobError::Archive(cause),
    })?;
    let mut spool = room.spool()?;
    room.write(&mut spool, &start)?;
    let mut buffer = vec![0; 256 << 10];
    let mut written = start.len() as u64;
    // Layers that compress no further are in it as they are.
    let most = limits.bytes.saturating_mul(2);
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(spool),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(spool_error(name, error)),
        };
        written += count as u64;
        let ratio = consumed.load(Ordering::Relaxed).saturating_mul(limits.ratio);
        let limit = ratio.max(limits.ratio_from).min(most);
        if written > limit {
            return Err(LoadError::TooLarge { source_name: name.to_owned(), limit });
        }
        room.write(&mut spool, buffer.get(..count).unwrap_or_default())?;
    }
}

/// Whether this is how a tar archive begins; what comes behind is looked at when all is there.
fn check_start(start: &[u8], limits: &ImageLimits) -> Result<(), TarError> {
    match TarReader::new(start, limits.archive.clone()).next_entry() {
        Err(error @ (TarError::Checksum { offset: 0 } | TarError::Number { offset: 0, .. })) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Where a compressed archive is kept while it is read.
#[derive(Clone, Copy)]
pub(super) enum Room<'a> {
    /// In the store, to which it will be added.
    Store(&'a Store),
    /// In a file without a name, as the store is only looked at.
    Outside(&'a Store),
}

impl Room<'_> {
    fn spool(self) -> Result<File, StoreError> {
        match self {
            Self::Store(store) => Temporary::new(store)?.spool().map_err(|cause| store.write_error(cause)),
            Self::Outside(store) => {
                let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
                let open = |path: &str| rustix::fs::openat(CWD, path, flags, Mode::RUSR | Mode::WUSR);
                let file = open("/var/tmp").or_else(|_| open("/tmp")).call(|| "openat(\"/tmp\", TMPFILE)");
                file.map(File::from).map_err(|cause| store.read_error(cause))
            }
        }
    }

    fn write(self, spool: &mut File, bytes: &[u8]) -> Result<(), StoreError> {
        let cause = |error| SysError::from_io(format!("write({} bytes)", bytes.len()), &error);
        spool.write_all(bytes).map_err(|error| match self {
            Self::Store(store) => store.write_error(cause(error)),
            Self::Outside(store) => store.read_error(cause(error)),
        })
    }
}

fn spool_error(name: &str, cause: io::Error) -> LoadError {
    LoadError::Spool { source_name: name.to_owned(), cause }
}

/// A file that counts what was read from it.
struct Counted {
    file: File,
    consumed: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.consumed.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
