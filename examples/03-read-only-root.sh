#!/bin/sh
# Nothing in the root filesystem can be changed; the program writes where it is meant to: in two tmpfs and a volume.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

output=$("$minirun" run --rm --read-only --tmpfs /tmp:rw,size=1m --tmpfs /run:rw,size=64k \
    -v app_data:/app/data host sh -c '
    if touch /etc/changed 2>/dev/null; then echo "the root can be written"; exit 1; fi
    echo "the root refuses"
    echo work >/tmp/work && echo "the tmpfs takes it"
    echo "$$" >/run/app.pid && echo "and so does the other"
    cp /tmp/work /app/data/ && echo "the volume keeps it"
    dd if=/dev/zero of=/tmp/fill bs=1024 count=4096 2>/dev/null || echo "the tmpfs is full at its size"')
echo "$output"
expect "the root refuses
the tmpfs takes it
and so does the other
the volume keeps it
the tmpfs is full at its size" "$output"
