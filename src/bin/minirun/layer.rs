//! The verbs about what a container changed: `diff`, `commit` and `export`.

use std::fs::File;
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

use minirun::container::{ChangeKind, CommitArguments, Engine};
use minirun::plan::instruction;

use crate::arguments::container::{CommitArgs, DiffArgs, ExportArgs};
use crate::failure::Failure;
use crate::image::parse_reference;
use crate::output::{Output, note};
use crate::progress::{Loudness, Progress};

/// `minirun diff`.
pub(crate) fn diff(engine: &Engine, arguments: &DiffArgs, output: &mut Output) -> Result<u8, Failure> {
    for change in engine.diff(&arguments.container)? {
        let letter = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Modified => 'C',
            ChangeKind::Deleted => 'D',
        };
        output.line(format!("{letter} {}", change.path.display()))?;
    }
    Ok(0)
}

/// `minirun commit`.
pub(crate) fn commit(engine: &Engine, arguments: &CommitArgs, output: &mut Output) -> Result<u8, Failure> {
    let instructions = arguments.changes.iter().map(|text| instruction::parse(text));
    let request = CommitArguments {
        reference: arguments.reference.as_deref().map(parse_reference).transpose()?,
        author: arguments.author.clone(),
        message: arguments.message.clone(),
        instructions: instructions.collect::<Result<_, _>>()?,
    };
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    if arguments.pause == Some(true) && !arguments.quiet && engine.is_running(&arguments.container)? {
        note("note: the container is not paused: its files are taken as they are\n");
    }
    let made = engine.commit(&arguments.container, &request, &mut |event| progress.show(event));
    progress.clear();
    output.line(made?.to_string())?;
    Ok(0)
}

/// `minirun export`.
pub(crate) fn export(engine: &Engine, arguments: &ExportArgs) -> Result<u8, Failure> {
    let notes = match &arguments.output {
        Some(path) => export_to(engine, arguments, path)?,
        None if stdout().is_terminal() => return Err(Failure::TerminalOutput),
        None => engine.export(&arguments.container, &mut stdout().lock())?,
    };
    for text in notes.iter().filter(|_| !arguments.quiet) {
        note(&format!("note: {text}\n"));
    }
    Ok(0)
}

/// Writes to a file, of which nothing is left if that fails.
fn export_to(engine: &Engine, arguments: &ExportArgs, path: &Path) -> Result<Vec<String>, Failure> {
    let existed = path.symlink_metadata().is_ok();
    let mut file = File::create(path).map_err(|error| Failure::Write { path: path.to_owned(), error })?;
    let exported = engine.export(&arguments.container, &mut file);
    if exported.is_err() && !existed {
        // What went wrong first is the news.
        let _ = std::fs::remove_file(path);
    }
    Ok(exported?)
}
