//! `minirun inspect`: everything about containers and images.

use minirun::container::{Engine, Error};
use minirun::plan::name::ContainerId;
use minirun::store::container::ContainerError;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::arguments::{InspectOf, Kind};
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;
use crate::template::Template;

/// Shows what is there, and says what is not; the exit code.
pub(crate) fn inspect(
    engine: &Engine,
    arguments: &InspectOf,
    kind: Option<Kind>,
    output: &mut Output,
) -> Result<u8, Failure> {
    let template = arguments.format.as_deref().filter(|format| *format != "json");
    let template = template.map(Template::parse).transpose()?;
    let (mut objects, mut failures) = (Vec::new(), Vec::new());
    for name in &arguments.names {
        let found = find(engine, name, kind);
        let found = if arguments.size { found.and_then(|object| measured(engine, object)) } else { found };
        match found {
            Ok(object) => objects.push(object),
            Err(failure) => failures.push(failure),
        }
    }
    match template {
        Some(template) => {
            for object in &objects {
                output.line(template.render(object)?)?;
            }
        }
        None => output.line(array(&objects, arguments.format.is_some()))?,
    }
    Ok(end(&failures, output))
}

/// Says what could not be shown; the exit code.
pub(crate) fn end(failures: &[Failure], output: &mut Output) -> u8 {
    for failure in failures {
        output.fail(failure);
    }
    if failures.is_empty() { 0 } else { SOME_FAILED }
}

/// A container with the sizes of its files; anything else as it is.
fn measured(engine: &Engine, mut object: Value) -> Result<Value, Failure> {
    // Of all that can be inspected only containers have one.
    let id = object.get("State").and(object.get("Id")).and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse::<ContainerId>().ok()) else { return Ok(object) };
    if let Some(size) = engine.container_sizes(std::slice::from_ref(&id))?.get(&id) {
        object["SizeRw"] = size.own.into();
        object["SizeRootFs"] = size.whole.into();
    }
    Ok(object)
}

fn find(engine: &Engine, name: &str, kind: Option<Kind>) -> Result<Value, Failure> {
    match kind {
        Some(Kind::Container) => Ok(engine.inspect_container(name)?),
        Some(Kind::Image) => Ok(engine.inspect_image(name)?),
        Some(Kind::Volume) => Ok(engine.inspect_volume(name)?),
        None => match engine.inspect_container(name) {
            Err(Error::Container(ContainerError::Unknown(_))) => {
                let volume = |_| engine.inspect_volume(name);
                engine.inspect_image(name).or_else(volume).map_err(|_| Failure::NoObject(name.to_owned()))
            }
            found => Ok(found?),
        },
    }
}

/// The objects as one array: for people with Docker's four blanks, for programs (`--format json`) on one line.
pub(crate) fn array(objects: &[Value], compact: bool) -> String {
    if compact || objects.is_empty() {
        return Value::from(objects).to_string();
    }
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    "));
    // A value that came from JSON can become it again, and memory does not refuse.
    let _ = objects.serialize(&mut serializer);
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrays() {
        assert_eq!(array(&[], false), "[]");
        assert_eq!(array(&[json!({"A": 1})], true), r#"[{"A":1}]"#);
        assert_eq!(
            array(&[json!({"A": [1]})], false),
            "[\n    {\n        \"A\": [\n            1\n        ]\n    }\n]"
        );
    }
}
