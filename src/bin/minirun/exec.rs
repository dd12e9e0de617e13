//! `minirun exec`: from words to a request, and the request to the library.

use std::io::{IsTerminal as _, stdin};

use minirun::container::{DetachKeys, Engine};
use minirun::plan::environment;
use minirun::plan::exec::{ExecRequest, Presence, Privileges};

use crate::arguments::exec::ExecArgs;
use crate::failure::Failure;
use crate::lifecycle;
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::run::{RequestError, StreamFlags, parse, parse_all, read_all, streams, words, workdir};

/// Runs a command in a container; its exit code.
pub(crate) fn exec(engine: &Engine, arguments: &ExecArgs, output: &mut Output) -> Result<u8, Failure> {
    let (container, command) = words(&arguments.words)?;
    let container = container.to_string_lossy();
    engine.protect_program(&container)?;
    let request = request(arguments, command)?;
    let attached = request.presence == Presence::Attached;
    if arguments.tty && arguments.interactive && attached && !stdin().is_terminal() {
        return Err(Failure::NoTerminal);
    }
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    // The command writes to the same stream.
    output.flush()?;
    let keys: DetachKeys = arguments.detach_keys.parse().map_err(RequestError::from)?;
    let ended = engine.exec(&container, (&request, &keys), &mut |event| progress.show(event));
    Ok(lifecycle::parting(ended.inspect_err(|_| progress.clear())?, "the command"))
}

fn request(arguments: &ExecArgs, command: Vec<String>) -> Result<ExecRequest, RequestError> {
    Ok(ExecRequest {
        command,
        environment_files: read_all("--env-file", &arguments.env_files)?,
        environment: parse_all(&arguments.env, environment::parse_setting)?,
        user: parse(arguments.user.as_ref())?,
        working_directory: arguments.workdir.as_ref().map(workdir).transpose()?,
        streams: streams(StreamFlags { tty: arguments.tty, interactive: arguments.interactive }),
        privileges: if arguments.privileged { Privileges::All } else { Privileges::Container },
        presence: if arguments.detach { Presence::Detached } else { Presence::Attached },
    })
}
