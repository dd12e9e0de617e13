//! What a look at a store finds, and what can be done about it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::name::{ContainerId, ContainerName, VolumeName};
use crate::store::layout;

/// What is wrong with something in a store.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "camelCase")]
pub enum Flaw {
    /// The layout has no place for it.
    #[error("nothing of this name belongs here")]
    Unknown,
    /// It should be there.
    #[error("it is missing")]
    Missing,
    /// The kernel does not give it out.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It does not say what it should.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It was made or removed by a process that was killed meanwhile.
    #[error("a process that was killed has left it")]
    Abandoned,
    /// It refers to something that is not there.
    #[error("it refers to {0}, which is not there")]
    Dangling(String),
    /// Something was begun, and the next that comes will finish it.
    #[error("a process was killed before this was finished")]
    Unfinished,
    /// Nothing refers to it.
    #[error("nothing refers to it")]
    Unused,
    /// It was put there by an earlier repair.
    #[error("it was moved aside by an earlier repair")]
    MovedAside,
    /// Something is mounted there.
    #[error("something is mounted there")]
    Mounted,
}

impl Flaw {
    /// How bad that is.
    #[must_use]
    pub fn grade(&self) -> Grade {
        match self {
            Self::Unknown
            | Self::Missing
            | Self::Unreadable(_)
            | Self::Damaged(_)
            | Self::Abandoned
            | Self::Dangling(_) => Grade::Problem,
            Self::Unfinished | Self::Unused | Self::MovedAside | Self::Mounted => Grade::Note,
        }
    }
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    /// The store is not as it should be.
    Problem,
    /// It is in order, and still worth a line.
    Note,
}

/// What a repair does.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of", rename_all = "camelCase")]
pub enum Remedy {
    /// Nothing; what its user can do.
    #[error("{0}")]
    Advice(String),
    /// It is removed.
    #[error("removes it")]
    Remove,
    /// It is removed if it still does not name this.
    #[error("removes the name")]
    FreeName(ContainerName),
    /// It is renamed to where nothing looks for it.
    #[error("moves it to {}/", layout::DAMAGED)]
    MoveAside,
    /// The empty directory is made.
    #[error("makes it")]
    MakeDirectory,
    /// The empty file is made.
    #[error("makes it")]
    MakeFile,
    /// The name is written again.
    #[error("gives it its name again")]
    Name(ContainerId),
    /// The old record is moved aside, and a new one says what can be told without it.
    #[error("writes a new record, without labels; the old one goes to {}/", layout::DAMAGED)]
    Describe(VolumeName),
    /// What was begun is finished.
    #[error("finishes it")]
    Finish(VolumeName),
}

/// Something in a store that is not as it should be, or that is worth a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Where, from the store.
    pub path: String,
    /// What is wrong.
    pub flaw: Flaw,
    /// What a repair does about it.
    pub remedy: Remedy,
    /// Whether it did, or why not; nothing where nobody asked for it.
    pub mended: Option<Result<(), String>>,
}
