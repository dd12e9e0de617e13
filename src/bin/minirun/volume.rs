//! The verbs about volumes.

pub(crate) mod filter;
mod list;
pub(crate) mod prune;

use std::io::{IsTerminal as _, stderr};

use minirun::container::{Engine, Error, Keep, NewVolume};
use minirun::plan::driver;
use minirun::plan::name::{Label, NameError, VolumeName};
use minirun::store::volume::{DamagedVolume, VolumeError};
use minirun::sys::probe;

use crate::arguments::volume::{
    CreateVolume, InspectVolumes, OneVolume, RemoveVolumes, RestoreVolume, VolumeVerb,
};
use crate::failure::{Codes, Failure, SOME_FAILED};
use crate::inspect;
use crate::output::{Output, note};
use crate::template::Template;
use crate::volume_data;

/// Does what was asked; the exit code.
pub(crate) fn answer(engine: &Engine, verb: &VolumeVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        VolumeVerb::Export(export) => volume_data::export(engine, export, output),
        VolumeVerb::Import(import) => volume_data::import(engine, import),
        VolumeVerb::Clone(clone) => volume_data::clone(engine, clone, output),
        VolumeVerb::Snapshot(snapshot) => volume_data::snapshot(engine, snapshot, output),
        VolumeVerb::Snapshots(list) => volume_data::list_snapshots(engine, list, output),
        VolumeVerb::Diff(diff) => volume_data::diff(engine, diff, output),
        VolumeVerb::Create(arguments) => create(engine, arguments, output),
        VolumeVerb::Ls(arguments) if arguments.trash => list::trash(engine, arguments, output),
        VolumeVerb::Ls(arguments) => list::list(engine, arguments, output),
        VolumeVerb::Inspect(arguments) => inspect(engine, arguments, output),
        VolumeVerb::Rm(arguments) => remove(engine, arguments, output),
        VolumeVerb::Prune(arguments) if arguments.trash => prune::empty_trash(engine, arguments, output),
        VolumeVerb::Prune(arguments) => prune::prune(engine, arguments, output),
        VolumeVerb::Exists(arguments) => exists(engine, arguments),
        VolumeVerb::Restore(arguments) if arguments.name.contains('@') => {
            volume_data::restore(engine, arguments, output)
        }
        VolumeVerb::Restore(arguments) => restore(engine, arguments, output),
        VolumeVerb::Update(_) => Err(Failure::ClusterOnly),
    }
}

/// `minirun volume create`.
fn create(engine: &Engine, arguments: &CreateVolume, output: &mut Output) -> Result<u8, Failure> {
    driver::check_driver(&arguments.driver)?;
    let name = arguments.name.as_ref().or(arguments.named.as_ref());
    let labels: Result<Vec<Label>, NameError> = arguments.labels.iter().map(|text| text.parse()).collect();
    let new = NewVolume {
        name: name.filter(|text| !text.is_empty()).map(|text| parse_name(text)).transpose()?,
        labels: last_of_each(labels?),
        options: arguments.options.iter().map(|text| driver::parse_option(text)).collect(),
    };
    output.line(engine.create_volume(&new)?.as_str())?;
    Ok(0)
}

/// Of labels with one key, the last.
pub(crate) fn last_of_each(labels: Vec<Label>) -> Vec<Label> {
    let mut kept: Vec<Label> = Vec::with_capacity(labels.len());
    for label in labels {
        kept.retain(|old| old.key != label.key);
        kept.push(label);
    }
    kept
}

/// `minirun volume inspect`: shows what is there, and says what is not.
fn inspect(engine: &Engine, arguments: &InspectVolumes, output: &mut Output) -> Result<u8, Failure> {
    let template = arguments.format.as_deref().filter(|format| *format != "json");
    let template = template.map(Template::parse).transpose()?;
    let (mut objects, mut failures) = (Vec::new(), Vec::<Failure>::new());
    for name in names(engine, &arguments.names)? {
        match engine.inspect_volume(&name) {
            Ok(object) => objects.push(object),
            Err(error) => failures.push(error.into()),
        }
    }
    match template {
        Some(template) => {
            for object in &objects {
                output.line(template.render(object)?)?;
            }
        }
        None => output.line(inspect::array(&objects, arguments.format.is_some()))?,
    }
    for failure in &failures {
        output.fail(failure);
    }
    Ok(if failures.is_empty() { 0 } else { SOME_FAILED })
}

/// The volumes that are named; all of them where none is.
fn names(engine: &Engine, named: &[String]) -> Result<Vec<String>, Failure> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let list = engine.volumes()?;
    let damaged = list.damaged.iter().map(|damaged| &damaged.name);
    let all = list.volumes.iter().map(|volume| &volume.record.name).chain(damaged);
    Ok(all.map(ToString::to_string).collect())
}

/// `minirun volume rm`: goes on with the others when one cannot be removed.
fn remove(engine: &Engine, arguments: &RemoveVolumes, output: &mut Output) -> Result<u8, Failure> {
    let keep = if arguments.purge { Keep::Nothing } else { keep()? };
    engine.tidy()?;
    let (mut code, mut removed) = (0, 0);
    for name in names(engine, &arguments.names)? {
        match engine.remove_volume(&name, keep) {
            Ok(()) => {
                output.line(&name)?;
                removed += 1;
            }
            Err(Error::Volume(VolumeError::Unknown(_))) if arguments.force => {}
            Err(error) => {
                let failure = error.into();
                output.fail(&failure);
                code = Codes::One.code(&failure);
            }
        }
    }
    // A script that removes a volume has read about this; a person may be glad to hear it.
    if let (Keep::For(_), 1.., true) = (keep, removed, stderr().is_terminal()) {
        output.flush()?;
        note(
            "note: `minirun volume restore NAME` brings it back for a while, see `minirun volume ls --trash`\n",
        );
    }
    Ok(code)
}

/// Says which volumes are left out, and why.
pub(crate) fn note_damaged(damaged: &[DamagedVolume]) {
    for DamagedVolume { name, path, reason } in damaged {
        note(&format!(
            "note: left out the volume `{name}`: `{}` is damaged: {reason}; its files are beside that, and \
             `minirun volume rm {name}` removes it\n",
            path.display()
        ));
    }
}

/// How long what is removed now can be brought back.
pub(crate) fn keep() -> Result<Keep, Failure> {
    match probe::trash_time() {
        None => Ok(Keep::DEFAULT),
        Some(text) => Ok(Keep::parse(&text)?),
    }
}

/// `minirun volume exists`.
fn exists(engine: &Engine, arguments: &OneVolume) -> Result<u8, Failure> {
    Ok(u8::from(!engine.volume_exists(&arguments.name)?))
}

/// `minirun volume restore NAME`.
fn restore(engine: &Engine, arguments: &RestoreVolume, output: &mut Output) -> Result<u8, Failure> {
    let name = parse_name(&arguments.name)?;
    let new_name = arguments.new_name.as_deref().map(parse_name).transpose()?;
    output.line(engine.restore_volume(&name, new_name.as_ref())?.as_str())?;
    Ok(0)
}

fn parse_name(text: &str) -> Result<VolumeName, Failure> {
    Ok(text.parse::<VolumeName>()?)
}
