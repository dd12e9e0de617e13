//! What instructions make of a configuration: the fields that they are about, and no other.

use serde_json::{Map, Value};

use super::{CommandLine, Instruction};
use crate::plan::path::ContainerPath;

/// What reads lines where the image names nothing.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// Changes `config`, the `config` of an image's configuration, by all of `instructions`, in order. An entrypoint drops the
/// command of the image below, as in a Dockerfile.
pub fn apply(config: &mut Map<String, Value>, instructions: &[Instruction]) {
    let mut has_command = false;
    for instruction in instructions {
        match instruction {
            Instruction::Command(line) => {
                has_command = true;
                set_command(config, "Cmd", line);
            }
            Instruction::Entrypoint(line) => {
                set_command(config, "Entrypoint", line);
                if !has_command {
                    config.remove("Cmd");
                }
            }
            Instruction::Environment(pairs) => set_variables(config, pairs),
            Instruction::Expose(ports) => add_members(config, "ExposedPorts", ports),
            Instruction::Healthcheck(check) => set(config, "Healthcheck", check.to_json()),
            Instruction::Label(pairs) => {
                let pairs = pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
                change_members(config, "Labels", |labels| labels.extend(pairs));
            }
            Instruction::OnBuild(trigger) => {
                let triggers = texts(config, "OnBuild").into_iter().chain([trigger.clone()]).collect();
                set(config, "OnBuild", triggers);
            }
            Instruction::Shell(words) => set(config, "Shell", words.as_slice().into()),
            Instruction::StopSignal(signal) => set(config, "StopSignal", signal.as_str().into()),
            Instruction::User(user) => set(config, "User", user.as_str().into()),
            Instruction::Volume(paths) => add_members(config, "Volumes", paths),
            Instruction::WorkingDirectory(path) => {
                let before = config.get("WorkingDir").and_then(Value::as_str).unwrap_or_default();
                let path = ContainerPath::root().join(before).join(path).to_string();
                set(config, "WorkingDir", path.into());
            }
        }
    }
}

fn set(config: &mut Map<String, Value>, field: &str, value: Value) {
    config.insert(field.to_owned(), value);
}

fn set_command(config: &mut Map<String, Value>, field: &str, line: &CommandLine) {
    let words = match line {
        CommandLine::Words(words) => words.clone(),
        CommandLine::Line(line) => {
            let mut words = texts(config, "Shell");
            if words.is_empty() {
                words = SHELL.map(str::to_owned).to_vec();
            }
            words.push(line.clone());
            words
        }
    };
    set(config, field, words.into());
    // It is about the words that were there before.
    config.remove("ArgsEscaped");
}

fn set_variables(config: &mut Map<String, Value>, pairs: &[(String, String)]) {
    let mut variables = texts(config, "Env");
    for (name, value) in pairs {
        variables.retain(|old| old.split('=').next() != Some(name));
        variables.push(format!("{name}={value}"));
    }
    set(config, "Env", variables.into());
}

/// The texts of a list; none where there is no list.
fn texts(config: &Map<String, Value>, field: &str) -> Vec<String> {
    let list = config.get(field).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Changes the object in a field, which is an empty one where there is none.
fn change_members(
    config: &mut Map<String, Value>,
    field: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) {
    let mut members = match config.remove(field) {
        Some(Value::Object(members)) => members,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
            Map::new()
        }
    };
    change(&mut members);
    set(config, field, members.into());
}

/// Adds to a set, which is an object of empty objects.
fn add_members(config: &mut Map<String, Value>, field: &str, names: &[String]) {
    change_members(config, field, |set| {
        for name in names {
            set.entry(name.as_str()).or_insert_with(|| Map::new().into());
        }
    });
}
