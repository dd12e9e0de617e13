//! The types of mount, and the option words that `-v` and `--mount` share.

use super::{Access, Content, Links, Missing, Ownership, Problem, Propagation, Recursion, Rule};

/// The types of mount that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bind,
    Volume,
    Tmpfs,
    Image,
    Devpts,
    Ramfs,
    Glob,
}

impl Type {
    pub(super) const ALL: [Self; 7] =
        [Self::Bind, Self::Volume, Self::Tmpfs, Self::Image, Self::Devpts, Self::Ramfs, Self::Glob];

    /// The word for `type=`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Tmpfs => "tmpfs",
            Self::Image => "image",
            Self::Devpts => "devpts",
            Self::Ramfs => "ramfs",
            Self::Glob => "glob",
        }
    }

    /// The same in a sentence.
    pub(super) fn article(self) -> &'static str {
        match self {
            Self::Bind => "a bind",
            Self::Volume => "a volume",
            Self::Tmpfs => "a tmpfs",
            Self::Image => "an image",
            Self::Devpts => "a devpts",
            Self::Ramfs => "a ramfs",
            Self::Glob => "a glob",
        }
    }
}

/// What one option word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Access(Access),
    Exec(Rule),
    Suid(Rule),
    Dev(Rule),
    Propagation(Propagation),
    Recursion(Recursion),
    Content(Content),
    Missing(Missing),
    Layer(Layer),
    Ownership(Ownership),
    Links(Links),
    /// For `SELinux`, which rootless containers without it need not obey.
    Relabel,
    /// For Docker Desktop's file sharing; on Linux all views are consistent.
    Consistency,
}

/// The words that put a layer over a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// `O`.
    Overlay,
    /// `cow`.
    Review,
}

impl Layer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overlay => "O",
            Self::Review => "cow",
        }
    }

    /// Whether a word of `-v` may stand beside it: with `O` none that is about the source's own mount, with `cow`
    /// none that changes the source or keeps the container from changing it.
    pub(super) fn goes_with(self, word: Word) -> bool {
        match self {
            Self::Overlay => matches!(word, Word::Layer(_) | Word::Ownership(_)),
            Self::Review => match word {
                Word::Access(access) => access == Access::ReadWrite,
                Word::Propagation(propagation) => propagation == Propagation::default(),
                Word::Recursion(recursion) => recursion == Recursion::default(),
                Word::Content(_) | Word::Missing(_) | Word::Ownership(_) | Word::Links(_) => false,
                Word::Exec(_)
                | Word::Suid(_)
                | Word::Dev(_)
                | Word::Layer(_)
                | Word::Relabel
                | Word::Consistency => true,
            },
        }
    }

    /// What goes together with it, for messages.
    pub(super) fn company(self) -> &'static str {
        match self {
            Self::Overlay => "beside `O` there may be upperdir= workdir= U",
            Self::Review => "beside `cow` there may be rw exec noexec suid nosuid dev nodev",
        }
    }
}

const BOTH: &[Type] = &[Type::Bind, Type::Volume];
const BIND: &[Type] = &[Type::Bind];
const VOLUME: &[Type] = &[Type::Volume];

/// Every word of `-v` with its meaning, and what it goes with.
const WORDS: [(&str, Word, &[Type]); 30] = [
    ("ro", Word::Access(Access::ReadOnly), BOTH),
    ("rw", Word::Access(Access::ReadWrite), BOTH),
    ("exec", Word::Exec(Rule::Allow), BOTH),
    ("noexec", Word::Exec(Rule::Deny), BOTH),
    ("suid", Word::Suid(Rule::Allow), BOTH),
    ("nosuid", Word::Suid(Rule::Deny), BOTH),
    ("dev", Word::Dev(Rule::Allow), BOTH),
    ("nodev", Word::Dev(Rule::Deny), BOTH),
    ("copy", Word::Content(Content::Image), VOLUME),
    ("nocopy", Word::Content(Content::Empty), VOLUME),
    ("nocreate", Word::Missing(Missing::Refuse), VOLUME),
    ("rbind", Word::Recursion(Recursion::Enabled), BIND),
    ("bind", Word::Recursion(Recursion::Disabled), BIND),
    ("private", Word::Propagation(Propagation::Private), BIND),
    ("rprivate", Word::Propagation(Propagation::Rprivate), BIND),
    ("shared", Word::Propagation(Propagation::Shared), BIND),
    ("rshared", Word::Propagation(Propagation::Rshared), BIND),
    ("slave", Word::Propagation(Propagation::Slave), BIND),
    ("rslave", Word::Propagation(Propagation::Rslave), BIND),
    ("unbindable", Word::Propagation(Propagation::Unbindable), BIND),
    ("runbindable", Word::Propagation(Propagation::Runbindable), BIND),
    ("O", Word::Layer(Layer::Overlay), BOTH),
    ("cow", Word::Layer(Layer::Review), BIND),
    ("U", Word::Ownership(Ownership::User), BOTH),
    ("no-dereference", Word::Links(Links::Copy), BIND),
    ("z", Word::Relabel, BOTH),
    ("Z", Word::Relabel, BOTH),
    ("cached", Word::Consistency, BOTH),
    ("delegated", Word::Consistency, BOTH),
    ("consistent", Word::Consistency, BOTH),
];

/// The meaning of a word of `-v` for a mount of this type.
pub(super) fn word(text: &str, of: Type) -> Result<Word, Problem> {
    let words = || {
        let ours = WORDS.iter().filter(|(_, _, types)| types.contains(&of));
        let words: Vec<_> = ours.map(|(name, _, _)| *name).chain(["upperdir=", "workdir="]).collect();
        words.join(" ")
    };
    match WORDS.iter().find(|(name, _, _)| *name == text) {
        Some((_, word, types)) if types.contains(&of) => Ok(*word),
        Some(_) => Err(Problem::WrongKind { word: text.to_owned(), kind: of.article(), legal: words() }),
        None => Err(unprivileged(text).unwrap_or_else(|| Problem::Unknown {
            word: text.to_owned(),
            kind: of.article(),
            legal: words(),
        })),
    }
}

/// Whether `-v` has this word.
pub(super) fn is_word(text: &str) -> bool {
    WORDS.iter().any(|(name, _, _)| *name == text)
}

pub(super) fn propagation(text: &str) -> Option<Propagation> {
    Propagation::ALL.into_iter().find(|propagation| propagation.name() == text)
}

/// Words that only root of the machine may use, with the nearest thing that works.
const UNPRIVILEGED: [(&str, &str); 2] = [
    ("idmap", "`--userns keep-id` lets the container's user be yours, and `U` gives it the files"),
    ("noswap", "leave it out; then the memory may be swapped out"),
];

/// The error for a word (with or without `=value`) that needs privileges.
pub(super) fn unprivileged(text: &str) -> Option<Problem> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let (_, instead) = UNPRIVILEGED.iter().find(|(word, _)| word.eq_ignore_ascii_case(name))?;
    Some(Problem::Unprivileged { word: name.to_owned(), instead })
}
