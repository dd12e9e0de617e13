//! `minirun run`: from words to a request, and the request to the library.

mod common;
mod error;
mod files;

use std::ffi::OsString;
use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use minirun::container::Engine;
use minirun::plan::capability::{self, CapabilitySet};
use minirun::plan::driver;
use minirun::plan::environment::Setting;
use minirun::plan::landlock::Landlock;
use minirun::plan::mount::{self, Flag, MountKind, MountRequest};
use minirun::plan::name::Label;
use minirun::plan::network::NetworkMode;
use minirun::plan::platform::Platform;
use minirun::plan::port::parse_publish;
use minirun::plan::process::{FirstProcess, Input, Streams};
use minirun::plan::request::{RootAccess, RunRequest, Scratch};
use minirun::plan::rootfs::Lifetime;
use minirun::plan::seccomp::{Abis, Nesting};
use minirun::plan::security::{self, Privileges, SecurityMode, Shown, SystemPaths};
use minirun::sys::probe;

use crate::arguments::run::RunArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::result::{self, Stay};
use crate::{lifecycle, supervision};

pub(crate) use self::common::{blobs, common, workdir};
pub(crate) use self::error::RequestError;
pub(crate) use self::files::{read_all, seccomp};

/// Runs a container; the exit code of its command.
pub(crate) fn run(engine: &Engine, arguments: &RunArgs, output: &mut Output) -> Result<u8, Failure> {
    let request = request(arguments, &engine.host().working_directory, &engine.machine())?;
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let is_here = !arguments.dry_run && !arguments.supervision.detach;
    if arguments.tty && arguments.interactive && is_here && !stdin().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    if arguments.dry_run {
        let plan = engine.plan(&request, &mut |event| progress.show(event));
        progress.clear();
        output.text(&plan?.to_string())?;
        return Ok(0);
    }
    result::check(&request, Stay::of(arguments)?)?;
    // The container writes to the same stream.
    output.flush()?;
    if arguments.supervision.detach {
        let id = engine.run_detached(&request, &mut |event| progress.show(event));
        output.line(id.inspect_err(|_| progress.clear())?.as_str())?;
        return Ok(0);
    }
    if let Some(options) = supervision::session(arguments)? {
        let ended = engine.run_supervised(&request, &options, &mut |event| progress.show(event));
        return Ok(lifecycle::parting(ended.inspect_err(|_| progress.clear())?, lifecycle::CONTAINER));
    }
    let ended = engine.run(&request, &mut |event| progress.show(event));
    Ok(ended.inspect_err(|_| progress.clear())?.code())
}

/// Makes a container and prints its ID.
pub(crate) fn create(engine: &Engine, arguments: &RunArgs, output: &mut Output) -> Result<u8, Failure> {
    let request = request(arguments, &engine.host().working_directory, &engine.machine())?;
    result::check(&request, Stay::LivesOn)?;
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let id = engine.create(&request, &mut |event| progress.show(event));
    output.line(id.inspect_err(|_| progress.clear())?.as_str())?;
    Ok(0)
}

/// Types every word; `working_directory` is the caller's, `machine` the machine's own platform.
pub(crate) fn request(
    arguments: &RunArgs,
    working_directory: &Path,
    machine: &Platform,
) -> Result<RunRequest, RequestError> {
    let (image, command) = words(&arguments.words)?;
    let run = confined(arguments, common(image, &arguments.common, machine)?)?;
    check_volume_driver(arguments, &run.mounts)?;
    let interactive = arguments.interactive && supervision::wants_input(&arguments.supervision);
    let ports = arguments.ports.iter().map(|text| parse_publish(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(RunRequest {
        command,
        entrypoint: arguments.entrypoint.clone(),
        name: parse(arguments.name.as_ref())?,
        donors: parse_all(&arguments.donors, mount::parse_donor)?,
        image_volumes: parse(arguments.image_volume.as_ref())?.unwrap_or_default(),
        scratch: if arguments.read_only_tmpfs { Scratch::Tmpfs } else { Scratch::None },
        root_access: if arguments.read_only { RootAccess::ReadOnly } else { RootAccess::ReadWrite },
        streams: streams(StreamFlags { tty: arguments.tty, interactive }),
        first: if arguments.init { FirstProcess::Init } else { FirstProcess::Command },
        stop_signal: parse(arguments.stop_signal.as_ref())?,
        lifetime: if arguments.remove { Lifetime::Ephemeral } else { Lifetime::Kept },
        network: network(arguments.common.network.as_deref(), &arguments.ports)?,
        ports: ports.concat(),
        labels: labels(arguments)?,
        supervision: supervision::parse(arguments, working_directory)?,
        attached: supervision::attached(&arguments.supervision)?,
        cid_file: arguments.cidfile.as_ref().map(|path| working_directory.join(path)),
        ..run
    })
}

/// The same run with what it may do and reach.
fn confined(arguments: &RunArgs, run: RunRequest) -> Result<RunRequest, RequestError> {
    let privileges = if arguments.privileged { Privileges::All } else { Privileges::Chosen };
    let security = security::parse(&arguments.common.security, privileges)?;
    let modes: Vec<SecurityMode> = parse_all(&arguments.security_modes, str::parse)?;
    let modes = if modes.is_empty() { Nesting::Closed } else { Nesting::Open };
    let abis = if arguments.abi32 { Abis::With32Bit } else { Abis::Native };
    Ok(RunRequest {
        capabilities: match privileges {
            Privileges::All => CapabilitySet::all(),
            Privileges::Chosen => capability::resolve(&arguments.common.cap_add, &arguments.common.cap_drop)?,
        },
        new_privileges: security.new_privileges,
        seccomp: seccomp(abis, &security.seccomp, modes)?,
        system_paths: match modes {
            Nesting::Open => SystemPaths { shown: Shown::All, ..security.system_paths },
            Nesting::Closed => security.system_paths,
        },
        landlock: Landlock::parse(&arguments.landlock)?,
        devices: parse_all(&arguments.devices, str::parse)?,
        ..run
    })
}

/// `--network`, else what the environment says.
pub(crate) fn network(asked: Option<&str>, ports: &[String]) -> Result<Option<NetworkMode>, RequestError> {
    match (asked, probe::network()) {
        (Some("default"), _) | (None, None) => Ok(None),
        (Some(text), _) => Ok(Some(text.parse()?)),
        // Who publishes a port asks for a network by that.
        (None, Some(text)) if text == "none" && !ports.is_empty() => Ok(None),
        (None, Some(text)) => text.parse().map(Some).map_err(RequestError::NetworkVariable),
    }
}

pub(crate) fn parse<T: std::str::FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
    text.map(|text| text.parse()).transpose()
}

pub(crate) fn parse_all<T, E>(texts: &[String], parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, E> {
    texts.iter().map(|text| parse(text)).collect()
}

/// The image or container, and the command that follows it.
pub(crate) fn words(words: &[OsString]) -> Result<(&std::ffi::OsStr, Vec<String>), RequestError> {
    // There is at least one, or clap would have refused.
    let (image, command) = words.split_first().map_or((None, words), |(image, rest)| (Some(image), rest));
    Ok((image.map(OsString::as_os_str).unwrap_or_default(), texts(command)?))
}

/// The words of a command.
pub(crate) fn texts(words: &[OsString]) -> Result<Vec<String>, RequestError> {
    let text = |word: &OsString| {
        let text = word.to_str().map(str::to_owned);
        text.ok_or_else(|| RequestError::NotUtf8(word.to_string_lossy().into_owned()))
    };
    words.iter().map(text).collect()
}

/// `--volume-driver` is about volumes that are made by `-v`; a --mount has a key of its own for that.
fn check_volume_driver(arguments: &RunArgs, mounts: &[MountRequest]) -> Result<(), RequestError> {
    let is_volume = |request: &MountRequest| {
        request.origin.flag == Flag::Volume && matches!(request.kind, MountKind::Volume(_))
    };
    match &arguments.volume_driver {
        Some(driver) if mounts.iter().any(is_volume) => driver::check_driver(driver)
            .map_err(|source| RequestError::VolumeDriver { text: driver.clone(), source }),
        _ => Ok(()),
    }
}

/// What `-t` and `-i` ask for.
#[derive(Clone, Copy)]
pub(crate) struct StreamFlags {
    pub(crate) tty: bool,
    pub(crate) interactive: bool,
}

pub(crate) fn streams(flags: StreamFlags) -> Streams {
    match (flags.tty, flags.interactive) {
        (true, _) => Streams::Terminal,
        (false, true) => Streams::Launcher { input: Input::Attached },
        (false, false) => Streams::Launcher { input: Input::Empty },
    }
}

/// Those of the files first, so that `--label` beats them.
fn labels(arguments: &RunArgs) -> Result<Vec<Label>, RequestError> {
    let lines = read_all("--label-file", &arguments.label_files)?;
    let from_files = lines.into_iter().map(|line| match line {
        Setting::Set(key, value) => Label { key, value },
        Setting::Inherit(key) => Label { key, value: String::new() },
    });
    let given = parse_all(&arguments.labels, str::parse::<Label>)?;
    Ok(from_files.chain(given).collect())
}

#[cfg(test)]
mod tests;
