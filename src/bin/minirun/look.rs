//! The verbs that look into images: `history`, and of `image` `tree`, `diff`, `ls-files` and `cat`.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, stdout};
use std::os::unix::ffi::OsStrExt as _;

use minirun::container::{ChangeKind, Engine, HistoryStep};
use minirun::plan::path::ContainerPath;
use minirun::plan::quote::quoted;
use minirun::plan::reference::Reference;
use minirun::store::list::ImageSummary;
use minirun::store::look::ImageFile;
use serde_json::{Value, json};

use crate::arguments::look::{DiffImages, HistoryArgs, LookVerb, LsFilesArgs, TreeArgs};
use crate::failure::Failure;
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::{size, time};

const USUAL: [&str; 5] = ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"];
const COLUMNS: [Column; 6] = [
    Column { title: "IMAGE", field: "ID" },
    Column { title: "CREATED", field: "CreatedSince" },
    Column { title: "CREATED AT", field: "CreatedAt" },
    Column { title: "CREATED BY", field: "CreatedBy" },
    Column { title: "SIZE", field: "Size" },
    Column { title: "COMMENT", field: "Comment" },
];
/// How much of a command is shown, in characters.
const COMMAND: usize = 45;

/// Answers one of the verbs.
pub(crate) fn answer(engine: &Engine, verb: &LookVerb, output: &mut Output) -> Result<u8, Failure> {
    match verb {
        LookVerb::History(arguments) => history(engine, arguments, output)?,
        LookVerb::Tree(arguments) => tree(engine, arguments, output)?,
        LookVerb::Diff(arguments) => diff(engine, arguments, output)?,
        LookVerb::Lock(arguments) => crate::lock::lock(engine, arguments, output)?,
        LookVerb::LsFiles(arguments) => list(engine, arguments, output)?,
        LookVerb::Cat(arguments) => {
            engine.image_file(&arguments.image, &path(&arguments.path)?, &mut stdout())?;
        }
    }
    Ok(0)
}

/// `minirun history`.
pub(crate) fn history(engine: &Engine, arguments: &HistoryArgs, output: &mut Output) -> Result<(), Failure> {
    let id = engine.find_image(&arguments.image)?.id;
    let id = if arguments.no_trunc { id.to_string() } else { id.hex().chars().take(12).collect() };
    // Which images the steps below once were is written nowhere.
    let ids = std::iter::once(id.as_str()).chain(std::iter::repeat("<missing>"));
    let steps = engine.history(&arguments.image)?;
    if arguments.quiet && listing::is_usual(arguments.format.as_deref()) {
        return steps.iter().zip(ids).try_for_each(|(_, id)| output.line(id));
    }
    let rows: Vec<Value> =
        steps.iter().zip(ids).map(|(step, id)| row(step, id, arguments.no_trunc)).collect();
    let style = Style { usual: &USUAL, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&rows, &style, output)
}

fn row(step: &HistoryStep, id: &str, full: bool) -> Value {
    let created = step.created.as_deref().and_then(time::parse);
    let command = step.created_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = match command.char_indices().nth(COMMAND) {
        Some((end, _)) if !full => format!("{}…", &command[..end]),
        _ => command,
    };
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "N/A".to_owned());
    json!({
        "ID": id,
        "CreatedSince": or_unknown(created.map(time::ago)),
        "CreatedAt": or_unknown(created.map(time::date)),
        "CreatedBy": command,
        "Size": size::show(step.size.unwrap_or(0)),
        "Comment": step.comment,
    })
}

fn tree(engine: &Engine, arguments: &TreeArgs, output: &mut Output) -> Result<(), Failure> {
    let images = engine.images()?;
    let mut wanted = Vec::new();
    for text in &arguments.images {
        wanted.push(engine.find_image(text)?.id);
    }
    for image in images.iter().filter(|image| wanted.is_empty() || wanted.contains(&image.id)) {
        let short: String = image.id.hex().chars().take(12).collect();
        output.line(format!("{} {short} {}", called(image), size::show(image.size)))?;
        let layers = engine.layer_uses(&image.id)?;
        for (index, layer) in layers.iter().enumerate() {
            let branch = if index + 1 == layers.len() { "└──" } else { "├──" };
            let short: String = layer.diff_id.hex().chars().take(12).collect();
            let others =
                images.iter().filter(|other| other.id != image.id && layer.top_of.contains(&other.id));
            let others: Vec<String> = others.map(called).collect();
            let others =
                if others.is_empty() { String::new() } else { format!(" all of {}", others.join(", ")) };
            output.line(format!("{branch} {short} {}{others}", size::show(layer.size)))?;
        }
    }
    Ok(())
}

fn called(image: &ImageSummary) -> String {
    let names: Vec<String> = image.references.iter().map(Reference::familiar).collect();
    if names.is_empty() { "<none>".to_owned() } else { names.join(", ") }
}

fn diff(engine: &Engine, arguments: &DiffImages, output: &mut Output) -> Result<(), Failure> {
    for change in engine.image_differences(&arguments.one, &arguments.other)? {
        let letter = match change.kind {
            ChangeKind::Added => "A ",
            ChangeKind::Modified => "C ",
            ChangeKind::Deleted => "D ",
        };
        output.text(letter)?;
        name(change.path.as_bytes(), output)?;
        output.text("\n")?;
    }
    Ok(())
}

fn list(engine: &Engine, arguments: &LsFilesArgs, output: &mut Output) -> Result<(), Failure> {
    for file in engine.image_files(&arguments.image, &path(&arguments.path)?)? {
        let absolute = [b"/", &file.path[..]].concat();
        if arguments.null {
            output.bytes(&absolute)?;
            output.bytes(b"\0")?;
            continue;
        }
        if arguments.long {
            output.text(&long(&file))?;
        }
        name(&absolute, output)?;
        if let (true, Some(link)) = (arguments.long, &file.link) {
            output.text(" -> ")?;
            name(link, output)?;
        }
        output.text("\n")?;
    }
    Ok(())
}

/// A name of the image: on a terminal so that it cannot steer that.
fn name(bytes: &[u8], output: &mut Output) -> Result<(), Failure> {
    if stdout().is_terminal() {
        return output.text(&quoted(OsStr::from_bytes(bytes)));
    }
    output.bytes(bytes)
}

/// What `ls -l` shows before the name.
fn long(file: &ImageFile) -> String {
    let bits = |shift: u32, special: u32, letters: [char; 2]| {
        let bits = file.mode >> shift;
        let [set, unset] = match (file.mode & special != 0, bits & 1 != 0) {
            (true, true) => [letters[0]; 2],
            (true, false) => [letters[1]; 2],
            (false, true) => ['x'; 2],
            (false, false) => ['-'; 2],
        };
        let read = if bits & 4 != 0 { 'r' } else { '-' };
        let write = if bits & 2 != 0 { 'w' } else { '-' };
        format!("{read}{write}{}", if bits & 1 != 0 { set } else { unset })
    };
    let kind = match file.mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o010_000 => 'p',
        0o020_000 => 'c',
        0o060_000 => 'b',
        _ => '-',
    };
    let mode =
        [bits(6, 0o4000, ['s', 'S']), bits(3, 0o2000, ['s', 'S']), bits(0, 0o1000, ['t', 'T'])].concat();
    let (user, group, size) = (file.uid, file.gid, file.size);
    format!("{kind}{mode} {user:>5} {group:>5} {size:>10} {} ", time::date(file.mtime))
}

fn path(text: &OsString) -> Result<ContainerPath, Failure> {
    // A path in an image begins at its root, whatever it begins with.
    let absolute = if text.as_bytes().starts_with(b"/") { "" } else { "/" };
    let absolute: OsString = [OsStr::new(absolute), text].into_iter().collect();
    let shown = || text.to_string_lossy().into_owned();
    ContainerPath::parse(absolute).map_err(|source| Failure::Destination { text: shown(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_shown_as_ls_does() {
        let file = |mode| ImageFile { path: Vec::new(), mode, uid: 0, gid: 7, size: 3, mtime: 0, link: None };
        for (mode, shown) in [
            (0o100_644, "-rw-r--r--"),
            (0o104_755, "-rwsr-xr-x"),
            (0o104_644, "-rwSr--r--"),
            (0o041_777, "drwxrwxrwt"),
            (0o120_777, "lrwxrwxrwx"),
            (0o102_610, "-rw---s---"),
        ] {
            assert!(
                long(&file(mode)).starts_with(&format!("{shown}     0     7          3 1970-")),
                "{shown}"
            );
        }
    }
}
