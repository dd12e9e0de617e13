//! `minirun run`: from words to a request, and the request to the library.

mod error;
mod files;

use std::ffi::OsString;
use std::io::{IsTerminal as _, stdin};
use std::path::Path;

use minirun::container::Engine;
use minirun::plan::capability::{self, CapabilitySet};
use minirun::plan::driver::{self};
use minirun::plan::environment::{self, Setting};
use minirun::plan::image_limit::ImageLimits;
use minirun::plan::landlock::Landlock;
use minirun::plan::limit::{self, LimitError};
use minirun::plan::mount::{self, Flag, MountKind, MountRequest};
use minirun::plan::name::Label;
use minirun::plan::network::NetworkMode;
use minirun::plan::network_file::Dns;
use minirun::plan::path::ContainerPath;
use minirun::plan::platform::Platform;
use minirun::plan::port::parse_publish;
use minirun::plan::process::{CallerGroups, FirstProcess, Input, Streams};
use minirun::plan::registry::policy::{BlobPolicy, PullPolicy};
use minirun::plan::request::{Driver, RootAccess, RunRequest, Scratch};
use minirun::plan::resources::{self};
use minirun::plan::rootfs::Lifetime;
use minirun::plan::seccomp::{Abis, Nesting};
use minirun::plan::security::{self, Privileges, SecurityMode, Shown, SystemPaths};
use minirun::plan::source::ImageSource;
use minirun::sys::probe;

use crate::arguments::registry::Pull;
use crate::arguments::run::{DriverWord, RunArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::result::{self, Stay};
use crate::{lifecycle, supervision};

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
fn request(
    arguments: &RunArgs,
    working_directory: &Path,
    machine: &Platform,
) -> Result<RunRequest, RequestError> {
    let (image, command) = words(&arguments.words)?;
    let interactive = arguments.interactive && supervision::wants_input(&arguments.supervision);
    let privileges = if arguments.privileged { Privileges::All } else { Privileges::Chosen };
    let security = security::parse(&arguments.security, privileges)?;
    let modes: Vec<SecurityMode> = parse_all(&arguments.security_modes, str::parse)?;
    let modes = if modes.is_empty() { Nesting::Closed } else { Nesting::Open };
    let abis = if arguments.abi32 { Abis::With32Bit } else { Abis::Native };
    let groups = groups(&arguments.groups)?;
    Ok(RunRequest {
        image: ImageSource::parse(image)?,
        image_text: image.to_string_lossy().into_owned(),
        platform: arguments.platform.as_deref().map(|text| Platform::parse(text, machine)).transpose()?,
        pull: pull(arguments.pull)?,
        image_limits: ImageLimits::parse(&arguments.image_limits)?,
        command,
        entrypoint: arguments.entrypoint.clone(),
        name: parse(arguments.name.as_ref())?,
        hostname: parse(arguments.hostname.as_ref())?,
        environment_files: read_all("--env-file", &arguments.env_files)?,
        environment: parse_all(&arguments.env, environment::parse_setting)?,
        working_directory: arguments.workdir.as_ref().map(workdir).transpose()?,
        user: parse(arguments.user.as_ref())?,
        extra_groups: groups.1,
        caller_groups: groups.0,
        umask: parse(arguments.umask.as_ref())?.unwrap_or_default(),
        landlock: Landlock::parse(&arguments.landlock)?,
        devices: parse_all(&arguments.devices, str::parse)?,
        mounts: mounts(arguments)?,
        donors: parse_all(&arguments.donors, mount::parse_donor)?,
        image_volumes: parse(arguments.image_volume.as_ref())?.unwrap_or_default(),
        scratch: if arguments.read_only_tmpfs { Scratch::Tmpfs } else { Scratch::None },
        root_access: if arguments.read_only { RootAccess::ReadOnly } else { RootAccess::ReadWrite },
        streams: streams(StreamFlags { tty: arguments.tty, interactive }),
        first: if arguments.init { FirstProcess::Init } else { FirstProcess::Command },
        stop_signal: parse(arguments.stop_signal.as_ref())?,
        lifetime: if arguments.remove { Lifetime::Ephemeral } else { Lifetime::Kept },
        network: network(arguments.network.as_deref(), &arguments.ports)?,
        ports: arguments
            .ports
            .iter()
            .map(|text| parse_publish(text))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        capabilities: match privileges {
            Privileges::All => CapabilitySet::all(),
            Privileges::Chosen => capability::resolve(&arguments.cap_add, &arguments.cap_drop)?,
        },
        new_privileges: security.new_privileges,
        seccomp: seccomp(abis, &security.seccomp, modes)?,
        system_paths: match modes {
            Nesting::Open => SystemPaths { shown: Shown::All, ..security.system_paths },
            Nesting::Closed => security.system_paths,
        },
        userns: parse(arguments.userns.as_ref())?.unwrap_or_default(),
        driver: driver(arguments.driver),
        labels: labels(arguments)?,
        limits: parse_all(&arguments.ulimits, str::parse)?,
        supervision: supervision::parse(arguments, working_directory)?,
        attached: supervision::attached(&arguments.supervision)?,
        resources: resources::parse(&arguments.resources.words())?,
        strictness: parse(arguments.resources.strictness.as_ref())?.unwrap_or_default(),
        oom_score_adjustment: arguments.resources.oom_score_adj,
        sysctls: parse_all(&arguments.resources.sysctls, str::parse)?,
        shm_size: shm_size(arguments)?,
        cid_file: arguments.cidfile.as_ref().map(|path| working_directory.join(path)),
        extra_hosts: parse_all(&arguments.hosts, str::parse)?,
        dns: Dns::parse(&arguments.dns, &arguments.dns_search, &arguments.dns_option)?,
    })
}

/// `--group-add`: the caller's groups, or some by name.
pub(crate) fn groups(words: &[String]) -> Result<(CallerGroups, Vec<String>), RequestError> {
    const KEEP: &str = "keep-groups";
    match words.iter().filter(|word| *word == KEEP).count() {
        0 => Ok((CallerGroups::Dropped, words.to_vec())),
        kept if kept == words.len() => Ok((CallerGroups::Kept, Vec::new())),
        _ => Err(RequestError::KeptGroups),
    }
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

pub(crate) fn pull(asked: Option<Pull>) -> Result<PullPolicy, RequestError> {
    match (asked, probe::pull()) {
        (Some(pull), _) => Ok(pull.into()),
        (None, Some(text)) => PullPolicy::parse(&text).ok_or(RequestError::PullVariable(text)),
        (None, None) => Ok(PullPolicy::default()),
    }
}

/// `--keep-blobs`, else what the environment says.
pub(crate) fn blobs(asked: Option<BlobPolicy>) -> Result<BlobPolicy, RequestError> {
    match (asked, probe::keep_blobs()) {
        (Some(policy), _) => Ok(policy),
        (None, Some(text)) => BlobPolicy::parse(&text).ok_or(RequestError::BlobsVariable(text)),
        (None, None) => Ok(BlobPolicy::default()),
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
    let text = |word: &OsString| {
        let text = word.to_str().map(str::to_owned);
        text.ok_or_else(|| RequestError::NotUtf8(word.to_string_lossy().into_owned()))
    };
    let command = command.iter().map(text).collect::<Result<_, _>>()?;
    Ok((image.map(OsString::as_os_str).unwrap_or_default(), command))
}

pub(crate) fn workdir(text: &OsString) -> Result<ContainerPath, RequestError> {
    let error = |source| RequestError::Workdir { text: text.to_string_lossy().into_owned(), source };
    ContainerPath::parse(text).map_err(error)
}

fn mounts(arguments: &RunArgs) -> Result<Vec<MountRequest>, RequestError> {
    let requests = arguments.mounts.requests()?;
    let is_volume = |request: &&MountRequest| {
        request.origin.flag == Flag::Volume && matches!(request.kind, MountKind::Volume(_))
    };
    // It is about volumes that are made, and a --mount has a key of its own for that.
    if let (Some(driver), true) = (&arguments.volume_driver, requests.iter().any(|one| is_volume(&one))) {
        let refused = |source| RequestError::VolumeDriver { text: driver.clone(), source };
        driver::check_driver(driver).map_err(refused)?;
    }
    Ok(requests)
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

pub(crate) fn driver(word: DriverWord) -> Driver {
    match word {
        DriverWord::Auto => Driver::Auto,
        DriverWord::Overlay => Driver::Overlay,
        DriverWord::Vfs => Driver::Vfs,
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

fn shm_size(arguments: &RunArgs) -> Result<u64, LimitError> {
    arguments.shm_size.as_deref().map_or(Ok(limit::DEFAULT_SHM_SIZE), limit::parse_positive_size)
}

#[cfg(test)]
mod tests;
