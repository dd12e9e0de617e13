//! What containers take, and letting them stand still.

use std::path::Path;

use serde_json::Value;

use crate::support::{Caller, IMAGE, Scratch, can_mount, eventually, skip};

#[test]
fn running_containers_have_a_line_each() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "busy"], "while :; do :; done");
    scratch.detach(&["--name", "idle"], "sleep 100");
    scratch.minirun(["create", "--name", "new", IMAGE, "true"]).run().success();
    let table = scratch.minirun(["stats", "--no-stream"]).run().success();
    let heading = table.lines().next().unwrap();
    for title in
        ["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "PIDS", "COUNTED BY"]
    {
        assert!(heading.contains(title), "{table}");
    }
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("processes") || table.contains("cgroup"), "{table}");
    let all = scratch.minirun(["stats", "-a", "--format", "{{.Name}} {{.Source}}"]).run().success();
    assert!(all.contains("new none"), "{all}");

    let json = scratch.minirun(["stats", "--no-stream", "--format", "json", "busy"]).run().success();
    let busy: Value = serde_json::from_str(&json).unwrap();
    let percent: f64 = busy["CPUPerc"].as_str().unwrap().trim_end_matches('%').parse().unwrap();
    assert!(percent > 5.0, "{busy}");
    assert_eq!(busy["PIDs"], "1", "{busy}");
    assert!(!busy["MemUsage"].as_str().unwrap().starts_with("0B"), "{busy}");
    scratch.minirun(["stats", "--no-stream", "nobody"]).run().fails(1);
    scratch.minirun(["rm", "-f", "busy", "idle"]).run().success();
}

#[test]
fn without_a_cgroup_nothing_is_paused() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "sleep 100");
    let outcome = scratch.minirun(["pause", "one"]).run();
    if outcome.code == Some(0) {
        assert_eq!(scratch.field("one", ".State.Status"), "paused");
        scratch.minirun(["unpause", "one"]).run().success();
    } else {
        assert!(outcome.fails(1).contains("no cgroup of its own"), "{outcome}");
        assert_eq!(scratch.field("one", ".State.Status"), "running");
    }
    scratch.minirun(["unpause", "one"]).run().fails(1);
    scratch.minirun(["rm", "-f", "one"]).run().success();
    scratch.minirun(["pause", "one"]).run().fails(1);
}

/// Runs a script in a mount namespace of its own, where a cgroup of version 2 of its own is the caller's.
pub(crate) fn in_a_cgroup(test: &str, scratch: &Scratch, script: &str) -> Option<String> {
    if Caller::detect() != Caller::Root || !can_mount() {
        skip(test, "only root can make itself a cgroup");
        return None;
    }
    let minirun = format!("{} --store {}", env!("CARGO_BIN_EXE_minirun"), scratch.store().display());
    let place = scratch.directory("cgroups");
    // The name of the directory is nobody else's.
    let own = scratch.path("").components().next_back().unwrap().as_os_str().to_string_lossy().into_owned();
    let script = format!(
        "set -e; mount -t cgroup2 none {place}; mount --bind {place} /sys/fs/cgroup; own=/sys/fs/cgroup/{own}; \
         mkdir $own; leave() {{ echo $$ >/sys/fs/cgroup/cgroup.procs; echo left: $(find $own -mindepth 1 -type d); \
         rmdir $own; }}; trap leave EXIT; echo $$ >$own/cgroup.procs; m='{minirun}'; set +e; {script}",
        place = place.display()
    );
    Some(scratch.mounting_script(&script).run().success())
}

#[test]
fn containers_have_cgroups_where_there_can_be_some() {
    let scratch = Scratch::with_image();
    let test = "containers_have_cgroups_where_there_can_be_some";
    let script = format!(
        "$m run -d --name one {IMAGE} sleep 100 >/dev/null; ls -d $own/minirun-* | wc -l; \
         $m exec -d one sleep 50; wc -l <$(echo $own/minirun-*)/cgroup.procs; \
         $m stats --no-stream --format '{{{{.Source}}}}'; \
         $m restart -t 0 one; ls -d $own/minirun-* | wc -l; \
         $m stop -t 0 one; ls -d $own/minirun-* 2>/dev/null | wc -l; \
         $m inspect -f '{{{{.Result.usage.source}}}}' one; \
         $m run --rm {IMAGE} sleep 100 & sleep 1; kill -9 $!; wait 2>/dev/null; ls -d $own/minirun-* | wc -l; \
         $m run --rm {IMAGE} true; ls -d $own/minirun-* 2>/dev/null | wc -l; $m rm one"
    );
    let Some(said) = in_a_cgroup(test, &scratch, &script) else { return };
    // Monitor, init, and for exec the escort and the guest.
    assert_eq!(said, "1\n4\ncgroup\none\n1\none\n0\ncgroup\n1\n0\none\nleft:");
}

#[test]
fn a_container_with_a_cgroup_can_stand_still() {
    let scratch = Scratch::with_image();
    let script = format!(
        "$m run -d --name one {IMAGE} sh -c 'while :; do date +%N; sleep 0.05; done' >/dev/null; \
         $m pause one; $m inspect -f '{{{{.State.Status}}}} {{{{.State.Paused}}}}' one; \
         $m ps --format '{{{{.Status}}}}' | grep -c Paused; \
         before=$($m logs one | wc -l); sleep 0.3; test $before = $($m logs one | wc -l) && echo still; \
         $m exec one true 2>&1 | head -n 1; $m unpause one; $m inspect -f '{{{{.State.Status}}}}' one; \
         sleep 0.3; test $before != $($m logs one | wc -l) && echo goes on; \
         $m pause one; $m stop -t 5 one; $m start one; $m pause one; $m kill one; $m start one; \
         $m pause one; $m rm -f one"
    );
    let Some(said) = in_a_cgroup("a_container_with_a_cgroup_can_stand_still", &scratch, &script) else {
        return;
    };
    let wanted = "one\npaused true\n1\nstill\nerror: container `one` is paused: nothing can begin in it\none\nrunning\n\
                  goes on\none\none\none\none\none\none\none\none\nleft:";
    assert_eq!(said, wanted);
}

#[test]
fn live_only_on_a_terminal() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "sleep 100");
    assert!(Path::new(&scratch.store()).exists());
    let mut terminal = crate::support::Terminal::start(scratch.minirun(["stats"]));
    terminal.expect("COUNTED BY");
    terminal.expect("COUNTED BY");
    terminal.send("\u{3}");
    terminal.wait();
    scratch.minirun(["rm", "-f", "one"]).run().success();
    eventually("it is gone", || scratch.minirun(["ps", "-q"]).run().success().is_empty());
}
