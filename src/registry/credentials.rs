//! Who the user is to a registry: the files of Docker and of its relatives, and the programs they name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::RegistryError;
use crate::plan::registry::auth_file::{self, AuthFileError, Credentials, Known};
use crate::plan::registry::settings::{self, Settings};
use crate::sys::{Call, probe};

/// The most bytes of what a program that knows passwords says.
const ANSWER_MAX: u64 = 64 << 10;
/// What such a program says when it knows nothing.
const UNKNOWN: &str = "credentials not found";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What the user's file says about registries: `MINIRUN_REGISTRIES`, else `minirun/registries.json` where settings are.
///
/// # Errors
/// There is one that cannot be used.
pub fn settings() -> Result<Settings, RegistryError> {
    let named = probe::text_variable("MINIRUN_REGISTRIES").map(PathBuf::from);
    let usual = || Some(config_home()?.join("minirun/registries.json"));
    let Some(path) = named.or_else(usual) else { return Ok(Settings::default()) };
    let Some(bytes) = read(&path, settings::DOCUMENT_MAX)? else { return Ok(Settings::default()) };
    Settings::parse(&bytes).map_err(|cause| RegistryError::Settings { path, cause })
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
    for path in files(named) {
        let Some(bytes) = read(&path, auth_file::DOCUMENT_MAX)? else { continue };
        match auth_file::find(&bytes, registry, repository).map_err(auth_error(&path))? {
            None => {}
            Some(Known::Credentials(credentials)) => return Ok(Some(credentials)),
            Some(Known::Helper { name, server }) => {
                if let Some(credentials) = ask(&name, &server)? {
                    return Ok(Some(credentials));
                }
            }
        }
    }
    Ok(None)
}

/// Keeps credentials for a registry, in `named` if that is said; in which file.
///
/// # Errors
/// The file cannot be read or written.
pub fn keep(
    registry: &str,
    credentials: &Credentials,
    named: Option<&Path>,
) -> Result<PathBuf, RegistryError> {
    let files = files(named);
    let existing = files.iter().find(|path| path.exists());
    let path = existing.or(files.last()).cloned().ok_or(RegistryError::NoPlace)?;
    let bytes = read(&path, auth_file::DOCUMENT_MAX)?.unwrap_or_default();
    let document = auth_file::with(&bytes, registry, credentials).map_err(auth_error(&path))?;
    write(&path, &document)?;
    Ok(path)
}

/// Forgets the credentials for a registry, wherever they are kept, or in `named` alone.
///
/// # Errors
/// There are none, or a file cannot be written.
pub fn forget(registry: &str, named: Option<&Path>) -> Result<(), RegistryError> {
    let mut is_found = false;
    for path in files(named) {
        let Some(bytes) = read(&path, auth_file::DOCUMENT_MAX)? else { continue };
        if let Some(document) = auth_file::without(&bytes, registry).map_err(auth_error(&path))? {
            write(&path, &document)?;
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
fn files(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(named) = named {
        return vec![named.to_owned()];
    }
    let variable = |name| probe::text_variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    if let Some(named) = variable("REGISTRY_AUTH_FILE") {
        return vec![named];
    }
    let runtime = variable("XDG_RUNTIME_DIR").map(|path| path.join("containers/auth.json"));
    let config = config_home().map(|path| path.join("containers/auth.json"));
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home()?.join(".docker")));
    let docker = docker.map(|path| path.join("config.json"));
    [runtime, config, docker].into_iter().flatten().collect()
}

fn home() -> Option<PathBuf> {
    let home = probe::text_variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    home.or_else(probe::home)
}

pub(super) fn config_home() -> Option<PathBuf> {
    let named = probe::text_variable("XDG_CONFIG_HOME").map(PathBuf::from);
    named.filter(|path| path.is_absolute()).or_else(|| Some(home()?.join(".config")))
}

/// A file, if it is there.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, RegistryError> {
    let file_error = |cause| RegistryError::File { path: path.to_owned(), cause };
    let file = match File::open(path) {
        Ok(file) => file,
        // What lies in another user's directory is not for this one.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            return Ok(None);
        }
        error => error.call(|| format!("open({path:?})")).map_err(file_error)?,
    };
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

/// Asks a program that knows passwords.
fn ask(name: &str, server: &str) -> Result<Option<Credentials>, RegistryError> {
    let program = format!("docker-credential-{name}");
    match answer(&program, server) {
        Ok(answer) => Ok(answer),
        Err(cause) => Err(RegistryError::Helper { program, cause }),
    }
}

fn answer(program: &str, server: &str) -> io::Result<Option<Credentials>> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(server.as_bytes())?;
    }
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(ANSWER_MAX).read_to_end(&mut bytes)?;
    }
    let status = child.wait()?;
    let text = String::from_utf8_lossy(&bytes);
    if !status.success() {
        let told = text.trim().escape_debug().take(300).collect::<String>();
        return if text.contains(UNKNOWN) { Ok(None) } else { Err(io::Error::other(told)) };
    }
    let answer: Answer = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    let is_none = answer.username.is_empty() && answer.secret.is_empty();
    Ok((!is_none).then_some(Credentials { user: answer.username, password: answer.secret }))
}
