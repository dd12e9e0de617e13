//! Users and groups of an image's own files, which may say anything.

use minirun::plan::account::{Account, Principal, UserSpec, resolve};

/// The input is `USER[:GROUP]`, `passwd` and `group`, parted by NUL.
pub(crate) fn check(input: &[u8]) {
    let mut parts = input.splitn(3, |&byte| byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (Ok(spec), passwd, group) = (std::str::from_utf8(next()), next(), next()) else { return };
    let Ok(spec) = spec.parse::<UserSpec>() else { return };
    assert_eq!(spec.to_string().parse(), Ok(spec.clone()), "{spec}");
    let Ok(account) = resolve(&spec, passwd, group, &[]) else { return };
    assert_is_sound(&account);
    match &spec.user {
        Principal::Id(uid) => assert_eq!(account.uid, *uid),
        Principal::Name(name) => {
            assert_eq!(account.name.as_ref(), Some(name));
            assert!(has_line(passwd, name, account.uid), "{name} is uid {} by no line", account.uid);
        }
    }
    if let Some(Principal::Id(gid)) = spec.group {
        assert_eq!(account.gid, gid);
    }
    if spec.group.is_some() {
        assert!(account.memberships.is_empty());
    }
}

fn assert_is_sound(account: &Account) {
    assert!(account.home.starts_with('/'));
    assert_eq!(account.groups.first(), Some(&account.gid));
    let mut all: Vec<_> = account.groups.iter().chain(&account.memberships).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "a group comes twice");
    assert!(account.uid != u32::MAX && !all.contains(&&u32::MAX), "an ID that is none");
}

/// Whether a line of seven fields gives `name` that number.
fn has_line(passwd: &[u8], name: &str, uid: u32) -> bool {
    String::from_utf8_lossy(passwd).split('\n').any(|line| {
        let fields: Vec<_> = line.split(':').collect();
        fields.len() == 7 && fields[0] == name && fields[2].parse() == Ok(uid)
    })
}
