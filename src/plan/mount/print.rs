//! A request as the flag that asks for it, every default left out.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::draft::{DEVPTS_ATTRIBUTES, IMAGE_ATTRIBUTES};
use super::parse_tmpfs::DEFAULT_ATTRIBUTES;
use super::{
    Access, Atime, Attributes, Bind, Content, Devpts, Flag, ImageMount, Links, Missing, MountKind,
    MountRequest, Ownership, Propagation, Ramfs, Recursion, Rule, Tmpfs, View, Volume, csv,
};

impl MountRequest {
    /// The flag and the value that mean this request: `--tmpfs` for a tmpfs, unless a colon in its destination
    /// forbids that, and `--mount` for everything else. A path or value that begins or ends with a blank cannot be said
    /// so.
    #[must_use]
    pub fn to_flag(&self) -> (Flag, OsString) {
        match &self.kind {
            MountKind::Image(image) => (Flag::Mount, record(self, image_fields(image))),
            MountKind::Devpts(devpts) => (Flag::Mount, record(self, devpts_fields(devpts))),
            MountKind::Ramfs(ramfs) => (Flag::Mount, record(self, ramfs_fields(ramfs))),
            MountKind::Bind(bind) => (Flag::Mount, record(self, bind_fields("type=bind", bind))),
            MountKind::Glob(bind) => (Flag::Mount, record(self, bind_fields("type=glob", bind))),
            MountKind::Volume(volume) => (Flag::Mount, record(self, volume_fields(volume))),
            MountKind::Tmpfs(tmpfs) if self.destination.as_os_str().as_bytes().contains(&b':') => {
                let mut fields = vec![text("type=tmpfs")];
                let key = |word: String| if word.contains('=') { format!("tmpfs-{word}") } else { word };
                fields.extend(tmpfs_words(tmpfs).into_iter().map(|word| text(&key(word))));
                (Flag::Mount, record(self, fields))
            }
            MountKind::Tmpfs(tmpfs) => {
                let mut value = self.destination.as_os_str().to_owned();
                let words = tmpfs_words(tmpfs);
                if !words.is_empty() {
                    value.push(":");
                    value.push(words.join(","));
                }
                (Flag::Tmpfs, value)
            }
        }
    }
}

impl fmt::Display for MountRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (flag, value) = self.to_flag();
        write!(f, "{flag} {}", value.to_string_lossy())
    }
}

fn record(request: &MountRequest, mut fields: Vec<Vec<u8>>) -> OsString {
    // Only a glob can do without.
    if !request.destination.is_root() {
        fields.insert(1, pair("dst", request.destination.as_os_str()));
    }
    let fields: Vec<Vec<u8>> = fields.iter().map(|field| csv::quote(field)).collect();
    OsString::from_vec(fields.join(&b','))
}

fn text(field: &str) -> Vec<u8> {
    field.as_bytes().to_vec()
}

fn pair(key: &str, value: &OsStr) -> Vec<u8> {
    [key.as_bytes(), b"=", value.as_bytes()].concat()
}

fn bind_fields(kind: &str, bind: &Bind) -> Vec<Vec<u8>> {
    let mut fields = vec![text(kind), pair("src", bind.source.as_os_str())];
    fields.extend(attribute_words(bind.attributes, Attributes::default()).into_iter().map(text));
    let recursion = match bind.recursion {
        Recursion::Enabled => None,
        Recursion::Disabled => Some("bind-recursive=disabled"),
        Recursion::Writable => Some("bind-recursive=writable"),
        Recursion::ReadOnlyForced => Some("bind-recursive=readonly"),
    };
    fields.extend(recursion.map(text));
    // The strictest recursion insists on a word that is the default everywhere else.
    if bind.propagation != Propagation::default() || bind.recursion == Recursion::ReadOnlyForced {
        fields.push(text(&format!("bind-propagation={}", bind.propagation.name())));
    }
    if bind.missing == Missing::Create {
        fields.push(text("bind-create-src"));
    }
    if bind.links == Links::Copy {
        fields.push(text("no-dereference"));
    }
    fields.extend(source_fields(&bind.view, bind.ownership));
    fields
}

/// What happens to the source.
fn source_fields(view: &View, ownership: Ownership) -> Vec<Vec<u8>> {
    let mut fields = match view {
        View::Direct => vec![],
        View::Discarded => vec![text("O")],
        View::Layer { upper, work } => {
            vec![text("O"), pair("upperdir", upper.as_os_str()), pair("workdir", work.as_os_str())]
        }
        View::Review => vec![text("cow")],
    };
    if ownership == Ownership::User {
        fields.push(text("U"));
    }
    fields
}

fn volume_fields(volume: &Volume) -> Vec<Vec<u8>> {
    let mut fields = vec![text("type=volume")];
    fields.extend(volume.name.as_ref().map(|name| pair("src", OsStr::new(name.as_str()))));
    fields.extend(attribute_words(volume.attributes, Attributes::default()).into_iter().map(text));
    fields.extend(volume.subpath.iter().map(|path| pair("volume-subpath", path.as_os_str())));
    if volume.content == Content::Empty {
        fields.push(text("volume-nocopy"));
    }
    if volume.missing == Missing::Refuse {
        fields.push(text("nocreate"));
    }
    fields.extend(volume.labels.iter().map(|label| text(&format!("volume-label={label}"))));
    let option = |(key, value): (&String, &String)| text(&format!("volume-opt={key}={value}"));
    fields.extend(volume.options.iter().map(option));
    fields.extend(source_fields(&volume.view, volume.ownership));
    fields
}

fn image_fields(image: &ImageMount) -> Vec<Vec<u8>> {
    let mut fields = vec![text("type=image"), pair("src", OsStr::new(&image.image))];
    fields.extend(attribute_words(image.attributes, IMAGE_ATTRIBUTES).into_iter().map(text));
    fields.extend(image.subpath.iter().map(|path| pair("image-subpath", path.as_os_str())));
    fields
}

fn devpts_fields(devpts: &Devpts) -> Vec<Vec<u8>> {
    let mut fields = vec![text("type=devpts")];
    fields.extend(attribute_words(devpts.attributes, DEVPTS_ATTRIBUTES).into_iter().map(text));
    fields.extend(devpts.options.iter().map(|(key, value)| text(&format!("{key}={value}"))));
    fields
}

fn ramfs_fields(ramfs: &Ramfs) -> Vec<Vec<u8>> {
    let mut fields = vec![text("type=ramfs")];
    fields.extend(attribute_words(ramfs.attributes, DEFAULT_ATTRIBUTES).into_iter().map(text));
    fields.extend(ramfs.mode.iter().map(|mode| text(&format!("tmpfs-mode={mode}"))));
    if ramfs.content == Content::Image {
        fields.push(text("tmpcopyup"));
    }
    fields.extend(source_fields(&View::Direct, ramfs.ownership));
    fields
}

fn tmpfs_words(tmpfs: &Tmpfs) -> Vec<String> {
    let mut words: Vec<String> =
        attribute_words(tmpfs.attributes, DEFAULT_ATTRIBUTES).into_iter().map(str::to_owned).collect();
    words.extend(tmpfs.flags.iter().map(|flag| flag.name().to_owned()));
    words.extend(tmpfs.options.iter().map(|(key, value)| format!("{}={value}", key.name())));
    if tmpfs.content == Content::Image {
        words.push("tmpcopyup".to_owned());
    }
    if tmpfs.propagation != Propagation::default() {
        words.push(tmpfs.propagation.name().to_owned());
    }
    if tmpfs.ownership == Ownership::User {
        words.push("U".to_owned());
    }
    words
}

/// The words that make `attributes` out of `default`.
fn attribute_words(attributes: Attributes, default: Attributes) -> Vec<&'static str> {
    let rule = |rule: Rule, default: Rule, allow, deny| match rule {
        _ if rule == default => None,
        Rule::Inherit => None,
        Rule::Allow => Some(allow),
        Rule::Deny => Some(deny),
    };
    let access = match attributes.access {
        access if access == default.access => None,
        Access::ReadOnly => Some("ro"),
        Access::ReadWrite => Some("rw"),
    };
    let atime = match attributes.atime {
        Atime::Inherit => None,
        Atime::Relatime => Some("relatime"),
        Atime::Noatime => Some("noatime"),
        Atime::Strictatime => Some("strictatime"),
    };
    [
        access,
        rule(attributes.exec, default.exec, "exec", "noexec"),
        rule(attributes.suid, default.suid, "suid", "nosuid"),
        rule(attributes.dev, default.dev, "dev", "nodev"),
        atime,
        rule(attributes.diratime, default.diratime, "diratime", "nodiratime"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
