//! Which of root's powers a container has.
//!
//! The default is Podman's eleven: Docker's without `MKNOD`, `NET_RAW` and `AUDIT_WRITE`, which hardly any image
//! needs. Source: `capabilities(7)`.

use std::fmt;

pub use caps::Capability;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A word that is no capability.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no capability `{word}`; there are ALL {legal}")]
pub struct CapabilityError {
    word: String,
    legal: String,
}

/// What root in a container may do unless it is said otherwise.
pub const DEFAULT: [Capability; 11] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_SETGID,
    Capability::CAP_SETUID,
    Capability::CAP_SETPCAP,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SYS_CHROOT,
    Capability::CAP_SETFCAP,
];

/// A set of capabilities, one bit each, as in `capget(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// Every capability that this program knows.
    #[must_use]
    pub fn all() -> Self {
        caps::all().into_iter().collect()
    }

    /// The bits, the capability's number being the bit's.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The members, in the order of the kernel's numbers.
    #[must_use]
    pub fn members(self) -> Vec<Capability> {
        let mut members: Vec<_> = caps::all().into_iter().filter(|one| self.0 & one.bitmask() != 0).collect();
        members.sort_by_key(Capability::index);
        members
    }

    /// Whether it has the one of this name, which is without `CAP_`.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.members().into_iter().any(|one| short_name(one) == name)
    }

    /// What both have.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What the other lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(capabilities.into_iter().fold(0, |bits, one| bits | one.bitmask()))
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.members().into_iter().map(short_name).collect();
        f.pad(&names.join(" "))
    }
}

fn short_name(capability: Capability) -> String {
    capability.to_string().trim_start_matches("CAP_").to_owned()
}

/// Reads one name: letters of any case, `CAP_` optional.
///
/// # Errors
/// The word is no capability.
pub fn parse(word: &str) -> Result<Capability, CapabilityError> {
    let upper = word.to_ascii_uppercase();
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    let error = |_| CapabilityError { word: word.to_owned(), legal: CapabilitySet::all().to_string() };
    full.parse().map_err(error)
}

/// `--cap-add` or `--cap-drop`, read.
struct Words {
    all: bool,
    single: CapabilitySet,
}

fn parse_all(words: &[String]) -> Result<Words, CapabilityError> {
    let is_all = |word: &&String| word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case("cap_all");
    let single =
        words.iter().filter(|word| !is_all(word)).map(|word| parse(word)).collect::<Result<_, _>>()?;
    Ok(Words { all: words.iter().any(|word| is_all(&word)), single })
}

/// What is left of the default after `--cap-drop` and `--cap-add`. Where both name one capability it is added; `ALL`
/// of either gives way to single names of the other.
///
/// # Errors
/// A word is no capability.
pub fn resolve(add: &[String], drop: &[String]) -> Result<CapabilitySet, CapabilityError> {
    let (add, drop) = (parse_all(add)?, parse_all(drop)?);
    let start = match (add.all, drop.all) {
        (true, _) => CapabilitySet::all(),
        (false, true) => CapabilitySet::default(),
        (false, false) => DEFAULT.into_iter().collect(),
    };
    Ok(start.without(drop.single).with(add.single))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(add: &[&str], drop: &[&str]) -> Result<String, CapabilityError> {
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        Ok(resolve(&own(add), &own(drop))?.to_string())
    }

    #[test]
    fn add_beats_drop() {
        let default = shown(&[], &[]).unwrap();
        assert_eq!(
            default,
            "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP"
        );
        let all = CapabilitySet::all().to_string();
        for (add, drop, wanted) in [
            (&["net_raw"][..], &["ALL"][..], "NET_RAW".to_owned()),
            (&["Cap_Net_Raw", "CHOWN"], &["all"], "CHOWN NET_RAW".to_owned()),
            (&["CHOWN"], &["chown"], default.clone()),
            (&[], &["CAP_KILL"], default.replace(" KILL", "")),
            (&["ALL"], &[], all.clone()),
            (&["ALL"], &["ALL"], all.clone()),
            (&["CAP_ALL"], &["MKNOD"], all.replace(" MKNOD", "")),
            (&["ALL", "MKNOD"], &["MKNOD"], all.clone()),
            (&[], &["ALL"], String::new()),
        ] {
            assert_eq!(shown(add, drop), Ok(wanted), "{add:?} {drop:?}");
        }
        for bad in ["", "CAP_", "FOO", "CAP_CAP_CHOWN", "CHOWN ", "-CHOWN"] {
            assert!(shown(&[bad], &[]).is_err(), "{bad:?}");
            assert!(shown(&[], &[bad]).unwrap_err().to_string().contains("ALL CHOWN DAC_OVERRIDE"));
        }
    }
}
