//! What a volume's driver options describe: a directory of the store, something of the host, or a file system.
//!
//! The options are those of Docker's driver `local`, which are `mount(8)`'s: `type`, `device`, `o`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::attachment::FileSystem;
use super::mount::{Attributes, Recursion};

/// What a volume's files lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// A directory of the store.
    Directory,
    /// A file or directory of the host.
    Bind {
        /// The path.
        device: PathBuf,
        /// What becomes of mounts below it.
        recursion: Recursion,
        /// What the words of `o` say about permissions.
        attributes: Attributes,
    },
    /// A file system that is mounted at each start.
    FileSystem {
        /// The kernel's name of it.
        kind: String,
        /// What it is made of.
        device: String,
        /// Options for `fsconfig(2)`.
        options: Vec<(String, Option<String>)>,
        /// What the words of `o` say about permissions.
        attributes: Attributes,
    },
}

/// The file systems that the kernel lets the root of a user namespace mount, besides those minirun makes itself.
const FOR_USERS: [&str; 3] = ["overlay", "fuse", "binfmt_misc"];

impl Backing {
    /// What the options of a volume describe.
    #[must_use]
    pub fn of(options: &BTreeMap<String, String>) -> Self {
        let text = |key: &str| options.get(key).map_or("", String::as_str);
        let (kind, device) = (text("type"), text("device"));
        if kind.is_empty() && device.is_empty() {
            return Self::Directory;
        }
        let mut attributes = Attributes::default();
        let mut bind = None;
        let mut rest = Vec::new();
        for word in text("o").split(',').filter(|word| !matches!(*word, "" | "defaults")) {
            match word {
                "bind" => bind = bind.or(Some(Recursion::Disabled)),
                "rbind" => bind = Some(Recursion::Enabled),
                _ if attributes.apply(word) => {}
                _ => rest.push(match word.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (word.to_owned(), None),
                }),
            }
        }
        if bind.is_some() || matches!(kind, "none" | "bind" | "") {
            return Self::Bind {
                device: PathBuf::from(device),
                recursion: bind.unwrap_or_default(),
                attributes,
            };
        }
        Self::FileSystem { kind: kind.to_owned(), device: device.to_owned(), options: rest, attributes }
    }
}

/// Whether the kernel lets the root of a user namespace mount a file system of this kind.
#[must_use]
pub fn is_for_users(kind: &str) -> bool {
    FileSystem::from_name(kind).is_some() || FOR_USERS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::mount::{Access, Rule};

    fn backing(options: &[(&str, &str)]) -> Backing {
        Backing::of(&options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn options_say_what_a_volume_lies_in() {
        assert_eq!(backing(&[]), Backing::Directory);
        assert_eq!(backing(&[("size", "0")]), Backing::Directory);
        let read_only = Attributes { access: Access::ReadOnly, ..Attributes::default() };
        for (kind, words, recursion, attributes) in [
            ("none", "bind", Recursion::Disabled, Attributes::default()),
            ("none", "rbind,ro", Recursion::Enabled, read_only),
            ("bind", "", Recursion::Enabled, Attributes::default()),
            ("ext4", "bind,ro", Recursion::Disabled, read_only),
        ] {
            let expected = Backing::Bind { device: "/srv".into(), recursion, attributes };
            assert_eq!(backing(&[("type", kind), ("device", "/srv"), ("o", words)]), expected, "{kind}");
        }
    }

    #[test]
    fn words_of_a_file_system_are_flags_or_values() {
        let words = "size=1m,noexec,sync,uid=5,defaults";
        let expected = Backing::FileSystem {
            kind: "tmpfs".to_owned(),
            device: "tmpfs".to_owned(),
            options: vec![
                ("size".to_owned(), Some("1m".to_owned())),
                ("sync".to_owned(), None),
                ("uid".to_owned(), Some("5".to_owned())),
            ],
            attributes: Attributes { exec: Rule::Deny, ..Attributes::default() },
        };
        assert_eq!(backing(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", words)]), expected);
    }

    #[test]
    fn users_mount_what_has_no_device() {
        for kind in ["tmpfs", "ramfs", "overlay"] {
            assert!(is_for_users(kind), "{kind}");
        }
        for kind in ["nfs", "cifs", "ext4", "xfs", "btrfs"] {
            assert!(!is_for_users(kind), "{kind}");
        }
    }
}
