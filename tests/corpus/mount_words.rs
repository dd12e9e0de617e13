//! Mounts as people type them: what is taken is printed, and read again as the same.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use minirun::plan::mount::{
    Flag, MountError, MountKind, MountRequest, Problem, parse_donor, parse_mount, parse_tmpfs, parse_volume,
};

/// Reads the words with each flag.
pub(crate) fn check(text: &[u8]) {
    if let Ok(text) = std::str::from_utf8(text) {
        explain(parse_donor(text));
    }
    let text = OsStr::from_bytes(text);
    for flag in [Flag::Volume, Flag::Mount, Flag::Tmpfs] {
        let Some(request) = explain(parse(flag, text)) else { continue };
        assert!(!request.destination.is_root() || matches!(request.kind, MountKind::Glob(_)));
        let (flag, value) = request.to_flag();
        let again = match parse(flag, &value) {
            // The one thing that `--mount` cannot say.
            Err(MountError::Spec { problem: Problem::Blank(_), .. }) => continue,
            again => again.unwrap_or_else(|error| panic!("{value:?}: {error}")),
        };
        assert_eq!((&again.destination, &again.kind), (&request.destination, &request.kind), "{value:?}");
        let json = serde_json::to_string(&again).unwrap();
        assert_eq!(serde_json::from_str::<MountRequest>(&json).unwrap(), again, "{json}");
    }
}

fn parse(flag: Flag, text: &OsStr) -> Result<MountRequest, MountError> {
    match flag {
        Flag::Volume => parse_volume(text),
        Flag::Mount => parse_mount(text),
        _ => parse_tmpfs(text),
    }
}

/// An error must be printable, with its hint.
fn explain<T>(result: Result<T, MountError>) -> Option<T> {
    result.map_err(|error| (error.to_string(), error.hint())).ok()
}
