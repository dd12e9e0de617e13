//! Flags of Docker's `run` and verbs that minirun does not have, and the nearest thing that works.

const NETWORK: &str = "use --network host to share the machine's network";
const CGROUP: &str =
    "limit each process with --ulimit, or start minirun in a limited unit: systemd-run --user --scope -p …";
const DETACH: &str = "use the shell's `&`, or systemd-run --user";
const STORE: &str = "images come from files: `minirun load -i FILE`, or run oci:DIR directly";
const OUTPUT: &str = "the output is minirun's own: redirect it";
const NOTHING: &str = "leave it out";

/// Names of a flag, and what to do without it. A name that ends in `-` is the beginning of several.
const FLAGS: [(&[&str], &str); 15] = [
    (&["-d", "--detach", "--detach-keys", "-a", "--attach", "--sig-proxy"], DETACH),
    (&["--restart", "--stop-timeout"], "start it again from a loop or a systemd unit"),
    (
        &["-p", "--publish", "-P", "--publish-all", "--expose", "--ip", "--ip6", "--link", "--mac-address"],
        NETWORK,
    ),
    (&["--network-alias", "--net-alias", "--domainname", "--link-local-ip"], NETWORK),
    (&["-m", "--memory", "--memory-", "--kernel-memory", "--oom-", "--pids-limit"], CGROUP),
    (&["--cpus", "-c", "--cpu-", "--cpuset-", "--blkio-", "--device-read-", "--device-write-"], CGROUP),
    (&["--cgroup-", "--cgroupns"], CGROUP),
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
const VERBS: [(&[&str], &str); 10] = [
    (&["pull", "login", "logout", "search"], STORE),
    (
        &["push", "save", "commit", "export"],
        "`minirun unshare --image NAME -- tar -C …` reads an image's files",
    ),
    (&["diff"], "`minirun changes` tells what a container changed in directories bound with `cow`"),
    (&["build", "builder", "buildx"], "build with another tool and `minirun load` what it writes"),
    (&["exec", "attach", "cp", "top", "stats", "port"], "start what belongs together with one `minirun run`"),
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
    (&["compose", "swarm", "context", "plugin", "rename", "update"], "see `minirun --help`"),
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
        for flag in ["-d", "--detach", "--memory", "--memory-swap", "--health-cmd", "--cpuset-cpus", "--pull"]
        {
            assert!(instead_of(flag).is_some(), "{flag}");
        }
        for flag in ["--nonsense", "-z", "--memor", "--", "-"] {
            assert_eq!(instead_of(flag), None, "{flag}");
        }
    }
}
