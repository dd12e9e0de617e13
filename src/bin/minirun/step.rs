//! `minirun layer`: from words to a step, and the step to the library.

use std::io::{stderr, stdout};
use std::os::fd::{AsFd as _, OwnedFd};

use minirun::container::{Engine, Memory, StepArguments, StepOutcome};
use minirun::plan::capability;
use minirun::plan::instruction;
use minirun::plan::mount::parse_volume;
use minirun::plan::platform::Platform;
use minirun::plan::request::RunRequest;
use minirun::plan::seccomp::{Abis, Nesting};
use minirun::plan::security::{self, Privileges};
use minirun::plan::step::StepRequest;
use rustix::stdio::dup2_stdout;

use crate::arguments::step::LayerArgs;
use crate::failure::Failure;
use crate::image::parse_reference;
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::run::{RequestError, common, network, seccomp, texts};

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
    let flags = &arguments.common;
    let run = common(&arguments.image, flags, machine)?;
    let security = security::parse(&flags.security, Privileges::Chosen)?;
    Ok(RunRequest {
        command: texts(&arguments.command)?,
        // What the image runs otherwise has no part in making another one.
        entrypoint: Some(String::new()),
        network: network(flags.network.as_deref(), &[])?,
        capabilities: capability::resolve(&flags.cap_add, &flags.cap_drop)?,
        new_privileges: security.new_privileges,
        seccomp: seccomp(Abis::Native, &security.seccomp, Nesting::Closed)?,
        system_paths: security.system_paths,
        ..run
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::arguments::{Arguments, Verb};

    /// What a line of flags asks for, as `verb` has it.
    fn asked(verb: &str, flags: &str) -> RunRequest {
        let machine = Platform::new("linux", "amd64", None);
        let end = if verb == "run" { "alpine true" } else { "alpine -- true" };
        let line = format!("minirun {verb} {flags} {end}");
        match Arguments::try_parse_from(line.split_whitespace()).unwrap().verb {
            Verb::Run(run) => crate::run::request(&run, Path::new("/cwd"), &machine).unwrap(),
            Verb::Layer(layer) => request(&layer, &machine).unwrap(),
            verb => panic!("{verb:?}"),
        }
    }

    #[test]
    fn flags_of_run_mean_the_same_here() {
        for flags in [
            "",
            "-v /a:/b --tmpfs /c --mount type=image,src=x,dst=/d",
            "--driver vfs --shm-size 1k --ulimit nofile=1:2 --umask 077",
            "-e A=b -w /w -u 1:2 --group-add 5",
            "--group-add keep-groups",
            "-m 10m --pids-limit 5 --sysctl net.core.somaxconn=7 --oom-score-adj 5",
            "--cap-drop ALL --cap-add KILL --security-opt no-new-privileges=false --userns single",
            "--net host -h box --add-host a:1.2.3.4 --dns 1.1.1.1 --dns-search b --dns-opt c",
            "--platform linux/arm64 --pull never --image-limit bytes=1g",
        ] {
            let (run, layer) = (asked("run", flags), asked("layer", flags));
            let run = RunRequest { entrypoint: layer.entrypoint.clone(), ..run };
            assert_eq!(format!("{layer:?}"), format!("{run:?}"), "{flags}");
        }
    }

    #[test]
    fn help_tells_what_is_otherwise_here() {
        let arguments = Arguments::command();
        let help = |verb: &str| {
            let verb = arguments.get_subcommands().find(|one| one.get_name() == verb).unwrap();
            verb.clone().render_long_help().to_string()
        };
        let text = "Set a variable, or take the caller's";
        assert!(help("layer").contains(&format!("{text}; for this command alone\n")), "{}", help("layer"));
        assert!(help("run").contains(&format!("{text}\n")), "{}", help("run"));
    }
}
