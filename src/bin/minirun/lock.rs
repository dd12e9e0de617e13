//! `minirun image lock`.

use std::io::{self, Write as _};

use minirun::container::Engine;
use minirun::sys::whole_file::WholeFile;

use crate::arguments::look::LockArgs;
use crate::failure::Failure;
use crate::output::Output;

/// Writes down what names mean, and says it.
pub(crate) fn lock(engine: &Engine, arguments: &LockArgs, output: &mut Output) -> Result<(), Failure> {
    let (lock, found) = engine.lock_images(&arguments.file, &arguments.names)?;
    let failed = |error| Failure::Write { path: arguments.file.clone(), error };
    let whole = WholeFile::create(&arguments.file).map_err(io::Error::other).map_err(failed)?;
    whole.file().write_all(lock.to_json().as_bytes()).map_err(failed)?;
    whole.finish().map_err(io::Error::other).map_err(failed)?;
    found.iter().try_for_each(|(name, locked)| output.line(format!("{name} {}", locked.shown())))
}
