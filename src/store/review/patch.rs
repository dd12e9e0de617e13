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

use crate::plan::quote::{always_quoted, quoted};
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

/// The mode of symlinks, as Git has it.
const SYMLINK: u32 = 0o120_000;
/// Git's names for what is not there and for an empty file, by which `patch` knows that a file was or is empty.
const NOTHING: &str = "0000000000000000000000000000000000000000";
const EMPTY: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/// One side of a file.
struct Side {
    /// As Git has it: the type, and whether the file can be executed.
    mode: u32,
    /// The bytes; of a symlink, where it leads. `None` if they are too many, or another one's.
    content: Option<Vec<u8>>,
}

impl Side {
    fn is_empty(&self) -> bool {
        self.content.as_ref().is_some_and(Vec::is_empty)
    }
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
        // A symlink that leads elsewhere goes and comes, too: `patch` changes the text of regular files alone.
        let leads_elsewhere = change.kind == Kind::Symlink && change.act != Act::Added;
        let goes = change.replaces().is_some() || leads_elsewhere;
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
        Kind::Symlink => Some(Side { mode: SYMLINK, content: Some(named.read_link()?) }),
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
    let header = format!("diff --git {} {}\n", shown(&old_name), shown(&new_name));
    let modes = match (old, new) {
        (None, None) => return Vec::new(),
        (None, Some(new)) if new.is_empty() => {
            format!("new file mode {:06o}\nindex {NOTHING}..{EMPTY}\n", new.mode)
        }
        (None, Some(new)) => format!("new file mode {:06o}\n", new.mode),
        (Some(old), None) if old.is_empty() => {
            format!("deleted file mode {:06o}\nindex {EMPTY}..{NOTHING}\n", old.mode)
        }
        (Some(old), None) => format!("deleted file mode {:06o}\n", old.mode),
        (Some(old), Some(new)) if old.mode != new.mode => {
            format!("old mode {:06o}\nnew mode {:06o}\n", old.mode, new.mode)
        }
        (Some(_), Some(_)) => String::new(),
    };
    match compare(old, new, (&old_name, &new_name)) {
        Patch::Unchanged if modes.is_empty() => Vec::new(),
        Patch::Unchanged => [header, modes].concat().into_bytes(),
        Patch::Text(hunks) => [header.as_bytes(), modes.as_bytes(), &hunks].concat(),
        Patch::Binary | Patch::TooLarge => {
            let named = |side: Option<&Side>, name| side.map_or("/dev/null".into(), |_| shown(name));
            let (from, to) = (named(old, &old_name), named(new, &new_name));
            // A remark: with a header, or below one, Git would take it for a part without its bytes and refuse all.
            let note = format!("# Binary files {from} and {to} differ\n");
            let changes_mode = old.is_some() && new.is_some() && !modes.is_empty();
            let rest = if changes_mode { [header, modes].concat() } else { String::new() };
            [note, rest].concat().into_bytes()
        }
    }
}

fn compare(old: Option<&Side>, new: Option<&Side>, names: (&[u8], &[u8])) -> Patch {
    let is_readable = |side: &Side| side.content.is_some();
    if !old.is_none_or(is_readable) || !new.is_none_or(is_readable) {
        return Patch::TooLarge;
    }
    let content = |side: Option<&'_ Side>| side.and_then(|side| side.content.clone());
    unified(content(old).as_deref(), content(new).as_deref(), names.0, names.1)
}

/// A name in a header; quoted where it would not end in the right place.
fn shown(name: &[u8]) -> String {
    let name = OsStr::from_bytes(name);
    if name.as_bytes().contains(&b' ') { always_quoted(name) } else { quoted(name) }
}
