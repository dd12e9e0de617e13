//! What to type instead of a flag's value that has no meaning: the mistakes that people make.

use super::near::nearest;
use super::word::{is_word, propagation};
use super::{Flag, MountError, Problem};
use crate::plan::name::NameError;
use crate::plan::path::PathError;

/// Words without their beginning, and words of `-v` that have another name in `--mount`.
const KEYS: [(&str, &str); 12] = [
    ("read-only", "readonly"),
    ("size", "tmpfs-size"),
    ("mode", "tmpfs-mode"),
    ("nocopy", "volume-nocopy"),
    ("copy", "volume-nocopy=false"),
    ("driver", "volume-driver"),
    ("label", "volume-label"),
    ("opt", "volume-opt"),
    ("propagation", "bind-propagation"),
    ("recursive", "bind-recursive"),
    ("rbind", "bind-recursive=enabled"),
    ("bind", "bind-recursive=disabled"),
];

impl MountError {
    /// What the user could do instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Spec { flag, text, problem } => of_problem(*flag, text, problem),
            Self::Duplicate { destination, .. } => {
                Some(format!("one mount for each destination: leave out one of those at `{destination}`"))
            }
            Self::ImageVolume(_) => None,
        }
    }
}

fn of_problem(flag: Flag, text: &str, problem: &Problem) -> Option<String> {
    match problem {
        Problem::Name(NameError::Volume(name)) => of_volume_name(flag, text, name),
        Problem::Sections(_) => {
            Some("a path with a colon needs `--mount type=bind,src=SOURCE,dst=DESTINATION`".into())
        }
        Problem::Destination(PathError::NotAbsolute(path)) => of_destination(flag, text, path),
        Problem::RelativeSource(source) if source.starts_with(['~', '$']) => {
            of_volume_name(flag, text, source)
        }
        Problem::RelativeSource(source) => {
            Some(format!("a directory here is `./{source}`; a volume of that name needs `type=volume`"))
        }
        Problem::Unknown { word, legal, .. } => {
            of_word(flag, text, word).or_else(|| nearest(word, legal).map(perhaps))
        }
        Problem::WrongKind { word, .. } => of_word(flag, text, word),
        Problem::NoDestination => Some("add `dst=/PATH`, the place in the container".into()),
        Problem::BadValue { key, value, legal } => {
            of_value(flag, key, value).or_else(|| nearest(value, legal).map(perhaps))
        }
        Problem::Driver(error) => error.hint(),
        Problem::Image(error) => error.hint(),
        Problem::Unsupported { instead, .. } | Problem::Unprivileged { instead, .. } => {
            Some((*instead).into())
        }
        Problem::Subpath { source: PathError::Absolute(path), .. } => {
            Some(format!("it starts at the root of what is mounted: `{}`", path.trim_start_matches('/')))
        }
        Problem::DestinationIsRoot | Problem::DestinationIsKernels if flag == Flag::Image => {
            Some("`--image-volume ignore` leaves out what the image wants".into())
        }
        // These say themselves what to do.
        Problem::Empty
        | Problem::EmptySection
        | Problem::EmptyWord
        | Problem::Destination(_)
        | Problem::DestinationIsRoot
        | Problem::DestinationIsKernels
        | Problem::Name(_)
        | Problem::Label { .. }
        | Problem::NoSource(_)
        | Problem::NulInSource
        | Problem::NotUtf8(_)
        | Problem::Repeated { .. }
        | Problem::Together { .. }
        | Problem::LayerNeedsOverlay(_)
        | Problem::HalfLayer { .. }
        | Problem::Subpath { .. }
        | Problem::NoContainer
        | Problem::Csv(_)
        | Problem::Blank(_)
        | Problem::NoValue { .. }
        | Problem::TakesNoValue(_)
        | Problem::NeedsName(_)
        | Problem::WritableNeedsReadOnly
        | Problem::ForcedNeedsReadOnlyAndPrivate => None,
    }
}

fn perhaps(word: &str) -> String {
    format!("perhaps `{word}`")
}

/// `C:\x:/y` and `C:/x:/y`, as on Windows; `a:/data` is a volume with too short a name.
fn is_drive(text: &str) -> bool {
    let mut sections = text.split(':');
    let is_letter = sections
        .next()
        .is_some_and(|first| first.len() == 1 && first.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_path = |section: Option<&str>| section.is_some_and(|path| path.starts_with('/'));
    is_letter && sections.next().is_some_and(|path| path.starts_with('\\') || is_path(sections.next()))
}

fn of_volume_name(flag: Flag, text: &str, name: &str) -> Option<String> {
    if name.starts_with('~') {
        return Some(
            "the shell replaces `~` only at the start of an unquoted word; write the path out, or \"$HOME/…\"".into(),
        );
    }
    if name.starts_with('$') {
        return Some("the shell replaces variables, but not between single quotes or behind `\\`".into());
    }
    if flag == Flag::Volume && is_drive(text) {
        return Some("there are no drive letters here: a path of the host begins with `/` or `.`".into());
    }
    if name.contains('/') {
        return Some(match flag {
            Flag::Mount => format!("for a directory of the host use `type=bind,src={name}`"),
            Flag::Volume | Flag::Tmpfs | Flag::VolumesFrom | Flag::Image | Flag::Device => {
                format!("a directory of the host begins with `/` or `.`: `./{name}`")
            }
        });
    }
    (name.len() == 1).then(|| "a volume's name has at least two characters".into())
}

/// A destination that is something else.
fn of_destination(flag: Flag, text: &str, path: &str) -> Option<String> {
    let is_option = |word: &str| is_word(word) || word.contains('=');
    match flag {
        Flag::Volume if is_drive(text) => of_volume_name(flag, text, text),
        Flag::Volume if path == text && text.contains("=/") => {
            Some(format!("that is a value for `--mount {text}`"))
        }
        Flag::Volume if path == text => Some(format!("say where in the container: `{text}:/PATH`")),
        Flag::Volume if path.split(',').all(is_option) => {
            let source = text.strip_suffix(path).unwrap_or(text);
            Some(format!("options stand behind the destination: `{source}/PATH:{path}`"))
        }
        Flag::Tmpfs if path.split(',').all(is_option) => {
            Some(format!("options stand behind the destination: `--tmpfs /PATH:{path}`"))
        }
        Flag::Volume | Flag::Mount | Flag::Tmpfs => {
            Some(format!("a place in the container begins with `/`: `/{}`", path.trim_start_matches("./")))
        }
        Flag::VolumesFrom | Flag::Image | Flag::Device => None,
    }
}

/// A word that is known elsewhere or by another name.
fn of_word(flag: Flag, text: &str, word: &str) -> Option<String> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    match flag {
        Flag::Volume if is_drive(text) => of_volume_name(flag, text, text),
        Flag::Volume if word == "cow" => {
            Some("`O` leaves a volume as it is, too; `cow` is for a directory of the host".into())
        }
        Flag::Volume if ["readonly", "read-only"].contains(&word) => Some("the word is `ro`".into()),
        Flag::Volume if ["size", "mode"].contains(&name) => {
            Some(format!("that is for a mount in memory: `--tmpfs /PATH:{word}`"))
        }
        Flag::Mount if word.starts_with(['/', '.']) || word.contains(":/") => {
            Some(format!("that is a value for `-v {word}`"))
        }
        Flag::Mount => {
            let (_, key) = KEYS.iter().find(|(short, _)| *short == word)?;
            Some(format!("the key is `{key}`"))
        }
        Flag::Tmpfs if word.starts_with(|first: char| first.is_ascii_digit()) => {
            Some(format!("the size is said as `size={word}`"))
        }
        Flag::Volume if ["copy", "nocopy"].contains(&word) => {
            Some("a bind shows what the host has; only volumes are filled from the image".into())
        }
        Flag::Volume if word == "nocreate" => {
            Some("a directory that is missing is an error with `--mount type=bind`, which makes none".into())
        }
        Flag::Volume if ["bind", "rbind", "no-dereference"].contains(&word) => {
            let source = text.split(':').next().unwrap_or_default();
            Some(format!("`{source}` is the name of a volume; a directory here is `./{source}`"))
        }
        Flag::Volume if propagation(word).is_some() => {
            Some("nothing of the host can be mounted below a volume; bind a directory for that".into())
        }
        Flag::Volume | Flag::Tmpfs | Flag::VolumesFrom => {
            let (lower, upper) = (word.to_lowercase(), word.to_uppercase());
            let is_other = |other: &str| other != word && is_word(other);
            is_other(&lower)
                .then(|| format!("in lower case: `{lower}`"))
                .or_else(|| is_other(&upper).then(|| format!("in upper case: `{upper}`")))
        }
        Flag::Image | Flag::Device => None,
    }
}

/// A value that goes on too long, or a size with the letters that only Docker's own key takes.
fn of_value(flag: Flag, key: &str, value: &str) -> Option<String> {
    if flag == Flag::Mount && value.contains(' ') {
        return Some("commas and no blanks stand between the keys".into());
    }
    let lower = value.to_lowercase();
    let kernel = lower.strip_suffix("ib").or(lower.strip_suffix('b'))?;
    (flag == Flag::Tmpfs && key == "size").then(|| format!("the kernel takes `size={kernel}`"))
}
