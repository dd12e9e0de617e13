//! `/mounts`: option words become typed attributes.

use std::collections::BTreeMap;
use std::path::Path;

use oci_spec::runtime::Mount;

use super::{Addition, SpecError};
use crate::plan::attachment::{Attachment, FileSystem, Source};
use crate::plan::mount::{Access, Attributes, Content, Ownership, Propagation, Recursion};
use crate::plan::path::ContainerPath;

/// What the option words of one mount say together.
struct Options {
    attributes: Attributes,
    propagation: Propagation,
    bind: Option<Recursion>,
    read_only_below: bool,
    content: Content,
    rest: Vec<(String, Option<String>)>,
}

pub(super) fn attachment(
    index: usize,
    mount: &Mount,
    additions: &BTreeMap<ContainerPath, Addition>,
) -> Result<Attachment, SpecError> {
    let path = format!("/mounts/{index}");
    if mount.uid_mappings().is_some() || mount.gid_mappings().is_some() {
        return Err(SpecError::unsupported(path, "an ID-mapped mount"));
    }
    let destination = ContainerPath::parse(mount.destination())
        .map_err(|source| SpecError::Path { path: format!("{path}/destination"), source })?;
    let options = parse(mount.options().as_deref().unwrap_or_default());
    let addition = additions.get(&destination);
    let (attributes, propagation) = (options.attributes, options.propagation);
    let source = match addition.and_then(|addition| addition.source.clone()) {
        Some(source) => source,
        None => source(&path, mount, options)?,
    };
    let ownership = addition.map_or(Ownership::Kept, |addition| addition.ownership);
    let asked = addition.map(|addition| addition.asked.clone());
    Ok(Attachment { destination, source, attributes, propagation, ownership, asked })
}

/// What the specification's own words say.
fn source(path: &str, mount: &Mount, options: Options) -> Result<Source, SpecError> {
    let kind = mount.typ().as_deref().unwrap_or("bind");
    if kind != "bind" && options.bind.is_none() {
        let kind = FileSystem::from_name(kind).ok_or_else(|| {
            SpecError::unsupported(format!("{path}/type"), format!("a file system of type {kind}"))
        })?;
        let mut all = options.rest;
        // What it is called in the mount table, where that is not its type.
        let name = mount.source().as_deref().and_then(Path::to_str);
        all.extend(
            name.filter(|name| *name != kind.name()).map(|name| ("source".to_owned(), Some(name.to_owned()))),
        );
        return Ok(Source::New { kind, options: all, content: options.content });
    }
    if let Some((key, _)) = options.rest.first() {
        return Err(SpecError::unsupported(format!("{path}/options"), format!("`{key}` on a bind")));
    }
    let recursion = recursion(&options);
    let path = mount.source().clone().ok_or(SpecError::Missing("/mounts/*/source"))?;
    Ok(Source::Bind { path, recursion })
}

fn recursion(options: &Options) -> Recursion {
    let read_only = options.attributes.access == Access::ReadOnly;
    match options.bind {
        Some(Recursion::Disabled) => Recursion::Disabled,
        _ if read_only && !options.read_only_below => Recursion::Writable,
        _ => Recursion::Enabled,
    }
}

fn parse(words: &[String]) -> Options {
    let mut options = Options {
        attributes: Attributes::default(),
        propagation: Propagation::Rprivate,
        bind: None,
        read_only_below: false,
        content: Content::Empty,
        rest: Vec::new(),
    };
    for word in words {
        if !(permission(&mut options, word) || structure(&mut options, word)) {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            options.rest.push((key.to_owned(), value));
        }
    }
    options
}

fn permission(options: &mut Options, word: &str) -> bool {
    match word {
        "rro" => {
            options.attributes.access = Access::ReadOnly;
            options.read_only_below = true;
        }
        "defaults" => {}
        _ => return options.attributes.apply(word),
    }
    true
}

fn structure(options: &mut Options, word: &str) -> bool {
    match word {
        "bind" => options.bind = options.bind.or(Some(Recursion::Disabled)),
        "rbind" => options.bind = Some(Recursion::Enabled),
        "tmpcopyup" => options.content = Content::Image,
        _ => match Propagation::ALL.into_iter().find(|kind| kind.name() == word) {
            Some(propagation) => options.propagation = propagation,
            None => return false,
        },
    }
    true
}
