//! What a container has of the process that started it: nothing but what was meant for it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use crate::support::{
    Call, Caller, IMAGE, Image, Layer, Scratch, Terminal, can_mount, program_exists, require,
};

/// `CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP`.
const DEFAULT: &str = "00000000800405fb";
const NONE: &str = "0000000000000000";

/// Nobody on this machine.
const USER: u32 = 61_234;

/// The fields of `/proc/self/status`.
fn status(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect()
}

#[track_caller]
fn assert_rights(text: &str, effective: &str) {
    let status = status(text);
    for (name, wanted) in [
        ("CapInh", NONE),
        ("CapPrm", effective),
        ("CapEff", effective),
        ("CapBnd", DEFAULT),
        ("CapAmb", NONE),
        ("NoNewPrivs", "1"),
        ("SigBlk", NONE),
        ("SigIgn", NONE),
        ("TracerPid", "0"),
        ("Umask", "0022"),
    ] {
        assert_eq!(status.get(name), Some(&wanted), "{name}\n{text}");
    }
}

#[test]
fn the_status_of_a_command_is_what_it_should_be() {
    let scratch = Scratch::with_image();
    // Whoever starts it may ignore and block signals and have another umask.
    let script = "trap '' INT QUIT USR1 PIPE; umask 077; exec \"$MINIRUN\" \"$@\"";
    let started = |words: &[&str]| scratch.host_script(script).args(["sh"]).args(words);
    let status = ["cat", "/proc/self/status"];
    let run = |flags: &[&str]| {
        let words = [&["run", "--rm", "--network", "none"], flags, &[IMAGE], &status].concat();
        started(&words).run().success()
    };
    assert_rights(&run(&[]), DEFAULT);
    assert_rights(&run(&["--init"]), DEFAULT);
    let id = scratch.detach(&[], "sleep 1000");
    let exec = |flags: &[&str]| {
        let words = [&["exec"], flags, &[id.as_str()], &status].concat();
        started(&words).run().success()
    };
    assert_rights(&exec(&[]), DEFAULT);
    if Caller::detect().has_many_ids() {
        assert_rights(&run(&["-u", "app"]), NONE);
        assert_rights(&exec(&["-u", "app"]), NONE);
    }
}

#[test]
fn limits_are_the_caller_s_but_for_crashes() {
    let scratch = Scratch::with_image();
    let limits = |flags: &[&str]| {
        let words =
            [&["run", "--rm", "--network", "none"], flags, &[IMAGE, "cat", "/proc/self/limits"]].concat();
        let text = scratch.host_script("ulimit -n 200; exec \"$MINIRUN\" \"$@\"").args(["sh"]).args(words);
        let text = text.run().success();
        let row = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        };
        (row("Max open files"), row("Max core file size"))
    };
    assert_eq!(limits(&[]), ("200 200".to_owned(), "0 0".to_owned()));
    assert_eq!(limits(&["--ulimit", "core=0:4096"]).1, "0 4096");
}

#[test]
fn groups_are_the_image_s_and_none_of_the_caller_s() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with_image();
    let groups = |flags: &[&str]| {
        let text = scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "cat", "/proc/self/status"]);
        status(&text.run().success())["Groups"].to_owned()
    };
    assert_eq!(groups(&[]), "0");
    assert_eq!(groups(&["-u", "app"]), "1234 2345");
    assert_eq!(groups(&["-u", "1:2"]), "2");
    assert_eq!(groups(&["-u", "app", "--group-add", "7"]), "7 1234 2345");
}

#[test]
fn the_environment_is_made_and_not_inherited() {
    let scratch = Scratch::with_image();
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let call = scratch.minirun(["run", "--rm", "--hostname", "here", IMAGE, "/bin/env"]);
    let call = call.env("SECRET", "of the caller").env("LD_PRELOAD_X", "1").env("TERM", "dumb");
    assert_eq!(call.run().success(), format!("{path}\nHOSTNAME=here\nHOME=/root"));
    let id = scratch.detach(&["--hostname", "here"], "sleep 1000");
    let call = scratch.minirun(["exec", &id, "/bin/env"]).env("SECRET", "of the caller");
    let mut seen: Vec<_> = call.run().success().lines().map(str::to_owned).collect();
    seen.sort();
    assert_eq!(seen, ["HOME=/root", "HOSTNAME=here", path]);
}

#[test]
fn no_descriptor_of_the_caller_gets_in() {
    require!(program_exists("bash"), "there is no bash, which opens descriptors beyond 9");
    let scratch = Scratch::with_image();
    let canary = scratch.directory("canary");
    fs::write(canary.join("marker"), "canary").unwrap();
    let look = "ls /proc/self/fd | sort -n | tr '\\n' ' '
        for place in /proc/[0-9]*/fd/* /proc/[0-9]*/cwd /proc/[0-9]*/root; do
            for way in marker ../canary/marker ../marker; do cat $place/$way 2>/dev/null; done
        done; cat marker ../canary/marker 2>/dev/null; pwd";
    let open =
        "cd \"$SCRATCH/canary\"; for i in {3..60}; do eval \"exec $i<.\"; done; exec \"$MINIRUN\" \"$@\"";
    let started = |words: &[&str]| {
        let call = Call::new("bash").args(["-c", open, "bash"]).args(words);
        let call = call.env("MINIRUN_STORE", scratch.store()).env("MINIRUN_NETWORK", "none");
        let output = call.env("SCRATCH", scratch.path("")).env("MINIRUN", scratch.program()).run();
        let output = output.success();
        assert!(!output.contains("canary"), "{words:?}: {output}");
        output
    };
    let id = scratch.detach(&[], "sleep 1000");
    for words in [
        &["run", "--rm", IMAGE, "sh", "-c", look][..],
        &["run", "--rm", "--init", IMAGE, "sh", "-c", look],
        &["exec", &id, "sh", "-c", look],
    ] {
        // The last is what `ls` reads the directory by.
        let output = started(words);
        assert_eq!(output, "0 1 2 3 /", "{words:?}");
    }
    let id = started(&["run", "-d", IMAGE, "sleep", "1000"]);
    // Neither has what stays outside with the container.
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        if !String::from_utf8_lossy(&command).contains("minirun") {
            continue;
        }
        let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        let open: Vec<_> = links.filter(|link| link.starts_with(&canary)).collect();
        assert!(open.is_empty(), "{}: {open:?}", process.path().display());
    }
    scratch.minirun(["rm", "-f", &id]).run().success();
}

#[test]
fn keys_of_the_caller_stay_outside() {
    require!(program_exists("python3"), "there is no python3, which makes any system call");
    let scratch = Scratch::new();
    // KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING.
    let python = "import ctypes, platform
number = {'x86_64': 250, 'aarch64': 219}[platform.machine()]
print(ctypes.CDLL(None).syscall(number, 0, -3, 1))";
    let own = Call::new("python3").args(["-c", python]).run().success();
    let run = scratch.minirun(["run", "--rm", "host", "python3", "-c", python]);
    let inside = run.run().success();
    assert_ne!(inside, own);
    assert_eq!(scratch.minirun(["run", "--rm", "host", "cat", "/proc/keys"]).run().success(), "");
}

#[test]
fn no_key_is_pushed_into_the_caller_s_terminal() {
    require!(program_exists("python3"), "there is no python3, which makes any system call");
    let scratch = Scratch::new();
    let push = "import fcntl
for request in (0x5412, 0x541C, 0x7fffffff00005412):
    for byte in b'pushed\\n':
        try: fcntl.ioctl(0, request & 0xffffffff, bytes([byte]))
        except OSError: pass
try: open('/dev/tty'); print('terminal')
except OSError: print('none')";
    let read = "stty -icanon -echo min 0 time 10; dd bs=64 count=1 2>/dev/null; echo over";
    for (flags, terminal) in
        [(&["-t"][..], "terminal"), (&["-it"], "terminal"), (&["-i"], "none"), (&[], "none")]
    {
        let words = [&["run", "--rm", "--network", "none"], flags, &["host", "python3", "-c", push]].concat();
        let script = format!("\"$MINIRUN\" \"$@\"; {read}");
        let mut outer = Terminal::start(scratch.host_script(&script).args(["sh"]).args(words));
        outer.expect(terminal);
        outer.expect("over");
        outer.wait();
        assert!(!outer.rest().contains("pushed"), "{flags:?}");
    }
}

#[test]
fn root_with_subordinate_ids_has_a_user_namespace() {
    if Caller::detect() != Caller::Root || !can_mount() {
        return;
    }
    let scratch = Scratch::with_image();
    scratch.file("ids", "root:300000:65536\n");
    scratch.directory("shared");
    let script = "mount --bind \"$SCRATCH/ids\" /etc/subuid && mount --bind \"$SCRATCH/ids\" /etc/subgid
        run() { \"$MINIRUN\" run --rm --network none \"$@\"; }
        run $0 cat /proc/self/uid_map
        run -v \"$SCRATCH/shared:/x\" -v data:/y $0 sh -c 'touch /x/root /x/other /y/file && chown 7 /x/other'
        stat -c %u \"$SCRATCH/shared/root\" \"$SCRATCH/shared/other\"
        run -v data:/y $0 ls /y
        run --userns host $0 cat /proc/self/uid_map";
    let output = scratch.mounting_script(script).args([IMAGE]).run().success();
    let words: Vec<_> = output.split_whitespace().collect();
    let expected = "0 0 1 1 300000 65536 0 300006 file 0 0 4294967295";
    assert_eq!(words.join(" "), expected);
    // Without them a person is told, and a program is not.
    let mut terminal = Terminal::start(scratch.minirun(["run", "--rm", IMAGE, "true"]));
    terminal.expect("--userns host");
    assert_eq!(terminal.wait(), 0);
    assert_eq!(scratch.minirun(["run", "--rm", IMAGE, "true"]).run().stderr(), "");
}

#[test]
fn a_terminal_comes_from_no_place_of_the_image() {
    let layer = Layer::new()
        .symlink("dev/null", "/proc/sysrq-trigger")
        .symlink("dev/console", "/etc/passwd")
        .symlink("dev/pts", "/etc")
        .symlink("dev/ptmx", "/etc/passwd");
    let scratch = Scratch::with(&Image::base().layer(layer));
    let script = "test -c /dev/null && test -c /dev/console && tty && head -c 5 /etc/passwd";
    let mut terminal = Terminal::start(scratch.minirun(["run", "--rm", "-t", IMAGE, "sh", "-c", script]));
    terminal.expect("/dev/pts/0");
    terminal.expect("root:");
    assert_eq!(terminal.wait(), 0);
}

#[test]
fn a_group_that_denies_is_not_given_up() {
    require!(Caller::detect() == Caller::Root, "only root can make itself a user with a group");
    require!(program_exists("setpriv"), "there is no setpriv");
    let scratch = Scratch::new();
    let (shared, store) = (scratch.directory("shared"), scratch.directory("user-store"));
    fs::write(shared.join("file"), "denied").unwrap();
    chown(shared.join("file"), Some(0), Some(61_999)).unwrap();
    fs::set_permissions(shared.join("file"), fs::Permissions::from_mode(0o604)).unwrap();
    chown(&store, Some(USER), Some(USER)).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, IMAGE);
    let as_user = |words: &[&str]| {
        let user = USER.to_string();
        let ids = [
            "--reuid",
            &user,
            "--regid",
            &user,
            "--groups",
            "61999",
            "--inh-caps=-all",
            "--bounding-set=-all",
        ];
        let call = Call::new("setpriv").args(ids).args([scratch.program()]).args(words);
        call.env("MINIRUN_STORE", &store).env("MINIRUN_NETWORK", "none").env("HOME", "/").run()
    };
    as_user(&["load", "-q", "-i", layout.to_str().unwrap()]).success();
    let bind = format!("{}:/shared", shared.display());
    let outcome = as_user(&["run", "--rm", "-v", &bind, IMAGE, "cat", "/shared/file"]);
    assert!(outcome.code == Some(1) && outcome.stderr().contains("ermission denied"), "{outcome}");
    assert!(outcome.stderr().contains("keeps your groups 61999"), "{outcome}");
}
