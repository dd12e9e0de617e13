//! One mount as a line, with what belongs to it below.

use std::fmt::{self, Display, Formatter};

use crate::plan::attachment::{Attachment, DriverFileSystem, Merged, Source};
use crate::plan::mount::{Content, Ownership, Recursion};
use crate::plan::path::Subpath;
use crate::plan::rootfs::Lifetime;

impl Display for Attachment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.destination)?;
        source(&self.source, f)?;
        write!(f, " {} {}", self.attributes.words().join(" "), self.propagation.name())?;
        match self.ownership {
            Ownership::Kept => Ok(()),
            Ownership::User => write!(f, ", given to the user"),
        }
    }
}

fn source(source: &Source, f: &mut Formatter<'_>) -> fmt::Result {
    match source {
        Source::Bind { path, recursion } => write!(f, "{} {path:?}", how(*recursion)),
        Source::Beneath { base, subpath, recursion } => {
            write!(f, "{} {:?} beneath {base:?}", how(*recursion), subpath.as_os_str())
        }
        Source::Device { path, number } => write!(f, "device {number} {path:?}"),
        Source::Link { path } => write!(f, "rbind, or the symlink itself, {path:?}"),
        Source::New { kind, options, content } => {
            write!(f, "{}", kind.name())?;
            show_options(options, f)?;
            copied(*content, f)
        }
        Source::Merged(merged) => show_merged(merged, f),
        Source::Driver(DriverFileSystem { kind, device, options, content, subpath, .. }) => {
            write!(f, "{kind} {device:?}")?;
            show_options(options, f)?;
            copied(*content, f)?;
            part(subpath.as_ref(), f)
        }
    }
}

fn how(recursion: Recursion) -> &'static str {
    match recursion {
        Recursion::Disabled => "bind",
        Recursion::Enabled | Recursion::ReadOnlyForced => "rbind",
        Recursion::Writable => "rbind (writable below)",
    }
}

fn show_options(options: &[(String, Option<String>)], f: &mut Formatter<'_>) -> fmt::Result {
    for (key, value) in options {
        match value {
            Some(value) => write!(f, " {key}={value}")?,
            None => write!(f, " {key}")?,
        }
    }
    Ok(())
}

fn copied(content: Content, f: &mut Formatter<'_>) -> fmt::Result {
    match content {
        Content::Empty => Ok(()),
        Content::Image => write!(f, " (with the image's files)"),
    }
}

fn part(subpath: Option<&Subpath>, f: &mut Formatter<'_>) -> fmt::Result {
    subpath.map_or(Ok(()), |subpath| write!(f, " of it {:?}", subpath.as_os_str()))
}

fn show_merged(merged: &Merged, f: &mut Formatter<'_>) -> fmt::Result {
    write!(f, "overlay")?;
    for lower in &merged.lowers {
        write!(f, " lower {:?}", lower.base)?;
        part(lower.subpath.as_ref(), f)?;
    }
    if let Some(layer) = &merged.layer {
        let note = match layer.lifetime {
            Lifetime::Kept => "",
            Lifetime::Ephemeral => " (volatile)",
        };
        write!(f, " upper {:?} work {:?}{note}", layer.upper, layer.work)?;
    }
    part(merged.subpath.as_ref(), f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::attachment::{Devices, FileSystem, Looks, Lower, WritableLayer};
    use crate::plan::mount::{Attributes, Propagation};
    use crate::plan::path::ContainerPath;

    fn shown(source: Source) -> String {
        let attachment = Attachment {
            destination: ContainerPath::parse("/x").unwrap(),
            source,
            attributes: Attributes::default(),
            propagation: Propagation::Rprivate,
            ownership: Ownership::User,
            asked: None,
        };
        attachment.to_string()
    }

    fn subpath(text: &str) -> Subpath {
        Subpath::parse(text).unwrap()
    }

    #[test]
    fn every_source_is_one_line() {
        let layer = WritableLayer {
            upper: "/c/upper".into(),
            work: "/c/work".into(),
            lifetime: Lifetime::Ephemeral,
            looks: Looks::Source,
        };
        let lower = |path: &str| Lower { base: path.into(), subpath: None };
        let merged = |lowers: Vec<Lower>, layer, part| {
            Source::Merged(Merged { lowers, layer, subpath: part, devices: Devices::Allowed })
        };
        let driver = DriverFileSystem {
            kind: "ext4".to_owned(),
            device: "/dev/sda".to_owned(),
            options: vec![("data".to_owned(), Some("ordered".to_owned()))],
            content: Content::Empty,
            subpath: Some(subpath("a")),
            aside: "/v/_data".into(),
        };
        let recursion = Recursion::Enabled;
        for (source, text) in [
            (Source::Bind { path: "/s".into(), recursion }, r#"rbind "/s""#),
            (
                Source::Beneath { base: "/s".into(), subpath: subpath("a/b"), recursion },
                r#"rbind "a/b" beneath "/s""#,
            ),
            (Source::Link { path: "/s".into() }, r#"rbind, or the symlink itself, "/s""#),
            (
                Source::New { kind: FileSystem::Ramfs, options: Vec::new(), content: Content::Image },
                "ramfs (with the image's files)",
            ),
            (
                merged(vec![lower("/s")], Some(layer), None),
                r#"overlay lower "/s" upper "/c/upper" work "/c/work" (volatile)"#,
            ),
            (
                merged(vec![lower("/1"), lower("/2")], None, Some(subpath("etc"))),
                r#"overlay lower "/1" lower "/2" of it "etc""#,
            ),
            (Source::Driver(driver), r#"ext4 "/dev/sda" data=ordered of it "a""#),
        ] {
            assert_eq!(shown(source), format!("/x {text} rw rprivate, given to the user"));
        }
    }
}
