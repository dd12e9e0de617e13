//! Flags of Docker's `run` and verbs that minirun does not have, and the nearest thing that works.

const NETWORK: &str =
    "there are no networks with names: share one with --network container:NAME, or publish ports with -p";
const CGROUP: &str =
    "limit the container with --memory, --cpus and --pids-limit, and each process with --ulimit";
const STORE: &str =
    "images come from registries with `minirun pull NAME`, and from files with `minirun load -i FILE`";
const CHECKPOINT: &str = "`minirun commit` keeps files; what processes do cannot be kept";
const PINS: &str = "pin images with `@sha256:…`, or with `minirun image lock` and --lock";
const IMAGES: &str =
    "`minirun rmi $(minirun images -q)`, or `minirun image prune -a` for those that no container has";
const NOTHING: &str = "leave it out";
const ALL: &[&str] = &["-a", "--all"];

/// Names of a flag, and what to do without it. A name that ends in `-` is the beginning of several.
const FLAGS: [(&[&str], &str); 14] = [
    (
        &["-P", "--publish-all", "--expose"],
        "publish each port with -p; what a program listens on needs no announcement",
    ),
    (&["--ip", "--ip6", "--link", "--mac-address"], NETWORK),
    (&["--network-alias", "--net-alias", "--domainname", "--link-local-ip"], NETWORK),
    (&["--kernel-memory", "--memory-swappiness", "--oom-kill-disable"], CGROUP),
    (&["--cpu-period", "--cpu-quota", "--cpu-rt-", "--cpu-count", "--cpu-percent"], "use --cpus"),
    (&["--blkio-weight-device", "--device-read-", "--device-write-"], CGROUP),
    (&["--cgroup-", "--cgroupns"], CGROUP),
    (
        &["--device-cgroup-rule", "--gpus"],
        "give each device with --device /dev/NAME: who may open it is up to the node's own permissions",
    ),
    (&["--storage-opt"], "choose with --driver overlay or --driver vfs"),
    (&["--disable-content-trust"], NOTHING),
    (&["--health-", "--no-healthcheck"], NOTHING),
    (&["--annotation"], "note it with --label"),
    (&["--pid", "--ipc", "--uts"], "the container always has this namespace of its own"),
    (&["--isolation", "--runtime", "--use-api-socket"], NOTHING),
];

/// Flags of other verbs: the verb, names of the flag, and what to do without it.
const OTHER_FLAGS: [(&str, &[&str], &str); 10] = [
    ("rm", ALL, "`minirun rm $(minirun ps -aq)`, or `minirun container prune` for those that have ended"),
    ("stop", ALL, "`minirun stop $(minirun ps -q)`"),
    ("kill", ALL, "`minirun kill $(minirun ps -q)`"),
    ("rmi", ALL, IMAGES),
    ("image rm", ALL, IMAGES),
    ("restart", ALL, "`minirun restart $(minirun ps -aq)`"),
    ("rm", &["-l", "--link"], "containers are not linked; see them with `minirun ps -a`"),
    ("start", &["--checkpoint", "--checkpoint-dir"], CHECKPOINT),
    ("commit", &["--no-pause"], NOTHING),
    ("top", &["--format"], "`minirun top CONTAINER -o pid,args` chooses columns"),
];

/// Verbs of Docker and Podman below a group of verbs, anywhere if that is empty, and what to do without them.
const VERBS: [(&str, &[&str], &str); 11] = [
    (
        "image",
        &["mount", "unmount", "umount"],
        "`minirun image ls-files` and `minirun image cat` look into one",
    ),
    (
        "volume",
        &["mount", "unmount", "umount"],
        "bind it into a container with -v, or see `minirun volume --help`",
    ),
    ("", &["search", "scp"], STORE),
    ("", &["trust", "sign"], PINS),
    ("", &["untag"], "`minirun rmi NAME` takes a name away, and the image goes with its last one"),
    ("", &["manifest"], "`minirun image inspect` shows an image; indexes are made by other tools"),
    (
        "",
        &["build", "builder", "buildx"],
        "make each layer with `minirun layer IMAGE -- COMMAND`, or `minirun load` what another tool has built",
    ),
    ("", &["network"], NETWORK),
    ("", &["checkpoint", "restore"], CHECKPOINT),
    ("", &["pod", "play", "kube", "generate"], "share a network with --network container:NAME"),
    (
        "",
        &[
            "compose",
            "swarm",
            "context",
            "plugin",
            "update",
            "secret",
            "healthcheck",
            "auto-update",
            "service",
        ],
        "see `minirun --help`",
    ),
];

/// What to do without `verb` of `group`, `minirun` or a word such as `image`, if it is one that others have.
pub(super) fn instead_of_verb(group: &str, verb: &str) -> Option<&'static str> {
    let is_meant =
        |(of, names, _): &&(&str, &[&str], &str)| (of.is_empty() || *of == group) && names.contains(&verb);
    VERBS.iter().find(is_meant).map(|(_, _, instead)| *instead)
}

/// What to do without `flag` of `verb`, words such as `minirun run`, if it is one that others have.
pub(super) fn instead_of(verb: &str, flag: &str) -> Option<&'static str> {
    let verb = verb.strip_prefix("minirun ").unwrap_or(verb);
    let verb = verb.strip_prefix("container ").unwrap_or(verb);
    let is_called = |name: &&'static str| match name.strip_suffix('-') {
        Some(_) => flag.starts_with(*name),
        None => flag == *name,
    };
    if let "run" | "create" = verb {
        let found = FLAGS.iter().find(|(names, _)| names.iter().any(is_called));
        return found.map(|(_, instead)| *instead);
    }
    let found = OTHER_FLAGS.iter().find(|(of, names, _)| *of == verb && names.contains(&flag));
    found.map(|(_, _, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn docker_flags_are_known() {
        for flag in [
            "--kernel-memory",
            "--memory-swappiness",
            "--health-cmd",
            "--cpu-rt-period",
            "--disable-content-trust",
        ] {
            assert!(instead_of("run", flag).is_some() && instead_of("create", flag).is_some(), "{flag}");
        }
        for flag in ["--nonsense", "-z", "--memor", "--", "-"] {
            assert_eq!(instead_of("run", flag), None, "{flag}");
        }
        assert!(instead_of("rm", "--link").is_some() && instead_of("ps", "--link").is_none());
        assert!(instead_of("minirun container stop", "--all").is_some());
        assert_ne!(instead_of("minirun rm", "-a"), instead_of("minirun image rm", "-a"));
        assert_eq!(instead_of("minirun volume rm", "-a"), None);
    }
}
