//! What `docs/mounts.md` says about every word is true: its examples are read from the file and run.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::support::{IMAGE, Outcome, Scratch};

const DOCUMENT: &str = include_str!("../../docs/mounts.md");
const HEADER: [&str; 3] = ["flags", "inside", "result"];

/// One line of a table of examples.
struct Example {
    flags: String,
    inside: String,
    result: String,
}

/// Every line of the tables that end in these columns.
fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    let mut is_example = false;
    for line in DOCUMENT.lines() {
        let Some(row) = line.strip_prefix('|') else {
            is_example = false;
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        if is_example && !row.starts_with("---") {
            let [_, flags, inside, result] = cells[..] else { panic!("not four cells: {line}") };
            let [flags, inside, result] = [flags, inside, result].map(str::to_owned);
            examples.push(Example { flags, inside, result });
        } else {
            is_example |= cells[1..] == HEADER;
        }
    }
    examples
}

/// What a cell has between backticks.
fn code(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_default()
}

/// A directory with what the document says is there.
fn stage(scratch: &Scratch, name: &str) -> PathBuf {
    let directory = scratch.directory(name);
    for name in ["src", "upper", "work"] {
        fs::create_dir(directory.join(name)).unwrap();
    }
    fs::write(directory.join("src/hello"), "hi\n").unwrap();
    std::os::unix::fs::symlink("hello", directory.join("src/link")).unwrap();
    directory
}

/// Whether what was said, and the exit code, are as documented.
fn is_true(example: &Example, outcome: &Outcome) -> bool {
    let (wanted, inside) = (code(&example.result), code(&example.inside));
    assert!(!wanted.is_empty(), "{} says nothing of what comes", example.result);
    match example.result.split(' ').next() {
        Some("prints") => {
            assert!(!inside.is_empty(), "{} is what nobody would print", example.result);
            let stdout = outcome.stdout();
            // A whole line, unless a line was looked for; and of what went wrong, what the system says.
            let is_line = outcome.code == Some(0) && stdout.lines().any(|line| line == wanted);
            let is_found = outcome.code == Some(0) && inside.starts_with("grep ") && stdout.contains(wanted);
            let is_failure = !matches!(outcome.code, Some(0 | 125))
                && wanted.contains(' ')
                && outcome.stderr().contains(wanted);
            is_line || is_found || is_failure
        }
        Some("refused") => {
            assert!(inside.is_empty(), "{inside} is never run");
            outcome.code == Some(125)
                && outcome.stderr().starts_with("error: ")
                && outcome.stderr().replace('`', "").contains(wanted)
        }
        other => panic!("{other:?} is no result"),
    }
}

#[test]
fn every_example_does_what_is_said() {
    let examples = examples();
    assert!(examples.len() > 100, "only {} examples", examples.len());
    let scratch = Scratch::with_image();
    let donor = format!("\"$MINIRUN\" run --name donor -v ./src:/src -v shared:/shared {IMAGE} true");
    scratch.host_script(&donor).current_dir(&stage(&scratch, "donor")).run().success();
    let mut wrong = String::new();
    for (number, example) in examples.iter().enumerate() {
        let flags = code(&example.flags).replace("IMAGE", IMAGE);
        let script = format!("\"$MINIRUN\" run --rm {flags} {IMAGE} sh -c \"$INSIDE\"");
        let directory = stage(&scratch, &number.to_string());
        let call = scratch.host_script(&script).env("INSIDE", code(&example.inside));
        let outcome = call.current_dir(&directory).run();
        if !is_true(example, &outcome) {
            writeln!(wrong, "{}, {}: {outcome}\n", example.flags, example.result).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The words that an error message lists as legal.
fn legal(flag: &str) -> Vec<String> {
    let scratch = Scratch::new();
    let outcome = scratch.minirun(["run", "--dry-run", flag, "host", "true"]).run();
    let message = outcome.refused();
    let list = message.split_once("; legal are ").unwrap_or_else(|| panic!("{message}")).1;
    list.lines().next().unwrap_or_default().split(' ').map(str::to_owned).collect()
}

#[test]
fn every_word_is_documented() {
    let mut flags: Vec<String> =
        ["-v/h:/c:bogus", "-vdata:/c:bogus", "--tmpfs=/c:bogus"].map(str::to_owned).into();
    for kind in ["bind", "volume", "tmpfs", "image", "devpts", "ramfs", "glob"] {
        flags.push(format!("--mount=type={kind},dst=/c,bogus"));
    }
    let mut missing = Vec::new();
    for flag in &flags {
        for word in legal(flag) {
            // `noexec` and `rshared` stand beside `exec` and `shared`.
            let names = [&word[..], word.trim_start_matches("no"), word.trim_start_matches('r')];
            let name =
                |name: &&str| ["`", "=", ","].iter().any(|end| DOCUMENT.contains(&format!("`{name}{end}")));
            if !names.iter().any(name) {
                missing.push(word);
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/mounts.md: {missing:?}");
}
