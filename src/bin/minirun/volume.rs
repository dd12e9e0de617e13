//! The verbs about volumes.

use minirun::container::{Engine, NewVolume};
use minirun::plan::driver;
use minirun::plan::name::{Label, NameError, VolumeName};

use crate::arguments::volume::{CreateVolume, RestoreVolume, VolumeVerb};
use crate::failure::Failure;
use crate::output::Output;

/// Does what was asked; the exit code.
pub(crate) fn answer(engine: &Engine, verb: &VolumeVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        VolumeVerb::Create(create_volume) => create(engine, create_volume, output),
        VolumeVerb::Restore(restore_volume) => restore(engine, restore_volume, output),
    }
}

/// `minirun volume create`.
fn create(engine: &Engine, arguments: &CreateVolume, output: &mut Output) -> Result<u8, Failure> {
    driver::check_driver(&arguments.driver)?;
    let name = arguments.name.as_ref().or(arguments.named.as_ref());
    let labels: Result<Vec<Label>, NameError> = arguments.labels.iter().map(|text| text.parse()).collect();
    let new = NewVolume {
        name: name.map(|text| parse_name(text)).transpose()?,
        labels: labels?,
        options: arguments.options.iter().map(|text| driver::parse_option(text)).collect(),
    };
    output.line(engine.create_volume(&new)?.as_str())?;
    Ok(0)
}

/// `minirun volume restore NAME`.
fn restore(_engine: &Engine, arguments: &RestoreVolume, _output: &mut Output) -> Result<u8, Failure> {
    let name = parse_name(&arguments.name)?;
    Err(Failure::NoObject(name.to_string()))
}

fn parse_name(text: &str) -> Result<VolumeName, Failure> {
    Ok(text.parse::<VolumeName>()?)
}
