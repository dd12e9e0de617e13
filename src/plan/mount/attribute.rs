//! What can be said about a mount apart from what is mounted where.

use serde::{Deserialize, Serialize};

/// Permissions of a mount; `mount_setattr(2)` sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Attributes {
    /// Whether the container may write.
    pub access: Access,
    /// Whether programs may be executed (`exec`, `noexec`).
    pub exec: Rule,
    /// Whether setuid and setgid bits and file capabilities count (`suid`, `nosuid`).
    pub suid: Rule,
    /// Whether device nodes can be opened (`dev`, `nodev`).
    pub dev: Rule,
    /// When reading updates the access time.
    pub atime: Atime,
    /// Whether reading a directory updates its access time (`diratime`, `nodiratime`).
    pub diratime: Rule,
}

impl Attributes {
    /// The words of `mount(8)` for them, the access first.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let mut words = vec![if self.access == Access::ReadOnly { "ro" } else { "rw" }];
        for (rule, allow, deny) in [
            (self.exec, "exec", "noexec"),
            (self.suid, "suid", "nosuid"),
            (self.dev, "dev", "nodev"),
            (self.diratime, "diratime", "nodiratime"),
        ] {
            match rule {
                Rule::Inherit => {}
                Rule::Allow => words.push(allow),
                Rule::Deny => words.push(deny),
            }
        }
        match self.atime {
            Atime::Inherit => {}
            Atime::Relatime => words.push("relatime"),
            Atime::Noatime => words.push("noatime"),
            Atime::Strictatime => words.push("strictatime"),
        }
        words
    }

    /// These over `others`: what is said here counts, but what is read-only there stays so.
    #[must_use]
    pub fn over(self, others: Self) -> Self {
        let rule = |own: Rule, other: Rule| if own == Rule::Inherit { other } else { own };
        Self {
            access: if others.access == Access::ReadOnly { others.access } else { self.access },
            exec: rule(self.exec, others.exec),
            suid: rule(self.suid, others.suid),
            dev: rule(self.dev, others.dev),
            atime: if self.atime == Atime::Inherit { others.atime } else { self.atime },
            diratime: rule(self.diratime, others.diratime),
        }
    }

    /// Does what one of these words says; false for any other.
    pub fn apply(&mut self, word: &str) -> bool {
        match word {
            "rw" => self.access = Access::ReadWrite,
            "ro" => self.access = Access::ReadOnly,
            "exec" => self.exec = Rule::Allow,
            "noexec" => self.exec = Rule::Deny,
            "suid" => self.suid = Rule::Allow,
            "nosuid" => self.suid = Rule::Deny,
            "dev" => self.dev = Rule::Allow,
            "nodev" => self.dev = Rule::Deny,
            "diratime" => self.diratime = Rule::Allow,
            "nodiratime" => self.diratime = Rule::Deny,
            "noatime" => self.atime = Atime::Noatime,
            "relatime" => self.atime = Atime::Relatime,
            "strictatime" => self.atime = Atime::Strictatime,
            _ => return false,
        }
        true
    }
}

/// Whether the container may write to a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Access {
    /// As the files' own permissions say.
    #[default]
    ReadWrite,
    /// Never: `EROFS`.
    ReadOnly,
}

/// What was said about one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Rule {
    /// Nothing: what the source has, for a new file system what the kernel does.
    #[default]
    Inherit,
    /// Allowed. A user namespace cannot allow what the source's own mount forbids.
    Allow,
    /// Forbidden.
    Deny,
}

/// When reading a file updates its access time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Atime {
    /// Nothing said.
    #[default]
    Inherit,
    /// If it is older than the modification or than a day.
    Relatime,
    /// Never.
    Noatime,
    /// Always.
    Strictatime,
}

/// What becomes of the mounts below a bind's source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Recursion {
    /// They come along, and are read-only too if the bind is.
    #[default]
    Enabled,
    /// They stay behind. A user namespace refuses this where they hide something (`EINVAL`).
    Disabled,
    /// They come along and stay writable although the bind is read-only.
    Writable,
    /// They come along read-only, and it is an error if the kernel cannot do that.
    ReadOnlyForced,
}

/// How mounts made later travel between host and container, `mount_namespaces(7)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Propagation {
    /// Not at all, the top mount only.
    Private,
    /// Not at all.
    #[default]
    Rprivate,
    /// Both ways, the top mount only.
    Shared,
    /// Both ways.
    Rshared,
    /// From host to container, the top mount only.
    Slave,
    /// From host to container.
    Rslave,
    /// Not at all, and the top mount cannot be bound again.
    Unbindable,
    /// Not at all, and it cannot be bound again.
    Runbindable,
}

impl Propagation {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Private,
        Self::Rprivate,
        Self::Shared,
        Self::Rshared,
        Self::Slave,
        Self::Rslave,
        Self::Unbindable,
        Self::Runbindable,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Rprivate => "rprivate",
            Self::Shared => "shared",
            Self::Rshared => "rshared",
            Self::Slave => "slave",
            Self::Rslave => "rslave",
            Self::Unbindable => "unbindable",
            Self::Runbindable => "runbindable",
        }
    }
}
