//! Every row of the grammar as a line of a table: a text, and the same request in its shortest spelling, which
//! says everything that is not a default; or a part of the error.

mod donor;
mod mistakes;
mod mount_bind;
mod mount_other;
mod mount_syntax;
mod mount_tmpfs;
mod mount_volume;
mod property;
mod resolve;
mod tmpfs_flag;
mod volume_flag;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use super::*;

fn parse(flag: Flag, text: &OsStr) -> Result<MountRequest, MountError> {
    match flag {
        Flag::Volume => parse_volume(text),
        Flag::Mount => parse_mount(text),
        Flag::Tmpfs => parse_tmpfs(text),
        Flag::Image | Flag::VolumesFrom | Flag::Device => panic!("{flag} is no mount"),
    }
}

/// The message with all its causes, and the hint.
fn explain(error: &MountError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    format!("{text} ({})", error.hint().unwrap_or_default())
}

/// Each text means what its spelling says, and the spelling means the same.
#[track_caller]
fn accepts(flag: Flag, rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (text, spelling) in rows {
        let request = match parse(flag, OsStr::new(text)) {
            Ok(request) => request,
            Err(error) => {
                writeln!(wrong, "{text:?}: {}", explain(&error)).unwrap();
                continue;
            }
        };
        if request.to_string() != *spelling {
            writeln!(wrong, "{text:?}: {request}").unwrap();
        }
        assert_eq!((request.origin.flag, request.origin.text.to_str()), (flag, Some(*text)));
        let (flag, value) = request.to_flag();
        let again = parse(flag, &value).unwrap_or_else(|error| panic!("{}", explain(&error)));
        assert_eq!((again.destination, again.kind), (request.destination, request.kind), "{value:?}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Each text is refused with a message that names the flag and holds this part.
#[track_caller]
fn refuses(flag: Flag, rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (text, part) in rows {
        let message = match parse(flag, OsStr::new(text)) {
            Ok(request) => format!("is {request}"),
            Err(error) => explain(&error),
        };
        if !message.contains(part) || !message.starts_with(&format!("cannot use `{flag} ")) {
            writeln!(wrong, "{text:?}: {message}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
