//! What `--security-opt` and `--privileged` say about a container's rights and about the kernel's files.
//!
//! Source: Docker's `systempaths`, Podman's `mask` and `unmask`.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use super::path::{ContainerPath, PathError};
use super::pattern::{self, Part, PatternError};
use super::process::NewPrivileges;

/// Whether a container has all rights of root in its user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileges {
    /// Those that it is given one by one.
    Chosen,
    /// `--privileged`.
    All,
}

/// What the options say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// Whether the command and what it starts can gain rights.
    pub new_privileges: NewPrivileges,
    /// Which system calls are allowed.
    pub seccomp: SeccompWord,
    /// The kernel's files.
    pub system_paths: SystemPaths,
}

/// What `--security-opt seccomp` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SeccompWord {
    /// minirun's own profile.
    #[default]
    Builtin,
    /// The profile of this file.
    File(PathBuf),
    /// Every call is allowed.
    Unconfined,
}

/// What `--security` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityMode {
    /// Containers can be made inside.
    Nested,
}

impl FromStr for SecurityMode {
    type Err = SecurityError;

    fn from_str(text: &str) -> Result<Self, SecurityError> {
        match text {
            "nested" => Ok(Self::Nested),
            _ => Err(SecurityError::Mode(text.to_owned())),
        }
    }
}

/// Which of the kernel's files a container sees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemPaths {
    /// Which of the paths that are protected by default are not.
    pub shown: Shown,
    /// Which are hidden besides.
    pub hidden: Vec<String>,
    /// Whether `/sys` can be written as far as the container's rights go.
    pub is_sys_writable: bool,
}

/// Which of the paths that are protected by default are left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Shown {
    /// Every one is protected.
    #[default]
    Nothing,
    /// What one of these matches.
    Matching(Vec<Vec<Part>>),
    /// None is protected.
    All,
}

/// Why a word of `--security-opt` cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SecurityError {
    /// No such word, or none with this value.
    #[error(
        "`--security-opt {0}` is not one that minirun has: no-new-privileges[=true|false], systempaths=unconfined, \
         mask=PATH[:PATH]…, unmask=ALL or unmask=PATH[:PATH]…, seccomp=FILE, seccomp=builtin or seccomp=unconfined, apparmor=unconfined, label=disable"
    )]
    Word(String),
    /// There is no such mode.
    #[error("`--security {0}` is not one that minirun has: nested")]
    Mode(String),
    /// A path that is none.
    #[error("cannot use `--security-opt {option}`")]
    Path {
        /// The whole word.
        option: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A pattern that is none.
    #[error("cannot use `--security-opt {option}`")]
    Pattern {
        /// The whole word.
        option: String,
        /// What is wrong with it.
        source: PatternError,
    },
}

impl SecurityError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Word(text) if text.starts_with("apparmor") || text.starts_with("label") => {
                Some("minirun sets no AppArmor profile and no SELinux label; leave it out".to_owned())
            }
            Self::Word(_) | Self::Mode(_) | Self::Path { .. } | Self::Pattern { .. } => None,
        }
    }
}

/// Reads the words in their order: the last about one thing counts.
///
/// # Errors
/// One of them means nothing here.
pub fn parse(options: &[String], privileges: Privileges) -> Result<Security, SecurityError> {
    let mut security = match privileges {
        Privileges::Chosen => Security {
            new_privileges: NewPrivileges::Denied,
            seccomp: SeccompWord::Builtin,
            system_paths: SystemPaths::default(),
        },
        Privileges::All => Security {
            new_privileges: NewPrivileges::Allowed,
            seccomp: SeccompWord::Unconfined,
            system_paths: SystemPaths { shown: Shown::All, is_sys_writable: true, ..SystemPaths::default() },
        },
    };
    for option in options {
        security.read(option)?;
    }
    Ok(security)
}

impl Security {
    fn read(&mut self, option: &str) -> Result<(), SecurityError> {
        // `name:value` is an old spelling of Docker's.
        let split = option.split_once(['=', ':']);
        match split.unwrap_or((option, "")) {
            ("no-new-privileges", "true") => self.new_privileges = NewPrivileges::Denied,
            ("no-new-privileges", "") if split.is_none() => self.new_privileges = NewPrivileges::Denied,
            ("no-new-privileges", "false") => self.new_privileges = NewPrivileges::Allowed,
            ("systempaths", "unconfined") | ("unmask", "ALL" | "all") => self.system_paths.shown = Shown::All,
            ("unmask", paths) if !paths.is_empty() => self.system_paths.show(option, paths)?,
            ("mask", paths) if !paths.is_empty() => self.system_paths.hide(option, paths)?,
            ("seccomp", "unconfined") => self.seccomp = SeccompWord::Unconfined,
            // Docker's word and Podman's.
            ("seccomp", "builtin" | "default") => self.seccomp = SeccompWord::Builtin,
            ("seccomp", path) if !path.is_empty() => self.seccomp = SeccompWord::File(path.into()),
            // There is nothing of the kind that would have to be left out.
            ("apparmor", "unconfined") | ("label", "disable") => {}
            _ => return Err(SecurityError::Word(option.to_owned())),
        }
        Ok(())
    }
}

impl SystemPaths {
    fn show(&mut self, option: &str, paths: &str) -> Result<(), SecurityError> {
        let patterns = paths.split(':').map(|path| absolute(option, path).and_then(|()| parts(option, path)));
        let patterns: Vec<_> = patterns.collect::<Result<_, _>>()?;
        match &mut self.shown {
            Shown::All => {}
            Shown::Nothing => self.shown = Shown::Matching(patterns),
            Shown::Matching(known) => known.extend(patterns),
        }
        Ok(())
    }

    fn hide(&mut self, option: &str, paths: &str) -> Result<(), SecurityError> {
        for path in paths.split(':') {
            let wrong = |source| SecurityError::Path { option: option.to_owned(), source };
            self.hidden.push(ContainerPath::parse(Path::new(path)).map_err(wrong)?.to_string());
        }
        Ok(())
    }

    /// What is hidden: those of `defaults` that are not to be shown, and what was asked for.
    #[must_use]
    pub fn masked(&self, defaults: &[String]) -> Vec<String> {
        self.protected(defaults).into_iter().chain(self.hidden.iter().cloned()).collect()
    }

    /// Those of `defaults` that are not to be left alone.
    #[must_use]
    pub fn protected(&self, defaults: &[String]) -> Vec<String> {
        let is_shown = |path: &String| match &self.shown {
            Shown::Nothing => false,
            Shown::All => true,
            Shown::Matching(patterns) => patterns.iter().any(|parts| matches(parts, Path::new(path))),
        };
        defaults.iter().filter(|path| !is_shown(path)).cloned().collect()
    }
}

fn absolute(option: &str, path: &str) -> Result<(), SecurityError> {
    let wrong = |source| SecurityError::Path { option: option.to_owned(), source };
    ContainerPath::parse(Path::new(path)).map(drop).map_err(wrong)
}

fn parts(option: &str, path: &str) -> Result<Vec<Part>, SecurityError> {
    let wrong = |source| SecurityError::Pattern { option: option.to_owned(), source };
    pattern::parse(OsStr::new(path), Path::new("/")).map_err(wrong)
}

/// Whether a path is what the parts say, name by name.
fn matches(parts: &[Part], path: &Path) -> bool {
    let names: Vec<&OsStr> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            Component::RootDir | Component::CurDir | Component::ParentDir | Component::Prefix(_) => None,
        })
        .collect();
    let fits = |(part, name): (&Part, &&OsStr)| match part {
        Part::Name(wanted) => wanted == name,
        Part::Any(pattern) => pattern.matches(name),
    };
    parts.len() == names.len() && parts.iter().zip(&names).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &[&str]) -> Result<Security, SecurityError> {
        let options: Vec<String> = options.iter().map(|&word| word.to_owned()).collect();
        parse(&options, Privileges::Chosen)
    }

    #[test]
    fn words() {
        for (word, wanted) in [
            ("no-new-privileges", NewPrivileges::Denied),
            ("no-new-privileges=true", NewPrivileges::Denied),
            ("no-new-privileges:false", NewPrivileges::Allowed),
            ("seccomp=unconfined", NewPrivileges::Denied),
            ("label:disable", NewPrivileges::Denied),
        ] {
            assert_eq!(read(&[word]).unwrap().new_privileges, wanted, "{word}");
        }
        for word in [
            "",
            "no-new-privileges=",
            "no-new-privileges=yes",
            "nonsense",
            "systempaths",
            "systempaths=confined",
            "mask",
            "mask=",
            "unmask=",
            "mask=relative",
            "unmask=relative",
            "unmask=/a:",
            "unmask=/[",
            "seccomp",
            "seccomp=",
            "apparmor=docker-default",
            "label=type:x",
        ] {
            assert!(read(&[word]).is_err(), "{word}");
        }
    }

    #[test]
    fn profiles_of_system_calls() {
        for (options, wanted) in [
            (&[][..], SeccompWord::Builtin),
            (&["seccomp=unconfined"], SeccompWord::Unconfined),
            (&["seccomp:unconfined", "seccomp=builtin"], SeccompWord::Builtin),
            (&["seccomp=default"], SeccompWord::Builtin),
            (&["seccomp=profile=1.json"], SeccompWord::File("profile=1.json".into())),
        ] {
            assert_eq!(read(options).unwrap().seccomp, wanted, "{options:?}");
        }
        assert_eq!(parse(&[], Privileges::All).unwrap().seccomp, SeccompWord::Unconfined);
        let own = parse(&["seccomp=/own.json".to_owned()], Privileges::All).unwrap().seccomp;
        assert_eq!(own, SeccompWord::File("/own.json".into()));
        assert_eq!("nested".parse(), Ok(SecurityMode::Nested));
        assert!("open".parse::<SecurityMode>().is_err());
    }

    #[test]
    fn what_is_protected() {
        let defaults = ["/proc/keys".to_owned(), "/proc/kcore".to_owned(), "/sys/firmware".to_owned()];
        for (options, masked) in [
            (&[][..], "/proc/keys /proc/kcore /sys/firmware"),
            (&["systempaths=unconfined"], ""),
            (&["unmask=ALL"], ""),
            (&["unmask=/proc/*"], "/sys/firmware"),
            (&["unmask=/proc/keys:/sys/firmware"], "/proc/kcore"),
            (&["unmask=/proc/keys", "unmask=/proc/kcore"], "/sys/firmware"),
            (&["unmask=/proc"], "/proc/keys /proc/kcore /sys/firmware"),
            (&["unmask=ALL", "mask=/etc/x:/etc/y"], "/etc/x /etc/y"),
        ] {
            let paths = read(options).unwrap().system_paths.masked(&defaults);
            assert_eq!(paths.join(" "), masked, "{options:?}");
        }
        let all = parse(&[], Privileges::All).unwrap();
        assert!(all.system_paths.protected(&defaults).is_empty() && all.system_paths.is_sys_writable);
        assert_eq!(all.new_privileges, NewPrivileges::Allowed);
    }
}
