//! The verbs about images.

mod filter;

use std::io::{IsTerminal as _, stdin};
use std::path::{Path, PathBuf};

use minirun::container::{Engine, ImportArguments, LoadArguments, LoadFrom};
use minirun::plan::image_limit::ImageLimits;
use minirun::plan::instruction;
use minirun::plan::platform::Platform;
use minirun::plan::reference::Reference;
use minirun::store::discard::{Removal, Removed};
use minirun::store::list::ImageSummary;
use serde_json::{Value, json};

use self::filter::Filters;
use crate::arguments::image::{ImportArgs, ListImages, LoadArgs, RemoveImages, TagArgs};
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::progress::{Loudness, Progress};
use crate::run::RequestError;
use crate::{size, time};

const USUAL: [&str; 5] = ["Repository", "Tag", "ID", "CreatedSince", "Size"];
const WITH_DIGESTS: [&str; 6] = ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"];
const COLUMNS: [Column; 7] = [
    Column { title: "REPOSITORY", field: "Repository" },
    Column { title: "TAG", field: "Tag" },
    Column { title: "DIGEST", field: "Digest" },
    Column { title: "IMAGE ID", field: "ID" },
    Column { title: "CREATED", field: "CreatedSince" },
    Column { title: "CREATED AT", field: "CreatedAt" },
    Column { title: "SIZE", field: "Size" },
];
/// What Docker shows where there is nothing.
const NONE: &str = "<none>";

/// `minirun load`.
pub(crate) fn load(engine: &Engine, arguments: &LoadArgs, output: &mut Output) -> Result<u8, Failure> {
    let path = match (&arguments.input, &arguments.file) {
        (Some(flag), Some(positional)) => {
            let (flag, positional) = (flag.display().to_string(), positional.display().to_string());
            return Err(Failure::TwoInputs { flag, positional });
        }
        (path, None) | (None, path) => path.clone().unwrap_or_else(|| PathBuf::from("-")),
    };
    let source = source(&path)?;
    let platform = platform(engine, arguments.platform.as_deref())?;
    let request = LoadArguments { source, platform, limits: limits(&arguments.image_limits)? };
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let loaded = engine.load(&request, &mut |event| progress.show(event));
    progress.clear();
    for image in loaded? {
        if image.references.is_empty() {
            output.line(format!("Loaded image ID: {}", image.id))?;
        }
        for reference in &image.references {
            output.line(format!("Loaded image: {}", reference.familiar()))?;
        }
    }
    Ok(0)
}

/// `minirun import`.
pub(crate) fn import(engine: &Engine, arguments: &ImportArgs, output: &mut Output) -> Result<u8, Failure> {
    let reference = arguments.reference.as_deref().map(parse_reference).transpose()?;
    let platform = platform(engine, arguments.platform.as_deref())?;
    let request = ImportArguments {
        source: source(&arguments.file)?,
        reference,
        platform,
        instructions: arguments
            .changes
            .iter()
            .map(|text| instruction::parse(text))
            .collect::<Result<_, _>>()?,
        message: arguments.message.clone(),
        limits: limits(&arguments.image_limits)?,
    };
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let loaded = engine.import(&request, &mut |event| progress.show(event));
    progress.clear();
    let image = loaded?;
    output.line(image.id.to_string())?;
    Ok(0)
}

fn source(path: &Path) -> Result<LoadFrom, Failure> {
    if path != Path::new("-") {
        return Ok(LoadFrom::Path(path.to_owned()));
    }
    if stdin().is_terminal() {
        return Err(Failure::TerminalInput);
    }
    Ok(LoadFrom::Stdin)
}

pub(crate) fn limits(texts: &[String]) -> Result<ImageLimits, Failure> {
    ImageLimits::parse(texts).map_err(|error| RequestError::ImageLimit(error).into())
}

pub(crate) fn platform(engine: &Engine, text: Option<&str>) -> Result<Option<Platform>, Failure> {
    let parsed = text.map(|text| Platform::parse(text, &engine.machine())).transpose();
    parsed.map_err(|error| RequestError::Platform(error).into())
}

pub(crate) fn parse_reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|error| RequestError::Reference(error).into())
}

/// `minirun images`.
pub(crate) fn list(engine: &Engine, arguments: &ListImages, output: &mut Output) -> Result<u8, Failure> {
    let images = match engine.images() {
        Ok(images) => images,
        Err(error) => {
            output.fail(&error.into());
            return Ok(SOME_FAILED);
        }
    };
    let filters = Filters::parse(&arguments.filters, &images)?;
    let is_wanted =
        |row: &Row<'_>| arguments.name.as_deref().is_none_or(|name| row.is_called(name)) && filters.fit(row);
    let rows: Vec<Row<'_>> = images.iter().flat_map(rows).filter(is_wanted).collect();
    if arguments.quiet && listing::is_usual(arguments.format.as_deref()) {
        let mut ids: Vec<String> = rows.iter().map(|row| row.id(arguments.no_trunc)).collect();
        ids.dedup();
        ids.iter().try_for_each(|id| output.line(id))?;
        return Ok(0);
    }
    let shown: Vec<Value> = rows.iter().map(|row| row.show(arguments.no_trunc)).collect();
    let usual: &[&str] = if arguments.digests { &WITH_DIGESTS } else { &USUAL };
    let style = Style { usual, columns: &COLUMNS, format: arguments.format.as_deref() };
    listing::print(&shown, &style, output)?;
    Ok(0)
}

/// An image under one of its names.
struct Row<'a> {
    image: &'a ImageSummary,
    reference: Option<&'a Reference>,
}

fn rows(image: &ImageSummary) -> Vec<Row<'_>> {
    if image.references.is_empty() {
        return vec![Row { image, reference: None }];
    }
    image.references.iter().map(|reference| Row { image, reference: Some(reference) }).collect()
}

impl Row<'_> {
    fn is_called(&self, name: &str) -> bool {
        let names = self.reference.map(|reference| {
            [reference.familiar_name(), reference.familiar(), reference.name(), reference.to_string()]
        });
        names.is_some_and(|names| names.iter().any(|own| own == name))
    }

    fn created(&self) -> Option<i64> {
        self.image.created.as_deref().and_then(time::parse)
    }

    fn id(&self, full: bool) -> String {
        if full { self.image.id.to_string() } else { self.image.id.hex().chars().take(12).collect() }
    }

    fn show(&self, full: bool) -> Value {
        let part = |part: Option<String>| part.unwrap_or_else(|| NONE.to_owned());
        let created = self.created();
        json!({
            "Repository": part(self.reference.map(Reference::familiar_name)),
            "Tag": part(self.reference.and_then(Reference::tag).map(str::to_owned)),
            "Digest": part(self.image.digests.last().map(ToString::to_string)),
            "ID": self.id(full),
            "CreatedSince": created.map_or_else(|| "N/A".to_owned(), time::ago),
            "CreatedAt": created.map_or_else(|| "N/A".to_owned(), time::date),
            "Size": size::show(self.image.size),
        })
    }
}

/// `minirun rmi`: goes on with the others when one cannot be removed.
pub(crate) fn remove(engine: &Engine, arguments: &RemoveImages, output: &mut Output) -> Result<u8, Failure> {
    let removal = if arguments.force { Removal::Forced } else { Removal::Careful };
    let mut code = 0;
    for image in &arguments.images {
        match engine.remove_image(image, removal) {
            Ok(removed) => {
                for what in removed {
                    output.line(match what {
                        Removed::Untagged(reference) => format!("Untagged: {}", reference.familiar()),
                        Removed::Deleted(id) => format!("Deleted: {id}"),
                    })?;
                }
            }
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    Ok(code)
}

/// `minirun tag`.
pub(crate) fn tag(engine: &Engine, arguments: &TagArgs, output: &mut Output) -> Result<u8, Failure> {
    let target = parse_reference(&arguments.target)?;
    match engine.tag(&arguments.source, &target) {
        Ok(()) => Ok(0),
        Err(error) => {
            output.fail(&error.into());
            Ok(SOME_FAILED)
        }
    }
}
