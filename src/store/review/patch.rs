//! Changes as the patch that `git apply` and `patch -p1` take.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::compare::Named;
use super::tree::Tree;
use super::{Act, Change, Kind, Review, ReviewError};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::plan::quote::quoted;
use crate::plan::textdiff::{Patch, TEXT_MAX, unified};
use crate::store::merged::stat_name;
use crate::sys::{Call, SysError};

/// Whether somebody still reads what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reader {
    /// Yes.
    Reading,
    /// No: there is no use in going on.
    Gone,
}

/// Takes a piece of a patch; in the process that does the work, which may be a copy of the caller's.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Reader;

/// One side of a file.
struct Side {
    /// As Git has it: the type, and whether the file can be executed.
    mode: u32,
    /// The bytes; of a symlink, where it leads. `None` if they are too many, or another one's.
    content: Option<Vec<u8>>,
}

/// Which half of the patch is being written: a path must be free before something else comes there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Going,
    Coming,
}

impl Review {
    /// Writes `changes` of files and symlinks as a patch: first what goes, then what comes.
    ///
    /// # Errors
    /// Something cannot be read.
    pub fn patch(&self, changes: &[Change], sink: Sink<'_>) -> Result<Reader, ReviewError> {
        for half in [Half::Going, Half::Coming] {
            for change in changes {
                let section = self.section(change, half);
                let section =
                    section.map_err(|cause| ReviewError::Compare { path: change.path.clone(), cause })?;
                if !section.is_empty() && sink(&section) == Reader::Gone {
                    return Ok(Reader::Gone);
                }
            }
        }
        Ok(Reader::Reading)
    }

    fn section(&self, change: &Change, half: Half) -> Result<Vec<u8>, SysError> {
        let path = &change.path;
        let goes = change.replaces().is_some();
        let stays = !goes && change.act != Act::Added;
        let (old, new) = match half {
            Half::Going => (goes, false),
            Half::Coming => (stays, change.act != Act::Removed),
        };
        let old = if old { side(&self.host, path)? } else { None };
        let new = if new { side(&self.upper, path)? } else { None };
        Ok(section(path, old.as_ref(), new.as_ref()))
    }
}

/// A file or symlink of one side; `None` for anything else, as patches have no word for it.
fn side(tree: &Tree, path: &Path) -> Result<Option<Side>, SysError> {
    let (directory, name) = match tree.open_parent(path) {
        Err(error) if matches!(error.errno(), Errno::NOENT | Errno::NOTDIR | Errno::XDEV) => return Ok(None),
        opened => opened?,
    };
    let Some(stat) = stat_name(&directory, name)? else { return Ok(None) };
    let named = Named { directory: directory.as_fd(), name, stat: &stat };
    Ok(match named.kind() {
        Kind::File => {
            let mode = if stat.st_mode & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
            let is_large = usize::try_from(stat.st_size).is_ok_and(|size| size > TEXT_MAX);
            let content = if is_large { None } else { read(named)? };
            Some(Side { mode, content })
        }
        Kind::Symlink => Some(Side { mode: 0o120_000, content: Some(named.read_link()?) }),
        Kind::Directory | Kind::Fifo | Kind::Socket | Kind::Device => None,
    })
}

fn read(named: Named<'_>) -> Result<Option<Vec<u8>>, SysError> {
    let file = match named.open() {
        Err(error) if matches!(error.errno(), Errno::ACCESS | Errno::PERM) => return Ok(None),
        opened => File::from(opened?),
    };
    let mut content = Vec::new();
    file.take(TEXT_MAX as u64 + 1).read_to_end(&mut content).call(|| format!("read({:?})", named.name))?;
    Ok(Some(content))
}

/// The part of the patch for one path; nothing if patches have no word for what changed.
fn section(path: &Path, old: Option<&Side>, new: Option<&Side>) -> Vec<u8> {
    let name = |side: &str| [side.as_bytes(), path.as_os_str().as_bytes()].concat();
    let (old_name, new_name) = (name("a/"), name("b/"));
    let mut lines = vec![format!("diff --git {} {}", shown(&old_name), shown(&new_name))];
    match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(new)) => lines.push(format!("new file mode {:06o}", new.mode)),
        (Some(old), None) => lines.push(format!("deleted file mode {:06o}", old.mode)),
        (Some(old), Some(new)) if old.mode != new.mode => {
            lines.push(format!("old mode {:06o}", old.mode));
            lines.push(format!("new mode {:06o}", new.mode));
        }
        (Some(_), Some(_)) => {}
    }
    let mut hunks = Vec::new();
    match compare(old, new, (&old_name, &new_name)) {
        Patch::Unchanged if lines.len() == 1 => return Vec::new(),
        Patch::Unchanged => {}
        Patch::Binary | Patch::TooLarge => {
            let old = old.map_or("/dev/null".into(), |_| shown(&old_name));
            let new = new.map_or("/dev/null".into(), |_| shown(&new_name));
            lines.push(format!("Binary files {old} and {new} differ"));
        }
        Patch::Text(text) => hunks = text,
    }
    [lines.join("\n").as_bytes(), b"\n", &hunks].concat()
}

fn compare(old: Option<&Side>, new: Option<&Side>, names: (&[u8], &[u8])) -> Patch {
    let is_readable = |side: &Side| side.content.is_some();
    if !old.is_none_or(is_readable) || !new.is_none_or(is_readable) {
        return Patch::TooLarge;
    }
    let content = |side: Option<&'_ Side>| side.and_then(|side| side.content.clone());
    unified(content(old).as_deref(), content(new).as_deref(), names.0, names.1)
}

fn shown(name: &[u8]) -> String {
    quoted(OsStr::from_bytes(name))
}
