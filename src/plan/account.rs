//! Which user a process is: `USER[:GROUP]` looked up in the image's own `passwd` and `group` files.
//!
//! The files are written by strangers. A line counts only if it is UTF-8 with all its fields and valid numbers;
//! otherwise a crooked line could turn an unknown name into uid 0.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Why there is no such account.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AccountError {
    /// Not a user or group.
    #[error("`{0}` is no user or group (a name, or a number from 0 to 4294967294)")]
    Principal(String),
    /// The image has no such user.
    #[error("there is no user `{0}` in the image's /etc/passwd")]
    UnknownUser(String),
    /// The image has no such group.
    #[error("there is no group `{0}` in the image's /etc/group")]
    UnknownGroup(String),
}

/// A user or a group, by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A container ID; it need not be listed anywhere.
    Id(u32),
    /// A name of the image's files.
    Name(String),
}

impl FromStr for Principal {
    type Err = AccountError;

    /// What begins with a digit is a number as a whole; `-1` and 2^32-1, which mean "nobody" and "unchanged" to
    /// the kernel, are nothing.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let error = || AccountError::Principal(text.to_owned());
        if text.starts_with(|char: char| char.is_ascii_digit()) {
            return parse_id(text).map(Self::Id).ok_or_else(error);
        }
        let is_name = !text.is_empty() && !text.starts_with(['-', '+']);
        let is_plain = !text.contains(|char: char| char == ':' || char.is_whitespace() || char.is_control());
        if is_name && is_plain { Ok(Self::Name(text.to_owned())) } else { Err(error()) }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

fn parse_id(text: &str) -> Option<u32> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&id| is_decimal && id != u32::MAX)
}

/// `USER[:GROUP]`, as `-u` and an image's configuration have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSpec {
    /// The user; root if the text does not say.
    pub user: Principal,
    /// The group; `None` means the user's own.
    pub group: Option<Principal>,
}

impl FromStr for UserSpec {
    type Err = AccountError;

    /// An empty part is as good as none: images are seen with `User: ""` and `User: "1000:"`.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        let user = if user.is_empty() { Principal::Id(0) } else { user.parse()? };
        let group = if group.is_empty() { None } else { Some(group.parse()?) };
        Ok(Self { user, group })
    }
}

impl fmt::Display for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.user.fmt(f)?;
        self.group.as_ref().map_or(Ok(()), |group| write!(f, ":{group}"))
    }
}

/// Who a process is, in container IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The supplementary groups that were asked for, each once. The group comes first: without it a program could
    /// drop the group by `setgid` and pass files that deny it (CVE-2022-36109).
    pub groups: Vec<u32>,
    /// The groups that the image makes the user a member of; a container whose ID map lacks them does without.
    pub memberships: Vec<u32>,
    /// The home directory; `/` if the user is not listed or has none.
    pub home: String,
    /// The name, if the user is listed.
    pub name: Option<String>,
}

struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// The lines that have so many fields.
fn lines<const FIELDS: usize>(file: &str) -> impl Iterator<Item = [&str; FIELDS]> {
    file.split('\n').filter_map(|line| {
        let mut texts = line.split(':');
        let mut fields = [""; FIELDS];
        for field in &mut fields {
            *field = texts.next()?;
        }
        texts.next().is_none().then_some(fields)
    })
}

fn users(passwd: &str) -> impl Iterator<Item = User<'_>> {
    lines(passwd).filter_map(|[name, _, uid, gid, _, home, _]| {
        let (uid, gid) = (parse_id(uid)?, parse_id(gid)?);
        (!name.is_empty()).then_some(User { name, uid, gid, home })
    })
}

fn groups(group: &str) -> impl Iterator<Item = Group<'_>> {
    lines(group).filter_map(|[name, _, gid, members]| {
        let gid = parse_id(gid)?;
        (!name.is_empty()).then_some(Group { name, gid, members })
    })
}

/// Looks `spec` up in the contents of the image's `/etc/passwd` and `/etc/group`.
///
/// A listed user brings its group and supplementary groups, an unlisted number group 0. A group that was asked for
/// replaces both. `extra_groups` (names or numbers, `--group-add`) come on top.
///
/// # Errors
/// A name that is not listed, or an extra group that is neither name nor number.
pub fn resolve(
    spec: &UserSpec,
    passwd: &[u8],
    group: &[u8],
    extra_groups: &[String],
) -> Result<Account, AccountError> {
    // A byte that is no UTF-8, as in names of people written long ago, spoils no line.
    let (passwd, group) = (&*String::from_utf8_lossy(passwd), &*String::from_utf8_lossy(group));
    let user = users(passwd).find(|user| match &spec.user {
        Principal::Id(uid) => user.uid == *uid,
        Principal::Name(name) => user.name == name,
    });
    let uid = match (&spec.user, &user) {
        (Principal::Id(uid), _) => *uid,
        (Principal::Name(_), Some(user)) => user.uid,
        (Principal::Name(name), None) => return Err(AccountError::UnknownUser(name.clone())),
    };
    let gid = match &spec.group {
        Some(principal) => group_id(principal, group)?,
        None => user.as_ref().map_or(0, |user| user.gid),
    };
    let mut asked = vec![gid];
    for extra in extra_groups {
        asked.push(group_id(&extra.parse()?, group)?);
    }
    let mut memberships = Vec::new();
    if let (None, Some(user)) = (&spec.group, &user) {
        let is_member = |group: &Group<'_>| group.members.split(',').any(|member| member == user.name);
        memberships.extend(groups(group).filter(is_member).map(|group| group.gid));
    }
    let mut seen = std::collections::BTreeSet::new();
    asked.retain(|gid| seen.insert(*gid));
    memberships.retain(|gid| seen.insert(*gid));
    let home = user.as_ref().map(|user| user.home).filter(|home| home.starts_with('/')).unwrap_or("/");
    let name = user.as_ref().map(|user| user.name.to_owned());
    Ok(Account { uid, gid, groups: asked, memberships, home: home.to_owned(), name })
}

fn group_id(principal: &Principal, group: &str) -> Result<u32, AccountError> {
    match principal {
        Principal::Id(gid) => Ok(*gid),
        Principal::Name(name) => {
            let found = groups(group).find(|group| group.name == name).map(|group| group.gid);
            found.ok_or_else(|| AccountError::UnknownGroup(name.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        short:x:0:0\n\
        long:x:0:0:::/bin/sh:\n\
        :x:5:5::/:/bin/sh\n\
        huge:x:4294967295:0::/:/bin/sh\n\
        minus:x:-1:0::/:/bin/sh\n\
        plus:x:+7:0::/:/bin/sh\n\
        hex:x:0x7:0::/:/bin/sh\n\
        blank:x: 7:0::/:/bin/sh\n\
        bad\xff:x:0:0::/:/bin/sh\n\
        old:x:55:56:Jos\xe9:/home/old:/bin/sh\n\
        web:x:33:34:Web:/var/www:/bin/sh\n\
        web:x:99:99:second:/:/bin/sh\n\
        homeless:x:44:44:::\n";
    const GROUP: &[u8] = b"root:x:0:\n\
        www:x:34:\n\
        log:x:50:web,app\n\
        bad:x:51:web:extra\n\
        big:x:4294967295:web\n\
        tail:x:52:app,web\n\
        webby:x:53:webby";

    fn account(spec: &str, extra: &[&str]) -> Result<Account, AccountError> {
        let extra: Vec<String> = extra.iter().map(|&group| group.to_owned()).collect();
        resolve(&spec.parse()?, PASSWD, GROUP, &extra)
    }

    #[test]
    fn looks_up_as_docker_does() {
        for (spec, extra, uid, gid, groups, memberships, home, name) in [
            ("", &[][..], 0, 0, &[0][..], &[][..], "/root", Some("root")),
            ("0", &[], 0, 0, &[0], &[], "/root", Some("root")),
            ("web", &[], 33, 34, &[34], &[50, 52], "/var/www", Some("web")),
            ("33", &[], 33, 34, &[34], &[50, 52], "/var/www", Some("web")),
            ("033", &[], 33, 34, &[34], &[50, 52], "/var/www", Some("web")),
            ("web:", &[], 33, 34, &[34], &[50, 52], "/var/www", Some("web")),
            ("web:log", &[], 33, 50, &[50], &[], "/var/www", Some("web")),
            ("web:1234", &[], 33, 1234, &[1234], &[], "/var/www", Some("web")),
            ("1234", &[], 1234, 0, &[0], &[], "/", None),
            ("1234:www", &[], 1234, 34, &[34], &[], "/", None),
            (":www", &[], 0, 34, &[34], &[], "/root", Some("root")),
            ("old", &[], 55, 56, &[56], &[], "/home/old", Some("old")),
            ("homeless", &[], 44, 44, &[44], &[], "/", Some("homeless")),
            ("1234", &["log", "7", "log", "0"], 1234, 0, &[0, 50, 7], &[], "/", None),
            ("web:7", &["tail"], 33, 7, &[7, 52], &[], "/var/www", Some("web")),
            ("4294967294", &[], u32::MAX - 1, 0, &[0], &[], "/", None),
        ] {
            let name = name.map(str::to_owned);
            let (groups, memberships) = (groups.to_vec(), memberships.to_vec());
            let wanted = Account { uid, gid, groups, memberships, home: home.to_owned(), name };
            assert_eq!(account(spec, extra), Ok(wanted), "{spec}");
        }
    }

    #[test]
    fn crooked_lines_and_specs_are_nobody() {
        for name in ["short", "long", "huge", "minus", "plus", "hex", "blank", "x", "root/x"] {
            assert_eq!(account(name, &[]), Err(AccountError::UnknownUser(name.into())), "{name}");
        }
        for name in ["bad", "big", "nobody"] {
            assert_eq!(account(&format!("0:{name}"), &[]), Err(AccountError::UnknownGroup(name.into())));
            assert_eq!(account("0", &[name]), Err(AccountError::UnknownGroup(name.into())));
        }
        for bad in [
            "4294967295",
            "4294967296",
            "99999999999999999999",
            "-1",
            "+1",
            "1x",
            "0x0",
            "1 ",
            "web:0:0",
            "web:-1",
            "a b",
            "a\n",
            "0:4294967295",
        ] {
            assert!(matches!(account(bad, &[]), Err(AccountError::Principal(_))), "{bad:?}");
        }
        assert!(account("0", &[""]).is_err());
        assert_eq!(resolve(&"1:2".parse().unwrap(), b"", b"", &[]).unwrap().home, "/");
    }
}
