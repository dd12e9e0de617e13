//! Containers stand still while their files are copied, where they have a cgroup of their own; and go on afterwards.

use crate::stats::in_a_cgroup;
use crate::support::{IMAGE, Scratch};

/// Writes the same number into all files of two directories, one after the other, again and again; over what they had, as
/// file systems take their time to make files empty.
const WRITER: &str = "mkdir -p /d; n=100000; while :; do n=$((n+1)); i=10; while [ $i -lt 50 ]; do \
                      echo $n 1<>/d/$i; echo $n 1<>/v/$i; i=$((i+1)); done; done";

/// What the scripts use: a container called `one` with a volume, and what they look at.
fn prelude(more: &str) -> String {
    format!(
        "$m volume create data >/dev/null; $m run -d --name one -v data:/v {IMAGE} sh -c '{more}{WRITER}' >/dev/null; \
         freeze=$(echo $own/minirun-*)/cgroup.freeze; \
         i=0; until test \"$($m exec one cat /v/49)\" -gt 0 2>/dev/null || [ $i -gt 200 ]; do sleep 0.1; i=$((i+1)); done; \
         whole() {{ cat $1/?? | sort -n | sed -n '1p;$p' | tr '\\n' ' ' | {{ read a b; test $((b-a)) -le 1 \
         && echo whole || echo torn $a $b; }}; }}; \
         until_is() {{ i=0; while [ \"$(cat $freeze)\" != $1 ] && [ $i -lt 200 ]; do sleep 0.02; i=$((i+1)); done; \
         cat $freeze; }}; \
         goes_on() {{ a=$($m exec one cat /d/10); i=0; while [ $i -lt 50 ]; do sleep 0.05; b=$($m exec one cat /d/10); \
         test -n \"$b\" && test \"$a\" != \"$b\" && echo goes on && return; i=$((i+1)); done; echo stands still; }}; "
    )
}

#[test]
fn what_is_copied_is_of_one_moment() {
    let scratch = Scratch::with_image();
    let out = scratch.directory("out");
    // What takes its time between the others.
    let big = "mkdir /d; i=10; while [ $i -lt 50 ]; do echo 0 >/d/$i; dd if=/dev/zero of=/d/$i.big bs=1M count=1 \
               2>/dev/null; i=$((i+1)); done; cp /d/* /v; ";
    let script = prelude(big)
        + &format!(
            "cd {out}; mkdir tar export kept; \
             $m cp one:/d . && whole d; $m cp one:/v v && whole v; \
             $m cp one:/d - >d.tar && tar xf d.tar -C tar && whole tar/d; \
             $m export -o e.tar one && tar xf e.tar -C export d && whole export/d; \
             $m commit -q -p one example.test/made:1 >/dev/null; $m create --name two example.test/made:1 true >/dev/null; \
             $m cp two:/d two && whole two; \
             $m volume snapshot data kept >/dev/null; $m volume export -o k.tar data@kept; tar xf k.tar -C kept && whole kept; \
             $m volume export -o s.tar data; rm -r kept/*; tar xf s.tar -C kept && whole kept; \
             $m volume clone data other >/dev/null; whole $($m volume inspect -f '{{{{.Mountpoint}}}}' other); \
             $m diff one >/dev/null; goes_on; $m cp one:/nowhere . 2>/dev/null; goes_on; $m rm -f one two >/dev/null",
            out = out.display()
        );
    let Some(said) = in_a_cgroup("what_is_copied_is_of_one_moment", &scratch, &script) else { return };
    let wanted = "whole\n".repeat(8) + "goes on\ngoes on\nleft:";
    assert_eq!(said, wanted);
}

#[test]
fn who_is_killed_while_copying_leaves_nobody_standing_still() {
    let scratch = Scratch::with_image();
    let big = "dd if=/dev/zero of=/big bs=1M count=60 2>/dev/null; ";
    let out = scratch.text("out.tar");
    let script = prelude(big)
        + &format!(
            "for signal in KILL HUP TERM; do \
             setsid $m commit -q one >/dev/null & until_is 1; kill -$signal $!; wait 2>/dev/null; until_is 0; goes_on; done; \
             $m commit -q one >/dev/null & until_is 1; kill -KILL $! $(pgrep -P $!); wait 2>/dev/null; \
             i=0; until [ $(cat $freeze) = 0 ] || [ $i -gt 100 ]; do $m ps -q >/dev/null; sleep 0.02; i=$((i+1)); done; \
             $m ps --format '{{{{.Status}}}}' | grep -c Paused; cat $freeze; goes_on; \
             $m commit -q one >/dev/null & until_is 1; $m pause one; wait; until_is 1; $m unpause one; goes_on; \
             $m commit -q one >/dev/null & until_is 1; $m export -o {out} one; wait; until_is 0; \
             $m commit -q one >/dev/null & until_is 1; $m kill one; wait; $m rm one"
        );
    let test = "who_is_killed_while_copying_leaves_nobody_standing_still";
    let Some(said) = in_a_cgroup(test, &scratch, &script) else { return };
    let wanted =
        "1\n0\ngoes on\n".repeat(3) + "1\n0\n0\ngoes on\n1\none\n1\none\ngoes on\n1\n0\n1\none\none\nleft:";
    assert_eq!(said, wanted);
}

#[test]
fn a_pause_of_the_user_stays_and_pipes_do_not_pause() {
    let scratch = Scratch::with_image();
    let out = scratch.text("out.tar");
    let script = prelude("")
        + &format!(
            "$m pause one; $m export -o {out} one; $m cp one:/d {out}.d; $m volume snapshot data kept; \
             $m inspect -f '{{{{.State.Status}}}}' one; cat $freeze; $m unpause one; \
             $m cp one:/d - | $m exec -i one tar x -C /tmp; $m exec one ls /tmp/d | wc -l; \
             $m commit -q --pause=false one >/dev/null; goes_on; $m rm -f one"
        );
    let test = "a_pause_of_the_user_stays_and_pipes_do_not_pause";
    let Some(said) = in_a_cgroup(test, &scratch, &script) else { return };
    assert_eq!(said, "one\ndata@kept\npaused\n1\none\n40\ngoes on\none\nleft:");
}

#[test]
fn without_a_cgroup_it_is_said_where_it_was_asked_for() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one"], "sleep 100");
    if scratch.minirun(["pause", "one"]).run().code == Some(0) {
        scratch.minirun(["unpause", "one"]).run().success();
        return;
    }
    let done = scratch.minirun(["commit", "--pause", "one"]).run();
    assert!(done.stderr().contains("the container is not paused, as it has no cgroup of its own"), "{done}");
    let done = scratch.minirun(["commit", "one"]).run();
    assert_eq!((done.code, done.stderr()), (Some(0), ""), "{done}");
}
