//! Which image an archive file holds, so that running from an archive again need not read it again.
//!
//! An archive is told by its inode and by its times and size: whoever changes it changes those.

use rustix::fs::stat;

use super::{LoadError, LoadRequest, LoadSource, Loaded};
use crate::plan::digest::{Algorithm, Digest};
use crate::store::temporary::Temporary;
use crate::store::{Store, StoreError, layout};

/// The image that the request got when the file was last loaded as it is now.
pub(super) fn find(store: &Store, request: &LoadRequest<'_>) -> Result<Option<Digest>, LoadError> {
    let Some(name) = file_name(request) else { return Ok(None) };
    let bytes = store.read_file(&name)?;
    Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim_end().parse().ok()))
}

/// Keeps what a request got, if that was one image from a file.
pub(super) fn remember(
    store: &Store,
    request: &LoadRequest<'_>,
    loaded: &[Loaded],
) -> Result<(), StoreError> {
    match (file_name(request), loaded) {
        (Some(name), [one]) => {
            Temporary::new(store)?.replace_file(store, &name, format!("{}\n", one.id).as_bytes())
        }
        _ => Ok(()),
    }
}

/// Forgets which archives hold the image `id`.
pub(in crate::store) fn forget(store: &Store, id: &Digest) -> Result<(), StoreError> {
    let directory = store.writable()?;
    let names = directory.names_in(layout::ARCHIVES).map_err(|cause| store.read_error(cause))?;
    for name in names {
        let name = format!("{}/{name}", layout::ARCHIVES);
        let bytes = store.read_file(&name)?;
        if bytes.is_some_and(|bytes| bytes.trim_ascii() == id.to_string().as_bytes()) {
            directory.unlink(&name).map_err(|cause| store.write_error(cause))?;
        }
    }
    Ok(())
}

fn file_name(request: &LoadRequest<'_>) -> Option<String> {
    let LoadSource::Path(path) = &request.source else { return None };
    let stat = stat(path).ok()?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return None;
    }
    let file = (stat.st_dev, stat.st_ino, stat.st_size);
    let times = (stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec);
    let key = format!("{file:?} {times:?} {:?} {:?} {}", request.format, request.choice, request.platform);
    Some(format!("{}/{}", layout::ARCHIVES, layout::digest_of(Algorithm::Sha256, key.as_bytes()).hex()))
}
