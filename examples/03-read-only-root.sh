#!/bin/sh
# Nothing in the root filesystem can be changed; the program works in a tmpfs and a volume.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

output=$("$minirun" run --rm --read-only --tmpfs /tmp:size=1m -v state:/state host sh -c '
    if touch /etc/changed 2>/dev/null; then echo "the root can be written"; exit 1; fi
    echo "the root refuses"
    echo work >/tmp/work && echo "the tmpfs takes it"
    cp /tmp/work /state/ && echo "the volume keeps it"
    dd if=/dev/zero of=/tmp/fill bs=1024 count=4096 2>/dev/null || echo "the tmpfs is full at its size"')
echo "$output"
expect "the root refuses
the tmpfs takes it
the volume keeps it
the tmpfs is full at its size" "$output"
