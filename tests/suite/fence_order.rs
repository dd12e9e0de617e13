//! The order in which a process gives up its rights before it becomes the command, as the kernel sees it.

use std::fs;

use crate::support::{Call, Caller, IMAGE, Scratch, program_exists, require};

/// What init asks of the kernel, in this order; what stands in between does not count.
const ORDER: [&str; 21] = [
    "sethostname(",
    "fsopen(\"proc\"",
    "write(",
    "fsopen(\"overlay\"",
    "fsopen(\"tmpfs\"",
    "fsopen(\"devpts\"",
    "pivot_root(",
    "umount2(\".\", MNT_DETACH",
    "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE",
    "keyctl(KEYCTL_JOIN_SESSION_KEYRING",
    "prctl(PR_CAPBSET_DROP",
    "setresgid(",
    "setresuid(",
    "capset(",
    "prctl(PR_SET_NO_NEW_PRIVS, 1",
    "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE",
    "fchdir(",
    "close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC",
    "setsid(",
    "seccomp(SECCOMP_SET_MODE_FILTER",
    "execve(\"/bin/true\"",
];

#[test]
fn rights_are_given_up_in_order() {
    require!(program_exists("strace"), "there is no strace");
    if Caller::detect() != Caller::Root {
        // Nobody else can read the memory of a process that hides it, where the paths are.
        return;
    }
    let scratch = Scratch::with_image();
    let (trace, program) = (scratch.path("trace"), scratch.program());
    let calls = "trace=sethostname,fsopen,write,pivot_root,umount2,keyctl,prctl,setgroups,setresgid,setresuid,capset,\
                 fchdir,close_range,setsid,seccomp,execve,open,openat,mkdir,mount,chdir,symlink,rename,unlink";
    let words = [
        "-f",
        "-e",
        calls,
        "-o",
        trace.to_str().unwrap(),
        program.to_str().unwrap(),
        "run",
        "--rm",
        // What is written to procfs is written before anything of the image's is in sight.
        "--oom-score-adj",
        "100",
        IMAGE,
        "/bin/true",
    ];
    let call = Call::new("strace").args(words).env("MINIRUN_STORE", scratch.store());
    call.env("MINIRUN_NETWORK", "none").run().success();
    let text = fs::read_to_string(trace).unwrap();
    let lines =
        || text.lines().filter_map(|line| line.split_once(' ')).map(|(pid, call)| (pid, call.trim_start()));
    let init = lines().find(|(_, call)| call.starts_with("sethostname(")).unwrap().0;
    let calls: Vec<&str> = lines().filter(|(pid, _)| *pid == init).map(|(_, call)| call).collect();
    let mut rest = calls.iter();
    for wanted in ORDER {
        assert!(
            rest.any(|call| call.starts_with(wanted)),
            "{wanted} comes too early or not at all:\n{}",
            calls.join("\n")
        );
    }
    // Between the first mount of the image and the change of the root nothing goes by a path but what is the host's.
    let first = calls.iter().position(|call| call.starts_with("fsopen(\"overlay\"")).unwrap();
    let last = calls.iter().position(|call| call.starts_with("pivot_root(")).unwrap();
    for call in &calls[first..last] {
        let by_path =
            ["open(\"", "openat(AT_FDCWD, \"", "mkdir(", "mount(", "symlink(", "rename(", "unlink("];
        let Some(path) = by_path.iter().find_map(|one| call.strip_prefix(one)) else { continue };
        let store = scratch.text("store");
        let is_host = path.starts_with("/dev/") || path.starts_with(&store) || path.starts_with("/sys/");
        assert!(is_host, "{call}\n{}", calls.join("\n"));
    }
}
