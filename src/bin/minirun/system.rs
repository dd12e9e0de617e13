//! The verbs about the store as a whole.

mod check;
mod collect;
mod df;
pub(crate) mod prune;

use minirun::container::Engine;
use serde_json::Value;

use crate::arguments::system::{InfoArgs, SystemVerb};
use crate::events::events;
use crate::failure::Failure;
use crate::output::Output;
use crate::size;
use crate::template::Template;

/// Does what was asked; the exit code.
pub(crate) fn answer(engine: &Engine, verb: &SystemVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        SystemVerb::Check(arguments) => check::check(engine, arguments, output),
        SystemVerb::Df(arguments) => df::df(engine, arguments, output),
        SystemVerb::Events(arguments) => events(engine, arguments, output),
        SystemVerb::Gc(arguments) => collect::collect(engine, arguments, output),
        SystemVerb::Info(arguments) => info(engine, arguments, output),
        SystemVerb::Prune(arguments) => prune::prune(engine, arguments, output),
    }
}

/// `minirun info`.
pub(crate) fn info(engine: &Engine, arguments: &InfoArgs, output: &mut Output) -> Result<u8, Failure> {
    let facts = engine.info()?;
    match arguments.format.as_deref() {
        None => lines(&facts).iter().try_for_each(|line| output.line(line))?,
        Some("json") => output.line(facts.to_string())?,
        Some(format) => output.line(Template::parse(format)?.render(&facts)?)?,
    }
    Ok(0)
}

fn lines(facts: &Value) -> Vec<String> {
    let text = |name: &str| match &facts[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let memory = size::show(facts["MemTotal"].as_u64().unwrap_or_default());
    vec![
        format!("Containers: {}", text("Containers")),
        format!(" Running: {}", text("ContainersRunning")),
        format!(" Paused: {}", text("ContainersPaused")),
        format!(" Stopped: {}", text("ContainersStopped")),
        format!("Images: {}", text("Images")),
        format!("Server Version: {}", text("ServerVersion")),
        format!("Storage Driver: {}", text("Driver")),
        "Plugins:".to_owned(),
        " Volume: local".to_owned(),
        " Network: host none".to_owned(),
        format!("Cgroup Version: {}", text("CgroupVersion")),
        format!("Rootless: {}", text("Rootless")),
        format!("Kernel Version: {}", text("KernelVersion")),
        format!("OSType: {}", text("OSType")),
        format!("Architecture: {}", text("Architecture")),
        format!("CPUs: {}", text("NCPU")),
        format!("Total Memory: {memory}"),
        format!("Name: {}", text("Name")),
        format!("Docker Root Dir: {}", text("DockerRootDir")),
    ]
}
