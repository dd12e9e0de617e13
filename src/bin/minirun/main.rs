//! The command line of minirun: reads arguments, asks the library, prints answers. It decides nothing itself.

mod arguments;
mod confirm;
mod container;
mod copy;
mod events;
mod exec;
mod failure;
mod image;
mod inspect;
mod layer;
mod lifecycle;
mod listing;
mod lock;
mod logs;
mod look;
mod mounts;
mod output;
mod port;
mod progress;
mod prompt;
mod ps;
mod registry;
mod result;
mod review;
mod run;
mod save;
mod security;
mod size;
mod stats;
mod step;
mod supervision;
mod system;
mod template;
mod time;
mod top;
mod unshare;
mod volume;
mod volume_data;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use minirun::container::{Engine, Error};
use minirun::sys::{probe, process};

use self::arguments::contents::ContentsVerb;
use self::arguments::{Arguments, ContainerVerb, ImageVerb, InspectArgs, InspectContainers, Verb};
use self::failure::{Codes, Failure};
use self::output::Output;
use self::result::Promise;

fn main() -> ExitCode {
    // Who ignores it for itself, as daemons do, hands that down, and then nobody could be waited for.
    process::notice_children();
    let words: Vec<OsString> = std::env::args_os().collect();
    let mut output = Output::new();
    // Before anything is read or written with rights that are not the caller's.
    if probe::runs_privileged() {
        output.fail(&Error::Privileged.into());
        return ExitCode::from(failure::OWN_FAILURE);
    }
    let code = match Arguments::parse(&words) {
        Ok(arguments) => {
            let codes = Codes::of(&arguments.verb);
            let promise = Promise::of(&arguments.verb);
            let done = answer(arguments, &mut output).and_then(|code| output.flush().map(|()| code));
            done.unwrap_or_else(|failure| {
                output.fail(&failure);
                let code = codes.code(&failure);
                if let Some(promise) = promise {
                    promise.keep(&failure, code, &mut output);
                }
                code
            })
        }
        Err(error) => arguments::usage::explain(&error, &words, &mut output),
    };
    ExitCode::from(code)
}

/// Does what was asked; the exit code.
fn answer(arguments: Arguments, output: &mut Output) -> Result<u8, Failure> {
    if let Verb::Version = arguments.verb {
        output.line(concat!("minirun ", env!("CARGO_PKG_VERSION")))?;
        return Ok(0);
    }
    let engine = Engine::open(&store(arguments.place.store)?)?;
    let engine = match arguments.verb.lock() {
        Some(path) => engine.locked_to(path)?,
        None => engine,
    };
    let engine = match arguments.verb.keep_blobs() {
        Some(keep) => engine.treating_blobs(run::blobs(keep.keep_blobs)?),
        None => engine,
    };
    let engine = match arguments.verb.common() {
        Some(common) => engine.asking_registries(registry::asking(&common.ask)?),
        None => engine,
    };
    match arguments.verb {
        Verb::Run(run) | Verb::Container(ContainerVerb::Run(run)) => run::run(&engine, &run, output),
        Verb::Create(run) | Verb::Container(ContainerVerb::Create(run)) => run::create(&engine, &run, output),
        Verb::Lifecycle(verb) | Verb::Container(ContainerVerb::Lifecycle(verb)) => {
            lifecycle::answer(&engine, &verb, output)
        }
        Verb::Container(ContainerVerb::Prune(prune)) => container::prune(&engine, &prune, output),
        Verb::Unshare(unshare) => unshare::unshare(&engine, &unshare, output),
        Verb::Load(load) | Verb::Image(ImageVerb::Load(load)) => image::load(&engine, &load, output),
        Verb::Save(save) | Verb::Image(ImageVerb::Save(save)) => save::save(&engine, &save),
        Verb::Import(import) | Verb::Image(ImageVerb::Import(import)) => {
            image::import(&engine, &import, output)
        }
        Verb::Pull(pull) | Verb::Image(ImageVerb::Pull(pull)) => registry::pull(&engine, &pull, output),
        Verb::Push(push) | Verb::Image(ImageVerb::Push(push)) => registry::push(&engine, &push, output),
        Verb::Login(login) => registry::login(&engine, &login, output),
        Verb::Logout(logout) => registry::logout(&engine, &logout, output),
        Verb::Images(list) | Verb::Image(ImageVerb::Ls(list)) => image::list(&engine, &list, output),
        Verb::Rmi(remove) | Verb::Image(ImageVerb::Rm(remove)) => image::remove(&engine, &remove, output),
        Verb::Tag(tag) | Verb::Image(ImageVerb::Tag(tag)) => image::tag(&engine, &tag, output),
        Verb::Layer(arguments) => step::layer(&engine, &arguments, output),
        Verb::History(arguments) => look::history(&engine, &arguments, output).map(|()| 0),
        Verb::Image(ImageVerb::Look(verb)) => look::answer(&engine, &verb, output),
        Verb::Ps(list) | Verb::Container(ContainerVerb::Ls(list)) => ps::list(&engine, &list, output),
        Verb::Rm(remove) | Verb::Container(ContainerVerb::Rm(remove)) => {
            container::remove(&engine, &remove, output)
        }
        Verb::Contents(verb) | Verb::Container(ContainerVerb::Contents(verb)) => {
            contents(&engine, &verb, output)
        }
        Verb::Image(ImageVerb::Prune(prune)) => system::prune::images(&engine, &prune, output),
        Verb::Inspect(InspectArgs { security: true, of, .. })
        | Verb::Container(ContainerVerb::Inspect(InspectContainers { security: true, of })) => {
            security::inspect(&engine, &of, output)
        }
        Verb::Inspect(inspect) => inspect::inspect(&engine, &inspect.of, inspect.kind, output),
        Verb::Image(ImageVerb::Exists(one)) => Ok(u8::from(!engine.image_exists(&one.name)?)),
        Verb::Container(ContainerVerb::Exists(one)) => Ok(u8::from(!engine.container_exists(&one.name)?)),
        Verb::Image(ImageVerb::Inspect(of)) => {
            inspect::inspect(&engine, &of, Some(arguments::Kind::Image), output)
        }
        Verb::Container(ContainerVerb::Inspect(inspect)) => {
            inspect::inspect(&engine, &inspect.of, Some(arguments::Kind::Container), output)
        }
        Verb::Changes(changes) => review::changes(&engine, &changes, output),
        Verb::Apply(apply) => review::apply(&engine, &apply, output),
        Verb::Discard(discard) => review::discard(&engine, &discard, output),
        Verb::Volume(verb) => volume::answer(&engine, &verb, output),
        Verb::System(verb) => system::answer(&engine, &verb, output),
        Verb::Info(arguments) => system::info(&engine, &arguments, output),
        Verb::Events(arguments) => events::events(&engine, &arguments, output),
        Verb::Version => Ok(0),
    }
}

/// Does what was asked of a container's contents; the exit code.
fn contents(engine: &Engine, verb: &ContentsVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        ContentsVerb::Exec(arguments) => exec::exec(engine, arguments, output),
        ContentsVerb::Top(arguments) => top::top(engine, arguments, output),
        ContentsVerb::Stats(arguments) => stats::stats(engine, arguments, output),
        ContentsVerb::Cp(arguments) => copy::copy(engine, arguments),
        ContentsVerb::Commit(arguments) => layer::commit(engine, arguments, output),
        ContentsVerb::Export(arguments) => layer::export(engine, arguments),
        ContentsVerb::Diff(arguments) => layer::diff(engine, arguments, output),
        ContentsVerb::Port(arguments) => port::list(engine, arguments, output),
        ContentsVerb::Mount(arguments) => mounts::mount(engine, arguments),
        ContentsVerb::Umount(arguments) => mounts::unmount(engine, arguments, output),
        ContentsVerb::Mounts(arguments) => mounts::list(engine, arguments, output),
    }
}

fn store(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    named.or_else(probe::default_store).ok_or(Failure::NoStore)
}
