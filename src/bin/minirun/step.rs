//! `minirun layer`: from words to a step, and the step to the library.

use std::io::{stderr, stdout};
use std::os::fd::{AsFd as _, OwnedFd};

use minirun::container::{Engine, Memory, StepArguments, StepOutcome};
use minirun::plan::capability;
use minirun::plan::environment;
use minirun::plan::image_limit::ImageLimits;
use minirun::plan::instruction;
use minirun::plan::limit;
use minirun::plan::mount::parse_volume;
use minirun::plan::network_file::Dns;
use minirun::plan::platform::Platform;
use minirun::plan::request::RunRequest;
use minirun::plan::resources;
use minirun::plan::seccomp::{Abis, Nesting};
use minirun::plan::security::{self, Privileges};
use minirun::plan::source::ImageSource;
use minirun::plan::step::StepRequest;
use rustix::stdio::dup2_stdout;

use crate::arguments::step::LayerArgs;
use crate::failure::Failure;
use crate::image::parse_reference;
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::run::{
    RequestError, driver, groups, network, parse, parse_all, pull, read_all, seccomp, words, workdir,
};

/// Makes an image by a command, or says which one it has made before; the exit code of the command.
pub(crate) fn layer(engine: &Engine, arguments: &LayerArgs, output: &mut Output) -> Result<u8, Failure> {
    let step = StepRequest {
        run: request(arguments, &engine.machine())?,
        caches: arguments
            .caches
            .iter()
            .map(|text| parse_volume(text))
            .collect::<Result<_, _>>()
            .map_err(RequestError::Mount)?,
        changes: arguments.changes.iter().map(|text| instruction::parse(text)).collect::<Result<_, _>>()?,
    };
    let request = StepArguments {
        step,
        reference: arguments.reference.as_deref().map(parse_reference).transpose()?,
        memory: if arguments.no_cache { Memory::PassedOver } else { Memory::Used },
    };
    output.flush()?;
    let own = Aside::begin()?;
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let outcome = engine.layer(request, &mut |event| progress.show(event));
    progress.clear();
    own.end()?;
    match outcome? {
        StepOutcome::Made(id) | StepOutcome::Known(id) => {
            output.line(id.to_string())?;
            Ok(0)
        }
        StepOutcome::Failed(status) => Ok(status.code()),
    }
}

/// Standard output, while the command that writes there is to write to standard error.
struct Aside(OwnedFd);

impl Aside {
    fn begin() -> Result<Self, Failure> {
        let own = stdout().as_fd().try_clone_to_owned().map_err(Failure::Output)?;
        dup2_stdout(stderr()).map_err(|errno| Failure::Output(errno.into()))?;
        Ok(Self(own))
    }

    fn end(self) -> Result<(), Failure> {
        dup2_stdout(self.0).map_err(|errno| Failure::Output(errno.into()))
    }
}

/// Types every word.
fn request(arguments: &LayerArgs, machine: &Platform) -> Result<RunRequest, RequestError> {
    let image = &arguments.image;
    let empty = std::iter::once(image).chain(&arguments.command).cloned().collect::<Vec<_>>();
    let (_, command) = words(&empty)?;
    let security = security::parse(&arguments.security, Privileges::Chosen)?;
    let (caller_groups, extra_groups) = groups(&arguments.groups)?;
    let run = RunRequest::of(ImageSource::parse(image)?, image.to_string_lossy().into_owned());
    Ok(RunRequest {
        platform: arguments.platform.as_deref().map(|text| Platform::parse(text, machine)).transpose()?,
        pull: pull(arguments.pull)?,
        image_limits: ImageLimits::parse(&arguments.image_limits)?,
        command,
        // What the image runs otherwise has no part in making another one.
        entrypoint: Some(String::new()),
        hostname: parse(arguments.hostname.as_ref())?,
        environment_files: read_all("--env-file", &arguments.env_files)?,
        environment: parse_all(&arguments.env, environment::parse_setting)?,
        working_directory: arguments.workdir.as_ref().map(workdir).transpose()?,
        user: parse(arguments.user.as_ref())?,
        extra_groups,
        caller_groups,
        umask: parse(arguments.umask.as_ref())?.unwrap_or_default(),
        mounts: arguments.mounts.requests()?,
        network: network(arguments.network.as_deref(), &[])?,
        capabilities: capability::resolve(&arguments.cap_add, &arguments.cap_drop)?,
        new_privileges: security.new_privileges,
        seccomp: seccomp(Abis::Native, &security.seccomp, Nesting::Closed)?,
        system_paths: security.system_paths,
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
