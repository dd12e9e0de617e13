//! The verbs about the life of containers that exist. Each goes on with the next container when one refuses.

use std::io::{IsTerminal as _, stdin};

use minirun::container::{AttachOptions, Attachment, Engine, Feeding, SignalProxy, StopOptions};
use minirun::plan::name::ContainerName;
use serde_json::json;

use crate::arguments::lifecycle::{
    AttachArgs, KillArgs, LifecycleVerb, RenameArgs, StartArgs, StopArgs, WaitArgs,
};
use crate::failure::{Failure, SOME_FAILED};
use crate::logs;
use crate::output::{Output, draw, note};
use crate::progress::{Loudness, Progress};
use crate::run::RequestError;

/// Who goes on when a session with a container has been left.
pub(crate) const CONTAINER: &str = "the container";

/// Does what was asked; the exit code.
pub(crate) fn answer(engine: &Engine, verb: &LifecycleVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        LifecycleVerb::Start(arguments) => start(engine, arguments, output),
        LifecycleVerb::Stop(arguments) => stop(engine, arguments, output),
        LifecycleVerb::Restart(arguments) => restart(engine, arguments, output),
        LifecycleVerb::Kill(arguments) => kill(engine, arguments, output),
        LifecycleVerb::Wait(arguments) => wait(engine, arguments, output),
        LifecycleVerb::Attach(arguments) => attach(engine, arguments, output),
        LifecycleVerb::Logs(arguments) => logs::logs(engine, arguments, output),
        LifecycleVerb::Rename(arguments) => Ok(rename(engine, arguments, output)),
        LifecycleVerb::Pause(arguments) => each(&arguments.containers, output, |name| engine.pause(name)),
        LifecycleVerb::Unpause(arguments) => each(&arguments.containers, output, |name| engine.unpause(name)),
    }
}

/// Does `work` with each, and prints the names of those with which it worked.
fn each(
    names: &[String],
    output: &mut Output,
    mut work: impl FnMut(&str) -> Result<(), minirun::container::Error>,
) -> Result<u8, Failure> {
    let mut code = 0;
    for name in names {
        match work(name) {
            Ok(()) => output.line(name)?,
            Err(error) => code = refused(&error.into(), output),
        }
        output.flush()?;
    }
    Ok(code)
}

/// Says why one did not work; the exit code of all.
fn refused(failure: &Failure, output: &mut Output) -> u8 {
    output.fail(failure);
    SOME_FAILED
}

fn start(engine: &Engine, arguments: &StartArgs, output: &mut Output) -> Result<u8, Failure> {
    let mut progress = Progress::new(Loudness::Usual);
    if !arguments.attach && !arguments.interactive {
        return each(&arguments.containers, output, |name| {
            engine.start(name, &mut |event| progress.show(event))
        });
    }
    let [name] = &arguments.containers[..] else {
        return Ok(refused(&Failure::OneContainer, output));
    };
    let options = AttachOptions {
        feeding: if arguments.interactive { Feeding::Yes } else { Feeding::No },
        proxy: proxy(arguments.sig_proxy),
        detach_keys: arguments.detach_keys.parse().map_err(RequestError::from)?,
    };
    let ended = engine.start_attached(name, &options, &mut |event| progress.show(event));
    Ok(ended.map_or_else(|error| refused(&error.into(), output), |attachment| parting(attachment, CONTAINER)))
}

fn attach(engine: &Engine, arguments: &AttachArgs, output: &mut Output) -> Result<u8, Failure> {
    let options = AttachOptions {
        feeding: if arguments.no_stdin { Feeding::No } else { Feeding::Yes },
        proxy: proxy(arguments.sig_proxy),
        detach_keys: arguments.detach_keys.parse().map_err(RequestError::from)?,
    };
    let ended = engine.attach(&arguments.container, &options);
    Ok(ended.map_or_else(|error| refused(&error.into(), output), |attachment| parting(attachment, CONTAINER)))
}

pub(crate) fn proxy(is_on: bool) -> SignalProxy {
    if is_on { SignalProxy::On } else { SignalProxy::Off }
}

/// The exit code of a session with `whom`.
pub(crate) fn parting(attachment: Attachment, whom: &str) -> u8 {
    match attachment {
        Attachment::Ended(status) => status.code(),
        Attachment::Detached => {
            if stdin().is_terminal() {
                draw("\r\n");
            }
            note(&format!("note: {whom} goes on\n"));
            0
        }
    }
}

fn stop_options(arguments: &StopArgs) -> Result<StopOptions, RequestError> {
    Ok(StopOptions {
        signal: arguments
            .signal
            .as_ref()
            .map(|text| text.parse())
            .transpose()
            .map_err(RequestError::StopWith)?,
        grace: arguments.time.as_ref().map(|text| text.parse()).transpose()?,
    })
}

/// All at once: each may take its time.
fn stop(engine: &Engine, arguments: &StopArgs, output: &mut Output) -> Result<u8, Failure> {
    let options = stop_options(arguments)?;
    let mut code = 0;
    std::thread::scope(|scope| {
        let stop = |name| scope.spawn(move || engine.stop(name, options));
        let stopped: Vec<_> = arguments.containers.iter().map(|name| (name, stop(name))).collect();
        for (name, stopped) in stopped {
            match stopped.join() {
                Ok(Ok(())) => {
                    output.line(name)?;
                    output.flush()?;
                }
                Ok(Err(error)) => code = refused(&error.into(), output),
                // It has printed why.
                Err(_) => code = SOME_FAILED,
            }
        }
        Ok(code)
    })
}

fn restart(engine: &Engine, arguments: &StopArgs, output: &mut Output) -> Result<u8, Failure> {
    let options = stop_options(arguments)?;
    let mut progress = Progress::new(Loudness::Usual);
    each(&arguments.containers, output, |name| {
        engine.restart(name, options, &mut |event| progress.show(event))
    })
}

fn kill(engine: &Engine, arguments: &KillArgs, output: &mut Output) -> Result<u8, Failure> {
    let signal = arguments.signal.parse().map_err(RequestError::StopWith)?;
    each(&arguments.containers, output, |name| engine.kill(name, signal))
}

fn wait(engine: &Engine, arguments: &WaitArgs, output: &mut Output) -> Result<u8, Failure> {
    let is_json = match arguments.format.as_deref() {
        None => false,
        Some("json") => true,
        Some(other) => {
            return Err(Failure::Filter { text: other.to_owned(), legal: "json" });
        }
    };
    let mut code = 0;
    for name in &arguments.containers {
        match engine.wait(name) {
            Ok(status) if is_json => {
                // What is removed at its end has left nothing.
                let result = engine.result(name).ok().flatten();
                output
                    .line(json!({ "Name": name, "ExitCode": status.code(), "Result": result }).to_string())?;
            }
            Ok(status) => output.line(status.code().to_string())?,
            Err(error) => code = refused(&error.into(), output),
        }
        output.flush()?;
    }
    Ok(code)
}

fn rename(engine: &Engine, arguments: &RenameArgs, output: &mut Output) -> u8 {
    let name: Result<ContainerName, _> = arguments.name.trim_start_matches('/').parse();
    let renamed = name
        .map_err(|error| Failure::Request(error.into()))
        .and_then(|name| Ok(engine.rename(&arguments.container, &name)?));
    renamed.map_or_else(|failure| refused(&failure, output), |()| 0)
}
