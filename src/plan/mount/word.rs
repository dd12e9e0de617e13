//! The option words that `-v` and `--mount` share.

use super::{Access, Attributes, Content, Missing, Problem, Propagation, Recursion, Rule};

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
    /// For `SELinux`, which rootless containers without it need not obey.
    Relabel,
    /// For Docker Desktop's file sharing; on Linux all views are consistent.
    Consistency,
}

/// Every word with its meaning.
const WORDS: [(&str, Word); 25] = [
    ("rw", Word::Access(Access::ReadWrite)),
    ("ro", Word::Access(Access::ReadOnly)),
    ("exec", Word::Exec(Rule::Allow)),
    ("noexec", Word::Exec(Rule::Deny)),
    ("suid", Word::Suid(Rule::Allow)),
    ("nosuid", Word::Suid(Rule::Deny)),
    ("dev", Word::Dev(Rule::Allow)),
    ("nodev", Word::Dev(Rule::Deny)),
    ("private", Word::Propagation(Propagation::Private)),
    ("rprivate", Word::Propagation(Propagation::Rprivate)),
    ("shared", Word::Propagation(Propagation::Shared)),
    ("rshared", Word::Propagation(Propagation::Rshared)),
    ("slave", Word::Propagation(Propagation::Slave)),
    ("rslave", Word::Propagation(Propagation::Rslave)),
    ("unbindable", Word::Propagation(Propagation::Unbindable)),
    ("runbindable", Word::Propagation(Propagation::Runbindable)),
    ("bind", Word::Recursion(Recursion::Disabled)),
    ("rbind", Word::Recursion(Recursion::Enabled)),
    ("copy", Word::Content(Content::Image)),
    ("nocopy", Word::Content(Content::Empty)),
    ("nocreate", Word::Missing(Missing::Refuse)),
    ("z", Word::Relabel),
    ("Z", Word::Relabel),
    ("cached", Word::Consistency),
    ("delegated", Word::Consistency),
];

pub(super) fn word(text: &str) -> Option<Word> {
    if text == "consistent" {
        return Some(Word::Consistency);
    }
    WORDS.iter().find(|(name, _)| *name == text).map(|(_, word)| *word)
}

pub(super) fn propagation(text: &str) -> Option<Propagation> {
    Propagation::ALL.into_iter().find(|propagation| propagation.name() == text)
}

/// Words and keys that other tools know and minirun does not have yet, with the nearest thing that works.
const UNSUPPORTED: [(&str, &str); 15] = [
    ("O", "`ro` protects the source, and the container's own files go away with `--rm`"),
    ("upperdir", "`ro` protects the source, and the container's own files go away with `--rm`"),
    ("workdir", "`ro` protects the source, and the container's own files go away with `--rm`"),
    ("cow", "`ro` protects the source, and the container's own files go away with `--rm`"),
    ("U", "`chown` the source in `minirun unshare`"),
    ("chown", "`chown` the source in `minirun unshare`"),
    ("idmap", "`--userns keep-id` lets the container's user be yours"),
    ("no-dereference", "without it the target of the symlink is bound"),
    ("glob", "one mount for each source"),
    ("relabel", "leave it out, or use `z` or `Z`, which do nothing without SELinux"),
    ("noswap", "needs privileges; a tmpfs without it may be swapped out"),
    ("volume-subpath", "mount the whole volume and use the directory below its destination"),
    ("subpath", "mount the whole volume and use the directory below its destination"),
    ("image-subpath", "`minirun unshare --image REF` shows an image's files"),
    ("volume-opt", "a bind (`type=bind`) or a tmpfs (`type=tmpfs`)"),
];

/// The error for a word (with or without `=value`) that minirun knows but does not have.
pub(super) fn unsupported(text: &str) -> Option<Problem> {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let (_, instead) = UNSUPPORTED.iter().find(|(word, _)| *word == name)?;
    Some(Problem::Unsupported { word: name.to_owned(), instead })
}

/// Sets what concerns permissions.
pub(super) fn apply(word: Word, attributes: &mut Attributes) {
    match word {
        Word::Access(access) => attributes.access = access,
        Word::Exec(rule) => attributes.exec = rule,
        Word::Suid(rule) => attributes.suid = rule,
        Word::Dev(rule) => attributes.dev = rule,
        Word::Propagation(_)
        | Word::Recursion(_)
        | Word::Content(_)
        | Word::Missing(_)
        | Word::Relabel
        | Word::Consistency => {}
    }
}
