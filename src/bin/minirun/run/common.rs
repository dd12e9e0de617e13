//! What the flags say that `run`, `create` and `layer` have in common.

use std::ffi::{OsStr, OsString};

use minirun::plan::environment;
use minirun::plan::image_limit::ImageLimits;
use minirun::plan::limit;
use minirun::plan::network_file::Dns;
use minirun::plan::path::ContainerPath;
use minirun::plan::platform::Platform;
use minirun::plan::process::CallerGroups;
use minirun::plan::registry::policy::{BlobPolicy, PullPolicy};
use minirun::plan::request::{Driver, RunRequest};
use minirun::plan::resources;
use minirun::plan::source::ImageSource;
use minirun::sys::probe;

use super::{RequestError, parse, parse_all, read_all};
use crate::arguments::common::{CommonArgs, DriverWord};
use crate::arguments::registry::Pull;

/// A run of `image` as these flags say; what it may do, and its network, is for who knows the other flags.
pub(crate) fn common(
    image: &OsStr,
    arguments: &CommonArgs,
    machine: &Platform,
) -> Result<RunRequest, RequestError> {
    let (caller_groups, extra_groups) = groups(&arguments.groups)?;
    let run = RunRequest::of(ImageSource::parse(image)?, image.to_string_lossy().into_owned());
    Ok(RunRequest {
        platform: arguments.platform.as_deref().map(|text| Platform::parse(text, machine)).transpose()?,
        pull: pull(arguments.pull)?,
        image_limits: ImageLimits::parse(&arguments.image_limits)?,
        hostname: parse(arguments.hostname.as_ref())?,
        environment_files: read_all("--env-file", &arguments.env_files)?,
        environment: parse_all(&arguments.env, environment::parse_setting)?,
        working_directory: arguments.workdir.as_ref().map(workdir).transpose()?,
        user: parse(arguments.user.as_ref())?,
        extra_groups,
        caller_groups,
        umask: parse(arguments.umask.as_ref())?.unwrap_or_default(),
        mounts: arguments.mounts.requests()?,
        userns: parse(arguments.userns.as_ref())?.unwrap_or_default(),
        driver: driver(arguments.driver),
        limits: parse_all(&arguments.ulimits, str::parse)?,
        resources: resources::parse(&arguments.resources.words())?,
        strictness: parse(arguments.resources.strictness.as_ref())?.unwrap_or_default(),
        oom_score_adjustment: arguments.resources.oom_score_adj,
        sysctls: parse_all(&arguments.resources.sysctls, str::parse)?,
        shm_size: arguments
            .shm_size
            .as_deref()
            .map_or(Ok(limit::DEFAULT_SHM_SIZE), limit::parse_positive_size)?,
        extra_hosts: parse_all(&arguments.hosts, str::parse)?,
        dns: Dns::parse(&arguments.dns, &arguments.dns_search, &arguments.dns_option)?,
        ..run
    })
}

/// `--group-add`: the caller's groups, or some by name.
fn groups(words: &[String]) -> Result<(CallerGroups, Vec<String>), RequestError> {
    const KEEP: &str = "keep-groups";
    match words.iter().filter(|word| *word == KEEP).count() {
        0 => Ok((CallerGroups::Dropped, words.to_vec())),
        kept if kept == words.len() => Ok((CallerGroups::Kept, Vec::new())),
        _ => Err(RequestError::KeptGroups),
    }
}

fn pull(asked: Option<Pull>) -> Result<PullPolicy, RequestError> {
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

pub(crate) fn workdir(text: &OsString) -> Result<ContainerPath, RequestError> {
    let error = |source| RequestError::Workdir { text: text.to_string_lossy().into_owned(), source };
    ContainerPath::parse(text).map_err(error)
}

fn driver(word: DriverWord) -> Driver {
    match word {
        DriverWord::Auto => Driver::Auto,
        DriverWord::Overlay => Driver::Overlay,
        DriverWord::Vfs => Driver::Vfs,
    }
}
