//! Gives the images to other programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::TOPICS;
use super::canary::Canary;
use super::case::{Case, Expectation};
use super::source::Source;

/// Writes all images where `MINIRUN_TEST_HOSTILE_DIR` says: each as a directory or file, and a line for each in
/// `cases.jsonl`, with what `MINIRUN_TEST_CALLER` (`root`, `subordinate-ids`, `single-id`) has to expect. They aim at the directory `canary` beside them.
#[test]
fn images_for_others() {
    let Some(directory) = std::env::var_os("MINIRUN_TEST_HOSTILE_DIR") else { return };
    let directory = Path::new(&directory);
    fs::create_dir_all(directory).unwrap();
    let canary = Canary::new(directory.join("canary"));
    let mut lines = String::new();
    for (topic, cases) in TOPICS {
        for case in cases() {
            let source = (case.build)(canary.path());
            let path = source.write(directory, &format!("{topic}-{}", case.name));
            let mut line = described(&case);
            line["topic"] = json!(topic);
            line["file"] = json!(path.file_name().unwrap().to_str().unwrap());
            line["form"] = json!(form(&source));
            writeln!(lines, "{line}").unwrap();
        }
    }
    fs::write(directory.join("cases.jsonl"), lines).unwrap();
}

fn described(case: &Case) -> Value {
    let mut line = json!({ "name": case.name, "about": case.about, "loadFlags": case.flags });
    match &case.expectation {
        Expectation::Refused(says) => line["refused"] = json!(says),
        Expectation::Tree(tree) => line["tree"] = tree.to_json(),
        Expectation::Warned(says) => line["warned"] = json!(says),
        Expectation::Prints { flags, command, output } => {
            line["prints"] = json!({ "flags": flags, "command": command, "output": output });
        }
        Expectation::Fails { flags, command, code, says } => {
            line["fails"] = json!({ "flags": flags, "command": command, "code": code, "says": says });
        }
    }
    line
}

/// What another tool has to be told that it is.
fn form(source: &Source) -> &'static str {
    match source {
        Source::Directory(_) => "oci",
        // Whatever else is wrong with the archive, its documents are there by their names.
        Source::File(bytes) if bytes.windows(10).any(|name| name == b"oci-layout") => "oci-archive",
        Source::File(_) => "docker-archive",
    }
}
