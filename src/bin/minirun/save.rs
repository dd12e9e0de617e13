//! `minirun save`.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _, stdout};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use minirun::container::{Engine, SaveArguments, SaveTo};
use minirun::store::save::SaveForm;
use minirun::sys::whole_file::WholeFile;

use crate::arguments::image::{SaveArgs, SaveFormat};
use crate::failure::Failure;
use crate::output::note;

/// What a place can begin with, and the form that this asks for.
const PREFIXES: [(&[u8], SaveFormat); 3] = [
    (b"oci:", SaveFormat::OciDir),
    (b"oci-archive:", SaveFormat::OciArchive),
    (b"docker-archive:", SaveFormat::DockerArchive),
];

/// Saves images.
pub(crate) fn save(engine: &Engine, arguments: &SaveArgs) -> Result<u8, Failure> {
    let (place, format) = place(arguments)?;
    let form = match format {
        SaveFormat::DockerArchive => SaveForm::Docker,
        SaveFormat::OciArchive | SaveFormat::OciDir => SaveForm::Oci,
    };
    let request = SaveArguments { images: arguments.images.clone(), form };
    let notes = match place {
        Some(path) if format == SaveFormat::OciDir => engine.save(&request, SaveTo::Directory(path))?,
        Some(path) => save_to(engine, &request, &path)?,
        None if format == SaveFormat::OciDir => return Err(Failure::NoDirectory),
        None if stdout().is_terminal() => return Err(Failure::TerminalOutput),
        None => engine.save(&request, SaveTo::Archive(&mut stdout().lock()))?,
    };
    for text in notes.iter().filter(|_| !arguments.quiet) {
        note(&format!("note: {text}\n"));
    }
    Ok(0)
}

/// Where to, if not to standard output, and in which form.
fn place(arguments: &SaveArgs) -> Result<(Option<PathBuf>, SaveFormat), Failure> {
    let output = arguments.output.clone().filter(|path| path != Path::new("-"));
    let bytes = output.as_ref().map(|path| path.as_os_str().as_bytes()).unwrap_or_default();
    let word = PREFIXES.iter().find_map(|(prefix, form)| Some((bytes.strip_prefix(*prefix)?, *form)));
    match (word, arguments.format) {
        (Some((_, form)), Some(format)) if form != format => Err(Failure::TwoFormats),
        (Some((path, _)), _) if path.contains(&b':') => Err(Failure::SaveName(output.unwrap_or_default())),
        (Some((path, form)), _) => Ok((Some(PathBuf::from(OsStr::from_bytes(path))), form)),
        (None, format) => Ok((output, format.unwrap_or(SaveFormat::DockerArchive))),
    }
}

/// Writes to a file, which has its name when it is complete.
fn save_to(engine: &Engine, request: &SaveArguments, path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |cause| Failure::Write { path: path.to_owned(), error: io::Error::other(cause) };
    let whole = WholeFile::create(path).map_err(failed)?;
    let notes = engine.save(request, SaveTo::Archive(&mut whole.file()))?;
    whole.finish().map_err(failed)?;
    Ok(notes)
}
