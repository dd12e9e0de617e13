//! What the words of one flag have said so far, and what it comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::parse_tmpfs::DEFAULT_ATTRIBUTES;
use super::word::{Layer, Type, Word};
use super::{
    Access, Attributes, Bind, Content, Devpts, ImageMount, Links, Missing, MountKind, Ownership, Problem,
    Propagation, Ramfs, Recursion, Rule, Tmpfs, TmpfsKey, View, Volume,
};
use crate::plan::driver;
use crate::plan::name::{Label, VolumeName};
use crate::plan::path::{ContainerPath, Subpath};
use crate::plan::source::ImageSource;

/// A terminal can be opened, which wants `dev`; nothing else of a devpts is of use.
pub(super) const DEVPTS_ATTRIBUTES: Attributes = Attributes { dev: Rule::Inherit, ..DEFAULT_ATTRIBUTES };
/// An image is not to be changed unless asked, and then only in a layer of the container's.
pub(super) const IMAGE_ATTRIBUTES: Attributes = Attributes {
    access: Access::ReadOnly,
    exec: Rule::Inherit,
    suid: Rule::Inherit,
    dev: Rule::Inherit,
    ..DEFAULT_ATTRIBUTES
};

/// Whether somebody said `rw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Writing {
    #[default]
    Unasked,
    Asked,
}

/// What was said; of two words about the same thing the later one counts.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) source: Option<Vec<u8>>,
    pub(super) destination: Option<ContainerPath>,
    pub(super) access: Option<Access>,
    /// Whether it was asked to write, and not only not to be kept from it.
    pub(super) writing: Writing,
    pub(super) exec: Rule,
    pub(super) suid: Rule,
    pub(super) dev: Rule,
    pub(super) propagation: Option<Propagation>,
    pub(super) recursion: Recursion,
    pub(super) missing: Option<Missing>,
    pub(super) content: Option<Content>,
    pub(super) layer: Option<Layer>,
    pub(super) upper: Option<PathBuf>,
    pub(super) work: Option<PathBuf>,
    pub(super) ownership: Ownership,
    pub(super) links: Links,
    pub(super) subpath: Option<Subpath>,
    pub(super) labels: Vec<Label>,
    /// Of the driver of a volume.
    pub(super) driver: BTreeMap<String, String>,
    pub(super) tmpfs: BTreeMap<TmpfsKey, String>,
    pub(super) devpts: BTreeMap<String, String>,
}

impl Draft {
    pub(super) fn apply(&mut self, word: Word) {
        match word {
            Word::Access(access) => self.access = Some(access),
            Word::Exec(rule) => self.exec = rule,
            Word::Suid(rule) => self.suid = rule,
            Word::Dev(rule) => self.dev = rule,
            Word::Propagation(propagation) => self.propagation = Some(propagation),
            Word::Recursion(recursion) => self.recursion = recursion,
            Word::Content(content) => self.content = Some(content),
            Word::Missing(missing) => self.missing = Some(missing),
            Word::Layer(layer) => self.layer = Some(layer),
            Word::Ownership(ownership) => self.ownership = ownership,
            Word::Links(links) => self.links = links,
            Word::Relabel | Word::Consistency => {}
        }
    }

    pub(super) fn finish(self, of: Type) -> Result<MountKind, Problem> {
        Ok(match of {
            Type::Bind => MountKind::Bind(self.bind(of)?),
            Type::Glob => MountKind::Glob(self.bind(of)?),
            Type::Volume => MountKind::Volume(self.volume()?),
            Type::Image => MountKind::Image(self.image()?),
            Type::Tmpfs => MountKind::Tmpfs(self.tmpfs()),
            Type::Devpts => {
                let attributes = self.attributes(DEVPTS_ATTRIBUTES);
                MountKind::Devpts(Devpts { attributes, options: self.devpts })
            }
            Type::Ramfs => MountKind::Ramfs(self.ramfs()),
        })
    }

    /// What was said about permissions, and for the rest `default`.
    fn attributes(&self, default: Attributes) -> Attributes {
        let rule = |said: Rule, default: Rule| if said == Rule::Inherit { default } else { said };
        Attributes {
            access: self.access.unwrap_or(default.access),
            exec: rule(self.exec, default.exec),
            suid: rule(self.suid, default.suid),
            dev: rule(self.dev, default.dev),
            ..default
        }
    }

    fn bind(self, of: Type) -> Result<Bind, Problem> {
        let attributes = self.attributes(Attributes::default());
        let view = self.view()?;
        self.check_recursion()?;
        let source = self.source.ok_or(Problem::NoSource(of.article()))?;
        if !source.starts_with(b"/") && !source.starts_with(b".") {
            return Err(Problem::RelativeSource(String::from_utf8_lossy(&source).into_owned()));
        }
        if source.contains(&0) {
            return Err(Problem::NulInSource);
        }
        Ok(Bind {
            source: PathBuf::from(OsString::from_vec(source)),
            missing: self.missing.unwrap_or(Missing::Refuse),
            recursion: self.recursion,
            attributes,
            propagation: self.propagation.unwrap_or_default(),
            view,
            ownership: self.ownership,
            links: self.links,
        })
    }

    fn check_recursion(&self) -> Result<(), Problem> {
        let is_read_only = self.access == Some(Access::ReadOnly);
        let is_private = self.propagation == Some(Propagation::Rprivate);
        match self.recursion {
            Recursion::Writable if !is_read_only => Err(Problem::WritableNeedsReadOnly),
            Recursion::ReadOnlyForced if !(is_read_only && is_private) => {
                Err(Problem::ForcedNeedsReadOnlyAndPrivate)
            }
            Recursion::Enabled | Recursion::Disabled | Recursion::Writable | Recursion::ReadOnlyForced => {
                Ok(())
            }
        }
    }

    fn view(&self) -> Result<View, Problem> {
        match (self.layer, &self.upper, &self.work) {
            (None, None, None) => return Ok(View::Direct),
            (None | Some(Layer::Review), Some(_), _) => return Err(Problem::LayerNeedsOverlay("upperdir")),
            (None | Some(Layer::Review), None, Some(_)) => return Err(Problem::LayerNeedsOverlay("workdir")),
            (Some(layer), _, _) => self.check_company(layer)?,
        }
        match (self.layer, &self.upper, &self.work) {
            (_, Some(upper), Some(work)) => Ok(View::Layer { upper: upper.clone(), work: work.clone() }),
            (_, Some(_), None) => Err(Problem::HalfLayer { given: "upperdir", missing: "workdir" }),
            (_, None, Some(_)) => Err(Problem::HalfLayer { given: "workdir", missing: "upperdir" }),
            (Some(Layer::Review), None, None) => Ok(View::Review),
            (_, None, None) => Ok(View::Discarded),
        }
    }

    /// A layer is there to be written to, over one directory; and changes that are to be reviewed may not be
    /// every file's owner.
    fn check_company(&self, layer: Layer) -> Result<(), Problem> {
        let propagation = self.propagation.unwrap_or_default();
        let others = [
            (self.access == Some(Access::ReadOnly), "ro"),
            (self.recursion != Recursion::Enabled, "bind-recursive"),
            (propagation != Propagation::default(), propagation.name()),
            (self.links == Links::Copy, "no-dereference"),
            (self.ownership == Ownership::User && layer == Layer::Review, "U"),
        ];
        match others.into_iter().find(|(is_said, _)| *is_said) {
            None => Ok(()),
            Some((_, other)) => Err(Problem::together(layer, other)),
        }
    }

    fn volume(self) -> Result<Volume, Problem> {
        let attributes = self.attributes(Attributes::default());
        let view = self.view()?;
        let parse = |name: Vec<u8>| String::from_utf8_lossy(&name).parse::<VolumeName>();
        let name = self.source.map(parse).transpose().map_err(Problem::Name)?;
        let missing = self.missing.unwrap_or(Missing::Create);
        if name.is_none() && missing == Missing::Refuse {
            return Err(Problem::NeedsName("nocreate"));
        }
        if name.is_none() && self.subpath.is_some() {
            return Err(Problem::NeedsName("volume-subpath"));
        }
        driver::check_options(&self.driver).map_err(Problem::Driver)?;
        Ok(Volume {
            name,
            missing,
            content: self.content.unwrap_or(Content::Image),
            labels: self.labels,
            options: self.driver,
            subpath: self.subpath,
            attributes,
            view,
            ownership: self.ownership,
        })
    }

    fn image(self) -> Result<ImageMount, Problem> {
        let mut attributes = self.attributes(IMAGE_ATTRIBUTES);
        if self.writing == Writing::Unasked {
            attributes.access = Access::ReadOnly;
        }
        let source = OsString::from_vec(self.source.ok_or(Problem::NoSource(Type::Image.article()))?);
        ImageSource::parse(&source).map_err(Problem::Image)?;
        let image = source.into_string();
        let image = image.map_err(|text| Problem::NotUtf8(text.to_string_lossy().into_owned()))?;
        Ok(ImageMount { image, subpath: self.subpath, attributes })
    }

    fn tmpfs(self) -> Tmpfs {
        Tmpfs {
            attributes: self.attributes(DEFAULT_ATTRIBUTES),
            options: self.tmpfs,
            flags: BTreeSet::new(),
            content: self.content.unwrap_or(Content::Empty),
            propagation: self.propagation.unwrap_or_default(),
            ownership: self.ownership,
        }
    }

    fn ramfs(mut self) -> Ramfs {
        Ramfs {
            attributes: self.attributes(DEFAULT_ATTRIBUTES),
            mode: self.tmpfs.remove(&TmpfsKey::Mode),
            content: self.content.unwrap_or(Content::Empty),
            ownership: self.ownership,
        }
    }
}
