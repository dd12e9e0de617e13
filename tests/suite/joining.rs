//! A container that is its enemy's: what a process shows of itself that enters one.
//!
//! - `MINIRUN_TEST_TORTURE=N`: N times as many rounds.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::support::{Caller, IMAGE, Scratch, eventually, processes_with, torture, unique_seconds};

/// What the thief is started with: device and inode of minirun's program.
const PROGRAM: &str = "MINIRUN_TEST_PROGRAM";
/// What only the launcher's environment, or its command line, has.
const SECRET: &str = "a-secret-of-the-launcher";
/// What only the launcher has open.
const CANARY: &str = "canary-of-the-launcher";
/// What the launcher's program is called.
const NAME: &str = "minirun\n";

/// What it says of minirun's file.
const OWN_PROGRAM: &str = "got minirun's own program";

/// A container called `one` whose only process looks at everything that comes; its `/thief` is shared with this test.
struct Den {
    scratch: Scratch,
    shared: PathBuf,
}

impl Den {
    fn new(flags: &[&str]) -> Self {
        let scratch = Scratch::new();
        scratch.own_program();
        let shared = scratch.directory("shared");
        let program = fs::metadata(scratch.program()).unwrap();
        let identity = format!("{PROGRAM}={}:{}", program.dev(), program.ino());
        let own = std::env::current_exe().unwrap();
        let mounts = [format!("{}:/thief:ro", own.display()), format!("{}:/shared", shared.display())];
        let run = scratch
            .minirun(["run", "-d", "--name", "one", "-e", &identity, "-v", &mounts[0], "-v", &mounts[1]]);
        let command =
            ["host", "/thief", "--exact", "joining::thief", "--ignored", "--nocapture", "--test-threads=1"];
        run.args(flags).args(command).run().success();
        eventually("the thief is there", || shared.join("ready").exists());
        Self { scratch, shared }
    }

    /// Lets the thief end; how often it has seen minirun, and what it has got hold of.
    fn close(&self) -> (usize, String) {
        fs::write(self.shared.join("over"), "").unwrap();
        self.scratch.minirun(["wait", "one"]).run().success();
        let log = fs::read_to_string(self.shared.join("log")).unwrap();
        let seen = log.lines().find_map(|line| line.strip_prefix("seen ")?.parse().ok());
        let got: Vec<_> = log.lines().filter(|line| line.starts_with("got ")).take(20).collect();
        (seen.unwrap_or_else(|| panic!("{log}")), got.join("\n"))
    }
}

/// What a hostile process has found out.
struct Loot {
    seen: usize,
    kept: Vec<fs::File>,
    log: fs::File,
}

impl Loot {
    fn look_at(&mut self, pid: i32, program: (u64, u64)) {
        let at = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
        let is_launcher = || fs::read_to_string(at("comm")).is_ok_and(|name| name == NAME);
        self.seen += usize::from(is_launcher());
        for name in ["exe", "cwd", "root"] {
            let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(at(name));
            if let Ok(file) = opened
                && (is_launcher()
                    || file.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == program))
            {
                self.note(&format!("got {name} of {pid}"));
                if file.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == program) {
                    self.note(OWN_PROGRAM);
                }
                self.kept.push(file);
            }
        }
        for entry in fs::read_dir(at("fd")).into_iter().flatten().flatten() {
            // Their numbers are no secret where the container has the machine's own root.
            let Ok(leads_to) = fs::read_link(entry.path()) else { continue };
            if is_launcher() || leads_to.to_string_lossy().contains(CANARY) {
                self.note(&format!("got {} of {pid}, {}", entry.path().display(), leads_to.display()));
            }
        }
        for name in ["environ", "cmdline"] {
            let text = fs::read(at(name)).unwrap_or_default();
            if String::from_utf8_lossy(&text).contains(SECRET) {
                self.note(&format!("got {name} of {pid}: {}", String::from_utf8_lossy(&text)));
            }
        }
        if fs::File::open(at("mem")).is_ok_and(|mut memory| memory.read(&mut [0]).is_ok() || is_launcher())
            && is_launcher()
        {
            self.note(&format!("got mem of {pid}"));
        }
        self.trace(pid, &is_launcher);
    }

    fn note(&self, text: &str) {
        writeln!(&self.log, "{text}").unwrap();
    }

    fn trace(&self, pid: i32, is_launcher: &dyn Fn() -> bool) {
        let pid = Pid::from_raw(pid);
        if ptrace::seize(pid, ptrace::Options::empty()).is_ok() {
            if is_launcher() {
                self.note(&format!("got to trace {pid}"));
            }
            let stopped = ptrace::interrupt(pid).is_ok();
            if stopped && waitpid(pid, Some(WaitPidFlag::__WALL)).is_ok() {
                let _ = ptrace::detach(pid, None);
            }
        }
    }

    /// Writes to what it has kept when nobody runs it any more.
    fn spoil(&self) {
        for file in &self.kept {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            match fs::OpenOptions::new().write(true).open(path) {
                Ok(_) => self.note("got to write"),
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => self.note("got what is busy"),
                Err(_) => {}
            }
        }
    }
}

#[test]
#[ignore = "the hostile process itself, which the tests here start in a container"]
fn thief() {
    let Ok(program) = std::env::var(PROGRAM) else { return };
    let (device, inode) = program.split_once(':').unwrap();
    let program = (device.parse().unwrap(), inode.parse().unwrap());
    let own = std::process::id().cast_signed();
    let mut loot = Loot { seen: 0, kept: Vec::new(), log: fs::File::create("/shared/log").unwrap() };
    fs::write("/shared/ready", "").unwrap();
    let patience = Instant::now() + Duration::from_secs(600);
    while !Path::new("/shared/over").exists() && Instant::now() < patience {
        // The numbers of what comes next are near those of what came last.
        let names = fs::read_dir("/proc").unwrap().flatten();
        let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| *pid != own).for_each(|pid| loot.look_at(pid, program));
    }
    loot.spoil();
    let seen = loot.seen;
    loot.note(&format!("seen {seen}"));
}

/// Enters the container again and again.
fn enter(den: &Den, flags: &[&str], rounds: usize) {
    let canary = den.scratch.directory(CANARY);
    for _ in 0..rounds {
        let exec = den.scratch.minirun(["exec", "-e", &format!("SHOWN={}", &SECRET[..8])]).args(flags);
        let call = exec.args(["one", "true"]).env("LAUNCHER", SECRET).current_dir(&canary);
        call.run().success();
    }
}

#[test]
fn a_process_that_enters_shows_nothing_of_itself() {
    // The machine's root, who has asked for it, is not kept from looking at anybody.
    let traces = ["--cap-add", "SYS_PTRACE", "--cap-add", "DAC_READ_SEARCH"];
    let more = if Caller::detect() == Caller::Root { &[][..] } else { &traces };
    for flags in [&[][..], more] {
        let den = Den::new(flags);
        enter(&den, &[], torture(40));
        enter(&den, &["-d"], torture(10));
        let (seen, got) = den.close();
        assert!(seen > 0, "the thief was never fast enough");
        assert_eq!(got, "", "{flags:?}, of {seen} that it saw");
    }
}

#[test]
fn who_may_look_at_all_processes_gets_hold_of_a_copy_only() {
    // For others the namespace stands in between.
    if Caller::detect() != Caller::Root {
        return;
    }
    let den = Den::new(&["--userns", "host", "--cap-add", "SYS_PTRACE"]);
    enter(&den, &[], torture(40));
    enter(&den, &["-d"], torture(10));
    den.close();
    let log = fs::read_to_string(den.shared.join("log")).unwrap();
    assert!(log.contains("got exe of"), "the thief was never fast enough: {log}");
    assert!(!log.contains(OWN_PROGRAM), "{log}");
}

/// Commands that lead to the program of whoever executes them.
fn roundabout(den: &Path) -> [String; 2] {
    let script = den.join("script");
    fs::write(&script, "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    ["/proc/self/exe".to_owned(), "/shared/script".to_owned()]
}

#[test]
fn minirun_is_no_program_of_the_container() {
    let scratch = Scratch::with_image();
    scratch.own_program();
    let before = fs::read(scratch.program()).unwrap();
    let shared = scratch.directory("shared");
    let bind = format!("{}:/shared", shared.display());
    scratch.minirun(["run", "-d", "--name", "one", "-v", &bind, IMAGE, "sleep", "1000"]).run().success();
    for command in roundabout(&shared) {
        for flags in [
            &["run", "--rm", "-v", &bind, IMAGE][..],
            &["run", "--rm", "--init", "-v", &bind, IMAGE],
            &["exec", "one"],
        ] {
            let ended = scratch.minirun(flags).args([&command, "--version"]).run();
            assert_eq!(ended.exits(126), "", "{command} {flags:?}");
        }
    }
    assert!(before == fs::read(scratch.program()).unwrap());
}

#[test]
fn nobody_gets_hold_of_minirun_by_a_script() {
    let den = Den::new(&[]);
    for command in roundabout(&den.shared).iter().cycle().take(torture(20)) {
        den.scratch.minirun(["exec", "one", command]).run().exits(126);
    }
    assert_eq!(den.close().1, "");
}

#[test]
fn what_cannot_be_executed_is_told_by_whoever_started_it() {
    let scratch = Scratch::with_image();
    let script = "cd /tmp; echo '#!/no/such/interpreter' >lost; echo garbage >garbage; chmod 755 lost garbage
        mkdir -p a b; echo 'echo found' >b/tool; chmod 755 b/tool; echo >a/tool; exec sleep 1000";
    scratch.detach(&["--name", "one"], script);
    eventually("the files are there", || {
        scratch.minirun(["exec", "one", "test", "-e", "/tmp/a/tool"]).run().code == Some(0)
    });
    for exec in [&["exec"][..], &["exec", "-d"], &["exec", "-t"]] {
        let call = |words: &[&str]| {
            scratch.minirun(exec).args(["-e", "PATH=/tmp/a:/tmp/b", "one"]).args(words).run()
        };
        let missing = call(&["no-such-tool"]);
        assert!(missing.fails(127).contains("in the container (PATH=/tmp/a:/tmp/b)"), "{missing}");
        let lost = call(&["/tmp/lost"]);
        assert!(lost.fails(126).contains("interpreter or loader"), "{lost}");
        let refused = call(&["/tmp/a/tool"]);
        assert!(refused.fails(126).contains("execve(\"/tmp/a/tool\"): EACCES"), "{refused}");
        let garbage = call(&["/tmp/garbage"]);
        assert!(garbage.fails(126).contains("ENOEXEC"), "{garbage}");
    }
}

#[test]
fn limits_of_the_command_are_not_those_of_its_start() {
    let scratch = Scratch::with_image();
    for limit in ["fsize=0", "nofile=4", "data=0", "memlock=0"] {
        scratch.shell(&["--ulimit", limit], "echo done").run();
        let outcome = scratch.minirun(["run", "--rm", "--ulimit", limit, IMAGE, "no-such-tool"]).run();
        assert!(outcome.fails(127).contains("no-such-tool"), "{limit}: {outcome}");
    }
}

#[test]
fn a_container_that_stops_what_comes_holds_nobody() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "while :; do kill -s STOP -- -1; done");
    let seconds = unique_seconds();
    let started = |exec: &[&str]| scratch.minirun(exec).args(["one", "sleep", &seconds]).start();
    for exec in [&["exec"][..], &["exec", "-t"], &["exec", "-d"]] {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            for pause in [0, 100] {
                let running = started(exec);
                // Some are stopped before they are the command, and some after it.
                std::thread::sleep(Duration::from_millis(150 + pause));
                running.signal(signal);
                let ended = running.wait();
                let detached = exec.contains(&"-d") && ended.code == Some(0);
                // Early or late it is minirun's own, as of any program.
                let code = ended.code.or(ended.signal.map(|signal| 128 + signal));
                assert!(detached || code == Some(128 + signal as i32), "{exec:?} {signal}: {ended}");
            }
        }
    }
    scratch.minirun(["rm", "-f", "one"]).run().success();
    eventually("nothing is left", || processes_with(&seconds) == 0);
}
