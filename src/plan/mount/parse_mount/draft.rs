//! What the fields of a `--mount` have said so far, and what it comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::super::parse_tmpfs::{self, DEFAULT_ATTRIBUTES};
use super::super::word::{self, Word};
use super::super::{
    Access, Attributes, Bind, Content, Links, Missing, MountKind, Ownership, Problem, Propagation, Recursion,
    Tmpfs, TmpfsKey, View, Volume,
};
use super::{Field, Key, Type};
use crate::plan::limit::parse_size;
use crate::plan::name::{Label, VolumeName};
use crate::plan::path::ContainerPath;

/// A repeated key replaces what it said before, except for labels.
#[derive(Default)]
pub(super) struct Draft {
    source: Option<Vec<u8>>,
    destination: Option<ContainerPath>,
    access: Access,
    words: Vec<Word>,
    propagation: Option<Propagation>,
    recursion: Recursion,
    missing: Option<Missing>,
    content: Option<Content>,
    labels: Vec<Label>,
    options: BTreeMap<TmpfsKey, String>,
}

impl Draft {
    pub(super) fn set(&mut self, key: Key, field: &Field) -> Result<(), Problem> {
        match key {
            Key::Type => {}
            Key::Consistency => drop(field.text("any word")?),
            Key::Source => self.source = Some(field.bytes("a path, or the name of a volume")?.to_vec()),
            Key::Target => {
                let path = field.bytes("an absolute path")?;
                self.destination = Some(super::super::parse_destination(path)?);
            }
            Key::ReadOnly => self.access = if field.truth()? { Access::ReadOnly } else { Access::ReadWrite },
            Key::ReadWrite => self.access = if field.truth()? { Access::ReadWrite } else { Access::ReadOnly },
            Key::BindPropagation => self.propagation = Some(field.propagation()?),
            Key::BindRecursive => self.recursion = field.recursion()?,
            Key::BindNonrecursive => {
                self.recursion = if field.truth()? { Recursion::Disabled } else { Recursion::Enabled };
            }
            Key::BindCreateSource => {
                self.missing = Some(if field.truth()? { Missing::Create } else { Missing::Refuse });
            }
            Key::VolumeDriver => field.driver()?,
            Key::VolumeLabel => self.add_label(field)?,
            Key::VolumeNocopy => {
                self.content = Some(if field.truth()? { Content::Empty } else { Content::Image });
            }
            Key::VolumeNocreate => {
                self.missing = Some(if field.truth()? { Missing::Refuse } else { Missing::Create });
            }
            Key::TmpfsSize => self.set_option(TmpfsKey::Size, field.size()?),
            Key::TmpfsMode => self.set_option(TmpfsKey::Mode, field.mode()?),
            Key::CopyUp(content) => self.content = Some(field.flag(content)?),
            Key::Word(word) => match field.flag(word)? {
                Word::Propagation(propagation) => self.propagation = Some(propagation),
                word => self.words.push(word),
            },
        }
        Ok(())
    }

    /// `None` is a value that counts as not given.
    fn set_option(&mut self, key: TmpfsKey, value: Option<String>) {
        match value {
            Some(value) => drop(self.options.insert(key, value)),
            None => drop(self.options.remove(&key)),
        }
    }

    fn add_label(&mut self, field: &Field) -> Result<(), Problem> {
        let label: Label = field.text("KEY or KEY=VALUE")?.parse().map_err(Problem::Name)?;
        self.labels.retain(|other| other.key != label.key);
        self.labels.push(label);
        Ok(())
    }

    pub(super) fn finish(mut self, mount_type: Type) -> Result<(ContainerPath, MountKind), Problem> {
        let destination = self.destination.take().ok_or(Problem::NoDestination)?;
        let kind = match mount_type {
            Type::Bind => MountKind::Bind(self.bind()?),
            Type::Volume => MountKind::Volume(self.volume()?),
            Type::Tmpfs => MountKind::Tmpfs(self.tmpfs()),
        };
        Ok((destination, kind))
    }

    fn attributes(&self, mut attributes: Attributes) -> Attributes {
        attributes.access = self.access;
        for word in &self.words {
            word::apply(*word, &mut attributes);
        }
        attributes
    }

    fn bind(self) -> Result<Bind, Problem> {
        let attributes = self.attributes(Attributes::default());
        let source = self.source.ok_or(Problem::NoSource)?;
        if !source.starts_with(b"/") && !source.starts_with(b".") {
            return Err(Problem::RelativeSource(String::from_utf8_lossy(&source).into_owned()));
        }
        if source.contains(&0) {
            return Err(Problem::NulInSource);
        }
        let is_read_only = self.access == Access::ReadOnly;
        if self.recursion == Recursion::Writable && !is_read_only {
            return Err(Problem::WritableNeedsReadOnly);
        }
        let is_private = self.propagation == Some(Propagation::Rprivate);
        if self.recursion == Recursion::ReadOnlyForced && !(is_read_only && is_private) {
            return Err(Problem::ForcedNeedsReadOnlyAndPrivate);
        }
        Ok(Bind {
            source: PathBuf::from(OsString::from_vec(source)),
            missing: self.missing.unwrap_or(Missing::Refuse),
            recursion: self.recursion,
            attributes,
            propagation: self.propagation.unwrap_or_default(),
            view: View::Direct,
            ownership: Ownership::Kept,
            links: Links::Follow,
        })
    }

    fn volume(self) -> Result<Volume, Problem> {
        let attributes = self.attributes(Attributes::default());
        let parse = |name: Vec<u8>| String::from_utf8_lossy(&name).parse::<VolumeName>();
        let name = self.source.map(parse).transpose().map_err(Problem::Name)?;
        let missing = self.missing.unwrap_or(Missing::Create);
        if missing == Missing::Refuse && name.is_none() {
            return Err(Problem::NocreateNeedsName);
        }
        Ok(Volume {
            name,
            missing,
            content: self.content.unwrap_or(Content::Image),
            labels: self.labels,
            options: BTreeMap::new(),
            subpath: None,
            attributes,
            view: View::Direct,
            ownership: Ownership::Kept,
        })
    }

    fn tmpfs(self) -> Tmpfs {
        Tmpfs {
            attributes: self.attributes(DEFAULT_ATTRIBUTES),
            options: self.options,
            flags: BTreeSet::new(),
            content: self.content.unwrap_or(Content::Empty),
            propagation: self.propagation.unwrap_or_default(),
            ownership: Ownership::Kept,
        }
    }
}

impl Field {
    fn bytes(&self, legal: &'static str) -> Result<&[u8], Problem> {
        self.value.as_deref().ok_or_else(|| Problem::NoValue { key: self.key.clone(), legal })
    }

    fn text(&self, legal: &'static str) -> Result<&str, Problem> {
        std::str::from_utf8(self.bytes(legal)?).map_err(|_| self.bad(legal))
    }

    fn bad(&self, legal: &'static str) -> Problem {
        let value = String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned();
        Problem::BadValue { key: self.key.clone(), value, legal }
    }

    fn truth(&self) -> Result<bool, Problem> {
        match self.value.as_deref() {
            None | Some(b"true" | b"1") => Ok(true),
            Some(b"false" | b"0") => Ok(false),
            Some(_) => Err(self.bad("true 1 false 0")),
        }
    }

    /// A word that says all there is to say.
    fn flag<T>(&self, meaning: T) -> Result<T, Problem> {
        if self.value.is_some() { Err(Problem::TakesNoValue(self.key.clone())) } else { Ok(meaning) }
    }

    fn propagation(&self) -> Result<Propagation, Problem> {
        let legal = "private rprivate shared rshared slave rslave unbindable runbindable";
        word::propagation(&self.text(legal)?.to_lowercase()).ok_or_else(|| self.bad(legal))
    }

    fn recursion(&self) -> Result<Recursion, Problem> {
        let legal = "enabled disabled writable readonly";
        match self.text(legal)? {
            "enabled" => Ok(Recursion::Enabled),
            "disabled" => Ok(Recursion::Disabled),
            "writable" => Ok(Recursion::Writable),
            "readonly" => Ok(Recursion::ReadOnlyForced),
            _ => Err(self.bad(legal)),
        }
    }

    fn driver(&self) -> Result<(), Problem> {
        if self.text("local")? == "local" { Ok(()) } else { Err(self.bad("local")) }
    }

    /// Bytes, or a percentage of the memory; none for 0, which Docker takes for "not given".
    fn size(&self) -> Result<Option<String>, Problem> {
        let legal = "a number of bytes, also with k, m, g, t or p, or a percentage of the memory (`50%`)";
        let text = self.text(legal)?;
        if let Some(percent) = text.strip_suffix('%') {
            let number = percent.parse::<u32>().map_err(|_| self.bad(legal))?;
            return Ok((number > 0).then(|| format!("{number}%")));
        }
        let bytes = parse_size(text).map_err(|_| self.bad(legal))?;
        Ok((bytes > 0).then(|| bytes.to_string()))
    }

    /// Octal permissions; none for 0, which Docker takes for "not given".
    fn mode(&self) -> Result<Option<String>, Problem> {
        let legal = parse_tmpfs::MODE_LEGAL;
        let text = self.text(legal)?;
        let mode = parse_tmpfs::parse_mode(text).ok_or_else(|| self.bad(legal))?;
        Ok((mode > 0).then(|| format!("{mode:04o}")))
    }
}
