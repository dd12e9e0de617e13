//! The verbs about what a container changed: `diff`, `commit` and `export`.

use std::io::{self, IsTerminal as _, stdout};
use std::path::Path;

use minirun::container::{ChangeKind, CommitArguments, Describing, Engine, Pausing};
use minirun::plan::instruction;
use minirun::sys::whole_file::WholeFile;

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
        pausing: match arguments.pause {
            Some(true) => Pausing::Asked,
            Some(false) => Pausing::Never,
            None => Pausing::WherePossible,
        },
        describing: Describing::Container,
    };
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
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
        None => engine.export(&arguments.container, &mut stdout().lock(), Pausing::beside(stdout()))?,
    };
    for text in notes.iter().filter(|_| !arguments.quiet) {
        note(&format!("note: {text}\n"));
    }
    Ok(0)
}

/// Writes to a file, which has its name when it is complete.
fn export_to(engine: &Engine, arguments: &ExportArgs, path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |cause| Failure::Write { path: path.to_owned(), error: io::Error::other(cause) };
    let whole = WholeFile::create(path).map_err(failed)?;
    let notes = engine.export(&arguments.container, &mut whole.file(), Pausing::beside(whole.file()))?;
    whole.finish().map_err(failed)?;
    Ok(notes)
}
