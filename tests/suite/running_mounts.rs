//! Mounts that come and go while a container runs, and the table of what is mounted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{Caller, IMAGE, Image, Layer, Running, Scratch, can_mount, eventually, require};

/// A container that does what scripts in a shared directory say, until it is told to stop.
struct Busy<'a> {
    scratch: &'a Scratch,
    running: Option<Running>,
    control: PathBuf,
}

const LOOP: &str = "while [ ! -e /ctl/stop ]; do if [ -e /ctl/do ]; then mv /ctl/do /ctl/doing
    sh /ctl/doing >/ctl/said 2>&1; mv /ctl/said /ctl/done; else sleep 0.02; fi; done";

impl<'a> Busy<'a> {
    fn start(scratch: &'a Scratch, flags: &[&str]) -> Self {
        Self::of(scratch, flags, IMAGE)
    }

    fn of(scratch: &'a Scratch, flags: &[&str], image: &str) -> Self {
        let control = scratch.directory("ctl");
        let _ = fs::remove_file(control.join("stop"));
        let flag = format!("{}:/ctl", control.display());
        let call = scratch.minirun(["run", "--rm", "--name", "busy", "-v", &flag]).args(flags);
        let running = call.args([image, "sh", "-c", LOOP]).start();
        let busy = Self { scratch, running: Some(running), control };
        eventually("the container does what it is told", || busy.state("Running") == "true");
        busy.shell("true");
        // The command may have done that before whoever started it has written down that it runs.
        eventually("its start is written down", || {
            scratch.listing().iter().any(|path| path.ends_with("started.json"))
        });
        busy
    }

    /// What a shell in the container says to `script`.
    fn shell(&self, script: &str) -> String {
        let (next, done) = (self.control.join("next"), self.control.join("done"));
        fs::write(&next, script).unwrap();
        fs::rename(next, self.control.join("do")).unwrap();
        eventually("the container has done it", || done.exists());
        let said = fs::read(&done).unwrap();
        fs::remove_file(done).unwrap();
        String::from_utf8_lossy(&said).trim_end_matches('\n').to_owned()
    }

    fn state(&self, field: &str) -> String {
        let template = format!("{{{{.State.{field}}}}}");
        self.scratch.minirun(["inspect", "busy", "--format", &template]).run().stdout().trim().to_owned()
    }

    fn mount(&self, spec: &str) {
        self.scratch.minirun(["mount", "busy", spec]).run().success();
    }

    fn umount(&self, destination: &str) {
        self.scratch.minirun(["umount", "busy", destination]).run().success();
    }

    /// The line of the mount at `point`, as the container sees it.
    fn line(&self, point: &str) -> Option<String> {
        let table = self.shell("cat /proc/self/mountinfo");
        table.lines().find(|line| line.split(' ').nth(4) == Some(point)).map(str::to_owned)
    }

    fn inspected(&self) -> Value {
        let text = self.scratch.minirun(["inspect", "busy"]).run().success();
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    fn table(&self) -> Vec<Value> {
        let text = self.scratch.minirun(["mounts", "busy", "--format", "json"]).run().success();
        serde_json::from_str(&text).unwrap()
    }

    fn row(&self, destination: &str) -> Value {
        let rows = self.table();
        let row = rows.iter().find(|row| row["Destination"] == destination);
        row.unwrap_or_else(|| panic!("no {destination} in {rows:?}")).clone()
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let _ = fs::write(self.control.join("stop"), "");
        if let Some(running) = self.running.take() {
            running.wait();
        }
    }
}

#[test]
fn files_directories_volumes_and_memory_come_and_go() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    fs::write(shared.join("in"), "from host").unwrap();
    let file = scratch.file("one", "one");
    let busy = Busy::start(&scratch, &[]);

    busy.mount(&format!("{}:/new/deep", shared.display()));
    assert_eq!(busy.shell("cat /new/deep/in; echo back >/new/deep/out; stat -c %a /new"), "from host755");
    assert_eq!(fs::read_to_string(shared.join("out")).unwrap(), "back\n");
    busy.mount(&format!("{}:/etc/os-release:ro", file.display()));
    assert_eq!(busy.shell("cat /etc/os-release"), "one");
    assert!(busy.shell("echo x >/etc/os-release").contains("Read-only file system"));
    busy.mount("data:/data");
    busy.shell("echo kept >/data/file");
    scratch.minirun(["mount", "--tmpfs", "/memory:size=64k,mode=700", "busy"]).run().success();
    assert_eq!(busy.shell("stat -c %a /memory; ls -A /memory"), "700");
    assert!(busy.line("/memory").unwrap().contains("size=64k"));

    for destination in ["/new/deep", "/etc/os-release", "/data", "/memory"] {
        busy.umount(destination);
        assert_eq!(busy.line(destination), None, "{destination}");
    }
    assert_eq!(busy.shell("cat /etc/os-release; ls -A /data"), "ID=minirun-test");
    drop(busy);
    assert_eq!(scratch.shell(&["-v", "data:/data"], "cat /data/file").run().success(), "kept");
}

#[test]
fn every_form_of_a_spec_is_taken() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("a:b");
    fs::write(shared.join("file"), "colon").unwrap();
    let busy = Busy::start(&scratch, &[]);
    let bind = format!("type=bind,src={},dst=/a,readonly", shared.display());
    busy.mount(&bind);
    assert_eq!(busy.shell("cat /a/file"), "colon");
    for (flag, value) in [("--mount", bind.replace("/a,", "/b,")), ("-v", "data:/c".to_owned())] {
        scratch.minirun(["container", "mount", flag, &value, "busy"]).run().success();
    }
    scratch.minirun(["mount", "busy", "./a:b:/x"]).current_dir(&scratch.path("")).run().refused();
    scratch.directory("plain");
    scratch.minirun(["mount", "busy", "./plain:/d"]).current_dir(&scratch.path("")).run().success();
    assert_eq!(busy.shell("cat /b/file; ls -d /c /d"), "colon/c\n/d");
    scratch.minirun(["container", "umount", "busy", "/a", "/b/", "//c", "/d"]).run().success();
    assert_eq!(busy.shell("ls -A /a /b /c /d | grep file"), "");
}

#[test]
fn what_is_seen_of_images_layers_and_parts() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    fs::write(source.join("file"), "below").unwrap();
    scratch.shell(&["-v", "data:/data"], "mkdir -p /data/part; echo part >/data/part/file").run().success();
    let busy = Busy::start(&scratch, &[]);
    busy.mount("type=volume,src=data,dst=/part,volume-subpath=part");
    assert_eq!(busy.shell("cat /part/file"), "part");
    busy.mount(&format!("type=image,src={IMAGE},dst=/image"));
    assert_eq!(busy.shell("cat /image/seed/file; touch /image/x 2>&1 | grep -c Read-only"), "seeded\n1");
    busy.mount(&format!("{}:/layer:O", source.display()));
    assert_eq!(busy.shell("cat /layer/file; echo above >/layer/file; cat /layer/file"), "belowabove");
    assert_eq!(fs::read_to_string(source.join("file")).unwrap(), "below");
}

#[test]
fn a_destination_never_leaves_the_container() {
    let scratch = Scratch::new();
    let victim = scratch.directory("victim");
    let layer = Layer::new()
        .symlink("out", victim.to_str().unwrap())
        .symlink("up", "../../../..")
        .symlink("dangling", "/made/inside")
        .symlink("self", "self")
        .symlink("root", "/");
    scratch.load(&Image::base().layer(layer), IMAGE);
    let shared = scratch.directory("shared");
    fs::write(shared.join("file"), "shared").unwrap();
    let busy = Busy::start(&scratch, &[]);
    for destination in ["/out/a", "/up/b", "/../../c", "/dangling"] {
        busy.mount(&format!("{}:{destination}", shared.display()));
        assert_eq!(busy.shell(&format!("cat {destination}/file")), "shared", "{destination}");
        assert_eq!(busy.row(&busy.shell(&format!("cd -P {destination}; pwd")))["Origin"], "mount");
        busy.umount(destination);
    }
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
    for (destination, reason) in [
        ("/self/x", "ELOOP"),
        ("/root", "leads to the root"),
        ("/proc/self/x", "procfs"),
        ("/proc", "procfs"),
    ] {
        let spec = format!("{}:{destination}", shared.display());
        let outcome = scratch.minirun(["mount", "busy", &spec]).run();
        assert!(outcome.refused().contains(reason), "{outcome}");
    }
}

#[test]
fn a_place_is_taken_once() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &["-v", "first:/first"]);
    busy.mount("second:/second");
    for destination in ["/first", "/second", "/dev/shm", "/etc/hosts", "/ctl/"] {
        let outcome = scratch.minirun(["mount", "busy", &format!("third:{destination}")]).run();
        let text = outcome.refused();
        assert!(text.contains("already") || text.contains("is a file"), "{outcome}");
    }
    let outcome = scratch.minirun(["mount", "busy", "third:/second"]).run();
    assert!(outcome.refused().contains("minirun umount"), "{outcome}");
    // What was made for a mount that is refused goes again.
    assert!(!scratch.store().join("volumes/third").exists());
    let spec = format!("{}:/second", scratch.text("not-there/deep"));
    scratch.minirun(["mount", "busy", &spec]).run().refused();
    assert!(!scratch.path("not-there").exists());
}

#[test]
fn a_read_only_root_takes_mounts_where_it_has_a_point() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &["--read-only", "--tmpfs", "/tmp"]);
    let outcome = scratch.minirun(["mount", "busy", "data:/not/there"]).run();
    assert!(outcome.refused().contains("read-only"), "{outcome}");
    busy.mount("data:/seed");
    busy.mount("data:/tmp/there");
    assert_eq!(busy.shell("echo x >/seed/x; cat /tmp/there/x; ls /seed"), "x\nx");
}

#[test]
fn every_user_namespace_can_be_entered() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    fs::write(shared.join("file"), "shared").unwrap();
    let mut modes = vec!["single", "keep-id"];
    if Caller::detect() == Caller::Root {
        modes.push("host");
    }
    for mode in modes {
        let busy = Busy::start(&scratch, &["--userns", mode]);
        busy.mount(&format!("{}:/new/x", shared.display()));
        busy.mount("data:/data");
        busy.mount("type=tmpfs,dst=/memory");
        assert_eq!(busy.shell("cat /new/x/file; ls -d /data /memory"), "shared/data\n/memory", "{mode}");
        let owner = busy.shell("stat -c %u /new");
        // With one ID alone there is nobody else to give it to.
        assert!(owner == "0" || !Caller::detect().has_many_ids(), "{mode}: {owner}");
        busy.umount("/new/x");
    }
    if Caller::detect().has_many_ids() {
        scratch.shell(&["-v", "data:/data"], "chmod 777 /data").run().success();
        fs::set_permissions(scratch.path("ctl"), fs::Permissions::from_mode(0o777)).unwrap();
        let busy = Busy::start(&scratch, &["--user", "app"]);
        busy.mount("data:/data");
        assert_eq!(busy.shell("id -u; touch /data/mine; stat -c %u /data/mine"), "1234\n1234");
    }
}

#[test]
fn a_container_with_init_and_the_machine_s_own_root_take_mounts() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    fs::write(shared.join("file"), "shared").unwrap();
    for (flags, image) in [(&["--init"][..], IMAGE), (&[], "host"), (&["--driver", "vfs"], IMAGE)] {
        let busy = Busy::of(&scratch, flags, image);
        busy.mount(&format!("{}:/new/x", shared.display()));
        assert_eq!(busy.shell("cat /new/x/file"), "shared", "{flags:?} {image}");
        assert_eq!(busy.row("/new/x")["Origin"], "mount");
        busy.umount("/new/x");
    }
    assert!(!PathBuf::from("/new/x").exists());
}

#[test]
fn only_what_was_asked_for_is_taken_away() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &["-v", "data:/data", "--tmpfs", "/memory"]);
    for destination in ["/proc", "/dev", "/dev/null", "/sys", "/etc/hosts", "/", "/proc/keys"] {
        let outcome = scratch.minirun(["umount", "busy", destination]).run();
        outcome.refused();
    }
    let outcome = scratch.minirun(["umount", "busy", "/nothing"]).run();
    assert!(outcome.refused().contains("nothing is mounted"), "{outcome}");
    scratch.minirun(["umount", "busy", "relative"]).run().refused();
    for destination in ["/data", "/memory"] {
        busy.umount(destination);
        assert_eq!(busy.line(destination), None);
    }
    assert_eq!(busy.row("/data")["Got"], Value::Null);
}

#[test]
fn a_busy_mount_goes_only_lazily() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &[]);
    busy.mount("data:/data");
    busy.shell("mkdir /data/below; cd /data; sleep 1000 >/dev/null 2>&1 & echo $! >/tmp/pid");
    let outcome = scratch.minirun(["umount", "busy", "/data"]).run();
    let text = outcome.refused();
    assert!(text.contains("EBUSY") && text.contains("--lazy"), "{outcome}");
    assert!(busy.line("/data").is_some());
    busy.mount("more:/data/below");
    scratch.minirun(["umount", "-l", "busy", "/data"]).run().success();
    assert_eq!((busy.line("/data"), busy.line("/data/below")), (None, None));
    let live = busy.table().into_iter().filter(|row| row["Origin"] == "mount").count();
    assert_eq!(live, 0);
    assert_eq!(busy.inspected()["Mounts"].as_array().unwrap().len(), 1);
    busy.shell("kill $(cat /tmp/pid)");
}

#[test]
fn a_volume_that_was_mounted_later_is_in_use() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &[]);
    busy.mount("late:/late");
    let outcome = scratch.minirun(["volume", "rm", "late"]).run();
    assert_ne!(outcome.code, Some(0), "{outcome}");
    let mounts = busy.inspected()["Mounts"].clone();
    let names: Vec<&str> =
        mounts.as_array().unwrap().iter().filter_map(|mount| mount["Name"].as_str()).collect();
    assert_eq!(names, ["late"]);
    busy.umount("/late");
    scratch.minirun(["volume", "rm", "late"]).run().success();
    busy.mount("late:/late");
    drop(busy);
    // With the container its later mounts are gone.
    scratch.minirun(["volume", "rm", "late"]).run().success();
}

#[test]
fn what_is_no_running_container_takes_no_mounts() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--name", "ended", "-v", "data:/data:ro", IMAGE, "true"]).run().success();
    for words in [&["mount", "ended", "data:/x"][..], &["umount", "ended", "/data"]] {
        let outcome = scratch.minirun(words).run();
        assert!(outcome.refused().contains("not running"), "{outcome}");
    }
    let outcome = scratch.minirun(["mount", "nobody", "data:/x"]).run();
    assert!(outcome.refused().contains("no container"), "{outcome}");
    for words in [&["mount"][..], &["mount", "ended"]] {
        let outcome = scratch.minirun(words).run();
        assert!(outcome.refused().contains("minirun unshare"), "{outcome}");
    }
    let text = scratch.minirun(["mounts", "ended", "--format", "json"]).run().success();
    let rows: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(rows[0]["Destination"], "/data");
    assert_eq!((&rows[0]["Asked"][0], &rows[0]["Got"]), (&json!("ro"), &Value::Null));
    assert!(scratch.minirun(["mounts", "ended"]).run().success().contains("not mounted"));
    let pid = scratch.minirun(["inspect", "ended", "-f", "{{.State.Pid}}"]).run().success();
    assert_eq!(pid, "0");
}

#[test]
fn what_only_a_start_can_do_is_said() {
    let scratch = Scratch::with_image();
    let source = scratch.directory("source");
    let _busy = Busy::start(&scratch, &[]);
    let before = scratch.listing();
    for spec in [
        "/anonymous".to_owned(),
        "type=volume,dst=/anonymous".to_owned(),
        format!("{}:/x:cow", source.display()),
        format!("type=glob,src={}/*,dst=/x", source.display()),
    ] {
        let outcome = scratch.minirun(["mount", "busy", &spec]).run();
        assert!(outcome.refused().contains("hint: "), "{outcome}");
    }
    for words in
        [&["mount", "busy", "a:/b", "-v", "c:/d"][..], &["mount", "busy", "v:/c"], &["mount", "busy", "x:y"]]
    {
        scratch.minirun(words).run().refused();
    }
    assert_eq!(scratch.listing(), before);
}

#[test]
fn a_mount_command_that_is_killed_leaves_nothing_to_see() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &[]);
    busy.mount("data:/x");
    busy.umount("/x");
    for round in 0..40 {
        let running = scratch.minirun(["mount", "busy", "data:/x"]).start();
        std::thread::sleep(Duration::from_micros(round * 500));
        running.signal(Signal::SIGKILL);
        running.wait();
        let seen = busy.line("/x").is_some();
        assert_eq!(busy.table().iter().any(|row| row["Origin"] == "mount"), seen, "round {round}");
        let listed = busy.inspected()["Mounts"].as_array().unwrap().len() == 2;
        assert_eq!(listed, seen, "round {round}");
        if seen {
            busy.umount("/x");
        }
    }
    busy.mount("data:/x");
}

#[test]
fn nothing_of_the_caller_gets_in() {
    let scratch = Scratch::with_image();
    let shared = scratch.directory("shared");
    let busy = Busy::start(&scratch, &[]);
    busy.shell(
        "(while [ ! -e /ctl/enough ]; do ls /proc | grep -x '[0-9]*'; done) >/ctl/seen 2>&1 & echo $!",
    );
    for _ in 0..10 {
        busy.mount(&format!("{}:/x", shared.display()));
        busy.umount("/x");
    }
    fs::write(scratch.path("ctl/enough"), "").unwrap();
    // Process 1, the loop, what it starts and what it is told: nobody who has entered is among them.
    let command_lines = busy.shell("for one in /proc/[0-9]*; do tr '\\0' ' ' <$one/cmdline; echo; done");
    assert!(!command_lines.contains("minirun"), "{command_lines}");
    assert!(!busy.shell("ls -l /proc/1/fd").contains("shared"));
}

#[test]
fn the_table_is_a_tree_of_what_was_asked_and_got() {
    let scratch = Scratch::with_image();
    let odd = scratch.directory("a b\\c");
    let flags =
        ["-v", &format!("{}:/odd name:ro", odd.display()), "--tmpfs", "/memory:size=64k", "-v", "data:/data"];
    let busy = Busy::start(&scratch, &flags);
    busy.mount("inner:/data/inner");
    let text = scratch.minirun(["mounts", "busy"]).run().success();
    let header: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["DESTINATION", "TYPE", "SOURCE", "ASKED", "GOT", "PROPAGATION", "NOTE"]);
    assert!(text.lines().nth(1).unwrap().starts_with("/ "), "{text}");
    let inner = text.lines().position(|line| line.contains("─/data/inner ")).unwrap();
    assert!(text.lines().nth(inner - 1).unwrap().contains("─/data "), "{text}");

    let row = busy.row("/odd name");
    assert_eq!((&row["Type"], &row["Source"]), (&json!("bind"), &json!(odd.to_str().unwrap())));
    assert_eq!(
        (&row["Asked"][0], &row["Got"][0], &row["Origin"]),
        (&json!("ro"), &json!("ro"), &json!("run"))
    );
    let row = busy.row("/memory");
    assert!(row["Got"].as_array().unwrap().contains(&json!("size=64k")), "{row}");
    let row = busy.row("/data");
    assert_eq!(
        (&row["Type"], &row["Source"], &row["Asked"]),
        (&json!("volume"), &json!("data"), &json!(["rw"]))
    );
    assert_eq!(busy.row("/data/inner")["Parent"], row["Id"]);
    assert_eq!(busy.row("/proc")["Asked"], Value::Null);
    assert_eq!(busy.row("/etc/hosts")["Type"], "generated");
    // Root's nodes are made anew, and are no mounts.
    if !rustix::process::geteuid().is_root() {
        assert_eq!(busy.row("/dev/null")["Type"], "device");
    }
    let names = scratch.minirun(["mounts", "busy", "--format", "{{.Destination}}"]).run().success();
    assert!(names.lines().any(|line| line == "/odd name"), "{names}");
}

#[test]
fn what_the_kernel_refuses_is_noted() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    let scratch = Scratch::new();
    scratch.directory("locked");
    Image::base().write_layout(&scratch.path("layout"), IMAGE);
    let script = "mount -t tmpfs -o ro tmpfs \"$SCRATCH/locked\"
        \"$MINIRUN\" load -q -i \"$SCRATCH/layout\" >/dev/null
        \"$MINIRUN\" run --rm --name busy -v \"$SCRATCH/locked:/locked\" example.test/base:1 sleep 1000 &
        for try in $(seq 200); do \"$MINIRUN\" mounts busy 2>/dev/null && break; sleep 0.05; done
        \"$MINIRUN\" rm -f busy; wait";
    let output = scratch.mounting_script(script).run().stdout();
    let line = output.lines().find(|line| line.contains("/locked"));
    assert!(line.is_some_and(|line| line.contains("rw refused")), "{output}");
}

#[test]
fn the_process_id_is_init_s() {
    let scratch = Scratch::with_image();
    let busy = Busy::start(&scratch, &[]);
    let pid = busy.state("Pid");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ids = status.lines().find(|line| line.starts_with("NSpid:")).unwrap();
    assert!(ids.ends_with("\t1"), "{ids}");
    assert_eq!(busy.inspected()["State"]["Pid"].to_string(), pid);
}
