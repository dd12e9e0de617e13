#!/bin/sh
# The main job: what goes to the volume stays, what goes to the tmpfs is gone, the machine is untouched.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

run() {
    "$minirun" run --rm -v data:/data --tmpfs /tmp host sh -c "$1"
}

echo "The first container writes to its volume, its tmpfs and its root:"
run 'echo "hello" >/data/greeting; echo "note" >/tmp/note; echo "scratch" >/minirun-scratch; ls /data /tmp'

echo "The second one finds:"
found=$(run 'cat /data/greeting; ls -A /tmp; ls /minirun-scratch 2>/dev/null || true')
echo "$found"
expect "hello" "$found"
[ ! -e /minirun-scratch ]
