//! What happens to containers, images and volumes, in Docker's words for it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A container.
    Container,
    /// An image.
    Image,
    /// A volume.
    Volume,
}

impl Subject {
    /// Docker's `Type`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Volume => "volume",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It was made.
    Create,
    /// Somebody's streams were connected with it.
    Attach,
    /// Its command runs.
    Start,
    /// It has ended.
    Die,
    /// It was asked to stop, and has ended.
    Stop,
    /// It was sent a signal.
    Kill,
    /// It was stopped and started again.
    Restart,
    /// It is gone.
    Destroy,
    /// It has another name.
    Rename,
    /// Somebody looked at its processes.
    Top,
    /// An image was made of it.
    Commit,
    /// Its files were written as an archive.
    Export,
    /// Files were copied from it.
    ArchivePath,
    /// Files were copied to it.
    ExtractToDirectory,
    /// A further command is about to run in it.
    ExecCreate(String),
    /// A further command runs in it.
    ExecStart(String),
    /// A further command has ended in it.
    ExecDie,
    /// It was read from an archive.
    Load,
    /// It was written into an archive.
    Save,
    /// It was sent to a registry.
    Push,
    /// It was made of a root filesystem.
    Import,
    /// It has one name more.
    Tag,
    /// It has one name less.
    Untag,
    /// It is gone.
    Delete,
    /// A container has it.
    Mount,
    /// A container has it no more.
    Unmount,
    /// All that nobody uses are gone.
    Prune,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::ExecCreate(command) => return write!(f, "exec_create: {command}"),
            Self::ExecStart(command) => return write!(f, "exec_start: {command}"),
            Self::ExecDie => "exec_die",
            Self::Create => "create",
            Self::Attach => "attach",
            Self::Start => "start",
            Self::Die => "die",
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Destroy => "destroy",
            Self::Rename => "rename",
            Self::Top => "top",
            Self::Commit => "commit",
            Self::Export => "export",
            Self::ArchivePath => "archive-path",
            Self::ExtractToDirectory => "extract-to-dir",
            Self::Load => "load",
            Self::Save => "save",
            Self::Push => "push",
            Self::Import => "import",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Delete => "delete",
            Self::Mount => "mount",
            Self::Unmount => "unmount",
            Self::Prune => "prune",
        };
        f.write_str(word)
    }
}

/// One thing that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Occurrence {
    /// To what kind of thing.
    pub subject: Subject,
    /// An [`Action`] as text.
    pub action: String,
    /// The ID of the container or image, the name of the volume.
    pub id: String,
    /// What else there is to say.
    pub attributes: BTreeMap<String, String>,
    /// When, nanoseconds since 1970.
    pub nanoseconds: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(Action::ExecCreate("sh -c ls".to_owned()).to_string(), "exec_create: sh -c ls");
        assert_eq!(Action::ExtractToDirectory.to_string(), "extract-to-dir");
        assert_eq!(serde_json::to_value(Subject::Volume).unwrap(), Subject::Volume.word());
    }
}
