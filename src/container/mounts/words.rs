//! What was asked for and what the kernel says, in the words of `mount(8)` and of the flags.

use crate::plan::mount::{
    Access, Attributes, MountKind, MountRequest, Ownership, Recursion, Rule, TmpfsKey, View,
};
use crate::plan::mount_table::MountEntry;

/// What was asked for, in the words of the flags.
pub(super) fn words(request: &MountRequest) -> Vec<String> {
    let mut words: Vec<String> = request.attributes().words().into_iter().map(str::to_owned).collect();
    let mut add = |word: &str| words.push(word.to_owned());
    let (view, ownership) = match &request.kind {
        MountKind::Bind(bind) | MountKind::Glob(bind) => {
            match bind.recursion {
                Recursion::Enabled => {}
                Recursion::Disabled => add("bind-recursive=disabled"),
                Recursion::Writable => add("bind-recursive=writable"),
                Recursion::ReadOnlyForced => add("bind-recursive=readonly"),
            }
            add(bind.propagation.name());
            (&bind.view, bind.ownership)
        }
        MountKind::Volume(volume) => (&volume.view, volume.ownership),
        MountKind::Tmpfs(tmpfs) => {
            tmpfs.options.iter().for_each(|(key, value)| add(&format!("{}={value}", key.name())));
            tmpfs.flags.iter().for_each(|flag| add(flag.name()));
            (&View::Direct, tmpfs.ownership)
        }
        MountKind::Ramfs(ramfs) => (&View::Direct, ramfs.ownership),
        MountKind::Image(_) | MountKind::Devpts(_) => (&View::Direct, Ownership::Kept),
    };
    match view {
        View::Direct => {}
        View::Discarded | View::Layer { .. } => add("O"),
        View::Review => add("cow"),
    }
    if ownership == Ownership::User {
        add("U");
    }
    words
}

pub(super) fn options(entry: &MountEntry) -> Vec<String> {
    let mut options = entry.effective_options();
    if entry.file_system == "tmpfs" {
        let is_told = |setting: &&String| {
            let key = setting.split('=').next().unwrap_or_default();
            // Its owners are told as the host's IDs, which are not what was asked for.
            let is_owner = key == TmpfsKey::Uid.name() || key == TmpfsKey::Gid.name();
            !is_owner && TmpfsKey::ALL.iter().any(|known| known.name() == key)
        };
        options.extend(entry.settings.iter().filter(is_told).cloned());
    }
    options
}

/// What was asked for and forbidden all the same.
pub(super) fn refused(asked: Attributes, got: &[String]) -> Vec<&'static str> {
    let is_writable = asked.access == Access::ReadWrite;
    [
        (is_writable, "rw", "ro"),
        (asked.exec == Rule::Allow, "exec", "noexec"),
        (asked.suid == Rule::Allow, "suid", "nosuid"),
        (asked.dev == Rule::Allow, "dev", "nodev"),
    ]
    .into_iter()
    .filter(|(is_asked, _, opposite)| *is_asked && got.iter().any(|option| option == opposite))
    .map(|(_, word, _)| word)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::mount::{parse_mount, parse_tmpfs, parse_volume};

    #[test]
    fn what_was_asked_is_said_in_words() {
        for (request, wanted) in [
            (parse_volume("data:/x".as_ref()), "rw"),
            (parse_volume("/a:/x:ro,noexec,rslave".as_ref()), "ro,noexec,rslave"),
            (parse_volume("/a:/x:O".as_ref()), "rw,rprivate,O"),
            (parse_volume("/a:/x:U".as_ref()), "rw,rprivate,U"),
            (
                parse_mount("type=bind,src=/a,dst=/x,ro,bind-recursive=writable".as_ref()),
                "ro,bind-recursive=writable,rprivate",
            ),
            (parse_tmpfs("/x:size=1m,exec".as_ref()), "rw,exec,nosuid,nodev,size=1m"),
        ] {
            assert_eq!(words(&request.unwrap()).join(","), wanted);
        }
    }

    #[test]
    fn what_is_forbidden_all_the_same_is_noticed() {
        let request = parse_volume("/a:/x:exec,dev".as_ref()).unwrap();
        let got = ["ro", "noexec", "nosuid"].map(str::to_owned);
        assert_eq!(refused(request.attributes(), &got), ["rw", "exec"]);
        assert!(refused(request.attributes(), &["rw".to_owned()]).is_empty());
    }
}
