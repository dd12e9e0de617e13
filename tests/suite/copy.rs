//! `cp`: files between a container and the host.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use nix::sys::signal::Signal;

use crate::support::{Call, Caller, IMAGE, Layer, Outcome, Running, Scratch, eventually};

/// A container called `one`, running or ended, with a volume at `/data` and a bind at `/bound`.
struct Container {
    scratch: Scratch,
    running: Option<Running>,
}

const STATES: [bool; 2] = [true, false];

impl Container {
    fn new(runs: bool, script: &str) -> Self {
        Self::with(Scratch::with_image(), runs, script)
    }

    fn with(scratch: Scratch, runs: bool, script: &str) -> Self {
        let bind = format!("{}:/bound", scratch.directory("bound").display());
        let run =
            scratch.minirun(["run", "--name", "one", "-v", "data:/data", "-v", &bind, IMAGE, "sh", "-c"]);
        let running = if runs {
            let running = run.args([format!("{script}\ntouch /tmp/ready; exec sleep 1000")]).start();
            eventually("the container is ready", || {
                scratch.minirun(["exec", "one", "test", "-e", "/tmp/ready"]).run().code == Some(0)
            });
            Some(running)
        } else {
            run.args([script]).run().success();
            None
        };
        Self { scratch, running }
    }

    fn cp(&self, args: &[&str]) -> Call {
        self.scratch.minirun(["cp"]).args(args)
    }

    fn path(&self, name: &str) -> String {
        self.scratch.text(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path(name)).unwrap()
    }

    /// What a shell in a container with the same files and volumes says.
    fn ask(&self, script: &str) -> String {
        if self.running.is_some() {
            return self.scratch.minirun(["exec", "one", "sh", "-c", script]).run().success();
        }
        self.scratch.minirun(["commit", "-q", "one", "asked"]).run().success();
        self.scratch.minirun(["run", "--rm", "-v", "data:/data", "asked", "sh", "-c", script]).run().success()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::SIGKILL);
            running.wait();
        }
        self.scratch.assert_nothing_left_running();
    }
}

#[track_caller]
fn says(outcome: &Outcome, text: &str) {
    assert!(outcome.fails(1).contains(text), "{outcome}");
}

#[test]
fn files_come_out() {
    for runs in STATES {
        let script = "mkdir -p /d/sub; echo a >/d/file; echo b >/d/sub/deep; ln -s file /d/link; chmod 4750 /d/file; \
            echo v >/data/volume; echo w >/bound/bound";
        let container = Container::new(runs, script);
        let out = container.path("out");
        container.cp(&["one:/d/file", &out]).run().success();
        let metadata = fs::metadata(&out).unwrap();
        assert_eq!((container.read("out").as_str(), metadata.mode() & 0o7777), ("a\n", 0o750));
        assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw());
        // Onto a file, into a directory, with a new name.
        container.cp(&["one:/d/sub/deep", &out]).run().success();
        assert_eq!(container.read("out"), "b\n");
        let into = container.scratch.directory("into");
        container.cp(&["one:d/file", into.to_str().unwrap()]).run().success();
        assert_eq!(container.read("into/file"), "a\n");
        // A directory that does not exist, one that does, and only what is in it.
        container.cp(&["one:/d", &container.path("new")]).run().success();
        assert_eq!(container.read("new/sub/deep"), "b\n");
        assert_eq!(fs::read_link(container.scratch.path("new/link")).unwrap().to_str(), Some("file"));
        container.cp(&["one:/d", &container.path("new")]).run().success();
        assert_eq!(container.read("new/d/sub/deep"), "b\n");
        container.cp(&["one:/d/.", &container.path("into")]).run().success();
        assert_eq!(container.read("into/sub/deep"), "b\n");
        // Links, and what they lead to.
        container.cp(&["one:/d/link", &container.path("link")]).run().success();
        assert!(fs::symlink_metadata(container.path("link")).unwrap().is_symlink());
        container.cp(&["-L", "one:/d/link", &container.path("followed")]).run().success();
        assert_eq!(container.read("followed"), "a\n");
        // Volumes and binds are files of the container.
        container.cp(&["one:/data/volume", &container.path("volume")]).run().success();
        assert_eq!(container.read("volume"), "v\n");
        container.cp(&["one:/bound", &container.path("copied")]).run().success();
        assert_eq!(container.read("copied/bound"), "w\n");
    }
}

#[test]
fn files_go_in() {
    for runs in STATES {
        let container = Container::new(runs, "true");
        let file = container.scratch.file("file", "a\n");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let tree = container.scratch.directory("tree/sub");
        fs::write(tree.join("deep"), "b\n").unwrap();
        symlink("sub/deep", container.scratch.path("tree/link")).unwrap();
        for (from, to) in [
            ("file", "one:/file"),
            ("file", "one:/seed"),
            ("file", "one:/seed/link"),
            ("tree", "one:/tree"),
            ("tree", "one:/tree"),
            ("tree/.", "one:/data"),
            ("tree/sub", "one:relative"),
        ] {
            container.cp(&[&container.path(from), to]).run().success();
        }
        let script = "cat /file /seed/file /tree/sub/deep /tree/tree/link /data/sub/deep /relative/deep; \
            stat -c '%u %g %a' /file; readlink /seed/link";
        assert_eq!(container.ask(script), "a\na\nb\nb\nb\nb\n0 0 640\nfile");
        if !runs {
            // The next who looks finds the volume's files where volumes keep them, and none below.
            let diff = container.scratch.minirun(["diff", "one"]).run().success();
            assert!(diff.contains("A /tree/sub/deep") && !diff.contains("/data/sub"), "{diff}");
        }
    }
}

#[test]
fn archives_both_ways() {
    for runs in STATES {
        let container =
            Container::new(runs, "mkdir -p /d/sub; echo a >/d/sub/file; ln /d/sub/file /d/second");
        let tar = container.scratch.path("out.tar");
        let piped = format!("\"$MINIRUN\" cp one:/d - >{}", tar.display());
        container.scratch.host_script(&piped).run().success();
        let list = Call::new("tar").args(["-tf"]).args([&tar]).run().success();
        assert_eq!(list, "d/\nd/second\nd/sub/\nd/sub/file");
        container.cp(&["-", "one:/data"]).input(fs::read(&tar).unwrap()).run().success();
        assert_eq!(container.ask("cat /data/d/sub/file; stat -c %u /data/d"), "a\n0");
        if Caller::detect().has_many_ids() {
            let layer = Layer::new().owned_by(1234, 3456).file("owned", 0o600, "x").finish();
            container.cp(&["-", "one:/"]).input(layer).run().success();
            assert_eq!(container.ask("stat -c '%u %g %a' /owned"), "1234 3456 600");
        }
        let hostile = Layer::new().symlink("out", "/tmp").file("out/../../escape", 0o644, "x").finish();
        container.cp(&["-", "one:/data"]).input(hostile).run().fails(1);
        says(&container.cp(&["-", "one:/seed/file"]).input("x").run(), "no directory");
        says(&container.cp(&["-", "one:/data"]).input("nonsense").run(), "cannot unpack");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for runs in STATES {
        let container = Container::new(runs, "mkdir -p /x/seed/file");
        let file = container.scratch.file("file", "a");
        let file = file.to_str().unwrap();
        let tree = container.scratch.directory("tree");
        let tree = tree.to_str().unwrap();
        says(&container.cp(&["one:/no/such", file]).run(), "/no/such");
        says(&container.cp(&["one:/seed", file]).run(), "which is a file");
        says(&container.cp(&[tree, "one:/seed/file"]).run(), "which is a file");
        says(&container.cp(&[file, "one:/missing/"]).run(), "no directory `/missing/`");
        says(&container.cp(&[file, "one:/missing/file"]).run(), "/missing/file");
        says(&container.cp(&["one:/seed/file/", file]).run(), "/seed/file/");
        says(&container.cp(&["one:/seed", &container.path("tree/../no/x")]).run(), "no/x");
        container.cp(&["one:/x/seed", tree]).run().success();
        says(&container.cp(&["one:/seed", tree]).run(), "one side has a directory");
        says(&container.cp(&["one:/a", "one:/b"]).run(), "both ends");
        says(&container.cp(&[file, tree]).run(), "neither end");
        says(&container.cp(&["other:/a", tree]).run(), "there is no container `other`");
    }
}

#[test]
fn nothing_goes_into_a_mount_that_has_ended() {
    let scratch = Scratch::with_image();
    let bound = scratch.directory("bound").display().to_string();
    let (reviewed, kept) = (format!("{bound}:/reviewed:cow"), format!("{bound}:/reviewed/kept"));
    let mounts = ["-v", &reviewed, "-v", &kept, "--tmpfs", "/scratch"];
    fs::create_dir(scratch.path("bound/kept")).unwrap();
    scratch.minirun(["run", "--name", "one"]).args(mounts).args([IMAGE, "true"]).run().success();
    fs::write(scratch.path("file"), "content\n").unwrap();
    let file = scratch.text("file");
    for destination in ["one:/reviewed", "one:reviewed/../reviewed/new", "one:/scratch/file"] {
        let outcome = scratch.minirun(["cp", &file, destination]).run();
        says(&outcome, "is there only while it runs");
    }
    // A bind below is as it was, and so is everything else.
    scratch.minirun(["cp", &file, "one:/reviewed/kept/"]).run().success();
    assert_eq!(fs::read_to_string(scratch.path("bound/file")).unwrap(), "content\n");
    scratch.minirun(["cp", &file, "one:/elsewhere"]).run().success();
    let outcome = scratch.minirun(["cp", "one:/elsewhere", &scratch.text("back")]).run();
    assert!(outcome.stderr().contains("the mount at `/reviewed` is not there"), "{outcome}");
}

#[test]
fn no_symlink_leads_out() {
    for runs in STATES {
        let scratch = Scratch::with_image();
        let secret = scratch.file("secret", "of the host\n");
        let outside = scratch.directory("outside");
        let script = format!(
            "ln -s {0} /secret; ln -s {1} /outside; ln -s /proc/1/root /root-link; ln -s ../../../../..{0} /up; \
             mkdir /tree; ln -s {1} /tree/sub; echo inside >/tmp/inside",
            secret.display(),
            outside.display()
        );
        let container = Container::with(scratch, runs, &script);
        let out = container.path("out");
        for path in ["/secret", "/up", "/outside/x", "/root-link/etc/passwd"] {
            container.cp(&["-L", &format!("one:{path}"), &out]).run().fails(1);
        }
        // A link on the container's side ends in the container, and one that came with a tree is never followed.
        let file = container.scratch.file("file", "new\n");
        let file = file.to_str().unwrap();
        container.cp(&[file, "one:/secret"]).run().fails(1);
        container.cp(&[file, "one:/outside/file"]).run().fails(1);
        assert_eq!(container.read("secret"), "of the host\n");
        container.cp(&["one:/tree", &out]).run().success();
        let inner = container.scratch.directory("tree/sub");
        fs::write(inner.join("planted"), "x").unwrap();
        says(&container.cp(&[&container.path("tree/."), "one:/tree"]).run(), "one side has a directory");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

#[test]
fn a_link_that_is_swapped_meanwhile_leads_nowhere() {
    let scratch = Scratch::with_image();
    let secret = scratch.directory("secret");
    fs::write(secret.join("file"), "of the host").unwrap();
    let script = format!(
        "mkdir /real; echo inside >/real/file; cd /; (while :; do ln -sfn {} /swap; rm -f /swap; mkdir /swap; \
         echo inside >/swap/file; rm -r /swap; done) >/dev/null 2>&1 &",
        secret.display()
    );
    let container = Container::with(scratch, true, &script);
    for number in 0..30 {
        let out = container.path(&format!("out-{number}"));
        container.cp(&["one:/swap", &out]).run();
        // A link is copied as a link; what is a directory holds nothing of the host's.
        if fs::symlink_metadata(&out).is_ok_and(|metadata| metadata.is_dir())
            && let Ok(text) = fs::read_to_string(format!("{out}/file"))
        {
            assert!(text.is_empty() || text == "inside\n", "{text}");
        }
    }
}

#[test]
fn owners_are_kept_when_asked() {
    if Caller::detect() == Caller::Root {
        let container = Container::new(true, "true");
        let file = container.scratch.file("file", "a");
        std::os::unix::fs::chown(&file, Some(1234), Some(3456)).unwrap();
        container.cp(&["-a", file.to_str().unwrap(), "one:/kept"]).run().success();
        container.cp(&[file.to_str().unwrap(), "one:/dropped"]).run().success();
        assert_eq!(container.ask("stat -c '%u %g' /kept /dropped"), "1234 3456\n0 0");
    }
}

#[test]
fn files_of_other_users_come_out_as_the_callers() {
    if Caller::detect().has_many_ids() {
        for runs in STATES {
            let container =
                Container::new(runs, "mkdir /p; echo a >/p/f; chown -R app /p; chmod 700 /p; chmod 600 /p/f");
            container.cp(&["one:/p", &container.path("p")]).run().success();
            assert_eq!(container.read("p/f"), "a\n");
            let owner = fs::metadata(container.path("p/f")).unwrap().uid();
            assert_eq!(owner, rustix::process::geteuid().as_raw());
        }
    }
}

#[test]
fn a_read_only_container_and_one_of_the_hosts_files() {
    let scratch = Scratch::with_image();
    let file = scratch.file("file", "a");
    let flags = ["run", "--rm", "--name", "one", "--read-only", "--tmpfs", "/tmp", IMAGE, "sh", "-c"];
    let running = scratch.minirun(flags).args(["touch /tmp/ready; exec sleep 1000"]).start();
    eventually("it is ready", || {
        scratch.minirun(["exec", "one", "test", "-e", "/tmp/ready"]).run().code == Some(0)
    });
    let said = scratch.minirun(["cp", file.to_str().unwrap(), "one:/"]).run();
    says(&said, "EROFS");
    says(&said, "without --read-only");
    scratch.minirun(["cp", file.to_str().unwrap(), "one:/tmp"]).run().success();
    assert_eq!(scratch.minirun(["exec", "one", "cat", "/tmp/file"]).run().success(), "a");
    running.signal(Signal::SIGKILL);
    running.wait();
    // Nor does one that has ended take anything that it could not have written.
    scratch
        .minirun(["run", "--name", "ended", "--read-only", "-v", "data:/data", IMAGE, "true"])
        .run()
        .success();
    says(
        &scratch.minirun(["cp", file.to_str().unwrap(), "ended:/etc/x"]).run(),
        "root filesystem is read-only",
    );
    scratch.minirun(["cp", file.to_str().unwrap(), "ended:/data/x"]).run().success();
    scratch.minirun(["cp", "ended:/data/x", "-"]).run().success();
    scratch.minirun(["run", "--name", "two", "host", "true"]).run().success();
    says(&scratch.minirun(["cp", "two:/etc/passwd", "."]).run(), "keeps no files of its own");
}
