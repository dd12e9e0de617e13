//! Who the user is to a registry: the files of Docker and of its relatives, and the programs they name.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{RegistryError, helper};
use crate::plan::registry::auth_file::{self, AuthFileError, Credentials, Kept, Known};
use crate::plan::registry::settings::{self, Settings};
use crate::sys::{Call, probe};

/// Where something may be said.
#[derive(Debug, Clone)]
enum Place {
    /// Where the user says that it is.
    Named(PathBuf),
    /// Where the user says that a login puts it.
    Promised(PathBuf),
    /// Where it often is.
    Usual(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Promised(path) | Self::Usual(path) => path,
        }
    }
}

/// What the user's file says about registries: `MINIRUN_REGISTRIES`, else `minirun/registries.json` where settings are.
///
/// # Errors
/// There is one that cannot be used, or none where `MINIRUN_REGISTRIES` says.
pub fn settings() -> Result<Settings, RegistryError> {
    let named = variable("MINIRUN_REGISTRIES").map(Place::Named);
    let usual = || Some(Place::Usual(config_home()?.join("minirun/registries.json")));
    let Some(place) = named.or_else(usual) else { return Ok(Settings::default()) };
    let Some(bytes) = read(&place, settings::DOCUMENT_MAX)? else { return Ok(Settings::default()) };
    Settings::parse(&bytes).map_err(|cause| RegistryError::Settings { path: place.path().to_owned(), cause })
}

/// What this machine, or `named` alone, knows about who asks for `repository` on `registry`.
///
/// # Errors
/// A file, or the program that it names, cannot be used.
pub fn find(
    registry: &str,
    repository: &str,
    named: Option<&Path>,
) -> Result<Option<Credentials>, RegistryError> {
    for place in places(named) {
        let Some(bytes) = read(&place, auth_file::DOCUMENT_MAX)? else { continue };
        match auth_file::find(&bytes, registry, repository).map_err(auth_error(place.path()))? {
            None => {}
            Some(Known::Credentials(credentials)) => return Ok(Some(credentials)),
            Some(Known::Helper(helper)) => {
                if let Some(credentials) = helper::get(&helper)? {
                    return Ok(Some(credentials));
                }
            }
        }
    }
    Ok(None)
}

/// Keeps credentials for a registry, in `named` if that is said: in the file, or with the program that it names.
///
/// # Errors
/// The file cannot be read or written, or the program does not take them; then they are nowhere.
pub fn keep(registry: &str, credentials: &Credentials, named: Option<&Path>) -> Result<Kept, RegistryError> {
    let places = places(named);
    let existing = places.iter().find(|place| place.path().exists());
    let path = existing.or(places.last()).ok_or(RegistryError::NoPlace)?.path().to_owned();
    // What is there is read, or not written over.
    let place = existing.map(|_| Place::Named(path.clone()));
    let bytes = place.map(|place| read(&place, auth_file::DOCUMENT_MAX)).transpose()?.flatten();
    let bytes = bytes.unwrap_or_default();
    let Some(helper) = auth_file::helper(&bytes, registry).map_err(auth_error(&path))? else {
        let document = auth_file::with(&bytes, registry, credentials).map_err(auth_error(&path))?;
        write(&path, &document)?;
        return Ok(Kept::File(path));
    };
    helper::store(&helper, credentials)?;
    // An entry of before would go before what the program knows.
    if let Some(document) = auth_file::without(&bytes, registry).map_err(auth_error(&path))? {
        write(&path, &document)?;
    }
    Ok(Kept::Program(helper::program(&helper)))
}

/// Forgets the credentials for a registry, wherever they are kept, or in `named` alone.
///
/// # Errors
/// There are none, or a file cannot be written, or a program does not forget them.
pub fn forget(registry: &str, named: Option<&Path>) -> Result<(), RegistryError> {
    let mut is_found = false;
    for place in places(named) {
        let path = place.path();
        let Some(bytes) = read(&place, auth_file::DOCUMENT_MAX)? else { continue };
        if let Some(document) = auth_file::without(&bytes, registry).map_err(auth_error(path))? {
            write(path, &document)?;
            is_found = true;
        }
        if let Some(helper) = auth_file::helper(&bytes, registry).map_err(auth_error(path))?
            && helper::get(&helper)?.is_some()
        {
            helper::erase(&helper)?;
            is_found = true;
        }
    }
    if is_found { Ok(()) } else { Err(RegistryError::NotLoggedIn(registry.to_owned())) }
}

fn auth_error(path: &Path) -> impl FnOnce(AuthFileError) -> RegistryError {
    let path = path.to_owned();
    move |cause| RegistryError::AuthFile { path, cause }
}

/// Where credentials may be, in the order in which they are looked for; new ones come to the last.
fn places(named: Option<&Path>) -> Vec<Place> {
    let named = named.map(|path| Place::Named(path.to_owned()));
    if let Some(place) = named.or_else(|| variable("REGISTRY_AUTH_FILE").map(Place::Promised)) {
        return vec![place];
    }
    let runtime = variable("XDG_RUNTIME_DIR").map(|path| path.join("containers/auth.json"));
    let config = config_home().map(|path| path.join("containers/auth.json"));
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home()?.join(".docker")));
    let docker = docker.map(|path| path.join("config.json"));
    [runtime, config, docker].into_iter().flatten().map(Place::Usual).collect()
}

/// A path that the environment says.
fn variable(name: &str) -> Option<PathBuf> {
    probe::variable(OsStr::new(name)).filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    let home = probe::text_variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    home.or_else(probe::home)
}

pub(super) fn config_home() -> Option<PathBuf> {
    let named = probe::text_variable("XDG_CONFIG_HOME").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).or_else(|| Some(home()?.join(".config")))
}

/// A file; nothing if it is not there, unless the user says that it is.
fn read(place: &Place, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
    let path = place.path();
    let file_error = |cause| RegistryError::File { path: path.to_owned(), cause };
    // A pipe would not open before somebody writes to it.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match (OpenOptions::new().read(true).custom_flags(flags).open(path), place) {
        (Ok(file), _) => file,
        (Err(error), Place::Promised(_)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // What lies in another user's directory is not for this one.
        (Err(error), Place::Usual(_))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) =>
        {
            return Ok(None);
        }
        (error, _) => error.call(|| format!("open({path:?})")).map_err(file_error)?,
    };
    let metadata = file.metadata().call(|| format!("fstat({path:?})")).map_err(file_error)?;
    // It would say nothing, or one day something else. There is /dev/null for who wants to say nothing.
    if metadata.file_type().is_fifo() {
        return Err(RegistryError::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).call(|| format!("read({path:?})")).map_err(file_error)?;
    if bytes.len() as u64 > limit {
        return Err(RegistryError::FileSize { path: path.to_owned(), limit });
    }
    Ok(Some(bytes))
}

/// Replaces a file that nobody else may read.
fn write(path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut new = path.clone().into_os_string();
    new.push(format!(".{}", std::process::id()));
    let replace = || {
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        // Left by a process of this number that was killed.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &path)
    };
    replace()
        .call(|| format!("write({path:?})"))
        .map_err(|cause| RegistryError::File { path: path.clone(), cause })
}
