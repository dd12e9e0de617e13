//! Flags of Docker's `run` and verbs that minirun does not have, and the nearest thing that works.

const NETWORK: &str =
    "there are no networks with names: share one with --network container:NAME, or publish ports with -p";
const CGROUP: &str =
    "limit the container with --memory, --cpus and --pids-limit, and each process with --ulimit";
const STORE: &str =
    "images come from registries with `minirun pull NAME`, and from files with `minirun load -i FILE`";
const NOTHING: &str = "leave it out";

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
const OTHER_FLAGS: [(&str, &[&str], &str); 4] = [
    ("rm", &["-l", "--link"], "containers are not linked; see them with `minirun ps -a`"),
    (
        "start",
        &["--checkpoint", "--checkpoint-dir"],
        "`minirun commit` keeps files; what processes do cannot be kept",
    ),
    ("commit", &["--no-pause"], NOTHING),
    ("top", &["--format"], "`minirun top CONTAINER -o pid,args` chooses columns"),
];

/// Verbs, and what to do without them.
const VERBS: [(&[&str], &str); 4] = [
    (&["search"], STORE),
    (
        &["build", "builder", "buildx"],
        "make each layer with `minirun layer IMAGE -- COMMAND`, or `minirun load` what another tool has built",
    ),
    (&["network"], NETWORK),
    (&["compose", "swarm", "context", "plugin", "update"], "see `minirun --help`"),
];

/// What to do without `verb`, if it is one that Docker has.
pub(super) fn instead_of_verb(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|(names, _)| names.contains(&verb)).map(|(_, instead)| *instead)
}

/// What to do without `flag` of `verb`, a word such as `run`, if it is one that Docker has.
pub(super) fn instead_of(verb: &str, flag: &str) -> Option<&'static str> {
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
    }
}
