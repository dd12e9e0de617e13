//! `minirun cp`.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, stdin, stdout};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use minirun::container::{CopyDirection, CopyRequest, Engine, HostEnd, Links, Owners};

use crate::arguments::copy::CopyArgs;
use crate::failure::Failure;
use crate::progress::{Loudness, Progress};

/// Copies between a container and the host.
pub(crate) fn copy(engine: &Engine, arguments: &CopyArgs) -> Result<u8, Failure> {
    let request = request(arguments)?;
    match (&request.host, request.direction) {
        (HostEnd::Stream, CopyDirection::OutOf) if stdout().is_terminal() => {
            return Err(Failure::TerminalOutput);
        }
        (HostEnd::Stream, CopyDirection::Into) if stdin().is_terminal() => {
            return Err(Failure::TerminalInput);
        }
        _ => {}
    }
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let copied = engine.copy(&request, &mut |event| progress.show(event));
    progress.clear();
    copied?;
    Ok(0)
}

fn request(arguments: &CopyArgs) -> Result<CopyRequest, Failure> {
    let (source, destination) = (in_container(&arguments.source), in_container(&arguments.destination));
    let (direction, (container, path), host) = match (source, destination) {
        (Some(inside), None) => (CopyDirection::OutOf, inside, &arguments.destination),
        (None, Some(inside)) => (CopyDirection::Into, inside, &arguments.source),
        (Some(_), Some(_)) => return Err(Failure::TwoContainers),
        (None, None) => return Err(Failure::NoContainer),
    };
    Ok(CopyRequest {
        direction,
        container,
        path,
        host: if host == "-" { HostEnd::Stream } else { HostEnd::Path(host.clone()) },
        links: if arguments.follow_link { Links::Followed } else { Links::Kept },
        owners: if arguments.archive { Owners::Kept } else { Owners::Root },
    })
}

/// `CONTAINER:PATH`; what begins like a path is one.
fn in_container(text: &OsStr) -> Option<(String, OsString)> {
    let bytes = text.as_bytes();
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    if colon == 0 || bytes.starts_with(b"/") || bytes.starts_with(b".") {
        return None;
    }
    let name = std::str::from_utf8(&bytes[..colon]).ok()?;
    Some((name.to_owned(), OsString::from_vec(bytes[colon + 1..].to_vec())))
}

#[cfg(test)]
mod tests {
    use super::in_container;

    #[test]
    fn a_container_is_told_from_a_path() {
        let split =
            |text: &str| in_container(text.as_ref()).map(|(name, path)| (name, path.into_string().unwrap()));
        assert_eq!(split("web:/a:b"), Some(("web".to_owned(), "/a:b".to_owned())));
        assert_eq!(split("web:"), Some(("web".to_owned(), String::new())));
        for path in ["/a:b", "./a:b", "../a:b", "a", "-", ":/x"] {
            assert_eq!(split(path), None, "{path}");
        }
    }
}
