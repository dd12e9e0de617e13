//! Flags of Docker's `run` and verbs that minirun does not have, and the nearest thing that works.

const NETWORK: &str =
    "there are no networks with names: share one with --network container:NAME, or publish ports with -p";
const CGROUP: &str =
    "limit the container with --memory, --cpus and --pids-limit, and each process with --ulimit";
const DETACH: &str = "use the shell's `&`, or systemd-run --user";
const STORE: &str = "images come from files: `minirun load -i FILE`, or run oci:DIR directly";
const OUTPUT: &str = "the output is minirun's own: redirect it";
const NOTHING: &str = "leave it out";

/// Names of a flag, and what to do without it. A name that ends in `-` is the beginning of several.
const FLAGS: [(&[&str], &str); 18] = [
    (&["-d", "--detach", "--detach-keys", "-a", "--attach", "--sig-proxy"], DETACH),
    (&["--restart", "--stop-timeout"], "start it again from a loop or a systemd unit"),
    (
        &["-P", "--publish-all", "--expose"],
        "publish each port with -p; what a program listens on needs no announcement",
    ),
    (&["--ip", "--ip6", "--link", "--mac-address"], NETWORK),
    (&["--network-alias", "--net-alias", "--domainname", "--link-local-ip"], NETWORK),
    (&["--kernel-memory", "--memory-swappiness", "--oom-"], CGROUP),
    (&["--cpu-period", "--cpu-quota", "--cpu-rt-", "--cpu-count", "--cpu-percent"], "use --cpus"),
    (&["--blkio-weight-device", "--device-read-", "--device-write-"], CGROUP),
    (&["--cgroup-", "--cgroupns"], CGROUP),
    (&["--privileged"], "use --cap-add ALL for every right inside; devices and the kernel stay closed"),
    (&["--device", "--device-cgroup-rule", "--gpus"], "bind the device's file: -v /dev/NAME:/dev/NAME"),
    (&["--storage-opt"], "choose with --driver overlay or --driver vfs"),
    (&["--pull", "--disable-content-trust"], STORE),
    (&["--health-", "--no-healthcheck"], NOTHING),
    (&["--log-driver", "--log-opt", "--annotation"], OUTPUT),
    (&["--pid", "--ipc", "--uts"], "the container always has this namespace of its own"),
    (&["--isolation", "--runtime", "--use-api-socket"], NOTHING),
    (&["--sysctl"], NOTHING),
];

/// Verbs, and what to do without them.
const VERBS: [(&[&str], &str); 9] = [
    (&["pull", "login", "logout", "search"], STORE),
    (
        &["push", "save", "commit", "export", "diff"],
        "`minirun unshare --image NAME -- tar -C …` reads an image's files",
    ),
    (&["build", "builder", "buildx"], "build with another tool and `minirun load` what it writes"),
    (&["exec", "attach", "cp", "top", "stats"], "start what belongs together with one `minirun run`"),
    (
        &["start", "restart", "create"],
        "a container runs once: `minirun run`, with a volume for what is to stay",
    ),
    (
        &["stop", "kill", "pause", "unpause"],
        "signals to `minirun run` reach the container; `minirun rm -f` kills it",
    ),
    (&["logs", "wait", "events"], OUTPUT),
    (&["network"], NETWORK),
    (
        &["system", "info", "compose", "swarm", "context", "plugin", "rename", "update"],
        "see `minirun --help`",
    ),
];

/// What to do without `verb`, if it is one that Docker has.
pub(super) fn instead_of_verb(verb: &str) -> Option<&'static str> {
    VERBS.iter().find(|(names, _)| names.contains(&verb)).map(|(_, instead)| *instead)
}

/// What to do without `flag`, if it is one that Docker has.
pub(super) fn instead_of(flag: &str) -> Option<&'static str> {
    let is_called = |name: &&'static str| match name.strip_suffix('-') {
        Some(_) => flag.starts_with(*name),
        None => flag == *name,
    };
    FLAGS.iter().find(|(names, _)| names.iter().any(is_called)).map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn docker_flags_are_known() {
        for flag in ["-d", "--detach", "--memory-swappiness", "--health-cmd", "--cpu-rt-period", "--pull"] {
            assert!(instead_of(flag).is_some(), "{flag}");
        }
        for flag in ["--nonsense", "-z", "--memor", "--", "-"] {
            assert_eq!(instead_of(flag), None, "{flag}");
        }
    }
}
