//! The verbs about what a container changed: `diff`, `commit` and `export`.

use minirun::container::{ChangeKind, Engine};

use crate::arguments::container::DiffArgs;
use crate::failure::Failure;
use crate::output::Output;

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
